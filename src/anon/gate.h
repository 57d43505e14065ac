/*
 * Everything that de-identification needs, opened before the first object: fails closed (R1).
 *
 *     gate_open     policy, key, map, vocabulary, safe list: all there and in order, or an error
 *     gate_patient  an object's patient: identity, words, pseudonyms
 *     anon_apply    the object (apply.h), pixels (pixels.h)
 *     verify        the output (verify.h)
 */
#ifndef ANON_GATE_H
#define ANON_GATE_H

#include "anon/identity.h"
#include "anon/key.h"
#include "anon/patient.h"
#include "anon/policy.h"
#include "anon/roinames.h"
#include "base/clock.h"

struct anon_gate {
	const struct anon_settings *settings;
	struct policy *policy;
	struct anon_key key;
	bool has_key;
	uint8_t uid_key[32]; /* of remapped UIDs, where `maps_uids` */
	bool maps_uids;
	uint8_t random_key[32]; /* of IDs that are another one in each study, in this run */
	struct pidmap_seen *seen;
	struct vocabulary *vocabulary;
	struct wall now;
	char digest[65]; /* policy_digest and the names of ROIs: two gateways with the same digest
			  * and key do the same */
	struct arena arena; /* owned */
};

/* What stopped it, for the configuration's messages. */
enum gate_part {
	GATE_RULES, /* `rule` says which, where one is to blame */
	GATE_ROI_NAMES,
	GATE_SAFE_PRIVATE,
	GATE_KEY,
	GATE_MAP,
	GATE_PREFIX, /* site_code or id_prefix */
	GATE_NOTHING /* memory, random numbers */
};

struct gate_problem {
	enum gate_part part;
	struct policy_problem rule;
};

/* On an error nothing is to be closed. */
enum err gate_open(struct anon_gate *g, const struct anon_settings *settings,
		   const struct wall *now, struct gate_problem *problem, struct fault *f) MUST_USE;
/* Only what decides about attributes, to be looked at: no key, no map, no patients. */
enum err gate_open_policy(struct anon_gate *g, const struct anon_settings *settings,
			  struct gate_problem *problem, struct fault *f) MUST_USE;
void gate_close(struct anon_gate *g);

/* Who the patient of this object becomes.  Words are in `a`. */
enum err gate_patient(const struct anon_gate *g, struct bytes data, const struct syntax *syntax,
		      struct anon_patient *patient, struct arena *a, struct fault *f) MUST_USE;

#endif
