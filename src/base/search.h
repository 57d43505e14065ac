/*
 * Many byte strings looked for at once, in one pass; ASCII letters match in either case.
 *
 * Only every `step`-th place of the text is looked at: a pattern that stands there covers one of
 * these places with `gram` bytes of its own, and which grams patterns have at their first `step`
 * offsets is a set of 64 Ki bits.
 *
 *     shortest >= gram + step - 1
 *
 *     shortest pattern      4..6    7       8       9       10      11 and more
 *     gram, step            3, 2    4, 4    4, 5    4, 6    4, 7    4, 8
 *
 * So what has no pattern in it costs a load, a hash and a bit every `step` bytes.  Building costs
 * some 30 KiB of tables and `step` entries a pattern.
 *
 * Patterns are at least SEARCH_SHORTEST bytes, borrowed, and told by the order in which they were
 * added.
 */
#ifndef BASE_SEARCH_H
#define BASE_SEARCH_H

#include "base/arena.h"

#define SEARCH_SHORTEST 4u
#define SEARCH_NONE UINT32_MAX

struct search {
	struct arena *a;
	struct bytes *pattern; /* arena's, grows */
	uint32_t count, room, most;
	size_t shortest;
	unsigned gram, step; /* set by search_ready */
	uint8_t *bits;       /* of the hashes of grams, SEARCH_BITS of them */
	uint32_t *head;      /* by hash: the first entry of its chain */
	uint32_t *next;      /* by entry (pattern * step + offset): the one after it */
};

/* Where a search is; begin with SEARCH_BEGIN. */
struct search_at {
	size_t at;      /* the place of the text that was looked at last */
	uint32_t entry; /* what was found there, SEARCH_NONE: nothing yet */
};
#define SEARCH_BEGIN ((struct search_at){0, SEARCH_NONE})

/* Takes at most `most` patterns, all in `a`. */
void search_open(struct search *s, uint32_t most, struct arena *a);
/* False: too short, too many, or no memory. */
bool search_add(struct search *s, struct bytes pattern) MUST_USE;
/* After the last pattern, before the first search.  ERR_NOMEM. */
enum err search_ready(struct search *s, struct fault *f) MUST_USE;

/* The next place where a pattern stands: every one of them once, in ascending order (those of one
 * place in any order).  False: none is left. */
bool search_next(const struct search *s, struct bytes text, struct search_at *where, size_t *at,
		 uint32_t *which);

#endif
