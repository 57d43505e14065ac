/*
 * What is next for a study, and when: a pure function of what is known of it, the options, and a
 * clock.  Everything the supervisor decides about studies is decided here.
 *
 *                       something changed                     nothing did
 *     not looked at     quiet for a moment: INSPECT
 *     no set            INSPECT again       time is up: wait, QUARANTINE or DISCARD, as configured
 *     no images         INSPECT again       wait; in the end QUARANTINE
 *     incomplete        INSPECT again       quiet and enough files, or by force: PROCESS
 *     complete          INSPECT again       after the grace: PROCESS
 *     cannot be seen    INSPECT again       quiet: QUARANTINE
 *     processed         INSPECT again       delivery's turn; confirmed and kept long enough:
 * REMOVE; given up: QUARANTINE nothing left      INSPECT again       REMOVE
 *
 * Whatever is to be done is done only while no association feeds the study; that is found out when
 * it is due (a lock), not here.
 *
 * Times are milliseconds of one clock, the supervisor's, which never goes back.
 */
#ifndef SERVICE_WATCH_H
#define SERVICE_WATCH_H

#include "service/options.h"
#include "study/inspect.h"

#define WATCH_NEVER UINT64_MAX

enum watch_delivery { WATCH_OPEN, WATCH_DONE, WATCH_GAVE_UP };

struct watch_facts {
	uint64_t changed_ms; /* the newest change that is known */
	uint64_t first_ms;   /* the oldest file that no round has seen */
	uint64_t looked_ms;  /* when it was last inspected; 0: never */
	bool inspected;      /* what follows is so; and nothing has changed since, unless */
	bool stale;    /* something has: then it is looked at again before anything is done, but
			* for what is done by force, lest a trickle of files keeps it for ever */
	bool hopeless; /* it cannot be looked at, and never will be: over a limit */
	bool fed;      /* when last looked at, an association was feeding it */
	uint32_t files;
	bool strange; /* something lies there that is neither input nor netrt's */
	enum inspect_verdict verdict;
	bool processed;
	enum watch_delivery delivery; /* when processed */
	uint64_t done_ms;             /* when delivered: since when */
	bool reported;                /* ... and the report of it is written */
	uint64_t retry_ms;            /* work failed for want of something: not before this; 0 */
};

enum watch_what {
	WATCH_WAIT,
	WATCH_INSPECT,
	WATCH_PROCESS,
	WATCH_REPORT, /* it stays for a while, its report need not */
	WATCH_REMOVE,
	WATCH_QUARANTINE,
	WATCH_DISCARD,
};

enum watch_state { /* for people: status */
		   WATCH_RECEIVING,
		   WATCH_WAITING,
		   WATCH_PROCESSING,
		   WATCH_SENDING,
		   WATCH_KEPT, /* delivered; sources are kept for a while */
		   WATCH_STATES,
};

struct watch_step {
	enum watch_what what;
	uint64_t due_ms; /* WATCH_WAIT: look again then */
	enum watch_state state;
	const char *why; /* a literal; WATCH_QUARANTINE, WATCH_DISCARD, WATCH_WAIT */
};

struct watch_step watch_next(const struct watch_facts *facts, const struct service_watch *options,
			     uint64_t now_ms);

const char *watch_state_name(enum watch_state state); /* "receiving" */

#endif
