/*
 * Letters are drawn as dots into a mask (image/text.h) that is coarser than the canvas where a dot
 * is to be larger than a canvas pixel, or, on pixels that are not square, wider or higher: dot
 * (x, y) of the mask is dot_x by dot_y pixels of the canvas.
 */
#include "image/picture.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "image/text.h"

#define SIDE_OF_ONE 512.0 /* pixels of the shorter side where a dot is one pixel */
#define LINE_WIDTH 1.4    /* there; at least 1 elsewhere */
#define LINE_WIDTH_MAX 12.0
#define DASH 6.0 /* widths of a line */
#define TINT_ALPHA 72
#define RIM 1.0      /* of a line: pixels of a shadow on either side */
#define RIM_ALPHA 90 /* dark */
#define RIM_LIGHT_ALPHA 120
#define LETTER_RIM_ALPHA 180
#define PANEL_ALPHA 120
#define DARK 40        /* luma of a dark pixel or colour, below */
#define LINE_CHROMA 60 /* a pixel as coloured as this is one of a line */
#define LINE_COST 12

static const uint8_t black[3] = {0, 0, 0}, grey[3] = {40, 40, 44}, light[3] = {235, 235, 235};

/* After Okabe and Ito, "Color Universal Design" (2008), without black and without its blue, which
 * is too dark here; green is lighter. */
static const uint8_t defaults[6][3] = {{86, 180, 233}, {230, 159, 0},  {0, 190, 140},
				       {240, 228, 66}, {225, 100, 30}, {204, 121, 167}};

enum picture_line picture_line(size_t n)
{
	static const enum picture_line lines[] = {LINE_SOLID, LINE_DASHED, LINE_DOTTED};

	return lines[n % 3];
}

void picture_default(size_t n, uint8_t color[static 3], enum picture_line *line)
{
	memcpy(color, defaults[n % 6], 3);
	*line = picture_line(n / 6);
}

static unsigned luma(const uint8_t rgb[static 3])
{
	return (rgb[0] * 299u + rgb[1] * 587u + rgb[2] * 114u) / 1000u;
}

static uint32_t whole(double v)
{
	return v < 1 ? 1 : v > 64 ? 64 : (uint32_t)lround(v);
}

enum err picture_open(struct picture *p, const struct picture_shape *shape, struct arena *a,
		      struct fault *f)
{
	struct picture r = {.shape = *shape, .a = a};
	double aspect = shape->aspect;
	size_t bytes;

	assert(shape->cols > 0 && shape->rows > 0);
	if (!canvas_bytes(shape->out_cols, shape->out_rows, &bytes))
		return fault_set(f, ERR_LIMIT, "the picture would have too many pixels",
				 FAULT_NO_OFFSET);
	uint8_t *memory = ARENA_NEW(a, uint8_t, bytes);
	if (memory == NULL)
		return fault_set(f, ERR_NOMEM, "the picture does not fit in memory",
				 FAULT_NO_OFFSET);
	if (!(aspect >= 1 / PICTURE_ASPECT_MAX && aspect <= PICTURE_ASPECT_MAX))
		aspect = 1;
	canvas_init(&r.canvas, shape->out_cols, shape->out_rows, memory);
	r.scale_x = (double)shape->out_cols / shape->cols;
	r.scale_y = (double)shape->out_rows / shape->rows;

	/* in units of the longer side of a canvas pixel, so that both are at least a pixel */
	double wide = aspect < 1 ? 1 : 1 / aspect, high = aspect < 1 ? aspect : 1;
	double size = fmin(shape->out_cols * wide, shape->out_rows * high) / SIDE_OF_ONE;
	r.dot_x = whole(fmax(1, round(size)) / wide);
	r.dot_y = whole(fmax(1, round(size)) / high);
	r.width = fmin(LINE_WIDTH_MAX, fmax(1, LINE_WIDTH * size));
	*p = r;
	return OK;
}

/* ---- The image ---- */

static uint8_t between(uint8_t a, uint8_t b, double part)
{
	return (uint8_t)lround(a + part * (b - a));
}

/* A row of the image, stretched to the picture's columns. */
static void stretch(const struct picture *p, const uint8_t *from, uint8_t *to)
{
	uint32_t cols = p->shape.cols, out = p->shape.out_cols;
	bool repeat = out % cols == 0;

	for (uint32_t x = 0; x < out; x++, to += 3) {
		double at = (x + 0.5) / p->scale_x - 0.5;
		uint32_t left = at <= 0 ? 0 : (uint32_t)at;
		double part = at <= 0 || left + 1 >= cols ? 0 : at - left;
		const uint8_t *a = from + (size_t)left * 3;

		if (repeat)
			memcpy(to, from + (size_t)(x / (out / cols)) * 3, 3);
		else if (part == 0)
			memcpy(to, a, 3);
		else
			for (unsigned i = 0; i < 3; i++)
				to[i] = between(a[i], a[i + 3], part);
	}
}

/* Two stretched rows, the upper of which is row `upper` of the image. */
struct pair {
	uint8_t *raw, *row[2];
	uint32_t upper;
	bool filled;
};

static void fetch(const struct picture *p, const struct window *w, struct pair *pair,
		  uint32_t upper)
{
	if (pair->filled && pair->upper == upper)
		return;
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t row = upper + i < p->shape.rows ? upper + i : p->shape.rows - 1;

		window_row(w, row, pair->raw);
		stretch(p, pair->raw, pair->row[i]);
	}
	pair->upper = upper;
	pair->filled = true;
}

static void draw_rows(struct picture *p, const struct window *w, struct pair *pair)
{
	size_t len = (size_t)p->shape.out_cols * 3;
	bool repeat = p->shape.out_rows % p->shape.rows == 0;

	for (uint32_t y = 0; y < p->shape.out_rows; y++) {
		uint8_t *to = canvas_at(&p->canvas, 0, y);
		double at = (y + 0.5) / p->scale_y - 0.5;
		uint32_t upper = at <= 0 ? 0 : (uint32_t)at;
		double part = at <= 0 ? 0 : at - upper;

		if (repeat) {
			upper = y / (p->shape.out_rows / p->shape.rows);
			part = 0;
		}
		fetch(p, w, pair, upper);
		if (part == 0)
			memcpy(to, pair->row[0], len);
		else
			for (size_t i = 0; i < len; i++)
				to[i] = between(pair->row[0][i], pair->row[1][i], part);
	}
}

enum err picture_image(struct picture *p, const struct window *w, struct fault *f)
{
	const struct picture_shape *s = &p->shape;
	size_t mark = arena_mark(p->a);

	if (w == NULL) {
		struct canvas_box all = {.x1 = (int32_t)s->out_cols, .y1 = (int32_t)s->out_rows};

		canvas_wash(&p->canvas, all, grey, 255);
		return OK;
	}
	assert(w->format.cols == s->cols && w->format.rows == s->rows);
	if (s->out_cols == s->cols && s->out_rows == s->rows) {
		for (uint32_t y = 0; y < s->rows; y++)
			window_row(w, y, canvas_at(&p->canvas, 0, y));
		return OK;
	}
	struct pair pair = {.raw = ARENA_NEW(p->a, uint8_t, (size_t)s->cols * 3)};
	for (unsigned i = 0; i < 2; i++)
		pair.row[i] = ARENA_NEW(p->a, uint8_t, (size_t)s->out_cols * 3);
	if (pair.raw == NULL || pair.row[0] == NULL || pair.row[1] == NULL)
		return fault_set(f, ERR_NOMEM, "the picture does not fit in memory",
				 FAULT_NO_OFFSET);
	draw_rows(p, w, &pair);
	arena_reset(p->a, mark);
	return OK;
}

/* ---- ROIs ---- */

void picture_fill(struct picture *p, const struct picture_roi *roi, const struct mask *mask)
{
	assert(mask->cols == p->shape.cols && mask->rows == p->shape.rows);
	canvas_tint(&p->canvas, mask, roi->color, TINT_ALPHA);
}

/* How a line goes on from piece to piece. */
struct pen {
	enum picture_line line;
	double width, unit; /* of the line; that dashes are measured in */
	double at;          /* length drawn so far */
};

/* Dashes: `on` of every `every`.  Pieces far outside the canvas are not divided. */
static void dashes(struct canvas *c, struct pen *pen, const double from[static 2],
		   const double to[static 2])
{
	double length = hypot(to[0] - from[0], to[1] - from[1]);
	double every = (pen->line == LINE_DASHED ? 2 * DASH : DASH / 2) * pen->unit;
	double on = pen->line == LINE_DASHED ? DASH * pen->unit : 0;
	double first = floor(pen->at / every) * every - pen->at; /* where the dash begins, <= 0 */

	if (length == 0) /* a point that is there twice */
		return;
	if (length > 4.0 * (c->cols + c->rows)) {
		canvas_stroke(c, from[0], from[1], to[0], to[1], pen->width);
	} else {
		for (unsigned i = 0; first + i * every < length; i++) {
			double a = first + i * every;
			double t0 = fmax(a, 0), t1 = fmin(a + on, length);

			if (t1 < t0 || a + on < 0)
				continue;
			t0 /= length;
			t1 /= length;
			canvas_stroke(c, from[0] + t0 * (to[0] - from[0]),
				      from[1] + t0 * (to[1] - from[1]),
				      from[0] + t1 * (to[0] - from[0]),
				      from[1] + t1 * (to[1] - from[1]), pen->width);
		}
	}
	pen->at = fmod(pen->at + length, every);
}

static void piece(struct canvas *c, struct pen *pen, const double from[static 2],
		  const double to[static 2])
{
	if (pen->line == LINE_SOLID)
		canvas_stroke(c, from[0], from[1], to[0], to[1], pen->width);
	else
		dashes(c, pen, from, to);
}

static void to_canvas(const struct picture *p, struct q12 v, double out[static 2])
{
	out[0] = ((double)v.x / RASTER_ONE + 0.5) * p->scale_x - 0.5;
	out[1] = ((double)v.y / RASTER_ONE + 0.5) * p->scale_y - 0.5;
}

static void stroke_paths(struct picture *p, enum picture_line line, double width,
			 const struct polygon *paths, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct pen pen = {.line = line, .width = width, .unit = p->width};
		double from[2], to[2];

		if (paths[i].count == 0)
			continue;
		to_canvas(p, paths[i].v[paths[i].count - 1], from);
		for (uint32_t k = 0; k < paths[i].count; k++) {
			to_canvas(p, paths[i].v[k], to);
			piece(&p->canvas, &pen, from, to);
			memcpy(from, to, sizeof(from));
		}
	}
}

void picture_outline(struct picture *p, const struct picture_roi *roi, const struct polygon *paths,
		     size_t count)
{
	bool dark = luma(roi->color) < DARK;

	stroke_paths(p, roi->line, p->width + 2 * RIM, paths, count);
	canvas_ink(&p->canvas, dark ? light : black, dark ? RIM_LIGHT_ALPHA : RIM_ALPHA, false);
	stroke_paths(p, roi->line, p->width, paths, count);
	canvas_ink(&p->canvas, roi->color, 255, false);
}

/* ---- Letters ---- */

/* Where letters are put: everything here is in dots. */
struct board {
	struct picture *p;
	struct mask dots;
	uint32_t cols, rows;
	struct text_style style;
	uint32_t pitch; /* from line to line */
	uint32_t head;  /* rows of the lines at the top left */
	uint32_t foot;  /* rows of the disclaimer, from the bottom */
};

#define MARGIN 3u
#define SMALL_SIDE 200u /* dots: below, letters are small */
#define TINY_SIDE 72u   /* dots: below, there are orientation letters only */

static enum err board_open(struct board *b, struct picture *p, struct fault *f)
{
	*b = (struct board){
		.p = p, .cols = p->shape.out_cols / p->dot_x, .rows = p->shape.out_rows / p->dot_y};
	b->cols = b->cols > 0 ? b->cols : 1;
	b->rows = b->rows > 0 ? b->rows : 1;
	uint64_t *bits = ARENA_NEW(p->a, uint64_t, mask_words(b->cols, b->rows));
	if (bits == NULL)
		return fault_set(f, ERR_NOMEM, "the picture does not fit in memory",
				 FAULT_NO_OFFSET);
	mask_init(&b->dots, b->cols, b->rows, bits);
	b->style = (struct text_style){
		b->cols < SMALL_SIDE || b->rows < SMALL_SIDE ? FONT_SMALL : FONT_REGULAR, 1};
	b->pitch = text_rows(b->style);
	return OK;
}

/* A line that would run into the letter in the middle is left out. */
static void write_head(struct board *b, const char *const lines[static PICTURE_LINES])
{
	b->head = MARGIN;
	for (unsigned i = 0; i < PICTURE_LINES && lines[i] != NULL; i++) {
		struct bytes line = bytes_str(lines[i]);

		if (MARGIN + text_cols(b->style, line) + b->pitch / 2 > b->cols / 2)
			continue;
		text_draw(&b->dots, MARGIN, b->head, b->style, line);
		b->head += b->pitch;
	}
}

static void write_foot(struct board *b, struct bytes disclaimer)
{
	struct text_block block;
	uint32_t cols = b->cols - 2 * MARGIN, rows = b->rows / 4;

	b->foot = MARGIN;
	if (disclaimer.len == 0 || !text_wrap(&block, disclaimer, b->style, cols, rows))
		return;
	b->foot += block.rows;
	text_block_draw(&b->dots, MARGIN, (int64_t)b->rows - b->foot, &block);
	b->foot += MARGIN;
}

static void write_letters(struct board *b, const struct picture_labels *l)
{
	int64_t middle = ((int64_t)b->rows - b->pitch) / 2;
	struct bytes left = bytes_str(l->left), right = bytes_str(l->right);
	struct bytes top = bytes_str(l->top), bottom = bytes_str(l->bottom);

	text_draw(&b->dots, MARGIN, middle, b->style, left);
	text_draw(&b->dots, (int64_t)b->cols - MARGIN - text_cols(b->style, right), middle,
		  b->style, right);
	text_draw(&b->dots, ((int64_t)b->cols - text_cols(b->style, top)) / 2, 1, b->style, top);
	text_draw(&b->dots, ((int64_t)b->cols - text_cols(b->style, bottom)) / 2,
		  (int64_t)b->rows - b->foot - b->pitch + 1, b->style, bottom);
}

/* A box of dots as one of canvas pixels, grown by `more` pixels. */
static struct canvas_box on_canvas(const struct board *b, int64_t x0, int64_t y0, int64_t x1,
				   int64_t y1, int32_t more)
{
	int32_t dx = (int32_t)b->p->dot_x, dy = (int32_t)b->p->dot_y;

	return (struct canvas_box){.x0 = (int32_t)x0 * dx - more,
				   .y0 = (int32_t)y0 * dy - more,
				   .x1 = (int32_t)x1 * dx + more,
				   .y1 = (int32_t)y1 * dy + more};
}

/* Light letters with a dark rim, readable on anything. */
static void ink_letters(struct board *b)
{
	struct canvas *c = &b->p->canvas;
	int32_t rim = (int32_t)(b->p->dot_x < b->p->dot_y ? b->p->dot_x : b->p->dot_y);

	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t row = b->dots.box.row0; row < b->dots.box.row1; row++) {
			uint32_t from, to;

			for (to = 0; mask_run(&b->dots, row, &from, &to);)
				canvas_cover(c, on_canvas(b, from, row, to, row + 1,
							  pass == 0 ? rim : 0));
		}
		canvas_ink(c, pass == 0 ? black : light, pass == 0 ? LETTER_RIM_ALPHA : 255, false);
	}
}

/* ---- The legend ---- */

/* One way to lay it out, and where. */
struct legend {
	const struct picture_roi *rois;
	size_t count, shown; /* shown < count: the last entry says how many more */
	size_t cut;          /* names that are not whole */
	char more[32];
	struct text_style style;
	uint32_t pitch;             /* from line to line */
	uint32_t swatch, name_cols; /* of an entry: its line, its name */
	uint32_t lines, columns;
	uint32_t cols, rows; /* of the whole */
	uint32_t x, y;
	uint64_t cost; /* what is lost by it */
};

#define GAP 4u
#define COLUMNS_MAX 3u
#define SMALL_COST 80u   /* of small letters */
#define CUT_COST 100u    /* of each name that is cut */
#define UNSAID_COST 500u /* of each name that is left out */

/* A name, or its beginning and "..." where it is too long. */
static void write_name(struct board *b, const struct legend *g, uint32_t x, uint32_t y,
		       struct bytes name)
{
	static const struct bytes dots = {(const uint8_t *)"...", 3};
	bool cut = text_cols(g->style, name) > g->name_cols;

	while (cut && name.len > 0 &&
	       text_cols(g->style, name) + 1 + text_cols(g->style, dots) > g->name_cols) {
		name.len--;
		while (name.len > 0 && (name.at[name.len] & 0xC0u) == 0x80u)
			name.len--;
	}
	text_draw(&b->dots, x, y, g->style, name);
	if (cut)
		text_draw(&b->dots, (int64_t)x + text_cols(g->style, name) + 1, y, g->style, dots);
}

static uint32_t entry_cols(const struct legend *g)
{
	return g->swatch + GAP + g->name_cols + GAP;
}

/* Columns for names, at most `most`; how many are cut then. */
static void widest_name(struct legend *g, uint32_t most)
{
	snprintf(g->more, sizeof(g->more), "+%zu more", g->count);
	g->name_cols = text_cols(g->style, bytes_str(g->more));
	for (size_t i = 0; i < g->count; i++) {
		uint32_t cols = text_cols(g->style, g->rois[i].name);

		g->cut += cols > most;
		g->name_cols = cols > g->name_cols ? cols : g->name_cols;
	}
	g->name_cols = g->name_cols > most ? most : g->name_cols;
}

/* As many entries as fit into these columns, in a quarter of the picture; false: there is no room
 * for any. */
static bool legend_plan(struct legend *g, const struct board *b, const struct picture_labels *l,
			enum font_face face, uint32_t columns)
{
	*g = (struct legend){
		.rois = l->rois, .count = l->roi_count, .style = {face, 1}, .columns = columns};
	g->pitch = g->swatch = text_rows(g->style);

	uint32_t half = b->rows / 2, taken = b->foot + MARGIN + b->pitch / 2 + 2;
	uint32_t wide = b->cols / 2 > b->pitch + MARGIN ? b->cols / 2 - b->pitch - MARGIN : 0;
	uint32_t frame = g->swatch + 3 * GAP;
	if (g->count == 0 || half < taken + g->pitch || wide / columns < frame + g->pitch)
		return false;
	widest_name(g, wide / columns - frame);
	if (text_cols(g->style, bytes_str(g->more)) > g->name_cols)
		return false;

	uint32_t most = (half - taken) / g->pitch;
	g->lines = (uint32_t)((g->count + columns - 1) / columns);
	g->lines = g->lines > most ? most : g->lines;
	g->shown = g->count;
	if (g->count > (size_t)g->lines * columns) {
		g->shown = (size_t)g->lines * columns - 1;
		snprintf(g->more, sizeof(g->more), "+%zu more", g->count - g->shown);
	}
	g->cols = columns * entry_cols(g) + GAP;
	g->rows = g->lines * g->pitch + 2;
	return true;
}

/* What a box hides: every dot that is not dark counts, one with a line on it more. */
static uint64_t hidden(const struct board *b, const struct legend *g, uint32_t x, uint32_t y)
{
	const struct canvas *c = &b->p->canvas;
	struct canvas_box box = canvas_clip(c, on_canvas(b, x, y, x + g->cols, y + g->rows, 0));
	int32_t across = (int32_t)b->p->dot_x + 1, down = (int32_t)b->p->dot_y + 1;
	uint64_t sum = 0;

	for (int32_t row = box.y0; row < box.y1; row += down)
		for (int32_t col = box.x0; col < box.x1; col += across) {
			const uint8_t *at = canvas_at(c, (uint32_t)col, (uint32_t)row);
			uint8_t low = at[0], high = at[0];

			for (unsigned i = 1; i < 3; i++) {
				low = at[i] < low ? at[i] : low;
				high = at[i] > high ? at[i] : high;
			}
			sum += high - low > LINE_CHROMA ? LINE_COST : luma(at) > DARK;
		}
	return sum * (uint64_t)(across * down) / (b->p->dot_x * b->p->dot_y);
}

/* Try a layout in every corner.  What came first stays unless another hides much less: so that the
 * legend seldom jumps from slice to slice. */
static void legend_try(struct legend *best, struct legend *g, const struct board *b)
{
	uint32_t right = b->cols - MARGIN - g->cols, low = b->rows - b->foot - MARGIN - g->rows;
	const uint32_t corners[4][2] = {
		{right, MARGIN}, {right, low}, {MARGIN, low}, {MARGIN, b->head + MARGIN}};

	for (unsigned i = 0; i < 4; i++) {
		g->x = corners[i][0];
		g->y = corners[i][1];
		if (i == 3 && g->y + g->rows + b->pitch / 2 > b->rows / 2)
			continue; /* into the letter at the left */
		g->cost = hidden(b, g, g->x, g->y) + UNSAID_COST * (g->count - g->shown) +
			  CUT_COST * g->cut + (g->style.face == FONT_SMALL ? SMALL_COST : 0);
		if (best->count == 0 || g->cost < best->cost / 2)
			*best = *g;
	}
}

static void legend_draw(struct board *b, const struct legend *g)
{
	struct picture *p = b->p;
	double half_letter = (font_cap_top(g->style.face) + font_cap_bottom(g->style.face)) / 2.0;

	canvas_wash(&p->canvas, on_canvas(b, g->x, g->y, g->x + g->cols, g->y + g->rows, 0), black,
		    PANEL_ALPHA);
	for (size_t i = 0; i < g->shown + (g->shown < g->count); i++) {
		const struct picture_roi *roi = &g->rois[i];
		uint32_t left = g->x + GAP + (uint32_t)(i / g->lines) * entry_cols(g);
		uint32_t top = g->y + 1 + (uint32_t)(i % g->lines) * g->pitch;
		double middle = (top + half_letter) * p->dot_y - 0.5;
		/* two dashes of it */
		double unit =
			roi->line == LINE_DASHED ? g->swatch * p->dot_x / (3.2 * DASH) : p->width;
		struct pen pen = {.line = roi->line, .width = p->width * 1.5, .unit = unit};
		double from[2] = {(double)left * p->dot_x, middle};
		double to[2] = {(double)(left + g->swatch) * p->dot_x, middle};

		if (i == g->shown) {
			write_name(b, g, left + g->swatch + GAP, top, bytes_str(g->more));
			break;
		}
		piece(&p->canvas, &pen, from, to);
		canvas_ink(&p->canvas, luma(roi->color) < DARK ? light : black, RIM_LIGHT_ALPHA,
			   true);
		canvas_ink(&p->canvas, roi->color, 255, false);
		write_name(b, g, left + g->swatch + GAP, top, roi->name);
	}
}

static void write_legend(struct board *b, const struct picture_labels *l)
{
	struct legend best = {.count = 0}, g;

	for (int small = b->style.face == FONT_SMALL; small < 2; small++)
		for (uint32_t columns = 1; columns <= COLUMNS_MAX; columns++)
			if (legend_plan(&g, b, l, small ? FONT_SMALL : FONT_REGULAR, columns))
				legend_try(&best, &g, b);
	if (best.count > 0)
		legend_draw(b, &best);
}

enum err picture_labels(struct picture *p, const struct picture_labels *l, struct fault *f)
{
	size_t mark = arena_mark(p->a);
	struct board b;
	enum err e = board_open(&b, p, f);

	if (e != OK)
		return e;
	bool tiny = b.cols < TINY_SIDE || b.rows < TINY_SIDE;
	b.head = b.foot = 1;
	if (!tiny) {
		write_head(&b, l->lines);
		write_foot(&b, l->disclaimer);
		write_legend(&b, l);
	}
	write_letters(&b, l);
	ink_letters(&b);
	arena_reset(p->a, mark);
	return OK;
}
