/*
 * A dark and a bright code for an image: what a text in its pixels is made of.
 *
 * Grey: the two enclose all values of the image (padding apart) and every window that the data
 * set names, as far as the bits allow it, and no more than that: the text shows at the image's
 * window and at a wide one, and an image without a window keeps the range that viewers take
 * for one.  For CT they enclose -1000 to 3071 HU, and of one with a window only some rows are read,
 * unless it has Smallest or Largest Image Pixel Value.  Neither code is a padding value.  Which
 * one is bright follows from Photometric Interpretation, Rescale Slope and the lookup tables.
 *
 * Palette: the entries of least and most luminance.  Color: black and white.
 */
#ifndef IMAGE_CONTRAST_H
#define IMAGE_CONTRAST_H

#include "image/decode.h"
#include "image/values.h"

struct contrast {
	int64_t dark, bright;      /* grey and palette: values as stored, sign and all */
	int64_t smallest, largest; /* grey: of all values, those of the text included */
};

/* ERR_UNSUPPORTED: there are no two such codes (1 bit a pixel, a palette without light and dark,
 * color that is neither RGB nor YBR_FULL); f->text says why. */
enum err contrast_find(struct contrast *out, const struct dset *d, const struct native *n,
		       struct fault *f) MUST_USE;

#endif
