/*
 * Which contour goes on which image, and what is said about the rest.
 *
 * Most of it is a table of small studies: axial slices 1, 2, 3 ... of 16x16 mm at the heights of
 * `stack`, and one ROI of squares.  Expected are ALL notes and ALL places, as the texts that
 * rt_fixture.h describes.
 */
#include <math.h>

#include "dicom/number.h"
#include "support/rt_fixture.h"
#include "support/support.h"

Suite *suite_rt_plan(void);

#define SQ(z) "1\\1\\" z "\\5\\1\\" z "\\5\\5\\" z "\\1\\5\\" z
#define AT(z) .data = SQ(z)
#define LIST(type, ...) \
	((const type[]){__VA_ARGS__}), sizeof((const type[]){__VA_ARGS__}) / sizeof(type)
#define CONTOURS(...) LIST(struct contour_spec, __VA_ARGS__)
#define ROIS(...) LIST(struct roi_spec, __VA_ARGS__)
#define IMAGES(...) LIST(struct image_spec, __VA_ARGS__)

/* A study of one ROI. */
struct one_roi {
	const char *name;
	const char *stack, *thickness;
	const struct contour_spec *contours;
	size_t contour_count;
	const char *places, *notes; /* notes: of the study, and of ROI 0 */
};

static void expect(const struct fixture *f, const char *name, const char *places, const char *notes)
{
	struct buf got = BUF_INIT(1u << 20);

	print_places(&f->plan, &got);
	ck_assert_msg(bytes_eq_str(buf_bytes(&got), places), "%s: placed \"%s\", not \"%s\"", name,
		      got.at != NULL ? (const char *)got.at : "", places);
	buf_free(&got);
	print_notes(&f->plan, &got);
	ck_assert_msg(bytes_eq_str(buf_bytes(&got), notes), "%s: notes \"%s\", not \"%s\"", name,
		      got.at != NULL ? (const char *)got.at : "", notes);
	buf_free(&got);
}

static void run_one_roi(const struct one_roi *c)
{
	struct fixture *f = fixture_open();
	const struct roi_spec roi = {
		.number = 1,
		.name = "A",
		.type = "",
		.contours = c->contours,
		.contour_count = c->contour_count,
	};

	fixture_stack(f, c->stack, (struct image_spec){.thickness = c->thickness});
	fixture_plan(f, &(struct set_spec){.series = {"1.3.1"}, .rois = &roi, .roi_count = 1});
	expect(f, c->name, c->places, c->notes);
	fixture_close(f);
}

/* ---- The nearest plane ---- */

static const struct one_roi places[] = {
	{"on its plane, named", "0 3 6", NULL, CONTOURS({AT("3"), .image = "1.2.2"}),
	 "1: 2:0 3:", ""},
	{"on its plane, naming none", "0 3 6", NULL, CONTOURS({AT("3")}),
	 "1: 2:0 3:", "R0:no-image-reference=1"},
	{"images in any order", "6 0 3", NULL, CONTOURS({AT("3"), .image = "1.2.3"}),
	 "2: 3:0 1:", ""},
	{"off its plane by a rounding", "0 3 6", NULL, CONTOURS({AT("3.1"), .image = "1.2.2"}),
	 "1: 2:0 3:", ""},
	{"a bit off its plane", "0 3 6", NULL, CONTOURS({AT("3.11"), .image = "1.2.2"}),
	 "1: 2:0 3:", "R0:off-plane-a-bit=1(0.11)"},
	{"halfway: the one that it names", "0 3 6", NULL, CONTOURS({AT("4.5"), .image = "1.2.3"}),
	 "1: 2: 3:0", "R0:off-plane-a-bit=1(1.5)"},
	{"halfway, naming none: the first", "0 3 6", NULL, CONTOURS({AT("4.5")}),
	 "1: 2:0 3:", "R0:no-image-reference=1 R0:off-plane-a-bit=1(1.5)"},
	{"halfway but for a micrometre", "0 3 6", NULL, CONTOURS({AT("4.501")}), "1: 2: 3:0",
	 "R0:no-image-reference=1 R0:off-plane-a-bit=1(1.499)"},
	{"names another: geometry wins", "0 3 6", NULL, CONTOURS({AT("3"), .image = "1.2.1"}),
	 "1: 2:0 3:", "R0:uid-disagrees=1"},
	{"names none of them", "0 3 6", NULL, CONTOURS({AT("3"), .image = "1.2.99"}),
	 "1: 2:0 3:", "R0:uid-unknown=1"},
	{"names several: geometry", "0 3 6", NULL,
	 CONTOURS({AT("3"), .image = "1.2.1", .second_image = "1.2.2"}), "1: 2:0 3:", ""},
	{"within the configured tolerance", "0 10 20", "10", CONTOURS({AT("11.5")}),
	 "1: 2:0 3:", "R0:no-image-reference=1 R0:off-plane-a-bit=1(1.5)"},
	{"beyond the configured tolerance", "0 10 20", "10", CONTOURS({AT("11.501")}),
	 "1: 2: 3:", "R0:off-planes=1(1.501)"},
	{"named, beyond the configured tolerance", "0 10 20", "10",
	 CONTOURS({AT("11.501"), .image = "1.2.2"}), "1: 2: 3:", "R0:off-planes=1(1.501)"},
	{"within half the spacing, above the last", "0 2 4", NULL, CONTOURS({AT("5")}), "1: 2: 3:0",
	 "R0:no-image-reference=1 R0:off-plane-a-bit=1(1)"},
	{"above the last", "0 2 4", NULL, CONTOURS({AT("5.001")}),
	 "1: 2: 3:", "R0:off-planes=1(1.001)"},
	{"below the first", "0 2 4", NULL, CONTOURS({AT("-1.001")}),
	 "1: 2: 3:", "R0:off-planes=1(1.001)"},
	{"within half the spacing, below the first", "0 2 4", NULL, CONTOURS({AT("-1")}),
	 "1:0 2: 3:", "R0:no-image-reference=1 R0:off-plane-a-bit=1(1)"},
	{"far away", "0 2 4", NULL, CONTOURS({AT("999999")}), "1: 2: 3:", "R0:off-planes=1(1e+06)"},
	{"one slice: half its thickness", "7", "2", CONTOURS({AT("8")}, {AT("8.001")}), "1:0",
	 "R0:off-planes=1(1.001) R0:no-image-reference=1 R0:off-plane-a-bit=1(1)"},
	{"one slice without thickness: the configured", "7", "",
	 CONTOURS({AT("8.5")}, {AT("8.51")}), "1:0",
	 "R0:off-planes=1(1.51) R0:no-image-reference=1 R0:off-plane-a-bit=1(1.5)"},
	{"thin slices far apart: half the thickness", "0 5 10", "1",
	 CONTOURS({AT("5.5")}, {AT("0.51")}),
	 "1: 2:0 3:", "R0:off-planes=1(0.51) R0:no-image-reference=1 R0:off-plane-a-bit=1(0.5)"},
	{"thick slices that overlap: half the spacing", "0 2 4", "5",
	 CONTOURS({AT("2.9")}, {AT("5.01")}),
	 "1: 2:0 3:", "R0:off-planes=1(1.01) R0:no-image-reference=1 R0:off-plane-a-bit=1(0.9)"},
	{"a slice is missing: its contour is on no neighbour", "0 2 4 8 10", NULL,
	 CONTOURS({AT("4")}, {AT("6")}, {AT("8")}, {AT("5.001")}, {AT("6.999")}),
	 "1: 2: 3:0 4:2 5:", "gap=1(4) R0:off-planes=3(2) R0:no-image-reference=2"},
	{"two gaps", "0 2 4 8 10 12 20 22", NULL, CONTOURS({AT("0")}),
	 "1:0 2: 3: 4: 5: 6: 7: 8:", "gap=2(8) R0:no-image-reference=1"},
	{"uneven, but no gap", "0 2 5 7", NULL, CONTOURS({AT("3")}, {AT("3.01")}), "1: 2:0 3: 4:",
	 "uneven-spacing=1(1) R0:off-planes=1(1.01) R0:no-image-reference=1 "
	 "R0:off-plane-a-bit=1(1)"},
};

START_TEST(the_nearest_plane)
{
	run_one_roi(&places[_i]);
}
END_TEST

/* ---- Levels ---- */

static const struct one_roi levels[] = {
	{"two contours on a slice", "0 3 6", NULL, CONTOURS({AT("3")}, {AT("3")}),
	 "1: 2:0,1 3:", "R0:no-image-reference=2"},
	{"a contour between: the nearer one", "0 3 6", NULL, CONTOURS({AT("4")}, {AT("3")}),
	 "1: 2:1 3:", "R0:not-nearest=1(1) R0:no-image-reference=1"},
	{"equally near: the lower", "0 3 6", NULL, CONTOURS({AT("4")}, {AT("2")}),
	 "1: 2:1 3:", "R0:not-nearest=1(1) R0:no-image-reference=1 R0:off-plane-a-bit=1(1)"},
	{"contours every millimetre, slices every three", "0 3 6", NULL,
	 CONTOURS({AT("0")}, {AT("1")}, {AT("2")}, {AT("3")}, {AT("4")}, {AT("5")}, {AT("6")}),
	 "1:0 2:3 3:6", "R0:not-nearest=4(1) R0:no-image-reference=3"},
	{"levels within a rounding are one", "0 3 6", NULL,
	 CONTOURS({AT("3")}, {AT("3.2")}, {AT("2.8")}, {AT("3.201")}), "1: 2:0,1,2 3:",
	 "R0:not-nearest=1(0.201) R0:no-image-reference=3 R0:off-plane-a-bit=2(0.2)"},
	{"a quarter of a narrow spacing", "0 0.4 0.8", "0.4",
	 CONTOURS({AT("0.4")}, {AT("0.5")}, {AT("0.29")}),
	 "1: 2:0,1 3:", "R0:not-nearest=1(0.11) R0:no-image-reference=2"},
	{"both off, of one level", "0 3 6", NULL, CONTOURS({AT("4")}, {AT("4.1")}),
	 "1: 2:0,1 3:", "R0:no-image-reference=2 R0:off-plane-a-bit=2(1.1)"},
};

START_TEST(one_level_a_plane)
{
	run_one_roi(&levels[_i]);
}
END_TEST

/* ---- Types and data ---- */

static const struct one_roi kinds[] = {
	{"points and open contours have no area", "0 3", NULL,
	 CONTOURS({AT("0"), .type = "OPEN_PLANAR", .image = "1.2.1"},
		  {AT("0"), .type = "OPEN_NONPLANAR", .image = "1.2.1"},
		  {.data = "1\\1\\0", .type = "POINT", .image = "1.2.1"},
		  {AT("3"), .image = "1.2.2"}),
	 "1: 2:3", "R0:no-area-type=3"},
	{"unknown types", "0 3", NULL,
	 CONTOURS({AT("0"), .type = "", .image = "1.2.1"},
		  {AT("0"), .type = "CLOSED_PLANARX", .image = "1.2.1"},
		  {AT("0"), .type = "CLOSED", .image = "1.2.1"}, {AT("3"), .image = "1.2.2"}),
	 "1: 2:3", "R0:unknown-type=3"},
	{"types that enclose", "0 3", NULL,
	 CONTOURS({AT("0"), .type = "CLOSEDPLANAR_XOR", .image = "1.2.1"},
		  {AT("3"), .type = "INTERPOLATED_PLANAR", .image = "1.2.2"}),
	 "1:0 2:1", "R0:interpolated=1"},
	{"nothing but points", "0 3", NULL, CONTOURS({.data = "1\\1\\0", .type = "POINT"}),
	 "1: 2:", "R0:no-area-type=1"},
	{"too few points", "0 3", NULL,
	 CONTOURS({.data = "1\\1\\0\\2\\2\\0"}, {.data = "1\\1\\0"}, {.data = ""}, {.data = NULL},
		  {AT("3"), .image = "1.2.2"}),
	 "1: 2:4", "R0:too-few-points=4"},
	{"no list of points", "0 3", NULL,
	 CONTOURS({AT("0") "\\1"}, {AT("0") "\\1\\2"}, {.data = "1\\1\\0\\5\\x\\0\\5\\5\\0"},
		  {.data = "nonsense"}, {.data = "1\\1\\0\\5\\\\0\\5\\5\\0"},
		  {.data = "1\\1\\0\\nan\\1\\0\\5\\5\\0"}, {.data = "1\\1\\0\\5\\1\\0\\inf\\5\\0"},
		  {.data = "1\\1\\0\\1e300\\1\\0\\5\\5\\0"},
		  {.data = "1\\1\\0\\1000001\\1\\0\\5\\5\\0"}, {AT("3"), .image = "1.2.2"}),
	 "1: 2:9", "R0:bad-data=9"},
	{"a trailing backslash, blanks, exponents", "0 3", NULL,
	 CONTOURS({.data = " 1 \\+1.\\0\\5e0\\1\\-0 \\ 5\\5\\0\\",
		   .image = "1.2.1",
		   .declared = "3"}),
	 "1:0 2:", ""},
	{"Number of Contour Points", "0 3", NULL,
	 CONTOURS({AT("0"), .image = "1.2.1", .declared = "3"},
		  {AT("0"), .image = "1.2.1", .declared = ""},
		  {AT("3"), .image = "1.2.2", .declared = "0"}),
	 "1:0,1 2:2", "R0:point-count=2"},
	{"Contour Offset Vector", "0 3", NULL,
	 CONTOURS({AT("0"), .image = "1.2.1", .offset = "0\\0\\1.5"},
		  {AT("3"), .image = "1.2.2", .offset = "0\\0\\0"}),
	 "1:0 2:1", "R0:offset-vector=1"},
	{"not parallel to the planes", "0 3", NULL,
	 CONTOURS({.data = "1\\1\\0\\5\\1\\0\\5\\5\\0.101\\1\\5\\0", .image = "1.2.1"},
		  {.data = "1\\1\\0\\5\\1\\3\\5\\5\\6", .image = "1.2.1"},
		  {AT("3"), .image = "1.2.2"}),
	 "1: 2:2", "R0:not-planar=2(6)"},
	{"parallel but for rounding", "0 3", NULL,
	 CONTOURS({.data = "1\\1\\-0.05\\5\\1\\0\\5\\5\\0.05\\1\\5\\0", .image = "1.2.1"}),
	 "1:0 2:", ""},
	{"standing upright", "0 3", NULL,
	 CONTOURS({.data = "1\\1\\-1\\5\\1\\-1\\5\\1\\1\\1\\1\\1"}), "1: 2:", "R0:not-planar=1(2)"},
};

START_TEST(types_and_data)
{
	run_one_roi(&kinds[_i]);
}
END_TEST

Suite *suite_rt_plan(void)
{
	Suite *s = suite_create("rt_plan");
	TCase *c = tcase_create("rt_plan");

	tcase_add_loop_test(c, the_nearest_plane, 0, COUNT(places));
	tcase_add_loop_test(c, one_level_a_plane, 0, COUNT(levels));
	tcase_add_loop_test(c, types_and_data, 0, COUNT(kinds));
	suite_add_tcase(s, c);
	return s;
}
