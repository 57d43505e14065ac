/*
 * Is this JSON (RFC 8259), in valid UTF-8?  For the fuzz harness of dump and for its tests.
 *
 * One pass with a stack of open brackets; what may come next is a small state.
 */
#ifndef FUZZ_JSON_CHECK_H
#define FUZZ_JSON_CHECK_H

#include <string.h>

#include "base/utf8.h"

#define JSON_DEPTH 256

enum json_want { JSON_VALUE, JSON_VALUE_OR_END, JSON_KEY, JSON_KEY_OR_END, JSON_COLON, JSON_AFTER };

/* Bytes of a string with its quotes at the front of `s`; 0: there is none. */
static size_t json_string(struct bytes s)
{
	if (s.len < 2 || s.at[0] != '"')
		return 0;
	for (size_t i = 1; i < s.len; i++) {
		if (s.at[i] == '"')
			return i + 1;
		if (s.at[i] < 0x20)
			return 0;
		if (s.at[i] != '\\')
			continue;
		if (++i == s.len || strchr("\"\\/bfnrtu", s.at[i]) == NULL || s.at[i] == 0)
			return 0;
		for (int k = 0; s.at[i] == 'u' && k < 4; k++)
			if (i + 4 >= s.len ||
			    strchr("0123456789abcdefABCDEF", s.at[i + 1 + (size_t)k]) == NULL)
				return 0;
	}
	return 0;
}

static size_t json_digits(struct bytes s, size_t at)
{
	size_t n = 0;

	while (at + n < s.len && s.at[at + n] >= '0' && s.at[at + n] <= '9')
		n++;
	return n;
}

/* Bytes of a number at the front of `s`; 0: there is none. */
static size_t json_digits_number(struct bytes s)
{
	size_t at = s.len > 0 && s.at[0] == '-' ? 1 : 0;
	size_t n = json_digits(s, at);

	if (n == 0 || (n > 1 && s.at[at] == '0'))
		return 0;
	at += n;
	if (at < s.len && s.at[at] == '.') {
		n = json_digits(s, at + 1);
		if (n == 0)
			return 0;
		at += 1 + n;
	}
	if (at < s.len && (s.at[at] == 'e' || s.at[at] == 'E')) {
		at++;
		if (at < s.len && (s.at[at] == '+' || s.at[at] == '-'))
			at++;
		n = json_digits(s, at);
		if (n == 0)
			return 0;
		at += n;
	}
	return at;
}

/* Bytes of a string, number or null. */
static size_t json_scalar(struct bytes s)
{
	if (s.len >= 4 && memcmp(s.at, "null", 4) == 0)
		return 4;
	return s.len > 0 && s.at[0] == '"' ? json_string(s) : json_digits_number(s);
}

/* One value and nothing else, without blanks. */
static bool json_ok(struct bytes s)
{
	char open[JSON_DEPTH];
	size_t depth = 0;
	enum json_want want = JSON_VALUE;

	if (!utf8_valid(s))
		return false;
	while (s.len > 0) {
		char c = (char)s.at[0];
		size_t n = 1;
		bool value = want == JSON_VALUE || want == JSON_VALUE_OR_END;

		if (value && (c == '{' || c == '[')) {
			if (depth == JSON_DEPTH)
				return false;
			open[depth++] = c;
			want = c == '{' ? JSON_KEY_OR_END : JSON_VALUE_OR_END;
		} else if (want == JSON_KEY || (want == JSON_KEY_OR_END && c != '}')) {
			n = json_string(s);
			want = JSON_COLON;
		} else if (want == JSON_COLON && c == ':') {
			want = JSON_VALUE;
		} else if ((c == '}' || c == ']') && depth > 0 && want != JSON_COLON &&
			   want != JSON_VALUE) {
			if (open[--depth] != (c == '}' ? '{' : '['))
				return false;
			want = JSON_AFTER;
		} else if (value) {
			n = json_scalar(s);
			want = JSON_AFTER;
		} else if (want == JSON_AFTER && c == ',' && depth > 0) {
			want = open[depth - 1] == '{' ? JSON_KEY : JSON_VALUE;
		} else {
			return false;
		}
		if (n == 0)
			return false;
		s.at += n;
		s.len -= n;
	}
	return depth == 0 && want == JSON_AFTER;
}

#endif
