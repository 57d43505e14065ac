/*
 * Twice the same walk.  The first time (measuring) computes the length of every sequence, item and
 * group that has one, in the order in which they begin, and how much memory the result needs; the
 * second time (writing) takes those lengths in the same order and lays out the pieces.
 *
 * Both go through the same functions: put_small, put_view and the levels know which time it is.
 *
 * A value of VIEW_MIN bytes and more becomes a piece of its own; what is shorter is copied, headers
 * and all, so that an image's head is one piece.
 */
#include "dicom/transcode.h"

#include <assert.h>
#include <string.h>

#include "dicom/dump_out.h"
#include "dicom/walk.h"

#define VIEW_MIN 1024u
#define NO_SLOT UINT32_MAX
#define FIRST_SLOTS 64u

/* How something is encoded in the result. */
struct form {
	bool explicit_vr, big_endian;
};

/* One that is open: the data set, a sequence, an item, or pixel data. */
struct open {
	uint64_t size; /* of its content, so far, in the result */
	uint32_t slot; /* of its length; NO_SLOT: undefined */
	struct form form;
	bool is_item;
	bool is_signed; /* Pixel Representation here or around it */
	/* the group of the last group length element, while it goes on */
	uint32_t group_slot; /* NO_SLOT: none */
	uint16_t group;
	uint64_t group_size;
};

struct coder {
	const struct syntax *from, *to;
	struct bytes in;
	struct arena *arena;
	bool writing;
	struct open open[2 * LIMIT_NESTING + 2];
	unsigned depth;  /* of these in use */
	uint32_t *slots; /* arena's: lengths in the order of beginning */
	uint32_t slot_count, slot_room, slot_next;
	size_t small_len, view_count; /* measured */
	uint8_t *small; /* arena's; written up to small_at, in pieces up to small_from */
	size_t small_at, small_from;
	struct piece *pieces; /* arena's */
	size_t piece_count;
};

/* ---- Pieces ---- */

void piece_copy(const struct piece *p, size_t at, uint8_t *into, size_t n)
{
	size_t unit = p->unit, whole = unit > 1 ? p->bytes.len - p->bytes.len % unit : 0;

	assert(at <= p->bytes.len && n <= p->bytes.len - at);
	while (n > 0 && at < whole) { /* to the end of a number, then whole numbers */
		size_t in_number = at % unit, first = at - in_number;

		if (in_number == 0 && n >= unit) {
			for (size_t i = 0; i < unit; i++)
				into[i] = p->bytes.at[first + unit - 1 - i];
			into += unit;
			at += unit;
			n -= unit;
		} else {
			*into++ = p->bytes.at[first + unit - 1 - in_number];
			at++;
			n--;
		}
	}
	if (n > 0)
		memcpy(into, p->bytes.at + at, n);
}

/* What was put into `small` since the last piece becomes one. */
static void close_small(struct coder *c)
{
	size_t n = c->small_at - c->small_from;

	if (n > 0)
		c->pieces[c->piece_count++] =
			(struct piece){bytes_of(c->small + c->small_from, n), 1};
	c->small_from = c->small_at;
}

/* Count `len` bytes more in the result. */
static void grow(struct coder *c, uint64_t len)
{
	struct open *top = &c->open[c->depth - 1];

	top->size += len;
	if (top->group_slot != NO_SLOT)
		top->group_size += len;
}

static void put_small(struct coder *c, const struct piece *p)
{
	if (c->writing) {
		piece_copy(p, 0, c->small + c->small_at, p->bytes.len);
		c->small_at += p->bytes.len;
	} else {
		c->small_len += p->bytes.len;
	}
	grow(c, p->bytes.len);
}

static void put_bytes(struct coder *c, const uint8_t *at, size_t len)
{
	put_small(c, &(struct piece){bytes_of(at, len), 1});
}

static void put_view(struct coder *c, const struct piece *p)
{
	if (c->writing) {
		close_small(c);
		c->pieces[c->piece_count++] = *p;
	} else {
		c->view_count++;
	}
	grow(c, p->bytes.len);
}

/* A value, padded to even length.  Its odd byte goes with the padding (and with what it is a number
 * with), so that all pieces are even. */
static void put_value(struct coder *c, struct bytes value, uint8_t unit, uint8_t pad)
{
	size_t rest = value.len % 2 == 0 ? 0 : unit > 1 ? value.len % unit : 1;
	struct piece p = {bytes_slice(value, 0, value.len - rest), unit};
	uint8_t tail[8];

	if (p.bytes.len >= VIEW_MIN)
		put_view(c, &p);
	else
		put_small(c, &p);
	if (rest == 0)
		return;
	memcpy(tail, value.at + value.len - rest, rest);
	tail[rest] = pad;
	put_small(c, &(struct piece){bytes_of(tail, rest + 1), unit});
}

/* ---- Lengths ---- */

/* A slot for a length that is not known yet, or (writing) the next one. */
static enum err slot_new(struct coder *c, uint32_t *slot, struct fault *f)
{
	if (c->writing) {
		*slot = c->slot_next++;
		return OK;
	}
	if (c->slot_count == c->slot_room) {
		size_t room = c->slot_room == 0 ? FIRST_SLOTS : 2 * (size_t)c->slot_room;
		size_t size = sizeof(*c->slots);

		if (c->slots == NULL)
			c->slots = ARENA_NEW(c->arena, uint32_t, room);
		else if (!arena_extend(c->arena, c->slots, c->slot_room * size, room * size))
			c->slots = NULL;
		if (c->slots == NULL)
			return fault_set(f, ERR_NOMEM, "no memory to re-encode", FAULT_NO_OFFSET);
		c->slot_room = (uint32_t)room;
	}
	*slot = c->slot_count++;
	return OK;
}

/* Its length is known now.  False: over 32 bits. */
static bool slot_set(struct coder *c, uint32_t slot, uint64_t len)
{
	if (c->writing) {
		assert(c->slots[slot] == len);
		return true;
	}
	if (len >= DICOM_UNDEFINED)
		return false;
	c->slots[slot] = (uint32_t)len;
	return true;
}

static bool group_close(struct coder *c, struct open *o)
{
	uint32_t slot = o->group_slot;

	o->group_slot = NO_SLOT;
	return slot == NO_SLOT || slot_set(c, slot, o->group_size);
}

/* What a length field says: (writing) what was measured. */
static uint32_t slot_len(const struct coder *c, uint32_t slot)
{
	if (slot == NO_SLOT)
		return DICOM_UNDEFINED;
	return c->writing ? c->slots[slot] : 0;
}

/* ---- Headers ---- */

static void store_u16(uint8_t *at, uint16_t v, bool big_endian)
{
	if (big_endian)
		put_u16be(at, v);
	else
		put_u16le(at, v);
}

static void store_u32(uint8_t *at, uint32_t v, bool big_endian)
{
	if (big_endian)
		put_u32be(at, v);
	else
		put_u32le(at, v);
}

/* `letters`: two bytes of a VR; NULL in implicit VR. */
static void put_head(struct coder *c, struct form form, uint32_t tag, const char *letters,
		     bool long_form, uint32_t len)
{
	uint8_t head[12] = {0};
	size_t size = 8;

	store_u16(head, TAG_GROUP(tag), form.big_endian);
	store_u16(head + 2, TAG_ELEMENT(tag), form.big_endian);
	if (letters == NULL) {
		store_u32(head + 4, len, form.big_endian);
	} else {
		memcpy(head + 4, letters, 2);
		if (long_form) {
			store_u32(head + 8, len, form.big_endian);
			size = 12;
		} else {
			store_u16(head + 6, (uint16_t)len, form.big_endian);
		}
	}
	put_bytes(c, head, size);
}

static struct open *top_of(struct coder *c)
{
	return &c->open[c->depth - 1];
}

/* Begin a sequence, an item or pixel data, whose header is still to be put. */
static enum err open_part(struct coder *c, const struct token *t, struct open *child,
			  struct fault *f)
{
	child->slot = child->group_slot = NO_SLOT;
	child->is_signed = top_of(c)->is_signed;
	return t->len == DICOM_UNDEFINED ? OK : slot_new(c, &child->slot, f);
}

static void push(struct coder *c, const struct open *child)
{
	assert(c->depth < sizeof(c->open) / sizeof(c->open[0]));
	c->open[c->depth++] = *child;
}

/* ---- Tokens ---- */

static enum err too_long(const struct token *t, struct fault *f)
{
	return fault_tag(f, ERR_LIMIT, "re-encoded, a length is over 32 bits", t->at, t->tag);
}

static enum err put_item(struct coder *c, const struct token *t, struct fault *f)
{
	struct open child = {.form = top_of(c)->form, .is_item = true};
	enum err e = open_part(c, t, &child, f);

	if (e != OK)
		return e;
	put_head(c, child.form, TAG_ITEM, NULL, false, slot_len(c, child.slot));
	push(c, &child);
	return OK;
}

/* The end of anything. */
static enum err put_end(struct coder *c, const struct token *t, struct fault *f)
{
	struct open *o = top_of(c);
	struct form form = o->form;
	bool is_item = o->is_item, undefined = o->slot == NO_SLOT;
	uint64_t size = o->size;

	if (!group_close(c, o) || (!undefined && !slot_set(c, o->slot, size)))
		return too_long(t, f);
	assert(c->depth > 1);
	c->depth--;
	grow(c, size);
	if (undefined)
		put_head(c, form, is_item ? TAG_ITEM_END : TAG_SEQUENCE_END, NULL, false, 0);
	return OK;
}

static enum err put_sequence(struct coder *c, const struct token *t, struct fault *f)
{
	struct form form = top_of(c)->form;
	struct open child = {.form = form};
	/* one in UN stays what it is, to its end; without a VR it can only be a sequence */
	bool unknown = t->vr == VR_UN && t->explicit_vr;
	const char *letters = unknown ? "UN" : "SQ";
	enum err e = open_part(c, t, &child, f);

	if (e != OK)
		return e;
	if (unknown)
		child.form = (struct form){false, false};
	put_head(c, form, t->tag, form.explicit_vr ? letters : NULL, true, slot_len(c, child.slot));
	push(c, &child);
	return OK;
}

static enum err put_pixels(struct coder *c, const struct token *t, struct fault *f)
{
	struct form form = top_of(c)->form;
	struct open child = {.form = form};
	enum err e;

	if (c->from != c->to)
		return fault_tag(f, ERR_UNSUPPORTED, "encapsulated pixel data cannot be re-encoded",
				 t->at, t->tag);
	e = open_part(c, t, &child, f);
	if (e != OK)
		return e;
	put_head(c, form, t->tag, form.explicit_vr ? (t->vr == VR_OW ? "OW" : "OB") : NULL, true,
		 DICOM_UNDEFINED);
	push(c, &child);
	return OK;
}

static void put_fragment(struct coder *c, const struct token *t)
{
	uint32_t len = (uint32_t)(t->value.len + t->value.len % 2);

	put_head(c, top_of(c)->form, TAG_ITEM, NULL, false, len);
	put_value(c, t->value, 1, 0);
}

/* A group length that counts: its value is computed anew. */
static bool is_group_length(const struct token *t)
{
	return TAG_IS_GROUP_LENGTH(t->tag) && t->vr == VR_UL && t->value.len == 4;
}

static enum err put_group_length(struct coder *c, const struct token *t, struct fault *f)
{
	struct open *top = top_of(c);
	uint8_t value[4];
	uint32_t slot = NO_SLOT;
	enum err e = slot_new(c, &slot, f);

	if (e != OK)
		return e;
	put_head(c, top->form, t->tag, top->form.explicit_vr ? "UL" : NULL, false, 4);
	store_u32(value, slot_len(c, slot), top->form.big_endian);
	put_bytes(c, value, sizeof(value));
	top->group_slot = slot;
	top->group = TAG_GROUP(t->tag);
	top->group_size = 0;
	return OK;
}

/* How the value of an element goes out. */
struct coding {
	const char *letters; /* NULL: implicit VR */
	bool long_form;
	uint8_t unit; /* as in struct piece */
	uint8_t pad;
};

/* Two letters that are no VR we know: kept where nothing needs to be swapped. */
static bool keeps_letters(const struct token *t, struct form form)
{
	return t->vr == VR_NONE && t->explicit_vr && t->big_endian == form.big_endian;
}

static struct coding coding_of(const struct coder *c, const struct token *t)
{
	const struct open *top = &c->open[c->depth - 1];
	struct form form = top->form;
	enum vr vr = dump_vr(t->tag, t->vr, t->explicit_vr, top->is_signed), out = vr;
	bool swapped_in = t->big_endian, swapped_out = form.big_endian;
	struct coding k = {.pad = vr_info(vr)->pad};

	if (t->tag == TAG_PixelData && t->depth == 0) {
		swapped_in = c->from->pixels_big_endian;
		swapped_out = c->to->pixels_big_endian;
	}
	if (form.explicit_vr && keeps_letters(t, form)) {
		k.letters = (const char *)c->in.at + t->at + 4;
		k.long_form = t->value_at - t->at == 12;
	} else if (form.explicit_vr) {
		if (out == VR_NONE || (!vr_info(out)->long_form && t->value.len > 0xFFFE))
			out = VR_UN;
		k.letters = vr_info(out)->name;
		k.long_form = vr_info(out)->long_form;
	}
	/* what is unknown is little endian wherever it stands (PS3.5 6.2.2) */
	swapped_in = swapped_in && vr != VR_UN && vr != VR_NONE;
	swapped_out = swapped_out && out != VR_UN && out != VR_NONE;
	k.unit = swapped_in != swapped_out ? vr_info(vr)->unit : 1;
	return k;
}

static enum err put_element(struct coder *c, const struct token *t, struct fault *f)
{
	struct open *top = top_of(c);
	struct coding k;
	uint32_t len = (uint32_t)(t->value.len + t->value.len % 2);

	if (is_group_length(t))
		return put_group_length(c, t, f);
	if (t->tag == TAG_PixelRepresentation && t->value.len == 2)
		top->is_signed = t->value.at[t->big_endian && t->vr != VR_UN ? 1 : 0] == 1;
	k = coding_of(c, t);
	put_head(c, top->form, t->tag, k.letters, k.long_form, len);
	put_value(c, t->value, k.unit, k.pad);
	return OK;
}

static enum err put_token(struct coder *c, const struct token *t, struct fault *f)
{
	struct open *top = top_of(c);
	bool begins = t->kind == TOK_ELEMENT || t->kind == TOK_SEQUENCE || t->kind == TOK_PIXELS;

	if (begins && (TAG_GROUP(t->tag) != top->group || TAG_IS_GROUP_LENGTH(t->tag)) &&
	    !group_close(c, top))
		return too_long(t, f);
	switch (t->kind) {
	case TOK_SEQUENCE:
		return put_sequence(c, t, f);
	case TOK_ITEM:
		return put_item(c, t, f);
	case TOK_PIXELS:
		return put_pixels(c, t, f);
	case TOK_FRAGMENT:
		put_fragment(c, t);
		return OK;
	case TOK_ITEM_END:
	case TOK_SEQUENCE_END:
	case TOK_PIXELS_END:
		return put_end(c, t, f);
	default:
		return put_element(c, t, f);
	}
}

/* ---- The two walks ---- */

static enum err walk_through(struct coder *c, unsigned *notes, struct fault *f)
{
	struct walk w;
	struct token t = {0};
	enum err e;

	c->depth = 1;
	c->open[0] = (struct open){
		.slot = NO_SLOT,
		.group_slot = NO_SLOT,
		.form = {c->to->explicit_vr, c->to->big_endian},
	};
	walk_init(&w, c->in, c->from);
	while ((e = walk_next(&w, &t, f)) == OK) {
		e = put_token(c, &t, f);
		if (e != OK)
			return e;
	}
	*notes = w.notes;
	if (e != ERR_MORE)
		return e;
	if (!group_close(c, &c->open[0]))
		return too_long(&t, f);
	return OK;
}

static enum err plan(struct coder *c, struct transcode *t, struct fault *f)
{
	enum err e = walk_through(c, &t->notes, f);

	if (e != OK)
		return e;
	t->len = c->open[0].size;
	/* before each view, and at the end, there may be a piece of small ones */
	c->pieces = ARENA_NEW(c->arena, struct piece, 2 * c->view_count + 1);
	c->small = arena_alloc(c->arena, c->small_len, 1);
	if (c->pieces == NULL || c->small == NULL)
		return fault_set(f, ERR_NOMEM, "no memory to re-encode", FAULT_NO_OFFSET);
	c->writing = true;
	e = walk_through(c, &t->notes, f);
	assert(e == OK && c->open[0].size == t->len && c->small_at == c->small_len);
	close_small(c);
	assert(c->slot_next == c->slot_count && c->piece_count <= 2 * c->view_count + 1);
	t->pieces = c->pieces;
	t->count = c->piece_count;
	return OK;
}

/* Those whose data sets are nothing but elements and native pixels. */
static bool is_native(const struct syntax *s)
{
	return s == &syntax_explicit_le || s == &syntax_implicit_le || s == &syntax_explicit_be ||
	       s == &syntax_deflated_le || s->pixels_big_endian != s->big_endian;
}

bool transcode_possible(const struct syntax *from, const struct syntax *to)
{
	return from == to || (is_native(from) && is_native(to));
}

enum err transcode_plan(struct transcode *t, struct bytes in, const struct syntax *from,
			const struct syntax *to, struct arena *a, struct fault *f)
{
	struct coder c = {.from = from, .to = to, .in = in, .arena = a};
	struct transcode made = {0};
	size_t mark = arena_mark(a);

	if (!transcode_possible(from, to))
		return fault_set(f, ERR_UNSUPPORTED, "compressed images cannot be re-encoded",
				 FAULT_NO_OFFSET);
	enum err e = plan(&c, &made, f);
	if (e != OK) {
		arena_reset(a, mark);
		return e;
	}
	*t = made;
	return OK;
}
