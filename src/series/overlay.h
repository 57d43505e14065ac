/*
 * The derived image with overlay planes (PS3.3 C.9.2, C.7.6.1, C.12.1): the source's
 * SOP class, transfer syntax and pixel data byte for byte, new Series and SOP Instance
 * UIDs, and one overlay group 60xx a plane.
 */
#ifndef SERIES_OVERLAY_H
#define SERIES_OVERLAY_H

#include "base/clock.h"
#include "base/uid.h"
#include "dicom/part10.h"
#include "raster/raster.h"
#include "series/stats.h"

/* The same for every image of one overlay series.  Strings are UTF-8, borrowed. */
struct overlay_series {
	struct uid series;                 /* new Series Instance UID */
	struct bytes uid_key;              /* key of derived UIDs */
	struct uid set_class, set_instance; /* the structure set that the masks come from */
	struct bytes set_label;
	int64_t series_number;
	const char *series_description;    /* LO, at most 64 characters; likewise below */
	const char *study_id;              /* SH; "" keeps the source's */
	struct wall now;                   /* creation dates and times */
	const char *software_version;
};

/* One plane to be written.  label LO 64, description LO 64 (UTF-8; cut and converted to the image's
 * character set as far as it goes). */
struct overlay_plane {
	const struct mask *mask;           /* cols x rows of the image */
	struct bytes label, description;
	uint64_t area;                     /* pixels set */
	bool has_stats;
	struct pixel_stats stats;
};

struct overlay_result {
	struct uid sop_instance;           /* of the new object */
	uint32_t planes_written;
	uint32_t planes_dropped;           /* no free group for them */
	uint32_t planes_existing;          /* overlay groups that the source had */
	bool embedded_overlay;             /* the source has overlay bits in its pixel data (retired) */
};

/* New Series Instance UID: of (source series, structure set, "overlay-series"). */
struct uid overlay_series_uid(struct bytes uid_key, const struct uid *source_series,
			      const struct uid *set_instance);

/*
 * Write the derived image of `src` (whose whole data set is indexed in `d`) to fd.  `planes` may be
 * empty masks; at least one.  Scratch in `a`, which the caller resets.
 */
enum err overlay_write(int fd, const struct overlay_series *series, const struct part10 *src,
		       const struct dset *d, const struct overlay_plane *planes, size_t count,
		       struct arena *a, struct overlay_result *result, struct fault *f) MUST_USE;

#endif
