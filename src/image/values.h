/*
 * Stored values of grey images: which there may be, and which there are.
 */
#ifndef IMAGE_VALUES_H
#define IMAGE_VALUES_H

#include "image/format.h"

struct values {
	int64_t low, high; /* both are of them; none when low > high */
};

#define VALUES_NONE ((struct values){INT64_MAX, INT64_MIN})

void values_widen(struct values *v, int64_t value);
bool values_have(struct values v, int64_t value);

/* All that Bits Stored and Pixel Representation allow. */
struct values values_representable(const struct image_format *format);
/* Pixel Padding Value, or all up to Pixel Padding Range Limit (PS3.3 C.7.5.1.1.2); or none. */
struct values values_padding(const struct dset *d, const struct image_format *format);
/* The smallest and the largest of `count` native samples, without `padding`. */
struct values values_range(const struct image_format *format, const uint8_t *data, size_t count,
			   struct values padding);

/* A value in its cell of Bits Allocated: at High Bit, and the sign in the bits above. */
uint32_t values_cell(const struct image_format *format, int64_t value);

#endif
