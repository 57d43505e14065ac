#!/usr/bin/python3
"""netrt dump against pydicom: every file of the shared data (NETRT_DATA), element by element.

--json must say what pydicom reads; the text form must end with 0 or 65 and a message, and must not
let a control character through.  Run from the project root; NETRT names another binary.
"""
import base64
import json
import math
import os
import re
import struct
import subprocess
import sys
import warnings

try:
    import pydicom
    from pydicom import config
    from pydicom.charset import decode_element
except ImportError:
    print("SKIP e2e/dump: pydicom is not installed")
    sys.exit(0)

warnings.simplefilter("ignore")
config.settings.reading_validation_mode = config.IGNORE
config.replace_un_with_known_vr = False

NETRT = os.environ.get("NETRT", "build/netrt")
DATA = os.environ.get("NETRT_DATA", "../shared/data")
UNITS = {"OW": 2, "OL": 4, "OF": 4, "OD": 8, "OV": 8}
BINARY = ("OB", "OW", "OL", "OF", "OD", "OV", "UN")
NUMBERS = ("US", "SS", "UL", "SL", "FL", "FD", "SV", "UV")

# Damaged: the text form shows what there is and ends with 65, --json shows nothing.
DAMAGED = {"MR_truncated.dcm", "rtplan_truncated.dcm"}
# A stray byte in front of the first element: no data set begins there.
NOT_DICOM = {"no_meta.dcm"}


class Differs(Exception):
    """What netrt says is not what pydicom says."""


def check(condition, *what):
    if not condition:
        raise Differs(" ".join(str(w) for w in what))


def run(*args):
    return subprocess.run([NETRT, *args], capture_output=True, timeout=120, check=False)


def little_endian(value, unit):
    whole = len(value) - len(value) % unit
    swapped = b"".join(value[i : i + unit][::-1] for i in range(0, whole, unit))
    return swapped + value[whole:]


def values_of(elem):
    value = elem.value
    if value is None or value == "":
        return []
    if elem.VM > 1 or isinstance(value, (list, pydicom.multival.MultiValue)):
        return list(value)
    return [value]


def same_number(vr, ours, theirs):
    if isinstance(ours, str) and ours in ("NaN", "Infinity", "-Infinity"):
        theirs = float(theirs)
        return ours == ("NaN" if math.isnan(theirs) else "Infinity" if theirs > 0 else "-Infinity")
    if vr == "FL":
        return struct.pack("<f", ours) == struct.pack("<f", theirs)
    return float(ours) == float(theirs)


def compare_name(tag, ours, theirs):
    groups = [g.rstrip() for g in str(theirs).split("=")]
    mine = ours or {}
    for i, key in enumerate(("Alphabetic", "Ideographic", "Phonetic")):
        want = groups[i] if i < len(groups) else ""
        check(mine.get(key, "").strip() == want.strip(), tag, key, mine, "!=", groups)


def compare_values(tag, vr, ours, elem):
    theirs = values_of(elem)
    if not any(str(v).strip("\0 ") for v in theirs):
        theirs = []
    check(len(ours) == len(theirs), tag, vr, "count", ours, "!=", theirs)
    for mine, other in zip(ours, theirs):
        if vr == "PN":
            compare_name(tag, mine, other)
        elif vr == "AT":
            check(mine == "%08X" % int(other), tag, mine, "!=", other)
        elif vr in NUMBERS or (vr in ("DS", "IS") and isinstance(mine, (int, float))):
            check(same_number(vr, mine, other), tag, mine, "!=", other)
        else:
            text = (mine or "").strip("\0 ")
            other = str(other).strip("\0 ")
            if vr == "DS" or vr == "IS":
                other = getattr(other, "original_string", other)
            check(text == other, tag, vr, repr(text), "!=", repr(other))


def compare_element(tag, ours, raw, elem, big_endian):
    vr = ours["vr"]
    check(set(ours) <= {"vr", "Value", "InlineBinary"} and len(ours) <= 2, tag, "members", set(ours))
    if vr == "SQ":
        check(elem.VR == "SQ", tag, "sequence, pydicom has", elem.VR)
        items = ours.get("Value", [])
        check(len(items) == len(elem.value), tag, len(items), "items, not", len(elem.value))
        for mine, other in zip(items, elem.value):
            compare_item(tag, mine, other, big_endian)
        return
    if vr in BINARY:
        value = raw.value if hasattr(raw, "is_raw") and raw.is_raw else elem.value
        value = b"" if value is None else value
        if big_endian and vr in UNITS:
            value = little_endian(value, UNITS[vr])
        mine = base64.b64decode(ours.get("InlineBinary", ""), validate=True)
        check("Value" not in ours and mine == value, tag, vr, len(mine), "bytes differ from", len(value))
        return
    if elem.VR not in (vr, "US or SS", "OB or OW", "US or SS or OW"):
        check(raw.VR == vr, tag, "VR", vr, "not", elem.VR, raw.VR)
    if elem.VR != "US or SS":
        compare_values(tag, vr, ours.get("Value", []), elem)


def compare_item(where, ours, dataset, big_endian):
    tags = ["%08X" % t for t in dataset.keys() if t.group > 2 and t.element != 0]
    check(sorted(tags) == list(ours), where, "tags", sorted(set(tags) ^ set(ours)), "or their order")
    for tag in dataset.keys():
        name = "%08X" % tag
        if name in ours:
            raw = dataset.get_item(tag)
            compare_element(where + "/" + name, ours[name], raw, dataset[tag], big_endian)


def check_text(path, name):
    done = run("dump", path)
    text = done.stdout.decode("utf-8")
    check(done.returncode == (65 if name in DAMAGED else 0), "exit code", done.returncode, done.stderr)
    check(re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", text) is None, "a control character")
    check(("# error: " in text) == (done.returncode == 65), "message in the text")
    check(bool(done.stderr) == (done.returncode == 65), "message on standard error", done.stderr)
    whole = run("dump", "--whole", path)
    check(whole.returncode == done.returncode, "--whole exit code", whole.returncode)
    check(" ... (" not in whole.stdout.decode("utf-8"), "--whole cuts")
    return text


def check_file(path):
    name = os.path.basename(path)
    if name in NOT_DICOM:
        for done in (run("dump", path), run("dump", "--json", path)):
            check(done.returncode == 65 and done.stdout == b"" and done.stderr, "not DICOM", done)
        return
    text = check_text(path, name)
    done = run("dump", "--json", path)
    if name in DAMAGED:
        check(done.returncode == 65 and done.stdout == b"" and done.stderr, "--json of a damaged file")
        return
    check(done.returncode == 0 and done.stdout.endswith(b"}\n"), "--json", done.returncode, done.stderr)
    ours = json.loads(done.stdout.decode("utf-8"), object_pairs_hook=no_repeats)
    dataset = pydicom.dcmread(path, force=True)
    compare_item(name, ours, dataset, not dataset.is_little_endian)
    for elem in dataset:
        if elem.tag.group > 2 and elem.tag.element != 0:
            check("(%04X,%04X)" % (elem.tag.group, elem.tag.element) in text, elem.tag, "not in the text")


def no_repeats(pairs):
    check(len(dict(pairs)) == len(pairs), "a member twice")
    return dict(pairs)


def check_commands(files):
    done = run("dump", "/nonexistent/netrt")
    check(done.returncode == 66 and done.stderr, "a file that is not there", done.returncode)
    check(run("dump").returncode == 64 and run("dump", "--no").returncode == 64, "usage")
    check(run("dump", "--help").returncode == 0, "help")
    done = run("dump", "--json", files[0], "/nonexistent/netrt", files[1])
    check(done.returncode == 66, "one file of three is not there", done.returncode)
    check(len([json.loads(line) for line in done.stdout.splitlines()]) == 2, "two files, two lines")
    done = run("dump", files[0], files[1])
    check(all(b"# " + os.fsencode(f) + b"\n" in done.stdout for f in files[:2]), "headings")
    with open("/dev/full", "wb") as full:
        code = subprocess.run([NETRT, "dump", files[0]], stdout=full, stderr=subprocess.PIPE, check=False)
    check(code.returncode == 74 and code.stderr, "full disk", code.returncode)


def collect():
    odd = os.path.join(DATA, "odd")
    files = [os.path.join(odd, f) for f in sorted(os.listdir(odd)) if f.endswith(".dcm")]
    sets = os.path.join(DATA, "sets")
    for name in sorted(os.listdir(sets)):
        for folder, _, names in sorted(os.walk(os.path.join(sets, name))):
            found = [os.path.join(folder, n) for n in sorted(names) if n.endswith(".dcm")]
            files += found[:3]
    return files


def main():
    if not os.path.isdir(os.path.join(DATA, "odd")):
        print("SKIP e2e/dump: no shared data at", DATA)
        return 0
    files = collect()
    failures = 0
    for path in files:
        try:
            check_file(path)
        except (Differs, ValueError) as problem:
            failures += 1
            print("FAIL %s: %s" % (path, problem))
    try:
        check_commands(files)
    except Differs as problem:
        failures += 1
        print("FAIL commands:", problem)
    print("e2e/dump: %d files, %d failures" % (len(files), failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
