/*
 * The sequences that are looked into, by level; an item is on the odd level after its sequence:
 *
 *     0  ROI Contour Sequence
 *     2    Contour Sequence
 *     4      Contour Image Sequence
 *
 * What is in none of them is copied as it is, token by token.  The three and their items get
 * undefined lengths, so nothing has to be known before it is written.
 *
 * A sequence may be hidden in an element that a system did not know (UN, PS3.5 6.2.2 note 2): a
 * second walk goes through it, as rt/structset does.
 */
#include "series/relink_contours.h"

#include <stdlib.h>
#include <string.h>

#include "dicom/walk.h"
#include "series/parts.h"

static const uint32_t levels[] = {TAG_ROIContourSequence, TAG_ContourSequence,
				  TAG_ContourImageSequence};
#define NEW_MAX (16u << 20) /* of one contour's references */

struct copier {
	struct bits *out;
	const struct relink *o;
	const struct relink_image **by_source; /* o->images by the UIDs of their sources */
	struct relink_result *result;
	struct walk walk[2];
	unsigned walks;
	unsigned depth; /* levels entered: 4 inside a contour, 6 inside a reference of it */
	bool big_endian, explicit_vr; /* how the last element was encoded */
	uint32_t ordinal;             /* of the contour at hand + 1 */
	bool done;                    /* it has its references */
};

/* ---- looking up ---- */

static int by_source(const void *a, const void *b)
{
	const struct relink_image *x = *(const struct relink_image *const *)a;
	const struct relink_image *y = *(const struct relink_image *const *)b;

	return strcmp(x->source.text, y->source.text);
}

static enum err sort_images(struct copier *c, struct arena *a, struct fault *f)
{
	uint32_t count = c->o->image_count;

	c->by_source = ARENA_NEW(a, const struct relink_image *, count);
	if (c->by_source == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for references", FAULT_NO_OFFSET);
	for (uint32_t i = 0; i < count; i++)
		c->by_source[i] = &c->o->images[i];
	if (count > 0) /* qsort takes no NULL */
		qsort(c->by_source, count, sizeof(const struct relink_image *), by_source);
	return OK;
}

/* NULL: none of them. */
static const struct relink_image *find_image(const struct copier *c, struct bytes uid)
{
	struct relink_image key;
	const struct relink_image *wanted = &key;

	if (c->o->image_count == 0 || !uid_set(&key.source, uid))
		return NULL;
	const struct relink_image *const *found =
		bsearch(&wanted, c->by_source, c->o->image_count,
			sizeof(const struct relink_image *), by_source);
	return found != NULL ? *found : NULL;
}

/* ---- writing ---- */

static const struct syntax *form(const struct copier *c)
{
	return !c->explicit_vr ? &syntax_implicit_le
	       : c->big_endian ? &syntax_explicit_be
			       : &syntax_explicit_le;
}

static void tag_and(const struct copier *c, uint32_t tag, const char *vr, uint32_t len)
{
	uint8_t b[12] = {0};
	size_t n = 4;
	uint32_t turned = tag << 16 | tag >> 16;

	if (c->big_endian)
		put_u32be(b, tag);
	else
		put_u32le(b, turned);
	if (vr != NULL && c->explicit_vr) {
		memcpy(b + 4, vr, 2);
		n = 8;
	}
	if (c->big_endian)
		put_u32be(b + n, len);
	else
		put_u32le(b + n, len);
	bits_bytes(c->out, bytes_of(b, n + 4));
}

static void raw(const struct copier *c, size_t from, size_t to)
{
	const struct walk *w = &c->walk[c->walks - 1];

	bits_bytes(c->out, bytes_slice(w->in, from, to - from));
}

static enum err add_built(const struct copier *c, struct build *b, struct fault *f)
{
	enum err e = OK;

	if (b->out.failed)
		e = fault_set(f, ERR_NOMEM, "no memory for references", FAULT_NO_OFFSET);
	else
		bits_bytes(c->out, buf_bytes(&b->out));
	build_free(b);
	return e;
}

static const struct relink_place *place(const struct copier *c)
{
	uint32_t index = c->ordinal - 1;

	return index < c->o->place_count && c->o->places[index].count > 0 ? &c->o->places[index]
									  : NULL;
}

/* The contour's references, once. */
static enum err refer(struct copier *c, struct fault *f)
{
	const struct relink_place *p = place(c);
	struct build b;

	if (c->done || p == NULL)
		return OK;
	c->done = true;
	c->result->placed++;
	build_init(&b, form(c), NEW_MAX);
	build_sequence(&b, TAG_ContourImageSequence);
	for (uint32_t i = 0; i < p->count; i++) {
		const struct relink_image *image = &c->o->images[p->first + i];

		build_item(&b);
		parts_reference(&b, &image->sop_class, &image->overlay);
		build_item_end(&b);
	}
	build_sequence_end(&b);
	return add_built(c, &b, f);
}

/* ---- reading ---- */

/* Is this one of the three, in its place? */
static bool looked_into(const struct copier *c, uint32_t tag)
{
	return c->depth % 2 == 0 && c->depth / 2 < sizeof(levels) / sizeof(levels[0]) &&
	       levels[c->depth / 2] == tag;
}

static bool hides_items(const struct copier *c, const struct token *t)
{
	return c->walks == 1 && looked_into(c, t->tag) && t->value.len >= 8 &&
	       get_u16le(t->value.at) == 0xFFFE && get_u16le(t->value.at + 2) == 0xE000;
}

/* Looked through as well: what was hidden in an element is not any more. */
static enum err copy_whole(struct copier *c, size_t from, struct fault *f)
{
	struct walk *w = &c->walk[c->walks - 1];
	struct token t;
	unsigned open = 1;

	while (open > 0) {
		enum err e = walk_next(w, &t, f);

		if (e != OK)
			return e == ERR_MORE ? fault_set(f, ERR_WIRE, "a sequence without an end",
							 FAULT_NO_OFFSET)
					     : e;
		open += t.kind == TOK_SEQUENCE || t.kind == TOK_ITEM || t.kind == TOK_PIXELS;
		open -= t.kind == TOK_SEQUENCE_END || t.kind == TOK_ITEM_END ||
			t.kind == TOK_PIXELS_END;
	}
	/* only of what was hidden: relink_write has put the others right */
	if ((w->notes & (WALK_NO_DELIMITER | WALK_STRAY_DELIMITER)) != 0)
		return fault_set(f, ERR_WIRE, "a sequence without an end", FAULT_NO_OFFSET);
	raw(c, from, w->pos);
	return OK;
}

static enum err skip_whole(struct copier *c, struct fault *f)
{
	struct token end;
	enum err e = walk_skip(&c->walk[c->walks - 1], f);

	return e == OK ? walk_next(&c->walk[c->walks - 1], &end, f) : e;
}

/* The source's references of a contour that has its own now. */
static bool is_replaced(const struct copier *c, uint32_t tag)
{
	return c->depth == 4 && tag == TAG_ContourImageSequence && place(c) != NULL;
}

static enum err take_element(struct copier *c, const struct token *t, struct fault *f)
{
	struct walk *w = &c->walk[c->walks - 1];
	const struct relink_image *image;
	struct build b;

	if (is_replaced(c, t->tag))
		return refer(c, f);
	if (hides_items(c, t)) {
		tag_and(c, t->tag, "UN", DICOM_UNDEFINED);
		c->depth++;
		walk_init_items(&c->walk[c->walks++], t->value, &syntax_implicit_le, t->tag);
		return OK;
	}
	image = c->depth == 6 && t->tag == TAG_ReferencedSOPInstanceUID ? find_image(c, t->value)
									: NULL;
	if (image == NULL) {
		raw(c, t->at, w->pos);
		return OK;
	}
	c->result->mapped++;
	build_init(&b, form(c), 256);
	build_uid(&b, t->tag, &image->overlay);
	return add_built(c, &b, f);
}

static enum err take_sequence(struct copier *c, const struct token *t, struct fault *f)
{
	if (is_replaced(c, t->tag)) {
		enum err e = skip_whole(c, f);
		return e == OK ? refer(c, f) : e;
	}
	if (!looked_into(c, t->tag))
		return copy_whole(c, t->at, f);
	tag_and(c, t->tag, t->vr == VR_UN ? "UN" : "SQ", DICOM_UNDEFINED);
	c->depth++;
	return OK;
}

static enum err take(struct copier *c, const struct token *t, struct fault *f)
{
	enum err e = OK;

	if (t->kind == TOK_ELEMENT || t->kind == TOK_SEQUENCE || t->kind == TOK_PIXELS) {
		c->big_endian = t->big_endian;
		c->explicit_vr = t->explicit_vr;
		if (c->depth == 4 && t->tag > TAG_ContourImageSequence)
			e = refer(c, f);
		if (e != OK)
			return e;
	}
	switch (t->kind) {
	case TOK_ELEMENT:
		return take_element(c, t, f);
	case TOK_SEQUENCE:
		return take_sequence(c, t, f);
	case TOK_ITEM:
		tag_and(c, TAG_ITEM, NULL, DICOM_UNDEFINED);
		c->depth++;
		c->ordinal += c->depth == 4;
		c->done = false;
		return OK;
	case TOK_ITEM_END:
		if (c->depth == 4)
			e = refer(c, f);
		tag_and(c, TAG_ITEM_END, NULL, 0);
		c->depth--;
		return e;
	case TOK_SEQUENCE_END:
		tag_and(c, TAG_SEQUENCE_END, NULL, 0);
		c->depth--;
		return OK;
	default: /* pixel data inside a structure set */
		return t->kind == TOK_PIXELS ? copy_whole(c, t->at, f) : OK;
	}
}

enum err relink_contours(struct bits *out, const struct relink *o, struct bytes from,
			 const struct syntax *syntax, struct arena *a, struct relink_result *result,
			 struct fault *f)
{
	struct copier c = {.out = out,
			   .o = o,
			   .result = result,
			   .walks = 1,
			   .big_endian = syntax->big_endian,
			   .explicit_vr = syntax->explicit_vr};
	struct token t;
	enum err e = sort_images(&c, a, f);

	if (e != OK)
		return e;
	walk_init(&c.walk[0], from, syntax);
	do {
		e = walk_next(&c.walk[c.walks - 1], &t, f);

		if (e == ERR_MORE && c.walks == 2) { /* the end of what was hidden */
			c.walks = 1;
			continue;
		}
		if (e == ERR_MORE)
			return fault_set(f, ERR_WIRE, "the structure set is cut short",
					 FAULT_NO_OFFSET);
		if (e == OK)
			e = take(&c, &t, f);
		if (e != OK)
			return e;
	} while (c.depth > 0 && out->error == OK);
	return OK;
}
