/*
 * Which files of a study's folder count, and whether they make a whole study.
 */
#include <dirent.h>

#include "phantom/phantom.h"
#include "study/inspect.h"
#include "support/study_files.h"
#include "support/support.h"

#define SLICES 6u

static char *dir;
static int here;
static unsigned fds_before;
static struct arena arena;
static struct uid study;

static void copy(const char *from, const char *to)
{
	char command[4400];

	snprintf(command, sizeof(command), "cp '%s/%s' '%s/%s'", dir, from, dir, to);
	ck_assert_int_eq(system(command), 0);
}

/* A phantom's study, sorted into `dir`/DCM and /Structure as the service has it. */
static void set_up(void)
{
	struct phantom_options o;
	struct part10 p = PART10_NONE;
	struct dset d;

	fds_before = test_open_fds();
	dir = test_tmpdir();
	ck_assert(phantom_preset("small", &o));
	o.slices = SLICES;
	o.matrix = 64;
	ck_assert_int_eq(phantom_write(in(dir, "Addition"), &o, &(struct phantom_summary){0}, NULL),
			 OK);
	make_folder(dir, "DCM");
	make_folder(dir, "Structure");
	here = open(dir, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(here, 0);
	ck_assert_int_eq(fchdir(here), 0);
	ck_assert_int_eq(arena_open(&arena, 64u << 20, NULL), OK);
	ck_assert_int_eq(part10_open(&p, here, "Addition/rs/RS.dcm", NULL), OK);
	ck_assert_int_eq(dset_index(&d, p.data, p.syntax, TAG(0x0020, 0x0010), &arena, NULL), OK);
	ck_assert(uid_set(&study, dset_text(&d, NULL, TAG_StudyInstanceUID)));
	part10_close(&p);
}

static void tear_down(void)
{
	arena_close(&arena);
	close(here);
	ck_assert_int_eq(chdir("/"), 0);
	test_tmpdir_remove(dir);
	ck_assert_uint_eq(test_open_fds(), fds_before);
}

static void put_images(unsigned count)
{
	for (unsigned i = 1; i <= count; i++) {
		char from[64], to[64];

		snprintf(from, sizeof(from), "Addition/ct/CT%04u.dcm", i);
		snprintf(to, sizeof(to), "DCM/%u.dcm", i);
		copy(from, to);
	}
}

static struct study_files list(void)
{
	struct study_files files;

	ck_assert_int_eq(study_files_read(&files, here, NULL), OK);
	return files;
}

static struct inspect look(void)
{
	struct study_files files = list();
	struct journal_state state;
	struct inspect found;
	struct fault f = {.text = ""};

	ck_assert_msg(inspect_study(&found, &state, here, &files, &study, &arena, &f) == OK, "%s",
		      f.text);
	study_files_free(&files);
	return found;
}

START_TEST(what_counts)
{
	write_text(dir, "any name.txt", "x");
	write_text(dir, "DCM/1.2.dcm", "xy");
	write_text(dir, "Structure/s", "xyz");
	write_text(dir, ".hidden", "no");
	write_text(dir, "DCM/.tmp", "no");
	write_text(dir, "journal", "no");
	write_text(dir, "reason", "no");
	write_text(dir, "report.txt", "no");
	write_text(dir, "report.json", "no");
	write_text(dir, "DCM/journal", "is one");

	struct study_files files = list();
	ck_assert_uint_eq(files.count, 4);
	ck_assert_str_eq(files.item[0].path, "DCM/1.2.dcm");
	ck_assert_str_eq(files.item[1].path, "DCM/journal");
	ck_assert_str_eq(files.item[2].path, "Structure/s");
	ck_assert_str_eq(files.item[3].path, "any name.txt");
	ck_assert_uint_eq(files.bytes, 1 + 2 + 3 + 6);
	ck_assert(!files.strange);
	ck_assert_ptr_eq(study_files_find(&files, "Structure/s"), &files.item[2]);
	ck_assert_ptr_null(study_files_find(&files, "Structure"));
	study_files_free(&files);
}
END_TEST

START_TEST(what_is_strange)
{
	make_folder(dir, "CT");
	struct study_files files = list();

	ck_assert_uint_eq(files.count, 0);
	ck_assert(files.strange);
	study_files_free(&files);
}
END_TEST

/* When the first and the last of them came. */
START_TEST(first_and_last)
{
	static const char *const names[] = {"DCM/b", "DCM/a", "DCM/c"};
	struct stat st[3];

	for (unsigned i = 0; i < 3; i++) {
		write_text(dir, names[i], "x");
		ck_assert_int_eq(fstatat(here, names[i], &st[i], 0), 0);
		usleep(20000);
	}
	struct study_files files = list();
	ck_assert_int_eq(files.oldest_ns,
			 (int64_t)st[0].st_ctim.tv_sec * 1000000000 + st[0].st_ctim.tv_nsec);
	ck_assert_int_eq(files.newest_ns,
			 (int64_t)st[2].st_ctim.tv_sec * 1000000000 + st[2].st_ctim.tv_nsec);
	ck_assert_int_lt(files.oldest_ns, files.newest_ns);
	study_files_free(&files);
}
END_TEST

START_TEST(digest_tells_changes)
{
	struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};

	write_text(dir, "DCM/a", "one");
	ck_assert_int_eq(utimensat(here, "DCM/a", old, 0), 0);
	struct study_files before = list(), same = list();

	ck_assert_str_eq(before.digest, same.digest);
	write_text(dir, "DCM/a", "two"); /* the same size, another mtime */
	struct study_files touched = list();
	ck_assert_str_ne(before.digest, touched.digest);
	ck_assert_int_eq(utimensat(here, "DCM/a", old, 0), 0);
	ck_assert_int_eq(renameat(here, "DCM/a", here, "DCM/b"), 0);
	struct study_files renamed = list();
	ck_assert_str_ne(before.digest, renamed.digest);
	study_files_free(&before);
	study_files_free(&same);
	study_files_free(&touched);
	study_files_free(&renamed);
}
END_TEST

START_TEST(references)
{
	struct part10 p = PART10_NONE;
	struct inspect_refs refs = {.item = NULL};

	ck_assert_int_eq(part10_open(&p, here, "Addition/rs/RS.dcm", NULL), OK);
	ck_assert_int_eq(inspect_references(&refs, p.data, p.syntax, NULL), OK);
	ck_assert_uint_ge(refs.count, SLICES);
	free(refs.item);
	for (size_t len = 0; len < p.data.len; len += 997) { /* every prefix ends, and frees */
		refs = (struct inspect_refs){.item = NULL};
		(void)!inspect_references(&refs, bytes_slice(p.data, 0, len), p.syntax, NULL);
		free(refs.item);
	}
	part10_close(&p);
}
END_TEST

START_TEST(empty)
{
	struct inspect i = look();

	ck_assert_uint_eq(i.files, 0);
	ck_assert_int_eq(i.verdict, INSPECT_NO_SET);
	ck_assert(!i.processed);
}
END_TEST

START_TEST(no_set)
{
	put_images(SLICES);
	struct inspect i = look();

	ck_assert_int_eq(i.verdict, INSPECT_NO_SET);
	ck_assert_uint_eq(i.files, SLICES);
	ck_assert(i.newest_ns >= i.oldest_ns && i.oldest_ns > 0);
}
END_TEST

START_TEST(no_images)
{
	copy("Addition/rs/RS.dcm", "Structure/s.dcm");
	ck_assert_int_eq(look().verdict, INSPECT_NO_IMAGES);
}
END_TEST

START_TEST(complete)
{
	put_images(SLICES);
	copy("Addition/rs/RS.dcm", "Structure/s.dcm");
	struct inspect i = look();

	ck_assert_int_eq(i.verdict, INSPECT_COMPLETE);
	ck_assert_uint_eq(i.images, SLICES);
	ck_assert_uint_eq(i.sets, 1);
	ck_assert_uint_eq(i.referenced, SLICES);
	ck_assert_uint_eq(i.missing, 0);
}
END_TEST

START_TEST(one_missing)
{
	put_images(SLICES - 1);
	copy("Addition/rs/RS.dcm", "Structure/s.dcm");
	struct inspect i = look();

	ck_assert_int_eq(i.verdict, INSPECT_INCOMPLETE);
	ck_assert_uint_eq(i.missing, 1);
}
END_TEST

/* Copied by hand: into the folder itself, under any name, in the wrong place. */
START_TEST(by_hand)
{
	put_images(SLICES - 1);
	copy("Addition/ct/CT0006.dcm", "Structure/misplaced");
	copy("Addition/rs/RS.dcm", "structures of Tuesday");
	ck_assert_int_eq(look().verdict, INSPECT_COMPLETE);
}
END_TEST

START_TEST(rubbish_does_not_count)
{
	put_images(SLICES);
	copy("Addition/rs/RS.dcm", "Structure/s.dcm");
	write_text(dir, "notes.txt", "rubbish");
	ck_assert_int_eq(look().verdict, INSPECT_COMPLETE);
}
END_TEST

START_TEST(cut_short)
{
	put_images(SLICES);
	copy("Addition/rs/RS.dcm", "Structure/s.dcm");
	ck_assert_int_eq(truncate(in(dir, "Structure/s.dcm"), 9000), 0);
	ck_assert_int_eq(look().verdict, INSPECT_INCOMPLETE);
}
END_TEST

START_TEST(of_another_study)
{
	put_images(SLICES);
	copy("Addition/rs/RS.dcm", "Structure/s.dcm");
	study = (struct uid){.text = "1.2.3"};
	ck_assert_int_eq(look().verdict, INSPECT_NO_SET);
}
END_TEST

/* ---- rounds ---- */

static void write_round(void)
{
	struct journal journal = JOURNAL_NONE;
	struct study_files files = list();
	struct journal_entry e = {.word = JOURNAL_PROCESSING};

	ck_assert_int_eq(journal_open(&journal, here, NULL), OK);
	journal_add(&journal, &e);
	for (uint32_t i = 0; i < files.count; i++) {
		e = (struct journal_entry){.word = JOURNAL_SEEN,
					   .type = bytes_str(files.item[i].path),
					   .sop = {"1.2"},
					   .count = files.item[i].size,
					   .mtime_ns = files.item[i].mtime_ns};
		journal_add(&journal, &e);
	}
	e = (struct journal_entry){
		.word = JOURNAL_PROCESSED, .seen = files.count, .digest = bytes_str(files.digest)};
	journal_add(&journal, &e);
	ck_assert_int_eq(journal_sync(&journal, NULL), OK);
	journal_close(&journal);
	study_files_free(&files);
}

START_TEST(processed)
{
	write_text(dir, "DCM/1 2%", "a name that the journal writes otherwise");
	write_text(dir, "DCM/2", "two");
	write_text(dir, "Structure/3", "three");
	write_round();
	ck_assert(look().processed);

	write_text(dir, "DCM/4", "four");
	ck_assert(!look().processed);
	ck_assert_int_eq(unlinkat(here, "DCM/4", 0), 0);
	ck_assert(look().processed);

	/* what a removal that was killed has left */
	ck_assert_int_eq(unlinkat(here, "DCM/2", 0), 0);
	ck_assert(look().processed);

	write_text(dir, "Structure/3", "THREE");
	ck_assert_int_eq(utimensat(here, "Structure/3", NULL, 0), 0);
	ck_assert(!look().processed);
}
END_TEST

START_TEST(seen_by_file)
{
	struct journal_state state;

	write_text(dir, "DCM/1", "one");
	write_text(dir, "DCM/2", "two");
	write_round();
	write_text(dir, "DCM/1a", "new");
	struct study_files files = list();
	ck_assert_int_eq(journal_read(&state, here, &arena, NULL), OK);
	const struct journal_seen **seen = inspect_seen(&files, &state);

	ck_assert_ptr_nonnull(seen);
	ck_assert_uint_eq(files.count, 3);
	ck_assert_str_eq(seen[0]->kind, "DCM/1");
	ck_assert_ptr_null(seen[1]);
	ck_assert_str_eq(seen[2]->kind, "DCM/2");
	free(seen);
	study_files_free(&files);
}
END_TEST

Suite *suite_inspect(void);

Suite *suite_inspect(void)
{
	Suite *s = suite_create("inspect");
	TCase *c = tcase_create("files");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, what_counts);
	tcase_add_test(c, what_is_strange);
	tcase_add_test(c, first_and_last);
	tcase_add_test(c, digest_tells_changes);
	suite_add_tcase(s, c);
	c = tcase_create("whole");
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, references);
	tcase_add_test(c, empty);
	tcase_add_test(c, no_set);
	tcase_add_test(c, no_images);
	tcase_add_test(c, complete);
	tcase_add_test(c, one_missing);
	tcase_add_test(c, by_hand);
	tcase_add_test(c, rubbish_does_not_count);
	tcase_add_test(c, cut_short);
	tcase_add_test(c, of_another_study);
	tcase_add_test(c, processed);
	tcase_add_test(c, seen_by_file);
	suite_add_tcase(s, c);
	return s;
}
