/*
 * How pixels are written (image/format), and pixels that lie open in the source (image/decode).
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "dicom/build.h"
#include "image/decode.h"
#include "support/support.h"

Suite *suite_image(void);

#define ABSENT 0xFFFFu
#define EBE "1.2.840.10008.1.2.2"
#define ILE "1.2.840.10008.1.2"
#define ELE "1.2.840.10008.1.2.1"
#define GE "1.2.840.113619.5.2"

struct row {
	const char *name;
	uint16_t rows, cols, samples, allocated, stored, high, is_signed, planar;
	const char *photometric, *frames;
	enum err want;
	uint32_t tag;
	uint64_t frame, all; /* bytes */
};

/* A data set of the row, with or without pixels, in memory. */
struct source {
	struct build b;
	struct arena a;
	struct part10 p;
	struct dset d;
};

static void add(struct build *b, uint32_t tag, uint16_t value)
{
	if (value != ABSENT)
		build_u16(b, tag, VR_US, &value, 1);
}

static void source_make(struct source *s, const struct row *r, const char *uid, enum vr vr,
			struct bytes pixels, uint32_t upto)
{
	struct fault f = {0};
	const struct syntax *syntax = syntax_find(bytes_str(uid));

	ck_assert_ptr_nonnull(syntax);
	build_init(&s->b, syntax, 1u << 20);
	add(&s->b, TAG_SamplesPerPixel, r->samples);
	if (r->photometric != NULL)
		build_str(&s->b, TAG_PhotometricInterpretation, VR_CS, r->photometric);
	add(&s->b, TAG_PlanarConfiguration, r->planar);
	if (r->frames != NULL)
		build_str(&s->b, TAG_NumberOfFrames, VR_IS, r->frames);
	add(&s->b, TAG_Rows, r->rows);
	add(&s->b, TAG_Columns, r->cols);
	add(&s->b, TAG_BitsAllocated, r->allocated);
	add(&s->b, TAG_BitsStored, r->stored);
	add(&s->b, TAG_HighBit, r->high);
	add(&s->b, TAG_PixelRepresentation, r->is_signed);
	if (pixels.len > 0)
		build_bytes(&s->b, TAG_PixelData, vr, pixels);
	ck_assert(!s->b.out.failed);
	s->p = PART10_NONE;
	s->p.syntax = syntax;
	s->p.data = buf_bytes(&s->b.out);
	ck_assert_int_eq(arena_open(&s->a, 1u << 20, NULL), OK);
	ck_assert_int_eq(dset_index(&s->d, s->p.data, syntax, upto, &s->a, &f), OK);
}

static void source_free(struct source *s)
{
	arena_close(&s->a);
	build_free(&s->b);
}

/* ---- The attributes ---- */

#define CT16 512, 512, 1, 16, 12, 11, 0, ABSENT
static const struct row rows[] = {
	{"CT", CT16, "MONOCHROME2", NULL, OK, 0, 524288, 524288},
	{"frames", CT16, "MONOCHROME2", "3", OK, 0, 524288, 1572864},
	{"frames empty", CT16, "MONOCHROME2", "", OK, 0, 524288, 524288},
	{"8 bits, odd", 3, 5, 1, 8, 8, 7, 0, ABSENT, "MONOCHROME1", NULL, OK, 0, 15, 15},
	{"32 bits", 3, 5, 1, 32, 32, 31, 1, ABSENT, "MONOCHROME2", "2", OK, 0, 60, 120},
	{"1 bit", 3, 5, 1, 1, 1, 0, 0, ABSENT, "MONOCHROME2", "3", OK, 0, 2, 6},
	{"RGB", 3, 5, 3, 8, 8, 7, 0, 0, "RGB", NULL, OK, 0, 45, 45},
	{"RGB, planes", 3, 5, 3, 8, 8, 7, 0, 1, "RGB", NULL, OK, 0, 45, 45},
	{"RGB, planes not said", 3, 5, 3, 16, 16, 15, 0, ABSENT, "RGB", NULL, OK, 0, 90, 90},
	{"palette", 3, 5, 1, 8, 8, 7, 0, ABSENT, "PALETTE COLOR", NULL, OK, 0, 15, 15},
	{"YBR_FULL_422", 3, 6, 3, 8, 8, 7, 0, 0, "YBR_FULL_422", "2", OK, 0, 36, 72},
	{"other color", 3, 5, 3, 8, 8, 7, 0, 0, "HSV", NULL, OK, 0, 45, 45},
	{"bits in the middle", 3, 5, 1, 16, 10, 12, 1, ABSENT, "MONOCHROME2", NULL, OK, 0, 30, 30},
	{"largest", 16384, 16384, 1, 16, 16, 15, 0, ABSENT, "MONOCHROME2", NULL, OK, 0, 1u << 29,
	 1u << 29},
	{"largest, and a row", 16385, 16384, 1, 16, 16, 15, 0, ABSENT, "MONOCHROME2", NULL,
	 ERR_LIMIT, TAG_Rows, 0, 0},
	{"frames overflow nothing", 16384, 16384, 3, 32, 32, 31, 0, 0, "RGB", "4294967295", OK, 0,
	 12ull << 28, UINT64_MAX},
	{"no rows", ABSENT, 5, 1, 8, 8, 7, 0, ABSENT, "MONOCHROME2", NULL, ERR_UNUSABLE, TAG_Rows,
	 0, 0},
	{"rows 0", 0, 5, 1, 8, 8, 7, 0, ABSENT, "MONOCHROME2", NULL, ERR_UNUSABLE, TAG_Rows, 0, 0},
	{"no columns", 5, ABSENT, 1, 8, 8, 7, 0, ABSENT, "MONOCHROME2", NULL, ERR_UNUSABLE,
	 TAG_Columns, 0, 0},
	{"columns 0", 5, 0, 1, 8, 8, 7, 0, ABSENT, "MONOCHROME2", NULL, ERR_UNUSABLE, TAG_Columns,
	 0, 0},
	{"frames 0", CT16, "MONOCHROME2", "0", ERR_UNUSABLE, TAG_NumberOfFrames, 0, 0},
	{"frames below 0", CT16, "MONOCHROME2", "-1", ERR_UNUSABLE, TAG_NumberOfFrames, 0, 0},
	{"frames no number", CT16, "MONOCHROME2", "x", ERR_UNUSABLE, TAG_NumberOfFrames, 0, 0},
	{"no samples", 3, 5, ABSENT, 8, 8, 7, 0, ABSENT, "MONOCHROME2", NULL, ERR_UNUSABLE,
	 TAG_SamplesPerPixel, 0, 0},
	{"2 samples", 3, 5, 2, 8, 8, 7, 0, 0, "RGB", NULL, ERR_UNSUPPORTED, TAG_SamplesPerPixel, 0,
	 0},
	{"3 gray samples", 3, 5, 3, 8, 8, 7, 0, 0, "MONOCHROME2", NULL, ERR_UNUSABLE,
	 TAG_PhotometricInterpretation, 0, 0},
	{"1 sample of color", 3, 5, 1, 8, 8, 7, 0, 0, "RGB", NULL, ERR_UNUSABLE,
	 TAG_PhotometricInterpretation, 0, 0},
	{"no photometric", 3, 5, 1, 8, 8, 7, 0, 0, NULL, NULL, ERR_UNUSABLE,
	 TAG_PhotometricInterpretation, 0, 0},
	{"planar 2", 3, 5, 3, 8, 8, 7, 0, 2, "RGB", NULL, ERR_UNUSABLE, TAG_PlanarConfiguration, 0,
	 0},
	{"planar 2 of one sample", 3, 5, 1, 8, 8, 7, 0, 2, "MONOCHROME2", NULL, OK, 0, 15, 15},
	{"12 bits allocated", 3, 5, 1, 12, 12, 11, 0, 0, "MONOCHROME2", NULL, ERR_UNSUPPORTED,
	 TAG_BitsAllocated, 0, 0},
	{"stored 0", 3, 5, 1, 16, 0, 15, 0, 0, "MONOCHROME2", NULL, ERR_UNUSABLE, TAG_BitsStored, 0,
	 0},
	{"stored 17", 3, 5, 1, 16, 17, 15, 0, 0, "MONOCHROME2", NULL, ERR_UNUSABLE, TAG_BitsStored,
	 0, 0},
	{"high 16", 3, 5, 1, 16, 12, 16, 0, 0, "MONOCHROME2", NULL, ERR_UNUSABLE, TAG_HighBit, 0,
	 0},
	{"high 10 of 12", 3, 5, 1, 16, 12, 10, 0, 0, "MONOCHROME2", NULL, ERR_UNUSABLE, TAG_HighBit,
	 0, 0},
	{"no sign", 3, 5, 1, 16, 12, 11, ABSENT, 0, "MONOCHROME2", NULL, ERR_UNUSABLE,
	 TAG_PixelRepresentation, 0, 0},
	{"sign 2", 3, 5, 1, 16, 12, 11, 2, 0, "MONOCHROME2", NULL, ERR_UNUSABLE,
	 TAG_PixelRepresentation, 0, 0},
};

START_TEST(test_format)
{
	const struct row *r = &rows[_i];
	struct image_format format = {.rows = 77};
	struct fault f = {0};
	struct source s;

	source_make(&s, r, _i % 2 ? EBE : ILE, VR_OW, BYTES_NONE, 0);
	ck_assert_int_eq(image_format_read(&format, &s.d, &f), r->want);
	ck_assert_uint_eq(f.tag, r->tag);
	if (r->want == OK) {
		ck_assert_uint_eq(image_frame_bytes(&format), r->frame);
		ck_assert_uint_eq(image_bytes(&format), r->all);
		ck_assert(format.rows == r->rows && format.cols == r->cols);
		ck_assert(format.bits_stored == r->stored && format.high_bit == r->high);
		ck_assert_uint_eq(format.is_signed, r->is_signed);
		ck_assert_uint_eq(format.planar, r->samples == 3 && r->planar == 1);
	} else {
		ck_assert_uint_eq(format.rows, 77); /* untouched */
	}
	source_free(&s);
}
END_TEST

static const struct {
	const char *term;
	uint16_t samples;
	enum photometric want;
} photos[] = {
	{"MONOCHROME1", 1, PHOTO_MONOCHROME1}, {"MONOCHROME2 ", 1, PHOTO_MONOCHROME2},
	{"PALETTE COLOR", 1, PHOTO_PALETTE},   {"RGB", 3, PHOTO_RGB},
	{"YBR_FULL", 3, PHOTO_YBR_FULL},       {"YBR_FULL_422", 3, PHOTO_YBR_FULL_422},
	{"YBR_ICT", 3, PHOTO_YBR_ICT},         {"YBR_RCT", 3, PHOTO_YBR_RCT},
	{"YBR_PARTIAL_420", 3, PHOTO_OTHER},   {"rgb", 3, PHOTO_OTHER},
};

START_TEST(test_photometric)
{
	struct row r = {"", 4, 4, photos[_i].samples, 8, 8, 7, 0, 0, photos[_i].term, NULL, OK,
			0,  0, 0};
	struct image_format format;
	struct source s;

	source_make(&s, &r, ELE, VR_OB, BYTES_NONE, 0);
	ck_assert_int_eq(image_format_read(&format, &s.d, NULL), OK);
	ck_assert_int_eq(format.photometric, photos[_i].want);
	source_free(&s);
}
END_TEST

/* ---- Native pixels ---- */

static const struct {
	const char *name, *uid;
	enum vr vr;
	uint16_t cols, allocated;
	const char *in, *want; /* NULL: as it is, a view */
	size_t len;            /* of `in` */
	enum err e;
} natives[] = {
	{"LE 16", ELE, VR_OW, 2, 16, "\1\2\3\4", NULL, 4, OK},
	{"LE 16, implicit", ILE, VR_OW, 2, 16, "\1\2\3\4", NULL, 4, OK},
	{"LE 8, padded", ELE, VR_OB, 3, 8, "\1\2\3\0", NULL, 4, OK},
	{"LE 8 in OW", ELE, VR_OW, 3, 8, "\1\2\3\0", NULL, 4, OK},
	{"LE 16, more than the image has", ELE, VR_OW, 1, 16, "\1\2\3\4", NULL, 4, OK},
	{"LE 16, too few", ELE, VR_OW, 3, 16, "\1\2\3\4", NULL, 4, ERR_UNUSABLE},
	{"LE 8, one too few", ELE, VR_OB, 3, 8, "\1\2", NULL, 2, ERR_UNUSABLE},
	{"LE 1", ELE, VR_OB, 12, 1, "\1\2", NULL, 2, OK},
	{"BE 16", EBE, VR_OW, 2, 16, "\1\2\3\4", "\2\1\4\3", 4, OK},
	{"BE 8 in OW", EBE, VR_OW, 3, 8, "\1\2\0\3", "\2\1\3", 4, OK},
	{"BE 8 in OB", EBE, VR_OB, 3, 8, "\1\2\3\0", NULL, 4, OK},
	{"BE 32 in OW", EBE, VR_OW, 1, 32, "\1\2\3\4", "\2\1\4\3", 4, OK},
	{"BE 32 in OL", EBE, VR_OL, 1, 32, "\1\2\3\4", "\4\3\2\1", 4, OK},
	{"BE 1 in OW", EBE, VR_OW, 12, 1, "\1\2", "\2\1", 2, OK},
	{"BE 16, too few", EBE, VR_OW, 3, 16, "\1\2\3\4", NULL, 4, ERR_UNUSABLE},
	{"GE", GE, VR_OW, 2, 16, "\1\2\3\4", "\2\1\4\3", 4, OK},
};

static void check_native(const struct source *s, unsigned i)
{
	struct native n;
	struct fault f = {0};
	size_t len = (natives[i].cols * natives[i].allocated + 7u) / 8u;

	ck_assert_int_eq(native_open(&n, &s->p, &s->d, &f), natives[i].e);
	if (natives[i].e == OK) {
		const char *want = natives[i].want != NULL ? natives[i].want : natives[i].in;

		ck_assert(!n.decoded && !n.lossy);
		ck_assert_uint_eq(n.data.len, len);
		ck_assert_mem_eq(n.data.at, want, len);
		ck_assert_uint_eq(n.owned != NULL, natives[i].want != NULL);
	} else {
		ck_assert_uint_eq(f.tag, TAG_PixelData);
		ck_assert_uint_eq(f.at, s->p.data.len - natives[i].len);
	}
	native_close(&n);
	ck_assert_ptr_null(n.owned);
}

START_TEST(test_native)
{
	struct row r = {.rows = 1,
			.cols = natives[_i].cols,
			.samples = 1,
			.allocated = natives[_i].allocated,
			.stored = natives[_i].allocated,
			.high = (uint16_t)(natives[_i].allocated - 1),
			.planar = ABSENT,
			.photometric = "MONOCHROME2"};
	static const uint32_t ends[] = {0, TAG_PixelData, TAG_PixelRepresentation + 1};

	/* however much of it is indexed */
	for (size_t k = 0; k < sizeof(ends) / sizeof(ends[0]); k++) {
		struct source s;

		source_make(&s, &r, natives[_i].uid, natives[_i].vr,
			    bytes_of(natives[_i].in, natives[_i].len), ends[k]);
		check_native(&s, (unsigned)_i);
		source_free(&s);
	}
}
END_TEST

/* Words of which the last is cut short: what is missing is zero, and not what lies behind. */
START_TEST(test_half_word)
{
	struct row r = {.rows = 1,
			.cols = 3,
			.samples = 1,
			.allocated = 8,
			.stored = 8,
			.high = 7,
			.planar = ABSENT,
			.photometric = "MONOCHROME2"};
	struct source s;
	struct native n;

	source_make(&s, &r, EBE, VR_OW, BYTES_LIT("\1\2\3\4"), 0);
	put_u32be(s.b.out.at + s.b.out.len - 8, 3); /* the length of the value */
	s.p.data.len--;
	ck_assert_int_eq(dset_index(&s.d, s.p.data, s.p.syntax, 0, &s.a, NULL), OK);
	ck_assert_int_eq(native_open(&n, &s.p, &s.d, NULL), OK);
	ck_assert_uint_eq(n.data.len, 3);
	ck_assert_mem_eq(n.data.at, "\2\1\0", 3);
	native_close(&n);
	source_free(&s);
}
END_TEST

START_TEST(test_no_pixels)
{
	struct row r = {"", CT16, "MONOCHROME2", NULL, OK, 0, 0, 0};
	struct source s;
	struct native n;
	struct fault f = {0};

	source_make(&s, &r, ELE, VR_OW, BYTES_NONE, 0);
	ck_assert_int_eq(native_open(&n, &s.p, &s.d, &f), ERR_UNUSABLE);
	ck_assert_uint_eq(f.tag, TAG_PixelData);
	native_close(&n);
	s.p.syntax_unknown = true;
	ck_assert_int_eq(native_open(&n, &s.p, &s.d, &f), ERR_UNSUPPORTED);
	native_close(&n);
	source_free(&s);
}
END_TEST

Suite *suite_image(void)
{
	Suite *s = suite_create("image");
	TCase *t = tcase_create("image");

	tcase_add_loop_test(t, test_format, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_loop_test(t, test_photometric, 0, sizeof(photos) / sizeof(photos[0]));
	tcase_add_loop_test(t, test_native, 0, sizeof(natives) / sizeof(natives[0]));
	tcase_add_test(t, test_half_word);
	tcase_add_test(t, test_no_pixels);
	suite_add_tcase(s, t);
	return s;
}
