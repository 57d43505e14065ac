#!/usr/bin/python3
"""Every row of the shared list of plants, each alone, through netrt deid in the profiles basic and research.

A row puts values where they tell of a patient; none of their bytes may be in what comes out: objects, their
names, the report, what is printed.  And what the profile keeps is there, unchanged.  Both are counted, as
MIDI-B counts: correct actions over required actions; all of them are demanded.

The list is beside the real data (../shared/tables/phi_plants.tsv); a row of it that is not known here fails.
"""
import copy
import os
import shutil
import sys
import tempfile
import warnings

import pydicom

from harness import DATA, Report, run, skip
from plant_rows import ID, NAME, ROWS, Case

warnings.simplefilter("ignore")
TABLE = os.path.join(os.path.dirname(os.path.abspath(DATA)), "tables", "phi_plants.tsv")
PROFILES = ("basic", "research")
CODES = {"basic": {"113100"}, "research": {"113100", "113105", "113107", "113108", "113111"}}
# What no profile changes.
KEPT_CT = ("Rows", "Columns", "PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient", "SliceThickness",
           "KVP", "ConvolutionKernel", "PatientPosition", "RescaleSlope", "RescaleIntercept", "Modality", "ImageType",
           "Manufacturer", "InstanceNumber", "SOPClassUID", "SpecificCharacterSet", "WindowCenter", "BitsStored")
KEPT_RS = ("Modality", "SOPClassUID", "Manufacturer", "InstanceNumber", "SpecificCharacterSet")


# ---- the run ----

class Work:
    def __init__(self, r, folder):
        self.r, self.dir, self.required, self.correct, self.count = r, folder, 0, 0, 0
        assert run("keygen", self.path("key")).code == 0
        assert run("phantom", self.path("phantom"), "--slices", "4", "--matrix", "64").code == 0
        for profile in PROFILES:
            with open(self.path(profile + ".yaml"), "w") as file:
                file.write("anonymization:\n  profile: %s\n  pseudonyms: keyed\n  key_file: %s\n" % (
                    profile, self.path("key")))
        self.ct = self.identified(self.path("phantom/ct/CT0001.dcm"))
        self.rs = self.identified(self.path("phantom/rs/RS.dcm"))
        self.images = {profile: self.through(profile, self.plain(profile), ("images",)) for profile in PROFILES}

    def path(self, name):
        return os.path.join(self.dir, name)

    def identified(self, path):
        ds = pydicom.dcmread(path)
        ds.PatientName, ds.PatientID, ds.StudyDate = NAME, ID, "20200301"
        ds.PatientBirthDate, ds.PatientSex = "19400301", "M"
        for keyword in ("SeriesDate", "AcquisitionDate", "ContentDate", "InstanceCreationDate"):
            if keyword in ds:
                setattr(ds, keyword, "20200301")
        for keyword in ("PatientIdentityRemoved", "DeidentificationMethod"):
            del ds[keyword]
        return ds

    def plain(self, profile):
        return Case(copy.deepcopy(self.ct), profile)

    def action(self, good, *what):
        self.required += 1
        self.correct += bool(good)
        self.r.check(good, *what)

    def through(self, profile, case, what):
        """The object that comes out, with case.bytes; None where there is none."""
        self.count += 1
        source, out = self.path("in%d.dcm" % self.count), self.path("out%d" % self.count)
        case.write(source)
        done = run("deid", "-c", self.path(profile + ".yaml"), source, "-o", out)
        found = [os.path.join(d, n) for d, _, names in os.walk(out) for n in names]
        objects = [f for f in found if f.endswith(".dcm")]
        case.printed = done.out + done.err + b"".join(os.path.relpath(f, out).encode() for f in found)
        case.bytes, case.objects = b"", []
        for name in found:
            with open(name, "rb") as file:
                content = file.read()
            case.bytes += content
            if name in objects:
                case.objects.append(content)
        self.action(len(objects) == (0 if case.refused else 1), *what, "objects:", objects, done.err[-300:])
        self.action(done.code == (65 if case.refused else 0), *what, "exit code", done.code)
        ds = pydicom.dcmread(objects[0]) if objects else None
        shutil.rmtree(out)
        return ds

    def check_row(self, profile, number, function, where):
        what = (number, function.__name__, profile)
        case = Case(copy.deepcopy(self.rs if where == "RTSTRUCT" else self.ct), profile)
        case.ct = self.images[profile]
        case.pseudonym = case.ct.PatientID
        case.forbid(NAME, ID, "SMITH^", "19400301")
        case.forbid("20200301")
        function(case)
        out = self.through(profile, case, what)
        for value in case.forbidden:
            self.action(value not in case.bytes and value not in case.printed, *what, "still says", value)
        if out is None:
            return
        str(out)
        for text, good in case.wants:
            self.action(good(out), *what, text)
        self.check_kept(profile, case, out, where, what)

    def check_kept(self, profile, case, out, where, what):
        """What is nobody's business to change, and what de-identification says of itself."""
        for keyword in KEPT_RS if where == "RTSTRUCT" else KEPT_CT:
            self.action(out.get(keyword) == case.source.get(keyword), *what, "changed", keyword, out.get(keyword))
        if where == "CT" and case.same_pixels:
            self.action(out.PixelData == case.source.PixelData, *what, "other pixels")
        if profile == "research":
            self.action(out.PatientSex == "M", *what, "Patient's Sex")
            self.action(out.StudyTime == case.source.StudyTime, *what, "Study Time")
        self.action(out.PatientIdentityRemoved == "YES", *what, "(0012,0062)")
        codes = {item.CodeValue for item in out.DeidentificationMethodCodeSequence}
        self.action(codes == CODES[profile], *what, codes)
        word = {"basic": "REMOVED", "research": "MODIFIED"}[profile]
        self.action(out.LongitudinalTemporalInformationModified == word, *what, "(0028,0303)")
        self.action(out.file_meta.MediaStorageSOPInstanceUID == out.SOPInstanceUID, *what, "(0002,0003)")
        if "IssuerOfPatientID" not in case.ds:  # of another issuer it is another patient
            self.action(out.PatientID == case.pseudonym and str(out.PatientName) == case.pseudonym, *what, "pseudonym")
        self.action(out.StudyInstanceUID == case.ct.StudyInstanceUID, *what, "the same study")


def main():
    if not os.path.isfile(TABLE):
        skip("deid_plants", "%s is not here" % TABLE)
    r = Report("deid_plants")
    with open(TABLE, encoding="utf-8") as file:
        numbers_there = [line.split("\t")[0] for line in file][1:]
    for number in numbers_there:
        r.check(number in ROWS, "no plant for", number)
    only = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="netrt-plants-") as folder:
        w = Work(r, folder)
        for number, plants in ROWS.items():
            for function, where in plants:
                for profile in PROFILES:
                    if not only or number in only:
                        w.check_row(profile, number, function, where)
    print("%d rows; correct actions %d of %d required (%.2f %%)" % (
        len(numbers_there), w.correct, w.required, 100.0 * w.correct / w.required))
    return r.end()


if __name__ == "__main__":
    raise SystemExit(main())
