/*
 * Property: of any bytes, taken as a data set in one of the three encodings,
 *   - the walk ends, with no more tokens than there are bytes, and every view in the input;
 *   - rewritten with no edit, they are the same bytes;
 *   - rewritten with edits, they are what a slow model makes of them; and if the encoding leaves
 *     nothing to judgement (no delimiter missing, no VR wrong), the result is read as
 *     exactly those elements.
 *
 * The first byte chooses the encoding, the second how many edits; each edit takes four bytes: which
 * tag, and the length of the new value or that there is none.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/build.h"
#include "dicom/dict.h"
#include "dicom/rewrite.h"

#define EDITS_MAX 3
#define INPUT_MAX 16000u /* below the least length that looks like a VR in implicit VR */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena arena;

static void check_walk(struct bytes in, const struct syntax *s)
{
	struct walk w;
	struct token t;
	struct fault f = {0};
	size_t tokens = 0;
	unsigned depth = 0;
	enum err e;

	walk_init(&w, in, s);
	while ((e = walk_next(&w, &t, &f)) == OK) {
		assert(++tokens <= in.len);
		assert(t.at <= t.value_at && t.value_at <= in.len && w.pos <= in.len);
		assert(t.value.len == 0 ||
		       (t.value.at == in.at + t.value_at && t.value.len <= in.len - t.value_at));
		if (t.kind == TOK_SEQUENCE || t.kind == TOK_ITEM || t.kind == TOK_PIXELS)
			depth++;
		if (t.kind == TOK_SEQUENCE_END || t.kind == TOK_ITEM_END ||
		    t.kind == TOK_PIXELS_END)
			depth--;
	}
	assert(e == ERR_MORE ? depth == 0 : f.code == e && f.text != NULL);
}

static struct buf joined(const struct bytes *views, size_t count)
{
	struct buf out = BUF_INIT(1u << 20);

	for (size_t i = 0; i < count; i++)
		buf_add(&out, views[i]);
	assert(!out.failed);
	return out;
}

static struct bytes extent(const struct dset *d, const struct elem *e)
{
	const struct elem *next = dset_next(d, NULL, e);
	size_t from = (size_t)e->at - e->head,
	       to = next == NULL ? d->end : (size_t)next->at - next->head;

	return bytes_slice(d->in, from, to - from);
}

static const struct edit *edit_of(const struct edit *edits, size_t count, uint32_t tag)
{
	for (size_t i = 0; i < count; i++)
		if (edits[i].tag == tag)
			return &edits[i];
	return NULL;
}

/* The elements that there should be, one after the other, go past; each is compared with what the
 * result of the rewrite has at that place.  Group lengths are compared by tag and size. */
struct check {
	struct bytes result;
	size_t pos;
	const struct dset *read; /* the result, indexed; NULL: not looked at */
	const struct elem *next;
};

static void pass(struct check *c, uint32_t tag, struct bytes want)
{
	assert(want.len <= c->result.len - c->pos);
	if (!TAG_IS_GROUP_LENGTH(tag))
		assert(bytes_eq(want, bytes_slice(c->result, c->pos, want.len)));
	if (c->read != NULL) {
		assert(c->next != NULL && c->next->tag == tag);
		assert(c->next->at - c->next->head == c->pos);
		c->next = dset_next(c->read, NULL, c->next);
	}
	c->pos += want.len;
}

static void check_result(const struct dset *d, const struct edit *edits, size_t edit_count,
			 struct bytes result, const struct dset *read)
{
	struct check c = {.result = result, .read = read};
	bool done[EDITS_MAX] = {false};
	const struct elem *first = dset_first(d, NULL);

	c.next = read == NULL ? NULL : dset_first(read, NULL);
	c.pos = first == NULL ? d->end : (size_t)first->at - first->head; /* stray delimiters */
	assert(bytes_eq(bytes_slice(result, 0, c.pos), bytes_slice(d->in, 0, c.pos)));
	for (const struct elem *e = first;; e = dset_next(d, NULL, e)) {
		for (size_t i = 0; i < edit_count; i++) {
			bool there = false;

			for (const struct elem *o = first; o != NULL; o = dset_next(d, NULL, o))
				there |= o->tag == edits[i].tag;
			if (there || done[i] || edits[i].encoded.len == 0 ||
			    (e != NULL && e->tag <= edits[i].tag))
				continue;
			pass(&c, edits[i].tag, edits[i].encoded);
			done[i] = true;
		}
		if (e == NULL)
			break;
		const struct edit *edit = edit_of(edits, edit_count, e->tag);
		if (edit == NULL)
			pass(&c, e->tag, extent(d, e));
		else if (edit->encoded.len > 0 && !done[edit - edits])
			pass(&c, e->tag, edit->encoded);
		if (edit != NULL)
			done[edit - edits] = true;
	}
	assert(c.next == NULL);
	assert(bytes_eq(bytes_slice(result, c.pos, result.len - c.pos),
			bytes_slice(d->in, d->end, d->in.len - d->end)));
}

static int by_tag(const void *a, const void *b)
{
	uint32_t x = ((const struct edit *)a)->tag, y = ((const struct edit *)b)->tag;

	return (x > y) - (x < y);
}

/* Edits as the control bytes want them: ascending, each tag once. */
static size_t make_edits(const struct dset *d, const uint8_t *control, struct build *news,
			 struct edit *edits)
{
	static const uint8_t value[256];
	size_t count = 0;

	for (unsigned i = 0; i < control[1] % (EDITS_MAX + 1u); i++) {
		const uint8_t *c = control + 2 + 4 * i;
		uint32_t tag = TAG(c[1] * 257u & 0xFFF7u, c[2]);

		if (c[0] % 2 == 0 && d->count > 0) { /* one that is there */
			const struct elem *e = dset_first(d, NULL);

			for (unsigned n = c[1]; n > 0; n--)
				e = dset_next(d, NULL, e) == NULL ? e : dset_next(d, NULL, e);
			tag = e->tag;
		}
		if (tag == 0 || TAG_GROUP(tag) == 0xFFFE || edit_of(edits, count, tag) != NULL)
			continue;
		build_init(&news[count], d->syntax, 4096);
		if (c[3] % 4 != 0 && !d->syntax->explicit_vr && dict_vr(tag) == VR_SQ)
			build_bytes(&news[count], tag, VR_SQ, BYTES_NONE);
		else if (c[3] % 4 != 0)
			build_bytes(&news[count], tag, VR_UN, bytes_of(value, c[3]));
		edits[count] = (struct edit){.tag = tag, .encoded = buf_bytes(&news[count].out)};
		count++;
	}
	qsort(edits, count, sizeof(edits[0]), by_tag);
	return count;
}

static void check_rewrite(const struct dset *d, const struct edit *edits, size_t edit_count)
{
	const unsigned judged =
		WALK_BAD_VR | WALK_OTHER_FORM | WALK_STRAY_DELIMITER | WALK_NO_DELIMITER;
	struct bytes *views;
	struct dset read;
	struct fault f = {0};
	size_t count;
	enum err e = rewrite_plan(d, edits, edit_count, &arena, &views, &count, &f);

	assert(e == OK || (e == ERR_UNUSABLE && d->open_end && edit_count > 0));
	if (e != OK)
		return;
	struct buf out = joined(views, count);
	if (edit_count == 0)
		assert(bytes_eq(buf_bytes(&out), d->in));
	if ((d->notes & judged) != 0) {
		check_result(d, edits, edit_count, buf_bytes(&out), NULL);
	} else {
		e = dset_index(&read, buf_bytes(&out), d->syntax, 0, &arena, &f);
		assert(e == OK);
		check_result(d, edits, edit_count, buf_bytes(&out), &read);
	}
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct syntax *const syntaxes[] = {&syntax_explicit_le, &syntax_implicit_le,
							&syntax_explicit_be};
	size_t control = 2 + 4 * EDITS_MAX;
	struct build news[EDITS_MAX] = {0};
	struct edit edits[EDITS_MAX];
	struct dset d;
	struct fault f;

	if (size < control || size - control > INPUT_MAX)
		return 0;
	if (arena.base == NULL && arena_open(&arena, 64u << 20, NULL) != OK)
		return 0;
	size_t len = size - control;
	uint8_t *exact = malloc(len + (len == 0));
	assert(exact != NULL);
	memcpy(exact, data + control, len);

	struct bytes in = bytes_of(exact, len);
	const struct syntax *s = syntaxes[data[0] % 3];
	check_walk(in, s);
	if (dset_index(&d, in, s, 0, &arena, &f) == OK) {
		check_rewrite(&d, edits, 0);
		size_t count = make_edits(&d, data, news, edits);
		check_rewrite(&d, edits, count);
	}
	for (size_t i = 0; i < EDITS_MAX; i++)
		build_free(&news[i]);
	arena_reset(&arena, 0);
	free(exact);
	return 0;
}
