/*
 * The Series Description of a segmentation, from its template.
 */
#include <check.h>

#include "study/segments.h"

Suite *suite_segments(void);

static const struct {
	const char *template, *name, *want;
} rows[] = {
	{"RESEARCH USE ONLY: CONTOUR {}", "GTV", "RESEARCH USE ONLY: CONTOUR GTV"},
	{"{}", "", ""},
	{"{} of {{plan}}", "GTV", "GTV of {plan}"},
	{"no name", "GTV", "no name"},
	{"{{{}}}", "GTV", "{GTV}"},
	{"{}", "{}", "{}"},
	{"{}",
	 "Gr\xC3\xB6\xC3\x9F"
	 "e",
	 "Gr\xC3\xB6\xC3\x9F"
	 "e"},
	{"", "GTV", ""},
};

START_TEST(test_description)
{
	struct arena a;

	ck_assert_int_eq(arena_open(&a, 4096, NULL), OK);
	const char *got = segments_description(rows[_i].template, bytes_str(rows[_i].name), &a);
	ck_assert_ptr_nonnull(got);
	ck_assert_str_eq(got, rows[_i].want);
	arena_close(&a);
}
END_TEST

START_TEST(test_no_memory)
{
	struct arena a;

	ck_assert_int_eq(arena_open(&a, 64, NULL), OK);
	while (ARENA_NEW(&a, uint8_t, 1) != NULL)
		;
	ck_assert_ptr_null(segments_description("{}", BYTES_LIT("GTV"), &a));
	arena_close(&a);
}
END_TEST

Suite *suite_segments(void)
{
	Suite *s = suite_create("segments");
	TCase *tc = tcase_create("segments");

	tcase_add_loop_test(tc, test_description, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tc, test_no_memory);
	suite_add_tcase(s, tc);
	return s;
}
