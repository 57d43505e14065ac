/*
 * Kept text through anon/apply: in the character set of its item, without the words of persons and
 * the names of institutions.
 */
#include <check.h>
#include <string.h>

#include "anon/apply.h"
#include "anon/identity.h"
#include "dicom/charset.h"
#include "support/anon.h"

Suite *suite_anon_text(void);

#define NEST TAG_RadiopharmaceuticalInformationSequence /* kept */

/* ---- character sets ---- */

static const struct {
	const char *name, *charset, *person, *text, *want;
} charsets[] = {
	{"Latin 1", "ISO_IR 100", "M\xFCller^J\xF6rg", "Bein von M\xFCller", "Bein von"},
	{"accents do not hide a name", "ISO_IR 192", "Müller^Jörg", "Bein von MULLER", "Bein von"},
	{"UTF-8", "ISO_IR 192", "山田^太郎", "頭部 山田", "頭部"},
	{"GB18030", "GB18030", "\xCD\xF5\xD0\xA1\xB6\xAB^X", "\xCD\xB7 \xCD\xF5\xD0\xA1\xB6\xAB",
	 "\xCD\xB7"},
	{"ISO 2022 IR 87", "\\ISO 2022 IR 87", "Yamada^Tarou=\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B",
	 "CT \x1B$B;3ED\x1B(B", "CT"},
	{"Cyrillic", "ISO_IR 144", "\xBB\xEE\xDA\xD5\xDC\xD1\xE3\xE0\xD3",
	 "\xBD\xDE\xD3\xD0 \xBB\xEE\xDA\xD5\xDC\xD1\xE3\xE0\xD3", "\xBD\xDE\xD3\xD0"},
};

static void add_words_of(struct anon_bench *b, const char *charset, const char *person)
{
	const struct charset set = charset_parse(bytes_str(charset));
	struct buf utf8 = BUF_INIT(1000);

	charset_to_utf8(&set, VR_PN, bytes_str(person), &utf8);
	ck_assert_int_eq(words_add(&b->patient.words, buf_bytes(&utf8), &b->a, &b->f), OK);
	buf_free(&utf8);
}

START_TEST(test_charset)
{
	struct anon_bench b;

	bench_open(&b, ANON_BASIC, ANON_CLEAN_DESCRIPTORS, bench_syntaxes[_i % 3]);
	unsigned i = (unsigned)_i / 3;
	add_words_of(&b, charsets[i].charset, charsets[i].person);
	build_str(&b.in, TAG_SpecificCharacterSet, VR_CS, charsets[i].charset);
	bench_front(&b, ANON_CT);
	build_str(&b.in, TAG_SeriesDescription, VR_LO, charsets[i].text);
	build_str(&b.in, TAG_OperatorsName, VR_PN, charsets[i].person);
	ck_assert_int_eq(bench_apply(&b), OK);
	bench_text_is(&b, TAG_SpecificCharacterSet, charsets[i].charset);
	bench_text_is(&b, TAG_SeriesDescription, charsets[i].want);
	bench_close(&b);
}
END_TEST

/* An item may have a character set of its own, and the one behind it has not. */
START_TEST(test_item_charset)
{
	struct anon_bench b;

	bench_open(&b, ANON_BASIC, ANON_CLEAN_DESCRIPTORS, bench_syntaxes[_i]);
	bench_words(&b, "Müller");
	build_str(&b.in, TAG_SpecificCharacterSet, VR_CS, "ISO_IR 100");
	bench_front(&b, ANON_CT);
	build_sequence(&b.in, NEST);
	build_item(&b.in);
	build_str(&b.in, TAG_SpecificCharacterSet, VR_CS, "ISO_IR 192");
	build_str(&b.in, TAG_SeriesDescription, VR_LO, "één Müller");
	build_item_end(&b.in);
	build_item(&b.in);
	build_str(&b.in, TAG_SeriesDescription, VR_LO, "\xE9\xE9n M\xFCller");
	build_item_end(&b.in);
	build_sequence_end(&b.in);
	build_str(&b.in, TAG_PositionReferenceIndicator, VR_LO, "M\xFCller"); /* disordered */
	ck_assert_int_eq(bench_apply(&b), OK);
	const struct elem *nested = dset_find(&b.d, NULL, NEST), *item = dset_first(&b.d, nested);
	ck_assert(bytes_eq_str(dset_text(&b.d, item, TAG_SeriesDescription), "één"));
	item = dset_next(&b.d, nested, item);
	ck_assert(bytes_eq_str(dset_text(&b.d, item, TAG_SeriesDescription), "\xE9\xE9n"));
	bench_text_is(&b, TAG_PositionReferenceIndicator, "ANONYMIZED");
	bench_close(&b);
}
END_TEST

/* The character set behind text that depends on it: read in one way here, in another by others. */
static const struct {
	const char *name, *outside, *before, *charset;
	bool nested; /* the text is in a sequence of the item */
	enum err want;
} late[] = {
	{"ASCII before it", "ISO_IR 100", "plain", "ISO_IR 192", false, OK},
	{"the same one", "ISO_IR 192", "\xC3\xA9", "ISO_IR 192 ", false, OK},
	{"another one", "ISO_IR 100", "\xC3\xA9", "ISO_IR 192", false, ERR_UNUSABLE},
	{"text in a sequence before it", "ISO_IR 100", "\xC3\xA9", "ISO_IR 192", true,
	 ERR_UNUSABLE},
	{"an escape", "", "\x1B$B;3ED\x1B(B", "ISO 2022 IR 87", false, ERR_UNUSABLE},
	{"one that is empty", "ISO_IR 100", "\xE9", "", false, ERR_UNUSABLE},
};

START_TEST(test_late_charset)
{
	struct anon_bench b;

	bench_open(&b, ANON_BASIC, ANON_CLEAN_DESCRIPTORS, &syntax_explicit_le);
	build_str(&b.in, TAG_SpecificCharacterSet, VR_CS, late[_i].outside);
	bench_front(&b, ANON_CT);
	build_sequence(&b.in, NEST);
	build_item(&b.in);
	if (late[_i].nested) {
		build_sequence(&b.in, NEST);
		build_item(&b.in);
	}
	build_str(&b.in, TAG_PositionReferenceIndicator, VR_LO, late[_i].before);
	if (late[_i].nested) {
		build_item_end(&b.in);
		build_sequence_end(&b.in);
	}
	build_str(&b.in, TAG_SpecificCharacterSet, VR_CS, late[_i].charset);
	build_item_end(&b.in);
	build_item(&b.in); /* the next item begins anew */
	build_str(&b.in, TAG_SpecificCharacterSet, VR_CS, "ISO_IR 101");
	build_item_end(&b.in);
	build_sequence_end(&b.in);
	enum err e = bench_apply(&b);
	ck_assert_msg(e == late[_i].want, "%s: %d", late[_i].name, (int)e);
	bench_close(&b);
}
END_TEST

/* ---- structure sets ---- */

START_TEST(test_structure_set)
{
	static const char contour[] = "1.50\\-2.25 \\ 3\\4.000000001\\5e1\\6";
	const struct bytes names[] = {BYTES_LIT("BRAIN"), BYTES_LIT("ROI_2")};
	struct anon_bench b;

	bench_open(&b, ANON_RESEARCH, ANON_RESEARCH_OPTIONS, bench_syntaxes[_i]);
	bench_words(&b, "SMITH^JOHN");
	b.roi_names = names;
	b.roi_count = 2;
	bench_front(&b, ANON_RTSTRUCT);
	build_str(&b.in, TAG_StructureSetLabel, VR_SH, "SMITH plan");
	build_sequence(&b.in, TAG_StructureSetROISequence);
	for (unsigned i = 0; i < 3; i++) {
		build_item(&b.in);
		build_str(&b.in, TAG_ROINumber, VR_IS, "1");
		build_str(&b.in, TAG_ReferencedFrameOfReferenceUID, VR_UI, "1.2.3.5");
		build_str(&b.in, TAG_ROIName, VR_LO, i == 0 ? "BRAIN" : "SMITH GTV");
		build_item_end(&b.in);
	}
	build_sequence_end(&b.in);
	build_sequence(&b.in, TAG_ROIContourSequence);
	build_item(&b.in);
	build_sequence(&b.in, TAG_ContourSequence);
	build_item(&b.in);
	build_str(&b.in, TAG_ContourData, VR_DS, contour);
	build_item_end(&b.in);
	build_sequence_end(&b.in);
	build_item_end(&b.in);
	build_sequence_end(&b.in);
	ck_assert_int_eq(bench_apply(&b), OK);
	ck_assert_uint_eq(bench_new_notes(&b), 0);
	ck_assert(!bench_holds(&b, BYTES_LIT("SMITH")) && !bench_holds(&b, BYTES_LIT("12345678")));
	const struct elem *rois = dset_find(&b.d, NULL, TAG_StructureSetROISequence);
	const struct elem *item = dset_first(&b.d, rois);
	ck_assert(bytes_eq_str(dset_text(&b.d, item, TAG_ROIName), "BRAIN"));
	item = dset_next(&b.d, rois, item);
	ck_assert(bytes_eq_str(dset_text(&b.d, item, TAG_ROIName), "ROI_2"));
	item = dset_next(&b.d, rois, item); /* no name was chosen for it */
	ck_assert_uint_eq(dset_find(&b.d, item, TAG_ROIName)->len, 0);
	ck_assert(bench_holds(&b, bytes_str(contour)));
	bench_text_is(&b, TAG_StructureSetLabel, "plan");
	bench_close(&b);
}
END_TEST

/* Numbers are looked at sixteen at once: whatever stands among them is seen at every place. */
START_TEST(test_long_numbers)
{
	static const char numbers[] = "1.25\\-7\\0.5\\12.75\\-300.00\\1e3\\+4\\ 8\\9.125\\-6.5\\77";

	for (size_t i = 0; i < sizeof(numbers); i++) { /* the last: nothing */
		char text[sizeof(numbers)];
		struct anon_bench b;

		memcpy(text, numbers, sizeof(text));
		if (i + 1 < sizeof(numbers))
			text[i] = i % 2 == 0 ? 'S' : '^';
		bench_open(&b, ANON_BASIC, 0, &syntax_explicit_le);
		bench_front(&b, ANON_RTSTRUCT);
		build_str(&b.in, TAG_ContourData, VR_DS, text);
		ck_assert_int_eq(bench_apply(&b), OK);
		bench_text_is(&b, TAG_ContourData, i + 1 < sizeof(numbers) ? "" : numbers);
		bench_close(&b);
	}
}
END_TEST

/* ---- institutions and devices ---- */

/* InstitutionName, and a text that is kept; NULL: unchanged. */
static const struct {
	const char *institution, *text, *want;
	uint32_t tag;
} phrases[] = {
	{"Saint Mary Hospital", "Saint Mary Hospital pelvis", "pelvis", TAG_SeriesDescription},
	{"Saint Mary Hospital", "CT SAINT-MARY HOSPITAL", "CT", TAG_SeriesDescription},
	{"Saint Mary Hospital", "Saint Mary protocol", "protocol", TAG_SeriesDescription},
	{"Saint Mary Hospital", "the hospital bed", NULL, TAG_SeriesDescription},
	{"Saint Mary Hospital", "saintmarylike", NULL, TAG_SeriesDescription},
	{"Universit\xC3\xA4tsklinikum Freiburg", "Becken Freiburg", "Becken",
	 TAG_SeriesDescription},
	{"Universit\xC3\xA4tsklinikum Freiburg", "UNIVERSITATSKLINIKUM FREIBURG", "ANONYMIZED",
	 TAG_SeriesDescription},
	{"Heart Hospital", "Heart gated", NULL, TAG_SeriesDescription},
	{"Radiology Department", "Radiology Department chest", NULL, TAG_SeriesDescription},
	{"ACME", "ACME scan", "scan", TAG_SeriesDescription},
	{"ACME", "ACME", NULL, TAG_Manufacturer}, /* who made it */
	{"ACME", "ACME 500", NULL, TAG_ManufacturerModelName},
	{"ACME", "ACMEFIELD", NULL, TAG_SeriesDescription},
	{"ACME", "ACME\\OTHER", "\\OTHER", TAG_ScanOptions}, /* terms */
	{"ACM", "ACM scan", NULL, TAG_SeriesDescription},    /* three letters are anything */
};

static void collect_words(struct anon_bench *b)
{
	struct anon_identity who;
	const struct identity_source source = {buf_bytes(&b->in.out), b->in.syntax, b->policy};

	ck_assert_int_eq(identity_collect(&source, &who, &b->patient.words, &b->a, &b->f), OK);
}

START_TEST(test_phrases)
{
	struct anon_bench b;

	bench_open(&b, ANON_BASIC, ANON_CLEAN_DESCRIPTORS, bench_syntaxes[_i % 3]);
	unsigned i = (unsigned)_i / 3;
	build_str(&b.in, TAG_SpecificCharacterSet, VR_CS, "ISO_IR 192");
	bench_front(&b, ANON_CT);
	build_str(&b.in, TAG_InstitutionName, VR_LO, phrases[i].institution);
	build_str(&b.in, phrases[i].tag, phrases[i].tag == TAG_ScanOptions ? VR_CS : VR_LO,
		  phrases[i].text);
	collect_words(&b);
	ck_assert_int_eq(bench_apply(&b), OK);
	bench_text_is(&b, phrases[i].tag,
		      phrases[i].want != NULL ? phrases[i].want : phrases[i].text);
	bench_close(&b);
}
END_TEST

/* A site code with letters of its own, in the character sets of an object and of an item of it. */
static const struct {
	const char *outside, *inside, *want, *want_inside;
} pseudonyms[] = {
	{"ISO_IR 192", "ISO_IR 100", "Z\xC3\xBCrich_0001", "Z\xFCrich_0001"},
	{"ISO_IR 100", "ISO_IR 192", "Z\xFCrich_0001", "Z\xC3\xBCrich_0001"},
	{"ISO_IR 100", "GB18030", "Z\xFCrich_0001", "Z\xA8\xB9rich_0001"},
	{"ISO_IR 144", "ISO_IR 101", "Z?rich_0001", "Z\xFCrich_0001"},
	{"", "ISO_IR 100", "Z?rich_0001", "Z\xFCrich_0001"},
};

START_TEST(test_pseudonyms)
{
	struct anon_bench b;
	unsigned i = (unsigned)_i / 3;

	bench_open(&b, ANON_NETRT, 0, bench_syntaxes[_i % 3]);
	strcpy(b.patient.id, "Z\xC3\xBCrich_0001");
	strcpy(b.patient.name, "Z\xC3\xBCrich_0001");
	if (pseudonyms[i].outside[0] != '\0')
		build_str(&b.in, TAG_SpecificCharacterSet, VR_CS, pseudonyms[i].outside);
	bench_front(&b, ANON_CT);
	build_str(&b.in, TAG_PatientName, VR_PN, "SMITH^JOHN");
	build_str(&b.in, TAG_PatientID, VR_LO, "1234");
	build_sequence(&b.in, NEST);
	build_item(&b.in);
	build_str(&b.in, TAG_SpecificCharacterSet, VR_CS, pseudonyms[i].inside);
	build_str(&b.in, TAG_PatientName, VR_PN, "SMITH^JOHN");
	build_str(&b.in, TAG_PatientID, VR_LO, "1234");
	build_item_end(&b.in);
	build_sequence_end(&b.in);
	ck_assert_int_eq(bench_apply(&b), OK);
	bench_text_is(&b, TAG_PatientName, pseudonyms[i].want);
	bench_text_is(&b, TAG_PatientID, pseudonyms[i].want);
	const struct elem *item = dset_first(&b.d, dset_find(&b.d, NULL, NEST));
	ck_assert(bytes_eq_str(dset_text(&b.d, item, TAG_PatientName), pseudonyms[i].want_inside));
	ck_assert(bytes_eq_str(dset_text(&b.d, item, TAG_PatientID), pseudonyms[i].want_inside));
	bench_close(&b);
}
END_TEST

/* The longest one, whose escape sequences make it longer still, ends in its number. */
START_TEST(test_long_pseudonym)
{
	struct anon_bench b;

	bench_open(&b, ANON_BASIC, 0, bench_syntaxes[_i]);
	for (unsigned n = 0; n < 13; n++)
		strcat(b.patient.id, "\xE5\xB1\xB1"
				     "a");
	memmove(b.patient.id, b.patient.id + strlen("SITE_0001"), 53);
	strcat(b.patient.id, "_0001_2024");
	build_str(&b.in, TAG_SpecificCharacterSet, VR_CS, "\\ISO 2022 IR 87");
	bench_front(&b, ANON_CT);
	build_str(&b.in, TAG_PatientID, VR_LO, "1234");
	ck_assert_int_eq(bench_apply(&b), OK);
	struct bytes id = dset_text(&b.d, NULL, TAG_PatientID);
	ck_assert_uint_eq(id.len, 13 * (3 + 2 + 3 + 1) + 10);
	ck_assert(memcmp(id.at + id.len - 10, "_0001_2024", 10) == 0);
	bench_close(&b);
}
END_TEST

/* Somebody is called as a maker of scanners: the block that this one reserves stays readable. */
START_TEST(test_creator)
{
	static const struct anon_safe safe[] = {{{(const uint8_t *)"ACME", 4}, 0x0019, 0x10}};
	struct anon_bench b;

	bench_open(&b, ANON_BASIC, ANON_RETAIN_SAFE_PRIVATE, bench_syntaxes[_i]);
	bench_policy(&b, safe, 1);
	bench_words(&b, "ACME^JOHN");
	bench_front(&b, ANON_CT);
	build_str(&b.in, 0x00190010, VR_LO, "ACME");
	build_str(&b.in, 0x00191010, VR_LO, "by ACME");
	build_str(&b.in, 0x00191011, VR_LO, "not safe");
	ck_assert_int_eq(bench_apply(&b), OK);
	bench_text_is(&b, 0x00190010, "ACME");
	if (b.in.syntax->explicit_vr) /* else nobody knows that it is text */
		bench_text_is(&b, 0x00191010, "by");
	ck_assert(bench_absent(&b, 0x00191011));
	bench_close(&b);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

Suite *suite_anon_text(void)
{
	Suite *s = suite_create("anon_text");
	TCase *t = tcase_create("text");

	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, test_charset, 0, 3 * ROWS(charsets));
	tcase_add_loop_test(t, test_item_charset, 0, 3);
	tcase_add_loop_test(t, test_late_charset, 0, ROWS(late));
	tcase_add_loop_test(t, test_structure_set, 0, 3);
	tcase_add_test(t, test_long_numbers);
	tcase_add_loop_test(t, test_phrases, 0, 3 * ROWS(phrases));
	tcase_add_loop_test(t, test_pseudonyms, 0, 3 * ROWS(pseudonyms));
	tcase_add_loop_test(t, test_long_pseudonym, 0, 3);
	tcase_add_loop_test(t, test_creator, 0, 3);
	suite_add_tcase(s, t);
	return s;
}
