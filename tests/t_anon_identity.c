/* anon/identity: who an object says it is of, and the words that must not come out. */
#include <check.h>
#include <string.h>

#include "anon/identity.h"
#include "support/anon.h"

Suite *suite_anon_identity(void);

#define NEST TAG_OtherPatientIDsSequence

static struct anon_bench b;
static struct anon_identity who;

static void collect(void)
{
	const struct identity_source source = {buf_bytes(&b.in.out), b.in.syntax, b.policy};

	ck_assert(!b.in.out.failed);
	ck_assert_int_eq(identity_collect(&source, &who, &b.patient.words, &b.a, &b.f), OK);
}

static bool holds(const char *text)
{
	return words_found(&b.patient.words, bytes_str(text));
}

static void nested_name(struct build *in, const char *charset, const char *name)
{
	build_sequence(in, NEST);
	build_item(in);
	if (charset != NULL)
		build_str(in, TAG_SpecificCharacterSet, VR_CS, charset);
	build_str(in, TAG_PatientName, VR_PN, name);
	build_item_end(in);
	build_sequence_end(in);
}

/* A name in an item is in the character set of the item, or of what is around it. */
static const struct {
	const char *name, *outside, *inside, *person, *word;
} charsets[] = {
	{"that around it", "ISO_IR 100", NULL, "M\xFCller", "M\xC3\xBCller"},
	{"UTF-8 in Latin 1", "ISO_IR 100", "ISO_IR 192", "M\xC3\xBCller", "M\xC3\xBCller"},
	{"Latin 1 in UTF-8", "ISO_IR 192", "ISO_IR 100", "M\xFCller", "M\xC3\xBCller"},
	{"GB18030 in nothing", NULL, "GB18030", "\xCD\xF5\xD0\xA1\xB6\xAB",
	 "\xE7\x8E\x8B\xE5\xB0\x8F\xE4\xB8\x9C"},
	{"Japanese in UTF-8", "ISO_IR 192", "\\ISO 2022 IR 87", "\x1B$B;3ED\x1B(B",
	 "\xE5\xB1\xB1\xE7\x94\xB0"},
	{"Cyrillic in Latin 1", "ISO_IR 100", "ISO_IR 144", "\xBB\xEE\xDA\xD5\xDC\xD1\xE3\xE0\xD3",
	 "\xD0\xBB\xD1\x8E\xD0\xBA\xD0\xB5\xD0\xBC\xD0\xB1\xD1\x83\xD1\x80\xD0\xB3"},
};

START_TEST(test_item_charset)
{
	unsigned i = (unsigned)_i / 3;

	bench_open(&b, ANON_BASIC, 0, bench_syntaxes[_i % 3]);
	if (charsets[i].outside != NULL)
		build_str(&b.in, TAG_SpecificCharacterSet, VR_CS, charsets[i].outside);
	nested_name(&b.in, charsets[i].inside, charsets[i].person);
	nested_name(&b.in, NULL, "plain"); /* what comes behind is as it was */
	collect();
	ck_assert_msg(holds(charsets[i].word), "%s", charsets[i].name);
	ck_assert(holds("plain"));
	bench_close(&b);
}
END_TEST

/* A sequence in UN has items with character sets, too. */
START_TEST(test_in_un)
{
	struct build items;

	bench_open(&b, ANON_BASIC, 0, &syntax_explicit_le);
	build_init(&items, &syntax_implicit_le, 4096);
	nested_name(&items, "ISO_IR 192", "M\xC3\xBCller");
	build_str(&b.in, TAG_SpecificCharacterSet, VR_CS, "ISO_IR 100");
	build_bytes(&b.in, NEST, VR_UN, bytes_slice(buf_bytes(&items.out), 8, items.out.len - 8));
	build_str(&b.in, TAG_PatientName, VR_PN, "J\xF6rg");
	collect();
	ck_assert(holds("M\xC3\xBCller"));
	ck_assert(holds("J\xC3\xB6rg"));
	ck_assert(bytes_eq_str(who.name, "J\xC3\xB6rg"));
	build_free(&items);
	bench_close(&b);
}
END_TEST

/* The top level's character set holds for all of it, wherever it stands. */
START_TEST(test_late)
{
	bench_open(&b, ANON_BASIC, 0, bench_syntaxes[_i]);
	build_str(&b.in, TAG_PatientName, VR_PN, "M\xC3\xBCller");
	nested_name(&b.in, NULL, "J\xC3\xB6rg");
	build_str(&b.in, TAG_SpecificCharacterSet, VR_CS, "ISO_IR 192");
	build_str(&b.in, TAG_PatientID, VR_LO, "\xC3\x89 1234 ");
	collect();
	ck_assert(bytes_eq_str(who.name, "M\xC3\xBCller"));
	ck_assert(bytes_eq_str(who.id, "\xC3\x89 1234"));
	ck_assert(holds("M\xC3\xBCller") && holds("J\xC3\xB6rg") && holds("1234"));
	ck_assert_uint_eq(b.patient.words.count, 4); /* none of a first, wrong reading */
	bench_close(&b);
}
END_TEST

/* Said twice: the first one that says something is who it is, and the words of both are looked for.
 */
START_TEST(test_twice)
{
	bench_open(&b, ANON_BASIC, 0, bench_syntaxes[_i]);
	build_str(&b.in, TAG_PatientID, VR_LO, "");
	build_str(&b.in, TAG_PatientID, VR_LO, "FIRST1234");
	build_str(&b.in, TAG_PatientID, VR_LO, "SECOND567");
	collect();
	ck_assert(bytes_eq_str(who.id, "FIRST1234"));
	ck_assert(holds("FIRST1234") && holds("SECOND567"));
	bench_close(&b);
}
END_TEST

/* What is collected, and what is looked for in other texts. */
static const struct {
	const char *name;
	enum anon_profile profile;
	unsigned options;
	const uint32_t path[2]; /* the last one with a value */
	enum vr vr;
	const char *value, *text;
	bool found;
} collected[] = {
	{"a patient", ANON_BASIC, 0, {0, TAG_PatientName}, VR_PN, "SMITH^J", "smith", true},
	{"an operator", ANON_BASIC, 0, {0, TAG_OperatorsName}, VR_PN, "Op^Hans", "hans", true},
	{"somebody in an item",
	 ANON_BASIC,
	 0,
	 {NEST, TAG_PatientName},
	 VR_PN,
	 "SMITH^J",
	 "smith",
	 true},
	{"a physician by a code",
	 ANON_BASIC,
	 0,
	 {TAG_PersonIdentificationCodeSequence, TAG_CodeMeaning},
	 VR_LO,
	 "Dr Meier",
	 "xMeier",
	 true},
	{"an institution",
	 ANON_BASIC,
	 0,
	 {0, TAG_InstitutionName},
	 VR_LO,
	 "Saint Mary",
	 "st saint mary",
	 true},
	{"one by a code",
	 ANON_BASIC,
	 0,
	 {TAG_InstitutionCodeSequence, TAG_CodeMeaning},
	 VR_LO,
	 "Saint Mary",
	 "saint mary",
	 true},
	{"any code",
	 ANON_BASIC,
	 0,
	 {TAG_ProcedureCodeSequence, TAG_CodeMeaning},
	 VR_LO,
	 "Saint Mary",
	 "saint mary",
	 false},
	{"half of it",
	 ANON_BASIC,
	 0,
	 {0, TAG_InstitutionName},
	 VR_LO,
	 "Saint Mary",
	 "saint",
	 false},
	{"that is kept",
	 ANON_BASIC,
	 ANON_RETAIN_INSTITUTION,
	 {0, TAG_InstitutionName},
	 VR_LO,
	 "Saint Mary",
	 "saint mary",
	 false},
	{"a street and a town",
	 ANON_BASIC,
	 0,
	 {0, TAG_InstitutionAddress},
	 VR_ST,
	 "Hill Road 5,\r\n79106 Freiburg",
	 "in freiburg",
	 true},
	{"a department",
	 ANON_BASIC,
	 0,
	 {0, TAG_InstitutionalDepartmentName},
	 VR_LO,
	 "Radiotherapy Lichtung",
	 "lichtung",
	 true},
	{"any department",
	 ANON_BASIC,
	 0,
	 {0, TAG_InstitutionalDepartmentName},
	 VR_LO,
	 "Radiology",
	 "radiology",
	 false},
	{"a station", ANON_BASIC, 0, {0, TAG_StationName}, VR_SH, "CT01-LICHT", "ct01 licht", true},
	{"a short station", ANON_BASIC, 0, {0, TAG_StationName}, VR_SH, "CT1", "ct1", false},
	{"that is kept",
	 ANON_BASIC,
	 ANON_RETAIN_DEVICE,
	 {0, TAG_StationName},
	 VR_SH,
	 "CT01-LICHT",
	 "ct01 licht",
	 false},
	{"a serial number",
	 ANON_BASIC,
	 0,
	 {0, TAG_DeviceSerialNumber},
	 VR_LO,
	 "SN-4711",
	 "sn4711",
	 true},
	{"in a longer one",
	 ANON_BASIC,
	 0,
	 {0, TAG_DeviceSerialNumber},
	 VR_LO,
	 "47110",
	 "147110",
	 false},
	{"a study", ANON_BASIC, 0, {0, TAG_StudyID}, VR_SH, "STUDY-4711", "study 4711", true},
	{"a body part as one", ANON_BASIC, 0, {0, TAG_StudyID}, VR_SH, "CHEST", "chest", false},
	{"a trial",
	 ANON_BASIC,
	 0,
	 {0, TAG_ClinicalTrialProtocolName},
	 VR_LO,
	 "LIGHTHOUSE-2",
	 "lighthouse 2",
	 true},
	{"a service that is cleaned itself",
	 ANON_BASIC,
	 ANON_CLEAN_DESCRIPTORS,
	 {0, TAG_RequestingService},
	 VR_LO,
	 "Lichtung",
	 "lichtung",
	 false},
	{"NETRT's rules clean no text",
	 ANON_NETRT,
	 0,
	 {0, TAG_InstitutionName},
	 VR_LO,
	 "Saint Mary",
	 "saint mary",
	 false},
};

START_TEST(test_collected)
{
	unsigned i = (unsigned)_i;

	bench_open(&b, collected[i].profile, collected[i].options, bench_syntaxes[_i % 3]);
	if (collected[i].path[0] != 0) {
		build_sequence(&b.in, collected[i].path[0]);
		build_item(&b.in);
	}
	build_str(&b.in, collected[i].path[1], collected[i].vr, collected[i].value);
	if (collected[i].path[0] != 0) {
		build_item_end(&b.in);
		build_sequence_end(&b.in);
	}
	collect();
	ck_assert_msg(holds(collected[i].text) == collected[i].found, "%s", collected[i].name);
	bench_close(&b);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

Suite *suite_anon_identity(void)
{
	Suite *s = suite_create("anon_identity");
	TCase *t = tcase_create("identity");

	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, test_item_charset, 0, 3 * ROWS(charsets));
	tcase_add_test(t, test_in_un);
	tcase_add_loop_test(t, test_late, 0, 3);
	tcase_add_loop_test(t, test_twice, 0, 3);
	tcase_add_loop_test(t, test_collected, 0, ROWS(collected));
	suite_add_tcase(s, t);
	return s;
}
