/*
 * ROI Contour Sequence on its way into the relinked structure set.
 */
#ifndef SERIES_RELINK_CONTOURS_H
#define SERIES_RELINK_CONTOURS_H

#include "series/bits.h"
#include "series/relink.h"

/* `from`: the data set from the header of the sequence on.  Scratch in `a`.  ERR_NOMEM; ERR_WIRE
 * and what the walk says of it. */
enum err relink_contours(struct bits *out, const struct relink *o, struct bytes from,
			 const struct syntax *syntax, struct arena *a, struct relink_result *result,
			 struct fault *f) MUST_USE;

#endif
