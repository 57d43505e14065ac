/*
 * What anon/apply writes: every header in explicit or implicit VR as its surroundings have it in
 * the output, whatever it had in the source, and in its own byte order; lengths of sequences and
 * items filled in when these end.
 *
 * A header that is as it should be is written as it was, byte for byte.  One that could only be
 * understood by looking at what follows it is put right: what follows may be gone.
 */
#ifndef ANON_EMIT_H
#define ANON_EMIT_H

#include "base/buf.h"
#include "base/limits.h"
#include "dicom/walk.h"

#define EMIT_VIEW 512u /* bytes of a value that is worth more than a place in a list */

/* A long value of the source that is not copied: it stands before byte `at` of what is. */
struct emit_view {
	size_t at;
	struct bytes value;
};

/* A sequence or item that was begun. */
struct emit_open {
	size_t length_at; /* offset of the four bytes of its length in out */
	size_t viewed;    /* bytes of views before it */
	bool undefined, big_endian;
	bool explicit_outside;
};

struct emit {
	struct buf *out;  /* borrowed */
	struct buf *list; /* borrowed: of struct emit_view, in the order in which they stand */
	size_t viewed;    /* bytes of them */
	bool explicit_vr; /* where the next element goes; at first that of the syntax */
	struct emit_open open[2 * (2 * LIMIT_NESTING) + 2];
	unsigned depth;
};

/* The element as it is; a long value as a view. */
void emit_copy(struct emit *e, const struct token *t);
/* An element with a value of its own; padded. */
void emit_value(struct emit *e, const struct token *t, enum vr vr, struct bytes value);
/* Begin a sequence (VR_SQ, or VR_UN: implicit VR little endian from here) or an item, of defined
 * or undefined length as it has; and end the one begun last. */
void emit_begin(struct emit *e, const struct token *t, enum vr vr);
void emit_end(struct emit *e, const struct token *t);

#endif
