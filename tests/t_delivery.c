/*
 * What is known of deliveries: outcome, reason, retry; what is remembered of a destination; reports
 * of Storage Commitment.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service/breaker.h"
#include "service/commitment.h"
#include "service/commitment_data.h"
#include "service/delivery.h"
#include "support/support.h"

#define MINUTE 60000ull
#define BEGIN 1795600800000ull

static char *path;
static int working;
static unsigned fds_before;
static struct arena arena;

static void set_up(void)
{
	fds_before = test_open_fds();
	path = test_tmpdir();
	working = open(path, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(working, 0);
	ck_assert_int_eq(arena_open(&arena, 16 << 20, NULL), OK);
}

static void tear_down(void)
{
	arena_close(&arena);
	close(working);
	test_tmpdir_remove(path);
	ck_assert_uint_eq(test_open_fds(), fds_before);
}

static const struct delivery_dest dests[] = {
	{.name = "a", .host = "10.0.0.5", .port = 104, .ae_title = "PACS"},
	{.name = "b", .host = "2001:db8::1", .port = 11112, .ae_title = "ARCHIVE"},
};

/* ---- a study of three outputs, in a folder ---- */

static int make_study(const char *uid)
{
	char name[80];

	snprintf(name, sizeof(name), "UID_%s", uid);
	ck_assert_int_eq(mkdirat(working, name, 0777), 0);
	int fd = openat(working, name, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static void write_entries(int study, const struct journal_entry *entries, size_t count)
{
	struct journal j;

	ck_assert_int_eq(journal_open(&j, study, NULL), OK);
	for (size_t i = 0; i < count; i++)
		journal_add(&j, &entries[i]);
	ck_assert_int_eq(journal_sync(&j, NULL), OK);
	journal_close(&j);
}

static void write_entry(int study, struct journal_entry e)
{
	write_entries(study, &e, 1);
}

static void make_round(int study)
{
	struct journal_entry output = {.word = JOURNAL_OUTPUT,
				       .type = BYTES_LIT("OVERLAY"),
				       .class_uid = {"1.9"},
				       .file = BYTES_LIT("Addition/x.dcm")};
	struct journal_entry all[5] = {
		{.word = JOURNAL_PROCESSING},
		output,
		output,
		output,
		{.word = JOURNAL_PROCESSED, .count = 3, .digest = BYTES_LIT("d")}};

	all[1].sop = (struct uid){"2.1"};
	all[2].sop = (struct uid){"2.2"};
	all[3].sop = (struct uid){"2.3"};
	write_entries(study, all, 5);
}

static void sent(int study, const char *dest, const char *sop, uint16_t status)
{
	struct journal_entry e = {.word = JOURNAL_SENT, .name = bytes_str(dest), .status = status};

	ck_assert(uid_set(&e.sop, bytes_str(sop)));
	write_entry(study, e);
}

static void all_sent(int study, const char *dest)
{
	sent(study, dest, "2.1", 0);
	sent(study, dest, "2.2", 0xB000);
	sent(study, dest, "2.3", 0);
}

static void say(int study, enum journal_word word, const char *dest)
{
	write_entry(study, (struct journal_entry){.word = word,
						  .name = bytes_str(dest),
						  .text = BYTES_LIT("too often")});
}

static struct journal_state state_of(int study)
{
	struct journal_state s;

	ck_assert_int_eq(journal_read(&s, study, &arena, NULL), OK);
	return s;
}

static enum delivery_outcome outcome_of(int study)
{
	struct journal_state s = state_of(study);

	return delivery_outcome(&s, dests, 2);
}

/* ---- outcome, reason, report ---- */

START_TEST(a_study_is_settled_when_every_destination_is)
{
	int study = make_study("1.2");

	ck_assert_int_eq(outcome_of(study), DELIVERY_OPEN); /* not processed */
	make_round(study);
	ck_assert_int_eq(outcome_of(study), DELIVERY_OPEN);
	all_sent(study, "a");
	ck_assert_int_eq(outcome_of(study), DELIVERY_OPEN);
	say(study, JOURNAL_DONE, "a");
	ck_assert_int_eq(outcome_of(study), DELIVERY_OPEN);
	say(study, JOURNAL_DONE, "elsewhere"); /* no longer configured */
	ck_assert_int_eq(outcome_of(study), DELIVERY_OPEN);
	say(study, JOURNAL_GAVE_UP, "b");
	ck_assert_int_eq(outcome_of(study), DELIVERY_GAVE_UP);
	ck_assert_int_eq(delivery_retry(study, "b", NULL), OK);
	ck_assert_int_eq(outcome_of(study), DELIVERY_OPEN);
	say(study, JOURNAL_GAVE_UP, "b");
	ck_assert_int_eq(delivery_retry(study, NULL, NULL), OK); /* every one */
	ck_assert_int_eq(outcome_of(study), DELIVERY_OPEN);
	say(study, JOURNAL_DONE, "b");
	ck_assert_int_eq(outcome_of(study), DELIVERY_DONE);
	close(study);
}
END_TEST

START_TEST(a_reason_says_what_was_and_was_not_confirmed)
{
	int study = make_study("1.2");
	struct buf b = BUF_INIT(1 << 16);

	make_round(study);
	all_sent(study, "a");
	say(study, JOURNAL_DONE, "a");
	sent(study, "b", "2.2", 0);
	write_entry(study, (struct journal_entry){.word = JOURNAL_FAILED,
						  .name = BYTES_LIT("b"),
						  .sop = {"2.3"},
						  .class = JOURNAL_PERMANENT,
						  .status = 0xC000,
						  .text = BYTES_LIT("C000")});
	say(study, JOURNAL_GAVE_UP, "b");
	struct journal_state s = state_of(study);
	delivery_reason(&s, dests, 2, &b);
	ck_assert_str_eq((char *)b.at,
			 "a (10.0.0.5:104, AE title PACS): 3 of 3 objects confirmed, 1 with a "
			 "warning; done\n"
			 "b ([2001:db8::1]:11112, AE title ARCHIVE): 1 of 3 objects confirmed; "
			 "given up: too often\n"
			 "    not confirmed: OVERLAY 2.1\n"
			 "    not confirmed: OVERLAY 2.3 (C000 cannot understand)\n");
	buf_free(&b);
	close(study);
}
END_TEST

START_TEST(a_reason_of_what_was_never_tried)
{
	int study = make_study("1.2");
	struct buf b = BUF_INIT(1 << 16);

	make_round(study);
	struct journal_state s = state_of(study);
	delivery_reason(&s, dests, 1, &b);
	ck_assert_ptr_nonnull(
		strstr((char *)b.at, "0 of 3 objects confirmed; nothing was tried\n"));
	ck_assert_ptr_nonnull(strstr((char *)b.at, "OVERLAY 2.2\n"));
	buf_free(&b);
	close(study);
}
END_TEST

/* What a destination says is one line, whatever is in it. */
START_TEST(a_reason_is_escaped)
{
	int study = make_study("1.2");
	struct buf b = BUF_INIT(1 << 16);

	make_round(study);
	write_entry(study, (struct journal_entry){.word = JOURNAL_FAILED,
						  .name = BYTES_LIT("a"),
						  .class = JOURNAL_AGAIN,
						  .text = BYTES_LIT("no\nroute")});
	struct journal_state s = state_of(study);
	delivery_reason(&s, dests, 1, &b);
	ck_assert_ptr_nonnull(strstr((char *)b.at, "not finished: no"));
	ck_assert_ptr_null(strstr((char *)b.at, "no\nroute"));
	buf_free(&b);
	close(study);
}
END_TEST

START_TEST(a_report_of_a_destination)
{
	int study = make_study("1.2");
	char address[DELIVERY_ADDRESS];
	struct study_report_destination r;
	struct journal_entry failed = {.word = JOURNAL_FAILED,
				       .at_ms = BEGIN,
				       .name = BYTES_LIT("a"),
				       .class = JOURNAL_AGAIN,
				       .text = BYTES_LIT("A700 out of resources")};

	struct journal_state s = state_of(study);
	delivery_report(&s, &dests[0], address, &r);
	ck_assert_int_eq(r.fate, STUDY_NOT_TRIED);

	make_round(study);
	write_entry(study, failed);
	failed.at_ms += MINUTE;
	write_entry(study, failed);
	s = state_of(study);
	delivery_report(&s, &dests[0], address, &r);
	ck_assert_int_eq(r.fate, STUDY_GIVEN_UP); /* tried, and nothing of it sent */
	ck_assert_uint_eq(r.sent, 0);
	struct journal_entry last = {.word = JOURNAL_SENT,
				     .at_ms = BEGIN + 3 * MINUTE,
				     .name = BYTES_LIT("a"),
				     .sop = {"2.1"},
				     .status = 0xB007};
	write_entry(study, last);
	s = state_of(study);
	delivery_report(&s, &dests[0], address, &r);
	ck_assert_int_eq(r.fate, STUDY_GIVEN_UP); /* as it stands */
	ck_assert_uint_eq(r.sent, 1);
	ck_assert_uint_eq(r.warnings, 1);
	ck_assert_uint_eq(r.unsent, 2);
	ck_assert_uint_eq(r.attempts, 2);
	ck_assert_str_eq(r.last, "A700 out of resources");
	ck_assert_uint_eq(r.took_us, 3 * MINUTE * 1000);
	ck_assert_str_eq(r.address, "10.0.0.5:104");

	all_sent(study, "a");
	say(study, JOURNAL_DONE, "a");
	s = state_of(study);
	delivery_report(&s, &dests[0], address, &r);
	ck_assert_int_eq(r.fate, STUDY_DELIVERED);
	ck_assert_uint_eq(r.sent, 3);
	ck_assert_uint_eq(r.attempts, 3);
	close(study);
}
END_TEST

/* ---- the breaker ---- */

START_TEST(a_destination_is_remembered)
{
	struct breaker b;

	ck_assert_int_eq(breaker_read(&b, working, "pacs", NULL), OK); /* nothing yet */
	ck_assert_uint_eq(b.state.failures, 0);
	ck_assert_int_eq(breaker_open(&b, working, "pacs", NULL), OK);
	ck_assert_int_eq(breaker_failed(&b, "pacs", "no route", BEGIN, NULL), OK);
	ck_assert_int_eq(breaker_failed(&b, "pacs", "refused", BEGIN + MINUTE, NULL), OK);
	ck_assert_uint_eq(b.state.failures, 2);
	ck_assert_uint_eq(b.state.since_ms, BEGIN);
	breaker_close(&b);

	ck_assert_int_eq(breaker_read(&b, working, "pacs", NULL), OK);
	ck_assert_uint_eq(b.state.failures, 2);
	ck_assert_uint_eq(b.state.since_ms, BEGIN);
	ck_assert_uint_eq(b.state.failed_ms, BEGIN + MINUTE);
	ck_assert_str_eq(b.text, "refused");
	ck_assert_int_eq(breaker_read(&b, working, "other", NULL), OK);
	ck_assert_uint_eq(b.state.failures, 0);

	ck_assert_int_eq(breaker_open(&b, working, "pacs", NULL), OK);
	breaker_succeeded(&b);
	ck_assert_uint_eq(b.state.failures, 0);
	breaker_close(&b);
	ck_assert_int_eq(breaker_read(&b, working, "pacs", NULL), OK);
	ck_assert_uint_eq(b.state.failures, 0);
}
END_TEST

START_TEST(a_breaker_is_reset_by_hand)
{
	struct breaker b;

	ck_assert_int_eq(breaker_reset(working, "pacs", NULL), OK); /* nothing there */
	ck_assert_int_eq(breaker_open(&b, working, "pacs", NULL), OK);
	ck_assert_int_eq(breaker_failed(&b, "pacs", "refused", BEGIN, NULL), OK);
	ck_assert_int_eq(breaker_reset(working, "pacs", NULL), OK); /* while it is held */
	breaker_close(&b);
	ck_assert_int_eq(breaker_read(&b, working, "pacs", NULL), OK);
	ck_assert_uint_eq(b.state.failures, 0);
}
END_TEST

#define LONGEST "a123456789-123456789-123456789-123456789-123456789-123456789-123"

START_TEST(there_is_one_sender_a_destination)
{
	struct breaker first, second, other;
	struct fault f = {0};

	ck_assert_int_eq(breaker_open(&first, working, "pacs", NULL), OK);
	ck_assert_int_eq(breaker_open(&second, working, "pacs", &f), ERR_UNUSABLE);
	ck_assert_int_eq(second.dir, -1);
	ck_assert_int_eq(breaker_open(&other, working, "..", NULL), OK); /* a name, no path */
	breaker_close(&other);
	/* as long as a name may be */
	ck_assert_int_eq(breaker_open(&other, working, LONGEST, NULL), OK);
	breaker_close(&other);
	breaker_close(&first);
	ck_assert_int_eq(breaker_open(&second, working, "pacs", NULL), OK);
	breaker_close(&second);
}
END_TEST

/* ---- Storage Commitment: data sets ---- */

static const struct syntax *const syntaxes[] = {&syntax_implicit_le, &syntax_explicit_le,
						&syntax_explicit_be};

START_TEST(a_request_is_what_the_standard_says)
{
	const struct commitment_instance one = {.sop_class = {"1.2"}, .sop_instance = {"1.3.4"}};
	static const uint8_t want[] = {
		0x08, 0,    0x95, 0x11, 6,    0,    0, 0,   '2', '.', '2', '5', '.',
		'9',  0x08, 0,    0x99, 0x11, 0x22, 0, 0,   0, /* Referenced SOP Sequence */
		0xFE, 0xFF, 0,    0xE0, 0x1A, 0,    0, 0,      /* item */
		0x08, 0,    0x50, 0x11, 4,    0,    0, 0,   '1', '.', '2', 0,   0x08,
		0,    0x55, 0x11, 6,    0,    0,    0, '1', '.', '3', '.', '4', 0,
	};
	struct buf b = BUF_INIT(1000);

	commitment_request(&b, &syntax_implicit_le, &(struct uid){"2.25.9"}, &one, 1);
	ck_assert(!b.failed);
	ck_assert_uint_eq(b.len, sizeof(want));
	ck_assert_mem_eq(b.at, want, sizeof(want));
	buf_free(&b);
}
END_TEST

struct rows {
	unsigned count;
	struct commitment_instance row[8];
};

static void take_row(void *ctx, const struct commitment_instance *row)
{
	struct rows *rows = ctx;

	ck_assert_uint_lt(rows->count, 8);
	rows->row[rows->count++] = *row;
}

/* The data set of a report as a PACS makes it. */
static void add_uid(struct buf *b, uint16_t element, const char *uid)
{
	size_t len = strlen(uid), even = len + len % 2;
	uint8_t head[8] = {8, 0, (uint8_t)element, (uint8_t)(element >> 8), (uint8_t)even};

	buf_add(b, bytes_of(head, 8));
	buf_add(b, bytes_of(uid, even)); /* with its NUL */
}

struct said {
	const char *sop;
	int reason; /* -1: none is given */
};

static void add_sequence(struct buf *b, uint16_t element, const struct said *said, size_t count)
{
	uint8_t head[8] = {8, 0, (uint8_t)element, (uint8_t)(element >> 8), 255, 255, 255, 255};
	const uint8_t item[8] = {0xFE, 0xFF, 0, 0xE0, 255, 255, 255, 255};
	const uint8_t item_end[8] = {0xFE, 0xFF, 0x0D, 0xE0}, end[8] = {0xFE, 0xFF, 0xDD, 0xE0};

	buf_add(b, bytes_of(head, 8));
	for (size_t i = 0; i < count; i++) {
		buf_add(b, bytes_of(item, 8));
		add_uid(b, 0x1150, "1.9");
		if (said[i].sop != NULL)
			add_uid(b, 0x1155, said[i].sop);
		if (said[i].reason >= 0) {
			uint8_t us[10] = {8,
					  0,
					  0x97,
					  0x11,
					  2,
					  0,
					  0,
					  0,
					  (uint8_t)said[i].reason,
					  (uint8_t)(said[i].reason >> 8)};

			buf_add(b, bytes_of(us, 10));
		}
		buf_add(b, bytes_of(item_end, 8));
	}
	buf_add(b, bytes_of(end, 8));
}

static struct buf report_of(const char *transaction, const struct said *good, size_t good_count,
			    const struct said *bad, size_t bad_count)
{
	struct buf b = BUF_INIT(1 << 16);

	if (transaction != NULL)
		add_uid(&b, 0x1195, transaction);
	if (bad_count > 0)
		add_sequence(&b, 0x1198, bad, bad_count);
	if (good_count > 0)
		add_sequence(&b, 0x1199, good, good_count);
	ck_assert(!b.failed);
	return b;
}

START_TEST(a_report_is_read)
{
	const struct said good[] = {{"2.1", -1}, {"2.2", -1}},
			  bad[] = {{"2.3", 0x0112}, {"2.4", -1}};
	struct buf b = report_of("2.25.9", good, 2, bad, 2);
	struct rows rows = {0};
	struct uid t;

	ck_assert_int_eq(
		commitment_report(buf_bytes(&b), &syntax_implicit_le, &t, take_row, &rows, NULL),
		OK);
	ck_assert_str_eq(t.text, "2.25.9");
	ck_assert_uint_eq(rows.count, 4);
	ck_assert_str_eq(rows.row[0].sop_instance.text, "2.1");
	ck_assert_str_eq(rows.row[0].sop_class.text, "1.9");
	ck_assert_uint_eq(rows.row[1].reason, 0);
	ck_assert_str_eq(rows.row[2].sop_instance.text, "2.3");
	ck_assert_uint_eq(rows.row[2].reason, 0x0112);
	ck_assert_uint_eq(rows.row[3].reason, 0x0110); /* failed, whatever for */
	buf_free(&b);
}
END_TEST

START_TEST(a_report_cut_short_is_an_error_or_a_shorter_one)
{
	const struct said good[] = {{"2.1", -1}, {"2.2", -1}}, bad[] = {{"2.3", 0x0112}};
	struct buf b = report_of("2.25.9", good, 2, bad, 1);

	for (size_t len = 0; len < b.len; len++) {
		uint8_t *copy = guard_copy(b.at, len);
		struct rows rows = {0};
		struct uid t = {"untouched"};
		struct fault f = {0};
		enum err e = commitment_report(bytes_of(copy, len), &syntax_implicit_le, &t,
					       take_row, &rows, &f);

		if (e == OK)
			ck_assert_uint_le(rows.count, 3);
		else
			ck_assert(rows.count == 0 && strcmp(t.text, "untouched") == 0);
		guard_free(copy, len);
	}
	buf_free(&b);
}
END_TEST

START_TEST(a_request_reads_back_as_a_report)
{
	struct commitment_instance all[3] = {
		{{"1.9"}, {"2.1"}, 0}, {{"1.9"}, {"2.2"}, 0}, {{"1.9"}, {"2.3"}, 0}};
	struct buf b = BUF_INIT(1000);
	struct rows rows = {0};
	struct uid t;

	commitment_request(&b, syntaxes[_i], &(struct uid){"2.25.9"}, all, 3);
	ck_assert_int_eq(commitment_report(buf_bytes(&b), syntaxes[_i], &t, take_row, &rows, NULL),
			 OK);
	ck_assert_uint_eq(rows.count, 3);
	ck_assert_str_eq(rows.row[2].sop_instance.text, "2.3");
	buf_free(&b);
}
END_TEST

START_TEST(transactions_are_never_the_same)
{
	struct uid a = commitment_transaction(), b = commitment_transaction();

	ck_assert(uid_ok(bytes_str(a.text)) && strncmp(a.text, "2.25.", 5) == 0);
	ck_assert(!uid_eq(&a, &b));
}
END_TEST

/* ---- Storage Commitment: what a receiver does ---- */

#define G(sop)          \
	{               \
		sop, -1 \
	}
static const struct {
	const char *name;
	uint16_t event;
	const char *transaction;
	struct said good[4];
	unsigned good_count;
	struct said bad[4];
	unsigned bad_count;
	/* then */
	uint16_t status;
	bool done;
	uint32_t still_sent;
	unsigned committed, failed;
} take_cases[] = {
	{"all", 1, "2.25.9", {G("2.1"), G("2.2"), G("2.3")}, 3, {G(NULL)}, 0, 0, true, 3, 3, 0},
	{"all, and others",
	 1,
	 "2.25.9",
	 {G("2.3"), G("2.2"), G("2.1"), G("9.9")},
	 4,
	 {G(NULL)},
	 0,
	 0,
	 true,
	 3,
	 3,
	 0},
	{"the request before it",
	 1,
	 "2.25.8",
	 {G("2.1"), G("2.2"), G("2.3")},
	 3,
	 {G(NULL)},
	 0,
	 0,
	 true,
	 3,
	 3,
	 0},
	{"one left out", 1, "2.25.9", {G("2.1"), G("2.3")}, 2, {G(NULL)}, 0, 0, false, 2, 2, 1},
	{"none named", 1, "2.25.9", {G(NULL)}, 0, {G(NULL)}, 0, 0, false, 0, 0, 3},
	{"one failed",
	 2,
	 "2.25.9",
	 {G("2.1"), G("2.2")},
	 2,
	 {{"2.3", 0x0112}},
	 1,
	 0,
	 false,
	 2,
	 2,
	 1},
	{"one committed and failed",
	 2,
	 "2.25.9",
	 {G("2.1"), G("2.2"), G("2.3")},
	 3,
	 {{"2.3", 0x0112}},
	 1,
	 0,
	 false,
	 2,
	 2,
	 1},
	{"failures exist, but not ours",
	 2,
	 "2.25.9",
	 {G("2.1"), G("2.2"), G("2.3")},
	 3,
	 {{"9.9", 0x0112}},
	 1,
	 0,
	 true,
	 3,
	 3,
	 0},
	{"unknown transaction",
	 1,
	 "2.25.7",
	 {G("2.1"), G("2.2"), G("2.3")},
	 3,
	 {G(NULL)},
	 0,
	 0x0115,
	 false,
	 3,
	 0,
	 0},
	{"no transaction",
	 1,
	 NULL,
	 {G("2.1"), G("2.2"), G("2.3")},
	 3,
	 {G(NULL)},
	 0,
	 0x0115,
	 false,
	 3,
	 0,
	 0},
	{"an instance without a UID",
	 1,
	 "2.25.9",
	 {G("2.1"), G(NULL), G("2.3")},
	 3,
	 {G(NULL)},
	 0,
	 0x0115,
	 false,
	 3,
	 0,
	 0},
	{"no such event",
	 3,
	 "2.25.9",
	 {G("2.1"), G("2.2"), G("2.3")},
	 3,
	 {G(NULL)},
	 0,
	 0x0113,
	 false,
	 3,
	 0,
	 0},
};

static void request(int study, const char *transaction)
{
	struct journal_entry e = {
		.word = JOURNAL_COMMIT_REQUESTED, .name = BYTES_LIT("b"), .count = 3};

	ck_assert(uid_set(&e.transaction, bytes_str(transaction)));
	write_entry(study, e);
}

START_TEST(a_report_is_taken)
{
	int other = make_study("1.1"), study = make_study("1.2");
	struct commitment_taken taken = {.committed = 77};

	make_round(other);
	make_round(study);
	all_sent(study, "b");
	request(study, "2.25.8");
	request(study, "2.25.9");
	struct buf b =
		report_of(take_cases[_i].transaction, take_cases[_i].good,
			  take_cases[_i].good_count, take_cases[_i].bad, take_cases[_i].bad_count);

	struct dimse_reply reply = commitment_take(working, take_cases[_i].event, buf_bytes(&b),
						   &syntax_implicit_le, &taken);
	ck_assert_msg(reply.status == take_cases[_i].status, "%s: %04X", take_cases[_i].name,
		      reply.status);
	struct journal_state s = state_of(study);
	const struct journal_dest *d = journal_dest(&s, "b");
	ck_assert_msg(d->sent == take_cases[_i].still_sent, "%s: %u", take_cases[_i].name, d->sent);
	ck_assert_msg(d->done == take_cases[_i].done && d->committed == d->done, "%s",
		      take_cases[_i].name);
	if (reply.status == 0) {
		ck_assert_str_eq(taken.study.text, "1.2");
		ck_assert_str_eq(taken.destination, "b");
		ck_assert_uint_eq(taken.committed, take_cases[_i].committed);
		ck_assert_uint_eq(taken.failed, take_cases[_i].failed);
		ck_assert_int_eq(taken.done, take_cases[_i].done);
		if (!d->done) /* it is sent again when its time has come */
			ck_assert_uint_eq(d->attempts, 1);
	} else {
		ck_assert_uint_eq(taken.committed, 77);
	}
	buf_free(&b);
	close(study);
	close(other);
}
END_TEST

START_TEST(a_report_may_come_twice)
{
	const struct said good[] = {G("2.1"), G("2.2"), G("2.3")};
	struct buf b = report_of("2.25.9", good, 3, NULL, 0);
	struct commitment_taken taken;
	int study = make_study("1.2");

	make_round(study);
	all_sent(study, "b");
	request(study, "2.25.9");
	for (int i = 0; i < 2; i++) {
		ck_assert_uint_eq(
			commitment_take(working, 1, buf_bytes(&b), &syntax_implicit_le, &taken)
				.status,
			0);
		ck_assert(taken.done);
	}
	struct journal_state s = state_of(study);
	ck_assert_uint_eq(s.lines, 5 + 3 + 1 + 2); /* and not once more */
	buf_free(&b);
	close(study);
}
END_TEST

/* Another transaction, whose UID begins alike: the study mentions the bytes, and waits for nothing.
 */
START_TEST(a_report_of_another_transaction)
{
	const struct said good[] = {G("2.1"), G("2.2"), G("2.3")};
	struct buf b = report_of("2.25.9", good, 3, NULL, 0);
	struct commitment_taken taken;
	int study = make_study("1.2");

	make_round(study);
	all_sent(study, "b");
	request(study, "2.25.99");
	ck_assert_uint_eq(
		commitment_take(working, 1, buf_bytes(&b), &syntax_implicit_le, &taken).status,
		DIMSE_INVALID_ARGUMENT);
	ck_assert_uint_eq(
		commitment_take_for(study, 1, buf_bytes(&b), &syntax_implicit_le, &taken).status,
		DIMSE_INVALID_ARGUMENT);
	struct journal_state s = state_of(study);
	ck_assert_uint_eq(s.lines, 5 + 3 + 1);
	buf_free(&b);
	close(study);
}
END_TEST

#define COUNT_OF(table) ((int)(sizeof(table) / sizeof((table)[0])))

Suite *suite_delivery(void);
Suite *suite_delivery(void)
{
	Suite *suite = suite_create("delivery");
	TCase *t = tcase_create("delivery");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, a_study_is_settled_when_every_destination_is);
	tcase_add_test(t, a_reason_says_what_was_and_was_not_confirmed);
	tcase_add_test(t, a_reason_of_what_was_never_tried);
	tcase_add_test(t, a_reason_is_escaped);
	tcase_add_test(t, a_report_of_a_destination);
	tcase_add_test(t, a_destination_is_remembered);
	tcase_add_test(t, a_breaker_is_reset_by_hand);
	tcase_add_test(t, there_is_one_sender_a_destination);
	tcase_add_test(t, a_request_is_what_the_standard_says);
	tcase_add_test(t, a_report_is_read);
	tcase_add_test(t, a_report_cut_short_is_an_error_or_a_shorter_one);
	tcase_add_loop_test(t, a_request_reads_back_as_a_report, 0, COUNT_OF(syntaxes));
	tcase_add_test(t, transactions_are_never_the_same);
	tcase_add_loop_test(t, a_report_is_taken, 0, COUNT_OF(take_cases));
	tcase_add_test(t, a_report_may_come_twice);
	tcase_add_test(t, a_report_of_another_transaction);
	suite_add_tcase(suite, t);
	return suite;
}
