#include "image/font.h"

#include <stddef.h>

struct drawn {
	uint16_t code;
	struct glyph glyph;
};

#include "font.inc" /* generated: regular[], small[], by code */

static const struct face {
	const struct drawn *drawn;
	size_t count;
	unsigned rows, cap_top, cap_bottom;
} faces[] = {
	[FONT_REGULAR] = {regular, sizeof(regular) / sizeof(regular[0]), 12, 3, 10},
	[FONT_SMALL] = {small, sizeof(small) / sizeof(small[0]), 8, 2, 7},
};

unsigned font_rows(enum font_face face)
{
	return faces[face].rows;
}

unsigned font_cap_top(enum font_face face)
{
	return faces[face].cap_top;
}

unsigned font_cap_bottom(enum font_face face)
{
	return faces[face].cap_bottom;
}

static const struct glyph *find(const struct face *f, uint32_t code)
{
	size_t low = 0, high = f->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (f->drawn[middle].code < code)
			low = middle + 1;
		else
			high = middle;
	}
	return low < f->count && f->drawn[low].code == code ? &f->drawn[low].glyph : NULL;
}

/* The capital of a letter of Latin-1, Latin Extended-A, or with a comma below; else the code. */
static uint32_t capital(uint32_t code)
{
	switch (code) {
	case 0x00DF:
		return 0x1E9E; /* sharp s */
	case 0x00FF:
		return 0x0178;
	case 0x0131:
		return 'I'; /* dotless i */
	case 0x0138:
		return 'K'; /* kra */
	case 0x0149:
		return 'N'; /* n after an apostrophe */
	case 0x017F:
		return 'S'; /* long s */
	case 0x0237:
		return 'J';
	default:
		break;
	}
	if ((code >= 'a' && code <= 'z') || (code >= 0xE0 && code <= 0xFE && code != 0xF7))
		return code - 0x20;
	if ((code >= 0x100 && code <= 0x137) || (code >= 0x14A && code <= 0x177) ||
	    (code >= 0x218 && code <= 0x21B))
		return code & ~1u; /* pairs, capital first, at even codes */
	if ((code >= 0x139 && code <= 0x148) || (code >= 0x179 && code <= 0x17E))
		return (code - 1) | 1u; /* the same at odd ones */
	return code;
}

static const struct glyph *picture(enum font_face face, uint32_t code)
{
	const struct glyph *g = find(&faces[face], code);

	return g == NULL && face == FONT_SMALL ? find(&faces[face], capital(code)) : g;
}

bool font_has(enum font_face face, uint32_t code)
{
	return picture(face, code) != NULL;
}

struct glyph font_glyph(enum font_face face, uint32_t code)
{
	const struct glyph *drawn = picture(face, code);
	const struct face *f = &faces[face];
	struct glyph box = {.cols = face == FONT_SMALL ? 3 : 5};

	if (drawn != NULL)
		return *drawn;
	for (unsigned row = f->cap_top; row < f->cap_bottom; row++) {
		bool edge = row == f->cap_top || row == f->cap_bottom - 1;
		unsigned full = (1u << box.cols) - 1;

		box.dots[row] = (uint8_t)(edge ? full : 1u | 1u << (box.cols - 1));
	}
	return box;
}
