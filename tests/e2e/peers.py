#!/usr/bin/python3
"""`netrt serve` between real peers: DCMTK, GDCM and Orthanc send; storescp and Orthanc, with storage
commitment, take what comes out.  Every byte of it is captured, and tshark finds no malformed PDU."""
import glob
import os
import shutil
import subprocess
import sys

from harness import DATA, Report, skip
from serve_harness import (PEER_ENVIRONMENT, Orthanc, Service, Storescp, Study, capture, derived, need_serve,
                           wait_for, workspace)
from wire import Association, Object, Refused, undated

NEEDED = ("storescu", "dcmsend", "echoscu", "storescp")


def peer(*command, timeout=120):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=timeout, check=False,
                          env=PEER_ENVIRONMENT)


def check_echo(r, service):
    done = peer("echoscu", "-aec", "NETRT", "127.0.0.1", service.port)
    r.check(done.returncode == 0, "echoscu:", done.stderr)
    done = peer("echoscu", "-aec", "OTHER", "127.0.0.1", service.port)
    r.check(done.returncode != 0 and "Called AE Title Not Recognized" in done.stderr, "echoscu OTHER:", done.stderr)


def by_storescu(service, study):
    return peer("storescu", "-aec", "NETRT", "+sd", "+r", "127.0.0.1", service.port, study.folder)


def by_storescu_implicit(service, study):
    return peer("storescu", "-aec", "NETRT", "-xi", "+sd", "+r", "127.0.0.1", service.port, study.folder)


def by_storescu_big_endian(service, study):
    return peer("storescu", "-aec", "NETRT", "-xb", "+sd", "+r", "127.0.0.1", service.port, study.folder)


def by_storescu_small_pdus(service, study):
    return peer("storescu", "-aec", "NETRT", "-pdu", 4096, "--max-send-pdu", 4096, "+sd", "+r", "127.0.0.1",
                service.port, study.folder)


def by_dcmsend(service, study):
    return peer("dcmsend", "-aec", "NETRT", "+sd", "+r", "127.0.0.1", service.port, study.folder)


def by_gdcmscu(service, study):
    """Debian's gdcmscu 3.0.21 aborts in its own clean-up after each release, whoever the peer is."""
    done = peer("gdcmscu", "--store", "--call", "NETRT", "--aetitle", "GDCM", "-i", study.folder, "-r", "127.0.0.1",
                service.port)
    if done.returncode == -6 and "ProtocolStream as nullptr" in done.stderr:
        done.returncode = 0
    return done


SENDERS = {"storescu": by_storescu, "storescu -xi": by_storescu_implicit, "storescu -xb": by_storescu_big_endian,
           "storescu, 4 KiB": by_storescu_small_pdus, "dcmsend": by_dcmsend, "gdcmscu": by_gdcmscu}


def compared(r, what, got, expected):
    r.check(set(got) == set(expected), what, "delivered", len(got), "instances, expected", len(expected))
    for sop in set(got) & set(expected):
        if not r.check(got[sop] == expected[sop], what, sop, "is not what netrt process makes"):
            break


def to_storescp(r, folder):
    """Each sender's study through to storescp, in a service of its own for all of them."""
    with Storescp(folder + "/pacs", "--fork", "+B") as pacs:
        service = Service(folder + "/netrt", destination=("STORESCP", pacs.port))
        seen = capture(r, folder + "/to_storescp.pcapng", [service.port, pacs.port])
        with service:
            check_echo(r, service)
            for seed, (name, sender) in enumerate(SENDERS.items(), 10):
                if shutil.which(name.split()[0].rstrip(",")) is None:
                    print("SKIP e2e/peers: %s is not installed" % name)
                    continue
                # implicit and big endian come out as they came in: compared only by their names
                study = Study("%s/study%d" % (folder, seed), seed)
                expected = study.expected(service.config)
                done = sender(service, study)
                r.check(done.returncode == 0, name, "ended with", done.returncode, done.stderr[-1000:], done.stdout[-500:])
                # storescp's files are whole when it has answered
                sent = "SENDING_SUCCESS SeriesType: OVERLAY, StudyUID: " + study.uid
                arrived = lambda: sent in service.transactions()
                if not r.check(wait_for(arrived, 60), name, "delivered", len(pacs.files()), service.log()[-2000:]):
                    continue
                got = derived(f for f in pacs.files() if Object(f).sop_instance in expected)
                if "-x" in name:
                    r.check(set(got) == set(expected), name, "delivered others")
                else:
                    compared(r, name, got, expected)
            r.check(wait_for(lambda: not [f for f in os.listdir(service.working) if f.startswith("UID_")], 20),
                    "left in working", service.files())
            accounts(r, service, len(SENDERS))
            service.end(r, "peers")
        if seen:
            seen.check(r)


def accounts(r, service, studies):
    text = service.transactions()
    for event in ("PROCESSING_START", "PROCESSING_SUCCESS", "SENDING_START", "SENDING_SUCCESS"):
        r.check(text.count(event) == studies, event, text.count(event), "times, not", studies, text[-1500:])
    everything = text + service.all_logs()
    for path in glob.glob(service.logs + "/*") + glob.glob(service.reports + "/*"):
        with open(path, encoding="utf-8", errors="replace") as file:
            everything += file.read()
    for secret in ("Phantom^Netrt", "NETRT-PHANTOM"):
        r.check(secret not in everything, secret, "is in a log or a report")
    r.check(len(os.listdir(service.reports)) >= studies, "reports:", os.listdir(service.reports))


def through_orthanc(r, folder):
    """Orthanc sends a study, another Orthanc takes what comes of it, and commits to it."""
    if shutil.which("Orthanc") is None:
        print("SKIP e2e/peers: Orthanc is not installed")
        return
    os.makedirs(folder)
    study = Study(folder + "/study", 77)
    with workspace("orthanc") as stores:
        service = Service(folder + "/netrt", watcher={"debounce_interval_seconds": 2})
        with service, Orthanc(stores + "/from", {"netrt": ("NETRT", service.port)}) as source, \
                Orthanc(stores + "/to", {"netrt": ("NETRT", service.port)}) as target:
            service.settings["dicom_destinations"] = [
                {"name": "orthanc", "ip": "localhost", "port": target.port, "ae_title": "ORTHANC",
                 "storage_commitment": "request"}]
            service.settings.pop("dicom_destination", None)
            service.configure()
            service.stop()
            service.start()
            seen = capture(r, folder + "/orthanc.pcapng", [service.port, target.port])
            for thing in study.objects:
                with open(thing.path, "rb") as file:
                    source.rest("/instances", file.read())
            known = source.rest("/studies")
            job = source.rest("/modalities/netrt/store", {"Resources": known, "Synchronous": True, "Timeout": 60})
            r.check(job.get("FailedInstancesCount", 0) == 0, "Orthanc sent", job)
            expected = study.expected(service.config)
            arrived = wait_for(lambda: len(target.rest("/instances")) == len(expected), 60)
            r.check(arrived, "Orthanc took", len(target.rest("/instances")), service.log()[-2000:])
            # committed: only then the study goes
            gone = wait_for(lambda: not [f for f in os.listdir(service.working) if f.startswith("UID_")], 60)
            r.check(gone, "not committed", service.files(), service.log()[-3000:], target.log()[-1500:])
            got = {}
            for one in target.rest("/instances"):
                path = "%s/%s.dcm" % (stores, one)
                with open(path, "wb") as file:
                    file.write(target.rest("/instances/%s/file" % one))
                thing = Object(path)
                got[thing.sop_instance] = undated(thing.data)
            compared(r, "Orthanc", got, expected)
            service.end(r, "Orthanc")
            if seen:
                seen.check(r)


def odd_files(r, folder):
    """Files of other people's systems, in every transfer syntax, are stored byte for byte, or refused for
    what is wrong with them; DCMTK sends what it can of them, too."""
    files = sorted(glob.glob(DATA + "/odd/*.dcm"))
    if not files:
        print("SKIP e2e/peers: no real data in", DATA)
        return
    os.makedirs(folder)
    service = Service(folder + "/netrt", watcher={"debounce_interval_seconds": 600})
    good = 0
    with service:
        for path in files:
            try:
                thing = Object(path)
                with Association(service.port, [(1, thing.sop_class, [thing.syntax])]) as association:
                    status = association.store(thing.sop_class, thing.sop_instance, thing.data).get("status")
                    association.release()
            except (ValueError, Refused):
                continue  # not Part 10, or it does not say what it is
            stored = [Object(os.path.join(service.working, f))
                      for f in service.files("UID_*/*/%s.dcm" % thing.sop_instance)]
            if status == 0:
                good += 1
                r.check(len(stored) == 1 and stored[0].data == thing.data, path, "was changed")
            elif status == 0xA900:
                known = thing.sop_instance.encode() in thing.data and thing.sop_class.encode() in thing.data
                r.check(not known, path, "A900, but its data set is what its head says")
            else:
                wrong = "truncated" in path or b"\x20\0\x0d\0" not in thing.data
                r.check(status >> 12 == 0xC and wrong, path, "status %04x" % status)
        r.check(good > 40, "stored only", good, "of", len(files))
        done = peer("dcmsend", "+sd", "-nh", "-nuc", "-aec", "NETRT", "127.0.0.1", service.port, DATA + "/odd")
        r.check(done.returncode in (0, 1) and "Peer aborted" not in done.stderr, "dcmsend of all", done.stderr[-500:])
        service.end(r, "odd files")


def main():
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        skip("peers", "DCMTK is not installed: " + " ".join(missing))
    need_serve("peers")
    r = Report("peers")
    with workspace("peers") as folder:
        os.makedirs(folder + "/one")
        to_storescp(r, folder + "/one")
        through_orthanc(r, folder + "/two")
        odd_files(r, folder + "/three")
    return r.end()


if __name__ == "__main__":
    sys.exit(main())
