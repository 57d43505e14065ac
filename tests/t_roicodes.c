/*
 * Names of ROIs to codes: which row a name finds, what contradicts it, and tables that are none.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "series/roicodes.h"
#include "support/support.h"

Suite *suite_roicodes(void);

static struct arena arena;
static struct roi_codes builtin;

static void setup(void)
{
	ck_assert_int_eq(arena_open(&arena, 8u << 20, NULL), OK);
	ck_assert_int_eq(roi_codes_builtin(&builtin, &arena, NULL), OK);
}

static void teardown(void)
{
	arena_close(&arena);
}

/* ---- the built-in table ---- */

static const struct {
	const char *name, *type;
	const char *category, *code;
	enum roi_side side;
	bool by_name;
} rows[] = {
	{"Heart", "", "123037004", "80891009", ROI_SIDE_NONE, true},
	{"heart", "ORGAN", "123037004", "80891009", ROI_SIDE_NONE, true},
	{"SpinalCord", "ORGAN", "123037004", "2748008", ROI_SIDE_NONE, true},
	{"spinal cord", "ORGAN", "123037004", "2748008", ROI_SIDE_NONE, true},
	{" Spinal_Cord ", "ORGAN", "123037004", "2748008", ROI_SIDE_NONE, true},
	{"Lung_L", "ORGAN", "123037004", "39607008", ROI_SIDE_LEFT, true},
	{"Lung_R", "ORGAN", "123037004", "39607008", ROI_SIDE_RIGHT, true},
	{"Left Lung", "", "123037004", "39607008", ROI_SIDE_LEFT, true},
	{"lung lt", "", "123037004", "39607008", ROI_SIDE_LEFT, true},
	{"R-Kidney", "", "123037004", "64033007", ROI_SIDE_RIGHT, true},
	{"Femur_Head_R", "", "123037004", "2812003", ROI_SIDE_RIGHT, true},
	{"Lungs", "", "123037004", "39607008", ROI_SIDE_NONE, true},
	/* the whole name before its side */
	{"Ventricle_L", "", "123037004", "87878005", ROI_SIDE_NONE, true},
	{"Atrium_R", "", "123037004", "73829009", ROI_SIDE_NONE, true},
	/* stars, the first one in the table */
	{"GTV", "GTV", "130041", "228791009", ROI_SIDE_NONE, true},
	{"GTVp1", "GTV", "130041", "130052", ROI_SIDE_NONE, true},
	{"GTVn_L", "GTV", "130041", "130051", ROI_SIDE_LEFT, true},
	{"PTV_60", "PTV", "130041", "228793007", ROI_SIDE_NONE, true},
	{"ptv 5000", "", "130041", "228793007", ROI_SIDE_NONE, true},
	{"SpinalCord_PRV05", "ORGAN", "130042", "130057", ROI_SIDE_NONE, true},
	{"PRV_Lens_L", "", "130042", "130057", ROI_SIDE_LEFT, true},
	{"LN_Neck_IL", "", "123037004", "59441001", ROI_SIDE_NONE, true},
	/* what the type contradicts */
	{"Liver", "PTV", "130041", "228793007", ROI_SIDE_NONE, false},
	{"Lung_L", "AVOIDANCE", "130042", "130058", ROI_SIDE_NONE, false},
	{"GTVp", "CTV", "130041", "130052", ROI_SIDE_NONE, true}, /* both are targets */
	{"Body", "EXTERNAL", "130047", "130067", ROI_SIDE_NONE, true},
	{"Skin", "EXTERNAL", "130047", "130067", ROI_SIDE_NONE, false},
	/* the type alone */
	{"Thing", "ORGAN", "123037004", "113343008", ROI_SIDE_NONE, false},
	{"Thing_L", "ORGAN", "123037004", "113343008", ROI_SIDE_NONE, false},
	{"Thing", "BOLUS", "260787004", "228736002", ROI_SIDE_NONE, false},
	{"Thing", " MARKER ", "260787004", "262301009", ROI_SIDE_NONE, false},
	{"Thing", "SOMETHING_ELSE", "130046", "130048", ROI_SIDE_NONE, false},
	/* a type that nobody knows contradicts nothing */
	{"Heart", "SOMETHING_ELSE", "123037004", "80891009", ROI_SIDE_NONE, true},
	{"", "", "130046", "130048", ROI_SIDE_NONE, false},
	{"_-_", "", "130046", "130048", ROI_SIDE_NONE, false},
	{"L", "", "130046", "130048", ROI_SIDE_NONE, false},
	{"Left Right", "", "130046", "130048", ROI_SIDE_NONE, false},
	{"\xC3\x9C"
	 "brig",
	 "", "130046", "130048", ROI_SIDE_NONE, false},
};

static void expect(struct roi_coded c, const char *category, const char *code, const char *name)
{
	ck_assert_msg(bytes_eq_str(c.category.value, category), "\"%s\": category %.*s, not %s",
		      name, (int)c.category.value.len, (const char *)c.category.value.at, category);
	ck_assert_msg(bytes_eq_str(c.type.value, code), "\"%s\": type %.*s, not %s", name,
		      (int)c.type.value.len, (const char *)c.type.value.at, code);
	ck_assert_uint_gt(c.category.meaning.len, 0);
	ck_assert_uint_gt(c.type.meaning.len, 0);
	ck_assert_uint_gt(c.type.scheme.len, 0);
}

START_TEST(test_rows)
{
	struct roi_coded c =
		roi_codes_find(NULL, &builtin, bytes_str(rows[_i].name), bytes_str(rows[_i].type));

	expect(c, rows[_i].category, rows[_i].code, rows[_i].name);
	ck_assert_msg(c.side == rows[_i].side, "\"%s\": side %d", rows[_i].name, c.side);
	ck_assert_msg(c.by_name == rows[_i].by_name, "\"%s\"", rows[_i].name);
}
END_TEST

/* Each name of the table finds its own row. */
START_TEST(test_all_names)
{
	size_t named = 0;

	for (size_t i = 0; i < builtin.count; i++) {
		const struct roi_codes_row *row = &builtin.rows[i];

		if (row->of_type || row->any_before || row->any_after)
			continue;
		struct roi_coded c = roi_codes_find(NULL, &builtin, row->key, BYTES_NONE);
		ck_assert_msg(bytes_eq(c.type.value, row->type.value) && c.by_name, "%.*s",
			      (int)row->key.len, (const char *)row->key.at);
		named++;
	}
	ck_assert_uint_gt(named, 200);
}
END_TEST

START_TEST(test_side_codes)
{
	ck_assert(bytes_eq_str(roi_side_code(ROI_SIDE_LEFT).value, "7771000"));
	ck_assert(bytes_eq_str(roi_side_code(ROI_SIDE_RIGHT).value, "24028007"));
	ck_assert(bytes_eq_str(roi_side_code(ROI_SIDE_RIGHT).meaning, "Right"));
}
END_TEST

/* A name as long as names get, and longer. */
START_TEST(test_long_names)
{
	char name[600];

	for (size_t len = 100; len < sizeof(name); len += 7) {
		memset(name, 'x', len);
		memcpy(name, "PTV", 3);
		name[len] = '\0';
		expect(roi_codes_find(NULL, &builtin, bytes_str(name), BYTES_NONE), "130041",
		       "228793007", name);
		memcpy(name, "QTV", 3);
		expect(roi_codes_find(NULL, &builtin, bytes_str(name), BYTES_NONE), "130046",
		       "130048", name);
	}
}
END_TEST

/* ---- a site's own ---- */

START_TEST(test_site)
{
	static const char text[] =
		"\xEF\xBB\xBF# with a mark of UTF-8, and the line ends of another system\r\n"
		"name\tcategory\tscheme\tcode\tmeaning\r\n"
		"\r\n"
		"Lung_L\tabnormal\t99SITE\t L1 \tOur lung\r\n"
		"Herz\tanatomy\tSCT\t80891009\tHeart\r\n"
		"*rest*\ttissue\t99SITE\tR\tRest\r\n"
		"[CAVITY]\tspatial\t99SITE\tC\tCavity\r\n"
		"[]\tobject\t99SITE\tN\tNothing known";
	struct roi_codes site;
	unsigned line;
	struct fault f = {0};
	struct bytes of = bytes_of(text, sizeof(text) - 1);

	ck_assert_msg(roi_codes_parse(&site, of, &arena, &line, &f) == OK, "%u: %s", line, f.text);
	ck_assert_uint_eq(site.count, 5);
	expect(roi_codes_find(&site, &builtin, BYTES_LIT("Lung_L"), BYTES_NONE), "49755003", "L1",
	       "Lung_L");
	expect(roi_codes_find(&site, &builtin, BYTES_LIT("Lung_R"), BYTES_NONE), "123037004",
	       "39607008", "Lung_R");
	expect(roi_codes_find(&site, &builtin, BYTES_LIT("HERZ"), BYTES_LIT("ORGAN")), "123037004",
	       "80891009", "HERZ");
	expect(roi_codes_find(&site, &builtin, BYTES_LIT("The Rest, too"), BYTES_NONE), "85756007",
	       "R", "rest");
	expect(roi_codes_find(&site, &builtin, BYTES_LIT("x"), BYTES_LIT("CAVITY")), "309825002",
	       "C", "cavity");
	expect(roi_codes_find(&site, &builtin, BYTES_LIT("x"), BYTES_LIT("ORGAN")), "123037004",
	       "113343008", "organ");
	expect(roi_codes_find(&site, &builtin, BYTES_LIT("x"), BYTES_NONE), "260787004", "N",
	       "nothing");
}
END_TEST

#define SIXTEEN "1234567890123456"
#define SIXTY_FOUR SIXTEEN SIXTEEN SIXTEEN SIXTEEN

static const struct {
	const char *text;
	enum err want;
	unsigned line;
	const char *said;
} tables[] = {
	{"", OK, 0, NULL},
	{"\n\n# nothing\n", OK, 3, NULL},
	{"a\tanatomy\tSCT\t1\tA\n", OK, 1, NULL},
	{"a\tanatomy\t" SIXTEEN "\t" SIXTEEN "\t" SIXTY_FOUR "\n", OK, 1, NULL},
	{"a\tanatomy\t" SIXTEEN "7\t1\tA\n", ERR_WIRE, 1,
	 "a scheme or a code is longer than 16 bytes, or a meaning than 64"},
	{"a\tanatomy\tSCT\t" SIXTEEN "7\tA\n", ERR_WIRE, 1,
	 "a scheme or a code is longer than 16 bytes, or a meaning than 64"},
	{"a\tanatomy\tSCT\t1\t" SIXTY_FOUR "5\n", ERR_WIRE, 1,
	 "a scheme or a code is longer than 16 bytes, or a meaning than 64"},
	{"\na\tanatomy\tSCT\t1", ERR_WIRE, 2,
	 "fewer than five columns, which are set apart by tabs"},
	{"a anatomy SCT 1 A\n", ERR_WIRE, 1,
	 "fewer than five columns, which are set apart by tabs"},
	{"a\tanatomy\tSCT\t1\tA\tB\n", ERR_WIRE, 1, "more than five columns"},
	{"a\torgan\tSCT\t1\tA\n", ERR_WIRE, 1, "there is no such category"},
	{"\tanatomy\tSCT\t1\tA\n", ERR_WIRE, 1, "the first column has no letter or digit"},
	{"*\tanatomy\tSCT\t1\tA\n", ERR_WIRE, 1, "the first column has no letter or digit"},
	{"**\tanatomy\tSCT\t1\tA\n", ERR_WIRE, 1, "the first column has no letter or digit"},
	{SIXTY_FOUR SIXTY_FOUR "\tanatomy\tSCT\t1\tA\n", OK, 1, NULL},
	{SIXTY_FOUR SIXTY_FOUR "x\tanatomy\tSCT\t1\tA\n", ERR_WIRE, 1, "the name is too long"},
	{"a\tanatomy\t\t1\tA\n", ERR_WIRE, 1, "a code needs its scheme, its value and its meaning"},
	{"a\tanatomy\tSCT\t \tA\n", ERR_WIRE, 1,
	 "a code needs its scheme, its value and its meaning"},
	{"a\tanatomy\tSCT\t1\tA\\B\n", ERR_WIRE, 1,
	 "a code has a backslash or a control character"},
	{"a\tanatomy\tSCT\t1\tA\x1B\n", ERR_WIRE, 1,
	 "a code has a backslash or a control character"},
};

START_TEST(test_tables)
{
	struct roi_codes t = {.count = 77};
	unsigned line = 99;
	struct fault f = {0};
	size_t len = strlen(tables[_i].text);
	uint8_t *copy = guard_copy(tables[_i].text, len);

	ck_assert_int_eq(roi_codes_parse(&t, bytes_of(copy, len), &arena, &line, &f),
			 tables[_i].want);
	ck_assert_uint_eq(line, tables[_i].line);
	if (tables[_i].said != NULL) {
		ck_assert_str_eq(f.text, tables[_i].said);
		ck_assert_uint_eq(t.count, 77);
	}
	guard_free(copy, len);
}
END_TEST

START_TEST(test_limits)
{
	static const char row[] = "a\tanatomy\tS\t1\tA\n";
	struct roi_codes t;
	unsigned line;
	char *text = malloc((ROI_CODES_ROWS + 1) * (sizeof(row) - 1));

	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i <= ROI_CODES_ROWS; i++)
		memcpy(text + i * (sizeof(row) - 1), row, sizeof(row) - 1);
	size_t len = ROI_CODES_ROWS * (sizeof(row) - 1);
	ck_assert_int_eq(roi_codes_parse(&t, bytes_of(text, len), &arena, &line, NULL), OK);
	ck_assert_uint_eq(t.count, ROI_CODES_ROWS);
	ck_assert_int_eq(
		roi_codes_parse(&t, bytes_of(text, len + sizeof(row) - 1), &arena, &line, NULL),
		ERR_LIMIT);
	free(text);

	char *blank = calloc(1, ROI_CODES_FILE + 1);
	ck_assert_ptr_nonnull(blank);
	memset(blank, '\n', ROI_CODES_FILE + 1);
	ck_assert_int_eq(roi_codes_parse(&t, bytes_of(blank, ROI_CODES_FILE), &arena, &line, NULL),
			 OK);
	ck_assert_int_eq(
		roi_codes_parse(&t, bytes_of(blank, ROI_CODES_FILE + 1), &arena, &line, NULL),
		ERR_LIMIT);
	free(blank);
}
END_TEST

START_TEST(test_arena)
{
	struct roi_codes t;
	struct arena small;
	unsigned enough = 0;

	for (size_t cap = 64; cap < (96u << 10); cap += 4001) {
		ck_assert_int_eq(arena_open(&small, cap, NULL), OK);
		enum err e = roi_codes_builtin(&t, &small, NULL);
		ck_assert(e == OK || e == ERR_NOMEM);
		enough += e == OK;
		arena_close(&small);
	}
	ck_assert_uint_gt(enough, 0);
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

Suite *suite_roicodes(void)
{
	Suite *s = suite_create("roicodes");
	TCase *tc = tcase_create("roicodes");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_rows, 0, COUNT(rows));
	tcase_add_test(tc, test_all_names);
	tcase_add_test(tc, test_side_codes);
	tcase_add_test(tc, test_long_names);
	tcase_add_test(tc, test_site);
	tcase_add_loop_test(tc, test_tables, 0, COUNT(tables));
	tcase_add_test(tc, test_limits);
	tcase_add_test(tc, test_arena);
	suite_add_tcase(s, tc);
	return s;
}
