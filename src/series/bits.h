/*
 * Bytes and bits on their way into a file, through one buffer.
 *
 * The first failure sticks; what is added after it goes nowhere.
 */
#ifndef SERIES_BITS_H
#define SERIES_BITS_H

#include "base/arena.h"
#include "raster/mask.h"

struct bits {
	int fd;
	uint8_t *at; /* arena's */
	size_t used;
	uint64_t acc; /* bits that make no whole word yet, the first one lowest */
	unsigned acc_count;
	enum err error;
	struct fault fault; /* with it */
};

/* ERR_NOMEM */
enum err bits_open(struct bits *b, int fd, struct arena *a, struct fault *f) MUST_USE;
void bits_bytes(struct bits *b, struct bytes bytes); /* not between bits (asserted) */
/* Every pixel, row by row, the first one in the lowest bit: no padding between rows or masks. */
void bits_mask(struct bits *b, const struct mask *m);
/* The last bits, with zeros up to a whole byte, and up to an even count of `total` bytes. */
void bits_end(struct bits *b, uint64_t total);
enum err bits_close(struct bits *b, struct fault *f) MUST_USE; /* all that is left goes out */

#endif
