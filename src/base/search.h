/*
 * Many byte strings looked for at once, in one pass (Wu and Manber's way: blocks of two bytes say
 * how far the search may jump).  Building costs 64 KiB and what the patterns are long; searching
 * runs at memory speed where nothing is found.
 *
 * Patterns are at least SEARCH_SHORTEST bytes, borrowed, and told by the order in which they were
 * added.
 */
#ifndef BASE_SEARCH_H
#define BASE_SEARCH_H

#include "base/arena.h"

#define SEARCH_SHORTEST 4u
#define SEARCH_BLOCKS 65536u

struct search {
	struct arena *a;
	struct bytes *pattern;
	uint32_t *next; /* the next pattern with the same last block, or SEARCH_NONE */
	uint32_t count, room;
	uint32_t shortest;
	uint8_t *shift;   /* SEARCH_BLOCKS: bytes to go on from a block */
	uint32_t *bucket; /* SEARCH_BLOCKS: the first pattern whose window ends in it */
};
#define SEARCH_NONE UINT32_MAX

/* Room for `room` patterns, all in `a`. */
enum err search_open(struct search *s, uint32_t room, struct arena *a, struct fault *f) MUST_USE;
/* False: too short, or no room left. */
bool search_add(struct search *s, struct bytes pattern) MUST_USE;
void search_ready(struct search *s); /* after the last one, before the first search */

/* The next place at or after *at where a pattern stands; *at is moved to it.  Of several at one
 * place, each is given in turn: *which is the one after which to go on, SEARCH_NONE at first and
 * after *at was moved by the caller.  False: none. */
bool search_next(const struct search *s, struct bytes text, size_t *at, uint32_t *which);

#endif
