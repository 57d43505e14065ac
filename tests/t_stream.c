/*
 * The streaming check: every row at every chunking, every truncation, every limit; what walk and
 * it must agree on.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dicom/build.h"
#include "dicom/deflate.h"
#include "dicom/stream.h"
#include "dicom/walk.h"
#include "support/hex.h"
#include "support/support.h"

Suite *suite_stream(void);

static const struct syntax *syntax_of(char letter)
{
	return letter == 'I'   ? &syntax_implicit_le
	       : letter == 'B' ? &syntax_explicit_be
	       : letter == 'D' ? &syntax_deflated_le
			       : &syntax_explicit_le;
}

/* In chunks of `step` bytes, each at an unreadable page. */
static enum err feed(struct stream *s, struct bytes in, const struct syntax *syntax,
		     const struct stream_limits *limits, size_t step, struct fault *f)
{
	enum err e = OK;

	stream_init(s, syntax, limits);
	for (size_t at = 0; at < in.len && e == OK; at += step) {
		size_t n = in.len - at < step ? in.len - at : step;
		uint8_t *copy = step > 64 || in.len > 4096 ? NULL : guard_copy(in.at + at, n);

		e = stream_feed(s, copy == NULL ? bytes_slice(in, at, n) : bytes_of(copy, n), f);
		if (copy != NULL)
			guard_free(copy, n);
	}
	if (e == OK)
		e = stream_end(s, f);
	stream_free(s);
	return e;
}

/* Whole and in pieces: the same. */
static enum err check(struct bytes in, const struct syntax *syntax,
		      const struct stream_limits *limits, const char *name,
		      struct stream_head *head, struct fault *f)
{
	static const size_t steps[] = {1, 2, 3, 7, 20, 1000};
	static struct stream s, t;
	struct fault g = {0};

	memset(f, 0, sizeof(*f));
	enum err e = feed(&s, in, syntax, limits, in.len + 1, f);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (in.len / steps[i] > 20000)
			continue;
		g = (struct fault){0};
		enum err again = feed(&t, in, syntax, limits, steps[i], &g);
		ck_assert_msg(again == e, "%s: %d, not %d, in pieces of %zu", name, again, e,
			      steps[i]);
		ck_assert_msg(g.at == f->at && g.tag == f->tag && g.text == f->text, "%s", name);
		ck_assert(memcmp(stream_head(&s), stream_head(&t), sizeof(*head)) == 0);
	}
	if (head != NULL)
		*head = *stream_head(&s);
	ck_assert(e == f->code && (e == OK) == (f->text == NULL));
	return e;
}

static enum err verdict(const char *text, char syntax, const char *name, struct fault *f)
{
	static const struct stream_limits limits = STREAM_LIMITS_INIT;
	struct bytes in = hex(text);
	enum err e = check(in, syntax_of(syntax), &limits, name, NULL, f);

	hex_free(in);
	return e;
}

/* ---- What is whole ---- */

static const struct {
	const char *name;
	char syntax;
	const char *in;
} whole[] = {
	{"nothing", 'E', ""},
	{"one element", 'E', "1000 1000 'PN' 0400 'abcd'"},
	{"empty value", 'I', "1000 1000 00000000"},
	{"big endian", 'B', "0010 0010 'PN' 0004 'abcd'"},
	{"long form", 'E', "E07F 1000 'OW' 0000 04000000 01020304"},
	{"defined sequence", 'E',
	 "0800 1511 'SQ' 0000 12000000 FEFF 00E0 0A000000 0800 5011 'UI' 0200 '1' 00"},
	{"undefined sequence", 'I',
	 "0800 1511 FFFFFFFF FEFF 00E0 FFFFFFFF 0800 5011 02000000 '1' 00"
	 "FEFF 0DE0 00000000 FEFF DDE0 00000000"},
	{"UN of undefined length", 'E',
	 "0900 0110 'UN' 0000 FFFFFFFF FEFF 00E0 0A000000 0800 5011 02000000 '1' 00"
	 "FEFF DDE0 00000000"},
	{"encapsulated", 'E',
	 "E07F 1000 'OB' 0000 FFFFFFFF FEFF 00E0 04000000 00000000 FEFF 00E0 02000000 FFD8"
	 "FEFF DDE0 00000000"},
	{"encapsulated in an item", 'E',
	 "8800 0002 'SQ' 0000 FFFFFFFF FEFF 00E0 FFFFFFFF E07F 1000 'OB' 0000 FFFFFFFF"
	 "FEFF 00E0 00000000 FEFF DDE0 00000000 FEFF 0DE0 00000000 FEFF DDE0 00000000"},
	/* oddities that walk notes */
	{"odd length", 'E', "1000 1000 'PN' 0300 'abc'"},
	{"disordered", 'E', "1000 1000 'PN' 0000 0800 1800 'UI' 0000"},
	{"repeated", 'E', "1000 1000 'PN' 0000 1000 1000 'PN' 0200 'ab'"},
	{"group length", 'E', "0800 0000 'UL' 0400 08000000 0800 0500 'CS' 0000"},
	{"padding", 'E', "1000 1000 'PN' 0000 00000000000000000000000000"},
	{"padding of three", 'I', "1000 1000 00000000 000000"},
	{"stray delimiters", 'E',
	 "FEFF 0DE0 00000000 1000 1000 'PN' 0000 FEFF DDE0 00000000 FEFF 0DE0 00000000"},
	{"item without delimiter before the sequence's", 'E',
	 "0800 1511 'SQ' 0000 FFFFFFFF FEFF 00E0 FFFFFFFF 0800 5011 'UI' 0000 FEFF DDE0 00000000"},
	{"undefined item in a defined sequence", 'E',
	 "0800 1511 'SQ' 0000 10000000 FEFF 00E0 FFFFFFFF 0800 5011 'UI' 0000 1000 1000 'PN' 0000"},
	{"no VR: question marks", 'E', "1000 1000 3F3F 0200 'ab' 1000 2000 'LO' 0000"},
	{"no VR: lower case, last", 'E', "1000 1000 'pn' 0200 'ab'"},
	{"a VR of the future", 'E', "1000 1000 'ZZ' 0000 02000000 'ab' 1000 2000 'LO' 0000"},
	{"long VR in the short form", 'E', "0900 0110 'UN' 0200 'ab' 1000 2000 'LO' 0000"},
	{"implicit among explicit", 'E',
	 "0800 1800 'UI' 0000 1000 1000 04000000 'abcd' 1000 2000 'LO' 0000"},
	{"explicit SQ, implicit inside", 'E',
	 "0800 1511 'SQ' 0000 12000000 FEFF 00E0 0A000000 0800 5011 02000000 '1' 00"},
	{"undefined length of something else, but items", 'I',
	 "1000 1000 FFFFFFFF FEFF 00E0 00000000 FEFF DDE0 00000000"},
};

START_TEST(test_whole)
{
	struct fault f;
	struct bytes in = hex(whole[_i].in);
	struct walk w;
	struct token t;
	enum err e = verdict(whole[_i].in, whole[_i].syntax, whole[_i].name, &f);

	ck_assert_msg(e == OK, "%s: %s at %llu", whole[_i].name, f.text, (unsigned long long)f.at);
	walk_init(&w, in, syntax_of(whole[_i].syntax));
	while ((e = walk_next(&w, &t, NULL)) == OK) {
	}
	ck_assert_msg(e == ERR_MORE && !w.open_end, "%s: walk says no", whole[_i].name);
	hex_free(in);
}
END_TEST

/* ---- What is not ---- */

static const struct {
	const char *name;
	char syntax;
	const char *in;
	size_t at;
} broken[] = {
	{"header cut short", 'E', "1000 1000 'PN' 02", 0},
	{"long header cut short", 'E', "E07F 1000 'OW' 0000 0400", 0},
	{"value cut short", 'E', "1000 1000 'PN' 0400 'abc'", 11},
	{"pixels that are not there", 'E', "1000 1000 'PN' 0000 E07F 1000 'OW' 0000 00001000", 20},
	{"no delimiter of the sequence at the end", 'E',
	 "0800 1511 'SQ' 0000 FFFFFFFF FEFF 00E0 00000000", 20},
	{"no delimiter of the item at the end", 'E',
	 "0800 1511 'SQ' 0000 FFFFFFFF FEFF 00E0 FFFFFFFF 0800 5011 'UI' 0000", 28},
	{"no delimiter of pixel data", 'E',
	 "E07F 1000 'OB' 0000 FFFFFFFF FEFF 00E0 00000000 FEFF 00E0 02000000 FFD8", 30},
	{"pixel data without anything", 'E', "E07F 1000 'OB' 0000 FFFFFFFF", 12},
	{"fragment cut short", 'E',
	 "E07F 1000 'OB' 0000 FFFFFFFF FEFF 00E0 00000000 FEFF 00E0 04000000 FFD8", 30},
	{"fragment of undefined length", 'E',
	 "E07F 1000 'OB' 0000 FFFFFFFF FEFF 00E0 FFFFFFFF FEFF DDE0 00000000", 12},
	{"defined sequence cut short between items", 'I', "0800 1511 10000000 FEFF 00E0 00000000",
	 16},
	{"item runs past its sequence", 'I',
	 "0800 1511 08000000 FEFF 00E0 04000000 1000 1000 00000000", 8},
	{"element runs past its item", 'I',
	 "0800 1511 12000000 FEFF 00E0 0A000000 0800 5011 04000000 '1' 00 1000 1000 00000000", 16},
	{"item ends in a header", 'I', "0800 1511 0C000000 FEFF 00E0 04000000 0800 5011", 16},
	{"no item in a sequence", 'I', "0800 1511 08000000 0800 5011 00000000", 8},
	{"item in the data set", 'E', "FEFF 00E0 00000000", 0},
	{"unknown tag of group FFFE", 'E', "FEFF 0100 'OB' 0000 00000000", 0},
	{"undefined length of a text", 'E', "1000 1000 'UT' 0000 FFFFFFFF 'abcdefgh'", 0},
	{"zeros between elements", 'I', "1000 1000 00000000 0000000000000000 1000 2000 00000000",
	 16},
	{"garbage", 'E', "DEADBEEF 8BADF00D C0FFEE00 12345678 9ABCDEF0", 0},
};

START_TEST(test_broken)
{
	struct fault f;
	enum err e = verdict(broken[_i].in, broken[_i].syntax, broken[_i].name, &f);

	ck_assert_msg(e == ERR_WIRE || e == ERR_LIMIT, "%s: %d", broken[_i].name, e);
	ck_assert_msg(f.at == broken[_i].at, "%s: at %llu, %s", broken[_i].name,
		      (unsigned long long)f.at, f.text);
}
END_TEST

/* Cut anywhere, it is whole only where an element of the top level ends. */
START_TEST(test_truncated)
{
	struct bytes in = hex(whole[_i].in);
	const struct syntax *syntax = syntax_of(whole[_i].syntax);
	static const struct stream_limits limits = STREAM_LIMITS_INIT;

	for (size_t len = 0; len < in.len; len++) {
		struct bytes cut = bytes_slice(in, 0, len);
		struct walk w;
		struct token t;
		struct fault f;
		enum err e = check(cut, syntax, &limits, whole[_i].name, NULL, &f), walked;

		walk_init(&w, cut, syntax);
		while ((walked = walk_next(&w, &t, NULL)) == OK) {
		}
		if (e == OK)
			ck_assert_msg(walked == ERR_MORE && !w.open_end, "%s: cut at %zu",
				      whole[_i].name, len);
		else if (walked == ERR_MORE && !w.open_end)
			ck_assert_msg(w.notes != 0, "%s: cut at %zu: %s", whole[_i].name, len,
				      f.text);
	}
	hex_free(in);
}
END_TEST

/* ---- The head ---- */

static void put_head(struct build *b)
{
	build_str(b, TAG_SOPClassUID, VR_UI, "1.2.840.10008.5.1.4.1.1.2");
	build_str(b, TAG_SOPInstanceUID, VR_UI, "1.2.3.4");
	build_str(b, TAG_Modality, VR_CS, "CT");
	build_sequence(b, TAG_ReferencedStudySequence);
	build_item(b);
	build_str(b, TAG_StudyInstanceUID, VR_UI, "9.9"); /* not this one */
	build_item_end(b);
	build_sequence_end(b);
	build_str(b, TAG_StudyInstanceUID, VR_UI, "1.2.3");
	build_str(b, TAG_SeriesInstanceUID, VR_UI, "1.2.3.1");
}

START_TEST(test_head)
{
	static const struct syntax *const all[] = {&syntax_explicit_le, &syntax_implicit_le,
						   &syntax_explicit_be};
	static const struct stream_limits limits = STREAM_LIMITS_INIT;
	struct stream_head head;
	static uint8_t pixels[100000];
	struct fault f;

	for (size_t i = 0; i < 3; i++) {
		struct build b;

		build_init(&b, all[i], 1u << 20);
		put_head(&b);
		build_ow_le(&b, TAG_PixelData, bytes_of(pixels, sizeof(pixels)));
		ck_assert_int_eq(check(buf_bytes(&b.out), all[i], &limits, "head", &head, &f), OK);
		ck_assert_str_eq(head.sop_class.text, "1.2.840.10008.5.1.4.1.1.2");
		ck_assert_str_eq(head.sop_instance.text, "1.2.3.4");
		ck_assert_str_eq(head.study.text, "1.2.3");
		ck_assert_str_eq(head.series.text, "1.2.3.1");
		ck_assert_str_eq(head.modality, "CT");
		ck_assert(head.complete);
		build_free(&b);
	}
}
END_TEST

static const struct {
	const char *name, *in;
	const char *sop, *modality;
} heads[] = {
	{"absent", "1000 1000 'PN' 0000", "", ""},
	{"empty", "0800 1800 'UI' 0000 0800 6000 'CS' 0000", "", ""},
	{"padded with NUL", "0800 1800 'UI' 0400 '1.2' 00", "1.2", ""},
	{"padded with spaces", "0800 1800 'UI' 0800 '  1.2   ' 0800 6000 'CS' 0600 '  CT  '", "1.2",
	 "CT"},
	{"no UID", "0800 1800 'UI' 0600 '../../'", "", ""},
	{"the first counts", "0800 1800 'UI' 0200 'xy' 0800 1800 'UI' 0400 '1.2' 00", "", ""},
	{"64 characters",
	 "0800 1800 'UI' 4000 '1.23456789012345678901234567890123456789012345678901234567890123'",
	 "1.23456789012345678901234567890123456789012345678901234567890123", ""},
	{"65 characters",
	 "0800 1800 'UI' 4200 '1.234567890123456789012345678901234567890123456789012345678901234' "
	 "00",
	 "", ""},
	{"long with padding",
	 "0800 1800 'UI' 6400 '1.2'"
	 "'                                                                                       '"
	 "'          '",
	 "1.2", ""},
	{"long, then more",
	 "0800 1800 'UI' 6400 '1.2'"
	 "'                                                                                       '"
	 "'         3'",
	 "", ""},
	{"long modality", "0800 6000 'CS' 1400 'ABCDEFGHIJKLMNOPQRST'", "", "ABCDEFGHIJKLMNOP"},
	{"disordered", "2000 0D00 'UI' 0000 0800 1800 'UI' 0400 '1.2' 00", "1.2", ""},
	{"after it is complete",
	 "1000 2000 'LO' 0000 2800 1000 'US' 0200 0100"
	 "0800 1800 'UI' 0400 '1.2' 00",
	 "1.2", ""},
};

START_TEST(test_heads)
{
	static const struct stream_limits limits = STREAM_LIMITS_INIT;
	struct bytes in = hex(heads[_i].in);
	struct stream_head head;
	struct fault f;
	enum err e = check(in, &syntax_explicit_le, &limits, heads[_i].name, &head, &f);

	ck_assert_msg(e == OK, "%s: %s", heads[_i].name, f.text);
	ck_assert_msg(strcmp(head.sop_instance.text, heads[_i].sop) == 0, "%s: '%s'",
		      heads[_i].name, head.sop_instance.text);
	ck_assert_msg(strcmp(head.modality, heads[_i].modality) == 0, "%s: '%s'", heads[_i].name,
		      head.modality);
	hex_free(in);
}
END_TEST

/* It is complete as soon as a tag beyond the series has been seen, before the pixels come. */
START_TEST(test_complete_early)
{
	static const struct stream_limits limits = STREAM_LIMITS_INIT;
	static struct stream s;
	struct build b;

	build_init(&b, &syntax_explicit_le, 65536);
	put_head(&b);
	stream_init(&s, &syntax_explicit_le, &limits);
	ck_assert_int_eq(stream_feed(&s, buf_bytes(&b.out), NULL), OK);
	ck_assert(!stream_head(&s)->complete);
	struct bytes next = hex("2800 1000 'US' 0200");
	ck_assert_int_eq(stream_feed(&s, next, NULL), OK);
	ck_assert(stream_head(&s)->complete);
	ck_assert_str_eq(stream_head(&s)->series.text, "1.2.3.1");
	ck_assert_int_eq(stream_end(&s, NULL), ERR_WIRE);
	hex_free(next);
	build_free(&b);
}
END_TEST

/* ---- Limits ---- */

START_TEST(test_limit_elements)
{
	/* a sequence, 2 items, 2 elements, and one after it */
	struct bytes in = hex("0800 1511 24000000 FEFF 00E0 0A000000 0800 5011 02000000 '1' 00"
			      "FEFF 00E0 0A000000 0800 5011 02000000 '1' 00 1000 1000 00000000");
	struct fault f;

	for (uint32_t max = 0; max < 8; max++) {
		struct stream_limits limits = {1000, max, 64};

		ck_assert_int_eq(check(in, &syntax_implicit_le, &limits, "elements", NULL, &f),
				 max < 6 ? ERR_LIMIT : OK);
	}
	hex_free(in);
}
END_TEST

START_TEST(test_limit_bytes)
{
	static const char *const rows[] = {
		"1000 1000 04000000 'abcd' 1000 2000 04000000 'abcd'",
		"1000 1000 04000000 'abcd' 0000000000000000 00000000",
		"0800 1511 FFFFFFFF FEFF 00E0 00000000 FEFF DDE0 00000000",
	};
	struct fault f;

	for (size_t i = 0; i < 3; i++) {
		struct bytes in = hex(rows[i]);

		for (size_t max = 0; max < in.len + 2; max++) {
			struct stream_limits limits = {max, 100, 64};

			ck_assert_int_eq(check(in, &syntax_implicit_le, &limits, rows[i], NULL, &f),
					 max < in.len ? ERR_LIMIT : OK);
		}
		hex_free(in);
	}
}
END_TEST

/* A length over the limit is refused soon after it is read, not when its bytes have come. */
START_TEST(test_limit_at_the_header)
{
	struct bytes in = hex("E07F 1000 'OW' 0000 00001000 FFFFFFFF");
	static struct stream s;
	struct fault f = {0};
	struct stream_limits limits = {1u << 20, 100, 64};

	stream_init(&s, &syntax_explicit_le, &limits);
	ck_assert_int_eq(stream_feed(&s, in, &f), ERR_LIMIT);
	ck_assert_int_eq(stream_feed(&s, in, &f), ERR_LIMIT);
	ck_assert_int_eq(stream_end(&s, NULL), ERR_LIMIT);
	limits.bytes += 12;
	stream_init(&s, &syntax_explicit_le, &limits);
	ck_assert_int_eq(stream_feed(&s, in, &f), OK);
	ck_assert_int_eq(stream_end(&s, NULL), ERR_WIRE);
	hex_free(in);
}
END_TEST

static void put_nested(struct buf *b, unsigned levels, bool undefined, bool close)
{
	uint32_t left = levels * 20;
	uint8_t head[20] = {0x08, 0, 0x15, 0x11, 'S', 'Q', 0, 0, 0, 0, 0, 0, 0xFE, 0xFF, 0, 0xE0};

	for (unsigned i = 0; i < levels; i++) {
		put_u32le(head + 8, undefined ? DICOM_UNDEFINED : left - 12);
		put_u32le(head + 16, undefined ? DICOM_UNDEFINED : left - 20);
		buf_add(b, bytes_of(head, sizeof(head)));
		left -= 20;
	}
	for (unsigned i = 0; close && undefined && i < levels; i++)
		buf_add(b, BYTES_LIT("\xFE\xFF\x0D\xE0\0\0\0\0\xFE\xFF\xDD\xE0\0\0\0\0"));
}

START_TEST(test_limit_nesting)
{
	static const unsigned levels[] = {1, 4, 5, LIMIT_NESTING, LIMIT_NESTING + 1};
	struct fault f;

	for (size_t i = 0; i < 5; i++) {
		for (unsigned max = 4; max <= LIMIT_NESTING; max += LIMIT_NESTING - 4) {
			for (int undefined = 0; undefined < 2; undefined++) {
				struct stream_limits limits = {1u << 20, 10000, max};
				struct buf b = BUF_INIT(1u << 20);

				put_nested(&b, levels[i], undefined != 0, true);
				ck_assert_int_eq(check(buf_bytes(&b), &syntax_explicit_le, &limits,
						       "nesting", NULL, &f),
						 levels[i] <= max ? OK : ERR_LIMIT);
				buf_free(&b);
			}
		}
	}
}
END_TEST

/* 100,000 nested sequences: refused in the header of the 65th. */
START_TEST(test_nested_100000)
{
	static const struct stream_limits limits = STREAM_LIMITS_INIT;
	struct buf b = BUF_INIT(4u << 20);
	static struct stream s;
	struct fault f = {0};

	put_nested(&b, 100000, true, false);
	ck_assert_uint_eq(b.len, 2000000);
	stream_init(&s, &syntax_explicit_le, &limits);
	ck_assert_int_eq(stream_feed(&s, bytes_of(b.at, 20 * LIMIT_NESTING), &f), OK);
	ck_assert_int_eq(stream_feed(&s, bytes_of(b.at + 20 * LIMIT_NESTING, 12), &f), ERR_LIMIT);
	ck_assert_uint_eq(f.at, 20 * LIMIT_NESTING);
	ck_assert_int_eq(stream_feed(&s, bytes_of(b.at + 1292, b.len - 1292), &f), ERR_LIMIT);
	buf_free(&b);
}
END_TEST

/* ---- Values longer than what is looked ahead ---- */

static void put_u16(struct buf *b, uint16_t v)
{
	uint8_t out[2];

	put_u16le(out, v);
	buf_add(b, bytes_of(out, 2));
}

/* Header of an element as given, and `len` bytes of `fill`. */
static void put_raw(struct buf *b, uint32_t tag, const char *rest, size_t rest_len, size_t len,
		    char fill)
{
	put_u16(b, TAG_GROUP(tag));
	put_u16(b, TAG_ELEMENT(tag));
	buf_add(b, bytes_of(rest, rest_len));
	for (size_t i = 0; i < len; i++)
		buf_char(b, fill);
}

START_TEST(test_trusted)
{
	static const struct {
		const char *name;
		char syntax;
		const char *rest; /* of the header of an element in the middle */
		size_t rest_len, len;
		enum err want;     /* followed by another element */
		enum err want_bad; /* followed by something else */
	} rows[] = {
		{"a length that looks like a VR", 'I', "LO\0\0", 4, 0x4F4C, OK, ERR_WIRE},
		{"a length that looks like a long VR", 'I', "UN\1\0", 4, 0x14E55, OK, ERR_WIRE},
		{"a VR of the future", 'E', "ZZ\0\0\x20\x4E\0\0", 8, 20000, OK, ERR_WIRE},
		{"no VR", 'E', "??\x20\x4E", 4, 20000, OK, ERR_WIRE},
		{"implicit among explicit", 'E', "\x20\x4E\0\0", 4, 20000, OK, ERR_WIRE},
		{"UN in the short form", 'E', "UN\x20\x4E", 4, 20000, OK, ERR_WIRE},
	};
	static const struct stream_limits limits = STREAM_LIMITS_INIT;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int bad = 0; bad < 2; bad++) {
			struct buf b = BUF_INIT(1u << 20);
			const struct syntax *syntax = syntax_of(rows[i].syntax);
			struct fault f;
			struct walk w;
			struct token t;
			enum err e;

			put_raw(&b, TAG_PatientName, rows[i].rest, rows[i].rest_len, rows[i].len,
				bad ? 'x' : '\0');
			if (bad)
				buf_str(&b, "something that is no element");
			else if (syntax->explicit_vr)
				put_raw(&b, TAG_PatientID, "LO\2\0", 4, 2, 'x');
			else
				put_raw(&b, TAG_PatientID, "\2\0\0\0", 4, 2, 'x');
			e = check(buf_bytes(&b), syntax, &limits, rows[i].name, NULL, &f);
			ck_assert_msg(bad ? e != OK : e == OK, "%s, %d: %d %s", rows[i].name, bad,
				      e, f.text);
			walk_init(&w, buf_bytes(&b), syntax);
			while ((e = walk_next(&w, &t, NULL)) == OK) {
			}
			ck_assert_msg(bad || e == ERR_MORE, "%s: walk", rows[i].name);
			buf_free(&b);
		}
	}
}
END_TEST

/* ---- Deflated ---- */

static struct buf deflated(struct bytes data)
{
	struct buf out = BUF_INIT(8u << 20);
	int fd = memfd_create("deflated", 0);
	uint8_t block[4096];
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(deflate_write(fd, &data, 1, NULL), OK);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	while ((n = read(fd, block, sizeof(block))) > 0)
		buf_add(&out, bytes_of(block, (size_t)n));
	close(fd);
	return out;
}

START_TEST(test_deflated)
{
	static const struct stream_limits limits = STREAM_LIMITS_INIT;
	struct stream_head head;
	struct build b;
	struct fault f = {0};
	static uint8_t noise[50000];

	if (deflate_write(-1, NULL, 0, &f) == ERR_UNSUPPORTED) {
		ck_assert_int_eq(check(BYTES_LIT("x"), &syntax_deflated_le, &limits, "", &head, &f),
				 ERR_UNSUPPORTED);
		return;
	}
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)((i * 2654435761u) >> 13);
	build_init(&b, &syntax_explicit_le, 1u << 20);
	put_head(&b);
	build_ow_le(&b, TAG_PixelData, bytes_of(noise, sizeof(noise)));
	struct buf out = deflated(buf_bytes(&b.out));
	ck_assert_int_eq(check(buf_bytes(&out), &syntax_deflated_le, &limits, "", &head, &f), OK);
	ck_assert_str_eq(head.study.text, "1.2.3");

	/* cut short, and then damaged, at places all over it; the last byte may be padding */
	for (size_t len = 0; len + 2 < out.len; len += 997) {
		struct bytes cut = bytes_of(out.at, len);

		ck_assert_int_eq(check(cut, &syntax_deflated_le, &limits, "cut", &head, &f),
				 ERR_WIRE);
	}
	ck_assert_int_eq(check(bytes_of(out.at, out.len - 2), &syntax_deflated_le, &limits, "cut",
			       &head, &f),
			 ERR_WIRE);
	/* the data set in it cut short */
	struct buf inner = deflated(bytes_of(b.out.at, b.out.len - 1));
	ck_assert_int_eq(check(buf_bytes(&inner), &syntax_deflated_le, &limits, "", &head, &f),
			 ERR_WIRE);
	buf_free(&inner);
	buf_free(&out);
	build_free(&b);
}
END_TEST

/* A small stream that becomes large stops at the limit of objects. */
START_TEST(test_deflated_bomb)
{
	struct stream_limits limits = {4u << 20, 100, 64};
	struct fault f = {0};
	struct build b;
	const uint8_t *zeros = test_zeros(5u << 20);

	if (deflate_write(-1, NULL, 0, &f) == ERR_UNSUPPORTED)
		return;
	build_init(&b, &syntax_explicit_le, 8u << 20);
	build_ow_le(&b, TAG_PixelData, bytes_of(zeros, 3u << 20));
	struct buf out = deflated(buf_bytes(&b.out));
	ck_assert_int_eq(check(buf_bytes(&out), &syntax_deflated_le, &limits, "", NULL, &f), OK);
	buf_free(&out);
	buf_add(&b.out, bytes_of(zeros, 2u << 20)); /* as padding */
	out = deflated(buf_bytes(&b.out));
	ck_assert_uint_lt(out.len, 10000);
	ck_assert_int_eq(check(buf_bytes(&out), &syntax_deflated_le, &limits, "", NULL, &f),
			 ERR_LIMIT);
	buf_free(&out);
	build_free(&b);
}
END_TEST

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

Suite *suite_stream(void)
{
	Suite *suite = suite_create("stream");
	TCase *rows = tcase_create("rows"), *head = tcase_create("head"),
	      *limits = tcase_create("limits"), *ahead = tcase_create("ahead"),
	      *deflate = tcase_create("deflated");

	tcase_add_loop_test(rows, test_whole, 0, COUNT(whole));
	tcase_add_loop_test(rows, test_broken, 0, COUNT(broken));
	tcase_add_loop_test(rows, test_truncated, 0, COUNT(whole));
	suite_add_tcase(suite, rows);
	tcase_add_test(head, test_head);
	tcase_add_loop_test(head, test_heads, 0, COUNT(heads));
	tcase_add_test(head, test_complete_early);
	suite_add_tcase(suite, head);
	tcase_add_test(limits, test_limit_elements);
	tcase_add_test(limits, test_limit_bytes);
	tcase_add_test(limits, test_limit_at_the_header);
	tcase_add_test(limits, test_limit_nesting);
	tcase_add_test(limits, test_nested_100000);
	suite_add_tcase(suite, limits);
	tcase_add_test(ahead, test_trusted);
	suite_add_tcase(suite, ahead);
	tcase_add_test(deflate, test_deflated);
	tcase_add_test(deflate, test_deflated_bomb);
	tcase_set_timeout(deflate, 60);
	suite_add_tcase(suite, deflate);
	return suite;
}
