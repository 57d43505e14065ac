/*
 * RLE Lossless (PS3.5 annex G).
 *
 * A frame is up to 15 segments: the bytes of all pixels' first sample, the most significant ones
 * first, then those of the next.  What follows a segment's last pixel is not looked at: encoders
 * pad.
 */
#ifndef DICOM_RLE_H
#define DICOM_RLE_H

#include "dicom/frame.h"

/* `to`: rows x cols x samples x sample_bytes bytes.  ERR_WIRE: not such a frame. */
enum err rle_decode(struct bytes stream, const struct frame *frame, uint8_t *to,
		    struct fault *f) MUST_USE;

#endif
