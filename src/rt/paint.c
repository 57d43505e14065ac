/*
 * From the text of Contour Data to pixels, one ROI on one plane at a time:
 *
 *     x\y\z text -> picometres (int64) -> column and row (double) -> Q.12 -> region_fill
 *
 * The plan has already parsed every contour once and left out what cannot be used, so an error
 * here means that the input changed under us.
 */
#include "rt/paint.h"

#include "base/limits.h"
#include "dicom/number.h"

/* Coordinates parsed at a time: a multiple of three. */
#define BLOCK (3 * 128)

enum err painter_open(struct painter *p, const struct rt_plan *plan, struct fault *f)
{
	*p = (struct painter){.plan = plan};
	return arena_open(&p->scratch, LIMIT_ARENA_STUDY, f);
}

void painter_close(struct painter *p)
{
	arena_close(&p->scratch);
}

static uint32_t roi_of(const struct rt_plan *plan, uint32_t at)
{
	return plan->set->contours[plan->order[at]].roi;
}

/* The end of the group of contours of one ROI that begins at `at`. */
static uint32_t group_end(const struct rt_plan *plan, uint32_t plane, uint32_t at)
{
	uint32_t end = plan->first[plane + 1], roi = roi_of(plan, at);

	do {
		at++;
	} while (at < end && roi_of(plan, at) == roi);
	return at;
}

/* Where the i-th group of a plane begins; the plane's end when it has no so many. */
static uint32_t group_begin(const struct rt_plan *plan, uint32_t plane, uint32_t i)
{
	uint32_t at = plan->first[plane], end = plan->first[plane + 1];

	while (i > 0 && at < end) {
		at = group_end(plan, plane, at);
		i--;
	}
	return at;
}

uint32_t rt_plane_roi_count(const struct rt_plan *plan, uint32_t plane)
{
	uint32_t count = 0;

	for (uint32_t at = plan->first[plane]; at < plan->first[plane + 1];) {
		at = group_end(plan, plane, at);
		count++;
	}
	return count;
}

uint32_t rt_plane_roi(const struct rt_plan *plan, uint32_t plane, uint32_t i)
{
	return roi_of(plan, group_begin(plan, plane, i));
}

/* Most points that `len` bytes of text can hold: a digit and a backslash each number. */
static size_t points_room(size_t len)
{
	return len / 6 + 1;
}

static enum err no_memory(struct fault *f)
{
	return fault_tag(f, ERR_NOMEM, "no memory for the contours of one ROI on one image",
			 FAULT_NO_OFFSET, TAG_ContourData);
}

/*
 * Columns and rows of a whole contour as doubles, for the rare one that reaches so far that it
 * must be clipped.
 */
static enum err clip_contour(struct arena *a, const struct rt_affine *affine, struct bytes text,
			     struct polygon *out, struct fault *f)
{
	int64_t block[BLOCK];
	size_t count, points = 0, kept, room = points_room(text.len);
	double *pairs = arena_alloc(a, room, 2 * sizeof(pairs[0]));
	struct q12 *v = ARENA_NEW(a, struct q12, RASTER_CLIP_ROOM(room));

	if (pairs == NULL || v == NULL)
		return no_memory(f);
	while (text.len > 0) {
		enum err e = ds_list_pm(&text, block, BLOCK, &count, f);

		if (e != OK)
			return e;
		for (size_t i = 0; i + 3 <= count && points < room; i += 3, points++)
			rt_affine_apply(affine, block + i, &pairs[2 * points],
					&pairs[2 * points + 1]);
	}
	if (!raster_clip(pairs, points, v, &kept))
		return fault_tag(f, ERR_WIRE, "a contour reaches absurdly far from its image",
				 FAULT_NO_OFFSET, TAG_ContourData);
	out->v = v;
	out->count = (uint32_t)kept;
	return OK;
}

/* Vertices of one contour, in the arena. */
static enum err read_contour(struct arena *a, const struct rt_affine *affine, struct bytes text,
			     struct polygon *out, struct fault *f)
{
	int64_t block[BLOCK];
	struct bytes rest = text;
	size_t count, points = 0, room = points_room(text.len);
	struct q12 *v = ARENA_NEW(a, struct q12, room);

	if (v == NULL)
		return no_memory(f);
	while (rest.len > 0) {
		enum err e = ds_list_pm(&rest, block, BLOCK, &count, f);

		if (e != OK)
			return e;
		for (size_t i = 0; i + 3 <= count && points < room; i += 3, points++) {
			double col, row;

			rt_affine_apply(affine, block + i, &col, &row);
			if (!raster_snap(col, row, &v[points]))
				return clip_contour(a, affine, text, out, f);
		}
	}
	out->v = v;
	out->count = (uint32_t)points;
	return OK;
}

enum err rt_paint_roi(struct painter *p, uint32_t plane, uint32_t i, struct mask *mask,
		      struct fault *f)
{
	const struct rt_plan *plan = p->plan;
	uint32_t begin = group_begin(plan, plane, i), end = group_end(plan, plane, begin);
	size_t mark = arena_mark(&p->scratch), points = 0, count = end - begin;
	struct rt_affine affine = rt_image_affine(&plan->planes[plane]);
	struct polygon *polygons = ARENA_NEW(&p->scratch, struct polygon, count);
	enum err e = polygons == NULL ? no_memory(f) : OK;

	p->notes = (struct region_notes){0};
	mask_clear(mask);
	for (size_t k = 0; k < count && e == OK; k++) {
		const struct contour *c = &plan->set->contours[plan->order[begin + k]];

		polygons[k].xor_type = c->type == CONTOUR_CLOSEDPLANAR_XOR;
		e = read_contour(&p->scratch, &affine, c->data, &polygons[k], f);
		points += polygons[k].count;
	}
	if (e == OK) {
		void *scratch =
			arena_alloc(&p->scratch,
				    region_scratch_bytes(mask->cols, mask->rows, count, points), 1);

		if (scratch == NULL)
			e = no_memory(f);
		else
			region_fill(mask, polygons, count, plan->options.edge_rule,
				    plan->options.nesting_rule, scratch, &p->notes);
	}
	arena_reset(&p->scratch, mark);
	return e;
}
