/*
 * Text in pixels: lines of UTF-8 drawn into a mask, and a text fitted to an image.
 *
 *     struct text_style style = {FONT_REGULAR, 2};
 *     text_draw(&mask, col, row, style, bytes_str("12/60"));       // one line
 *
 *     text_place(&label, text, TEXT_BOTTOM_RIGHT, cols, rows);      // as large as is reasonable
 *     text_label_draw(&mask, &label);
 *
 * Bytes that are no UTF-8 and control characters show as an empty box; a line end (LF, CR LF) ends
 * a line of a block.
 */
#ifndef IMAGE_TEXT_H
#define IMAGE_TEXT_H

#include "base/bytes.h"
#include "image/font.h"
#include "raster/mask.h"

struct text_style {
	enum font_face face;
	uint32_t scale; /* pixels a dot, 1.. */
};

/* Pixels from the first dot of a line to its last; 0 for an empty one. */
uint32_t text_cols(struct text_style style, struct bytes line);
/* Pixels from the top of one line to the top of the next, room for marks and descenders included.
 */
uint32_t text_rows(struct text_style style);
/* Set the dots of one line whose cell begins at (col, row); what is outside of the mask is left
 * out. */
void text_draw(struct mask *m, int64_t col, int64_t row, struct text_style style,
	       struct bytes line);

#define TEXT_LINES_MAX 64u

struct text_line {
	struct bytes text; /* a view of the whole */
	uint32_t cols;
};

struct text_block {
	struct text_style style;
	struct text_line lines[TEXT_LINES_MAX];
	uint32_t count;
	uint32_t pitch;      /* rows from one line to the next */
	uint32_t cols, rows; /* what the letters need: no room for marks or descenders where no
			      * letter of the text has any */
	uint32_t top;        /* unused rows at the top of a line's cell */
	bool cut;            /* not all of the text fits, */
	bool points;         /* and "..." says so at the end of the last line */
};

/*
 * Break a text into as few lines of at most `cols` pixels as will do, and these as even as can be;
 * words longer than a line are broken.  At most `rows` pixels, then it is cut (as it is after 1024
 * characters).  False: there is no letter in it, or not even one fits.
 */
bool text_wrap(struct text_block *out, struct bytes text, struct text_style style, uint32_t cols,
	       uint32_t rows);
/* The dots of a block whose box begins at (col, row). */
void text_block_draw(struct mask *m, int64_t col, int64_t row, const struct text_block *block);

enum text_corner {
	TEXT_BOTTOM_RIGHT,
	TEXT_BOTTOM_LEFT,
	TEXT_TOP_RIGHT,
	TEXT_TOP_LEFT,
};

/* A text with its frame, in a corner of an image. */
struct text_label {
	struct text_block block;
	uint32_t col, row, cols, rows; /* the box: the text and a border around it */
	uint32_t border;
};

/*
 * Place a text in an image of cols x rows: the letters in proportion to the image (a capital at
 * most 1/36 of its shorter side), smaller where the box would take more than 1/16 of the image, and
 * at last, for images of some hundred pixels, in FONT_SMALL.  False: the image is too small for a
 * single letter, or the text is empty.
 */
bool text_place(struct text_label *out, struct bytes text, enum text_corner corner, uint32_t cols,
		uint32_t rows);
/* The dots of the letters, in a mask of the image's size. */
void text_label_draw(struct mask *m, const struct text_label *label);

#endif
