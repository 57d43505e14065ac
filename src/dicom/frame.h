/*
 * One frame of an image as its data set describes it: what a decoder is to make.
 *
 * Decoders write rows x cols x samples samples, interleaved by pixel, little endian, `sample_bytes`
 * each; codes narrower than that have zeros above them, also where they stand for signed numbers.
 * A stream of another size, or of samples that do not fit, is refused.  After an error what was
 * written is of no use.  Offsets of faults are in the stream.
 */
#ifndef DICOM_FRAME_H
#define DICOM_FRAME_H

#include "base/bytes.h"
#include "base/err.h"

struct frame {
	uint32_t rows, cols;   /* 1..65535 */
	unsigned samples;      /* 1 or 3 */
	unsigned sample_bytes; /* 1 or 2; RLE: also 4 */
};

#endif
