#include "rt/plan.h"

#include <assert.h>
#include <string.h>

#include "base/name.h"
#include "rt/place.h"
#include "rt/series.h"

struct maker {
	struct rt_plan plan;
	const struct rt_image *images;
	uint32_t image_count;
	struct arena *arena;
	bool *wanted; /* of each ROI: by its name */
	struct series_choice choice;
	struct planes planes;
	struct placer placer;
	uint32_t note_room;
};

static enum err no_memory(struct fault *f)
{
	return fault_set(f, ERR_NOMEM, "not enough working memory for the contours",
			 FAULT_NO_OFFSET);
}

/* ---- Notes ---- */

static enum err add_note(struct maker *m, struct rt_note note, struct fault *f)
{
	struct rt_plan *plan = &m->plan;

	if (plan->note_count == m->note_room) {
		uint32_t room = m->note_room == 0 ? 64 : m->note_room * 2;
		struct rt_note *notes = ARENA_NEW(m->arena, struct rt_note, room);

		if (notes == NULL)
			return no_memory(f);
		if (plan->note_count > 0)
			memcpy(notes, plan->notes, plan->note_count * sizeof(*notes));
		plan->notes = notes;
		m->note_room = room;
	}
	plan->notes[plan->note_count++] = note;
	return OK;
}

static enum err add_tally(struct maker *m, uint32_t roi, const struct tally *t, struct fault *f)
{
	enum err e = OK;

	for (unsigned i = 0; i < RT_NOTE_KINDS && e == OK; i++)
		if (t->count[i] > 0)
			e = add_note(m,
				     (struct rt_note){.kind = (enum rt_note_kind)i,
						      .roi = roi,
						      .count = t->count[i],
						      .worst_mm = t->worst_mm[i]},
				     f);
	return e;
}

/* ---- Names ---- */

/* RT_NOTE_KINDS: wanted; else why not. */
static enum rt_note_kind name_problem(const struct rt_options *o, struct bytes name)
{
	bool asked_for = o->only_count == 0;

	for (size_t i = 0; i < o->ignore_count; i++)
		if (name_contains(name, bytes_str(o->ignore_containing[i])))
			return RT_NOTE_IGNORED_BY_NAME;
	for (size_t i = 0; i < o->only_count && !asked_for; i++)
		asked_for = name_matches(name, bytes_str(o->only_matching[i]));
	return asked_for ? RT_NOTE_KINDS : RT_NOTE_NOT_SELECTED;
}

/* ---- The study ---- */

static void tell_images(const struct maker *m, struct tally *t)
{
	if (m->choice.how == SERIES_NONE) {
		for (uint32_t i = 0; i < m->image_count; i++) {
			bool multiframe = m->images[i].multiframe;

			t->count[RT_NOTE_MULTIFRAME] += multiframe;
			t->count[RT_NOTE_IMAGE_WITHOUT_GEOMETRY] +=
				!multiframe && m->images[i].unusable != NULL;
		}
		return;
	}

	const struct planes *p = &m->planes;
	t->count[RT_NOTE_SERIES_BY_UID] = m->choice.how == SERIES_BY_UID;
	t->count[RT_NOTE_SERIES_BY_FRAME] = m->choice.how == SERIES_BY_FRAME;
	t->count[RT_NOTE_OTHER_SERIES] = m->choice.others;
	t->count[RT_NOTE_MULTIFRAME] = p->multiframe;
	t->count[RT_NOTE_SET_APART] = p->set_apart;
	t->count[RT_NOTE_IMAGE_WITHOUT_GEOMETRY] =
		p->count - p->placed - p->multiframe - p->set_apart;
}

/* ROIs without a frame of reference, or all of them where the images have none. */
static void tell_frames(const struct maker *m, struct tally *t)
{
	const struct structset *set = m->plan.set;
	bool images_have = m->planes.placed > 0 && m->planes.images[0].frame.text[0] != '\0';

	for (uint32_t i = 0; i < set->roi_count; i++)
		if (m->wanted[i] && set->rois[i].contour_count > 0 &&
		    (!images_have || series_roi_frame(set, i)->text[0] == '\0'))
			t->count[RT_NOTE_NO_FRAME]++;
}

static enum err tell_study(struct maker *m, struct fault *f)
{
	struct tally t = {0};
	struct planes_oddities o = {0};

	tell_images(m, &t);
	if (m->choice.how != SERIES_NONE) {
		if (!planes_look(&m->planes, &o, m->arena))
			return no_memory(f);
		tell_frames(m, &t);
	}
	t.count[RT_NOTE_UNEVEN_SPACING] = o.uneven;
	t.worst_mm[RT_NOTE_UNEVEN_SPACING] = o.uneven_mm;
	t.count[RT_NOTE_GAP] = o.gaps;
	t.worst_mm[RT_NOTE_GAP] = o.gap_mm;
	t.count[RT_NOTE_GANTRY_TILT] = o.tilted ? m->planes.placed : 0;
	t.worst_mm[RT_NOTE_GANTRY_TILT] = o.tilt_mm;
	return add_tally(m, RT_NO_ROI, &t, f);
}

static enum err choose_series(struct maker *m, struct fault *f)
{
	const struct series_request request = {
		.set = m->plan.set,
		.wanted = m->wanted,
		.images = m->images,
		.image_count = m->image_count,
		.tolerance_mm = m->plan.options.tolerance_mm,
	};
	struct rt_plan *plan = &m->plan;

	if (!series_choose(&request, &m->choice, m->arena) ||
	    !planes_build(&m->planes, m->choice.in, m->choice.count, plan->options.tolerance_mm,
			  m->arena) ||
	    !placer_open(&m->placer, plan->set, &m->planes,
			 m->choice.how == SERIES_BY_REFERENCE || m->choice.how == SERIES_BY_UID,
			 m->arena))
		return no_memory(f);
	plan->series = m->choice.uid;
	plan->planes = m->planes.images;
	plan->plane_count = m->planes.count;
	plan->placed_count = m->planes.placed;
	plan->contour_points = m->placer.points;
	plan->gap_mm = ARENA_NEW(m->arena, double, plan->plane_count);
	if (plan->gap_mm == NULL)
		return no_memory(f);
	planes_gaps(&m->planes, plan->gap_mm);
	return tell_study(m, f);
}

/* ---- The ROIs ---- */

static void tell_roi(const struct roi *roi, struct tally *t)
{
	t->count[RT_NOTE_NO_CONTOURS] = roi->contour_count == 0;
	t->count[RT_NOTE_NO_NAME] = roi->name.len == 0;
	t->count[RT_NOTE_NO_OBSERVATION] = !roi->has_observation;
	t->count[RT_NOTE_DUPLICATE_NAME] = roi->duplicate_name;
	t->count[RT_NOTE_DUPLICATE_NUMBER] = roi->duplicate_number;
}

static enum err plan_roi(struct maker *m, uint32_t roi, struct fault *f)
{
	const struct roi *r = &m->plan.set->rois[roi];
	struct rt_roi_plan *out = &m->plan.rois[roi];
	struct tally t = {0};

	if (!m->wanted[roi]) {
		t.count[name_problem(&m->plan.options, r->name)] = 1;
		out->contours_unused = r->contour_count;
		return add_tally(m, roi, &t, f);
	}
	tell_roi(r, &t);
	if (m->choice.how == SERIES_NONE)
		out->contours_unused = r->contour_count;
	else
		placer_roi(&m->placer, roi, out, &t);
	out->selected = out->contours_used > 0;
	return add_tally(m, roi, &t, f);
}

/* ---- Contours by plane ---- */

static bool is_used(const struct maker *m, uint32_t contour)
{
	return m->placer.spots[contour].position != PLACE_NOWHERE;
}

/* first[]: how many contours on each plane, as sums. */
static enum err count_order(struct maker *m, struct fault *f)
{
	struct rt_plan *plan = &m->plan;
	uint64_t total = 0;
	uint32_t from, to;

	for (uint32_t i = 0; i < plan->set->contour_count; i++) {
		if (!is_used(m, i))
			continue;
		spot_planes(&m->planes, &m->placer.spots[i], &from, &to);
		total += to - from;
		if (total > LIMIT_PLACEMENTS)
			return fault_set(f, ERR_LIMIT,
					 "too many contours on too many images at one position",
					 FAULT_NO_OFFSET);
		for (uint32_t k = from; k < to; k++)
			plan->first[k + 1]++;
	}
	for (uint32_t k = 0; k < plan->plane_count; k++)
		plan->first[k + 1] += plan->first[k];
	return OK;
}

static void fill_order(struct maker *m, uint32_t *next)
{
	struct rt_plan *plan = &m->plan;
	uint32_t from, to;

	memcpy(next, plan->first, plan->plane_count * sizeof(*next));
	for (uint32_t i = 0; i < plan->set->contour_count; i++) {
		if (!is_used(m, i))
			continue;
		spot_planes(&m->planes, &m->placer.spots[i], &from, &to);
		for (uint32_t k = from; k < to; k++)
			plan->order[next[k]++] = i;
	}
}

/* Runs of one ROI on each plane; `groups` may be NULL: only count. */
static uint32_t find_groups(struct rt_plan *plan, struct rt_group *groups)
{
	uint32_t count = 0;

	for (uint32_t k = 0; k < plan->plane_count; k++) {
		uint32_t last = RT_NO_ROI;

		plan->first_group[k] = count;
		for (uint32_t i = plan->first[k]; i < plan->first[k + 1]; i++) {
			uint32_t roi = plan->set->contours[plan->order[i]].roi;

			count += roi != last;
			if (groups == NULL) {
				last = roi;
				continue;
			}
			if (roi != last)
				groups[count - 1] = (struct rt_group){.roi = roi, .first = i};
			groups[count - 1].count++;
			groups[count - 1].points += plan->contour_points[plan->order[i]];
			last = roi;
		}
	}
	plan->first_group[plan->plane_count] = count;
	return count;
}

static enum err order_contours(struct maker *m, struct fault *f)
{
	struct rt_plan *plan = &m->plan;

	plan->first = ARENA_NEW(m->arena, uint32_t, (size_t)plan->plane_count + 1);
	plan->first_group = ARENA_NEW(m->arena, uint32_t, (size_t)plan->plane_count + 1);
	uint32_t *next = ARENA_NEW(m->arena, uint32_t, plan->plane_count);
	if (plan->first == NULL || plan->first_group == NULL || next == NULL)
		return no_memory(f);

	enum err e = count_order(m, f);
	if (e != OK)
		return e;
	plan->order = ARENA_NEW(m->arena, uint32_t, plan->first[plan->plane_count]);
	if (plan->order == NULL)
		return no_memory(f);
	if (plan->plane_count > 0)
		fill_order(m, next);
	plan->groups = ARENA_NEW(m->arena, struct rt_group, find_groups(plan, NULL));
	if (plan->groups == NULL)
		return no_memory(f);
	(void)find_groups(plan, plan->groups);
	return OK;
}

/* ---- All of it ---- */

static enum err nothing_usable(const struct maker *m, struct fault *f)
{
	const struct structset *set = m->plan.set;
	bool usable = false, contours = false, wanted = false, multiframe = true;

	for (uint32_t i = 0; i < m->image_count; i++) {
		usable = usable || m->images[i].unusable == NULL;
		multiframe = multiframe && m->images[i].multiframe;
	}
	for (uint32_t i = 0; i < set->roi_count; i++) {
		wanted = wanted || m->wanted[i];
		contours = contours || (m->wanted[i] && set->rois[i].contour_count > 0);
	}
	const char *why = "no contour lies on an image of the series";
	if (set->roi_count == 0)
		why = "the structure set has no ROIs";
	else if (!wanted)
		why = "every ROI is left out by its name";
	else if (!contours)
		why = "no ROI has contours";
	else if (m->image_count == 0)
		why = "no images";
	else if (multiframe)
		why = "the images are enhanced or multi-frame objects, which take no overlay "
		      "planes";
	else if (!usable)
		why = "no image has a place in space";
	else if (m->choice.how == SERIES_NONE)
		why = "no series is the one that the structure set names, or in its frame of "
		      "reference";
	return fault_set(f, ERR_UNUSABLE, why, FAULT_NO_OFFSET);
}

static enum err make(struct maker *m, struct fault *f)
{
	struct rt_plan *plan = &m->plan;
	uint32_t roi_count = plan->set->roi_count;
	bool any = false;

	plan->rois = ARENA_NEW(m->arena, struct rt_roi_plan, roi_count);
	m->wanted = ARENA_NEW(m->arena, bool, roi_count);
	if (plan->rois == NULL || m->wanted == NULL)
		return no_memory(f);
	for (uint32_t i = 0; i < roi_count; i++)
		m->wanted[i] =
			name_problem(&plan->options, plan->set->rois[i].name) == RT_NOTE_KINDS;

	enum err e = choose_series(m, f);
	for (uint32_t i = 0; i < roi_count && e == OK; i++) {
		e = plan_roi(m, i, f);
		any = any || plan->rois[i].selected;
	}
	if (e == OK)
		e = order_contours(m, f);
	if (e == OK && !any)
		e = nothing_usable(m, f);
	return e;
}

enum err rt_plan_make(struct rt_plan *plan, const struct structset *set,
		      const struct rt_image *images, size_t image_count,
		      const struct rt_options *options, struct arena *a, struct fault *f)
{
	struct maker m = {
		.plan = {.set = set, .options = *options},
		.images = images,
		.image_count = (uint32_t)image_count,
		.arena = a,
	};

	if (image_count > LIMIT_FILES)
		return fault_set(f, ERR_LIMIT, "more images than this program takes",
				 FAULT_NO_OFFSET);
	enum err e = make(&m, f);
	if (e == OK || e == ERR_UNUSABLE)
		*plan = m.plan;
	return e;
}
