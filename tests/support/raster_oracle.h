/*
 * The slow truth about polygons and pixels, written apart from src/raster and in another
 * way: every pixel asks every edge; nothing is stepped, boxed or skipped.
 */
#ifndef TESTS_RASTER_ORACLE_H
#define TESTS_RASTER_ORACLE_H

#include <assert.h>
#include <stdlib.h>

#include "raster/region.h"

__extension__ typedef __int128 oracle_int;

/* ---- One polygon ---- */

struct oracle_hit {
	bool inside; /* by the half-open rule */
	bool on_path;
};

static inline struct oracle_hit oracle_pixel(const struct q12 *v, size_t count, int64_t col,
					     int64_t row)
{
	struct oracle_hit hit = {false, false};
	int64_t px = col * RASTER_ONE, py = row * RASTER_ONE; /* products stay below 2^62 */

	for (size_t i = 0; i < count; i++) {
		struct q12 p = v[i], q = v[(i + 1) % count];
		if (p.y > q.y) {
			struct q12 t = p;
			p = q;
			q = t;
		}
		/* > 0: the centre is right of the edge, which runs down */
		int64_t side =
			(px - p.x) * (q.y - (int64_t)p.y) - (py - p.y) * (q.x - (int64_t)p.x);
		int32_t left = p.x < q.x ? p.x : q.x, right = p.x < q.x ? q.x : p.x;
		if (side == 0 && px >= left && px <= right && py >= p.y && py <= q.y)
			hit.on_path = true;
		if (p.y <= py && py < q.y && side >= 0)
			hit.inside = !hit.inside;
	}
	return hit;
}

/* Does the path only retrace itself?  Take out any vertex that is in line with its
 * neighbours until there is none. */
static inline bool oracle_no_area(const struct q12 *v, size_t count)
{
	struct q12 *w = malloc((count + 1) * sizeof(*w));
	bool changed = true;

	assert(w != NULL);
	for (size_t i = 0; i < count; i++)
		w[i] = v[i];
	while (changed && count > 2) {
		changed = false;
		for (size_t i = 0; i < count && !changed; i++) {
			struct q12 a = w[(i + count - 1) % count], b = w[i], c = w[(i + 1) % count];
			if (((int64_t)b.x - a.x) * ((int64_t)c.y - b.y) !=
			    ((int64_t)b.y - a.y) * ((int64_t)c.x - b.x))
				continue;
			for (size_t k = i; k + 1 < count; k++)
				w[k] = w[k + 1];
			count--;
			changed = true;
		}
	}
	free(w);
	return count < 3;
}

/* Vertices that remain when a path run twice round, or closed by its first point, is taken
 * once round and open; *twice (may be NULL) counts the halvings. */
static inline uint32_t oracle_once(const struct q12 *v, uint32_t count, uint32_t *twice_count)
{
	for (bool changed = true; changed;) {
		bool twice = count >= 6 && count % 2 == 0;
		for (uint32_t i = 0; i < count / 2 && twice; i++)
			twice = v[i].x == v[count / 2 + i].x && v[i].y == v[count / 2 + i].y;
		bool closed = count > 1 && v[0].x == v[count - 1].x && v[0].y == v[count - 1].y;
		changed = twice || closed;
		if (twice && twice_count != NULL)
			(*twice_count)++;
		count = twice ? count / 2 : closed ? count - 1 : count;
	}
	return count;
}

/* ---- Two polygons ---- */

struct oracle_ratio {
	oracle_int num, den; /* den > 0 */
};

struct oracle_cut { /* an edge where a vertical line meets it */
	struct oracle_ratio y;
	unsigned letter;
};

static inline int oracle_ratio_cmp(const void *a, const void *b)
{
	const struct oracle_ratio *p = a, *q = b;
	oracle_int left = p->num * q->den, right = q->num * p->den;

	return (left > right) - (left < right);
}

static inline int oracle_cut_cmp(const void *a, const void *b)
{
	return oracle_ratio_cmp(&((const struct oracle_cut *)a)->y,
				&((const struct oracle_cut *)b)->y);
}

struct oracle_edge {
	int64_t x0, y0, x1, y1;
	unsigned letter;
};

/*
 * Which of "in the first only" (bit 1), "in the second only" (bit 2), "in both" (bit 3)
 * occur.  The plane is cut into vertical strips at every vertex and every crossing; in the
 * middle of each, the edges in order tell every face.  Coordinates are divided by `unit`,
 * which must divide them all, and must then lie within +-256; edges in all at most 64.
 */
static inline unsigned oracle_faces(const struct q12 *a, size_t na, const struct q12 *b, size_t nb,
				    int32_t unit)
{
	struct oracle_edge e[64];
	struct oracle_cut cuts[64];
	static struct oracle_ratio xs[64 + 64 * 64];
	size_t n = 0, x_count = 0;
	unsigned seen = 0;

	assert(na + nb <= 64);
	for (size_t i = 0; i < na + nb; i++) {
		const struct q12 *v = i < na ? a : b;
		size_t count = i < na ? na : nb, k = i < na ? i : i - na;
		struct q12 p = v[k], q = v[(k + 1) % count];
		e[n++] = (struct oracle_edge){p.x / unit, p.y / unit, q.x / unit, q.y / unit,
					      i < na ? 1 : 2};
		xs[x_count++] = (struct oracle_ratio){p.x / unit, 1};
	}
	for (size_t i = 0; i < n; i++) {
		for (size_t j = i + 1; j < n; j++) {
			int64_t dx = e[i].x1 - e[i].x0, dy = e[i].y1 - e[i].y0;
			int64_t ex = e[j].x1 - e[j].x0, ey = e[j].y1 - e[j].y0;
			int64_t den = dx * ey - dy * ex;
			int64_t num = (e[j].x0 - e[i].x0) * ey - (e[j].y0 - e[i].y0) * ex;
			if (den < 0) {
				den = -den;
				num = -num;
			}
			if (den != 0) /* of the lines, which is more than needed */
				xs[x_count++] = (struct oracle_ratio){
					(oracle_int)e[i].x0 * den + (oracle_int)num * dx, den};
		}
	}
	qsort(xs, x_count, sizeof(xs[0]), oracle_ratio_cmp);
	for (size_t i = 0; i + 1 < x_count; i++) {
		if (oracle_ratio_cmp(&xs[i], &xs[i + 1]) == 0)
			continue;
		struct oracle_ratio mid = {xs[i].num * xs[i + 1].den + xs[i + 1].num * xs[i].den,
					   2 * xs[i].den * xs[i + 1].den};
		size_t cut_count = 0;
		for (size_t k = 0; k < n; k++) {
			int64_t x0 = e[k].x0, y0 = e[k].y0, dx = e[k].x1 - x0, dy = e[k].y1 - y0;
			oracle_int from = mid.num - x0 * mid.den; /* times den */
			oracle_int to = mid.num - e[k].x1 * mid.den;
			if ((from < 0) == (to < 0))
				continue;
			int64_t s = dx < 0 ? -1 : 1;
			cuts[cut_count++] = (struct oracle_cut){
				{(y0 * mid.den * dx + from * dy) * s, mid.den * dx * s},
				e[k].letter};
		}
		qsort(cuts, cut_count, sizeof(cuts[0]), oracle_cut_cmp);
		unsigned label = 0;
		for (size_t k = 0; k + 1 < cut_count; k++) {
			label ^= cuts[k].letter;
			if (oracle_cut_cmp(&cuts[k], &cuts[k + 1]) != 0)
				seen |= 1u << label;
		}
	}
	return seen & 0xE;
}

/* ---- All contours of an ROI ---- */

#define ORACLE_CONTOURS 12

struct oracle_region {
	const struct polygon *p;
	size_t count;
	enum edge_rule edge;
	enum nesting_rule nesting;
	bool used[ORACLE_CONTOURS]; /* neither without area nor a duplicate */
	bool area[ORACLE_CONTOURS];
	bool inside[ORACLE_CONTOURS][ORACLE_CONTOURS]; /* [i][j]: i inside j */
	unsigned depth[ORACLE_CONTOURS];
	struct region_notes notes; /* holes, islands, overlaps, duplicates, empty, mixed_types */
};

static inline void oracle_compare(struct oracle_region *o, size_t j, int32_t unit)
{
	for (size_t i = 0; i < j; i++) {
		if (!o->used[i] || o->p[i].xor_type)
			continue;
		if (oracle_faces(o->p[i].v, o->p[i].count, o->p[j].v, o->p[j].count, unit) == 0x8) {
			o->used[j] = false;
			o->notes.duplicates++;
			return;
		}
	}
	for (size_t i = 0; i < j; i++) {
		if (!o->used[i] || o->p[i].xor_type)
			continue;
		unsigned seen =
			oracle_faces(o->p[i].v, o->p[i].count, o->p[j].v, o->p[j].count, unit);
		o->inside[i][j] = seen == 0xC;
		o->inside[j][i] = seen == 0xA;
		o->notes.overlaps += seen == 0xE;
	}
}

/* The policy of region.h, literally; every contour in lowest terms as oracle_faces asks. */
static inline void oracle_open(struct oracle_region *o, const struct polygon *p, size_t count,
			       enum edge_rule edge, enum nesting_rule nesting, int32_t unit)
{
	bool plain = false, xors = false;

	assert(count <= ORACLE_CONTOURS);
	*o = (struct oracle_region){.p = p, .count = count, .edge = edge, .nesting = nesting};
	for (size_t i = 0; i < count; i++) {
		o->area[i] = o->used[i] = !oracle_no_area(p[i].v, p[i].count);
		o->notes.empty += !o->area[i];
		if (!o->area[i])
			continue;
		*(p[i].xor_type ? &xors : &plain) = true;
		if (!p[i].xor_type)
			oracle_compare(o, i, unit);
	}
	o->notes.mixed_types = plain && xors;
	for (size_t round = 0; round < count; round++)
		for (size_t i = 0; i < count; i++)
			for (size_t j = 0; j < count; j++)
				if (o->inside[i][j] && o->used[i] && o->used[j] &&
				    o->depth[i] <= o->depth[j])
					o->depth[i] = o->depth[j] + 1;
	for (size_t i = 0; i < count && nesting == NESTED_HOLE; i++) {
		o->notes.holes += o->used[i] && o->depth[i] % 2 == 1;
		o->notes.islands += o->used[i] && o->depth[i] % 2 == 0 && o->depth[i] > 0;
	}
}

static inline bool oracle_region_pixel(const struct oracle_region *o, int64_t col, int64_t row)
{
	struct oracle_hit hit[ORACLE_CONTOURS];
	bool xors = false, plain = false, path = false;

	for (size_t i = 0; i < o->count; i++) {
		hit[i] = oracle_pixel(o->p[i].v, o->p[i].count, col, row);
		path |= o->area[i] && hit[i].on_path;
		xors ^= o->p[i].xor_type && o->area[i] && hit[i].inside;
	}
	for (size_t i = 0; i < o->count; i++) {
		if (o->p[i].xor_type || !o->used[i] || !hit[i].inside)
			continue;
		if (o->nesting == NESTED_UNION) {
			plain = true;
			continue;
		}
		bool in = o->depth[i] % 2 == 0;
		for (size_t k = 0; k < o->count; k++)
			if (o->used[k] && o->inside[k][i] && o->depth[k] == o->depth[i] + 1 &&
			    hit[k].inside)
				in = false;
		plain |= in;
	}
	return xors || plain || (path && o->edge == EDGE_INCLUSIVE);
}

/* ---- Numbers from a seed, the same everywhere (splitmix64) ---- */

static inline uint64_t oracle_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return z ^ z >> 31;
}

/* Uniform enough in [low, high]. */
static inline int32_t oracle_between(uint64_t *state, int32_t low, int32_t high)
{
	return low + (int32_t)(oracle_random(state) % ((uint64_t)((int64_t)high - low) + 1));
}

#endif
