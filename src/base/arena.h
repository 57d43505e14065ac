/*
 * Memory that is thrown away whole.
 *
 * An arena reserves `cap` bytes of address space once and hands it out from the
 * front; pages cost memory only when touched, and count for RLIMIT_DATA by the MiB as they are
 * needed, not when they are reserved.  Everything is zero when handed out,
 * aligned to 16 bytes, and valid until the arena is reset to a mark before it, or
 * closed.  Running out, of the arena or of what the process may have, is ERR_NOMEM-like:
 * arena_alloc returns NULL, never aborts.
 *
 *     used <= cap          (cap is the limit, also what a test sweeps)
 *
 * Under AddressSanitizer each block is poisoned beyond its exact size.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/bytes.h"
#include "base/err.h"

struct arena {
	uint8_t *base; /* owned mapping of `cap` bytes, NULL when closed */
	size_t cap;
	size_t used;
	size_t writable; /* bytes from `base` on; the rest may not be touched yet */
	size_t peak;     /* bytes beyond this were never handed out and are still zero */
};

enum err arena_open(struct arena *a, size_t cap, struct fault *f) MUST_USE;
void arena_close(struct arena *a); /* also fine on a zeroed or closed one */

void *arena_alloc(struct arena *a, size_t count, size_t size) MUST_USE; /* NULL: over cap */
#define ARENA_NEW(a, type, count) ((type *)arena_alloc((a), (count), sizeof(type)))

/* Make the newest block longer where it is; its new bytes are zero.  False, and nothing changed,
 * when it is over the cap.  `at` must be the newest block, of `old_size` bytes. */
bool arena_extend(struct arena *a, void *at, size_t old_size, size_t new_size) MUST_USE;

/* Owned copies; `.at`/the result is NULL when the arena is full (an empty input gives a
 * non-NULL pointer). The string one is NUL-terminated. */
struct bytes arena_copy(struct arena *a, struct bytes b) MUST_USE;
char *arena_strdup(struct arena *a, struct bytes b) MUST_USE;

size_t arena_mark(const struct arena *a);
void arena_reset(struct arena *a, size_t mark); /* forget everything after the mark */

#endif
