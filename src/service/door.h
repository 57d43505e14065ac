/*
 * The door: the listening socket, who is let in, and the receivers that were forked for them.
 *
 * A connection over the limits of half-open ones is closed without a word (nothing of it was read,
 * so nothing could be answered); all others get a receiver, which answers what is to be answered.
 */
#ifndef SERVICE_DOOR_H
#define SERVICE_DOOR_H

#include <sys/types.h>

#include "base/uid.h"
#include "service/receiver.h"

#define DOOR_SYNTAXES 128u /* transfer syntaxes that are acceptable */

struct door {
	const struct service_options *o;
	int listener;
	struct address local; /* with the port that it got */
	struct shared *shared;
	int drain[2]; /* a pipe whose writing end is open until the service drains */
	pid_t *pids;  /* by slot; 0: none */
	unsigned receivers;
	uint64_t next_number; /* of an association; unique across restarts: begins with the time */
	uint64_t paused_until_ms; /* short of files or processes: no accept before that */
	struct receiver_common common;
	struct uid syntaxes[DOOR_SYNTAXES];
	struct cidr *networks; /* owned */
};

/* ERR_IO, ERR_UNUSABLE: cannot listen there. */
enum err door_open(struct door *d, const struct service_options *o, struct fault *f) MUST_USE;
/* New limits and allow-list; the address stays. */
enum err door_options(struct door *d, const struct service_options *o, struct fault *f) MUST_USE;
/* The listener is readable. */
void door_accept(struct door *d, uint64_t now_ms);
/* False: not a receiver. */
bool door_reaped(struct door *d, pid_t pid, int status);
/* From now on receivers refuse (2/3/1), and where an association is over and answered they do not
 * wait until the peer closes the connection. */
void door_drain(struct door *d);
void door_kill(const struct door *d); /* every receiver */
void door_close(struct door *d);

/* How much of a disk must stay free: the greater of the two that are configured. */
uint64_t door_minimum_free(const struct service_limits *l, int working);

#endif
