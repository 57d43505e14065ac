/*
 * Contours of one plane to masks.  Contour Data is parsed here, when its plane is
 * painted, so memory does not grow with the number of slices.
 */
#ifndef RT_PAINT_H
#define RT_PAINT_H

#include "rt/plan.h"

struct painter {
	const struct rt_plan *plan;
	struct arena scratch; /* owned */
	uint8_t *room;        /* the whole of scratch, room_len bytes: never cleared */
	size_t room_len;
	struct region_notes notes; /* of the last rt_paint_roi */
};

/* Reserves what the largest ROI on one plane needs.  ERR_LIMIT: more points there than there may be
 * memory for. */
enum err painter_open(struct painter *p, const struct rt_plan *plan, struct fault *f) MUST_USE;
void painter_close(struct painter *p);

/*
 * The ROIs on plane k: how many, and for i = 0.. which ROI.  (Groups of plan->order.)
 */
uint32_t rt_plane_roi_count(const struct rt_plan *plan, uint32_t plane);
uint32_t rt_plane_roi(const struct rt_plan *plan, uint32_t plane, uint32_t i);

/*
 * The mask of one ROI on one plane, i as above; `mask` has the plane's cols x rows (asserted) and
 * is overwritten.  Contours whose data are unusable were left out by the plan already; ERR_WIRE
 * if they changed since.  ERR_NOMEM.
 */
enum err rt_paint_roi(struct painter *p, uint32_t plane, uint32_t i, struct mask *mask,
		      struct fault *f) MUST_USE;

/*
 * The contours themselves, as rt_paint_roi fills them: closed paths in columns and rows, where an
 * integer is the CENTRE of a pixel, snapped to 1/4096 pixel (Q.12).  *paths is the painter's, until
 * its next use.
 */
enum err rt_paths_roi(struct painter *p, uint32_t plane, uint32_t i, const struct polygon **paths,
		      size_t *count, struct fault *f) MUST_USE;

#endif
