/*
 * Stored values to shades: the formulas of PS3.3 C.11, which window is taken, and every layout of
 * pixels.
 */
#include <check.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/build.h"
#include "image/window.h"

Suite *suite_window(void);

/* An image of one row, and what it became. */
struct strip {
	struct build b;
	struct arena arena;
	struct dset d;
	struct part10 p;
	struct native n;
	struct window w;
	uint8_t rgb[3 * 1024];
	enum err e;
	struct fault f;
};

struct layout {
	uint16_t bits, stored, high, is_signed, samples;
	const char *photometric;
	uint16_t planar;
};

#define CT                               \
	((struct layout){.bits = 16,     \
			 .stored = 16,   \
			 .high = 15,     \
			 .is_signed = 1, \
			 .samples = 1,   \
			 .photometric = "MONOCHROME2"})

/* Elements in (0028,xxxx) after Pixel Representation, ascending. */
static void strip_begin_as(struct strip *s, const struct syntax *syntax, struct layout l,
			   uint16_t cols)
{
	static const uint16_t one = 1;

	memset(s, 0, sizeof(*s));
	build_init(&s->b, syntax, 1u << 20);
	build_u16(&s->b, TAG_SamplesPerPixel, VR_US, &l.samples, 1);
	build_str(&s->b, TAG_PhotometricInterpretation, VR_CS, l.photometric);
	if (l.samples == 3)
		build_u16(&s->b, TAG_PlanarConfiguration, VR_US, &l.planar, 1);
	build_u16(&s->b, TAG_Rows, VR_US, &one, 1);
	build_u16(&s->b, TAG_Columns, VR_US, &cols, 1);
	build_u16(&s->b, TAG_BitsAllocated, VR_US, &l.bits, 1);
	build_u16(&s->b, TAG_BitsStored, VR_US, &l.stored, 1);
	build_u16(&s->b, TAG_HighBit, VR_US, &l.high, 1);
	build_u16(&s->b, TAG_PixelRepresentation, VR_US, &l.is_signed, 1);
}

static void strip_begin(struct strip *s, struct layout l, uint16_t cols)
{
	strip_begin_as(s, &syntax_explicit_le, l, cols);
}

static void strip_end(struct strip *s, const void *pixels, size_t len)
{
	build_bytes(&s->b, TAG_PixelData, VR_OW, bytes_of(pixels, len));
	ck_assert(!s->b.out.failed);
	ck_assert_int_eq(arena_open(&s->arena, 4u << 20, NULL), OK);
	ck_assert_int_eq(dset_index(&s->d, buf_bytes(&s->b.out), s->b.syntax, 0, &s->arena, &s->f),
			 OK);
	s->p = (struct part10){.map = FILE_MAP_NONE, .syntax = s->b.syntax, .data = s->d.in};
	ck_assert_msg(native_open(&s->n, &s->p, &s->d, &s->f) == OK, "%s", s->f.text);
	s->e = window_open(&s->w, &s->n, &s->d, &s->arena, &s->f);
	if (s->e == OK)
		window_row(&s->w, 0, s->rgb);
}

static void strip_free(struct strip *s)
{
	native_close(&s->n);
	arena_close(&s->arena);
	build_free(&s->b);
}

static unsigned shade(const struct strip *s, size_t i)
{
	ck_assert(s->rgb[3 * i] == s->rgb[3 * i + 1] && s->rgb[3 * i] == s->rgb[3 * i + 2]);
	return s->rgb[3 * i];
}

/* ---- Windows ---- */

static const int16_t values[] = {-1024, -161, -160, -159, -100, 39,  40,
				 41,    100,  239,  240,  241,  3000};
#define VALUES (sizeof(values) / sizeof(values[0]))

static double linear(double x, double c, double w)
{
	return x <= c - 0.5 - (w - 1) / 2  ? 0
	       : x > c - 0.5 + (w - 1) / 2 ? 255
					   : ((x - (c - 0.5)) / (w - 1) + 0.5) * 255;
}

static double exact(double x, double c, double w)
{
	return x <= c - w / 2 ? 0 : x > c + w / 2 ? 255 : ((x - c) / w + 0.5) * 255;
}

static double sigmoid(double x, double c, double w)
{
	return 255 / (1 + exp(-4 * (x - c) / w));
}

static const struct {
	const char *name, *center, *width, *function, *slope, *intercept;
	bool inverted;
	double (*want)(double x, double c, double w);
	double c, w, scale, shift;
} windows[] = {
	{"linear", "40", "400", NULL, NULL, NULL, false, linear, 40, 400, 1, 0},
	{"said to be linear", "40", "400", "LINEAR", NULL, NULL, false, linear, 40, 400, 1, 0},
	{"exact", "40", "400", "LINEAR_EXACT", NULL, NULL, false, exact, 40, 400, 1, 0},
	{"sigmoid", "40", "400", "SIGMOID", NULL, NULL, false, sigmoid, 40, 400, 1, 0},
	{"a list: the first", "40\\-600", "400\\1600", NULL, NULL, NULL, false, linear, 40, 400, 1,
	 0},
	{"first of no width", "7\\40", "0\\400", NULL, NULL, NULL, false, linear, 40, 400, 1, 0},
	{"width 1: a threshold", "40", "1", NULL, NULL, NULL, false, linear, 40, 1, 1, 0},
	{"below 1: exact", "0.2", "0.5", NULL, "0.001", NULL, false, exact, 0.2, 0.5, 0.001, 0},
	{"in image units", "40", "400", NULL, "2", "-100", false, linear, 40, 400, 2, -100},
	{"negative slope", "40", "400", NULL, "-1", "80", false, linear, 40, 400, -1, 80},
	{"MONOCHROME1", "40", "400", NULL, NULL, NULL, true, linear, 40, 400, 1, 0},
};

START_TEST(test_window)
{
	struct layout l = CT;
	struct strip s;

	l.photometric = windows[_i].inverted ? "MONOCHROME1" : "MONOCHROME2";
	strip_begin(&s, l, VALUES);
	build_str(&s.b, TAG_WindowCenter, VR_DS, windows[_i].center);
	build_str(&s.b, TAG_WindowWidth, VR_DS, windows[_i].width);
	if (windows[_i].intercept != NULL)
		build_str(&s.b, TAG_RescaleIntercept, VR_DS, windows[_i].intercept);
	if (windows[_i].slope != NULL)
		build_str(&s.b, TAG_RescaleSlope, VR_DS, windows[_i].slope);
	if (windows[_i].function != NULL)
		build_str(&s.b, TAG_VOILUTFunction, VR_CS, windows[_i].function);
	strip_end(&s, values, sizeof(values));
	ck_assert_int_eq(s.e, OK);
	ck_assert_int_eq(s.w.source, WINDOW_VALUES);
	ck_assert(s.w.center == windows[_i].c && s.w.width == windows[_i].w);
	for (size_t i = 0; i < VALUES; i++) {
		double x = values[i] * windows[_i].scale + windows[_i].shift;
		double want = windows[_i].want(x, windows[_i].c, windows[_i].w);

		want = windows[_i].inverted ? 255 - want : want;
		ck_assert_msg(fabs(shade(&s, i) - want) <= 0.51, "%d: %u, not %.2f", values[i],
			      shade(&s, i), want);
	}
	strip_free(&s);
}
END_TEST

/* ---- Layouts of grey ---- */

/* The values 0, 1, 2, 3 of a window from 0 to 3 (exact 1.5 3), in many cells. */
static const struct {
	const char *name;
	struct layout l;
	uint8_t pixels[16];
	size_t len;
} greys[] = {
	{"8 bits", {8, 8, 7, 0, 1, "MONOCHROME2", 0}, {0, 1, 2, 3}, 4},
	{"16 bits", {16, 16, 15, 0, 1, "MONOCHROME2", 0}, {0, 0, 1, 0, 2, 0, 3, 0}, 8},
	{"12 bits, rubbish above",
	 {16, 12, 11, 0, 1, "MONOCHROME2", 0},
	 {0, 0xA0, 1, 0xF0, 2, 0x10, 3, 0x80},
	 8},
	{"12 bits, at the top",
	 {16, 12, 15, 0, 1, "MONOCHROME2", 0},
	 {0x0F, 0, 0x1A, 0, 0x2F, 0, 0x30, 0},
	 8},
	{"4 of 8 bits", {8, 4, 5, 0, 1, "MONOCHROME2", 0}, {0xC3, 0x04, 0x0A, 0x4C}, 4},
	{"32 bits",
	 {32, 32, 31, 0, 1, "MONOCHROME2", 0},
	 {0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0},
	 16},
	{"32 bits, signed, 20 stored",
	 {32, 20, 19, 1, 1, "MONOCHROME2", 0},
	 {0, 0, 0, 0xFF, 1, 0, 0x10, 0, 2, 0, 0, 0, 3, 0, 0, 0},
	 16},
	{"MONOCHROME1", {8, 8, 7, 0, 1, "MONOCHROME1", 0}, {3, 2, 1, 0}, 4},
};

START_TEST(test_grey)
{
	struct strip s;

	strip_begin(&s, greys[_i].l, 4);
	build_str(&s.b, TAG_WindowCenter, VR_DS, "1.5");
	build_str(&s.b, TAG_WindowWidth, VR_DS, "3");
	build_str(&s.b, TAG_VOILUTFunction, VR_CS, "LINEAR_EXACT");
	strip_end(&s, greys[_i].pixels, greys[_i].len);
	ck_assert_int_eq(s.e, OK);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(shade(&s, i), 85 * i);
	strip_free(&s);
}
END_TEST

START_TEST(test_one_bit)
{
	static const struct layout l = {1, 1, 0, 0, 1, "MONOCHROME2", 0};
	static const uint8_t pixels[] = {0x35, 0x01};
	struct strip s;

	strip_begin(&s, l, 9);
	strip_end(&s, pixels, 2);
	ck_assert_int_eq(s.e, OK);
	for (unsigned i = 0; i < 9; i++)
		ck_assert_uint_eq(shade(&s, i), (0x135 >> i & 1) * 255u);
	strip_free(&s);
}
END_TEST

/* ---- Percentiles ---- */

START_TEST(test_percentiles)
{
	static const uint16_t padding[] = {0x8000, 0xA000};
	int16_t pixels[1000];
	struct strip s;

	/* -500..499, but for 4 of a metal, 4 of nothing, and padding in plenty */
	for (int i = 0; i < 1000; i++)
		pixels[i] = (int16_t)(i % 10 == 0 ? -32768 + i : i - 500);
	for (int i = 1; i < 5; i++) {
		pixels[i] = 32000;
		pixels[10 + i] = -20000;
	}
	strip_begin(&s, CT, 1000);
	build_u16(&s.b, TAG_PixelPaddingValue, VR_SS, padding, 1);
	build_u16(&s.b, TAG_PixelPaddingRangeLimit, VR_SS, padding + 1, 1);
	build_str(&s.b, TAG_RescaleIntercept, VR_DS, "1000");
	build_str(&s.b, TAG_RescaleSlope, VR_DS, "1");
	strip_end(&s, pixels, sizeof(pixels));
	ck_assert_int_eq(s.e, OK);
	ck_assert_int_eq(s.w.source, WINDOW_PERCENTILES);
	ck_assert_msg(fabs(s.w.center - 1000) < 8 && fabs(s.w.width - 990) < 16, "%f %f",
		      s.w.center, s.w.width);
	ck_assert_uint_eq(shade(&s, 20), 0);  /* padding: black */
	ck_assert_uint_eq(shade(&s, 2), 255); /* metal */
	ck_assert_uint_eq(shade(&s, 12), 0);
	ck_assert(shade(&s, 501) > 120 && shade(&s, 501) < 136);
	strip_free(&s);
}
END_TEST

/* Within the window, too. */
START_TEST(test_padding_is_black)
{
	static const int16_t pixels[] = {300, 299, 310, 311};
	static const uint16_t padding[] = {310, 300};
	struct strip s;

	strip_begin(&s, CT, 4);
	build_u16(&s.b, TAG_PixelPaddingValue, VR_SS, padding, 1);
	build_u16(&s.b, TAG_PixelPaddingRangeLimit, VR_SS, padding + 1, 1);
	build_str(&s.b, TAG_WindowCenter, VR_DS, "200");
	build_str(&s.b, TAG_WindowWidth, VR_DS, "400");
	strip_end(&s, pixels, sizeof(pixels));
	ck_assert_int_eq(s.e, OK);
	ck_assert(shade(&s, 0) == 0 && shade(&s, 2) == 0);
	ck_assert(shade(&s, 1) > 180 && shade(&s, 3) > 180);
	strip_free(&s);
}
END_TEST

START_TEST(test_flat)
{
	static const int16_t pixels[4] = {7, 7, 7, 7}, padded[2] = {9, 9};
	static const uint16_t padding = 9;
	struct strip s;

	strip_begin(&s, CT, 4);
	strip_end(&s, pixels, sizeof(pixels));
	ck_assert(s.e == OK && s.w.width == 1 && s.w.center == 7);
	strip_free(&s);
	strip_begin(&s, CT, 2); /* nothing but padding */
	build_u16(&s.b, TAG_PixelPaddingValue, VR_SS, &padding, 1);
	strip_end(&s, padded, sizeof(padded));
	ck_assert(s.e == OK && shade(&s, 0) == 0);
	strip_free(&s);
}
END_TEST

/* ---- Tables ---- */

static void table_item(struct build *b, uint32_t sequence, uint16_t count, int first, uint16_t bits,
		       const void *data, size_t len)
{
	uint16_t descriptor[3] = {count, (uint16_t)first, bits};

	build_sequence(b, sequence);
	build_item(b);
	build_u16(b, TAG_LUTDescriptor, first < 0 ? VR_SS : VR_US, descriptor, 3);
	build_bytes(b, TAG_LUTData, VR_OW, bytes_of(data, len));
	build_item_end(b);
	build_sequence_end(b);
}

START_TEST(test_voi_lut)
{
	static const uint8_t table[] = {0, 0, 0xFF, 0x0F, 0x00, 0x08}; /* 0, 4095, 2048: 12 bits */
	static const int16_t pixels[] = {-30, -2, -1, 0, 30};
	static const unsigned want[] = {0, 0, 255, 128, 128};
	struct strip s;

	strip_begin(&s, CT, 5);
	build_str(&s.b, TAG_WindowCenter, VR_DS, "40"); /* the table comes first */
	build_str(&s.b, TAG_WindowWidth, VR_DS, "400");
	table_item(&s.b, TAG_VOILUTSequence, 3, -2, 12, table, sizeof(table));
	strip_end(&s, pixels, sizeof(pixels));
	ck_assert_int_eq(s.e, OK);
	ck_assert_int_eq(s.w.source, WINDOW_LUT);
	for (unsigned i = 0; i < 5; i++)
		ck_assert_uint_eq(shade(&s, i), want[i]);
	strip_free(&s);
}
END_TEST

/* Where no VR says whether the first value that a VOI LUT maps is signed (PS3.3 C.11.2.1.1): it is
 * where the values that go in can be below zero.  The table maps -2, or 65534. */
static const struct {
	const char *name, *intercept;
	uint16_t is_signed;
	bool below_zero;
} firsts[] = {
	{"unsigned", NULL, 0, false},
	{"signed", NULL, 1, true},
	{"unsigned, made negative", "-1000", 0, true},
	{"unsigned, made larger", "1000", 0, false},
};

START_TEST(test_voi_lut_first)
{
	static const uint8_t table[] = {0, 0, 0xFF, 0x0F}; /* 0, 4095: 12 bits */
	static const uint16_t pixels[2] = {0, 0};
	struct layout l = CT;
	struct strip s;

	l.is_signed = firsts[_i].is_signed;
	strip_begin_as(&s, &syntax_implicit_le, l, 2);
	if (firsts[_i].intercept != NULL)
		build_str(&s.b, TAG_RescaleIntercept, VR_DS, firsts[_i].intercept);
	table_item(&s.b, TAG_VOILUTSequence, 2, -2, 12, table, sizeof(table));
	strip_end(&s, pixels, sizeof(pixels));
	ck_assert_int_eq(s.e, OK);
	ck_assert_int_eq(s.w.source, WINDOW_LUT);
	ck_assert_int_eq(s.w.voi.first, firsts[_i].below_zero ? -2 : 65534);
	/* 0 lies behind the two entries that begin at -2, and before those that begin at 65534 */
	if (firsts[_i].intercept == NULL)
		ck_assert_uint_eq(shade(&s, 0), firsts[_i].below_zero ? 255 : 0);
	strip_free(&s);
}
END_TEST

/* Too short, of entries too wide, of no bits: the window is taken. */
START_TEST(test_voi_lut_senseless)
{
	static const struct {
		uint16_t count, bits;
		size_t len;
	} tables[] = {{3, 8, 2}, {3, 17, 6}, {3, 0, 6}};
	static const uint8_t table[6] = {0, 1};
	static const int16_t pixels[] = {-300, 300};
	struct strip s;

	strip_begin(&s, CT, 2);
	build_str(&s.b, TAG_WindowCenter, VR_DS, "0");
	build_str(&s.b, TAG_WindowWidth, VR_DS, "100");
	table_item(&s.b, TAG_VOILUTSequence, tables[_i].count, 0, tables[_i].bits, table,
		   tables[_i].len);
	strip_end(&s, pixels, sizeof(pixels));
	ck_assert_int_eq(s.e, OK);
	ck_assert_int_eq(s.w.source, WINDOW_VALUES);
	ck_assert(shade(&s, 0) == 0 && shade(&s, 1) == 255);
	strip_free(&s);
}
END_TEST

START_TEST(test_modality_lut)
{
	static const uint8_t table[] = {0, 50, 100, 50}; /* 8 bits, in bytes */
	static const uint8_t pixels[] = {9, 10, 11, 12, 13, 200};
	static const unsigned want[] = {0, 0, 128, 255, 128, 128};
	static const struct layout l = {8, 8, 7, 0, 1, "MONOCHROME2", 0};
	struct strip s;

	strip_begin(&s, l, 6);
	build_str(&s.b, TAG_WindowCenter, VR_DS, "50");
	build_str(&s.b, TAG_WindowWidth, VR_DS, "100");
	build_str(&s.b, TAG_VOILUTFunction, VR_CS, "LINEAR_EXACT");
	table_item(&s.b, TAG_ModalityLUTSequence, 4, 10, 8, table, sizeof(table));
	strip_end(&s, pixels, sizeof(pixels));
	ck_assert_int_eq(s.e, OK);
	for (unsigned i = 0; i < 6; i++)
		ck_assert_uint_eq(shade(&s, i), want[i]);
	strip_free(&s);

	strip_begin(&s, l, 6); /* without a table's data the units are not known */
	table_item(&s.b, TAG_ModalityLUTSequence, 400, 10, 8, table, sizeof(table));
	strip_end(&s, pixels, sizeof(pixels));
	ck_assert_int_eq(s.e, ERR_UNUSABLE);
	ck_assert_uint_eq(s.f.tag, TAG_ModalityLUTSequence);
	strip_free(&s);
}
END_TEST

/* ---- Colour ---- */

static const struct {
	const char *name;
	struct layout l;
	uint8_t pixels[12];
	size_t len;
	uint8_t want[6]; /* two pixels */
	unsigned slack;
} colors[] = {
	{"RGB", {8, 8, 7, 0, 3, "RGB", 0}, {1, 2, 3, 4, 5, 6}, 6, {1, 2, 3, 4, 5, 6}, 0},
	{"by plane", {8, 8, 7, 0, 3, "RGB", 1}, {1, 4, 2, 5, 3, 6}, 6, {1, 2, 3, 4, 5, 6}, 0},
	{"16 bits",
	 {16, 16, 15, 0, 3, "RGB", 0},
	 {255, 1, 0, 2, 9, 3, 0, 4, 0, 5, 0, 255},
	 12,
	 {1, 2, 3, 4, 5, 255},
	 0},
	{"YBR_FULL",
	 {8, 8, 7, 0, 3, "YBR_FULL", 0},
	 {76, 85, 255, 128, 128, 128},
	 6,
	 {254, 0, 0, 128, 128, 128},
	 1},
	{"YBR_FULL_422",
	 {8, 8, 7, 0, 3, "YBR_FULL_422", 0},
	 {76, 128, 85, 255},
	 4,
	 {254, 0, 0, 255, 53, 52},
	 1},
};

START_TEST(test_color)
{
	struct strip s;

	strip_begin(&s, colors[_i].l, 2);
	build_str(&s.b, TAG_WindowCenter, VR_DS, "1"); /* means nothing here */
	build_str(&s.b, TAG_WindowWidth, VR_DS, "1");
	strip_end(&s, colors[_i].pixels, colors[_i].len);
	ck_assert_int_eq(s.e, OK);
	ck_assert_int_eq(s.w.source, WINDOW_COLOR);
	for (unsigned i = 0; i < 6; i++)
		ck_assert_msg((unsigned)abs(s.rgb[i] - colors[_i].want[i]) <= colors[_i].slack,
			      "sample %u: %u", i, s.rgb[i]);
	strip_free(&s);
}
END_TEST

START_TEST(test_palette)
{
	static const struct layout l = {8, 8, 7, 0, 1, "PALETTE COLOR", 0};
	static const uint16_t descriptor[3] = {2, 5, 16};
	static const uint8_t red[] = {0, 10, 0, 200}, small[] = {10, 0, 200, 0};
	static const uint8_t to_255[] = {10, 0, 255, 0};
	static const uint8_t pixels[] = {4, 5, 6, 7};
	struct strip s;

	for (int eight = 0; eight < 3; eight++) { /* 8 bits that are said to be 16 */
		unsigned last = eight == 2 ? 255 : 200;

		strip_begin(&s, l, 4);
		for (uint32_t i = 0; i < 3; i++)
			build_u16(&s.b, TAG_RedPaletteColorLookupTableDescriptor + i, VR_US,
				  descriptor, 3);
		for (uint32_t i = 0; i < 3; i++)
			build_bytes(&s.b, TAG_RedPaletteColorLookupTableData + i, VR_OW,
				    bytes_of(eight == 2   ? to_255
					     : eight == 1 ? small
							  : red,
					     4));
		strip_end(&s, pixels, 4);
		ck_assert_int_eq(s.e, OK);
		ck_assert(shade(&s, 0) == 10 && shade(&s, 1) == 10);
		ck_assert(shade(&s, 2) == last && shade(&s, 3) == last);
		strip_free(&s);
	}
	strip_begin(&s, l, 4);
	strip_end(&s, pixels, 4);
	ck_assert_int_eq(s.e, ERR_UNSUPPORTED);
	strip_free(&s);
}
END_TEST

/* Every cap of the arena: ERR_NOMEM, or the whole. */
START_TEST(test_memory)
{
	static const int16_t pixels[4] = {1, 2, 3, 4};
	struct strip s;
	bool done = false;

	strip_begin(&s, CT, 4);
	strip_end(&s, pixels, sizeof(pixels));
	for (size_t cap = 1024; !done; cap += 16384) {
		struct arena a;
		struct window w;

		ck_assert_int_eq(arena_open(&a, cap, NULL), OK);
		enum err e = window_open(&w, &s.n, &s.d, &a, NULL);
		ck_assert(e == OK || e == ERR_NOMEM);
		done = e == OK;
		ck_assert_uint_lt(cap, 1u << 20);
		arena_close(&a);
	}
	strip_free(&s);
}
END_TEST

Suite *suite_window(void)
{
	Suite *s = suite_create("window");
	TCase *t = tcase_create("window");

	tcase_add_loop_test(t, test_window, 0, (int)(sizeof(windows) / sizeof(windows[0])));
	tcase_add_loop_test(t, test_grey, 0, (int)(sizeof(greys) / sizeof(greys[0])));
	tcase_add_test(t, test_one_bit);
	tcase_add_test(t, test_percentiles);
	tcase_add_test(t, test_padding_is_black);
	tcase_add_test(t, test_flat);
	tcase_add_test(t, test_voi_lut);
	tcase_add_loop_test(t, test_voi_lut_first, 0, (int)(sizeof(firsts) / sizeof(firsts[0])));
	tcase_add_loop_test(t, test_voi_lut_senseless, 0, 3);
	tcase_add_test(t, test_modality_lut);
	tcase_add_loop_test(t, test_color, 0, (int)(sizeof(colors) / sizeof(colors[0])));
	tcase_add_test(t, test_palette);
	tcase_add_test(t, test_memory);
	suite_add_tcase(s, t);
	return s;
}
