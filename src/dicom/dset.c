#include "dicom/dset.h"

#include <assert.h>
#include <string.h>

#include "dicom/number.h"

_Static_assert(sizeof(struct elem) == 24, "LIMIT_ELEMENTS says 24 bytes each");

#define GROW_BY 256u /* elements; the block is extended in place, so small steps cost nothing */
#define LEVELS (2 * LIMIT_NESTING + 2)

struct indexer {
	struct arena *arena;
	struct elem *elems;
	uint32_t count, room;
	uint32_t open[LEVELS]; /* indexes of the parents of what comes next */
	unsigned depth;
};

static enum err make_room(struct indexer *x, struct fault *f)
{
	if (x->count == LIMIT_ELEMENTS)
		return fault_set(f, ERR_LIMIT, "too many elements in a data set", FAULT_NO_OFFSET);

	size_t have = x->room * sizeof(struct elem);
	size_t want = have + GROW_BY * sizeof(struct elem);
	if (x->elems == NULL)
		x->elems = arena_alloc(x->arena, want, 1);
	else if (!arena_extend(x->arena, x->elems, have, want))
		x->elems = NULL;
	if (x->elems == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for the index of a data set",
				 FAULT_NO_OFFSET);
	x->room += GROW_BY;
	return OK;
}

static enum err add(struct indexer *x, const struct token *t, uint8_t flags, struct fault *f)
{
	if (x->count == x->room) {
		enum err e = make_room(x, f);

		if (e != OK)
			return e;
	}
	if (t->big_endian)
		flags |= ELEM_BIG_ENDIAN;
	if (t->explicit_vr)
		flags |= ELEM_EXPLICIT;
	x->elems[x->count] = (struct elem){
		.at = t->value_at,
		.tag = t->tag,
		.len = t->len,
		.next = x->count + 1,
		.vr = (uint8_t)t->vr,
		.head = (uint8_t)(t->value_at - t->at),
		.depth = (uint8_t)t->depth,
		.flags = flags,
	};
	x->count++;
	return OK;
}

static enum err take_token(struct indexer *x, const struct token *t, struct fault *f)
{
	static const uint8_t flags[] = {
		[TOK_ELEMENT] = 0,          [TOK_SEQUENCE] = ELEM_SEQUENCE, [TOK_ITEM] = ELEM_ITEM,
		[TOK_PIXELS] = ELEM_PIXELS, [TOK_FRAGMENT] = ELEM_FRAGMENT,
	};
	enum err e;

	switch (t->kind) {
	case TOK_ELEMENT:
	case TOK_FRAGMENT:
		return add(x, t, flags[t->kind], f);
	case TOK_SEQUENCE:
	case TOK_ITEM:
	case TOK_PIXELS:
		e = add(x, t, flags[t->kind], f);
		if (e == OK)
			x->open[x->depth++] = x->count - 1;
		return e;
	case TOK_ITEM_END:
	case TOK_SEQUENCE_END:
	case TOK_PIXELS_END:
		break;
	}
	assert(x->elems != NULL && x->depth > 0); /* something was begun */
	x->elems[x->open[--x->depth]].next = x->count;
	return OK;
}

enum err dset_index(struct dset *d, struct bytes in, const struct syntax *syntax, uint32_t upto,
		    struct arena *a, struct fault *f)
{
	struct indexer x = {.arena = a};
	size_t mark = arena_mark(a);
	struct walk w;
	struct token t;
	bool whole = true;
	size_t end = 0;
	enum err e;

	walk_init(&w, in, syntax);
	while ((e = walk_next(&w, &t, f)) == OK) {
		if (upto != 0 && t.depth == 0 && t.tag >= upto &&
		    (t.kind == TOK_ELEMENT || t.kind == TOK_SEQUENCE || t.kind == TOK_PIXELS)) {
			whole = false;
			end = t.at;
			break;
		}
		e = take_token(&x, &t, f);
		if (e != OK)
			break;
	}
	if (e != ERR_MORE && whole) {
		arena_reset(a, mark);
		return e;
	}
	*d = (struct dset){
		.in = in,
		.syntax = syntax,
		.elems = x.elems,
		.count = x.count,
		.notes = w.notes,
		.end = whole ? w.pos : end,
		.whole = whole,
		.open_end = w.open_end,
	};
	return OK;
}

static uint32_t index_of(const struct dset *d, const struct elem *e)
{
	assert(e >= d->elems && e < d->elems + d->count);
	return (uint32_t)(e - d->elems);
}

/* The index after the last that is inside `parent`. */
static uint32_t end_of(const struct dset *d, const struct elem *parent)
{
	return parent == NULL ? d->count : parent->next;
}

const struct elem *dset_first(const struct dset *d, const struct elem *parent)
{
	uint32_t first = parent == NULL ? 0 : index_of(d, parent) + 1;

	return first < end_of(d, parent) ? &d->elems[first] : NULL;
}

const struct elem *dset_next(const struct dset *d, const struct elem *parent, const struct elem *e)
{
	return e->next < end_of(d, parent) ? &d->elems[e->next] : NULL;
}

const struct elem *dset_find(const struct dset *d, const struct elem *item, uint32_t tag)
{
	bool ordered = (d->notes & WALK_DISORDERED) == 0;

	assert(item == NULL || (item->flags & ELEM_ITEM) != 0);
	for (const struct elem *e = dset_first(d, item); e != NULL; e = dset_next(d, item, e)) {
		if (e->tag == tag)
			return e;
		if (ordered && e->tag > tag)
			return NULL;
	}
	return NULL;
}

struct bytes dset_value(const struct dset *d, const struct elem *e)
{
	if (e == NULL || (e->flags & (ELEM_SEQUENCE | ELEM_ITEM | ELEM_PIXELS)) != 0)
		return BYTES_NONE;
	return bytes_slice(d->in, (size_t)e->at, e->len);
}

struct bytes dset_text(const struct dset *d, const struct elem *item, uint32_t tag)
{
	return bytes_trim(dset_value(d, dset_find(d, item, tag)));
}

struct bytes dset_text_nth(const struct dset *d, const struct elem *item, uint32_t tag,
			   unsigned index)
{
	struct bytes out;

	if (!text_nth(dset_value(d, dset_find(d, item, tag)), index, &out))
		return BYTES_NONE;
	return out;
}

bool dset_u16(const struct dset *d, const struct elem *item, uint32_t tag, unsigned index,
	      uint16_t *out)
{
	const struct elem *e = dset_find(d, item, tag);
	struct bytes value = dset_value(d, e);

	if (e == NULL)
		return false;

	bool big = (e->flags & ELEM_BIG_ENDIAN) != 0;
	size_t unit = e->vr == VR_UL || e->vr == VR_SL ? 4 : 2;
	if (index >= value.len / unit)
		return false;

	const uint8_t *p = value.at + index * unit;
	if (unit == 2) {
		*out = big ? get_u16be(p) : get_u16le(p);
		return true;
	}
	uint32_t wide = big ? get_u32be(p) : get_u32le(p);
	if (wide > UINT16_MAX)
		return false;
	*out = (uint16_t)wide;
	return true;
}

bool dset_ds(const struct dset *d, const struct elem *item, uint32_t tag, unsigned index,
	     double *out)
{
	return ds_to_double(dset_text_nth(d, item, tag, index), out);
}

bool dset_ds_pm(const struct dset *d, const struct elem *item, uint32_t tag, unsigned index,
		int64_t *out)
{
	return ds_to_pm(dset_text_nth(d, item, tag, index), out);
}

bool dset_is(const struct dset *d, const struct elem *item, uint32_t tag, unsigned index,
	     int64_t *out)
{
	return is_to_int(dset_text_nth(d, item, tag, index), out);
}
