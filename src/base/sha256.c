#include "base/sha256.h"

#include <string.h>

static const uint32_t round_constants[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static uint32_t rotr(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

/* Round i, i mod 8 being `turn`.  FIPS 180-4's a is v[-turn mod 8]: turning the names is cheaper
 * than moving the values. */
static inline void one_round(uint32_t v[static 8], unsigned turn, uint32_t constant_and_word)
{
	uint32_t a = v[(0 - turn) & 7], b = v[(1 - turn) & 7], c = v[(2 - turn) & 7];
	uint32_t e = v[(4 - turn) & 7], f = v[(5 - turn) & 7], g = v[(6 - turn) & 7];
	uint32_t s1 = rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25);
	uint32_t ch = (e & f) ^ (~e & g);
	uint32_t t1 = v[(7 - turn) & 7] + s1 + ch + constant_and_word;
	uint32_t s0 = rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22);
	uint32_t maj = (a & b) ^ (a & c) ^ (b & c);

	v[(3 - turn) & 7] += t1;
	v[(7 - turn) & 7] = t1 + s0 + maj;
}

static void compress(uint32_t state[static 8], const uint8_t block[static SHA256_BLOCK])
{
	uint32_t w[64], v[8];

	for (unsigned i = 0; i < 16; i++)
		w[i] = get_u32be(block + 4 * (size_t)i);
	for (unsigned i = 16; i < 64; i++) {
		uint32_t s0 = rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ w[i - 15] >> 3;
		uint32_t s1 = rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ w[i - 2] >> 10;

		w[i] = w[i - 16] + s0 + w[i - 7] + s1;
	}
	memcpy(v, state, sizeof(v));
	for (unsigned i = 0; i < 64; i += 8) { /* by hand, so that v stays in registers */
		one_round(v, 0, round_constants[i] + w[i]);
		one_round(v, 1, round_constants[i + 1] + w[i + 1]);
		one_round(v, 2, round_constants[i + 2] + w[i + 2]);
		one_round(v, 3, round_constants[i + 3] + w[i + 3]);
		one_round(v, 4, round_constants[i + 4] + w[i + 4]);
		one_round(v, 5, round_constants[i + 5] + w[i + 5]);
		one_round(v, 6, round_constants[i + 6] + w[i + 6]);
		one_round(v, 7, round_constants[i + 7] + w[i + 7]);
	}
	for (unsigned i = 0; i < 8; i++)
		state[i] += v[i];
}

void sha256_init(struct sha256 *s)
{
	*s = (struct sha256){.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
				       0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void sha256_add(struct sha256 *s, struct bytes b)
{
	while (b.len > 0) {
		size_t have = s->total % SHA256_BLOCK;
		size_t n = SHA256_BLOCK - have < b.len ? SHA256_BLOCK - have : b.len;

		memcpy(s->block + have, b.at, n);
		s->total += n;
		b.at += n;
		b.len -= n;
		if (have + n == SHA256_BLOCK)
			compress(s->state, s->block);
	}
}

void sha256_end(struct sha256 *s, uint8_t out[static SHA256_LEN])
{
	static const uint8_t padding[SHA256_BLOCK] = {0x80};
	size_t have = s->total % SHA256_BLOCK;
	uint8_t length[8];
	uint64_t bits = s->total * 8;

	put_u32be(length, (uint32_t)(bits >> 32));
	put_u32be(length + 4, (uint32_t)bits);
	sha256_add(s, bytes_of(padding, 1 + (SHA256_BLOCK * 2 - 9 - have) % SHA256_BLOCK));
	sha256_add(s, bytes_of(length, 8));
	for (unsigned i = 0; i < 8; i++)
		put_u32be(out + 4 * i, s->state[i]);
}

void hmac_init(struct hmac *h, struct bytes key)
{
	uint8_t padded[SHA256_BLOCK] = {0}, inner[SHA256_BLOCK], outer[SHA256_BLOCK];

	if (key.len > SHA256_BLOCK) {
		struct sha256 s;

		sha256_init(&s);
		sha256_add(&s, key);
		sha256_end(&s, padded);
	} else if (key.len > 0) {
		memcpy(padded, key.at, key.len);
	}
	for (unsigned i = 0; i < SHA256_BLOCK; i++) {
		inner[i] = padded[i] ^ 0x36;
		outer[i] = padded[i] ^ 0x5c;
	}
	sha256_init(&h->inner);
	sha256_add(&h->inner, bytes_of(inner, SHA256_BLOCK));
	sha256_init(&h->outer);
	sha256_add(&h->outer, bytes_of(outer, SHA256_BLOCK));
}

void hmac_add(struct hmac *h, struct bytes b)
{
	sha256_add(&h->inner, b);
}

void hmac_add_framed(struct hmac *h, struct bytes b)
{
	uint8_t length[4];

	put_u32be(length, (uint32_t)b.len);
	hmac_add(h, bytes_of(length, sizeof(length)));
	hmac_add(h, b);
}

void hmac_end(struct hmac *h, uint8_t out[static SHA256_LEN])
{
	uint8_t digest[SHA256_LEN];

	sha256_end(&h->inner, digest);
	sha256_add(&h->outer, bytes_of(digest, SHA256_LEN));
	sha256_end(&h->outer, out);
}
