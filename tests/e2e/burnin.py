#!/usr/bin/python3
"""The disclaimer in the pixels, through other people's eyes.

Small studies of every kind of pixels are processed with the burn-in on.  Of each output: samples outside of
the box that Derivation Description names are the source's (for compressed sources: what DCMTK or GDCM decodes),
inside there are two codes; DCMTK shows both at the image's window and at a wide one, far apart; dciodvfy finds no
error that the source lacks.  Then the other styles, corners, images that cannot be written into, and
de-identification.

    burnin.py [GROUP...]     all of them, or these: forms, encodings, compressed, styles, hidden, defaults
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

from harness import Report, run
from studies import BIG_ENDIAN, DEFLATED, EXPLICIT, IMPLICIT, MR, PET, Study, errors, noise, np, put, pydicom

TEXT = "FOR RESEARCH USE ONLY - NOT FOR CLINICAL USE"
OPEN = "anonymization: {enabled: false}\n"
ROWS, COLS = 120, 160


class Burned(Study):
    """A study of two images, rows x cols; form(d, k) gives each its pixels."""

    def __init__(self, r, work, template, name, form=None, **options):
        super().__init__(r, work, template, name)
        self.made = self.images(rows=options.pop("rows", ROWS), cols=options.pop("cols", COLS), along=(0, 3), **options)
        for d in self.made.images:
            if form is not None:
                form(d)
            for e in d:  # pydicom leaves these to its caller
                if e.VR in ("US or SS", "US or OW"):
                    e.VR = "OW" if e.VR == "US or OW" else "SS" if d.PixelRepresentation == 1 else "US"
        self.structures(self.made)

    def run(self, config=OPEN, code=0):
        path = self.folder + ".yaml"
        with open(path, "w", encoding="utf-8") as file:
            file.write(config)
        shutil.rmtree(self.out, ignore_errors=True)
        done = run("process", "-c", path, self.folder, "-o", self.out)
        self.r.behaved(done, self.name)
        self.r.check(done.code == code, self.name, "exit code", done.code, done.err[-600:])
        return done

    def pairs(self):
        """(path of the source, path of its output)."""
        sources = {}
        for path in glob.glob(self.folder + "/*"):
            sources[pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID] = path
        for path in sorted(glob.glob(self.out + "/UID_*/Addition/*.dcm")):
            d = pydicom.dcmread(path, stop_before_pixels=True)
            yield sources.get(d.SourceImageSequence[0].ReferencedSOPInstanceUID), path


def samples(d):
    """The pixels as stored: rows x cols x samples, cells of Bits Allocated."""
    kind = np.dtype("%su%d" % (">" if d.file_meta.TransferSyntaxUID == BIG_ENDIAN else "<", d.BitsAllocated // 8))
    data = d.PixelData
    if kind.itemsize == 1 and d.file_meta.TransferSyntaxUID == BIG_ENDIAN and d["PixelData"].VR == "OW":
        data = np.frombuffer(data, "<u2").byteswap().tobytes()
    flat = np.frombuffer(data, kind)[:d.Rows * d.Columns * d.SamplesPerPixel]
    if d.get("PlanarConfiguration", 0) == 1:
        return flat.reshape(d.SamplesPerPixel, d.Rows, d.Columns).transpose(1, 2, 0)
    return flat.reshape(d.Rows, d.Columns, d.SamplesPerPixel)


def box_of(d):
    found = re.search(r"outside of the text in columns (\d+)-(\d+), rows (\d+)-(\d+)", d.DerivationDescription)
    if not found:
        return None
    left, right, top, bottom = map(int, found.groups())
    return np.s_[top - 1:bottom, left - 1:right]


def shown(path, *window):
    """What DCMTK shows, as brightness."""
    with tempfile.NamedTemporaryFile(suffix=".pnm") as picture:
        done = subprocess.run(["dcm2pnm", "-O", *window, path, picture.name], capture_output=True)
        data = open(picture.name, "rb").read()
    if done.returncode != 0 or not data:
        return None
    head = re.match(rb"(P[56])\s+(?:#.*\s+)*(\d+)\s+(\d+)\s+255\s", data)
    cols, rows, depth = int(head[2]), int(head[3]), 3 if head[1] == b"P6" else 1
    return np.frombuffer(data[head.end():], np.uint8).reshape(rows, cols, depth).mean(axis=2)


def check_seen(r, name, path, box, windows):
    if not shutil.which("dcm2pnm"):
        return
    for window in windows:
        picture = shown(path, *window)
        if not r.check(picture is not None, name, "dcm2pnm", window):
            continue
        part = picture[box]
        edge = part[0, 0]  # the border is dark
        letters = part[np.abs(part - edge) > 1]
        r.check(letters.size > 50 and letters.max() - edge > 75, name, window, "the text is not to be seen",
                edge, letters.max() if letters.size else None)


def check_pixels(r, name, before, after, near=0):
    box = box_of(after)
    if not r.check(box is not None, name, after.DerivationDescription):
        return None
    a, b = samples(before), samples(after)
    if not r.check(a.shape == b.shape and a.dtype.itemsize == b.dtype.itemsize, name, a.shape, b.shape):
        return None
    changed = np.abs(a.astype(np.int64) - b.astype(np.int64)) > near
    changed[box] = False
    r.check(not changed.any(), name, changed.sum(), "samples outside of the box changed")
    codes = {tuple(c) for c in b[box].reshape(-1, b.shape[2])}
    r.check(len(codes) == 2, name, len(codes), "codes in the box")
    share = b[box].shape[0] * b[box].shape[1] / (b.shape[0] * b.shape[1])
    r.check(share < (0.12 if min(b.shape[:2]) > 80 else 0.3), name, "the box is", share, "of the image")
    return box


def check_study(study, windows=(("+Wm",),), near=0, reference=None, syntax=None):
    r, seen = study.r, 0
    for source, output in study.pairs():
        before, after = pydicom.dcmread(source), pydicom.dcmread(output)
        seen += 1
        if reference is not None:
            subprocess.run([*reference, source, source + ".open"], check=True, capture_output=True)
            before = pydicom.dcmread(source + ".open")
        box = check_pixels(r, study.name, before, after, near)
        r.check(after.file_meta.TransferSyntaxUID == (syntax or before.file_meta.TransferSyntaxUID), study.name,
                "transfer syntax", after.file_meta.TransferSyntaxUID)
        r.check(after.get("BurnedInAnnotation") == before.get("BurnedInAnnotation"), study.name, "Burned In Annotation")
        if "SmallestImagePixelValue" in before:
            values = after.pixel_array.ravel()
            values = values[values != after.PixelPaddingValue] if "PixelPaddingValue" in after else values
            r.check((after.SmallestImagePixelValue, after.LargestImagePixelValue) == (values.min(), values.max()),
                    study.name, "smallest and largest", after.SmallestImagePixelValue, after.LargestImagePixelValue)
        if seen == 1 and box is not None:
            check_seen(r, study.name, output, box, windows)
            if shutil.which("dciodvfy"):
                new = errors(output) - errors(source)
                r.check(not new, study.name, "dciodvfy:", list(new))
        if reference is not None:
            os.remove(source + ".open")
    r.check(seen == 2, study.name, seen, "outputs")


# ---- forms ----

def grey(bits, stored=None, signed=False, kind="MONOCHROME2", low=None, high=None, **more):
    stored = stored or bits

    def form(d):
        least, most = (-(1 << stored - 1), (1 << stored - 1) - 1) if signed else (0, (1 << stored) - 1)
        values = noise.integers(least if low is None else low, (most if high is None else high) + 1, d.Rows * d.Columns)
        put(d, BitsAllocated=bits, BitsStored=stored, HighBit=stored - 1, PixelRepresentation=int(signed),
            PhotometricInterpretation=kind, PixelData=values.astype("<i%d" % (bits // 8)).tobytes(), **more)
        if bits == 8:
            d["PixelData"].VR = "OB"
    return form


def color(planar=0, kind="RGB"):
    def form(d):
        put(d, SamplesPerPixel=3, PhotometricInterpretation=kind, PlanarConfiguration=planar, BitsAllocated=8, BitsStored=8,
            HighBit=7, PixelRepresentation=0, RescaleSlope=None, RescaleIntercept=None, WindowCenter=None, WindowWidth=None,
            PixelData=noise.bytes(d.Rows * d.Columns * 3))
        d["PixelData"].VR = "OB"
    return form


def palette(d):
    grey(8, kind="PALETTE COLOR")(d)
    ramp = np.linspace(0, 65535, 256).astype("<u2")
    for name, table in (("Red", ramp), ("Green", ramp), ("Blue", ramp[::-1])):
        setattr(d, name + "PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(d, name + "PaletteColorLookupTableData", table.tobytes())
    put(d, RescaleSlope=None, RescaleIntercept=None, WindowCenter=None, WindowWidth=None)


SOFT = {"WindowCenter": "40", "WindowWidth": "400", "RescaleIntercept": "-1024", "RescaleSlope": "1"}
CTS = (("+Wi", "1"), ("+Ww", "1000", "4000"), ("+Ww", "-600", "1500"))
FORMS = {
    "ct": (grey(16, 12, low=0, high=2500, **SOFT), CTS),
    "ct-extremes": (grey(16, 12, low=100, high=2500, SmallestImagePixelValue=100, LargestImagePixelValue=2500, **SOFT), CTS),
    "ct-signed": (grey(16, signed=True, low=-1024, high=2000, **{**SOFT, "RescaleIntercept": "0"}), CTS),
    "ct-padding": (grey(16, signed=True, low=-2000, high=2000, PixelPaddingValue=-2000, **{**SOFT, "RescaleIntercept": "0"}), CTS),
    "mr": (grey(16, 12, low=5, high=900, WindowCenter="200", WindowWidth="300", RescaleIntercept=None, RescaleSlope=None,
                SmallestImagePixelValue=5, LargestImagePixelValue=900), (("+Wi", "1"), ("+Wm",))),
    "mr-no-window": (grey(16, low=5, high=900, WindowCenter=None, WindowWidth=None, RescaleIntercept=None, RescaleSlope=None),
                     (("+Wm",), ("+Wh", "5"))),
    "pet": (grey(16, signed=True, low=0, high=32767, RescaleIntercept="0", RescaleSlope="0.37", WindowCenter="3000",
                 WindowWidth="6000"), (("+Wi", "1"), ("+Wm",))),
    "monochrome1": (grey(16, 12, kind="MONOCHROME1", low=0, high=2500, **SOFT), CTS),
    "full-range": (grey(16, signed=True, **{**SOFT, "RescaleIntercept": "0"}), (("+Wi", "1"), ("+Wm",))),
    "8-bit": (grey(8, WindowCenter="128", WindowWidth="256", RescaleIntercept="0"), (("+Wi", "1"), ("+Wm",))),
    "rgb": (color(), ((),)),
    "rgb-planar": (color(1), ((),)),
    "ybr": (color(0, "YBR_FULL"), ((),)),
    "palette": (palette, ((),)),
}


def forms(new):
    for name, (form, windows) in FORMS.items():
        other = {"mr": dict(sop_class=MR, modality="MR"), "mr-no-window": dict(sop_class=MR, modality="MR"),
                 "pet": dict(sop_class=PET, modality="PT")}.get(name, {})
        study = new("form-" + name, form, **other)
        study.write()
        study.run()
        check_study(study, windows)
    for rows, cols in ((64, 64), (65, 63), (700, 90), (90, 700), (1024, 1024)):
        study = new("size-%d-%d" % (cols, rows), FORMS["ct"][0], rows=rows, cols=cols)
        study.write()
        study.run()
        check_study(study, CTS[:1])


def encodings(new):
    for word, syntax in (("explicit", EXPLICIT), ("implicit", IMPLICIT), ("big", BIG_ENDIAN), ("deflated", DEFLATED)):
        for name in ("ct", "8-bit", "rgb"):
            study = new("encoding-%s-%s" % (name, word), FORMS[name][0], syntax=syntax)
            if syntax == BIG_ENDIAN:
                for d in study.made.images:
                    if d.BitsAllocated == 16:
                        d.PixelData = np.frombuffer(d.PixelData, "<u2").byteswap().tobytes()
            study.write()
            study.run()
            check_study(study, FORMS[name][1][:1])


# ---- compressed ----

def tell_loss(path, own):
    """Not every encoder says that it lost something: netrt finds out, unless the object says it (own: value, ratio, method)."""
    d = pydicom.dcmread(path)
    for word in ("", "Ratio", "Method"):
        if "LossyImageCompression" + word in d:
            del d["LossyImageCompression" + word]
    for word, value in zip(("", "Ratio", "Method"), own):
        setattr(d, "LossyImageCompression" + word, value)
    d.save_as(path)


def compressed(new):
    """(name, form, encoder, decoder to compare with, how far apart samples may be, how the stream says that it lost something:
    PS3.3 C.7.6.1.1.5.1; what its object says of that, ...)"""
    gdcm, djpeg, djpls, drle = ["gdcmconv", "--raw"], ["dcmdjpeg"], ["dcmdjpls"], ["dcmdrle"]
    rows = [
        ("rle", "ct", "dcmcrle", drle, 0, None), ("rle-signed", "ct-signed", "dcmcrle", drle, 0, None),
        ("rle-8", "8-bit", "dcmcrle", drle, 0, None), ("rle-rgb", "rgb", "dcmcrle", drle, 0, None),
        ("jpeg-14-sv1", "ct", "dcmcjpeg +e1", djpeg, 0, None), ("jpeg-14", "ct", "dcmcjpeg +el +sv 6", djpeg, 0, None),
        ("jpeg-14-signed", "ct-signed", "dcmcjpeg +e1", djpeg, 0, None), ("jpeg-14-rgb", "rgb", "dcmcjpeg +e1", djpeg, 0, None),
        ("jpeg-fragments", "ct", "dcmcjpeg +e1 +fs 1", djpeg, 0, None),
        ("jpeg-baseline", "8-bit", "dcmcjpeg +eb", djpeg, 0, "ISO_10918_1"), ("jpeg-extended", "ct", "dcmcjpeg +ee", djpeg, 0, "ISO_10918_1"),
        ("jpeg-baseline-rgb", "rgb", "dcmcjpeg +eb +cy", [*djpeg, "+cl"], 3, "ISO_10918_1"),
        ("jpeg-ls", "ct", "dcmcjpls", djpls, 0, None), ("jpeg-ls-signed", "ct-signed", "dcmcjpls", djpls, 0, None),
        ("jpeg-ls-near", "ct", "dcmcjpls +en +md 3", djpls, 0, "ISO_14495_1"), ("jpeg-ls-rgb", "rgb", "dcmcjpls", djpls, 0, None),
        ("jpeg-2000", "ct", "gdcmconv --j2k", gdcm, 0, None), ("jpeg-2000-signed", "ct-signed", "gdcmconv --j2k", gdcm, 0, None),
        ("jpeg-2000-rgb", "rgb", "gdcmconv --j2k", gdcm, 0, None),
        ("jpeg-2000-lossy", "ct", "gdcmconv --j2k --lossy --irreversible -r 5", gdcm, 0, "ISO_15444_1"),
        ("jpeg-2000-lossy-00", "ct", "gdcmconv --j2k --lossy --irreversible -r 5", gdcm, 0, "ISO_15444_1", "00"),
        # the reversible wavelet, cut: only its object can say so
        ("jpeg-2000-cut", "ct", "gdcmconv --j2k --lossy -r 8", gdcm, 0, None),
        ("jpeg-2000-cut-01", "ct", "gdcmconv --j2k --lossy -r 8", gdcm, 0, None, "01", "8", "ISO_15444_1"),
        ("jpeg-2000-cut-00", "ct", "gdcmconv --j2k --lossy -r 8", gdcm, 0, None, "00"),
    ]
    for name, form, encoder, decoder, near, method, *own in rows:
        encoder = encoder.split()
        if not shutil.which(encoder[0]) or not shutil.which(decoder[0]):
            print("SKIP e2e/burnin: %s: no %s" % (name, encoder[0]))
            continue
        study = new("compressed-" + name, FORMS[form][0])
        study.write()
        for path in glob.glob(study.folder + "/*"):
            if pydicom.dcmread(path, stop_before_pixels=True).Modality == "CT":
                done = subprocess.run([*encoder, path, path + ".new"], capture_output=True)
                if study.r.check(done.returncode == 0, name, encoder, done.stderr[-300:]):
                    os.replace(path + ".new", path)
                    tell_loss(path, own)
        # encoders change UIDs of what they lost something of: the images are found by their place then
        study.run()
        check_study(study, FORMS[form][1][:1], near, decoder, EXPLICIT)
        notes = study.notes()
        study.r.check(notes.get("decompressed") == 2, study.name, "notes", notes)
        for source, output in study.pairs():
            d = pydicom.dcmread(output, stop_before_pixels=True)
            said = tuple(d.get("LossyImageCompression" + word) for word in ("", "Method"))
            kept = ((own + [None, None, None])[0], (own + [None, None, None])[2])
            study.r.check(said == (("01", method) if method else kept), study.name, "lossy", said)
            ratio = len(pydicom.dcmread(output).PixelData) / len(pydicom.dcmread(source).PixelData)
            study.r.check(not method or abs(float(d.LossyImageCompressionRatio) / ratio - 1) < 0.02, study.name, "ratio", ratio)
            study.r.check(d.PhotometricInterpretation in ("MONOCHROME2", "RGB"), study.name, d.PhotometricInterpretation)


# ---- other styles ----

def styles(new):
    for corner in ("bottom_right", "bottom_left", "top_right", "top_left"):
        study = new("corner-" + corner, FORMS["ct"][0])
        study.write()
        study.run(OPEN + "processing: {burn_in_position: %s, burn_in_text: 'Größe: Łódź'}\n" % corner)
        check_study(study, CTS[:1])
        for _, output in study.pairs():
            rows, cols = box_of(pydicom.dcmread(output, stop_before_pixels=True))
            study.r.check((rows.start > ROWS / 2) == ("bottom" in corner) and (cols.start > COLS / 2 - 20) == ("right" in corner),
                          study.name, rows, cols)

    study = new("style-overlay", FORMS["ct"][0])
    study.write()
    study.run(OPEN + "processing: {burn_in_style: overlay}\n")
    check_plane(study, {})

    study = new("style-cut", FORMS["ct"][0])  # more than the image has room for
    study.write()
    study.run(OPEN + "processing: {burn_in_text: '%s'}\n" % ("not for treatment " * 50))
    study.r.check(study.notes().get("disclaimer-cut") == 2, study.name, "notes", study.notes())

    study = new("style-off", FORMS["ct"][0])
    study.write()
    study.run(OPEN + "processing: {add_burn_in_disclaimer: false}\n")
    for source, output in study.pairs():
        a, b = pydicom.dcmread(source), pydicom.dcmread(output)
        study.r.check(a.PixelData == b.PixelData and (0x6002, 0x10) not in b, study.name, "something is there")

    # what is no stream of its transfer syntax, and pixels that are too few
    for name in ("garbled", "short"):
        study = new("undecodable-" + name, FORMS["ct"][0])
        study.write()
        for path in glob.glob(study.folder + "/*"):
            d = pydicom.dcmread(path)
            if d.Modality == "CT" and name == "short":
                put(d, PixelData=d.PixelData[:-20]).save_as(path)
            elif d.Modality == "CT":
                subprocess.run(["dcmcjpeg", "+e1", path, path], check=True)
                with open(path, "rb") as file:
                    data = file.read()
                with open(path, "wb") as file:
                    file.write(data.replace(b"1.2.840.10008.1.2.4.70", b"1.2.840.10008.1.2.4.92", 1))
        done = study.run()
        study.r.check(b"disclaimer" in done.err, study.name, "no warning:", done.err)
        check_plane(study, {"not-burned-in": 2})
        done = study.run(OPEN + "processing: {burn_in_undecodable: quarantine}\n", code=65)
        study.r.check(not glob.glob(study.out + "/UID_*"), study.name, "an output in spite of it")


def check_plane(study, notes):
    for source, output in study.pairs():
        a, b = pydicom.dcmread(source), pydicom.dcmread(output)
        study.r.check(a.PixelData == b.PixelData, study.name, "pixels changed")
        study.r.check(a.file_meta.TransferSyntaxUID == b.file_meta.TransferSyntaxUID, study.name, "transfer syntax")
        plane = b.overlay_array(0x6002)
        study.r.check(b[0x6002, 0x40].value == "G" and b[0x6002, 0x22].value == TEXT, study.name, b[0x6002, 0x22])
        study.r.check(100 < plane.sum() < plane.size / 20 and plane[:ROWS // 2].sum() == 0, study.name, "letters", plane.sum())
    found = {k: v for k, v in study.notes().items() if k in ("not-burned-in", "decompressed", "disclaimer-cut")}
    study.r.check(found == notes, study.name, found)


# ---- with de-identification ----

def hidden(new):
    for name, syntax, encoder in (("open", EXPLICIT, None), ("implicit", IMPLICIT, None), ("rle", EXPLICIT, "dcmcrle")):
        study = new("hidden-" + name, FORMS["ct"][0], syntax=syntax)
        for d in study.made.images:
            put(d, PatientName="Geheim^Gisela", PatientID="ID-4711")
        study.write()
        if encoder is not None:
            for path in glob.glob(study.folder + "/*"):
                if pydicom.dcmread(path, stop_before_pixels=True).Modality == "CT":
                    subprocess.run([encoder, path, path], check=True)
        key = study.folder + ".key"
        run("keygen", key)
        study.run("anonymization: {profile: research, pseudonyms: keyed, key_file: %s}\n" % key)
        sources = {}
        for path in glob.glob(study.folder + "/*"):
            d = pydicom.dcmread(path)
            if d.Modality == "CT":
                if encoder is not None:
                    subprocess.run(["dcmdrle", path, path + ".open"], check=True)
                    d = pydicom.dcmread(path + ".open")
                sources[tuple(d.ImagePositionPatient)] = d
        outputs = sorted(glob.glob(study.out + "/UID_*/Addition/*.dcm"))
        study.r.check(len(outputs) == 2, study.name, len(outputs), "outputs")
        for path in outputs:
            data = open(path, "rb").read()
            study.r.check(b"Geheim" not in data and b"ID-4711" not in data, study.name, "the patient is in it")
            d = pydicom.dcmread(path)
            check_pixels(study.r, study.name, sources[tuple(d.ImagePositionPatient)], d)
            study.r.check(d.get("BurnedInAnnotation") != "NO", study.name, "says NO of pixels that nobody looked at")


def defaults(new):
    """Nothing but the de-identification that NETRT's defaults want is configured."""
    study = new("defaults", FORMS["ct"][0])
    study.write()
    mapping = study.folder + ".json"
    study.run("anonymization: {pid_mapping_file: %s}\n" % mapping)
    outputs = glob.glob(study.out + "/UID_*/Addition/*.dcm")
    study.r.check(len(outputs) == 2, "defaults", len(outputs), "outputs")
    for path in outputs:
        study.r.check(box_of(pydicom.dcmread(path, stop_before_pixels=True)) is not None, "defaults: no disclaimer")


GROUPS = {f.__name__: f for f in (forms, encodings, compressed, styles, hidden, defaults)}


def main():
    r = Report("burnin")
    work = tempfile.mkdtemp(prefix="netrt-burnin-")
    run("phantom", work + "/phantom", "--slices", "4", "--matrix", "64")
    template = pydicom.dcmread(sorted(glob.glob(work + "/phantom/ct/*"))[0])
    for name in sys.argv[1:] or GROUPS:
        GROUPS[name](lambda study, form=None, **options: Burned(r, work, template, study, form, **options))
    if os.environ.get("KEEP"):
        print("kept", work)
    else:
        shutil.rmtree(work)
    return r.end()


if __name__ == "__main__":
    sys.exit(main())
