/*
 * anon/verify: every form of what is forbidden is found wherever it stands; and nothing is found
 * where nothing is said.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/verify_fixture.h"

Suite *suite_anon_verify(void);

/* Where a string may be planted. */
enum place {
	IN_TEXT,
	IN_LONG_TEXT,
	IN_ITEM,
	IN_PRIVATE,
	IN_BYTES,
	IN_UN_SEQUENCE,
	IN_PREAMBLE,
	IN_META,
	PLACES
};

static void plant(struct work *w, struct bytes what, enum place place)
{
	struct build out;

	file_begin(w, &out, &syntax_explicit_le);
	if (place == IN_TEXT)
		build_text(&out, TAG_SeriesDescription, VR_LO, what);
	if (place == IN_LONG_TEXT) {
		struct buf text = BUF_INIT(10000);

		for (unsigned i = 0; i < 300; i++)
			buf_str(&text, "pelvis, ");
		buf_add(&text, what);
		buf_str(&text, " and so on");
		build_text(&out, TAG_ImageComments, VR_LT, buf_bytes(&text));
		buf_free(&text);
	}
	if (place == IN_PRIVATE)
		build_bytes(&out, 0x00091010, VR_UN, what);
	if (place == IN_BYTES)
		build_bytes(&out, TAG_ICCProfile, VR_OB, what);
	if (place == IN_ITEM || place == IN_UN_SEQUENCE) {
		struct build items;

		build_init(&items, place == IN_ITEM ? &syntax_explicit_le : &syntax_implicit_le,
			   4096);
		build_sequence(&items, NEST);
		build_item(&items);
		build_text(&items, TAG_SeriesDescription, VR_LO, what);
		build_item_end(&items);
		build_sequence_end(&items);
		if (place == IN_ITEM)
			buf_add(&out.out, buf_bytes(&items.out));
		else
			build_bytes(&out, NEST, VR_UN,
				    bytes_slice(buf_bytes(&items.out), 8, items.out.len - 8));
		build_free(&items);
	}
	buf_add(&w->file, buf_bytes(&out.out));
	build_free(&out);
	if (place == IN_PREAMBLE)
		memcpy(w->file.at + 10, what.at, what.len < 100 ? what.len : 100);
	if (place == IN_META) { /* over the implementation's version name */
		uint8_t *name = memmem(w->file.at, w->file.len, IMPLEMENTATION_VERSION,
				       sizeof(IMPLEMENTATION_VERSION) - 1);

		ck_assert_ptr_nonnull(name);
		memset(name, ' ', sizeof(IMPLEMENTATION_VERSION) - 1);
		memcpy(name, what.at,
		       what.len < sizeof(IMPLEMENTATION_VERSION) - 1
			       ? what.len
			       : sizeof(IMPLEMENTATION_VERSION) - 1);
	}
}

#define LIT(s)                                         \
	{                                              \
		(const uint8_t *)("" s), sizeof(s) - 1 \
	}

static const struct {
	const char *name, *charset, *person;
	struct bytes planted;
	uint32_t tag; /* whose value it is */
	bool brief;   /* not in bytes */
} forms[] = {
	{"a name", NULL, "SMITHSON^JOHN", LIT("SMITHSON^JOHN"), TAG_PatientName, false},
	{"a component", NULL, "SMITHSON^JOHN", LIT("SMITHSON"), TAG_PatientName, false},
	{"the other one", NULL, "SMITHSON^JOHN", LIT("JOHN"), TAG_PatientName, true},
	{"with blanks", NULL, "SMITHSON^JOHN", LIT("JOHN SMITHSON"), TAG_PatientName, false},
	{"in lower case", NULL, "SMITHSON^JOHN", LIT("smithson"), TAG_PatientName, false},
	{"as people write it", NULL, "SMITHSON^JOHN", LIT("Smithson"), TAG_PatientName, false},
	{"inside of a word", NULL, "SMITHSON^JOHN", LIT("GTVsmithson2"), TAG_PatientName, false},
	{"UTF-16, little endian", NULL, "SMITHSON^JOHN", LIT("S\0M\0I\0T\0H\0S\0O\0N\0"),
	 TAG_PatientName, false},
	{"UTF-16, big endian, other case", NULL, "SMITHSON^JOHN", LIT("\0s\0m\0i\0t\0h\0s\0o\0n"),
	 TAG_PatientName, false},
	{"an ID", NULL, "A^B", LIT("MRN12345678"), TAG_PatientID, false},
	{"an ID with padding", NULL, "A^B", LIT("  MRN12345678  "), TAG_PatientID, false},
	{"the second of two IDs", NULL, "A^B", LIT("4711"), TAG_OtherPatientIDs, true},
	{"a number", NULL, "A^B", LIT("(77443)"), TAG_AccessionNumber, true},
	{"a UID", NULL, "A^B", LIT(UID_OLD), TAG_SOPInstanceUID, false},
	{"a UID with padding", NULL, "A^B", LIT("1.2.840.113619.2.55.3.123\0"),
	 TAG_StudyInstanceUID, false},
	{"a date", NULL, "A^B", LIT("20200301"), TAG_StudyDate, false},
	{"a date with a time", NULL, "A^B", LIT("20200301101500.5"), TAG_StudyDate, false},
	{"the date of a date and time", NULL, "A^B", LIT("20190415"), TAG_AcquisitionDateTime,
	 false},
	{"a date as people write it", NULL, "A^B", LIT("1940-03-01"), TAG_PatientBirthDate, false},
	{"in American", NULL, "A^B", LIT("03/01/1940"), TAG_PatientBirthDate, false},
	{"in German", NULL, "A^B", LIT("01.03.1940"), TAG_PatientBirthDate, false},
	{"as ACR-NEMA had it", NULL, "A^B", LIT("1940.03.01"), TAG_PatientBirthDate, false},
	{"a physician", NULL, "A^B", LIT("Kovacs"), TAG_ReferringPhysicianName, false},
	{"Latin 1", "ISO_IR 100", "M\xFCllerin^J", LIT("M\xFCllerin"), TAG_PatientName, false},
	{"Latin 1 as UTF-8", "ISO_IR 100", "M\xFCllerin^J", LIT("Müllerin"), TAG_PatientName,
	 false},
	{"UTF-8 as Latin 1", "ISO_IR 192", "Müllerin^J", LIT("M\xFCllerin"), TAG_PatientName,
	 false},
	{"a station", NULL, "SMITH^J", LIT("Lichtung-3"), TAG_StationName, true},
	{"Latin 1 as UTF-16", "ISO_IR 100", "M\xFCllerin^J", LIT("M\0\xFC\0l\0l\0e\0r\0i\0n\0"),
	 TAG_PatientName, false},
	{"Japanese", "\\ISO 2022 IR 87", "Yamada^Tarou=\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B",
	 LIT("\x1B$B;3ED\x1B(B"), TAG_PatientName, false},
	{"Japanese as UTF-8", "\\ISO 2022 IR 87", "Yamada^Tarou=\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B",
	 LIT("山田"), TAG_PatientName, false},
	{"Chinese", "GB18030", "\xCD\xF5^\xD0\xA1\xB6\xAB", LIT("\xD0\xA1\xB6\xAB"),
	 TAG_PatientName, true},
	{"Chinese as UTF-8", "GB18030", "\xCD\xF5^\xD0\xA1\xB6\xAB", LIT("小东"), TAG_PatientName,
	 false},
};

static bool is_place_of(unsigned form, enum place place)
{
	if (place == IN_META) /* there is not much room */
		return forms[form].planted.len < sizeof(IMPLEMENTATION_VERSION) &&
		       forms[form].planted.at[0] != '\0';
	if (place == IN_TEXT || place == IN_ITEM || place == IN_UN_SEQUENCE)
		return true;
	return !forms[form].brief || (place != IN_BYTES && place != IN_PRIVATE);
}

START_TEST(test_found)
{
	for (enum place place = IN_TEXT; place < PLACES; place++) {
		struct work w;

		if (!is_place_of((unsigned)_i, place))
			continue;
		work_open(&w, ANON_BASIC, 0, forms[_i].charset, forms[_i].person);
		collect(&w);
		plant(&w, forms[_i].planted, place);
		enum err e = look(&w, NULL);
		ck_assert_msg(e == ERR_UNUSABLE, "%s, place %d: %d %s", forms[_i].name, place, e,
			      w.b.f.text);
		ck_assert_msg(w.hit.tag == forms[_i].tag, "%s: of (%08X)", forms[_i].name,
			      w.hit.tag);
		ck_assert_ptr_nonnull(w.hit.form);
		ck_assert_msg((w.hit.found_in == 0) == (place == IN_PREAMBLE || place == IN_META),
			      "%s, place %d: in (%08X)", forms[_i].name, place, w.hit.found_in);
		work_close(&w);
	}
}
END_TEST

/* In pixels, native or compressed, and behind them. */
START_TEST(test_pixels)
{
	struct bytes planted = BYTES_LIT("MRN12345678");
	struct work w;
	struct build out;
	uint8_t *pixels = calloc(1, 100000);

	ck_assert_ptr_nonnull(pixels);
	memcpy(pixels + 77777, planted.at, planted.len);
	work_open(&w, ANON_BASIC, 0, NULL, "A^B");
	collect(&w);
	file_begin(&w, &out, &syntax_explicit_le);
	if (_i == 2) {
		build_bytes(&out, TAG_PixelData, VR_OW, bytes_of(pixels, 1000));
		build_text(&out, 0x7FE11010, VR_LO, planted);
	} else {
		build_bytes(&out, TAG_PixelData, _i == 0 ? VR_OW : VR_OB, bytes_of(pixels, 100000));
	}
	ck_assert_int_eq(look(&w, &out), ERR_UNUSABLE);
	ck_assert_uint_eq(w.hit.found_in, _i == 2 ? 0x7FE11010 : TAG_PixelData);
	free(pixels);
	work_close(&w);
}
END_TEST

START_TEST(test_behind_the_end)
{
	struct work w;

	work_open(&w, ANON_BASIC, 0, NULL, "A^B");
	collect(&w);
	plant(&w, BYTES_LIT("pelvis"), IN_TEXT);
	ck_assert_int_eq(look(&w, NULL), OK);
	buf_add(&w.file, BYTES_LIT("MRN12345678"));
	ck_assert_int_ne(look(&w, NULL), OK);
	w.file.len = w.file.len / 2; /* cut in the middle: not whole */
	ck_assert_int_ne(look(&w, NULL), OK);
	w.file.len = 3;
	ck_assert_int_ne(look(&w, NULL), OK);
	work_close(&w);
}
END_TEST

/* ---- where nothing is said ---- */

static const struct {
	const char *name;
	uint32_t tag;
	enum vr vr;
	struct bytes value;
} innocent[] = {
	{"inside of a longer number", TAG_ImageComments, VR_LT, LIT("1774432 0774430")},
	{"at the end of one", TAG_ImageComments, VR_LT, LIT("177443 1.77443 -0.77443")},
	{"at the front of one", TAG_ImageComments, VR_LT, LIT("774431 77443.1")},
	{"decimals", TAG_ContourData, VR_DS, LIT("1.77443\\77443.5\\-4711.25\\0.4711")},
	{"a whole number in numbers", TAG_ContourData, VR_DS, LIT("4711\\77443")},
	{"inside of a longer UID", TAG_StudyInstanceUID, VR_UI,
	 LIT("2.25.1.2.3.20200301.987654.1")},
	{"at the front of one", TAG_StudyInstanceUID, VR_UI, LIT(UID_OLD "5")},
	{"in a UID", TAG_StudyInstanceUID, VR_UI, LIT("2.25.20200301.5")},
	{"a short name inside of a word", TAG_ImageComments, VR_LT, LIT("Johns johnny")},
	{"a short name in bytes", TAG_ICCProfile, VR_OB, LIT("\1JOHN\2\3")},
	{"a number in bytes", TAG_ICCProfile, VR_OB, LIT("\0014711\2\3\4")},
	{"an institution in what is kept", TAG_Manufacturer, VR_LO, LIT("ACME Imaging")},
	{"part of a longer word there", TAG_ImageComments, VR_LT, LIT("ACMEFIELD, TACME")},
	{"a department as there are many", TAG_ImageComments, VR_LT, LIT("Radiology says")},
	{"a kept value", TAG_Modality, VR_CS, LIT("CT")},
	{"the new name", TAG_PatientName, VR_PN, LIT("SITE_0001")},
	{"a dummy", TAG_StudyDate, VR_DA, LIT("19000101")},
	{"half a date", TAG_ImageComments, VR_LT, LIT("202003 2020")},
	{"a longer row of digits that is no date and time", TAG_ImageComments, VR_LT,
	 LIT("2020030112345")},
};

START_TEST(test_innocent)
{
	struct work w;
	struct build out;

	work_open(&w, ANON_BASIC, 0, NULL, "SMITHSON^JOHN");
	collect(&w);
	file_begin(&w, &out, &syntax_explicit_le);
	build_bytes(&out, innocent[_i].tag, innocent[_i].vr, innocent[_i].value);
	enum err e = look(&w, &out);
	ck_assert_msg(e == OK, "%s: (%08X) in (%08X), %s", innocent[_i].name, w.hit.tag,
		      w.hit.found_in, w.hit.form);
	work_close(&w);
}
END_TEST

/* De-identification's own words, whoever has the name of them. */
START_TEST(test_own_words)
{
	static const char *const names[] = {"PATIENT^TEST",       "PROFILE^BASIC", "Anonymized",
					    "APPLICATION^OPTION", "NETRT^JOHN",    "RETAIN^JOHN"};
	struct work w;
	struct build file;

	work_open(&w, ANON_RESEARCH, ANON_RESEARCH_OPTIONS, NULL, names[_i]);
	bench_words(&w.b, names[_i]);
	collect(&w);
	ck_assert_int_eq(bench_apply(&w.b), OK);
	file_begin(&w, &file, &syntax_explicit_le);
	file.out.len = 0;
	buf_add(&file.out, w.b.made);
	enum err e = look(&w, &file);
	ck_assert_msg(e == OK, "%s: (%08X) in (%08X)", names[_i], w.hit.tag, w.hit.found_in);
	work_close(&w);
}
END_TEST

/* A name in an item of one character set, met in another one of the object. */
static const struct {
	const char *charset, *item_charset, *person;
	struct bytes planted;
	enum err want;
} sets[] = {
	{"ISO_IR 144", "ISO_IR 192", "\xD0\x9B\xD1\x8E\xD0\xBA\xD0\xB5\xD0\xBC^X",
	 LIT("\xBB\xEE\xDA\xD5\xDC"), ERR_UNUSABLE},
	{"ISO_IR 192", "ISO_IR 144", "\xBB\xEE\xDA\xD5\xDC^X",
	 LIT("\xD0\x9B\xD1\x8E\xD0\xBA\xD0\xB5\xD0\xBC"), ERR_UNUSABLE},
	{"GB18030", "ISO_IR 192", "\xE7\x8E\x8B\xE5\xB0\x8F\xE4\xB8\x9C^X",
	 LIT("\xCD\xF5\xD0\xA1\xB6\xAB"), ERR_UNUSABLE},
	{"\\ISO 2022 IR 87", "ISO_IR 192", "\xE5\xB1\xB1\xE7\x94\xB0^X", LIT("\x1B$B;3ED\x1B(B"),
	 ERR_UNUSABLE},
	/* one that the object has not got */
	{"ISO_IR 100", "ISO_IR 192", "\xD0\x9B\xD1\x8E\xD0\xBA\xD0\xB5\xD0\xBC^X",
	 LIT("\xBB\xEE\xDA\xD5\xDC"), OK},
	/* letters that the set has not got make no pattern of question marks */
	{"ISO_IR 100", "ISO_IR 192", "\xD0\x9B\xD1\x8E\xD0\xBA\xD0\xB5\xD0\xBC^X", LIT("?????"),
	 OK},
};

START_TEST(test_sets)
{
	struct work w;

	work_open(&w, ANON_BASIC, 0, sets[_i].charset, "A^B");
	build_sequence(&w.b.in, NEST);
	build_item(&w.b.in);
	build_str(&w.b.in, TAG_SpecificCharacterSet, VR_CS, sets[_i].item_charset);
	build_str(&w.b.in, TAG_PatientName, VR_PN, sets[_i].person);
	build_item_end(&w.b.in);
	build_sequence_end(&w.b.in);
	collect(&w);
	plant(&w, sets[_i].planted, IN_TEXT);
	enum err e = look(&w, NULL);
	ck_assert_msg(e == sets[_i].want, "%s in %s: %d", sets[_i].item_charset, sets[_i].charset,
		      (int)e);
	work_close(&w);
}
END_TEST

/* Words of what netrt writes: in its own texts they may stand, anywhere else they are names. */
static const struct {
	const char *name, *text;
	enum err want;
} own[] = {
	{"PLANES^X", "Overlay planes from RT Structure Set \"A\" by netrt 1", OK},
	{"PLANES^X", "the planes", ERR_UNUSABLE},
	{"PLANES^X", "Overlay planes of somebody", ERR_UNUSABLE},
	{"PLANES^X", "Overlay planes from RT Structure Set, planes", ERR_UNUSABLE},
	{"SMITH^PLANES", "Overlay planes from RT Structure Set SMITH", ERR_UNUSABLE},
	{"Contour^X", "FOR STUDY: CONTOUR Heart", OK}, /* the site's, around what is put in */
	{"Contour^X", "CONTOUR Heart", ERR_UNUSABLE},
	{"Equipment^X", "Modifying Equipment", OK},
	{"Patient^Model", "Patient Anatomy Model", OK}, /* a code of tables/roi_codes.tsv */
	{"Patient^Model", "Patient Anatomy Mode", ERR_UNUSABLE},
	{"Equipment^X", "MODIFYING EQUIPMENT", ERR_UNUSABLE}, /* not ours */
	{"Modified^X", "modified", ERR_UNUSABLE},
	{"Anonymized^X", "ANONYMIZED", OK}, /* a dummy */
	{"Anonymized^X", "Anonymized", ERR_UNUSABLE},
	{"Site^X", "SITE_0001", OK}, /* the new ID */
	{"Site^X", "SITE 0001", ERR_UNUSABLE},
	{"Case^X", "CASE_0001", OK}, /* the new name */
	{"Case^X", "CASE", ERR_UNUSABLE},
	{"Trial^X", "Site of a trial", ERR_UNUSABLE},
	{"Trial^X", "Trial Seven", OK}, /* Study Description of the configuration */
	{"Center^X", "Center 12", OK},  /* what a rule of the site puts in */
	{"Center^X", "Center 13", ERR_UNUSABLE},
};

START_TEST(test_own)
{
	static const char *const said[] = {"FOR STUDY: CONTOUR {}", ""};
	struct work w;
	struct build out;

	static const struct anon_site_rule rule = {ANON_SITE_REPLACE, "InstitutionName",
						   "Center 12"};

	work_open(&w, ANON_BASIC, 0, NULL, own[_i].name);
	w.b.settings.own_texts = (struct anon_list){said, 2};
	w.b.settings.study_description = "Trial Seven";
	w.b.settings.rules = &rule;
	w.b.settings.rule_count = 1;
	bench_policy(&w.b, NULL, 0);
	snprintf(w.b.patient.name, sizeof(w.b.patient.name), "CASE_0001");
	collect(&w);
	file_begin(&w, &out, &syntax_explicit_le);
	build_str(&out, TAG_ImageComments, VR_LT, own[_i].text);
	enum err e = look(&w, &out);
	ck_assert_msg(e == own[_i].want, "%s: %s: %d", own[_i].name, own[_i].text, (int)e);
	work_close(&w);
}
END_TEST

/* A text of netrt's own is none in pixels. */
START_TEST(test_own_in_pixels)
{
	static const char text[] = "Overlay planes from RT Structure Set ";
	uint8_t pixels[100] = {0};
	struct work w;
	struct build out;

	memcpy(pixels + 20, text, sizeof(text) - 1);
	work_open(&w, ANON_BASIC, 0, NULL, "STRUCTURE^X");
	collect(&w);
	file_begin(&w, &out, &syntax_explicit_le);
	build_bytes(&out, TAG_PixelData, VR_OW, bytes_of(pixels, sizeof(pixels)));
	ck_assert_int_eq(look(&w, &out), ERR_UNUSABLE);
	work_close(&w);
}
END_TEST

/* Dates that were moved onto other dates of the source: the new object says them. */
START_TEST(test_moved_dates)
{
	struct work w;
	struct build out;

	work_open(&w, ANON_RESEARCH, ANON_RESEARCH_OPTIONS, NULL, "A^B");
	w.b.patient.shift_days = -1;
	build_str(&w.b.in, TAG_DateOfSecondaryCapture, VR_DA, "20200302\\20200301\\20200229");
	collect(&w);
	file_begin(&w, &out, &syntax_explicit_le);
	build_str(&out, TAG_StudyDate, VR_DA, _i == 0 ? "20200301" : "20200302");
	/* one day later everything has moved on but the last one */
	ck_assert_int_eq(look(&w, &out), _i == 0 ? OK : ERR_UNUSABLE);
	work_close(&w);
}
END_TEST

/* What the options and the site keep may be there. */
static const struct {
	const char *name;
	unsigned options;
	struct anon_site_rule rule;
	uint32_t tag;
	enum vr vr;
	const char *value;
} kept[] = {
	{"UIDs", ANON_RETAIN_UIDS, {0}, TAG_StudyInstanceUID, VR_UI, "1.2.840.113619.2.55.3.123"},
	{"dates", ANON_RETAIN_FULL_DATES, {0}, TAG_StudyDate, VR_DA, "20200301"},
	{"institutions", ANON_RETAIN_INSTITUTION, {0}, TAG_InstitutionName, VR_LO, "ACME"},
	{"a number of the site's choice",
	 0,
	 {ANON_SITE_KEEP, "AccessionNumber", NULL},
	 TAG_AccessionNumber,
	 VR_SH,
	 "77443"},
	{"even a name",
	 0,
	 {ANON_SITE_KEEP, "PatientName", NULL},
	 TAG_PatientName,
	 VR_PN,
	 "SMITHSON^JOHN"},
	{"what the site says instead",
	 0,
	 {ANON_SITE_REPLACE, "InstitutionName", "MRN12345678"},
	 TAG_InstitutionName,
	 VR_LO,
	 "MRN12345678"},
};

START_TEST(test_kept)
{
	struct work w;
	struct build out;

	work_open(&w, ANON_BASIC, kept[_i].options, NULL, "SMITHSON^JOHN");
	w.b.settings.rules = &kept[_i].rule;
	w.b.settings.rule_count = kept[_i].rule.where != NULL;
	bench_policy(&w.b, NULL, 0);
	collect(&w);
	file_begin(&w, &out, &syntax_explicit_le);
	build_str(&out, kept[_i].tag, kept[_i].vr, kept[_i].value);
	enum err e = look(&w, &out);
	ck_assert_msg(e == OK, "%s: %s", kept[_i].name, w.hit.form);
	work_close(&w);
}
END_TEST

/* NETRT's rules keep what they do not name, and that may say anything. */
START_TEST(test_netrt)
{
	struct work w;
	struct build out;

	work_open(&w, ANON_NETRT, 0, NULL, "SMITHSON^JOHN");
	collect(&w);
	file_begin(&w, &out, &syntax_explicit_le);
	build_str(&out, TAG_StudyDate, VR_DA, "20200301");
	build_str(&out, TAG_SeriesDescription, VR_LO, "of Smithson");
	build_str(&out, TAG_PatientName, VR_PN, _i == 0 ? "SITE_0001" : "SMITHSON^JOHN");
	ck_assert_int_eq(look(&w, &out), _i == 0 ? OK : ERR_UNUSABLE);
	work_close(&w);
}
END_TEST

/* Random bytes in pixels, with a hundred names to look for: nothing. */
START_TEST(test_random_pixels)
{
	size_t len = 4u << 20;
	uint8_t *pixels = malloc(len);
	struct work w;
	struct build out;

	ck_assert_ptr_nonnull(pixels);
	srand((unsigned)_i);
	for (size_t i = 0; i < len; i++)
		pixels[i] = (uint8_t)(_i == 0 ? rand() : '0' + rand() % 10);
	work_open(&w, ANON_BASIC, 0, NULL, "SMITHSON^JOHN");
	for (unsigned i = 0; i < 100; i++) {
		char name[20];

		snprintf(name, sizeof(name), "NAME%04d^X", rand() % 10000);
		build_sequence(&w.b.in, NEST);
		build_item(&w.b.in);
		build_str(&w.b.in, TAG_OperatorsName, VR_PN, name);
		build_item_end(&w.b.in);
		build_sequence_end(&w.b.in);
	}
	collect(&w);
	file_begin(&w, &out, &syntax_explicit_le);
	build_bytes(&out, TAG_PixelData, VR_OW, bytes_of(pixels, len));
	enum err e = look(&w, &out);
	ck_assert_msg(e == OK, "(%08X) %s", w.hit.tag, w.hit.form);
	free(pixels);
	work_close(&w);
}
END_TEST

/* Too many: an error, not a search for some of them. */
START_TEST(test_too_many)
{
	struct work w;

	work_open(&w, ANON_BASIC, 0, NULL, "SMITHSON^JOHN");
	build_free(&w.b.in);
	build_init(&w.b.in, &syntax_explicit_le, 64u << 20);
	source_front(&w.b.in, NULL, "SMITHSON^JOHN");
	build_sequence(&w.b.in, NEST);
	for (unsigned i = 0; i < VERIFY_PATTERNS; i++) {
		char uid[40];

		snprintf(uid, sizeof(uid), "1.2.3.4.5.%u", i);
		build_item(&w.b.in);
		build_str(&w.b.in, TAG_ReferencedSOPInstanceUID, VR_UI, uid);
		build_item_end(&w.b.in);
	}
	build_sequence_end(&w.b.in);
	ck_assert_int_eq(try_collect(&w), ERR_LIMIT);
	work_close(&w);
}
END_TEST

#define LENGTH(list) (int)(sizeof(list) / sizeof(list[0]))

Suite *suite_anon_verify(void)
{
	Suite *s = suite_create("anon_verify");
	TCase *tc = tcase_create("verify");

	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, test_found, 0, LENGTH(forms));
	tcase_add_test(tc, test_own_in_pixels);
	tcase_add_loop_test(tc, test_pixels, 0, 3);
	tcase_add_test(tc, test_behind_the_end);
	tcase_add_loop_test(tc, test_innocent, 0, LENGTH(innocent));
	tcase_add_loop_test(tc, test_own_words, 0, 6);
	tcase_add_loop_test(tc, test_own, 0, (int)(sizeof(own) / sizeof(own[0])));
	tcase_add_loop_test(tc, test_sets, 0, (int)(sizeof(sets) / sizeof(sets[0])));
	tcase_add_loop_test(tc, test_moved_dates, 0, 2);
	tcase_add_loop_test(tc, test_kept, 0, LENGTH(kept));
	tcase_add_loop_test(tc, test_netrt, 0, 2);
	tcase_add_loop_test(tc, test_random_pixels, 0, 2);
	tcase_add_test(tc, test_too_many);
	suite_add_tcase(s, tc);
	return s;
}
