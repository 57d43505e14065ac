#include "anon/roinames.h"

#include <stdio.h>
#include <string.h>

#include "base/name.h"
#include "base/valueset.h"

#define NAME_MAX_BYTES 64u
#define PATTERNS_MAX 20000u
#define SUFFIXES 64u

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
		const uint8_t *comment = one.len > 0 ? memchr(one.at, '#', one.len) : NULL;

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

/* May it stay: of the vocabulary, and without a word of the patient, a date, a long number? */
static bool may_stay(const struct vocabulary *v, const struct words *words, struct bytes name)
{
	struct buf rest = BUF_INIT(4 * NAME_MAX_BYTES); /* what would be left: of no use */

	if (name.len == 0 || name.len > NAME_MAX_BYTES || !vocabulary_has(v, name))
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] < 0x20 || name.at[i] == '\\' || name.at[i] == 0x7F)
			return false;
	bool tells = words_clean(words, name, true, &rest);
	buf_free(&rest);
	return !tells;
}

/* `base`, or the first of base_2, base_3, ... that nobody has; NULL: no memory.  Where all of them
 * are called alike, the index is tried at once, so that this ends soon. */
static const char *unique(const struct valueset *taken, const char *base, size_t index,
			  struct arena *a)
{
	char text[NAME_MAX_BYTES + 40];

	snprintf(text, sizeof(text), "%s", base);
	for (size_t k = 2; valueset_has(taken, bytes_str(text)); k = k == SUFFIXES ? index : k + 1)
		snprintf(text, sizeof(text), "%s_%zu", base, k);
	return arena_strdup(a, bytes_str(text));
}

static const char *choose(const struct vocabulary *v, const struct words *words, struct bytes name,
			  int64_t number, size_t index, const struct valueset *taken,
			  struct arena *a)
{
	char base[NAME_MAX_BYTES + 1];
	const char *text = NULL;

	if (may_stay(v, words, name)) {
		bytes_to_str(name, base, sizeof(base));
		text = unique(taken, base, index, a);
		if (text == NULL || strlen(text) <= NAME_MAX_BYTES)
			return text;
	}
	snprintf(base, sizeof(base), "ROI_%lld", (long long)number);
	return unique(taken, base, index, a);
}

enum err roi_names_choose(const struct vocabulary *v, const struct words *words,
			  const struct bytes *names, const int64_t *numbers, size_t count,
			  struct bytes *out, struct arena *a, struct fault *f)
{
	struct valueset taken;
	enum err e = OK;

	valueset_open(&taken, (uint32_t)count + 1, a);
	for (size_t i = 0; i < count && e == OK; i++) {
		const char *text =
			choose(v, words, bytes_trim(names[i]), numbers[i], i + 1, &taken, a);

		if (text == NULL || !valueset_add(&taken, bytes_str(text)))
			e = fault_set(f, ERR_NOMEM, "no memory for names of ROIs", FAULT_NO_OFFSET);
		else
			out[i] = bytes_str(text);
	}
	return e;
}
