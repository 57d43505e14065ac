/*
 * Layout: `across` x `down` tiles of one size with a gap around each, on black.  All tiles
 * have the shape of the image in the patient (non-square pixels are stretched).
 *
 * A tile pixel takes the mean of the image pixels in its box where the image is larger than
 * the tile, and is interpolated between four where it is smaller.  It counts as marked when
 * any mask pixel in its box is set, so small structures do not vanish; the outline is the
 * marked pixels that have an unmarked neighbour.
 */
#include "series/sheet.h"

#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "image/jpeg.h"
#include "image/text.h"

#define SHEET_WIDTH 1560u /* of all tiles together, about */
#define TILE_MAX 512u
#define TILE_MIN 16u
#define ACROSS_MAX 6u
#define GAP 4u
#define QUALITY 88
#define TILE_QUALITY 80 /* of pictures that lie in a report */

static const uint8_t tint[3] = {255, 96, 48}, line[3] = {255, 222, 64}, field[3] = {40, 40, 44};
#define TINT_PERCENT 22u

static uint32_t sheet_cols(const struct sheet *s)
{
	return s->across * (s->tile_cols + GAP) + GAP;
}

static uint32_t sheet_rows(const struct sheet *s)
{
	return s->down * (s->tile_rows + GAP) + GAP;
}

static uint32_t clamp_side(double side)
{
	return side < TILE_MIN ? TILE_MIN : side > TILE_MAX ? TILE_MAX : (uint32_t)lround(side);
}

/* Tiles across so that the sheet is a landscape picture; `tall` is height over width of a tile. */
static void arrange(struct sheet *s, double tall)
{
	s->across = 1;
	s->down = s->count;
	while (s->across < ACROSS_MAX && s->across < s->count &&
	       s->across < 1.25 * tall * s->down) {
		s->across++;
		s->down = (s->count + s->across - 1) / s->across;
	}

	double width = SHEET_WIDTH / s->across < TILE_MAX ? SHEET_WIDTH / s->across : TILE_MAX;
	if (width * tall > TILE_MAX)
		width = TILE_MAX / tall;
	s->tile_cols = clamp_side(width);
	s->tile_rows = clamp_side(width * tall);
}

void sheet_plan(struct sheet *s, uint32_t slices, const bool *marked, uint32_t cols, uint32_t rows,
		double aspect)
{
	uint32_t candidates = 0;
	bool any = false;

	*s = (struct sheet){0};
	for (uint32_t i = 0; i < slices; i++)
		any = any || (marked != NULL && marked[i]);
	for (uint32_t i = 0; i < slices; i++)
		candidates += !any || marked[i];
	s->count = candidates < SHEET_TILES ? candidates : SHEET_TILES;

	/* The k-th tile shows candidate (2k + 1) * candidates / (2 * count): the middle of its
	 * share. */
	for (uint32_t i = 0, seen = 0, k = 0; i < slices && k < s->count; i++) {
		if (any && !marked[i])
			continue;
		if (seen == (uint64_t)(2 * k + 1) * candidates / (2 * s->count))
			s->slice[k++] = i;
		seen++;
	}
	if (!(aspect > 0.01 && aspect < 100.0))
		aspect = 1.0;
	arrange(s, cols == 0 || rows == 0 ? 1.0 : aspect * rows / cols);
}

size_t sheet_bytes(const struct sheet *s)
{
	return (size_t)sheet_cols(s) * sheet_rows(s) * 3;
}

uint32_t sheet_tile(const struct sheet *s, uint32_t slice)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (s->slice[i] == slice)
			return i;
	return UINT32_MAX;
}

/* A tile and what is shown in it. */
struct view {
	uint8_t *origin; /* of the tile, in the sheet */
	size_t pitch;    /* bytes from row to row of the sheet */
	uint32_t tile_cols, tile_rows;
	const struct pixels *p;
	double gain, offset; /* from stored values to shades of 0 to 255 */
};

/* Source positions [*from, *to) of tile position i out of n, over a side of `side`; never empty. */
static void box(uint32_t i, uint32_t n, uint32_t side, uint32_t *from, uint32_t *to)
{
	*from = (uint32_t)((uint64_t)i * side / n);
	*to = (uint32_t)((uint64_t)(i + 1) * side / n);
	if (*to <= *from)
		*to = *from + 1;
}

/* The boxes of tile positions [first, end) of n. */
struct boxes {
	uint32_t from[TILE_MAX], to[TILE_MAX];
	double share[TILE_MAX]; /* of one source position */
};

static void make_boxes(struct boxes *b, uint32_t first, uint32_t end, uint32_t n, uint32_t side)
{
	for (uint32_t i = first; i < end; i++) {
		box(i, n, side, &b->from[i], &b->to[i]);
		b->share[i] = 1.0 / (b->to[i] - b->from[i]);
	}
}

static double clamped(double v, double most)
{
	return v < 0 ? 0 : v > most ? most : v;
}

/* Stored value of channel `channel` (-1: the value itself), as a number. */
static double sample(const struct pixels *p, uint32_t col, uint32_t row, int channel)
{
	uint8_t rgb[3];

	if (channel < 0)
		return (double)pixels_at(p, col, row);
	pixels_rgb(p, col, row, rgb);
	return rgb[channel];
}

static double scaled(const struct view *v, uint32_t x, uint32_t y, int channel)
{
	const struct pixels *p = v->p;
	const struct image_format *image = &p->native.format;
	uint32_t x0, x1, y0, y1;
	double sum = 0;

	if (image->cols < v->tile_cols || image->rows < v->tile_rows) {
		double c = clamped((x + 0.5) * image->cols / v->tile_cols - 0.5, image->cols - 1.0);
		double r = clamped((y + 0.5) * image->rows / v->tile_rows - 0.5, image->rows - 1.0);

		x0 = (uint32_t)c;
		y0 = (uint32_t)r;
		x1 = x0 + 1 < image->cols ? x0 + 1 : x0;
		y1 = y0 + 1 < image->rows ? y0 + 1 : y0;
		c -= x0;
		r -= y0;
		return (1 - r) * ((1 - c) * sample(p, x0, y0, channel) +
				  c * sample(p, x1, y0, channel)) +
		       r * ((1 - c) * sample(p, x0, y1, channel) + c * sample(p, x1, y1, channel));
	}
	box(x, v->tile_cols, image->cols, &x0, &x1);
	box(y, v->tile_rows, image->rows, &y0, &y1);
	for (uint32_t row = y0; row < y1; row++)
		for (uint32_t col = x0; col < x1; col++)
			sum += sample(p, col, row, channel);
	return sum / ((double)(x1 - x0) * (y1 - y0));
}

static uint8_t grey(const struct view *v, double stored)
{
	double shade = clamped(stored * v->gain + v->offset, 255.0);
	uint8_t rounded = (uint8_t)(shade + 0.5);

	return v->p->native.format.photometric == PHOTO_MONOCHROME1 ? (uint8_t)(255 - rounded)
								    : rounded;
}

/* The means of all boxes of tile row y, of an image in grey that is no smaller than the tile. */
static void mean_row(const struct view *v, uint32_t y, const struct boxes *x, int64_t *image_row,
		     double out[static TILE_MAX])
{
	const struct pixels *p = v->p;
	int64_t sums[TILE_MAX] = {0};
	uint32_t y0, y1;

	box(y, v->tile_rows, p->native.format.rows, &y0, &y1);
	for (uint32_t row = y0; row < y1; row++) {
		pixels_row(p, row, image_row);
		for (uint32_t i = 0; i < v->tile_cols; i++)
			for (uint32_t col = x->from[i]; col < x->to[i]; col++)
				sums[i] += image_row[col];
	}
	for (uint32_t i = 0; i < v->tile_cols; i++)
		out[i] = (double)sums[i] * x->share[i] / (y1 - y0);
}

static bool is_larger(const struct view *v)
{
	const struct image_format *image = &v->p->native.format;

	return image->cols >= v->tile_cols && image->rows >= v->tile_rows;
}

static void draw_grey(const struct view *v)
{
	uint32_t cols = v->p->native.format.cols;
	int64_t *row = is_larger(v) ? malloc(cols * sizeof(*row)) : NULL;
	double means[TILE_MAX];
	struct boxes x = {.from = {0}};

	make_boxes(&x, 0, v->tile_cols, v->tile_cols, cols);
	for (uint32_t y = 0; y < v->tile_rows; y++) {
		uint8_t *at = v->origin + y * v->pitch;

		if (row != NULL)
			mean_row(v, y, &x, row, means);
		for (uint32_t i = 0; i < v->tile_cols; i++, at += 3)
			at[0] = at[1] = at[2] =
				grey(v, row != NULL ? means[i] : scaled(v, i, y, -1));
	}
	free(row);
}

static void draw_color(const struct view *v)
{
	for (uint32_t y = 0; y < v->tile_rows; y++) {
		uint8_t *at = v->origin + y * v->pitch;

		for (uint32_t x = 0; x < v->tile_cols; x++, at += 3)
			for (int i = 0; i < 3; i++)
				at[i] = v->p == NULL ? field[i]
						     : (uint8_t)lround(scaled(v, x, y, i));
	}
}

static void draw_image(const struct view *v)
{
	if (v->p == NULL || pixels_are_color(v->p))
		draw_color(v);
	else
		draw_grey(v);
}

/* The part of a tile in which there may be a mark: columns [x0, x1), rows [y0, y1). */
struct part {
	uint32_t x0, y0, x1, y1;
	struct boxes x; /* of its columns */
};

/* Tile positions [*from, *to) of n whose boxes may hold source positions [first, end) of `side`. */
static void reach(uint32_t first, uint32_t end, uint32_t n, uint32_t side, uint32_t *from,
		  uint32_t *to)
{
	uint64_t low = (uint64_t)first * n / side, high = ((uint64_t)end * n + side - 1) / side + 1;

	*from = low > 0 ? (uint32_t)low - 1 : 0;
	*to = high < n ? (uint32_t)high : n;
}

/* The union of rows [y0, y1), a bit a column; false, and nothing useful in out[]: it is empty. */
static bool join_rows(const struct mask *m, uint32_t y0, uint32_t y1, uint64_t *out)
{
	const struct mask_box b = m->box;
	uint64_t all = 0;

	memset(out, 0, m->stride * sizeof(*out));
	for (uint32_t row = y0 > b.row0 ? y0 : b.row0; row < y1 && row < b.row1; row++)
		for (uint32_t w = b.word0; w < b.word1; w++) {
			out[w] |= m->bits[(size_t)row * m->stride + w];
			all |= out[w];
		}
	return all != 0;
}

/* Which pixels of tile row y (outside: none) are marked; with a cell to the left and right. */
static void marked_row(const struct view *v, const struct mask *m, const struct part *part,
		       int64_t y, bool out[static TILE_MAX + 2])
{
	uint64_t any[LIMIT_PIXELS_SIDE / 64 + 1]; /* in one of the rows */
	uint32_t y0, y1;

	memset(out, 0, (TILE_MAX + 2) * sizeof(bool));
	if (y < (int64_t)part->y0 || y >= (int64_t)part->y1)
		return;
	box((uint32_t)y, v->tile_rows, m->rows, &y0, &y1);
	if (!join_rows(m, y0, y1, any))
		return;
	for (uint32_t x = part->x0; x < part->x1; x++)
		for (uint32_t col = part->x.from[x]; col < part->x.to[x] && !out[x + 1]; col++)
			out[x + 1] = any[col / 64] >> (col % 64) & 1;
}

/* Color the outline, and mix `percent` of the tint into what is inside it. */
static void draw_mask(const struct view *v, const struct mask *m, const uint8_t *outline,
		      unsigned percent)
{
	bool rows[3][TILE_MAX + 2];
	bool *above = rows[0], *here = rows[1], *below = rows[2];
	uint32_t col0, row0, col1, row1;
	struct part part = {.x0 = 0};

	if (!mask_extent(m, &col0, &row0, &col1, &row1))
		return;
	reach(col0, col1, v->tile_cols, m->cols, &part.x0, &part.x1);
	reach(row0, row1, v->tile_rows, m->rows, &part.y0, &part.y1);
	make_boxes(&part.x, part.x0, part.x1, v->tile_cols, m->cols);
	marked_row(v, m, &part, (int64_t)part.y0 - 1, above);
	marked_row(v, m, &part, part.y0, here);
	for (uint32_t y = part.y0; y < part.y1; y++) {
		uint8_t *at = v->origin + y * v->pitch + (size_t)part.x0 * 3;

		marked_row(v, m, &part, (int64_t)y + 1, below);
		for (uint32_t x = part.x0 + 1; x <= part.x1; x++, at += 3) {
			bool inner = above[x] && below[x] && here[x - 1] && here[x + 1];

			if (!here[x])
				continue;
			for (unsigned i = 0; i < 3; i++)
				at[i] = !inner ? outline[i]
					       : (uint8_t)((at[i] * (100 - percent) +
							    tint[i] * percent) /
							   100);
		}
		bool *free_row = above;
		above = here;
		here = below;
		below = free_row;
	}
}

#define CAPTION_ROWS 32u

/* White with a dark rim, at the top left. */
static void draw_caption(const struct view *v, const char *caption)
{
	struct bytes text = bytes_str(caption);
	struct text_style style = {FONT_REGULAR, 2};
	uint64_t bits[(TILE_MAX + 63) / 64 * CAPTION_ROWS];
	struct mask dots;

	if (text_cols(style, text) + 10 > v->tile_cols)
		style.scale = 1;
	mask_init(&dots, v->tile_cols, v->tile_rows < CAPTION_ROWS ? v->tile_rows : CAPTION_ROWS,
		  bits);
	text_draw(&dots, 5, 5 - (int64_t)(font_cap_top(style.face) * style.scale), style, text);
	for (uint32_t y = 0; y < dots.rows; y++)
		for (uint32_t x = 0; x < v->tile_cols; x++) {
			uint8_t *at = v->origin + y * v->pitch + (size_t)x * 3;
			bool rim = false;

			for (int dy = -1; dy <= 1; dy++)
				for (int dx = -1; dx <= 1; dx++)
					rim = rim ||
					      mask_get(&dots, x + (uint32_t)dx, y + (uint32_t)dy);
			if (mask_get(&dots, x, y))
				memset(at, 240, 3);
			else if (rim)
				memset(at, 8, 3);
		}
}

static size_t pitch_of(const struct sheet *s)
{
	return (size_t)sheet_cols(s) * 3;
}

static uint8_t *origin_of(const struct sheet *s, uint32_t tile)
{
	assert(tile < s->count);
	uint32_t left = GAP + tile % s->across * (s->tile_cols + GAP);
	uint32_t top = GAP + tile / s->across * (s->tile_rows + GAP);
	return s->rgb + top * pitch_of(s) + (size_t)left * 3;
}

static struct view view_of(const struct sheet *s, uint32_t tile)
{
	return (struct view){.origin = origin_of(s, tile),
			     .pitch = pitch_of(s),
			     .tile_cols = s->tile_cols,
			     .tile_rows = s->tile_rows};
}

void sheet_draw(struct sheet *s, uint32_t tile, const struct pixels *p, double window_center,
		double window_width, const struct mask *merged, const char *caption)
{
	struct view v = view_of(s, tile);

	v.p = p;
	if (p != NULL && !pixels_are_color(p)) {
		/* PS3.3 C.11.2.1.2.1 */
		double low = window_center - 0.5 - (window_width - 1) / 2;
		double high = window_center - 0.5 + (window_width - 1) / 2;

		if (!(high > low))
			high = low + 1;
		v.gain = p->slope * 255.0 / (high - low);
		v.offset = (p->intercept - low) * 255.0 / (high - low);
	}
	draw_image(&v);
	if (merged != NULL)
		draw_mask(&v, merged, line, TINT_PERCENT);
	if (caption != NULL)
		draw_caption(&v, caption);
}

void sheet_outline(struct sheet *s, uint32_t tile, const struct mask *roi,
		   const uint8_t color[static 3])
{
	struct view v = view_of(s, tile);

	draw_mask(&v, roi, color, 0);
}

enum err sheet_jpeg(const struct sheet *s, uint32_t tile, struct buf *out, struct fault *f)
{
	return jpeg_encode(out, origin_of(s, tile), pitch_of(s), s->tile_cols, s->tile_rows,
			   TILE_QUALITY, f);
}

enum err sheet_write(const struct sheet *s, const char *path, struct fault *f)
{
	char part[PATH_MAX];
	int n = snprintf(part, sizeof(part), "%s.part", path);

	if (n < 0 || (size_t)n >= sizeof(part))
		return fault_set(f, ERR_LIMIT, "path of the contact sheet is too long",
				 FAULT_NO_OFFSET);
	int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return fault_io(f, "cannot create the contact sheet");

	enum err e = jpeg_write(fd, s->rgb, sheet_cols(s), sheet_rows(s), QUALITY, f);
	if (close(fd) < 0 && e == OK)
		e = fault_io(f, "close of the contact sheet");
	if (e == OK && rename(part, path) < 0)
		e = fault_io(f, "cannot give the contact sheet its name");
	if (e != OK)
		unlink(part);
	return e;
}
