/*
 * In this order: which ROIs are wanted, which series, its planes, one place for every contour,
 * then everything sorted by plane.  Notes are counted in a table [ROI][kind] whose last line is
 * the study's, and packed at the end.
 */
#include "rt/plan.h"

#include <math.h>
#include <string.h>

#include "rt/contour.h"
#include "rt/name.h"
#include "rt/planes.h"
#include "rt/uids.h"

#define NOT_USED UINT32_MAX
#define PLANAR_MM 0.1      /* least and greatest distance of a contour's points from its plane */
#define OFF_A_BIT_MM 0.01  /* worth a note */
#define SAME_LEVEL_MM 0.05 /* contours of one ROI at one height */
#define TIE_MM 1e-6

struct work {
	struct rt_plan *plan;
	const struct structset *set;
	const struct rt_image *images;
	uint32_t image_count;
	struct arena *a;
	struct rt_note *table;
	struct uids by_uid; /* of images */
	uint32_t *named;    /* of each image: contours that name it */
	struct planes planes;
	struct uids plane_by_uid; /* of planes.images */
	uint32_t *position;       /* of each contour, or NOT_USED */
	uint32_t *only_plane; /* of each contour: the one plane of its position, or NOT_USED: all */
	double *off_mm;       /* of each contour: its middle from its plane */
	double *nearest_mm;   /* of each position, for one ROI */
};

static void note(struct work *w, enum rt_note_kind kind, uint32_t roi, uint32_t count, double mm)
{
	uint32_t line = roi == RT_NO_ROI ? w->set->roi_count : roi;
	struct rt_note *n = &w->table[(size_t)line * RT_NOTE_KINDS + kind];

	n->count += count;
	n->worst_mm = mm > n->worst_mm ? mm : n->worst_mm;
}

static bool has_area(const struct contour *c)
{
	return c->type <= CONTOUR_INTERPOLATED_PLANAR;
}

/* ---- ROIs ---- */

static bool wanted_by_name(struct work *w, uint32_t r)
{
	const struct rt_options *o = &w->plan->options;
	struct bytes name = w->set->rois[r].name;

	for (size_t i = 0; i < o->ignore_count; i++) {
		if (name_contains(name, bytes_str(o->ignore_containing[i]))) {
			note(w, RT_NOTE_IGNORED_BY_NAME, r, 1, 0);
			return false;
		}
	}
	for (size_t i = 0; i < o->only_count; i++)
		if (name_matches(name, bytes_str(o->only_matching[i])))
			return true;
	if (o->only_count > 0)
		note(w, RT_NOTE_NOT_SELECTED, r, 1, 0);
	return o->only_count == 0;
}

static void look_at_rois(struct work *w)
{
	for (uint32_t r = 0; r < w->set->roi_count; r++) {
		const struct roi *roi = &w->set->rois[r];

		w->plan->rois[r].selected = wanted_by_name(w, r);
		w->plan->rois[r].contours_unused = roi->contour_count;
		if (roi->contour_count == 0)
			note(w, RT_NOTE_NO_CONTOURS, r, 1, 0);
		if (roi->name.len == 0)
			note(w, RT_NOTE_NO_NAME, r, 1, 0);
		if (!roi->has_observation)
			note(w, RT_NOTE_NO_OBSERVATION, r, 1, 0);
		if (roi->duplicate_name)
			note(w, RT_NOTE_DUPLICATE_NAME, r, 1, 0);
		if (roi->duplicate_number)
			note(w, RT_NOTE_DUPLICATE_NUMBER, r, 1, 0);
	}
}

/* ---- The series ---- */

static void count_named(struct work *w)
{
	for (uint32_t i = 0; i < w->set->contour_count; i++) {
		const struct contour *c = &w->set->contours[i];
		uint32_t image = UIDS_NONE;

		if (c->image_uid.len > 0 && has_area(c))
			image = uids_find(&w->by_uid, c->image_uid);
		if (image != UIDS_NONE)
			w->named[image]++;
	}
}

static bool is_first_of_series(const struct work *w, uint32_t image)
{
	for (uint32_t i = 0; i < image; i++)
		if (uid_eq(&w->images[i].series, &w->images[image].series))
			return false;
	return true;
}

/* Contours that name images of the series that image `first` belongs to. */
static uint64_t series_named(const struct work *w, uint32_t first)
{
	uint64_t sum = 0;

	for (uint32_t i = first; i < w->image_count; i++)
		if (uid_eq(&w->images[i].series, &w->images[first].series))
			sum += w->named[i];
	return sum;
}

static bool is_referenced(const struct work *w, const struct uid *series)
{
	for (uint32_t i = 0; i < w->set->series_ref_count; i++)
		if (uid_eq(&w->set->series_refs[i], series))
			return true;
	return false;
}

/* The planes of one series into w->planes. */
static bool build_planes(struct work *w, const struct uid *series)
{
	struct planes_in *in = ARENA_NEW(w->a, struct planes_in, w->image_count);
	uint32_t count = 0;

	if (in == NULL)
		return false;
	for (uint32_t i = 0; i < w->image_count; i++) {
		const struct rt_image *image = &w->images[i];

		if (uid_eq(&image->series, series) &&
		    uids_find(&w->by_uid, bytes_str(image->sop_instance.text)) == i)
			in[count++] = (struct planes_in){.image = image, .named = w->named[i]};
	}
	return planes_build(&w->planes, in, count, w->plan->options.tolerance_mm, w->a);
}

static bool same_frame(const struct work *w, const struct rt_image *image)
{
	if (uid_eq(&image->frame, &w->set->frame))
		return true;
	for (uint32_t r = 0; r < w->set->roi_count; r++)
		if (uid_eq(&image->frame, &w->set->rois[r].frame))
			return true;
	return false;
}

/* How many contours begin on one of the planes of w->planes. */
static uint32_t count_on_planes(const struct work *w)
{
	uint32_t count = 0;
	int64_t point[3];

	for (uint32_t i = 0; w->planes.placed > 0 && i < w->set->contour_count; i++) {
		const struct contour *c = &w->set->contours[i];

		if (!has_area(c) || !contour_first_point(c->data, point))
			continue;
		double along = planes_along(&w->planes, point);
		count += planes_within(&w->planes, planes_nearest(&w->planes, along), along);
	}
	return count;
}

/* By frame of reference and position: the last resort. */
static enum err series_by_frame(struct work *w, uint32_t *chosen, struct fault *f)
{
	uint32_t best = 0;

	for (uint32_t i = 0; i < w->image_count; i++) {
		size_t mark = arena_mark(w->a);

		if (!is_first_of_series(w, i) ||
		    (w->images[i].frame.text[0] != '\0' && !same_frame(w, &w->images[i])))
			continue;
		if (!build_planes(w, &w->images[i].series))
			return fault_set(f, ERR_NOMEM, "no memory for the planes", FAULT_NO_OFFSET);
		uint32_t count = count_on_planes(w);
		arena_reset(w->a, mark);
		if (count > best) {
			best = count;
			*chosen = i;
		}
	}
	return OK;
}

/* The series that most contours name: among the referenced ones, else among all. */
static uint32_t series_by_uid(const struct work *w, bool referenced)
{
	uint32_t chosen = NOT_USED;
	uint64_t best = 0;

	for (uint32_t i = 0; i < w->image_count; i++) {
		if (!is_first_of_series(w, i) ||
		    (referenced && !is_referenced(w, &w->images[i].series)))
			continue;
		uint64_t count = series_named(w, i);
		if (count > best || (referenced && chosen == NOT_USED)) {
			best = count;
			chosen = i;
		}
	}
	return chosen;
}

static enum err choose_series(struct work *w, struct fault *f)
{
	uint32_t chosen = series_by_uid(w, true);

	if (chosen == NOT_USED) {
		chosen = series_by_uid(w, false);
		if (chosen != NOT_USED)
			note(w, RT_NOTE_SERIES_BY_UID, RT_NO_ROI, 1, 0);
	}
	if (chosen == NOT_USED) {
		enum err e = series_by_frame(w, &chosen, f);

		if (e != OK)
			return e;
		if (chosen != NOT_USED)
			note(w, RT_NOTE_SERIES_BY_FRAME, RT_NO_ROI, 1, 0);
	}
	if (chosen == NOT_USED)
		return fault_set(f, ERR_UNUSABLE, "no image series here is the one it was drawn on",
				 FAULT_NO_OFFSET);
	w->plan->series = w->images[chosen].series;
	return OK;
}

static enum err prepare_planes(struct work *w, struct fault *f)
{
	struct rt_plan *plan = w->plan;
	struct planes_oddities odd = {0};
	struct planes *p = &w->planes;
	bool good = build_planes(w, &plan->series) && planes_look(p, &odd, w->a) &&
		    uids_open(&w->plane_by_uid, p->count, w->a);

	plan->gap_mm = ARENA_NEW(w->a, double, p->count);
	w->nearest_mm = ARENA_NEW(w->a, double, p->positions);
	if (!good || plan->gap_mm == NULL || w->nearest_mm == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for the planes", FAULT_NO_OFFSET);
	planes_gaps(p, plan->gap_mm);
	for (uint32_t k = 0; k < p->count; k++)
		uids_add(&w->plane_by_uid, &p->images[k].sop_instance, k);
	uids_sort(&w->plane_by_uid);
	plan->planes = p->images;
	plan->plane_count = p->count;
	plan->placed_count = p->placed;
	note(w, RT_NOTE_SET_APART, RT_NO_ROI, p->set_apart, 0);
	note(w, RT_NOTE_MULTIFRAME, RT_NO_ROI, p->multiframe, 0);
	note(w, RT_NOTE_IMAGE_WITHOUT_GEOMETRY, RT_NO_ROI,
	     p->count - p->placed - p->set_apart - p->multiframe, 0);
	note(w, RT_NOTE_UNEVEN_SPACING, RT_NO_ROI, odd.uneven, odd.uneven_mm);
	note(w, RT_NOTE_GAP, RT_NO_ROI, odd.gaps, odd.gap_mm);
	note(w, RT_NOTE_GANTRY_TILT, RT_NO_ROI, odd.tilted, odd.tilt_mm);
	for (uint32_t i = 0; i < w->image_count; i++)
		note(w, RT_NOTE_OTHER_SERIES, RT_NO_ROI,
		     !uid_eq(&w->images[i].series, &plan->series), 0);
	if (p->placed == 0)
		return fault_set(f, ERR_UNUSABLE, "none of its images has a place in space",
				 FAULT_NO_OFFSET);
	if (p->images[0].frame.text[0] == '\0')
		note(w, RT_NOTE_NO_FRAME, RT_NO_ROI, 1, 0);
	return OK;
}

/* ---- Contours ---- */

/* The contour's points and the position it lies at; false with a note when it cannot be used. */
static bool find_position(struct work *w, const struct contour *c, uint32_t i)
{
	struct contour_extent extent;
	int64_t point[3];

	if (!has_area(c)) {
		note(w,
		     c->type == CONTOUR_UNKNOWN ? RT_NOTE_TYPE_UNKNOWN : RT_NOTE_TYPE_HAS_NO_AREA,
		     c->roi, 1, 0);
		return false;
	}
	if (!contour_first_point(c->data, point)) {
		note(w, RT_NOTE_BAD_DATA, c->roi, 1, 0);
		return false;
	}

	uint32_t guess = planes_nearest(&w->planes, planes_along(&w->planes, point));
	const struct rt_image *image = &w->planes.images[w->planes.first[guess]];
	enum contour_data data = contour_measure(c->data, image, &extent);
	if (data != CONTOUR_DATA_OK) {
		note(w, data == CONTOUR_DATA_FEW ? RT_NOTE_TOO_FEW_POINTS : RT_NOTE_BAD_DATA,
		     c->roi, 1, 0);
		return false;
	}
	if (extent.high_mm - extent.low_mm > PLANAR_MM) {
		note(w, RT_NOTE_NOT_PLANAR, c->roi, 1, extent.high_mm - extent.low_mm);
		return false;
	}

	double along = w->planes.at_mm[guess] + (extent.low_mm + extent.high_mm) / 2;
	uint32_t position = planes_nearest(&w->planes, along);
	w->off_mm[i] = along - w->planes.at_mm[position];
	if (!planes_within(&w->planes, position, along)) {
		note(w, RT_NOTE_OFF_PLANES, c->roi, 1, fabs(w->off_mm[i]));
		return false;
	}
	w->position[i] = position;
	w->plan->contour_points[i] = extent.points;
	return true;
}

/* What the image that it names says about a contour that has a position. */
static bool heed_reference(struct work *w, const struct contour *c, uint32_t i)
{
	const struct planes *p = &w->planes;
	uint32_t named = UIDS_NONE;
	bool lies_there = false;

	if (c->image_uid.len > 0)
		named = uids_find(&w->plane_by_uid, c->image_uid);
	if (named != UIDS_NONE && named < p->placed) {
		uint32_t there = p->position_of[named];
		double along = p->at_mm[w->position[i]] + w->off_mm[i];
		double off = along - p->at_mm[there];

		if (fabs(fabs(off) - fabs(w->off_mm[i])) < TIE_MM &&
		    planes_within(p, there, along)) {
			w->position[i] = there;
			w->off_mm[i] = off;
			w->only_plane[i] = named;
			lies_there = true;
		} else {
			note(w, RT_NOTE_UID_DISAGREES, c->roi, 1, fabs(off));
		}
	} else if (c->image_uid.len > 0) {
		note(w, RT_NOTE_UID_UNKNOWN, c->roi, 1, 0);
	} else {
		note(w, RT_NOTE_NO_IMAGE_REFERENCE, c->roi, 1, 0);
	}

	const struct uid *frame = &w->set->rois[c->roi].frame;
	const struct uid *images = &p->images[p->first[w->position[i]]].frame;
	if (frame->text[0] == '\0' || images->text[0] == '\0' || uid_eq(frame, images))
		return true;
	note(w, lies_there ? RT_NOTE_FRAME_DISAGREES : RT_NOTE_OTHER_FRAME, c->roi, 1, 0);
	return lies_there;
}

/* Of several levels of one ROI at one position only the nearest is kept. */
static void keep_nearest(struct work *w, const struct roi *roi)
{
	uint32_t end = roi->contour_first + roi->contour_count;

	for (uint32_t k = 0; k < w->planes.positions; k++)
		w->nearest_mm[k] = HUGE_VAL;
	for (uint32_t i = roi->contour_first; i < end; i++) {
		if (w->position[i] == NOT_USED)
			continue;
		double *nearest = &w->nearest_mm[w->position[i]], off = w->off_mm[i];
		if (fabs(off) < fabs(*nearest) - TIE_MM ||
		    (fabs(off) < fabs(*nearest) + TIE_MM && off < *nearest))
			*nearest = off;
	}
	for (uint32_t i = roi->contour_first; i < end; i++) {
		if (w->position[i] == NOT_USED)
			continue;
		if (fabs(w->off_mm[i] - w->nearest_mm[w->position[i]]) > SAME_LEVEL_MM) {
			note(w, RT_NOTE_NOT_NEAREST, w->set->contours[i].roi, 1,
			     fabs(w->off_mm[i]));
			w->position[i] = NOT_USED;
		}
	}
}

/* Notes and counts about a contour that is used. */
static void count_used(struct work *w, const struct contour *c, uint32_t i)
{
	struct rt_roi_plan *roi = &w->plan->rois[c->roi];
	uint32_t at = w->position[i], points = w->plan->contour_points[i];

	roi->contours_used++;
	roi->contours_unused--;
	roi->points_used += points;
	if (fabs(w->off_mm[i]) > OFF_A_BIT_MM)
		note(w, RT_NOTE_OFF_PLANE_A_BIT, c->roi, 1, fabs(w->off_mm[i]));
	if (c->type == CONTOUR_INTERPOLATED_PLANAR)
		note(w, RT_NOTE_INTERPOLATED, c->roi, 1, 0);
	if (c->points_declared >= 0 && c->points_declared != (int64_t)points)
		note(w, RT_NOTE_POINT_COUNT, c->roi, 1, 0);
	if (c->has_offset)
		note(w, RT_NOTE_OFFSET_VECTOR, c->roi, 1, 0);
	if (w->only_plane[i] == NOT_USED && w->planes.first[at + 1] - w->planes.first[at] > 1)
		note(w, RT_NOTE_SAME_POSITION, c->roi, 1, 0);
}

static void place_contours(struct work *w)
{
	for (uint32_t r = 0; r < w->set->roi_count; r++) {
		const struct roi *roi = &w->set->rois[r];
		uint32_t end = roi->contour_first + roi->contour_count;

		if (!w->plan->rois[r].selected)
			continue;
		for (uint32_t i = roi->contour_first; i < end; i++) {
			const struct contour *c = &w->set->contours[i];

			if (find_position(w, c, i) && !heed_reference(w, c, i))
				w->position[i] = NOT_USED;
		}
		keep_nearest(w, roi);
		for (uint32_t i = roi->contour_first; i < end; i++) {
			if (w->position[i] != NOT_USED)
				count_used(w, &w->set->contours[i], i);
			else
				w->plan->contour_points[i] = 0;
		}
		w->plan->rois[r].selected = w->plan->rois[r].contours_used > 0;
	}
}

/* ---- By plane ---- */

/* Planes [*from, *to) of a contour that is used. */
static void planes_of(const struct work *w, uint32_t i, uint32_t *from, uint32_t *to)
{
	uint32_t at = w->position[i], only = w->only_plane[i];

	*from = only != NOT_USED ? only : w->planes.first[at];
	*to = only != NOT_USED ? only + 1 : w->planes.first[at + 1];
}

static bool sort_by_plane(struct work *w)
{
	struct rt_plan *plan = w->plan;
	uint32_t from, to;

	plan->first = ARENA_NEW(w->a, uint32_t, (size_t)plan->plane_count + 2);
	if (plan->first == NULL)
		return false;
	for (uint32_t i = 0; i < w->set->contour_count; i++) {
		if (w->position[i] == NOT_USED)
			continue;
		for (planes_of(w, i, &from, &to); from < to; from++)
			plan->first[from + 2]++;
	}
	for (uint32_t k = 2; k < plan->plane_count + 2; k++)
		plan->first[k] += plan->first[k - 1];
	plan->order = ARENA_NEW(w->a, uint32_t, plan->first[plan->plane_count + 1]);
	if (plan->order == NULL)
		return false;
	for (uint32_t i = 0; i < w->set->contour_count; i++) {
		if (w->position[i] == NOT_USED)
			continue;
		for (planes_of(w, i, &from, &to); from < to; from++)
			plan->order[plan->first[from + 1]++] = i;
	}
	return true;
}

/* Runs of one ROI in order[]. */
static bool group_by_roi(struct work *w)
{
	struct rt_plan *plan = w->plan;
	uint32_t count = 0;

	plan->first_group = ARENA_NEW(w->a, uint32_t, (size_t)plan->plane_count + 1);
	plan->groups = ARENA_NEW(w->a, struct rt_group, plan->first[plan->plane_count]);
	if (plan->first_group == NULL || plan->groups == NULL)
		return false;
	for (uint32_t k = 0; k < plan->plane_count; k++) {
		plan->first_group[k] = count;
		for (uint32_t at = plan->first[k]; at < plan->first[k + 1]; at++) {
			uint32_t roi = w->set->contours[plan->order[at]].roi;
			bool same =
				count > plan->first_group[k] && plan->groups[count - 1].roi == roi;

			if (!same) {
				plan->groups[count++] = (struct rt_group){.roi = roi, .first = at};
				plan->rois[roi].planes++;
			}
			plan->groups[count - 1].count++;
			plan->groups[count - 1].points += plan->contour_points[plan->order[at]];
		}
	}
	plan->first_group[plan->plane_count] = count;
	return true;
}

/* The table's lines that count something, by kind, then by ROI. */
static bool pack_notes(struct work *w)
{
	struct rt_plan *plan = w->plan;
	uint32_t lines = w->set->roi_count + 1, count = 0;

	for (size_t i = 0; i < (size_t)lines * RT_NOTE_KINDS; i++)
		count += w->table[i].count > 0;
	plan->notes = ARENA_NEW(w->a, struct rt_note, count);
	if (plan->notes == NULL)
		return false;
	for (uint32_t kind = 0; kind < RT_NOTE_KINDS; kind++) {
		for (uint32_t r = 0; r < lines; r++) {
			struct rt_note n = w->table[(size_t)r * RT_NOTE_KINDS + kind];

			n.kind = (enum rt_note_kind)kind;
			n.roi = r == w->set->roi_count ? RT_NO_ROI : r;
			if (n.count > 0)
				plan->notes[plan->note_count++] = n;
		}
	}
	return true;
}

static enum err make(struct work *w, struct fault *f)
{
	enum err e = choose_series(w, f);

	if (e == OK)
		e = prepare_planes(w, f);
	if (e != OK)
		return e;
	place_contours(w);
	if (!sort_by_plane(w) || !group_by_roi(w))
		return fault_set(f, ERR_NOMEM, "no memory for the contours", FAULT_NO_OFFSET);
	if (w->plan->first[w->plan->plane_count] == 0)
		return fault_set(f, ERR_UNUSABLE,
				 "none of its contours can be painted on the images",
				 FAULT_NO_OFFSET);
	return OK;
}

static bool open_work(struct work *w)
{
	struct rt_plan *plan = w->plan;
	uint32_t contours = w->set->contour_count;

	plan->rois = ARENA_NEW(w->a, struct rt_roi_plan, w->set->roi_count);
	plan->contour_points = ARENA_NEW(w->a, uint32_t, contours);
	w->table = ARENA_NEW(w->a, struct rt_note, ((size_t)w->set->roi_count + 1) * RT_NOTE_KINDS);
	w->named = ARENA_NEW(w->a, uint32_t, w->image_count);
	w->position = ARENA_NEW(w->a, uint32_t, contours);
	w->only_plane = ARENA_NEW(w->a, uint32_t, contours);
	w->off_mm = ARENA_NEW(w->a, double, contours);
	if (plan->rois == NULL || plan->contour_points == NULL || w->table == NULL ||
	    w->named == NULL || w->position == NULL || w->only_plane == NULL || w->off_mm == NULL ||
	    !uids_open(&w->by_uid, w->image_count, w->a))
		return false;
	for (uint32_t i = 0; i < contours; i++)
		w->position[i] = w->only_plane[i] = NOT_USED;
	for (uint32_t i = 0; i < w->image_count; i++)
		uids_add(&w->by_uid, &w->images[i].sop_instance, i);
	uids_sort(&w->by_uid);
	return true;
}

enum err rt_plan_make(struct rt_plan *plan, const struct structset *set,
		      const struct rt_image *images, size_t image_count,
		      const struct rt_options *options, struct arena *a, struct fault *f)
{
	struct work w = {.plan = plan,
			 .set = set,
			 .images = images,
			 .image_count = (uint32_t)image_count,
			 .a = a};

	*plan = (struct rt_plan){.set = set, .options = *options};
	if (image_count > LIMIT_IMAGES)
		return fault_set(f, ERR_LIMIT, "more than 100000 images in one study",
				 FAULT_NO_OFFSET);
	if (!open_work(&w))
		return fault_set(f, ERR_NOMEM, "no memory for the contours", FAULT_NO_OFFSET);
	look_at_rois(&w);
	count_named(&w);
	enum err e = make(&w, f);
	if (!pack_notes(&w))
		return fault_set(f, ERR_NOMEM, "no memory for the notes", FAULT_NO_OFFSET);
	return e;
}
