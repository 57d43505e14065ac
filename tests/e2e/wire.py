"""DICOM on the wire, in the standard library alone: PDUs (PS3.8 9.3), command sets (PS3.7), small data
sets, a requestor that can be told to misbehave, and an acceptor that does as a script says.

Written for the tests and from the standard, so that it shares nothing with the code under test.
Not executable, so tests/e2e/run leaves it alone.
"""
import select
import socket
import struct
import threading
import time

APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
IMPLICIT, EXPLICIT, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
DEFLATED, JPEG_LOSSLESS = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.70"
VERIFICATION = "1.2.840.10008.1.1"
CT, MR, RTSTRUCT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.481.3"
FIND_STUDY_ROOT = "1.2.840.10008.5.1.4.1.2.2.1"
COMMITMENT, COMMITMENT_INSTANCE = "1.2.840.10008.1.20.1", "1.2.840.10008.1.20.1.1"
IMPLEMENTATION = "2.25.77001"

ASSOCIATE_RQ, ASSOCIATE_AC, ASSOCIATE_RJ, P_DATA, RELEASE_RQ, RELEASE_RP, ABORT = range(1, 8)
C_STORE_RQ, C_STORE_RSP, C_FIND_RQ, C_ECHO_RQ, C_ECHO_RSP, C_CANCEL_RQ = 0x0001, 0x8001, 0x0020, 0x0030, 0x8030, 0x0FFF
N_EVENT_REPORT_RQ, N_EVENT_REPORT_RSP, N_ACTION_RQ, N_ACTION_RSP = 0x0100, 0x8100, 0x0130, 0x8130


# ---- PDUs ------------------------------------------------------------------------------------

def pdu(kind, body=b"", length=None):
    return struct.pack(">BBI", kind, 0, len(body) if length is None else length) + body


def item(kind, body=b"", length=None):
    return struct.pack(">BBH", kind, 0, len(body) if length is None else length) + body


def uid(text):
    return text if isinstance(text, bytes) else text.encode("ascii")


def ae(text):
    return text if isinstance(text, bytes) else text.encode("ascii").ljust(16)


def context(number, abstract, syntaxes, abstracts=None):
    names = [abstract] if abstracts is None else abstracts
    body = b"".join(item(0x30, uid(n)) for n in names) + b"".join(item(0x40, uid(s)) for s in syntaxes)
    return item(0x20, bytes([number, 0, 0, 0]) + body)


def user_information(max_pdu=16384, implementation=IMPLEMENTATION, more=b""):
    body = b""
    if max_pdu is not None:
        body += item(0x51, struct.pack(">I", max_pdu))
    if implementation is not None:
        body += item(0x52, uid(implementation))
    return item(0x50, body + more)


def associate_rq(contexts, called="NETRT", calling="PROBE", version=1, application=APPLICATION_CONTEXT,
                 user=None, more=b"", length=None):
    """`contexts` is bytes, or a list of (id, abstract syntax, transfer syntaxes)."""
    if not isinstance(contexts, bytes):
        contexts = b"".join(context(*c) for c in contexts)
    user = user_information() if user is None else user
    body = struct.pack(">HH", version, 0) + ae(called) + ae(calling) + bytes(32)
    body += item(0x10, uid(application)) + contexts + user + more
    return pdu(ASSOCIATE_RQ, body, length)


def pdv(number, fragment, command, last=True, length=None):
    control = (1 if command else 0) | (2 if last else 0)
    return struct.pack(">IBB", len(fragment) + 2 if length is None else length, number, control) + fragment


def p_data(*pdvs):
    return pdu(P_DATA, b"".join(pdvs))


def release_rq():
    return pdu(RELEASE_RQ, bytes(4))


def release_rp():
    return pdu(RELEASE_RP, bytes(4))


def abort(source=0, reason=0):
    return pdu(ABORT, bytes([0, 0, source, reason]))


def items(body):
    """(type, body) of each item of a PDU's or an item's body; stops where one runs over the end."""
    at = 0
    while at + 4 <= len(body):
        kind, _, length = struct.unpack_from(">BBH", body, at)
        if at + 4 + length > len(body):
            return
        yield kind, body[at + 4:at + 4 + length]
        at += 4 + length


class Accept:
    """An A-ASSOCIATE-AC: contexts {id: (result, transfer syntax)}, user {type: [bodies]}."""

    def __init__(self, body):
        self.version, = struct.unpack_from(">H", body)
        self.called, self.calling, self.reserved = body[4:20], body[20:36], body[36:68]
        self.contexts, self.user, self.application = {}, {}, None
        for kind, inner in items(body[68:]):
            if kind == 0x10:
                self.application = inner.decode("ascii", "replace")
            elif kind == 0x21:
                syntaxes = [s.decode("ascii", "replace") for k, s in items(inner[4:]) if k == 0x40]
                self.contexts[inner[0]] = (inner[2], syntaxes[0] if syntaxes else "")
            elif kind == 0x50:
                for k, b in items(inner):
                    self.user.setdefault(k, []).append(b)
        lengths = self.user.get(0x51, [])
        self.max_pdu = struct.unpack(">I", lengths[0])[0] if lengths else None


class Request:
    """An A-ASSOCIATE-RQ: contexts {id: (abstract syntax, [transfer syntaxes])}."""

    def __init__(self, body):
        self.called, self.calling = (body[a:a + 16].decode("ascii", "replace").strip() for a in (4, 20))
        self.contexts, self.user = {}, {}
        for kind, inner in items(body[68:]):
            if kind == 0x20:
                parts = list(items(inner[4:]))
                abstract = [b.decode("ascii") for k, b in parts if k == 0x30]
                self.contexts[inner[0]] = (abstract[0], [b.decode("ascii") for k, b in parts if k == 0x40])
            elif kind == 0x50:
                for k, b in items(inner):
                    self.user.setdefault(k, []).append(b)
        lengths = self.user.get(0x51, [])
        self.max_pdu = struct.unpack(">I", lengths[0])[0] if lengths else 0


def pdvs(body):
    """(context id, command?, last?, fragment) of each PDV of a P-DATA-TF."""
    at = 0
    while at + 6 <= len(body):
        length, number, control = struct.unpack_from(">IBB", body, at)
        yield number, bool(control & 1), bool(control & 2), body[at + 6:at + 4 + length]
        at += 4 + length


# ---- command sets and data sets --------------------------------------------------------------

# tag: how its value is written
COMMAND_TAGS = {
    "affected_class": (0x0002, "UI"), "requested_class": (0x0003, "UI"), "field": (0x0100, "US"),
    "message_id": (0x0110, "US"), "responded_to": (0x0120, "US"), "priority": (0x0700, "US"),
    "data": (0x0800, "US"), "status": (0x0900, "US"), "offending": (0x0901, "AT"), "comment": (0x0902, "LO"),
    "affected_instance": (0x1000, "UI"), "requested_instance": (0x1001, "UI"), "event_type": (0x1002, "US"),
    "action_type": (0x1008, "US"),
}
COMMAND_NAMES = {number: (name, how) for name, (number, how) in COMMAND_TAGS.items()}


def even(value, pad):
    return value + pad * (len(value) % 2)


def command_element(number, value):
    return struct.pack("<HHI", 0, number, len(value)) + value


def command_set(group_length=None, more=b"", **fields):
    """Implicit little endian; `more` is put before the elements that are named."""
    body = b""
    for name, (number, how) in sorted(COMMAND_TAGS.items(), key=lambda pair: pair[1][0]):
        if fields.get(name) is None:
            continue
        value = fields[name]
        if how == "US":
            value = struct.pack("<H", value)
        elif not isinstance(value, bytes):
            value = even(value.encode("ascii"), b"\0" if how == "UI" else b" ")
        body += command_element(number, value)
    body = more + body
    return command_element(0, struct.pack("<I", len(body) if group_length is None else group_length)) + body


def parse_command(data):
    out, at = {}, 0
    while at + 8 <= len(data):
        group, number, length = struct.unpack_from("<HHI", data, at)
        value = data[at + 8:at + 8 + length]
        at += 8 + length
        name, how = COMMAND_NAMES.get(number, (None, None)) if group == 0 else (None, None)
        if name is None:
            continue
        if how == "US":
            out[name] = struct.unpack("<H", value[:2])[0]
        elif how == "AT":
            out[name] = value
        else:
            out[name] = value.decode("ascii", "replace").rstrip("\0 ")
    return out


def echo_rq(message_id=1, sop_class=VERIFICATION, **more):
    fields = dict(affected_class=sop_class, field=C_ECHO_RQ, message_id=message_id, data=0x0101)
    return command_set(**{**fields, **more})


def store_rq(sop_class, sop_instance, message_id=1, priority=0, **more):
    fields = dict(affected_class=sop_class, affected_instance=sop_instance, field=C_STORE_RQ,
                  message_id=message_id, priority=priority, data=0)
    return command_set(**{**fields, **more})


LONG = {"OB", "OW", "SQ", "UN", "UT", "OF", "OD", "OL", "UC", "UR"}


def element(tag, vr, value, explicit, order="<"):
    if isinstance(value, str):
        value = even(value.encode("ascii"), b"\0" if vr == "UI" else b" ")
    group, number = tag >> 16, tag & 0xFFFF
    head = struct.pack(order + "HH", group, number)
    if not explicit:
        return head + struct.pack(order + "I", len(value)) + value
    if vr in LONG:
        return head + vr.encode() + struct.pack(order + "HI", 0, len(value)) + value
    return head + vr.encode() + struct.pack(order + "H", len(value)) + value


def image(sop_instance, sop_class=CT, study="2.25.1", series="2.25.2", pixels=b"\0" * 512, explicit=False,
          order="<", more=b""):
    """A small CT image: enough of one to be stored, 16 x 16 unless `pixels` says otherwise."""
    side = int((len(pixels) // 2) ** 0.5)
    def us(n):
        return struct.pack(order + "H", n)
    rows = [
        (0x00080016, "UI", sop_class), (0x00080018, "UI", sop_instance), (0x00080060, "CS", "CT"),
        (0x00100010, "PN", "Probe^Raw"), (0x00100020, "LO", "PROBE"), (0x0020000D, "UI", study),
        (0x0020000E, "UI", series), (0x00280002, "US", us(1)), (0x00280004, "CS", "MONOCHROME2"),
        (0x00280010, "US", us(side)), (0x00280011, "US", us(side)), (0x00280100, "US", us(16)),
        (0x00280101, "US", us(16)), (0x00280102, "US", us(15)), (0x00280103, "US", us(0)),
    ]
    body = b"".join(element(t, vr, v, explicit, order) for t, vr, v in rows)
    return body + more + element(0x7FE00010, "OW", pixels, explicit, order)


class Object:
    """A Part 10 file: sop_class, sop_instance, syntax, and the bytes of its data set."""

    def __init__(self, path):
        with open(path, "rb") as file:
            content = file.read()
        if content[128:132] != b"DICM":
            raise ValueError("%s is not a DICOM file" % path)
        at, meta = 132, {}
        while content[at:at + 2] == b"\2\0":
            number, vr, length = struct.unpack_from("<H2sH", content, at + 2)
            start = at + 8
            if vr.decode("ascii", "replace") in LONG:
                length, = struct.unpack_from("<I", content, at + 8)
                start = at + 12
            meta[number] = content[start:start + length]
            at = start + length
        self.path, self.data = path, content[at:]
        self.sop_class, self.sop_instance, self.syntax = (
            meta.get(n, b"").decode("ascii").rstrip("\0 ") for n in (0x02, 0x03, 0x10))


# when an object was made: Instance Creation, Series, Content; Date and Time
DATES = {0x00080012, 0x00080013, 0x00080021, 0x00080023, 0x00080031, 0x00080033}


def undated(data):
    """A little endian data set, explicit or implicit, with when it was made replaced by nothing."""
    explicit = data[4:6].isalpha()
    out, at = b"", 0

    def size(data, at):
        return struct.unpack_from("<H", data, at + 6)[0] if explicit else struct.unpack_from("<I", data, at + 4)[0]

    while at + 8 <= len(data):
        group, number = struct.unpack_from("<HH", data, at)
        if group != 8 or number > 0x33:
            break
        if group << 16 | number not in DATES:
            out += data[at:at + 8 + size(data, at)]
        at += 8 + size(data, at)
    rest = data[at:]
    # Contribution Date Time, Date and Time of Secondary Capture
    for tag, vr in ((b"\x18\0\x02\xa0", b"DT"), (b"\x18\0\x12\x10", b"DA"), (b"\x18\0\x14\x10", b"TM")):
        at = rest.find(tag + vr if explicit else tag)
        if at >= 0:
            rest = rest[:at] + rest[at + 8 + size(rest, at):]
    return out + rest


# ---- a requestor -----------------------------------------------------------------------------

CLOSED, RESET, SILENT = "CLOSE", "RST", "silent"


class Connection:
    """A TCP connection whose PDUs are read with an absolute deadline."""

    def __init__(self, port, host="127.0.0.1", source=None, timeout=10.0, sock=None):
        if sock is None:
            sock = socket.create_connection((host, port), timeout, (source, 0) if source else None)
        self.sock, self.timeout, self.buffer, self.ended = sock, timeout, b"", None
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(None)

    def send(self, data):
        """False when the peer has gone."""
        try:
            self.sock.sendall(data)
            return True
        except OSError:
            return False

    def pdu(self, timeout=None):
        """(type, body), or CLOSED, RESET or SILENT."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            if len(self.buffer) >= 6:
                kind, _, length = struct.unpack_from(">BBI", self.buffer)
                if len(self.buffer) >= 6 + length:
                    body, self.buffer = self.buffer[6:6 + length], self.buffer[6 + length:]
                    return kind, body
            if self.ended:
                return self.ended
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                return SILENT
            try:
                more = self.sock.recv(1 << 20)
            except OSError:
                self.ended = RESET
                continue
            if not more:
                self.ended = CLOSED
            self.buffer += more

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Refused(Exception):
    """The association was not accepted, or ended before its time: what came instead."""


class Association(Connection):
    """A well-behaved requestor.  `contexts` as for associate_rq; several classes may have the same."""

    def __init__(self, port, contexts, called="NETRT", calling="PROBE", **more):
        user = user_information(more.pop("max_pdu", 16384))
        super().__init__(port, **more)
        self.abstract = {c[0]: c[1] for c in contexts}
        self.messages = 0
        if not self.send(associate_rq(contexts, called, calling, user=user)):
            raise Refused(RESET)
        answer = self.pdu()
        if answer[0] != ASSOCIATE_AC:
            self.close()
            raise Refused(answer if isinstance(answer, str) else describe(*answer))
        self.accept = Accept(answer[1])
        largest = self.accept.max_pdu or 1 << 20
        self.fragment = min(largest, 1 << 20) - 6 & ~1

    def context(self, abstract, syntax=None):
        for number, name in self.abstract.items():
            result, chosen = self.accept.contexts.get(number, (3, ""))
            if name == abstract and result == 0 and syntax in (None, chosen):
                return number
        raise Refused("no context for %s" % abstract)

    def write(self, number, command, data=None):
        self.send(p_data(pdv(number, command, True)))
        if data is None:
            return
        at, size = 0, self.fragment
        while at < len(data) or at == 0:
            last = at + size >= len(data)
            if not self.send(p_data(pdv(number, data[at:at + size], False, last))):
                return
            at += size

    def response(self, timeout=None):
        answer = self.pdu(timeout)
        if answer[0] != P_DATA:
            raise Refused(answer if isinstance(answer, str) else describe(*answer))
        return parse_command(b"".join(f for _, c, _, f in pdvs(answer[1]) if c))

    def echo(self, timeout=None):
        self.messages += 1
        self.write(self.context(VERIFICATION), echo_rq(self.messages & 0xFFFF))
        return self.response(timeout)["status"]

    def store(self, sop_class, sop_instance, data, syntax=None, timeout=None):
        """The response's fields; .get("status") is the status."""
        self.messages += 1
        number = self.context(sop_class, syntax)
        self.write(number, store_rq(sop_class, sop_instance, self.messages & 0xFFFF), data)
        return self.response(timeout)

    def release(self, timeout=None):
        """True when it was answered as it should be."""
        self.send(release_rq())
        answer = self.pdu(timeout)
        self.close()
        return answer[0] == RELEASE_RP


def describe(kind, body):
    """A PDU in the words of the table of answers in raw.py."""
    if kind == ASSOCIATE_AC:
        return "AC"
    if kind == ASSOCIATE_RJ:
        return "RJ(%d,%d,%d)" % tuple(body[1:4])
    if kind == P_DATA:
        command = parse_command(b"".join(f for _, c, _, f in pdvs(body) if c))
        return "RSP(%04x,%04x)" % (command.get("field", 0), command.get("status", 0xFFFF))
    if kind == RELEASE_RQ:
        return "REL-RQ"
    if kind == RELEASE_RP:
        return "REL-RP"
    if kind == ABORT:
        return "ABORT(%d,%d)" % tuple(body[2:4])
    return "PDU(%02x)" % kind


# ---- an acceptor -----------------------------------------------------------------------------

class Destination:
    """A storage SCP that does as it is told and keeps what it took, by SOP Instance UID.

    Hooks, each called in the association's thread:
      on_connect(connection)          before anything is read; False: close at once
      on_request(request)             None: accept; (result, source, reason): reject; "abort"
      accepts(abstract, syntaxes)     the transfer syntax, or None to refuse the context
      on_store(command, data, n)      a status; "abort", "close", "never"; n counts stores from 1
    `log` has (SOP Instance UID, status) in the order of the answers; `kept` the data sets taken with
    a status of 0000 or Bxxx, as (transfer syntax, bytes); `twice` those that came again.
    """

    def __init__(self, host="127.0.0.1", ae_title="DEST", max_pdu=131072):
        self.ae_title, self.max_pdu = ae_title, max_pdu
        self.on_connect = self.on_request = self.on_store = None
        self.accepts = lambda abstract, syntaxes: EXPLICIT if EXPLICIT in syntaxes else syntaxes[0]
        self.kept, self.twice, self.log, self.requests, self.actions, self.errors = {}, [], [], [], [], []
        self.stores, self.open, self.peak_open, self.last = 0, 0, 0, None
        self.changed = threading.Condition()
        self.family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.create_server((host, 0), family=self.family, backlog=64)
        self.host, self.port = self.listener.getsockname()[:2]
        self.stopping = False
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def stop(self):
        """Nothing listens any more; `start` listens on the same port again."""
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()

    def start(self):
        self.listener = socket.create_server((self.host, self.port), family=self.family, backlog=64)
        threading.Thread(target=self.listen, daemon=True).start()

    def wait(self, condition, timeout):
        """Until condition() holds; False when it does not in time."""
        with self.changed:
            return self.changed.wait_for(condition, timeout)

    def serve(self, sock):
        with self.changed:
            self.open += 1
            self.peak_open = max(self.peak_open, self.open)
        try:
            with Connection(0, sock=sock, timeout=120) as peer:
                if self.on_connect is None or self.on_connect(peer) is not False:
                    self.converse(peer)
        except Exception as error:  # a test looks at .errors; a thread's traceback would be lost
            self.errors.append(repr(error))
        with self.changed:
            self.open -= 1
            self.changed.notify_all()

    def converse(self, peer):
        first = peer.pdu()
        if first[0] != ASSOCIATE_RQ:
            return
        request = Request(first[1])
        self.requests.append(request)
        verdict = self.on_request(request) if self.on_request else None
        if verdict == "abort":
            peer.send(abort(0, 0))
            return
        if verdict:
            peer.send(pdu(ASSOCIATE_RJ, bytes((0,) + tuple(verdict))))
            peer.pdu(5)
            return
        syntaxes = self.answer(peer, first[1], request)
        self.messages(peer, request, syntaxes)

    def answer(self, peer, body, request):
        chosen, out = {}, b""
        for number, (abstract, offered) in request.contexts.items():
            syntax = self.accepts(abstract, offered)
            chosen[number] = syntax
            result = 3 if syntax is None else 0
            out += item(0x21, bytes([number, 0, result, 0]) + item(0x40, uid(syntax or IMPLICIT)))
        peer.send(pdu(ASSOCIATE_AC, struct.pack(">HH", 1, 0) + body[4:68] + item(0x10, uid(APPLICATION_CONTEXT)) +
                      out + user_information(self.max_pdu, more=item(0x55, b"PROBE"))))
        return chosen

    def messages(self, peer, request, syntaxes):
        command, data, fields, number = b"", b"", None, 0
        while True:
            got = peer.pdu()
            if isinstance(got, str) or got[0] == ABORT:
                return
            if got[0] == RELEASE_RQ:
                peer.send(release_rp())
                peer.pdu(5)
                return
            if got[0] != P_DATA:
                raise ValueError("PDU of type %d in Sta6" % got[0])
            for number, is_command, last, fragment in pdvs(got[1]):
                if len(fragment) % 2:
                    raise ValueError("a fragment of odd length")
                if is_command:
                    command += fragment
                    if last:
                        fields, command, data = parse_command(command), b"", b""
                else:
                    data += fragment
                if last and fields and (not is_command or fields.get("data") == 0x0101):
                    if not self.message(peer, request, number, syntaxes.get(number), fields, data):
                        return
                    fields = None

    def message(self, peer, request, number, syntax, fields, data):
        """False ends the association."""
        kind, reply = fields.get("field"), dict(responded_to=fields.get("message_id"), data=0x0101, status=0)
        if kind == C_ECHO_RQ:
            reply.update(field=C_ECHO_RSP, affected_class=VERIFICATION)
        elif kind == C_STORE_RQ:
            status = self.take(fields, data, syntax)
            if status == "abort":
                peer.send(abort(0, 0))
            if status == "never":
                peer.pdu()
            if not isinstance(status, int):
                return False
            reply.update(field=C_STORE_RSP, status=status, affected_class=fields["affected_class"],
                         affected_instance=fields["affected_instance"])
        elif kind == N_ACTION_RQ:
            self.actions.append((request, fields, data, syntax))
            reply.update(field=N_ACTION_RSP, affected_class=COMMITMENT, affected_instance=COMMITMENT_INSTANCE,
                         action_type=fields.get("action_type"))
        elif kind == N_EVENT_REPORT_RSP:
            return True
        else:
            raise ValueError("command field %04x" % (kind or 0))
        return peer.send(p_data(pdv(number, command_set(**reply), True)))

    def take(self, fields, data, syntax):
        with self.changed:
            self.stores += 1
            count, name = self.stores, fields["affected_instance"]
        status = self.on_store(fields, data, count) if self.on_store else 0
        with self.changed:
            self.log.append((name, status))
            if isinstance(status, int) and (status == 0 or status >> 12 == 0xB):
                if name in self.kept:
                    self.twice.append(name)
                self.kept[name] = (syntax, data)
                self.last = time.monotonic()
            self.changed.notify_all()
        return status
