/*
 * Encoding new elements (PS3.5 section 7), in the syntax of the data set that they
 * go into.
 *
 *     struct build b;
 *     build_init(&b, &arena_or_buf..., syntax);
 *     build_text(&b, TAG_SeriesDescription, VR_LO, "...");
 *     build_sequence(&b, TAG_SourceImageSequence);
 *       build_item(&b);
 *         build_uid(&b, TAG_ReferencedSOPClassUID, uid);
 *       build_item_end(&b);
 *     build_sequence_end(&b);
 *
 * Values are padded to even length as their VR says.  Whether a text is longer than its VR
 * allows is the caller's business.  A value over 65,534 bytes of a VR that has no room for
 * that in explicit VR becomes UN (PS3.5 6.2.2).  Sequences and items get defined lengths.
 * The first failure (buffer full, a length over 32 bits) sticks in out.failed.  Elements are
 * emitted in the order of the calls: ascending tags are the caller's duty.
 */
#ifndef DICOM_BUILD_H
#define DICOM_BUILD_H

#include "base/buf.h"
#include "base/limits.h"
#include "base/uid.h"
#include "dicom/syntax.h"
#include "dicom/tag.h"
#include "dicom/vr.h"

struct build {
	struct buf out; /* owned: build_free */
	const struct syntax *syntax;
	unsigned depth;
	size_t open[2 * LIMIT_NESTING]; /* offsets of the length fields to be filled in */
};

void build_init(struct build *b, const struct syntax *syntax, size_t max);
void build_free(struct build *b);
/* As build_init, in the memory that it has; a zero struct has none. */
void build_reuse(struct build *b, const struct syntax *syntax, size_t max);

void build_bytes(struct build *b, uint32_t tag, enum vr vr, struct bytes value); /* as encoded */
void build_text(struct build *b, uint32_t tag, enum vr vr, struct bytes value);
void build_str(struct build *b, uint32_t tag, enum vr vr, const char *value);
void build_uid(struct build *b, uint32_t tag, const struct uid *uid);
void build_u16(struct build *b, uint32_t tag, enum vr vr, const uint16_t *values,
	       size_t count); /* US SS AT OW: native in, encoded out */
void build_u32(struct build *b, uint32_t tag, enum vr vr, const uint32_t *values, size_t count);
void build_is(struct build *b, uint32_t tag, int64_t value); /* asserts 32 bits, as IS has */
/* At most 16 characters: the shortest text that reads back as the same number, or the nearest that
 * they allow.  Finite values only (asserted). */
void build_ds(struct build *b, uint32_t tag, double value);
void build_ds_list(struct build *b, uint32_t tag, const double *values, size_t count);
/* Lengths in picometres (dicom/number.h) as millimetres: exact where 16 characters have room. */
void build_ds_pm(struct build *b, uint32_t tag, const int64_t *values, size_t count);
/* OW from bytes in little endian order (swapped where the syntax is big endian). */
void build_ow_le(struct build *b, uint32_t tag, struct bytes little_endian);
void build_sequence(struct build *b, uint32_t tag);
void build_item(struct build *b);
void build_item_end(struct build *b);
void build_sequence_end(struct build *b);

#endif
