/*
 * The images that a de-identified structure set draws on, and those of them that are not there
 * (R10).
 */
#ifndef STUDY_REFERENCES_H
#define STUDY_REFERENCES_H

#include "base/valueset.h"
#include "dicom/syntax.h"

struct references {
	uint32_t images;  /* that its contours refer to (Contour Image Sequence, at both levels) */
	uint32_t missing; /* neither in `here` nor in the folder */
};

/* `here`: SOP Instance UIDs; `folder`: of the study, where <UID>.dcm may be from an earlier run.
 * Errors of the walk; ERR_LIMIT: over LIMIT_IMAGES. */
enum err references_count(struct bytes data, const struct syntax *syntax,
			  const struct valueset *here, int folder, struct references *out,
			  struct arena *a, struct fault *f) MUST_USE;

#endif
