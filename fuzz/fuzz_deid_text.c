/*
 * Property: any bytes as a person's names and as text, dates and ages of an object.
 *
 * The input is cut at its first line feeds: names, vocabulary, and the value that is looked at.
 * What cleaning leaves holds none of the words, is no longer than the text, and is not changed by
 * being cleaned again.  A name of an ROI is one of the vocabulary without a word, or ROI_<number>,
 * 64 bytes at most, and unlike the one before.  A date that could be moved can be moved back to
 * what it was (where it was a whole day), holds only digits and what stands between dates, and one
 * that could not leaves an error.  Nothing is read past the end.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "anon/dates.h"
#include "anon/roinames.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct words words;

static struct bytes next_part(struct bytes *rest)
{
	const uint8_t *end = rest->len > 0 ? memchr(rest->at, '\n', rest->len) : NULL;
	size_t len = end != NULL ? (size_t)(end - rest->at) : rest->len;
	struct bytes part = bytes_slice(*rest, 0, len);

	len += end != NULL;
	*rest = bytes_slice(*rest, len, rest->len - len);
	return part;
}

static void check_clean(struct bytes text, bool strict)
{
	struct buf once = BUF_INIT(1u << 22), twice = BUF_INIT(1u << 22);

	if (words_clean(&words, text, strict, &once)) {
		assert(once.len <= text.len);
		assert(!words_found(&words, buf_bytes(&once)));
		assert(!words_clean(&words, buf_bytes(&once), strict, &twice));
	} else {
		assert(once.len == 0);
		assert(!words_found(&words, text));
	}
	buf_free(&once);
	buf_free(&twice);
}

static void check_names(const struct vocabulary *v, struct bytes name, struct arena *a)
{
	const struct bytes names[2] = {name, name};
	const int64_t numbers[2] = {7, 8};
	struct bytes out[2];
	struct fault f;

	if (roi_names_choose(v, &words, names, numbers, 2, out, a, &f) != OK)
		return;
	assert(out[0].len > 0 && out[0].len <= 64 && out[1].len <= 64);
	assert(!bytes_eq(out[0], out[1]));
	assert(bytes_eq_str(out[0], "ROI_7") ||
	       (vocabulary_has(v, out[0]) && !words_found(&words, out[0])));
}

static bool only(struct bytes b, const char *set)
{
	for (size_t i = 0; i < b.len; i++)
		if (b.at[i] == '\0' || strchr(set, b.at[i]) == NULL)
			return false;
	return true;
}

static void check_dates(struct bytes value, enum vr vr)
{
	struct buf moved = BUF_INIT(1u << 20), back = BUF_INIT(1u << 20);
	struct buf first = BUF_INIT(1u << 20), again = BUF_INIT(1u << 20);

	if (date_shift(value, vr, -1000, &moved)) {
		assert(only(buf_bytes(&moved), "0123456789.+-\\"));
		if (moved.len == 8 && date_shift(buf_bytes(&moved), vr, 1000, &back))
			assert(only(bytes_trim(value), "0123456789.") && back.len == 8);
	}
	if (date_first_day(value, vr, &first)) {
		assert(date_first_day(buf_bytes(&first), vr, &again));
		assert(bytes_eq(buf_bytes(&first), buf_bytes(&again)));
	}
	buf_free(&moved);
	buf_free(&back);
	buf_free(&first);
	buf_free(&again);
	if (time_full_hour(value, vr == VR_DA ? VR_TM : vr, &moved))
		assert(only(buf_bytes(&moved), "0123456789"));
	buf_free(&moved);
	if (age_cap(value, &moved))
		assert(moved.len == 4);
	buf_free(&moved);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size > 0 ? size : 1);
	struct vocabulary *v = NULL;
	struct arena a;
	struct fault f;

	if (exact == NULL || arena_open(&a, 32u << 20, NULL) != OK)
		abort();
	if (size > 0)
		memcpy(exact, data, size);
	struct bytes rest = bytes_of(exact, size);
	struct bytes names = next_part(&rest), patterns = next_part(&rest);
	memset(&words, 0, sizeof(words));
	if (words_add(&words, names, &a, &f) == OK && size < 65536) {
		check_clean(rest, false);
		check_clean(rest, true);
		if (vocabulary_parse(&v, patterns, &a, &f) == OK)
			check_names(v, rest, &a);
	}
	check_dates(rest, VR_DA);
	check_dates(rest, VR_DT);
	arena_close(&a);
	free(exact);
	return 0;
}
