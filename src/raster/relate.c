/*
 * Comparing what two paths enclose.
 *
 * Paths that do not touch (most, found out quickly by boxes) need one vertex of each: it
 * is inside the other contour or not, and so is everything else.
 *
 * Otherwise the plane is swept from top to bottom.  Between two consecutive vertex rows
 * (a SLAB) the edges that pass through, its STRANDS, are sorted from left to right; the
 * faces between them are inside A, B, both or none by counting strands (the LABEL, bit 0
 * for A and bit 1 for B).  Which of the labels A, B and AB occur anywhere is the answer.
 * Strands that coincide are taken as one, and an even number of edges of a contour on top
 * of each other, a keyhole's channel, bounds nothing.
 *
 * Inside a slab strands may cross.  Crossings of one contour with itself change no label:
 * left and right of it, above and below are pairwise the same.  At a crossing of different
 * letters the labels all around it are looked at.  Every face touches the upper or lower
 * end of a slab or such a crossing, so no face is missed.
 *
 * Slab ends are whole Q.12 rows, so x there is a quotient and a remainder of int64.  Only
 * "does this strand pass left of that crossing" needs 128 bits.
 */
#include "raster/relate.h"

#include <assert.h>
#include <string.h>

__extension__ typedef __int128 int128;

enum { LABEL_A = 1, LABEL_B = 2, LABEL_AB = 3 };
#define SEEN(label) (1u << (label))
#define SEEN_ALL (SEEN(LABEL_A) | SEEN(LABEL_B) | SEEN(LABEL_AB))

/* ---- Sorting: natural merge sort ---- */

static size_t run_end(const struct sort_item *items, size_t from, size_t count)
{
	size_t end = from + 1;

	while (end < count && items[end - 1].key <= items[end].key)
		end++;
	return end < count ? end : count;
}

static void merge(const struct sort_item *from, size_t a, size_t b, size_t end,
		  struct sort_item *to)
{
	size_t i = a, j = b;

	for (size_t k = a; k < end; k++) {
		if (j >= end || (i < b && from[i].key <= from[j].key))
			to[k] = from[i++];
		else
			to[k] = from[j++];
	}
}

void sort_items(struct sort_item *items, struct sort_item *spare, size_t count)
{
	struct sort_item *from = items, *to = spare;

	while (count > 0 && run_end(from, 0, count) < count) {
		for (size_t a = 0; a < count;) {
			size_t b = run_end(from, a, count);
			size_t end = b < count ? run_end(from, b, count) : count;
			merge(from, a, b, end, to);
			a = end;
		}
		struct sort_item *swap = from;
		from = to;
		to = swap;
	}
	if (from != items)
		memcpy(items, from, count * sizeof(*items));
}

/* ---- Strands ---- */

/* x = whole + rem / dy, in Q.12, 0 <= rem < dy */
struct place {
	int64_t whole, rem;
};

struct strand {
	struct q12 top, bottom; /* top.y < bottom.y */
	int64_t dy;
	struct place above, below; /* x at the upper and lower end of the slab */
	int32_t below_y;           /* the row `below` was computed for */
	uint8_t own;               /* LABEL_A or LABEL_B */
	uint8_t letter; /* of all strands that coincide here, on the first; 0 on the rest */
};

size_t strands_bytes(uint32_t strands_max)
{
	return strands_max * sizeof(struct strand);
}

static struct place place_at(const struct strand *s, int32_t y)
{
	if (y == s->top.y)
		return (struct place){s->top.x, 0};
	if (y == s->bottom.y)
		return (struct place){s->bottom.x, 0};

	int64_t n = ((int64_t)y - s->top.y) * ((int64_t)s->bottom.x - s->top.x);
	int64_t whole = n / s->dy, rem = n % s->dy;
	if (rem < 0) {
		rem += s->dy;
		whole--;
	}
	return (struct place){s->top.x + whole, rem};
}

static int place_cmp(struct place p, int64_t p_dy, struct place q, int64_t q_dy)
{
	if (p.whole != q.whole)
		return p.whole < q.whole ? -1 : 1;
	int64_t left = p.rem * q_dy, right = q.rem * p_dy; /* < 2^60 */
	return (left > right) - (left < right);
}

static int below_cmp(const struct strand *s, const struct strand *t)
{
	return place_cmp(s->below, s->dy, t->below, t->dy);
}

static int strand_cmp(const struct strand *s, const struct strand *t)
{
	int above = place_cmp(s->above, s->dy, t->above, t->dy);

	return above != 0 ? above : below_cmp(s, t);
}

/* ---- The sweep ---- */

struct sweep {
	const struct outline *a, *b;
	struct relate_room *room;
	size_t item_count, next; /* items[next..) are edges that begin further down */
	struct strand *strands;  /* those passing through the slab */
	uint32_t count;
	size_t left[4];  /* edges not yet passed, by LABEL_A and LABEL_B */
	size_t alive[4]; /* of them in strands */
	unsigned seen;   /* SEEN of the labels that have been met */
};

static void edge_of(const struct sweep *s, uint32_t id, struct q12 *from, struct q12 *to)
{
	const struct outline *o = id < s->a->count ? s->a : s->b;
	uint32_t i = id < s->a->count ? id : id - s->a->count;

	*from = o->v[i];
	*to = o->v[i + 1 < o->count ? i + 1 : 0];
}

static void sweep_open(struct sweep *s)
{
	struct sort_item *items = s->room->items;
	uint32_t total = s->a->count + s->b->count;

	for (uint32_t id = 0; id < total; id++) {
		struct q12 from, to;
		edge_of(s, id, &from, &to);
		if (from.y == to.y)
			continue; /* bounds no face sideways */
		items[s->item_count++] =
			(struct sort_item){.key = from.y < to.y ? from.y : to.y, .id = id};
		s->left[id < s->a->count ? LABEL_A : LABEL_B]++;
	}
	s->room->work -= total;
	sort_items(items, s->room->spare, s->item_count);
}

/* Take in the edges that begin at row y; false when there are too many. */
static bool strands_begin(struct sweep *s, int32_t y)
{
	for (; s->next < s->item_count && s->room->items[s->next].key == y; s->next++) {
		uint32_t id = s->room->items[s->next].id;
		struct strand t = {.own = id < s->a->count ? LABEL_A : LABEL_B};
		edge_of(s, id, &t.top, &t.bottom);
		if (t.top.y > t.bottom.y) {
			struct q12 swap = t.top;
			t.top = t.bottom;
			t.bottom = swap;
		}
		t.dy = (int64_t)t.bottom.y - t.top.y;
		t.below_y = t.top.y;
		t.below = (struct place){t.top.x, 0};
		if (s->count == s->room->strands_max)
			return false;
		s->strands[s->count++] = t;
		s->alive[t.own]++;
	}
	return true;
}

static void strands_end(struct sweep *s, int32_t y)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < s->count; i++) {
		if (s->strands[i].bottom.y == y) {
			s->left[s->strands[i].own]--;
			s->alive[s->strands[i].own]--;
		} else {
			if (kept != i)
				s->strands[kept] = s->strands[i];
			kept++;
		}
	}
	s->count = kept;
}

static int32_t slab_end(const struct sweep *s)
{
	int32_t y = s->next < s->item_count ? s->room->items[s->next].key : INT32_MAX;

	for (uint32_t i = 0; i < s->count; i++)
		if (s->strands[i].bottom.y < y)
			y = s->strands[i].bottom.y;
	return y;
}

/* Sort the strands of the slab from y0 to y1, join those that coincide.  They are nearly
 * in order from the slab before. */
static void slab_sort(struct sweep *s, int32_t y0, int32_t y1)
{
	struct strand *t = s->strands;

	for (uint32_t i = 0; i < s->count; i++) {
		t[i].above = t[i].below_y == y0 ? t[i].below : place_at(&t[i], y0);
		t[i].below = place_at(&t[i], y1);
		t[i].below_y = y1;
	}
	for (uint32_t i = 1; i < s->count; i++) {
		if (strand_cmp(&t[i - 1], &t[i]) <= 0)
			continue;
		const struct strand moved = t[i];
		uint32_t at = i;
		for (; at > 0 && strand_cmp(&t[at - 1], &moved) > 0; at--)
			t[at] = t[at - 1];
		t[at] = moved;
		s->room->work -= i - at;
	}

	uint32_t head = 0;
	for (uint32_t i = 0; i < s->count; i++) {
		if (i > 0 && strand_cmp(&t[head], &t[i]) == 0) {
			t[head].letter ^= t[i].own;
			t[i].letter = 0;
		} else {
			head = i;
			t[i].letter = t[i].own;
		}
	}
}

/* The labels at the upper end; true when some strands of different letters cross below. */
static bool slab_labels(struct sweep *s)
{
	const struct strand *furthest[4] = {NULL}; /* at the lower end, by letter */
	unsigned label = 0;
	bool crossing = false;

	for (uint32_t i = 0; i < s->count; i++) {
		const struct strand *t = &s->strands[i];
		if (t->letter == 0)
			continue;
		label ^= t->letter;
		s->seen |= SEEN(label);
		for (unsigned l = 1; l < 4; l++)
			crossing |= l != t->letter && furthest[l] != NULL &&
				    below_cmp(furthest[l], t) > 0;
		if (furthest[t->letter] == NULL || below_cmp(furthest[t->letter], t) < 0)
			furthest[t->letter] = t;
	}
	return crossing;
}

static int64_t cross(struct q12 a0, struct q12 a1, struct q12 b0, struct q12 b1)
{
	return ((int64_t)a1.x - a0.x) * ((int64_t)b1.y - b0.y) -
	       ((int64_t)a1.y - a0.y) * ((int64_t)b1.x - b0.x);
}

/* Which side of strand t the crossing of g and h is on: < 0 left of t, 0 on it, > 0 right.
 * Every factor is below 2^62. */
static int side_of(const struct strand *t, const struct strand *g, const struct strand *h)
{
	int64_t den = cross(g->top, g->bottom, h->top, h->bottom);
	int64_t num = cross(g->top, h->top, h->top, h->bottom);
	int128 v = (int128)cross(t->top, t->bottom, t->top, g->top) * den +
		   (int128)cross(t->top, t->bottom, g->top, g->bottom) * num;

	if (den < 0)
		v = -v;
	return (v < 0) - (v > 0); /* t runs down: a positive product is to its left */
}

/* The labels of all faces around the point where strands g and h cross. */
static void crossing_labels(struct sweep *s, const struct strand *g, const struct strand *h)
{
	unsigned through = 0, label = 0;

	s->room->work -= s->count;
	for (uint32_t i = 0; i < s->count; i++)
		if (s->strands[i].letter != 0 && side_of(&s->strands[i], g, h) > 0)
			label ^= s->strands[i].letter;

	/* Above the point in their order, below it in the reverse of it. */
	unsigned up = label;
	s->seen |= SEEN(up);
	for (uint32_t i = 0; i < s->count; i++) {
		const struct strand *t = &s->strands[i];
		if (t->letter == 0 || side_of(t, g, h) != 0)
			continue;
		up ^= t->letter;
		through ^= t->letter;
		s->seen |= SEEN(up);
	}
	unsigned down = label ^ through; /* from the right */
	for (uint32_t i = 0; i < s->count; i++) {
		const struct strand *t = &s->strands[i];
		if (t->letter == 0 || side_of(t, g, h) != 0)
			continue;
		s->seen |= SEEN(down);
		down ^= t->letter;
	}
}

static void slab_crossings(struct sweep *s)
{
	for (uint32_t i = 0; i < s->count; i++) {
		const struct strand *g = &s->strands[i];
		if (g->letter == 0)
			continue;
		for (uint32_t j = i + 1; j < s->count; j++) {
			const struct strand *h = &s->strands[j];
			if (h->letter == 0 || h->letter == g->letter || below_cmp(g, h) <= 0)
				continue;
			crossing_labels(s, g, h);
			if ((s->seen & SEEN_ALL) == SEEN_ALL || s->room->work < 0)
				return;
		}
		s->room->work -= s->count - i;
	}
}

/* Can what passes here, or is still to come, tell anything new? */
static bool tells(const struct sweep *s, const size_t *present)
{
	bool a = present[LABEL_A] > 0, b = present[LABEL_B] > 0;

	if (a && b)
		return true;
	return (a && !(s->seen & SEEN(LABEL_A))) || (b && !(s->seen & SEEN(LABEL_B)));
}

static bool sweep_run(struct sweep *s)
{
	while (s->count > 0 || s->next < s->item_count) {
		if (!tells(s, s->left))
			break;

		int32_t y0 = s->count > 0 ? slab_end(s) : s->room->items[s->next].key;
		strands_end(s, y0);
		if (!strands_begin(s, y0))
			return false;
		s->room->work -= 1 + (int64_t)s->count;
		if (s->room->work < 0)
			return false;
		if (s->count == 0 || !tells(s, s->alive))
			continue;
		s->room->work -= 4 * (int64_t)s->count;
		slab_sort(s, y0, slab_end(s));
		if (slab_labels(s))
			slab_crossings(s);
		if ((s->seen & SEEN_ALL) == SEEN_ALL)
			break;
	}
	return s->room->work >= 0;
}

static enum relation relation_of(unsigned seen)
{
	if (!(seen & SEEN(LABEL_AB)))
		return RELATION_APART;
	if (!(seen & SEEN(LABEL_A)))
		return seen & SEEN(LABEL_B) ? RELATION_INSIDE : RELATION_SAME;
	return seen & SEEN(LABEL_B) ? RELATION_PARTLY : RELATION_AROUND;
}

static bool boxes_nest(struct bounds in, struct bounds out)
{
	return in.x0 >= out.x0 && in.x1 <= out.x1 && in.y0 >= out.y0 && in.y1 <= out.y1;
}

enum relation relate(const struct outline *a, const struct outline *b, struct relate_room *room)
{
	if (a->count == 0 || b->count == 0)
		return RELATION_APART;

	const struct bounds box_a = a->level[a->levels - 1][0], box_b = b->level[b->levels - 1][0];
	if (box_a.x1 <= box_b.x0 || box_b.x1 <= box_a.x0 || box_a.y1 <= box_b.y0 ||
	    box_b.y1 <= box_a.y0)
		return RELATION_APART;
	if (!outline_touch(a, b, &room->work)) {
		if (boxes_nest(box_a, box_b) && outline_encloses(b, a->v[0], &room->work))
			return RELATION_INSIDE;
		if (boxes_nest(box_b, box_a) && outline_encloses(a, b->v[0], &room->work))
			return RELATION_AROUND;
		return room->work < 0 ? RELATION_UNKNOWN : RELATION_APART;
	}

	struct sweep s = {.a = a, .b = b, .room = room, .strands = room->strands};
	sweep_open(&s);
	if (!sweep_run(&s))
		return RELATION_UNKNOWN;
	return relation_of(s.seen);
}
