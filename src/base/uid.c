#include "base/uid.h"

#include <string.h>

bool uid_ok(struct bytes text)
{
	text = bytes_trim(text);
	if (text.len == 0 || text.len > LIMIT_UID)
		return false;

	bool after_dot = true;
	for (size_t i = 0; i < text.len; i++) {
		bool dot = text.at[i] == '.';

		if (!dot && (text.at[i] < '0' || text.at[i] > '9'))
			return false;
		if (dot && after_dot)
			return false;
		after_dot = dot;
	}
	return !after_dot;
}

bool uid_set(struct uid *out, struct bytes text)
{
	*out = (struct uid){0};
	if (!uid_ok(text))
		return false;
	bytes_to_str(bytes_trim(text), out->text, sizeof(out->text));
	return true;
}

bool uid_eq(const struct uid *a, const struct uid *b)
{
	return strcmp(a->text, b->text) == 0;
}

#define LIMBS 4u
#define BILLION 1000000000u

/* Divide the big endian number by a billion, in place; the remainder. */
static uint32_t divide_by_billion(uint32_t n[static LIMBS])
{
	uint64_t rest = 0;

	for (unsigned i = 0; i < LIMBS; i++) {
		uint64_t v = rest << 32 | n[i];

		n[i] = (uint32_t)(v / BILLION);
		rest = v % BILLION;
	}
	return (uint32_t)rest;
}

/* Decimal digits of a number of 128 bits, no leading zeros; at most 39 and a NUL. */
static void decimal(const uint8_t number[static 16], char *out)
{
	uint32_t n[LIMBS];
	char digits[45] = {0}; /* five groups of nine */
	unsigned at = sizeof(digits);

	for (unsigned i = 0; i < LIMBS; i++)
		n[i] = get_u32be(number + 4 * (size_t)i);
	while (at > 0) {
		uint32_t group = divide_by_billion(n);

		for (unsigned i = 0; i < 9; i++, group /= 10)
			digits[--at] = (char)('0' + group % 10);
	}
	while (at < sizeof(digits) - 1 && digits[at] == '0')
		at++;
	memcpy(out, digits + at, sizeof(digits) - at);
	out[sizeof(digits) - at] = '\0';
}

void uid_derive_begin(struct hmac *begun, struct bytes key, const char *purpose)
{
	hmac_init(begun, key);
	hmac_add_framed(begun, BYTES_LIT("netrt 1"));
	hmac_add_framed(begun, bytes_str(purpose));
}

struct uid uid_derive_end(const struct hmac *begun, const struct bytes *parts, size_t count)
{
	struct uid out = {.text = "2.25."};
	struct hmac h = *begun;
	uint8_t digest[SHA256_LEN];

	for (size_t i = 0; i < count; i++)
		hmac_add_framed(&h, parts[i]);
	hmac_end(&h, digest);
	digest[6] = (uint8_t)((digest[6] & 0x0F) | 0x80);
	digest[8] = (uint8_t)((digest[8] & 0x3F) | 0x80);
	decimal(digest, out.text + strlen(out.text));
	return out;
}

struct uid uid_derive(struct bytes key, const char *purpose, const struct bytes *parts,
		      size_t count)
{
	struct hmac h;

	uid_derive_begin(&h, key, purpose);
	return uid_derive_end(&h, parts, count);
}
