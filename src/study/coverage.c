#include "study/coverage.h"

#include <math.h>

#include "dicom/number.h"

/* Which of the patient's axes a direction follows most (PS3.3 C.7.6.2.1.1: x grows to the left, y
 * to the back, z to the head), as its two ends from low to high. */
static const char *axis_of(const double d[static 3])
{
	static const char *const ends[3][2] = {{"R-L", "L-R"}, {"A-P", "P-A"}, {"F-H", "H-F"}};
	unsigned most = 0;

	for (unsigned i = 1; i < 3; i++)
		if (fabs(d[i]) > fabs(d[most]))
			most = i;
	return ends[most][d[most] < 0];
}

static bool list_planes(struct report_set *out, const struct rt_plan *plan, struct arena *a)
{
	out->planes = ARENA_NEW(a, struct report_plane, plan->placed_count);
	if (out->planes == NULL)
		return false;
	for (uint32_t k = 0; k < plan->placed_count; k++)
		out->planes[k] = (struct report_plane){plan->planes[k].along_mm, plan->gap_mm[k]};
	out->plane_count = plan->placed_count;
	if (plan->placed_count > 0) {
		out->axis[0] = axis_of(plan->planes[0].row_dir);
		out->axis[1] = axis_of(plan->planes[0].col_dir);
		out->axis[2] = axis_of(plan->planes[0].normal);
	}
	return true;
}

/* Each ROI's cover, as parts of one array; `slices` is counted for that, and again later. */
static bool share_covers(struct report_set *out, const struct slice_job *job,
			 struct report_cover **next, struct arena *a)
{
	const struct rt_plan *plan = job->plan;
	uint32_t total = 0;

	for (uint32_t k = 0; k < plan->placed_count; k++)
		for (uint32_t i = 0; i < job->first[k + 1] - job->first[k]; i++) {
			bool any = job->areas[job->first[k] + i].pixels > 0;

			out->rois[rt_plane_roi(plan, k, i)].slices += any;
			total += any;
		}

	struct report_cover *all = ARENA_NEW(a, struct report_cover, total);
	if (all == NULL)
		return false;
	for (uint32_t i = 0; i < out->roi_count; i++) {
		out->rois[i].cover = next[i] = all;
		all += out->rois[i].slices;
		out->rois[i].slices = 0;
	}
	return true;
}

static void stretch(struct report_roi *roi, unsigned axis, double low, double high)
{
	bool first = roi->slices == 1; /* the slice at hand is counted */

	if (first || low < roi->low_mm[axis])
		roi->low_mm[axis] = low;
	if (first || high > roi->high_mm[axis])
		roi->high_mm[axis] = high;
}

/* Where the middle of the first pixel lies along a direction. */
static double along(const struct rt_image *image, const double d[static 3])
{
	double sum = 0;

	for (unsigned i = 0; i < 3; i++)
		sum += (double)image->position_pm[i] * d[i];
	return sum / (double)PM_PER_MM;
}

/* One ROI on one image. */
static void add(struct report_roi *roi, const struct rt_image *image, double gap_mm,
		const struct slice_area *area)
{
	double col_mm = (double)image->col_spacing_pm / (double)PM_PER_MM;
	double row_mm = (double)image->row_spacing_pm / (double)PM_PER_MM;
	double at_col = along(image, image->row_dir) - col_mm / 2;
	double at_row = along(image, image->col_dir) - row_mm / 2;
	double pixel_mm2 = row_mm * col_mm;

	if (!(gap_mm > 0))
		roi->has_volume = false;
	roi->contours_ml += (double)area->contours_q16 / 65536 * pixel_mm2 * gap_mm / 1000;
	if (area->pixels == 0)
		return;
	roi->slices++;
	roi->area_px += area->pixels;
	roi->area_mm2 += area->pixels * pixel_mm2;
	roi->volume_ml += area->pixels * pixel_mm2 * gap_mm / 1000;
	stretch(roi, 0, at_col + area->col0 * col_mm, at_col + area->col1 * col_mm);
	stretch(roi, 1, at_row + area->row0 * row_mm, at_row + area->row1 * row_mm);
	stretch(roi, 2, image->along_mm - gap_mm / 2, image->along_mm + gap_mm / 2);
}

bool coverage_add(struct report_set *out, const struct slice_job *job, struct arena *a)
{
	const struct rt_plan *plan = job->plan;
	struct report_cover **next = ARENA_NEW(a, struct report_cover *, out->roi_count);

	if (next == NULL || !list_planes(out, plan, a) || !share_covers(out, job, next, a))
		return false;
	for (uint32_t k = 0; k < plan->placed_count; k++)
		for (uint32_t i = 0; i < job->first[k + 1] - job->first[k]; i++) {
			const struct slice_area *area = &job->areas[job->first[k] + i];
			uint32_t roi = rt_plane_roi(plan, k, i);

			add(&out->rois[roi], &plan->planes[k], plan->gap_mm[k], area);
			if (area->pixels > 0)
				*next[roi]++ = (struct report_cover){k, area->pixels};
		}
	return true;
}
