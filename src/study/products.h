/*
 * What is made of a structure set when its overlay series is there: segmentations, a structure set
 * that is sent with it.
 *
 * Both are made from objects as they may be told: of the structure set and of an image of its
 * series, de-identified where that is asked for, and whatever was written is searched for what is
 * in either of them (products_verify) before the study is published.
 */
#ifndef STUDY_PRODUCTS_H
#define STUDY_PRODUCTS_H

#include "series/overlay.h"
#include "study/shield.h"
#include "study/slice.h"

struct products {
	/* The overlay series, and what painting it found: .rows[k].derived is the overlay image's
	 * UID of plane k, .areas are the pixels of its ROIs.  UID and names of ROIs of .plan->set
	 * are as they may be told. */
	const struct slice_job *job;
	const struct part10 *set_file; /* as it came: the contours of plan->set are views of it */
	/* called with the SOP Instance UID of each object that was made of the structure set */
	void (*made)(void *ctx, const struct uid *instance);
	void *ctx;

	uint32_t text_lossy; /* objects in which '?' was written: their character set lacks letters
			      */

	/* for those that make them */
	struct arena arena;
	struct part10 image_file;
	struct shield set, image; /* image: of the first plane */

	/* what went wrong */
	const char *doing;     /* "cannot write segmentations" */
	enum output_kind kind; /* with `writing`: ERR_IO is about this folder */
	bool writing;
	struct pool_result ended; /* of worker processes, where there were some */
	struct verify_hit hit;    /* .form is set: something of the source is still in it */
};

/* Everything that the options ask for.  On an error the study fails; *p says at what. */
enum err products_make(struct products *p, struct fault *f) MUST_USE;

/* A file that was written to the folder of this kind: ERR_UNUSABLE and p->hit when it holds what
 * may not be told. */
enum err products_verify(struct products *p, enum output_kind kind, const char *name,
			 struct fault *f) MUST_USE;

#endif
