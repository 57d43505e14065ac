/*
 * Contours as outlines: reducing, boxes, and how two of them lie to each other, against every
 * face of the plane they cut.
 */
#include <check.h>
#include <stdlib.h>

#include "raster/relate.h"
#include "support/mask_check.h"
#include "support/raster_oracle.h"

Suite *suite_region_outline(void);

/* ---- Two outlines ---- */

static enum relation relate_two(const struct q12 *v, uint32_t nv, const struct q12 *w, uint32_t nw)
{
	size_t total = (size_t)nv + nw;
	struct q12 *reduced = malloc(total * sizeof(*reduced));
	struct bounds *blocks = malloc((OUTLINE_BLOCKS(nv) + OUTLINE_BLOCKS(nw)) * sizeof(*blocks));
	struct bounds *free_blocks = blocks;
	struct relate_room room = {
		.items = malloc(total * sizeof(struct sort_item)),
		.spare = malloc(total * sizeof(struct sort_item)),
		.strands_max = (uint32_t)(total < STRANDS_MAX ? total : STRANDS_MAX),
		.work = INT64_C(1) << 28,
	};

	room.strands = malloc(strands_bytes(room.strands_max));
	ck_assert(reduced && blocks && room.items && room.spare && room.strands);
	uint32_t na = outline_reduce(v, nv, reduced);
	uint32_t nb = outline_reduce(w, nw, reduced + nv);
	struct outline a = outline_index(reduced, na, &free_blocks);
	struct outline b = outline_index(reduced + nv, nb, &free_blocks);
	enum relation r = relate(&a, &b, &room);
	free(reduced);
	free(blocks);
	free(room.items);
	free(room.spare);
	free(room.strands);
	return r;
}

/* Random closed paths on a tiny lattice, so that everything that can coincide does. */
START_TEST(relations)
{
	static const unsigned faces_of[] = {
		[RELATION_INSIDE] = 0xC,
		[RELATION_AROUND] = 0xA,
		[RELATION_SAME] = 0x8,
		[RELATION_PARTLY] = 0xE,
	};
	uint64_t seed = 700 + (uint64_t)_i;
	unsigned met[6] = {0};
	struct q12 v[8], w[8];

	for (int round = 0; round < 4000; round++) {
		int32_t side = oracle_between(&seed, 2, _i == 0 ? 4 : 40), unit = 1 + round % 5000;
		uint32_t nv = (uint32_t)oracle_between(&seed, 3, 8);
		uint32_t nw = (uint32_t)oracle_between(&seed, 3, 8);
		for (uint32_t i = 0; i < nv; i++)
			v[i] = (struct q12){oracle_between(&seed, 0, side) * unit,
					    oracle_between(&seed, 0, side) * unit};
		for (uint32_t i = 0; i < nw; i++)
			w[i] = (struct q12){oracle_between(&seed, 0, side) * unit,
					    oracle_between(&seed, 0, side) * unit};
		if (round % 3 == 0) /* the same but for one vertex */
			for (nw = 0; nw < nv; nw++)
				w[nw] = nw == 1 && round % 6 ? w[1] : v[nw];
		enum relation r = relate_two(v, nv, w, nw);
		unsigned faces = oracle_faces(v, nv, w, nw, unit);
		met[r]++;
		if (r == RELATION_APART || (faces & 0x8) == 0) {
			/* One that encloses nothing, twice round, is in nothing and beside it. */
			bool hollow = (faces & 0xA) == 0 || (faces & 0xC) == 0;
			must((r == RELATION_APART || hollow) && (faces & 0x8) == 0,
			     "round %d: apart, but %x", round, faces);
			continue;
		}
		must(faces == faces_of[r], "round %d: relation %d, faces %x", round, (int)r, faces);
	}
	for (int r = RELATION_APART; r <= RELATION_PARTLY; r++)
		must(met[r] > 10, "relation %d was met %u times", r, met[r]);
}
END_TEST

static const struct {
	const char *name;
	struct q12 v[8], w[8];
	uint32_t nv, nw;
	enum relation want; /* and the other way round */
} cases[] = {
	{"apart", {{0, 0}, {4, 0}, {0, 4}}, {{9, 9}, {9, 5}, {5, 9}}, 3, 3, RELATION_APART},
	{"apart in one box",
	 {{0, 0}, {9, 0}, {0, 9}},
	 {{9, 9}, {9, 1}, {1, 9}},
	 3,
	 3,
	 RELATION_APART},
	{"inside", {{3, 2}, {5, 2}, {4, 3}}, {{0, 0}, {9, 0}, {4, 9}}, 3, 3, RELATION_INSIDE},
	{"inside, touching a corner",
	 {{0, 0}, {5, 2}, {4, 3}},
	 {{0, 0}, {9, 0}, {4, 9}},
	 3,
	 3,
	 RELATION_INSIDE},
	{"the same, turned",
	 {{0, 0}, {9, 0}, {4, 9}},
	 {{4, 9}, {0, 0}, {9, 0}},
	 3,
	 3,
	 RELATION_SAME},
	{"the same, another way round",
	 {{0, 0}, {9, 0}, {4, 9}},
	 {{9, 0}, {0, 0}, {4, 9}},
	 3,
	 3,
	 RELATION_SAME},
	{"partly", {{0, 0}, {9, 0}, {4, 9}}, {{0, 1}, {9, 1}, {4, 10}}, 3, 3, RELATION_PARTLY},
	{"hourglasses through one point",
	 {{0, 0}, {8, 8}, {0, 8}, {8, 0}},
	 {{0, 1}, {8, 7}, {8, 1}, {0, 7}},
	 4,
	 4,
	 RELATION_APART},
	{"an hourglass in an hourglass",
	 {{2, 0}, {6, 8}, {2, 8}, {6, 0}},
	 {{0, 0}, {8, 8}, {0, 8}, {8, 0}},
	 4,
	 4,
	 RELATION_INSIDE},
	{"the same hourglass, from the crossing",
	 {{0, 0}, {8, 8}, {0, 8}, {8, 0}},
	 {{4, 4}, {0, 0}, {8, 0}, {4, 4}, {0, 8}, {8, 8}},
	 4,
	 6,
	 RELATION_SAME},
	{"crossing strips",
	 {{0, 3}, {9, 3}, {9, 5}, {0, 5}},
	 {{3, 0}, {5, 0}, {5, 9}, {3, 9}},
	 4,
	 4,
	 RELATION_PARTLY},
	{"no area", {{0, 0}, {4, 4}, {2, 2}}, {{0, 0}, {9, 0}, {4, 9}}, 3, 3, RELATION_APART},
};

START_TEST(relation_cases)
{
	static const enum relation other_way[] = {
		[RELATION_APART] = RELATION_APART,   [RELATION_INSIDE] = RELATION_AROUND,
		[RELATION_AROUND] = RELATION_INSIDE, [RELATION_SAME] = RELATION_SAME,
		[RELATION_PARTLY] = RELATION_PARTLY,
	};
	enum relation r = relate_two(cases[_i].v, cases[_i].nv, cases[_i].w, cases[_i].nw);
	must(r == cases[_i].want, "%s: %d", cases[_i].name, (int)r);
	r = relate_two(cases[_i].w, cases[_i].nw, cases[_i].v, cases[_i].nv);
	must(r == other_way[cases[_i].want], "%s, reversed: %d", cases[_i].name, (int)r);
}
END_TEST

static bool any_touch(const struct q12 *v, uint32_t nv, const struct q12 *w, uint32_t nw)
{
	for (uint32_t i = 0; i < nv; i++) {
		struct q12 a = v[i], b = v[(i + 1) % nv];
		for (uint32_t k = 0; k < nw; k++) {
			struct q12 c = w[k], d = w[(k + 1) % nw];
			int64_t s1 = orient(a, b, c), s2 = orient(a, b, d);
			int64_t s3 = orient(c, d, a), s4 = orient(c, d, b);
			bool boxes = (a.x < b.x ? a.x : b.x) <= (c.x < d.x ? d.x : c.x) &&
				     (c.x < d.x ? c.x : d.x) <= (a.x < b.x ? b.x : a.x) &&
				     (a.y < b.y ? a.y : b.y) <= (c.y < d.y ? d.y : c.y) &&
				     (c.y < d.y ? c.y : d.y) <= (a.y < b.y ? b.y : a.y);
			bool beside = (s1 > 0 && s2 > 0) || (s1 < 0 && s2 < 0) ||
				      (s3 > 0 && s4 > 0) || (s3 < 0 && s4 < 0);
			if (boxes && !beside)
				return true;
		}
	}
	return false;
}

/* A path of many short steps, so that the boxes have levels. */
static uint32_t make_walk(uint64_t *seed, struct q12 *v, uint32_t n, int32_t step)
{
	struct q12 at = {oracle_between(seed, -90, 90) * step,
			 oracle_between(seed, -90, 90) * step};

	for (uint32_t i = 0; i < n; i++) {
		v[i] = at;
		at.x += oracle_between(seed, -9, 9) * step;
		at.y += oracle_between(seed, -9, 9) * step;
	}
	return n;
}

START_TEST(touching_by_boxes)
{
	static struct q12 v[700], w[700], rv[700], rw[700];
	struct bounds blocks[2 * OUTLINE_BLOCKS(700)];
	uint64_t seed = 710;
	unsigned met[2] = {0};

	for (int round = 0; round < 120; round++) {
		struct bounds *free_blocks = blocks;
		uint32_t nv = make_walk(&seed, v, (uint32_t)oracle_between(&seed, 3, 700), 100);
		uint32_t nw = make_walk(&seed, w, (uint32_t)oracle_between(&seed, 3, 40), 10);
		nv = outline_reduce(v, nv, rv);
		nw = outline_reduce(w, nw, rw);
		struct outline a = outline_index(rv, nv, &free_blocks);
		struct outline b = outline_index(rw, nw, &free_blocks);
		int64_t work = INT64_C(1) << 40;
		bool touch = outline_touch(&a, &b, &work);
		must(touch == any_touch(rv, nv, rw, nw), "round %d", round);
		ck_assert(touch == outline_touch(&b, &a, &work));
		met[touch]++;
		for (int k = 0; k < 50 && nv > 0; k++) {
			struct q12 p = {oracle_between(&seed, -99, 99) * RASTER_ONE,
					oracle_between(&seed, -99, 99) * RASTER_ONE};
			struct oracle_hit hit =
				oracle_pixel(rv, nv, p.x / RASTER_ONE, p.y / RASTER_ONE);
			must(hit.on_path || outline_encloses(&a, p, &work) == hit.inside,
			     "round %d: point (%d, %d)", round, p.x, p.y);
		}
	}
	must(met[0] > 5 && met[1] > 5, "apart %u, touching %u", met[0], met[1]);
}
END_TEST

static const struct {
	const char *name;
	struct q12 v[12];
	uint32_t count, want;
} reductions[] = {
	{"a square", {{0, 0}, {4, 0}, {4, 4}, {0, 4}}, 4, 4},
	{"closed by its first point", {{0, 0}, {4, 0}, {4, 4}, {0, 4}, {0, 0}}, 5, 4},
	{"points along the edges", {{2, 0}, {4, 0}, {4, 3}, {4, 4}, {0, 4}, {0, 0}}, 6, 4},
	{"a spike", {{0, 0}, {4, 0}, {9, 0}, {4, 0}, {4, 4}, {0, 4}}, 6, 4},
	{"a bent spike", {{0, 0}, {4, 0}, {9, 2}, {9, 9}, {9, 2}, {4, 0}, {4, 4}, {0, 4}}, 8, 4},
	{"a spike at the beginning", {{-5, 0}, {0, 0}, {4, 0}, {4, 4}, {0, 4}, {0, 0}}, 6, 4},
	{"a spike past the corner", {{0, 0}, {4, 0}, {4, 9}, {4, 4}, {0, 4}}, 5, 4},
	{"nothing", {{0, 0}}, 0, 0},
	{"a point", {{0, 0}}, 1, 0},
	{"a point three times", {{1, 1}, {1, 1}, {1, 1}}, 3, 0},
	{"two points", {{0, 0}, {4, 1}}, 2, 0},
	{"a line", {{0, 0}, {4, 2}, {2, 1}, {8, 4}}, 4, 0},
	{"a tree", {{0, 0}, {4, 0}, {4, 4}, {4, 0}, {8, 0}, {8, 5}, {8, 0}, {0, 0}}, 8, 0},
	{"a triangle there and back", {{0, 0}, {4, 0}, {4, 4}, {0, 0}, {4, 4}, {4, 0}}, 6, 0},
	{"an eight", {{0, 0}, {4, 4}, {4, 0}, {0, 4}}, 4, 4},
};

START_TEST(reduce)
{
	struct q12 out[12];
	uint32_t n = outline_reduce(reductions[_i].v, reductions[_i].count, out);

	must(n == reductions[_i].want, "%s: %u vertices remain", reductions[_i].name, n);
	if (n == 0)
		must(outline_area(reductions[_i].v, reductions[_i].count) == 0, "%s",
		     reductions[_i].name);
}
END_TEST

START_TEST(sorting)
{
	uint64_t seed = 720;
	struct sort_item items[300], spare[300];

	for (int round = 0; round < 300; round++) {
		size_t n = (size_t)oracle_between(&seed, 0, 300);
		int32_t range = oracle_between(&seed, 0, 1) ? 5 : RASTER_COORD_MAX;
		for (size_t i = 0; i < n; i++)
			items[i] = (struct sort_item){oracle_between(&seed, -range, range),
						      (uint32_t)i};
		if (round % 5 == 0)
			for (size_t i = 0; i < n; i++)
				items[i].key = round % 2 ? (int32_t)i : -(int32_t)i;
		sort_items(items, spare, n);
		for (size_t i = 1; i < n; i++)
			must(items[i - 1].key < items[i].key || (items[i - 1].key == items[i].key &&
								 items[i - 1].id < items[i].id),
			     "round %d: item %zu", round, i);
	}
}
END_TEST

/* ---- Large and hostile ---- */

/* Towers side by side, `teeth` of them: a comb whose teeth point down (or up). */
static uint32_t make_comb(struct q12 *v, uint32_t teeth, struct q12 at, struct q12 tooth,
			  int32_t lean)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < teeth; i++) {
		int32_t x = at.x + (int32_t)i * tooth.x;
		v[n++] = (struct q12){x, at.y};
		v[n++] = (struct q12){x + lean, at.y + tooth.y};
		v[n++] = (struct q12){x + tooth.x / 4 + lean, at.y + tooth.y};
		v[n++] = (struct q12){x + tooth.x / 4, at.y};
	}
	v[n++] = (struct q12){at.x + (int32_t)teeth * tooth.x, at.y - tooth.y / 8};
	v[n++] = (struct q12){at.x, at.y - tooth.y / 8};
	return n;
}

START_TEST(interleaved_combs)
{
	const uint32_t teeth = 12500;
	struct q12 *v = malloc((4 * teeth + 2) * sizeof(*v)),
		   *w = malloc((4 * teeth + 2) * sizeof(*w));
	struct q12 down = {16, 400000}, up = {16, -400000};
	int32_t lean = _i == 0 ? 0 : 300000;

	ck_assert(v != NULL && w != NULL);
	uint32_t n = make_comb(v, teeth, (struct q12){0, 0}, down, lean);
	make_comb(w, teeth, (struct q12){8 + lean, 401000}, up, -lean);
	enum relation r = relate_two(v, n, w, n);
	if (_i == 0) /* leaning ones may be given up, but not be called what they are not */
		ck_assert_int_eq(r, RELATION_APART);
	else
		ck_assert(r == RELATION_APART || r == RELATION_UNKNOWN);

	make_comb(w, teeth, (struct q12){4 + lean, 401000}, up, -lean); /* they touch */
	r = relate_two(v, n, w, n);
	ck_assert(r == RELATION_APART || r == RELATION_UNKNOWN);
	make_comb(w, teeth, (struct q12){2 + lean, 401000}, up, -lean); /* they overlap */
	r = relate_two(v, n, w, n);
	ck_assert(r == RELATION_PARTLY || r == RELATION_UNKNOWN);
	free(v);
	free(w);
}
END_TEST

/* Two windings of one spiral that never meet.  Every box around a few turns of one meets every
 * such box of the other, so the large ones may be given up. */
static uint32_t make_spiral(struct q12 *v, uint32_t n, int32_t from)
{
	static const struct q12 corner[4] = {{1, 1}, {-1, 1}, {-1, -1}, {1, -1}};

	for (uint32_t i = 0; i < n; i++) { /* outwards, then back in beside itself */
		uint32_t k = i < n / 2 ? i : n - 1 - i;
		int32_t r = from + (int32_t)k * 16 + (i < n / 2 ? 0 : 4);
		v[i] = (struct q12){corner[k % 4].x * r, corner[k % 4].y * r};
	}
	return n;
}

START_TEST(spirals)
{
	const uint32_t n = _i == 0 ? 6000 : 100000;
	struct q12 *v = malloc(n * sizeof(*v)), *w = malloc(n * sizeof(*w));

	ck_assert(v != NULL && w != NULL);
	make_spiral(v, n, 100);
	make_spiral(w, n, 108);
	enum relation r = relate_two(v, n, w, n);
	must(r == RELATION_APART || (_i == 1 && r == RELATION_UNKNOWN), "%d", (int)r);
	free(v);
	free(w);
}
END_TEST

Suite *suite_region_outline(void)
{
	Suite *s = suite_create("region_outline");
	TCase *outlines = tcase_create("outlines");
	TCase *hostile = tcase_create("hostile");

	tcase_set_timeout(outlines, 300);
	tcase_set_timeout(hostile, 300);
	tcase_add_loop_test(outlines, relation_cases, 0, (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_loop_test(outlines, relations, 0, 2);
	tcase_add_test(outlines, touching_by_boxes);
	tcase_add_loop_test(outlines, reduce, 0, (int)(sizeof(reductions) / sizeof(reductions[0])));
	tcase_add_test(outlines, sorting);
	tcase_add_loop_test(hostile, interleaved_combs, 0, 2);
	tcase_add_loop_test(hostile, spirals, 0, 2);
	suite_add_tcase(s, outlines);
	suite_add_tcase(s, hostile);
	return s;
}
