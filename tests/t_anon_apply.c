/* anon/apply on small data sets that are built here: every oddity that real ones have. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "anon/apply.h"
#include "support/anon.h"
#include "support/support.h"

Suite *suite_anon_apply(void);

#define NEST TAG_RadiopharmaceuticalInformationSequence /* kept */

static void nest(struct build *b, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++) {
		build_sequence(b, NEST);
		build_item(b);
	}
}

static void unnest(struct build *b, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++) {
		build_item_end(b);
		build_sequence_end(b);
	}
}

static void put_le16(struct buf *b, uint16_t v)
{
	buf_char(b, (char)(v & 0xFF));
	buf_char(b, (char)(v >> 8));
}

static void put_le32(struct buf *b, uint32_t v)
{
	put_le16(b, (uint16_t)v);
	put_le16(b, (uint16_t)(v >> 16));
}

static void put_tag(struct buf *b, uint32_t tag)
{
	put_le16(b, TAG_GROUP(tag));
	put_le16(b, TAG_ELEMENT(tag));
}

/* A header in explicit VR little endian with any VR and length, and a value. */
static void put_raw(struct buf *b, uint32_t tag, const char *vr, uint32_t len, struct bytes value)
{
	put_tag(b, tag);
	buf_str(b, vr);
	if (vr_info(vr_parse((const uint8_t *)vr))->long_form) {
		put_le16(b, 0);
		put_le32(b, len);
	} else {
		put_le16(b, (uint16_t)len);
	}
	buf_add(b, value);
}

static void put_text(struct buf *b, uint32_t tag, const char *vr, const char *value)
{
	put_raw(b, tag, vr, (uint32_t)strlen(value), bytes_str(value));
}

static void put_delimiter(struct buf *b, uint32_t tag)
{
	put_tag(b, tag);
	put_le32(b, 0);
}

/* Basic, the words of SMITH^JOHN, and SOP UIDs. */
static void open_basic(struct anon_bench *b, const struct syntax *syntax)
{
	bench_open(b, ANON_BASIC, 0, syntax);
	bench_words(b, "SMITH^JOHN");
	bench_words(b, "12345678");
	bench_front(b, ANON_CT);
}

static void apply_quietly(struct anon_bench *b)
{
	ck_assert_int_eq(bench_apply(b), OK);
	ck_assert_uint_eq(bench_new_notes(b), 0);
	ck_assert(!bench_holds(b, BYTES_LIT("SMITH")) && !bench_holds(b, BYTES_LIT("12345678")));
}

START_TEST(test_basic)
{
	struct anon_bench b;

	open_basic(&b, bench_syntaxes[_i]);
	build_str(&b.in, TAG_StudyDate, VR_DA, "20200301");
	build_str(&b.in, TAG_Modality, VR_CS, "CT");
	build_str(&b.in, TAG_InstitutionName, VR_LO, "Hospital");
	build_str(&b.in, TAG_PatientName, VR_PN, "SMITH^JOHN");
	build_str(&b.in, TAG_PatientID, VR_LO, "MRN12345678");
	build_str(&b.in, TAG_PatientBirthDate, VR_DA, "19400301");
	build_str(&b.in, TAG_ScanOptions, VR_CS, "HELIX");
	build_str(&b.in, TAG_StudyInstanceUID, VR_UI, "1.2.3.4");
	build_str(&b.in, TAG_PositionReferenceIndicator, VR_LO, "SN of Smith");
	apply_quietly(&b);
	bench_text_is(&b, TAG_PatientName, "SITE_0001");
	bench_text_is(&b, TAG_PatientID, "SITE_0001");
	bench_text_is(&b, TAG_PatientBirthDate, "");
	bench_text_is(&b, TAG_Modality, "CT");
	bench_text_is(&b, TAG_ScanOptions, "HELIX");
	bench_text_is(&b, TAG_PositionReferenceIndicator, "SN of");
	bench_text_is(&b, TAG_SOPClassUID, ANON_CT);
	bench_text_is(&b, TAG_PatientIdentityRemoved, "YES");
	bench_text_is(&b, TAG_LongitudinalTemporalInformationModified, "REMOVED");
	bench_text_is(&b, TAG_StudyInstanceUID, anon_uid(ANON_KEY, BYTES_LIT("1.2.3.4")).text);
	bench_text_is(&b, TAG_SOPInstanceUID, b.out.sop_instance.text);
	ck_assert(bench_absent(&b, TAG_InstitutionName));
	bench_close(&b);
}
END_TEST

START_TEST(test_research)
{
	struct anon_bench b;

	bench_open(&b, ANON_RESEARCH, ANON_RESEARCH_OPTIONS, bench_syntaxes[_i]);
	bench_words(&b, "SMITH^JOHN");
	bench_front(&b, ANON_CT);
	build_str(&b.in, TAG_StudyDate, VR_DA, "20200301");
	build_str(&b.in, TAG_AcquisitionDateTime, VR_DT, "20200301101500.5+0100");
	build_str(&b.in, TAG_StudyTime, VR_TM, "101500");
	build_str(&b.in, TAG_StudyDescription, VR_LO, "SMITH J 01/03/1940 pelvis");
	build_str(&b.in, TAG_SeriesDescription, VR_LO, "12 SMITH Mar");
	build_str(&b.in, TAG_PatientBirthDate, VR_DA, "19400301");
	build_str(&b.in, TAG_PatientSex, VR_CS, "M");
	build_str(&b.in, TAG_PatientAge, VR_AS, "095Y");
	build_str(&b.in, TAG_DateOfLastCalibration, VR_DA, "20200101\\20200201");
	apply_quietly(&b);
	bench_text_is(&b, TAG_StudyDate, "20200220");
	bench_text_is(&b, TAG_AcquisitionDateTime, "20200220101500.5+0100");
	bench_text_is(&b, TAG_StudyTime, "101500");
	bench_text_is(&b, TAG_StudyDescription, "pelvis");
	bench_text_is(&b, TAG_SeriesDescription, "ANONYMIZED"); /* nothing was left of it */
	bench_text_is(&b, TAG_PatientBirthDate, "");            /* never moved */
	bench_text_is(&b, TAG_PatientSex, "M");
	bench_text_is(&b, TAG_PatientAge, "090Y");
	bench_text_is(&b, TAG_DateOfLastCalibration, "20191222\\20200122");
	bench_text_is(&b, TAG_LongitudinalTemporalInformationModified, "MODIFIED");
	bench_close(&b);
}
END_TEST

/* The smallest change: what stays is the same bytes, in the same order. */
START_TEST(test_bytes)
{
	struct anon_bench b;
	const char *kept = "1.25\\-3.5 \\+7";

	open_basic(&b, bench_syntaxes[_i]);
	build_str(&b.in, TAG_ImageType, VR_CS, "DERIVED"); /* disordered: kept so */
	size_t from = b.in.out.len;
	build_str(&b.in, TAG_SliceThickness, VR_DS, "2.50");
	build_str(&b.in, TAG_ImagePositionPatient, VR_DS, kept);
	size_t nested = b.in.out.len;
	nest(&b.in, 3);
	build_str(&b.in, TAG_ContourData, VR_DS, kept);
	build_bytes(&b.in, TAG_SmallestImagePixelValue, VR_US, BYTES_LIT("\1\2"));
	unnest(&b.in, 3);
	size_t end = b.in.out.len;
	build_bytes(&b.in, TAG_PixelData, VR_OW, BYTES_LIT("pixels"));
	ck_assert_int_eq(bench_apply(&b), OK);
	/* new elements go between, where their tags are */
	struct bytes in = buf_bytes(&b.in.out);
	ck_assert(bench_holds(&b, bytes_slice(in, from, nested - from)));
	ck_assert(bench_holds(&b, bytes_slice(in, nested, end - nested)));
	ck_assert(memcmp(b.out.pixels.at + b.out.pixels_head, "pixels", 6) == 0);
	ck_assert_uint_eq(b.out.tail_at, b.out.head.len);
	bench_close(&b);
}
END_TEST

/* At every depth, and the lengths of what is around it. */
START_TEST(test_depth)
{
	unsigned depth = (unsigned)_i / 3;
	struct anon_bench b;

	open_basic(&b, bench_syntaxes[_i % 3]);
	nest(&b.in, depth);
	build_str(&b.in, 0x00090010, VR_LO, "ACME");
	build_str(&b.in, 0x00091010, VR_LO, "SMITH");
	build_str(&b.in, TAG_InstitutionName, VR_LO, "SMITH");
	build_str(&b.in, TAG_PatientName, VR_PN, "SMITH^JOHN");
	build_str(&b.in, TAG_RadionuclideHalfLife, VR_DS, "6586.2");
	build_str(&b.in, TAG_StudyInstanceUID, VR_UI, "1.2.3.12345678");
	unnest(&b.in, depth);
	build_bytes(&b.in, TAG_PixelData, VR_OW, BYTES_LIT("pixels"));
	build_bytes(&b.in, TAG_DataSetTrailingPadding, VR_OB, BYTES_LIT("SMITH^"));
	apply_quietly(&b);
	ck_assert(bench_holds(&b, BYTES_LIT("6586.2")));
	ck_assert(b.out.has_pixels && !b.out.encapsulated);
	ck_assert_uint_eq(b.out.counts.private_removed, 2);
	bench_close(&b);
}
END_TEST

START_TEST(test_too_deep)
{
	struct anon_bench b;

	bench_open(&b, ANON_BASIC, 0, &syntax_explicit_le);
	struct buf raw = BUF_INIT(1u << 20);
	put_text(&raw, TAG_SOPClassUID, "UI", ANON_CT);
	put_text(&raw, TAG_SOPInstanceUID, "UI", "1.2.3.4");
	for (unsigned i = 0; i < 70; i++) {
		put_raw(&raw, NEST, "SQ", DICOM_UNDEFINED, BYTES_NONE);
		put_tag(&raw, TAG_ITEM);
		put_le32(&raw, DICOM_UNDEFINED);
	}
	b.source = buf_bytes(&raw);
	ck_assert_int_eq(bench_apply(&b), ERR_LIMIT);
	buf_free(&raw);
	bench_close(&b);
}
END_TEST

/* Sequences in UN: of defined and undefined length, one inside of another, in explicit VR. */
static void un_items(struct build *items, const struct syntax *syntax, unsigned depth)
{
	build_init(items, syntax, 1u << 16);
	nest(items, depth);
	build_str(items, TAG_InstitutionName, VR_LO, "SMITH");
	build_str(items, TAG_RadionuclideHalfLife, VR_DS, "6586.2");
	build_str(items, TAG_StudyInstanceUID, VR_UI, "1.2.3.12345678");
	unnest(items, depth);
}

static const struct {
	const char *name;
	const struct syntax *outside, *inside;
	bool undefined;
} un_cases[] = {
	{"implicit in explicit, as PS3.5 6.2.2", &syntax_explicit_le, &syntax_implicit_le, false},
	{"of undefined length", &syntax_explicit_le, &syntax_implicit_le, true},
	{"explicit in explicit", &syntax_explicit_le, &syntax_explicit_le, false},
	{"implicit in big endian", &syntax_explicit_be, &syntax_implicit_le, false},
	{"big endian in big endian", &syntax_explicit_be, &syntax_explicit_be, false},
};

START_TEST(test_un)
{
	struct anon_bench b;
	struct build items;
	struct bytes content;

	open_basic(&b, un_cases[_i].outside);
	un_items(&items, un_cases[_i].inside, 3);
	size_t head = un_cases[_i].inside->explicit_vr ? 12 : 8;
	content = bytes_slice(buf_bytes(&items.out), head, items.out.len - head);
	if (un_cases[_i].undefined) {
		put_raw(&b.in.out, NEST, "UN", DICOM_UNDEFINED, content);
		put_delimiter(&b.in.out, TAG_SEQUENCE_END);
	} else {
		build_bytes(&b.in, NEST, VR_UN, content);
	}
	apply_quietly(&b);
	ck_assert_msg(bench_holds(&b, BYTES_LIT("6586.2")), "%s", un_cases[_i].name);
	build_free(&items);
	bench_close(&b);
}
END_TEST

/* What is no sequence although its tag says so cannot be judged, and goes. */
START_TEST(test_no_sequence)
{
	static const char *const vrs[] = {"UN", "OB", "LO"};
	struct anon_bench b;

	open_basic(&b, &syntax_explicit_le);
	put_text(&b.in.out, NEST, vrs[_i], "SMITH 12345678 in it");
	apply_quietly(&b);
	ck_assert(bench_absent(&b, NEST));
	bench_close(&b);
}
END_TEST

/* A sequence under a VR that is a lie is judged as one, and becomes one. */
START_TEST(test_sequence_as_ob)
{
	struct anon_bench b;
	struct build items;

	open_basic(&b, &syntax_explicit_le);
	un_items(&items, _i == 0 ? &syntax_explicit_le : &syntax_implicit_le, 1);
	size_t head = _i == 0 ? 12 : 8;
	put_raw(&b.in.out, NEST, "OB", (uint32_t)(items.out.len - head),
		bytes_slice(buf_bytes(&items.out), head, items.out.len - head));
	apply_quietly(&b);
	const struct elem *e = dset_find(&b.d, NULL, NEST);
	ck_assert(e != NULL && (e->flags & ELEM_SEQUENCE) != 0);
	ck_assert(bench_holds(&b, BYTES_LIT("6586.2")));
	build_free(&items);
	bench_close(&b);
}
END_TEST

/* VRs that lie: the tag decides (R4). */
static const struct {
	uint32_t tag;
	const char *vr, *value;
	const char *want; /* NULL: gone */
} lies[] = {
	{TAG_PatientName, "OB", "SMITH^JOHN", "SITE_0001"},
	{TAG_PatientID, "UN", "MRN12345678 ", "SITE_0001"},
	{TAG_OtherPatientNames, "UN", "SMITH ", NULL},
	{TAG_InstitutionName, "SQ", "", NULL},
	{TAG_PositionReferenceIndicator, "UN", "SN SMITH", "SN"},
	{TAG_PositionReferenceIndicator, "OB", "SN SMITH", "SN"},
	{TAG_SliceThickness, "LO", "SMITH ", ""},
	{TAG_SliceThickness, "UN", "2.5 ", "2.5"},
	{TAG_SliceThickness, "LO", "2.5 ", "2.5"},
	{TAG_Rows, "LO", "SMITH ", ""},
	{TAG_InstanceNumber, "SH", "SMITH1", ""},
	{TAG_StudyInstanceUID, "LO", "1.2.3 SMITH ", "uid"},
	{TAG_ModalityLUTType, "OB", "SMITH ", "ANONYMIZED"},
	{TAG_BodyPartExamined, "LO", "SMITH ", ""},
	{TAG_BodyPartExamined, "UN", "CHEST ", "CHEST"},
};

START_TEST(test_lies)
{
	struct anon_bench b;

	open_basic(&b, &syntax_explicit_le);
	if (lies[_i].vr[0] == 'S' && lies[_i].vr[1] == 'Q')
		put_raw(&b.in.out, lies[_i].tag, "SQ", 0, BYTES_NONE);
	else
		put_text(&b.in.out, lies[_i].tag, lies[_i].vr, lies[_i].value);
	apply_quietly(&b);
	if (lies[_i].want == NULL)
		ck_assert(bench_absent(&b, lies[_i].tag));
	else if (strcmp(lies[_i].want, "uid") == 0)
		ck_assert(bench_holds(&b, BYTES_LIT("2.25.")));
	else
		bench_text_is(&b, lies[_i].tag, lies[_i].want);
	bench_close(&b);
}
END_TEST

/* Values that are not what their VR is: numbers, dates, UIDs that hold text. */
static const struct {
	uint32_t tag;
	enum vr vr;
	const char *value;
	unsigned options;
	const char *want;
} odd_values[] = {
	{TAG_SliceThickness, VR_DS, "1.5\\SMITH", 0, ""},
	{TAG_InstanceNumber, VR_IS, "SMITH", 0, ""},
	{TAG_StudyTime, VR_TM, "10:15:00", ANON_RETAIN_MODIFIED_DATES, "10:15:00"},
	{TAG_StudyTime, VR_TM, "SMITH", ANON_RETAIN_MODIFIED_DATES, ""},
	{TAG_StudyDate, VR_DA, "2020.03.01", ANON_RETAIN_MODIFIED_DATES, "20200220"},
	{TAG_StudyDate, VR_DA, "202003", ANON_RETAIN_MODIFIED_DATES, "202002"},
	{TAG_StudyDate, VR_DA, "20200301-20200305", ANON_RETAIN_MODIFIED_DATES,
	 "20200220-20200224"},
	{TAG_StudyDate, VR_DA, "", ANON_RETAIN_MODIFIED_DATES, ""},
	{TAG_StudyDate, VR_DA, "20201301", ANON_RETAIN_MODIFIED_DATES, ""},
	{TAG_StudyDate, VR_DA, "SMITH", ANON_RETAIN_MODIFIED_DATES, ""},
	{TAG_StudyDate, VR_DA, "SMITH", ANON_RETAIN_FULL_DATES, ""},
	{TAG_StudyDate, VR_DA, "20200301", ANON_RETAIN_FULL_DATES, "20200301"},
	{TAG_StudyInstanceUID, VR_UI, "1.2.SMITH", ANON_RETAIN_UIDS, "uid"},
	{TAG_StudyInstanceUID, VR_UI, "1.2.12345678.1", ANON_RETAIN_UIDS, "1.2.12345678.1"},
	{TAG_PatientAge, VR_AS, "089Y", ANON_RETAIN_PATIENT, "089Y"},
	{TAG_PatientAge, VR_AS, "090Y", ANON_RETAIN_PATIENT, "090Y"},
	{TAG_PatientAge, VR_AS, "101Y", ANON_RETAIN_PATIENT, "090Y"},
	{TAG_PatientAge, VR_AS, "SMITH", ANON_RETAIN_PATIENT, ""},
	{TAG_ImageType, VR_CS, "DERIVED\\SMITH\\AXIAL", 0, "DERIVED\\\\AXIAL"},
	{TAG_Modality, VR_CS, "CT", 0, "CT"},
	{TAG_BurnedInAnnotation, VR_CS, "YES", 0, "YES"},
	{TAG_LossyImageCompression, VR_CS, "00", 0, "00"},
};

START_TEST(test_odd_values)
{
	struct anon_bench b;
	struct uid mapped = anon_uid(ANON_KEY, bytes_str(odd_values[_i].value));

	bench_open(&b, ANON_BASIC, odd_values[_i].options, bench_syntaxes[0]);
	bench_words(&b, "SMITH^JOHN");
	bench_front(&b, ANON_CT);
	build_str(&b.in, odd_values[_i].tag, odd_values[_i].vr, odd_values[_i].value);
	ck_assert_int_eq(bench_apply(&b), OK);
	ck_assert(!bench_absent(&b, odd_values[_i].tag));
	bench_text_is(&b, odd_values[_i].tag,
		      strcmp(odd_values[_i].want, "uid") == 0 ? mapped.text : odd_values[_i].want);
	bench_close(&b);
}
END_TEST

/* NO is a claim that nobody here can make (R20), but for the site that says so. */
START_TEST(test_burned_in)
{
	static const struct anon_site_rule keep[] = {{ANON_SITE_KEEP, "BurnedInAnnotation", NULL}};
	struct anon_bench b;

	open_basic(&b, bench_syntaxes[_i]);
	build_str(&b.in, TAG_BurnedInAnnotation, VR_CS, "NO");
	ck_assert_int_eq(bench_apply(&b), OK);
	ck_assert(bench_absent(&b, TAG_BurnedInAnnotation));
	b.settings.rules = keep;
	b.settings.rule_count = 1;
	bench_policy(&b, NULL, 0);
	ck_assert_int_eq(bench_apply(&b), OK);
	bench_text_is(&b, TAG_BurnedInAnnotation, "NO");
	bench_close(&b);
}
END_TEST

/* Twice, and out of order. */
START_TEST(test_duplicates)
{
	struct anon_bench b;

	open_basic(&b, bench_syntaxes[_i]);
	build_str(&b.in, TAG_PatientID, VR_LO, "MRN12345678");
	build_str(&b.in, TAG_PatientName, VR_PN, "SMITH^JOHN");
	build_str(&b.in, TAG_PatientName, VR_PN, "SMITH");
	build_str(&b.in, TAG_InstitutionName, VR_LO, "SMITH");
	build_str(&b.in, TAG_InstitutionName, VR_LO, "SMITH");
	build_str(&b.in, TAG_PatientName, VR_PN, "SMITH");
	build_str(&b.in, TAG_SliceThickness, VR_DS, "1");
	build_str(&b.in, TAG_SliceThickness, VR_DS, "2");
	apply_quietly(&b);
	unsigned names = 0;
	for (uint32_t i = 0; i < b.d.count; i++)
		names += b.d.elems[i].tag == TAG_PatientName;
	ck_assert_uint_eq(names, 1);
	bench_text_is(&b, TAG_PatientID, "SITE_0001");
	bench_close(&b);
}
END_TEST

/* What decides about the object must not be said twice, and differently. */
static const struct {
	uint32_t tag;
	enum vr vr;
	const char *first, *second;
	enum err want;
} twice[] = {
	{TAG_SOPClassUID, VR_UI, ANON_CT, "1.2.840.10008.5.1.4.1.1.104.1", ERR_UNUSABLE},
	{TAG_SOPClassUID, VR_UI, ANON_CT, ANON_CT, OK},
	{TAG_SpecificCharacterSet, VR_CS, "ISO_IR 100", "ISO_IR 192", ERR_UNUSABLE},
	{TAG_SOPInstanceUID, VR_UI, "1.2.3", "1.2.4", ERR_UNUSABLE},
};

START_TEST(test_twice)
{
	struct anon_bench b;

	bench_open(&b, ANON_BASIC, 0, &syntax_explicit_le);
	if (twice[_i].tag != TAG_SOPClassUID)
		build_str(&b.in, TAG_SOPClassUID, VR_UI, ANON_CT);
	if (twice[_i].tag != TAG_SOPInstanceUID)
		build_str(&b.in, TAG_SOPInstanceUID, VR_UI, "1.2.3.4");
	build_str(&b.in, twice[_i].tag, twice[_i].vr, twice[_i].first);
	build_bytes(&b.in, TAG_PixelData, VR_OW, BYTES_LIT("pixels"));
	build_str(&b.in, twice[_i].tag, twice[_i].vr, twice[_i].second); /* at the end, even */
	ck_assert_int_eq(bench_apply(&b), twice[_i].want);
	bench_close(&b);
}
END_TEST

/* Private blocks in items, private sequences inside each other. */
START_TEST(test_private)
{
	struct anon_bench b;

	open_basic(&b, bench_syntaxes[_i]);
	build_str(&b.in, 0x00090010, VR_LO, "GEMS_IDEN_01");
	build_str(&b.in, 0x00091027, VR_LO, "SMITH");
	build_str(&b.in, 0x00290010, VR_LO, "SIEMENS CSA HEADER");
	build_bytes(&b.in, 0x00291010, VR_OB, BYTES_LIT("\0SMITH\0 1.2.3.12345678"));
	build_sequence(&b.in, TAG_StructureSetROISequence);
	build_item(&b.in);
	build_str(&b.in, TAG_ROINumber, VR_IS, "1");
	build_str(&b.in, 0x32530010, VR_LO, "Varian Medical Systems VISION 3253");
	build_bytes(&b.in, 0x32531000, VR_OB, BYTES_LIT("<a name=\"SMITH\"/>"));
	build_item_end(&b.in);
	build_sequence_end(&b.in);
	build_str(&b.in, 0x00990010, VR_LO, "ACME"); /* disordered, too */
	build_sequence(&b.in, 0x00991001);
	build_item(&b.in);
	build_str(&b.in, TAG_SOPInstanceUID, VR_UI, "1.2.3.12345678");
	build_str(&b.in, TAG_PatientName, VR_PN, "SMITH^JOHN");
	build_sequence(&b.in, 0x00991002);
	build_item(&b.in);
	build_str(&b.in, TAG_PatientName, VR_PN, "SMITH^JOHN");
	build_item_end(&b.in);
	build_sequence_end(&b.in);
	build_item_end(&b.in);
	build_sequence_end(&b.in);
	apply_quietly(&b);
	for (uint32_t i = 0; i < b.d.count; i++)
		ck_assert(!TAG_IS_PRIVATE(b.d.elems[i].tag));
	bench_close(&b);
}
END_TEST

/* A private sequence that is on the safe list: what is in it is judged all the same. */
START_TEST(test_safe_sequence)
{
	const struct anon_safe safe[] = {{BYTES_LIT("ACME"), 0x0099, 0x01},
					 {BYTES_LIT("ACME"), 0x0099, 0x02},
					 {BYTES_LIT("ACME"), 0x0099, 0x03}};
	struct anon_bench b;

	bench_open(&b, ANON_BASIC, ANON_RETAIN_SAFE_PRIVATE, bench_syntaxes[_i]);
	bench_policy(&b, safe, 3);
	bench_words(&b, "SMITH^JOHN");
	bench_front(&b, ANON_CT);
	build_str(&b.in, 0x00990010, VR_LO, "ACME");
	build_sequence(&b.in, 0x00991001);
	build_item(&b.in);
	build_str(&b.in, TAG_SOPInstanceUID, VR_UI, "1.2.3.12345678");
	build_str(&b.in, TAG_PatientName, VR_PN, "SMITH^JOHN");
	build_str(&b.in, TAG_SliceThickness, VR_DS, "2.5");
	build_str(&b.in, 0x00990010, VR_LO, "ACME");
	build_sequence(&b.in, 0x00991002);
	build_item(&b.in);
	build_str(&b.in, TAG_InstitutionName, VR_LO, "SMITH");
	build_str(&b.in, TAG_SliceThickness, VR_DS, "3.5");
	build_item_end(&b.in);
	build_sequence_end(&b.in);
	build_str(&b.in, 0x00991004, VR_LO, "SMITH");
	build_item_end(&b.in);
	build_sequence_end(&b.in);
	if (b.in.syntax->explicit_vr) {
		build_str(&b.in, 0x00991003, VR_UI, "1.2.3.12345678");
		build_str(&b.in, 0x00991003, VR_DA, "20200301");
	} else {
		build_bytes(&b.in, 0x00991003, VR_UN, BYTES_LIT("\0SMITH"));
	}
	ck_assert_int_eq(bench_apply(&b), OK);
	ck_assert(!bench_holds(&b, BYTES_LIT("SMITH")) && !bench_holds(&b, BYTES_LIT("12345678")));
	ck_assert(!bench_holds(&b, BYTES_LIT("20200301")));
	ck_assert(bench_holds(&b, BYTES_LIT("2.5 ")) && bench_holds(&b, BYTES_LIT("3.5 ")));
	bench_close(&b);
}
END_TEST

/* Group lengths, groups that no object has, foreign claims of de-identification. */
START_TEST(test_illegal)
{
	struct anon_bench b;

	bench_open(&b, ANON_BASIC, 0, bench_syntaxes[_i]);
	build_bytes(&b.in, 0x00010010, VR_OB, BYTES_LIT("SMITH^"));
	build_str(&b.in, 0x00020016, VR_AE, "SMITHSEND");
	build_str(&b.in, 0x00071010, VR_LO, "SMITH");
	build_bytes(&b.in, 0x00080000, VR_UL, BYTES_LIT("SMIT"));
	bench_front(&b, ANON_CT);
	build_bytes(&b.in, 0x00100000, VR_UL, BYTES_LIT("SMIT"));
	build_str(&b.in, TAG_PatientIdentityRemoved, VR_CS, "NO");
	build_str(&b.in, TAG_DeidentificationMethod, VR_LO, "SMITH hospital deid");
	build_sequence(&b.in, TAG_DeidentificationMethodCodeSequence);
	build_item(&b.in);
	build_str(&b.in, TAG_CodeValue, VR_SH, "113106");
	build_str(&b.in, TAG_CodeMeaning, VR_LO, "SMITH hospital deid");
	build_item_end(&b.in);
	build_sequence_end(&b.in);
	build_str(&b.in, TAG_LongitudinalTemporalInformationModified, VR_CS, "UNMODIFIED");
	nest(&b.in, 1);
	build_str(&b.in, TAG_DeidentificationMethod, VR_LO, "SMITH hospital deid");
	unnest(&b.in, 1);
	build_bytes(&b.in, 0xFFFF1010, VR_OB, BYTES_LIT("SMITH^"));
	apply_quietly(&b);
	ck_assert(!bench_holds(&b, BYTES_LIT("SMIT")));
	ck_assert(!bench_holds(&b, BYTES_LIT("113106")));
	bench_text_is(&b, TAG_PatientIdentityRemoved, "YES");
	bench_text_is(&b, TAG_LongitudinalTemporalInformationModified, "REMOVED");
	const struct elem *codes = dset_find(&b.d, NULL, TAG_DeidentificationMethodCodeSequence);
	ck_assert_ptr_nonnull(codes);
	const struct elem *item = dset_first(&b.d, codes);
	ck_assert(bytes_eq_str(dset_text(&b.d, item, TAG_CodeValue), "113100"));
	ck_assert_ptr_null(dset_next(&b.d, codes, item));
	bench_close(&b);
}
END_TEST

/* Overlays, curves, icons, original and encrypted attributes, signatures: whole groups and
 * sequences. */
START_TEST(test_removed_wholes)
{
	static const uint32_t sequences[] = {TAG_IconImageSequence, TAG_EncryptedAttributesSequence,
					     TAG_OriginalAttributesSequence,
					     TAG_DigitalSignaturesSequence};
	struct anon_bench b;

	open_basic(&b, bench_syntaxes[_i]);
	for (unsigned i = 0; i < 4; i++) {
		if (i == 3)
			for (uint32_t group = 0x6000; group <= 0x601E; group += 2) {
				build_bytes(&b.in, TAG(group, 0x0010), VR_US, BYTES_LIT("SM"));
				build_bytes(&b.in, TAG(group, 0x3000), VR_OW, BYTES_LIT("SMITH^"));
			}
		build_sequence(&b.in, sequences[i]);
		build_item(&b.in);
		build_str(&b.in, TAG_PatientName, VR_PN, "SMITH^JOHN");
		build_bytes(&b.in, TAG_PixelData, VR_OW, BYTES_LIT("SMITH^"));
		build_item_end(&b.in);
		build_sequence_end(&b.in);
	}
	apply_quietly(&b);
	for (uint32_t i = 0; i < b.d.count; i++)
		ck_assert(TAG_GROUP(b.d.elems[i].tag) < 0x5000 || b.d.elems[i].tag == TAG_ITEM);
	bench_close(&b);
}
END_TEST

/* Odd lengths, trailing zeros, garbage. */
START_TEST(test_ends)
{
	struct anon_bench b;

	open_basic(&b, bench_syntaxes[0]);
	put_text(&b.in.out, TAG_SliceThickness, "DS", "2.5");
	buf_add(&b.in.out, BYTES_LIT("\0\0\0\0\0\0\0\0\0\0\0\0\0\0"));
	apply_quietly(&b); /* padding is not put out */
	bench_text_is(&b, TAG_SliceThickness, "2.5");
	bench_close(&b);
	open_basic(&b, bench_syntaxes[0]);
	buf_add(&b.in.out, BYTES_LIT("JOHNSMITH_TRAILER"));
	ck_assert_int_ne(bench_apply(&b), OK);
	bench_close(&b);
}
END_TEST

/* Every prefix: refused, or whole up to there. */
START_TEST(test_truncated)
{
	struct anon_bench b;
	unsigned whole = 0;

	open_basic(&b, bench_syntaxes[_i]);
	nest(&b.in, 2);
	build_str(&b.in, TAG_InstitutionName, VR_LO, "SMITH");
	unnest(&b.in, 2);
	struct bytes all = buf_bytes(&b.in.out);
	for (size_t len = 0; len < all.len; len++) {
		uint8_t *copy = guard_copy(all.at, len);

		b.source = bytes_of(copy, len);
		if (bench_apply(&b) == OK) {
			whole++;
			ck_assert(!bench_holds(&b, BYTES_LIT("SMITH")));
		}
		guard_free(copy, len);
	}
	/* without the sequence; and the first byte of its tag in big endian looks like padding */
	ck_assert_uint_eq(whole, b.in.syntax->big_endian ? 2 : 1);
	b.source = BYTES_NONE;
	bench_close(&b);
}
END_TEST

static void put_fragment(struct buf *b, struct bytes value)
{
	put_tag(b, TAG_ITEM);
	put_le32(b, (uint32_t)value.len);
	buf_add(b, value);
}

/* Compressed pixels stay one element, with what is before and behind in its place. */
START_TEST(test_encapsulated)
{
	static const struct anon_safe safe[] = {{{(const uint8_t *)"ACME", 4}, 0x7FE1, 0x10}};
	struct anon_bench b;

	bench_open(&b, ANON_BASIC, ANON_RETAIN_SAFE_PRIVATE, &syntax_explicit_le);
	bench_policy(&b, safe, 1);
	bench_words(&b, "SMITH^JOHN");
	bench_front(&b, ANON_CT);
	put_raw(&b.in.out, 0x7FE00001, "OV", 8, BYTES_LIT("SMITHERS"));
	size_t from = b.in.out.len;
	put_raw(&b.in.out, TAG_PixelData, "OB", DICOM_UNDEFINED, BYTES_NONE);
	put_fragment(&b.in.out, BYTES_NONE);
	put_fragment(&b.in.out, BYTES_LIT("\xFF\xD8 frame"));
	put_delimiter(&b.in.out, TAG_SEQUENCE_END);
	size_t to = b.in.out.len;
	build_str(&b.in, 0x7FE10010, VR_LO, "ACME");
	build_str(&b.in, 0x7FE11010, VR_LO, "behind");
	build_bytes(&b.in, TAG_DataSetTrailingPadding, VR_OB, BYTES_LIT("SMITH^"));
	apply_quietly(&b);
	ck_assert(b.out.has_pixels && b.out.encapsulated);
	ck_assert(bytes_eq(b.out.pixels, bytes_slice(buf_bytes(&b.in.out), from, to - from)));
	ck_assert(bench_absent(&b, 0x7FE00001));
	struct bytes tail =
		bytes_slice(buf_bytes(&b.out.head), b.out.tail_at, b.out.head.len - b.out.tail_at);
	ck_assert(bytes_has_nocase(tail, BYTES_LIT("behind")));
	ck_assert(!bytes_has_nocase(tail, BYTES_LIT("113100"))); /* that comes before the pixels */
	bench_close(&b);
}
END_TEST

START_TEST(test_pixels_twice)
{
	struct anon_bench b;

	open_basic(&b, bench_syntaxes[_i]);
	build_bytes(&b.in, TAG_PixelData, VR_OW, BYTES_LIT("pixels"));
	build_bytes(&b.in, TAG_PixelData, VR_OW, BYTES_LIT("SMITH^"));
	ck_assert_int_eq(bench_apply(&b), ERR_WIRE);
	bench_close(&b);
}
END_TEST

/* UIDs: padded, several, with leading zeros; well known ones stay; the same everywhere (R7, R8). */
START_TEST(test_uids)
{
	static const char *const forms[] = {"1.2.3.04", "1.2.3.04 ", " 1.2.3.04", "1.2.3.04  "};
	struct anon_bench b;
	const struct uid mapped = anon_uid(ANON_KEY, BYTES_LIT("1.2.3.04"));
	char two[200];

	for (unsigned i = 0; i < 4; i++) {
		bench_open(&b, ANON_BASIC, 0, bench_syntaxes[_i]);
		build_str(&b.in, TAG_SOPClassUID, VR_UI, ANON_CT);
		build_str(&b.in, TAG_SOPInstanceUID, VR_UI, forms[i]);
		build_str(&b.in, TAG_ContextUID, VR_UI, "1.2.840.10008.6.1.1014");
		build_str(&b.in, TAG_ReferencedFrameOfReferenceUID, VR_UI, forms[i]);
		build_str(&b.in, TAG_ReferencedFiducialUID, VR_UI, "1.2.3.04\\1.2.840.10008.1.1\\");
		ck_assert_int_eq(bench_apply(&b), OK);
		ck_assert(uid_ok(bytes_str(mapped.text)));
		bench_text_is(&b, TAG_SOPInstanceUID, mapped.text);
		ck_assert_str_eq(b.out.sop_instance.text, mapped.text);
		bench_text_is(&b, TAG_ContextUID, "1.2.840.10008.6.1.1014");
		bench_text_is(&b, TAG_ReferencedFrameOfReferenceUID, mapped.text);
		snprintf(two, sizeof(two), "%s\\1.2.840.10008.1.1\\", mapped.text);
		bench_text_is(&b, TAG_ReferencedFiducialUID, two);
		bench_close(&b);
	}
}
END_TEST

#define LENGTH(list) (int)(sizeof(list) / sizeof(list[0]))

Suite *suite_anon_apply(void)
{
	Suite *s = suite_create("anon_apply");
	TCase *tc = tcase_create("apply");

	tcase_add_loop_test(tc, test_basic, 0, 3);
	tcase_add_loop_test(tc, test_research, 0, 3);
	tcase_add_loop_test(tc, test_bytes, 0, 3);
	tcase_add_loop_test(tc, test_depth, 0, 21);
	tcase_add_test(tc, test_too_deep);
	tcase_add_loop_test(tc, test_un, 0, LENGTH(un_cases));
	tcase_add_loop_test(tc, test_no_sequence, 0, 3);
	tcase_add_loop_test(tc, test_sequence_as_ob, 0, 2);
	tcase_add_loop_test(tc, test_lies, 0, LENGTH(lies));
	tcase_add_loop_test(tc, test_odd_values, 0, LENGTH(odd_values));
	tcase_add_loop_test(tc, test_burned_in, 0, 3);
	tcase_add_loop_test(tc, test_duplicates, 0, 3);
	tcase_add_loop_test(tc, test_twice, 0, LENGTH(twice));
	tcase_add_loop_test(tc, test_private, 0, 3);
	tcase_add_loop_test(tc, test_safe_sequence, 0, 3);
	tcase_add_loop_test(tc, test_illegal, 0, 3);
	tcase_add_loop_test(tc, test_removed_wholes, 0, 3);
	tcase_add_test(tc, test_ends);
	tcase_add_loop_test(tc, test_truncated, 0, 3);
	tcase_add_test(tc, test_encapsulated);
	tcase_add_loop_test(tc, test_pixels_twice, 0, 3);
	tcase_add_loop_test(tc, test_uids, 0, 3);
	suite_add_tcase(s, tc);
	return s;
}
