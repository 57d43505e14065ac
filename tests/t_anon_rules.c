/* anon/rules, anon/safe: what the site and NETRT's lists say, on top of the profile or alone. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "anon/policy.h"
#include "anon/safe.h"
#include "dicom/dict.h"
#include "support/anon.h"

Suite *suite_anon_rules(void);

#define NEST TAG_RadiopharmaceuticalInformationSequence /* kept */

#define PATH_A "RequestAttributesSequence>ScheduledProcedureStepID"

#define ROI "StructureSetROISequence>"
#define ROIS ROI ROI ROI ROI ROI ROI ROI ROI
#define DEEP ROIS ROIS ROIS ROIS ROIS ROIS ROIS ROIS ROI "ROIName" /* in 65 sequences */

static const uint32_t request[] = {TAG_RequestAttributesSequence};
static const uint32_t deep[] = {TAG_RadiopharmaceuticalInformationSequence,
				TAG_RequestAttributesSequence};
static const uint32_t other[] = {TAG_RadiopharmaceuticalInformationSequence};

static const struct {
	const char *name;
	struct anon_site_rule rules[4];
	struct anon_place at;
	enum anon_act act;
	const char *value;
} site_cases[] = {
	{"keep, by keyword",
	 {{ANON_SITE_KEEP, "InstitutionName", NULL}},
	 {.tag = TAG_InstitutionName},
	 ACT_KEEP,
	 ""},
	{"by number",
	 {{ANON_SITE_KEEP, "0008,0080", NULL}},
	 {.tag = TAG_InstitutionName},
	 ACT_KEEP,
	 ""},
	{"by number in parentheses",
	 {{ANON_SITE_BLANK, "(0008,0080)", NULL}},
	 {.tag = TAG_InstitutionName},
	 ACT_EMPTY,
	 ""},
	{"at every depth",
	 {{ANON_SITE_BLANK, "InstitutionName", NULL}},
	 {.tag = TAG_InstitutionName, .path = deep, .depth = 2},
	 ACT_EMPTY,
	 ""},
	{"remove", {{ANON_SITE_REMOVE, "Modality", NULL}}, {.tag = TAG_Modality}, ACT_REMOVE, ""},
	{"replace",
	 {{ANON_SITE_REPLACE, "InstitutionName", "Site"}},
	 {.tag = TAG_InstitutionName},
	 ACT_REPLACE,
	 "Site"},
	{"hash",
	 {{ANON_SITE_HASH, "AccessionNumber", NULL}},
	 {.tag = TAG_AccessionNumber},
	 ACT_HASH,
	 ""},
	{"repeating group, before the profile",
	 {{ANON_SITE_KEEP, "60xx,3000", NULL}},
	 {.tag = 0x60103000},
	 ACT_KEEP,
	 ""},
	{"repeating group, other attributes of it",
	 {{ANON_SITE_KEEP, "60xx,3000", NULL}},
	 {.tag = 0x60104000},
	 ACT_REMOVE,
	 ""},
	{"keyword of a repeating group",
	 {{ANON_SITE_KEEP, "OverlayData", NULL}},
	 {.tag = 0x60043000},
	 ACT_KEEP,
	 ""},
	{"a whole group", {{ANON_SITE_KEEP, "50xx", NULL}}, {.tag = 0x50041234}, ACT_KEEP, ""},
	{"attribute before group",
	 {{ANON_SITE_REMOVE, "0018", NULL}, {ANON_SITE_KEEP, "0018,0050", NULL}},
	 {.tag = TAG_SliceThickness},
	 ACT_KEEP,
	 ""},
	{"group before wider group",
	 {{ANON_SITE_REMOVE, "60xx", NULL}, {ANON_SITE_KEEP, "6010", NULL}},
	 {.tag = 0x60103000},
	 ACT_KEEP,
	 ""},
	{"path",
	 {{ANON_SITE_KEEP, PATH_A, NULL}},
	 {.tag = TAG_ScheduledProcedureStepID, .path = request, .depth = 1},
	 ACT_KEEP,
	 ""},
	{"path, deeper down",
	 {{ANON_SITE_KEEP, PATH_A, NULL}},
	 {.tag = TAG_ScheduledProcedureStepID, .path = deep, .depth = 2},
	 ACT_KEEP,
	 ""},
	{"path, at another place",
	 {{ANON_SITE_KEEP, PATH_A, NULL}},
	 {.tag = TAG_ScheduledProcedureStepID, .path = other, .depth = 1},
	 ACT_REMOVE,
	 ""},
	{"path, at the top",
	 {{ANON_SITE_KEEP, PATH_A, NULL}},
	 {.tag = TAG_ScheduledProcedureStepID},
	 ACT_REMOVE,
	 ""},
	{"path before attribute, whatever the order",
	 {{ANON_SITE_REMOVE, "ScheduledProcedureStepID", NULL}, {ANON_SITE_KEEP, PATH_A, NULL}},
	 {.tag = TAG_ScheduledProcedureStepID, .path = request, .depth = 1},
	 ACT_KEEP,
	 ""},
	{"longer path before shorter",
	 {{ANON_SITE_KEEP, "RadiopharmaceuticalInformationSequence>" PATH_A, NULL},
	  {ANON_SITE_REMOVE, PATH_A, NULL}},
	 {.tag = TAG_ScheduledProcedureStepID, .path = deep, .depth = 2},
	 ACT_KEEP,
	 ""},
	{"blanks around names",
	 {{ANON_SITE_KEEP, " RequestAttributesSequence > 0040,0009 ", NULL}},
	 {.tag = TAG_ScheduledProcedureStepID, .path = request, .depth = 1},
	 ACT_KEEP,
	 ""},
	{"private attribute",
	 {{ANON_SITE_KEEP, "0009,1027", NULL}},
	 {.tag = 0x00091027},
	 ACT_KEEP,
	 ""},
	{"its creator stays with it",
	 {{ANON_SITE_KEEP, "0009,1027", NULL}},
	 {.tag = 0x00090010},
	 ACT_KEEP,
	 ""},
	{"and no other one",
	 {{ANON_SITE_KEEP, "0009,1027", NULL}},
	 {.tag = 0x00090011},
	 ACT_REMOVE,
	 ""},
	{"not with one that goes",
	 {{ANON_SITE_REMOVE, "0009,1027", NULL}},
	 {.tag = 0x00090010},
	 ACT_REMOVE,
	 ""},
	{"what de-identification says itself cannot be kept",
	 {{ANON_SITE_KEEP, "DeidentificationMethod", NULL}},
	 {.tag = TAG_DeidentificationMethod},
	 ACT_REMOVE,
	 ""},
	{"nor a group that objects do not have",
	 {{ANON_SITE_KEEP, "FFFF,1010", NULL}},
	 {.tag = 0xFFFF1010},
	 ACT_REMOVE,
	 ""},
	{"said twice, the same",
	 {{ANON_SITE_KEEP, "InstitutionName", NULL}, {ANON_SITE_KEEP, "0008,0080", NULL}},
	 {.tag = TAG_InstitutionName},
	 ACT_KEEP,
	 ""},
};

static unsigned rules_in(const struct anon_site_rule *rules)
{
	unsigned n = 0;

	while (n < 4 && rules[n].where != NULL)
		n++;
	return n;
}

START_TEST(test_site)
{
	struct anon_bench b;
	struct anon_place at = site_cases[_i].at;

	bench_open(&b, ANON_BASIC, 0, &syntax_explicit_le);
	b.settings.rules = site_cases[_i].rules;
	b.settings.rule_count = rules_in(site_cases[_i].rules);
	bench_policy(&b, NULL, 0);
	at.iod = IOD_CT;
	at.vr = dict_vr(at.tag);
	struct anon_decision d = policy_decide(b.policy, &at);
	ck_assert_msg(d.act == site_cases[_i].act, "%s: %s", site_cases[_i].name,
		      anon_act_words[d.act]);
	ck_assert(bytes_eq_str(d.value, site_cases[_i].value));
	bench_close(&b);
}
END_TEST

static const struct {
	const char *name;
	struct anon_site_rule rules[3];
	unsigned options, blamed; /* index of the rule that is told, 9: none */
} bad_cases[] = {
	{"no such keyword", {{ANON_SITE_KEEP, "InstitutionNam", NULL}}, 0, 0},
	{"keyword in another case", {{ANON_SITE_KEEP, "institutionname", NULL}}, 0, 0},
	{"empty", {{ANON_SITE_KEEP, "", NULL}}, 0, 0},
	{"seven digits", {{ANON_SITE_KEEP, "0008,008", NULL}}, 0, 0},
	{"everything", {{ANON_SITE_KEEP, "xxxx,xxxx", NULL}}, 0, 0},
	{"path without an end", {{ANON_SITE_KEEP, "RequestAttributesSequence>", NULL}}, 0, 0},
	{"path through a group", {{ANON_SITE_KEEP, "60xx>Modality", NULL}}, 0, 0},
	{"path through a text", {{ANON_SITE_KEEP, "Modality>PatientID", NULL}}, 0, 0},
	{"keep and remove",
	 {{ANON_SITE_KEEP, "Modality", NULL}, {ANON_SITE_REMOVE, "0008,0060", NULL}},
	 0,
	 1},
	{"two replacements",
	 {{ANON_SITE_REPLACE, "Modality", "CT"}, {ANON_SITE_REPLACE, "Modality", "MR"}},
	 0,
	 1},
	{"groups that overlap",
	 {{ANON_SITE_KEEP, "60xx,3000", NULL}, {ANON_SITE_REMOVE, "6x1x,3000", NULL}},
	 0,
	 1},
	{"paths that are the same",
	 {{ANON_SITE_KEEP, PATH_A, NULL}, {ANON_SITE_BLANK, "0040,0275>0040,0009", NULL}},
	 0,
	 1},
	{"a path deeper than any object", {{ANON_SITE_KEEP, DEEP, NULL}}, 0, 0},
	{"a number cannot be replaced", {{ANON_SITE_REPLACE, "Rows", "1"}}, 0, 0},
	{"a sequence cannot be hashed",
	 {{ANON_SITE_HASH, "RequestAttributesSequence", NULL}},
	 0,
	 0},
	{"a date cannot be hashed", {{ANON_SITE_HASH, "StudyDate", NULL}}, 0, 0},
	{"a group cannot be replaced", {{ANON_SITE_REPLACE, "60xx,4000", "x"}}, 0, 0},
	{"full and modified dates", {{0}}, ANON_RETAIN_FULL_DATES | ANON_RETAIN_MODIFIED_DATES, 9},
};

START_TEST(test_bad_site)
{
	struct anon_bench b;
	struct policy_problem problem;
	struct policy *p = NULL;

	bench_open(&b, ANON_BASIC, 0, &syntax_explicit_le);
	b.settings.options = bad_cases[_i].options;
	b.settings.rules = bad_cases[_i].rules;
	b.settings.rule_count = rules_in(bad_cases[_i].rules);
	enum err e = policy_make(&p, &b.settings, NULL, 0, &b.a, &problem, &b.f);
	ck_assert_msg(e == ERR_UNUSABLE, "%s", bad_cases[_i].name);
	ck_assert_ptr_nonnull(problem.reason);
	if (bad_cases[_i].blamed == 9)
		ck_assert_ptr_null(problem.where);
	else
		ck_assert_str_eq(problem.where, b.settings.rules[bad_cases[_i].blamed].where);
	bench_close(&b);
}
END_TEST

/* Through the data set: what replace and hash write. */
START_TEST(test_site_values)
{
	static const struct anon_site_rule rules[] = {
		{ANON_SITE_REPLACE, "InstitutionName", "Site \xC3\xA9"},
		{ANON_SITE_REPLACE, "ImageType", "DERIVED\\SECONDARY"},
		{ANON_SITE_HASH, "AccessionNumber", NULL},
		{ANON_SITE_HASH, "StudyID", NULL},
		{ANON_SITE_KEEP, "PatientComments", NULL},
		{ANON_SITE_KEEP, "0009,1027", NULL},
	};
	struct anon_bench b;
	char first[20] = "", second[20] = "";

	bench_open(&b, ANON_BASIC, 0, bench_syntaxes[_i]);
	bench_words(&b, "SMITH^JOHN");
	b.settings.rules = rules;
	b.settings.rule_count = sizeof(rules) / sizeof(rules[0]);
	bench_policy(&b, NULL, 0);
	build_str(&b.in, TAG_SpecificCharacterSet, VR_CS, "ISO_IR 100");
	build_str(&b.in, TAG_ImageType, VR_CS, "ORIGINAL\\PRIMARY\\AXIAL");
	bench_front(&b, ANON_CT);
	build_str(&b.in, TAG_AccessionNumber, VR_SH, "ACC12345");
	build_str(&b.in, TAG_InstitutionName, VR_LO, "Smith Memorial");
	build_str(&b.in, 0x00090010, VR_LO, "ACME");
	build_str(&b.in, 0x00091026, VR_LO, "SMITH");
	build_str(&b.in, 0x00091027, VR_LO, "kept for SMITH");
	build_str(&b.in, TAG_PatientComments, VR_LT, "SMITH said so");
	build_str(&b.in, TAG_StudyID, VR_SH, " ACC12345 "); /* padded */
	ck_assert_int_eq(bench_apply(&b), OK);
	bench_text_is(&b, TAG_InstitutionName, "Site \xE9");
	bench_text_is(&b, TAG_ImageType, "DERIVED\\SECONDARY");
	bench_text_is(&b, TAG_PatientComments, "SMITH said so");
	bench_text_is(&b, 0x00090010, "ACME");
	bench_text_is(&b, 0x00091027, "kept for SMITH");
	ck_assert(bench_absent(&b, 0x00091026));
	bytes_to_str(dset_text(&b.d, NULL, TAG_AccessionNumber), first, sizeof(first));
	bytes_to_str(dset_text(&b.d, NULL, TAG_StudyID), second, sizeof(second));
	ck_assert_uint_eq(strlen(first), 16);
	ck_assert_str_eq(first, second); /* the same value, wherever it stands */
	bench_close(&b);
}
END_TEST

/* ---- private attributes ---- */

static const char safe_text[] = "# comment\n\"ACME 1\" 0019 10\r\nBARE 0019 11\n\n";

START_TEST(test_safe_private)
{
	struct anon_bench b;
	struct anon_safe *safe;
	size_t count;

	bench_open(&b, ANON_BASIC, ANON_RETAIN_SAFE_PRIVATE, bench_syntaxes[_i]);
	ck_assert_int_eq(safe_parse(bytes_str(safe_text), &safe, &count, &b.a, &b.f), OK);
	ck_assert_uint_eq(count, 2);
	bench_policy(&b, safe, count);
	bench_words(&b, "SMITH^JOHN");
	bench_front(&b, ANON_CT);
	build_str(&b.in, 0x00190010, VR_LO, "ACME 1 ");
	build_str(&b.in, 0x00190011, VR_LO, "OTHER");
	build_str(&b.in, 0x00190012, VR_LO, "BARE");
	build_str(&b.in, 0x00191010, VR_DS, "1.5");
	build_str(&b.in, 0x00191011, VR_LO, "not listed");
	build_str(&b.in, 0x00191110, VR_LO, "another creator");
	build_str(&b.in, 0x00191211, VR_LO, "good for SMITH");
	build_str(&b.in, 0x00191310, VR_LO, "no creator");
	build_sequence(&b.in, NEST);
	build_item(&b.in);
	build_str(&b.in, 0x00191010, VR_LO, "creator is outside");
	build_item_end(&b.in);
	build_item(&b.in);
	build_str(&b.in, 0x00190020, VR_LO, "ACME 1");
	build_str(&b.in, 0x00192010, VR_DS, "2.5");
	build_item_end(&b.in);
	build_item(&b.in);
	build_str(&b.in, 0x00192010, VR_LO, "creator is in the item before");
	build_item_end(&b.in);
	build_sequence_end(&b.in);
	ck_assert_int_eq(bench_apply(&b), OK);
	bench_text_is(&b, 0x00190010, "ACME 1");
	bench_text_is(&b, 0x00191010, "1.5");
	if (b.in.syntax->explicit_vr) /* else its VR is not known, and neither is what may stay */
		bench_text_is(&b, 0x00191211, "good for");
	ck_assert(!bench_holds(&b, BYTES_LIT("SMITH")));
	ck_assert(bench_absent(&b, 0x00190011) && bench_absent(&b, 0x00191011));
	ck_assert(bench_absent(&b, 0x00191110) && bench_absent(&b, 0x00191310));
	ck_assert(!bench_holds(&b, BYTES_LIT("outside")) && !bench_holds(&b, BYTES_LIT("before")));
	ck_assert(bench_holds(&b, BYTES_LIT("2.5 ")));
	bench_close(&b);
}
END_TEST

static const struct {
	const char *text;
	unsigned line;
} bad_safe[] = {
	{"ACME 0019", 1},          {"\"ACME\" 0018 10", 1},  {"\"ACME\" 0019 1", 1},
	{"\"ACME\" 0019 10 x", 1}, {"# a\n\"\" 0019 10", 2}, {"\"ACME 0019 10", 1},
	{"\"A\" 00g9 10", 1},
};

START_TEST(test_bad_safe)
{
	struct arena a;
	struct anon_safe *safe;
	size_t count;
	struct fault f = {0};

	ck_assert_int_eq(arena_open(&a, 1u << 20, NULL), OK);
	ck_assert_int_eq(safe_parse(bytes_str(bad_safe[_i].text), &safe, &count, &a, &f), ERR_WIRE);
	ck_assert_uint_eq(f.at, bad_safe[_i].line);
	arena_close(&a);
}
END_TEST

/* ---- NETRT's lists ---- */

START_TEST(test_netrt)
{
	static const char *const removed[] = {"AccessionNumber", "0008,0080", "PatientID"};
	static const char *const blanked[] = {"ReferringPhysicianName", "AccessionNumber"};
	struct anon_bench b;

	bench_open(&b, ANON_NETRT, 0, bench_syntaxes[_i]);
	b.settings.netrt.remove = (struct anon_list){removed, 3};
	b.settings.netrt.blank = (struct anon_list){blanked, 2};
	b.settings.study_description = "Research";
	bench_policy(&b, NULL, 0);
	build_bytes(&b.in, 0x00080000, VR_UL, BYTES_LIT("1234")); /* nothing else is touched */
	bench_front(&b, ANON_CT);
	build_str(&b.in, TAG_StudyDate, VR_DA, "20200301");
	build_str(&b.in, TAG_AccessionNumber, VR_SH, "ACC1");
	build_str(&b.in, TAG_InstitutionName, VR_LO, "Hospital");
	build_str(&b.in, TAG_ReferringPhysicianName, VR_PN, "JONES");
	build_sequence(&b.in, TAG_ReferencedStudySequence);
	build_item(&b.in);
	build_str(&b.in, TAG_AccessionNumber, VR_SH, "ACC1");
	build_str(&b.in, TAG_ReferringPhysicianName, VR_PN, "JONES");
	build_str(&b.in, TAG_StudyDescription, VR_LO, "another study's"); /* not in items */
	build_item_end(&b.in);
	build_sequence_end(&b.in);
	build_str(&b.in, TAG_PatientName, VR_PN, "SMITH^JOHN");
	build_str(&b.in, TAG_PatientID, VR_LO, "MRN1");
	build_bytes(&b.in, 0x60003000, VR_OW, BYTES_LIT("ov"));
	ck_assert_int_eq(bench_apply(&b), OK);
	ck_assert(!bench_absent(&b, 0x00080000) && !bench_absent(&b, 0x60003000));
	bench_text_is(&b, TAG_SOPInstanceUID, "1.2.3.20200301.12345678.1");
	bench_text_is(&b, TAG_StudyDate, "20200301");
	bench_text_is(&b, TAG_StudyDescription, "Research");
	ck_assert(bench_holds(&b, BYTES_LIT("another study's")));
	bench_text_is(&b, TAG_PatientName, "SITE_0001");
	bench_text_is(&b, TAG_PatientID, "SITE_0001"); /* whatever the list says */
	bench_text_is(&b, TAG_ReferringPhysicianName, "");
	ck_assert(!bench_absent(&b, TAG_ReferringPhysicianName));
	ck_assert(bench_absent(&b, TAG_AccessionNumber)); /* of two lists the first counts */
	ck_assert(!bench_holds(&b, BYTES_LIT("ACC1")) && !bench_holds(&b, BYTES_LIT("JONES")));
	ck_assert(bench_absent(&b, TAG_PatientIdentityRemoved)); /* nothing is claimed */
	bench_close(&b);
}
END_TEST

/* The site's rules are on top of NETRT's lists, however wide they are. */
START_TEST(test_netrt_site)
{
	static const char *const removed[] = {"AccessionNumber", "StudyID"};
	static const struct anon_site_rule rules[] = {{ANON_SITE_KEEP, "0008", NULL}};
	struct anon_bench b;

	bench_open(&b, ANON_NETRT, 0, bench_syntaxes[_i]);
	b.settings.netrt.remove = (struct anon_list){removed, 2};
	b.settings.rules = rules;
	b.settings.rule_count = 1;
	bench_policy(&b, NULL, 0);
	bench_front(&b, ANON_CT);
	build_str(&b.in, TAG_AccessionNumber, VR_SH, "ACC1");
	build_str(&b.in, TAG_StudyID, VR_SH, "S1");
	ck_assert_int_eq(bench_apply(&b), OK);
	bench_text_is(&b, TAG_AccessionNumber, "ACC1");
	ck_assert(bench_absent(&b, TAG_StudyID));
	bench_close(&b);
}
END_TEST

START_TEST(test_netrt_full)
{
	static const char *const removed[] = {"InstitutionName"}, *const emptied[] = {"StudyID"};
	static const char *const dates[] = {"StudyDate", "FrameReferenceDateTime"};
	static const char *const times[] = {"StudyTime"}, *const uids[] = {"StudyInstanceUID"};
	static const char *const plain[] = {"Modality"};
	struct anon_bench b;

	bench_open(&b, ANON_NETRT, 0, bench_syntaxes[_i]);
	b.settings.netrt = (struct anon_netrt_rules){
		.full = true,
		.remove = {plain, 1}, /* not these, then */
		.full_remove = {removed, 1},
		.full_empty = {emptied, 1},
		.full_date = {dates, 2},
		.full_time = {times, 1},
		.full_uid = {uids, 1},
	};
	bench_policy(&b, NULL, 0);
	bench_front(&b, ANON_CT);
	build_str(&b.in, TAG_StudyDate, VR_DA, "20200315");
	build_str(&b.in, TAG_StudyTime, VR_TM, "101530");
	build_str(&b.in, TAG_Modality, VR_CS, "CT");
	build_str(&b.in, TAG_InstitutionName, VR_LO, "Hospital");
	build_str(&b.in, TAG_StudyInstanceUID, VR_UI, "1.2.3.4.5");
	build_str(&b.in, TAG_StudyID, VR_SH, "S1");
	ck_assert_int_eq(bench_apply(&b), OK);
	bench_text_is(&b, TAG_StudyDate, "20200301");
	bench_text_is(&b, TAG_StudyTime, "100000");
	bench_text_is(&b, TAG_Modality, "CT");
	bench_text_is(&b, TAG_StudyID, "");
	bench_text_is(&b, TAG_StudyInstanceUID, anon_uid(ANON_KEY, BYTES_LIT("1.2.3.4.5")).text);
	ck_assert(bench_absent(&b, TAG_InstitutionName));
	bench_close(&b);
}
END_TEST

#define LENGTH(list) (int)(sizeof(list) / sizeof(list[0]))

Suite *suite_anon_rules(void)
{
	Suite *s = suite_create("anon_rules");
	TCase *tc = tcase_create("rules");

	tcase_add_loop_test(tc, test_site, 0, LENGTH(site_cases));
	tcase_add_loop_test(tc, test_bad_site, 0, LENGTH(bad_cases));
	tcase_add_loop_test(tc, test_site_values, 0, 3);
	tcase_add_loop_test(tc, test_safe_private, 0, 3);
	tcase_add_loop_test(tc, test_bad_safe, 0, LENGTH(bad_safe));
	tcase_add_loop_test(tc, test_netrt, 0, 3);
	tcase_add_loop_test(tc, test_netrt_site, 0, 3);
	tcase_add_loop_test(tc, test_netrt_full, 0, 3);
	suite_add_tcase(s, tc);
	return s;
}
