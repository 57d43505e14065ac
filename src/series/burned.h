/*
 * What an image says of its pixels once a text is burned into them: elements of group 0028, and
 * words of Derivation Description.
 */
#ifndef SERIES_BURNED_H
#define SERIES_BURNED_H

#include "series/derive.h"

/* "pixel data unchanged outside of the text in columns 9-502, rows 485-507". */
void burned_describe(const struct derive *v, struct buf *text);
/* Can Smallest and Largest Image Pixel Value say what they are now?  Not of color, nor beyond 16
 * bits. */
bool burned_has_extremes(const struct derive *v);
/* Smallest and largest pixel; what decoding made of the pixels; nothing where they are unchanged.
 */
void burned_elements(struct derive *v);

#endif
