/*
 * The images that a structure set draws on: every Referenced SOP Instance UID in a Contour Image
 * Sequence (PS3.3 C.8.8.5, C.8.8.6), those in sequences that hide in UN, too.
 */
#ifndef STUDY_REFERENCES_H
#define STUDY_REFERENCES_H

#include "anon/visit.h"
#include "base/valueset.h"

/* The next one, not empty, repeats and all: of a walk begun by visit_open.  ERR_MORE at the end;
 * errors of the walk. */
enum err references_next(struct visit *v, struct bytes *uid, struct fault *f) MUST_USE;

/* Of a structure set that was de-identified: which of its images are not there (R10). */
struct references {
	uint32_t images;  /* each counted once */
	uint32_t missing; /* neither in `here` nor in the folder */
};

/* `here`: SOP Instance UIDs; `folder`: of the study, where <UID>.dcm may be from an earlier run.
 * Errors of the walk; ERR_LIMIT: over LIMIT_IMAGES. */
enum err references_count(struct bytes data, const struct syntax *syntax,
			  const struct valueset *here, int folder, struct references *out,
			  struct arena *a, struct fault *f) MUST_USE;

#endif
