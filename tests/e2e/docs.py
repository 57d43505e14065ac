#!/usr/bin/python3
"""The documents beside the program: keys, log events, exit codes, commands, examples, names of files.

What is said twice is compared; what the documents tell a reader to write is tried.
"""
import glob
import os
import re
import sys
import tempfile

from harness import Report, run

DOCUMENTS = sorted(glob.glob("*.md")) + ["bench/README.md"]
COMMANDS = re.compile(r"^  ([a-z]+) ", re.M)


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def table_rows(text):
    """The cells of each row; a bar in code is no border."""
    for line in text.splitlines():
        if line.startswith("|"):
            yield [cell.strip() for cell in re.sub(r"\\\|", "", line).strip("|").split("|")]


# ---- the configuration ----

def keys_of_reference():
    """section.key: default, of the tables of CONFIGURATION.md."""
    keys, section = {}, None
    for line in text_of("CONFIGURATION.md").splitlines():
        if line.startswith("#"):
            title = line.lstrip("# ")
            section = title.replace("each item of ", "") + ("[]" if title.startswith("each") else "")
            if line.startswith("## "):
                section = None
        row = re.match(r"\| `([a-z0-9_]+)` \|.*?\|.*?\| `(.*?)` \|", line)
        if row and section:
            name = row[1] if section == "No section" else section + "." + row[1]
            keys[name] = row[2]
    return keys


def check_keys(r):
    told = [line.split("\t") for line in run("config", "keys").out.decode().splitlines()]
    here = {row[0]: row[3] if len(row) == 5 else row[2] for row in told}
    there = keys_of_reference()
    for name in sorted(set(here) ^ set(there)):
        r.check(False, "CONFIGURATION.md", "lacks" if name in here else "has, and netrt has not,", name)
    for name in sorted(set(here) & set(there)):
        r.check(here[name] == there[name], "CONFIGURATION.md: default of", name, there[name], here[name])
    r.check(len(there) > 100, "only", len(there), "keys were found")
    # `key` (value), in any document, is the default
    for path in DOCUMENTS:
        for name, value in re.findall(r"`([a-z_]+\.[a-z0-9_]+)` \(([0-9][0-9,]*)\)", text_of(path)):
            r.check(here.get(name) == value.replace(",", ""), path, name, value, "is not", here.get(name))
        for name in re.findall(r"`([a-z_]+\.[a-z0-9_]+)`", text_of(path)):
            known = any(key == name or key.startswith(name + ".") for key in here)
            if name.split(".")[0] in {key.split(".")[0] for key in here}:
                r.check(known or name in OLD_KEYS, path, "names a key that there is not:", name)


# of other NETRTs: CONFIGURATION.md says that they are not read
OLD_KEYS = {"processing.default_series_description"}


def check_examples(r, work):
    """Each piece of YAML is one that netrt takes as it stands, or with a key made for it."""
    run("keygen", work + "/key")
    count = 0
    for path in DOCUMENTS:
        for block in re.findall(r"^```yaml\n(.*?)^```", text_of(path), re.M | re.S):
            count += 1
            block = re.sub(r"key_file: *[^\s,}]+", "key_file: " + work + "/key", block)
            with open(work + "/example.yaml", "w", encoding="utf-8") as file:
                file.write(block)
            done = run("config", "check", work + "/example.yaml")
            r.check(done.code == 0 and b"warning" not in done.out, path, "an example", block, done.out)
    r.check(count >= 5, "only", count, "examples were found")


def check_refusals(r, work):
    """CONFIGURATION.md, "How a file is read": what is written is refused, what to write is taken."""
    rows = [row for row in table_rows(text_of("CONFIGURATION.md").split("## How a file is read")[1])
            if row[0].startswith("`")]
    r.check(len(rows) >= 8, "only", len(rows), "refusals were found")
    sections = {row.split("\t")[0].split(".")[-1]: row.split("\t")[0]
                for row in run("config", "keys").out.decode().splitlines()}
    sections["port"], sections["enabled"] = "dicom_listener.port", "anonymization.enabled"
    for row in rows:
        wrong, right = row[0].strip("`"), row[-1].strip("`")
        name = wrong.split(":")[0]
        if not right.startswith(name):
            right = name + ": " + right
        for line, good in ((wrong, False), (right, True)):
            parts = sections[name].split(".")[:-1]
            body = "".join("  " * i + part + ":\n" for i, part in enumerate(parts)) + "  " * len(parts) + line + "\n"
            with open(work + "/refused.yaml", "w", encoding="utf-8") as file:
                file.write(body)
            done = run("config", "check", work + "/refused.yaml")
            r.check(done.code == (0 if good else 78), "CONFIGURATION.md:", line, done.code, done.out)


def check_check(r, work):
    """The example of what `netrt config check` says, word for word."""
    example = re.search(r"^\$ netrt config check site.yaml\n(.*?)^```", text_of("CONFIGURATION.md"), re.M | re.S)
    lines = ["dicom_listener:", "  ae_title: X", "  port: 70000", "", "", "procesing: {}", "", "anonymization:",
             '  enabled: "false"', ""]
    with open(work + "/site.yaml", "w", encoding="utf-8") as file:
        file.write("\n".join(lines))
    done = run("config", "check", work + "/site.yaml")
    r.check(done.out.decode().replace(work + "/", "") == example[1], "config check:", done.out.decode())


# ---- the log ----

def check_events(r):
    """The words of `event` in the source are those of CONFIGURATION.md, each once."""
    source = "".join(text_of(path) for path in glob.glob("src/service/*.c") + glob.glob("src/cmd/*.c"))
    words = set()
    # the first text of a call, or the first two where one of them is chosen
    for call in re.findall(r"\b(?:accounts_say|accounts_complain|tell|of_peer|of_delivery|ACCOUNTS_LINE_OF)"
                           r"\(([^\";]*\"[a-z_]+\"(?:\s*:\s*\"[a-z_]+\")?)", source):
        words |= set(re.findall(r'"([a-z_]+)"', call))
    chapter = text_of("CONFIGURATION.md").split("## Logs and reports")[1].split("\n## ")[0]
    fixed = chapter.split("`event` is one of these")[1].split("The report of a study")[0]
    told = re.findall(r"`([a-z]+(?:_[a-z]+)*)`", fixed.replace("| `event` |", ""))
    known = set(told) | {"message"}
    r.check(len(told) == len(set(told)), "an event is there twice:", sorted(w for w in told if told.count(w) > 1))
    r.check(len(words) > 40, "only", len(words), "events were found")
    r.check(words <= known, "CONFIGURATION.md lacks the events", sorted(words - known))
    r.check(known - {"message"} <= words, "CONFIGURATION.md has events that there are not:",
            sorted(known - {"message"} - words))


# ---- commands ----

SYSEXITS = {"OK": 0, "USAGE": 64, "DATAERR": 65, "NOINPUT": 66, "UNAVAILABLE": 69, "SOFTWARE": 70, "OSERR": 71,
            "CANTCREAT": 73, "IOERR": 74, "CONFIG": 78}


def codes_of(text):
    """The numbers of a paragraph "Exit codes: 0 ..., 64 ..."."""
    found = re.search(r"Exit codes: (.*?)\.\n", text, re.S)
    return {int(n) for n in re.findall(r"(?:^|, |,\n)([0-9]+) [a-zA-Z]", found[1])} if found else set()


def check_commands(r):
    listing = run("help").out.decode()
    names = COMMANDS.findall(listing)
    r.check(len(names) == 16, "commands:", names)
    readme = text_of("README.md")
    every = set()
    for name in names:
        codes = codes_of(run("help", name).out.decode())
        every |= codes
        r.check(name in ("version", "help") or {0, 64} <= codes, "help", name, "lists", sorted(codes))
        r.check(name == "version" or "`netrt " + name in readme, "README.md has no command", name)
    # and what any of them may end with beside that
    source = "".join(text_of(path) for path in glob.glob("src/cmd/*.c") + glob.glob("src/s[et]*/*.c"))
    used = {SYSEXITS[word] for word in re.findall(r"\bEX_([A-Z]+)\b", source) if word in SYSEXITS} | {1}
    r.check(codes_of(listing) == used, "netrt help:", sorted(codes_of(listing)), "in the source:", sorted(used))
    r.check(every <= used, "explained, and never given:", sorted(every - used))
    for path in DOCUMENTS:
        for code in re.findall(r"^```.*?^```|`[^`\n]+`", text_of(path), re.M | re.S):
            for name in re.findall(r"^`?(?:sudo -u netrt )?netrt ([a-z]+)", code, re.M):
                r.check(name in names, path, "names a command that there is not:", name)


# ---- names and tables ----

FOLDERS = "src|tests|config|scripts|bench|fuzz|tools|tables"
MODULES = "|".join(sorted(os.path.basename(path) for path in glob.glob("src/*") if os.path.isdir(path)))


def check_names(r):
    targets = set(re.findall(r"^([a-z0-9-]+(?: [a-z0-9-]+)*):", text_of("Makefile"), re.M))
    targets = {word for line in targets for word in line.split()} | {"all"}
    for path in DOCUMENTS:
        text = text_of(path)
        for code in re.findall(r"`([^`\n]+)`", text):
            for name in re.findall(r"(?:^|\s)((?:%s)/[\w./<>-]+)" % FOLDERS, code):
                name = re.sub(r"<[^>]*>", "*", name.rstrip("./"))
                r.check(glob.glob(name), path, "names a file that there is not:", name)
            module = re.fullmatch(r"(%s)/([a-z0-9_]+)(\.[ch])?" % MODULES, code)
            if module:
                found = glob.glob("src/%s/%s.[ch]" % (module[1], module[2]))
                r.check(found, path, "names a module that there is not:", code)
        for name in re.findall(r"(?:`|^)make ([a-z][a-z-]*)", text, re.M):
            r.check(name in targets, path, "names a target that there is not:", name)


def check_tables(r):
    """A table is one: header, rule, rows of as many cells, no empty line within."""
    for path in DOCUMENTS:
        lines = re.sub(r"^```.*?^```", lambda m: "\n" * m[0].count("\n"), text_of(path), flags=re.M | re.S).splitlines()
        at = 0
        while at < len(lines):
            if not lines[at].startswith("|"):
                at += 1
                continue
            end = at
            while end < len(lines) and lines[end].startswith("|"):
                end += 1
            rows = list(table_rows("\n".join(lines[at:end])))
            rule = len(rows) > 1 and all(re.fullmatch(r":?-+:?", cell) for cell in rows[1])
            r.check(rule, "%s:%d: a table without a head" % (path, at + 1))
            for n, row in enumerate(rows):
                r.check(len(row) == len(rows[0]), "%s:%d: %d cells, not %d" % (path, at + n + 1, len(row), len(rows[0])))
            at = end


def main():
    r = Report("docs")
    with tempfile.TemporaryDirectory(prefix="netrt-docs-") as work:
        check_keys(r)
        check_examples(r, work)
        check_refusals(r, work)
        check_check(r, work)
    check_events(r)
    check_commands(r)
    check_names(r)
    check_tables(r)
    return r.end()


if __name__ == "__main__":
    sys.exit(main())
