"""`netrt serve` and its peers, started for a test and ended with it.

Every process here is started in a session of its own, on an ephemeral port of loopback, with files in a
temporary folder; what ends it is its own id.  Waiting is for an event, with a deadline.
Not executable, so tests/e2e/run leaves it alone.
"""
import contextlib
import glob
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

from harness import NETRT, run, skip
from wire import CT, EXPLICIT, IMPLICIT, RTSTRUCT, Association, Object, Refused, undated

# DCMTK leaves Nagle's algorithm on unless told: 22 images a second
PEER_ENVIRONMENT = dict(os.environ, TCP_NODELAY="1")


def wait_for(condition, timeout, every=0.01):
    """The first true value of condition(), or its last false one when the time is up."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value or time.monotonic() > deadline:
            return value
        time.sleep(every)


def free_port():
    """A port for a program that cannot choose one itself.  Not among those that the kernel gives to
    connections, and not one that another script has taken meanwhile: a name is held for it until this
    process ends."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        end = max(int(file.read().split()[0]), 20000)
    while True:
        port = random.randrange(10000, end)
        held = socket.socket(socket.AF_UNIX)
        try:
            held.bind("\0netrt-test-port-%d" % port)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            held.close()
            continue
        HELD_PORTS.append(held)
        return port


HELD_PORTS = []


def listens(port, host="127.0.0.1"):
    try:
        socket.create_connection((host, port), 1).close()
        return True
    except OSError:
        return False


def family(pid):
    """The process and all that came of it, parents first."""
    pids = [pid]
    with contextlib.suppress(OSError, ValueError):
        for task in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/children" % (pid, task), encoding="ascii") as file:
                for one in file.read().split():
                    pids += family(int(one))
    return pids


def session(sid):
    """The processes of a session, and how many of them are zombies."""
    alive, zombies = [], []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError):
            with open("/proc/%s/stat" % name, encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
            if int(fields[3]) == sid:
                (zombies if fields[0] == "Z" else alive).append(int(name))
    return alive, zombies


def memory(pids):
    """Bytes resident of all together, each page once (Pss)."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            with open("/proc/%d/smaps_rollup" % pid, encoding="ascii", errors="replace") as file:
                found = re.search(r"^Pss:\s+(\d+)", file.read(), re.MULTILINE)
                total += int(found.group(1)) * 1024 if found else 0
    return total


class Process:
    """A command in the background; its output in `log`."""

    def __init__(self, command, log, environment=None, cwd=None):
        self.log_path = log
        with open(log, "ab") as out:
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment,
                                          cwd=cwd, start_new_session=True)
        self.pid = self.child.pid

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def running(self):
        return self.child.poll() is None

    def send_signal(self, number):
        if self.running():
            os.kill(self.pid, number)

    def stop(self, timeout=10, number=signal.SIGTERM):
        """The exit code (128 and more: a signal); None when it had to be killed."""
        self.send_signal(number)
        try:
            code = self.child.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            return None
        return 128 - code if code < 0 else code

    def kill(self):
        """The whole session at once, as a power cut would end it."""
        for pid in session(self.pid)[0]:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)
        self.child.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.running():
            self.kill()


def listening(process, port, timeout=20, host="127.0.0.1"):
    if not wait_for(lambda: listens(port, host) or not process.running(), timeout) or not process.running():
        raise RuntimeError("%s does not listen: %s" % (type(process).__name__, process.log()[-2000:]))


class Storescp(Process):
    """DCMTK's acceptor; what it takes is in `folder`."""

    def __init__(self, folder, *options, environment=None):
        self.port, self.folder = free_port(), folder
        os.makedirs(folder, exist_ok=True)
        super().__init__(["storescp", "-od", folder, *options, str(self.port)], folder.rstrip("/") + ".log",
                         environment or PEER_ENVIRONMENT)
        listening(self, self.port)

    def files(self):
        return sorted(f for f in glob.glob(self.folder + "/**", recursive=True) if os.path.isfile(f))


class Orthanc(Process):
    """A small PACS that knows `peers` ({symbolic name: (AE title, port)})."""

    def __init__(self, folder, peers, **settings):
        self.port, self.http = free_port(), free_port()
        os.makedirs(folder, exist_ok=True)
        modalities = {name: {"AET": aet, "Host": "127.0.0.1", "Port": port, "AllowStorageCommitment": True}
                      for name, (aet, port) in peers.items()}
        configuration = {
            "Name": "tests", "StorageDirectory": folder + "/db", "IndexDirectory": folder + "/db", "Plugins": [],
            "HttpPort": self.http, "DicomPort": self.port, "DicomAet": "ORTHANC", "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False, "DicomModalities": modalities, "DicomAlwaysAllowStore": True,
            "StableAge": 1, "JobsHistorySize": 100, "ConcurrentJobs": 2, **settings,
        }
        with open(folder + "/orthanc.json", "w", encoding="utf-8") as file:
            json.dump(configuration, file)
        super().__init__(["Orthanc", folder + "/orthanc.json"], folder + "/orthanc.log", PEER_ENVIRONMENT)
        listening(self, self.http, 40)
        listening(self, self.port, 40)

    def rest(self, path, body=None, method=None):
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request("http://127.0.0.1:%d%s" % (self.http, path), data, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            got = answer.read()
        return json.loads(got) if got[:1] in (b"{", b"[", b'"') else got


def quoted(value):
    """A value as YAML has it; JSON is YAML."""
    return json.dumps(value)


def need_serve(name):
    if run("help", "serve").code != 0:
        skip(name, "this netrt has no `serve`")


class Service(Process):
    """`netrt serve` with a working folder, logs, reports and a configuration of its own.

    `settings` is {section: {key: value}} over what the tests want: quick completion, no destination
    but the one that is given.  A service that is started again uses the same folders and port.
    """

    def __init__(self, folder, destination=None, binary=None, wrapper=(), environment=None, **settings):
        self.folder, self.binary, self.wrapper = folder, binary or NETRT, tuple(wrapper)
        self.environment = environment
        self.working, self.logs = folder + "/working", folder + "/logs"
        self.reports, self.config = folder + "/reports", folder + "/config.yaml"
        for path in (self.working, self.logs, self.reports):
            os.makedirs(path, exist_ok=True)
        self.settings = {
            "dicom_listener": {"host": "127.0.0.1", "port": free_port(), "ae_title": "NETRT"},
            "directories": {"working": self.working, "logs": self.logs},
            "reporting": {"output_directory": self.reports},
            "anonymization": {"enabled": False},
            "processing": {"add_burn_in_disclaimer": False, "ignore_contour_names_containing": []},
            "watcher": {"debounce_interval_seconds": 2},
        }
        if "asan" in self.binary:  # it reserves address space by the terabyte
            self.settings["processing"]["memory_mib"] = 0
        if destination is not None:
            aet, port = destination
            self.settings["dicom_destination"] = {"ip": "127.0.0.1", "port": port, "ae_title": aet}
        for section, keys in settings.items():
            if isinstance(keys, dict):
                self.settings.setdefault(section, {}).update(keys)
            else:
                self.settings[section] = keys
        self.configure()
        self.starts = 0
        self.start()

    def configure(self):
        text = ""
        for section, keys in self.settings.items():
            if isinstance(keys, dict):
                text += section + ":\n" + "".join("  %s: %s\n" % (k, quoted(v)) for k, v in keys.items())
            else:
                text += "%s: %s\n" % (section, quoted(keys))
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(text)

    def start(self, timeout=20):
        self.starts += 1
        self.port = self.settings["dicom_listener"]["port"]
        super().__init__([*self.wrapper, self.binary, "serve", "-c", self.config],
                         "%s/serve.%d.log" % (self.folder, self.starts), self.environment)
        # its own word for it: a socket that a killed one's children still hold takes connections too
        if self.settings.get("logging", {}).get("level", "INFO") in ("DEBUG", "INFO"):
            wait_for(lambda: "listens on" in self.log() or not self.running(), timeout)
        listening(self, self.port, timeout)

    def restart(self):
        self.kill()
        self.start()

    def all_logs(self):
        """What every start so far has said on its standard output and error."""
        text = ""
        for path in sorted(glob.glob(self.folder + "/serve.*.log")):
            with open(path, encoding="utf-8", errors="replace") as file:
                text += file.read()
        return text

    def transactions(self):
        with contextlib.suppress(OSError):
            with open(self.logs + "/transaction.log", encoding="utf-8", errors="replace") as file:
                return file.read()
        return ""

    def command(self, *arguments, timeout=20):
        """`netrt COMMAND -c CONFIG ...` to its end, as an operator would run it beside the service."""
        return run(arguments[0], "-c", self.config, *arguments[1:], timeout=timeout)

    def status(self):
        done = self.command("status", "--json")
        return json.loads(done.out) if done.code == 0 else None

    def files(self, *patterns):
        """Paths below the working folder, relative to it."""
        found = []
        for pattern in patterns or ("**",):
            found += glob.glob(pattern, root_dir=self.working, recursive=True, include_hidden=True)
        return sorted(f for f in found if os.path.isfile(os.path.join(self.working, f)))

    def parts(self):
        return [f for f in self.files() if f.endswith(".part")]

    def quarantined(self):
        folder = os.path.join(self.working, "quarantine")
        return sorted(os.listdir(folder)) if os.path.isdir(folder) else []

    def end(self, r, *what, timeout=30):
        """SIGTERM, and what must hold after it: exit code 0, no process left, no .part, no sanitizer."""
        sid = self.pid
        code = self.stop(timeout)
        r.check(code == 0, *what, "serve ended with", code, self.log()[-3000:])
        left = wait_for(lambda: session(sid) == ([], []), 5)
        r.check(left, *what, "processes left (and zombies):", session(sid))
        self.kill()
        r.check(not self.parts(), *what, "left", self.parts())
        self.sane(r, *what)

    def sane(self, r, *what):
        text = self.all_logs()
        bad = [line for line in text.splitlines() if "Sanitizer" in line or "runtime error:" in line
               or "Assertion" in line or "assertion failed" in line]
        r.check(not bad, *what, bad[:3], text[text.find(bad[0]):][:4000] if bad else "")


# Segments come out of order on loopback, too, when a window is full.  By default tshark then loses the
# PDUs in them and takes the answer for a part of the data set before it.
IN_ORDER, AS_THEY_COME = ("-o", "tcp.reassemble_out_of_order:TRUE"), ("-o", "tcp.reassemble_out_of_order:FALSE")


class Capture(Process):
    """Every byte of some ports of loopback, for tshark's DICOM dissector to look at."""

    def __init__(self, path, ports):
        self.path, self.ports = path, ports
        where = " or ".join("tcp port %d" % p for p in ports)
        super().__init__(["dumpcap", "-i", "lo", "-q", "-B", "64", "-f", where, "-w", path], path + ".log")
        if not wait_for(lambda: "File:" in self.log() or not self.running(), 10) or not self.running():
            raise PermissionError("dumpcap: " + self.log()[-300:].strip())

    def dissect(self, shown, *fields, how=IN_ORDER):
        command = ["tshark", *how, "-r", self.path, "-Y", shown, "-T", "fields"]
        for port in self.ports:
            command += ["-d", "tcp.port==%d,dicom" % port]
        for field in fields:
            command += ["-e", field]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        return [line.split("\t") for line in done.stdout.splitlines()]

    def check(self, r, sent_by=None, but_to=()):
        """No malformed PDU, of all or of what came from one port (but what went to some others); and
        there were PDUs at all.  What is malformed is so however tshark puts segments together: each way
        of doing that has its own troubles with what was sent twice."""
        self.stop(10, signal.SIGINT)
        self.in_order()
        mine = " && tcp.srcport==%d" % sent_by if sent_by else ""
        mine += "".join(" && tcp.dstport!=%d" % port for port in but_to)
        pdus = self.dissect("dicom.pdu.type" + mine, "dicom.pdu.type")
        r.check(pdus, "tshark saw no DICOM")
        fields = "frame.number", "tcp.srcport", "_ws.col.Info"
        bad = self.dissect("_ws.malformed" + mine, *fields)
        if bad:
            too = {frame[0] for frame in self.dissect("_ws.malformed" + mine, *fields, how=AS_THEY_COME)}
            bad = [frame for frame in bad if frame[0] in too]
        lost = re.search(r"received/dropped on interface '.*': \d+/(\d+)", self.log())
        if bad and lost and int(lost.group(1)) > 0:
            print("SKIP e2e/%s: the capture lost %s packets; it is not judged" % (r.name, lost.group(1)))
        else:
            r.check(not bad, "tshark: malformed", bad[:5], "in", self.path, self.shown(bad))
        return len(pdus)

    def in_order(self):
        """Two processors capture: an answer may come before what it answers; tshark then takes it for a
        part of that."""
        if shutil.which("reordercap"):
            subprocess.run(["reordercap", self.path, self.path + ".sorted"], capture_output=True, check=True)
            os.replace(self.path + ".sorted", self.path)

    def shown(self, frames):
        """The first of these frames in tshark's words, and the frames around it."""
        if not frames:
            return ""
        number = int(frames[0][0])
        around = self.dissect("frame.number>%d && frame.number<%d" % (number - 8, number + 8), "frame.number",
                              "frame.time_relative", "tcp.stream", "tcp.srcport", "tcp.seq", "tcp.len", "tcp.ack")
        ports = [word for port in self.ports for word in ("-d", "tcp.port==%d,dicom" % port)]
        done = subprocess.run(["tshark", *IN_ORDER, "-r", self.path, "-Y", "frame.number==" + frames[0][0], "-V", *ports],
                              capture_output=True, text=True, timeout=300, check=False)
        return "\n".join(" ".join(line) for line in around) + "\n" + done.stdout[done.stdout.find("DICOM,"):][:3000]


def capture(r, path, ports):
    """A Capture, or None where capturing is not permitted or not installed; says so."""
    if not shutil.which("dumpcap") or not shutil.which("tshark"):
        print("SKIP e2e/%s: tshark is not installed; what was sent is not dissected" % r.name)
        return None
    try:
        return Capture(path, ports)
    except PermissionError as error:
        print("SKIP e2e/%s: capturing is not permitted here (%s)" % (r.name, error))
        return None


# ---- studies ---------------------------------------------------------------------------------

CONTEXTS = [(1, CT, [EXPLICIT, IMPLICIT]), (3, RTSTRUCT, [EXPLICIT, IMPLICIT]), (5, "1.2.840.10008.1.1", [IMPLICIT])]


class Study:
    """A made-up study: its files, images first, and what is to come of it."""

    def __init__(self, folder, seed=1, slices=8, matrix=64, options=()):
        done = run("phantom", folder, "--seed", str(seed), "--slices", str(slices), "--matrix", str(matrix), *options)
        if done.code != 0:
            raise RuntimeError("phantom: %r" % done.err)
        self.folder = folder
        self.images = [Object(p) for p in sorted(glob.glob(folder + "/ct/*"))]
        self.structures = [Object(p) for p in sorted(glob.glob(folder + "/rs/*"))]
        self.objects = self.images + self.structures
        self.uid = study_uid(self.images[0])

    def expected(self, config):
        """{SOP Instance UID: data set without its dates}, by `netrt process`."""
        out = self.folder + ".out"
        done = run("process", "-q", "-c", config, self.folder, "-o", out, timeout=120)
        if done.code != 0:
            raise RuntimeError("process: %r" % done.err)
        return derived(outputs(out + "/*"))


def study_uid(thing):
    at = thing.data.find(b"\x20\0\x0d\0UI")
    length = thing.data[at + 6] | thing.data[at + 7] << 8
    return thing.data[at + 8:at + 8 + length].decode("ascii").rstrip("\0")


# by SeriesType, in the order of sending; what lies there is sent
SENT = {"OVERLAY": "Addition", "STRUCTURE_SET": "StructureSet", "SEGMENTATION": "Segmentations", "DEBUG": "DebugDicom"}


def outputs(study, *types):
    """The files of a study's folder that are sent, of some series types or all."""
    return [f for t in types or SENT for f in sorted(glob.glob("%s/%s/*.dcm" % (study, SENT[t])))]


def derived(paths):
    return {o.sop_instance: undated(o.data) for o in map(Object, paths)}


def send(port, objects, acked=None, **more):
    """{SOP Instance UID: status} of one association; what was answered before it broke, if it did.

    `acked` is filled as the answers come, for those who are cut off in the middle.
    """
    answers = {} if acked is None else acked
    try:
        with Association(port, CONTEXTS, **more) as association:
            for thing in objects:
                response = association.store(thing.sop_class, thing.sop_instance, thing.data)
                answers[thing.sop_instance] = response.get("status")
            association.release()
    except (Refused, OSError, KeyError):
        pass
    return answers


@contextlib.contextmanager
def workspace(name):
    """A temporary folder that is kept when the test fails with an exception and KEEP is set."""
    path = tempfile.mkdtemp(prefix="netrt-%s-" % name)
    try:
        yield path
    finally:
        if not os.environ.get("KEEP"):
            shutil.rmtree(path, ignore_errors=True)
