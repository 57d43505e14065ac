#include "study/pool.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"

#define PROGRESS_MS 100

_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "counters shared by processes must be lock-free");

void *pool_memory(size_t size)
{
	void *p = mmap(NULL, size == 0 ? 1 : size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

bool pool_next(struct pool *pool, uint32_t *index)
{
	if (atomic_load(&pool->shared->stop) != 0)
		return false;

	/* each child passes the end once, so the counter stays below count + LIMIT_WORKERS */
	*index = atomic_fetch_add(&pool->shared->next, 1);
	return *index < pool->count;
}

void pool_finished(struct pool *pool)
{
	atomic_fetch_add(&pool->shared->done, 1);
}

void pool_fail(struct pool *pool, const struct fault *f, unsigned stage, uint32_t index)
{
	struct pool_shared *s = pool->shared;

	if (atomic_exchange(&s->error, 1) == 0) { /* the first one tells; read after it is gone */
		s->fault = *f;
		s->stage = stage;
		s->index = index;
	}
	atomic_store(&s->stop, 1);
}

static void four_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGCHLD);
}

void signals_hold(sigset_t *old)
{
	struct sigaction plain = {.sa_handler = SIG_DFL};
	sigset_t set;

	/* whoever started us may have it ignored: then children could not be waited for */
	sigaction(SIGCHLD, &plain, NULL);
	four_signals(&set);
	sigprocmask(SIG_BLOCK, &set, old);
}

void signals_release(const sigset_t *old)
{
	sigprocmask(SIG_SETMASK, old, NULL);
}

/* One of the four that is waiting, or comes within `ms` (negative: however long); 0: none. */
static int take_signal(int ms)
{
	struct timespec limit = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
	sigset_t set;
	int n;

	four_signals(&set);
	do {
		n = ms < 0 ? sigwaitinfo(&set, NULL) : sigtimedwait(&set, NULL, &limit);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? 0 : n;
}

int signals_waiting(void)
{
	int n = take_signal(0);

	/* of a SIGCHLD nothing is lost: whoever waits for children asks waitpid first */
	return n == SIGCHLD ? take_signal(0) : n;
}

void signals_die(int signal, const sigset_t *old)
{
	struct sigaction plain = {.sa_handler = SIG_DFL};

	fflush(NULL);
	sigaction(signal, &plain, NULL);
	raise(signal);
	signals_release(old);
	_exit(EX_SOFTWARE); /* blocked by whoever started us */
}

void child_follow(pid_t parent, int signal)
{
	prctl(PR_SET_PDEATHSIG, signal);
	if (getppid() != parent) /* it died before that */
		raise(signal);
}

int child_wait(pid_t pid, int *interrupted)
{
	int status = 0;

	for (;;) {
		pid_t n = waitpid(pid, &status, WNOHANG);

		if (n == pid)
			return status;
		assert(n == 0 || errno == EINTR);
		int got = take_signal(-1);
		if (got != 0 && got != SIGCHLD) {
			*interrupted = got;
			kill(pid, SIGTERM);
		}
	}
}

static void run_child(struct pool *pool, pid_t parent)
{
	sigset_t set;

	/* SIGINT, SIGTERM, SIGHUP stay blocked: the parent decides */
	child_follow(parent, SIGKILL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	pool->work(pool, pool->ctx);
	fflush(stderr);
	_exit(0);
}

/* How a child ended, in *r unless something is there already. */
static void note_end(struct pool *pool, int status, struct pool_result *r)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	atomic_store(&pool->shared->stop, 1);
	if (r->end == POOL_DONE) {
		r->end = POOL_CRASHED;
		r->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	}
}

/* Collect the children that have ended; how many are left. */
static unsigned collect(struct pool *pool, pid_t *pids, unsigned count, struct pool_result *r)
{
	unsigned left = 0;

	for (unsigned i = 0; i < count; i++) {
		int status = 0;

		if (pids[i] > 0 && waitpid(pids[i], &status, WNOHANG) == pids[i]) {
			note_end(pool, status, r);
			pids[i] = 0;
		}
		left += pids[i] > 0;
	}
	return left;
}

static void kill_all(const pid_t *pids, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (pids[i] > 0)
			kill(pids[i], SIGKILL);
}

static void wait_for_all(struct pool *pool, pid_t *pids, unsigned count, struct pool_result *r)
{
	while (collect(pool, pids, count, r) > 0) {
		int got = take_signal(pool->progress != NULL ? PROGRESS_MS : -1);

		if (got != 0 && got != SIGCHLD && r->end != POOL_INTERRUPTED) {
			/* they write into the staging folder only, which goes away */
			*r = (struct pool_result){.end = POOL_INTERRUPTED, .signal = got};
			atomic_store(&pool->shared->stop, 1);
			kill_all(pids, count);
		}
		if (pool->progress != NULL)
			pool->progress(pool->ctx, atomic_load(&pool->shared->done));
	}
}

struct pool_result pool_run(struct pool *pool)
{
	struct pool_result r = {.end = POOL_DONE};
	pid_t pids[LIMIT_WORKERS];
	pid_t self = getpid();
	unsigned wanted = pool->workers, made = 0;

	assert(wanted >= 1 && wanted <= LIMIT_WORKERS);
	if (wanted > pool->count && pool->count > 0)
		wanted = pool->count;
	fflush(NULL);
	while (made < wanted) {
		pid_t pid = fork();

		if (pid == 0)
			run_child(pool, self);
		if (pid < 0)
			break;
		pids[made++] = pid;
	}
	if (made == 0)
		return (struct pool_result){.end = POOL_NO_FORK, .sys_errno = errno};
	wait_for_all(pool, pids, made, &r);
	if (r.end == POOL_DONE && atomic_load(&pool->shared->error) != 0)
		r.end = POOL_FAILED;
	return r;
}

void signal_name(int signal, char *out, size_t size)
{
	static const struct {
		int number;
		const char *name;
	} names[] = {
		{SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"},   {SIGABRT, "SIGABRT"},
		{SIGKILL, "SIGKILL"}, {SIGFPE, "SIGFPE"},   {SIGILL, "SIGILL"},
		{SIGTERM, "SIGTERM"}, {SIGINT, "SIGINT"},   {SIGHUP, "SIGHUP"},
		{SIGXCPU, "SIGXCPU"}, {SIGSYS, "SIGSYS"},   {SIGQUIT, "SIGQUIT"},
		{SIGTRAP, "SIGTRAP"}, {SIGXFSZ, "SIGXFSZ"}, {SIGPIPE, "SIGPIPE"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].number == signal) {
			snprintf(out, size, "%s", names[i].name);
			return;
		}
	}
	snprintf(out, size, "signal %d", signal);
}
