/*
 * An RT Structure Set (PS3.3 A.19, C.8.8.5, C.8.8.6, C.8.8.8), read in one pass over the
 * encoded data set: nothing of Contour Data is copied, every contour keeps a view of its text.
 *
 * Order and completeness are not assumed: ROIs may lack contours, observations or names;
 * items of the three sequences are paired by ROI Number only.  Contours of a number that no
 * ROI has make a ROI without a name.
 *
 * Structure sets that are cut short are refused: half a set of contours is a wrong one.
 */
#ifndef RT_STRUCTSET_H
#define RT_STRUCTSET_H

#include "base/arena.h"
#include "base/uid.h"
#include "dicom/part10.h"

#define SOP_CLASS_RT_STRUCTURE_SET "1.2.840.10008.5.1.4.1.1.481.3"

enum contour_type {
	CONTOUR_CLOSED_PLANAR,
	CONTOUR_CLOSEDPLANAR_XOR,
	CONTOUR_INTERPOLATED_PLANAR, /* not in the standard; some systems write it: filled, with a
					note */
	CONTOUR_POINT,
	CONTOUR_OPEN_PLANAR,
	CONTOUR_OPEN_NONPLANAR,
	CONTOUR_UNKNOWN, /* absent, or a term of its own: not filled */
};

/* Up to here, names and other short texts are read. */
#define STRUCTSET_TEXT_MAX 1024u

struct contour {
	struct bytes data;       /* Contour Data as text: x\y\z\x\y\z..., mm */
	struct bytes image_uid;  /* Referenced SOP Instance UID of the first Contour Image item; may
				    be empty */
	uint32_t image_count;    /* items of Contour Image Sequence */
	uint32_t roi;            /* index in structset.rois */
	uint32_t ordinal;        /* which one it is in the file, over all ROIs, from 0 */
	int64_t points_declared; /* Number of Contour Points, -1 when absent */
	uint8_t type;            /* enum contour_type */
	bool has_offset;         /* Contour Offset Vector that is not zero */
};

struct roi {
	int64_t number;                /* ROI Number, -1 when it has none */
	struct bytes name;             /* UTF-8, "" when absent; arena's */
	struct bytes name_raw;         /* as encoded, in the structure set's character set */
	struct bytes algorithm;        /* ROI Generation Algorithm, UTF-8 */
	struct bytes interpreted_type; /* RT ROI Interpreted Type, UTF-8, "" when there is no
					  observation */
	struct bytes code_value, code_scheme, code_meaning; /* RT ROI Identification Code Sequence,
							     * the first item; UTF-8, or "" */
	struct uid frame;                                   /* Referenced Frame of Reference UID */
	uint8_t color[3];
	bool has_color, has_observation, in_contour_sequence, in_roi_sequence;
	bool has_number;
	bool duplicate_name;   /* another ROI has the same one; "" is no name */
	bool duplicate_number; /* the same for the number: such ROIs are paired with their
				* contours and observations in the order of the file */
	uint32_t contour_first, contour_count; /* in structset.contours */
};

struct structset {
	struct uid sop_class, sop_instance, study, series, frame;
	struct bytes label, name, date, time; /* UTF-8 / text */
	struct bytes charset;                 /* Specific Character Set as encoded */
	struct roi *rois;
	uint32_t roi_count;
	struct contour *contours; /* grouped by ROI, in file order inside one */
	uint32_t contour_count;
	struct uid *series_refs; /* RT Referenced Series Sequence: Series Instance UIDs */
	uint32_t series_ref_count;
	uint32_t image_ref_count; /* images listed there */
	uint32_t duplicate_names; /* ROIs whose name another one has as well */
	unsigned walk_notes;
};

/* Views borrow from p->data; arrays are the arena's.  ERR_UNUSABLE: not a structure set.
 * ERR_WIRE: malformed or cut short.  ERR_LIMIT, ERR_NOMEM. */
enum err structset_read(struct structset *s, const struct part10 *p, struct arena *a,
			struct fault *f) MUST_USE;

const char *contour_type_term(enum contour_type type); /* "CLOSED_PLANAR" */

#endif
