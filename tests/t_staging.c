/*
 * Output that appears whole or not at all, and what is not netrt's stays.
 */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "study/staging.h"
#include "support/study_files.h"
#include "support/support.h"

static char *dir;
static int out;
static unsigned fds_before;
static const struct uid study = {.text = "1.2.3"};

static void set_up(void)
{
	fds_before = test_open_fds();
	dir = test_tmpdir();
	out = open(dir, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(out, 0);
}

static void tear_down(void)
{
	close(out);
	test_tmpdir_remove(dir);
	ck_assert_uint_eq(test_open_fds(), fds_before);
}

static void open_ok(struct staging *s)
{
	struct fault f = {0};

	ck_assert_msg(staging_open(s, out, &study, &f) == OK, "%s", f.text);
}

static void put(const struct staging *s, const char *name, const char *text)
{
	int fd = openat(s->addition, name, O_WRONLY | O_CREAT | O_EXCL, 0666);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void report(struct staging *s, const char *text)
{
	ck_assert_int_eq(staging_write(s, "report.txt", bytes_str(text), NULL), OK);
	ck_assert_int_eq(staging_write(s, "report.json", bytes_str(text), NULL), OK);
}

static void publish_ok(struct staging *s)
{
	struct fault f = {0};

	ck_assert_msg(staging_publish(s, &f) == OK, "%s", f.text);
	ck_assert(!exists(dir, ".UID_1.2.3.part"));
}

START_TEST(a_study_appears_whole)
{
	struct staging s;

	open_ok(&s);
	put(&s, "OVERLAY-1.dcm", "one");
	report(&s, "said");
	ck_assert(!exists(dir, "UID_1.2.3"));
	ck_assert(!staging_has_final(&s));
	publish_ok(&s);
	ck_assert(holds(dir, "UID_1.2.3/Addition/OVERLAY-1.dcm", "one"));
	ck_assert(holds(dir, "UID_1.2.3/report.txt", "said"));
	ck_assert(holds(dir, "UID_1.2.3/report.json", "said"));
	ck_assert(staging_discard(&s)); /* nothing left to do */
	ck_assert(exists(dir, "UID_1.2.3"));
}
END_TEST

START_TEST(a_failure_leaves_nothing)
{
	struct staging s;

	open_ok(&s);
	put(&s, "OVERLAY-1.dcm", "one");
	report(&s, "said");
	ck_assert(staging_discard(&s));
	ck_assert(!exists(dir, ".UID_1.2.3.part"));
	ck_assert(!exists(dir, "UID_1.2.3"));
	ck_assert(staging_discard(&s));
}
END_TEST

/* Done again: new files for old ones, and what others put there is where it was. */
START_TEST(a_study_is_replaced)
{
	struct staging s;

	make_folder(dir, "UID_1.2.3");
	make_folder(dir, "UID_1.2.3/DCM");
	make_folder(dir, "UID_1.2.3/Addition");
	make_folder(dir, "UID_1.2.3/Addition/notes");
	write_text(dir, "UID_1.2.3/Addition/notes/n", "n");
	write_text(dir, "UID_1.2.3/Addition/OVERLAY-1.dcm", "old");
	write_text(dir, "UID_1.2.3/Addition/OVERLAY-2.dcm", "old");
	write_text(dir, "UID_1.2.3/Addition/SEG-1.dcm", "foreign");
	write_text(dir, "UID_1.2.3/Addition/OVERLAY.txt", "foreign");
	write_text(dir, "UID_1.2.3/report.txt", "old");
	write_text(dir, "UID_1.2.3/journal", "foreign");

	open_ok(&s);
	ck_assert(staging_has_final(&s));
	put(&s, "OVERLAY-1.dcm", "new");
	report(&s, "new");
	ck_assert(holds(dir, "UID_1.2.3/Addition/OVERLAY-1.dcm", "old"));
	publish_ok(&s);
	ck_assert(holds(dir, "UID_1.2.3/Addition/OVERLAY-1.dcm", "new"));
	ck_assert(!exists(dir, "UID_1.2.3/Addition/OVERLAY-2.dcm"));
	ck_assert(holds(dir, "UID_1.2.3/Addition/SEG-1.dcm", "foreign"));
	ck_assert(holds(dir, "UID_1.2.3/Addition/OVERLAY.txt", "foreign"));
	ck_assert(holds(dir, "UID_1.2.3/Addition/notes/n", "n"));
	ck_assert(holds(dir, "UID_1.2.3/journal", "foreign"));
	ck_assert(exists(dir, "UID_1.2.3/DCM"));
	ck_assert(holds(dir, "UID_1.2.3/report.txt", "new"));
	ck_assert(holds(dir, "UID_1.2.3/report.json", "new"));
}
END_TEST

START_TEST(a_folder_without_addition_gets_one)
{
	struct staging s;

	make_folder(dir, "UID_1.2.3");
	write_text(dir, "UID_1.2.3/x", "foreign");
	open_ok(&s);
	put(&s, "OVERLAY-1.dcm", "new");
	publish_ok(&s);
	ck_assert(holds(dir, "UID_1.2.3/Addition/OVERLAY-1.dcm", "new"));
	ck_assert(holds(dir, "UID_1.2.3/x", "foreign"));
}
END_TEST

START_TEST(a_failure_leaves_the_old_output)
{
	struct staging s;

	make_folder(dir, "UID_1.2.3");
	make_folder(dir, "UID_1.2.3/Addition");
	write_text(dir, "UID_1.2.3/Addition/OVERLAY-1.dcm", "old");
	open_ok(&s);
	put(&s, "OVERLAY-1.dcm", "new");
	ck_assert(staging_discard(&s));
	ck_assert(holds(dir, "UID_1.2.3/Addition/OVERLAY-1.dcm", "old"));
	ck_assert(!exists(dir, ".UID_1.2.3.part"));
}
END_TEST

/* A run was killed; `at` which point is what the folders say. */
START_TEST(what_a_killed_run_left)
{
	struct staging s;

	make_folder(dir, ".UID_1.2.3.part");
	make_folder(dir, ".UID_1.2.3.part/Addition");
	make_folder(dir, ".UID_1.2.3.part/Addition.old");
	write_text(dir, ".UID_1.2.3.part/report.txt", "stale");
	write_text(dir, ".UID_1.2.3.part/Addition/OVERLAY-9.dcm", "stale");
	/* killed between the exchange and the giving back: these are other people's */
	write_text(dir, ".UID_1.2.3.part/Addition/SEG-1.dcm", "foreign");
	write_text(dir, ".UID_1.2.3.part/Addition.old/SEG-2.dcm", "foreign");

	open_ok(&s);
	ck_assert(!exists(dir, ".UID_1.2.3.part/report.txt"));
	ck_assert(!exists(dir, ".UID_1.2.3.part/Addition/OVERLAY-9.dcm"));
	put(&s, "OVERLAY-1.dcm", "new");
	publish_ok(&s);
	ck_assert(holds(dir, "UID_1.2.3/Addition/OVERLAY-1.dcm", "new"));
	ck_assert(!exists(dir, "UID_1.2.3/Addition/OVERLAY-9.dcm"));
	ck_assert(holds(dir, "UID_1.2.3/Addition/SEG-1.dcm", "foreign"));
	ck_assert(holds(dir, "UID_1.2.3/Addition/SEG-2.dcm", "foreign"));
}
END_TEST

START_TEST(nothing_foreign_is_overwritten)
{
	struct staging s;
	struct fault f = {0};

	make_folder(dir, "UID_1.2.3");
	make_folder(dir, "UID_1.2.3/Addition");
	write_text(dir, "UID_1.2.3/Addition/SEG-1.dcm", "newer");
	make_folder(dir, ".UID_1.2.3.part");
	make_folder(dir, ".UID_1.2.3.part/Addition");
	write_text(dir, ".UID_1.2.3.part/Addition/SEG-1.dcm", "older");
	ck_assert_int_eq(staging_open(&s, out, &study, &f), ERR_IO);
	ck_assert_int_eq(f.sys_errno, EEXIST);
	ck_assert(holds(dir, "UID_1.2.3/Addition/SEG-1.dcm", "newer"));
	ck_assert(holds(dir, ".UID_1.2.3.part/Addition/SEG-1.dcm", "older"));
}
END_TEST

START_TEST(a_file_in_the_way)
{
	static const char *const names[] = {"UID_1.2.3", ".UID_1.2.3.part", "UID_1.2.3/Addition"};
	struct staging s;

	if (_i == 2)
		make_folder(dir, "UID_1.2.3");
	write_text(dir, names[_i], "x");
	ck_assert_int_ne(staging_open(&s, out, &study, NULL), OK);
	ck_assert(holds(dir, names[_i], "x"));
	ck_assert(_i == 1 || !exists(dir, ".UID_1.2.3.part"));
}
END_TEST

START_TEST(a_link_in_the_way_is_not_followed)
{
	struct staging s;

	make_folder(dir, "elsewhere");
	write_text(dir, "elsewhere/report.txt", "precious");
	ck_assert_int_eq(symlink("elsewhere", in(dir, ".UID_1.2.3.part")), 0);
	ck_assert_int_ne(staging_open(&s, out, &study, NULL), OK);
	ck_assert(holds(dir, "elsewhere/report.txt", "precious"));
}
END_TEST

START_TEST(one_at_a_time)
{
	struct staging first, second, other;
	struct fault f = {0};
	static const struct uid other_study = {.text = "1.2.4"};

	open_ok(&first);
	put(&first, "OVERLAY-1.dcm", "one");
	ck_assert_int_eq(staging_open(&second, out, &study, &f), ERR_UNUSABLE);
	ck_assert(holds(dir, ".UID_1.2.3.part/Addition/OVERLAY-1.dcm", "one"));
	ck_assert(staging_discard(&second)); /* touches nothing */
	ck_assert(holds(dir, ".UID_1.2.3.part/Addition/OVERLAY-1.dcm", "one"));
	ck_assert_int_eq(staging_open(&other, out, &other_study, NULL), OK);
	ck_assert(staging_discard(&other));
	publish_ok(&first);
	open_ok(&second);
	ck_assert(staging_discard(&second));
	ck_assert(holds(dir, "UID_1.2.3/Addition/OVERLAY-1.dcm", "one"));
}
END_TEST

/* The lock goes with the process, however it ends. */
START_TEST(a_dead_holder_holds_nothing)
{
	struct staging s;
	int pipe_fds[2], status;
	char byte;

	ck_assert_int_eq(pipe(pipe_fds), 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (staging_open(&s, out, &study, NULL) == OK && write(pipe_fds[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	ck_assert_int_eq(read(pipe_fds[0], &byte, 1), 1);
	ck_assert_int_eq(staging_open(&s, out, &study, NULL), ERR_UNUSABLE);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	open_ok(&s);
	ck_assert(staging_discard(&s));
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}
END_TEST

START_TEST(a_longest_uid_fits)
{
	struct staging s;
	struct uid uid;
	char want[128];

	memset(uid.text, '1', LIMIT_UID);
	uid.text[LIMIT_UID] = '\0';
	ck_assert_int_eq(staging_open(&s, out, &uid, NULL), OK);
	ck_assert_int_eq(staging_publish(&s, NULL), OK);
	snprintf(want, sizeof(want), "UID_%s/Addition", uid.text);
	ck_assert(exists(dir, want));
}
END_TEST

Suite *suite_staging(void);

Suite *suite_staging(void)
{
	Suite *suite = suite_create("staging");
	TCase *tc = tcase_create("staging");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, a_study_appears_whole);
	tcase_add_test(tc, a_failure_leaves_nothing);
	tcase_add_test(tc, a_study_is_replaced);
	tcase_add_test(tc, a_folder_without_addition_gets_one);
	tcase_add_test(tc, a_failure_leaves_the_old_output);
	tcase_add_test(tc, what_a_killed_run_left);
	tcase_add_test(tc, nothing_foreign_is_overwritten);
	tcase_add_loop_test(tc, a_file_in_the_way, 0, 3);
	tcase_add_test(tc, a_link_in_the_way_is_not_followed);
	tcase_add_test(tc, one_at_a_time);
	tcase_add_test(tc, a_dead_holder_holds_nothing);
	tcase_add_test(tc, a_longest_uid_fits);
	suite_add_tcase(suite, tc);
	return suite;
}
