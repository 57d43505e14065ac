#include "raster/outline.h"

#include <assert.h>

static bool same(struct q12 a, struct q12 b)
{
	return a.x == b.x && a.y == b.y;
}

uint64_t outline_area(const struct q12 *v, size_t count)
{
	uint64_t sum = 0;

	if (count == 0)
		return 0;
	struct q12 from = v[count - 1];
	for (size_t i = 0; i < count; i++) {
		sum += (uint64_t)((int64_t)from.x * v[i].y) - (uint64_t)((int64_t)v[i].x * from.y);
		from = v[i];
	}
	return sum;
}

uint32_t outline_reduce(const struct q12 *v, uint32_t count, struct q12 *out)
{
	uint32_t top = 0, first = 0;

	for (uint32_t i = 0; i < count; i++) {
		while (top >= 2 && orient(out[top - 2], out[top - 1], v[i]) == 0)
			top--;
		if (top == 0 || !same(out[top - 1], v[i]))
			out[top++] = v[i];
	}

	/* Where the end meets the beginning: out[first..top) is what remains. */
	for (;;) {
		if (top - first < 3)
			return 0;
		if (same(out[top - 1], out[first]) ||
		    orient(out[top - 2], out[top - 1], out[first]) == 0)
			top--;
		else if (orient(out[top - 1], out[first], out[first + 1]) == 0)
			first++;
		else
			break;
	}
	for (uint32_t i = 0; first > 0 && i < top - first; i++)
		out[i] = out[first + i];
	return top - first;
}

static struct bounds join(struct bounds a, struct bounds b)
{
	return (struct bounds){
		.x0 = a.x0 < b.x0 ? a.x0 : b.x0,
		.y0 = a.y0 < b.y0 ? a.y0 : b.y0,
		.x1 = a.x1 > b.x1 ? a.x1 : b.x1,
		.y1 = a.y1 > b.y1 ? a.y1 : b.y1,
	};
}

static bool apart(struct bounds a, struct bounds b)
{
	return a.x1 < b.x0 || b.x1 < a.x0 || a.y1 < b.y0 || b.y1 < a.y0;
}

static struct bounds edge_bounds(struct q12 a, struct q12 b)
{
	return (struct bounds){
		.x0 = a.x < b.x ? a.x : b.x,
		.y0 = a.y < b.y ? a.y : b.y,
		.x1 = a.x < b.x ? b.x : a.x,
		.y1 = a.y < b.y ? b.y : a.y,
	};
}

static struct q12 vertex(const struct outline *o, uint32_t i)
{
	return o->v[i < o->count ? i : 0];
}

static uint32_t blocks_of(uint32_t things)
{
	return things / OUTLINE_FANOUT + (things % OUTLINE_FANOUT != 0);
}

/* How many children (edges at level 0) block `index` has, and the first of them. */
static uint32_t children(const struct outline *o, uint32_t level, uint32_t index, uint32_t *first)
{
	uint32_t things = o->count;

	for (uint32_t l = 0; l < level; l++)
		things = blocks_of(things);
	*first = index * OUTLINE_FANOUT;
	return things - *first < OUTLINE_FANOUT ? things - *first : OUTLINE_FANOUT;
}

struct outline outline_index(const struct q12 *v, uint32_t count, struct bounds **blocks)
{
	struct outline o = {.v = v, .count = count};
	struct bounds *out = *blocks;

	if (count == 0)
		return o;
	o.level[0] = out;
	o.levels = 1;
	for (uint32_t i = 0; i < count; i++) {
		struct bounds b = edge_bounds(v[i], vertex(&o, i + 1));
		if (i % OUTLINE_FANOUT == 0)
			*out++ = b;
		else
			out[-1] = join(out[-1], b);
	}
	for (uint32_t below = blocks_of(count); below > 1; below = blocks_of(below)) {
		const struct bounds *from = o.level[o.levels - 1];
		assert(o.levels < OUTLINE_LEVELS);
		o.level[o.levels++] = out;
		for (uint32_t i = 0; i < below; i++) {
			if (i % OUTLINE_FANOUT == 0)
				*out++ = from[i];
			else
				out[-1] = join(out[-1], from[i]);
		}
	}
	*blocks = out;
	return o;
}

/* Does the ray from p to the right cross the edge?  Ends count once, as in raster.c. */
static bool ray_crosses(struct q12 p, struct q12 a, struct q12 b)
{
	if ((a.y <= p.y) == (b.y <= p.y))
		return false;
	return (orient(a, b, p) > 0) == (b.y > a.y);
}

bool outline_encloses(const struct outline *o, struct q12 p, int64_t *work)
{
	uint32_t block_count = blocks_of(o->count);
	bool inside = false;

	*work -= block_count;
	for (uint32_t k = 0; k < block_count; k++) {
		const struct bounds b = o->level[0][k];
		if (p.y < b.y0 || p.y > b.y1 || p.x > b.x1)
			continue;

		uint32_t first, n = children(o, 0, k, &first);
		*work -= n;
		for (uint32_t i = first; i < first + n; i++)
			inside ^= ray_crosses(p, o->v[i], vertex(o, i + 1));
	}
	return inside;
}

static int sign(int64_t v)
{
	return (v > 0) - (v < 0);
}

/* Closed edges whose boxes meet. */
static bool edges_touch(struct q12 a0, struct q12 a1, struct q12 b0, struct q12 b1)
{
	return sign(orient(a0, a1, b0)) * sign(orient(a0, a1, b1)) <= 0 &&
	       sign(orient(b0, b1, a0)) * sign(orient(b0, b1, a1)) <= 0;
}

static bool blocks_touch(const struct outline *a, uint32_t ka, const struct outline *b, uint32_t kb,
			 int64_t *work)
{
	uint32_t first_a, first_b;
	uint32_t count_a = children(a, 0, ka, &first_a), count_b = children(b, 0, kb, &first_b);

	for (uint32_t i = first_a; i < first_a + count_a; i++) {
		struct q12 a0 = a->v[i], a1 = vertex(a, i + 1);
		struct bounds box = edge_bounds(a0, a1);

		if (apart(box, b->level[0][kb]))
			continue;
		*work -= count_b;
		for (uint32_t j = first_b; j < first_b + count_b; j++) {
			struct q12 b0 = b->v[j], b1 = vertex(b, j + 1);
			if (!apart(box, edge_bounds(b0, b1)) && edges_touch(a0, a1, b0, b1))
				return true;
		}
	}
	return false;
}

struct block_pair {
	uint32_t level_a, a, level_b, b;
};

bool outline_touch(const struct outline *a, const struct outline *b, int64_t *work)
{
	/* Each of the at most 2 * LEVELS descents replaces one pair by FANOUT pairs. */
	struct block_pair stack[2 * OUTLINE_LEVELS * OUTLINE_FANOUT];
	size_t depth = 0;

	if (a->count == 0 || b->count == 0)
		return false;
	stack[depth++] = (struct block_pair){a->levels - 1, 0, b->levels - 1, 0};
	while (depth > 0) {
		const struct block_pair p = stack[--depth];
		uint32_t first, n;

		if (--*work < 0)
			return true;
		if (apart(a->level[p.level_a][p.a], b->level[p.level_b][p.b]))
			continue;
		if (p.level_a == 0 && p.level_b == 0) {
			if (blocks_touch(a, p.a, b, p.b, work))
				return true;
		} else if (p.level_a >= p.level_b) {
			n = children(a, p.level_a, p.a, &first);
			for (uint32_t i = first; i < first + n; i++)
				stack[depth++] =
					(struct block_pair){p.level_a - 1, i, p.level_b, p.b};
		} else {
			n = children(b, p.level_b, p.b, &first);
			for (uint32_t i = first; i < first + n; i++)
				stack[depth++] =
					(struct block_pair){p.level_a, p.a, p.level_b - 1, i};
		}
	}
	return false;
}
