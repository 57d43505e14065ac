/*
 * The contact sheet: which slices, what shape, which pixels, and a JPEG that says what it
 * should.  How it looks is for eyes; what can be told from pixels is told here.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/jpeg.h"
#include "series/sheet.h"
#include "support/support.h"

Suite *suite_sheet(void);

/* ---- The plan ---- */

static const struct {
	const char *name;
	uint32_t slices, from, to, step; /* marked: from, from + step ... below `to` */
	uint32_t cols, rows;
	double aspect;
	uint32_t count, first, last;
} plans[] = {
	{"nothing", 0, 0, 0, 1, 512, 512, 1, 0, 0, 0},
	{"one slice", 1, 0, 0, 1, 512, 512, 1, 1, 0, 0},
	{"one marked", 200, 77, 78, 1, 512, 512, 1, 1, 77, 77},
	{"none marked: all", 200, 0, 0, 1, 512, 512, 1, 24, 4, 195},
	{"as many as tiles", 60, 10, 34, 1, 512, 512, 1, 24, 10, 33},
	{"one more", 60, 10, 35, 1, 512, 512, 1, 24, 10, 34},
	{"every third", 300, 0, 300, 3, 384, 384, 1, 24, 6, 291},
	{"tall pixels", 40, 0, 40, 1, 100, 100, 2.5, 24, 0, 39},
	{"flat", 40, 0, 40, 1, 512, 64, 1, 24, 0, 39},
	{"a line", 5, 0, 5, 1, 65535, 1, 1, 5, 0, 4},
	{"aspect nonsense", 5, 0, 5, 1, 64, 64, -3, 5, 0, 4},
	{"many", 100000, 0, 100000, 1, 512, 512, 1, 24, 2083, 97916},
};

START_TEST(test_plan)
{
	struct sheet s;
	bool *marked = calloc(plans[_i].slices + 1, sizeof(bool));

	ck_assert_ptr_nonnull(marked);
	for (uint32_t i = plans[_i].from; i < plans[_i].to; i += plans[_i].step)
		marked[i] = true;
	sheet_plan(&s, plans[_i].slices, marked, plans[_i].cols, plans[_i].rows, plans[_i].aspect);
	ck_assert_uint_eq(s.count, plans[_i].count);
	ck_assert(s.across >= 1 && s.across <= 6 && s.across * s.down >= s.count);
	ck_assert(s.tile_cols >= 16 && s.tile_cols <= 512 && s.tile_rows >= 16 &&
		  s.tile_rows <= 512);
	ck_assert_uint_le(sheet_bytes(&s), 3u * 1700 * 3200);
	ck_assert_ptr_null(s.rgb);
	for (uint32_t i = 0; i < s.count; i++) {
		ck_assert(i == 0 || s.slice[i] > s.slice[i - 1]);
		ck_assert(plans[_i].to == 0 || marked[s.slice[i]]);
		ck_assert_uint_eq(sheet_tile(&s, s.slice[i]), i);
	}
	if (s.count > 0) {
		ck_assert_uint_eq(s.slice[0], plans[_i].first);
		ck_assert_uint_eq(s.slice[s.count - 1], plans[_i].last);
	}
	ck_assert_uint_eq(sheet_tile(&s, plans[_i].slices), UINT32_MAX);
	free(marked);
}
END_TEST

START_TEST(test_shape)
{
	struct sheet s;

	sheet_plan(&s, 30, NULL, 512, 512, 1);
	ck_assert(s.tile_cols == 260 && s.tile_rows == 260 && s.across == 6 && s.down == 4);
	sheet_plan(&s, 30, NULL, 100, 50, 1);
	ck_assert(s.tile_cols == s.tile_rows * 2);
	/* 100 x 50 pixels that are four times as tall as wide: a picture twice as tall as wide */
	sheet_plan(&s, 30, NULL, 100, 50, 4);
	ck_assert(s.tile_cols * 2 == s.tile_rows);
}
END_TEST

/* ---- Drawing ---- */

/* One tile of a 20 x 10 image of 16-bit values; the pixel of image position (col, row) in it. */
struct drawn {
	struct sheet s;
	uint64_t bits[10];
	struct mask m;
	uint8_t values[400];
	struct pixels p;
};

static void drawn_init(struct drawn *d)
{
	memset(d, 0, sizeof(*d));
	sheet_plan(&d->s, 1, NULL, 20, 10, 1);
	d->s.rgb = calloc(1, sheet_bytes(&d->s));
	ck_assert_ptr_nonnull(d->s.rgb);
	mask_init(&d->m, 20, 10, d->bits);
	d->p = (struct pixels){.native = {.data = {d->values, 400},
					  .format = {.rows = 10,
						     .cols = 20,
						     .frames = 1,
						     .samples = 1,
						     .bits_allocated = 16,
						     .bits_stored = 16,
						     .high_bit = 15,
						     .is_signed = true,
						     .photometric = PHOTO_MONOCHROME2}},
			       .slope = 1};
}

static void value_set(struct drawn *d, uint32_t col, uint32_t row, int16_t v)
{
	put_u16le(d->values + 2 * ((size_t)row * 20 + col), (uint16_t)v);
}

static const uint8_t *middle_of(const struct drawn *d, uint32_t col, uint32_t row)
{
	size_t pitch = ((size_t)d->s.tile_cols + 8) * 3;
	size_t x = 4 + (2 * (size_t)col + 1) * d->s.tile_cols / 40;
	size_t y = 4 + (2 * (size_t)row + 1) * d->s.tile_rows / 20;

	return d->s.rgb + y * pitch + x * 3;
}

static void expect_grey(const struct drawn *d, uint32_t col, uint32_t row, int want)
{
	const uint8_t *at = middle_of(d, col, row);

	ck_assert_msg(at[0] == at[1] && at[1] == at[2] && abs(at[0] - want) <= 3,
		      "(%u, %u) is %u %u %u, not %d", col, row, at[0], at[1], at[2], want);
}

START_TEST(test_window)
{
	struct drawn d;

	drawn_init(&d);
	for (uint32_t col = 0; col < 20; col++)
		for (uint32_t row = 0; row < 10; row++)
			value_set(&d, col, row, (int16_t)(-1000 + 100 * (int)col));
	sheet_draw(&d.s, 0, &d.p, 0.5, 1001, &d.m, NULL);
	expect_grey(&d, 0, 5, 0);
	expect_grey(&d, 5, 5, 0);
	expect_grey(&d, 10, 5, 128);
	expect_grey(&d, 12, 5, 179);
	expect_grey(&d, 15, 5, 255);
	expect_grey(&d, 19, 5, 255);
	d.p.native.format.photometric = PHOTO_MONOCHROME1;
	sheet_draw(&d.s, 0, &d.p, 0.5, 1001, &d.m, NULL);
	expect_grey(&d, 0, 5, 255);
	expect_grey(&d, 12, 5, 76);
	/* image units: the window is in them, not in stored values */
	d.p.native.format.photometric = PHOTO_MONOCHROME2;
	d.p.slope = 0.5;
	d.p.intercept = 100;
	sheet_draw(&d.s, 0, &d.p, 100.5, 501, &d.m, NULL);
	expect_grey(&d, 12, 5, 179);
	/* a window of one value is a threshold */
	sheet_draw(&d.s, 0, &d.p, 100.5, 1, &d.m, NULL);
	expect_grey(&d, 8, 5, 0);
	expect_grey(&d, 13, 5, 255);
	free(d.s.rgb);
}
END_TEST

START_TEST(test_mask)
{
	struct drawn d;

	drawn_init(&d);
	for (uint32_t row = 2; row < 8; row++)
		mask_set(&d.m, row, 5, 15);
	sheet_draw(&d.s, 0, NULL, 0, 0, &d.m, NULL);
	const uint8_t *in = middle_of(&d, 10, 5), *out = middle_of(&d, 2, 5);
	/* reddish inside, plain outside, a bright line in between */
	ck_assert(in[0] > in[1] + 30 && in[0] > in[2] + 30);
	ck_assert(abs(out[0] - out[2]) < 8);
	unsigned line = 0;
	for (const uint8_t *at = out; at < in; at += 3)
		line += at[0] > 200 && at[1] > 200 && at[2] < 120;
	ck_assert_uint_ge(line, 1);
	ck_assert_uint_le(line, 3);
	/* a ROI in its own color, the rest as it was */
	static const uint8_t own_color[3] = {64, 196, 255};
	uint8_t before[3];
	struct mask roi;
	uint64_t bits[10];
	memcpy(before, in, 3);
	mask_init(&roi, 20, 10, bits);
	mask_set(&roi, 4, 9, 12);
	mask_set(&roi, 5, 9, 12);
	mask_set(&roi, 6, 9, 12);
	sheet_outline(&d.s, 0, &roi, own_color);
	ck_assert(memcmp(in, before, 3) == 0);
	unsigned own = 0;
	for (const uint8_t *at = out; at < in; at += 3)
		own += memcmp(at, own_color, 3) == 0;
	ck_assert_uint_eq(own, 1);
	/* black round about */
	for (unsigned i = 0; i < 4u * (d.s.tile_cols + 8) * 3; i++)
		ck_assert_uint_eq(d.s.rgb[i], 0);
	free(d.s.rgb);
}
END_TEST

/* One marked pixel of a large image is still to be seen. */
START_TEST(test_small_structure)
{
	enum { SIDE = 1024 };
	struct sheet s;
	uint64_t *bits = malloc(mask_words(SIDE, SIDE) * sizeof(*bits));
	struct mask m;
	unsigned seen = 0;

	ck_assert_ptr_nonnull(bits);
	sheet_plan(&s, 24, NULL, SIDE, SIDE, 1);
	s.rgb = calloc(1, sheet_bytes(&s));
	ck_assert_ptr_nonnull(s.rgb);
	mask_init(&m, SIDE, SIDE, bits);
	mask_set(&m, 501, 333, 334);
	sheet_draw(&s, 23, NULL, 0, 0, &m, NULL);
	for (size_t i = 0; i < sheet_bytes(&s); i += 3)
		seen += s.rgb[i] > 200;
	ck_assert_uint_eq(seen, 1);
	free(s.rgb);
	free(bits);
}
END_TEST

START_TEST(test_color)
{
	struct drawn d;

	drawn_init(&d);
	d.p.native.format.samples = 3;
	d.p.native.format.bits_allocated = d.p.native.format.bits_stored = 8;
	d.p.native.format.high_bit = 7;
	d.p.native.format.photometric = PHOTO_RGB;
	uint8_t *rgb = calloc(600, 1);
	ck_assert_ptr_nonnull(rgb);
	for (size_t i = 0; i < 200; i++)
		rgb[3 * i + 1] = 200;
	d.p.native.data = bytes_of(rgb, 600);
	sheet_draw(&d.s, 0, &d.p, 40, 400, NULL, NULL);
	const uint8_t *at = middle_of(&d, 7, 7);
	ck_assert(at[0] == 0 && at[1] == 200 && at[2] == 0);
	free(rgb);
	free(d.s.rgb);
}
END_TEST

START_TEST(test_caption)
{
	struct drawn with, without;
	size_t same = 0;
	char wide[400];

	drawn_init(&with);
	drawn_init(&without);
	sheet_draw(&with.s, 0, NULL, 0, 0, NULL, "Slice 1");
	sheet_draw(&without.s, 0, NULL, 0, 0, NULL, NULL);
	size_t len = sheet_bytes(&with.s);
	for (size_t i = 0; i < len; i++)
		same += with.s.rgb[i] == without.s.rgb[i];
	ck_assert(same < len - 300 && same > len * 9 / 10);
	/* one that does not fit is cut at the tile's edge, whatever its bytes are */
	for (unsigned i = 0; i < sizeof(wide) - 1; i++)
		wide[i] = (char)(i % 255 + 1);
	wide[sizeof(wide) - 1] = '\0';
	sheet_draw(&with.s, 0, NULL, 0, 0, NULL, wide);
	free(with.s.rgb);
	free(without.s.rgb);
}
END_TEST

/* ---- The file ---- */

#ifndef NETRT_MINIMAL

/* Walk the markers of a JPEG up to the scan: is it baseline, cols x rows, three components at
 * full resolution? */
static void check_jpeg(const uint8_t *b, size_t len, uint32_t cols, uint32_t rows)
{
	bool frame = false;

	ck_assert(len > 100 && b[0] == 0xFF && b[1] == 0xD8);
	ck_assert(b[len - 2] == 0xFF && b[len - 1] == 0xD9);
	for (size_t at = 2; at + 4 <= len && b[at + 1] != 0xDA; at += 2u + get_u16be(b + at + 2)) {
		ck_assert_uint_eq(b[at], 0xFF);
		if (b[at + 1] != 0xC0)
			continue;
		frame = true;
		ck_assert_uint_eq(get_u16be(b + at + 5), rows);
		ck_assert_uint_eq(get_u16be(b + at + 7), cols);
		ck_assert_uint_eq(b[at + 9], 3);
		for (unsigned i = 0; i < 3; i++)
			ck_assert_uint_eq(b[at + 11 + 3 * i], 0x11);
	}
	ck_assert(frame);
}

START_TEST(test_write)
{
	char *dir = test_tmpdir();
	char path[PATH_MAX], part[PATH_MAX];
	uint8_t *b = test_zeros(1u << 20);
	struct drawn d;
	struct fault f;
	unsigned fds = test_open_fds();

	snprintf(path, sizeof(path), "%s/sheet.jpg", dir);
	snprintf(part, sizeof(part), "%s/sheet.jpg.part", dir);
	drawn_init(&d);
	sheet_draw(&d.s, 0, &d.p, 0, 0, &d.m, "1");
	ck_assert_int_eq(sheet_write(&d.s, path, &f), OK);
	ck_assert_int_eq(sheet_write(&d.s, path, &f), OK); /* again, over it */
	ck_assert_int_eq(access(part, F_OK), -1);
	FILE *file = fopen(path, "rb");
	ck_assert_ptr_nonnull(file);
	size_t len = fread(b, 1, 1u << 20, file);
	fclose(file);
	check_jpeg(b, len, d.s.tile_cols + 8, d.s.tile_rows + 8);
	ck_assert_uint_eq(test_open_fds(), fds);
	free(d.s.rgb);
	test_tmpdir_remove(dir);
}
END_TEST

START_TEST(test_write_errors)
{
	static uint8_t noise[600 * 400 * 3];
	uint32_t v = 1;
	struct fault f;
	int fd = open("/dev/full", O_WRONLY);

	for (size_t i = 0; i < sizeof(noise); i++) {
		v = v * 1103515245u + 12345u;
		noise[i] = (uint8_t)(v >> 24);
	}
	if (fd >= 0) {
		ck_assert_int_eq(jpeg_write(fd, noise, 600, 400, 88, &f), ERR_IO);
		ck_assert_int_eq(f.sys_errno, ENOSPC);
		ck_assert_int_eq(jpeg_write(fd, noise, 1, 1, 88, &f), ERR_IO);
		close(fd);
	} else {
		test_skip("sheet: no /dev/full");
	}
	/* what libjpeg itself refuses */
	ck_assert_int_eq(jpeg_write(-1, noise, 0, 400, 88, &f), ERR_NOMEM);
	ck_assert_int_eq(jpeg_write(-1, noise, 70000, 1, 88, &f), ERR_NOMEM);
}
END_TEST

#else

START_TEST(test_write)
{
	char *dir = test_tmpdir();
	char path[PATH_MAX], part[PATH_MAX];
	struct drawn d;
	struct fault f;

	snprintf(path, sizeof(path), "%s/sheet.jpg", dir);
	snprintf(part, sizeof(part), "%s/sheet.jpg.part", dir);
	drawn_init(&d);
	ck_assert_int_eq(sheet_write(&d.s, path, &f), ERR_UNSUPPORTED);
	ck_assert_str_eq(f.text, "this netrt was built without JPEG");
	ck_assert_int_eq(access(part, F_OK), -1);
	ck_assert_int_eq(access(path, F_OK), -1);
	free(d.s.rgb);
	test_tmpdir_remove(dir);
}
END_TEST

#endif

START_TEST(test_nowhere)
{
	static char path[PATH_MAX + 8];
	struct drawn d;
	struct fault f;

	drawn_init(&d);
	ck_assert_int_eq(sheet_write(&d.s, "/nonexistent/folder/sheet.jpg", &f), ERR_IO);
	ck_assert_int_eq(f.sys_errno, ENOENT);
	memset(path, 'x', sizeof(path) - 1);
	ck_assert_int_eq(sheet_write(&d.s, path, &f), ERR_LIMIT);
	free(d.s.rgb);
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

/* A tile by itself; of whatever room there is, it is whole or not there. */
START_TEST(test_tile_jpeg)
{
	struct sheet s;
	struct fault f;
	struct buf out = BUF_INIT(1u << 20);
	const bool marked[3] = {true, true, true};

	sheet_plan(&s, 3, marked, 64, 48, 1);
	s.rgb = calloc(sheet_bytes(&s), 1);
	ck_assert_ptr_nonnull(s.rgb);
	for (size_t i = 0; i < sheet_bytes(&s); i++)
		s.rgb[i] = (uint8_t)(i * 7919 >> 3);
	buf_str(&out, "before");
	enum err e = sheet_jpeg(&s, 2, &out, &f);
#ifdef NETRT_MINIMAL
	ck_assert_int_eq(e, ERR_UNSUPPORTED);
	ck_assert_uint_eq(out.len, 6);
#else
	ck_assert_int_eq(e, OK);
	ck_assert(memcmp(out.at, "before\xFF\xD8", 8) == 0);
	ck_assert(memcmp(out.at + out.len - 2, "\xFF\xD9", 2) == 0);
	for (size_t max = 0; max < out.len; max += 999) {
		struct buf small = BUF_INIT(max);

		ck_assert_int_eq(sheet_jpeg(&s, 2, &small, &f), ERR_NOMEM);
		ck_assert_uint_eq(small.len, 0);
		buf_free(&small);
	}
#endif
	buf_free(&out);
	free(s.rgb);
}
END_TEST

Suite *suite_sheet(void)
{
	Suite *s = suite_create("sheet");
	TCase *tc = tcase_create("sheet");

	tcase_add_loop_test(tc, test_plan, 0, COUNT(plans));
	tcase_add_test(tc, test_shape);
	tcase_add_test(tc, test_window);
	tcase_add_test(tc, test_mask);
	tcase_add_test(tc, test_tile_jpeg);
	tcase_add_test(tc, test_small_structure);
	tcase_add_test(tc, test_color);
	tcase_add_test(tc, test_caption);
	tcase_add_test(tc, test_write);
#ifndef NETRT_MINIMAL
	tcase_add_test(tc, test_write_errors);
#endif
	tcase_add_test(tc, test_nowhere);
	suite_add_tcase(s, tc);
	return s;
}
