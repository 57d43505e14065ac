/*
 * Forked workers: everything is done once, and whatever happens to a worker is told.
 */
#include <check.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "study/pool.h"

enum deed { DO_ALL, DO_FAIL, DO_CRASH, DO_ABORT, DO_LEAVE, DO_WAIT };

struct board {
	struct pool_shared shared;
	_Atomic uint32_t done[64];
	_Atomic uint32_t reached;
};

struct ctx {
	struct board *board;
	enum deed deed;
};

/* Thing 5 is the one at which it happens. */
static void work(struct pool *pool, void *arg)
{
	struct ctx *c = arg;
	uint32_t i;

	while (pool_next(pool, &i)) {
		atomic_fetch_add(&c->board->done[i], 1);
		if (i == 5 && c->deed == DO_FAIL) {
			struct fault f;

			(void)fault_set(&f, ERR_WIRE, "thing five is bad", 17);
			pool_fail(pool, &f, 3, i);
			return;
		}
		if (i == 5 && c->deed == DO_CRASH)
			raise(SIGKILL);
		if (i == 5 && c->deed == DO_ABORT) {
			signal(SIGSEGV, SIG_DFL);
			raise(SIGSEGV);
		}
		if (i == 5 && c->deed == DO_LEAVE)
			_exit(3);
		if (c->deed == DO_WAIT) {
			if (atomic_fetch_add(&c->board->reached, 1) == 0)
				kill(getppid(), SIGTERM);
			pause();
		}
		pool_finished(pool);
	}
}

static struct pool_result run(enum deed deed, unsigned workers, struct board **out)
{
	struct board *board = pool_memory(sizeof(*board));
	struct ctx ctx = {.board = board, .deed = deed};
	sigset_t old;

	ck_assert_ptr_nonnull(board);
	struct pool pool = {.shared = &board->shared,
			    .count = 64,
			    .workers = workers,
			    .ctx = &ctx,
			    .work = work};
	signals_hold(&old);
	struct pool_result r = pool_run(&pool);
	ck_assert_int_eq(signals_waiting(), 0);
	signals_release(&old);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left */
	*out = board;
	return r;
}

START_TEST(everything_once)
{
	static const unsigned workers[] = {1, 2, 3, 16, 256};
	struct board *b;
	struct pool_result r = run(DO_ALL, workers[_i], &b);

	ck_assert_int_eq(r.end, POOL_DONE);
	for (int i = 0; i < 64; i++)
		ck_assert_uint_eq(b->done[i], 1);
	ck_assert_uint_eq(b->shared.done, 64);
	munmap(b, sizeof(*b));
}
END_TEST

START_TEST(a_failure_is_told)
{
	struct board *b;
	struct pool_result r = run(DO_FAIL, 2, &b);

	ck_assert_int_eq(r.end, POOL_FAILED);
	ck_assert_uint_eq(b->shared.index, 5);
	ck_assert_uint_eq(b->shared.stage, 3);
	ck_assert_str_eq(b->shared.fault.text, "thing five is bad");
	ck_assert_uint_eq(b->shared.fault.at, 17);
	munmap(b, sizeof(*b));
}
END_TEST

START_TEST(a_crash_is_told)
{
	struct board *b;
	struct pool_result r = run(_i == 0 ? DO_CRASH : DO_ABORT, 2, &b);

	ck_assert_int_eq(r.end, POOL_CRASHED);
	ck_assert_int_eq(r.signal, _i == 0 ? SIGKILL : SIGSEGV);
	munmap(b, sizeof(*b));
}
END_TEST

START_TEST(an_early_end_is_told)
{
	struct board *b;
	struct pool_result r = run(DO_LEAVE, 2, &b);

	ck_assert_int_eq(r.end, POOL_CRASHED);
	ck_assert_int_eq(r.signal, 0);
	munmap(b, sizeof(*b));
}
END_TEST

START_TEST(a_signal_ends_all)
{
	struct board *b;
	struct pool_result r = run(DO_WAIT, 4, &b);

	ck_assert_int_eq(r.end, POOL_INTERRUPTED);
	ck_assert_int_eq(r.signal, SIGTERM);
	munmap(b, sizeof(*b));
}
END_TEST

/* A starter that ignores SIGCHLD would have children vanish unseen. */
START_TEST(ignored_sigchld)
{
	struct board *b;

	signal(SIGCHLD, SIG_IGN);
	struct pool_result r = run(DO_ALL, 3, &b);
	ck_assert_int_eq(r.end, POOL_DONE);
	munmap(b, sizeof(*b));
}
END_TEST

START_TEST(a_child_is_waited_for)
{
	int interrupted = 0;
	sigset_t old;

	signals_hold(&old);
	pid_t pid = fork();
	if (pid == 0) {
		if (_i == 1) {
			kill(getppid(), SIGINT);
			sigset_t set;
			int got;
			sigemptyset(&set);
			sigaddset(&set, SIGTERM);
			_exit(sigwait(&set, &got) == 0 && got == SIGTERM ? 8 : 9);
		}
		_exit(7);
	}
	int status = child_wait(pid, &interrupted);
	signals_release(&old);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), _i == 1 ? 8 : 7);
	ck_assert_int_eq(interrupted, _i == 1 ? SIGINT : 0);
}
END_TEST

START_TEST(signals_have_names)
{
	char name[32];

	signal_name(SIGSEGV, name, sizeof(name));
	ck_assert_str_eq(name, "SIGSEGV");
	signal_name(60, name, sizeof(name));
	ck_assert_str_eq(name, "signal 60");
}
END_TEST

Suite *suite_pool(void);

Suite *suite_pool(void)
{
	Suite *suite = suite_create("pool");
	TCase *tc = tcase_create("pool");

	tcase_add_loop_test(tc, everything_once, 0, 5);
	tcase_add_test(tc, a_failure_is_told);
	tcase_add_loop_test(tc, a_crash_is_told, 0, 2);
	tcase_add_test(tc, an_early_end_is_told);
	tcase_add_test(tc, a_signal_ends_all);
	tcase_add_test(tc, ignored_sigchld);
	tcase_add_loop_test(tc, a_child_is_waited_for, 0, 2);
	tcase_add_test(tc, signals_have_names);
	suite_add_tcase(suite, tc);
	return suite;
}
