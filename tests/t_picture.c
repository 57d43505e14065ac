/*
 * The debug picture: lines where the contours are, legends where they hide least, and a few
 * pictures as a whole, compared with tests/golden/picture_*.ppm by a measure that a shift by one
 * pixel fails.  To make those anew (and then look at them and at the difference):
 *
 *     NETRT_GOLDEN=1 build/asan/unit picture
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/build.h"
#include "image/picture.h"

Suite *suite_picture(void);

#define ARENA (64u << 20)
#define TURNS 720u

static struct arena arena;

static void setup(void)
{
	ck_assert_int_eq(arena_open(&arena, ARENA, NULL), OK);
}

static void teardown(void)
{
	arena_close(&arena);
}

static struct picture picture_of(uint32_t cols, uint32_t rows, uint32_t out_cols, uint32_t out_rows,
				 double aspect)
{
	const struct picture_shape shape = {cols, rows, out_cols, out_rows, aspect};
	struct picture p;

	ck_assert_int_eq(picture_open(&p, &shape, &arena, NULL), OK);
	return p;
}

/* ---- Contours ---- */

static struct polygon ellipse(double col, double row, double wide, double high)
{
	struct q12 *v = ARENA_NEW(&arena, struct q12, TURNS);

	ck_assert_ptr_nonnull(v);
	for (unsigned i = 0; i < TURNS; i++) {
		double t = 2 * M_PI * i / TURNS;

		ck_assert(raster_snap(col + wide * cos(t), row + high * sin(t), &v[i]));
	}
	return (struct polygon){.v = v, .count = TURNS};
}

static struct polygon box(double x0, double y0, double x1, double y1)
{
	const double at[4][2] = {{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}};
	struct q12 *v = ARENA_NEW(&arena, struct q12, 4);

	ck_assert_ptr_nonnull(v);
	for (unsigned i = 0; i < 4; i++)
		ck_assert(raster_snap(at[i][0], at[i][1], &v[i]));
	return (struct polygon){.v = v, .count = 4};
}

/* Red of the canvas at any point, interpolated. */
static double red_at(const struct canvas *c, double x, double y)
{
	int32_t x0 = (int32_t)floor(x), y0 = (int32_t)floor(y);
	double sum = 0;

	for (int32_t dy = 0; dy < 2; dy++)
		for (int32_t dx = 0; dx < 2; dx++) {
			double part = (1 - fabs(x - x0 - dx)) * (1 - fabs(y - y0 - dy));

			ck_assert(x0 + dx >= 0 && x0 + dx < (int32_t)c->cols && y0 + dy >= 0 &&
				  y0 + dy < (int32_t)c->rows);
			sum += part * canvas_at(c, (uint32_t)(x0 + dx), (uint32_t)(y0 + dy))[0];
		}
	return sum;
}

static const struct {
	const char *name;
	uint32_t cols, rows, out_cols, out_rows;
} scales[] = {
	{"as it is", 128, 96, 128, 96},    {"twice", 128, 96, 256, 192},
	{"eight times", 64, 48, 512, 384}, {"stretched", 128, 96, 128, 263},
	{"by a third", 512, 96, 683, 96},
};

/*
 * Across the line of an ellipse, at 360 places, the middle of what is drawn lies on the ellipse:
 * within half a pixel is asked for, an eighth is what it is.
 */
START_TEST(test_position)
{
	struct picture p = picture_of(scales[_i].cols, scales[_i].rows, scales[_i].out_cols,
				      scales[_i].out_rows, 1);
	const struct picture_roi roi = {.color = {255, 0, 0}};
	double sx = (double)scales[_i].out_cols / scales[_i].cols;
	double sy = (double)scales[_i].out_rows / scales[_i].rows;
	double col = scales[_i].cols / 2.0 + 0.31, row = scales[_i].rows / 2.0 - 0.77;
	double wide = scales[_i].cols / 3.0, high = scales[_i].rows / 2.7;
	struct polygon path = ellipse(col, row, wide, high);
	double worst = 0;

	picture_outline(&p, &roi, &path, 1);
	for (int i = 0; i < 360; i++) {
		double t = i * M_PI / 180, sum = 0, weighted = 0;
		/* the point of the analytic shape on the canvas, and the normal there */
		double x = (col + wide * cos(t) + 0.5) * sx - 0.5;
		double y = (row + high * sin(t) + 0.5) * sy - 0.5;
		double nx = cos(t) / (wide * sx), ny = sin(t) / (high * sy), n = hypot(nx, ny);

		for (double d = -6; d <= 6; d += 0.05) {
			double red = red_at(&p.canvas, x + d * nx / n, y + d * ny / n);

			sum += red;
			weighted += red * d;
		}
		ck_assert_msg(sum * 0.05 > 0.8 * p.width * 255, "no line at %d degrees", i);
		worst = fmax(worst, fabs(weighted / sum));
	}
	ck_assert_msg(worst < 0.15, "%.3f pixels off", worst);
}
END_TEST

/* Between pixels 9 and 10: both are covered alike.  On pixel 20: it more than its neighbours. */
START_TEST(test_half_pixels)
{
	struct picture p = picture_of(40, 40, 40, 40, 1);
	const struct picture_roi roi = {.color = {255, 255, 255}};
	struct polygon path = box(9.5, 5, 20, 30);

	picture_outline(&p, &roi, &path, 1);
	ck_assert_int_eq(*canvas_at(&p.canvas, 9, 15), *canvas_at(&p.canvas, 10, 15));
	ck_assert_int_gt(*canvas_at(&p.canvas, 9, 15), 100);
	ck_assert_int_eq(*canvas_at(&p.canvas, 8, 15), 0);
	ck_assert_int_eq(*canvas_at(&p.canvas, 20, 15), 255);
	ck_assert_int_eq(*canvas_at(&p.canvas, 19, 15), *canvas_at(&p.canvas, 21, 15));
	ck_assert_int_lt(*canvas_at(&p.canvas, 19, 15), 128);
	/* the path is closed */
	ck_assert_int_gt(*canvas_at(&p.canvas, 9, 6), 100);
	ck_assert_int_gt(*canvas_at(&p.canvas, 9, 29), 100);
}
END_TEST

/* How much of a closed path is inked, by its line. */
START_TEST(test_lines)
{
	double inked[3];

	for (int i = 0; i < 3; i++) {
		struct picture p = picture_of(400, 400, 400, 400, 1);
		const struct picture_roi roi = {.color = {255, 255, 255},
						.line = picture_line((size_t)i)};
		struct polygon path = ellipse(200, 200, 150, 150);

		picture_outline(&p, &roi, &path, 1);
		inked[i] = 0;
		for (size_t k = 0; k < 400u * 400u; k++)
			inked[i] += p.canvas.rgb[3 * k];
	}
	ck_assert(inked[1] < 0.75 * inked[0] && inked[1] > 0.4 * inked[0]);
	ck_assert(inked[2] < 0.75 * inked[0] && inked[2] > 0.2 * inked[0]);
}
END_TEST

/* A point that is there twice, as planning systems repeat the first one, anywhere in a dash,
 * changes nothing. */
START_TEST(test_repeated_points)
{
	const struct picture_roi roi = {.color = {255, 0, 0}, .line = picture_line((size_t)_i)};
	struct picture once = picture_of(64, 64, 64, 64, 1), often = picture_of(64, 64, 64, 64, 1);
	struct q12 v[64], w[64];
	unsigned count = 0;

	for (unsigned k = 0; k < 16; k++) {
		ck_assert(raster_snap(4 + 3.3 * k, 20 + (k % 3) * 5.7, &w[k]));
		for (unsigned again = 0; again < 1 + k % 4; again++)
			v[count++] = w[k];
	}
	picture_outline(&once, &roi, &(struct polygon){.v = w, .count = 16}, 1);
	picture_outline(&often, &roi, &(struct polygon){.v = v, .count = count}, 1);
	ck_assert_mem_eq(once.canvas.rgb, often.canvas.rgb, 64 * 64 * 3);
	ck_assert(red_at(&once.canvas, 53.5, 20) > 60);
}
END_TEST

/* Points far outside, points on each other, none at all. */
START_TEST(test_odd_paths)
{
	struct picture p = picture_of(64, 64, 512, 512, 1);
	const struct q12 far[] = {{-RASTER_COORD_MAX, -RASTER_COORD_MAX},
				  {RASTER_COORD_MAX, RASTER_COORD_MAX},
				  {RASTER_COORD_MAX, -RASTER_COORD_MAX}};
	const struct q12 same[] = {{40960, 40960}, {40960, 40960}};
	const struct polygon paths[] = {{far, 3, false}, {same, 2, false}, {same, 0, false}};

	for (int i = 0; i < 3; i++) {
		const struct picture_roi roi = {.color = {255, 0, 0},
						.line = picture_line((size_t)i)};

		picture_outline(&p, &roi, paths, 3);
	}
	/* the diagonal */
	ck_assert_int_gt(*canvas_at(&p.canvas, 200, 200), 200);
	ck_assert_int_gt(*canvas_at(&p.canvas, 83, 83), 200);
	ck_assert_int_eq(*canvas_at(&p.canvas, 200, 300), 0);
}
END_TEST

/* ---- Labels ---- */

static const struct picture_roi rois[] = {
	{.name = {(const uint8_t *)"GTV", 3}, .color = {255, 0, 0}},
	{.name = {(const uint8_t *)"Prostata hinten links unten", 27}, .color = {0, 200, 0}},
	{.name = {(const uint8_t *)"Dünndarm", 9}, .color = {10, 10, 40}},
	{.name = {(const uint8_t *)"\xFF\xC3", 2}, .color = {255, 255, 255}},
};

static const struct picture_labels labels = {
	.left = "R",
	.right = "L",
	.top = "A",
	.bottom = "P",
	.lines = {"slice 7/60", "z -12.50 mm", "W 400 L 40"},
	.disclaimer = {(const uint8_t *)"FOR RESEARCH USE ONLY", 21},
	.rois = rois,
	.roi_count = 4,
};

/* Pixels that differ between two canvases of one size, in a box. */
static unsigned differing(const struct canvas *a, const struct canvas *b, struct canvas_box box)
{
	unsigned n = 0;

	for (int32_t y = box.y0; y < box.y1; y++)
		for (int32_t x = box.x0; x < box.x1; x++)
			n += memcmp(canvas_at(a, (uint32_t)x, (uint32_t)y),
				    canvas_at(b, (uint32_t)x, (uint32_t)y), 3) != 0;
	return n;
}

/* The legend goes where it hides least: corners 0 to 3 are those that are bright. */
START_TEST(test_corner)
{
	static const struct canvas_box corners[4] = {
		{200, 20, 400, 160}, {200, 230, 400, 380}, {0, 230, 180, 380}, {0, 50, 180, 160}};
	static const uint8_t bright[3] = {180, 180, 180};
	struct picture_labels some = labels, none = labels;
	struct picture p[2];

	none.roi_count = 0;
	for (int i = 0; i < 2; i++) {
		p[i] = picture_of(400, 400, 400, 400, 1);
		for (int k = 0; k < 4; k++)
			if ((_i >> k & 1) == 0)
				canvas_wash(&p[i].canvas, corners[k], bright, 255);
		ck_assert_int_eq(picture_labels(&p[i], i == 0 ? &some : &none, NULL), OK);
	}
	for (int k = 0; k < 4; k++) {
		bool first = (_i & ((1 << k) - 1)) == 0 && (_i >> k & 1) != 0;
		unsigned n = differing(&p[0].canvas, &p[1].canvas, corners[k]);

		if (_i == 0)
			first = k == 0;
		ck_assert_msg((n > 100) == first, "corner %d: %u pixels", k, n);
	}
}
END_TEST

/* Any size at all: nothing outside of the canvas, and letters only where there is room. */
START_TEST(test_sizes)
{
	static const uint32_t sides[] = {1,  2,  3,   5,   8,   13,  31,  71,
					 72, 73, 127, 199, 200, 333, 1400};

	for (size_t i = 0; i < sizeof(sides) / sizeof(sides[0]); i++) {
		uint32_t cols = sides[i], rows = sides[_i];
		size_t mark = arena_mark(&arena);
		struct picture p = picture_of(cols, rows, cols, rows, 1);
		struct polygon path = ellipse(cols / 2.0, rows / 2.0, cols / 3.0, rows / 3.0);

		ck_assert_int_eq(picture_image(&p, NULL, NULL), OK);
		picture_outline(&p, &rois[0], &path, 1);
		ck_assert_int_eq(picture_labels(&p, &labels, NULL), OK);
		arena_reset(&arena, mark);
	}
}
END_TEST

START_TEST(test_aspects)
{
	static const double aspects[] = {1.0 / 16, 0.3, 1, 3.7, 16, 17, 0, -1, NAN, INFINITY};

	for (size_t i = 0; i < sizeof(aspects) / sizeof(aspects[0]); i++) {
		struct picture p = picture_of(300, 200, 300, 200, aspects[i]);

		ck_assert(p.dot_x >= 1 && p.dot_y >= 1 && p.dot_x <= 64 && p.dot_y <= 64);
		if (aspects[i] == 3.7)
			ck_assert(p.dot_x == 4 && p.dot_y == 1);
		if (aspects[i] == 0.3)
			ck_assert(p.dot_x == 1 && p.dot_y == 3);
		ck_assert_int_eq(picture_labels(&p, &labels, NULL), OK);
	}
	struct picture p = picture_of(2048, 2048, 2048, 2048, 1);
	ck_assert(p.dot_x == 4 && p.dot_y == 4);
}
END_TEST

/* A line grows with the picture, up to twelve pixels. */
START_TEST(test_line_width)
{
	static const struct {
		uint32_t side;
		double width;
	} sizes[] = {{64, 1}, {512, 1.4}, {1024, 2.8}, {4300, 4300 * 1.4 / 512}, {4500, 12}};
	struct arena large;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const struct picture_shape shape = {64, 64, sizes[i].side, sizes[i].side, 1};
		struct picture p;

		ck_assert_int_eq(arena_open(&large, 128u << 20, NULL), OK);
		ck_assert_int_eq(picture_open(&p, &shape, &large, NULL), OK);
		arena_close(&large);
		ck_assert_msg(fabs(p.width - sizes[i].width) < 1e-9, "%u: %f", sizes[i].side,
			      p.width);
	}
}
END_TEST

/* More names than there is room for: the last entry counts them. */
START_TEST(test_many)
{
	static struct picture_roi many[500];
	struct picture_labels l = labels;
	struct picture p = picture_of(512, 512, 512, 512, 1), q = p;

	for (size_t i = 0; i < 500; i++) {
		many[i] = rois[i % 4];
		picture_default(i, many[i].color, &many[i].line);
	}
	l.rois = many;
	l.roi_count = 500;
	ck_assert_int_eq(picture_labels(&p, &l, NULL), OK);
	q = picture_of(512, 512, 512, 512, 1);
	l.roi_count = 0;
	ck_assert_int_eq(picture_labels(&q, &l, NULL), OK);
	unsigned n = differing(&p.canvas, &q.canvas, (struct canvas_box){0, 0, 512, 512});
	ck_assert_msg(n > 1000 && n < 512 * 512 / 4, "%u pixels", n);
}
END_TEST

START_TEST(test_palette)
{
	struct picture_roi a, b;

	for (size_t i = 0; i < 18; i++)
		for (size_t k = 0; k < i; k++) {
			picture_default(i, a.color, &a.line);
			picture_default(k, b.color, &b.line);
			ck_assert(a.line != b.line || memcmp(a.color, b.color, 3) != 0);
		}
}
END_TEST

START_TEST(test_memory)
{
	const struct picture_shape shape = {64, 64, 128, 128, 1};
	bool done = false;

	for (size_t cap = 1024; !done; cap += 8192) {
		struct arena small;
		struct picture p;

		ck_assert_int_eq(arena_open(&small, cap, NULL), OK);
		enum err e = picture_open(&p, &shape, &small, NULL);
		if (e == OK)
			e = picture_labels(&p, &labels, NULL);
		ck_assert(e == OK || e == ERR_NOMEM);
		done = e == OK;
		arena_close(&small);
		ck_assert_uint_lt(cap, 1u << 20);
	}
	const struct picture_shape huge = {9000, 9000, 9000, 9000, 1};
	struct picture p;
	ck_assert_int_eq(picture_open(&p, &huge, &arena, NULL), ERR_LIMIT);
}
END_TEST

/* ---- Whole pictures ---- */

/* A disk and a slope in 12 bits, as a data set. */
static void make_image(struct build *b, uint16_t cols, uint16_t rows, bool inverted)
{
	static const uint16_t one = 1, zero = 0, sixteen = 16, twelve = 12, eleven = 11;
	uint8_t *pixels = ARENA_NEW(&arena, uint8_t, (size_t)cols * rows * 2);

	ck_assert_ptr_nonnull(pixels);
	for (uint32_t y = 0; y < rows; y++)
		for (uint32_t x = 0; x < cols; x++) {
			double d = hypot(x - cols * 0.5, (y - rows * 0.45) * 1.3);

			put_u16le(
				pixels + 2 * ((size_t)y * cols + x),
				(uint16_t)(d < cols * 0.35 ? 1000 + 3 * x + 7 * (y % 3) : 20 + y));
		}
	build_init(b, &syntax_explicit_le, 1u << 20);
	build_u16(b, TAG_SamplesPerPixel, VR_US, &one, 1);
	build_str(b, TAG_PhotometricInterpretation, VR_CS,
		  inverted ? "MONOCHROME1" : "MONOCHROME2");
	build_u16(b, TAG_Rows, VR_US, &rows, 1);
	build_u16(b, TAG_Columns, VR_US, &cols, 1);
	build_u16(b, TAG_BitsAllocated, VR_US, &sixteen, 1);
	build_u16(b, TAG_BitsStored, VR_US, &twelve, 1);
	build_u16(b, TAG_HighBit, VR_US, &eleven, 1);
	build_u16(b, TAG_PixelRepresentation, VR_US, &zero, 1);
	build_str(b, TAG_WindowCenter, VR_DS, "800");
	build_str(b, TAG_WindowWidth, VR_DS, "1700");
	build_bytes(b, TAG_PixelData, VR_OW, bytes_of(pixels, (size_t)cols * rows * 2));
}

static const struct {
	const char *file;
	uint16_t cols, rows;
	uint32_t out_cols, out_rows;
	double aspect;
	bool filled, inverted;
} wholes[] = {
	{"plain", 224, 208, 224, 208, 1, false, false},
	{"filled", 80, 72, 160, 144, 1, true, false},
	{"stretched", 150, 40, 150, 120, 1, false, true},
	{"anisotropic", 150, 60, 150, 60, 2, false, false},
};

static void draw_whole(int i, struct picture *p)
{
	struct build b;
	struct dset d;
	struct native n;
	struct window w;
	double cols = wholes[i].cols, rows = wholes[i].rows;
	struct polygon paths[2] = {ellipse(cols / 2, rows * 0.45, cols * 0.3, rows * 0.25),
				   box(cols * 0.4, rows * 0.4, cols * 0.7, rows * 0.66)};
	uint64_t *bits = ARENA_NEW(&arena, uint64_t, mask_words(wholes[i].cols, wholes[i].rows));
	struct mask m;

	make_image(&b, wholes[i].cols, wholes[i].rows, wholes[i].inverted);
	ck_assert_int_eq(dset_index(&d, buf_bytes(&b.out), &syntax_explicit_le, 0, &arena, NULL),
			 OK);
	const struct part10 file = {
		.map = FILE_MAP_NONE, .syntax = &syntax_explicit_le, .data = d.in};
	ck_assert_int_eq(native_open(&n, &file, &d, NULL), OK);
	ck_assert_int_eq(window_open(&w, &n, &d, &arena, NULL), OK);
	*p = picture_of(wholes[i].cols, wholes[i].rows, wholes[i].out_cols, wholes[i].out_rows,
			wholes[i].aspect);
	ck_assert_int_eq(picture_image(p, &w, NULL), OK);
	mask_init(&m, wholes[i].cols, wholes[i].rows, bits);
	for (uint32_t y = m.rows / 4; y < m.rows / 2; y++)
		mask_set(&m, y, m.cols / 3, m.cols * 2 / 3);
	if (wholes[i].filled)
		picture_fill(p, &rois[1], &m);
	for (int k = 0; k < 2; k++) {
		struct picture_roi roi = rois[k];

		roi.line = picture_line((size_t)k);
		picture_outline(p, &roi, &paths[k], 1);
	}
	ck_assert_int_eq(picture_labels(p, &labels, NULL), OK);
	native_close(&n);
	build_free(&b);
}

/* Are two pictures the same for an eye?  `dx`, `dy`: the second one is shifted. */
static bool alike(const struct canvas *a, const uint8_t *b, int32_t dx, int32_t dy)
{
	uint64_t sum = 0, far = 0, count = 0;

	for (int32_t y = 2; y < (int32_t)a->rows - 2; y++)
		for (int32_t x = 2; x < (int32_t)a->cols - 2; x++)
			for (unsigned i = 0; i < 3; i++) {
				int other =
					b[((size_t)(y + dy) * a->cols + (size_t)(x + dx)) * 3 + i];
				int off = abs(canvas_at(a, (uint32_t)x, (uint32_t)y)[i] - other);

				sum += (uint64_t)off;
				far += off > 24;
				count++;
			}
	return (double)sum / (double)count < 0.5 && far * 500 < count;
}

static void golden_write(const char *path, const struct canvas *c)
{
	FILE *f = fopen(path, "wb");

	ck_assert_ptr_nonnull(f);
	fprintf(f, "P6\n%u %u\n255\n", c->cols, c->rows);
	fwrite(c->rgb, 3, (size_t)c->cols * c->rows, f);
	ck_assert_int_eq(fclose(f), 0);
}

START_TEST(test_golden)
{
	char path[64];
	unsigned cols = 0, rows = 0;
	struct picture p;

	draw_whole(_i, &p);
	snprintf(path, sizeof(path), "tests/golden/picture_%s.ppm", wholes[_i].file);
	if (getenv("NETRT_GOLDEN") != NULL)
		golden_write(path, &p.canvas);
	FILE *f = fopen(path, "rb");
	ck_assert_msg(f != NULL, "%s is missing", path);
	ck_assert_int_eq(fscanf(f, "P6 %u %u 255", &cols, &rows), 2);
	ck_assert_int_eq(fgetc(f), '\n');
	ck_assert(cols == p.canvas.cols && rows == p.canvas.rows);
	size_t size = (size_t)cols * rows * 3;
	uint8_t *want = malloc(size);
	ck_assert(want != NULL && fread(want, 1, size, f) == size);
	fclose(f);
	ck_assert_msg(alike(&p.canvas, want, 0, 0), "not as in %s", path);
	/* the measure is worth something: one pixel off in any direction fails it */
	for (int32_t dy = -1; dy <= 1; dy++)
		for (int32_t dx = -1; dx <= 1; dx++)
			ck_assert((dx == 0 && dy == 0) || !alike(&p.canvas, want, dx, dy));
	free(want);
}
END_TEST

Suite *suite_picture(void)
{
	Suite *s = suite_create("picture");
	TCase *t = tcase_create("picture");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, test_position, 0, (int)(sizeof(scales) / sizeof(scales[0])));
	tcase_add_test(t, test_half_pixels);
	tcase_add_test(t, test_lines);
	tcase_add_loop_test(t, test_repeated_points, 0, 3);
	tcase_add_test(t, test_odd_paths);
	tcase_add_loop_test(t, test_corner, 0, 16);
	tcase_add_loop_test(t, test_sizes, 0, 15);
	tcase_add_test(t, test_aspects);
	tcase_add_test(t, test_line_width);
	tcase_add_test(t, test_many);
	tcase_add_test(t, test_palette);
	tcase_add_test(t, test_memory);
	tcase_add_loop_test(t, test_golden, 0, (int)(sizeof(wholes) / sizeof(wholes[0])));
	suite_add_tcase(s, t);
	return s;
}
