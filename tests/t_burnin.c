/*
 * The burn-in, pixel by pixel, over the matrix of formats: what the derived image has in its box,
 * and that nothing else of it is another.
 */
#include <check.h>

#include "support/burnin_check.h"

Suite *suite_burnin(void);

static const struct form forms[] = {
	{"16 bit", "MONOCHROME2", 64, 80, .allocated = 16},
	{"16 bit signed", "MONOCHROME2", 64, 80, .allocated = 16, .is_signed = true},
	{"12 of 16", "MONOCHROME2", 64, 80, .allocated = 16, .stored = 12},
	{"12 of 16 signed", "MONOCHROME2", 64, 80, .allocated = 16, .stored = 12,
	 .is_signed = true},
	{"12 of 16, at the top", "MONOCHROME2", 64, 80, .allocated = 16, .stored = 12, .high = 15},
	{"10 of 16, in the middle, signed", "MONOCHROME2", 64, 80, .allocated = 16, .stored = 10,
	 .high = 12, .is_signed = true},
	{"1 of 16", "MONOCHROME2", 64, 80, .allocated = 16, .stored = 1},
	{"MONOCHROME1", "MONOCHROME1", 64, 80, .allocated = 16, .stored = 12},
	{"MONOCHROME1 signed", "MONOCHROME1", 64, 80, .allocated = 16, .is_signed = true},
	{"8 bit", "MONOCHROME2", 64, 80, .allocated = 8},
	{"8 bit signed", "MONOCHROME2", 64, 80, .allocated = 8, .is_signed = true},
	{"8 bit, odd columns", "MONOCHROME2", 63, 79, .allocated = 8},
	{"8 bit, odd columns, OB", "MONOCHROME2", 63, 79, .allocated = 8, .vr = VR_OB},
	{"6 of 8", "MONOCHROME2", 64, 80, .allocated = 8, .stored = 6},
	{"32 bit", "MONOCHROME2", 64, 80, .allocated = 32},
	{"32 bit signed", "MONOCHROME2", 64, 80, .allocated = 32, .is_signed = true},
	{"24 of 32", "MONOCHROME2", 64, 80, .allocated = 32, .stored = 24},
	{"RGB", "RGB", 64, 80, .allocated = 8, .samples = 3},
	{"RGB, odd columns", "RGB", 65, 81, .allocated = 8, .samples = 3},
	{"RGB by plane", "RGB", 64, 80, .allocated = 8, .samples = 3, .planar = 1},
	{"RGB by plane, odd columns", "RGB", 65, 81, .allocated = 8, .samples = 3, .planar = 1},
	{"RGB of 16 bits", "RGB", 64, 80, .allocated = 16, .samples = 3},
	{"YBR_FULL", "YBR_FULL", 64, 80, .allocated = 8, .samples = 3},
	{"YBR_FULL by plane", "YBR_FULL", 64, 80, .allocated = 8, .samples = 3, .planar = 1},
	{"YBR_FULL_422", "YBR_FULL_422", 64, 80, .allocated = 8, .samples = 3},
	{"frames", "MONOCHROME2", 60, 90, .allocated = 16, .frames = 5},
	{"frames of 8 bits, odd", "MONOCHROME2", 61, 91, .allocated = 8, .frames = 3},
	{"frames of RGB by plane", "RGB", 61, 91, .allocated = 8, .samples = 3, .planar = 1,
	 .frames = 3},
	{"CT", "MONOCHROME2", 512, 512, .allocated = 16, .stored = 12},
	{"wide", "MONOCHROME2", 40, 1000, .allocated = 16},
	{"tall", "MONOCHROME2", 1000, 40, .allocated = 16},
};

/* ---- the matrix ---- */

static void check_codes(const struct form *m, const struct seen *s)
{
	bool color = m->samples > 1, one = strcmp(m->photometric, "MONOCHROME1") == 0;
	int64_t most = ((int64_t)1 << (bits_of(m) - m->is_signed)) - 1;

	ck_assert_int_eq(one ? s->bright < s->dark : s->bright > s->dark, true);
	for (unsigned i = 0; i < 2; i++) { /* no bit above the stored ones, but for the sign */
		unsigned low = high_of(m) + 1u - bits_of(m);
		uint32_t all = m->allocated == 32 ? UINT32_MAX : (1u << m->allocated) - 1;

		ck_assert_uint_eq(s->cells[0][i],
				  (uint32_t)((uint64_t)value(m, s->cells[0][i]) << low) & all);
	}
	if (!color) { /* a CT without rescale or window: no darker and no brighter than it is */
		ck_assert_int_eq(one ? s->bright : s->dark, s->least);
		ck_assert_int_eq(one ? s->dark : s->bright, s->most);
	}
	if (!color)
		return;
	ck_assert_int_eq(s->dark, 0);
	ck_assert_int_eq(s->bright, most);
	for (unsigned i = 1; i < 3; i++)
		if (strcmp(m->photometric, "RGB") == 0) {
			ck_assert_uint_eq(s->cells[i][0], 0);
			ck_assert_int_eq(s->cells[i][1], most);
		} else {
			ck_assert_uint_eq(s->count[i], 1); /* no color */
			ck_assert_uint_eq(s->cells[i][0], 128);
		}
}

/* Of YBR_FULL_422 the box may be wider; two pixels with one color have luminances of their own. */
static bool pairs_differ(const struct mask *letters)
{
	for (uint32_t row = 0; row < letters->rows; row++)
		for (uint32_t col = 0; col + 1 < letters->cols; col += 2)
			if (mask_get(letters, col, row) != mask_get(letters, col + 1, row))
				return true;
	return false;
}

static void check_form(const struct form *m, const char *syntax, enum text_corner corner)
{
	struct burnin_options o = {.text = BYTES_LIT(TEXT), .corner = corner, .strict = true};
	uint8_t *pixels = noisy_pixels(m);
	struct overlay_result r;
	struct made src, out;
	struct seen s;

	make_form(&src, m, syntax, pixels, NULL, NULL);
	burn(&out, &src, &o, &r);
	ck_assert(r.burned && !r.decoded && r.not_burned == NULL && r.planes_written == 1);
	ck_assert_ptr_eq(out.file.syntax, src.file.syntax);
	compare(m, &src, &out, &s);
	check_codes(m, &s);
	if (strcmp(m->photometric, "YBR_FULL_422") != 0)
		compare_letters(m, &s, TEXT, corner);
	else
		ck_assert(pairs_differ(&s.letters));
	expect_text(&out, NULL, TAG(0xFFFC, 0xFFFC), "after the pixels");
	ck_assert_uint_eq(out.d.notes & (WALK_DISORDERED | WALK_REPEATED | WALK_ODD_LENGTH), 0);
	mask_free(&s.letters);
	made_free(&src);
	made_free(&out);
	free(pixels);
}

START_TEST(test_matrix)
{
	for (size_t i = 0; i < sizeof(syntaxes) / sizeof(syntaxes[0]); i++)
		if (can(syntaxes[i]))
			check_form(&forms[_i], syntaxes[i], (enum text_corner)(i % 4));
	check_form(&forms[_i], NULL, TEXT_TOP_LEFT);
	check_form(&forms[_i], NULL, TEXT_BOTTOM_LEFT);
}
END_TEST

/* ---- as an overlay ---- */

START_TEST(test_overlay)
{
	struct burnin_options o = {.text = BYTES_LIT("NOT FOR\nCLINICAL \xC3\x9CSE"),
				   .corner = TEXT_TOP_LEFT,
				   .as_overlay = true,
				   .strict = true};
	uint8_t *pixels = noisy_pixels(&twelve), *packed;
	struct mask want = mask_new(80, 64);
	struct overlay_result r;
	struct text_label t;
	struct made src, out;

	make_form(&src, &twelve, syntaxes[_i], pixels, NULL, extremes_and_hounsfield);
	burn(&out, &src, &o, &r);
	ck_assert(!r.burned && r.not_burned == NULL && !r.burn_in_cut);
	ck_assert_uint_eq(r.planes_written, 1);
	ck_assert(bytes_eq(value_of(&src, TAG_PixelData), value_of(&out, TAG_PixelData)));
	expect_u16(&out, TAG_SmallestImagePixelValue, 0, 100);
	expect_text(&out, NULL, TAG(0x6000, 0x0040), "R");
	expect_text(&out, NULL, TAG(0x6002, 0x0040), "G");
	expect_text(&out, NULL, TAG(0x6002, 0x0022), "NOT FOR CLINICAL ?SE");
	ck_assert_ptr_null(dset_find(&out.d, NULL, TAG(0x6002, 0x1301)));
	expect_u16(&out, TAG(0x6002, 0x0010), 0, 64);
	expect_u16(&out, TAG(0x6002, 0x0011), 0, 80);

	ck_assert(text_place(&t, o.text, o.corner, 80, 64));
	text_label_draw(&want, &t);
	packed = calloc(mask_packed_len(80, 64), 1);
	mask_pack(&want, packed);
	struct bytes got = value_of(&out, TAG(0x6002, 0x3000));
	bool turned = out.file.syntax->big_endian;
	ck_assert_uint_eq(got.len, mask_packed_len(80, 64));
	for (size_t i = 0; i < got.len; i++)
		must(got.at[turned ? i ^ 1u : i] == packed[i], "byte %zu", i);
	free(packed);
	free(pixels);
	mask_free(&want);
	made_free(&src);
	made_free(&out);
}
END_TEST

/* The text needs a group, whatever else wants one. */
START_TEST(test_groups)
{
	static const uint16_t taken[] = {0x0000, 0x7FFF, 0x8001, 0xFFFF};
	struct image_options image = {.groups = taken[_i], .rows = 64, .cols = 64};
	struct burnin_options o = {.text = BYTES_LIT(TEXT), .as_overlay = true};
	struct overlay_series s = series_of_tests();
	struct mask m = mask_new(64, 64);
	struct overlay_plane planes[16];
	struct overlay_result r = {0};
	unsigned existing = (unsigned)__builtin_popcount(taken[_i]);
	struct arena a;
	struct fault f = {0};
	struct made src, out;
	int fd = memfd_create("derived", 0);

	for (unsigned i = 0; i < 16; i++)
		planes[i] = (struct overlay_plane){.mask = &m, .label = BYTES_LIT("A")};
	s.burn_in = &o;
	make_image(&src, &image);
	ck_assert_int_eq(arena_open(&a, 64u << 20, NULL), OK);
	enum err e = overlay_write(fd, &s, &src.file, &src.d, planes, 16, &a, &r, &f);
	if (existing == 16) {
		ck_assert_int_eq(e, ERR_UNUSABLE);
		close(fd);
	} else {
		unsigned graphics = 0;

		ck_assert_int_eq(e, OK);
		made_read(&out, fd);
		ck_assert_uint_eq(r.planes_written, 15 - existing);
		for (uint32_t i = 0; i < 16; i++)
			graphics += (taken[_i] >> i & 1u) == 0 &&
				    bytes_eq_str(dset_text(&out.d, NULL, TAG(0x6000 + 2 * i, 0x40)),
						 "G");
		ck_assert_uint_eq(graphics, 1);
		made_free(&out);
	}
	arena_close(&a);
	made_free(&src);
	mask_free(&m);
}
END_TEST

/* ---- what cannot be written into ---- */

static const struct {
	const char *name;
	struct form m;
	const char *syntax;
} unwritable[] = {
	{"one bit", {"", "MONOCHROME2", 64, 80, .allocated = 1, .stored = 1}, NULL},
	{"other color", {"", "HSV", 64, 80, .allocated = 8, .samples = 3}, NULL},
	{"nothing fits", {"", "MONOCHROME2", 3, 4, .allocated = 16}, NULL},
	{"it would be all text", {"", "MONOCHROME2", 40, 44, .allocated = 16}, NULL},
	{"64 bits", {"", "MONOCHROME2", 64, 80, .allocated = 64, .stored = 64}, NULL},
};

START_TEST(test_unwritable)
{
	struct burnin_options o = {.text = BYTES_LIT(TEXT)};
	const struct form *m = &unwritable[_i].m;
	uint8_t *pixels = noisy_pixels(m);
	struct overlay_result r;
	struct made src, out;
	struct burnin b;
	struct fault f = {0};

	make_form(&src, m, unwritable[_i].syntax, pixels, NULL, NULL);
	burn(&out, &src, &o, &r);
	ck_assert(!r.burned && r.not_burned != NULL);
	expect_text(&out, NULL, TAG(0x6002, 0x0040), "G");
	expect_text(&out, NULL, TAG(0x6002, 0x0022), TEXT);
	ck_assert(bytes_eq(value_of(&src, TAG_PixelData), value_of(&out, TAG_PixelData)));
	ck_assert_int_eq(r.burn_in_cut, m->cols < 8);

	o.strict = true;
	ck_assert_int_ne(burnin_open(&b, &o, &src.file, &src.d, &f), OK);
	ck_assert_ptr_nonnull(f.text);
	burnin_close(&b);
	made_free(&src);
	made_free(&out);
	free(pixels);
}
END_TEST

/* Small images of every size: the box may take a third of one, and not more. */
START_TEST(test_share)
{
	const struct burnin_options o = {.text = BYTES_LIT(TEXT), .strict = true};
	unsigned least = 0, third = 0, most = 0;

	for (unsigned k = 0; k < 2000; k++) {
		struct form m = {"", "MONOCHROME2", (uint16_t)(24 + k / 40),
				 (uint16_t)(24 + k % 40 * 3), .allocated = 16};
		uint8_t *pixels = noisy_pixels(&m);
		struct text_label t;
		struct fault f = {0};
		struct burnin b;
		struct made src;

		make_form(&src, &m, NULL, pixels, NULL, NULL);
		if (text_place(&t, o.text, o.corner, m.cols, m.rows)) {
			unsigned box = t.cols * t.rows, all = (unsigned)m.cols * m.rows;
			least += box * 4 > all && box * 3 < all;
			third += box * 3 == all;
			most += box * 3 > all && box * 2 <= all;
			must((burnin_open(&b, &o, &src.file, &src.d, &f) == OK) == (box * 3 <= all),
			     "%u x %u", m.cols, m.rows);
			burnin_close(&b);
		}
		made_free(&src);
		free(pixels);
	}
	must(least > 0 && third > 0 && most > 0, "%u %u %u", least, third, most);
}
END_TEST

/* ---- compressed ---- */

static const struct form compressed[] = {
	{"16 bit", "MONOCHROME2", 64, 80, .allocated = 16},
	{"12 of 16 signed", "MONOCHROME2", 64, 80, .allocated = 16, .stored = 12,
	 .is_signed = true},
	{"8 bit, odd", "MONOCHROME1", 63, 79, .allocated = 8},
	{"RGB", "RGB", 63, 79, .allocated = 8, .samples = 3},
	{"RGB by plane", "RGB", 64, 80, .allocated = 8, .samples = 3, .planar = 1},
	{"YBR_FULL", "YBR_FULL", 64, 80, .allocated = 8, .samples = 3},
	{"frames", "MONOCHROME2", 63, 79, .allocated = 8, .frames = 3},
};

/* The same image with its pixels in the open, and it is compared with that. */
START_TEST(test_compressed)
{
	struct burnin_options o = {.text = BYTES_LIT(TEXT), .strict = true};
	struct form m = compressed[_i];
	uint8_t *pixels = noisy_pixels(&m);
	struct overlay_result r;
	struct made src, out;
	struct seen s;

	make_form(&src, &m, RLE_UID, pixels, NULL, NULL);
	burn(&out, &src, &o, &r);
	ck_assert(r.burned && r.decoded);
	ck_assert_ptr_eq(out.file.syntax, &syntax_explicit_le);
	ck_assert_str_eq(out.file.syntax_uid.text, syntax_explicit_le.uid);
	ck_assert_ptr_null(dset_find(&out.d, NULL, TAG_ExtendedOffsetTable));
	ck_assert_ptr_null(dset_find(&out.d, NULL, TAG_LossyImageCompression));
	expect_text(&out, NULL, TAG(0xFFFC, 0xFFFC), "after the pixels");
	expect_text(&out, NULL, TAG_PhotometricInterpretation, m.photometric);
	expect_u16(&out, TAG_BitsAllocated, 0, m.allocated);
	expect_u16(&out, TAG_BitsStored, 0, bits_of(&m));
	expect_u16(&out, TAG_PixelRepresentation, 0, m.is_signed);
	if (m.samples > 1)
		expect_u16(&out, TAG_PlanarConfiguration, 0, 0);
	else
		ck_assert_ptr_null(dset_find(&out.d, NULL, TAG_PlanarConfiguration));
	ck_assert_int_eq(dset_find(&out.d, NULL, TAG_PixelData)->vr,
			 m.allocated > 8 ? VR_OW : VR_OB);
	ck_assert_uint_eq(value_of(&out, TAG_PixelData).len, pixel_bytes(&m) + pixel_bytes(&m) % 2);
	ck_assert_uint_eq(out.d.notes & (WALK_DISORDERED | WALK_REPEATED | WALK_ODD_LENGTH), 0);
	made_free(&src);

	if (m.planar) /* what is compared with lies as the decoded pixels do */
		for (unsigned i = 0; i < 3; i++)
			for (size_t at = 0; at < (size_t)m.rows * m.cols; at++)
				pixels[at * 3 + i] = noise(i * (size_t)m.rows * m.cols + at);
	m.planar = 0;
	make_form(&src, &m, NULL, pixels, NULL, NULL);
	compare(&m, &src, &out, &s);
	check_codes(&m, &s);
	mask_free(&s.letters);
	made_free(&src);
	made_free(&out);
	free(pixels);
}
END_TEST

/* ---- attributes ---- */

static const char *flag;

static void head_with_flag(struct build *b)
{
	struct image_options plain = {0};

	put_head(b, &plain);
}

static void attributes(struct build *b)
{
	put_u16(b, TAG_SmallestImagePixelValue, 100);
	put_u16(b, TAG_LargestImagePixelValue, 200);
	put_u16(b, TAG_SmallestPixelValueInSeries, 0);
	put_u16(b, TAG_LargestPixelValueInSeries, 999);
	put_u16(b, TAG_SmallestImagePixelValueInPlane, 0);
	put_u16(b, TAG_LargestImagePixelValueInPlane, 9);
	if (flag != NULL)
		build_str(b, TAG_BurnedInAnnotation, VR_CS, flag);
	window(b);
	build_bytes(b, TAG_HistogramSequence, VR_SQ, BYTES_NONE);
}

START_TEST(test_attributes)
{
	static const char *const flags[] = {NULL, "NO", "YES"};
	struct burnin_options o = {.text = BYTES_LIT(TEXT)};
	uint8_t *pixels = from_100_to_200();
	struct overlay_result r;
	struct made src, out;

	flag = flags[_i];
	make_form(&src, &twelve, NULL, pixels, head_with_flag, attributes);
	burn(&out, &src, &o, &r);
	expect_text(&out, NULL, TAG_ImageType, "DERIVED\\SECONDARY\\AXIAL\\X");
	expect_text(&out, NULL, TAG_BurnedInAnnotation, flag == NULL ? "" : flag);
	expect_u16(&out, TAG_SmallestImagePixelValue, 0, 100);
	expect_u16(&out, TAG_LargestImagePixelValue, 0, 2500);
	ck_assert_ptr_null(dset_find(&out.d, NULL, TAG_SmallestPixelValueInSeries));
	ck_assert_ptr_null(dset_find(&out.d, NULL, TAG_LargestPixelValueInSeries));
	ck_assert_ptr_null(dset_find(&out.d, NULL, TAG_SmallestImagePixelValueInPlane));
	ck_assert_ptr_null(dset_find(&out.d, NULL, TAG_LargestImagePixelValueInPlane));
	ck_assert_ptr_null(dset_find(&out.d, NULL, TAG_HistogramSequence));
	ck_assert(bytes_has_nocase(dset_text(&out.d, NULL, TAG_DerivationDescription),
				   BYTES_LIT("pixel data unchanged outside of the text")));
	made_free(&src);
	made_free(&out);
	free(pixels);
}
END_TEST

Suite *suite_burnin(void)
{
	Suite *s = suite_create("burnin");
	TCase *tc = tcase_create("matrix");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, test_matrix, 0, sizeof(forms) / sizeof(forms[0]));
	suite_add_tcase(s, tc);
	tc = tcase_create("instead");
	tcase_add_loop_test(tc, test_overlay, 0, 3);
	tcase_add_loop_test(tc, test_groups, 0, 4);
	tcase_add_test(tc, test_share);
	tcase_add_loop_test(tc, test_unwritable, 0, sizeof(unwritable) / sizeof(unwritable[0]));
	suite_add_tcase(s, tc);
	tc = tcase_create("data set");
	tcase_add_loop_test(tc, test_compressed, 0, sizeof(compressed) / sizeof(compressed[0]));
	tcase_add_loop_test(tc, test_attributes, 0, 3);
	suite_add_tcase(s, tc);
	return s;
}
