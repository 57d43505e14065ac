/*
 * Which fragments are which frame, where a fault in one of them lies, and frames that are not
 * alike.
 */
#include <check.h>

#include "image/fragments.h"
#include "support/encapsulated.h"
#include "support/jpeg_make.h"

Suite *suite_fragments(void);

static const struct {
	const char *name;
	uint32_t frames;
	uint16_t lens[12]; /* of fragments; frame after frame, 66 bytes each */
	uint32_t table[5]; /* basic offset table */
	unsigned entries;  /* of it */
	uint64_t extended[5];
	unsigned extended_entries;
	enum err want;
} divisions[] = {
	{"one", 1, {66}, {0}, 0, {0}, 0, OK},
	{"one, with a table", 1, {66}, {0}, 1, {0}, 0, OK},
	{"one in three", 1, {2, 62, 2}, {0}, 0, {0}, 0, OK},
	{"one in 8, table is wrong", 1, {8, 8, 8, 8, 8, 8, 8, 10}, {77}, 1, {0}, 0, OK},
	{"three", 3, {66, 66, 66}, {0}, 0, {0}, 0, OK},
	{"three, table is wrong", 3, {66, 66, 66}, {0, 1, 2}, 3, {0}, 0, OK},
	{"three in five", 3, {66, 64, 2, 2, 64}, {0, 74, 156}, 3, {0}, 0, OK},
	{"three in five, extended", 3, {66, 64, 2, 2, 64}, {0}, 0, {0, 74, 156}, 3, OK},
	{"three in five, no table", 3, {66, 64, 2, 2, 64}, {0}, 0, {0}, 0, ERR_WIRE},
	{"three in five, table of two", 3, {66, 64, 2, 2, 64}, {0, 74}, 2, {0}, 0, ERR_WIRE},
	{"not at a fragment", 3, {66, 64, 2, 2, 64}, {0, 74, 155}, 3, {0}, 0, ERR_WIRE},
	{"behind the end", 3, {66, 64, 2, 2, 64}, {0, 74, 999}, 3, {0}, 0, ERR_WIRE},
	{"not from the first", 2, {2, 66, 66}, {10, 84}, 2, {0}, 0, ERR_WIRE},
	{"twice the same", 3, {66, 64, 2, 2, 64}, {0, 74, 74}, 3, {0}, 0, ERR_WIRE},
	{"out of order", 3, {66, 64, 2, 2, 64}, {0, 156, 74}, 3, {0}, 0, ERR_WIRE},
	{"fewer than frames", 3, {66, 66}, {0}, 0, {0}, 0, ERR_WIRE},
	{"none", 1, {0}, {0}, 0, {0}, 0, ERR_WIRE},
	{"one is empty", 2, {66, 2, 64}, {0, 74}, 2, {0}, 0, OK},
};

static void put_divided(struct source *s, size_t row)
{
	struct buf whole = BUF_INIT(4096);
	uint8_t entry[8];
	size_t at = 0;

	for (unsigned i = 0; i < 4; i++)
		buf_add(&whole, rle_pixel((uint8_t)('a' + i)));
	if (divisions[row].extended_entries > 0) {
		struct buf table = BUF_INIT(64);

		for (unsigned i = 0; i < divisions[row].extended_entries; i++) {
			put_u32le(entry, (uint32_t)divisions[row].extended[i]);
			put_u32le(entry + 4, (uint32_t)(divisions[row].extended[i] >> 32));
			buf_add(&table, bytes_of(entry, 8));
		}
		build_bytes(&s->b, TAG_ExtendedOffsetTable, VR_OV, buf_bytes(&table));
		buf_free(&table);
	}
	pixels_begin(s);
	item(s, 0xE000, 4 * divisions[row].entries);
	for (unsigned i = 0; i < divisions[row].entries; i++) {
		put_u32le(entry, divisions[row].table[i]);
		buf_add(&s->b.out, bytes_of(entry, 4));
	}
	for (unsigned i = 0; divisions[row].lens[i] != 0; i++) {
		fragment(s, bytes_slice(buf_bytes(&whole), at, divisions[row].lens[i]));
		at += divisions[row].lens[i];
	}
	buf_free(&whole);
}

START_TEST(test_division)
{
	struct shape o = {1, 1, 1, 8, 8, 0, 0, "MONOCHROME2", divisions[_i].frames};
	static const uint32_t ends[] = {0, TAG_PixelData, TAG_ExtendedOffsetTable,
					TAG_PixelRepresentation + 1};

	for (size_t k = 0; k < 4; k++) {
		struct source s;

		source_begin(&s, RLE, &o);
		put_divided(&s, (size_t)_i);
		ck_assert_msg(source_open(&s, ends[k]) == divisions[_i].want, "%s", s.f.text);
		if (divisions[_i].want == OK) {
			ck_assert(s.n.decoded && !s.n.lossy);
			ck_assert_uint_eq(s.n.data.len, divisions[_i].frames);
			for (uint32_t i = 0; i < divisions[_i].frames; i++)
				ck_assert_uint_eq(s.n.data.at[i], 'a' + i);
		}
		source_free(&s);
	}
}
END_TEST

/* Frames that begin as JPEG does need no table; one that is for fewer frames is none, and one that
 * is not right is not passed over. */
#define LIT(s)                                         \
	{                                              \
		(const uint8_t *)("" s), sizeof(s) - 1 \
	}
static const struct {
	struct bytes basic, extended;
	enum err want;
} tables[] = {
	{LIT(""), LIT(""), OK},
	{LIT("\0\0\0\0"), LIT(""), OK},
	{LIT("\0\0\0\0\x64\0\0\0"), LIT(""), ERR_WIRE},
	{LIT(""), LIT("\0\0\0\0\0\0\0\0\x64\0\0\0\0\0\0\0"), ERR_WIRE},
};

START_TEST(test_division_by_looks)
{
	struct shape o = {4, 5, 1, 8, 8, 0, 0, "MONOCHROME2", 2};
	struct jpeg_make m = {JPEG_OF(4, 5, 1, 8, 0), .predictor = 1};
	uint16_t pixels[2][20];
	struct buf stream = BUF_INIT(4096);
	struct source s;

	source_begin(&s, LOSSLESS, &o);
	if (tables[_i].extended.len > 0)
		build_bytes(&s.b, TAG_ExtendedOffsetTable, VR_OV, tables[_i].extended);
	pixels_begin(&s);
	fragment(&s, tables[_i].basic);
	for (unsigned k = 0; k < 2; k++) {
		for (unsigned i = 0; i < 20; i++)
			pixels[k][i] = (uint16_t)(i * 11 + k * 3);
		buf_free(&stream);
		jpegll_make(&stream, &m, pixels[k]);
		fragment(&s, bytes_slice(buf_bytes(&stream), 0, 40));
		fragment(&s, bytes_slice(buf_bytes(&stream), 40, stream.len - 40));
	}
	ck_assert_msg(source_open(&s, 0) == tables[_i].want, "%s", s.f.text);
	for (unsigned i = 0; i < 40 && tables[_i].want == OK; i++)
		ck_assert_uint_eq(s.n.data.at[i], pixels[i / 20][i % 20]);
	source_free(&s);
	buf_free(&stream);
}
END_TEST

/* So do those of JPEG 2000; whether they can be decoded is not asked. */
START_TEST(test_division_of_codestreams)
{
	static const char *const parts[] = {"\xFF\x4F\xFF\x51", "\xFF\x4F\xFE\x51",
					    "\xFF\x4F\xFF\x51", "abcd"};
	struct shape o = {1, 1, 1, 8, 8, 0, 0, "MONOCHROME2", 2};
	struct fragments frames;
	struct bytes frame;
	struct source s;

	source_begin(&s, "1.2.840.10008.1.2.4.90", &o);
	pixels_begin(&s);
	item(&s, 0xE000, 0);
	for (unsigned i = 0; i < 4; i++)
		fragment(&s, bytes_of(parts[i], 4));
	ck_assert_int_ne(source_open(&s, 0), OK);
	ck_assert_int_eq(fragments_open(&frames, &s.d, 2, NULL), OK);
	ck_assert_int_eq(fragments_frame(&frames, 0, &frame, NULL), OK);
	ck_assert(bytes_eq(frame, BYTES_LIT("\xFF\x4F\xFF\x51\xFF\x4F\xFE\x51")));
	ck_assert_int_eq(fragments_frame(&frames, 1, &frame, NULL), OK);
	ck_assert(bytes_eq(frame, BYTES_LIT("\xFF\x4F\xFF\x51"
					    "abcd")));
	fragments_close(&frames);
	source_free(&s);
}
END_TEST

/* Two frames are where the table says, or begin as JPEG does, but there is something before them.
 */
START_TEST(test_not_from_the_first)
{
	struct shape o = {1, 1, 1, 8, 8, 0, 0, "MONOCHROME2", 2};
	struct jpeg_make m = {JPEG_OF(1, 1, 1, 8, 0), .predictor = 1};
	struct buf stream = BUF_INIT(4096);
	struct source s;

	source_begin(&s, RLE, &o);
	pixels_begin(&s);
	item(&s, 0xE000, 8);
	buf_add(&s.b.out, BYTES_LIT("\x0A\0\0\0\x54\0\0\0"));
	fragment(&s, BYTES_LIT("xx"));
	fragment(&s, rle_pixel('a'));
	fragment(&s, rle_pixel('b'));
	ck_assert_int_eq(source_open(&s, 0), ERR_WIRE);
	source_free(&s);

	jpegll_make(&stream, &m, &(uint16_t){7});
	source_begin(&s, LOSSLESS, &o);
	pixels_begin(&s);
	item(&s, 0xE000, 0);
	fragment(&s, BYTES_LIT("xx"));
	fragment(&s, buf_bytes(&stream));
	fragment(&s, buf_bytes(&stream));
	ck_assert_int_eq(source_open(&s, 0), ERR_WIRE);
	source_free(&s);
	buf_free(&stream);
}
END_TEST

/* A fault in a frame of several fragments is told where it lies in the data set. */
START_TEST(test_place)
{
	struct shape o = {1, 9, 1, 8, 8, 0, 0, "MONOCHROME2", 1};
	struct source s;

	source_begin(&s, RLE, &o);
	pixels_begin(&s);
	item(&s, 0xE000, 0);
	fragment(&s, bytes_slice(rle_pixel('x'), 0, 64));
	size_t second = s.b.out.len + 8;
	fragment(&s, bytes_slice(rle_pixel('x'), 64, 2));
	ck_assert_int_eq(source_open(&s, 0), ERR_WIRE);
	ck_assert_uint_eq(s.f.at, second + 2);
	source_free(&s);

	/* at the first byte of a fragment */
	uint8_t odd[66];
	memcpy(odd, rle_pixel('x').at, sizeof(odd));
	odd[4] = 60; /* the first segment is in the header */
	source_begin(&s, RLE, &o);
	pixels_begin(&s);
	item(&s, 0xE000, 0);
	fragment(&s, bytes_of(odd, 4));
	second = s.b.out.len + 8;
	fragment(&s, bytes_of(odd + 4, sizeof(odd) - 4));
	ck_assert_int_eq(source_open(&s, 0), ERR_WIRE);
	ck_assert_uint_eq(s.f.at, second);
	source_free(&s);
}
END_TEST

/* ---- Two frames ---- */

#define LL                                             \
	{                                              \
		JPEG_OF(3, 5, 1, 8, 0), .predictor = 1 \
	}
#define LS(n)                                       \
	{                                           \
		JPEG_OF(3, 5, 1, 8, 0), .near = (n) \
	}

/* A frame without a predictor is one of JPEG-LS. */
static const struct {
	const char *name;
	struct jpeg_make m[2];
	bool damaged, lossy; /* the second one; any of them */
	enum err want;
} pairs[] = {
	{"alike", {LL, LL}, false, false, OK},
	{"JPEG-LS", {LS(0), LS(0)}, false, false, OK},
	{"the first one near", {LS(2), LS(0)}, false, true, OK},
	{"the second one near", {LS(0), LS(2)}, false, true, OK},
	{"of two processes", {LL, LS(0)}, false, false, ERR_UNSUPPORTED},
	{"and the reverse", {LS(0), LL}, false, false, ERR_UNSUPPORTED},
	{"the second one damaged", {LL, LL}, true, false, ERR_WIRE},
};

/* Frame k of a pair, as a fragment. */
static void put_frame(struct source *s, int pair, unsigned k, const uint16_t *pixels)
{
	const struct jpeg_make *m = &pairs[pair].m[k];
	struct buf stream = BUF_INIT(1u << 16);

	if (m->predictor > 0)
		jpegll_make(&stream, m, pixels);
	else
		jpegls_make(&stream, m, pixels);
	ck_assert(!stream.failed);
	if (k == 1 && pairs[pair].damaged)
		stream.at[5]++; /* the length of the frame header */
	fragment(s, buf_bytes(&stream));
	buf_free(&stream);
}

START_TEST(test_pair)
{
	struct shape o = {3, 5, 1, 8, 8, 0, 0, "MONOCHROME2", 2};
	uint16_t pixels[30];
	struct source s;

	for (unsigned i = 0; i < 30; i++)
		pixels[i] = (uint16_t)(i * 41 % 256);
	source_begin(&s, LOSSLESS, &o);
	pixels_begin(&s);
	item(&s, 0xE000, 0);
	put_frame(&s, _i, 0, pixels);
	size_t second = s.b.out.len;
	put_frame(&s, _i, 1, pixels + 15);
	size_t end = s.b.out.len;
	ck_assert_int_eq(source_open(&s, 0), pairs[_i].want);
	ck_assert_msg(pairs[_i].want == OK || (s.f.at > second && s.f.at < end), "%s: at %zu",
		      pairs[_i].name, (size_t)s.f.at);
	ck_assert(pairs[_i].want != OK || s.n.lossy == pairs[_i].lossy);
	for (unsigned i = 0; i < 30 && pairs[_i].want == OK && !pairs[_i].lossy; i++)
		ck_assert_uint_eq(s.n.data.at[i], pixels[i]);
	source_free(&s);
}
END_TEST

Suite *suite_fragments(void)
{
	Suite *s = suite_create("fragments");
	TCase *t = tcase_create("fragments");

	tcase_add_loop_test(t, test_division, 0, sizeof(divisions) / sizeof(divisions[0]));
	tcase_add_loop_test(t, test_division_by_looks, 0, sizeof(tables) / sizeof(tables[0]));
	tcase_add_test(t, test_division_of_codestreams);
	tcase_add_test(t, test_not_from_the_first);
	tcase_add_test(t, test_place);
	tcase_add_loop_test(t, test_pair, 0, sizeof(pairs) / sizeof(pairs[0]));
	suite_add_tcase(s, t);
	return s;
}
