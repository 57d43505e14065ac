/*
 * src/base/arena.h: memory that is thrown away whole.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/arena.h"

START_TEST(arena_gives_zeroed_aligned_blocks)
{
	struct arena a;

	ck_assert_int_eq(arena_open(&a, 1 << 16, NULL), OK);
	for (int i = 0; i < 50; i++) {
		uint8_t *p = arena_alloc(&a, 1, (size_t)i + 1);

		ck_assert_ptr_nonnull(p);
		ck_assert_uint_eq((uintptr_t)p % 16, 0);
		for (int k = 0; k <= i; k++)
			ck_assert_uint_eq(p[k], 0);
		memset(p, 0xAA, (size_t)i + 1);
	}
	arena_close(&a);
	arena_close(&a); /* twice is fine */
}
END_TEST

START_TEST(arena_is_zero_again_after_reset)
{
	struct arena a;

	ck_assert_int_eq(arena_open(&a, 1 << 12, NULL), OK);
	size_t mark = arena_mark(&a);
	memset(arena_alloc(&a, 100, 10), 0xFF, 1000);
	arena_reset(&a, mark);
	uint8_t *p = arena_alloc(&a, 3000, 1);
	ck_assert_ptr_nonnull(p);
	for (int i = 0; i < 3000; i++)
		ck_assert_uint_eq(p[i], 0);
	arena_close(&a);
}
END_TEST

START_TEST(arena_has_an_end)
{
	struct arena a;

	ck_assert_int_eq(arena_open(&a, 4096, NULL), OK);
	ck_assert_ptr_null(arena_alloc(&a, 1, 5000));
	ck_assert_ptr_null(arena_alloc(&a, SIZE_MAX, 2));
	ck_assert_ptr_null(arena_alloc(&a, SIZE_MAX, 1));
	ck_assert_ptr_nonnull(arena_alloc(&a, 1, 2000));
	ck_assert_ptr_null(arena_alloc(&a, 1, 3000));
	ck_assert_ptr_null(arena_copy(&a, bytes_of(&a, SIZE_MAX)).at);
	char *s = arena_strdup(&a, BYTES_LIT("text"));
	ck_assert_str_eq(s, "text");
	ck_assert_ptr_nonnull(arena_copy(&a, BYTES_NONE).at);
	arena_close(&a);
}
END_TEST

/* What is only reserved does not count for the process's limit; what is handed out does. */
START_TEST(arena_counts_by_what_is_used)
{
#ifndef __SANITIZE_ADDRESS__                                 /* whose shadow is over any limit */
	const struct rlimit most = {512u << 20, 512u << 20}; /* with what the tests have */
	struct rlimit now;
	struct arena a[8];

	ck_assert_int_eq(setrlimit(RLIMIT_DATA, &most), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_DATA, &now), 0);
	bool is_held = now.rlim_cur == most.rlim_cur; /* qemu takes it, and lets it be */
	for (unsigned i = 0; i < 8; i++) {
		ck_assert_int_eq(arena_open(&a[i], (size_t)1 << 30, NULL), OK);
		memset(arena_alloc(&a[i], 1, 3u << 20), 0xFF, 3u << 20);
	}
	if (is_held)
		ck_assert_ptr_null(arena_alloc(&a[0], 1, 600u << 20));
	uint8_t *p = arena_alloc(&a[0], 1, 3u << 20);
	ck_assert_ptr_nonnull(p);
	ck_assert(arena_extend(&a[0], p, 3u << 20, 5u << 20));
	if (is_held)
		ck_assert(!arena_extend(&a[0], p, 5u << 20, 600u << 20));
	for (unsigned i = 0; i < 8; i++)
		arena_close(&a[i]);
	ck_assert_int_eq(arena_open(&a[0], (size_t)1 << 30, NULL), OK);
	ck_assert_ptr_nonnull(arena_alloc(&a[0], 1, 40u << 20));
	arena_close(&a[0]);
#endif
}
END_TEST

START_TEST(arena_block_grows_where_it_is)
{
	struct arena a;

	ck_assert_int_eq(arena_open(&a, 4096, NULL), OK);
	memset(arena_alloc(&a, 1, 2000), 0xFF, 2000); /* what was there is not seen again */
	arena_reset(&a, 0);
	uint8_t *p = arena_alloc(&a, 1, 5);
	memset(p, 1, 5);
	size_t n = 5;
	for (; n < 1500; n += 37) {
		ck_assert(arena_extend(&a, p, n, n + 37));
		for (size_t i = 0; i < n + 37; i++)
			ck_assert_uint_eq(p[i], i < n);
		memset(p, 1, n + 37);
	}
	size_t used = a.used;
	ck_assert(!arena_extend(&a, p, n, 5000));
	ck_assert(!arena_extend(&a, p, n, SIZE_MAX));
	ck_assert_uint_eq(a.used, used);
	uint8_t *next = arena_alloc(&a, 1, 100);
	ck_assert(next >= p + n);
	for (size_t i = 0; i < 100; i++)
		ck_assert_uint_eq(next[i], 0);
	arena_close(&a);
}
END_TEST

Suite *suite_arena(void);

Suite *suite_arena(void)
{
	Suite *s = suite_create("arena");
	TCase *t = tcase_create("arena");

	tcase_add_test(t, arena_gives_zeroed_aligned_blocks);
	tcase_add_test(t, arena_is_zero_again_after_reset);
	tcase_add_test(t, arena_has_an_end);
	tcase_add_test(t, arena_counts_by_what_is_used);
	tcase_add_test(t, arena_block_grows_where_it_is);
	suite_add_tcase(s, t);
	return s;
}
