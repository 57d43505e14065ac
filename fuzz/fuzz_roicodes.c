/*
 * Property: of any text taken as a site's table of codes for ROIs,
 *   - parsing gives rows that lie in the text and in the arena, each with a whole code, or an error
 *     with words and a line that the text has;
 *   - every name and every type finds a code, and a row without a star is found by its own key,
 *     unless another one before it has the same.
 *
 * The text begins after the first line, which is a name and an interpreted type between tabs.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "series/roicodes.h"

#define ROOM (8u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_code(const struct roi_code *c)
{
	assert(c->value.len > 0 && c->value.len <= 16);
	assert(c->scheme.len > 0 && c->scheme.len <= 16);
	assert(c->meaning.len > 0 && c->meaning.len <= 64);
}

static void check_rows(const struct roi_codes *t, const struct roi_codes *builtin)
{
	for (size_t i = 0; i < t->count && i < 64; i++) {
		const struct roi_codes_row *row = &t->rows[i];
		bool first = true;

		check_code(&row->type);
		if (row->of_type || row->any_before || row->any_after)
			continue;
		for (size_t k = 0; k < i; k++)
			first = first &&
				(t->rows[k].of_type || !bytes_eq(t->rows[k].key, row->key));
		struct roi_coded c = roi_codes_find(t, builtin, row->key, BYTES_NONE);
		check_code(&c.type);
		check_code(&c.category);
		assert(c.by_name);
		if (first)
			assert(bytes_eq(c.type.value, row->type.value));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct roi_codes t, builtin;
	struct fault f = {0};
	struct arena a;
	unsigned line = 0;
	uint8_t *copy = malloc(size + 1);
	size_t first = 0, tab = 0, lines = 1;

	assert(copy != NULL && arena_open(&a, ROOM, NULL) == OK);
	memcpy(copy, data, size);
	while (first < size && copy[first] != '\n')
		first++;
	while (tab < first && copy[tab] != '\t')
		tab++;
	struct bytes name = bytes_of(copy, tab);
	struct bytes type = bytes_of(copy + tab, first - tab);
	struct bytes text = bytes_of(copy + first, size - first);
	for (size_t i = 0; i < text.len; i++)
		lines += text.at[i] == '\n';
	assert(roi_codes_builtin(&builtin, &a, NULL) == OK);
	if (roi_codes_parse(&t, text, &a, &line, &f) == OK) {
		struct roi_coded c = roi_codes_find(&t, &builtin, name, type);

		check_code(&c.type);
		check_code(&c.category);
		check_rows(&t, &builtin);
	} else {
		assert(f.text != NULL && line <= lines);
	}
	struct roi_coded c = roi_codes_find(NULL, &builtin, name, type);
	check_code(&c.type);
	arena_close(&a);
	free(copy);
	return 0;
}
