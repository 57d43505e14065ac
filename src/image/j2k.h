/*
 * JPEG 2000 (ITU-T T.800) and HTJ2K (T.814), by OpenJPEG.  A MINIMAL build has none and says
 * ERR_UNSUPPORTED.
 *
 * The codestream's head is read here before OpenJPEG sees it, so that it begins only what is this
 * frame; and its memory is counted (j2k_memory), so that small streams of many small parts cannot
 * take much.
 */
#ifndef IMAGE_J2K_H
#define IMAGE_J2K_H

#include <stdbool.h>

#include "dicom/frame.h"

struct j2k_head {
	uint32_t rows, cols;
	unsigned components, precision; /* of the first; the others have the same */
	bool is_signed;
	bool irreversible; /* the wavelet that loses (9-7) */
	bool transformed;  /* components 0 to 2 are a transformed RGB */
	size_t at;         /* where the codestream begins: 0, but for one in a JP2 file */
};

/* ERR_WIRE: no codestream, or a broken one; ERR_UNSUPPORTED: components of different kinds. */
enum err j2k_head(struct bytes stream, struct j2k_head *out, struct fault *f) MUST_USE;

/* Of at most four bytes a sample.  A transform of colours is undone.  ERR_LIMIT: over the memory
 * that such a frame may need. */
enum err j2k_decode(struct bytes stream, const struct j2k_head *head, const struct frame *frame,
		    uint8_t *to, struct fault *f) MUST_USE;

#endif
