#!/usr/bin/python3
"""`netrt echo` and `netrt send` to real peers: DCMTK's storescp in each of its moods and Orthanc; what
they keep is what was sent, byte for byte, or re-encoded as dcmconv does it.  How acceptors that
misbehave are met is in acceptors.py."""
import glob
import json
import os
import shutil
import subprocess
import sys
import zlib

from harness import ASAN, DATA, NETRT, Report, run, skip
from serve_harness import PEER_ENVIRONMENT, Orthanc, Storescp, Study, free_port, workspace
from transcode import dump
from wire import IMPLICIT, Destination, Object, element, image

PART10 = b"\0" * 128 + b"DICM"
NATIVE = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"}


def peer_of(port):
    return "127.0.0.1:%d" % port


def by_instance(paths):
    return {o.sop_instance: o for o in map(Object, paths)}


def write(path, sop_class, sop_instance, syntax, data):
    meta = (element(0x00020001, "OB", b"\0\1", True) + element(0x00020002, "UI", sop_class, True) +
            element(0x00020003, "UI", sop_instance, True) + element(0x00020010, "UI", syntax, True))
    with open(path, "wb") as file:
        file.write(PART10 + element(0x00020000, "UL", len(meta).to_bytes(4, "little"), True) + meta + data)


def sent(r, what, *args, code=0, binary=None):
    done = run("send", *args, binary=binary, timeout=120)
    r.behaved(done, "send:", what)
    r.check(done.code == code, "send:", what, "exit code", done.code, "not", code, done.err[-500:])
    return done


def same(r, what, kept, study):
    for thing in study.objects:
        copy = kept.get(thing.sop_instance)
        if not r.check(copy is not None, what, thing.path, "did not arrive"):
            continue
        r.check(copy.data == thing.data and copy.syntax == thing.syntax, what, thing.path, "arrived changed")


def to_storescp(r, folder, study):
    """One association, several, and a few objects in each; two binaries."""
    for name, binary, options in (
        ("one association", NETRT, ()),
        ("sanitized", ASAN, ()),
        ("four at once", NETRT, ("--associations", "4")),
        ("three each", NETRT, ("--per-association", "3", "--associations", "2")),
    ):
        place = folder + "/" + name.replace(" ", "-")
        with Storescp(place, "--fork", "+B", "+xa") as pacs:
            done = sent(r, name, peer_of(pacs.port), study.folder, *options, binary=binary)
            r.check(b"%d of %d objects sent" % (len(study.objects), len(study.objects)) in done.out, name, done.out)
            same(r, name, by_instance(pacs.files()), study)


def reencoded(r, folder, study):
    """A peer that takes implicit VR only: the data sets are those of dcmconv."""
    with Storescp(folder + "/implicit", "+B", "+xi") as pacs:
        sent(r, "implicit only", peer_of(pacs.port), study.folder)
        kept = {Object(p).sop_instance: p for p in pacs.files()}
    for thing in study.objects:
        copy = kept.get(thing.sop_instance)
        if not r.check(copy is not None, "implicit only:", thing.path, "did not arrive"):
            continue
        r.check(Object(copy).syntax == IMPLICIT, "implicit only:", thing.path, "is", Object(copy).syntax)
        wanted = folder + "/wanted.dcm"
        subprocess.run(["dcmconv", "-q", "+ti", thing.path, wanted], check=True)
        r.check(dump(copy) == dump(wanted), "implicit only:", thing.path, "is not what dcmconv makes")


def odd_files(r, folder):
    """Every odd file that has a SOP class and instance arrives in its own transfer syntax, compressed
    ones too, or is refused with a word; what is no DICOM is passed by."""
    with Storescp(folder + "/odd", "+B", "+xa", "-pm", "--fork") as pacs:
        done = run("send", peer_of(pacs.port), DATA + "/odd", "--json", timeout=120)
        kept = by_instance(p for p in pacs.files())
    r.behaved(done, "send: odd files")
    r.check(done.code == 65, "odd files: exit code", done.code)
    told = json.loads(done.out)
    r.check(told["sent"] >= 50 and told["lost"] == 0 and told["not_tried"] == 0, "odd files:", told)
    problems = {os.path.basename(p["file"]) for p in told["problems"]}
    sources = {}  # several files have one SOP Instance UID: any of them may be the last that was kept
    for path in glob.glob(DATA + "/odd/*.dcm"):
        with open(path, "rb") as file:
            if file.read(132)[128:] == b"DICM":
                thing = Object(path)
                sources.setdefault((thing.sop_instance, thing.syntax), []).append(thing.data)
    compared = 0
    for copy in kept.values():
        data = sources.get((copy.sop_instance, copy.syntax))
        if data is None or any(len(d) % 2 for d in data):
            continue
        compared += r.check(copy.data in data, "odd files:", copy.sop_instance, "arrived changed")
    r.check(compared >= 30, "odd files: only", compared, "arrived as they were")
    compressed = [o for o in kept.values() if o.syntax not in NATIVE]
    r.check(len(compressed) >= 8, "odd files: only", len(compressed), "compressed ones arrived")
    r.check(not problems & {"CT_small.dcm", "JPEG2000.dcm", "MR_small_RLE.dcm", "deflate.dcm"}, "odd files:", problems)
    # a peer that takes no compressed ones says so, and the others arrive
    with Storescp(folder + "/native", "+B", "-pm", "--fork") as pacs:
        done = run("send", peer_of(pacs.port), DATA + "/odd", "--json", timeout=120)
        kept = by_instance(p for p in pacs.files())
    told = json.loads(done.out)
    refused = [p for p in told["problems"] if p["state"] == "not accepted"]
    r.check(done.code == 65 and len(refused) >= 10, "no compressed ones:", done.code, len(refused))
    r.check(all(p["reason"] for p in refused), "no compressed ones:", refused[:2])
    r.check(all(o.syntax in NATIVE for o in kept.values()) and len(kept) >= 28, "no compressed ones:", len(kept))


def refusals(r, folder, study):
    with Storescp(folder + "/refuses", "--refuse") as pacs:
        done = sent(r, "association refused", peer_of(pacs.port), study.folder, code=69)
        r.check(b"rejected" in done.err and b"0 of" in done.out, "association refused:", done.err, done.out)
        done = run("echo", peer_of(pacs.port))
        r.check(done.code == 69 and b"rejected" in done.err, "echo, refused:", done.code, done.err)
    port = free_port()
    done = sent(r, "nobody there", peer_of(port), study.folder, code=69)
    r.check(b"onnection refused" in done.err, "nobody there:", done.err)
    done = sent(r, "no such name", "no-such-host.invalid:104", study.folder, "--timeout", "5", code=69)
    r.check(done.err.strip(), "no such name: not a word")


def private_class(r, folder):
    """An object that the peer does not take is told; the others arrive."""
    os.makedirs(folder + "/private")
    write(folder + "/private/a.dcm", "1.2.840.10008.5.1.4.1.1.2", "2.25.901", "1.2.840.10008.1.2", image("2.25.901"))
    write(folder + "/private/b.dcm", "2.25.1234567", "2.25.902", "1.2.840.10008.1.2",
          image("2.25.902", sop_class="2.25.1234567"))
    with open(folder + "/private/readme.txt", "w", encoding="ascii") as file:
        file.write("not DICOM")
    with Storescp(folder + "/standard", "+B") as pacs:
        done = sent(r, "private class", peer_of(pacs.port), folder + "/private", code=65)
        r.check(b"b.dcm: not accepted by the peer" in done.err and b"1 of 2 objects sent" in done.out and
                b"1 files are not DICOM" in done.out, "private class:", done.err, done.out)
        r.check(list(by_instance(pacs.files())) == ["2.25.901"], "private class: kept", pacs.files())
        done = sent(r, "no DICOM file, named", peer_of(pacs.port), folder + "/private/readme.txt", code=66)
        r.check(b"readme.txt: not a DICOM file" in done.err, "no DICOM file, named:", done.err)
        done = sent(r, "no file", peer_of(pacs.port), folder + "/private/nothing", code=66)


def many_classes(r, folder):
    """More SOP classes than one association has contexts for."""
    place = folder + "/classes"
    os.makedirs(place)
    for n in range(150):
        sop_class, sop_instance = "2.25.5000.%d" % n, "2.25.6000.%d" % n
        write("%s/%03d.dcm" % (place, n), sop_class, sop_instance, IMPLICIT, image(sop_instance, sop_class=sop_class))
    for options in ((), ("--associations", "3")):
        destination = Destination()
        sent(r, "150 classes", peer_of(destination.port), place, *options)
        r.check(len(destination.kept) == 150 and not destination.errors, "150 classes: kept", len(destination.kept),
                destination.errors[:1])
        r.check(len(destination.requests) >= 3, "150 classes:", len(destination.requests), "associations")
        r.check(all(len(q.contexts) <= 128 for q in destination.requests), "150 classes: over 128 contexts")
        r.check(all(len(s) == 1 for q in destination.requests for _, s in q.contexts.values()),
                "150 classes: a context with a choice")
        destination.stop()


def statuses(r, folder, study):
    """Each status is told with its words and the peer's comment, once, and nothing of it unescaped."""
    destination = Destination()
    answers = {1: 0xA700, 2: 0xB007, 3: 0xC123}
    destination.on_store = lambda fields, data, n: answers.get(n, 0)
    done = sent(r, "statuses", peer_of(destination.port), study.folder, code=65)
    for word in (b"error: ", b"A700, out of resources", b"warning: ", b"B007, data set does not match",
                 b"C123, cannot understand", b""):
        r.check(word in done.err, "statuses:", word, "not in", done.err)
    r.check(len(done.err.splitlines()) == 3, "statuses:", done.err)
    r.check(b"1 of them with a warning; 2 refused" in done.out, "statuses:", done.out)
    done = run("send", peer_of(destination.port), study.folder, "-q")
    r.check(done.code == 0 and not done.err, "the second time:", done.code, done.err)
    destination.stores = 0
    done = run("send", peer_of(destination.port), study.folder, "--json")
    told = json.loads(done.out)
    r.check([(p["state"], p["status"]) for p in told["problems"]] ==
            [("refused", "A700"), ("warning", "B007"), ("refused", "C123")], "statuses as JSON:", told["problems"])
    r.check(told["sent"] == len(study.objects) - 2 and told["warnings"] == 1, "statuses as JSON:", told)
    destination.stop()


def odd_lengths(r, folder):
    """Data sets of an odd number of bytes go out with an even one, and whole."""
    place = folder + "/odd-lengths"
    os.makedirs(place)
    tail = element(0x7FE00010, "OB", b"abc", True)
    head = element(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.7", True)
    first = head + element(0x00080018, "UI", "2.25.911", True) + tail
    write(place + "/a.dcm", "1.2.840.10008.5.1.4.1.1.7", "2.25.911", "1.2.840.10008.1.2.1", first)
    second = head + element(0x00080018, "UI", "2.25.912", True) + element(0x00081030, "LO", "x" * 40, True)
    deflated = b""
    for level in range(1, 10):
        packer = zlib.compressobj(level, zlib.DEFLATED, -15)
        deflated = packer.compress(second + element(0x00181030, "LO", "y" * level, True)) + packer.flush()
        if len(deflated) % 2:
            break
    r.check(len(deflated) % 2 == 1, "odd lengths: no odd deflate stream was made")
    write(place + "/b.dcm", "1.2.840.10008.5.1.4.1.1.7", "2.25.912", "1.2.840.10008.1.2.1.99", deflated)
    destination = Destination()
    destination.accepts = lambda abstract, syntaxes: syntaxes[0]
    sent(r, "odd lengths", peer_of(destination.port), place)
    r.check(not destination.errors, "odd lengths:", destination.errors)
    got = {sop: data for sop, (_, data) in destination.kept.items()}
    r.check(got.get("2.25.911") == first[:-7] + b"\4\0\0\0abc\0", "odd lengths:", got.get("2.25.911"))
    r.check(got.get("2.25.912") == deflated + b"\0", "odd lengths: deflated", got.get("2.25.912"))
    destination.stop()


def changed_file(r, folder):
    """A file that is there when it is found, and gone when its turn comes."""
    study = Study(folder + "/vanish", 41, 4)
    destination = Destination()

    def remove(fields, data, n):
        if n == 1:
            os.unlink(study.images[3].path)
        return 0
    destination.on_store = remove
    done = sent(r, "a file that vanishes", peer_of(destination.port), study.folder, code=65)
    r.check(b"cannot open the file" in done.err, "a file that vanishes:", done.err)
    r.check(len(destination.kept) == len(study.objects) - 1, "a file that vanishes: kept", len(destination.kept))
    destination.stop()


def to_orthanc(r, folder, study):
    if shutil.which("Orthanc") is None:
        print("SKIP e2e/send: Orthanc is not installed")
        return
    with Orthanc(folder + "/orthanc", {}, DicomCheckCalledAet=True) as pacs:
        done = run("echo", peer_of(pacs.port), "--aec", "ORTHANC")
        r.check(done.code == 0 and b"ORTHANC" in done.out, "echo to Orthanc:", done.code, done.err)
        done = run("echo", peer_of(pacs.port), "--aec", "OTHER")
        r.check(done.code == 69 and b"called AE title not recognized (1/1/7)" in done.err, "wrong AE title:", done.err)
        done = sent(r, "wrong AE title", peer_of(pacs.port), study.folder, "--aec", "OTHER", code=69)
        sent(r, "to Orthanc", peer_of(pacs.port), study.folder, "--aec", "ORTHANC", "--associations", "2")
        stored = {pacs.rest("/instances/" + i)["MainDicomTags"]["SOPInstanceUID"]: i for i in pacs.rest("/instances")}
        r.check(set(stored) == {o.sop_instance for o in study.objects}, "Orthanc has", len(stored), "instances")
        kept = folder + "/from-orthanc.dcm"
        for thing in study.objects:
            with open(kept, "wb") as file:
                file.write(pacs.rest("/instances/%s/file" % stored[thing.sop_instance]))
            copy = Object(kept)
            r.check(copy.data == thing.data, "Orthanc has changed", thing.path)


def main():
    if shutil.which("storescp") is None:
        skip("send", "DCMTK is not installed")
    r = Report("send")
    with workspace("send") as folder:
        study = Study(folder + "/study", 40, 12)
        with Storescp(folder + "/echo") as pacs:
            done = run("echo", peer_of(pacs.port))
            r.check(done.code == 0 and b"OFFIS_DCMTK" in done.out, "echo to storescp:", done.code, done.out, done.err)
            done = run("echo", "localhost:%d" % pacs.port, binary=ASAN)
            r.check(done.code == 0, "echo to a name:", done.code, done.err)
        to_storescp(r, folder, study)
        reencoded(r, folder, study)
        refusals(r, folder, study)
        private_class(r, folder)
        many_classes(r, folder)
        statuses(r, folder, study)
        odd_lengths(r, folder)
        changed_file(r, folder)
        if os.path.isdir(DATA + "/odd"):
            odd_files(r, folder)
        else:
            print("SKIP e2e/send: no shared data in %s" % DATA)
        to_orthanc(r, folder, study)
    return r.end()


if __name__ == "__main__":
    sys.exit(main())
