#include "image/canvas.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/limits.h"

bool canvas_bytes(uint32_t cols, uint32_t rows, size_t *out)
{
	uint64_t pixels = (uint64_t)cols * rows;

	if (cols == 0 || rows == 0 || pixels > LIMIT_CANVAS_PIXELS)
		return false;
	*out = (size_t)pixels * 4;
	return true;
}

void canvas_init(struct canvas *c, uint32_t cols, uint32_t rows, uint8_t *memory)
{
	*c = (struct canvas){.rgb = memory,
			     .coverage = memory + (size_t)cols * rows * 3,
			     .cols = cols,
			     .rows = rows};
}

static bool is_empty(struct canvas_box b)
{
	return b.x0 >= b.x1 || b.y0 >= b.y1;
}

struct canvas_box canvas_clip(const struct canvas *c, struct canvas_box box)
{
	int32_t cols = (int32_t)c->cols, rows = (int32_t)c->rows;

	box.x0 = box.x0 < 0 ? 0 : box.x0;
	box.y0 = box.y0 < 0 ? 0 : box.y0;
	box.x1 = box.x1 > cols ? cols : box.x1;
	box.y1 = box.y1 > rows ? rows : box.y1;
	if (is_empty(box))
		box = (struct canvas_box){0};
	return box;
}

static struct canvas_box joined(struct canvas_box a, struct canvas_box b)
{
	if (is_empty(a))
		return b;
	return (struct canvas_box){.x0 = a.x0 < b.x0 ? a.x0 : b.x0,
				   .y0 = a.y0 < b.y0 ? a.y0 : b.y0,
				   .x1 = a.x1 > b.x1 ? a.x1 : b.x1,
				   .y1 = a.y1 > b.y1 ? a.y1 : b.y1};
}

/* ---- Strokes ---- */

/* A piece of a line, made ready. */
struct piece {
	double ax, ay, dx, dy; /* from (ax, ay) by (dx, dy) */
	double per_length2;    /* 1 / (dx^2 + dy^2), or 0 for a point */
	double reach;          /* of its coverage: width / 2 + 1/2 */
};

/* The least integer not below v, and the greatest not above it, within [low, high]. */
static int32_t whole_above(double v, int32_t low, int32_t high)
{
	return v <= low ? low : v >= high ? high : (int32_t)ceil(v);
}

static int32_t whole_below(double v, int32_t low, int32_t high)
{
	return v <= low ? low : v >= high ? high : (int32_t)floor(v);
}

/* What a pixel at (x, y) is covered by, 0..255. */
static uint8_t covered(const struct piece *p, double x, double y)
{
	double px = x - p->ax, py = y - p->ay;
	double t = (px * p->dx + py * p->dy) * p->per_length2;

	t = t < 0 ? 0 : t > 1 ? 1 : t;
	px -= t * p->dx;
	py -= t * p->dy;
	double d2 = px * px + py * py;
	if (d2 >= p->reach * p->reach)
		return 0;
	double level = 0.5 + 255 * (p->reach - sqrt(d2));
	return level >= 255 ? 255 : (uint8_t)level;
}

/* The x between which the piece lies as far as it is within `reach` of row y. */
static void extent_at(const struct piece *p, double y, double *low, double *high)
{
	double t0 = 0, t1 = 1;

	if (p->dy != 0) {
		double a = (y - p->reach - p->ay) / p->dy, b = (y + p->reach - p->ay) / p->dy;

		t0 = fmax(0, fmin(a, b));
		t1 = fmin(1, fmax(a, b));
	}
	double x0 = p->ax + t0 * p->dx, x1 = p->ax + t1 * p->dx;
	*low = fmin(x0, x1) - p->reach;
	*high = fmax(x0, x1) + p->reach;
}

void canvas_stroke(struct canvas *c, double ax, double ay, double bx, double by, double width)
{
	struct piece p = {.ax = ax, .ay = ay, .dx = bx - ax, .dy = by - ay};
	double length2 = p.dx * p.dx + p.dy * p.dy;

	assert(isfinite(ax) && isfinite(ay) && isfinite(bx) && isfinite(by) && width >= 1);
	p.per_length2 = length2 > 0 ? 1 / length2 : 0;
	p.reach = width / 2 + 0.5;

	int32_t cols = (int32_t)c->cols, rows = (int32_t)c->rows;
	struct canvas_box box = {
		.x0 = whole_above(fmin(ax, bx) - p.reach, 0, cols),
		.y0 = whole_above(fmin(ay, by) - p.reach, 0, rows),
		.x1 = whole_below(fmax(ax, bx) + p.reach, -1, cols - 1) + 1,
		.y1 = whole_below(fmax(ay, by) + p.reach, -1, rows - 1) + 1,
	};
	if (is_empty(box))
		return;
	c->stroked = joined(c->stroked, box);
	for (int32_t y = box.y0; y < box.y1; y++) {
		uint8_t *row = c->coverage + (size_t)y * c->cols;
		double low, high;

		extent_at(&p, y, &low, &high);
		int32_t x1 = whole_below(high, -1, cols - 1);
		for (int32_t x = whole_above(low, 0, cols); x <= x1; x++) {
			uint8_t cover = covered(&p, x, y);

			if (cover > row[x])
				row[x] = cover;
		}
	}
}

void canvas_cover(struct canvas *c, struct canvas_box box)
{
	struct canvas_box b = canvas_clip(c, box);

	if (is_empty(b))
		return;
	c->stroked = joined(c->stroked, b);
	for (int32_t y = b.y0; y < b.y1; y++)
		memset(c->coverage + (size_t)y * c->cols + b.x0, 255, (size_t)(b.x1 - b.x0));
}

/* ---- Colour ---- */

/* `weight` of 255 of the colour; exact at both ends. */
static void mix(uint8_t *at, const uint8_t color[static 3], unsigned weight)
{
	for (unsigned i = 0; i < 3; i++)
		at[i] = (uint8_t)((at[i] * (255 - weight) + color[i] * weight + 127) / 255);
}

void canvas_ink(struct canvas *c, const uint8_t color[static 3], uint8_t alpha, bool keep)
{
	struct canvas_box b = c->stroked;

	for (int32_t y = b.y0; y < b.y1; y++) {
		uint8_t *row = c->coverage + (size_t)y * c->cols;

		for (int32_t x = b.x0; x < b.x1; x++)
			if (row[x] != 0)
				mix(canvas_at(c, (uint32_t)x, (uint32_t)y), color,
				    row[x] * (unsigned)alpha / 255);
		if (!keep && b.x0 < b.x1)
			memset(row + b.x0, 0, (size_t)(b.x1 - b.x0));
	}
	if (!keep)
		c->stroked = (struct canvas_box){0};
}

void canvas_wash(struct canvas *c, struct canvas_box box, const uint8_t color[static 3],
		 uint8_t alpha)
{
	struct canvas_box b = canvas_clip(c, box);

	for (int32_t y = b.y0; y < b.y1; y++)
		for (int32_t x = b.x0; x < b.x1; x++)
			mix(canvas_at(c, (uint32_t)x, (uint32_t)y), color, alpha);
}

/* The first canvas pixel, of `n`, that shows position i of `side`: the least x for which
 * (2 x + 1) * side >= 2 * i * n. */
static uint32_t first_showing(uint32_t i, uint32_t side, uint32_t n)
{
	return (uint32_t)((2ull * i * n + side - 1) / (2ull * side));
}

void canvas_tint(struct canvas *c, const struct mask *m, const uint8_t color[static 3],
		 uint8_t alpha)
{
	for (uint32_t y = first_showing(m->box.row0, m->rows, c->rows); y < c->rows; y++) {
		uint32_t row = (uint32_t)((2ull * y + 1) * m->rows / (2ull * c->rows));
		uint32_t from, to = 0;

		if (row >= m->box.row1)
			break;
		while (mask_run(m, row, &from, &to)) {
			uint32_t x1 = first_showing(to, m->cols, c->cols);

			for (uint32_t x = first_showing(from, m->cols, c->cols); x < x1; x++)
				mix(canvas_at(c, x, y), color, alpha);
		}
	}
}
