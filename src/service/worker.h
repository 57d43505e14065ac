/*
 * The worker: makes the overlay series of one study, in a process of its own, under limits.
 *
 *     list the files; scan them; the folder job (study/pipeline.h), with the working folder as its
 *     output; all to the disk; one round into the journal: what was seen, what was made
 *
 * Only the files of that list count.  What comes meanwhile makes a list that is not the round's,
 * and so the study is looked at again.
 */
#ifndef SERVICE_WORKER_H
#define SERVICE_WORKER_H

#include "service/options.h"

enum worker_end {
	WORKER_DONE,
	WORKER_CHANGED, /* it is being fed or sent, or is not what the inspector saw: later */
	WORKER_AGAIN,   /* for want of something the study cannot help: space, processes */
	WORKER_FAILED,  /* quarantine */
};

struct worker_result {
	enum worker_end end;
	uint32_t outputs;
	char reason[1024];
};

/* The limits of a worker, for the calling process and those it makes. */
void worker_limit(const struct service_processing *p);

/* `digest`: of the files as the inspector saw them; "": whatever is there now.  Changes the working
 * directory. */
void worker_run(const struct service_options *o, int working, const struct uid *study,
		const char *digest, struct worker_result *out);

/* A failed system call that says nothing about the study. */
bool worker_is_transient(int sys_errno);

#endif
