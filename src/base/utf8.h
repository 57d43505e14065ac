/*
 * UTF-8 (RFC 3629), one code point at a time.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/bytes.h"

/* Length (1-4) of the well-formed sequence at the front of `s` and its code point;
 * 0 when there is none: overlong, surrogate, above U+10FFFF, cut short, empty. */
unsigned utf8_next(struct bytes s, uint32_t *code);
unsigned utf8_put(uint8_t out[static 4], uint32_t code); /* bytes written */
bool utf8_valid(struct bytes s);

#endif
