#include "base/bytes.h"

#include <assert.h>
#include <string.h>

struct bytes bytes_str(const char *s)
{
	return bytes_of(s, strlen(s));
}

bool bytes_eq(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool bytes_eq_str(struct bytes a, const char *s)
{
	return bytes_eq(a, bytes_str(s));
}

int bytes_cmp(struct bytes a, struct bytes b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n == 0 ? 0 : memcmp(a.at, b.at, n);

	if (c != 0)
		return c;
	return (a.len > b.len) - (a.len < b.len);
}

struct bytes bytes_trim(struct bytes b)
{
	while (b.len > 0 && b.at[0] == ' ') {
		b.at++;
		b.len--;
	}
	while (b.len > 0 && (b.at[b.len - 1] == ' ' || b.at[b.len - 1] == '\0'))
		b.len--;
	return b;
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

bool bytes_has_nocase(struct bytes hay, struct bytes needle)
{
	for (size_t i = 0; needle.len <= hay.len && i <= hay.len - needle.len; i++) {
		size_t k = 0;

		while (k < needle.len && lower(hay.at[i + k]) == lower(needle.at[k]))
			k++;
		if (k == needle.len)
			return true;
	}
	return false;
}

void bytes_to_str(struct bytes b, char *out, size_t size)
{
	assert(size > 0);
	size_t n = b.len < size - 1 ? b.len : size - 1;

	if (n > 0)
		memcpy(out, b.at, n);
	out[n] = '\0';
}

struct rd rd_of(struct bytes in)
{
	return (struct rd){.in = in};
}

size_t rd_left(const struct rd *r)
{
	return r->failed ? 0 : r->in.len - r->pos;
}

/* The one place that compares a position with a length. */
static const uint8_t *take(struct rd *r, size_t n)
{
	if (r->failed)
		return NULL;
	if (n > r->in.len - r->pos) {
		r->failed = true;
		r->fail_at = r->pos;
		return NULL;
	}

	const uint8_t *at = r->in.at + r->pos;
	r->pos += n;
	return at;
}

uint8_t rd_u8(struct rd *r)
{
	const uint8_t *p = take(r, 1);

	return p == NULL ? 0 : p[0];
}

uint16_t rd_u16(struct rd *r, bool big_endian)
{
	const uint8_t *p = take(r, 2);

	if (p == NULL)
		return 0;
	return big_endian ? get_u16be(p) : get_u16le(p);
}

uint32_t rd_u32(struct rd *r, bool big_endian)
{
	const uint8_t *p = take(r, 4);

	if (p == NULL)
		return 0;
	return big_endian ? get_u32be(p) : get_u32le(p);
}

struct bytes rd_take(struct rd *r, size_t n)
{
	if (n == 0 && !r->failed)
		return BYTES_NONE;

	const uint8_t *p = take(r, n);
	return p == NULL ? BYTES_NONE : bytes_of(p, n);
}

bool size_mul(size_t a, size_t b, size_t *out)
{
	size_t product;

	if (__builtin_mul_overflow(a, b, &product))
		return false;
	*out = product;
	return true;
}

bool size_add(size_t a, size_t b, size_t *out)
{
	size_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return false;
	*out = sum;
	return true;
}
