/*
 * Stored values: out of their cells and back, which there may be, and the smallest and the largest
 * of many, found one by one.
 */
#include <check.h>
#include <stdlib.h>

#include "dicom/build.h"
#include "image/values.h"
#include "support/raster_oracle.h"
#include "support/support.h"

Suite *suite_values(void);

static struct image_format random_format(uint64_t *seed)
{
	static const uint16_t allocated[] = {8, 16, 16, 16, 32};
	struct image_format m = {.bits_allocated = allocated[oracle_between(seed, 0, 4)],
				 .is_signed = oracle_between(seed, 0, 1) == 1};

	m.bits_stored = (uint16_t)oracle_between(seed, 1, m.bits_allocated);
	m.high_bit = (uint16_t)oracle_between(seed, m.bits_stored - 1, m.bits_allocated - 1);
	return m;
}

static void put_cell(const struct image_format *m, uint8_t *data, size_t index, uint32_t cell)
{
	for (unsigned i = 0; i < m->bits_allocated / 8u; i++)
		data[index * (m->bits_allocated / 8u) + i] = (uint8_t)(cell >> 8 * i);
}

/* PS3.5 8.1.1, bit by bit. */
static int64_t slowly(const struct image_format *m, uint32_t cell)
{
	unsigned low = m->high_bit + 1u - m->bits_stored;
	int64_t value = 0;

	for (unsigned i = 0; i < m->bits_stored; i++)
		value += (int64_t)(cell >> (low + i) & 1) << i;
	if (m->is_signed && (cell >> m->high_bit & 1) != 0)
		value -= (int64_t)1 << m->bits_stored;
	return value;
}

/* Samples, of which each is told what it is worth; padding is anything, or nothing. */
START_TEST(test_range)
{
	uint64_t seed = (uint64_t)_i;
	struct image_format m = random_format(&seed);
	size_t count = (size_t)oracle_between(&seed, 1, 3000), len = count * m.bits_allocated / 8;
	struct values all = values_representable(&m), padding = VALUES_NONE, want = VALUES_NONE;
	uint8_t *data = calloc(len, 1);

	ck_assert_ptr_nonnull(data);
	ck_assert_int_eq(all.high - all.low + 1, (int64_t)1 << m.bits_stored);
	ck_assert_int_eq(all.low, m.is_signed ? -((int64_t)1 << (m.bits_stored - 1)) : 0);
	if (_i % 3 > 0) {
		int64_t span = all.high - all.low + 1;
		int64_t a = all.low + (int64_t)(oracle_random(&seed) % (uint64_t)span);
		int64_t b = _i % 3 == 1 ? a : a + oracle_between(&seed, -9, 9);

		padding = a < b ? (struct values){a, b} : (struct values){b, a};
	}
	for (size_t i = 0; i < count; i++) {
		/* few values, so that the padding is often at an end of them */
		int64_t near = padding.low <= padding.high ? padding.low : 0;
		int64_t value = near + oracle_between(&seed, 0, 4);
		uint32_t dirt = (uint32_t)oracle_random(&seed), cell;

		value = value < all.low ? all.low : value > all.high ? all.high : value;
		cell = values_cell(&m, value);
		ck_assert_int_eq(slowly(&m, cell), value);
		/* what is beside the value does not matter */
		for (unsigned bit = 0; bit < m.bits_allocated; bit++)
			if (bit > m.high_bit || bit + m.bits_stored <= m.high_bit)
				cell ^= dirt & 1u << bit;
		put_cell(&m, data, i, cell);
		ck_assert_int_eq(image_value(&m, data, i), value);
		if (!(value >= padding.low && value <= padding.high)) {
			want.low = value < want.low ? value : want.low;
			want.high = value > want.high ? value : want.high;
		}
	}
	uint8_t *guarded = guard_copy(data, len);
	struct values got = values_range(&m, guarded, count, padding);
	ck_assert(got.low > got.high ? want.low > want.high
				     : got.low == want.low && got.high == want.high);
	guard_free(guarded, len);
	free(data);
}
END_TEST

static const struct {
	const char *name;
	bool is_signed;
	int value, limit; /* -1: not there */
	struct values want;
} paddings[] = {
	{"none", false, -1, -1, {INT64_MAX, INT64_MIN}},
	{"a limit of nothing", false, -1, 5, {INT64_MAX, INT64_MIN}},
	{"one", false, 63488, -1, {63488, 63488}},
	{"one, signed", true, 63488, -1, {-2048, -2048}},
	{"a range", false, 10, 20, {10, 20}},
	{"a range, the other way round", false, 20, 10, {10, 20}},
	{"a range, signed", true, 65535, 3, {-1, 3}},
};

START_TEST(test_padding)
{
	struct image_format m = {.is_signed = paddings[_i].is_signed};
	struct build b;
	struct arena a;
	struct dset d;
	struct fault f = {0};

	build_init(&b, &syntax_explicit_le, 4096);
	if (paddings[_i].value >= 0)
		build_u16(&b, TAG_PixelPaddingValue, VR_US,
			  &(uint16_t){(uint16_t)paddings[_i].value}, 1);
	if (paddings[_i].limit >= 0)
		build_u16(&b, TAG_PixelPaddingRangeLimit, VR_US,
			  &(uint16_t){(uint16_t)paddings[_i].limit}, 1);
	ck_assert_int_eq(arena_open(&a, 1u << 16, NULL), OK);
	ck_assert_int_eq(dset_index(&d, buf_bytes(&b.out), b.syntax, 0, &a, &f), OK);
	struct values got = values_padding(&d, &m);
	ck_assert_msg(got.low == paddings[_i].want.low && got.high == paddings[_i].want.high, "%s",
		      paddings[_i].name);
	build_free(&b);
	arena_close(&a);
}
END_TEST

Suite *suite_values(void)
{
	Suite *s = suite_create("values");
	TCase *t = tcase_create("values");

	tcase_add_loop_test(t, test_range, 0, 300);
	tcase_add_loop_test(t, test_padding, 0, sizeof(paddings) / sizeof(paddings[0]));
	suite_add_tcase(s, t);
	return s;
}
