/*
 * Mean and standard deviation of the pixels under a mask, in image units: stored values
 * through the Modality LUT's Rescale Slope and Intercept (PS3.3 C.11.1) where present.
 */
#ifndef SERIES_STATS_H
#define SERIES_STATS_H

#include "image/decode.h"
#include "raster/raster.h"

struct pixel_stats {
	double mean, std_dev; /* population standard deviation */
};

/* An image whose stored values are read one by one. */
struct pixels {
	struct native native;
	double slope, intercept; /* of the Modality LUT */
};

#define PIXELS_NONE ((struct pixels){.slope = 1})

/*
 * The pixels of one grey frame, decoded where they are compressed; views of `source` otherwise.
 * ERR_UNSUPPORTED with the reason: color, several frames, 1 bit, a Modality LUT Sequence, or as
 * native_open; so are ERR_UNUSABLE, ERR_WIRE, ERR_LIMIT and ERR_NOMEM.  *p is to be freed in every
 * case.
 */
enum err pixels_open(struct pixels *p, const struct part10 *source, const struct dset *d,
		     struct fault *f) MUST_USE;
/* The same of what is open already, which goes over to *p; what it is of is not looked at. */
void pixels_take(struct pixels *p, struct native *n, const struct dset *d);
void pixels_free(struct pixels *p);

/* Red, green and blue in turn: only for pictures. */
bool pixels_are_color(const struct pixels *p);
/* Stored value at (col, row), sign extended; not of a color image (asserted). */
int64_t pixels_at(const struct pixels *p, uint32_t col, uint32_t row);
/* The stored values of a row, cols of them; not of a color image (asserted). */
void pixels_row(const struct pixels *p, uint32_t row, int64_t *out);
/* Red, green, blue of a color image of 8 bits. */
void pixels_rgb(const struct pixels *p, uint32_t col, uint32_t row, uint8_t out[static 3]);
/* Not of a color image (asserted).  False when the mask is empty.  Sums are exact integers, so the
 * result does not depend on the machine or the order. */
bool pixels_stats(const struct pixels *p, const struct mask *m, struct pixel_stats *out);

#endif
