#include "study/contact.h"

#include <sys/mman.h>

#include "image/jpeg.h"
#include "rt/paint.h"
#include "study/pool.h"

#define TILE_JPEG_MAX (4u << 20) /* 512 x 512 pixels, whatever is in them */

enum err contact_open(struct sheet *s, const struct rt_plan *plan, struct arena *scratch,
		      struct fault *f)
{
	const struct rt_image *shape = &plan->planes[plan->plane_count / 2];
	size_t mark = arena_mark(scratch);
	double aspect = 1;

	*s = (struct sheet){.rgb = NULL};
	if (!jpeg_built_in)
		return OK;
	bool *marked = ARENA_NEW(scratch, bool, plan->plane_count);
	if (marked == NULL)
		return fault_set(f, ERR_NOMEM, "the study does not fit in memory", FAULT_NO_OFFSET);
	for (uint32_t k = 0; k < plan->plane_count; k++)
		marked[k] = rt_plane_roi_count(plan, k) > 0;
	if (shape->row_spacing_pm > 0 && shape->col_spacing_pm > 0)
		aspect = (double)shape->row_spacing_pm / (double)shape->col_spacing_pm;
	sheet_plan(s, plan->plane_count, marked, shape->cols, shape->rows, aspect);
	arena_reset(scratch, mark);
	s->rgb = pool_memory(sheet_bytes(s));
	return s->rgb != NULL ? OK : fault_io(f, "cannot share memory between processes");
}

static enum err no_memory(struct fault *f)
{
	return fault_set(f, ERR_NOMEM, "the report does not fit in memory", FAULT_NO_OFFSET);
}

enum err contact_keep(struct report_set *set, const struct sheet *s, struct arena *a,
		      struct fault *f)
{
	struct report_tile *tiles = ARENA_NEW(a, struct report_tile, s->count);

	if (tiles == NULL)
		return no_memory(f);
	if (s->rgb == NULL)
		set->no_tiles = jpeg_built_in ? "the first structure sets have some"
					      : "this netrt was built without JPEG";
	for (uint32_t i = 0; s->rgb != NULL && i < s->count; i++) {
		struct buf jpeg = BUF_INIT(TILE_JPEG_MAX);
		struct fault why;
		enum err e = sheet_jpeg(s, i, &jpeg, &why);

		tiles[i] = (struct report_tile){
			.plane = s->slice[i], .cols = s->tile_cols, .rows = s->tile_rows};
		if (e == OK)
			tiles[i].jpeg = arena_copy(a, buf_bytes(&jpeg));
		buf_free(&jpeg);
		if (e != OK || tiles[i].jpeg.at == NULL)
			return no_memory(f);
		set->tile_count++;
	}
	set->tiles = tiles;
	return OK;
}

void contact_close(struct sheet *s)
{
	if (s->rgb != NULL)
		munmap(s->rgb, sheet_bytes(s));
	s->rgb = NULL;
}
