/*
 * A small data set, indexed: every element of every depth in document order, 24
 * bytes each, in an arena.  For image headers and everything that is asked for
 * attributes in any order.  (A structure set of 100 MB is walked instead: walk.h.)
 */
#ifndef DICOM_DSET_H
#define DICOM_DSET_H

#include "base/arena.h"
#include "dicom/walk.h"

struct elem {
	uint64_t at;   /* offset of the value (of the content, for sequences and items) */
	uint32_t tag;  /* items and fragments: TAG_ITEM */
	uint32_t len;  /* value length in bytes; sequences and items: as encoded */
	uint32_t next; /* index of the next element that is not inside this one */
	uint8_t vr;    /* enum vr */
	uint8_t head;  /* header length: the header begins at `at - head` */
	uint8_t depth; /* as struct token */
	uint8_t flags; /* ELEM_... */
};

#define ELEM_BIG_ENDIAN 1u
#define ELEM_SEQUENCE 2u
#define ELEM_ITEM 4u
#define ELEM_PIXELS 8u /* encapsulated pixel data; its fragments follow inside it */
#define ELEM_FRAGMENT 16u
#define ELEM_EXPLICIT 32u

struct dset {
	struct bytes in; /* the encoded data set, borrowed */
	const struct syntax *syntax;
	const struct elem *elems; /* arena's */
	uint32_t count;
	unsigned notes; /* enum walk_note bits */
	size_t end;     /* bytes of `in` that are indexed: up to padding, or to `upto` */
	bool whole;     /* not ended by `upto` */
	bool open_end;  /* the last top-level element lacks its delimiter */
};

/* `upto`: stop before the first top-level element with tag >= upto (0: read all).  ERR_LIMIT over
 * LIMIT_ELEMENTS, ERR_NOMEM when the arena is full; walk errors as they come.  On an error the
 * arena is as it was. */
enum err dset_index(struct dset *d, struct bytes in, const struct syntax *syntax, uint32_t upto,
		    struct arena *a, struct fault *f) MUST_USE;

/* First element with this tag directly inside `item` (NULL: the top level); NULL if absent. */
const struct elem *dset_find(const struct dset *d, const struct elem *item, uint32_t tag);
/* First child of a sequence (an item) or of an item (an element; NULL item: the first element of
 * all), and the next sibling; NULL at the end. */
const struct elem *dset_first(const struct dset *d, const struct elem *parent);
const struct elem *dset_next(const struct dset *d, const struct elem *parent, const struct elem *e);
struct bytes dset_value(const struct dset *d, const struct elem *e); /* BYTES_NONE for NULL, SQ */

/* Typed reading; absent, empty or malformed: false and *out untouched (strings: empty view).
 * `index` counts values from 0.  The VR is not looked at, but for u16, which also takes a 32-bit
 * value (UL, SL) that fits. */
struct bytes dset_text(const struct dset *d, const struct elem *item,
		       uint32_t tag); /* trimmed, whole */
struct bytes dset_text_nth(const struct dset *d, const struct elem *item, uint32_t tag,
			   unsigned index);
bool dset_u16(const struct dset *d, const struct elem *item, uint32_t tag, unsigned index,
	      uint16_t *out);
bool dset_ds(const struct dset *d, const struct elem *item, uint32_t tag, unsigned index,
	     double *out);
bool dset_ds_pm(const struct dset *d, const struct elem *item, uint32_t tag, unsigned index,
		int64_t *out);
bool dset_is(const struct dset *d, const struct elem *item, uint32_t tag, unsigned index,
	     int64_t *out);

#endif
