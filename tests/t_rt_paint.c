/*
 * Contours in patient space to masks of images: the same voxels however the images lie, against
 * the oracle of polygons; each image by its own position; what the policy of regions notes; long,
 * far and broken contours.
 */
#include <math.h>

#include "dicom/number.h"
#include "rt/paint.h"
#include "support/mask_check.h"
#include "support/raster_oracle.h"
#include "support/rt_fixture.h"

Suite *suite_rt_paint(void);

/* The plane of an image, by the number that its SOP Instance UID ends in. */
static uint32_t plane_of(const struct rt_plan *plan, unsigned number)
{
	for (uint32_t k = 0; k < plan->plane_count; k++)
		if (strtoul(strrchr(plan->planes[k].sop_instance.text, '.') + 1, NULL, 10) ==
		    number)
			return k;
	ck_abort_msg("no plane of image %u", number);
}

/* To be freed. */
static struct mask mask_for(const struct rt_plan *plan, uint32_t plane)
{
	return mask_new(plan->planes[plane].cols, plan->planes[plane].rows);
}

/* The paths of the first ROI on a plane, filled, are its mask. */
static void assert_paths(struct painter *p, uint32_t plane, const struct mask *painted)
{
	const struct polygon *paths = NULL;
	struct mask m = mask_for(p->plan, plane);
	struct fault f = {0};
	size_t count = 0, points = 0;

	ck_assert_msg(rt_paths_roi(p, plane, 0, &paths, &count, &f) == OK, "%s", f.text);
	for (size_t i = 0; i < count; i++)
		points += paths[i].count;
	void *scratch = malloc(region_scratch_bytes(m.cols, m.rows, count, points));
	ck_assert_ptr_nonnull(scratch);
	mask_clear(&m);
	region_fill(&m, paths, count, p->plan->options.edge_rule, p->plan->options.nesting_rule,
		    scratch, NULL);
	ck_assert(mask_equal(&m, painted));
	free(scratch);
	free(m.bits);
}

/* The first ROI on a plane; an empty mask when there is none. */
static void paint(struct painter *p, uint32_t plane, struct mask *m)
{
	struct fault f = {0};

	mask_clear(m);
	if (rt_plane_roi_count(p->plan, plane) > 0) {
		ck_assert_msg(rt_paint_roi(p, plane, 0, m, &f) == OK, "%s", f.text);
		assert_paths(p, plane, m);
	}
	assert_invariants(m, "painted");
}

/* ---- Orientations ---- */

/*
 * Voxel (a, b, c) is at ORIGIN + 2 a u + 0.5 b v + 3 c w.  Each c is one image, in eight ways:
 * its rows along u or v, this way or that.
 */
#define SIZE_A 21
#define SIZE_B 34
#define SIZE_C 5
#define SPACING_A 2.0
#define SPACING_B 0.5
#define SPACING_C 3.0
#define VERTICES 9

static const struct {
	const char *name;
	double u[3], v[3], w[3];
} bodies[] = {
	{"axial", {1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	{"sagittal", {0, 1, 0}, {0, 0, -1}, {-1, 0, 0}},
	{"coronal", {1, 0, 0}, {0, 0, -1}, {0, 1, 0}},
	{"oblique", {0.48, 0.64, 0.6}, {-0.8, 0.6, 0}, {-0.36, -0.48, 0.8}},
};

#define WAYS 8

struct way {
	bool swapped, flip_u, flip_v;
};

static struct way way_of(int i)
{
	return (struct way){(i & 1) != 0, (i & 2) != 0, (i & 4) != 0};
}

static const char *voxel_text(struct fixture *f, size_t body, double a, double b, double c)
{
	static const double origin[3] = {-10.5, 20.25, 3};
	double p[3];

	for (int i = 0; i < 3; i++)
		p[i] = origin[i] + SPACING_A * a * bodies[body].u[i] +
		       SPACING_B * b * bodies[body].v[i] + SPACING_C * c * bodies[body].w[i];
	return fixture_text(f, "%.6f\\%.6f\\%.6f", p[0], p[1], p[2]); /* exact: few decimals */
}

static void add_way(struct fixture *f, size_t body, struct way w)
{
	double u[3], v[3];
	const double *row_dir = w.swapped ? v : u, *col_dir = w.swapped ? u : v;

	for (int i = 0; i < 3; i++) {
		u[i] = bodies[body].u[i] * (w.flip_u ? -1 : 1);
		v[i] = bodies[body].v[i] * (w.flip_v ? -1 : 1);
	}
	for (unsigned c = SIZE_C; c-- > 0;) {
		const struct image_spec spec = {
			.sop = fixture_text(f, "1.2.%u", c),
			.position = voxel_text(f, body, w.flip_u ? SIZE_A - 1 : 0,
					       w.flip_v ? SIZE_B - 1 : 0, c),
			.orientation = fixture_text(f, "%.2f\\%.2f\\%.2f\\%.2f\\%.2f\\%.2f",
						    row_dir[0], row_dir[1], row_dir[2], col_dir[0],
						    col_dir[1], col_dir[2]),
			.spacing = w.swapped ? "2\\0.5" : "0.5\\2",
			.rows = w.swapped ? SIZE_A : SIZE_B,
			.cols = w.swapped ? SIZE_B : SIZE_A,
		};
		fixture_image(f, &spec);
	}
}

/* Some polygons in eighths of a voxel, corners often on centres, one for each c. */
static void some_polygons(struct q12 v[SIZE_C][VERTICES], uint64_t seed)
{
	for (unsigned c = 0; c < SIZE_C; c++) {
		do {
			for (unsigned i = 0; i < VERTICES; i++) {
				int32_t part = i % 2 == 0 ? RASTER_ONE : RASTER_ONE / 8;
				int32_t n = RASTER_ONE / part;

				v[c][i].x = oracle_between(&seed, -2 * n, (SIZE_A + 2) * n) * part;
				v[c][i].y = oracle_between(&seed, -2 * n, (SIZE_B + 2) * n) * part;
			}
		} while (oracle_no_area(v[c], VERTICES));
	}
}

static void polygons_to_contours(struct fixture *f, size_t body, struct q12 v[SIZE_C][VERTICES],
				 struct contour_spec *contours, struct buf *texts)
{
	for (unsigned c = 0; c < SIZE_C; c++) {
		texts[c] = BUF_INIT(4096);
		for (unsigned i = 0; i < VERTICES; i++)
			buf_fmt(&texts[c], "%s%s", i > 0 ? "\\" : "",
				voxel_text(f, body, (double)v[c][i].x / RASTER_ONE,
					   (double)v[c][i].y / RASTER_ONE, c));
		contours[c] = (struct contour_spec){.data = (const char *)texts[c].at};
	}
}

static void check_voxels(const struct mask *m, struct way w, const struct q12 *v, const char *name,
			 int way)
{
	for (int32_t b = 0; b < SIZE_B; b++) {
		for (int32_t a = 0; a < SIZE_A; a++) {
			struct oracle_hit hit = oracle_pixel(v, VERTICES, a, b);
			uint32_t x = (uint32_t)(w.flip_u ? SIZE_A - 1 - a : a);
			uint32_t y = (uint32_t)(w.flip_v ? SIZE_B - 1 - b : b);
			bool got = w.swapped ? mask_get(m, y, x) : mask_get(m, x, y);

			must(got == (hit.inside || hit.on_path), "%s, way %d: voxel %d, %d is %s",
			     name, way, a, b, got ? "painted" : "missing");
		}
	}
}

START_TEST(the_same_voxels_in_any_orientation)
{
	size_t body = (size_t)_i / WAYS;
	struct way w = way_of(_i % WAYS);
	struct fixture *f = fixture_open();
	struct q12 v[SIZE_C][VERTICES];
	struct contour_spec contours[SIZE_C];
	struct buf texts[SIZE_C];
	struct painter p;

	some_polygons(v, body); /* the same for all ways */
	polygons_to_contours(f, body, v, contours, texts);
	const struct roi_spec roi = {.number = 1, .contours = contours, .contour_count = SIZE_C};
	add_way(f, body, w);
	fixture_plan(f, &(struct set_spec){.series = {"1.3.1"}, .rois = &roi, .roi_count = 1});
	ck_assert_int_eq(f->e, OK);
	ck_assert_uint_eq(f->plan.rois[0].contours_used, SIZE_C);
	ck_assert_int_eq(painter_open(&p, &f->plan, NULL), OK);
	for (unsigned c = 0; c < SIZE_C; c++) {
		uint32_t k = plane_of(&f->plan, c);
		struct mask m = mask_for(&f->plan, k);

		paint(&p, k, &m);
		check_voxels(&m, w, v[c], bodies[body].name, _i % WAYS);
		mask_free(&m);
		buf_free(&texts[c]);
	}
	painter_close(&p);
	fixture_close(f);
}
END_TEST

/* ---- Directions of real scanners: few decimals, or many ---- */

static const char *const directions[] = {
	".9541666\\-.2080757\\.2151061\\.2785886\\.880128\\-.3843997",
	"9.9999259e-1\\-1.3708655e-4\\-3.8477941e-3\\-4.7003478e-8\\9.9936552e-1\\-3.5616921e-2",
	"1\\0\\0\\0\\0.999\\-0.036",
	"-0.07\\0.997\\0.02\\0.03\\0.02\\-0.999",
};

START_TEST(real_directions)
{
	enum { SIDE = 64, COUNT_OF_POINTS = 12 };
	struct fixture *f = fixture_open();
	const struct rt_image *image =
		fixture_image(f, &(struct image_spec){.position = "-123.4567\\98.765\\-1000.125",
						      .orientation = directions[_i],
						      .spacing = "1.171875\\0.48828125",
						      .rows = SIDE,
						      .cols = SIDE});
	struct q12 v[COUNT_OF_POINTS];
	uint64_t seed = (uint64_t)_i;
	struct buf text = BUF_INIT(4096);
	struct painter p;

	ck_assert_msg(image->unusable == NULL, "%s", image->unusable);
	for (unsigned i = 0; i < COUNT_OF_POINTS; i++) {
		v[i].x = oracle_between(&seed, -5 * RASTER_ONE, (SIDE + 5) * RASTER_ONE);
		v[i].y = oracle_between(&seed, -5, SIDE + 5) * RASTER_ONE;
		for (unsigned k = 0; k < 3; k++) {
			double pm = image->row_dir[k] * v[i].x * (double)image->col_spacing_pm +
				    image->col_dir[k] * v[i].y * (double)image->row_spacing_pm;
			buf_fmt(&text, "%s%.9f", i + k > 0 ? "\\" : "",
				((double)image->position_pm[k] + pm / RASTER_ONE) / PM_PER_MM);
		}
	}
	const struct contour_spec contour = {.data = (const char *)text.at};
	const struct roi_spec roi = {.number = 1, .contours = &contour, .contour_count = 1};
	fixture_plan(f, &(struct set_spec){.series = {"1.3.1"}, .rois = &roi, .roi_count = 1});
	ck_assert_uint_eq(f->plan.rois[0].contours_used, 1);
	ck_assert_int_eq(painter_open(&p, &f->plan, NULL), OK);

	struct mask m = mask_for(&f->plan, 0);
	paint(&p, 0, &m);
	for (int32_t i = 0; i < SIDE * SIDE; i++) {
		struct oracle_hit hit = oracle_pixel(v, COUNT_OF_POINTS, i % SIDE, i / SIDE);

		must(mask_get(&m, (uint32_t)(i % SIDE), (uint32_t)(i / SIDE)) ==
			     (hit.inside || hit.on_path),
		     "%s: pixel %d, %d", directions[_i], i % SIDE, i / SIDE);
	}
	mask_free(&m);
	buf_free(&text);
	painter_close(&p);
	fixture_close(f);
}
END_TEST

/* ---- Drawn by hand ---- */

static void draw(const struct mask *m, char *out)
{
	for (uint32_t r = 0; r < m->rows; r++) {
		for (uint32_t c = 0; c < m->cols; c++)
			*out++ = mask_get(m, c, r) ? '#' : '.';
		*out++ = '\n';
	}
	*out = '\0';
}

static void is_drawn(struct painter *p, uint32_t plane, const char *want)
{
	struct mask m = mask_for(p->plan, plane);
	char *got = malloc((size_t)m.rows * (m.cols + 1) + 1);

	ck_assert_ptr_nonnull(got);
	paint(p, plane, &m);
	draw(&m, got);
	ck_assert_msg(strcmp(got, want) == 0, "painted\n%snot\n%s", got, want);
	free(got);
	mask_free(&m);
}

/* Rows two millimetres apart, columns one; more columns than rows. */
START_TEST(pixels_that_are_not_square)
{
	static const struct contour_spec contour = {
		.data = "3\\4\\0\\7.9\\4\\0\\7.9\\9.9\\0\\3\\8\\0"};
	static const struct roi_spec roi = {.number = 1, .contours = &contour, .contour_count = 1};
	struct fixture *f = fixture_open();
	struct painter p;

	fixture_image(f, &(struct image_spec){.spacing = "2\\1", .rows = 6, .cols = 12});
	fixture_plan(f, &(struct set_spec){.series = {"1.3.1"}, .rois = &roi, .roi_count = 1});
	ck_assert_int_eq(painter_open(&p, &f->plan, NULL), OK);
	is_drawn(&p, 0,
		 "............\n"
		 "............\n"
		 "...#####....\n"
		 "...#####....\n"
		 "...#####....\n"
		 "............\n");
	painter_close(&p);
	fixture_close(f);
}
END_TEST

/* Every image by its own position: in the patient the contours are one upright column. */
START_TEST(gantry_tilt)
{
	static const struct contour_spec contours[] = {
		{.data = "1.5\\2.5\\0\\4.5\\2.5\\0\\4.5\\4.5\\0\\1.5\\4.5\\0"},
		{.data = "1.5\\2.5\\3\\4.5\\2.5\\3\\4.5\\4.5\\3\\1.5\\4.5\\3"},
		{.data = "1.5\\2.5\\6\\4.5\\2.5\\6\\4.5\\4.5\\6\\1.5\\4.5\\6"},
	};
	static const struct roi_spec roi = {.number = 1, .contours = contours, .contour_count = 3};
	static const char *const want[] = {
		"......\n......\n......\n..###.\n..###.\n......\n",
		"......\n......\n..###.\n..###.\n......\n......\n",
		"......\n..###.\n..###.\n......\n......\n......\n",
	};
	struct fixture *f = fixture_open();
	struct painter p;

	for (unsigned i = 0; i < 3; i++)
		fixture_image(
			f, &(struct image_spec){.sop = fixture_text(f, "1.2.%u", i),
						.position = fixture_text(f, "0\\%u\\%u", i, 3 * i),
						.rows = 6,
						.cols = 6});
	fixture_plan(f, &(struct set_spec){.series = {"1.3.1"}, .rois = &roi, .roi_count = 1});
	ck_assert_uint_eq(note_count(&f->plan, RT_NOTE_GANTRY_TILT, RT_NO_ROI), 3);
	ck_assert_int_eq(painter_open(&p, &f->plan, NULL), OK);
	for (unsigned i = 0; i < 3; i++)
		is_drawn(&p, plane_of(&f->plan, i), want[i]);
	painter_close(&p);
	fixture_close(f);
}
END_TEST

/* Images of one series that differ in size and spacing. */
START_TEST(sizes_that_differ)
{
	static const struct contour_spec contours[] = {
		{.data = "1\\1\\0\\3\\1\\0\\3\\3\\0\\1\\3\\0"},
		{.data = "1\\1\\3\\3\\1\\3\\3\\3\\3\\1\\3\\3"},
	};
	static const struct roi_spec roi = {.number = 1, .contours = contours, .contour_count = 2};
	struct fixture *f = fixture_open();
	struct painter p;

	fixture_image(f, &(struct image_spec){.sop = "1.2.1", .rows = 4, .cols = 5});
	fixture_image(f, &(struct image_spec){.sop = "1.2.2",
					      .position = "0\\0\\3",
					      .spacing = "0.5\\1",
					      .rows = 8,
					      .cols = 4});
	fixture_plan(f, &(struct set_spec){.series = {"1.3.1"}, .rois = &roi, .roi_count = 1});
	ck_assert_int_eq(painter_open(&p, &f->plan, NULL), OK);
	is_drawn(&p, 0, ".....\n.###.\n.###.\n.###.\n");
	is_drawn(&p, 1, "....\n....\n.###\n.###\n.###\n.###\n.###\n....\n");
	painter_close(&p);
	fixture_close(f);
}
END_TEST

/* ---- The policy, from Contour Data ---- */

#define RECT(x0, y0, x1, y1) \
	x0 "\\" y0 "\\0\\" x1 "\\" y0 "\\0\\" x1 "\\" y1 "\\0\\" x0 "\\" y1 "\\0"
#define SIDE 24

static const struct policy {
	const char *name;
	struct contour_spec contours[3];
	uint64_t inclusive, half_open, nested_union; /* pixels */
	struct region_notes notes;
} policies[] = {
	{"edges between centres",
	 {{.data = RECT("9.5", "9.5", "19.5", "19.5")}},
	 100,
	 100,
	 100,
	 {0}},
	{"edges on centres", {{.data = RECT("9", "9", "19", "19")}}, 121, 100, 121, {0}},
	{"a hole",
	 {{.data = RECT("1.5", "1.5", "21.5", "21.5")},
	  {.data = RECT("6.5", "6.5", "16.5", "16.5")}},
	 300,
	 300,
	 400,
	 {.holes = 1}},
	{"an island in a hole",
	 {{.data = RECT("6.5", "6.5", "16.5", "16.5")},
	  {.data = RECT("1.5", "1.5", "21.5", "21.5")},
	  {.data = RECT("10.5", "10.5", "11.5", "11.5")}},
	 301,
	 301,
	 400,
	 {.holes = 1, .islands = 1}},
	{"a hole by keyhole",
	 {{.data = "1.5\\1.5\\0\\21.5\\1.5\\0\\21.5\\21.5\\0\\1.5\\21.5\\0\\1.5\\9.3\\0"
		   "\\6.5\\9.3\\0\\6.5\\16.5\\0\\16.5\\16.5\\0\\16.5\\6.5\\0\\6.5\\6.5\\0"
		   "\\6.5\\9.3\\0\\1.5\\9.3\\0"}},
	 300,
	 300,
	 300,
	 {0}},
	{"a hole by CLOSEDPLANAR_XOR",
	 {{.data = RECT("1.5", "1.5", "21.5", "21.5"), .type = "CLOSEDPLANAR_XOR"},
	  {.data = RECT("6.5", "6.5", "16.5", "16.5"), .type = "CLOSEDPLANAR_XOR"}},
	 300,
	 300,
	 300,
	 {0}},
	{"contours that overlap",
	 {{.data = RECT("1.5", "1.5", "11.5", "11.5")},
	  {.data = RECT("6.5", "1.5", "16.5", "11.5")}},
	 150,
	 150,
	 150,
	 {.overlaps = 1}},
	{"a contour twice",
	 {{.data = RECT("1.5", "1.5", "11.5", "11.5")},
	  {.data = RECT("1.5", "1.5", "11.5", "11.5")}},
	 100,
	 100,
	 100,
	 {.duplicates = 1}},
	{"mixed types",
	 {{.data = RECT("1.5", "1.5", "11.5", "11.5"), .type = "CLOSEDPLANAR_XOR"},
	  {.data = RECT("3.5", "3.5", "5.5", "5.5")}},
	 100,
	 100,
	 100,
	 {.mixed_types = 1}},
	{"INTERPOLATED_PLANAR is closed",
	 {{.data = RECT("1.5", "1.5", "11.5", "11.5"), .type = "INTERPOLATED_PLANAR"}},
	 100,
	 100,
	 100,
	 {0}},
	{"outside", {{.data = RECT("30", "0", "40", "10")}}, 0, 0, 0, {.outside = 1}},
	{"partly outside",
	 {{.data = RECT("-9.5", "-9.5", "9.5", "9.5")}},
	 100,
	 100,
	 100,
	 {.clipped = 1}},
	{"on a line", {{.data = "1\\1\\0\\5\\5\\0\\9\\9\\0"}}, 0, 0, 0, {.empty = 1}},
	{"one point three times", {{.data = "1\\1\\0\\1\\1\\0\\1\\1\\0"}}, 0, 0, 0, {.empty = 1}},
	{"wider than the reach of Q.12, all around",
	 {{.data = RECT("-500000", "-500000", "500000", "500000")}},
	 SIDE *SIDE,
	 SIDE *SIDE,
	 SIDE *SIDE,
	 {.clipped = 1}},
	{"the same, with a slanted edge through the image",
	 {{.data = "-500000\\-500000.5\\0\\500000\\499999.5\\0\\-500000\\500000\\0"}},
	 300,
	 300,
	 300, /* rows at or below the column, half a pixel off the edge */
	 {.clipped = 1}},
	{"the same, with a hole inside the image",
	 {{.data = RECT("-500000", "-500000", "500000", "500000")},
	  {.data = RECT("6.5", "6.5", "16.5", "16.5")}},
	 SIDE *SIDE - 100,
	 SIDE *SIDE - 100,
	 SIDE *SIDE,
	 {.holes = 1, .clipped = 1}},
};

static void has_notes(const struct region_notes *got, const struct region_notes *want,
		      const char *name)
{
	struct region_notes counts = *got;

	counts.area_q16 = want->area_q16; /* t_region's */
	ck_assert_msg(memcmp(&counts, want, sizeof(counts)) == 0,
		      "%s: holes %u islands %u overlaps %u duplicates %u empty %u mixed %u clipped "
		      "%u outside %u unresolved %u",
		      name, got->holes, got->islands, got->overlaps, got->duplicates, got->empty,
		      got->mixed_types, got->clipped, got->outside, got->unresolved);
}

static void check_policy(const struct policy *c, enum edge_rule edge, enum nesting_rule nesting,
			 uint64_t want)
{
	struct roi_spec roi = {.number = 1, .contours = c->contours};
	struct fixture *f = fixture_open();
	struct painter p;

	while (roi.contour_count < 3 && c->contours[roi.contour_count].data != NULL)
		roi.contour_count++;
	f->options.edge_rule = edge;
	f->options.nesting_rule = nesting;
	fixture_image(f, &(struct image_spec){.rows = SIDE, .cols = SIDE});
	fixture_plan(f, &(struct set_spec){.series = {"1.3.1"}, .rois = &roi, .roi_count = 1});
	ck_assert_int_eq(painter_open(&p, &f->plan, NULL), OK);

	struct mask m = mask_for(&f->plan, 0);
	for (int again = 0; again < 2; again++) { /* the second time with room to clip */
		mask_set(&m, 0, 0, SIDE);         /* to be overwritten */
		paint(&p, 0, &m);
		ck_assert_msg(mask_count(&m) == want, "%s: %u pixels, not %u", c->name,
			      (unsigned)mask_count(&m), (unsigned)want);
		if (nesting == NESTED_HOLE)
			has_notes(&p.notes, &c->notes, c->name);
	}
	mask_free(&m);
	painter_close(&p);
	fixture_close(f);
}

START_TEST(policy)
{
	const struct policy *c = &policies[_i];

	check_policy(c, EDGE_INCLUSIVE, NESTED_HOLE, c->inclusive);
	check_policy(c, EDGE_HALF_OPEN, NESTED_HOLE, c->half_open);
	check_policy(c, EDGE_INCLUSIVE, NESTED_UNION, c->nested_union);
}
END_TEST

/* ---- Long ones ---- */

/* A circle of 20,000 points, over a megabyte of text. */
START_TEST(contour_data_over_64_kib)
{
	struct fixture *f = fixture_open();
	struct buf text = BUF_INIT(4u << 20);
	const double radius = 200, centre = 250;
	struct painter p;

	for (int i = 0; i < 20000; i++) {
		double angle = i * (2 * 3.14159265358979323846 / 20000);
		buf_fmt(&text, "%s%.12f\\%.12f\\0.000000000000000000", i > 0 ? "\\" : "",
			centre + radius * cos(angle), centre + radius * sin(angle));
	}
	ck_assert_uint_gt(text.len, 1 << 20);
	const struct contour_spec contour = {.data = (const char *)text.at};
	const struct roi_spec roi = {.number = 1, .contours = &contour, .contour_count = 1};
	fixture_image(f, &(struct image_spec){.rows = 512, .cols = 512});
	fixture_plan(
		f, &(struct set_spec){
			   .series = {"1.3.1"}, .rois = &roi, .roi_count = 1, .implicit = _i == 1});
	ck_assert_int_eq(painter_open(&p, &f->plan, NULL), OK);

	struct mask m = mask_for(&f->plan, 0);
	paint(&p, 0, &m);
	for (uint32_t r = 0; r < 512; r++)
		for (uint32_t c = 0; c < 512; c++) {
			double off = hypot(c - centre, r - centre) - radius;

			must((off < -0.001 && mask_get(&m, c, r)) ||
				     (off > 0.001 && !mask_get(&m, c, r)) || fabs(off) <= 0.001,
			     "%u, %u", c, r);
		}
	mask_free(&m);
	buf_free(&text);
	painter_close(&p);
	fixture_close(f);
}
END_TEST

/* ---- Several ROIs ---- */

START_TEST(rois_of_a_plane)
{
	static const struct contour_spec large[] = {{.data = RECT("1.5", "1.5", "21.5", "21.5")}};
	static const struct contour_spec small[] = {
		{.data = RECT("2.5", "2.5", "3.5", "3.5")},
		{.data = "1.5\\1.5\\3\\2.5\\1.5\\3\\2.5\\2.5\\3\\1.5\\2.5\\3"},
	};
	static const struct roi_spec rois[] = {
		{.number = 9, .contours = large, .contour_count = 1},
		{.number = 8},
		{.number = 7, .contours = small, .contour_count = 2},
	};
	struct fixture *f = fixture_open();
	struct painter p;

	fixture_stack(f, "6 3 0", (struct image_spec){.rows = SIDE, .cols = SIDE});
	fixture_image(f, &(struct image_spec){.sop = "1.2.9", .position = ""});
	fixture_plan(f, &(struct set_spec){.series = {"1.3.1"}, .rois = rois, .roi_count = 3});
	const struct rt_plan *plan = &f->plan;
	ck_assert_uint_eq(rt_plane_roi_count(plan, 0), 2);
	ck_assert_uint_eq(rt_plane_roi(plan, 0, 0), 0);
	ck_assert_uint_eq(rt_plane_roi(plan, 0, 1), 2);
	ck_assert_uint_eq(rt_plane_roi_count(plan, 1), 1);
	ck_assert_uint_eq(rt_plane_roi(plan, 1, 0), 2);
	ck_assert_uint_eq(rt_plane_roi_count(plan, 2), 0);
	ck_assert_uint_eq(rt_plane_roi_count(plan, 3), 0); /* the one without a place */

	ck_assert_int_eq(painter_open(&p, plan, NULL), OK);
	struct mask m = mask_for(plan, 0);
	ck_assert_int_eq(rt_paint_roi(&p, 0, 0, &m, NULL), OK);
	ck_assert_uint_eq(mask_count(&m), 400);
	ck_assert_int_eq(rt_paint_roi(&p, 0, 1, &m, NULL), OK);
	ck_assert_uint_eq(mask_count(&m), 1); /* of the larger one nothing is left */
	ck_assert(mask_get(&m, 3, 3));
	ck_assert_int_eq(rt_paint_roi(&p, 1, 0, &m, NULL), OK);
	ck_assert_uint_eq(mask_count(&m), 1);
	ck_assert(mask_get(&m, 2, 2));
	mask_free(&m);
	painter_close(&p);
	fixture_close(f);
}
END_TEST

/* ---- What goes wrong ---- */

static const struct {
	const char *name, *now; /* as long as the text that was planned */
	enum err e;
} changes[] = {
	{"nothing", "1\\1\\0\\5\\1\\0\\5\\5\\0\\1\\5\\0\\          ", OK},
	{"one point less", "1\\1\\0\\5\\1\\0\\5\\5\\0                 ", ERR_WIRE},
	{"one point more", "1\\1\\0\\5\\1\\0\\5\\5\\0\\1\\5\\0\\1\\4\\0     ", ERR_WIRE},
	{"one number less", "1\\1\\0\\5\\1\\0\\5\\5\\0\\1\\5             ", ERR_WIRE},
	{"no number", "1\\1\\0\\5\\1\\0\\5\\x\\0\\1\\5\\0           ", ERR_WIRE},
	{"no data", "                                  ", ERR_WIRE},
};

START_TEST(data_that_change)
{
	static const struct contour_spec contour = {
		.data = "1\\1\\0\\5\\1\\0\\5\\5\\0\\1\\5\\0           "};
	static const struct roi_spec roi = {.number = 1, .contours = &contour, .contour_count = 1};
	struct fixture *f = fixture_open();
	struct fault fault = {0};
	struct painter p;

	fixture_image(f, &(struct image_spec){0});
	fixture_plan(f, &(struct set_spec){.series = {"1.3.1"}, .rois = &roi, .roi_count = 1});
	ck_assert_int_eq(painter_open(&p, &f->plan, NULL), OK);
	struct mask m = mask_for(&f->plan, 0);
	paint(&p, 0, &m);
	ck_assert_uint_eq(mask_count(&m), 25);

	struct bytes *data = &f->set.contours[0].data;
	ck_assert_uint_eq(data->len, strlen(changes[_i].now));
	memcpy(f->data.at + (data->at - f->data.at), changes[_i].now, data->len);
	enum err e = rt_paint_roi(&p, 0, 0, &m, &fault);
	ck_assert_msg(e == changes[_i].e, "%s: %d", changes[_i].name, e);
	ck_assert_int_eq(fault.code, e);
	mask_free(&m);
	painter_close(&p);
	fixture_close(f);
}
END_TEST

START_TEST(too_many_points_for_memory)
{
	static const struct contour_spec contour = {.data = RECT("1", "1", "5", "5")};
	static const struct roi_spec roi = {.number = 1, .contours = &contour, .contour_count = 1};
	struct fixture *f = fixture_open();
	struct fault fault = {0};
	struct painter p;

	fixture_image(f, &(struct image_spec){0});
	fixture_plan(f, &(struct set_spec){.series = {"1.3.1"}, .rois = &roi, .roi_count = 1});
	f->plan.groups[0].points = 1ull << 40;
	ck_assert_int_eq(painter_open(&p, &f->plan, &fault), ERR_LIMIT);
	ck_assert_int_eq(fault.code, ERR_LIMIT);
	painter_close(&p);
	painter_close(&p); /* again does no harm */
	fixture_close(f);
}
END_TEST

START_TEST(nothing_to_paint)
{
	struct fixture *f = fixture_open();
	struct painter p;

	fixture_image(f, &(struct image_spec){0});
	fixture_plan(f, &(struct set_spec){.series = {"1.3.1"}});
	ck_assert_int_eq(f->e, ERR_UNUSABLE);
	ck_assert_uint_eq(rt_plane_roi_count(&f->plan, 0), 0);
	ck_assert_int_eq(painter_open(&p, &f->plan, NULL), OK);
	painter_close(&p);
	fixture_close(f);
}
END_TEST

Suite *suite_rt_paint(void)
{
	Suite *s = suite_create("rt_paint");
	TCase *c = tcase_create("rt_paint");

	tcase_add_loop_test(c, the_same_voxels_in_any_orientation, 0, COUNT(bodies) * WAYS);
	tcase_add_loop_test(c, real_directions, 0, COUNT(directions));
	tcase_add_test(c, pixels_that_are_not_square);
	tcase_add_test(c, gantry_tilt);
	tcase_add_test(c, sizes_that_differ);
	tcase_add_loop_test(c, policy, 0, COUNT(policies));
	tcase_add_loop_test(c, contour_data_over_64_kib, 0, 2);
	tcase_add_test(c, rois_of_a_plane);
	tcase_add_loop_test(c, data_that_change, 0, COUNT(changes));
	tcase_add_test(c, too_many_points_for_memory);
	tcase_add_test(c, nothing_to_paint);
	suite_add_tcase(s, c);
	return s;
}
