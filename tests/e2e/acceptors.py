#!/usr/bin/python3
"""`netrt echo` and `netrt send` against acceptors that misbehave: each ends in its time, with the right
exit code and a message, and sends nothing that it should not."""
import concurrent.futures
import os
import socket
import struct
import sys
import threading

from harness import ASAN, NETRT, Report, run, skip
from serve_harness import Study, capture, workspace
from wire import (ASSOCIATE_AC, ASSOCIATE_RJ, ASSOCIATE_RQ, BIG, C_ECHO_RSP, IMPLICIT,
                  RELEASE_RQ, VERIFICATION, Connection, Destination, Request, abort, command_set, item, p_data,
                  parse_command, pdu, pdv, pdvs, release_rp, release_rq, uid, user_information)

TIMEOUT = 2  # seconds, for netrt


def accept(body, contexts=None, user=None):
    """An A-ASSOCIATE-AC that accepts what is asked with its first transfer syntax, or `contexts`: bytes."""
    if contexts is None:
        contexts = b"".join(item(0x21, bytes([n, 0, 0, 0]) + item(0x40, uid(syntaxes[0])))
                            for n, (_, syntaxes) in Request(body).contexts.items())
    user = user_information(16384, more=item(0x55, b"BAD")) if user is None else user
    return pdu(ASSOCIATE_AC, struct.pack(">HH", 1, 0) + body[4:68] + item(0x10, b"1.2.840.10008.3.1.1.1") + contexts +
               user)


def echoed(peer, body, reply=None, **more):
    """Reads the C-ECHO, answers it."""
    command, last = b"", False
    while not last:
        for number, _, last, fragment in pdvs(peer.pdu()[1]):
            command += fragment
    fields = parse_command(command)
    values = dict(affected_class=VERIFICATION, field=C_ECHO_RSP, responded_to=fields["message_id"], data=0x0101,
                  status=0)
    values.update(more)
    command = command_set(**values)
    peer.send(p_data(pdv(number, command, True)) if reply is None else reply(number, command))


def left(peer):
    """What still comes, until the peer closes."""
    kinds = []
    while True:
        got = peer.pdu(TIMEOUT + 3)
        if isinstance(got, str):
            return kinds
        kinds.append(got[0])
        if got[0] == RELEASE_RQ:
            peer.send(release_rp())


# name, what the acceptor does with (connection, body of the request), exit code
def say(data):
    return lambda peer, body: peer.send(data)


def answer(contexts=None, user=None, then=None):
    def act(peer, body):
        peer.send(accept(body, contexts, user))
        return then(peer, body) if then is not None else None
    return act


def one(result, syntax=IMPLICIT, number=1, kind=0x40):
    return item(0x21, bytes([number, 0, result, 0]) + (item(kind, uid(syntax)) if syntax is not None else b""))


GOES = object()  # what an act returns that closes at its end


def bytewise(peer, body):
    for byte in accept(body):
        peer.send(bytes([byte]))
    echoed(peer, body)


def in_pieces(number, command):
    return b"".join(p_data(pdv(number, command[a:a + 2], True, a + 2 >= len(command)))
                    for a in range(0, len(command), 2))


def collide(peer, body):
    """Both release at the same time (PS3.8 table 9-10, Sta9 to Sta12)."""
    peer.send(accept(body))
    echoed(peer, body)
    got = peer.pdu()
    assert got[0] == RELEASE_RQ, got
    peer.send(release_rq())
    got = peer.pdu()  # the requestor answers first
    peer.send(release_rp())
    assert got[0] == 6, got


CASES = [
    ("well-behaved", answer(then=echoed), 0),
    ("a byte at a time", bytewise, 0),
    ("response in PDVs of two bytes", answer(then=lambda p, b: echoed(p, b, in_pieces)), 0),
    ("release collision", collide, 0),
    ("AC without user information", answer(user=b"", then=echoed), 0),
    ("AC with maximum length 0", answer(user=user_information(0), then=echoed), 0),
    ("AC with maximum length 16", answer(user=user_information(16), then=echoed), 0),
    ("AC with an unknown sub-item", answer(user=user_information(more=item(0x5F, b"whatever")), then=echoed), 0),
    ("closes at once", lambda peer, body: GOES, 69),
    ("silence", lambda peer, body: left(peer), 69),
    ("half an AC, then silence", lambda peer, body: (peer.send(accept(body)[:40]), left(peer)), 69),
    ("RJ 1/1/7", say(pdu(ASSOCIATE_RJ, b"\0\1\1\7")), 69),
    ("RJ 2/3/2", say(pdu(ASSOCIATE_RJ, b"\0\2\3\2")), 69),
    ("RJ of 3 bytes", say(pdu(ASSOCIATE_RJ, b"\0\2\3")), 69),
    ("A-ABORT", say(abort(2, 1)), 69),
    ("A-ABORT of source 1", say(abort(1, 0)), 69),
    ("an A-ASSOCIATE-RQ back", lambda peer, body: peer.send(pdu(ASSOCIATE_RQ, body)), 69),
    ("a C-ECHO response at once", say(p_data(pdv(1, command_set(field=C_ECHO_RSP, status=0), True))), 69),
    ("HTTP", say(b"HTTP/1.1 400 Bad Request\r\n\r\n"), 69),
    ("PDU of 4 GiB", say(pdu(ASSOCIATE_AC, b"abcd", 0xFFFFFFFF)), 69),
    ("PDU of type 2a", say(pdu(0x2A, b"abcd")), 69),
    ("context refused", answer(one(3)), 65),
    ("context refused, without transfer syntax", answer(one(3, None)), 65),
    ("no context answered", answer(b""), 65),
    ("another context accepted", answer(one(0, number=77)), 65),
    ("another transfer syntax accepted", answer(one(0, BIG)), 65),
    ("maximum length 1", answer(user=user_information(1)), 69),
    ("item that overruns", answer(item(0x21, b"\1\0\0\0", 4000)), 69),
    ("status A700", answer(then=lambda p, b: echoed(p, b, status=0xA700)), 65),
    ("silence after the C-ECHO", answer(then=lambda p, b: left(p)), 69),
    ("closes after the C-ECHO", answer(then=lambda p, b: (p.pdu(), GOES)[1]), 69),
    ("aborts after the C-ECHO", answer(then=lambda p, b: (p.pdu(), p.send(abort()))), 69),
    ("response on another context", answer(
        then=lambda p, b: echoed(p, b, lambda n, c: p_data(pdv(n + 2, c, True)))), 69),
    ("response that is noise", answer(then=lambda p, b: echoed(p, b, lambda n, c: p_data(pdv(n, b"\xff" * 40, True)))),
     69),
    ("response of 1 MiB", answer(then=lambda p, b: echoed(
        p, b, lambda n, c: p_data(pdv(n, bytes(16000), True, False)) * 70)), 69),
]


class Acceptor:
    def __init__(self, act):
        self.act, self.error = act, None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            sock, _ = self.listener.accept()
            with Connection(0, sock=sock, timeout=TIMEOUT + 3) as peer:
                kind, body = peer.pdu()
                assert kind == ASSOCIATE_RQ
                if 0x53 in Request(body).user:
                    self.error = "an asynchronous window is proposed"
                if self.act(peer, body) is not GOES:
                    left(peer)
        except OSError:
            pass
        except Exception as error:
            self.error = repr(error)
        finally:
            self.listener.close()


def echoes(r, binary):
    def one_case(case):
        name, act, code = case
        acceptor = Acceptor(act)
        done = run("echo", "127.0.0.1:%d" % acceptor.port, "--timeout", str(TIMEOUT), binary=binary, timeout=30)
        acceptor.thread.join(10)
        r.behaved(done, "echo:", name)
        r.check(done.code == code, "echo:", name, "exit code", done.code, "not", code, done.err[-300:])
        r.check(done.seconds < 3 * TIMEOUT + 2, "echo:", name, "took %.1f s" % done.seconds)
        r.check(acceptor.error is None, "echo:", name, acceptor.error)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(one_case, CASES))
    nobody = run("echo", "127.0.0.1:1", binary=binary)
    r.check(nobody.code == 69 and nobody.err, "echo: nobody there", nobody.code, nobody.err)


def sends(r, folder, binary):
    """A study to acceptors of several kinds."""
    study = Study(folder + "/study", 31, 5)
    count = len(study.objects)
    for name, hooks, code, kept in (
        ("well", {}, 0, count),
        ("implicit only", {"accepts": lambda a, s: IMPLICIT if s == [IMPLICIT] else None}, 0, count),
        ("PDUs of 20 bytes", {"max_pdu": 20}, 0, count),
        ("PDUs of any length", {"max_pdu": 0}, 0, count),
        ("Bxxx", {"on_store": lambda f, d, n: 0xB007}, 0, count),
        ("A700 once", {"on_store": lambda f, d, n: 0xA700 if n == 2 else 0}, 65, count - 1),
        ("C000 once", {"on_store": lambda f, d, n: 0xC000 if n == 2 else 0}, 65, count - 1),
        # the others go over another association
        ("abort at the third", {"on_store": lambda f, d, n: "abort" if n == 3 else 0}, 69, count - 1),
        ("abort each time", {"on_store": lambda f, d, n: "abort"}, 69, 0),
        ("no context", {"accepts": lambda a, s: None}, 65, 0),
        ("no structure sets", {"accepts": lambda a, s: None if a.endswith("481.3") else s[0]}, 65, count - 1),
    ):
        destination = Destination(max_pdu=hooks.pop("max_pdu", 131072))
        for hook, value in hooks.items():
            setattr(destination, hook, value)
        done = run("send", "127.0.0.1:%d" % destination.port, study.folder, "--timeout",
                   str(20 if name == "PDUs of 20 bytes" else TIMEOUT), binary=binary, timeout=60)
        r.behaved(done, "send:", name)
        r.check(done.code == code, "send:", name, "exit code", done.code, "not", code, done.err[-300:])
        r.check(len(destination.kept) == kept, "send:", name, "kept", len(destination.kept), "not", kept)
        r.check(not destination.errors, "send:", name, destination.errors[:2])
        if name == "well":
            for thing in study.objects:
                syntax, data = destination.kept[thing.sop_instance]
                r.check(syntax == thing.syntax and data == thing.data, "send: changed", thing.path)
        destination.stop()


def many(r, folder, binary):
    """--associations and --per-association."""
    study = Study(folder + "/many", 32, 20)
    destination = Destination()
    seen = capture(r, folder + "/send.pcapng", [destination.port])
    done = run("send", "127.0.0.1:%d" % destination.port, study.folder, "--associations", "4", "--per-association", "3",
               "--aet", "ME", "--aec", "YOU", "--json", binary=binary)
    r.check(done.code == 0, "send --associations", done.code, done.err)
    r.check(len(destination.kept) == len(study.objects), "kept", len(destination.kept))
    r.check(len(destination.requests) >= 7, "associations", len(destination.requests))
    r.check(all(q.called == "YOU" and q.calling == "ME" for q in destination.requests), "AE titles")
    r.check(not destination.twice and not destination.errors, "twice", destination.twice[:2], destination.errors[:2])
    if seen:
        seen.check(r)
    destination.stop()


def main():
    if run("help", "echo").code != 0:
        skip("acceptors", "this netrt has no `echo`")
    r = Report("acceptors")
    with workspace("acceptors") as folder:
        for binary in (NETRT, ASAN):
            place = "%s/%s" % (folder, os.path.basename(os.path.dirname(binary)))
            os.makedirs(place)
            echoes(r, binary)
            sends(r, place, binary)
            many(r, place, binary)
    return r.end()


if __name__ == "__main__":
    sys.exit(main())
