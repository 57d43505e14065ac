/*
 * One line of a log, as text or as JSON.  Pure: all it shows is in the struct.
 */
#ifndef SERVICE_ACCOUNTS_LINE_H
#define SERVICE_ACCOUNTS_LINE_H

#include "base/buf.h"
#include "base/clock.h"
#include "service/accounts.h"

#define ACCOUNTS_NONE UINT64_MAX /* of the numbers: nothing to say */

/* Strings may hold anything, and may be NULL. */
struct accounts_line {
	enum log_level level;
	enum accounts_part part;
	bool transaction; /* a line of the transaction log */
	const char *event;
	struct bytes message;

	/* for JSON; the message has it too, in words */
	uint64_t association, instances, duration_us, retry_seconds, status;
	const char *address, *ae_title, *study, *dest, *series_type, *reason;
};

#define ACCOUNTS_LINE_OF(severity, who, what)                   \
	((struct accounts_line){.level = (severity),            \
				.part = (who),                  \
				.event = (what),                \
				.association = ACCOUNTS_NONE,   \
				.instances = ACCOUNTS_NONE,     \
				.duration_us = ACCOUNTS_NONE,   \
				.retry_seconds = ACCOUNTS_NONE, \
				.status = ACCOUNTS_NONE})

struct accounts_now {
	struct wall wall;
	uint64_t created_us, relative_us; /* since 1970; since the program began */
	long process;
};

/* With its line feed, at most ACCOUNTS_LINE bytes: what is too long is cut, with "..." at its end.
 * `format` is without a fault (pyformat_fault). */
void accounts_line_text(const struct accounts_line *l, const struct accounts_now *now,
			const char *format, struct buf *out);
void accounts_line_json(const struct accounts_line *l, const struct accounts_now *now,
			struct buf *out);

/* To both logs as far as they are there and the level is low enough; used by accounts*.c only. */
void accounts_emit(const struct accounts_line *l);

#endif
