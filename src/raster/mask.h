/*
 * One bit a pixel.
 *
 * Row r starts at bits[r * stride]; column c is bit c % 64 (least significant first) of
 * word c / 64.  The words are the caller's.  Two things always hold outside this module:
 *
 *     bits at and beyond column `cols` are 0
 *     bits outside `box` are 0               (box may be larger than what is set)
 *
 * so clearing, counting and combining touch only the box: a small structure on a large
 * image costs what it is worth.  Write through the functions here, not into `bits`.
 */
#ifndef RASTER_MASK_H
#define RASTER_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Rows [row0, row1) and words [word0, word1) of a row; empty when row0 >= row1. */
struct mask_box {
	uint32_t row0, row1;
	uint32_t word0, word1;
};

struct mask {
	uint32_t cols, rows;
	uint32_t stride; /* words a row: (cols + 63) / 64 */
	struct mask_box box;
	uint64_t *bits; /* borrowed: mask_words(cols, rows) words */
};

/* cols and rows up to LIMIT_PIXELS_SIDE (asserted). */
size_t mask_words(uint32_t cols, uint32_t rows);
/* An empty mask over `bits`, whatever they hold: mask_words(cols, rows) words, all cleared. */
void mask_init(struct mask *m, uint32_t cols, uint32_t rows, uint64_t *bits);
void mask_clear(struct mask *m);
/* For who writes into `bits` directly: say where, before. */
void mask_grow(struct mask *m, struct mask_box box);

bool mask_get(const struct mask *m, uint32_t col, uint32_t row); /* false outside */
/* Columns [from, to) of a row, all inside the mask (asserted). */
void mask_set(struct mask *m, uint32_t row, uint32_t from, uint32_t to);

uint64_t mask_count(const struct mask *m); /* pixels set */
bool mask_is_empty(const struct mask *m);
/* Columns [*col0, *col1) and rows [*row0, *row1) that just hold all that is set; false, and nothing
 * written, when that is nothing. */
bool mask_extent(const struct mask *m, uint32_t *col0, uint32_t *row0, uint32_t *col1,
		 uint32_t *row1) MUST_USE;

/* Two masks of equal size (asserted). */
void mask_or(struct mask *dst, const struct mask *src);
void mask_andnot(struct mask *dst, const struct mask *src);
bool mask_overlap(const struct mask *a, const struct mask *b); /* any pixel in both */
bool mask_equal(const struct mask *a, const struct mask *b);

/*
 * The next run of set pixels in `row` at or after column *to: true, with columns
 * [*from, *to).  Start with *to = 0:
 *
 *     for (to = 0; mask_run(m, row, &from, &to);) ...
 */
bool mask_run(const struct mask *m, uint32_t row, uint32_t *from, uint32_t *to) MUST_USE;

/*
 * DICOM overlay data (PS3.3 C.9.2, PS3.5 8.1.2): row by row, first pixel in the least
 * significant bit, no padding between rows, the whole of even length.  `out` must be zero:
 * mask_packed_len(cols, rows) bytes.
 */
size_t mask_packed_len(uint32_t cols, uint32_t rows);
void mask_pack(const struct mask *m, uint8_t *out);

#endif
