/*
 * The spool: an object is there whole or not at all, and what fails leaves nothing.
 */
#include <signal.h>
#include <sys/resource.h>

#include "support/spool_fixture.h"
#include "support/syncs.h"

Suite *suite_spool(void);

/* ---- One object ---- */

START_TEST(test_new)
{
	struct part10 p;

	ck_assert_int_eq(put(&s, &study, sop.text, "data set"), SPOOL_NEW);
	ck_assert_int_eq(entries(".incoming"), 0);
	ck_assert_int_eq(entries("UID_1.2.3/DCM"), 1);
	ck_assert_int_eq(entries("UID_1.2.3"), 1);
	ck_assert_int_eq(part10_open(&p, AT_FDCWD, in(dir, FILE_OF), NULL), OK);
	ck_assert(p.has_preamble && !p.guessed && bytes_eq_str(p.data, "data set"));
	ck_assert_str_eq(p.syntax_uid.text, syntax_explicit_le.uid);

	bool ae = false;
	for (size_t i = 0; i + 6 <= p.meta.len; i++)
		ae |= memcmp(p.meta.at + i, "SENDER", 6) == 0;
	ck_assert(ae);
	part10_close(&p);
}
END_TEST

START_TEST(test_structure_set)
{
	struct part10_meta m = meta_of("5.6", syntax_implicit_le.uid, NULL);
	struct spool_part p;
	enum spool_result result;

	ck_assert_int_eq(spool_begin(&s, &p, &m, NULL), OK);
	ck_assert_int_eq(
		spool_commit(&s, &p, &study, &m.sop_instance, SPOOL_STRUCTURE, &result, NULL), OK);
	ck_assert(result == SPOOL_NEW && p.fd < 0);
	ck_assert(has("UID_1.2.3/Structure/5.6.dcm", ""));
	ck_assert_int_eq(entries("UID_1.2.3/DCM"), -1);
}
END_TEST

/* Views of any number and size, in any number of calls. */
START_TEST(test_views)
{
	static char text[60001];
	struct part10_meta m = meta_of(sop.text, syntax_explicit_le.uid, NULL);
	struct bytes views[200];
	enum spool_result result;

	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = (char)('a' + i % 23);
	for (size_t i = 0; i < 200; i++)
		views[i] = bytes_of(text + 300 * i, 300);
	for (size_t first = 0; first <= 200; first += 50) {
		struct spool_part p;

		ck_assert_int_eq(spool_begin(&s, &p, &m, NULL), OK);
		ck_assert_int_eq(spool_write(&s, &p, views, first, NULL), OK);
		ck_assert_int_eq(spool_write(&s, &p, views + first, 200 - first, NULL), OK);
		ck_assert_uint_eq(p.size, p.data_at + 60000);
		ck_assert_int_eq(spool_commit(&s, &p, &study, &sop, SPOOL_IMAGE, &result, NULL),
				 OK);
		ck_assert_int_eq(result, first == 0 ? SPOOL_NEW : SPOOL_SAME);
		ck_assert(has(FILE_OF, text));
	}
}
END_TEST

START_TEST(test_discard)
{
	struct part10_meta m = meta_of(sop.text, syntax_explicit_le.uid, NULL);
	struct spool_part p, q, none = SPOOL_PART_NONE;
	struct bytes view = BYTES_LIT("half");

	ck_assert_int_eq(spool_begin(&s, &p, &m, NULL), OK);
	ck_assert_int_eq(spool_begin(&s, &q, &m, NULL), OK);
	ck_assert_int_eq(spool_write(&s, &p, &view, 1, NULL), OK);
	ck_assert_int_eq(entries(".incoming"), 2);
	ck_assert_int_eq(entries("UID_1.2.3"), -1);
	spool_discard(&s, &p);
	ck_assert_int_eq(entries(".incoming"), 1);
	spool_discard(&s, &q);
	spool_discard(&s, &none);
	ck_assert_int_eq(entries(".incoming"), 0);
}
END_TEST

START_TEST(test_clean)
{
	struct part10_meta m = meta_of(sop.text, syntax_explicit_le.uid, NULL);
	struct spool_part p;
	char name[64];

	/* what an older process of this id left is not touched, and is no obstacle */
	snprintf(name, sizeof(name), ".incoming/%ld-0.part", (long)getpid());
	ck_assert_int_ge(close(open(in(dir, name), O_WRONLY | O_CREAT, 0600)), 0);
	ck_assert_int_eq(spool_begin(&s, &p, &m, NULL), OK);
	ck_assert_int_eq(entries(".incoming"), 2);
	close(p.fd);
	ck_assert_int_eq(spool_clean(&s, NULL), OK);
	ck_assert_int_eq(entries(".incoming"), 0);
}
END_TEST

/* ---- The same instance again ---- */

START_TEST(test_again)
{
	struct part10_meta other_ae = meta_of(sop.text, syntax_explicit_le.uid, "A.N.OTHER");
	struct part10_meta implicit = meta_of(sop.text, syntax_implicit_le.uid, "SENDER");
	enum spool_result result;
	struct stat before, after;

	ck_assert_int_eq(put(&s, &study, sop.text, "one"), SPOOL_NEW);
	ck_assert_int_eq(stat(in(dir, FILE_OF), &before), 0);
	ck_assert_int_eq(put(&s, &study, sop.text, "one"), SPOOL_SAME);
	ck_assert_int_eq(put_as(&s, &other_ae, &study, "one", &result, NULL), OK);
	ck_assert_int_eq(result, SPOOL_SAME);
	ck_assert_int_eq(stat(in(dir, FILE_OF), &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);

	ck_assert_int_eq(put(&s, &study, sop.text, "two"), SPOOL_REPLACED);
	ck_assert(has(FILE_OF, "two"));
	ck_assert_int_eq(put(&s, &study, sop.text, "two and more"), SPOOL_REPLACED);
	ck_assert_int_eq(put_as(&s, &implicit, &study, "two and more", &result, NULL), OK);
	ck_assert_int_eq(result, SPOOL_REPLACED);
	ck_assert_int_eq(entries(".incoming"), 0);
	ck_assert_int_eq(entries("UID_1.2.3/DCM"), 1);
}
END_TEST

/* Something else of that name: never taken for the same. */
START_TEST(test_again_strange)
{
	static const char *const texts[] = {"", "no DICOM", "one"};

	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(mkdir(in(dir, "UID_1.2.3"), 0777) == 0 || errno == EEXIST, 1);
		ck_assert_int_eq(mkdir(in(dir, "UID_1.2.3/DCM"), 0777) == 0 || errno == EEXIST, 1);
		FILE *out = fopen(in(dir, FILE_OF), "w");
		ck_assert(fputs(texts[i], out) >= 0 && fclose(out) == 0);
		ck_assert_int_eq(put(&s, &study, sop.text, "one"), SPOOL_REPLACED);
		ck_assert(has(FILE_OF, "one"));
	}
	ck_assert_int_eq(unlink(in(dir, FILE_OF)), 0);
	ck_assert_int_eq(mkdir(in(dir, FILE_OF), 0777), 0);
	struct part10_meta m = meta_of(sop.text, syntax_explicit_le.uid, NULL);
	enum spool_result result;
	struct fault f = {0};
	ck_assert_int_eq(put_as(&s, &m, &study, "one", &result, &f), ERR_IO);
	ck_assert_int_eq(f.sys_errno, EISDIR);
	ck_assert_int_eq(entries(".incoming"), 0);
}
END_TEST

/* Size and time tell a file that was seen from one that replaced it, however fast. */
START_TEST(test_replaced_is_newer)
{
	struct timespec future[2] = {{.tv_nsec = UTIME_OMIT},
				     {.tv_sec = 4000000000, .tv_nsec = 999999999}};
	struct stat before, after;
	char text[] = "content 0";

	put(&s, &study, sop.text, text);
	for (int i = 1; i < 50; i++) {
		text[8] = (char)('0' + i);
		if (i == 25)
			ck_assert_int_eq(utimensat(AT_FDCWD, in(dir, FILE_OF), future, 0), 0);
		ck_assert_int_eq(stat(in(dir, FILE_OF), &before), 0);
		ck_assert_int_eq(put(&s, &study, sop.text, text), SPOOL_REPLACED);
		ck_assert_int_eq(stat(in(dir, FILE_OF), &after), 0);
		ck_assert_int_eq(before.st_size, after.st_size);
		ck_assert(after.st_mtim.tv_sec > before.st_mtim.tv_sec ||
			  (after.st_mtim.tv_sec == before.st_mtim.tv_sec &&
			   after.st_mtim.tv_nsec > before.st_mtim.tv_nsec));
	}
}
END_TEST

/* ---- What is on the disk before what ---- */

#define STUDY "UID_1.2.3"
#define IMAGES STUDY "/DCM"
#define OTHER_OF IMAGES "/9.9.dcm"

/* Of the first object of a study, the second, the first once more, another in its place; and by a
 * receiver that finds the study there.  "?" is what has no name any more. */
static const struct {
	const char *name;
	enum spool_durability durability;
	const char *first, *second, *same, *replaced, *later;
} orders[] = {
	{"strict", SPOOL_STRICT,
	 "sync " FILE_OF ", make " STUDY ", sync ., make " IMAGES ", sync " STUDY ", name " FILE_OF
	 ", sync " IMAGES,
	 "sync " OTHER_OF ", name " OTHER_OF ", sync " IMAGES,
	 "sync ?, sync " FILE_OF ", sync " IMAGES,
	 "sync " FILE_OF ", name " FILE_OF ", sync " IMAGES,
	 "sync " FILE_OF ", sync " STUDY ", name " FILE_OF ", sync " IMAGES},
	{"file", SPOOL_FILE, "sync " FILE_OF ", make " STUDY ", make " IMAGES ", name " FILE_OF,
	 "sync " OTHER_OF ", name " OTHER_OF, "sync ?, sync " FILE_OF,
	 "sync " FILE_OF ", name " FILE_OF, "sync " FILE_OF ", name " FILE_OF},
	{"none", SPOOL_NONE, "make " STUDY ", make " IMAGES ", name " FILE_OF, "name " OTHER_OF, "",
	 "name " FILE_OF, "name " FILE_OF},
};

static void put_in_order(struct spool *x, const char *instance, const char *data,
			 struct test_syncs *syncs, const char *want)
{
	static const char *const paths[] = {".", STUDY, IMAGES, FILE_OF, OTHER_OF, NULL};

	syncs->count = 0;
	put(x, &study, instance, data);
	ck_assert_str_eq(test_syncs_text(syncs, dir, paths), want);
}

START_TEST(test_order)
{
	struct test_syncs syncs = {0};
	struct spool receiver;

	open_ok(&receiver, orders[_i].durability);
	if (test_syncs_watch(&syncs)) {
		put_in_order(&receiver, sop.text, "one", &syncs, orders[_i].first);
		put_in_order(&receiver, "9.9", "other", &syncs, orders[_i].second);
		put_in_order(&receiver, sop.text, "one", &syncs, orders[_i].same);
		put_in_order(&receiver, sop.text, "two", &syncs, orders[_i].replaced);
		spool_close(&receiver);
		open_ok(&receiver, orders[_i].durability);
		put_in_order(&receiver, sop.text, "three", &syncs, orders[_i].later);
	}
	spool_close(&receiver);
}
END_TEST

/* ---- What fails ---- */

/* Nothing may be left, and afterwards it must work. */
static void check_nothing_left(const struct fault *f, int code)
{
	ck_assert_int_eq(f->code, ERR_IO);
	ck_assert_msg(f->sys_errno == code, "%s: %s", f->text, strerror(f->sys_errno));
	ck_assert_int_eq(entries(".incoming"), 0);
	ck_assert_int_le(entries("UID_1.2.3/DCM"), 0);
}

START_TEST(test_room)
{
	struct part10_meta m = meta_of(sop.text, syntax_explicit_le.uid, NULL);
	enum spool_result result;
	struct fault f = {0};

	s.min_free = UINT64_MAX;
	ck_assert_int_eq(spool_room(&s, &f), ERR_IO);
	ck_assert_int_eq(f.sys_errno, ENOSPC);
	ck_assert_int_eq(put_as(&s, &m, &study, "x", &result, &f), ERR_IO);
	check_nothing_left(&f, ENOSPC);
	s.min_free = 1;
	ck_assert_int_eq(spool_room(&s, &f), OK);
	ck_assert_int_eq(put(&s, &study, sop.text, "x"), SPOOL_NEW);
}
END_TEST

/* A write that comes to an end in the middle. */
START_TEST(test_short_write)
{
	static char text[20001];
	struct part10_meta m = meta_of(sop.text, syntax_explicit_le.uid, NULL);
	struct rlimit limit, low;
	enum spool_result result;
	struct fault f = {0};

	memset(text, 'x', sizeof(text) - 1);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	signal(SIGXFSZ, SIG_IGN);
	for (rlim_t max = 0; max < 20000; max += 1999) {
		low = (struct rlimit){max, limit.rlim_max};
		ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &low), 0);
		enum err e = put_as(&s, &m, &study, text, &result, &f);
		ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
		ck_assert_int_eq(e, ERR_IO);
		check_nothing_left(&f, EFBIG);
	}
	ck_assert_int_eq(put(&s, &study, sop.text, text), SPOOL_NEW);
}
END_TEST

START_TEST(test_no_descriptors)
{
	struct part10_meta m = meta_of(sop.text, syntax_explicit_le.uid, NULL);
	struct rlimit limit, low;
	enum spool_result result;
	struct fault f = {0};
	int failures = 0;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	/* for the part; for the study and its folder */
	for (rlim_t max = (rlim_t)s.incoming + 1;; max++) {
		low = (struct rlimit){max, limit.rlim_max};
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
		enum err e = put_as(&s, &m, &study, "x", &result, &f);
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
		if (e == OK)
			break;
		check_nothing_left(&f, EMFILE);
		ck_assert_int_lt(++failures, 20);
	}
	ck_assert_int_eq(failures, 2);
	ck_assert(has(FILE_OF, "x"));
}
END_TEST

/* A file where a folder should be. */
START_TEST(test_no_folder)
{
	struct part10_meta m = meta_of(sop.text, syntax_explicit_le.uid, NULL);
	enum spool_result result;
	struct fault f = {0};

	ck_assert_int_ge(close(open(in(dir, "UID_1.2.3"), O_WRONLY | O_CREAT, 0600)), 0);
	ck_assert_int_eq(put_as(&s, &m, &study, "x", &result, &f), ERR_IO);
	check_nothing_left(&f, ENOTDIR);
	ck_assert_int_eq(unlink(in(dir, "UID_1.2.3")), 0);

	/* a link leads nowhere else */
	ck_assert_int_eq(symlink("/tmp", in(dir, "UID_1.2.3")), 0);
	ck_assert_int_eq(put_as(&s, &m, &study, "x", &result, &f), ERR_IO);
	ck_assert_int_eq(entries(".incoming"), 0);
	ck_assert_int_eq(unlink(in(dir, "UID_1.2.3")), 0);

	struct spool none;
	ck_assert_int_eq(spool_open(&none, in(dir, "absent"), SPOOL_NONE, 0, &f), ERR_IO);
	ck_assert_int_eq(f.sys_errno, ENOENT);
	spool_close(&none);
	ck_assert_int_eq(put(&s, &study, sop.text, "x"), SPOOL_NEW);
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *const *tests)
{
	TCase *t = tcase_create(name);

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_set_timeout(t, 60);
	for (; *tests != NULL; tests++)
		tcase_add_test(t, *tests);
	suite_add_tcase(suite, t);
}

Suite *suite_spool(void)
{
	Suite *suite = suite_create("spool");
	TCase *order = tcase_create("order");

	tcase_add_checked_fixture(order, set_up, tear_down);
	tcase_add_loop_test(order, test_order, 0, sizeof(orders) / sizeof(orders[0]));
	suite_add_tcase(suite, order);

	add(suite, "objects",
	    (const TTest *const[]){test_new, test_structure_set, test_views, test_discard,
				   test_clean, NULL});
	add(suite, "again",
	    (const TTest *const[]){test_again, test_again_strange, test_replaced_is_newer, NULL});
	add(suite, "failures",
	    (const TTest *const[]){test_room, test_short_write, test_no_descriptors, test_no_folder,
				   NULL});
	return suite;
}
