#!/usr/bin/python3
"""Every object that netrt writes, through other people's eyes.

For each study of the shared data (its structure sets in turn with its images) and a small phantom,
`netrt process` is run and every output image is compared with its source: the same pixel data and
transfer syntax; no error of dciodvfy that the source lacks; dcmftest, dcmdump and GDCM read it; and
the overlay has the same bits for pydicom, for GDCM, for DCMTK's rendering, and for an unpacking
done here.  Named pairs can be checked by hand: overlay.py SOURCE OUTPUT.
"""
import collections
import hashlib
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

from harness import DATA, Report, run, skip

try:
    import numpy as np
    import pydicom
except ImportError:
    skip("overlay", "no pydicom or numpy")
try:
    import gdcm

    gdcm.Trace.WarningOff()
except ImportError:
    gdcm = None

PIXELS = 0x7FE00010
CONFIG = """anonymization:
  enabled: false
processing:
  add_burn_in_disclaimer: false
  overlay_planes: both
"""
# Peers are slow to start; the first, the last and some images of each series are shown to them.
PER_SERIES = int(os.environ.get("NETRT_E2E_IMAGES", "5"))


def tool(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def have(name):
    return shutil.which(name) is not None


def dciodvfy_errors(path):
    """Error lines with what names an instance taken out; how often each."""
    text = tool("dciodvfy", path).stdout.decode("latin-1")
    lines = [re.sub(r"<[^>]*>", "<>", line) for line in text.splitlines() if line.startswith("Error")]
    return collections.Counter(lines)


def check_valid(r, source, output):
    if not have("dciodvfy"):
        return
    new = dciodvfy_errors(output) - dciodvfy_errors(source)
    r.check(not new, output, "dciodvfy:", list(new))


def raw_pixels(d):
    return d[PIXELS].value if PIXELS in d else None


def check_same_image(r, output, a, b):
    pixels = [hashlib.md5(raw_pixels(d) or b"").hexdigest() for d in (a, b)]
    r.check(pixels[0] == pixels[1], output, "pixel data differ")
    same_encoding = a.file_meta.get("TransferSyntaxUID") == b.file_meta.TransferSyntaxUID
    r.check("TransferSyntaxUID" not in a.file_meta or same_encoding, output, "transfer syntax differs")
    for name in ("SOPClassUID", "StudyInstanceUID", "FrameOfReferenceUID", "InstanceNumber", "PatientID",
                 "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "AcquisitionDate",
                 "StudyDate", "RescaleSlope", "RescaleIntercept", "LossyImageCompression"):
        r.check(a.get(name) == b.get(name), output, name, "differs")
    for name in ("SOPInstanceUID", "SeriesInstanceUID"):
        r.check(a.get(name) != b.get(name), output, name, "is the source's")
        r.check(b.get(name, "").startswith("2.25."), output, name, b.get(name))
    r.check(b.file_meta.MediaStorageSOPInstanceUID == b.SOPInstanceUID, output, "meta information")
    r.check(b.ImageType[0] == "DERIVED" and list(b.ImageType[2:]) == list(a.get("ImageType", []))[2:],
            output, "Image Type", b.ImageType)
    r.check(len(b.SourceImageSequence) == 1, output, "Source Image Sequence")
    r.check(b.SourceImageSequence[0].ReferencedSOPInstanceUID == a.SOPInstanceUID, output, "source")
    structure_set = b.SourceInstanceSequence[-1]
    r.check(structure_set.ReferencedSOPClassUID == "1.2.840.10008.5.1.4.1.1.481.3", output, "structure set")
    r.check(b.ContributingEquipmentSequence[-1].Manufacturer == "netrt", output, "equipment")
    if b.get("Modality") == "PT":
        r.check((a.get("SeriesDate"), a.get("SeriesTime")) == (b.get("SeriesDate"), b.get("SeriesTime")),
                output, "the time that a PET image counts from has changed")


def kept_elements(r, output, a, b):
    """Every other element of the source is in the output as it was."""
    ours = {0x00080008, 0x00080012, 0x00080013, 0x00080014, 0x00080018, 0x00080021, 0x00080023, 0x00080031,
            0x00080033, 0x0008103E, 0x00082111, 0x00082112, 0x0018A001, 0x0020000E, 0x00200010, 0x00200011,
            0x00420013, 0x4FFE0001, 0xFFFAFFFA}
    for e in a:
        if e.tag in ours or e.tag.element == 0:
            continue
        r.check(e.tag in b and b[e.tag] == e, output, e.tag, "is not as it was")
    for e in b:
        r.check(e.tag in a or e.tag in ours or 0x6000 <= e.tag.group <= 0x601E, output, e.tag, "is new")


def groups_of(d):
    return sorted({e.tag.group for e in d.group_dataset(0x6000)} | {
        g for g in range(0x6000, 0x6020, 2) if (g, 0x3000) in d})


def unpacked(d, group):
    """PS3.5 8.1.2 by the letter: bit i of the stream, least significant first, is pixel i."""
    data, rows, cols = d[group, 0x3000].value, d[group, 0x10].value, d[group, 0x11].value
    if not d.is_little_endian:
        data = struct.pack("<%dH" % (len(data) // 2), *struct.unpack(">%dH" % (len(data) // 2), data))
    bits = [data[i // 8] >> i % 8 & 1 for i in range(rows * cols)]
    rest = [data[i // 8] >> i % 8 & 1 for i in range(rows * cols, len(data) * 8)]
    return np.array(bits, dtype=np.uint8).reshape(rows, cols), not any(rest) and len(data) % 2 == 0


def check_plane(r, output, d, group):
    mask, padded = unpacked(d, group)
    what = (output, "group %04X:" % group)
    r.check(padded, *what, "padding is not zero, or the length is odd")
    r.check(d[group, 0x3000].VR == "OW", *what, "VR")
    r.check(mask.shape == (d.Rows, d.Columns), *what, "shape", mask.shape)
    r.check(d[group, 0x40].value == "R" and list(d[group, 0x50].value) == [1, 1], *what, "type or origin")
    r.check(int(d[group, 0x1301].value) == mask.sum(), *what, "area", d[group, 0x1301].value, mask.sum())
    r.check((group, 0x15) not in d and (group, 0x51) not in d, *what, "frames")
    r.check(d[group, 0x100].value == 1 and d[group, 0x102].value == 0, *what, "bits")
    for element in (0x22, 0x1500):
        if (group, element) in d:
            text = d[group, element].value
            r.check(isinstance(text, str) and "\\" not in text, *what, text)
            r.check(len(text.encode()) <= 64, *what, "long text", text)
    if d.is_little_endian:  # pydicom does not swap the words of OW
        r.check((d.overlay_array(group) == mask).all(), *what, "pydicom unpacks other bits")
    if (group, 0x1302) in d and mask.any():
        check_statistics(r, what, d, group, mask)
    return mask


def check_statistics(r, what, d, group, mask):
    try:
        values = d.pixel_array[mask == 1].astype(np.float64)
    except Exception:  # a syntax that numpy alone cannot decode
        return
    values = values * float(d.get("RescaleSlope", 1)) + float(d.get("RescaleIntercept", 0))
    scale = 1e-6 * (abs(values).max() + 1)
    r.check(abs(float(d[group, 0x1302].value) - values.mean()) <= scale, *what, "mean",
            d[group, 0x1302].value, values.mean())
    r.check(abs(float(d[group, 0x1303].value) - values.std()) <= scale, *what, "deviation",
            d[group, 0x1303].value, values.std())


def grey_picture(path):
    """The pixels of a binary PGM; None for another kind."""
    with open(path, "rb") as f:
        found = re.match(rb"P5\s+(?:#.*\s+)*(\d+)\s+(\d+)\s+(\d+)\s(.*)", f.read(), re.S)
    if found is None:
        return None
    cols, rows, _, rest = found.groups()
    return np.frombuffer(rest, dtype=np.uint8, count=int(cols) * int(rows)).reshape(int(rows), int(cols))


def check_dcmtk(r, source, output, masks, folder):
    """dcm2pnm draws overlay n of a black image white: what it draws is the mask."""
    if have("dcmftest"):
        r.check(tool("dcmftest", output).stdout.startswith(b"yes"), output, "dcmftest")
    if have("dcmdump"):
        for word in (b"E: ", b"F: "):
            r.check(word not in tool("dcmdump", output).stdout, output, "dcmdump complains")
    picture = os.path.join(folder, "drawn.pgm")
    for name in ("dcm2pnm", "dcmj2pnm"):
        if not have(name) or tool(name, "+op", source, picture).returncode != 0:
            continue  # a compression that this tool has not
        for index, mask in enumerate(masks):
            done = tool(name, "+Ww", "1e9", "1", "+O", str(index + 1), "+Omr", "+op", output, picture)
            if not r.check(done.returncode == 0, output, name, done.stdout[:300]):
                break
            drawn = grey_picture(picture)
            if drawn is not None:
                r.check(((drawn > 127) == (mask == 1)).all(), output, name, "draws another mask", index + 1)


def check_gdcm(r, source, output, masks):
    if gdcm is None:
        return
    image = None
    for path in (source, output):
        reader = gdcm.ImageReader()
        reader.SetFileName(path)
        if not reader.Read():
            r.check(path == source, output, "GDCM does not read it")
            return
        image = reader.GetImage()
    r.check(image.GetNumberOfOverlays() == len(masks), output, "GDCM overlays", image.GetNumberOfOverlays())
    for index in range(min(image.GetNumberOfOverlays(), len(masks))):
        overlay = image.GetOverlay(index)
        r.check((overlay.GetRows(), overlay.GetColumns()) == masks[index].shape, output, "GDCM overlay size")


def check_object(r, source, output, folder):
    a, b = (pydicom.dcmread(p, force=True) for p in (source, output))
    check_same_image(r, output, a, b)
    kept_elements(r, output, a, b)
    had, has = groups_of(a), groups_of(b)
    r.check(len(has) > len(had), output, "no plane of ours", has)
    new = [g for g in has if g not in had]
    r.check(not new or new[0] == min(set(range(0x6000, 0x6020, 2)) - set(had)), output, "groups", has)
    masks = {g: check_plane(r, output, b, g) for g in new}
    check_valid(r, source, output)
    if not had:
        check_dcmtk(r, source, output, [masks[g] for g in has], folder)
        check_gdcm(r, source, output, [masks[g] for g in has])
    return sum(int(m.sum()) for m in masks.values())


def check_series(r, name, images, written, folder):
    """`images`: SOP Instance UID -> path of every image of the study."""
    areas, of_source = 0, {}
    for output in written:
        d = pydicom.dcmread(output, stop_before_pixels=True)
        source = d.SourceImageSequence[0].ReferencedSOPInstanceUID
        r.check(source not in of_source, output, "a second image of", source)
        r.check(os.path.basename(output) == "OVERLAY-%s.dcm" % source, output, "its name")
        if r.check(source in images, output, "of no image that was given"):
            of_source[source] = output
    uids = sorted(of_source)
    shown = set(uids[:: max(1, len(uids) // PER_SERIES)] + uids[-1:])
    for uid in uids:
        if uid in shown:
            areas += check_object(r, images[uid], of_source[uid], folder)
        else:
            a, b = pydicom.dcmread(images[uid], force=True), pydicom.dcmread(of_source[uid])
            check_same_image(r, of_source[uid], a, b)
            for group in [g for g in groups_of(b) if g not in groups_of(a)]:
                areas += int(b[group, 0x1301].value)
    print("%s: %d images, %d marked pixels" % (name, len(uids), areas))
    return areas


def images_in(folder):
    found = {}
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            d = pydicom.dcmread(path, stop_before_pixels=True, force=True)
            if "Rows" in d and "SOPInstanceUID" in d:
                found[d.SOPInstanceUID] = path
    return found


def check_study(r, name, folder, structure_sets, config, may_fail=False):
    """Each structure set on its own with the images: OUTPUT's names say nothing of the set."""
    with tempfile.TemporaryDirectory() as work:
        for structure_set in structure_sets or [None]:
            out = os.path.join(work, "out-%s" % os.path.basename(structure_set or "study"))
            inputs = [folder] if structure_set is None else [os.path.join(folder, "images"), structure_set]
            done = run("process", "-c", config, *inputs, "-o", out, timeout=300)
            r.behaved(done, name)
            written = [os.path.join(root, f) for root, _, names in os.walk(out) for f in names if f.endswith(".dcm")]
            if done.code != 0:
                r.check(done.code == 65 and may_fail and not written, name, "exit code", done.code, done.err[-500:])
                print("%s with %s: not usable: %s" % (name, structure_set, done.err.decode().strip()[-200:]))
                continue
            images = images_in(folder)
            r.check(written, name, "nothing written")
            marked = check_series(r, name, images, written, work)
            r.check(marked > 0, name, "nothing marked")


def structure_set_for(d, path):
    """One square contour on one image, well inside it."""
    def item(**values):
        made = pydicom.dataset.Dataset()
        for keyword, value in values.items():
            setattr(made, keyword, value)
        return made

    position = [float(v) for v in d.ImagePositionPatient]
    along, down = ([float(v) for v in d.ImageOrientationPatient[i : i + 3]] for i in (0, 3))
    points = []
    for col, row in ((0.25, 0.25), (0.7, 0.25), (0.7, 0.6), (0.25, 0.6)):
        x = round(col * d.Columns) * float(d.PixelSpacing[1])
        y = round(row * d.Rows) * float(d.PixelSpacing[0])
        points += ["%.6g" % (p + x * a + y * b) for p, a, b in zip(position, along, down)]
    frame = d.get("FrameOfReferenceUID", "1.2.3.4")
    s = item(SOPClassUID="1.2.840.10008.5.1.4.1.1.481.3", SOPInstanceUID="1.2.3.4.5", Modality="RTSTRUCT",
             StudyInstanceUID=d.StudyInstanceUID, SeriesInstanceUID="1.2.3.4.6", FrameOfReferenceUID=frame,
             StructureSetLabel="MADE", SpecificCharacterSet="ISO_IR 192")
    s.StructureSetROISequence = [item(ROINumber=1, ReferencedFrameOfReferenceUID=frame, ROIName="K\u00f6rper")]
    s.RTROIObservationsSequence = [item(ObservationNumber=1, ReferencedROINumber=1, RTROIInterpretedType="")]
    reference = item(ReferencedSOPClassUID=d.SOPClassUID, ReferencedSOPInstanceUID=d.SOPInstanceUID)
    contour = item(ContourGeometricType="CLOSED_PLANAR", NumberOfContourPoints=4, ContourData=points)
    contour.ContourImageSequence = [reference]
    s.ROIContourSequence = [item(ReferencedROINumber=1, ContourSequence=[contour])]
    s.is_little_endian, s.is_implicit_VR = True, False
    pydicom.dataset.FileDataset(path, s, is_implicit_VR=False).save_as(path, write_like_original=True)
    return s


def check_odd(r, config):
    """Single images in every transfer syntax and with overlays of their own."""
    for name in sorted(os.listdir(os.path.join(DATA, "odd"))):
        d = pydicom.dcmread(os.path.join(DATA, "odd", name), force=True, stop_before_pixels=True)
        needed = ("SOPInstanceUID", "StudyInstanceUID", "Rows", "PixelSpacing", "ImagePositionPatient",
                  "ImageOrientationPatient")
        if not name.endswith(".dcm") or d.get("Modality") not in ("CT", "MR") or any(k not in d for k in needed):
            continue
        if not all(re.fullmatch(r"[0-9]+(\.[0-9]+)+", d[k].value or "") for k in needed[:2]):
            continue  # anonymised to nothing
        with tempfile.TemporaryDirectory() as work:
            os.mkdir(os.path.join(work, "images"))
            shutil.copy(os.path.join(DATA, "odd", name), os.path.join(work, "images"))
            structure_set = os.path.join(work, "rtstruct.dcm")
            structure_set_for(d, structure_set)
            check_study(r, "odd/" + name, work, [structure_set], config, may_fail="truncated" in name)


COMPRESSIONS = [("RLE", ["dcmcrle"], ["dcmdrle"]), ("JPEG Lossless", ["dcmcjpeg", "+e1"], ["dcmdjpeg"]),
                ("JPEG-LS", ["dcmcjpls"], ["dcmdjpls"]), ("JPEG-LS, near 3", ["dcmcjpls", "+en", "+md", "3"], ["dcmdjpls"]),
                ("JPEG 2000", ["gdcmconv", "--j2k"], ["gdcmconv", "--raw"])]


def check_compressed_statistics(r, phantom, config, work):
    """ROI Mean and Standard Deviation of compressed images: of the pixels that others decode."""
    for name, encoder, decoder in COMPRESSIONS:
        if not have(encoder[0]) or not have(decoder[0]):
            print("SKIP e2e/overlay: %s: no %s" % (name, encoder[0]))
            continue
        source, out = os.path.join(work, name), os.path.join(work, name + "-out")
        shutil.copytree(phantom, source)
        for i, path in enumerate(sorted(images_in(source).values())):
            if i % 6 != 0:
                os.remove(path)
                continue
            done = tool(*encoder, path, path + ".new")
            r.check(done.returncode == 0, name, encoder[0], done.stdout[-300:])
            os.replace(path + ".new", path)
        done = run("process", "-c", config, source, "-o", out, timeout=120)
        r.check(done.code == 0 and b"mean" not in done.out + done.err, name, done.code, done.out[-500:], done.err[-500:])
        told = 0
        for path in images_in(out).values():
            done = tool(*decoder, path, path + ".raw")
            if not r.check(done.returncode == 0, name, decoder[0], done.stdout[-300:]):
                continue
            d, plain = pydicom.dcmread(path), pydicom.dcmread(path + ".raw")
            for group in groups_of(d):
                mask, _ = unpacked(d, group)
                r.check(((group, 0x1302) in d) == ((group, 0x1303) in d), name, path, "%04X: one of two" % group)
                if (group, 0x1302) in d and mask.any():
                    check_statistics(r, (name, path, "group %04X:" % group), plain, group, mask)
                    told += 1
        r.check(told > 20, name, "statistics of", told, "planes")


def check_sheet(r, phantom, config, work):
    """The contact sheet is a picture with the ROIs of the phantom in color."""
    sheet = os.path.join(work, "sheet.jpg")
    done = run("process", "-c", config, phantom, "-o", os.path.join(work, "sheet-out"), "--sheet", sheet)
    r.check(done.code == 0, "--sheet:", done.code, done.err[-500:])
    try:
        import cv2
    except ImportError:
        print("SKIP e2e/overlay: no cv2 to look at the contact sheet")
        return
    picture = cv2.imread(sheet)
    if r.check(picture is not None and 1400 <= picture.shape[1] <= 1800, "the contact sheet", sheet):
        spread = picture.max(axis=2).astype(int) - picture.min(axis=2)
        r.check((spread > 90).mean() > 0.002 and (picture.max(axis=2) < 16).mean() > 0.2, "the sheet has no color")


def main():
    r = Report("overlay")
    if len(sys.argv) > 2:
        with tempfile.TemporaryDirectory() as work:
            for source, output in zip(sys.argv[1::2], sys.argv[2::2]):
                check_object(r, source, output, work)
        return r.end()
    for name in ("dciodvfy", "dcmdump", "dcmftest", "dcm2pnm", "dcmj2pnm"):
        if not have(name):
            print("SKIP e2e/overlay: no", name)
    if gdcm is None:
        print("SKIP e2e/overlay: no python3-gdcm")
    with tempfile.TemporaryDirectory() as work:
        config = os.path.join(work, "config.yaml")
        with open(config, "w") as f:
            f.write(CONFIG)
        phantom = os.path.join(work, "phantom")
        done = run("phantom", phantom, "--preset", "small", timeout=120)
        if r.check(done.code == 0, "phantom:", done.code, done.err[-500:]):
            check_study(r, "phantom", phantom, [], config)
            check_compressed_statistics(r, phantom, config, work)
            check_sheet(r, phantom, config, work)
        sets = os.path.join(DATA, "sets")
        if not os.path.isdir(sets):
            print("SKIP e2e/overlay: no shared data at", sets)
            return r.end()
        for name in sorted(os.listdir(sets)):
            folder = os.path.join(sets, name)
            found = sorted(f for f in os.listdir(folder) if f.endswith(".dcm"))
            if found:
                check_study(r, name, folder, [os.path.join(folder, f) for f in found], config)
        if os.path.isdir(os.path.join(DATA, "odd")):
            check_odd(r, config)
    return r.end()


if __name__ == "__main__":
    sys.exit(main())
