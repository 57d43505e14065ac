"""What the end-to-end tests share: a command run under watch, and a list of what went wrong.

Not executable, so tests/e2e/run leaves it alone.
"""
import os
import signal
import subprocess
import sys
import tempfile
import time

NETRT = os.environ.get("NETRT", "build/netrt")
ASAN = os.environ.get("NETRT_ASAN", "build/asan/netrt")
DATA = os.environ.get("NETRT_DATA", "../shared/data")

# What netrt may end with (sysexits.h).  70 (EX_SOFTWARE) is not among them: that is a bug of ours.
EXIT_CODES = {0, 64, 65, 66, 69, 73, 74, 78}


# Memory is measured by GNU time: a process forked from this one would begin with its memory.
TIME = "/usr/bin/time"
CAN_MEASURE = os.access(TIME, os.X_OK)


class Done:
    """A command that has ended: code (128 and more: a signal), out, err, seconds, and rss: bytes of
    the largest process of the family, None where that cannot be measured."""

    def __init__(self, code, out, err, rss, seconds, timed_out):
        self.code, self.out, self.err = code, out, err
        self.rss, self.seconds, self.timed_out = rss, seconds, timed_out

    def sanitizer(self):
        return b"Sanitizer" in self.err or b"runtime error:" in self.err


def run(*args, binary=None, timeout=20):
    """Run netrt to its end; its whole process group is killed after `timeout` seconds."""
    command = [binary or NETRT, *[os.fspath(a) for a in args]]
    timed_out = False
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.NamedTemporaryFile() as rss:
        if CAN_MEASURE:
            command = [TIME, "-q", "-f", "%M", "-o", rss.name, *command]
        began = time.monotonic()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True)
        try:
            code = child.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            code, timed_out = child.wait(), True
        seconds = time.monotonic() - began
        out.seek(0)
        err.seek(0)
        peak = rss.read().strip()
        peak = int(peak) * 1024 if peak.isdigit() else None
        return Done(128 - code if code < 0 else code, out.read(), err.read(), peak, seconds, timed_out)


class Report:
    """Counts checks; prints each that fails at once; `end` gives the exit code."""

    def __init__(self, name):
        self.name, self.checks, self.failures = name, 0, 0

    def check(self, good, *what):
        self.checks += 1
        if not good:
            self.failures += 1
            print("FAIL", *what)
        return bool(good)

    def behaved(self, done, *what):
        """A code of sysexits.h in time, a message with every code but 0, no sanitizer's report."""
        good = self.check(not done.timed_out, *what, "still running after %.1f s" % done.seconds)
        good &= self.check(done.code in EXIT_CODES, *what, "exit code", done.code, done.err[-2000:])
        good &= self.check(not done.sanitizer(), *what, done.err[-4000:])
        if done.code != 0:
            good &= self.check(done.err.strip(), *what, "exit code", done.code, "without a message")
        return good

    def end(self):
        print("e2e/%s: %d checks, %d failures" % (self.name, self.checks, self.failures))
        return 1 if self.failures else 0


def skip(name, why):
    print("SKIP e2e/%s: %s" % (name, why))
    sys.exit(77)
