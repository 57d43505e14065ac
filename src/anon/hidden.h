/*
 * Bits that hide above or below Bits Stored in the samples of compressed frames (R17): retired
 * overlays and other things may lie there, and decoders give them back.
 *
 * A stream whose own precision is Bits Stored has no room for any.  Others are decoded and looked
 * at; a MINIMAL build, which has not all decoders, refuses some.
 */
#ifndef ANON_HIDDEN_H
#define ANON_HIDDEN_H

#include "base/buf.h"
#include "dicom/frame.h"

enum codec { CODEC_NONE, CODEC_JPEG, CODEC_J2K, CODEC_RLE };

/* How samples lie in their containers. */
struct sample_shape {
	struct frame frame;
	uint16_t allocated, stored, high; /* bits */
	bool is_signed;
	bool has_padding; /* Pixel Padding Value stays as it is, whatever its bits */
	uint16_t padding;
};

/* Are there bits outside of Bits Stored, and do the numbers make sense? */
bool sample_has_spare_bits(const struct sample_shape *s);
/* The stored bits alone, with the sign above them where samples are signed. */
uint32_t sample_plain(const struct sample_shape *s, uint32_t v);

/* One frame.  ERR_UNSUPPORTED: something hides there.  ERR_UNUSABLE: it cannot be told.  `room` is
 * made as large as a frame, and kept for the next one.  ERR_NOMEM, ERR_LIMIT. */
enum err hidden_check(const struct sample_shape *s, enum codec codec, struct bytes stream,
		      struct buf *room, struct fault *f) MUST_USE;

#endif
