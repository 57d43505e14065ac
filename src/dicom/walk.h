/*
 * A data set, token by token (PS3.5 section 7).
 *
 * A pull parser over a view: no recursion, no allocation, an explicit stack of
 * LIMIT_NESTING levels.  Values are views into the input.  It tolerates what real
 * files do and notes it: odd lengths, wrong or unknown VRs, repeated and disordered
 * tags, group lengths, a missing last delimiter, trailing padding.
 *
 *     struct walk w;
 *     struct token t;
 *
 *     walk_init(&w, bytes, syntax);
 *     while ((e = walk_next(&w, &t, &fault)) == OK)
 *             ...                        // ERR_MORE: the end, all was well
 *
 * A sequence is TOK_SEQUENCE, then for each item TOK_ITEM ... TOK_ITEM_END, then
 * TOK_SEQUENCE_END; encapsulated pixel data is TOK_PIXELS, TOK_FRAGMENT..., TOK_PIXELS_END.
 * END tokens come for defined lengths as well.  A UN element of undefined length is walked
 * as a sequence in implicit VR little endian (PS3.5 6.2.2 note), one of defined length is a
 * plain element.
 *
 * An element is read in the form (explicit or implicit VR) of its surroundings.  Where that
 * makes no sense (no such VR, or a length that does not fit) and the other form does, the
 * other is taken and noted.
 *
 * A child that would run past its parent is an error (ERR_WIRE, with its offset): never a
 * read outside the parent.
 */
#ifndef DICOM_WALK_H
#define DICOM_WALK_H

#include "base/err.h"
#include "base/limits.h"
#include "dicom/syntax.h"
#include "dicom/tag.h"
#include "dicom/vr.h"

#define DICOM_UNDEFINED 0xFFFFFFFFu

enum tok {
	TOK_ELEMENT,  /* `value` is the whole value */
	TOK_SEQUENCE, /* a sequence begins; `value` is empty */
	TOK_ITEM,
	TOK_ITEM_END,
	TOK_SEQUENCE_END,
	TOK_PIXELS,   /* encapsulated pixel data begins (OB, undefined length) */
	TOK_FRAGMENT, /* `value` is one fragment; the first is the offset table */
	TOK_PIXELS_END,
};

struct token {
	enum tok kind;
	uint32_t tag; /* of the element, sequence, or pixel data, also for their END; items
		       * and fragments: TAG_ITEM */
	enum vr vr;   /* as encoded, VR_NONE for two bytes that are no VR; implicit VR: from
		       * the dictionary, UN if not there; items, fragments, ENDs: VR_NONE */
	uint32_t len; /* as encoded, may be DICOM_UNDEFINED; ENDs: 0 */
	size_t at;    /* offset of the header in walk.in; ENDs: of the delimiter, if there is one */
	size_t value_at;    /* offset of the first byte after the header */
	struct bytes value; /* TOK_ELEMENT and TOK_FRAGMENT */
	unsigned depth;     /* elements of the data set itself: 0; items of a sequence in it, and
			     * the elements in these: 1; an END has that of its beginning */
	bool big_endian;    /* of this value; false inside an UN sequence */
	bool explicit_vr;   /* how this element's header is encoded */
};

/* Oddities seen so far; bits of walk.notes. */
enum walk_note {
	WALK_ODD_LENGTH = 1 << 0,
	WALK_BAD_VR = 1 << 1,     /* two bytes that are no VR, or the wrong one of the two header
				   * forms for it; what makes sense of the rest was taken */
	WALK_WRONG_VR = 1 << 2,   /* a VR that the dictionary does not have for this tag */
	WALK_DISORDERED = 1 << 3, /* tag below its predecessor at the same level */
	WALK_REPEATED = 1 << 4,
	WALK_GROUP_LENGTH = 1 << 5, /* a retired (gggg,0000) outside groups 0 and 2 */
	WALK_NO_DELIMITER = 1 << 6, /* a part of undefined length has no delimiter: its parent ends,
				     * at an element's end, or the next item begins */
	WALK_PADDING = 1 << 7,      /* zero bytes after the last element */
	WALK_STRAY_DELIMITER = 1 << 8, /* or one with a length; skipped */
	WALK_OTHER_FORM = 1 << 9,      /* implicit VR element among explicit ones, or the reverse */
};

struct walk_level {
	size_t end;        /* the first offset that is not inside any more */
	uint32_t tag;      /* of the sequence or pixel data */
	uint32_t last_tag; /* of the element before, in an item or data set */
	uint8_t kind;      /* data set, item, sequence, pixel data */
	bool undefined;    /* ends at a delimiter, `end` is then the parent's */
	bool explicit_vr, big_endian;
	bool begun; /* last_tag is one */
};

struct walk {
	struct bytes in;
	size_t pos; /* after ERR_MORE: where the data set ends, before any padding */
	unsigned notes;
	bool open_end; /* after ERR_MORE: the last top-level element lacks its delimiter */
	/* private from here */
	unsigned depth; /* levels in use */
	struct walk_level level[2 * LIMIT_NESTING + 2];
};

void walk_init(struct walk *w, struct bytes in, const struct syntax *syntax);
/* `items` is the content of a sequence: as if its TOK_SEQUENCE (`tag`) had just been given.  For a
 * sequence that is hidden in an UN element of defined length (implicit VR little endian then). */
void walk_init_items(struct walk *w, struct bytes items, const struct syntax *syntax, uint32_t tag);
/* OK and *t, ERR_MORE at the regular end, or an error; an error is final. */
enum err walk_next(struct walk *w, struct token *t, struct fault *f) MUST_USE;
/* After TOK_SEQUENCE, TOK_ITEM or TOK_PIXELS: read on to its END token, which is the next that
 * walk_next gives.  Jumps where the length is defined. */
enum err walk_skip(struct walk *w, struct fault *f) MUST_USE;
/* "odd length, repeated tag" into out. */
void walk_notes_format(unsigned notes, char *out, size_t size);

#endif
