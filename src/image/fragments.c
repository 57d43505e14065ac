#include "image/fragments.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

#define ITEM_HEADER 8u

static const struct fragment *fragment_of(const struct fragments *s, uint32_t index)
{
	assert(index < s->count);
	/* malloc'ed, and nothing but these was appended */
	return (const struct fragment *)(const void *)s->list.at + index;
}

/* ---- Finding them ---- */

static enum err take_fragment(struct fragments *s, const struct token *t, bool is_table,
			      struct fault *f)
{
	struct fragment made = {.at = t->value_at, .len = t->value.len};

	if (is_table) {
		s->offsets = t->value;
		return OK;
	}
	if (s->count == LIMIT_FRAGMENTS)
		return fault_tag(f, ERR_LIMIT, "too many fragments", t->at, TAG_PixelData);
	buf_add(&s->list, bytes_of(&made, sizeof(made)));
	if (s->list.failed)
		return fault_set(f, ERR_NOMEM, "no memory for fragments", FAULT_NO_OFFSET);
	s->count++;
	return OK;
}

static enum err take_all(struct fragments *s, struct walk *w, struct fault *f)
{
	struct token t;
	bool is_table = true;
	enum err e;

	while ((e = walk_next(w, &t, f)) == OK && t.kind == TOK_FRAGMENT) {
		e = take_fragment(s, &t, is_table, f);
		if (e != OK)
			return e;
		is_table = false;
	}
	return e;
}

/* From the index, or behind it. */
static size_t begin_of(const struct dset *d)
{
	const struct elem *e = dset_find(d, NULL, TAG_ExtendedOffsetTable);

	if (e == NULL)
		e = dset_find(d, NULL, TAG_PixelData);
	return e == NULL ? d->end : (size_t)e->at - e->head;
}

static enum err find_pixels(struct fragments *s, struct walk *w, struct fault *f)
{
	struct token t;
	enum err e;

	while ((e = walk_next(w, &t, f)) == OK) {
		if (t.depth > 0 || (t.kind != TOK_ELEMENT && t.kind != TOK_PIXELS))
			continue;
		if (t.tag == TAG_ExtendedOffsetTable)
			s->extended = t.value;
		if (t.tag != TAG_PixelData)
			continue;
		s->encapsulated = t.kind == TOK_PIXELS;
		s->value = t.value;
		s->vr = t.vr;
		s->at = t.value_at;
		return s->encapsulated ? take_all(s, w, f) : OK;
	}
	if (e != ERR_MORE)
		return e;
	return fault_tag(f, ERR_UNUSABLE, "there are no pixels", FAULT_NO_OFFSET, TAG_PixelData);
}

/* ---- Dividing them ---- */

/* Of an offset table: the offset of a frame's first fragment from that of all. */
static uint64_t offset_of(struct bytes table, unsigned width, uint32_t frame)
{
	const uint8_t *p = table.at + (size_t)frame * width;

	return width == 4 ? get_u32le(p) : get_u64le(p);
}

/* Has it an entry for each frame? */
static bool is_whole(const struct fragments *s, struct bytes table, unsigned width)
{
	return table.len == (uint64_t)s->frames * width;
}

static bool divide_by_table(struct fragments *s, struct bytes table, unsigned width)
{
	uint32_t index = 0;

	for (uint32_t frame = 0; frame < s->frames; frame++) {
		uint64_t want = offset_of(table, width, frame) + fragment_of(s, 0)->at;

		while (index < s->count && fragment_of(s, index)->at < want)
			index++;
		/* two frames in one fragment: `index` is behind it */
		if (index == s->count || fragment_of(s, index)->at != want)
			return false;
		s->first[frame] = index++;
	}
	s->first[s->frames] = s->count;
	return s->first[0] == 0;
}

/* Do these bytes begin a stream of JPEG or JPEG-LS (SOI, a marker) or JPEG 2000 (SOC, SIZ)? */
static bool begins_stream(struct bytes b)
{
	static const uint8_t jpeg[] = {0xFF, 0xD8, 0xFF}, j2k[] = {0xFF, 0x4F, 0xFF, 0x51};

	return (b.len >= sizeof(jpeg) && memcmp(b.at, jpeg, sizeof(jpeg)) == 0) ||
	       (b.len >= sizeof(j2k) && memcmp(b.at, j2k, sizeof(j2k)) == 0);
}

static bool divide_by_looks(struct fragments *s)
{
	uint32_t frame = 0;

	for (uint32_t i = 0; i < s->count; i++) {
		const struct fragment *p = fragment_of(s, i);

		if (!begins_stream(bytes_slice(s->in, p->at, p->len)))
			continue;
		if (frame == s->frames)
			return false;
		s->first[frame++] = i;
	}
	if (frame != s->frames || s->first[0] != 0)
		return false;
	s->first[s->frames] = s->count;
	return true;
}

static enum err divide(struct fragments *s, struct fault *f)
{
	if (s->count < s->frames)
		return fault_tag(f, ERR_WIRE, "there are fewer fragments than frames", s->at,
				 TAG_PixelData);
	s->first = calloc((size_t)s->frames + 1, sizeof(*s->first));
	if (s->first == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for frames", FAULT_NO_OFFSET);
	if (s->frames == 1) {
		s->first[1] = s->count;
		return OK;
	}
	if (s->count == s->frames) {
		for (uint32_t i = 0; i <= s->frames; i++)
			s->first[i] = i;
		return OK;
	}
	bool divided = is_whole(s, s->offsets, 4)    ? divide_by_table(s, s->offsets, 4)
		       : is_whole(s, s->extended, 8) ? divide_by_table(s, s->extended, 8)
						     : divide_by_looks(s);
	if (divided)
		return OK;
	return fault_tag(f, ERR_WIRE, "fragments that cannot be divided into frames", s->at,
			 TAG_PixelData);
}

/* ---- Outside ---- */

enum err fragments_open(struct fragments *s, const struct dset *d, uint32_t frames, struct fault *f)
{
	size_t from = begin_of(d);
	struct walk w;

	*s = (struct fragments){
		.list = BUF_INIT(LIMIT_FRAGMENTS * sizeof(struct fragment) + 1),
		.frames = frames,
		.in = d->in,
	};
	walk_init(&w, d->in, d->syntax);
	w.pos = from;
	enum err e = find_pixels(s, &w, f);
	if (e == OK && s->encapsulated)
		e = divide(s, f);
	return e;
}

void fragments_close(struct fragments *s)
{
	buf_free(&s->list);
	buf_free(&s->joined);
	free(s->first);
	*s = (struct fragments){0};
}

enum err fragments_frame(struct fragments *s, uint32_t frame, struct bytes *out, struct fault *f)
{
	assert(s->encapsulated && frame < s->frames);
	uint32_t from = s->first[frame], end = s->first[frame + 1];

	if (end - from == 1) {
		const struct fragment *p = fragment_of(s, from);

		*out = bytes_slice(s->in, p->at, p->len);
		return OK;
	}
	buf_free(&s->joined);
	s->joined = BUF_INIT(s->in.len + 1);
	for (uint32_t i = from; i < end; i++) {
		const struct fragment *p = fragment_of(s, i);

		buf_add(&s->joined, bytes_slice(s->in, p->at, p->len));
	}
	if (s->joined.failed)
		return fault_set(f, ERR_NOMEM, "no memory to join fragments", FAULT_NO_OFFSET);
	*out = buf_bytes(&s->joined);
	return OK;
}

size_t fragments_place(const struct fragments *s, uint32_t frame, size_t at)
{
	uint32_t i = s->first[frame], end = s->first[frame + 1];

	while (i + 1 < end && at >= fragment_of(s, i)->len)
		at -= fragment_of(s, i++)->len;
	return fragment_of(s, i)->at + at;
}
