/*
 * Contour Data (PS3.3 C.8.8.6.3): read in blocks on the stack, never held.
 */
#ifndef RT_CONTOUR_H
#define RT_CONTOUR_H

#include "rt/image.h"
#include "rt/structset.h"

#define CONTOUR_BLOCK 128u         /* points read at a time */
#define CONTOUR_REACH_MM 1000000ll /* a coordinate beyond a kilometre is none */

enum contour_data {
	CONTOUR_DATA_OK,
	CONTOUR_DATA_BAD, /* no list of x\y\z, or out of reach, or over LIMIT_CONTOUR_POINTS */
	CONTOUR_DATA_FEW, /* fewer than three points */
};

/* How a contour lies to an image's plane. */
struct contour_extent {
	uint32_t points;
	double low_mm, high_mm; /* of the distances of its points */
};

/* The next points of *text; 0 at its end.  false: bad. */
bool contour_block(struct bytes *text, int64_t points_pm[static CONTOUR_BLOCK * 3],
		   uint32_t *count) MUST_USE;
/* Only the first point; false when there is none. */
bool contour_first_point(struct bytes text, int64_t point_pm[static 3]) MUST_USE;
enum contour_data contour_measure(struct bytes text, const struct rt_image *image,
				  struct contour_extent *out) MUST_USE;

#endif
