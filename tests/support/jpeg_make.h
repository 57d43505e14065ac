/*
 * JPEG Lossless and JPEG-LS streams made from samples, for the suites of their decoders: written
 * from T.81 and T.87 with nothing of src/dicom's, and as plainly as can be.
 */
#ifndef TESTS_JPEG_MAKE_H
#define TESTS_JPEG_MAKE_H

#include "base/buf.h"

struct jpeg_make {
	uint32_t rows, cols;
	unsigned samples, precision;
	uint32_t restart; /* lines; 0: never */
	bool apart;       /* a scan for each component */
	/* JPEG Lossless */
	unsigned predictor, shift;
	bool long_codes; /* Huffman codes of 1 to 16 bits; else all of 5 */
	/* JPEG-LS */
	unsigned near;
	bool by_sample;     /* else by line */
	uint16_t preset[5]; /* MAXVAL, T1, T2, T3, RESET; all 0: none is written */
};

#define JPEG_OF(r, c, s, p, n) \
	.rows = (r), .cols = (c), .samples = (s), .precision = (p), .restart = (n)

/* `pixels`: rows x cols x samples values, interleaved. */
void jpegll_make(struct buf *out, const struct jpeg_make *m, const uint16_t *pixels);
void jpegls_make(struct buf *out, const struct jpeg_make *m, const uint16_t *pixels);

#endif
