/*
 * Where a dump goes: memory, or a file descriptor in pieces, so that a value of any
 * size can be shown; and how both forms of a dump write one number and one text.
 *
 * The first failure (full memory, a failed write) sticks: what comes later is dropped.
 */
#ifndef DICOM_DUMP_OUT_H
#define DICOM_DUMP_OUT_H

#include "base/buf.h"
#include "base/err.h"
#include "dicom/charset.h"
#include "dicom/vr.h"

struct dump_out {
	struct buf text; /* append here; owned: dump_out_free */
	int fd;          /* -1: everything stays in `text` */
	struct buf utf8; /* working memory of dump_out_utf8 */
	enum err error;
	struct fault fault; /* of `error` */
};

struct dump_out dump_out_memory(size_t max);
struct dump_out dump_out_fd(int fd);
void dump_out_free(struct dump_out *o);

/* Between two appends, at least once every few KiB: writes when there is enough. */
void dump_out_pace(struct dump_out *o);
/* Write what is pending; the first failure of all, if there was one. */
enum err dump_out_end(struct dump_out *o, struct fault *f) MUST_USE;

/* `text` as UTF-8, valid until the next call; empty after a failure. */
struct bytes dump_out_utf8(struct dump_out *o, const struct charset *c, enum vr vr,
			   struct bytes text);
/* How much of a long text to convert at once: all of it, or about 64 KiB up to a place where no
 * character and no state is cut.  For a text that is not split at backslashes. */
size_t dump_out_slice(enum vr vr, struct bytes text);

/* The VR to show: where implicit VR leaves the choice of US and SS it depends on Pixel
 * Representation (PS3.5 annex A.1). */
enum vr dump_vr(uint32_t tag, enum vr vr, bool explicit_vr, bool is_signed);
/* Bytes of one number of a binary VR (AT: 4), 0 for other VRs. */
size_t dump_number_size(enum vr vr);
/* One number; AT as eight hexadecimal digits.  False: JSON has no number that holds it exactly
 * (AT, not a number, infinite, beyond 2^53). */
bool dump_number(enum vr vr, const uint8_t *at, bool big_endian, char out[static 32]);

#endif
