/*
 * anon/convert: what may leave at all, and what ROIs are called, on files that are made in memory.
 * Pixels are t_anon_pixels.c's, whole studies tests/e2e/deid_*.py's.
 */
#include <check.h>
#include <string.h>

#include "anon/convert.h"
#include "anon/emit.h"
#include "dicom/build.h"
#include "support/anon.h"

Suite *suite_anon_convert(void);

static struct arena arena;
static struct anon_settings settings;
static struct anon_gate gate;
static struct fault fault;

static void open_gate(enum anon_profile profile, enum anon_risk burned_in)
{
	static const struct wall now = {.year = 2026, .month = 1, .day = 2};
	struct gate_problem problem;

	ck_assert_int_eq(arena_open(&arena, 64u << 20, NULL), OK);
	settings = (struct anon_settings){
		.profile = profile,
		.options = profile == ANON_NETRT ? 0 : ANON_RETAIN_UIDS | ANON_CLEAN_DESCRIPTORS,
		.pseudonyms = ANON_SEQUENTIAL, /* and by chance: neither key nor map */
		.site_code = "SITE",
		.burned_in = burned_in,
		.netrt = {.random_id_prefix = ""}};
	ck_assert_int_eq(gate_open(&gate, &settings, &now, &problem, &fault), OK);
}

static void close_gate(void)
{
	gate_close(&gate);
	arena_close(&arena);
}

/* A file around a data set, as it would be read. */
static void parse(struct part10 *p, const char *sop_class, const char *transfer_syntax,
		  struct bytes data)
{
	struct part10_meta meta = {.source_ae = NULL};
	struct buf file = BUF_INIT(1u << 20);

	ck_assert(uid_set(&meta.sop_class, bytes_str(sop_class)));
	ck_assert(uid_set(&meta.sop_instance, BYTES_LIT("1.2.3")));
	ck_assert(uid_set(&meta.transfer_syntax, bytes_str(transfer_syntax)));
	ck_assert_int_eq(part10_head(&file, &meta, &fault), OK);
	buf_add(&file, data);
	struct bytes copy = arena_copy(&arena, buf_bytes(&file));
	buf_free(&file);
	ck_assert_int_eq(part10_parse(p, copy, &fault), OK);
}

#define EXPLICIT "1.2.840.10008.1.2.1"
#define LIT(text)                                         \
	{                                                 \
		(const uint8_t *)(text), sizeof(text) - 1 \
	}
#define CAPTURE "1.2.840.10008.5.1.4.1.1.7"
#define OTHER "1.2.3.4.5" /* transfer syntax */

#define QUARANTINE ANON_RISK_QUARANTINE
#define PASS ANON_RISK_PASS
static const struct {
	const char *name;
	enum anon_profile profile;
	enum anon_risk burned_in;
	enum err want;
	const char *claim;                       /* Burned In Annotation; NULL: none */
	const char *sop_class, *transfer_syntax; /* NULL: a CT image, Explicit VR Little Endian */
	struct bytes behind;
} objects[] = {
	{"an image", ANON_BASIC, QUARANTINE, OK, .claim = NULL},
	{"that says so", ANON_BASIC, QUARANTINE, OK, .claim = "NO"},
	{"with burned-in names", ANON_BASIC, QUARANTINE, ERR_UNSUPPORTED, .claim = "YES"},
	{"whatever the profile", ANON_NETRT, QUARANTINE, ERR_UNSUPPORTED, .claim = "YES"},
	{"that the site lets pass", ANON_BASIC, PASS, OK, .claim = "YES"},
	{"without a region", ANON_BASIC, ANON_RISK_BLANK, ERR_UNSUPPORTED, .claim = "YES"},
	{"a capture", ANON_BASIC, PASS, ERR_UNSUPPORTED, .sop_class = CAPTURE},
	{"of another transfer syntax", ANON_BASIC, PASS, ERR_UNSUPPORTED, .transfer_syntax = OTHER},
	{"whatever the profile", ANON_NETRT, PASS, ERR_UNSUPPORTED, .transfer_syntax = OTHER},
	{"with a trailer", ANON_BASIC, PASS, ERR_WIRE, .behind = LIT("SMITH^JOHN 12")},
	{"with pixels", ANON_NETRT, PASS, OK, .behind = LIT("\xE0\x7F\x10\x00OB\0\0\2\0\0\0ab")},
	{"whose reserved bytes say something", ANON_NETRT, PASS, ERR_WIRE,
	 .behind = LIT("\xE0\x7F\x10\x00OBHI\2\0\0\0ab")},
};

START_TEST(test_leaves)
{
	const char *sop_class = objects[_i].sop_class, *syntax = objects[_i].transfer_syntax;
	struct converted c = {.decoded = false};
	struct build b;
	struct part10 p;

	sop_class = sop_class != NULL ? sop_class : ANON_CT;
	open_gate(objects[_i].profile, objects[_i].burned_in);
	build_init(&b, &syntax_explicit_le, 1u << 16);
	build_str(&b, TAG_SOPClassUID, VR_UI, sop_class);
	build_str(&b, TAG_SOPInstanceUID, VR_UI, "1.2.3");
	build_str(&b, TAG_PatientID, VR_LO, "MRN1");
	if (objects[_i].claim != NULL)
		build_str(&b, TAG_BurnedInAnnotation, VR_CS, objects[_i].claim);
	buf_add(&b.out, objects[_i].behind);
	parse(&p, sop_class, syntax != NULL ? syntax : EXPLICIT, buf_bytes(&b.out));
	enum err e = convert_make(&c, &gate, &p, &arena, &fault);
	ck_assert_msg(e == objects[_i].want, "%s: %d, %s", objects[_i].name, (int)e,
		      e != OK ? fault.text : "let out");
	ck_assert(e != OK || c.view_count > 0);
	convert_close(&c);
	part10_close(&p);
	build_free(&b);
	close_gate();
}
END_TEST

/* ---- names of ROIs ---- */

static void put_roi(struct build *b, const char *number, const char *charset, const char *name)
{
	build_item(b);
	if (charset != NULL)
		build_str(b, TAG_SpecificCharacterSet, VR_CS, charset);
	build_str(b, TAG_ROINumber, VR_IS, number);
	build_str(b, TAG_ROIName, VR_LO, name);
	build_item_end(b);
}

/* Mueller's, in three encodings: found in each of them, and what comes behind is read as it was. */
static void put_rois(struct build *b)
{
	build_sequence(b, TAG_StructureSetROISequence);
	put_roi(b, "7", NULL, "PTV M\xFCller");
	put_roi(b, "8", "ISO_IR 192", "PTV M\xC3\xBCller");
	put_roi(b, "9", NULL, "M\xFCller");
	put_roi(b, "10", "ISO_IR 192", "Brain");
	put_roi(b, "11", NULL, "GTV\xE9\x31");
	build_sequence_end(b);
}

START_TEST(test_roi_names)
{
	static const char *const want[] = {"ROI_7", "ROI_8", "ROI_9", "Brain", "GTV\xC3\xA9\x31"};
	struct converted c = {.decoded = false};
	struct build b, items;
	struct part10 p;

	open_gate(ANON_BASIC, ANON_RISK_PASS);
	build_init(&b, &syntax_explicit_le, 1u << 16);
	build_str(&b, TAG_SpecificCharacterSet, VR_CS, "ISO_IR 100");
	build_str(&b, TAG_SOPClassUID, VR_UI, ANON_RTSTRUCT);
	build_str(&b, TAG_SOPInstanceUID, VR_UI, "1.2.3");
	build_str(&b, TAG_PatientName, VR_PN, "M\xFCller^J");
	if (_i == 0) {
		put_rois(&b);
	} else { /* in UN */
		build_init(&items, &syntax_implicit_le, 1u << 16);
		put_rois(&items);
		build_bytes(&b, TAG_StructureSetROISequence, VR_UN,
			    bytes_slice(buf_bytes(&items.out), 8, items.out.len - 8));
		build_free(&items);
	}
	parse(&p, ANON_RTSTRUCT, EXPLICIT, buf_bytes(&b.out));
	ck_assert_int_eq(convert_make(&c, &gate, &p, &arena, &fault), OK);
	ck_assert_uint_eq(c.source.roi_count, 5);
	for (unsigned i = 0; i < 5; i++) {
		ck_assert_msg(bytes_eq_str(c.source.roi_names[i], want[i]), "%u: %.*s", i,
			      (int)c.source.roi_names[i].len,
			      (const char *)c.source.roi_names[i].at);
	}
	ck_assert(bytes_has_nocase(buf_bytes(&c.object.head), BYTES_LIT("ROI_9")));
	ck_assert(bytes_has_nocase(buf_bytes(&c.object.head), BYTES_LIT("GTV\xE9\x31")));
	ck_assert(!bytes_has_nocase(buf_bytes(&c.object.head), BYTES_LIT("ller")));
	convert_close(&c);
	part10_close(&p);
	build_free(&b);
	close_gate();
}
END_TEST

/* The same `converted` for one object after the other: nothing of the first is in the second, which
 * has no pixels, no UIDs worth the name, and cannot be let out the third time. */
START_TEST(test_one_after_the_other)
{
	struct converted c = {.decoded = false};
	uint8_t digits[600];
	struct build b;
	struct part10 p;

	memset(digits, '7', sizeof(digits));
	open_gate(ANON_BASIC, ANON_RISK_PASS);
	for (unsigned turn = 0; turn < 3; turn++) {
		build_init(&b, &syntax_explicit_le, 1u << 16);
		build_str(&b, TAG_SOPClassUID, VR_UI, turn < 2 ? ANON_CT : CAPTURE);
		build_str(&b, TAG_SOPInstanceUID, VR_UI, turn == 0 ? "1.2.3" : "1.2.4");
		build_str(&b, TAG_Manufacturer, VR_LO, turn == 0 ? "First Maker" : "Second");
		build_str(&b, TAG_PatientID, VR_LO, "MRN1");
		if (turn == 0)
			build_str(&b, TAG_StudyInstanceUID, VR_UI, "1.2.3.9");
		build_u16(&b, TAG_Rows, VR_US, (const uint16_t[]){1}, 1);
		build_u16(&b, TAG_Columns, VR_US, (const uint16_t[]){2}, 1);
		build_u16(&b, TAG_BitsAllocated, VR_US, (const uint16_t[]){8}, 1);
		if (turn == 0) {
			build_bytes(&b, TAG_ContourData, VR_DS, bytes_of(digits, sizeof(digits)));
			build_bytes(&b, TAG_PixelData, VR_OB, BYTES_LIT("abcd"));
		}
		parse(&p, turn < 2 ? ANON_CT : CAPTURE, EXPLICIT, buf_bytes(&b.out));
		enum err e = convert_make(&c, &gate, &p, &arena, &fault);
		ck_assert_int_eq(e, (turn < 2 ? OK : ERR_UNSUPPORTED));
		ck_assert((c.view_count > 0) == (turn < 2));
		ck_assert((c.object.list.len > 0) == (turn == 0));
		ck_assert_uint_eq(c.pixels.cut, (turn == 0 ? 2u : 0u));
		ck_assert_uint_eq(c.pixels.view.len, (turn == 0 ? 14u : 0u));
		ck_assert_str_eq(c.old_study.text, (turn == 0 ? "1.2.3.9" : ""));
		ck_assert((c.object.study.text[0] != '\0') == (turn == 0));
		ck_assert(turn == 0 ||
			  !bytes_has_nocase(buf_bytes(&c.object.head), BYTES_LIT("1.2.3.9")));
		ck_assert(bytes_has_nocase(buf_bytes(&c.object.head), BYTES_LIT("First Maker")) ==
			  (turn == 0));
		part10_close(&p);
		build_free(&b);
	}
	convert_close(&c);
	close_gate();
}
END_TEST

/* Long values are not copied, wherever they stand: what is put together is the source, byte for
 * byte, as its patient has the new name already. */
START_TEST(test_long_values)
{
	static const size_t sizes[] = {EMIT_VIEW - 2, EMIT_VIEW, EMIT_VIEW + 2, 65000};
	static uint8_t numbers[65000];
	struct bytes value = bytes_of(numbers, sizes[_i / 3]);
	struct anon_bench b;

	memset(numbers, '7', sizeof(numbers));
	bench_open(&b, ANON_NETRT, 0, bench_syntaxes[_i % 3]);
	bench_front(&b, ANON_CT);
	build_str(&b.in, TAG_PatientName, VR_PN, b.patient.name);
	build_str(&b.in, TAG_PatientID, VR_LO, b.patient.id);
	build_bytes(&b.in, TAG_ContourData, VR_DS, value);
	for (unsigned i = 0; i < 2; i++) { /* one in the other */
		build_sequence(&b.in, i == 0 ? TAG_ROIContourSequence : TAG_ContourSequence);
		build_item(&b.in);
		build_str(&b.in, TAG_ContourNumber, VR_IS, "12");
	}
	build_bytes(&b.in, TAG_ContourData, VR_DS, value);
	for (unsigned i = 0; i < 2; i++) {
		build_item_end(&b.in);
		build_item(&b.in);
		build_bytes(&b.in, TAG_ContourData, VR_DS, value);
		build_item_end(&b.in);
		build_sequence_end(&b.in);
	}
	build_bytes(&b.in, 0x7FDF0010, VR_OB, value); /* right before the pixels */
	build_bytes(&b.in, TAG_PixelData, VR_OW, value);
	build_bytes(&b.in, TAG_DataSetTrailingPadding, VR_OB, value);
	ck_assert_int_eq(bench_apply(&b), OK);
	ck_assert((b.out.list.len > 0) == (value.len >= EMIT_VIEW));
	ck_assert(bytes_eq(anon_joined(&b.out, b.out.pixels, &b.a), buf_bytes(&b.in.out)));
	bench_close(&b);
}
END_TEST

Suite *suite_anon_convert(void)
{
	Suite *s = suite_create("anon_convert");
	TCase *t = tcase_create("convert");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_leaves, 0, (int)(sizeof(objects) / sizeof(objects[0])));
	tcase_add_loop_test(t, test_roi_names, 0, 2);
	tcase_add_test(t, test_one_after_the_other);
	tcase_add_loop_test(t, test_long_values, 0, 3 * 4);
	suite_add_tcase(s, t);
	return s;
}
