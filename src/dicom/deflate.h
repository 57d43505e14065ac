/*
 * Deflated data sets (PS3.5 A.5): the only user of zlib.  Built without it
 * (NETRT_MINIMAL), both directions are ERR_UNSUPPORTED and say so.
 */
#ifndef DICOM_DEFLATE_H
#define DICOM_DEFLATE_H

#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>

/*
 * Inflate into a new anonymous mapping, which grows as the data come: *map (its length is
 * *map_len) is the caller's, for deflate_free; the bytes are [0, *len).  The stream is raw, as
 * the standard has it, or in zlib's wrapping, as some files have it; what follows its end is
 * padding and not looked at.  A result over LIMIT_INFLATED, or over LIMIT_INFLATED_FREE and
 * LIMIT_INFLATED_RATIO times as large as its source, is ERR_LIMIT: that bounds what a small
 * malicious file costs.
 */
enum err deflate_expand(struct bytes in, void **map, size_t *map_len, size_t *len,
			struct fault *f) MUST_USE;
void deflate_free(void *map, size_t map_len); /* also fine on NULL */

/*
 * The same in pieces, with 40 KiB of memory, for a stream whose end is not there yet:
 *
 *     while ((e = inflater_next(z, &in, last, &out, &fault)) == OK)
 *             ...                       // out: some inflated bytes, valid until the next call
 *     // ERR_MORE: all of `in` is taken; with `last`: and the stream was whole
 *
 * What comes out, an error too, does not depend on how the input is cut.  The limits are those of
 * deflate_expand, the ratio being that of what has come so far: what ends well here does there.
 */
struct inflater;
enum err inflater_open(struct inflater **z, struct fault *f) MUST_USE;
enum err inflater_next(struct inflater *z, struct bytes *in, bool last, struct bytes *out,
		       struct fault *f) MUST_USE;
void inflater_free(struct inflater *z); /* also fine on NULL */

/* The views one after the other as one raw deflate stream, padded to even length, to fd. */
enum err deflate_write(int fd, const struct bytes *views, size_t count, struct fault *f) MUST_USE;

#endif
