/*
 * Mean and standard deviation of the pixels under a mask, in image units: stored values
 * through the Modality LUT's Rescale Slope and Intercept (PS3.3 C.11.1) where present.
 */
#ifndef SERIES_STATS_H
#define SERIES_STATS_H

#include "dicom/part10.h"
#include "raster/raster.h"

struct pixel_stats {
	double mean, std_dev; /* population standard deviation */
};

/* How to read the stored values of an uncompressed, single-sample image: a view and its layout. */
struct pixels {
	struct bytes data;       /* rows x cols values, rows without padding */
	uint32_t rows, cols;
	uint16_t bits_allocated; /* 8, 16 or 32 */
	uint16_t bits_stored, high_bit;
	bool is_signed, big_endian;
	bool monochrome1;
	bool color;              /* three samples, interleaved: only for pictures */
	double slope, intercept;
};

/* ERR_UNSUPPORTED with the reason (compressed, 1 bit, ...) when the pixels cannot be read here. */
enum err pixels_open(struct pixels *p, const struct dset *d, struct fault *f) MUST_USE;
/* Stored value at (col, row), sign extended. */
int64_t pixels_at(const struct pixels *p, uint32_t col, uint32_t row);
/* False when the mask is empty. */
bool pixels_stats(const struct pixels *p, const struct mask *m, struct pixel_stats *out);

#endif
