/*
 * The logs: NETRT's lines, character for character; JSON lines that are JSON; nothing unescaped,
 * whatever a peer calls itself; the number of lines about one address.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../fuzz/json_check.h"
#include "base/file.h"
#include "base/log.h"
#include "service/accounts.h"
#include "service/accounts_line.h"
#include "service/noise.h"
#include "support/support.h"

Suite *suite_accounts(void);

static char *folder;
static struct arena arena;
static int saved_stdout;

static const char *in(const char *name)
{
	static char path[8][300];
	static unsigned turn;
	char *p = path[turn++ % 8];

	snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
	return p;
}

/* Standard output goes to a file meanwhile. */
static void setup(void)
{
	folder = test_tmpdir();
	ck_assert_int_eq(arena_open(&arena, 64u << 20, NULL), OK);
	fflush(stdout);
	saved_stdout = dup(STDOUT_FILENO);
	int fd = open(in("stdout"), O_RDWR | O_CREAT | O_APPEND, 0600);
	ck_assert(saved_stdout >= 0 && fd >= 0);
	ck_assert_int_eq(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
	close(fd);
	ck_assert_int_eq(setenv("SOURCE_DATE_EPOCH", "1700000000", 1), 0);
	const struct accounts_context none = {.part = ACCOUNTS_MAIN};
	accounts_context(&none);
}

static void teardown(void)
{
	accounts_close();
	ck_assert_int_eq(dup2(saved_stdout, STDOUT_FILENO), STDOUT_FILENO);
	close(saved_stdout);
	arena_close(&arena);
	test_tmpdir_remove(folder);
}

static struct accounts_options options(void)
{
	return (struct accounts_options){
		.level = LOG_INFO,
		.folder = folder,
		.application_file = "application.log",
		.transaction_file = "transaction.log",
		.application_format = "%(asctime)s [%(levelname)s] %(name)s: %(message)s",
		.transaction_format = "%(asctime)s TXN [%(levelname)s]: %(message)s",
		.rotate_count = 1,
		.lines_per_minute = 1000,
	};
}

static const char *text_of(const char *name)
{
	struct bytes text;

	if (file_read(&text, in(name), 32u << 20, &arena, NULL) != OK)
		return NULL;
	return text.len == 0 ? "" : (const char *)text.at;
}

static void open_logs(struct accounts_options o)
{
	ck_assert_int_eq(accounts_open(&o), OK);
}

static const struct accounts_peer peer = {7, "10.0.0.5", "CT1"};
static const struct accounts_delivery delivery = {"OVERLAY", "1.2.3", "pacs", "PACS"};

/* ---- NETRT's lines --------------------------------------------------------------------------- */

START_TEST(test_lines)
{
	static const char stamp[] = "2023-11-14 22:13:20,000 ";
	static const char *const application[] = {
		"[INFO] netrt_core.dicom_listener: Association accepted from CT1@10.0.0.5",
		"[INFO] netrt_core.dicom_listener: C-ECHO request received from 10.0.0.5",
		"[INFO] netrt_core.dicom_listener: Stored DICOM file: /w/UID_1.2.3/DCM/4.dcm from "
		"10.0.0.5",
		"[ERROR] netrt_core.dicom_listener: Failed to save DICOM file. Instance 1.4 from "
		"CT1@10.0.0.5: status 0xA700, no space",
		"[INFO] netrt_core.dicom_listener: Connection closed with CT1@10.0.0.5. 1 instance "
		"stored, released",
		"[WARNING] netrt_core.dicom_listener: Association rejected from ?@10.0.0.6: not "
		"allowed (result 1, source 1, reason 3)",
		"[WARNING] netrt_core.dicom_listener: CT1@10.0.0.5: odd fragment",
		"[INFO] netrt_core.study_processor: Starting processing for study: 1.2.3",
		"[INFO] netrt_core.study_processor: Processing for study 1.2.3 completed "
		"successfully in 68.33 seconds.",
		"[ERROR] netrt_core.study_processor: Error processing study 1.2.3: killed",
		"[INFO] netrt_core.dicom_sender: Sending 200 OVERLAY instances of study 1.2.3 to "
		"PACS (pacs)",
		"[INFO] netrt_core.dicom_sender: Sent 200 OVERLAY instances of study 1.2.3 to PACS "
		"(pacs) in 1.50 seconds",
		"[WARNING] netrt_core.dicom_sender: Failed to send OVERLAY series of study 1.2.3 "
		"to PACS (pacs): refused; 1 instance unsent, tried again in 5 seconds",
		"[ERROR] netrt_core.dicom_sender: Failed to send OVERLAY series of study 1.2.3 to "
		"PACS (pacs): refused; 2 instances unsent, given up",
		"[WARNING] netrt_core.file_system_manager: Moved study 1.2.3 to quarantine: "
		"UID_1.2.3_2. Reason: killed",
		"[INFO] __main__: Ready",
		"[ERROR] __main__: from a worker",
	};
	static const char *const transaction[] = {
		"TXN [INFO]: DICOM association accepted. SourceIP: 10.0.0.5, SourceAET: CT1",
		"TXN [INFO]: C-ECHO received. SourceIP: 10.0.0.5",
		"TXN [INFO]: DICOM association released/closed. SourceIP: 10.0.0.5, SourceAET: CT1",
		"TXN [WARNING]: DICOM association rejected. SourceIP: 10.0.0.6, SourceAET: ?, "
		"Reason: not allowed",
		"TXN [INFO]: PROCESSING_START StudyUID: 1.2.3, Path: /w/UID_1.2.3",
		"TXN [INFO]: PROCESSING_SUCCESS StudyUID: 1.2.3, DurationSec: 68.33",
		"TXN [ERROR]: PROCESSING_FAILED StudyUID: 1.2.3, DurationSec: 0.50, Reason: killed",
		"TXN [INFO]: SENDING_START SeriesType: OVERLAY, StudyUID: 1.2.3, DestAET: PACS",
		"TXN [INFO]: SENDING_SUCCESS SeriesType: OVERLAY, StudyUID: 1.2.3, DestAET: PACS",
		"TXN [WARNING]: SENDING_FAILED SeriesType: OVERLAY, StudyUID: 1.2.3, DestAET: "
		"PACS, Reason: refused, tried again in 5 seconds",
		"TXN [ERROR]: SENDING_FAILED SeriesType: OVERLAY, StudyUID: 1.2.3, DestAET: PACS, "
		"Reason: refused, given up",
	};
	const struct accounts_peer unknown = {8, "10.0.0.6", NULL};
	struct buf expected = BUF_INIT(65536);

	open_logs(options());
	accounts_accepted(&peer);
	accounts_echo(&peer);
	accounts_stored(&peer, "1.2.3", "/w/UID_1.2.3/DCM/4.dcm");
	accounts_refused(&peer, 0xA700, "1.4", "no space");
	accounts_ended(&peer, "released", 1);
	accounts_rejected(&unknown, 1, 1, 3, "not allowed");
	accounts_complain(&peer, LOG_WARNING, "odd_fragment", "odd fragment");
	accounts_processing_start("1.2.3", "/w/UID_1.2.3");
	accounts_processing_success("1.2.3", 68330000);
	accounts_processing_failed("1.2.3", 500000, "killed");
	accounts_sending_start(&delivery, 200);
	accounts_sending_success(&delivery, 200, 1500000);
	accounts_sending_failed(&delivery, 1, false, 5, "refused");
	accounts_sending_failed(&delivery, 2, true, 0, "refused");
	accounts_quarantined("1.2.3", "UID_1.2.3_2", "killed");
	accounts_say(LOG_INFO, "ready", "Ready");
	accounts_say(LOG_DEBUG, "detail", "not at this level");
	log_say(LOG_ERROR, "from a %s", "worker");
	log_say(LOG_DEBUG, "not at this level");

	for (size_t i = 0; i < sizeof(application) / sizeof(application[0]); i++)
		buf_fmt(&expected, "%s%s\n", stamp, application[i]);
	ck_assert_str_eq(text_of("application.log"), (const char *)expected.at);
	ck_assert_str_eq(text_of("stdout"), (const char *)expected.at);
	buf_free(&expected);
	for (size_t i = 0; i < sizeof(transaction) / sizeof(transaction[0]); i++)
		buf_fmt(&expected, "%s%s\n", stamp, transaction[i]);
	ck_assert_str_eq(text_of("transaction.log"), (const char *)expected.at);
	buf_free(&expected);
}
END_TEST

START_TEST(test_format)
{
	struct accounts_options o = options();

	o.application_format = "%(levelname)-8s|%(name)s|%(funcName)s|%(message).20s";
	open_logs(o);
	accounts_accepted(&peer);
	ck_assert_str_eq(
		text_of("application.log"),
		"INFO    |netrt_core.dicom_listener|association_accepted|Association accepted\n");
}
END_TEST

/* ---- JSON ------------------------------------------------------------------------------------ */

START_TEST(test_json)
{
	struct accounts_options o = options();
	const struct accounts_context context = {ACCOUNTS_STUDY, 0, NULL, NULL, "1.2.3", NULL};
	char expected[1000];

	o.json = true;
	open_logs(o);
	accounts_accepted(&peer);
	snprintf(expected, sizeof(expected),
		 "{\"time\":\"2023-11-14T22:13:20.000+00:00\",\"level\":\"INFO\",\"logger\":"
		 "\"netrt_core.dicom_listener\",\"event\":\"association_accepted\",\"message\":"
		 "\"Association accepted from CT1@10.0.0.5\",\"association\":7,\"address\":"
		 "\"10.0.0.5\",\"ae_title\":\"CT1\",\"process\":%ld}\n",
		 (long)getpid());
	ck_assert_str_eq(text_of("application.log"), expected);
	ck_assert_str_eq(text_of("stdout"), expected);
	snprintf(expected, sizeof(expected),
		 "{\"time\":\"2023-11-14T22:13:20.000+00:00\",\"level\":\"INFO\",\"logger\":"
		 "\"transaction\",\"event\":\"association_accepted\",\"message\":"
		 "\"DICOM association accepted. SourceIP: 10.0.0.5, SourceAET: CT1\","
		 "\"association\":7,\"address\":\"10.0.0.5\",\"ae_title\":\"CT1\","
		 "\"process\":%ld}\n",
		 (long)getpid());
	ck_assert_str_eq(text_of("transaction.log"), expected);

	accounts_context(&context); /* what the process is about is in every line */
	log_say(LOG_WARNING, "from a worker");
	ck_assert_ptr_nonnull(strstr(text_of("application.log"),
				     "\"WARNING\",\"logger\":\"netrt_core.study_processor\","
				     "\"event\":\"message\",\"message\":\"from a worker\","
				     "\"study\":\"1.2.3\",\"process\""));
	accounts_sending_failed(&delivery, 3, false, 5, "refused");
	ck_assert_ptr_nonnull(strstr(text_of("application.log"),
				     "\"study\":\"1.2.3\",\"destination\":\"pacs\","
				     "\"series_type\":\"OVERLAY\",\"instances\":3,"
				     "\"retry_seconds\":5,\"reason\":\"refused\""));
	accounts_processing_success("1.2.3", 68330001);
	ck_assert_ptr_nonnull(strstr(text_of("application.log"), "\"duration_seconds\":68.330001"));
	accounts_refused(&peer, 0xC000, "1.4", "no");
	ck_assert_ptr_nonnull(strstr(text_of("application.log"), "\"status\":\"C000\""));
}
END_TEST

/* ---- hostile bytes --------------------------------------------------------------------------- */

static const char *const hostile[] = {
	"a\nb",
	"a\r\n2023-11-14 22:13:20,000 [INFO] forged",
	"\x1B[2J\x1B]0;title\x07",
	"\xE2\x80\xAE"
	"desrever\xE2\x81\xA6",
	"\xE2\x80\xA8line\xE2\x80\xA9separator",
	"\xFF\xFE\xC3",
	"\xC2\x9B"
	"31m",
	"\xED\xA0\x80surrogate\xF4\x90\x80\x80",
	"%s%n%(message)s%%",
	"\"}, {\"event\": \"forged\"}\\",
	"\\\\\\\\\\\\\\\\\"\"\"\"\"\"\"",
	"\x7F\x01\x02\t",
	"",
};

static bool is_safe(struct bytes line)
{
	uint32_t code;

	while (line.len > 0) {
		unsigned n = utf8_next(line, &code);

		if (n == 0 || code < 0x20 || (code >= 0x7F && code <= 0x9F) ||
		    (code >= 0x2028 && code <= 0x202E) || (code >= 0x2060 && code <= 0x206F))
			return false;
		line = bytes_slice(line, n, line.len - n);
	}
	return true;
}

/* Each line of a log: valid UTF-8, no control character, as many as there were events. */
static void check_safe(const char *name, unsigned lines, bool json)
{
	const char *text = text_of(name);
	unsigned count = 0;

	ck_assert_ptr_nonnull(text);
	for (const char *p = text; *p != '\0'; p = strchr(p, '\n') + 1, count++) {
		struct bytes line = bytes_of(p, strcspn(p, "\n"));

		if (p[line.len] != '\n' || line.len + 1 > ACCOUNTS_LINE || !is_safe(line) ||
		    (json && !json_ok(line)))
			ck_abort_msg("%s: %.*s", name, (int)line.len, p);
	}
	ck_assert_uint_eq(count, lines);
}

/* A text of every event with `s` wherever a peer could put it. */
static void say_all(const char *s)
{
	const struct accounts_peer p = {1, s, s};
	const struct accounts_delivery d = {s, s, s, s};
	const struct accounts_context c = {ACCOUNTS_LISTENER, 1, s, s, s, s};

	accounts_context(&c);
	accounts_accepted(&p);
	accounts_rejected(&p, 1, 1, 3, s);
	accounts_echo(&p);
	accounts_stored(&p, s, s);
	accounts_refused(&p, 0xC000, s, s);
	accounts_ended(&p, s, 0);
	accounts_complain(&p, LOG_ERROR, "complaint", s);
	accounts_processing_start(s, s);
	accounts_processing_success(s, 0);
	accounts_processing_failed(s, 0, s);
	accounts_sending_start(&d, 0);
	accounts_sending_success(&d, 0, 0);
	accounts_sending_failed(&d, 0, false, 1, s);
	accounts_quarantined(s, s, s);
	accounts_say(LOG_INFO, "say", "%s", s);
	log_say(LOG_INFO, "%s", s);
}

#define APPLICATION_LINES 16
#define TRANSACTION_LINES 10

START_TEST(test_hostile)
{
	struct accounts_options o = options();

	o.json = _i % 2 == 1;
	open_logs(o);
	say_all(hostile[_i / 2]);
	check_safe("application.log", APPLICATION_LINES, o.json);
	check_safe("stdout", APPLICATION_LINES, o.json);
	check_safe("transaction.log", TRANSACTION_LINES, o.json);
}
END_TEST

/* A text of any length ends in a line that is whole, and in JSON that is JSON. */
START_TEST(test_long)
{
	static const char *const units[] = {"a",        "\\",           "\"",  "\n",
					    "\xC3\xA4", "\xE2\x80\xAE", "\xFF"};
	struct accounts_options o = options();
	unsigned rounds = 0;

	o.json = _i % 2 == 1;
	open_logs(o);
	for (size_t len = 100; len < 20000; len = len * 3 / 2) {
		char *s = malloc(len + 4);
		size_t unit = strlen(units[_i / 2]), n = 0;

		ck_assert_ptr_nonnull(s);
		for (; n + unit <= len; n += unit)
			memcpy(s + n, units[_i / 2], unit);
		s[n] = '\0';
		say_all(s);
		free(s);
		rounds++;
	}
	check_safe("application.log", rounds * APPLICATION_LINES, o.json);
	check_safe("transaction.log", rounds * TRANSACTION_LINES, o.json);
}
END_TEST

/* ---- files, and doing without ---------------------------------------------------------------- */

START_TEST(test_folders_are_made)
{
	struct accounts_options o = options();
	char deep[300];

	snprintf(deep, sizeof(deep), "%s/a/b/c/", folder);
	o.folder = deep;
	o.transaction_file = in("elsewhere.log"); /* absolute */
	open_logs(o);
	accounts_echo(&peer);
	ck_assert_ptr_nonnull(text_of("a/b/c/application.log"));
	ck_assert_ptr_nonnull(text_of("elsewhere.log"));
}
END_TEST

START_TEST(test_unwritable)
{
	struct accounts_options o = options();

	o.folder = "/proc/none";
	open_logs(o);
	accounts_echo(&peer);
	accounts_echo(&peer);
	const char *text = text_of("stdout");
	unsigned lines = 0, broken = 0;
	for (const char *p = text; *p != '\0'; p = strchr(p, '\n') + 1) {
		lines++;
		broken += strncmp(strchr(p, ']'), "] __main__: The log /proc/none/", 31) == 0;
	}
	ck_assert_uint_eq(lines, 4); /* each file once, each event once */
	ck_assert_uint_eq(broken, 2);
}
END_TEST

START_TEST(test_stdout_only)
{
	struct accounts_options o = options();

	o.application_file = o.transaction_file = NULL;
	open_logs(o);
	accounts_echo(&peer);
	ck_assert_ptr_null(text_of("application.log"));
	ck_assert_ptr_null(text_of("transaction.log"));
	ck_assert_ptr_nonnull(strstr(text_of("stdout"), "C-ECHO request received"));
}
END_TEST

/* A pipe that nobody empties, and one that nobody reads any more: the service goes on. */
START_TEST(test_stdout_stalls)
{
	int pipes[2];
	char text[65536];

	open_logs(options());
	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert_int_eq(dup2(pipes[1], STDOUT_FILENO), STDOUT_FILENO);
	for (int i = 0; i < 2000; i++)
		accounts_accepted(&peer);
	ssize_t n = read(pipes[0], text, sizeof(text));
	ck_assert_int_gt(n, 0);
	while (n == (ssize_t)sizeof(text))
		n = read(pipes[0], text, sizeof(text));
	accounts_echo(&peer);
	n = read(pipes[0], text, sizeof(text) - 1);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	ck_assert_ptr_nonnull(strstr(text, "Nobody read standard output; it lacks "));
	ck_assert_ptr_nonnull(strstr(text, "C-ECHO request received"));
	close(pipes[0]);
	accounts_echo(&peer);
	close(pipes[1]);
	close(STDOUT_FILENO);
	accounts_echo(&peer);
	ck_assert_int_eq(dup2(saved_stdout, STDOUT_FILENO), STDOUT_FILENO);
	const char *log = text_of("application.log");
	unsigned lines = 0;
	for (const char *p = log; *p != '\0'; p++)
		lines += *p == '\n';
	ck_assert_uint_eq(lines, 2003);
}
END_TEST

START_TEST(test_levels)
{
	struct accounts_options o = options();

	o.level = LOG_WARNING;
	open_logs(o);
	accounts_echo(&peer);
	log_say(LOG_INFO, "nothing");
	ck_assert_ptr_null(text_of("application.log"));
	accounts_processing_failed("1.2.3", 1, "killed");
	ck_assert_ptr_nonnull(strstr(text_of("transaction.log"), "PROCESSING_FAILED"));

	o.silent = true;
	o.folder = in("silent");
	open_logs(o);
	accounts_processing_failed("1.2.3", 1, "killed");
	ck_assert_ptr_null(text_of("silent/transaction.log"));

	o.silent = false; /* as SIGHUP may change it */
	o.level = LOG_DEBUG;
	open_logs(o);
	log_say(LOG_DEBUG, "a detail");
	ck_assert_ptr_nonnull(
		strstr(text_of("silent/application.log"), "[DEBUG] __main__: a detail"));
	log_level_set(LOG_ERROR);
}
END_TEST

START_TEST(test_rotation)
{
	struct accounts_options o = options();

	o.rotate_bytes = 300;
	open_logs(o);
	for (int i = 0; i < 10; i++)
		accounts_accepted(&peer);
	ck_assert_ptr_nonnull(text_of("application.log.1"));
	ck_assert_ptr_null(text_of("application.log.2"));
	ck_assert_ptr_nonnull(text_of("transaction.log.1"));
}
END_TEST

START_TEST(test_closed)
{
	open_logs(options());
	accounts_close();
	accounts_echo(&peer); /* nothing, and no crash */
	accounts_say(LOG_ERROR, "x", "y");
	ck_assert_ptr_null(text_of("application.log"));
}
END_TEST

/* ---- noise ----------------------------------------------------------------------------------- */

START_TEST(test_noise)
{
	struct noise *n = noise_open();
	uint32_t dropped = 9;

	ck_assert_ptr_nonnull(n);
	ck_assert_int_eq(noise_ask(n, "a", 5, 3, &dropped), NOISE_SAY);
	ck_assert_uint_eq(dropped, 0);
	ck_assert_int_eq(noise_ask(n, "a", 5, 3, &dropped), NOISE_SAY);
	ck_assert_int_eq(noise_ask(n, "a", 5, 3, &dropped), NOISE_LAST);
	ck_assert_int_eq(noise_ask(n, "a", 5, 3, &dropped), NOISE_DROP);
	ck_assert_int_eq(noise_ask(n, "a", 5, 3, &dropped), NOISE_DROP);
	/* another one, on another place for some name at least */
	bool free_place = false;
	for (char c = 'b'; c <= 'z' && !free_place; c++) {
		char name[2] = {c, '\0'};

		free_place = noise_ask(n, name, 5, 3, &dropped) == NOISE_SAY;
	}
	ck_assert(free_place);
	ck_assert_int_eq(noise_ask(n, "a", 6, 3, &dropped), NOISE_SAY);
	ck_assert_uint_eq(dropped, 2);
	ck_assert_int_eq(noise_ask(n, "a", 6, 1, &dropped), NOISE_DROP);
	ck_assert_uint_eq(dropped, 0);
	ck_assert_int_eq(noise_ask(n, "a", 7, 1, &dropped), NOISE_LAST);
	noise_close(n);
	noise_close(NULL);
}
END_TEST

/* The count is one for all processes, and what is no noise is never left out. */
START_TEST(test_noise_in_children)
{
	struct accounts_options o = options();
	int status;

	o.lines_per_minute = 10;
	open_logs(o);
	for (int child = 0; child < 4; child++) {
		pid_t pid = fork();

		ck_assert_int_ge(pid, 0);
		if (pid == 0) {
			for (int i = 0; i < 50; i++) {
				accounts_rejected(&peer, 1, 1, 3, "not allowed");
				accounts_stored(&peer, "1.2.3", "/w/x");
			}
			_exit(0);
		}
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_int_eq(status, 0);
	}
	unsigned rejected = 0, stored = 0, told = 0;
	for (const char *p = text_of("application.log"); *p != '\0'; p = strchr(p, '\n') + 1) {
		size_t len = strcspn(p, "\n");
		struct bytes line = bytes_of(p, len);

		rejected += bytes_has_nocase(line, BYTES_LIT("association rejected"));
		stored += bytes_has_nocase(line, BYTES_LIT("stored dicom file"));
		told += bytes_has_nocase(line, BYTES_LIT("too many lines about 10.0.0.5"));
	}
	ck_assert_uint_eq(stored, 200);
	ck_assert_uint_ge(rejected, 10);
	ck_assert_uint_le(rejected, 20); /* the minute may have ended meanwhile */
	ck_assert_uint_ge(told, 1);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

Suite *suite_accounts(void)
{
	Suite *s = suite_create("accounts");
	TCase *t = tcase_create("accounts");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 300);
	tcase_add_test(t, test_lines);
	tcase_add_test(t, test_format);
	tcase_add_test(t, test_json);
	tcase_add_loop_test(t, test_hostile, 0, ROWS(hostile) * 2);
	tcase_add_loop_test(t, test_long, 0, 14);
	tcase_add_test(t, test_folders_are_made);
	tcase_add_test(t, test_unwritable);
	tcase_add_test(t, test_stdout_only);
	tcase_add_test(t, test_stdout_stalls);
	tcase_add_test(t, test_levels);
	tcase_add_test(t, test_rotation);
	tcase_add_test(t, test_closed);
	tcase_add_test(t, test_noise);
	tcase_add_test(t, test_noise_in_children);
	suite_add_tcase(s, t);
	return s;
}
