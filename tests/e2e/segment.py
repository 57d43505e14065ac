#!/usr/bin/python3
"""Segmentations and the structure set that goes with the overlay series, as others read them.

Studies are made up (studies.py); every frame of every segmentation is compared bit by bit with the pixels that
the contours of its ROI were drawn on, and with the overlay planes of the same run, as pydicom, GDCM and DCMTK's
own module for segmentations (tests/tools/segread.cc) unpack them; matrix sizes that are no multiples of 8 among
them.  Then what PS3.3 C.8.20, C.7.6.16 and C.7.6.17 ask for, dciodvfy, and each code of tables/roi_codes.tsv
against pydicom's and DCMTK's dictionaries.

    segment.py [GROUP...]     all of it, or these: real, sizes, kinds, content, codes, sets
"""
import glob
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

from harness import Report, run, skip
from studies import (BIG_ENDIAN, CONFIG as STUDY, CT, DEFLATED, EXPLICIT, IMPLICIT, MR, Dataset, Sequence, StructureSet, Study, box, fill,
                     np, put, pydicom, star, uid)

try:
    import gdcm

    gdcm.Trace.WarningOff()
    gdcm.Trace.ErrorOff()
except ImportError:
    gdcm = None

SEG = "1.2.840.10008.5.1.4.1.1.66.4"
SEGREAD = "build/test_segread"
CONFIG = "  overlay_planes: both\n  segmentation: %s\n  structure_set: %s\n%sfeature_flags:\n  enable_segmentation_export: true\n"
DCMTK_CODES = "/usr/include/dcmtk/dcmsr/codes"


class Drawn:
    """A structure set, and for each ROI the pixels that it was drawn on."""

    def __init__(self, study, images, **options):
        self.images, self.truth = images, {}
        self.s = StructureSet(study, images, **options)

    def roi(self, name, kind="ORGAN", color=None, algorithm="MANUAL"):
        self.s.roi(name)
        self.s.d.StructureSetROISequence[-1].ROIGenerationAlgorithm = algorithm
        self.s.d.RTROIObservationsSequence[-1].RTROIInterpretedType = kind
        if color:
            self.s.at.ROIDisplayColor = color
        self.mine = self.truth.setdefault(name, {})

    def contour(self, k, points, how="or", **options):
        image = self.images.images[k]
        inside, near = fill(points, (image.Rows, image.Columns))
        mask, unclear = self.mine.setdefault(
            image.SOPInstanceUID, (np.zeros(inside.shape, bool), np.zeros(inside.shape, bool)))
        mask[:] = mask ^ inside if how == "xor" else mask | inside
        unclear[:] |= near
        return self.s.contour(self.images, k, points, **options)


def four_rois(study, images, **options):
    drawn = Drawn(study, images, charset="ISO_IR 192", **options)
    rows, cols, count = images.rows, images.cols, len(images.images)
    side = min(rows, cols)
    drawn.roi("Lung_L", color=[255, 0, 0])
    for k in range(count):
        drawn.contour(k, star(cols * 0.4, rows * 0.5, side * 0.35, seed=k))
    drawn.roi("PTV_60", "PTV", [0, 200, 30], "SEMIAUTOMATIC")
    for k in range(1, count):
        drawn.contour(k, star(cols * 0.6, rows * 0.5, side * 0.3, seed=20 + k))
        drawn.contour(k, star(cols * 0.6, rows * 0.5, side * 0.1, seed=20 + k), "xor")
    drawn.roi("Größe/Übrig", "", algorithm="AUTOMATIC")
    drawn.contour(count // 2, box(-3, -2, cols - 0.3, rows + 4))
    drawn.roi("Seed", "MARKER")
    drawn.contour(0, box(1.6, 1.6, 2.4, 2.4))
    return drawn


# ---- reading ----

def segmentations(study):
    return sorted(glob.glob(study.out + "/UID_*/Segmentations/SEG-*.dcm"))


def overlays(study):
    """By SOP Instance UID of the overlay image."""
    found = {}
    for path in glob.glob(study.out + "/UID_*/Addition/OVERLAY-*.dcm"):
        d = pydicom.dcmread(path)
        found[d.SOPInstanceUID] = d
    return found


def frames_by_pydicom(d):
    """PS3.5 8.1.1, by the letter; and pydicom's own way."""
    shape = (int(d.NumberOfFrames), d.Rows, d.Columns)
    bits = np.unpackbits(np.frombuffer(d.PixelData, np.uint8), bitorder="little")
    used = int(np.prod(shape))
    return bits[:used].reshape(shape).astype(bool), d.pixel_array.reshape(shape).astype(bool), not bits[used:].any()


def frames_by_dcmtk(path, shape, *how):
    done = subprocess.run([SEGREAD, path, *how], capture_output=True)
    if done.returncode != 0:
        return None, done.stderr
    lines = [line.split("\t") for line in done.stderr.decode().splitlines() if line.count("\t") == 4]
    got = np.frombuffer(done.stdout, np.uint8)
    return (got.reshape(shape).astype(bool) if got.size == np.prod(shape) else None), lines


def check_peers(r, path, d, frames):
    letter, theirs, padded = frames_by_pydicom(d)
    r.check(padded and len(d.PixelData) % 2 == 0, path, "padding of Pixel Data")
    r.check((letter == theirs).all(), path, "pydicom unpacks other bits")
    r.check((letter == frames).all(), path, int((letter != frames).sum()), "pixels are not those of the contours")
    if os.access(SEGREAD, os.X_OK):
        got, lines = frames_by_dcmtk(path, letter.shape, "bits")
        if r.check(got is not None, path, "DCMTK:", lines):
            r.check((got == letter).all(), path, "DCMTK reads other bits")
            if d.Rows * d.Columns % 8 in (0, 1, 2, 4):  # else see segread.cc
                got, lines = frames_by_dcmtk(path, letter.shape)
                r.check((got == letter).all(), path, "DCMTK unpacks other bits")
            r.check([x[1] for x in lines] == [s.SegmentLabel for s in d.SegmentSequence], path, "labels", lines)
    if gdcm is not None:
        reader = gdcm.ImageReader()
        reader.SetFileName(path)
        if r.check(reader.Read(), path, "GDCM does not read it"):
            image = reader.GetImage()
            size = [image.GetDimension(i) for i in range(image.GetNumberOfDimensions())]
            r.check(size[:2] == [d.Columns, d.Rows] and (size[2:] or [1]) == [letter.shape[0]], path, "GDCM:", size)
            bits = image.GetBuffer()
            bits = bits.encode("utf-8", "surrogateescape") if isinstance(bits, str) else bits
            # its buffer has room for rows of whole bytes, more than there are
            r.check(bits[:len(d.PixelData)] == d.PixelData[:len(bits)] and len(bits) * 8 >= letter.size, path, "GDCM has other bits")


def check_valid(r, path, kinds):
    if shutil.which("dciodvfy"):
        said = subprocess.run(["dciodvfy", path], capture_output=True).stderr.decode("latin-1").splitlines()
        bad = [line for line in said if line.startswith(kinds) and "DICOMDIR" not in line]
        r.check(not bad, path, bad)
    if shutil.which("dcmftest"):
        r.check(subprocess.run(["dcmftest", path], capture_output=True).stdout.startswith(b"yes"), path, "dcmftest")


# ---- what the standard asks for ----

def check_module(r, path, d):
    want = {"SOPClassUID": SEG, "Modality": "SEG", "ImageType": ["DERIVED", "PRIMARY"], "SamplesPerPixel": 1,
            "PhotometricInterpretation": "MONOCHROME2", "BitsAllocated": 1, "BitsStored": 1, "HighBit": 0,
            "PixelRepresentation": 0, "SegmentationType": "BINARY", "ContentLabel": "SEGMENTATION",
            "Manufacturer": "netrt", "ManufacturerModelName": "netrt", "SeriesNumber": 99}
    r.check(d.get("LossyImageCompression") in ("00", "01"), path, "Lossy Image Compression")
    for name, value in want.items():
        r.check(d.get(name) == value, path, name, d.get(name))
    for name in ("DeviceSerialNumber", "SoftwareVersions", "ContentDate", "ContentTime", "SeriesDate", "InstanceNumber"):
        r.check(str(d.get(name) or "") != "", path, name, "has no value")
    for name in ("ContentDescription", "ContentCreatorName", "PatientBirthDate", "AccessionNumber", "StudyTime",
                 "ReferringPhysicianName", "PositionReferenceIndicator"):
        r.check(name in d, path, name, "is missing")
    r.check(d.file_meta.TransferSyntaxUID == EXPLICIT and d["PixelData"].VR == "OB", path, "encoding")
    r.check(d.file_meta.MediaStorageSOPInstanceUID == d.SOPInstanceUID and
            os.path.basename(path) == "SEG-%s.dcm" % d.SOPInstanceUID, path, "its name")
    tags = [e.tag for e in d]
    r.check(tags == sorted(tags), path, "tags out of order")


def check_segments(r, path, d):
    for i, s in enumerate(d.SegmentSequence, 1):
        r.check(s.SegmentNumber == i, path, "segment number", s.SegmentNumber)
        for name in ("SegmentedPropertyCategoryCodeSequence", "SegmentedPropertyTypeCodeSequence"):
            codes = s.get(name, [])
            r.check(len(codes) == 1 and codes[0].CodeValue and codes[0].CodingSchemeDesignator and codes[0].CodeMeaning,
                    path, name)
        algorithm = s.SegmentationAlgorithmIdentificationSequence[0]
        r.check((algorithm.AlgorithmName, algorithm.AlgorithmVersion) == ("Radiation Oncologist", "v1.0"), path, algorithm)
        r.check(("SegmentAlgorithmName" in s) == (s.SegmentAlgorithmType != "MANUAL") and s.TrackingUID.startswith("2.25."), path, "algorithm, tracking")
        r.check(s.TrackingID.endswith(": " + s.SegmentLabel), path, s.TrackingID)
    for name in ("TrackingUID", "TrackingID"):
        all_of = [s.get(name) for s in d.SegmentSequence]
        r.check(len(set(all_of)) == len(all_of), path, name, "is not unique")


def groups(d, i):
    """The functional groups of a frame; a group is either shared or each frame's own."""
    shared, own = d.SharedFunctionalGroupsSequence[0], d.PerFrameFunctionalGroupsSequence[i]
    both = {e.tag for e in shared} & {e.tag for e in own}
    assert not both, both
    return {e.keyword: e.value[0] for e in itertools.chain(shared, own)}


def check_frame(r, path, d, g, images):
    source = g["DerivationImageSequence"].SourceImageSequence[0]
    image = images.get(source.ReferencedSOPInstanceUID)
    if not r.check(image is not None, path, "a frame of no overlay image"):
        return None
    r.check(source.ReferencedSOPClassUID == image.SOPClassUID, path, "class of the source image")
    r.check(source.SpatialLocationsPreserved == "YES" and
            source.PurposeOfReferenceCodeSequence[0].CodeValue == "121322" and
            g["DerivationImageSequence"].DerivationCodeSequence[0].CodeValue == "113076", path, "derivation")
    where = g["PlanePositionSequence"].ImagePositionPatient
    r.check(np.allclose(np.array(where, float), np.array(image.ImagePositionPatient, float), atol=1e-9), path, where)
    r.check(np.allclose(np.array(g["PlaneOrientationSequence"].ImageOrientationPatient, float),
                        np.array(image.ImageOrientationPatient, float), atol=1e-15), path, "orientation")
    measures = g["PixelMeasuresSequence"]
    # to a picometre, which is nine decimals
    for name in ("PixelSpacing", "SliceThickness"):
        pair = [np.array(d.get(name) or 0, float) for d in (measures, image)]
        r.check(np.allclose(*pair, atol=1e-9), path, name, pair)
    return image


def check_frames(r, path, d, images):
    """[(segment number, overlay image)] of each frame."""
    used, indexes, found = set(), [], []
    r.check(len(d.PerFrameFunctionalGroupsSequence) == d.NumberOfFrames, path, "groups of", d.NumberOfFrames, "frames")
    pointers = [(int(x.DimensionIndexPointer), int(x.FunctionalGroupPointer)) for x in d.DimensionIndexSequence]
    r.check(pointers[:2] == [(0x0062000B, 0x0062000A), (0x00200032, 0x00209113)], path, pointers)
    organization = d.DimensionOrganizationSequence[0].DimensionOrganizationUID
    r.check({x.DimensionOrganizationUID for x in d.DimensionIndexSequence} == {organization}, path, "organization")
    for i in range(int(d.NumberOfFrames)):
        g = groups(d, i)
        image = check_frame(r, path, d, g, images)
        number = g["SegmentIdentificationSequence"].ReferencedSegmentNumber
        index = g["FrameContentSequence"].DimensionIndexValues
        index = list(index) if not isinstance(index, int) else [index]
        r.check(len(index) == len(pointers) and index[0] == number, path, "index", index)
        indexes.append(tuple(index))
        found.append((number, image))
        used.add(image.SOPInstanceUID)
    r.check(len(set(indexes)) == len(indexes) and indexes == sorted(indexes), path, "dimension indexes", indexes[:9])
    for dimension in range(len(pointers)):
        values = {x[dimension] for x in indexes}
        r.check(values == set(range(1, len(values) + 1)), path, "dimension", dimension, values)
    places = {}
    for index, (_, image) in zip(indexes, found):
        along = np.cross(*np.array(image.ImageOrientationPatient, float).reshape(2, 3)) @ np.array(
            image.ImagePositionPatient, float)
        places.setdefault(index[1], []).append(along)
    r.check(all(max(v) - min(v) < 1e-6 for v in places.values()), path, "one index, several places")
    order = [places[k][0] for k in sorted(places)]
    r.check(order == sorted(order), path, "places out of order", order)
    check_references(r, path, d, images, used)
    return found


def check_references(r, path, d, images, used):
    one = d.ReferencedSeriesSequence[0]
    listed = {x.ReferencedSOPInstanceUID for x in one.ReferencedInstanceSequence}
    r.check(len(d.ReferencedSeriesSequence) == 1 and listed == used, path, "Referenced Series Sequence")
    image = next(iter(images.values()))
    r.check(one.SeriesInstanceUID in {x.SeriesInstanceUID for x in images.values()}, path, "its series")
    for name in ("PatientID", "PatientName", "PatientSex", "StudyInstanceUID", "StudyDate", "StudyID",
                 "FrameOfReferenceUID", "AccessionNumber"):
        r.check((d.get(name) or "") == (image.get(name) or ""), path, name, d.get(name), image.get(name))
    r.check(d.SourceInstanceSequence[0].ReferencedSOPClassUID == "1.2.840.10008.5.1.4.1.1.481.3", path, "structure set")


def plane_of(image, label):
    """The overlay plane with this label, as pydicom has it."""
    for group in range(0x6000, 0x6020, 2):
        if (group, 0x1500) in image and image[group, 0x1500].value == label:
            if not image.is_little_endian:
                image[group, 0x3000].value = np.frombuffer(image[group, 0x3000].value, "<u2").byteswap().tobytes()
            plane = image.overlay_array(group).astype(bool)
            del image[group, 0x1500]  # once
            return plane
    return None


def check_object(r, path, drawn, images):
    """Everything about one file; {(label, source image)} of its frames."""
    d = pydicom.dcmread(path)
    check_module(r, path, d)
    check_segments(r, path, d)
    # of a study that was not made up here patient and study may be odd: the image's
    check_valid(r, path, ("Error", "Warning") if drawn is not None else ("Error",))
    found = check_frames(r, path, d, images)
    frames, seen = frames_by_pydicom(d)[0].copy(), set()
    for i, (number, image) in enumerate(found):
        label = d.SegmentSequence[number - 1].SegmentLabel
        source = image.SourceImageSequence[0].ReferencedSOPInstanceUID
        r.check(frames[i].any(), path, label, "an empty frame")
        if drawn is not None:
            want, near = drawn.truth[label].get(source, (None, None))
            if not r.check(want is not None, path, "a frame of", label, "where nothing was drawn"):
                continue
            wrong = int(((frames[i] != want) & ~near).sum())
            r.check(wrong == 0, path, label, wrong, "pixels wrong, of", int(want.sum()))
        plane = plane_of(image, label)
        if r.check(plane is not None, path, label, "has no overlay plane"):
            r.check((plane == frames[i]).all(), path, label, "differs from the overlay plane")
            frames[i] = plane
        seen.add((label, source))
    check_peers(r, path, d, frames)
    return d, seen


def check_study(study, drawn, kind="per_roi", files=None):
    """Run, and look at everything; the data sets of the segmentations."""
    r = study.r
    study.write()
    study.process(CONFIG % (kind, "none", ""))
    images, made, seen = overlays(study), [], set()
    for path in segmentations(study):
        d, frames = check_object(r, path, drawn, images)
        r.check(not seen & frames, path, "frames of another file, too")
        seen |= frames
        made.append(d)
    want = {(name, source) for name, masks in drawn.truth.items() for source, (mask, near) in masks.items()
            if (mask & ~near).any()}
    r.check(want <= seen, study.name, "frames missing:", sorted(want - seen)[:3])
    names = {name for name, _ in want}
    files = files or (1 if kind == "combined" else len(names))
    r.check(len(made) == files, study.name, len(made), "files, not", files)
    return made


# ---- the groups ----

def sizes(new):
    for rows, cols in ((23, 38), (21, 22), (13, 301), (64, 64), (65, 63), (9, 7)):
        for kind in ("per_roi", "combined"):
            study = new("size-%dx%d-%s" % (rows, cols, kind))
            images = study.images(rows=rows, cols=cols, down=1.5, across=0.7)
            check_study(study, four_rois(study, images), kind)


def kinds(new):
    options = {
        "implicit": {"syntax": IMPLICIT}, "big-endian": {"syntax": BIG_ENDIAN}, "deflated": {"syntax": DEFLATED},
        "oblique": {"iop": (0.8, 0.6, 0, -0.36, 0.48, 0.8)}, "feet-first": {"iop": (-1, 0, 0, 0, 1, 0)},
        "mr": {"sop_class": MR, "modality": "MR", "iop": (0, 1, 0, 0, 0, -1)},
        "uneven": {"along": (0, 3, 6, 9, 14, 19)}, "one": {"along": (0,)}, "far": {"origin": (12345.678901, -9876.54321, 5555.5)},
    }
    for name, one in options.items():
        study = new("kind-" + name)
        made = check_study(study, four_rois(study, study.images(**one)), "combined")
        spacing = made[0].SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].get("SpacingBetweenSlices")
        study.r.check(spacing == (None if name in ("uneven", "one") else 3), study.name, "spacing", spacing)

    study = new("kind-times")  # several images at one place
    images = study.images(along=(0, 0, 3, 3, 6, 6))
    drawn = Drawn(study, images)
    drawn.roi("moving")
    for k in range(6):
        drawn.contour(k, star(30, 20, 10, seed=k))
    (d,) = check_study(study, drawn, "combined")
    study.r.check(len(d.DimensionIndexSequence) == 3, study.name, "no dimension for images at one place")

    for name, rows, cols in ("rows", 40, 64), ("columns", 48, 50):  # a series of two matrix sizes
        study = new("kind-matrix-" + name)
        images = study.images()
        drawn = Drawn(study, images)
        for d in images.images[4:]:
            put(d, Rows=rows, Columns=cols, PixelData=d.PixelData[:rows * cols * 2])
        for i, name in enumerate(("one", "two")):
            drawn.roi(name)
            for k in range(7):
                drawn.contour(k, star(30, 18, 10, seed=k + i))
        check_study(study, drawn, "combined", files=2)


def labels(d):
    return [s.SegmentLabel for s in d.SegmentSequence]


def content(new):
    study = new("content")
    images = study.images()
    drawn = four_rois(study, images)
    made = {labels(d)[0]: d for d in check_study(study, drawn)}
    segments = {name: d.SegmentSequence[0] for name, d in made.items()}
    r = study.r

    def code(s, what):
        c = s["SegmentedProperty%sCodeSequence" % what].value[0]
        return c.CodingSchemeDesignator, c.CodeValue

    r.check(code(segments["Lung_L"], "Category") == ("SCT", "123037004"), "category of a lung")
    r.check(code(segments["Lung_L"], "Type") == ("SCT", "39607008"), "type of a lung")
    side = segments["Lung_L"].SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence[0]
    r.check(side.CodeValue == "7771000", "the side of a lung", side)
    r.check(code(segments["PTV_60"], "Category") == ("DCM", "130041"), "category of a PTV")
    r.check(code(segments["PTV_60"], "Type") == ("SCT", "228793007"), "type of a PTV")
    r.check(code(segments["Größe/Übrig"], "Type") == ("DCM", "130048"), "type of what is not known")
    r.check(code(segments["Seed"], "Type") == ("SCT", "262301009"), "type of a marker")
    r.check([segments[n].SegmentAlgorithmType for n in ("Lung_L", "PTV_60", "Größe/Übrig")] ==
            ["MANUAL", "SEMIAUTOMATIC", "AUTOMATIC"], "algorithms")
    check_colors(r, segments)
    r.check(made["PTV_60"].SeriesDescription == "RESEARCH USE ONLY: CONTOUR PTV_60", made["PTV_60"].SeriesDescription)
    r.check(len({d.SeriesInstanceUID for d in made.values()}) == 4, "a series each")
    check_again(study, drawn, made)
    check_site(study, drawn)
    check_own_codes(new)


def check_colors(r, segments):
    """L*a*b* under D50 of sRGB red: 54.29, 80.80, 69.89 (ICC); and back again for the others."""
    got = np.array(segments["Lung_L"].RecommendedDisplayCIELabValue) / 65535 * [100, 255, 255] - [0, 128, 128]
    r.check(np.allclose(got, [54.29, 80.80, 69.89], atol=0.02), "CIELab of red", got)
    l, a, b = np.array(segments["PTV_60"].RecommendedDisplayCIELabValue) / 65535 * [100, 255, 255] - [0, 128, 128]
    f = np.array([(l + 16) / 116 + a / 500, (l + 16) / 116, (l + 16) / 116 - b / 200])
    xyz = np.where(f > 6 / 29, f ** 3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * [0.96422, 1, 0.82521]
    rgb = np.array([[3.1338561, -1.6168667, -0.4906146], [-0.9787684, 1.9161415, 0.0334540],
                    [0.0719453, -0.2289914, 1.4052427]]) @ xyz
    rgb = np.where(rgb > 0.0031308, 1.055 * np.abs(rgb) ** (1 / 2.4) - 0.055, 12.92 * rgb) * 255
    r.check(np.allclose(rgb, [0, 200, 30], atol=1), "color back from CIELab", rgb)


def check_again(study, drawn, made):
    """The same study gives the same instances; segments are tracked alike in one file for all."""
    r, before = study.r, {d.SOPInstanceUID for d in made.values()}
    study.process(CONFIG % ("per_roi", "none", ""))
    r.check({pydicom.dcmread(p).SOPInstanceUID for p in segmentations(study)} == before, "other UIDs the second time")
    study.process(CONFIG % ("combined", "none", ""))
    (all_of,) = [pydicom.dcmread(p) for p in segmentations(study)]
    r.check(all_of.SOPInstanceUID not in before, "one UID for two kinds")
    tracked = {s.SegmentLabel: s.TrackingUID for s in all_of.SegmentSequence}
    r.check(tracked == {n: d.SegmentSequence[0].TrackingUID for n, d in made.items()}, "tracking", tracked)
    r.check(all_of.SegmentsOverlap == "YES" and made["Seed"].SegmentsOverlap == "NO", "overlap", all_of.SegmentsOverlap)
    r.check(all_of.SeriesDescription == "RESEARCH USE ONLY: CONTOUR all ROIs", all_of.SeriesDescription)


def check_site(study, drawn):
    """The site's own table goes first; one with an error stops everything, with its line."""
    r, table = study.r, study.folder + ".tsv"
    with open(table, "w", encoding="utf-8") as file:
        file.write("# ours\nname\tcategory\tscheme\tcode\tmeaning\nLung_L\tabnormal\t99SITE\tL-1\tOur lung\n"
                   "gröSSe*\ttissue\t99SITE\tG-1\tÜbrig\n")
    study.process(CONFIG % ("combined", "none", "  roi_codes_file: %s\n" % table))
    (d,) = [pydicom.dcmread(p) for p in segmentations(study)]
    types = {s.SegmentLabel: s.SegmentedPropertyTypeCodeSequence[0] for s in d.SegmentSequence}
    r.check(types["Lung_L"].CodeValue == "L-1" and types["PTV_60"].CodeValue == "228793007", "the site's codes", types)
    with open(table, "a", encoding="utf-8") as file:
        file.write("Heart\torgan\tSCT\t80891009\tHeart\n")
    done = study.process(CONFIG % ("combined", "none", "  roi_codes_file: %s\n" % table), code=78)
    r.check(b".tsv:5: there is no such category" in done.err, done.err)


def check_own_codes(new):
    """RT ROI Identification Code Sequence is taken as the type."""
    study = new("content-own-codes")
    drawn = four_rois(study, study.images())
    drawn.s.d.RTROIObservationsSequence[0].RTROIIdentificationCodeSequence = Sequence(
        [put(Dataset(), CodeValue="3341006", CodingSchemeDesignator="SCT", CodeMeaning="Right lung")])
    made = {labels(d)[0]: d.SegmentSequence[0] for d in check_study(study, drawn)}
    got = made["Lung_L"].SegmentedPropertyTypeCodeSequence[0]
    study.r.check(got.CodeValue == "3341006" and "SegmentedPropertyTypeModifierCodeSequence" not in got, "own code", got)


def codes(new):
    """Each code of the table is known to pydicom or DCMTK, under the same meaning."""
    from pydicom.sr._concepts_dict import concepts

    r, known = new("codes").r, {}
    for scheme in ("SCT", "DCM"):
        for meanings in concepts[scheme].values():
            for value, (meaning, _) in meanings.items():
                known.setdefault((scheme, value), set()).add(meaning.lower())
    for name, scheme in (("sct.h", "SCT"), ("dcm.h", "DCM")):
        if os.path.exists(os.path.join(DCMTK_CODES, name)):
            with open(os.path.join(DCMTK_CODES, name), encoding="latin-1") as file:
                for value, meaning in re.findall(r'DSRBasicCodedEntry\("([^"]+)", "%s", "([^"]+)"\)' % scheme, file.read()):
                    known.setdefault((scheme, value), set()).add(meaning.lower())
    rows = 0
    with open("tables/roi_codes.tsv", encoding="utf-8") as file:
        for line in file:
            if line.startswith(("#", "name\t")):
                continue
            name, _, scheme, value, meaning = line.rstrip("\n").split("\t")
            rows += 1
            r.check((scheme, value) in known, name, scheme, value, "is in no dictionary")
            spelled = {m.replace("peritioneum", "peritoneum") for m in known.get((scheme, value), ())}
            r.check(any(meaning.lower() in m for m in spelled), name, value, meaning, "is called", spelled)
    with open("src/series/roicodes.c", encoding="utf-8") as file:
        for scheme, value, meaning in re.findall(r'"(SCT|DCM)", "(\d+)", "([^"]+)"', file.read()):
            rows += 1
            r.check(meaning.lower() in known.get((scheme, value), ()), scheme, value, meaning)
    print("codes: %d rows" % rows)


# ---- the structure set ----

def the_set(study):
    (path,) = glob.glob(study.out + "/UID_*/StructureSet/RTSTRUCT-*.dcm")
    d = pydicom.dcmread(path)
    study.r.check(os.path.basename(path) == "RTSTRUCT-%s.dcm" % d.SOPInstanceUID, path, "its name")
    return path, d


def contours(d):
    return [c for roi in d.ROIContourSequence for c in roi.get("ContourSequence", [])]


def check_relinked(study, drawn):
    """All references are to overlay images that lie where the contours do; nothing else differs."""
    r = study.r
    study.write()
    study.process(CONFIG % ("per_roi", "relinked", ""))
    path, d = the_set(study)
    images, source = overlays(study), drawn.s.d
    check_valid_set(r, path, study)
    r.check(d.SOPInstanceUID != source.SOPInstanceUID and d.SeriesInstanceUID != source.SeriesInstanceUID, path, "UIDs")
    r.check(d.PredecessorStructureSetSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID, path, "predecessor")
    r.check(d.file_meta.MediaStorageSOPInstanceUID == d.SOPInstanceUID, path, "meta information")
    own = next(iter(images.values()))
    series = [s for f in d.ReferencedFrameOfReferenceSequence for t in f.RTReferencedStudySequence
              for s in t.RTReferencedSeriesSequence]
    mine = [s for s in series if s.SeriesInstanceUID == own.SeriesInstanceUID]
    r.check(len(mine) == 1 and {x.ReferencedSOPInstanceUID for x in mine[0].ContourImageSequence} == set(images), path,
            "Referenced Frame of Reference Sequence")
    mine = [f for f in d.ReferencedFrameOfReferenceSequence if f.FrameOfReferenceUID == own.FrameOfReferenceUID]
    r.check(len(mine) == 1, path, "frame of reference")
    before, after = contours(source), contours(d)
    r.check(len(before) == len(after), path, "contours")
    for x, y in zip(before, after):
        r.check(x.ContourData == y.ContourData and x.ContourGeometricType == y.ContourGeometricType, path, "contour data")
        if x.ContourGeometricType == "CLOSED_PLANAR":
            for reference in y.ContourImageSequence:
                check_place(r, path, y, images.get(reference.ReferencedSOPInstanceUID))
    check_rest(r, path, d, source)
    return d


def check_place(r, path, contour, image):
    if not r.check(image is not None, path, "a contour refers to no overlay image"):
        return
    normal = np.cross(*np.array(image.ImageOrientationPatient, float).reshape(2, 3))
    off = (np.array(contour.ContourData, float).reshape(-1, 3) - np.array(image.ImagePositionPatient, float)) @ normal
    r.check(abs(off).max() < 1.6, path, "a contour is off its image by", abs(off).max())


def check_valid_set(r, path, study):
    if shutil.which("dciodvfy"):
        said = subprocess.run(["dciodvfy", path], capture_output=True).stderr.decode("latin-1")
        # (0008,0090) and the like are the source's; errors only
        bad = [line for line in said.splitlines() if line.startswith("Error") and "ReferencedFrameOf" not in line]
        source = [f for f in glob.glob(study.folder + "/*") if pydicom.dcmread(f, stop_before_pixels=True).Modality == "RTSTRUCT"]
        had = subprocess.run(["dciodvfy", source[0]], capture_output=True).stderr.decode("latin-1")
        r.check(not set(bad) - set(had.splitlines()), path, bad[:3])
    if shutil.which("dcmdump"):
        said = subprocess.run(["dcmdump", "-q", path], capture_output=True)
        r.check(said.returncode == 0 and not re.search(rb"^[EFW]: ", said.stderr, re.M), path, said.stderr[:300])


def check_rest(r, path, d, source):
    ours = {"InstanceCreationDate", "InstanceCreationTime", "SOPInstanceUID", "SeriesDate", "SeriesTime",
            "SeriesDescription", "ContributingEquipmentSequence", "SeriesInstanceUID", "StudyID", "SeriesNumber",
            "ReferencedFrameOfReferenceSequence", "PredecessorStructureSetSequence", "ROIContourSequence",
            "PositionReferenceIndicator"}
    for e in source:
        r.check(e.keyword in ours or d.get(e.tag) == e, path, e.keyword, "is not as it was")
    for e in d:
        r.check(e.keyword in ours or e.tag in source, path, e.keyword, "is new")
    for x, y in zip(source.ROIContourSequence, d.ROIContourSequence):
        r.check(x.ReferencedROINumber == y.ReferencedROINumber and x.get("ROIDisplayColor") == y.get("ROIDisplayColor"),
                path, "ROI Contour Sequence")


def sets(new):
    for name, syntax in (("explicit", EXPLICIT), ("implicit", IMPLICIT), ("deflated", DEFLATED), ("big-endian", BIG_ENDIAN)):
        study = new("set-" + name)
        drawn = four_rois(study, study.images(), syntax=syntax)
        drawn.roi("Isocentre", "ISOCENTER")
        c = drawn.s.contour(drawn.images, 2, np.array([[9, 9.]]), kind="POINT", paint=None)
        d = check_relinked(study, drawn)
        point = contours(d)[-1].ContourImageSequence[0].ReferencedSOPInstanceUID
        study.r.check(point != c.ContourImageSequence[0].ReferencedSOPInstanceUID, study.name, "a point's image")

    study = new("set-names-wrong")  # what the contours name is not where they lie
    images = study.images()
    drawn = Drawn(study, images)
    drawn.roi("shifted")
    for k in range(6):
        drawn.contour(k, star(30, 20, 10, seed=k), names=k + 1)
    check_relinked(study, drawn)

    study = new("set-names-nothing")
    drawn = Drawn(study, study.images())
    del drawn.s.d.ReferencedFrameOfReferenceSequence
    drawn.roi("bare")
    for k in range(6):
        drawn.contour(k, star(30, 20, 10, seed=k), names=None)
    check_relinked(study, drawn)

    study = new("set-times")  # several images at one place: a contour that names none is on all of them
    images = study.images(along=(0, 0, 0, 3, 3, 6))
    drawn = Drawn(study, images)
    drawn.roi("everywhere")
    for k in (0, 3, 5):
        drawn.contour(k, star(30, 20, 10, seed=k), names=None)
    d = check_relinked(study, drawn)
    counts = [len({i.ReferencedSOPInstanceUID for i in c.ContourImageSequence}) for c in contours(d)]
    study.r.check(counts == [3, 2, 1], study.name, "images of each contour", counts)

    study = new("set-others")  # another series in the same frame, another frame, an approval
    images = study.images()
    study.images(sop_class=MR, modality="MR", rows=32, cols=32)
    drawn = four_rois(study, images)
    frames = drawn.s.d.ReferencedFrameOfReferenceSequence
    other = put(Dataset(), SeriesInstanceUID=study.series[1].uid, ContourImageSequence=Sequence(
        [put(Dataset(), ReferencedSOPClassUID=MR, ReferencedSOPInstanceUID=study.series[1].images[0].SOPInstanceUID)]))
    frames[0].RTReferencedStudySequence[0].RTReferencedSeriesSequence.append(other)
    frames.insert(0, put(Dataset(), FrameOfReferenceUID=uid()))
    put(drawn.s.d, ApprovalStatus="APPROVED", ReviewDate="20200101", ReviewTime="101010", ReviewerName="Some^One")
    d = check_relinked_others(study, drawn)
    study.r.check(d.ApprovalStatus == "UNAPPROVED" and "ReviewerName" not in d, study.name, "approval")
    check_original(new)


def check_relinked_others(study, drawn):
    study.write()
    study.process(CONFIG % ("per_roi", "relinked", ""))
    path, d = the_set(study)
    r, frames = study.r, d.ReferencedFrameOfReferenceSequence
    before = drawn.s.d.ReferencedFrameOfReferenceSequence
    r.check(len(frames) == 2 and frames[0] == before[0], path, "another frame of reference")
    series = frames[1].RTReferencedStudySequence[0].RTReferencedSeriesSequence
    r.check(len(series) == 2 and series[1] == before[1].RTReferencedStudySequence[0].RTReferencedSeriesSequence[1], path,
            "another series")
    r.check(series[0].SeriesInstanceUID in {x.SeriesInstanceUID for x in overlays(study).values()}, path, "our series")
    return d


def check_original(new):
    study = new("set-original")
    drawn = four_rois(study, study.images(), syntax=EXPLICIT)
    study.write()
    study.process(CONFIG % ("per_roi", "original", ""))
    path, d = the_set(study)
    source = [f for f in glob.glob(study.folder + "/*") if pydicom.dcmread(f, stop_before_pixels=True).Modality == "RTSTRUCT"]
    with open(path, "rb") as ours, open(source[0], "rb") as theirs:
        x, y = ours.read(), theirs.read()
    head = [pydicom.dcmread(f).file_meta.FileMetaInformationGroupLength + 144 for f in (path, source[0])]
    study.r.check(x[head[0]:] == y[head[1]:] and d.SOPInstanceUID == drawn.s.d.SOPInstanceUID, path, "is not the original")


def real(new):
    """The shared studies: frames against the overlay planes of the same run, and everything else."""
    from harness import DATA

    r, sets = new("real").r, os.path.join(DATA, "sets")
    if not os.path.isdir(sets):
        print("SKIP e2e/segment: no shared data at", sets)
        return
    for name in sorted(os.listdir(sets)):
        for structure_set in sorted(glob.glob(os.path.join(sets, name, "*.dcm"))):
            study = new("real-%s-%s" % (name, os.path.basename(structure_set)[:-4]))
            path = study.folder + ".yaml"
            with open(path, "w") as file:
                file.write(STUDY + CONFIG % ("combined", "relinked", ""))
            done = run("process", "-c", path, structure_set, os.path.join(sets, name, "images"), "-o", study.out, timeout=120)
            r.check(done.code == 0, study.name, done.code, done.err[-300:])
            images = overlays(study)
            for path in segmentations(study):
                check_object(r, path, None, images)
            print("%s: %d overlay images, %d segmentations" % (study.name, len(images), len(segmentations(study))))


GROUPS = {"real": real, "sizes": sizes, "kinds": kinds, "content": content, "codes": codes, "sets": sets}


def main():
    r = Report("segment")
    if not os.access(SEGREAD, os.X_OK):
        print("SKIP e2e/segment: no", SEGREAD)
    with tempfile.TemporaryDirectory() as work:
        phantom = os.path.join(work, "phantom")
        done = run("phantom", phantom, "--preset", "small", "--slices", "4", "--matrix", "64")
        if not r.check(done.code == 0, "phantom:", done.code, done.err):
            return r.end()
        template = pydicom.dcmread(sorted(glob.glob(phantom + "/ct/*"))[0])
        for name in sys.argv[1:] or GROUPS:
            GROUPS[name](lambda title: Study(r, work, template, title))
    return r.end()


if __name__ == "__main__":
    sys.exit(main())
