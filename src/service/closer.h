/*
 * The closer: a study leaves the working folder, or is done with but for that.  In a process of its
 * own, since it may take long.
 *
 * Everything here is done under LOCK_EX on the study's folder, and begins with a look at what is
 * there: a study to which something has come is left alone.  Killed anywhere, the next start does
 * the rest: the journal goes last.
 */
#ifndef SERVICE_CLOSER_H
#define SERVICE_CLOSER_H

#include "service/options.h"

enum closer_end {
	CLOSER_DONE,
	CLOSER_BUSY,    /* somebody holds a lock: later */
	CLOSER_CHANGED, /* it is not what was looked at */
	CLOSER_AGAIN,   /* a system call failed */
};

struct closer_result {
	enum closer_end end;
	char reason[256]; /* with CLOSER_AGAIN */
};

/* The study is delivered, and kept for a while: write its report now. */
void closer_report(const struct service_options *o, const struct uid *study,
		   struct closer_result *out);
/*
 * The study is delivered: remove exactly the sources that the round has seen and the series made of
 * them; a file there that is no object of this study goes to quarantine instead.  Also for a folder
 * with nothing in it.
 */
void closer_remove(const struct service_options *o, const struct uid *study,
		   struct closer_result *out);
/* Remove the files that the inspector saw (without_structure_set: discard). */
void closer_discard(const struct service_options *o, const struct uid *study, const char *digest,
		    const char *why, struct closer_result *out);
/*
 * Move the folder to quarantine/UID_<study>_<YYYYMMDDhhmmss>, with a `reason`.  `digest`: "" to
 * move it whatever has come since.
 */
void closer_quarantine(const struct service_options *o, const struct uid *study, const char *digest,
		       const char *why, struct closer_result *out);

/* A staging folder that a killed worker left. */
void closer_clear_staging(int working, const struct uid *study);

#endif
