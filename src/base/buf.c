#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

void buf_free(struct buf *b)
{
	free(b->at);
	*b = BUF_INIT(b->max);
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->at != NULL)
		b->at[0] = '\0';
}

/* Room for `more` bytes and the NUL; false fails the buffer. */
static bool reserve(struct buf *b, size_t more)
{
	if (b->failed)
		return false;
	if (more > b->max - b->len) {
		b->failed = true;
		return false;
	}
	if (b->at != NULL && b->len + more < b->cap)
		return true;

	size_t cap = b->cap < 256 ? 256 : b->cap * 2;
	while (cap <= b->len + more)
		cap *= 2;
	uint8_t *grown = realloc(b->at, cap);
	if (grown == NULL) {
		b->failed = true;
		return false;
	}
	b->at = grown;
	b->cap = cap;
	return true;
}

void buf_add(struct buf *b, struct bytes s)
{
	if (!reserve(b, s.len))
		return;
	if (s.len > 0)
		memcpy(b->at + b->len, s.at, s.len);
	b->len += s.len;
	b->at[b->len] = '\0';
}

void buf_str(struct buf *b, const char *s)
{
	buf_add(b, bytes_str(s));
}

void buf_char(struct buf *b, char c)
{
	buf_add(b, bytes_of(&c, 1));
}

/* Mostly there is room already, and one pass will do. */
void buf_fmt(struct buf *b, const char *fmt, ...)
{
	size_t room = b->at == NULL || b->failed ? 0 : b->cap - b->len;
	va_list args, again;

	va_start(args, fmt);
	va_copy(again, args);
	int n = vsnprintf(room > 0 ? (char *)b->at + b->len : NULL, room, fmt, args);
	va_end(args);
	if (room > 0 && (n < 0 || (size_t)n >= room || (size_t)n > b->max - b->len))
		b->at[b->len] = '\0';
	if (n < 0)
		b->failed = true;
	else if (reserve(b, (size_t)n)) {
		if ((size_t)n >= room)
			vsnprintf((char *)b->at + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

struct bytes buf_bytes(const struct buf *b)
{
	return bytes_of(b->at, b->len);
}

/* Rewrites a line of a terminal, or ends one for some reader: C0, DEL, C1, line and paragraph
 * separator, the bidirectional controls and the zero-width ones. */
static bool is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7F && code <= 0x9F) || code == 0x061C ||
	       (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
	       (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF;
}

/* One code point of a JSON string. */
static void json_char(struct buf *b, uint32_t code, struct bytes raw)
{
	if (code == '"' || code == '\\') {
		buf_char(b, '\\');
		buf_char(b, (char)code);
	} else if (code == '\n') {
		buf_str(b, "\\n");
	} else if (is_control(code)) {
		buf_fmt(b, "\\u%04x", code);
	} else {
		buf_add(b, raw);
	}
}

void buf_json(struct buf *b, struct bytes s)
{
	uint32_t code;

	buf_char(b, '"');
	while (s.len > 0) {
		unsigned n = utf8_next(s, &code);

		if (n == 0)
			buf_str(b, "\xEF\xBF\xBD");
		else
			json_char(b, code, bytes_of(s.at, n));
		n = n == 0 ? 1 : n;
		s.at += n;
		s.len -= n;
	}
	buf_char(b, '"');
}

void buf_escaped(struct buf *b, struct bytes s)
{
	uint32_t code;

	while (s.len > 0) {
		unsigned n = utf8_next(s, &code);

		bool plain = n > 0 && !is_control(code);
		n = n == 0 ? 1 : n;
		if (plain)
			buf_add(b, bytes_of(s.at, n));
		else
			for (unsigned i = 0; i < n; i++)
				buf_fmt(b, "\\x%02X", s.at[i]);
		s.at += n;
		s.len -= n;
	}
}
