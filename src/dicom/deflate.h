/*
 * Deflated data sets (PS3.5 A.5): the only user of zlib.  Built without it
 * (NETRT_MINIMAL), both directions are ERR_UNSUPPORTED and say so.
 */
#ifndef DICOM_DEFLATE_H
#define DICOM_DEFLATE_H

#include "base/bytes.h"
#include "base/err.h"

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

/* The views one after the other as one raw deflate stream, padded to even length, to fd. */
enum err deflate_write(int fd, const struct bytes *views, size_t count, struct fault *f) MUST_USE;

#endif
