/*
 * The study's journal as a file: torn and damaged lines, several writers, and what they add up to.
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
#include <time.h>
#include <unistd.h>

#include "support/journal_fixture.h"
#include "support/syncs.h"

/* ---- the file ---- */

static void append_done(const char *name)
{
	struct journal j;
	struct fault f = {0};

	ck_assert_int_eq(journal_open(&j, dir, &f), OK);
	ck_assert(!journal_pending(&j));
	journal_add(&j, &(struct journal_entry){.word = JOURNAL_DONE, .name = bytes_str(name)});
	ck_assert(journal_pending(&j));
	ck_assert_msg(journal_sync(&j, &f) == OK, "%s", f.text);
	ck_assert(!journal_pending(&j));
	journal_close(&j);
}

START_TEST(no_journal_is_an_empty_one)
{
	struct journal_state s;

	ck_assert_int_eq(journal_read(&s, dir, &arena, NULL), OK);
	ck_assert_uint_eq(s.lines, 0);
	ck_assert(!s.processed);
	ck_assert_ptr_null(journal_dest(&s, "a"));
	append_done("a");
	ck_assert_int_eq(journal_read(&s, dir, &arena, NULL), OK);
	ck_assert_uint_eq(s.lines, 1);
	ck_assert(journal_dest(&s, "a")->done);
	ck_assert_uint_gt(s.first_ms, 1700000000000);
}
END_TEST

START_TEST(a_sync_without_lines_writes_nothing)
{
	struct journal j;
	struct stat st;

	ck_assert_int_eq(journal_open(&j, dir, NULL), OK);
	ck_assert_int_eq(journal_sync(&j, NULL), OK);
	journal_add_sent(&j, "a", &(struct uid){"1.2"}, 0);
	journal_close(&j); /* not synced: lost */
	ck_assert_int_eq(fstatat(dir, JOURNAL_NAME, &st, 0), 0);
	ck_assert_int_eq(st.st_size, 0);
}
END_TEST

/* The file's name is on the disk before any line; lines that are not are still to be told. */
START_TEST(lines_are_on_the_disk)
{
	static const char *const paths[] = {".", JOURNAL_NAME, NULL};
	struct test_syncs syncs = {0};
	struct journal j;
	struct fault f;

	if (!test_syncs_watch(&syncs))
		return;
	syncs.fails = EIO;
	ck_assert_int_eq(journal_open(&j, dir, &f), ERR_IO);
	ck_assert_int_eq(unlinkat(dir, JOURNAL_NAME, 0), 0);
	syncs = (struct test_syncs){0};
	ck_assert_int_eq(journal_open(&j, dir, &f), OK);
	ck_assert_str_eq(test_syncs_text(&syncs, dir_path, paths), "sync .");
	journal_add(&j, &(struct journal_entry){.word = JOURNAL_DONE, .name = BYTES_LIT("a")});
	syncs.fails = EIO;
	ck_assert_int_eq(journal_sync(&j, &f), ERR_IO);
	ck_assert(journal_pending(&j));
	syncs.fails = 0;
	ck_assert_int_eq(journal_sync(&j, &f), OK);
	ck_assert(!journal_pending(&j));
	journal_close(&j);
	append_done("b"); /* the name is there */
	ck_assert_str_eq(test_syncs_text(&syncs, dir_path, paths),
			 "sync ., sync journal, sync journal, sync journal");
}
END_TEST

#define WHOLE                                                                                 \
	"source A 10.0.0.1 2|processing|seen DCM 1.1 10 5|output OVERLAY 1.9 2.1 Addition/1|" \
	"output OVERLAY 1.9 2.2 Addition/2|processed 2 1 d1|sent a 2.1 0000|sent a 2.2 B007|" \
	"done a"

START_TEST(cut_at_every_byte)
{
	static char now[1 << 16];

	add_all(WHOLE);
	for (size_t len = 0; len <= text_len; len++) {
		struct journal_state s;
		size_t mark = arena_mark(&arena), whole = 0;
		uint32_t lines = 0;

		for (size_t i = 0; i < len; i++) {
			if (text[i] == '\n') {
				whole = i + 1;
				lines++;
			}
		}
		put_file(len);
		ck_assert_int_eq(journal_read(&s, dir, &arena, NULL), OK);
		ck_assert_uint_eq(s.lines, lines);
		ck_assert_uint_eq(s.damaged, 0);
		ck_assert_uint_eq(s.torn, len - whole);
		ck_assert_int_eq(s.processed, lines >= 6);
		ck_assert_uint_eq(s.output_count, lines >= 6 ? 2 : 0);

		append_done("b");
		size_t n = get_file(now, sizeof(now));
		ck_assert_uint_gt(n, whole);
		ck_assert_mem_eq(now, text, whole);
		ck_assert_int_eq(journal_read(&s, dir, &arena, NULL), OK);
		ck_assert_uint_eq(s.lines, lines + 1);
		ck_assert_uint_eq(s.damaged, 0);
		ck_assert_uint_eq(s.torn, 0);
		arena_reset(&arena, mark);
	}
}
END_TEST

START_TEST(a_torn_line_longer_than_a_block_is_cut)
{
	struct journal_state s;

	add(0, "done a");
	size_t whole = text_len;
	memset(text + text_len, 'x', 10000);
	put_file(whole + 10000);
	append_done("b");
	ck_assert_int_eq(journal_read(&s, dir, &arena, NULL), OK);
	ck_assert_uint_eq(s.lines, 2);
	ck_assert_uint_eq(s.damaged, 0);
}
END_TEST

START_TEST(several_processes_append)
{
	enum { WRITERS = 4, LINES = 40 };
	struct journal_state s;

	for (int w = 0; w < WRITERS; w++) {
		pid_t pid = fork();

		if (pid == 0) {
			struct journal j;
			char name[16];
			bool ok = journal_open(&j, dir, NULL) == OK;

			snprintf(name, sizeof(name), "w%d", w);
			for (int i = 0; i < LINES && ok; i++) {
				journal_add_sent(&j, name, &(struct uid){"1.2"}, 0);
				journal_add_sent(&j, name, &(struct uid){"1.3"}, 0);
				ok = journal_sync(&j, NULL) == OK;
			}
			_exit(!ok);
		}
	}
	for (int w = 0; w < WRITERS; w++) {
		int status;

		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(journal_read(&s, dir, &arena, NULL), OK);
	ck_assert_uint_eq(s.lines, 2 * WRITERS * LINES);
	ck_assert_uint_eq(s.damaged, 0);
	ck_assert_uint_eq(s.dest_count, WRITERS);
}
END_TEST

START_TEST(a_full_disk_leaves_no_half_line)
{
	struct rlimit before, small = {.rlim_cur = 100, .rlim_max = RLIM_INFINITY};
	struct journal_state s;
	struct journal j;
	struct stat st;
	struct fault f = {0};

	append_done("a");
	ck_assert_int_eq(fstatat(dir, JOURNAL_NAME, &st, 0), 0);
	off_t size = st.st_size;

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	small.rlim_max = before.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	ck_assert_int_eq(journal_open(&j, dir, NULL), OK);
	for (int i = 0; i < 10; i++)
		journal_add_sent(&j, "a", &(struct uid){"1.2"}, 0);
	ck_assert_int_eq(journal_sync(&j, &f), ERR_IO);
	ck_assert(journal_pending(&j));
	ck_assert_int_eq(fstatat(dir, JOURNAL_NAME, &st, 0), 0);
	ck_assert_int_eq(st.st_size, size);

	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	ck_assert_int_eq(journal_sync(&j, &f), OK);
	journal_close(&j);
	ck_assert_int_eq(journal_read(&s, dir, &arena, NULL), OK);
	ck_assert_uint_eq(s.lines, 11);
}
END_TEST

START_TEST(a_journal_that_is_no_file_is_refused)
{
	struct journal_state s;
	struct journal j;
	struct fault f = {0};

	ck_assert_int_eq(symlinkat("/etc/passwd", dir, JOURNAL_NAME), 0);
	ck_assert_int_eq(journal_open(&j, dir, &f), ERR_IO);
	ck_assert_int_eq(journal_read(&s, dir, &arena, &f), ERR_IO);
}
END_TEST

/* ---- what it adds up to ---- */

#define ROUND "processing|output OVERLAY 1.9 2.1 Addition/1|output OVERLAY 1.9 2.2 Addition/2|"
#define ONE ROUND "processed 2 0 d1|"

static const struct {
	const char *name, *lines;
	/* of destination a; of the study where it is not there */
	uint32_t outputs, sent, warned, attempts;
	uint16_t failed1, permanent1;  /* of 2.1 */
	unsigned first_failed, failed; /* seconds after 10:00; 0: never */
	uint32_t requests;
	bool asked, committed, done, gave_up;
} state_cases[] = {
	{"a round", ONE "done b", .outputs = 2},
	{"no round", "sent a 2.1 0000", .outputs = 0},
	{"a round without its end", ROUND "sent a 2.1 0000", .outputs = 0},
	{"a round that has lost an output", ROUND "processed 3 0 d1", .outputs = 0},
	{"a round that has lost a source", ROUND "seen DCM 1.1 1 1|processed 2 2 d1", .outputs = 0},
	{"a round that has lost its begin", "output OVERLAY 1.9 2.1 x|processed 1 0 d1",
	 .outputs = 0},
	{"sent", ONE "sent a 2.1 0000", .outputs = 2, .sent = 1},
	{"sent with a warning", ONE "sent a 2.1 B000|sent a 2.2 0000", .outputs = 2, .sent = 2,
	 .warned = 1},
	{"sent twice", ONE "sent a 2.1 B000|sent a 2.1 B000", .outputs = 2, .sent = 1, .warned = 1},
	{"sent twice, with a warning the second time", ONE "sent a 2.1 0000|sent a 2.1 B000",
	 .outputs = 2, .sent = 1, .warned = 1},
	{"failed after it was sent, and sent again",
	 ONE "sent a 2.1 B000|failed a 2.1 again A700 x|sent a 2.1 0000", .outputs = 2, .sent = 1,
	 .failed1 = 1},
	{"sent, but not ours", ONE "sent a 9.9 0000", .outputs = 2},
	{"sent elsewhere", ONE "sent b 2.1 0000|done b", .outputs = 2},
	{"failed once", ONE "failed a - again A700 x", .outputs = 2, .attempts = 1,
	 .first_failed = 4, .failed = 4},
	{"failed twice", ONE "failed a - again A700 x|failed a - again A700 x", .outputs = 2,
	 .attempts = 2, .first_failed = 4, .failed = 5},
	{"a confirmation between failures",
	 ONE "failed a - again 0000 x|sent a 2.1 0000|failed a - "
	     "again 0000 x",
	 .outputs = 2, .sent = 1, .attempts = 1, .first_failed = 4, .failed = 6},
	{"an instance failed", ONE "failed a 2.1 again A700 x", .outputs = 2, .failed1 = 1},
	{"an instance refused",
	 ONE "failed a 2.1 permanent C000 x|failed a 2.1 permanent C000 x|"
	     "failed a 2.1 again 0110 x",
	 .outputs = 2, .failed1 = 3, .permanent1 = 2},
	{"done", ONE "sent a 2.1 0000|sent a 2.2 0000|done a", .outputs = 2, .sent = 2,
	 .done = true},
	{"gave up", ONE "failed a 2.1 permanent C000 x|failed a - permanent C000 x|gave-up a why",
	 .outputs = 2, .attempts = 1, .failed1 = 1, .permanent1 = 1, .first_failed = 5, .failed = 5,
	 .gave_up = true},
	{"asked again by hand",
	 ONE "failed a 2.1 permanent C000 x|failed a - permanent C000 x|"
	     "gave-up a why|retry a",
	 .outputs = 2},
	{"asked for all by hand",
	 ONE "failed a 2.1 permanent C000 x|failed a - permanent C000 x|"
	     "gave-up a why|retry -",
	 .outputs = 2},
	{"asked for another by hand", ONE "failed a - again 0000 x|retry b", .outputs = 2,
	 .attempts = 1, .first_failed = 4, .failed = 4},
	{"a retry forgets no confirmation", ONE "sent a 2.1 0000|retry -", .outputs = 2, .sent = 1},
	{"commitment requested", ONE "sent a 2.1 0000|sent a 2.2 0000|commit-requested a 5.5 2",
	 .outputs = 2, .sent = 2, .requests = 1, .asked = true},
	{"committed",
	 ONE "sent a 2.1 0000|sent a 2.2 0000|commit-requested a 5.5 2|committed a 5.5",
	 .outputs = 2, .sent = 2, .committed = true},
	{"commitment refused",
	 ONE "sent a 2.1 0000|sent a 2.2 B000|commit-requested a 5.5 2|"
	     "commit-failed a 5.5 2.2 0112",
	 .outputs = 2, .sent = 1},
	{"commitment refused for 2.1",
	 ONE "sent a 2.1 0000|commit-requested a 5.5 2|"
	     "commit-failed a 5.5 2.1 0112",
	 .outputs = 2, .failed1 = 1, .permanent1 = 1},
	{"commitment refused for lack of resources",
	 ONE "sent a 2.1 0000|commit-requested a 5.5 2|"
	     "commit-failed a 5.5 2.1 0213",
	 .outputs = 2, .failed1 = 1},
	{"a request that failed is no longer waited for",
	 ONE "failed a - again 0000 x|sent a 2.1 0000|commit-requested a 5.5 2|failed a - "
	     "permanent 0122 x",
	 .outputs = 2, .sent = 1, .requests = 1, .attempts = 1, .first_failed = 7, .failed = 7},
	{"asked for commitment by hand", ONE "sent a 2.1 0000|commit-requested a 5.5 2|retry a",
	 .outputs = 2, .sent = 1},
	{"the same round again", ONE "sent a 2.1 0000|" ROUND "processed 2 0 d1", .outputs = 2,
	 .sent = 1},
	{"done stays done when the same is made again",
	 ONE "sent a 2.1 0000|sent a 2.2 0000|done a|" ROUND "processed 2 0 d1", .outputs = 2,
	 .sent = 2, .done = true},
	{"another round", ONE "sent a 2.1 0000|done a|" ROUND "processed 2 0 d2", .outputs = 2},
	{"another round, and sent", ONE "sent a 2.1 0000|" ROUND "processed 2 0 d2|sent a 2.2 0000",
	 .outputs = 2, .sent = 1},
	{"back to the round before",
	 ONE "sent a 2.1 0000|" ROUND "processed 2 0 d2|" ROUND "processed 2 0 d1", .outputs = 2},
	{"a round that failed leaves the one before",
	 ONE "sent a 2.1 0000|processing|"
	     "output OVERLAY 1.9 2.3 x",
	 .outputs = 2, .sent = 1},
	{"outputs named twice count once",
	 "processing|output OVERLAY 1.9 2.2 p|output OVERLAY 1.9 2.1 q|output OVERLAY 1.9 2.2 p|"
	 "processed 3 0 d1|sent a 2.1 0000|sent a 2.2 0000",
	 .outputs = 2, .sent = 2},
	{"an output without a UID cannot be sent",
	 "processing|output OVERLAY 1.9 - p|output OVERLAY 1.9 2.1 q|processed 2 0 d1",
	 .outputs = 1},
};

static unsigned second_of(uint64_t ms)
{
	return ms == 0 ? 0 : (unsigned)((ms - 1795600800000) / 1000);
}

START_TEST(lines_add_up)
{
	static const struct journal_dest nothing;

	add_all(state_cases[_i].lines);
	struct journal_state s = parsed();
	const struct journal_dest *d = journal_dest(&s, "a");

	ck_assert_uint_eq(s.damaged, 0);
	ck_assert_msg(s.output_count == state_cases[_i].outputs, "%s: %u", state_cases[_i].name,
		      s.output_count);
	d = d == NULL ? &nothing : d;
	ck_assert_msg(d->sent == state_cases[_i].sent, "%s: %u", state_cases[_i].name, d->sent);
	ck_assert_msg(d->warned == state_cases[_i].warned, "%s", state_cases[_i].name);
	ck_assert_msg(d->attempts == state_cases[_i].attempts, "%s", state_cases[_i].name);
	ck_assert_msg(second_of(d->first_failed_ms) == state_cases[_i].first_failed, "%s: %u",
		      state_cases[_i].name, second_of(d->first_failed_ms));
	ck_assert_msg(second_of(d->failed_ms) == state_cases[_i].failed, "%s",
		      state_cases[_i].name);
	ck_assert_msg(d->requests == state_cases[_i].requests, "%s", state_cases[_i].name);
	ck_assert_msg((d->transaction.text[0] != 0) == state_cases[_i].asked, "%s",
		      state_cases[_i].name);
	ck_assert_msg(d->committed == state_cases[_i].committed, "%s", state_cases[_i].name);
	ck_assert_msg(d->done == state_cases[_i].done, "%s", state_cases[_i].name);
	ck_assert_msg(d->gave_up == state_cases[_i].gave_up, "%s", state_cases[_i].name);

	uint32_t first = journal_output_of(&s, &(struct uid){"2.1"});
	if (s.output_count > 0)
		ck_assert_uint_lt(first, s.output_count);
	if (d->outputs != NULL && s.output_count > 0) {
		ck_assert_msg(d->outputs[first].failed == state_cases[_i].failed1, "%s",
			      state_cases[_i].name);
		ck_assert_msg(d->outputs[first].permanent == state_cases[_i].permanent1, "%s",
			      state_cases[_i].name);
	}
}
END_TEST

START_TEST(a_round_tells_what_was_seen_and_made)
{
	add_all("source A%20B 10.0.0.1 2|source C ::1 1|source A%20B 10.0.0.1 5|processing|"
		"seen DCM 1.3 30 -7|seen Structure 1.1 10 5|seen DCM 1.2 20 6|"
		"output OVERLAY 1.9 2.2 Addition/b|output SEG 1.8 2.1 Addition/a%20b|"
		"processed 2 3 d1");
	struct journal_state s = parsed();

	ck_assert(s.processed);
	ck_assert_str_eq(s.digest, "d1");
	ck_assert_uint_eq(second_of(s.processing_ms), 3);
	ck_assert_uint_eq(second_of(s.processed_ms), 9);
	ck_assert_uint_eq(s.seen_count, 3);
	const struct journal_seen *seen = journal_seen_of(&s, &(struct uid){"1.3"});
	ck_assert_str_eq(seen->kind, "DCM");
	ck_assert_uint_eq(seen->size, 30);
	ck_assert_int_eq(seen->mtime_ns, -7);
	ck_assert_ptr_null(journal_seen_of(&s, &(struct uid){"1.4"}));
	ck_assert_str_eq(s.outputs[0].file, "Addition/b"); /* in the order written */
	ck_assert_str_eq(s.outputs[1].file, "Addition/a b");
	ck_assert_str_eq(s.outputs[1].series_type, "SEG");
	ck_assert_str_eq(s.outputs[1].sop_class.text, "1.8");
	ck_assert_uint_eq(journal_output_of(&s, &(struct uid){"2.1"}), 1);
	ck_assert_uint_eq(journal_output_of(&s, &(struct uid){"2.3"}), UINT32_MAX);
	ck_assert_str_eq(s.sources->ae_title, "C");
	ck_assert_str_eq(s.sources->next->ae_title, "A B");
	ck_assert_uint_eq(s.sources->next->objects, 7);
	ck_assert_ptr_null(s.sources->next->next);
}
END_TEST

/* In the order in which each comes first; beyond JOURNAL_TYPES all are the last. */
START_TEST(series_types_are_told_apart)
{
	char lines[2048] = "processing|seen DCM 1.2 20 6|";
	size_t len = strlen(lines);

	for (unsigned i = 0; i < 24; i++)
		len += (size_t)snprintf(lines + len, sizeof(lines) - len,
					"output T%u 1.9 2.%u Addition/%u|", i % 12, i, i);
	snprintf(lines + len, sizeof(lines) - len, "processed 24 1 d1");
	add_all(lines);
	struct journal_state s = parsed();

	ck_assert_uint_eq(s.output_count, 24);
	ck_assert_uint_eq(s.type_count, JOURNAL_TYPES);
	for (uint32_t i = 0; i < s.output_count; i++)
		ck_assert_uint_eq(s.outputs[i].type,
				  i % 12 < JOURNAL_TYPES ? i % 12 : JOURNAL_TYPES - 1);
	ck_assert_str_eq(s.types[0], "T0");
	ck_assert_str_eq(s.types[JOURNAL_TYPES - 1], "T7");
}
END_TEST

START_TEST(damaged_lines_are_counted_and_left_out)
{
	add_all(ONE "sent a 2.1 0000|sent a 2.2 0000");
	memcpy(strstr(text, "sent a 2.1"), "sent a 2.2", 10);
	text_len += (size_t)sprintf(text + text_len, "\n\ngarbage\n%c\n", 0);
	struct journal_state s = parsed();

	ck_assert_uint_eq(s.damaged, 5);
	ck_assert_uint_eq(s.lines, 5);
	ck_assert_uint_eq(journal_dest(&s, "a")->sent, 1);
	ck_assert(!journal_dest(&s, "a")->outputs[0].sent);
	ck_assert(journal_dest(&s, "a")->outputs[1].sent);
}
END_TEST

START_TEST(transactions_are_found)
{
	add_all(ONE "commit-requested a 5.5 2|commit-requested b 5.6 2|commit-requested a 5.7 2");
	struct journal_state s = parsed();

	/* a late answer to an earlier request is an answer too */
	ck_assert_str_eq(journal_transaction_dest(&s, &(struct uid){"5.5"})->name, "a");
	ck_assert_str_eq(journal_transaction_dest(&s, &(struct uid){"5.6"})->name, "b");
	ck_assert_ptr_null(journal_transaction_dest(&s, &(struct uid){"5.8"}));
	ck_assert_str_eq(journal_dest(&s, "a")->transaction.text, "5.7");
	ck_assert_uint_eq(journal_dest(&s, "a")->requests, 2);

	text_len = 0;
	add_all(ONE "commit-requested a 5.5 2|" ROUND "processed 2 0 d2");
	s = parsed(); /* it asked about other objects */
	ck_assert_ptr_null(journal_transaction_dest(&s, &(struct uid){"5.5"}));
}
END_TEST

START_TEST(many_outputs_are_found)
{
	enum { COUNT = 300 };
	char line[128];

	add(0, "processing");
	for (unsigned i = 0; i < COUNT; i++) {
		snprintf(line, sizeof(line), "output OVERLAY 1.9 2.%u f%u", i * 7919 % 1009, i);
		add(1, line);
	}
	snprintf(line, sizeof(line), "processed %d 0 d", COUNT);
	add(2, line);
	struct journal_state s = parsed();

	ck_assert_uint_eq(s.output_count, COUNT);
	for (uint32_t i = 0; i < COUNT; i++)
		ck_assert_uint_eq(journal_output_of(&s, &s.outputs[i].sop_instance), i);
}
END_TEST

START_TEST(too_many_destinations_are_an_error)
{
	struct journal_state s;
	struct fault f = {0};
	char line[32];

	for (unsigned i = 0; i <= LIMIT_DESTINATIONS; i++) {
		snprintf(line, sizeof(line), "done d%u", i);
		add(1, line);
		enum err want = i < LIMIT_DESTINATIONS ? OK : ERR_LIMIT;
		ck_assert_int_eq(journal_parse(&s, bytes_of(text, text_len), &arena, &f), want);
	}
}
END_TEST

START_TEST(a_small_arena_is_an_error_not_a_crash)
{
	struct journal_state s;
	struct arena small;
	struct fault f = {0};
	enum err e = ERR_NOMEM;
	size_t cap = 16;

	add_all("source A B 1|" WHOLE "|failed b - again 0000 x|commit-requested a 5.5 2");
	for (; cap < 1 << 20 && e != OK; cap += 16) {
		if (arena_open(&small, cap, NULL) != OK)
			continue;
		e = journal_parse(&s, bytes_of(text, text_len), &small, &f);
		ck_assert(e == OK || e == ERR_NOMEM);
		arena_close(&small);
	}
	ck_assert_int_eq(e, OK);
	ck_assert_uint_gt(cap, text_len);
}
END_TEST

#define COUNT_OF(table) ((int)(sizeof(table) / sizeof((table)[0])))

Suite *suite_journal(void);
Suite *suite_journal(void)
{
	Suite *suite = suite_create("journal");
	TCase *file = tcase_create("file");
	TCase *state = tcase_create("state");

	tcase_add_checked_fixture(file, set_up, tear_down);
	tcase_add_test(file, no_journal_is_an_empty_one);
	tcase_add_test(file, a_sync_without_lines_writes_nothing);
	tcase_add_test(file, lines_are_on_the_disk);
	tcase_add_test(file, cut_at_every_byte);
	tcase_add_test(file, a_torn_line_longer_than_a_block_is_cut);
	tcase_add_test(file, several_processes_append);
	tcase_add_test(file, a_full_disk_leaves_no_half_line);
	tcase_add_test(file, a_journal_that_is_no_file_is_refused);
	suite_add_tcase(suite, file);

	tcase_add_checked_fixture(state, set_up, tear_down);
	tcase_add_loop_test(state, lines_add_up, 0, COUNT_OF(state_cases));
	tcase_add_test(state, a_round_tells_what_was_seen_and_made);
	tcase_add_test(state, series_types_are_told_apart);
	tcase_add_test(state, damaged_lines_are_counted_and_left_out);
	tcase_add_test(state, transactions_are_found);
	tcase_add_test(state, many_outputs_are_found);
	tcase_add_test(state, too_many_destinations_are_an_error);
	tcase_add_test(state, a_small_arena_is_an_error_not_a_crash);
	suite_add_tcase(suite, state);
	return suite;
}
