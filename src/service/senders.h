/*
 * The senders: a process for each destination, while there is something to send.
 *
 * A sender takes whatever it finds due in the journals.  So one is started when a study became
 * ready, when the time comes that the last one named, and when somebody asks; while one runs, a
 * start is noted and done at its end.
 */
#ifndef SERVICE_SENDERS_H
#define SERVICE_SENDERS_H

#include <sys/types.h>

#include "service/options.h"
#include "service/sender.h"

struct sender_child {
	char name[65]; /* of its destination */
	pid_t pid;     /* 0: not running */
	int words;     /* pipe to it; -1 */
	bool again;
	uint64_t due_ms;   /* of the next start, on the supervisor's clock; UINT64_MAX: none */
	unsigned failures; /* in a row: ended without its last word */
};

struct senders {
	const struct service_options *o;
	int working;
	struct sender_child *item; /* owned; a destination each, then those of destinations that are
				    * configured no more and still have a process */
	size_t count, total;
	void *ctx;
	void (*settled)(void *ctx, const struct uid *study); /* done or given up somewhere */
	bool draining;
};

enum err senders_open(struct senders *s, const struct service_options *o, int working,
		      struct fault *f) MUST_USE;
/* Other destinations, perhaps: who is gone from them is asked to end, who is new begins. */
enum err senders_options(struct senders *s, const struct service_options *o, uint64_t now_ms,
			 struct fault *f) MUST_USE;
void senders_wake(struct senders *s, uint64_t now_ms); /* all of them */
void senders_step(struct senders *s, uint64_t now_ms);
uint64_t senders_due(const struct senders *s);
/* The pipe of item[i] is readable (or closed). */
void senders_read(struct senders *s, size_t i, uint64_t now_ms);
bool senders_reaped(struct senders *s, pid_t pid, int status, uint64_t now_ms);
unsigned senders_running(const struct senders *s);
void senders_drain(struct senders *s); /* SIGTERM: they finish the object in flight */
void senders_kill(const struct senders *s);
void senders_close(struct senders *s);

#endif
