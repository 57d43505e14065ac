/*
 * Property: of any bytes, taken as a data set in one of four transfer syntaxes,
 *   - verdict, fault and head do not depend on how the bytes are cut into chunks;
 *   - when the verdict is OK, walk comes to the same end, no part is left open, and the head is
 *     what dset_find finds;
 *   - when walk comes to the end and notes nothing, and no limit is passed, the verdict is OK.
 *
 * The first byte chooses the syntax, the second how the chunks are cut, the third how far ahead is
 * looked, the fourth the limits.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/deflate.h"
#include "dicom/dset.h"
#include "dicom/stream.h"

#define CONTROL 4u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena arena;

struct result {
	enum err e;
	struct fault f;
	struct stream_head head;
};

/* `step` 0: in one piece; 1: byte by byte; else pieces of a length that goes up and down. */
static struct result feed(struct bytes in, const struct syntax *syntax,
			  const struct stream_limits *limits, unsigned look, unsigned step)
{
	static struct stream s;
	struct result r = {0};
	size_t at = 0, turn = step;

	stream_init(&s, syntax, limits);
	s.look = look;
	while (r.e == OK && at < in.len) {
		size_t left = in.len - at, n = step == 0 ? left : step == 1 ? 1 : turn % (step + 1);

		turn = turn * 5 + 3;
		n = n > left ? left : n;
		uint8_t *exact = malloc(n + (n == 0)); /* views must not be kept */
		assert(exact != NULL);
		if (n > 0)
			memcpy(exact, in.at + at, n);
		r.e = stream_feed(&s, bytes_of(exact, n), &r.f);
		free(exact);
		at += n;
	}
	if (r.e == OK)
		r.e = stream_end(&s, &r.f);
	else
		assert(stream_feed(&s, BYTES_NONE, NULL) == r.e);
	stream_free(&s);
	r.head = *stream_head(&s);
	assert(r.e == OK ? r.head.complete : r.f.code == r.e && r.f.text != NULL);
	return r;
}

static void check_same(const struct result *a, const struct result *b)
{
	assert(a->e == b->e && a->f.at == b->f.at && a->f.tag == b->f.tag);
	assert(a->f.text == b->f.text);
	assert(memcmp(&a->head, &b->head, sizeof(a->head)) == 0);
}

static void check_uid(const struct dset *d, uint32_t tag, const struct uid *got)
{
	struct uid want;

	(void)uid_set(&want, dset_text(d, NULL, tag));
	assert(uid_eq(&want, got));
}

static void check_head(const struct dset *d, const struct stream_head *head)
{
	char modality[sizeof(head->modality)];

	check_uid(d, TAG_SOPClassUID, &head->sop_class);
	check_uid(d, TAG_SOPInstanceUID, &head->sop_instance);
	check_uid(d, TAG_StudyInstanceUID, &head->study);
	check_uid(d, TAG_SeriesInstanceUID, &head->series);
	bytes_to_str(dset_text(d, NULL, TAG_Modality), modality, sizeof(modality));
	assert(strcmp(modality, head->modality) == 0);
}

static void check_walk(struct bytes in, const struct syntax *syntax, const struct result *r,
		       bool limited)
{
	struct dset d;
	struct walk w;
	struct token t;
	enum err e;

	walk_init(&w, in, syntax);
	while ((e = walk_next(&w, &t, NULL)) == OK) {
	}
	if (r->e == OK) {
		assert(e == ERR_MORE && !w.open_end);
		for (size_t i = w.pos; i < in.len; i++)
			assert(in.at[i] == 0);
		e = dset_index(&d, in, syntax, 0, &arena, NULL);
		assert(e == OK);
		check_head(&d, &r->head);
	} else if (e == ERR_MORE && w.notes == 0) {
		assert(limited && r->e == ERR_LIMIT);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct syntax *const syntaxes[] = {
		&syntax_explicit_le,
		&syntax_implicit_le,
		&syntax_explicit_be,
		&syntax_deflated_le,
	};
	struct stream_limits limits = STREAM_LIMITS_INIT;

	if (size < CONTROL)
		return 0;
	if (arena.base == NULL && arena_open(&arena, 64u << 20, NULL) != OK)
		return 0;
	const struct syntax *syntax = syntaxes[data[0] % 4];
	struct bytes in = bytes_of(data + CONTROL, size - CONTROL);
	unsigned look = 24 + data[2] * 8u;
	bool limited = data[3] % 2 != 0;
	if (limited)
		limits = (struct stream_limits){data[3] * 16u, data[3] / 2, data[3] / 16};

	struct result whole = feed(in, syntax, &limits, look, 0);
	struct result single = feed(in, syntax, &limits, look, 1);
	struct result pieces = feed(in, syntax, &limits, look, 2 + data[1]);
	check_same(&whole, &single);
	check_same(&whole, &pieces);
	if (!syntax->deflated) {
		check_walk(in, syntax, &whole, limited);
	} else {
		void *map = NULL;
		size_t map_len = 0, len = 0;
		enum err e = deflate_expand(in, &map, &map_len, &len, NULL);

		assert(e == OK || whole.e != OK);
		if (e == OK)
			check_walk(bytes_of(map, len), &syntax_explicit_le, &whole, limited);
		deflate_free(map, map_len);
	}
	arena_reset(&arena, 0);
	return 0;
}
