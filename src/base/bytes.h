/*
 * Bytes that somebody else owns, and a reader that cannot run past them.
 *
 * A `struct bytes` is a borrowed view.  Whoever handed it to you says how long it
 * stays valid; nothing here frees anything.  `at` may be NULL only when len is 0.
 *
 * A `struct rd` walks a view from front to back.  The first read that would pass
 * the end fails the reader for good: `fail_at` keeps the offset, and every later
 * read returns 0.  So read a whole fixed structure, then test once.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
	const uint8_t *at;
	size_t len;
};

struct rd {
	struct bytes in;
	size_t pos;
	size_t fail_at; /* meaningful only when failed */
	bool failed;
};

#define BYTES_NONE ((struct bytes){NULL, 0})
/* A view of a string literal, without its NUL. */
#define BYTES_LIT(s) ((struct bytes){(const uint8_t *)("" s), sizeof(s) - 1})

static inline struct bytes bytes_of(const void *at, size_t len)
{
	return (struct bytes){at, len};
}

/* Asserts that it fits. */
static inline struct bytes bytes_slice(struct bytes b, size_t from, size_t len)
{
	assert(from <= b.len && len <= b.len - from);
	return len == 0 ? BYTES_NONE : bytes_of(b.at + from, len);
}

struct bytes bytes_str(const char *s); /* without the NUL */
bool bytes_eq(struct bytes a, struct bytes b);
bool bytes_eq_str(struct bytes a, const char *s);
int bytes_cmp(struct bytes a, struct bytes b); /* as memcmp, shorter first */
/* Without the padding of DICOM text: leading spaces, trailing spaces and NULs (PS3.5 6.2). */
struct bytes bytes_trim(struct bytes b);
/* Lower-case ASCII substring search; an empty needle is found.  Other bytes compare as they are. */
bool bytes_has_nocase(struct bytes hay, struct bytes needle);
/* Copy into a C string, cut at size - 1; an embedded NUL ends it.  size > 0. */
void bytes_to_str(struct bytes b, char *out, size_t size);

static inline uint16_t get_u16le(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint16_t get_u16be(const uint8_t *p)
{
	return (uint16_t)(p[1] | p[0] << 8);
}

static inline uint32_t get_u32le(const uint8_t *p)
{
	return (uint32_t)get_u16le(p) | (uint32_t)get_u16le(p + 2) << 16;
}

static inline uint32_t get_u32be(const uint8_t *p)
{
	return (uint32_t)get_u16be(p + 2) | (uint32_t)get_u16be(p) << 16;
}

static inline uint64_t get_u64le(const uint8_t *p)
{
	return (uint64_t)get_u32le(p) | (uint64_t)get_u32le(p + 4) << 32;
}

static inline uint64_t get_u64be(const uint8_t *p)
{
	return (uint64_t)get_u32be(p + 4) | (uint64_t)get_u32be(p) << 32;
}

static inline void put_u16le(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void put_u16be(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void put_u32le(uint8_t *p, uint32_t v)
{
	put_u16le(p, (uint16_t)v);
	put_u16le(p + 2, (uint16_t)(v >> 16));
}

static inline void put_u32be(uint8_t *p, uint32_t v)
{
	put_u16be(p, (uint16_t)(v >> 16));
	put_u16be(p + 2, (uint16_t)v);
}

struct rd rd_of(struct bytes in);
size_t rd_left(const struct rd *r); /* 0 once failed */
uint8_t rd_u8(struct rd *r);
uint16_t rd_u16(struct rd *r, bool big_endian);
uint32_t rd_u32(struct rd *r, bool big_endian);
struct bytes rd_take(struct rd *r, size_t n); /* a view into r->in */

/* a * b into *out; false and *out untouched when it does not fit. */
bool size_mul(size_t a, size_t b, size_t *out);
bool size_add(size_t a, size_t b, size_t *out);

#endif
