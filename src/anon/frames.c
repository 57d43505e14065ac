#include "anon/frames.h"

#include <string.h>

#include "anon/codestream.h"
#include "base/limits.h"

#define FRAGMENT_HEAD 8u

struct cleaning {
	const struct frames *in;
	enum codec codec;
	struct bytes table;
	struct buf list; /* owned: struct bytes of each fragment */
	size_t fragments;
	struct buf joined, one; /* owned: a frame of several fragments; a frame that was cleaned */
	struct buf samples;     /* owned: of a frame that was looked into */
	struct buf *made;
	size_t first_at; /* in made: the item of the first frame */
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

static struct bytes fragment(const struct cleaning *c, size_t i)
{
	struct bytes b;

	memcpy(&b, c->list.at + i * sizeof(b), sizeof(b));
	return b;
}

static enum err read_fragments(struct cleaning *c)
{
	struct walk w;
	struct token t;
	bool first = true;
	enum err e;

	walk_init(&w, c->in->element, c->in->syntax);
	while ((e = walk_next(&w, &t, c->f)) == OK) {
		if (t.kind != TOK_FRAGMENT)
			continue;
		if (first)
			c->table = t.value;
		else
			buf_add(&c->list, bytes_of(&t.value, sizeof(t.value)));
		first = false;
	}
	c->fragments = c->list.len / sizeof(struct bytes);
	if (e != ERR_MORE)
		return e;
	return c->list.failed
		       ? fault_set(c->f, ERR_NOMEM, "no memory for pixel data", FAULT_NO_OFFSET)
		       : OK;
}

/* Where the item of a fragment begins, counted from the first one, as in the offset table. */
static size_t offset_of(const struct cleaning *c, size_t i)
{
	return (size_t)(fragment(c, i).at - fragment(c, 0).at);
}

static bool starts_frame(const struct cleaning *c, size_t i)
{
	static const uint8_t jpeg[] = {0xFF, 0xD8, 0xFF}, j2k[] = {0xFF, 0x4F, 0xFF, 0x51};
	struct bytes b = fragment(c, i);

	if (c->codec == CODEC_JPEG)
		return b.len >= sizeof(jpeg) && memcmp(b.at, jpeg, sizeof(jpeg)) == 0;
	return c->codec == CODEC_J2K && b.len >= sizeof(j2k) && memcmp(b.at, j2k, sizeof(j2k)) == 0;
}

/* Fragments of a frame are those up to the next that the table names, or that begins a stream; in
 * one frame all of them, and where there are as many as frames each is one. */
static size_t end_of_frame(const struct cleaning *c, size_t first, uint32_t frame)
{
	bool table = c->table.len == 4 * (size_t)c->in->count;
	size_t next = first + 1;

	if (c->in->count == 1)
		return c->fragments;
	if (c->fragments == c->in->count)
		return next;
	if (frame + 1 == c->in->count)
		return c->fragments;
	if (table) {
		size_t want = get_u32le(c->table.at + 4 * ((size_t)frame + 1));

		while (next < c->fragments && offset_of(c, next) < want)
			next++;
		return next;
	}
	while (next < c->fragments && !starts_frame(c, next))
		next++;
	return next;
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

/* Frame by frame into `made`; the offsets of the new items into the table that is there, if any. */
static enum err put_frames(struct cleaning *c)
{
	size_t next = 0;

	for (uint32_t frame = 0; frame < c->in->count; frame++) {
		size_t first = next;

		if (first >= c->fragments || (c->codec != CODEC_RLE && !starts_frame(c, first)))
			return fault_set(c->f, ERR_UNUSABLE,
					 "it cannot be told which fragments make a frame",
					 FAULT_NO_OFFSET);
		next = end_of_frame(c, first, frame);
		struct bytes stream = fragment(c, first);
		if (next > first + 1) {
			buf_free(&c->joined);
			for (size_t i = first; i < next; i++)
				buf_add(&c->joined, fragment(c, i));
			stream = buf_bytes(&c->joined);
		}
		size_t offset = c->made->len - c->first_at;
		if (offset >= DICOM_UNDEFINED && c->table.len > 0)
			return fault_set(c->f, ERR_LIMIT, "frames beyond 4 GiB", FAULT_NO_OFFSET);
		if (c->table.len > 0 && !c->made->failed)
			put_u32le(c->made->at + c->first_at - 4 * (size_t)(c->in->count - frame),
				  (uint32_t)offset);
		/* a table that does not say where the frames are, or says more */
		c->changed |= c->table.len > 0 &&
			      (c->table.len != 4 * (size_t)c->in->count ||
			       get_u32le(c->table.at + 4 * (size_t)frame) != offset_of(c, first));
		enum err e = put_frame(c, stream);
		if (e != OK)
			return e;
	}
	if (next < c->fragments)
		return fault_set(c->f, ERR_UNUSABLE, "there are more fragments than frames",
				 FAULT_NO_OFFSET);
	return OK;
}

/* Bytes of the element when there is nothing in it but what was looked at. */
static size_t plain_len(const struct cleaning *c)
{
	size_t len = c->in->head + FRAGMENT_HEAD + c->table.len + FRAGMENT_HEAD;

	for (size_t i = 0; i < c->fragments; i++)
		len += FRAGMENT_HEAD + fragment(c, i).len;
	return len;
}

static enum err clean_all(struct cleaning *c)
{
	size_t table = c->table.len > 0 ? 4 * (size_t)c->in->count : 0;

	buf_add(c->made, bytes_slice(c->in->element, 0, c->in->head));
	put_item(c->made, 0x00, table);
	for (size_t i = 0; i < table; i++)
		buf_char(c->made, '\0');
	c->first_at = c->made->len;
	enum err e = put_frames(c);
	put_item(c->made, 0xDD, 0);
	if (e == OK && (c->made->failed || c->one.failed || c->joined.failed))
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
		.list = BUF_INIT(4 * in->element.len + 64),
		.joined = BUF_INIT(most),
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
	enum err e = read_fragments(&c);
	if (e == OK)
		e = clean_all(&c);
	*same = e == OK && !c.changed && plain_len(&c) == in->element.len &&
		get_u32le(in->element.at + in->element.len - 4) == 0;
	buf_free(&c.list);
	buf_free(&c.joined);
	buf_free(&c.one);
	buf_free(&c.samples);
	return e;
}
