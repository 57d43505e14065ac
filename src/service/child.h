/*
 * Processes of the service: how they are made, and what they tell the supervisor.
 *
 * A child dies when the supervisor does (SIGKILL); it ignores SIGTERM, SIGINT and SIGHUP, which a
 * terminal or systemd may send to all processes at once: when to stop is the supervisor's to say.
 * It inherits what is open but for what is private to the supervisor.
 *
 * Results come through one pipe, as a struct of fixed size in one write(2), before the child exits.
 */
#ifndef SERVICE_CHILD_H
#define SERVICE_CHILD_H

#include <signal.h>
#include <sys/types.h>

#include "base/uid.h"
#include "service/closer.h"
#include "service/watch.h"
#include "service/worker.h"

/* An open file that children must not have: sockets, pipes' ends. */
void child_private(int fd);
void child_close_private(int fd); /* close it, and forget it */

/* The supervisor holds signals back; `mask`: what it was before, which children get. */
void child_mask(const sigset_t *mask);
/* As fork(2).  `role`: the name that ps and /proc/PID/comm show.  `keep`: one private fd that this
 * child is to have, or -1. */
pid_t child_fork(const char *role, int keep) MUST_USE;

enum tell_kind {
	TELL_INSPECTED = 1,
	TELL_WORKED,
	TELL_CLOSED,
	TELL_WAKE, /* somebody changed something by hand: look at `study` ("": at all) now */
};

/* What an inspector found out. */
struct tell_inspected {
	bool failed;   /* it could not look: `worked.reason` says why */
	bool hopeless; /* ... and will never be able to: over a limit */
	struct inspect found;
	enum watch_delivery delivery;
	uint64_t done_ms;
	bool reported;
	char digest[65];
};

struct tell {
	uint32_t kind;
	pid_t pid; /* of the teller */
	struct uid study;
	struct tell_inspected inspected;
	struct worker_result worked;
	struct closer_result closed;
};
_Static_assert(sizeof(struct tell) <= 4096, "written to a pipe in one piece");

void tell_send(int fd, const struct tell *t); /* waits for room; pid is filled in */
/* OK; ERR_MORE: nothing there. */
enum err tell_receive(int fd, struct tell *t) MUST_USE;

#endif
