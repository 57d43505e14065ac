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
	{"its middle decides, not its ends", "0 6", NULL,
	 CONTOURS({.data = "1\\1\\-1.54\\5\\1\\-1.5\\5\\5\\-1.46\\1\\5\\-1.5"},
		  {.data = "1\\1\\7.54\\5\\1\\7.5\\5\\5\\7.46\\1\\5\\7.5"}),
	 "1:0 2:1", "gap=1(6) R0:no-image-reference=2 R0:off-plane-a-bit=2(1.54)"},
	{"standing upright", "0 3", NULL,
	 CONTOURS({.data = "1\\1\\-1\\5\\1\\-1\\5\\1\\1\\1\\1\\1"}), "1: 2:", "R0:not-planar=1(2)"},
};

START_TEST(types_and_data)
{
	run_one_roi(&kinds[_i]);
}
END_TEST

/* ---- ROIs, series, frames, names ---- */

/* A study of anything; images: by default axial slices at 0, 3 and 6, series 1.3.1. */
struct study {
	const char *name;
	const struct image_spec *images;
	size_t image_count;
	struct set_spec set;
	const char *ignore, *only; /* names; NULL: no such filter */
	const char *series, *places, *notes;
	const char *fault; /* part of it; NULL: there is something to paint */
};

#define NO_IMAGES ((const struct image_spec *)(uintptr_t)1), 0
#define BOX(z, uid) CONTOURS({AT(z), .image = uid})
#define SLICE(n, z) .sop = "1.2." n, .position = "0\\0\\" z
#define STACK_OF_SERIES_1                     \
	{SLICE("1", "0")}, {SLICE("2", "3")}, \
	{                                     \
		SLICE("3", "6")               \
	}
/* The same places, but for the last. */
#define STACK_OF_SERIES_2                                                           \
	{SLICE("4", "0"), .series = "1.3.2"}, {SLICE("5", "3"), .series = "1.3.2"}, \
	{                                                                           \
		SLICE("6", "9"), .series = "1.3.2"                                  \
	}
#define ROI(n) .number = n, .name = "ROI " #n, .type = ""
#define BY_REFERENCE .series = {"1.3.1"}
#define AXIAL_1 "1.3.1"

static const struct study studies[] = {
	{.name = "ROIs without contours",
	 .set = {BY_REFERENCE, .rois = ROIS({ROI(1), .no_contour_item = true}, {ROI(2)},
					    {ROI(3), .contours = BOX("3", "1.2.2")})},
	 .series = AXIAL_1,
	 .places = "1: 2:0 3:",
	 .notes = "R0:no-contours=1 R1:no-contours=1"},
	{.name = "no observations, no names",
	 .set = {BY_REFERENCE,
		 .rois = ROIS({.number = 1, .contours = BOX("0", "1.2.1")},
			      {.number = 2, .name = "", .contours = BOX("3", "1.2.2")})},
	 .series = AXIAL_1,
	 .places = "1:0 2:1 3:",
	 .notes = "R0:no-name=1 R0:no-observation=1 R1:no-name=1 R1:no-observation=1"},
	{.name = "ROIs of one name",
	 .set = {BY_REFERENCE,
		 .rois = ROIS(
			 {.number = 1, .name = "A", .type = "", .contours = BOX("0", "1.2.1")},
			 {.number = 2, .name = "A", .type = "", .contours = BOX("0", "1.2.1")})},
	 .series = AXIAL_1,
	 .places = "1:0,1 2: 3:",
	 .notes = "R0:duplicate-name=1 R1:duplicate-name=1"},
	{.name = "ROIs of one number",
	 .set = {BY_REFERENCE,
		 .rois = ROIS(
			 {.number = 1, .name = "A", .type = "", .contours = BOX("0", "1.2.1")},
			 {.number = 1, .name = "B", .type = "", .contours = BOX("3", "1.2.2")})},
	 .series = AXIAL_1,
	 .places = "1:0 2:1 3:",
	 .notes = "R0:duplicate-number=1 R1:duplicate-number=1"},
	{.name = "contours of a ROI that is not defined",
	 .set = {BY_REFERENCE,
		 .rois = ROIS({ROI(1), .contours = BOX("0", "1.2.1")},
			      {.number = 7, .no_definition = true, .contours = BOX("3", "1.2.2")})},
	 .series = AXIAL_1,
	 .places = "1:0 2:1 3:",
	 .notes = "R1:no-name=1 R1:no-observation=1"},
	{.name = "one ROI is usable, one is not",
	 .set = {BY_REFERENCE, .rois = ROIS({ROI(1), .contours = BOX("99", NULL)},
					    {ROI(2), .contours = BOX("3", "1.2.2")})},
	 .series = AXIAL_1,
	 .places = "1: 2:1 3:",
	 .notes = "R0:off-planes=1(93)"},
	{.name = "no ROIs",
	 .set = {BY_REFERENCE},
	 .series = AXIAL_1,
	 .places = "1: 2: 3:",
	 .notes = "",
	 .fault = "has no ROIs"},
	{.name = "no contours at all",
	 .set = {BY_REFERENCE, .rois = ROIS({ROI(1)})},
	 .series = AXIAL_1,
	 .places = "1: 2: 3:",
	 .notes = "R0:no-contours=1",
	 .fault = "no ROI has contours"},
	{.name = "no contour on an image",
	 .set = {BY_REFERENCE, .rois = ROIS({ROI(1), .contours = BOX("99", NULL)})},
	 .series = AXIAL_1,
	 .places = "1: 2: 3:",
	 .notes = "R0:off-planes=1(93)",
	 .fault = "no contour lies on an image"},

	{.name = "a ROI in another frame of reference",
	 .set = {BY_REFERENCE, .rois = ROIS({ROI(1), .frame = "1.4.9", .contours = BOX("0", NULL)},
					    {ROI(2), .contours = BOX("3", "1.2.2")})},
	 .series = AXIAL_1,
	 .places = "1: 2:1 3:",
	 .notes = "R0:other-frame=1"},
	{.name = "a ROI in another frame of reference, which names the images it lies on",
	 .set = {BY_REFERENCE, .rois = ROIS({ROI(1), .frame = "1.4.9",
					     .contours = CONTOURS({AT("0"), .image = "1.2.1"},
								  {AT("3"), .image = "1.2.1"},
								  {AT("3"), .image = "1.2.99"})})},
	 .series = AXIAL_1,
	 .places = "1:0 2: 3:",
	 .notes = "R0:other-frame=2 R0:frame-disagrees=1"},
	{.name = "everything in another frame of reference",
	 .set = {BY_REFERENCE, .frame = "1.4.9",
		 .rois = ROIS({ROI(1), .frame = "", .contours = BOX("0", NULL)})},
	 .series = AXIAL_1,
	 .places = "1: 2: 3:",
	 .notes = "R0:other-frame=1",
	 .fault = "no contour lies"},
	{.name = "no frame of reference in the structure set",
	 .set = {BY_REFERENCE, .frame = "",
		 .rois = ROIS({ROI(1), .frame = "", .contours = BOX("0", NULL)})},
	 .series = AXIAL_1,
	 .places = "1:0 2: 3:",
	 .notes = "no-frame=1 R0:no-image-reference=1"},
	{.name = "no frame of reference in the images",
	 .images = IMAGES({SLICE("1", "0"), .frame = ""}, {SLICE("2", "3"), .frame = ""}),
	 .set = {BY_REFERENCE, .rois = ROIS({ROI(1), .contours = BOX("0", NULL)},
					    {ROI(2), .contours = BOX("3", NULL)}, {ROI(3)})},
	 .series = AXIAL_1,
	 .places = "1:0 2:1",
	 .notes = "no-frame=2 R0:no-image-reference=1 R1:no-image-reference=1 R2:no-contours=1"},
	{.name = "no frame of reference anywhere, nor any UID",
	 .images = IMAGES({SLICE("1", "0"), .frame = ""}),
	 .set = {.frame = "", .rois = ROIS({ROI(1), .frame = "", .contours = BOX("0", NULL)})},
	 .series = "",
	 .places = "",
	 .notes = "",
	 .fault = "no series is the one"},

	{.name = "the series that is referred to, whatever contours name",
	 .images = IMAGES(STACK_OF_SERIES_1, STACK_OF_SERIES_2),
	 .set = {.series = {"1.3.2"}, .rois = ROIS({ROI(1), .contours = BOX("0", "1.2.1")})},
	 .series = "1.3.2",
	 .places = "4:0 5: 6:",
	 .notes = "other-series=3 gap=1(6) R0:uid-unknown=1"},
	{.name = "time points: two series at the same places",
	 .images = IMAGES({SLICE("1", "0")}, {SLICE("2", "0"), .series = "1.3.2"},
			  {SLICE("3", "3")}, {SLICE("4", "3"), .series = "1.3.2"}),
	 .set = {.series = {"1.3.2"},
		 .rois = ROIS({ROI(1), .contours = CONTOURS({AT("0")}, {AT("3")})})},
	 .series = "1.3.2",
	 .places = "2:0 4:1",
	 .notes = "other-series=2 R0:no-image-reference=2"},
	{.name = "the series that contours name",
	 .images = IMAGES(STACK_OF_SERIES_1, STACK_OF_SERIES_2),
	 .set = {.series = {"1.3.9"},
		 .rois = ROIS({ROI(1), .contours = CONTOURS({AT("0"), .image = "1.2.4"},
							    {AT("0"), .image = "1.2.1"},
							    {AT("9"), .image = "1.2.6"})})},
	 .series = "1.3.2",
	 .places = "4:0,1 5: 6:2",
	 .notes = "series-by-uid=1 other-series=3 gap=1(6) R0:uid-unknown=1"},
	{.name = "the series that contours which have an area name",
	 .images = IMAGES(STACK_OF_SERIES_1, STACK_OF_SERIES_2),
	 .set = {.rois = ROIS({ROI(1),
			       .contours = CONTOURS(
				       {AT("0"), .image = "1.2.4"},
				       {.data = "1\\1\\0", .image = "1.2.1", .type = "POINT"},
				       {.data = "1\\1\\0", .image = "1.2.1", .type = "POINT"})})},
	 .series = "1.3.2",
	 .places = "4:0 5: 6:",
	 .notes = "series-by-uid=1 other-series=3 gap=1(6) R0:no-area-type=2"},
	{.name = "the series in whose planes contours lie",
	 .images = IMAGES(STACK_OF_SERIES_1, STACK_OF_SERIES_2),
	 .set = {.rois = ROIS({ROI(1), .contours = CONTOURS({AT("3"), .image = "1.2.99"},
							    {AT("9"), .image = "1.2.98"})})},
	 .series = "1.3.2",
	 .places = "4: 5:0 6:1",
	 .notes = "series-by-frame=1 other-series=3 gap=1(6) R0:uid-unknown=2"},
	{.name = "no series in the frame of reference",
	 .images = IMAGES({SLICE("1", "0"), .frame = "1.4.9"}),
	 .set = {.rois = ROIS({ROI(1), .contours = BOX("0", NULL)})},
	 .series = "",
	 .places = "",
	 .notes = "",
	 .fault = "no series is the one"},
	{.name = "two references: the one that contours name more",
	 .images = IMAGES(STACK_OF_SERIES_1, STACK_OF_SERIES_2),
	 .set = {.series = {"1.3.1", "1.3.2"},
		 .rois = ROIS({ROI(1), .contours = BOX("3", "1.2.5")})},
	 .series = "1.3.2",
	 .places = "4: 5:0 6:",
	 .notes = "other-series=3 gap=1(6)"},
	{.name = "two references: the one of more images",
	 .images = IMAGES({SLICE("1", "0")}, STACK_OF_SERIES_2),
	 .set = {.series = {"1.3.1", "1.3.2"}, .rois = ROIS({ROI(1), .contours = BOX("3", NULL)})},
	 .series = "1.3.2",
	 .places = "4: 5:0 6:",
	 .notes = "other-series=1 gap=1(6) R0:no-image-reference=1"},
	{.name = "two references, equal in all: the lesser UID",
	 .images = IMAGES({SLICE("5", "0"), .series = "1.3.2"}, {SLICE("6", "0")}),
	 .set = {.series = {"1.3.2", "1.3.1"}, .rois = ROIS({ROI(1), .contours = BOX("0", NULL)})},
	 .series = "1.3.1",
	 .places = "6:0",
	 .notes = "other-series=1 R0:no-image-reference=1"},
	{.name = "the series referred to has no place in space",
	 .images = IMAGES(STACK_OF_SERIES_1, {SLICE("4", ""), .series = "1.3.2"}),
	 .set = {.series = {"1.3.2"}, .rois = ROIS({ROI(1), .contours = BOX("0", "1.2.1")})},
	 .series = "1.3.1",
	 .places = "1:0 2: 3:",
	 .notes = "series-by-uid=1 other-series=1"},

	{.name = "an image twice",
	 .images = IMAGES(STACK_OF_SERIES_1, {SLICE("2", "3")}),
	 .set = {BY_REFERENCE, .rois = ROIS({ROI(1), .contours = BOX("3", NULL)})},
	 .series = AXIAL_1,
	 .places = "1: 2:0 3:",
	 .notes = "R0:no-image-reference=1"},
	{.name = "two images at one place",
	 .images = IMAGES(STACK_OF_SERIES_1, {SLICE("4", "3.0005")}),
	 .set = {BY_REFERENCE,
		 .rois = ROIS({ROI(1), .contours = CONTOURS(
					       {AT("3")}, {AT("3"), .image = "1.2.4"},
					       {AT("3"), .image = "1.2.2", .second_image = "1.2.4"},
					       {AT("3"), .image = "1.2.1"})})},
	 .series = AXIAL_1,
	 .places = "1: 2:0,2,3 4:0,1,2,3 3:",
	 .notes = "R0:uid-disagrees=1 R0:no-image-reference=1 R0:same-position=3"},
	{.name = "an image without a place",
	 .images = IMAGES(STACK_OF_SERIES_1, {.sop = "1.2.0", .position = ""}),
	 .set = {BY_REFERENCE,
		 .rois = ROIS({ROI(1), .contours = CONTOURS({AT("3"), .image = "1.2.0"})})},
	 .series = AXIAL_1,
	 .places = "1: 2:0 3: 0:",
	 .notes = "no-geometry=1 R0:uid-disagrees=1"},
	{.name = "an image of several frames",
	 .images = IMAGES(STACK_OF_SERIES_1, {SLICE("0", "3"), .frames = "10"}),
	 .set = {BY_REFERENCE, .rois = ROIS({ROI(1), .contours = BOX("3", "1.2.2")})},
	 .series = AXIAL_1,
	 .places = "1: 2:0 3: 0:",
	 .notes = "multi-frame=1"},
	{.name = "a localizer in the series",
	 .images = IMAGES(STACK_OF_SERIES_1, {SLICE("0", "3"), .orientation = "0\\1\\0\\0\\0\\-1"}),
	 .set = {BY_REFERENCE, .rois = ROIS({ROI(1), .contours = BOX("3", "1.2.2")})},
	 .series = AXIAL_1,
	 .places = "1: 2:0 3: 0:",
	 .notes = "set-apart=1"},
	{.name = "more localizers than slices: contours name the slices",
	 .images = IMAGES({SLICE("1", "0")}, {SLICE("7", "3"), .orientation = "0\\1\\0\\0\\0\\-1"},
			  {SLICE("8", "3"), .orientation = "0\\1\\0\\0\\0\\-1"}),
	 .set = {BY_REFERENCE, .rois = ROIS({ROI(1), .contours = BOX("0", "1.2.1")})},
	 .series = AXIAL_1,
	 .places = "1:0 7: 8:",
	 .notes = "set-apart=2"},
	{.name = "slices of two frames of reference in one series",
	 .images = IMAGES(STACK_OF_SERIES_1, {SLICE("4", "9"), .frame = "1.4.2"}),
	 .set = {BY_REFERENCE,
		 .rois = ROIS({ROI(1), .contours = CONTOURS({AT("6"), .image = "1.2.3"},
							    {AT("9"), .image = "1.2.4"})})},
	 .series = AXIAL_1,
	 .places = "1: 2: 3:0 4:",
	 .notes = "set-apart=1 R0:off-planes=1(3)"},
	{.name = "gantry tilt",
	 .images = IMAGES({SLICE("1", "0")}, {.sop = "1.2.2", .position = "0\\1\\3"},
			  {.sop = "1.2.3", .position = "0\\2\\6"}),
	 .set = {BY_REFERENCE,
		 .rois = ROIS(
			 {ROI(1), .contours = CONTOURS({AT("0"), .image = "1.2.1"},
						       {AT("3"), .image = "1.2.2"}, {AT("6")})})},
	 .series = AXIAL_1,
	 .places = "1:0 2:1 3:2",
	 .notes = "gantry-tilt=3(2) R0:no-image-reference=1"},
	{.name = "no images",
	 .images = NO_IMAGES,
	 .set = {BY_REFERENCE, .rois = ROIS({ROI(1), .contours = BOX("0", NULL)})},
	 .series = "",
	 .places = "",
	 .notes = "",
	 .fault = "no images"},
	{.name = "no image with a place",
	 .images = IMAGES({SLICE("1", "")}, {SLICE("2", "0"), .spacing = ""},
			  {SLICE("3", "0"), .frames = "2"}),
	 .set = {BY_REFERENCE, .rois = ROIS({ROI(1), .contours = BOX("0", NULL)})},
	 .series = "",
	 .places = "",
	 .notes = "no-geometry=2 multi-frame=1",
	 .fault = "no image has a place"},
	{.name = "enhanced images only",
	 .images = IMAGES({SLICE("1", "0"), .sop_class = "1.2.840.10008.5.1.4.1.1.2.1"},
			  {SLICE("2", "3"), .frames = "2"}),
	 .set = {BY_REFERENCE, .rois = ROIS({ROI(1), .contours = BOX("0", NULL)})},
	 .series = "",
	 .places = "",
	 .notes = "multi-frame=2",
	 .fault = "the images are enhanced"},

	{.name = "ignored names",
	 .ignore = "skull",
	 .set = {BY_REFERENCE,
		 .rois = ROIS({.number = 1, .name = "Inner SKULL", .contours = BOX("0", "1.2.1")},
			      {ROI(2), .contours = BOX("0", "1.2.1")})},
	 .series = AXIAL_1,
	 .places = "1:1 2: 3:",
	 .notes = "R0:ignored-by-name=1"},
	{.name = "selected names",
	 .only = "roi ?",
	 .set = {BY_REFERENCE,
		 .rois = ROIS({.number = 1, .name = "ROI 11", .contours = BOX("0", "1.2.1")},
			      {ROI(2), .contours = BOX("0", "1.2.1")})},
	 .series = AXIAL_1,
	 .places = "1:1 2: 3:",
	 .notes = "R0:not-selected=1"},
	{.name = "ignored, though selected",
	 .ignore = "2",
	 .only = "ROI*",
	 .set = {BY_REFERENCE, .rois = ROIS({ROI(1), .contours = BOX("0", "1.2.1")},
					    {ROI(2), .contours = BOX("0", "1.2.1")})},
	 .series = AXIAL_1,
	 .places = "1:0 2: 3:",
	 .notes = "R1:ignored-by-name=1"},
	{.name = "an empty filter takes nothing away",
	 .ignore = "",
	 .set = {BY_REFERENCE, .rois = ROIS({ROI(1), .contours = BOX("0", "1.2.1")})},
	 .series = AXIAL_1,
	 .places = "1:0 2: 3:",
	 .notes = ""},
	{.name = "all names ignored",
	 .ignore = "roi",
	 .set = {BY_REFERENCE, .rois = ROIS({ROI(1), .contours = BOX("0", "1.2.1")})},
	 .series = AXIAL_1,
	 .places = "1: 2: 3:",
	 .notes = "R0:ignored-by-name=1",
	 .fault = "left out by its name"},
	{.name = "ignored contours do not choose the series",
	 .ignore = "1",
	 .images = IMAGES(STACK_OF_SERIES_1, STACK_OF_SERIES_2),
	 .set = {.rois = ROIS({ROI(1), .contours = CONTOURS({AT("0"), .image = "1.2.1"},
							    {AT("0"), .image = "1.2.1"})},
			      {ROI(2), .contours = BOX("0", "1.2.4")})},
	 .series = "1.3.2",
	 .places = "4:2 5: 6:",
	 .notes = "series-by-uid=1 other-series=3 gap=1(6) R0:ignored-by-name=1"},
};

START_TEST(whole_studies)
{
	const struct study *c = &studies[_i];
	struct fixture *f = fixture_open();

	if (c->images == NULL)
		fixture_stack(f, "0 3 6", (struct image_spec){0});
	for (size_t i = 0; i < c->image_count; i++)
		fixture_image(f, &c->images[i]);
	f->options.ignore_containing = &c->ignore;
	f->options.ignore_count = c->ignore != NULL;
	f->options.only_matching = &c->only;
	f->options.only_count = c->only != NULL;
	fixture_plan(f, &c->set);
	expect(f, c->name, c->places, c->notes);
	ck_assert_str_eq(f->plan.series.text, c->series);
	ck_assert_msg(f->e == (c->fault == NULL ? OK : ERR_UNUSABLE), "%s: %d", c->name, f->e);
	if (c->fault != NULL)
		ck_assert_msg(strstr(f->fault.text, c->fault) != NULL, "%s: \"%s\"", c->name,
			      f->fault.text);
	fixture_close(f);
}
END_TEST

/* ---- Notes ---- */

/* Said while painting (t_rt_paint.c). */
static bool is_of_painting(enum rt_note_kind k)
{
	return k >= RT_NOTE_OVERLAP && k <= RT_NOTE_DEGENERATE;
}

static bool is_expected(const char *notes, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = notes; (at = strstr(at, word)) != NULL; at++)
		if (at[n] == '=' && (at == notes || strchr(" :", at[-1]) != NULL))
			return true;
	return false;
}

START_TEST(every_note_is_provoked_above)
{
	static const struct {
		const struct one_roi *rows;
		size_t count;
	} tables[] = {{places, COUNT(places)}, {levels, COUNT(levels)}, {kinds, COUNT(kinds)}};

	for (int k = 0; k < RT_NOTE_KINDS; k++) {
		const char *word = rt_note_word((enum rt_note_kind)k);
		bool found = is_of_painting((enum rt_note_kind)k);

		for (size_t t = 0; t < COUNT(tables); t++)
			for (size_t i = 0; i < tables[t].count; i++)
				found = found || is_expected(tables[t].rows[i].notes, word);
		for (size_t i = 0; i < COUNT(studies); i++)
			found = found || is_expected(studies[i].notes, word);
		ck_assert_msg(found, "no study provokes \"%s\"", word);
	}
}
END_TEST

START_TEST(notes_have_words)
{
	for (int k = 0; k < RT_NOTE_KINDS; k++) {
		const char *word = rt_note_word((enum rt_note_kind)k);

		ck_assert_ptr_nonnull(rt_note_text((enum rt_note_kind)k));
		ck_assert_ptr_nonnull(word);
		ck_assert_uint_eq(strspn(word, "abcdefghijklmnopqrstuvwxyz-"), strlen(word));
		for (int j = 0; j < k; j++)
			ck_assert_str_ne(word, rt_note_word((enum rt_note_kind)j));
	}
	ck_assert(rt_note_is_loss(RT_NOTE_OFF_PLANES) && rt_note_is_loss(RT_NOTE_OTHER_FRAME));
	ck_assert(!rt_note_is_loss(RT_NOTE_UID_DISAGREES) && !rt_note_is_loss(RT_NOTE_GAP));
}
END_TEST

/* ---- Much data, little memory ---- */

START_TEST(contour_data_over_64_kib)
{
	struct fixture *f = fixture_open();
	struct buf data = BUF_INIT(16u << 20);

	for (int i = 0; i < 30000; i++)
		buf_fmt(&data, "%s%d.25\\%d.5\\3", i > 0 ? "\\" : "", i % 16, i % 7);
	ck_assert_uint_gt(data.len, 4 * 65536);
	const struct contour_spec contour = {.data = (const char *)data.at, .image = "1.2.2"};
	const struct roi_spec roi = {ROI(1), .contours = &contour, .contour_count = 1};
	fixture_stack(f, "0 3 6", (struct image_spec){0});
	fixture_plan(
		f, &(struct set_spec){
			   .series = {"1.3.1"}, .rois = &roi, .roi_count = 1, .implicit = _i == 1});
	expect(f, "long", "1: 2:0 3:", "");
	ck_assert_uint_eq(f->plan.rois[0].points_used, 30000);
	buf_free(&data);
	fixture_close(f);
}
END_TEST

/* 512 images at one place times 40,000 contours. */
START_TEST(too_many_placements)
{
	enum { MANY = 40000 };
	struct contour_spec *contours = test_zeros(MANY * sizeof(*contours));
	struct fixture *f = fixture_open();
	const struct roi_spec roi = {ROI(1), .contours = contours, .contour_count = MANY};
	const struct set_spec spec = {.series = {"1.3.1"}, .rois = &roi, .roi_count = 1};

	for (size_t i = 0; i < MANY; i++)
		contours[i] = (struct contour_spec){AT("0")};
	for (unsigned i = 0; i < FIXTURE_IMAGES; i++)
		fixture_image(f, &(struct image_spec){.sop = fixture_text(f, "1.2.%u", i)});
	f->data = make_set(&spec);
	f->p = part10_of(buf_bytes(&f->data), false);
	ck_assert_int_eq(structset_read(&f->set, &f->p, &f->arena, &f->fault), OK);
	ck_assert_int_eq(rt_plan_make(&f->plan, &f->set, f->images, f->image_count, &f->options,
				      &f->arena, &f->fault),
			 ERR_LIMIT);
	ck_assert_int_eq(f->fault.code, ERR_LIMIT);
	fixture_close(f);
}
END_TEST

START_TEST(any_memory)
{
	const struct study *c = &studies[17]; /* three slices each of two series */
	struct fixture *f = fixture_open();
	enum err e = ERR_NOMEM;
	size_t cap;

	for (size_t i = 0; i < c->image_count; i++)
		fixture_image(f, &c->images[i]);
	fixture_plan(f, &c->set);
	for (cap = 16; e == ERR_NOMEM && cap < 1u << 20; cap += 16) {
		struct rt_plan plan = {.plane_count = 4711};
		struct fault fault = {0};
		struct arena a;

		ck_assert_int_eq(arena_open(&a, cap, NULL), OK);
		e = rt_plan_make(&plan, &f->set, f->images, f->image_count, &f->options, &a,
				 &fault);
		ck_assert_msg(e == OK || e == ERR_NOMEM, "%zu bytes: %d", cap, e);
		ck_assert_int_eq(fault.code, e);
		ck_assert_uint_eq(plan.plane_count, e == OK ? 3 : 4711);
		arena_close(&a);
	}
	ck_assert_int_eq(e, OK);
	ck_assert_uint_gt(cap, 1000);
	fixture_close(f);
}
END_TEST

Suite *suite_rt_plan(void)
{
	Suite *s = suite_create("rt_plan");
	TCase *c = tcase_create("rt_plan");

	tcase_add_loop_test(c, the_nearest_plane, 0, COUNT(places));
	tcase_add_loop_test(c, one_level_a_plane, 0, COUNT(levels));
	tcase_add_loop_test(c, types_and_data, 0, COUNT(kinds));
	tcase_add_loop_test(c, whole_studies, 0, COUNT(studies));
	tcase_add_test(c, every_note_is_provoked_above);
	tcase_add_test(c, notes_have_words);
	tcase_add_loop_test(c, contour_data_over_64_kib, 0, 2);
	tcase_add_test(c, too_many_placements);
	tcase_add_test(c, any_memory);
	suite_add_tcase(s, c);
	return s;
}
