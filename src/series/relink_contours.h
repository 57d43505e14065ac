/*
 * ROI Contour Sequence on its way into the relinked structure set.
 */
#ifndef SERIES_RELINK_CONTOURS_H
#define SERIES_RELINK_CONTOURS_H

#include "series/bits.h"
#include "series/relink.h"

/* Images by the UIDs of their sources, sorted. */
struct relink_map {
	const struct relink_image **by_source; /* arena's */
	uint32_t count;
};

/* ERR_NOMEM */
enum err relink_map_make(struct relink_map *m, const struct relink *o, struct arena *a,
			 struct fault *f) MUST_USE;
/* NULL: none of them. */
const struct relink_image *relink_map_find(const struct relink_map *m, struct bytes uid);

/* `from`: the data set from the header of the sequence on. */
enum err relink_contours(struct bits *out, const struct relink *o, const struct relink_map *map,
			 struct bytes from, const struct syntax *syntax,
			 struct relink_result *result, struct fault *f) MUST_USE;

#endif
