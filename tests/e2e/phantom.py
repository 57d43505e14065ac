#!/usr/bin/python3
"""netrt phantom: valid by dciodvfy, readable by others, the same bytes again, shapes of the volume
that they are made of, and an output folder that appears whole or not at all."""
import filecmp
import glob
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile

from harness import NETRT, Report, run, skip

try:
    import numpy
    import pydicom
except ImportError:
    skip("phantom", "pydicom and numpy are not installed")

SLICES, THICKNESS = 60, 3.0
HEIGHT = SLICES * THICKNESS
PIXEL = (500.0 / 512) ** 2  # mm^2

# The shapes of src/phantom/shapes.c, once more: name: (form, cz, a, b, c), all in mm; c is half the
# height.  "egg": rounded in z; others are straight.  The number is the area of the form with a = b = 1.
SHAPES = {
    "BODY": (math.pi, 0, 175, 115, HEIGHT),
    "Lung_R": ("egg", 0.1 * HEIGHT, 48, 66, 0.36 * HEIGHT),
    "Lung_L": ("egg", 0.1 * HEIGHT, 46, 66, 0.36 * HEIGHT),
    "Heart": ("egg", 0.02 * HEIGHT, 46, 38, 0.16 * HEIGHT),
    "SpinalCord": (math.pi, 0, 7, 6, HEIGHT),
    "Ring": (math.pi * 3 / 4, -0.36 * HEIGHT, 25, 25, 15),
    "Ring_keyhole": (math.pi * 3 / 4, -0.36 * HEIGHT, 25, 25, 15),
    "Island": (math.pi * 13 / 16, -0.36 * HEIGHT, 32, 28, 15),
    "GTV": ("egg", 0.12 * HEIGHT, 20, 20, 20),
    "Cube": (4, -0.3 * HEIGHT, 20, 20, 20),
    "CTV": ("egg", 0.12 * HEIGHT, 25, 25, 25),
    "PTV": ("egg", 0.12 * HEIGHT, 31, 31, 31),
}


def areas(shape):
    """The area on every slice that has a contour, mm^2."""
    form, cz, a, b, c = shape
    out = []
    for k in range(SLICES):
        u = (THICKNESS * (k - SLICES // 2) - cz) / c
        if abs(u) <= 1:
            section = math.sqrt(1 - u * u) if form == "egg" else 1
            if section >= 0.14:
                out.append((math.pi if form == "egg" else form) * a * b * section**2)
    return out


def check_valid(r, study):
    if shutil.which("dciodvfy") is None:
        print("SKIP e2e/phantom: dciodvfy is not installed")
        return
    files = [os.path.join(study, "rs", "RS.dcm")] + sorted(glob.glob(study + "/ct/*"))[::20]
    for path in files:
        done = subprocess.run(["dciodvfy", path], capture_output=True, check=False, timeout=60)
        said = (done.stdout + done.stderr).decode("utf-8", "replace").splitlines()
        kind = "RTStructureSet" if "RS.dcm" in path else "CTImage"
        r.check(kind in said, "dciodvfy takes", path, "for", said[:1])
        errors = [line for line in said if line.startswith("Error")]
        r.check(not errors, "dciodvfy", path, errors[:10])
    names = sorted(glob.glob(study + "/ct/*")) + files[:1]
    if shutil.which("dcentvfy") is not None:
        done = subprocess.run(["dcentvfy", *names], capture_output=True, check=False, timeout=120)
        r.check(b"Error" not in done.stderr + done.stdout, "dcentvfy", (done.stderr + done.stdout)[:2000])


def check_readable(r, study):
    images = [pydicom.dcmread(path) for path in sorted(glob.glob(study + "/ct/*.dcm"))]
    structures = pydicom.dcmread(study + "/rs/RS.dcm")
    r.check(len(images) == SLICES, len(images), "slices")
    r.check(len({i.SOPInstanceUID for i in images}) == SLICES, "SOP Instance UIDs repeat")
    z = [float(i.ImagePositionPatient[2]) for i in images]
    r.check(z == [THICKNESS * (k - SLICES // 2) for k in range(SLICES)], "positions", z[:3])
    r.check(all(i.pixel_array.shape == (512, 512) for i in images[::10]), "pixels")
    known = {i.SOPInstanceUID for i in images}
    names = [roi.ROIName for roi in structures.StructureSetROISequence]
    r.check(len(names) == 16 and len(set(names)) == 16, "ROIs", names)
    for roi in structures.ROIContourSequence:
        for contour in getattr(roi, "ContourSequence", []):
            named = contour.ContourImageSequence[0].ReferencedSOPInstanceUID
            r.check(named in known, "a contour names an image that is not there")
            count = len(contour.ContourData) // 3
            r.check(count == contour.NumberOfContourPoints, "Number of Contour Points", count)
    # The density painted is the density listed: the GTV, some way from the seed in its middle.
    image = images[SLICES // 2 + round(0.12 * HEIGHT / THICKNESS)]
    col, row = (round((v + 249.5) / (500 / 512)) for v in (-78 + 10, 6))
    hu = image.pixel_array[row - 4 : row + 5, col - 4 : col + 5].astype(int) * image.RescaleSlope
    mean = float(numpy.mean(hu) + image.RescaleIntercept)
    r.check(abs(mean - 55) < 6, "mean of the GTV", mean, "HU, not 55")


def check_volumes(r, study, work):
    """What netrt process finds, against the shapes; pixels of 1 mm allow this much and no more."""
    out = os.path.join(work, "out")
    done = run("process", "-c", "tests/e2e/plain.yaml", study, "-o", out, timeout=120)
    if not r.check(done.code == 0, "process", done.code, done.err):
        return
    with open(glob.glob(out + "/UID_*/report.json")[0], encoding="utf-8") as file:
        rois = {roi["name"]: roi for s in json.load(file)["structure_sets"] for roi in s["rois"]}
    for name, shape in SHAPES.items():
        want = areas(shape)
        if not r.check(name in rois, name, "is not in the report") or name not in rois:
            continue
        roi = rois[name]
        r.check(roi["slices"] == len(want), name, roi["slices"], "slices, not", len(want))
        volume = sum(want) * THICKNESS / 1000
        # A pixel's error at the border, independent from row to row: far below 1 % in sum. The cord is
        # 13 pixels wide and the same on every slice, so its error (centres on the path count) adds up.
        tolerance = max((0.02 if name == "SpinalCord" else 0.006) * volume, 0.02)
        r.check(abs(roi["volume_ml"] - volume) < tolerance, name, roi["volume_ml"], "ml, not", volume)
        print("  %-13s %9.3f ml, analytic %9.3f (%+.2f %%)" % (name, roi["volume_ml"], volume,
              100 * (roi["volume_ml"] / volume - 1)))
    seed = rois["Seed"]
    r.check(seed["slices"] == 1 and 4 <= seed["area_px"] <= 12, "Seed", seed)


def same_tree(one, other):
    compared = filecmp.dircmp(one, other)
    names = compared.common_files
    _, differ, odd = filecmp.cmpfiles(one, other, names, shallow=False)
    if compared.left_only or compared.right_only or differ or odd:
        return False
    return all(same_tree(os.path.join(one, d), os.path.join(other, d)) for d in compared.common_dirs)


def check_repeatable(r, work):
    small = ["--slices", "8", "--matrix", "128"]
    trees = []
    for name, more in (("a", []), ("b", []), ("c", ["--seed", "2"]), ("d", ["--preset", "standard"])):
        trees.append(os.path.join(work, name))
        done = run("phantom", trees[-1], *small, *more)
        r.check(done.code == 0 and done.out and not done.err, "phantom", more, done.code, done.err)
    r.check(same_tree(trees[0], trees[1]), "the same options give other bytes")
    r.check(not same_tree(trees[0], trees[2]), "another seed gives the same bytes")
    r.check(not filecmp.cmp(trees[0] + "/rs/RS.dcm", trees[3] + "/rs/RS.dcm", False), "presets are the same")
    uids = [pydicom.dcmread(t + "/rs/RS.dcm").StudyInstanceUID for t in trees]
    r.check(len(set(uids)) == 3 and uids[0] == uids[1], "Study Instance UIDs", uids)


def check_refusals(r, work):
    small = ["--slices", "4", "--matrix", "64"]
    full = os.path.join(work, "full")
    os.mkdir(full)
    with open(full + "/mine", "w", encoding="ascii") as file:
        file.write("mine\n")
    for where, what in (
        (full, "a folder with something in it"),
        (full + "/mine", "a file"),
        (full + "/mine/out", "under a file"),
        (os.path.join(work, "no", "such"), "in a missing folder"),
    ):
        done = run("phantom", where, *small)
        r.check(done.code == 73 and done.err and not done.out, "phantom to", what, done.code, done.err)
    r.check(os.listdir(full) == ["mine"], "a refused phantom left", os.listdir(full))
    # A folder with a limit on the size of files stands for a full disk.
    limited = "ulimit -f 8; exec %s phantom %s/limited --slices 4 --matrix 128" % (NETRT, work)
    done = subprocess.run(["bash", "-c", "trap '' XFSZ; " + limited], capture_output=True, check=False)
    r.check(done.returncode == 73 and done.stderr, "phantom on a full disk", done.returncode, done.stderr)
    r.check(not glob.glob(work + "/limited*"), "half a phantom", glob.glob(work + "/limited*"))


def main():
    r = Report("phantom")
    with tempfile.TemporaryDirectory() as work:
        study = os.path.join(work, "study")
        done = run("phantom", study, "--preset", "small", timeout=60)
        if r.check(done.code == 0, "phantom", done.code, done.err):
            check_valid(r, study)
            check_readable(r, study)
            check_volumes(r, study, work)
        check_repeatable(r, work)
        check_refusals(r, work)
    return r.end()


if __name__ == "__main__":
    sys.exit(main())
