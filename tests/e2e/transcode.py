#!/usr/bin/python3
"""Re-encoding gives what dcmconv gives, as dcmdump shows it, for files of the shared data.

Each is made implicit VR little endian, explicit VR little endian and explicit VR big endian.  Lengths
of sequences and items are not compared: dcmconv makes them all defined, netrt keeps them as they are.
Every file of odd/ is taken, and of each set some; all of them with NETRT_ALL=1.
"""
import difflib
import os
import re
import subprocess
import sys
import tempfile

from harness import DATA, Report, skip

TOOL = "build/test_transcode"
TARGETS = {"1.2.840.10008.1.2": "+ti", "1.2.840.10008.1.2.1": "+te", "1.2.840.10008.1.2.2": "+tb"}
DICTIONARIES = ["/usr/share/libdcmtk17/dicom.dic"]

# dcmconv knows VRs of private elements only from its own dictionary, which netrt has not.
ENV = dict(os.environ)

DELIMITER = re.compile(r" *\(fffe,e0(?:0d|dd)\)")

# Where netrt differs on purpose.  A private sequence of undefined length stays one: dcmconv gives it a
# defined length, and in implicit VR nobody can see any more that it is a sequence.
KNOWN = {("nested_priv_SQ.dcm", "+ti"), ("meta_missing_tsyntax.dcm", "+ti")}


def files_below(folder):
    for place, folders, names in os.walk(folder):
        folders.sort()
        images = os.path.basename(place) == "images" and not os.environ.get("NETRT_ALL")
        names = [n for n in sorted(names) if n.endswith(".dcm")]
        for name in names[::max(1, len(names) // 2)] if images else names:
            yield os.path.join(place, name)


def shown(line):
    """Of sequences and items without their lengths."""
    if " SQ (Sequence " in line or " na (Item " in line:
        return line.partition(" with ")[0] + line.partition("#=")[2].partition(")")[0] + line.rpartition(" ")[2]
    return line


def dump(path):
    """Lines of the data set, all values whole; None of a file that dcmdump cannot read."""
    done = subprocess.run(["dcmdump", "-q", "+L", path], capture_output=True, check=False, env=ENV)
    if done.returncode != 0:
        return None
    text = done.stdout.partition(b"# Dicom-Data-Set")[2].decode("latin-1")
    return [shown(x) for x in text.split("\n") if not DELIMITER.match(x)]


def compare(r, source, ours, option, work):
    reference = os.path.join(work, "reference.dcm")
    done = subprocess.run(["dcmconv", "-q", option, source, reference], capture_output=True, check=False, env=ENV)
    if done.returncode != 0:
        return
    want, got = dump(reference), dump(ours)
    if want is None or not r.check(got is not None, option, source, "dcmdump cannot read what was written"):
        return
    if (os.path.basename(source), option) in KNOWN:
        r.check(want != got, option, source, "is known to differ, and does not")
        return
    lines = difflib.unified_diff(want, got, lineterm="", n=0) if want != got else []
    differ = [x for x in lines if not x.startswith(("---", "+++", "@@"))]
    r.check(not differ, option, source, *[x[:160] for x in differ[:6]])


def main():
    if not os.path.isdir(DATA):
        skip("transcode", "no shared data in %s" % DATA)
    for path in DICTIONARIES:
        if os.path.exists(path):
            ENV["DCMDICTPATH"] = path
    r = Report("transcode")
    files = list(files_below(DATA))
    with tempfile.TemporaryDirectory() as work:
        for uid, option in TARGETS.items():
            out = subprocess.run([TOOL, uid, work, *files], capture_output=True, check=False)
            r.check(out.returncode == 0 and not out.stderr, TOOL, "ends with", out.returncode, out.stderr)
            rows = [line.split("\t") for line in out.stdout.decode().splitlines()]
            r.check(len(rows) == len(files), TOOL, "says", len(rows), "of", len(files))
            r.check(sum(x[0] == "ok" for x in rows) > 60, "too few files were re-encoded")
            for row in rows:
                if row[0] == "ok":
                    compare(r, row[2], os.path.join(work, row[1] + ".dcm"), option, work)
    return r.end()


if __name__ == "__main__":
    sys.exit(main())
