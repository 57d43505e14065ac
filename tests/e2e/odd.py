#!/usr/bin/python3
"""Never trust the input: every odd file of the shared data, and things in folders that are no files.

Each file alone through dump, rois and process, then all together: an exit code and a message in
bounded time, nothing from the sanitizers, inputs untouched, and memory under 4 times the input
beyond what netrt takes for next to nothing.
"""
import hashlib
import os
import shutil
import socket
import sys
import tempfile
import zlib

from harness import ASAN, CAN_MEASURE, DATA, NETRT, Report, run

DEMO = ("-c", "tests/e2e/plain.yaml")
# The kernel counts resident pages in batches, and the pages of the program itself that a file makes it
# use (those of zlib, say) count too.
NOISE = 1 << 20


def commands(inputs, out):
    return (
        ("dump", *inputs),
        ("dump", "--json", *inputs),
        ("dump", "--whole", *inputs),
        ("rois", inputs[0]),
        ("process", *DEMO, *inputs, "-o", out, "-j", "1"),
    )


def digest(folder):
    sums = hashlib.sha256()
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            sums.update(name.encode() + hashlib.sha256(file.read()).digest())
    return sums.digest()


def fresh(out):
    shutil.rmtree(out, ignore_errors=True)


def check_clean(r, out, *what):
    """What is there after a run is whole: no folder or file that was being worked on."""
    left = [n for n in os.listdir(os.path.dirname(out)) if n not in (os.path.basename(out), "tiny.dcm")]
    r.check(not left, *what, "left", left)
    for folder, _, names in os.walk(out):
        r.check("UID_" in folder or not names, *what, "left", names, "in", folder)


def base_memory(work, command):
    """The most of three runs on a file of a few bytes that is DICOM and nothing else."""
    tiny = os.path.join(work, "tiny.dcm")
    with open(tiny, "wb") as file:
        file.write(bytes(128) + b"DICM" + b"\x08\x00\x16\x00UI\x04\x001.2\x00")
    out = os.path.join(work, "out")
    args = [tiny if a == "?" else out if a == "!" else a for a in command]
    most = 0
    for _ in range(3):
        most = max(most, run(*args).rss or 0)
        fresh(out)
    return most


def whole_size(path):
    """Bytes of the input: of a deflated data set (PS3.5 A.5), once it is inflated."""
    with open(path, "rb") as f:
        data = f.read()
    if b"1.2.840.10008.1.2.1.99" not in data[:1024] or data[128:132] != b"DICM":
        return len(data)
    meta_end = 144 + int.from_bytes(data[140:144], "little")
    try:
        return max(len(data), len(zlib.decompressobj(-15).decompress(data[meta_end:])))
    except zlib.error:
        return len(data)


def check_files(r, work, files):
    out = os.path.join(work, "out")
    bases = [base_memory(work, c) for c in commands(["?"], "!")]
    worst = {}
    for path in files:
        size = whole_size(path)
        for command, base in zip(commands([path], out), bases):
            for binary in (NETRT, ASAN):
                done = run(*command, binary=binary)
                r.behaved(done, binary, *command)
                check_clean(r, out, binary, *command)
                fresh(out)
                if binary == NETRT and done.rss is not None:
                    extra = max(0, done.rss - base)
                    r.check(extra < 4 * size + NOISE, *command, "takes", extra, "bytes for", size)
                    if size > 4 * NOISE // 10:
                        worst[command[0]] = max(worst.get(command[0], (0, "")), (extra / size, path))
    for name, (ratio, path) in sorted(worst.items()):
        print("  %-8s at most %.2f times the input (%s)" % (name, ratio, os.path.basename(path)))


def check_together(r, work, folder, files):
    out = os.path.join(work, "out")
    size = sum(os.path.getsize(f) for f in files)
    base = base_memory(work, ("process", *DEMO, "?", "-o", "!", "-j", "1"))
    for binary in (NETRT, ASAN):
        for command in (
            ("process", *DEMO, folder, "-o", out),
            ("process", *DEMO, *files, "-o", out, "--json"),
            ("process", *DEMO, folder, folder, files[0], "-o", out, "-j", "1"),
            ("dump", *files),
            ("rois", *[f for f in files if "rtstruct" in f][:1], folder),
        ):
            done = run(*command, binary=binary)
            what = (binary, command[0], "of all files")
            r.behaved(done, *what)
            check_clean(r, out, *what)
            fresh(out)
            if binary == NETRT and command[0] == "process" and done.rss is not None:
                r.check(done.rss - base < 4 * size, *what, "takes", done.rss - base, "bytes for", size)


def check_places(r, work, study):
    """A folder with everything in it that is no file, or not readable as one."""
    place = os.path.join(work, "place")
    out = os.path.join(work, "out")
    shutil.copytree(study, place)
    os.mkfifo(place + "/fifo")
    os.symlink("/dev/zero", place + "/endless")
    os.symlink(place, place + "/ct/loop")
    os.symlink("nowhere", place + "/dangling")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(place + "/socket")
    deep = place
    for _ in range(100):
        deep += "/d"
        os.mkdir(deep)
    for name, data in (
        ("empty", b""),
        ("one", b"D"),
        ("DICOMDIR", b"not one either"),
        ("a\nb\x1b[31m.dcm", b"\0" * 200),
        (b"\xff\xfe".decode("utf-8", "surrogateescape"), b"DICM"),
    ):
        with open(os.path.join(place, name), "wb") as file:
            file.write(data)
    for binary in (NETRT, ASAN):
        done = run("process", *DEMO, place, "-o", out, binary=binary)
        r.behaved(done, binary, "process of a strange folder")
        r.check(done.code == 0, binary, "the study among strange things is lost", done.code, done.err)
        r.check(b"\x1b" not in done.err + done.out, binary, "a control character of a name on the terminal")
        fresh(out)
        for name in ("fifo", "endless", "socket", "dangling", "ct", "empty", "one", "a\nb\x1b[31m.dcm"):
            for command in ("dump", "rois"):
                done = run(command, os.path.join(place, name), binary=binary)
                r.behaved(done, binary, command, name)
                r.check(done.code in (65, 66), binary, command, name, "exit code", done.code)
                r.check(b"\x1b" not in done.err + done.out, binary, command, "a control character of a name")
    listener.close()


def main():
    r = Report("odd")
    if not CAN_MEASURE:
        print("SKIP e2e/odd: memory (GNU time is not installed)")
    folder = os.path.join(DATA, "odd")
    with tempfile.TemporaryDirectory() as work:
        study = os.path.join(work, "study")
        made = run("phantom", study, "--slices", "4", "--matrix", "64")
        if r.check(made.code == 0, "phantom", made.code, made.err):
            check_places(r, work, study)
    if not os.path.isdir(folder):
        print("SKIP e2e/odd: no shared data at", DATA)
        return r.end()
    before = digest(folder)
    files = [os.path.join(folder, n) for n in sorted(os.listdir(folder))]
    with tempfile.TemporaryDirectory() as work:
        check_files(r, work, files)
        check_together(r, work, folder, files)
    r.check(digest(folder) == before, "an input was modified")
    return r.end()


if __name__ == "__main__":
    sys.exit(main())
