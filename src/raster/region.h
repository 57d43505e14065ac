/*
 * All contours of one ROI on one image plane, filled by policy.
 *
 * DICOM does not say what two CLOSED_PLANAR contours of one ROI in one plane mean together
 * (PS3.3 C.8.8.6).  Here it depends on what they enclose, each on its own by even-odd:
 *
 *   apart or only touching      both
 *   one inside the other        the inner is a hole; in that, an island; and so on
 *                               (NESTED_UNION: only the outer matters)
 *   partly overlapping          both, and noted
 *   the same                    one of them, and noted
 *
 * Precisely: the depth of a contour is the length of the longest chain of contours around
 * it; the ROI is the union, over contours of even depth, of the contour less the contours
 * inside it that are one deeper.  Where nothing overlaps partly, that is the exclusive or.
 * CLOSEDPLANAR_XOR contours are combined by exclusive or among themselves (duplicates too:
 * there they cancel), then united with the rest.  With EDGE_INCLUSIVE every pixel whose
 * centre lies on the path of any contour, a hole's too, is added (PS3.3 C.8.8.6.3).
 *
 * All of it is decided by exact integer geometry, before any pixel is looked at.
 *
 * A contour without area (fewer than three distinct points, all on one line, or a path that
 * only retraces itself) fills nothing under either rule and is noted.
 */
#ifndef RASTER_REGION_H
#define RASTER_REGION_H

#include "raster/raster.h"

struct polygon {
	const struct q12 *v; /* borrowed; within RASTER_COORD_MAX */
	uint32_t count;
	bool xor_type; /* CLOSEDPLANAR_XOR */
};

enum nesting_rule { NESTED_HOLE, NESTED_UNION };

/* What there is to tell about the contours. */
struct region_notes {
	uint32_t holes;       /* contours filled as holes */
	uint32_t islands;     /* contours inside holes */
	uint32_t overlaps;    /* pairs of contours that overlap partly */
	uint32_t duplicates;  /* contours left out because another is the same, and contours that
			       * run twice round in one list of points, taken once */
	uint32_t empty;       /* contours without area */
	uint32_t mixed_types; /* 1 when CLOSEDPLANAR_XOR stands beside another type */
	uint32_t clipped;     /* contours partly outside the image */
	uint32_t outside;     /* contours wholly outside the image */
	uint32_t unresolved;  /* 1 when the contours were too entangled to be compared within the
			       * work allowed (hostile input), and were all united */
	int64_t area_q16; /* what the contours enclose, by their vertices and not by pixel centres,
			   * in 1/65536 of a pixel: holes taken away, nothing cut off at the edge of
			   * the image.  True where no contour crosses itself or overlaps another
			   * partly, and no two of CLOSEDPLANAR_XOR are the same; at most INT64_MAX
			   */
};

/* Scratch for region_fill with at most `count` contours of `points` vertices in all. */
size_t region_scratch_bytes(uint32_t cols, uint32_t rows, size_t count, size_t points);

/*
 * OR the ROI into `out`; give an empty mask (mask_clear) to have it alone, which is also the
 * fastest.  `scratch`, aligned to 16 bytes, holds region_scratch_bytes for these contours or
 * more, needs no clearing and keeps nothing between calls.  Counts are ADDED to *notes (may
 * be NULL).  `count` may be 0.  Cannot fail: time is bounded whatever the contours are.
 */
void region_fill(struct mask *out, const struct polygon *p, size_t count, enum edge_rule edge,
		 enum nesting_rule nesting, void *scratch, struct region_notes *notes);

#endif
