/* base/valueset beside a list. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/valueset.h"

Suite *suite_valueset(void);

START_TEST(test_empty)
{
	struct arena a;
	struct valueset s;

	ck_assert_int_eq(arena_open(&a, 1u << 20, NULL), OK);
	valueset_open(&s, 10, &a);
	ck_assert(!valueset_has(&s, BYTES_NONE) && !valueset_has(&s, BYTES_LIT("x")));
	ck_assert_uint_eq(arena_mark(&a), 0); /* costs nothing until it holds something */
	ck_assert(valueset_add(&s, BYTES_NONE) && valueset_has(&s, BYTES_NONE));
	ck_assert_uint_eq(s.count, 1);
	arena_close(&a);
}
END_TEST

START_TEST(test_most)
{
	struct arena a;
	struct valueset s;

	ck_assert_int_eq(arena_open(&a, 1u << 20, NULL), OK);
	valueset_open(&s, 2, &a);
	ck_assert(valueset_add(&s, BYTES_LIT("a")) && valueset_add(&s, BYTES_LIT("b")));
	ck_assert(valueset_add(&s, BYTES_LIT("a"))); /* is there */
	ck_assert(!valueset_add(&s, BYTES_LIT("c")) && !valueset_has(&s, BYTES_LIT("c")));
	ck_assert_uint_eq(s.count, 2);
	arena_close(&a);
}
END_TEST

START_TEST(test_no_memory)
{
	struct arena a;
	struct valueset s;
	char text[4000];
	unsigned n = 0;

	ck_assert_int_eq(arena_open(&a, 8u << 10, NULL), OK);
	valueset_open(&s, 4000, &a);
	for (; n < sizeof(text); n++) {
		text[n] = (char)n;
		if (!valueset_add(&s, bytes_of(text, n + 1)))
			break;
	}
	ck_assert(n > 0 && n < sizeof(text));
	for (unsigned i = 0; i < n; i++)
		ck_assert(valueset_has(&s, bytes_of(text, i + 1)));
	ck_assert(!valueset_has(&s, bytes_of(text, n + 1)));
	arena_close(&a);
}
END_TEST

/* Numbers as text, many of them twice; all are there, in their order, others are not. */
START_TEST(test_many)
{
	static char text[20000][8];
	static bool in[100000];
	struct arena a;
	struct valueset s;
	uint32_t count = 0;

	srand(1);
	ck_assert_int_eq(arena_open(&a, 16u << 20, NULL), OK);
	valueset_open(&s, 100000, &a);
	for (unsigned i = 0; i < 20000; i++) {
		unsigned n = (unsigned)rand() % 30000;

		snprintf(text[i], sizeof(text[i]), "%u", n);
		ck_assert(valueset_has(&s, bytes_str(text[i])) == in[n]);
		ck_assert(valueset_add(&s, bytes_str(text[i])));
		if (!in[n])
			ck_assert(bytes_eq(s.item[count++], bytes_str(text[i])));
		in[n] = true;
		ck_assert_uint_eq(s.count, count);
	}
	for (unsigned n = 0; n < 100000; n++) {
		char one[8];

		snprintf(one, sizeof(one), "%u", n);
		ck_assert(valueset_has(&s, bytes_str(one)) == in[n]);
	}
	arena_close(&a);
}
END_TEST

Suite *suite_valueset(void)
{
	Suite *s = suite_create("valueset");
	TCase *tc = tcase_create("valueset");

	tcase_add_test(tc, test_empty);
	tcase_add_test(tc, test_most);
	tcase_add_test(tc, test_no_memory);
	tcase_add_test(tc, test_many);
	suite_add_tcase(s, tc);
	return s;
}
