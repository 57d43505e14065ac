/*
 * A picture that is being drawn: 8 bits of red, green and blue a pixel, and beside it a layer of
 * coverage, in which antialiased lines come into being.
 *
 * As everywhere (raster/raster.h) the pixel (x, y) is the square of side 1 whose CENTRE is the
 * point (x, y): the canvas reaches from -0.5 to cols - 0.5.
 *
 * A line is drawn in two steps, so that it is no stronger where its pieces meet or where it
 * crosses itself: canvas_stroke adds pieces to the coverage, canvas_ink mixes the colour in and
 * leaves the coverage empty.
 *
 *     canvas_stroke(c, ax, ay, bx, by, width);  ...  canvas_ink(c, color, 255);
 */
#ifndef IMAGE_CANVAS_H
#define IMAGE_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "raster/mask.h"

/* Columns [x0, x1) and rows [y0, y1); empty when x0 >= x1. */
struct canvas_box {
	int32_t x0, y0, x1, y1;
};

struct canvas {
	uint8_t *rgb; /* borrowed, as is the next: rows x cols x 3 */
	uint8_t *coverage;
	uint32_t cols, rows;
	struct canvas_box stroked; /* outside of it, the coverage is 0 */
};

/* Bytes that a canvas needs; false when that is over LIMIT_CANVAS_PIXELS. */
bool canvas_bytes(uint32_t cols, uint32_t rows, size_t *out) MUST_USE;
/* `memory`: canvas_bytes(), zeroed: a black canvas. */
void canvas_init(struct canvas *c, uint32_t cols, uint32_t rows, uint8_t *memory);

/*
 * The piece from (ax, ay) to (bx, by), `width` pixels wide (at least 1), with round ends; the ends
 * may lie anywhere, finite (asserted), also far outside.  A pixel whose centre is `d` from the
 * piece is covered by min(1, width / 2 + 1/2 - d).
 */
void canvas_stroke(struct canvas *c, double ax, double ay, double bx, double by, double width);
/* Cover a box wholly. */
void canvas_cover(struct canvas *c, struct canvas_box box);
/* Mix `color` into every pixel, as far as it is covered and by `alpha` of 255.  `keep`: leave the
 * coverage as it is (a shadow is inked first, then the line itself). */
void canvas_ink(struct canvas *c, const uint8_t color[static 3], uint8_t alpha, bool keep);

/* The part of a box that lies on the canvas. */
struct canvas_box canvas_clip(const struct canvas *c, struct canvas_box box);
/* Mix `color` by `alpha` of 255 into a box. */
void canvas_wash(struct canvas *c, struct canvas_box box, const uint8_t color[static 3],
		 uint8_t alpha);
/* Mix `color` into all pixels that show a pixel of the mask, which is stretched over the whole
 * canvas: canvas pixel x shows mask column (2 x + 1) * mask cols / (2 * canvas cols). */
void canvas_tint(struct canvas *c, const struct mask *m, const uint8_t color[static 3],
		 uint8_t alpha);

/* Red, green and blue of a pixel, which lies on the canvas. */
static inline uint8_t *canvas_at(const struct canvas *c, uint32_t x, uint32_t y)
{
	return c->rgb + ((size_t)y * c->cols + x) * 3;
}

#endif
