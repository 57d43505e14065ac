/*
 * The derived image with overlay planes (PS3.3 C.9.2, C.7.6.1, C.12.4): the source's
 * SOP class, transfer syntax and pixel data byte for byte, new Series and SOP Instance
 * UIDs, and one overlay group 60xx a plane.
 *
 * What is written, beside the groups 60xx; everything else stays byte for byte:
 *
 *   Image Type                DERIVED\SECONDARY and values 3.. of the source.  A PET image says
 *                             DERIVED\PRIMARY: C.8.9.4.1.1 allows nothing else as value 2.
 *   Instance Creation, Content and Series Date and Time
 *                             `now`.  A PET image keeps its Series Date and Time: all its
 *                             decay and frame times count from them (C.8.9.1.1.2).
 *   Series and SOP Instance UID, Series Number, Series Description, Study ID
 *   Derivation Description    appended to one that is there
 *   Source Image Sequence     the source image, with its purpose (121322, DCM)
 *   Source Instance Sequence  the structure set, after items that are there (C.12.4)
 *   Contributing Equipment    netrt as (109103, DCM, "Modifying Equipment"), after items
 *                             that are there
 *   Instance Creator UID, Digital Signatures, MAC Parameters
 *                             removed: they speak of the source
 *
 * With a text to be burned in (image/burnin.h) one of two more things is done:
 *
 *   into the pixels: its box is written in all frames.  A source whose pixels lie open keeps
 *     its transfer syntax.  One that is compressed is decoded and becomes explicit VR little
 *     endian, with the attributes of its pixels as they then are; where its compression was
 *     lossy, Lossy Image Compression, Ratio and Method say so.  Smallest and Largest Image
 *     Pixel Value follow; those of the series and the plane, and Histogram Sequence, go,
 *     as nobody counts anew.
 *
 *   as an overlay: a type G plane after the others, for which a group is kept free.
 *
 * Burned In Annotation stays as it is.  It asks for what identifies the patient and the date
 * (C.7.6.1.1.5), which a text that is the same for everybody does not.
 *
 * Dates and times follow the source's Timezone Offset From UTC where it has one.
 */
#ifndef SERIES_OVERLAY_H
#define SERIES_OVERLAY_H

#include "base/clock.h"
#include "base/uid.h"
#include "dicom/part10.h"
#include "image/burnin.h"
#include "raster/raster.h"
#include "series/stats.h"

/* The same for every image of one overlay series.  Strings are UTF-8, borrowed. */
struct overlay_series {
	struct uid series;                  /* new Series Instance UID */
	struct bytes uid_key;               /* key of derived UIDs */
	struct uid set_class, set_instance; /* the structure set that the masks come from */
	struct bytes set_label;
	int64_t series_number;
	const char *series_description; /* LO, at most 64 characters; "" keeps the source's */
	const char *study_id;           /* SH, at most 16; "" keeps the source's */
	struct wall now;                /* creation dates and times */
	const char *software_version;
	const struct burnin_options *burn_in; /* or NULL */
	/* what was done to the source's pixels before, to be told: decompressed; bits or regions
	 * taken out */
	bool pixels_decoded, pixels_cleaned;
};

/* One plane to be written.  label LO 64, description LO 64 (UTF-8; cut and converted to the image's
 * character set as far as it goes). */
struct overlay_plane {
	const struct mask *mask; /* cols x rows of the image */
	struct bytes label, description;
	uint64_t area; /* pixels set */
	bool has_stats;
	struct pixel_stats stats;
};

struct overlay_result {
	struct uid sop_instance;  /* of the new object */
	uint32_t planes_written;  /* the first ones: there is no free group for the others */
	uint32_t planes_existing; /* overlay groups that the source had */
	bool embedded_overlay;    /* the source has overlay bits in its pixel data (retired) */
	bool burned;              /* the text is in the pixels */
	const char *
		not_burned; /* a literal: why it is an overlay plane though pixels were asked for */
	bool decoded;       /* the source was compressed, the new object is not */
	bool burn_in_cut;   /* the image has no room for all of the text */
	bool text_lossy;    /* a text has characters that the source's character set lacks */
};

/* New Series Instance UID: of (source series, structure set, "overlay-series"). */
struct uid overlay_series_uid(struct bytes uid_key, const struct uid *source_series,
			      const struct uid *set_instance);
/* New SOP Instance UID: of (source image, structure set, "overlay-instance"). */
struct uid overlay_instance_uid(struct bytes uid_key, const struct uid *source_instance,
				const struct uid *set_instance);

/* A label for merged ROIs: "GTV, CTV, PTV +4 more", as many names as fit; "" for none. */
#define OVERLAY_LABEL_MAX 64u
void overlay_label(const struct bytes *names, size_t count, char out[static OVERLAY_LABEL_MAX + 1]);

/*
 * Write the derived image of `src` (whose whole data set is indexed in `d`) to fd.  `planes` may be
 * empty masks; at least one.  Scratch in `a`, which the caller resets.  ERR_UNUSABLE when the
 * source lacks SOP Class UID, SOP Instance UID, Rows or Columns, or has no overlay group free for a
 * text that must be one; and what burnin_open says.
 */
enum err overlay_write(int fd, const struct overlay_series *series, const struct part10 *src,
		       const struct dset *d, const struct overlay_plane *planes, size_t count,
		       struct arena *a, struct overlay_result *result, struct fault *f) MUST_USE;

#endif
