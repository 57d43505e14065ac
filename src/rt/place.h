/*
 * Which plane each contour of a ROI lies on, and what there is to tell about it.
 */
#ifndef RT_PLACE_H
#define RT_PLACE_H

#include "rt/plan.h"
#include "rt/planes.h"
#include "rt/uids.h"

#define PLACE_NOWHERE UINT32_MAX /* spot.position: not used */
#define PLACE_ALL UINT32_MAX     /* spot.plane: all images at the position */

/* Where a contour goes. */
struct spot {
	double offset_mm; /* its middle, from the position */
	double worst_mm;  /* its point that is furthest from the position */
	uint32_t position;
	uint32_t plane; /* one image of several at the position, or PLACE_ALL */
	uint32_t named; /* plane index of the image that it names, or UIDS_NONE */
	bool by_name;   /* and it lies in the plane of that */
};

/* What was found, by kind, for one ROI. */
struct tally {
	uint32_t count[RT_NOTE_KINDS];
	double worst_mm[RT_NOTE_KINDS];
};

struct placer {
	const struct structset *set;
	const struct planes *planes;
	struct uids plane_uids; /* of all images of the series, to plane indexes */
	bool frame_by_name;     /* the series was found by reference or by UIDs: a missing frame
				 * of reference is no obstacle */
	struct spot *spots;     /* of each contour */
	uint32_t *points;       /* of each contour: 0 when it is not used */
	/* of the ROI at hand; a value counts where the stamp is its index + 1 */
	uint32_t *position_stamp;
	double *position_offset; /* the nearest level so far */
	uint32_t *plane_stamp;
};

/* false: no memory. */
bool placer_open(struct placer *p, const struct structset *set, const struct planes *planes,
		 bool frame_by_name, struct arena *a) MUST_USE;
/* All contours of one ROI; adds to *out and *t. */
void placer_roi(struct placer *p, uint32_t roi, struct rt_roi_plan *out, struct tally *t);

/* The images that a spot stands for: planes [*from, *to). */
void spot_planes(const struct planes *planes, const struct spot *s, uint32_t *from, uint32_t *to);

#endif
