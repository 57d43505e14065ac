/*
 * A picture as a baseline JPEG (ITU-T T.81).  libjpeg-turbo is used in jpeg.c and nowhere
 * else; a MINIMAL build has none and says ERR_UNSUPPORTED.
 */
#ifndef IMAGE_JPEG_H
#define IMAGE_JPEG_H

#include "base/buf.h"
#include "base/err.h"

extern const bool jpeg_built_in;

/* `rgb` is rows x cols x 3 bytes, sides 1..65500.  Color is kept at full resolution (4:4:4), so
 * that one-pixel lines stay clean.  The fd is neither closed nor synced. */
enum err jpeg_write(int fd, const uint8_t *rgb, uint32_t cols, uint32_t rows, int quality,
		    struct fault *f) MUST_USE;
/* The same, added to `out`, of a part of a larger picture: `pitch` bytes from row to row.  On error
 * `out` holds what it held before; ERR_NOMEM also where that may not grow so far. */
enum err jpeg_encode(struct buf *out, const uint8_t *rgb, size_t pitch, uint32_t cols,
		     uint32_t rows, int quality, struct fault *f) MUST_USE;

#endif
