#!/usr/bin/python3
"""The image of Dockerfile.scratch: what it says of itself; and run by buildah and, as PID 1 with a
read-only root, no capabilities and some uid, by crun: receive, process, deliver, stop, go on."""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys

from harness import NETRT, Report, skip
from serve_harness import Process, Study, family, free_port, listening, need_serve, send, wait_for, workspace
from wire import Destination, undated

UID = 54321


class Builder:
    """buildah with a store of its own."""

    def __init__(self, folder):
        self.options = ["--root", folder + "/store", "--runroot", folder + "/run", "--storage-driver", "vfs"]

    def command(self, *arguments):
        return ["buildah", *self.options, *arguments]

    def __call__(self, *arguments):
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=120, check=False)
        if done.returncode != 0:
            raise RuntimeError("buildah %s: %s" % (" ".join(arguments), done.stderr[-2000:]))
        return done.stdout.strip()


def check_image(r, buildah):
    image = json.loads(buildah("inspect", "--type", "image", "netrt:latest"))
    settings = image["Docker"]["config"]
    r.check(settings["User"].split(":")[0].isdigit() and not settings["User"].startswith("0"), "user", settings["User"])
    r.check(list(settings["ExposedPorts"]) == ["11112/tcp"], "ports", settings["ExposedPorts"])
    r.check(settings["StopSignal"] == "SIGTERM", "stop signal", settings.get("StopSignal"))
    r.check(settings["Healthcheck"]["Test"][-2:] == ["/netrt", "healthcheck"], "health", settings.get("Healthcheck"))
    r.check(settings["Entrypoint"] == ["/netrt"] and settings["Cmd"] == ["serve"], "command", settings["Cmd"])
    for place in ("/app/config", "/home/appuser/CORRECT_working", "/home/appuser/CORRECT_logs"):
        r.check(place in settings["Volumes"], place, "is no volume")
    steps = [h["created_by"] for h in image["Docker"]["history"] if "COPY" in h["created_by"]]
    r.check(len(steps) == 1, "copied:", steps)
    return settings


class Buildah(Process):
    """`buildah run --isolation chroot`, which gives a root of its own and nothing else.

    Where --volume names one of the image's own volumes it is chance which of the two is seen inside (1.28),
    so everything lies in other places here; crun takes the image's.
    """
    places = {"config": "/data/config", "working": "/data/working", "logs": "/data/logs", "shared": "/data/shared"}

    def __init__(self, buildah, name, volumes, command, log, root):
        self.buildah, self.name, self.volumes = buildah, name, volumes
        mounts = [word for v in volumes for word in ("--volume", "%s:%s" % v)]
        super().__init__(buildah.command("run", "--isolation", "chroot", *mounts, name, *command), log)

    def healthy(self):
        """In a container of its own on the same volumes."""
        config = self.places["config"] + "/config.yaml"
        probe = Buildah(self.buildah, self.name, self.volumes, ["/netrt", "healthcheck", "-c", config],
                        self.log_path + ".health", None)
        return probe.child.wait(20) == 0

    def stop(self, timeout=30, number=signal.SIGTERM):
        """buildah hands no signal on, so netrt gets it."""
        for pid in family(self.pid):
            with contextlib.suppress(OSError), open("/proc/%d/cmdline" % pid, "rb") as file:
                if file.read().startswith(b"/netrt\0"):
                    os.kill(pid, number)
                    break
        return super().stop(timeout, 0)


def system_calls(group):
    """The names in a group of systemd's, and in the groups in it."""
    done = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True)
    names = set()
    for line in done.stdout.splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            names |= system_calls(word)
        elif word and not word.startswith("#"):
            names.add(word)
    return names


def unit_filter():
    """The unit's SystemCallFilter, for crun."""
    allowed = set()
    with open("config/netrt.service", encoding="utf-8") as file:
        for value in re.findall(r"^SystemCallFilter=(.*)", file.read(), re.MULTILINE):
            for group in value.lstrip("~").split():
                names = system_calls(group)
                allowed = allowed - names if value.startswith("~") else allowed | names
    # what crun itself does between the filter and netrt
    allowed |= {"execve", "setgroups", "setresuid", "setresgid", "capset", "prctl"}
    return {"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"],
            "syscalls": [{"names": sorted(allowed), "action": "SCMP_ACT_ALLOW"}]}


class Crun(Process):
    """An OCI container: its own PIDs and mounts, a root that cannot be written, no capabilities.

    crun knows no cgroups that are half v1 and half v2, so it is given a mount namespace in which
    they are v2; it uses none of them.
    """
    seccomp = None
    places = {"config": "/app/config", "working": "/home/appuser/CORRECT_working",
              "logs": "/home/appuser/CORRECT_logs", "shared": "/mnt/shared"}

    def __init__(self, buildah, name, volumes, command, log, root):
        self.bundle = root + ".bundle"
        os.makedirs(self.bundle, exist_ok=True)
        with open(self.bundle + "/config.json", "w", encoding="utf-8") as file:
            json.dump(self.bundle_settings(root, volumes, command), file)
        self.name = "netrt-%d" % os.getpid()
        script = ("mount --make-rprivate / && { umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; } && "
                  'exec crun --root "$1/state" --cgroup-manager=disabled run --bundle "$1" "$2"')
        super().__init__(["unshare", "--mount", "sh", "-c", script, "sh", self.bundle, self.name], log)

    def bundle_settings(self, root, volumes, command):
        none = {k: [] for k in ("bounding", "effective", "permitted", "inheritable", "ambient")}
        mounts = [{"destination": "/proc", "type": "proc", "source": "proc"}]
        mounts += [{"destination": b, "type": "bind", "source": a, "options": ["rbind", "rw"]} for a, b in volumes]
        return {
            "ociVersion": "1.0.0",
            "process": {"terminal": False, "user": {"uid": UID, "gid": UID}, "cwd": "/", "args": command,
                        "env": ["HOME=/home/appuser", "NETRT_CONFIG=/app/config/config.yaml"],
                        "capabilities": none, "noNewPrivileges": True},
            "root": {"path": root, "readonly": True}, "mounts": mounts,
            "linux": {"namespaces": [{"type": t} for t in ("pid", "ipc", "uts", "mount")],
                      **({"seccomp": self.seccomp} if self.seccomp else {})},
        }

    def first(self):
        """The pid, as seen from here, of the container's PID 1; None when it is not there yet."""
        with contextlib.suppress(OSError, ValueError, KeyError):
            with open("%s/state/%s/status" % (self.bundle, self.name), encoding="utf-8") as file:
                return json.load(file)["pid"]
        return None

    def confined(self, r):
        with open("/proc/%d/status" % self.first(), encoding="ascii") as file:
            facts = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        r.check(facts["NSpid"].split()[-1] == "1", "PID", facts["NSpid"])
        r.check(int(facts["CapEff"], 16) == 0 == int(facts["CapBnd"], 16), "capabilities", facts["CapEff"])
        r.check(facts["Seccomp"] == ("2" if self.seccomp else "0"), "seccomp", facts["Seccomp"])
        r.check(facts["Uid"].split() == [str(UID)] * 4, "uid", facts["Uid"])

    def healthy(self):
        """As HEALTHCHECK has it, in the container."""
        pid = self.first()
        if pid is None:
            return False
        done = subprocess.run(
            ["nsenter", "-t", str(pid), "--mount", "--pid", "--root", "-S", str(UID), "-G", str(UID), "/netrt",
             "healthcheck"], env={"HOME": "/home/appuser", "NETRT_CONFIG": "/app/config/config.yaml"},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=20)
        return done.returncode == 0

    def stop(self, timeout=30, number=signal.SIGTERM):
        pid = self.first()
        if pid and self.running():
            os.kill(pid, number)
        return super().stop(timeout, 0)


class Filtered(Crun):
    """With the system calls that the systemd unit leaves."""


def exercise(r, kind, buildah, name, root, folder, uid):
    """Two studies over one volume; the second one's images before the stop, its structure set after."""
    what = kind.__name__.lower()
    destination = Destination()
    port = free_port()
    volumes = [("%s/%s" % (folder, name), inside) for name, inside in kind.places.items()]
    for path, _ in volumes:
        os.makedirs(path, exist_ok=True)
        os.chown(path, uid, uid)
    settings = {
        "dicom_listener": {"host": "127.0.0.1", "port": port},
        "dicom_destination": {"ip": "127.0.0.1", "port": destination.port, "ae_title": "DEST"},
        "anonymization": {"enabled": False}, "processing": {"add_burn_in_disclaimer": False},
    }
    if kind is Buildah:
        settings["directories"] = {"working": kind.places["working"], "logs": kind.places["logs"]}
        settings["reporting"] = {"output_directory": kind.places["shared"]}
    command = ["/netrt", "serve"]
    if kind is Buildah:
        command += ["-c", kind.places["config"] + "/config.yaml"]
    with open(folder + "/config/config.yaml", "w", encoding="utf-8") as file:
        json.dump(settings, file)
    first, second = Study(folder + "/first", 1), Study(folder + "/second", 2)
    expected = {**first.expected(folder + "/config/config.yaml"), **second.expected(folder + "/config/config.yaml")}

    with kind(buildah, name, volumes, command, folder + "/serve.log", root) as serve:
        listening(serve, port)
        if kind is not Buildah:
            serve.confined(r)
        r.check(serve.healthy(), what, "healthcheck")
        answers = send(port, first.objects + second.images)
        r.check(set(answers.values()) == {0} and len(answers) == len(first.objects + second.images), what, answers)
        r.check(destination.wait(lambda: len(destination.kept) == len(first.images), 60), what, "delivered",
                len(destination.kept), serve.log()[-2000:])
        code = serve.stop()
        r.check(code == 0, what, "ended with", code, serve.log()[-2000:])
        r.check(not serve.healthy(), what, "healthcheck of nothing")
    with kind(buildah, name, volumes, command, folder + "/again.log", root) as serve:
        listening(serve, port)
        send(port, second.structures)
        r.check(destination.wait(lambda: len(destination.kept) == len(expected), 60), what, "after the restart",
                len(destination.kept), serve.log()[-2000:])
        studies = lambda: [f for f in os.listdir(folder + "/working") if f.startswith("UID_")]
        r.check(wait_for(lambda: not studies(), 20), what, "left", studies())
        r.check(serve.stop() == 0, what, "ended", serve.log()[-2000:])
    got = {sop: undated(data) for sop, (_, data) in destination.kept.items()}
    r.check(got == expected, what, "delivered is not what netrt process makes")
    r.check(os.listdir(folder + "/shared"), what, "no report")
    destination.stop()


def check_unit(r, folder):
    """systemd finds nothing wrong with the unit, and little that it exposes."""
    if shutil.which("systemd-analyze") is None:
        print("SKIP e2e/container: systemd-analyze is not installed; the unit is not looked at")
        return
    unit = folder + "/netrt.service"
    with open("config/netrt.service", encoding="utf-8") as file:
        text = file.read()
    with open(unit, "w", encoding="utf-8") as file:
        file.write(text.replace("/usr/local/bin/netrt", os.path.abspath(NETRT)))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False, timeout=60)
    r.check(done.returncode == 0 and not done.stderr, "systemd-analyze verify:", done.stderr)
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", unit], capture_output=True,
                          text=True, check=False, timeout=60)
    found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    r.check(found and float(found.group(1)) <= 2.0, "systemd-analyze security:", done.stdout[-200:], done.stderr)


def main():
    if shutil.which("buildah") is None or os.getuid() != 0:
        skip("container", "buildah is not installed, or this is not root")
    need_serve("container")
    r = Report("container")
    with workspace("container") as folder:
        check_unit(r, folder)
        buildah = Builder(folder)
        environment = dict(os.environ, OPTIONS=" ".join(buildah.options), PATH=os.environ["PATH"])
        subprocess.run(["scripts/image"], env=environment, check=True, capture_output=True, timeout=120)
        check_image(r, buildah)
        name = buildah("from", "netrt:latest")
        root = buildah("mount", name)
        r.check(sorted(os.listdir(root)) == ["netrt"], "the root holds", os.listdir(root))
        os.makedirs(folder + "/one")
        exercise(r, Buildah, buildah, name, root, folder + "/one", 65532)
        if shutil.which("crun"):
            os.makedirs(folder + "/two")
            exercise(r, Crun, buildah, name, root, folder + "/two", UID)
            if shutil.which("systemd-analyze") and os.uname().machine == "x86_64":
                os.makedirs(folder + "/three")
                Filtered.seccomp = unit_filter()
                exercise(r, Filtered, buildah, name, root, folder + "/three", UID)
        else:
            print("SKIP e2e/container: crun is not installed; not run as PID 1 with a read-only root")
        buildah("umount", name)
    return r.end()


if __name__ == "__main__":
    sys.exit(main())
