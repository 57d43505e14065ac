/*
 * What an object says of its pixels once they are decoded (decode.h), and a whole object with its
 * pixels decoded.
 *
 * Encapsulated syntaxes are explicit VR little endian but for the pixels (PS3.5 A.4), and so is
 * what comes out.
 */
#ifndef IMAGE_DECODED_H
#define IMAGE_DECODED_H

#include "dicom/build.h"
#include "dicom/rewrite.h"
#include "image/decode.h"

/* Samples per Pixel to Pixel Representation of the new pixels; Rows, Columns and frames stay. */
void decoded_format(struct build *b, const struct image_format *m);
/* Once lossy, always lossy (PS3.3 C.7.6.1.1.5): Lossy Image Compression, its ratio and method,
 * where the stream says that it is lossy and `d`, the source, does not.  Else nothing: what the
 * source says, or not, counts, as only its encoder knows what a reversible stream lacks. */
void decoded_lossy(struct build *b, const struct native *n, const struct dset *d);
/* The pixel data element, in explicit VR little endian; false: no memory. */
bool decoded_pixels(struct edit *e, const struct native *n, struct arena *a);

/*
 * The object of `p`, encapsulated, as part10_open would give it of a file in Explicit VR Little
 * Endian: same elements but for those above.  Everything is in `a`; nothing is to be closed.
 * Errors are those of native_open, and ERR_NOMEM.
 */
enum err decoded_object(struct part10 *out, const struct part10 *p, struct arena *a,
			struct fault *f) MUST_USE;

#endif
