/*
 * Segmentations: every bit of every frame in its place, for sizes that are no multiples of 8; the
 * elements around them; what is inherited from an image in any encoding; colors; dimensions; and
 * what cannot be written.
 */
#include <fcntl.h>
#include <math.h>

#include "series/segment.h"
#include "support/series_image.h"
#include "support/support.h"

Suite *suite_segment(void);

#define PLANES 9u
#define SEGMENTS 3u

struct work {
	struct segment segments[SEGMENTS];
	struct segment_plane planes[PLANES];
	struct segment_frame frames[PLANES * SEGMENTS];
	struct segment_object o;
	uint32_t painted;
	enum err fail_with; /* at the last frame */
};

/* A pixel of a frame: any pattern in which neighbours differ. */
static bool pixel(uint32_t frame, uint32_t col, uint32_t row)
{
	uint32_t h = (frame * 2654435761u) ^ (col * 40503u + row * 2246822519u);

	h ^= h >> 13;
	h *= 3266489917u;
	return ((h >> 16) & 3) == 0;
}

static enum err paint(void *ctx, uint32_t index, struct mask *mask, struct fault *f)
{
	struct work *w = ctx;

	ck_assert_uint_eq(index, w->painted++);
	ck_assert(mask_is_empty(mask));
	if (w->fail_with != OK && index + 1 == w->o.frame_count)
		return fault_set(f, w->fail_with, "the painter's fault", FAULT_NO_OFFSET);
	for (uint32_t row = 0; row < mask->rows; row++)
		for (uint32_t col = 0; col < mask->cols; col++)
			if (pixel(index, col, row))
				mask_set(mask, row, col, col + 1);
	return OK;
}

static void some_uid(struct uid *uid, unsigned kind, unsigned n)
{
	char text[32];

	snprintf(text, sizeof(text), "1.%u.%u", kind, n);
	ck_assert(uid_set(uid, bytes_str(text)));
}

static void set_uids(struct segment_object *o)
{
	some_uid(&o->sop_instance, 5, 1);
	some_uid(&o->series, 5, 2);
	some_uid(&o->dimensions, 5, 3);
	some_uid(&o->image_series, 5, 4);
	some_uid(&o->set_instance, 5, 5);
	ck_assert(uid_set(&o->set_class, BYTES_LIT("1.2.840.10008.5.1.4.1.1.481.3")));
}

static void make_planes(struct work *w)
{
	for (uint32_t k = 0; k < PLANES; k++) {
		struct segment_plane *p = &w->planes[k];

		*p = (struct segment_plane){.position_pm = {-1500000000, 2250000000, 0},
					    .row_dir = {1, 0, 0},
					    .col_dir = {0, 1, 0},
					    .row_spacing_pm = 1500000000,
					    .col_spacing_pm = 976562500,
					    .thickness_pm = 3000000000,
					    .position = k};
		p->position_pm[2] = 3000000000ll * k;
		ck_assert(uid_set(&p->sop_class, BYTES_LIT(CT_CLASS)));
		some_uid(&p->instance, 6, k + 1);
	}
}

/* Segment i on every plane from i on. */
static void make_work(struct work *w, uint32_t cols, uint32_t rows)
{
	static const char *const labels[SEGMENTS] = {"Lung_L", "PTV", "Rest"};
	struct roi_code lung = {BYTES_LIT("39607008"), BYTES_LIT("SCT"), BYTES_LIT("Lung")};
	struct roi_code organ = {BYTES_LIT("123037004"), BYTES_LIT("SCT"), BYTES_LIT("Anatomy")};
	uint32_t n = 0;

	memset(w, 0, sizeof(*w));
	make_planes(w);
	for (uint32_t i = 0; i < SEGMENTS; i++) {
		w->segments[i] = (struct segment){.label = bytes_str(labels[i]),
						  .description = BYTES_LIT("ROI"),
						  .algorithm = i == 0 ? "MANUAL" : "AUTOMATIC",
						  .color = {255, 0, 0},
						  .category = organ,
						  .type = lung,
						  .side = i == 0 ? ROI_SIDE_LEFT : ROI_SIDE_NONE};
		some_uid(&w->segments[i].tracking, 7, i + 1);
		for (uint32_t k = i; k < PLANES; k++)
			w->frames[n++] = (struct segment_frame){.segment = i, .plane = k};
	}
	w->o = (struct segment_object){
		.uid_key = BYTES_LIT("key of the tests"),
		.series_number = 99,
		.instance_number = 1,
		.series_description = "SEGMENTS",
		.study_id = "",
		.algorithm_name = "Somebody",
		.algorithm_version = "v1",
		.tracking_id = "RESEARCH",
		.now = {2026, 11, 24, 4, 5, 6, 789, 0},
		.software_version = "9.9",
		.cols = cols,
		.rows = rows,
		.slice_spacing_mm = 3,
		.overlap = SEGMENT_OVERLAP_YES,
		.segments = w->segments,
		.segment_count = SEGMENTS,
		.planes = w->planes,
		.plane_count = PLANES,
		.frames = w->frames,
		.frame_count = n,
		.paint = paint,
		.ctx = w,
	};
	set_uids(&w->o);
}

static enum err write_it(struct made *out, struct work *w, const struct image_options *image,
			 struct segment_result *r, struct fault *f)
{
	struct made src;
	struct arena a;
	int fd = memfd_create("segmentation", 0);

	ck_assert_int_ge(fd, 0);
	make_image(&src, image);
	ck_assert_int_eq(arena_open(&a, 64u << 20, NULL), OK);
	w->painted = 0;
	enum err e = segment_write(fd, &w->o, &src.d, &a, r, f);
	arena_close(&a);
	made_free(&src);
	if (e == OK)
		made_read(out, fd);
	else
		close(fd);
	return e;
}

static void must_write(struct made *out, struct work *w, const struct image_options *image)
{
	struct segment_result r;
	struct fault f = {0};

	ck_assert_msg(write_it(out, w, image, &r, &f) == OK, "%s", f.text);
	ck_assert_uint_eq(w->painted, w->o.frame_count);
}

/* ---- bits ---- */

static const struct {
	uint32_t cols, rows;
} sizes[] = {{1, 1},  {7, 1},  {1, 9},   {8, 8},   {7, 9},   {9, 7},    {3, 5},   {63, 2},
	     {64, 3}, {65, 3}, {127, 5}, {128, 2}, {129, 5}, {301, 13}, {38, 23}, {22, 21}};

/* PS3.5 8.1.1: bit i of the stream is pixel i, over all frames. */
START_TEST(test_bits)
{
	uint32_t cols = sizes[_i].cols, rows = sizes[_i].rows;
	struct image_options o = {0};
	struct work w;
	struct made m;

	make_work(&w, cols, rows);
	must_write(&m, &w, &o);
	struct bytes bits = dset_value(&m.d, dset_find(&m.d, NULL, TAG_PixelData));
	uint64_t total = (uint64_t)cols * rows * w.o.frame_count, at = 0;
	ck_assert_uint_eq(bits.len, (total + 7) / 8 + (total + 7) / 8 % 2);
	for (uint32_t i = 0; i < w.o.frame_count; i++)
		for (uint32_t row = 0; row < rows; row++)
			for (uint32_t col = 0; col < cols; col++, at++)
				ck_assert_msg((bits.at[at / 8] >> at % 8 & 1) ==
						      (unsigned)pixel(i, col, row),
					      "frame %u, column %u, row %u", i, col, row);
	for (; at < bits.len * 8; at++)
		ck_assert_uint_eq(bits.at[at / 8] >> at % 8 & 1, 0);
	made_free(&m);
}
END_TEST

/* A large frame goes through the buffer in more than one piece. */
START_TEST(test_large)
{
	struct image_options o = {0};
	struct work w;
	struct made m;

	make_work(&w, 1001, 999);
	w.o.frame_count = 2;
	must_write(&m, &w, &o);
	struct bytes bits = dset_value(&m.d, dset_find(&m.d, NULL, TAG_PixelData));
	size_t at = 0, wrong = 0;
	for (uint32_t i = 0; i < 2; i++)
		for (uint32_t row = 0; row < 999; row++)
			for (uint32_t col = 0; col < 1001; col++, at++)
				wrong += (bits.at[at / 8] >> at % 8 & 1) !=
					 (unsigned)pixel(i, col, row);
	ck_assert_uint_eq(wrong, 0);
	made_free(&m);
}
END_TEST

/* ---- elements ---- */

static const struct image_options images[] = {
	{0},
	{.syntax = "1.2.840.10008.1.2"},
	{.syntax = "1.2.840.10008.1.2.2"},
	{.syntax = RLE_UID},
	{.zone = "+0000", .charset = "ISO_IR 100"},
};

static const struct elem *first_of(const struct made *m, const struct elem *item, uint32_t tag)
{
	const struct elem *e = dset_find(&m->d, item, tag);

	ck_assert_msg(e != NULL && dset_first(&m->d, e) != NULL, "(%08X) is missing", tag);
	return dset_first(&m->d, e);
}

START_TEST(test_elements)
{
	struct work w;
	struct made m;

	make_work(&w, 5, 7);
	must_write(&m, &w, &images[_i]);
	ck_assert_ptr_eq(m.file.syntax, &syntax_explicit_le);
	ck_assert_uint_eq(m.d.notes, 0);
	expect_text(&m, NULL, TAG_SOPClassUID, SOP_CLASS_SEGMENTATION);
	expect_text(&m, NULL, TAG_ImageType, "DERIVED\\PRIMARY");
	expect_text(&m, NULL, TAG_Modality, "SEG");
	expect_text(&m, NULL, TAG_PatientName, "Doe^Jane");
	expect_text(&m, NULL, TAG_StudyInstanceUID, "1.2.3.20");
	expect_text(&m, NULL, TAG_StudyID, "S1");
	expect_text(&m, NULL, TAG_StudyDate, "20010101");
	expect_text(&m, NULL, TAG_FrameOfReferenceUID, "1.2.3.50");
	expect_text(&m, NULL, TAG_SeriesInstanceUID, "1.5.2");
	expect_text(&m, NULL, TAG_SeriesNumber, "99");
	expect_text(&m, NULL, TAG_SeriesDescription, "SEGMENTS");
	expect_text(&m, NULL, TAG_NumberOfFrames, "24");
	expect_text(&m, NULL, TAG_LossyImageCompression, "01"); /* the image's */
	expect_text(&m, NULL, TAG_SegmentsOverlap, "YES");
	expect_text(&m, NULL, TAG_SpecificCharacterSet,
		    images[_i].charset != NULL ? images[_i].charset : "");
	ck_assert_ptr_nonnull(dset_find(&m.d, NULL, TAG_PatientBirthDate)); /* type 2, empty */
	ck_assert_ptr_null(dset_find(&m.d, NULL, TAG(0x0009, 0x0010)));     /* private */
	ck_assert_ptr_null(dset_find(&m.d, NULL, TAG_AcquisitionDate));
	expect_u16(&m, TAG_Rows, 0, 7);
	expect_u16(&m, TAG_Columns, 0, 5);
	expect_u16(&m, TAG_BitsAllocated, 0, 1);

	const struct elem *s = first_of(&m, NULL, TAG_SegmentSequence);
	expect_text(&m, s, TAG_SegmentLabel, "Lung_L");
	expect_text(&m, s, TAG_SegmentAlgorithmType, "MANUAL");
	ck_assert_ptr_null(dset_find(&m.d, s, TAG_SegmentAlgorithmName));
	expect_text(&m, s, TAG_TrackingID, "RESEARCH: Lung_L");
	expect_text(&m, first_of(&m, s, TAG_SegmentedPropertyTypeCodeSequence), TAG_CodeValue,
		    "39607008");
	expect_text(&m, first_of(&m, s, TAG_SegmentationAlgorithmIdentificationSequence),
		    TAG_AlgorithmVersion, "v1");
	made_free(&m);
}
END_TEST

/* Frames of one segment only: what is not used is not referred to. */
START_TEST(test_single)
{
	struct image_options o = {0};
	struct work w;
	struct made m;
	unsigned count = 0;

	make_work(&w, 5, 7);
	w.o.segment_count = 1;
	w.o.frame_count = 2;
	w.frames[0].plane = 3;
	w.frames[1].plane = 8;
	must_write(&m, &w, &o);
	expect_text(&m, NULL, TAG_SegmentsOverlap, "NO");
	const struct elem *series = first_of(&m, NULL, TAG_ReferencedSeriesSequence);
	const struct elem *list = dset_find(&m.d, series, TAG_ReferencedInstanceSequence);
	for (const struct elem *i = dset_first(&m.d, list); i != NULL; i = dset_next(&m.d, list, i))
		expect_text(&m, i, TAG_ReferencedSOPInstanceUID, count++ == 0 ? "1.6.4" : "1.6.9");
	ck_assert_uint_eq(count, 2);
	made_free(&m);
}
END_TEST

/* ---- dimensions and functional groups ---- */

/* The nth frame's Dimension Index Values; how many. */
static unsigned index_of(const struct made *m, unsigned n, uint32_t out[static 3])
{
	const struct elem *all = dset_find(&m->d, NULL, TAG_PerFrameFunctionalGroupsSequence);
	const struct elem *item = dset_first(&m->d, all);

	while (n-- > 0)
		item = dset_next(&m->d, all, item);
	const struct elem *content = first_of(m, item, TAG_FrameContentSequence);
	struct bytes v = dset_value(&m->d, dset_find(&m->d, content, TAG_DimensionIndexValues));
	ck_assert(v.len % 4 == 0 && v.len <= 12);
	for (unsigned i = 0; i < v.len / 4; i++)
		out[i] = get_u32le(v.at + 4 * (size_t)i);
	return (unsigned)v.len / 4;
}

START_TEST(test_dimensions)
{
	struct image_options o = {0};
	uint32_t index[3];
	struct work w;
	struct made m;

	make_work(&w, 5, 7);
	/* planes 2, 5, 8 only */
	for (uint32_t i = 0; i < 6; i++)
		w.frames[i] = (struct segment_frame){.segment = i / 3, .plane = 2 + 3 * (i % 3)};
	w.o.frame_count = 6;
	w.o.segment_count = 2;
	must_write(&m, &w, &o);
	for (uint32_t i = 0; i < 6; i++) {
		ck_assert_uint_eq(index_of(&m, i, index), 2);
		ck_assert_uint_eq(index[0], 1 + i / 3);
		ck_assert_uint_eq(index[1], 1 + i % 3);
	}
	made_free(&m);
}
END_TEST

/* Several images at one position. */
START_TEST(test_repeats)
{
	static const uint32_t places[PLANES] = {0, 0, 0, 1, 1, 2, 3, 3, 4};
	static const uint32_t want[PLANES][2] = {{1, 1}, {1, 2}, {1, 3}, {2, 1}, {2, 2},
						 {3, 1}, {4, 1}, {4, 2}, {5, 1}};
	struct image_options o = {0};
	uint32_t index[3];
	struct work w;
	struct made m;

	make_work(&w, 5, 7);
	for (uint32_t k = 0; k < PLANES; k++)
		w.planes[k].position = places[k];
	must_write(&m, &w, &o);
	for (uint32_t i = 0; i < PLANES; i++) {
		ck_assert_uint_eq(index_of(&m, i, index), 3);
		ck_assert_uint_eq(index[1], want[i][0]);
		ck_assert_uint_eq(index[2], want[i][1]);
	}
	made_free(&m);
}
END_TEST

/* What differs between images is said by each frame. */
START_TEST(test_unshared)
{
	struct image_options o = {0};
	struct work w;
	struct made m;

	make_work(&w, 5, 7);
	w.planes[4].thickness_pm = 2000000000;
	w.planes[5].row_dir[1] = 1e-6;
	must_write(&m, &w, &o);
	const struct elem *shared = first_of(&m, NULL, TAG_SharedFunctionalGroupsSequence);
	const struct elem *frame = first_of(&m, NULL, TAG_PerFrameFunctionalGroupsSequence);
	ck_assert_ptr_null(dset_find(&m.d, shared, TAG_PixelMeasuresSequence));
	ck_assert_ptr_null(dset_find(&m.d, shared, TAG_PlaneOrientationSequence));
	expect_text(&m, first_of(&m, frame, TAG_PixelMeasuresSequence), TAG_PixelSpacing,
		    "1.5\\0.9765625");
	expect_text(&m, first_of(&m, frame, TAG_PlaneOrientationSequence),
		    TAG_ImageOrientationPatient, "1\\0\\0\\0\\1\\0");
	made_free(&m);

	w.planes[4].thickness_pm = 3000000000;
	w.planes[5].row_dir[1] = 0;
	must_write(&m, &w, &o);
	shared = first_of(&m, NULL, TAG_SharedFunctionalGroupsSequence);
	frame = first_of(&m, NULL, TAG_PerFrameFunctionalGroupsSequence);
	expect_text(&m, first_of(&m, shared, TAG_PixelMeasuresSequence), TAG_SpacingBetweenSlices,
		    "3");
	ck_assert_ptr_null(dset_find(&m.d, frame, TAG_PixelMeasuresSequence));
	expect_text(&m, first_of(&m, frame, TAG_PlanePositionSequence), TAG_ImagePositionPatient,
		    "-1.5\\2.25\\0");
	made_free(&m);
}
END_TEST

/* ---- texts ---- */

static const struct {
	const char *charset, *want_charset, *label;
	bool lossy;
	const char *patient;
} texts[] = {
	{NULL, "", "Heart", false, NULL},
	{NULL, "ISO_IR 192", "Herz\xC3\xB6", false, NULL},
	{"", "ISO_IR 192", "\xE5\xBF\x83", false, NULL},
	{"ISO_IR 192", "ISO_IR 192", "\xE5\xBF\x83", false, NULL},
	{"ISO_IR 100", "ISO_IR 100", "Herz?", true, NULL},
	/* in a character set that is not said: it is not to be called UTF-8 */
	{NULL, "", "Herz?", true, "M\xFCller"},
};

START_TEST(test_texts)
{
	struct image_options o = {
		.charset = texts[_i].charset, .patient = texts[_i].patient, .deidentified = true};
	struct segment_result r;
	struct work w;
	struct made m;

	make_work(&w, 5, 7);
	w.segments[0].label =
		texts[_i].lossy ? BYTES_LIT("Herz\xE5\xBF\x83") : bytes_str(texts[_i].label);
	ck_assert_int_eq(write_it(&m, &w, &o, &r, NULL), OK);
	ck_assert_int_eq(r.text_lossy, texts[_i].lossy);
	expect_text(&m, NULL, TAG_SpecificCharacterSet, texts[_i].want_charset);
	expect_text(&m, first_of(&m, NULL, TAG_SegmentSequence), TAG_SegmentLabel, texts[_i].label);
	expect_text(&m, NULL, TAG_PatientIdentityRemoved, "YES");
	made_free(&m);
}
END_TEST

/* Any of the configured texts may need more than ASCII. */
START_TEST(test_settings)
{
	const struct image_options o = {.charset = NULL};
	struct segment_result r;
	struct work w;
	struct made m;

	make_work(&w, 5, 7);
	const char **texts_of[] = {&w.o.series_description, &w.o.study_id, &w.o.algorithm_name,
				   &w.o.algorithm_version, &w.o.tracking_id};
	*texts_of[_i] = "\xC3\xB6";
	ck_assert_int_eq(write_it(&m, &w, &o, &r, NULL), OK);
	ck_assert(!r.text_lossy);
	expect_text(&m, NULL, TAG_SpecificCharacterSet, "ISO_IR 192");
	made_free(&m);
}
END_TEST

/* ---- colors: CIE L*a*b* under D50, from the ICC's own sRGB profile ---- */

static const struct {
	uint8_t rgb[3];
	double lab[3];
} colors[] = {
	{{0, 0, 0}, {0, 0, 0}},
	{{255, 255, 255}, {100, 0, 0}},
	{{255, 0, 0}, {54.29, 80.80, 69.89}},
	{{0, 255, 0}, {87.82, -79.27, 80.99}},
	{{0, 0, 255}, {29.57, 68.30, -112.03}},
	{{128, 128, 128}, {53.59, 0, 0}},
};

START_TEST(test_colors)
{
	uint16_t out[3];

	segment_cielab(colors[_i].rgb, out);
	double lab[3] = {out[0] * 100.0 / 65535, out[1] * 255.0 / 65535 - 128,
			 out[2] * 255.0 / 65535 - 128};
	for (unsigned i = 0; i < 3; i++)
		ck_assert_msg(fabs(lab[i] - colors[_i].lab[i]) < 0.02, "%f for %f", lab[i],
			      colors[_i].lab[i]);
}
END_TEST

/* ---- what cannot be ---- */

START_TEST(test_too_large)
{
	struct image_options o = {0};
	struct segment_result r;
	struct fault f;
	struct work w;
	struct made m;

	make_work(&w, 65535, 65535);
	w.o.frame_count = 9; /* 4.5 GiB */
	ck_assert_int_eq(write_it(&m, &w, &o, &r, &f), ERR_LIMIT);
	ck_assert_uint_eq(w.painted, 0);
	make_work(&w, 5, 7);
	w.o.segment_count = 65536;
	ck_assert_int_eq(write_it(&m, &w, &o, &r, &f), ERR_LIMIT);
}
END_TEST

START_TEST(test_painter_fails)
{
	struct image_options o = {0};
	struct segment_result r;
	struct fault f;
	struct work w;
	struct made m;

	make_work(&w, 5, 7);
	w.fail_with = ERR_WIRE;
	ck_assert_int_eq(write_it(&m, &w, &o, &r, &f), ERR_WIRE);
	ck_assert_str_eq(f.text, "the painter's fault");
}
END_TEST

START_TEST(test_arena_sweep)
{
	struct image_options o = {0};
	struct segment_result r;
	struct made src;
	struct work w;
	unsigned fds = test_open_fds(), enough = 0;

	make_image(&src, &o);
	fds = test_open_fds();
	for (size_t cap = 64; cap < (768u << 10); cap += 1531) {
		struct arena a;
		struct fault f = {0};
		int fd = memfd_create("segmentation", 0);

		make_work(&w, 5, 7);
		ck_assert_int_eq(arena_open(&a, cap, NULL), OK);
		enum err e = segment_write(fd, &w.o, &src.d, &a, &r, &f);
		ck_assert_msg(e == OK || e == ERR_NOMEM, "%d: %s", e, f.text);
		enough += e == OK;
		close(fd);
		arena_close(&a);
	}
	ck_assert_uint_gt(enough, 20);
	ck_assert_uint_eq(test_open_fds(), fds);
	made_free(&src);
}
END_TEST

START_TEST(test_full_disk)
{
	struct image_options o = {0};
	struct segment_result r;
	struct made src;
	struct work w;
	struct arena a;
	struct fault f;
	int fd = open("/dev/full", O_WRONLY);

	if (fd < 0) {
		test_skip("segment: no /dev/full");
		return;
	}
	make_image(&src, &o);
	make_work(&w, 1001, 999);
	ck_assert_int_eq(arena_open(&a, 16u << 20, NULL), OK);
	ck_assert_int_eq(segment_write(fd, &w.o, &src.d, &a, &r, &f), ERR_IO);
	ck_assert_int_ne(f.sys_errno, 0);
	ck_assert_uint_lt(w.painted, w.o.frame_count); /* it gave up early */
	close(fd);
	arena_close(&a);
	made_free(&src);
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

Suite *suite_segment(void)
{
	Suite *s = suite_create("segment");
	TCase *tc = tcase_create("segment");

	tcase_add_loop_test(tc, test_bits, 0, COUNT(sizes));
	tcase_add_test(tc, test_large);
	tcase_add_loop_test(tc, test_elements, 0, COUNT(images));
	tcase_add_test(tc, test_single);
	tcase_add_test(tc, test_dimensions);
	tcase_add_test(tc, test_repeats);
	tcase_add_test(tc, test_unshared);
	tcase_add_loop_test(tc, test_texts, 0, COUNT(texts));
	tcase_add_loop_test(tc, test_settings, 0, 5);
	tcase_add_loop_test(tc, test_colors, 0, COUNT(colors));
	tcase_add_test(tc, test_too_large);
	tcase_add_test(tc, test_painter_fails);
	tcase_add_test(tc, test_arena_sweep);
	tcase_add_test(tc, test_full_disk);
	suite_add_tcase(s, tc);
	return s;
}
