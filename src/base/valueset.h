/*
 * A set of byte strings, borrowed, in the order in which they came; open addressing, FNV-1a.
 */
#ifndef BASE_VALUESET_H
#define BASE_VALUESET_H

#include "base/arena.h"

struct valueset {
	struct bytes *item; /* arena's */
	uint32_t *slot;     /* index + 1, 0: free */
	uint32_t count, room, mask;
};

/* Room for `room` values, in `a`. */
enum err valueset_open(struct valueset *s, uint32_t room, struct arena *a,
		       struct fault *f) MUST_USE;
bool valueset_has(const struct valueset *s, struct bytes value);
/* False: there is no room.  One that is there already is not added again. */
bool valueset_add(struct valueset *s, struct bytes value) MUST_USE;

#endif
