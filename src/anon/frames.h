/*
 * Encapsulated pixel data (PS3.5 A.4) whose frames say no more than their images: codestream.h for
 * each of them, an offset table that is true or none, and nothing besides.  Which fragments are
 * which frame: image/fragments.h.
 */
#ifndef ANON_FRAMES_H
#define ANON_FRAMES_H

#include "anon/hidden.h"
#include "dicom/walk.h"

struct frames {
	struct bytes element; /* header, offset table, fragments, delimiter */
	size_t head;          /* bytes of its header */
	const struct syntax *syntax;
	uint32_t count;    /* Number of Frames */
	unsigned segments; /* of RLE: samples times bytes of each */
	size_t plane;      /* of RLE: Rows times Columns */
	struct sample_shape samples;
};

/*
 * *same: the element is fit as it is; else it is in `made`.  Frames in several fragments get one.
 * ERR_UNUSABLE: samples that cannot be looked through.  ERR_UNSUPPORTED: neither can this transfer
 * syntax, or bits hide in samples (hidden.h).  ERR_WIRE: a stream, or a division into frames, that
 * cannot be followed.  ERR_LIMIT, ERR_NOMEM.  f->at is within the element.
 */
enum err frames_clean(const struct frames *frames, bool *same, struct buf *made,
		      struct fault *f) MUST_USE;

#endif
