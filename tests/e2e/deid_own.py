#!/usr/bin/python3
"""Patients who are called by words that netrt and its configuration write: nothing is refused for these.

The words are those of all that `process` made of one study, so a text that anon/own.c does not know of fails here.
"""
import glob
import re
import shutil
import tempfile

import pydicom

from deid_pipeline import Work, made
from harness import Report

TEXTS = ("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT")
WORD = re.compile("[A-Za-z]{4,}")


def words_of(paths):
    """Words of all texts in these files, but for the patient's new name and ID, each with a text that it stands in."""
    found = {}

    def look(ds, element):
        if element.VR not in TEXTS or element.keyword in ("PatientName", "PatientID"):
            return
        for word in WORD.findall(str(element.value)):
            found.setdefault(word.lower(), "%s %s" % (element.tag, element.value))

    for path in paths:
        pydicom.dcmread(path).walk(look)
    return found


def called(w, folder, name):
    """The phantom, of a patient who is called so."""
    shutil.copytree(w.path("phantom"), folder)
    for path in glob.glob(folder + "/*/*.dcm"):
        ds = pydicom.dcmread(path)
        ds.PatientName = name
        ds.save_as(path)
    return folder


def check_own_words(w):
    r, before = w.r, words_of(glob.glob(w.path("phantom") + "/*/*.dcm"))
    names = ["Structure^Netrt", "Anonymized^Removed", "Site^Patient", "Manual^Processing", "Anatomical^Concept"]
    for kind, style, planes in ("per_roi", "pixels", "merged"), ("combined", "overlay", "per_roi"):
        everything = {"processing": {"add_burn_in_disclaimer": True, "debug": True, "structure_set": "relinked",
                                     "segmentation": kind, "burn_in_style": style, "overlay_planes": planes},
                      "feature_flags": {"enable_segmentation_export": True}}
        done = w.process("research", "own-" + kind, w.path("phantom"), everything)
        written = words_of(glob.glob(w.path("own-" + kind) + "/*/*/*.dcm"))
        words = sorted(set(written) - set(before))
        r.check(done.code == 0 and len(words) > 50, kind, "writes", words, done.err)
        for name in names + ["^".join(words[i:i + 4]) for i in range(0, len(words), 4)]:
            out = "own-%s-%s" % (kind, name)
            done = w.process("research", out, called(w, w.path(out + "-in"), name), everything)
            r.check(done.code == 0 and len(made(w.path(out))) == 4, name, done.code, done.err,
                    [written.get(word) for word in name.lower().split("^")])


def main():
    r = Report("deid_own")
    with tempfile.TemporaryDirectory() as folder:
        check_own_words(Work(r, folder))
    return r.end()


if __name__ == "__main__":
    raise SystemExit(main())
