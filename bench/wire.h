/*
 * What bench_blast and bench_sink share: just enough of PS3.8 for a benchmark between programs that
 * mean well.  Nothing of src/ is in it: it is what netrt is measured beside.
 */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MIB (1024u * 1024u)

static inline void die(const char *what)
{
	perror(what);
	exit(2);
}

static inline double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline uint8_t *put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

static inline uint8_t *put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	return put16(at + 2, value & 0xFFFF);
}

static inline uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static inline uint32_t get32(const uint8_t *at)
{
	return get16(at) << 16 | get16(at + 2);
}

static inline uint8_t *put_text(uint8_t *at, const char *text, size_t len, char pad)
{
	size_t own = strlen(text);

	memset(at, pad, len);
	memcpy(at, text, own < len ? own : len);
	return at + len;
}

/* An item or sub-item that holds text. */
static inline uint8_t *put_item(uint8_t *at, unsigned type, const char *text)
{
	size_t len = strlen(text);

	at = put16(put16(at, type << 8), (unsigned)len);
	memcpy(at, text, len);
	return at + len;
}

/* An element of a command set: implicit little endian. */
static inline uint8_t *put_element(uint8_t *at, unsigned number, const void *value, size_t len)
{
	uint8_t head[8] = {0, 0, (uint8_t)number, (uint8_t)(number >> 8), (uint8_t)len};

	memcpy(at, head, 8);
	memcpy(at + 8, value, len);
	return at + 8 + len;
}

static inline uint8_t *put_us(uint8_t *at, unsigned number, unsigned value)
{
	return put_element(at, number, (uint8_t[2]){(uint8_t)value, (uint8_t)(value >> 8)}, 2);
}

/* A UID, made even with a NUL. */
static inline uint8_t *put_uid(uint8_t *at, unsigned number, const char *uid)
{
	char padded[66] = {0};
	size_t len = strlen(uid);

	memcpy(padded, uid, len);
	return put_element(at, number, padded, len + len % 2);
}

static inline void write_all(int fd, const uint8_t *at, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0)
			die("write");
		at += n;
		len -= (size_t)n;
	}
}

/* False at the end of the stream. */
static inline int read_all(int fd, uint8_t *at, size_t len)
{
	while (len > 0) {
		ssize_t n = read(fd, at, len);

		if (n <= 0)
			return 0;
		at += n;
		len -= (size_t)n;
	}
	return 1;
}

#endif
