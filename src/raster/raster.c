/*
 * Toggle and parity.
 *
 * An edge from (x0, y0) down to (x1, y1) belongs to the rows ceil(y0) <= r < ceil(y1), so
 * that where two edges meet, the row of the vertex is counted once.  On row r it crosses
 * at x(r), and the flip goes to column ceil(x(r)): from there to the right, centres are on
 * the other side.  That is the half-open rule, and it is what one gets by moving every
 * centre right by an infinitely small step and down by a far smaller one: no centre is then
 * on any path, and sums, nestings and tilings of polygons are exact on pixels too.
 *
 * With D = (y1 - y0) << RASTER_SHIFT and N(r) = x0 * (y1 - y0) + ((r << RASTER_SHIFT) - y0) *
 * (x1 - x0), the crossing in pixels is N / D.  |x0| <= 2^29, the differences <= 2^30, so
 * |N| < 2^61.  From row to row N grows by a constant, so quotient and remainder are stepped.
 * The remainder is 0 exactly when the centre is on the path.
 *
 * A flip left of the image goes to column 0, one right of it is dropped: neither moves what
 * is inside.
 */
#include "raster/raster.h"

#include <assert.h>
#include <math.h>

#define FRACTION (RASTER_ONE - 1)

/* ---- From floating point to Q.12 ---- */

#define SIDE_PX ((double)RASTER_COORD_MAX / RASTER_ONE)

/* |px| <= SIDE_PX.  Scaling by a power of two and the difference below are exact. */
static int32_t snap(double px)
{
	double scaled = px * RASTER_ONE;
	int32_t whole = (int32_t)scaled; /* towards 0 */

	if (whole > scaled)
		whole--;
	return scaled - whole >= 0.5 ? whole + 1 : whole;
}

bool raster_snap(double col, double row, struct q12 *out)
{
	/* Negated comparisons would let a NaN through. */
	if (!(fabs(col) <= SIDE_PX && fabs(row) <= SIDE_PX))
		return false;
	*out = (struct q12){snap(col), snap(row)};
	return true;
}

static double clamp(double v)
{
	if (v < -SIDE_PX)
		return -SIDE_PX;
	return v > SIDE_PX ? SIDE_PX : v;
}

/*
 * The path is moved to the nearest point of the square, point by point.  What was inside
 * stays where it is; what was outside comes to lie on the rim and there encloses nothing of
 * the inside that it did not enclose before.  A straight edge becomes straight pieces
 * between the places where it passes one of the four lines that carry the sides.
 */
static size_t clip_edge(const double a[2], const double b[2], struct q12 *out)
{
	double cuts[4] = {0};
	size_t cut_count = 0, count = 0;

	for (int axis = 0; axis < 2; axis++) {
		for (int side = -1; side <= 1; side += 2) {
			double line = side * SIDE_PX;
			if ((a[axis] < line) == (b[axis] < line))
				continue;
			double t = (line - a[axis]) / (b[axis] - a[axis]);
			size_t at = cut_count++;
			for (; at > 0 && cuts[at - 1] > t; at--)
				cuts[at] = cuts[at - 1];
			cuts[at] = t;
		}
	}
	for (size_t i = 0; i < cut_count; i++) {
		double col = a[0] + cuts[i] * (b[0] - a[0]);
		double row = a[1] + cuts[i] * (b[1] - a[1]);
		out[count++] = (struct q12){snap(clamp(col)), snap(clamp(row))};
	}
	out[count++] = (struct q12){snap(clamp(b[0])), snap(clamp(b[1]))};
	return count;
}

bool raster_clip(const double *col_row, size_t count, struct q12 *out, size_t *out_count)
{
	size_t used = 0;

	for (size_t i = 0; i < 2 * count; i++)
		if (!(fabs(col_row[i]) <= RASTER_FAR))
			return false;
	for (size_t i = 0; i < count; i++) {
		size_t from = i > 0 ? i - 1 : count - 1;
		used += clip_edge(col_row + 2 * from, col_row + 2 * i, out + used);
	}
	*out_count = used;
	return true;
}

/* ---- Extent ---- */

static int32_t ceil_px(int32_t v)
{
	return (v + FRACTION) >> RASTER_SHIFT;
}

static int32_t floor_px(int32_t v)
{
	return v >> RASTER_SHIFT;
}

struct bounds raster_bounds(const struct q12 *v, size_t count)
{
	struct bounds b = {INT32_MAX, INT32_MAX, INT32_MIN, INT32_MIN};

	for (size_t i = 0; i < count; i++) {
		b.x0 = v[i].x < b.x0 ? v[i].x : b.x0;
		b.y0 = v[i].y < b.y0 ? v[i].y : b.y0;
		b.x1 = v[i].x > b.x1 ? v[i].x : b.x1;
		b.y1 = v[i].y > b.y1 ? v[i].y : b.y1;
	}
	if (count > 0)
		assert(b.x0 >= -RASTER_COORD_MAX && b.y0 >= -RASTER_COORD_MAX &&
		       b.x1 <= RASTER_COORD_MAX && b.y1 <= RASTER_COORD_MAX);
	return b;
}

bool raster_box(struct bounds b, const struct mask *m, struct mask_box *box)
{
	if (b.x0 > b.x1)
		return false;

	int32_t col0 = ceil_px(b.x0), col1 = ceil_px(b.x1);
	int32_t row0 = ceil_px(b.y0), row1 = floor_px(b.y1) + 1;
	int32_t cols = (int32_t)m->cols, rows = (int32_t)m->rows;

	row0 = row0 > 0 ? row0 : 0;
	row1 = row1 < rows ? row1 : rows;
	if (col0 >= cols || col1 < 0 || row0 >= row1)
		return false;
	col0 = col0 > 0 ? col0 : 0;
	col1 = col1 < cols ? col1 : cols - 1;
	*box = (struct mask_box){
		.row0 = (uint32_t)row0,
		.row1 = (uint32_t)row1,
		.word0 = (uint32_t)col0 / 64,
		.word1 = (uint32_t)col1 / 64 + 1,
	};
	return true;
}

/* ---- Edges ---- */

/* An edge turned downwards, and the rows of the image it belongs to. */
struct edge {
	int32_t x, y;   /* upper end */
	int64_t dx, dy; /* dy > 0 */
	int32_t row0, row1;
};

static int64_t floor_div(int64_t n, int64_t d)
{
	int64_t q = n / d;

	return n % d < 0 ? q - 1 : q;
}

/* N(row) of the head comment, for the column `col` as zero. */
static int64_t offset_at(const struct edge *e, int32_t row, int32_t col)
{
	return ((int64_t)e->x - (int64_t)col * RASTER_ONE) * e->dy +
	       ((int64_t)row * RASTER_ONE - e->y) * e->dx;
}

/* Where a row crosses an edge, in pixels: col + rem / dividend, 0 <= rem < dividend. */
struct crossing {
	int64_t col, rem, dividend;
	int64_t col_step, rem_step; /* from row to row */
};

static struct crossing crossing_at(const struct edge *e, int32_t row)
{
	int64_t dividend = e->dy * RASTER_ONE;
	int64_t n = offset_at(e, row, 0);
	int64_t col = floor_div(n, dividend);
	struct crossing c = {.col = col, .rem = n - col * dividend, .dividend = dividend};

	if (e->row1 - e->row0 > 1) {
		c.col_step = floor_div(e->dx, e->dy);
		c.rem_step = (e->dx - c.col_step * e->dy) * RASTER_ONE;
	}
	return c;
}

static void crossing_step(struct crossing *c)
{
	c->col += c->col_step;
	c->rem += c->rem_step;
	if (c->rem >= c->dividend) {
		c->rem -= c->dividend;
		c->col++;
	}
}

/* ---- Toggling ---- */

/* One bit of a row; no bit at all right of the image. */
struct flip {
	uint32_t word;
	uint64_t bit;
};

static struct flip flip_at(const struct mask *m, int64_t col)
{
	if (col >= (int64_t)m->cols)
		return (struct flip){0, 0};
	if (col < 0)
		col = 0;
	return (struct flip){(uint32_t)col / 64, UINT64_C(1) << (col % 64)};
}

static bool toggle_long(struct mask *m, const struct edge *e)
{
	uint64_t *words = m->bits + (size_t)e->row0 * m->stride;
	struct crossing c = crossing_at(e, e->row0);
	bool tie = false;

	for (int32_t r = e->row0; r < e->row1; r++) {
		struct flip f = flip_at(m, c.col + (c.rem > 0));
		tie |= c.rem == 0;
		words[f.word] ^= f.bit;
		words += m->stride;
		crossing_step(&c);
	}
	return tie;
}

/* Every crossing rounds up to `col` or to `col + 1`: no division needed to know which. */
static bool toggle_steep(struct mask *m, const struct edge *e, int32_t col)
{
	uint64_t *words = m->bits + (size_t)e->row0 * m->stride;
	const struct flip left = flip_at(m, col), right = flip_at(m, (int64_t)col + 1);
	int64_t n = offset_at(e, e->row0, col), step = e->dx * RASTER_ONE;
	bool tie = false;

	for (int32_t r = e->row0; r < e->row1; r++) {
		tie |= n == 0;
		words[n <= 0 ? left.word : right.word] ^= n <= 0 ? left.bit : right.bit;
		words += m->stride;
		n += step;
	}
	return tie;
}

static bool toggle_edge(struct mask *m, struct q12 a, struct q12 b)
{
	if (a.y > b.y) {
		struct q12 swap = a;
		a = b;
		b = swap;
	}

	int32_t row0 = ceil_px(a.y), row1 = ceil_px(b.y);
	if (row0 == row1) /* most short edges; horizontal ones have no crossing */
		return a.y == b.y && (a.y & FRACTION) == 0;
	row0 = row0 > 0 ? row0 : 0;
	row1 = row1 < (int32_t)m->rows ? row1 : (int32_t)m->rows;
	if (row0 >= row1)
		return false;

	const struct edge e = {
		.x = a.x,
		.y = a.y,
		.dx = (int64_t)b.x - a.x,
		.dy = (int64_t)b.y - a.y,
		.row0 = row0,
		.row1 = row1,
	};
	int32_t col0 = ceil_px(a.x < b.x ? a.x : b.x), col1 = ceil_px(a.x < b.x ? b.x : a.x);
	if (col0 >= (int32_t)m->cols)
		return false;
	if (col1 - col0 <= 1)
		return toggle_steep(m, &e, col0);
	return toggle_long(m, &e);
}

bool raster_toggle(struct mask *m, const struct q12 *v, size_t count, struct bounds b)
{
	struct mask_box box;
	bool tie = false;

	if (!raster_box(b, m, &box))
		return false;
	mask_grow(m, box);

	struct q12 from = v[count - 1];
	for (size_t i = 0; i < count; i++) {
		tie |= ((v[i].x | v[i].y) & FRACTION) == 0;
		tie |= toggle_edge(m, from, v[i]);
		from = v[i];
	}
	return tie;
}

void raster_parity(struct mask *m)
{
	const struct mask_box b = m->box;
	uint64_t last = UINT64_MAX >> (m->stride * 64 - m->cols) % 64;

	for (uint32_t r = b.row0; r < b.row1; r++) {
		uint64_t *words = m->bits + (size_t)r * m->stride;
		uint64_t carry = 0; /* all ones when inside at the end of the word before */

		for (uint32_t w = b.word0; w < b.word1; w++) {
			uint64_t v = words[w];
			if (v == 0) {
				words[w] = carry;
				continue;
			}
			v ^= v << 1;
			v ^= v << 2;
			v ^= v << 4;
			v ^= v << 8;
			v ^= v << 16;
			v ^= v << 32;
			v ^= carry;
			carry = 0 - (v >> 63);
			words[w] = v;
		}
		if (b.word1 == m->stride)
			words[m->stride - 1] &= last;
	}
}

/* ---- The path itself ---- */

static void path_horizontal(struct mask *m, const struct q12 a, const struct q12 b)
{
	int32_t from = ceil_px(a.x < b.x ? a.x : b.x), to = floor_px(a.x < b.x ? b.x : a.x) + 1;
	int32_t row = floor_px(a.y);

	if ((a.y & FRACTION) != 0 || row < 0 || row >= (int32_t)m->rows)
		return;
	from = from > 0 ? from : 0;
	to = to < (int32_t)m->cols ? to : (int32_t)m->cols;
	if (from < to)
		mask_set(m, (uint32_t)row, (uint32_t)from, (uint32_t)to);
}

static void path_edge(struct mask *m, struct q12 a, struct q12 b)
{
	if (a.y == b.y) {
		path_horizontal(m, a, b);
		return;
	}
	if (a.y > b.y) {
		struct q12 swap = a;
		a = b;
		b = swap;
	}

	int32_t row0 = ceil_px(a.y), row1 = floor_px(b.y) + 1;
	int32_t col0 = ceil_px(a.x < b.x ? a.x : b.x), col1 = floor_px(a.x < b.x ? b.x : a.x) + 1;
	row0 = row0 > 0 ? row0 : 0;
	row1 = row1 < (int32_t)m->rows ? row1 : (int32_t)m->rows;
	if (row0 >= row1 || col0 >= col1 || col0 >= (int32_t)m->cols || col1 <= 0)
		return; /* most edges pass between the centres */

	const struct edge e = {
		.x = a.x,
		.y = a.y,
		.dx = (int64_t)b.x - a.x,
		.dy = (int64_t)b.y - a.y,
		.row0 = row0,
		.row1 = row1,
	};
	struct crossing c = crossing_at(&e, row0);
	uint64_t *words = m->bits + (size_t)row0 * m->stride;
	for (int32_t r = row0; r < row1; r++) {
		if (c.rem == 0 && c.col >= 0 && c.col < (int64_t)m->cols)
			words[c.col / 64] |= UINT64_C(1) << (c.col % 64);
		words += m->stride;
		crossing_step(&c);
	}
}

void raster_path(struct mask *m, const struct q12 *v, size_t count, struct bounds b)
{
	struct mask_box box;

	if (!raster_box(b, m, &box))
		return;
	mask_grow(m, box);

	struct q12 from = v[count - 1];
	for (size_t i = 0; i < count; i++) {
		path_edge(m, from, v[i]);
		from = v[i];
	}
}
