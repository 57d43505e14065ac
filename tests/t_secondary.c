/*
 * The debug picture as a Secondary Capture image: what stays of the source, what is new, in every
 * encoding; where its pixels lie when they are magnified.
 */
#include <check.h>
#include <math.h>

#include "series/mark.h"
#include "series/secondary.h"
#include "support/series_image.h"

Suite *suite_secondary(void);

static const struct {
	const char *name;
	struct image_options o;
} images[] = {
	{"explicit little endian", {0}},
	{"implicit little endian", {.syntax = "1.2.840.10008.1.2"}},
	{"explicit big endian", {.syntax = "1.2.840.10008.1.2.2"}},
	{"deflated", {.syntax = "1.2.840.10008.1.2.1.99"}},
	{"RLE", {.syntax = RLE_UID}},
	{"in space", {.plane = true}},
	{"in space, implicit", {.plane = true, .syntax = "1.2.840.10008.1.2"}},
	{"with overlays", {.groups = 0x8003}},
	{"with everything",
	 {.equipment = true,
	  .instances = true,
	  .creator = true,
	  .signature = true,
	  .derivation = "MPR",
	  .charset = "ISO_IR 100",
	  .zone = "+0000"}},
	{"equipment as UN", {.equipment = true, .equipment_un = true}},
	{"PET", {.sop_class = PET_CLASS, .image_type = "ORIGINAL\\PRIMARY"}},
	{"group lengths", {.group_lengths = true}},
	{"group lengths, big endian", {.group_lengths = true, .syntax = "1.2.840.10008.1.2.2"}},
};

static bool built_with(const struct image_options *o)
{
#ifdef NETRT_MINIMAL
	return o->syntax == NULL || strcmp(o->syntax, "1.2.840.10008.1.2.1.99") != 0;
#else
	(void)o;
	return true;
#endif
}

/* Every element that such an object may hold. */
static const uint32_t allowed[] = {
	TAG_SpecificCharacterSet,
	TAG_ImageType,
	TAG_InstanceCreationDate,
	TAG_InstanceCreationTime,
	TAG_SOPClassUID,
	TAG_SOPInstanceUID,
	TAG_StudyDate,
	TAG_SeriesDate,
	TAG_ContentDate,
	TAG_StudyTime,
	TAG_SeriesTime,
	TAG_ContentTime,
	TAG_AccessionNumber,
	TAG_Modality,
	TAG_ConversionType,
	TAG_Manufacturer,
	TAG_ReferringPhysicianName,
	TAG_TimezoneOffsetFromUTC,
	TAG_SeriesDescription,
	TAG_ManufacturerModelName,
	TAG_DerivationDescription,
	TAG_SourceImageSequence,
	TAG_PatientName,
	TAG_PatientID,
	TAG_PatientBirthDate,
	TAG_PatientSex,
	TAG_SliceThickness,
	TAG_DateOfSecondaryCapture,
	TAG_TimeOfSecondaryCapture,
	TAG_SecondaryCaptureDeviceManufacturer,
	TAG_SecondaryCaptureDeviceManufacturerModelName,
	TAG_SecondaryCaptureDeviceSoftwareVersions,
	TAG_SoftwareVersions,
	TAG_ContributingEquipmentSequence,
	TAG_StudyInstanceUID,
	TAG_SeriesInstanceUID,
	TAG_StudyID,
	TAG_SeriesNumber,
	TAG_InstanceNumber,
	TAG_PatientOrientation,
	TAG_ImagePositionPatient,
	TAG_ImageOrientationPatient,
	TAG_FrameOfReferenceUID,
	TAG_Laterality,
	TAG_PositionReferenceIndicator,
	TAG_ImageComments,
	TAG_SamplesPerPixel,
	TAG_PhotometricInterpretation,
	TAG_PlanarConfiguration,
	TAG_Rows,
	TAG_Columns,
	TAG_PixelSpacing,
	TAG_BitsAllocated,
	TAG_BitsStored,
	TAG_HighBit,
	TAG_PixelRepresentation,
	TAG_LossyImageCompression,
	TAG_SourceInstanceSequence,
	TAG_PixelData,
};

/* Did its texts lose letters? */
static bool draw(struct made *out, const struct made *src, const struct secondary *s)
{
	struct overlay_series series = series_of_tests();
	bool lossy = false;
	struct arena a;
	struct fault f = {0};
	struct uid source;
	int fd = memfd_create("secondary", 0);

	uid_set(&source, BYTES_LIT("1.2.3.30"));
	series.series = secondary_series_uid(series.uid_key, &source, &series.set_instance);
	series.series_number = 101;
	series.series_description = "DEBUG: Contour Overlay Visualization";
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(arena_open(&a, 64u << 20, NULL), OK);
	ck_assert_msg(secondary_write(fd, &series, s, &src->file, &src->d, &a, &lossy, &f) == OK,
		      "secondary_write: %s", f.text);
	arena_close(&a);
	made_read(out, fd);
	return lossy;
}

static void assert_order(const struct made *m)
{
	uint32_t last = 0;

	for (const struct elem *e = dset_first(&m->d, NULL); e != NULL;
	     e = dset_next(&m->d, NULL, e)) {
		bool known = false;

		ck_assert_msg(e->tag > last, "%08X after %08X", e->tag, last);
		last = e->tag;
		for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
			known = known || allowed[i] == e->tag;
		ck_assert_msg(known, "%08X is there", e->tag);
	}
}

static void assert_references(const struct made *m, const struct image_options *o)
{
	const struct elem *e = dset_find(&m->d, NULL, TAG_SourceImageSequence);
	const struct elem *item = dset_first(&m->d, e);

	expect_text(m, item, TAG_ReferencedSOPInstanceUID, "1.2.3.40");
	expect_text(m, item, TAG_ReferencedSOPClassUID,
		    o->sop_class != NULL ? o->sop_class : CT_CLASS);
	item = dset_first(&m->d, dset_find(&m->d, NULL, TAG_SourceInstanceSequence));
	expect_text(m, item, TAG_ReferencedSOPInstanceUID, "1.2.3.70");
	ck_assert(mark_is_ours(&m->d));
}

START_TEST(test_elements)
{
	static const uint8_t rgb[2 * 3 * 3] = {1, 2,  3,  4,  5,  6,  7,  8,
					       9, 10, 11, 12, 13, 14, 15, 16};
	const struct secondary s = {rgb, 2, 3, 1, 7, "L\\P", "FOR RESEARCH"};
	const struct image_options *o = &images[_i].o;
	struct made src, out;
	bool encapsulated = o->syntax != NULL && strcmp(o->syntax, RLE_UID) == 0;

	if (!built_with(o))
		return;
	make_image(&src, o);
	draw(&out, &src, &s);
	assert_order(&out);
	assert_references(&out, o);
	ck_assert_str_eq(out.file.syntax_uid.text,
			 encapsulated ? syntax_explicit_le.uid : src.file.syntax_uid.text);
	expect_text(&out, NULL, TAG_SOPClassUID, SOP_CLASS_SECONDARY_CAPTURE);
	expect_text(&out, NULL, TAG_ImageType, "DERIVED\\SECONDARY");
	expect_text(&out, NULL, TAG_ConversionType, "WSD");
	expect_text(&out, NULL, TAG_Modality, "OT");
	expect_text(&out, NULL, TAG_PatientName, "Doe^Jane");
	expect_text(&out, NULL, TAG_StudyInstanceUID, "1.2.3.20");
	expect_text(&out, NULL, TAG_StudyDate, "20010101");
	expect_text(&out, NULL, TAG_SeriesDate, "20261124");
	expect_text(&out, NULL, TAG_SeriesNumber, "101");
	expect_text(&out, NULL, TAG_InstanceNumber, "7");
	expect_text(&out, NULL, TAG_SeriesDescription, "DEBUG: Contour Overlay Visualization");
	expect_text(&out, NULL, TAG_PatientOrientation, "L\\P");
	expect_text(&out, NULL, TAG_PhotometricInterpretation, "RGB");
	expect_text(&out, NULL, TAG_LossyImageCompression, "01");
	expect_text(&out, NULL, TAG_ImageComments, "FOR RESEARCH");
	expect_u16(&out, TAG_Rows, 0, 3);
	expect_u16(&out, TAG_Columns, 0, 2);
	expect_u16(&out, TAG_SamplesPerPixel, 0, 3);
	expect_u16(&out, TAG_HighBit, 0, 7);
	for (size_t i = 0; i < 4; i++) { /* type 2 */
		static const uint32_t tags[] = {TAG_PatientID, TAG_PatientSex,
						TAG_ReferringPhysicianName, TAG_StudyTime};

		ck_assert_ptr_nonnull(dset_find(&out.d, NULL, tags[i]));
	}
	const struct elem *e = dset_find(&out.d, NULL, TAG_PixelData);
	ck_assert(bytes_eq(dset_value(&out.d, e), bytes_of(rgb, sizeof(rgb))));
	ck_assert((dset_find(&out.d, NULL, TAG_FrameOfReferenceUID) != NULL) == o->plane);
	made_free(&src);
	made_free(&out);
}
END_TEST

/* How it was de-identified, what was lost, and the shape of pixels: told once. */
START_TEST(test_kept)
{
	static const uint8_t rgb[3];
	const struct secondary s = {rgb, 1, 1, 1, 1, "", ""};
	const struct image_options o = {
		.deidentified = true, .lost = true, .aspect = true, .spacing = _i == 1};
	struct made src, out;

	make_image(&src, &o);
	draw(&out, &src, &s);
	expect_text(&out, NULL, TAG_PatientIdentityRemoved, "YES");
	expect_text(&out, NULL, TAG_LossyImageCompressionRatio, "8");
	expect_text(&out, NULL, TAG_LossyImageCompressionMethod, "ISO_10918_1");
	expect_text(&out, NULL, TAG_PixelAspectRatio, o.spacing ? "" : "1\\4");
	expect_text(&out, NULL, TAG_PixelSpacing, o.spacing ? "0.5\\2" : "");
	ck_assert_ptr_null(dset_find(&out.d, NULL, TAG_FrameOfReferenceUID));
	made_free(&src);
	made_free(&out);
}
END_TEST

/* An element whose VR is none cannot be told from its neighbours in other surroundings. */
START_TEST(test_no_vr)
{
	static const uint8_t heads[][6] = {{0x08, 0, 0x20, 0, 'D', 'A'},
					   {0x20, 0, 0x0D, 0, 'U', 'I'}};
	static const uint8_t rgb[3];
	const struct secondary s = {rgb, 1, 1, 1, 1, "", ""};
	const struct image_options o = {0};
	struct made src, out;

	make_image(&src, &o);
	for (unsigned i = 0; i < 2; i++) {
		uint8_t *at = memmem(src.bytes, src.len, heads[i], 6);

		ck_assert_ptr_nonnull(at);
		memcpy(at + 4, "\x11\x01", 2);
	}
	ck_assert_int_eq(dset_index(&src.d, src.file.data, src.file.syntax, 0, &src.arena, NULL),
			 OK);
	ck_assert_int_eq(dset_find(&src.d, NULL, TAG_StudyDate)->vr, VR_NONE);
	draw(&out, &src, &s);
	assert_order(&out);
	const struct elem *e = dset_find(&out.d, NULL, TAG_StudyDate);
	ck_assert(e != NULL && e->vr == VR_DA && e->len == 0);
	ck_assert_ptr_null(dset_find(&out.d, NULL, TAG_StudyInstanceUID));
	made_free(&src);
	made_free(&out);
}
END_TEST

static void expect_numbers(const struct made *m, uint32_t tag, size_t count, const double *want)
{
	for (size_t i = 0; i < count; i++) {
		double got = NAN;

		ck_assert_msg(dset_ds(&m->d, NULL, tag, (unsigned)i, &got) &&
				      fabs(got - want[i]) < 1e-12,
			      "%08X[%zu] is %.15g", tag, i, got);
	}
}

/* A pixel of 0.5 (from row to row, along -z) by 2 (along y) mm, in m times m. */
static const struct {
	uint32_t magnification;
	double spacing[2], position[3];
} places[] = {
	{1, {0.5, 2}, {10, -20.5, 33}},
	{2, {0.25, 1}, {10, -21, 33.125}},
	{8, {0.0625, 0.25}, {10, -20.5 - 0.875, 33 + 0.21875}},
};

START_TEST(test_place)
{
	const struct image_options o = {.plane = true};
	uint32_t m = places[_i].magnification;
	uint8_t rgb[8 * 8 * 3] = {0};
	const struct secondary s = {rgb, m, m, m, 1, "", ""};
	struct made src, out;

	make_image(&src, &o);
	draw(&out, &src, &s);
	expect_numbers(&out, TAG_PixelSpacing, 2, places[_i].spacing);
	expect_numbers(&out, TAG_ImagePositionPatient, 3, places[_i].position);
	expect_numbers(&out, TAG_ImageOrientationPatient, 6, (double[]){0, 1, 0, 0, 0, -1});
	expect_text(&out, NULL, TAG_SliceThickness, "3");
	expect_text(&out, NULL, TAG_FrameOfReferenceUID, "1.2.3.50");
	ck_assert_ptr_null(dset_find(&out.d, NULL, TAG_ImageComments));
	made_free(&src);
	made_free(&out);
}
END_TEST

START_TEST(test_uids)
{
	struct uid a, b, set;
	struct bytes key = BYTES_LIT("k");

	uid_set(&a, BYTES_LIT("1.2.3"));
	uid_set(&b, BYTES_LIT("1.2.4"));
	uid_set(&set, BYTES_LIT("1.9"));
	struct uid u[] = {secondary_series_uid(key, &a, &set), secondary_series_uid(key, &b, &set),
			  secondary_instance_uid(key, &a, &set), overlay_series_uid(key, &a, &set),
			  secondary_series_uid(key, &a, &b)};
	for (size_t i = 0; i < 5; i++)
		for (size_t k = 0; k < i; k++)
			ck_assert(!uid_eq(&u[i], &u[k]));
	struct uid again = secondary_series_uid(key, &a, &set);
	ck_assert(uid_eq(&u[0], &again));
}
END_TEST

/* The image's character set says what texts can. */
START_TEST(test_letters)
{
	static const char *const comments[] = {"Gr\xC3\xB6\xC3\x9F", "\xE5\xBF\x83"};
	static const char *const want[] = {"Gr\xF6\xDF", "?"};
	const struct image_options o = {.charset = "ISO_IR 100"};
	const struct secondary s = {(const uint8_t[]){1, 2, 3}, 1, 1, 1, 1, "", comments[_i]};
	struct made src, out;

	make_image(&src, &o);
	ck_assert_int_eq(draw(&out, &src, &s), _i == 1);
	expect_text(&out, NULL, TAG_ImageComments, want[_i]);
	made_free(&out);
	made_free(&src);
}
END_TEST

START_TEST(test_no_class)
{
	const struct image_options o = {.no_class = true};
	const struct secondary s = {(const uint8_t[]){1, 2, 3}, 1, 1, 1, 1, "", ""};
	struct overlay_series series = series_of_tests();
	struct made src;
	struct arena a;
	struct fault f = {0};
	bool lossy;
	int fd = memfd_create("secondary", 0);

	make_image(&src, &o);
	ck_assert_int_eq(arena_open(&a, 1u << 20, NULL), OK);
	ck_assert_int_eq(secondary_write(fd, &series, &s, &src.file, &src.d, &a, &lossy, &f),
			 ERR_UNUSABLE);
	ck_assert_uint_eq(f.tag, TAG_SOPClassUID);
	close(fd);
	arena_close(&a);
	made_free(&src);
}
END_TEST

START_TEST(test_memory)
{
	const struct image_options o = {.plane = true, .zone = "+0100"};
	static const uint8_t rgb[64 * 64 * 3];
	const struct secondary s = {rgb, 64, 64, 1, 1, "L\\P", "text"};
	struct overlay_series series = series_of_tests();
	struct made src;
	bool done = false, lossy;

	make_image(&src, &o);
	for (size_t cap = 64; !done; cap += 400) {
		struct arena a;
		struct fault f = {0};
		int fd = memfd_create("secondary", 0);

		ck_assert_int_eq(arena_open(&a, cap, NULL), OK);
		enum err e = secondary_write(fd, &series, &s, &src.file, &src.d, &a, &lossy, &f);
		ck_assert_msg(e == OK || e == ERR_NOMEM, "%s", f.text);
		done = e == OK;
		close(fd);
		arena_close(&a);
		ck_assert_uint_lt(cap, 1u << 20);
	}
	made_free(&src);
}
END_TEST

Suite *suite_secondary(void)
{
	Suite *s = suite_create("secondary");
	TCase *t = tcase_create("secondary");

	tcase_add_loop_test(t, test_elements, 0, (int)(sizeof(images) / sizeof(images[0])));
	tcase_add_loop_test(t, test_place, 0, (int)(sizeof(places) / sizeof(places[0])));
	tcase_add_loop_test(t, test_kept, 0, 2);
	tcase_add_test(t, test_no_vr);
	tcase_add_test(t, test_uids);
	tcase_add_loop_test(t, test_letters, 0, 2);
	tcase_add_test(t, test_no_class);
	tcase_add_test(t, test_memory);
	suite_add_tcase(s, t);
	return s;
}
