/*
 * anon/verify: which attributes of the source name somebody or something, and how strictly.
 */
#include <stdio.h>

#include "support/verify_fixture.h"

Suite *suite_anon_identifiers(void);

/* Every attribute whose text is looked for: of persons anywhere, of the others where it stands for
 * itself. */
static const struct {
	uint32_t tag;
	enum vr vr;
	bool weak;
} identifying[] = {
	{TAG_AccessionNumber, VR_SH, false},
	{TAG_ReferringPhysicianAddress, VR_ST, false},
	{TAG_ReferringPhysicianTelephoneNumbers, VR_SH, false},
	{TAG_PatientID, VR_LO, false},
	{TAG_IssuerOfPatientID, VR_LO, false},
	{TAG_OtherPatientIDs, VR_LO, false},
	{TAG_PatientAddress, VR_LO, false},
	{TAG_PatientTelephoneNumbers, VR_SH, false},
	{TAG_MedicalRecordLocator, VR_LO, false},
	{TAG_AdmissionID, VR_LO, false},
	{TAG_ServiceEpisodeID, VR_LO, false},
	{TAG_PlacerOrderNumberImagingServiceRequest, VR_LO, false},
	{TAG_FillerOrderNumberImagingServiceRequest, VR_LO, false},
	{TAG_PersonAddress, VR_ST, false},
	{TAG_PersonTelephoneNumbers, VR_LO, false},
	{TAG_InstitutionName, VR_LO, true},
	{TAG_InstitutionAddress, VR_ST, true},
	{TAG_StationName, VR_SH, true},
	{TAG_DeviceSerialNumber, VR_LO, true},
	{TAG_StudyID, VR_SH, true},
	{TAG_PerformedProcedureStepID, VR_SH, true},
	{TAG_RequestedProcedureID, VR_SH, true},
	{TAG_ScheduledProcedureStepID, VR_SH, true},
	{TAG_LocalNamespaceEntityID, VR_UT, true},
	{TAG_UniversalEntityID, VR_UT, true},
	{TAG_InstitutionalDepartmentName, VR_LO, true},
	{TAG_ScheduledStationName, VR_SH, true},
	{TAG_PerformedStationName, VR_SH, true},
	{TAG_PerformedLocation, VR_SH, true},
	{TAG_RequestingService, VR_LO, true}, /* cleaned by research, as a text */
	{TAG_CurrentPatientLocation, VR_LO, true},
	{TAG_TreatmentMachineName, VR_SH, true},
	{TAG_ClinicalTrialSponsorName, VR_LO, true},
	{TAG_ClinicalTrialProtocolName, VR_LO, true},
	{TAG_ClinicalTrialSiteName, VR_LO, true},
	{TAG_ClinicalTrialSubjectID, VR_LO, true},
};

/* At the top level and in an item that is in UN; in a text that is kept (research), and in one that
 * should not be there. */
START_TEST(test_identifying)
{
	static const char value[] = "Zwiesel-7531";
	static const struct {
		const char *text;
		bool inside; /* of a longer word: there a weak name may stand */
	} texts[] = {{"Zwiesel-7531", false}, {"at ZWIESEL-7531.", false}, {"xZwiesel-7531", true}};

	for (size_t i = 0; i < 4 * sizeof(texts) / sizeof(texts[0]); i++) {
		bool hidden = i % 2 == 1, research = i / 2 % 2 == 1;
		const char *text = texts[i / 4].text;
		struct work w;
		struct build items, out;

		if (research && identifying[_i].tag == TAG_RequestingService)
			continue;
		work_open(&w, research ? ANON_RESEARCH : ANON_BASIC,
			  research ? ANON_RESEARCH_OPTIONS : 0, NULL, "A^B");
		build_init(&items, hidden ? &syntax_implicit_le : &syntax_explicit_le, 4096);
		if (hidden) {
			build_sequence(&items, NEST);
			build_item(&items);
		}
		build_str(&items, identifying[_i].tag, identifying[_i].vr, value);
		if (hidden) {
			build_item_end(&items);
			build_sequence_end(&items);
			build_bytes(&w.b.in, NEST, VR_UN,
				    bytes_slice(buf_bytes(&items.out), 8, items.out.len - 8));
		} else {
			buf_add(&w.b.in.out, buf_bytes(&items.out));
		}
		build_free(&items);
		collect(&w);
		file_begin(&w, &out, &syntax_explicit_le);
		build_str(&out, TAG_SeriesDescription, VR_LO, text);
		bool inside = texts[i / 4].inside && identifying[_i].weak && research;
		enum err want = inside ? OK : ERR_UNUSABLE;
		enum err e = look(&w, &out);
		ck_assert_msg(e == want, "(%08X) in %s: %d", identifying[_i].tag, text, (int)e);
		ck_assert(e == OK || w.hit.tag == identifying[_i].tag);
		work_close(&w);
	}
}
END_TEST

/* A name of an institution that is one of a manufacturer, too: there it stands. */
START_TEST(test_weak)
{
	static const struct {
		uint32_t tag;
		const char *text;
		enum err want;
	} rows[] = {
		{TAG_Manufacturer, "Sonnenhof", OK},
		{TAG_ManufacturerModelName, "Sonnenhof 3", OK},
		{TAG_SeriesDescription, "Sonnenhof", ERR_UNUSABLE},
		{TAG_SeriesDescription, "Sonnenhofer Weg", OK},
		{TAG_ImageComments, "von SONNENHOF ", ERR_UNUSABLE},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct work w;
		struct build out;

		work_open(&w, ANON_RESEARCH, ANON_RESEARCH_OPTIONS, NULL, "A^B");
		build_sequence(&w.b.in, NEST);
		build_item(&w.b.in);
		build_str(&w.b.in, TAG_InstitutionName, VR_LO, "Sonnenhof");
		build_item_end(&w.b.in);
		build_sequence_end(&w.b.in);
		collect(&w);
		file_begin(&w, &out, &syntax_explicit_le);
		build_str(&out, rows[i].tag, VR_LO, rows[i].text);
		enum err e = look(&w, &out);
		ck_assert_msg(e == rows[i].want, "%s: %d", rows[i].text, (int)e);
		work_close(&w);
	}
}
END_TEST

/* A text of the top level, or in an item. */
static void say(struct build *out, const char *text, unsigned depth)
{
	if (depth > 0) {
		build_sequence(out, NEST);
		build_item(out);
	}
	build_str(out, TAG_SeriesDescription, VR_LO, text);
	if (depth > 0) {
		build_item_end(out);
		build_sequence_end(out);
	}
}

static void say_in_un(struct build *out, const char *text)
{
	struct build items;

	build_init(&items, &syntax_implicit_le, 4096);
	say(&items, text, 1);
	build_bytes(out, NEST, VR_UN, bytes_slice(buf_bytes(&items.out), 8, items.out.len - 8));
	build_free(&items);
}

/* What is too short to be searched for is a whole text. */
START_TEST(test_brief)
{
	static const struct {
		const char *person, *text;
		enum err want;
	} rows[] = {
		{"Kim^X", "Kim", ERR_UNUSABLE},
		{"Kim^X", "Kim ", ERR_UNUSABLE},
		{"Kim^X", "Kimono", OK},
		{"Kim^X", "at Kim", OK},
		{"Li", "Li", ERR_UNUSABLE},
		{"Van Helsing^X", "Helsing", ERR_UNUSABLE},
		{"Van Helsing^X", "Van", ERR_UNUSABLE},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (unsigned depth = 0; depth < 3; depth++) { /* 2: in an item that hides in UN */
			struct work w;
			struct build out;

			work_open(&w, ANON_BASIC, 0, NULL, rows[i].person);
			collect(&w);
			file_begin(&w, &out, &syntax_explicit_le);
			if (depth < 2)
				say(&out, rows[i].text, depth);
			else
				say_in_un(&out, rows[i].text);
			enum err e = look(&w, &out);
			ck_assert_msg(e == rows[i].want, "%s: %s, %u: %d", rows[i].person,
				      rows[i].text, depth, (int)e);
			work_close(&w);
		}
}
END_TEST

/* What a kept text says may be met again, but not the words that are taken out of it. */
START_TEST(test_kept_text)
{
	static const struct {
		const char *body_part, *text;
		enum err want;
	} rows[] = {
		{"PELVIS", "PELVIS", OK},
		{"SMITHSON", "SMITHSON", ERR_UNUSABLE},
		{"SMITHSON", "smithson, left", ERR_UNUSABLE},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct work w;
		struct build out;

		work_open(&w, ANON_BASIC, 0, NULL, "SMITHSON^JOHN");
		bench_words(&w.b, "SMITHSON^JOHN");
		build_str(&w.b.in, TAG_BodyPartExamined, VR_CS, rows[i].body_part);
		collect(&w);
		file_begin(&w, &out, &syntax_explicit_le);
		say(&out, rows[i].text, 0);
		ck_assert_msg(look(&w, &out) == rows[i].want, "%s: %s", rows[i].body_part,
			      rows[i].text);
		work_close(&w);
	}
}
END_TEST

/* An item has the character set of what is around it. */
START_TEST(test_inherited_set)
{
	struct work w;
	struct build out;

	work_open(&w, ANON_BASIC, 0, "ISO_IR 100", "A^B");
	build_sequence(&w.b.in, NEST);
	build_item(&w.b.in);
	build_str(&w.b.in, TAG_OperatorsName, VR_PN, "M\xFCllerin^J");
	build_item_end(&w.b.in);
	build_sequence_end(&w.b.in);
	collect(&w);
	file_begin(&w, &out, &syntax_explicit_le);
	say(&out, "Müllerin", 0);
	ck_assert_int_eq(look(&w, &out), ERR_UNUSABLE);
	work_close(&w);
}
END_TEST

/* More character sets than are looked for: an error. */
START_TEST(test_many_sets)
{
	struct work w;

	work_open(&w, ANON_BASIC, 0, NULL, "A^B");
	for (unsigned i = 0; i < 12; i++) {
		static const char *const terms[] = {"100", "101", "109", "110", "144", "127",
						    "126", "138", "148", "13",  "166", "192"};
		char term[16];

		snprintf(term, sizeof(term), "ISO_IR %s", terms[i]);
		build_sequence(&w.b.in, NEST);
		build_item(&w.b.in);
		build_str(&w.b.in, TAG_SpecificCharacterSet, VR_CS, term);
		build_item_end(&w.b.in);
		build_sequence_end(&w.b.in);
	}
	ck_assert_int_eq(try_collect(&w), ERR_LIMIT);
	work_close(&w);
}
END_TEST

#define LENGTH(list) (int)(sizeof(list) / sizeof(list[0]))

Suite *suite_anon_identifiers(void)
{
	Suite *s = suite_create("anon_identifiers");
	TCase *tc = tcase_create("identifiers");

	tcase_add_loop_test(tc, test_identifying, 0, LENGTH(identifying));
	tcase_add_test(tc, test_weak);
	tcase_add_test(tc, test_brief);
	tcase_add_test(tc, test_kept_text);
	tcase_add_test(tc, test_inherited_set);
	tcase_add_test(tc, test_many_sets);
	suite_add_tcase(s, tc);
	return s;
}
