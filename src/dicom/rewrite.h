/*
 * A data set with some top-level elements replaced, added or removed, and every other
 * byte as it was.
 *
 * The result is a list of views: runs of the source, and the new elements in between.
 * So pixel data is never copied into memory, and what was not asked to change (private,
 * unknown, oddly encoded, out of order) is not even looked at.
 */
#ifndef DICOM_REWRITE_H
#define DICOM_REWRITE_H

#include "dicom/dset.h"

struct edit {
	uint32_t tag;
	struct bytes encoded; /* the whole new element, header and value, in the syntax of the data
			       * set (build.h); empty: remove the element */
	struct bytes tail;    /* the end of its value, where `encoded` is only the beginning of it;
			       * so that large ones need not be copied */
};

/*
 * Edits in ascending tag order, each tag once.  Set: replaces the first element of that tag (and
 * drops repeats of it), or is inserted before the first greater tag.  The group length element of
 * a group that changes, where there is one, is recomputed; others stay.
 * Views (in the arena's array) borrow from d->in, from the edits and from the arena.  Trailing
 * padding after the last element is kept.  `d` is whole (indexed without `upto`).
 * ERR_UNUSABLE: something is to be added at the end of a data set whose last sequence was never
 * closed.  ERR_NOMEM: the arena is full.
 */
enum err rewrite_plan(const struct dset *d, const struct edit *edits, size_t edit_count,
		      struct arena *a, struct bytes **views, size_t *view_count,
		      struct fault *f) MUST_USE;

/* Bytes that stand in the place of others: [at, at + bytes.len) of a data set. */
struct patch {
	size_t at;
	struct bytes bytes;
};
/*
 * Replace bytes of the source in a plan's views: patches ascend, do not overlap, and each lies
 * within one of the runs of `in` that are kept (asserted).  New views, in the arena.
 */
enum err rewrite_patch(struct bytes in, const struct patch *patches, size_t patch_count,
		       struct arena *a, struct bytes **views, size_t *view_count,
		       struct fault *f) MUST_USE;

/* Split the output of a `struct build` into edits (one a top-level element), in `a`.  They must be
 * in ascending tag order (ERR_WIRE). */
enum err rewrite_edits(struct bytes built, const struct syntax *syntax, struct arena *a,
		       struct edit **edits, size_t *count, struct fault *f) MUST_USE;

#endif
