/*
 * One image: its source opened, its ROIs painted, its overlay image written.  This is what the
 * worker processes do.
 *
 * Everything in struct slice_job is made before they are forked and only read by them, but for
 * the results and the contact sheet, which lie in shared memory: a row for each plane and an area
 * for each ROI on it have one writer; what is counted by ROI is atomic.
 */
#ifndef STUDY_SLICE_H
#define STUDY_SLICE_H

#include "anon/verify.h"
#include "rt/paint.h"
#include "series/overlay.h"
#include "series/sheet.h"
#include "study/debug.h"
#include "study/options.h"
#include "study/pool.h"
#include "study/roi_look.h"
#include "study/staging.h"

enum slice_stage {
	SLICE_SETUP,
	SLICE_READ,
	SLICE_SHIELD,
	SLICE_PAINT,
	SLICE_WRITE,
	SLICE_DEBUG,
	SLICE_VERIFY
};

/* What painting can tell about the contours of a ROI. */
enum slice_note {
	SLICE_OVERLAP,
	SLICE_DUPLICATE,
	SLICE_MIXED,
	SLICE_OUTSIDE,
	SLICE_EMPTY,
	SLICE_CLIPPED,
	SLICE_UNRESOLVED,
	SLICE_NOTES
};

struct slice_row { /* of one plane */
	uint16_t planes_written, planes_existing;
	uint16_t walk_notes; /* oddities of the file: enum walk_note */
	bool embedded_overlay;
	struct uid instance; /* of the source, as it may be told */
	struct uid derived;
	struct anon_counts counts;
	bool no_statistics;     /* wanted, but the pixels cannot be read */
	const char *not_burned; /* why the disclaimer is an overlay plane though pixels were asked
				 * for: a literal, the same in all processes; or NULL */
	bool decoded;           /* the source was compressed, the output is not */
	bool burn_in_cut;       /* the image has no room for all of it */
	bool text_lossy;        /* its character set lacks letters of a name: '?' was written */
	struct debug_made debug;
	bool overlap;       /* a pixel is in more than one ROI */
	bool other_patient; /* Patient ID or its issuer is not the structure set's */
};

struct slice_roi {
	_Atomic uint32_t notes[SLICE_NOTES];
	_Atomic uint32_t no_plane; /* images without a free overlay group for it */
};

struct slice_area { /* of one ROI on one plane */
	uint32_t pixels;
	uint16_t col0, row0, col1, row1; /* [col0, col1) x [row0, row1) just holds them */
	int64_t contours_q16;            /* region_notes.area_q16 */
};

struct slice_job {
	const struct study_options *options;
	const struct rt_plan *plan;
	const struct part10 *set_file; /* of the structure set of `plan` */
	const struct overlay_series *series;
	const char *const *paths;      /* by rt_image.source */
	const struct staging *staging; /* the folders to write into */
	const char *suffix;            /* of the file names: "", "-2", ... */
	const struct roi_look *looks;  /* of the ROIs of plan->set */
	const uint32_t *first; /* plane_count + 1: areas of plane k are areas[first[k]...] */
	struct sheet *sheet;   /* or NULL; .rgb is shared.  Shows what is written: de-identified */

	struct bytes patient_id, issuer; /* of the structure set, for other_patient */
	uint32_t products_lossy;         /* products.text_lossy, when they are made */

	/* shared, one mapping of `shared_size` bytes */
	struct pool_shared *shared;
	struct slice_row *rows;   /* plane_count */
	struct slice_roi *rois;   /* set->roi_count */
	struct verify_hit *hit;   /* with SLICE_VERIFY: what is still in the output */
	struct slice_area *areas; /* of the i-th ROI of each plane */
	size_t shared_size;
};

/* Give a job whose first fields are set its looks, first[] and patient, in `a`, and its shared
 * memory. */
enum err slice_job_open(struct slice_job *job, struct arena *a, struct fault *f) MUST_USE;
void slice_job_close(struct slice_job *job);

/* pool.work; ctx is the struct slice_job. */
void slice_work(struct pool *pool, void *ctx);

#endif
