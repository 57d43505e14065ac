/*
 * tables/font.txt -> font.inc, for src/image/font.c: the glyphs of each face, sorted by code point,
 * marks composed onto their letters.  Run as `gen_font OUTPUT_FOLDER` from the project root.
 */
#include <stdint.h>

#include "gen_tsv.h"

#define ROWS 12
#define GLYPHS 512
#define TOKENS 40
#define COLS 8

/* Rows of a line: for marks, of a capital, of a descender. */
static const struct face_shape {
	const char *name;
	unsigned above, capital, under;
} shapes[2] = {{"regular", 3, 7, 2}, {"small", 2, 5, 1}};

struct glyph {
	char name[16]; /* of a mark */
	uint32_t code;
	uint8_t cols, rows; /* rows: of a mark */
	uint8_t dots[ROWS];
};

static struct list {
	struct glyph at[GLYPHS];
	unsigned count;
} glyphs[2], over[2], below[2];

static struct tsv in;

static uint32_t code_of(const char *s)
{
	const uint8_t *u = (const uint8_t *)s;
	char *end;

	if (strncmp(s, "U+", 2) == 0 && s[2] != '\0') {
		unsigned long code = strtoul(s + 2, &end, 16);
		if (*end == '\0')
			return (uint32_t)code;
	}
	if (u[0] < 0x80 && u[1] == '\0')
		return u[0];
	if ((u[0] & 0xE0) == 0xC0 && u[1] != '\0' && u[2] == '\0')
		return (u[0] & 0x1Fu) << 6 | (u[1] & 0x3Fu);
	if ((u[0] & 0xF0) == 0xE0 && u[1] != '\0' && u[2] != '\0' && u[3] == '\0')
		return (u[0] & 0xFu) << 12 | (u[1] & 0x3Fu) << 6 | (u[2] & 0x3Fu);
	tsv_die(&in, "\"%s\" is no character", s);
}

static struct glyph *find(struct list *l, uint32_t code, const char *name)
{
	for (unsigned i = 0; i < l->count; i++)
		if (name != NULL ? strcmp(l->at[i].name, name) == 0 : l->at[i].code == code)
			return &l->at[i];
	return NULL;
}

static struct glyph *add(struct list *l, uint32_t code, const char *name)
{
	if (l->count == GLYPHS)
		tsv_die(&in, "too many glyphs");
	if (find(l, code, name) != NULL)
		tsv_die(&in, "%s (U+%04X) is there twice", name != NULL ? name : "glyph", code);
	struct glyph *g = &l->at[l->count++];
	*g = (struct glyph){.code = code};
	if (name != NULL)
		snprintf(g->name, sizeof(g->name), "%s", name);
	return g;
}

/* The words of the line just read; 0 for an empty one. */
static unsigned words_of(char *words[TOKENS])
{
	unsigned n = 0;

	for (char *w = strtok(in.text, " \n"); w != NULL; w = strtok(NULL, " \n")) {
		if (n == TOKENS)
			tsv_die(&in, "too many words");
		words[n++] = w;
	}
	return n;
}

static int next_line(void)
{
	if (fgets(in.text, sizeof(in.text), in.file) == NULL)
		return 0;
	in.line++;
	return 1;
}

/* The rows of `count` glyphs, up to an empty line; the first goes to row `top`. */
static void read_rows(struct glyph *first, unsigned count, unsigned top, unsigned most)
{
	char *words[TOKENS];
	unsigned rows = 0, n;

	for (; next_line() && (n = words_of(words)) > 0; rows++) {
		if (rows == most)
			tsv_die(&in, "more than %u rows", most);
		if (n != count)
			tsv_die(&in, "%u glyphs, not %u", n, count);
		for (unsigned i = 0; i < count; i++) {
			size_t len = strlen(words[i]);

			if (len == 0 || len > COLS || strspn(words[i], ".#") != len ||
			    (rows > 0 && len != first[i].cols))
				tsv_die(&in, "row %u of glyph %u: \"%s\"", rows, i, words[i]);
			first[i].cols = (uint8_t)len;
			first[i].rows = (uint8_t)(rows + 1);
			for (size_t c = 0; c < len; c++)
				if (words[i][c] == '#')
					first[i].dots[top + rows] |= (uint8_t)(1u << c);
		}
	}
}

static unsigned face_of(const char *name)
{
	for (unsigned f = 0; f < 2; f++)
		if (strcmp(name, shapes[f].name) == 0)
			return f;
	tsv_die(&in, "no face is called \"%s\"", name);
}

static void read_glyphs(unsigned face, char *const *words, unsigned count)
{
	const struct face_shape *s = &shapes[face];
	unsigned first = glyphs[face].count;

	for (unsigned i = 0; i < count; i++)
		add(&glyphs[face], code_of(words[i]), NULL);
	read_rows(&glyphs[face].at[first], count, s->above, s->capital + s->under);
}

static void read_marks(struct list *l, unsigned face, char *const *words, unsigned count,
		       unsigned most)
{
	unsigned first = l[face].count;

	for (unsigned i = 0; i < count; i++)
		add(&l[face], 0, words[i]);
	read_rows(&l[face].at[first], count, 0, most);
}

static unsigned first_row(const struct glyph *g)
{
	for (unsigned r = 0; r < ROWS; r++)
		if (g->dots[r] != 0)
			return r;
	return ROWS;
}

static unsigned last_row(const struct glyph *g)
{
	unsigned last = 0;

	for (unsigned r = 0; r < ROWS; r++)
		last = g->dots[r] != 0 ? r : last;
	return last;
}

/* Lay the mark over the letter, centred; a wider one makes the letter wider. */
static void lay(struct glyph *g, const struct glyph *mark, unsigned row)
{
	unsigned cols = g->cols > mark->cols ? g->cols : mark->cols;
	unsigned shift = (cols - g->cols) / 2, aside = (cols - mark->cols) / 2;

	for (unsigned r = 0; r < ROWS; r++)
		g->dots[r] = (uint8_t)(g->dots[r] << shift);
	for (unsigned r = 0; r < mark->rows && row + r < ROWS; r++)
		g->dots[row + r] |= (uint8_t)(mark->dots[r] << aside);
	g->cols = (uint8_t)cols;
}

static void compose(uint32_t code, uint32_t letter, const char *name)
{
	for (unsigned f = 0; f < 2; f++) {
		const struct face_shape *s = &shapes[f];
		const struct glyph *base = find(&glyphs[f], letter, NULL);
		const struct glyph *mark = find(&over[f], 0, name),
				   *tail = find(&below[f], 0, name);

		if (base == NULL && f == 0)
			tsv_die(&in, "U+%04X is not drawn", letter);
		if (mark == NULL && tail == NULL)
			tsv_die(&in, "no mark \"%s\"", name);
		if (base == NULL)
			continue; /* the small face has capitals only */
		struct glyph copy = *base, *g = add(&glyphs[f], code, NULL);
		copy.code = code;
		*g = copy;
		if (tail != NULL) {
			lay(g, tail, s->above + s->capital);
			continue;
		}
		unsigned top = first_row(g), end = last_row(mark) + 1;
		unsigned gap = top > end ? 1 : 0;
		if (top < end) /* no room: as high as can be */
			lay(g, mark, 0);
		else
			lay(g, mark, top - end - gap);
	}
}

static void read_font(void)
{
	char *words[TOKENS];

	while (next_line()) {
		unsigned n = in.text[0] == ';' ? 0 : words_of(words);

		if (n == 0)
			continue;
		if (n < 2)
			tsv_die(&in, "nothing after \"%s\"", words[0]);
		if (strcmp(words[0], "regular") == 0 || strcmp(words[0], "small") == 0)
			read_glyphs(face_of(words[0]), words + 1, n - 1);
		else if (strcmp(words[0], "above") == 0)
			read_marks(over, face_of(words[1]), words + 2, n - 2, 3);
		else if (strcmp(words[0], "under") == 0)
			read_marks(below, face_of(words[1]), words + 2, n - 2, 2);
		else if (strcmp(words[0], "compose") == 0 && n == 4)
			compose(code_of(words[1]), code_of(words[2]), words[3]);
		else
			tsv_die(&in, "what is \"%s\"?", words[0]);
	}
}

static int by_code(const void *a, const void *b)
{
	const struct glyph *x = a, *y = b;

	return (x->code > y->code) - (x->code < y->code);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: gen_font OUTPUT_FOLDER\n");
		return 2;
	}
	in = (struct tsv){.path = "tables/font.txt", .file = fopen("tables/font.txt", "r")};
	if (in.file == NULL)
		tsv_die(&in, "%s", strerror(errno));
	read_font();
	fclose(in.file);

	FILE *out = gen_create(argv[1], "font.inc");
	fprintf(out, "/* Made by tools/gen_font.c from tables/font.txt: not to be edited. */\n");
	for (unsigned f = 0; f < 2; f++) {
		qsort(glyphs[f].at, glyphs[f].count, sizeof(glyphs[f].at[0]), by_code);
		fprintf(out, "static const struct drawn %s[] = {\n", shapes[f].name);
		for (unsigned i = 0; i < glyphs[f].count; i++) {
			const struct glyph *g = &glyphs[f].at[i];

			fprintf(out, "\t{0x%04X, {%u, {", g->code, g->cols);
			for (unsigned r = 0; r < ROWS; r++)
				fprintf(out, "%s0x%02X", r > 0 ? ", " : "", g->dots[r]);
			fprintf(out, "}}},\n");
		}
		fprintf(out, "};\n");
	}
	gen_close(out);
	return 0;
}
