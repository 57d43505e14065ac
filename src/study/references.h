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

/* Those of a data set, each once, into `found`, which is open; views into `data`.  Errors of the
 * walk; ERR_LIMIT: more than `found` takes. */
enum err references_list(struct bytes data, const struct syntax *syntax, struct valueset *found,
			 struct fault *f) MUST_USE;
/* `here`: SOP Instance UIDs; `folder`: of the study, where <UID>.dcm may be from an earlier run. */
struct references references_count(const struct bytes *uids, uint32_t count,
				   const struct valueset *here, int folder);

#endif
