/*
 * What verify.h searches for: one value of the source in all its forms.
 */
#ifndef ANON_FORBIDDEN_H
#define ANON_FORBIDDEN_H

#include "anon/verify.h"
#include "dicom/encode.h"

enum forbidden_form {
	FORM_RAW,
	FORM_UTF8,
	FORM_PART,
	FORM_LATIN,
	FORM_DATE,
	FORM_UTF16_LE,
	FORM_UTF16_BE,
	FORM_CHARSET
};
extern const char *const forbidden_form_words[];

#define FORBIDDEN_CHARSETS 8u /* Specific Character Sets of one object */

/* What a pattern is made of, as far as it matters where it may stand. */
enum forbidden_sort { SORT_NUMBER, SORT_UID, SORT_WORD, SORT_OTHER };

/* All zero before its first object. */
struct forbidden {
	struct verify *v;
	struct arena *a;
	struct valueset kept;  /* values that the output may hold */
	struct valueset known; /* patterns that are there; in the order of v->search */
	struct buf text, wide; /* owned; kept from object to object */
	bool weak;             /* what is added now names no person */
	struct bytes charsets[FORBIDDEN_CHARSETS]; /* of the whole object, borrowed */
	struct text_encoder encoders[FORBIDDEN_CHARSETS];
	unsigned charset_count;
	bool no_memory; /* sticky */
};

void forbidden_open(struct forbidden *c, struct verify *v, struct arena *a);

/* Some of the object's text is in this character set: names are looked for in it, too.  False: that
 * is one too many. */
bool forbidden_charset(struct forbidden *c, struct bytes charset) MUST_USE;
/* A value (trimmed here) may be met; of a date the day, too. */
void forbidden_keep(struct forbidden *c, struct bytes value, enum vr vr);
/* All values of the attribute are forbidden, but those that are kept.  `value` is borrowed;
 * `weak`: it names no person. */
void forbidden_add(struct forbidden *c, struct bytes value, enum vr vr, uint32_t tag,
		   struct bytes charset, bool weak);
/* Does what stands around it make a pattern another value? */
bool forbidden_stands_alone(struct bytes text, size_t at, struct bytes pattern,
			    enum forbidden_sort sort);

#endif
