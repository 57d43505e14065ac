/*
 * The contact sheet of a structure set: slices with contours, where there are any, in the shape of
 * their pixels; and its tiles as the report has them.
 */
#include <check.h>
#include <math.h>

#include "image/jpeg.h"
#include "study/contact.h"

Suite *suite_contact(void);

#define SLICES 5u

/* Images of 8 columns and 4 rows, with so many ROIs on each. */
static const struct {
	const char *name;
	uint32_t rois[SLICES];
	int64_t row_pm, col_pm; /* of the middle one */
	uint32_t count, slice[SLICES];
	double high; /* rows of a tile for each of its columns */
} sheets[] = {
	{"contours on all", {1, 1, 2, 1, 1}, 1, 1, 5, {0, 1, 2, 3, 4}, 0.5},
	{"on some", {0, 1, 0, 2, 0}, 1, 1, 2, {1, 3}, 0.5},
	{"on the last", {0, 0, 0, 0, 1}, 1, 1, 1, {4}, 0.5},
	{"on none: all slices", {0}, 1, 1, 5, {0, 1, 2, 3, 4}, 0.5},
	{"pixels three times as high", {0, 1, 0, 2, 0}, 3000000000, 1000000000, 2, {1, 3}, 1.5},
	{"wider than high", {0, 1, 0, 2, 0}, 500000000, 1000000000, 2, {1, 3}, 0.25},
	{"no spacing", {0, 1, 0, 2, 0}, 0, 1000000000, 2, {1, 3}, 0.5},
};

START_TEST(test_slices)
{
	struct rt_image planes[SLICES] = {{.cols = 4, .rows = 8}};
	uint32_t first[SLICES + 1] = {0};
	struct rt_plan plan = {.planes = planes, .plane_count = SLICES, .first_group = first};
	struct report_set set = {.tile_count = 0};
	struct sheet s;
	struct arena a;

	for (unsigned k = 0; k < SLICES; k++)
		first[k + 1] = first[k] + sheets[_i].rois[k];
	planes[SLICES / 2] = (struct rt_image){.cols = 8,
					       .rows = 4,
					       .row_spacing_pm = sheets[_i].row_pm,
					       .col_spacing_pm = sheets[_i].col_pm};
	ck_assert_int_eq(arena_open(&a, 1u << 24, NULL), OK);
	ck_assert_int_eq(contact_open(&s, &plan, &a, NULL), OK);
	ck_assert_uint_eq(arena_mark(&a), 0);
	ck_assert_int_eq(contact_keep(&set, &s, &a, NULL), OK);
	if (!jpeg_built_in) {
		ck_assert(s.rgb == NULL && set.tile_count == 0 && set.no_tiles != NULL);
		arena_close(&a);
		return;
	}
	ck_assert_uint_eq(s.count, sheets[_i].count);
	ck_assert_msg(fabs(s.tile_rows - s.tile_cols * sheets[_i].high) < 1, "%u x %u", s.tile_cols,
		      s.tile_rows);
	ck_assert(set.no_tiles == NULL);
	ck_assert_uint_eq(set.tile_count, s.count);
	for (uint32_t i = 0; i < s.count; i++) {
		ck_assert_uint_eq(set.tiles[i].plane, sheets[_i].slice[i]);
		ck_assert(set.tiles[i].cols == s.tile_cols && set.tiles[i].rows == s.tile_rows);
		ck_assert_mem_eq(set.tiles[i].jpeg.at, "\xFF\xD8", 2);
	}
	contact_close(&s);
	ck_assert_ptr_null(s.rgb);
	arena_close(&a);
}
END_TEST

Suite *suite_contact(void)
{
	Suite *s = suite_create("contact");
	TCase *t = tcase_create("contact");

	tcase_add_loop_test(t, test_slices, 0, sizeof(sheets) / sizeof(sheets[0]));
	suite_add_tcase(s, t);
	return s;
}
