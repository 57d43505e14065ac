/*
 * A contour as a closed path, made ready to be compared with others: its vertices without
 * the superfluous ones, and boxes around stretches of it.
 *
 * Reducing removes every vertex that lies on one line with its two neighbours (so repeated
 * points, points along a straight edge, and spikes that go out and come back).  That does
 * not change what the path encloses.  A path that only retraces itself reduces to nothing.
 *
 * Block k of level 0 is the box of edges [16 k, 16 k + 16); block k of level n + 1 is the
 * box of blocks [16 k, 16 k + 16) of level n; the last level has one block.  Edge i goes
 * from vertex i to vertex (i + 1) % count.
 */
#ifndef RASTER_OUTLINE_H
#define RASTER_OUTLINE_H

#include "raster/raster.h"

#define OUTLINE_FANOUT 16
#define OUTLINE_LEVELS 8 /* 16^8 = 2^32 edges */

struct outline {
	const struct q12 *v; /* reduced; borrowed */
	uint32_t count;      /* 0 or at least 3 */
	uint32_t levels;
	const struct bounds *level[OUTLINE_LEVELS];
};

/* Blocks of all levels together, at most. */
#define OUTLINE_BLOCKS(count) ((count) / 15 + OUTLINE_LEVELS)

/* Twice the signed area modulo 2^64: 0 whenever the path has no area, and seldom else. */
uint64_t outline_area(const struct q12 *v, size_t count);
/* Into out[0..count); returns how many remain: 0, or at least 3. */
uint32_t outline_reduce(const struct q12 *v, uint32_t count, struct q12 *out);
/* An outline over reduced vertices; *blocks is advanced past what it uses, at most
 * OUTLINE_BLOCKS(count). */
struct outline outline_index(const struct q12 *v, uint32_t count, struct bounds **blocks);

/* Is p inside, by even-odd?  p is not on the path.  *work is lowered by what it cost. */
bool outline_encloses(const struct outline *o, struct q12 p, int64_t *work);

/* Do the two paths have a point in common?  Gives up, with true, when *work falls below 0. */
bool outline_touch(const struct outline *a, const struct outline *b, int64_t *work);

/* (b - a) x (c - a): > 0 when c is on the right hand of a -> b, rows counted downwards; 0 on
 * one line.  |result| < 2^62. */
static inline int64_t orient(struct q12 a, struct q12 b, struct q12 c)
{
	return ((int64_t)b.x - a.x) * ((int64_t)c.y - a.y) -
	       ((int64_t)b.y - a.y) * ((int64_t)c.x - a.x);
}

#endif
