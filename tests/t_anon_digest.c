/* A policy as a whole: which objects pass, what it says of itself, its digest, its list. */
#include <check.h>
#include <string.h>

#include "anon/policy.h"
#include "support/anon.h"

Suite *suite_anon_digest(void);

#define PATH_A "RequestAttributesSequence>ScheduledProcedureStepID"

START_TEST(test_passes)
{
	static const char *const more[] = {"1.2.840.10008.5.1.4.1.1.104.1"};
	static const struct {
		const char *uid;
		bool passes;
	} cases[] = {
		{ANON_CT, true},
		{ANON_CT " ", true},
		{ANON_RTSTRUCT, true},
		{ANON_PET, true},
		{"1.2.840.10008.5.1.4.1.1.66.4", true},
		{"1.2.840.10008.5.1.4.1.1.104.1", false}, /* PDF */
		{"1.2.840.10008.5.1.4.1.1.88.33", false}, /* SR */
		{"1.2.840.10008.5.1.4.1.1.11.1", false},  /* presentation state */
		{"1.2.840.10008.5.1.4.1.1.7", false},     /* secondary capture */
		{"1.2.3.4", false},
		{"", false},
	};
	struct anon_bench b;

	bench_open(&b, ANON_BASIC, 0, &syntax_explicit_le);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(policy_passes(b.policy, bytes_str(cases[i].uid)) == cases[i].passes,
			      "%s", cases[i].uid);
	b.settings.sop_classes = (struct anon_list){more, 1};
	ck_assert(policy_passes(b.policy, bytes_str(more[0])));
	b.settings.profile = ANON_NETRT;
	ck_assert(policy_passes(b.policy, BYTES_LIT("1.2.3.4")));
	bench_close(&b);
}
END_TEST

START_TEST(test_codes)
{
	struct anon_bench b;
	const char *const *codes;

	bench_open(&b, ANON_RESEARCH, ANON_RESEARCH_OPTIONS, &syntax_explicit_le);
	codes = policy_codes(b.policy);
	static const char *const want[] = {"113100", "113111", "113108", "113107", "113105", NULL};
	for (unsigned i = 0; i < 6; i++)
		ck_assert(want[i] == NULL ? codes[i] == NULL : strcmp(codes[i], want[i]) == 0);
	ck_assert_str_eq(policy_dates_word(b.policy), "MODIFIED");
	bench_close(&b);
	bench_open(&b, ANON_BASIC, ANON_RETAIN_FULL_DATES, &syntax_explicit_le);
	ck_assert_str_eq(policy_codes(b.policy)[1], "113106");
	ck_assert_str_eq(policy_dates_word(b.policy), "UNMODIFIED");
	bench_close(&b);
	bench_open(&b, ANON_NETRT, 0, &syntax_explicit_le);
	ck_assert(policy_codes(b.policy)[0] == NULL && policy_dates_word(b.policy) == NULL);
	bench_close(&b);
}
END_TEST

/* (0028,0303) is true where the site makes exceptions, too (R14). */
static const struct {
	const char *name;
	unsigned options;
	struct anon_site_rule rule;
	const char *word;
} date_words[] = {
	{"no date", 0, {ANON_SITE_KEEP, "Modality", NULL}, "REMOVED"},
	{"one stays", 0, {ANON_SITE_KEEP, "StudyDate", NULL}, "MODIFIED"},
	{"in a sequence",
	 0,
	 {ANON_SITE_KEEP, "ReferencedStudySequence>StudyDate", NULL},
	 "MODIFIED"},
	{"a time stays", 0, {ANON_SITE_KEEP, "0008,0030", NULL}, "MODIFIED"},
	{"a new one", 0, {ANON_SITE_REPLACE, "StudyDate", "20000101"}, "MODIFIED"},
	{"a group of them stays", 0, {ANON_SITE_KEEP, "0008", NULL}, "MODIFIED"},
	{"a group without", 0, {ANON_SITE_KEEP, "6010", NULL}, "REMOVED"},
	{"one that goes anyway", 0, {ANON_SITE_REMOVE, "StudyDate", NULL}, "REMOVED"},
	{"all but one stay",
	 ANON_RETAIN_FULL_DATES,
	 {ANON_SITE_REMOVE, "StudyDate", NULL},
	 "MODIFIED"},
	{"all but a group", ANON_RETAIN_FULL_DATES, {ANON_SITE_REMOVE, "0008", NULL}, "MODIFIED"},
	{"a birth date, which never stays",
	 ANON_RETAIN_FULL_DATES,
	 {ANON_SITE_REMOVE, "PatientBirthDate", NULL},
	 "UNMODIFIED"},
	{"a text",
	 ANON_RETAIN_FULL_DATES,
	 {ANON_SITE_REMOVE, "StudyDescription", NULL},
	 "UNMODIFIED"},
	{"one stays, others move",
	 ANON_RETAIN_MODIFIED_DATES,
	 {ANON_SITE_KEEP, "StudyDate", NULL},
	 "MODIFIED"},
};

START_TEST(test_dates_word)
{
	struct anon_bench b;

	bench_open(&b, ANON_BASIC, date_words[_i].options, &syntax_explicit_le);
	b.settings.rules = &date_words[_i].rule;
	b.settings.rule_count = 1;
	bench_policy(&b, NULL, 0);
	ck_assert_msg(strcmp(policy_dates_word(b.policy), date_words[_i].word) == 0, "%s: %s",
		      date_words[_i].name, policy_dates_word(b.policy));
	bench_front(&b, ANON_CT);
	ck_assert_int_eq(bench_apply(&b), OK);
	bench_text_is(&b, TAG_LongitudinalTemporalInformationModified, date_words[_i].word);
	bench_close(&b);
}
END_TEST

/* One change at a time: every one of them has a digest of its own. */
static void change_settings(struct anon_settings *s, unsigned change)
{
	static const struct anon_site_rule keep[] = {{ANON_SITE_KEEP, "Modality", NULL}},
					   value[] = {{ANON_SITE_REPLACE, "Modality", "CT"}},
					   value2[] = {{ANON_SITE_REPLACE, "Modality", "MR"}};
	static const char *const list[] = {"1.2.3.4"};
	static const struct pixel_region region = {.width = 3}, region2 = {.width = 4};

	switch (change) {
	case 0:
		break;
	case 1:
		s->profile = ANON_RESEARCH;
		break;
	case 2:
		s->options = ANON_RETAIN_UIDS;
		break;
	case 3:
		s->pseudonyms = ANON_KEYED;
		break;
	case 4:
		s->study_description = "";
		break;
	case 5:
		s->study_description = "x";
		break;
	case 6:
		s->site_code = "B";
		break;
	case 7:
		s->id_prefix = "P";
		break;
	case 8:
		s->shift_days_most = 9;
		break;
	case 9:
		s->burned_in = ANON_RISK_BLANK;
		break;
	case 10:
		s->rules = keep;
		s->rule_count = 1;
		break;
	case 11:
		s->rules = value;
		s->rule_count = 1;
		break;
	case 12:
		s->rules = value2;
		s->rule_count = 1;
		break;
	case 13:
		s->sop_classes = (struct anon_list){list, 1};
		break;
	case 14:
		s->regions = &region;
		s->region_count = 1;
		break;
	case 15:
		s->regions = &region2;
		s->region_count = 1;
		break;
	case 16:
		s->profile = ANON_NETRT;
		break;
	case 17:
		s->profile = ANON_NETRT;
		s->netrt.full = true;
		break;
	case 18:
		s->netrt.consistent_id = true;
		break;
	case 19:
		s->netrt.random_id_prefix = "R";
		break;
	case 20:
		s->profile = ANON_NETRT;
		s->netrt.full = true;
		s->netrt.id_override = "I";
		break;
	case 21:
		s->profile = ANON_NETRT;
		s->netrt.full = true;
		s->netrt.name_override = "I";
		break;
	default:
		s->options = ANON_RETAIN_SAFE_PRIVATE;
	}
}

#define CHANGES 24u

START_TEST(test_digest)
{
	static char digests[CHANGES][65];
	const struct anon_safe safe = {BYTES_LIT("ACME"), 0x0019, 0x10};

	for (unsigned i = 0; i < CHANGES; i++) {
		struct anon_bench b;
		char again[65];

		bench_open(&b, ANON_BASIC, 0, &syntax_explicit_le);
		b.settings.site_code = "A";
		change_settings(&b.settings, i);
		bench_policy(&b, &safe, i == CHANGES - 1 ? 1 : 0);
		policy_digest(b.policy, digests[i]);
		bench_policy(&b, &safe, i == CHANGES - 1 ? 1 : 0);
		policy_digest(b.policy, again);
		ck_assert_str_eq(digests[i], again);
		ck_assert_uint_eq(strlen(again), 64);
		for (unsigned k = 0; k < i; k++)
			ck_assert_msg(strcmp(digests[k], digests[i]) != 0, "%u like %u", i, k);
		bench_close(&b);
	}
}
END_TEST

static bool has_line(const struct buf *text, const char *line)
{
	return memmem(text->at, text->len, line, strlen(line)) != NULL;
}

START_TEST(test_print)
{
	static const struct anon_site_rule rules[] = {{ANON_SITE_KEEP, "60xx,3000", NULL},
						      {ANON_SITE_KEEP, PATH_A, NULL},
						      {ANON_SITE_BLANK, "Modality", NULL}};
	struct anon_bench b;
	struct buf out = BUF_INIT(4u << 20);

	bench_open(&b, ANON_RESEARCH, ANON_RESEARCH_OPTIONS, &syntax_explicit_le);
	b.settings.rules = rules;
	b.settings.rule_count = 3;
	bench_policy(&b, NULL, 0);
	policy_print(b.policy, IOD_CT, &out);
	ck_assert(!out.failed);
	ck_assert(has_line(&out, PATH_A "\tkeep\tsite\n"));
	ck_assert(has_line(&out, "\n0008,0060\tModality\tempty\tsite\n"));
	ck_assert(has_line(&out, "\n0010,0010\tPatientName\tpatient-name\ttable E.1-1\n"));
	ck_assert(has_line(&out, "\n0008,0020\tStudyDate\tshift\toption\n"));
	ck_assert(has_line(&out, "\n0028,0010\tRows\tkeep\tprofile\n"));
	ck_assert(has_line(&out, "60xx,3000\tOverlayData\tkeep\tsite\n"));
	buf_free(&out);
	bench_close(&b);
}
END_TEST

/* ---- what may not pass ---- */

START_TEST(test_refused)
{
	static const struct {
		const char *sop_class, *instance;
		enum err want;
	} cases[] = {{"1.2.840.10008.5.1.4.1.1.104.1", "1.2.3", ERR_UNSUPPORTED},
		     {"1.2.840.10008.5.1.4.1.1.88.33", "1.2.3", ERR_UNSUPPORTED},
		     {"", "1.2.3", ERR_UNUSABLE},
		     {ANON_CT, "", ERR_UNUSABLE},
		     {ANON_CT, "1.2.x", ERR_UNUSABLE}};
	struct anon_bench b;

	bench_open(&b, ANON_BASIC, 0, &syntax_explicit_le);
	build_str(&b.in, TAG_SOPClassUID, VR_UI, cases[_i].sop_class);
	build_str(&b.in, TAG_SOPInstanceUID, VR_UI, cases[_i].instance);
	ck_assert_int_eq(bench_apply(&b), cases[_i].want);
	ck_assert_ptr_nonnull(b.f.text);
	bench_close(&b);
}
END_TEST

Suite *suite_anon_digest(void)
{
	Suite *s = suite_create("anon_digest");
	TCase *tc = tcase_create("digest");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_passes);
	tcase_add_loop_test(tc, test_refused, 0, 5);
	tcase_add_test(tc, test_codes);
	tcase_add_loop_test(tc, test_dates_word, 0,
			    (int)(sizeof(date_words) / sizeof(date_words[0])));
	tcase_add_test(tc, test_digest);
	tcase_add_test(tc, test_print);
	suite_add_tcase(s, tc);
	return s;
}
