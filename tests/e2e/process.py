#!/usr/bin/python3
"""netrt process as a program: exit codes, output that is whole or absent, signals, crashes, memory.

What is in the images is looked at elsewhere (overlay.py).
"""
import glob
import hashlib
import json
import os
import pty
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from harness import CAN_MEASURE, DATA, NETRT, Report, run

OFF = "anonymization:\n  enabled: false\nprocessing:\n  add_burn_in_disclaimer: false\n"
MIB = 1 << 20


def phantom(path, *options):
    done = run("phantom", path, "--matrix", "64", *options)
    assert done.code == 0, done.err
    return path


def tree(folder):
    """Every file below, with the digest of its content."""
    found = {}
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = hashlib.sha256(file.read()).hexdigest()
    return found


def images(folder):
    return {name: digest for name, digest in tree(folder).items() if "/Addition/" in name}


def outputs(folder):
    return sorted(name for name in os.listdir(folder)) if os.path.isdir(folder) else []


class Work:
    def __init__(self, r, folder):
        self.r, self.folder = r, folder
        self.config = self.path("off.yaml")
        with open(self.config, "w") as file:
            file.write(OFF)
        self.study = phantom(self.path("study"), "--slices", "40")
        self.other = phantom(self.path("other"), "--slices", "20", "--seed", "2")

    def path(self, name):
        return os.path.join(self.folder, name)

    def process(self, *args, **options):
        return run("process", "-c", self.config, *args, **options)

    def start(self, *args, **options):
        return subprocess.Popen([NETRT, "process", "-c", self.config, *args], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    def config_file(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)


def check_exit_codes(w):
    r, out = w.r, w.path("codes")
    os.mkdir(w.path("empty"))
    shutil.copytree(w.study + "/ct", w.path("ct-only"))
    w.config_file("text", "nothing of interest")
    bad = w.config_file("bad.yaml", OFF + "  overlay_series_numbr: x\nprocessing: 3\n")
    on = w.config_file("on.yaml", "anonymization:\n  enabled: true\n")
    rows = [
        ("done", 0, ["-c", w.config, w.study, "-o", out]),
        ("no arguments", 64, []),
        ("unknown option", 64, [w.study, "-o", out, "--frobnicate"]),
        ("no output", 64, ["-c", w.config, w.study]),
        ("workers", 64, ["-c", w.config, w.study, "-o", out, "-j", "257"]),
        ("images alone", 65, ["-c", w.config, w.path("ct-only"), "-o", out]),
        ("a structure set alone", 65, ["-c", w.config, w.study + "/rs", "-o", out]),
        ("no input", 66, ["-c", w.config, w.path("nowhere"), "-o", out]),
        ("one input of two is not there", 66, ["-c", w.config, w.study, w.path("nowhere"), "-o", out]),
        ("an empty folder", 66, ["-c", w.config, w.path("empty"), "-o", out]),
        ("no DICOM", 66, ["-c", w.config, w.path("text"), "-o", out]),
        ("a file for a folder", 73, ["-c", w.config, w.study, "-o", w.path("text")]),
        ("below a file", 73, ["-c", w.config, w.study, "-o", w.path("text") + "/x"]),
        ("no such configuration", 78, ["-c", w.path("nowhere"), w.study, "-o", out]),
        ("broken configuration", 78, ["-c", bad, w.study, "-o", out]),
        ("anonymization on", 78, ["-c", on, w.study, "-o", out]),
    ]
    for name, code, args in rows:
        done = run("process", *args)
        r.behaved(done, name)
        r.check(done.code == code, name, "ended with", done.code, "not", code, done.err)
        if code != 0:
            r.check(not done.out, name, "printed", done.out)
    done = w.process(w.path("empty"), "-o", w.path("made/for/nothing"))
    r.check(done.code == 66 and not os.path.exists(w.path("made/for/nothing")), "an empty OUT was left behind")


def check_output(w):
    r, out = w.r, w.path("out")
    before = tree(w.study)
    done = w.process(w.study, "-o", out)
    r.check(done.code == 0, done.err)
    r.check(tree(w.study) == before, "the input was changed")
    (study,) = outputs(out)
    r.check(study.startswith("UID_"), study)
    r.check(sorted(os.listdir(out + "/" + study)) == ["Addition", "report.html", "report.json", "report.txt"], "in the study's folder")
    names = os.listdir(out + "/" + study + "/Addition")
    r.check(len(names) == 40 and all(n.startswith("OVERLAY-") and n.endswith(".dcm") for n in names), "names")
    with open(out + "/" + study + "/report.json") as file:
        report = json.load(file)
    r.check(report["images_written"] == 40 and report["study"] == study[4:], "report.json")
    rois = report["structure_sets"][0]["rois"]
    r.check(any(roi["contours_used"] > 0 and roi["volume_ml"] > 0 for roi in rois), "no ROI with a volume")
    for roi in rois:
        r.check(roi["contours_used"] > 0 or roi["notes"], "ROI", roi["name"], "is not used without a reason")
    with open(out + "/" + study + "/report.txt") as file:
        text = file.read()
    for roi in rois:
        r.check(roi["name"] in text, "report.txt lacks ROI", roi["name"])


def check_same_bytes(w):
    r = w.r
    env = dict(os.environ, SOURCE_DATE_EPOCH="1700000000")
    seen = []
    for jobs in ("1", "4", "256"):
        out = w.path("jobs" + jobs)
        child = w.start(w.study, "-o", out, "-j", jobs, "-q", env=env)
        child.communicate()
        r.check(child.returncode == 0, "-j", jobs, child.returncode)
        seen.append(images(out))
    r.check(len(seen[0]) == 40 and seen[0] == seen[1] == seen[2], "the number of workers changes the output")


def check_again(w):
    """Twice to the same place, with OUT inside IN, and with OUT as IN."""
    r = w.r
    for name in ("inside", "same"):
        study = w.path("again-" + name)
        shutil.copytree(w.study, study)
        out = study if name == "same" else study + "/deep/out"
        for turn in (1, 2, 3):
            done = w.process(study, "-o", out)
            r.check(done.code == 0, name, "turn", turn, done.err)
            made = images(out)
            r.check(len(made) == 40, name, "turn", turn, "made", len(made))
            uids = [n for n in outputs(out) if n.startswith("UID_")]
            r.check(len(uids) == 1, name, outputs(out))
            with open(out + "/" + uids[0] + "/report.json") as file:
                read = json.load(file)["input"]
            r.check(read["images"] == 40 and read["series"] == 1, name, "turn", turn, "read its own output:", read)
    # what others put beside the output stays
    folder = out + "/" + uids[0]
    with open(folder + "/Addition/SEG.dcm", "w") as file:
        file.write("mine")
    os.mkdir(folder + "/DCM")
    done = w.process(w.study, "-o", out)
    with open(folder + "/Addition/SEG.dcm") as file:
        r.check(done.code == 0 and file.read() == "mine" and os.path.isdir(folder + "/DCM"), "foreign files are gone")
    # another output of netrt's in the input: its images are known for what they are
    done = w.process(w.study, w.path("again-inside"), "-o", w.path("third"))
    made = images(w.path("third"))
    r.check(done.code == 0 and len(made) == 40, "with an output in the input:", done.code, len(made))


def nothing_left(w, out, *what):
    left = [n for n in (outputs(out)) if n.startswith((".UID_", "UID_"))]
    return w.r.check(not left, *what, "left behind:", left)


def check_full_disk(w):
    r, out = w.r, w.path("limited")

    def few_bytes():
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))

    child = w.start(w.study, "-o", out, "--json", preexec_fn=few_bytes)
    told, err = child.communicate()
    r.check(child.returncode == 73, "file size limit:", child.returncode, err)
    r.check(b"File too large" in err and out.encode() in err, "no reason:", err)
    r.check(json.loads(told)["status"] == "failed", told)
    nothing_left(w, out, "file size limit")

    small = w.path("tmpfs")
    os.mkdir(small)
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "none", small]
    if os.geteuid() != 0 or subprocess.run(mount, stderr=subprocess.DEVNULL).returncode != 0:
        print("SKIP e2e/process: a full disk: no tmpfs can be mounted here")
        return
    try:
        done = w.process(w.study, "-o", small)
        r.behaved(done, "full disk")
        r.check(done.code == 73 and b"No space left" in done.err, "full disk:", done.code, done.err)
        nothing_left(w, small, "full disk")
        with open(small + "/ballast", "wb") as file:
            try:
                file.write(bytes(MIB))
            except OSError:
                pass
        done = w.process(w.study, "-o", small)
        r.check(done.code == 73, "a disk without a byte:", done.code, done.err)
        nothing_left(w, small, "a disk without a byte")
    finally:
        subprocess.run(["umount", small])


def check_unwritable(w):
    r, out = w.r, w.path("closed")
    os.mkdir(out)
    os.chmod(out, 0o555)

    def nobody():
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)

    os.chmod(w.folder, 0o755)
    for name in (out, out + "/new"):
        child = w.start(w.study, "-o", name, preexec_fn=nobody)
        _, err = child.communicate()
        r.check(child.returncode == 73 and b"Permission denied" in err, "unwritable:", child.returncode, err)
    with open(w.path("plain"), "w") as file:
        file.write("x")
    done = w.process(w.study, "-o", w.path("codes"))
    (study,) = outputs(w.path("codes"))
    os.mkdir(w.path("taken"))
    shutil.copy(w.path("plain"), w.path("taken") + "/" + study)
    done = w.process(w.study, "-o", w.path("taken"))
    r.check(done.code == 73, "a file with the study's name:", done.code, done.err)
    r.check(outputs(w.path("taken")) == [study], "left:", outputs(w.path("taken")))


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.0005)
    return None


def children(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def painting(out):
    return lambda: glob.glob(out + "/.UID_*.part/Addition/*.dcm")


def check_signals(w):
    """Stopped in the middle: nothing stays, and the next run is as if nothing had been."""
    r = w.r
    for name, number, whom in (("SIGTERM", signal.SIGTERM, "main"), ("SIGINT", signal.SIGINT, "group"),
                               ("SIGHUP", signal.SIGHUP, "main"), ("SIGKILL", signal.SIGKILL, "main"),
                               ("SIGTERM", signal.SIGTERM, "study")):
        out = w.path("signal-" + name + whom)
        child = w.start(w.big, "-o", out, "-j", "1", start_new_session=True)
        if not r.check(wait_for(painting(out)), name, "the run never began"):
            child.kill()
            continue
        if whom == "group":
            os.killpg(child.pid, number)
        else:
            for pid in [child.pid] if whom == "main" else children(child.pid):
                os.kill(pid, number)
        child.communicate()
        r.check(child.returncode == -number, name, whom, "ended with", child.returncode)
        wait_for(lambda: not glob.glob(out + "/.UID_*"))  # after SIGKILL the study's process clears up alone
        nothing_left(w, out, name, whom)
        again = w.process(w.study, "-o", out)
        r.check(again.code == 0 and len(images(out)) == 40, name, "the next run:", again.code, again.err)


def check_crash(w):
    """A worker, then the study's own process, dies: that study fails and the other is done."""
    r = w.r
    for name, depth in (("worker", 2), ("study", 1)):
        out = w.path("crash-" + name)
        child = w.start(w.big, w.other, "-o", out, "-j", "1", "--json")
        victims = None
        if r.check(wait_for(painting(out)), name, "the run never began"):
            victims = children(child.pid)
            if depth == 2 and victims:
                victims = children(victims[0])
            for pid in victims:
                os.kill(pid, signal.SIGKILL)
        told, err = child.communicate()
        r.check(victims, name, "nobody to kill")
        r.check(child.returncode == 65, name, "crashed:", child.returncode, err)
        r.check(b"SIGKILL" in err, name, "crashed without a word:", err)
        lines = [json.loads(line) for line in told.splitlines()]
        r.check([line["status"] for line in lines] == ["failed", "ok"], name, lines)
        r.check(len(outputs(out)) == 1 and len(images(out)) == 20, name, "after a crash:", outputs(out))


def check_killed_leftovers(w):
    r, out = w.r, w.path("leftovers")
    child = w.start(w.big, "-o", out, "-j", "1", start_new_session=True)
    r.check(wait_for(painting(out)), "the run never began")
    stop = children(child.pid)
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate()
    wait_for(lambda: not any(os.path.exists("/proc/%d" % pid) for pid in stop))
    r.check(len(outputs(out)) == 1 and outputs(out)[0].startswith(".UID_"), "killed:", outputs(out))
    done = w.process(w.big, "-o", out)
    r.check(done.code == 0 and len(images(out)) == 400, "after a killed run:", done.code, done.err)
    r.check(len(outputs(out)) == 1, "after a killed run:", outputs(out))


def check_two_at_once(w):
    r, out = w.r, w.path("two")
    first = w.start(w.big, "-o", out, "-j", "1")
    r.check(wait_for(painting(out)), "the run never began")
    second = w.process(w.big, "-o", out)
    first.communicate()
    r.check(first.returncode == 0 and len(images(out)) == 400, "the first of two", first.returncode)
    r.check(second.code in (0, 73), "the second of two", second.code, second.err)
    r.check(second.code == 0 or b"another netrt" in second.err, "the second of two", second.err)


def check_broken_image(w):
    r, out = w.r, w.path("broken-out")
    study = w.path("broken")
    shutil.copytree(w.study, study)
    victim = study + "/ct/CT0020.dcm"
    os.truncate(victim, os.path.getsize(victim) - 1000)
    done = w.process(study, "-o", out)
    r.behaved(done, "a truncated image")
    r.check(done.code == 65 and victim.encode() in done.err, "a truncated image:", done.code, done.err)
    nothing_left(w, out, "a truncated image")
    # an earlier output is not touched by a later failure
    done = w.process(w.study, "-o", out)
    kept = tree(out)
    done = w.process(study, "-o", out)
    r.check(done.code == 65 and tree(out) == kept, "a failure changed the earlier output")
    r.check(b"earlier run" in done.err, "nothing is said of it:", done.err)


def other_uid(path, copy):
    """The same structure set with another SOP Instance UID of the same length."""
    with open(path, "rb") as file:
        content = file.read()
    at = content.index(b"\x08\x00\x18\x00")  # implicit or explicit VR: eight bytes of header
    end = content.index(b"\x08\x00", at + 8)
    uid = content[at + 8:end].rstrip(b"\0")
    last = b"%d" % ((uid[-1] - ord("0") + 1) % 9 + 1)
    with open(copy, "wb") as file:
        file.write(content.replace(uid, uid[:-1] + last))


def check_changed_image(w):
    """An image that is another one, or is gone, when its turn comes: the study fails, and says which and why."""
    r = w.r
    last = w.big + "/ct/CT0400.dcm"
    kept = w.path("kept.dcm")
    shutil.copy(last, kept)
    for name, change, said in (("another", lambda: other_uid(kept, last + ".new") or os.replace(last + ".new", last),
                                b"changed while it was being processed"),
                               ("gone", lambda: os.unlink(last), b"No such file")):
        out = w.path("changed-" + name)
        child = w.start(w.big, "-o", out, "-j", "1")
        r.check(wait_for(painting(out)), name, "the run never began")
        change()
        _, err = child.communicate()
        r.check(child.returncode == 65 and said in err and b"CT0400" in err, name, child.returncode, err)
        nothing_left(w, out, name)
        shutil.copy(kept, last)


def check_several(w):
    r, out = w.r, w.path("several-out")
    study = w.path("several")
    shutil.copytree(w.study, study)
    other_uid(study + "/rs/RS.dcm", study + "/rs/RS2.dcm")
    done = w.process(study, w.other, w.path("ct-only"), "-o", out, "--json")
    r.check(done.code == 0, "several studies:", done.code, done.err)
    lines = [json.loads(line) for line in done.out.splitlines()]
    r.check([line["structure_sets"] for line in lines] == [2, 1], lines)
    r.check(lines[0]["images_written"] == 80, "two structure sets:", lines[0])
    names = os.listdir(lines[0]["output"] + "/Addition")
    second = [n for n in names if n.endswith("-2.dcm")]
    r.check(len(names) == 80 and len(second) == 40, "two structure sets:", len(names), len(second))
    with open(lines[0]["output"] + "/report.json") as file:
        sets = json.load(file)["structure_sets"]
    r.check(len({s["overlay_series_uid"] for s in sets}) == 2, "one series for two structure sets")
    with open(lines[0]["output"] + "/report.txt") as file:
        r.check("duplicate file" in file.read(), "the duplicates of ct-only are not told")


def check_talk(w):
    """Progress on a terminal only; one line a study; JSON only with --json; nothing with -q."""
    r = w.r
    done = w.process(w.study, "-o", w.path("talk"))
    r.check(b"\r" not in done.err and b"images/s" not in done.err and b"/s\x1b" not in done.err, done.err)
    r.check(done.out.count(b"\n") == 1, done.out)
    done = w.process(w.study, "-o", w.path("talk"), "-q")
    r.check(not done.out and all(line.startswith(b"netrt: warning: ") for line in done.err.splitlines()), "-q:",
            done.out, done.err)
    done = w.process(w.study, "-o", w.path("talk"), "--json")
    r.check(json.loads(done.out)["status"] == "ok", done.out)

    ours, theirs = pty.openpty()
    child = subprocess.Popen([NETRT, "process", "-c", w.config, w.big, "-o", w.path("talk"), "-j", "1"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        if not select.select([ours], [], [], 20)[0]:
            break
        try:
            part = os.read(ours, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
    child.wait()
    os.close(ours)
    r.check(b"/400 images" in shown and b"\r\x1b[K" in shown, "on a terminal:", shown[-2000:])

    env = dict(os.environ)
    closed = subprocess.run([NETRT, "process", "-c", w.config, w.study, "-o", w.path("talk"), "--json"], env=env,
                            stdout=open("/dev/full", "wb"), stderr=subprocess.PIPE)
    r.check(closed.returncode == 74, "a full standard output:", closed.returncode, closed.stderr)


def check_areas(w):
    """The report's areas are those that the overlay planes say of themselves."""
    r = w.r
    try:
        import pydicom
    except ImportError:
        print("SKIP e2e/process: areas: no pydicom")
        return
    config = w.config_file("per_roi.yaml", OFF + "  overlay_planes: per_roi\n")
    done = run("process", "-c", config, w.study, "-o", w.path("areas"), "--json")
    r.check(done.code == 0, done.err)
    out = json.loads(done.out)["output"]
    area, slices = {}, {}
    for name in glob.glob(out + "/Addition/*.dcm"):
        image = pydicom.dcmread(name, stop_before_pixels=True)
        for group in range(0x6000, 0x6020, 2):
            if (group, 0x1500) in image and image[group, 0x1301].value > 0:
                label = image[group, 0x1500].value
                area[label] = area.get(label, 0) + image[group, 0x1301].value
                slices[label] = slices.get(label, 0) + 1
    with open(out + "/report.json") as file:
        rois = json.load(file)["structure_sets"][0]["rois"]
    r.check(len(area) > 5, "hardly a ROI:", area)
    for roi in rois:
        name = roi["name"]
        r.check(roi["images_without_free_group"] == 0, name)
        r.check(roi["area_px"] == area.get(name, 0), name, "area", roi["area_px"], area.get(name))
        r.check(roi["slices"] == slices.get(name, 0), name, "slices", roi["slices"], slices.get(name))
        pixel = roi["area_mm2"] / roi["area_px"] if roi["area_px"] else 0
        r.check(not pixel or abs(pixel - (500 / 64) ** 2) < 1e-3, name, "area of a pixel", pixel)
        r.check(not pixel or abs(roi["volume_ml"] - roi["area_mm2"] * 3 / 1000) < 1e-3, name, "volume")


def check_sheet(w):
    r = w.r
    if b"minimal" in run("version").out:
        done = w.process(w.study, "-o", w.path("sheet"), "--sheet", w.path("s.jpg"))
        r.check(done.code == 64 and b"JPEG" in done.err, "a sheet without JPEG:", done.code, done.err)
        return
    done = w.process(w.study, w.other, "-o", w.path("sheet"), "--sheet", w.path("sheet.d.jpg"))
    r.check(done.code == 0, done.err)
    for name in ("sheet.d.jpg", "sheet.d-2.jpg"):
        with open(w.path(name), "rb") as file:
            r.check(file.read(3) == b"\xff\xd8\xff", name, "is no JPEG")
    done = w.process(w.study, "-o", w.path("sheet"), "--sheet", w.path("nowhere/s.jpg"))
    r.check(done.code == 73 and b"s.jpg" in done.err, "a sheet to nowhere:", done.code, done.err)


def check_memory(w):
    r = w.r
    if not CAN_MEASURE:
        print("SKIP e2e/process: memory: no /usr/bin/time")
        return
    peaks = []
    for study in (w.study, w.big):
        done = w.process(study, "-o", w.path("memory"))
        size = os.path.getsize(study + "/rs/RS.dcm")
        r.check("asan" in NETRT or done.rss < size + 64 * MIB, "memory:", done.rss)
        peaks.append(done.rss - size)
    r.check(peaks[1] < peaks[0] + 8 * MIB, "ten times the slices:", peaks)


def check_shared_data(w):
    r = w.r
    if not os.path.isdir(DATA):
        print("SKIP e2e/process: shared data is not here")
        return
    out = w.path("odd")
    done = w.process(DATA + "/odd", "-o", out)
    r.behaved(done, "odd")
    r.check(done.code == 65 and not os.path.exists(out), "odd:", done.code, outputs(out))
    done = w.process(*sorted(glob.glob(DATA + "/sets/*")), "-o", w.path("all"), "--json", timeout=120)
    r.behaved(done, "sets")
    r.check(done.code == 0, "sets:", done.code, done.err)
    lines = [json.loads(line) for line in done.out.splitlines()]
    r.check(sum(line["status"] == "ok" for line in lines) == 9, "sets:", [line["status"] for line in lines])
    for line in lines:
        if line["status"] != "ok":
            continue
        with open(line["output"] + "/report.json") as file:
            report = json.load(file)
        r.check(len(os.listdir(line["output"] + "/Addition")) == report["images_written"], line["output"])


def main():
    r = Report("process")
    with tempfile.TemporaryDirectory(prefix="netrt-process-") as folder:
        w = Work(r, folder)
        w.big = phantom(w.path("big"), "--slices", "400", "--seed", "3")
        for check in (check_exit_codes, check_output, check_same_bytes, check_again, check_full_disk, check_unwritable,
                      check_signals, check_crash, check_killed_leftovers, check_two_at_once, check_broken_image,
                      check_changed_image, check_several, check_areas, check_talk, check_sheet, check_memory, check_shared_data):
            check(w)
    return r.end()


if __name__ == "__main__":
    sys.exit(main())
