#include "anon/roinames.h"

#include <stdio.h>
#include <string.h>

#include "base/name.h"

#define NAME_MAX_BYTES 64u
#define PATTERNS_MAX 20000u

struct vocabulary {
	struct bytes *pattern;
	size_t count;
};

enum err vocabulary_parse(struct vocabulary **out, struct bytes text, struct arena *a,
			  struct fault *f)
{
	struct vocabulary *v = ARENA_NEW(a, struct vocabulary, 1);
	struct bytes owned = arena_copy(a, text);
	size_t lines = 1;

	for (size_t i = 0; i < text.len; i++)
		lines += text.at[i] == '\n';
	if (lines > PATTERNS_MAX)
		return fault_set(f, ERR_LIMIT, "too many names", FAULT_NO_OFFSET);
	if (v != NULL)
		v->pattern = ARENA_NEW(a, struct bytes, lines);
	if (v == NULL || v->pattern == NULL || owned.at == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for names of ROIs", FAULT_NO_OFFSET);
	for (size_t at = 0, line = 1; at < owned.len; line++) {
		const uint8_t *end = memchr(owned.at + at, '\n', owned.len - at);
		size_t len = end != NULL ? (size_t)(end - owned.at) - at : owned.len - at;
		struct bytes one = bytes_slice(owned, at, len);
		const uint8_t *comment = memchr(one.at, '#', one.len);

		at += len + 1;
		if (comment != NULL)
			one.len = (size_t)(comment - one.at);
		while (one.len > 0 && strchr(" \t\r", one.at[one.len - 1]) != NULL)
			one.len--;
		one = bytes_trim(one);
		if (one.len > NAME_MAX_BYTES)
			return fault_set(f, ERR_WIRE, "a pattern longer than any name", line);
		if (one.len > 0)
			v->pattern[v->count++] = one;
	}
	*out = v;
	return OK;
}

bool vocabulary_has(const struct vocabulary *v, struct bytes utf8)
{
	for (size_t i = 0; i < v->count; i++)
		if (name_matches(utf8, v->pattern[i]))
			return true;
	return false;
}

static bool taken(const struct bytes *out, size_t count, struct bytes name)
{
	for (size_t i = 0; i < count; i++)
		if (bytes_eq(out[i], name))
			return true;
	return false;
}

enum err roi_names_choose(const struct vocabulary *v, const struct words *words,
			  const struct bytes *names, const int64_t *numbers, size_t count,
			  struct bytes *out, struct arena *a, struct fault *f)
{
	if (count > 0)
		out[count - 1] = BYTES_NONE;
	struct buf rest = BUF_INIT(4 * NAME_MAX_BYTES); /* what it would be cleaned to: of no use */

	for (size_t i = 0; i < count; i++) {
		char text[NAME_MAX_BYTES + 40], base[NAME_MAX_BYTES + 1];
		struct bytes name = bytes_trim(names[i]);
		bool good = name.len > 0 && name.len <= NAME_MAX_BYTES && vocabulary_has(v, name) &&
			    !words_clean(words, name, true, &rest);

		if (good)
			bytes_to_str(name, base, sizeof(base));
		else
			snprintf(base, sizeof(base), "ROI_%lld", (long long)numbers[i]);
		snprintf(text, sizeof(text), "%s", base);
		for (unsigned k = 2; taken(out, i, bytes_str(text)); k++)
			snprintf(text, sizeof(text), "%s_%u", base, k);
		out[i] = arena_copy(a, bytes_str(text));
		if (out[i].at == NULL)
			return fault_set(f, ERR_NOMEM, "no memory for names of ROIs",
					 FAULT_NO_OFFSET);
	}
	return OK;
}
