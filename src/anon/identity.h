/*
 * What an object says about its patient, and the words that must not come out (R15).
 *
 * Words are collected at every depth, in UN sequences too: of every PN (patients, physicians,
 * operators), of Patient IDs, Accession Number, Issuer, orders, admissions, addresses and telephone
 * numbers; and phrases of the names of institutions, departments, places, stations, devices and
 * trials, where the policy does not keep these attributes.
 */
#ifndef ANON_IDENTITY_H
#define ANON_IDENTITY_H

#include "anon/policy.h"
#include "anon/words.h"
#include "base/arena.h"
#include "dicom/syntax.h"

struct anon_identity {         /* UTF-8, arena's; may be empty */
	struct bytes id, name; /* without padding at the end: NETRT's map has them so */
	struct bytes issuer, study_date, study; /* trimmed; `study`: the UID */
};

struct identity_source {
	struct bytes data;
	const struct syntax *syntax;
	const struct policy *policy; /* or NULL: no phrases */
};

/* Adds to `words` (zeroed or of another object of the patient).  Errors of the walk, ERR_LIMIT,
 * ERR_NOMEM. */
enum err identity_collect(const struct identity_source *source, struct anon_identity *identity,
			  struct words *words, struct arena *a, struct fault *f) MUST_USE;

#endif
