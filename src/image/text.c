/*
 * Words to lines to sizes.  A text is taken apart into letters once; everything after that counts
 * their dots.  A size is tried by breaking the text into lines as wide as the image allows, and
 * then narrower as long as there are not more of them.
 */
#include "image/text.h"

#include <string.h>

#include "base/utf8.h"

#define LETTERS_MAX 1024u /* of one text; what comes after is cut */
#define CAPITAL_SHARE 36u /* a capital is this part of an image's shorter side, at most */
#define REPLACEMENT 0xFFFDu
#define POINTS 6u /* dots of "...", with the gap before it */

/* Of a large size, and of the regular face at its smallest: one part in so many of the image. */
#define AREA_LARGE 16u
#define AREA_REGULAR 10u

static const uint8_t line_gap[] = {[FONT_REGULAR] = 2, [FONT_SMALL] = 1};
static const uint8_t border_dots[] = {[FONT_REGULAR] = 2, [FONT_SMALL] = 1};
static const uint8_t margin_dots[] = {[FONT_REGULAR] = 2, [FONT_SMALL] = 0};

/* The next character; every byte that is none is one. */
static uint32_t next_code(struct bytes text, size_t *at)
{
	uint32_t code;
	unsigned n = utf8_next(bytes_slice(text, *at, text.len - *at), &code);

	*at += n == 0 ? 1 : n;
	return n == 0 || code < 0x20 ? REPLACEMENT : code;
}

uint32_t text_cols(struct text_style style, struct bytes line)
{
	uint32_t cols = 0;

	for (size_t at = 0; at < line.len;)
		cols += (font_glyph(style.face, next_code(line, &at)).cols + FONT_GAP) *
			style.scale;
	return cols == 0 ? 0 : cols - FONT_GAP * style.scale;
}

uint32_t text_rows(struct text_style style)
{
	return font_rows(style.face) * style.scale;
}

/* A square of dots, clipped. */
static void draw_dot(struct mask *m, int64_t col, int64_t row, uint32_t scale)
{
	int64_t left = col < 0 ? 0 : col, right = col + scale;
	int64_t top = row < 0 ? 0 : row, bottom = row + scale;

	right = right > m->cols ? m->cols : right;
	bottom = bottom > m->rows ? m->rows : bottom;
	for (int64_t r = top; r < bottom && left < right; r++)
		mask_set(m, (uint32_t)r, (uint32_t)left, (uint32_t)right);
}

void text_draw(struct mask *m, int64_t col, int64_t row, struct text_style style, struct bytes line)
{
	for (size_t at = 0; at < line.len;) {
		struct glyph g = font_glyph(style.face, next_code(line, &at));

		for (unsigned r = 0; r < font_rows(style.face); r++)
			for (unsigned c = 0; c < g.cols; c++)
				if ((g.dots[r] >> c & 1u) != 0)
					draw_dot(m, col + c * style.scale, row + r * style.scale,
						 style.scale);
		col += (g.cols + FONT_GAP) * style.scale;
	}
}

/* ---- breaking ---- */

struct letters {
	struct bytes text;
	uint32_t count;
	uint32_t at[LETTERS_MAX + 1]; /* of each in the text, and the end */
	uint8_t cols[LETTERS_MAX];    /* dots, gap included */
	bool is_space[LETTERS_MAX], is_end[LETTERS_MAX];
	bool holds[LETTERS_MAX]; /* a space before a lone dash: a line does not begin with one */
	unsigned top, bottom;    /* rows of a line that any of them has dots in */
	bool cut;                /* the text has more */
};

/* Hyphen, en dash or em dash at `at`, with a space after it. */
static bool lone_dash(struct bytes text, size_t at)
{
	uint32_t code;
	unsigned n = utf8_next(bytes_slice(text, at, text.len - at), &code);

	return n > 0 && (code == '-' || code == 0x2013 || code == 0x2014) && at + n < text.len &&
	       text.at[at + n] == ' ';
}

static void take_apart(struct letters *l, struct bytes text, enum font_face face)
{
	size_t at = 0;

	*l = (struct letters){
		.text = text, .top = font_cap_top(face), .bottom = font_cap_bottom(face)};
	while (at < text.len && l->count < LETTERS_MAX) {
		uint32_t i = l->count++;
		bool crlf = text.at[at] == '\r' && at + 1 < text.len && text.at[at + 1] == '\n';

		l->at[i] = (uint32_t)at;
		at += crlf;
		l->is_end[i] = text.at[at] == '\n';
		l->is_space[i] = text.at[at] == ' ' || l->is_end[i];
		l->holds[i] = l->is_space[i] && !l->is_end[i] && lone_dash(text, at + 1);
		struct glyph g = font_glyph(face, next_code(text, &at));
		l->cols[i] = (uint8_t)(g.cols + FONT_GAP);
		for (unsigned r = 0; r < font_rows(face) && !l->is_space[i]; r++) {
			l->top = r < l->top && g.dots[r] != 0 ? r : l->top;
			l->bottom = r >= l->bottom && g.dots[r] != 0 ? r + 1 : l->bottom;
		}
	}
	l->at[l->count] = (uint32_t)at;
	l->cut = at < text.len;
}

/*
 * The line that begins with letter *next, of at most `most` dots: *from and *to are its letters,
 * *next the first one of the next line.  Returns its dots.  The first letter is taken even where
 * it is wider.
 */
static uint32_t next_line(const struct letters *l, uint32_t most, uint32_t *next, uint32_t *from,
			  uint32_t *to)
{
	uint32_t i = *next, cols = 0, broken = 0, broken_cols = 0;

	while (i < l->count && l->is_space[i] && !l->is_end[i])
		i++;
	*from = *to = i;
	for (; i < l->count && !l->is_end[i]; i++) {
		uint32_t with = cols + l->cols[i];

		if (l->is_space[i] && !l->holds[i] && i > *from && !l->is_space[i - 1]) {
			broken = i;
			broken_cols = cols;
		}
		if (with - FONT_GAP > most && i > *from && !l->is_space[i])
			break;
		cols = with;
	}
	bool whole = i == l->count || l->is_end[i];
	if (whole || broken == 0) {
		*to = i;
		*next = whole && i < l->count ? i + 1 : i;
	} else {
		*to = *next = broken;
		cols = broken_cols;
	}
	while (*to > *from && l->is_space[*to - 1])
		cols -= l->cols[--*to];
	return cols > 0 ? cols - FONT_GAP : 0;
}

/* What lines of at most so many dots are like. */
struct lines {
	uint32_t count;
	uint32_t widest; /* dots */
	uint32_t broken; /* words that are too long for a line */
};

static struct lines count_lines(const struct letters *l, uint32_t most)
{
	struct lines n = {0};
	uint32_t next = 0, from, to;

	while (next < l->count) {
		uint32_t cols = next_line(l, most, &next, &from, &to);

		n.widest = cols > n.widest ? cols : n.widest;
		n.count += to > from || n.count > 0;
		n.broken += next < l->count && !l->is_space[next] && !l->is_end[next - 1];
	}
	return n;
}

/* The fewest dots with which there are no more lines, and no more broken words. */
static uint32_t narrowest(const struct letters *l, uint32_t most, const struct lines *wanted)
{
	uint32_t low = 1, high = most;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		struct lines n = count_lines(l, middle);

		if (n.count <= wanted->count && n.widest <= middle && n.broken <= wanted->broken)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* The text goes on where the last line ends: make room for "..." there, if a letter is left of it.
 */
static void end_with_points(struct text_block *b, const struct letters *l, uint32_t from,
			    uint32_t to, uint32_t most)
{
	struct text_line *last = &b->lines[b->count - 1];
	uint32_t cols = last->cols / b->style.scale;

	b->cut = true;
	while (to > from && cols + POINTS > most)
		cols -= l->cols[--to];
	if (to == from)
		return;
	last->text = bytes_slice(l->text, l->at[from], l->at[to] - l->at[from]);
	last->cols = (cols + POINTS) * b->style.scale;
	b->points = true;
}

static bool wrap(struct text_block *b, const struct letters *l, struct text_style style,
		 uint32_t cols, uint32_t rows)
{
	uint32_t most = cols / style.scale, extent = l->bottom - l->top;
	uint32_t pitch = extent + line_gap[style.face], next = 0, from = 0, to = 0;
	uint32_t room = rows / style.scale < extent ? 0 : (rows / style.scale - extent) / pitch + 1;
	struct lines lines = count_lines(l, most);

	*b = (struct text_block){
		.style = style, .pitch = pitch * style.scale, .top = l->top * style.scale};
	if (room == 0 || lines.count == 0 || lines.widest > most)
		return false;
	uint32_t limit = lines.count > room ? most : narrowest(l, most, &lines);
	room = room < TEXT_LINES_MAX ? room : TEXT_LINES_MAX;
	b->cut = l->cut;
	while (next < l->count && b->count < room) {
		uint32_t line = next_line(l, limit, &next, &from, &to) * style.scale;

		if (to == from && b->count == 0)
			continue;
		b->lines[b->count++] = (struct text_line){
			bytes_slice(l->text, l->at[from], l->at[to] - l->at[from]), line};
	}
	if (next < l->count || l->cut)
		end_with_points(b, l, from, to, most);
	for (uint32_t i = 0; i < b->count; i++)
		b->cols = b->lines[i].cols > b->cols ? b->lines[i].cols : b->cols;
	b->rows = ((b->count - 1) * pitch + extent) * style.scale;
	return true;
}

bool text_wrap(struct text_block *out, struct bytes text, struct text_style style, uint32_t cols,
	       uint32_t rows)
{
	struct letters l;

	take_apart(&l, text, style.face);
	return wrap(out, &l, style, cols, rows);
}

void text_block_draw(struct mask *m, int64_t col, int64_t row, const struct text_block *block)
{
	for (uint32_t i = 0; i < block->count; i++) {
		const struct text_line *line = &block->lines[i];
		int64_t top = row + (int64_t)i * block->pitch - block->top;

		text_draw(m, col, top, block->style, line->text);
		if (block->points && i == block->count - 1)
			text_draw(m, col + line->cols - text_cols(block->style, BYTES_LIT("...")),
				  top, block->style, BYTES_LIT("..."));
	}
}

/* ---- sizes ---- */

/* A box around the text, if it takes no more than one part in `share` of the image (0: any). */
static bool try_size(struct text_label *t, const struct letters *l, struct text_style style,
		     uint32_t cols, uint32_t rows, uint32_t share)
{
	uint32_t border = border_dots[style.face] * style.scale;

	if (cols <= 2 * border || rows <= 2 * border ||
	    !wrap(&t->block, l, style, cols - 2 * border, rows - 2 * border))
		return false;
	t->border = border;
	t->cols = t->block.cols + 2 * border;
	t->rows = t->block.rows + 2 * border;
	return share == 0 ||
	       (!t->block.cut && (uint64_t)t->cols * t->rows * share <= (uint64_t)cols * rows);
}

static bool choose_size(struct text_label *t, struct bytes text, uint32_t cols, uint32_t rows)
{
	uint32_t side = cols < rows ? cols : rows;
	unsigned capital = font_cap_bottom(FONT_REGULAR) - font_cap_top(FONT_REGULAR);
	struct letters l;

	take_apart(&l, text, FONT_REGULAR);
	for (uint32_t scale = side / (CAPITAL_SHARE * capital); scale > 1; scale--)
		if (try_size(t, &l, (struct text_style){FONT_REGULAR, scale}, cols, rows,
			     AREA_LARGE))
			return true;
	if (try_size(t, &l, (struct text_style){FONT_REGULAR, 1}, cols, rows, AREA_REGULAR))
		return true;
	take_apart(&l, text, FONT_SMALL);
	return try_size(t, &l, (struct text_style){FONT_SMALL, 1}, cols, rows, 0);
}

bool text_place(struct text_label *out, struct bytes text, enum text_corner corner, uint32_t cols,
		uint32_t rows)
{
	struct text_label t = {.cols = 0};

	if (!choose_size(&t, text, cols, rows))
		return false;
	uint32_t margin = margin_dots[t.block.style.face] * t.block.style.scale;
	uint32_t right = cols - t.cols, down = rows - t.rows;
	uint32_t aside = margin < right / 2 ? margin : right / 2;
	uint32_t edge = margin < down / 2 ? margin : down / 2;

	t.col = corner == TEXT_BOTTOM_RIGHT || corner == TEXT_TOP_RIGHT ? right - aside : aside;
	t.row = corner == TEXT_BOTTOM_RIGHT || corner == TEXT_BOTTOM_LEFT ? down - edge : edge;
	*out = t;
	return true;
}

void text_label_draw(struct mask *m, const struct text_label *label)
{
	text_block_draw(m, (int64_t)label->col + label->border, (int64_t)label->row + label->border,
			&label->block);
}
