/*
 * How a study leaves: what is removed, what is kept, what goes to quarantine, and back by hand.
 */
#include <dirent.h>
#include <sys/file.h>
#include <sysexits.h>

#include "service/answer.h"
#include "service/closer.h"
#include "service/sender.h"
#include "study/files.h"
#include "study/journal.h"
#include "support/study_files.h"
#include "support/support.h"
#include "support/syncs.h"

static char *dir, *study_dir;
static int working, study;
static unsigned fds_before;
static const struct uid uid = {.text = "1.2.3"};
static struct delivery_dest dest = {.name = "pacs",
				    .host = "192.0.2.1",
				    .port = 104,
				    .ae_title = "PACS",
				    .schedule = {.first_ms = 1000, .most_ms = 1000}};
static struct service_options o;
static uint64_t begun_ms, done_ms; /* of the round; 0: now */

static void open_study(void)
{
	study = openat(working, "UID_1.2.3", O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(study, 0);
}

static void set_up(void)
{
	fds_before = test_open_fds();
	dir = test_tmpdir();
	working = open(dir, O_RDONLY | O_DIRECTORY);
	make_folder(dir, "UID_1.2.3");
	study_dir = strdup(in(dir, "UID_1.2.3"));
	make_folder(study_dir, "DCM");
	make_folder(study_dir, "Structure");
	make_folder(study_dir, "Addition");
	write_text(study_dir, "DCM/1", "image");
	write_text(study_dir, "DCM/2", "image too");
	write_text(study_dir, "Structure/s", "set");
	write_text(study_dir, "notes", "by hand");
	write_text(study_dir, "Addition/OVERLAY-1.dcm", "made");
	write_text(study_dir, "report.txt", "report");
	open_study();
	begun_ms = done_ms = 0;
	o = (struct service_options){.version = "0",
				     .working = dir,
				     .quarantine = "quarantine",
				     .destinations = &dest,
				     .destination_count = 1};
}

static void tear_down(void)
{
	close(study);
	close(working);
	free(study_dir);
	test_tmpdir_remove(dir);
	ck_assert_uint_eq(test_open_fds(), fds_before);
}

static void add(struct journal *j, struct journal_entry e)
{
	journal_add(j, &e);
}

/* A round of what is there; `notes` is no object of the study. */
static void journal_round(bool done)
{
	struct journal j = JOURNAL_NONE;
	struct study_files files;

	ck_assert_int_eq(study_files_read(&files, study, NULL), OK);
	ck_assert_int_eq(journal_open(&j, study, NULL), OK);
	add(&j, (struct journal_entry){.word = JOURNAL_PROCESSING, .at_ms = begun_ms});
	for (uint32_t i = 0; i < files.count; i++) {
		struct journal_entry e = {.word = JOURNAL_SEEN,
					  .type = bytes_str(files.item[i].path),
					  .count = files.item[i].size,
					  .mtime_ns = files.item[i].mtime_ns};

		if (strcmp(files.item[i].path, "notes") != 0)
			(void)uid_set(&e.sop, BYTES_LIT("1.2.3.4"));
		add(&j, e);
	}
	add(&j, (struct journal_entry){.word = JOURNAL_OUTPUT,
				       .type = BYTES_LIT("OVERLAY"),
				       .class_uid = {CT_CLASS},
				       .sop = {"2.25.1"},
				       .file = BYTES_LIT("Addition/OVERLAY-1.dcm")});
	add(&j, (struct journal_entry){.word = JOURNAL_PROCESSED,
				       .at_ms = done_ms,
				       .count = 1,
				       .seen = files.count,
				       .digest = bytes_str(files.digest)});
	if (done) {
		journal_add_sent(&j, "pacs", &(struct uid){"2.25.1"}, 0);
		add(&j, (struct journal_entry){.word = JOURNAL_DONE, .name = BYTES_LIT("pacs")});
	}
	ck_assert_int_eq(journal_sync(&j, NULL), OK);
	journal_close(&j);
	study_files_free(&files);
}

static enum closer_end removed(void)
{
	struct closer_result r;

	closer_remove(&o, &uid, &r);
	ck_assert_msg(r.end != CLOSER_AGAIN, "%s", r.reason);
	return r.end;
}

static enum closer_end quarantined(const char *digest)
{
	struct closer_result r;

	closer_quarantine(&o, &uid, digest, "because", &r);
	ck_assert_msg(r.end != CLOSER_AGAIN, "%s", r.reason);
	return r.end;
}

/* The name of the n-th folder in quarantine, in no order; NULL. */
static const char *in_quarantine(unsigned n)
{
	static char name[300];
	DIR *list = opendir(in(dir, "quarantine"));
	struct dirent *d;
	bool found = false;

	while (list != NULL && !found && (d = readdir(list)) != NULL) {
		if (d->d_name[0] == '.' || n-- > 0)
			continue;
		snprintf(name, sizeof(name), "%s", d->d_name);
		found = true;
	}
	if (list != NULL)
		closedir(list);
	return found ? name : NULL;
}

/* ---- removal ---- */

START_TEST(delivered)
{
	journal_round(true);
	ck_assert_int_eq(removed(), CLOSER_DONE);
	ck_assert(!exists(dir, "UID_1.2.3"));
	/* what was no object of the study is not thrown away */
	const char *apart = in_quarantine(0);
	ck_assert_ptr_nonnull(apart);
	char path[600];
	snprintf(path, sizeof(path), "quarantine/%s/notes", apart);
	ck_assert(holds(dir, path, "by hand"));
	ck_assert_ptr_null(in_quarantine(1));
}
END_TEST

/* ... and its new name is on the disk before anything of the study is removed. */
START_TEST(delivered_and_kept_on_the_disk)
{
	struct test_syncs syncs = {.count = 0};
	const char *paths[] = {NULL, NULL, NULL};
	char folder[400], file[500];

	journal_round(true);
	if (!test_syncs_watch(&syncs))
		return;
	ck_assert_int_eq(removed(), CLOSER_DONE);
	snprintf(folder, sizeof(folder), "quarantine/%s", in_quarantine(0));
	snprintf(file, sizeof(file), "%s/notes", folder);
	paths[0] = folder;
	paths[1] = file;
	char want[1400];
	snprintf(want, sizeof(want), "make %s, name %s, sync %s", folder, file, folder);
	const char *text = test_syncs_text(&syncs, dir, paths);
	ck_assert_msg(strstr(text, want) != NULL, "%s", text);
}
END_TEST

START_TEST(delivered_and_something_came)
{
	journal_round(true);
	write_text(study_dir, "DCM/3", "new");
	ck_assert_int_eq(unlinkat(study, "DCM/2", 0), 0);
	write_text(study_dir, "DCM/2", "another content");
	ck_assert_int_eq(removed(), CLOSER_CHANGED);
	ck_assert(holds(study_dir, "DCM/3", "new"));
	ck_assert(holds(study_dir, "DCM/2", "another content"));
	ck_assert(!exists(study_dir, "DCM/1"));
}
END_TEST

static unsigned reports(void)
{
	DIR *list = opendir(in(dir, "reports"));
	struct dirent *d;
	unsigned count = 0;

	while (list != NULL && (d = readdir(list)) != NULL)
		count += d->d_name[0] != '.';
	if (list != NULL)
		closedir(list);
	return count;
}

/* The report comes with the delivery, not with the removal, and once for each round. */
START_TEST(reported_once)
{
	struct closer_result r;
	char *folder = strdup(in(dir, "reports"));

	o.report_folder = folder;
	make_folder(dir, "reports");
	journal_round(false);
	closer_report(&o, &uid, &r);
	ck_assert_int_eq(r.end, CLOSER_CHANGED);
	ck_assert_uint_eq(reports(), 0);
	journal_round(true);
	closer_report(&o, &uid, &r);
	ck_assert_int_eq(r.end, CLOSER_DONE);
	ck_assert_uint_ge(reports(), 2);
	ck_assert_int_eq(renameat(working, "reports", working, "first"), 0);
	make_folder(dir, "reports");
	closer_report(&o, &uid, &r);
	ck_assert_int_eq(r.end, CLOSER_DONE);
	ck_assert(exists(study_dir, "DCM/1"));
	ck_assert_int_eq(removed(), CLOSER_DONE);
	ck_assert_uint_eq(reports(), 0);
	free(folder);
}
END_TEST

/* What there is to read in the first report in a folder that ends so. */
static void read_report(const char *end, char *text, size_t size)
{
	DIR *list = opendir(in(dir, "reports"));
	struct dirent *d;

	text[0] = '\0';
	while (list != NULL && (d = readdir(list)) != NULL) {
		if (strstr(d->d_name, end) == NULL)
			continue;
		int fd = openat(dirfd(list), d->d_name, O_RDONLY);
		ssize_t n = read(fd, text, size - 1);

		ck_assert_int_gt(n, 0);
		text[n] = '\0';
		close(fd);
	}
	if (list != NULL)
		closedir(list);
}

/* From whom it came, for how long, how long it then waited, and how long its processing took. */
START_TEST(a_report_tells_times)
{
	static char text[8192];
	struct journal j = JOURNAL_NONE;
	char *folder = strdup(in(dir, "reports")), want[64];
	struct study_files files;
	struct closer_result r;

	o.report_folder = folder;
	make_folder(dir, "reports");
	usleep(20000);
	write_text(study_dir, "DCM/3", "the last");
	ck_assert_int_eq(study_files_read(&files, study, NULL), OK);
	begun_ms = (uint64_t)files.newest_ns / 1000000 + 5000;
	done_ms = begun_ms + 4000;
	snprintf(want, sizeof(want), "Receiving: %.2f seconds\n",
		 (double)((files.newest_ns - files.oldest_ns) / 1000) / 1e6);
	study_files_free(&files);
	ck_assert_int_eq(journal_open(&j, study, NULL), OK);
	add(&j, (struct journal_entry){.word = JOURNAL_SOURCE,
				       .name = BYTES_LIT("SCANNER"),
				       .file = BYTES_LIT("192.0.2.5"),
				       .count = 4});
	ck_assert_int_eq(journal_sync(&j, NULL), OK);
	journal_close(&j);
	journal_round(true);
	closer_report(&o, &uid, &r);
	ck_assert_int_eq(r.end, CLOSER_DONE);
	read_report(".txt", text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "Sender AE Title: SCANNER\n"));
	ck_assert_ptr_nonnull(strstr(text, "Instances from this sender: 4\n"));
	ck_assert_msg(strstr(text, want) != NULL, "%s, not %s", text, want);
	ck_assert_ptr_nonnull(strstr(text, "Waiting: 5.00 seconds\n"));
	ck_assert_ptr_nonnull(strstr(text, "Processing: 4.00 seconds\n"));
	free(folder);
}
END_TEST

START_TEST(not_delivered)
{
	journal_round(false);
	ck_assert_int_eq(removed(), CLOSER_CHANGED);
	ck_assert(exists(study_dir, "DCM/1") && exists(study_dir, "Addition/OVERLAY-1.dcm"));
}
END_TEST

START_TEST(never_processed)
{
	ck_assert_int_eq(removed(), CLOSER_CHANGED);
	ck_assert(exists(study_dir, "DCM/1"));
}
END_TEST

START_TEST(nothing_in_it)
{
	static const char *const names[] = {"DCM/1", "DCM/2", "Structure/s", "notes"};

	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(unlinkat(study, names[i], 0), 0);
	ck_assert_int_eq(removed(), CLOSER_DONE);
	ck_assert(!exists(dir, "UID_1.2.3"));
	ck_assert_int_eq(removed(), CLOSER_DONE); /* again does no harm */
}
END_TEST

START_TEST(held)
{
	journal_round(true);
	int other = openat(working, "UID_1.2.3", O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(flock(other, LOCK_SH), 0);
	ck_assert_int_eq(removed(), CLOSER_BUSY);
	ck_assert_int_eq(quarantined(""), CLOSER_BUSY);
	ck_assert(exists(study_dir, "DCM/1"));
	close(other);
}
END_TEST

START_TEST(discarded)
{
	struct study_files files;
	struct closer_result r;

	closer_discard(&o, &uid, "another digest", "no set", &r);
	ck_assert_int_eq(r.end, CLOSER_CHANGED);
	ck_assert(exists(study_dir, "DCM/1"));
	ck_assert_int_eq(study_files_read(&files, study, NULL), OK);
	closer_discard(&o, &uid, files.digest, "no set", &r);
	ck_assert_int_eq(r.end, CLOSER_DONE);
	ck_assert(!exists(dir, "UID_1.2.3"));
	study_files_free(&files);
}
END_TEST

/* ---- quarantine, and what a person does with it ---- */

static int ask(const char *line, struct buf *out)
{
	struct answer_context c = {.o = &o, .working = working};

	buf_free(out);
	return answer(&c, line, out);
}

START_TEST(to_quarantine_and_back)
{
	struct buf out = BUF_INIT(65536);
	char path[600], line[400];

	ck_assert_int_eq(quarantined("another digest"), CLOSER_CHANGED);
	ck_assert_int_eq(quarantined(""), CLOSER_DONE);
	ck_assert(!exists(dir, "UID_1.2.3"));
	snprintf(path, sizeof(path), "quarantine/%s/DCM/1", in_quarantine(0));
	ck_assert(holds(dir, path, "image"));
	ck_assert_int_eq(ask("quarantine list text", &out), EX_OK);
	ck_assert_msg(strstr((char *)out.at, ": because\n") != NULL, "%s", (char *)out.at);
	ck_assert_int_eq(ask("quarantine list json", &out), EX_OK);
	ck_assert(strstr((char *)out.at, "\"why\":\"because\"") != NULL);

	snprintf(line, sizeof(line), "quarantine release %s", in_quarantine(0));
	ck_assert_int_eq(ask(line, &out), EX_OK);
	ck_assert_ptr_null(in_quarantine(0));
	ck_assert(holds(dir, "UID_1.2.3/DCM/1", "image"));
	ck_assert(!exists(dir, "UID_1.2.3/reason"));
	buf_free(&out);
}
END_TEST

/* The study has come again meanwhile: the files are put together, none is overwritten. */
START_TEST(release_beside_a_new_one)
{
	struct buf out = BUF_INIT(65536);

	ck_assert_int_eq(quarantined(""), CLOSER_DONE);
	make_folder(dir, "UID_1.2.3");
	make_folder(study_dir, "Structure");
	write_text(study_dir, "Structure/new", "new set");
	ck_assert_int_eq(ask("quarantine release 1.2.3", &out), EX_OK);
	ck_assert(holds(study_dir, "Structure/new", "new set"));
	ck_assert(holds(study_dir, "Structure/s", "set") && holds(study_dir, "DCM/1", "image"));
	ck_assert_ptr_null(in_quarantine(0));

	ck_assert_int_eq(quarantined(""), CLOSER_DONE);
	make_folder(dir, "UID_1.2.3");
	make_folder(study_dir, "DCM");
	write_text(study_dir, "DCM/1", "another image");
	ck_assert_int_eq(ask("quarantine release 1.2.3", &out), EX_DATAERR);
	ck_assert(holds(study_dir, "DCM/1", "another image"));
	ck_assert(holds(study_dir, "DCM/2", "image too"));
	char path[600];
	snprintf(path, sizeof(path), "quarantine/%s/DCM/1", in_quarantine(0));
	ck_assert(holds(dir, path, "image"));
	buf_free(&out);
}
END_TEST

/* Files that go back have their names on the disk. */
START_TEST(release_on_the_disk)
{
	static const char *const paths[] = {"UID_1.2.3/DCM", "UID_1.2.3/Structure",
					    "UID_1.2.3/DCM/1", "UID_1.2.3/Structure/s", NULL};
	struct test_syncs syncs = {.count = 0};
	struct buf out = BUF_INIT(65536);

	ck_assert_int_eq(quarantined(""), CLOSER_DONE);
	make_folder(dir, "UID_1.2.3");
	make_folder(study_dir, "Structure");
	if (test_syncs_watch(&syncs)) {
		ck_assert_int_eq(ask("quarantine release 1.2.3", &out), EX_OK);
		const char *text = test_syncs_text(&syncs, dir, paths);
		const char *last = strstr(text, "sync UID_1.2.3/DCM, sync UID_1.2.3/Structure");
		ck_assert_msg(last != NULL && strstr(last, "name ") == NULL, "%s", text);
		ck_assert_msg(strstr(text, "name UID_1.2.3/DCM/1") != NULL, "%s", text);
		ck_assert_msg(strstr(text, "name UID_1.2.3/Structure/s") != NULL, "%s", text);
	}
	buf_free(&out);
}
END_TEST

START_TEST(discard_by_hand)
{
	struct buf out = BUF_INIT(65536);

	make_folder(study_dir, "deep");
	make_folder(study_dir, "deep/er");
	write_text(study_dir, "deep/er/file", "x");
	ck_assert_int_eq(quarantined(""), CLOSER_DONE);
	ck_assert_int_eq(ask("quarantine discard 1.2.3", &out), EX_OK);
	ck_assert_ptr_null(in_quarantine(0));
	ck_assert_int_eq(ask("quarantine discard 1.2.3", &out), EX_NOINPUT);
	ck_assert_int_eq(ask("quarantine discard ..", &out), EX_NOINPUT);
	ck_assert_int_eq(ask("quarantine discard ../UID_1.2.3", &out), EX_NOINPUT);
	ck_assert_int_eq(ask("quarantine destroy 1", &out), EX_USAGE);
	ck_assert_int_eq(ask("nonsense", &out), EX_USAGE);
	buf_free(&out);
}
END_TEST

START_TEST(retried)
{
	struct buf out = BUF_INIT(65536);
	struct journal_state state;
	struct arena a;

	ck_assert_int_eq(ask("retry 1.2.4", &out), EX_NOINPUT);
	ck_assert_int_eq(ask("retry ../x", &out), EX_USAGE);
	ck_assert_int_eq(ask("retry 1.2.3", &out), EX_OK); /* nothing to deliver yet: no harm */
	ck_assert(!exists(study_dir, "journal"));
	journal_round(false);
	struct journal j = JOURNAL_NONE;
	ck_assert_int_eq(journal_open(&j, study, NULL), OK);
	add(&j, (struct journal_entry){.word = JOURNAL_GAVE_UP,
				       .name = BYTES_LIT("pacs"),
				       .text = BYTES_LIT("tired")});
	ck_assert_int_eq(journal_sync(&j, NULL), OK);
	journal_close(&j);
	ck_assert_int_eq(ask("retry 1.2.3", &out), EX_OK);
	ck_assert_int_eq(arena_open(&a, 16u << 20, NULL), OK);
	ck_assert_int_eq(journal_read(&state, study, &a, NULL), OK);
	ck_assert(!journal_dest(&state, "pacs")->gave_up);
	arena_close(&a);
	ck_assert_int_eq(ask("retry all", &out), EX_OK);
	ck_assert(strstr((char *)out.at, "1 stud") != NULL);
	buf_free(&out);
}
END_TEST

START_TEST(status_without_a_service)
{
	struct buf out = BUF_INIT(65536);

	journal_round(false);
	ck_assert_int_eq(ask("status text", &out), EX_UNAVAILABLE);
	ck_assert(strstr((char *)out.at, "sending") != NULL);
	ck_assert(strstr((char *)out.at, "0 of 1 confirmed") != NULL);
	ck_assert_int_eq(ask("status json", &out), EX_UNAVAILABLE);
	ck_assert(strstr((char *)out.at, "\"state\":\"stopped\"") != NULL);
	ck_assert(strstr((char *)out.at, "\"uid\":\"1.2.3\",\"state\":\"sending\"") != NULL);
	ck_assert_int_eq(ask("health", &out), 1);
	buf_free(&out);
}
END_TEST

Suite *suite_closer(void);

Suite *suite_closer(void)
{
	Suite *s = suite_create("closer");
	TCase *c = tcase_create("leaving");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, delivered);
	tcase_add_test(c, delivered_and_kept_on_the_disk);
	tcase_add_test(c, delivered_and_something_came);
	tcase_add_test(c, reported_once);
	tcase_add_test(c, a_report_tells_times);
	tcase_add_test(c, not_delivered);
	tcase_add_test(c, never_processed);
	tcase_add_test(c, nothing_in_it);
	tcase_add_test(c, held);
	tcase_add_test(c, discarded);
	suite_add_tcase(s, c);
	c = tcase_create("by hand");
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, to_quarantine_and_back);
	tcase_add_test(c, release_beside_a_new_one);
	tcase_add_test(c, release_on_the_disk);
	tcase_add_test(c, discard_by_hand);
	tcase_add_test(c, retried);
	tcase_add_test(c, status_without_a_service);
	suite_add_tcase(s, c);
	return s;
}
