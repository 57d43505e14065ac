/*
 * One JPEG, JPEG-LS or JPEG 2000 stream without comments, foreign application segments, and
 * anything after its end.
 */
#ifndef ANON_CODESTREAM_H
#define ANON_CODESTREAM_H

#include "base/buf.h"

/* Appends to `out`.  ERR_WIRE: the stream cannot be followed to its end. */
enum err jpeg_clean(struct bytes stream, struct buf *out, struct fault *f) MUST_USE;
enum err j2k_clean(struct bytes stream, struct buf *out, struct fault *f) MUST_USE;

#endif
