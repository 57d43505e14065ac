/* anon/apply on small data sets that are built here. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "anon/apply.h"
#include "dicom/build.h"
#include "dicom/dset.h"
#include "support/support.h"

Suite *suite_anon_apply(void);

#define CT "1.2.840.10008.5.1.4.1.1.2"
#define KEY BYTES_LIT("0123456789abcdef0123456789abcdef")

struct bench {
	struct arena a;
	struct policy *policy;
	struct anon_settings settings;
	struct anon_patient patient;
	struct build in;
	struct anon_object out;
	struct dset d; /* of the result */
	struct fault f;
};

static void bench_open(struct bench *b, enum anon_profile profile, unsigned options,
		       const struct syntax *syntax)
{
	struct policy_problem problem;

	memset(b, 0, sizeof(*b));
	ck_assert_int_eq(arena_open(&b->a, 64u << 20, &b->f), OK);
	b->settings.profile = profile;
	b->settings.options = options;
	ck_assert_int_eq(policy_make(&b->policy, &b->settings, NULL, 0, &b->a, &problem, &b->f),
			 OK);
	b->patient = (struct anon_patient){
		.id = "SITE_0001", .name = "SITE_0001", .shift_days = -10, .key = KEY};
	build_init(&b->in, syntax, 1u << 20);
}

static void bench_close(struct bench *b)
{
	anon_object_close(&b->out);
	build_free(&b->in);
	arena_close(&b->a);
}

static void add_words(struct bench *b, const char *text)
{
	ck_assert_int_eq(words_add(&b->patient.words, bytes_str(text), &b->a, &b->f), OK);
}

static enum err apply(struct bench *b)
{
	const struct anon_source source = {
		.data = buf_bytes(&b->in.out), .syntax = b->in.syntax, .patient = &b->patient};
	enum err e;

	ck_assert(!b->in.out.failed);
	e = anon_apply(b->policy, &source, &b->out, &b->f);
	if (e == OK)
		e = dset_index(&b->d, buf_bytes(&b->out.head), b->in.syntax, 0, &b->a, &b->f);
	return e;
}

static void front(struct bench *b)
{
	build_str(&b->in, TAG_SOPClassUID, VR_UI, CT);
	build_str(&b->in, TAG_SOPInstanceUID, VR_UI, "1.2.3.20200301.12345678.1");
}

static void text_is(const struct bench *b, uint32_t tag, const char *want)
{
	char got[256];

	bytes_to_str(dset_text(&b->d, NULL, tag), got, sizeof(got));
	ck_assert_str_eq(got, want);
}

static bool absent(const struct bench *b, uint32_t tag)
{
	return dset_find(&b->d, NULL, tag) == NULL;
}

static bool output_holds(const struct bench *b, const char *text)
{
	return memmem(b->out.head.at, b->out.head.len, text, strlen(text)) != NULL;
}

static const struct syntax *const syntaxes[] = {&syntax_explicit_le, &syntax_implicit_le,
						&syntax_explicit_be};

START_TEST(test_basic)
{
	struct bench b;

	bench_open(&b, ANON_BASIC, 0, syntaxes[_i]);
	add_words(&b, "SMITH^JOHN");
	front(&b);
	build_str(&b.in, TAG_StudyDate, VR_DA, "20200301");
	build_str(&b.in, TAG_Modality, VR_CS, "CT");
	build_str(&b.in, TAG_InstitutionName, VR_LO, "Hospital");
	build_str(&b.in, TAG_PatientName, VR_PN, "SMITH^JOHN");
	build_str(&b.in, TAG_PatientID, VR_LO, "MRN12345678");
	build_str(&b.in, TAG_PatientBirthDate, VR_DA, "19400301");
	build_str(&b.in, TAG_ScanOptions, VR_CS, "HELIX");
	build_str(&b.in, TAG_StudyInstanceUID, VR_UI, "1.2.3.4");
	build_str(&b.in, TAG_PositionReferenceIndicator, VR_LO, "SN of Smith");
	ck_assert_int_eq(apply(&b), OK);
	text_is(&b, TAG_PatientName, "SITE_0001");
	text_is(&b, TAG_PatientID, "SITE_0001");
	text_is(&b, TAG_PatientBirthDate, "");
	text_is(&b, TAG_Modality, "CT");
	text_is(&b, TAG_ScanOptions, "HELIX");
	text_is(&b, TAG_PositionReferenceIndicator, "SN of");
	text_is(&b, TAG_SOPClassUID, CT);
	text_is(&b, TAG_PatientIdentityRemoved, "YES");
	text_is(&b, TAG_LongitudinalTemporalInformationModified, "REMOVED");
	text_is(&b, TAG_StudyInstanceUID, anon_uid(KEY, BYTES_LIT("1.2.3.4")).text);
	text_is(&b, TAG_SOPInstanceUID, b.out.sop_instance.text);
	ck_assert(absent(&b, TAG_InstitutionName));
	ck_assert(!output_holds(&b, "12345678") && !output_holds(&b, "JOHN"));
	bench_close(&b);
}
END_TEST

/* Lists in PN-free order: nested values, a UN sequence, private blocks, and pixel data. */
START_TEST(test_depth)
{
	struct bench b;

	bench_open(&b, ANON_BASIC, 0, syntaxes[_i]);
	front(&b);
	build_sequence(&b.in, TAG_RadiopharmaceuticalInformationSequence);
	build_item(&b.in);
	build_str(&b.in, TAG_PatientName, VR_PN, "SMITH^JOHN");
	build_sequence(&b.in, TAG_RadiopharmaceuticalInformationSequence);
	build_item(&b.in);
	build_str(&b.in, TAG(0x0009, 0x0010), VR_LO, "ACME");
	build_str(&b.in, TAG(0x0009, 0x1010), VR_LO, "SMITH");
	build_str(&b.in, TAG_InstitutionName, VR_LO, "SMITH");
	build_str(&b.in, TAG_RadionuclideHalfLife, VR_DS, "6586.2");
	build_item_end(&b.in);
	build_sequence_end(&b.in);
	build_item_end(&b.in);
	build_sequence_end(&b.in);
	build_bytes(&b.in, TAG_PixelData, VR_OW, BYTES_LIT("pixels"));
	build_bytes(&b.in, TAG_DataSetTrailingPadding, VR_OB, BYTES_LIT("SMITH^"));
	ck_assert_int_eq(apply(&b), OK);
	ck_assert(!output_holds(&b, "SMITH"));
	ck_assert(output_holds(&b, "6586.2"));
	ck_assert(b.out.has_pixels && !b.out.encapsulated);
	ck_assert(memmem(b.out.pixels.at, b.out.pixels.len, "pixels", 6) != NULL);
	ck_assert_uint_eq(b.out.counts.private_removed, 2);
	bench_close(&b);
}
END_TEST

START_TEST(test_un_sequence)
{
	struct bench b;
	struct build items;

	bench_open(&b, ANON_BASIC, 0, &syntax_explicit_le);
	front(&b);
	build_init(&items, &syntax_implicit_le, 4096);
	build_sequence(&items, TAG_RadiopharmaceuticalInformationSequence);
	build_item(&items);
	build_str(&items, TAG_InstitutionName, VR_LO, "SMITH");
	build_str(&items, TAG_RadionuclideHalfLife, VR_DS, "6586.2");
	build_item_end(&items);
	build_sequence_end(&items);
	build_bytes(&b.in, TAG_RadiopharmaceuticalInformationSequence, VR_UN,
		    bytes_slice(buf_bytes(&items.out), 8, items.out.len - 8));
	ck_assert_int_eq(apply(&b), OK);
	ck_assert(!output_holds(&b, "SMITH"));
	ck_assert(output_holds(&b, "6586.2"));
	build_free(&items);
	bench_close(&b);
}
END_TEST

START_TEST(test_research)
{
	struct bench b;

	bench_open(&b, ANON_RESEARCH, ANON_RESEARCH_OPTIONS, syntaxes[_i]);
	add_words(&b, "SMITH^JOHN");
	front(&b);
	build_str(&b.in, TAG_StudyDate, VR_DA, "20200301");
	build_str(&b.in, TAG_StudyTime, VR_TM, "101500");
	build_str(&b.in, TAG_StudyDescription, VR_LO, "SMITH J 01/03/1940 pelvis");
	build_str(&b.in, TAG_PatientSex, VR_CS, "M");
	build_str(&b.in, TAG_PatientAge, VR_AS, "095Y");
	ck_assert_int_eq(apply(&b), OK);
	text_is(&b, TAG_StudyDate, "20200220");
	text_is(&b, TAG_StudyTime, "101500");
	text_is(&b, TAG_StudyDescription, "pelvis");
	text_is(&b, TAG_PatientSex, "M");
	text_is(&b, TAG_PatientAge, "090Y");
	text_is(&b, TAG_LongitudinalTemporalInformationModified, "MODIFIED");
	text_is(&b, TAG_PatientID, "SITE_0001");
	bench_close(&b);
}
END_TEST

START_TEST(test_blocked)
{
	struct bench b;

	bench_open(&b, ANON_BASIC, 0, &syntax_explicit_le);
	build_str(&b.in, TAG_SOPClassUID, VR_UI, "1.2.840.10008.5.1.4.1.1.104.1");
	build_str(&b.in, TAG_SOPInstanceUID, VR_UI, "1.2.3");
	ck_assert_int_eq(apply(&b), ERR_UNSUPPORTED);
	bench_close(&b);
}
END_TEST

Suite *suite_anon_apply(void)
{
	Suite *s = suite_create("anon_apply");
	TCase *tc = tcase_create("apply");

	tcase_add_loop_test(tc, test_basic, 0, 3);
	tcase_add_loop_test(tc, test_depth, 0, 3);
	tcase_add_test(tc, test_un_sequence);
	tcase_add_loop_test(tc, test_research, 0, 3);
	tcase_add_test(tc, test_blocked);
	suite_add_tcase(s, tc);
	return s;
}
