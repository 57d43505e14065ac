#!/usr/bin/python3
"""The command line itself: help, exit codes, and an output that cannot be written."""
import os
import subprocess
import sys
import tempfile

from harness import NETRT, Report, run

SERVICE = ("serve", "status", "retry", "quarantine", "healthcheck")
COMMANDS = ("process", "deid", "keygen", "rois", "dump", *SERVICE, "echo", "send", "config", "phantom", "version", "help")
WITH_EXIT_CODES = COMMANDS[:-2]


def check_help(r):
    listing = run("help")
    r.check(listing.code == 0 and not listing.err, "help:", listing.code, listing.err)
    for name in COMMANDS:
        r.check(b"  " + name.encode() + b" " in listing.out, "help does not list", name)
    for same in ("--help", "-h"):
        r.check(run(same).out == listing.out, same, "is not help")
    for name in COMMANDS:
        told = run("help", name)
        r.check(told.code == 0 and not told.err, "help", name, told.code, told.err)
        r.check(told.out.startswith(b"usage: netrt " + name.encode()), "help", name, told.out[:80])
        for option in ("--help", "-h"):
            asked = run(name, option)
            r.check(asked.code == 0 and not asked.err, name, option, asked.code, asked.err)
            r.check(asked.out == (told.out if name != "help" else listing.out), name, option, "is not help", name)
    for name in WITH_EXIT_CODES:
        text = run("help", name).out
        r.check(b"Exit codes: 0 " in text and b"64 usage" in text, "help", name, "lists no exit codes")
        # Every long option of the first paragraph is explained below it.
        usage, _, rest = text.partition(b"\n\n")
        for word in usage.replace(b"[", b" ").replace(b"]", b" ").split():
            if word.startswith(b"--"):
                r.check(word in rest, "help", name, "does not explain", word)


def check_usage(r, work):
    wrong = [
        ([], "no command"),
        (["nonsense"], "unknown command"),
        (["help", "nonsense"], "help of an unknown command"),
        (["help", "dump", "rois"], "help of two"),
        (["version", "now"], "version with an argument"),
        (["config"], "config of nothing"),
        (["config", "nonsense"], "config of an unknown word"),
        (["config", "check"], "check of nothing"),
        (["process"], "no input"),
        (["process", work], "no output"),
        (["process", work, "-o"], "-o of nothing"),
        (["process", work, "-o", work + "/o", "-j", "0"], "no workers"),
        (["process", work, "-o", work + "/o", "-j", "many"], "workers that are no number"),
        (["deid"], "nothing to de-identify"),
        (["deid", work], "no output of deid"),
        (["deid", work, "-o", work + "/o", "-j", "257"], "257 workers"),
        (["deid", work, "-o", work + "/o", "--debug"], "an option of process at deid"),
        (["deid", work, "-o", work + "/o", "--sheet", work + "/s.jpg"], "another"),
        (["process", work, "-o", work + "/o", "--sheet"], "--sheet of nothing"),
        (["keygen"], "a key for nothing"),
        (["keygen", work + "/a", work + "/b"], "two keys"),
        (["serve", "now"], "serve with an argument"),
        (["serve", "-c"], "-c of nothing"),
        (["status", "now"], "status with an argument"),
        (["status", "--all"], "an option of retry at status"),
        (["retry"], "retry of nothing"),
        (["retry", "1.2", "1.3"], "retry of two"),
        (["retry", "--json", "1.2"], "an option of status at retry"),
        (["quarantine"], "quarantine of nothing"),
        (["quarantine", "release"], "release of nothing"),
        (["quarantine", "eat", "1.2"], "an unknown word"),
        (["healthcheck", "now"], "healthcheck with an argument"),
        (["rois"], "rois of nothing"),
        (["dump"], "dump of nothing"),
        (["echo"], "echo of nobody"),
        (["echo", "localhost"], "no port"),
        (["echo", "localhost:0"], "port 0"),
        (["echo", "localhost:65536"], "port 65536"),
        (["echo", "localhost:dicom"], "a port that is no number"),
        (["echo", ":104"], "no host"),
        (["echo", "::1:104"], "an IPv6 address without brackets"),
        (["echo", "localhost:104", "localhost:105"], "two peers"),
        (["echo", "localhost:104", "--aec", "SEVENTEEN LETTERS"], "an AE title of 17 characters"),
        (["echo", "localhost:104", "--aet", "  "], "an AE title of spaces"),
        (["echo", "localhost:104", "--aet", "A\\B"], "an AE title with a backslash"),
        (["echo", "localhost:104", "--timeout", "0"], "no time"),
        (["send", "localhost:104"], "nothing to send"),
        (["send", work, "localhost:104"], "peer and folder exchanged"),
        (["send", "localhost:104", work, "--associations", "65"], "65 associations"),
        (["send", "localhost:104", work, "--per-association", "0"], "none per association"),
        (["phantom"], "phantom to nowhere"),
        (["phantom", work + "/p", work + "/q"], "two phantoms"),
        (["phantom", work + "/p", "--preset", "tiny"], "unknown preset"),
        (["phantom", work + "/p", "--slices", "3"], "too few slices"),
        (["phantom", work + "/p", "--slices", "20001"], "too many slices"),
        (["phantom", work + "/p", "--matrix", "-64"], "a negative matrix"),
        (["phantom", work + "/p", "--seed", "1x"], "a seed that is no number"),
    ]
    wrong += [([name, "--nonsense"], "unknown option") for name in COMMANDS[:-1]]
    wrong += [([name, "-Z"], "unknown short option") for name in COMMANDS[:-1]]
    for args, what in wrong:
        done = run(*args)
        r.check(done.code == 64, what, args, "exit code", done.code, done.err[-300:])
        r.check(done.err.startswith(b"netrt: error: "), what, args, "message", done.err[:200])
        r.check(not done.out, what, args, "writes to standard output")
    r.check(os.listdir(work) == [], "a usage error left", os.listdir(work))


def check_version(r):
    done = run("version")
    r.check(done.code == 0 and done.out.startswith(b"netrt ") and done.out.count(b"\n") == 1, "version", done.out)
    r.check(run("--version").out == done.out, "--version is not version")


def check_config(r, work):
    default = run("config", "default")
    r.check(default.code == 0 and default.out, "config default", default.code)
    path = os.path.join(work, "default.yaml")
    with open(path, "wb") as file:
        file.write(default.out)
    r.check(run("config", "check", path).code == 0, "config check of the default file")
    r.check(run("config", "keys").code == 0, "config keys")
    r.check(run("config", "check", path + ".missing").code == 78, "config check of a missing file")
    done = run("process", "-c", path + ".missing", work, "-o", work + "/out")
    r.check(done.code == 78 and done.err, "process with a missing configuration", done.code)
    # The defaults protect people: without the map of patients that they name nothing is done.
    if not os.path.isdir("/mnt/shared"):
        done = run("process", work, "-o", work + "/out")
        r.check(done.code == 78 and b"pid_mapping_file" in done.err, "process with defaults and no map", done.code, done.err)
    r.check(not os.path.exists(work + "/out"), "an output in spite of the configuration")


def check_process(r, work, study):
    demo = ("-c", "tests/e2e/plain.yaml")
    done = run("process", *demo, work + "/missing", "-o", work + "/out")
    r.check(done.code == 66 and done.err, "process of nothing", done.code, done.err)
    os.mkdir(work + "/empty")
    done = run("process", *demo, work + "/empty", "-o", work + "/out")
    r.check(done.code == 66 and done.err, "process of an empty folder", done.code, done.err)
    with open(work + "/file", "wb"):
        pass
    done = run("process", *demo, study, "-o", work + "/file/out")
    r.check(done.code == 73 and done.err, "process to under a file", done.code, done.err)
    for name in ("rois", "dump"):
        done = run(name, work + "/missing")
        r.check(done.code == 66 and done.err, name, "of a missing file", done.code, done.err)
        done = run(name, work + "/file")
        r.check(done.code == 65 and done.err, name, "of an empty file", done.code, done.err)


def check_output(r, work, study):
    """Standard output that is full, closed, or a pipe that nobody reads."""
    structures = os.path.join(study, "rs", "RS.dcm")
    printing = [["help"], ["--help"], ["version"], ["config", "default"], ["config", "keys"]]
    printing += [["help", name] for name in COMMANDS] + [[name, "--help"] for name in COMMANDS]
    printing += [["config", "check", work + "/default.yaml"], ["dump", structures], ["dump", "--json", structures]]
    printing += [["rois", structures], ["rois", structures, os.path.join(study, "ct")]]
    small = ["--slices", "4", "--matrix", "64"]
    printing += [["phantom", work + "/made", *small]]
    printing += [["process", "--json", "-c", "tests/e2e/plain.yaml", study, "-o", work + "/made"]]
    ways = (
        ("full", ">/dev/full"),
        ("closed", ">&-"),
        ("a broken pipe", "| (exec <&-; sleep 0.05)"),
    )
    for args in printing:
        for how, shell in ways:
            subprocess.run(["rm", "-rf", work + "/made"], check=True)
            script = 'set -o pipefail; "$@" ' + shell
            if "|" in shell:  # the pipe's reader is gone before netrt starts
                script = 'set -o pipefail; (sleep 0.02; exec "$@") ' + shell
            done = subprocess.run(
                ["bash", "-c", script, "bash", NETRT, *args], capture_output=True, timeout=60, check=False
            )
            r.check(done.returncode == 74, args, "with standard output", how, "exit code", done.returncode, done.stderr)
            r.check(b"standard output" in done.stderr, args, "with standard output", how, done.stderr)


def main():
    r = Report("cli")
    with tempfile.TemporaryDirectory() as work:
        os.mkdir(work + "/w")
        check_help(r)
        check_usage(r, work + "/w")
        check_version(r)
        check_config(r, work + "/w")
        study = work + "/study"
        made = run("phantom", study, "--slices", "6", "--matrix", "64")
        if r.check(made.code == 0, "phantom", made.code, made.err):
            check_process(r, work + "/w", study)
            check_output(r, work + "/w", study)
    return r.end()


if __name__ == "__main__":
    sys.exit(main())
