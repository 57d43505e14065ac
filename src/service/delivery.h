/*
 * What is known of a study's delivery, for those who do not deliver: the supervisor, status, retry,
 * the report, the `reason` of a quarantine.
 */
#ifndef SERVICE_DELIVERY_H
#define SERVICE_DELIVERY_H

#include "base/buf.h"
#include "service/sender.h"
#include "service/study_report.h"

/* Of a whole round, over the destinations that are configured now. */
enum delivery_outcome {
	DELIVERY_OPEN,    /* some destination is neither done nor given up */
	DELIVERY_DONE,    /* every one is done: the folder may go */
	DELIVERY_GAVE_UP, /* all settled, and at least one gave up: quarantine */
};
enum delivery_outcome delivery_outcome(const struct journal_state *s,
				       const struct delivery_dest *dests, size_t count);

/* Lines for a `reason` file: a destination each, with what was and was not confirmed, and why;
 * then the outputs that are missing there, by SOP Instance UID. */
void delivery_reason(const struct journal_state *s, const struct delivery_dest *dests, size_t count,
		     struct buf *out);

/* What the report of a study says of a destination.  Its strings are the state's, the
 * destination's, and `address`. */
#define DELIVERY_ADDRESS 280
void delivery_report(const struct journal_state *s, const struct delivery_dest *dest,
		     char address[static DELIVERY_ADDRESS], struct study_report_destination *out);

/* Somebody asks for it: the study at `study` (fd) is due now at that destination (NULL: at every
 * one), with all its attempts before it.  `dest` given up is taken up again. */
enum err delivery_retry(int study, const char *dest, struct fault *f) MUST_USE;

#endif
