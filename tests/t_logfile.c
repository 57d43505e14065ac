/*
 * A log file under several writers: lines are whole, in order, and none is lost, whoever renames
 * it.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "service/logfile.h"
#include "support/support.h"

Suite *suite_logfile(void);

static char *folder;
static struct arena arena;
static unsigned fds;

static void setup(void)
{
	folder = test_tmpdir();
	ck_assert_int_eq(arena_open(&arena, 64u << 20, NULL), OK);
	fds = test_open_fds();
}

static void teardown(void)
{
	ck_assert_uint_eq(test_open_fds(), fds);
	arena_close(&arena);
	test_tmpdir_remove(folder);
}

/* "folder/name", valid until eight more calls. */
static const char *in(const char *name)
{
	static char path[8][300];
	static unsigned turn;
	char *p = path[turn++ % 8];

	snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
	return p;
}

/* The whole text, "" for an empty file, NULL for none. */
static const char *text_of(const char *name)
{
	struct bytes text;

	if (file_read(&text, in(name), 32u << 20, &arena, NULL) != OK)
		return NULL;
	return text.len == 0 ? "" : (const char *)text.at;
}

static enum logfile_result say(struct logfile *f, const char *line)
{
	return logfile_append(f, bytes_str(line));
}

START_TEST(test_append)
{
	struct logfile f;

	ck_assert(logfile_init(&f, in("a.log"), 0, 1));
	ck_assert_ptr_null(text_of("a.log")); /* not before the first line */
	ck_assert_int_eq(say(&f, "one\n"), LOGFILE_WRITTEN);
	ck_assert_int_eq(say(&f, "two\n"), LOGFILE_WRITTEN);
	ck_assert_str_eq(text_of("a.log"), "one\ntwo\n");
	logfile_close(&f);
	ck_assert_int_eq(say(&f, "nowhere\n"), LOGFILE_WRITTEN);

	ck_assert(logfile_init(&f, in("a.log"), 0, 1)); /* what is there stays */
	ck_assert_int_eq(say(&f, "three\n"), LOGFILE_WRITTEN);
	ck_assert_str_eq(text_of("a.log"), "one\ntwo\nthree\n");
	logfile_close(&f);
}
END_TEST

/* At the size -1, 0, +1: a file may be full, but not fuller. */
START_TEST(test_size)
{
	for (int step = -1; step <= 1; step++) {
		struct logfile f;

		unlink(in("b.log"));
		unlink(in("b.log.1"));
		ck_assert(logfile_init(&f, in("b.log"), (uint64_t)(10 + step), 3));
		ck_assert_int_eq(say(&f, "1234\n"), LOGFILE_WRITTEN);
		ck_assert_int_eq(say(&f, "5678\n"), LOGFILE_WRITTEN);
		ck_assert_str_eq(text_of("b.log"), step < 0 ? "5678\n" : "1234\n5678\n");
		if (step < 0)
			ck_assert_str_eq(text_of("b.log.1"), "1234\n");
		else
			ck_assert_ptr_null(text_of("b.log.1"));
		logfile_close(&f);
	}
}
END_TEST

/* A line longer than the size has a file of its own, and an empty file is never rotated. */
START_TEST(test_long_line)
{
	struct logfile f;

	ck_assert(logfile_init(&f, in("c.log"), 3, 2));
	ck_assert_int_eq(say(&f, "1234567\n"), LOGFILE_WRITTEN);
	ck_assert_ptr_null(text_of("c.log.1"));
	ck_assert_int_eq(say(&f, "8\n"), LOGFILE_WRITTEN);
	ck_assert_str_eq(text_of("c.log.1"), "1234567\n");
	ck_assert_str_eq(text_of("c.log"), "8\n");
	logfile_close(&f);
}
END_TEST

START_TEST(test_count)
{
	struct logfile f;
	char line[8];

	ck_assert(logfile_init(&f, in("d.log"), 3, 3));
	for (int i = 0; i < 7; i++) {
		snprintf(line, sizeof(line), "%d\n", i);
		ck_assert_int_eq(say(&f, line), LOGFILE_WRITTEN);
	}
	ck_assert_str_eq(text_of("d.log"), "6\n");
	ck_assert_str_eq(text_of("d.log.1"), "5\n");
	ck_assert_str_eq(text_of("d.log.2"), "4\n");
	ck_assert_str_eq(text_of("d.log.3"), "3\n");
	ck_assert_ptr_null(text_of("d.log.4"));
	logfile_close(&f);
}
END_TEST

/* As logrotate does it: renamed, removed, truncated, by somebody who tells nobody. */
START_TEST(test_renamed_by_others)
{
	struct logfile f;

	ck_assert(logfile_init(&f, in("e.log"), 0, 1));
	ck_assert_int_eq(say(&f, "1\n"), LOGFILE_WRITTEN);
	ck_assert_int_eq(rename(in("e.log"), in("e.old")), 0);
	ck_assert_int_eq(say(&f, "2\n"), LOGFILE_WRITTEN);
	ck_assert_str_eq(text_of("e.old"), "1\n");
	ck_assert_str_eq(text_of("e.log"), "2\n");
	ck_assert_int_eq(unlink(in("e.log")), 0);
	ck_assert_int_eq(say(&f, "3\n"), LOGFILE_WRITTEN);
	ck_assert_str_eq(text_of("e.log"), "3\n");
	ck_assert_int_eq(truncate(in("e.log"), 0), 0);
	ck_assert_int_eq(say(&f, "4\n"), LOGFILE_WRITTEN);
	ck_assert_str_eq(text_of("e.log"), "4\n");
	logfile_close(&f);
}
END_TEST

/* What cannot be written is told once, and so is that it can be again. */
START_TEST(test_broken)
{
	struct logfile f;

	ck_assert(logfile_init(&f, in("none/f.log"), 0, 1));
	ck_assert_int_eq(say(&f, "1\n"), LOGFILE_BROKE);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(say(&f, "2\n"), LOGFILE_BROKEN);
	ck_assert_int_eq(say(&f, "3\n"), LOGFILE_BROKEN);
	ck_assert_int_eq(mkdir(in("none"), 0700), 0);
	ck_assert_int_eq(say(&f, "4\n"), LOGFILE_MENDED);
	ck_assert_uint_eq(f.lost, 3);
	ck_assert_int_eq(say(&f, "5\n"), LOGFILE_WRITTEN);
	ck_assert_str_eq(text_of("none/f.log"), "4\n5\n");
	logfile_close(&f);

	ck_assert(logfile_init(&f, folder, 0, 1)); /* a folder */
	ck_assert_int_eq(say(&f, "1\n"), LOGFILE_BROKE);
	ck_assert_int_eq(errno, EISDIR);
	logfile_close(&f);

	ck_assert(logfile_init(&f, "/dev/full", 4, 1)); /* a full disk */
	ck_assert_int_eq(say(&f, "1\n"), LOGFILE_BROKE);
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_int_eq(say(&f, "2\n"), LOGFILE_BROKEN);
	logfile_close(&f);
	ck_assert_ptr_null(text_of("full.1"));
}
END_TEST

/* A FIFO that nobody reads must not hold the service up, nor be renamed. */
START_TEST(test_fifo)
{
	struct logfile f;
	bool broke = false;

	ck_assert_int_eq(mkfifo(in("g.log"), 0600), 0);
	ck_assert(logfile_init(&f, in("g.log"), 10, 1));
	for (int i = 0; i < 100000 && !broke; i++)
		broke = say(&f, "0123456789 0123456789\n") == LOGFILE_BROKE;
	ck_assert(broke);
	ck_assert_int_eq(access(in("g.log.1"), F_OK), -1);
	logfile_close(&f);
}
END_TEST

/* ---- several processes ----------------------------------------------------------------------- */

#define WRITERS 4
#define LINES 3000

/* Lines "<writer> <number> <stuff>" from one writer. */
static void write_lines(int writer, struct logfile *f)
{
	char line[200];

	for (int i = 0; i < LINES; i++) {
		snprintf(line, sizeof(line), "%d %d %.*s\n", writer, i, i % 97 + 1,
			 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			 "xxxx"
			 "xxxxxxxxxxxxxxxxxxxxxxxxx");
		if (say(f, line) != LOGFILE_WRITTEN) {
			perror("say");
			_exit(2);
		}
	}
	_exit(0);
}

/* Read the files from the oldest on; every line is whole, and each writer's come in order. */
static void check_lines(unsigned files)
{
	int next[WRITERS] = {0};
	char name[40];

	for (unsigned i = files; i <= files; i--) {
		snprintf(name, sizeof(name), i == 0 ? "h.log" : "h.log.%u", i);
		const char *text = text_of(name);

		for (const char *p = text; p != NULL && *p != '\0'; p = strchr(p, '\n') + 1) {
			int writer, number, at = 0;

			ck_assert_msg(sscanf(p, "%d %d %n", &writer, &number, &at) == 2 && at > 0,
				      "%.60s", p);
			ck_assert(writer >= 0 && writer < WRITERS);
			ck_assert_int_eq(number, next[writer]);
			ck_assert_uint_eq(strspn(p + at, "x"), (size_t)number % 97 + 1);
			ck_assert(p[at + number % 97 + 1] == '\n');
			next[writer]++;
		}
		arena_reset(&arena, 0);
	}
	for (int w = 0; w < WRITERS; w++)
		ck_assert_int_eq(next[w], LINES);
}

/* `inherited`: the file is open before the fork, as the service does it; else each opens its own,
 * as two services on one folder of logs would. */
static void race(bool inherited)
{
	struct logfile f;
	int status;

	ck_assert(logfile_init(&f, in("h.log"), 2000, 1000));
	if (inherited) /* an empty line would be none of a writer's: open it with nothing in it */
		ck_assert_int_eq(logfile_append(&f, BYTES_NONE), LOGFILE_WRITTEN);
	for (int w = 0; w < WRITERS; w++) {
		pid_t pid = fork();

		ck_assert_int_ge(pid, 0);
		if (pid == 0)
			write_lines(w, &f);
	}
	for (int w = 0; w < WRITERS; w++) {
		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
	}
	unsigned files = 0;
	char name[40];
	do
		snprintf(name, sizeof(name), "h.log.%u", ++files);
	while (access(in(name), F_OK) == 0);
	ck_assert_uint_gt(files, 100); /* it was rotated all the time */
	ck_assert_uint_lt(files, 1000);
	check_lines(files);
	logfile_close(&f);
}

START_TEST(test_race)
{
	race(_i == 0);
}
END_TEST

/* The same while somebody else renames the file. */
START_TEST(test_race_with_logrotate)
{
	struct logfile f;
	unsigned files = 0;
	char name[40];
	int status;

	ck_assert(logfile_init(&f, in("h.log"), 0, 1));
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		write_lines(0, &f);
	while (waitpid(pid, &status, WNOHANG) == 0 && files < 900) {
		snprintf(name, sizeof(name), "h.log.%u", 1000 - files);
		files += rename(in("h.log"), in(name)) == 0;
		usleep(1000); /* even logrotate is slower */
	}
	if (files == 900)
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	/* a line may go to a file that was renamed between the look and the write: it is in
	 * that one, not lost, and the count says so */
	size_t lines = 0;
	for (unsigned i = 0; i <= 1000; i++) {
		snprintf(name, sizeof(name), i == 0 ? "h.log" : "h.log.%u", i);
		for (const char *p = text_of(name); p != NULL && *p != '\0'; p++)
			lines += *p == '\n';
	}
	ck_assert_uint_eq(lines, LINES);
	logfile_close(&f);
}
END_TEST

/* A writer that is killed while it holds the lock holds nobody up. */
START_TEST(test_killed)
{
	struct logfile f;
	int status, pipes[2];
	char c;

	ck_assert(logfile_init(&f, in("i.log"), 4, 2));
	ck_assert_int_eq(say(&f, "1\n"), LOGFILE_WRITTEN);
	ck_assert_int_eq(pipe(pipes), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

		if (fcntl(f.fd, F_SETLK, &l) != 0 || write(pipes[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(pipes[0], &c, 1), 1);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(say(&f, "2\n"), LOGFILE_WRITTEN);
	ck_assert_int_eq(say(&f, "3\n"), LOGFILE_WRITTEN);
	ck_assert_str_eq(text_of("i.log.1"), "1\n2\n");
	close(pipes[0]);
	close(pipes[1]);
	logfile_close(&f);
}
END_TEST

/* Room for half a line: it is told of, and the next one does not go on in it. */
START_TEST(test_half_a_line)
{
	struct rlimit before, little = {6, RLIM_INFINITY};
	struct logfile f;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	little.rlim_max = before.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	ck_assert(logfile_init(&f, in("j.log"), 0, 1));
	ck_assert_int_eq(say(&f, "1\n"), LOGFILE_WRITTEN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &little), 0);
	ck_assert_int_eq(say(&f, "22222222\n"), LOGFILE_BROKE);
	ck_assert_int_eq(say(&f, "3\n"), LOGFILE_BROKEN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	ck_assert_int_eq(say(&f, "4\n"), LOGFILE_MENDED);
	ck_assert_int_eq(say(&f, "5\n"), LOGFILE_WRITTEN);
	ck_assert_str_eq(text_of("j.log"), "1\n2222\n4\n5\n");
	logfile_close(&f);
}
END_TEST

Suite *suite_logfile(void)
{
	Suite *s = suite_create("logfile");
	TCase *t = tcase_create("logfile");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 300);
	tcase_add_test(t, test_append);
	tcase_add_test(t, test_size);
	tcase_add_test(t, test_long_line);
	tcase_add_test(t, test_count);
	tcase_add_test(t, test_renamed_by_others);
	tcase_add_test(t, test_broken);
	tcase_add_test(t, test_half_a_line);
	tcase_add_test(t, test_fifo);
	tcase_add_loop_test(t, test_race, 0, 2);
	tcase_add_test(t, test_race_with_logrotate);
	tcase_add_test(t, test_killed);
	suite_add_tcase(s, t);
	return s;
}
