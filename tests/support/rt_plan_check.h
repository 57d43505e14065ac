/*
 * What holds for every plan, whatever it was made from.  For tests and fuzzing.
 */
#ifndef TESTS_RT_PLAN_CHECK_H
#define TESTS_RT_PLAN_CHECK_H

#include <string.h>

#include "rt/plan.h"

static inline bool plan_names(const struct rt_plan *p, uint32_t plane, uint32_t roi)
{
	for (uint32_t i = p->first[plane]; i < p->first[plane + 1]; i++)
		if (p->set->contours[p->order[i]].roi == roi)
			return true;
	return false;
}

/* Of one ROI: everything is either used or not, and used is what lies on some plane. */
static inline const char *plan_roi_problem(const struct rt_plan *p, uint32_t roi)
{
	const struct roi *r = &p->set->rois[roi];
	const struct rt_roi_plan *q = &p->rois[roi];
	uint32_t used = 0, planes = 0;
	uint64_t points = 0;

	for (uint32_t i = r->contour_first; i < r->contour_first + r->contour_count; i++) {
		used += p->contour_points[i] > 0;
		points += p->contour_points[i];
		if (p->contour_points[i] > 0 && p->contour_points[i] < 3)
			return "a contour of fewer than three points is used";
	}
	for (uint32_t k = 0; k < p->plane_count; k++)
		planes += plan_names(p, k, roi);
	if (q->contours_used + q->contours_unused != r->contour_count)
		return "used and unused are not all";
	if (q->contours_used != used || q->points_used != points)
		return "used contours are not those with points";
	if (q->planes != planes)
		return "planes of a ROI";
	if (q->selected != (used > 0))
		return "selected without contours, or contours without being selected";
	return NULL;
}

static inline const char *plan_plane_problem(const struct rt_plan *p, uint32_t k)
{
	uint32_t at = p->first[k];

	if (p->first[k] > p->first[k + 1] || p->first_group[k] > p->first_group[k + 1])
		return "planes out of order";
	if (k >= p->placed_count && p->first[k] != p->first[k + 1])
		return "contours on an image without a place";
	if ((k < p->placed_count) != (p->planes[k].unusable == NULL))
		return "placed images are not in front";
	if (k > 0 && k < p->placed_count && p->planes[k].along_mm < p->planes[k - 1].along_mm)
		return "planes are not sorted";
	if (!(p->gap_mm[k] >= 0) || (k >= p->placed_count && p->gap_mm[k] > 0))
		return "a negative gap, or one of an image without a place";
	for (uint32_t g = p->first_group[k]; g < p->first_group[k + 1]; g++) {
		const struct rt_group *group = &p->groups[g];
		uint64_t points = 0;

		if (group->first != at || group->count == 0)
			return "groups do not follow one another";
		if (g > p->first_group[k] && group->roi <= group[-1].roi)
			return "groups of a plane are not in the order of ROIs";
		for (; at < group->first + group->count; at++) {
			if (p->set->contours[p->order[at]].roi != group->roi)
				return "a contour in the group of another ROI";
			if (at > group->first && p->order[at] <= p->order[at - 1])
				return "contours of a group are not in the order of the file";
			points += p->contour_points[p->order[at]];
			if (p->contour_points[p->order[at]] == 0)
				return "an unused contour on a plane";
		}
		if (points != group->points)
			return "points of a group";
	}
	return at == p->first[k + 1] ? NULL : "groups do not cover their plane";
}

/* NULL, or what is wrong.  Of a plan that was made, or refused with ERR_UNUSABLE. */
static inline const char *plan_problem(const struct rt_plan *p, enum err e)
{
	const char *why = NULL;
	bool any = false;

	if (p->placed_count > p->plane_count || p->first[0] != 0 || p->first_group[0] != 0)
		return "planes";
	for (uint32_t k = 0; k < p->plane_count && why == NULL; k++)
		why = plan_plane_problem(p, k);
	for (uint32_t i = 0; i < p->set->roi_count && why == NULL; i++) {
		why = plan_roi_problem(p, i);
		any = any || p->rois[i].selected;
	}
	for (uint32_t i = 0; i < p->note_count && why == NULL; i++) {
		const struct rt_note *n = &p->notes[i];

		if (n->count == 0 || !(n->worst_mm >= 0) || (unsigned)n->kind >= RT_NOTE_KINDS ||
		    (n->roi != RT_NO_ROI && n->roi >= p->set->roi_count))
			why = "a note about nothing";
		if (i > 0 && n->roi == n[-1].roi && n->kind <= n[-1].kind)
			why = "notes are not one per kind and ROI";
	}
	if (why == NULL && any != (e == OK))
		why = "something is usable, and refused; or nothing is, and it passes";
	return why;
}

#endif
