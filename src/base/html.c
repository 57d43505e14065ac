#include "base/html.h"

#include <string.h>

#include "base/utf8.h"

/* U+FDD0..U+FDEF and the last two of each plane: a parser of HTML calls them errors. */
static bool is_no_character(uint32_t code)
{
	return (code >= 0xFDD0 && code <= 0xFDEF) || (code & 0xFFFE) == 0xFFFE;
}

static bool is_markup(uint32_t code)
{
	return code == '&' || code == '<' || code == '>' || code == '"' || code == '\'' ||
	       code == '`' || code == '=' || code == '/';
}

void html_text(struct buf *b, struct bytes s)
{
	uint32_t code;

	while (s.len > 0) {
		unsigned n = utf8_next(s, &code);
		struct bytes one = bytes_of(s.at, n == 0 ? 1 : n);

		if (n > 0 && is_markup(code))
			buf_fmt(b, "&#%u;", code);
		else if (n > 0 && is_no_character(code))
			for (unsigned i = 0; i < n; i++)
				buf_fmt(b, "\\x%02X", s.at[i]);
		else
			buf_escaped(b, one);
		s.at += one.len;
		s.len -= one.len;
	}
}

void html_str(struct buf *b, const char *s)
{
	html_text(b, bytes_str(s));
}

void html_lines(struct buf *b, struct bytes s)
{
	while (s.len > 0) {
		const uint8_t *end = memchr(s.at, '\n', s.len);
		size_t len = end != NULL ? (size_t)(end - s.at) : s.len;

		html_text(b, bytes_of(s.at, len));
		if (end != NULL) {
			buf_char(b, '\n');
			len++;
		}
		s.at += len;
		s.len -= len;
	}
}

void html_base64(struct buf *b, struct bytes s)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char line[4 * 256];
	size_t used = 0;

	for (size_t i = 0; i < s.len; i += 3) {
		size_t left = s.len - i;
		uint32_t v = (uint32_t)s.at[i] << 16;

		v |= left > 1 ? (uint32_t)s.at[i + 1] << 8 : 0;
		v |= left > 2 ? s.at[i + 2] : 0;
		line[used++] = digits[v >> 18];
		line[used++] = digits[v >> 12 & 63];
		line[used++] = left > 1 ? digits[v >> 6 & 63] : '=';
		line[used++] = left > 2 ? digits[v & 63] : '=';
		if (used == sizeof(line)) {
			buf_add(b, bytes_of(line, used));
			used = 0;
		}
	}
	buf_add(b, bytes_of(line, used));
}
