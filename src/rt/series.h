/*
 * Which series of the study the structure set is drawn on.
 */
#ifndef RT_SERIES_H
#define RT_SERIES_H

#include "rt/planes.h"
#include "rt/structset.h"

enum series_how {
	SERIES_NONE,
	SERIES_BY_REFERENCE, /* RT Referenced Series Sequence */
	SERIES_BY_UID,       /* most contours name its images */
	SERIES_BY_FRAME,     /* the same frame of reference, and most contours lie on its planes */
};

struct series_request {
	const struct structset *set;
	const bool *wanted; /* of each ROI */
	const struct rt_image *images;
	uint32_t image_count;
	double tolerance_mm;
};

struct series_choice {
	enum series_how how;
	struct uid uid;
	struct planes_in *in; /* its images, each SOP Instance UID once; arena's */
	uint32_t count;
	uint32_t others; /* images of other series */
};

/*
 * Among several that are equally good: the one whose images more contours name, then the one
 * with more images, then the lesser UID.  false: no memory.
 */
bool series_choose(const struct series_request *q, struct series_choice *out,
		   struct arena *a) MUST_USE;

/* The ROI's frame of reference, or the structure set's where the ROI names none. */
const struct uid *series_roi_frame(const struct structset *set, uint32_t roi);
/* Contours of this type enclose an area. */
bool series_has_area(const struct contour *c);

#endif
