/*
 * The debug output of one image: a JPEG to open anywhere, and the same picture as a Secondary
 * Capture image (series/secondary.h), which goes where the overlay series goes.
 *
 *     debug_visualization/slice_NNN_<SOP>.jpg     with square pixels
 *     DebugDicom/DEBUG-<SOP>.dcm                  with the pixels of the source, each magnified
 *
 * The two are one picture where the image's pixels are square; else the JPEG is stretched, since
 * nothing that shows JPEGs knows of Pixel Spacing.
 *
 * Everything that is drawn is said by the de-identified image and by the told names of ROIs.
 */
#ifndef STUDY_DEBUG_H
#define STUDY_DEBUG_H

#include "rt/paint.h"
#include "series/overlay.h"
#include "study/options.h"
#include "study/outputs.h"
#include "study/roi_look.h"
#include "study/shield.h"

/* The same for every image of a structure set. */
struct debug_job {
	const struct study_options *options;
	const struct rt_plan *plan;
	const struct roi_look *looks;        /* of the ROIs of plan->set */
	const struct overlay_series *series; /* of the overlay series */
	int dicom, pictures;                 /* folders */
	const char *suffix;                  /* of the file names: "", "-2", ... */
};

/* What could not be had. */
struct debug_made {
	bool skipped;    /* no picture: it would have too many pixels */
	bool smaller;    /* magnified less than asked, for the same reason */
	bool not_square; /* so is the JPEG, which has the image's pixels as they are */
	bool no_pixels;  /* they cannot be read: contours on grey */
	bool no_jpeg;    /* this netrt was built without */
	bool text_lossy; /* the image's character set lacks letters: '?' was written */
};

struct debug_result {
	char name[OUTPUT_NAME_MAX]; /* of the Secondary Capture image: to be verified */
	struct debug_made made;
};

/*
 * Draw and write both files of the image of that plane, as it may be told.  The painter's scratch
 * and `a` are used.  Pixels that cannot be read are no error.  ERR_IO, ERR_NOMEM, and what
 * rt_paint_roi may say.
 */
enum err debug_write(const struct debug_job *job, struct painter *painter, uint32_t plane,
		     const struct shield *image, struct arena *a, struct debug_result *result,
		     struct fault *f) MUST_USE;

#endif
