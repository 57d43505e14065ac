#include "anon/frames.h"

#include <string.h>

#include "anon/codestream.h"
#include "base/limits.h"
#include "image/fragments.h"

#define FRAGMENT_HEAD 8u

struct cleaning {
	const struct frames *in;
	enum codec codec;
	struct fragments parts; /* owned */
	struct buf one;         /* owned: a frame that was cleaned */
	struct buf samples;     /* owned: of a frame that was looked into */
	struct buf *made;
	size_t first_at; /* in made: the item of the first frame */
	size_t len;      /* of what was looked at */
	bool changed;
	struct fault *f;
};

static enum codec codec_of(const struct syntax *syntax)
{
	struct bytes uid = bytes_str(syntax->uid);
	static const char jpeg[] = "1.2.840.10008.1.2.4.", rle[] = "1.2.840.10008.1.2.5";

	if (bytes_eq_str(uid, rle))
		return CODEC_RLE;
	if (uid.len < sizeof(jpeg) || memcmp(uid.at, jpeg, sizeof(jpeg) - 1) != 0)
		return CODEC_NONE;
	struct bytes number = bytes_slice(uid, sizeof(jpeg) - 1, uid.len - sizeof(jpeg) + 1);
	if (number.len == 2 && number.at[0] >= '5' && number.at[0] <= '8')
		return CODEC_JPEG;
	if ((number.len == 2 && number.at[0] == '9' && number.at[1] <= '3') ||
	    (number.len == 3 && number.at[0] == '2' && number.at[1] == '0' && number.at[2] >= '1' &&
	     number.at[2] <= '3'))
		return CODEC_J2K;
	return CODEC_NONE;
}

/* An index of nothing: the walk begins with the element. */
static enum err open_parts(struct cleaning *c)
{
	const struct dset d = {.in = c->in->element, .syntax = c->in->syntax};
	enum err e = fragments_open(&c->parts, &d, c->in->count, c->f);

	if (e == OK && !c->parts.encapsulated)
		e = fault_set(c->f, ERR_UNUSABLE, "there are no fragments", FAULT_NO_OFFSET);
	return e;
}

static enum err clean_stream(struct cleaning *c, struct bytes stream)
{
	switch (c->codec) {
	case CODEC_JPEG:
		return jpeg_clean(stream, &c->one, c->f);
	case CODEC_J2K:
		return j2k_clean(stream, &c->one, c->f);
	default:
		return rle_clean(stream, c->in->segments, c->in->plane, &c->one, c->f);
	}
}

static void put_item(struct buf *out, uint8_t kind, size_t len)
{
	uint8_t head[FRAGMENT_HEAD] = {0xFE, 0xFF, kind, 0xE0};

	put_u32le(head + 4, (uint32_t)len);
	buf_add(out, bytes_of(head, sizeof(head)));
}

static enum err put_frame(struct cleaning *c, struct bytes stream)
{
	buf_free(&c->one);
	enum err e = clean_stream(c, stream);
	if (e != OK)
		return e;
	struct bytes clean = buf_bytes(&c->one);
	size_t len = clean.len + clean.len % 2;

	e = c->one.failed ? OK /* told below */
			  : hidden_check(&c->in->samples, c->codec, clean, &c->samples, c->f);
	if (e != OK)
		return e;

	if (len >= DICOM_UNDEFINED)
		return fault_set(c->f, ERR_LIMIT, "a frame of 4 GiB", FAULT_NO_OFFSET);
	/* the same, but for the byte that makes it even */
	c->changed |= stream.len != len || memcmp(stream.at, clean.at, clean.len) != 0 ||
		      (len > clean.len && stream.at[clean.len] != 0);
	put_item(c->made, 0x00, len);
	buf_add(c->made, clean);
	if (len > clean.len)
		buf_char(c->made, '\0');
	return OK;
}

/* The offset of the next frame's item into the table; is it where it was said to be? */
static enum err put_offset(struct cleaning *c, uint32_t frame)
{
	struct bytes table = c->parts.offsets;
	size_t offset = c->made->len - c->first_at;
	size_t was = fragments_place(&c->parts, frame, 0) - fragments_place(&c->parts, 0, 0);

	if (table.len == 0)
		return OK;
	if (offset >= DICOM_UNDEFINED)
		return fault_set(c->f, ERR_LIMIT, "frames beyond 4 GiB", FAULT_NO_OFFSET);
	if (!c->made->failed)
		put_u32le(c->made->at + c->first_at - 4 * (size_t)(c->in->count - frame),
			  (uint32_t)offset);
	/* a table that does not say where the frames are, or says more */
	c->changed |= table.len != 4 * (size_t)c->in->count ||
		      get_u32le(table.at + 4 * (size_t)frame) != was;
	return OK;
}

/* Frame by frame into `made`; the offsets of the new items into the table that is there, if any. */
static enum err put_frames(struct cleaning *c)
{
	for (uint32_t frame = 0; frame < c->in->count; frame++) {
		struct bytes stream;
		enum err e = fragments_frame(&c->parts, frame, &stream, c->f);

		if (e == OK)
			e = put_offset(c, frame);
		if (e == OK)
			e = put_frame(c, stream);
		if (e != OK && c->f != NULL && c->f->at != FAULT_NO_OFFSET)
			c->f->at = fragments_place(&c->parts, frame, (size_t)c->f->at);
		if (e != OK)
			return e;
		c->len += stream.len;
	}
	/* when there is nothing in the element but what was looked at */
	c->len += c->in->head + FRAGMENT_HEAD + c->parts.offsets.len +
		  FRAGMENT_HEAD * (size_t)c->parts.count + FRAGMENT_HEAD;
	return OK;
}

static enum err clean_all(struct cleaning *c)
{
	size_t table = c->parts.offsets.len > 0 ? 4 * (size_t)c->in->count : 0;

	buf_add(c->made, bytes_slice(c->in->element, 0, c->in->head));
	put_item(c->made, 0x00, table);
	for (size_t i = 0; i < table; i++)
		buf_char(c->made, '\0');
	c->first_at = c->made->len;
	enum err e = put_frames(c);
	put_item(c->made, 0xDD, 0);
	if (e == OK && (c->made->failed || c->one.failed))
		e = fault_set(c->f, ERR_NOMEM, "the pixel data does not fit in memory",
			      FAULT_NO_OFFSET);
	return e;
}

enum err frames_clean(const struct frames *in, bool *same, struct buf *made, struct fault *f)
{
	size_t most = 2 * in->element.len + 64 + 4 * (size_t)in->count;
	struct cleaning c = {
		.in = in,
		.codec = codec_of(in->syntax),
		.one = BUF_INIT(most),
		.samples = BUF_INIT(LIMIT_NATIVE_BYTES + 4096),
		.made = made,
		.f = f,
	};

	*same = false;
	if (c.codec == CODEC_NONE)
		return fault_set(f, ERR_UNSUPPORTED,
				 "pixel data of this transfer syntax cannot be looked through",
				 FAULT_NO_OFFSET);
	*made = BUF_INIT(most);
	enum err e = open_parts(&c);
	if (e == OK)
		e = clean_all(&c);
	*same = e == OK && !c.changed && c.len == in->element.len &&
		get_u32le(in->element.at + in->element.len - 4) == 0;
	fragments_close(&c.parts);
	buf_free(&c.one);
	buf_free(&c.samples);
	return e;
}
