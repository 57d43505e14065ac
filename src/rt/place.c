/*
 * A contour is measured against a candidate plane: the one that it names, or the nearest to
 * its first point.  That tells whether it is parallel, and where its middle is (its level);
 * the level decides the position.
 *
 * Two passes over a ROI: the first places each contour on its own, the second leaves out those
 * that are not of the nearest level at their position.
 */
#include "rt/place.h"

#include <assert.h>
#include <math.h>

#include "dicom/number.h"
#include "rt/contour.h"
#include "rt/series.h"

/* The points of a contour may lie this far apart along the normal. */
#define PLANAR_MM 0.1
#define PLANAR_MOST_MM 0.5
#define OFF_A_BIT_MM 0.1
/* Contours within this of one another, along the normal, are of one level. */
#define LEVEL_MM 0.2
#define LEVEL_SHARE 0.25 /* of the spacing, at most */
#define TIE_MM 1e-6

bool placer_open(struct placer *p, const struct structset *set, const struct planes *planes,
		 bool frame_by_name, struct arena *a)
{
	*p = (struct placer){
		.set = set,
		.planes = planes,
		.frame_by_name = frame_by_name,
		.spots = ARENA_NEW(a, struct spot, set->contour_count),
		.points = ARENA_NEW(a, uint32_t, set->contour_count),
		.position_stamp = ARENA_NEW(a, uint32_t, planes->positions),
		.position_offset = ARENA_NEW(a, double, planes->positions),
		.plane_stamp = ARENA_NEW(a, uint32_t, planes->count),
	};
	if (p->spots == NULL || p->points == NULL || p->position_stamp == NULL ||
	    p->position_offset == NULL || p->plane_stamp == NULL ||
	    !uids_open(&p->plane_uids, planes->count, a))
		return false;
	for (uint32_t i = 0; i < planes->count; i++)
		uids_add(&p->plane_uids, &planes->images[i].sop_instance, i);
	uids_sort(&p->plane_uids);
	for (uint32_t i = 0; i < set->contour_count; i++)
		p->spots[i].position = PLACE_NOWHERE;
	return true;
}

void spot_planes(const struct planes *planes, const struct spot *s, uint32_t *from, uint32_t *to)
{
	assert(s->position != PLACE_NOWHERE);
	*from = s->plane == PLACE_ALL ? planes->first[s->position] : s->plane;
	*to = s->plane == PLACE_ALL ? planes->first[s->position + 1] : s->plane + 1;
}

static void tell(struct tally *t, enum rt_note_kind kind, double mm)
{
	t->count[kind]++;
	t->worst_mm[kind] = mm > t->worst_mm[kind] ? mm : t->worst_mm[kind];
}

/* ---- One contour ---- */

static double worst_of(double low, double high)
{
	return -low > high ? -low : high;
}

/* RT_NOTE_KINDS: in one; else why not. */
static enum rt_note_kind type_problem(const struct contour *c)
{
	if (series_has_area(c))
		return RT_NOTE_KINDS;
	return c->type == CONTOUR_UNKNOWN ? RT_NOTE_TYPE_UNKNOWN : RT_NOTE_TYPE_HAS_NO_AREA;
}

static double dot(const double a[static 3], const double b[static 3])
{
	return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/*
 * Directions with few decimals are not quite perpendicular or of unit length; by as much as that
 * tells, the normal is not quite that which contours were drawn with, and at the rim of the
 * image they leave the plane.
 */
static double planar_tolerance(const struct rt_image *m)
{
	double width = (double)m->cols * (double)m->col_spacing_pm;
	double height = (double)m->rows * (double)m->row_spacing_pm;
	double side_mm = (width > height ? width : height) / (double)PM_PER_MM;
	const double off[3] = {
		fabs(dot(m->row_dir, m->row_dir) - 1),
		fabs(dot(m->col_dir, m->col_dir) - 1),
		fabs(dot(m->row_dir, m->col_dir)),
	};
	double most = off[0] > off[1] ? off[0] : off[1];
	double tolerance = PLANAR_MM + (most > off[2] ? most : off[2]) * side_mm;

	return tolerance < PLANAR_MOST_MM ? tolerance : PLANAR_MOST_MM;
}

/* Is the frame of reference of the contour's ROI that of the images, as far as can be told? */
static bool frame_agrees(const struct placer *p, uint32_t roi)
{
	const struct uid *own = series_roi_frame(p->set, roi);
	const struct uid *theirs = &p->planes->images[0].frame;

	if (own->text[0] == '\0' || theirs->text[0] == '\0')
		return p->frame_by_name;
	return uid_eq(own, theirs);
}

/* Everything there is to say about a contour that is used. */
static void tell_used(const struct placer *p, uint32_t contour, struct tally *t)
{
	const struct contour *c = &p->set->contours[contour];
	const struct spot *s = &p->spots[contour];

	if (c->image_uid.len == 0)
		tell(t, RT_NOTE_NO_IMAGE_REFERENCE, 0);
	else if (s->named == UIDS_NONE)
		tell(t, RT_NOTE_UID_UNKNOWN, 0);
	else if (!s->by_name && c->image_count == 1)
		tell(t, RT_NOTE_UID_DISAGREES, 0);
	if (s->worst_mm > OFF_A_BIT_MM)
		tell(t, RT_NOTE_OFF_PLANE_A_BIT, s->worst_mm);
	if (c->type == CONTOUR_INTERPOLATED_PLANAR)
		tell(t, RT_NOTE_INTERPOLATED, 0);
	if (c->points_declared >= 0 && c->points_declared != p->points[contour])
		tell(t, RT_NOTE_POINT_COUNT, 0);
	if (c->has_offset)
		tell(t, RT_NOTE_OFFSET_VECTOR, 0);
	if (!frame_agrees(p, c->roi))
		tell(t, RT_NOTE_FRAME_DISAGREES, 0);
}

/* Where it is, and how many points it has; RT_NOTE_KINDS, or why it is nowhere. */
static enum rt_note_kind measure(const struct placer *p, const struct contour *c, struct spot *s,
				 uint32_t *points)
{
	const struct planes *planes = p->planes;
	struct contour_extent extent;
	int64_t first[3];

	*s = (struct spot){.named = UIDS_NONE, .plane = PLACE_ALL};
	if (!contour_first_point(c->data, first))
		return bytes_trim(c->data).len == 0 ? RT_NOTE_TOO_FEW_POINTS : RT_NOTE_BAD_DATA;
	if (c->image_uid.len > 0)
		s->named = uids_find(&p->plane_uids, c->image_uid);

	bool name_is_placed = s->named < planes->placed;
	uint32_t candidate =
		name_is_placed ? s->named
			       : planes->first[planes_nearest(planes, planes_along(planes, first))];
	enum contour_data data = contour_measure(c->data, &planes->images[candidate], &extent);
	if (data != CONTOUR_DATA_OK)
		return data == CONTOUR_DATA_FEW ? RT_NOTE_TOO_FEW_POINTS : RT_NOTE_BAD_DATA;

	double along = planes->images[candidate].along_mm;
	double level = along + (extent.low_mm + extent.high_mm) / 2;
	s->position = planes->position_of[candidate];
	s->by_name = name_is_placed && planes_within(planes, s->position, level);
	if (!s->by_name && !frame_agrees(p, c->roi))
		return RT_NOTE_OTHER_FRAME;
	if (!s->by_name)
		s->position = planes_nearest(planes, level);

	double at = planes->at_mm[s->position], spread = extent.high_mm - extent.low_mm;
	if (spread > planar_tolerance(&planes->images[candidate])) {
		s->worst_mm = spread;
		return RT_NOTE_NOT_PLANAR;
	}
	s->worst_mm = worst_of(along - at + extent.low_mm, along - at + extent.high_mm);
	if (!planes_within(planes, s->position, level))
		return RT_NOTE_OFF_PLANES;
	s->offset_mm = level - at;
	*points = extent.points;
	return RT_NOTE_KINDS;
}

/* The first pass. */
static void place_one(struct placer *p, uint32_t contour, struct tally *t)
{
	const struct planes *planes = p->planes;
	const struct contour *c = &p->set->contours[contour];
	struct spot *s = &p->spots[contour];
	enum rt_note_kind why = type_problem(c);

	if (why == RT_NOTE_KINDS)
		why = measure(p, c, s, &p->points[contour]);
	if (why != RT_NOTE_KINDS) {
		s->position = PLACE_NOWHERE;
		tell(t, why, s->worst_mm);
		return;
	}
	if (s->by_name && c->image_count == 1 &&
	    planes->first[s->position] + 1 < planes->first[s->position + 1])
		s->plane = s->named; /* one of several there */
}

/* ---- Levels ---- */

static bool is_nearer(double a, double b)
{
	return fabs(a) < fabs(b) - TIE_MM || (fabs(a) < fabs(b) + TIE_MM && a < b);
}

static void find_levels(struct placer *p, uint32_t roi)
{
	const struct roi *r = &p->set->rois[roi];

	for (uint32_t i = r->contour_first; i < r->contour_first + r->contour_count; i++) {
		const struct spot *s = &p->spots[i];

		if (s->position == PLACE_NOWHERE)
			continue;
		if (p->position_stamp[s->position] != roi + 1 ||
		    is_nearer(s->offset_mm, p->position_offset[s->position]))
			p->position_offset[s->position] = s->offset_mm;
		p->position_stamp[s->position] = roi + 1;
	}
}

static bool is_of_the_level(const struct placer *p, const struct spot *s)
{
	double best = p->position_offset[s->position];
	double spacing =
		planes_spacing(p->planes, s->position, p->planes->at_mm[s->position] + best);
	double tolerance =
		spacing > 0 && spacing * LEVEL_SHARE < LEVEL_MM ? spacing * LEVEL_SHARE : LEVEL_MM;

	return fabs(s->offset_mm - best) <= tolerance + TIE_MM;
}

/* ---- A ROI ---- */

static void use(struct placer *p, uint32_t contour, struct rt_roi_plan *out, struct tally *t)
{
	const struct contour *c = &p->set->contours[contour];
	const struct spot *s = &p->spots[contour];
	uint32_t from, to;

	out->contours_used++;
	out->points_used += p->points[contour];
	tell_used(p, contour, t);
	spot_planes(p->planes, s, &from, &to);
	if (to - from > 1)
		tell(t, RT_NOTE_SAME_POSITION, 0);
	for (uint32_t k = from; k < to; k++) {
		out->planes += p->plane_stamp[k] != c->roi + 1;
		p->plane_stamp[k] = c->roi + 1;
	}
}

void placer_roi(struct placer *p, uint32_t roi, struct rt_roi_plan *out, struct tally *t)
{
	const struct roi *r = &p->set->rois[roi];

	for (uint32_t i = r->contour_first; i < r->contour_first + r->contour_count; i++)
		place_one(p, i, t);
	find_levels(p, roi);
	for (uint32_t i = r->contour_first; i < r->contour_first + r->contour_count; i++) {
		struct spot *s = &p->spots[i];

		if (s->position == PLACE_NOWHERE)
			continue;
		if (is_of_the_level(p, s)) {
			use(p, i, out, t);
			continue;
		}
		tell(t, RT_NOTE_NOT_NEAREST, fabs(s->offset_mm));
		s->position = PLACE_NOWHERE;
		p->points[i] = 0;
	}
	out->contours_unused = r->contour_count - out->contours_used;
}
