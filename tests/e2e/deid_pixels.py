#!/usr/bin/python3
"""Pixels that de-identification has to change although they are compressed: `netrt deid`, `process` and `serve` write
them uncompressed, and no sample is another one but where it had to be.

  - bits that hide above Bits Stored, as they are or as an old overlay: gone, each sample as it was without them;
  - regions of a device: 0 in every frame; outside of them what DCMTK and GDCM decode;
  - images that may show a name pass, are blanked or stay here, as is configured, of each kind;
  - what was lossy still says so; what no decoder knows is not let out, and its reason is told;
  - an image with nothing to be changed stays compressed, byte for byte.
"""
import glob
import json
import os
import shutil
import struct
import tempfile
import warnings

import numpy
import pydicom
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from deid_objects import CODECS, PROFILES, decoded, errors_of, plain_image, tool
from deid_pipeline import preamble
from harness import Report, run
from serve_harness import Service, wait_for
from wire import CT, EXPLICIT, Association, Destination, Object

warnings.simplefilter("ignore")
RLE = "1.2.840.10008.1.2.5"
REGION = {"left": 5, "top": 3, "width": 20, "height": 10}
SECRET = b"SMITH^JOHN"


class Work:
    def __init__(self, r, folder):
        self.r, self.dir, self.count = r, folder, 0
        assert run("keygen", self.path("key")).code == 0
        for name in PROFILES:
            self.config(name, name)
            self.config(name + "-regions", name, burned_in_risk="blank_regions", pixel_regions=[REGION])

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def anonymization(self, profile, **more):
        if profile == "netrt":
            return {"profile": profile, "pid_mapping_file": self.path("map.json"), **more}
        return {"profile": profile, "pseudonyms": "keyed", "key_file": self.path("key"), **more}

    def config(self, name, profile, **more):
        with open(self.path(name + ".yaml"), "w") as file:
            json.dump({"anonymization": self.anonymization(profile, **more),
                       "processing": {"add_burn_in_disclaimer": False}}, file)

    def deid(self, config, source):
        """What was said, the object that came of this one, or None, and its line in the report."""
        self.count += 1
        out = self.path("out%d" % self.count)
        done = run("deid", "-q", "-c", self.path(config + ".yaml"), source, "-o", out)
        self.r.behaved(done, config, source)
        found = glob.glob(out + "/UID_*/*.dcm")
        with open(out + "/deid_report.json") as file:
            (row,) = json.load(file)["objects"]
        return done, found[0] if found else None, row


def valid(w, source, made, *what):
    """DCMTK and GDCM read it, dciodvfy finds no error that the source has not."""
    r = w.r
    r.check(tool("dcmdump", "-q", made) and tool("gdcmraw", made, w.path("raw")), *what, "cannot be read")
    if shutil.which("dciodvfy"):
        new = errors_of(made) - errors_of(source)
        r.check(not new, *what, "dciodvfy:", sorted(new)[:5])


# ---- what hides above Bits Stored ----

CHANGES = {"nothing": lambda v, n: v, "a bit in one sample": lambda v, n: numpy.where(n == 778, v ^ 0x4000, v),
           "a bit in all": lambda v, n: v ^ 0x1000}
# GDCM hides on decoding what it has stored
SEEN_BY = {"JPEG by GDCM": ("dcmdjpeg",), "JPEG-LS by GDCM": ("dcmdjpls",), "RLE by GDCM": ("dcmdrle",)}


def hidden_image(path, signed, change):
    """12 bits of 16, with the sign above them; `change` puts something there.  The image, with and without."""
    plain_image(path, 1, 12)
    ds = pydicom.dcmread(path)
    ds.PixelRepresentation = int(signed)
    values = numpy.frombuffer(ds.PixelData, "<u2").astype("<i4") & 0x7FF
    values = (values - 1024 if signed else values).astype("<u2")
    ds.PixelData = change(values, numpy.arange(values.size)).astype("<u2").tobytes()
    ds.save_as(path)
    return ds.PixelData, values.tobytes()


def check_hidden(w):
    r = w.r
    plain, packed = w.path("hidden.dcm"), w.path("hidden-packed.dcm")
    looked = {}
    for name, maker, decoder, _ in CODECS:
        decoder = SEEN_BY.get(name, decoder)
        if shutil.which(maker[0]) is None or shutil.which(decoder[0]) is None or "near" in name or "baseline" in name:
            continue
        for signed in (False, True):
            for change_name, change in CHANGES.items():
                planted, clean = hidden_image(plain, signed, change)
                if not tool(*maker, plain, packed) or int(pydicom.dcmread(packed).BitsStored) != 12:
                    continue
                kept = decoded(w, decoder, packed) == planted  # not every encoder takes these bits along
                if not kept and change_name != "nothing":
                    continue
                hides, what = change_name != "nothing", (name, "signed" if signed else "unsigned", change_name)
                done, made, row = w.deid("basic", packed)
                if not r.check(done.code == 0 and made, *what, done.code, done.err[-300:]):
                    continue
                source, ds = pydicom.dcmread(packed), pydicom.dcmread(made)
                r.check(row["pixels_decompressed"] == hides, *what, row)
                if not hides:
                    r.check((ds.PixelData == source.PixelData or name == "JPEG 2000") and  # its encoder leaves a comment
                            ds.file_meta.TransferSyntaxUID == source.file_meta.TransferSyntaxUID, *what, "was touched")
                    continue
                r.check(ds.file_meta.TransferSyntaxUID == EXPLICIT, *what, ds.file_meta.TransferSyntaxUID)
                r.check(ds.PixelData == clean, *what, "other samples")
                r.check("LossyImageCompression" not in ds and ds.BitsStored == 12 and ds.HighBit == 11, *what, ds)
                valid(w, packed, made, *what)
                again, second, row = w.deid("basic", made)
                r.check(again.code == 0 and not row["pixels_decompressed"] and
                        pydicom.dcmread(second).PixelData == clean, *what, "a second pass", again.err)
                looked[name] = looked.get(name, 0) + 1
    print("bits hide in: %s" % looked)
    r.check(sum(count > 0 for count in looked.values()) >= 3, "too few encoders keep hidden bits", looked)


def check_overlay(w):
    """An overlay of before 2004, in bit 12 of the samples."""
    r, plain, packed = w.r, w.path("overlay.dcm"), w.path("overlay-packed.dcm")
    for maker in ("dcmcrle",), ("dcmcjpeg", "+e1"):
        for drawn in True, False:  # or its attributes alone
            planted, clean = hidden_image(plain, False, lambda v, n: numpy.where(n % 7 == 0, v | 0x1000, v) if drawn else v)
            ds = pydicom.dcmread(plain)
            for element, vr, value in ((0x10, "US", 40), (0x11, "US", 48), (0x40, "CS", "G"), (0x50, "SS", [1, 1]),
                                       (0x100, "US", 16), (0x102, "US", 12)):
                ds.add_new(0x60000000 | element, vr, value)
            ds.save_as(plain)
            assert tool(*maker, plain, packed)
            for profile in "basic", "research":
                done, made, row = w.deid(profile, packed)
                if not r.check(done.code == 0 and made, maker, profile, done.err):
                    continue
                ds = pydicom.dcmread(made)
                r.check(ds.PixelData == clean and row["pixels_decompressed"], maker, profile, "the overlay's bits stay")
                r.check(not any(e.tag.group == 0x6000 for e in ds), maker, profile, "group 6000 stays")
                valid(w, packed, made, maker, profile)


# ---- regions ----

def of_region(ds, frames):
    """Frames of samples as [frame, row, column, sample], and which of them the region has."""
    inside = numpy.zeros((frames, ds.Rows, ds.Columns, ds.SamplesPerPixel), bool)
    inside[:, REGION["top"]:REGION["top"] + REGION["height"], REGION["left"]:REGION["left"] + REGION["width"]] = True
    kind = "<u1" if ds.BitsAllocated == 8 else "<u2"
    pixels = numpy.frombuffer(ds.PixelData[:inside.size * ds.BitsAllocated // 8], kind).astype(int)
    if ds.get("PlanarConfiguration", 0) == 1:
        pixels = pixels.reshape(frames, ds.SamplesPerPixel, ds.Rows, ds.Columns).transpose(0, 2, 3, 1)
    return pixels.reshape(inside.shape), inside


def check_regions(w):
    r, plain, packed = w.r, w.path("region.dcm"), w.path("region-packed.dcm")
    for name, maker, decoder, _ in CODECS:
        count = 0
        for frames, bits, samples in ((1, 12, 1), (3, 12, 1), (1, 8, 1), (1, 16, 1), (2, 8, 3)):
            plain_image(plain, frames, bits, samples)
            if shutil.which(maker[0]) is None or not tool(*maker, plain, packed) or decoded(w, decoder, packed) is None:
                continue
            count += 1
            source = pydicom.dcmread(packed)
            lossy = source.file_meta.TransferSyntaxUID in ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51") or "near" in name
            for profile in PROFILES:
                what = (name, frames, bits, samples, profile)
                done, made, row = w.deid(profile + "-regions", packed)
                if not r.check(done.code == 0 and made, *what, done.code, done.err[-300:]):
                    continue
                ds = pydicom.dcmread(made)
                r.check(row["pixels_decompressed"] and row["regions_blanked"] == 1, *what, row)
                r.check(ds.file_meta.TransferSyntaxUID == EXPLICIT, *what, ds.file_meta.TransferSyntaxUID)
                found, inside = of_region(ds, frames)
                wanted, _ = of_region(pydicom.dcmread(w.path("decoded.dcm")), frames)
                r.check(not found[inside].any(), *what, "the region is not empty")
                # DCT of another make may round otherwise, and colors once more
                off = abs(found - wanted)[~inside].max()
                r.check(off <= (4 if samples == 3 else 2) if lossy and "near" not in name else off == 0, *what, "off by", off)
                r.check(wanted[inside].any() and wanted[~inside].any(), *what, "there was nothing to blank")
                r.check((ds.get("LossyImageCompression") == "01") == lossy, *what, "lossy:", ds.get("LossyImageCompression"))
                if lossy:
                    r.check(ds.LossyImageCompressionMethod and ds.LossyImageCompressionRatio, *what, "ratio and method")
                codes = [item.CodeValue for item in ds.get("DeidentificationMethodCodeSequence", [])]
                r.check(("113101" in codes) == (profile != "netrt"), *what, codes)
                if profile != "netrt":
                    valid(w, packed, made, *what)
        r.check(count or name == "JPEG baseline", name, "could not be made at all")
        print("regions: %s: %d sorts of images" % (name, count))


# ---- burned-in risk ----

SC = "1.2.840.10008.5.1.4.1.1.7"
RISKS = {
    "none": lambda ds: None,
    "the flag": lambda ds: setattr(ds, "BurnedInAnnotation", "YES"),
    "a secondary capture": lambda ds: (setattr(ds, "SOPClassUID", SC), setattr(ds, "ConversionType", "WSD")),
    "a screen": lambda ds: setattr(ds, "ImageType", ["DERIVED", "SECONDARY", "SCREEN SAVE"]),
    "a conversion": lambda ds: setattr(ds, "ConversionType", "DF"),
    "a claim": lambda ds: setattr(ds, "BurnedInAnnotation", "NO"),
}
ELSEWHERE = {**REGION, "manufacturer": "SOMEBODY ELSE"}
# what is configured: does a risk pass, is the region empty then
POLICIES = {
    "by default": ({}, False, False),
    "quarantine": ({"burned_in_risk": "quarantine"}, False, False),
    "pass": ({"burned_in_risk": "pass"}, True, False),
    "pass, with regions": ({"burned_in_risk": "pass", "pixel_regions": [REGION]}, True, False),
    "blank": ({"burned_in_risk": "blank_regions", "pixel_regions": [ELSEWHERE, REGION]}, True, True),
    "blank, of another device": ({"burned_in_risk": "blank_regions", "pixel_regions": [ELSEWHERE]}, False, False),
}


def check_risk(w):
    """What is done with images that may show a name, and what is said of it."""
    r, path = w.r, w.path("risk.dcm")
    for profile in PROFILES:
        for policy, (more, passes, blanks) in POLICIES.items():
            w.config("risk", profile, **({} if profile == "netrt" else {"sop_classes": [SC]}), **more)
            for risk, edit in RISKS.items():
                what = (profile, policy, risk)
                plain = plain_image(path, 1, 12)
                ds = pydicom.dcmread(path)
                edit(ds)
                ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
                ds.save_as(path)
                safe = risk in ("none", "a claim") or (profile == "netrt" and policy == "by default")
                done, made, row = w.deid("risk", path)
                if not r.check((done.code, made is not None) == ((0, True) if safe or passes else (65, False)), *what,
                               done.code, done.err, row):
                    continue
                if not made:
                    r.check(row["refused"] and row["refused"].encode() in done.err, *what, row, done.err)
                    continue
                ds = pydicom.dcmread(made)
                found, inside = of_region(ds, 1)
                r.check(bool(found[inside].any()) != blanks and (blanks or ds.PixelData == plain), *what, "the region")
                codes = [item.CodeValue for item in ds.get("DeidentificationMethodCodeSequence", [])]
                r.check(("113101" in codes) == (blanks and profile != "netrt"), *what, codes)
                said = ds.get("BurnedInAnnotation")
                r.check(said != "NO" or blanks or profile == "netrt", *what, "says NO of what nobody has looked at")


# ---- what is between ----

def check_others(w):
    r, plain, packed = w.r, w.path("other.dcm"), w.path("other-packed.dcm")
    want = plain_image(plain, 2, 12)
    # uncompressed, but in fragments; with the elements that only such ones have
    ds = pydicom.dcmread(plain)
    half = len(want) // 2
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.98"
    ds.add_new(0x7FE00001, "OV", struct.pack("<2Q", 0, half + 8))
    ds.add_new(0x7FE00002, "OV", struct.pack("<2Q", half, half))
    ds.PixelData = pydicom.encaps.encapsulate([want[:half], want[half:]], has_bot=False)
    ds["PixelData"].is_undefined_length = True
    ds.save_as(packed)
    done, made, row = w.deid("basic", packed)
    if r.check(done.code == 0 and made, "encapsulated uncompressed:", done.err):
        ds = pydicom.dcmread(made)
        r.check(ds.PixelData == want and row["pixels_decompressed"], "encapsulated uncompressed")
        r.check(not {0x7FE00001, 0x7FE00002} & {int(e.tag) for e in ds}, "an offset table of what is in no fragments")
    # video: nobody reads it
    ds = pydicom.dcmread(packed)
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.102"
    ds.save_as(w.path("video.dcm"))
    for config in "basic", "research", "netrt-regions":
        done, made, row = w.deid(config, w.path("video.dcm"))
        r.check(done.code == 65 and not made and b"not decoded here" in done.err and "not decoded here" in row["refused"],
                config, "video:", done.code, done.err, row)
    # a stream that breaks off, of which a region is to go
    plain_image(plain, 1, 12)
    assert tool("dcmcjpeg", "+e1", plain, packed)
    ds = pydicom.dcmread(packed)
    (frame,) = pydicom.encaps.generate_pixel_data_frame(ds.PixelData, 1)
    ds.PixelData = pydicom.encaps.encapsulate([frame[:len(frame) // 4 * 2]], has_bot=False)
    ds.save_as(w.path("broken.dcm"))
    done, made, row = w.deid("basic-regions", w.path("broken.dcm"))
    r.check(done.code == 65 and not made, "a broken stream:", done.code, done.err, row)


def check_icon(w):
    """A picture in an item, compressed as the image is: it goes, or the object stays here."""
    r, plain, packed = w.r, w.path("icon.dcm"), w.path("icon-packed.dcm")
    plain_image(plain, 1, 12)
    assert tool("dcmcrle", plain, packed)
    ds = pydicom.dcmread(packed)
    icon = Dataset()
    icon.SamplesPerPixel, icon.PhotometricInterpretation, icon.Rows, icon.Columns = 1, "MONOCHROME2", 40, 48
    icon.BitsAllocated, icon.BitsStored, icon.HighBit, icon.PixelRepresentation = 16, 12, 11, 0
    icon.PixelData = pydicom.encaps.encapsulate([SECRET], has_bot=False)
    icon["PixelData"].is_undefined_length = True
    icon["PixelData"].VR = "OB"
    ds.IconImageSequence = Sequence([icon])
    ds.save_as(packed)
    for config in "basic", "basic-regions", "research-regions":
        done, made, row = w.deid(config, packed)
        r.check(done.code == 0 and made, "icon,", config, done.err)
        if made:
            with open(made, "rb") as file:
                r.check(SECRET not in file.read(), "icon,", config, "stays")
    done, made, row = w.deid("netrt-regions", packed)
    r.check(done.code == 65 and not made and row["refused"], "a compressed icon that is kept:", done.code, done.err, row)


# ---- a study ----

def hide(path, bits):
    """RLE, with a word above Bits Stored where there is room."""
    ds = pydicom.dcmread(path)
    values = numpy.frombuffer(ds.PixelData, "<u2").copy()
    mask = (1 << bits) - 1
    values &= mask >> 1
    clean = values.tobytes()
    word = numpy.frombuffer(SECRET, "<u1").astype("<u2")
    for nibble in 0, 1:
        values[1000 + nibble * len(word):][:len(word)] |= (word >> 4 * nibble & 0xF) << 12
    ds.BitsStored, ds.HighBit, ds.PixelRepresentation = bits, bits - 1, 0
    ds.PixelData = values.tobytes()
    for keyword in "SmallestImagePixelValue", "LargestImagePixelValue", "PixelPaddingValue":
        if keyword in ds:
            del ds[keyword]
    ds.save_as(path)
    assert tool("dcmcrle", path, path + ".rle")
    os.rename(path + ".rle", path)
    assert pydicom.dcmread(path).file_meta.TransferSyntaxUID == RLE
    return clean


def check_study(w):
    """Overlay series and segmentation of such images, by `process` and by `serve`."""
    r, study = w.r, w.path("study")
    assert run("phantom", study, "--slices", "4", "--matrix", "64").code == 0
    clean = {}
    for path in glob.glob(study + "/ct/*.dcm"):
        number = int(pydicom.dcmread(path).InstanceNumber)
        clean[number] = hide(path, 12)
    rows = {"hidden": {}, "regions": {"burned_in_risk": "blank_regions", "pixel_regions": [REGION]}}
    for what, more in rows.items():
        w.config(what, "basic", **more)
        done = run("process", "-c", w.path(what + ".yaml"), study, "-o", w.path("p-" + what))
        r.behaved(done, what)
        made = glob.glob(w.path("p-" + what) + "/UID_*/Addition/*.dcm")
        r.check(done.code == 0 and len(made) == 4, what, "process:", done.code, done.err)
        for path in made:
            check_overlay_image(w, pydicom.dcmread(path), clean, what)
            r.check(tool("dcmdump", "-q", path), what, "dcmdump", path)
        check_serve(w, study, what, more, {pydicom.dcmread(p).SOPInstanceUID for p in made}, clean)


def check_overlay_image(w, ds, clean, what):
    r = w.r
    r.check(ds.file_meta.TransferSyntaxUID == EXPLICIT, what, ds.file_meta.TransferSyntaxUID)
    found = numpy.frombuffer(ds.PixelData, "<u2").reshape(64, 64).copy()
    wanted = numpy.frombuffer(clean[int(ds.InstanceNumber)], "<u2").reshape(64, 64).copy()
    if what == "regions":
        part = numpy.s_[REGION["top"]:REGION["top"] + REGION["height"], REGION["left"]:REGION["left"] + REGION["width"]]
        r.check(wanted[part].any() and not found[part].any(), what, "the region is not empty")
        wanted[part] = 0
    r.check((found == wanted).all(), what, "other samples")
    r.check(ds.DerivationDescription.endswith("pixel data decompressed, cleaned, otherwise unchanged"), what,
            ds.DerivationDescription)
    planes = [ds[g << 16 | 0x3000].value for g in range(0x6000, 0x6020, 2) if g << 16 | 0x3000 in ds]
    r.check(any(any(p) for p in planes), what, "no overlay planes")


def check_serve(w, study, what, more, instances, clean):
    r, destination = w.r, Destination()
    os.makedirs(w.path("s-" + what))
    with Service(w.path("s-" + what), ("DEST", destination.port), anonymization=w.anonymization("basic", enabled=True, **more),
                 limits={"minimum_free_mib": 1, "minimum_free_percent": 0}) as service:
        objects = [Object(p) for p in glob.glob(study + "/*/*.dcm")]
        contexts = sorted({(o.sop_class, o.syntax) for o in objects})
        with Association(service.port, [(2 * n + 1, c, [s]) for n, (c, s) in enumerate(contexts)]) as a:
            for o in objects:
                status = a.store(o.sop_class, o.sop_instance, o.data).get("status")
                r.check(status == 0, what, "serve: status", status)
            a.release()
        r.check(destination.wait(lambda: len(destination.kept) == 4, 30), what, "serve: got", len(destination.kept),
                service.log()[-1500:])
        r.check(set(destination.kept) == instances, what, "serve: other instances than `process`")
        for _, data in destination.kept.values():
            check_overlay_image(w, pydicom.dcmread(pydicom.filebase.DicomBytesIO(preamble(data))), clean, what)
        r.check(wait_for(lambda: not [n for n in os.listdir(service.working) if n.startswith("UID_")], 10), what,
                "the study stays", service.files()[:4])
        service.end(r, what)


def main():
    r = Report("deid_pixels")
    with tempfile.TemporaryDirectory(prefix="netrt-pixels-") as folder:
        w = Work(r, folder)
        check_hidden(w)
        check_overlay(w)
        check_regions(w)
        check_risk(w)
        check_others(w)
        check_icon(w)
        check_study(w)
    return r.end()


if __name__ == "__main__":
    raise SystemExit(main())
