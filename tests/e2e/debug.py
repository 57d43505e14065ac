#!/usr/bin/python3
"""Debug pictures, through other people's eyes.

A phantom, and real studies where they are: a picture and a Secondary Capture image of every slice, by the
configured names and numbers, valid for dciodvfy, read by pydicom and libjpeg; the two are one picture; the
outline of every ROI runs, within half a pixel, where its contours run by this script's own arithmetic; the
same study of another patient gives the same pictures, byte for byte; magnified, filled and stretched ones;
pixels that cannot be read.
"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

from harness import DATA, NETRT, Report, run, skip

try:
    import numpy as np
    import pydicom
except ImportError:
    skip("debug", "no pydicom or numpy")
try:
    import cv2
except ImportError:
    skip("debug", "no python3-opencv")

SECONDARY = "1.2.840.10008.5.1.4.1.1.7"
SETS = ("sts001-mr-t2", "topas-lung1", "dicompyler-breast-1slice", "rtutils-mim-2slices")


def config(path, **processing):
    lines = ["anonymization:", "  enabled: false", "processing:", "  add_burn_in_disclaimer: false"]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines + ["  %s: %s" % item for item in processing.items()]) + "\n")
    return path


def process(r, work, name, study, *options, binary=None, **processing):
    out = os.path.join(work, name)
    done = run("process", "-q", "-c", config(out + ".yaml", **processing), study, "-o", out, *options, binary=binary,
               timeout=60)
    r.behaved(done, name)
    if not r.check(done.code == 0, name, done.err[-500:]):
        return None
    (folder,) = glob.glob(out + "/UID_*")
    return folder


def images_of(study):
    found = {}
    for path in glob.glob(study + "/**/*", recursive=True):
        if os.path.isfile(path) and not path.endswith(".txt"):
            ds = pydicom.dcmread(path, force=True)
            if "PixelData" in ds:
                found[str(ds.SOPInstanceUID)] = ds
    return found


def pictures(folder):
    """{SOP Instance UID of the source: (data set, JPEG as RGB, its number)}"""
    found = {}
    for path in glob.glob(folder + "/DebugDicom/*"):
        uid = re.fullmatch(r"DEBUG-([0-9.]+)\.dcm", os.path.basename(path)).group(1)
        (jpeg,) = glob.glob(folder + "/debug_visualization/slice_*_%s.jpg" % uid)
        number = re.fullmatch(r"slice_(\d{3,})_[0-9.]+\.jpg", os.path.basename(jpeg)).group(1)
        found[uid] = pydicom.dcmread(path), cv2.imread(jpeg)[:, :, ::-1], int(number)
    return found


def check_valid(r, path):
    if shutil.which("dciodvfy"):
        text = subprocess.run(["dciodvfy", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout.decode("latin-1")
        r.check("Error" not in text, path, text)
        r.check("SCImage" in text, path, "is no Secondary Capture image:", text[:200])


def check_objects(r, what, folder, sources, magnification=1, square=True):
    found = pictures(folder)
    r.check(set(found) == set(sources), what, len(found), "pictures of", len(sources), "images")
    r.check(len({str(ds.SeriesInstanceUID) for ds, _, _ in found.values()}) == 1, what, "one series")
    r.check(sorted(n for _, _, n in found.values()) == list(range(1, len(found) + 1)), what, "numbers of slices")
    for uid, (ds, jpeg, number) in found.items():
        source, rgb = sources[uid], ds.pixel_array
        r.check(ds.SOPClassUID == SECONDARY and ds.Modality == "OT" and ds.ConversionType == "WSD", what, uid)
        r.check(ds.SeriesNumber == 101 and ds.SeriesDescription == "DEBUG: Contour Overlay Visualization", what, uid)
        r.check(ds.SeriesInstanceUID != source.SeriesInstanceUID, what, uid, "is in the source's series")
        r.check(ds.InstanceNumber == number, what, uid, "Instance Number", ds.InstanceNumber, number)
        for keyword in ("StudyInstanceUID", "PatientID", "PatientName", "FrameOfReferenceUID", "ImageOrientationPatient"):
            if keyword != "FrameOfReferenceUID" or "PixelSpacing" in source:
                r.check(ds.get(keyword) == source.get(keyword), what, uid, keyword)
        r.check(ds.SourceImageSequence[0].ReferencedSOPInstanceUID == uid, what, uid, "Source Image")
        if list(map(float, source.ImageOrientationPatient)) == [1, 0, 0, 0, 1, 0]:
            r.check(list(ds.PatientOrientation) == ["L", "P"], what, uid, "Patient Orientation", ds.PatientOrientation)
        m = magnification
        r.check(rgb.shape == (source.Rows * m, source.Columns * m, 3), what, uid, rgb.shape)
        r.check(np.allclose(ds.PixelSpacing, np.array(source.PixelSpacing, float) / m), what, uid, "Pixel Spacing")
        # the corner of the image is where it was
        row, col = (np.array(ds.ImageOrientationPatient[i:i + 3], float) for i in (0, 3))
        corners = [np.array(d.ImagePositionPatient, float) - (row * d.PixelSpacing[1] + col * d.PixelSpacing[0]) / 2
                   for d in (ds, source)]
        r.check(np.allclose(*corners, atol=1e-6), what, uid, "corner", corners)
        if square:
            r.check(jpeg.shape == rgb.shape, what, uid, "JPEG", jpeg.shape)
            off = np.abs(jpeg.astype(int) - rgb).mean()
            r.check(off < 4, what, uid, "JPEG differs by", off)
    return found


# ---- where the outlines are ----

def contours(study):
    """{SOP Instance UID of the image: [(ROI name, colour, points in mm)]}"""
    for path in glob.glob(study + "/**/*", recursive=True):
        if os.path.isfile(path) and not path.endswith(".txt"):
            ds = pydicom.dcmread(path, force=True)
            if ds.get("Modality") == "RTSTRUCT":
                break
    names = {roi.ROINumber: roi.ROIName for roi in ds.StructureSetROISequence}
    found = {}
    for roi in ds.ROIContourSequence:
        for c in roi.get("ContourSequence", []):
            if c.ContourGeometricType != "POINT":
                points = np.array(c.ContourData, float).reshape(-1, 3)
                uid = str(c.ContourImageSequence[0].ReferencedSOPInstanceUID)
                found.setdefault(uid, []).append((names[roi.ReferencedROINumber], list(roi.ROIDisplayColor), points))
    return found


def nearest(points, path):
    """Distance of each point from a closed path."""
    d = np.roll(path, -1, axis=0) - path
    v = points[:, None, :] - path[None, :, :]
    t = np.clip((v * d).sum(axis=2) / np.maximum((d * d).sum(axis=1), 1e-12), 0, 1)
    return np.sqrt(((v - t[:, :, None] * d) ** 2).sum(axis=2).min(axis=1))


def across(rgb, color, points):
    """How much of a colour, beyond grey, is at points of the picture (interpolated)."""
    chroma = np.array(color) - np.mean(color)
    ink = np.clip((rgb - rgb.mean(axis=2, keepdims=True)) @ chroma, 0, None) / (chroma @ chroma)
    c, r = np.floor(points).astype(int).T
    x, y = (points - np.floor(points)).T
    return ((1 - x) * (1 - y) * ink[r, c] + x * (1 - y) * ink[r, c + 1] +
            (1 - x) * y * ink[r + 1, c] + x * y * ink[r + 1, c + 1])


def places(path, others, shape):
    """Where a path can be looked at: middles of its edges, and the normals there; every 23rd."""
    step = np.roll(path, -1, axis=0) - path
    length, middle = np.hypot(*step.T), path + step / 2
    good = (length > 0.2) & (middle > 5).all(axis=1) & (middle < np.array([shape[1], shape[0]]) - 6).all(axis=1)
    middle, normal = middle[good][::23], np.stack([-step[:, 1], step[:, 0]], axis=1)[good][::23]
    if not len(middle):
        return []
    normal /= np.hypot(*normal.T)[:, None]
    alone = np.ones(len(middle), bool)
    for other in others:
        alone &= nearest(middle, other) > 5
    for side in (-2.5, 2.5):  # it comes back, or turns sharply
        alone &= nearest(middle + side * normal, path) > 2
    return list(zip(middle[alone], normal[alone]))


def check_outlines(r, what, found, sources, expected, ignored=("Skull",)):
    """All along the path of a ROI where nothing else is, there is a line of its colour, whose middle across
    the path is less than half a pixel away."""
    looked_at, worst, along = 0, 0, np.arange(-2.5, 2.51, 0.1)
    for uid, (ds, _, _) in found.items():
        rgb, source = ds.pixel_array.astype(int), sources[uid]
        origin = np.array(source.ImagePositionPatient, float)
        row, col = (np.array(source.ImageOrientationPatient[i:i + 3], float) for i in (0, 3))
        dr, dc = map(float, source.PixelSpacing)
        paths = [(n, c, np.stack([(p - origin) @ row / dc, (p - origin) @ col / dr], axis=1))
                 for n, c, p in expected.get(uid, []) if n not in ignored]
        for i, (name, color, path) in enumerate(paths):
            if max(color) - min(color) < 60:
                continue
            others = [p for k, (_, _, p) in enumerate(paths) if k != i]
            for x, normal in places(path, others, rgb.shape):
                ink = across(rgb, color, x + along[:, None] * normal)
                if not r.check(ink.max() > 0.3, what, uid, name, "no line at", x):
                    return
                worst = max(worst, abs((ink * along).sum() / ink.sum()))
                looked_at += 1
    r.check(looked_at > 200, what, "only", looked_at, "places of lines")
    r.check(worst < 0.5, what, "a line is", worst, "pixels off")
    print("%s: %d places of outlines, %.2f pixels off at most" % (what, looked_at, worst))


# ---- the cases ----

def rewritten(study, to, change):
    """A copy of a study in which change(data set) was done to every object."""
    for path in glob.glob(study + "/**/*.dcm", recursive=True):
        ds = pydicom.dcmread(path)
        change(ds)
        there = os.path.join(to, os.path.relpath(path, study))
        os.makedirs(os.path.dirname(there), exist_ok=True)
        ds.save_as(there)
    return to


def another_patient(ds):
    ds.PatientName, ds.PatientID, ds.PatientBirthDate = "Quisling^Zebedee", "ZQ-987654", "19470311"
    ds.AccessionNumber, ds.StudyDescription, ds.StudyDate = "ACC-55", "ANOTHER STUDY", "20190521"
    ds.ReferringPhysicianName, ds.InstitutionName = "House^G", "PRINCETON"


def check_identity(r, work, study, plain):
    """Nothing of who it is can be in a picture that is the same for somebody else."""
    folder = process(r, work, "patient", rewritten(study, work + "/other", another_patient), "--debug")
    if folder is None:
        return
    mine, other = (sorted(glob.glob(f + "/debug_visualization/*")) for f in (plain, folder))
    r.check([os.path.basename(p) for p in mine] == [os.path.basename(p) for p in other], "names of pictures")
    for a, b in zip(mine, other):
        with open(a, "rb") as x, open(b, "rb") as y:
            r.check(x.read() == y.read(), "another patient's", a)
    for a in glob.glob(plain + "/DebugDicom/*"):
        b = os.path.join(folder, "DebugDicom", os.path.basename(a))
        r.check(pydicom.dcmread(a).PixelData == pydicom.dcmread(b).PixelData, "another patient's", a)


def check_magnified(r, work, study, sources, plain):
    folder = process(r, work, "filled", study, "--debug", debug_style="filled", debug_magnification=3)
    if folder is None:
        return
    found = check_objects(r, "filled, three times", folder, sources, 3)
    once = pictures(plain)
    for uid, (ds, _, _) in found.items():
        big, small = ds.pixel_array, once[uid][0].pixel_array
        same = (big[1::3, 1::3] == small).all(axis=2).mean()
        r.check(same > 0.77, uid, "shows", same, "of the same pixels, magnified")
        blocks = big.reshape(small.shape[0], 3, small.shape[1], 3, 3)
        r.check((blocks == blocks[:, :1, :, :1]).all(axis=(1, 3, 4)).mean() > 0.7, uid, "pixels are not repeated")


def flat(ds):
    """Pixels three times as high as wide."""
    if "PixelData" in ds:
        pixels = ds.pixel_array[::3]
        ds.PixelSpacing = [float(ds.PixelSpacing[0]) * 3, ds.PixelSpacing[1]]
        ds.Rows, ds.PixelData = pixels.shape[0], pixels.tobytes()


def check_stretched(r, work, study):
    other = rewritten(study, work + "/flat", flat)
    folder = process(r, work, "stretched", other, "--debug")
    if folder is None:
        return
    sources = images_of(other)
    found = check_objects(r, "not square", folder, sources, 1, square=False)
    for uid, (_, jpeg, _) in found.items():
        r.check(jpeg.shape[:2] == (sources[uid].Rows * 3, sources[uid].Columns), uid, "JPEG", jpeg.shape)
    check_outlines(r, "not square", found, sources, contours(other))


def unreadable(ds):
    if "PixelData" in ds:
        ds.PixelData = ds.PixelData[:100]


def check_unreadable(r, work, study):
    folder = process(r, work, "grey", rewritten(study, work + "/short", unreadable), "--debug")
    if folder is None:
        return
    with open(folder + "/report.txt", encoding="utf-8") as file:
        r.check("contours on grey" in file.read(), "pixels that are not there are not told of")
    for ds, _, _ in pictures(folder).values():
        values, counts = np.unique(ds.pixel_array.reshape(-1, 3), axis=0, return_counts=True)
        r.check(list(values[counts.argmax()]) == [40, 40, 44], "not a grey field:", values[counts.argmax()])


def resized(rows, cols, spacing):
    def change(ds):
        if "PixelData" in ds:
            ds.Rows, ds.Columns, ds.PixelSpacing = rows, cols, spacing
            ds.PixelData = bytes(rows * cols * 2)
    return change


def check_large(r, work):
    """What would be too large is made as large as may be, and told of."""
    small = work + "/one"
    subprocess.run([NETRT, "phantom", small, "--slices", "4", "--matrix", "64"], check=True, stdout=subprocess.DEVNULL)
    for path in sorted(glob.glob(small + "/ct/*"))[1:]:
        os.unlink(path)
    for name, rows, cols, spacing, want, word in (
            ("as large as may be", 1024, 1024, [1, 1], 8, None),  # 2^26 pixels
            ("less than asked", 1025, 1024, [1, 1], 7, "pictures-smaller"),
            ("not stretched", 4096, 16, [16, 1], 8, "pictures-not-square")):
        study = rewritten(small, work + "/" + name, resized(rows, cols, spacing))
        folder = process(r, work, "made " + name, study, "--debug", debug_magnification=8)
        if folder is None:
            continue
        ((ds, jpeg, _),) = pictures(folder).values()
        r.check((ds.Rows, ds.Columns) == (rows * want, cols * want), name, ds.Rows, ds.Columns)
        r.check(jpeg.shape[:2] == (ds.Rows, ds.Columns), name, "JPEG", jpeg.shape)
        with open(folder + "/report.json", encoding="utf-8") as file:
            words = [w["note"] for w in json.load(file)["structure_sets"][0]["warnings"] if w["note"].startswith("pictures-")]
        r.check(words == ([word] if word else []), name, "told:", words)


def check_shapes(r, work):
    """An image that cannot be placed is shown in the shape that its pixels have by whatever tells it first; the object
    has no spacing then, and only its own aspect ratio."""
    study = work + "/shapes"
    subprocess.run([NETRT, "phantom", study, "--slices", "4", "--matrix", "64"], check=True, stdout=subprocess.DEVNULL)
    path = sorted(glob.glob(study + "/ct/*"))[0]
    for name, told, high in (
            ("nothing", {}, 1),
            ("the detector's spacing", {"ImagerPixelSpacing": [3, 1]}, 3),
            ("an aspect ratio", {"PixelAspectRatio": [2, 1]}, 2),
            ("the detector's spacing first", {"ImagerPixelSpacing": [3, 1], "PixelAspectRatio": [2, 1]}, 3),
            ("spacing of nothing", {"PixelSpacing": [0, 0], "ImagerPixelSpacing": [0, 1], "PixelAspectRatio": [2, 1]}, 2),
            ("spacing below nothing", {"PixelSpacing": [-3, -1], "PixelAspectRatio": [2, 1]}, 2),
            ("as long as may be", {"ImagerPixelSpacing": [16, 1]}, 16),
            ("longer", {"ImagerPixelSpacing": [17, 1], "PixelAspectRatio": [2, 1]}, 2),
            ("wider", {"ImagerPixelSpacing": [1, 17], "PixelAspectRatio": [2, 1]}, 2)):
        ds = pydicom.dcmread(path)
        for keyword in ("PixelSpacing", "ImagerPixelSpacing", "PixelAspectRatio"):
            if keyword in ds:
                del ds[keyword]
        for keyword, value in told.items():
            setattr(ds, keyword, value)
        ds.save_as(path)
        folder = process(r, work, "shape " + name, study, "--debug")
        if folder is None:
            continue
        made, jpeg, _ = pictures(folder)[str(ds.SOPInstanceUID)]
        r.check(jpeg.shape == (64 * high, 64, 3), name, "JPEG", jpeg.shape)
        r.check((made.Rows, made.Columns) == (64, 64) and "PixelSpacing" not in made, name, made.get("PixelSpacing"))
        r.check(made.get("PixelAspectRatio") == ds.get("PixelAspectRatio"), name, made.get("PixelAspectRatio"))


def check_disclaimer(r, work, study, plain):
    """The disclaimer is what is configured, in every picture."""
    folder = process(r, work, "said", study, "--debug", burn_in_text="'X'")
    for uid, (ds, _, _) in (pictures(folder) if folder else {}).items():
        before = pydicom.dcmread(plain + "/DebugDicom/DEBUG-%s.dcm" % uid)
        r.check(ds.PixelData != before.PixelData and ds.ImageComments == "X", uid, "the disclaimer is not in the picture")


def check_minimal(r, work, study, plain):
    binary = "build/minimal/netrt"
    if not os.access(binary, os.X_OK):
        print("SKIP e2e/debug: no minimal build to try")
        return
    folder = process(r, work, "minimal", study, "--debug", binary=binary)
    if folder is None:
        return
    r.check(not glob.glob(folder + "/debug_visualization/*"), "a minimal netrt wrote JPEGs")
    with open(folder + "/report.txt", encoding="utf-8") as file:
        r.check("without a JPEG" in file.read(), "JPEGs that are not there are not told of")
    for a in glob.glob(plain + "/DebugDicom/*"):
        b = os.path.join(folder, "DebugDicom", os.path.basename(a))
        r.check(pydicom.dcmread(a).PixelData == pydicom.dcmread(b).PixelData, "minimal", a)


def check_real(r, work):
    for name in SETS:
        study = os.path.join(DATA, "sets", name)
        if not os.path.isdir(study):
            print("SKIP e2e/debug: no", study)
            continue
        folder = process(r, work, name, study, "--debug", debug_magnification=2)
        if folder is None:
            continue
        paths = sorted(p for p in glob.glob(folder + "/DebugDicom/*") if "-2.dcm" not in p)
        r.check(paths, name, "no pictures")
        for path in paths[:: max(1, len(paths) // 3)]:
            ds = pydicom.dcmread(path)
            rgb = ds.pixel_array
            check_valid(r, path)
            r.check(rgb.shape == (ds.Rows, ds.Columns, 3) and rgb.max() > 100, name, path)


def main():
    r = Report("debug")
    work = tempfile.mkdtemp(prefix="netrt-debug-")
    try:
        study = work + "/phantom"
        subprocess.run([NETRT, "phantom", study, "--slices", "9", "--matrix", "256"], check=True, stdout=subprocess.DEVNULL)
        sources = images_of(study)
        plain = process(r, work, "plain", study, "--debug")
        if plain is not None:
            found = check_objects(r, "plain", plain, sources)
            check_outlines(r, "plain", found, sources, contours(study))
            for path in sorted(glob.glob(plain + "/DebugDicom/*"))[::4]:
                check_valid(r, path)
            check_identity(r, work, study, plain)
            check_magnified(r, work, study, sources, plain)
            check_stretched(r, work, study)
            check_unreadable(r, work, study)
            check_large(r, work)
            check_shapes(r, work)
            check_disclaimer(r, work, study, plain)
            check_minimal(r, work, study, plain)
        without = process(r, work, "without", study)
        if without is not None:
            r.check(not os.path.exists(without + "/DebugDicom"), "pictures that nobody asked for")
        check_real(r, work)
    finally:
        if os.environ.get("KEEP") != "1":
            shutil.rmtree(work)
    return r.end()


if __name__ == "__main__":
    sys.exit(main())
