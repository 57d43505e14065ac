/* base/search beside a search that looks everywhere. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/search.h"
#include "support/support.h"

Suite *suite_search(void);

#define FOUND_MAX 4096u
#define MUCH SEARCH_MUCH_TEXT /* and enough of samples */

struct found {
	size_t at;
	uint32_t which;
};

static struct arena arena;

static void setup(void)
{
	ck_assert_int_eq(arena_open(&arena, 64u << 20, NULL), OK);
}

static void teardown(void)
{
	arena_close(&arena);
}

static uint8_t upper(uint8_t c)
{
	return (uint8_t)(c >= 'a' && c <= 'z' ? c - 32 : c);
}

static bool stands(struct bytes text, size_t at, struct bytes p)
{
	if (p.len > text.len - at)
		return false;
	for (size_t i = 0; i < p.len; i++)
		if (upper(text.at[at + i]) != upper(p.at[i]))
			return false;
	return true;
}

static int by_place(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->which < y->which ? -1 : x->which > y->which;
}

/* Same places, in ascending order, of all patterns that have `shortest` bytes and more. */
static void check_from(const struct search *s, struct bytes text, struct search_at where,
		       size_t shortest)
{
	static struct found want[FOUND_MAX], got[FOUND_MAX];
	size_t wants = 0, gots = 0;

	for (size_t at = 0; at < text.len; at++)
		for (uint32_t i = 0; i < s->count; i++)
			if (s->pattern[i].len >= shortest && stands(text, at, s->pattern[i]) &&
			    wants < FOUND_MAX)
				want[wants++] = (struct found){at, i};
	while (gots < FOUND_MAX && search_next(s, text, &where, &got[gots].at, &got[gots].which)) {
		ck_assert(gots == 0 || got[gots].at >= got[gots - 1].at);
		gots++;
	}
	ck_assert_uint_eq(gots, wants);
	qsort(got, gots, sizeof(got[0]), by_place);
	for (size_t i = 0; i < wants; i++)
		ck_assert(got[i].at == want[i].at && got[i].which == want[i].which);
}

static void check(const struct search *s, struct bytes text)
{
	check_from(s, text, SEARCH_BEGIN, 0);
	check_from(s, text, SEARCH_BEGIN_LONG, SEARCH_LONG);
}

static void open_with(struct search *s, const char *const *patterns, size_t much)
{
	search_open(s, 100, &arena);
	for (; *patterns != NULL; patterns++)
		ck_assert(search_add(s, bytes_str(*patterns)));
	ck_assert_int_eq(search_ready(s, much, much, NULL), OK);
}

static const struct {
	const char *name;
	const char *patterns[6];
	const char *text;
	unsigned places;
} cases[] = {
	{"nothing to look for", {NULL}, "SMITH", 0},
	{"no text", {"SMITH", NULL}, "", 0},
	{"text shorter than the pattern", {"SMITH", NULL}, "SMIT", 0},
	{"the whole text", {"SMIT", NULL}, "SMIT", 1},
	{"at an odd place", {"SMITH", NULL}, ".SMITH", 1},
	{"at the end, at an even place", {"SMIT", NULL}, "..SMIT", 1},
	{"at the end, at an odd place", {"SMIT", NULL}, "...SMIT", 1},
	{"in other case", {"Smith", NULL}, "sMITH smith SMITH", 3},
	{"what differs by the case bit and is no letter", {"a{}b", NULL}, "A[]B a{}b", 1},
	{"overlapping itself", {"abab", NULL}, "abababab", 3},
	{"two at one place", {"SMITH", "SMIT", NULL}, "SMITH", 2},
	{"one inside of another", {"12345678", "4567", NULL}, "012345678", 2},
	{"alike patterns are both told", {"SMITH", "smith", NULL}, "Smith", 2},
	{"only long ones", {"1.2.3.4.5.6", "1.2.3.4.5.7", NULL}, "x1.2.3.4.5.7x1.2.3.4.5.6", 2},
	{"NUL bytes are bytes like others", {"S\1M\1I", NULL}, "..S\1M\1I", 1},
};

START_TEST(test_case)
{
	struct search s;
	struct search_at where = SEARCH_BEGIN;
	struct bytes text = bytes_str(cases[_i / 2].text);
	unsigned places = 0;
	size_t at;
	uint32_t which;

	open_with(&s, cases[_i / 2].patterns, _i % 2 != 0 ? MUCH : 0);
	while (search_next(&s, text, &where, &at, &which))
		places++;
	ck_assert_msg(places == cases[_i / 2].places, "%s: %u", cases[_i / 2].name, places);
	check(&s, text);
}
END_TEST

START_TEST(test_limits)
{
	struct search s;

	search_open(&s, 2, &arena);
	ck_assert(!search_add(&s, BYTES_LIT("abc")));
	ck_assert(search_add(&s, BYTES_LIT("abcd")) && search_add(&s, BYTES_LIT("abce")));
	ck_assert(!search_add(&s, BYTES_LIT("abcf")));
}
END_TEST

START_TEST(test_no_memory)
{
	for (size_t cap = 16; cap < 300u << 10; cap += 512) {
		struct arena small;
		struct search s;

		ck_assert_int_eq(arena_open(&small, cap, NULL), OK);
		search_open(&s, 10, &small);
		bool added = search_add(&s, BYTES_LIT("SMITHSON"));
		enum err e = search_ready(&s, MUCH, MUCH, NULL);
		ck_assert(e == OK || (added && e == ERR_NOMEM));
		arena_close(&small);
	}
}
END_TEST

/* Few letters, so that there is much to find; every length of pattern and text, no byte beyond. */
START_TEST(test_random)
{
	static const char *const letters[] = {"ab", "01234.", "aAbB ", "\0S"};

	srand((unsigned)_i);
	for (unsigned round = 0; round < 400; round++) {
		const char *set = letters[rand() % 4];
		size_t kinds = set[0] == '\0' ? 2 : strlen(set), len = (size_t)(rand() % 200);
		size_t least = 4 + (size_t)(rand() % 9);
		uint8_t bytes[256];
		struct search s;

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)set[(size_t)rand() % kinds];
		search_open(&s, 40, &arena);
		for (unsigned i = 0; i < 20; i++) {
			size_t n = least + (size_t)(rand() % 6);
			uint8_t p[32];

			for (size_t k = 0; k < n; k++)
				p[k] = (uint8_t)set[(size_t)rand() % kinds];
			if (rand() % 2 == 0)
				memcpy(p, bytes + rand() % 200, n);
			struct bytes copy = arena_copy(&arena, bytes_of(p, n));
			ck_assert(copy.at != NULL && search_add(&s, copy));
		}
		ck_assert_int_eq(
			search_ready(&s, round % 4 < 2 ? MUCH : 0, round % 2 != 0 ? MUCH : 0, NULL),
			OK);
		uint8_t *guarded = guard_copy(bytes, len);
		check(&s, bytes_of(guarded, len));
		guard_free(guarded, len);
		arena_reset(&arena, 0);
	}
}
END_TEST

/* As the patterns of a structure set: short ones, dates, and hundreds of UIDs, so that every lane
 * is there, in text that has parts of them all over. */
START_TEST(test_lanes)
{
	static const size_t lens[] = {4, 5, 7, 8, 9, 15, 23, 24, 25, 40, 64};
	static uint8_t text[6000];
	unsigned wide = _i % 2 == 0 ? SEARCH_MANY - 1 : 3 * SEARCH_MANY;
	struct search s;

	srand((unsigned)_i);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t) "0123456789.-\\\\2255"[rand() % 18];
	search_open(&s, 2 * wide, &arena);
	for (unsigned i = 0; i < 2 * wide; i++) {
		size_t len = i < wide ? 24 + (size_t)(rand() % 40) : lens[rand() % 11];
		uint8_t p[64];

		for (size_t k = 0; k < len; k++)
			p[k] = (uint8_t) "0123456789."[rand() % 11];
		if (i % 2 == 0) /* alike in front, as UIDs of one root are */
			memcpy(p, "2.25.123", len < 8 ? len : 8);
		if (i % 5 != 0)
			memcpy(text + rand() % (int)(sizeof(text) - 64), p, len);
		struct bytes copy = arena_copy(&arena, bytes_of(p, len));
		ck_assert(copy.at != NULL && search_add(&s, copy));
	}
	ck_assert_int_eq(search_ready(&s, _i % 8 >= 4 ? MUCH : 0, _i % 4 >= 2 ? MUCH : 0, NULL),
			 OK);
	ck_assert_uint_eq(s.lane[SEARCH_LANE_WIDE].count > 0, s.wide >= SEARCH_MANY);
	for (size_t len = sizeof(text) - 40; len <= sizeof(text); len++) {
		uint8_t *guarded = guard_copy(text, len);

		check(&s, bytes_of(guarded, len));
		guard_free(guarded, len);
	}
}
END_TEST

Suite *suite_search(void)
{
	Suite *s = suite_create("search");
	TCase *tc = tcase_create("search");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_case, 0, 2 * (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_test(tc, test_limits);
	tcase_add_test(tc, test_no_memory);
	tcase_add_loop_test(tc, test_random, 0, 8);
	tcase_add_loop_test(tc, test_lanes, 0, 8);
	suite_add_tcase(s, tc);
	return s;
}
