/*
 * Slices in order and places among them: against a slow oracle on uneven stacks in any order,
 * and the thickness that each slice stands for.
 */
#include <math.h>

#include "support/mask_check.h"
#include "support/rt_fixture.h"

Suite *suite_rt_planes(void);

/* ---- The oracle ---- */

#define SLICES_MAX 24
#define CONTOURS 200

/* All in micrometres. */
struct stack {
	int32_t z[SLICES_MAX]; /* different, in no order */
	unsigned count;
	int32_t thickness;
};

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* The slice next above (or, with sign -1, below) a height; 0: there is none. */
static bool beyond(const struct stack *s, int32_t from, int sign, int32_t *z)
{
	bool found = false;

	for (unsigned i = 0; i < s->count; i++) {
		int32_t way = (s->z[i] - from) * sign;

		if (way > 0 && (!found || way < (*z - from) * sign)) {
			*z = s->z[i];
			found = true;
		}
	}
	return found;
}

static int32_t smaller(int32_t a, int32_t b)
{
	return a < b ? a : b;
}

/* planes.h: the spacing around the interval that `place` is in, seen from the slice at `z`. */
static int32_t spacing_around(const struct stack *s, int32_t z, int32_t place)
{
	int32_t low = z, high = z, further;

	if (s->count == 1)
		return s->thickness;
	if (place < z ? !beyond(s, z, -1, &low) : !beyond(s, z, 1, &high))
		(void)(place < z ? beyond(s, z, 1, &high) : beyond(s, z, -1, &low));

	int32_t spacing = high - low;
	if (beyond(s, low, -1, &further))
		spacing = smaller(spacing, low - further);
	if (beyond(s, high, 1, &further))
		spacing = smaller(spacing, further - high);
	if (s->thickness > 0 && 4 * (int64_t)spacing > 7 * (int64_t)s->thickness)
		spacing = s->thickness;
	return spacing;
}

/* The index of the slice for a contour there, or -1. */
static int oracle(const struct stack *s, int32_t place, int32_t tolerance)
{
	int best = 0;

	for (int i = 1; i < (int)s->count; i++) {
		int32_t d = abs(s->z[i] - place), least = abs(s->z[best] - place);

		if (d < least || (d == least && s->z[i] < s->z[best]))
			best = i;
	}
	int32_t spacing = spacing_around(s, s->z[best], place);
	int32_t off = abs(s->z[best] - place);
	return off <= tolerance && (spacing == 0 || 2 * off <= spacing) ? best : -1;
}

static void make_stack(struct stack *s, uint32_t *seed)
{
	static const int32_t steps[] = {300, 1000, 2000, 2500, 3000, 5000, 6000, 12000};
	int32_t z = (int32_t)(next(seed) % 400000) - 200000;

	s->count = 1 + next(seed) % SLICES_MAX;
	s->thickness = next(seed) % 3 == 0 ? 0 : steps[next(seed) % COUNT(steps)];
	for (unsigned i = 0; i < s->count; i++) {
		s->z[i] = z;
		z += steps[next(seed) % COUNT(steps)] + (int32_t)(next(seed) % 3) * 10;
	}
	for (unsigned i = s->count; i > 1; i--) { /* in any order */
		unsigned k = next(seed) % i;
		int32_t other = s->z[k];

		s->z[k] = s->z[i - 1];
		s->z[i - 1] = other;
	}
}

static const char *mm(struct fixture *f, int32_t um)
{
	return fixture_text(f, "%s%d.%03d", um < 0 ? "-" : "", abs(um) / 1000, abs(um) % 1000);
}

static int32_t some_place(const struct stack *s, uint32_t *seed)
{
	int32_t z = s->z[next(seed) % s->count], other = z;

	switch (next(seed) % 4) {
	case 0: /* halfway, or a micrometre beside */
		(void)beyond(s, z, 1, &other);
		return (z + other) / 2 + (int32_t)(next(seed) % 3) - 1;
	case 1: /* near the configured tolerance */
		return z + 1500 + (int32_t)(next(seed) % 3) - 1;
	default:
		return z + (int32_t)(next(seed) % 8001) - 4000;
	}
}

/* The image that contour `c` is on, by its number, or -1. */
static int where(const struct rt_plan *plan, uint32_t c)
{
	for (uint32_t k = 0; k < plan->plane_count; k++)
		for (uint32_t i = plan->first[k]; i < plan->first[k + 1]; i++)
			if (plan->order[i] == c)
				return atoi(strrchr(plan->planes[k].sop_instance.text, '.') + 1);
	return -1;
}

/* One ROI for each contour: none is of another level of the same. */
START_TEST(nearest_plane_against_an_oracle)
{
	static struct contour_spec contours[CONTOURS];
	static struct roi_spec rois[CONTOURS];
	int32_t place[CONTOURS];
	uint32_t seed = (uint32_t)_i * 7919 + 1;
	struct fixture *f = fixture_open();
	struct stack s;
	char thickness[32];

	make_stack(&s, &seed);
	snprintf(thickness, sizeof(thickness), "%s", s.thickness == 0 ? "" : mm(f, s.thickness));
	for (unsigned i = 0; i < s.count; i++)
		fixture_image(f, &(struct image_spec){
					 .sop = fixture_text(f, "1.2.%u", i),
					 .position = fixture_text(f, "0\\0\\%s", mm(f, s.z[i])),
					 .thickness = thickness});
	for (unsigned i = 0; i < CONTOURS; i++) {
		place[i] = some_place(&s, &seed);
		const char *z = mm(f, place[i]);
		contours[i] = (struct contour_spec){
			.data = fixture_text(f, "1\\1\\%s\\5\\1\\%s\\5\\5\\%s", z, z, z)};
		rois[i] = (struct roi_spec){
			.number = i, .contours = &contours[i], .contour_count = 1};
	}
	fixture_plan(f,
		     &(struct set_spec){.series = {"1.3.1"}, .rois = rois, .roi_count = CONTOURS});
	for (unsigned i = 0; i < CONTOURS; i++) {
		int want = oracle(&s, place[i], 1500), got = where(&f->plan, i);

		must(got == want, "stack %d: contour at %d um is on %d, not %d", _i, place[i], got,
		     want);
	}
	fixture_close(f);
}
END_TEST

/* ---- How much each slice stands for ---- */

static const struct {
	const char *stack, *thickness, *gaps;
} thicknesses[] = {
	{"0", "2.5", "2.5"},
	{"0", "", "0"},
	{"0 3", "3", "3 3"},
	{"0 3", "1", "1 1"}, /* slices are missing between them */
	{"0 3", "", "3 3"},
	{"0 3 6 9", "", "3 3 3 3"},
	{"9 0 6 3", "", "3 3 3 3"},
	{"0 2 5 7", "", "2 2.5 2.5 2"},
	{"0 1 2 4 5", "", "1 1 1 1 1"}, /* a slice is missing: nobody stands for it */
	{"0 2 2 4", "", "2 2 2 2"},
};

START_TEST(what_slices_stand_for)
{
	static const struct contour_spec contour = {.data = "1\\1\\0\\2\\1\\0\\2\\2\\0"};
	static const struct roi_spec roi = {.number = 1, .contours = &contour, .contour_count = 1};
	struct fixture *f = fixture_open();
	struct buf got = BUF_INIT(1000);

	fixture_stack(f, thicknesses[_i].stack,
		      (struct image_spec){.thickness = thicknesses[_i].thickness});
	fixture_plan(f, &(struct set_spec){.series = {"1.3.1"}, .rois = &roi, .roi_count = 1});
	for (uint32_t k = 0; k < f->plan.plane_count; k++)
		buf_fmt(&got, "%s%.6g", k > 0 ? " " : "", f->plan.gap_mm[k]);
	ck_assert_str_eq((const char *)got.at, thicknesses[_i].gaps);
	buf_free(&got);
	fixture_close(f);
}
END_TEST

Suite *suite_rt_planes(void)
{
	Suite *s = suite_create("rt_planes");
	TCase *c = tcase_create("rt_planes");

	tcase_add_loop_test(c, nearest_plane_against_an_oracle, 0, 60);
	tcase_add_loop_test(c, what_slices_stand_for, 0, COUNT(thicknesses));
	suite_add_tcase(s, c);
	return s;
}
