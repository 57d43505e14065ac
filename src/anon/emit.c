#include "anon/emit.h"

#include <assert.h>

#define SHORT_MAX 65534u

static void put16(struct buf *b, uint32_t v, bool big_endian)
{
	uint8_t two[2];

	if (big_endian)
		put_u16be(two, (uint16_t)v);
	else
		put_u16le(two, (uint16_t)v);
	buf_add(b, bytes_of(two, sizeof(two)));
}

static void put32(struct buf *b, uint32_t v, bool big_endian)
{
	uint8_t four[4];

	if (big_endian)
		put_u32be(four, v);
	else
		put_u32le(four, v);
	buf_add(b, bytes_of(four, sizeof(four)));
}

static void put_tag(struct buf *b, uint32_t tag, bool big_endian)
{
	put16(b, TAG_GROUP(tag), big_endian);
	put16(b, TAG_ELEMENT(tag), big_endian);
}

static void put_header(struct emit *e, const struct token *t, enum vr vr, uint32_t len)
{
	bool big_endian = t->big_endian;

	put_tag(e->out, t->tag, big_endian);
	if (!e->explicit_vr) {
		put32(e->out, len, big_endian);
		return;
	}
	buf_add(e->out, bytes_of(vr_info(vr)->name, 2));
	if (vr_info(vr)->long_form) {
		put16(e->out, 0, big_endian);
		put32(e->out, len, big_endian);
	} else {
		put16(e->out, len, big_endian);
	}
}

/* The VR to be written for as many bytes (PS3.5 6.2.2). */
static enum vr writable(enum vr vr, size_t len)
{
	return vr == VR_NONE || (!vr_info(vr)->long_form && len > SHORT_MAX + 1) ? VR_UN : vr;
}

void emit_copy(struct emit *e, const struct token *t)
{
	put_header(e, t, writable(t->vr, t->value.len), (uint32_t)t->value.len);
	if (t->value.len < EMIT_VIEW) {
		buf_add(e->out, t->value);
		return;
	}
	const struct emit_view view = {.at = e->out->len, .value = t->value};
	buf_add(e->list, bytes_of(&view, sizeof(view)));
	e->viewed += view.value.len;
}

void emit_value(struct emit *e, const struct token *t, enum vr vr, struct bytes value)
{
	size_t len = value.len + value.len % 2;

	if (len > DICOM_UNDEFINED - 1) {
		e->out->failed = true;
		return;
	}
	put_header(e, t, writable(vr, len), (uint32_t)len);
	buf_add(e->out, value);
	if (value.len % 2 != 0)
		buf_char(e->out, (char)vr_info(vr)->pad);
}

void emit_begin(struct emit *e, const struct token *t, enum vr vr)
{
	assert(e->depth < sizeof(e->open) / sizeof(e->open[0]));
	if (t->kind == TOK_ITEM) {
		put_tag(e->out, TAG_ITEM, t->big_endian);
		put32(e->out, t->len, t->big_endian);
	} else {
		put_header(e, t, vr, t->len);
	}
	e->open[e->depth++] = (struct emit_open){
		.length_at = e->out->len - 4, /* the last field of every such header */
		.viewed = e->viewed,
		.undefined = t->len == DICOM_UNDEFINED,
		.big_endian = t->big_endian,
		.explicit_outside = e->explicit_vr,
	};
	if (t->kind != TOK_ITEM && vr == VR_UN)
		e->explicit_vr = false;
}

void emit_end(struct emit *e, const struct token *t)
{
	assert(e->depth > 0);
	const struct emit_open *o = &e->open[--e->depth];

	e->explicit_vr = o->explicit_outside;
	if (e->out->failed)
		return;
	if (o->undefined) {
		bool item = t->kind == TOK_ITEM_END;

		/* delimiters are in the byte order inside, the length before in that outside */
		put_tag(e->out, item ? TAG_ITEM_END : TAG_SEQUENCE_END, t->big_endian);
		put32(e->out, 0, t->big_endian);
		return;
	}
	size_t len = e->out->len - o->length_at - 4 + (e->viewed - o->viewed);
	if (len > DICOM_UNDEFINED - 1)
		e->out->failed = true;
	else if (o->big_endian)
		put_u32be(e->out->at + o->length_at, (uint32_t)len);
	else
		put_u32le(e->out->at + o->length_at, (uint32_t)len);
}
