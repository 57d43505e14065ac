/*
 * The last look before an object may leave (R25): its bytes are searched for everything that its
 * source said of the patient and that the policy does not keep.
 *
 *     verify_collect    what is forbidden, from the source object
 *     verify_file       the whole output file, in one pass
 *
 * Forbidden are names with their components, IDs and other identifying values, instance UIDs, and
 * dates (in the usual ways of writing, too): in the bytes of the source, as UTF-8, as Latin 1, as
 * UTF-16 of both byte orders, and in every character set of the object.  ASCII letters match in
 * either case, padding does not count.
 *
 * What a kept attribute holds as a value is not forbidden, and neither is what the new object says
 * of itself: a date that was moved may fall on another date of the source, a dummy may be what was
 * there before.  A word of a text that netrt or its configuration puts in may stand in that text
 * (own.h).
 *
 *     a value of                      is looked for
 *     fewer than 4 bytes              only as the whole value of a text
 *     4 or 5                          in texts and outside of the data set
 *     6 or 7                          everywhere but in pixel data
 *     VERIFY_PIXELS (8) and more      everywhere
 *
 * Names and numbers of institutions, devices, places and procedure steps may be part of what an
 * attribute says that the policy keeps: of longer words, and of Manufacturer ("ACME"); between the
 * ends of words in other kept texts they may not.  A number must not be part of a longer
 * number (with its decimals), a UID not of a longer UID, a name of fewer than five letters not of a
 * longer word.
 */
#ifndef ANON_VERIFY_H
#define ANON_VERIFY_H

#include "anon/apply.h"
#include "anon/own.h"
#include "base/search.h"
#include "base/valueset.h"

#define VERIFY_PIXELS SEARCH_LONG
#define VERIFY_PATTERNS 65536u

struct verify_hit {
	uint32_t tag;      /* the source attribute whose value it is */
	uint32_t found_in; /* the attribute of the output in which it stands, 0: outside of the data
			    * set */
	const char *form;  /* a literal: "as it was", "UTF-16", "part of a name", ... */
};

struct verify_pattern {
	uint32_t tag;
	uint8_t form;
	uint8_t sort;
	bool weak; /* names no person: of an institution, a device, a step */
};

struct verify {
	const struct policy *policy;
	struct search search;
	struct verify_pattern *of; /* by pattern of `search`; arena's, grows */
	uint32_t of_room;
	struct own_texts own;
	struct valueset brief; /* values too short for a search */
	uint32_t *brief_tag;
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
