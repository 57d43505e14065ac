/*
 * What is promised of attributes holds at every depth and in every kind of sequence (R3): each
 * clause at depths 0, 1 and 5, in sequences of the standard, private ones, and those that hide in
 * UN.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "anon/identity.h"
#include "anon/value.h"
#include "anon/visit.h"
#include "dicom/dict.h"
#include "support/anon.h"

Suite *suite_anon_depth(void);

#define NEST TAG_RadiopharmaceuticalInformationSequence /* kept */
#define PRIVATE 0x00991001u                             /* on the safe list */
#define CREATOR 0x00990010u
#define UID "1.2.3.20200301.777"
#define SHIFT ANON_RETAIN_MODIFIED_DATES

static const struct anon_safe safe[] = {{{(const uint8_t *)"ACME", 4}, 0x0099, 0x01},
					{{(const uint8_t *)"ACME", 4}, 0x0099, 0x02}};

static const struct {
	uint32_t tag;
	enum vr vr;
	const char *value;
	unsigned options;
	const char *gone, *there; /* "uid": the new one; NULL: whatever it is */
} clauses[] = {
	/* R4 */
	{TAG_InstitutionName, VR_LO, "Lichthaus", 0, "Lichthaus", NULL},
	{0x00089999, VR_LO, "unknown public", 0, "unknown public", NULL},
	{0x00081234, VR_UI, UID, 0, UID, NULL},
	{0x00091010, VR_LO, "an orphan", 0, "an orphan", NULL},
	{0x00990011, VR_LO, "another creator", 0, "another creator", NULL},
	{0x00990001, VR_LO, "no block at all", 0, "no block at all", NULL},
	{0x00080000, VR_UL, "GLEN", 0, "GLEN", NULL},
	{0x00050010, VR_LO, "illegal group", 0, "illegal group", NULL},
	{0x00070010, VR_LO, "illegal group", 0, "illegal group", NULL},
	{0x00000600, VR_AE, "OF COMMANDS", 0, "OF COMMANDS", NULL},
	{0xFFFF0010, VR_LO, "illegal group", 0, "illegal group", NULL},
	/* R5, R6 */
	{TAG_PatientName, VR_PN, "SMITH^JOHN", 0, "SMITH", "SITE_0001"},
	{TAG_PatientID, VR_LO, "MRN12345678", 0, "12345678", "SITE_0001"},
	{TAG_StorageURL, VR_UR, "http://lichthaus/1", 0, "lichthaus", "urn:anonymized"},
	{TAG_SeriesDescription, VR_LO, "SMITH pelvis", ANON_CLEAN_DESCRIPTORS, "SMITH", "pelvis"},
	{TAG_ConvolutionKernel, VR_SH, "B30 SMITH", 0, "SMITH", "B30"},
	/* R7 */
	{TAG_ReferencedFiducialUID, VR_UI, UID, 0, UID, "uid"},
	{TAG_ReferencedFiducialUID, VR_UI, "1.2.840.10008.1.1\\" UID, 0, UID, "uid"},
	{TAG_ReferencedFiducialUID, VR_UI, UID "\\1.2.840.10008.1.1", 0, UID, "1.2.840.10008.1.1"},
	{TAG_ReferencedFiducialUID, VR_UI, UID, ANON_RETAIN_UIDS, NULL, UID},
	{TAG_ContextUID, VR_UI, "1.2.840.10008.6.1.1014", 0, NULL, "1.2.840.10008.6.1.1014"},
	/* R12, R13 */
	{TAG_StudyDate, VR_DA, "20200301", SHIFT, "20200301", "20200220"},
	{TAG_StudyDate, VR_DA, "2020.03.01", SHIFT, "2020.03.01", "20200220"},
	{TAG_StudyDate, VR_DA, "20200301\\20200302", SHIFT, "202003", "20200220\\20200221"},
	{TAG_StudyDate, VR_DA, "01.03.2020", SHIFT, "01.03.2020", NULL},
	{TAG_StudyTime, VR_TM, "101516.5", SHIFT, NULL, "101516.5"},
	{TAG_StudyTime, VR_TM, "20200301", SHIFT, "20200301", NULL},
	{TAG_AcquisitionDateTime, VR_DT, "20200301101516.5+0100", SHIFT, "20200301",
	 "20200220101516.5+0100"},
	{TAG_AcquisitionDateTime, VR_DT, "20200301-2020", SHIFT, "2020", NULL},
	{TAG_DateOfLastCalibration, VR_DA, "20200301", SHIFT | ANON_RETAIN_DEVICE, "20200301",
	 "20200220"},
	{TAG_DateOfLastCalibration, VR_DA, "20200301", ANON_RETAIN_DEVICE, NULL, "20200301"},
	{TAG_PatientBirthDate, VR_DA, "19310401", SHIFT | ANON_RETAIN_PATIENT, "1931", NULL},
	{TAG_PatientAge, VR_AS, "095Y", ANON_RETAIN_PATIENT, "095Y", "090Y"},
	/* R17, R18 */
	{0x60003000, VR_OW, "OVERLAYS", ANON_CLEAN_GRAPHICS, "OVERLAYS", NULL},
	{0x601E4000, VR_LT, "OVERLAYS", ANON_CLEAN_GRAPHICS, "OVERLAYS", NULL},
	{0x50003000, VR_OW, "CURVES..", ANON_CLEAN_GRAPHICS, "CURVES..", NULL},
	{0x50FE0020, VR_CS, "CURVES", ANON_CLEAN_GRAPHICS, "CURVES", NULL},
	{TAG_DataSetTrailingPadding, VR_OB, "PADDINGS", 0, "PADDINGS", NULL},
	{0x7F001010, VR_OB, "variable", 0, "variable", NULL},
};

enum kind { STANDARD, PRIVATE_SQ, IN_UN, PRIVATE_UN, KINDS };

/* `depth` sequences around the attribute, and what stays in each of them. */
static void put_nested(struct build *b, enum kind kind, unsigned depth, unsigned clause)
{
	struct bytes value = bytes_str(clauses[clause].value);

	for (unsigned i = 0; i < depth; i++) {
		if (kind == PRIVATE_SQ || kind == PRIVATE_UN)
			build_str(b, CREATOR, VR_LO, "ACME");
		build_sequence(b, kind == PRIVATE_SQ || kind == PRIVATE_UN ? PRIVATE : NEST);
		build_item(b);
	}
	build_str(b, TAG_RadionuclideHalfLife, VR_DS, "6586.2");
	if (vr_info(clauses[clause].vr)->is_text)
		build_text(b, clauses[clause].tag, clauses[clause].vr, value);
	else
		build_bytes(b, clauses[clause].tag, clauses[clause].vr, value);
	for (unsigned i = 0; i < depth; i++) {
		build_item_end(b);
		build_sequence_end(b);
	}
}

/* The same, with the outermost sequence as an element of VR UN: what is in it is implicit. */
static void put_hidden(struct build *b, enum kind kind, unsigned depth, unsigned clause)
{
	uint32_t tag = kind == PRIVATE_UN ? PRIVATE : NEST;
	struct build inside;
	size_t head = 8;

	build_init(&inside, &syntax_implicit_le, 1u << 16);
	put_nested(&inside, kind, depth, clause);
	if (kind == PRIVATE_UN) {
		build_str(b, CREATOR, VR_LO, "ACME");
		head += 8 + 4; /* the creator */
	}
	build_bytes(b, tag, VR_UN,
		    bytes_slice(buf_bytes(&inside.out), head, inside.out.len - head));
	build_free(&inside);
}

START_TEST(test_clauses)
{
	static const unsigned depths[] = {0, 1, 5};
	unsigned clause = (unsigned)_i / 3;
	const struct syntax *syntax = bench_syntaxes[_i % 3];

	for (unsigned run = 0; run < 3 * KINDS; run++) {
		unsigned depth = depths[run % 3];
		enum kind kind = (enum kind)(run / 3);
		struct anon_bench b;
		bool un = kind == IN_UN || kind == PRIVATE_UN;

		if (depth == 0 && kind != STANDARD)
			continue;
		bench_open(&b, ANON_BASIC, clauses[clause].options | ANON_RETAIN_SAFE_PRIVATE,
			   syntax);
		bench_policy(&b, safe, 2);
		bench_words(&b, "SMITH^JOHN");
		bench_words(&b, "12345678");
		bench_front(&b, ANON_PET);
		if (un)
			put_hidden(&b.in, kind, depth, clause);
		else
			put_nested(&b.in, kind, depth, clause);
		build_str(&b.in, TAG_ContourData, VR_DS, "7.25\\8"); /* behind it all */
		ck_assert_int_eq(bench_apply(&b), OK);
		const struct uid mapped = anon_uid(ANON_KEY, BYTES_LIT(UID));
		const char *there = clauses[clause].there, *gone = clauses[clause].gone;
		if (there != NULL && strcmp(there, "uid") == 0)
			there = mapped.text;
		ck_assert_msg(gone == NULL || !bench_holds(&b, bytes_str(gone)),
			      "(%08X) \"%s\" stays at depth %u, kind %u", clauses[clause].tag, gone,
			      depth, (unsigned)kind);
		ck_assert_msg(there == NULL || bench_holds(&b, bytes_str(there)),
			      "(%08X) no \"%s\" at depth %u, kind %u", clauses[clause].tag, there,
			      depth, (unsigned)kind);
		ck_assert(bench_holds(&b, BYTES_LIT("6586.2")));
		bench_text_is(&b, TAG_ContourData, "7.25\\8");
		ck_assert_uint_eq(bench_new_notes(&b), 0);
		bench_close(&b);
	}
}
END_TEST

/* Pixel data below the top is nobody's to clean, and goes. */
START_TEST(test_pixels)
{
	struct anon_bench b;

	bench_open(&b, ANON_BASIC, 0, bench_syntaxes[_i]);
	bench_front(&b, ANON_CT);
	build_sequence(&b.in, NEST);
	build_item(&b.in);
	build_str(&b.in, TAG_RadionuclideHalfLife, VR_DS, "6586.2");
	build_bytes(&b.in, TAG_PixelData, VR_OW, BYTES_LIT("an icon."));
	build_item_end(&b.in);
	build_sequence_end(&b.in);
	build_bytes(&b.in, TAG_PixelData, VR_OW, BYTES_LIT("pixels"));
	ck_assert_int_eq(bench_apply(&b), OK);
	ck_assert(bench_holds(&b, BYTES_LIT("6586.2")) && !bench_holds(&b, BYTES_LIT("an icon.")));
	ck_assert(b.out.has_pixels);
	bench_close(&b);
}
END_TEST

/* Registered UIDs stay, every one of the table; what somebody minted below the same root does not
 * (R7). */
START_TEST(test_well_known)
{
	static const char *const minted[] = {
		"1.2.840.10008.5.1.4.1.1.2.20200301",
		"1.2.840.10008.123456",
		"1.2.840.10008.5.SMITH",
		"1.2.840.10008.5.1.4.1.1.2.1.2.3.4.5.6.7.8",
		"1.2.840.10008.",
		"1.2.840.10008",
		"1.2.840.100081.2",
		"1.2.840.10009.1.1",
	};
	FILE *in = fopen("tables/wellknown_uids.tsv", "r");
	char line[500];
	unsigned count = 0;

	ck_assert_ptr_nonnull(in);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), in));
	for (; fgets(line, sizeof(line), in) != NULL; count++) {
		line[strcspn(line, "\t\n")] = '\0';
		const struct uid mapped = anon_uid_mapped(ANON_KEY, bytes_str(line));
		ck_assert_str_eq(mapped.text, line);
	}
	fclose(in);
	ck_assert_uint_eq(count, 494);
	const struct uid plain = anon_uid(ANON_KEY, BYTES_LIT("1.2.3.4"));
	const struct uid padded = anon_uid(ANON_KEY, BYTES_LIT(" 1.2.3.4 \0"));
	ck_assert(uid_eq(&plain, &padded)); /* R8 */
	for (size_t i = 0; i < sizeof(minted) / sizeof(minted[0]); i++) {
		const struct uid mapped = anon_uid_mapped(ANON_KEY, bytes_str(minted[i]));
		ck_assert_msg(memcmp(mapped.text, "2.25.", 5) == 0, "%s stays", minted[i]);
		ck_assert(!anon_uid_is_well_known(bytes_str(minted[i])));
	}
}
END_TEST

/* In implicit VR nobody says what a private attribute is: what can only be a UID or a date goes. */
static const struct {
	const char *value;
	unsigned options;
	bool stays;
} unknown[] = {
	{"1.5\\2.5\\-3", 0, true},
	{"12345679", 0, true},
	{"B30f strong", 0, true},
	{"10.5", 0, true},
	{UID, 0, false},
	{UID " ", 0, false},
	{UID, ANON_RETAIN_UIDS, true},
	{"20200301", 0, false},
	{"20200301", SHIFT, false},
	{"20200301", ANON_RETAIN_FULL_DATES, true},
	{"20200301101500.5", SHIFT, false},
	{"2020.03.01", SHIFT, false},
	{"good for SMITH", 0, false},
};

START_TEST(test_unknown)
{
	struct anon_bench b;

	bench_open(&b, ANON_BASIC, unknown[_i].options | ANON_RETAIN_SAFE_PRIVATE,
		   &syntax_implicit_le);
	bench_policy(&b, safe, 2);
	bench_words(&b, "SMITH^JOHN");
	bench_front(&b, ANON_CT);
	build_str(&b.in, CREATOR, VR_LO, "ACME");
	build_str(&b.in, PRIVATE, VR_LO, unknown[_i].value);
	ck_assert_int_eq(bench_apply(&b), OK);
	ck_assert_msg(bench_absent(&b, PRIVATE) != unknown[_i].stays, "%s", unknown[_i].value);
	bench_close(&b);
}
END_TEST

/* What is `inside` becomes an item of a sequence, with the creator of private ones where `private`.
 */
static void wrap(struct build *inside, bool private)
{
	struct build outer;

	build_init(&outer, &syntax_implicit_le, 1u << 16);
	if (private)
		build_str(&outer, CREATOR, VR_LO, "ACME");
	build_sequence(&outer, private ? PRIVATE : NEST);
	build_item(&outer);
	buf_add(&outer.out, buf_bytes(&inside->out));
	build_item_end(&outer);
	build_sequence_end(&outer);
	build_free(inside);
	*inside = outer;
}

/* A source that may keep private sequences, and the innermost of what will be in them. */
static void hidden_open(struct anon_bench *b, struct build *inside)
{
	bench_open(b, ANON_BASIC, ANON_RETAIN_SAFE_PRIVATE, &syntax_implicit_le);
	bench_policy(b, safe, 2);
	bench_front(b, ANON_CT);
	build_init(inside, &syntax_implicit_le, 1u << 16);
	build_str(inside, TAG_InstitutionName, VR_LO, "Lichthaus");
}

static void hidden_put(struct anon_bench *b, struct build *inside)
{
	buf_add(&b->in.out, buf_bytes(&inside->out));
	build_free(inside);
}

/* Private sequences hide in each other, each in an element of its own: as many as can be judged,
 * and not one more. */
START_TEST(test_hidden_limit)
{
	unsigned levels = VISIT_WALKERS - 1 + (unsigned)_i;
	struct build inner;
	struct anon_bench b;

	hidden_open(&b, &inner);
	for (unsigned i = 0; i < levels; i++)
		wrap(&inner, true);
	hidden_put(&b, &inner);
	ck_assert_int_eq(bench_apply(&b), _i == 0 ? OK : ERR_LIMIT);
	ck_assert(_i != 0 || !bench_holds(&b, BYTES_LIT("Lichthaus")));
	bench_close(&b);
}
END_TEST

/* A value that is too long for its VR, in a sequence that gets VRs: UN, and whole. */
START_TEST(test_long)
{
	static char numbers[70001];
	struct anon_bench b;
	struct build items;

	memset(numbers, '7', sizeof(numbers) - 1);
	for (size_t i = 9; i < sizeof(numbers) - 1; i += 10)
		numbers[i] = '\\';
	bench_open(&b, ANON_BASIC, 0, &syntax_explicit_le);
	bench_front(&b, ANON_CT);
	build_init(&items, &syntax_implicit_le, 1u << 20);
	build_sequence(&items, NEST);
	build_item(&items);
	build_str(&items, TAG_RadionuclideHalfLife, VR_DS, "6586.2");
	build_str(&items, TAG_ContourData, VR_DS, numbers);
	build_item_end(&items);
	build_sequence_end(&items);
	build_bytes(&b.in, NEST, VR_OB, bytes_slice(buf_bytes(&items.out), 8, items.out.len - 8));
	build_free(&items);
	ck_assert_int_eq(bench_apply(&b), OK);
	const struct elem *item = dset_first(&b.d, dset_find(&b.d, NULL, NEST));
	ck_assert(bytes_eq_str(dset_text(&b.d, item, TAG_RadionuclideHalfLife), "6586.2"));
	ck_assert(bytes_eq_str(dset_text(&b.d, item, TAG_ContourData), numbers));
	bench_close(&b);
}
END_TEST

/* What a sequence asks of its texts it asks of those in the sequences in it, too. */
static const struct {
	uint32_t sequence;
	unsigned options;
	const char *want;
} inherited[] = {
	{NEST, 0, "seen 20200301"}, /* kept, but for the patient's words */
	{TAG_GraphicAnnotationSequence, 0, "ANONYMIZED"},
	{TAG_ContentSequence, 0, "ANONYMIZED"},
	{TAG_ContentSequence, ANON_CLEAN_STRUCTURED, "seen"},
};

START_TEST(test_inherited)
{
	struct anon_bench b;

	bench_open(&b, ANON_BASIC, inherited[_i].options, &syntax_explicit_le);
	bench_front(&b, ANON_PET);
	build_sequence(&b.in, inherited[_i].sequence);
	build_item(&b.in);
	build_sequence(&b.in, NEST);
	build_item(&b.in);
	build_str(&b.in, TAG_ConvolutionKernel, VR_SH, "seen 20200301");
	build_item_end(&b.in);
	build_sequence_end(&b.in);
	build_item_end(&b.in);
	build_sequence_end(&b.in);
	ck_assert_int_eq(bench_apply(&b), OK);
	const struct elem *item = dset_first(&b.d, dset_find(&b.d, NULL, inherited[_i].sequence));
	item = dset_first(&b.d, dset_find(&b.d, item, NEST));
	ck_assert(bytes_eq_str(dset_text(&b.d, item, TAG_ConvolutionKernel), inherited[_i].want));
	bench_close(&b);
}
END_TEST

/* Every VR has a dummy that is one of its values (R6). */
static const struct {
	enum vr vr;
	uint32_t tag;
	const char *made_of; /* NULL: bytes, as many as one value has */
	size_t len;          /* exactly; 0: up to what the VR allows */
} dummies[] = {
	{VR_AE, TAG_StationAETitle, "ANONYMIZED", 0},
	{VR_AS, TAG_PatientAge, "0123456789DWMY", 4},
	{VR_AT, TAG_FrameIncrementPointer, NULL, 4},
	{VR_CS, TAG_Modality, "ANONYMIZED", 0},
	{VR_DA, TAG_StudyDate, "0123456789", 8},
	{VR_DS, TAG_SliceThickness, "0123456789.", 0},
	{VR_DT, TAG_AcquisitionDateTime, "0123456789", 14},
	{VR_FD, TAG_RecommendedDisplayFrameRateInFloat, NULL, 4}, /* which is FL */
	{VR_FD, TAG_DiffusionBValue, NULL, 8},
	{VR_IS, TAG_InstanceNumber, "0123456789", 0},
	{VR_LO, TAG_Manufacturer, "ANONYMIZED", 0},
	{VR_LT, TAG_PatientComments, "ANONYMIZED", 0},
	{VR_OB, TAG_MACParametersSequence, NULL, 2}, /* no sequence, then */
	{VR_OB, TAG_PrivateInformation, NULL, 2},
	{VR_PN, TAG_PatientName, "ANONYMIZED", 0},
	{VR_SH, TAG_StationName, "ANONYMIZED", 0},
	{VR_SL, TAG_ReferencePixelX0, NULL, 4},
	{VR_SS, TAG_OverlayOrigin, NULL, 2},
	{VR_ST, TAG_InstitutionAddress, "ANONYMIZED", 0},
	{VR_TM, TAG_StudyTime, "0123456789", 6},
	{VR_UC, TAG_LongCodeValue, "ANONYMIZED", 0},
	{VR_UL, TAG_RegionFlags, NULL, 4},
	{VR_UR, TAG_StorageURL, "urn:anonymized", 0},
	{VR_US, TAG_Rows, NULL, 2},
	{VR_UT, TAG_TextValue, "ANONYMIZED", 0},
};

START_TEST(test_dummies)
{
	static struct value_maker m;
	struct anon_bench b;
	struct bytes value;
	const struct token t = {.kind = TOK_ELEMENT,
				.tag = dummies[_i].tag,
				.vr = dummies[_i].vr,
				.value = BYTES_LIT("SMITHERS")};
	const struct value_job job = {.token = &t, .decision = {.act = ACT_DUMMY}};
	const struct vr_info *info = vr_info(dummies[_i].vr);

	bench_open(&b, ANON_BASIC, 0, &syntax_explicit_le);
	ck_assert_int_eq(value_open(&m, b.policy, &b.patient, &b.f), OK);
	ck_assert_int_eq(value_make(&m, &job, &value), VALUE_NEW);
	if (dict_vr(t.tag) == VR_SQ) {
		ck_assert_uint_eq(value.len, 0);
	} else {
		ck_assert_uint_gt(value.len, 0);
		ck_assert(dummies[_i].len == 0 || value.len == dummies[_i].len);
		ck_assert(info->max_len == 0 || value.len <= info->max_len);
		for (size_t i = 0; i < value.len; i++)
			ck_assert(dummies[_i].made_of == NULL
					  ? value.at[i] == 0
					  : strchr(dummies[_i].made_of, value.at[i]) != NULL);
	}
	bench_close(&b);
}
END_TEST

/* Sixty in each of several that hide in each other: no walker is too deep, all of them together
 * are. */
START_TEST(test_deep_hidden)
{
	unsigned hidden = 1 + (unsigned)_i;
	struct anon_identity who;
	struct anon_bench b;
	struct build inner;

	hidden_open(&b, &inner);
	for (unsigned i = 0; i < 60 * (hidden + 1); i++)
		wrap(&inner, i % 60 == 59 && i != 60 * (hidden + 1) - 1);
	hidden_put(&b, &inner);
	const struct identity_source source = {buf_bytes(&b.in.out), b.in.syntax, b.policy};
	ck_assert_int_eq(identity_collect(&source, &who, &b.patient.words, &b.a, &b.f),
			 hidden == 1 ? OK : ERR_LIMIT);
	ck_assert_int_eq(bench_apply(&b), hidden == 1 ? OK : ERR_LIMIT);
	ck_assert(hidden != 1 || !bench_holds(&b, BYTES_LIT("Lichthaus")));
	bench_close(&b);
}
END_TEST

#define LENGTH(list) (int)(sizeof(list) / sizeof(list[0]))

Suite *suite_anon_depth(void)
{
	Suite *s = suite_create("anon_depth");
	TCase *tc = tcase_create("depth");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_clauses, 0, 3 * LENGTH(clauses));
	tcase_add_loop_test(tc, test_pixels, 0, 3);
	tcase_add_test(tc, test_well_known);
	tcase_add_loop_test(tc, test_unknown, 0, LENGTH(unknown));
	tcase_add_test(tc, test_long);
	tcase_add_loop_test(tc, test_inherited, 0, LENGTH(inherited));
	tcase_add_loop_test(tc, test_dummies, 0, LENGTH(dummies));
	tcase_add_loop_test(tc, test_hidden_limit, 0, 2);
	tcase_add_loop_test(tc, test_deep_hidden, 0, 2);
	suite_add_tcase(s, tc);
	return s;
}
