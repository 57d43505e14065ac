/*
 * The contact sheet: a JPEG of slices with the merged mask drawn on them, to look at.
 *
 * The sheet is chosen and laid out first (sheet_plan), its pixels lie in memory that the
 * caller gives (shared between worker processes), each worker draws the tiles of its
 * slices, and the last step writes the file.
 */
#ifndef SERIES_SHEET_H
#define SERIES_SHEET_H

#include "base/buf.h"
#include "raster/raster.h"
#include "series/stats.h"

#define SHEET_TILES 24u

struct sheet {
	uint32_t tile_cols, tile_rows; /* pixels of one tile */
	uint32_t across, down;         /* tiles */
	uint32_t count;
	uint32_t slice[SHEET_TILES]; /* which slice each tile shows, ascending */
	uint8_t *rgb;                /* caller's, sheet_bytes(): zeroed */
};

/* Choose up to SHEET_TILES of `slices` slices, evenly among those where marked[] is true (all, if
 * none is); `cols` x `rows` is the shape of the images, `aspect` = row spacing / column spacing. */
void sheet_plan(struct sheet *s, uint32_t slices, const bool *marked, uint32_t cols, uint32_t rows,
		double aspect);
size_t sheet_bytes(const struct sheet *s);
/* Tile of `slice`, or UINT32_MAX. */
uint32_t sheet_tile(const struct sheet *s, uint32_t slice);
/* Draw one: the image in its window, whose width is above zero (in color: as it is; p may be NULL:
 * a grey field), the mask tinted with its outline, and a small caption (slice number). */
void sheet_draw(struct sheet *s, uint32_t tile, const struct pixels *p, double window_center,
		double window_width, const struct mask *merged, const char *caption);
/* Add the outline of one ROI in a color of its own, over what sheet_draw has drawn. */
void sheet_outline(struct sheet *s, uint32_t tile, const struct mask *roi,
		   const uint8_t color[static 3]);
/* One tile by itself, as a JPEG added to `out`.  ERR_UNSUPPORTED in a MINIMAL build. */
enum err sheet_jpeg(const struct sheet *s, uint32_t tile, struct buf *out,
		    struct fault *f) MUST_USE;
/* Through a .part name.  ERR_UNSUPPORTED in a MINIMAL build. */
enum err sheet_write(const struct sheet *s, const char *path, struct fault *f) MUST_USE;

#endif
