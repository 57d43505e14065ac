/*
 * Property: of any bytes taken as a structure set, and any arrangement of images,
 *   - reading gives a set whose views are in the input and whose ROIs share out all contours, or
 *     an error with words;
 *   - the plan is one as tests/support/rt_plan_check.h describes it (of every ROI, what is used
 *     and what is not are all its contours), and the same for the images in reverse order;
 *   - every mask of every ROI has no bit outside its columns and rows nor outside its box, is the
 *     same when painted again, and holds all that the half-open rule gives.
 *
 * The first byte chooses the encoding, rules and filters, the second how many images, each of the
 * four bytes that follow; the rest is a bare data set.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/number.h"
#include "rt/paint.h"
#include "support/rt_plan_check.h"

#define IMAGES_MAX 24u
#define SIDE_MAX 130u
#define WORDS_MAX (SIDE_MAX * 3)
#define ROOM (256u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- Images ---- */

static const struct {
	double row[3], col[3], normal[3];
} directions[4] = {
	{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	{{-1, 0, 0}, {0, 1, 0}, {0, 0, -1}},
	{{0, 1, 0}, {0, 0, -1}, {-1, 0, 0}},
	{{0.48, 0.64, 0.6}, {-0.8, 0.6, 0}, {-0.36, -0.48, 0.8}},
};

static void set_uid(struct uid *uid, unsigned kind, unsigned n)
{
	char text[32];

	snprintf(text, sizeof(text), "1.%u.%u", kind, n);
	if (!uid_set(uid, bytes_str(text)))
		abort();
}

/* what: direction, series, frame, thickness; where: along the normal, half a millimetre each;
 * size: columns; more: rows and spacing. */
static void make_image(struct rt_image *m, unsigned n, const uint8_t b[static 4])
{
	unsigned what = b[0];
	int along = (int8_t)b[1];

	*m = (struct rt_image){.frames = 1, .source = n};
	set_uid(&m->sop_instance, 2, n + 1);
	set_uid(&m->series, 3, 1 + (what >> 2) % 4);
	if (((what >> 4) & 3) != 3)
		set_uid(&m->frame, 4, 1 + (what >> 5) % 2);
	m->cols = 1 + b[2] % SIDE_MAX;
	m->rows = 1 + b[3] % SIDE_MAX;
	m->col_spacing_pm = PM_PER_MM / 2 * (1 + b[2] / SIDE_MAX);
	m->row_spacing_pm = PM_PER_MM / 2 * (1 + b[3] / SIDE_MAX);
	m->thickness_pm = (what & 0x40) != 0 ? 2 * PM_PER_MM : 0;
	if ((what & 0x80) != 0) {
		m->unusable = "so the fuzzer says";
		m->frames = 1 + b[1] % 2;
		return;
	}
	memcpy(m->row_dir, directions[what % 4].row, sizeof(m->row_dir));
	memcpy(m->col_dir, directions[what % 4].col, sizeof(m->col_dir));
	memcpy(m->normal, directions[what % 4].normal, sizeof(m->normal));
	for (unsigned i = 0; i < 3; i++)
		m->position_pm[i] = (int64_t)(m->normal[i] * 100) * (PM_PER_MM / 200) * along;
	for (unsigned i = 0; i < 3; i++)
		m->along_mm += (double)m->position_pm[i] / PM_PER_MM * m->normal[i];
}

/* ---- The set ---- */

static void check_set(const struct structset *s, struct bytes in)
{
	uint32_t total = 0;

	for (uint32_t i = 0; i < s->roi_count; i++) {
		const struct roi *r = &s->rois[i];

		assert(r->contour_first == total);
		total += r->contour_count;
		assert(total <= s->contour_count);
		for (uint32_t k = r->contour_first; k < total; k++)
			assert(s->contours[k].roi == i);
	}
	assert(total == s->contour_count);
	for (uint32_t i = 0; i < total; i++) {
		const struct contour *c = &s->contours[i];

		assert(c->type <= CONTOUR_UNKNOWN);
		assert(c->data.len == 0 ||
		       (c->data.at >= in.at && c->data.at + c->data.len <= in.at + in.len));
	}
}

/* ---- The plan ---- */

static void check_same(const struct rt_plan *a, const struct rt_plan *b)
{
	assert(a->plane_count == b->plane_count && a->placed_count == b->placed_count);
	assert(uid_eq(&a->series, &b->series) && a->note_count == b->note_count);
	for (uint32_t k = 0; k < a->plane_count; k++) {
		assert(uid_eq(&a->planes[k].sop_instance, &b->planes[k].sop_instance));
		assert(a->first[k + 1] == b->first[k + 1]);
		assert(memcmp(&a->gap_mm[k], &b->gap_mm[k], sizeof(double)) == 0);
	}
	for (uint32_t i = 0; i < a->first[a->plane_count]; i++)
		assert(a->order[i] == b->order[i]);
	for (uint32_t i = 0; i < a->set->contour_count; i++)
		assert(a->contour_points[i] == b->contour_points[i]);
	for (uint32_t i = 0; i < a->note_count; i++)
		assert(a->notes[i].kind == b->notes[i].kind && a->notes[i].roi == b->notes[i].roi &&
		       a->notes[i].count == b->notes[i].count &&
		       memcmp(&a->notes[i].worst_mm, &b->notes[i].worst_mm, sizeof(double)) == 0);
}

static void check_plan(const struct rt_plan *plan, enum err e)
{
	const char *why = plan_problem(plan, e);

	if (why != NULL) {
		fprintf(stderr, "%s\n", why);
		abort();
	}
}

/* ---- Masks ---- */

static void check_mask(const struct mask *m)
{
	for (uint32_t r = 0; r < m->rows; r++) {
		const uint64_t *words = m->bits + (size_t)r * m->stride;

		for (uint32_t w = 0; w < m->stride; w++)
			assert(words[w] == 0 || (r >= m->box.row0 && r < m->box.row1 &&
						 w >= m->box.word0 && w < m->box.word1));
		assert(m->cols % 64 == 0 || words[m->stride - 1] >> m->cols % 64 == 0);
	}
}

static void paint(struct painter *p, uint32_t plane, uint32_t i, struct mask *m, uint64_t *bits)
{
	const struct rt_image *image = &p->plan->planes[plane];
	struct fault f = {0};

	mask_init(m, image->cols, image->rows, bits);
	if (rt_paint_roi(p, plane, i, m, &f) != OK)
		abort();
	check_mask(m);
}

static void check_paint(struct rt_plan *plan)
{
	static uint64_t bits[3][WORDS_MAX];
	struct painter p;
	struct mask once, again, half_open;
	enum edge_rule edge = plan->options.edge_rule;

	assert(mask_words(SIDE_MAX, SIDE_MAX) <= WORDS_MAX);
	if (painter_open(&p, plan, NULL) != OK)
		abort();
	for (uint32_t k = 0; k < plan->plane_count; k++) {
		for (uint32_t i = 0; i < rt_plane_roi_count(plan, k); i++) {
			assert(plan->rois[rt_plane_roi(plan, k, i)].selected);
			paint(&p, k, i, &once, bits[0]);
			paint(&p, k, i, &again, bits[1]);
			assert(mask_equal(&once, &again));
			plan->options.edge_rule = EDGE_HALF_OPEN;
			paint(&p, k, i, &half_open, bits[2]);
			mask_andnot(&half_open, &once);
			assert(mask_is_empty(&half_open));
			plan->options.edge_rule = edge;
		}
	}
	painter_close(&p);
}

/* ---- One input ---- */

static void plan_and_paint(const struct structset *set, const struct rt_image *images,
			   uint32_t count, uint8_t choice, struct arena *a)
{
	static const char *const names[] = {"skull", "*[a-m]?*"};
	struct rt_image reversed[IMAGES_MAX];
	struct rt_plan plan = {0}, same = {0};
	struct rt_options options = {
		.ignore_containing = &names[0],
		.ignore_count = (choice >> 2) & 1,
		.only_matching = &names[1],
		.only_count = (choice >> 3) & 1,
		.nesting_rule = (choice & 0x10) != 0 ? NESTED_UNION : NESTED_HOLE,
		.edge_rule = (choice & 0x20) != 0 ? EDGE_HALF_OPEN : EDGE_INCLUSIVE,
		.tolerance_mm = (choice & 0x40) != 0 ? 0.01 : 1.5,
	};

	enum err e = rt_plan_make(&plan, set, images, count, &options, a, NULL);
	if (e != OK && e != ERR_UNUSABLE) {
		assert(e == ERR_LIMIT || e == ERR_NOMEM);
		return;
	}
	check_plan(&plan, e);
	for (uint32_t i = 0; i < count; i++)
		reversed[i] = images[count - 1 - i];
	if (rt_plan_make(&same, set, reversed, count, &options, a, NULL) != e)
		abort();
	check_same(&plan, &same);
	check_paint(&plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct syntax *const syntaxes[] = {&syntax_explicit_le, &syntax_implicit_le,
							&syntax_explicit_be, &syntax_explicit_le};
	static struct arena arena;
	struct rt_image images[IMAGES_MAX];
	struct part10 p = PART10_NONE;
	struct structset set;
	struct fault f = {0};

	if (size < 2 || size - 2 < 4 * (size_t)(data[1] % (IMAGES_MAX + 1)))
		return 0;
	uint32_t count = data[1] % (IMAGES_MAX + 1);
	size_t head = 2 + 4 * (size_t)count;
	for (unsigned i = 0; i < count; i++)
		make_image(&images[i], i, data + 2 + 4 * (size_t)i);

	uint8_t *copy = malloc(size - head + (size == head));
	assert(copy != NULL);
	memcpy(copy, data + head, size - head);
	if (arena.base == NULL && arena_open(&arena, ROOM, NULL) != OK)
		abort();
	p.file = p.data = bytes_of(copy, size - head);
	p.syntax = syntaxes[data[0] % 4];
	if (structset_read(&set, &p, &arena, &f) == OK) {
		check_set(&set, p.data);
		plan_and_paint(&set, images, count, data[0], &arena);
	} else {
		assert(f.code != OK && f.text[0] != '\0');
	}
	arena_reset(&arena, 0);
	free(copy);
	return 0;
}
