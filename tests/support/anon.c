#include "support/anon.h"

#include <check.h>
#include <string.h>

const struct syntax *const bench_syntaxes[3] = {&syntax_explicit_le, &syntax_implicit_le,
						&syntax_explicit_be};

void bench_policy(struct anon_bench *b, const struct anon_safe *safe, size_t safe_count)
{
	struct policy_problem problem;

	ck_assert_int_eq(
		policy_make(&b->policy, &b->settings, safe, safe_count, &b->a, &problem, &b->f),
		OK);
}

void bench_open(struct anon_bench *b, enum anon_profile profile, unsigned options,
		const struct syntax *syntax)
{
	memset(b, 0, sizeof(*b));
	ck_assert_int_eq(arena_open(&b->a, 64u << 20, &b->f), OK);
	b->settings.profile = profile;
	b->settings.options = options;
	bench_policy(b, NULL, 0);
	b->patient = (struct anon_patient){
		.id = "SITE_0001", .name = "SITE_0001", .shift_days = -10, .key = ANON_KEY};
	build_init(&b->in, syntax, 4u << 20);
}

void bench_close(struct anon_bench *b)
{
	anon_object_close(&b->out);
	build_free(&b->in);
	arena_close(&b->a);
}

void bench_words(struct anon_bench *b, const char *text)
{
	ck_assert_int_eq(words_add(&b->patient.words, bytes_str(text), &b->a, &b->f), OK);
}

void bench_front(struct anon_bench *b, const char *sop_class)
{
	build_str(&b->in, TAG_SOPClassUID, VR_UI, sop_class);
	build_str(&b->in, TAG_SOPInstanceUID, VR_UI, "1.2.3.20200301.12345678.1");
}

enum err bench_apply(struct anon_bench *b)
{
	ck_assert(!b->in.out.failed);
	if (b->source.at == NULL)
		b->source = buf_bytes(&b->in.out);

	const struct anon_source source = {.data = b->source,
					   .syntax = b->in.syntax,
					   .patient = &b->patient,
					   .roi_names = b->roi_names,
					   .roi_count = b->roi_count};
	anon_object_close(&b->out);
	enum err e = anon_apply(b->policy, &source, &b->out, &b->f);
	if (e != OK)
		return e;
	b->made = anon_joined(&b->out, BYTES_NONE, &b->a);
	return dset_index(&b->d, b->made, b->in.syntax, 0, &b->a, &b->f);
}

struct bytes anon_joined(const struct anon_object *o, struct bytes pixels, struct arena *a)
{
	struct bytes *views = ARENA_NEW(a, struct bytes, anon_object_most(o));

	ck_assert_ptr_nonnull(views);
	size_t count = anon_object_list(o, pixels, views), len = 0;
	ck_assert_uint_le(count, anon_object_most(o));
	for (size_t i = 0; i < count; i++)
		len += views[i].len;
	uint8_t *all = ARENA_NEW(a, uint8_t, len + 1), *at = all;
	ck_assert_ptr_nonnull(all);
	for (size_t i = 0; i < count; at += views[i++].len) {
		ck_assert_uint_gt(views[i].len, 0);
		memcpy(at, views[i].at, views[i].len);
	}
	return bytes_of(all, len);
}

void bench_text_is(const struct anon_bench *b, uint32_t tag, const char *want)
{
	char got[256];

	bytes_to_str(dset_text(&b->d, NULL, tag), got, sizeof(got));
	ck_assert_msg(strcmp(got, want) == 0, "(%08X) is \"%s\", not \"%s\"", tag, got, want);
}

bool bench_absent(const struct anon_bench *b, uint32_t tag)
{
	return dset_find(&b->d, NULL, tag) == NULL;
}

bool bench_holds(const struct anon_bench *b, struct bytes text)
{
	return memmem(b->made.at, b->made.len, text.at, text.len) != NULL;
}

static unsigned notes_of(struct bytes data, const struct syntax *syntax)
{
	struct walk w;
	struct token t;
	enum err e;

	walk_init(&w, data, syntax);
	while ((e = walk_next(&w, &t, NULL)) == OK)
		continue;
	ck_assert_int_eq(e, ERR_MORE);
	return w.notes;
}

unsigned bench_new_notes(const struct anon_bench *b)
{
	return notes_of(b->made, b->in.syntax) & ~notes_of(b->source, b->in.syntax);
}
