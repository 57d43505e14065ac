"""Every row of the shared list of plants, as it is put into an object and what has to come of it; deid_plants.py
goes through them.

Not executable, so tests/e2e/run leaves it alone.
"""
import copy
import os
import struct

import pydicom
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from plants import encode, splice
from wire import element

NAME, ID = "SMITH^JOHN", "MRN12345678"
ROWS = {}


def row(number, where="CT"):
    def add(function):
        ROWS.setdefault(number, []).append((function, where))
        return function
    return add


class Case:
    """One object with plants, and what has to come of it."""

    def __init__(self, ds, profile):
        self.ds, self.profile, self.source = ds, profile, copy.deepcopy(ds)
        self.preamble, self.tail, self.meta, self.elements = b"\0" * 128, b"", Dataset(), {}
        self.forbidden, self.wants, self.refused, self.same_pixels = [], [], False, True
        self.change = lambda data: data

    def forbid(self, *values):
        for value in values:
            if isinstance(value, str):
                self.forbidden += [value.encode(), value.encode("utf-16-le"), value.encode("utf-16-be")]
            else:
                self.forbidden.append(value)

    def want(self, what, good):
        """`good` is asked with the object that comes out."""
        self.wants.append((what, good))

    def gone(self, *path):
        self.want("%s is gone" % ">".join(map(str, path)), lambda out: not reach(out, path))

    def put(self, path, value, vr=None):
        at = self.ds
        for step in path[:-1]:
            if step not in at:
                setattr(at, step, Sequence([Dataset()]))
            at = getattr(at, step)[0]
        tag = pydicom.tag.Tag(path[-1])
        at.add_new(tag, vr or pydicom.datadict.dictionary_VR(tag), value)

    def plant(self, path, value, vr=None, *more):
        self.put(path, value, vr)
        self.forbid(value if isinstance(value, (str, bytes)) else str(value), *more)

    def uid(self, path, value):
        """An UID: gone, or a new one."""
        self.put(path, value)
        self.forbid(value)

    def raw(self, tag, vr, value):
        self.elements[tag] = element(tag, vr, value, True)

    def write(self, path):
        meta = pydicom.dataset.FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = self.ds.SOPClassUID, self.ds.SOPInstanceUID
        meta.TransferSyntaxUID = getattr(self, "syntax", pydicom.uid.ExplicitVRLittleEndian)
        meta.ImplementationClassUID = "1.2.3.4"
        meta.update(self.meta)
        self.ds.is_little_endian, self.ds.is_implicit_VR = True, False
        file = pydicom.filebase.DicomBytesIO()
        file.is_little_endian, file.is_implicit_VR = True, False
        pydicom.filewriter.write_file_meta_info(file, meta, enforce_standard=True)
        data = self.change(splice(encode(self.ds), self.elements)) + self.tail
        with open(path, "wb") as target:
            target.write(self.preamble + b"DICM" + file.getvalue() + data)


def reach(ds, path):
    """What is at the end of a path, of the first item that has it; None."""
    for step in path[:-1]:
        items = ds.get(step) or []
        ds = next((i for i in items if path[-1] in i or len(path) > 2), None)
        if ds is None:
            return None
    return ds.get(path[-1])


# ---- the rows ----

@row("P001")
def preamble(c):
    c.preamble = b"SMITH^JOHN MRN12345678".ljust(128)
    c.want("the preamble is zero", lambda out: out.preamble == b"\0" * 128)


@row("P002")
def trailer(c):
    c.tail, c.refused = b"JOHNSMITH_TRAILER", True
    c.forbid("JOHNSMITH_TRAILER")


@row("P002")
def trailer_behind_zeros(c):
    c.tail, c.refused = bytes(512) + b"JOHNSMITH_TRAILER", True
    c.forbid("JOHNSMITH_TRAILER")


@row("P002")
def trailer_behind_padding(c):
    c.raw(0xFFFCFFFC, "OB", b"SMITH^JOHN")
    c.tail, c.refused = b"JOHNSMITH_TRAILER", True
    c.forbid("JOHNSMITH_TRAILER")


@row("P002")
def zeros(c):
    """Zero bytes up to a whole block: cut."""
    c.tail = bytes(2048)
    c.want("nothing behind the pixels", lambda out: c.objects[0].endswith(c.source.PixelData))


@row("P004")
def application_entities(c):
    c.meta.SendingApplicationEntityTitle, c.meta.ReceivingApplicationEntityTitle = "SMITHSEND", "SMITHRECV"
    c.meta.SourceApplicationEntityTitle = "SMITHSRC"
    c.forbid("SMITHSEND", "SMITHRECV", "SMITHSRC")


@row("P005")
def addresses(c):
    c.meta.add_new(0x00020026, "UR", "10.1.2.3")
    c.meta.add_new(0x00020027, "UR", "dicom://smith-pc.hosp.local")
    c.meta.add_new(0x00020028, "UR", "smith-pc.hosp.local:104")
    c.forbid("10.1.2.3", "smith-pc", "hosp.local")


@row("P007")
def implementation(c):
    c.meta.ImplementationVersionName, c.meta.ImplementationClassUID = "SMITH_WS_1", "1.2.3.20200301.12345678"
    c.meta.PrivateInformationCreatorUID, c.meta.PrivateInformation = "1.2.3.12345678.2", b"SMITHPRIVATE"
    c.forbid("SMITH_WS_1", "20200301.12345678", "1.2.3.12345678.2", "SMITHPRIVATE")
    c.want("our own implementation", lambda out: out.file_meta.ImplementationVersionName.startswith("NETRT"))


@row("P008")
def media_storage_uid(c):
    c.forbid(str(c.ds.SOPInstanceUID))
    c.want("(0002,0003) is the new SOP Instance UID",
           lambda out: out.file_meta.MediaStorageSOPInstanceUID == out.SOPInstanceUID)


@row("P010")
def padding(c):
    c.raw(0xFFFCFFFC, "OB", b"SMITH^JOHN")
    c.gone(0xFFFCFFFC)


@row("P011")
def signatures(c):
    c.plant(("DigitalSignaturesSequence", "CertificateOfSigner"), b"CN=Dr Smith ")
    c.put(("DigitalSignaturesSequence", "CertificateType"), "X509_1993_SIG")
    c.gone("DigitalSignaturesSequence")


@row("P013")
def padded_id(c):
    c.change = lambda data: data.replace(b"LO\x0c\0MRN12345678 ", b"LO\x10\0MRN12345678     ")
    c.want("the same pseudonym", lambda out: out.PatientID == c.pseudonym)


@row("P014")
def issuers(c):
    c.plant(("IssuerOfPatientID",), "HOSPITAL_X")
    c.plant(("IssuerOfPatientIDQualifiersSequence", "LocalNamespaceEntityID"), "HOSPITAL_Y")
    c.plant(("IssuerOfPatientIDQualifiersSequence", "UniversalEntityID"), "1.2.3.4.HOSP")


@row("P016")
def other_ids(c):
    items = []
    for value in ("MRN999", "SSN123456789"):
        item = Dataset()
        item.PatientID = value
        items.append(item)
        c.forbid(value)
    c.ds.OtherPatientIDsSequence = Sequence(items)


@row("P017")
def birth(c):
    c.plant(("PatientBirthDate",), "19400301")
    c.plant(("PatientBirthTime",), "101512")
    c.put(("PatientAge",), "086Y")
    c.want("Birth Date is empty", lambda out: out.get("PatientBirthDate") in ("", None))
    c.want("age", lambda out: out.get("PatientAge") == ("086Y" if c.profile == "research" else None))


@row("P017")
def old_age(c):
    c.plant(("PatientAge",), "097Y")
    c.want("age", lambda out: out.get("PatientAge") == ("090Y" if c.profile == "research" else None))


@row("P019")
def descriptions(c):
    for keyword in ("SeriesDescription", "StudyDescription", "ProtocolName", "AcquisitionDeviceProcessingDescription"):
        c.put((keyword,), "SMITH J 01/03/1940 pelvis")
        c.want("%s says pelvis, or nothing" % keyword,
               lambda out, k=keyword: out.get(k) == "pelvis" if c.profile == "research" else
               out.get(k, "ANONYMIZED") == "ANONYMIZED")
    c.forbid("SMITH J", "01/03/1940", "03/1940")


@row("P020")
def performed_step(c):
    c.plant(("ReferencedPerformedProcedureStepSequence", "PerformedProcedureStepID"), "PPS-SMITH")
    c.uid(("ReferencedPerformedProcedureStepSequence", "ReferencedSOPInstanceUID"), "1.2.3.44.20200301.5")


@row("P022")
def original_attributes(c):
    path = ("OriginalAttributesSequence", "ModifiedAttributesSequence")
    c.plant((*path, "PatientName"), "Smith^Johnny")
    c.plant((*path, "PatientID"), "MRN12345678X")
    c.plant(("OriginalAttributesSequence", "ModifyingSystem"), "SYSTEM_SMITH")
    c.plant(("OriginalAttributesSequence", "SourceOfPreviousValues"), "HOSPX")
    c.gone("OriginalAttributesSequence")


@row("P023")
def encrypted(c):
    c.plant(("EncryptedAttributesSequence", "EncryptedContent"), b"\1\2SMITHBLOB\3 ")
    c.put(("EncryptedAttributesSequence", "EncryptedContentTransferSyntaxUID"), "1.2.840.10008.1.2.1")
    c.gone("EncryptedAttributesSequence")


@row("P025")
def references(c):
    for sequence, uid in (("ReferencedImageSequence", "1.2.3.45.20200301.6"),
                          ("SourceImageSequence", "1.2.3.46.20200301.7")):
        c.uid((sequence, "ReferencedSOPInstanceUID"), uid)
        c.put((sequence, "ReferencedSOPClassUID"), c.ds.SOPClassUID)
        c.plant((sequence, "PurposeOfReferenceCodeSequence", "CodeMeaning"), "Smith prior")
        c.put((sequence, "PurposeOfReferenceCodeSequence", "CodeValue"), "121311")
        c.put((sequence, "PurposeOfReferenceCodeSequence", "CodingSchemeDesignator"), "DCM")


@row("P026")
def equipment(c):
    s = "ContributingEquipmentSequence"
    for keyword, value in (("InstitutionName", "HOSP_OF_X"), ("InstitutionAddress", "addr 12 Road"),
                           ("StationName", "SMITHWS"), ("OperatorsName", "Op^Smithy"),
                           ("DeviceSerialNumber", "SN123987"), ("ContributionDateTime", "20200301101500")):
        c.plant((s, keyword), value)
    c.put((s, "Manufacturer"), "ACME")
    c.forbid("20200301")


@row("P028")
def acquisition_context(c):
    s = "AcquisitionContextSequence"
    c.plant((s, "TextValue"), "seen by Smithers")
    c.plant((s, "Date"), "20200301")
    c.plant((s, "PersonName"), "Smith^Johnny")
    c.put((s, "ValueType"), "TEXT")


def overlay(c, group, with_data=True):
    c.elements[group << 16 | 0x10] = (element(group << 16 | 0x10, "US", struct.pack("<H", 64), True) +
                                      element(group << 16 | 0x11, "US", struct.pack("<H", 64), True) +
                                      element(group << 16 | 0x22, "LO", "SMITH overlay", True) +
                                      element(group << 16 | 0x40, "CS", "G", True) +
                                      element(group << 16 | 0x50, "SS", struct.pack("<hh", 1, 1), True) +
                                      element(group << 16 | 0x100, "US", struct.pack("<H", 1 if with_data else 16), True) +
                                      element(group << 16 | 0x102, "US", struct.pack("<H", 0 if with_data else 12), True))
    if with_data:
        c.elements[group << 16 | 0x3000] = element(group << 16 | 0x3000, "OW", b"SMITHBITS!" * 52, True)
    c.forbid("SMITH overlay", b"SMITHBITS")
    c.want("no overlay group", lambda out: not any(0x5000 <= e.tag.group < 0x7000 for e in out))


@row("P029")
def overlays(c):
    overlay(c, 0x6000)


@row("P031")
def last_overlay(c):
    overlay(c, 0x601E)


@row("P029")
def curves(c):
    c.elements[0x50020010] = element(0x50020022, "LO", "SMITH curve", True) + element(0x50023000, "OW", b"SMITH!", True)
    c.forbid("SMITH curve", b"SMITH!")
    c.want("no curve group", lambda out: not any(0x5000 <= e.tag.group < 0x5100 for e in out))


@row("P032")
def embedded_overlay(c):
    overlay(c, 0x6000, with_data=False)
    c.ds.BitsStored, c.ds.HighBit = 12, 11
    pixels = [v & 0x0FFF for v in struct.unpack("<4096H", c.ds.PixelData)]
    c.ds.PixelData = struct.pack("<4096H", *[v | (i % 3 == 0) << 12 for i, v in enumerate(pixels)])
    c.same_pixels = False
    c.source.BitsStored = 12
    c.want("the image without its upper bits", lambda out: out.PixelData == struct.pack("<4096H", *pixels))


@row("P034")
def icon(c):
    c.plant(("IconImageSequence", "PixelData"), b"SMITHICON!" * 10, "OB", b"SMITHICON")
    c.gone("IconImageSequence")


@row("P035")
def private_block(c):
    c.elements[0x00090010] = (element(0x00090010, "LO", "GEMS_IDEN_01", True) +
                              element(0x00091027, "LO", "SMITHERS", True))
    c.elements[0x00430010] = (element(0x00430010, "LO", "GEMS_PARM_01", True) +
                              element(0x00431061, "UI", "1.2.3.47.20200301.8", True))
    c.forbid("SMITHERS", "1.2.3.47.20200301.8")
    c.want("(0009,1027) is gone", lambda out: (0x0009, 0x1027) not in out and (0x0043, 0x1061) not in out)


@row("P035")
def safe_private(c):
    c.elements[0x00190010] = (element(0x00190010, "LO", "GEMS_ACQU_01", True) +
                              element(0x00191023, "DS", "12.5", True))
    want = "12.5" if c.profile == "research" else None
    c.want("what is on the safe list", lambda out: (str(out[0x00191023].value) if 0x00191023 in out else None) == want)


@row("P037")
def siemens(c):
    blob = b"SV10\4\3\2\1SMITHERS\0 1.2.3.48.20200301.9 "
    c.elements[0x00290010] = (element(0x00290010, "LO", "SIEMENS CSA HEADER", True) +
                              element(0x00291010, "OB", blob, True) + element(0x00291020, "OB", blob, True))
    c.forbid(b"SMITHERS", b"1.2.3.48.20200301.9", b"SV10")


@row("P038")
def nested_private(c):
    item = Dataset()
    item.PatientName, item.SOPInstanceUID = "Smith^Johnny", "1.2.3.49.20200301.10"
    inner = Dataset()
    inner.add_new(0x00990010, "LO", "ACME")
    inner.add_new(0x00991002, "SQ", Sequence([copy.deepcopy(item)]))
    c.ds.add_new(0x00990010, "LO", "ACME")
    c.ds.add_new(0x00991001, "SQ", Sequence([item, inner]))
    c.forbid("Smith^Johnny", "1.2.3.49.20200301.10", "ACME")


@row("P040", "RTSTRUCT")
def private_in_item(c):
    item = c.ds.StructureSetROISequence[0]
    item.add_new(0x32530010, "LO", "Varian Medical Systems VISION 3253")
    item.add_new(0x32531000, "OB", b"<?xml?><a n=\"Smithers\"/>")
    c.forbid("Varian", "Smithers")


@row("P041")
def illegal_groups(c):
    for group in (0x0001, 0x0003, 0x0005, 0x0007, 0xFFFF):
        c.raw(group << 16 | 0x1010, "LO", "SMITHERS")
    c.forbid("SMITHERS")


@row("P043")
def un_sequence(c):
    hidden = element(0x00100010, "PN", "SMITHERS", False) + element(0x00400009, "SH", "SPSX1234", False)
    items = (struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF) + hidden + struct.pack("<HHI", 0xFFFE, 0xE00D, 0) +
             struct.pack("<HHI", 0xFFFE, 0xE0DD, 0))
    c.elements[0x00400275] = struct.pack("<HH2sHI", 0x0040, 0x0275, b"UN", 0, 0xFFFFFFFF) + items
    c.forbid("SMITHERS", "SPSX1234")


@row("P043")
def un_sequence_kept(c):
    """In a sequence that is kept, with what is kept in it."""
    hidden = element(0x00080080, "LO", "SMITHERS", False) + element(0x00181075, "DS", "6586.2", False)
    items = struct.pack("<HHI", 0xFFFE, 0xE000, len(hidden)) + hidden
    c.raw(0x00540016, "UN", items)
    c.forbid("SMITHERS")
    c.want("the half life", lambda out: b"6586.2" in c.bytes)


@row("P044")
def un_text(c):
    c.raw(0x00101001, "UN", b"SMITHERS")
    c.raw(0x00400006, "UN", b"Jones^Smithers")
    c.forbid("SMITHERS", "Smithers")


@row("P046")
def vr_lie(c):
    c.elements[0x00100010] = element(0x00100010, "OB", b"SMITHERS^J", True)
    c.forbid("SMITHERS")
    c.want("the new name", lambda out: str(out.PatientName) == out.PatientID)


@row("P047")
def duplicates(c):
    c.elements[0x00100010] = element(0x00100010, "PN", "SMITHERS", True) * 2
    c.elements[0x00281054] = element(0x00100010, "PN", "SMITHERS", True)
    c.forbid("SMITHERS")


@row("P049")
def japanese(c):
    name = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"
    c.ds.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    c.source.SpecificCharacterSet = c.ds.SpecificCharacterSet
    c.elements[0x00081070] = element(0x00081070, "PN", name + b" " * (len(name) % 2), True)
    c.elements[0x00181030] = element(0x00181030, "LO", b"CT \x1b$B;3ED\x1b(B ", True)
    c.forbid(b";3ED", b"B@O:", "山田", "太郎", "Yamada", "Tarou")
    c.want("the rest of the text", lambda out: c.profile == "basic" or out.ProtocolName == "CT")


@row("P049")
def chinese(c):
    name = "王^小东".encode("gb18030")
    c.ds.SpecificCharacterSet = "GB18030"
    c.source.SpecificCharacterSet = c.ds.SpecificCharacterSet
    c.elements[0x00081070] = element(0x00081070, "PN", name + b" " * (len(name) % 2), True)
    c.elements[0x00181030] = element(0x00181030, "LO", "头 小东 ".encode("gb18030"), True)
    c.forbid("小东".encode("gb18030"), "小东")


@row("P050")
def timezone(c):
    c.put(("TimezoneOffsetFromUTC",), "+0130")
    c.forbid("+0130")


def moved(value):
    return isinstance(value, str) and len(value) == 8 and value.isdigit()


@row("P052")
def legacy_date(c):
    c.elements[0x00080020] = element(0x00080020, "DA", "2020.03.01", True)
    del c.ds.StudyDate
    c.forbid("2020.03.01", "20200301")
    c.want("a date, or none", lambda out: moved(out.get("StudyDate")) or out.get("StudyDate") in ("", None))


@row("P052")
def partial_date(c):
    c.elements[0x00080021] = element(0x00080021, "DA", "202003", True)
    del c.ds.SeriesDate
    c.want("moved or none", lambda out: str(out.get("SeriesDate") or "") != "202003")


@row("P052")
def date_range(c):
    c.elements[0x00080022] = element(0x00080022, "DA", "20200301-20200305 ", True)
    del c.ds.AcquisitionDate
    c.forbid("20200301", "20200305")


@row("P052")
def no_date(c):
    c.ds.ContentDate = ""
    c.want("empty, or a date that says nothing", lambda out: out.get("ContentDate") in ("", None, "19000101"))


@row("P053")
def several_dates(c):
    c.put(("DateOfLastCalibration",), ["20200101", "20200201"])
    c.forbid("20200101", "20200201")
    c.want("both moved by as much", lambda out: c.profile == "basic" or days(out.DateOfLastCalibration) == 31)


def days(values):
    import datetime
    a, b = [datetime.datetime.strptime(v, "%Y%m%d") for v in values]
    return (b - a).days


@row("P055")
def telling_uid(c):
    c.ds.SOPInstanceUID = "1.2.3.20200301.12345678.1"
    c.forbid("1.2.3.20200301.12345678.1", "12345678", "20200301")


@row("P056")
def odd_uids(c):
    c.put(("FrameOfReferenceUID",), "1.2.3.04.20200301")
    c.elements[0x00080014] = element(0x00080014, "UI", b"1.2.3.04.20200301 ", True)
    c.elements[0x00203FFF] = b""
    c.forbid("1.2.3.04.20200301")
    c.want("both the same", lambda out: "InstanceCreatorUID" not in out or
           out.InstanceCreatorUID == out.FrameOfReferenceUID)
    c.want("a valid one", lambda out: pydicom.uid.UID(out.FrameOfReferenceUID).is_valid)


@row("P058", "RTSTRUCT")
def roi_names(c):
    names = ["Smith_John_GTV", "GTV_MRN12345678", "PTV 01Mar1940", "Dr Jones GTV", "BRAIN", "GTV"]
    c.put(("ReferringPhysicianName",), "Jones^Amy")
    for item, name in zip(c.ds.StructureSetROISequence, names):
        item.ROIName = name
    c.forbid("Smith_John", "MRN12345678", "01Mar1940", "Jones")
    if c.profile == "research":
        c.want("what is of the vocabulary", lambda out: [
            i.ROIName for i in out.StructureSetROISequence][4:6] == ["BRAIN", "GTV"])
        c.want("one name each", lambda out: len({i.ROIName for i in out.StructureSetROISequence}) ==
               len(out.StructureSetROISequence))


@row("P059", "RTSTRUCT")
def roi_texts(c):
    item = c.ds.StructureSetROISequence[0]
    item.ROIDescription, item.ROIGenerationDescription = "Smithers text", "Smithers too"
    item.add_new(0x3006002D, "DT", "20200301101500")
    c.forbid("20200301")
    if c.profile == "basic":
        c.forbid("Smithers")


@row("P061", "RTSTRUCT")
def persons(c):
    c.plant(("ROICreatorSequence", "PersonIdentificationCodeSequence", "CodeMeaning"), "Dr Smithers")
    c.plant(("ROICreatorSequence", "InstitutionName"), "HOSPITAL_Z")
    c.plant(("ROIInterpreterSequence", "PersonIdentificationCodeSequence", "LongCodeValue"), "SMITHERS99")
    c.plant(("ROIInterpreterSequence", "InstitutionName"), "HOSPITAL_Q")


@row("P062", "RTSTRUCT")
def approval(c):
    c.put(("ApprovalStatus",), "APPROVED")
    c.plant(("ReviewDate",), "20200301")
    c.put(("ReviewTime",), "1015")
    c.plant(("ReviewerName",), "Jones^Amy")
    c.want("Approval Status", lambda out: out.ApprovalStatus == "APPROVED")


@row("P064", "RTSTRUCT")
def referenced_study(c):
    def good(out):
        studies = [s for f in out.ReferencedFrameOfReferenceSequence for s in f.RTReferencedStudySequence]
        return studies and all(s.ReferencedSOPInstanceUID == c.ct.StudyInstanceUID for s in studies)
    c.want("the study of the images", good)
    c.forbid(str(c.ds.StudyInstanceUID))


@row("P065", "RTSTRUCT")
def referenced_series(c):
    def good(out):
        series = [s for f in out.ReferencedFrameOfReferenceSequence for t in f.RTReferencedStudySequence
                  for s in t.RTReferencedSeriesSequence]
        images = [i.ReferencedSOPInstanceUID for s in series for i in s.ContourImageSequence]
        inner = [i.ReferencedSOPInstanceUID for roi in out.ROIContourSequence
                 for contour in roi.get("ContourSequence", []) for i in contour.get("ContourImageSequence", [])]
        return (all(s.SeriesInstanceUID == c.ct.SeriesInstanceUID for s in series) and
                c.ct.SOPInstanceUID in images and set(inner) <= set(images))
    c.want("series and images", good)
    for series in c.ds.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0].RTReferencedSeriesSequence:
        c.forbid(str(series.SeriesInstanceUID), *[str(i.ReferencedSOPInstanceUID) for i in series.ContourImageSequence])


@row("P067", "RTSTRUCT")
def frames_of_reference(c):
    c.want("frame of every ROI", lambda out: {i.ReferencedFrameOfReferenceUID for i in out.StructureSetROISequence} ==
           {c.ct.FrameOfReferenceUID})
    item = Dataset()
    item.add_new(0x300600C2, "UI", "1.2.3.50.20200301.11")
    c.ds.ReferencedFrameOfReferenceSequence[0].add_new(0x300600C0, "SQ", Sequence([item]))
    c.forbid("1.2.3.50.20200301.11", str(c.ds.StructureSetROISequence[0].ReferencedFrameOfReferenceUID))


@row("P068", "RTSTRUCT")
def fiducials(c):
    c.uid(("PredecessorStructureSetSequence", "ReferencedSOPInstanceUID"), "1.2.3.51.20200301.12")
    c.put(("PredecessorStructureSetSequence", "ReferencedSOPClassUID"), c.ds.SOPClassUID)
    item = c.ds.StructureSetROISequence[0]
    item.add_new(0x0070031B, "UI", "1.2.3.52.20200301.13")
    c.forbid("1.2.3.52.20200301.13")
    c.want("a new fiducial UID", lambda out: out.StructureSetROISequence[0][0x0070031B].value.startswith("2.25."))


@row("P070", "RTSTRUCT")
def context_uids(c):
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "T-A0100", "SRT", "Brain"
    code.ContextUID, code.MappingResourceUID, code.CodingSchemeUID = (
        "1.2.840.10008.6.1.1014", "1.2.840.10008.8.1.1", "1.2.840.10008.2.6.1")
    observation = c.ds.RTROIObservationsSequence[0]
    observation.RTROIIdentificationCodeSequence = Sequence([code])

    def good(out):
        sequence = out.RTROIObservationsSequence[0].get("RTROIIdentificationCodeSequence")
        return sequence is not None and (sequence[0].ContextUID, sequence[0].MappingResourceUID,
                                         sequence[0].CodingSchemeUID) == (
            code.ContextUID, code.MappingResourceUID, code.CodingSchemeUID)
    c.want("well-known UIDs stay", good)


@row("P071", "RTSTRUCT")
def contour_data(c):
    contour = next(r for r in c.ds.ROIContourSequence if r.get("ContourSequence")).ContourSequence[0]
    contour.ContourData = ["1.5000000", "-22222222", "3333333", "4444444444444"]
    plain = b"1.5000000\\-22222222\\3333333\\4444444444444"
    text = b"1.50    \\-2.250  \\+3.0e0 \\4.12345678901  "  # as no library writes it
    assert len(plain) == len(text)
    c.change = lambda data: data.replace(plain, text)
    c.want("bit-identical", lambda out: text in c.bytes)
    c.want("all others, too", lambda out: raw_contours(out)[1:] == raw_contours(c.source)[1:])


def raw_contours(ds):
    return ["\\".join(str(v) for v in contour.ContourData) for roi in ds.ROIContourSequence
            for contour in roi.get("ContourSequence", [])]


@row("P073")
def foreign_codes(c):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "113106", "DCM", "Smith hospital deid"
    c.ds.DeidentificationMethodCodeSequence = Sequence([item])
    c.ds.DeidentificationMethod = "Smith hospital deid"
    c.forbid("Smith hospital")


@row("P074")
def numbers(c):
    c.plant(("AccessionNumber",), "ACC12345")
    c.plant(("StudyID",), "SMITH1")
    c.put(("SeriesNumber",), "7")
    c.want("Series Number", lambda out: out.SeriesNumber == 7)


@row("P076")
def urls(c):
    url = "https://pacs.hosp/MRN12345678"
    c.plant(("RetrieveURL",), url)
    c.elements[0x0040E010] = element(0x0040E010, "UR", url, True) + element(0x0040E012, "UR", url, True)
    c.forbid("pacs.hosp")


@row("P077")
def gps(c):
    for number, value in ((0x0071, "N"), (0x0072, "47.1234567"), (0x0073, "E"), (0x0074, "8.7654321"), (0x0076, "412.5")):
        c.elements[0x00160000 | number] = element(0x00160000 | number, "LO", value, True)
    c.forbid("47.1234567", "8.7654321", "412.5")
    c.want("group 0016 is gone", lambda out: not any(e.tag.group == 0x0016 for e in out))


@row("P079")
def private_description(c):
    c.plant(("PrivateDataElementCharacteristicsSequence", "PrivateDataElementDefinitionSequence",
             "PrivateDataElementDescription"), "number of Smithers")
    c.put(("PrivateDataElementCharacteristicsSequence", "PrivateGroupReference"), 9)


@row("P080")
def burned_in_no(c):
    c.put(("BurnedInAnnotation",), "NO")
    c.want("NO is not said again", lambda out: out.get("BurnedInAnnotation") != "NO")


@row("P080")
def burned_in_yes(c):
    c.put(("BurnedInAnnotation",), "YES")
    c.refused = True


@row("P080")
def screen(c):
    c.ds.ImageType = ["DERIVED", "SECONDARY", "SCREEN SAVE"]
    c.refused = True


def other_class(uid):
    def plant(c):
        c.ds.SOPClassUID = uid
        c.plant(("EncapsulatedDocument",), b"%PDF SMITHERS ")
        c.refused = True
    return plant


for _uid in ("1.2.840.10008.5.1.4.1.1.88.33", "1.2.840.10008.5.1.4.1.1.104.1", "1.2.840.10008.5.1.4.1.1.11.1",
             "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.66", "1.2.3.4.5"):
    row("P082")(other_class(_uid))


def compressed(c, syntax, fragment, table=b""):
    """Fragments in the place of the pixels, which nobody has to decode here."""
    def fragment_item(b):
        return struct.pack("<HHI", 0xFFFE, 0xE000, len(b)) + b
    c.syntax = syntax
    c.same_pixels = False
    del c.ds.PixelData
    c.elements[0x7FE00010] = (struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF) + fragment_item(table) +
                              fragment_item(fragment + b"\0" * (len(fragment) % 2)) +
                              struct.pack("<HHI", 0xFFFE, 0xE0DD, 0))
    c.forbid("SMITH^JOHN", "MRN12345678")


JPEG = (b"\xff\xd8", b"\xff\xc3\0\x0b\x10\0\x40\0\x40\1\1\x11\0" b"\xff\xc4\0\x14\0" + bytes([1] + [0] * 15) + b"\0" +
        b"\xff\xda\0\x08\1\1\0\1\0\0" b"\x11\x22\xff\0\x33" b"\xff\xd9")
COMMENT = b"\xff\xfe\0\x0cSMITH^JOHN" b"\xff\xe5\0\x0dMRN12345678" b"\xff\xe1\0\x12Exif\0\0SMITH^JOHN"


@row("P083")
def jpeg_comments(c):
    compressed(c, "1.2.840.10008.1.2.4.70", JPEG[0] + COMMENT + JPEG[1] + b"SMITH^JOHN", b"SMITH^JOHN!!")
    c.want("the image's own bytes", lambda out: JPEG[0] + JPEG[1] in out.PixelData)


@row("P083")
def jpeg_without(c):
    compressed(c, "1.2.840.10008.1.2.4.70", JPEG[0] + JPEG[1], b"\0\0\0\0")
    c.want("the element as it was", lambda out: c.elements[0x7FE00010] in c.bytes)


@row("P083")
def j2k_comments(c):
    comment = b"\xff\x64\0\x0e\0\1SMITH^JOHN"
    siz = b"\xff\x51\0\x06\0\0\0\0"
    tile = b"\xff\x90\0\x0a\0\0" + struct.pack(">I", 12 + len(comment) + 6) + b"\0\1" + comment + b"\xff\x93\x11\x22\x33\x44"
    compressed(c, "1.2.840.10008.1.2.4.90", b"\xff\x4f" + siz + comment + tile + b"\xff\xd9SMITH^JOHN")
    c.want("its packets", lambda out: b"\xff\x93\x11\x22\x33\x44\xff\xd9" in out.PixelData)


@row("P083")
def rle_tail(c):
    segment = b"\x81\0" * 32 + b"SMITH^JOHN"  # 32 runs of 128, then what nobody decodes
    head = struct.pack("<16I", 2, 64, 64 + len(segment), *[0] * 13)
    compressed(c, "1.2.840.10008.1.2.5", head + segment * 2)
    c.want("its segments", lambda out: b"\x81\0" * 32 in out.PixelData)


@row("P085")
def tail(c):
    c.ds.PixelData = c.ds.PixelData + b"SMITHTAIL!"
    c.forbid("SMITHTAIL")


@row("P086")
def hidden_bits(c):
    c.ds.BitsStored, c.ds.HighBit, c.ds.PixelRepresentation = 12, 11, 1
    pixels = [v & 0x07FF for v in struct.unpack("<4096H", c.ds.PixelData)]
    c.ds.PixelPaddingValue = 0x0000
    c.ds["PixelPaddingValue"].VR = "SS"
    c.ds.PixelData = struct.pack("<4096H", *[v | (i % 2) << 14 for i, v in enumerate(pixels)])
    c.same_pixels = False
    c.source.BitsStored = 12
    c.want("upper bits are the sign", lambda out: out.PixelData == struct.pack("<4096H", *pixels))


@row("P088")
def new_traces(c):
    c.forbid(os.uname().nodename if len(os.uname().nodename) > 3 else b"\0never\0")
    c.forbid(os.environ.get("USER", "root") if len(os.environ.get("USER", "root")) > 4 else b"\0never\0")
    c.want("no date of its making", lambda out: c.profile == "research" or "InstanceCreationDate" not in out)
    c.want("nothing of equipment", lambda out: "ContributingEquipmentSequence" not in out)


@row("P089")
def logs(c):
    """Everything at once; what is printed and reported is looked at in every row."""
    for plant in (descriptions, numbers, equipment, private_block, issuers):
        plant(c)
    c.plant(("PatientComments",), "SMITHERS was here")
