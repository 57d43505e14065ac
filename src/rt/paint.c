/*
 * One ROI on one plane: all its points, snapped, go one contour after the other into one
 * array, the polygons are views of it, and region_fill does the rest.
 *
 * Points beyond the reach of Q.12 (131072 pixels) are garbage, but a contour with one may still
 * cross the image: then all of the ROI goes the slow way, through raster_clip, with more memory.
 */
#include "rt/paint.h"

#include <assert.h>

#include "rt/contour.h"

/* Points of one ROI on one plane, at most: some gigabyte of scratch. */
#define POINTS_MAX 16000000u

uint32_t rt_plane_roi_count(const struct rt_plan *plan, uint32_t plane)
{
	assert(plane < plan->plane_count);
	return plan->first_group[plane + 1] - plan->first_group[plane];
}

static const struct rt_group *group_of(const struct rt_plan *plan, uint32_t plane, uint32_t i)
{
	assert(i < rt_plane_roi_count(plan, plane));
	return &plan->groups[plan->first_group[plane] + i];
}

uint32_t rt_plane_roi(const struct rt_plan *plan, uint32_t plane, uint32_t i)
{
	return group_of(plan, plane, i)->roi;
}

/* ---- Memory ---- */

/* Where the parts of one group are. */
struct room {
	struct q12 *vertices;
	size_t vertex_max;
	struct polygon *polygons;
	double *pixels; /* col, row; only for clipping */
	void *fill;     /* of region_fill */
};

/* The next `bytes`, aligned as region_fill asks; only counts when `base` is NULL. */
static void *carve(uint8_t *base, size_t *used, size_t bytes)
{
	void *at = base != NULL ? base + *used : NULL;

	*used += (bytes + 15) & ~(size_t)15;
	return at;
}

/* For clipping there is room for five times the points.  Returns the bytes that it takes. */
static size_t lay_out(struct room *room, uint8_t *base, const struct rt_group *g,
		      const struct rt_image *image, bool clip)
{
	size_t points = (size_t)g->points, used = 0;

	assert(points <= POINTS_MAX);
	room->vertex_max = clip ? RASTER_CLIP_ROOM(points) : points;
	room->vertices = carve(base, &used, room->vertex_max * sizeof(struct q12));
	room->polygons = carve(base, &used, g->count * sizeof(struct polygon));
	room->pixels = carve(base, &used, clip ? 2 * points * sizeof(double) : 0);
	room->fill =
		carve(base, &used,
		      region_scratch_bytes(image->cols, image->rows, g->count, room->vertex_max));
	return used;
}

static enum err reserve(struct painter *p, size_t bytes, struct fault *f)
{
	struct arena bigger;

	if (bytes <= p->room_len)
		return OK;
	enum err e = arena_open(&bigger, bytes + 64, f); /* 64: its own red zone */
	if (e != OK)
		return e;
	arena_close(&p->scratch);
	p->scratch = bigger;
	p->room = arena_alloc(&p->scratch, bytes, 1);
	p->room_len = bytes;
	assert(p->room != NULL);
	return OK;
}

enum err painter_open(struct painter *p, const struct rt_plan *plan, struct fault *f)
{
	size_t most = 0;
	struct room room;

	*p = (struct painter){.plan = plan};
	for (uint32_t k = 0; k < plan->plane_count; k++) {
		for (uint32_t i = plan->first_group[k]; i < plan->first_group[k + 1]; i++) {
			const struct rt_group *g = &plan->groups[i];

			if (g->points > POINTS_MAX)
				return fault_set(f, ERR_LIMIT,
						 "too many points of one ROI on one slice",
						 FAULT_NO_OFFSET);
			size_t need = lay_out(&room, NULL, g, &plan->planes[k], false);
			most = need > most ? need : most;
		}
	}
	return reserve(p, most, f);
}

void painter_close(struct painter *p)
{
	arena_close(&p->scratch);
	*p = (struct painter){0};
}

/* ---- Contours to polygons ---- */

static enum err changed(struct fault *f)
{
	return fault_set(f, ERR_WIRE, "Contour Data changed while it was read", FAULT_NO_OFFSET);
}

/* *far: a point is out of reach, and nothing useful in out[]. */
static enum err snap_contour(struct bytes text, uint32_t points, const struct rt_affine *t,
			     struct q12 *out, bool *far, struct fault *f)
{
	int64_t p[CONTOUR_BLOCK * 3];
	uint32_t count, done = 0;

	*far = false;
	for (;;) {
		if (!contour_block(&text, p, &count) || count > points - done)
			return changed(f);
		if (count == 0)
			return done == points ? OK : changed(f);
		for (uint32_t i = 0; i < count; i++) {
			double col, row;

			rt_affine_apply(t, &p[3 * (size_t)i], &col, &row);
			if (!raster_snap(col, row, &out[done + i])) {
				*far = true;
				return OK;
			}
		}
		done += count;
	}
}

static enum err clip_contour(struct bytes text, uint32_t points, const struct rt_affine *t,
			     double *pixels, struct q12 *out, size_t *out_count, struct fault *f)
{
	int64_t p[CONTOUR_BLOCK * 3];
	uint32_t count, done = 0;

	do {
		if (!contour_block(&text, p, &count) || count > points - done)
			return changed(f);
		for (uint32_t i = 0; i < count; i++, done++)
			rt_affine_apply(t, &p[3 * (size_t)i], &pixels[2 * (size_t)done],
					&pixels[2 * (size_t)done + 1]);
	} while (count > 0);
	if (done != points)
		return changed(f);
	if (!raster_clip(pixels, points, out, out_count))
		*out_count = 0; /* no image is there */
	return OK;
}

/* Every contour of the group; *far as above. */
static enum err make_polygons(const struct rt_plan *plan, const struct rt_group *g,
			      const struct rt_affine *t, bool clip, struct room *room, bool *far,
			      struct fault *f)
{
	struct q12 *v = room->vertices;

	*far = false;
	for (uint32_t i = 0; i < g->count; i++) {
		uint32_t index = plan->order[g->first + i];
		const struct contour *c = &plan->set->contours[index];
		uint32_t points = plan->contour_points[index];
		size_t count = points;
		enum err e = clip ? clip_contour(c->data, points, t, room->pixels, v, &count, f)
				  : snap_contour(c->data, points, t, v, far, f);

		if (e != OK || *far)
			return e;
		room->polygons[i] = (struct polygon){
			.v = v,
			.count = (uint32_t)count,
			.xor_type = c->type == CONTOUR_CLOSEDPLANAR_XOR,
		};
		v += count;
		assert(v <= room->vertices + room->vertex_max);
	}
	return OK;
}

/* The polygons of a group, in whatever room they need. */
static enum err prepare(struct painter *p, const struct rt_group *g, const struct rt_image *image,
			struct room *room, struct fault *f)
{
	struct rt_affine t = rt_image_affine(image);
	bool far = false;

	(void)lay_out(room, p->room, g, image, false);
	enum err e = make_polygons(p->plan, g, &t, false, room, &far, f);
	if (e == OK && far) {
		e = reserve(p, lay_out(room, NULL, g, image, true), f);
		if (e != OK)
			return e;
		(void)lay_out(room, p->room, g, image, true);
		e = make_polygons(p->plan, g, &t, true, room, &far, f);
	}
	return e;
}

enum err rt_paint_roi(struct painter *p, uint32_t plane, uint32_t i, struct mask *mask,
		      struct fault *f)
{
	const struct rt_plan *plan = p->plan;
	const struct rt_group *g = group_of(plan, plane, i);
	const struct rt_image *image = &plan->planes[plane];
	struct room room;

	assert(mask->cols == image->cols && mask->rows == image->rows);
	p->notes = (struct region_notes){0};
	mask_clear(mask);
	enum err e = prepare(p, g, image, &room, f);
	if (e == OK)
		region_fill(mask, room.polygons, g->count, plan->options.edge_rule,
			    plan->options.nesting_rule, room.fill, &p->notes);
	return e;
}

enum err rt_paths_roi(struct painter *p, uint32_t plane, uint32_t i, const struct polygon **paths,
		      size_t *count, struct fault *f)
{
	const struct rt_group *g = group_of(p->plan, plane, i);
	struct room room;

	enum err e = prepare(p, g, &p->plan->planes[plane], &room, f);
	if (e != OK)
		return e;
	*paths = room.polygons;
	*count = g->count;
	return OK;
}
