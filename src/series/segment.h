/*
 * A DICOM Segmentation (PS3.3 A.51, C.8.20): binary, one frame for each segment on each image that
 * it covers a pixel of.
 *
 * It is written in one pass with little memory: the head, then an item of the Per-frame Functional
 * Groups Sequence a frame (which so has undefined length), then the frames, painted one at a time.
 * Frames follow each other bit by bit, without padding between them (PS3.5 8.1.1, 8.2); always
 * explicit VR little endian.
 *
 * Patient, study and frame of reference are those of an image of the series.  Frames refer to the
 * overlay images, which are what a destination has.  Dimensions are the segment and the position
 * of the image; where a series has several images at one position (4D), also their number there.
 */
#ifndef SERIES_SEGMENT_H
#define SERIES_SEGMENT_H

#include "base/clock.h"
#include "base/uid.h"
#include "dicom/dset.h"
#include "raster/mask.h"
#include "series/roicodes.h"

#define SOP_CLASS_SEGMENTATION "1.2.840.10008.5.1.4.1.1.66.4"

/* One ROI.  Texts are UTF-8; label LO 64, description ST. */
struct segment {
	struct bytes label, description;
	const char *algorithm; /* MANUAL, SEMIAUTOMATIC or AUTOMATIC */
	struct uid tracking;
	uint8_t color[3]; /* sRGB */
	struct roi_code category, type;
	enum roi_side side;
};

/* One image that frames lie on; planes are in order along the normal. */
struct segment_plane {
	struct uid sop_class, instance; /* of the overlay image */
	int64_t position_pm[3];
	double row_dir[3], col_dir[3];
	int64_t row_spacing_pm, col_spacing_pm;
	int64_t thickness_pm; /* 0: unknown */
	uint32_t position;    /* ascending; the same for images at one position */
};

struct segment_frame {
	uint32_t segment, plane; /* indexes */
};

enum segment_overlap { SEGMENT_OVERLAP_UNKNOWN, SEGMENT_OVERLAP_NO, SEGMENT_OVERLAP_YES };

struct segment_object {
	struct uid sop_instance, series, dimensions; /* new */
	struct uid frame;                   /* of reference, where the image names none; or "" */
	struct uid image_series;            /* the overlay series */
	struct uid set_class, set_instance; /* the structure set */
	struct bytes uid_key;               /* the Device Serial Number comes of it */
	int64_t series_number, instance_number;
	const char *series_description;                 /* LO 64 */
	const char *study_id;                           /* "" keeps the image's */
	const char *algorithm_name, *algorithm_version; /* LO 64 */
	const char *tracking_id; /* UT; the label is appended, for it is to be unique */
	struct wall now;
	const char *software_version;
	uint32_t cols, rows;
	double slice_spacing_mm; /* 0: uneven or unknown */
	enum segment_overlap overlap;
	const struct segment *segments;
	uint32_t segment_count;
	const struct segment_plane *planes;
	uint32_t plane_count;
	const struct segment_frame *frames; /* by segment, then by plane; at least one */
	uint32_t frame_count;

	/* The mask of frame `index`, cols x rows, cleared before; called once for each, in order.
	 */
	enum err (*paint)(void *ctx, uint32_t index, struct mask *mask, struct fault *f);
	void *ctx;
};

struct segment_result {
	bool text_lossy; /* a text has characters that the image's character set lacks */
};

/* `image`: the whole data set of any image of the series.  Scratch in `a`, which the caller resets.
 * ERR_LIMIT: more than the 4 GiB that Pixel Data can have; ERR_NOMEM, ERR_IO, and what `paint`
 * gives. */
enum err segment_write(int fd, const struct segment_object *o, const struct dset *image,
		       struct arena *a, struct segment_result *result, struct fault *f) MUST_USE;

/* sRGB as Recommended Display CIELab Value has it: CIE L*a*b* under D50, each over 16 bits
 * (PS3.3 C.10.7.1.1). */
void segment_cielab(const uint8_t rgb[static 3], uint16_t out[static 3]);

#endif
