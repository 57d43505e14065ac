/*
 * Small capitals for captions: 5 x 7 dots, of our own drawing.
 */
#ifndef IMAGE_FONT_H
#define IMAGE_FONT_H

#include <stdbool.h>

#define FONT_COLS 5u
#define FONT_ROWS 7u
#define FONT_ADVANCE 6u

/* Is the dot at (col, row) of this character set?  Lower case shows as upper case, what has no
 * picture as an empty box. */
bool font_dot(char c, unsigned col, unsigned row);

#endif
