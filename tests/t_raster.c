/*
 * Polygons to pixels: every pixel against the oracle, and the properties that hold whatever
 * the polygon is.
 */
#include <check.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "raster/region.h"
#include "support/mask_check.h"
#include "support/raster_oracle.h"

Suite *suite_raster(void);

#define VERTICES_MAX 64

/* ---- One polygon ---- */

/* Fill one polygon by itself, through the policy, as the program does. */
static void fill(struct mask *m, const struct q12 *v, size_t count, enum edge_rule edge)
{
	const struct polygon p = {v, (uint32_t)count, false};
	void *scratch = malloc(region_scratch_bytes(m->cols, m->rows, 1, count));

	ck_assert_ptr_nonnull(scratch);
	mask_clear(m);
	region_fill(m, &p, 1, edge, NESTED_HOLE, scratch, NULL);
	free(scratch);
}

/* ---- Random polygons ---- */

static int32_t grid(uint64_t *seed, int32_t low, int32_t high, int32_t step)
{
	return oracle_between(seed, low / step, high / step) * step;
}

/* Around a centre, by angle: convex when `spread` is 0, else a star. */
static size_t make_star(uint64_t *seed, struct q12 *v, double reach, double spread)
{
	size_t n = (size_t)oracle_between(seed, 3, 40);
	double cx = oracle_between(seed, -8, 70), cy = oracle_between(seed, -8, 40);
	double radius = 1 + reach * oracle_between(seed, 0, 1000) / 1000;

	for (size_t i = 0; i < n; i++) {
		double r = radius * (1 - spread * oracle_between(seed, 0, 900) / 1000);
		double angle = 6.283185307179586 * (double)i / (double)n;
		must(raster_snap(cx + r * cos(angle), cy + r * sin(angle), &v[i]), "not snapped");
	}
	return n;
}

static size_t make_any(uint64_t *seed, struct q12 *v, int32_t reach, int32_t step)
{
	size_t n = (size_t)oracle_between(seed, 1, 12);

	for (size_t i = 0; i < n; i++)
		v[i] = (struct q12){grid(seed, -reach, reach, step),
				    grid(seed, -reach, reach, step)};
	return n;
}

static size_t make_keyhole(uint64_t *seed, struct q12 *v)
{
	int32_t x = oracle_between(seed, 0, 9) * 2048, y = oracle_between(seed, 0, 9) * 2048;
	int32_t s = 5 * RASTER_ONE, at = oracle_between(seed, 0, 4 * s);
	const struct q12 ring[] = {
		{x, y},
		{x + 4 * s, y},
		{x + 4 * s, y + 4 * s},
		{x, y + 4 * s},
		{x, y + at},
		{x + s, y + at},
		{x + s, y + 3 * s},
		{x + 3 * s, y + 3 * s},
		{x + 3 * s, y + s},
		{x + s, y + s},
		{x + s, y + at},
		{x, y + at},
	};

	memcpy(v, ring, sizeof(ring));
	return sizeof(ring) / sizeof(ring[0]);
}

static size_t make_spiked(uint64_t *seed, struct q12 *v)
{
	size_t n = 0, corners = (size_t)oracle_between(seed, 3, 9);

	for (size_t i = 0; i < corners; i++) {
		v[n++] = (struct q12){grid(seed, 0, 60 * RASTER_ONE, 1024),
				      grid(seed, 0, 40 * RASTER_ONE, 1024)};
		switch (oracle_between(seed, 0, 3)) {
		case 0: /* out and back */
			v[n++] = (struct q12){grid(seed, 0, 60 * RASTER_ONE, 1024),
					      grid(seed, 0, 40 * RASTER_ONE, 1024)};
			v[n] = v[n - 2];
			n++;
			break;
		case 1: /* twice the same */
			v[n] = v[n - 1];
			n++;
			break;
		default:
			break;
		}
	}
	v[n] = v[0]; /* closed by its first point */
	return n + 1;
}

static size_t make_line(uint64_t *seed, struct q12 *v)
{
	int32_t dx = oracle_between(seed, -2, 2) * 1024, dy = oracle_between(seed, -2, 2) * 1024;
	size_t n = (size_t)oracle_between(seed, 1, 8);

	for (size_t i = 0; i < n; i++) {
		int32_t t = oracle_between(seed, 0, 20);
		v[i] = (struct q12){8192 + t * dx, 8192 + t * dy};
	}
	return n;
}

enum kind { CONVEX, STAR, CROSSING, KEYHOLE, SPIKED, LINE, LATTICE, HALF_LATTICE, FAR, KINDS };

static const char *const kind_names[KINDS] = {
	"convex",
	"star",
	"self-crossing",
	"keyhole",
	"spiked, repeated, closed twice",
	"on one line",
	"on the lattice",
	"on the half lattice",
	"far outside",
};

static size_t make(enum kind kind, uint64_t *seed, struct q12 *v)
{
	switch (kind) {
	case CONVEX:
		return make_star(seed, v, 30, 0);
	case STAR:
		return make_star(seed, v, 60, 1);
	case CROSSING:
		return make_any(seed, v, 70 * RASTER_ONE, 1);
	case KEYHOLE:
		return make_keyhole(seed, v);
	case SPIKED:
		return make_spiked(seed, v);
	case LINE:
		return make_line(seed, v);
	case LATTICE:
		return make_any(seed, v, 70 * RASTER_ONE, RASTER_ONE);
	case HALF_LATTICE:
		return make_any(seed, v, 70 * RASTER_ONE, RASTER_ONE / 2);
	default:
		return make_any(seed, v, RASTER_COORD_MAX, oracle_between(seed, 1, 4096));
	}
}

static const struct {
	uint32_t cols, rows;
} sizes[] = {{1, 1}, {63, 7}, {64, 33}, {65, 40}, {21, 22}, {130, 9}};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

/* ---- A: every pixel against the oracle ---- */

static void assert_oracle(const struct mask *m, const struct q12 *v, size_t count,
			  enum edge_rule edge, const char *name, int round)
{
	uint32_t n = oracle_once(v, (uint32_t)count, NULL);
	bool area = !oracle_no_area(v, n);

	for (uint32_t r = 0; r < m->rows; r++) {
		for (uint32_t c = 0; c < m->cols; c++) {
			struct oracle_hit hit = oracle_pixel(v, n, c, r);
			bool want = hit.inside || (area && hit.on_path && edge == EDGE_INCLUSIVE);
			must(mask_get(m, c, r) == want,
			     "%s, round %d, rule %d: pixel (%u, %u) should be %d", name, round,
			     (int)edge, c, r, want);
		}
	}
	assert_invariants(m, name);
}

START_TEST(every_pixel)
{
	enum kind kind = (enum kind)(_i / 2);
	enum edge_rule edge = _i % 2 ? EDGE_HALF_OPEN : EDGE_INCLUSIVE;
	uint64_t seed = 1000 + (uint64_t)_i;
	struct q12 v[VERTICES_MAX];

	for (int round = 0; round < 80; round++) {
		size_t size = (size_t)round % SIZES;
		struct mask m = mask_new(sizes[size].cols, sizes[size].rows);
		size_t n = make(kind, &seed, v);
		fill(&m, v, n, edge);
		assert_oracle(&m, v, n, edge, kind_names[kind], round);
		mask_free(&m);
	}
}
END_TEST

START_TEST(widest_image)
{
	uint64_t seed = 7;
	struct q12 v[16];

	for (int round = 0; round < 4; round++) {
		bool tall = round % 2;
		struct mask m =
			mask_new(tall ? 3 : LIMIT_PIXELS_SIDE, tall ? LIMIT_PIXELS_SIDE : 3);
		size_t n = (size_t)oracle_between(&seed, 3, 9);
		for (size_t i = 0; i < n; i++) {
			int32_t along = oracle_between(&seed, -4096, 65536 * RASTER_ONE);
			int32_t across = oracle_between(&seed, -8192, 5 * RASTER_ONE);
			v[i] = tall ? (struct q12){across, along} : (struct q12){along, across};
		}
		fill(&m, v, n, EDGE_INCLUSIVE);
		assert_oracle(&m, v, n, EDGE_INCLUSIVE, tall ? "tall" : "wide", round);
		mask_free(&m);
	}
}
END_TEST

/* ---- B: against the decimal numbers themselves ---- */

/* Points in millionths of a pixel, as a decimal string would say; exact in int64. */
struct micro {
	int64_t x, y;
};
#define MICRO 1000000

static bool micro_inside(const struct micro *v, size_t count, int64_t col, int64_t row)
{
	bool inside = false;
	int64_t px = col * MICRO, py = row * MICRO;

	for (size_t i = 0; i < count; i++) {
		struct micro p = v[i], q = v[(i + 1) % count];
		if ((p.y <= py) == (q.y <= py))
			continue;
		oracle_int side =
			(oracle_int)(px - p.x) * (q.y - p.y) - (oracle_int)(py - p.y) * (q.x - p.x);
		if (q.y < p.y ? side <= 0 : side >= 0)
			inside = !inside;
	}
	return inside;
}

/* In pixels, from a centre to the nearest point of the path. */
static double micro_distance(const struct micro *v, size_t count, double col, double row)
{
	double best = DBL_MAX;

	for (size_t i = 0; i < count; i++) {
		double x0 = (double)v[i].x / MICRO, y0 = (double)v[i].y / MICRO;
		double dx = (double)v[(i + 1) % count].x / MICRO - x0;
		double dy = (double)v[(i + 1) % count].y / MICRO - y0;
		double len = dx * dx + dy * dy;
		double t = len > 0 ? ((col - x0) * dx + (row - y0) * dy) / len : 0;
		t = t < 0 ? 0 : t > 1 ? 1 : t;
		double d = hypot(x0 + t * dx - col, y0 + t * dy - row);
		best = d < best ? d : best;
	}
	return best;
}

static void compare_micro(const struct mask *m, const struct micro *w, size_t n, int round)
{
	for (uint32_t r = 0; r < m->rows; r++)
		for (uint32_t c = 0; c < m->cols; c++)
			if (mask_get(m, c, r) != micro_inside(w, n, c, r))
				must(micro_distance(w, n, c, r) <= 1.4143 / RASTER_ONE,
				     "round %d: pixel (%u, %u) is not near the path", round, c, r);
}

START_TEST(decimal_strings)
{
	uint64_t seed = 21;
	struct micro w[20];
	struct q12 v[20];

	for (int round = 0; round < 100; round++) {
		struct mask m = mask_new(64, 48);
		size_t n = (size_t)oracle_between(&seed, 3, 20);
		int32_t step = round % 4 == 0 ? MICRO / 2 : 1;
		for (size_t i = 0; i < n; i++) {
			w[i] = (struct micro){grid(&seed, -5 * MICRO, 70 * MICRO, step),
					      grid(&seed, -5 * MICRO, 50 * MICRO, step)};
			must(raster_snap((double)w[i].x / MICRO, (double)w[i].y / MICRO, &v[i]),
			     "not snapped");
		}
		fill(&m, v, n, EDGE_HALF_OPEN);
		compare_micro(&m, w, n, round);
		mask_free(&m);
	}
}
END_TEST

/* A far polygon, clipped in floating point, against its own numbers. */
START_TEST(clip_keeps_the_inside)
{
	uint64_t seed = 33;
	struct micro w[12];
	double points[24];
	struct q12 v[RASTER_CLIP_ROOM(12)];

	for (int round = 0; round < 300; round++) {
		struct mask m = mask_new(64, 48);
		size_t n = (size_t)oracle_between(&seed, 3, 12), clipped;
		for (size_t i = 0; i < n; i++) {
			int64_t far =
				oracle_between(&seed, 0, 2) == 0 ? MICRO : 10000 * (int64_t)MICRO;
			w[i] = (struct micro){far * oracle_between(&seed, -80, 80),
					      far * oracle_between(&seed, -80, 80)};
			points[2 * i] = (double)w[i].x / MICRO;
			points[2 * i + 1] = (double)w[i].y / MICRO;
		}
		ck_assert(raster_clip(points, n, v, &clipped));
		ck_assert_uint_le(clipped, RASTER_CLIP_ROOM(n));
		fill(&m, v, clipped, EDGE_HALF_OPEN);
		compare_micro(&m, w, n, round);
		mask_free(&m);
	}
}
END_TEST

static const struct {
	const char *name;
	double points[8];
	size_t count;
	bool ok;
	uint64_t pixels; /* of 16 x 16 */
} clip_cases[] = {
	{"around everything", {-1e8, -1e8, 1e8, -1e8, 1e8, 1e8, -1e8, 1e8}, 4, true, 256},
	{"beside everything", {1e6, 1e6, 1e7, 1e6, 1e7, 1e7, 1e6, 1e7}, 4, true, 0},
	{"the lower half", {-1e6, 7.5, 1e6, 7.5, 1e6, 1e6, -1e6, 1e6}, 4, true, 128},
	{"a quarter, by a far diagonal", {-9.5, 7.5, 7.5, -9.5, 7.5, 7.5}, 3, true, 64},
	{"below the diagonal", {-1e6, -1e6 - 0.5, 1e6, 1e6 - 0.5, -1e6, 1e6}, 3, true, 136},
	{"a triangle with a far tip", {-1e9, 4.5, 15.5, 0.5, 15.5, 8.5}, 3, true, 128},
	{"inside, untouched", {1.5, 1.5, 4.5, 1.5, 4.5, 4.5, 1.5, 4.5}, 4, true, 9},
	{"one point far away", {1e8, 3}, 1, true, 0},
	{"no points", {0}, 0, true, 0},
	{"not a number", {0, 0, 5, 0, (double)NAN, 5}, 3, false, 0},
	{"infinite", {0, 0, 5, 0, (double)INFINITY, 5}, 3, false, 0},
	{"1e300", {0, 0, 1e300, 0, 0, 5}, 3, false, 0},
	{"just too far", {0, 0, 1.0000001e9, 0, 0, 5}, 3, false, 0},
};

START_TEST(clip)
{
	struct q12 v[RASTER_CLIP_ROOM(4)] = {{0, 0}};
	struct mask m = mask_new(16, 16);
	size_t n = 0;
	bool ok = raster_clip(clip_cases[_i].points, clip_cases[_i].count, v, &n);

	must(ok == clip_cases[_i].ok, "%s: accepted %d", clip_cases[_i].name, ok);
	if (ok) {
		fill(&m, v, n, EDGE_HALF_OPEN);
		must(mask_count(&m) == clip_cases[_i].pixels, "%s: %llu pixels",
		     clip_cases[_i].name, (unsigned long long)mask_count(&m));
	}
	mask_free(&m);
}
END_TEST

static const struct {
	const char *name;
	double px;
	bool ok;
	int32_t want;
} snap_cases[] = {
	{"zero", 0, true, 0},
	{"one", 1, true, 4096},
	{"a half step goes up", 0.5 / 4096, true, 1},
	{"a half step below zero goes up too", -0.5 / 4096, true, 0},
	{"one and a half steps below", -1.5 / 4096, true, -1},
	{"just under a half step", 0.49999999999999994 / 4096, true, 0},
	{"just under minus a half step", -0.50000000000000011 / 4096, true, -1},
	{"decimal noise", 19.999999, true, 81920},
	{"tiny", 1e-300, true, 0},
	{"tiny and negative", -1e-300, true, 0},
	{"the limit", 131072, true, RASTER_COORD_MAX},
	{"minus the limit", -131072, true, -RASTER_COORD_MAX},
	{"over the limit", 131072.0001, false, 0},
	{"not a number", (double)NAN, false, 0},
	{"infinite", (double)INFINITY, false, 0},
	{"minus infinite", -(double)INFINITY, false, 0},
	{"1e300", 1e300, false, 0},
};

START_TEST(snap)
{
	struct q12 p = {-7, -7}, q = {-7, -7};
	bool ok = raster_snap(snap_cases[_i].px, 0, &p);
	bool ok_row = raster_snap(0, snap_cases[_i].px, &q);
	const char *name = snap_cases[_i].name;

	must(ok == snap_cases[_i].ok && ok_row == ok, "%s: accepted %d", name, ok);
	must(p.x == (ok ? snap_cases[_i].want : -7), "%s: column %d", name, p.x);
	must(q.y == (ok ? snap_cases[_i].want : -7), "%s: row %d", name, q.y);
}
END_TEST

/* ---- C: what may not matter ---- */

static void assert_same(struct mask *m, const struct mask *want, const struct q12 *v, size_t n,
			enum edge_rule edge, const char *what)
{
	fill(m, v, n, edge);
	must(mask_equal(m, want), "%s changes the mask", what);
}

START_TEST(same_path_same_mask)
{
	enum edge_rule edge = _i % 2 ? EDGE_HALF_OPEN : EDGE_INCLUSIVE;
	uint64_t seed = 50 + (uint64_t)_i;
	struct q12 v[VERTICES_MAX], w[2 * VERTICES_MAX];
	struct mask want = mask_new(80, 50), m = mask_new(80, 50);

	for (int round = 0; round < 90; round++) {
		size_t n = make((enum kind)(round % FAR), &seed, v);
		size_t turn = oracle_random(&seed) % n;
		fill(&want, v, n, edge);
		for (size_t i = 0; i < n; i++)
			w[i] = v[n - 1 - i];
		assert_same(&m, &want, w, n, edge, "reversal");
		for (size_t i = 0; i < n; i++)
			w[i] = v[(i + turn) % n];
		assert_same(&m, &want, w, n, edge, "another first vertex");
		for (size_t i = 0; i < n; i++)
			w[2 * i] = w[2 * i + 1] = v[i];
		assert_same(&m, &want, w, 2 * n, edge, "repeating every vertex");
		for (size_t i = 0; i < n; i++) /* even, so that the middle is exact */
			v[i] = (struct q12){v[i].x & ~1, v[i].y & ~1};
		fill(&want, v, n, edge);
		for (size_t i = 0; i < n; i++) {
			struct q12 next = v[(i + 1) % n];
			w[2 * i] = v[i];
			w[2 * i + 1] = (struct q12){(v[i].x + next.x) / 2, (v[i].y + next.y) / 2};
		}
		assert_same(&m, &want, w, 2 * n, edge, "a vertex amid every edge");
	}
	mask_free(&want);
	mask_free(&m);
}
END_TEST

static void shift(struct q12 *v, size_t n, int32_t cols, int32_t rows)
{
	for (size_t i = 0; i < n; i++)
		v[i] = (struct q12){v[i].x + cols * RASTER_ONE, v[i].y + rows * RASTER_ONE};
}

START_TEST(whole_pixel_shift)
{
	enum edge_rule edge = _i % 2 ? EDGE_HALF_OPEN : EDGE_INCLUSIVE;
	uint64_t seed = 60 + (uint64_t)_i;
	struct q12 v[VERTICES_MAX];
	struct mask a = mask_new(200, 200), b = mask_new(200, 200);

	for (int round = 0; round < 45; round++) {
		size_t n = make((enum kind)(round % FAR), &seed, v);
		int32_t dc = oracle_between(&seed, -60, 60), dr = oracle_between(&seed, -60, 60);
		shift(v, n, 65, 65);
		fill(&a, v, n, edge);
		shift(v, n, dc, dr);
		fill(&b, v, n, edge);
		for (int32_t r = 60; r < 140; r++)
			for (int32_t c = 60; c < 140; c++)
				must(mask_get(&a, (uint32_t)c, (uint32_t)r) ==
					     mask_get(&b, (uint32_t)(c + dc), (uint32_t)(r + dr)),
				     "round %d, shift (%d, %d): pixel (%d, %d)", round, dc, dr, c,
				     r);
	}
	mask_free(&a);
	mask_free(&b);
}
END_TEST

/* ---- D: mirrored and turned ---- */

#define SIDE 40

/* The eight symmetries of a square of SIDE pixels, as (column, row) -> (column, row). */
static struct q12 turned(struct q12 p, int symmetry, int32_t last)
{
	if (symmetry & 1)
		p.x = last - p.x;
	if (symmetry & 2)
		p.y = last - p.y;
	if (symmetry & 4)
		return (struct q12){p.y, p.x};
	return p;
}

START_TEST(mirrored_and_turned)
{
	uint64_t seed = 70 + (uint64_t)_i;
	struct q12 v[VERTICES_MAX], w[VERTICES_MAX];
	struct mask a = mask_new(SIDE, SIDE), b = mask_new(SIDE, SIDE);

	for (int round = 0; round < 27; round++) {
		size_t n = make((enum kind)(round % FAR), &seed, v);
		for (size_t i = 0; i < n; i++)
			w[i] = turned(v[i], _i, (SIDE - 1) * RASTER_ONE);
		for (int rule = 0; rule < 2; rule++) {
			fill(&a, v, n, (enum edge_rule)rule);
			fill(&b, w, n, (enum edge_rule)rule);
			for (int32_t r = 0; r < SIDE; r++) {
				for (int32_t c = 0; c < SIDE; c++) {
					struct q12 t = turned((struct q12){c, r}, _i, SIDE - 1);
					if (rule == EDGE_HALF_OPEN &&
					    oracle_pixel(v, n, c, r).on_path)
						continue;
					must(mask_get(&a, (uint32_t)c, (uint32_t)r) ==
						     mask_get(&b, (uint32_t)t.x, (uint32_t)t.y),
					     "symmetry %d, round %d, rule %d: (%d, %d)", _i, round,
					     rule, c, r);
				}
			}
		}
	}
	mask_free(&a);
	mask_free(&b);
}
END_TEST

/* ---- E: neighbours tile ---- */

#define CELLS 6
#define TILED 48

/* A bent grid over the whole image; no cell turns inside out. */
static void make_grid(uint64_t *seed, struct q12 at[CELLS + 1][CELLS + 1], int32_t step)
{
	for (int32_t j = 0; j <= CELLS; j++)
		for (int32_t i = 0; i <= CELLS; i++)
			at[j][i] = (struct q12){
				(10 * i - 6) * RASTER_ONE +
					grid(seed, -2 * RASTER_ONE, 2 * RASTER_ONE, step),
				(10 * j - 6) * RASTER_ONE +
					grid(seed, -2 * RASTER_ONE, 2 * RASTER_ONE, step)};
}

static void count_cover(struct mask *m, const struct q12 *tri, enum edge_rule edge,
			uint8_t cover[TILED][TILED], uint8_t path[TILED][TILED])
{
	fill(m, tri, 3, edge);
	for (uint32_t r = 0; r < TILED; r++) {
		for (uint32_t c = 0; c < TILED; c++) {
			cover[r][c] = (uint8_t)(cover[r][c] + mask_get(m, c, r));
			path[r][c] |= oracle_pixel(tri, 3, c, r).on_path;
		}
	}
}

START_TEST(neighbours_tile)
{
	uint64_t seed = 80 + (uint64_t)_i;
	int32_t step = _i % 2 ? 1 : RASTER_ONE / 2; /* ties are rare; or everywhere */
	enum edge_rule edge = _i / 2 ? EDGE_INCLUSIVE : EDGE_HALF_OPEN;
	struct mask m = mask_new(TILED, TILED);

	for (int round = 0; round < 8; round++) {
		struct q12 at[CELLS + 1][CELLS + 1];
		uint8_t cover[TILED][TILED] = {{0}}, path[TILED][TILED] = {{0}};
		make_grid(&seed, at, step);
		for (int k = 0; k < CELLS * CELLS * 2; k++) {
			int i = k / 2 % CELLS, j = k / 2 / CELLS;
			struct q12 tri[3] = {at[j][i], at[j + 1][i + 1],
					     k % 2 ? at[j][i + 1] : at[j + 1][i]};
			count_cover(&m, tri, edge, cover, path);
		}
		for (uint32_t r = 0; r < TILED; r++)
			for (uint32_t c = 0; c < TILED; c++)
				must(cover[r][c] == 1 || (edge == EDGE_INCLUSIVE && path[r][c] &&
							  cover[r][c] > 1),
				     "round %d: pixel (%u, %u) is covered %d times", round, c, r,
				     cover[r][c]);
	}
	mask_free(&m);
}
END_TEST

/* ---- F: areas ---- */

START_TEST(rectangles_by_half_pixels)
{
	uint64_t seed = 90;
	struct mask m = mask_new(100, 90);

	for (int round = 0; round < 200; round++) {
		int32_t x = oracle_between(&seed, 0, 40), y = oracle_between(&seed, 0, 40);
		int32_t w = oracle_between(&seed, 1, 55), h = oracle_between(&seed, 1, 45);
		int32_t half = RASTER_ONE / 2;
		int32_t x0 = x * RASTER_ONE - half, y0 = y * RASTER_ONE - half;
		int32_t x1 = x0 + w * RASTER_ONE, y1 = y0 + h * RASTER_ONE;
		const struct q12 v[4] = {{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}};
		for (int rule = 0; rule < 2; rule++) {
			fill(&m, v, 4, (enum edge_rule)rule);
			ck_assert_uint_eq(mask_count(&m), (uint64_t)w * (uint64_t)h);
			ck_assert(mask_get(&m, (uint32_t)x, (uint32_t)y));
			ck_assert(!mask_get(&m, (uint32_t)(x + w), (uint32_t)y));
		}
	}
	mask_free(&m);
}
END_TEST

/* Every pair of sides around the seams of the words, on centres and between them. */
START_TEST(rectangles_across_words)
{
	struct mask m = mask_new(140, 3);

	for (int32_t x0 = 2 * 61; x0 <= 2 * 129; x0 += x0 == 2 * 66 ? 2 * 60 : 1) {
		for (int32_t x1 = x0; x1 <= 2 * 130; x1++) {
			int32_t a = x0 * RASTER_ONE / 2, b = x1 * RASTER_ONE / 2;
			const struct q12 v[4] = {{a, 4096}, {b, 4096}, {b, 8192}, {a, 8192}};
			uint32_t from = 0, to = 0;
			fill(&m, v, 4, EDGE_HALF_OPEN);
			ck_assert(mask_run(&m, 1, &from, &to) == ((x0 + 1) / 2 < (x1 + 1) / 2));
			if (to > 0)
				must((int32_t)from == (x0 + 1) / 2 && (int32_t)to == (x1 + 1) / 2,
				     "from %g to %g: columns [%u, %u)", x0 / 2.0, x1 / 2.0, from,
				     to);
			ck_assert_uint_eq(mask_count(&m), to - from);
		}
	}
	mask_free(&m);
}
END_TEST

/* Over random shifts of less than a pixel, the mean area of a disk is its area: no bias. */
START_TEST(disk_without_bias)
{
	static const double radii[] = {1.5, 4, 12.3, 31};
	double r = radii[_i], sum = 0, squares = 0;
	const int shifts = 500, n = 720;
	uint64_t seed = 100;
	struct mask m = mask_new(70, 70);
	struct q12 v[720];

	for (int k = 0; k < shifts; k++) {
		double cx = 34 + oracle_between(&seed, 0, 1 << 20) / 1048576.0;
		double cy = 34 + oracle_between(&seed, 0, 1 << 20) / 1048576.0;
		for (int i = 0; i < n; i++) {
			double angle = 6.283185307179586 * i / n;
			must(raster_snap(cx + r * cos(angle), cy + r * sin(angle), &v[i]),
			     "not snapped");
		}
		fill(&m, v, (size_t)n, EDGE_INCLUSIVE);
		double area = (double)mask_count(&m);
		sum += area;
		squares += area * area;
	}
	double mean = sum / shifts, sigma = sqrt(squares / shifts - mean * mean);
	double truth = n * r * r * sin(6.283185307179586 / n) / 2; /* of the polygon */
	must(fabs(mean - truth) < 3.5 * sigma / sqrt(shifts) + 1e-9,
	     "radius %g: mean %g, truth %g, sigma %g", r, mean, truth, sigma);
	mask_free(&m);
}
END_TEST

/* ---- H: a keyhole is its outline less its hole ---- */

START_TEST(keyhole)
{
	uint64_t seed = 110;
	struct q12 v[VERTICES_MAX];
	struct mask m = mask_new(60, 60);

	for (int round = 0; round < 50; round++) {
		size_t n = make_keyhole(&seed, v);
		for (int rule = 0; rule < 2; rule++) {
			fill(&m, v, n, (enum edge_rule)rule);
			for (uint32_t r = 0; r < 60; r++) {
				for (uint32_t c = 0; c < 60; c++) {
					const struct q12 inner[4] = {v[9], v[6], v[7], v[8]};
					struct oracle_hit out = oracle_pixel(v, 4, c, r);
					struct oracle_hit in = oracle_pixel(inner, 4, c, r);
					bool path = oracle_pixel(v, n, c, r).on_path;
					bool want = (out.inside && !in.inside) ||
						    (path && rule == EDGE_INCLUSIVE);
					must(mask_get(&m, c, r) == want,
					     "round %d, rule %d: pixel (%u, %u)", round, rule, c,
					     r);
				}
			}
		}
	}
	mask_free(&m);
}
END_TEST

/* ---- M: a great many points, far away ---- */

START_TEST(million_points)
{
	const size_t n = 1000000;
	struct q12 *v = malloc(n * sizeof(*v));
	struct mask m = mask_new(512, 512);
	uint64_t seed = 150;

	ck_assert_ptr_nonnull(v);
	for (size_t i = 0; i < n; i++) /* a circle of radius 200 with a rough rim */
		must(raster_snap(256 + (200 + (double)(i % 2) / 100) *
						 cos(6.283185307179586 * (double)i / (double)n),
				 256 + (200 + (double)(i % 2) / 100) *
						 sin(6.283185307179586 * (double)i / (double)n),
				 &v[i]),
		     "not snapped");
	fill(&m, v, n, EDGE_INCLUSIVE);
	ck_assert_uint_gt(mask_count(&m), 125500);
	ck_assert_uint_lt(mask_count(&m), 125850);
	for (size_t i = 0; i < n; i++)
		v[i] = (struct q12){oracle_between(&seed, -RASTER_COORD_MAX, RASTER_COORD_MAX),
				    oracle_between(&seed, -RASTER_COORD_MAX, -RASTER_ONE)};
	fill(&m, v, n, EDGE_INCLUSIVE);
	ck_assert(mask_is_empty(&m));
	free(v);
	mask_free(&m);
}
END_TEST

Suite *suite_raster(void)
{
	Suite *s = suite_create("raster");
	TCase *oracle = tcase_create("oracle");
	TCase *properties = tcase_create("properties");
	TCase *entry = tcase_create("snap and clip");

	tcase_set_timeout(oracle, 300);
	tcase_set_timeout(properties, 300);
	tcase_add_loop_test(oracle, every_pixel, 0, 2 * KINDS);
	tcase_add_test(oracle, widest_image);
	tcase_add_test(oracle, decimal_strings);
	tcase_add_test(oracle, million_points);
	tcase_add_loop_test(properties, same_path_same_mask, 0, 2);
	tcase_add_loop_test(properties, whole_pixel_shift, 0, 2);
	tcase_add_loop_test(properties, mirrored_and_turned, 0, 8);
	tcase_add_loop_test(properties, neighbours_tile, 0, 4);
	tcase_add_test(properties, rectangles_by_half_pixels);
	tcase_add_test(properties, rectangles_across_words);
	tcase_add_loop_test(properties, disk_without_bias, 0, 4);
	tcase_add_test(properties, keyhole);
	tcase_add_loop_test(entry, snap, 0, (int)(sizeof(snap_cases) / sizeof(snap_cases[0])));
	tcase_add_loop_test(entry, clip, 0, (int)(sizeof(clip_cases) / sizeof(clip_cases[0])));
	tcase_add_test(entry, clip_keeps_the_inside);
	suite_add_tcase(s, oracle);
	suite_add_tcase(s, properties);
	suite_add_tcase(s, entry);
	return s;
}
