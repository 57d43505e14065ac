"""A study with things planted in it that must not come out: phantom images and a structure set, with a
word, number or date of its own in every place that tells of a patient.

Each plant is one token that stands nowhere else, so what comes out names the place that let it out.
Rows of the shared list of plants have its numbers (P016); those of this file begin with X.
Not executable, so tests/e2e/run leaves it alone.
"""
import glob
import io
import os
import struct

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from wire import element

PATIENT_ID, PATIENT_NAME = "MRQX87654321", "Qxsmith^Johnqx"
# dates: nobody else's
STUDY_DATE, SERIES_DATE, ACQUISITION_DATE, BIRTH_DATE = "20170313", "20170319", "20170321", "19310417"
JAPANESE, CHINESE = "山田^太郎", "王^小东"
ACCENTED = "Qxmu\u0308ller^Ame\u0301lie"  # decomposed: u + diaeresis


class Plant:
    """`forms`: the bytes to be looked for, in lower case; `path`: keywords and numbers from the outside
    in; `where`: "ct", "rs", "meta" (only in files, never on the wire)."""

    def __init__(self, name, path, where, *forms):
        self.name, self.path, self.where = name, path, where
        self.forms = [form.lower() for form in forms]

    def __repr__(self):
        return "%s %s in %s" % (self.name, ">".join(self.path), self.where)


def utf16(text):
    return [text.encode("utf-16-le"), text.encode("utf-16-be")]


class Planter:
    def __init__(self):
        self.plants, self.count = [], 0

    def token(self, name, path, where):
        """A new word of 8 characters."""
        self.count += 1
        word = "qx%03dzjk" % self.count
        self.plants.append(Plant(name, path, where, word.encode(), *utf16(word), *utf16(word.upper())))
        return word

    def known(self, name, path, where, *values):
        """A value that is given, in several encodings."""
        forms = [v if isinstance(v, bytes) else v.encode("ascii") for v in values]
        self.plants.append(Plant(name, path, where, *forms))

    def put(self, ds, name, where, path, text="{}"):
        """`text` with {} for the token at the path below ds, sequences made as needed."""
        at = ds
        for step in path[:-1]:
            if step not in at:
                setattr(at, step, Sequence([Dataset()]))
            at = getattr(at, step)[0]
        token = self.token(name, path, where)
        value = text.replace("{}", token)
        tag = Tag(path[-1])
        vr = pydicom.datadict.dictionary_VR(tag)
        if vr in ("LO", "LT", "ST", "UT") and len(value) < 40:  # where descriptions are kept and cleaned
            value += " of Johnqx/QXSMITH"
        at.add_new(tag, vr, value)


# (number, path, text): in images and structure set alike
TEXTS = [
    ("P014", ("IssuerOfPatientID",), "HOSP{}"),
    ("P014", ("IssuerOfPatientIDQualifiersSequence", "UniversalEntityID"), "1.2.3.{}"),
    ("P016", ("OtherPatientIDsSequence", "PatientID"), "MRN{}"),
    ("P016", ("OtherPatientIDsSequence", "IssuerOfPatientID"), "{}"),
    ("P019", ("ProtocolName",), "Pelvis {}"),
    ("P020", ("ReferencedPerformedProcedureStepSequence", "PerformedProcedureStepID"), "{}"),
    ("P022", ("OriginalAttributesSequence", "ModifiedAttributesSequence", "PatientName"), "Smith^{}"),
    ("P022", ("OriginalAttributesSequence", "ModifyingSystem"), "SYS{}"),
    ("P022", ("OriginalAttributesSequence", "SourceOfPreviousValues"), "{}"),
    ("P026", ("ContributingEquipmentSequence", "InstitutionName"), "Hospital {}"),
    ("P026", ("ContributingEquipmentSequence", "InstitutionAddress"), "Road {}"),
    ("P026", ("ContributingEquipmentSequence", "StationName"), "WS{}"),
    ("P026", ("ContributingEquipmentSequence", "OperatorsName"), "Op^{}"),
    ("P026", ("ContributingEquipmentSequence", "DeviceSerialNumber"), "SN{}"),
    ("P028", ("AcquisitionContextSequence", "TextValue"), "prior of {}"),
    ("P028", ("AcquisitionContextSequence", "PersonName"), "Smith^{}"),
    ("P074", ("AccessionNumber",), "A{}"),
    ("P074", ("StudyID",), "S{}"),
    ("P076", ("RetrieveURL",), "https://pacs/{}"),
    ("P079", ("PrivateDataElementCharacteristicsSequence", "PrivateDataElementDefinitionSequence",
              "PrivateDataElementDescription"), "of {}"),
    ("X001", ("ReferringPhysicianName",), "Jones^{}"),
    ("X002", ("PhysiciansOfRecord",), "Record^{}"),
    ("X003", ("PerformingPhysicianName",), "Perform^{}"),
    ("X004", ("OperatorsName",), "Op^{}"),
    ("X005", ("NameOfPhysiciansReadingStudy",), "Read^{}"),
    ("X006", ("ConsultingPhysicianName",), "Con^{}"),
    ("X007", ("ReferringPhysicianIdentificationSequence", "PersonIdentificationCodeSequence", "CodeMeaning"), "Dr {}"),
    ("X008", ("ReferringPhysicianIdentificationSequence", "InstitutionName"), "Clinic {}"),
    ("X009", ("RequestAttributesSequence", "RequestedProcedureID"), "RP{}"),
    ("X010", ("RequestAttributesSequence", "ScheduledProcedureStepDescription"), "Scan of {}"),
    ("X011", ("RequestAttributesSequence", "RequestedProcedureDescription"), "for {}"),
    ("X012", ("PatientComments",), "calls himself {}"),
    ("X013", ("AdditionalPatientHistory",), "{} fell"),
    ("X014", ("PatientAddress",), "1 {} Street"),
    ("X015", ("PatientTelephoneNumbers",), "0{}"),
    ("X016", ("OtherPatientNames",), "Alias^{}"),
    ("X017", ("PatientBirthName",), "Born^{}"),
    ("X018", ("PatientMotherBirthName",), "Mother^{}"),
    ("X019", ("MilitaryRank",), "Maj {}"),
    ("X020", ("Occupation",), "{} maker"),
    ("X021", ("InstitutionName",), "Saint {}"),
    ("X022", ("InstitutionAddress",), "{} Road"),
    ("X023", ("InstitutionalDepartmentName",), "Dept {}"),
    ("X024", ("StationName",), "ST{}"),
    ("X025", ("DeviceSerialNumber",), "SN{}"),
    ("X026", ("AdmittingDiagnosesDescription",), "{} syndrome"),
    ("X027", ("AdmissionID",), "AD{}"),
    ("X028", ("CurrentPatientLocation",), "Ward {}"),
    ("X029", ("RequestingService",), "Serv {}"),
    ("X030", ("PersonAddress",), "Lane {}"),
    ("X031", ("ResponsiblePerson",), "Parent^{}"),
    ("X032", ("ResponsibleOrganization",), "Org {}"),
    ("X033", ("InsurancePlanIdentification",), "INS{}"),
    ("X034", ("ScheduledStudyLocation",), "R{}"),
    ("X035", ("ClinicalTrialSponsorName",), "Spons {}"),
    ("X036", ("ClinicalTrialSubjectID",), "SUB{}"),
    ("X037", ("ReferencedPatientSequence", "PatientComments"), "{}"),
    ("X038", ("ReferencedStudySequence", "PurposeOfReferenceCodeSequence", "CodeMeaning"), "{} prior"),
    ("X039", ("IssuerOfAccessionNumberSequence", "LocalNamespaceEntityID"), "NS{}"),
]

IMAGES = [
    ("X040", ("ImageComments",), "{} moved"),
    ("X041", ("AcquisitionComments",), "{} again"),
    ("X042", ("ReasonForStudy",), "because {}"),
    ("X043", ("DerivationDescription",), "made for {}"),
    ("X044", ("ContrastBolusAgent",), "agent {}"),
    ("X045", ("GantryID",), "G{}"),
    ("X046", ("DetectorID",), "D{}"),
    ("X047", ("PlateID",), "P{}"),
    ("X048", ("PerformedProcedureStepID",), "PPS{}"),
    ("X049", ("PerformedProcedureStepDescription",), "Step {}"),
    ("X050", ("PerformedLocation",), "Room {}"),
    ("X051", ("CommentsOnThePerformedProcedureStep",), "{}"),
    ("X052", ("PerformedStationName",), "PS{}"),
    ("X053", ("RequestingPhysician",), "Req^{}"),
    ("X054", ("FilmConsumptionSequence", "MediumType"), "{}"),
    ("P019", ("AcquisitionDeviceProcessingDescription",), "Dev {}"),
]

STRUCTURES = [
    ("P061", ("InterpretedROI",), None),
    ("P062", ("ReviewerName",), "Jones^{}"),
    ("X060", ("StructureSetLabel",), "L{}"),
    ("X061", ("StructureSetName",), "Plan of {}"),
    ("X062", ("StructureSetDescription",), "Drawn for {}"),
    ("X063", ("InstanceOriginStatus",), None),
]

# UI values of the source, one each: (number, path, where)
UIDS = [
    ("P020", ("ReferencedPerformedProcedureStepSequence", "ReferencedSOPInstanceUID")),
    ("P025", ("ReferencedImageSequence", "ReferencedSOPInstanceUID")),
    ("X070", ("ReferencedStudySequence", "ReferencedSOPInstanceUID")),
    ("X071", ("SynchronizationFrameOfReferenceUID",)),
    ("X072", ("IrradiationEventUID",)),
    ("X073", ("RequestAttributesSequence", "StudyInstanceUID")),
    ("X074", ("DeviceUID",)),
    ("X075", ("VolumeFrameOfReferenceUID",)),
]

# (number, path, value): dates and times in every form
DATES = [
    ("P017", ("PatientBirthDate",), BIRTH_DATE),
    ("P052", ("StudyDate",), STUDY_DATE),
    ("P052", ("SeriesDate",), SERIES_DATE),
    ("P052", ("AcquisitionDate",), ACQUISITION_DATE),
    ("P053", ("DateOfLastCalibration",), "20161129\\20161201"),
    ("X080", ("AcquisitionDateTime",), "20170323101500.123456+0130"),
    ("X081", ("ContributingEquipmentSequence", "ContributionDateTime"), "20170327101500"),
    ("X082", ("ScheduledProcedureStepStartDate",), "2017.03.29"),
    ("X083", ("PerformedProcedureStepStartDate",), "20170331-20170402"),
    ("X084", ("LastMenstrualDate",), "20170211"),
]


def put_common(p, ds, where):
    ds.PatientID, ds.PatientName = PATIENT_ID, PATIENT_NAME
    ds.PatientSex, ds.PatientAge, ds.PatientWeight, ds.PatientSize = "F", "086Y", "71.5", "1.62"
    for name, path, text in TEXTS:
        p.put(ds, name, where, path, text)
    # the second item, and a name beside it
    more = Dataset()
    more.PatientID = "SSN" + p.token("P016", ("OtherPatientIDsSequence", "PatientID"), where)
    ds.OtherPatientIDsSequence.append(more)
    for number, (name, path) in enumerate(UIDS):
        value = "1.2.826.0.1.99%s.87654321.%d" % (STUDY_DATE, number + 1)
        at = ds
        for step in path[:-1]:
            if step not in at:
                setattr(at, step, Sequence([Dataset()]))
            at = getattr(at, step)[0]
        setattr(at, path[-1], value)
        p.known(name, path, where, value)
    for name, path, value in DATES:
        at = ds
        for step in path[:-1]:
            at = getattr(at, step)[0]
        tag = Tag(path[-1])
        at.add_new(tag, pydicom.datadict.dictionary_VR(tag), value.split("\\"))
        p.known(name, path, where, *[v.replace(".", "")[:8] if "-" in v else v[:8] if "." not in v[:8] else v[:10]
                                     for v in value.split("\\")])
    ds.StudyDescription = "Pelvis %s %s" % (PATIENT_NAME.replace("^", " "), "01/03/1940")
    # names of institution, station and study again, where text is kept and cleaned
    ds.SeriesDescription = "Axial of %s at %s" % (PATIENT_ID, ds.InstitutionName)
    ds.PositionReferenceIndicator = "SN %s" % ds.StationName
    ds.StudyDescription = "%s, %s" % (ds.StudyDescription, ds.StudyID)
    ds.SoftwareVersions = ["V1", "for %s" % ds.InstitutionalDepartmentName]
    ds.TimezoneOffsetFromUTC = "+0130"
    put_private(p, ds, where)


def put_private(p, ds, where):
    """Private elements at the top, in items, sequences inside; UN; creators that are not there."""
    def token(path):
        return p.token("private", path, where)

    ds.add_new(0x00090010, "LO", "GEMS_IDEN_01")
    ds.add_new(0x00091027, "LO", "P035 " + token(("0009,1027",)))
    ds.add_new(0x00290010, "LO", "SIEMENS CSA HEADER")
    ds.add_new(0x00291010, "OB", b"\0\1SV10" + token(("0029,1010",)).encode() + b"\0")
    ds.add_new(0x00291020, "UN", token(("0029,1020",)).encode())
    inner = Dataset()
    inner.PatientName = "Smith^" + token(("0099,1001", "PatientName"))
    inner.SOPInstanceUID = "1.2.826.0.1.99.87654321.77"
    deeper = Dataset()
    deeper.add_new(0x00990010, "LO", "ACME")
    deeper.add_new(0x00991002, "LO", token(("0099,1001", "0099,1003", "0099,1002")))
    inner.add_new(0x00990010, "LO", "ACME")
    inner.add_new(0x00991003, "SQ", Sequence([deeper]))
    ds.add_new(0x00990010, "LO", "ACME")
    ds.add_new(0x00991001, "SQ", Sequence([inner]))
    ds.add_new(0x00431061, "UI", "1.2.826.0.1.99.87654321.78")  # no creator
    p.known("P035", ("0043,1061",), where, "1.2.826.0.1.99.87654321.78")
    p.known("P038", ("0099,1001", "SOPInstanceUID"), where, "1.2.826.0.1.99.87654321.77")


def put_image(p, ds, number):
    for name, path, text in IMAGES:
        if path[-1] in ("MediumType",):
            continue
        p.put(ds, name, "ct", path, text)
    ds.OtherPatientIDs = [p.token("X055", ("OtherPatientIDs",), "ct") for _ in range(2)]
    # names in other character sets, one an image
    charset, name = [("ISO_IR 192", ACCENTED), ("GB18030", CHINESE), (["", "ISO 2022 IR 87"], JAPANESE),
                     ("ISO_IR 100", "Qxmüller^Amélie")][number % 4]
    ds.SpecificCharacterSet = charset
    ds.NamesOfIntendedRecipientsOfResults = name
    encoded = {"ISO_IR 192": "utf-8", "GB18030": "gb18030", "ISO_IR 100": "latin-1"}
    python = encoded.get(charset) if isinstance(charset, str) else "iso2022_jp"
    for part in name.split("^"):
        forms = {part.encode(python), part.encode("utf-8"), *utf16(part)}
        if python == "iso2022_jp":
            forms.add(part.encode(python)[3:-3])  # without the escapes
        p.known("P049", ("NamesOfIntendedRecipientsOfResults",), "ct", *[f for f in forms if len(f) > 3])
    icon = Dataset()
    icon.SamplesPerPixel, icon.PhotometricInterpretation, icon.Rows, icon.Columns = 1, "MONOCHROME2", 2, 8
    icon.BitsAllocated, icon.BitsStored, icon.HighBit, icon.PixelRepresentation = 8, 8, 7, 0
    icon.add_new(0x7FE00010, "OB", p.token("P034", ("IconImageSequence", "PixelData"), "ct").encode().ljust(16))
    ds.IconImageSequence = Sequence([icon])
    for group in (0x6000, 0x601E):
        overlay(p, ds, group)
    ds.add_new(0x50002500, "LO", p.token("X056", ("5000,2500",), "ct"))
    # retired overlay in the upper bits, and a tail
    ds.BitsStored, ds.HighBit = 12, 11
    words = p.token("P032", ("PixelData",), "ct").encode()
    pixels = bytearray(ds.PixelData)
    for i in range(0, len(pixels), 2):
        pixels[i + 1] &= 0x0F
        pixels[i + 1] |= (words[i // 2 % len(words)] & 0x0F) << 4
    tail = p.token("P085", ("PixelData",), "ct").encode()
    ds.PixelData = bytes(pixels) + tail
    ds["PixelData"].VR = "OW"


def overlay(p, ds, group):
    ds.add_new(group << 16 | 0x10, "US", 8)
    ds.add_new(group << 16 | 0x11, "US", 16)
    ds.add_new(group << 16 | 0x40, "CS", "G")
    ds.add_new(group << 16 | 0x50, "SS", [1, 1])
    ds.add_new(group << 16 | 0x100, "US", 1)
    ds.add_new(group << 16 | 0x102, "US", 0)
    name = "%04x," % group
    ds.add_new(group << 16 | 0x22, "LO", "over " + p.token("P029", (name + "0022",), "ct"))
    ds.add_new(group << 16 | 0x1500, "LO", p.token("P031", (name + "1500",), "ct"))
    ds.add_new(group << 16 | 0x4000, "LT", p.token("P031", (name + "4000",), "ct"))
    ds.add_new(group << 16 | 0x3000, "OB", p.token("P029", (name + "3000",), "ct").encode().ljust(16))


def put_structures(p, ds):
    for name, path, text in STRUCTURES:
        if text:
            p.put(ds, name, "rs", path, text)
    ds.StructureSetDate, ds.ReviewDate, ds.ReviewTime = "20170403", "20170407", "101500"
    p.known("P062", ("ReviewDate",), "rs", "20170407")
    p.known("X064", ("StructureSetDate",), "rs", "20170403")
    ds.ApprovalStatus = "APPROVED"
    rois = ds.StructureSetROISequence
    # the patient's words in names; what is left of the vocabulary stays
    names = {2: "Qxsmith_Johnqx_GTV", 3: "GTV_" + PATIENT_ID, 4: "PTV 17Apr1931", 5: "SMITHQX JOHNQX lung",
             6: "Dr %s GTV" % p.token("P058", ("StructureSetROISequence", "ROIName"), "rs")}
    for index, name in names.items():
        rois[index].ROIName = name
    p.known("P058", ("StructureSetROISequence", "ROIName"), "rs", "17Apr1931")
    for index in range(4):
        rois[index].ROIDescription = "of " + p.token("P059", ("StructureSetROISequence", "ROIDescription"), "rs")
        rois[index].ROIGenerationDescription = p.token(
            "P059", ("StructureSetROISequence", "ROIGenerationDescription"), "rs")
    item = rois[0]
    item.add_new(0x32530010, "LO", "Varian Medical Systems VISION 3253")
    item.add_new(0x32531000, "OB", b"<xml>" + p.token(
        "P040", ("StructureSetROISequence", "3253,1000"), "rs").encode() + b"</xml> ")
    for index, observation in enumerate(ds.RTROIObservationsSequence):
        observation.ROIInterpreter = "Int^" + p.token("P061", ("RTROIObservationsSequence", "ROIInterpreter"), "rs")
        observation.ROIObservationLabel = p.token("X065", ("RTROIObservationsSequence", "ROIObservationLabel"), "rs")
        observation.ROIObservationDescription = p.token(
            "X066", ("RTROIObservationsSequence", "ROIObservationDescription"), "rs")
        if index > 2:
            break
    predecessor = Dataset()
    predecessor.ReferencedSOPClassUID, predecessor.ReferencedSOPInstanceUID = ds.SOPClassUID, "1.2.826.0.1.99.87654321.79"
    ds.PredecessorStructureSetSequence = Sequence([predecessor])
    p.known("P068", ("PredecessorStructureSetSequence", "ReferencedSOPInstanceUID"), "rs", "1.2.826.0.1.99.87654321.79")


def top_level(data):
    """(tag, from, to) of an explicit little endian data set with lengths."""
    at = 0
    while at + 8 <= len(data):
        group, number = struct.unpack_from("<HH", data, at)
        if data[at + 4:at + 6] in (b"OB", b"OW", b"OF", b"OD", b"SQ", b"UN", b"UT", b"UR", b"UC", b"OL", b"OV", b"SV"):
            end = at + 12 + struct.unpack_from("<I", data, at + 8)[0]
        else:
            end = at + 8 + struct.unpack_from("<H", data, at + 6)[0]
        yield group << 16 | number, at, end
        at = end


def splice(data, elements):
    """Raw elements {tag: bytes} at their places (beside one of the same tag: after it)."""
    out, left = b"", sorted(elements.items())
    for tag, begin, end in top_level(data):
        while left and left[0][0] < tag:
            out += left.pop(0)[1]
        out += data[begin:end]
    return out + b"".join(raw for _, raw in left)


def raw_elements(p, where):
    """What no library writes: lies about the VR, duplicates, groups that may not be, padding."""
    def token(name, path):
        return p.token(name, path, where).encode()

    hidden = element(0x00100010, "PN", token("P043", ("ScheduledProcedureStepSequence", "PatientName")), False)
    items = (struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF) + hidden + struct.pack("<HHI", 0xFFFE, 0xE00D, 0) +
             struct.pack("<HHI", 0xFFFE, 0xE0DD, 0))
    certificate = Dataset()
    certificate.CertificateOfSigner = b"CN=" + token("P011", ("DigitalSignaturesSequence",)) + b" "
    encrypted = Dataset()
    encrypted.EncryptedContent = token("P023", ("EncryptedAttributesSequence",)) + b" "
    gps = token("P077", ("0016,0072",))
    return {
        0x00030011: element(0x00030011, "LO", token("P041", ("0003,0011",)), True),
        0x00100010: element(0x00100010, "OB", b"Twice^" + token("P047", ("PatientName",)), True),
        0x00400006: element(0x00400006, "UN", token("P044", ("ScheduledPerformingPhysicianName",)), True),
        0x00160072: element(0x00160072, "LO", gps, True),
        0x00321060: element(0x00321060, "UN", token("P046", ("RequestedProcedureDescription",)), True),
        0x00400100: struct.pack("<HH2sHI", 0x0040, 0x0100, b"UN", 0, 0xFFFFFFFF) + items,
        0x04000500: sequence(0x04000500, encrypted),
        0xFFFAFFFA: sequence(0xFFFAFFFA, certificate),
        0xFFFCFFFC: element(0xFFFCFFFC, "OB", token("P010", ("DataSetTrailingPadding",)), True),
    }


def sequence(tag, item):
    ds = Dataset()
    ds.add_new(tag, "SQ", Sequence([item]))
    return encode(ds)


def encode(ds):
    out = pydicom.filebase.DicomBytesIO()
    out.is_little_endian, out.is_implicit_VR = True, False
    pydicom.filewriter.write_dataset(out, ds)
    return out.getvalue()


def write(p, ds, path, raw=True):
    where = "rs" if ds.Modality == "RTSTRUCT" else "ct"
    elements = raw_elements(p, where) if raw else {}
    ds.is_little_endian, ds.is_implicit_VR = True, False
    data = splice(encode(ds), elements)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = "1.2.826.0.1.99.87654321.80"
    meta.ImplementationVersionName = "V" + p.token("P007", ("0002,0013",), "meta")
    meta.SourceApplicationEntityTitle = "A" + p.token("P004", ("0002,0016",), "meta")
    meta.add_new(0x00020017, "AE", "S" + p.token("P004", ("0002,0017",), "meta"))
    meta.add_new(0x00020018, "AE", "R" + p.token("P004", ("0002,0018",), "meta"))
    meta.PrivateInformationCreatorUID = "1.2.826.0.1.99.87654321.81"
    meta.PrivateInformation = p.token("P007", ("0002,0102",), "meta").encode()
    out = io.BytesIO()
    out.write(p.token("P001", ("preamble",), "meta").encode().ljust(128) + b"DICM")
    file = pydicom.filebase.DicomFileLike(out)
    file.is_little_endian, file.is_implicit_VR = True, False
    pydicom.filewriter.write_file_meta_info(file, meta, enforce_standard=True)
    with open(path, "wb") as target:
        target.write(out.getvalue() + data)


def source_uids(folder):
    """Every instance UID that the objects of a folder hold, at every depth."""
    found = set()
    for path in glob.glob(folder + "/**/*.dcm", recursive=True):
        for one in pydicom.dcmread(path, stop_before_pixels=True, force=True).iterall():
            if one.VR == "UI" and one.value:
                values = [one.value] if isinstance(one.value, str) else list(one.value)
                found |= {str(v) for v in values if not str(v).startswith("1.2.840.10008.")}
    return {u for u in found if len(u) > 12}


def plant_study(phantom, folder, raw=True):
    """Everything planted in the study that `netrt phantom` wrote to `phantom`; the list of plants."""
    p = Planter()
    os.makedirs(folder + "/ct")
    os.makedirs(folder + "/rs")
    for number, path in enumerate(sorted(glob.glob(phantom + "/ct/*.dcm"))):
        ds = pydicom.dcmread(path)
        put_common(p, ds, "ct")
        put_image(p, ds, number)
        write(p, ds, "%s/ct/%s" % (folder, os.path.basename(path)), raw)
    ds = pydicom.dcmread(phantom + "/rs/RS.dcm")
    assert ds.file_meta.TransferSyntaxUID == ImplicitVRLittleEndian
    put_common(p, ds, "rs")
    put_structures(p, ds)
    write(p, ds, folder + "/rs/RS.dcm", raw)
    for words, path in ((PATIENT_NAME.split("^"), ("PatientName",)), ([PATIENT_ID], ("PatientID",))):
        for word in words:
            p.known("words", path, "ct", word, *utf16(word), *utf16(word.lower()), *utf16(word.upper()))
    p.known("P013", ("PatientName",), "ct", PATIENT_NAME)
    for value in source_uids(folder):
        p.known("UID", ("UID",), "ct", value)
    return p.plants
