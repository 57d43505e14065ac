/*
 * All contours of an ROI in one plane: the policy case by case, drawn as text in
 * tests/golden/region_*.txt; then random contours against the policy done literally, pixel
 * by pixel; then how two outlines lie to each other; then many and hostile ones.
 *
 * NETRT_GOLDEN=write writes the drawings anew (look at the difference before committing).
 */
#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/mask_check.h"
#include "support/raster_oracle.h"

Suite *suite_region(void);

#define HALF (RASTER_ONE / 2)

/* ---- Fixtures ---- */

struct fixture {
	struct mask mask;
	void *scratch;
};

static struct fixture open_fixture(uint32_t cols, uint32_t rows, size_t count, size_t points)
{
	struct fixture f;
	size_t size = region_scratch_bytes(cols, rows, count, points);
	uint64_t *bits = malloc((mask_words(cols, rows) + 1) * sizeof(*bits));

	f.scratch = malloc(size);
	ck_assert(f.scratch != NULL && bits != NULL);
	memset(f.scratch, 0xC3, size); /* whatever was there */
	mask_init(&f.mask, cols, rows, bits);
	return f;
}

static void close_fixture(struct fixture *f)
{
	free(f->mask.bits);
	free(f->scratch);
}

/* ---- The policy, case by case ---- */

#define COLS 24
#define ROWS 16
#define CONTOURS 5

/* A contour in half pixels, ended by END; `types` has 'x' for CLOSEDPLANAR_XOR. */
#define END 9999
#define BOX(x0, y0, x1, y1)                         \
	{                                           \
		x0, y0, x1, y0, x1, y1, x0, y1, END \
	}

struct golden {
	const char *name;
	const char *types;
	int16_t contours[CONTOURS][40];
	struct region_notes notes;
};

static const struct golden goldens[] = {
	{"rectangle", "c", {BOX(3, 3, 23, 13)}, {0}},
	{"tie", "c", {BOX(4, 4, 24, 14)}, {0}},
	{"diamond_tie", "c", {{20, 2, 34, 16, 20, 30, 6, 16, END}}, {0}},
	{"ring", "cc", {BOX(3, 3, 43, 27), BOX(13, 9, 31, 19)}, {.holes = 1}},
	{"ring_tie", "cc", {BOX(4, 4, 44, 26), BOX(14, 10, 30, 20)}, {.holes = 1}},
	{"ring_inner_first", "cc", {BOX(13, 9, 31, 19), BOX(3, 3, 43, 27)}, {.holes = 1}},
	{"island",
	 "ccc",
	 {BOX(3, 1, 43, 29), BOX(9, 5, 37, 25), BOX(17, 11, 27, 19)},
	 {.holes = 1, .islands = 1}},
	{"keyhole",
	 "c",
	 {{3,  3,  43, 3,  43, 27, 3, 27, 3,  15, 13, 15, 13,
	   21, 31, 21, 31, 9,  13, 9, 13, 15, 3,  15, END}},
	 {0}},
	{"keyhole_tie",
	 "c",
	 {{3,  3,  43, 3,  43, 27, 3, 27, 3,  16, 13, 16, 13,
	   21, 31, 21, 31, 9,  13, 9, 13, 16, 3,  16, END}},
	 {0}},
	{"keyhole_island",
	 "cc",
	 {{3,  3,  43, 3,  43, 27, 3, 27, 3,  15, 13, 15, 13,
	   21, 31, 21, 31, 9,  13, 9, 13, 15, 3,  15, END},
	  BOX(19, 13, 25, 17)},
	 {0}},
	{"apart", "cc", {BOX(3, 3, 13, 13), BOX(23, 13, 43, 27)}, {0}},
	{"touching_edge", "cc", {BOX(3, 3, 21, 27), BOX(21, 3, 43, 27)}, {0}},
	{"touching_edge_tie", "cc", {BOX(4, 4, 22, 26), BOX(22, 4, 42, 26)}, {0}},
	{"touching_corner", "cc", {BOX(3, 3, 21, 15), BOX(21, 15, 43, 27)}, {0}},
	{"hole_on_the_rim", "cc", {BOX(3, 3, 43, 27), BOX(3, 9, 21, 19)}, {.holes = 1}},
	{"overlap", "cc", {BOX(3, 3, 27, 19), BOX(17, 9, 43, 27)}, {.overlaps = 1}},
	{"overlap_on_lines", "cc", {BOX(3, 3, 27, 19), BOX(17, 3, 43, 19)}, {.overlaps = 1}},
	{"overlap_in_vertices",
	 "cc",
	 {{4, 16, 16, 4, 28, 16, 16, 28, END}, BOX(16, 4, 44, 28)},
	 {.overlaps = 1}},
	{"overlap_with_hole",
	 "ccc",
	 {BOX(3, 3, 31, 27), BOX(21, 3, 45, 27), BOX(9, 9, 15, 21)},
	 {.holes = 1, .overlaps = 1}},
	{"hole_in_both",
	 "ccc",
	 {BOX(3, 3, 31, 27), BOX(15, 3, 45, 27), BOX(21, 9, 25, 21)},
	 {.holes = 1, .overlaps = 1}},
	{"holes_overlap",
	 "ccc",
	 {BOX(3, 1, 45, 29), BOX(9, 5, 27, 19), BOX(21, 11, 39, 25)},
	 {.holes = 2, .overlaps = 1}},
	{"third_in_one_first_in_other",
	 "ccccc",
	 {BOX(1, 1, 31, 29), BOX(5, 5, 27, 25), BOX(13, 9, 23, 21), BOX(15, 13, 19, 17),
	  BOX(11, 7, 45, 23)},
	 {.holes = 2, .islands = 1, .overlaps = 2}},
	{"duplicate", "cc", {BOX(3, 3, 23, 13), BOX(3, 3, 23, 13)}, {.duplicates = 1}},
	{"duplicate_reversed",
	 "cc",
	 {BOX(3, 3, 23, 13), {23, 13, 23, 3, 3, 3, 3, 13, END}},
	 {.duplicates = 1}},
	{"duplicate_more_points",
	 "cc",
	 {BOX(3, 3, 23, 13), {3, 3, 9, 3, 9, 3, 23, 3, 23, 13, 11, 13, 3, 13, 3, 3, END}},
	 {.duplicates = 1}},
	{"duplicate_hole",
	 "ccc",
	 {BOX(3, 3, 43, 27), BOX(13, 9, 31, 19), BOX(13, 9, 31, 19)},
	 {.holes = 1, .duplicates = 1}},
	{"twice_round",
	 "c",
	 {{3, 3, 23, 3, 23, 13, 3, 13, 3, 3, 23, 3, 23, 13, 3, 13, 3, 3, END}},
	 {.duplicates = 1}},
	{"eight", "c", {{3, 3, 43, 27, 43, 3, 3, 27, END}}, {0}},
	{"spike", "c", {{4, 4, 16, 4, 16, 12, 16, 28, 16, 12, 4, 12, END}}, {0}},
	{"xor_ring", "xx", {BOX(3, 3, 43, 27), BOX(13, 9, 31, 19)}, {0}},
	{"xor_overlap", "xx", {BOX(3, 3, 27, 19), BOX(17, 9, 43, 27)}, {0}},
	{"xor_duplicate", "xxx", {BOX(3, 3, 23, 13), BOX(3, 3, 23, 13), BOX(31, 9, 41, 19)}, {0}},
	{"xor_mixed",
	 "cxx",
	 {BOX(3, 3, 21, 27), BOX(11, 7, 43, 23), BOX(15, 11, 37, 19)},
	 {.mixed_types = 1}},
	{"point", "c", {{8, 8, END}}, {.empty = 1}},
	{"two_points", "c", {{4, 4, 20, 4, END}}, {.empty = 1}},
	{"line", "c", {{4, 4, 20, 4, 12, 4, END}}, {.empty = 1}},
	{"there_and_back", "c", {{4, 4, 20, 4, 20, 12, 20, 4, END}}, {.empty = 1}},
	{"nothing", "", {{END}}, {0}},
	{"point_beside", "cc", {{8, 8, END}, BOX(13, 9, 31, 19)}, {.empty = 1}},
	{"clipped", "cc", {BOX(-9, -9, 11, 11), BOX(41, 21, 999, 999)}, {.clipped = 2}},
	{"around_the_image",
	 "cc",
	 {BOX(-99, -99, 99, 99), BOX(9, 9, 19, 19)},
	 {.holes = 1, .clipped = 1}},
	{"up_to_the_first_column", "c", {BOX(-8, 4, 0, 12)}, {.clipped = 1}},
	{"from_the_last_column", "c", {BOX(46, 4, 60, 12)}, {.clipped = 1}},
	{"up_to_the_first_row", "c", {BOX(4, -8, 12, 0)}, {.clipped = 1}},
	{"from_the_last_row", "c", {BOX(4, 30, 12, 40)}, {.clipped = 1}},
	{"outside", "c", {BOX(-99, 3, -3, 9)}, {.outside = 1}},
};
#define GOLDENS ((int)(sizeof(goldens) / sizeof(goldens[0])))

static size_t load(const struct golden *g, struct polygon p[CONTOURS], struct q12 v[CONTOURS][20])
{
	size_t count = strlen(g->types);

	for (size_t i = 0; i < count; i++) {
		uint32_t n = 0;
		for (; g->contours[i][2 * n] != END; n++)
			v[i][n] = (struct q12){g->contours[i][2 * n] * HALF,
					       g->contours[i][2 * n + 1] * HALF};
		p[i] = (struct polygon){v[i], n, g->types[i] == 'x'};
	}
	return count;
}

static size_t draw(const struct mask *m, const char *title, char *out, size_t size)
{
	size_t len = (size_t)snprintf(out, size, "%s\n", title);

	for (uint32_t r = 0; r < m->rows; r++) {
		for (uint32_t c = 0; c < m->cols; c++)
			out[len++] = mask_get(m, c, r) ? '#' : '.';
		out[len++] = '\n';
	}
	out[len] = '\0';
	ck_assert_uint_lt(len, size);
	return len;
}

/* Compare with the file, or write it. */
static void assert_golden(const char *name, const char *text)
{
	const char *anew = getenv("NETRT_GOLDEN");
	char path[128], want[4096] = "";

	snprintf(path, sizeof(path), "tests/golden/region_%s.txt", name);
	if (anew != NULL && strcmp(anew, "write") == 0) {
		FILE *out = fopen(path, "w");
		ck_assert_ptr_nonnull(out);
		fputs(text, out);
		fclose(out);
		return;
	}
	FILE *in = fopen(path, "r");
	must(in != NULL, "%s is missing", path);
	size_t len = fread(want, 1, sizeof(want) - 1, in);
	fclose(in);
	want[len] = '\0';
	must(strcmp(text, want) == 0, "%s: is now\n%s", path, text);
}

static void assert_notes(const char *name, const struct region_notes *got,
			 const struct region_notes *want)
{
	must(memcmp(got, want, offsetof(struct region_notes, area_q16)) == 0,
	     "%s: holes %u, islands %u, overlaps %u, duplicates %u, empty %u, mixed %u, "
	     "clipped %u, outside %u, unresolved %u",
	     name, got->holes, got->islands, got->overlaps, got->duplicates, got->empty,
	     got->mixed_types, got->clipped, got->outside, got->unresolved);
}

static const struct {
	const char *title;
	enum edge_rule edge;
	enum nesting_rule nesting;
} rules[] = {
	{"inclusive", EDGE_INCLUSIVE, NESTED_HOLE},
	{"half_open", EDGE_HALF_OPEN, NESTED_HOLE},
	{"half_open, nested: union", EDGE_HALF_OPEN, NESTED_UNION},
};

START_TEST(golden)
{
	const struct golden *g = &goldens[_i];
	struct polygon p[CONTOURS];
	struct q12 v[CONTOURS][20];
	char text[4096];
	size_t count = load(g, p, v), len = 0;
	struct fixture f = open_fixture(COLS, ROWS, CONTOURS, 20 * CONTOURS);

	for (size_t k = 0; k < sizeof(rules) / sizeof(rules[0]); k++) {
		struct region_notes notes = {0};
		mask_clear(&f.mask);
		region_fill(&f.mask, p, count, rules[k].edge, rules[k].nesting, f.scratch, &notes);
		len += draw(&f.mask, rules[k].title, text + len, sizeof(text) - len);
		if (rules[k].nesting == NESTED_HOLE)
			assert_notes(g->name, &notes, &g->notes);
	}
	assert_golden(g->name, text);
	close_fixture(&f);
}
END_TEST

/* The same once more, by the literal policy. */
START_TEST(golden_oracle)
{
	struct polygon p[CONTOURS];
	struct q12 v[CONTOURS][20];
	size_t count = load(&goldens[_i], p, v);
	struct fixture f = open_fixture(COLS, ROWS, CONTOURS, 20 * CONTOURS);

	for (size_t i = 0; i < count; i++)
		p[i].count = oracle_once(p[i].v, p[i].count, NULL);
	for (size_t k = 0; k < sizeof(rules) / sizeof(rules[0]); k++) {
		struct oracle_region o;
		oracle_open(&o, p, count, rules[k].edge, rules[k].nesting, HALF);
		mask_clear(&f.mask);
		region_fill(&f.mask, p, count, rules[k].edge, rules[k].nesting, f.scratch, NULL);
		for (uint32_t r = 0; r < ROWS; r++)
			for (uint32_t c = 0; c < COLS; c++)
				must(mask_get(&f.mask, c, r) == oracle_region_pixel(&o, c, r),
				     "%s, %s: pixel (%u, %u)", goldens[_i].name, rules[k].title, c,
				     r);
	}
	close_fixture(&f);
}
END_TEST

/* ---- Areas ---- */

/* Boxes whose sides run between pixels cover as many pixels as they have area. */
START_TEST(areas_of_goldens)
{
	struct polygon p[CONTOURS];
	struct q12 v[CONTOURS][20];
	const struct golden *g = &goldens[_i];
	size_t count = load(g, p, v);
	struct fixture f = open_fixture(COLS, ROWS, CONTOURS, 20 * CONTOURS);

	for (size_t i = 0; i < count; i++)
		for (uint32_t k = 0; k < p[i].count; k++) {
			struct q12 a = p[i].v[k], b = p[i].v[(k + 1) % p[i].count];

			if (a.x % RASTER_ONE == 0 || a.y % RASTER_ONE == 0 ||
			    (a.x != b.x && a.y != b.y))
				count = 0; /* not such boxes */
		}
	for (int nesting = NESTED_HOLE; nesting <= NESTED_UNION; nesting++) {
		struct region_notes n = {0};

		mask_clear(&f.mask);
		region_fill(&f.mask, p, count, EDGE_HALF_OPEN, (enum nesting_rule)nesting,
			    f.scratch, &n);
		if (n.overlaps == 0 && n.clipped == 0 && n.outside == 0 && n.mixed_types == 0 &&
		    strcmp(g->name, "xor_overlap") != 0 && strcmp(g->name, "xor_duplicate") != 0)
			must(n.area_q16 == (int64_t)mask_count(&f.mask) << 16,
			     "%s: %.3f pixels of %llu", g->name, (double)n.area_q16 / 65536,
			     (unsigned long long)mask_count(&f.mask));
		else
			must(n.area_q16 >= 0, "%s: %lld", g->name, (long long)n.area_q16);
	}
	close_fixture(&f);
}
END_TEST

/* Known shapes, as plain contours and as CLOSEDPLANAR_XOR. */
START_TEST(areas)
{
	const int32_t one = RASTER_ONE;
	struct q12 outer[] = {{0, 0}, {20 * one, 0}, {20 * one, 10 * one}, {0, 10 * one}};
	struct q12 hole[] = {{2 * one, 2 * one}, {8 * one, 2 * one}, {2 * one, 8 * one}};
	struct q12 island[] = {{3 * one, 3 * one}, {3 * one, 4 * one}, {4 * one, 3 * one}};
	struct q12 far[] = {{-50 * one, -9 * one},
			    {-40 * one, -9 * one},
			    {-40 * one, -5 * one},
			    {-50 * one, -5 * one}};
	struct polygon p[] = {
		{hole, 3, _i == 1}, {far, 4, _i == 1}, {outer, 4, _i == 1}, {island, 3, _i == 1}};
	struct fixture f = open_fixture(40, 20, 4, 14);
	struct region_notes n = {0};

	region_fill(&f.mask, p, 4, EDGE_INCLUSIVE, NESTED_HOLE, f.scratch, &n);
	ck_assert_int_eq(n.area_q16, (int64_t)((200 - 18 + 0.5 + 40) * 65536));
	region_fill(&f.mask, p, 4, EDGE_INCLUSIVE, NESTED_HOLE, f.scratch, &n);
	ck_assert_int_eq(n.area_q16, 2 * (int64_t)((200 - 18 + 0.5 + 40) * 65536));
	close_fixture(&f);
}
END_TEST

/* ---- Random contours against the literal policy ---- */

#define REACH 12 /* units from the middle */

/* Small contours on a coarse lattice: they touch, nest and coincide all the time. */
static uint32_t make_contour(uint64_t *seed, struct q12 *v, int32_t unit, int style)
{
	int32_t x = oracle_between(seed, -REACH, REACH), y = oracle_between(seed, -REACH, REACH);
	int32_t w = oracle_between(seed, 0, 10), h = oracle_between(seed, 0, 10);
	uint32_t n = 0;

	switch (style % 3) {
	case 0: { /* a box, from any corner */
		const struct q12 box[4] = {{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}};
		for (int turn = oracle_between(seed, 0, 3); n < 4; n++)
			v[n] = box[(n + (uint32_t)turn) % 4];
		break;
	}
	case 1: /* a diamond */
		v[n++] = (struct q12){x, y - w};
		v[n++] = (struct q12){x + w, y};
		v[n++] = (struct q12){x, y + w};
		v[n++] = (struct q12){x - w, y};
		break;
	default: /* anything */
		for (int k = oracle_between(seed, 1, 7); k > 0; k--)
			v[n++] = (struct q12){oracle_between(seed, -REACH, REACH),
					      oracle_between(seed, -REACH, REACH)};
	}
	for (uint32_t i = 0; i < n; i++)
		v[i] = (struct q12){v[i].x * unit, v[i].y * unit};
	return n;
}

static void assert_policy(struct fixture *f, const struct polygon *p, size_t count, int32_t unit,
			  enum edge_rule edge, enum nesting_rule nesting, int round)
{
	struct oracle_region o;
	struct region_notes notes = {0};

	oracle_open(&o, p, count, edge, nesting, unit);
	region_fill(&f->mask, p, count, edge, nesting, f->scratch, &notes);
	for (uint32_t r = 0; r < f->mask.rows; r++)
		for (uint32_t c = 0; c < f->mask.cols; c++)
			must(mask_get(&f->mask, c, r) == oracle_region_pixel(&o, c, r),
			     "round %d, rules %d %d: pixel (%u, %u) should be %d", round, (int)edge,
			     (int)nesting, c, r, !mask_get(&f->mask, c, r));
	notes.clipped = notes.outside = 0; /* the oracle knows of no image */
	assert_notes("random", &notes, &o.notes);
}

START_TEST(random_contours)
{
	static const int32_t units[] = {RASTER_ONE, RASTER_ONE / 2, 1365 * 2, 5000};
	uint64_t seed = 500 + (uint64_t)_i;
	struct q12 v[6][8];
	struct polygon p[6];
	struct fixture f = open_fixture(30, 26, 6, 48);

	for (int round = 0; round < 150; round++) {
		size_t count = (size_t)oracle_between(&seed, 1, 6);
		int32_t unit = units[round % 4];
		for (size_t i = 0; i < count; i++) {
			uint32_t n = make_contour(&seed, v[i], unit, _i);
			for (uint32_t k = 0; k < n; k++)
				v[i][k] =
					(struct q12){v[i][k].x + 13 * unit, v[i][k].y + 12 * unit};
			p[i] = (struct polygon){v[i], oracle_once(v[i], n, NULL), _i >= 3 && i % 2};
		}
		mask_clear(&f.mask);
		assert_policy(&f, p, count, unit, round % 2 ? EDGE_INCLUSIVE : EDGE_HALF_OPEN,
			      round % 3 ? NESTED_HOLE : NESTED_UNION, round);
	}
	close_fixture(&f);
}
END_TEST

/* ---- G: exclusive or, order, union ---- */

START_TEST(order_does_not_matter)
{
	uint64_t seed = 600 + (uint64_t)_i;
	struct q12 v[6][8];
	struct polygon p[6];
	struct fixture f = open_fixture(30, 26, 6, 48), g = open_fixture(30, 26, 6, 48);

	for (int round = 0; round < 200; round++) {
		size_t count = (size_t)oracle_between(&seed, 2, 6);
		for (size_t i = 0; i < count; i++)
			p[i] = (struct polygon){v[i], make_contour(&seed, v[i], HALF, round),
						_i == 1};
		mask_clear(&f.mask);
		region_fill(&f.mask, p, count, EDGE_INCLUSIVE, NESTED_HOLE, f.scratch, NULL);
		for (size_t i = count - 1; i > 0; i--) {
			size_t k = oracle_random(&seed) % (i + 1);
			struct polygon swap = p[i];
			p[i] = p[k];
			p[k] = swap;
		}
		mask_clear(&g.mask);
		region_fill(&g.mask, p, count, EDGE_INCLUSIVE, NESTED_HOLE, g.scratch, NULL);
		must(mask_equal(&f.mask, &g.mask), "round %d", round);
	}
	close_fixture(&f);
	close_fixture(&g);
}
END_TEST

/* Into a mask that holds something already: that stays, and the ROI is added. */
START_TEST(added_to_what_is_there)
{
	uint64_t seed = 610;
	struct q12 v[6][8];
	struct polygon p[6];
	struct fixture f = open_fixture(90, 26, 6, 48), g = open_fixture(90, 26, 6, 48);

	for (int round = 0; round < 200; round++) {
		size_t count = (size_t)oracle_between(&seed, 1, 6);
		for (size_t i = 0; i < count; i++)
			p[i] = (struct polygon){v[i], make_contour(&seed, v[i], HALF * 3, round),
						round % 5 == 0};
		mask_clear(&f.mask);
		mask_clear(&g.mask);
		mask_set(&f.mask, (uint32_t)oracle_between(&seed, 0, 25), 3, 70);
		mask_or(&g.mask, &f.mask);
		region_fill(&f.mask, p, count, EDGE_INCLUSIVE, NESTED_HOLE, f.scratch, NULL);
		struct fixture alone = open_fixture(90, 26, 6, 48);
		region_fill(&alone.mask, p, count, EDGE_INCLUSIVE, NESTED_HOLE, alone.scratch,
			    NULL);
		mask_or(&g.mask, &alone.mask);
		must(mask_equal(&f.mask, &g.mask), "round %d", round);
		close_fixture(&alone);
	}
	close_fixture(&f);
	close_fixture(&g);
}
END_TEST

/* Boxes in boxes: what is filled is the alternating sum of their areas. */
START_TEST(boxes_in_boxes)
{
	struct fixture f = open_fixture(64, 64, 16, 64);
	struct q12 v[16][4];
	struct polygon p[16];
	uint64_t want = 0;

	for (uint32_t i = 0; i < 16; i++) { /* from the inside out */
		int32_t a = (2 * (15 - (int32_t)i) - 1) * RASTER_ONE + HALF;
		int32_t b = a + (4 * (int32_t)i + 4) * RASTER_ONE;
		v[i][0] = (struct q12){a, a};
		v[i][1] = (struct q12){b, a};
		v[i][2] = (struct q12){b, b};
		v[i][3] = (struct q12){a, b};
		p[i] = (struct polygon){v[i], 4, false};
		want = (4 * i + 4) * (4 * i + 4) - want;

		struct region_notes notes = {0};
		mask_clear(&f.mask);
		region_fill(&f.mask, p, i + 1, EDGE_HALF_OPEN, NESTED_HOLE, f.scratch, &notes);
		ck_assert_uint_eq(mask_count(&f.mask), want);
		ck_assert_uint_eq(notes.holes, (i + 1) / 2);
		ck_assert_uint_eq(notes.islands, i / 2);
	}
	close_fixture(&f);
}
END_TEST

/* ---- Many, large, hostile ---- */

/* A big contour with a grid of holes, islands in each, and the whole twice. */
START_TEST(thousands_of_contours)
{
	const uint32_t side = 40;
	size_t count = 2 * (1 + 2 * (size_t)side * side), k = 0;
	struct polygon *p = malloc(count * sizeof(*p));
	struct q12(*v)[4] = malloc(count * sizeof(*v));
	struct fixture f = open_fixture(512, 512, count, 4 * count);
	struct region_notes notes = {0};

	ck_assert(p != NULL && v != NULL);
	for (int twice = 0; twice < 2; twice++) {
		for (uint32_t i = 0; i < 1 + 2 * side * side; i++, k++) {
			bool island = i % 2 == 0;
			int32_t cell = (int32_t)(i - 1) / 2;
			int32_t x = (cell % (int32_t)side * 12 + 4) * RASTER_ONE - HALF;
			int32_t y = (cell / (int32_t)side * 12 + 4) * RASTER_ONE - HALF;
			int32_t s = (island ? 4 : 8) * RASTER_ONE, in = island ? 2 * RASTER_ONE : 0;
			if (i == 0) {
				x = y = in = HALF;
				s = 500 * RASTER_ONE;
			}
			v[k][0] = (struct q12){x + in, y + in};
			v[k][1] = (struct q12){x + in + s, y + in};
			v[k][2] = (struct q12){x + in + s, y + in + s};
			v[k][3] = (struct q12){x + in, y + in + s};
			p[k] = (struct polygon){v[k], 4, false};
		}
	}
	region_fill(&f.mask, p, count, EDGE_HALF_OPEN, NESTED_HOLE, f.scratch, &notes);
	ck_assert_uint_eq(notes.holes, side * side);
	ck_assert_uint_eq(notes.islands, side * side);
	ck_assert_uint_eq(notes.duplicates, count / 2);
	ck_assert_uint_eq(notes.unresolved, 0);
	ck_assert_uint_eq(mask_count(&f.mask), 500 * 500 - 48 * side * side);
	free(p);
	free(v);
	close_fixture(&f);
}
END_TEST

/* More deeply entangled than is kept track of: all united, and said so. */
START_TEST(entangled)
{
	const uint32_t deep = 200;
	struct polygon p[202];
	struct q12 v[202][4];
	struct fixture f = open_fixture(512, 512, 202, 4 * 202);
	struct region_notes notes = {0};

	for (int32_t i = 0; i < (int32_t)deep + 2; i++) {
		int32_t a = i * RASTER_ONE - HALF, b = (511 - i) * RASTER_ONE + HALF;
		int32_t right = i < (int32_t)deep ? b : b + (i - (int32_t)deep) * 300 * RASTER_ONE;
		v[i][0] = (struct q12){a, a};
		v[i][1] = (struct q12){right, a};
		v[i][2] = (struct q12){right, b};
		v[i][3] = (struct q12){a, b};
		p[i] = (struct polygon){v[i], 4, false};
	}
	region_fill(&f.mask, p, deep, EDGE_HALF_OPEN, NESTED_HOLE, f.scratch, &notes);
	ck_assert_uint_eq(notes.unresolved, 0); /* without overlaps depth alone will do */
	ck_assert_uint_eq(notes.holes, deep / 2);
	mask_clear(&f.mask);
	region_fill(&f.mask, p, deep + 2, EDGE_HALF_OPEN, NESTED_HOLE, f.scratch, &notes);
	ck_assert_uint_eq(notes.unresolved, 1);
	ck_assert_uint_eq(mask_count(&f.mask), 512 * 512);
	close_fixture(&f);
}
END_TEST

Suite *suite_region(void)
{
	Suite *s = suite_create("region");
	TCase *policy = tcase_create("policy");
	TCase *random = tcase_create("random");
	TCase *hostile = tcase_create("hostile");

	tcase_set_timeout(random, 300);
	tcase_set_timeout(hostile, 300);
	tcase_add_loop_test(policy, golden, 0, GOLDENS);
	tcase_add_loop_test(policy, golden_oracle, 0, GOLDENS);
	tcase_add_test(policy, boxes_in_boxes);
	tcase_add_loop_test(policy, areas_of_goldens, 0, GOLDENS);
	tcase_add_loop_test(policy, areas, 0, 2);
	tcase_add_loop_test(random, random_contours, 0, 6);
	tcase_add_loop_test(random, order_does_not_matter, 0, 2);
	tcase_add_test(random, added_to_what_is_there);
	tcase_add_test(hostile, thousands_of_contours);
	tcase_add_test(hostile, entangled);
	suite_add_tcase(s, policy);
	suite_add_tcase(s, random);
	suite_add_tcase(s, hostile);
	return s;
}
