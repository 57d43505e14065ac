/*
 * Text into the character set of an image, and labels of merged ROIs: against bytes worked
 * out by hand from the code tables, and there and back through the decoder.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "dicom/charset.h"
#include "dicom/encode.h"
#include "series/overlay.h"
#include "support/support.h"

Suite *suite_encode(void);

static struct arena arena;

static void setup(void)
{
	ck_assert_int_eq(arena_open(&arena, 8u << 20, NULL), OK);
}

static void teardown(void)
{
	arena_close(&arena);
}

static struct bytes encode(const char *charset, struct bytes text, size_t max)
{
	struct text_encoder t;

	text_encoder_init(&t, bytes_str(charset), &arena);
	struct bytes out = text_encode(&t, text, max);
	ck_assert_ptr_nonnull(out.at);
	ck_assert_uint_le(out.len, max);
	return out;
}

/* ---- Exact bytes ---- */

#define ESC "\x1B"

static const struct {
	const char *charset, *text, *want;
} cases[] = {
	/* ASCII is the same everywhere */
	{"", "Spinal cord 0.5", "Spinal cord 0.5"},
	{"ISO_IR 100", "Spinal cord 0.5", "Spinal cord 0.5"},
	{"GB18030", "Spinal cord 0.5", "Spinal cord 0.5"},
	{"", "", ""},
	{"", "  padded  ", "padded"},
	/* what a set cannot say */
	{"", "Größe", "Gr??e"},
	{"ISO_IR 6", "Größe", "Gr??e"},
	{"ISO_IR 100", "Łódź",
	 "?\xF3"
	 "d?"},
	{"", "GTV?", "GTV?"},
	{"NONSENSE", "Größe", "Gr??e"},
	{"ISO_IR 999", "Größe", "Gr??e"},
	/* what would make two values, or end a line */
	{"", "a\\b", "a/b"},
	{"ISO_IR 192", "a\\b\tc\x1B[31m\nd", "a/b c [31m d"},
	{"ISO_IR 192",
	 "a\xC2\x85"
	 "b",
	 "a b"},
	/* broken UTF-8 */
	{"ISO_IR 192",
	 "a\xFF"
	 "b\xC3",
	 "a?b?"},
	/* single byte sets */
	{"ISO_IR 192", "Größe", "Größe"},
	{"ISO_IR 100", "Größe",
	 "Gr\xF6\xDF"
	 "e"},
	{"ISO 2022 IR 100", "Größe",
	 "Gr\xF6\xDF"
	 "e"},
	{"ISO_IR_100", "Größe",
	 "Gr\xF6\xDF"
	 "e"},
	{"ISO_IR 101", "Łódź",
	 "\xA3\xF3"
	 "d\xBC"},
	{"ISO_IR 144", "Люк", "\xBB\xEE\xDA"},
	{"ISO_IR 126", "Διον", "\xC4\xE9\xEF\xED"},
	{"ISO_IR 138", "שרון", "\xF9\xF8\xE5\xEF"},
	{"ISO_IR 13", "ﾔﾏﾀﾞ", "\xD4\xCF\xC0\xDE"},
	{"ISO_IR 13", "a~b", "a?b"},
	/* code extensions, home again at the end */
	{"\\ISO 2022 IR 87", "山田 A", ESC "$B;3ED" ESC "(B A"},
	{"\\ISO 2022 IR 87", "A山田", "A" ESC "$B;3ED" ESC "(B"},
	{"ISO 2022 IR 13\\ISO 2022 IR 87", "山田ﾔ", ESC "$B;3ED\xD4" ESC "(J"},
	{"\\ISO 2022 IR 149", "김희", ESC "$)C\xB1\xE8\xC8\xF1"},
	{"\\ISO 2022 IR 58", "中", ESC "$)A\xD6\xD0"},
	{"ISO 2022 IR 6\\ISO 2022 IR 126", "a Δ", "a " ESC "-F\xC4"},
	{"ISO 2022 IR 100\\ISO 2022 IR 144", "öЛö", "\xF6" ESC "-L\xBB" ESC "-A\xF6"},
	{"ISO 2022 IR 100\\ISO 2022 IR 144", "Л", ESC "-L\xBB" ESC "-A"},
	{"ISO_IR 100\\ISO_IR 144", "ö", "\xF6"},
	/* whole encodings */
	{"GB18030", "中a",
	 "\xD6\xD0"
	 "a"},
	{"GBK", "中a",
	 "\xD6\xD0"
	 "a"},
};

static size_t marks(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == '?';
	return n;
}

START_TEST(test_exact)
{
	struct text_encoder t;

	text_encoder_init(&t, bytes_str(cases[_i].charset), &arena);
	struct bytes got = text_encode(&t, bytes_str(cases[_i].text), 64);
	ck_assert_msg(bytes_eq_str(got, cases[_i].want), "\"%s\" in %s is \"%.*s\"", cases[_i].text,
		      cases[_i].charset, (int)got.len, (const char *)got.at);
	/* every mark that the text itself does not have stands for a letter that was lost */
	ck_assert(t.lossy == (marks(cases[_i].want) > marks(cases[_i].text)));
}
END_TEST

/* ---- There and back ---- */

static const char *const charsets[] = {
	"",
	"ISO_IR 192",
	"ISO_IR 100",
	"ISO_IR 101",
	"ISO_IR 109",
	"ISO_IR 110",
	"ISO_IR 144",
	"ISO_IR 127",
	"ISO_IR 126",
	"ISO_IR 138",
	"ISO_IR 148",
	"ISO_IR 203",
	"ISO_IR 166",
	"ISO_IR 13",
	"\\ISO 2022 IR 87",
	"ISO 2022 IR 13\\ISO 2022 IR 87\\ISO 2022 IR 159",
	"\\ISO 2022 IR 149",
	"\\ISO 2022 IR 58",
	"GB18030",
	"GBK",
	"ISO 2022 IR 100\\ISO 2022 IR 101\\ISO 2022 IR 144\\ISO 2022 IR 126\\ISO 2022 IR 87"};

static uint32_t next_code(uint32_t code)
{
	if (code < 0xE60 || code >= 0xFF00)
		return code + 1;
	return code < 0xFF00 - 101 ? code + 101 : 0xFF00;
}

/* Characters of the first plane, one by one: what is not '?' decodes to what it was, and no byte is
 * a backslash. */
START_TEST(test_round_trip)
{
	struct charset c = charset_parse(bytes_str(charsets[_i]));
	struct text_encoder t;
	struct buf back = BUF_INIT(4096);
	unsigned said = 0;

	text_encoder_init(&t, bytes_str(charsets[_i]), &arena);
	/* no set has this one, so all tables are made now, before the mark */
	ck_assert_ptr_nonnull(text_encode(&t, BYTES_LIT("\xEE\x80\x80"), 64).at);
	size_t mark = arena_mark(&arena);
	for (uint32_t code = 0xA1; code < 0xFFFD; code = next_code(code)) {
		uint8_t one[4];

		if (code >= 0xD800 && code < 0xF900)
			continue;
		unsigned n = utf8_put(one, code);
		struct bytes out = text_encode(&t, bytes_of(one, n), 64);
		if (out.at == NULL || out.len == 0 || memchr(out.at, '\\', out.len) != NULL)
			ck_abort_msg("U+%04X: nothing, or a backslash", code);
		if (!bytes_eq_str(out, "?")) {
			said++;
			back.len = 0;
			charset_to_utf8(&c, VR_LO, out, &back);
			if (!bytes_eq(buf_bytes(&back), bytes_of(one, n)))
				ck_abort_msg("U+%04X does not come back", code);
		}
		arena_reset(&arena, mark);
	}
	buf_free(&back);
	ck_assert_uint_ge(said, charsets[_i][0] == '\0' ? 0 : 25);
}
END_TEST

/* ---- Cutting ---- */

START_TEST(test_cut)
{
	char ascii[80], umlauts[161];
	struct bytes got;

	memset(ascii, 'a', sizeof(ascii));
	got = encode("", bytes_of(ascii, 64), 64);
	ck_assert(got.len == 64 && got.at[63] == 'a');
	got = encode("", bytes_of(ascii, 65), 64);
	ck_assert(got.len == 64 && got.at[60] == 'a' && memcmp(got.at + 61, "...", 3) == 0);
	for (unsigned i = 0; i < 80; i++)
		memcpy(umlauts + 2 * i, "\xC3\xB6", 2);
	/* 64 characters are 64 bytes in Latin-1 and 128 in UTF-8 */
	got = encode("ISO_IR 100", bytes_of(umlauts, 128), 64);
	ck_assert(got.len == 64 && got.at[63] == 0xF6);
	got = encode("ISO_IR 192", bytes_of(umlauts, 64), 64);
	ck_assert(got.len == 64 && utf8_valid(got));
	got = encode("ISO_IR 192", bytes_of(umlauts, 66), 64);
	ck_assert(got.len == 63 && utf8_valid(got) && memcmp(got.at + 60, "...", 3) == 0);
	/* an escape sequence home is never cut off */
	for (unsigned i = 0; i < 40; i++)
		memcpy(umlauts + 3 * i, "\xE5\xB1\xB1", 3);
	got = encode("\\ISO 2022 IR 87", bytes_of(umlauts, 120), 64);
	ck_assert_msg(got.len >= 62 && memcmp(got.at + got.len - 6, ESC "(B...", 6) == 0,
		      "%zu bytes", got.len);
	for (size_t max = 4; max < 64; max++)
		ck_assert(encode("\\ISO 2022 IR 87", bytes_of(umlauts, 120), max).len <= max);
}
END_TEST

START_TEST(test_arena_sweep)
{
	bool done = false;

	for (size_t cap = 16; cap < 1u << 20 && !done; cap += 512) {
		struct text_encoder t;
		struct arena a;

		ck_assert_int_eq(arena_open(&a, cap, NULL), OK);
		text_encoder_init(&t, BYTES_LIT("\\ISO 2022 IR 87"), &a);
		struct bytes out = text_encode(&t, BYTES_LIT("\xE5\xB1\xB1"), 64);
		done = out.at != NULL && !bytes_eq_str(out, "?");
		arena_close(&a);
	}
	ck_assert(done);
}
END_TEST

/* ---- Labels ---- */

static const struct {
	const char *names[8];
	const char *want;
} labels[] = {
	{{NULL}, ""},
	{{"GTV"}, "GTV"},
	{{"GTV", "CTV", "PTV"}, "GTV, CTV, PTV"},
	{{"0123456789012345678901234567890123456789012345678901234567890123"},
	 "0123456789012345678901234567890123456789012345678901234567890123"},
	{{"01234567890123456789012345678901234567890123456789012345678901234"},
	 "0123456789012345678901234567890123456789012345678901234567890..."},
	{{"0123456789012345678901234567890123456789012345678901234567890123", "b", "c"},
	 "01234567890123456789012345678901234567890123456789012... +2 more"},
	{{"01234567890123456789012345678", "0123456789012345678901234567890123"},
	 "01234567890123456789012345678 +1 more"},
	{{"01234567890123456789012345678", "012345678901234567890123456789012"},
	 "01234567890123456789012345678, 012345678901234567890123456789012"},
	{{"0123456789", "0123456789", "0123456789", "0123456789", "0123456789", "0123456789"},
	 "0123456789, 0123456789, 0123456789, 0123456789 +2 more"},
	{{"äöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöü"}, "äöüäöüäöüäöüäöüäöüäöüäöüäöüäöü..."},
};

START_TEST(test_label)
{
	struct bytes names[8];
	char out[OVERLAY_LABEL_MAX + 1];
	size_t count = 0;

	for (; count < 8 && labels[_i].names[count] != NULL; count++)
		names[count] = bytes_str(labels[_i].names[count]);
	overlay_label(names, count, out);
	ck_assert_str_eq(out, labels[_i].want);
}
END_TEST

/* Any number of names of any length: fits, is UTF-8, and counts right. */
START_TEST(test_label_sweep)
{
	static struct bytes names[1200];
	static char text[80];

	memset(text, 'n', sizeof(text));
	for (size_t len = 0; len < sizeof(text); len++) {
		for (size_t count = 0; count <= 1200; count += count < 40 ? 1 : 97) {
			char out[OVERLAY_LABEL_MAX + 1];
			unsigned shown = 1, more = 0;

			for (size_t i = 0; i < count; i++)
				names[i] = bytes_of(text, len);
			overlay_label(names, count, out);
			ck_assert_uint_le(strlen(out), OVERLAY_LABEL_MAX);
			const char *plus = strchr(out, '+');
			if (plus != NULL)
				ck_assert_int_eq(sscanf(plus, "+%u more", &more), 1);
			for (const char *p = out; *p != '\0'; p++)
				shown += *p == ',';
			if (count > 0)
				ck_assert_uint_eq(shown + more, count);
		}
	}
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

Suite *suite_encode(void)
{
	Suite *s = suite_create("encode");
	TCase *tc = tcase_create("text");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_exact, 0, COUNT(cases));
	tcase_add_loop_test(tc, test_round_trip, 0, COUNT(charsets));
	tcase_add_test(tc, test_cut);
	tcase_add_test(tc, test_arena_sweep);
	tcase_add_loop_test(tc, test_label, 0, COUNT(labels));
	tcase_add_test(tc, test_label_sweep);
	suite_add_tcase(s, tc);
	return s;
}
