/*
 * The new value of one element, as its decision asks.
 */
#ifndef ANON_VALUE_H
#define ANON_VALUE_H

#include "anon/patient.h"
#include "anon/policy.h"
#include "base/buf.h"
#include "dicom/charset.h"
#include "dicom/encode.h"
#include "dicom/walk.h"

/* All zero before its first object; one after the other with the same memory. */
struct value_maker {
	const struct policy *policy;
	const struct anon_patient *patient;
	struct words persons;       /* the patient's words without the phrases */
	const struct words *words;  /* those that the value at hand must not have */
	struct arena scratch;       /* owned */
	struct bytes charset_value; /* what the next two were made for */
	struct charset charset;
	struct text_encoder encoder;
	struct buf value, text, part, next, last; /* owned */
};

enum err value_open(struct value_maker *m, const struct policy *policy,
		    const struct anon_patient *patient, struct fault *f) MUST_USE;
/* Specific Character Set of what comes next; `charset` is kept by reference. */
void value_charset(struct value_maker *m, struct bytes charset);

struct value_job {
	const struct token *token;
	struct anon_decision decision;
	bool plain;            /* inside a sequence whose texts become dummies */
	bool strict;           /* inside one that is cleaned */
	struct bytes roi_name; /* ACT_ROI_NAME: what was chosen, UTF-8 */
};

enum value_end { VALUE_SAME, VALUE_NEW, VALUE_GONE /* there is no safe value */, VALUE_NO_MEMORY };

/* *value is valid until the next call. */
enum value_end value_make(struct value_maker *m, const struct value_job *job, struct bytes *value);

/* UTF-8 in the object's character set, at most `max` bytes; empty when there is no memory. */
struct bytes value_encoded(struct value_maker *m, struct bytes utf8, size_t max);

/* A new ID or name in it. */
struct bytes value_pseudonym(struct value_maker *m, const char *text);

/* The VR to write: the element's own where the dictionary allows it, else the dictionary's. */
enum vr value_vr(const struct token *t);

const char *value_code_meaning(const char *code); /* of CID 7050 */

#endif
