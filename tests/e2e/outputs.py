#!/usr/bin/python3
"""Everything at once: overlay series with a disclaimer in it, structure set, segmentations, debug pictures.

With NETRT's own defaults (de-identification and burn-in are on) and with the other profiles, in `process` and
in `serve`: what is made and what is not, what refers to what, that a study done again replaces all that is
netrt's, that nothing of it is taken for a source, that each series goes to the destinations and is told of
by its SeriesType in order; and everything that was planted in the study is looked for in all of it.
"""
import datetime
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import warnings

from harness import DATA, NETRT, Report, run, skip

try:
    import pydicom
    import deid_pipeline
except ImportError:
    skip("outputs", "no pydicom")

from serve_harness import Orthanc, SENT, Service, Storescp, Study, need_serve, outputs, send, wait_for, workspace
from wire import Destination, Object, undated

warnings.simplefilter("ignore")
ALL = {"debug": True, "structure_set": "relinked", "segmentation": "per_roi"}
SEGMENTS = {"enable_segmentation_export": True}
STUDY_DATE = "20260105"  # of the phantom
# what each says of when it was made
OWN_DATES = {"CT": ["SeriesDate", "ContentDate"], "SEG": ["SeriesDate", "ContentDate"], "RTSTRUCT": ["SeriesDate"],
             "OT": ["SeriesDate", "ContentDate", "DateOfSecondaryCapture"]}
NUMBERS = {"OVERLAY": 98, "SEGMENTATION": 99, "DEBUG": 101}


def sections(**processing):
    return {"processing": {**ALL, **processing}, "feature_flags": SEGMENTS}


def study_folder(out):
    (folder,) = glob.glob(out + "/UID_*")
    return folder


def counts(folder):
    found = {t: len(outputs(folder, t)) for t in SENT}
    found["pictures"] = len(glob.glob(folder + "/debug_visualization/slice_*.jpg"))
    return found


# ---- what is made ----

def check_made(r, what, folder, slices):
    """{type: data sets}, after the numbers of files and their names."""
    sets = {t: [pydicom.dcmread(f) for f in outputs(folder, t)] for t in SENT}
    got = counts(folder)
    with open(folder + "/report.json", encoding="utf-8") as file:
        painted = [roi for roi in json.load(file)["structure_sets"][0]["rois"] if roi.get("slices")]
    want = {"OVERLAY": slices, "DEBUG": slices, "pictures": slices, "STRUCTURE_SET": 1, "SEGMENTATION": len(painted)}
    if not r.check(got == want, what, "made", got, "not", want):
        return None
    for name in sorted(os.listdir(folder)):
        r.check(name in (*SENT.values(), "debug_visualization") or name.startswith("report."), what, "made", name)
    for t, prefix in (("OVERLAY", "OVERLAY-"), ("STRUCTURE_SET", "RTSTRUCT-"), ("SEGMENTATION", "SEG-"), ("DEBUG", "DEBUG-")):
        for path in outputs(folder, t):
            r.check(os.path.basename(path).startswith(prefix), what, path)
    for t in ("STRUCTURE_SET", "SEGMENTATION"):
        for path, ds in zip(outputs(folder, t), sets[t]):
            r.check(ds.SOPInstanceUID in os.path.basename(path), what, path, "is not named by its own UID")
    return sets


def check_one_world(r, what, sets):
    """Study, patient and frame of reference are the same everywhere, series are not, and what refers to
    an image refers to one of the overlay series."""
    every = [ds for some in sets.values() for ds in some]
    for keyword in ("StudyInstanceUID", "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyDate",
                    "StudyID", "AccessionNumber"):
        values = {str(ds.get(keyword, "")) for ds in every}
        r.check(len(values) == 1, what, keyword, "is not one:", values)
    sop = [ds.SOPInstanceUID for ds in every]
    r.check(len(set(sop)) == len(sop), what, "SOP Instance UIDs repeat")
    series = {t: {ds.SeriesInstanceUID for ds in some} for t, some in sets.items()}
    r.check(len(set.union(*series.values())) == sum(len(s) for s in series.values()), what, "series are shared", series)
    r.check(len(series["OVERLAY"]) == len(series["DEBUG"]) == 1, what, "series", series)
    for t, number in NUMBERS.items():
        r.check({int(ds.SeriesNumber) for ds in sets[t]} == {number}, what, t, "series number")
    overlay = {ds.SOPInstanceUID: ds for ds in sets["OVERLAY"]}
    frame = {ds.FrameOfReferenceUID for ds in sets["OVERLAY"]}
    for t in ("SEGMENTATION", "STRUCTURE_SET"):
        for ds in sets[t]:
            named = references(ds)
            images = {u for c, u in named if c == sets["OVERLAY"][0].SOPClassUID}
            r.check(images and images <= set(overlay), what, t, "refers to", sorted(images - set(overlay))[:2])
            said = {str(e.value) for e in ds.iterall() if e.keyword in ("FrameOfReferenceUID", "ReferencedFrameOfReferenceUID")}
            r.check(said == frame, what, t, "frame of reference", said)
            of_series = {str(e.value) for s in ds.iterall() if s.VR == "SQ" and s.keyword in
                         ("ReferencedSeriesSequence", "RTReferencedSeriesSequence") for i in s.value for e in i
                         if e.keyword == "SeriesInstanceUID"}
            r.check(of_series == series["OVERLAY"], what, t, "refers to the series", of_series)
    for ds in every:
        r.check(str(ds.file_meta.MediaStorageSOPInstanceUID) == str(ds.SOPInstanceUID), what, "group 2")
        mark = [i for i in ds.get("ContributingEquipmentSequence", []) if i.get("ManufacturerModelName") == "netrt"]
        r.check(mark, what, ds.Modality, "does not say that netrt made it")


def check_names(r, what, folder, sets):
    """A ROI is called the same in the report, overlay labels, segments and their series, and in the structure set
    (where its names are not emptied), and no two are called alike."""
    with open(folder + "/report.json", encoding="utf-8") as file:
        told = [roi["name"] for roi in json.load(file)["structure_sets"][0]["rois"]]
    names = [roi.ROIName for roi in sets["STRUCTURE_SET"][0].StructureSetROISequence]
    r.check(len(set(told)) == len(told), what, "ROIs called alike", told)
    r.check(names == told or (set(names) == {""} and what != "research"), what, "structure set and report", names, told)
    for ds in sets["SEGMENTATION"]:
        for segment in ds.SegmentSequence:
            r.check(segment.SegmentLabel in told, what, "a segment", segment.SegmentLabel, told)
            r.check(segment.SegmentLabel in ds.SeriesDescription, what, "its series", ds.SeriesDescription)
    labels = {str(ds[group << 16 | 0x1500].value) for ds in sets["OVERLAY"] for group in range(0x6000, 0x6020, 2)
              if group << 16 | 0x1500 in ds}
    parts = {part for label in labels for part in re.sub(r" \+\d+ more$", "", label).split(", ")}
    r.check(parts and parts <= set(told) | {""}, what, "overlay labels", parts - set(told))


def check_today(r, profile, sets):
    """What is made today says so, moved as the patient's dates are; or a day that means nothing, where dates go."""
    def day(text):
        return datetime.datetime.strptime(str(text), "%Y%m%d").date()

    today = datetime.date.today()
    for ds in (ds for some in sets.values() for ds in some):
        said = day(ds.InstanceCreationDate)
        if profile == "basic":
            r.check(str(ds.InstanceCreationDate) == "19000101", profile, ds.Modality, "says when it was made:", said)
            continue
        moved = day(ds.StudyDate) - day(STUDY_DATE)
        r.check((moved.days < 0) == (profile == "research"), profile, ds.Modality, "Study Date moved by", moved)
        r.check(abs((said - today - moved).days) <= 1, profile, ds.Modality, "made on", said, "moved by", moved)
    for ds in (ds for some in sets.values() for ds in some):
        mark = ds.ContributingEquipmentSequence[-1]
        own = [(k, str(ds[k].value)) for k in OWN_DATES[ds.Modality]] + [("the mark", str(mark.ContributionDateTime)[:8])]
        r.check({day for _, day in own} == {str(ds.InstanceCreationDate)}, profile, ds.Modality, ds.InstanceCreationDate, own)


def references(ds):
    return {(str(item.get("ReferencedSOPClassUID")), str(item.ReferencedSOPInstanceUID)) for e in ds.iterall()
            if e.VR == "SQ" for item in e.value if "ReferencedSOPInstanceUID" in item}


def check_disclaimer(r, what, plain, sets):
    """It is in every overlay image, and little else has changed: the rest of the pixels is the source's."""
    before = {ds.InstanceNumber: ds for ds in plain["OVERLAY"]}
    for ds in sets["OVERLAY"]:
        old, new = before[ds.InstanceNumber].pixel_array, ds.pixel_array
        changed = (old != new).sum()
        r.check(old.shape == new.shape and 0 < changed < old.size // 3, what, "burn-in changed", changed, "pixels of", old.size)


def errors_of(path):
    done = subprocess.run(["dciodvfy", path], capture_output=True, text=True, errors="replace", check=False)
    return {line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")}


def check_valid(r, what, folder, sources=()):
    """dciodvfy says nothing of an error about one of each kind, or nothing that it does not say of the sources."""
    if shutil.which("dciodvfy") is None:
        print("SKIP e2e/outputs: dciodvfy is not installed")
        return
    known = set().union(*map(errors_of, sources)) if sources else set()
    for t in ("SEGMENTATION", "DEBUG", "STRUCTURE_SET"):
        for path in outputs(folder, t)[:1]:
            bad = sorted(errors_of(path) - (known if t == "STRUCTURE_SET" else set()))
            if what == "netrt":  # its list says that it is to be removed, not emptied
                bad = [l for l in bad if "AccessionNumber" not in l]
            r.check(not bad, what, t, "dciodvfy:", bad[:4])


def source_of(ds):
    """What an object says that it was made of."""
    (item,) = (ds.get("SourceImageSequence") or ds.get("PredecessorStructureSetSequence") or ds.SourceInstanceSequence)
    return str(item.ReferencedSOPInstanceUID)


def check_crosswalk(w, what, path, source, sets):
    """A line for each object that was made: what its source was called, and goes by now."""
    r = w.r
    with open(path, encoding="ascii") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    r.check(os.stat(path).st_mode & 0o777 == 0o600, what, "mode of the crosswalk")
    every = {str(ds.SOPInstanceUID): ds for some in sets.values() for ds in some}
    r.check(sorted(row[4] for row in rows) == sorted(every), what, "crosswalk is not of what was made")
    old = [pydicom.dcmread(f, stop_before_pixels=True) for f in glob.glob(source + "/*/*.dcm")]
    of_images = {str(ds.SOPInstanceUID) for ds in old if ds.Modality != "RTSTRUCT"}
    of_sets = {str(ds.SOPInstanceUID) for ds in old if ds.Modality == "RTSTRUCT"}
    for row in rows:
        ds = every.get(row[4])
        if ds is None:
            continue
        r.check(row[0] == str(old[0].StudyInstanceUID) and row[2] == str(ds.StudyInstanceUID), what, "crosswalk: study", row)
        r.check(row[1] in (of_images if ds.Modality in ("CT", "OT") else of_sets), what, "crosswalk: old UID", row)
        r.check(row[3] == source_of(ds), what, "crosswalk: UID of the source", row, source_of(ds))
    r.check(len({tuple(row[1:4:2]) for row in rows}) == len({row[1] for row in rows}), what, "crosswalk: one old, one new")


def check_made_up(w):
    """Each profile with a study in which nothing is wrong: all that is made is of one world, and valid."""
    r, source = w.r, w.path("phantom")
    plain = w.path("plain-out")
    done = run("process", "-q", "-c", w.config("plain.yaml", {"enabled": False}, **sections(add_burn_in_disclaimer=False)),
               source, "-o", plain)
    if not r.check(done.code == 0, "without de-identification:", done.code, done.err):
        return
    without = check_made(r, "plain", study_folder(plain), 4)
    if without:
        check_one_world(r, "plain", without)
    check_valid(r, "plain", study_folder(plain))
    for profile in ("netrt", "basic", "research"):
        crosswalk = w.path("crosswalk-" + profile)
        done = w.process(profile, "one-" + profile, source, sections(add_burn_in_disclaimer=True), crosswalk_file=crosswalk)
        if not r.check(done.code == 0, profile, "process:", done.code, done.err[-2000:]):
            continue
        sets = check_made(r, profile, study_folder(w.path("one-" + profile)), 4)
        if sets:
            check_one_world(r, profile, sets)
            check_names(r, profile, study_folder(w.path("one-" + profile)), sets)
            check_today(r, profile, sets)
            check_crosswalk(w, profile, crosswalk, source, sets)
            if without:
                check_disclaimer(r, profile, without, sets)
        check_valid(r, profile, study_folder(w.path("one-" + profile)))
    done = w.process("basic", "one-dated", source, sections(add_burn_in_disclaimer=True), options={"retain_full_dates": True})
    if r.check(done.code == 0, "full dates:", done.code, done.err[-2000:]):
        sets = check_made(r, "full dates", study_folder(w.path("one-dated")), 4)
        check_today(r, "full dates", sets or {})


def check_plants(w):
    """Each profile with a study full of things that must not get out: they are in none of it."""
    r = w.r
    for profile in ("netrt", "basic", "research"):
        out = "all-" + profile
        kind = "combined" if profile == "basic" else "per_roi"
        done = w.process(profile, out, sections=sections(add_burn_in_disclaimer=True, segmentation=kind))
        r.behaved(done, profile)
        if not r.check(done.code == 0, profile, "process:", done.code, done.err[-2000:]):
            continue
        eyes = deid_pipeline.Eyes(r, w.plants, profile)
        count = eyes.folder(w.path(out), "process")
        eyes.look(done.out, "standard output")
        got = counts(study_folder(w.path(out)))
        r.check(got["SEGMENTATION"] == 1 if kind == "combined" else got["SEGMENTATION"] > 5, profile, "made", got)
        r.check(got["OVERLAY"] == got["DEBUG"] == got["pictures"] == 4 and got["STRUCTURE_SET"] == 1, profile, "made", got)
        print("%s: %d plants looked for in %d files, %d bytes" % (profile, len(eyes.wanted), count, eyes.bytes))


def check_both_searched_for(w):
    """What is made of a structure set is searched for what is in it, and for what is in the images: a ROI that is
    called as only the images' patient is (and that no overlay has room for), a name of the set that the site keeps."""
    r = w.r
    with open(w.path("any-name"), "w") as file:
        file.write("*\n")
    for what, profile, code, roi, title, makes in (
            ("nothing", "research", 0, "Theodora_boost", "Plan of Theodora", {"structure_set": "relinked"}),
            ("the images", "research", 65, "Gisela_boost", "Plan of Theodora", {}),
            ("the structure set", "basic", 65, "Theodora_boost", "Plan of Anneliese", {"structure_set": "relinked"})):
        source = w.path("two-patients", what)
        shutil.copytree(w.path("phantom"), source)
        for path in glob.glob(source + "/*/*.dcm"):
            ds = pydicom.dcmread(path)
            ds.PatientName = "Anders^Anneliese" if ds.Modality == "RTSTRUCT" else "Geheim^Gisela"
            if ds.Modality == "RTSTRUCT":
                ds.StructureSetName = title
                ds.StructureSetROISequence[0].ROIName = "Body " * 12
                ds.StructureSetROISequence[1].ROIName = roi
            ds.save_as(path)
        done = w.process(profile, "searched-for-" + what, source,
                         {"processing": {"add_burn_in_disclaimer": False, **makes}, "feature_flags": SEGMENTS},
                         keep=["StructureSetName"], roi_names_file=w.path("any-name"))
        said = done.err.decode()
        r.check(done.code == code, what, "process:", done.code, said[-500:])
        if code:
            of = "the structure set" if makes else "segmentations"
            r.check("cannot write %s: not let out" % of in said, what, said[-500:])
            deid_pipeline.nothing_out(r, w.path("searched-for-" + what), what)


# ---- however the images are encoded ----

ENCODERS = {"RLE": ["dcmcrle"], "JPEG Lossless": ["dcmcjpeg", "+e1"], "JPEG-LS": ["dcmcjpls"], "JPEG 2000": ["gdcmconv", "--j2k"],
            "big endian": ["dcmconv", "+tb"], "deflated": ["dcmconv", "+td"], "implicit": ["dcmconv", "+ti"]}


def check_encodings(w):
    """De-identified, with disclaimer, picture and segmentations: the same whatever the source is encoded in."""
    r, first = w.r, None
    for name, encoder in {"as they are": None, **ENCODERS}.items():
        source, out = w.path("encoded", name), w.path("encoded-" + name)
        if encoder and shutil.which(encoder[0]) is None:
            print("SKIP e2e/outputs: %s is not installed" % encoder[0])
            continue
        shutil.copytree(w.path("phantom"), source)
        for path in glob.glob(source + "/ct/*") if encoder else ():
            done = subprocess.run([*encoder, path, path + ".new"], capture_output=True, check=False)
            r.check(done.returncode == 0, name, done.stderr[-300:])
            os.replace(path + ".new", path)
        done = w.process("basic", "encoded-" + name, source, sections(add_burn_in_disclaimer=True))
        if not r.check(done.code == 0, name, "process:", done.code, done.err[-1500:]):
            continue
        folder = study_folder(out)
        got = {}
        for path in outputs(folder, "OVERLAY", "DEBUG", "SEGMENTATION"):
            ds = pydicom.dcmread(path)
            got[str(ds.SOPInstanceUID)] = ds.PixelData if ds.Modality == "SEG" else ds.pixel_array.astype("<i4").tobytes()
        pictures = {os.path.basename(p): open(p, "rb").read() for p in glob.glob(folder + "/debug_visualization/*")}
        first = first or (got, pictures)
        r.check(set(got) == set(first[0]), name, "makes other instances")
        bad = [sop for sop in got if got[sop] != first[0].get(sop)]
        r.check(not bad and pictures == first[1], name, "other pixels in", len(bad), "of", len(got))


# ---- NETRT's own configuration, as it is ----

def defaults(w, name, **processing):
    """`netrt config default`, with paths of ours and what is asked for switched on."""
    text = run("config", "default").out.decode()
    book = w.path(name + ".map.json")
    for old, new in [("/mnt/shared/pid_mapping.json", book), *processing.pop("replaced", [])]:
        assert old in text, old
        text = text.replace(old, new)
    for key, value in processing.items():
        text, n = re.subn(r"(?m)^  %s: \S+$" % key, "  %s: %s" % (key, json.dumps(value)), text)
        assert n == 1, key
    with open(w.path(name), "w", encoding="utf-8") as file:
        file.write(text)
    return w.path(name)


def check_defaults(w):
    """Out of the box: nothing is refused; then with all that can be switched on."""
    r = w.r
    done = run("process", "-q", "-c", defaults(w, "box.yaml"), w.path("phantom"), "-o", w.path("box"))
    if r.check(done.code == 0, "NETRT's defaults:", done.code, done.err):
        got = counts(study_folder(w.path("box")))
        r.check(got == {"OVERLAY": 4, "DEBUG": 0, "pictures": 0, "STRUCTURE_SET": 0, "SEGMENTATION": 0}, "defaults made", got)
        for path in outputs(study_folder(w.path("box"))):
            ds = pydicom.dcmread(path)
            r.check(ds.PatientID == ds.PatientName == "SITE_0001_20260105", "defaults:", ds.PatientID, ds.PatientName)
            r.check(ds.get("BurnedInAnnotation") in (None, "NO"), "defaults:", ds.get("BurnedInAnnotation"))
    config = defaults(w, "most.yaml", debug=True, structure_set="original", enable_segmentation_export=True)
    done = run("process", "-q", "-c", config, w.path("phantom"), "-o", w.path("most"))
    if r.check(done.code == 0, "defaults with everything:", done.code, done.err):
        folder = study_folder(w.path("most"))
        got = counts(folder)
        r.check(got["OVERLAY"] == got["DEBUG"] == 4 and got["STRUCTURE_SET"] == 1 and got["SEGMENTATION"] > 5, got)
        eyes = re.compile(rb"Phantom\^Netrt|NETRT-PHANTOM")
        for path in glob.glob(folder + "/**", recursive=True):
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    r.check(not eyes.search(file.read()), "the patient is in", path)
    done = run("process", "-q", "--debug", "-c", defaults(w, "debug.yaml"), w.path("phantom"), "-o", w.path("debug"))
    got = counts(study_folder(w.path("debug"))) if done.code == 0 else done.err
    r.check(got == {"OVERLAY": 4, "DEBUG": 4, "pictures": 4, "STRUCTURE_SET": 0, "SEGMENTATION": 0}, "--debug made", got)


# ---- two structure sets ----

def check_two_sets(w):
    """A second structure set on the same images: as much again of everything, each of its own series."""
    r, source = w.r, w.path("two-sets")
    shutil.copytree(w.path("phantom"), source)
    ds = pydicom.dcmread(source + "/rs/RS.dcm")
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID + ".2"
    ds.SeriesInstanceUID += ".2"
    ds.save_as(source + "/rs/RS2.dcm")
    for profile in ("netrt", "basic"):
        out = "two-" + profile
        done = w.process(profile, out, source, sections(add_burn_in_disclaimer=True))
        if not r.check(done.code == 0, profile, "two sets:", done.code, done.err[-1500:]):
            continue
        folder = study_folder(w.path(out))
        got = counts(folder)
        r.check(got["OVERLAY"] == got["DEBUG"] == got["pictures"] == 8 and got["STRUCTURE_SET"] == 2, profile, "two sets:", got)
        r.check(got["SEGMENTATION"] > 10 and got["SEGMENTATION"] % 2 == 0, profile, "two sets:", got)
        for t in ("OVERLAY", "DEBUG"):
            files = [os.path.basename(f) for f in outputs(folder, t)]
            r.check(sum(f.endswith("-2.dcm") for f in files) == 4, profile, t, files)
        overlays = {}
        for path in outputs(folder, "OVERLAY"):
            ds = pydicom.dcmread(path)
            overlays.setdefault(ds.SeriesInstanceUID, set()).add(ds.SOPInstanceUID)
        r.check(sorted(map(len, overlays.values())) == [4, 4], profile, "two sets: series", overlays)
        for t in ("STRUCTURE_SET", "SEGMENTATION"):
            seen = set()
            for path in outputs(folder, t):
                named = {u for _, u in references(pydicom.dcmread(path))}
                of = [s for s, images in overlays.items() if named & images]
                r.check(len(of) == 1, profile, t, "refers to", len(of), "overlay series")
                seen.update(of)
            r.check(seen == set(overlays), profile, t, "two sets: all refer to one series")


# ---- real data ----

def check_real(w):
    """Studies of other people's systems: everything is made of each of them, and is valid."""
    r = w.r
    sets = sorted(glob.glob(DATA + "/sets/*/images"))
    if not sets:
        print("SKIP e2e/outputs: no real data in", DATA)
    config = w.config("real.yaml", {"enabled": False}, **sections(add_burn_in_disclaimer=True))
    for folder in map(os.path.dirname, sets):
        what, out = os.path.basename(folder), w.path("real", os.path.basename(folder))
        structures = glob.glob(folder + "/*.dcm")
        done = run("process", "-q", "-c", config, folder, "-o", out, timeout=120)
        r.behaved(done, what)
        if not structures:
            continue
        if r.check(done.code == 0, what, "process:", done.code, done.err[-1500:]):
            made = study_folder(out)
            got = counts(made)
            r.check(got["OVERLAY"] == got["DEBUG"] == got["pictures"] and got["STRUCTURE_SET"] and got["SEGMENTATION"], what, got)
            check_valid(r, what, made, structures)
        shutil.rmtree(out, ignore_errors=True)


# ---- once more ----

def digest_of(folder):
    return {os.path.relpath(f, folder): open(f, "rb").read() for f in outputs(folder)}


def check_again(w):
    """A study that is done again: what is netrt's is replaced, what is not stays, and outputs are no input."""
    r, off = w.r, {"enabled": False}
    more = w.config("again.yaml", off, **sections())
    less = w.config("less.yaml", off, processing={"add_burn_in_disclaimer": False})
    out = w.path("again")
    r.check(run("process", "-q", "-c", more, w.path("phantom"), "-o", out).code == 0, "first")
    folder = study_folder(out)
    first = digest_of(folder)
    sets = check_made(r, "as it is", folder, 4)
    if sets:
        check_one_world(r, "as it is", sets)
    for name in ("DebugDicom/mine.dcm", "Segmentations/notes.txt", "StructureSet/RS.dcm"):
        os.makedirs(os.path.join(folder, os.path.dirname(name)), exist_ok=True)
        shutil.copy(w.path("phantom", "rs", "RS.dcm"), os.path.join(folder, name))
    # its own output beside its input: nothing of it counts
    made = [f for f in outputs(folder) if os.path.relpath(f, folder) in first]
    done = run("process", "-c", more, *made, "-o", w.path("none"))
    r.check(done.code == 65 and b"earlier run" in done.err and not glob.glob(w.path("none") + "/UID_*"),
            "outputs as input:", done.code, done.err[-500:])
    done = run("process", "-q", "-c", more, w.path("phantom"), *made, "-o", out)
    r.check(done.code == 0, "again", done.err)
    second = digest_of(folder)
    r.check(set(second) - {"DebugDicom/mine.dcm", "StructureSet/RS.dcm"} == set(first), "again made others:",
            sorted(set(second) ^ set(first))[:6])
    with open(folder + "/report.txt", encoding="utf-8") as file:
        r.check("of an earlier run" in file.read(), "the report does not tell of its own objects in the input")
    r.check(run("process", "-q", "-c", less, w.path("phantom"), "-o", out).code == 0, "less")
    left = sorted(os.path.relpath(f, folder) for f in glob.glob(folder + "/**", recursive=True) if os.path.isfile(f))
    others = [f for f in left if not f.startswith("Addition/OVERLAY-") and not f.startswith("report.")]
    r.check(others == ["DebugDicom/mine.dcm", "Segmentations/notes.txt", "StructureSet/RS.dcm"], "left:", others)
    r.check(not os.path.exists(folder + "/debug_visualization"), "an empty folder is left")
    r.check(not glob.glob(out + "/.UID_*"), "a staging folder is left")


def unmarked(paths, to):
    """Copies that do not say that netrt made them, as of an archive that has its own mind about what to keep."""
    os.makedirs(to)
    for path in paths:
        ds = pydicom.dcmread(path)
        del ds.ContributingEquipmentSequence
        ds.save_as(os.path.join(to, os.path.basename(path)))
    return to


def check_came_back(w):
    """Overlay images and debug pictures that come back without netrt's mark: known by their series, with and without
    new UIDs.  Of another structure set they are somebody else's, and count."""
    r, source = w.r, w.path("phantom")
    basic = w.anonymization("basic", keep=["StudyInstanceUID"])
    shutil.copytree(source, w.path("back-other"))
    ds = pydicom.dcmread(w.path("back-other", "rs", "RS.dcm"))
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID + ".9"
    ds.save_as(w.path("back-other", "rs", "RS.dcm"))
    for what, anonymization in (("as it is", {"enabled": False}), ("new UIDs", basic)):
        config = w.config("back.yaml", anonymization, processing={"add_burn_in_disclaimer": False, "debug": True})
        out = w.path("back", what)
        done = run("process", "-q", "-c", config, source, "-o", out + "/1")
        if not r.check(done.code == 0, what, done.code, done.err[-1000:]):
            continue
        first = study_folder(out + "/1")
        for t in ("OVERLAY", "DEBUG"):
            back = unmarked(outputs(first, t), os.path.join(out, t))
            for name, study, images, derived in (("again", source, 4, 4), ("another set", w.path("back-other"), 8, 0)):
                place = os.path.join(out, t + name)
                done = run("process", "-q", "-c", config, study, back, "-o", place)
                if r.check(done.code == 0, what, t, name, done.code, done.err[-1000:]):
                    with open(study_folder(place) + "/report.json", encoding="utf-8") as file:
                        read = json.load(file)["input"]
                    r.check((read["images"], read["overlay_images_of_earlier_runs"]) == (images, derived), what, t, name,
                            "were taken for", read)


def letters(folder):
    """Of which of two runs what is there is: A and B have other texts in every object."""
    found = set()
    for path in [*outputs(folder), folder + "/report.txt"]:
        with open(path, "rb") as file:
            found.update(re.findall(rb"run ([AB])\b|letter_([AB])", file.read()))
    return {(a or b).decode() for a, b in found}


def check_killed(w):
    """SIGKILL at each of the renames that put a new output in the place of an old one; then a run that fails:
    what is there is wholly of the one or wholly of the other."""
    r, fates = w.r, []
    if shutil.which("strace") is None:
        print("SKIP e2e/outputs: strace is not installed")
        return
    configs = {x: w.config("letter_%s.yaml" % x, {"enabled": False}, **sections(
        overlay_series_description="run " + x, debug_series_description="run " + x,
        segmentation_series_description_template="run %s {}" % x, structure_set="relinked" if x == "A" else "none"))
        for x in "AB"}
    old, broken = w.path("killed-old"), w.path("killed-broken")
    run("process", "-q", "-c", configs["A"], w.path("phantom"), "-o", old)
    shutil.copytree(w.path("phantom"), broken)
    with open(sorted(glob.glob(broken + "/ct/*"))[1], "r+b") as file:
        file.truncate(3000)
    for when in range(1, 12):
        out = w.path("killed%d" % when)
        shutil.copytree(old, out)
        command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=renameat2:signal=KILL:when=%d" % when, NETRT, "process",
                   "-q", "-j", "1", "-c", configs["B"], w.path("phantom"), "-o", out]
        done = subprocess.run(command, capture_output=True, check=False, timeout=60)
        if b"attach" in done.stderr or b"ptrace" in done.stderr:
            print("SKIP e2e/outputs: strace may not trace here")
            return
        failed = run("process", "-q", "-c", configs["B"], broken, "-o", out)
        r.check(failed.code == 65, "killed at", when, "the run after it:", failed.code, failed.err)
        folder = study_folder(out)
        is_of = letters(folder)
        r.check(len(is_of) == 1, "killed at", when, "left", is_of)
        r.check(not glob.glob(out + "/.UID_*"), "killed at", when, "a staging folder is left")
        made = counts(folder)
        want = {"OVERLAY": 4, "DEBUG": 4, "pictures": 4, "STRUCTURE_SET": int(is_of == {"A"}), "SEGMENTATION": 12}
        r.check(made == want, "killed at", when, made, is_of)
        fates.append("".join(is_of))
        if done.returncode == 0:
            break
    r.check(set(fates) == {"A", "B"} and fates == sorted(fates), "fates:", fates)
    print("killed at each rename:", " ".join(fates))


# ---- the service ----

def lines_of(service, uid):
    """[(event, series type)] of a study, as the transaction log has them."""
    return re.findall(r"(SENDING_\w+) SeriesType: (\w+), StudyUID: %s," % re.escape(uid), service.transactions())


def gone(service):
    return not [f for f in os.listdir(service.working) if f.startswith("UID_")]


def check_accounts(r, what, service, uid):
    got = lines_of(service, uid)
    want = [("SENDING_START", t) for t in SENT] + [("SENDING_SUCCESS", t) for t in SENT]
    r.check(got == want, what, "told", got)


def check_report(r, what, service, made, result="delivered"):
    paths = glob.glob(service.reports + "/report_*.json")
    r.check(len(paths) == 1, what, "reports:", os.listdir(service.reports))
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for d in json.load(file)["destinations"]:
                said = {t: n["sent"] for t, n in d["series"].items()}
                r.check(said == made and list(said) == list(SENT), what, "the report says", said, "of", made)
                r.check(d["result"] == result, what, "the report says", d["result"])


def check_serve(w):
    """NETRT's defaults and all the rest, the planted study by C-STORE, to storescp."""
    r = w.r
    folder = w.path("serve")
    os.makedirs(folder)
    with Storescp(folder + "/pacs", "--fork", "+B") as pacs:
        anonymization = w.anonymization("netrt")
        service = Service(folder, destination=("STORESCP", pacs.port), anonymization=anonymization,
                          processing={**ALL, "add_burn_in_disclaimer": True}, feature_flags=SEGMENTS)
        with service:
            objects = [Object(f) for f in sorted(glob.glob(w.planted + "/*/*"))]
            answers = send(service.port, objects)
            r.check(set(answers.values()) == {0}, "C-STORE:", answers)
            r.check(wait_for(lambda: gone(service) and len(pacs.files()) > 9, 60), "not delivered:", pacs.files(),
                    service.log()[-3000:])
            said = re.search(r"SENDING_START SeriesType: OVERLAY, StudyUID: (\S+),", service.transactions())
            if r.check(said, "no SENDING_START", service.transactions()):
                check_accounts(r, "storescp", service, said.group(1))
            got = [pydicom.dcmread(f) for f in pacs.files()]
            made = {"OVERLAY": sum(d.Modality == "CT" and "OverlayRows" not in d and d.SeriesNumber == 98 for d in got),
                    "STRUCTURE_SET": sum(d.Modality == "RTSTRUCT" for d in got),
                    "SEGMENTATION": sum(d.Modality == "SEG" for d in got),
                    "DEBUG": sum(d.SeriesNumber == 101 for d in got)}
            r.check(made["OVERLAY"] == 4 and made["DEBUG"] == 4 and made["STRUCTURE_SET"] == 1 and made["SEGMENTATION"] > 5,
                    "arrived:", made)
            check_report(r, "storescp", service, made)
            eyes = deid_pipeline.Eyes(r, w.plants, "netrt")
            eyes.folder(pacs.folder, "storescp")
            eyes.folder(service.reports, "reports")
            eyes.folder(service.logs, "logs")
            eyes.look(service.all_logs().encode(), "standard output")
            print("serve: %d objects, %d plants looked for in %d places, %d bytes" % (
                len(got), len(eyes.wanted), eyes.places, eyes.bytes))
            service.end(r, "storescp")


def check_orthanc(w):
    """All series of a study are committed to before it goes; --debug."""
    r = w.r
    if shutil.which("Orthanc") is None:
        print("SKIP e2e/outputs: Orthanc is not installed")
        return
    study = Study(w.path("orthanc-study"), 78, 6)
    with workspace("outputs") as folder:
        service = Service(folder + "/netrt", processing={**ALL, "add_burn_in_disclaimer": True, "segmentation": "combined"},
                          feature_flags=SEGMENTS)
        with service, Orthanc(folder + "/to", {"netrt": ("NETRT", service.port)}) as target:
            service.settings["dicom_destinations"] = [{"name": "orthanc", "ip": "localhost", "port": target.port,
                                                       "ae_title": "ORTHANC", "storage_commitment": "request"}]
            service.configure()
            service.stop()
            service.start()
            send(service.port, study.objects)
            expected = study.expected(service.config)
            r.check(wait_for(lambda: gone(service), 60), "not committed", service.files(), service.log()[-3000:],
                    target.log()[-1500:])
            kept = target.rest("/instances")
            r.check(len(kept) == len(expected) == 6 + 1 + 1 + 6, "Orthanc has", len(kept), "of", len(expected))
            of = [target.rest("/series/" + s) for s in target.rest("/series")]
            r.check(sorted(s["MainDicomTags"]["Modality"] for s in of)[:1] == ["CT"] and len(of) == 4, "series:",
                    [s["MainDicomTags"] for s in of])
            check_accounts(r, "Orthanc", service, study.uid)
            check_report(r, "Orthanc", service, {"OVERLAY": 6, "STRUCTURE_SET": 1, "SEGMENTATION": 1, "DEBUG": 6}, "committed")
            service.end(r, "Orthanc")


def check_refusing(w):
    """A destination that takes no segmentations: it has all else, the study waits in quarantine and says
    what is missing; when it takes them, they alone are sent."""
    r, segmentation = w.r, "1.2.840.10008.5.1.4.1.1.66.4"
    study, destination = Study(w.path("refused-study"), 79, 4), Destination()
    accepts = destination.accepts
    destination.accepts = lambda abstract, syntaxes: None if abstract == segmentation else accepts(abstract, syntaxes)
    service = Service(w.path("refused"), destination=("DEST", destination.port), processing=ALL, feature_flags=SEGMENTS,
                      delivery={"retry_first_seconds": 1, "retry_most_seconds": 1, "permanent_attempts": 2})
    with service:
        expected = study.expected(service.config)
        send(service.port, study.objects)
        r.check(wait_for(service.quarantined, 30), "not in quarantine", service.files(), service.log()[-2000:])
        r.check(len(destination.kept) == 4 + 1 + 4 and not destination.twice, "arrived", len(destination.kept))
        (folder,) = service.quarantined()
        with open("%s/quarantine/%s/reason" % (service.working, folder), encoding="utf-8") as file:
            reason = file.read()
        missing = set(re.findall(r"not confirmed: (\w+) \S+", reason))
        r.check(missing == {"SEGMENTATION"} and reason.count("not confirmed") == len(expected) - 9, "reason:", reason)
        told = set(lines_of(service, study.uid))
        r.check({t for e, t in told if e == "SENDING_SUCCESS"} == set(SENT) - {"SEGMENTATION"} and
                {t for e, t in told if e == "SENDING_FAILED"} == {"SEGMENTATION"}, "told", told)
        destination.accepts = accepts
        done = service.command("quarantine", "release", study.uid)
        r.check(done.code == 0, "release:", done.out, done.err)
        r.check(wait_for(lambda: gone(service) and len(destination.kept) == len(expected), 30), "after the release:",
                len(destination.kept), "of", len(expected), service.log()[-2000:])
        r.check(not destination.twice, "came twice:", len(destination.twice))
        r.check({sop: undated(data) for sop, (_, data) in destination.kept.items()} == expected, "others than process makes")
        service.end(r, "a destination that refuses")


def check_later(w):
    """A second structure set when all of the first is delivered: only what is made of it is sent, and all of that."""
    r, study, destination = w.r, Study(w.path("later-study"), 80, 4), Destination()
    service = Service(w.path("later"), destination=("DEST", destination.port), processing=ALL, feature_flags=SEGMENTS,
                      watcher={"debounce_interval_seconds": 1, "complete_grace_seconds": 0, "keep_sources_hours": 1})
    with service:
        expected = study.expected(service.config)
        send(service.port, study.objects)
        r.check(destination.wait(lambda: len(destination.kept) == len(expected), 30), "first:", len(destination.kept))
        r.check(wait_for(lambda: len(lines_of(service, study.uid)) == 8, 10), lines_of(service, study.uid))
        ds = pydicom.dcmread(study.structures[0].path)
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID + ".2"
        ds.SeriesInstanceUID += ".2"
        ds.save_as(study.folder + "/rs/RS2.dcm")
        shutil.rmtree(study.folder + ".out")
        both = study.expected(service.config)
        r.check(len(both) == 2 * len(expected), "both make", len(both))
        send(service.port, [Object(study.folder + "/rs/RS2.dcm")])
        r.check(destination.wait(lambda: len(destination.kept) == len(both), 30), "both:", len(destination.kept), "of", len(both),
                service.log()[-2000:])
        r.check(not destination.twice, "came twice:", len(destination.twice))
        r.check({sop: undated(data) for sop, (_, data) in destination.kept.items()} == both, "others than process makes")
        (row,) = [s for s in service.status()["studies"] if s["uid"] == study.uid]
        series = row["destinations"][0]["series"]
        r.check(list(series) == list(SENT) and series["OVERLAY"]["made"] == 8, "status:", series)
        service.end(r, "a later structure set")


CHECKS = [check_made_up, check_plants, check_both_searched_for, check_encodings, check_defaults, check_two_sets, check_real, check_again, check_came_back,
          check_killed, check_serve, check_orthanc, check_refusing, check_later]


def main():
    need_serve("outputs")
    r = Report("outputs")
    wanted = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        w = deid_pipeline.Work(r, folder)
        for check in CHECKS:
            if not wanted or check.__name__ in wanted:
                check(w)
    return r.end()


if __name__ == "__main__":
    sys.exit(main())
