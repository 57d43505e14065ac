/*
 * JPEG-LS (ITU-T T.87), lossless and near-lossless; transfer syntaxes 1.2.840.10008.1.2.4.80, .81.
 *
 * 2 to 16 bits a sample, 1 or 3 components, interleaved by line, by sample or not; preset
 * parameters, restart intervals.  Components are given as they are coded: no colour is transformed.
 */
#ifndef DICOM_JPEGLS_H
#define DICOM_JPEGLS_H

#include <stdbool.h>

#include "dicom/frame.h"

/* *near: the largest difference to the original that the encoder allowed itself (0: lossless).
 * ERR_UNSUPPORTED: a JPEG stream of another process, mapping tables, point or colour transforms,
 * components of different size, a height after the first scan (DNL).  ERR_WIRE: broken, or not of
 * this frame. */
enum err jpegls_decode(struct bytes stream, const struct frame *frame, uint8_t *to, unsigned *near,
		       struct fault *f) MUST_USE;

#endif
