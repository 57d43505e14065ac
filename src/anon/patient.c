#include "anon/patient.h"

#include <string.h>

#include "dicom/syntax.h"

#define PURPOSE "deid-uid"
#define KEY_MAX 64u
#define ROOT "1.2.840.10008."
#define COMPONENT_MAX 5u /* digits; registered UIDs have four at most, minted ones more */
#define REGISTERED_MAX 40u

/* A structure set names each image hundreds of times. */
static struct {
	uint8_t key[KEY_MAX]; /* of everything here */
	size_t key_len;       /* 0: nothing is known */
	struct hmac begun;
	struct {
		size_t len; /* 0: free */
		uint8_t source[LIMIT_UID];
		struct uid mapped;
	} slot[ANON_UIDS];
} memo;

/* And what it is of. */
static struct {
	size_t len; /* 0: free */
	uint8_t uid[LIMIT_UID];
	bool well_known;
} judged[ANON_UIDS];

void anon_uid_forget(void)
{
	explicit_bzero(&memo, sizeof(memo));
	explicit_bzero(judged, sizeof(judged));
}

static void remember_key(struct bytes key)
{
	if (bytes_eq(key, bytes_of(memo.key, memo.key_len)))
		return;
	anon_uid_forget();
	memcpy(memo.key, key.at, key.len);
	memo.key_len = key.len;
	uid_derive_begin(&memo.begun, key, PURPOSE);
}

/* UIDs of a study differ in what they end with. */
static size_t slot_of(struct bytes source)
{
	uint32_t h = (uint32_t)source.len;

	for (size_t i = source.len > 12 ? source.len - 12 : 0; i < source.len; i++)
		h = (h ^ source.at[i]) * 16777619u;
	return (h ^ h >> 15) % ANON_UIDS;
}

struct uid anon_uid(struct bytes key, struct bytes source)
{
	struct bytes trimmed = bytes_trim(source);
	size_t at = slot_of(trimmed);

	if (key.len == 0 || key.len > KEY_MAX || trimmed.len == 0 || trimmed.len > LIMIT_UID)
		return uid_derive(key, PURPOSE, &trimmed, 1);
	remember_key(key);
	if (!bytes_eq(trimmed, bytes_of(memo.slot[at].source, memo.slot[at].len))) {
		memo.slot[at].mapped = uid_derive_end(&memo.begun, &trimmed, 1);
		memo.slot[at].len = trimmed.len;
		memcpy(memo.slot[at].source, trimmed.at, trimmed.len);
	}
	return memo.slot[at].mapped;
}

struct uid anon_uid_mapped(struct bytes key, struct bytes source)
{
	struct uid same;

	return anon_uid_is_well_known(bytes_trim(source)) && uid_set(&same, source)
		       ? same
		       : anon_uid(key, source);
}

static bool judge_well_known(struct bytes trimmed)
{
	unsigned digits = 0;

	if (uid_name(trimmed) != NULL)
		return true;
	if (trimmed.len < sizeof(ROOT) || trimmed.len > REGISTERED_MAX ||
	    memcmp(trimmed.at, ROOT, sizeof(ROOT) - 1) != 0 || !uid_ok(trimmed))
		return false;
	for (size_t i = sizeof(ROOT) - 1; i < trimmed.len; i++) {
		digits = trimmed.at[i] == '.' ? 0 : digits + 1;
		if (digits > COMPONENT_MAX)
			return false;
	}
	return true;
}

bool anon_uid_is_well_known(struct bytes trimmed)
{
	size_t at = slot_of(trimmed);

	if (trimmed.len == 0 || trimmed.len > LIMIT_UID)
		return judge_well_known(trimmed);
	if (!bytes_eq(trimmed, bytes_of(judged[at].uid, judged[at].len))) {
		judged[at].well_known = judge_well_known(trimmed);
		judged[at].len = trimmed.len;
		memcpy(judged[at].uid, trimmed.at, trimmed.len);
	}
	return judged[at].well_known;
}
