/*
 * What a new object takes over from an image of its study: whose it is, of which study, in which
 * frame of reference, by what it was de-identified (PS3.3 C.7.1.1, C.7.2.1, C.7.2.2, C.7.1.3,
 * C.7.4.1, C.12.1), re-encoded in explicit VR little endian.
 * What must be there (type 2) and is not, is there empty.
 */
#ifndef SERIES_INHERIT_H
#define SERIES_INHERIT_H

#include "dicom/build.h"
#include "dicom/rewrite.h"

struct inherited {
	struct edit *elements; /* ascending, arena's */
	size_t count;
	bool ascii; /* no text of it has a byte beyond ASCII */
};

/* The elements of these modules that must be there (type 2) and are not in `d`, empty, ascending.
 */
void inherit_empty(struct build *b, const struct dset *d);

enum err inherit_study(struct inherited *out, const struct dset *image, struct arena *a,
		       struct fault *f) MUST_USE;

/* `built` (elements in ascending order) and what is inherited, as views; of a tag that both have
 * only the built one is taken.  ERR_NOMEM, ERR_WIRE: not ascending. */
enum err inherit_merge(const struct inherited *in, struct bytes built, struct arena *a,
		       struct bytes **views, size_t *count, struct fault *f) MUST_USE;

#endif
