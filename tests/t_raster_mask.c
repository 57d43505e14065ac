/*
 * Masks as sets of bits, against plain arrays, and their packed form.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "raster/mask.h"
#include "support/mask_check.h"
#include "support/raster_oracle.h"

Suite *suite_raster_mask(void);

static const struct {
	uint32_t cols, rows;
} sizes[] = {{1, 1}, {63, 7}, {64, 33}, {65, 40}, {21, 22}, {130, 9}};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

/* ---- J: packing ---- */

static const struct {
	uint32_t cols, rows;
	size_t len;
} packed[] = {
	{1, 1, 2},         {8, 1, 2},         {9, 1, 2},   {17, 1, 4},  {21, 22, 58},
	{23, 38, 110},     {64, 3, 24},       {65, 3, 26}, {72, 5, 46}, {567, 652, 46212},
	{512, 512, 32768}, {510, 511, 32578}, {0, 5, 0},   {5, 0, 0},   {3, 65535, 24576},
};

START_TEST(packing)
{
	uint32_t cols = packed[_i].cols, rows = packed[_i].rows;
	uint64_t seed = 120 + (uint64_t)_i;
	struct mask m = mask_new(cols, rows);
	size_t len = mask_packed_len(cols, rows);

	ck_assert_uint_eq(len, packed[_i].len);
	for (int round = 0; round < 3; round++) {
		uint8_t *got = calloc(len + 1, 1), *want = calloc(len + 1, 1);
		ck_assert(got != NULL && want != NULL);
		mask_clear(&m);
		for (uint32_t r = 0; r < rows && cols > 0; r += round == 1 ? 3 : 1) {
			uint32_t from = (uint32_t)oracle_between(&seed, 0, (int32_t)cols - 1);
			uint32_t to = (uint32_t)oracle_between(&seed, (int32_t)from, (int32_t)cols);
			mask_set(&m, r, round == 0 ? 0 : from, round == 0 ? cols : to);
		}
		for (size_t k = 0; k < (size_t)cols * rows; k++)
			if (mask_get(&m, (uint32_t)(k % cols), (uint32_t)(k / cols)))
				want[k / 8] |= (uint8_t)(1u << k % 8);
		uint8_t *exact = malloc(len > 0 ? len : 1); /* so that ASan sees the end */
		ck_assert_ptr_nonnull(exact);
		memset(exact, 0, len);
		mask_pack(&m, exact);
		must(memcmp(exact, want, len) == 0, "%u x %u, round %d", cols, rows, round);
		free(exact);
		free(got);
		free(want);
	}
	mask_free(&m);
}
END_TEST

/* ---- Masks as sets ---- */

/* Sets some runs, the same in a plain array. */
static void scribble(uint64_t *seed, struct mask *m, uint8_t *plain)
{
	memset(plain, 0, (size_t)m->cols * m->rows);
	mask_clear(m);
	for (int k = oracle_between(seed, 0, 6); k > 0; k--) {
		uint32_t row = (uint32_t)oracle_between(seed, 0, (int32_t)m->rows - 1);
		uint32_t from = (uint32_t)oracle_between(seed, 0, (int32_t)m->cols);
		uint32_t to = (uint32_t)oracle_between(seed, (int32_t)from, (int32_t)m->cols);
		mask_set(m, row, from, to);
		for (uint32_t c = from; c < to; c++)
			plain[(size_t)row * m->cols + c] = 1;
	}
	assert_invariants(m, "scribble");
}

static void assert_plain(const struct mask *m, const uint8_t *plain, const char *what)
{
	uint64_t count = 0, by_runs = 0;

	for (uint32_t r = 0; r < m->rows; r++) {
		uint32_t from = 0;
		for (uint32_t to = 0; mask_run(m, r, &from, &to);) {
			must(from < to && to <= m->cols, "%s: run [%u, %u)", what, from, to);
			must(from == 0 || !mask_get(m, from - 1, r), "%s: run starts late", what);
			must(!mask_get(m, to, r), "%s: run ends early", what);
			for (uint32_t c = from; c < to; c++)
				must(mask_get(m, c, r), "%s: hole in a run", what);
			by_runs += to - from;
		}
		for (uint32_t c = 0; c < m->cols; c++) {
			bool want = plain[(size_t)r * m->cols + c];
			must(mask_get(m, c, r) == want, "%s: pixel (%u, %u)", what, c, r);
			count += want;
		}
	}
	must(mask_count(m) == count && by_runs == count, "%s: counts", what);
	must(mask_is_empty(m) == (count == 0), "%s: emptiness", what);
	assert_invariants(m, what);
}

START_TEST(sets)
{
	uint32_t cols = sizes[_i].cols, rows = sizes[_i].rows;
	size_t size = (size_t)cols * rows;
	uint8_t *pa = malloc(size), *pb = malloc(size);
	struct mask a = mask_new(cols, rows), b = mask_new(cols, rows);
	uint64_t seed = 140 + (uint64_t)_i;

	ck_assert(pa != NULL && pb != NULL);
	for (int round = 0; round < 60; round++) {
		bool meet = false;
		scribble(&seed, &a, pa);
		scribble(&seed, &b, pb);
		for (size_t k = 0; k < size; k++)
			meet |= pa[k] && pb[k];
		ck_assert(mask_overlap(&a, &b) == meet);
		ck_assert(mask_equal(&a, &b) == (memcmp(pa, pb, size) == 0));
		if (round % 2) {
			mask_or(&a, &b);
			for (size_t k = 0; k < size; k++)
				pa[k] |= pb[k];
		} else {
			mask_andnot(&a, &b);
			for (size_t k = 0; k < size; k++)
				pa[k] = pa[k] && !pb[k];
		}
		assert_plain(&a, pa, round % 2 ? "or" : "and not");
	}
	mask_clear(&a);
	ck_assert(mask_is_empty(&a) && mask_count(&a) == 0 && a.box.row1 == 0);
	ck_assert(!mask_get(&a, cols, 0) && !mask_get(&a, 0, rows));
	free(pa);
	free(pb);
	mask_free(&a);
	mask_free(&b);
}
END_TEST

/* The box around all that is set. */
START_TEST(extent)
{
	uint64_t seed = 340 + (uint64_t)_i;
	struct mask m = mask_new(sizes[_i].cols, sizes[_i].rows);
	uint8_t *plain = malloc((size_t)m.cols * m.rows);
	uint32_t c0, r0, c1, r1;

	ck_assert_ptr_nonnull(plain);
	ck_assert(!mask_extent(&m, &c0, &r0, &c1, &r1));
	for (int round = 0; round < 200; round++) {
		uint32_t left = UINT32_MAX, top = UINT32_MAX, right = 0, bottom = 0;

		scribble(&seed, &m, plain);
		for (uint32_t r = 0; r < m.rows; r++)
			for (uint32_t c = 0; c < m.cols; c++) {
				if (!plain[(size_t)r * m.cols + c])
					continue;
				left = c < left ? c : left;
				right = c + 1 > right ? c + 1 : right;
				top = top == UINT32_MAX ? r : top;
				bottom = r + 1;
			}
		must(mask_extent(&m, &c0, &r0, &c1, &r1) == (bottom > 0), "round %d", round);
		if (bottom > 0)
			must(c0 == left && c1 == right && r0 == top && r1 == bottom, "round %d",
			     round);
	}
	free(plain);
	mask_free(&m);
}
END_TEST

Suite *suite_raster_mask(void)
{
	Suite *s = suite_create("raster_mask");
	TCase *masks = tcase_create("masks");

	tcase_set_timeout(masks, 300);
	tcase_add_loop_test(masks, packing, 0, (int)(sizeof(packed) / sizeof(packed[0])));
	tcase_add_loop_test(masks, sets, 0, (int)SIZES);
	tcase_add_loop_test(masks, extent, 0, (int)SIZES);
	suite_add_tcase(s, masks);
	return s;
}
