/*
 * UTF-8 into the character set that an image already has (PS3.3 C.12.1.1.2, PS3.5 6.1).
 *
 * The Specific Character Set of a data set belongs to all of its text, so it is never
 * changed for the sake of a ROI name: what it cannot say becomes '?', and is told.  UTF-8, the
 * single byte sets, the Japanese, Korean and Chinese ones and code extensions are written.
 */
#ifndef DICOM_ENCODE_H
#define DICOM_ENCODE_H

#include "base/arena.h"

#define TEXT_SETS 8u

struct text_encoder {
	struct arena *a;
	bool is_utf8;
	bool lossy;                       /* sticky: some text had a character that became '?' */
	uint8_t count;                    /* sets in use; the first is home[] when has_home */
	bool has_home;                    /* sets[0] needs no escape sequence */
	uint8_t sets[TEXT_SETS];          /* private: rows of the table of sets */
	const uint32_t *table[TEXT_SETS]; /* made when first needed; arena's */
};

/* `charset`: value of (0008,0005), empty for the default repertoire. */
void text_encoder_init(struct text_encoder *t, struct bytes charset, struct arena *a);

/*
 * The text for one value of at most `max` bytes (at least 4), in the arena; .at is NULL when that
 * is full.  Control characters become blanks and a backslash a slash, so that one name stays one
 * value; blanks around it go.  What is too long is cut between characters and ends in "...".
 */
struct bytes text_encode(struct text_encoder *t, struct bytes utf8, size_t max) MUST_USE;

#endif
