/*
 * One JPEG, JPEG-LS, JPEG 2000 or RLE stream that says no more than its image: without comments,
 * application segments that decoders do not need, unknown segments, and anything between its parts
 * or after its end.  The image stays the same, bit for bit.
 *
 * A stream without any of these comes out as it was.
 */
#ifndef ANON_CODESTREAM_H
#define ANON_CODESTREAM_H

#include "base/buf.h"

/* Append to `out`.  ERR_WIRE: the stream cannot be followed to its end (then `out` has a part of
 * it).  ERR_NOMEM. */
enum err jpeg_clean(struct bytes stream, struct buf *out, struct fault *f) MUST_USE;
enum err j2k_clean(struct bytes stream, struct buf *out, struct fault *f) MUST_USE;
/* `segments` of `plane` bytes each when decoded (PS3.5 G.5). */
enum err rle_clean(struct bytes stream, unsigned segments, size_t plane, struct buf *out,
		   struct fault *f) MUST_USE;

#endif
