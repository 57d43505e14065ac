/*
 * The dark and the bright code: of grey images by values, windows, padding and tables; of palettes.
 */
#include <check.h>

#include "support/burnin_check.h"

Suite *suite_contrast(void);

/* ---- the codes ---- */

static void windows(struct build *b)
{
	put_ds(b, TAG_WindowCenter, "1000.5\\3000.5");
	put_ds(b, TAG_WindowWidth, "101\\101");
}

static void window_below(struct build *b)
{
	put_ds(b, TAG_WindowCenter, "50");
	put_ds(b, TAG_WindowWidth, "41");
}

static void hounsfield_only(struct build *b)
{
	put_ds(b, TAG_RescaleIntercept, "-1024");
	put_ds(b, TAG_RescaleSlope, "1");
}

static void falling(struct build *b)
{
	put_ds(b, TAG_WindowCenter, "-150");
	put_ds(b, TAG_WindowWidth, "11");
	put_ds(b, TAG_RescaleIntercept, "0");
	put_ds(b, TAG_RescaleSlope, "-1");
}

static void padding_below(struct build *b)
{
	put_u16(b, TAG_PixelPaddingValue, 100);
}

static void padding_range(struct build *b)
{
	put_u16(b, TAG_PixelPaddingValue, 100);
	put_u16(b, TAG_PixelPaddingRangeLimit, 120);
}

static void padding_above(struct build *b)
{
	put_u16(b, TAG_PixelPaddingValue, 200);
}

static void padding_all(struct build *b)
{
	put_u16(b, TAG_PixelPaddingValue, 0);
	put_u16(b, TAG_PixelPaddingRangeLimit, 4095);
}

static void padding_in_window(struct build *b)
{
	put_u16(b, TAG_PixelPaddingValue, 0);
	put_ds(b, TAG_WindowCenter, "500.5");
	put_ds(b, TAG_WindowWidth, "1001");
}

static void nonsense(struct build *b)
{
	put_ds(b, TAG_WindowCenter, "1e300\\x");
	put_ds(b, TAG_WindowWidth, "1e300\\5");
	put_ds(b, TAG_RescaleIntercept, "0");
	put_ds(b, TAG_RescaleSlope, "0");
}

static void put_table(struct build *b, uint32_t sequence, uint16_t first, uint16_t last)
{
	const uint16_t descriptor[3] = {2, 0, 16}, data[2] = {first, last};

	build_sequence(b, sequence);
	build_item(b);
	build_u16(b, TAG_LUTDescriptor, VR_US, descriptor, 3);
	build_u16(b, TAG_LUTData, VR_US, data, 2);
	build_item_end(b);
	build_sequence_end(b);
}

static void modality_falls(struct build *b)
{
	window(b);
	put_table(b, TAG_ModalityLUTSequence, 900, 5);
}

static void voi_falls(struct build *b)
{
	put_table(b, TAG_VOILUTSequence, 900, 5);
}

static void voi_rises(struct build *b)
{
	put_table(b, TAG_VOILUTSequence, 5, 900);
}

/* Of images of 12 bits whose values go from 100 to 200. */
static const struct {
	const char *name;
	extra *more;
	bool one;                       /* MONOCHROME1 */
	int64_t dark, bright;           /* -1: it cannot be burned in */
	const char *smallest, *largest; /* NULL: not there before, not there now */
} codes[] = {
	{"nothing", NULL, false, 100, 200, NULL, NULL},
	{"MONOCHROME1", NULL, true, 200, 100, NULL, NULL},
	{"window beyond the values", window, false, 100, 2500, NULL, NULL},
	{"window below the values", window_below, false, 29, 200, NULL, NULL},
	{"windows", windows, false, 100, 3050, NULL, NULL},
	{"CT, window", hounsfield, false, 24, 4095, NULL, NULL},
	{"CT, no window", hounsfield_only, false, 24, 4095, NULL, NULL},
	{"CT, extremes", extremes_and_hounsfield, false, 24, 4095, "24", "4095"},
	{"slope below 0", falling, false, 1000, 0, NULL, NULL},
	{"slope below 0, MONOCHROME1", falling, true, 0, 1000, NULL, NULL},
	{"padding at the low end", padding_below, false, 101, 200, NULL, NULL},
	{"padding of a range", padding_range, false, 121, 200, NULL, NULL},
	{"padding at the high end", padding_above, false, 100, 199, NULL, NULL},
	{"nothing but padding", padding_all, false, -1, -1, NULL, NULL},
	{"padding in the window", padding_in_window, false, 1, 1000, NULL, NULL},
	{"nonsense", nonsense, false, 100, 200, NULL, NULL},
	{"modality table that falls", modality_falls, false, 200, 100, NULL, NULL},
	{"VOI table that falls", voi_falls, false, 200, 100, NULL, NULL},
	{"VOI table", voi_rises, false, 100, 200, NULL, NULL},
};

static void expect_extreme(const struct made *m, uint32_t tag, const char *want)
{
	if (want == NULL)
		ck_assert_ptr_null(dset_find(&m->d, NULL, tag));
	else
		expect_u16(m, tag, 0, (unsigned)atoi(want));
}

START_TEST(test_codes)
{
	struct burnin_options o = {.text = BYTES_LIT(TEXT)};
	struct form m = twelve;
	uint8_t *pixels = from_100_to_200();
	struct overlay_result r;
	struct made src, out;
	struct seen s;

	m.photometric = codes[_i].one ? "MONOCHROME1" : "MONOCHROME2";
	make_form(&src, &m, NULL, pixels, NULL, codes[_i].more);
	burn(&out, &src, &o, &r);
	ck_assert_int_eq(r.burned, codes[_i].dark >= 0);
	if (r.burned) {
		compare(&m, &src, &out, &s);
		ck_assert_int_eq(s.dark, codes[_i].dark);
		ck_assert_int_eq(s.bright, codes[_i].bright);
		mask_free(&s.letters);
	}
	expect_extreme(&out, TAG_SmallestImagePixelValue, codes[_i].smallest);
	expect_extreme(&out, TAG_LargestImagePixelValue, codes[_i].largest);
	made_free(&src);
	made_free(&out);
	free(pixels);
}
END_TEST

/* An even image: any two codes will do, if they are two. */
START_TEST(test_even)
{
	static const uint16_t levels[] = {0, 1, 4000, 4095};
	struct burnin_options o = {.text = BYTES_LIT(TEXT), .strict = true};
	uint8_t *pixels = calloc(pixel_bytes(&twelve), 1);
	struct overlay_result r;
	struct made src, out;
	struct seen s;

	for (size_t i = 0; i < pixel_bytes(&twelve); i += 2)
		put_u16le(pixels + i, levels[_i]);
	make_form(&src, &twelve, NULL, pixels, NULL, NULL);
	burn(&out, &src, &o, &r);
	compare(&twelve, &src, &out, &s);
	ck_assert_int_ge(s.bright - s.dark, 95);
	mask_free(&s.letters);
	made_free(&src);
	made_free(&out);
	free(pixels);
}
END_TEST

/* ---- palettes ---- */

static bool dull, segmented, wide, negative;

static void palette(struct build *b)
{
	static const uint32_t red = TAG_RedPaletteColorLookupTableDescriptor;
	const uint16_t descriptor[3] = {256, negative ? 0xFF80 : 0, wide ? 16 : 8};
	uint16_t data[256];

	for (uint32_t i = 0; i < 3; i++)
		build_u16(b, red + i, VR_US, descriptor, 3);
	/* brightest at 37, darkest at 200 */
	for (unsigned i = 0; i < 256; i++) {
		unsigned level = i == 37 ? 255 : i == 200 ? 0 : 100 + i % 50;

		if (dull && (i == 37 || i == 200))
			level = 120;
		data[i] = (uint16_t)(wide ? level * 257 : level);
	}
	for (uint32_t i = 0; i < 3; i++)
		build_u16(b,
			  segmented ? TAG_SegmentedRedPaletteColorLookupTableData + i
				    : TAG_RedPaletteColorLookupTableData + i,
			  VR_OW, data, 256);
}

START_TEST(test_palette)
{
	struct form m = {"", "PALETTE COLOR", 64, 80, .allocated = 8};
	struct burnin_options o = {.text = BYTES_LIT(TEXT)};
	uint8_t *pixels = noisy_pixels(&m);

	for (unsigned i = 0; i < 10; i++) {
		const char *syntax = syntaxes[i % 2 == 0 ? 0 : 2];
		struct overlay_result r;
		struct made src, out;
		struct seen s;

		dull = i / 2 == 1;
		segmented = i / 2 == 2;
		wide = i / 2 == 3;
		negative = m.is_signed = i / 2 == 4;
		make_form(&src, &m, syntax, pixels, NULL, palette);
		burn(&out, &src, &o, &r);
		if (dull || segmented) {
			ck_assert(!r.burned && r.not_burned != NULL);
			expect_text(&out, NULL, TAG(0x6002, 0x0040), "G");
		} else {
			ck_assert(r.burned);
			compare(&m, &src, &out, &s);
			ck_assert_int_eq(s.bright, negative ? 37 - 128 : 37);
			ck_assert_int_eq(s.dark, negative ? 200 - 128 : 200);
			mask_free(&s.letters);
		}
		made_free(&src);
		made_free(&out);
	}
	free(pixels);
}
END_TEST

Suite *suite_contrast(void)
{
	Suite *s = suite_create("contrast");
	TCase *tc = tcase_create("codes");

	tcase_add_loop_test(tc, test_codes, 0, sizeof(codes) / sizeof(codes[0]));
	tcase_add_loop_test(tc, test_even, 0, 4);
	tcase_add_test(tc, test_palette);
	suite_add_tcase(s, tc);
	return s;
}
