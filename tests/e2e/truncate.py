#!/usr/bin/python3
"""Files cut short, through the sanitized binary: some hundred cuts, the same ones every time.

(Every cut of three small files is made in tests/t_truncate.c.)  dump, rois and process give a
message and an exit code; a structure set that was cut is never processed as if it were whole; where
an image was cut, the others are not lost and nobody is told that all went well.
"""
import glob
import os
import random
import shutil
import sys
import tempfile

from harness import ASAN, DATA, Report, run

DEMO = ("-c", "tests/e2e/plain.yaml")
CUTS = 24  # of each file, beside the places that are special


def cuts_of(path, seed):
    size = os.path.getsize(path)
    special = [0, 1, 127, 128, 131, 132, 136, 140, size // 2, size - 2, size - 1]
    drawn = random.Random(seed).sample(range(size), min(CUTS, size))
    return sorted({c for c in special + drawn if 0 <= c < size})


def cut_to(path, size, to):
    with open(path, "rb") as whole, open(to, "wb") as part:
        part.write(whole.read(size))


def fair(path, cut):
    """Does the cut fall where nobody can see it: between the last elements of the data set?"""
    with open(path, "rb") as file:
        data = file.read()
    return cut in (data.rfind(b"\x06\x30\x80\x00"), data.rfind(b"\x0e\x30\x02\x00"))


def overlays(out):
    return glob.glob(out + "/UID_*/Addition/*.dcm")


def check_leftovers(r, out, *what):
    left = glob.glob(out + "/.UID_*") + glob.glob(out + "/.UID_*/*")
    r.check(not left, *what, "left", left)


def check_alone(r, work, path, seed):
    part = os.path.join(work, "part.dcm")
    for cut in cuts_of(path, seed):
        cut_to(path, cut, part)
        what = (os.path.basename(path), "cut at", cut)
        for command in (("dump", part), ("dump", "--json", part), ("rois", part)):
            done = run(*command, binary=ASAN)
            r.behaved(done, *what, command[:-1])
            if command[0] == "rois" and done.code == 0:
                r.check(fair(path, cut), *what, "rois takes it for whole")
            if done.code != 0 and "--json" in command:
                r.check(not done.out, *what, "half a JSON object")


def check_study(r, work, study, victim, seed):
    """The study with one file of it cut."""
    spoilt, out = os.path.join(work, "spoilt"), os.path.join(work, "out")
    shutil.rmtree(spoilt, ignore_errors=True)
    shutil.copytree(study, spoilt)
    images = len(glob.glob(study + "/ct/*"))
    path = os.path.join(study, victim)
    for cut in cuts_of(path, seed)[::2]:
        cut_to(path, cut, os.path.join(spoilt, victim))
        what = ("study with", victim, "cut at", cut)
        done = run("process", *DEMO, spoilt, "-o", out, binary=ASAN)
        r.behaved(done, *what)
        check_leftovers(r, out, *what)
        made = len(overlays(out))
        if victim.startswith("rs/"):
            r.check(done.code == 0 or made == 0, *what, "exit code", done.code, "and", made, "images")
            r.check(done.code != 0 or fair(path, cut), *what, "processed as if it were whole")
        else:
            r.check(made in (0, images - 1, images), *what, made, "images of", images)
            r.check(done.code != 0 or made != images, *what, "an image cut short came through")
            r.check(done.code == 65 or b"warning" in done.err, *what, "nobody is told", done.code, done.err)
        for overlay in overlays(out):
            again = run("dump", "--json", overlay)
            r.check(again.code == 0, *what, "wrote", overlay, "which is not whole")
        shutil.rmtree(out, ignore_errors=True)


def main():
    r = Report("truncate")
    with tempfile.TemporaryDirectory() as work:
        study = os.path.join(work, "study")
        made = run("phantom", study, "--slices", "4", "--matrix", "64")
        if not r.check(made.code == 0, "phantom", made.code, made.err):
            return r.end()
        check_alone(r, work, study + "/ct/CT0002.dcm", 1)
        check_alone(r, work, study + "/rs/RS.dcm", 2)
        check_study(r, work, study, "rs/RS.dcm", 3)
        check_study(r, work, study, "ct/CT0002.dcm", 4)
        for seed, name in enumerate(("rtstruct.dcm", "deflate.dcm", "UN_sequence.dcm"), 5):
            path = os.path.join(DATA, "odd", name)
            if os.path.exists(path):
                check_alone(r, work, path, seed)
            else:
                print("SKIP e2e/truncate: no", path)
    return r.end()


if __name__ == "__main__":
    sys.exit(main())
