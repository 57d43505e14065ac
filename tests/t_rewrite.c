/*
 * Rewriting: what is asked for changes, every other byte stays; against rows written by
 * hand, and against a slow model on data sets at random.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/build.h"
#include "dicom/rewrite.h"
#include "support/hex.h"

Suite *suite_rewrite(void);

static struct arena arena;

static void setup(void)
{
	ck_assert_int_eq(arena_open(&arena, 16u << 20, NULL), OK);
}

static void teardown(void)
{
	arena_close(&arena);
}

static struct buf joined(const struct bytes *views, size_t count)
{
	struct buf out = BUF_INIT(1u << 20);

	for (size_t i = 0; i < count; i++) {
		ck_assert_uint_gt(views[i].len, 0);
		buf_add(&out, views[i]);
	}
	ck_assert(!out.failed);
	return out;
}

/* ---- Rows, implicit VR unless the syntax says otherwise ---- */

#define EDITS 4

static const struct {
	const char *name;
	char syntax;
	const char *in;
	struct {
		uint32_t tag;
		const char *encoded;
	} edits[EDITS];
	const char *want;
} rows[] = {
	{"nothing at all", 'I', "", {{0, NULL}}, ""},
	{"no edit",
	 'I',
	 "0800 1800 02000000 '1' 00 1000 1000 00000000",
	 {{0, NULL}},
	 "0800 1800 02000000 '1' 00 1000 1000 00000000"},
	{"no edit, every oddity",
	 'E',
	 "0800 1511 'SQ' 0000 FFFFFFFF FEFF 00E0 FFFFFFFF FEFF 0DE0 04000000 FEFF DDE0 00000000"
	 "0800 0000 'UL' 0400 FFFFFFFF 1000 1000 'pn' 0300 'abc' 1000 1000 'PN' 0000"
	 "FEFF 0DE0 00000000 0900 1000 04000000 'ACME' 0000000000000000 00",
	 {{0, NULL}},
	 "0800 1511 'SQ' 0000 FFFFFFFF FEFF 00E0 FFFFFFFF FEFF 0DE0 04000000 FEFF DDE0 00000000"
	 "0800 0000 'UL' 0400 FFFFFFFF 1000 1000 'pn' 0300 'abc' 1000 1000 'PN' 0000"
	 "FEFF 0DE0 00000000 0900 1000 04000000 'ACME' 0000000000000000 00"},
	{"replaced",
	 'I',
	 "0800 1800 02000000 '1' 00 1000 1000 00000000",
	 {{0x00080018, "0800 1800 04000000 '1.2' 00"}},
	 "0800 1800 04000000 '1.2' 00 1000 1000 00000000"},
	{"the last one replaced",
	 'I',
	 "0800 1800 00000000 1000 1000 02000000 'ab'",
	 {{0x00100010, "1000 1000 00000000"}},
	 "0800 1800 00000000 1000 1000 00000000"},
	{"removed",
	 'I',
	 "0800 1800 02000000 '1' 00 1000 1000 00000000",
	 {{0x00080018, ""}},
	 "1000 1000 00000000"},
	{"the only one removed", 'I', "0800 1800 02000000 '1' 00", {{0x00080018, ""}}, ""},
	{"removed, but not there",
	 'I',
	 "0800 1800 00000000",
	 {{0x00080016, ""}, {0x00100010, ""}},
	 "0800 1800 00000000"},
	{"put in front",
	 'I',
	 "0800 1800 00000000",
	 {{0x00080005, "0800 0500 00000000"}},
	 "0800 0500 00000000 0800 1800 00000000"},
	{"put between",
	 'I',
	 "0800 0500 00000000 0800 1800 00000000",
	 {{0x00080008, "0800 0800 00000000"}},
	 "0800 0500 00000000 0800 0800 00000000 0800 1800 00000000"},
	{"put last",
	 'I',
	 "0800 0500 00000000",
	 {{0x00080008, "0800 0800 00000000"}},
	 "0800 0500 00000000 0800 0800 00000000"},
	{"put into nothing", 'I', "", {{0x00080008, "0800 0800 00000000"}}, "0800 0800 00000000"},
	{"put before padding",
	 'I',
	 "0800 0500 00000000 000000000000000000",
	 {{0x00080008, "0800 0800 00000000"}},
	 "0800 0500 00000000 0800 0800 00000000 000000000000000000"},
	{"several",
	 'I',
	 "0800 0500 00000000 0800 1800 00000000 1000 1000 00000000 2000 1100 00000000",
	 {{0x00080008, "0800 0800 02000000 'xx'"},
	  {0x00080018, ""},
	  {0x00100020, "1000 2000 02000000 'yy'"},
	  {0x00200011, "2000 1100 02000000 'zz'"}},
	 "0800 0500 00000000 0800 0800 02000000 'xx' 1000 1000 00000000"
	 "1000 2000 02000000 'yy' 2000 1100 02000000 'zz'"},
	{"repeats are dropped with a replacement",
	 'I',
	 "1000 1000 02000000 'aa' 1000 1000 02000000 'bb' 1000 2000 00000000 1000 1000 02000000 "
	 "'cc'",
	 {{0x00100010, "1000 1000 02000000 'xx'"}},
	 "1000 1000 02000000 'xx' 1000 2000 00000000"},
	{"repeats are all removed",
	 'I',
	 "1000 1000 02000000 'aa' 1000 2000 00000000 1000 1000 02000000 'cc'",
	 {{0x00100010, ""}},
	 "1000 2000 00000000"},
	{"repeats stay where they are not asked about",
	 'I',
	 "1000 1000 02000000 'aa' 1000 1000 02000000 'bb'",
	 {{0x00100020, "1000 2000 00000000"}},
	 "1000 1000 02000000 'aa' 1000 1000 02000000 'bb' 1000 2000 00000000"},
	{"disordered: before the first greater tag",
	 'I',
	 "0800 0500 00000000 2000 1100 00000000 1000 1000 00000000",
	 {{0x00100020, "1000 2000 00000000"}},
	 "0800 0500 00000000 1000 2000 00000000 2000 1100 00000000 1000 1000 00000000"},
	{"disordered: replaced in its place",
	 'I',
	 "2000 1100 00000000 1000 1000 00000000 0800 0500 00000000",
	 {{0x00100010, "1000 1000 02000000 'xx'"}},
	 "2000 1100 00000000 1000 1000 02000000 'xx' 0800 0500 00000000"},
	{"only the top level",
	 'I',
	 "0800 1511 12000000 FEFF 00E0 0A000000 1000 1000 02000000 'in' 1000 1000 02000000 'up'",
	 {{0x00100010, ""}},
	 "0800 1511 12000000 FEFF 00E0 0A000000 1000 1000 02000000 'in'"},
	{"a sequence of undefined length removed",
	 'I',
	 "0800 1511 FFFFFFFF FEFF 00E0 FFFFFFFF 1000 1000 00000000 FEFF 0DE0 00000000"
	 "FEFF DDE0 00000000 1000 1000 02000000 'up'",
	 {{0x00081115, ""}},
	 "1000 1000 02000000 'up'"},
	{"before encapsulated pixel data",
	 'E',
	 "2800 1000 'US' 0200 0100 E07F 1000 'OB' 0000 FFFFFFFF FEFF 00E0 00000000"
	 "FEFF 00E0 02000000 FFD8 FEFF DDE0 00000000",
	 {{0x60003000, "0060 0030 'OW' 0000 02000000 0100"}},
	 "2800 1000 'US' 0200 0100 0060 0030 'OW' 0000 02000000 0100"
	 "E07F 1000 'OB' 0000 FFFFFFFF FEFF 00E0 00000000"
	 "FEFF 00E0 02000000 FFD8 FEFF DDE0 00000000"},
	{"stray delimiters stay",
	 'E',
	 "1000 1000 'PN' 0000 FEFF DDE0 00000000 1000 2000 'LO' 0000",
	 {{0x00100040, "1000 4000 'CS' 0000"}},
	 "1000 1000 'PN' 0000 FEFF DDE0 00000000 1000 2000 'LO' 0000 1000 4000 'CS' 0000"},
	{"the unclosed last one replaced",
	 'I',
	 "0800 0500 00000000 0800 1511 FFFFFFFF FEFF 00E0 00000000",
	 {{0x00081115, "0800 1511 00000000"}},
	 "0800 0500 00000000 0800 1511 00000000"},
	{"put before the unclosed last one",
	 'I',
	 "0800 0500 00000000 0800 1511 FFFFFFFF FEFF 00E0 00000000",
	 {{0x00080008, "0800 0800 00000000"}},
	 "0800 0500 00000000 0800 0800 00000000 0800 1511 FFFFFFFF FEFF 00E0 00000000"},

	{"group length, implicit",
	 'I',
	 "0800 0000 04000000 0A000000 0800 1800 02000000 '1' 00 1000 0000 04000000 07000000"
	 "1000 1000 00000000",
	 {{0x00080005, "0800 0500 02000000 'xy'"}, {0x00080018, "0800 1800 04000000 '1.2' 00"}},
	 "0800 0000 04000000 16000000 0800 0500 02000000 'xy' 0800 1800 04000000 '1.2' 00"
	 "1000 0000 04000000 07000000 1000 1000 00000000"},
	{"group length, explicit",
	 'E',
	 "0800 0000 'UL' 0400 63000000 0800 1800 'UI' 0200 '1' 00",
	 {{0x00080005, "0800 0500 'CS' 0200 'xy'"}},
	 "0800 0000 'UL' 0400 14000000 0800 0500 'CS' 0200 'xy' 0800 1800 'UI' 0200 '1' 00"},
	{"group length, big endian",
	 'B',
	 "0008 0000 'UL' 0004 00000063 0008 0018 'UI' 0002 '1' 00",
	 {{0x00080005, "0008 0005 'CS' 0002 'xy'"}},
	 "0008 0000 'UL' 0004 00000014 0008 0005 'CS' 0002 'xy' 0008 0018 'UI' 0002 '1' 00"},
	{"group length, something removed",
	 'I',
	 "0800 0000 04000000 12000000 0800 0500 02000000 'xy' 0800 1800 00000000",
	 {{0x00080005, ""}},
	 "0800 0000 04000000 08000000 0800 1800 00000000"},
	{"group length, removed though not there",
	 'I',
	 "0800 0000 04000000 63000000 0800 1800 00000000",
	 {{0x00080005, ""}},
	 "0800 0000 04000000 63000000 0800 1800 00000000"},
	{"group length, all removed",
	 'I',
	 "0800 0000 04000000 08000000 0800 1800 00000000",
	 {{0x00080018, ""}},
	 "0800 0000 04000000 00000000"},
	{"group length, itself removed",
	 'I',
	 "0800 0000 04000000 08000000 0800 1800 00000000",
	 {{0x00080000, ""}, {0x00080018, ""}},
	 ""},
	{"group length, with elements out of order",
	 'I',
	 "0800 0000 04000000 00000000 1000 1000 00000000 0800 1800 02000000 '1' 00",
	 {{0x00080005, "0800 0500 00000000"}},
	 "0800 0000 04000000 12000000 0800 0500 00000000 1000 1000 00000000 0800 1800 02000000 '1' "
	 "00"},
	{"group length, twice: the first counts",
	 'I',
	 "0800 0000 04000000 01000000 0800 0000 04000000 02000000 0800 1800 00000000",
	 {{0x00080005, "0800 0500 00000000"}},
	 "0800 0000 04000000 10000000 0800 0000 04000000 02000000 0800 0500 00000000 0800 1800 "
	 "00000000"},
	{"group length of a wrong size stays",
	 'I',
	 "0800 0000 02000000 0100 0800 1800 00000000",
	 {{0x00080005, "0800 0500 00000000"}},
	 "0800 0000 02000000 0100 0800 0500 00000000 0800 1800 00000000"},
	{"two group lengths",
	 'I',
	 "0800 0000 04000000 00000000 1000 0000 04000000 00000000",
	 {{0x00080005, "0800 0500 00000000"}, {0x00100010, "1000 1000 02000000 'ab'"}},
	 "0800 0000 04000000 08000000 0800 0500 00000000 1000 0000 04000000 0A000000"
	 "1000 1000 02000000 'ab'"},
};

static const struct syntax *syntax_of(char letter)
{
	return letter == 'I'   ? &syntax_implicit_le
	       : letter == 'B' ? &syntax_explicit_be
			       : &syntax_explicit_le;
}

START_TEST(test_rows)
{
	struct bytes in = hex(rows[_i].in), want = hex(rows[_i].want), encoded[EDITS];
	struct edit edits[EDITS];
	struct bytes *views = NULL;
	struct dset d;
	struct fault f = {0};
	size_t edit_count = 0, count = 99;

	for (; edit_count < EDITS && rows[_i].edits[edit_count].encoded != NULL; edit_count++) {
		encoded[edit_count] = hex(rows[_i].edits[edit_count].encoded);
		edits[edit_count] = (struct edit){.tag = rows[_i].edits[edit_count].tag,
						  .encoded = encoded[edit_count]};
	}
	ck_assert_msg(dset_index(&d, in, syntax_of(rows[_i].syntax), 0, &arena, &f) == OK, "%s: %s",
		      rows[_i].name, f.text);
	ck_assert_msg(rewrite_plan(&d, edits, edit_count, &arena, &views, &count, &f) == OK,
		      "%s: %s", rows[_i].name, f.text);
	if (edit_count == 0)
		ck_assert_uint_eq(count, in.len > 0); /* one view, of everything */

	struct buf got = joined(views, count);
	ck_assert_msg(bytes_eq(buf_bytes(&got), want), "%s", rows[_i].name);
	buf_free(&got);
	for (size_t i = 0; i < edit_count; i++)
		hex_free(encoded[i]);
	hex_free(in);
	hex_free(want);
}
END_TEST

/* Behind a sequence that was never closed, an element would become part of it. */
START_TEST(test_open_end)
{
	static const char *const unclosed[] = {
		"0800 1511 FFFFFFFF FEFF 00E0 00000000",
		"0800 1511 FFFFFFFF FEFF 00E0 FFFFFFFF 0800 5011 00000000",
		"1000 1000 00000000 0800 1511 FFFFFFFF FEFF 00E0 00000000",
	};

	for (size_t i = 0; i < sizeof(unclosed) / sizeof(unclosed[0]); i++) {
		struct bytes in = hex(unclosed[i]), more = hex("2000 1100 00000000");
		struct edit add = {.tag = 0x00200011, .encoded = more}, none = {.tag = 0x00200011};
		struct bytes *views;
		struct dset d;
		struct fault f = {0};
		size_t count;

		ck_assert_int_eq(dset_index(&d, in, &syntax_implicit_le, 0, &arena, NULL), OK);
		ck_assert(d.open_end);
		ck_assert_int_eq(rewrite_plan(&d, &add, 1, &arena, &views, &count, &f),
				 ERR_UNUSABLE);
		ck_assert_uint_eq(f.at, in.len);
		ck_assert_int_eq(rewrite_plan(&d, &none, 1, &arena, &views, &count, &f), OK);
		ck_assert_uint_eq(count, 1);
		hex_free(in);
		hex_free(more);
	}
}
END_TEST

START_TEST(test_arena_sweep)
{
	struct bytes in = hex("0800 0000 04000000 00000000 0800 1800 00000000 1000 1000 00000000");
	struct bytes one = hex("0800 0500 00000000"), two = hex("1000 2000 00000000");
	struct edit edits[] = {{.tag = 0x00080005, .encoded = one},
			       {.tag = 0x00080018},
			       {.tag = 0x00100020, .encoded = two}};
	struct dset d;
	bool worked = false;

	ck_assert_int_eq(dset_index(&d, in, &syntax_implicit_le, 0, &arena, NULL), OK);
	for (size_t cap = 1; !worked; cap += 7) {
		struct arena small;
		struct bytes *views = NULL;
		struct fault f = {0};
		size_t count = 0;

		ck_assert_int_eq(arena_open(&small, cap, NULL), OK);
		enum err e = rewrite_plan(&d, edits, 3, &small, &views, &count, &f);
		worked = e == OK;
		ck_assert(worked ? count > 3 : e == ERR_NOMEM && views == NULL);
		ck_assert_uint_lt(cap, 4096);
		arena_close(&small);
	}
	hex_free(in);
	hex_free(one);
	hex_free(two);
}
END_TEST

/* A value in two pieces, and the group length counts both. */
START_TEST(test_tail)
{
	struct bytes in = hex("1000 0000 04000000 00000000 1000 1000 02000000 4141");
	struct bytes head = hex("1000 2000 04000000 4242"), tail = hex("4343");
	struct bytes want = hex("1000 0000 04000000 16000000 1000 1000 02000000 4141"
				"1000 2000 04000000 4242 4343");
	struct edit edit = {.tag = 0x00100020, .encoded = head, .tail = tail};
	struct bytes *views;
	struct dset d;
	size_t count;

	ck_assert_int_eq(dset_index(&d, in, &syntax_implicit_le, 0, &arena, NULL), OK);
	ck_assert_int_eq(rewrite_plan(&d, &edit, 1, &arena, &views, &count, NULL), OK);
	struct buf got = joined(views, count);
	ck_assert(bytes_eq(buf_bytes(&got), want));
	buf_free(&got);
	ck_assert_ptr_eq(views[count - 1].at, tail.at);
	hex_free(in);
	hex_free(head);
	hex_free(tail);
	hex_free(want);
}
END_TEST

/* Every set of two patches, in a plan that takes an element out before them and puts one in. */
START_TEST(test_patch)
{
	struct bytes in =
		hex("0800 0500 02000000 3131 0800 1800 0C000000 000102030405060708090A0B");
	struct bytes add = hex("0800 1000 00000000"), letters = hex("F0F1F2F3F4F5F6F7F8F9FAFB");
	struct edit edits[] = {{.tag = 0x00080005}, {.tag = 0x00080010, .encoded = add}};
	struct dset d;
	unsigned seen = 0;

	ck_assert_int_eq(dset_index(&d, in, &syntax_implicit_le, 0, &arena, NULL), OK);
	for (size_t a = 0; a < 12; a++)
		for (size_t b = a + 1; b <= 12; b++)
			for (size_t c = b; c < 12; c++) {
				struct patch patches[] = {
					{18 + a, bytes_slice(letters, a, b - a)},
					{18 + c, bytes_slice(letters, c, 12 - c)},
				};
				size_t mark = arena_mark(&arena), count;
				uint8_t want[12];
				struct bytes *views;

				for (size_t i = 0; i < 12; i++)
					want[i] = (i >= a && i < b) || i >= c ? letters.at[i]
									      : (uint8_t)i;
				ck_assert_int_eq(
					rewrite_plan(&d, edits, 2, &arena, &views, &count, NULL),
					OK);
				ck_assert_int_eq(
					rewrite_patch(in, patches, 2, &arena, &views, &count, NULL),
					OK);
				struct buf got = joined(views, count);
				ck_assert_uint_eq(got.len, 8 + 8 + 12);
				ck_assert(memcmp(got.at, add.at, 8) == 0);
				ck_assert(memcmp(got.at + 8, in.at + 10, 8) == 0);
				ck_assert(memcmp(got.at + 16, want, 12) == 0);
				buf_free(&got);
				arena_reset(&arena, mark);
				seen++;
			}
	ck_assert_uint_eq(seen, 364 - 78);
	hex_free(in);
	hex_free(add);
	hex_free(letters);
}
END_TEST

START_TEST(test_not_whole)
{
	struct bytes in = hex("0800 1800 00000000 1000 1000 00000000"), *views;
	struct dset d;
	size_t count;

	ck_assert_int_eq(dset_index(&d, in, &syntax_implicit_le, 0x00100010, &arena, NULL), OK);
	(void)!rewrite_plan(&d, NULL, 0, &arena, &views, &count, NULL);
}
END_TEST

START_TEST(test_unsorted)
{
	struct edit edits[] = {{.tag = 0x00100010}, {.tag = 0x00080018}};
	struct bytes *views;
	struct dset d;
	size_t count;

	ck_assert_int_eq(dset_index(&d, BYTES_NONE, &syntax_implicit_le, 0, &arena, NULL), OK);
	(void)!rewrite_plan(&d, edits, 2, &arena, &views, &count, NULL);
}
END_TEST

/* ---- Edits out of what was built ---- */

START_TEST(test_edits)
{
	static const struct syntax *const all[] = {&syntax_explicit_le, &syntax_implicit_le,
						   &syntax_explicit_be};
	struct edit *edits;
	size_t count, at = 0;
	struct build b;

	build_init(&b, all[_i], 4096);
	build_str(&b, TAG_SOPInstanceUID, VR_UI, "1.2");
	build_sequence(&b, TAG_SourceImageSequence);
	build_item(&b);
	build_str(&b, TAG_PatientName, VR_PN, "inside");
	build_item_end(&b);
	build_sequence_end(&b);
	build_str(&b, TAG_PatientName, VR_PN, "");
	ck_assert_int_eq(rewrite_edits(buf_bytes(&b.out), all[_i], &arena, &edits, &count, NULL),
			 OK);
	ck_assert_uint_eq(count, 3);
	ck_assert_uint_eq(edits[0].tag, TAG_SOPInstanceUID);
	ck_assert_uint_eq(edits[1].tag, TAG_SourceImageSequence);
	ck_assert_uint_eq(edits[2].tag, TAG_PatientName);
	for (size_t i = 0; i < count; i++) {
		ck_assert_ptr_eq(edits[i].encoded.at, b.out.at + at);
		at += edits[i].encoded.len;
	}
	ck_assert_uint_eq(at, b.out.len);
	build_free(&b);
}
END_TEST

START_TEST(test_edits_refused)
{
	static const struct {
		const char *in;
		size_t at;
	} bad[] = {
		{"1000 1000 00000000 0800 1800 00000000", 8},
		{"1000 1000 00000000 1000 1000 00000000", 8},
		{"1000 1000 00000000 1000 2000 04000000", 8},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct bytes in = hex(bad[i].in);
		struct edit *edits = NULL;
		struct fault f = {0};
		size_t count = 77;

		ck_assert_int_eq(rewrite_edits(in, &syntax_implicit_le, &arena, &edits, &count, &f),
				 ERR_WIRE);
		ck_assert(f.at == bad[i].at && edits == NULL && count == 77);
		hex_free(in);
	}

	struct edit *edits;
	size_t count = 77;
	ck_assert_int_eq(
		rewrite_edits(BYTES_NONE, &syntax_implicit_le, &arena, &edits, &count, NULL), OK);
	ck_assert_uint_eq(count, 0);
}
END_TEST

/* ---- Against a model ---- */

#define MODEL_MAX 40

/* Few tags, so that they meet; with group lengths. */
static const uint32_t tags[] = {
	0x00080000, 0x00080005, 0x00080018, 0x00081115, 0x00090010, 0x00100000,
	0x00100010, 0x00100020, 0x00200011, 0x60003000, 0x7FE00010,
};
#define TAGS (sizeof(tags) / sizeof(tags[0]))

struct model {
	uint32_t tag[MODEL_MAX];
	struct bytes bytes[MODEL_MAX];
	size_t count;
};

static unsigned next_random(unsigned *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static void model_add(struct model *m, uint32_t tag, struct bytes bytes)
{
	ck_assert_uint_lt(m->count, MODEL_MAX);
	m->tag[m->count] = tag;
	m->bytes[m->count++] = bytes;
}

static void put_random(struct build *b, uint32_t tag, unsigned *state)
{
	uint32_t length = next_random(state);

	if (TAG_IS_GROUP_LENGTH(tag)) {
		build_u32(b, tag, VR_UL, &length, 1);
	} else if (tag == 0x00081115) {
		build_sequence(b, tag);
		for (unsigned n = next_random(state) % 3; n > 0; n--) {
			build_item(b);
			build_str(b, TAG_PatientName, VR_PN, "inside");
			build_item_end(b);
		}
		build_sequence_end(b);
	} else {
		build_bytes(b, tag, VR_UN,
			    bytes_of("abcdefghijklmnop", next_random(state) % 9 * 2));
	}
}

/* What the source becomes: each edit looks for its place by itself. */
static void model_apply(struct model *out, const struct model *source, const struct edit *edits,
			size_t edit_count)
{
	bool done[TAGS] = {false};

	out->count = 0;
	for (size_t i = 0; i <= source->count; i++) {
		for (size_t k = 0; k < edit_count; k++) {
			bool there = false;
			size_t place = 0;

			for (size_t j = 0; j < source->count; j++)
				there |= source->tag[j] == edits[k].tag;
			while (place < source->count && source->tag[place] < edits[k].tag)
				place++;
			if (!there && place == i && edits[k].encoded.len > 0)
				model_add(out, edits[k].tag, edits[k].encoded);
		}
		if (i == source->count)
			return;

		size_t k = 0;
		while (k < edit_count && edits[k].tag != source->tag[i])
			k++;
		if (k == edit_count)
			model_add(out, source->tag[i], source->bytes[i]);
		else if (!done[k] && edits[k].encoded.len > 0)
			model_add(out, edits[k].tag, edits[k].encoded);
		if (k < edit_count)
			done[k] = true;
	}
}

/* The first group length of each changed group, in place of what the source had. */
static void model_lengths(struct model *m, const struct model *source, const struct edit *edits,
			  size_t edit_count, bool big_endian, struct arena *a)
{
	for (uint16_t group = 8; group <= 0x10; group += 8) {
		bool changed = false, own = false;
		size_t sum = 0;

		for (size_t k = 0; k < edit_count; k++) {
			if (TAG_GROUP(edits[k].tag) != group)
				continue;
			own |= TAG_IS_GROUP_LENGTH(edits[k].tag);
			changed |= edits[k].encoded.len > 0;
			for (size_t j = 0; j < source->count; j++)
				changed |= source->tag[j] == edits[k].tag;
		}
		for (size_t i = 0; i < m->count; i++)
			if (TAG_GROUP(m->tag[i]) == group && !TAG_IS_GROUP_LENGTH(m->tag[i]))
				sum += m->bytes[i].len;
		for (size_t i = 0; i < m->count && changed && !own; i++) {
			if (m->tag[i] != TAG(group, 0))
				continue;
			m->bytes[i] = arena_copy(a, m->bytes[i]);
			uint8_t *value = (uint8_t *)(uintptr_t)m->bytes[i].at + m->bytes[i].len - 4;
			if (big_endian)
				put_u32be(value, (uint32_t)sum);
			else
				put_u32le(value, (uint32_t)sum);
			break;
		}
	}
}

static void random_source(struct model *m, struct build *b, unsigned *state)
{
	size_t ends[MODEL_MAX], count = next_random(state) % 16, k = 0;

	m->count = 0;
	for (size_t i = 0; i < count; i++) {
		k = next_random(state) % 4 == 0 ? next_random(state) % TAGS
						: k + next_random(state) % 2;
		m->tag[i] = tags[k % TAGS];
		put_random(b, m->tag[i], state);
		ends[i] = b->out.len;
	}
	m->count = count;
	for (size_t i = 0, start = 0; i < count; start = ends[i++])
		m->bytes[i] = bytes_of(b->out.at + start, ends[i] - start);
}

START_TEST(test_model)
{
	unsigned state = (unsigned)_i + 1;
	const struct syntax *s = syntax_of("IEB"[_i % 3]);

	for (int round = 0; round < 150; round++) {
		struct build in, news[TAGS];
		struct model source, want;
		struct edit edits[TAGS];
		struct bytes *views;
		struct dset d;
		size_t edit_count = 0, view_count;

		build_init(&in, s, 65536);
		random_source(&source, &in, &state);
		for (size_t k = 0; k < TAGS; k++) {
			build_init(&news[k], s, 4096);
			if (next_random(&state) % 3 != 0)
				continue;
			if (next_random(&state) % 3 != 0)
				put_random(&news[k], tags[k], &state);
			edits[edit_count++] =
				(struct edit){.tag = tags[k], .encoded = buf_bytes(&news[k].out)};
		}
		model_apply(&want, &source, edits, edit_count);
		model_lengths(&want, &source, edits, edit_count, s->big_endian, &arena);

		ck_assert_int_eq(dset_index(&d, buf_bytes(&in.out), s, 0, &arena, NULL), OK);
		ck_assert_int_eq(
			rewrite_plan(&d, edits, edit_count, &arena, &views, &view_count, NULL), OK);
		struct buf got = joined(views, view_count), wanted = joined(want.bytes, want.count);
		ck_assert_msg(bytes_eq(buf_bytes(&got), buf_bytes(&wanted)), "seed %d, round %d",
			      _i, round);
		buf_free(&got);
		buf_free(&wanted);
		build_free(&in);
		for (size_t k = 0; k < TAGS; k++)
			build_free(&news[k]);
		arena_reset(&arena, 0);
	}
}
END_TEST

Suite *suite_rewrite(void)
{
	Suite *s = suite_create("rewrite");
	TCase *c = tcase_create("rewrite");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, test_rows, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(c, test_open_end);
	tcase_add_test(c, test_arena_sweep);
	tcase_add_test(c, test_tail);
	tcase_add_test(c, test_patch);
	tcase_add_test_raise_signal(c, test_not_whole, 6);
	tcase_add_test_raise_signal(c, test_unsorted, 6);
	tcase_add_loop_test(c, test_edits, 0, 3);
	tcase_add_test(c, test_edits_refused);
	tcase_add_loop_test(c, test_model, 0, 12);
	suite_add_tcase(s, c);
	return s;
}
