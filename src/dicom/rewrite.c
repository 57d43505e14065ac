/*
 * Edits against an index, to a list of views.
 *
 * One pass over the top-level elements in the order of the file marks which edits
 * have an element to replace.  A second one cuts: it keeps a run of source bytes open,
 * and ends the run where something is taken out or put in.  The second pass is made
 * twice, first only to count the views.
 */
#include "dicom/rewrite.h"

#include <assert.h>
#include <string.h>

enum { FOUND = 1, DONE = 2, GROUP_DONE = 4 };

struct plan {
	const struct dset *d;
	const struct edit *edits;
	size_t edit_count;
	uint8_t *state;   /* per edit; GROUP_DONE is at the first edit of a group */
	uint8_t *lengths; /* new group length elements, one after the other */
	size_t lengths_used;
	struct bytes *out; /* NULL: only count */
	size_t count;
	size_t run; /* where the open run of source bytes begins */
};

#define LENGTH_MAX 16u /* bytes of a group length element, the larger header included */

/* The first edit whose tag is not below `tag`. */
static size_t edit_from(const struct plan *p, uint32_t tag)
{
	size_t low = 0, high = p->edit_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (p->edits[middle].tag < tag)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool edit_of(const struct plan *p, uint32_t tag, size_t *index)
{
	*index = edit_from(p, tag);
	return *index < p->edit_count && p->edits[*index].tag == tag;
}

static size_t start_of(const struct elem *e)
{
	return (size_t)e->at - e->head;
}

/* Where the bytes of a top-level element end: with the next one's header. */
static size_t end_of(const struct dset *d, const struct elem *e)
{
	const struct elem *next = dset_next(d, NULL, e);

	return next == NULL ? d->end : start_of(next);
}

static void emit(struct plan *p, struct bytes view)
{
	if (view.len == 0)
		return;
	if (p->out != NULL)
		p->out[p->count] = view;
	p->count++;
}

static void emit_edit(struct plan *p, const struct edit *edit)
{
	emit(p, edit->encoded);
	emit(p, edit->tail);
}

/* Source bytes up to `at` are kept; the next run begins at `resume`. */
static void cut(struct plan *p, size_t at, size_t resume)
{
	emit(p, bytes_slice(p->d->in, p->run, at - p->run));
	p->run = resume;
}

/* A group changes when an edit sets one of its elements, or removes one that is there. */
static bool group_changes(const struct plan *p, uint16_t group, size_t first)
{
	for (size_t i = first; i < p->edit_count && TAG_GROUP(p->edits[i].tag) == group; i++)
		if (p->edits[i].encoded.len > 0 || (p->state[i] & FOUND) != 0)
			return true;
	return false;
}

/* Bytes of a group, its group length element excepted, after the edits. */
static size_t group_size(const struct plan *p, uint16_t group, size_t first)
{
	const struct dset *d = p->d;
	size_t size = 0, k;

	for (const struct elem *e = dset_first(d, NULL); e != NULL; e = dset_next(d, NULL, e))
		if (TAG_GROUP(e->tag) == group && !TAG_IS_GROUP_LENGTH(e->tag) &&
		    !edit_of(p, e->tag, &k))
			size += end_of(d, e) - start_of(e);
	for (k = first; k < p->edit_count && TAG_GROUP(p->edits[k].tag) == group; k++)
		size += p->edits[k].encoded.len + p->edits[k].tail.len;
	return size;
}

/* Replace the group length element `e` by one with the length that the group will have. */
static void recompute(struct plan *p, const struct elem *e)
{
	uint16_t group = TAG_GROUP(e->tag);
	size_t first = edit_from(p, TAG(group, 0));

	if (first == p->edit_count || TAG_GROUP(p->edits[first].tag) != group || e->len != 4 ||
	    (p->state[first] & GROUP_DONE) != 0 || !group_changes(p, group, first))
		return;
	p->state[first] |= GROUP_DONE;

	uint8_t *made = p->lengths + p->lengths_used;
	uint32_t size = (uint32_t)group_size(p, group, first);
	memcpy(made, p->d->in.at + start_of(e), e->head);
	if ((e->flags & ELEM_BIG_ENDIAN) != 0)
		put_u32be(made + e->head, size);
	else
		put_u32le(made + e->head, size);
	cut(p, start_of(e), (size_t)e->at + 4);
	emit(p, bytes_of(made, e->head + 4u));
	p->lengths_used += LENGTH_MAX;
}

/* The new elements that no old one makes room for, as far as their tags are below `tag`. */
static void insert_below(struct plan *p, size_t *next, uint64_t tag, size_t at)
{
	for (; *next < p->edit_count && p->edits[*next].tag < tag; ++*next) {
		if ((p->state[*next] & FOUND) != 0 || p->edits[*next].encoded.len == 0)
			continue;
		cut(p, at, at);
		emit_edit(p, &p->edits[*next]);
	}
}

static void run_plan(struct plan *p)
{
	const struct dset *d = p->d;
	size_t next_insert = 0, k;

	p->count = 0;
	p->run = 0;
	p->lengths_used = 0;
	for (size_t i = 0; i < p->edit_count; i++)
		p->state[i] &= FOUND;
	for (const struct elem *e = dset_first(d, NULL); e != NULL; e = dset_next(d, NULL, e)) {
		insert_below(p, &next_insert, e->tag, start_of(e));
		if (edit_of(p, e->tag, &k)) {
			cut(p, start_of(e), end_of(d, e));
			if ((p->state[k] & DONE) == 0)
				emit_edit(p, &p->edits[k]);
			p->state[k] |= DONE;
		} else if (TAG_IS_GROUP_LENGTH(e->tag)) {
			recompute(p, e);
		}
	}
	insert_below(p, &next_insert, UINT64_MAX, d->end);
	cut(p, d->in.len, d->in.len);
}

/* How many are put after the last element? */
static bool appends(const struct plan *p)
{
	uint32_t highest = 0;

	for (const struct elem *e = dset_first(p->d, NULL); e != NULL; e = dset_next(p->d, NULL, e))
		highest = e->tag > highest ? e->tag : highest;
	for (size_t i = edit_from(p, highest); i < p->edit_count; i++)
		if (p->edits[i].encoded.len > 0 && (p->state[i] & FOUND) == 0)
			return true;
	return false;
}

static enum err no_memory(struct fault *f)
{
	return fault_set(f, ERR_NOMEM, "no memory for the plan of a rewrite", FAULT_NO_OFFSET);
}

enum err rewrite_plan(const struct dset *d, const struct edit *edits, size_t edit_count,
		      struct arena *a, struct bytes **views, size_t *view_count, struct fault *f)
{
	struct plan p = {.d = d, .edits = edits, .edit_count = edit_count};
	size_t room, k;

	assert(d->whole);
	for (size_t i = 1; i < edit_count; i++)
		assert(edits[i - 1].tag < edits[i].tag);
	if (!size_mul(edit_count, LENGTH_MAX, &room))
		return no_memory(f);
	p.state = arena_alloc(a, edit_count, 1);
	p.lengths = arena_alloc(a, room, 1);
	if (p.state == NULL || p.lengths == NULL)
		return no_memory(f);
	for (const struct elem *e = dset_first(d, NULL); e != NULL; e = dset_next(d, NULL, e))
		if (edit_of(&p, e->tag, &k))
			p.state[k] |= FOUND;
	if (d->open_end && appends(&p))
		return fault_set(f, ERR_UNUSABLE,
				 "the data set ends inside a sequence: nothing can "
				 "be added after it",
				 d->end);

	run_plan(&p);
	p.out = ARENA_NEW(a, struct bytes, p.count);
	if (p.out == NULL)
		return no_memory(f);
	run_plan(&p);
	*views = p.out;
	*view_count = p.count;
	return OK;
}

enum err rewrite_patch(struct bytes in, const struct patch *patches, size_t patch_count,
		       struct arena *a, struct bytes **views, size_t *view_count, struct fault *f)
{
	struct bytes *out = ARENA_NEW(a, struct bytes, *view_count + 2 * patch_count);
	size_t n = 0, next = 0;

	if (out == NULL)
		return no_memory(f);
	for (size_t i = 0; i < *view_count; i++) {
		struct bytes rest = (*views)[i];
		uintptr_t base = (uintptr_t)in.at, from = (uintptr_t)rest.at;
		bool kept = from >= base && from - base < in.len;

		while (kept && next < patch_count) {
			size_t at = (size_t)((uintptr_t)rest.at - base), skip;

			assert(patches[next].at >= at);
			skip = patches[next].at - at;
			if (skip >= rest.len)
				break;
			struct bytes with = patches[next++].bytes;
			if (skip > 0)
				out[n++] = bytes_slice(rest, 0, skip);
			out[n++] = with;
			rest = bytes_slice(rest, skip + with.len, rest.len - skip - with.len);
		}
		if (rest.len > 0)
			out[n++] = rest;
	}
	assert(next == patch_count);
	*views = out;
	*view_count = n;
	return OK;
}

/* The next element of the data set, with all that is inside it: [*start, w->pos). */
static enum err next_whole(struct walk *w, uint32_t *tag, size_t *start, struct fault *f)
{
	struct token t;
	enum err e = walk_next(w, &t, f);

	if (e != OK)
		return e;
	*tag = t.tag;
	*start = t.at;
	if (t.kind == TOK_ELEMENT)
		return OK;
	e = walk_skip(w, f);
	return e == OK ? walk_next(w, &t, f) : e;
}

enum err rewrite_edits(struct bytes built, const struct syntax *syntax, struct arena *a,
		       struct edit **edits, size_t *count, struct fault *f)
{
	struct edit *out = NULL;
	struct walk w;
	size_t n = 0;

	for (int pass = 0; pass < 2; pass++) { /* count, then fill */
		uint32_t tag = 0, last = 0;
		size_t start = 0;
		enum err e;

		walk_init(&w, built, syntax);
		n = 0;
		while ((e = next_whole(&w, &tag, &start, f)) == OK) {
			if (n > 0 && tag <= last)
				return fault_tag(f, ERR_WIRE, "new elements are not in tag order",
						 start, tag);
			if (out != NULL)
				out[n] = (struct edit){
					tag, bytes_slice(built, start, w.pos - start), BYTES_NONE};
			last = tag;
			n++;
		}
		if (e != ERR_MORE)
			return e;
		if (pass == 0)
			out = ARENA_NEW(a, struct edit, n);
		if (out == NULL)
			return no_memory(f);
	}
	*edits = out;
	*count = n;
	return OK;
}
