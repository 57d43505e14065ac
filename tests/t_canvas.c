/*
 * Antialiased lines where they belong, and colour mixed as far as it is covered.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "image/canvas.h"

Suite *suite_canvas(void);

#define COLS 40u
#define ROWS 30u

static const uint8_t white[3] = {255, 255, 255};

static struct canvas canvas_of(uint32_t cols, uint32_t rows)
{
	struct canvas c;
	size_t bytes = 0;

	ck_assert(canvas_bytes(cols, rows, &bytes));
	uint8_t *memory = calloc(1, bytes);
	ck_assert_ptr_nonnull(memory);
	canvas_init(&c, cols, rows, memory);
	return c;
}

static void canvas_free(struct canvas *c)
{
	free(c->rgb);
}

static unsigned cover(const struct canvas *c, uint32_t x, uint32_t y)
{
	return c->coverage[(size_t)y * c->cols + x];
}

/* Coverage is 0 outside of what the canvas says it has stroked. */
static void assert_box(const struct canvas *c)
{
	for (int32_t y = 0; y < (int32_t)c->rows; y++)
		for (int32_t x = 0; x < (int32_t)c->cols; x++)
			if (x < c->stroked.x0 || x >= c->stroked.x1 || y < c->stroked.y0 ||
			    y >= c->stroked.y1)
				ck_assert_uint_eq(cover(c, (uint32_t)x, (uint32_t)y), 0);
}

START_TEST(test_size)
{
	size_t bytes = 7;

	ck_assert(!canvas_bytes(0, 5, &bytes) && !canvas_bytes(5, 0, &bytes));
	ck_assert(!canvas_bytes(8193, 8192, &bytes) && !canvas_bytes(65535, 65535, &bytes));
	ck_assert_uint_eq(bytes, 7);
	ck_assert(canvas_bytes(8192, 8192, &bytes) && bytes == 4u * LIMIT_CANVAS_PIXELS);
	ck_assert(canvas_bytes(1, 1, &bytes) && bytes == 4);
}
END_TEST

/* Rows 9, 10 and 11 of a horizontal line at y, 1 wide: what of each the line covers. */
static const struct {
	const char *name;
	double y, width;
	unsigned above, on, below;
} lines[] = {
	{"through centres", 10, 1, 0, 255, 0},
	{"between two rows", 10.5, 1, 0, 128, 128},
	{"a quarter down", 10.25, 1, 0, 191, 64},
	{"a quarter up", 9.75, 1, 64, 191, 0},
	{"two wide", 10, 2, 128, 255, 128},
	{"three wide", 10, 3, 255, 255, 255},
	{"two wide, a quarter down", 10.25, 2, 64, 255, 191},
};

START_TEST(test_line)
{
	struct canvas c = canvas_of(COLS, ROWS), t = canvas_of(ROWS, COLS);

	canvas_stroke(&c, 5, lines[_i].y, 30, lines[_i].y, lines[_i].width);
	canvas_stroke(&t, lines[_i].y, 30, lines[_i].y, 5, lines[_i].width); /* turned, backwards */
	assert_box(&c);
	for (uint32_t x = 6; x < 30; x++) {
		ck_assert_uint_eq(cover(&c, x, 9), lines[_i].above);
		ck_assert_uint_eq(cover(&c, x, 10), lines[_i].on);
		ck_assert_uint_eq(cover(&c, x, 11), lines[_i].below);
		ck_assert_uint_eq(cover(&c, x, 7) + cover(&c, x, 13), 0);
	}
	for (uint32_t y = 0; y < ROWS; y++)
		for (uint32_t x = 0; x < COLS; x++)
			ck_assert_uint_eq(cover(&c, x, y), cover(&t, y, x));
	ck_assert_uint_eq(cover(&c, 2, 10) + cover(&c, 33, 10), 0);
	canvas_free(&c);
	canvas_free(&t);
}
END_TEST

/* Pixel by pixel what the header says, for lines in every direction, partly outside. */
START_TEST(test_distance)
{
	double turn = _i * 0.37, ax = 20 - 14 * cos(turn), ay = 15 - 18 * sin(turn);
	double bx = 20 + 25 * cos(turn), by = 15 + 11 * sin(turn), width = 1 + _i % 5 * 0.6;
	struct canvas c = canvas_of(COLS, ROWS);

	canvas_stroke(&c, ax, ay, bx, by, width);
	assert_box(&c);
	for (uint32_t y = 0; y < ROWS; y++)
		for (uint32_t x = 0; x < COLS; x++) {
			double dx = bx - ax, dy = by - ay;
			double t = ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy);

			t = fmin(1, fmax(0, t));
			double d = hypot(x - ax - t * dx, y - ay - t * dy);
			double want = fmin(1, fmax(0, width / 2 + 0.5 - d)) * 255;
			ck_assert_msg(fabs(cover(&c, x, y) - want) <= 0.51,
				      "(%u, %u): %u, not %.2f", x, y, cover(&c, x, y), want);
		}
	canvas_free(&c);
}
END_TEST

/* Ends far outside: what is on the canvas is what a shorter line would draw. */
START_TEST(test_far)
{
	struct canvas a = canvas_of(COLS, ROWS), b = canvas_of(COLS, ROWS);

	canvas_stroke(&a, -1000000, 7.25, 2000000, 7.25, 1.5);
	canvas_stroke(&b, -10, 7.25, 60, 7.25, 1.5);
	ck_assert_mem_eq(a.coverage, b.coverage, COLS * ROWS);
	memset(a.coverage, 0, COLS * ROWS);
	a.stroked = (struct canvas_box){0};
	canvas_stroke(&a, -1e6, -1e6, -5, 1e6, 3);   /* all to the left */
	canvas_stroke(&a, 1e6, 41, -1e6, 41, 2);     /* below */
	canvas_stroke(&a, 45, -1e300, 46, 1e300, 2); /* to the right */
	canvas_stroke(&a, -3, -3, -3, -3, 4);        /* a point */
	for (size_t i = 0; i < COLS * ROWS; i++)
		ck_assert_uint_eq(a.coverage[i], 0);
	canvas_free(&a);
	canvas_free(&b);
}
END_TEST

START_TEST(test_point)
{
	struct canvas c = canvas_of(COLS, ROWS);

	canvas_stroke(&c, 10, 12, 10, 12, 3);
	ck_assert_uint_eq(cover(&c, 10, 12), 255);
	ck_assert_uint_eq(cover(&c, 11, 12), 255);
	ck_assert_uint_eq(cover(&c, 12, 12), 0);
	ck_assert_uint_eq(cover(&c, 11, 13), (unsigned)((2 - sqrt(2)) * 255 + 0.5));
	canvas_free(&c);
}
END_TEST

START_TEST(test_ink)
{
	static const uint8_t red[3] = {200, 100, 0};
	struct canvas c = canvas_of(COLS, ROWS);

	canvas_wash(&c, (struct canvas_box){.x1 = COLS, .y1 = ROWS}, white, 255);
	canvas_stroke(&c, 0, 10, 39, 10, 1);
	canvas_stroke(&c, 20, 0, 20, 29, 1); /* where they cross it is no stronger */
	canvas_ink(&c, red, 128, true);
	ck_assert_uint_eq(cover(&c, 20, 10), 255);
	ck_assert_mem_eq(canvas_at(&c, 20, 10), canvas_at(&c, 5, 10), 3);
	ck_assert_mem_eq(canvas_at(&c, 5, 10), ((uint8_t[]){227, 177, 127}), 3);
	ck_assert_mem_eq(canvas_at(&c, 5, 11), white, 3);
	canvas_ink(&c, red, 255, false);
	ck_assert_mem_eq(canvas_at(&c, 5, 10), red, 3);
	for (size_t i = 0; i < COLS * ROWS; i++)
		ck_assert_uint_eq(c.coverage[i], 0);
	ck_assert_int_eq(c.stroked.x0, c.stroked.x1);
	canvas_ink(&c, white, 255, false); /* nothing */
	ck_assert_mem_eq(canvas_at(&c, 5, 10), red, 3);
	canvas_cover(&c, (struct canvas_box){-5, 28, 3, 40});
	canvas_cover(&c, (struct canvas_box){50, 28, 53, 40});
	canvas_ink(&c, red, 255, false);
	ck_assert_mem_eq(canvas_at(&c, 2, 28), red, 3);
	ck_assert_mem_eq(canvas_at(&c, 0, 29), red, 3);
	ck_assert_mem_eq(canvas_at(&c, 3, 28), white, 3);
	ck_assert_mem_eq(canvas_at(&c, 2, 27), white, 3);
	canvas_free(&c);
}
END_TEST

/* Which canvas pixels show which mask pixel, by the formula in the header. */
static const struct {
	const char *name;
	uint32_t mask_cols, mask_rows, cols, rows;
} tints[] = {
	{"as it is", 23, 17, 23, 17},       {"twice", 23, 17, 46, 34},
	{"eight times", 5, 3, 40, 24},      {"higher", 23, 17, 23, 61},
	{"wider and lower", 64, 30, 99, 7}, {"one pixel", 1, 1, 9, 4},
};

START_TEST(test_tint)
{
	struct canvas c = canvas_of(tints[_i].cols, tints[_i].rows);
	uint64_t *bits = calloc(mask_words(tints[_i].mask_cols, tints[_i].mask_rows), 8);
	struct mask m;
	uint64_t seed = 88172645463325252ull;

	ck_assert_ptr_nonnull(bits);
	mask_init(&m, tints[_i].mask_cols, tints[_i].mask_rows, bits);
	for (uint32_t y = 0; y < m.rows; y++)
		for (uint32_t x = 0; x < m.cols; x++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			if (seed % 3 == 0 || m.cols == 1)
				mask_set(&m, y, x, x + 1);
		}
	canvas_tint(&c, &m, white, 255);
	for (uint32_t y = 0; y < c.rows; y++)
		for (uint32_t x = 0; x < c.cols; x++) {
			uint32_t col = (2 * x + 1) * m.cols / (2 * c.cols);
			uint32_t row = (2 * y + 1) * m.rows / (2 * c.rows);

			ck_assert_uint_eq(canvas_at(&c, x, y)[1], mask_get(&m, col, row) ? 255 : 0);
		}
	free(bits);
	canvas_free(&c);
}
END_TEST

Suite *suite_canvas(void)
{
	Suite *s = suite_create("canvas");
	TCase *t = tcase_create("canvas");

	tcase_add_test(t, test_size);
	tcase_add_loop_test(t, test_line, 0, (int)(sizeof(lines) / sizeof(lines[0])));
	tcase_add_loop_test(t, test_distance, 0, 34);
	tcase_add_test(t, test_far);
	tcase_add_test(t, test_point);
	tcase_add_test(t, test_ink);
	tcase_add_loop_test(t, test_tint, 0, (int)(sizeof(tints) / sizeof(tints[0])));
	suite_add_tcase(s, t);
	return s;
}
