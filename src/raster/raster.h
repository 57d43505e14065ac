/*
 * Polygons to pixels, exactly.
 *
 * Vertices are snapped once to 1/4096 of a pixel (Q.12); from there on everything is
 * integer arithmetic that never rounds, so a polygon gives the same pixels on every
 * machine, from any starting vertex and in either direction.
 *
 * A polygon is a closed path (the last vertex joins the first; repeating the first at the
 * end is harmless) and encloses what a ray crosses it to an odd number of times
 * (even-odd).  A pixel is decided by its CENTRE, which for column c and row r is the point
 * (c * RASTER_ONE, r * RASTER_ONE): as in PS3.3 C.7.6.2.1.1, coordinate 0 is the centre of
 * the first pixel, not its edge.  When the centre lies exactly on the path:
 *
 *   EDGE_INCLUSIVE   it is inside, always (PS3.3 C.8.8.6.3: points along the path of a
 *                    contour are part of the ROI).  The default of netrt.
 *   EDGE_HALF_OPEN   it belongs to the polygon to its right, or below it when the path is
 *                    horizontal there: polygons that share edges tile without overlap or gap.
 */
#ifndef RASTER_RASTER_H
#define RASTER_RASTER_H

#include "raster/mask.h"

#define RASTER_SHIFT 12
#define RASTER_ONE (1 << RASTER_SHIFT)
/* |x| and |y| of every vertex given to this module, asserted: 2^17 pixels.  Differences then
 * have 31 bits and products of two of them fit int64.  Images end at 2^16. */
#define RASTER_COORD_MAX (1 << (17 + RASTER_SHIFT))

struct q12 {
	int32_t x, y; /* column, row */
};

enum edge_rule { EDGE_INCLUSIVE, EDGE_HALF_OPEN };

/*
 * A point in pixels, rounded half up to Q.12.  false, and *out untouched, for a NaN, an
 * infinity or a coordinate beyond RASTER_COORD_MAX: then the whole contour goes through
 * raster_clip instead.
 */
bool raster_snap(double col, double row, struct q12 *out) MUST_USE;

/*
 * Snap a closed contour of any size: `count` points as col, row pairs, some of which may be
 * far away.  The path is clipped to the square of +-RASTER_COORD_MAX, never bent: what it
 * encloses inside is what the whole path enclosed, up to the snapping of its vertices (at
 * most 2^-13 px, as everywhere).  Writes *out_count <= RASTER_CLIP_ROOM(count) vertices.
 * false, nothing useful written, when a coordinate is a NaN, an infinity or beyond
 * RASTER_FAR pixels: no image is there, the number is garbage.
 */
#define RASTER_CLIP_ROOM(count) (5 * (count))
#define RASTER_FAR 1.0e9
bool raster_clip(const double *col_row, size_t count, struct q12 *out, size_t *out_count) MUST_USE;

/* The extent of a path: closed; x0 > x1 when there are no points. */
struct bounds {
	int32_t x0, y0, x1, y1;
};

struct bounds raster_bounds(const struct q12 *v, size_t count); /* asserts RASTER_COORD_MAX */
/* The part of a mask that filling a path of these bounds may write to; false when none. */
bool raster_box(struct bounds b, const struct mask *m, struct mask_box *box) MUST_USE;

/*
 * The two halves of filling, for region.c.
 *
 * raster_toggle flips, for every row an edge crosses, the bit of the first pixel at or
 * right of the crossing.  Any number of paths may be toggled into one empty mask: that is
 * their exclusive or.  raster_parity then turns the flips into the filled mask, by the
 * half-open rule.  In between the mask holds no picture.
 * true when some pixel centre may lie on the path, so that raster_path has something to do.
 * `b` is raster_bounds of the path.
 */
bool raster_toggle(struct mask *m, const struct q12 *v, size_t count, struct bounds b);
void raster_parity(struct mask *m);
/* Set every pixel whose centre lies exactly on the path. */
void raster_path(struct mask *m, const struct q12 *v, size_t count, struct bounds b);

#endif
