/*
 * The last look before an object may leave (R25): its bytes are searched for everything that its
 * source said of the patient and that the policy does not keep.
 *
 *     verify_collect   what is forbidden, from the source object: names with their components, IDs
 * and other identifying values, instance UIDs, dates; in the bytes of the source, as UTF-8, and as
 * UTF-16 of both byte orders; in upper and lower case verify_file      the whole output file, in
 * one pass
 *
 * What a kept attribute holds as a value is not forbidden, and neither is what the new object says
 * of itself (a date that was moved may fall on another date of the source).  Values of fewer than
 * four bytes are only looked for as whole values of free text.  In native pixel data only patterns
 * of VERIFY_PIXELS bytes and more are looked for: shorter ones stand there by chance.  Numbers must
 * not be part of a longer number, names of fewer than five letters not part of a longer word.
 */
#ifndef ANON_VERIFY_H
#define ANON_VERIFY_H

#include "anon/apply.h"
#include "base/search.h"
#include "base/valueset.h"

#define VERIFY_PIXELS 8u
#define VERIFY_PATTERNS 65536u

struct verify_hit {
	uint32_t tag;      /* the source attribute whose value it is */
	uint32_t found_in; /* the attribute of the output in which it stands, 0: outside of the data
			      set */
	const char *form;  /* a literal: "as it was", "UTF-16", "part of a name", ... */
};

struct verify {
	const struct policy *policy;
	struct search search, pixels; /* all patterns; those that are long enough for pixels */
	uint32_t *tag;                /* by pattern */
	uint8_t *form;
	uint32_t *pixel_index; /* pattern of `pixels` to pattern of `search` */
	struct bytes *brief;   /* values too short for a search */
	uint32_t *brief_tag;
	uint32_t brief_count;
};

/* Everything is in `a`.  Errors of the walk; ERR_LIMIT: over VERIFY_PATTERNS; ERR_NOMEM. */
enum err verify_collect(struct verify *v, const struct policy *policy,
			const struct anon_source *source, struct arena *a,
			struct fault *f) MUST_USE;

/* Search a whole Part 10 file.  OK: nothing; ERR_UNUSABLE and *hit: something.  ERR_WIRE: it is no
 * DICOM file, or not one to its end. */
enum err verify_file(const struct verify *v, struct bytes file, struct verify_hit *hit,
		     struct fault *f) MUST_USE;

#endif
