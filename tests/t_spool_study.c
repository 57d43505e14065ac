/*
 * Studies in the spool: locks, removal, quarantine; whoever stores beside, is killed, or removes.
 */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "support/spool_fixture.h"
#include "support/syncs.h"

Suite *suite_spool_study(void);

/* ---- Locks, and what happens to a study meanwhile ---- */

static enum err lock(enum spool_access access, struct spool_lock *out)
{
	return spool_study_lock(&s, &study, access, out, NULL);
}

START_TEST(test_locks)
{
	struct spool receiver;
	struct spool_lock one, two;

	ck_assert_int_eq(lock(SPOOL_EXCLUSIVE, &one), ERR_UNUSABLE);
	open_ok(&receiver, SPOOL_NONE);
	put(&receiver, &study, sop.text, "x");
	ck_assert_int_eq(lock(SPOOL_EXCLUSIVE, &one), ERR_MORE);
	ck_assert_int_eq(lock(SPOOL_SHARED, &one), OK);
	spool_study_unlock(&one);
	spool_close(&receiver);

	ck_assert_int_eq(lock(SPOOL_EXCLUSIVE, &one), OK);
	ck_assert_int_eq(lock(SPOOL_SHARED, &two), ERR_MORE);
	open_ok(&receiver, SPOOL_NONE); /* a commit does not wait */
	ck_assert_int_eq(put(&receiver, &study, "9.9", "y"), SPOOL_NEW);
	spool_study_unlock(&one);
	ck_assert_int_eq(lock(SPOOL_EXCLUSIVE, &one), OK);
	spool_study_unlock(&one);
	put(&receiver, &study, "9.10", "z"); /* has it from now on */
	ck_assert_int_eq(lock(SPOOL_EXCLUSIVE, &one), ERR_MORE);
	spool_close(&receiver);
	spool_study_unlock(&two);
}
END_TEST

/* One association may feed any number of studies with few descriptors. */
START_TEST(test_many_studies)
{
	unsigned before = test_open_fds();
	struct spool_lock l;

	s.durability = SPOOL_NONE;
	for (unsigned i = 0; i < LIMIT_SPOOL_STUDIES + 5; i++) {
		struct uid many;

		snprintf(many.text, sizeof(many.text), "1.9.%u", i);
		ck_assert_int_eq(put(&s, &many, sop.text, "x"), SPOOL_NEW);
		put(&s, &study, sop.text, "x"); /* 1.2.3: never the least recent */
	}
	ck_assert_uint_le(test_open_fds() - before, 2 * LIMIT_SPOOL_STUDIES);
	ck_assert_int_eq(lock(SPOOL_EXCLUSIVE, &l), ERR_MORE);
	struct uid first = {.text = "1.9.0"}, last = {.text = "1.9.68"};
	ck_assert_int_eq(spool_study_lock(&s, &first, SPOOL_EXCLUSIVE, &l, NULL), OK);
	spool_study_unlock(&l);
	ck_assert_int_eq(spool_study_lock(&s, &last, SPOOL_EXCLUSIVE, &l, NULL), ERR_MORE);
}
END_TEST

START_TEST(test_let_go)
{
	struct spool_lock l;
	struct uid other = {.text = "1.9.1"};

	put(&s, &study, sop.text, "x");
	put(&s, &other, sop.text, "x");
	spool_let_go(&s, &study);
	ck_assert_int_eq(lock(SPOOL_EXCLUSIVE, &l), OK);
	spool_study_unlock(&l);
	ck_assert_int_eq(spool_study_lock(&s, &other, SPOOL_EXCLUSIVE, &l, NULL), ERR_MORE);

	s.unheld = true; /* more of it comes, and holds nobody up */
	ck_assert_int_eq(put(&s, &study, "1.2.3.4.77", "y"), SPOOL_NEW);
	ck_assert_int_eq(lock(SPOOL_EXCLUSIVE, &l), OK);
	spool_study_unlock(&l);
	s.unheld = false;
	put(&s, &study, "1.2.3.4.78", "z");
	ck_assert_int_eq(lock(SPOOL_EXCLUSIVE, &l), ERR_MORE);
}
END_TEST

static struct study_files see(void)
{
	struct study_files files = STUDY_FILES_NONE;
	int fd = open(in(dir, "UID_1.2.3"), O_RDONLY | O_DIRECTORY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(study_files_read(&files, fd, NULL), OK);
	close(fd);
	return files;
}

START_TEST(test_remove_what_was_seen)
{
	size_t kept = 99;
	bool gone = true;

	put(&s, &study, "1.1", "a");
	put(&s, &study, "1.2", "b");
	put(&s, &study, "1.3", "c");
	struct study_files files = see();
	ck_assert_int_eq(unlink(in(dir, "UID_1.2.3/DCM/1.1.dcm")), 0);
	put(&s, &study, "1.2", "B"); /* as long as before */
	put(&s, &study, "1.4", "d");
	ck_assert_int_eq(spool_remove(&s, &study, &files, &kept, NULL), OK);
	ck_assert_uint_eq(kept, 1);
	ck_assert_int_eq(entries("UID_1.2.3/DCM"), 2);
	ck_assert(has("UID_1.2.3/DCM/1.2.dcm", "B") && has("UID_1.2.3/DCM/1.4.dcm", "d"));
	ck_assert_int_eq(spool_remove_study(&s, &study, &gone, NULL), OK);
	ck_assert(!gone);
	study_files_free(&files);

	files = see();
	ck_assert_int_eq(spool_remove(&s, &study, &files, &kept, NULL), OK);
	ck_assert_uint_eq(kept, 0);
	ck_assert_int_eq(spool_remove_study(&s, &study, &gone, NULL), OK);
	ck_assert(gone && !exists(dir, "UID_1.2.3"));
	study_files_free(&files);

	/* and the receiver goes on */
	ck_assert_int_eq(put(&s, &study, "1.5", "e"), SPOOL_NEW);
	ck_assert(has("UID_1.2.3/DCM/1.5.dcm", "e"));
}
END_TEST

/* A study that is gone stays so. */
START_TEST(test_remove_synced)
{
	static const char *const paths[] = {".", NULL};
	struct test_syncs syncs = {0};
	size_t kept = 99;
	bool gone = false;

	put(&s, &study, "1.1", "a");
	struct study_files files = see();
	if (test_syncs_watch(&syncs)) {
		ck_assert_int_eq(spool_remove(&s, &study, &files, &kept, NULL), OK);
		ck_assert_int_eq(spool_remove_study(&s, &study, &gone, NULL), OK);
		ck_assert(gone);
		ck_assert_str_eq(test_syncs_text(&syncs, dir, paths), "sync .");
	}
	study_files_free(&files);
}
END_TEST

START_TEST(test_remove_study_with_all)
{
	static const char *const folders[] = {"Addition", "DebugDicom", "debug_visualization",
					      "debug_visualization/a", "debug_visualization/a/b"};
	static const char *const files[] = {"report.txt",
					    "report.json",
					    "journal",
					    "Addition/OVERLAY-1.dcm",
					    "debug_visualization/a/b/1.jpg",
					    "debug_visualization/a/2.jpg"};
	char path[128];
	bool gone = false;

	ck_assert_int_eq(mkdir(in(dir, "UID_1.2.3"), 0777), 0);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "UID_1.2.3/%s", folders[i]);
		ck_assert_int_eq(mkdir(in(dir, path), 0777), 0);
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "UID_1.2.3/%s", files[i]);
		ck_assert_int_eq(close(open(in(dir, path), O_WRONLY | O_CREAT, 0600)), 0);
	}
	ck_assert_int_eq(symlink(dir, in(dir, "UID_1.2.3/debug_visualization/a/link")), 0);
	ck_assert_int_eq(spool_remove_study(&s, &study, &gone, NULL), OK);
	ck_assert(gone && !exists(dir, "UID_1.2.3") && exists(dir, ".incoming"));

	/* what is not netrt's stays, and so does the folder */
	ck_assert_int_eq(mkdir(in(dir, "UID_1.2.3"), 0777), 0);
	ck_assert_int_eq(mkdir(in(dir, "UID_1.2.3/theirs"), 0777), 0);
	ck_assert_int_eq(spool_remove_study(&s, &study, &gone, NULL), OK);
	ck_assert(!gone && exists(dir, "UID_1.2.3/theirs"));
}
END_TEST

START_TEST(test_quarantine)
{
	char name[SPOOL_QUARANTINE_NAME_MAX];
	struct spool_lock l;
	struct uid back;
	struct fault f = {0};

	for (int i = 0; i < 3; i++) {
		struct spool other;

		open_ok(&other, SPOOL_STRICT);
		put(&other, &study, sop.text, "x");
		spool_close(&other);
		ck_assert_int_eq(lock(SPOOL_EXCLUSIVE, &l), OK);
		ck_assert_int_eq(spool_quarantine(&s, &study, "quarantine", "20261125160000",
						  BYTES_LIT("a reason\n"), name, &f),
				 OK);
		spool_study_unlock(&l);
		ck_assert_str_eq(name, i == 0   ? "UID_1.2.3_20261125160000"
				       : i == 1 ? "UID_1.2.3_20261125160000-1"
						: "UID_1.2.3_20261125160000-2");
		ck_assert(!exists(dir, "UID_1.2.3"));
	}
	ck_assert(holds(dir, "quarantine/UID_1.2.3_20261125160000-2/reason", "a reason\n"));
	ck_assert(has("quarantine/UID_1.2.3_20261125160000/DCM/1.2.3.4.dcm", "x"));

	ck_assert_int_eq(spool_release(&s, "quarantine", name, &back, &f), OK);
	ck_assert(uid_eq(&back, &study) && has(FILE_OF, "x"));
	ck_assert(!exists(dir, "UID_1.2.3/reason"));
	ck_assert_int_eq(entries("quarantine"), 2);
	ck_assert_int_eq(spool_release(&s, "quarantine", "UID_1.2.3_20261125160000", &back, &f),
			 ERR_UNUSABLE);
	ck_assert_int_eq(entries("quarantine"), 2);
}
END_TEST

/* The reason is on the disk before the study has its new name, and that name afterwards. */
START_TEST(test_quarantine_order)
{
	static const char stamp[] = "20261125160000";
	static const char *const paths[] = {".",
					    "quarantine",
					    "UID_1.2.3",
					    "quarantine/UID_1.2.3_20261125160000",
					    "quarantine/UID_1.2.3_20261125160000/reason",
					    NULL};
	char name[SPOOL_QUARANTINE_NAME_MAX];
	struct test_syncs syncs = {0};
	struct fault f = {0};
	struct uid back;

	put(&s, &study, sop.text, "x");
	if (!test_syncs_watch(&syncs))
		return;
	ck_assert_int_eq(
		spool_quarantine(&s, &study, "quarantine", stamp, BYTES_LIT("why\n"), name, &f),
		OK);
	ck_assert_str_eq(test_syncs_text(&syncs, dir, paths),
			 "make quarantine, sync quarantine/UID_1.2.3_20261125160000/reason, sync "
			 "quarantine/UID_1.2.3_20261125160000, name "
			 "quarantine/UID_1.2.3_20261125160000, sync quarantine, sync .");
	syncs.count = 0;
	ck_assert_int_eq(spool_release(&s, "quarantine", name, &back, &f), OK);
	ck_assert_str_eq(test_syncs_text(&syncs, dir, paths),
			 "name UID_1.2.3, sync quarantine, sync .");
}
END_TEST

START_TEST(test_quarantine_names)
{
	static const struct {
		const char *name, *uid; /* NULL: none */
	} rows[] = {
		{"UID_1.2_20261125160000", "1.2"},
		{"UID_1.2_20261125160000-1", "1.2"},
		{"UID_1.2_20261125160000-4294967295", "1.2"},
		{"UID_1.2_20261125160000-", NULL},
		{"UID_1.2_20261125160000-1x", NULL},
		{"UID_1.2_2026112516000", NULL},
		{"UID_1.2_202611251600000", NULL},
		{"UID_1.2", NULL},
		{"UID__20261125160000", NULL},
		{"UID_", NULL},
		{"UID_..\x2f.._20261125160000", NULL},
		{"UID_1.2 _20261125160000", NULL},
		{"uid_1.2_20261125160000", NULL},
		{"", NULL},
	};
	struct uid uid;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool ok = spool_quarantine_name(rows[i].name, &uid);

		ck_assert_msg(ok == (rows[i].uid != NULL), "%s", rows[i].name);
		if (ok)
			ck_assert_str_eq(uid.text, rows[i].uid);
		else
			ck_assert_int_eq(spool_release(&s, "quarantine", rows[i].name, &uid, NULL),
					 ERR_UNUSABLE);
	}
}
END_TEST

/* The reason cannot be written: the study stays where it is. */
START_TEST(test_quarantine_fails)
{
	char name[SPOOL_QUARANTINE_NAME_MAX];
	struct rlimit limit, low;
	struct fault f = {0};

	put(&s, &study, sop.text, "x");
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	low = (struct rlimit){4, limit.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &low), 0);
	enum err e = spool_quarantine(&s, &study, "quarantine", "20261125160000",
				      BYTES_LIT("a reason\n"), name, &f);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(e, ERR_IO);
	ck_assert_int_eq(f.sys_errno, EFBIG);
	ck_assert(has(FILE_OF, "x") && !exists(dir, "UID_1.2.3/reason"));
	ck_assert_int_eq(entries("quarantine"), 0);
}
END_TEST

/* A receiver that could not lock a study stores on while it is moved away. */
START_TEST(test_moved_under_its_feet)
{
	char name[SPOOL_QUARANTINE_NAME_MAX];
	struct spool receiver;
	struct spool_lock l;

	put(&s, &study, "1.1", "a");
	spool_close(&s);
	open_ok(&s, SPOOL_STRICT);
	ck_assert_int_eq(lock(SPOOL_EXCLUSIVE, &l), OK);
	open_ok(&receiver, SPOOL_STRICT);
	put(&receiver, &study, "1.2", "b");
	ck_assert_int_eq(spool_quarantine(&s, &study, "quarantine", "20261125160000",
					  BYTES_LIT("r"), name, NULL),
			 OK);
	ck_assert_int_eq(put(&receiver, &study, "1.3", "c"), SPOOL_NEW);
	ck_assert(has("UID_1.2.3/DCM/1.3.dcm", "c"));
	ck_assert_int_eq(entries("quarantine/UID_1.2.3_20261125160000/DCM"), 2);
	spool_study_unlock(&l);
	ck_assert_int_eq(lock(SPOOL_EXCLUSIVE, &l), ERR_MORE); /* the new one */
	spool_close(&receiver);
}
END_TEST

START_TEST(test_list)
{
	static const char *const names[] = {
		"UID_1.2.10", "UID_1.2.9",        "UID_",      "UID_1..2", "UID_x", "UID_1.2 ",
		"quarantine", ".UID_1.2.11.part", "uid_1.2.12"};
	struct arena arena = {0};
	struct uid *list;
	size_t count = 9;

	ck_assert_int_eq(arena_open(&arena, 1u << 20, NULL), OK);
	ck_assert_int_eq(spool_list_studies(&s, &list, &count, &arena, NULL), OK);
	ck_assert_uint_eq(count, 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_int_eq(mkdir(in(dir, names[i]), 0777), 0);
	ck_assert_int_eq(close(open(in(dir, "UID_1.2.13"), O_WRONLY | O_CREAT, 0600)), 0);
	ck_assert_int_eq(spool_list_studies(&s, &list, &count, &arena, NULL), OK);
	ck_assert_uint_eq(count, 2);
	ck_assert_str_eq(list[0].text, "1.2.10");
	ck_assert_str_eq(list[1].text, "1.2.9");
	arena_close(&arena);

	ck_assert_int_eq(arena_open(&arena, sizeof(struct uid), NULL), OK);
	arena.cap = sizeof(struct uid);
	ck_assert_int_eq(spool_list_studies(&s, &list, &count, &arena, NULL), ERR_NOMEM);
	ck_assert_uint_eq(arena.used, 0);
	arena_close(&arena);
}
END_TEST

/* ---- Several at once, and the end of one ---- */

static pid_t child(void (*run)(int), int argument)
{
	fflush(NULL);
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		run(argument);
		_exit(0);
	}
	return pid;
}

/* 0 for the end of a child as it should be. */
static int end_of(pid_t pid)
{
	int status = -1;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

#define LONG_TEXT 30000

static const char *long_text(int which)
{
	static char text[LONG_TEXT + 1];

	memset(text, 'a' + which, LONG_TEXT);
	return text;
}

/* One letter throughout? Which? -1: no file. */
static int letter_of(const char *path)
{
	struct part10 p = PART10_NONE;
	int letter = -1;

	if (part10_open(&p, AT_FDCWD, in(dir, path), NULL) != OK)
		return -1;
	ck_assert_uint_eq(p.data.len, LONG_TEXT);
	letter = p.data.at[0] - 'a';
	ck_assert(memcmp(p.data.at, p.data.at + 1, LONG_TEXT - 1) == 0);
	part10_close(&p);
	return letter;
}

static void store_often(int which)
{
	struct spool x;

	open_ok(&x, SPOOL_NONE);
	for (int i = 0; i < 100; i++)
		(void)put(&x, &study, sop.text, long_text(which));
	spool_close(&x);
}

START_TEST(test_same_instance_at_once)
{
	pid_t pids[3];

	put(&s, &study, sop.text, long_text(0));
	for (int i = 0; i < 3; i++)
		pids[i] = child(store_often, i);
	for (int i = 0; i < 300; i++)
		ck_assert_int_ge(letter_of(FILE_OF), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(end_of(pids[i]), 0);
	ck_assert_int_eq(entries(".incoming"), 0);
	ck_assert_int_eq(entries("UID_1.2.3/DCM"), 1);
}
END_TEST

static int acks[2];

/* Store 1.<n> for ever, say each that is in. */
static void store_and_say(int count)
{
	struct spool x;
	struct uid instance;

	open_ok(&x, SPOOL_NONE);
	for (int n = 0; n < count; n++) {
		snprintf(instance.text, sizeof(instance.text), "1.%d", n);
		(void)put(&x, &study, instance.text, long_text(n % 26));
		if (write(acks[1], &n, sizeof(n)) != (ssize_t)sizeof(n))
			_exit(1);
	}
	spool_close(&x);
}

START_TEST(test_killed)
{
	char path[64];
	int said, last, n;

	for (int round = 0; round < 20; round++) {
		ck_assert_int_eq(pipe(acks), 0);
		pid_t pid = child(store_and_say, 1000000);
		close(acks[1]);
		for (said = 0, last = -1; said <= round; said++)
			ck_assert_int_eq(read(acks[0], &last, sizeof(last)), sizeof(last));
		ck_assert_int_eq(kill(pid, SIGKILL), 0);
		ck_assert_int_eq(end_of(pid), SIGKILL);
		while (read(acks[0], &n, sizeof(n)) == (ssize_t)sizeof(n))
			last = n;
		close(acks[0]);
		for (n = 0; n <= last; n++) {
			snprintf(path, sizeof(path), "UID_1.2.3/DCM/1.%d.dcm", n);
			ck_assert_int_eq(letter_of(path), n % 26);
		}
		/* at most one more, and that whole */
		ck_assert_int_le(entries("UID_1.2.3/DCM"), last + 2);
		snprintf(path, sizeof(path), "UID_1.2.3/DCM/1.%d.dcm", last + 1);
		n = letter_of(path);
		ck_assert(n == -1 || n == (last + 1) % 26);
		ck_assert_int_le(entries(".incoming"), 1);
		ck_assert_int_eq(spool_clean(&s, NULL), OK);
		struct study_files files = see();
		size_t kept;
		bool gone;
		ck_assert_int_eq(spool_remove(&s, &study, &files, &kept, NULL), OK);
		ck_assert_int_eq(spool_remove_study(&s, &study, &gone, NULL), OK);
		ck_assert(gone);
		study_files_free(&files);
	}
}
END_TEST

/* A worker takes studies away while a receiver stores into them: nothing is lost that it has not
 * seen. */
START_TEST(test_removed_meanwhile)
{
	enum { COUNT = 300 };
	static bool seen[COUNT], said[COUNT];
	pid_t pid;
	int n;

	ck_assert_int_eq(pipe(acks), 0);
	pid = child(store_and_say, COUNT);
	close(acks[1]);
	while (read(acks[0], &n, sizeof(n)) == (ssize_t)sizeof(n)) {
		said[n] = true;
		struct spool_lock l;
		if (lock(SPOOL_EXCLUSIVE, &l) == ERR_UNUSABLE)
			continue;
		int fd = open(in(dir, "UID_1.2.3"), O_RDONLY | O_DIRECTORY);
		struct study_files files = STUDY_FILES_NONE;
		size_t kept;
		bool gone;
		if (fd >= 0 && study_files_read(&files, fd, NULL) == OK) {
			for (uint32_t i = 0; i < files.count; i++)
				if (sscanf(files.item[i].path, "DCM/1.%d.dcm", &n) == 1)
					seen[n] = true;
			ck_assert_int_eq(spool_remove(&s, &study, &files, &kept, NULL), OK);
			ck_assert_int_eq(spool_remove_study(&s, &study, &gone, NULL), OK);
		}
		study_files_free(&files);
		if (fd >= 0)
			close(fd);
		spool_study_unlock(&l);
	}
	close(acks[0]);
	ck_assert_int_eq(end_of(pid), 0);
	for (n = 0; n < COUNT; n++) {
		char path[64];

		snprintf(path, sizeof(path), "UID_1.2.3/DCM/1.%d.dcm", n);
		ck_assert(said[n]);
		ck_assert_msg(seen[n] || exists(dir, path), "1.%d is lost", n);
	}
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

Suite *suite_spool_study(void)
{
	Suite *suite = suite_create("spool_study");

	add(suite, "studies",
	    (const TTest *const[]){test_locks, test_many_studies, test_let_go,
				   test_remove_what_was_seen, test_remove_synced,
				   test_remove_study_with_all, test_moved_under_its_feet, test_list,
				   NULL});
	add(suite, "quarantine",
	    (const TTest *const[]){test_quarantine, test_quarantine_order, test_quarantine_names,
				   test_quarantine_fails, NULL});
	add(suite, "processes",
	    (const TTest *const[]){test_same_instance_at_once, test_killed, test_removed_meanwhile,
				   NULL});
	return suite;
}
