/*
 * Images are sorted by series; each run is a candidate, if one of its images has a place.
 */
#include "rt/series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rt/contour.h"
#include "rt/uids.h"

#define FRAME_CANDIDATES 64u /* series in the same frame that are looked at closely */
#define FRAME_SAMPLES 20000u /* contours that each of them is tried on */

struct candidate {
	const struct uid *uid;
	uint32_t first, count; /* in sorted[] */
	uint32_t usable;
	uint64_t named; /* contours that name one of its images */
	bool referenced;
	/* by frame */
	uint64_t lying; /* contours on its planes */
	double off_mm;  /* sum of their distances */
};

struct chooser {
	const struct series_request *q;
	struct arena *arena;
	const struct rt_image **sorted; /* by series, then SOP Instance UID */
	uint32_t *named;                /* of each image in q->images */
	struct candidate *candidates;
	uint32_t candidate_count;
	/* places to try candidates on: first points of some contours */
	uint32_t *samples;
	uint32_t sample_count;
};

const struct uid *series_roi_frame(const struct structset *set, uint32_t roi)
{
	const struct uid *own = &set->rois[roi].frame;

	return own->text[0] != '\0' ? own : &set->frame;
}

bool series_has_area(const struct contour *c)
{
	return c->type == CONTOUR_CLOSED_PLANAR || c->type == CONTOUR_CLOSEDPLANAR_XOR ||
	       c->type == CONTOUR_INTERPOLATED_PLANAR;
}

static bool counts(const struct chooser *c, const struct contour *contour)
{
	return c->q->wanted[contour->roi] && series_has_area(contour);
}

/* ---- Candidates ---- */

static int by_series(const void *a, const void *b)
{
	const struct rt_image *x = *(const struct rt_image *const *)a;
	const struct rt_image *y = *(const struct rt_image *const *)b;
	int order = strcmp(x->series.text, y->series.text);

	if (order == 0)
		order = strcmp(x->sop_instance.text, y->sop_instance.text);
	return order != 0 ? order : (x > y) - (x < y);
}

static bool count_named(struct chooser *c)
{
	const struct structset *set = c->q->set;
	size_t mark = arena_mark(c->arena);
	struct uids uids;

	if (!uids_open(&uids, c->q->image_count, c->arena))
		return false;
	for (uint32_t i = 0; i < c->q->image_count; i++)
		uids_add(&uids, &c->q->images[i].sop_instance, i);
	uids_sort(&uids);
	for (uint32_t i = 0; i < set->contour_count; i++) {
		const struct contour *contour = &set->contours[i];

		if (contour->image_uid.len == 0 || !counts(c, contour))
			continue;
		uint32_t image = uids_find(&uids, contour->image_uid);
		if (image != UIDS_NONE)
			c->named[image]++;
	}
	arena_reset(c->arena, mark);
	return true;
}

static void find_candidates(struct chooser *c)
{
	for (uint32_t i = 0; i < c->q->image_count; i++) {
		const struct rt_image *m = c->sorted[i];
		struct candidate *last = &c->candidates[c->candidate_count];

		if (c->candidate_count > 0 && uid_eq(last[-1].uid, &m->series)) {
			last--;
		} else {
			*last = (struct candidate){.uid = &m->series, .first = i};
			c->candidate_count++;
		}
		last->count++;
		last->usable += m->unusable == NULL;
		last->named += c->named[m - c->q->images];
	}
}

static bool mark_referenced(struct chooser *c)
{
	const struct structset *set = c->q->set;
	size_t mark = arena_mark(c->arena);
	struct uids uids;

	if (!uids_open(&uids, set->series_ref_count, c->arena))
		return false;
	for (uint32_t i = 0; i < set->series_ref_count; i++)
		uids_add(&uids, &set->series_refs[i], i);
	uids_sort(&uids);
	for (uint32_t i = 0; i < c->candidate_count; i++)
		c->candidates[i].referenced =
			uids_find(&uids, bytes_str(c->candidates[i].uid->text)) != UIDS_NONE;
	arena_reset(c->arena, mark);
	return true;
}

/* Is `a` better, as far as names and numbers go?  (Candidates are in the order of their UIDs.) */
static bool is_better(const struct candidate *a, const struct candidate *b)
{
	if (b == NULL)
		return true;
	if (a->named != b->named)
		return a->named > b->named;
	return a->usable > b->usable;
}

static const struct candidate *best_by_name(const struct chooser *c, bool referenced)
{
	const struct candidate *best = NULL;

	for (uint32_t i = 0; i < c->candidate_count; i++) {
		const struct candidate *k = &c->candidates[i];

		if (k->usable > 0 && (referenced ? k->referenced : k->named > 0) &&
		    is_better(k, best))
			best = k;
	}
	return best;
}

/* ---- By frame of reference ---- */

static bool frame_is_used(const struct chooser *c, const struct uid *frame)
{
	const struct structset *set = c->q->set;

	if (frame->text[0] == '\0')
		return false;
	for (uint32_t i = 0; i < set->roi_count; i++)
		if (c->q->wanted[i] && set->rois[i].contour_count > 0 &&
		    uid_eq(series_roi_frame(set, i), frame))
			return true;
	return false;
}

static bool take_samples(struct chooser *c)
{
	const struct structset *set = c->q->set;
	uint32_t step = 1 + set->contour_count / FRAME_SAMPLES;

	c->samples = ARENA_NEW(c->arena, uint32_t, set->contour_count / step + 1);
	if (c->samples == NULL)
		return false;
	for (uint32_t i = 0; i < set->contour_count; i += step)
		if (counts(c, &set->contours[i]))
			c->samples[c->sample_count++] = i;
	return true;
}

/* The images of a candidate, each SOP Instance UID once. */
static struct planes_in *gather(const struct chooser *c, const struct candidate *k, uint32_t *count)
{
	struct planes_in *in = ARENA_NEW(c->arena, struct planes_in, k->count);

	*count = 0;
	for (uint32_t i = 0; in != NULL && i < k->count; i++) {
		const struct rt_image *m = c->sorted[k->first + i];

		if (*count > 0 && uid_eq(&in[*count - 1].image->sop_instance, &m->sop_instance))
			continue;
		in[(*count)++] =
			(struct planes_in){.image = m, .named = c->named[m - c->q->images]};
	}
	return in;
}

static bool try_frame(const struct chooser *c, struct candidate *k)
{
	const struct structset *set = c->q->set;
	uint32_t count;
	struct planes planes;
	struct planes_in *in = gather(c, k, &count);

	if (in == NULL || !planes_build(&planes, in, count, c->q->tolerance_mm, c->arena))
		return false;
	for (uint32_t i = 0; i < c->sample_count; i++) {
		const struct contour *contour = &set->contours[c->samples[i]];
		int64_t point[3];

		if (!uid_eq(series_roi_frame(set, contour->roi), &planes.images[0].frame) ||
		    !contour_first_point(contour->data, point))
			continue;

		double along = planes_along(&planes, point);
		uint32_t position = planes_nearest(&planes, along);
		if (!planes_within(&planes, position, along))
			continue;
		k->lying++;
		k->off_mm += fabs(along - planes.at_mm[position]);
	}
	return true;
}

static bool lies_better(const struct candidate *a, const struct candidate *b)
{
	if (b == NULL)
		return true;
	if (a->lying != b->lying)
		return a->lying > b->lying;
	if (a->off_mm < b->off_mm - 1e-6 || a->off_mm > b->off_mm + 1e-6)
		return a->off_mm < b->off_mm;
	return a->usable > b->usable;
}

static bool in_a_used_frame(const struct chooser *c, const struct candidate *k)
{
	for (uint32_t i = 0; i < k->count; i++) {
		const struct rt_image *m = c->sorted[k->first + i];

		if (m->unusable == NULL)
			return frame_is_used(c, &m->frame);
	}
	return false;
}

static bool best_by_frame(struct chooser *c, const struct candidate **best)
{
	uint32_t tried = 0;

	*best = NULL;
	if (!take_samples(c))
		return false;
	for (uint32_t i = 0; i < c->candidate_count && tried < FRAME_CANDIDATES; i++) {
		struct candidate *k = &c->candidates[i];

		if (!in_a_used_frame(c, k))
			continue;

		size_t mark = arena_mark(c->arena);
		bool ok = try_frame(c, k);
		arena_reset(c->arena, mark);
		if (!ok)
			return false;
		tried++;
		if (lies_better(k, *best))
			*best = k;
	}
	return true;
}

/* ---- All of it ---- */

static bool choose(struct chooser *c, enum series_how *how, const struct candidate **best)
{
	*how = SERIES_BY_REFERENCE;
	*best = best_by_name(c, true);
	if (*best != NULL)
		return true;
	*how = SERIES_BY_UID;
	*best = best_by_name(c, false);
	if (*best != NULL)
		return true;
	*how = SERIES_BY_FRAME;
	if (!best_by_frame(c, best))
		return false;
	if (*best == NULL)
		*how = SERIES_NONE;
	return true;
}

bool series_choose(const struct series_request *q, struct series_choice *out, struct arena *a)
{
	struct chooser c = {.q = q, .arena = a};
	const struct candidate *best;

	*out = (struct series_choice){.others = q->image_count};
	c.sorted = ARENA_NEW(a, const struct rt_image *, q->image_count);
	c.named = ARENA_NEW(a, uint32_t, q->image_count);
	c.candidates = ARENA_NEW(a, struct candidate, q->image_count);
	if (c.sorted == NULL || c.named == NULL || c.candidates == NULL || !count_named(&c))
		return false;
	for (uint32_t i = 0; i < q->image_count; i++)
		c.sorted[i] = &q->images[i];
	if (q->image_count > 0)
		qsort(c.sorted, q->image_count, sizeof(const struct rt_image *), by_series);
	find_candidates(&c);
	if (!mark_referenced(&c) || !choose(&c, &out->how, &best))
		return false;
	if (best == NULL)
		return true;
	out->uid = *best->uid;
	out->others = q->image_count - best->count;
	out->in = gather(&c, best, &out->count);
	return out->in != NULL;
}
