/*
 * A study in memory: images, a structure set, and the plan of the two.  Include after check.h.
 */
#ifndef TESTS_RT_FIXTURE_H
#define TESTS_RT_FIXTURE_H

#include "rt/plan.h"
#include "support/rt_make.h"
#include "support/rt_plan_check.h"

#define FIXTURE_IMAGES 512u
#define FIXTURE_ARENA (64u << 20)

struct fixture {
	struct rt_image images[FIXTURE_IMAGES];
	uint32_t image_count;
	struct rt_options options;
	struct arena arena; /* of texts, set and plan */
	struct buf data;
	struct part10 p;
	struct structset set;
	struct rt_plan plan;
	struct fault fault;
	enum err e;
};

static inline struct fixture *fixture_open(void)
{
	struct fixture *f = calloc(1, sizeof(*f));

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(arena_open(&f->arena, FIXTURE_ARENA, NULL), OK);
	f->options.tolerance_mm = 1.5;
	return f;
}

static inline void fixture_close(struct fixture *f)
{
	arena_close(&f->arena);
	buf_free(&f->data);
	free(f);
}

/* A text that lives as long as the fixture. */
static inline const char *fixture_text(struct fixture *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static inline const char *fixture_text(struct fixture *f, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	ck_assert(n >= 0 && (size_t)n < sizeof(text));
	const char *copy = arena_strdup(&f->arena, bytes_str(text));
	ck_assert_ptr_nonnull(copy);
	return copy;
}

static inline struct rt_image *fixture_image(struct fixture *f, const struct image_spec *spec)
{
	ck_assert_uint_lt(f->image_count, FIXTURE_IMAGES);
	f->images[f->image_count] = make_image(spec);
	return &f->images[f->image_count++];
}

/* Axial slices at these heights ("0 3 6"), with SOP Instance UIDs 1.2.1, 1.2.2 ...; the rest
 * as `like`. */
static inline void fixture_stack(struct fixture *f, const char *heights, struct image_spec like)
{
	char *end;

	for (unsigned i = 1; *heights != '\0'; heights = end, i++) {
		double z = strtod(heights, &end); /* of the test's own, in the C locale */

		ck_assert_ptr_ne(end, heights);
		like.position = fixture_text(f, "0\\0\\%.10g", z);
		like.sop = fixture_text(f, "1.2.%u", i);
		fixture_image(f, &like);
	}
}

/* Reads the set, makes the plan, and holds it to what is always true. */
static inline void fixture_plan(struct fixture *f, const struct set_spec *spec)
{
	f->data = make_set(spec);
	f->p = part10_of(buf_bytes(&f->data), spec->implicit);
	enum err e = structset_read(&f->set, &f->p, &f->arena, &f->fault);
	ck_assert_msg(e == OK, "%s", f->fault.text);
	f->e = rt_plan_make(&f->plan, &f->set, f->images, f->image_count, &f->options, &f->arena,
			    &f->fault);
	ck_assert_msg(f->e == OK || f->e == ERR_UNUSABLE, "%d: %s", f->e, f->fault.text);
	const char *why = plan_problem(&f->plan, f->e);
	ck_assert_msg(why == NULL, "%s", why);
}

/* How often it was said of this ROI (RT_NO_ROI: of the study); 0: it was not. */
static inline uint32_t note_count(const struct rt_plan *plan, enum rt_note_kind kind, uint32_t roi)
{
	for (uint32_t i = 0; i < plan->note_count; i++)
		if (plan->notes[i].kind == kind && plan->notes[i].roi == roi)
			return plan->notes[i].count;
	return 0;
}

static inline double note_mm(const struct rt_plan *plan, enum rt_note_kind kind, uint32_t roi)
{
	for (uint32_t i = 0; i < plan->note_count; i++)
		if (plan->notes[i].kind == kind && plan->notes[i].roi == roi)
			return plan->notes[i].worst_mm;
	return -1;
}

/* All notes as text: "kind=count(mm)" of the study, then "R0:kind=count(mm)". */
static inline void print_notes(const struct rt_plan *plan, struct buf *out)
{
	for (uint32_t i = 0; i < plan->note_count; i++) {
		const struct rt_note *n = &plan->notes[i];

		buf_str(out, i > 0 ? " " : "");
		if (n->roi != RT_NO_ROI)
			buf_fmt(out, "R%u:", n->roi);
		buf_fmt(out, "%s=%u", rt_note_word(n->kind), n->count);
		if (n->worst_mm > 1e-9)
			buf_fmt(out, "(%.4g)", n->worst_mm);
	}
	buf_str(out, "");
}

/* The planes in order, each the last part of its SOP Instance UID and the contours on it:
 * "1:0,2 2: 3:1"; contours are numbered over all ROIs. */
static inline void print_places(const struct rt_plan *plan, struct buf *out)
{
	for (uint32_t k = 0; k < plan->plane_count; k++) {
		buf_fmt(out, "%s%s:", k > 0 ? " " : "",
			strrchr(plan->planes[k].sop_instance.text, '.') + 1);
		for (uint32_t i = plan->first[k]; i < plan->first[k + 1]; i++)
			buf_fmt(out, "%s%u", i > plan->first[k] ? "," : "", plan->order[i]);
	}
	buf_str(out, "");
}

#endif
