/*
 * Work shared by forked processes (design: ARCHITECTURE, "Processes, not threads").
 *
 * `count` things are done by up to `workers` children.  Each child takes the next index from a
 * counter in shared memory, so a slow thing holds up nobody.  The first error stops all of them.
 * A child that dies by a signal ends the pool, not this process.
 *
 * While a pool runs, the caller has SIGCHLD, SIGINT, SIGTERM and SIGHUP blocked
 * (signals_hold); children never see the last three: they are the caller's to act on, and
 * children die with their parent.
 */
#ifndef STUDY_POOL_H
#define STUDY_POOL_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/* In memory that parent and children share. */
struct pool_shared {
	_Atomic uint32_t next;  /* the first index that nobody has taken */
	_Atomic uint32_t done;  /* things finished */
	_Atomic uint32_t stop;  /* not 0: take no more */
	_Atomic uint32_t error; /* not 0: `fault`, `stage` and `index` are somebody's */
	/* `text` of the fault is a literal, which is the same in every child. */
	struct fault fault;
	uint32_t index; /* of the thing that failed, or UINT32_MAX */
	unsigned stage; /* the worker's own: what it was at */
};

struct pool {
	struct pool_shared *shared; /* caller's, zeroed, MAP_SHARED */
	uint32_t count;
	unsigned workers; /* 1..LIMIT_WORKERS */
	void *ctx;
	/* In a child: everything, until pool_next gives false.  An error has been told by
	 * pool_fail. */
	void (*work)(struct pool *pool, void *ctx);
	/* In the parent, now and then, and once at the end; or NULL. */
	void (*progress)(void *ctx, uint32_t done);
};

enum pool_end {
	POOL_DONE,
	POOL_FAILED,      /* see shared->fault */
	POOL_CRASHED,     /* a child died; .signal says of what, 0: it left early */
	POOL_INTERRUPTED, /* .signal came for this process */
	POOL_NO_FORK,     /* not one child could be made; .sys_errno */
};

struct pool_result {
	enum pool_end end;
	int signal;
	int sys_errno;
};

/* For the children. */
bool pool_next(struct pool *pool, uint32_t *index);
void pool_finished(struct pool *pool); /* the index last taken is done */
void pool_fail(struct pool *pool, const struct fault *f, unsigned stage, uint32_t index);

struct pool_result pool_run(struct pool *pool);

/* Memory that children share, zeroed; NULL when there is none.  Released by munmap. */
void *pool_memory(size_t size) MUST_USE;

/* Hold back the four signals, and give them their old ways again. */
void signals_hold(sigset_t *old);
void signals_release(const sigset_t *old);
/* SIGINT, SIGTERM or SIGHUP when one is waiting (it is taken), else 0. */
int signals_waiting(void);
/* End this process by one of them, which was taken; `old`: as signals_hold gave it. */
_Noreturn void signals_die(int signal, const sigset_t *old);
/*
 * Wait for the end of the child `pid`: its status as waitpid(2) gives it.  A SIGINT, SIGTERM or
 * SIGHUP meanwhile is handed on to the child as SIGTERM and kept in *interrupted.
 */
int child_wait(pid_t pid, int *interrupted);
/* In a child just forked by `parent`: die by `signal` when the parent dies. */
void child_follow(pid_t parent, int signal);

/* "SIGSEGV", or "signal 35". */
void signal_name(int signal, char *out, size_t size);

#endif
