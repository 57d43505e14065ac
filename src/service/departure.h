/*
 * What is told of a study that leaves the working folder: the report in reporting.output_directory,
 * and the `reason` of a quarantine.
 */
#ifndef SERVICE_DEPARTURE_H
#define SERVICE_DEPARTURE_H

#include "base/buf.h"
#include "service/options.h"
#include "study/files.h"
#include "study/journal.h"

struct departure {
	const struct service_options *o;
	const struct uid *uid;
	int dir; /* the study's folder */
	const struct study_files *files;
	const struct journal_state *state;
};

/* For a person: what, why, which build, when, who sent it, what was and was not delivered. */
void departure_reason(const struct departure *d, const char *why, struct buf *out);
/* `why` NULL: all was delivered.  `quarantine`: name of its folder there, or NULL.  What cannot be
 * written is logged. */
void departure_report(const struct departure *d, const char *why, const char *quarantine);

#endif
