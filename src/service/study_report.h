/*
 * The report of a study that is done with: delivered, or in quarantine.
 *
 *     reporting.output_directory/report_<StudyInstanceUID>_<YYYYMMDD_HHMMSS>.txt    as NETRT's
 *     .../report_<StudyInstanceUID>_<YYYYMMDD_HHMMSS>.json
 *     .../report_<StudyInstanceUID>_<YYYYMMDD_HHMMSS>.html   to look at
 *
 * Who sent it, what came, what was used and what was not and why, how long it took, and what each
 * destination said.  What the folder job has to tell (ROIs, warnings, pictures) is taken from the
 * report.txt, report.json and report.html that it left in the study's folder.
 *
 * No patient's name, ID or birth date: there is no field for one.
 */
#ifndef SERVICE_STUDY_REPORT_H
#define SERVICE_STUDY_REPORT_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/uid.h"

struct study_report_sender {
	const char *ae_title; /* as it came; NULL: copied by hand */
	const char *address;  /* NULL: the same */
	uint32_t instances;
};

enum study_report_fate {
	STUDY_DELIVERED, /* every instance confirmed */
	STUDY_COMMITTED, /* and its storage committed */
	STUDY_GIVEN_UP,
	STUDY_NOT_TRIED /* the study failed before */
};

/* Instances of one series type. */
#define STUDY_REPORT_TYPES 8u
struct study_report_type {
	const char *name; /* "OVERLAY" */
	uint32_t sent, made;
};

struct study_report_destination {
	const char *name, *ae_title, *address; /* address: "host:port" */
	enum study_report_fate fate;
	uint32_t sent;     /* instances confirmed */
	uint32_t warnings; /* of those, with a Bxxx status */
	uint32_t unsent;
	uint32_t attempts; /* associations opened, or tried */
	const char *last;  /* the last thing that went wrong, or NULL */
	uint64_t took_us;  /* first attempt to last confirmation */
	struct study_report_type types[STUDY_REPORT_TYPES];
	uint32_t type_count;
};

struct study_report {
	const char *version;
	struct uid study;
	struct wall when;
	const struct study_report_sender *sender;
	uint32_t sender_count;
	uint32_t images, structure_sets, others; /* instances received */
	uint64_t bytes;                          /* of all of them */
	uint64_t receive_us; /* first instance to last; 0: not known (after a restart) */
	uint64_t wait_us;    /* last instance to the begin of processing; 0: not known */
	uint64_t process_us; /* 0: not processed */
	const struct study_report_destination *destination;
	uint32_t destination_count;
	const char *failed;     /* why it is in quarantine, or NULL: all went well */
	const char *quarantine; /* name of its folder there, or NULL */
	struct bytes job_text;  /* report.txt of the folder job, or empty */
	struct bytes job_json;  /* report.json, or empty */
	struct bytes job_html;  /* report.html, or empty */
};

void study_report_text(const struct study_report *r, struct buf *out);
void study_report_json(const struct study_report *r, struct buf *out);
void study_report_html(const struct study_report *r, struct buf *out); /* study_report_html.c */

/*
 * All three files into `folder`, each whole or not at all, synced; `study_dir` is the study's
 * folder (or -1), where job_text, job_json and job_html are read from when they are empty.  An
 * existing file is never overwritten: a second report within a second gets "_2" before its suffix.
 * ERR_IO, ERR_NOMEM, ERR_UNUSABLE (no UID): log it and go on.
 */
enum err study_report_write(const struct study_report *r, const char *folder, int study_dir,
			    struct fault *f) MUST_USE;

#endif
