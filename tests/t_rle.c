/*
 * RLE Lossless: what packed bytes say (PS3.5 annex G), and what is refused.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "dicom/rle.h"
#include "support/support.h"

Suite *suite_rle(void);

static const struct {
	const char *name;
	uint32_t cols; /* of one line */
	unsigned samples, bytes;
	const char *segments[6];
	size_t lens[6];
	const char *want;
	enum err e;
	size_t at; /* of the fault */
} rows[] = {
	{"literal", 3, 1, 1, {"\2abc"}, {4}, "abc", OK, 0},
	{"run",
	 4,
	 1,
	 1,
	 {"\xFD"
	  "a"},
	 {2},
	 "aaaa",
	 OK,
	 0},
	{"no operation", 2, 1, 1, {"\x80\1ab"}, {4}, "ab", OK, 0},
	{"several",
	 6,
	 1,
	 1,
	 {"\0a\xFF"
	  "b\2cde"},
	 {8},
	 "abbcde",
	 OK,
	 0},
	{"padded", 3, 1, 1, {"\2abc\0"}, {5}, "abc", OK, 0},
	{"run over the end",
	 3,
	 1,
	 1,
	 {"\x81"
	  "a"},
	 {2},
	 "aaa",
	 OK,
	 0},
	{"literal over the end", 3, 1, 1, {"\4abcde"}, {6}, "abc", OK, 0},
	{"literal over the end, cut", 3, 1, 1, {"\4abc"}, {4}, "abc", OK, 0},
	{"two bytes, high first", 2, 1, 2, {"\1AB", "\1ab"}, {3, 3}, "aAbB", OK, 0},
	{"colors",
	 2,
	 3,
	 1,
	 {"\1rR", "\1gG",
	  "\xFF"
	  "b"},
	 {3, 3, 2},
	 "rgbRGb",
	 OK,
	 0},
	{"four bytes",
	 1,
	 1,
	 4,
	 {"\0"
	  "4",
	  "\0"
	  "3",
	  "\0"
	  "2",
	  "\0"
	  "1"},
	 {2, 2, 2, 2},
	 "1234",
	 OK,
	 0},
	{"colors of two bytes",
	 1,
	 3,
	 2,
	 {"\0R", "\0r", "\0G", "\0g", "\0B", "\0b"},
	 {2, 2, 2, 2, 2, 2},
	 "rRgGbB",
	 OK,
	 0},
	{"nothing", 3, 1, 1, {""}, {0}, NULL, ERR_WIRE, 64},
	{"literal cut short", 3, 1, 1, {"\2ab"}, {3}, NULL, ERR_WIRE, 65},
	{"run cut short", 3, 1, 1, {"\xFE"}, {1}, NULL, ERR_WIRE, 65},
	{"too little", 3, 1, 1, {"\1ab"}, {3}, NULL, ERR_WIRE, 67},
	{"second too little", 2, 1, 2, {"\1AB", "\0a"}, {3, 2}, NULL, ERR_WIRE, 69},
};

static void make(struct buf *out, unsigned count, const char *const *segments, const size_t *lens)
{
	uint8_t header[64] = {0};
	size_t at = sizeof(header);

	put_u32le(header, count);
	for (unsigned i = 0; i < count; i++) {
		put_u32le(header + 4 * (i + 1), (uint32_t)at);
		at += lens[i];
	}
	buf_add(out, bytes_of(header, sizeof(header)));
	for (unsigned i = 0; i < count; i++)
		buf_add(out, bytes_of(segments[i], lens[i]));
}

START_TEST(test_segments)
{
	struct frame frame = {1, rows[_i].cols, rows[_i].samples, rows[_i].bytes};
	size_t len = (size_t)rows[_i].cols * rows[_i].samples * rows[_i].bytes;
	struct buf stream = BUF_INIT(4096);
	struct fault f = {0};

	make(&stream, rows[_i].samples * rows[_i].bytes, rows[_i].segments, rows[_i].lens);
	uint8_t *in = guard_copy(stream.at, stream.len), zeros[64] = {0};
	uint8_t *to = guard_copy(zeros, len);
	ck_assert_int_eq(rle_decode(bytes_of(in, stream.len), &frame, to, &f), rows[_i].e);
	if (rows[_i].e == OK)
		ck_assert_mem_eq(to, rows[_i].want, len);
	else
		ck_assert_uint_eq(f.at, rows[_i].at);
	guard_free(to, len);
	guard_free(in, stream.len);
	buf_free(&stream);
}
END_TEST

static const struct {
	const char *name;
	size_t at;
	uint32_t value;
	enum err want;
} headers[] = {
	{"as it is", 0, 2, OK},
	{"another number of segments", 0, 3, ERR_WIRE},
	{"first in the header", 4, 60, ERR_WIRE},
	{"first at the header's last byte", 4, 63, ERR_WIRE},
	{"first behind the second", 4, 68, ERR_WIRE},
	{"second behind the end", 8, 71, ERR_WIRE},
	{"second at the end", 8, 70, ERR_WIRE},
	{"second far away", 8, UINT32_MAX, ERR_WIRE},
	{"a third offset is not looked at", 12, 5, OK},
};

START_TEST(test_header)
{
	static const char *const segments[] = {"\1AB", "\1ab"};
	static const size_t lens[] = {3, 3};
	struct frame frame = {1, 2, 1, 2};
	struct buf stream = BUF_INIT(4096);
	uint8_t to[4];

	make(&stream, 2, segments, lens);
	put_u32le(stream.at + headers[_i].at, headers[_i].value);
	ck_assert_int_eq(rle_decode(buf_bytes(&stream), &frame, to, NULL), headers[_i].want);
	for (size_t len = 0; len < 64; len++)
		ck_assert_int_eq(rle_decode(bytes_of(stream.at, len), &frame, to, NULL), ERR_WIRE);
	buf_free(&stream);
}
END_TEST

Suite *suite_rle(void)
{
	Suite *s = suite_create("rle");
	TCase *t = tcase_create("rle");

	tcase_add_loop_test(t, test_segments, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_loop_test(t, test_header, 0, sizeof(headers) / sizeof(headers[0]));
	suite_add_tcase(s, t);
	return s;
}
