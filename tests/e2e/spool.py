#!/usr/bin/python3
"""The spool while system calls fail, and while it is killed between any two of them (strace); a disk
that is full.  An object that was said to be stored is whole under its name; one that was not is whole
or not there; no .part outlives the attempt, and the next attempt works."""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

from harness import Report, run

TOOL = "build/test_spool"
CALLS = ["openat", "mkdirat", "writev", "fdatasync", "close", "flock", "newfstatat", "renameat2", "fsync",
         "unlinkat", "fstatfs"]
ERRORS = {"EIO": 5, "ENOSPC": 28, "EDQUOT": 122}


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.working = os.path.join(folder, "working")
        run("phantom", os.path.join(folder, "study"), "--preset", "small")
        files = sorted(glob.glob(os.path.join(folder, "study", "**", "*"), recursive=True))
        self.files = [f for f in files if os.path.isfile(f)]
        self.file = max(self.files, key=os.path.getsize)
        self.start()
        self.store("none", [self.file])
        self.whole = self.stored()[0][1]

    def start(self):
        shutil.rmtree(self.working, ignore_errors=True)
        os.mkdir(self.working)

    def stored(self):
        """Name and data set of what is visible; the head is always as long for one instance."""
        out = []
        for path in sorted(glob.glob(os.path.join(self.working, "UID_*", "*", "*.dcm"))):
            with open(path, "rb") as file:
                out.append((os.path.basename(path), file.read()))
        return out

    def parts(self):
        return os.listdir(os.path.join(self.working, ".incoming"))

    def store(self, durability, files, inject=None):
        command = [TOOL, self.working, durability, *files]
        if inject:
            command = ["strace", "-f", "-o", "/dev/null", "-e", "trace=" + inject.split(":")[0],
                       "-e", "inject=" + inject, *command]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        return done.stdout.split("\n")[0], done.returncode

    def calls_of(self, durability, files):
        """Names of the system calls of a run that nothing disturbs, from opening the spool on."""
        self.start()
        trace = os.path.join(self.folder, "trace")
        subprocess.run(["strace", "-o", trace, TOOL, self.working, durability, *files], check=True,
                       capture_output=True)
        with open(trace) as lines:
            return [m.group(1) for m in (re.match(r"(\w+)\(", line) for line in lines) if m]


def check_state(report, bench, what, said):
    visible = bench.stored()
    report.check(len(visible) <= 1, "%s: %d files" % (what, len(visible)))
    for _, content in visible:
        report.check(content == bench.whole, "%s: not whole" % what)
    if said.startswith(("new", "same", "replaced")):
        report.check(len(visible) == 1, "%s: said %s, and nothing is there" % (what, said))


def check_recovery(report, bench, durability, what):
    said, code = bench.store(durability, [bench.file])
    report.check(code == 0 and said.split(" ")[0] in ("new", "same"), "%s: afterwards %s" % (what, said))
    visible = bench.stored()
    report.check(len(visible) == 1 and visible[0][1] == bench.whole, "%s: not whole afterwards" % what)


def errors(report, bench, durability, again):
    """Every call of each kind fails once, with each error."""
    files = [bench.file] * (2 if again else 1)
    calls = bench.calls_of(durability, files)
    for name in CALLS:
        for error, number in ERRORS.items():
            for n in range(1, calls.count(name) + 1):
                bench.start()
                what = "%s, %s %d: %s%s" % (durability, name, n, error, ", again" if again else "")
                if again:
                    bench.store(durability, [bench.file])
                said, code = bench.store(durability, [bench.file], "%s:error=%s:when=%d" % (name, error, n))
                report.check(code in (0, 1), "%s: ended with %d" % (what, code))
                check_state(report, bench, what, said)
                if os.path.isdir(os.path.join(bench.working, ".incoming")) and name != "unlinkat":
                    report.check(not bench.parts(), "%s: a part is left" % what)
                if said.startswith("failed"):
                    report.check(said.startswith("failed %d " % number), "%s: said %s" % (what, said))
                    if name in ("fdatasync", "writev", "renameat2") and not again:
                        report.check(not bench.stored(), "%s: it is there" % what)
                elif name in ("writev", "fdatasync", "fsync", "mkdirat") and n <= 1:
                    report.check(False, "%s: said %s" % (what, said))
                check_recovery(report, bench, durability, what)


def kills(report, bench, durability):
    """Killed at every system call, one after the other."""
    calls = bench.calls_of(durability, [bench.file])
    for name in sorted(set(calls) - {"execve", "exit_group", "arch_prctl", "set_tid_address"}):
        for n in range(1, calls.count(name) + 1):
            bench.start()
            what = "%s, killed at %s %d" % (durability, name, n)
            said, code = bench.store(durability, [bench.file], "%s:signal=SIGKILL:when=%d" % (name, n))
            check_state(report, bench, what, said)
            report.check(code != 0, "%s: not killed" % what)
            check_recovery(report, bench, durability, what)


def full_disk(report, bench):
    os.rename(bench.working, bench.working + ".before")
    os.mkdir(bench.working)
    size = os.path.getsize(bench.file)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%dk" % (size * 3 // 2048 + 64), "none",
                              bench.working], capture_output=True)
    if mounted.returncode != 0:
        print("SKIP: a full disk: no tmpfs can be mounted here")
        return
    try:
        hog = os.path.join(bench.working, "hog")
        with open(hog, "wb") as file:
            file.write(bytes(size))
        for durability in ("none", "strict"):
            said, _ = bench.store(durability, [bench.file])
            report.check(said.startswith("failed 28 "), "full, %s: said %s" % (durability, said))
            report.check(not bench.stored() and not bench.parts(), "full, %s: something is left" % durability)
        os.remove(hog)
        check_recovery(report, bench, "strict", "a disk that was full")
    finally:
        subprocess.run(["umount", bench.working], check=True)


def main():
    if not shutil.which("strace"):
        print("SKIP: tests/e2e/spool.py: no strace")
        return 77
    report = Report("spool")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(folder)
        if bench.store("none", [bench.file], "fstatfs:error=EIO:when=1")[0].split(" ")[0] != "failed":
            print("SKIP: tests/e2e/spool.py: strace cannot inject here")
            return 77
        for durability in ("strict", "none"):
            errors(report, bench, durability, again=False)
        errors(report, bench, "strict", again=True)
        for durability in ("strict", "none"):
            kills(report, bench, durability)
        full_disk(report, bench)
    return report.end()


sys.exit(main())
