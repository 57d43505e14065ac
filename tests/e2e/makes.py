#!/usr/bin/python3
"""Studies of other makes: what scanners and planning systems do that a phantom does not.

Each is made up here (studies.py), processed, and compared bit by bit with the pixels that its
contours were drawn on.  Beyond the bits: which images got an output, exit codes, pixel data,
transfer syntax, the remarks of the report, and dciodvfy (no error that the source lacks).

    makes.py [GROUP...]     all of them, or these: geometry, series, images, compressed, names,
                            rois, kinds, places, numbers, encodings
"""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

from harness import Report, run
from studies import (BIG_ENDIAN, CAPTURE, DEFLATED, ENHANCED_MR, EXPLICIT, IMPLICIT, MR, PET, Dataset, Sequence,
                     StructureSet, Study, box, noise, np, put, pydicom, star, uid)

# ---- Where the images lie ----

X, Y = np.array([0.35, 0.93, 0.1]), np.array([-0.02, 0.1143, -0.993])
X /= np.linalg.norm(X)
Y = (Y - X * (X @ Y)) / np.linalg.norm(Y - X * (X @ Y))

GEOMETRY = {
    "plain": {},
    "implicit": {"syntax": IMPLICIT},
    "big-endian": {"syntax": BIG_ENDIAN},
    "deflated": {"syntax": DEFLATED},
    "location": {"location": 1},
    "location-inverted": {"location": -1, "reverse": True},
    "location-zero": {"location": 0},
    "feet-first": {"iop": (-1, 0, 0, 0, 1, 0)},
    "prone": {"iop": (-1, 0, 0, 0, -1, 0)},
    "feet-first-prone": {"iop": (1, 0, 0, 0, -1, 0)},
    "decubitus-left": {"iop": (0, 1, 0, -1, 0, 0)},
    "decubitus-right": {"iop": (0, -1, 0, 1, 0, 0)},
    "feet-first-decubitus-left": {"iop": (0, 1, 0, 1, 0, 0)},
    "feet-first-decubitus-right": {"iop": (0, -1, 0, -1, 0, 0)},
    "sagittal": {"iop": (0, 1, 0, 0, 0, -1)},
    "coronal": {"iop": (1, 0, 0, 0, 0, -1)},
    "oblique": {"iop": (0.8, 0.6, 0, -0.36, 0.48, 0.8)},
    "oblique-all": {"iop": (*X, *Y)},
    "three-decimals": {"iop": (0.866, 0.5, 0, -0.5, 0.866, 0)},
    "tilt": {"shear": (0, 0.36)},
    "tilt-both": {"shear": (0.2, -0.2)},
    "narrow": {"rows": 200, "cols": 17, "down": 0.3, "across": 4},
    "wide": {"rows": 13, "cols": 301, "down": 5, "across": 0.4},
    "odd": {"rows": 23, "cols": 21},
    "three-and-five": {"along": (0, 3, 6, 9, 14, 19, 24, 29)},
    "five-and-three": {"along": (0, 5, 10, 13, 16, 19)},
    "missing": {"along": (0, 3, 6, 12, 15, 24, 27)},
    "thin": {"along": [0.625 * i for i in range(7)], "thickness": 0.625},
    "overlapping": {"along": [1.5 * i for i in range(7)], "thickness": 5},
    "jitter": {"along": [3 * i + (-1) ** i * 0.004 for i in range(7)]},
    "one": {"along": (0,)},
    "two": {"along": (0, 3)},
    "far": {"origin": (12345.678901, -9876.54321, 5555.5)},
}


def geometry(new):
    for name, options in GEOMETRY.items():
        study = new("lies-" + name)
        # the other encoding than the images have
        study.structures(study.images(**options), syntax=EXPLICIT if options.get("syntax") == IMPLICIT else IMPLICIT)
        study.check()


# ---- Which series ----

def series(new):
    study = new("series-two-times")
    study.images()
    study.structures(study.images())
    study.check(notes={"other-series": 7})

    study = new("series-ct-pet-mr")
    study.images()
    study.images(sop_class=PET, modality="PT", along=range(0, 27, 3), rows=32, cols=32, down=3, across=3)
    study.structures(study.images(sop_class=MR, modality="MR", iop=(0, 1, 0, 0, 0, -1)))
    study.check(notes={"other-series": 16})

    study = new("series-a-set-each")
    for options in ({}, {"sop_class": PET, "modality": "PT"}, {"sop_class": MR, "modality": "MR", "iop": (0, 1, 0, 0, 0, -1)}):
        study.structures(study.images(**options))
    study.check()

    study = new("series-two-sets")
    images = study.images()
    study.structures(images)
    study.structures(images)
    study.check()

    study = new("series-times-at-one-place")
    images = study.images(along=(0, 0, 3, 3, 6, 6))
    s = StructureSet(study, images)
    s.roi("named")
    for k in (1, 3, 5):
        s.contour(images, k, star(30, 20, 10, seed=k))
    study.check()

    study = new("series-times-unnamed")
    images = study.images(along=(0, 0, 3, 3, 6, 6))
    s = StructureSet(study, images)
    s.roi("unnamed")
    for k in (1, 3, 5):
        s.contour(images, k, star(30, 20, 10, seed=k), names=None)
        s.paint(images, k - 1, star(30, 20, 10, seed=k))
    study.check(notes={"no-image-reference": 3, "same-position": 3})

    study = new("series-by-frame")
    images = study.images()
    study.images(iop=(0, 1, 0, 0, 0, -1))
    s = StructureSet(study)
    s.series = images
    s.roi("nothing is named")
    for k in range(7):
        s.contour(images, k, star(30, 20, 10, seed=k), names=None)
    study.check(notes={"no-image-reference": 7, "series-by-frame": 1, "other-series": 7})

    study = new("series-enhanced")
    images = study.images(sop_class=ENHANCED_MR, modality="MR")
    s = study.structures(images)
    s.series = None
    study.check(code=65)

    study = new("series-capture-beside")
    study.structures(study.images())
    for d in study.images(along=(0, 3), rows=40, cols=40, sop_class=CAPTURE, modality="OT").images:
        put(d, SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0, BitsAllocated=8, BitsStored=8,
            HighBit=7, PixelData=bytes(4800), ImagePositionPatient=None, ImageOrientationPatient=None, PixelSpacing=None)
    study.check(notes={"other-series": 2})


# ---- Odd images ----

def overlay(d, group, bits=True):
    d.add_new((group, 0x10), "US", d.Rows)
    d.add_new((group, 0x11), "US", d.Columns)
    d.add_new((group, 0x40), "CS", "G")
    d.add_new((group, 0x50), "SS", [1, 1])
    d.add_new((group, 0x100), "US", 1 if bits else 16)
    d.add_new((group, 0x102), "US", 0 if bits else 12)
    if bits:
        d.add_new((group, 0x3000), "OW", bytes((d.Rows * d.Columns + 15) // 16 * 2))


def images(new):
    study = new("image-overlays")
    made = study.images()
    for d in made.images:
        overlay(d, 0x6000)
        overlay(d, 0x6004)
    study.structures(made)
    study.check("  overlay_planes: both\n", notes={"existing-overlays": 7})

    study = new("image-one-group-left")
    made = study.images()
    for d in made.images:
        for group in range(0x6000, 0x6020, 2):
            if group != 0x6010:
                overlay(d, group)
    study.structures(made)
    study.check(notes={"existing-overlays": 7})

    study = new("image-two-groups-left")  # one for all together, one for a ROI
    made = study.images()
    for d in made.images:
        for group in range(0x6000, 0x601C, 2):
            overlay(d, group)
    study.structures(made)
    study.check("  overlay_planes: both\n", notes={"existing-overlays": 7, "no-free-group": 5})

    study = new("image-no-group-left")
    made = study.images()
    for d in made.images[:3]:
        for group in range(0x6000, 0x6020, 2):
            overlay(d, group)
    study.structures(made)
    study.write()
    study.process()
    study.r.check(study.notes() == {"existing-overlays": 3, "all-groups-taken": 3}, study.name, study.notes())

    study = new("image-embedded-overlay")
    made = study.images()
    for d in made.images:
        overlay(d, 0x6000, bits=False)
        put(d, BitsStored=12, HighBit=11)
    study.structures(made)
    study.check(notes={"existing-overlays": 7, "embedded-overlays": 7})

    study = new("image-other-patient")
    made = study.images()
    for d in made.images[:2]:
        put(d, PatientID="N")
    put(made.images[2], IssuerOfPatientID="HOSPITAL")
    study.structures(made)
    study.check(notes={"other-patient": 3})

    study = new("image-of-8-bits")
    made = study.images(rows=33, cols=31)
    for d in made.images:
        put(d, BitsAllocated=8, BitsStored=8, HighBit=7, PixelData=noise.bytes(33 * 31) + b"\0")
        d["PixelData"].VR = "OB"
    study.structures(made)
    study.check("  overlay_planes: both\n", notes={})

    study = new("image-color-inside")
    made = study.images()
    for d in made.images[3:5]:
        put(d, SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0, BitsAllocated=8, BitsStored=8,
            HighBit=7, PixelData=bytes(48 * 64 * 3))
    study.structures(made)
    study.check("  overlay_planes: both\n")

    study = new("image-localizer-inside")
    made = study.images()
    put(made.images[6], ImageOrientationPatient=["0", "1", "0", "0", "0", "-1"])
    study.structures(made).forget(made.images[6])
    study.check()

    study = new("image-without-place")
    made = study.images()
    put(made.images[6], ImagePositionPatient=None)
    study.structures(made).forget(made.images[6])
    study.check()

    study = new("image-other-matrix")
    made = study.images()
    s = study.structures(made)
    last = made.images[6]
    put(last, Rows=24, Columns=32, PixelSpacing=["3.0", "1.8"], PixelData=last.PixelData[:24 * 32 * 2])
    s.forget(last)
    s.paint(made, 6, star(made.cols * 0.4, made.rows * 0.5, 48 * 0.3, seed=6) / 2)
    study.check()

    study = new("image-private")
    made = study.images()
    for d in made.images:
        inner = Dataset()
        inner.add_new(0x00111001, "DS", "1.5")
        d.add_new(0x00090010, "LO", "VENDOR X")
        d.add_new(0x00091001, "LO", "private")
        d.add_new(0x00091002, "UN", b"abc")
        d.add_new(0x00110010, "LO", "VENDOR Y")
        d.add_new(0x00111010, "SQ", Sequence([inner]))
    study.structures(made)
    study.check()
    for d in next(iter(study.outputs().values())).values():
        study.r.check(d[0x0009, 0x1001].value == "private" and d[0x0011, 0x1010].value[0][0x0011, 0x1001].value == 1.5,
                      study.name, "private elements")


def compressed(new):
    """Pixel data that passes through untouched."""
    for name, command in (("rle", "dcmcrle"), ("jpeg-lossless", "dcmcjpeg +e1"), ("jpeg-fragments", "dcmcjpeg +e1 +fs 1"),
                          ("jpeg-ls", "dcmcjpls"), ("jpeg-2000", "gdcmconv --j2k")):
        command = command.split()
        if not shutil.which(command[0]):
            print("SKIP e2e/makes: %s: no %s" % (name, command[0]))
            continue
        study = new("pixels-" + name)
        made = study.images()
        s = study.structures(made)
        for d in made.images:
            put(d, BitsStored=12, HighBit=11)
        study.write()
        for path in glob.glob(study.folder + "/*"):
            d = pydicom.dcmread(path)
            if d.Modality == "CT":
                subprocess.run([*command, path, path + ".new"], check=True)
                os.replace(path + ".new", path)
        study.process("  overlay_planes: both\n")
        got = study.outputs()[s.d.SOPInstanceUID]
        study.r.check(len(got) == 7, study.name, len(got), "outputs")
        for path in glob.glob(study.folder + "/*"):
            d = pydicom.dcmread(path)
            if d.SOPInstanceUID in got:
                made.syntax = d.file_meta.TransferSyntaxUID
                study.compare(s, d, got[d.SOPInstanceUID])
        study.valid()


# ---- Odd structure sets ----

def names(new):
    for name, charset, roi in (("latin", "ISO_IR 100", "Rückenmark é"), ("utf-8", "ISO_IR 192", "脊髄 Δ/ß"),
                               ("japanese", ["", "ISO 2022 IR 87"], "脊髄 A"),
                               ("japanese-kana", ["ISO 2022 IR 13", "ISO 2022 IR 87"], "ｾｷ 脊髄"),
                               ("chinese", "GB18030", "脊髓"), ("korean", ["", "ISO 2022 IR 149"], "척수"),
                               ("path", "ISO_IR 192", "../../etc/PTV/1"), ("format", "ISO_IR 192", 'A%n%s{}"\'<x>')):
        study = new("name-" + name)
        made = study.images()
        s = StructureSet(study, made, charset=charset)
        s.roi(roi)
        for k in range(7):
            s.contour(made, k, star(30, 20, 10, seed=k))
        study.check("  overlay_planes: per_roi\n", notes={})
        for d in study.outputs()[s.d.SOPInstanceUID].values():
            study.r.check(d[0x6000, 0x1500].value == roi, study.name, "label", d[0x6000, 0x1500].value)
        with open(glob.glob(study.out + "/UID_*/report.json")[0], encoding="utf-8") as file:
            study.r.check(json.load(file)["structure_sets"][0]["rois"][0]["name"] == roi, study.name, "in the report")

    study = new("name-not-in-the-images-set")
    made = study.images()
    for d in made.images:
        put(d, SpecificCharacterSet="ISO_IR 100", PatientName="Müller^Ä")
    s = StructureSet(study, made, charset="ISO_IR 192")
    s.roi("腫瘍 é")
    for k in range(7):
        s.contour(made, k, star(30, 20, 10, seed=k))
    # 7 images, as many pictures, whose comment is the disclaimer, and a segmentation; the structure set has the letters
    study.check("  segmentation: per_roi\n  structure_set: relinked\n  debug: true\n  burn_in_text: 腫瘍\n"
                "feature_flags:\n  enable_segmentation_export: true\n", notes={"letters-lost": 15})
    for d in study.outputs()[s.d.SOPInstanceUID].values():
        study.r.check(d[0x6000, 0x1500].value == "?? é" and d.PatientName == "Müller^Ä", study.name, d[0x6000, 0x1500])

    study = new("name-filter")
    made = study.images()
    s = StructureSet(study, made)
    for roi, paint in (("Bone SKULL left", None), ("PTV_70", "or"), ("ptv_60", "or"), ("CTV", None)):
        s.roi(roi)
        s.contour(made, 1, star(30, 20, 10), paint=paint)
    study.check('  only_contour_names_matching: ["PTV*"]\n', notes={"ignored-by-name": 1, "not-selected": 1})


def rois(new):
    study = new("roi-odd")
    made = study.images()
    s = study.structures(made)
    s.roi("Empty", contours=False)
    s.roi("Empty sequence")
    s.roi("Not observed", observed=False)
    s.contour(made, 2, box(3, 3, 9.5, 9.5))
    s.roi(None)
    s.contour(made, 3, box(3, 3, 9.5, 9.5))
    s.roi("Organ A")
    s.contour(made, 5, box(3, 3, 9.5, 9.5))
    study.check(notes={"no-contours": 2, "no-observation": 1, "no-name": 1, "duplicate-name": 2})

    study = new("roi-numbers")
    made = study.images()
    s = StructureSet(study, made)
    for k, number in enumerate((-5, 2147483647, 0)):
        s.roi("number %d" % number, number=number)
        s.contour(made, k, star(30, 20, 10))
    s.d.ROIContourSequence = Sequence(reversed(list(s.d.ROIContourSequence)))
    study.check(notes={})

    study = new("roi-many")
    made = study.images()
    s = StructureSet(study, made)
    for i in range(1000):
        s.roi("R%d" % i)
        s.contour(made, i % 7, box(i % 60 + 0.5, i // 60 % 40 + 0.5, i % 60 + 3.5, i // 60 % 40 + 3.5))
    study.check(notes={})

    study = new("roi-other-frame")
    made = study.images()
    s = study.structures(made)
    s.roi("Elsewhere", frame=uid())
    s.contour(made, 3, box(1.5, 1.5, 9.5, 9.5))
    s.contour(made, 3, box(20.5, 1.5, 29.5, 9.5), names=None, paint=None)
    study.check(notes={"other-frame": 1, "frame-disagrees": 1})

    study = new("roi-without-frame")
    made = study.images()
    for d in made.images:
        put(d, FrameOfReferenceUID=None)
    study.structures(made)
    study.check()


def kinds(new):
    study = new("kind-each")
    made = study.images()
    s = StructureSet(study, made)
    s.roi("xor")
    for radius in (15, 7, 3):
        s.contour(made, 1, star(30, 20, radius, wobble=0.1), "CLOSEDPLANAR_XOR", paint="xor")
    s.roi("nested")
    for radius in (7, 15, 3):
        s.contour(made, 2, star(30, 20, radius, wobble=0.1), paint="xor")
    s.roi("open")
    s.contour(made, 3, [[5, 5]], "POINT", paint=None)
    s.contour(made, 3, star(30, 20, 10), "OPEN_PLANAR", paint=None)
    s.contour(made, 3, star(30, 20, 10), "OPEN_NONPLANAR", paint=None)
    s.contour(made, 4, [[5, 5], [9, 9]], paint=None)
    s.roi("interpolated")
    s.contour(made, 4, star(30, 20, 10), "INTERPOLATED_PLANAR")
    s.roi("overlap")
    s.contour(made, 5, box(3.5, 3.5, 20.5, 20.5))
    s.contour(made, 5, box(10.5, 10.5, 30.5, 30.5))
    s.roi("twice")
    s.contour(made, 6, box(3.5, 3.5, 20.5, 20.5))
    s.contour(made, 6, box(3.5, 3.5, 20.5, 20.5)[::-1])
    s.roi("first point again")
    s.contour(made, 0, np.r_[box(3.5, 3.5, 20.5, 20.5), box(3.5, 3.5, 20.5, 20.5)[:1]])
    study.check(notes={"no-area-type": 3, "too-few-points": 1, "interpolated": 1, "overlap": 1, "duplicate-contour": 1})

    study = new("kind-shapes")
    made = study.images()
    s = StructureSet(study, made)
    s.roi("shapes")
    s.contour(made, 0, [[1.3, 1.3], [20.3, 20.3], [10.3, 10.3]], paint=None)
    s.contour(made, 1, [[5.5, 5.5], [25.5, 25.5], [25.5, 5.5], [5.5, 25.5]])
    s.contour(made, 2, [[5.5, 5.5], [25.5, 5.5], [25.5, 25.5], [60.5, 25.5], [25.5, 25.5], [5.5, 25.5]])
    outer, inner = star(30, 24, 15, wobble=0), star(30, 24, 7, wobble=0)[::-1]
    s.contour(made, 3, np.r_[outer, outer[:1], inner[-1:], inner])
    study.check(notes={"degenerate": 1})

    study = new("kind-outside")
    made = study.images()
    s = StructureSet(study, made)
    s.roi("outside")
    s.contour(made, 0, box(-500, -500, 900, 900))
    s.contour(made, 1, box(-20.5, -20.5, 10.5, 10.5))
    s.contour(made, 2, box(100, 100, 120, 120), paint=None)
    s.contour(made, 3, np.array([[-1e5, -1e5], [1e5, 20.3], [-1e5, 1e5]]))
    s.contour(made, 4, box(-0.5, -0.5, 63.5, 47.5))
    study.check()
    study.r.check(study.notes()["outside-image"] == 1, study.name, study.notes())


def places(new):
    study = new("place-off")
    made = study.images()
    s = StructureSet(study, made)
    s.roi("off")
    s.contour(made, 0, star(30, 20, 10), off=0.3, names=None)
    s.contour(made, 1, star(30, 20, 10), off=1.4, names=None)
    s.contour(made, 3, star(30, 20, 10), off=1.6, names=None, paint=None)
    s.paint(made, 4, star(30, 20, 10))
    study.check(notes={"no-image-reference": 3, "off-plane-a-bit": 3})

    study = new("place-wrong-names")
    made = study.images()
    s = StructureSet(study, made)
    s.roi("names the wrong image")
    for k in range(7):
        s.contour(made, k, star(30, 20, 10, seed=k), names=6 - k)
    study.check(notes={"uid-disagrees": 6})

    study = new("place-between")
    made = study.images()
    s = StructureSet(study, made)
    s.roi("a contour each millimetre")
    for k in range(7):
        s.contour(made, k, star(30, 20, 10, seed=k), names=None)
        for off in (1.0, 2.0) if k < 6 else ():
            s.contour(made, k, star(30, 20, 10, seed=50 + k), names=None, off=off, paint=None)
    study.check(notes={"no-image-reference": 7, "not-nearest": 12})

    study = new("place-rounded")
    made = study.images(along=[2.489 * i for i in range(9)])
    s = StructureSet(study, made)
    s.roi("heights of one decimal")
    for k in range(9):
        height = made.positions[k][2]
        s.contour(made, k, star(30, 20, 10, seed=k), names=None, off=round(height, 1) - height)
    study.check(notes={"no-image-reference": 9})

    study = new("place-across")
    made = study.images()
    s = study.structures(made)
    s.roi("sagittal on axial images")
    s.contour(made, 0, [[1, 1]] * 4, names=None, paint=None, data=lambda _: "0\\0\\-20\\0\\10\\-20\\0\\10\\-5\\0\\0\\-5")
    study.check(notes={"not-planar": 1})


def numbers(new):
    for name, form, end in (("exponent", "%.9e", "\\"), ("exponent-sign", "%+.8E", "\\"), ("blanks", " %.4f ", "\\ "),
                            ("sign", "%+.4f", ""), ("long", "%.14f", "\\"), ("short", "%.5f", "")):
        study = new("number-" + name)
        made = study.images()
        s = StructureSet(study, made)
        s.roi("X")
        for k in range(7):
            s.contour(made, k, star(30, 20, 10, seed=k), data=lambda v, f=form, e=end: "\\".join(f % n for n in v) + e)
        study.check(notes={})

    study = new("number-none")
    made = study.images()
    s = study.structures(made)
    s.roi("bad")
    bad = ("nan\\inf\\0\\1\\2\\3\\4\\5\\6", "1e300\\1\\1\\2\\2\\2\\3\\3\\3", "1\\2\\3\\4", "abc",
           "1\\2\\\\4\\5\\6\\7\\8\\9", "0x10\\1\\1\\2\\2\\1\\3\\3\\1", "1,5\\2,5\\3\\4\\5\\6\\7\\8\\9",
           "99999999999999999999\\1\\1\\2\\2\\2\\3\\3\\3")
    for raw in bad:
        s.contour(made, 0, [[1, 1], [2, 2], [3, 1]], paint=None, data=lambda _, raw=raw: raw)
    study.check(notes={"bad-data": len(bad)})

    study = new("number-beyond-64-kib")
    made = study.images(rows=120, cols=150, along=(0, 3, 6))
    s = StructureSet(study, made, syntax=EXPLICIT)
    s.roi("long")
    for k in range(3):
        s.contour(made, k, star(70, 60, 50, points=1800, wobble=0.05, seed=k))  # written as UN
    study.check(notes={})


def encodings(new):
    for name, syntax in (("big-endian", BIG_ENDIAN), ("deflated", DEFLATED), ("explicit", EXPLICIT)):
        study = new("encoded-" + name)
        s = study.structures(study.images(), syntax=syntax)
        study.check(notes={})

    study = new("encoded-undefined-lengths")
    s = study.structures(study.images())
    inside = [s.d]
    while inside:
        for e in inside.pop():
            if e.VR == "SQ":
                e.is_undefined_length = True
                for item in e.value:
                    item.is_undefined_length_sequence_item = True
                    inside.append(item)
    study.check(notes={})

    study = new("encoded-bare")
    s = study.structures(study.images())
    study.write()
    for path in glob.glob(study.folder + "/*"):
        meta = pydicom.filereader.read_file_meta_info(path)
        with open(path, "rb") as file:
            bare = file.read()[144 + meta.FileMetaInformationGroupLength:]
        with open(path, "wb") as file:
            file.write(bare)
    study.process()
    got = study.outputs()[s.d.SOPInstanceUID]
    study.r.check(len(got) == 7, study.name, len(got), "outputs")
    for d in s.series.images:
        study.compare(s, d, got[d.SOPInstanceUID])


def main():
    r = Report("makes")
    wanted = tuple(sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="netrt-makes-") as work:
        phantom = os.path.join(work, "phantom")
        r.behaved(run("phantom", phantom, "--slices", "4", "--matrix", "64"), "phantom")
        template = pydicom.dcmread(sorted(glob.glob(phantom + "/ct/*"))[0])
        template.PatientName = "Makes^Other"

        def new(name):
            return Study(r, work, template, name)

        for group in (geometry, series, images, compressed, names, rois, kinds, places, numbers, encodings):
            if not wanted or group.__name__ in wanted:
                group(new)
    return r.end()


if __name__ == "__main__":
    sys.exit(main())
