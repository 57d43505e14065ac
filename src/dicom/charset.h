/*
 * Specific Character Set (PS3.3 C.12.1.1.2, PS3.5 6.1): text to UTF-8, for people to read.
 * Stored bytes are never changed by this.
 */
#ifndef DICOM_CHARSET_H
#define DICOM_CHARSET_H

#include "base/buf.h"
#include "dicom/vr.h"

#define CHARSET_TERMS 8

struct charset {
	uint8_t count;
	uint8_t term[CHARSET_TERMS]; /* private: indexes of the defined terms */
	bool unknown;                /* a term that is not in the table was given */
};

/* Value of (0008,0005), backslashes and all; empty: the default repertoire. */
struct charset charset_parse(struct bytes value);
/* Append the text of one element as UTF-8: ISO 2022 code extensions followed and reset where
 * PS3.5 6.1.2.5.3 says (backslash, caret and equals in PN, control characters), what cannot be
 * converted as U+FFFD. */
void charset_to_utf8(const struct charset *c, enum vr vr, struct bytes text, struct buf *out);

#endif
