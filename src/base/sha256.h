/*
 * SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104).
 */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include "base/bytes.h"

#define SHA256_LEN 32
#define SHA256_BLOCK 64

struct sha256 {
	uint32_t state[8];
	uint64_t total;              /* bytes so far */
	uint8_t block[SHA256_BLOCK]; /* the first total % 64 are pending */
};

/* A copy of one that was begun is as good as one begun again: what many hashes have in front is
 * added once. */
struct hmac {
	struct sha256 inner, outer;
};

void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, struct bytes b);
void sha256_end(struct sha256 *s, uint8_t out[static SHA256_LEN]);

void hmac_init(struct hmac *h, struct bytes key);
void hmac_add(struct hmac *h, struct bytes b);
/* Length-framed: a 4-byte big endian length, then the bytes, so that fields cannot run together. */
void hmac_add_framed(struct hmac *h, struct bytes b);
void hmac_end(struct hmac *h, uint8_t out[static SHA256_LEN]);

#endif
