/*
 * A copy of an RT Structure Set that refers to the overlay series, so that a viewer shows the
 * contours on it.
 *
 * New are Series and SOP Instance UID, creation and series dates, Series Number and Description.
 * Predecessor Structure Set Sequence names the source.  It is not approved, whatever the source
 * was, and its signatures are gone.  In Referenced Frame of Reference Sequence the series of the
 * images is replaced by the overlay series with all its images (or that is added); other series and
 * other frames of reference stay.  Contour Image Sequence of each contour names the overlay image
 * on which it was painted; one that was not painted keeps its references, those to images of the
 * series become references to overlay images.  All else is the source's, byte for byte, but for the
 * lengths of the sequences around contours, which become undefined.
 *
 * Contours are copied on the way from the mapped source: memory does not grow with them.
 */
#ifndef SERIES_RELINK_H
#define SERIES_RELINK_H

#include "base/clock.h"
#include "dicom/part10.h"

struct relink_image {
	struct uid sop_class;
	struct uid source,
		overlay; /* SOP Instance UIDs: as the structure set has it, and its own */
};

/* The images on which a contour was painted: images[first ...]. */
struct relink_place {
	uint32_t first, count;
};

struct relink {
	struct uid sop_instance, series;          /* new */
	struct uid source_series, overlay_series; /* of the images */
	struct uid frame; /* their frame of reference; "": that of the structure set */
	struct uid study;
	int64_t series_number;
	const char *series_description, *study_id; /* UTF-8; "" keeps the source's */
	struct wall now;
	const char *software_version;
	const struct relink_image *images; /* in order along the normal */
	uint32_t image_count;
	const struct relink_place *places; /* of each contour, in the order of the file */
	uint32_t place_count;
};

struct relink_result {
	uint32_t placed; /* contours that name an overlay image for having been painted on it */
	uint32_t mapped; /* references of others that were mapped */
	bool text_lossy; /* a text has characters that the structure set's character set lacks */
};

/* `d`: the whole data set.  Its transfer syntax is kept, but deflated becomes explicit VR
 * little endian.  ERR_UNUSABLE: no SOP Class or Instance UID, or its end is missing.  ERR_WIRE,
 * ERR_NOMEM, ERR_IO. */
enum err relink_write(int fd, const struct relink *o, const struct dset *d, struct arena *a,
		      struct relink_result *result, struct fault *f) MUST_USE;

#endif
