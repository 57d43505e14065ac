#include "anon/safe.h"

#include <string.h>

#define SAFE_MAX 10000u

static struct bytes next_word(struct bytes *line)
{
	size_t at = 0, from;

	while (at < line->len && (line->at[at] == ' ' || line->at[at] == '\t'))
		at++;
	bool quoted = at < line->len && line->at[at] == '"';
	at += quoted;
	for (from = at; at < line->len; at++)
		if (quoted ? line->at[at] == '"' : line->at[at] == ' ' || line->at[at] == '\t')
			break;
	struct bytes word = bytes_slice(*line, from, at - from);
	at += quoted && at < line->len;
	*line = bytes_slice(*line, at, line->len - at);
	return word;
}

static bool hex(struct bytes word, size_t digits, uint32_t *out)
{
	uint32_t v = 0;

	for (size_t i = 0; i < word.len; i++) {
		int c = word.at[i] | 0x20;

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uint32_t)(c - 'a' + 10);
		else
			return false;
	}
	*out = v;
	return word.len == digits;
}

static bool parse_line(struct bytes line, struct anon_safe *out)
{
	struct bytes creator = next_word(&line), group = next_word(&line),
		     element = next_word(&line);
	uint32_t g, e;

	if (creator.len == 0 || creator.len > 64 || !hex(group, 4, &g) || !hex(element, 2, &e) ||
	    g % 2 == 0 || bytes_trim(line).len > 0)
		return false;
	*out = (struct anon_safe){.creator = creator, .group = (uint16_t)g, .element = (uint8_t)e};
	return true;
}

enum err safe_parse(struct bytes text, struct anon_safe **out, size_t *count, struct arena *a,
		    struct fault *f)
{
	struct bytes owned = arena_copy(a, text);
	size_t lines = 1, n = 0;

	for (size_t i = 0; i < text.len; i++)
		lines += text.at[i] == '\n';
	if (lines > SAFE_MAX)
		return fault_set(f, ERR_LIMIT, "too many safe private attributes", FAULT_NO_OFFSET);
	struct anon_safe *safe = ARENA_NEW(a, struct anon_safe, lines);
	if (safe == NULL || owned.at == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for safe private attributes",
				 FAULT_NO_OFFSET);
	for (size_t at = 0, number = 1; at < owned.len; number++) {
		const uint8_t *end = memchr(owned.at + at, '\n', owned.len - at);
		size_t len = end != NULL ? (size_t)(end - owned.at) - at : owned.len - at;
		struct bytes line = bytes_slice(owned, at, len);

		at += len + 1;
		if (line.len > 0 && line.at[line.len - 1] == '\r')
			line.len--;
		struct bytes trimmed = bytes_trim(line);
		if (trimmed.len == 0 || trimmed.at[0] == '#')
			continue;
		if (!parse_line(trimmed, &safe[n]))
			return fault_set(
				f, ERR_WIRE,
				"a line is: creator in quotes, group, low byte of the element",
				number);
		n++;
	}
	*out = safe;
	*count = n;
	return OK;
}
