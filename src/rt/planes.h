/*
 * The slices of one series: which of its images they are, in what order, how far apart, and
 * which one is nearest to a place.
 *
 * Only images of one orientation and one frame of reference can be one stack.  Where a series
 * holds several (a localizer in front of its slices) the stack is the sort that contours
 * name most, else the largest; the others are set apart.
 *
 * A place is measured along the stack's normal, in mm (along_mm of each image, by its own
 * position: a gantry tilt changes nothing).  Images within PLANES_SAME_MM share a position.
 *
 *     interval i is between positions i and i + 1
 *     a gap is an interval of more than 1.75 times both its neighbours (of two positions
 *     alone: than the slice thickness): slices are missing there
 *     the spacing around an interval is the least of it and its two neighbours, and where
 *     the slices are much thinner than that, their thickness
 *
 * The tolerance of a place is half the spacing around the interval that it is in, or the one
 * next to it beyond the ends, and at most what the configuration says.  So a contour of a
 * missing slice is never painted on a neighbour, nor one beyond the ends on the last slice.
 */
#ifndef RT_PLANES_H
#define RT_PLANES_H

#include "base/arena.h"
#include "rt/image.h"

#define PLANES_SAME_MM 0.001

struct planes {
	struct rt_image *images; /* arena's copies: the stack in order, then the others */
	uint32_t count, placed;
	double normal[3];
	uint32_t set_apart;    /* others that do have a place */
	uint32_t multiframe;   /* others that are enhanced or of several frames */
	uint32_t positions;    /* 0 when placed is */
	uint32_t *position_of; /* of each placed image */
	uint32_t *first;       /* positions + 1: images [first[p], first[p+1]) are at position p */
	double *at_mm;         /* of each position, strictly ascending */
	double tolerance_mm;   /* of the configuration */
};

/* One image of the series and how many contours name it. */
struct planes_in {
	const struct rt_image *image;
	uint32_t named;
};

/* Images of one series, without two of the same SOP Instance UID.  false: no memory. */
bool planes_build(struct planes *p, const struct planes_in *in, uint32_t count, double tolerance_mm,
		  struct arena *a) MUST_USE;

/* Where a point is along the normal. */
double planes_along(const struct planes *p, const int64_t point_pm[static 3]);
/* The position nearest to a place (the lower of two), whether or not it is within tolerance. */
uint32_t planes_nearest(const struct planes *p, double along_mm);
/* Is the place within tolerance of this position? */
bool planes_within(const struct planes *p, uint32_t position, double along_mm);
/* Spacing around the interval on the side of `position` where the place is; 0 when unknown. */
double planes_spacing(const struct planes *p, uint32_t position, double along_mm);

/* Half the way to each neighbour, without gaps, into gap_mm[placed]. */
void planes_gaps(const struct planes *p, double *gap_mm);

/* What is odd about the stack. */
struct planes_oddities {
	uint32_t uneven;  /* intervals that differ from the median by more than 1 % */
	double uneven_mm; /* by how much, at most */
	uint32_t gaps;
	double gap_mm;  /* the widest */
	bool tilted;    /* positions move sideways from slice to slice: gantry tilt */
	double tilt_mm; /* over the whole stack */
};

/* Scratch from the arena.  false: no memory. */
bool planes_look(const struct planes *p, struct planes_oddities *out, struct arena *a) MUST_USE;

#endif
