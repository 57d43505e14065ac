#include "rt/contour.h"

#include <math.h>

#include "dicom/number.h"

#define REACH_PM (CONTOUR_REACH_MM * PM_PER_MM)

bool contour_block(struct bytes *text, int64_t points_pm[static CONTOUR_BLOCK * 3], uint32_t *count)
{
	size_t n = 0;

	if (text->len > 0 && ds_list_pm(text, points_pm, (size_t)CONTOUR_BLOCK * 3, &n, NULL) != OK)
		return false;
	for (size_t i = 0; i < n; i++)
		if (points_pm[i] < -REACH_PM || points_pm[i] > REACH_PM)
			return false;
	*count = (uint32_t)(n / 3);
	return n % 3 == 0;
}

bool contour_first_point(struct bytes text, int64_t point_pm[static 3])
{
	size_t n = 0;

	if (text.len == 0 || ds_list_pm(&text, point_pm, 3, &n, NULL) != OK)
		return false;
	for (size_t i = 0; i < n; i++)
		if (point_pm[i] < -REACH_PM || point_pm[i] > REACH_PM)
			return false;
	return n == 3;
}

enum contour_data contour_measure(struct bytes text, const struct rt_image *image,
				  struct contour_extent *out)
{
	int64_t p[CONTOUR_BLOCK * 3];
	double low = HUGE_VAL, high = -HUGE_VAL;
	uint32_t count, points = 0;

	do {
		if (!contour_block(&text, p, &count))
			return CONTOUR_DATA_BAD;
		for (uint32_t i = 0; i < count; i++) {
			double d = rt_image_distance_mm(image, &p[3 * (size_t)i]);

			low = d < low ? d : low;
			high = d > high ? d : high;
		}
		points += count;
		if (points > LIMIT_CONTOUR_POINTS)
			return CONTOUR_DATA_BAD;
	} while (count > 0);
	if (points < 3)
		return CONTOUR_DATA_FEW;
	*out = (struct contour_extent){.points = points, .low_mm = low, .high_mm = high};
	return CONTOUR_DATA_OK;
}
