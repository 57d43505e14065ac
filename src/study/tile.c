#include "study/tile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/decode.h"
#include "image/window.h"

#define SIDE_MOST 1024u /* of pixels in color that are made for one tile */

/* The pixels of a tile, wherever they come from. */
struct shown {
	struct pixels pixels;
	bool readable;
};

/* ---- pixels ---- */

static bool is_grey(const struct image_format *f)
{
	return f->samples == 1 && f->bits_allocated >= 8 && f->photometric != PHOTO_PALETTE;
}

/* Red, green, blue of anything but grey; of large images every n-th row and column. */
static enum err take_color(struct shown *s, const struct native *n, const struct dset *d,
			   struct arena *a, struct fault *f)
{
	const struct image_format *format = &n->format;
	uint32_t side = format->rows > format->cols ? format->rows : format->cols;
	uint32_t step = (side + SIDE_MOST - 1) / SIDE_MOST;
	uint32_t rows = (format->rows + step - 1) / step, cols = (format->cols + step - 1) / step;
	struct window *w = ARENA_NEW(a, struct window, 1);
	uint8_t *row = ARENA_NEW(a, uint8_t, (size_t)format->cols * 3);
	uint8_t *rgb = ARENA_NEW(a, uint8_t, (size_t)rows * cols * 3);

	if (w == NULL || row == NULL || rgb == NULL)
		return fault_set(f, ERR_NOMEM, "the picture does not fit in memory",
				 FAULT_NO_OFFSET);
	enum err e = window_open(w, n, d, a, f);
	if (e != OK)
		return e == ERR_NOMEM ? e : OK; /* else: not to be shown */
	for (uint32_t y = 0; y < rows; y++) {
		window_row(w, y * step, row);
		for (uint32_t x = 0; x < cols; x++)
			memcpy(rgb + ((size_t)y * cols + x) * 3, row + (size_t)x * step * 3, 3);
	}
	s->pixels.native = (struct native){.data = bytes_of(rgb, (size_t)rows * cols * 3),
					   .format = {.rows = rows,
						      .cols = cols,
						      .frames = 1,
						      .samples = 3,
						      .bits_allocated = 8,
						      .bits_stored = 8,
						      .high_bit = 7,
						      .photometric = PHOTO_RGB}};
	s->readable = true;
	return OK;
}

static enum err open_pixels(struct shown *s, const struct tile *t, struct arena *a, struct fault *f)
{
	struct native n;
	enum err e = native_open(&n, t->source, t->dset, f);

	*s = (struct shown){.pixels = PIXELS_NONE};
	if (e == OK && is_grey(&n.format)) {
		pixels_take(&s->pixels, &n, t->dset);
		s->readable = true;
	} else if (e == OK) {
		e = take_color(s, &n, t->dset, a, f);
	}
	native_close(&n);
	return e == ERR_NOMEM ? e : OK;
}

/* ---- window ---- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* A window over what most pixels are: from the 2nd to the 98th of a hundred, on a coarse grid. */
static void window_of_pixels(const struct pixels *p, double *center, double *width)
{
	enum { GRID = 48 };
	uint32_t rows = p->native.format.rows, cols = p->native.format.cols;
	double values[GRID * GRID];
	size_t count = 0;

	for (uint32_t y = 0; y < GRID; y++)
		for (uint32_t x = 0; x < GRID; x++)
			values[count++] =
				(double)pixels_at(p, x * cols / GRID, y * rows / GRID) * p->slope +
				p->intercept;
	qsort(values, count, sizeof(values[0]), by_value);

	double low = values[count / 50], high = values[count - 1 - count / 50];
	*center = (low + high) / 2;
	*width = high > low ? high - low : 1;
}

/* Soft tissue for CT, whatever its own window is; else that, or one that fits. */
static void choose_window(const struct shown *s, const struct dset *d, const char *modality,
			  double *center, double *width)
{
	*center = 40;
	*width = 400;
	if (!s->readable || pixels_are_color(&s->pixels) || strcmp(modality, "CT") == 0)
		return;
	if (!dset_ds(d, NULL, TAG_WindowCenter, 0, center) ||
	    !dset_ds(d, NULL, TAG_WindowWidth, 0, width) || !(*width >= 1))
		window_of_pixels(&s->pixels, center, width);
}

static enum err outline(struct sheet *s, uint32_t at, const struct tile *t, struct painter *painter,
			struct fault *f)
{
	const struct rt_plan *plan = painter->plan;
	enum err e = OK;

	for (uint32_t i = 0; i < rt_plane_roi_count(plan, t->plane) && e == OK; i++) {
		const struct roi_look *look = &t->looks[rt_plane_roi(plan, t->plane, i)];

		e = rt_paint_roi(painter, t->plane, i, t->one, f);
		if (e == OK)
			sheet_outline(s, at, t->one, look->color);
	}
	return e;
}

/* ---- the tile ---- */

enum err tile_draw(struct sheet *s, const struct tile *t, struct painter *painter, struct arena *a,
		   struct fault *f)
{
	const struct rt_plan *plan = painter->plan;
	uint32_t at = sheet_tile(s, t->plane);
	struct shown shown;
	double center, width;
	char caption[32];

	if (at == UINT32_MAX)
		return OK;
	enum err e = open_pixels(&shown, t, a, f);
	if (e == OK) {
		choose_window(&shown, t->dset, plan->planes[t->plane].modality, &center, &width);
		snprintf(caption, sizeof(caption), "%u/%u", t->plane + 1, plan->plane_count);
		sheet_draw(s, at, shown.readable ? &shown.pixels : NULL, center, width, t->tint,
			   caption);
		e = outline(s, at, t, painter, f);
	}
	pixels_free(&shown.pixels);
	return e;
}
