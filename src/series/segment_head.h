/*
 * The head of a Segmentation: everything before the Per-frame Functional Groups Sequence, and the
 * item of one frame in that.
 */
#ifndef SERIES_SEGMENT_HEAD_H
#define SERIES_SEGMENT_HEAD_H

#include "dicom/build.h"
#include "dicom/encode.h"
#include "series/inherit.h"
#include "series/segment.h"

/* What is worked out of the frames. */
struct segment_layout {
	uint32_t *rank; /* of each plane, from 1: its position among those with a frame; 0: none */
	uint32_t *repeat;   /* its number among the images at its position, from 1 */
	uint32_t first;     /* a plane with a frame */
	bool repeats;       /* some position has several: a dimension of its own */
	bool same_measures; /* spacings and thickness are the same for all frames */
	bool same_orientation;
};

/* ERR_NOMEM */
enum err segment_lay_out(struct segment_layout *l, const struct segment_object *o, struct arena *a,
			 struct fault *f) MUST_USE;

/* Up to (5200,9229), in ascending order.  `text` is in the character set of the object, which
 * `charset` names where the object is to say another than the image ("" else). */
void segment_head(struct build *b, const struct segment_object *o, const struct segment_layout *l,
		  const struct dset *image, struct text_encoder *text, const char *charset,
		  const struct wall *now, bool *no_memory);
/* The elements of one item. */
void segment_frame_item(struct build *b, const struct segment_object *o,
			const struct segment_layout *l, uint32_t frame);

#endif
