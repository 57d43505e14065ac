/*
 * Bits of entropy-coded data: what is stuffed is taken out, a marker ends them, and zeros follow.
 */
#include <check.h>
#include <string.h>

#include "dicom/jpeg_bits.h"
#include "support/support.h"

Suite *suite_jpeg_bits(void);

#define DATA(text)                                        \
	{                                                 \
		(const uint8_t *)(text), sizeof(text) - 1 \
	}

static const struct {
	const char *name;
	enum jpeg_stuffing how;
	struct bytes in;
	const char *bits; /* that come out */
	size_t left;      /* bytes that are not data */
} rows[] = {
	{"nothing", JPEG_STUFFS_BYTES, DATA(""), "", 0},
	{"a byte", JPEG_STUFFS_BYTES, DATA("\xA5"), "10100101", 0},
	{"three", JPEG_STUFFS_BYTES, DATA("\x01\x80\xFE"), "000000011000000011111110", 0},
	{"four", JPEG_STUFFS_BYTES, DATA("\x01\x80\xFE\x00"), "00000001100000001111111000000000",
	 0},
	{"FF 00", JPEG_STUFFS_BYTES, DATA("\xFF\x00\x81"), "1111111110000001", 0},
	{"FF 00 last of four", JPEG_STUFFS_BYTES, DATA("\x12\x34\x56\xFF\x00\x81"),
	 "0001001000110100010101101111111110000001", 0},
	{"FF 00 third of four", JPEG_STUFFS_BYTES, DATA("\x12\x34\xFF\x00\x81\x42"),
	 "0001001000110100111111111000000101000010", 0},
	{"FF 00 second of four", JPEG_STUFFS_BYTES, DATA("\x12\xFF\x00\x81\x42"),
	 "00010010111111111000000101000010", 0},
	{"FF 01", JPEG_STUFFS_BYTES, DATA("\x12\xFF\x01\x81\x42"), "00010010", 4},
	{"FF D0", JPEG_STUFFS_BYTES, DATA("\x12\xFF\xD0\x81\x42"), "00010010", 4},
	{"FF at the end", JPEG_STUFFS_BYTES, DATA("\x12\xFF"), "00010010", 1},
	{"a byte, by bits", JPEG_STUFFS_BITS, DATA("\xA5"), "10100101", 0},
	{"FF 00, by bits", JPEG_STUFFS_BITS, DATA("\xFF\x00\x81"), "11111111000000010000001", 0},
	{"FF 7F, by bits", JPEG_STUFFS_BITS, DATA("\xFF\x7F\x81"), "11111111111111110000001", 0},
	{"FF 7F last of four, by bits", JPEG_STUFFS_BITS, DATA("\x12\x34\x56\xFF\x7F\x81"),
	 "00010010001101000101011011111111111111110000001", 0},
	{"FF 80, by bits", JPEG_STUFFS_BITS, DATA("\x12\xFF\x80\x81\x42"), "00010010", 4},
	{"FF D9, by bits", JPEG_STUFFS_BITS, DATA("\x12\xFF\xD9\x81\x42"), "00010010", 4},
	{"FF at the end, by bits", JPEG_STUFFS_BITS, DATA("\x12\xFF"), "00010010", 1},
};

/* `step` bits at once. */
static void check_row(int i, unsigned step)
{
	size_t count = strlen(rows[i].bits), len = rows[i].in.len;
	uint8_t *guarded = guard_copy(rows[i].in.at, len);
	struct jpeg_bits b = jpeg_bits_of(bytes_of(guarded, len));

	for (size_t at = 0; at < count + 3 * step; at += step) {
		jpeg_bits_refill(&b, rows[i].how);
		ck_assert_uint_ge(b.have, 32);
		ck_assert_uint_le(b.have, 64);
		for (unsigned k = 0; k < step; k++) {
			bool want = at + k < count && rows[i].bits[at + k] == '1';

			ck_assert_msg((b.hold >> (63 - k) & 1) == want, "%s: bit %zu", rows[i].name,
				      at + k);
		}
		jpeg_bits_drop(&b, step);
		ck_assert_msg(jpeg_bits_overrun(&b) == (at + step > count), "%s: at bit %zu",
			      rows[i].name, at + step);
	}
	ck_assert_uint_eq((size_t)(b.end - b.at), rows[i].left);
	guard_free(guarded, len);
}

START_TEST(test_bits)
{
	for (unsigned step = 1; step <= 32; step++)
		check_row(_i, step);
}
END_TEST

Suite *suite_jpeg_bits(void)
{
	Suite *s = suite_create("jpeg_bits");
	TCase *t = tcase_create("jpeg_bits");

	tcase_add_loop_test(t, test_bits, 0, sizeof(rows) / sizeof(rows[0]));
	suite_add_tcase(s, t);
	return s;
}
