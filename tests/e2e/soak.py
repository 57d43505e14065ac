#!/usr/bin/python3
"""Nothing is lost: the supervisor, a receiver, a worker or a sender is killed (SIGKILL) at a random
moment, again and again, with everything switched on that is made of a study.   soak.py [ROUNDS [SEED]]

Every round sends two studies, and one without structure set, while something is killed; what was not
answered with Success is sent again, as a sender would.  In the end every instance that was has gone one
of three ways: its study is delivered exactly as `netrt process` derives it, each derived instance once;
or it lies in quarantine; or it waits in the working folder; in the last two, byte for byte as sent.
"""
import contextlib
import hashlib
import os
import random
import signal
import sys
import threading
import time

from harness import Report
from serve_harness import Service, Study, family, need_serve, send, session, wait_for, workspace
from wire import Destination, Object, undated

ROLES = ("supervisor", "receiver", "worker", "sender")


def role_of(pid):
    with contextlib.suppress(OSError), open("/proc/%d/comm" % pid, encoding="utf-8") as file:
        return file.read().strip()
    return ""


class Killer:
    """Waits until a process of the role is there, a random moment more, and kills it."""

    def __init__(self, service, role, delay):
        self.service, self.role, self.delay, self.hit = service, role, delay, False
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        if self.role == "supervisor":
            self.done.wait(self.delay)
            self.kill(self.service.pid)
            return
        while not self.done.is_set():
            pids = [p for p in family(self.service.pid)[1:] if role_of(p) == self.role]
            if pids:
                time.sleep(self.delay / 20)
                self.kill(random.choice(pids))
                if self.hit:
                    return
            time.sleep(0.0005)

    def kill(self, pid):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
            self.hit = True

    def end(self):
        self.done.set()
        self.thread.join()


def restart(service):
    """After a SIGKILL of the supervisor its children end by themselves, and let the folder go."""
    sid = service.pid
    service.child.wait()
    for _ in range(40):
        with contextlib.suppress(RuntimeError):
            service.start()
            return True
        if service.child.poll() != 69:  # EX_UNAVAILABLE: another instance, still
            return False
        wait_for(lambda: not session(sid)[0], 1)
    return False


class Soak:
    def __init__(self, r, folder, seed):
        self.r, self.folder = r, folder
        self.random = random.Random(seed)
        random.seed(seed)
        self.destination = Destination()
        self.service = Service(
            folder + "/netrt", destination=("DEST", self.destination.port), drain_seconds=5,
            processing={"debug": True, "structure_set": "relinked", "add_burn_in_disclaimer": True},
            feature_flags={"enable_segmentation_export": True},
            watcher={"debounce_interval_seconds": 1, "complete_grace_seconds": 0, "without_structure_set": "wait"},
            delivery={"retry_first_seconds": 1, "retry_most_seconds": 2})
        self.expected, self.hits = {}, dict.fromkeys(ROLES, 0)
        self.sent, self.acked = {}, set()
        self.waiting, self.killed = set(), []

    def studies(self, number):
        made = [Study("%s/%d-%d" % (self.folder, number, n), 1000 + 10 * number + n, 6) for n in range(3)]
        for study in made[:2]:
            self.expected[study.uid] = study.expected(self.service.config)
        made[2].objects = made[2].images
        self.waiting.add(made[2].uid)
        for study in made:
            for thing in study.objects:
                self.sent[thing.sop_instance] = (study.uid, hashlib.sha256(thing.data).digest())
        return made

    def round(self, number):
        """True when the service runs at its end."""
        made = self.studies(number)
        role = self.random.choice(ROLES)
        killer = Killer(self.service, role, self.random.random() * 0.4)
        answered = [{} for _ in made]
        threads = [threading.Thread(target=send, args=(self.service.port, study.objects, acked))
                   for study, acked in zip(made, answered)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # what comes of them may be what is to be killed
        wait_for(lambda: killer.hit or not killer.thread.is_alive(), 4)
        killer.end()
        self.hits[role] += killer.hit
        if killer.hit and role == "supervisor" or not self.service.running():
            self.r.check(role == "supervisor", "round", number, "the service ended with its", role, self.service.child.poll(),
                         self.service.log()[-2000:])
            if not self.r.check(restart(self.service), "round", number, "no restart", self.service.log()[-3000:]):
                return False
        return self.again(number, made, answered)

    def again(self, number, made, answered):
        """What was not answered with Success is sent again until it is."""
        for study, acked in zip(made, answered):
            left = study.objects
            for _ in range(5):
                left = [t for t in left if acked.get(t.sop_instance) != 0]
                if not left:
                    break
                acked.update(send(self.service.port, left))
            self.acked.update(sop for sop, status in acked.items() if status == 0)
            self.r.check(not left, "round", number, "not taken:", [acked.get(t.sop_instance) for t in left])
        return True

    def fates(self):
        """Where every study went: {uid: "delivered", "quarantine", "working"}."""
        out = {}
        quarantined = self.service.quarantined()
        for uid in list(self.expected) + list(self.waiting):
            if os.path.isdir("%s/UID_%s" % (self.service.working, uid)):
                out[uid] = "working"
            elif any(name.startswith("UID_%s_" % uid) for name in quarantined):
                out[uid] = "quarantine"
            else:
                out[uid] = "delivered"
        return out

    def verdict(self):
        settled = lambda: all(self.fates()[uid] != "working" for uid in self.expected)
        self.r.check(wait_for(settled, 60 + len(self.expected), 0.2), "not done:",
                     [uid for uid in self.expected if self.fates()[uid] == "working"], self.service.log()[-2000:])
        kept, wanted = self.destination.kept, {}
        fates = self.fates()
        for uid, derived in self.expected.items():
            if fates[uid] == "delivered":
                wanted.update(derived)
        for sop, data in wanted.items():
            got = kept.get(sop)
            self.r.check(got is not None and undated(got[1]) == data, "derived", sop, "is",
                         "missing" if got is None else "another")
        known = {sop for derived in self.expected.values() for sop in derived}
        self.r.check(set(kept) <= known, "instances that nobody derived:", sorted(set(kept) - known)[:5])
        self.on_disk(fates)

    def on_disk(self, fates):
        """What is not delivered is there as it was sent."""
        there = {}
        for path in self.service.files("UID_*/DCM/*.dcm", "UID_*/Structure/*.dcm", "quarantine/*/DCM/*.dcm",
                                       "quarantine/*/Structure/*.dcm"):
            thing = Object(os.path.join(self.service.working, path))
            there[thing.sop_instance] = hashlib.sha256(thing.data).digest()
        lost = [sop for sop in self.acked if fates[self.sent[sop][0]] != "delivered"
                and there.get(sop) != self.sent[sop][1]]
        self.r.check(not lost, "lost or altered:", len(lost), lost[:5])
        for uid in self.waiting:
            self.r.check(fates[uid] != "delivered", "images without structure set were thrown away:", uid)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(1 << 32)
    print("seed", seed, flush=True)
    need_serve("soak")
    r = Report("soak")
    with workspace("soak") as folder:
        soak = Soak(r, folder, seed)
        began = time.monotonic()
        with soak.service:
            for number in range(rounds):
                if not soak.round(number):
                    break
            soak.verdict()
            # what a killed receiver left half is cleared away by the next start
            soak.service.stop(30)
            soak.service.start()
            soak.service.end(r, "soak")
        fates = list(soak.fates().values())
        print("%d rounds in %.0f s; killed %s; %d studies delivered, %d quarantined, %d waiting; %d instances sent, "
              "%d derived ones kept, %d came twice" % (
                  rounds, time.monotonic() - began, soak.hits, fates.count("delivered"), fates.count("quarantine"),
                  fates.count("working"), len(soak.sent), len(soak.destination.kept), len(soak.destination.twice)))
        for error in soak.destination.errors[:5]:
            r.check(False, "destination:", error)
        if r.failures:
            print("again with: soak.py %d %d" % (rounds, seed))
    return r.end()


if __name__ == "__main__":
    sys.exit(main())
