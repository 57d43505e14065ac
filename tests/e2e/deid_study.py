#!/usr/bin/python3
"""What `netrt deid` says of studies as wholes: images that are not there, several patients, several files of one name."""
import json
import os
import tempfile

import pydicom

from deid_cli import PROFILES, RS, Work, objects, run
from harness import Report


def check_unresolved(w):
    """Images that a structure set draws on and that did not come: told, in every profile."""
    r = w.r
    source = w.path("unresolved")
    assert run("phantom", source, "--slices", "6", "--matrix", "64").code == 0
    images = sorted(os.listdir(source + "/ct"))
    some = [os.path.join(source, "ct", name) for name in images[:4]]
    for profile in PROFILES:
        out, config = w.path("unresolved-" + profile), w.path(profile + ".yaml")
        for what, inputs, missing in (("alone", [source + "/rs"], 6), ("with some", [source + "/rs", *some], 2),
                                      ("with what was done before", [source + "/rs"], 2), ("with all", [source], 0)):
            done = w.deid(config, *inputs, out=out, options=["-q"])
            r.check(done.code == 0, profile, what, done.code, done.err)
            with open(out + "/deid_report.json") as file:
                told = [o for o in json.load(file)["objects"] if "unresolved" in o]
            r.check([(o["sop_class"], o["images_referred_to"], o["unresolved"]) for o in told] == [(RS, 6, missing)], profile,
                    what, told)
            warned = b"%d of the 6 images that it refers to are not in the output" % missing in done.err
            r.check(warned == (missing > 0) and done.err.count(b"\n") == int(warned), profile, what, done.err)
            ds = next(d for d in objects(out) if d.SOPClassUID == RS)
            r.check(not warned or str(ds.SOPInstanceUID).encode() in done.err, profile, what, done.err)


def check_patients(w):
    """A structure set that lost the issuer of its images' Patient ID: told (and check_unresolved: not without reason)."""
    source, out = w.path("issuer"), w.path("issuer-out")
    assert run("phantom", source, "--slices", "4", "--matrix", "64").code == 0
    for name in os.listdir(source + "/ct"):
        ds = pydicom.dcmread(source + "/ct/" + name)
        ds.IssuerOfPatientID = "HOSPITAL"
        ds.save_as(source + "/ct/" + name)
    done, found = w.deid(w.path("basic.yaml"), source, out=out, options=["-q"]), objects(out)
    told = "study %s: its objects have 2 different new Patient IDs" % found[0].StudyInstanceUID
    w.r.check(len({d.PatientID for d in found}) == 2 and told.encode() in done.err and done.err.count(b"\n") == 1, done.err)


def check_twins(w):
    """Files with one SOP Instance UID in one study, different or not, are told of: only one of them is in the output."""
    source, r = w.path("twins"), w.r
    assert run("phantom", source, "--slices", "4", "--matrix", "64").code == 0
    first, second = (source + "/ct/" + name for name in sorted(os.listdir(source + "/ct"))[:2])
    for number, (path, change) in enumerate(((first, "InstanceNumber"), (second, None), (second, "StudyInstanceUID"))):
        ds = pydicom.dcmread(path)
        if change is not None:
            setattr(ds, change, 77 if change == "InstanceNumber" else "2.25.77")
        ds.save_as(source + "/copy%d.dcm" % number)
        done = w.deid(w.path("basic.yaml"), source, out=w.path("twins-out-%d" % number), options=["-q"])
        twins = (1, 2, 2)[number]  # the last one is of another study, where nothing is in its place
        told = "%d file%s the SOP Instance UID of another one in the same study" % (twins, (" has", "s have")[twins > 1])
        r.check(done.code == 0 and done.err.count(b"\n") == 1 and told.encode() in done.err, number, done.code, done.err)
        r.check(number > 0 or (first.encode() in done.err and b"/copy0.dcm" in done.err), done.err)
        r.check(len(objects(w.path("twins-out-%d" % number))) == (5, 5, 6)[number], number)


def main():
    r = Report("deid_study")
    with tempfile.TemporaryDirectory(prefix="netrt-deid-") as folder:
        w = Work(r, folder)
        for check in (check_unresolved, check_patients, check_twins):
            check(w)
    return r.end()


if __name__ == "__main__":
    raise SystemExit(main())
