/*
 * Unique identifiers (PS3.5 section 9 and annex B).
 *
 * A UID from a peer or a file becomes part of a path or a message only after
 * uid_ok.  UIDs that netrt makes are a keyed hash of what they come from, so that
 * doing a study twice makes the same instances.
 */
#ifndef BASE_UID_H
#define BASE_UID_H

#include "base/bytes.h"
#include "base/limits.h"
#include "base/sha256.h"

struct uid {
	char text[LIMIT_UID + 1]; /* NUL-terminated; "" is no UID */
};

/* Trimmed of padding; 1..64 digits and dots, beginning and ending with a digit, no two dots
 * together.  Leading zeros in a component are against PS3.5 but real, and harmless. */
bool uid_ok(struct bytes text);
/* Into *out, trimmed; false (and *out = "") when not uid_ok. */
bool uid_set(struct uid *out, struct bytes text);
bool uid_eq(const struct uid *a, const struct uid *b);

/*
 * "2.25." and the decimal value of a version 8 UUID (RFC 9562): the first 128 bits of
 * HMAC-SHA-256(key, "netrt 1" | purpose | parts...), every field length-framed, with
 * version and variant bits set.  At most 44 characters.
 */
struct uid uid_derive(struct bytes key, const char *purpose, const struct bytes *parts,
		      size_t count);
/* The same in two steps, for many UIDs of one key and purpose. */
void uid_derive_begin(struct hmac *begun, struct bytes key, const char *purpose);
struct uid uid_derive_end(const struct hmac *begun, const struct bytes *parts, size_t count);

#endif
