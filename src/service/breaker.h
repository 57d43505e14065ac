/*
 * What is remembered of a destination while it cannot be reached:
 * working/.control/delivery/to_<name>/, with a journal (study/journal.h) of the failed attempts,
 * which one success empties.
 *
 * The folder also carries the lock that makes the sender of a destination the only one.
 */
#ifndef SERVICE_BREAKER_H
#define SERVICE_BREAKER_H

#include "service/schedule.h"

struct breaker {
	int dir; /* -1 when closed */
	struct schedule_breaker state;
	char text[256]; /* of the last failure, "" */
};
#define BREAKER_NONE ((struct breaker){.dir = -1})

/* `name`: 1..64 of A-Z a-z 0-9 . _ - (asserted).  breaker_read only reads, also
 * when there is nothing yet, and leaves `dir` closed: for status. */
enum err breaker_read(struct breaker *b, int working, const char *name, struct fault *f) MUST_USE;
/* ERR_UNUSABLE: another process holds it. */
enum err breaker_open(struct breaker *b, int working, const char *name, struct fault *f) MUST_USE;
void breaker_close(struct breaker *b);

/* An attempt to reach the destination failed, or did not. */
enum err breaker_failed(struct breaker *b, const char *name, const char *text, uint64_t now_ms,
			struct fault *f) MUST_USE;
void breaker_succeeded(struct breaker *b);
/* The next try is now: for a manual retry.  No lock is needed. */
enum err breaker_reset(int working, const char *name, struct fault *f) MUST_USE;

#endif
