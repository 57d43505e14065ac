#include "anon/emit.h"

#include <assert.h>

#define SHORT_MAX 65534u

static uint8_t *put16(uint8_t *at, uint32_t v, bool big_endian)
{
	if (big_endian)
		put_u16be(at, (uint16_t)v);
	else
		put_u16le(at, (uint16_t)v);
	return at + 2;
}

static uint8_t *put32(uint8_t *at, uint32_t v, bool big_endian)
{
	if (big_endian)
		put_u32be(at, v);
	else
		put_u32le(at, v);
	return at + 4;
}

static uint8_t *put_tag(uint8_t *at, uint32_t tag, bool big_endian)
{
	return put16(put16(at, TAG_GROUP(tag), big_endian), TAG_ELEMENT(tag), big_endian);
}

/* An item, or a delimiter. */
static void put_item(struct buf *b, uint32_t tag, uint32_t len, bool big_endian)
{
	uint8_t head[8];

	put32(put_tag(head, tag, big_endian), len, big_endian);
	buf_add(b, bytes_of(head, sizeof(head)));
}

static void put_header(struct emit *e, const struct token *t, enum vr vr, uint32_t len)
{
	bool big_endian = t->big_endian;
	uint8_t head[12], *at = put_tag(head, t->tag, big_endian);

	if (e->explicit_vr) {
		*at++ = (uint8_t)vr_info(vr)->name[0];
		*at++ = (uint8_t)vr_info(vr)->name[1];
		if (vr_info(vr)->long_form)
			at = put16(at, 0, big_endian);
	}
	if (e->explicit_vr && !vr_info(vr)->long_form)
		at = put16(at, len, big_endian);
	else
		at = put32(at, len, big_endian);
	buf_add(e->out, bytes_of(head, (size_t)(at - head)));
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
		put_item(e->out, TAG_ITEM, t->len, t->big_endian);
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
		/* delimiters are in the byte order inside, the length before in that outside */
		put_item(e->out, t->kind == TOK_ITEM_END ? TAG_ITEM_END : TAG_SEQUENCE_END, 0,
			 t->big_endian);
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
