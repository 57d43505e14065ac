/*
 * The site's secret key: 256 bits in a file that only its owner may read.  As sensitive as a table
 * of all pseudonyms: whoever has it can find a patient's by trying IDs.
 *
 * The file holds 64 hexadecimal digits and a line feed (`netrt keygen FILE` makes it), or the 32
 * bytes themselves.  From the key come one for each use ("uid", "patient", "date", "hash",
 * "accession", "derived"), so that none says anything of another.
 */
#ifndef ANON_KEY_H
#define ANON_KEY_H

#include "base/bytes.h"
#include "base/err.h"

#define ANON_KEY_LEN 32u

struct anon_key {
	uint8_t secret[ANON_KEY_LEN];
	char id[9]; /* the first 32 bits of HMAC(secret, "id"), in hex: what may be logged */
};

/*
 * ERR_IO: not there, not readable.  ERR_UNUSABLE: somebody else may read or write it (mode 077), it
 * belongs to somebody else, or it is no key.
 */
enum err key_read(struct anon_key *key, const char *path, struct fault *f) MUST_USE;
/* A new key in a new file of mode 0600, durably.  ERR_IO with EEXIST: there is one, and it stays.
 */
enum err key_make(const char *path, struct anon_key *key, struct fault *f) MUST_USE;

/* HMAC-SHA-256(secret, "netrt-deid 1" | domain | parts...), length-framed. */
void key_hash(const struct anon_key *key, const char *domain, const struct bytes *parts,
	      size_t count, uint8_t out[static 32]);
/* `bits` / 5 characters of base 32 (A-Z, 2-7) and a NUL, from the front of a hash; bits is a
 * multiple of 5, at most 255. */
void key_base32(const uint8_t hash[static 32], unsigned bits, char *out);
/* A whole number in [-most, -1], the same for the same parts: no remainder favours any (R12). */
int key_days(const struct anon_key *key, const struct bytes *parts, size_t count, int most);

#endif
