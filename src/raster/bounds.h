/*
 * The extent of a polygon, in Q.12 and on a mask.
 */
#ifndef RASTER_BOUNDS_H
#define RASTER_BOUNDS_H

#include "raster/raster.h"

struct bounds {
	int32_t x0, y0, x1, y1; /* closed; x0 > x1 of no points */
};

struct bounds bounds_of(const struct q12 *v, size_t count); /* asserts RASTER_COORD_MAX */

/* The part of a mask that filling something of these bounds may write to, path and
 * clamped flips included; false when there is none. */
bool bounds_box(struct bounds b, const struct mask *m, struct mask_box *box);

#endif
