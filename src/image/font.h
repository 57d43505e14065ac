/*
 * Letters of dots, of our own drawing (tables/font.txt): the letters of Latin-1 and Latin
 * Extended-A with their marks, digits, punctuation.
 *
 * A letter is as wide as it is: one free column comes between two of them (FONT_GAP).  Digits are
 * all of one width.  In a line of font_rows(face) rows, from the top:
 *
 *     FONT_REGULAR   3 rows for marks, 7 for capitals, 2 for descenders
 *     FONT_SMALL     2,                5,              1: capitals only, lower case shows as these;
 *                    for images of few pixels
 */
#ifndef IMAGE_FONT_H
#define IMAGE_FONT_H

#include <stdbool.h>
#include <stdint.h>

enum font_face { FONT_REGULAR, FONT_SMALL };

#define FONT_ROWS_MAX 12u
#define FONT_COLS_MAX 8u
#define FONT_GAP 1u

struct glyph {
	uint8_t cols;                /* 1..FONT_COLS_MAX */
	uint8_t dots[FONT_ROWS_MAX]; /* a byte a row from the top, the leftmost dot in bit 0 */
};

unsigned font_rows(enum font_face face);       /* of a line */
unsigned font_cap_top(enum font_face face);    /* the first row of a capital letter */
unsigned font_cap_bottom(enum font_face face); /* the row after its last one: the base line */
/* Of a Unicode code point; what has no picture is an empty box. */
struct glyph font_glyph(enum font_face face, uint32_t code);
bool font_has(enum font_face face, uint32_t code);

#endif
