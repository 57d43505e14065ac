/*
 * VRs, the dictionary, transfer syntaxes and UID names.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/dict.h"
#include "dicom/syntax.h"
#include "dicom/tag.h"
#include "support/support.h"

Suite *suite_dict(void);

/* ---- VRs ---- */

START_TEST(test_vr_names)
{
	for (int vr = VR_NONE + 1; vr < VR_COUNT; vr++) {
		const struct vr_info *info = vr_info((enum vr)vr);

		ck_assert_uint_eq(strlen(info->name), 2);
		ck_assert_msg(vr_parse((const uint8_t *)info->name) == (enum vr)vr, "%s",
			      info->name);
		ck_assert_msg(info->unit == 1 || info->unit == 2 || info->unit == 4 ||
				      info->unit == 8,
			      "%s", info->name);
		ck_assert_msg(!info->uses_charset || info->is_text, "%s", info->name);
		ck_assert_msg(!info->multi || info->is_text, "%s", info->name);
		ck_assert_msg(info->pad == (info->is_text && vr != VR_UI ? ' ' : '\0'), "%s",
			      info->name);
	}
	ck_assert_str_eq(vr_info(VR_NONE)->name, "??");
}
END_TEST

/* Every pair of bytes: the 34 of PS3.5 table 6.2-1 and no other; the long ones of 7.1.2. */
START_TEST(test_vr_pairs)
{
	static const char all[] = "AEASATCSDADSDTFDFLISLOLTOBODOFOLOVOWPNSHSLSQSSSTSVTMUCUIULUN"
				  "URUSUTUV";
	static const char long_form[] = "OBODOFOLOVOWSQSVUCUNURUTUV";
	unsigned known = 0, longs = 0;

	for (unsigned pair = 0; pair < 65536; pair++) {
		uint8_t two[2] = {(uint8_t)pair, (uint8_t)(pair >> 8)};
		bool want = false, want_long = false;

		for (size_t i = 0; i + 1 < sizeof(all); i += 2)
			want |= memcmp(all + i, two, 2) == 0;
		for (size_t i = 0; i + 1 < sizeof(long_form); i += 2)
			want_long |= memcmp(long_form + i, two, 2) == 0;
		enum vr vr = vr_parse(two);
		ck_assert_msg((vr != VR_NONE) == want, "%02X %02X", two[0], two[1]);
		ck_assert_msg(vr_info(vr)->long_form == want_long, "%02X %02X", two[0], two[1]);
		known += vr != VR_NONE;
		longs += vr_info(vr)->long_form;
	}
	ck_assert_uint_eq(known, 34);
	ck_assert_uint_eq(longs, 13);
}
END_TEST

/* ---- The dictionary ---- */

static const struct {
	uint32_t tag;
	const char *keyword, *vr, *alt, *vm; /* NULL keyword: unknown */
	bool retired;
} entries[] = {
	{0x00000000, "CommandGroupLength", "UL", "??", "1", false}, /* the first row */
	{0x00100010, "PatientName", "PN", "??", "1", false},
	{0x00080005, "SpecificCharacterSet", "CS", "??", "1-n", false},
	{0x00020010, "TransferSyntaxUID", "UI", "??", "1", false},
	{0x00280106, "SmallestImagePixelValue", "US", "SS", "1", false},
	{0x00283006, "LUTData", "US", "OW", "1-n", false},
	{0x7FE00010, "PixelData", "OW", "OB", "1", false},
	{0x30060050, "ContourData", "DS", "??", "3-3n", false},
	{0x60000010, "OverlayRows", "US", "??", "1", false},
	{0x601E3000, "OverlayData", "OW", "OB", "1", false},
	{0x60FF3000, NULL, NULL, NULL, NULL, false}, /* odd: private */
	{0x50023000, "CurveData", "OW", "OB", "1", true},
	{0x00203100, "SourceImageIDs", "CS", "??", "1-n", true},
	{0x002031AB, "SourceImageIDs", "CS", "??", "1-n", true},
	{0x002804F1, "ColumnsForNthOrderCoefficients", "US", "??", "1", true},
	{0x10001235, "ShiftTableTriplet", "US", "??", "3", true},
	{0x1010ABCD, "ZonalMap", "US", "??", "1-n", true},
	{0x10100000, "GroupLength", "UL", "??", "1", true},
	{0x00080000, "GroupLength", "UL", "??", "1", true},
	{0x00090000, "GroupLength", "UL", "??", "1", true},
	{0x00090010, "PrivateCreator", "LO", "??", "1", false},
	{0x000900FF, "PrivateCreator", "LO", "??", "1", false},
	{0x00090100, NULL, NULL, NULL, NULL, false},
	{0x0009000F, NULL, NULL, NULL, NULL, false},
	{0x00091010, NULL, NULL, NULL, NULL, false},
	{0x00080202, NULL, NULL, NULL, NULL, false}, /* retired, without a name */
	{0x00080002, NULL, NULL, NULL, NULL, false},
	{0xFFFEE000, "Item", "??", "??", "1", false},
	{0xFFFEE0DD, "SequenceDelimitationItem", "??", "??", "1", false}, /* the last row */
	{0xFFFFFFFF, NULL, NULL, NULL, NULL, false},
};

START_TEST(test_find)
{
	struct dict_entry e = {.vm = "none"};
	bool found = dict_find(entries[_i].tag, &e);

	if (entries[_i].keyword == NULL) {
		ck_assert_msg(!found, "%08X is %s", entries[_i].tag, e.keyword);
		ck_assert_str_eq(e.vm, "none");
		ck_assert_int_eq(dict_vr(entries[_i].tag), VR_UN);
		return;
	}
	ck_assert_msg(found, "%08X", entries[_i].tag);
	ck_assert_str_eq(e.keyword, entries[_i].keyword);
	ck_assert_str_eq(vr_info(e.vr)->name, entries[_i].vr);
	ck_assert_str_eq(vr_info(e.alt)->name, entries[_i].alt);
	ck_assert_str_eq(e.vm, entries[_i].vm);
	ck_assert_int_eq(e.retired, entries[_i].retired);
	ck_assert_uint_eq(entries[_i].tag & e.mask, e.tag & e.mask);
	ck_assert_int_eq(dict_vr(entries[_i].tag), e.vr);
}
END_TEST

START_TEST(test_allows)
{
	static const struct {
		uint32_t tag;
		enum vr vr;
		bool allowed;
	} rows[] = {
		{TAG_PatientName, VR_PN, true},
		{TAG_PatientName, VR_LO, false},
		{TAG_PatientName, VR_UN, true},
		{TAG_PixelData, VR_OB, true},
		{TAG_PixelData, VR_OW, true},
		{TAG_PixelData, VR_US, false},
		{TAG_SmallestImagePixelValue, VR_SS, true},
		{TAG_SmallestImagePixelValue, VR_OW, false},
		{TAG_GrayLookupTableData, VR_OW, true},
		{TAG_LUTData, VR_OW, true},
		{TAG(0x0008, 0), VR_UL, true},
		{TAG(0x0008, 0), VR_US, false},
		{TAG(0x0009, 0x0010), VR_LO, true},
		{TAG(0x0009, 0x0010), VR_SH, false},
		{TAG(0x0009, 0x1010), VR_FD, true},
		{TAG(0x0008, 0x0002), VR_FD, true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(dict_allows(rows[i].tag, rows[i].vr) == rows[i].allowed, "%08X %s",
			      rows[i].tag, vr_info(rows[i].vr)->name);
}
END_TEST

/* Each keyword leads to its tag, and the tag to it: every element of every group that has any. */
START_TEST(test_both_ways)
{
	static const uint16_t groups[] = {
		0x0000, 0x0002, 0x0004, 0x0006, 0x0008, 0x0010, 0x0012, 0x0014, 0x0016, 0x0018,
		0x0020, 0x0022, 0x0024, 0x0028, 0x0032, 0x0034, 0x0038, 0x003A, 0x0040, 0x0042,
		0x0044, 0x0046, 0x0048, 0x0050, 0x0052, 0x0054, 0x0060, 0x0062, 0x0064, 0x0066,
		0x0068, 0x006A, 0x0070, 0x0072, 0x0074, 0x0076, 0x0078, 0x0080, 0x0082, 0x0088,
		0x0100, 0x0400, 0x1000, 0x1010, 0x2000, 0x2010, 0x2020, 0x2030, 0x2040, 0x2050,
		0x2100, 0x2110, 0x2120, 0x2130, 0x2200, 0x3002, 0x3004, 0x3006, 0x3008, 0x300A,
		0x300C, 0x300E, 0x3010, 0x4000, 0x4008, 0x4010, 0x4FFE, 0x5200, 0x5400, 0x5600,
		0x7FE0, 0xFFFA, 0xFFFC, 0xFFFE,
	};
	unsigned count = 0;
	struct dict_entry e, back;

	for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
		for (uint32_t element = 0; element < 0x10000; element++) {
			uint32_t tag = TAG(groups[g], element);

			if (!dict_find(tag, &e) || e.mask != 0xFFFFFFFFu)
				continue;
			ck_assert_uint_eq(e.tag, tag);
			ck_assert_msg(dict_by_keyword(bytes_str(e.keyword), &back), "%s",
				      e.keyword);
			ck_assert_msg(back.tag == tag && back.vr == e.vr, "%s", e.keyword);
			count++;
		}
	}
	ck_assert_uint_ge(count, 5200);
}
END_TEST

/* Row by row what tables/dictionary.tsv says, where the tests run from the project's root. */
START_TEST(test_table)
{
	FILE *in = fopen("tables/dictionary.tsv", "r");
	char line[512], tag_text[16], keyword[80], vr[32], vm[16], retired[4];
	unsigned count = 0;

	if (in == NULL) {
		test_skip("dict/table: tables/dictionary.tsv is not here");
		return;
	}
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), in));
	while (fgets(line, sizeof(line), in) != NULL) {
		struct dict_entry e;
		bool repeating;

		ck_assert_int_eq(sscanf(line, "%15[^\t]\t%79[^\t]\t%31[^\t]\t%15[^\t]\t%3s",
					tag_text, keyword, vr, vm, retired),
				 5);
		repeating = strchr(tag_text, 'x') != NULL;
		for (char *x = tag_text; *x != '\0'; x++)
			*x = *x == 'x' ? '0' : *x;
		uint32_t tag = (uint32_t)strtoul(tag_text, NULL, 16);
		if (strcmp(keyword, "-") == 0) {
			ck_assert_msg(!dict_find(tag, &e), "%08X", tag);
			continue;
		}
		ck_assert_msg(dict_by_keyword(bytes_str(keyword), &e) && e.tag == tag, "%s",
			      keyword);
		ck_assert_int_eq(e.mask != 0xFFFFFFFFu, repeating);
		if (!repeating) /* (0028,0400) is one of (0028,04x0), but has a row of its own */
			ck_assert_msg(dict_find(tag, &e), "%08X", tag);
		ck_assert_str_eq(e.keyword, keyword);
		ck_assert_str_eq(e.vm, vm);
		ck_assert_int_eq(e.retired, retired[0] == 'Y');
		if (strlen(vr) == 2)
			ck_assert_str_eq(vr_info(e.vr)->name, vr);
		count++;
	}
	fclose(in);
	ck_assert_uint_ge(count, 5300);
}
END_TEST

static const struct {
	const char *text;
	bool good;
	uint32_t tag;
} tag_texts[] = {
	{"PatientName", true, 0x00100010},
	{"OverlayData", true, 0x60003000},
	{"patientname", false, 0},
	{"PatientNam", false, 0},
	{"PatientNames", false, 0},
	{"", false, 0},
	{"(0010,0010)", true, 0x00100010},
	{"0010,0010", true, 0x00100010},
	{"00100010", true, 0x00100010},
	{"(7fe0,0010)", true, 0x7FE00010},
	{"7FE00010", true, 0x7FE00010},
	{"(0010,0010", false, 0},
	{"0010,0010)", false, 0},
	{"0010 0010", false, 0},
	{"001,00010", false, 0},
	{"0010001", false, 0},
	{"0010001G", false, 0},
	{"(00100010)", false, 0},
	{" 00100010", false, 0},
	{"0x100010", false, 0},
};

START_TEST(test_parse_tag)
{
	uint32_t tag = 42;
	bool good = dict_parse_tag(bytes_str(tag_texts[_i].text), &tag);

	ck_assert_msg(good == tag_texts[_i].good, "\"%s\"", tag_texts[_i].text);
	ck_assert_msg(tag == (good ? tag_texts[_i].tag : 42), "\"%s\": %08X", tag_texts[_i].text,
		      tag);
}
END_TEST

START_TEST(test_generated_tags)
{
	ck_assert_uint_eq(TAG_PatientName, 0x00100010);
	ck_assert_uint_eq(TAG_PixelData, 0x7FE00010);
	ck_assert_uint_eq(TAG_OverlayRows, 0x60000010);
	ck_assert_uint_eq(TAG_ContourData, 0x30060050);
	ck_assert_uint_eq(TAG_MessageID, 0x00000110);
	ck_assert_uint_eq(TAG(TAG_GROUP(TAG_PixelData), TAG_ELEMENT(TAG_PixelData)), TAG_PixelData);
	ck_assert_uint_eq(TAG_Item, TAG_ITEM);
}
END_TEST

/* ---- Transfer syntaxes and UIDs ---- */

START_TEST(test_syntaxes)
{
	static const struct {
		const char *uid;
		bool explicit_vr, big_endian, deflated, encapsulated;
	} rows[] = {
		{"1.2.840.10008.1.2", false, false, false, false},
		{"1.2.840.10008.1.2.1", true, false, false, false},
		{"1.2.840.10008.1.2.2", true, true, false, false},
		{"1.2.840.10008.1.2.1.99", true, false, true, false},
		{"1.2.840.10008.1.2.4.70", true, false, false, true},
		{"1.2.840.10008.1.2.4.90", true, false, false, true},
		{"1.2.840.10008.1.2.5", true, false, false, true},
		{"1.2.840.10008.1.2.8.1", true, false, false, true},
		{"1.2.840.10008.1.20", false, false, false, false},
		{"1.2.840.113619.5.2", false, false, false, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct syntax *s = syntax_find(bytes_str(rows[i].uid));

		ck_assert_msg(s != NULL, "%s", rows[i].uid);
		ck_assert_str_eq(s->uid, rows[i].uid);
		ck_assert_msg(s->explicit_vr == rows[i].explicit_vr &&
				      s->big_endian == rows[i].big_endian &&
				      s->deflated == rows[i].deflated &&
				      s->encapsulated == rows[i].encapsulated,
			      "%s", rows[i].uid);
	}
	ck_assert(syntax_find(bytes_str("1.2.840.113619.5.2"))->pixels_big_endian);
	ck_assert(syntax_explicit_be.pixels_big_endian && syntax_explicit_be.retired);
	ck_assert(!syntax_explicit_le.pixels_big_endian);
}
END_TEST

START_TEST(test_syntax_find)
{
	ck_assert_ptr_eq(syntax_find(BYTES_LIT("1.2.840.10008.1.2")), &syntax_implicit_le);
	ck_assert_ptr_eq(syntax_find(BYTES_LIT("1.2.840.10008.1.2.1\0")), &syntax_explicit_le);
	ck_assert_ptr_eq(syntax_find(BYTES_LIT(" 1.2.840.10008.1.2.2 ")), &syntax_explicit_be);
	ck_assert_ptr_eq(syntax_find(BYTES_LIT("1.2.840.10008.1.2.1.99")), &syntax_deflated_le);
	ck_assert_ptr_null(syntax_find(BYTES_NONE));
	ck_assert_ptr_null(syntax_find(BYTES_LIT("1.2.840.10008.1.2.")));
	ck_assert_ptr_null(syntax_find(BYTES_LIT("1.2.840.10008.1.2.3")));
}
END_TEST

START_TEST(test_uid_names)
{
	ck_assert_str_eq(uid_name(BYTES_LIT("1.2.840.10008.5.1.4.1.1.2")), "CT Image Storage");
	ck_assert_str_eq(uid_name(BYTES_LIT("1.2.840.10008.5.1.4.1.1.481.3\0")),
			 "RT Structure Set Storage");
	ck_assert_str_eq(uid_name(BYTES_LIT("1.2.840.10008.1.2.1")), "Explicit VR Little Endian");
	ck_assert_ptr_null(uid_name(BYTES_LIT("1.2.3.4")));
	ck_assert_ptr_null(uid_name(BYTES_NONE));
	ck_assert_ptr_null(uid_name(BYTES_LIT("9")));
	ck_assert_ptr_null(uid_name(BYTES_LIT("0")));
}
END_TEST

Suite *suite_dict(void)
{
	Suite *s = suite_create("dict");
	TCase *c = tcase_create("dict");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, test_vr_names);
	tcase_add_test(c, test_vr_pairs);
	tcase_add_loop_test(c, test_find, 0, sizeof(entries) / sizeof(entries[0]));
	tcase_add_test(c, test_allows);
	tcase_add_test(c, test_both_ways);
	tcase_add_test(c, test_table);
	tcase_add_loop_test(c, test_parse_tag, 0, sizeof(tag_texts) / sizeof(tag_texts[0]));
	tcase_add_test(c, test_generated_tags);
	tcase_add_test(c, test_syntaxes);
	tcase_add_test(c, test_syntax_find);
	tcase_add_test(c, test_uid_names);
	suite_add_tcase(s, c);
	return s;
}
