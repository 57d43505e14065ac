/*
 * The report of a study: its name, what is in it, hostile bytes, and folders that cannot be
 * written.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../fuzz/json_check.h"
#include "base/file.h"
#include "service/study_report.h"
#include "study/report_html.h"
#include "support/support.h"
#include "support/syncs.h"

Suite *suite_study_report(void);

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

static const char *in(const char *name)
{
	static char path[8][300];
	static unsigned turn;
	char *p = path[turn++ % 8];

	snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
	return p;
}

static const char *text_of(const char *name)
{
	struct bytes text;

	if (file_read(&text, in(name), 32u << 20, &arena, NULL) != OK)
		return NULL;
	return text.len == 0 ? "" : (const char *)text.at;
}

static unsigned files_in(const char *path)
{
	DIR *d = opendir(path);
	unsigned count = 0;

	ck_assert_ptr_nonnull(d);
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
		count += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	closedir(d);
	return count;
}

/* JSON without the blanks between its tokens and without true and false, which json_ok does not
 * know. */
static bool is_json(struct bytes s)
{
	struct buf b = BUF_INIT(1u << 20);
	bool in_string = false;

	for (size_t i = 0; i < s.len; i++) {
		char c = (char)s.at[i];

		if (in_string && c == '\\') {
			buf_add(&b, bytes_of(s.at + i, i + 1 < s.len ? 2 : 1));
			i++;
			continue;
		}
		if (!in_string && (c == 't' || c == 'f')) {
			size_t n = c == 't' ? 4 : 5;

			buf_str(&b, i + n <= s.len && memcmp(s.at + i, c == 't' ? "true" : "false",
							     n) == 0
					    ? "null"
					    : "?");
			i += n - 1;
			continue;
		}
		in_string ^= c == '"';
		if (in_string || (c != ' ' && c != '\n'))
			buf_char(&b, c);
	}
	bool ok = !b.failed && json_ok(buf_bytes(&b));
	buf_free(&b);
	return ok;
}

static const struct study_report_sender senders[] = {
	{"PLANNING", "10.0.0.5", 140},
	{NULL, NULL, 1},
};
static const struct study_report_destination destinations[] = {
	{"pacs",
	 "PACS",
	 "10.0.0.20:104",
	 STUDY_DELIVERED,
	 140,
	 2,
	 0,
	 1,
	 NULL,
	 2500000,
	 {{"OVERLAY", 139, 139}, {"SEGMENTATION", 1, 1}},
	 2},
	{"research",
	 "RES 1",
	 "archive.example.org:11112",
	 STUDY_GIVEN_UP,
	 3,
	 0,
	 137,
	 40,
	 "connection refused",
	 0,
	 {{"OVERLAY", 3, 140}},
	 1},
};

static struct study_report report(void)
{
	struct study_report r = {
		.version = "1.2",
		.when = {.year = 2025,
			 .month = 11,
			 .day = 23,
			 .hour = 18,
			 .minute = 44,
			 .second = 46,
			 .microsecond = 313352},
		.sender = senders,
		.sender_count = 2,
		.images = 139,
		.structure_sets = 1,
		.others = 1,
		.bytes = 74000000,
		.receive_us = 1250000,
		.wait_us = 1000000,
		.process_us = 680000,
		.destination = destinations,
		.destination_count = 2,
	};

	snprintf(r.study.text, sizeof(r.study.text), "1.2.246.352.71");
	return r;
}

/* What NETRT's readers look for, in its words and its order. */
START_TEST(test_text)
{
	static const char expected[] =
		"Processing Report\n"
		"====================\n"
		"Study Instance UID: 1.2.246.352.71\n"
		"Report Generated: 2025-11-23 18:44:46.313352\n"
		"Sender IP: 10.0.0.5\n"
		"Sender AE Title: PLANNING\n"
		"Instances from this sender: 140\n"
		"Sender IP: N/A\n"
		"Sender AE Title: N/A\n"
		"Instances from this sender: 1\n"
		"netrt: 1.2\n"
		"--------------------\n"
		"Number of DICOM files received: 141\n"
		"Images: 139\n"
		"Structure sets: 1\n"
		"Other objects: 1\n"
		"Bytes: 74000000\n"
		"Receiving: 1.25 seconds\n"
		"Waiting: 1.00 seconds\n"
		"Processing: 0.68 seconds\n"
		"\n"
		"Destination: pacs (PACS@10.0.0.20:104)\n"
		"  delivered: 140 sent (2 with a warning), 0 not, 1 attempt, "
		"2.50 seconds\n"
		"  OVERLAY: 139 of 139\n"
		"  SEGMENTATION: 1 of 1\n"
		"\n"
		"Destination: research (RES 1@archive.example.org:11112)\n"
		"  given up: 3 sent, 137 not, 40 attempts\n"
		"  OVERLAY: 3 of 140\n"
		"  last trouble: connection refused\n"
		"\n"
		"ERROR\n"
		"====================\n"
		"a destination gave up\n"
		"--------------------\n"
		"Quarantine: UID_1.2.246.352.71_2\n"
		"\n"
		"--------------------\n"
		"of the job\n";
	struct study_report r = report();
	struct buf b = BUF_INIT(65536);

	r.failed = "a destination gave up";
	r.quarantine = "UID_1.2.246.352.71_2";
	r.job_text = BYTES_LIT("of the job\n");
	study_report_text(&r, &b);
	ck_assert_str_eq((const char *)b.at, expected);
	buf_free(&b);

	r = report();
	r.sender_count = r.destination_count = 0;
	r.receive_us = r.wait_us = 0;
	study_report_text(&r, &b);
	ck_assert_ptr_nonnull(strstr((const char *)b.at, "Sender IP: N/A\nSender AE Title: N/A\n"));
	ck_assert_ptr_nonnull(
		strstr((const char *)b.at, "\nProcessing successful in 0.68 seconds.\n"));
	ck_assert_ptr_null(strstr((const char *)b.at, "Receiving"));
	ck_assert_ptr_null(strstr((const char *)b.at, "ERROR"));
	buf_free(&b);
}
END_TEST

START_TEST(test_json)
{
	struct study_report r = report();
	struct buf b = BUF_INIT(65536);

	r.job_json = BYTES_LIT("{\n  \"images_written\": 139\n}\n");
	study_report_json(&r, &b);
	const char *text = (const char *)b.at;
	ck_assert_msg(is_json(buf_bytes(&b)), "%s", text);
	ck_assert_ptr_nonnull(strstr(text, "\"study\": \"1.2.246.352.71\""));
	ck_assert_ptr_nonnull(strstr(text, "\"created\": \"2025-11-23T18:44:46\""));
	ck_assert_ptr_nonnull(strstr(text, "\"failed\": null"));
	ck_assert_ptr_nonnull(strstr(
		text,
		"{\"ae_title\": \"PLANNING\", \"address\": \"10.0.0.5\", \"instances\": 140}"));
	ck_assert_ptr_nonnull(
		strstr(text, "{\"ae_title\": null, \"address\": null, \"instances\": 1}"));
	ck_assert_ptr_nonnull(strstr(text, "\"seconds_processing\": 0.680000"));
	ck_assert_ptr_nonnull(strstr(
		text, "{\"name\": \"research\", \"ae_title\": \"RES 1\", \"address\": "
		      "\"archive.example.org:11112\", \"result\": \"given_up\", \"sent\": 3, "
		      "\"warnings\": 0, \"unsent\": 137, \"attempts\": 40, "
		      "\"series\": {\"OVERLAY\": {\"sent\": 3, \"made\": 140}}, "
		      "\"last_trouble\": "
		      "\"connection refused\", \"seconds\": null}"));
	ck_assert_ptr_nonnull(strstr(text, "\"processing\": {\n  \"images_written\": 139\n}\n}\n"));
	buf_free(&b);

	/* half a report of the job must not spoil this one */
	r.job_json = BYTES_LIT("{\n  \"images_written\": 1");
	study_report_json(&r, &b);
	ck_assert_ptr_nonnull(strstr((const char *)b.at, "\"processing\": null\n}\n"));
	ck_assert(is_json(buf_bytes(&b)));
	buf_free(&b);
	r.sender_count = r.destination_count = 0;
	r.job_json = BYTES_NONE;
	study_report_json(&r, &b);
	ck_assert(is_json(buf_bytes(&b)));
	buf_free(&b);
}
END_TEST

/* Whatever a peer calls itself, as many tags as with a harmless name. */
static void hostile_html(struct study_report *r)
{
	struct buf out = BUF_INIT(1u << 20);
	unsigned count = 0, harmless = 0;
	struct study_report plain = *r;

	study_report_html(r, &out);
	ck_assert(utf8_valid(buf_bytes(&out)));
	ck_assert_ptr_null(strstr((const char *)out.at, "\xE2\x80"));
	for (size_t i = 0; i < out.len; i++) {
		count += out.at[i] == '<';
		if (out.at[i] < 0x20 && out.at[i] != '\n' && out.at[i] != '\t')
			ck_abort_msg("control character at %zu", i);
	}
	buf_free(&out);
	const struct study_report_sender sender = {"x", "x", 1};
	const struct study_report_destination d = {"x", "x", "x", STUDY_GIVEN_UP, 0, 0, 1,
						   1,   "x", 1,   {{"x", 0, 1}},  1};
	plain.sender = &sender;
	plain.destination = &d;
	plain.failed = plain.quarantine = "x";
	study_report_html(&plain, &out);
	for (size_t i = 0; i < out.len; i++)
		harmless += out.at[i] == '<';
	ck_assert_uint_eq(count, harmless);
	buf_free(&out);
}

static const char *const hostile[] = {
	"<script>alert(1)</script>",
	"</pre></html><!--netrt:delivery-->",
	"\" onmouseover=\"x",
	"a\nSender IP: forged",
	"\x1B[2J",
	"\xE2\x80\xAEx\xE2\x81\xA6",
	"\xFF\xFE",
	"\xE2\x80\xA8",
	"\"}",
	"\\",
	"",
};

START_TEST(test_hostile)
{
	const char *s = hostile[_i];
	const struct study_report_sender sender = {s, s, 1};
	const struct study_report_destination dest = {s, s, s, STUDY_GIVEN_UP, 0, 0, 1,
						      1, s, 1, {{s, 0, 1}},    1};
	struct study_report r = report();
	struct buf as_text = BUF_INIT(65536), as_json = BUF_INIT(65536);
	unsigned lines[2] = {0, 0};

	r.sender = &sender;
	r.destination = &dest;
	r.sender_count = r.destination_count = 1;
	r.failed = r.quarantine = s;
	study_report_text(&r, &as_text);
	study_report_json(&r, &as_json);
	ck_assert_msg(is_json(buf_bytes(&as_json)), "%s", (const char *)as_json.at);
	ck_assert(utf8_valid(buf_bytes(&as_text)) && utf8_valid(buf_bytes(&as_json)));
	for (size_t i = 0; i < as_text.len; i++) {
		lines[0] += as_text.at[i] == '\n';
		if (as_text.at[i] < 0x20 && as_text.at[i] != '\n')
			ck_abort_msg("control character at %zu", i);
	}
	ck_assert_ptr_null(strstr((const char *)as_text.at, "\xE2\x80"));
	ck_assert_ptr_null(strstr((const char *)as_json.at, "\xE2\x80"));
	buf_free(&as_text);
	hostile_html(&r);

	/* as many lines as with a harmless text */
	const struct study_report_sender plain_sender = {"x", "x", 1};
	const struct study_report_destination plain = {"x", "x", "x", STUDY_GIVEN_UP, 0, 0, 1,
						       1,   "x", 1,   {{"x", 0, 1}},  1};
	r.sender = &plain_sender;
	r.destination = &plain;
	r.failed = r.quarantine = "x";
	study_report_text(&r, &as_text);
	for (size_t i = 0; i < as_text.len; i++)
		lines[1] += as_text.at[i] == '\n';
	ck_assert_uint_eq(lines[0], lines[1]);
	buf_free(&as_text);
	buf_free(&as_json);
}
END_TEST

/* ---- files ----------------------------------------------------------------------------------- */

static void put(const char *name, const char *text)
{
	FILE *f = fopen(in(name), "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

START_TEST(test_write)
{
	struct study_report r = report();
	struct fault f;

	ck_assert_int_eq(mkdir(in("study"), 0700), 0);
	put("study/report.txt", "ROIs as the job tells\n");
	put("study/report.json", "{\"rois\": []}\n");
	int study = open(in("study"), O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(study, 0);
	for (int turn = 1; turn <= 3; turn++) /* the folder is made the first time */
		ck_assert_int_eq(study_report_write(&r, in("out"), study, &f), OK);
	close(study);
	ck_assert_uint_eq(files_in(in("out")), 9);
	const char *text = text_of("out/report_1.2.246.352.71_20251123_184446.txt");
	ck_assert_ptr_nonnull(text);
	ck_assert_ptr_nonnull(strstr(text, "ROIs as the job tells\n"));
	text = text_of("out/report_1.2.246.352.71_20251123_184446.json");
	ck_assert_ptr_nonnull(text);
	ck_assert(is_json(bytes_str(text)));
	ck_assert_ptr_nonnull(strstr(text, "\"processing\": {\"rois\": []}"));
	ck_assert_ptr_nonnull(text_of("out/report_1.2.246.352.71_20251123_184446_2.txt"));
	ck_assert_ptr_nonnull(text_of("out/report_1.2.246.352.71_20251123_184446_3.json"));
	ck_assert_ptr_nonnull(text_of("out/report_1.2.246.352.71_20251123_184446_3.html"));
}
END_TEST

static unsigned times_in(const char *text, const char *word)
{
	unsigned n = 0;

	for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word))
		n++;
	return n;
}

/* The page of the job, with the service's part in it; where it is not whole, one of its own. */
static void html_with_job(const struct report *job, struct study_report *r)
{
	struct buf page = BUF_INIT(1u << 20), out = BUF_INIT(1u << 20);

	report_html(job, &page);
	r->job_html = buf_bytes(&page);
	study_report_html(r, &out);
	const char *text = (const char *)out.at;
	ck_assert_ptr_nonnull(strstr(text, "GTV\\x1B[2J\\x0A\\xE2\\x80\\xAE"));
	ck_assert(strstr(text, "id=\"summary\"") < strstr(text, "id=\"delivery\""));
	ck_assert(strstr(text, "id=\"delivery\"") < strstr(text, "id=\"received\""));
	ck_assert(strstr(text, "id=\"received\"") < strstr(text, "id=\"set1\""));
	ck_assert_ptr_null(strstr(text, REPORT_HTML_MARK));
	ck_assert_uint_eq(times_in(text, "</html>"), 1);
	ck_assert_uint_eq(times_in(text, "<pre>"), 0);
	ck_assert(out.len > page.len);
	for (size_t cut = 0; cut < page.len; cut += cut < 2000             ? 1
						    : page.len - cut > 300 ? 251
									   : 1) {
		struct bytes half = bytes_of(page.at, cut);

		buf_free(&out);
		r->job_html = half;
		study_report_html(r, &out);
		text = (const char *)out.at;
		ck_assert_ptr_null(strstr(text, "id=\"set1\""));
		ck_assert_uint_eq(times_in(text, "</html>"), 1);
		ck_assert_uint_eq(times_in(text, "<pre>"), 1);
	}
	/* somebody else's, with a policy that allows more */
	char *policy = strstr((char *)page.at, "default-src 'none'");
	memcpy(policy, "default-src * ; x ", 18);
	r->job_html = buf_bytes(&page);
	buf_free(&out);
	study_report_html(r, &out);
	ck_assert_uint_eq(times_in((const char *)out.at, "<pre>"), 1);
	ck_assert_uint_eq(times_in((const char *)out.at, "default-src *"), 0);
	buf_free(&out);
	buf_free(&page);
}

/* With the real report of the folder job in it, ROI names and all. */
START_TEST(test_with_job)
{
	struct report_roi roi = {.number = 1,
				 .name = BYTES_LIT("GTV\x1B[2J\n\xE2\x80\xAE"),
				 .type = BYTES_LIT("GTV"),
				 .contours_used = 3};
	struct report_set set = {.modality = "CT",
				 .series_why = "named by the structure set",
				 .file_names = "OVERLAY-<SOP Instance UID>.dcm",
				 .rois = &roi,
				 .roi_count = 1};
	struct report job = {.version = "1.2",
			     .planes = "merged",
			     .edge = "inclusive",
			     .nested = "hole",
			     .workers = 1,
			     .sets = &set,
			     .set_count = 1};
	struct study_report r = report();
	struct buf text = BUF_INIT(65536), json = BUF_INIT(65536), out = BUF_INIT(1u << 20);

	report_text(&job, &text);
	report_json(&job, &json);
	r.job_text = buf_bytes(&text);
	r.job_json = buf_bytes(&json);
	study_report_json(&r, &out);
	ck_assert_msg(is_json(buf_bytes(&out)), "%s", (const char *)out.at);
	ck_assert_ptr_nonnull(
		strstr((const char *)out.at, "\"name\": \"GTV\\u001b[2J\\n\\u202e\""));
	buf_free(&out);
	study_report_text(&r, &out);
	ck_assert_ptr_nonnull(strstr((const char *)out.at, "GTV\\x1B[2J\\x0A\\xE2\\x80\\xAE"));
	ck_assert_ptr_null(strchr((const char *)out.at, '\x1B'));
	buf_free(&out);
	html_with_job(&job, &r);
	buf_free(&text);
	buf_free(&json);
}
END_TEST

START_TEST(test_unwritable)
{
	struct study_report r = report();
	struct fault f;

	ck_assert_int_eq(study_report_write(&r, in("none/none"), -1, &f), ERR_IO);
	ck_assert_int_eq(f.sys_errno, ENOENT);
	ck_assert_int_eq(study_report_write(&r, "/proc/self", -1, &f), ERR_IO);
	put("file", "x");
	ck_assert_int_eq(study_report_write(&r, in("file"), -1, &f), ERR_IO);
	ck_assert_int_eq(f.sys_errno, ENOTDIR);
	ck_assert_int_eq(study_report_write(&r, in("none/none"), -1, NULL), ERR_IO);

	snprintf(r.study.text, sizeof(r.study.text), "../../etc/x");
	ck_assert_int_eq(study_report_write(&r, folder, -1, &f), ERR_UNUSABLE);
	r.study.text[0] = '\0';
	ck_assert_int_eq(study_report_write(&r, folder, -1, &f), ERR_UNUSABLE);
	ck_assert_uint_eq(files_in(folder), 1); /* nothing half-written */
}
END_TEST

/* A link that somebody put where the report goes is neither followed nor replaced. */
START_TEST(test_link)
{
	struct study_report r = report();
	struct fault f;

	ck_assert_int_eq(mkdir(in("out"), 0700), 0);
	ck_assert_int_eq(symlink(in("target"), in("out/report_1.2.246.352.71_20251123_184446.txt")),
			 0);
	ck_assert_int_eq(study_report_write(&r, in("out"), -1, &f), OK);
	ck_assert_ptr_null(text_of("target"));
	ck_assert_ptr_nonnull(text_of("out/report_1.2.246.352.71_20251123_184446_2.txt"));
}
END_TEST

/* What is in a file is on the disk before its name is, and the names before it is said so. */
START_TEST(test_synced)
{
#define BASE "report_1.2.246.352.71_20251123_184446"
	static const char *const paths[] = {".", BASE ".txt", BASE ".json", BASE ".html", NULL};
	struct test_syncs syncs = {0};
	struct study_report r = report();
	struct fault f;

	if (!test_syncs_watch(&syncs))
		return;
	ck_assert_int_eq(study_report_write(&r, folder, -1, &f), OK);
	ck_assert_str_eq(test_syncs_text(&syncs, folder, paths),
			 "sync " BASE ".txt, name " BASE ".txt, sync " BASE ".json, name " BASE
			 ".json, sync " BASE ".html, name " BASE ".html, sync .");
	syncs.fails = EIO;
	ck_assert_int_eq(study_report_write(&r, folder, -1, &f), ERR_IO);
	ck_assert_uint_eq(files_in(folder), 3);
}
END_TEST

Suite *suite_study_report(void)
{
	Suite *s = suite_create("study_report");
	TCase *t = tcase_create("study_report");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 300);
	tcase_add_test(t, test_text);
	tcase_add_test(t, test_json);
	tcase_add_loop_test(t, test_hostile, 0, (int)(sizeof(hostile) / sizeof(hostile[0])));
	tcase_add_test(t, test_write);
	tcase_add_test(t, test_with_job);
	tcase_add_test(t, test_unwritable);
	tcase_add_test(t, test_link);
	tcase_add_test(t, test_synced);
	suite_add_tcase(s, t);
	return s;
}
