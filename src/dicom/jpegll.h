/*
 * JPEG Lossless: process 14 of ITU-T T.81 (annex H) with Huffman coding, all predictors; transfer
 * syntaxes 1.2.840.10008.1.2.4.57 and .70 (Selection Value 1).
 *
 * 2 to 16 bits a sample, 1 or 3 components, one scan or one a component, point transform, restart
 * intervals of whole lines.  Components are given as they are coded: no colour is transformed.
 */
#ifndef DICOM_JPEGLL_H
#define DICOM_JPEGLL_H

#include "dicom/frame.h"

/* ERR_UNSUPPORTED: a JPEG stream of another process, with components of different size, or with its
 * height after the first scan (DNL).  ERR_WIRE: broken, or not of this frame. */
enum err jpegll_decode(struct bytes stream, const struct frame *frame, uint8_t *to,
		       struct fault *f) MUST_USE;

#endif
