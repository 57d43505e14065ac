/*
 * JPEG Lossless: what an encoder written apart from the decoder makes (support/jpeg_make) comes
 * back, in every form; what is damaged is refused, and never read past its end.  Streams of others:
 * tests/e2e/decode.py.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/jpegll.h"
#include "support/jpeg_make.h"
#include "support/support.h"

Suite *suite_jpegll(void);

static const struct {
	const char *name;
	struct jpeg_make m;
} rows[] = {
	{"predictor 1", {JPEG_OF(13, 17, 1, 8, 0), .predictor = 1}},
	{"predictor 2", {JPEG_OF(13, 17, 1, 8, 0), .predictor = 2}},
	{"predictor 3", {JPEG_OF(13, 17, 1, 8, 0), .predictor = 3}},
	{"predictor 4", {JPEG_OF(13, 17, 1, 16, 0), .predictor = 4}},
	{"predictor 5", {JPEG_OF(13, 17, 1, 16, 0), .predictor = 5}},
	{"predictor 6", {JPEG_OF(13, 17, 1, 16, 0), .predictor = 6}},
	{"predictor 7", {JPEG_OF(13, 17, 1, 16, 0), .predictor = 7}},
	{"2 bits", {JPEG_OF(13, 17, 1, 2, 0), .predictor = 1}},
	{"12 bits", {JPEG_OF(40, 33, 1, 12, 0), .predictor = 1}},
	{"16 bits", {JPEG_OF(40, 33, 1, 16, 0), .predictor = 1}},
	{"16 bits, long codes", {JPEG_OF(40, 33, 1, 16, 0), .predictor = 4, .long_codes = true}},
	{"8 bits, long codes", {JPEG_OF(40, 33, 1, 8, 0), .predictor = 4, .long_codes = true}},
	{"one sample", {JPEG_OF(1, 1, 1, 16, 0), .predictor = 7}},
	{"one line", {JPEG_OF(1, 3000, 1, 12, 0), .predictor = 7}},
	{"one column", {JPEG_OF(300, 1, 1, 12, 0), .predictor = 7}},
	{"widest", {JPEG_OF(2, 65535, 1, 8, 0), .predictor = 1}},
	{"colors", {JPEG_OF(21, 18, 3, 8, 0), .predictor = 1}},
	{"colors, predictor 6", {JPEG_OF(21, 18, 3, 16, 0), .predictor = 6}},
	{"colors apart", {JPEG_OF(21, 18, 3, 8, 0), .apart = true, .predictor = 5}},
	{"point transform", {JPEG_OF(30, 31, 1, 12, 0), .predictor = 1, .shift = 3}},
	{"point transform of all but a bit",
	 {JPEG_OF(30, 31, 1, 12, 0), .predictor = 4, .shift = 11}},
	{"restart each line", {JPEG_OF(30, 31, 1, 12, 1), .predictor = 4}},
	{"restart each 4 lines", {JPEG_OF(70, 9, 1, 12, 4), .predictor = 7}},
	{"restart, colors", {JPEG_OF(30, 9, 3, 8, 7), .predictor = 2}},
	{"restart, colors apart", {JPEG_OF(30, 9, 3, 8, 7), .apart = true, .predictor = 2}},
};

/* Flat parts, slopes, noise, and both ends of the range; `kind` chooses. */
static uint16_t *picture(const struct jpeg_make *m, unsigned kind)
{
	size_t count = (size_t)m->rows * m->cols * m->samples;
	uint16_t *pixels = calloc(count, sizeof(*pixels));
	uint32_t top = (1u << m->precision) - 1, seed = kind + 1;

	ck_assert_ptr_nonnull(pixels);
	for (size_t i = 0; i < count; i++) {
		size_t x = i / m->samples % m->cols, y = i / m->samples / m->cols;
		uint32_t noise, value;

		seed = seed * 1664525u + 1013904223u;
		noise = seed >> 8;
		if (kind == 0)
			value = noise;
		else if ((x / 9 + y / 5) % 3 == 0)
			value = kind == 1 ? top : (uint32_t)(x * 7 + y * 3);
		else
			value = kind == 1 && (x + y) % 5 > 0 ? top / 2 : noise % (top / 16 + 2);
		pixels[i] = (uint16_t)(value % (top + 1) >> m->shift << m->shift);
	}
	return pixels;
}

static uint16_t decoded(const uint8_t *at, unsigned bytes, size_t i)
{
	return bytes == 1 ? at[i] : get_u16le(at + 2 * i);
}

static void check_back(const struct jpeg_make *m, unsigned kind, unsigned bytes)
{
	struct frame frame = {m->rows, m->cols, m->samples, bytes};
	size_t count = (size_t)m->rows * m->cols * m->samples;
	uint16_t *pixels = picture(m, kind);
	uint8_t *to = malloc(count * bytes);
	struct buf stream = BUF_INIT(64u << 20);
	struct fault f = {0};

	jpegll_make(&stream, m, pixels);
	ck_assert_msg(!stream.failed && to != NULL, "no memory");
	ck_assert_msg(jpegll_decode(buf_bytes(&stream), &frame, to, &f) == OK, "%s at %zu", f.text,
		      (size_t)f.at);
	size_t wrong = 0;
	for (size_t i = 0; i < count; i++)
		wrong += decoded(to, bytes, i) != pixels[i];
	ck_assert_msg(wrong == 0, "picture %u: %zu samples", kind, wrong);
	buf_free(&stream);
	free(to);
	free(pixels);
}

START_TEST(test_back)
{
	for (unsigned kind = 0; kind < 3; kind++) {
		if (rows[_i].m.precision <= 8)
			check_back(&rows[_i].m, kind, 1);
		check_back(&rows[_i].m, kind, 2);
	}
}
END_TEST

/* ---- Damage ---- */

static const struct jpeg_make small = {JPEG_OF(12, 15, 1, 8, 5), .predictor = 4};

static enum err decode_small(struct bytes stream, const struct frame *frame, struct fault *f)
{
	uint8_t to[12 * 15 * 2 * 3];
	uint8_t *guarded = guard_copy(stream.at, stream.len);
	enum err e = jpegll_decode(bytes_of(guarded, stream.len), frame, to, f);

	ck_assert(e == OK || f->at <= stream.len);
	guard_free(guarded, stream.len);
	return e;
}

START_TEST(test_cut_short)
{
	struct frame frame = {small.rows, small.cols, 1, 1};
	struct buf stream = BUF_INIT(1u << 20);
	uint16_t *pixels = picture(&small, 0);

	jpegll_make(&stream, &small, pixels);
	for (size_t len = 0; len + 2 < stream.len; len++) { /* the end marker is not missed */
		struct fault f = {0};

		ck_assert_int_eq(decode_small(bytes_of(stream.at, len), &frame, &f), ERR_WIRE);
	}
	buf_free(&stream);
	free(pixels);
}
END_TEST

START_TEST(test_changed)
{
	struct frame frame = {small.rows, small.cols, 1, 1};
	struct buf stream = BUF_INIT(1u << 20);
	uint16_t *pixels = picture(&small, 1);

	jpegll_make(&stream, &small, pixels);
	for (size_t i = 0; i < stream.len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			struct fault f = {0};

			stream.at[i] ^= (uint8_t)(1u << bit);
			(void)!decode_small(buf_bytes(&stream), &frame, &f);
			stream.at[i] ^= (uint8_t)(1u << bit);
		}
	}
	buf_free(&stream);
	free(pixels);
}
END_TEST

static const struct {
	const char *name;
	struct frame frame;
	enum err want;
} others[] = {
	{"itself", {12, 15, 1, 1}, OK},       {"in 16 bits", {12, 15, 1, 2}, OK},
	{"rows", {11, 15, 1, 1}, ERR_WIRE},   {"columns", {12, 14, 1, 1}, ERR_WIRE},
	{"colors", {12, 15, 3, 1}, ERR_WIRE},
};

START_TEST(test_other_frame)
{
	struct buf stream = BUF_INIT(1u << 20);
	uint16_t *pixels = picture(&small, 2);
	struct fault f = {0};

	jpegll_make(&stream, &small, pixels);
	ck_assert_int_eq(decode_small(buf_bytes(&stream), &others[_i].frame, &f), others[_i].want);
	buf_free(&stream);
	free(pixels);
}
END_TEST

/* What is written over the head, which is: SOI, SOF at 2 (precision at 6, rows 7, columns 9,
 * component at 12), DRI at 15 (interval at 19), DHT at 21 (class and place at 25, counts 26, values
 * 42), SOS at 59 (component at 64, table 65, predictor 66, point transform 68). */
static const struct {
	const char *name;
	size_t at;
	uint8_t value;
	enum err want;
} heads[] = {
	{"not SOI", 1, 0xD7, ERR_WIRE},
	{"baseline", 3, 0xC0, ERR_UNSUPPORTED},
	{"length of the frame header", 5, 12, ERR_WIRE},
	{"9 bits", 6, 9, ERR_WIRE},
	{"1 bit", 6, 1, ERR_WIRE},
	{"height later", 8, 0, ERR_UNSUPPORTED},
	{"within a line", 20, 14, ERR_WIRE},
	{"another restart interval", 20, 60, ERR_WIRE},
	{"table of AC", 25, 0x10, ERR_WIRE},
	{"too many codes of a bit", 26, 3, ERR_WIRE},
	{"17 bits", 58, 17, ERR_WIRE},
	{"other component", 64, 11, ERR_WIRE},
	{"other table", 65, 0x10, ERR_WIRE},
	{"no table", 65, 0x70, ERR_WIRE},
	{"predictor 0", 66, 0, ERR_WIRE},
	{"predictor 8", 66, 8, ERR_WIRE},
	{"point transform", 68, 8, ERR_WIRE},
};

START_TEST(test_head)
{
	struct frame frame = {small.rows, small.cols, 1, 1};
	struct buf stream = BUF_INIT(1u << 20);
	uint16_t *pixels = picture(&small, 2);
	struct fault f = {0};

	jpegll_make(&stream, &small, pixels);
	stream.at[heads[_i].at] = heads[_i].value;
	ck_assert_int_eq(decode_small(buf_bytes(&stream), &frame, &f), heads[_i].want);
	ck_assert_ptr_nonnull(f.text);
	buf_free(&stream);
	free(pixels);
}
END_TEST

Suite *suite_jpegll(void)
{
	Suite *s = suite_create("jpegll");
	TCase *t = tcase_create("jpegll");

	tcase_add_loop_test(t, test_back, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(t, test_cut_short);
	tcase_add_test(t, test_changed);
	tcase_add_loop_test(t, test_other_frame, 0, sizeof(others) / sizeof(others[0]));
	tcase_add_loop_test(t, test_head, 0, sizeof(heads) / sizeof(heads[0]));
	suite_add_tcase(s, t);
	return s;
}
