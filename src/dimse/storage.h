/*
 * Which SOP classes are for storage (PS3.4 annex B, GG, and those that are retired), made at build
 * time from tables/storage_sop_classes.tsv, and private ones that the configuration adds.
 */
#ifndef DIMSE_STORAGE_H
#define DIMSE_STORAGE_H

#include "base/uid.h"
#include "dul/negotiate.h"

extern const struct uid dimse_verification;        /* 1.2.840.10008.1.1 */
extern const struct uid dimse_commitment;          /* Storage Commitment Push Model */
extern const struct uid dimse_commitment_instance; /* its well-known SOP instance */

struct storage_classes {
	const struct uid *others; /* private ones, in any order */
	size_t other_count;
	bool commitment; /* reports of Storage Commitment are taken, on an association of the peer
			  */
};

/* In the table? */
bool storage_is_standard(const struct uid *sop_class);
/* In the table, or one of `classes` (a struct storage_classes; NULL: none). */
bool storage_is(const struct storage_classes *classes, const struct uid *sop_class);
/* For dul_policy.supports, with a struct storage_classes (or NULL): the peer may be SCU of storage
 * and of Verification, and SCP of Storage Commitment where that is wanted. */
unsigned storage_supports(void *classes, const struct uid *abstract_syntax);

#endif
