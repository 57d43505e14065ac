/*
 * A text in the pixels of an image, at the image's own depth: every bit outside of the text's box
 * stays as it is, and inside it there are two codes, a dark and a bright one (contrast.h).
 *
 *     burnin_open(&b, options, &part10, &dset, &f)      where, which codes, or why not
 *     burnin_patches(&b, arena, &patches, &count, &f)   pixels that lie open: bytes of the source
 * to replace; all else can be copied as it is burnin_paint(&b, &f) decoded pixels: into
 * b.native.data itself burnin_close(&b)
 *
 * Where the pixels cannot be written into (a transfer syntax that is not decoded here, a palette
 * without light and dark, a box that would take a third of a small image, ...), and where the
 * options say so, b.into_pixels is false: the caller writes the letters as an overlay plane
 * (burnin_mask), and no pixel is touched.
 */
#ifndef IMAGE_BURNIN_H
#define IMAGE_BURNIN_H

#include "dicom/rewrite.h"
#include "image/contrast.h"
#include "image/text.h"
#include "raster/mask.h"

/* Of the configuration. */
struct burnin_options {
	struct bytes text; /* UTF-8; may have line ends */
	enum text_corner corner;
	bool as_overlay; /* no pixel is touched */
	bool strict;     /* pixels that cannot be written into are an error, not an overlay */
};

struct burnin {
	bool into_pixels;
	const char *why_not; /* a literal: why not, where the options ask for it; else NULL */
	bool placed;         /* `label` is there: the image has room for a letter at least */
	struct text_label label;
	/* with into_pixels */
	struct native native;
	struct contrast contrast;
};

/* An error that `strict` makes one, or of memory.  *b is to be closed in every case. */
enum err burnin_open(struct burnin *b, const struct burnin_options *options, const struct part10 *p,
		     const struct dset *d, struct fault *f) MUST_USE;
void burnin_close(struct burnin *b);

/* Ascending, in the arena; offsets are of the data set's bytes.  For native pixels that are not
 * decoded. */
enum err burnin_patches(const struct burnin *b, struct arena *a, struct patch **patches,
			size_t *count, struct fault *f) MUST_USE;
/* For those that are. */
enum err burnin_paint(struct burnin *b, struct arena *a, struct fault *f) MUST_USE;
/* The letters in a mask of the image's size; none where there is no room for any. */
void burnin_mask(const struct burnin *b, struct mask *m);

#endif
