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

/* How to read the stored values of an uncompressed image: a view and its layout. */
struct pixels {
	struct bytes data; /* rows x cols values, rows without padding */
	uint32_t rows, cols;
	uint16_t bits_allocated;        /* 8, 16 or 32 */
	uint16_t bits_stored, high_bit; /* bits outside are not part of the value (PS3.5 8.1.1) */
	bool is_signed, big_endian; /* big_endian with 8 bits: pairs of bytes are swapped (OW) */
	bool monochrome1;
	bool color; /* three samples of 8 bits, interleaved: only for pictures */
	double slope, intercept;
};

/* ERR_UNSUPPORTED with the reason (compressed, 1 bit, several frames, ...) when the pixels cannot
 * be read here; ERR_UNUSABLE when attributes or bytes are missing. */
enum err pixels_open(struct pixels *p, const struct dset *d, struct fault *f) MUST_USE;
/* Stored value at (col, row), sign extended; of a color image its luminance, 0..255. */
int64_t pixels_at(const struct pixels *p, uint32_t col, uint32_t row);
/* The stored values of a row, cols of them; not of a color image (asserted). */
void pixels_row(const struct pixels *p, uint32_t row, int64_t *out);
/* Red, green, blue of a color image. */
void pixels_rgb(const struct pixels *p, uint32_t col, uint32_t row, uint8_t out[static 3]);
/* False when the mask is empty or the image is in color.  Sums are exact integers, so the result
 * does not depend on the machine or the order. */
bool pixels_stats(const struct pixels *p, const struct mask *m, struct pixel_stats *out);

#endif
