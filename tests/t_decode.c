/*
 * Compressed pixels: what is said of the result, and the streams that libraries decode, against
 * what others make of them (tests/golden/decode_*, made anew by tests/e2e/decode.py --golden).
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "dicom/build.h"
#include "dicom/jpeg_marker.h"
#include "image/decoded.h"
#include "image/fragments.h"
#include "image/j2k.h"
#include "image/j2k_memory.h"
#include "image/jpeg_read.h"
#include "support/encapsulated.h"
#include "support/jpeg_make.h"
#include "support/support.h"

Suite *suite_decode(void);

#define JPEG "1.2.840.10008.1.2.4.50"
#define JPEGLS "1.2.840.10008.1.2.4.80"
#define J2K "1.2.840.10008.1.2.4.91"
#define PLAIN "1.2.840.10008.1.2.1.98"
#define VIDEO "1.2.840.10008.1.2.4.102"

/* ---- What is said of the result ---- */

static const struct {
	const char *name, *uid;
	struct shape shape;
	struct jpeg_make m;
	bool ls;
	enum err want;
	enum photometric photometric;
	bool lossy;
} results[] = {
	{"gray",
	 LOSSLESS,
	 {6, 5, 1, 16, 12, 0, 0, "MONOCHROME1", 1},
	 {JPEG_OF(6, 5, 1, 12, 0), .predictor = 1},
	 false,
	 OK,
	 PHOTO_MONOCHROME1,
	 false},
	{"12 bits, signed",
	 LOSSLESS,
	 {6, 5, 1, 16, 12, 1, 0, "MONOCHROME2", 1},
	 {JPEG_OF(6, 5, 1, 12, 0), .predictor = 1},
	 false,
	 OK,
	 PHOTO_MONOCHROME2,
	 false},
	{"7 bits, signed",
	 LOSSLESS,
	 {6, 5, 1, 8, 7, 1, 0, "MONOCHROME2", 1},
	 {JPEG_OF(6, 5, 1, 7, 0), .predictor = 1},
	 false,
	 OK,
	 PHOTO_MONOCHROME2,
	 false},
	{"16 bits, signed",
	 LOSSLESS,
	 {6, 5, 1, 16, 16, 1, 0, "MONOCHROME2", 1},
	 {JPEG_OF(6, 5, 1, 16, 0), .predictor = 1},
	 false,
	 OK,
	 PHOTO_MONOCHROME2,
	 false},
	{"palette",
	 JPEGLS,
	 {6, 5, 1, 8, 8, 0, 0, "PALETTE COLOR", 1},
	 {JPEG_OF(6, 5, 1, 8, 0), .near = 0},
	 true,
	 OK,
	 PHOTO_PALETTE,
	 false},
	{"planes are said, and are not",
	 JPEGLS,
	 {6, 5, 3, 8, 8, 0, 1, "RGB", 1},
	 {JPEG_OF(6, 5, 3, 8, 0), .near = 0},
	 true,
	 OK,
	 PHOTO_RGB,
	 false},
	{"near-lossless",
	 JPEGLS,
	 {6, 5, 1, 8, 8, 0, 0, "MONOCHROME2", 1},
	 {JPEG_OF(6, 5, 1, 8, 0), .near = 1},
	 true,
	 OK,
	 PHOTO_MONOCHROME2,
	 true},
	{"YBR stays",
	 LOSSLESS,
	 {6, 5, 3, 8, 8, 0, 0, "YBR_FULL", 1},
	 {JPEG_OF(6, 5, 3, 8, 0), .predictor = 1},
	 false,
	 OK,
	 PHOTO_YBR_FULL,
	 false},
	{"YBR 422 is whole",
	 LOSSLESS,
	 {6, 5, 3, 8, 8, 0, 0, "YBR_FULL_422", 1},
	 {JPEG_OF(6, 5, 3, 8, 0), .predictor = 1},
	 false,
	 OK,
	 PHOTO_YBR_FULL,
	 false},
	{"lossless in the syntax of baseline",
	 JPEG,
	 {6, 5, 1, 8, 8, 0, 0, "MONOCHROME2", 1},
	 {JPEG_OF(6, 5, 1, 8, 0), .predictor = 1},
	 false,
	 OK,
	 PHOTO_MONOCHROME2,
	 false},
	{"more bits than allocated",
	 LOSSLESS,
	 {6, 5, 1, 8, 8, 0, 0, "MONOCHROME2", 1},
	 {JPEG_OF(6, 5, 1, 9, 0), .predictor = 1},
	 false,
	 ERR_WIRE,
	 PHOTO_MONOCHROME2,
	 false},
	{"32 bits",
	 LOSSLESS,
	 {6, 5, 1, 32, 16, 0, 0, "MONOCHROME2", 1},
	 {JPEG_OF(6, 5, 1, 16, 0), .predictor = 1},
	 false,
	 ERR_UNSUPPORTED,
	 PHOTO_MONOCHROME2,
	 false},
	{"1 bit",
	 RLE,
	 {6, 5, 1, 1, 1, 0, 0, "MONOCHROME2", 1},
	 {JPEG_OF(6, 5, 1, 8, 0), .predictor = 1},
	 false,
	 ERR_UNSUPPORTED,
	 PHOTO_MONOCHROME2,
	 false},
	{"video",
	 VIDEO,
	 {6, 5, 3, 8, 8, 0, 0, "RGB", 1},
	 {JPEG_OF(6, 5, 3, 8, 0), .predictor = 1},
	 false,
	 ERR_UNSUPPORTED,
	 PHOTO_RGB,
	 false},
	{"not JPEG 2000",
	 J2K,
	 {6, 5, 1, 8, 8, 0, 0, "MONOCHROME2", 1},
	 {JPEG_OF(6, 5, 1, 8, 0), .predictor = 1},
	 false,
	 ERR_WIRE,
	 PHOTO_MONOCHROME2,
	 false},
};

/* The sample that a code of `bits` stands for, in an image that is signed or not. */
static uint16_t extended(uint16_t code, unsigned bits, bool is_signed, unsigned allocated)
{
	uint16_t value = code;

	if (is_signed && (code >> (bits - 1) & 1) != 0)
		value = (uint16_t)(code | ~((1u << bits) - 1));
	return allocated == 8 ? (uint8_t)value : value;
}

START_TEST(test_result)
{
	const struct shape *o = &results[_i].shape;
	const struct jpeg_make *m = &results[_i].m;
	size_t count = (size_t)o->rows * o->cols * o->samples;
	uint16_t pixels[90];
	struct buf stream = BUF_INIT(1u << 16);
	struct source s;

	for (size_t i = 0; i < count; i++)
		pixels[i] = (uint16_t)(i * 2741u % (1u << m->precision));
	if (results[_i].ls)
		jpegls_make(&stream, m, pixels);
	else
		jpegll_make(&stream, m, pixels);
	source_begin(&s, results[_i].uid, o);
	pixels_begin(&s);
	item(&s, 0xE000, 0);
	fragment(&s, buf_bytes(&stream));
	ck_assert_msg(source_open(&s, 0) == results[_i].want, "%s", s.f.text);
	if (results[_i].want == OK) {
		ck_assert_uint_eq(s.n.format.photometric, results[_i].photometric);
		ck_assert(s.n.decoded && !s.n.format.planar && s.n.lossy == results[_i].lossy);
		ck_assert_uint_eq(s.n.data.len, count * o->allocated / 8);
		ck_assert_uint_eq(image_bytes(&s.n.format), s.n.data.len);
		for (size_t i = 0; i < count && m->near == 0; i++) {
			uint16_t got =
				o->allocated == 8 ? s.n.data.at[i] : get_u16le(s.n.data.at + 2 * i);

			ck_assert_uint_eq(
				got, extended(pixels[i], m->precision, o->is_signed, o->allocated));
		}
	}
	source_free(&s);
	buf_free(&stream);
}
END_TEST

START_TEST(test_plain)
{
	struct shape o = {1, 3, 1, 8, 8, 0, 0, "MONOCHROME2", 2};
	struct source s;

	source_begin(&s, PLAIN, &o);
	pixels_begin(&s);
	item(&s, 0xE000, 0);
	fragment(&s, BYTES_LIT("abc"));
	fragment(&s, BYTES_LIT("def"));
	ck_assert_int_eq(source_open(&s, 0), OK);
	ck_assert_mem_eq(s.n.data.at, "abcdef", 6);
	ck_assert_uint_eq(s.n.data.len, 6);
	source_free(&s);

	source_begin(&s, PLAIN, &o);
	pixels_begin(&s);
	item(&s, 0xE000, 0);
	fragment(&s, BYTES_LIT("abc"));
	fragment(&s, BYTES_LIT("de"));
	ck_assert_int_eq(source_open(&s, 0), ERR_WIRE);
	source_free(&s);
}
END_TEST

START_TEST(test_limit)
{
	struct shape o = {16384, 16384, 1, 16, 16, 0, 0, "MONOCHROME2", 3};
	struct source s;

	source_begin(&s, RLE, &o);
	pixels_begin(&s);
	item(&s, 0xE000, 0);
	for (unsigned i = 0; i < 3; i++)
		fragment(&s, rle_pixel(0));
	ck_assert_int_eq(source_open(&s, 0), ERR_LIMIT);
	source_free(&s);
}
END_TEST

/* Pixels in fragments where the syntax has none, and the reverse. */
START_TEST(test_other_encapsulation)
{
	struct shape o = {1, 1, 1, 8, 8, 0, 0, "MONOCHROME2", 1};
	struct source s;

	source_begin(&s, "1.2.840.10008.1.2.1", &o);
	pixels_begin(&s);
	item(&s, 0xE000, 0);
	fragment(&s, BYTES_LIT("a"));
	ck_assert_int_eq(source_open(&s, 0), ERR_WIRE);
	source_free(&s);

	source_begin(&s, RLE, &o);
	build_bytes(&s.b, TAG_PixelData, VR_OB, BYTES_LIT("ab"));
	s.p.data = buf_bytes(&s.b.out);
	ck_assert_int_eq(arena_open(&s.a, 1u << 20, NULL), OK);
	ck_assert_int_eq(dset_index(&s.d, s.p.data, s.p.syntax, 0, &s.a, &s.f), OK);
	ck_assert_int_eq(native_open(&s.n, &s.p, &s.d, &s.f), ERR_WIRE);
	source_free(&s);
}
END_TEST

/* ---- Streams of others ---- */

static const struct {
	const char *name;
	unsigned samples, bits, is_signed;
	bool ybr, lossy;
} goldens[] = {
	{"gray8.jpg", 1, 8, 0, false, true},        {"gray12.jpg", 1, 12, 0, false, true},
	{"ybr422.jpg", 3, 8, 0, true, true},        {"rgb.jpg", 3, 8, 0, false, true},
	{"progressive.jpg", 1, 8, 0, false, true},  {"gray12.j2k", 1, 12, 0, false, false},
	{"signed16.j2k", 1, 16, 1, false, false},   {"rgb.j2k", 3, 8, 0, false, false},
	{"irreversible.j2k", 1, 8, 0, false, true}, {"tiles.j2k", 1, 8, 0, false, false},
	{"ht.j2k", 1, 12, 0, false, false},         {"jp2.j2k", 1, 8, 0, false, false},
};

struct golden {
	uint8_t at[2048];
	size_t len;
	struct frame frame;
	bool j2k;
};

static size_t load(const char *name, const char *end, uint8_t *to, size_t size)
{
	char path[256];
	snprintf(path, sizeof(path), "tests/golden/decode_%s%s", name, end);
	FILE *in = fopen(path, "rb");

	ck_assert_msg(in != NULL, "no %s", path);
	size_t len = fread(to, 1, size, in);
	fclose(in);
	ck_assert(len > 0 && len < size);
	return len;
}

static void golden_load(struct golden *g, int row)
{
	g->len = load(goldens[row].name, "", g->at, sizeof(g->at));
	g->frame = (struct frame){12, 16, goldens[row].samples, goldens[row].bits > 8 ? 2 : 1};
	g->j2k = strstr(goldens[row].name, ".j2k") != NULL;
}

static enum err decode_golden(const struct golden *g, struct bytes stream, bool ybr, uint8_t *to,
			      struct fault *f)
{
	struct jpeg_frame jpeg;
	struct j2k_head head;
	enum err e;

	if (!g->j2k) {
		e = jpeg_find_frame(stream, &jpeg, f);
		return e != OK ? e : jpeg_read(stream, &g->frame, jpeg.precision, ybr, to, f);
	}
	e = j2k_head(stream, &head, f);
	return e != OK ? e : j2k_decode(stream, &head, &g->frame, to, f);
}

START_TEST(test_golden)
{
	struct golden g;
	uint8_t want[2048], to[2048];
	struct fault f = {0};

	golden_load(&g, _i);
	size_t len = load(goldens[_i].name, ".raw", want, sizeof(want));
	ck_assert_uint_eq(len, 12u * 16 * g.frame.samples * g.frame.sample_bytes);
	enum err e = decode_golden(&g, bytes_of(g.at, g.len), goldens[_i].ybr, to, &f);
#ifdef NETRT_MINIMAL
	ck_assert_int_eq(e, ERR_UNSUPPORTED);
#else
	ck_assert_msg(e == OK, "%s", f.text);
	ck_assert_mem_eq(to, want, len);
#endif
}
END_TEST

/* What is written over the head of a stream of 12 rows, 16 columns and 16 bits: big endian words of
 * four bytes (Xsiz at 8, XTsiz 24, XTOsiz 32, YTOsiz 36), and Ssiz at 42. */
static const struct {
	const char *name;
	size_t at;
	uint32_t value, tile_cols;
	uint8_t depth;
	enum err want;
	unsigned precision;
	bool is_signed;
} heads[] = {
	{"as it is", 8, 16, 16, 15, OK, 16, false},
	{"12 bits", 8, 16, 16, 11, OK, 12, false},
	{"12 bits, signed", 8, 16, 16, 0x8B, OK, 12, true},
	{"tiles of nothing", 8, 16, 0, 15, ERR_WIRE, 0, false},
	{"no columns", 8, 0, 16, 15, ERR_WIRE, 0, false},
	{"tiles from the right", 32, 1, 16, 15, ERR_WIRE, 0, false},
	{"tiles from below", 36, 1, 16, 15, ERR_WIRE, 0, false},
	{"as many tiles as may be", 8, 65535, 1, 15, OK, 16, false},
	{"a tile more", 8, 65536, 1, 15, ERR_LIMIT, 0, false},
};

START_TEST(test_j2k_head)
{
	uint8_t stream[4096];
	size_t len = load("gray12.j2k", "", stream, sizeof(stream));
	struct j2k_head head;
	struct fault f = {0};

	put_u32be(stream + heads[_i].at, heads[_i].value);
	put_u32be(stream + 24, heads[_i].tile_cols);
	stream[42] = heads[_i].depth;
	ck_assert_msg(j2k_head(bytes_of(stream, len), &head, &f) == heads[_i].want, "%s: %s",
		      heads[_i].name, f.text);
	if (heads[_i].want == OK) {
		ck_assert(head.rows == 12 && head.cols == heads[_i].value && head.components == 1);
		ck_assert_uint_eq(head.precision, heads[_i].precision);
		ck_assert(head.is_signed == heads[_i].is_signed && !head.irreversible);
	}
}
END_TEST

START_TEST(test_golden_native)
{
	struct golden g;
	struct shape o = {12,
			  16,
			  (uint16_t)goldens[_i].samples,
			  goldens[_i].bits > 8 ? 16 : 8,
			  (uint16_t)goldens[_i].bits,
			  (uint16_t)goldens[_i].is_signed,
			  0,
			  goldens[_i].ybr            ? "YBR_FULL_422"
			  : goldens[_i].samples == 3 ? "RGB"
						     : "MONOCHROME2",
			  1};
	struct source s;

	golden_load(&g, _i);
	source_begin(&s, g.j2k ? J2K : JPEG, &o);
	pixels_begin(&s);
	item(&s, 0xE000, 0);
	fragment(&s, bytes_of(g.at, g.len));
	enum err e = source_open(&s, 0);
#ifdef NETRT_MINIMAL
	ck_assert_int_eq(e, ERR_UNSUPPORTED);
#else
	ck_assert_msg(e == OK, "%s", s.f.text);
	ck_assert_uint_eq(s.n.lossy, goldens[_i].lossy);
	if (goldens[_i].samples == 3)
		ck_assert_uint_eq(s.n.format.photometric, PHOTO_RGB);
#endif
	source_free(&s);
}
END_TEST

#ifndef NETRT_MINIMAL

START_TEST(test_golden_cut)
{
	struct golden g;
	uint8_t to[2048];

	golden_load(&g, _i);
	for (size_t len = 0; len + 4 < g.len; len++) { /* the end marker is not missed */
		struct fault f = {0};
		uint8_t *copy = guard_copy(g.at, len);
		enum err e = decode_golden(&g, bytes_of(copy, len), false, to, &f);

		ck_assert_int_ne(e, OK);
		ck_assert_uint_le(f.at, len);
		guard_free(copy, len);
	}
}
END_TEST

START_TEST(test_golden_other_size)
{
	struct golden g;
	uint8_t to[4096];

	golden_load(&g, _i);
	for (unsigned k = 0; k < 3; k++) {
		struct golden other = g;

		other.frame.rows += k == 0;
		other.frame.cols -= k == 1;
		other.frame.samples = k == 2 ? 4 - other.frame.samples : other.frame.samples;
		ck_assert_int_eq(decode_golden(&other, bytes_of(g.at, g.len), false, to, NULL),
				 ERR_WIRE);
	}
	if (goldens[_i].bits > 8) {
		g.frame.sample_bytes = 1;
		ck_assert_int_eq(decode_golden(&g, bytes_of(g.at, g.len), false, to, NULL),
				 ERR_WIRE);
	}
}
END_TEST

/* One more scan of a block: its DC or one AC coefficient, as it is the first time (`refines`: the
 * last bit of it).  All is zero: a bit 0 says so everywhere. */
static void put_scan(struct buf *b, uint8_t coefficient, bool refines)
{
	uint8_t scan[] = {0xFF, 0xDA, 0, 8, 1, 1, 0, coefficient, coefficient, refines ? 0x10 : 1,
			  0x7F};

	buf_add(b, bytes_of(scan, sizeof(scan)));
}

/* ISO/IEC 10918-1: a progressive image of one block, in as many scans as are asked for. */
static void put_progressive(struct buf *b, unsigned scans)
{
	static const uint8_t frame[] = {0xFF, 0xC2, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0};
	static const uint8_t codes[17] = {0, 1}; /* one, of one bit, for a zero */

	buf_add(b, BYTES_LIT("\xFF\xD8\xFF\xDB\0\x43\0"));
	for (unsigned i = 0; i < 64; i++)
		buf_char(b, 1);
	buf_add(b, bytes_of(frame, sizeof(frame)));
	for (unsigned k = 0; k < 2; k++) {
		buf_add(b, BYTES_LIT("\xFF\xC4\0\x14"));
		buf_char(b, (char)(k << 4));
		buf_add(b, bytes_of(codes + 1, 16));
		buf_char(b, 0);
	}
	for (unsigned i = 0; i < scans; i++)
		put_scan(b, (uint8_t)(i % 64), i >= 64);
	buf_add(b, BYTES_LIT("\xFF\xD9"));
}

START_TEST(test_scans)
{
	static const struct {
		unsigned scans;
		enum err want;
	} rows[] = {{1, OK},
		    {LIMIT_JPEG_SCANS - 1, OK},
		    {LIMIT_JPEG_SCANS, OK},
		    {LIMIT_JPEG_SCANS + 1, ERR_LIMIT}};
	const struct frame frame = {8, 8, 1, 1};
	struct buf b = BUF_INIT(1u << 16);
	struct fault f = {0};
	uint8_t to[64];

	put_progressive(&b, rows[_i].scans);
	ck_assert_msg(jpeg_read(buf_bytes(&b), &frame, 8, false, to, &f) == rows[_i].want, "%s",
		      f.text);
	for (unsigned i = 0; i < 64 && rows[_i].want == OK; i++)
		ck_assert_uint_eq(to[i], 128);
	buf_free(&b);
}
END_TEST

void *opj_malloc(size_t size);
void *opj_calloc(size_t count, size_t size);
void *opj_realloc(void *block, size_t size);
void *opj_aligned_32_malloc(size_t size);
void opj_free(void *block);

START_TEST(test_memory)
{
	j2k_memory_begin(1000);
	uint8_t *a = opj_malloc(600), *b = opj_calloc(40, 10);
	ck_assert(a != NULL && b != NULL && b[0] == 0 && b[399] == 0);
	ck_assert_ptr_null(opj_malloc(1));
	a[399] = 7;
	opj_free(b);
	ck_assert_ptr_null(opj_realloc(a, 401)); /* both are there for a moment */
	b = opj_realloc(a, 400);
	ck_assert(b != NULL && b[399] == 7);
	a = opj_aligned_32_malloc(600);
	ck_assert(a != NULL && (uintptr_t)a % 32 == 0);
	ck_assert_ptr_null(opj_calloc(SIZE_MAX / 2, 3));
	ck_assert_ptr_null(opj_malloc(0));
	opj_free(a);
	opj_free(b);
	opj_free(NULL);
	ck_assert(j2k_memory_end());
	j2k_memory_begin(10);
	ck_assert(!j2k_memory_end());
}
END_TEST

#endif

/* ---- A whole object ---- */

static const struct shape two_pixels = {1, 1, 1, 8, 8, 0, 0, "MONOCHROME2", 2};

/* Two frames of RLE, with all that only compressed pixels have, and an element behind them. */
static void encapsulated_open(struct source *s, const char *uid)
{
	static const uint64_t zeros[2] = {0, 0};
	struct bytes table = bytes_of(zeros, sizeof(zeros));

	source_begin(s, uid, &two_pixels);
	build_bytes(&s->b, TAG_ExtendedOffsetTable, VR_OV, table);
	build_bytes(&s->b, TAG_ExtendedOffsetTableLengths, VR_OV, table);
	build_bytes(&s->b, TAG_EncapsulatedPixelDataValueTotalLength, VR_UV,
		    bytes_slice(table, 0, 8));
	pixels_begin(s);
	item(s, 0xE000, 0);
	fragment(s, rle_pixel(7));
	fragment(s, rle_pixel(9));
	item(s, 0xE0DD, 0);
	build_bytes(&s->b, TAG_DataSetTrailingPadding, VR_OB, BYTES_LIT("ab"));
	s->p.data = buf_bytes(&s->b.out);
	ck_assert_int_eq(arena_open(&s->a, 1u << 20, NULL), OK);
}

START_TEST(test_object)
{
	struct source s;
	struct part10 out;
	uint16_t rows;

	encapsulated_open(&s, RLE);
	ck_assert_int_eq(decoded_object(&out, &s.p, &s.a, &s.f), OK);
	ck_assert_ptr_eq(out.syntax, &syntax_explicit_le);
	ck_assert_str_eq(out.syntax_uid.text, syntax_explicit_le.uid);
	ck_assert_int_eq(dset_index(&s.d, out.data, out.syntax, 0, &s.a, &s.f), OK);
	const struct elem *e = dset_find(&s.d, NULL, TAG_PixelData);
	ck_assert(e != NULL && e->vr == VR_OB && (e->flags & ELEM_PIXELS) == 0);
	ck_assert(bytes_eq(dset_value(&s.d, e), BYTES_LIT("\7\t")));
	ck_assert(dset_u16(&s.d, NULL, TAG_Rows, 0, &rows) && rows == 1);
	ck_assert(bytes_eq_str(dset_text(&s.d, NULL, TAG_NumberOfFrames), "2"));
	ck_assert(bytes_eq_str(dset_text(&s.d, NULL, TAG_DataSetTrailingPadding), "ab"));
	ck_assert(dset_find(&s.d, NULL, TAG_ExtendedOffsetTable) == NULL &&
		  dset_find(&s.d, NULL, TAG_ExtendedOffsetTableLengths) == NULL &&
		  dset_find(&s.d, NULL, TAG_EncapsulatedPixelDataValueTotalLength) == NULL &&
		  dset_find(&s.d, NULL, TAG_LossyImageCompression) == NULL);
	source_free(&s);
}
END_TEST

/* What a stream does not say its object does; what it says, the object need not. */
static const struct {
	const char *uid, *own;
	bool lossy;
	const char *method; /* NULL: nothing is added */
} losses[] = {
	{"1.2.840.10008.1.2.4.91", NULL, false, NULL},
	{"1.2.840.10008.1.2.4.91", "00", false, NULL},
	{"1.2.840.10008.1.2.4.91", "01", false, NULL},
	{"1.2.840.10008.1.2.4.91", "01", true, NULL},
	{"1.2.840.10008.1.2.4.91", "00", true, "ISO_15444_1"},
	{"1.2.840.10008.1.2.4.93", NULL, true, "ISO_15444_1"},
	{"1.2.840.10008.1.2.4.203", NULL, true, "ISO_15444_15"},
	{"1.2.840.10008.1.2.4.81", NULL, true, "ISO_14495_1"},
	{"1.2.840.10008.1.2.4.50", NULL, true, "ISO_10918_1"},
};

START_TEST(test_loss)
{
	struct native n = {.lossy = losses[_i].lossy, .data = {NULL, 280}};
	struct source s;
	struct build b;
	struct dset made;

	source_begin(&s, losses[_i].uid, &two_pixels);
	if (losses[_i].own != NULL)
		build_str(&s.b, TAG_LossyImageCompression, VR_CS, losses[_i].own);
	pixels_begin(&s);
	item(&s, 0xE000, 0);
	fragment(&s, BYTES_LIT("a stream of 56 bytes; with headers of items it is 80.  "));
	item(&s, 0xE0DD, 0);
	if (_i % 2 == 0) /* what lies behind the pixels is not counted */
		build_bytes(&s.b, TAG_DataSetTrailingPadding, VR_OB, BYTES_LIT("some of it"));
	s.p.data = buf_bytes(&s.b.out);
	ck_assert_int_eq(arena_open(&s.a, 1u << 20, NULL), OK);
	ck_assert_int_eq(dset_index(&s.d, s.p.data, s.p.syntax, 0, &s.a, &s.f), OK);
	build_init(&b, &syntax_explicit_le, 1024);
	decoded_lossy(&b, &n, &s.d);
	ck_assert_int_eq(dset_index(&made, buf_bytes(&b.out), &syntax_explicit_le, 0, &s.a, &s.f),
			 OK);
	ck_assert_uint_eq(made.count, losses[_i].method == NULL ? 0 : 3);
	if (losses[_i].method != NULL) {
		ck_assert(bytes_eq_str(dset_text(&made, NULL, TAG_LossyImageCompression), "01"));
		ck_assert(bytes_eq_str(dset_text(&made, NULL, TAG_LossyImageCompressionRatio),
				       "3.5"));
		ck_assert(bytes_eq_str(dset_text(&made, NULL, TAG_LossyImageCompressionMethod),
				       losses[_i].method));
	}
	build_free(&b);
	source_free(&s);
}
END_TEST

START_TEST(test_object_refused)
{
	struct source s;
	struct part10 out;
	size_t used = 1;

	encapsulated_open(&s, VIDEO);
	ck_assert_int_eq(decoded_object(&out, &s.p, &s.a, &s.f), ERR_UNSUPPORTED);
	source_free(&s);
	encapsulated_open(&s, RLE);
	for (enum err e = ERR_NOMEM; e != OK; used += 64) { /* an arena of ever more */
		struct arena a;

		ck_assert(used < (1u << 20));
		ck_assert_int_eq(arena_open(&a, used, NULL), OK);
		e = decoded_object(&out, &s.p, &a, &s.f);
		ck_assert(e == OK || e == ERR_NOMEM);
		arena_close(&a);
	}
	source_free(&s);
}
END_TEST

Suite *suite_decode(void)
{
	Suite *s = suite_create("decode");
	TCase *t = tcase_create("decode");
	int count = sizeof(goldens) / sizeof(goldens[0]);

	tcase_add_loop_test(t, test_result, 0, sizeof(results) / sizeof(results[0]));
	tcase_add_test(t, test_plain);
	tcase_add_test(t, test_limit);
	tcase_add_test(t, test_other_encapsulation);
	tcase_add_test(t, test_object);
	tcase_add_loop_test(t, test_loss, 0, sizeof(losses) / sizeof(losses[0]));
	tcase_add_test(t, test_object_refused);
	tcase_add_loop_test(t, test_golden, 0, count);
	tcase_add_loop_test(t, test_j2k_head, 0, sizeof(heads) / sizeof(heads[0]));
	tcase_add_loop_test(t, test_golden_native, 0, count);
#ifndef NETRT_MINIMAL
	tcase_add_loop_test(t, test_golden_cut, 0, count);
	tcase_add_loop_test(t, test_golden_other_size, 0, count);
	tcase_add_loop_test(t, test_scans, 0, 4);
	tcase_add_test(t, test_memory);
#endif
	suite_add_tcase(s, t);
	return s;
}
