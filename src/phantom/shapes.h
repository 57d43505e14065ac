/*
 * The anatomy: shapes in patient millimetres (x to the left, y to the back, z to the head),
 * the slab of slices centred on z = 0.
 *
 * Most are eggs: at height z, the ellipse with semi-axes a*s, b*s about (cx, cy), with
 * s = sqrt(1 - ((z - cz) / c)^2) (1 for straight ones), the half width growing with y by `egg`
 * and the middle line bent sideways by `bend`:
 *
 *     x = cx + a s (1 + egg t) cos + bend s t^2,   y = cy + b s t,   t in -1..1
 *
 * `egg` and `bend` leave the area as it is: pi a b s^2.
 */
#ifndef PHANTOM_SHAPES_H
#define PHANTOM_SHAPES_H

#include <stddef.h>

#include "phantom/phantom.h"

enum shape_kind {
	SHAPE_EGG,     /* rounded in z */
	SHAPE_COLUMN,  /* straight from cz - c to cz + c */
	SHAPE_RING,    /* a column with a hole of half its size: two contours */
	SHAPE_KEYHOLE, /* the same, as one contour with a channel */
	SHAPE_ISLAND,  /* a ring with a column of a quarter of its size in the hole: three contours
			*/
	SHAPE_CUBE,    /* side 2a, turned by 27 degrees in the plane */
	SHAPE_POINT,   /* one point, no area */
	SHAPE_EMPTY,   /* a ROI without contours */
};

struct shape {
	char name[24];
	const char *type; /* RT ROI Interpreted Type */
	enum shape_kind kind;
	double cx, cy, cz, a, b, c; /* mm */
	double egg, bend;
	int hu; /* NO_DENSITY: not in the pixels */
	bool is_roi;
	uint8_t color[3];
};

#define NO_DENSITY INT32_MIN
#define SHAPES_MAX 80u

/* All shapes in painting order; how many. */
size_t shapes_make(struct shape *out, const struct phantom_options *o);

/* Half-open interval of x covered by the shape's ellipse of relative size `scale` on the line y at
 * height z; false when it is not there. */
bool shape_span(const struct shape *s, double scale, double y, double z, double *x0, double *x1);
/* Relative size of the cross-section at height z, 0 outside. */
double shape_section(const struct shape *s, double z);

/* cos and sin of `part` turns; exactly rounded operations only. */
void turn(double part, double *cos_out, double *sin_out);

/* splitmix64: the phantom's only randomness. */
uint64_t random_next(uint64_t *state);
double random_between(uint64_t *state, double low, double high);

#endif
