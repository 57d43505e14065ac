/*
 * ROI names against substrings and globs.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"

Suite *suite_name(void);

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct row {
	const char *name, *other;
	bool want;
};

static const struct row substrings[] = {
	{"Skull", "skull", true},
	{"inner skull", "SKULL", true},
	{"Skul", "skull", false},
	{"", "skull", false},
	{"Skull", "", false}, /* else it would leave out everything */
	{"", "", false},
	{"a*b", "*", true}, /* no glob here */
	{"ab", "*", false},
	{"L\xC3\x96"
	 "FFEL",
	 "l\xC3\xB6"
	 "ff",
	 true},
	{"\xCE\x91\xCE\x92", "\xCE\xB2", true},         /* Greek */
	{"\xD0\x96\xD0\x81", "\xD0\xB6\xD1\x91", true}, /* Cyrillic */
	{"\xC4\x8Cx", "\xC4\x8D", true},                /* c with caron */
	{"\xC3\x97", "\xC3\xB7", false},                /* times is not divided by */
	{"\xFFx", "\xFF", true},                        /* bytes that are no UTF-8 */
	{"\xFFx", "\xC3\xBF", false},                   /* nor Latin-1 */
	{"\xE8\x82\xBA\xE8\x85\xAB\xE7\x98\xA4", "\xE8\x85\xAB", true},
	{"\xE8\x82\xBA", "\x82", false}, /* no part of a character */
	{"aab", "ab", true},
};

START_TEST(contains)
{
	const struct row *r = &substrings[_i];

	ck_assert_msg(name_contains(bytes_str(r->name), bytes_str(r->other)) == r->want,
		      "\"%s\" in \"%s\"", r->other, r->name);
}
END_TEST

static const struct row globs[] = {
	{"GTV", "gtv", true},
	{"GTV", "gt", false},
	{"GTV", "gtvx", false},
	{"GTV", "*", true},
	{"", "*", true},
	{"", "", true},
	{"GTV", "", false},
	{"", "?", false},
	{"GTV1", "gtv?", true},
	{"GTV", "gtv?", false},
	{"GTV 12", "GTV*2", true},
	{"GTV 12", "*T*1*", true},
	{"GTV 12", "*T*3*", false},
	{"aaaab", "*a*a*b", true},
	{"mississippi", "*issip*", true},
	{"GTV1", "GTV[0-9]", true},
	{"GTVx", "GTV[0-9]", false},
	{"GTVx", "GTV[!0-9]", true},
	{"GTV1", "GTV[!0-9]", false},
	{"gtvB", "GTV[a-c]", true},
	{"a]", "a[]]", true},
	{"a-", "a[x-]", true},
	{"a[", "a[", true}, /* without its other half it is itself */
	{"a[b", "a[b", true},
	{"ab", "a[b", false},
	{"a*", "a\\*", true},
	{"ab", "a\\*", false},
	{"a\\", "a\\", true},
	{"\xC3\x9Cx", "?x", true}, /* a character, not a byte */
	{"\xC3\x9Cx", "[\xC3\xB6-\xC3\xBE]x", true},
	{"\xE8\x82\xBA", "?", true},
	{"\xE8\x82\xBA", "???", false},
};

START_TEST(matches)
{
	const struct row *r = &globs[_i];

	ck_assert_msg(name_matches(bytes_str(r->name), bytes_str(r->other)) == r->want,
		      "\"%s\" against \"%s\"", r->name, r->other);
}
END_TEST

/* Neither a long name nor a wicked pattern takes long. */
START_TEST(long_names)
{
	static char name[100001], pattern[100001];

	memset(name, 'a', sizeof(name) - 1);
	for (size_t i = 0; i + 1 < sizeof(pattern); i++)
		pattern[i] = i % 2 == 0 ? '*' : 'a';
	ck_assert(name_matches(bytes_str(name), bytes_str(pattern)));
	pattern[NAME_CHARS_MAX - 1] = 'b';
	ck_assert(!name_matches(bytes_str(name), bytes_str(pattern)));
	ck_assert(name_contains(bytes_str(name), bytes_str("aaaa")));
	name[NAME_CHARS_MAX] = 'b'; /* beyond what is looked at */
	ck_assert(!name_contains(bytes_str(name), bytes_str("b")));
}
END_TEST

Suite *suite_name(void)
{
	Suite *s = suite_create("name");
	TCase *c = tcase_create("name");

	tcase_add_loop_test(c, contains, 0, COUNT(substrings));
	tcase_add_loop_test(c, matches, 0, COUNT(globs));
	tcase_add_test(c, long_names);
	suite_add_tcase(s, c);
	return s;
}
