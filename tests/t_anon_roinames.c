/* anon/roinames: which names of ROIs stay. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "anon/roinames.h"
#include "base/file.h"
#include "support/support.h"

Suite *suite_anon_roinames(void);

static struct arena a;
static struct words w;

static void setup(void)
{
	struct fault f;

	ck_assert_int_eq(arena_open(&a, 64u << 20, NULL), OK);
	memset(&w, 0, sizeof(w));
	ck_assert_int_eq(words_add(&w, BYTES_LIT("SMITH^LUNG"), &a, &f), OK);
}

static void teardown(void)
{
	arena_close(&a);
}

static struct vocabulary *vocabulary(const char *text)
{
	struct vocabulary *v;
	struct fault f;

	ck_assert_int_eq(vocabulary_parse(&v, bytes_str(text), &a, &f), OK);
	return v;
}

START_TEST(test_vocabulary)
{
	static const char text[] = "# names\n"
				   "GTV*   # with anything\r\n"
				   "\n"
				   "  PTV?[0-9]\t\n"
				   "Lung[_ ]L";
	const struct vocabulary *v = vocabulary(text);

	ck_assert(vocabulary_has(v, BYTES_LIT("GTV")));
	ck_assert(vocabulary_has(v, BYTES_LIT("gtv_60")));
	ck_assert(vocabulary_has(v, BYTES_LIT("PTV_1")));
	ck_assert(!vocabulary_has(v, BYTES_LIT("PTV_x")));
	ck_assert(!vocabulary_has(v, BYTES_LIT("PTV_12")));
	ck_assert(vocabulary_has(v, BYTES_LIT("lung l")));
	ck_assert(!vocabulary_has(v, BYTES_LIT("names")));
	ck_assert(!vocabulary_has(v, BYTES_LIT("")));
	ck_assert(!vocabulary_has(vocabulary(""), BYTES_LIT("GTV")));
}
END_TEST

START_TEST(test_vocabulary_errors)
{
	struct vocabulary *v;
	struct fault f;
	struct buf b = BUF_INIT(1u << 20);

	buf_str(&b, "GTV\n#\n");
	for (int i = 0; i < 65; i++)
		buf_char(&b, 'x');
	ck_assert_int_eq(vocabulary_parse(&v, buf_bytes(&b), &a, &f), ERR_WIRE);
	ck_assert_uint_eq(f.at, 3);
	buf_free(&b);
	for (int i = 0; i < 20001; i++)
		buf_str(&b, "x\n");
	ck_assert_int_eq(vocabulary_parse(&v, buf_bytes(&b), &a, &f), ERR_LIMIT);
	buf_free(&b);
}
END_TEST

static const struct {
	const char *name;
	int64_t number;
	const char *becomes;
} rows[] = {
	{"GTV", 1, "GTV"},
	{"  GTV ", 2, "GTV_2"}, /* would be there twice */
	{"GTV", 3, "GTV_3"},
	{"GTV_2", 4, "GTV_2_2"},
	{"gtv", 5, "gtv"},
	{"BESTRAHLUNG", 6, "ROI_6"}, /* not of the vocabulary */
	{"GTV Smith", 7, "ROI_7"},   /* says who it is */
	{"GTVsmith", 8, "ROI_8"},
	{"Lung", 9, "ROI_9"}, /* the patient is called Lung */
	{"", 10, "ROI_10"},
	{"GTV 20200301", 11, "ROI_11"}, /* a date, a number */
	{"GTV 1/3/20", 12, "ROI_12"},
	{"GTV\\x", 16, "ROI_16"}, /* would be two values */
	{"GTV\tx", 17, "ROI_17"},
	{"x", 6, "ROI_6_2"}, /* numbers ought to be unique, and are not always */
	{"x", -5, "ROI_-5"},
	{"GTVaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 13,
	 "GTVaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
	/* with "_2" it would be longer than a name may be */
	{"GTVaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 14, "ROI_14"},
	{"GTVaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 15, "ROI_15"},
};

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

START_TEST(test_choose)
{
	struct bytes names[ROWS(rows)], out[ROWS(rows)];
	int64_t numbers[ROWS(rows)];
	const struct vocabulary *v = vocabulary("GTV*\nLung*");
	struct fault f;

	for (size_t i = 0; i < ROWS(rows); i++) {
		names[i] = bytes_str(rows[i].name);
		numbers[i] = rows[i].number;
	}
	ck_assert_int_eq(roi_names_choose(v, &w, names, numbers, ROWS(rows), out, &a, &f), OK);
	for (size_t i = 0; i < ROWS(rows); i++)
		ck_assert_msg(bytes_eq_str(out[i], rows[i].becomes), "\"%s\": \"%.*s\"",
			      rows[i].name, (int)out[i].len, (const char *)out[i].at);
	ck_assert_int_eq(roi_names_choose(v, &w, NULL, NULL, 0, NULL, &a, &f), OK);
}
END_TEST

/* As many as a structure set may hold, all alike: unique, and soon. */
START_TEST(test_alike)
{
	enum { COUNT = 10000 };
	static struct bytes names[COUNT], out[COUNT];
	static int64_t numbers[COUNT];
	struct fault f;

	for (size_t i = 0; i < COUNT; i++)
		names[i] = BYTES_LIT("nobody knows");
	ck_assert_int_eq(
		roi_names_choose(vocabulary("GTV"), &w, names, numbers, COUNT, out, &a, &f), OK);
	ck_assert(bytes_eq_str(out[0], "ROI_0"));
	ck_assert(bytes_eq_str(out[1], "ROI_0_2"));
	for (size_t i = 1; i < COUNT; i += 97)
		for (size_t j = 0; j < i; j++)
			ck_assert(!bytes_eq(out[i], out[j]));
}
END_TEST

START_TEST(test_memory)
{
	struct bytes name = BYTES_LIT("GTV"), out;
	const struct vocabulary *v = vocabulary("GTV");
	int64_t number = 1;
	bool worked = false;

	for (size_t cap = 1; cap < 4096 && !worked; cap += 16) {
		struct arena small;
		struct fault f;

		ck_assert_int_eq(arena_open(&small, cap, NULL), OK);
		enum err e = roi_names_choose(v, &w, &name, &number, 1, &out, &small, &f);
		ck_assert(e == OK || e == ERR_NOMEM);
		worked = e == OK;
		arena_close(&small);
	}
	ck_assert(worked);
}
END_TEST

/* The built-in names: TG-263's own, and none that is a person's. */
START_TEST(test_built_in)
{
	static const char *const stay[] = {
		"GTV",       "CTV",   "PTV",  "PTV_5000", "Lung_L",    "Lungs",   "SpinalCord",
		"Brainstem", "Heart", "Body", "External", "Parotid_R", "Bladder", "Rectum"};
	static const char *const go[] = {"Smith",     "Bestrahlung Meier", "PTV Miller",
					 "GTV John",  "Dr. Who",           "x",
					 "Schmidt_L", "12345678"};
	struct vocabulary *v;
	struct bytes text;
	struct fault f;

	if (file_read(&text, "config/roi_names.txt", 1u << 20, &a, &f) != OK) {
		test_skip("config/roi_names.txt is not here");
		return;
	}
	ck_assert_int_eq(vocabulary_parse(&v, text, &a, &f), OK);
	for (size_t i = 0; i < ROWS(stay); i++)
		ck_assert_msg(vocabulary_has(v, bytes_str(stay[i])), "%s", stay[i]);
	for (size_t i = 0; i < ROWS(go); i++)
		ck_assert_msg(!vocabulary_has(v, bytes_str(go[i])), "%s", go[i]);
}
END_TEST

Suite *suite_anon_roinames(void)
{
	Suite *s = suite_create("anon_roinames");
	TCase *t = tcase_create("roinames");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 300);
	tcase_add_test(t, test_vocabulary);
	tcase_add_test(t, test_vocabulary_errors);
	tcase_add_test(t, test_choose);
	tcase_add_test(t, test_alike);
	tcase_add_test(t, test_memory);
	tcase_add_test(t, test_built_in);
	suite_add_tcase(s, t);
	return s;
}
