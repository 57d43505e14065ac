#!/usr/bin/python3
"""What netrt deid makes of real objects and of compressed ones: valid as they were, and with the same image.

  - dciodvfy finds no error that the source has not: CT, MR, PET, RT Structure Set, in each profile;
  - everything that says nothing of a person is there unchanged: pixels, geometry, contours, byte for byte;
  - compressed images lose comments and decode, by DCMTK and GDCM, to the pixels they had; those without any
    keep their pixel data element as it was.
"""
import os
import re
import shutil
import struct
import subprocess
import tempfile
import warnings

import numpy
import pydicom

from harness import DATA, Report, run

warnings.simplefilter("ignore")  # of pydicom, about what real objects are like
PROFILES = {
    "netrt": "anonymization:\n  pid_mapping_file: {dir}/map.json\n",
    "basic": "anonymization:\n  profile: basic\n  pseudonyms: keyed\n  key_file: {dir}/key\n",
    "research": "anonymization:\n  profile: research\n  pseudonyms: keyed\n  key_file: {dir}/key\n",
}
SETS = ("sts001-mr-t2", "sts001-pet", "topas-lung1", "ibsi-sts-001-ct", "ibsi-sts-001-pet", "ibsi-sts-002-mr-t1",
        "vsseg001-mr-t1-trim", "pymedphys-water-trim", "dicompyler-breast-1slice", "raystation-1slice",
        "rtutils-mim-2slices")
# What makes the image and the structures what they are: kept by every profile, as it is.
KEPT = ("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelSpacing",
        "ImagePositionPatient", "ImageOrientationPatient", "SliceThickness", "RescaleSlope", "RescaleIntercept",
        "Modality", "ImageType", "Units", "DecayFactor", "KVP", "PatientPosition", "SOPClassUID", "InstanceNumber",
        "PhotometricInterpretation", "SpecificCharacterSet", "Manufacturer", "ManufacturerModelName")


class Work:
    def __init__(self, r, folder):
        self.r, self.dir = r, folder
        assert run("keygen", self.path("key")).code == 0
        for name, text in PROFILES.items():
            with open(self.path(name + ".yaml"), "w") as file:
                file.write(text.format(dir=folder))
        self.count = 0

    def path(self, name):
        return os.path.join(self.dir, name)

    def deid(self, profile, source):
        """The one object that comes of this one, or None."""
        self.count += 1
        out = self.path("out%d" % self.count)
        done = run("deid", "-q", "-c", self.path(profile + ".yaml"), source, "-o", out)
        if not self.r.check(done.code == 0, profile, source, done.err[-300:]):
            return None
        found = [os.path.join(d, n) for d, _, names in os.walk(out) for n in names if n.endswith(".dcm")]
        self.r.check(len(found) == 1, profile, source, found)
        return found[0] if found else None


# ---- valid as it was ----

def errors_of(path):
    """Error lines of dciodvfy, with names of attributes but without values."""
    done = subprocess.run(["dciodvfy", path], capture_output=True, check=False)
    lines = (done.stdout + done.stderr).decode("latin-1").splitlines()
    return {re.sub(r"(?<!Element=)<[^>]*>|Value=\s*\S+", "", line) for line in lines if line.startswith("Error")}


def raw_contours(path):
    """Contour Data as bytes, in the order of the file."""
    with open(path, "rb") as file:
        ds = pydicom.dcmread(file)
    found = []
    for roi in ds.get("ROIContourSequence", []):
        for contour in roi.get("ContourSequence", []):
            element = contour.get_item(0x30060050)
            found.append(element.value if isinstance(element.value, bytes) else
                         "\\".join(str(v) for v in element.value).encode())
    return found


def samples(folder):
    """An image or three and the structure sets."""
    images, sets = [], []
    for base, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            path = os.path.join(base, name)
            try:
                ds = pydicom.dcmread(path, stop_before_pixels=True)
            except pydicom.errors.InvalidDicomError:
                continue
            (sets if ds.Modality == "RTSTRUCT" else images).append(path)
    return images[:1] + images[len(images) // 2:len(images) // 2 + 1] + images[-1:] + sets


def check_real(w):
    r = w.r
    validator = shutil.which("dciodvfy")
    if validator is None:
        print("SKIP e2e/deid_objects: errors of dciodvfy, which is not installed")
    for name in SETS:
        folder = os.path.join(DATA, "sets", name)
        if not os.path.isdir(folder):
            print("SKIP e2e/deid_objects: %s is not here" % folder)
            continue
        for path in dict.fromkeys(samples(folder)):
            before = errors_of(path) if validator else set()
            source = pydicom.dcmread(path)
            for profile in PROFILES:
                out = w.deid(profile, path)
                if out is None:
                    continue
                what = (profile, path)
                if validator:
                    new = errors_of(out) - before
                    if profile == "netrt":  # what its users' own list removes is missing then
                        new = {line for line in new if "Element=<AccessionNumber>" not in line}
                    r.check(not new, *what, sorted(new)[:5])
                ds = pydicom.dcmread(out)
                str(ds)
                for keyword in KEPT:
                    r.check(ds.get(keyword) == source.get(keyword), *what, keyword, source.get(keyword),
                            ds.get(keyword))
                if "PixelData" in source:
                    r.check(ds.PixelData == source.PixelData, *what, "pixels")
                r.check(raw_contours(out) == raw_contours(path), *what, "contours")


# ---- compressed ----

COMMENT = b"SMITH^JOHN MRN12345678"


def with_jpeg_comment(stream):
    segment = struct.pack(">H", len(COMMENT) + 2) + COMMENT
    exif = b"Exif\0\0" + COMMENT
    return (stream[:2] + b"\xff\xfe" + segment + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif +
            stream[2:].rstrip(b"\0") + COMMENT)


def with_j2k_comment(stream):
    siz = 2 + struct.unpack(">H", stream[4:6])[0]
    segment = b"\xff\x64" + struct.pack(">HH", len(COMMENT) + 4, 1) + COMMENT
    return stream[:2 + siz] + segment + stream[2 + siz:].rstrip(b"\0") + COMMENT


def plain_image(path, frames, bits, samples_per_pixel=1):
    """A CT of 48 x 40, with noise and a gradient."""
    ds = pydicom.Dataset()
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    ds.is_little_endian, ds.is_implicit_VR = True, False
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4.5.6.7.8.9"
    ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.Modality = "1.2.3.4.5.6", "1.2.3.4.5.7", "CT"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.PatientName, ds.PatientID = "Smith^John", "MRN12345678"
    ds.Rows, ds.Columns, ds.SamplesPerPixel = 40, 48, samples_per_pixel
    ds.PhotometricInterpretation = "RGB" if samples_per_pixel == 3 else "MONOCHROME2"
    if samples_per_pixel == 3:
        ds.PlanarConfiguration = 0
    if frames > 1:
        ds.NumberOfFrames = frames
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = (8, 8, 7) if bits == 8 else (16, bits, bits - 1)
    ds.PixelRepresentation = 0
    noise = numpy.random.RandomState(1).randint(0, 40, (frames, 40, 48, samples_per_pixel))
    slope = numpy.arange(48).reshape(1, 1, 48, 1) * ((1 << bits) // 64)
    ds.PixelData = (noise + slope).astype("<u1" if bits == 8 else "<u2").tobytes()
    ds.save_as(path, write_like_original=False)
    return ds.PixelData


def tool(*command):
    done = subprocess.run(command, capture_output=True, check=False)
    return done.returncode == 0


# (name, how it is made, how it is decoded, what puts a comment in)
CODECS = (
    ("JPEG lossless", ("dcmcjpeg", "+e1"), ("dcmdjpeg",), with_jpeg_comment),
    ("JPEG lossless, all predictors", ("dcmcjpeg", "+el"), ("dcmdjpeg",), with_jpeg_comment),
    ("JPEG-LS", ("dcmcjpls", "+el"), ("dcmdjpls",), with_jpeg_comment),
    ("JPEG-LS, near", ("dcmcjpls", "+en"), ("dcmdjpls",), with_jpeg_comment),
    ("RLE", ("dcmcrle",), ("dcmdrle",), None),
    ("JPEG 2000", ("gdcmconv", "--j2k"), ("gdcmconv", "--raw"), with_j2k_comment),
    ("JPEG by GDCM", ("gdcmconv", "--jpeg"), ("gdcmconv", "--raw"), with_jpeg_comment),
    ("JPEG-LS by GDCM", ("gdcmconv", "--jpegls"), ("gdcmconv", "--raw"), with_jpeg_comment),
    ("RLE by GDCM", ("gdcmconv", "--rle"), ("gdcmconv", "--raw"), None),
    ("JPEG baseline", ("dcmcjpeg", "+eb"), ("dcmdjpeg",), with_jpeg_comment),
)


def decoded(w, decoder, path):
    plain = w.path("decoded.dcm")
    if not tool(*decoder, path, plain):
        return None
    return pydicom.dcmread(plain).PixelData


def replace_frames(source, target, change):
    """The same file with other frames; the offset table goes."""
    ds = pydicom.dcmread(source)
    frames = list(pydicom.encaps.generate_pixel_data_frame(ds.PixelData, int(ds.get("NumberOfFrames", 1))))
    frames = [change(frame) for frame in frames]
    ds.PixelData = pydicom.encaps.encapsulate([f + b"\0" * (len(f) % 2) for f in frames], has_bot=False)
    ds.save_as(target)


def check_codec(w, name, maker, decoder, comment, frames, bits, samples_per_pixel):
    r, what = w.r, (name, frames, bits, samples_per_pixel)
    plain, packed = w.path("plain.dcm"), w.path("packed.dcm")
    plain_image(plain, frames, bits, samples_per_pixel)
    if not tool(*maker, plain, packed):
        return False
    want = decoded(w, decoder, packed)
    if want is None:
        return False
    # a second pass has nothing to strip: the element stays as it is
    once = w.deid("basic", packed)
    if once is None:
        return True
    r.check(decoded(w, decoder, once) == want, *what, "another image")
    again = w.deid("basic", once)
    if again is not None:
        r.check(pydicom.dcmread(again).PixelData == pydicom.dcmread(once).PixelData, *what, "changed again")
    if comment is not None:
        planted = w.path("planted.dcm")
        replace_frames(packed, planted, comment)
        with open(planted, "rb") as file:
            r.check(COMMENT in file.read(), *what, "the plant")
        out = w.deid("basic", planted)
        if out is not None:
            with open(out, "rb") as file:
                r.check(b"SMITH" not in file.read(), *what, "a comment stays")
            r.check(decoded(w, decoder, out) == want, *what, "another image without its comment")
    else:
        source = pydicom.dcmread(packed)
        r.check(pydicom.dcmread(once).PixelData == source.PixelData, *what, "changed where nothing was to be")
    return True


def check_compressed(w):
    for name, maker, decoder, comment in CODECS:
        if shutil.which(maker[0]) is None or shutil.which(decoder[0]) is None:
            print("SKIP e2e/deid_objects: %s: %s is not installed" % (name, maker[0]))
            continue
        done = [check_codec(w, name, maker, decoder, comment, frames, bits, samples_per_pixel)
                for frames, bits, samples_per_pixel in ((1, 12, 1), (3, 12, 1), (1, 8, 1), (1, 16, 1), (2, 8, 3))]
        w.r.check(any(done), name, "could not be made at all")
        print("%s: %d of %d sorts of images" % (name, sum(done), len(done)))


def main():
    r = Report("deid_objects")
    with tempfile.TemporaryDirectory(prefix="netrt-deid-") as folder:
        w = Work(r, folder)
        check_compressed(w)
        check_real(w)
    return r.end()


if __name__ == "__main__":
    raise SystemExit(main())
