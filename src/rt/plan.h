/*
 * What will be painted where: one structure set against the images of its study.
 *
 * Which series (the one that the structure set refers to; else the one that holds most of
 * the images its contours name; else one in the same frame of reference whose planes its
 * contours lie on), in which order (by the normal times each image's own position), and on
 * which plane each contour lies: the one its Contour Image Sequence names if it lies in that
 * plane, else the nearest within tolerance.  Geometry wins over UIDs, with a note.
 *
 * Precisely: a contour is used on a plane when it is parallel to it and its middle is within
 * the tolerance (planes.h).  Halfway between two planes it belongs to the one that it names,
 * or to the first.  Of several levels of one ROI at one plane only the nearest is used: taken
 * together, the slices of a ball would read as holes in one another.
 *
 * A ROI in another frame of reference than the images is used only as far as its contours
 * name images of the series and lie in their planes.
 *
 * No pixel is touched.  Everything that will not be used is counted, by ROI, with a reason.
 */
#ifndef RT_PLAN_H
#define RT_PLAN_H

#include "raster/region.h"
#include "rt/image.h"
#include "rt/structset.h"

struct rt_options {
	const char *const *ignore_containing; /* case-insensitive substrings of ROI names */
	size_t ignore_count;
	const char *const *only_matching; /* globs (*, ?, case-insensitive); none: all ROIs */
	size_t only_count;
	enum edge_rule edge_rule;
	enum nesting_rule nesting_rule;
	double tolerance_mm; /* contour to plane, further capped by half the local spacing */
};

/* Why a contour or a ROI is not (fully) used, or what is odd about it. */
enum rt_note_kind {
	/* the ROI */
	RT_NOTE_IGNORED_BY_NAME,
	RT_NOTE_NOT_SELECTED, /* matches none of only_matching */
	RT_NOTE_NO_CONTOURS,
	RT_NOTE_NO_NAME,
	RT_NOTE_NO_OBSERVATION,
	RT_NOTE_DUPLICATE_NAME,
	RT_NOTE_DUPLICATE_NUMBER, /* its ROI Number is that of another one, too */
	/* contours, not used */
	RT_NOTE_OTHER_FRAME,      /* of a ROI whose frame of reference is not that of the images */
	RT_NOTE_TYPE_HAS_NO_AREA, /* POINT, OPEN_PLANAR, OPEN_NONPLANAR */
	RT_NOTE_TYPE_UNKNOWN,
	RT_NOTE_BAD_DATA,   /* Contour Data that is no list of x\y\z */
	RT_NOTE_OFF_PLANES, /* no image plane within tolerance */
	RT_NOTE_NOT_PLANAR, /* not parallel to the image planes */
	RT_NOTE_TOO_FEW_POINTS,
	RT_NOTE_NOT_NEAREST, /* another contour of the ROI, at another level, lies nearer to the
			      * same image plane: the two are not one slice of the ROI */
	/* contours, used all the same */
	RT_NOTE_UID_DISAGREES, /* names an image in whose plane it does not lie: geometry won */
	RT_NOTE_UID_UNKNOWN,   /* names an image that is not in the series */
	RT_NOTE_NO_IMAGE_REFERENCE, /* no Contour Image Sequence */
	RT_NOTE_OFF_PLANE_A_BIT,    /* used on the nearest plane, some way off it; worst_mm says how
				       far */
	RT_NOTE_INTERPOLATED,       /* INTERPOLATED_PLANAR taken as closed */
	RT_NOTE_POINT_COUNT,        /* Number of Contour Points disagrees with Contour Data */
	RT_NOTE_OFFSET_VECTOR,      /* Contour Offset Vector ignored */
	RT_NOTE_SAME_POSITION,      /* painted on several images, which are at one position */
	RT_NOTE_FRAME_DISAGREES, /* of a ROI in another frame of reference, but they name images of
				  * the series and lie in their planes */
	/* found while painting */
	RT_NOTE_OVERLAP,
	RT_NOTE_DUPLICATE_CONTOUR,
	RT_NOTE_MIXED_TYPES,
	RT_NOTE_OUTSIDE_IMAGE,
	RT_NOTE_DEGENERATE, /* fewer than three different points, or no area */
	/* the study */
	RT_NOTE_SERIES_BY_UID, /* how the series was found, when not by reference */
	RT_NOTE_SERIES_BY_FRAME,
	RT_NOTE_OTHER_SERIES, /* count: images of other series that get no overlay */
	RT_NOTE_IMAGE_WITHOUT_GEOMETRY,
	RT_NOTE_SET_APART, /* images of the series with another orientation or frame of
			    * reference than most (a localizer): their overlay stays empty */
	RT_NOTE_MULTIFRAME,
	RT_NOTE_UNEVEN_SPACING,
	RT_NOTE_GAP,
	RT_NOTE_GANTRY_TILT,
	RT_NOTE_NO_FRAME, /* images or structure set without a frame of reference */
	RT_NOTE_KINDS
};

#define RT_NO_ROI UINT32_MAX

struct rt_note {
	enum rt_note_kind kind;
	uint32_t roi;    /* index, or RT_NO_ROI for the study */
	uint32_t count;  /* contours, images ... concerned */
	double worst_mm; /* where a distance is meant, else 0 */
};

struct rt_roi_plan {
	bool selected; /* wanted by name and usable */
	uint32_t contours_used, contours_unused;
	uint32_t points_used;
	uint32_t planes; /* planes with at least one contour of it */
};

/* All contours of one ROI on one plane. */
struct rt_group {
	uint32_t roi;
	uint32_t first, count; /* in order[] */
	uint64_t points;
};

struct rt_plan {
	const struct structset *set;
	struct rt_options options;
	struct rt_image *planes; /* the images of the series that have geometry, sorted along the
				  * normal; then those without, which get an empty overlay */
	uint32_t plane_count;    /* all of them */
	uint32_t placed_count;   /* those with geometry */
	double *gap_mm;          /* local slice spacing per plane, for volumes: half the way to each
				  * neighbour; 0 where there is no telling (a lone slice without
				  * thickness) and for images without geometry */
	struct uid series;
	uint32_t *order;          /* contour indexes, by plane, then by ROI, then as in the file */
	uint32_t *first;          /* plane_count + 1: of plane k, order[first[k] .. first[k+1]) */
	struct rt_group *groups;  /* of plane k: groups[first_group[k] .. first_group[k+1]) */
	uint32_t *first_group;    /* plane_count + 1 */
	uint32_t *contour_points; /* set->contour_count: points found, 0 for one that is not used */
	struct rt_roi_plan *rois; /* set->roi_count */
	struct rt_note *notes;    /* one per (kind, roi) */
	uint32_t note_count;
};

/*
 * `images`: every image of the study, any series, any order (copied as needed).
 * ERR_UNUSABLE when nothing of the structure set can be painted; *plan is then still filled with
 * ROIs and notes, so that the reasons can be told.
 */
enum err rt_plan_make(struct rt_plan *plan, const struct structset *set,
		      const struct rt_image *images, size_t image_count,
		      const struct rt_options *options, struct arena *a, struct fault *f) MUST_USE;

/* One sentence fragment for a note, e.g. "contours off every image plane"; never NULL. */
const char *rt_note_text(enum rt_note_kind kind);
/* A stable word for reports.json: "off-planes". */
const char *rt_note_word(enum rt_note_kind kind);
/* Does it tell of contours or ROIs that are NOT used? */
bool rt_note_is_loss(enum rt_note_kind kind);

#endif
