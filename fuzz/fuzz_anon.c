/*
 * Property: of any bytes, taken as a data set, under any profile and options:
 *   - refused with words, or a data set that can be walked to its end;
 *   - with the profiles basic and research nothing is in it that the policy removes, what it
 * empties is empty, and every UID that it remaps is one of ours or well known;
 *   - done once more with the same key and words, nothing changes but UIDs and dates.
 *
 * The first byte chooses profile and encoding, the next two the options.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "anon/apply.h"
#include "anon/visit.h"
#include "dicom/dict.h"

#define INPUT_MAX 16000u /* below the least length that looks like a VR in implicit VR */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena arena;

struct pass {
	struct anon_object object;
	struct bytes whole; /* malloc'ed: the data set in one piece */
};

/* As convert.c puts it together. */
static struct bytes joined(const struct anon_object *o)
{
	struct bytes *views = malloc(anon_object_most(o) * sizeof(*views));
	size_t len = 0;

	assert(views != NULL && o->tail_at <= o->head.len);
	size_t count = anon_object_list(o, o->pixels, views);
	assert(count <= anon_object_most(o));
	for (size_t i = 0; i < count; i++)
		len += views[i].len;
	uint8_t *all = malloc(len + 1), *at = all;
	assert(all != NULL);
	for (size_t i = 0; i < count; at += views[i++].len)
		memcpy(at, views[i].at, views[i].len);
	free(views);
	return bytes_of(all, len);
}

static bool run(struct pass *p, const struct policy *policy, const struct anon_source *source)
{
	struct fault f = {.text = NULL};
	enum err e = anon_apply(policy, source, &p->object, &f);

	assert(e == OK || f.text != NULL);
	p->whole = e == OK ? joined(&p->object) : BYTES_NONE;
	return e == OK;
}

static void pass_close(struct pass *p)
{
	anon_object_close(&p->object);
	free((void *)(uintptr_t)p->whole.at);
}

/* Written by de-identification itself, whatever the policy says of what a source says there. */
static bool is_ours(const struct visit *v, uint32_t tag)
{
	uint32_t top = v->depth > 0 ? v->path[0] : tag;

	return top == TAG_PatientIdentityRemoved || top == TAG_DeidentificationMethod ||
	       top == TAG_DeidentificationMethodCodeSequence ||
	       top == TAG_LongitudinalTemporalInformationModified;
}

static void check_uids(struct bytes all)
{
	for (size_t at = 0; at <= all.len;) {
		const uint8_t *end = at < all.len ? memchr(all.at + at, '\\', all.len - at) : NULL;
		size_t len = end != NULL ? (size_t)(end - all.at) - at : all.len - at;
		struct bytes one = bytes_trim(bytes_slice(all, at, len));

		assert(one.len == 0 || anon_uid_is_well_known(one) ||
		       (one.len > 5 && one.len <= 44 && memcmp(one.at, "2.25.", 5) == 0));
		at += len + 1;
	}
}

/* Walked with all that hides in it; true: to its end. */
static void check_policy(const struct policy *policy, struct bytes data,
			 const struct syntax *syntax, struct bytes sop_class)
{
	static struct visit v;
	enum anon_iod iod = anon_iod_of(sop_class);
	struct token t;
	enum err e;

	visit_open(&v, data, syntax);
	while ((e = visit_next(&v, &t, NULL)) == OK) {
		if (t.kind != TOK_ELEMENT && t.kind != TOK_SEQUENCE && t.kind != TOK_PIXELS)
			continue;
		struct anon_place place = visit_place(&v, &t, iod);
		struct anon_decision d = policy_decide(policy, &place);

		if (!is_ours(&v, t.tag) && policy_cleans_text(policy)) {
			assert(d.act != ACT_REMOVE);
			assert(d.act != ACT_EMPTY || t.len == 0);
			if (d.act == ACT_UID && t.kind == TOK_ELEMENT)
				check_uids(t.value);
		}
		if (t.kind == TOK_PIXELS)
			e = visit_skip(&v, NULL);
		else if (visit_hides(&t))
			e = visit_enter(&v, &t, NULL);
		assert(e == OK);
	}
	assert(e == ERR_MORE);
}

/* The same elements with the same values, UIDs and dates apart. */
static void check_same(struct bytes a, struct bytes b, const struct syntax *syntax)
{
	static struct visit va, vb;
	struct token ta, tb;
	enum err ea, eb;

	visit_open(&va, a, syntax);
	visit_open(&vb, b, syntax);
	while ((ea = visit_next(&va, &ta, NULL)) == OK) {
		eb = visit_next(&vb, &tb, NULL);
		assert(eb == OK && ta.kind == tb.kind && ta.tag == tb.tag);
		enum vr vr = dict_vr(ta.tag) != VR_UN ? dict_vr(ta.tag) : ta.vr;
		bool moves = vr == VR_UI || vr == VR_DA || vr == VR_DT;
		bool hides = visit_hides(&ta);

		assert(hides == visit_hides(&tb));
		if (hides) {
			ea = visit_enter(&va, &ta, NULL);
			eb = visit_enter(&vb, &tb, NULL);
			assert(ea == OK && eb == OK);
		} else if ((ta.kind == TOK_ELEMENT || ta.kind == TOK_FRAGMENT) && !moves) {
			assert(ta.vr == tb.vr && bytes_eq(ta.value, tb.value));
		}
	}
	eb = visit_next(&vb, &tb, NULL);
	assert(ea == ERR_MORE && eb == ERR_MORE);
}

static void make_settings(struct anon_settings *s, const uint8_t *data)
{
	static const enum anon_profile profiles[] = {ANON_BASIC, ANON_RESEARCH, ANON_NETRT};

	*s = (struct anon_settings){.profile = profiles[data[0] / 3 % 3]};
	s->options = ((unsigned)data[1] | (unsigned)data[2] << 8) & ((1u << ANON_OPTIONS) - 1);
	if (s->profile == ANON_RESEARCH)
		s->options |= ANON_RESEARCH_OPTIONS;
	if ((s->options & ANON_RETAIN_MODIFIED_DATES) != 0)
		s->options &= ~(unsigned)ANON_RETAIN_FULL_DATES;
	if (s->profile == ANON_NETRT)
		s->options = 0;
}

static void try_twice(const struct policy *policy, const struct anon_source *source)
{
	struct pass first = {0}, second = {0};
	bool done = run(&first, policy, source);

	if (done) {
		const struct anon_source again = {
			.data = first.whole, .syntax = source->syntax, .patient = source->patient};

		check_policy(policy, first.whole, source->syntax,
			     bytes_str(first.object.sop_class.text));
		bool still = run(&second, policy, &again);
		assert(still);
		check_same(first.whole, second.whole, source->syntax);
	}
	pass_close(&first);
	pass_close(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct syntax *const all[] = {&syntax_explicit_le, &syntax_implicit_le,
						   &syntax_explicit_be};
	static const struct anon_safe safe[] = {{{(const uint8_t *)"ACME", 4}, 0x0019, 0x10},
						{{(const uint8_t *)"ACME", 4}, 0x0019, 0x11}};
	static struct anon_patient patient;
	struct anon_settings settings;
	struct policy_problem problem;
	struct policy *policy;

	if (size < 3 || size > INPUT_MAX)
		return 0;
	if (arena.base == NULL && arena_open(&arena, 16u << 20, NULL) != OK)
		return 0;
	arena_reset(&arena, 0);
	memset(&patient, 0, sizeof(patient));
	strcpy(patient.id, "SITE_0001");
	strcpy(patient.name, "SITE_0001");
	patient.shift_days = -100;
	patient.key = BYTES_LIT("0123456789abcdef0123456789abcdef");
	enum err e = words_add(&patient.words, BYTES_LIT("SMITH^JOHN"), &arena, NULL);
	assert(e == OK);
	e = words_add_phrase(&patient.words, BYTES_LIT("ACME Clinic"), &arena, NULL);
	assert(e == OK);
	make_settings(&settings, data);
	e = policy_make(&policy, &settings, safe, 2, &arena, &problem, NULL);
	assert(e == OK);
	uint8_t *copy = malloc(size > 3 ? size - 3 : 1);
	assert(copy != NULL);
	memcpy(copy, data + 3, size - 3);
	const struct anon_source source = {
		.data = bytes_of(copy, size - 3), .syntax = all[data[0] % 3], .patient = &patient};
	try_twice(policy, &source);
	free(copy);
	return 0;
}
