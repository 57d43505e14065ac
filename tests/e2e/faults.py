#!/usr/bin/python3
"""What fails around `netrt serve`: a full disk, no descriptors, system calls that return errors;
destinations that are down, refuse, take nothing, or read one byte a second beside one that is well."""
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback

from harness import Report
from serve_harness import CONTEXTS, Process, Service, Study, listens, need_serve, send, wait_for, workspace
from wire import CT, Association, Connection, Destination, Refused, image, undated

ANSWERS_TO_A_FULL_DISK = {0xA700}
ANSWERS_TO_A_FAULT = {0xA700, 0x0110}


def own(number):
    return "2.25.5%05d" % number


def store(port, sop, kib=256, study="2.25.5"):
    """The status of one image, or what came instead of an association."""
    try:
        with Association(port, CONTEXTS) as association:
            status = association.store(CT, sop, image(sop, study=study, explicit=True, pixels=bytes(kib * 1024)))
            association.release()
            return status.get("status")
    except (Refused, OSError) as refused:
        return str(refused)


def stored(service):
    return {os.path.basename(f)[:-4] for f in service.files("UID_*/DCM/*.dcm")}


def quiet(**more):
    """Settings under which nothing happens to a study by itself."""
    return {"watcher": {"debounce_interval_seconds": 600}, **more}


@contextlib.contextmanager
def tmpfs(folder, size):
    os.makedirs(folder)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%s,mode=700" % size, "none", folder], check=True,
                   capture_output=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


def full_disk(r, folder):
    """ENOSPC where it comes: A700, nothing half visible, and it goes on when there is room again."""
    with tmpfs(folder + "/working", "4m"):
        filler = folder + "/working/.filler"
        with open(filler, "wb") as file:
            file.write(bytes(2 << 20))
        service = Service(folder, **quiet(limits={"minimum_free_mib": 0, "minimum_free_percent": 0}))
        with service:
            answers = {own(n): store(service.port, own(n)) for n in range(12)}
            good = {sop for sop, status in answers.items() if status == 0}
            bad = {status for status in answers.values() if status != 0}
            r.check(good and bad, "a disk of 4 MiB took", answers)
            r.check(bad <= ANSWERS_TO_A_FULL_DISK, "full disk:", {hex(b) if isinstance(b, int) else b for b in bad})
            r.check(stored(service) == good, "visible:", sorted(stored(service) ^ good))
            r.check(not service.parts(), "left", service.parts())
            os.unlink(filler)
            again = {sop: store(service.port, sop) for sop in answers if sop not in good}
            r.check(list(again.values())[0] == 0, "no recovery:", again)
            good |= {sop for sop, status in again.items() if status == 0}
            r.check(stored(service) == good, "visible after it:", sorted(stored(service) ^ good))
            service.end(r, "full disk")


def low_water(r, folder):
    """Below the minimum of free space: a transient rejection; above it again, service, by itself."""
    with tmpfs(folder + "/working", "8m"):
        service = Service(folder, **quiet(limits={"minimum_free_mib": 4, "minimum_free_percent": 0}))
        with service:
            r.check(store(service.port, own(1)) == 0, "with room")
            filler = folder + "/working/.filler"
            with open(filler, "wb") as file:
                file.write(bytes(4 << 20))
            held = wait_for(lambda: store(service.port, own(2)) == "RJ(2,3,1)", 15, 0.2)
            r.check(held, "below the minimum:", store(service.port, own(2)))
            os.unlink(filler)
            r.check(wait_for(lambda: store(service.port, own(2)) == 0, 15, 0.2), "no recovery", service.log()[-1500:])
            service.end(r, "low water")


def no_descriptors(r, folder):
    """EMFILE: who is there is served, who comes too much waits or is turned away, and nothing ends."""
    service = Service(folder, wrapper=("prlimit", "--nofile=40:40"), **quiet(
        limits={"associations_per_address": 200, "associations": 200, "artim_seconds": 5}))
    with service:
        held = []
        for _ in range(100):
            with contextlib.suppress(OSError):
                held.append(Connection(service.port, timeout=2))
        r.check(service.running(), "ended without descriptors")
        for one in held:
            one.close()
        r.check(wait_for(lambda: store(service.port, own(1)) == 0, 20, 0.2), "no recovery", service.log()[-1500:])
        service.end(r, "no descriptors")


def unread(r, folder):
    """Standard output is a pipe or a terminal that nobody reads: lines are lost, and counted; nothing waits."""
    for what in ("pipe", "terminal"):
        pair = Pair(r, "%s/%s" % (folder, what), "unread " + what)
        service = pair.service
        service.stop()
        reader, writer = os.pipe() if what == "pipe" else os.openpty()
        child = subprocess.Popen([service.binary, "serve", "-c", service.config], stdin=subprocess.DEVNULL,
                                 stdout=writer, stderr=writer, start_new_session=True)
        os.close(writer)
        slowest = []

        def come(source, port=service.port):
            for _ in range(150):
                began = time.monotonic()
                with contextlib.suppress(Refused, OSError), Association(port, CONTEXTS, source=source) as association:
                    association.echo()
                    association.release()
                slowest.append(time.monotonic() - began)
        try:
            wait_for(lambda: listens(service.port), 10)
            callers = [threading.Thread(target=come, args=("127.0.0.%d" % n,)) for n in range(2, 10)]
            for caller in callers:
                caller.start()
            for caller in callers:
                caller.join(60)
            late = [s for s in slowest if s > 3]
            r.check(len(slowest) == 8 * 150 and not late and sum(slowest) < 60, what, len(slowest), "associations,",
                    "slow:", late, "together", sum(slowest))
            answers = send(service.port, pair.study.objects)
            r.check(set(answers.values()) == {0}, what, answers)
            pair.expected = pair.study.expected(service.config)
            pair.has_all(pair.well)
            os.set_blocking(reader, False)
            text = drained(reader)
            send(service.port, [])
            r.check(wait_for(lambda: b"lacks" in drained(reader, text), 10), what, "what was lost is not told",
                    bytes(text[-500:]))
            os.kill(child.pid, signal.SIGTERM)
            r.check(child.wait(20) == 0, what, "ended with", child.returncode)
        finally:
            with contextlib.suppress(OSError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            os.close(reader)
        pair.well.stop()
        pair.ill.stop()


def drained(reader, text=None):
    """What there is to be read, after `text`."""
    text = bytearray() if text is None else text
    with contextlib.suppress(OSError):
        while more := os.read(reader, 65536):
            text += more
    return text


class Strace(Process):
    """strace on a service that runs, and on its children."""

    def __init__(self, service, log, *options):
        super().__init__(["strace", "-f", "-qq", "-p", str(service.pid), *options, "-o", log + ".trace"], log)
        wait_for(self.attached(service.pid), 10)

    @staticmethod
    def attached(pid):
        def tracer():
            with open("/proc/%d/status" % pid, encoding="ascii") as file:
                return "TracerPid:\t0\n" not in file.read()
        return tracer

    def trace(self):
        with open(self.log_path + ".trace", encoding="utf-8", errors="replace") as file:
            return file.read()


class Inject(Strace):
    """Its system calls fail as told."""

    def __init__(self, service, what, log):
        super().__init__(service, log, "-e", "trace=" + what.split(":")[0], "-e", "inject=" + what)

    def hits(self):
        return self.trace().count("(INJECTED)")


# calls, what becomes of the C-STOREs meanwhile
FAULTS = [
    ("fdatasync:error=EIO", ANSWERS_TO_A_FAULT),
    ("fsync:error=EIO", ANSWERS_TO_A_FAULT),
    ("rename,renameat,renameat2:error=EIO", ANSWERS_TO_A_FAULT),
    ("write,writev,pwrite64,pwritev:error=EINTR:when=1+2", {0}),
    ("read,recvfrom,readv:error=EINTR:when=1+2", {0}),
]


def failing_calls(r, folder):
    if shutil.which("strace") is None:
        print("SKIP e2e/faults: strace is not installed")
        return
    service = Service(folder, durability="strict", **quiet())
    number = 0
    with service:
        for what, wanted in FAULTS:
            tracer = Inject(service, what, "%s/%s.strace" % (folder, what.split(":")[0].split(",")[0]))
            if not tracer.running():
                print("SKIP e2e/faults: strace may not attach here: " + tracer.log()[-200:])
                return
            before = stored(service)
            answers = []
            with tracer:
                for _ in range(3):
                    number += 1
                    answers.append(store(service.port, own(number)))
                tracer.stop(10, signal.SIGINT)
            r.check(set(answers) <= wanted, what, "answers", answers)
            if wanted != {0}:
                r.check(tracer.hits() > 0, what, "was never injected")
                if "rename" in what or "fdatasync" in what:
                    r.check(stored(service) == before, what, "visible:", stored(service) - before)
            r.check(not service.parts(), what, "left", service.parts())
            number += 1
            r.check(store(service.port, own(number)) == 0, what, "no recovery", service.log()[-1500:])
        service.end(r, "failing calls")


def not_forced(r, folder):
    """What was made cannot be forced to the disk: it counts as not made, nothing is sent, and it is made again."""
    if shutil.which("strace") is None:
        return  # as failing_calls says
    destination = Destination()
    study = Study(folder + "/study", 4100, 4)
    service = Service(folder + "/netrt", destination=("DEST", destination.port),
                      watcher={"debounce_interval_seconds": 1, "complete_grace_seconds": 0})
    with service:
        tracer = Inject(service, "syncfs:error=ENOSPC", folder + "/syncfs.strace")
        if not tracer.running():
            return
        with tracer:
            r.check(set(send(service.port, study.objects).values()) == {0}, "not forced: send")
            r.check(wait_for(lambda: "PROCESSING_FAILED" in service.transactions(), 20), "not forced:",
                    service.log()[-1500:])
            tracer.stop(10, signal.SIGINT)
        r.check(tracer.hits() > 0 and not destination.kept, "not forced, and sent:", len(destination.kept))
        r.check(destination.wait(lambda: len(destination.kept) == len(study.images), 30), "not made again:",
                service.log()[-1500:])
        service.end(r, "not forced")
    destination.stop()


# ---- what is on the disk before what ---------------------------------------------------------

WATCHED = "fsync,fdatasync,syncfs,renameat,renameat2,linkat,unlinkat,write,writev,sendmsg"


def calls_of(trace):
    """[(process, call, arguments)] of those that succeeded, as they ended."""
    begun, found = {}, []
    for line in trace.splitlines():
        pid, _, rest = line.partition(" ")
        rest = rest.strip()
        if rest.endswith("<unfinished ...>"):
            begun[pid] = rest[:-len("<unfinished ...>")]
            continue
        resumed = re.match(r"<\.\.\. \w+ resumed>(.*)", rest)
        call = re.match(r"(\w+)\((.*)\)\s+= \d+", begun.pop(pid, "") + resumed.group(1) if resumed else rest)
        if call:
            found.append((pid, call.group(1), call.group(2)))
    return found


def acts_of(trace):
    """[(process, act, path, new path)] where an act is sync, all (of the disk), name, gone, write, or say (to a peer)."""
    words = {"fsync": "sync", "fdatasync": "sync", "syncfs": "all", "renameat": "name", "renameat2": "name", "linkat": "name",
             "unlinkat": "gone", "write": "write", "writev": "write", "sendmsg": "say"}
    for pid, call, arguments in calls_of(trace):
        paths = [folder + ("/" + name if name else "") for folder, name in re.findall(r'\d+<([^>]*)>(?:, "([^"]*)")?', arguments)]
        act = words[call]
        if act in ("write", "say"):
            paths = paths[:1]
        yield (pid, act, *(paths + ["", ""])[:2])


def check_received(r, acts, working, count):
    """An object is on the disk before it has its name, and its name is before its sender is told."""
    named = [i for i, a in enumerate(acts) if a[1] == "name" and a[2].startswith(working + "/.incoming/")]
    r.check(len(named) == count, "received", len(named), "of", count)
    for i in named:
        pid, _, part, name = acts[i]
        mine, folder = [a[1:3] for a in acts[:i] if a[0] == pid], os.path.dirname(name)
        r.check(("sync", part) in mine and ("write", part) not in mine[mine.index(("sync", part)):], "named before it is on the disk", name)
        for there in (working, os.path.dirname(folder)):
            r.check(("sync", there) in mine, "before it is on the disk is used", there)
        then = [a[1:3] for a in acts[i:] if a[0] == pid]
        told = next((k for k, a in enumerate(then) if a[0] == "say"), 0)
        r.check(("sync", folder) in then[:told], "told before its name is on the disk", name, then[:told])


def check_made(r, acts, study):
    """What was made is on the disk before the journal says so."""
    journal = study + "/journal"
    (pid,) = {a[0] for a in acts if a[1] == "all"}
    mine = [a[1:] for a in acts if a[0] == pid]
    at = [i for i, a in enumerate(mine) if a[0] == "name" and a[2].startswith(study + "/")]
    forced = [a[0] for a in mine].index("all")
    r.check(len(at) == 4 and at[-1] < forced, "published:", [mine[i][2] for i in at])
    r.check(("write", journal, "") not in mine[at[0]:forced], "the journal says it before it is on the disk")
    r.check(mine[forced:].index(("write", journal, "")) < mine[forced:].index(("sync", journal, "")), "the journal")


def check_removed(r, acts, working, study, reports):
    """Nothing that was received goes before the journal and the report are on the disk; the journal goes last."""
    journal, every, acts = study + "/journal", acts, [a[1:] for a in acts]
    gone = [a[1] for a in acts if a[0] == "gone" and a[1].startswith(study + "/")]
    first = acts.index(("gone", gone[0], ""))
    before = acts[:first]
    for pid in {a[0] for a in every if a[1:3] == ("write", journal)} - {a[0] for a in every if a[1:] == ("sync", working, "")}:
        mine = [a[1:] for a in every[:first] if a[0] == pid]
        said = max(i for i, a in enumerate(mine) if a[:2] == ("write", journal))
        r.check(("sync", journal, "") in mine[said:], "removed before the journal is on the disk")
    named = [(i, a) for i, a in enumerate(acts) if a[0] == "name" and a[2].startswith(reports + "/")]
    r.check(len(named) == 3, "reports:", len(named))
    for i, (_, part, name) in named:
        r.check(("sync", part, "") in acts[:i], "named before it is on the disk", name)
    r.check(("sync", reports, "") in acts[named[-1][0]:first], "removed before the report is on the disk")
    files = [g for g in gone if os.path.basename(g) not in SPOOL_FOLDERS]
    r.check(files[-1] == journal and len(files) > 8, "the journal goes last:", files[-3:])
    r.check(("sync", working, "") in acts[acts.index(("gone", study, "")):], "that a study is gone is not on the disk")


SPOOL_FOLDERS = {"DCM", "Structure", "Addition"}


def order(r, folder):
    """A study from its first object to its end, and every call that puts something on the disk, names or removes it."""
    if shutil.which("strace") is None:
        return  # as failing_calls says
    destination, study = Destination(), Study(folder + "/study", 4300, 4)
    service = Service(os.path.realpath(folder) + "/netrt", destination=("DEST", destination.port),
                      watcher={"debounce_interval_seconds": 1, "complete_grace_seconds": 0})
    with service:
        tracer = Strace(service, folder + "/order", "-y", "-e", "trace=" + WATCHED)
        if not tracer.running():
            return
        with tracer:
            r.check(set(send(service.port, study.objects).values()) == {0}, "order: send")
            r.check(wait_for(lambda: not service.files("UID_*/**") and len(destination.kept) == 4, 30), "order:", service.log()[-1500:])
            wait_for(lambda: not os.path.exists(service.working + "/UID_" + study.uid), 10)
            time.sleep(0.2)  # the last call of all is after that
            tracer.stop(10, signal.SIGINT)
        acts, place = list(acts_of(tracer.trace())), service.working + "/UID_" + study.uid
        check_received(r, acts, service.working, len(study.objects))
        check_made(r, acts, place)
        check_removed(r, acts, service.working, place, service.reports)
        service.end(r, "order")
    destination.stop()


# ---- destinations ----------------------------------------------------------------------------

class Pair:
    """A service with two destinations, of which one is well; what both get of one study."""

    def __init__(self, r, folder, name, **more):
        self.r, self.name = r, name
        self.well, self.ill = Destination(ae_title="WELL"), Destination(ae_title="ILL")
        os.makedirs(folder, exist_ok=True)
        self.study = Study(folder + "/study", 4000, 6)
        places = [{"name": n, "ip": "127.0.0.1", "port": d.port, "ae_title": d.ae_title}
                  for n, d in (("ill", self.ill), ("well", self.well))]
        delivery = {"retry_first_seconds": 1, "retry_most_seconds": 2, "permanent_attempts": 2, "connect_seconds": 2,
                    "response_seconds": 3, **more}
        self.service = Service(folder + "/netrt", dicom_destinations=places, delivery=delivery,
                               watcher={"debounce_interval_seconds": 1, "complete_grace_seconds": 0})

    def __enter__(self):
        answers = send(self.service.port, self.study.objects)
        self.r.check(set(answers.values()) == {0}, self.name, answers)
        self.expected = self.study.expected(self.service.config)
        return self

    def __exit__(self, *_):
        self.service.end(self.r, self.name)
        self.service.__exit__()
        for one in (self.well, self.ill):
            one.stop()
            self.r.check(not one.errors, self.name, one.errors[:3])

    def has_all(self, which, timeout=20):
        done = which.wait(lambda: len(which.kept) == len(self.expected), timeout)
        got = {sop: undated(data) for sop, (_, data) in which.kept.items()}
        return self.r.check(done and got == self.expected, self.name, which.ae_title, "has", len(got), "of",
                            len(self.expected), self.service.log()[-1500:])

    def studies(self):
        return [f for f in os.listdir(self.service.working) if f.startswith("UID_")]

    def gone(self):
        self.r.check(wait_for(lambda: not self.studies(), 20), self.name, "not removed:", self.studies(),
                     self.service.log()[-1500:])
        self.r.check(not self.service.quarantined(), self.name, "quarantined", self.service.quarantined())
        self.r.check(len(self.ill.twice) <= 1, self.name, "came twice:", len(self.ill.twice))

    def given_up(self):
        self.r.check(wait_for(self.service.quarantined, 30), self.name, "not quarantined", self.service.log()[-1500:])
        for folder in self.service.quarantined():
            path = "%s/quarantine/%s/" % (self.service.working, folder)
            self.r.check(os.path.getsize(path + "reason") > 20, self.name, "no reason")
            kept = os.listdir(path + "DCM") + os.listdir(path + "Structure")
            self.r.check(len(kept) == len(self.study.objects), self.name, "originals in quarantine:", len(kept))


def down(r, folder):
    pair = Pair(r, folder, "down")
    pair.ill.stop()
    with pair:
        pair.has_all(pair.well)
        r.check(len(pair.studies()) == 1 and not pair.ill.kept, "down: removed before it was delivered")
        pair.ill.start()
        pair.has_all(pair.ill)
        pair.gone()


def refuses(r, folder, verdict, name):
    pair = Pair(r, folder, name)
    turned_away = []

    def on_request(request):
        turned_away.append(request)
        return verdict if len(turned_away) == 1 else None
    pair.ill.on_request = on_request
    with pair:
        pair.has_all(pair.well)
        pair.has_all(pair.ill)
        pair.gone()
        r.check(len(turned_away) >= 2, name, "asked", len(turned_away), "times")


def refuses_transiently(r, folder):
    refuses(r, folder, (2, 3, 2), "refuses for a while")


def refuses_title(r, folder):
    refuses(r, folder, (1, 1, 7), "does not know itself at first")


def no_context(r, folder):
    """Nobody takes this class: given up after permanent_attempts, and said so."""
    pair = Pair(r, folder, "accepts no context")
    pair.ill.accepts = lambda abstract, syntaxes: None
    with pair:
        pair.has_all(pair.well)
        pair.given_up()
        r.check(not pair.ill.stores, "stored on a context that was refused")


def reads_slowly(r, folder):
    """A byte a second: the sender gives up in its time and tries again; the other one is not held up."""
    pair = Pair(r, folder, "reads a byte a second")
    slow = []

    def on_connect(peer):
        if slow:
            return True
        slow.append(peer)
        with contextlib.suppress(OSError):
            for _ in range(20):
                if not peer.sock.recv(1):
                    break
                time.sleep(1)
        return False
    pair.ill.on_connect = on_connect
    with pair:
        pair.has_all(pair.well, 5 + 10)
        pair.has_all(pair.ill, 60)
        pair.gone()


def hangs(r, folder):
    """Accepts, takes the association, and never says anything again."""
    pair = Pair(r, folder, "hangs")
    asleep = []

    def on_store(fields, data, count):
        if not asleep:
            asleep.append(fields)
            return "never"
        return 0
    pair.ill.on_store = on_store
    with pair:
        pair.has_all(pair.well)
        pair.has_all(pair.ill, 60)
        pair.gone()


LOCAL = [full_disk, low_water, no_descriptors, unread, failing_calls, not_forced, order]
AWAY = [down, refuses_transiently, refuses_title, no_context, reads_slowly, hangs]


def main():
    need_serve("faults")
    r = Report("faults")
    names = sys.argv[1:]
    with workspace("faults") as folder:
        for test in LOCAL + AWAY:
            if names and test.__name__ not in names:
                continue
            began = time.monotonic()
            place = "%s/%s" % (folder, test.__name__)
            os.makedirs(place)
            try:
                test(r, place)
            except subprocess.CalledProcessError as error:
                print("SKIP e2e/faults: %s: %s" % (test.__name__, error.stderr))
            except Exception:  # the others shall run all the same
                r.check(False, test.__name__, traceback.format_exc())
            print("%s: %.1f s" % (test.__name__, time.monotonic() - began), flush=True)
    return r.end()


if __name__ == "__main__":
    sys.exit(main())
