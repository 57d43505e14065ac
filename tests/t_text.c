/*
 * Letters and text: every letter that is promised is drawn and unlike every other; lines break
 * where they should, and a label fits its image.
 */
#include <check.h>
#include <stdio.h>

#include "image/text.h"
#include "support/mask_check.h"

Suite *suite_text(void);

/* ---- the font ---- */

static bool is_blank(uint32_t code)
{
	return code == ' ' || code == 0xA0;
}

static const struct {
	const char *name;
	uint32_t from, to;
} ranges[] = {
	{"ASCII", 0x20, 0x7E},
	{"Latin-1", 0xA0, 0xFF},
	{"Latin Extended-A", 0x100, 0x17F},
	{"comma below", 0x218, 0x21B},
	{"capital sharp s", 0x1E9E, 0x1E9E},
	{"dashes", 0x2013, 0x2014},
	{"quotes", 0x2018, 0x201A},
	{"double quotes", 0x201C, 0x201E},
	{"dagger, ..., bullet", 0x2020, 0x2020},
	{"bullet", 0x2022, 0x2022},
	{"ellipsis", 0x2026, 0x2026},
	{"euro", 0x20AC, 0x20AC},
	{"trade mark", 0x2122, 0x2122},
	{"minus", 0x2212, 0x2212},
};

START_TEST(test_all_drawn)
{
	for (uint32_t code = ranges[_i].from; code <= ranges[_i].to; code++)
		for (enum font_face face = FONT_REGULAR; face <= FONT_SMALL; face++) {
			struct glyph g = font_glyph(face, code);
			unsigned dots = 0, beyond = 0;

			for (unsigned r = 0; r < FONT_ROWS_MAX; r++) {
				dots |= g.dots[r];
				if (r >= font_rows(face))
					beyond |= g.dots[r];
			}
			ck_assert_msg(font_has(face, code), "U+%04X of %d is not drawn", code,
				      face);
			ck_assert_msg(g.cols >= 1 && g.cols <= FONT_COLS_MAX &&
					      (dots >> g.cols) == 0 && beyond == 0,
				      "U+%04X of %d is outside of its cell", code, face);
			ck_assert_msg((dots == 0) == is_blank(code), "U+%04X of %d", code, face);
		}
}
END_TEST

static bool same_glyph(const struct glyph *a, const struct glyph *b)
{
	return a->cols == b->cols && memcmp(a->dots, b->dots, sizeof(a->dots)) == 0;
}

/* Two letters that look alike in every typeface. */
static bool twins(uint32_t a, uint32_t b)
{
	static const uint32_t pairs[][2] = {
		{' ', 0xA0},   /* no-break space */
		{'-', 0xAD},   /* soft hyphen */
		{'x', 0xD7},   /* times */
		{0xD0, 0x110}, /* Eth, D with a stroke */
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (pairs[i][0] == a && pairs[i][1] == b)
			return true;
	return false;
}

/* A reader can tell any two letters of a word apart. */
START_TEST(test_all_differ)
{
	for (uint32_t a = 0x20; a < 0x180; a++)
		for (uint32_t b = 0x20; b < a; b++) {
			struct glyph x = font_glyph(FONT_REGULAR, a);
			struct glyph y = font_glyph(FONT_REGULAR, b);

			if (!font_has(FONT_REGULAR, a) || !font_has(FONT_REGULAR, b))
				continue;
			ck_assert_msg(!same_glyph(&x, &y) || twins(b, a), "U+%04X looks as U+%04X",
				      a, b);
		}
	for (uint32_t a = '0'; a <= 'Z'; a++)
		for (uint32_t b = '0'; b < a; b++) {
			struct glyph x = font_glyph(FONT_SMALL, a), y = font_glyph(FONT_SMALL, b);

			ck_assert_msg(!same_glyph(&x, &y), "small %c looks as %c", (int)a, (int)b);
		}
}
END_TEST

START_TEST(test_boxes_and_capitals)
{
	static const uint32_t pairs[][2] = {{'a', 'A'},     {'z', 'Z'},     {0xE9, 0xC9},
					    {0xFF, 0x178},  {0x101, 0x100}, {0x13A, 0x139},
					    {0x148, 0x147}, {0x14B, 0x14A}, {0x17E, 0x17D},
					    {0xDF, 0x1E9E}, {0x131, 'I'},   {0x219, 0x218}};
	struct glyph box = font_glyph(FONT_REGULAR, 0x4E00),
		     other = font_glyph(FONT_REGULAR, 0xFFFD);

	ck_assert(!font_has(FONT_REGULAR, 0x4E00) && !font_has(FONT_SMALL, 0));
	ck_assert(same_glyph(&box, &other));
	ck_assert_uint_eq(box.dots[font_cap_top(FONT_REGULAR)], 0x1F);
	ck_assert_uint_eq(box.dots[font_cap_top(FONT_REGULAR) + 1], 0x11);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct glyph x = font_glyph(FONT_SMALL, pairs[i][0]);
		struct glyph y = font_glyph(FONT_SMALL, pairs[i][1]);

		ck_assert_msg(same_glyph(&x, &y), "U+%04X", pairs[i][0]);
	}
	for (uint32_t c = '1'; c <= '9'; c++) /* digits stand in columns */
		ck_assert_uint_eq(font_glyph(FONT_REGULAR, c).cols,
				  font_glyph(FONT_REGULAR, '0').cols);
}
END_TEST

/* ---- drawing ---- */

/* Text art: rows divided by '/'. */
static void art_is(const struct mask *m, const char *want)
{
	char have[4096];
	size_t n = 0;

	for (uint32_t r = 0; r < m->rows; r++) {
		for (uint32_t c = 0; c < m->cols; c++)
			have[n++] = mask_get(m, c, r) ? '#' : '.';
		have[n++] = '/';
	}
	have[n] = '\0';
	ck_assert_str_eq(have, want);
}

START_TEST(test_draw)
{
	struct mask m = mask_new(15, 12);

	text_draw(&m, 0, 0, (struct text_style){FONT_REGULAR, 1}, bytes_str("\xC3\x84g!"));
	art_is(&m, ".............../.#.#.........../.............../" /* a diaeresis */
		   ".###........#../#...#.......#../#...#..####.#../#####.#...#.#../"
		   "#...#.#...#..../#...#.#...#..../#...#..####.#../"
		   "..........#..../.......###...../"); /* a descender */
	mask_clear(&m);
	text_draw(&m, -2, -12, (struct text_style){FONT_REGULAR, 2}, bytes_str("L")); /* clipped */
	art_is(&m, ".............../.............../.............../.............../"
		   ".............../.............../########......./########......./"
		   ".............../.............../.............../.............../");
	ck_assert_uint_eq(text_cols((struct text_style){FONT_REGULAR, 3}, bytes_str("Lg")), 33);
	ck_assert_uint_eq(text_cols((struct text_style){FONT_REGULAR, 3}, BYTES_NONE), 0);
	mask_free(&m);
}
END_TEST

/* ---- lines ---- */

#define DISCLAIMER "FOR RESEARCH USE ONLY - NOT FOR CLINICAL USE"

static const struct {
	const char *name, *text;
	uint32_t cols, rows;
	const char *want; /* lines divided by '|'; NULL: nothing fits */
} wraps[] = {
	{"one line", "AB CD", 100, 100, "AB CD"},
	{"exactly as wide", "AB", 11, 7, "AB"},
	{"a column less", "AB", 10, 30, "A|B"},
	{"one letter exactly", "A", 5, 7, "A"},
	{"too narrow", "A", 4, 7, NULL},
	{"too low", "A", 5, 6, NULL},
	{"empty", "", 100, 100, NULL},
	{"only spaces", "  \n ", 100, 100, NULL},
	{"at a space", "AAA BBB", 30, 100, "AAA|BBB"},
	{"spaces go at a break", "AAA    BBB   ", 30, 100, "AAA|BBB"},
	{"even lines", "AA BB CC DD", 56, 100, "AA BB|CC DD"},
	{"line ends", "A\nBB\r\nC", 100, 100, "A|BB|C"},
	{"an empty line between", "A\n\nB", 100, 100, "A||B"},
	{"a long word is broken", "ABCDEFG", 25, 100, "ABCD|EFG"},
	{"UTF-8", "\xC3\x84\xC3\x96 \xC5\x81\xC3\xB3", 16, 100,
	 "\xC3\x84\xC3\x96|\xC5\x81\xC3\xB3"},
	{"broken UTF-8", "\xC3(\xFF", 100, 100, "\xC3(\xFF"},
	{"the default", DISCLAIMER, 200, 100, "FOR RESEARCH USE ONLY -|NOT FOR CLINICAL USE"},
	{"a dash stays with its word", "AAA - BB", 30, 100, "AAA -|BB"},
	{"so does a longer one", "AAA \xE2\x80\x93 BB", 32, 100, "AAA \xE2\x80\x93|BB"},
	{"a hyphen in a word is none", "AAA -B CC", 30, 100, "AAA|-B CC"},
	{"cut", "AAAA BBBB CCCC", 23, 16, "AAAA|BBB"},
	{"cut in a line", "ABCDEFGH", 23, 7, "ABC"},
};

START_TEST(test_wrap)
{
	struct text_block b;
	char have[256] = "";
	bool fits = text_wrap(&b, bytes_str(wraps[_i].text), (struct text_style){FONT_REGULAR, 1},
			      wraps[_i].cols, wraps[_i].rows);

	ck_assert_int_eq(fits, wraps[_i].want != NULL);
	if (!fits)
		return;
	for (uint32_t i = 0; i < b.count; i++) {
		size_t at = strlen(have);

		snprintf(have + at, sizeof(have) - at, "%s%.*s", i > 0 ? "|" : "",
			 (int)b.lines[i].text.len, (const char *)b.lines[i].text.at);
		ck_assert_uint_le(b.lines[i].cols, b.cols);
		if (!b.cut)
			ck_assert_uint_eq(b.lines[i].cols, text_cols(b.style, b.lines[i].text));
	}
	ck_assert_str_eq(have, wraps[_i].want);
	ck_assert_uint_le(b.cols, wraps[_i].cols);
	ck_assert_uint_le(b.rows, wraps[_i].rows);
	ck_assert_int_eq(b.cut, strncmp(wraps[_i].name, "cut", 3) == 0);

	/* What is drawn lies in the box, and touches all four of its sides but for gaps of letters.
	 */
	struct mask m = mask_new(300, 200), box = mask_new(300, 200);
	text_block_draw(&m, 20, 30, &b);
	for (uint32_t r = 0; r < b.rows; r++)
		mask_set(&box, 30 + r, 20, 20 + b.cols);
	ck_assert(!mask_is_empty(&m));
	mask_andnot(&m, &box);
	ck_assert(mask_is_empty(&m));
	mask_free(&m);
	mask_free(&box);
}
END_TEST

/* ---- labels ---- */

static const struct {
	const char *name, *text;
	uint32_t cols, rows;
	enum font_face face;
	uint32_t scale, lines;
	bool cut;
} labels[] = {
	{"CT", DISCLAIMER, 512, 512, FONT_REGULAR, 2, 1, false},
	{"MR", DISCLAIMER, 256, 256, FONT_REGULAR, 1, 1, false},
	{"PET", DISCLAIMER, 200, 200, FONT_REGULAR, 1, 2, false},
	{"PET 168", DISCLAIMER, 168, 168, FONT_REGULAR, 1, 2, false},
	{"PET 128", DISCLAIMER, 128, 128, FONT_SMALL, 1, 2, false},
	{"64 x 64", DISCLAIMER, 64, 64, FONT_SMALL, 1, 3, false},
	{"32 x 32", DISCLAIMER, 32, 32, FONT_SMALL, 1, 5, true},
	{"8 x 8", DISCLAIMER, 8, 8, FONT_SMALL, 1, 1, true},
	{"1024", DISCLAIMER, 1024, 1024, FONT_REGULAR, 4, 1, false},
	{"4096", DISCLAIMER, 4096, 4096, FONT_REGULAR, 16, 1, false},
	{"wide", DISCLAIMER, 4096, 512, FONT_REGULAR, 2, 1, false},
	{"tall", DISCLAIMER, 300, 2000, FONT_REGULAR, 1, 1, false},
	{"short text", "X", 512, 512, FONT_REGULAR, 2, 1, false},
	{"largest", DISCLAIMER, 65535, 65535, FONT_REGULAR, 260, 1, false},
};

START_TEST(test_label)
{
	uint32_t cols = labels[_i].cols, rows = labels[_i].rows;

	for (enum text_corner corner = TEXT_BOTTOM_RIGHT; corner <= TEXT_TOP_LEFT; corner++) {
		struct text_label t;
		bool right = corner == TEXT_BOTTOM_RIGHT || corner == TEXT_TOP_RIGHT;
		bool bottom = corner == TEXT_BOTTOM_RIGHT || corner == TEXT_BOTTOM_LEFT;

		ck_assert(text_place(&t, bytes_str(labels[_i].text), corner, cols, rows));
		ck_assert_int_eq(t.block.style.face, labels[_i].face);
		ck_assert_uint_eq(t.block.style.scale, labels[_i].scale);
		ck_assert_uint_eq(t.block.count, labels[_i].lines);
		ck_assert_int_eq(t.block.cut, labels[_i].cut);
		ck_assert(t.col + t.cols <= cols && t.row + t.rows <= rows);
		if (labels[_i].face == FONT_REGULAR) /* it leaves the image to be looked at */
			ck_assert_uint_le((uint64_t)t.cols * t.rows * 10, (uint64_t)cols * rows);
		/* nearer to its corner than to the others */
		ck_assert(right ? cols - (t.col + t.cols) <= t.col
				: t.col <= cols - (t.col + t.cols));
		ck_assert(bottom ? rows - (t.row + t.rows) <= t.row
				 : t.row <= rows - (t.row + t.rows));
	}
}
END_TEST

/* A border of at least one dot around the letters, on all sides; every size of image up to 300. */
START_TEST(test_label_inside)
{
	static const char *const texts[] = {DISCLAIMER, "\xC3\x84gj", "N\nM"};

	for (uint32_t cols = 1; cols < 300; cols += 1 + cols / 9)
		for (uint32_t rows = 1; rows < 300; rows += 1 + rows / 9) {
			struct text_label t;

			if (!text_place(&t, bytes_str(texts[_i]), TEXT_TOP_RIGHT, cols, rows)) {
				ck_assert(cols < 8 || rows < 10);
				continue;
			}
			struct mask m = mask_new(cols, rows);
			text_label_draw(&m, &t);
			must(!mask_is_empty(&m), "%u x %u: no letter", cols, rows);
			for (uint32_t r = 0; r < rows; r++) {
				uint32_t from, to;

				for (to = 0; mask_run(&m, r, &from, &to);)
					must(r > t.row && r + 1 < t.row + t.rows && from > t.col &&
						     to < t.col + t.cols,
					     "%u x %u: a letter in the border", cols, rows);
			}
			mask_free(&m);
		}
}
END_TEST

/* Longer than anything: it is cut, and says so. */
START_TEST(test_endless)
{
	static char text[5000];
	struct text_label t;

	memset(text, 'W', sizeof(text) - 1);
	ck_assert(text_place(&t, bytes_str(text), TEXT_BOTTOM_LEFT, 4096, 4096));
	ck_assert(t.block.cut);
	for (size_t i = 3; i < sizeof(text) - 1; i += 4)
		text[i] = '\n';
	ck_assert(text_place(&t, bytes_str(text), TEXT_BOTTOM_LEFT, 4096, 4096));
	ck_assert(t.block.cut && t.block.count == TEXT_LINES_MAX);
}
END_TEST

Suite *suite_text(void)
{
	Suite *s = suite_create("text");
	TCase *tc = tcase_create("font");

	tcase_add_loop_test(tc, test_all_drawn, 0, sizeof(ranges) / sizeof(ranges[0]));
	tcase_add_test(tc, test_all_differ);
	tcase_add_test(tc, test_boxes_and_capitals);
	suite_add_tcase(s, tc);
	tc = tcase_create("drawing");
	tcase_add_test(tc, test_draw);
	suite_add_tcase(s, tc);
	tc = tcase_create("layout");
	tcase_add_loop_test(tc, test_wrap, 0, sizeof(wraps) / sizeof(wraps[0]));
	tcase_add_loop_test(tc, test_label, 0, sizeof(labels) / sizeof(labels[0]));
	tcase_add_loop_test(tc, test_label_inside, 0, 3);
	tcase_add_test(tc, test_endless);
	suite_add_tcase(s, tc);
	return s;
}
