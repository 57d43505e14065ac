/* anon/pixels: what native pixel data loses, at every depth; risks; compressed ones in short (the
 * rest is in t_anon_codestream.c). */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "anon/pixels.h"
#include "support/anon.h"

Suite *suite_anon_pixels(void);

#define SC "1.2.840.10008.5.1.4.1.1.7"

struct image {
	const struct syntax *syntax;
	const char *sop_class, *manufacturer, *model, *type, *burned_in, *photometric, *frames;
	const char *conversion;
	uint16_t rows, cols, allocated, stored, high, representation, samples, planar;
	uint16_t padding;
	bool has_padding, overlay;
	enum vr vr;
	bool encapsulated; /* `value` is items */
	struct bytes value;
};

/* Rows, Columns, and samples from bit 0. */
#define SIZE(r, c, a, s) .rows = (r), .cols = (c), .allocated = (a), .stored = (s), .high = (s)-1

struct work {
	struct anon_bench b;
	struct dset d; /* of the source */
	struct pixels_out out;
};

static void put_u16(struct build *b, uint32_t tag, uint16_t v)
{
	build_u16(b, tag, VR_US, &v, 1);
}

static void put_text(struct build *b, uint32_t tag, enum vr vr, const char *value)
{
	if (value != NULL)
		build_str(b, tag, vr, value);
}

static void work_open(struct work *w, const struct image *i)
{
	struct build *in = &w->b.in;

	memset(w, 0, sizeof(*w));
	bench_open(&w->b, ANON_NETRT, 0, i->syntax != NULL ? i->syntax : &syntax_explicit_le);
	put_text(in, TAG_ImageType, VR_CS, i->type);
	bench_front(&w->b, i->sop_class != NULL ? i->sop_class : ANON_CT);
	put_text(in, TAG_ConversionType, VR_CS, i->conversion);
	put_text(in, TAG_Manufacturer, VR_LO, i->manufacturer);
	put_text(in, TAG_ManufacturerModelName, VR_LO, i->model);
	if (i->samples > 0)
		put_u16(in, TAG_SamplesPerPixel, i->samples);
	put_text(in, TAG_PhotometricInterpretation, VR_CS, i->photometric);
	if (i->samples > 1)
		put_u16(in, TAG_PlanarConfiguration, i->planar);
	put_text(in, TAG_NumberOfFrames, VR_IS, i->frames);
	if (i->rows > 0) {
		put_u16(in, TAG_Rows, i->rows);
		put_u16(in, TAG_Columns, i->cols);
		put_u16(in, TAG_BitsAllocated, i->allocated);
		put_u16(in, TAG_BitsStored, i->stored);
		put_u16(in, TAG_HighBit, i->high);
		put_u16(in, TAG_PixelRepresentation, i->representation);
	}
	if (i->has_padding)
		put_u16(in, TAG_PixelPaddingValue, i->padding);
	put_text(in, TAG_BurnedInAnnotation, VR_CS, i->burned_in);
	if (i->overlay)
		put_u16(in, 0x60000010, 2);
	if (i->encapsulated) {
		buf_add(&in->out, BYTES_LIT("\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF"));
		buf_add(&in->out, i->value);
	} else if (i->value.at != NULL) {
		build_bytes(in, TAG_PixelData, i->vr != VR_NONE ? i->vr : VR_OW, i->value);
	}
	w->b.source = buf_bytes(&in->out);
	ck_assert_int_eq(dset_index(&w->d, w->b.source, in->syntax, 0, &w->b.a, &w->b.f), OK);
	ck_assert_int_eq(bench_apply(&w->b), OK);
}

static void work_close(struct work *w)
{
	pixels_close(&w->out);
	bench_close(&w->b);
}

static enum err clean(struct work *w, const struct pixel_region *regions, size_t count)
{
	return pixels_clean(&w->d, &w->b.out, regions, count, &w->out, &w->b.f);
}

/* The value of the element that comes out; its header is right. */
static struct bytes value_of(const struct work *w)
{
	struct walk k;
	struct token t;

	walk_init(&k, w->out.view, w->b.in.syntax);
	ck_assert_int_eq(walk_next(&k, &t, NULL), OK);
	struct bytes value = t.value;
	ck_assert_int_eq(walk_next(&k, &t, NULL), ERR_MORE);
	return value;
}

#define LIT(s)                                         \
	{                                              \
		(const uint8_t *)("" s), sizeof(s) - 1 \
	}

/* ---- without regions ---- */

static const struct {
	const char *name;
	struct image image;
	struct bytes want; /* .at NULL: the element is not touched */
} cases[] = {
	{"nothing to do", {SIZE(1, 2, 16, 12), .value = LIT("\1\2\3\4")}, {NULL, 0}},
	{"a tail", {SIZE(1, 2, 16, 12), .value = LIT("\1\2\3\4SMITH!")}, LIT("\1\2\3\4")},
	{"a tail, implicit VR",
	 {.syntax = &syntax_implicit_le, SIZE(1, 2, 16, 16), .value = LIT("\1\2\3\4SM")},
	 LIT("\1\2\3\4")},
	{"a tail, big endian",
	 {.syntax = &syntax_explicit_be, SIZE(1, 2, 16, 16), .value = LIT("\1\2\3\4SM")},
	 LIT("\1\2\3\4")},
	{"frames are counted",
	 {SIZE(1, 1, 16, 16), .frames = "2", .value = LIT("\1\2\3\4SM")},
	 LIT("\1\2\3\4")},
	{"an odd image with its padding",
	 {SIZE(1, 3, 8, 8), .vr = VR_OB, .value = LIT("\1\2\3\0")},
	 {NULL, 0}},
	{"something in the place of the padding",
	 {SIZE(1, 3, 8, 8), .vr = VR_OB, .value = LIT("\1\2\3S")},
	 LIT("\1\2\3\0")},
	{"the padding of swapped words",
	 {.syntax = &syntax_explicit_be, SIZE(1, 3, 8, 8), .value = LIT("\2\1S\3")},
	 LIT("\2\1\0\3")},
	{"shorter than the image", {SIZE(2, 2, 16, 16), .value = LIT("\1\2\3\4")}, {NULL, 0}},
	{"bits above, unsigned",
	 {SIZE(1, 2, 16, 12), .value = LIT("\1\x82\3\xF4")},
	 LIT("\1\2\3\4")},
	{"the last bit above alone",
	 {SIZE(1, 2, 16, 12), .value = LIT("\1\2\3\x84")},
	 LIT("\1\2\3\4")},
	{"bits above, signed: the sign",
	 {SIZE(1, 4, 16, 12), .representation = 1, .value = LIT("\1\xF2\3\x18\5\xF8\7\7")},
	 LIT("\1\2\3\xF8\5\xF8\7\7")},
	{"signs that are right",
	 {SIZE(1, 2, 16, 12), .representation = 1, .value = LIT("\1\2\3\xF8")},
	 {NULL, 0}},
	{"padding value with bits of its own",
	 {SIZE(1, 3, 16, 12), .has_padding = true, .padding = 0xF830,
	  .value = LIT("\x30\xF8\1\2\x31\xF8")},
	 LIT("\x30\xF8\1\2\x31\x08")},
	{"bits below",
	 {.rows = 1,
	  .cols = 1,
	  .allocated = 16,
	  .stored = 12,
	  .high = 15,
	  .value = LIT("\x1F\x22")},
	 LIT("\x10\x22")},
	{"bits on both sides",
	 {.rows = 1, .cols = 1, .allocated = 16, .stored = 8, .high = 11, .value = LIT("\xFF\xFF")},
	 LIT("\xF0\x0F")},
	{"big endian",
	 {.syntax = &syntax_explicit_be, SIZE(1, 1, 16, 12), .value = LIT("\xF1\x22")},
	 LIT("\x01\x22")},
	{"8 bits", {SIZE(1, 2, 8, 6), .value = LIT("\xFF\1")}, LIT("\x3F\1")},
	{"32 bits", {SIZE(1, 1, 32, 24), .value = LIT("\1\2\3S")}, LIT("\1\2\3\0")},
	{"32 bits, all stored", {SIZE(1, 1, 32, 32), .value = LIT("\1\2\3S")}, {NULL, 0}},
	{"1 bit", {SIZE(2, 9, 1, 1), .vr = VR_OB, .value = LIT("\1\2\3\0SMIT")}, LIT("\1\2\3\0")},
	{"color",
	 {SIZE(1, 1, 8, 8), .samples = 3, .photometric = "RGB", .value = LIT("\1\2\3\0SM")},
	 LIT("\1\2\3\0")},
	{"chrominance of two pixels",
	 {SIZE(1, 2, 8, 8), .samples = 3, .photometric = "YBR_FULL_422",
	  .value = LIT("\1\2\3\4SM")},
	 LIT("\1\2\3\4")},
	{"Bits Stored that make no sense", {SIZE(1, 1, 16, 20), .value = LIT("\1\xF2")}, {NULL, 0}},
};

START_TEST(test_case)
{
	struct work w;

	work_open(&w, &cases[_i].image);
	ck_assert_int_eq(clean(&w, NULL, 0), OK);
	if (cases[_i].want.at == NULL) {
		ck_assert_msg(w.out.view.at == w.b.out.pixels.at &&
				      w.out.view.len == w.b.out.pixels.len,
			      "%s", cases[_i].name);
		ck_assert(w.out.cut == 0 && !w.out.bits_cleared);
	} else {
		ck_assert_msg(bytes_eq(value_of(&w), cases[_i].want), "%s", cases[_i].name);
		ck_assert_uint_eq(w.out.cut, cases[_i].image.value.len - cases[_i].want.len);
	}
	work_close(&w);
}
END_TEST

/* Overlays in the samples: every bit above, none of the image's. */
START_TEST(test_embedded_overlay)
{
	uint16_t samples[64 * 64], want[64 * 64];
	struct image i = {SIZE(64, 64, 16, 12), .representation = (uint16_t)(_i & 1),
			  .overlay = true, .value = {(const uint8_t *)samples, sizeof(samples)}};
	struct work w;

	srand(1);
	for (unsigned k = 0; k < 64 * 64; k++) {
		uint16_t v = (uint16_t)(rand() & 0x0FFF);

		want[k] = (uint16_t)(i.representation == 1 && (v & 0x800) != 0 ? v | 0xF000 : v);
		samples[k] = (uint16_t)(v | (rand() & 0xF) << 12);
	}
	work_open(&w, &i);
	ck_assert_int_eq(clean(&w, NULL, 0), OK);
	ck_assert(w.out.bits_cleared);
	ck_assert(bytes_eq(value_of(&w), bytes_of(want, sizeof(want))));
	work_close(&w);
}
END_TEST

/* ---- regions ---- */

static const struct {
	const char *name;
	struct image image;
	struct pixel_region region;
	uint32_t regions;
	struct bytes want; /* .at NULL: untouched */
} region_cases[] = {
	{"8 bits",
	 {SIZE(2, 3, 8, 8), .value = LIT("abcdef")},
	 {.left = 1, .top = 1, .width = 2, .height = 1},
	 1,
	 LIT("abcd\0\0")},
	{"16 bits",
	 {SIZE(2, 2, 16, 16), .value = LIT("aabbccdd")},
	 {.left = 0, .top = 0, .width = 1, .height = 2},
	 1,
	 LIT("\0\0bb\0\0dd")},
	{"32 bits",
	 {SIZE(1, 2, 32, 32), .value = LIT("aaaabbbb")},
	 {.left = 1, .top = 0, .width = 1, .height = 1},
	 1,
	 LIT("aaaa\0\0\0\0")},
	{"beyond the edge",
	 {SIZE(2, 2, 8, 8), .value = LIT("abcd")},
	 {.left = 1, .top = 1, .width = 900, .height = 900},
	 1,
	 LIT("abc\0")},
	{"outside",
	 {SIZE(2, 2, 8, 8), .value = LIT("abcd")},
	 {.left = 2, .top = 0, .width = 2, .height = 2},
	 1,
	 LIT("abcd")},
	{"every frame",
	 {SIZE(1, 2, 8, 8), .frames = "2", .value = LIT("abcd")},
	 {.left = 0, .top = 0, .width = 1, .height = 1},
	 1,
	 LIT("\0b\0d")},
	{"color by pixel",
	 {SIZE(1, 2, 8, 8), .samples = 3, .photometric = "RGB", .value = LIT("rgbRGB")},
	 {.left = 0, .top = 0, .width = 1, .height = 1},
	 1,
	 LIT("\0\0\0RGB")},
	{"color by plane",
	 {SIZE(1, 2, 8, 8), .samples = 3, .planar = 1, .photometric = "RGB",
	  .value = LIT("rRgGbB")},
	 {.left = 0, .top = 0, .width = 1, .height = 1},
	 1,
	 LIT("\0R\0G\0B")},
	{"color by plane, two frames",
	 {SIZE(1, 1, 16, 16), .samples = 3, .planar = 1, .frames = "2", .photometric = "RGB",
	  .value = LIT("rrggbbRRGGBB")},
	 {.left = 0, .top = 0, .width = 1, .height = 1},
	 1,
	 LIT("\0\0\0\0\0\0\0\0\0\0\0\0")},
	{"another manufacturer",
	 {SIZE(1, 2, 8, 8), .manufacturer = "ACME", .value = LIT("ab")},
	 {.manufacturer = "OTHER", .width = 1, .height = 1},
	 0,
	 {NULL, 0}},
	{"manufacturer and model, in any case",
	 {SIZE(1, 2, 8, 8), .manufacturer = "ACME Inc", .model = "X1", .value = LIT("ab")},
	 {.manufacturer = "acme", .model = "x1", .width = 1, .height = 1},
	 1,
	 LIT("\0b")},
	{"another model",
	 {SIZE(1, 2, 8, 8), .manufacturer = "ACME Inc", .model = "X1", .value = LIT("ab")},
	 {.manufacturer = "acme", .model = "x2", .width = 1, .height = 1},
	 0,
	 {NULL, 0}},
	{"another width",
	 {SIZE(1, 2, 8, 8), .value = LIT("ab")},
	 {.cols = 3, .width = 1, .height = 1},
	 0,
	 {NULL, 0}},
	{"another size",
	 {SIZE(1, 2, 8, 8), .value = LIT("ab")},
	 {.rows = 2, .width = 1, .height = 1},
	 0,
	 {NULL, 0}},
	{"another class",
	 {SIZE(1, 2, 8, 8), .value = LIT("ab")},
	 {.sop_class = SC, .width = 1, .height = 1},
	 0,
	 {NULL, 0}},
};

START_TEST(test_region)
{
	struct work w;

	work_open(&w, &region_cases[_i].image);
	ck_assert_uint_eq(pixels_regions(&w.d, &region_cases[_i].region, 1),
			  region_cases[_i].regions);
	ck_assert_int_eq(clean(&w, &region_cases[_i].region, 1), OK);
	ck_assert_uint_eq(w.out.regions, region_cases[_i].regions);
	if (region_cases[_i].want.at == NULL)
		ck_assert(w.out.view.at == w.b.out.pixels.at);
	else
		ck_assert_msg(bytes_eq(value_of(&w), region_cases[_i].want), "%s",
			      region_cases[_i].name);
	work_close(&w);
}
END_TEST

static const struct {
	const char *name;
	struct image image;
	bool region;
	enum err want;
} refused[] = {
	{"no Rows", {.value = LIT("abcd")}, false, ERR_UNUSABLE},
	{"no frames", {SIZE(1, 1, 8, 8), .frames = "0", .value = LIT("ab")}, false, ERR_UNUSABLE},
	{"a region in single bits", {SIZE(2, 8, 1, 1), .value = LIT("ab")}, true, ERR_UNSUPPORTED},
	{"a region in chrominance of two pixels",
	 {SIZE(1, 2, 8, 8), .samples = 3, .photometric = "YBR_FULL_422", .value = LIT("abcd")},
	 true,
	 ERR_UNSUPPORTED},
	{"a region in swapped words",
	 {.syntax = &syntax_explicit_be, SIZE(1, 2, 8, 8), .value = LIT("ab")},
	 true,
	 ERR_UNSUPPORTED},
	{"a region in half an image", {SIZE(2, 2, 8, 8), .value = LIT("ab")}, true, ERR_UNUSABLE},
};

START_TEST(test_refused)
{
	static const struct pixel_region region = {.width = 1, .height = 1};
	struct work w;

	work_open(&w, &refused[_i].image);
	enum err e = clean(&w, refused[_i].region ? &region : NULL, refused[_i].region);
	ck_assert_msg(e == refused[_i].want, "%s: %d", refused[_i].name, e);
	work_close(&w);
}
END_TEST

/* Of a stream that cannot be followed: in the data set. */
START_TEST(test_place)
{
	const struct image i = {.syntax = syntax_find(BYTES_LIT("1.2.840.10008.1.2.4.50")),
				SIZE(1, 1, 8, 8),
				.encapsulated = true,
				.value = LIT("\xFE\xFF\0\xE0\0\0\0\0"
					     "\xFE\xFF\0\xE0\x8\0\0\0\xFF\xD8"
					     "SMITHS"
					     "\xFE\xFF\xDD\xE0\0\0\0\0")};
	struct work w;

	work_open(&w, &i);
	ck_assert_int_eq(clean(&w, NULL, 0), ERR_WIRE);
	ck_assert(bytes_eq(bytes_slice(w.b.source, (size_t)w.b.f.at, 6), BYTES_LIT("SMITHS")));
	work_close(&w);
}
END_TEST

START_TEST(test_no_pixels)
{
	struct work w;

	work_open(&w, &(struct image){.rows = 1, .cols = 1, .allocated = 8});
	ck_assert_int_eq(clean(&w, NULL, 0), OK);
	ck_assert_uint_eq(w.out.view.len, 0);
	work_close(&w);
}
END_TEST

/* ---- risks ---- */

static const struct {
	struct image image;
	enum pixel_risk want;
} risks[] = {
	{{.type = "ORIGINAL\\PRIMARY\\AXIAL"}, RISK_NONE},
	{{.burned_in = "NO"}, RISK_NONE},
	{{.burned_in = "YES "}, RISK_FLAG},
	{{.sop_class = SC}, RISK_CLASS},
	{{.sop_class = SC ".2"}, RISK_CLASS}, /* multi-frame */
	{{.type = "DERIVED\\SECONDARY\\SCREEN SAVE"}, RISK_DERIVED},
	{{.type = "derived\\secondary\\screenshot"}, RISK_DERIVED},
	{{.type = "ORIGINAL\\PRIMARY\\SECONDARY CAPTURE"}, RISK_DERIVED},
	{{.type = "ORIGINAL\\PRIMARY\\AXIAL", .conversion = "DF"}, RISK_DERIVED},
	{{.conversion = "WSD"}, RISK_DERIVED},
};

START_TEST(test_risk)
{
	struct work w;

	work_open(&w, &risks[_i].image);
	ck_assert_int_eq(pixels_risk(&w.d), risks[_i].want);
	ck_assert_ptr_nonnull(pixel_risk_words[risks[_i].want]);
	work_close(&w);
}
END_TEST

#define LENGTH(list) (int)(sizeof(list) / sizeof(list[0]))

Suite *suite_anon_pixels(void)
{
	Suite *s = suite_create("anon_pixels");
	TCase *tc = tcase_create("pixels");

	tcase_add_loop_test(tc, test_case, 0, LENGTH(cases));
	tcase_add_loop_test(tc, test_embedded_overlay, 0, 2);
	tcase_add_loop_test(tc, test_region, 0, LENGTH(region_cases));
	tcase_add_loop_test(tc, test_refused, 0, LENGTH(refused));
	tcase_add_test(tc, test_place);
	tcase_add_test(tc, test_no_pixels);
	tcase_add_loop_test(tc, test_risk, 0, LENGTH(risks));
	suite_add_tcase(s, tc);
	return s;
}
