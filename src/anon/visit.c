#include "anon/visit.h"

#include <assert.h>
#include <string.h>

#include "dicom/dict.h"

void visit_open(struct visit *v, struct bytes data, const struct syntax *syntax)
{
	v->walker = 0;
	v->depth = 0;
	v->pending = false;
	v->creator_count = 0;
	v->blocks_before[0] = 0;
	walk_init(&v->walkers[0], data, syntax);
}

static enum err push(struct visit *v, struct fault *f)
{
	v->pending = false;
	if (v->depth == VISIT_DEPTH)
		return fault_tag(f, ERR_LIMIT, "sequences are nested too deeply", FAULT_NO_OFFSET,
				 v->pending_tag);
	v->path[v->depth] = v->pending_tag;
	v->item[v->depth++] = UINT32_MAX;
	v->blocks_before[v->depth] = v->creator_count;
	return OK;
}

static void pop(struct visit *v)
{
	assert(v->depth > 0);
	v->creator_count = v->blocks_before[v->depth];
	v->depth--;
}

/* PS3.5 7.8.1: (gggg,0010-00FF) reserves a block of the group for a creator, in this item. */
static void reserve(struct visit *v, const struct token *t)
{
	uint16_t element = TAG_ELEMENT(t->tag);

	if (!TAG_IS_PRIVATE(t->tag) || element < 0x10 || element > 0xFF ||
	    v->creator_count == VISIT_CREATORS)
		return;
	v->creators[v->creator_count++] = (struct visit_creator){.name = bytes_trim(t->value),
								 .group = TAG_GROUP(t->tag),
								 .block = (uint8_t)element};
}

static enum err settle(struct visit *v, const struct token *t)
{
	switch (t->kind) {
	case TOK_ELEMENT:
		reserve(v, t);
		return OK;
	case TOK_SEQUENCE:
		v->pending = true;
		v->pending_tag = t->tag;
		return OK;
	case TOK_ITEM:
		v->item[v->depth - 1]++;
		v->creator_count = v->blocks_before[v->depth];
		return OK;
	case TOK_SEQUENCE_END:
		pop(v);
		return OK;
	default:
		return OK;
	}
}

enum err visit_next(struct visit *v, struct token *t, struct fault *f)
{
	enum err e = v->pending ? push(v, f) : OK;

	if (e != OK)
		return e;
	do {
		e = walk_next(&v->walkers[v->walker], t, f);
		/* the END of a hidden sequence has come; what follows is of the walker below */
	} while (e == ERR_MORE && v->walker > 0 && v->walker-- > 0);
	return e == OK ? settle(v, t) : e;
}

enum err visit_skip(struct visit *v, struct fault *f)
{
	struct walk *w = &v->walkers[v->walker];
	struct token end;
	enum err e = walk_skip(w, f);

	v->pending = false;
	return e != OK ? e : walk_next(w, &end, f);
}

/* Is `items` a sequence's content in this syntax, to its end? */
static bool walks(struct bytes items, const struct syntax *syntax, uint32_t tag)
{
	static struct walk w; /* large, and used here alone */
	struct token t;
	enum err e;

	walk_init_items(&w, items, syntax, tag);
	while ((e = walk_next(&w, &t, NULL)) == OK)
		continue;
	return e == ERR_MORE && (w.notes & (WALK_BAD_VR | WALK_NO_DELIMITER)) == 0;
}

/* How the sequence is encoded that hides in this element; NULL: there is none. */
static const struct syntax *hidden_syntax(const struct token *t)
{
	static const uint8_t item_le[4] = {0xFE, 0xFF, 0x00, 0xE0};
	static const uint8_t item_be[4] = {0xFF, 0xFE, 0xE0, 0x00};
	static const struct syntax *const as_le[] = {&syntax_implicit_le, &syntax_explicit_le};

	if (t->kind != TOK_ELEMENT || t->value.len < 8)
		return NULL;
	bool big = t->big_endian && memcmp(t->value.at, item_be, sizeof(item_be)) == 0;
	if (!big && memcmp(t->value.at, item_le, sizeof(item_le)) != 0)
		return NULL;
	enum vr vr = dict_vr(t->tag);
	if (vr != VR_SQ && vr != VR_UN && vr != VR_NONE)
		return NULL;
	if (big)
		return walks(t->value, &syntax_explicit_be, t->tag) ? &syntax_explicit_be : NULL;
	for (unsigned i = 0; i < 2; i++)
		if (walks(t->value, as_le[i], t->tag))
			return as_le[i];
	return NULL;
}

bool visit_hides(const struct token *t)
{
	return hidden_syntax(t) != NULL;
}

enum err visit_enter(struct visit *v, const struct token *t, struct fault *f)
{
	const struct syntax *syntax = hidden_syntax(t);

	assert(syntax != NULL);
	if (v->walker + 1 == VISIT_WALKERS)
		return fault_tag(f, ERR_LIMIT, "sequences hide in each other too deeply",
				 FAULT_NO_OFFSET, t->tag);
	v->pending_tag = t->tag;
	enum err e = push(v, f);
	if (e == OK)
		walk_init_items(&v->walkers[++v->walker], t->value, syntax, t->tag);
	return e;
}

bool visit_big_endian(const struct visit *v)
{
	const struct walk *w = &v->walkers[v->walker];

	return w->level[w->depth - 1].big_endian;
}

static struct bytes creator_of(const struct visit *v, uint32_t tag)
{
	uint16_t element = TAG_ELEMENT(tag);
	unsigned block = element > 0xFF ? element >> 8 : element;

	for (uint32_t i = v->creator_count; i > v->blocks_before[v->depth]; i--)
		if (v->creators[i - 1].group == TAG_GROUP(tag) && v->creators[i - 1].block == block)
			return v->creators[i - 1].name;
	return BYTES_NONE;
}

struct anon_place visit_place(const struct visit *v, const struct token *t, enum anon_iod iod)
{
	return (struct anon_place){
		.iod = iod,
		.path = v->path,
		.depth = v->depth,
		.tag = t->tag,
		.vr = t->vr,
		.creator = TAG_IS_PRIVATE(t->tag) ? creator_of(v, t->tag) : BYTES_NONE,
	};
}

struct bytes visit_in(const struct visit *v)
{
	return v->walkers[v->walker].in;
}

size_t visit_pos(const struct visit *v)
{
	return v->walkers[v->walker].pos;
}
