/*
 * JPEG streams of the processes with a DCT and Huffman codes (ITU-T T.81: baseline, extended,
 * progressive; 8 or 12 bits a sample), by libjpeg-turbo.  A MINIMAL build has none and says
 * ERR_UNSUPPORTED.
 *
 * libjpeg-turbo 2 is built for one depth: what calls it is in jpeg_dct_body.h and compiled twice,
 * in jpeg_dct8.c and jpeg_dct12.c.
 */
#ifndef IMAGE_JPEG_READ_H
#define IMAGE_JPEG_READ_H

#include "dicom/frame.h"

/*
 * `from_ybr`: three components are YCbCr and are made RGB; else they stay what they are, whatever
 * the stream says of itself.  Components of smaller size are interpolated.  `precision`: as the
 * frame header says.  ERR_WIRE: broken, or not of this frame; ERR_LIMIT: it would take too long or
 * too much memory.
 */
enum err jpeg_read(struct bytes stream, const struct frame *frame, unsigned precision,
		   bool from_ybr, uint8_t *to, struct fault *f) MUST_USE;

/* Its halves; for jpeg_read alone. */
enum err jpeg_dct8(struct bytes stream, const struct frame *frame, bool from_ybr, uint8_t *to,
		   struct fault *f) MUST_USE;
enum err jpeg_dct12(struct bytes stream, const struct frame *frame, bool from_ybr, uint8_t *to,
		    struct fault *f) MUST_USE;

#endif
