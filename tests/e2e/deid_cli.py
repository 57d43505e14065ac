#!/usr/bin/python3
"""netrt deid, netrt keygen and netrt config policy as programs: what comes out is read by pydicom, references
resolve, everything that is missing or unclear stops it, two machines with one key agree, NETRT's map goes on.
What each attribute becomes is looked at elsewhere, row by row."""
import contextlib
import copy
import datetime
import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import tempfile

import pydicom
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from harness import ASAN, NETRT, Report, run

CT, RS, SC = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.481.3", "1.2.840.10008.5.1.4.1.1.7"
PROFILES = {
    "netrt": "anonymization:\n  pid_mapping_file: {map}\n",
    "basic": "anonymization:\n  profile: basic\n  pseudonyms: keyed\n  key_file: {key}\n",
    "research": "anonymization:\n  profile: research\n  pseudonyms: keyed\n  key_file: {key}\n  id_prefix: X-\n",
}


def tree(folder):
    found = {}
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = file.read()
    return found


def objects(folder):
    """Every object below, read whole by pydicom, its values too."""
    found = []
    for name in sorted(tree(folder)):
        if name.endswith(".dcm"):
            ds = pydicom.dcmread(os.path.join(folder, name))
            str(ds)
            found.append(ds)
    return found


class Work:
    def __init__(self, r, folder):
        self.r, self.folder = r, folder
        done = run("phantom", self.path("phantom"), "--matrix", "64", "--slices", "12")
        assert done.code == 0, done.err
        self.study = self.path("study")
        self.rename(self.path("phantom"), self.study)
        assert run("keygen", self.path("key")).code == 0
        for name in PROFILES:
            self.config(name)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def config(self, profile, more="", name=None):
        """A file of that profile, with more lines in its section."""
        text = PROFILES[profile].format(map=self.path("map.json"), key=self.path("key"))
        return self.write((name or profile) + ".yaml", text + more)

    def rename(self, source, target):
        """The phantom as a patient's: with names, dates and numbers to be lost."""
        os.mkdir(target)
        for i, (name, _) in enumerate(sorted(tree(source).items())):
            ds = pydicom.dcmread(os.path.join(source, name))
            ds.PatientName, ds.PatientID, ds.AccessionNumber = "Wintermoor^Elisabeth", "MRN7788123", "ACC4711"
            ds.PatientBirthDate, ds.PatientSex, ds.PatientAge = "19310405", "F", "095Y"
            ds.InstitutionName, ds.StationName = "St. Wintermoor Hospital", "CT99"
            ds.ReferringPhysicianName = "Grey^Meredith"
            ds.StudyDescription = "Thorax for Wintermoor"
            ds.SeriesDescription = "CT thorax 5 mm, Wintermoor"
            ds.ProtocolName = "THORAX"
            item = Dataset()
            item.ScheduledProcedureStepDescription, item.AccessionNumber = "thorax", "ACC4711"
            item.ScheduledProcedureStepID = "SPS12345"
            ds.RequestAttributesSequence = Sequence([item])
            ds.private_block(0x0029, "ACME SECRETS", create=True).add_new(1, "LO", "Wintermoor")
            ds.save_as(os.path.join(target, "%03d" % i), write_like_original=False)

    def deid(self, config, *inputs, out, options=(), **how):
        return run("deid", "-c", config, *inputs, "-o", out, *options, **how)


# ---- what comes out ----

def names_nobody(r, what, folder, but=()):
    for name, content in tree(folder).items():
        for word in (b"intermoor", b"INTERMOOR", b"MRN7788123", b"ACC4711", b"Elisabeth", b"Meredith", b"SPS12345"):
            if word not in but:
                r.check(word not in content and word.decode() not in name, what, name, "still holds", word)


def resolves(r, what, found):
    """The structure set refers to the images that are there, at all its levels."""
    sets = [ds for ds in found if ds.SOPClassUID == RS]
    images = {ds.SOPInstanceUID: ds for ds in found if ds.SOPClassUID == CT}
    r.check(len(sets) == 1 and len(images) == 12, what, "what was written:", len(sets), len(images))
    r.check(len({ds.StudyInstanceUID for ds in found}) == 1, what, "one study")
    r.check(len({ds.SeriesInstanceUID for ds in images.values()}) == 1, what, "one series")
    r.check(len({(ds.PatientID, str(ds.PatientName)) for ds in found}) == 1, what, "one patient")
    one = next(iter(images.values()))
    frames = {ds.FrameOfReferenceUID for ds in images.values()}
    for ds in sets:
        for frame in ds.ReferencedFrameOfReferenceSequence:
            r.check({frame.FrameOfReferenceUID} == frames, what, "frame of reference")
            for study in frame.RTReferencedStudySequence:
                r.check(study.ReferencedSOPInstanceUID == one.StudyInstanceUID, what, "referenced study")
                for series in study.RTReferencedSeriesSequence:
                    r.check(series.SeriesInstanceUID == one.SeriesInstanceUID, what, "referenced series")
                    for image in series.ContourImageSequence:
                        r.check(image.ReferencedSOPInstanceUID in images, what, "contour image of the frame")
        for roi in ds.StructureSetROISequence:
            r.check({roi.ReferencedFrameOfReferenceUID} == frames, what, "frame of a ROI")
        for roi in ds.ROIContourSequence:
            for contour in roi.get("ContourSequence", []):
                for image in contour.get("ContourImageSequence", []):
                    r.check(image.ReferencedSOPInstanceUID in images, what, "contour image")
    for ds in found:
        r.check(ds.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID, what, "(0002,0003)")
        r.check("SourceApplicationEntityTitle" not in ds.file_meta, what, "(0002,0016)")
        r.check(ds.preamble == bytes(128), what, "preamble")


def dcmtk_resolves(r, what, folder):
    """The same as DCMTK reads it: each reference's path and value, by dcmdump."""
    def values(path, tag):
        done = subprocess.run(["dcmdump", "-q", "-Un", "+L", "+p", "+P", tag, path], capture_output=True, text=True)
        r.check(done.returncode == 0, what, "dcmdump", path, done.stderr)
        found = re.findall(r"^(\S+) UI \[([0-9.]+)\]", done.stdout, re.M)
        return [(path.split(".")[-2] if "." in path else "", value) for path, value in found]

    files = [os.path.join(where, name) for where, _, names in os.walk(folder) for name in names if name.endswith(".dcm")]
    known = {tag: {value for path in files for parent, value in values(path, tag) if not parent}
             for tag in ("0008,0018", "0020,000d", "0020,000e", "0020,0052")}
    (rs,) = [path for path in files if ("", RS) in values(path, "0008,0016")]
    images = [value for parent, value in values(rs, "0008,1155") if parent == "(3006,0016)"]
    studies = [value for parent, value in values(rs, "0008,1155") if parent == "(3006,0012)"]
    r.check(len(images) > 12 and set(images) <= known["0008,0018"], what, "dcmdump: contour images", len(images))
    r.check(len(studies) == 1 and set(studies) == known["0020,000d"], what, "dcmdump: referenced study", studies)
    r.check({value for parent, value in values(rs, "0020,000e") if parent} <= known["0020,000e"], what, "dcmdump: series")
    frames = values(rs, "0020,0052") + values(rs, "3006,0024")
    r.check(len(frames) > 1 and {value for _, value in frames} == known["0020,0052"] and len(known["0020,0052"]) == 1, what,
            "dcmdump: frame of reference", frames)


def by_number(found):
    return sorted((ds for ds in found if ds.SOPClassUID == CT), key=lambda ds: float(ds.ImagePositionPatient[2]))


def check_profiles(w):
    r = w.r
    sources = objects_of_study(w)
    for profile in PROFILES:
        out = w.path("out-" + profile)
        done = w.deid(w.path(profile + ".yaml"), w.study, out=out)
        r.behaved(done, profile)
        r.check(done.code == 0 and done.out.startswith(b"13 de-identified, 0 not let out"), profile, done.out, done.err)
        found = objects(out)
        resolves(r, profile, found)
        dcmtk_resolves(r, profile, out)
        # NETRT's rules leave what they do not name
        names_nobody(r, profile, out, but=(b"intermoor", b"Meredith", b"SPS12345") if profile == "netrt" else ())
        report = json.loads(tree(out)["deid_report.json"])
        r.check(len(report["objects"]) == 13 and all("instance" in o for o in report["objects"]), profile, report)
        r.check({o["instance"] for o in report["objects"]} == {ds.SOPInstanceUID for ds in found}, profile, "report")
        for name in os.listdir(out):
            r.check(name == "deid_report.json" or name == "UID_" + found[0].StudyInstanceUID, profile, name)
        for before, after in zip(by_number(sources), by_number(found)):
            r.check(after.PixelData == before.PixelData, profile, "pixels")
            r.check((after.StudyInstanceUID == before.StudyInstanceUID) == (profile == "netrt"), profile, "UIDs")
            r.check(after.PatientIdentityRemoved == (before if profile == "netrt" else after).PatientIdentityRemoved == "YES",
                    profile, "(0012,0062)")
            check_values(r, profile, before, after)
        contours(r, profile, sources, found)


def objects_of_study(w):
    return [pydicom.dcmread(os.path.join(w.study, name)) for name in sorted(os.listdir(w.study))]


def check_values(r, profile, before, after):
    if profile == "netrt":
        r.check(after.PatientID.startswith("SITE_0001_"), profile, after.PatientID)
        r.check("AccessionNumber" not in after, profile, "Accession Number")
        r.check("AccessionNumber" not in after.RequestAttributesSequence[0], profile, "... in a sequence")
        r.check(after.InstitutionName == before.InstitutionName and after.StudyDate == before.StudyDate, profile, "kept")
        return
    codes = {item.CodeValue for item in after.DeidentificationMethodCodeSequence}
    r.check("InstitutionName" not in after, profile, "Institution Name")
    r.check(not any(e.tag.is_private for e in after), profile, "private attributes")
    r.check(after.get("PatientBirthDate", "") == "", profile, "birth date")
    if profile == "basic":
        r.check(codes == {"113100"}, profile, codes)
        r.check(after.LongitudinalTemporalInformationModified == "REMOVED", profile)
        r.check(after.get("StudyDate", "") == "" and after.get("PatientSex", "") == "", profile, "emptied")
        r.check("StudyDescription" not in after, profile, "Study Description")
    else:
        day = lambda text: datetime.datetime.strptime(text, "%Y%m%d").date()
        r.check(codes == {"113100", "113111", "113108", "113107", "113105"}, profile, codes)
        r.check(after.LongitudinalTemporalInformationModified == "MODIFIED", profile)
        r.check(-3650 <= (day(after.StudyDate) - day(before.StudyDate)).days <= -1, profile, after.StudyDate)
        r.check(after.StudyTime == before.StudyTime, profile, after.StudyTime)
        r.check(after.PatientSex == "F" and after.PatientAge == "090Y", profile, "characteristics")
        r.check("horax" in after.StudyDescription and "thorax" in after.SeriesDescription, profile, after.SeriesDescription)
        r.check(after.PatientID.startswith("X-") and len(after.PatientID) == 18, profile, after.PatientID)


def contours(r, profile, sources, found):
    before, after = ([ds for ds in all if ds.SOPClassUID == RS][0] for all in (sources, found))
    flat = lambda ds: [(c.ContourData, c.ContourGeometricType) for roi in ds.ROIContourSequence
                       for c in roi.get("ContourSequence", [])]
    r.check(flat(before) == flat(after), profile, "contours")
    names = [roi.ROIName for roi in after.StructureSetROISequence]
    if profile == "basic":
        r.check(set(names) == {""}, profile, "names of ROIs", names)
    else:
        r.check(len(set(names)) == len(names), profile, "names of ROIs", names)


def check_full(w):
    """NETRT's full anonymization as its file has it: without a key, patients keep their numbers."""
    r, out = w.r, w.path("out-full")
    config = w.config("netrt", "  full_anonymization_enabled: true\n  study_description: Trial 7\n", name="full")
    done = w.deid(config, w.study, out=out)
    r.check(done.code == 0, "full", done.err[:500])
    found = objects(out)
    resolves(r, "full", found)
    for before, after in zip(by_number(objects_of_study(w)), by_number(found)):
        r.check(after.PatientID.startswith("SITE_0001_") and after.PatientName == after.PatientID, "full", after.PatientID)
        r.check(after.AccessionNumber == "" and "InstitutionName" not in after, "full: numbers and names")
        r.check(after.StudyDate == before.StudyDate[:6] + "01" and after.PatientBirthDate == "19310401", "full: dates")
        r.check(after.StudyTime == before.StudyTime[:2] + "0000", "full: times", after.StudyTime)
        r.check(after.StudyInstanceUID != before.StudyInstanceUID and after.SOPInstanceUID != before.SOPInstanceUID, "full: UIDs")
        r.check(after.StudyDescription == "Trial 7" and after.StationName == "CT99", "full: Study Description")
    r.check(b"anonymization.key_file: note: is not given" in run("config", "check", config).out, "full: the note")
    config = w.config("netrt", """\
  full_anonymization_enabled: true
  full_anonymization_rules: {patient_id_override: ANONYMIZED_ID, patient_name_override: ANONYMIZED_NAME}
""", name="full2")
    w.deid(config, w.study, out=w.path("out-full2"))
    r.check({(ds.PatientID, str(ds.PatientName)) for ds in objects(w.path("out-full2"))} ==
            {("ANONYMIZED_ID", "ANONYMIZED_NAME")}, "full: overrides")


def check_sequential(w):
    """NETRT's numbers with the other profiles: the date in them is none of the source's."""
    r = w.r
    for profile in ("basic", "research"):
        path = w.path(profile + "-map.json")
        config = w.write("sequential.yaml", "anonymization: {profile: %s, key_file: %s, pid_mapping_file: %s}\n" % (
            profile, w.path("key"), path))
        out = w.path("out-sequential-" + profile)
        done = w.deid(config, w.study, out=out)
        r.check(done.code == 0, "sequential", profile, done.err[:500])
        found = objects(out)
        resolves(r, "sequential " + profile, found)
        date = objects_of_study(w)[0].StudyDate
        r.check(found[0].PatientID == "SITE_0001_" + (found[0].StudyDate or "19000101"), "sequential", found[0].PatientID)
        r.check(date.encode() not in b"".join(tree(out).values()), "sequential", profile, "the date is in it")
        # a map that says the date already, as NETRT wrote it: its IDs stay
        with open(path) as file:
            text = file.read().replace(found[0].PatientID, "SITE_0001_" + date)
        with open(path, "w") as file:
            file.write(text)
        done = w.deid(config, w.study, out=out)
        r.check(done.code == 0 and objects(out)[0].PatientID == "SITE_0001_" + date, "sequential: as it was", done.err[:500])


def check_random(w):
    r, out = w.r, w.path("out-random")
    config = w.config("netrt", "  use_consistent_pid: false\n  site_code: ZZ\n", name="random")
    before = tree(w.folder).get("map.json")
    r.check(w.deid(config, w.study, out=out).code == 0, "random")
    found = objects(out)
    resolves(r, "random", found)
    r.check(found[0].PatientID.startswith("ZZ_") and len(found[0].PatientID) == 11, "random", found[0].PatientID)
    r.check(tree(w.folder).get("map.json") == before, "random: no map")


# ---- what is told ----

def check_counts(w):
    """The report's numbers of one image, counted again."""
    r, out = w.r, w.path("out-counts")
    before = by_number(objects_of_study(w))[0]
    before.save_as(w.path("counted"), write_like_original=False)
    r.check(w.deid(w.path("basic.yaml"), w.path("counted"), out=out).code == 0, "counts")
    (after,), (row,) = objects(out), json.loads(tree(out)["deid_report.json"])["objects"]
    forced = {"PatientName", "PatientID", "PatientIdentityRemoved", "DeidentificationMethod", "PixelData"}
    decided = [e for e in before if e.keyword not in forced]
    counts = row["actions"]
    r.check(counts["remove"] == sum(e.tag not in after for e in decided), "removed", counts)
    r.check(counts["private-removed"] == sum(e.tag.is_private for e in decided), "private", counts)
    r.check(counts["uid"] == sum(e.VR == "UI" for e in decided), "UIDs", counts)
    r.check(counts["empty"] == sum(e.tag in after and after[e.tag].is_empty and not e.is_empty for e in decided), "emptied", counts)
    r.check(sum(counts[act] for act in ("keep", "remove", "uid", "empty")) == len(decided), "all", counts, len(decided))


def check_verifier(w):
    """A name that a rule of the site keeps by mistake: nothing is written, tag and rule are told, the value is not."""
    r, out = w.r, w.path("out-verifier")
    config = w.config("basic", "  keep: ['0029,0010', '0029,1001']\n", name="mistake")
    os.mkdir(w.path("mistaken"))
    for number, ds in enumerate(objects_of_study(w)):
        ds.add_new(0x00291001, "LO", "for Wintermoor")
        ds.save_as(w.path("mistaken/%d" % number), write_like_original=False)
    done = w.deid(config, w.path("mistaken"), out=out)
    r.behaved(done, "verifier")
    r.check(done.code == 65 and list(tree(out)) == ["deid_report.json"], "verifier", done.code, list(tree(out)))
    r.check(done.err.count(b"a value of (0010,0010) is still in the output") == 13 and b"in (0029,1001)" in done.err,
            "verifier", done.err[:400])
    rows = json.loads(tree(out)["deid_report.json"])["objects"]
    r.check({(o["value_of"], o["found_in"], o["form"]) for o in rows} == {("00100010", "00291001", "part of a name")},
            "verifier", rows[0])
    names_nobody(r, "verifier", out)
    r.check(b"intermoor" not in done.err + done.out, "verifier: the value is told", done.err)


# ---- rules of the site ----

def check_rules(w):
    r, out = w.r, w.path("out-rules")
    config = w.config("research", name="rules", more="""\
  keep: [StationName, ProtocolName]
  remove: ["RequestAttributesSequence>ScheduledProcedureStepDescription", "0008,103E"]
  blank: [Modality]
  hash: [DeviceSerialNumber, StudyID]
  replace:
    InstitutionName: "Site 12"
    "0008,1030": "Thorax"
  crosswalk_file: %s
""" % w.path("crosswalk"))
    done = w.deid(config, w.study, out=out)
    r.check(done.code == 0, "rules", done.err)
    for ds in by_number(objects(out)):
        r.check(ds.StationName == "CT99" and ds.ProtocolName == "THORAX", "kept")
        r.check("SeriesDescription" not in ds and ds.Modality == "", "removed, blanked")
        item = ds.RequestAttributesSequence[0] if ds.get("RequestAttributesSequence") else Dataset()
        r.check("ScheduledProcedureStepDescription" not in item, "removed by its path")
        r.check(ds.InstitutionName == "Site 12" and ds.StudyDescription == "Thorax", "replaced", ds.get("InstitutionName"))
    rows = [row.split("\t") for row in open(w.path("crosswalk")).read().splitlines()]
    olds = {(ds.StudyInstanceUID, ds.SOPInstanceUID) for ds in objects_of_study(w)}
    news = {(ds.StudyInstanceUID, ds.SOPInstanceUID, ds.PatientID) for ds in objects(out)}
    r.check({tuple(row[:2]) for row in rows} == olds and {tuple(row[2:]) for row in rows} == news, "crosswalk", rows[:2])
    w.deid(config, w.study, out=out)
    r.check(len(open(w.path("crosswalk")).readlines()) == 26, "what is in the crosswalk stays")
    r.check(stat.S_IMODE(os.stat(w.path("crosswalk")).st_mode) == 0o600, "mode of the crosswalk")


def check_options(w):
    """Each option by itself, in a study that has what it is about."""
    r = w.r
    for option in ("retain_safe_private", "retain_uids", "retain_device_identity", "retain_institution_identity",
                   "retain_patient_characteristics", "retain_full_dates", "retain_modified_dates", "clean_descriptors",
                   "clean_structured_content", "clean_graphics"):
        config = w.config("basic", "  options:\n    %s: true\n" % option, name="option")
        out = w.path("out-" + option)
        done = w.deid(config, w.study, out=out)
        r.check(done.code == 0, option, done.err[:500])
        found = objects(out)
        resolves(r, option, found)
        names_nobody(r, option, out, but=(b"intermoor",) if option == "retain_institution_identity" else ())
        for before, after in zip(by_number(objects_of_study(w)), by_number(found)):
            same = lambda name: after.get(name) == before.get(name)
            r.check(same("StationName") == (option == "retain_device_identity"), option, "Station Name")
            r.check(same("StudyInstanceUID") == (option == "retain_uids"), option, "Study Instance UID")
            r.check(same("PatientSex") == (option == "retain_patient_characteristics"), option, "Patient's Sex")
            r.check(same("StudyDate") == (option == "retain_full_dates"), option, "Study Date")
            r.check(("StudyDescription" in after) == (option == "clean_descriptors"), option, "Study Description")
            r.check(("InstitutionName" in after) == (option == "retain_institution_identity"), option, "Institution Name")


# ---- references ----

# ---- agreement ----

def machine(w, name, profile, options, command="deid", **environment):
    """The same key and rules in other folders, another HOME, another user's umask."""
    home = w.path(name)
    os.makedirs(home + "/etc")
    shutil.copy(w.path("key"), home + "/etc/secret")
    with open(home + "/c.yaml", "w") as file:
        file.write("anonymization:\n  profile: %s\n  pseudonyms: keyed\n  key_file: ~/etc/secret\n" % profile +
                   "processing:\n  add_burn_in_disclaimer: false\n")
    shutil.copytree(w.study, home + "/in")
    if environment:  # files came in another order, under other names
        for number, path in enumerate(sorted(tree(home + "/in"), reverse=True)):
            os.makedirs(home + "/in/%d" % (number % 3), exist_ok=True)
            os.rename(home + "/in/" + path, home + "/in/%d/%03d.IMA" % (number % 3, number))
    done = subprocess.run(["sh", "-c", 'umask 077; exec "$@"', "sh", os.path.abspath(NETRT), command, "-c", "c.yaml", "in",
                           "-o", "out", *options],
                          cwd=home, env=dict(os.environ, HOME=home, **environment), capture_output=True)
    w.r.check(done.returncode == 0, name, done.stderr)
    return tree(home + "/out")


def images(files):
    return {name: data for name, data in files.items() if name.endswith(".dcm")}


def ordered(report):
    """Objects come in the order in which they were read, and have a number in it."""
    objects = [json.dumps({key: value for key, value in entry.items() if key != "file"}) for entry in report["objects"]]
    return dict(report, objects=sorted(objects))


def differing(one, other):
    """Keywords at any depth that two objects do not agree about."""
    a, b = (pydicom.dcmread(pydicom.filebase.DicomBytesIO(data)) for data in (one, other))
    pairs = zip(a.iterall(), b.iterall())
    return {x.keyword for x, y in pairs if x.VR != "SQ" and (x.tag != y.tag or x.value != y.value)}


def check_agreement(w):
    r = w.r
    later = {"SOURCE_DATE_EPOCH": "1900000000", "TZ": "Asia/Tokyo", "LANG": "de_DE.UTF-8"}
    for profile in ("basic", "research"):
        one = machine(w, "one-" + profile, profile, ["-j", "1"])
        two = machine(w, "two-" + profile, profile, ["-j", "4", "-q"], **later)
        r.check(sorted(one) == sorted(two), profile, "the same names on two machines")
        for name in images(one):
            r.check(one[name] == two.get(name), profile, name, "differs on two machines")
        reports = [ordered(json.loads(files["deid_report.json"])) for files in (one, two)]
        r.check(reports[0] == reports[1], profile, "reports differ")
        r.check(len(one) == 14, profile, len(one))
        # what is derived says when: moved with the patient's dates, or not at all
        now = {"SOURCE_DATE_EPOCH": "1800000000", "TZ": "UTC"}
        first = images(machine(w, "p1-" + profile, profile, ["-j", "1"], "process", **now))
        again = images(machine(w, "p2-" + profile, profile, ["-j", "3"], "process", **dict(now, LANG="C")))
        other = images(machine(w, "p3-" + profile, profile, ["-j", "2"], "process", **later))
        r.check(first and first == again, profile, "process: differs on two machines at the same time")
        r.check(sorted(first) == sorted(other), profile, "process: other names at another time")
        told = set().union(*(differing(first[name], other[name]) for name in first if name in other))
        allowed = {"InstanceCreationDate", "InstanceCreationTime", "SeriesDate", "SeriesTime", "ContentDate", "ContentTime",
                   "ContributionDateTime", "TimezoneOffsetFromUTC"}
        r.check(told <= allowed, profile, "process: at another time differ", told - allowed)
    w.write("other-key", hashlib.sha256(b"other").hexdigest() + "\n")
    os.chmod(w.path("other-key"), 0o600)
    config = w.write("other.yaml", "anonymization: {profile: basic, pseudonyms: keyed, key_file: %s}\n" % w.path("other-key"))
    w.deid(config, w.study, out=w.path("out-other"))
    r.check(not set(tree(w.path("out-other"))) & set(one) - {"deid_report.json"}, "another key, other UIDs")
    # again, on top of what is there: the same
    before = tree(w.path("out-basic"))
    w.deid(w.path("basic.yaml"), w.study, out=w.path("out-basic"))
    r.check(tree(w.path("out-basic")) == before, "done twice")


def check_derived(w):
    """What is made of a study is called by the new UIDs of what it is made of: a study that is de-identified on the way
    gives what one gives that was de-identified before."""
    making = """\
processing: {debug: true, structure_set: relinked, segmentation: per_roi, uid_key: "%s"}
feature_flags: {enable_segmentation_export: true}
"""
    uids = lambda folder: {(ds.SOPClassUID, ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID,
                            ds.get("FrameOfReferenceUID")) for ds in objects(folder)}
    for profile in ("basic", "research"):
        out, key = w.path("derived-" + profile), "0123456789abcdef"
        rows = (("on the way", w.config(profile, making % key, name="making"), w.study),
                ("before", w.write("plain.yaml", "anonymization: {enabled: false}\n" + making % key), w.path("out-" + profile)),
                ("another key", w.write("plain2.yaml", "anonymization: {enabled: false}\n" + making % (key + "x")),
                 w.path("out-" + profile)))
        got = []
        for what, config, source in rows:
            shutil.rmtree(out, ignore_errors=True)
            done = run("process", "-c", config, source, "-o", out)
            w.r.check(done.code == 0, "derived", profile, what, done.code, done.err[-500:])
            got.append(uids(out))
        # without its name, which basic takes away, a ROI may be segmented that is left out else
        w.r.check(got[0] and got[0] <= got[1] and (profile == "basic" or got[0] == got[1]), "derived", profile, got[0] ^ got[1])
        w.r.check(len({row[0] for row in got[0]}) == 4, "derived", profile, "kinds of objects")
        w.r.check(not {row[2] for row in got[0]} & {row[2] for row in got[2]}, "derived", profile, "another key, the same series")
        w.r.check(not {uid for row in got[0] for uid in row[1:]} &
                  {uid for ds in objects_of_study(w) for uid in (ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID,
                                                                 ds.get("FrameOfReferenceUID"))}, "derived", profile, "old UIDs")


def netrt_key(ds):
    """The key that NETRT gives a patient: pydicom's own strings."""
    text = "%s|%s" % (getattr(ds, "PatientID", ""), str(getattr(ds, "PatientName", "")))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def check_map(w):
    """A map as NETRT's own writing leaves it is read, continued, and can be read by NETRT again."""
    r = w.r
    patients = [("MRN 1", "Wintermoor^Elisabeth", None), (" 77 ", "A^B==", None), ("x", "", None), ("", "Only^Name", None),
                ("MRN\u00e9", "M\u00fcller^J\u00f6rg", "ISO_IR 100"), ("y", "Yamada^Tarou=\u5c71\u7530^\u592a\u90ce", "ISO_IR 192"),
                ("z", "\u5c71\u7530", "\\ISO 2022 IR 87")]
    source = objects_of_study(w)[0]
    entries, folder = {"something else": {"note": [1, {"a": None}]}}, w.path("patients")
    os.mkdir(folder)
    for i, (id, name, charset) in enumerate(patients):
        ds = copy.deepcopy(source)
        if charset:
            ds.SpecificCharacterSet = charset.split("\\")
        ds.PatientID, ds.PatientName, ds.SOPInstanceUID = id, name, "1.2.3.%d" % i
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.save_as("%s/%d" % (folder, i), write_like_original=False)
        key = netrt_key(pydicom.dcmread("%s/%d" % (folder, i)))
        entries[key] = {"anonymized_id": "ZENTRUM_%04d_20200101" % (40 + i), "first_seen": "2020-01-01T01:02:03.456789",
                        "original_patient_id_hash": key, "study_count": 1}
    w.write("netrt-map.json", json.dumps(entries, indent=2))
    config = w.write("map.yaml", "anonymization:\n  site_code: ZENTRUM\n  pid_mapping_file: %s\n" % w.path("netrt-map.json"))
    done = w.deid(config, folder, out=w.path("out-map"))
    r.check(done.code == 0, "map", done.err)
    got = {ds.SOPInstanceUID: ds.PatientID for ds in objects(w.path("out-map"))}
    for i, who in enumerate(patients):
        r.check(got.get("1.2.3.%d" % i) == "ZENTRUM_%04d_20200101" % (40 + i), "NETRT's number", who, got.get("1.2.3.%d" % i))
    done = w.deid(config, w.study, out=w.path("out-map2"))
    after = json.loads(open(w.path("netrt-map.json")).read())
    new = after.pop(netrt_key(source))
    r.check(after == entries, "what was in the map is in it")
    r.check(new["anonymized_id"] == "ZENTRUM_0047_%s" % source.StudyDate and new["study_count"] == 1, "continued", new)
    r.check(os.listdir(w.folder).count("netrt-map.json.tmp") == 0, "nothing is left beside it")


# ---- what stops it ----

def check_config(w):
    """Exit code 78, a message that says where, and nothing written."""
    r = w.r
    key, bad = w.path("key"), w.path("bad-key")
    shutil.copy(key, bad)
    os.chmod(bad, 0o640)
    w.write("broken.json", '{"a": {"anonymized_id": "SITE_0007_20200101"')
    w.write("names", "GTV\n" + "x" * 70 + "\n")
    w.write("empty.json", "")
    a = "anonymization:\n"
    rows = [
        ("no key", a + "  profile: basic\n", b"anonymization.key_file: these settings need a secret key"),
        ("a key that is not there", a + "  profile: basic\n  key_file: /no/key\n", b":3:13: anonymization.key_file: /no/key"),
        ("a key for the group", a + "  profile: basic\n  key_file: %s\n" % bad, b"others may read the key file"),
        ("no key at all", a + "  profile: basic\n  key_file: %s\n" % w.path("names"), b"others may read"),
        ("a damaged map", a + "  pid_mapping_file: %s\n" % w.path("broken.json"), b"byte 44: the map of patients is damaged"),
        ("an empty map", a + "  pid_mapping_file: %s\n" % w.path("empty.json"), b"the map of patients is empty"),
        ("no folder for the map", a + "  pid_mapping_file: /no/map\n", b":2:21: anonymization.pid_mapping_file: /no/map"),
        ("an unknown keyword", a + "  remove: [PatientID,\n    PatientNmae]\n  pid_mapping_file: %s\n" % w.path("map.json"),
         b':3:5: anonymization.remove: "PatientNmae": names no attribute'),
        ("... of NETRT's", a + "  rules:\n    remove_tags:\n    - Nonsense\n", b':4:7: anonymization.rules.remove_tags: "Nonsense"'),
        ("... in a path", a + "  replace:\n    'A>PatientID': x\n", b':3:5: anonymization.replace: "A>PatientID": names no attr'),
        ("a contradiction", a + "  keep: [PatientID]\n  blank: ['0010,0020']\n",
         b':3:11: anonymization.blank: "0010,0020": another rule says otherwise'),
        ("two kinds of dates", a + "  profile: research\n  options:\n    retain_full_dates: true\n  key_file: %s\n" % key,
         b":4:24: anonymization.options.retain_full_dates: full dates and modified dates"),
        ("an option of no profile", a + "  options: {retain_uids: true}\n", b"is an option of the profiles basic and research"),
        ("no such profile", a + "  profile: full\n", b"is not netrt, basic or research"),
        ("a bad pattern", a + "  roi_names_file: %s\n" % w.path("names"), b"line 2: a pattern longer than any name"),
        ("a bad list", a + "  safe_private_file: %s\n" % w.path("names"), b"line 1: a line is"),
        ("a long site code", a + "  site_code: %s\n" % ("\u00e4" * 40), b":2:14: anonymization.site_code: is too long"),
        ("hashes without a key", a + "  hash: [StationName]\n", b"need a secret key"),
        ("no YAML", "anonymization: [\n", b"YAML"),
    ]
    for what, text, message in rows:
        config = w.write("stop.yaml", text)
        done = w.deid(config, w.study, out=w.path("out-stop"))
        r.behaved(done, what)
        r.check(done.code == 78, what, "exit code", done.code)
        r.check(message in done.err, what, done.err)
        r.check(not os.path.exists(w.path("out-stop")), what, "there is output")
        r.check(b"MRN" not in done.err and b"intermoor" not in done.err, what, done.err)
    r.check(w.deid(w.path("no.yaml"), w.study, out=w.path("out-stop")).code == 78, "no configuration")


def check_exit_codes(w):
    r, basic = w.r, w.path("basic.yaml")
    usage = [[], ["-o", "x"], [w.study], [w.study, "-o", ""], [w.study, "-o", "x", "-j", "0"], [w.study, "-o", "x", "--what"],
             [w.study, "-o"]]
    for args in usage:
        done = run("deid", *args)
        r.behaved(done, args)
        r.check(done.code == 64 and b"netrt help deid" in done.err, args, done.code, done.err)
    r.check(run("deid", "--help").code == 0 and b"usage: netrt deid" in run("help", "deid").out, "help")

    os.mkdir(w.path("empty"))
    done = w.deid(basic, w.path("empty"), out=w.path("out-empty"))
    r.check(done.code == 66 and not os.path.exists(w.path("out-empty")), "an empty folder", done.code, done.err)
    r.check(w.deid(basic, w.path("nowhere"), out=w.path("out-empty")).code == 66, "no input")
    w.write("text", "nothing of interest")
    r.check(w.deid(basic, w.path("text"), out=w.path("out-empty")).code == 66, "no DICOM")
    r.check(w.deid(basic, w.study, out=w.path("text")).code == 73, "a file in the place of OUT")
    r.check(w.deid(basic, w.study, out="/proc/no/out").code == 73, "an OUT that cannot be made")

    os.mkdir(w.path("mixed"))
    ds = by_number(objects_of_study(w))[0]
    ds.save_as(w.path("mixed/ct"), write_like_original=False)
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = SC
    ds.save_as(w.path("mixed/sc"), write_like_original=False)
    shutil.copy(w.path("text"), w.path("mixed/text"))
    with open(w.path("mixed/ct"), "rb") as file, open(w.path("mixed/cut"), "wb") as cut:
        cut.write(file.read()[:5000])
    done = w.deid(basic, w.path("mixed"), out=w.path("out-mixed"), options=["--json"])
    r.behaved(done, "mixed")
    r.check(done.code == 65 and json.loads(done.out) == {"done": 1, "refused": 2, "not_dicom": 1}, "mixed", done.code, done.out)
    r.check(b"mixed/sc: not let out" in done.err and b"mixed/cut: not let out" in done.err, "mixed", done.err)
    r.check(len(objects(w.path("out-mixed"))) == 1, "mixed: what may pass")
    names_nobody(r, "mixed", w.path("out-mixed"))
    r.check(not any(name.endswith(".part") for name in tree(w.path("out-mixed"))), "mixed: parts")
    r.check(b"intermoor" not in done.err, "mixed: messages", done.err)

    quiet = w.deid(basic, w.study, out=w.path("out-quiet"), options=["-q"])
    r.check(quiet.code == 0 and quiet.out == b"" and quiet.err == b"", "-q", quiet.out, quiet.err)
    inside = w.path("inside")
    shutil.copytree(w.study, inside)
    for _ in range(2):
        done = w.deid(basic, inside, out=inside + "/out", options=["--json"])
        r.check(json.loads(done.out)["done"] == 13, "an OUT inside IN is not read", done.out)


@contextlib.contextmanager
def tmpfs(folder, size):
    os.makedirs(folder)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=" + size, "none", folder], capture_output=True)
    try:
        yield done.returncode == 0
    finally:
        if done.returncode == 0:
            subprocess.run(["umount", folder], check=True)


def check_full_disk(w):
    r = w.r
    with tmpfs(w.path("small"), "64k") as there:
        if not there:
            print("SKIP e2e/deid_cli: a full disk: no tmpfs can be mounted here")
            return
        done = w.deid(w.path("basic.yaml"), w.study, out=w.path("small/out"))
        r.behaved(done, "a full disk")
        r.check(done.code == 73 and b"No space left" in done.err, "a full disk", done.code, done.err)
        r.check(not any(name.endswith(".part") for name in tree(w.path("small"))), "a full disk: parts")
        names_nobody(r, "a full disk", w.path("small"))
        shutil.rmtree(w.path("small/out"))
        # the map: its number is not given, the object not let out, and the map is what it was
        entries = {"%016x" % i: {"anonymized_id": "SITE_%04d_20200101" % i} for i in range(1, 601)}
        w.write("small/map.json", json.dumps(entries))
        config = w.write("small.yaml", "anonymization: {pid_mapping_file: %s}\n" % w.path("small/map.json"))
        done = w.deid(config, w.study, out=w.path("out-small"))
        r.behaved(done, "no room for the map")
        r.check(done.code in (65, 73), "no room for the map", done.code, done.err)
        r.check(objects(w.path("out-small")) == [], "no room for the map: output")
        r.check(json.loads(open(w.path("small/map.json")).read()) == entries, "no room for the map: the map")
        r.check(sorted(os.listdir(w.path("small"))) == ["map.json", "map.json.lock"], os.listdir(w.path("small")))


# ---- the other commands ----

def check_keygen(w):
    r, path = w.r, w.path("new-key")
    done = run("keygen", path)
    r.check(done.code == 0 and done.out.startswith(b"key ") and len(done.out.split()[1]) == 8, "keygen", done.out)
    r.check(stat.S_IMODE(os.stat(path).st_mode) == 0o600, "keygen: mode")
    content = open(path).read()
    r.check(len(content) == 65 and int(content, 16) > 0 and content.strip() not in done.out.decode(), "keygen: content")
    again = run("keygen", path)
    r.check(again.code == 73 and open(path).read() == content, "keygen: never over one that is there", again.code)
    r.check(run("keygen", "/no/where/key").code == 73 and run("keygen").code == 64 and run("keygen", "-x").code == 64 and
            run("keygen", path, path).code == 64, "keygen: codes")
    r.check(run("keygen", "--", w.path("-k")).code == 0 and run("help", "keygen").code == 0, "keygen: --, help")
    config = w.write("new.yaml", "anonymization: {profile: basic, pseudonyms: keyed, key_file: %s}\n" % path)
    w.deid(config, w.study, out=w.path("out-new"))
    report = json.loads(tree(w.path("out-new"))["deid_report.json"])
    r.check(report["key"] == done.out.split()[1].decode(), "the report names the key by its id", report["key"])


def rows_of(text):
    """tag or rule: (action, origin)"""
    found = {}
    for line in text.decode().splitlines():
        if not line.startswith("#"):
            words = line.split()
            cut = len(words) - 2 if words[-2:] == ["table", "E.1-1"] else len(words) - 1
            found[words[0]] = (words[cut - 1], " ".join(words[cut:]))
    return found


def check_policy(w):
    r = w.r
    research = run("config", "policy", w.path("research.yaml"))
    r.check(research.code == 0, "policy", research.err)
    head = [line for line in research.out.decode().splitlines() if line.startswith("#")]
    report = json.loads(tree(w.path("out-research"))["deid_report.json"])
    r.check("# profile: research" in head, head)
    r.check("# policy digest: " + report["policy"] in head, "the digest is the report's", head)
    rows = rows_of(research.out)
    r.check(len(rows) > 4000, len(rows))
    r.check(rows["0010,0010"] == ("patient-name", "table E.1-1"), rows["0010,0010"])
    r.check(rows["0008,0020"] == ("shift", "option"), rows["0008,0020"])
    r.check(rows["0008,0018"][0] == "uid" and rows["3006,0026"] == ("roi-name", "option"), "policy")
    r.check(not any(tag.startswith("0002") for tag in rows), "policy: no meta information")

    netrt = rows_of(run("config", "policy", "-c", w.path("netrt.yaml")).out)
    r.check(netrt["0010,0020"] == ("patient-id", "netrt") and netrt["0008,0050"] == ("remove", "netrt"), netrt["0008,0050"])
    r.check(netrt["0008,0018"][0] == "keep" and netrt["0008,0080"][0] == "keep", "policy: netrt keeps the rest")
    site = rows_of(run("config", "policy", w.path("rules.yaml")).out)
    r.check(site["0008,1030"] == ("replace", "site") and site["0008,1010"] == ("keep", "site"), "policy: site")
    r.check(site["RequestAttributesSequence>ScheduledProcedureStepDescription"] == ("remove", "site"), "policy: a path")
    without_key = w.write("k.yaml", "anonymization: {profile: basic, key_file: /no/key}\n")
    r.check(run("config", "policy", without_key).code == 0, "policy: without a key")
    by_iod = {iod: run("config", "policy", without_key, "--iod", iod).out for iod in ("ct", "mr", "rtstruct", "sc", "seg", "other")}
    r.check(all(by_iod.values()) and len(set(by_iod.values())) == 6, "policy: --iod")
    for args in (["--iod", "xx"], ["a", "b"], ["-c"], ["--x"]):
        r.check(run("config", "policy", *args).code == 64, "policy", args)
    r.check(run("config", "policy", w.path("nowhere")).code == 78, "policy: no file")
    r.check(run("config", "policy").code == 0, "policy: the defaults")


def check_check(w):
    r = w.r
    text = "anonymization:\n  enabled: %s\n  keep: [StationName]\n  remove: [StationName]\n"
    on, off = w.write("on.yaml", text % "true"), w.write("off.yaml", text % "false")
    done = run("config", "check", on)
    line = ":4:12: anonymization.remove: %s\"StationName\": another rule says otherwise about it"
    r.check(done.code == 78 and (line % "").encode() in done.out, "check", done.code, done.out)
    done = run("config", "check", off)
    r.check(done.code == 0 and (line % "warning: ").encode() in done.out, "check: off", done.code, done.out)
    r.check(run("config", "check", w.path("research.yaml")).code == 0, "check: a good one")
    r.check(run("config", "check", w.path("k.yaml")).code == 0, "check: the key may be on another machine")


def check_sanitized(w):
    """The same under ASan and UBSan, where there is such a build."""
    if not os.access(ASAN, os.X_OK):
        print("SKIP e2e/deid_cli: no sanitized build")
        return
    for profile in PROFILES:
        out = w.path("out-asan-" + profile)
        done = w.deid(w.path(profile + ".yaml"), w.study, out=out, binary=ASAN, timeout=120)
        w.r.behaved(done, "sanitized", profile)
        w.r.check(tree(out) == tree(w.path("out-" + profile)), "sanitized", profile, "differs")
    w.r.behaved(run("config", "policy", w.path("rules.yaml"), binary=ASAN), "sanitized policy")
    w.r.behaved(run("keygen", w.path("asan-key"), binary=ASAN), "sanitized keygen")
    w.r.behaved(w.deid(w.path("stop.yaml"), w.study, out=w.path("out-stop"), binary=ASAN), "sanitized refusal")


def main():
    r = Report("deid_cli")
    with tempfile.TemporaryDirectory(prefix="netrt-deid-") as folder:
        w = Work(r, folder)
        for check in (check_profiles, check_full, check_sequential, check_random, check_counts, check_verifier, check_rules,
                      check_options, check_agreement, check_derived, check_map, check_config,
                      check_exit_codes, check_full_disk, check_keygen, check_policy, check_check, check_sanitized):
            check(w)
        if os.environ.get("KEEP"):
            shutil.copytree(folder, os.environ["KEEP"])
    return r.end()


if __name__ == "__main__":
    raise SystemExit(main())
