/*
 * The studies in the working folder, as the supervisor knows them: found by inotify and by looking,
 * judged by watch_next, worked on by children, one at a time each.
 *
 * Of a study's content nothing is read here.  Facts come from an inspector's report; events only
 * make them stale.
 */
#ifndef SERVICE_STUDIES_H
#define SERVICE_STUDIES_H

#include "service/child.h"
#include "service/options.h"
#include "service/shared.h"
#include "service/watch.h"

#define STUDY_BUCKETS 1024u

enum study_job { JOB_NONE, JOB_INSPECT, JOB_WORK, JOB_CLOSE };
enum study_folder { FOLDER_TOP, FOLDER_DCM, FOLDER_STRUCTURE, STUDY_FOLDERS };

struct study;

/* A folder that inotify watches. */
struct study_watch {
	int wd; /* -1: not watched */
	struct study *study;
	struct study_watch *next; /* of the same bucket */
	int64_t mtime_ns;         /* when last looked at, for file systems where inotify is blind */
};

struct study {
	struct study *next, *next_uid; /* all of them; of the same bucket */
	struct uid uid;
	struct watch_facts facts;
	struct watch_step step; /* as of the last judgement */
	uint64_t due_ms;        /* of the next one */
	struct study_watch folder[STUDY_FOLDERS];

	enum study_job job;
	pid_t pid;
	bool told;   /* the child has said how it ended */
	bool forced; /* it was started although something had changed */
	uint64_t job_ms;

	/* of the last inspection */
	uint64_t bytes;
	uint32_t images, sets, missing;
	char digest[65];
	unsigned failures; /* in a row: of want of space, or crashes of an inspector */
	char *doom;        /* owned: why it is to be quarantined whatever the facts say, or NULL */
	bool lost;         /* the folder is gone; when the child has ended, so is this */
};

struct studies {
	const struct service_options *o;
	struct shared *shared;
	int working, inotify, tell; /* tell: the children's end of the pipe */
	struct study *first;
	uint32_t count;
	struct study *by_uid[STUDY_BUCKETS];
	struct study_watch *by_wd[STUDY_BUCKETS];
	int working_wd;
	bool blind;                /* inotify is short of watches: said once */
	unsigned workers, helpers; /* children running */
	uint64_t due_ms;           /* of the earliest study */
	uint64_t scan_ms;          /* of the next look at everything */
	uint32_t reports;          /* of shared.reports, those that were acted upon */
	bool draining;
	bool deliverable; /* something became ready to be sent: the supervisor resets it */
};

enum err studies_open(struct studies *s, const struct service_options *o, struct shared *shared,
		      int working, int tell, struct fault *f) MUST_USE;
void studies_close(struct studies *s);
void studies_options(struct studies *s, const struct service_options *o, uint64_t now_ms);

/* The working folder as it is: new studies are found, changed ones noticed, vanished ones let go.
 */
void studies_scan(struct studies *s, uint64_t now_ms);
/* What inotify has to tell; false: nothing. */
bool studies_notice(struct studies *s, uint64_t now_ms);
/* Do what is due. */
void studies_step(struct studies *s, uint64_t now_ms);
/* When studies_step or studies_scan is next to be called. */
uint64_t studies_due(const struct studies *s);

/* Some association or sender ended, which may have held a study. */
void studies_released(struct studies *s, uint64_t now_ms);
/* Look at it now ("": at all), whatever is known. `asked`: by a person; waits are forgotten. */
void studies_look(struct studies *s, const struct uid *uid, bool asked, uint64_t now_ms);

void studies_told(struct studies *s, const struct tell *t, uint64_t now_ms);
/* False: not one of ours. */
bool studies_reaped(struct studies *s, pid_t pid, int status, uint64_t now_ms);

enum watch_state studies_state(const struct study *t);

/* ---- between studies.c and study_jobs.c ---- */

void study_jobs_start(struct studies *s, struct study *t, uint64_t now_ms);
void studies_drop(struct studies *s, struct study *t);

#endif
