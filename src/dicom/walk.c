/*
 * The walker: a stack of levels, and a position.
 *
 * Levels alternate: data set > sequence > item > sequence > item ..., with encapsulated
 * pixel data only on top.  A level of undefined length ends at its delimiter and has the
 * end of its parent, so one comparison with `end` bounds everything.  Each call either
 * moves `pos` forward by a header or takes a level off the stack: the walk ends.
 *
 * A header is `head`: tag (4 bytes), then one of three forms (PS3.5 7.1):
 *
 *     implicit  len32
 *     short     VR len16
 *     long      VR 0 0 len32
 *
 * The rule says which one; where the rule's choice makes no sense, the others are tried
 * (choose_*).  "Fits" is: the value ends within the parent.  "Makes sense" is: it fits,
 * and what follows looks like a next element.
 */
#include "dicom/walk.h"

#include <assert.h>
#include <stdio.h>

#include "dicom/dict.h"

enum { IN_DATA_SET, IN_ITEM, IN_SEQUENCE, IN_PIXELS };

#define ITEM_HEAD 8u

struct head {
	uint32_t len;
	enum vr vr;
	uint8_t size; /* bytes of tag, VR and length */
	bool explicit_vr;
};

static uint32_t tag_at(const struct walk *w, size_t pos, bool big_endian)
{
	const uint8_t *p = w->in.at + pos;

	if (big_endian)
		return TAG(get_u16be(p), get_u16be(p + 2));
	return TAG(get_u16le(p), get_u16le(p + 2));
}

static uint32_t u32_at(const struct walk *w, size_t pos, bool big_endian)
{
	return big_endian ? get_u32be(w->in.at + pos) : get_u32le(w->in.at + pos);
}

static struct walk_level *top_of(struct walk *w)
{
	return &w->level[w->depth - 1];
}

static void push(struct walk *w, struct walk_level child, uint32_t len)
{
	const struct walk_level *parent = top_of(w);

	child.undefined = len == DICOM_UNDEFINED;
	child.end = child.undefined ? parent->end : w->pos + len;
	assert(w->depth < sizeof(w->level) / sizeof(w->level[0]));
	assert(child.end <= parent->end);
	w->level[w->depth++] = child;
}

void walk_init(struct walk *w, struct bytes in, const struct syntax *syntax)
{
	w->in = in;
	w->pos = 0;
	w->notes = 0;
	w->open_end = false;
	w->depth = 1;
	w->level[0] = (struct walk_level){
		.end = in.len,
		.kind = IN_DATA_SET,
		.explicit_vr = syntax->explicit_vr,
		.big_endian = syntax->big_endian,
	};
}

void walk_init_items(struct walk *w, struct bytes items, const struct syntax *syntax, uint32_t tag)
{
	assert(items.len < DICOM_UNDEFINED);
	walk_init(w, items, syntax);
	push(w,
	     (struct walk_level){.kind = IN_SEQUENCE,
				 .tag = tag,
				 .explicit_vr = syntax->explicit_vr,
				 .big_endian = syntax->big_endian},
	     (uint32_t)items.len);
}

/* Take the top level off, with its END token; the delimiter, where there is one, is `size` bytes.
 */
static void pop(struct walk *w, size_t size, struct token *t)
{
	static const enum tok end_of[] = {
		[IN_ITEM] = TOK_ITEM_END,
		[IN_SEQUENCE] = TOK_SEQUENCE_END,
		[IN_PIXELS] = TOK_PIXELS_END,
	};
	const struct walk_level *top = top_of(w);

	assert(w->depth > 1);
	*t = (struct token){
		.kind = end_of[top->kind],
		.tag = top->kind == IN_ITEM ? TAG_ITEM : top->tag,
		.at = w->pos,
		.value_at = w->pos + size,
		.big_endian = top->big_endian,
	};
	if (size > 0 && u32_at(w, w->pos + 4, top->big_endian) != 0)
		w->notes |= WALK_STRAY_DELIMITER;
	w->pos += size;
	w->depth--;
	t->depth = top->kind == IN_ITEM ? w->depth / 2 : (w->depth - 1) / 2;
}

/* The end of the level's bytes is reached. */
static enum err pop_at_end(struct walk *w, struct token *t)
{
	const struct walk_level *top = top_of(w);

	if (top->kind == IN_DATA_SET)
		return ERR_MORE;
	if (top->undefined) {
		w->notes |= WALK_NO_DELIMITER;
		w->open_end = w->open_end || w->depth == 2;
	}
	pop(w, 0, t);
	return OK;
}

/* Delimiters that end nothing here. */
static void skip_strays(struct walk *w, const struct walk_level *top)
{
	while (top->end - w->pos >= ITEM_HEAD) {
		uint32_t tag = tag_at(w, w->pos, top->big_endian);
		bool stray;

		if (tag == TAG_ITEM_END)
			stray = top->kind != IN_ITEM || !top->undefined;
		else if (tag == TAG_SEQUENCE_END)
			stray = top->kind == IN_DATA_SET || !top->undefined;
		else
			stray = false;
		if (!stray)
			return;
		w->notes |= WALK_STRAY_DELIMITER;
		w->pos += ITEM_HEAD;
	}
}

static enum err cut_short(const struct walk *w, const struct walk_level *top, const char *at_end,
			  const char *inside, uint32_t tag, struct fault *f)
{
	return fault_tag(f, ERR_WIRE, top->end == w->in.len ? at_end : inside, w->pos, tag);
}

/* In a sequence or in pixel data: an item, or the end. */
static enum err next_item(struct walk *w, struct token *t, struct fault *f)
{
	skip_strays(w, top_of(w));

	const struct walk_level *top = top_of(w);
	size_t rest = top->end - w->pos;

	if (rest == 0)
		return pop_at_end(w, t);
	if (rest < ITEM_HEAD)
		return cut_short(w, top, "the data end inside the header of an item",
				 "a sequence ends inside the header of an item", top->tag, f);

	uint32_t tag = tag_at(w, w->pos, top->big_endian);
	uint32_t len = u32_at(w, w->pos + 4, top->big_endian);
	if (tag == TAG_SEQUENCE_END) { /* not a stray: of undefined length */
		pop(w, ITEM_HEAD, t);
		return OK;
	}
	if (tag != TAG_ITEM)
		return fault_tag(f, ERR_WIRE, "something that is no item in a sequence", w->pos,
				 top->tag);
	if (len != DICOM_UNDEFINED && len > rest - ITEM_HEAD)
		return cut_short(w, top, "the data end inside an item",
				 "an item runs past the end of its sequence", top->tag, f);
	if (top->kind == IN_PIXELS && len == DICOM_UNDEFINED)
		return fault_tag(f, ERR_WIRE, "a pixel data fragment of undefined length", w->pos,
				 top->tag);

	*t = (struct token){
		.kind = top->kind == IN_PIXELS ? TOK_FRAGMENT : TOK_ITEM,
		.tag = TAG_ITEM,
		.len = len,
		.at = w->pos,
		.value_at = w->pos + ITEM_HEAD,
		.depth = w->depth / 2,
		.big_endian = top->big_endian,
	};
	w->pos += ITEM_HEAD;
	if (len % 2 != 0 && len != DICOM_UNDEFINED)
		w->notes |= WALK_ODD_LENGTH;
	if (top->kind == IN_PIXELS) {
		t->value = bytes_slice(w->in, w->pos, len);
		w->pos += len;
		return OK;
	}
	push(w,
	     (struct walk_level){.kind = IN_ITEM,
				 .explicit_vr = top->explicit_vr,
				 .big_endian = top->big_endian},
	     len);
	return OK;
}

static bool fits(const struct walk *w, const struct walk_level *top, const struct head *h)
{
	size_t rest = top->end - w->pos;

	return h->size <= rest && (h->len == DICOM_UNDEFINED || h->len <= rest - h->size);
}

static bool item_follows(const struct walk *w, const struct walk_level *top, size_t pos,
			 bool big_endian)
{
	if (top->end - pos < ITEM_HEAD)
		return false;

	uint32_t tag = tag_at(w, pos, big_endian);
	return tag == TAG_ITEM || tag == TAG_SEQUENCE_END;
}

/* Would the next element, after this one taken as `h`, look like one? */
static bool makes_sense(const struct walk *w, const struct walk_level *top, uint32_t tag,
			const struct head *h)
{
	if (!fits(w, top, h))
		return false;

	size_t next = w->pos + h->size;
	if (h->len == DICOM_UNDEFINED)
		return item_follows(w, top, next, top->big_endian) ||
		       item_follows(w, top, next, false);
	next += h->len;
	if (next == top->end)
		return true;
	if (top->end - next < ITEM_HEAD)
		return false;

	uint32_t next_tag = tag_at(w, next, top->big_endian);
	if (next_tag == TAG_ITEM_END || next_tag == TAG_SEQUENCE_END)
		return top->kind == IN_ITEM;
	if (next_tag <= tag)
		return false;
	uint32_t next_len = u32_at(w, next + 4, top->big_endian);
	return vr_parse(w->in.at + next + 4) != VR_NONE || next_len == DICOM_UNDEFINED ||
	       next_len <= top->end - next - ITEM_HEAD;
}

static struct head head_implicit(const struct walk *w, bool big_endian)
{
	return (struct head){.len = u32_at(w, w->pos + 4, big_endian), .size = 8};
}

static struct head head_short(const struct walk *w, bool big_endian, enum vr vr)
{
	const uint8_t *p = w->in.at + w->pos + 6;

	return (struct head){
		.len = big_endian ? get_u16be(p) : get_u16le(p),
		.vr = vr,
		.size = 8,
		.explicit_vr = true,
	};
}

/* With fewer than 12 bytes left the result fits nowhere. */
static struct head head_long(const struct walk *w, const struct walk_level *top, enum vr vr)
{
	bool whole = top->end - w->pos >= 12;

	return (struct head){
		.len = whole ? u32_at(w, w->pos + 8, top->big_endian) : 0,
		.vr = vr,
		.size = 12,
		.explicit_vr = true,
	};
}

/* The first candidate that makes sense, else the first that fits, else the first. */
static struct head choose(const struct walk *w, const struct walk_level *top, uint32_t tag,
			  const struct head *candidates, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (makes_sense(w, top, tag, &candidates[i]))
			return candidates[i];
	for (unsigned i = 0; i < count; i++)
		if (fits(w, top, &candidates[i]))
			return candidates[i];
	return candidates[0];
}

static struct head choose_explicit(struct walk *w, const struct walk_level *top, uint32_t tag)
{
	const uint8_t *p = w->in.at + w->pos + 4;
	enum vr vr = vr_parse(p);
	struct head brief = head_short(w, top->big_endian, vr);
	bool is_long = vr_info(vr)->long_form;
	bool reserved = (p[2] | p[3]) == 0;

	if (vr != VR_NONE && !is_long && fits(w, top, &brief))
		return brief;
	struct head full = head_long(w, top, vr);
	struct head implicit = head_implicit(w, top->big_endian);
	if (is_long && reserved && (fits(w, top, &full) || top->end - w->pos < full.size))
		return full;

	bool capitals = p[0] >= 'A' && p[0] <= 'Z' && p[1] >= 'A' && p[1] <= 'Z';
	bool printable = p[0] >= ' ' && p[0] <= '~' && p[1] >= ' ' && p[1] <= '~';
	struct head chosen;
	if (vr == VR_NONE && capitals && reserved) /* a VR that is newer than this (PS3.5 7.1.2) */
		chosen = choose(w, top, tag, (struct head[]){full, brief, implicit}, 3);
	else if (vr == VR_NONE && printable)
		chosen = choose(w, top, tag, (struct head[]){brief, implicit}, 2);
	else if (vr == VR_NONE) /* hardly a VR at all */
		chosen = choose(w, top, tag, (struct head[]){implicit, brief}, 2);
	else if (is_long)
		chosen = choose(w, top, tag, (struct head[]){full, brief, implicit}, 3);
	else
		chosen = choose(w, top, tag, (struct head[]){brief, implicit}, 2);
	/* A value that is cut short is an error to be said here; any other reading of the header of
	 * a known VR must have better grounds than that it fits, or pixels are read as elements. */
	if (vr != VR_NONE && !makes_sense(w, top, tag, &chosen))
		chosen = is_long ? full : brief;
	w->notes |= chosen.explicit_vr ? WALK_BAD_VR : WALK_OTHER_FORM;
	return chosen;
}

static struct head choose_implicit(struct walk *w, const struct walk_level *top, uint32_t tag)
{
	struct head implicit = head_implicit(w, top->big_endian);
	enum vr vr = vr_parse(w->in.at + w->pos + 4);

	if (vr == VR_NONE) /* so it is for any length that has not two capitals in it */
		return implicit;

	struct head other =
		vr_info(vr)->long_form ? head_long(w, top, vr) : head_short(w, top->big_endian, vr);
	struct head chosen = choose(w, top, tag, (struct head[]){implicit, other}, 2);
	if (!chosen.explicit_vr || !makes_sense(w, top, tag, &chosen))
		return implicit;
	w->notes |= WALK_OTHER_FORM;
	return chosen;
}

static void note_element(struct walk *w, struct walk_level *top, uint32_t tag, const struct head *h)
{
	if (h->len % 2 != 0 && h->len != DICOM_UNDEFINED)
		w->notes |= WALK_ODD_LENGTH;
	if (h->explicit_vr && h->vr != VR_NONE && !dict_allows(tag, h->vr))
		w->notes |= WALK_WRONG_VR;
	if (top->begun && tag < top->last_tag)
		w->notes |= WALK_DISORDERED;
	if (top->begun && tag == top->last_tag)
		w->notes |= WALK_REPEATED;
	if (TAG_IS_GROUP_LENGTH(tag) && TAG_GROUP(tag) != 0 && TAG_GROUP(tag) != 2)
		w->notes |= WALK_GROUP_LENGTH;
	top->last_tag = tag;
	top->begun = true;
}

/* Zero bytes up to the end of the data set.  Asked only where the next header is all zero, and the
 * walk ends there either way, so the whole walk stays linear. */
static bool is_padding(const struct walk *w)
{
	for (size_t i = w->pos; i < w->in.len; i++)
		if (w->in.at[i] != 0)
			return false;
	return true;
}

static bool zero_header(const struct walk *w)
{
	size_t n = w->in.len - w->pos < ITEM_HEAD ? w->in.len - w->pos : ITEM_HEAD;

	for (size_t i = 0; i < n; i++)
		if (w->in.at[w->pos + i] != 0)
			return false;
	return true;
}

/* Begin what is inside an element, of the sort that its VR and length say. */
static enum err open_content(struct walk *w, struct token *t, struct fault *f)
{
	const struct walk_level *top = top_of(w);
	struct walk_level child = {
		.kind = IN_SEQUENCE,
		.tag = t->tag,
		.explicit_vr = t->explicit_vr,
		.big_endian = top->big_endian,
	};
	bool undefined = t->len == DICOM_UNDEFINED;

	t->kind = TOK_SEQUENCE;
	if (undefined && (t->vr == VR_OB || t->vr == VR_OW || t->tag == TAG_PixelData)) {
		t->kind = TOK_PIXELS;
		child.kind = IN_PIXELS;
	} else if (t->vr == VR_UN) { /* only its delimiters can be in the outer byte order */
		child.explicit_vr = false;
		child.big_endian = top->big_endian && item_follows(w, top, w->pos, top->big_endian);
	} else if (t->vr != VR_SQ) {
		if (!item_follows(w, top, w->pos, top->big_endian))
			return fault_tag(f, ERR_WIRE,
					 "undefined length of an element that is no sequence",
					 t->at, t->tag);
		w->notes |= WALK_WRONG_VR;
	}
	if (child.kind == IN_SEQUENCE && (w->depth - 1) / 2 >= LIMIT_NESTING)
		return fault_tag(f, ERR_LIMIT, "sequences are nested too deeply", t->at, t->tag);
	push(w, child, t->len);
	return OK;
}

/* FFFE,xxxx where an element should be. */
static enum err end_item(struct walk *w, uint32_t tag, struct token *t, struct fault *f)
{
	const struct walk_level *top = top_of(w);
	bool known = tag == TAG_ITEM || tag == TAG_ITEM_END || tag == TAG_SEQUENCE_END;

	if (top->kind != IN_ITEM || !top->undefined || !known)
		return fault_tag(f, ERR_WIRE, "an item outside of a sequence", w->pos, tag);
	if (tag != TAG_ITEM_END)
		w->notes |= WALK_NO_DELIMITER;
	pop(w, tag == TAG_ITEM_END ? ITEM_HEAD : 0, t);
	return OK;
}

static enum err next_element(struct walk *w, struct token *t, struct fault *f)
{
	skip_strays(w, top_of(w));

	struct walk_level *top = top_of(w);
	size_t rest = top->end - w->pos;

	if (rest == 0)
		return pop_at_end(w, t);
	if (top->kind == IN_DATA_SET && zero_header(w)) {
		if (!is_padding(w))
			return fault_set(f, ERR_WIRE, "zero bytes between elements", w->pos);
		w->notes |= WALK_PADDING;
		return ERR_MORE;
	}
	if (rest < ITEM_HEAD)
		return cut_short(w, top, "the data end inside the header of an element",
				 "an item ends inside the header of an element", 0, f);

	uint32_t tag = tag_at(w, w->pos, top->big_endian);
	if (TAG_GROUP(tag) == 0xFFFE)
		return end_item(w, tag, t, f);

	struct head h =
		top->explicit_vr ? choose_explicit(w, top, tag) : choose_implicit(w, top, tag);
	if (!fits(w, top, &h))
		return cut_short(w, top, "the data end inside an element",
				 "an element runs past the end of its item", tag, f);

	note_element(w, top, tag, &h);
	*t = (struct token){
		.kind = TOK_ELEMENT,
		.tag = tag,
		.vr = h.explicit_vr ? h.vr : dict_vr(tag),
		.len = h.len,
		.at = w->pos,
		.value_at = w->pos + h.size,
		.depth = (w->depth - 1) / 2,
		.big_endian = top->big_endian,
		.explicit_vr = h.explicit_vr,
	};
	w->pos += h.size;
	if (h.len == DICOM_UNDEFINED || t->vr == VR_SQ)
		return open_content(w, t, f);
	t->value = bytes_slice(w->in, w->pos, h.len);
	w->pos += h.len;
	return OK;
}

enum err walk_next(struct walk *w, struct token *t, struct fault *f)
{
	uint8_t kind = top_of(w)->kind;
	size_t start = w->pos;
	enum err e =
		kind == IN_DATA_SET || kind == IN_ITEM ? next_element(w, t, f) : next_item(w, t, f);

	if (e != OK && e != ERR_MORE)
		w->pos = start; /* so that it is final */
	return e;
}

enum err walk_skip(struct walk *w, struct fault *f)
{
	unsigned target = w->depth;
	struct token t;

	assert(target > 1);
	for (;;) {
		const struct walk_level *top = top_of(w);
		size_t pos = w->pos;

		if (!top->undefined) /* nothing in it needs to be seen */
			w->pos = pos = top->end;

		enum err e = walk_next(w, &t, f);
		assert(e != ERR_MORE); /* that comes at depth 1 only */
		if (e != OK)
			return e;
		if (w->depth < target) { /* too far by one: the END token is the caller's */
			w->depth = target;
			w->pos = pos;
			return OK;
		}
	}
}

void walk_notes_format(unsigned notes, char *out, size_t size)
{
	static const char *const words[] = {
		"odd length",
		"bytes that are no VR",
		"a VR that the dictionary does not have",
		"disordered tags",
		"repeated tag",
		"group length",
		"missing delimiter",
		"padding after the data set",
		"stray delimiter",
		"explicit and implicit VR mixed",
	};
	size_t used = 0;

	assert(size > 0);
	out[0] = '\0';
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if ((notes >> i & 1u) == 0 || used >= size)
			continue;
		int n = snprintf(out + used, size - used, "%s%s", used > 0 ? ", " : "", words[i]);
		used += n > 0 ? (size_t)n : 0;
	}
}
