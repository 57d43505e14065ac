/*
 * What anon/apply writes: headers copied or made anew, lengths of sequences and items filled in
 * when these end.
 */
#ifndef ANON_EMIT_H
#define ANON_EMIT_H

#include "base/buf.h"
#include "base/limits.h"
#include "dicom/walk.h"

/* A sequence or item that was begun. */
struct emit_open {
	size_t length_at; /* offset of the four bytes of its length in out */
	bool undefined, big_endian;
};

struct emit {
	struct buf *out; /* borrowed */
	struct emit_open open[2 * LIMIT_NESTING + 2];
	unsigned depth;
};

/* The header of `t` and the value, as they are in `in`. */
void emit_copy(struct emit *e, struct bytes in, const struct token *t);
/* An element in the form of `t`'s surroundings, with a value of its own; padded. */
void emit_value(struct emit *e, const struct token *t, enum vr vr, struct bytes value);
/* Begin a sequence or item with the header that it has, and end the one begun last. */
void emit_begin(struct emit *e, struct bytes in, const struct token *t);
void emit_end(struct emit *e, bool item);

#endif
