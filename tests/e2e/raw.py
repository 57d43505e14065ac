#!/usr/bin/python3
"""Raw PDUs at `netrt serve`: what it answers to each of 81 conversations that three other acceptors
answered in different ways, and to some of our own.

A case is a list of steps: bytes are sent, READ reads one PDU; at its end everything is read until the
peer has closed.  What was read is a line of words: AC (every context accepted) or AC[id:result=syntax
...], RJ(result,source,reason), RSP(command field,status), REL-RP, ABORT(source,reason), CLOSE, RST;
`silent` is a peer that neither spoke nor closed.  x in a status stands for any digit.

Each case also says what DCMTK's storescp 3.6.7 --fork answers (as was observed, None: not comparable),
so that the prober is proved against a peer whose answers are known:  raw.py --prove
"""
import concurrent.futures
import itertools
import os
import random
import re
import shutil
import socket
import struct
import sys
import time
import zlib

from harness import ASAN, NETRT, Report
from serve_harness import Service, Storescp, capture, need_serve, workspace
from wire import (ABORT, ASSOCIATE_AC, ASSOCIATE_RQ, BIG, C_CANCEL_RQ, C_FIND_RQ, CLOSED, COMMITMENT,
                  COMMITMENT_INSTANCE, CT, DEFLATED, EXPLICIT, FIND_STUDY_ROOT, IMPLICIT, JPEG_LOSSLESS, MR,
                  N_EVENT_REPORT_RQ, P_DATA, RELEASE_RP, RESET, SILENT, VERIFICATION, Accept, Connection, Object, abort,
                  associate_rq, command_element, command_set, context, describe, echo_rq, element, even, image,
                  item, p_data, parse_command, pdu, pdv, pdvs, release_rp, release_rq, store_rq, user_information)

ARTIM = 2  # seconds
SLACK = 3  # for a machine that is busy
READ, FIN = object(), object()  # FIN: nothing more will come from here

CONTEXTS = [(1, VERIFICATION, [IMPLICIT]), (3, CT, [IMPLICIT]), (5, MR, [EXPLICIT])]
RQ = associate_rq(CONTEXTS)
REL = release_rq()
ECHO = p_data(pdv(1, echo_rq(), True))
GOOD = "AC RSP(8030,0000) REL-RP CLOSE"
STORED = "AC RSP(8001,0000) REL-RP CLOSE"
LIVES = "RSP(8030,0000) REL-RP CLOSE"
NAMES = ("2.25.900%d" % n for n in itertools.count(1))
SENT = {}  # the data set of each SOP Instance UID


def rq(**more):
    return associate_rq(more.pop("contexts", CONTEXTS), **more)


def name():
    """A fresh SOP Instance UID."""
    return next(NAMES)


def sent(sop, *options, **more):
    """The data set of an image, remembered."""
    SENT[sop] = image(sop, *options, **more)
    return SENT[sop]


def store(command=None, data=None, number=3, data_number=None):
    """The PDUs of one C-STORE: command and data set in a PDU each."""
    sop = name()
    command = store_rq(CT, sop) if command is None else command
    data = sent(sop) if data is None else data
    out = p_data(pdv(number, command, True))
    size = 16000
    for at in range(0, max(len(data), 1), size):
        out += p_data(pdv(data_number or number, data[at:at + size], False, at + size >= len(data)))
    return out


def pieces(data, size):
    return [data[at:at + size] for at in range(0, len(data), size)]


def one_pdu():
    sop = name()
    return p_data(pdv(3, store_rq(CT, sop), True), pdv(3, sent(sop), False))


def in_two_byte_pdvs():
    sop = name()
    parts = pieces(store_rq(CT, sop), 2)
    head = [pdv(3, p, True, i == len(parts) - 1) for i, p in enumerate(parts)]
    return p_data(*head) + p_data(pdv(3, sent(sop), False))


def in_three_pdus():
    sop = name()
    out = p_data(pdv(3, store_rq(CT, sop), True))
    for part in pieces(sent(sop), 256):
        out += p_data(pdv(3, part, False, False))
    return out + p_data(pdv(3, b"", False, True))


def odd_fragments():
    sop = name()
    parts = pieces(sent(sop), 251)
    out = p_data(pdv(3, store_rq(CT, sop), True))
    for i, part in enumerate(parts):
        out += p_data(pdv(3, part, False, i == len(parts) - 1))
    return out


def sop_and(**more):
    sop = name()
    return store(store_rq(CT, sop, **more), sent(sop))


def nested(levels):
    sop = name()
    deep = struct.pack("<HHIHHI", 0x0040, 0xA730, 0xFFFFFFFF, 0xFFFE, 0xE000, 0xFFFFFFFF) * levels
    return store(store_rq(CT, sop), sent(sop)[:-520] + deep)


def truncated():
    sop = name()
    return store(store_rq(CT, sop), sent(sop)[:-520] + struct.pack("<HHI", 0x7FE0, 0x0010, 1 << 20))


def garbage():
    return store(store_rq(CT, name()), random.Random(5).randbytes(4096))


def other_class(data_class):
    sop = name()
    return store(store_rq(MR, sop), sent(sop, data_class))


def named(sop, study="2.25.1"):
    return store(store_rq(CT, sop), sent(sop, study=study))


def without_data_set():
    return p_data(pdv(3, store_rq(CT, name(), data=0x0101), True))


def find():
    identifier = element(0x00080052, "CS", "STUDY", False)
    command = command_set(affected_class=FIND_STUDY_ROOT, field=C_FIND_RQ, message_id=1, priority=0, data=0)
    return p_data(pdv(3, command, True)) + p_data(pdv(3, identifier, False))


def unknown_command():
    return p_data(pdv(1, command_set(affected_class=VERIFICATION, field=0x7777, message_id=1, data=0x0101), True))


def cancel():
    return p_data(pdv(1, command_set(field=C_CANCEL_RQ, responded_to=1, data=0x0101), True))


def with_length_to_end():
    return p_data(pdv(1, echo_rq(more=command_element(1, struct.pack("<I", 100))), True))


def large(kib):
    """A C-STORE whose data set is one PDV of so many KiB and the few bytes before them."""
    sop = name()
    data = sent(sop, pixels=bytes(kib * 1024))
    return p_data(pdv(3, store_rq(CT, sop), True)) + p_data(pdv(3, data, False))


def deflated_rq():
    return associate_rq([(3, CT, [DEFLATED])])


def deflated():
    sop = name()
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    SENT[sop] = even(squeeze.compress(image(sop, explicit=True)) + squeeze.flush(), b"\0")
    return store(store_rq(CT, sop), SENT[sop])


def big_endian():
    sop = name()
    return store(store_rq(CT, sop), sent(sop, explicit=True, order=">"))


def explicit():
    sop = name()
    return store(store_rq(CT, sop), sent(sop, explicit=True))


def event_report():
    """As a storage commitment provider would send it, on a context that it is not for."""
    command = command_set(affected_class=COMMITMENT, affected_instance=COMMITMENT_INSTANCE,
                          field=N_EVENT_REPORT_RQ, message_id=1, event_type=1, data=0)
    return p_data(pdv(3, command, True)) + p_data(pdv(3, element(0x00081195, "UI", "2.25.5", False), False))


def many_contexts():
    return b"".join(context(1 + 2 * n & 0xFF, CT, [IMPLICIT]) for n in range(256))


def echo_with(**more):
    return [rq(**more), READ, ECHO, READ, REL]


def negotiated(abstract, syntaxes):
    return [associate_rq([(1, abstract, syntaxes)]), READ, REL]


def extra(more):
    return user_information(more=more)


ROLE = item(0x54, struct.pack(">H", len(CT)) + CT.encode() + b"\0\1")
IDENTITY = item(0x58, b"\1\1" + struct.pack(">H", 5) + b"probe" + struct.pack(">H", 0))
EXTENDED = item(0x56, struct.pack(">H", len(CT)) + CT.encode() + b"\2\0\1\0\0\0")
HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(range(192))
HTTP = b"GET / HTTP/1.1\r\nHost: pacs.example\r\nUser-Agent: curl/8\r\nAccept: */*\r\n\r\n"

# name, steps, our answer, the answer of storescp 3.6.7 --fork
CASES = [
    ("echo and release", [RQ, READ, ECHO, READ, REL], GOOD, "AC RSP(8030,0000) REL-RP"),
    ("echo, a byte at a time", [RQ, READ, *pieces(ECHO, 1), READ, *pieces(REL, 1)], GOOD,
     "AC RSP(8030,0000) REL-RP"),
    ("request and echo before the answer", [RQ + ECHO, READ, READ, REL], GOOD, "AC RSP(8030,0000) REL-RP"),
    ("two echoes and the release in one write", [RQ, READ, ECHO + ECHO + REL],
     "AC RSP(8030,0000) RSP(8030,0000) REL-RP CLOSE", "AC RSP(8030,0000) RSP(8030,0000) REL-RP"),
    ("store, command and data set in one PDU", [RQ, READ, one_pdu(), READ, REL], STORED,
     "AC RSP(8001,0000) REL-RP"),
    ("store, command in PDVs of two bytes", [RQ, READ, in_two_byte_pdvs(), READ, REL], STORED,
     "AC RSP(8001,0000) REL-RP"),
    ("store, data set in three PDUs and an empty last PDV", [RQ, READ, in_three_pdus(), READ, REL], STORED,
     "AC RSP(8001,0000) REL-RP"),
    ("store, fragments of odd length", [RQ, READ, odd_fragments(), READ, REL], STORED, "AC ABORT(0,0)"),
    ("P-DATA without a PDV, then an echo", [RQ, READ, p_data(), ECHO, READ, REL], GOOD, "AC ABORT(0,0)"),
    ("PDV of length 1", [RQ, READ, p_data(struct.pack(">IB", 1, 1))], "AC ABORT(2,6) CLOSE", "AC ABORT(0,0)"),
    ("PDV longer than its PDU", [RQ, READ, p_data(pdv(1, echo_rq(), True, length=1000))], "AC ABORT(2,6) CLOSE",
     "AC ABORT(0,0)"),
    ("PDV of an unknown context", [RQ, READ, p_data(pdv(99, echo_rq(), True))], "AC ABORT(2,6) CLOSE",
     "AC ABORT(0,0)"),
    ("command on context 3, data set on 5", [RQ, READ, store(data_number=5)], "AC ABORT(2,5) CLOSE",
     "AC ABORT(0,0)"),
    ("data set before any command", [RQ, READ, p_data(pdv(3, image("2.25.3"), False))], "AC ABORT(2,5) CLOSE",
     "AC ABORT(0,0)"),
    ("command while a data set is outstanding",
     [RQ, READ, p_data(pdv(3, store_rq(CT, "2.25.4"), True)) + ECHO], "AC ABORT(2,5) CLOSE", "AC ABORT(0,0)"),
    ("SOP class of another context", [RQ, READ, other_class(CT), READ, REL], "AC RSP(8001,a900) REL-RP CLOSE",
     "AC RSP(8001,a900) REL-RP"),
    ("SOP Instance UID of command and data set differ",
     [RQ, READ, store(store_rq(CT, name()), image(name())), READ, REL], "AC RSP(8001,a900) REL-RP CLOSE",
     "AC RSP(8001,a900) REL-RP"),
    ("C-STORE without data set, then an echo", [RQ, READ, without_data_set(), READ, ECHO, READ, REL],
     "AC RSP(8001,c000) " + LIVES, "AC ABORT(0,0)"),
    ("C-STORE without Priority", [RQ, READ, sop_and(priority=None), READ, REL], STORED, "AC ABORT(0,0)"),
    ("wrong group length", [RQ, READ, p_data(pdv(1, echo_rq(group_length=4), True)), READ, REL], GOOD,
     "AC RSP(8030,0000) REL-RP"),
    ("command with Length to End", [RQ, READ, with_length_to_end(), READ, REL], GOOD, "AC RSP(8030,0000) REL-RP"),
    ("SOP class padded with a space",
     [RQ, READ, p_data(pdv(1, echo_rq(affected_class=VERIFICATION.encode() + b" "), True)), READ, REL], GOOD,
     "AC RSP(8030,0000) REL-RP"),
    ("unknown command 7777, then an echo", [RQ, READ, unknown_command(), READ, ECHO, READ, REL],
     "AC RSP(f777,0211) " + LIVES, "AC ABORT(0,0)"),
    ("C-FIND on a storage context, then an echo", [RQ, READ, find(), READ, ECHO, READ, REL],
     "AC RSP(8020,0211) " + LIVES, "AC ABORT(0,0)"),
    ("stray C-CANCEL, then an echo", [RQ, READ, cancel() + ECHO, READ, REL], GOOD, "AC ABORT(0,0)"),
    ("data set of noise", [RQ, READ, garbage(), READ, REL], "AC RSP(8001,cxxx) REL-RP CLOSE", "AC ABORT(0,0)"),
    ("data set cut short", [RQ, READ, truncated(), READ, REL], "AC RSP(8001,cxxx) REL-RP CLOSE",
     "AC RSP(8001,0000) REL-RP"),
    ("empty data set", [RQ, READ, store(data=b""), READ, REL],
     "AC RSP(8001,cxxx) REL-RP CLOSE|AC RSP(8001,a900) REL-RP CLOSE", None),
    ("5,000 nested sequences, then an echo", [RQ, READ, nested(5000), READ, ECHO, READ, REL],
     "AC RSP(8001,cxxx) " + LIVES, None),
    ("Study Instance UID \"..\"", [RQ, READ, named(name(), ".."), READ, REL], "AC RSP(8001,cxxx) REL-RP CLOSE",
     "AC RSP(8001,0000) REL-RP"),
    ("SOP Instance UID \"../../../tmp/x\"", [RQ, READ, named("../../../tmp/x"), READ, REL],
     "AC RSP(8001,0117) REL-RP CLOSE|AC RSP(8001,cxxx) REL-RP CLOSE", None),
    ("release, then a release response", [RQ, READ, REL + release_rp()], "AC REL-RP CLOSE", "AC REL-RP"),
    ("release response unasked", [RQ, READ, release_rp()], "AC ABORT(2,2) CLOSE", "AC ABORT(2,2)"),
    ("second request", [RQ, READ, RQ], "AC ABORT(2,2) CLOSE", "AC ABORT(2,2)"),
    ("A-ASSOCIATE-AC first", [pdu(ASSOCIATE_AC, RQ[6:])], "ABORT(2,2) CLOSE", "ABORT(0,0)"),
    ("A-RELEASE-RQ first", [REL], "ABORT(2,2) CLOSE", "ABORT(0,0)"),
    ("P-DATA first", [ECHO], "ABORT(2,2) CLOSE", "ABORT(0,0)"),
    ("PDU of type 2a", [RQ, READ, pdu(0x2A, bytes(4))], "AC ABORT(2,1) CLOSE", "AC ABORT(0,0)"),
    ("HTTP", [HTTP], "ABORT(2,1) CLOSE", None),
    ("TLS", [HELLO], "ABORT(2,1) CLOSE", None),
    ("A-ABORT", [RQ, READ, abort()], "AC CLOSE", "AC"),
    ("closed at once", [FIN], "CLOSE", None),
    ("silence", [], "CLOSE", None),
    ("half a request, then silence", [RQ[:40]], "CLOSE", None),
    ("protocol version 0002", [rq(version=2)], "RJ(1,2,2) CLOSE", "RJ(1,2,2)"),
    ("protocol version 0003", [rq(version=3), READ, REL], "AC REL-RP CLOSE", "AC REL-RP"),
    ("unknown application context", [rq(application="1.2.3.4")], "RJ(1,1,2) CLOSE", "RJ(1,1,2)"),
    ("calling AE title blank", echo_with(calling=" "), GOOD, None),
    ("called AE title blank", [rq(called=" ")], "RJ(1,1,7) CLOSE", None),
    ("called AE title of another", [rq(called="OTHER")], "RJ(1,1,7) CLOSE", None),
    ("called AE title padded with NUL", echo_with(called=b"NETRT".ljust(16, b"\0")), GOOD,
     "AC RSP(8030,0000) REL-RP"),
    ("backslash and control characters in the calling AE title", echo_with(calling=b"A\\B\x1b[2J\n\x07".ljust(16)),
     GOOD, "AC RSP(8030,0000) REL-RP"),
    ("called AE title after spaces", echo_with(called=b"   NETRT".ljust(16)), GOOD, "AC RSP(8030,0000) REL-RP"),
    ("context with an even id", [rq(contexts=[(2, CT, [IMPLICIT])])], "ABORT(2,6) CLOSE", None),
    ("two contexts with one id", [rq(contexts=[(1, CT, [IMPLICIT]), (1, MR, [IMPLICIT])])], "ABORT(2,6) CLOSE",
     None),
    ("context with id 0", [rq(contexts=[(0, CT, [IMPLICIT])])], "ABORT(2,6) CLOSE", None),
    ("256 contexts", [rq(contexts=many_contexts())], "ABORT(2,6) CLOSE", None),
    ("no context", [rq(contexts=b""), READ, REL], "AC[] REL-RP CLOSE", None),
    ("context without transfer syntax", negotiated(CT, []), "AC[1:4] REL-RP CLOSE", None),
    ("context with two abstract syntaxes", [rq(contexts=context(1, None, [IMPLICIT], [CT, MR])), READ, REL],
     "AC[1:0=%s] REL-RP CLOSE" % IMPLICIT, "AC[1:0=%s] REL-RP" % IMPLICIT),
    ("implicit, explicit and big endian offered", negotiated(CT, [IMPLICIT, EXPLICIT, BIG]),
     "AC[1:0=%s] REL-RP CLOSE" % EXPLICIT, "AC[1:0=%s] REL-RP" % EXPLICIT),
    ("big endian and implicit offered", negotiated(CT, [BIG, IMPLICIT]),
     "AC[1:0=%s] REL-RP CLOSE" % IMPLICIT, "AC[1:0=%s] REL-RP" % BIG),
    ("JPEG and implicit offered", negotiated(CT, [JPEG_LOSSLESS, IMPLICIT]),
     "AC[1:0=%s] REL-RP CLOSE" % IMPLICIT, "AC[1:0=%s] REL-RP" % IMPLICIT),
    ("private SOP class", negotiated("1.2.3.4.5", [IMPLICIT]), "AC[1:3] REL-RP CLOSE", "AC[1:3] REL-RP"),
    ("UID items padded with NUL", negotiated(CT.encode() + b"\0", [IMPLICIT.encode() + b"\0"]),
     "AC[1:0=%s] REL-RP CLOSE" % IMPLICIT, "AC[1:0=%s] REL-RP" % IMPLICIT),
    ("maximum length 0", echo_with(user=user_information(0)), GOOD, "AC RSP(8030,0000) REL-RP"),
    ("maximum length 1", [rq(user=user_information(1)), READ, ECHO], "ABORT(2,6) CLOSE", "AC ABORT(0,0)"),
    ("no maximum length", echo_with(user=user_information(None)), GOOD, "AC RSP(8030,0000) REL-RP"),
    ("no implementation class UID", echo_with(user=user_information(implementation=None)), GOOD,
     "AC RSP(8030,0000) REL-RP"),
    ("no user information", echo_with(user=b""), GOOD, "AC RSP(8030,0000) REL-RP"),
    ("asynchronous operations window 0/0", echo_with(user=extra(item(0x53, bytes(4)))), GOOD,
     "AC RSP(8030,0000) REL-RP"),
    ("role selection", echo_with(user=extra(ROLE)), GOOD, "AC RSP(8030,0000) REL-RP"),
    ("user identity, answer asked for", echo_with(user=extra(IDENTITY)), GOOD, "AC RSP(8030,0000) REL-RP"),
    ("SOP class extended negotiation", echo_with(user=extra(EXTENDED)), GOOD, "AC RSP(8030,0000) REL-RP"),
    ("unknown sub-item 5f", echo_with(user=extra(item(0x5F, b"whatever"))), GOOD, "AC RSP(8030,0000) REL-RP"),
    ("unknown item 77", echo_with(more=item(0x77, b"whatever")), GOOD, "AC RSP(8030,0000) REL-RP"),
    ("item that overruns its PDU", [rq(more=item(0x50, b"abcd", 400))], "ABORT(2,6) CLOSE", None),
    ("garbage at the end of the request", [rq(more=b"\xff\xfe\xfd")], "ABORT(2,6) CLOSE", None),
    ("request of 4 GiB", [pdu(ASSOCIATE_RQ, RQ[6:], 0xFFFFFFFF)], "ABORT(2,6) CLOSE", None),
    ("P-DATA of 4 GiB", [RQ, READ, pdu(P_DATA, ECHO[6:], 0xFFFFFFFF)], "AC ABORT(2,6) CLOSE", None),
    ("P-DATA of 256 KiB, over our maximum length", [RQ, READ, large(256), READ, REL], STORED, None),
]

# beyond those that others were asked: what only limits of ours decide
OWN = [
    ("P-DATA of 1 MiB and 64 bytes", [RQ, READ, large(1024)], "AC ABORT(2,6) CLOSE", None),
    ("SOP class of another context in the data set too", [RQ, READ, other_class(MR), READ, REL],
     "AC RSP(8001,a900) REL-RP CLOSE", None),
    ("request of 2 MiB", [pdu(ASSOCIATE_RQ, RQ[6:] + item(0x77, bytes(65000)) * 32)], "ABORT(2,6) CLOSE", None),
    ("command set of 1 MiB", [RQ, READ, *[p_data(pdv(1, bytes(16000), True, False))] * 66], "AC ABORT(2,6) CLOSE",
     None),
    ("nothing for the idle time", [RQ, READ], "AC ABORT(2,0) CLOSE|AC ABORT(0,0) CLOSE", None),
    ("half a PDV, then silence", [RQ, READ, ECHO[:20]], "AC ABORT(2,0) CLOSE|AC ABORT(0,0) CLOSE", None),
    ("half a data set, then silence", [RQ, READ, p_data(pdv(3, store_rq(CT, "2.25.8"), True))],
     "AC ABORT(2,0) CLOSE|AC ABORT(0,0) CLOSE", None),
    ("echo after a release", [RQ, READ, REL + ECHO], "AC REL-RP CLOSE", None),
    ("deflated data set", [deflated_rq(), READ, deflated(), READ, REL], STORED, None),
    ("big endian data set", [associate_rq([(3, CT, [BIG])]), READ, big_endian(), READ, REL], STORED, None),
    ("implicit VR on a context of explicit VR", [associate_rq([(3, CT, [EXPLICIT])]), READ, store(), READ, REL], STORED,
     None),
    ("explicit VR on a context of implicit VR", [RQ, READ, explicit(), READ, REL], "AC RSP(8001,cxxx) REL-RP CLOSE",
     None),
    ("big endian on a context of little endian", [associate_rq([(3, CT, [EXPLICIT])]), READ, big_endian(), READ, REL],
     "AC RSP(8001,cxxx) REL-RP CLOSE", None),
    ("N-EVENT-REPORT unasked, then an echo", [RQ, READ, event_report(), READ, ECHO, READ, REL],
     "AC RSP(8100,0211) " + LIVES, None),
]


# tshark 4.0 goes on with a data set that makes no sense to it in the command that follows, segments in order or
# not; it does not inflate, so a deflated one makes none.  Of `storescu -xd` to `storescp +xd` it says the same.
CONFUSE_TSHARK = ("data set of noise", "data set cut short", "deflated data set",
                  "implicit VR on a context of explicit VR", "explicit VR on a context of implicit VR",
                  "big endian on a context of little endian")


class Outcome:
    """What one case led to: the words, and what was wrong with the answers besides."""

    def __init__(self):
        self.words, self.wrong, self.seconds, self.port = [], [], 0.0, None

    def line(self):
        return " ".join(self.words)


def accepted(body, request, wrong):
    """The word for an A-ASSOCIATE-AC; what must hold of every one."""
    accept = Accept(body)
    if body[4:68] != request[10:74]:
        wrong.append("the AE titles and the reserved field are not echoed as they came")
    if accept.application != "1.2.840.10008.3.1.1.1" or accept.version != 1:
        wrong.append("application context %r, version %r" % (accept.application, accept.version))
    if len(accept.user.get(0x51, [])) != 1 or len(accept.user.get(0x52, [])) != 1:
        wrong.append("maximum length and implementation class UID are mandatory")
    if any(window != b"\0\1\0\1" for window in accept.user.get(0x53, [])):
        wrong.append("an asynchronous window other than 1/1")
    if 0x58 in accept.user or 0x57 in accept.user:
        wrong.append("a sub-item that only a request has")
    words = []
    for number, (result, syntax) in sorted(accept.contexts.items()):
        words.append("%d:%d%s" % (number, result, "=" + syntax if result == 0 else ""))
    every = all(result == 0 for result, _ in accept.contexts.values())
    return ("AC" if every and words else "AC[%s]" % " ".join(words)), "AC[%s]" % " ".join(words)


def responded(body, wrong):
    """What must hold of every response (PS3.7 6.3.1, 9.3)."""
    parts = list(pdvs(body))
    if len(parts) != 1 or not parts[0][1] or not parts[0][2]:
        wrong.append("a response that is not one PDV, command and last")
        return
    command = parse_command(parts[0][3])
    length, = struct.unpack_from("<I", parts[0][3], 8)
    if length != len(parts[0][3]) - 12:
        wrong.append("group length %d of a command of %d bytes" % (length, len(parts[0][3])))
    if command.get("responded_to") != 1 or command.get("data") != 0x0101 or "status" not in command:
        wrong.append("response %r" % command)
    status = command.get("status", 0)
    if command.get("field") == 0x8001 and status >= 0xA000:
        comment = command.get("comment", "")
        if not 0 < len(comment) <= 64 or not comment.isprintable():
            wrong.append("Error Comment %r" % comment)
    if len(parts[0][3]) % 2:
        wrong.append("a fragment of odd length")


def read(peer, outcome, steps, timeout):
    got = peer.pdu(timeout)
    if isinstance(got, str):
        outcome.words.append(got)
        return False
    kind, body = got
    word = describe(kind, body)
    if kind == ASSOCIATE_AC:
        request = next(s for s in steps if isinstance(s, bytes) and s[:1] == b"\1")
        short, long = accepted(body, request, outcome.wrong)
        word = short if outcome.short else long
    if kind == P_DATA:
        responded(body, outcome.wrong)
    outcome.words.append(word)
    return kind not in (ABORT, RELEASE_RP)


def converse(port, case, timeout):
    _, steps, ours, theirs = case
    outcome = Outcome()
    outcome.short = "[" not in (theirs or ours)
    with Connection(port) as peer:
        outcome.port = peer.sock.getsockname()[1]
        began = time.monotonic()
        going = True
        for step in steps:
            if step is READ:
                going = going and read(peer, outcome, steps, timeout)
            elif step is FIN:
                peer.sock.shutdown(socket.SHUT_WR)
            elif going:
                peer.send(step)
        while not outcome.words or outcome.words[-1] not in (CLOSED, RESET, SILENT):
            read(peer, outcome, steps, timeout)
        outcome.seconds = time.monotonic() - began
    return outcome


def agrees(line, expected):
    """x is any hexadecimal digit; | stands between lines that are all right."""
    pattern = re.escape(expected).replace("xxx", "[0-9a-f]{3}").replace(r"\|", "|")
    return re.fullmatch(pattern, line) is not None


def every(cases, port, timeout):
    """All at the same time, a thread each; the outcomes in the order of the cases."""
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        return list(pool.map(lambda case: converse(port, case, timeout), cases))


def prove(r):
    """The prober against a peer whose answers are known.  How it closes is not compared."""
    if shutil.which("storescp") is None:
        print("SKIP e2e/raw: DCMTK's storescp is not installed; the prober is not proved")
        return
    with workspace("raw") as out, Storescp(out + "/stored", "--fork") as peer:
        comparable = [case for case in CASES if case[3] is not None]
        for case, outcome in zip(comparable, every(comparable, peer.port, 2.0)):
            line = " ".join(w for w in outcome.words if w not in (CLOSED, RESET, SILENT))
            r.check(line == case[3], "storescp:", case[0] + ":", line, "not", case[3])


def answers(r, binary):
    """Our answers, all of them, in the time that ARTIM allows; and what lies on the disk after it."""
    limits = {"artim_seconds": ARTIM, "stall_seconds": ARTIM, "idle_seconds": ARTIM, "associations": 300,
              "associations_per_address": 300, "half_open": 300,
              "half_open_per_address": 300}
    with workspace("raw") as folder:
        service = Service(folder, binary=binary, limits=limits, processing={"memory_mib": 0},
                          watcher={"debounce_interval_seconds": 600})
        seen = capture(r, folder + "/raw.pcapng", [service.port])
        with service:
            confusing = []
            for case, outcome in zip(CASES + OWN, every(CASES + OWN, service.port, ARTIM + SLACK)):
                if case[0] in CONFUSE_TSHARK:
                    confusing.append(outcome.port)
                r.check(agrees(outcome.line(), case[2]), case[0] + ":", outcome.line(), "not", case[2])
                r.check(not outcome.wrong, case[0] + ":", *outcome.wrong)
            on_disk(r, service)
            if seen:
                seen.check(r, service.port, confusing)
            service.end(r)


def on_disk(r, service):
    """What was answered with Success is there, byte for byte; of the rest there is nothing."""
    r.check(sorted(os.listdir(service.folder)) == ["config.yaml", "logs", "raw.pcapng", "raw.pcapng.log", "reports",
                                                   "serve.1.log", "working"], "in", os.listdir(service.folder))
    folders = [f for f in os.listdir(service.working) if not f.startswith(".") and f != "quarantine"]
    r.check(folders == ["UID_2.25.1"], "working holds", folders)
    stored = service.files("UID_2.25.1/*/*")
    r.check(len(stored) == sum(STORED in case[2] for case in CASES + OWN), "stored:", stored)
    for path in stored:
        thing = Object(os.path.join(service.working, path))
        r.check(thing.data == SENT.get(thing.sop_instance), path, "is not what was sent")
        r.check(os.path.basename(path) == thing.sop_instance + ".dcm", path, "holds", thing.sop_instance)
    r.check(not service.parts(), "left", service.parts())
    text = service.all_logs()
    r.check("\x1b" not in text and "\x07" not in text, "control characters of a peer reached the log")


def main():
    r = Report("raw")
    prove(r)
    if "--prove" not in sys.argv:
        if r.failures:
            return r.end()
        need_serve("raw")
        for binary in (NETRT, ASAN):
            answers(r, binary)
    return r.end()


if __name__ == "__main__":
    sys.exit(main())
