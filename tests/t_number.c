/*
 * DS and IS: every shape that is accepted, every one that is not, and the short cut for
 * lists against the long way.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/number.h"
#include "support/support.h"

Suite *suite_number(void);

#define MAX_PM INT64_MAX

static struct bytes guarded(const char *text)
{
	return bytes_of(guard_copy(text, strlen(text)), strlen(text));
}

static void release(struct bytes b)
{
	guard_free((uint8_t *)(uintptr_t)b.at, b.len);
}

/* ---- One DS ---- */

static const struct {
	const char *text;
	bool good;
	int64_t pm;
} pms[] = {
	{"0", true, 0},
	{"-0", true, 0},
	{"1", true, PM_PER_MM},
	{"+1", true, PM_PER_MM},
	{"-1", true, -PM_PER_MM},
	{"  -12.5 ", true, -12500000000},
	{"12.", true, 12000000000},
	{".5", true, 500000000},
	{"-.5", true, -500000000},
	{"00012.50000", true, 12500000000},
	{"0.000000001", true, 1},
	{"123456789.123456789", true, 123456789123456789},
	/* half away from zero, whatever follows */
	{"0.0000000005", true, 1},
	{"-0.0000000005", true, -1},
	{"0.00000000049999999999", true, 0},
	{"0.00000000050000000001", true, 1},
	{"0.0000000015", true, 2},
	{"0.0000000025", true, 3},
	{"-0.0000000025", true, -3},
	{"0.00000000005", true, 0},
	{"0.9999999995", true, PM_PER_MM},
	{"1.23456789049", true, 1234567890},
	{"1.2345678905", true, 1234567891},
	/* exponents */
	{"1e3", true, 1000 * PM_PER_MM},
	{"1E+3", true, 1000 * PM_PER_MM},
	{"-1.5e-3", true, -1500000},
	{"1e-9", true, 1},
	{"5e-10", true, 1},
	{"4.9e-10", true, 0},
	{"1e-400", true, 0},
	{"1e-99999999999999999999", true, 0},
	{"0e99999999999999999999", true, 0},
	{"0.000001e6", true, PM_PER_MM},
	{"123e-2", true, 1230000000},
	{".5E1", true, 5 * PM_PER_MM},
	/* the ends of the range */
	{"9223372036.854775807", true, MAX_PM},
	{"-9223372036.854775807", true, -MAX_PM},
	{"9223372036.8547758074999", true, MAX_PM},
	{"9223372036.8547758075", false, 0},
	{"9223372036.854775808", false, 0},
	{"-9223372036.854775808", false, 0},
	{"9223372037", false, 0},
	{"1e10", false, 0},
	{"1e99999999999999999999", false, 0},
	{"18446744073.709551616", false, 0},
	{"99999999999999999999", false, 0},
	/* 64 characters, and 65 */
	{"1.00000000000000000000000000000000000000000000000000000000000000", true, PM_PER_MM},
	{"1.000000000000000000000000000000000000000000000000000000000000000", false, 0},
	{"0000000000000000000000000000000000000000000000000000000000000001", true, PM_PER_MM},
	/* no numbers */
	{"", false, 0},
	{" ", false, 0},
	{".", false, 0},
	{"-", false, 0},
	{"+", false, 0},
	{"-.", false, 0},
	{"--1", false, 0},
	{"+-1", false, 0},
	{"1-", false, 0},
	{"1..2", false, 0},
	{"1.2.3", false, 0},
	{"1 2", false, 0},
	{"- 1", false, 0},
	{"1,5", false, 0},
	{"1e", false, 0},
	{"1e+", false, 0},
	{"1e1.5", false, 0},
	{"1e1e1", false, 0},
	{"e5", false, 0},
	{".e5", false, 0},
	{"1d5", false, 0},
	{"0x10", false, 0},
	{"nan", false, 0},
	{"inf", false, 0},
	{"1\\2", false, 0},
	{"1a", false, 0},
	{"\t1", false, 0},
};

START_TEST(test_pm)
{
	struct bytes text = guarded(pms[_i].text);
	int64_t pm = 42;
	double mm = 42;
	bool good = ds_to_pm(text, &pm);

	ck_assert_msg(good == pms[_i].good, "\"%s\"", pms[_i].text);
	ck_assert_msg(pm == (good ? pms[_i].pm : 42), "\"%s\": %lld", pms[_i].text, (long long)pm);
	/* what is no picometres may be a double, but what is no number is neither */
	if (good)
		ck_assert_msg(ds_to_double(text, &mm) &&
				      fabs(mm - (double)pm / 1e9) <= 1e-9 * (1 + fabs(mm)),
			      "\"%s\": %.17g", pms[_i].text, mm);
	release(text);
}
END_TEST

START_TEST(test_padding)
{
	int64_t pm = 0;

	ck_assert(ds_to_pm(BYTES_LIT("1.5\0"), &pm) && pm == 1500000000);
	ck_assert(ds_to_pm(BYTES_LIT("  1.5 \0\0"), &pm) && pm == 1500000000);
	ck_assert(!ds_to_pm(BYTES_LIT("1\0005"), &pm));
	ck_assert(!ds_to_pm(BYTES_NONE, &pm));
}
END_TEST

static const struct {
	const char *text;
	double want; /* NAN: refused */
} doubles[] = {
	{"0", 0.0},
	{"1", 1.0},
	{"-2.5", -2.5},
	{"0.1", 0.1},
	{"0.3", 0.3},
	{"1e22", 1e22},
	{"1e23", 1e23},                           /* the first power of ten that is not exact */
	{"9007199254740993", 9007199254740992.0}, /* 2^53 + 1: half to even */
	{"9007199254740992.5", 9007199254740992.0},
	{"9007199254740995", 9007199254740996.0},
	{"179769313486231570e291", 1.7976931348623157e308},
	{"1e309", NAN},
	{"-1e309", NAN},
	{"5e-324", 5e-324},
	{"2e-324", 0.0},
	{"2.2250738585072011e-308", 2.2250738585072011e-308},
	{"123456789012345678901234567890", 123456789012345678901234567890.0},
	{"0.000000000000000000000000000001", 1e-30},
	{"3.14159265358979323846264338327950288", 3.14159265358979323846},
	{"1.7976931348623159e308", NAN}, /* rounds beyond the largest */
	{"abc", NAN},
	{"", NAN},
	{"infinity", NAN},
	{"0x1p3", NAN},
};

START_TEST(test_double)
{
	struct bytes text = guarded(doubles[_i].text);
	double got = 42;
	bool good = ds_to_double(text, &got);

	ck_assert_msg(good == !isnan(doubles[_i].want), "\"%s\"", doubles[_i].text);
	ck_assert_msg(good ? memcmp(&got, &doubles[_i].want, sizeof(got)) == 0 : got == 42,
		      "\"%s\": %.17g", doubles[_i].text, got);
	release(text);
}
END_TEST

/* Correctly rounded means: as strtod has it, which both libcs round correctly. */
START_TEST(test_double_random)
{
	unsigned state = 12345;

	for (int i = 0; i < 20000; i++) {
		char text[64];
		double got = 0;

		state = state * 1664525u + 1013904223u;
		unsigned a = state;
		state = state * 1664525u + 1013904223u;
		int shape = (int)(state >> 28);
		if (shape < 6)
			snprintf(text, sizeof(text), "%s%u.%06u", a % 2 == 0 ? "-" : "", a >> 20,
				 state >> 12);
		else if (shape < 12)
			snprintf(text, sizeof(text), "%u%u.%ue%d", a, state, a >> 3,
				 (int)(state >> 20 & 63) - 32);
		else
			snprintf(text, sizeof(text), "%u.%u%ue%d", a >> 28, a, state,
				 (int)(a % 640) - 330);
		double want = strtod(text, NULL);
		bool good = ds_to_double(bytes_str(text), &got);
		ck_assert_msg(good == !isinf(want), "%s", text);
		if (good)
			ck_assert_msg(memcmp(&got, &want, sizeof(got)) == 0, "%s: %.17g, not %.17g",
				      text, got, want);
	}
}
END_TEST

/* ---- IS ---- */

static const struct {
	const char *text;
	bool good;
	int64_t value;
} integers[] = {
	{"0", true, 0},
	{"-0", true, 0},
	{"17", true, 17},
	{" 17 ", true, 17},
	{"+17", true, 17},
	{"-17", true, -17},
	{"0017", true, 17},
	{"2147483648", true, 2147483648},
	{"9223372036854775807", true, INT64_MAX},
	{"-9223372036854775807", true, -INT64_MAX},
	{"9223372036854775808", false, 0},
	{"18446744073709551616", false, 0},
	{"18446744073709551621", false, 0},
	{"", false, 0},
	{" ", false, 0},
	{"-", false, 0},
	{"1.0", false, 0},
	{"1e2", false, 0},
	{"1 2", false, 0},
	{"0x1", false, 0},
	{"1\\2", false, 0},
};

START_TEST(test_is)
{
	struct bytes text = guarded(integers[_i].text);
	int64_t got = 42;
	bool good = is_to_int(text, &got);

	ck_assert_msg(good == integers[_i].good, "\"%s\"", integers[_i].text);
	ck_assert_msg(got == (good ? integers[_i].value : 42), "\"%s\"", integers[_i].text);
	release(text);
}
END_TEST

/* ---- Several values ---- */

static const struct {
	const char *text;
	size_t count;
	const char *values[4];
} multi[] = {
	{"", 0, {NULL}},         {"  ", 0, {NULL}},
	{"a", 1, {"a"}},         {" a ", 1, {"a"}},
	{"a\\b", 2, {"a", "b"}}, {"a \\ b\\c ", 3, {"a", "b", "c"}},
	{"\\", 2, {"", ""}},     {"a\\", 2, {"a", ""}},
	{"\\b", 2, {"", "b"}},   {"a\\\\c", 3, {"a", "", "c"}},
};

START_TEST(test_multi)
{
	struct bytes text = guarded(multi[_i].text), got;

	ck_assert_msg(text_count(text) == multi[_i].count, "\"%s\"", multi[_i].text);
	for (unsigned n = 0; n < 6; n++) {
		bool good = text_nth(text, n, &got);

		ck_assert_msg(good == (n < multi[_i].count), "\"%s\", %u", multi[_i].text, n);
		if (good)
			ck_assert_msg(bytes_eq_str(got, multi[_i].values[n]), "\"%s\", %u",
				      multi[_i].text, n);
	}
	release(text);
}
END_TEST

/* ---- Lists ---- */

static const struct {
	const char *text;
	size_t count;   /* values before the end or the error */
	size_t fail_at; /* SIZE_MAX: none */
} lists[] = {
	{"", 0, SIZE_MAX},
	{"   ", 0, SIZE_MAX},
	{"\\", 0, SIZE_MAX},
	{"1", 1, SIZE_MAX},
	{"1\\", 1, SIZE_MAX},
	{"1\\ ", 1, SIZE_MAX},
	{"1\\2\\3", 3, SIZE_MAX},
	{"1\\2\\3 ", 3, SIZE_MAX},
	{"1 \\ 2\\3\\", 3, SIZE_MAX},
	{"1\\\\", 0, 2},
	{"\\1", 0, 0},
	{"1\\\\3", 0, 2},
	{"1\\x\\3", 0, 2},
	{"-123.45\\67.8\\-157.5\\-123.45\\67.8\\-157.5\\", 6, SIZE_MAX},
	{"-123.45\\67.8\\-157.5\\-123.45\\67.8\\-157.5\\\\", 0, 40},
	{"-1234567.1234567\\\\", 0, 17}, /* the short cut takes all 17 bytes */
	{"-1234567.1234567\\1\\\\", 0, 19},
	{"-123.45\\67.8\\-157.5\\-123.4x\\67.8\\-157.5\\1\\2\\3\\4", 0, 20},
	{"-123.45\\67.8\\-15 .5\\-123.4\\67.8\\-157.5\\1\\2\\3\\4", 0, 13},
	{"-123.45\\67.8\\-1.5.5\\-123.4\\67.8\\-157.5\\1\\2\\3\\4", 0, 13},
	{"1234567890123456\\1.5\\1\\2\\3\\4\\5\\6\\7\\8\\9\\10", 0, 0}, /* over the range */
	{".\\1\\2\\3\\4\\5\\6\\7\\8\\9\\10\\11\\12", 0, 0},
	{"-\\1\\2\\3\\4\\5\\6\\7\\8\\9\\10\\11\\12", 0, 0},
	{"1e2\\-1E-1\\+5\\ 6\\7 \\.5\\5.\\00001\\1.00000000001\\99999999.9\\12345678\\1", 12,
	 SIZE_MAX},
};

START_TEST(test_list)
{
	struct bytes text = guarded(lists[_i].text), left = text;
	int64_t out[16];
	size_t count = 99;
	struct fault f = {0};
	enum err e = ds_list_pm(&left, out, 16, &count, &f);

	if (lists[_i].fail_at != SIZE_MAX) {
		ck_assert_msg(e == ERR_WIRE, "\"%s\"", lists[_i].text);
		ck_assert_msg(f.at == lists[_i].fail_at, "\"%s\": at %llu", lists[_i].text,
			      (unsigned long long)f.at);
		ck_assert_uint_eq(count, 99);
		ck_assert_ptr_eq(left.at, text.at);
	} else {
		ck_assert_msg(e == OK && count == lists[_i].count, "\"%s\": %zu", lists[_i].text,
			      count);
		ck_assert_uint_eq(left.len, 0);
		for (unsigned i = 0; i < count; i++) {
			struct bytes one;
			int64_t pm = 0;

			ck_assert(text_nth(text, i, &one) && ds_to_pm(one, &pm));
			ck_assert_msg(out[i] == pm, "\"%s\", %u: %lld", lists[_i].text, i,
				      (long long)out[i]);
		}
	}
	release(text);
}
END_TEST

static unsigned next_random(unsigned *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* A number of any shape that a DS may have, mostly of those that the short cut knows. */
static size_t print_number(char *at, unsigned *state)
{
	unsigned whole = next_random(state) % 8, decimals = next_random(state) % 16, n = 0;
	unsigned shape = next_random(state) % 32;

	if (shape == 0)
		at[n++] = ' ';
	if (next_random(state) % 2 == 0)
		at[n++] = '-';
	else if (shape == 1)
		at[n++] = '+';
	if (whole + decimals == 0)
		whole = 1;
	for (unsigned i = 0; i < whole; i++)
		at[n++] = (char)('0' + next_random(state) % 10);
	if (decimals > 0 || shape % 4 == 0)
		at[n++] = '.';
	for (unsigned i = 0; i < decimals; i++)
		at[n++] = (char)('0' + next_random(state) % 10);
	if (shape == 2)
		n += (unsigned)sprintf(at + n, "e%d", (int)(next_random(state) % 8) - 6);
	if (shape == 3)
		at[n++] = ' ';
	return n;
}

/* Every list, read in blocks of every size, gives what one number at a time gives. */
START_TEST(test_list_random)
{
	unsigned state = (unsigned)_i * 7919u + 1;
	char text[2048];
	int64_t want[64], got[64];
	size_t len = 0, count = 1 + next_random(&state) % 40;

	for (size_t i = 0; i < count; i++) {
		size_t n = print_number(text + len, &state);

		ck_assert(ds_to_pm(bytes_of(text + len, n), &want[i]));
		len += n;
		if (i + 1 < count)
			text[len++] = '\\';
	}
	for (size_t cap = 1; cap <= count + 1; cap++) {
		uint8_t *copy = guard_copy(text, len);
		struct bytes left = bytes_of(copy, len);
		size_t total = 0, n = 0;

		while (left.len > 0) {
			ck_assert_int_eq(ds_list_pm(&left, got + total, cap, &n, NULL), OK);
			ck_assert_uint_ge(n, 1);
			total += n;
		}
		ck_assert_uint_eq(total, count);
		for (size_t i = 0; i < count; i++)
			ck_assert_msg(got[i] == want[i], "%.*s: number %zu is %lld, not %lld",
				      (int)len, text, i, (long long)got[i], (long long)want[i]);
		guard_free(copy, len);
	}
}
END_TEST

/* One bad byte anywhere in a list that the short cut likes: found as the long way finds it. */
START_TEST(test_list_damage)
{
	static const char good[] = "-123.45\\67.8125\\-157.5\\0.0000001\\12345.678901234\\1\\"
				   "-250.4882812\\100\\-.5\\3.25\\7\\8\\9";
	char text[sizeof(good)];
	int64_t got[32], pm;

	for (size_t at = 0; at + 1 < sizeof(good); at++) {
		size_t count = 0, start = 0;
		bool bad = false;
		struct fault f = {0};

		memcpy(text, good, sizeof(good));
		text[at] = (char)_i;
		struct bytes all = bytes_of(text, sizeof(good) - 1), left = all;
		enum err e = ds_list_pm(&left, got, 32, &count, &f);

		/* the same, one at a time */
		while (all.len > 0 && (all.at[all.len - 1] == ' ' || all.at[all.len - 1] == 0))
			all.len--;
		if (all.len > 0 && all.at[all.len - 1] == '\\')
			all.len--;
		for (size_t i = 0, k = 0; i <= all.len && !bad; i++) {
			if (i < all.len && all.at[i] != '\\')
				continue;
			bad = !ds_to_pm(bytes_slice(all, start, i - start), &pm);
			if (!bad)
				ck_assert_msg(e != OK || got[k++] == pm, "%.*s", (int)all.len,
					      text);
			if (!bad)
				start = i + 1;
		}
		ck_assert_msg((e == ERR_WIRE) == bad, "byte %02X at %zu", _i, at);
		if (bad)
			ck_assert_msg(f.at == start, "byte %02X at %zu: %llu, not %zu", _i, at,
				      (unsigned long long)f.at, start);
	}
}
END_TEST

Suite *suite_number(void)
{
	Suite *s = suite_create("number");
	TCase *c = tcase_create("number");

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, test_pm, 0, sizeof(pms) / sizeof(pms[0]));
	tcase_add_test(c, test_padding);
	tcase_add_loop_test(c, test_double, 0, sizeof(doubles) / sizeof(doubles[0]));
	tcase_add_test(c, test_double_random);
	tcase_add_loop_test(c, test_is, 0, sizeof(integers) / sizeof(integers[0]));
	tcase_add_loop_test(c, test_multi, 0, sizeof(multi) / sizeof(multi[0]));
	tcase_add_loop_test(c, test_list, 0, sizeof(lists) / sizeof(lists[0]));
	tcase_add_loop_test(c, test_list_random, 0, 60);
	tcase_add_loop_test(c, test_list_damage, 0, 256);
	suite_add_tcase(s, c);
	return s;
}
