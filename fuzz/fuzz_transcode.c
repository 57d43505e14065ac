/*
 * Property: of any bytes, taken as a data set in one of the three encodings, re-encoded to another:
 *   - refused with words, and the arena as it was; or pieces of even length, within the input or
 * the arena, as long in all as announced;
 *   - a swapped piece taken in parts is what it is as a whole;
 *   - read again, the result has the same tokens with the same values (group lengths apart), and so
 *     has what is made of it on the way back; unless the encoding left something to judgement.
 *
 * The first byte chooses the encodings.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/transcode.h"
#include "dicom/walk.h"

#define INPUT_MAX 16000u /* below the least length that looks like a VR in implicit VR */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena arena;

/* The pieces, one after the other, taken in parts of 1, 2, 3 ... bytes. */
static struct bytes joined(const struct transcode *t)
{
	uint8_t *out = malloc(t->len + 1), *whole = malloc(t->len + 1);
	size_t at = 0, step = 1;

	assert(out != NULL && whole != NULL);
	for (size_t i = 0; i < t->count; i++) {
		const struct piece *p = &t->pieces[i];

		assert(p->bytes.len > 0 && p->bytes.len % 2 == 0 && p->bytes.len <= t->len - at);
		piece_copy(p, 0, whole, p->bytes.len);
		for (size_t done = 0; done < p->bytes.len;) {
			size_t n = p->bytes.len - done < step ? p->bytes.len - done : step;

			piece_copy(p, done, out + at + done, n);
			done += n;
			step = step % 13 + 1;
		}
		assert(memcmp(whole, out + at, p->bytes.len) == 0);
		at += p->bytes.len;
	}
	assert(at == t->len);
	free(whole);
	return bytes_of(out, at);
}

/* Byte `i` of the value, padded to even length, in little endian order. */
static uint8_t value_byte(const struct token *t, size_t i)
{
	size_t unit = vr_info(t->vr)->unit, len = t->value.len + t->value.len % 2;

	if (t->big_endian && t->vr != VR_UN && t->vr != VR_NONE && i < len - len % unit)
		i = i - i % unit + unit - 1 - i % unit;
	if (i >= t->value.len)
		return t->kind == TOK_FRAGMENT ? 0 : vr_info(t->vr)->pad;
	return t->value.at[i];
}

static bool same_value(const struct token *a, const struct token *b)
{
	size_t len = a->value.len + a->value.len % 2;

	if (b->value.len != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (value_byte(a, i) != value_byte(b, i))
			return false;
	return true;
}

/* `b` was made of `a`. */
static void check_same(struct bytes a, const struct syntax *a_syntax, struct bytes b,
		       const struct syntax *b_syntax)
{
	struct walk wa, wb;
	struct token ta, tb;
	enum err ea, eb;

	walk_init(&wa, a, a_syntax);
	walk_init(&wb, b, b_syntax);
	while ((ea = walk_next(&wa, &ta, NULL)) == OK) {
		eb = walk_next(&wb, &tb, NULL);
		assert(eb == OK && ta.kind == tb.kind && ta.tag == tb.tag && ta.depth == tb.depth);
		assert((ta.len == DICOM_UNDEFINED) == (tb.len == DICOM_UNDEFINED));
		if (!TAG_IS_GROUP_LENGTH(ta.tag) || ta.value.len != 4)
			assert(same_value(&ta, &tb));
	}
	eb = walk_next(&wb, &tb, NULL);
	assert(ea == ERR_MORE && eb == ERR_MORE);
	assert((wb.notes &
		(WALK_ODD_LENGTH | WALK_NO_DELIMITER | WALK_PADDING | WALK_STRAY_DELIMITER)) == 0);
}

/* Was there nothing to judge?  An element (0000,0000) without a value looks like padding. */
static bool plain(struct bytes in, const struct syntax *s, unsigned notes)
{
	struct walk w;
	struct token t;

	if ((notes & (WALK_BAD_VR | WALK_WRONG_VR | WALK_OTHER_FORM)) != 0)
		return false;
	walk_init(&w, in, s);
	while (walk_next(&w, &t, NULL) == OK)
		if (t.tag == 0)
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct syntax *const all[] = {&syntax_explicit_le, &syntax_implicit_le,
						   &syntax_explicit_be};
	struct transcode there, back;
	struct fault f = {0};

	if (size < 1 || size > INPUT_MAX)
		return 0;
	if (arena.base == NULL && arena_open(&arena, 16u << 20, NULL) != OK)
		return 0;
	arena_reset(&arena, 0);

	const struct syntax *from = all[data[0] % 3], *to = all[data[0] / 3 % 3];
	struct bytes in = bytes_of(data + 1, size - 1);
	if (transcode_plan(&there, in, from, to, &arena, &f) != OK) {
		assert(f.text != NULL && arena_mark(&arena) == 0);
		return 0;
	}

	struct bytes once = joined(&there);
	if (plain(in, from, there.notes)) {
		check_same(in, from, once, to);
		enum err e = transcode_plan(&back, once, to, from, &arena, &f);
		assert(e == OK);
		struct bytes twice = joined(&back);
		check_same(once, to, twice, from);
		free((void *)(uintptr_t)twice.at);
	}
	free((void *)(uintptr_t)once.at);
	return 0;
}
