/*
 * JPEG-LS: what an encoder written apart from the decoder makes (support/jpeg_make) comes back, in
 * every form; what is damaged is refused, and never read past its end (support/jpeg_check). Streams
 * of others: tests/e2e/decode.py.
 */
#include <check.h>
#include <stdlib.h>

#include "dicom/jpegls.h"
#include "dicom/jpegls_scan.h"
#include "support/jpeg_check.h"

Suite *suite_jpegls(void);

static const struct jpeg_form forms[] = {
	{"8 bits", {JPEG_OF(13, 17, 1, 8, 0)}},
	{"2 bits", {JPEG_OF(13, 17, 1, 2, 0)}},
	{"3 bits", {JPEG_OF(13, 17, 1, 3, 0)}},
	{"7 bits", {JPEG_OF(9, 64, 1, 7, 0)}},
	{"9 bits", {JPEG_OF(9, 64, 1, 9, 0)}},
	{"12 bits", {JPEG_OF(40, 33, 1, 12, 0)}},
	{"16 bits", {JPEG_OF(40, 33, 1, 16, 0)}},
	{"one sample", {JPEG_OF(1, 1, 1, 16, 0)}},
	{"one line", {JPEG_OF(1, 3000, 1, 12, 0)}},
	{"one column", {JPEG_OF(300, 1, 1, 12, 0)}},
	{"long runs", {JPEG_OF(3, 65535, 1, 8, 0)}},
	{"colors by line", {JPEG_OF(21, 18, 3, 8, 0)}},
	{"colors by sample", {JPEG_OF(21, 18, 3, 8, 0), .by_sample = true}},
	{"colors apart", {JPEG_OF(21, 18, 3, 8, 0), .apart = true}},
	{"16-bit colors by sample", {JPEG_OF(21, 18, 3, 16, 0), .by_sample = true}},
	{"near 1", {JPEG_OF(30, 31, 1, 8, 0), .near = 1}},
	{"near 3 of 4 bits", {JPEG_OF(30, 31, 1, 4, 0), .near = 3}},
	{"near 10 of 16 bits", {JPEG_OF(30, 31, 1, 16, 0), .near = 10}},
	{"near 255 of 16 bits", {JPEG_OF(30, 31, 1, 16, 0), .near = 255}},
	{"near 2, colors by line", {JPEG_OF(30, 31, 3, 8, 0), .near = 2}},
	{"near 2, colors by sample", {JPEG_OF(30, 31, 3, 8, 0), .near = 2, .by_sample = true}},
	{"restart each line", {JPEG_OF(30, 31, 1, 12, 1)}},
	{"restart each 4 lines", {JPEG_OF(70, 9, 1, 12, 4)}},
	{"restart, colors by line", {JPEG_OF(30, 9, 3, 8, 7)}},
	{"restart, colors by sample", {JPEG_OF(30, 9, 3, 8, 7), .by_sample = true}},
	{"restart, colors apart", {JPEG_OF(30, 9, 3, 8, 7), .apart = true}},
	{"thresholds", {JPEG_OF(30, 31, 1, 12, 0), .preset = {0, 9, 20, 90, 0}}},
	{"reset 3", {JPEG_OF(30, 31, 1, 12, 0), .preset = {0, 0, 0, 0, 3}}},
	{"reset 255", {JPEG_OF(60, 61, 1, 8, 0), .preset = {0, 0, 0, 0, 255}}},
	{"largest value 1000", {JPEG_OF(30, 31, 1, 12, 0), .preset = {1000, 0, 0, 0, 0}}},
	{"largest value 1", {JPEG_OF(30, 31, 1, 8, 0), .preset = {1, 0, 0, 0, 0}}},
	{"largest value 2", {JPEG_OF(30, 31, 1, 8, 0), .preset = {2, 0, 0, 0, 0}}},
};

static const struct jpeg_codec codec = {
	jpegls_make, jpegls_decode, {JPEG_OF(SMALL_ROWS, SMALL_COLS, 1, 8, 5)}};

/* The head is: SOI, SOF at 2 (precision at 6, rows 7, columns 9,
 * component at 12), DRI at 15 (interval at 19), SOS at 21 (component at 26, table 27, NEAR 28,
 * interleave 29, point transform 30). */
static const struct jpeg_edit edits[] = {
	{"not SOI", 1, JPEG_BYTE("\xD7"), ERR_WIRE},
	{"baseline", 3, JPEG_BYTE("\xC0"), ERR_UNSUPPORTED},
	{"length of the frame header", 5, JPEG_BYTE("\x0C"), ERR_WIRE},
	{"9 bits", 6, JPEG_BYTE("\x09"), ERR_WIRE},
	{"1 bit", 6, JPEG_BYTE("\x01"), ERR_WIRE},
	{"other component", 26, JPEG_BYTE("\x0B"), ERR_WIRE},
	{"mapping table", 27, JPEG_BYTE("\x01"), ERR_UNSUPPORTED},
	{"too near", 28, JPEG_BYTE("\x80"), ERR_WIRE},
	{"interleave 3", 29, JPEG_BYTE("\x03"), ERR_WIRE},
	{"point transform", 30, JPEG_BYTE("\x01"), ERR_UNSUPPORTED},
	{"another restart interval", 20, JPEG_BYTE("\x04"), ERR_WIRE},
	{"nothing changed", 15, JPEG_ADD(""), OK},
	{"a comment", 15, JPEG_ADD("\xFF\xFE\x00\x04hi"), OK},
	{"a byte of fill", 15, JPEG_ADD("\xFF"), OK},
	{"a restart marker that is left over", 15, JPEG_ADD("\xFF\xD3"), OK},
	{"frame header of a byte more", 5,
	 JPEG_PUT(10, "\x0C\x08\x00\x0C\x00\x0F\x01\x0A\x11\x00\x00"), ERR_WIRE},
	{"height later", 8, JPEG_BYTE("\x00"), ERR_UNSUPPORTED},
	{"frame header twice", 15, JPEG_ADD("\xFF\xF7\x00\x0B\x08\x00\x0C\x00\x0F\x01\x0A\x11\x00"),
	 ERR_WIRE},
	{"no frame header", 2, JPEG_PUT(13, ""), ERR_WIRE},
	{"an early end", 15, JPEG_ADD("\xFF\xD9"), ERR_WIRE},
	{"no restart interval", 15, JPEG_PUT(6, ""), ERR_WIRE},
	{"restart interval of a byte", 18, JPEG_PUT(3, "\x03\x05"), ERR_WIRE},
	{"fill before a restart marker", JPEG_AT_RESTART, JPEG_ADD("\xFF\xFF"), OK},
	{"another restart marker", JPEG_AT_RESTART, JPEG_PUT(2, "\xFF\xD1"), ERR_WIRE},
	{"no restart marker", JPEG_AT_RESTART, JPEG_PUT(2, ""), ERR_WIRE},
	{"scan of no component", 25, JPEG_BYTE("\x00"), ERR_WIRE},
	{"length of the scan header", 24, JPEG_PUT(1, "\x09"), ERR_WIRE},
	{"colour transform", 15, JPEG_ADD("\xFF\xE8\x00\x07mrfx\x01"), ERR_UNSUPPORTED},
	{"no colour transform", 15, JPEG_ADD("\xFF\xE8\x00\x07mrfx\x00"), OK},
	{"half a colour transform", 15, JPEG_ADD("\xFF\xE8\x00\x06mrfx"), OK},
	{"application data", 15, JPEG_ADD("\xFF\xE8\x00\x07mrfy\x01"), OK},
	{"application data of others", 15, JPEG_ADD("\xFF\xE7\x00\x07mrfx\x01"), OK},
	{"defaults in words", 15, JPEG_ADD("\xFF\xF8\x00\x0D\x01\0\xFF\0\x03\0\x07\0\x15\0\x40"),
	 OK},
	{"parameters cut short", 15, JPEG_ADD("\xFF\xF8\x00\x0C\x01\0\xFF\0\x03\0\x07\0\x15\0"),
	 ERR_WIRE},
	{"parameters too many", 15,
	 JPEG_ADD("\xFF\xF8\x00\x0E\x01\0\xFF\0\x03\0\x07\0\x15\0\x40\0"), ERR_WIRE},
	{"mapping table that nobody wants", 15, JPEG_ADD("\xFF\xF8\x00\x05\x02\x01\x01"), OK},
	{"more of it", 15, JPEG_ADD("\xFF\xF8\x00\x05\x03\x01\x01"), OK},
	{"parameters of another kind", 15, JPEG_ADD("\xFF\xF8\x00\x05\x04\x01\x01"),
	 ERR_UNSUPPORTED},
	{"MAXVAL beyond the precision", 15,
	 JPEG_ADD("\xFF\xF8\x00\x0D\x01\x01\0\0\x03\0\x07\0\x15\0\x40"), ERR_WIRE},
	{"T2 below T1", 15, JPEG_ADD("\xFF\xF8\x00\x0D\x01\0\0\0\x08\0\x07\0\x15\0\x40"), ERR_WIRE},
	{"T3 below T2", 15, JPEG_ADD("\xFF\xF8\x00\x0D\x01\0\0\0\x03\0\x16\0\x15\0\x40"), ERR_WIRE},
	{"T3 beyond MAXVAL", 15, JPEG_ADD("\xFF\xF8\x00\x0D\x01\0\0\0\x03\0\x07\x01\0\0\x40"),
	 ERR_WIRE},
	{"RESET 2", 15, JPEG_ADD("\xFF\xF8\x00\x0D\x01\0\0\0\x03\0\x07\0\x15\0\x02"), ERR_WIRE},
	{"restart interval of 3 bytes", 18, JPEG_PUT(3, "\x05\0\0\x05"), OK},
	{"restart interval of 4 bytes", 18, JPEG_PUT(3, "\x06\0\0\0\x05"), OK},
	{"restart interval of 5 bytes", 18, JPEG_PUT(3, "\x07\0\0\0\0\x05"), ERR_WIRE},
};

/* Of three components, the second one's sampling is at 16, the third one's at 19; in the scan they
 * are at 32, 34 and 36. */
static const struct jpeg_codec in_color = {
	jpegls_make, jpegls_decode, {JPEG_OF(SMALL_ROWS, SMALL_COLS, 3, 8, 5), .by_sample = true}};

static const struct jpeg_edit color_edits[] = {
	{"nothing changed", 21, JPEG_ADD(""), OK},
	{"half the rows", 16, JPEG_BYTE("\x12"), ERR_UNSUPPORTED},
	{"half the columns", 19, JPEG_BYTE("\x21"), ERR_UNSUPPORTED},
	{"a component twice", 34, JPEG_BYTE("\x0A"), ERR_WIRE},
	{"two components of three", 30, JPEG_PUT(8, "\x0A\x02\x0A\0\x0B\0"), ERR_WIRE},
	{"one after the other", 39, JPEG_BYTE("\0"), ERR_WIRE},
};

#include "support/jpeg_tests.h"

/* C.2.4.1: what parameters there may be, and what they are without being said. */
static const struct {
	const char *name;
	unsigned precision;
	uint32_t preset[5];
	int32_t near;
	bool good;
	int32_t t1, t2, t3, reset; /* of good ones */
	unsigned limit;
} codings[] = {
	{"8 bits", 8, {0}, 0, true, 3, 7, 21, 64, 32},
	{"12 bits", 12, {0}, 0, true, 18, 67, 276, 64, 48},
	{"16 bits", 16, {0}, 0, true, 18, 67, 276, 64, 64},
	{"7 bits", 7, {0}, 0, true, 2, 3, 10, 64, 30},
	{"2 bits", 2, {0}, 0, true, 2, 3, 3, 64, 20},
	{"8 bits, near 3", 8, {0}, 3, true, 12, 22, 42, 64, 32},
	{"near as may be", 8, {0}, 127, true, 128, 128, 128, 64, 32},
	{"too near", 8, {0}, 128, false, 0, 0, 0, 0, 0},
	{"too near for a byte", 16, {0}, 256, false, 0, 0, 0, 0, 0},
	{"all said", 8, {200, 4, 5, 200, 3}, 0, true, 4, 5, 200, 3, 32},
	{"MAXVAL 1", 8, {1}, 0, true, 1, 1, 1, 64, 20},
	{"MAXVAL beyond the bits", 8, {256}, 0, false, 0, 0, 0, 0, 0},
	{"T1 not above NEAR", 8, {0, 3, 0, 0, 0}, 3, false, 0, 0, 0, 0, 0},
	{"T1 above NEAR", 8, {0, 4, 0, 0, 0}, 3, true, 4, 22, 42, 64, 32},
	{"T2 below T1", 8, {0, 8, 7, 0, 0}, 0, false, 0, 0, 0, 0, 0},
	{"T3 below T2", 8, {0, 0, 22, 21, 0}, 0, false, 0, 0, 0, 0, 0},
	{"T3 above MAXVAL", 8, {0, 0, 0, 256, 0}, 0, false, 0, 0, 0, 0, 0},
	{"RESET 2", 8, {0, 0, 0, 0, 2}, 0, false, 0, 0, 0, 0, 0},
	{"RESET 3", 8, {0, 0, 0, 0, 3}, 0, true, 3, 7, 21, 3, 32},
};

START_TEST(test_coding)
{
	struct ls_scan *s = calloc(1, sizeof(*s));

	ck_assert_ptr_nonnull(s);
	bool good = ls_scan_coding(s, codings[_i].precision, codings[_i].preset, codings[_i].near);
	ck_assert_msg(good == codings[_i].good, "%s", codings[_i].name);
	if (good) {
		const struct ls_coding *k = &s->k;

		ck_assert_msg(k->t1 == codings[_i].t1 && k->t2 == codings[_i].t2 &&
				      k->t3 == codings[_i].t3 && k->reset == codings[_i].reset &&
				      k->limit == codings[_i].limit,
			      "%s: %d %d %d, %d, %u", codings[_i].name, k->t1, k->t2, k->t3,
			      k->reset, k->limit);
	}
	free(s);
}
END_TEST

Suite *suite_jpegls(void)
{
	Suite *s = suite_create("jpegls");
	TCase *t = tcase_create("jpegls");

	add_jpeg_tests(t);
	tcase_add_loop_test(t, test_coding, 0, sizeof(codings) / sizeof(codings[0]));
	suite_add_tcase(s, t);
	return s;
}
