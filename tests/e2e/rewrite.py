#!/usr/bin/python3
"""A rewrite with no change equals its source, for every file of the shared data that is valid.

Valid is what dcmdump reads to its end.  Of each such file the data set must come out byte for byte,
and dcmdump must print the same for the copy, file meta information apart.  What dcmdump cannot read
may be refused, but not silently.
"""
import os
import subprocess
import sys
import tempfile

from harness import DATA, Report, skip

TOOL = "build/test_rewrite"
BATCH = 40


def files_below(folder):
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if name.endswith(".dcm"):
                yield os.path.join(place, name)


def dump(paths):
    """What dcmdump prints of each data set, all values whole; None of a file it cannot read."""
    out = subprocess.run(["dcmdump", "-q", "+L", "+F", *paths], capture_output=True, check=False).stdout
    parts = out.split(b"# dcmdump (")[1:]
    texts = {}
    for part in parts:
        head, _, text = part.partition(b"\n")
        number = int(head.split(b"/")[0])
        texts[number - 1] = text.partition(b"# Dicom-Data-Set")[2].rstrip()
    return [texts.get(i) or None for i in range(len(paths))]


def readable(path):
    return subprocess.run(["dcmdump", "-q", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False).returncode == 0


def without_syntax(text):
    """A file without meta information has none for dcmdump to name; the copy has."""
    return b"\n".join(x for x in text.splitlines() if not x.startswith(b"# Used TransferSyntax"))


def batches(items):
    for i in range(0, len(items), BATCH):
        yield items[i : i + BATCH]


def check_batch(r, work, paths):
    out = subprocess.run([TOOL, work, *paths], capture_output=True, check=False)
    r.check(out.returncode == 0 and not out.stderr, TOOL, "ends with", out.returncode, out.stderr)
    rows = [line.split("\t") for line in out.stdout.decode().splitlines()]
    if not r.check(len(rows) == len(paths), TOOL, "says", len(rows), "of", len(paths)):
        return 0
    good = []
    for path, row in zip(paths, rows):
        if row[0] == "ok":
            r.check(row[4] == "same", path, "the data set differs")
            good.append((path, os.path.join(work, row[1] + ".dcm")))
        else:
            r.check(row[2], path, "refused without a reason")
            r.check(not readable(path), path, "is refused:", row[2])
    sources = dump([g[0] for g in good])
    copies = dump([g[1] for g in good])
    for (path, copy), before, after in zip(good, sources, copies):
        if before is None:
            r.check(not readable(path), path, "was not compared")
            continue
        r.check(b"\n(" in before and after is not None and without_syntax(before) == without_syntax(after), path, "differs in dcmdump")
        os.remove(copy)
    return len(good)


def main():
    r = Report("rewrite")
    if not os.path.isdir(DATA):
        skip("rewrite", "no shared data at " + DATA)
    paths = list(files_below(DATA))
    done = 0
    with tempfile.TemporaryDirectory() as work:
        for batch in batches(paths):
            done += check_batch(r, work, batch)
    print("  %d of %d files rewritten" % (done, len(paths)))
    return r.end()


if __name__ == "__main__":
    sys.exit(main())
