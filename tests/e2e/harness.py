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
EXIT_CODES = {0, 64, 65, 66, 73, 74, 78}


class Done:
    """A command that has ended: code (negative: a signal), out, err, rss (bytes), seconds."""

    def __init__(self, code, out, err, rss, seconds, timed_out):
        self.code, self.out, self.err = code, out, err
        self.rss, self.seconds, self.timed_out = rss, seconds, timed_out

    def sanitizer(self):
        return b"Sanitizer" in self.err or b"runtime error:" in self.err


def run(*args, binary=None, timeout=20, stdout=None):
    """Run netrt to its end; its whole process group is killed after `timeout` seconds.

    rss is that of the largest process of the family, as wait4(2) tells it.
    """
    command = [binary or NETRT, *[os.fspath(a) for a in args]]
    began = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=stdout or out, stderr=err, start_new_session=True
        )
        status, usage, timed_out = wait_until(child, began + timeout)
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        return Done(
            child.returncode,
            out.read(),
            err.read(),
            usage.ru_maxrss * 1024,
            time.monotonic() - began,
            timed_out,
        )


def wait_until(child, deadline):
    pause, timed_out = 0.0005, False
    while True:
        pid, status, usage = os.wait4(child.pid, 0 if timed_out else os.WNOHANG)
        if pid != 0:
            return status, usage, timed_out
        if time.monotonic() > deadline:
            os.killpg(child.pid, signal.SIGKILL)
            timed_out = True
        time.sleep(pause)
        pause = min(pause * 1.5, 0.02)


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
