/*
 * Where the ROIs of a report lie and how large they are, from areas of images that are counted by
 * hand.
 */
#include <check.h>
#include <math.h>

#include "study/coverage.h"

Suite *suite_coverage(void);

#define PLANES 3u
#define ROIS 3u
#define MM 1000000000ll /* pm */

/* Three images at -3, 0 and 4 mm, the first two of which have a share of the axis; pixels of 2 mm
 * (from row to row) by 0.5. */
static struct rt_image planes[PLANES];
static double gaps[PLANES] = {3, 3.5, 0};
/* ROI 0 lies on the first two, 1 on all, and 2 on the second, where no pixel is its own. */
static struct rt_group groups[] = {{.roi = 0}, {.roi = 1}, {.roi = 0},
				   {.roi = 1}, {.roi = 2}, {.roi = 1}};
static uint32_t first_group[PLANES + 1] = {0, 2, 5, 6};
static struct slice_area areas[] = {
	{10, 4, 1, 6, 6, 10 * 65536 + 32768},
	{8, 0, 0, 4, 2, 8 * 65536},
	{20, 3, 2, 8, 6, 19 * 65536},
	{6, 1, 0, 4, 2, 7 * 65536},
	{0, 0, 0, 0, 0, 16384},
	{4, 0, 0, 2, 2, 4 * 65536},
};

static void measure(struct report_set *set, struct report_roi *rois, struct arena *a)
{
	struct rt_plan plan = {.planes = planes,
			       .plane_count = PLANES,
			       .placed_count = PLANES,
			       .gap_mm = gaps,
			       .groups = groups,
			       .first_group = first_group};
	struct slice_job job = {.plan = &plan, .first = first_group, .areas = areas};

	for (unsigned k = 0; k < PLANES; k++)
		planes[k] = (struct rt_image){.row_dir = {1, 0, 0},
					      .col_dir = {0, -1, 0},
					      .normal = {0, 0, -1},
					      .position_pm = {10 * MM, 20 * MM, 0},
					      .along_mm = k == 0   ? -3
							  : k == 1 ? 0
								   : 4,
					      .row_spacing_pm = 2 * MM,
					      .col_spacing_pm = MM / 2};
	for (unsigned i = 0; i < ROIS; i++)
		rois[i].has_volume = true;
	set->rois = rois;
	set->roi_count = ROIS;
	ck_assert_int_eq(arena_open(a, 1u << 20, NULL), OK);
	ck_assert(coverage_add(set, &job, a));
}

static void near(double got, double want)
{
	ck_assert_msg(fabs(got - want) < 1e-9, "%.9g, not %.9g", got, want);
}

START_TEST(test_sizes)
{
	struct report_roi r[ROIS] = {{0}};
	struct report_set set = {0};
	struct arena a;

	measure(&set, r, &a); /* a pixel is 1 mm2 */
	ck_assert(r[0].slices == 2 && r[0].area_px == 30 && r[0].has_volume);
	near(r[0].area_mm2, 30);
	near(r[0].volume_ml, (10 * 3 + 20 * 3.5) / 1000);
	near(r[0].contours_ml, (10.5 * 3 + 19 * 3.5) / 1000);
	/* the last image has no share: no volume */
	ck_assert(r[1].slices == 3 && r[1].area_px == 18 && !r[1].has_volume);
	near(r[1].area_mm2, 18);
	/* no pixel, but contours all the same */
	ck_assert(r[2].slices == 0 && r[2].area_px == 0 && r[2].has_volume);
	near(r[2].volume_ml, 0);
	near(r[2].contours_ml, 0.25 * 3.5 / 1000);
	arena_close(&a);
}
END_TEST

START_TEST(test_places)
{
	struct report_roi r[ROIS] = {{0}};
	struct report_set set = {0};
	struct arena a;

	measure(&set, r, &a);
	ck_assert_str_eq(set.axis[0], "R-L");
	ck_assert_str_eq(set.axis[1], "P-A");
	ck_assert_str_eq(set.axis[2], "H-F");
	ck_assert_uint_eq(set.plane_count, PLANES);
	near(set.planes[2].along_mm, 4);
	near(set.planes[1].gap_mm, 3.5);
	/* edges: half a pixel before the middle of the first one */
	near(r[0].low_mm[0], 10 - 0.25 + 3 * 0.5);
	near(r[0].high_mm[0], 10 - 0.25 + 8 * 0.5);
	near(r[0].low_mm[1], -20 - 1 + 1 * 2);
	near(r[0].high_mm[1], -20 - 1 + 6 * 2);
	near(r[0].low_mm[2], -3 - 1.5);
	near(r[0].high_mm[2], 0 + 1.75);
	ck_assert(r[0].cover[0].plane == 0 && r[0].cover[0].pixels == 10);
	ck_assert(r[0].cover[1].plane == 1 && r[0].cover[1].pixels == 20);
	ck_assert(r[1].cover[2].plane == 2 && r[1].cover[2].pixels == 4);
	arena_close(&a);
}
END_TEST

Suite *suite_coverage(void)
{
	Suite *s = suite_create("coverage");
	TCase *t = tcase_create("coverage");

	tcase_add_test(t, test_sizes);
	tcase_add_test(t, test_places);
	suite_add_tcase(s, t);
	return s;
}
