/* The lines of a study's journal: one form, written and read; damaged ones are seen. */
#include <time.h>

#include "support/journal_fixture.h"

Suite *suite_journal_line(void);

START_TEST(a_line_is_what_the_header_says)
{
	struct buf b = BUF_INIT(4096);
	struct journal_entry e = {.word = JOURNAL_SENT,
				  .at_ms = 1764085399123,
				  .name = BYTES_LIT("pacs"),
				  .sop = uid_of("2.25.1217")};
	char want[128];
	const char *rest = "2025-11-25T15:43:19.123Z sent pacs 2.25.1217 0000";

	journal_write_line(&b, &e);
	snprintf(want, sizeof(want), "%08x %s\n", plain_crc32(rest, strlen(rest)), rest);
	ck_assert_str_eq((char *)b.at, want);
	buf_free(&b);
	/* the check value that every CRC-32 of this kind has */
	ck_assert_uint_eq(plain_crc32("123456789", 9), 0xCBF43926);
}
END_TEST

static const struct {
	const char *words;
	struct journal_entry e;
} line_cases[] = {
	{"source STATION%201 10.0.0.7 200",
	 {.word = JOURNAL_SOURCE,
	  .name = {(const uint8_t *)"STATION 1", 9},
	  .file = {(const uint8_t *)"10.0.0.7", 8},
	  .count = 200}},
	{"source - - 0", {.word = JOURNAL_SOURCE}},
	{"source %2D %25%00%C3%A4%0A 18446744073709551615",
	 {.word = JOURNAL_SOURCE,
	  .name = {(const uint8_t *)"-", 1},
	  .file = {(const uint8_t *)"%\0\xC3\xA4\n", 5},
	  .count = UINT64_MAX}},
	{"processing", {.word = JOURNAL_PROCESSING}},
	{"seen DCM 1.2 525312 -5",
	 {.word = JOURNAL_SEEN,
	  .type = {(const uint8_t *)"DCM", 3},
	  .sop = {"1.2"},
	  .count = 525312,
	  .mtime_ns = -5}},
	{"output OVERLAY 1.2.840 2.25.7 Addition/OVERLAY-1.dcm",
	 {.word = JOURNAL_OUTPUT,
	  .type = {(const uint8_t *)"OVERLAY", 7},
	  .class_uid = {"1.2.840"},
	  .sop = {"2.25.7"},
	  .file = {(const uint8_t *)"Addition/OVERLAY-1.dcm", 22}}},
	{"processed 3 9 abc",
	 {.word = JOURNAL_PROCESSED, .count = 3, .seen = 9, .digest = {(const uint8_t *)"abc", 3}}},
	{"sent a B007 B007", {.word = JOURNAL_WORDS}}, /* a UID that is none */
	{"sent a 1.2 B007",
	 {.word = JOURNAL_SENT,
	  .name = {(const uint8_t *)"a", 1},
	  .sop = {"1.2"},
	  .status = 0xB007}},
	{"failed a - connect 0000 no%20route",
	 {.word = JOURNAL_FAILED,
	  .name = {(const uint8_t *)"a", 1},
	  .class = JOURNAL_CONNECT,
	  .text = {(const uint8_t *)"no route", 8}}},
	{"failed a 1.2 permanent C000 -",
	 {.word = JOURNAL_FAILED,
	  .name = {(const uint8_t *)"a", 1},
	  .sop = {"1.2"},
	  .class = JOURNAL_PERMANENT,
	  .status = 0xC000}},
	{"commit-requested a 2.25.9 200",
	 {.word = JOURNAL_COMMIT_REQUESTED,
	  .name = {(const uint8_t *)"a", 1},
	  .transaction = {"2.25.9"},
	  .count = 200}},
	{"committed a 2.25.9",
	 {.word = JOURNAL_COMMITTED, .name = {(const uint8_t *)"a", 1}, .transaction = {"2.25.9"}}},
	{"commit-failed a 2.25.9 1.2 0112",
	 {.word = JOURNAL_COMMIT_FAILED,
	  .name = {(const uint8_t *)"a", 1},
	  .transaction = {"2.25.9"},
	  .sop = {"1.2"},
	  .status = 0x0112}},
	{"gave-up a three%20times",
	 {.word = JOURNAL_GAVE_UP,
	  .name = {(const uint8_t *)"a", 1},
	  .text = {(const uint8_t *)"three times", 11}}},
	{"done a", {.word = JOURNAL_DONE, .name = {(const uint8_t *)"a", 1}}},
	{"retry -", {.word = JOURNAL_RETRY}},
	{"reported", {.word = JOURNAL_REPORTED}},
	{"reported a", {.word = JOURNAL_WORDS}},
	/* what is no line though its CRC is right */
	{"", {.word = JOURNAL_WORDS}},
	{"dance a", {.word = JOURNAL_WORDS}},
	{"done", {.word = JOURNAL_WORDS}},
	{"done a b", {.word = JOURNAL_WORDS}},
	{"done a%2", {.word = JOURNAL_WORDS}},
	{"done a%ZZ", {.word = JOURNAL_WORDS}},
	{"done a\tb", {.word = JOURNAL_WORDS}},
	{"done  a", {.word = JOURNAL_WORDS}},
	{"sent a 1.2 000", {.word = JOURNAL_WORDS}},
	{"sent a 1.2 00000", {.word = JOURNAL_WORDS}},
	{"sent a 1.2 000G", {.word = JOURNAL_WORDS}},
	{"failed a - never 0000 -", {.word = JOURNAL_WORDS}},
	{"source a b -1", {.word = JOURNAL_WORDS}},
	{"source a b 18446744073709551616", {.word = JOURNAL_WORDS}},
	{"seen DCM 1.2 1 9223372036854775808", {.word = JOURNAL_WORDS}},
};

static void same_text(struct bytes encoded, struct bytes plain)
{
	char *out = journal_decode(encoded, &arena);

	for (size_t i = 0; i < plain.len; i++)
		ck_assert_int_eq(out[i], plain.at[i] == 0 ? '?' : (char)plain.at[i]);
	ck_assert_uint_eq(strlen(out), plain.len);
}

START_TEST(lines_are_read_and_written)
{
	const struct journal_entry *want = &line_cases[_i].e;
	struct journal_entry e = {.count = 4711};
	struct buf b = BUF_INIT(4096);

	add(1, line_cases[_i].words);
	if (want->word == JOURNAL_WORDS) {
		ck_assert_msg(!journal_parse_line(bytes_of(text, text_len - 1), &e), "%s",
			      line_cases[_i].words);
		ck_assert_uint_eq(e.count, 4711);
		return;
	}
	ck_assert_msg(journal_parse_line(bytes_of(text, text_len - 1), &e), "%s",
		      line_cases[_i].words);
	ck_assert_int_eq(e.word, want->word);
	ck_assert_uint_eq(e.at_ms, 1795600801000);
	ck_assert_uint_eq(e.count, want->count);
	ck_assert_uint_eq(e.seen, want->seen);
	ck_assert_int_eq(e.mtime_ns, want->mtime_ns);
	ck_assert_uint_eq(e.status, want->status);
	ck_assert_int_eq(e.class, want->class);
	ck_assert_str_eq(e.sop.text, want->sop.text);
	ck_assert_str_eq(e.class_uid.text, want->class_uid.text);
	ck_assert_str_eq(e.transaction.text, want->transaction.text);
	same_text(e.name, want->name);
	same_text(e.type, want->type);
	same_text(e.file, want->file);
	same_text(e.text, want->text);
	same_text(e.digest, want->digest);

	struct journal_entry again = *want;
	again.at_ms = e.at_ms;
	journal_write_line(&b, &again);
	text[text_len] = '\0';
	ck_assert_str_eq((char *)b.at, text);
	buf_free(&b);
}
END_TEST

START_TEST(a_changed_byte_damages_a_line)
{
	struct journal_entry e;

	add(1, "failed pacs 1.2.3 again A700 out%20of%20resources");
	for (size_t i = 0; i < text_len - 1; i++) {
		for (int bit = 0; bit < 8; bit++) {
			text[i] = (char)(text[i] ^ 1 << bit);
			/* a hexadecimal digit of the CRC in the other case is the same digit */
			bool same = i < 8 && bit == 5 && text[i] >= 'A';
			ck_assert_msg(journal_parse_line(bytes_of(text, text_len - 1), &e) == same,
				      "byte %zu bit %d", i, bit);
			text[i] = (char)(text[i] ^ 1 << bit);
		}
	}
}
END_TEST

static const char *const bad_times[] = {
	"2026-11-25T15:43:19.12Z",  "2026-11-25T15:43:19.1234Z",
	"2026-11-25 15:43:19.123Z", "2026-11-25T15:43:19.123",
	"1969-12-31T23:59:59.999Z", "2026-11-25T15:43:+9.123Z",
	"2026-11-25T15:43:19,123Z", "",
};

START_TEST(a_time_has_one_form)
{
	char rest[128];
	struct journal_entry e;

	snprintf(rest, sizeof(rest), "%s done a", bad_times[_i]);
	text_len = (size_t)snprintf(text, sizeof(text), "%08x %s", plain_crc32(rest, strlen(rest)),
				    rest);
	ck_assert(!journal_parse_line(bytes_of(text, text_len), &e));
}
END_TEST

START_TEST(times_are_days_of_the_calendar)
{
	/* times a week apart up to 2100, beside the C library */
	for (int64_t seconds = 0; seconds < 4102444800; seconds += 86399 * 7 + 1000) {
		struct buf b = BUF_INIT(256);
		struct journal_entry e = {.word = JOURNAL_PROCESSING,
					  .at_ms = (uint64_t)seconds * 1000 + 7};
		time_t t = (time_t)seconds;
		char want[32];
		struct tm tm;

		journal_write_line(&b, &e);
		gmtime_r(&t, &tm);
		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S.007Z", &tm);
		ck_assert_int_eq(memcmp(b.at + 9, want, 24), 0);
		e.at_ms = 0;
		ck_assert(journal_parse_line(bytes_of(b.at, b.len - 1), &e));
		ck_assert_uint_eq(e.at_ms, (uint64_t)seconds * 1000 + 7);
		buf_free(&b);
	}
}
END_TEST

START_TEST(a_long_text_is_cut)
{
	struct buf b = BUF_INIT(1 << 16);
	struct journal_entry e = {.word = JOURNAL_GAVE_UP, .at_ms = 1, .name = BYTES_LIT("a")};
	static uint8_t words[4096];

	memset(words, ' ', sizeof(words));
	e.text = bytes_of(words, sizeof(words));
	journal_write_line(&b, &e);
	ck_assert(journal_parse_line(bytes_of(b.at, b.len - 1), &e));
	ck_assert_uint_eq(strlen(journal_decode(e.text, &arena)), JOURNAL_TEXT);
	buf_free(&b);
}
END_TEST

#define COUNT_OF(table) ((int)(sizeof(table) / sizeof((table)[0])))

Suite *suite_journal_line(void)
{
	Suite *suite = suite_create("journal_line");
	TCase *lines = tcase_create("lines");

	tcase_add_checked_fixture(lines, set_up, tear_down);
	tcase_add_test(lines, a_line_is_what_the_header_says);
	tcase_add_loop_test(lines, lines_are_read_and_written, 0, COUNT_OF(line_cases));
	tcase_add_test(lines, a_changed_byte_damages_a_line);
	tcase_add_loop_test(lines, a_time_has_one_form, 0, COUNT_OF(bad_times));
	tcase_add_test(lines, times_are_days_of_the_calendar);
	tcase_add_test(lines, a_long_text_is_cut);
	suite_add_tcase(suite, lines);
	return suite;
}
