/*
 * Masks for tests: made, freed, and held to what mask.h promises.  Include after check.h.
 */
#ifndef TESTS_MASK_CHECK_H
#define TESTS_MASK_CHECK_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "raster/mask.h"

/* As ck_assert_msg, for the innermost loops: that one writes to a file each time it holds. */
#define must(condition, ...)                       \
	do {                                       \
		if (!(condition))                  \
			ck_abort_msg(__VA_ARGS__); \
	} while (0)

static inline struct mask mask_new(uint32_t cols, uint32_t rows)
{
	struct mask m;
	size_t words = mask_words(cols, rows);
	uint64_t *bits = malloc((words + 1) * sizeof(*bits)); /* + 1: never of size 0 */

	ck_assert_ptr_nonnull(bits);
	memset(bits, 0xA5, (words + 1) * sizeof(*bits));
	mask_init(&m, cols, rows, bits);
	return m;
}

static inline void mask_free(struct mask *m)
{
	free(m->bits);
}

static inline void assert_invariants(const struct mask *m, const char *name)
{
	for (uint32_t r = 0; r < m->rows; r++) {
		const uint64_t *words = m->bits + (size_t)r * m->stride;
		bool in_rows = r >= m->box.row0 && r < m->box.row1;
		for (uint32_t w = 0; w < m->stride; w++)
			if (!in_rows || w < m->box.word0 || w >= m->box.word1)
				must(words[w] == 0, "%s: bits outside the box", name);
		if (m->cols % 64 != 0)
			must(words[m->stride - 1] >> m->cols % 64 == 0,
			     "%s: bits beyond the last column", name);
	}
}

#endif
