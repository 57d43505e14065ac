/*
 * A set of byte strings, borrowed, in the order in which they came; open addressing, FNV-1a.  Grows
 * by itself.
 */
#ifndef BASE_VALUESET_H
#define BASE_VALUESET_H

#include "base/arena.h"

struct valueset {
	struct arena *a;
	struct bytes *item; /* arena's; room for half as many as there are slots */
	uint32_t *slot;     /* index + 1, 0: free */
	uint32_t count, slots, most;
};

/* Takes at most `most` values, all in `a`. */
void valueset_open(struct valueset *s, uint32_t most, struct arena *a);
bool valueset_has(const struct valueset *s, struct bytes value);
/* False: there is no room.  One that is there already is not added again. */
bool valueset_add(struct valueset *s, struct bytes value) MUST_USE;

#endif
