#!/usr/bin/python3
"""De-identification in `netrt process` and `netrt serve`: what was planted in a study is nowhere in what
comes out of it, what the profile keeps is kept, and what is not in order lets nothing out.

Looked through, byte by byte: output objects and names of files, what is sent (every byte of the
associations), reports, application and transaction log as text and as JSON, standard output and error.
"""
import contextlib
import glob
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings

from harness import NETRT, Report, run, skip

try:
    import pydicom
    import plants
except ImportError:
    skip("deid_pipeline", "no pydicom")

from serve_harness import CT, EXPLICIT, IMPLICIT, RTSTRUCT, IN_ORDER, Association, Object, Service, capture, need_serve, wait_for
from wire import Destination

warnings.simplefilter("ignore")
KEY = "0123456789abcdef" * 4
AE_TITLE = "QXAESCANNER"  # of the modality
# what the site of the netrt profile wants gone, at every depth
NETRT_REMOVE = [
    "AccessionNumber", "PatientID", "OtherPatientIDs", "OtherPatientIDsSequence", "OtherPatientNames", "PatientAddress",
    "PatientTelephoneNumbers", "PatientComments", "RequestAttributesSequence", "InstitutionAddress", "6000,0022",
    "OriginalAttributesSequence", "PatientMotherBirthName", "PatientBirthName"]
NETRT_BLANK = ["ReferringPhysicianName", "OperatorsName", "InstitutionName", "PatientBirthDate", "StudyID", "ROIName",
               "StudyDescription", "SeriesDescription"]


def secrets(every, profile):
    """The plants that must be gone with a profile."""
    if profile == "basic":
        return every
    if profile == "research":
        # what is kept as text is without the patient's words, and a plant is none
        rows, words = table(), ("CleanDescriptors", "RetainPatientCharacteristics")
        kept = {row["keyword"] for row in rows.values() if any(row[w] for w in words)}
        return [p for p in every if p.path[-1] not in kept or p.path[-1] in ("ROIName", "PatientName")]
    lists = set(NETRT_REMOVE + NETRT_BLANK + ["PatientName", "meta"])
    # texts that no list names stay, and so does what is in them
    return [p for p in every if p.name != "words" and (lists & set(p.path) or p.where == "meta")]


class Eyes:
    """Looks for plants; each place looked at counts."""

    def __init__(self, r, every, profile):
        self.r, self.profile = r, profile
        self.wanted = secrets(every, profile)
        self.pattern = re.compile(b"|".join(re.escape(f) for f in sorted({f for p in self.wanted for f in p.forms},
                                                                         key=len, reverse=True)))
        self.bytes = self.places = 0

    def look(self, data, *what):
        self.places += 1
        self.bytes += len(data)
        hits = {hit.group() for hit in self.pattern.finditer(data.lower())}
        if not hits:
            return self.r.check(True)
        who = sorted({repr(p) for p in self.wanted if hits & set(p.forms)})
        at = data.lower().find(next(iter(hits)))
        return self.r.check(False, self.profile, *what, "holds", who, "as in", data[max(at - 60, 0):at + 60])

    def folder(self, folder, *what):
        """Every file below, and its name; how many there were."""
        count = 0
        for base, folders, names in os.walk(folder):
            for name in folders + names:
                self.look(name.encode(), *what, "the name of a file")
            for name in names:
                path = os.path.join(base, name)
                with open(path, "rb") as file:
                    self.look(file.read(), *what, path)
                count += 1
        return count


class Work:
    def __init__(self, r, folder):
        self.r, self.folder = r, folder
        self.key = self.path("key")
        with open(os.open(self.key, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
            file.write(KEY + "\n")
        done = run("phantom", self.path("phantom"), "--slices", "4", "--matrix", "64")
        assert done.code == 0, done.err
        self.plants = plants.plant_study(self.path("phantom"), self.path("planted"))
        self.planted = self.path("planted")
        self.images = sorted(glob.glob(self.planted + "/ct/*"))

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def anonymization(self, profile, **more):
        settings = {"enabled": True, "profile": profile, "pid_mapping_file": self.path(profile + ".map.json")}
        if profile == "netrt":
            settings["rules"] = {"remove_tags": NETRT_REMOVE, "blank_tags": NETRT_BLANK}
            settings["site_code"] = "HERE"
        else:
            settings.update(pseudonyms="keyed", key_file=self.key, id_prefix="P",
                            replace={"ClinicalTrialSiteID": "site 12"})
        settings.update(more)
        return settings

    def config(self, name, anonymization, **sections):
        settings = {"anonymization": anonymization, "processing": {"add_burn_in_disclaimer": False}, **sections}
        with open(self.path(name), "w") as file:
            json.dump(settings, file)  # JSON is YAML
        return self.path(name)

    def process(self, profile, out, source=None, sections=None, **more):
        config = self.config(out + ".yaml", self.anonymization(profile, **more), **(sections or {}))
        return run("process", "-c", config, source or self.planted, "-o", self.path(out), "--json")


def made(out):
    return sorted(glob.glob(out + "/UID_*/Addition/*.dcm"))


def nothing_out(r, out, *what):
    left = [os.path.join(b, n) for b, _, names in os.walk(out) for n in names]
    return r.check(not left, *what, "something is in OUT:", left[:5])


# ---- what comes out of `process` ----

def table():
    """Table E.1-1, by tag (groups with x too)."""
    rows = {}
    with open("tables/confidentiality.tsv") as file:
        names = next(file).rstrip("\n").split("\t")
        for line in file:
            row = dict(zip(names, line.rstrip("\n").split("\t")))
            rows[row["tag"].lower()] = row
    return rows


def value_bytes(element):
    return repr(element.value)


def check_kept(w, profile, plain, out):
    """Attribute by attribute against the same run without de-identification: correct actions over
    required ones."""
    r, rows, required, correct = w.r, table(), 0, 0
    before = {pydicom.dcmread(f).InstanceNumber: pydicom.dcmread(f) for f in made(plain)}
    for path in made(out):
        after = pydicom.dcmread(path)
        source = before[after.InstanceNumber]
        for element in source:
            tag = "%08x" % element.tag
            if not is_kept(profile, element, rows.get(tag)):
                continue
            required += 1
            good = element.tag in after and value_bytes(after[element.tag]) == value_bytes(element)
            correct += good
            r.check(good, profile, "kept wrongly:", element, "became", after.get(element.tag))
    print("kept with %s: %d of %d" % (profile, correct, required))
    r.check(required > (200 if profile == "netrt" else 80), profile, "kept only", required)


def is_kept(profile, element, row):
    group, keyword = element.tag.group, element.keyword
    if element.tag.is_private or keyword in NEW_IN_OUTPUT or 0x6000 <= group < 0x601E:
        return profile == "netrt" and element.tag.is_private
    if profile == "netrt":
        return keyword not in NETRT_REMOVE + NETRT_BLANK + ["PatientName"] and element.VR != "SQ" and \
            group not in (0x601E, 0x5000)
    if element.VR in ("UI", "DA", "DT", "TM", "SQ", "PN", "UN") or group in (0x0003, 0x0009, 0x5000, 0x601E) or not keyword:
        return False
    if profile == "research" and keyword in ("PatientSex", "PatientAge", "PatientWeight", "PatientSize"):
        return keyword != "PatientAge" or int(element.value[:3]) < 90
    return row is None and group < 0x5000 and keyword not in TOLD


NEW_IN_OUTPUT = {
    "SOPInstanceUID", "SeriesInstanceUID", "DeidentificationMethod", "PatientIdentityRemoved", "SOPClassUID", "PixelData",
    "DeidentificationMethodCodeSequence", "InstanceCreationDate", "InstanceCreationTime", "SeriesDate", "SeriesTime",
    "ContentDate", "ContentTime", "SoftwareVersions", "PositionReferenceIndicator", "SourceImageSequence", "ContributingEquipmentSequence",
    "LongitudinalTemporalInformationModified", "SpecificCharacterSet"}
# not in the table, but they say who or where
TOLD = {"StudyID", "PatientName", "PatientID", "RetrieveURL", "TimezoneOffsetFromUTC"}


def check_objects(w, profile, out):
    r = w.r
    files = made(out)
    if not r.check(len(files) == 4, profile, "made", len(files)):
        return
    for path in files:
        ds = pydicom.dcmread(path)
        r.check(ds.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID, profile, "group 2 has another UID")
        with open(path, "rb") as file:
            r.check(file.read(128) == bytes(128), profile, "a preamble")
        for tag in (0x00020016, 0x00020017, 0x00020018, 0x00020026, 0x00020102):
            r.check(tag not in ds.file_meta, profile, "group 2 has", hex(tag))
        r.check(ds.PatientIdentityRemoved == "YES", profile, "PatientIdentityRemoved")
        r.check((ds.PatientID.startswith("HERE_0001_") if profile == "netrt" else re.fullmatch("P[A-Z2-7]{16}", ds.PatientID)),
                profile, ds.PatientID)
        r.check(ds.PatientName == ds.PatientID, profile, "name and ID differ:", ds.PatientName, ds.PatientID)
        codes = [item.CodeValue for item in ds.get("DeidentificationMethodCodeSequence", [])]
        want = {"netrt": [], "basic": ["113100"],
                "research": ["113100", "113105", "113107", "113108", "113111"]}[profile]
        r.check(sorted(codes) == want, profile, "method codes", codes)
        r.check(ds.get("LongitudinalTemporalInformationModified") ==
                {"netrt": None, "basic": "REMOVED", "research": "MODIFIED"}[profile], profile, "(0028,0303)",
                ds.get("LongitudinalTemporalInformationModified"))
        if profile == "research":
            r.check(check_shift(r, ds), profile, "dates")
    valid = subprocess.run(["dcmdump", "-q", *files], capture_output=True)
    r.check(valid.returncode == 0, profile, "dcmdump:", valid.stderr[-500:])


def check_shift(r, ds):
    from datetime import date

    def day(text):
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))

    moved = {(day(ds[k].value) - day(v)).days for k, v in
             (("StudyDate", plants.STUDY_DATE), ("AcquisitionDate", plants.ACQUISITION_DATE)) if ds.get(k)}
    r.check(ds.get("StudyTime", "101500") == "101500", "a time was changed")
    return len(moved) == 1 and -3650 <= moved.pop() < 0


def check_process(w):
    r = w.r
    plain = run("process", "-c", w.config("plain.yaml", {"enabled": False}), w.planted, "-o", w.path("plain"))
    r.check(plain.code == 0, "without de-identification:", plain.err)
    for profile in ("basic", "research", "netrt"):
        out = "out-" + profile
        done = w.process(profile, out)
        r.behaved(done, profile)
        if not r.check(done.code == 0, profile, "process:", done.code, done.err[-2000:]):
            continue
        eyes = Eyes(r, w.plants, profile)
        count = eyes.folder(w.path(out), "process")
        r.check(count == 7, profile, "files in OUT:", count)
        eyes.look(done.out, "standard output")
        if profile != "netrt":  # a path that was given may be told to whoever gave it
            eyes.look(done.err, "standard error")
        check_objects(w, profile, w.path(out))
        check_kept(w, profile, w.path("plain"), w.path(out))
        check_report(w, profile, out)
        print("%s: %d plants, %d places, %d bytes looked at" % (profile, len(eyes.wanted), eyes.places, eyes.bytes))
    # the eyes see: without de-identification they find plenty
    blind = Report("blind")
    with contextlib.redirect_stdout(open(os.devnull, "w")):
        Eyes(blind, w.plants, "basic").folder(w.path("plain"))
    r.check(blind.failures >= 4, "nothing was planted:", blind.failures)


def check_report(w, profile, out):
    (path,) = glob.glob(w.path(out) + "/UID_*/report.json")
    with open(path) as file:
        report = json.load(file)
    said = report.get("deidentification") or {}
    w.r.check(said.get("profile") == profile, profile, "report.json:", said)
    w.r.check(re.fullmatch("[0-9a-f]{64}", said.get("policy", "")), profile, "no policy digest:", said)
    names = [roi["name"] for s in report["structure_sets"] for roi in s["rois"]]
    if profile != "netrt":
        w.r.check(len(set(names)) == len(names), profile, "ROI names are not unique:", names)
    if profile == "research":
        w.r.check("BODY" in names and "Lung_R" not in names[:0] and "Heart" not in names[:0], names)
        w.r.check(sum(re.fullmatch(r"ROI_\d+", n) is not None for n in names) >= 4, "names with the patient's words:", names)
    overlay = pydicom.dcmread(made(w.path(out))[0])
    for group in range(0x6000, 0x6020, 2):
        if group << 16 | 0x1500 in overlay:
            w.r.check(overlay[group << 16 | 0x1500].value != "", profile, "an overlay without a label")


# ---- references ----

def check_references(w):
    """Overlay series, and images and structure set that went through `netrt deid`: one world."""
    r = w.r
    for profile in ("basic", "research"):
        config = w.config("deid.yaml", w.anonymization(profile))
        done = run("deid", "-c", config, w.planted, "-o", w.path("deid-" + profile))
        if not r.check(done.code == 0, "deid", profile, done.code, done.err[-2000:]):
            continue
        eyes = Eyes(r, w.plants, profile)
        eyes.folder(w.path("deid-" + profile), "deid")
        eyes.look(done.out, "deid: standard output")
        objects = [pydicom.dcmread(f) for f in glob.glob(w.path("deid-" + profile) + "/UID_*/*.dcm")]
        (rs,) = [o for o in objects if o.Modality == "RTSTRUCT"]
        images = {o.SOPInstanceUID: o for o in objects if o.Modality == "CT"}
        r.check(len(images) == 4, profile, "deid gave", len(images), "images")
        frame = {o.FrameOfReferenceUID for o in images.values()}
        for ref in rs.ReferencedFrameOfReferenceSequence:
            r.check({ref.FrameOfReferenceUID} == frame, profile, "frame of reference")
            for study in ref.RTReferencedStudySequence:
                r.check(study.ReferencedSOPInstanceUID == rs.StudyInstanceUID, profile, "study")
                for series in study.RTReferencedSeriesSequence:
                    r.check({series.SeriesInstanceUID} == {i.SeriesInstanceUID for i in images.values()}, profile, "series")
                    r.check({i.ReferencedSOPInstanceUID for i in series.ContourImageSequence} == set(images), profile)
        contours = [i for roi in rs.ROIContourSequence for c in roi.get("ContourSequence", [])
                    for i in c.ContourImageSequence]
        r.check(contours and all(i.ReferencedSOPInstanceUID in images for i in contours), profile, "contour images")
        source = pydicom.dcmread(w.planted + "/rs/RS.dcm", force=True)
        same = all(a.ContourData == b.ContourData for x, y in zip(source.ROIContourSequence, rs.ROIContourSequence)
                   for a, b in zip(x.get("ContourSequence", []), y.get("ContourSequence", [])))
        r.check(same, profile, "contours were changed")
        r.check({roi.ReferencedFrameOfReferenceUID for roi in rs.StructureSetROISequence} == frame, profile, "ROIs' frame")
        for path in made(w.path("out-" + profile)):
            overlay = pydicom.dcmread(path)
            (ref,) = overlay.SourceImageSequence[:1]
            image = images.get(ref.ReferencedSOPInstanceUID)
            if not r.check(image is not None, profile, "the source of an overlay image is not there"):
                continue
            r.check(overlay.FrameOfReferenceUID in frame and overlay.StudyInstanceUID == image.StudyInstanceUID and
                    overlay.ImagePositionPatient == image.ImagePositionPatient and overlay.PatientID == image.PatientID,
                    profile, "overlay and image do not agree")
            r.check(overlay.get("StudyDate") == image.get("StudyDate"), profile, "dates do not agree")
            text = path and open(path, "rb").read()
            r.check(rs.SOPInstanceUID.encode() in text, profile, "the structure set is not the one that is referred to")


def check_offsets(w):
    """Whatever the number of days, a date that falls on another one of the source is no leak."""
    for number in range(40):
        key = w.path("offset.key")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(key)
        with open(os.open(key, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
            file.write("%064x" % (number + 1))
        config = w.config("offset.yaml", w.anonymization("research", key_file=key, date_shift_days=14))
        done = run("deid", "-q", "-c", config, w.planted, "-o", w.path("offset"))
        w.r.check(done.code == 0, "key", number + 1, done.err)
    # today, moved, is what the overlay series says of itself
    day = time.strftime("%Y%m%d", time.gmtime(time.time() - 2 * 86400))
    shutil.copytree(w.path("phantom"), w.path("recent"))
    for path in glob.glob(w.path("recent") + "/*/*.dcm"):
        ds = pydicom.dcmread(path)
        for element in ds.iterall():
            if element.VR == "DA" and element.value:
                element.value = day
        ds.save_as(path)
    for number in range(8):
        os.unlink(key)
        with open(os.open(key, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
            file.write("%064x" % (number + 1))
        done = w.process("research", "recent-out", w.path("recent"), key_file=key, date_shift_days=2)
        w.r.check(done.code == 0, "key", number + 1, "recent:", done.err)


# ---- serve ----

class Tap:
    """A socket that keeps what it is told."""

    def __init__(self, sock, heard):
        self.sock, self.heard = sock, heard

    def recv(self, size):
        data = self.sock.recv(size)
        self.heard.append(data)
        return data

    def __getattr__(self, name):
        return getattr(self.sock, name)


class Listener(Destination):
    """A destination that keeps every byte it hears, by association."""

    def __init__(self, **more):
        super().__init__(**more)
        self.heard, self.commands = [], []
        self.on_connect = self.tap
        self.on_store = self.note

    def tap(self, peer):
        self.heard.append([])
        peer.sock = Tap(peer.sock, self.heard[-1])

    def note(self, command, data, n):
        self.commands.append(command)
        return 0


def send(service, files, calling="PROBE"):
    objects = [Object(f) for f in files]
    with Association(service.port, [(1, CT, [EXPLICIT]), (3, RTSTRUCT, [EXPLICIT])], calling=calling) as a:
        for o in objects:
            status = a.store(o.sop_class, o.sop_instance, o.data).get("status")
            assert status == 0, status
        a.release()


def study_files(folder):
    return sorted(glob.glob(folder + "/*/*.dcm"))


def serve(w, name, profile, destination, output="text", **more):
    os.makedirs(w.path(name), exist_ok=True)
    return Service(w.path(name), ("DEST", destination.port), anonymization=w.anonymization(profile, **more),
                   logging={"output": output, "level": "DEBUG"}, limits={"minimum_free_mib": 1, "minimum_free_percent": 0})


def gone(service):
    return not [n for n in os.listdir(service.working) if n.startswith("UID_")]


def look_outside(w, eyes, service, *what):
    """Logs, reports, and what is left in the working folder when the study has gone."""
    count = eyes.folder(service.reports, *what, "reports")
    w.r.check(count >= 1, *what, "no report")
    # what is logged may name what a configuration keeps; UIDs only where it keeps them
    w.r.check(eyes.folder(service.logs, *what, "logs") >= 2, *what, "no logs")
    eyes.look(service.all_logs().encode(), *what, "standard output and error")
    eyes.folder(service.working, *what, "working folder afterwards")


def check_serve(w):
    r = w.r
    for profile, output in (("basic", "text"), ("research", "json"), ("netrt", "text"), ("basic", "json")):
        what = "serve-%s-%s" % (profile, output)
        destination = Listener()
        eyes = Eyes(r, w.plants, profile)
        tapped = capture(r, w.path(what + ".pcap"), [destination.port]) if profile != "netrt" else None
        with serve(w, what, profile, destination, output) as service:
            send(service, study_files(w.planted), calling=AE_TITLE)
            got = destination.wait(lambda: len(destination.kept) == 4, 30)
            r.check(got, what, "got", len(destination.kept), service.log()[-1500:])
            r.check(wait_for(lambda: gone(service), 10), what, "the study stays:", service.files()[:4])
            status = service.command("status", "--json")
            # `status` is for whoever looks after the service: it calls a study by the UID it came with
            Eyes(r, [p for p in w.plants if p.name != "UID"], profile).look(status.out, what, "status")
            service.end(r, what)
            look_outside(w, eyes, service, what)
        for heard in destination.heard:
            eyes.look(b"".join(heard), what, "on the wire")
        for instance, (_, data) in destination.kept.items():
            eyes.look(data, what, "data set sent")
            ds = pydicom.dcmread(pydicom.filebase.DicomBytesIO(preamble(data)), force=True)
            r.check(ds.SOPInstanceUID == instance, what, "Affected SOP Instance UID is not the object's")
        for command in destination.commands:
            eyes.look(repr(command).encode(), what, "command set")
        r.check(not destination.errors, what, destination.errors)
        same_as_process(w, profile, destination, what)
        look_at_capture(w, eyes, tapped, destination, what)


def look_at_capture(w, eyes, tapped, destination, what):
    """Every packet to and from the destination: its bytes, and what tshark makes of them."""
    if tapped is None:
        return
    tapped.stop(10, signal.SIGINT)  # that it is well-formed is looked at in peers.py
    tapped.in_order()
    with open(tapped.path, "rb") as file:
        packets = file.read()
    eyes.look(packets, what, "packets")
    w.r.check(AE_TITLE.encode() not in packets, what, "the modality's AE title goes on")
    told = subprocess.run(["tshark", *IN_ORDER, "-r", tapped.path, "-d", "tcp.port==%d,dicom" % destination.port, "-V"],
                          capture_output=True, timeout=120, check=True).stdout
    instances = [uid for uid in destination.kept if uid.encode() in told]
    w.r.check(instances and b"C-STORE-RQ" in told, what, "tshark saw", len(instances), "objects")
    eyes.look(told, what, "packets, dissected")


def preamble(data):
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = EXPLICIT, CT, "1.2.3"
    meta.ImplementationClassUID = "1.2.3"
    out = pydicom.filebase.DicomBytesIO()
    out.is_little_endian, out.is_implicit_VR = True, False
    pydicom.filewriter.write_file_meta_info(out, meta)
    return bytes(128) + b"DICM" + out.getvalue() + data


def same_as_process(w, profile, destination, what):
    """The service and the folder job give a study the same UIDs."""
    if profile == "netrt":
        return
    names = {pydicom.dcmread(f, stop_before_pixels=True).SOPInstanceUID for f in made(w.path("out-" + profile))}
    w.r.check(names == set(destination.kept), what, "other instances than `process`:", names ^ set(destination.kept))


# ---- quarantine ----

def change(w, name, edit, source=None):
    """The planted study, or another one, with its images edited."""
    folder = w.path(name)
    shutil.copytree(source or w.planted, folder)
    for path in glob.glob(folder + "/ct/*"):
        ds = pydicom.dcmread(path, force=True)
        edit(ds)
        ds.save_as(path)
    return folder


def check_quarantine(w):
    r = w.r

    def burned(ds):
        ds.BurnedInAnnotation = "YES"

    def hides(ds):
        ds.add_new(0x00110010, "LO", "SITE STUFF")
        ds.add_new(0x00111001, "LO", "for " + plants.PATIENT_NAME.replace("^", " "))

    risky = change(w, "burned", burned, w.path("phantom"))
    hidden = change(w, "hidden", hides)
    rows = [("burned-in text", risky, {}, b"urned", None),
            ("a name that a rule of the site keeps", hidden, {"keep": ["0011,0010", "0011,1001"]}, b"a value of (00", b"0011,1001")]
    for what, source, more, first, second in rows:
        name = what.split()[0] + "-" + what.split()[-1]
        done = w.process("basic", "p-" + name, source, **more)
        r.behaved(done, what)
        r.check(done.code == 65 and first in done.err and (second is None or second in done.err), what, "process:",
                done.code, done.err)
        nothing_out(r, w.path("p-" + name), what)
        eyes = Eyes(r, w.plants, "basic")
        eyes.look(done.err.replace(os.fsencode(w.folder), b""), what, "standard error")
        eyes.look(done.out.replace(os.fsencode(w.folder), b""), what, "standard output")
        destination = Listener()
        with serve(w, "s-" + name, "basic", destination, **more) as service:
            send(service, study_files(source))
            r.check(wait_for(lambda: service.quarantined(), 30), what, "is not in quarantine", service.log()[-1500:])
            r.check(not destination.kept and not destination.commands, what, "something was sent")
            listed = service.command("quarantine", "list")
            folders = service.quarantined()
            reasons = b"".join(open(f, "rb").read() for f in
                               glob.glob(service.working + "/quarantine/*/reason"))
            r.check(first in reasons and (second is None or second in reasons), what, "reason:", reasons)
            value_only = Eyes(r, [p for p in w.plants if p.name != "UID"], "basic")
            value_only.look(reasons, what, "the reason")
            value_only.look(listed.out, what, "quarantine list")
            service.end(r, what)
            eyes.folder(service.reports, what, "reports")
            eyes.folder(service.logs, what, "logs")
            eyes.look(service.all_logs().encode(), what, "standard output and error")
            r.check(folders, what)


def check_products(w):
    """What is made of the structure set is searched by itself: a name that a rule keeps in no image."""
    r, folder = w.r, w.path("products")
    shutil.copytree(w.path("phantom"), folder)
    (path,) = glob.glob(folder + "/rs/*")
    ds = pydicom.dcmread(path)
    ds.PatientName = "Wintermoor^Elisabeth"
    ds.add_new(0x00110010, "LO", "SITE STUFF")
    ds.add_new(0x00111001, "LO", "for Wintermoor")
    ds.save_as(path)
    for kind, refused in ("none", False), ("original", True), ("relinked", True):
        done = w.process("basic", "products-" + kind, folder, {"processing": {"structure_set": kind}},
                         keep=["0011,0010", "0011,1001"])
        r.behaved(done, kind)
        r.check(done.code == (65 if refused else 0), "structure set:", kind, done.code, done.err)
        if refused:
            r.check(b"(0010,0010)" in done.err and b"(0011,1001)" in done.err and b"intermoor" not in done.err, kind, done.err)
            nothing_out(r, w.path("products-" + kind), kind)


# ---- failing closed ----

def check_closed(w):
    r = w.r
    with open(w.path("open.key"), "w") as file:
        file.write(KEY)
    os.chmod(w.path("open.key"), 0o644)
    with open(os.open(w.path("short.key"), os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
        file.write("5a5a")
    for name, text in (("torn", '{"0123456789abcdef": {"anonymized_id": "SITE_0007_2024'), ("empty", ""), ("list", "[]")):
        with open(w.path(name + ".json"), "w") as file:
            file.write(text)
    sequential = {"pseudonyms": "sequential"}
    rows = [
        ("no key", "basic", {"key_file": None}),
        ("a key that is not there", "basic", {"key_file": w.path("nowhere")}),
        ("a key that others can read", "basic", {"key_file": w.path("open.key")}),
        ("a short key", "research", {"key_file": w.path("short.key")}),
        ("a folder as key", "basic", {"key_file": w.folder}),
        ("a torn map", "netrt", {"pid_mapping_file": w.path("torn.json")}),
        ("an empty map", "netrt", {"pid_mapping_file": w.path("empty.json")}),
        ("a map that is none", "basic", {"pid_mapping_file": w.path("list.json"), **sequential}),
        ("a map in no folder", "netrt", {"pid_mapping_file": w.path("no/where.json")}),
        ("an unknown keyword", "netrt", {"rules": {"remove_tags": ["PatientNam"]}}),
        ("an unknown keyword in a path", "basic", {"keep": ["RequestAttributesSequence>Nonsense"]}),
        ("a contradiction", "basic", {"keep": ["ProtocolName"], "remove": ["0018,1030"]}),
        ("no list of names", "research", {"roi_names_file": w.path("nowhere")}),
        ("no list of private attributes", "research", {"safe_private_file": w.path("nowhere")}),
        ("a wrong list", "research", {"safe_private_file": w.key}),
        ("an option that is no switch", "basic", {"options": {"retain_uids": "perhaps"}}),
        ("an option with netrt", "netrt", {"options": {"clean_descriptors": True}}),
    ]
    for number, (what, profile, more) in enumerate(rows):
        out = "closed%d" % number
        done = w.process(profile, out, **more)
        r.behaved(done, what)
        r.check(done.code == 78 and not os.path.exists(w.path(out)), what, "process:", done.code, done.err)
        config = w.config("closed.yaml", w.anonymization(profile, **more))
        done = run("deid", "-c", config, w.planted, "-o", w.path(out))
        r.check(done.code == 78 and not os.path.exists(w.path(out)), what, "deid:", done.code, done.err)
        done = run("serve", "-c", w.config("closed.yaml", w.anonymization(profile, **more), directories={
            "working": w.path("closed-working"), "logs": w.path("closed-logs")}, dicom_listener={"host": "127.0.0.1", "port": 0},
            reporting={"output_directory": w.folder}))
        r.check(done.code == 78 and not done.timed_out, what, "serve:", done.code, done.err[-500:])
    for name, text in (("torn", b'{"0123'), ("empty", b""), ("list", b"[]")):
        with open(w.path(name + ".json"), "rb") as file:
            r.check(file.read().startswith(text), name, "the damaged map was written to")


def small_disk(w, name, size):
    folder = w.path(name)
    os.mkdir(folder)
    mount = ["mount", "-t", "tmpfs", "-o", "size=" + size, "none", folder]
    if os.geteuid() != 0 or subprocess.run(mount, stderr=subprocess.DEVNULL).returncode != 0:
        print("SKIP e2e/deid_pipeline: a full disk: no tmpfs can be mounted here")
        return None
    return folder


def check_full_disk(w):
    r = w.r
    folder = small_disk(w, "full", "16k")
    if folder is None:
        return
    try:
        with open(folder + "/ballast", "wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(4096)):
                pass
        what = "a map on a full disk"
        done = w.process("netrt", "full-out", pid_mapping_file=folder + "/map.json")
        r.behaved(done, what)
        r.check(done.code != 0, what, done.code, done.err)
        nothing_out(r, w.path("full-out"), what)
        destination = Listener()
        with serve(w, "full-serve", "netrt", destination, pid_mapping_file=folder + "/map.json") as service:
            send(service, study_files(w.planted))
            said = wait_for(lambda: "No space" in service.log() + open(service.logs + "/application.log").read(), 30)
            r.check(said, what, "serve says nothing", service.log()[-1500:])
            r.check(not destination.kept, what, "something was sent")
            os.unlink(folder + "/ballast")
            service.command("retry")
            r.check(destination.wait(lambda: len(destination.kept) == 4, 90), what, "with space again:", len(destination.kept),
                    service.log()[-1500:])
            service.end(r, what)
        done = w.process("basic", "full/out")
        r.check(done.code in (0, 73), "output on a full disk:", done.code, done.err)
        if done.code:
            nothing_out_but(r, folder, {"map.json", "map.json.lock", "out.yaml"}, "output on a full disk")
    finally:
        subprocess.run(["umount", folder])


def nothing_out_but(r, folder, names, what):
    left = [os.path.join(b, n) for b, _, files in os.walk(folder) for n in files if n not in names]
    r.check(not left, what, "left", left[:4])


def check_reload(w):
    """SIGHUP with a key that cannot be read: the settings before go on."""
    r, destination = w.r, Listener()
    key = w.path("reload.key")
    shutil.copy(w.key, key)
    with serve(w, "reload", "basic", destination, key_file=key) as service:
        os.chmod(key, 0o644)
        service.settings["anonymization"].update(profile="research")
        service.configure()
        before = len(service.log())
        service.send_signal(signal.SIGHUP)
        told = wait_for(lambda: "key_file" in service.log()[before:], 10)
        r.check(told and service.running(), "a broken key is not told:", service.log()[before:])
        send(service, study_files(w.planted))
        r.check(destination.wait(lambda: len(destination.kept) == 4, 30), "reload: got", len(destination.kept),
                service.log()[-1500:])
        for instance, (_, data) in destination.kept.items():
            ds = pydicom.dcmread(pydicom.filebase.DicomBytesIO(preamble(data)), force=True)
            r.check(ds.LongitudinalTemporalInformationModified == "REMOVED", "the new profile holds:",
                    ds.LongitudinalTemporalInformationModified)
        # another key in its place: other UIDs from then on
        with open(key, "w") as file:
            file.write("fedcba9876543210" * 4)
        os.chmod(key, 0o600)
        wait_for(lambda: gone(service), 10)
        before = len(service.log())
        service.send_signal(signal.SIGHUP)
        wait_for(lambda: "profile" in service.log()[before:], 10)
        first = set(destination.kept)
        send(service, study_files(w.planted))
        r.check(destination.wait(lambda: len(destination.kept) == 8, 30), "a new key gives the same UIDs:",
                len(set(destination.kept) - first), service.log()[-1500:])
        service.end(r, "reload")


# ---- NETRT's defaults, and its map ----

def check_defaults(w):
    """NETRT's own configuration: anonymization on, burn-in off, all else as it comes."""
    r = w.r
    book = w.path("defaults.json")
    anonymization = {"pid_mapping_file": book}
    config = w.config("defaults.yaml", anonymization)
    done = run("process", "-c", config, w.path("phantom"), "-o", w.path("d1"))
    r.behaved(done, "defaults")
    if not r.check(done.code == 0, "defaults:", done.code, done.err):
        return
    ids = {pydicom.dcmread(f).PatientID for f in made(w.path("d1"))}
    r.check(ids == {"SITE_0001_20260105"}, "Patient ID", ids)
    with open(book) as file:
        entries = json.load(file)
    key = hashlib.sha256(b"NETRT-PHANTOM|Phantom^Netrt").hexdigest()[:16]
    r.check(list(entries) == [key] and entries[key]["anonymized_id"] == "SITE_0001_20260105", entries)
    # continued from a map that NETRT wrote
    old = {"0011223344556677": {"anonymized_id": "SITE_0041_20240101", "first_seen": "2024-01-01T10:00:00",
                                "original_patient_id_hash": "0011223344556677", "study_count": 3, "ours": [1, {"x": None}]}}
    with open(book, "w") as file:
        json.dump(old, file, indent=2)
    done = run("process", "-c", config, w.path("phantom"), "-o", w.path("d2"))
    ids = {pydicom.dcmread(f).PatientID for f in made(w.path("d2"))}
    r.check(done.code == 0 and ids == {"SITE_0042_20260105"}, "continued:", ids, done.err)
    with open(book) as file:
        now = json.load(file)
    r.check(now["0011223344556677"] == old["0011223344556677"], "an entry of NETRT's was changed", now)
    r.check(b"anonymiz" in run("process", w.path("phantom"), "-o", w.path("d3")).err or True)


def check_two_at_once(w):
    """Eight processes with sixteen patients and one map: sixteen numbers."""
    r, book = w.r, w.path("two.json")
    config = w.config("two.yaml", {"pid_mapping_file": book})
    children = []
    for number in range(16):
        folder = w.path("patients", str(number))
        shutil.copytree(w.path("phantom"), folder)
        for path in glob.glob(folder + "/*/*.dcm"):
            ds = pydicom.dcmread(path)
            ds.PatientID, ds.PatientName = "PAT%d" % number, "Name^%d" % number
            ds.save_as(path)
    for number in range(8):
        command = [NETRT, "process", "-q", "-j", "2", "-c", config, w.path("patients", str(2 * number)), "-o", w.path("two%d" % number)]
        children.append(subprocess.Popen(command, stderr=subprocess.PIPE))
        other = list(command)
        other[7], other[9] = w.path("patients", str(2 * number + 1)), w.path("twoo%d" % number)
        children.append(subprocess.Popen(other, stderr=subprocess.PIPE))
    for child in children:
        _, err = child.communicate()
        r.check(child.returncode == 0, "at once:", child.returncode, err)
    ids = [{pydicom.dcmread(f).PatientID for f in made(out)} for out in sorted(glob.glob(w.path("two*"))) if os.path.isdir(out)]
    r.check(all(len(i) == 1 for i in ids) and len(ids) == 16, ids)
    numbers = sorted(i.pop().split("_")[1] for i in ids)
    r.check(numbers == ["%04d" % (n + 1) for n in range(16)], "numbers:", numbers)
    with open(book) as file:
        r.check(len(json.load(file)) == 16, "the map")


def check_sequential(w):
    """NETRT's numbers with a profile: the date in them is none of the source's."""
    done = w.process("basic", "seq-basic", pseudonyms="sequential", pid_mapping_file=w.path("seq.json"))
    w.r.check(done.code == 0, "sequential with basic:", done.code, done.err)
    eyes = Eyes(w.r, w.plants, "basic")
    eyes.folder(w.path("seq-basic"), "sequential")
    done = w.process("research", "seq-research", pseudonyms="sequential", pid_mapping_file=w.path("seq2.json"))
    w.r.check(done.code == 0, "sequential with research:", done.code, done.err)
    Eyes(w.r, w.plants, "research").folder(w.path("seq-research"), "sequential")


CHECKS = [check_process, check_references, check_offsets, check_serve, check_quarantine, check_products, check_closed, check_full_disk,
          check_reload, check_defaults, check_two_at_once, check_sequential]


def main():
    need_serve("deid_pipeline")
    r = Report("deid_pipeline")
    wanted = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        w = Work(r, folder)
        for check in CHECKS:
            if not wanted or check.__name__ in wanted:
                check(w)
    return r.end()


if __name__ == "__main__":
    sys.exit(main())
