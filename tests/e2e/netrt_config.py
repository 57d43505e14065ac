#!/usr/bin/python3
"""A site's config.yaml of NETRT, started with as it is: its folders, its AE title, its destination, its log
files, its events, its reports; with what NETRT switches on by default, and with all that it could switch on."""
import glob
import os
import re
import signal
import sys

from harness import NETRT, Report, run
from serve_harness import Process, Study, free_port, listening, need_serve, wait_for, workspace
from wire import Association, Destination, IMPLICIT, RTSTRUCT, CT, EXPLICIT, VERIFICATION

# The sections and keys that NETRT's file has, in its order and with its habits.
CONFIG = """\
dicom_listener:
  # Host IP address to listen for incoming connections
  host: 127.0.0.1
  port: %(port)d
  ae_title: CORRECT

dicom_destination:
  ip: 127.0.0.1
  port: %(destination)d
  ae_title: RESEARCHPACS

directories:
  working: "~/CNCT_working"
  logs: "~/CNCT_logs"
  quarantine_subdir: "quarantine"

watcher:
  debounce_interval_seconds: 2
  min_file_count_for_processing: 10

processing:
  ignore_contour_names_containing: ["skull"]
  overlay_series_number: 999
  overlay_series_description: "RESEARCH ONLY: CT w Mask"
  overlay_study_id: "RTPlanShare"
  add_burn_in_disclaimer: %(burn_in)s
  burn_in_text: "FOR RESEARCH USE ONLY - NOT FOR CLINICAL USE"
  segmentation_series_number: 99
  segmentation_series_description_template: "RESEARCH USE ONLY: CONTOUR {}"
  segmentation_algorithm_name: "Radiation Oncologist"
  segmentation_algorithm_version: "v1.0"
  segmentation_tracking_id: "FOR RESEARCH USE ONLY"
  debug_series_number: 101
  debug_series_description: "DEBUG: Contour Overlay Visualization"

anonymization:
  enabled: %(anonymize)s
  full_anonymization_enabled: true
  use_consistent_pid: true
  site_code: "SITE"
  pid_mapping_file: "%(shared)s/pid_mapping.json"
  rules:
    remove_tags:
      - "AccessionNumber"
      - "PatientID"
    blank_tags: []
    generate_random_id_prefix: ""

feature_flags:
  enable_segmentation_export: False

logging:
  level: INFO
  application_log_file: application.log
  transaction_log_file: transaction.log

reporting:
  output_directory: "%(shared)s"
"""

STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} "


def check_as_shipped(r, folder, values):
    """De-identification and burn-in on, as in the file that NETRT comes with; segmentations, too, and NETRT's --debug."""
    home, shared, destination = folder + "/home2", folder + "/shared2", Destination()
    for path in (home, shared):
        os.makedirs(path)
    path = folder + "/as_shipped.yaml"
    with open(path, "w", encoding="utf-8") as file:
        file.write((CONFIG % {**values, "burn_in": "true", "anonymize": "true", "port": free_port(), "shared": shared,
                              "destination": destination.port}).replace("segmentation_export: False", "segmentation_export: True"))
    checked = run("config", "check", path)
    r.check(checked.code == 0, "config check", checked.out, checked.err)
    study = Study(folder + "/shipped", 6, 10)
    port = int(re.search(r"port: (\d+)", open(path, encoding="utf-8").read()).group(1))
    with Process([NETRT, "serve", "--debug", "-c", path], folder + "/shipped.log", dict(os.environ, HOME=home)) as serve:
        listening(serve, port)
        serve.send_signal(signal.SIGHUP)  # what the command line says stays
        r.check(wait_for(lambda: "read again: nothing in it has changed" in serve.log(), 10), "SIGHUP", serve.log()[-500:])
        with Association(port, [(1, CT, [EXPLICIT, IMPLICIT]), (3, RTSTRUCT, [EXPLICIT, IMPLICIT])], called="CORRECT") as association:
            for thing in study.objects:
                association.store(thing.sop_class, thing.sop_instance, thing.data)
            association.release()
        place = home + "/CNCT_working/UID_" + study.uid
        wait_for(lambda: destination.kept and not os.path.exists(place), 40)
        every = [data for _, data in destination.kept.values()]
        made = [sum(b"UI" + bytes((len(c) + 1 & ~1, 0)) + c in data[:200] for data in every)
                for c in (CT.encode(), b"1.2.840.10008.5.1.4.1.1.66.4", b"1.2.840.10008.5.1.4.1.1.7")]
        r.check(made[0] == made[2] == 10 and made[1] > 5 and sum(made) == len(every), "as shipped, delivered", made,
                serve.log()[-2500:])
        for data in every:
            r.check(b"SITE_0001_" in data and b"Phantom^Netrt" not in data and b"NETRT-PHANTOM" not in data, "the patient is in it")
        r.check(serve.stop() == 0, "serve --debug ended", serve.log()[-1000:])
    with open(home + "/CNCT_logs/transaction.log", encoding="utf-8") as file:
        told = re.findall(r"(SENDING_\w+) SeriesType: (\w+)", file.read())
    r.check(told == [(e, t) for e in ("SENDING_START", "SENDING_SUCCESS") for t in ("OVERLAY", "SEGMENTATION", "DEBUG")], told)
    r.check(not destination.errors, destination.errors)


def check_accounts(r, study, home, shared):
    with open(home + "/CNCT_logs/transaction.log", encoding="utf-8") as file:
        lines = file.read().splitlines()
    source = r"SourceIP: 127\.0\.0\.1, SourceAET: PROBE"
    for event in (
        r"DICOM association accepted\. " + source,
        r"C-ECHO received\. SourceIP: 127\.0\.0\.1.*",
        r"DICOM association released/closed\. " + source,
        r"PROCESSING_START StudyUID: %s, Path: .*/UID_%s.*" % (study.uid, study.uid),
        r"PROCESSING_SUCCESS StudyUID: %s, DurationSec: \d+\.\d\d.*" % study.uid,
        r"SENDING_START SeriesType: OVERLAY, StudyUID: %s, DestAET: RESEARCHPACS.*" % study.uid,
        r"SENDING_SUCCESS SeriesType: OVERLAY, StudyUID: %s, DestAET: RESEARCHPACS.*" % study.uid,
    ):
        form = STAMP + r"TXN \[INFO\]: " + event
        r.check(any(re.fullmatch(form, line) for line in lines), "no line", form, "in", lines[-8:])
    with open(home + "/CNCT_logs/application.log", encoding="utf-8") as file:
        first = file.readline()
    r.check(re.match(STAMP + r"\[[A-Z]+\] \S+: ", first), "application log begins", first)
    reports = glob.glob(shared + "/report_%s_*.txt" % study.uid)
    if r.check(len(reports) == 1, "reports:", os.listdir(shared)):
        with open(reports[0], encoding="utf-8") as file:
            text = file.read()
        for word in (study.uid, "PROBE", "127.0.0.1", "RESEARCHPACS"):
            r.check(word in text, word, "is not in the report", text[:1500])


def main():
    need_serve("netrt_config")
    r = Report("netrt_config")
    with workspace("site") as folder:
        home, shared = folder + "/home", folder + "/shared"
        os.makedirs(home)
        os.makedirs(shared)
        destination = Destination()
        values = {"port": free_port(), "destination": destination.port, "shared": shared, "anonymize": "false",
                  "burn_in": "false"}
        check_as_shipped(r, folder, values)
        path = folder + "/config.yaml"
        with open(path, "w", encoding="utf-8") as file:
            file.write(CONFIG % values)
        checked = run("config", "check", path)
        r.check(checked.code == 0 and b"error" not in checked.out.replace(b"0 errors", b""), checked.out, checked.err)
        study = Study(folder + "/study", 5, 10)
        environment = dict(os.environ, HOME=home)
        with Process([NETRT, "serve", "-c", path], folder + "/serve.log", environment) as serve:
            listening(serve, values["port"])
            r.check(os.path.isdir(home + "/CNCT_working") and os.path.isdir(home + "/CNCT_logs"), os.listdir(home))
            contexts = [(1, CT, [EXPLICIT, IMPLICIT]), (3, RTSTRUCT, [EXPLICIT, IMPLICIT]), (5, VERIFICATION, [IMPLICIT])]
            with Association(values["port"], contexts, called="CORRECT") as association:
                r.check(association.echo() == 0, "C-ECHO")
                for thing in study.objects:
                    status = association.store(thing.sop_class, thing.sop_instance, thing.data).get("status")
                    r.check(status == 0, "C-STORE", status)
                # while the association is open the study is not whole, and its files are where NETRT puts them
                place = home + "/CNCT_working/UID_" + study.uid
                r.check(len(os.listdir(place + "/DCM")) == 10 and len(os.listdir(place + "/Structure")) == 1,
                        os.listdir(place))
                association.release()
            delivered = destination.wait(lambda: len(destination.kept) == len(study.images), 30)
            r.check(delivered, "delivered", len(destination.kept), serve.log()[-2000:])
            r.check(wait_for(lambda: not os.path.exists(place), 15), "the folder stays", serve.log()[-2000:])
            for _, data in list(destination.kept.values())[:1]:
                r.check(b"RESEARCH ONLY: CT w Mask" in data and b"999 " in data, "series description and number")
            r.check(destination.requests[0].called == "RESEARCHPACS", "called", destination.requests[0].called)
            r.check(serve.stop() == 0, "serve ended", serve.log()[-1000:])
        check_accounts(r, study, home, shared)
        r.check(not destination.errors, destination.errors)
    return r.end()


if __name__ == "__main__":
    sys.exit(main())
