/*
 * A picture as a baseline JPEG (ITU-T T.81).  libjpeg-turbo is used in jpeg.c and nowhere
 * else; a MINIMAL build has none and says ERR_UNSUPPORTED.
 */
#ifndef IMAGE_JPEG_H
#define IMAGE_JPEG_H

#include "base/err.h"

/* `rgb` is rows x cols x 3 bytes, sides 1..65500.  Color is kept at full resolution (4:4:4), so
 * that one-pixel lines stay clean.  The fd is neither closed nor synced. */
enum err jpeg_write(int fd, const uint8_t *rgb, uint32_t cols, uint32_t rows, int quality,
		    struct fault *f) MUST_USE;

#endif
