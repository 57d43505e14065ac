/*
 * New elements: the bytes of every form in every syntax, padding, nesting, limits.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/build.h"
#include "dicom/number.h"
#include "support/hex.h"

Suite *suite_build(void);

static const struct syntax *const syntaxes[] = {&syntax_explicit_le, &syntax_implicit_le,
						&syntax_explicit_be};

static void expect(struct build *b, const char *want_hex, const char *what)
{
	struct bytes want = hex(want_hex);

	ck_assert_msg(!b->out.failed, "%s", what);
	ck_assert_msg(bytes_eq(buf_bytes(&b->out), want), "%s", what);
	hex_free(want);
	build_free(b);
}

static void put_text(struct build *b)
{
	build_str(b, TAG_PatientName, VR_PN, "Odd");
}

static void put_even(struct build *b)
{
	build_str(b, TAG_PatientName, VR_PN, "Ev");
}

static void put_empty(struct build *b)
{
	build_str(b, TAG_PatientName, VR_PN, "");
}

static void put_uid(struct build *b)
{
	struct uid uid;

	uid_set(&uid, BYTES_LIT("1.2"));
	build_uid(b, TAG_SOPInstanceUID, &uid);
}

static void put_long(struct build *b)
{
	build_bytes(b, TAG_FileMetaInformationVersion, VR_OB, BYTES_LIT("\1\2\3"));
}

static void put_u16(struct build *b)
{
	static const uint16_t v[] = {1, 0x0203};

	build_u16(b, TAG_Rows, VR_US, v, 2);
}

static void put_at(struct build *b)
{
	static const uint16_t v[] = {0x0028, 0x0010};

	build_u16(b, TAG_FrameIncrementPointer, VR_AT, v, 2);
}

static void put_u32(struct build *b)
{
	static const uint32_t v[] = {1, 0x02030405};

	build_u32(b, TAG_RegionFlags, VR_UL, v, 2);
}

static void put_is(struct build *b)
{
	build_is(b, TAG_SeriesNumber, -98);
}

static void put_ow(struct build *b)
{
	build_ow_le(b, TAG_OverlayData, BYTES_LIT("\1\2\3\4"));
}

static void put_ow_odd(struct build *b)
{
	build_ow_le(b, TAG_OverlayData, BYTES_LIT("\1\2\3"));
}

static void put_sequence(struct build *b)
{
	build_sequence(b, TAG_SourceImageSequence);
	build_item(b);
	build_str(b, TAG_ReferencedSOPClassUID, VR_UI, "1");
	build_item_end(b);
	build_item(b);
	build_item_end(b);
	build_sequence_end(b);
}

static const struct {
	const char *name;
	void (*put)(struct build *b);
	const char *want[3]; /* explicit little, implicit, explicit big */
} forms[] = {
	{"text",
	 put_text,
	 {"1000 1000 'PN' 0400 'Odd '", "1000 1000 04000000 'Odd '", "0010 0010 'PN' 0004 'Odd '"}},
	{"even text",
	 put_even,
	 {"1000 1000 'PN' 0200 'Ev'", "1000 1000 02000000 'Ev'", "0010 0010 'PN' 0002 'Ev'"}},
	{"empty", put_empty, {"1000 1000 'PN' 0000", "1000 1000 00000000", "0010 0010 'PN' 0000"}},
	{"UID is padded with NUL",
	 put_uid,
	 {"0800 1800 'UI' 0400 '1.2' 00", "0800 1800 04000000 '1.2' 00",
	  "0008 0018 'UI' 0004 '1.2' 00"}},
	{"long form, odd bytes",
	 put_long,
	 {"0200 0100 'OB' 0000 04000000 01020300", "0200 0100 04000000 01020300",
	  "0002 0001 'OB' 0000 00000004 01020300"}},
	{"US",
	 put_u16,
	 {"2800 1000 'US' 0400 01000302", "2800 1000 04000000 01000302",
	  "0028 0010 'US' 0004 00010203"}},
	{"AT",
	 put_at,
	 {"2800 0900 'AT' 0400 28001000", "2800 0900 04000000 28001000",
	  "0028 0009 'AT' 0004 00280010"}},
	{"UL",
	 put_u32,
	 {"1800 1660 'UL' 0800 01000000 05040302", "1800 1660 08000000 01000000 05040302",
	  "0018 6016 'UL' 0008 00000001 02030405"}},
	{"IS",
	 put_is,
	 {"2000 1100 'IS' 0400 '-98 '", "2000 1100 04000000 '-98 '", "0020 0011 'IS' 0004 '-98 '"}},
	{"OW",
	 put_ow,
	 {"0060 0030 'OW' 0000 04000000 01020304", "0060 0030 04000000 01020304",
	  "6000 3000 'OW' 0000 00000004 02010403"}},
	{"OW of odd length",
	 put_ow_odd,
	 {"0060 0030 'OW' 0000 04000000 01020300", "0060 0030 04000000 01020300",
	  "6000 3000 'OW' 0000 00000004 02010003"}},
	{"sequence",
	 put_sequence,
	 {"0800 1221 'SQ' 0000 1A000000 FEFF 00E0 0A000000 0800 5011 'UI' 0200 '1' 00"
	  "FEFF 00E0 00000000",
	  "0800 1221 1A000000 FEFF 00E0 0A000000 0800 5011 02000000 '1' 00 FEFF 00E0 00000000",
	  "0008 2112 'SQ' 0000 0000001A FFFE E000 0000000A 0008 1150 'UI' 0002 '1' 00"
	  "FFFE E000 00000000"}},
};

START_TEST(test_forms)
{
	for (size_t i = 0; i < 3; i++) {
		struct build b;

		build_init(&b, syntaxes[i], 4096);
		forms[_i].put(&b);
		expect(&b, forms[_i].want[i], forms[_i].name);
	}
	/* a deflated data set is explicit VR little endian before it is deflated */
	struct build b;
	build_init(&b, &syntax_deflated_le, 4096);
	forms[_i].put(&b);
	expect(&b, forms[_i].want[0], forms[_i].name);
}
END_TEST

/* 65,534 is the most that a short form holds; more becomes UN in explicit VR. */
START_TEST(test_long_values)
{
	static const struct {
		size_t len;
		const char *explicit_head, *implicit_head;
	} rows[] = {
		{65534, "0630 5000 'DS' FEFF", "0630 5000 FEFF0000"},
		{65535, "0630 5000 'UN' 0000 00000100", "0630 5000 00000100"},
		{65536, "0630 5000 'UN' 0000 00000100", "0630 5000 00000100"},
		{70001, "0630 5000 'UN' 0000 72110100", "0630 5000 72110100"},
	};
	uint8_t *text = malloc(70001);

	ck_assert_ptr_nonnull(text);
	memset(text, '1', 70001);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t s = 0; s < 2; s++) {
			struct build b;
			struct bytes head =
				hex(s == 0 ? rows[i].explicit_head : rows[i].implicit_head);

			build_init(&b, syntaxes[s], 1u << 20);
			build_text(&b, TAG_ContourData, VR_DS, bytes_of(text, rows[i].len));
			ck_assert(!b.out.failed);
			ck_assert_uint_eq(b.out.len, head.len + rows[i].len + rows[i].len % 2);
			ck_assert(memcmp(b.out.at, head.at, head.len) == 0);
			ck_assert_uint_eq(b.out.at[b.out.len - 1],
					  rows[i].len % 2 != 0 ? ' ' : '1');
			hex_free(head);
			build_free(&b);
		}
	}
	free(text);
}
END_TEST

START_TEST(test_many_numbers)
{
	uint16_t values[1000];

	for (uint16_t i = 0; i < 1000; i++)
		values[i] = (uint16_t)(i * 257u + 3u);
	for (size_t s = 0; s < 3; s++) {
		struct build b, swapped;

		build_init(&b, syntaxes[s], 65536);
		build_u16(&b, TAG_PixelData, VR_OW, values, 1000);
		size_t head = b.out.len - 2000;
		for (unsigned i = 0; i < 1000; i++) {
			const uint8_t *p = b.out.at + head + 2 * i;

			ck_assert_uint_eq(syntaxes[s]->big_endian ? get_u16be(p) : get_u16le(p),
					  values[i]);
		}
		/* the same through bytes in little endian order */
		uint8_t bytes[2000];
		for (unsigned i = 0; i < 1000; i++)
			put_u16le(bytes + 2 * i, values[i]);
		build_init(&swapped, syntaxes[s], 65536);
		build_ow_le(&swapped, TAG_PixelData, bytes_of(bytes, sizeof(bytes)));
		ck_assert(bytes_eq(buf_bytes(&b.out), buf_bytes(&swapped.out)));
		build_free(&b);
		build_free(&swapped);
	}
}
END_TEST

/* ---- DS ---- */

static const struct {
	double value;
	const char *want;
} numbers[] = {
	{0, "0"},
	{-0.0, "0"},
	{1, "1"},
	{-1.5, "-1.5"},
	{200, "200"},
	{100000, "100000"},
	{1234567, "1234567"},
	{0.1, "0.1"},
	{1e-5, "0.00001"},
	{1e-20, "1e-20"},
	{1e20, "1e+20"},
	{1e300, "1e+300"},
	{-1e-300, "-1e-300"},
	{1.0 / 3, "0.33333333333333"},
	{-1.0 / 3, "-0.3333333333333"},
	{1e6 / 3, "333333.333333333"},
	{-123.456789012345678, "-123.45678901235"},
	{1.0 / 3e10, "3.3333333333e-11"},
	{-1.7976931348623157e308, "-1.79769313e+308"},
	{1234567890123456.0, "1234567890123456"},
	{12345678901234567.0, "1.2345678901e+16"},
};

START_TEST(test_ds)
{
	struct build b;
	double back;

	build_init(&b, &syntax_explicit_le, 256);
	build_ds(&b, TAG_ROIMean, numbers[_i].value);
	ck_assert(!b.out.failed && b.out.len >= 8 && b.out.len <= 8 + 16);
	struct bytes text = bytes_trim(bytes_slice(buf_bytes(&b.out), 8, b.out.len - 8));
	ck_assert_msg(bytes_eq_str(text, numbers[_i].want), "%.17g as %.*s", numbers[_i].value,
		      (int)text.len, (const char *)text.at);
	ck_assert(ds_to_double(text, &back));
	ck_assert(fabs(back - numbers[_i].value) <= fabs(numbers[_i].value) * 1e-8);
	build_free(&b);
}
END_TEST

START_TEST(test_is_range)
{
	struct build b;

	build_init(&b, &syntax_explicit_le, 256);
	build_is(&b, TAG_SeriesNumber, INT32_MIN);
	build_is(&b, TAG_InstanceNumber, INT32_MAX);
	expect(&b, "2000 1100 'IS' 0C00 '-2147483648 ' 2000 1300 'IS' 0A00 '2147483647'", "range");
}
END_TEST

START_TEST(test_is_over)
{
	struct build b;

	build_init(&b, &syntax_explicit_le, 256);
	build_is(&b, TAG_SeriesNumber, (int64_t)INT32_MAX + 1);
}
END_TEST

static const struct {
	int64_t pm[3];
	size_t count;
	const char *text;
} lengths[] = {
	{{0}, 1, "0"},
	{{1}, 1, "0.000000001"},
	{{-1}, 1, "-0.000000001"},
	{{1000000000}, 1, "1"},
	{{-10000000000, 20, 976562500}, 3, "-10\\0.00000002\\0.9765625"},
	{{-249511718750, -249511718750, -90000000000}, 3, "-249.51171875\\-249.51171875\\-90"},
	{{123456789012345, -123456789012345}, 2, "123456.789012345\\-123456.78901235"},
	{{INT64_MAX, INT64_MIN}, 2, "9223372036.85478\\-9223372036.8548"},
};

START_TEST(test_ds_pm)
{
	struct build b;
	struct bytes want = bytes_str(lengths[_i].text);

	build_init(&b, &syntax_explicit_le, 256);
	build_ds_pm(&b, TAG_ImagePositionPatient, lengths[_i].pm, lengths[_i].count);
	ck_assert_uint_eq(b.out.len, 8 + want.len + want.len % 2);
	ck_assert_msg(bytes_eq(bytes_slice(buf_bytes(&b.out), 8, want.len), want), "%.*s",
		      (int)(b.out.len - 8), (char *)b.out.at + 8);
	build_free(&b);
}
END_TEST

START_TEST(test_ds_infinite)
{
	struct build b;

	build_init(&b, &syntax_explicit_le, 256);
	build_ds(&b, TAG_ROIMean, (double)INFINITY);
}
END_TEST

START_TEST(test_unbalanced)
{
	struct build b;

	build_init(&b, &syntax_explicit_le, 256);
	build_sequence(&b, TAG_SourceImageSequence);
	build_sequence(&b, TAG_SourceImageSequence); /* a sequence directly in a sequence */
}
END_TEST

/* ---- Failure sticks ---- */

START_TEST(test_full)
{
	bool worked = false;

	for (size_t max = 0; !worked; max++) {
		struct build b;

		build_init(&b, syntaxes[_i], max);
		for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
			forms[i].put(&b);
		ck_assert_uint_le(b.out.len, max);
		ck_assert_uint_eq(b.depth, 0);
		worked = !b.out.failed;
		ck_assert_uint_lt(max, 1000);
		build_free(&b);
	}
}
END_TEST

START_TEST(test_deep)
{
	struct build b;

	build_init(&b, &syntax_implicit_le, 65536);
	for (int i = 0; i < LIMIT_NESTING; i++) {
		build_sequence(&b, TAG_SourceImageSequence);
		build_item(&b);
	}
	for (int i = 0; i < LIMIT_NESTING; i++) {
		build_item_end(&b);
		build_sequence_end(&b);
	}
	ck_assert(!b.out.failed && b.depth == 0);
	ck_assert_uint_eq(b.out.len, 16 * LIMIT_NESTING);
	ck_assert_uint_eq(get_u32le(b.out.at + 4), 16 * LIMIT_NESTING - 8);
	ck_assert_uint_eq(get_u32le(b.out.at + b.out.len - 4), 0);
	build_free(&b);
}
END_TEST

Suite *suite_build(void)
{
	Suite *s = suite_create("build");
	TCase *c = tcase_create("build");

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, test_forms, 0, sizeof(forms) / sizeof(forms[0]));
	tcase_add_test(c, test_long_values);
	tcase_add_test(c, test_many_numbers);
	tcase_add_loop_test(c, test_ds_pm, 0, sizeof(lengths) / sizeof(lengths[0]));
	tcase_add_loop_test(c, test_ds, 0, sizeof(numbers) / sizeof(numbers[0]));
	tcase_add_test(c, test_is_range);
	tcase_add_test_raise_signal(c, test_is_over, 6);
	tcase_add_test_raise_signal(c, test_ds_infinite, 6);
	tcase_add_test_raise_signal(c, test_unbalanced, 6);
	tcase_add_loop_test(c, test_full, 0, 3);
	tcase_add_test(c, test_deep);
	suite_add_tcase(s, c);
	return s;
}
