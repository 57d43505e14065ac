/*
 * Stored values out of their cells, and mean and deviation under a mask, against the
 * definition done slowly.
 */
#include <check.h>
#include <math.h>

#include "series/stats.h"
#include "support/jpeg_make.h"
#include "support/raster_oracle.h"
#include "support/series_image.h"
#include "support/support.h"

Suite *suite_stats(void);

/* ---- One value ---- */

static const struct {
	const char *name;
	uint16_t allocated, stored, high;
	bool is_signed;
	const char *bytes; /* of the pixels 0 and 1 */
	int64_t first, second;
} cells[] = {
	{"8 bits", 8, 8, 7, false, "\xFF\x01", 255, 1},
	{"8 bits, signed", 8, 8, 7, true, "\xFF\x7F", -1, 127},
	{"8 bits, 4 stored at the top", 8, 4, 7, false, "\xA5\x5A", 10, 5},
	{"16 bits", 16, 16, 15, false, "\xFE\xFF\x01\x02", 65534, 513},
	{"16 bits, signed", 16, 16, 15, true, "\x00\x80\xFF\x7F", -32768, 32767},
	{"12 of 16, dirt above", 16, 12, 11, false, "\xFF\xF7\x01\xF0", 0x7FF, 1},
	{"12 of 16, signed, dirt above", 16, 12, 11, true, "\xFF\x7F\x01\xF8", -1, -2047},
	{"12 of 16, signed, clean above", 16, 12, 11, true, "\xFF\x0F\xFF\x07", -1, 2047},
	{"12 of 16, at the top", 16, 12, 15, false, "\x1F\x00\x0F\xFF", 1, 0xFF0},
	{"1 of 16", 16, 1, 0, false, "\xFF\xFF\xFE\xFF", 1, 0},
	{"32 bits", 32, 32, 31, false, "\xFF\xFF\xFF\xFF\1\0\0\0", 4294967295, 1},
	{"32 bits, signed", 32, 32, 31, true, "\0\0\0\x80\xFF\xFF\xFF\xFF", -2147483648, -1},
};

START_TEST(test_cells)
{
	struct pixels p = {.native.format = {.rows = 1,
					     .cols = 2,
					     .samples = 1,
					     .bits_allocated = cells[_i].allocated,
					     .bits_stored = cells[_i].stored,
					     .high_bit = cells[_i].high,
					     .is_signed = cells[_i].is_signed},
			   .slope = 2,
			   .intercept = -1};
	size_t len = cells[_i].allocated / 4u;
	uint8_t *bytes = guard_copy(cells[_i].bytes, len);
	uint64_t bits[1];
	struct mask m;
	struct pixel_stats got;
	double a = 2.0 * (double)cells[_i].first - 1, b = 2.0 * (double)cells[_i].second - 1;

	p.native.data = bytes_of(bytes, len);
	ck_assert_int_eq(pixels_at(&p, 0, 0), cells[_i].first);
	ck_assert_int_eq(pixels_at(&p, 1, 0), cells[_i].second);
	int64_t row[2];
	pixels_row(&p, 0, row);
	ck_assert(row[0] == cells[_i].first && row[1] == cells[_i].second);
	mask_init(&m, 2, 1, bits);
	ck_assert(!pixels_stats(&p, &m, &got));
	mask_set(&m, 0, 1, 2);
	ck_assert(pixels_stats(&p, &m, &got));
	ck_assert(got.mean == b && got.std_dev == 0);
	mask_set(&m, 0, 0, 2);
	ck_assert(pixels_stats(&p, &m, &got));
	ck_assert_double_eq_tol(got.mean, (a + b) / 2, 1e-6);
	ck_assert_double_eq_tol(got.std_dev, fabs(a - b) / 2, 1e-6);
	guard_free(bytes, len);
}
END_TEST

/* ---- Many values ---- */

/* Two passes over doubles; good to about 1e-12 here. */
static struct pixel_stats slowly(const struct pixels *p, const struct mask *m)
{
	struct pixel_stats s = {0, 0};
	double n = 0, mean = 0, sum = 0;

	for (uint32_t i = 0; i < m->rows * m->cols; i++)
		if (mask_get(m, i % m->cols, i / m->cols)) {
			mean += (double)pixels_at(p, i % m->cols, i / m->cols);
			n++;
		}
	mean /= n;
	for (uint32_t i = 0; i < m->rows * m->cols; i++)
		if (mask_get(m, i % m->cols, i / m->cols)) {
			double d = (double)pixels_at(p, i % m->cols, i / m->cols) - mean;
			sum += d * d;
		}
	s.mean = mean * p->slope + p->intercept;
	s.std_dev = fabs(p->slope) * sqrt(sum / n);
	return s;
}

START_TEST(test_random)
{
	uint64_t seed = (uint64_t)_i;
	static const uint16_t allocated[] = {8, 16, 16, 32};
	struct pixels p = {
		.native.format = {.rows = (uint32_t)oracle_between(&seed, 1, 40),
				  .cols = (uint32_t)oracle_between(&seed, 1, 140),
				  .samples = 1,
				  .bits_allocated = allocated[_i % 4],
				  .is_signed = _i / 4 % 2},
		.slope = oracle_between(&seed, -400, 400) / 128.0,
		.intercept = oracle_between(&seed, -2000, 2000) / 16.0,
	};
	struct image_format *o = &p.native.format;
	size_t count = (size_t)o->rows * o->cols, len = count * o->bits_allocated / 8;
	uint8_t *bytes = malloc(len);
	uint64_t *bits = malloc(mask_words(o->cols, o->rows) * sizeof(*bits));
	struct mask m;
	struct pixel_stats got;

	ck_assert(bytes != NULL && bits != NULL);
	o->bits_stored = _i % 4 == 1 ? 16 : (uint16_t)oracle_between(&seed, 1, o->bits_allocated);
	o->high_bit = (uint16_t)oracle_between(&seed, o->bits_stored - 1, o->bits_allocated - 1);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)oracle_random(&seed);
	p.native.data = bytes_of(bytes, len);
	mask_init(&m, o->cols, o->rows, bits);
	for (uint32_t i = 0; i < count; i++)
		if (oracle_random(&seed) % 4 != 0 || i == 0)
			mask_set(&m, i / o->cols, i % o->cols, i % o->cols + 1);
	struct pixel_stats want = slowly(&p, &m);
	ck_assert(pixels_stats(&p, &m, &got));
	double scale = ldexp(fabs(p.slope) + 1, o->bits_stored) + 1;
	ck_assert_double_eq_tol(got.mean, want.mean, 1e-12 * scale);
	ck_assert_double_eq_tol(got.std_dev, want.std_dev, 1e-7 * scale);
	free(bits);
	free(bytes);
}
END_TEST

/* Large values close together: a sum of squares in doubles would lose the deviation. */
START_TEST(test_exact)
{
	enum { COUNT = 300 * 300 };
	uint8_t *bytes = malloc(COUNT * 4);
	uint64_t *bits = malloc(mask_words(300, 300) * sizeof(*bits));
	struct pixels p = {.native = {.data = {bytes, COUNT * 4},
				      .format = {.rows = 300,
						 .cols = 300,
						 .samples = 1,
						 .bits_allocated = 32,
						 .bits_stored = 32,
						 .high_bit = 31}},
			   .slope = 1};
	struct pixel_stats got;
	struct mask m;

	ck_assert(bytes != NULL && bits != NULL);
	for (uint32_t i = 0; i < COUNT; i++)
		put_u32le(bytes + 4 * (size_t)i, 4294967295u - i % 2);
	mask_init(&m, 300, 300, bits);
	for (uint32_t row = 0; row < 300; row++)
		mask_set(&m, row, 0, 300);
	ck_assert(pixels_stats(&p, &m, &got));
	ck_assert(got.mean == 4294967294.5 && got.std_dev == 0.5);
	free(bits);
	free(bytes);
}
END_TEST

/* ---- From a data set ---- */

static const struct {
	const char *name;
	const char *photometric;
	uint16_t samples, allocated, stored, high, sign, planar;
	const char *slope, *intercept, *frames;
	enum err want;
	bool lut, encapsulated;
	size_t cut; /* bytes missing at the end */
} sources[] = {
	{"CT", "MONOCHROME2", 1, 16, 12, 11, 1, 0, "2.5", "-1024", NULL, OK, false, false, 0},
	{"no rescale", "MONOCHROME2", 1, 16, 16, 15, 0, 0, NULL, NULL, NULL, OK, false, false, 0},
	{"one frame", "MONOCHROME1", 1, 8, 8, 7, 0, 0, NULL, NULL, "1", OK, false, false, 0},
	{"32 bits", "MONOCHROME2", 1, 32, 32, 31, 0, 0, "1e-3", "0", NULL, OK, false, false, 0},
	{"RGB", "RGB", 3, 8, 8, 7, 0, 0, NULL, NULL, NULL, ERR_UNSUPPORTED, false, false, 0},
	{"RGB by plane", "RGB", 3, 8, 8, 7, 0, 1, NULL, NULL, NULL, ERR_UNSUPPORTED, false, false,
	 0},
	{"YBR", "YBR_FULL", 3, 8, 8, 7, 0, 0, NULL, NULL, NULL, ERR_UNSUPPORTED, false, false, 0},
	{"palette", "PALETTE COLOR", 1, 8, 8, 7, 0, 0, NULL, NULL, NULL, ERR_UNSUPPORTED, false,
	 false, 0},
	{"1 bit", "MONOCHROME2", 1, 1, 1, 0, 0, 0, NULL, NULL, NULL, ERR_UNSUPPORTED, false, false,
	 0},
	{"no bits stored", "MONOCHROME2", 1, 16, 0, 15, 0, 0, NULL, NULL, NULL, ERR_UNUSABLE, false,
	 false, 0},
	{"High Bit beyond", "MONOCHROME2", 1, 16, 12, 16, 0, 0, NULL, NULL, NULL, ERR_UNUSABLE,
	 false, false, 0},
	{"High Bit below", "MONOCHROME2", 1, 16, 12, 10, 0, 0, NULL, NULL, NULL, ERR_UNUSABLE,
	 false, false, 0},
	{"two frames", "MONOCHROME2", 1, 16, 16, 15, 0, 0, NULL, NULL, "2", ERR_UNSUPPORTED, false,
	 false, 0},
	{"a table", "MONOCHROME2", 1, 16, 16, 15, 0, 0, NULL, NULL, NULL, ERR_UNSUPPORTED, true,
	 false, 0},
	{"compressed, damaged", "MONOCHROME2", 1, 16, 16, 15, 0, 0, NULL, NULL, NULL, ERR_WIRE,
	 false, true, 0},
	{"cut short", "MONOCHROME2", 1, 16, 16, 15, 0, 0, NULL, NULL, NULL, ERR_UNUSABLE, false,
	 false, 2},
	{"no pixels", "MONOCHROME2", 1, 16, 16, 15, 0, 0, NULL, NULL, NULL, ERR_UNUSABLE, false,
	 false, 9999},
};

/* A data set of 3 rows and 2 columns; free built.out. */
static void build_source(struct build *b, int i, bool big_endian)
{
	const uint16_t rows = 3, cols = 2;
	const struct syntax *s = sources[i].encapsulated ? syntax_find(BYTES_LIT(RLE_UID))
				 : big_endian            ? &syntax_explicit_be
							 : &syntax_explicit_le;
	static const uint8_t pixels[24] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
	size_t len = (size_t)rows * cols * sources[i].samples * sources[i].allocated / 8;

	build_init(b, s, 1u << 16);
	build_u16(b, TAG_SamplesPerPixel, VR_US, &sources[i].samples, 1);
	build_str(b, TAG_PhotometricInterpretation, VR_CS, sources[i].photometric);
	if (sources[i].samples == 3)
		build_u16(b, TAG_PlanarConfiguration, VR_US, &sources[i].planar, 1);
	if (sources[i].frames != NULL)
		build_str(b, TAG_NumberOfFrames, VR_IS, sources[i].frames);
	build_u16(b, TAG_Rows, VR_US, &rows, 1);
	build_u16(b, TAG_Columns, VR_US, &cols, 1);
	build_u16(b, TAG_BitsAllocated, VR_US, &sources[i].allocated, 1);
	build_u16(b, TAG_BitsStored, VR_US, &sources[i].stored, 1);
	build_u16(b, TAG_HighBit, VR_US, &sources[i].high, 1);
	build_u16(b, TAG_PixelRepresentation, VR_US, &sources[i].sign, 1);
	if (sources[i].intercept != NULL)
		build_str(b, TAG_RescaleIntercept, VR_DS, sources[i].intercept);
	if (sources[i].slope != NULL)
		build_str(b, TAG_RescaleSlope, VR_DS, sources[i].slope);
	if (sources[i].lut)
		build_bytes(b, TAG_ModalityLUTSequence, VR_SQ, BYTES_NONE);
	if (sources[i].encapsulated)
		put_pixels(b, rows, cols, true);
	else if (sources[i].cut <= len)
		build_ow_le(b, TAG_PixelData, bytes_of(pixels, len - sources[i].cut));
	ck_assert(!b->out.failed);
}

START_TEST(test_open)
{
	struct pixels p;
	struct arena a;
	struct build b;
	struct dset d;

	for (int big = 0; big < 2; big++) {
		struct part10 source = PART10_NONE;
		struct fault f = {0};

		build_source(&b, _i, big);
		source.data = buf_bytes(&b.out);
		source.syntax = b.syntax;
		ck_assert_int_eq(arena_open(&a, 1u << 16, NULL), OK);
		ck_assert_int_eq(dset_index(&d, source.data, b.syntax, 0, &a, &f), OK);
		enum err e = pixels_open(&p, &source, &d, &f);
		ck_assert_msg(e == sources[_i].want, "%s: %d %s", sources[_i].name, e,
			      e == OK ? "" : f.text);
		if (e != OK) {
			ck_assert_ptr_nonnull(f.text);
			ck_assert(p.native.data.at == NULL && p.native.owned == NULL);
		} else {
			bool wide = sources[_i].allocated == 32;

			ck_assert(p.native.format.rows == 3 && p.native.format.cols == 2);
			ck_assert(!pixels_are_color(&p));
			if (!wide)
				ck_assert_int_eq(pixels_at(&p, 1, 0),
						 sources[_i].allocated == 8 ? 2 : 0x403);
			ck_assert(p.slope == (sources[_i].slope == NULL ? 1.0
					      : wide                    ? 0.001
									: 2.5));
		}
		pixels_free(&p);
		ck_assert(p.native.data.at == NULL && p.native.owned == NULL);
		build_free(&b);
		arena_close(&a);
	}
}
END_TEST

/* ---- Compressed ---- */

static const struct {
	const char *uid;
	void (*make)(struct buf *out, const struct jpeg_make *m, const uint16_t *pixels);
	uint16_t stored;
	bool is_signed;
} compressed[] = {
	{"1.2.840.10008.1.2.4.70", jpegll_make, 12, false},
	{"1.2.840.10008.1.2.4.70", jpegll_make, 16, true},
	{"1.2.840.10008.1.2.4.80", jpegls_make, 12, true},
	{"1.2.840.10008.1.2.4.80", jpegls_make, 16, false},
};

static void put_stream(struct build *b, struct bytes stream)
{
	uint8_t len[4];

	put_raw(b, "E0 7F 10 00 4F 42 00 00 FF FF FF FF FE FF 00 E0 00 00 00 00 FE FF 00 E0");
	put_u32le(len, (uint32_t)(stream.len + stream.len % 2));
	buf_add(&b->out, bytes_of(len, 4));
	buf_add(&b->out, stream);
	if (stream.len % 2 != 0)
		buf_char(&b->out, '\0');
	put_raw(b, "FE FF DD E0 00 00 00 00");
}

/* An image of 9 rows and 11 columns; `stream`: as it is compressed, or the samples as they are. */
static struct pixel_stats stats_of(int i, const char *uid, struct bytes stream,
				   const struct mask *m)
{
	const uint16_t rows = 9, cols = 11, sixteen = 16, one = 1, stored = compressed[i].stored;
	const uint16_t high = (uint16_t)(stored - 1), is_signed = compressed[i].is_signed;
	struct part10 source = PART10_NONE;
	struct pixel_stats got = {0, 0};
	struct fault f = {0};
	struct pixels p;
	struct arena a;
	struct build b;
	struct dset d;

	build_init(&b, syntax_find(bytes_str(uid)), 1u << 16);
	build_u16(&b, TAG_SamplesPerPixel, VR_US, &one, 1);
	build_str(&b, TAG_PhotometricInterpretation, VR_CS, "MONOCHROME2");
	build_u16(&b, TAG_Rows, VR_US, &rows, 1);
	build_u16(&b, TAG_Columns, VR_US, &cols, 1);
	build_u16(&b, TAG_BitsAllocated, VR_US, &sixteen, 1);
	build_u16(&b, TAG_BitsStored, VR_US, &stored, 1);
	build_u16(&b, TAG_HighBit, VR_US, &high, 1);
	build_u16(&b, TAG_PixelRepresentation, VR_US, &is_signed, 1);
	build_str(&b, TAG_RescaleIntercept, VR_DS, "-1000");
	build_str(&b, TAG_RescaleSlope, VR_DS, "0.5");
	if (b.syntax->encapsulated)
		put_stream(&b, stream);
	else
		build_ow_le(&b, TAG_PixelData, stream);
	source.data = buf_bytes(&b.out);
	source.syntax = b.syntax;
	ck_assert_int_eq(arena_open(&a, 1u << 16, NULL), OK);
	ck_assert_int_eq(dset_index(&d, source.data, b.syntax, 0, &a, &f), OK);
	ck_assert_msg(pixels_open(&p, &source, &d, &f) == OK, "%s", f.text);
	ck_assert(p.native.decoded == b.syntax->encapsulated);
	ck_assert(pixels_stats(&p, m, &got));
	pixels_free(&p);
	build_free(&b);
	arena_close(&a);
	return got;
}

START_TEST(test_compressed)
{
	struct jpeg_make m = {JPEG_OF(9, 11, 1, compressed[_i].stored, 0), .predictor = 4};
	struct buf stream = BUF_INIT(1u << 16);
	uint16_t values[9 * 11];
	uint8_t plain[9 * 11 * 2];
	uint64_t bits[9], seed = 5;
	struct mask mask;

	for (unsigned i = 0; i < 9 * 11; i++) {
		values[i] = (uint16_t)(oracle_random(&seed) & ((1u << compressed[_i].stored) - 1));
		put_u16le(plain + 2 * i, values[i]);
	}
	mask_init(&mask, 11, 9, bits);
	mask_set(&mask, 2, 3, 9);
	mask_set(&mask, 8, 0, 11);
	compressed[_i].make(&stream, &m, values);
	ck_assert(!stream.failed);
	struct pixel_stats want =
		stats_of(_i, syntax_explicit_le.uid, bytes_of(plain, sizeof(plain)), &mask);
	struct pixel_stats got = stats_of(_i, compressed[_i].uid, buf_bytes(&stream), &mask);
	ck_assert(got.mean == want.mean && got.std_dev == want.std_dev && want.std_dev > 0);
	buf_free(&stream);
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

Suite *suite_stats(void)
{
	Suite *s = suite_create("stats");
	TCase *tc = tcase_create("stats");

	tcase_add_loop_test(tc, test_cells, 0, COUNT(cells));
	tcase_add_loop_test(tc, test_random, 0, 200);
	tcase_add_test(tc, test_exact);
	tcase_add_loop_test(tc, test_open, 0, COUNT(sources));
	tcase_add_loop_test(tc, test_compressed, 0, COUNT(compressed));
	suite_add_tcase(s, tc);
	return s;
}
