/*
 * Who a patient becomes, and what must not be said about him.
 *
 * A patient is told apart by Patient ID (trimmed) and Issuer of Patient ID; objects without an ID
 * by their name.  Everything that is derived here depends on these and on the key or the map alone,
 * so all objects of a patient agree, whatever the order of arrival (R7, R12).
 */
#ifndef ANON_PATIENT_H
#define ANON_PATIENT_H

#include "anon/settings.h"
#include "anon/words.h"
#include "base/uid.h"

#define ANON_ID_MAX 64u

struct anon_patient {
	char id[ANON_ID_MAX + 1], name[ANON_ID_MAX + 1]; /* new ones; may be "" */
	int shift_days;     /* added to dates: [-N, -1]; 0 where dates are not shifted */
	struct bytes key;   /* of remapped UIDs and hashes; never empty when the policy needs one */
	struct words words; /* the patient's own words, and those of physicians, operators and the
			     * study, as the object at hand says them */
};

/* The new UID of a source UID (R7, R8): "2.25." and 128 bits of HMAC-SHA-256(key, "uid", trimmed).
 * The last ANON_UIDS and their answers are remembered, of one key: another key forgets them. */
#define ANON_UIDS 512u
struct uid anon_uid(struct bytes key, struct bytes source);
/* Wipe what is remembered, and the key with it. */
void anon_uid_forget(void);

/* The same, but for what is well known: that stays. */
struct uid anon_uid_mapped(struct bytes key, struct bytes source);

/* May this value of an UI attribute stay?  Well-known ones: those of tables/wellknown_uids.tsv, and
 * others below 1.2.840.10008 whose components are short (instances were minted there too). */
bool anon_uid_is_well_known(struct bytes trimmed);

#endif
