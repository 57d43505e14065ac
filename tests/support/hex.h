/*
 * Bytes for tests, written to be read: hexadecimal digits, 'text', and spaces between.
 *
 *     "0800 0500 'CS' 0A00 'ISO_IR 100'"
 *
 * The result ends at an unreadable page (support.h): free it with hex_free.
 */
#ifndef TESTS_HEX_H
#define TESTS_HEX_H

#include <check.h>
#include <string.h>

#include "base/bytes.h"
#include "support/support.h"

#define HEX_MAX 65536

static inline unsigned hex_digit(char c)
{
	const char *digits = "0123456789ABCDEF", *at = strchr(digits, c);

	ck_assert_msg(c != '\0' && at != NULL, "'%c' is no hexadecimal digit", c);
	return (unsigned)(at - digits);
}

static inline struct bytes hex(const char *text)
{
	static uint8_t out[HEX_MAX];
	size_t len = 0;

	for (const char *p = text; *p != '\0'; p++) {
		ck_assert_uint_lt(len, sizeof(out));
		if (*p == ' ')
			continue;
		if (*p != '\'') {
			unsigned high = hex_digit(*p++);
			out[len++] = (uint8_t)(high << 4 | hex_digit(*p));
			continue;
		}
		for (p++; *p != '\''; p++) {
			ck_assert(*p != '\0' && len < sizeof(out));
			out[len++] = (uint8_t)*p;
		}
	}
	return bytes_of(guard_copy(out, len), len);
}

static inline void hex_free(struct bytes b)
{
	guard_free((uint8_t *)(uintptr_t)b.at, b.len);
}

#endif
