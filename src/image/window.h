/*
 * Stored values as the image wants to be seen: Modality LUT, VOI LUT or window, Photometric
 * Interpretation (PS3.3 C.11.1, C.11.2, C.7.6.3.1.2; PS3.4 N.2), down to 8 bits of red, green and
 * blue.
 *
 *     stored value ─► Modality LUT Sequence, or slope and intercept ─► image units
 *     image units  ─► the first item of VOI LUT Sequence; else the first pair of Window Center and
 *                     Width that is one, as VOI LUT Function says; else a window from the 0.5th to
 *                     the 99.5th percentile ─► turned over for MONOCHROME1
 *
 * What is Pixel Padding Value (or in its range) is black, and no part of the percentiles.  Colour
 * images go as they are, PALETTE COLOR through its tables.  Of several frames the first is meant.
 */
#ifndef IMAGE_WINDOW_H
#define IMAGE_WINDOW_H

#include "image/decode.h"
#include "image/values.h"

/* A lookup table (PS3.3 C.11.1.1.1): views of the data set. */
struct lut {
	struct bytes data;
	uint32_t count; /* 0: there is none */
	int32_t first;  /* the value that entry 0 is for */
	uint16_t bits;  /* of an entry: 8..16 */
	bool words, big_endian;
};

enum window_source { WINDOW_COLOR, WINDOW_LUT, WINDOW_VALUES, WINDOW_PERCENTILES };
enum window_function { WINDOW_LINEAR, WINDOW_LINEAR_EXACT, WINDOW_SIGMOID };

struct window {
	enum window_source source;
	enum window_function function;
	double center, width; /* image units; of WINDOW_VALUES and WINDOW_PERCENTILES */

	/* private */
	struct image_format format;
	const uint8_t *data; /* first frame; native's */
	double slope, intercept;
	struct lut modality, voi, palette[3];
	struct values padding;
	const uint8_t *shades; /* arena's: of every stored value up to 16 bits; NULL: wider */
	int64_t shades_first;
};

/*
 * `n` is what `d` holds, and outlives *w.  ERR_UNSUPPORTED: a photometric interpretation or palette
 * that is not read here; ERR_UNUSABLE: senseless tables; ERR_NOMEM.
 */
enum err window_open(struct window *w, const struct native *n, const struct dset *d,
		     struct arena *a, struct fault *f) MUST_USE;
/* One row of the image, format.cols times red, green, blue. */
void window_row(const struct window *w, uint32_t row, uint8_t *rgb);

#endif
