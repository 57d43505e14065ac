/*
 * The walk: each rule of PS3.5 section 7, each thing that real files do against it, each
 * limit; and what holds for every input whatever (views inside, progress, skipping).
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "dicom/build.h"
#include "dicom/walk.h"
#include "support/hex.h"

Suite *suite_walk(void);

static const struct syntax *syntax_of(char letter)
{
	return letter == 'I'   ? &syntax_implicit_le
	       : letter == 'B' ? &syntax_explicit_be
			       : &syntax_explicit_le;
}

/* ---- A walk as text ---- */

/*
 * "0008,0005 CS 10" an element with its length; "0008,1115 SQ [" and "]" a sequence, "{" and
 * "}" an item, "7FE0,0010 OB <" and ">" pixel data, "#4" a fragment.
 */
static void trace_token(struct buf *out, const struct token *t)
{
	bool begins = t->kind == TOK_ELEMENT || t->kind == TOK_SEQUENCE || t->kind == TOK_PIXELS;

	if (begins)
		buf_fmt(out, "%s%04X,%04X %s", out->len > 0 ? " " : "", TAG_GROUP(t->tag),
			TAG_ELEMENT(t->tag), vr_info(t->vr)->name);
	switch (t->kind) {
	case TOK_ELEMENT:
		buf_fmt(out, " %zu", t->value.len);
		break;
	case TOK_SEQUENCE:
		buf_str(out, " [");
		break;
	case TOK_ITEM:
		buf_str(out, " {");
		break;
	case TOK_ITEM_END:
		buf_str(out, " }");
		break;
	case TOK_SEQUENCE_END:
		buf_str(out, " ]");
		break;
	case TOK_PIXELS:
		buf_str(out, " <");
		break;
	case TOK_FRAGMENT:
		buf_fmt(out, " #%zu", t->value.len);
		break;
	case TOK_PIXELS_END:
		buf_str(out, " >");
		break;
	}
}

/* What every token of every walk keeps. */
static void check_token(const struct walk *w, const struct token *t, size_t before, unsigned *depth)
{
	struct bytes in = w->in;

	ck_assert(t->at >= before && t->at <= t->value_at && t->value_at <= in.len);
	ck_assert(w->pos <= in.len && w->pos >= t->value_at);
	if (t->value.len > 0)
		ck_assert(t->value.at == in.at + t->value_at &&
			  t->value.len <= in.len - t->value_at);
	switch (t->kind) {
	case TOK_ELEMENT:
		ck_assert(t->value_at - t->at == 8 || t->value_at - t->at == 12);
		ck_assert_uint_eq(t->value.len, t->len);
		ck_assert_uint_eq(t->depth, *depth / 2);
		break;
	case TOK_SEQUENCE:
	case TOK_PIXELS:
		ck_assert(t->value_at - t->at == 8 || t->value_at - t->at == 12);
		ck_assert_uint_eq(t->depth, *depth / 2);
		++*depth;
		break;
	case TOK_ITEM:
		ck_assert_uint_eq(t->value_at - t->at, 8);
		ck_assert_uint_eq(t->depth, ++*depth / 2);
		break;
	case TOK_FRAGMENT:
		ck_assert_uint_eq(t->value_at - t->at, 8);
		ck_assert_uint_eq(t->depth, (*depth + 1) / 2);
		break;
	case TOK_ITEM_END:
		ck_assert_uint_eq(t->depth, (*depth)-- / 2);
		break;
	case TOK_SEQUENCE_END:
	case TOK_PIXELS_END:
		ck_assert_uint_eq(t->depth, --*depth / 2);
		break;
	}
}

static enum err trace(struct bytes in, const struct syntax *s, struct buf *out, struct walk *w,
		      struct fault *f)
{
	struct token t;
	unsigned depth = 0;
	size_t before = 0;
	enum err e;

	walk_init(w, in, s);
	while ((e = walk_next(w, &t, f)) == OK) {
		check_token(w, &t, before, &depth);
		before = t.at;
		trace_token(out, &t);
	}
	if (e == ERR_MORE)
		ck_assert_uint_eq(depth, 0);
	ck_assert_int_eq(walk_next(w, &t, f), e); /* final */
	return e;
}

/* Skip everything that can be skipped: the top level must look the same. */
static void check_skipping(struct bytes in, const struct syntax *s, const char *name)
{
	struct walk whole, skip;
	struct token a, b;

	walk_init(&whole, in, s);
	walk_init(&skip, in, s);
	for (;;) {
		enum err e = walk_next(&whole, &a, NULL);

		while (e == OK && (a.depth > 0 || a.kind == TOK_FRAGMENT))
			e = walk_next(&whole, &a, NULL);
		enum err g = walk_next(&skip, &b, NULL);
		if (e != OK || g != OK) {
			/* a skip may jump over what a walk finds wrong */
			ck_assert_msg(e == g || e == ERR_WIRE || e == ERR_LIMIT, "%s", name);
			return;
		}
		ck_assert_msg(b.depth == 0 && a.kind == b.kind && a.tag == b.tag && a.at == b.at &&
				      a.value_at == b.value_at,
			      "%s", name);
		if (b.kind == TOK_SEQUENCE || b.kind == TOK_PIXELS)
			if (walk_skip(&skip, NULL) != OK)
				return;
	}
}

/* ---- Rows ---- */

#define NOTE_OF(x) WALK_##x

static const struct {
	const char *name;
	char syntax; /* E I B */
	const char *in, *want;
	unsigned notes;
} good[] = {
	{"nothing", 'E', "", "", 0},
	{"short form", 'E', "0800 0500 'CS' 0A00 'ISO_IR 100'", "0008,0005 CS 10", 0},
	{"short form, big endian", 'B', "0008 0005 'CS' 000A 'ISO_IR 100'", "0008,0005 CS 10", 0},
	{"implicit", 'I', "0800 0500 0A000000 'ISO_IR 100'", "0008,0005 CS 10", 0},
	{"implicit, not in the dictionary", 'I', "0800 0200 02000000 'ab'", "0008,0002 UN 2", 0},
	{"empty value", 'E', "1000 1000 'PN' 0000", "0010,0010 PN 0", 0},
	{"long form", 'E', "E07F 1000 'OW' 0000 04000000 01020304", "7FE0,0010 OW 4", 0},
	{"long form, big endian", 'B', "7FE0 0010 'OW' 0000 00000004 01020304", "7FE0,0010 OW 4",
	 0},
	{"several", 'E', "0800 1800 'UI' 0200 '1' 00 1000 1000 'PN' 0200 'A '",
	 "0008,0018 UI 2 0010,0010 PN 2", 0},
	{"private block", 'E', "0900 1000 'LO' 0400 'ACME' 0900 0110 'FD' 0800 0000000000000000",
	 "0009,0010 LO 4 0009,1001 FD 8", 0},
	{"private block, implicit", 'I', "0900 1000 04000000 'ACME' 0900 0110 02000000 0000",
	 "0009,0010 LO 4 0009,1001 UN 2", 0},

	{"sequence, defined", 'E',
	 "0800 1511 'SQ' 0000 12000000 FEFF 00E0 0A000000 0800 5011 'UI' 0200 '1' 00",
	 "0008,1115 SQ [ { 0008,1150 UI 2 } ]", 0},
	{"sequence, undefined", 'E',
	 "0800 1511 'SQ' 0000 FFFFFFFF FEFF 00E0 FFFFFFFF 0800 5011 'UI' 0200 '1' 00"
	 "FEFF 0DE0 00000000 FEFF DDE0 00000000 1000 1000 'PN' 0000",
	 "0008,1115 SQ [ { 0008,1150 UI 2 } ] 0010,0010 PN 0", 0},
	{"sequence, implicit, undefined", 'I',
	 "0800 1511 FFFFFFFF FEFF 00E0 FFFFFFFF 0800 5011 02000000 '1' 00"
	 "FEFF 0DE0 00000000 FEFF DDE0 00000000",
	 "0008,1115 SQ [ { 0008,1150 UI 2 } ]", 0},
	{"sequence, big endian", 'B',
	 "0008 1115 'SQ' 0000 FFFFFFFF FFFE E000 0000000A 0008 1150 'UI' 0002 '1' 00"
	 "FFFE E0DD 00000000",
	 "0008,1115 SQ [ { 0008,1150 UI 2 } ]", 0},
	{"defined in undefined, and the reverse", 'E',
	 "0800 1511 'SQ' 0000 FFFFFFFF FEFF 00E0 00000000 FEFF DDE0 00000000"
	 "0800 4011 'SQ' 0000 10000000 FEFF 00E0 FFFFFFFF FEFF 0DE0 00000000",
	 "0008,1115 SQ [ { } ] 0008,1140 SQ [ { } ]", 0},
	{"empty sequences and items", 'E',
	 "0800 1511 'SQ' 0000 00000000 0800 4011 'SQ' 0000 08000000 FEFF 00E0 00000000",
	 "0008,1115 SQ [ ] 0008,1140 SQ [ { } ]", 0},
	{"two items", 'I', "0800 1511 10000000 FEFF 00E0 00000000 FEFF 00E0 00000000",
	 "0008,1115 SQ [ { } { } ]", 0},
	{"nested", 'I',
	 "0630 1000 24000000 FEFF 00E0 1C000000 0630 1200 14000000"
	 "FEFF 00E0 0C000000 0800 5511 04000000 '1.2' 00",
	 "3006,0010 SQ [ { 3006,0012 SQ [ { 0008,1155 UI 4 } ] } ]", 0},

	{"UN of defined length is a value", 'E', "0900 0110 'UN' 0000 08000000 FEFF 00E0 00000000",
	 "0009,1001 UN 8", 0},
	{"UN of undefined length is an implicit sequence", 'E',
	 "0900 0110 'UN' 0000 FFFFFFFF FEFF 00E0 FFFFFFFF 0800 5011 02000000 '1' 00"
	 "FEFF 0DE0 00000000 FEFF DDE0 00000000 1000 1000 'PN' 0000",
	 "0009,1001 UN [ { 0008,1150 UI 2 } ] 0010,0010 PN 0", 0},
	{"... little endian in big endian too", 'B',
	 "0009 1001 'UN' 0000 FFFFFFFF FEFF 00E0 FFFFFFFF 0800 5011 02000000 '1' 00"
	 "FEFF 0DE0 00000000 FEFF DDE0 00000000 0010 0010 'PN' 0000",
	 "0009,1001 UN [ { 0008,1150 UI 2 } ] 0010,0010 PN 0", 0},
	{"... but big endian where that is what is there", 'B',
	 "0009 1001 'UN' 0000 FFFFFFFF FFFE E000 FFFFFFFF 0008 1150 00000002 '1' 00"
	 "FFFE E00D 00000000 FFFE E0DD 00000000",
	 "0009,1001 UN [ { 0008,1150 UI 2 } ]", 0},
	{"private, implicit, undefined", 'I',
	 "0900 0110 FFFFFFFF FEFF 00E0 00000000 FEFF DDE0 00000000", "0009,1001 UN [ { } ]", 0},
	{"UN sequence that is explicit inside", 'E',
	 "0900 0110 'UN' 0000 FFFFFFFF FEFF 00E0 FFFFFFFF 0800 5011 'UI' 0200 '1' 00"
	 "FEFF 0DE0 00000000 FEFF DDE0 00000000",
	 "0009,1001 UN [ { 0008,1150 UI 2 } ]", NOTE_OF(OTHER_FORM)},

	{"encapsulated", 'E',
	 "E07F 1000 'OB' 0000 FFFFFFFF FEFF 00E0 04000000 00000000 FEFF 00E0 02000000 FFD8"
	 "FEFF DDE0 00000000",
	 "7FE0,0010 OB < #4 #2 >", 0},
	{"encapsulated, something after", 'E',
	 "E07F 1000 'OB' 0000 FFFFFFFF FEFF 00E0 00000000 FEFF DDE0 00000000"
	 "FCFF FCFF 'OB' 0000 02000000 0000",
	 "7FE0,0010 OB < #0 > FFFC,FFFC OB 2", 0},
	{"a fragment with a delimiter in it", 'E',
	 "E07F 1000 'OB' 0000 FFFFFFFF FEFF 00E0 08000000 FEFF DDE0 00000000 FEFF DDE0 00000000",
	 "7FE0,0010 OB < #8 >", 0},
	{"encapsulated in an icon", 'E',
	 "8800 0002 'SQ' 0000 FFFFFFFF FEFF 00E0 FFFFFFFF E07F 1000 'OB' 0000 FFFFFFFF"
	 "FEFF 00E0 00000000 FEFF DDE0 00000000 FEFF 0DE0 00000000 FEFF DDE0 00000000",
	 "0088,0200 SQ [ { 7FE0,0010 OB < #0 > } ]", 0},
	{"encapsulated and called UN", 'E',
	 "E07F 1000 'UN' 0000 FFFFFFFF FEFF 00E0 03000000 010203 FEFF DDE0 00000000",
	 "7FE0,0010 UN < #3 >", NOTE_OF(ODD_LENGTH)},

	/* oddities */
	{"odd length", 'E', "1000 1000 'PN' 0300 'abc'", "0010,0010 PN 3", NOTE_OF(ODD_LENGTH)},
	{"odd item", 'I', "0800 1511 11000000 FEFF 00E0 09000000 0800 5011 01000000 '1'",
	 "0008,1115 SQ [ { 0008,1150 UI 1 } ]", NOTE_OF(ODD_LENGTH)},
	{"disordered", 'E', "1000 1000 'PN' 0000 0800 1800 'UI' 0000",
	 "0010,0010 PN 0 0008,0018 UI 0", NOTE_OF(DISORDERED)},
	{"repeated", 'E', "1000 1000 'PN' 0000 1000 1000 'PN' 0200 'ab'",
	 "0010,0010 PN 0 0010,0010 PN 2", NOTE_OF(REPEATED)},
	{"order starts anew in an item", 'I',
	 "1000 1000 00000000 4000 7502 10000000 FEFF 00E0 08000000 0800 5011 00000000",
	 "0010,0010 PN 0 0040,0275 SQ [ { 0008,1150 UI 0 } ]", 0},
	{"group length", 'E', "0800 0000 'UL' 0400 08000000 0800 0500 'CS' 0000",
	 "0008,0000 UL 4 0008,0005 CS 0", NOTE_OF(GROUP_LENGTH)},
	{"wrong VR", 'E', "1000 1000 'LO' 0200 'ab'", "0010,0010 LO 2", NOTE_OF(WRONG_VR)},
	{"UN for a known tag", 'E', "1000 1000 'UN' 0000 02000000 'ab'", "0010,0010 UN 2", 0},
	{"no VR: question marks", 'E', "1000 1000 3F3F 0200 'ab' 1000 2000 'LO' 0000",
	 "0010,0010 ?? 2 0010,0020 LO 0", NOTE_OF(BAD_VR)},
	{"no VR: lower case, last", 'E', "1000 1000 'pn' 0200 'ab'", "0010,0010 ?? 2",
	 NOTE_OF(BAD_VR)},
	{"no VR: zeros, empty", 'E', "0800 1800 'UI' 0000 1000 1000 0000 0000 1000 2000 'LO' 0000",
	 "0008,0018 UI 0 0010,0010 PN 0 0010,0020 LO 0", NOTE_OF(OTHER_FORM)},
	{"a VR of the future", 'E', "1000 1000 'ZZ' 0000 02000000 'ab' 1000 2000 'LO' 0000",
	 "0010,0010 ?? 2 0010,0020 LO 0", NOTE_OF(BAD_VR)},
	{"two capitals in the short form", 'E', "1000 1000 'ZZ' 0200 'ab' 1000 2000 'LO' 0000",
	 "0010,0010 ?? 2 0010,0020 LO 0", NOTE_OF(BAD_VR)},
	{"implicit among explicit", 'E',
	 "0800 1800 'UI' 0000 1000 1000 04000000 'abcd' 1000 2000 'LO' 0000",
	 "0008,0018 UI 0 0010,0010 PN 4 0010,0020 LO 0", NOTE_OF(OTHER_FORM)},
	{"implicit sequence among explicit", 'E',
	 "0800 1511 FFFFFFFF FEFF 00E0 FFFFFFFF 0800 5011 02000000 '1' 00"
	 "FEFF 0DE0 00000000 FEFF DDE0 00000000 1000 2000 'LO' 0000",
	 "0008,1115 SQ [ { 0008,1150 UI 2 } ] 0010,0020 LO 0", NOTE_OF(OTHER_FORM)},
	{"explicit SQ, implicit inside", 'E',
	 "0800 1511 'SQ' 0000 12000000 FEFF 00E0 0A000000 0800 5011 02000000 '1' 00",
	 "0008,1115 SQ [ { 0008,1150 UI 2 } ]", NOTE_OF(OTHER_FORM)},
	{"explicit among implicit", 'I',
	 "0800 1800 00000000 1000 1000 'PN' 0200 'ab' 1000 2000 00000000",
	 "0008,0018 UI 0 0010,0010 PN 2 0010,0020 LO 0", NOTE_OF(OTHER_FORM)},
	{"long VR in the short form", 'E', "0900 0110 'UN' 0200 'ab' 1000 2000 'LO' 0000",
	 "0009,1001 UN 2 0010,0020 LO 0", NOTE_OF(BAD_VR)},

	{"padding", 'E', "1000 1000 'PN' 0000 00000000000000000000000000", "0010,0010 PN 0",
	 NOTE_OF(PADDING)},
	{"padding of three", 'I', "1000 1000 00000000 000000", "0010,0010 PN 0", NOTE_OF(PADDING)},
	{"nothing but padding", 'E', "0000000000000000", "", NOTE_OF(PADDING)},
	{"a command set begins with zeros", 'I',
	 "0000 0000 04000000 0A000000 0000 0001 02000000 3000", "0000,0000 UL 4 0000,0100 US 2", 0},
	{"no delimiter of the sequence at the end", 'E',
	 "0800 1511 'SQ' 0000 FFFFFFFF FEFF 00E0 00000000", "0008,1115 SQ [ { } ]",
	 NOTE_OF(NO_DELIMITER)},
	{"no delimiter of the item at the end", 'E',
	 "0800 1511 'SQ' 0000 FFFFFFFF FEFF 00E0 FFFFFFFF 0800 5011 'UI' 0000",
	 "0008,1115 SQ [ { 0008,1150 UI 0 } ]", NOTE_OF(NO_DELIMITER)},
	{"no delimiter of pixel data", 'E', "E07F 1000 'OB' 0000 FFFFFFFF FEFF 00E0 02000000 FFD8",
	 "7FE0,0010 OB < #2 >", NOTE_OF(NO_DELIMITER)},
	{"no delimiter of the item in the sequence", 'E',
	 "0800 1511 'SQ' 0000 FFFFFFFF FEFF 00E0 FFFFFFFF 0800 5011 'UI' 0000 FEFF DDE0 00000000",
	 "0008,1115 SQ [ { 0008,1150 UI 0 } ]", NOTE_OF(NO_DELIMITER)},
	{"the next item instead of a delimiter", 'E',
	 "0800 1511 'SQ' 0000 FFFFFFFF FEFF 00E0 FFFFFFFF FEFF 00E0 FFFFFFFF"
	 "FEFF 0DE0 00000000 FEFF DDE0 00000000",
	 "0008,1115 SQ [ { } { } ]", NOTE_OF(NO_DELIMITER)},
	{"no delimiter inside a defined sequence", 'E',
	 "0800 1511 'SQ' 0000 10000000 FEFF 00E0 FFFFFFFF 0800 5011 'UI' 0000 1000 1000 'PN' 0000",
	 "0008,1115 SQ [ { 0008,1150 UI 0 } ] 0010,0010 PN 0", NOTE_OF(NO_DELIMITER)},
	{"stray delimiters", 'E',
	 "FEFF 0DE0 00000000 1000 1000 'PN' 0000 FEFF DDE0 00000000 FEFF 0DE0 00000000",
	 "0010,0010 PN 0", NOTE_OF(STRAY_DELIMITER)},
	{"delimiters though the lengths are defined", 'E',
	 "0800 1511 'SQ' 0000 18000000 FEFF 00E0 08000000 FEFF 0DE0 00000000 FEFF DDE0 00000000",
	 "0008,1115 SQ [ { } ]", NOTE_OF(STRAY_DELIMITER)},
	{"a delimiter with a length", 'E',
	 "0800 1511 'SQ' 0000 FFFFFFFF FEFF 00E0 FFFFFFFF FEFF 0DE0 04000000 FEFF DDE0 08000000",
	 "0008,1115 SQ [ { } ]", NOTE_OF(STRAY_DELIMITER)},
	{"undefined length of something else, but items", 'I',
	 "1000 1000 FFFFFFFF FEFF 00E0 00000000 FEFF DDE0 00000000", "0010,0010 PN [ { } ]",
	 NOTE_OF(WRONG_VR)},
};

START_TEST(test_good)
{
	struct bytes in = hex(good[_i].in);
	struct buf out = BUF_INIT(65536);
	struct walk w;
	struct fault f = {0};
	enum err e = trace(in, syntax_of(good[_i].syntax), &out, &w, &f);

	ck_assert_msg(e == ERR_MORE, "%s: %s at %llu", good[_i].name, f.text,
		      (unsigned long long)f.at);
	buf_char(&out, '\0');
	ck_assert_msg(strcmp((const char *)out.at, good[_i].want) == 0, "%s: got\n  %s\nnot\n  %s",
		      good[_i].name, (const char *)out.at, good[_i].want);
	ck_assert_msg(w.notes == good[_i].notes, "%s: notes %x", good[_i].name, w.notes);
	check_skipping(in, syntax_of(good[_i].syntax), good[_i].name);
	buf_free(&out);
	hex_free(in);
}
END_TEST

static const struct {
	const char *name;
	char syntax;
	const char *in;
	enum err want;
	size_t at;
	uint32_t tag;
} bad[] = {
	{"header cut short", 'E', "1000 1000 'PN' 02", ERR_WIRE, 0, 0},
	{"long header cut short", 'E', "E07F 1000 'OW' 0000 0400", ERR_WIRE, 0, TAG_PixelData},
	{"value cut short", 'E', "1000 1000 'PN' 0400 'abc'", ERR_WIRE, 0, TAG_PatientName},
	{"second value cut short", 'I', "0800 1800 00000000 1000 1000 04000000 'abc'", ERR_WIRE, 8,
	 TAG_PatientName},
	{"4 GiB", 'I', "1000 1000 FEFFFFFF 'abcdefgh'", ERR_WIRE, 0, TAG_PatientName},
	{"4 GiB of pixels", 'E', "E07F 1000 'OW' 0000 FEFFFFFF 01020304", ERR_WIRE, 0,
	 TAG_PixelData},
	{"4 GiB sequence", 'E', "0800 1511 'SQ' 0000 FEFFFFFF FEFF 00E0 00000000", ERR_WIRE, 0,
	 TAG_ReferencedSeriesSequence},
	{"4 GiB item", 'E', "0800 1511 'SQ' 0000 FFFFFFFF FEFF 00E0 FEFFFFFF 00000000", ERR_WIRE,
	 12, TAG_ReferencedSeriesSequence},
	{"4 GiB fragment", 'E', "E07F 1000 'OB' 0000 FFFFFFFF FEFF 00E0 FEFFFFFF 00000000",
	 ERR_WIRE, 12, TAG_PixelData},
	{"item runs past its sequence", 'I',
	 "0800 1511 08000000 FEFF 00E0 04000000 1000 1000 00000000", ERR_WIRE, 8,
	 TAG_ReferencedSeriesSequence},
	{"element runs past its item", 'I',
	 "0800 1511 12000000 FEFF 00E0 0A000000 0800 5011 04000000 '1' 00 1000 1000 00000000",
	 ERR_WIRE, 16, TAG_ReferencedSOPClassUID},
	{"sequence runs past its item", 'I',
	 "0800 1511 18000000 FEFF 00E0 08000000 0800 9911 08000000 FEFF 00E0 00000000", ERR_WIRE,
	 16, TAG_ReferencedSOPSequence},
	{"item ends in a header", 'I', "0800 1511 0C000000 FEFF 00E0 04000000 0800 5011", ERR_WIRE,
	 16, 0},
	{"sequence ends in an item's header", 'I', "0800 1511 04000000 FEFF 00E0", ERR_WIRE, 8,
	 TAG_ReferencedSeriesSequence},
	{"no item in a sequence", 'I', "0800 1511 08000000 0800 5011 00000000", ERR_WIRE, 8,
	 TAG_ReferencedSeriesSequence},
	{"no fragment in pixel data", 'E', "E07F 1000 'OB' 0000 FFFFFFFF 01020304 05060708",
	 ERR_WIRE, 12, TAG_PixelData},
	{"fragment of undefined length", 'E',
	 "E07F 1000 'OB' 0000 FFFFFFFF FEFF 00E0 FFFFFFFF FEFF DDE0 00000000", ERR_WIRE, 12,
	 TAG_PixelData},
	{"item in the data set", 'E', "FEFF 00E0 00000000", ERR_WIRE, 0, TAG_ITEM},
	{"item in an item of defined length", 'I',
	 "0800 1511 10000000 FEFF 00E0 08000000 FEFF 00E0 00000000", ERR_WIRE, 16, TAG_ITEM},
	{"unknown tag of group FFFE", 'E', "FEFF 0100 'OB' 0000 00000000", ERR_WIRE, 0, 0xFFFE0001},
	{"undefined length of a text", 'E', "1000 1000 'UT' 0000 FFFFFFFF 'abcdefgh'", ERR_WIRE, 0,
	 TAG_PatientName},
	{"undefined length of a text, implicit", 'I', "1000 1000 FFFFFFFF 'abcdefgh'", ERR_WIRE, 0,
	 TAG_PatientName},
	{"zeros between elements", 'I', "1000 1000 00000000 0000000000000000 1000 2000 00000000",
	 ERR_WIRE, 8, 0},
	{"truncated pixels are not read as elements", 'E',
	 "E07F 1000 'OW' 0000 20000000 E17F 1000 'OW' 0000 02000000 0000", ERR_WIRE, 0,
	 TAG_PixelData},
};

START_TEST(test_bad)
{
	struct bytes in = hex(bad[_i].in);
	struct buf out = BUF_INIT(65536);
	struct walk w;
	struct fault f = {0};
	enum err e = trace(in, syntax_of(bad[_i].syntax), &out, &w, &f);

	ck_assert_msg(e == bad[_i].want, "%s: %d", bad[_i].name, e);
	ck_assert_msg(f.code == e && f.text != NULL, "%s", bad[_i].name);
	ck_assert_msg(f.at == bad[_i].at, "%s: at %llu, %s", bad[_i].name, (unsigned long long)f.at,
		      f.text);
	ck_assert_msg(f.tag == bad[_i].tag, "%s: tag %08X", bad[_i].name, f.tag);
	check_skipping(in, syntax_of(bad[_i].syntax), bad[_i].name);
	buf_free(&out);
	hex_free(in);
}
END_TEST

/* Every truncation of every good row: the end or an error, never a look past the end. */
START_TEST(test_truncated)
{
	struct bytes in = hex(good[_i].in);

	for (size_t len = 0; len < in.len; len++) {
		uint8_t *copy = guard_copy(in.at, len);

		for (const char *letter = "EIB"; *letter != '\0'; letter++) {
			struct buf out = BUF_INIT(65536);
			struct walk w;
			enum err e = trace(bytes_of(copy, len), syntax_of(*letter), &out, &w, NULL);

			ck_assert(e == ERR_MORE || e == ERR_WIRE);
			check_skipping(bytes_of(copy, len), syntax_of(*letter), good[_i].name);
			buf_free(&out);
		}
		guard_free(copy, len);
	}
	hex_free(in);
}
END_TEST

/* ---- Nesting ---- */

static void put_nested(struct buf *b, unsigned levels, bool undefined, bool pixels)
{
	uint32_t left = levels * 20 + (pixels ? 28 : 0); /* bytes of what is still to come */
	uint8_t head[20] = {0x08, 0, 0x15, 0x11, 'S', 'Q', 0, 0, 0, 0, 0, 0, 0xFE, 0xFF, 0, 0xE0};

	for (unsigned i = 0; i < levels; i++) {
		put_u32le(head + 8, undefined ? DICOM_UNDEFINED : left - 12);
		put_u32le(head + 16, undefined ? DICOM_UNDEFINED : left - 20);
		buf_add(b, bytes_of(head, sizeof(head)));
		left -= 20;
	}
	if (pixels) {
		struct bytes p = hex("E07F 1000 'OB' 0000 FFFFFFFF FEFF 00E0 00000000"
				     "FEFF DDE0 00000000");
		buf_add(b, p);
		hex_free(p);
	}
	for (unsigned i = 0; undefined && i < levels; i++)
		buf_add(b, BYTES_LIT("\xFE\xFF\x0D\xE0\0\0\0\0\xFE\xFF\xDD\xE0\0\0\0\0"));
}

START_TEST(test_nesting)
{
	static const struct {
		unsigned levels;
		enum err want;
	} rows[] = {
		{1, ERR_MORE},
		{LIMIT_NESTING - 1, ERR_MORE},
		{LIMIT_NESTING, ERR_MORE},
		{LIMIT_NESTING + 1, ERR_LIMIT},
		{10 * LIMIT_NESTING, ERR_LIMIT},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int form = 0; form < 4; form++) {
			struct buf b = BUF_INIT(65536), out = BUF_INIT(65536);
			struct walk w;

			put_nested(&b, rows[i].levels, form % 2 == 0, form < 2);
			enum err e = trace(buf_bytes(&b), &syntax_explicit_le, &out, &w, NULL);
			ck_assert_msg(e == rows[i].want, "%u levels, form %d: %d", rows[i].levels,
				      form, e);
			check_skipping(buf_bytes(&b), &syntax_explicit_le, "nesting");
			buf_free(&b);
			buf_free(&out);
		}
	}
}
END_TEST

/* ---- One data set in every syntax ---- */

static void build_sample(struct build *b)
{
	static const uint16_t words[] = {1, 0x0203, 0xFFFE};
	static const uint32_t longs[] = {1, 0x01020304};

	build_str(b, TAG_SpecificCharacterSet, VR_CS, "ISO_IR 192");
	build_sequence(b, TAG_ReferencedSeriesSequence);
	for (int i = 0; i < 3; i++) {
		build_item(b);
		build_str(b, TAG_ReferencedSOPClassUID, VR_UI, "1.2.3");
		build_sequence(b, TAG_ReferencedSOPSequence);
		build_item(b);
		build_u16(b, TAG_PregnancyStatus, VR_US, words, 3);
		build_item_end(b);
		build_sequence_end(b);
		build_item_end(b);
	}
	build_sequence_end(b);
	build_str(b, TAG_PatientName, VR_PN, "Odd");
	build_u32(b, TAG_RegionFlags, VR_UL, longs, 2);
	build_ow_le(b, TAG_PixelData, BYTES_LIT("\1\2\3\4"));
}

START_TEST(test_all_syntaxes)
{
	static const struct syntax *const all[] = {&syntax_explicit_le, &syntax_implicit_le,
						   &syntax_explicit_be};
	struct buf first = BUF_INIT(65536);

	for (size_t i = 0; i < 3; i++) {
		struct build b;
		struct buf out = BUF_INIT(65536);
		struct walk w;
		struct fault f = {0};

		build_init(&b, all[i], 65536);
		build_sample(&b);
		ck_assert(!b.out.failed);
		ck_assert_int_eq(trace(buf_bytes(&b.out), all[i], &out, &w, &f), ERR_MORE);
		ck_assert_uint_eq(w.notes, 0);
		if (i == 0)
			buf_add(&first, buf_bytes(&out));
		ck_assert(bytes_eq(buf_bytes(&first), buf_bytes(&out)));
		buf_free(&out);
		build_free(&b);
	}
	buf_free(&first);
}
END_TEST

/* ---- Skipping from inside ---- */

START_TEST(test_skip_inside)
{
	struct bytes in = hex("0800 1511 FFFFFFFF FEFF 00E0 FFFFFFFF 0800 9911 08000000"
			      "FEFF 00E0 00000000 FEFF 0DE0 00000000 FEFF 00E0 00000000"
			      "FEFF DDE0 00000000 1000 1000 00000000");
	struct walk w;
	struct token t;

	walk_init(&w, in, &syntax_implicit_le);
	ck_assert(walk_next(&w, &t, NULL) == OK && t.kind == TOK_SEQUENCE);
	ck_assert(walk_next(&w, &t, NULL) == OK && t.kind == TOK_ITEM);
	ck_assert_int_eq(walk_skip(&w, NULL), OK);
	ck_assert(walk_next(&w, &t, NULL) == OK && t.kind == TOK_ITEM_END);
	ck_assert(walk_next(&w, &t, NULL) == OK && t.kind == TOK_ITEM);
	ck_assert_int_eq(walk_skip(&w, NULL), OK);
	ck_assert(walk_next(&w, &t, NULL) == OK && t.kind == TOK_ITEM_END);
	ck_assert(walk_next(&w, &t, NULL) == OK && t.kind == TOK_SEQUENCE_END);
	ck_assert_uint_eq(t.tag, TAG_ReferencedSeriesSequence);
	ck_assert(walk_next(&w, &t, NULL) == OK && t.tag == TAG_PatientName);
	ck_assert_int_eq(walk_next(&w, &t, NULL), ERR_MORE);
	ck_assert(!w.open_end && w.pos == in.len);
	hex_free(in);
}
END_TEST

START_TEST(test_open_end)
{
	static const struct {
		const char *in;
		bool open;
	} rows[] = {
		{"0800 1511 FFFFFFFF FEFF 00E0 00000000", true},
		{"0800 1511 FFFFFFFF FEFF 00E0 FFFFFFFF", true},
		{"0800 1511 08000000 FEFF 00E0 FFFFFFFF", false}, /* its length closes it */
		{"0800 1511 FFFFFFFF FEFF 00E0 FFFFFFFF FEFF DDE0 00000000", false},
		{"1000 1000 00000000", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes in = hex(rows[i].in);
		struct buf out = BUF_INIT(65536);
		struct walk w;

		ck_assert_int_eq(trace(in, &syntax_implicit_le, &out, &w, NULL), ERR_MORE);
		ck_assert_msg(w.open_end == rows[i].open, "%s", rows[i].in);
		buf_free(&out);
		hex_free(in);
	}
}
END_TEST

START_TEST(test_padding_position)
{
	struct bytes in = hex("1000 1000 00000000 0000000000000000 000000");
	struct walk w;
	struct token t;

	walk_init(&w, in, &syntax_implicit_le);
	ck_assert_int_eq(walk_next(&w, &t, NULL), OK);
	ck_assert_int_eq(walk_next(&w, &t, NULL), ERR_MORE);
	ck_assert_uint_eq(w.pos, 8);
	hex_free(in);
}
END_TEST

/* ---- Bytes at random ---- */

START_TEST(test_random)
{
	unsigned state = (unsigned)_i + 1;
	uint8_t bytes[256];

	for (int round = 0; round < 200; round++) {
		size_t len = 8 + state % 200;

		for (size_t i = 0; i < len; i++) {
			state = state * 1664525u + 1013904223u;
			/* mostly small numbers, and now and then a piece of syntax */
			bytes[i] = (uint8_t)((state >> 28) == 0 ? state >> 20 : state >> 29);
			if (state >> 26 == 63 && i + 4 < len) {
				memcpy(bytes + i, "\xFE\xFF\x00\xE0", 4);
				i += 3;
			} else if (state >> 26 == 62 && i + 4 < len) {
				memcpy(bytes + i, "\xFF\xFF\xFF\xFF", 4);
				i += 3;
			} else if (state >> 26 == 61 && i + 4 < len) {
				memcpy(bytes + i, "SQ\0\0", 4);
				i += 3;
			}
		}
		uint8_t *copy = guard_copy(bytes, len);
		for (const char *letter = "EIB"; *letter != '\0'; letter++) {
			struct buf out = BUF_INIT(65536);
			struct walk w;

			(void)trace(bytes_of(copy, len), syntax_of(*letter), &out, &w, NULL);
			check_skipping(bytes_of(copy, len), syntax_of(*letter), "random");
			buf_free(&out);
		}
		guard_free(copy, len);
	}
}
END_TEST

START_TEST(test_notes_format)
{
	char text[400], small[12];

	walk_notes_format(0, text, sizeof(text));
	ck_assert_str_eq(text, "");
	walk_notes_format(WALK_ODD_LENGTH | WALK_REPEATED, text, sizeof(text));
	ck_assert_str_eq(text, "odd length, repeated tag");
	walk_notes_format(~0u, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "explicit and implicit VR mixed"));
	walk_notes_format(~0u, small, sizeof(small));
	ck_assert_str_eq(small, "odd length,");
}
END_TEST

Suite *suite_walk(void)
{
	Suite *s = suite_create("walk");
	TCase *c = tcase_create("walk");
	int goods = sizeof(good) / sizeof(good[0]);

	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, test_good, 0, goods);
	tcase_add_loop_test(c, test_bad, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_loop_test(c, test_truncated, 0, goods);
	tcase_add_test(c, test_nesting);
	tcase_add_test(c, test_all_syntaxes);
	tcase_add_test(c, test_skip_inside);
	tcase_add_test(c, test_open_end);
	tcase_add_test(c, test_padding_position);
	tcase_add_loop_test(c, test_random, 0, 10);
	tcase_add_test(c, test_notes_format);
	suite_add_tcase(s, c);
	return s;
}
