/*
 * The pixel data element (7FE0,0010), and which fragments are which frame (PS3.5 A.4).
 *
 * A frame may lie in several fragments.  Which they are follows from the numbers of frames and
 * fragments where these are equal, or there is one frame; else the basic offset table says it, or
 * the extended one, or the first bytes of the fragments do.  The first of these tables that has an
 * entry for each frame is believed: when it is not right, nothing is guessed.
 */
#ifndef IMAGE_FRAGMENTS_H
#define IMAGE_FRAGMENTS_H

#include "base/buf.h"
#include "dicom/dset.h"

struct fragment {
	size_t at; /* of its first byte, in the data set */
	size_t len;
};

struct fragments {
	bool encapsulated;
	enum vr vr;         /* native: as encoded, or as the dictionary has it */
	struct bytes value; /* native */
	size_t at;          /* offset of the value in the data set */

	/* encapsulated */
	uint32_t count;                 /* of fragments, without the basic offset table */
	struct bytes offsets, extended; /* the two tables */

	/* private */
	struct bytes in;
	struct buf list; /* of struct fragment; owned */
	uint32_t *first; /* of each frame, and of a frame after the last; owned */
	uint32_t frames;
	struct buf joined; /* the frame that was asked for last; owned */
};

/* The index need not go as far as the pixels.  ERR_UNUSABLE: there are none; ERR_WIRE: fragments
 * that cannot be divided into `frames`.  To be closed in every case. */
enum err fragments_open(struct fragments *s, const struct dset *d, uint32_t frames,
			struct fault *f) MUST_USE;
void fragments_close(struct fragments *s);

/* A frame's bytes in one piece, valid until the next one is asked for. */
enum err fragments_frame(struct fragments *s, uint32_t frame, struct bytes *out,
			 struct fault *f) MUST_USE;
/* Where in the data set a byte of a frame lies. */
size_t fragments_place(const struct fragments *s, uint32_t frame, size_t at);

#endif
