/*
 * Images in patient space: what is read, what is refused, and the affine both ways.
 */
#include <math.h>

#include "dicom/number.h"
#include "support/rt_make.h"

Suite *suite_rt_image(void);

#define MM PM_PER_MM

/* ---- Reading ---- */

static const struct {
	const char *name;
	struct image_spec spec;
	const char *unusable; /* part of the reason; NULL: it has a place */
} places[] = {
	{"plain", {0}, NULL},
	{"one frame, said so", {.frames = "1"}, NULL},
	{"number of frames that is no number", {.frames = "x"}, NULL},
	{"two frames", {.frames = "2"}, "frames"},
	{"enhanced, of one frame", {.sop_class = "1.2.840.10008.5.1.4.1.1.4.1"}, "enhanced"},
	{"enhanced, its name longer", {.sop_class = "1.2.840.10008.5.1.4.1.1.4.1.9"}, NULL},
	{"frames beyond 32 bits", {.frames = "99999999999"}, "frames"},
	{"no position", {.position = ""}, "Position"},
	{"two numbers for a position", {.position = "0\\0"}, "Position"},
	{"a position that is no number", {.position = "0\\a\\0"}, "Position"},
	{"a position that is empty inside", {.position = "0\\\\0"}, "Position"},
	{"blanks and exponents", {.position = " 1.5E+01 \\ -0 \\+2. "}, NULL},
	{"no orientation", {.orientation = ""}, "Orientation"},
	{"five numbers for an orientation", {.orientation = "1\\0\\0\\0\\1"}, "Orientation"},
	{"no direction", {.orientation = "0\\0\\0\\0\\1\\0"}, "Orientation"},
	{"not a unit vector", {.orientation = "1.01\\0\\0\\0\\1\\0"}, "Orientation"},
	{"not perpendicular", {.orientation = "1\\0\\0\\0.01\\0.99995\\0"}, "Orientation"},
	{"parallel", {.orientation = "1\\0\\0\\1\\0\\0"}, "Orientation"},
	{"three decimals", {.orientation = "1\\0\\0\\0\\0.999\\-0.036"}, NULL},
	{"no spacing", {.spacing = ""}, "Spacing"},
	{"one spacing", {.spacing = "1"}, "Spacing"},
	{"zero spacing", {.spacing = "1\\0"}, "Spacing"},
	{"negative spacing", {.spacing = "-1\\1"}, "Spacing"},
	{"no frame of reference", {.frame = ""}, NULL},
	{"no thickness", {.thickness = ""}, NULL},
	{"negative thickness", {.thickness = "-3"}, NULL},
};

START_TEST(reads_place)
{
	struct rt_image m = make_image(&places[_i].spec);

	if (places[_i].unusable == NULL) {
		ck_assert_msg(m.unusable == NULL, "%s: %s", places[_i].name, m.unusable);
		return;
	}
	ck_assert_msg(m.unusable != NULL, "%s", places[_i].name);
	ck_assert_msg(strstr(m.unusable, places[_i].unusable) != NULL, "%s: %s", places[_i].name,
		      m.unusable);
}
END_TEST

START_TEST(reads_everything)
{
	const struct image_spec spec = {
		.sop = "1.2.77",
		.series = "1.3.77",
		.frame = "1.4.77",
		.position = "-10.5\\20\\1.25",
		.orientation = "0\\1\\0\\0\\0\\-1",
		.spacing = "2.5\\0.75",
		.thickness = "1.5",
		.modality = "MR",
		.rows = 40,
		.cols = 30,
	};
	struct rt_image m = make_image(&spec);

	ck_assert_str_eq(m.sop_class.text, CT_CLASS);
	ck_assert_str_eq(m.sop_instance.text, "1.2.77");
	ck_assert_str_eq(m.series.text, "1.3.77");
	ck_assert_str_eq(m.frame.text, "1.4.77");
	ck_assert_str_eq(m.modality, "MR");
	ck_assert_uint_eq(m.rows, 40);
	ck_assert_uint_eq(m.cols, 30);
	ck_assert_uint_eq(m.frames, 1);
	ck_assert_int_eq(m.position_pm[0], -10500000000);
	ck_assert_int_eq(m.position_pm[1], 20 * MM);
	ck_assert_int_eq(m.position_pm[2], 1250000000);
	ck_assert_int_eq(m.row_spacing_pm, 2500000000); /* the first value is from row to row */
	ck_assert_int_eq(m.col_spacing_pm, 750000000);
	ck_assert_int_eq(m.thickness_pm, 1500000000);
	/* (0,1,0) x (0,0,-1) */
	ck_assert(m.normal[0] == -1 && m.normal[1] == 0 && m.normal[2] == 0);
	ck_assert(m.along_mm == 10.5);
}
END_TEST

static const struct {
	const char *name;
	struct image_spec spec;
} no_images[] = {
	{"no SOP Instance UID", {.sop = ""}},
	{"a SOP Instance UID that is none", {.sop = "../../etc"}},
	{"no rows", {.no_rows = true}},
	{"no columns", {.no_cols = true}},
};

START_TEST(refuses)
{
	struct rt_image m = {.rows = 4711};
	struct fault f = {0};

	ck_assert_msg(read_image(&m, &no_images[_i].spec, &f) == ERR_UNUSABLE, "%s",
		      no_images[_i].name);
	ck_assert_int_eq(f.code, ERR_UNUSABLE);
	ck_assert_uint_eq(m.rows, 4711); /* untouched */
}
END_TEST

/* ---- The affine ---- */

/* PS3.3 C.7.6.2.1.1, the other way round. */
static void to_patient(const struct rt_image *m, double col, double row, int64_t out[static 3])
{
	for (int i = 0; i < 3; i++) {
		double mm = m->row_dir[i] * col * (double)m->col_spacing_pm +
			    m->col_dir[i] * row * (double)m->row_spacing_pm;
		out[i] = m->position_pm[i] + llround(mm);
	}
}

static const char *const orientations[] = {
	"1\\0\\0\\0\\1\\0",
	"-1\\0\\0\\0\\-1\\0",
	"-1\\0\\0\\0\\1\\0",
	"0\\1\\0\\-1\\0\\0",
	"0\\1\\0\\0\\0\\-1",
	"1\\0\\0\\0\\0\\-1",
	"0.48\\0.64\\0.6\\-0.8\\0.6\\0",
	".9541666\\-.2080757\\.2151061\\.2785886\\.880128\\-.3843997",
	"9.9999259e-1\\-1.3708655e-4\\-3.8477941e-3\\-4.7003478e-8\\9.9936552e-1\\-3.5616921e-2",
	"1\\0\\0\\0\\0.999\\-0.036",
};

START_TEST(there_and_back)
{
	struct rt_image m = make_image(&(struct image_spec){
		.position = "-123.4567\\98.765\\-1000.125",
		.orientation = orientations[_i],
		.spacing = "1.171875\\0.48828125",
		.rows = 512,
		.cols = 512,
	});

	ck_assert(m.unusable == NULL);
	for (int row = -3; row < 520; row += 37) {
		for (int col = -3; col < 520; col += 41) {
			int64_t p[3];
			double c, r;

			to_patient(&m, col, row, p);
			rt_image_to_pixel(&m, p, &c, &r);
			/* a picometre is 1e-9 pixels and some */
			ck_assert_msg(fabs(c - col) < 1e-7 && fabs(r - row) < 1e-7,
				      "%s: %d, %d gives %.12g, %.12g", orientations[_i], col, row,
				      c, r);
			ck_assert(fabs(rt_image_distance_mm(&m, p)) < 1e-6);
		}
	}
}
END_TEST

/* Along the axes each index is one correctly rounded division, whatever the position. */
START_TEST(axes_are_exact)
{
	struct rt_image m = make_image(&(struct image_spec){
		.position = "-249.51171875\\-249.51171875\\7",
		.spacing = "0.9765625\\0.9765625",
	});

	for (int64_t i = -2000; i < 2000; i++) {
		/* quarters of a pixel are whole picometres, and exact in binary */
		const int64_t p[3] = {m.position_pm[0] + i * (976562500 / 4),
				      m.position_pm[1] - 3 * 976562500ll, 7 * MM};
		double c, r;

		rt_image_to_pixel(&m, p, &c, &r);
		ck_assert_msg(c == (double)i / 4 && r == -3, "%lld: %.17g, %.17g", (long long)i, c,
			      r);
	}
}
END_TEST

START_TEST(swapped_spacings_differ)
{
	struct rt_image m = make_image(&(struct image_spec){.spacing = "2\\0.5"});
	const int64_t p[3] = {10 * MM, 10 * MM, 0};
	double c, r;

	rt_image_to_pixel(&m, p, &c, &r);
	ck_assert(c == 20 && r == 5);
}
END_TEST

START_TEST(distance_has_a_sign)
{
	struct rt_image m = make_image(&(struct image_spec){
		.position = "1\\2\\3", .orientation = "0\\1\\0\\1\\0\\0"}); /* normal 0 0 -1 */
	const int64_t above[3] = {50 * MM, -7 * MM, 5 * MM}, below[3] = {0, 0, MM};

	ck_assert(rt_image_distance_mm(&m, above) == -2);
	ck_assert(rt_image_distance_mm(&m, below) == 2);
}
END_TEST

START_TEST(no_overflow)
{
	struct rt_image m = make_image(&(struct image_spec){.position = "9.2e9\\-9.2e9\\9.2e9"});
	const int64_t p[3] = {INT64_MIN, INT64_MAX, INT64_MIN};
	double c, r;

	ck_assert(m.unusable == NULL);
	rt_image_to_pixel(&m, p, &c, &r);
	ck_assert(fabs(c + 18.4e9) < 1e8 && fabs(r - 18.4e9) < 1e8);
	ck_assert(fabs(rt_image_distance_mm(&m, p) + 18.4e9) < 1e8);
	ck_assert(rt_minus_pm(INT64_MAX, -1) == 0x1p63);
	ck_assert(rt_minus_pm(5, 7) == -2);
}
END_TEST

/* ---- Letters ---- */

static const struct {
	double direction[3];
	const char *want;
} letters[] = {
	{{1, 0, 0}, "L"},         {{-1, 0, 0}, "R"},
	{{0, 1, 0}, "P"},         {{0, -1, 0}, "A"},
	{{0, 0, 1}, "H"},         {{0, 0, -1}, "F"},
	{{0.97, 0.2431, 0}, "L"}, {{0.96, 0.28, 0}, "LP"},
	{{-0.6, 0, 0.8}, "HR"},   {{0.48, 0.64, -0.6}, "PFL"},
	{{0.1, -0.99, 0.1}, "A"},
};

START_TEST(test_letters)
{
	char got[4];

	rt_direction_letters(letters[_i].direction, got);
	ck_assert_str_eq(got, letters[_i].want);
}
END_TEST

Suite *suite_rt_image(void)
{
	Suite *s = suite_create("rt_image");
	TCase *c = tcase_create("rt_image");

	tcase_add_loop_test(c, reads_place, 0, COUNT(places));
	tcase_add_test(c, reads_everything);
	tcase_add_loop_test(c, refuses, 0, COUNT(no_images));
	tcase_add_loop_test(c, there_and_back, 0, COUNT(orientations));
	tcase_add_test(c, axes_are_exact);
	tcase_add_test(c, swapped_spacings_differ);
	tcase_add_test(c, distance_has_a_sign);
	tcase_add_test(c, no_overflow);
	tcase_add_loop_test(c, test_letters, 0, (int)(sizeof(letters) / sizeof(letters[0])));
	suite_add_tcase(s, c);
	return s;
}
