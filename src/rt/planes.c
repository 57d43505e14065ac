#include "rt/planes.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/number.h"

#define SORTS_MAX 64u       /* orientations told apart in one series */
#define DIRECTION_SAME 1e-3 /* components of directions that are written alike */
#define GAP_FACTOR 1.75     /* an interval this much wider than its neighbours lacks slices */
#define TIE_MM 1e-6         /* distances that differ by less are equal */
#define UNEVEN_SHARE 0.01
#define UNEVEN_MM 0.01
#define TILT_SHARE 0.005 /* sideways per way along: a quarter of a degree */
#define TILT_MM 0.5
#define SINGLE 1e9 /* no interval: further than anything */

/* ---- One sort of images ---- */

struct sort {
	const struct rt_image *first;
	uint32_t count;
	uint64_t named;
};

static bool same_sort(const struct rt_image *a, const struct rt_image *b)
{
	assert(a != NULL && b != NULL);
	for (int i = 0; i < 3; i++)
		if (fabs(a->row_dir[i] - b->row_dir[i]) > DIRECTION_SAME ||
		    fabs(a->col_dir[i] - b->col_dir[i]) > DIRECTION_SAME)
			return false;
	return uid_eq(&a->frame, &b->frame);
}

/* The index of the image's sort, or `count`. */
static uint32_t sort_of(const struct sort *sorts, uint32_t count, const struct rt_image *image)
{
	uint32_t i = 0;

	while (i < count && !same_sort(sorts[i].first, image))
		i++;
	return i;
}

/* The image that stands for the stack's orientation and frame, or NULL: none has a place. */
static const struct rt_image *find_sort(const struct planes_in *in, uint32_t count)
{
	struct sort sorts[SORTS_MAX] = {{0}};
	uint32_t sort_count = 0, best = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (in[i].image->unusable != NULL)
			continue;

		uint32_t k = sort_of(sorts, sort_count, in[i].image);
		if (k == SORTS_MAX)
			continue;
		if (k == sort_count)
			sorts[sort_count++] = (struct sort){.first = in[i].image};
		sorts[k].count++;
		sorts[k].named += in[i].named;
	}
	for (uint32_t k = 1; k < sort_count; k++)
		if (sorts[k].named > sorts[best].named ||
		    (sorts[k].named == sorts[best].named && sorts[k].count > sorts[best].count))
			best = k;
	return sort_count > 0 ? sorts[best].first : NULL;
}

/* ---- The stack ---- */

static double along(const double normal[static 3], const int64_t point_pm[static 3])
{
	return ((double)point_pm[0] * normal[0] + (double)point_pm[1] * normal[1] +
		(double)point_pm[2] * normal[2]) /
	       (double)PM_PER_MM;
}

static int by_place(const void *a, const void *b)
{
	const struct rt_image *x = a, *y = b;

	if ((x->unusable == NULL) != (y->unusable == NULL))
		return x->unusable == NULL ? -1 : 1;
	if (x->unusable == NULL && x->along_mm != y->along_mm)
		return x->along_mm < y->along_mm ? -1 : 1;
	return strcmp(x->sop_instance.text, y->sop_instance.text);
}

static void copy_images(struct planes *p, const struct planes_in *in, uint32_t count)
{
	const struct rt_image *model = find_sort(in, count);

	if (model != NULL)
		memcpy(p->normal, model->normal, sizeof(p->normal));
	for (uint32_t i = 0; i < count; i++) {
		struct rt_image *m = &p->images[i];

		*m = *in[i].image;
		p->multiframe += m->multiframe;
		if (m->unusable == NULL && !same_sort(model, m)) {
			m->unusable = "another orientation or frame of reference than the series";
			p->set_apart++;
		}
		m->along_mm = m->unusable == NULL ? along(p->normal, m->position_pm) : 0;
		p->placed += m->unusable == NULL;
	}
}

static void find_positions(struct planes *p)
{
	for (uint32_t i = 0; i < p->placed; i++) {
		double at = p->images[i].along_mm;

		if (i == 0 || at - p->at_mm[p->positions - 1] > PLANES_SAME_MM) {
			p->first[p->positions] = i;
			p->at_mm[p->positions++] = at;
		}
		p->position_of[i] = p->positions - 1;
	}
	p->first[p->positions] = p->placed;
}

bool planes_build(struct planes *p, const struct planes_in *in, uint32_t count, double tolerance_mm,
		  struct arena *a)
{
	*p = (struct planes){.count = count, .tolerance_mm = tolerance_mm};
	p->images = ARENA_NEW(a, struct rt_image, count);
	p->position_of = ARENA_NEW(a, uint32_t, count);
	p->first = ARENA_NEW(a, uint32_t, (size_t)count + 1);
	p->at_mm = ARENA_NEW(a, double, count);
	if (p->images == NULL || p->position_of == NULL || p->first == NULL || p->at_mm == NULL)
		return false;
	copy_images(p, in, count);
	if (count > 0)
		qsort(p->images, count, sizeof(*p->images), by_place);
	find_positions(p);
	return true;
}

/* ---- Distances ---- */

/* Interval i, or SINGLE where there is none. */
static double interval(const struct planes *p, int64_t i)
{
	if (i < 0 || i + 1 >= (int64_t)p->positions)
		return SINGLE;
	return p->at_mm[i + 1] - p->at_mm[i];
}

static double thickness_mm(const struct planes *p, uint32_t position)
{
	return (double)p->images[p->first[position]].thickness_pm / (double)PM_PER_MM;
}

/* The widest that interval i would be if no slice were missing there. */
static double regular(const struct planes *p, int64_t i)
{
	double before = interval(p, i - 1), after = interval(p, i + 1);
	double thickness = thickness_mm(p, (uint32_t)i);

	if (before < SINGLE && after < SINGLE)
		return before > after ? before : after;
	if (before < SINGLE || after < SINGLE)
		return before < after ? before : after;
	return thickness > 0 ? thickness : interval(p, i);
}

static bool is_gap(const struct planes *p, int64_t i)
{
	return interval(p, i) < SINGLE && interval(p, i) > GAP_FACTOR * regular(p, i);
}

static double least(double a, double b)
{
	return a < b ? a : b;
}

double planes_along(const struct planes *p, const int64_t point_pm[static 3])
{
	return along(p->normal, point_pm);
}

double planes_spacing(const struct planes *p, uint32_t position, double along_mm)
{
	assert(position < p->positions);

	int64_t i = (int64_t)position - (along_mm < p->at_mm[position]);
	double thickness = thickness_mm(p, position);
	if (p->positions == 1)
		return thickness;
	if (i < 0)
		i = 0;
	if (i + 1 == (int64_t)p->positions)
		i--;

	double spacing = least(interval(p, i), least(interval(p, i - 1), interval(p, i + 1)));
	if (thickness > 0 && spacing > GAP_FACTOR * thickness)
		spacing = thickness;
	return spacing;
}

uint32_t planes_nearest(const struct planes *p, double along_mm)
{
	uint32_t low = 0, high = p->positions; /* the first position at or above the place */

	assert(p->positions > 0);
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (p->at_mm[mid] < along_mm)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == p->positions)
		return low - 1;
	if (low == 0)
		return 0;
	return along_mm - p->at_mm[low - 1] <= p->at_mm[low] - along_mm + TIE_MM ? low - 1 : low;
}

bool planes_within(const struct planes *p, uint32_t position, double along_mm)
{
	double spacing = planes_spacing(p, position, along_mm);
	double tolerance = p->tolerance_mm;

	if (spacing > 0)
		tolerance = least(tolerance, spacing / 2);
	return fabs(along_mm - p->at_mm[position]) <= tolerance + TIE_MM;
}

/* What of interval i belongs to the slices beside it. */
static double covered(const struct planes *p, int64_t i)
{
	return is_gap(p, i) ? regular(p, i) : interval(p, i);
}

void planes_gaps(const struct planes *p, double *gap_mm)
{
	for (uint32_t i = 0; i < p->placed; i++) {
		int64_t at = p->position_of[i];
		bool first = at == 0, last = at + 1 == (int64_t)p->positions;
		double below = first ? 0 : covered(p, at - 1);
		double above = last ? 0 : covered(p, at);

		if (first && last)
			gap_mm[i] = thickness_mm(p, 0);
		else if (first || last)
			gap_mm[i] = below + above;
		else
			gap_mm[i] = (below + above) / 2;
	}
}

/* ---- Oddities ---- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void look_at_intervals(const struct planes *p, struct planes_oddities *o, double median)
{
	for (int64_t i = 0; i + 1 < (int64_t)p->positions; i++) {
		double off = fabs(interval(p, i) - median);

		if (is_gap(p, i)) {
			o->gaps++;
			o->gap_mm = interval(p, i) > o->gap_mm ? interval(p, i) : o->gap_mm;
		} else if (off > UNEVEN_MM && off > UNEVEN_SHARE * median) {
			o->uneven++;
			o->uneven_mm = off > o->uneven_mm ? off : o->uneven_mm;
		}
	}
}

/* From the first slice to the last: what is not along the normal. */
static void look_for_tilt(const struct planes *p, struct planes_oddities *o)
{
	const int64_t *a = p->images[0].position_pm, *b = p->images[p->placed - 1].position_pm;
	double way = p->at_mm[p->positions - 1] - p->at_mm[0], sideways = 0;

	for (int i = 0; i < 3; i++) {
		double d = rt_minus_pm(b[i], a[i]) / (double)PM_PER_MM - way * p->normal[i];
		sideways += d * d;
	}
	sideways = sqrt(sideways);
	if (sideways > TILT_MM && sideways > TILT_SHARE * way) {
		o->tilted = true;
		o->tilt_mm = sideways;
	}
}

bool planes_look(const struct planes *p, struct planes_oddities *out, struct arena *a)
{
	struct planes_oddities o = {0};

	if (p->positions > 1) {
		size_t mark = arena_mark(a);
		uint32_t count = p->positions - 1;
		double *sorted = ARENA_NEW(a, double, count);

		if (sorted == NULL)
			return false;
		for (uint32_t i = 0; i < count; i++)
			sorted[i] = interval(p, i);
		qsort(sorted, count, sizeof(*sorted), by_value);
		/* the lower one of two: a gap is wide, and no measure of the others */
		look_at_intervals(p, &o, sorted[(count - 1) / 2]);
		look_for_tilt(p, &o);
		arena_reset(a, mark);
	}
	*out = o;
	return true;
}
