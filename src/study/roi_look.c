#include "study/roi_look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A ROI that has a colour of its own. */
struct colored {
	uint32_t rgb, index;
};

static int by_color(const void *a, const void *b)
{
	const struct colored *x = a, *y = b;

	if (x->rgb != y->rgb)
		return x->rgb < y->rgb ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

struct roi_look *roi_looks(const struct structset *set, struct arena *a)
{
	struct roi_look *looks = ARENA_NEW(a, struct roi_look, set->roi_count);
	size_t mark = arena_mark(a);
	struct colored *own = ARENA_NEW(a, struct colored, set->roi_count);
	uint32_t count = 0, colorless = 0, same = 0;

	if (looks == NULL || own == NULL)
		return NULL;
	for (uint32_t i = 0; i < set->roi_count; i++) {
		const struct roi *r = &set->rois[i];
		uint32_t rgb =
			(uint32_t)r->color[0] << 16 | (uint32_t)r->color[1] << 8 | r->color[2];

		if (r->has_color)
			own[count++] = (struct colored){rgb, i};
		else
			picture_default(colorless++, looks[i].color, &looks[i].line);
	}
	if (count > 0) /* qsort takes no NULL */
		qsort(own, count, sizeof(*own), by_color);
	for (uint32_t i = 0; i < count; i++) {
		struct roi_look *look = &looks[own[i].index];

		same = i > 0 && own[i].rgb == own[i - 1].rgb ? same + 1 : 0;
		memcpy(look->color, set->rois[own[i].index].color, sizeof(look->color));
		look->line = picture_line(same);
	}
	arena_reset(a, mark);
	return looks;
}

struct bytes roi_label(const struct roi *roi, struct arena *a)
{
	char text[32];

	if (roi->name.len > 0)
		return roi->name;
	snprintf(text, sizeof(text), "ROI %lld", (long long)roi->number);
	return arena_copy(a, bytes_str(text));
}

struct bytes roi_description(const struct roi *roi, struct arena *a)
{
	char text[256], type[64], algorithm[64];

	bytes_to_str(roi->interpreted_type, type, sizeof(type));
	bytes_to_str(roi->algorithm, algorithm, sizeof(algorithm));
	snprintf(text, sizeof(text), "ROI %lld%s%s%s%s", (long long)roi->number,
		 type[0] != '\0' ? ", " : "", type, algorithm[0] != '\0' ? ", " : "", algorithm);
	return arena_copy(a, bytes_str(text));
}

bool roi_is_body(const struct roi *roi)
{
	return bytes_eq_str(roi->interpreted_type, "EXTERNAL");
}
