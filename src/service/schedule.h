/*
 * When what is delivered: backoff, giving up, and which status means what.  Pure: the clock is a
 * parameter, and chance is a hash of the study, the destination and the attempt, so the same
 * journal gives the same times after a restart.
 *
 * Times are UTC milliseconds since 1970, as in the journal.  A failure that lies in the future (the
 * clock was set back) is treated as one of now.
 *
 * A destination has two kinds of trouble.  What happens to a study (a status, an abort in the
 * middle) is in the study's journal and makes that study wait.  When the destination itself is not
 * reached, or refuses the association, all of its studies wait for the same next try: that is the
 * breaker, and `struct schedule_breaker` its state.  One success closes it.
 *
 * Giving up is decided by failures, not by the clock alone: after a service was stopped for a week
 * everything is tried once more before it is given up.
 */
#ifndef SERVICE_SCHEDULE_H
#define SERVICE_SCHEDULE_H

#include "base/uid.h"
#include "dimse/status.h"
#include "study/journal.h"

/* "Cxxx", "A9xx", "0122": four hexadecimal digits or x. */
struct schedule_pattern {
	uint16_t value, mask;
};
bool schedule_pattern_parse(struct schedule_pattern *out, const char *text) MUST_USE;

#define SCHEDULE_PATTERNS 64

struct schedule {
	uint64_t first_ms;   /* wait after the first failure; doubled with each; 5 s */
	uint64_t most_ms;    /* ... up to this; 15 min */
	uint64_t give_up_ms; /* from the first failure to the last; 0: after the first; 72 h */
	uint32_t permanent_attempts;
	struct schedule_pattern permanent[SCHEDULE_PATTERNS];
	size_t permanent_count;
	uint64_t commitment_ms; /* from a request to the next, when no report comes */
};

/* Of a C-STORE response: sent and sent with a warning as dimse/status.h has it; of the others
 * permanent are those that the configuration says are, and worth a retry all the rest. */
enum scu_outcome schedule_outcome(const struct schedule *s, uint16_t status);

/* The wait before attempt `failed` + 1: first * 2^(failed - 1), at most `most`, of which chance
 * takes away up to a quarter.  failed >= 1. */
uint64_t schedule_backoff_ms(const struct schedule *s, uint32_t failed, uint64_t chance);
uint64_t schedule_chance(const char *destination, const char *study, uint32_t failed);

struct schedule_breaker {
	uint32_t failures; /* in a row; 0: closed */
	uint64_t since_ms; /* the first of them */
	uint64_t failed_ms;
};
/* When the destination may be tried again; 0: now. */
uint64_t schedule_breaker_due_ms(const struct schedule *s, const struct schedule_breaker *b,
				 const char *destination, uint64_t now_ms);

enum schedule_what {
	SCHEDULE_NOTHING, /* the study has no whole round: not processed, or being so */
	SCHEDULE_SETTLED, /* done, or given up */
	SCHEDULE_WAIT,    /* until due_ms */
	SCHEDULE_SEND,    /* some output is unconfirmed */
	SCHEDULE_REQUEST, /* all sent: ask for Storage Commitment */
	SCHEDULE_FINISH,  /* all sent and committed, only `done` is missing */
	SCHEDULE_GIVE_UP,
};
struct schedule_next {
	enum schedule_what what;
	uint64_t due_ms; /* with SCHEDULE_WAIT */
	const char *why; /* with SCHEDULE_GIVE_UP, for people */
};

struct schedule_dest {
	const char *name;
	bool commitment;
	struct schedule_breaker breaker;
};
struct schedule_next schedule_study(const struct schedule *s, const struct schedule_dest *dest,
				    const struct uid *study, const struct journal_state *state,
				    uint64_t now_ms);

/* Whether output `index` is worth sending: unconfirmed, and not refused for good. */
bool schedule_wants(const struct schedule *s, const struct journal_dest *dest, uint32_t index);

#endif
