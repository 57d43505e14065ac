#include "base/uid.h"

#include <string.h>

#include "base/sha256.h"

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

/* Divide the big endian number in n[16] by ten, in place; the remainder. */
static unsigned divide_by_ten(uint8_t n[static 16])
{
	unsigned rest = 0;

	for (unsigned i = 0; i < 16; i++) {
		unsigned v = rest << 8 | n[i];

		n[i] = (uint8_t)(v / 10);
		rest = v % 10;
	}
	return rest;
}

/* Decimal digits of n[16] (destroyed), no leading zeros. */
static void decimal(uint8_t n[static 16], char *out)
{
	char reversed[40];
	unsigned count = 0;
	static const uint8_t zero[16];

	do {
		reversed[count++] = (char)('0' + divide_by_ten(n));
	} while (memcmp(n, zero, sizeof(zero)) != 0);
	while (count > 0)
		*out++ = reversed[--count];
	*out = '\0';
}

struct uid uid_derive(struct bytes key, const char *purpose, const struct bytes *parts,
		      size_t count)
{
	struct uid out = {.text = "2.25."};
	struct hmac h;
	uint8_t digest[SHA256_LEN];

	hmac_init(&h, key);
	hmac_add_framed(&h, BYTES_LIT("netrt 1"));
	hmac_add_framed(&h, bytes_str(purpose));
	for (size_t i = 0; i < count; i++)
		hmac_add_framed(&h, parts[i]);
	hmac_end(&h, digest);
	digest[6] = (uint8_t)((digest[6] & 0x0F) | 0x80);
	digest[8] = (uint8_t)((digest[8] & 0x3F) | 0x80);
	decimal(digest, out.text + strlen(out.text));
	return out;
}
