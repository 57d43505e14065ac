#!/usr/bin/python3
"""Pixels come out of every compression as DCMTK and GDCM get them out, bit for bit.

Images of many formats are made here, compressed by dcmcrle, dcmcjpeg, dcmcjpls and gdcmconv in all
their ways, and decoded by netrt (build/test_native) and by them.  What is lossless must be the image
that it was made of.  The same is done with every file of the shared data that they can read.

    tests/e2e/decode.py --golden      makes tests/golden/decode_* anew
"""
import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile

import numpy
import pydicom
from pydicom.encaps import generate_pixel_data_frame
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from harness import DATA, Report

POOL = concurrent.futures.ThreadPoolExecutor(os.cpu_count())
TOOL = os.environ.get("NETRT_NATIVE", "build/test_native")


def picture(rows, cols, bits, signed, samples, frames):
    """Shapes with flat parts, gradients, noise, and both ends of the range."""
    random = numpy.random.default_rng(rows * 7919 + cols * 31 + bits)
    y, x = numpy.mgrid[0:rows, 0:cols]
    top = 2 ** bits - 1
    out = []
    for k in range(frames * samples):
        base = (x * (k + 2) * top // (7 * max(cols, 1)) + y * top // (3 * max(rows, 1))) % (top + 1)
        noise = random.integers(0, max(2, top // 50), (rows, cols))
        image = numpy.where((x // 5 + y // 7) % 3 == 0, base + noise, base)
        image = numpy.where((x - cols / 2) ** 2 + (y - rows / 3) ** 2 < (min(rows, cols) / 5) ** 2, top * (k % 2), image)
        out.append(numpy.clip(image, 0, top))
    out = numpy.stack(out).reshape(frames, samples, rows, cols).transpose(0, 2, 3, 1).astype(numpy.int64)
    return out - 2 ** (bits - 1) if signed else out


def write(path, pixels, allocated, stored, signed, photometric, planar=0):
    frames, rows, cols, samples = pixels.shape
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[path])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    d = FileDataset(path, {}, file_meta=meta, preamble=b"\0" * 128)
    d.is_little_endian, d.is_implicit_VR = True, False
    d.SOPClassUID, d.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    d.PatientName, d.PatientID, d.Modality, d.ConversionType = "A", "1", "OT", "WSD"
    d.StudyInstanceUID, d.SeriesInstanceUID = generate_uid(entropy_srcs=["s"]), generate_uid(entropy_srcs=["t"])
    d.Rows, d.Columns, d.SamplesPerPixel = rows, cols, samples
    d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = allocated, stored, stored - 1, int(signed)
    d.PhotometricInterpretation = photometric
    if frames > 1:
        d.NumberOfFrames = frames
    if samples > 1:
        d.PlanarConfiguration = planar
    kind = numpy.dtype("%s%d" % ("i" if signed else "u", allocated // 8)).newbyteorder("<")
    order = pixels.transpose(0, 3, 1, 2) if planar else pixels
    raw = order.astype(kind).tobytes()
    d.PixelData = raw + b"\0" * (len(raw) % 2)
    d["PixelData"].VR = "OB" if allocated == 8 else "OW"
    d.save_as(path, write_like_original=False)


#        name      rows cols alloc stored signed samples frames photometric
MADE = [("u8", 37, 29, 8, 8, False, 1, 1, "MONOCHROME2"),
        ("u12", 61, 50, 16, 12, False, 1, 1, "MONOCHROME2"),
        ("s12", 61, 50, 16, 12, True, 1, 1, "MONOCHROME2"),
        ("u16", 64, 64, 16, 16, False, 1, 1, "MONOCHROME2"),
        ("s16", 33, 70, 16, 16, True, 1, 1, "MONOCHROME2"),
        ("u10m1", 16, 200, 16, 10, False, 1, 1, "MONOCHROME1"),
        ("wide", 2, 1000, 16, 12, False, 1, 1, "MONOCHROME2"),
        ("tall", 999, 2, 8, 8, False, 1, 1, "MONOCHROME2"),
        ("frames", 40, 52, 16, 12, False, 1, 5, "MONOCHROME2"),
        ("rgb", 41, 38, 8, 8, False, 3, 1, "RGB"),
        ("rgbplanes", 40, 38, 8, 8, False, 3, 2, "RGB"),
        ("big", 512, 512, 16, 12, False, 1, 1, "MONOCHROME2")]

#          name, command, lossless, which images; {} in and out follow
LOW = lambda row: row[3] == 8
GRAY = lambda row: row[6] == 1
ALL = lambda row: True
COLOR = lambda row: row[6] == 3
WAYS = [("rle", ["dcmcrle"], True, ALL),
        ("rle-gdcm", ["gdcmconv", "--rle"], True, ALL),
        ("rle-fragments", ["dcmcrle", "+fs", "1"], True, lambda row: row[7] == 1),
        ("sv1", ["dcmcjpeg", "+e1"], True, ALL),
        ("sv1-pt", ["dcmcjpeg", "+e1", "+pt", "2"], False, GRAY)]
WAYS += [("sv%d" % sv, ["dcmcjpeg", "+el", "+sv", str(sv)], True, ALL) for sv in range(1, 8)]
WAYS += [("sv1-fragments", ["dcmcjpeg", "+e1", "+fs", "1"], True, ALL),
         ("sv1-no-table", ["dcmcjpeg", "+e1", "+fs", "1", "-ot"], True, ALL),
         ("jpeg-gdcm", ["gdcmconv", "--jpeg"], True, ALL),
         ("ls", ["dcmcjpls", "+el"], True, ALL),
         ("ls-cooked", ["dcmcjpls", "+el", "+pc"], True, ALL),
         ("ls-sample", ["dcmcjpls", "+el", "+is"], True, COLOR),
         ("ls-none", ["dcmcjpls", "+el", "+in"], True, COLOR),
         ("ls-preset", ["dcmcjpls", "+el", "+pc", "+t1", "5", "+t2", "9", "+t3", "30", "+rs", "31"], True, ALL),
         ("ls-gdcm", ["gdcmconv", "--jpegls"], True, ALL),
         ("ls-fragments", ["dcmcjpls", "+el", "+fs", "1"], True, ALL)]
WAYS += [("near%d%s" % (n, m), ["dcmcjpls", "+en", "+md", str(n), "+i" + m], False, COLOR if m != "l" else ALL)
         for n in (1, 2, 3, 9) for m in "lsn"]

WAYS += [("baseline", ["dcmcjpeg", "+eb"], False, LOW),
         ("baseline-444", ["dcmcjpeg", "+eb", "+s4"], False, COLOR),
         ("baseline-411", ["dcmcjpeg", "+eb", "+n1"], False, COLOR),
         ("baseline-rgb", ["dcmcjpeg", "+eb", "+cr"], False, COLOR),
         ("baseline-q30", ["dcmcjpeg", "+eb", "+q", "30", "-ho"], False, LOW),
         ("baseline-scaled", ["dcmcjpeg", "+eb"], False, lambda row: row[3] == 16),
         ("extended8", ["dcmcjpeg", "+ee", "+be"], False, LOW),
         ("extended12", ["dcmcjpeg", "+ee", "+bt"], False, GRAY),
         ("spectral", ["dcmcjpeg", "+es"], False, LOW),
         ("progressive", ["dcmcjpeg", "+ep"], False, LOW),
         ("progressive12", ["dcmcjpeg", "+ep", "+bt"], False, GRAY),
         ("baseline-fragments", ["dcmcjpeg", "+eb", "+fs", "1"], False, LOW),
         ("baseline-gdcm", ["gdcmconv", "--jpeg", "--lossy", "-q", "80"], False, LOW),
         ("j2k", ["gdcmconv", "--j2k"], True, ALL),
         ("j2k-one-resolution", ["gdcmconv", "--j2k", "-n", "1"], True, ALL),
         ("j2k-tiles", ["gdcmconv", "--j2k", "-t", "17,23"], True, ALL),
         ("j2k-lossy", ["gdcmconv", "--j2k", "--lossy", "-r", "8"], False, ALL),
         ("j2k-irreversible", ["gdcmconv", "--j2k", "--lossy", "--irreversible", "-r", "5"], False, ALL)]


def tool(command, *paths):
    return subprocess.run([*command, *paths], capture_output=True, check=False, timeout=60).returncode == 0


def native(work, files):
    """What netrt says of each file: (columns of the line, its pixels or None)."""
    done = subprocess.run([TOOL, work, *files], capture_output=True, text=True, check=False, timeout=600)
    out = {}
    for line in done.stdout.splitlines():
        part = line.split("\t")
        if part[0] == "ok":
            with open(os.path.join(work, part[1] + ".raw"), "rb") as f:
                out[part[-1]] = (part, f.read())
        else:
            out[part[-1]] = (part, None)
    if done.returncode != 0:
        print(done.stderr[-2000:])
    return out


def by_pixel(path):
    """Pixels of an uncompressed file as an array of frames, rows, columns, samples, of raw codes."""
    d = pydicom.dcmread(path)
    frames, samples = int(d.get("NumberOfFrames", None) or 1), d.SamplesPerPixel
    flat = numpy.frombuffer(d.PixelData, dtype="<u%d" % (d.BitsAllocated // 8))
    flat = flat[:frames * d.Rows * d.Columns * samples]
    if samples > 1 and d.PlanarConfiguration == 1:
        return flat.reshape(frames, samples, d.Rows, d.Columns).transpose(0, 2, 3, 1), d
    return flat.reshape(frames, d.Rows, d.Columns, samples), d


def ours_by_pixel(part, raw):
    rows, cols, frames, samples, allocated = (int(x) for x in part[2:7])
    flat = numpy.frombuffer(raw, dtype="<u%d" % (allocated // 8))
    if int(part[8]):
        return flat.reshape(frames, samples, rows, cols).transpose(0, 2, 3, 1)
    return flat.reshape(frames, rows, cols, samples)


DECODERS = [["dcmdrle", "+px"], ["dcmdjpeg", "+cp", "+px"], ["dcmdjpls", "+px"], ["gdcmconv", "--raw"]]


def theirs(work, path, photometric):
    """What each of the others makes of a file."""
    for command in DECODERS:
        out = os.path.join(work, "%s-%s" % (command[0], os.path.basename(path)))
        if tool(command, path, out):
            try:
                pixels, d = by_pixel(out)
                # gdcmconv leaves YBR as it is
                if d.PhotometricInterpretation == photometric:
                    yield command[0], pixels, d
            except (ValueError, AttributeError, NotImplementedError):
                pass


def compare(r, name, got, want, stored):
    """The codes; bits above them are nobody's."""
    mask = (1 << stored) - 1
    if not r.check(got.shape == want.shape, name, "another shape: %s, not %s" % (got.shape, want.shape)):
        return
    differ = int(((got & mask) != (want & mask)).sum())
    r.check(differ == 0, name, "%d of %d samples differ" % (differ, got.size))


# Where the others are wrong.  dcmcjpeg takes the second frame of colours in planes for one by pixel, so what it
# makes of that is compared with what others read in it, not with the image.
KNOWN = {("SC_rgb_rle_16bit.dcm", "gdcmconv")} | {("rgbplanes-near%dn.dcm" % n, "gdcmconv") for n in (1, 2, 3, 9)}


def made_files(work):
    """(path, row, lossless, original) of all that can be made."""
    for row in MADE:
        name, rows, cols, allocated, stored, signed, samples, frames, photometric = row
        pixels = picture(rows, cols, stored, signed, samples, frames)
        source = os.path.join(work, name + ".dcm")
        write(source, pixels, allocated, stored, signed, photometric, int(name == "rgbplanes"))
        wanted = [way for way in WAYS if way[3](row)]
        paths = [os.path.join(work, "%s-%s.dcm" % (name, way[0])) for way in wanted]
        for way, path, done in zip(wanted, paths, POOL.map(lambda w, p: tool(w[1], source, p), wanted, paths)):
            if done:
                yield path, row, way[2] and not (name == "rgbplanes" and way[1][0] == "dcmcjpeg"), pixels


def check_made(r, work):
    files = list(made_files(work))
    seen = set()
    got = native(work, [f[0] for f in files])
    lossy = [f[0] for f in files if not f[2] and got.get(f[0], (None, None))[1] is not None]
    others_of = dict(zip(lossy, POOL.map(lambda p: list(theirs(work, p, got[p][0][9])), lossy)))
    for path, row, lossless, pixels in files:
        name = os.path.basename(path)
        part, raw = got.get(path, (["died"], None))
        if not r.check(raw is not None, name, *part):
            continue
        image = ours_by_pixel(part, raw)
        allocated, stored, signed = row[3:6]
        if lossless:
            compare(r, name, image, (pixels & (2 ** allocated - 1)).astype(image.dtype), allocated)
            r.check(part[11] == "0", name, "said to be lossy")
        others = 0
        for who, want, d in others_of.get(path, ()):
            others += 1
            if (name, who) not in KNOWN:
                compare(r, "%s, %s" % (name, who), image, want, d.BitsStored)
        r.check(lossless or others > 0, name, "nobody else reads it")
        seen.add(name.split("-", 1)[1])
    missing = {w[0] for w in WAYS} - {s[:-4] for s in seen}
    r.check(not missing, "none of these could be made:", *sorted(missing))
    print("%d compressed images of %d ways" % (len(files), len(seen)))




def check_data(r, work):
    folder = os.path.join(DATA, "odd")
    if not os.path.isdir(folder):
        print("SKIP decode: no shared data in %s" % DATA)
        return
    files = [os.path.join(folder, n) for n in sorted(os.listdir(folder)) if n.endswith(".dcm")]
    for path, (part, raw) in native(work, files).items():
        name = os.path.basename(path)
        if raw is None:
            print("refused:", name, part[2])
            continue
        if part[6] == "1":
            continue
        image = ours_by_pixel(part, raw)
        for who, want, d in theirs(work, path, part[9]):
            if (name, who) not in KNOWN:
                compare(r, "%s, %s" % (name, who), image, want, d.BitsStored)


#          name, samples, bits, command; of 12 x 16
GOLDEN = [("gray8.jpg", 1, 8, False, ["dcmcjpeg", "+eb"]),
          ("gray12.jpg", 1, 12, False, ["dcmcjpeg", "+ee", "+bt"]),
          ("ybr422.jpg", 3, 8, False, ["dcmcjpeg", "+eb"]),
          ("rgb.jpg", 3, 8, False, ["dcmcjpeg", "+eb", "+cr"]),
          ("progressive.jpg", 1, 8, False, ["dcmcjpeg", "+ep"]),
          ("gray12.j2k", 1, 12, False, ["gdcmconv", "--j2k"]),
          ("signed16.j2k", 1, 16, True, ["gdcmconv", "--j2k"]),
          ("rgb.j2k", 3, 8, False, ["gdcmconv", "--j2k"]),
          ("irreversible.j2k", 1, 8, False, ["gdcmconv", "--j2k", "--lossy", "--irreversible", "-r", "3"]),
          ("tiles.j2k", 1, 8, False, ["gdcmconv", "--j2k", "-t", "7,5"])]


def golden(work, folder):
    """Streams, and what others make of them, for tests/t_decode.c."""
    for name, samples, bits, signed, command in GOLDEN:
        source, made = os.path.join(work, "source.dcm"), os.path.join(work, "made.dcm")
        photometric = "RGB" if samples == 3 else "MONOCHROME2"
        write(source, picture(12, 16, bits, signed, samples, 1), 8 if bits == 8 else 16, bits, signed, photometric)
        assert tool(command, source, made)
        stream = next(generate_pixel_data_frame(pydicom.dcmread(made).PixelData, 1))
        with open(os.path.join(folder, "decode_" + name), "wb") as f:
            f.write(stream)
        with open(os.path.join(folder, "decode_" + name + ".raw"), "wb") as f:
            f.write(next(theirs(work, made, photometric))[1].tobytes())
    golden_j2k(work, folder, "ht", 12, ["ojph_compress", "-reversible", "true"], "j2c")  # of Debian's openjph-tools
    golden_j2k(work, folder, "jp2", 8, ["opj_compress", "-n", "3"], "jp2")


def golden_j2k(work, folder, name, bits, command, ending):
    """Without loss, so what was made is what is to come out."""
    pixels = picture(12, 16, bits, False, 1, 1)[0, :, :, 0]
    source, made = os.path.join(work, "source.pgm"), os.path.join(work, "made." + ending)
    with open(source, "wb") as f:
        f.write(b"P5\n16 12\n%d\n" % (2 ** bits - 1) + pixels.astype(">u2" if bits > 8 else "u1").tobytes())
    subprocess.run([*command, "-i", source, "-o", made], check=True, stdout=subprocess.DEVNULL)
    shutil.copy(made, os.path.join(folder, "decode_%s.j2k" % name))
    with open(os.path.join(folder, "decode_%s.j2k.raw" % name), "wb") as f:
        f.write(pixels.astype("<u2" if bits > 8 else "u1").tobytes())


def main():
    if sys.argv[1:] == ["--golden"]:
        with tempfile.TemporaryDirectory() as work:
            golden(work, "tests/golden")
        return 0
    r = Report("decode")
    with tempfile.TemporaryDirectory() as work:
        check_made(r, work)
        check_data(r, work)
    return r.end()


if __name__ == "__main__":
    sys.exit(main())
