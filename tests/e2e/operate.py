#!/usr/bin/python3
"""`netrt serve` as its operator knows it: who may send, when a study is whole and what becomes of one that
never is, stopping and starting, a new configuration, and the commands beside it."""
import concurrent.futures
import json
import os
import shutil
import signal
import socket
import struct
import sys
import time
import traceback
import zlib

from harness import Report, run
from serve_harness import CONTEXTS, Process, Service, Study, family, listening, need_serve, send, wait_for, workspace
from wire import (CT, DEFLATED, EXPLICIT, IMPLICIT, RELEASE_RP, Association, Destination, Object, Refused, element, image,
                  release_rq, undated)

QUICK = {"debounce_interval_seconds": 1, "complete_grace_seconds": 0}


def all_taken(r, what, port, objects, **more):
    answers = send(port, objects, **more)
    return r.check([answers.get(t.sop_instance) for t in objects] == [0] * len(objects), what, answers)


def delivered(r, what, destination, expected, timeout=20, service=None):
    done = destination.wait(lambda: set(destination.kept) >= set(expected), timeout)
    got = {sop: undated(destination.kept[sop][1]) for sop in expected if sop in destination.kept}
    return r.check(done and got == expected, what, "delivered", len(got), "of", len(expected),
                   service.log()[-2000:] if service else "")


def folders(service):
    return sorted(f for f in os.listdir(service.working) if f.startswith("UID_"))


def emptied(r, what, service, timeout=20):
    r.check(wait_for(lambda: not folders(service), timeout), what, "left", service.files(), service.log()[-1500:])


def refusal(port, **more):
    try:
        with Association(port, CONTEXTS, **more) as association:
            association.release()
            return "accepted"
    except Refused as refused:
        return str(refused)


class Place:
    """A destination, a service that sends to it, and made-up studies."""

    seeds = iter(range(5000, 10000))

    def __init__(self, folder, **settings):
        self.folder = folder
        self.destination = Destination()
        settings.setdefault("watcher", dict(QUICK))
        self.service = Service(folder + "/netrt", destination=("DEST", self.destination.port), **settings)

    def control(self):
        """The folder of the control socket, whose own path may be too long for connect(2)."""
        return os.open(self.service.working + "/.control", os.O_RDONLY | os.O_DIRECTORY)

    def study(self, slices=6):
        seed = next(self.seeds)
        return Study("%s/study%d" % (self.folder, seed), seed, slices)

    def expected(self, *studies):
        out = {}
        for study in studies:
            out.update(study.expected(self.service.config))
        return out


def allowed(r, folder):
    place = Place(folder, dicom_listener={"allow": [
        {"ae_title": "ARIA", "address": "127.0.0.0/30"}, {"ae_title": "ECHO"}, {"address": "127.0.0.9"}]})
    with place.service as service:
        for calling, source, wanted in (
            ("ARIA", "127.0.0.2", "accepted"), ("ARIA", "127.0.0.5", "RJ(1,1,3)"), ("aria", "127.0.0.2", "RJ(1,1,3)"),
            ("ECHO", "127.0.0.7", "accepted"), ("OTHER", "127.0.0.9", "accepted"), (" ", "127.0.0.2", "RJ(1,1,3)"),
        ):
            got = refusal(service.port, calling=calling, source=source)
            r.check(got == wanted, "allow:", calling, "from", source, got, "not", wanted)
        r.check(refusal(service.port, calling="ARIA", called="PACS", source="127.0.0.2") == "RJ(1,1,7)", "called")
        r.check("127.0.0.5" in service.log() and "ARIA" in service.log(), "a refusal is not logged", service.log())
        service.end(r, "allow")


def opened(r, folder):
    """Without a list anybody may send, and that is said."""
    place = Place(folder)
    with place.service as service:
        r.check(wait_for(lambda: "anybody may send" in service.log(), 10), "no word about being open", service.log())
        r.check("strict" in service.log(), "durability is not told", service.log())
        service.end(r, "open")


def whole_at_once(r, folder):
    """Complete by what the structure set refers to: long before the debounce interval."""
    place = Place(folder, watcher={"debounce_interval_seconds": 600, "complete_grace_seconds": 0})
    study = place.study()
    with place.service as service:
        expected = place.expected(study)
        # structure set first, images over two associations, the last one kept open for a while
        all_taken(r, "whole", service.port, study.structures + study.images[:3])
        with Association(service.port, CONTEXTS) as association:
            for thing in study.images[3:]:
                r.check(association.store(thing.sop_class, thing.sop_instance, thing.data).get("status") == 0, "store")
            r.check(not place.destination.wait(lambda: place.destination.kept, 2), "begun under an open association")
            association.release()
        delivered(r, "whole", place.destination, expected, service=service)
        emptied(r, "whole", service)
        service.end(r, "whole")


def debounced(r, folder):
    """With an image missing: after the interval, with what is there."""
    place = Place(folder, watcher={"debounce_interval_seconds": 2, "min_file_count_for_processing": 4})
    study, small = place.study(), place.study()
    with place.service as service:
        all_taken(r, "debounce", service.port, study.images[1:] + study.structures)
        all_taken(r, "debounce", service.port, small.images[:2] + small.structures)
        began = time.monotonic()
        done = place.destination.wait(lambda: len(place.destination.kept) == len(study.images) - 1, 20)
        r.check(done and time.monotonic() - began > 1, "debounce", len(place.destination.kept), service.log()[-1500:])
        r.check(wait_for(lambda: folders(service) == ["UID_" + small.uid], 10), "too few files:", folders(service))
        service.end(r, "debounce")


def forced(r, folder):
    place = Place(folder, watcher={"debounce_interval_seconds": 600, "force_after_seconds": 3})
    study = place.study()
    with place.service as service:
        all_taken(r, "force", service.port, study.images[1:] + study.structures)
        done = place.destination.wait(lambda: len(place.destination.kept) == len(study.images) - 1, 20)
        r.check(done, "force", len(place.destination.kept), service.log()[-1500:])
        emptied(r, "force", service)
        service.end(r, "force")


def held(r, folder):
    """An association that stays, and brings other studies: force_after_seconds holds for what it brought."""
    place = Place(folder, watcher={**QUICK, "force_after_seconds": 3})
    study, late = place.study(), place.study()
    with place.service as service, Association(service.port, CONTEXTS) as association:
        def bring(things):
            for thing in things:
                status = association.store(thing.sop_class, thing.sop_instance, thing.data).get("status")
                r.check(status == 0, "held: status", status)
        expected = place.expected(study)
        bring(study.objects)
        r.check(not place.destination.wait(lambda: place.destination.kept, 2), "begun under an open association")
        bring(late.images[:1])
        delivered(r, "held", place.destination, expected, 10, service)
        r.check(wait_for(lambda: "UID_" + study.uid not in folders(service), 10), "held: left", folders(service))
        reports = [open(service.reports + "/" + name, encoding="utf-8").read() for name in os.listdir(service.reports)]
        r.check(any("PROBE" in text for text in reports), "held: the report names no sender", reports)
        bring(study.objects)  # again, while it is still open: as good as from an association of its own
        r.check(wait_for(lambda: service.transactions().count("PROCESSING_SUCCESS StudyUID: " + study.uid) >= 2, 10),
                "held: what came again", service.transactions()[-800:])
        expected = place.expected(late)
        bring(late.images[1:] + late.structures)
        delivered(r, "held, a later study", place.destination, expected, 10, service)
        r.check(association.release(), "held: release")
        service.end(r, "held")


def without_structure_set(r, folder):
    for way in ("wait", "quarantine", "discard"):
        place = Place("%s/%s" % (folder, way), watcher={**QUICK, "without_structure_set": way})
        study = place.study()
        with place.service as service:
            all_taken(r, way, service.port, study.images)
            if way == "wait":
                r.check(not wait_for(lambda: not folders(service), 4), "wait: the images are gone")
                status = service.status()
                r.check("waiting" in json.dumps(status), "status", status)
                expected = place.expected(study)
                all_taken(r, way, service.port, study.structures)
                delivered(r, "late structure set", place.destination, expected, service=service)
                emptied(r, way, service)
            if way == "quarantine":
                r.check(wait_for(service.quarantined, 10), way, "nothing in quarantine", service.log()[-1500:])
                reason = service.files("quarantine/*/reason")
                images = service.files("quarantine/*/DCM/*.dcm")
                r.check(len(images) == len(study.images) and reason, way, images, reason)
            if way == "discard":
                emptied(r, way, service, 10)
                r.check(not service.quarantined(), way, service.quarantined())
                r.check(study.uid in service.all_logs(), "discarded in silence", service.log()[-1500:])
            service.end(r, way)


def kept_sources(r, folder):
    """A second structure set, against images that are kept after success."""
    place = Place(folder, watcher={**QUICK, "keep_sources_hours": 1})
    study = place.study()
    with place.service as service:
        expected = place.expected(study)
        all_taken(r, "kept", service.port, study.objects)
        delivered(r, "kept", place.destination, expected, service=service)
        r.check(not wait_for(lambda: not folders(service), 3), "kept: the sources are gone")
        reports = sorted(f for f in os.listdir(service.reports) if f.endswith(".txt"))
        r.check(len(reports) == 1 and study.uid in reports[0], "kept: reports", reports)
        first = dict(place.destination.kept)
        # another structure set: the same contours under another UID
        other = study.structures[0]
        old = other.sop_instance.encode()
        new = (old[:-4] + b"7777") if not old.endswith(b"7777") else old[:-4] + b"8888"
        r.check(len(old) == len(new), "UID")
        with Association(service.port, CONTEXTS) as association:
            status = association.store(other.sop_class, new.decode(), other.data.replace(old, new)).get("status")
            association.release()
        r.check(status == 0, "second structure set", status)
        more = place.destination.wait(lambda: len(place.destination.kept) >= 2 * len(study.images), 20)
        r.check(more, "second structure set: delivered", len(place.destination.kept), service.log()[-1500:])
        more = wait_for(lambda: len([f for f in os.listdir(service.reports) if f.endswith(".txt")]) == 2, 10)
        r.check(more, "second structure set: reports", os.listdir(service.reports))
        r.check(all(place.destination.kept[s] == first[s] for s in first), "the first series changed")
        service.end(r, "kept")


def by_hand(r, folder):
    """A folder that is copied into the working folder is a study like any other."""
    place = Place(folder)
    study = place.study()
    with place.service as service:
        expected = place.expected(study)
        target = "%s/UID_%s" % (service.working, study.uid)
        for name, things in (("DCM", study.images), ("Structure", study.structures)):
            os.makedirs(target + "/" + name)
            for thing in things:
                shutil.copy(thing.path, "%s/%s/" % (target, name))
        delivered(r, "by hand", place.destination, expected, 30, service)
        emptied(r, "by hand", service)
        service.end(r, "by hand")


def blind(r, folder):
    """Where inotify tells nothing, as on a network file system, studies are found by looking."""
    if shutil.which("strace") is None or run("true", binary="strace").code != 0:
        print("SKIP e2e/operate: strace may not trace here: blind")
        return
    place = Place(folder, watcher={**QUICK, "scan_interval_seconds": 1}, wrapper=(
        "strace", "-f", "-qq", "-o", folder + "/trace", "-e", "trace=inotify_add_watch", "-e",
        "inject=inotify_add_watch:error=ENOSPC"))
    sent, copied = place.study(), place.study()
    with place.service as service:
        expected = place.expected(sent, copied)
        all_taken(r, "blind", service.port, sent.objects)
        target = "%s/UID_%s" % (service.working, copied.uid)
        for name, things in (("DCM", copied.images), ("Structure", copied.structures)):
            os.makedirs(target + "/" + name)
            for thing in things:
                shutil.copy(thing.path, "%s/%s/" % (target, name))
        delivered(r, "blind", place.destination, expected, 20, service)
        emptied(r, "blind", service)
        with open(folder + "/trace", encoding="utf-8") as file:
            r.check(file.read().count("(INJECTED)") > 2, "blind: it was not")
        os.kill(family(service.pid)[1], signal.SIGTERM)
        r.check(service.child.wait(20) == 0, "blind: ended with", service.child.returncode)


def restarted(r, folder):
    """What a start finds: half a study, a .part file, rubbish, a study that is whole."""
    place = Place(folder)
    half, whole = place.study(), place.study()
    service = place.service
    with service:
        expected = place.expected(half, whole)
        all_taken(r, "restart", service.port, half.images)
        service.kill()
        incoming = service.working + "/.incoming"
        os.makedirs(incoming, exist_ok=True)
        with open(incoming + "/1-1.part", "wb") as file:
            file.write(b"half an object")
        # a worker was killed with the service: of a study that is here, and of one that is not any more
        for uid in (half.uid, "2.25.72"):
            os.makedirs("%s/.UID_%s.part/Addition" % (service.working, uid))
            with open("%s/.UID_%s.part/Addition/OVERLAY-2.25.73.dcm" % (service.working, uid), "wb") as file:
                file.write(b"half an image")
        os.makedirs(service.working + "/UID_..")
        os.makedirs(service.working + "/UID_1.2.3 x")
        target = "%s/UID_%s" % (service.working, whole.uid)
        for name, things in (("DCM", whole.images), ("Structure", whole.structures)):
            os.makedirs(target + "/" + name)
            for thing in things:
                shutil.copy(thing.path, "%s/%s/" % (target, name))
        service.start()
        # a worker may be at work on the other one by now
        left = [uid for uid in (half.uid, "2.25.72") if os.path.exists("%s/.UID_%s.part" % (service.working, uid))]
        r.check(not left, "restart: staging folders left", left)
        all_taken(r, "restart", service.port, half.structures)
        delivered(r, "restart", place.destination, expected, 30, service)
        r.check(not service.parts(), "restart: left", service.parts())
        service.end(r, "restart")


def drained(r, folder):
    """SIGTERM: who is there finishes, who comes is asked to come later, the rest waits for the next start."""
    place = Place(folder, drain_seconds=8)
    study = place.study()
    service = place.service
    with service:
        expected = place.expected(study)
        with Association(service.port, CONTEXTS) as association:
            for thing in study.images:
                association.store(thing.sop_class, thing.sop_instance, thing.data)
            service.send_signal(signal.SIGTERM)
            turned_away = wait_for(lambda: refusal(service.port) == "RJ(2,3,1)", 5, 0.05)
            r.check(turned_away, "while draining:", refusal(service.port))
            for thing in study.structures:
                status = association.store(thing.sop_class, thing.sop_instance, thing.data).get("status")
                r.check(status == 0, "while draining: status", status)
            r.check(association.release(), "while draining: release")
        code = service.stop(15)
        r.check(code == 0, "drained: ended with", code, service.log()[-1500:])
        service.start()
        delivered(r, "drained", place.destination, expected, 30, service)
        # an association that is over holds no work, whoever keeps the connection open: before the end is asked for, or after it
        with Association(service.port, CONTEXTS) as before, Association(service.port, CONTEXTS) as after:
            before.send(release_rq())
            r.check(before.pdu()[0] == RELEASE_RP, "release before draining")
            began = time.monotonic()
            service.send_signal(signal.SIGTERM)
            turned_away = wait_for(lambda: refusal(service.port) == "RJ(2,3,1)", 5, 0.05)
            r.check(turned_away, "drains once more:", refusal(service.port))
            after.send(release_rq())
            r.check(after.pdu()[0] == RELEASE_RP, "release while draining")
            code = service.stop(20)
            took = time.monotonic() - began
            r.check(code == 0 and took < 4, "released, not closed:", code, "after %.1f s" % took)
            r.check("time is up" not in service.log(), "released, not closed: log", service.log()[-1500:])
        service.start()
        # somebody who does not go is not waited for longer than drain_seconds
        with Association(service.port, CONTEXTS):
            began = time.monotonic()
            code = service.stop(20)
            took = time.monotonic() - began
            r.check(code == 0 and 6 < took < 15, "drain_seconds:", code, "after %.1f s" % took)


def reloaded(r, folder):
    place = Place(folder)
    with place.service as service:
        service.settings["dicom_listener"]["allow"] = [{"ae_title": "ARIA"}]
        service.settings["limits"] = {"associations": 20}
        service.configure()
        service.send_signal(signal.SIGHUP)
        r.check(wait_for(lambda: refusal(service.port) == "RJ(1,1,3)", 10, 0.05), "the new list does not hold")
        r.check("dicom_listener.allow" in service.log(), "what changed is not told", service.log()[-1500:])
        port = service.settings["dicom_listener"]["port"]
        service.settings["dicom_listener"]["port"] = port + 1
        folders_before = dict(service.settings["directories"])
        os.mkdir(folder + "/elsewhere")
        service.settings["directories"]["working"] = folder + "/elsewhere"
        service.configure()
        service.send_signal(signal.SIGHUP)
        told = wait_for(lambda: "restart" in service.log() and "dicom_listener.port" in service.log(), 10)
        r.check(told, "what needs a restart is not told", service.log()[-1500:])
        r.check(refusal(service.port, calling="ARIA") == "accepted", "the port has changed")
        r.check("directories.working" in service.log(), "another working folder needs a restart", service.log()[-1500:])
        stored = store_one(service.port, "2.25.70", image("2.25.70", study="2.25.71", explicit=True), calling="ARIA")
        r.check(stored == 0 and os.path.exists(service.working + "/UID_2.25.71/DCM/2.25.70.dcm"), "stored elsewhere:",
                stored, service.files())
        service.settings["directories"] = folders_before
        service.configure()
        with open(service.config, "a", encoding="utf-8") as file:
            file.write("watcher: [\n")
        service.send_signal(signal.SIGHUP)
        r.check(wait_for(lambda: "ERROR" in service.log(), 10), "an error is not told", service.log()[-1500:])
        r.check(refusal(service.port, calling="ARIA") == "accepted" and service.running(), "a bad file stopped it")
        service.end(r, "reload")


def second_instance(r, folder):
    place = Place(folder)
    with place.service as service:
        done = run("serve", "-c", service.config)
        r.check(done.code == 69 and done.err, "a second instance ended with", done.code, done.err)
        r.check(refusal(service.port) == "accepted", "the first one is gone")
        service.end(r, "second")


def broken_study(r, folder):
    """What a worker cannot do is one study in quarantine; release and discard; the rest goes on."""
    place = Place(folder)
    good, bad = place.study(), place.study()
    with place.service as service:
        # a structure set without ROIs
        broken = bad.structures[0].data
        at = broken.find(b"\x06\x30\x20\x00")  # implicit VR
        r.check(at > 0, "no Structure Set ROI Sequence")
        spoiled = broken[:at] + b"\x06\x30\x20\x00\0\0\0\0"
        with Association(service.port, CONTEXTS) as association:
            for thing in bad.images:
                association.store(thing.sop_class, thing.sop_instance, thing.data)
            thing = bad.structures[0]
            association.store(thing.sop_class, thing.sop_instance, spoiled)
            association.release()
        r.check(wait_for(service.quarantined, 20), "not in quarantine", service.log()[-1500:])
        names = service.quarantined()
        listed = service.command("quarantine", "list")
        r.check(listed.code == 0 and names and names[0].encode() in listed.out, "list", listed.out, listed.err)
        reason = open("%s/quarantine/%s/reason" % (service.working, names[0]), encoding="utf-8").read()
        r.check(len(reason) > 40 and "netrt" in reason, "reason:", reason)
        r.check(len(service.files("quarantine/*/DCM/*.dcm")) == len(bad.images), "originals", service.files())
        expected = place.expected(good)
        all_taken(r, "after a broken study", service.port, good.objects)
        delivered(r, "after a broken study", place.destination, expected, service=service)
        moved = lambda: [os.stat("%s/quarantine/%s" % (service.working, n)).st_ctime_ns for n in service.quarantined()]
        before = moved()
        released = service.command("quarantine", "release", names[0])
        r.check(released.code == 0, "release", released.out, released.err)
        r.check(wait_for(lambda: moved() not in ([], before), 20), "not again in quarantine", service.quarantined())
        for name in service.quarantined():
            gone = service.command("quarantine", "discard", name)
            r.check(gone.code == 0, "discard", gone.out, gone.err)
        r.check(not service.quarantined(), "discarded:", service.quarantined())
        wrong = service.command("quarantine", "release", "UID_1.2.3_20200101000000")
        r.check(wrong.code != 0 and wrong.err, "release of nothing", wrong.code, wrong.err)
        r.check("PROCESSING_FAILED StudyUID: " + bad.uid in service.transactions(), service.transactions()[-800:])
        service.end(r, "broken study")


def demanding(study, contours, points):
    """The study's structure set, of whose ROIs one is left: so many zigzags over a whole image."""
    data, picture = study.structures[0].data, study.images[1].data  # in implicit and explicit VR
    begin, end = data.find(b"\x06\x30\x39\0"), data.find(b"\x06\x30\x80\0")
    number = data[data.find(b"\x06\x30\x22\0") + 8:][:2].decode()
    at = picture.find(b"\x20\0\x32\0DS")
    z = picture[at + 8:at + 8 + picture[at + 6]].decode().split("\\")[2].strip()

    def item(*elements):
        body = b"".join(elements)
        return struct.pack("<HHI", 0xFFFE, 0xE000, len(body)) + body
    def contour(n):
        line = "\\".join("%d\\%d\\%s" % ((n + i) % 400 - 200, 240 if i % 2 else -240, z) for i in range(points))
        return item(element(0x30060042, "CS", "CLOSED_PLANAR", False), element(0x30060046, "IS", str(points), False),
                    element(0x30060050, "DS", line, False))
    several = [contour(n) for n in range(400)]
    sequence = element(0x30060040, "SQ", b"".join(several[n % 400] for n in range(contours)), False)
    roi = item(sequence, element(0x30060084, "IS", number, False))
    return data[:begin] + element(0x30060039, "SQ", roi, False) + data[end:]


# what a study may not need, contours that need it, and what the reason says
HUNGRY = [("processor time", {"cpu_seconds": 1}, (2000, 3000), "SIGXCPU"),
          ("memory", {"memory_mib": 24}, (300000, 4), "memory"), ("file size", {"file_mib": 1}, (4, 4), "File too large")]


def starved(r, folder):
    """A study that needs more than it may have goes to quarantine, with the reason; the next one is done."""
    seed = next(Place.seeds)
    study = Study("%s/large%d" % (folder, seed), seed, 4, 1024)  # 2 MiB an image
    thing = study.structures[0]
    for what, limits, contours, reason in HUNGRY:
        hungry = demanding(study, *contours)
        place = Place("%s/%s" % (folder, what.split()[0]), processing=limits)
        after = place.study()
        with place.service as service:
            all_taken(r, what, service.port, study.images)
            got = store_one(service.port, thing.sop_instance, hungry, thing.sop_class, IMPLICIT)
            r.check(got == 0, what, "the structure set:", got)
            r.check(wait_for(service.quarantined, 40), what, "not in quarantine", service.log()[-1500:])
            r.check(len(service.files("quarantine/*/*/*.dcm")) == len(study.objects), what, service.files())
            texts = [open("%s/%s" % (service.working, f), encoding="utf-8").read()
                     for f in service.files("quarantine/*/reason")]
            r.check(len(texts) == 1 and reason in texts[0] and study.uid in texts[0] and "netrt" in texts[0], what, texts)
            r.check("PROCESSING_FAILED StudyUID: " + study.uid in service.transactions() or what == "memory", what,
                    service.transactions()[-800:])
            expected = place.expected(after)
            all_taken(r, what, service.port, after.objects)
            delivered(r, "after too much " + what, place.destination, expected, service=service)
            service.end(r, what)


def commands(r, folder):
    place = Place(folder, delivery={"retry_first_seconds": 3600, "retry_most_seconds": 3600})
    study = place.study()
    place.destination.stop()
    with place.service as service:
        r.check(service.command("healthcheck").code == 0, "healthcheck")
        expected = place.expected(study)
        all_taken(r, "commands", service.port, study.objects)
        r.check(wait_for(lambda: "SENDING_FAILED" in service.transactions(), 20), service.transactions()[-800:])
        status = service.status()
        r.check(status is not None and study.uid in json.dumps(status), "status --json", status)
        text = service.command("status")
        r.check(text.code == 0 and study.uid.encode() in text.out, "status", text.out, text.err)
        place.destination.start()
        r.check(not place.destination.wait(lambda: place.destination.kept, 1), "tried before its time")
        again = service.command("retry", study.uid)
        r.check(again.code == 0, "retry", again.out, again.err)
        delivered(r, "retry", place.destination, expected, service=service)
        emptied(r, "retry", service)
        wrong = service.command("retry", "1.2.3.4")
        r.check(wrong.code != 0 and wrong.err, "retry of nothing", wrong.code)
        service.end(r, "commands")
        r.check(service.command("healthcheck").code != 0, "healthcheck of nothing")
        r.check(service.command("status").code != 0, "status of nothing")


def crowded_socket(r, folder):
    """Who connects to the control socket and says nothing holds up nobody for long, however many they are."""
    place = Place(folder)
    with place.service as service:
        control = place.control()
        silent = [socket.socket(socket.AF_UNIX) for _ in range(16)]
        for peer in silent:
            peer.connect("/proc/self/fd/%d/socket" % control)
        os.close(control)
        silent[0].send(b"stat")  # and one that begins to say something
        began = time.monotonic()
        done = service.command("status", "--json")
        took = time.monotonic() - began
        r.check(done.code == 0 and took < 4.5, "status beside 16 silent clients", done.code, done.err, "%.1f s" % took)
        for peer in silent:
            peer.close()
        began = time.monotonic()
        done = service.command("healthcheck")
        r.check(done.code == 0 and time.monotonic() - began < 2, "healthcheck after them", done.code, done.err)
        service.end(r, "crowded socket")


def slow_to_close(r, folder):
    """A peer that has released its association and does not close the connection holds up no study."""
    place = Place(folder, watcher={"debounce_interval_seconds": 600, "complete_grace_seconds": 0})
    study = place.study()
    with place.service as service:
        expected = place.expected(study)
        association = Association(service.port, CONTEXTS)
        for thing in study.objects:
            answer = association.store(thing.sop_class, thing.sop_instance, thing.data)
            r.check(answer.get("status") == 0, "store", answer)
        association.send(release_rq())
        r.check(association.pdu()[0] == RELEASE_RP, "release")
        delivered(r, "slow to close", place.destination, expected, timeout=8, service=service)
        association.close()
        emptied(r, "slow to close", service)
        service.end(r, "slow to close")


def same_again(r, folder):
    """The same instance again is a success; another content takes its place, and is said."""
    place = Place(folder, watcher={"debounce_interval_seconds": 600})
    study = place.study()
    with place.service as service:
        for _ in range(2):
            all_taken(r, "same", service.port, study.images)
        r.check(len(service.files("UID_*/DCM/*.dcm")) == len(study.images), "same", service.files())
        thing = study.images[0]
        changed = thing.data[:-2] + b"\1\1"
        with Association(service.port, CONTEXTS) as association:
            status = association.store(thing.sop_class, thing.sop_instance, changed).get("status")
            association.release()
        stored = Object("%s/UID_%s/DCM/%s.dcm" % (service.working, study.uid, thing.sop_instance))
        r.check(status == 0 and stored.data == changed, "replaced:", status)
        said = [line for line in service.log().splitlines() if "which it replaces" in line]
        r.check(len(said) == 1 and thing.sop_instance in said[0], "replaced, and the log says", said)
        service.end(r, "same")


def names_in_logs(r, folder):
    """JSON lines are JSON, and nobody's name is in them."""
    place = Place(folder, logging={"output": "json"})
    study = place.study()
    with place.service as service:
        expected = place.expected(study)
        all_taken(r, "json", service.port, study.objects, calling='A"B\\C')
        delivered(r, "json", place.destination, expected, service=service)
        emptied(r, "json", service)
        service.end(r, "json")
        for path in (service.logs + "/application.log", service.logs + "/transaction.log", service.log_path):
            with open(path, encoding="utf-8") as file:
                lines = file.read().splitlines()
            r.check(lines, path, "is empty")
            for line in lines:
                try:
                    r.check(isinstance(json.loads(line), dict), path, line)
                except ValueError:
                    r.check(False, path, "is no JSON:", line)
            r.check("Phantom" not in "".join(lines), path, "names a patient")


def store_one(port, sop, data, sop_class=CT, syntax=EXPLICIT, **more):
    """The status of one object, or what came instead of an association."""
    try:
        with Association(port, [(1, sop_class, [syntax])], **more) as association:
            status = association.store(sop_class, sop, data).get("status")
            association.release()
            return status
    except Refused as refused:
        return str(refused)


def limited(r, folder):
    """Each limit at its border, and just over it."""
    place = Place(folder, watcher={"debounce_interval_seconds": 600}, limits={
        "object_mib": 1, "study_instances": 3, "nesting": 3, "elements": 100})
    with place.service as service:
        port = service.port

        def picture(n, study, **more):
            return image("2.25.60%d" % n, study=study, explicit=True, **more)
        def nest(levels):
            begin = struct.pack("<HH2sHI", 0x0040, 0xA730, b"SQ", 0, 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000,
                                                                                               0xFFFFFFFF)
            return begin * levels + struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0) * levels
        def elements(count):
            return b"".join(element(0x00990000 + n, "UN", b"", True) for n in range(0x1001, 0x1001 + count))
        for what, n, data, wanted in (
            ("1 MiB less a KiB", 1, picture(1, "2.25.61", pixels=bytes((1 << 20) - 1024)), 0),
            ("over 1 MiB", 2, picture(2, "2.25.61", pixels=bytes(1 << 20)), 0xC000),
            ("3 sequences in each other", 3, picture(3, "2.25.61", more=nest(3)), 0),
            ("4 sequences in each other", 4, picture(4, "2.25.61", more=nest(4)), 0xC000),
            ("100 elements", 5, picture(5, "2.25.62", more=elements(84)), 0),
            ("over 100 elements", 6, picture(6, "2.25.62", more=elements(101)), 0xC000),
        ):
            got = store_one(port, "2.25.60%d" % n, data)
            r.check(got == wanted, "limits:", what, got, "not", wanted)
        got = [store_one(port, "2.25.60%d" % n, picture(n, "2.25.63")) for n in range(10, 15)]
        r.check(got[:3] == [0, 0, 0] and set(got[3:]) == {0xA700}, "three instances a study:", got)
        service.end(r, "limits")
    bytes_of_a_study(r, folder)


def bytes_of_a_study(r, folder):
    """Three objects go into the MiB that a study may have, the fourth would make it larger."""
    place = Place(folder + "/bytes", watcher={"debounce_interval_seconds": 600}, limits={"study_mib": 1})
    with place.service as service:
        got = [store_one(service.port, "2.25.65%d" % n, image("2.25.65%d" % n, study="2.25.64", explicit=True,
                                                              pixels=bytes(512 * 650))) for n in range(4)]
        r.check(got == [0, 0, 0, 0xA700], "a MiB a study:", got)
        service.end(r, "bytes of a study")


def crowded(r, folder):
    """So many associations, and no more: of one address, and in all."""
    place = Place(folder, watcher={"debounce_interval_seconds": 600}, limits={
        "associations": 4, "associations_per_address": 2})
    with place.service as service:
        port = service.port
        held = [Association(port, CONTEXTS), Association(port, CONTEXTS)]
        r.check(refusal(port) == "RJ(2,3,2)", "a third association of one address:", refusal(port))
        held += [Association(port, CONTEXTS, source="127.0.0.2"), Association(port, CONTEXTS, source="127.0.0.2")]
        r.check(refusal(port, source="127.0.0.3") == "RJ(2,3,2)", "a fifth association")
        for association in held:
            association.release()
        r.check(wait_for(lambda: refusal(port) == "accepted", 10), "not let in again")
        service.end(r, "crowded")


def bomb(r, folder):
    """A deflated data set that becomes larger than an object may be: refused, and not after having it all."""
    place = Place(folder, watcher={"debounce_interval_seconds": 600}, limits={"object_mib": 8})
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = squeeze.compress(image("2.25.70", explicit=True, pixels=bytes(64 << 20))) + squeeze.flush()
    with place.service as service:
        got = store_one(service.port, "2.25.70", data + b"\0" * (len(data) % 2), syntax=DEFLATED)
        r.check(got == 0xC000, "64 MiB from", len(data), "bytes:", got)
        r.check(not service.files("UID_*/*/*"), "bomb: visible", service.files())
        service.end(r, "bomb")


def listeners(r, folder):
    """Another title is let in where the check is off; private SOP classes; IPv6, both ways."""
    private = "1.2.826.0.1.3680043.2.1125.1"
    try:
        destination = Destination(host="::1")
    except OSError:
        print("SKIP e2e/operate: no IPv6 here")
        return
    place = Place(folder)
    place.service.stop()
    settings = place.service.settings
    settings["dicom_listener"].update(host="::1", check_called_ae_title=False, private_sop_classes=[private])
    settings["dicom_destination"] = {"ip": "::1", "port": destination.port, "ae_title": "DEST"}
    place.service.configure()
    study = place.study()
    with place.service as service:
        Process.__init__(service, [service.binary, "serve", "-c", service.config], service.folder + "/serve.2.log")
        listening(service, service.port, host="::1")
        expected = place.expected(study)
        all_taken(r, "IPv6", service.port, study.objects, host="::1", called="WHOEVER")
        delivered(r, "IPv6", destination, expected, service=service)
        r.check("::1" in service.transactions(), "no IPv6 address in the log")
        got = store_one(service.port, "2.25.80", image("2.25.80", private, study="2.25.81", explicit=True), private,
                        host="::1")
        r.check(got == 0, "private SOP class:", got)
        service.end(r, "listeners")


TESTS = [limited, crowded, bomb, listeners, allowed, opened, whole_at_once, debounced, forced, held, without_structure_set, kept_sources, by_hand, blind, restarted,
         drained, reloaded, second_instance, broken_study, starved, commands, crowded_socket, slow_to_close,
         same_again, names_in_logs]


def main():
    need_serve("operate")
    r = Report("operate")
    wanted = [t for t in TESTS if len(sys.argv) < 2 or t.__name__ in sys.argv[1:]]
    with workspace("operate") as folder:
        def one(test):
            began = time.monotonic()
            place = "%s/%s" % (folder, test.__name__)
            os.makedirs(place)
            try:
                test(r, place)
            except Exception:  # the others shall run all the same
                r.check(False, test.__name__, traceback.format_exc())
            print("%s: %.1f s" % (test.__name__, time.monotonic() - began), flush=True)
        # mostly they wait
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            list(pool.map(one, wanted))
    return r.end()


if __name__ == "__main__":
    sys.exit(main())
