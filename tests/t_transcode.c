/*
 * Re-encoding: each rule by its bytes, both ways; swapped pieces at every offset; large values as
 * views; limits; what the arena holds; against whole data sets built in each syntax.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/build.h"
#include "dicom/transcode.h"
#include "dicom/walk.h"
#include "support/hex.h"

#define ELE (&syntax_explicit_le)
#define ILE (&syntax_implicit_le)
#define EBE (&syntax_explicit_be)
#define DFL (&syntax_deflated_le)

static struct arena arena;

static void setup(void)
{
	ck_assert_int_eq(arena_open(&arena, 64u << 20, NULL), OK);
}

static void teardown(void)
{
	arena_close(&arena);
}

static struct bytes joined(const struct transcode *t)
{
	uint8_t *out = malloc(t->len + 1);
	size_t at = 0;

	ck_assert_ptr_nonnull(out);
	for (size_t i = 0; i < t->count; i++) {
		const struct piece *p = &t->pieces[i];

		ck_assert(p->bytes.len > 0 && p->bytes.len % 2 == 0);
		ck_assert_uint_le(p->bytes.len, t->len - at);
		piece_copy(p, 0, out + at, p->bytes.len);
		at += p->bytes.len;
	}
	ck_assert_uint_eq(at, t->len);
	return bytes_of(out, at);
}

static struct bytes coded(struct bytes in, const struct syntax *from, const struct syntax *to)
{
	struct transcode t;
	struct fault f = {0};

	ck_assert_msg(transcode_plan(&t, in, from, to, &arena, &f) == OK, "%s", f.text);
	return joined(&t);
}

static const char *shown(struct bytes b)
{
	static char text[4096];

	text[0] = '\0';
	for (size_t i = 0; i < b.len && i < 1000; i++)
		snprintf(text + 3 * i, 4, "%02X ", b.at[i]);
	return text;
}

/* The same data set in three encodings; an empty one is not to be had from the others, or not
 * looked at. */
static const struct {
	const char *name, *ele, *ile, *ebe;
} sets[] = {
	{"nothing", "", "", ""},
	{"text", "0800 6000 'CS' 0200 'CT'", "0800 6000 02000000 'CT'", "0008 0060 'CS' 0002 'CT'"},
	{"US", "2800 1000 'US' 0200 0102", "2800 1000 02000000 0102", "0028 0010 'US' 0002 0201"},
	{"US of two values", "2800 3000 'US' 0400 0102 0304", "", "0028 0030 'US' 0004 0201 0403"},
	{"UL", "0800 6111 'UL' 0400 01020304", "", "0008 1161 'UL' 0004 04030201"},
	{"AT", "2800 0900 'AT' 0400 1800 6310", "2800 0900 04000000 1800 6310",
	 "0028 0009 'AT' 0004 0018 1063"},
	{"FL", "1800 1300 'FL' 0400 01020304", "1800 1300 04000000 01020304",
	 "0018 0013 'FL' 0004 04030201"},
	{"FD", "1800 7390 'FD' 0800 0102030405060708", "1800 7390 08000000 0102030405060708",
	 "0018 9073 'FD' 0008 0807060504030201"},
	{"SL", "0800 1111 'SL' 0400 01020304", "", "0008 1111 'SL' 0004 04030201"},
	{"SS", "2800 0601 'SS' 0200 0102", "", "0028 0106 'SS' 0002 0201"},
	{"OF", "0600 1600 'OF' 0000 04000000 01020304", "",
	 "0006 0016 'OF' 0000 00000004 04030201"},
	{"OD", "E07F 0900 'OD' 0000 08000000 0102030405060708",
	 "E07F 0900 08000000 0102030405060708", "7FE0 0009 'OD' 0000 00000008 0807060504030201"},
	{"OL", "6600 4000 'OL' 0000 04000000 01020304", "6600 4000 04000000 01020304",
	 "0066 0040 'OL' 0000 00000004 04030201"},
	{"OV", "7200 8100 'OV' 0000 08000000 0102030405060708", "",
	 "0072 0081 'OV' 0000 00000008 0807060504030201"},
	{"SV", "7200 8200 'SV' 0000 08000000 0102030405060708",
	 "7200 8200 08000000 0102030405060708", "0072 0082 'SV' 0000 00000008 0807060504030201"},
	{"UV", "7200 8300 'UV' 0000 08000000 0102030405060708",
	 "7200 8300 08000000 0102030405060708", "0072 0083 'UV' 0000 00000008 0807060504030201"},
	{"OW", "E07F 1000 'OW' 0000 04000000 01020304", "E07F 1000 04000000 01020304",
	 "7FE0 0010 'OW' 0000 00000004 02010403"},
	{"UC", "0800 1901 'UC' 0000 02000000 'ab'", "0800 1901 02000000 'ab'",
	 "0008 0119 'UC' 0000 00000002 'ab'"},
	{"private creator and values of unknown meaning",
	 "0900 1000 'LO' 0400 'ACME' 0900 0110 'UN' 0000 04000000 01020304",
	 "0900 1000 04000000 'ACME' 0900 0110 04000000 01020304",
	 "0009 0010 'LO' 0004 'ACME' 0009 1001 'UN' 0000 00000004 01020304"},
	{"unknown element of an even group", "0800 FEFF 'UN' 0000 02000000 0102",
	 "0800 FEFF 02000000 0102", "0008 FFFE 'UN' 0000 00000002 0102"},
	{"LUT Descriptor, unsigned", "2800 0301 'US' 0200 0000 2800 0230 'US' 0600 0001 0002 0010",
	 "2800 0301 02000000 0000 2800 0230 06000000 0001 0002 0010",
	 "0028 0103 'US' 0002 0000 0028 3002 'US' 0006 0100 0200 1000"},
	{"padding value, signed", "2800 0301 'US' 0200 0100 2800 2001 'SS' 0200 30F8",
	 "2800 0301 02000000 0100 2800 2001 02000000 30F8",
	 "0028 0103 'US' 0002 0001 0028 0120 'SS' 0002 F830"},
	{"signed, in a sequence",
	 "2800 0301 'US' 0200 0100 2800 0030 'SQ' 0000 1E000000 FEFF 00E0 16000000"
	 "2800 0230 'SS' 0600 0001 0002 0010 2800 0330 'LO' 0000",
	 "2800 0301 02000000 0100 2800 0030 1E000000 FEFF 00E0 16000000"
	 "2800 0230 06000000 0001 0002 0010 2800 0330 00000000",
	 ""},
	{"sequence, undefined lengths",
	 "0800 1511 'SQ' 0000 FFFFFFFF FEFF 00E0 FFFFFFFF 2000 0E00 'UI' 0200 '1' 00"
	 "FEFF 0DE0 00000000 FEFF DDE0 00000000",
	 "0800 1511 FFFFFFFF FEFF 00E0 FFFFFFFF 2000 0E00 02000000 '1' 00"
	 "FEFF 0DE0 00000000 FEFF DDE0 00000000",
	 "0008 1115 'SQ' 0000 FFFFFFFF FFFE E000 FFFFFFFF 0020 000E 'UI' 0002 '1' 00"
	 "FFFE E00D 00000000 FFFE E0DD 00000000"},
	{"sequence, defined lengths, one item empty; headers of other sizes",
	 "0600 0100 'SQ' 0000 1E000000 FEFF 00E0 00000000 FEFF 00E0 0E000000"
	 "0800 1901 'UC' 0000 02000000 'ab'",
	 "0600 0100 1A000000 FEFF 00E0 00000000 FEFF 00E0 0A000000 0800 1901 02000000 'ab'",
	 "0006 0001 'SQ' 0000 0000001E FFFE E000 00000000 FFFE E000 0000000E"
	 "0008 0119 'UC' 0000 00000002 'ab'"},
	{"empty sequences",
	 "0800 1511 'SQ' 0000 00000000 0800 4011 'SQ' 0000 FFFFFFFF FEFF DDE0 00000000",
	 "0800 1511 00000000 0800 4011 FFFFFFFF FEFF DDE0 00000000",
	 "0008 1115 'SQ' 0000 00000000 0008 1140 'SQ' 0000 FFFFFFFF FFFE E0DD 00000000"},
	{"group lengths, at both levels",
	 "0800 0000 'UL' 0400 3A000000 0800 1511 'SQ' 0000 26000000 FEFF 00E0 1E000000"
	 "0800 0000 'UL' 0400 12000000 0800 1901 'UC' 0000 06000000 'abcdef'"
	 "0800 6000 'CS' 0000 2800 1000 'US' 0200 0102",
	 "0800 0000 04000000 32000000 0800 1511 22000000 FEFF 00E0 1A000000"
	 "0800 0000 04000000 0E000000 0800 1901 06000000 'abcdef'"
	 "0800 6000 00000000 2800 1000 02000000 0102",
	 "0008 0000 'UL' 0004 0000003A 0008 1115 'SQ' 0000 00000026 FFFE E000 0000001E"
	 "0008 0000 'UL' 0004 00000012 0008 0119 'UC' 0000 00000006 'abcdef'"
	 "0008 0060 'CS' 0000 0028 0010 'US' 0002 0201"},
	{"waveform data as it stands in implicit VR", "0054 1010 'OW' 0000 04000000 01020304",
	 "0054 1010 04000000 01020304", "5400 1010 'OW' 0000 00000004 02010403"},
};

START_TEST(test_sets)
{
	const struct syntax *syntax[] = {ELE, ILE, EBE, DFL};
	const char *text[] = {sets[_i].ele, sets[_i].ile, sets[_i].ebe, sets[_i].ele};

	for (unsigned from = 0; from < 4; from++) {
		struct bytes in = hex(text[from]);

		for (unsigned to = 0; to < 4; to++) {
			struct bytes want = hex(text[to]), got;

			/* from implicit VR only what the dictionary says */
			if ((*text[from] == '\0' || *text[to] == '\0') && _i > 0) {
				hex_free(want);
				continue;
			}
			got = coded(in, syntax[from], syntax[to]);
			ck_assert_msg(bytes_eq(got, want), "%s, %u to %u: %s", sets[_i].name, from,
				      to, shown(got));
			free((void *)(uintptr_t)got.at);
			hex_free(want);
		}
		hex_free(in);
	}
}
END_TEST

/* One way only: what is put right, and what cannot come back. */
static const struct {
	const char *name;
	const struct syntax *from, *to;
	const char *in, *out;
} ways[] = {
	{"an odd value is padded", ELE, ILE, "0800 6000 'CS' 0300 'CTX'",
	 "0800 6000 04000000 'CTX '"},
	{"an odd UID is padded with NUL", ELE, ELE, "0800 1600 'UI' 0300 '1.2'",
	 "0800 1600 'UI' 0400 '1.2' 00"},
	{"in an item: lengths follow", ELE, ELE,
	 "0800 1511 'SQ' 0000 13000000 FEFF 00E0 0B000000 0800 6000 'CS' 0300 'CTX'",
	 "0800 1511 'SQ' 0000 14000000 FEFF 00E0 0C000000 0800 6000 'CS' 0400 'CTX '"},
	{"missing delimiters are added", ELE, ILE,
	 "0800 1511 'SQ' 0000 FFFFFFFF FEFF 00E0 FFFFFFFF 2000 0E00 'UI' 0000",
	 "0800 1511 FFFFFFFF FEFF 00E0 FFFFFFFF 2000 0E00 00000000"
	 "FEFF 0DE0 00000000 FEFF DDE0 00000000"},
	{"a stray delimiter is left out", ELE, ILE,
	 "0800 6000 'CS' 0000 FEFF DDE0 00000000 0800 7000 'LO' 0000",
	 "0800 6000 00000000 0800 7000 00000000"},
	{"padding after the data set is left out", ELE, ILE,
	 "0800 6000 'CS' 0000 0000000000000000000000000000", "0800 6000 00000000"},
	{"trailing padding that is an element stays", ELE, ILE,
	 "FCFF FCFF 'OB' 0000 04000000 00000000", "FCFF FCFF 04000000 00000000"},
	{"a sequence in UN stays as it is", ELE, EBE,
	 "0900 0110 'UN' 0000 FFFFFFFF FEFF 00E0 0A000000 2800 1000 02000000 0102"
	 "FEFF DDE0 00000000",
	 "0009 1001 'UN' 0000 FFFFFFFF FEFF 00E0 0A000000 2800 1000 02000000 0102"
	 "FEFF DDE0 00000000"},
	{"a sequence in UN, back", EBE, ELE,
	 "0009 1001 'UN' 0000 FFFFFFFF FEFF 00E0 0A000000 2800 1000 02000000 0102"
	 "FEFF DDE0 00000000",
	 "0900 0110 'UN' 0000 FFFFFFFF FEFF 00E0 0A000000 2800 1000 02000000 0102"
	 "FEFF DDE0 00000000"},
	{"a sequence in UN, to implicit VR", ELE, ILE,
	 "0900 0110 'UN' 0000 FFFFFFFF FEFF 00E0 0A000000 2800 1000 02000000 0102"
	 "FEFF DDE0 00000000",
	 "0900 0110 FFFFFFFF FEFF 00E0 0A000000 2800 1000 02000000 0102 FEFF DDE0 00000000"},
	{"a private sequence of undefined length, from implicit VR", ILE, EBE,
	 "0900 0110 FFFFFFFF FEFF 00E0 0A000000 2800 1000 02000000 0102 FEFF DDE0 00000000",
	 "0009 1001 'SQ' 0000 FFFFFFFF FFFE E000 0000000A 0028 0010 'US' 0002 0201"
	 "FFFE E0DD 00000000"},
	{"a private number, known by its VR", EBE, ILE,
	 "0009 0010 'LO' 0004 'ACME' 0009 1001 'US' 0002 0102",
	 "0900 1000 04000000 'ACME' 0900 0110 02000000 0201"},
	{"a VR that is newer than this, same byte order", ELE, DFL,
	 "0900 0110 'QX' 0000 04000000 01020304", "0900 0110 'QX' 0000 04000000 01020304"},
	{"a VR that is newer than this, to implicit VR", ELE, ILE,
	 "0900 0110 'QX' 0000 04000000 01020304", "0900 0110 04000000 01020304"},
	{"a VR that is newer than this, other byte order", ELE, EBE,
	 "0900 0110 'QX' 0000 04000000 01020304", "0009 1001 'UN' 0000 00000004 01020304"},
	{"an implicit element among explicit ones", ELE, EBE,
	 "0800 6000 'CS' 0200 'CT' 2800 1000 02000000 0102",
	 "0008 0060 'CS' 0002 'CT' 0028 0010 'US' 0002 0201"},
	{"repeats and disorder stay", ELE, ILE,
	 "0800 7000 'LO' 0000 0800 6000 'CS' 0000 0800 6000 'CS' 0200 'MR'",
	 "0800 7000 00000000 0800 6000 00000000 0800 6000 02000000 'MR'"},
	{"bytes are not swapped", ELE, EBE, "E07F 1000 'OB' 0000 04000000 01020304",
	 "7FE0 0010 'OB' 0000 00000004 01020304"},
	{"half a number stays as it is", ELE, EBE, "2800 3000 'UL' 0600 010203040506",
	 "0028 0030 'UL' 0006 040302010506"},
	{"a group length of two bytes is an element", ELE, ILE,
	 "0800 0000 'US' 0200 0102 0800 6000 'CS' 0000",
	 "0800 0000 02000000 0102 0800 6000 00000000"},
	{"a group length of another group", ELE, ILE,
	 "0800 0000 'UL' 0400 FF000000 2800 1000 'US' 0200 0102",
	 "0800 0000 04000000 00000000 2800 1000 02000000 0102"},
};

START_TEST(test_ways)
{
	struct bytes in = hex(ways[_i].in), want = hex(ways[_i].out);
	struct bytes got = coded(in, ways[_i].from, ways[_i].to);

	ck_assert_msg(bytes_eq(got, want), "%s: %s", ways[_i].name, shown(got));
	free((void *)(uintptr_t)got.at);
	hex_free(in);
	hex_free(want);
}
END_TEST

START_TEST(test_ge)
{
	const struct syntax *ge = syntax_find(BYTES_LIT("1.2.840.113619.5.2"));
	struct bytes in = hex("2800 1000 02000000 0102 E07F 1000 04000000 01020304");
	struct bytes want = hex("2800 1000 'US' 0200 0102 E07F 1000 'OW' 0000 04000000 02010403");
	struct bytes got = coded(in, ge, ELE), back = coded(want, ELE, ge);

	ck_assert_msg(bytes_eq(got, want), "%s", shown(got));
	ck_assert_msg(bytes_eq(back, in), "%s", shown(back));
	free((void *)(uintptr_t)got.at);
	free((void *)(uintptr_t)back.at);
	hex_free(in);
	hex_free(want);
}
END_TEST

static const char *const refused[][3] = {
	{"1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.1", ""},
	{"1.2.840.10008.1.2.1", "1.2.840.10008.1.2.5", ""},
	{"1.2.840.10008.1.2.4.94", "1.2.840.10008.1.2.1", ""}, /* JPIP: the pixels are elsewhere */
	{"1.2.840.10008.1.2.1", "1.2.840.10008.1.2",
	 "E07F 1000 'OB' 0000 FFFFFFFF FEFF 00E0 00000000 FEFF DDE0 00000000"},
	{"1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2",
	 "8800 0002 'SQ' 0000 FFFFFFFF FEFF 00E0 FFFFFFFF"
	 "E07F 1000 'OB' 0000 FFFFFFFF FEFF 00E0 00000000 FEFF DDE0 00000000"
	 "FEFF 0DE0 00000000 FEFF DDE0 00000000"},
};

START_TEST(test_refused)
{
	const struct syntax *from = syntax_find(bytes_str(refused[_i][0]));
	const struct syntax *to = syntax_find(bytes_str(refused[_i][1]));
	struct transcode t = {.len = 77};
	struct bytes in = hex(refused[_i][2]);
	struct fault f = {0};

	ck_assert(from != NULL && to != NULL);
	ck_assert_int_eq(transcode_plan(&t, in, from, to, &arena, &f), ERR_UNSUPPORTED);
	ck_assert(f.text != NULL && t.len == 77 && arena_mark(&arena) == 0);
	ck_assert(transcode_possible(from, to) == (in.len > 0));
	hex_free(in);
}
END_TEST

/* From a compressed syntax to itself: what is odd is put right, fragments too. */
START_TEST(test_encapsulated)
{
	const struct syntax *rle = syntax_find(BYTES_LIT("1.2.840.10008.1.2.5"));
	struct bytes in = hex("0800 6000 'CS' 0300 'CTX' E07F 1000 'OB' 0000 FFFFFFFF"
			      "FEFF 00E0 00000000 FEFF 00E0 03000000 010203");
	struct bytes want = hex("0800 6000 'CS' 0400 'CTX ' E07F 1000 'OB' 0000 FFFFFFFF"
				"FEFF 00E0 00000000 FEFF 00E0 04000000 01020300"
				"FEFF DDE0 00000000");
	struct bytes got = coded(in, rle, rle);

	ck_assert_msg(bytes_eq(got, want), "%s", shown(got));
	free((void *)(uintptr_t)got.at);
	hex_free(in);
	hex_free(want);
}
END_TEST

/* Any part of a swapped piece is that part of the whole. */
START_TEST(test_piece)
{
	static const uint8_t units[] = {1, 2, 4, 8};
	uint8_t in[38], whole[38];

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)i;
	for (unsigned u = 0; u < 4; u++) {
		struct piece p = {bytes_of(in, sizeof(in)), units[u]};
		size_t unit = units[u], rest = sizeof(in) - sizeof(in) % unit;

		piece_copy(&p, 0, whole, sizeof(in));
		for (size_t i = 0; i < sizeof(in); i++)
			ck_assert_uint_eq(whole[i],
					  i < rest ? i / unit * unit + unit - 1 - i % unit : i);
		for (size_t at = 0; at <= sizeof(in); at++)
			for (size_t n = 0; n <= sizeof(in) - at; n++) {
				uint8_t *part = guard_copy(whole, n);

				piece_copy(&p, at, part, n);
				ck_assert(n == 0 || memcmp(part, whole + at, n) == 0);
				guard_free(part, n);
			}
	}
}
END_TEST

/* An image: its head is one piece, its pixels are the source's own bytes. */
START_TEST(test_views)
{
	static uint16_t pixels[2048];
	struct build b;
	struct transcode t;
	const struct piece *last;

	build_init(&b, ELE, 1u << 20);
	build_str(&b, TAG_Modality, VR_CS, "CT");
	build_str(&b, TAG_PatientName, VR_PN, "Doe^Jane");
	for (unsigned i = 0; i < 2048; i++)
		pixels[i] = (uint16_t)(i * 7);
	build_u16(&b, TAG_PixelData, VR_OW, pixels, 2048);
	ck_assert(!b.out.failed);
	ck_assert_int_eq(transcode_plan(&t, buf_bytes(&b.out), ELE, ILE, &arena, NULL), OK);
	ck_assert_uint_eq(t.count, 2);
	last = &t.pieces[1];
	ck_assert_uint_eq(last->unit, 1);
	ck_assert_ptr_eq(last->bytes.at, b.out.at + b.out.len - 4096);
	ck_assert_uint_eq(last->bytes.len, 4096);
	ck_assert_int_eq(transcode_plan(&t, buf_bytes(&b.out), ELE, EBE, &arena, NULL), OK);
	ck_assert_uint_eq(t.count, 2);
	last = &t.pieces[1];
	ck_assert(last->unit == 2 && last->bytes.at == b.out.at + b.out.len - 4096);
	build_free(&b);
}
END_TEST

/* A value that has no room in its VR becomes UN; what was UN for that reason stays. */
START_TEST(test_long_values)
{
	static const size_t lens[] = {65534, 65536};

	for (unsigned i = 0; i < 2; i++) {
		struct build b;
		struct bytes text = bytes_of(calloc(lens[i], 1), lens[i]), got, back;

		ck_assert_ptr_nonnull(text.at);
		memset((void *)(uintptr_t)text.at, '1', lens[i]);
		build_init(&b, ILE, 1u << 20);
		build_bytes(&b, TAG_ContourData, VR_DS, text);
		got = coded(buf_bytes(&b.out), ILE, ELE);
		ck_assert(memcmp(got.at + 4, i == 0 ? "DS" : "UN", 2) == 0);
		ck_assert_uint_eq(got.len, lens[i] + (i == 0 ? 8 : 12));
		back = coded(got, ELE, ILE);
		ck_assert(bytes_eq(back, buf_bytes(&b.out)));
		free((void *)(uintptr_t)got.at);
		free((void *)(uintptr_t)back.at);
		free((void *)(uintptr_t)text.at);
		build_free(&b);
	}
}
END_TEST

/* Big endian numbers that are too many for their VR: UN, so little endian. */
START_TEST(test_long_numbers)
{
	static uint16_t values[40000];
	struct build le, be;
	struct bytes got;

	for (unsigned i = 0; i < 40000; i++)
		values[i] = (uint16_t)i;
	build_init(&le, ILE, 1u << 20);
	build_u16(&le, TAG_PixelSpacing, VR_OW, values, 40000);
	build_init(&be, EBE, 1u << 20);
	build_u16(&be, TAG_PixelSpacing, VR_OW, values, 40000);
	got = coded(buf_bytes(&be.out), EBE, ILE);
	ck_assert(bytes_eq(got, buf_bytes(&le.out)));
	free((void *)(uintptr_t)got.at);

	/* from implicit VR: DS by the dictionary, without room: UN */
	got = coded(buf_bytes(&le.out), ILE, EBE);
	ck_assert(memcmp(got.at + 4, "UN", 2) == 0);
	ck_assert(memcmp(got.at + 12, le.out.at + 8, 80000) == 0);
	free((void *)(uintptr_t)got.at);
	build_free(&le);
	build_free(&be);
}
END_TEST

static void fill(struct build *b, unsigned items)
{
	static uint8_t large[3000];
	uint16_t us[] = {1, 2, 3};

	build_str(b, TAG_Modality, VR_CS, "CT");
	build_sequence(b, TAG_ReferencedSeriesSequence);
	for (unsigned i = 0; i < items; i++) {
		build_item(b);
		build_str(b, TAG_ReferencedSOPInstanceUID, VR_UI, "1.2.3");
		build_sequence(b, TAG_SourceImageSequence);
		build_item(b);
		build_u16(b, TAG_PixelRepresentation, VR_US, us, 1);
		build_item_end(b);
		build_sequence_end(b);
		build_item_end(b);
	}
	build_sequence_end(b);
	build_u16(b, TAG_Rows, VR_US, us, 1);
	build_bytes(b, TAG_PixelData, VR_OW, bytes_of(large, sizeof(large)));
	ck_assert(!b->out.failed);
}

/* What build makes in one syntax is what it makes in another, re-encoded; for more slots than
 * there is room at first. */
START_TEST(test_built)
{
	static const struct syntax *const all[] = {ELE, ILE, EBE};
	struct build b[3];

	for (unsigned i = 0; i < 3; i++) {
		build_init(&b[i], all[i], 1u << 20);
		fill(&b[i], 300);
	}
	for (unsigned i = 0; i < 9; i++) {
		struct bytes got = coded(buf_bytes(&b[i / 3].out), all[i / 3], all[i % 3]);

		ck_assert_msg(bytes_eq(got, buf_bytes(&b[i % 3].out)), "%u", i);
		free((void *)(uintptr_t)got.at);
	}
	for (unsigned i = 0; i < 3; i++)
		build_free(&b[i]);
}
END_TEST

/* Every size of arena: no memory, and nothing kept, or the whole result. */
START_TEST(test_memory)
{
	struct build b;
	struct bytes want;
	unsigned failures = 0;

	build_init(&b, ELE, 1u << 20);
	fill(&b, 300);
	want = coded(buf_bytes(&b.out), ELE, ILE);
	for (size_t cap = 4096;; cap += 512) {
		struct arena small;
		struct transcode t;
		struct fault f = {0};

		ck_assert_int_eq(arena_open(&small, cap, NULL), OK);
		enum err e = transcode_plan(&t, buf_bytes(&b.out), ELE, ILE, &small, &f);
		if (e == OK) {
			struct bytes got = joined(&t);

			ck_assert(bytes_eq(got, want));
			free((void *)(uintptr_t)got.at);
			arena_close(&small);
			break;
		}
		ck_assert(e == ERR_NOMEM && arena_mark(&small) == 0 && f.text != NULL);
		failures++;
		arena_close(&small);
	}
	ck_assert_uint_gt(failures, 0);
	free((void *)(uintptr_t)want.at);
	build_free(&b);
}
END_TEST

/* Cut anywhere: an error of the walk, or a data set that ends there. */
START_TEST(test_truncated)
{
	struct build b;

	build_init(&b, ELE, 1u << 20);
	fill(&b, 2);
	for (size_t len = 0; len < b.out.len; len++) {
		uint8_t *copy = guard_copy(b.out.at, len);
		struct transcode t;
		struct fault f = {0};
		enum err e = transcode_plan(&t, bytes_of(copy, len), ELE, EBE, &arena, &f);

		ck_assert(e == OK || (e == ERR_WIRE && f.text != NULL));
		if (e == OK)
			free((void *)(uintptr_t)joined(&t).at);
		arena_reset(&arena, 0);
		guard_free(copy, len);
	}
	build_free(&b);
}
END_TEST

Suite *suite_transcode(void);
Suite *suite_transcode(void)
{
	Suite *s = suite_create("transcode");
	TCase *c = tcase_create("transcode");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, test_sets, 0, sizeof(sets) / sizeof(sets[0]));
	tcase_add_loop_test(c, test_ways, 0, sizeof(ways) / sizeof(ways[0]));
	tcase_add_test(c, test_ge);
	tcase_add_loop_test(c, test_refused, 0, sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(c, test_encapsulated);
	tcase_add_test(c, test_piece);
	tcase_add_test(c, test_views);
	tcase_add_test(c, test_long_values);
	tcase_add_test(c, test_long_numbers);
	tcase_add_test(c, test_built);
	tcase_add_test(c, test_memory);
	tcase_add_test(c, test_truncated);
	suite_add_tcase(s, c);
	return s;
}
