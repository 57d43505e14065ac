/*
 * The texts that netrt and its configuration put into objects: of a patient who is called by a word
 * of one nothing can be told from it.  A word alone is no such text, wherever else it stands.
 */
#ifndef ANON_OWN_H
#define ANON_OWN_H

#include "anon/patient.h"
#include "anon/policy.h"

#define OWN_TEXTS 128u
#define OWN_SHORTEST 4u /* bytes of what is found in one */

struct own_texts {
	struct bytes text[OWN_TEXTS];
	unsigned count;
};

/* Those of netrt, of the configuration, and the patient's new ID and name; borrowed.  What there
 * is no room for counts as somebody else's. */
void own_texts_of(struct own_texts *o, const struct policy *policy,
		  const struct anon_patient *patient);
/* Is what stands at [at, at + len) of `in` a part of one of them, letter for letter? */
bool own_texts_cover(const struct own_texts *o, struct bytes in, size_t at, size_t len);

#endif
