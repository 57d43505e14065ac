/*
 * JPEG Lossless: what an encoder written apart from the decoder makes (support/jpeg_make) comes
 * back, in every form; what is damaged is refused, and never read past its end
 * (support/jpeg_check).  Streams of others: tests/e2e/decode.py.
 */
#include <check.h>

#include "dicom/jpegll.h"
#include "support/jpeg_check.h"

Suite *suite_jpegll(void);

static const struct jpeg_form forms[] = {
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

static enum err decode(struct bytes stream, const struct frame *frame, uint8_t *to, unsigned *near,
		       struct fault *f)
{
	*near = 0;
	return jpegll_decode(stream, frame, to, f);
}

#define ZEROS_16 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define ZEROS_64 ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16
#define ZEROS_256 ZEROS_64 ZEROS_64 ZEROS_64 ZEROS_64

static const struct jpeg_codec codec = {
	jpegll_make, decode, {JPEG_OF(SMALL_ROWS, SMALL_COLS, 1, 8, 5), .predictor = 4}};

/* The head is: SOI, SOF at 2 (precision at 6, rows 7, columns 9,
 * component at 12), DRI at 15 (interval at 19), DHT at 21 (class and place at 25, counts 26, values
 * 42), SOS at 59 (component at 64, table 65, predictor 66, point transform 68). */
static const struct jpeg_edit edits[] = {
	{"not SOI", 1, JPEG_BYTE("\xD7"), ERR_WIRE},
	{"baseline", 3, JPEG_BYTE("\xC0"), ERR_UNSUPPORTED},
	{"length of the frame header", 5, JPEG_BYTE("\x0C"), ERR_WIRE},
	{"9 bits", 6, JPEG_BYTE("\x09"), ERR_WIRE},
	{"1 bit", 6, JPEG_BYTE("\x01"), ERR_WIRE},
	{"height later", 8, JPEG_BYTE("\x00"), ERR_UNSUPPORTED},
	{"within a line", 20, JPEG_BYTE("\x0E"), ERR_WIRE},
	{"another restart interval", 20, JPEG_BYTE("\x3C"), ERR_WIRE},
	{"table of AC", 25, JPEG_BYTE("\x10"), ERR_WIRE},
	{"too many codes of a bit", 26, JPEG_BYTE("\x03"), ERR_WIRE},
	{"17 bits", 58, JPEG_BYTE("\x11"), ERR_WIRE},
	{"other component", 64, JPEG_BYTE("\x0B"), ERR_WIRE},
	{"other table", 65, JPEG_BYTE("\x10"), ERR_WIRE},
	{"no table", 65, JPEG_BYTE("\x70"), ERR_WIRE},
	{"predictor 0", 66, JPEG_BYTE("\x00"), ERR_WIRE},
	{"predictor 8", 66, JPEG_BYTE("\x08"), ERR_WIRE},
	{"point transform", 68, JPEG_BYTE("\x08"), ERR_WIRE},
	{"nothing changed", 15, JPEG_ADD(""), OK},
	{"a comment", 15, JPEG_ADD("\xFF\xFE\x00\x04hi"), OK},
	{"a byte of fill", 15, JPEG_ADD("\xFF"), OK},
	{"a restart marker that is left over", 15, JPEG_ADD("\xFF\xD3"), OK},
	{"frame header of a byte more", 5,
	 JPEG_PUT(10, "\x0C\x08\x00\x0C\x00\x0F\x01\x0A\x11\x00\x00"), ERR_WIRE},
	{"frame header twice", 15, JPEG_ADD("\xFF\xC3\x00\x0B\x08\x00\x0C\x00\x0F\x01\x0A\x11\x00"),
	 ERR_WIRE},
	{"no frame header", 2, JPEG_PUT(13, ""), ERR_WIRE},
	{"an early end", 15, JPEG_ADD("\xFF\xD9"), ERR_WIRE},
	{"no restart interval", 15, JPEG_PUT(6, ""), ERR_WIRE},
	{"restart interval of a byte", 18, JPEG_PUT(3, "\x03\x05"), ERR_WIRE},
	{"fill before a restart marker", JPEG_AT_RESTART, JPEG_ADD("\xFF\xFF"), OK},
	{"another restart marker", JPEG_AT_RESTART, JPEG_PUT(2, "\xFF\xD1"), ERR_WIRE},
	{"no restart marker", JPEG_AT_RESTART, JPEG_PUT(2, ""), ERR_WIRE},
	{"scan of no component", 63, JPEG_BYTE("\x00"), ERR_WIRE},
	{"length of the scan header", 62, JPEG_PUT(1, "\x09"), ERR_WIRE},
	{"restart interval of 3 bytes", 18, JPEG_PUT(3, "\x05\0\0\x4B"), ERR_WIRE},
	{"a table for nobody", 21,
	 JPEG_ADD("\xFF\xC4\x00\x14\x03\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x05"), OK},
	{"the last place for a table", 21,
	 JPEG_ADD("\xFF\xC4\x00\x14\x04\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x05"), ERR_WIRE},
	{"two codes of a bit", 21,
	 JPEG_ADD("\xFF\xC4\x00\x15\x03"
		  "\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		  "\1\2"),
	 OK},
	{"three codes of a bit", 21,
	 JPEG_ADD("\xFF\xC4\x00\x16\x03"
		  "\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		  "\1\2\3"),
	 ERR_WIRE},
	{"256 codes", 21,
	 JPEG_ADD("\xFF\xC4\x01\x13\x03"
		  "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\xFF" ZEROS_256),
	 OK},
	{"257 codes", 21,
	 JPEG_ADD("\xFF\xC4\x01\x14\x03"
		  "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\xFF" ZEROS_256
		  "\0"),
	 ERR_WIRE},
	{"restart interval of lines and a sample", 20, JPEG_BYTE("\x4C"), ERR_WIRE},
	{"a table without codes", 21,
	 JPEG_ADD("\xFF\xC4\x00\x13\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), ERR_WIRE},
	{"a table cut short", 21,
	 JPEG_ADD("\xFF\xC4\x00\x13\x03\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), ERR_WIRE},
	{"predictor 1", 66, JPEG_BYTE("\x01"), OK},
	{"predictor 7", 66, JPEG_BYTE("\x07"), OK},
	{"all but a bit are shifted out", 68, JPEG_BYTE("\x07"), OK},
	{"no codes but short ones", 21,
	 JPEG_PUT(38, "\xFF\xC4\x00\x14\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x05"), ERR_WIRE},
};

/* Of three components, the second one's sampling is at 16, the third one's at 19; in the scan they
 * are at 70, 72 and 74. */
static const struct jpeg_codec in_color = {
	jpegll_make, decode, {JPEG_OF(SMALL_ROWS, SMALL_COLS, 3, 8, 5), .predictor = 4}};

static const struct jpeg_edit color_edits[] = {
	{"nothing changed", 21, JPEG_ADD(""), OK},
	{"half the rows", 16, JPEG_BYTE("\x12"), ERR_UNSUPPORTED},
	{"half the columns", 19, JPEG_BYTE("\x21"), ERR_UNSUPPORTED},
	{"a component twice", 72, JPEG_BYTE("\x0A"), ERR_WIRE},
	{"two components of three", 68, JPEG_PUT(8, "\x0A\x02\x0A\0\x0B\0"), ERR_WIRE},
};

#include "support/jpeg_tests.h"

Suite *suite_jpegll(void)
{
	Suite *s = suite_create("jpegll");
	TCase *t = tcase_create("jpegll");

	add_jpeg_tests(t);
	suite_add_tcase(s, t);
	return s;
}
