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

void emit_copy(struct emit *e, struct bytes in, const struct token *t)
{
	buf_add(e->out, bytes_slice(in, t->at, t->value_at - t->at + t->value.len));
}

void emit_value(struct emit *e, const struct token *t, enum vr vr, struct bytes value)
{
	size_t len = value.len + value.len % 2;

	if (len > DICOM_UNDEFINED - 1) {
		e->out->failed = true;
		return;
	}
	put_tag(e->out, t->tag, t->big_endian);
	if (t->explicit_vr) {
		if (!vr_info(vr)->long_form && len > SHORT_MAX)
			vr = VR_UN;
		buf_add(e->out, bytes_of(vr_info(vr)->name, 2));
		if (vr_info(vr)->long_form)
			put16(e->out, 0, t->big_endian);
	}
	if (t->explicit_vr && !vr_info(vr)->long_form)
		put16(e->out, (uint32_t)len, t->big_endian);
	else
		put32(e->out, (uint32_t)len, t->big_endian);
	buf_add(e->out, value);
	if (value.len % 2 != 0)
		buf_char(e->out, (char)vr_info(vr)->pad);
}

void emit_begin(struct emit *e, struct bytes in, const struct token *t)
{
	assert(e->depth < sizeof(e->open) / sizeof(e->open[0]));
	buf_add(e->out, bytes_slice(in, t->at, t->value_at - t->at));
	e->open[e->depth++] = (struct emit_open){
		.length_at = e->out->len - 4, /* the last field of every such header */
		.undefined = t->len == DICOM_UNDEFINED,
		.big_endian = t->big_endian,
	};
}

void emit_end(struct emit *e, bool item)
{
	assert(e->depth > 0);
	const struct emit_open *o = &e->open[--e->depth];

	if (e->out->failed)
		return;
	if (o->undefined) {
		put_tag(e->out, item ? TAG_ITEM_END : TAG_SEQUENCE_END, o->big_endian);
		put32(e->out, 0, o->big_endian);
		return;
	}
	size_t len = e->out->len - o->length_at - 4;
	if (len > DICOM_UNDEFINED - 1)
		e->out->failed = true;
	else if (o->big_endian)
		put_u32be(e->out->at + o->length_at, (uint32_t)len);
	else
		put_u32le(e->out->at + o->length_at, (uint32_t)len);
}
