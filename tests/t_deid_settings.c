/* cmd/deid_settings: what the configuration's words come to for de-identification. */
#include "cmd/deid_settings.h"

#include "support/conf_read.h"

Suite *suite_deid_settings(void);

static struct anon_settings settings;

static void read_settings(const char *text)
{
	ck_assert_msg(parse(bytes_str(text)) == OK, "%s: %s", text, said());
	ck_assert_int_eq(deid_settings(&settings, &conf, &arena), OK);
}

/* ---- the options of PS3.15 E.3, each by itself ---- */

static const struct {
	const char *key;
	unsigned bit;
	bool research; /* on in that profile */
} options[] = {
	{"retain_safe_private", ANON_RETAIN_SAFE_PRIVATE, true},
	{"retain_uids", ANON_RETAIN_UIDS, false},
	{"retain_device_identity", ANON_RETAIN_DEVICE, false},
	{"retain_institution_identity", ANON_RETAIN_INSTITUTION, false},
	{"retain_patient_characteristics", ANON_RETAIN_PATIENT, true},
	{"retain_full_dates", ANON_RETAIN_FULL_DATES, false},
	{"retain_modified_dates", ANON_RETAIN_MODIFIED_DATES, true},
	{"clean_descriptors", ANON_CLEAN_DESCRIPTORS, true},
	{"clean_structured_content", ANON_CLEAN_STRUCTURED, false},
	{"clean_graphics", ANON_CLEAN_GRAPHICS, false},
};

#define OPTIONS (sizeof(options) / sizeof(options[0]))

START_TEST(test_options)
{
	static const char *const words[] = {"null", "true", "false"};
	const char *profile = _i / 3 % 2 == 0 ? "basic" : "research";
	unsigned option = (unsigned)_i / 6, want = 0;
	char text[200];

	ck_assert_uint_eq(OPTIONS, ANON_OPTIONS);
	for (unsigned i = 0; i < OPTIONS; i++) {
		bool on = options[i].research && profile[0] == 'r';

		if (i == option && _i % 3 != 0)
			on = _i % 3 == 1;
		want |= on ? options[i].bit : 0;
	}
	snprintf(text, sizeof(text), "anonymization: {profile: %s, options: {%s: %s}}\n", profile,
		 options[option].key, words[_i % 3]);
	read_settings(text);
	ck_assert_msg(settings.options == want, "%s: %x", text, settings.options);
	ck_assert_int_eq(settings.profile, profile[0] == 'b' ? ANON_BASIC : ANON_RESEARCH);
}
END_TEST

/* ---- what the profile decides where the file does not ---- */

static const struct {
	const char *profile, *word;
	enum anon_risk want;
} risks[] = {
	{"netrt", "null", ANON_RISK_PASS},          {"basic", "null", ANON_RISK_QUARANTINE},
	{"research", "null", ANON_RISK_QUARANTINE}, {"netrt", "quarantine", ANON_RISK_QUARANTINE},
	{"basic", "pass", ANON_RISK_PASS},          {"research", "blank_regions", ANON_RISK_BLANK},
};

START_TEST(test_risk)
{
	char text[200];

	snprintf(text, sizeof(text), "anonymization: {profile: %s, burned_in_risk: %s}\n",
		 risks[_i].profile, risks[_i].word);
	read_settings(text);
	ck_assert_int_eq(settings.burned_in, risks[_i].want);
}
END_TEST

/* ---- NETRT's lists ---- */

static void list_is(struct anon_list list, const char *want)
{
	char text[1000] = "";

	for (size_t i = 0; i < list.count; i++) {
		ck_assert_uint_lt(strlen(text) + strlen(list.item[i]) + 2, sizeof(text));
		if (i > 0)
			strcat(text, " ");
		strcat(text, list.item[i]);
	}
	ck_assert_str_eq(text, want);
}

static const struct {
	const char *text, *remove, *blank;
} lists[] = {
	/* the lists that are given ... */
	{"rules: {remove_tags: [StudyID], blank_tags: [Modality]}", "StudyID",
	 "Modality AccessionNumber"},
	/* ... even where they are empty ... */
	{"rules: {remove_tags: [], blank_tags: []}, default_tags_to_remove: [StudyID]", "",
	 "AccessionNumber"},
	/* ... and the others where they are not */
	{"default_tags_to_remove: [StudyID], default_tags_to_blank: [Modality]", "StudyID",
	 "Modality AccessionNumber"},
	{"rules: {remove_tags: [PatientAge]}, default_tags_to_remove: [StudyID], "
	 "default_tags_to_blank: [Modality]",
	 "PatientAge", "Modality AccessionNumber"},
	{"rules: {blank_tags: [PatientAge]}, default_tags_to_remove: [StudyID], "
	 "default_tags_to_blank: [Modality]",
	 "StudyID", "PatientAge AccessionNumber"},
};

START_TEST(test_lists)
{
	char text[500];

	snprintf(text, sizeof(text), "anonymization: {%s}\n", lists[_i].text);
	read_settings(text);
	ck_assert_int_eq(settings.profile, ANON_NETRT);
	ck_assert_uint_eq(settings.options, 0);
	ck_assert(!settings.netrt.full);
	list_is(settings.netrt.remove, lists[_i].remove);
	list_is(settings.netrt.blank, lists[_i].blank);
}
END_TEST

#define STUDIES                                               \
	" RTReferencedStudySequence>ReferencedSOPInstanceUID" \
	" ReferencedStudySequence>ReferencedSOPInstanceUID"
#define FRAMES " ReferencedFrameOfReferenceUID RelatedFrameOfReferenceUID"

/* What refers to an object that gets a new UID gets it, too. */
static const struct {
	const char *list, *want;
} uids[] = {
	{"[]", ""},
	{"[SeriesInstanceUID]", "SeriesInstanceUID"},
	{"[SOPInstanceUID]", "SOPInstanceUID ReferencedSOPInstanceUID"},
	{"['0008,0018']", "0008,0018 ReferencedSOPInstanceUID"},
	{"[StudyInstanceUID]", "StudyInstanceUID" STUDIES},
	{"[FrameOfReferenceUID]", "FrameOfReferenceUID" FRAMES},
	{"[FrameOfReferenceUID, SOPInstanceUID, StudyInstanceUID]",
	 "FrameOfReferenceUID SOPInstanceUID StudyInstanceUID ReferencedSOPInstanceUID" STUDIES
		 FRAMES},
};

START_TEST(test_uids)
{
	char text[500];

	snprintf(text, sizeof(text),
		 "anonymization: {full_anonymization_enabled: true, full_anonymization_rules: "
		 "{tags_to_regenerate_uid: %s}}\n",
		 uids[_i].list);
	read_settings(text);
	list_is(settings.netrt.full_uid, uids[_i].want);
}
END_TEST

/* Each of the other keys, in its place. */
START_TEST(test_keys)
{
	read_settings("anonymization:\n"
		      "  enabled: false\n"
		      "  site_code: ZH\n"
		      "  study_description: Trial\n"
		      "  use_consistent_pid: false\n"
		      "  pid_mapping_file: /map\n"
		      "  pseudonyms: keyed\n"
		      "  key_file: /key\n"
		      "  id_prefix: X-\n"
		      "  date_shift_days: 77\n"
		      "  roi_names_file: /names\n"
		      "  safe_private_file: /safe\n"
		      "  sop_classes: [1.2.3.4]\n"
		      "  rules: {generate_random_id_prefix: RND}\n"
		      "  full_anonymization_enabled: true\n"
		      "  full_anonymization_rules:\n"
		      "    tags_to_remove: [PatientSex]\n"
		      "    tags_to_empty: [StudyID]\n"
		      "    tags_to_modify_date: [StudyDate]\n"
		      "    tags_to_modify_time: [StudyTime]\n"
		      "    patient_id_override: ID\n"
		      "    patient_name_override: NAME\n");
	ck_assert(!settings.enabled && settings.netrt.full && !settings.netrt.consistent_id);
	ck_assert_str_eq(settings.site_code, "ZH");
	ck_assert_str_eq(settings.study_description, "Trial");
	ck_assert_str_eq(settings.pid_map, "/map");
	ck_assert_int_eq(settings.pseudonyms, ANON_KEYED);
	ck_assert_str_eq(settings.key_file, "/key");
	ck_assert_str_eq(settings.id_prefix, "X-");
	ck_assert_int_eq(settings.shift_days_most, 77);
	ck_assert_str_eq(settings.roi_names_file, "/names");
	ck_assert_str_eq(settings.safe_private_file, "/safe");
	list_is(settings.sop_classes, "1.2.3.4");
	ck_assert_str_eq(settings.netrt.random_id_prefix, "RND");
	list_is(settings.netrt.full_remove, "PatientSex");
	list_is(settings.netrt.full_empty, "StudyID AccessionNumber");
	list_is(settings.netrt.full_date, "StudyDate");
	list_is(settings.netrt.full_time, "StudyTime");
	ck_assert_str_eq(settings.netrt.id_override, "ID");
	ck_assert_str_eq(settings.netrt.name_override, "NAME");
	read_settings("");
	ck_assert(settings.enabled && settings.netrt.consistent_id && !settings.netrt.full);
	ck_assert_int_eq(settings.pseudonyms, ANON_SEQUENTIAL);
	ck_assert_ptr_null(settings.study_description);
}
END_TEST

/* ---- rules of the site ---- */

START_TEST(test_rules)
{
	static const struct anon_site_rule want[] = {
		{ANON_SITE_KEEP, "StationName", NULL},  {ANON_SITE_REMOVE, "0008,103E", NULL},
		{ANON_SITE_BLANK, "Modality", NULL},    {ANON_SITE_HASH, "StudyID", NULL},
		{ANON_SITE_REPLACE, "PatientSex", "O"},
	};
	struct conf_diags problems = {.count = 0};

	read_settings("anonymization:\n"
		      "  profile: basic\n"
		      "  keep: [StationName]\n"
		      "  remove: ['0008,103E']\n"
		      "  blank: [Modality]\n"
		      "  hash: [StudyID]\n"
		      "  replace: {PatientSex: O}\n");
	ck_assert_uint_eq(settings.rule_count, 5);
	for (unsigned i = 0; i < 5; i++) {
		ck_assert_int_eq(settings.rules[i].act, want[i].act);
		ck_assert_str_eq(settings.rules[i].where, want[i].where);
		ck_assert(want[i].value == NULL ? settings.rules[i].value == NULL
						: strcmp(settings.rules[i].value, "O") == 0);
	}
	ck_assert_int_eq(deid_check(&conf, &arena, &problems), OK);
}
END_TEST

/* What is wrong with them, and where. */
static const struct {
	const char *text, *key;
	unsigned line, column;
} bad[] = {
	{"anonymization:\n  keep: [StationNmae]\n", "anonymization.keep", 2, 10},
	{"anonymization:\n  blank:\n  - Modality\n  remove:\n  - StationName\n  - 0008,0060\n",
	 "anonymization.blank", 3, 5},
	{"anonymization:\n  keep: [Modality]\n  replace:\n    Modality: CT\n",
	 "anonymization.replace", 4, 5},
	{"anonymization:\n  rules:\n    blank_tags: [Nothing]\n", "anonymization.rules.blank_tags",
	 3, 18},
	{"anonymization:\n  profile: research\n  options:\n    retain_full_dates: true\n",
	 "anonymization.options.retain_full_dates", 4, 24},
};

START_TEST(test_bad)
{
	struct conf_diags problems = {.count = 0};

	read_settings(bad[_i].text);
	ck_assert_int_eq(deid_check(&conf, &arena, &problems), ERR_UNUSABLE);
	ck_assert_uint_eq(problems.count, 1);
	ck_assert_str_eq(problems.item[0].key, bad[_i].key);
	ck_assert_uint_eq(problems.item[0].line, bad[_i].line);
	ck_assert_uint_eq(problems.item[0].column, bad[_i].column);
}
END_TEST

#define LENGTH(list) (int)(sizeof(list) / sizeof(list[0]))

Suite *suite_deid_settings(void)
{
	Suite *s = suite_create("deid_settings");
	TCase *t = tcase_create("settings");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, test_options, 0, 6 * ANON_OPTIONS);
	tcase_add_loop_test(t, test_risk, 0, LENGTH(risks));
	tcase_add_loop_test(t, test_lists, 0, LENGTH(lists));
	tcase_add_loop_test(t, test_uids, 0, LENGTH(uids));
	tcase_add_test(t, test_keys);
	tcase_add_test(t, test_rules);
	tcase_add_loop_test(t, test_bad, 0, LENGTH(bad));
	suite_add_tcase(s, t);
	return s;
}
