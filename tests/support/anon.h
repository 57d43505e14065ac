/*
 * A data set that is built, de-identified, and looked into.
 */
#ifndef TESTS_ANON_H
#define TESTS_ANON_H

#include "anon/apply.h"
#include "dicom/build.h"
#include "dicom/dset.h"

#define ANON_KEY BYTES_LIT("0123456789abcdef0123456789abcdef")
#define ANON_CT "1.2.840.10008.5.1.4.1.1.2"
#define ANON_RTSTRUCT "1.2.840.10008.5.1.4.1.1.481.3"
#define ANON_PET "1.2.840.10008.5.1.4.1.1.128" /* resolved by no table */

struct anon_bench {
	struct arena a;
	struct policy *policy;
	struct anon_settings settings; /* may be changed before bench_policy */
	struct anon_patient patient;
	struct build in;
	struct bytes source; /* what is de-identified: `in`, or other bytes */
	const struct bytes *roi_names;
	size_t roi_count;
	struct anon_object out;
	struct bytes made; /* the result without its pixels, in one piece */
	struct dset d;     /* of that */
	struct fault f;
};

extern const struct syntax *const bench_syntaxes[3]; /* explicit LE, implicit LE, explicit BE */

void bench_open(struct anon_bench *b, enum anon_profile profile, unsigned options,
		const struct syntax *syntax);
/* Once more, after the settings were changed. */
void bench_policy(struct anon_bench *b, const struct anon_safe *safe, size_t safe_count);
void bench_close(struct anon_bench *b);
void bench_words(struct anon_bench *b, const char *text);
/* SOP Class and Instance UID; put what comes before (0008,0016) before. */
void bench_front(struct anon_bench *b, const char *sop_class);
enum err bench_apply(struct anon_bench *b);
/* An object in one piece. */
struct bytes anon_joined(const struct anon_object *o, struct bytes pixels, struct arena *a);

/* The trimmed text of a top-level attribute of the result is this. */
void bench_text_is(const struct anon_bench *b, uint32_t tag, const char *want);
bool bench_absent(const struct anon_bench *b, uint32_t tag);
bool bench_holds(const struct anon_bench *b, struct bytes text); /* anywhere in it */
/* Walks the result to its end; the notes that the source does not have, too. */
unsigned bench_new_notes(const struct anon_bench *b);

#endif
