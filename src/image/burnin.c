/*
 * The box is drawn once, as the bytes of its rows, and the same bytes go into every frame.  In a
 * big endian syntax words are swapped, so a patch there begins and ends with words, and takes the
 * neighbours of the box into them.
 */
#include "image/burnin.h"

#include <assert.h>
#include <string.h>

#define SHARE_MOST 3u /* the box is less than this part of an image */

/* Is this "the image cannot be written into" rather than "we have no memory"? */
static bool is_about_image(enum err e)
{
	return e == ERR_UNSUPPORTED || e == ERR_UNUSABLE || e == ERR_WIRE || e == ERR_LIMIT;
}

/* PS3.3 C.7.6.3.1.2: of YBR_FULL_422, two pixels are one group; the box takes whole ones. */
static void align_box(struct text_label *t, const struct image_format *m)
{
	if (m->photometric != PHOTO_YBR_FULL_422)
		return;
	t->cols += t->col % 2;
	t->col -= t->col % 2;
	if (t->cols % 2 != 0 && t->col + t->cols < m->cols)
		t->cols++;
}

static enum err look_at_pixels(struct burnin *b, const struct part10 *p, const struct dset *d,
			       uint32_t cols, uint32_t rows, struct fault *f)
{
	enum err e = OK;

	if (!b->placed)
		return fault_set(f, ERR_UNSUPPORTED, "the image has no room for a letter",
				 FAULT_NO_OFFSET);
	if ((uint64_t)b->label.cols * b->label.rows * SHARE_MOST > (uint64_t)cols * rows)
		return fault_set(f, ERR_UNSUPPORTED, "the text would cover a third of the image",
				 FAULT_NO_OFFSET);
	e = native_open(&b->native, p, d, f);
	if (e == OK && b->native.format.photometric == PHOTO_YBR_FULL_422 &&
	    (b->native.format.planar || b->native.format.cols % 2 != 0))
		e = fault_set(f, ERR_UNSUPPORTED, "its color is in a form that is not written here",
			      FAULT_NO_OFFSET);
	if (e == OK)
		e = contrast_find(&b->contrast, d, &b->native, f);
	if (e == OK)
		align_box(&b->label, &b->native.format);
	return e;
}

enum err burnin_open(struct burnin *b, const struct burnin_options *options, const struct part10 *p,
		     const struct dset *d, struct fault *f)
{
	struct fault why = {0};
	uint16_t rows = 0, cols = 0;

	*b = (struct burnin){.placed = false};
	if (!dset_u16(d, NULL, TAG_Rows, 0, &rows) || !dset_u16(d, NULL, TAG_Columns, 0, &cols) ||
	    rows == 0 || cols == 0)
		return fault_tag(f, ERR_UNUSABLE, "no Rows or Columns", FAULT_NO_OFFSET, TAG_Rows);
	b->placed = text_place(&b->label, options->text, options->corner, cols, rows);
	if (options->as_overlay)
		return OK;

	enum err e = look_at_pixels(b, p, d, cols, rows, &why);
	if (e != OK && (options->strict || !is_about_image(e))) {
		if (f != NULL)
			*f = why;
		return e;
	}
	b->into_pixels = e == OK;
	b->why_not = e == OK ? NULL : why.text;
	return OK;
}

void burnin_close(struct burnin *b)
{
	native_close(&b->native);
}

void burnin_mask(const struct burnin *b, struct mask *m)
{
	if (b->placed)
		text_label_draw(m, &b->label);
}

/* ---- the box as bytes ---- */

/* How the samples of a row of pixels lie. */
struct layout {
	size_t unit;     /* bytes of a sample */
	unsigned planes; /* of a frame: 1, or one for each sample */
	size_t pixel;    /* bytes of a pixel in a plane */
	size_t plane;    /* bytes of a plane */
};

static struct layout layout_of(const struct image_format *m)
{
	struct layout l = {.unit = m->bits_allocated / 8u, .planes = 1};

	l.pixel = l.unit * (m->photometric == PHOTO_YBR_FULL_422 ? 2 : m->samples);
	if (m->planar && m->samples > 1) {
		l.planes = m->samples;
		l.pixel = l.unit;
	}
	l.plane = (size_t)m->rows * m->cols * l.pixel;
	return l;
}

static void put_sample(uint8_t *at, size_t unit, uint32_t cell)
{
	for (size_t i = 0; i < unit; i++)
		at[i] = (uint8_t)(cell >> 8 * i);
}

/* The cells of the i-th sample of a dark and of a bright pixel. */
static void cells_of(const struct burnin *b, unsigned sample, uint32_t cells[static 2])
{
	const struct image_format *m = &b->native.format;
	bool chroma = sample > 0 && m->photometric != PHOTO_RGB && m->samples == 3;
	int64_t grey = (int64_t)1 << (m->bits_stored - 1); /* no blue, no red (C.7.6.3.1.2) */

	cells[0] = values_cell(m, chroma ? grey : b->contrast.dark);
	cells[1] = values_cell(m, chroma ? grey : b->contrast.bright);
}

/* A row of nothing but dark or bright pixels, in one plane. */
static void fill_row(const struct burnin *b, unsigned plane, bool bright, uint8_t *to)
{
	struct layout l = layout_of(&b->native.format);
	size_t in_pixel = l.pixel / l.unit;
	uint32_t cells[3][2] = {{0}};

	assert(in_pixel <= 3);
	for (unsigned i = 0; i < 3; i++)
		cells_of(b, i, cells[i]);
	for (uint32_t col = 0; col < b->label.cols; col++)
		for (size_t i = 0; i < in_pixel; i++, to += l.unit)
			put_sample(to, l.unit, cells[l.planes > 1 ? plane : i][bright]);
}

/* A row of the box: dark, and bright where there are letters. */
static void draw_row(const struct mask *letters, uint32_t row, size_t pixel, const uint8_t *dark,
		     const uint8_t *bright, uint8_t *to)
{
	uint32_t from, end;

	memcpy(to, dark, letters->cols * pixel);
	for (end = 0; mask_run(letters, row, &from, &end);)
		memcpy(to + from * pixel, bright, (end - from) * pixel);
}

/* The same of YBR_FULL_422: Y Y Cb Cr of two pixels. */
static void draw_pairs(const struct burnin *b, const struct mask *letters, uint32_t row,
		       uint8_t *to)
{
	struct layout l = layout_of(&b->native.format);
	uint32_t y[2], c[2];

	cells_of(b, 0, y);
	cells_of(b, 1, c);
	for (uint32_t col = 0; col < b->label.cols; col += 2, to += 4 * l.unit) {
		put_sample(to, l.unit, y[mask_get(letters, col, row)]);
		put_sample(to + l.unit, l.unit, y[mask_get(letters, col + 1, row)]);
		put_sample(to + 2 * l.unit, l.unit, c[0]);
		put_sample(to + 3 * l.unit, l.unit, c[0]);
	}
}

/* The rows of the box in every plane, one after the other. */
struct box {
	uint8_t *rows;
	size_t row_len;
};

static enum err draw_box(const struct burnin *b, struct arena *a, struct box *out, struct fault *f)
{
	const struct text_label *t = &b->label;
	struct layout l = layout_of(&b->native.format);
	uint64_t *bits = ARENA_NEW(a, uint64_t, mask_words(t->cols, t->rows));
	struct mask letters;

	out->row_len = t->cols * l.pixel;
	out->rows = ARENA_NEW(a, uint8_t, out->row_len * t->rows * l.planes);
	uint8_t *dark = ARENA_NEW(a, uint8_t, out->row_len);
	uint8_t *bright = ARENA_NEW(a, uint8_t, out->row_len);
	if (bits == NULL || out->rows == NULL || dark == NULL || bright == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for a text in pixels", FAULT_NO_OFFSET);
	mask_init(&letters, t->cols, t->rows, bits);
	text_block_draw(&letters, t->border, t->border, &t->block);
	for (unsigned p = 0; p < l.planes; p++) {
		fill_row(b, p, false, dark);
		fill_row(b, p, true, bright);
		for (uint32_t r = 0; r < t->rows; r++) {
			uint8_t *to = out->rows + ((size_t)p * t->rows + r) * out->row_len;

			if (b->native.format.photometric == PHOTO_YBR_FULL_422)
				draw_pairs(b, &letters, r, to);
			else
				draw_row(&letters, r, l.pixel, dark, bright, to);
		}
	}
	return OK;
}

/* Where row `row` of the box lies in the pixels. */
static size_t row_at(const struct burnin *b, uint32_t frame, unsigned plane, uint32_t row)
{
	const struct image_format *m = &b->native.format;
	struct layout l = layout_of(m);

	return ((size_t)frame * l.planes + plane) * l.plane +
	       ((size_t)(b->label.row + row) * m->cols + b->label.col) * l.pixel;
}

/* ---- into the pixels ---- */

/* Bytes [at, at + row.len) of the pixels, widened to whole words and swapped as the source is. */
static bool swapped(const struct burnin *b, size_t at, struct bytes row, struct arena *a,
		    struct patch *out)
{
	size_t turn = b->native.word - 1u, from = at & ~turn, to = (at + row.len + turn) & ~turn;
	uint8_t *bytes = ARENA_NEW(a, uint8_t, to - from);

	if (bytes == NULL)
		return false;
	for (size_t i = from; i < to; i++) {
		bool ours = i >= at && i < at + row.len;
		uint8_t old = i < b->native.data.len ? b->native.data.at[i] : 0;

		bytes[(i ^ turn) - from] = ours ? row.at[i - at] : old;
	}
	*out = (struct patch){b->native.at + from, bytes_of(bytes, to - from)};
	return true;
}

enum err burnin_patches(const struct burnin *b, struct arena *a, struct patch **patches,
			size_t *count, struct fault *f)
{
	const struct image_format *m = &b->native.format;
	struct layout l = layout_of(m);
	size_t room = (size_t)m->frames * l.planes * b->label.rows, n = 0;
	struct patch *out = ARENA_NEW(a, struct patch, room);
	struct box box;

	assert(b->into_pixels && !b->native.decoded);
	enum err e = draw_box(b, a, &box, f);
	if (e != OK)
		return e;
	bool fits = out != NULL;
	for (uint32_t frame = 0; frame < m->frames && fits; frame++)
		for (size_t i = 0; i < (size_t)l.planes * b->label.rows && fits; i++) {
			struct bytes row = bytes_of(box.rows + i * box.row_len, box.row_len);
			size_t at = row_at(b, frame, (unsigned)(i / b->label.rows),
					   (uint32_t)(i % b->label.rows));

			if (b->native.word > 1)
				fits = swapped(b, at, row, a, &out[n]);
			else
				out[n] = (struct patch){b->native.at + at, row};
			n++;
		}
	if (!fits)
		return fault_set(f, ERR_NOMEM, "no memory for a text in pixels", FAULT_NO_OFFSET);
	*patches = out;
	*count = n;
	return OK;
}

enum err burnin_paint(struct burnin *b, struct arena *a, struct fault *f)
{
	const struct image_format *m = &b->native.format;
	struct layout l = layout_of(m);
	uint8_t *pixels = b->native.owned;
	struct box box;

	assert(b->into_pixels && b->native.decoded && pixels == b->native.data.at);
	enum err e = draw_box(b, a, &box, f);
	for (uint32_t frame = 0; frame < m->frames && e == OK; frame++)
		for (size_t i = 0; i < (size_t)l.planes * b->label.rows; i++)
			memcpy(pixels + row_at(b, frame, (unsigned)(i / b->label.rows),
					       (uint32_t)(i % b->label.rows)),
			       box.rows + i * box.row_len, box.row_len);
	return e;
}
