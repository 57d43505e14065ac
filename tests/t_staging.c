/*
 * Output that appears whole or not at all, and what is not netrt's stays.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/rename.h"
#include "study/staging.h"
#include "support/study_files.h"
#include "support/support.h"

#define KINDS OUTPUT_BIT(OUTPUT_OVERLAY)

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

	ck_assert_msg(staging_open(s, out, &study, KINDS, &f) == OK, "%s", f.text);
}

static void put_in(const struct staging *s, enum output_kind kind, const char *name,
		   const char *text)
{
	int fd = openat(s->folder[kind], name, O_WRONLY | O_CREAT | O_EXCL, 0666);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void put(const struct staging *s, const char *name, const char *text)
{
	put_in(s, OUTPUT_OVERLAY, name, text);
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
	ck_assert_int_eq(staging_open(&s, out, &study, KINDS, &f), ERR_IO);
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
	ck_assert_int_ne(staging_open(&s, out, &study, KINDS, NULL), OK);
	ck_assert(holds(dir, names[_i], "x"));
	ck_assert(_i == 1 || !exists(dir, ".UID_1.2.3.part"));
}
END_TEST

START_TEST(a_link_in_the_way_is_not_followed)
{
	struct staging s;
	struct fault f;

	make_folder(dir, "elsewhere");
	write_text(dir, "elsewhere/report.txt", "precious");
	ck_assert_int_eq(symlink("elsewhere", in(dir, ".UID_1.2.3.part")), 0);
	ck_assert_int_eq(staging_open(&s, out, &study, KINDS, &f), ERR_IO);
	ck_assert(f.sys_errno == ELOOP || f.sys_errno == ENOTDIR);
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
	ck_assert_int_eq(staging_open(&second, out, &study, KINDS, &f), ERR_UNUSABLE);
	ck_assert(holds(dir, ".UID_1.2.3.part/Addition/OVERLAY-1.dcm", "one"));
	ck_assert(staging_discard(&second)); /* touches nothing */
	ck_assert(holds(dir, ".UID_1.2.3.part/Addition/OVERLAY-1.dcm", "one"));
	ck_assert_int_eq(staging_open(&other, out, &other_study, KINDS, NULL), OK);
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
		if (staging_open(&s, out, &study, KINDS, NULL) == OK &&
		    write(pipe_fds[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	ck_assert_int_eq(read(pipe_fds[0], &byte, 1), 1);
	ck_assert_int_eq(staging_open(&s, out, &study, KINDS, NULL), ERR_UNUSABLE);
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
	ck_assert_int_eq(staging_open(&s, out, &uid, KINDS, NULL), OK);
	put(&s, "OVERLAY-1.dcm", "new");
	ck_assert_int_eq(staging_publish(&s, NULL), OK);
	snprintf(want, sizeof(want), "UID_%s/Addition", uid.text);
	ck_assert(exists(dir, want));
}
END_TEST

/* ---- several folders ---- */

#define ALL (OUTPUT_BIT(OUTPUT_KINDS) - 1)

static void fill(const struct staging *s, const char *text)
{
	put_in(s, OUTPUT_OVERLAY, "OVERLAY-1.dcm", text);
	put_in(s, OUTPUT_STRUCTURE_SET, "RTSTRUCT-1.dcm", text);
	put_in(s, OUTPUT_SEGMENTATION, "SEG-1.dcm", text);
	put_in(s, OUTPUT_DEBUG, "DEBUG-1.dcm", text);
	put_in(s, OUTPUT_PICTURE, "slice_001_1.jpg", text);
}

static const char *const all_files[] = {
	"UID_1.2.3/Addition/OVERLAY-1.dcm",
	"UID_1.2.3/StructureSet/RTSTRUCT-1.dcm",
	"UID_1.2.3/Segmentations/SEG-1.dcm",
	"UID_1.2.3/DebugDicom/DEBUG-1.dcm",
	"UID_1.2.3/debug_visualization/slice_001_1.jpg",
};

START_TEST(several_folders)
{
	struct staging s;

	ck_assert_int_eq(staging_open(&s, out, &study, ALL, NULL), OK);
	fill(&s, "new");
	report(&s, "new");
	publish_ok(&s);
	for (unsigned i = 0; i < OUTPUT_KINDS; i++)
		ck_assert(holds(dir, all_files[i], "new"));
}
END_TEST

/* What is wanted and not made has no folder. */
START_TEST(an_empty_folder_is_left_out)
{
	struct staging s;

	ck_assert_int_eq(staging_open(&s, out, &study, ALL, NULL), OK);
	put(&s, "OVERLAY-1.dcm", "new");
	publish_ok(&s);
	ck_assert(exists(dir, "UID_1.2.3/Addition"));
	for (unsigned i = 1; i < OUTPUT_KINDS; i++) {
		char path[128];

		snprintf(path, sizeof(path), "UID_1.2.3/%s", output_places[i].folder);
		ck_assert(!exists(dir, path));
	}
}
END_TEST

/* A kind that is no longer asked for goes; what others put there stays. */
START_TEST(kinds_of_an_earlier_run)
{
	struct staging s;

	ck_assert_int_eq(staging_open(&s, out, &study, ALL, NULL), OK);
	fill(&s, "old");
	ck_assert_int_eq(staging_write(&s, "report.html", BYTES_LIT("old"), NULL), OK);
	report(&s, "old");
	publish_ok(&s);
	write_text(dir, "UID_1.2.3/DebugDicom/mine.dcm", "foreign");
	write_text(dir, "UID_1.2.3/debug_visualization/slice_001_1.png", "foreign");

	open_ok(&s);
	put(&s, "OVERLAY-1.dcm", "new");
	report(&s, "new");
	publish_ok(&s);
	ck_assert(holds(dir, all_files[0], "new"));
	for (unsigned i = 1; i < OUTPUT_KINDS; i++)
		ck_assert(!exists(dir, all_files[i]));
	ck_assert(!exists(dir, "UID_1.2.3/StructureSet"));
	ck_assert(!exists(dir, "UID_1.2.3/Segmentations"));
	ck_assert(!exists(dir, "UID_1.2.3/report.html"));
	ck_assert(holds(dir, "UID_1.2.3/report.txt", "new"));
	ck_assert(holds(dir, "UID_1.2.3/DebugDicom/mine.dcm", "foreign"));
	ck_assert(holds(dir, "UID_1.2.3/debug_visualization/slice_001_1.png", "foreign"));
}
END_TEST

static void exchange_folder(const char *name)
{
	char from[128], to[128];

	snprintf(from, sizeof(from), ".UID_1.2.3.part/%s", name);
	snprintf(to, sizeof(to), "UID_1.2.3/%s", name);
	ck_assert_int_eq(exists(dir, to) ? rename_exchange(out, from, out, to)
					 : rename_new(out, from, out, to),
			 0);
}

/* What staging_publish writes before its first rename. */
static void write_ready(const struct staging *s)
{
	FILE *file = fopen(in(dir, ".UID_1.2.3.part/ready"), "w");
	struct stat st;

	ck_assert_ptr_nonnull(file);
	for (unsigned k = 0; k < OUTPUT_KINDS; k++) {
		if (s->folder[k] < 0)
			continue;
		ck_assert_int_eq(fstat(s->folder[k], &st), 0);
		fprintf(file, "%s %llu\n", output_places[k].folder, (unsigned long long)st.st_ino);
	}
	fputs("report.txt 0\nreport.json 0\nend 0\n", file);
	fclose(file);
}

static void let_go(struct staging *s)
{
	for (unsigned k = 0; k < OUTPUT_KINDS; k++)
		if (s->folder[k] >= 0)
			close(s->folder[k]);
	close(s->dir);
}

/* Killed after `_i` of its renames: the next run makes it whole, whatever becomes of that run. */
START_TEST(killed_between_two_renames)
{
	struct staging s;
	const unsigned wanted = OUTPUT_BIT(OUTPUT_OVERLAY) | OUTPUT_BIT(OUTPUT_SEGMENTATION) |
				OUTPUT_BIT(OUTPUT_DEBUG);
	static const char *const steps[] = {"Addition", "Segmentations", "DebugDicom"};

	ck_assert_int_eq(staging_open(&s, out, &study, ALL & ~OUTPUT_BIT(OUTPUT_DEBUG), NULL), OK);
	put(&s, "OVERLAY-1.dcm", "old");
	put(&s, "OVERLAY-2.dcm", "old");
	put_in(&s, OUTPUT_STRUCTURE_SET, "RTSTRUCT-1.dcm", "old");
	put_in(&s, OUTPUT_SEGMENTATION, "SEG-1.dcm", "old");
	put_in(&s, OUTPUT_PICTURE, "slice_001_1.jpg", "old");
	report(&s, "old");
	publish_ok(&s);
	write_text(dir, "UID_1.2.3/Addition/mine", "foreign");

	ck_assert_int_eq(staging_open(&s, out, &study, wanted, NULL), OK);
	put(&s, "OVERLAY-1.dcm", "new");
	put_in(&s, OUTPUT_SEGMENTATION, "SEG-1.dcm", "new");
	put_in(&s, OUTPUT_DEBUG, "DEBUG-1.dcm", "new");
	report(&s, "new");
	write_ready(&s);
	for (int i = 0; i < _i && i < 3; i++)
		exchange_folder(steps[i]);
	if (_i > 3)
		ck_assert_int_eq(
			renameat(out, ".UID_1.2.3.part/report.txt", out, "UID_1.2.3/report.txt"),
			0);
	let_go(&s);

	open_ok(&s);
	ck_assert(!exists(dir, ".UID_1.2.3.part/ready"));
	ck_assert(staging_discard(&s));
	ck_assert(!exists(dir, ".UID_1.2.3.part"));
	ck_assert(holds(dir, "UID_1.2.3/Addition/OVERLAY-1.dcm", "new"));
	ck_assert(!exists(dir, "UID_1.2.3/Addition/OVERLAY-2.dcm"));
	ck_assert(holds(dir, "UID_1.2.3/Addition/mine", "foreign"));
	ck_assert(holds(dir, "UID_1.2.3/Segmentations/SEG-1.dcm", "new"));
	ck_assert(holds(dir, "UID_1.2.3/DebugDicom/DEBUG-1.dcm", "new"));
	ck_assert(!exists(dir, "UID_1.2.3/StructureSet"));
	ck_assert(!exists(dir, "UID_1.2.3/debug_visualization"));
	ck_assert(holds(dir, "UID_1.2.3/report.txt", "new"));
	ck_assert(holds(dir, "UID_1.2.3/report.json", "new"));
}
END_TEST

/* A `ready` that is not whole says nothing: the old output stays. */
START_TEST(killed_while_writing_ready)
{
	struct staging s;

	open_ok(&s);
	put(&s, "OVERLAY-1.dcm", "old");
	report(&s, "old");
	publish_ok(&s);
	open_ok(&s);
	put(&s, "OVERLAY-1.dcm", "new");
	write_text(dir, _i == 0 ? ".UID_1.2.3.part/ready" : ".UID_1.2.3.part/ready.new",
		   "Addition 1234\n");
	let_go(&s);
	open_ok(&s);
	ck_assert(staging_discard(&s));
	ck_assert(holds(dir, "UID_1.2.3/Addition/OVERLAY-1.dcm", "old"));
	ck_assert(holds(dir, "UID_1.2.3/report.txt", "old"));
	ck_assert(!exists(dir, ".UID_1.2.3.part"));
}
END_TEST

/* Somebody removed the study before the next run. */
START_TEST(killed_and_then_removed)
{
	struct staging s;

	open_ok(&s);
	put(&s, "OVERLAY-1.dcm", "new");
	write_ready(&s);
	let_go(&s);
	open_ok(&s);
	ck_assert(staging_discard(&s));
	ck_assert(!exists(dir, "UID_1.2.3"));
	ck_assert(!exists(dir, ".UID_1.2.3.part"));
}
END_TEST

static const struct {
	enum output_kind kind;
	const char *name;
	bool ours;
} names[] = {
	{OUTPUT_OVERLAY, "OVERLAY-1.dcm", true},
	{OUTPUT_OVERLAY, "OVERLAY-.dcm", false},
	{OUTPUT_OVERLAY, "OVERLAY-1.dcm.bak", false},
	{OUTPUT_OVERLAY, "SEG-1.dcm", false},
	{OUTPUT_SEGMENTATION, "SEG-1.2.dcm", true},
	{OUTPUT_SEGMENTATION, "seg-1.2.dcm", false},
	{OUTPUT_PICTURE, "slice_001_1.2.jpg", true},
	{OUTPUT_PICTURE, "slice_.jpg", false},
	{OUTPUT_PICTURE, "", false},
};

START_TEST(whose_name)
{
	ck_assert(output_is_ours(names[_i].kind, names[_i].name) == names[_i].ours);
}
END_TEST

START_TEST(names_that_are_given)
{
	char name[OUTPUT_NAME_MAX], picture[OUTPUT_NAME_MAX];
	struct uid uid;

	output_name(OUTPUT_OVERLAY, &study, "-2", name);
	ck_assert_str_eq(name, "OVERLAY-1.2.3-2.dcm");
	output_picture_name(7, &study, "", picture);
	ck_assert_str_eq(picture, "slice_007_1.2.3.jpg");
	memset(uid.text, '1', LIMIT_UID);
	uid.text[LIMIT_UID] = '\0';
	for (unsigned k = 0; k < OUTPUT_KINDS; k++) {
		output_name(k, &uid, "-4294967295", name);
		ck_assert(output_is_ours(k, name));
	}
	output_picture_name(4294967295u, &uid, "-4294967295", picture);
	ck_assert(output_is_ours(OUTPUT_PICTURE, picture));
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
	tcase_add_test(tc, several_folders);
	tcase_add_test(tc, an_empty_folder_is_left_out);
	tcase_add_test(tc, kinds_of_an_earlier_run);
	tcase_add_loop_test(tc, killed_between_two_renames, 0, 5);
	tcase_add_loop_test(tc, killed_while_writing_ready, 0, 2);
	tcase_add_test(tc, killed_and_then_removed);
	tcase_add_loop_test(tc, whose_name, 0, sizeof(names) / sizeof(names[0]));
	tcase_add_test(tc, names_that_are_given);
	suite_add_tcase(suite, tc);
	return suite;
}
