#!/usr/bin/python3
"""Clients that do as the standard lets them, each in a way of its own: `netrt serve` answers them all.

Toolkits differ in what they negotiate and how they cut messages into PDVs and PDUs; what is sent here is what
dcm4che, fo-dicom, MergeCOM, modalities and routers are known to send, and what the standard allows beyond it.
"""
import os
import random
import socket
import struct
import sys
import time

from harness import Report
from serve_harness import Service, family, need_serve, wait_for, workspace
from wire import (BIG, CLOSED, CT, DEFLATED, EXPLICIT, IMPLICIT, JPEG_LOSSLESS, MR, VERIFICATION, Accept, Association,
                  Connection, Object, abort, associate_rq, describe, echo_rq, image, item, p_data, pdv, release_rq,
                  store_rq, user_information)

CONTEXTS = [(1, VERIFICATION, [IMPLICIT]), (3, CT, [IMPLICIT]), (5, CT, [EXPLICIT]), (7, MR, [EXPLICIT, IMPLICIT])]
ECHO = p_data(pdv(1, echo_rq(), True))
REL = release_rq()


def name(numbers=iter(range(1, 1 << 30))):
    return "2.25.4711%d" % next(numbers)


def talk(service, *steps, answers=None, timeout=10):
    """What is answered: words, and the first A-ASSOCIATE-AC.  `answers`: PDUs to be read after the last step."""
    words, accept = [], None
    with Connection(service.port) as peer:
        for step in steps:
            peer.send(step)
            if step[0] == 1:
                got = peer.pdu(timeout)
                words.append(got if isinstance(got, str) else describe(*got))
                accept = Accept(got[1]) if got[0] == 2 else None
        for _ in range(answers if answers is not None else 100):
            got = peer.pdu(timeout)
            words.append(got if isinstance(got, str) else describe(*got))
            if isinstance(got, str):
                break
    return " ".join(words), accept


def stored(service, sop, data, study="2.25.1"):
    try:
        return Object("%s/UID_%s/DCM/%s.dcm" % (service.working, study, sop)).data == data
    except OSError:
        return False


# ---- negotiation -----------------------------------------------------------------------------

def sub_item(kind, *uids, tail=b""):
    return item(kind, b"".join(struct.pack(">H", len(u)) + u.encode() for u in uids) + tail)


def role(sop_class, scu, scp):
    return sub_item(0x54, sop_class, tail=bytes([scu, scp]))


def identity(kind, primary, secondary=b"", answer=1):
    return item(0x58, bytes([kind, answer]) + struct.pack(">H", len(primary)) + primary +
                struct.pack(">H", len(secondary)) + secondary)


def common(sop_class, service_class, *related):
    inner = b"".join(struct.pack(">H", len(u)) + u.encode() for u in related)
    return sub_item(0x57, sop_class, service_class, tail=struct.pack(">H", len(inner)) + inner)


def negotiations(r, service):
    """What dcm4che and others propose besides contexts; what is not ours is passed over, and nothing is secret in logs."""
    for what, more, wanted in (
        ("window 0/0", item(0x53, struct.pack(">HH", 0, 0)), {0x53: [b"\0\1\0\1"]}),
        ("window 16/1", item(0x53, struct.pack(">HH", 16, 1)), {0x53: [b"\0\1\0\1"]}),
        ("both roles", role(CT, 1, 1) + role(MR, 1, 0), {}),
        ("roles of 200 classes", b"".join(role("1.2.3.%d" % n, 1, 0) for n in range(200)), {}),
        ("user", identity(1, b"someone"), {}), ("passcode", identity(2, b"someone", b"hunter-secret"), {}),
        ("Kerberos", identity(3, bytes(range(256)) * 30), {}), ("SAML", identity(4, b"<a/>" * 4000), {}),
        ("JSON web token", identity(5, b"eyJ" * 3000, answer=0), {}), ("identity of no kind", identity(99, b"x"), {}),
        ("extended, storage", sub_item(0x56, CT, tail=b"\2\0\1\0\0\0"), {}),
        ("common extended", common(CT, "1.2.840.10008.4.2", MR), {}),
        ("all of it", item(0x53, bytes(4)) + role(CT, 1, 0) + identity(2, b"u", b"hunter-secret") +
         sub_item(0x56, CT, tail=b"\1") + common(CT, "1.2.840.10008.4.2"), {0x53: [b"\0\1\0\1"]}),
        ("items from the future", item(0x5A, b"a") + item(0x60, b"") + item(0xFF, b"z" * 500), {}),
    ):
        words, accept = talk(service, associate_rq(CONTEXTS, user=user_information(more=more)), ECHO, REL)
        r.check(words == "AC RSP(8030,0000) REL-RP CLOSE", what, words)
        if accept:
            for kind in (0x53, 0x58, 0x59):
                r.check(accept.user.get(kind, []) == wanted.get(kind, []), what, "answered with", accept.user)
            # a role may only be taken away: never SCP of storage
            r.check(all(a[-1] == 0 for a in accept.user.get(0x54, [])), what, "roles", accept.user.get(0x54))
            r.check(all(result == 0 for result, _ in accept.contexts.values()), what, accept.contexts)
    r.check("hunter-secret" not in service.all_logs(), "a passcode is in the log")


def order(r, service):
    """128 contexts, ids in any order, one class many times: each is answered by itself, in what it offers."""
    offers = [([IMPLICIT], 0, IMPLICIT), ([EXPLICIT], 0, EXPLICIT), ([JPEG_LOSSLESS], 0, JPEG_LOSSLESS),
              ([DEFLATED, BIG], 0, BIG), (["1.2.3"], 4, "1.2.3"), ([], 4, IMPLICIT),
              ([JPEG_LOSSLESS, DEFLATED, BIG, IMPLICIT, EXPLICIT], 0, EXPLICIT), ([IMPLICIT] * 40, 0, IMPLICIT)]
    ids = list(range(1, 256, 2))
    for seed in range(3):
        random.Random(seed).shuffle(ids)
        classes = [CT if n % 3 else MR if n % 2 else "1.2.840.10008.5.1.4.1.2.2.1" for n in range(128)]
        contexts = [(number, classes[n], offers[n % len(offers)][0]) for n, number in enumerate(ids)]
        words, accept = talk(service, associate_rq(contexts), REL)
        r.check(words == "AC REL-RP CLOSE", "128 contexts", words)
        if not accept:
            continue
        r.check(len(accept.contexts) == 128, "128 contexts", len(accept.contexts), "answered")
        for n, number in enumerate(ids):
            got, (_, result, syntax) = accept.contexts.get(number), offers[n % len(offers)]
            if classes[n].endswith(".1.2.2.1"):  # no storage class: known by nothing
                r.check(got[0] == 3 and got[1], "context of a query", number, got)
            else:
                r.check(got == (result, syntax), "context", number, "offers", offers[n % len(offers)][0], "got", got)


def by_context(r, service):
    """One class in several contexts: each data set is stored in the syntax of the context that it came on."""
    contexts = [(255, CT, [EXPLICIT]), (9, CT, [BIG]), (101, CT, [IMPLICIT]), (3, CT, [BIG, "1.2.3"])]
    with Association(service.port, contexts) as association:
        for number, explicit, endian, syntax in ((101, False, "<", IMPLICIT), (255, True, "<", EXPLICIT),
                                                 (9, True, ">", BIG), (3, True, ">", BIG), (255, True, "<", EXPLICIT)):
            sop = name()
            data = image(sop, explicit=explicit, order=endian)
            association.write(number, store_rq(CT, sop), data)
            status = association.response().get("status")
            r.check(status == 0 and stored(service, sop, data), "on context", number, "status", status)
            r.check(Object("%s/UID_2.25.1/DCM/%s.dcm" % (service.working, sop)).syntax == syntax, "on context", number)
        r.check(association.release(), "by context: release")


# ---- messages --------------------------------------------------------------------------------

def fragments(r, service):
    """Commands and data sets cut anywhere, with empty PDVs between, one or many PDVs to a PDU."""
    for seed in range(40):
        cut = random.Random(seed)
        sop, number, explicit = name(), 3, False
        if cut.random() < 0.5:
            number, explicit = 5, True
        data = image(sop, explicit=explicit, pixels=bytes(2 * cut.choice((16, 64)) ** 2))
        parts = []
        for command, whole in ((True, store_rq(CT, sop)), (False, data)):
            at = 0
            while at < len(whole):
                size = 0 if cut.random() < 0.2 else 2 * cut.randrange(1, 1 + (60 if command else len(whole) // 4))
                parts.append((whole[at:at + size], command, at + size >= len(whole)))
                at += size
            if cut.random() < 0.3:  # the last one is empty
                parts[-1] = parts[-1][:2] + (False,)
                parts.append((b"", command, True))
        stream, pdus = [], []
        for fragment, command, last in parts:
            stream.append(pdv(number, fragment, command, last))
            if cut.random() < 0.5:
                pdus.append(p_data(*stream))
                stream = [] if cut.random() < 0.9 else [pdv(number, b"", command, False)] if not last else []
        if stream:
            pdus.append(p_data(*stream))
        words, _ = talk(service, associate_rq(CONTEXTS), b"".join(pdus), REL)
        r.check(words == "AC RSP(8001,0000) REL-RP CLOSE" and stored(service, sop, data), "cut by seed", seed, words)


def overlapping(r, service):
    """Several messages without waiting, the end of one and the beginning of the next in one PDU; ids as they come."""
    sops = [name() for _ in range(4)]
    data = [image(s, explicit=n % 2 == 1) for n, s in enumerate(sops)]
    pdvs = []
    for n, sop in enumerate(sops):
        number = 5 if n % 2 else 3
        pdvs += [pdv(number, store_rq(CT, sop, message_id=65535 - n), True), pdv(number, data[n][:200], False, False),
                 pdv(number, data[n][200:], False, True), pdv(1, echo_rq(n), True)]
    for size in (1, 2, 3, 5, 16):
        stream = b"".join(p_data(*pdvs[at:at + size]) for at in range(0, len(pdvs), size))
        words, _ = talk(service, associate_rq(CONTEXTS), stream + REL)
        r.check(words == "AC" + " RSP(8001,0000) RSP(8030,0000)" * 4 + " REL-RP CLOSE", size, "PDVs a PDU:", words)
    r.check(all(stored(service, s, d) for s, d in zip(sops, data)), "overlapping: not all is stored")


def broken_off(r, service):
    """The end comes in the middle: of a PDU, of a data set, with and without an A-ABORT.  Nothing is kept, and it is said."""
    for what, end, said in (
        ("A-ABORT inside a PDU", abort, "closed by the peer in the middle"), ("closed", None, "closed by the peer in the middle"),
        ("reset", "reset", "closed by the peer in the middle"), ("A-ABORT between PDUs", "between", "aborted by the peer in the middle"),
    ):
        sop = name()
        data = image(sop, pixels=bytes(100000))
        half = p_data(pdv(3, store_rq(CT, sop), True)) + p_data(pdv(3, data[:1000], False, False))
        before = service.log().count(said)
        with Connection(service.port) as peer:
            peer.send(associate_rq(CONTEXTS))
            peer.pdu()
            peer.send(half + (b"" if end == "between" else p_data(pdv(3, data[1000:], False))[:5000]))
            if end == "reset":
                time.sleep(0.05)  # else the kernel drops what was sent as well
                peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif end is not None:
                peer.send(abort())
        r.check(wait_for(lambda: service.log().count(said) > before, 5), what, service.log()[-600:])
        r.check(not stored(service, sop, data) and sop not in " ".join(service.files()), what, service.files())
        r.check(wait_for(lambda: not service.parts(), 5), what, "left", service.parts())


def reused(r, service):
    """An association for hours: message ids come round, memory and descriptors stay."""
    with Association(service.port, CONTEXTS) as association:
        def receiver():
            for pid in family(service.pid):
                with open("/proc/%d/status" % pid, encoding="utf-8") as file:
                    status = file.read()
                if "Name:\treceiver" in status:
                    return int(status.split("VmData:")[1].split()[0]), len(os.listdir("/proc/%d/fd" % pid))
            return 0, 0
        sop = name()
        data = image(sop, explicit=True)
        for n in range(50):
            r.check(association.store(CT, sop, data, EXPLICIT).get("status") == 0, "again and again:", n)
        before = receiver()
        association.messages = 65000
        for n in range(2000):
            if not r.check(association.echo() == 0, "echo", n):
                break
        for n in range(200):
            if not r.check(association.store(CT, sop, data, EXPLICIT).get("status") == 0, "again and again:", n):
                break
        after = receiver()
        if "asan" in service.binary:  # it keeps for a while what is freed
            before, after = (1, before[1]), (1, after[1])
        r.check(before[1] > 0 and after == before, "memory and descriptors:", before, after)
        r.check(association.release(), "reused: release")


TESTS = [negotiations, order, by_context, fragments, overlapping, broken_off, reused]


def main():
    need_serve("clients")
    r = Report("clients")
    with workspace("clients") as folder:
        service = Service(folder, watcher={"debounce_interval_seconds": 600})
        with service:
            for test in TESTS:
                if len(sys.argv) < 2 or test.__name__ in sys.argv[1:]:
                    began = time.monotonic()
                    test(r, service)
                    print("%s: %.1f s" % (test.__name__, time.monotonic() - began), flush=True)
            service.end(r)
    return r.end()


if __name__ == "__main__":
    sys.exit(main())
