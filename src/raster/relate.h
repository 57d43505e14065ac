/*
 * How two contours lie to each other, exactly.
 *
 * What counts is what each encloses by even-odd, as a set of points, edges aside: whichever
 * vertices, direction, keyhole channels or spikes draw it.
 */
#ifndef RASTER_RELATE_H
#define RASTER_RELATE_H

#include "raster/outline.h"

enum relation {
	RELATION_APART,   /* nothing in common, perhaps touching */
	RELATION_INSIDE,  /* the first inside the second */
	RELATION_AROUND,  /* the second inside the first */
	RELATION_SAME,    /* both enclose the same */
	RELATION_PARTLY,  /* something in common, and something of each outside the other */
	RELATION_UNKNOWN, /* out of work: not decided */
};

struct sort_item {
	int32_t key;
	uint32_t id;
};

/* Ascending by key, stable; `spare` has room for as many.  No recursion, no allocation. */
void sort_items(struct sort_item *items, struct sort_item *spare, size_t count);

struct strand;
#define STRANDS_MAX 4096 /* edges that one row may cross; more is RELATION_UNKNOWN */

/* Room for relate, borrowed; `items` and `spare` for all vertices of both contours. */
struct relate_room {
	struct sort_item *items, *spare;
	struct strand *strands;
	uint32_t strands_max;
	int64_t work; /* steps that may still be spent; negative: spent */
};

size_t strands_bytes(uint32_t strands_max);

enum relation relate(const struct outline *a, const struct outline *b, struct relate_room *room);

#endif
