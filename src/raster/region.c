/*
 * From contours to a region.
 *
 * Where no two contours overlap partly, and of equal ones all but one are left out, what
 * they enclose is nested like boxes in boxes, and hole, island and union are all the same
 * thing: the exclusive or of everything, one toggle pass and one parity pass.  So the
 * contours are first compared in pairs (most pairs end at their bounds), and only when some
 * overlap are they filled one by one.
 *
 * That the parity pass on pixels follows the comparison of areas exactly is due to the
 * half-open rule (raster.c): it samples points that are on no path.
 */
#include "raster/region.h"

#include <assert.h>
#include <string.h>

#include "base/limits.h"
#include "raster/relate.h"

#define REGION_WORK (INT64_C(1) << 28) /* steps of comparing, each some nanoseconds */
#define PAIRS_PER_CONTOUR 32           /* nestings kept for the one-by-one case, on average */
#define HALF_PIXEL (RASTER_ONE / 2)

struct contour {
	const struct q12 *v; /* borrowed */
	uint32_t count;
	struct bounds bounds;
	struct outline outline; /* once `indexed` */
	uint32_t depth;         /* first: how many contours are around it */
	uint32_t inside;        /* first of its nestings, NONE when there is none */
	uint32_t order, live;   /* two arrays of indices, spread over the contours */
	uint8_t relation;       /* to the contour being compared with all before it */
	bool indexed;
	bool skip;    /* not filled: a duplicate, or inside another one that covers it */
	bool on_path; /* the path may hit a pixel centre */
};

/* A list, for each contour, of the contours inside it. */
#define NONE UINT32_MAX
struct nesting {
	uint32_t inner, next;
};

struct region {
	struct mask *out;
	enum nesting_rule nesting;
	struct region_notes notes;
	struct mask layer[2];     /* bits are dirty outside their boxes */
	struct contour *contours; /* those with an area; the plain ones first */
	uint32_t count, plain;    /* plain: not CLOSEDPLANAR_XOR */
	struct q12 *vertices;     /* free room for reduced contours */
	struct bounds *blocks;    /* free room for their blocks */
	struct nesting *nestings;
	size_t nesting_count, nesting_max; /* count may pass max: then some were not kept */
	struct relate_room room;
};

/* ---- Scratch ---- */

static size_t pairs_max(size_t count)
{
	size_t all = count > 1 ? count * (count - 1) / 2 : 0;

	return all < PAIRS_PER_CONTOUR * count ? all : PAIRS_PER_CONTOUR * count;
}

static size_t strands_for(size_t points)
{
	return points < STRANDS_MAX ? points : STRANDS_MAX;
}

/* The next `bytes` of the scratch, aligned; only counts when `base` is NULL. */
static void *carve(uint8_t *base, size_t *used, size_t bytes)
{
	void *at = base != NULL ? base + *used : NULL;

	*used += (bytes + 15) & ~(size_t)15;
	return at;
}

static size_t region_layout(struct region *g, uint8_t *base, uint32_t cols, uint32_t rows,
			    size_t count, size_t points)
{
	size_t used = 0;
	size_t words = mask_words(cols, rows) * sizeof(uint64_t);
	size_t sort = (points > count ? points : count) * sizeof(struct sort_item);

	/* A lone contour is compared with nothing and has no holes. */
	for (int i = 0; i < (count > 1 ? 2 : 1); i++)
		g->layer[i] = (struct mask){
			.cols = cols,
			.rows = rows,
			.stride = (cols + 63) / 64,
			.bits = carve(base, &used, words),
		};
	g->contours = carve(base, &used, count * sizeof(struct contour));
	g->vertices = carve(base, &used, points * sizeof(struct q12));
	if (count > 1) {
		g->blocks = carve(base, &used,
				  (points / 15 + count * OUTLINE_LEVELS) * sizeof(struct bounds));
		g->nesting_max = pairs_max(count);
		g->nestings = carve(base, &used, g->nesting_max * sizeof(struct nesting));
		g->room.items = carve(base, &used, sort);
		g->room.spare = carve(base, &used, sort);
		g->room.strands_max = (uint32_t)strands_for(points);
		g->room.strands = carve(base, &used, strands_bytes(g->room.strands_max));
	}
	g->room.work = REGION_WORK;
	return used;
}

size_t region_scratch_bytes(uint32_t cols, uint32_t rows, size_t count, size_t points)
{
	struct region g = {0};

	assert(count <= UINT32_MAX && points <= UINT32_MAX);
	return region_layout(&g, NULL, cols, rows, count, points);
}

/* ---- Comparing ---- */

static const struct outline *outline_for(struct region *g, uint32_t i)
{
	struct contour *c = &g->contours[i];

	if (!c->indexed) {
		uint32_t n = outline_reduce(c->v, c->count, g->vertices);
		c->outline = outline_index(g->vertices, n, &g->blocks);
		c->indexed = true;
		g->vertices += n;
		g->room.work -= c->count;
	}
	return &c->outline;
}

static void nest(struct region *g, uint32_t inner, uint32_t outer)
{
	size_t at = g->nesting_count++;

	g->contours[inner].depth++;
	if (at >= g->nesting_max)
		return;
	g->nestings[at] = (struct nesting){inner, g->contours[outer].inside};
	g->contours[outer].inside = (uint32_t)at;
}

static bool bounds_overlap(struct bounds a, struct bounds b)
{
	return a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1;
}

/* Contour j with those named by contours[0..live).live; false when that was given up. */
static bool compare_one(struct region *g, uint32_t j, uint32_t live)
{
	struct contour *c = g->contours;

	for (uint32_t k = 0; k < live; k++) {
		struct contour *other = &c[c[k].live];
		enum relation r = RELATION_APART;
		if (bounds_overlap(other->bounds, c[j].bounds))
			r = relate(outline_for(g, c[k].live), outline_for(g, j), &g->room);
		if (r == RELATION_UNKNOWN || g->room.work < 0)
			return false;
		if (r == RELATION_SAME) {
			c[j].skip = true;
			g->notes.duplicates++;
			return true;
		}
		other->relation = (uint8_t)r;
	}
	for (uint32_t k = 0; k < live; k++) {
		uint32_t i = c[k].live;
		if (c[i].relation == RELATION_INSIDE)
			nest(g, i, j);
		else if (c[i].relation == RELATION_AROUND)
			nest(g, j, i);
		else if (c[i].relation == RELATION_PARTLY)
			g->notes.overlaps++;
	}
	return true;
}

/* The contours in pairs; false when that was given up. */
static bool compare(struct region *g)
{
	struct contour *c = g->contours;
	uint32_t live = 0;

	for (uint32_t i = 0; i < g->plain; i++)
		g->room.items[i] = (struct sort_item){.key = c[i].bounds.y0, .id = i};
	sort_items(g->room.items, g->room.spare, g->plain);
	for (uint32_t i = 0; i < g->plain; i++)
		c[i].order = g->room.items[i].id;

	for (uint32_t i = 0; i < g->plain; i++) {
		uint32_t j = c[i].order, kept = 0;
		for (uint32_t k = 0; k < live; k++)
			if (c[c[k].live].bounds.y1 > c[j].bounds.y0)
				c[kept++].live = c[k].live;
		live = kept;
		g->room.work -= 2 * (int64_t)live;
		if (!compare_one(g, j, live))
			return false;
		if (!c[j].skip)
			c[live++].live = j;
	}
	return true;
}

/* From how many contours are around one to the longest chain of them: whoever is around the
 * outer is around the inner too, so ascending by the former, outer comes before inner. */
static void chain_depths(struct region *g)
{
	struct contour *c = g->contours;

	for (uint32_t i = 0; i < g->plain; i++) {
		g->room.items[i] = (struct sort_item){.key = (int32_t)c[i].depth, .id = i};
		c[i].depth = 0;
	}
	sort_items(g->room.items, g->room.spare, g->plain);
	for (uint32_t i = 0; i < g->plain; i++) {
		const struct contour *outer = &c[g->room.items[i].id];
		for (uint32_t n = outer->inside; n != NONE; n = g->nestings[n].next) {
			struct contour *inner = &c[g->nestings[n].inner];
			if (inner->depth <= outer->depth)
				inner->depth = outer->depth + 1;
		}
	}
}

/* Give up comparing: unite them all. */
static void unite_all(struct region *g)
{
	g->notes.overlaps = 0;
	g->notes.unresolved = 1;
	for (uint32_t i = 0; i < g->plain; i++) {
		g->contours[i].depth = 0;
		g->contours[i].inside = NONE;
		g->contours[i].skip = false;
	}
}

/* ---- Filling ---- */

static void layer_open(struct mask *layer, struct mask_box box)
{
	layer->box = box;
	mask_clear(layer);
}

/* One contour alone, into a layer. */
static void fill_layer(struct mask *layer, struct contour *c)
{
	struct mask_box box;

	if (!raster_box(c->bounds, layer, &box))
		box = (struct mask_box){0};
	layer_open(layer, box);
	c->on_path = raster_toggle(layer, c->v, c->count, c->bounds);
	raster_parity(layer);
}

/* The exclusive or of contours [first, end) that are not skipped. */
static void fill_together(struct region *g, uint32_t first, uint32_t end)
{
	struct mask *target = g->out;

	if (g->out->box.row0 < g->out->box.row1) { /* there is a picture already */
		struct mask_box box;
		target = &g->layer[0];
		target->box = (struct mask_box){0};
		for (uint32_t i = first; i < end; i++)
			if (raster_box(g->contours[i].bounds, target, &box))
				mask_grow(target, box);
		mask_clear(target);
	}
	for (uint32_t i = first; i < end; i++) {
		struct contour *c = &g->contours[i];
		if (!c->skip)
			c->on_path = raster_toggle(target, c->v, c->count, c->bounds);
	}
	raster_parity(target);
	if (target != g->out)
		mask_or(g->out, target);
}

/* Each contour of even depth, less those one deeper inside it. */
static void fill_apart(struct region *g)
{
	struct mask *whole = &g->layer[0], *hole = &g->layer[1];

	for (uint32_t i = 0; i < g->plain; i++) {
		struct contour *c = &g->contours[i];
		if (c->skip || c->depth % 2 != 0)
			continue;
		fill_layer(whole, c);
		for (uint32_t n = c->inside; n != NONE; n = g->nestings[n].next) {
			struct contour *inner = &g->contours[g->nestings[n].inner];
			if (inner->skip || inner->depth != c->depth + 1)
				continue;
			fill_layer(hole, inner);
			mask_andnot(whole, hole);
		}
		mask_or(g->out, whole);
	}
}

static void fill_plain(struct region *g)
{
	struct contour *c = g->contours;
	bool resolved = g->plain < 2 || compare(g);
	bool apart = g->notes.overlaps > 0;

	if (resolved && apart && g->nesting_count > g->nesting_max)
		resolved = false;
	if (!resolved)
		unite_all(g);
	else if (apart)
		chain_depths(g);
	for (uint32_t i = 0; i < g->plain; i++) {
		if (c[i].skip || c[i].depth == 0)
			continue;
		if (g->nesting == NESTED_UNION)
			c[i].skip = true;
		else if (c[i].depth % 2 != 0)
			g->notes.holes++;
		else
			g->notes.islands++;
	}
	if (apart || !resolved)
		fill_apart(g);
	else
		fill_together(g, 0, g->plain);
}

/* ---- Admission ---- */

/*
 * How many vertices to take: some systems write a contour twice over into one, and by
 * even-odd that would be nothing at all.  The first point repeated at the end is left off.
 */
static uint32_t once_round(const struct q12 *v, uint32_t count, uint32_t *rounds)
{
	for (;;) {
		uint32_t half = count / 2;
		if (half >= 3 && count % 2 == 0 && memcmp(v, v + half, half * sizeof(*v)) == 0) {
			count = half;
			(*rounds)++;
		} else if (count > 1 && memcmp(v, v + count - 1, sizeof(*v)) == 0) {
			count--;
		} else {
			return count;
		}
	}
}

static bool has_area(const struct region *g, const struct q12 *v, uint32_t count)
{
	if (outline_area(v, count) != 0)
		return true;
	return outline_reduce(v, count, g->vertices) > 0; /* a figure of eight, or nothing */
}

static void note_extent(struct region *g, struct bounds b)
{
	int32_t right = (int32_t)g->out->cols * RASTER_ONE - HALF_PIXEL;
	int32_t bottom = (int32_t)g->out->rows * RASTER_ONE - HALF_PIXEL;

	if (b.x1 <= -HALF_PIXEL || b.y1 <= -HALF_PIXEL || b.x0 >= right || b.y0 >= bottom)
		g->notes.outside++;
	else if (b.x0 < -HALF_PIXEL || b.y0 < -HALF_PIXEL || b.x1 > right || b.y1 > bottom)
		g->notes.clipped++;
}

static void admit(struct region *g, const struct polygon *p, size_t count, bool xor_type)
{
	for (size_t i = 0; i < count; i++) {
		if (p[i].xor_type != xor_type)
			continue;
		uint32_t rounds = 0, n = once_round(p[i].v, p[i].count, &rounds);
		if (!has_area(g, p[i].v, n)) {
			g->notes.empty++;
			continue;
		}
		struct contour *c = &g->contours[g->count++];
		g->notes.duplicates += rounds;
		*c = (struct contour){
			.v = p[i].v,
			.count = n,
			.bounds = raster_bounds(p[i].v, n),
			.inside = NONE,
			.on_path = true,
		};
		note_extent(g, c->bounds);
	}
}

static int64_t more_area(int64_t a, int64_t b)
{
	return a > INT64_MAX - b ? INT64_MAX : a + b;
}

static void notes_add(struct region_notes *to, const struct region_notes *n)
{
	to->holes += n->holes;
	to->islands += n->islands;
	to->overlaps += n->overlaps;
	to->duplicates += n->duplicates;
	to->empty += n->empty;
	to->mixed_types += n->mixed_types;
	to->clipped += n->clipped;
	to->outside += n->outside;
	to->unresolved += n->unresolved;
	to->area_q16 = more_area(to->area_q16, n->area_q16);
}

/* ---- Areas ---- */

static bool encloses(const struct contour *c, struct q12 p)
{
	struct q12 a = c->v[c->count - 1];
	bool in = false;

	for (uint32_t i = 0; i < c->count; i++) {
		struct q12 b = c->v[i];

		if ((a.y <= p.y) != (b.y <= p.y))
			in ^= (orient(a, b, p) > 0) == (a.y < b.y);
		a = b;
	}
	return in;
}

/* CLOSEDPLANAR_XOR: in how many others a contour's first point lies.  Left at 0 when that would
 * take too long. */
static void count_around(struct region *g)
{
	for (uint32_t j = g->plain; j < g->count; j++) {
		struct contour *inner = &g->contours[j];

		for (uint32_t i = g->plain; i < g->count && g->room.work > 0; i++) {
			const struct contour *outer = &g->contours[i];
			struct q12 p = inner->v[0];

			g->room.work--;
			if (i == j || p.x < outer->bounds.x0 || p.x > outer->bounds.x1 ||
			    p.y < outer->bounds.y0 || p.y > outer->bounds.y1)
				continue;
			g->room.work -= outer->count;
			inner->depth += encloses(outer, p);
		}
	}
}

static int64_t sum_areas(struct region *g)
{
	int64_t filled = 0, holes = 0;

	count_around(g);
	for (uint32_t i = 0; i < g->count; i++) {
		const struct contour *c = &g->contours[i];
		uint64_t twice = outline_area(c->v, c->count);
		uint64_t size = (int64_t)twice < 0 ? 0 - twice : twice;
		int64_t area = (int64_t)(size >> (2 * RASTER_SHIFT + 1 - 16));

		if (!c->skip && c->depth % 2 == 0)
			filled = more_area(filled, area);
		else if (!c->skip)
			holes = more_area(holes, area);
	}
	return filled > holes ? filled - holes : 0;
}

void region_fill(struct mask *out, const struct polygon *p, size_t count, enum edge_rule edge,
		 enum nesting_rule nesting, void *scratch, struct region_notes *notes)
{
	struct region g = {.out = out, .nesting = nesting};
	size_t points = 0;

	for (size_t i = 0; i < count; i++)
		points += p[i].count;
	assert(count <= UINT32_MAX / 2 && points <= UINT32_MAX / 2);
	(void)region_layout(&g, scratch, out->cols, out->rows, count, points);

	admit(&g, p, count, false);
	g.plain = g.count;
	admit(&g, p, count, true);
	g.notes.mixed_types = g.plain > 0 && g.plain < g.count;

	if (g.plain > 0)
		fill_plain(&g);
	if (g.plain < g.count)
		fill_together(&g, g.plain, g.count);
	for (uint32_t i = 0; i < g.count && edge == EDGE_INCLUSIVE; i++) {
		const struct contour *c = &g.contours[i];
		if (c->on_path)
			raster_path(out, c->v, c->count, c->bounds);
	}
	if (notes != NULL) {
		g.notes.area_q16 = sum_areas(&g);
		notes_add(notes, &g.notes);
	}
}
