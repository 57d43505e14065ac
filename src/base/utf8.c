#include "base/utf8.h"

/* How many bytes a lead byte announces, 0 if it cannot lead. */
static unsigned sequence_len(uint8_t lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xC2 && lead <= 0xDF)
		return 2;
	if (lead >= 0xE0 && lead <= 0xEF)
		return 3;
	if (lead >= 0xF0 && lead <= 0xF4)
		return 4;
	return 0;
}

unsigned utf8_next(struct bytes s, uint32_t *code)
{
	static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};

	if (s.len == 0)
		return 0;
	unsigned n = sequence_len(s.at[0]);
	if (n == 0 || n > s.len)
		return 0;

	uint32_t c = n == 1 ? s.at[0] : s.at[0] & (0x7Fu >> n);
	for (unsigned i = 1; i < n; i++) {
		if ((s.at[i] & 0xC0) != 0x80)
			return 0;
		c = c << 6 | (s.at[i] & 0x3Fu);
	}
	if (c < least[n] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
		return 0;
	*code = c;
	return n;
}

unsigned utf8_put(uint8_t out[static 4], uint32_t code)
{
	if (code < 0x80) {
		out[0] = (uint8_t)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (uint8_t)(0xC0 | code >> 6);
		out[1] = (uint8_t)(0x80 | (code & 0x3F));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (uint8_t)(0xE0 | code >> 12);
		out[1] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
		out[2] = (uint8_t)(0x80 | (code & 0x3F));
		return 3;
	}
	out[0] = (uint8_t)(0xF0 | code >> 18);
	out[1] = (uint8_t)(0x80 | (code >> 12 & 0x3F));
	out[2] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
	out[3] = (uint8_t)(0x80 | (code & 0x3F));
	return 4;
}

bool utf8_valid(struct bytes s)
{
	uint32_t code;

	while (s.len > 0) {
		unsigned n = utf8_next(s, &code);

		if (n == 0)
			return false;
		s.at += n;
		s.len -= n;
	}
	return true;
}
