/*
 * The derived image: what changes, what does not, byte for byte, in every transfer syntax;
 * which overlay group, which bits.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>

#include "series/mark.h"
#include "series/parts.h"
#include "support/series_image.h"
#include "support/support.h"

Suite *suite_overlay(void);

/* ---- Every element, in every transfer syntax ---- */

static const struct {
	const char *name;
	struct image_options o;
} images[] = {
	{"explicit little endian", {0}},
	{"implicit little endian", {.syntax = "1.2.840.10008.1.2"}},
	{"explicit big endian", {.syntax = "1.2.840.10008.1.2.2"}},
	{"deflated", {.syntax = "1.2.840.10008.1.2.1.99"}},
	{"RLE", {.syntax = RLE_UID}},
	{"with overlays of its own", {.groups = 0x0003}},
	{"with overlays, big endian", {.groups = 0x8001, .syntax = "1.2.840.10008.1.2.2"}},
	{"embedded overlay", {.groups = 0x0001, .embedded = true}},
	{"with everything",
	 {.equipment = true,
	  .instances = true,
	  .creator = true,
	  .signature = true,
	  .derivation = "MPR",
	  .charset = "ISO_IR 100",
	  .zone = "+0000"}},
	{"PET", {.sop_class = PET_CLASS, .image_type = "ORIGINAL\\PRIMARY"}},
	{"1 x 1", {.rows = 1, .cols = 1}},
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

static bool may_change(const struct made *src, uint32_t tag)
{
	static const uint32_t changed[] = {TAG_ImageType,
					   TAG_InstanceCreationDate,
					   TAG_InstanceCreationTime,
					   TAG_InstanceCreatorUID,
					   TAG_SOPInstanceUID,
					   TAG_ContentDate,
					   TAG_ContentTime,
					   TAG_SeriesDescription,
					   TAG_DerivationDescription,
					   TAG_SourceImageSequence,
					   TAG_ContributingEquipmentSequence,
					   TAG_SeriesInstanceUID,
					   TAG_StudyID,
					   TAG_SeriesNumber,
					   TAG_SourceInstanceSequence,
					   TAG_MACParametersSequence,
					   TAG_DigitalSignaturesSequence};
	bool pet = bytes_eq_str(dset_text(&src->d, NULL, TAG_SOPClassUID), PET_CLASS);

	if (tag == TAG(0x0008, 0))
		return true;
	if (tag == TAG_SeriesDate || tag == TAG_SeriesTime)
		return !pet;
	for (size_t i = 0; i < sizeof(changed) / sizeof(changed[0]); i++)
		if (changed[i] == tag)
			return true;
	return false;
}

/* Header and value of a top-level element. */
static struct bytes whole(const struct dset *d, const struct elem *e)
{
	const struct elem *next = dset_next(d, NULL, e);
	size_t from = (size_t)e->at - e->head;
	size_t to = next == NULL ? d->end : (size_t)next->at - next->head;

	return bytes_slice(d->in, from, to - from);
}

static void check_kept(const struct made *src, const struct made *out)
{
	unsigned kept = 0;

	for (const struct elem *e = dset_first(&src->d, NULL); e != NULL;
	     e = dset_next(&src->d, NULL, e)) {
		const struct elem *same = dset_find(&out->d, NULL, e->tag);

		if (may_change(src, e->tag))
			continue;
		ck_assert_msg(same != NULL, "(%08X) is gone", e->tag);
		ck_assert_msg(bytes_eq(whole(&src->d, e), whole(&out->d, same)), "(%08X) differs",
			      e->tag);
		kept++;
	}
	ck_assert_uint_gt(kept, 15);
	ck_assert_uint_eq(out->d.notes & (WALK_DISORDERED | WALK_REPEATED | WALK_ODD_LENGTH), 0);
}

/* PS3.5 7.2: a group length counts what follows it in its group. */
static void check_group_length(const struct made *out)
{
	const struct elem *e = dset_find(&out->d, NULL, TAG(0x0008, 0)), *last = e;
	struct bytes v = dset_value(&out->d, e);

	for (const struct elem *n = e; n != NULL && TAG_GROUP(n->tag) == 0x0008;
	     n = dset_next(&out->d, NULL, n))
		last = n;
	ck_assert_uint_eq(v.len, 4);
	struct bytes end = whole(&out->d, last);
	ck_assert_uint_eq(out->file.syntax->big_endian ? get_u32be(v.at) : get_u32le(v.at),
			  (size_t)(end.at + end.len - v.at) - 4);
}

/* Nothing is there that overlay.h does not list. */
static void check_nothing_else(const struct made *src, const struct made *out,
			       const struct overlay_result *r)
{
	unsigned planes = 0;

	for (const struct elem *e = dset_first(&out->d, NULL); e != NULL;
	     e = dset_next(&out->d, NULL, e)) {
		if (dset_find(&src->d, NULL, e->tag) != NULL)
			continue;
		planes += (e->tag & 0xFF00FFFFu) == TAG(0x6000, 0x3000);
		ck_assert_msg(TAG_GROUP(e->tag) >= 0x6000 || may_change(src, e->tag),
			      "(%08X) is new", e->tag);
	}
	ck_assert_uint_eq(planes, r->planes_written);
}

static void check_references(const struct made *out, const struct image_options *o)
{
	const struct elem *source = dset_find(&out->d, NULL, TAG_SourceImageSequence);
	const struct elem *item = dset_first(&out->d, source), *purpose;

	ck_assert_ptr_nonnull(item);
	ck_assert_ptr_null(dset_next(&out->d, source, item));
	expect_text(out, item, TAG_ReferencedSOPClassUID,
		    o->sop_class != NULL ? o->sop_class : CT_CLASS);
	expect_text(out, item, TAG_ReferencedSOPInstanceUID, "1.2.3.40");
	purpose = dset_first(&out->d, dset_find(&out->d, item, TAG_PurposeOfReferenceCodeSequence));
	expect_text(out, purpose, TAG_CodeValue, "121322");
	expect_text(out, purpose, TAG_CodingSchemeDesignator, "DCM");

	source = dset_find(&out->d, NULL, TAG_SourceInstanceSequence);
	item = dset_first(&out->d, source);
	if (o->instances) {
		expect_text(out, item, TAG_ReferencedSOPInstanceUID, "1.2.3.80");
		item = dset_next(&out->d, source, item);
	}
	expect_text(out, item, TAG_ReferencedSOPClassUID, "1.2.840.10008.5.1.4.1.1.481.3");
	expect_text(out, item, TAG_ReferencedSOPInstanceUID, "1.2.3.70");
	ck_assert_ptr_null(dset_next(&out->d, source, item));
}

static void check_equipment(const struct made *out, bool had)
{
	const struct elem *all = dset_find(&out->d, NULL, TAG_ContributingEquipmentSequence);
	const struct elem *item = dset_first(&out->d, all), *purpose;

	if (had) {
		expect_text(out, item, TAG_Manufacturer, "ACME");
		item = dset_next(&out->d, all, item);
	}
	ck_assert_ptr_nonnull(item);
	ck_assert_ptr_null(dset_next(&out->d, all, item));
	expect_text(out, item, TAG_Manufacturer, "netrt");
	expect_text(out, item, TAG_SoftwareVersions, "9.9");
	expect_text(out, item, TAG_ContributionDateTime, "20261124040506.000789");
	purpose = dset_first(&out->d, dset_find(&out->d, item, TAG_PurposeOfReferenceCodeSequence));
	expect_text(out, purpose, TAG_CodeValue, "109103");
	expect_text(out, purpose, TAG_CodeMeaning, "Modifying Equipment");
}

static void check_identity(const struct made *out, const struct image_options *o,
			   const struct overlay_result *r)
{
	bool pet = o->sop_class != NULL;

	expect_text(out, NULL, TAG_ImageType,
		    pet ? "DERIVED\\PRIMARY" : "DERIVED\\SECONDARY\\AXIAL\\X");
	/* made by an independent HMAC (Python's) */
	expect_text(out, NULL, TAG_SeriesInstanceUID,
		    "2.25.186198101868448779449882260244320307141");
	expect_text(out, NULL, TAG_SOPInstanceUID, "2.25.276562120287784324908686456237875710355");
	ck_assert_str_eq(r->sop_instance.text, "2.25.276562120287784324908686456237875710355");
	expect_text(out, NULL, TAG_InstanceCreationDate, "20261124");
	expect_text(out, NULL, TAG_InstanceCreationTime, "040506.000789");
	expect_text(out, NULL, TAG_ContentDate, "20261124");
	expect_text(out, NULL, TAG_ContentTime, "040506.000789");
	expect_text(out, NULL, TAG_SeriesDate, pet ? "20010102" : "20261124");
	expect_text(out, NULL, TAG_SeriesTime, pet ? "101112" : "040506.000789");
	expect_text(out, NULL, TAG_SeriesNumber, "98");
	expect_text(out, NULL, TAG_SeriesDescription, "Processed DicomRT with Overlay");
	expect_text(out, NULL, TAG_StudyID, "RTPlanShare");
	expect_text(out, NULL, TAG_DerivationDescription,
		    o->derivation != NULL
			    ? "MPR; Overlay planes from RT Structure Set \"Plan 1\" by netrt 9.9, "
			      "pixel data unchanged"
			    : "Overlay planes from RT Structure Set \"Plan 1\" by netrt 9.9, "
			      "pixel data unchanged");
	ck_assert_ptr_null(dset_find(&out->d, NULL, TAG_InstanceCreatorUID));
	ck_assert_ptr_null(dset_find(&out->d, NULL, TAG_DigitalSignaturesSequence));
	ck_assert_ptr_null(dset_find(&out->d, NULL, TAG_MACParametersSequence));
}

static void check_meta(const struct made *src, const struct made *out)
{
	struct made meta = *out;
	struct fault f;

	ck_assert_int_eq(
		dset_index(&meta.d, out->file.meta, &syntax_explicit_le, 0, &meta.arena, &f), OK);
	expect_text(&meta, NULL, TAG_TransferSyntaxUID, src->file.syntax_uid.text);
	expect_text(&meta, NULL, TAG_MediaStorageSOPInstanceUID,
		    "2.25.276562120287784324908686456237875710355");
	struct bytes class = dset_text(&src->d, NULL, TAG_SOPClassUID);
	ck_assert(bytes_eq(dset_text(&meta.d, NULL, TAG_MediaStorageSOPClassUID), class));
}

/* PS3.5 8.1.2, from the definition: pixel i is bit i, least significant first, of the stream. */
static bool overlay_bit(const struct made *m, const struct elem *e, size_t i)
{
	struct bytes v = dset_value(&m->d, e);
	size_t at = i / 8;

	if (m->file.syntax->big_endian)
		at ^= 1;
	if (at >= v.len)
		ck_abort_msg("overlay data end before pixel %zu", i);
	return (v.at[at] >> i % 8 & 1) != 0;
}

static void check_plane(const struct made *m, uint32_t group, const struct mask *mask)
{
	const struct elem *e = dset_find(&m->d, NULL, TAG(group, 0x3000));
	size_t count = (size_t)mask->cols * mask->rows;

	ck_assert_msg(e != NULL, "no overlay data in group %04X", group);
	ck_assert_int_eq(e->vr, VR_OW);
	ck_assert_uint_eq(e->len, (count + 15) / 16 * 2);
	expect_u16(m, TAG(group, 0x0010), 0, mask->rows);
	expect_u16(m, TAG(group, 0x0011), 0, mask->cols);
	expect_text(m, NULL, TAG(group, 0x0040), "R");
	expect_u16(m, TAG(group, 0x0050), 0, 1);
	expect_u16(m, TAG(group, 0x0050), 1, 1);
	expect_u16(m, TAG(group, 0x0100), 0, 1);
	expect_u16(m, TAG(group, 0x0102), 0, 0);
	ck_assert_ptr_null(dset_find(&m->d, NULL, TAG(group, 0x0015)));
	ck_assert_ptr_null(dset_find(&m->d, NULL, TAG(group, 0x0051)));
	for (size_t i = 0; i < (size_t)e->len * 8; i++) {
		bool want = i < count &&
			    mask_get(mask, (uint32_t)(i % mask->cols), (uint32_t)(i / mask->cols));
		if (overlay_bit(m, e, i) != want)
			ck_abort_msg("group %04X: pixel %zu", group, i);
	}
}

START_TEST(test_elements)
{
	const struct image_options *o = &images[_i].o;
	struct overlay_series s = series_of_tests();
	struct overlay_result r = {0};
	struct made src, out;
	unsigned fds = test_open_fds();

	if (!built_with(o)) {
		test_skip("overlay: deflated image (MINIMAL)");
		return;
	}
	make_image(&src, o);
	struct mask m = mask_of_tests(o->cols != 0 ? o->cols : 5, o->rows != 0 ? o->rows : 7);
	struct overlay_plane plane = {.mask = &m,
				      .label = BYTES_LIT("GTV, CTV"),
				      .description = BYTES_LIT("2 ROIs"),
				      .area = mask_count(&m),
				      .has_stats = true,
				      .stats = {-12.5, 0.25}};
	derive_image(&out, &src, &s, &plane, 1, &r);

	check_kept(&src, &out);
	if (o->group_lengths)
		check_group_length(&out);
	check_nothing_else(&src, &out, &r);
	check_references(&out, o);
	check_equipment(&out, o->equipment);
	check_identity(&out, o, &r);
	check_meta(&src, &out);

	uint32_t group = o->groups == 0 ? 0x6000 : (o->groups & 2) != 0 ? 0x6004 : 0x6002;
	int64_t area = 0;
	double number = 0;
	check_plane(&out, group, &m);
	expect_text(&out, NULL, TAG(group, 0x1500), "GTV, CTV");
	expect_text(&out, NULL, TAG(group, 0x0022), "2 ROIs");
	ck_assert(dset_is(&out.d, NULL, TAG(group, 0x1301), 0, &area));
	ck_assert_int_eq(area, (int64_t)mask_count(&m));
	ck_assert(dset_ds(&out.d, NULL, TAG(group, 0x1302), 0, &number) && number == -12.5);
	ck_assert(dset_ds(&out.d, NULL, TAG(group, 0x1303), 0, &number) && number == 0.25);
	ck_assert_uint_eq(r.planes_written, 1);
	ck_assert_uint_eq(r.planes_existing, (unsigned)__builtin_popcount(o->groups));
	ck_assert(r.embedded_overlay == o->embedded);
	free(m.bits);
	made_free(&src);
	made_free(&out);
	ck_assert_uint_eq(test_open_fds(), fds);
}
END_TEST

/* ---- Bits ---- */

static const uint16_t sizes[][2] = {{1, 1},     {1, 16},    {17, 1},   {21, 22}, {23, 38},
				    {567, 652}, {512, 512}, {640, 64}, {63, 65}};
static const char *const byte_orders[] = {"1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"};

START_TEST(test_bits)
{
	struct image_options o = {
		.cols = sizes[_i / 2][0], .rows = sizes[_i / 2][1], .syntax = byte_orders[_i % 2]};
	struct overlay_series s = series_of_tests();
	struct overlay_result r;
	struct made src, out;
	struct mask m = mask_of_tests(o.cols, o.rows), empty = m;
	uint64_t *none = calloc(mask_words(o.cols, o.rows), sizeof(*none));

	mask_init(&empty, o.cols, o.rows, none);
	struct overlay_plane planes[2] = {{.mask = &m, .area = 1}, {.mask = &empty}};
	make_image(&src, &o);
	derive_image(&out, &src, &s, planes, 2, &r);
	check_plane(&out, 0x6000, &m);
	check_plane(&out, 0x6002, &empty);
	expect_text(&out, NULL, TAG(0x6002, 0x1301), "0");
	ck_assert_ptr_null(dset_find(&out.d, NULL, TAG(0x6000, 0x1302)));
	ck_assert_ptr_null(dset_find(&out.d, NULL, TAG(0x6000, 0x1500)));
	free(none);
	free(m.bits);
	made_free(&src);
	made_free(&out);
}
END_TEST

/* ---- Groups ---- */

static const struct {
	const char *name;
	uint16_t taken;
	size_t planes, written;
	uint32_t first, last; /* groups that are written */
} group_cases[] = {
	{"none taken", 0x0000, 1, 1, 0x6000, 0x6000},
	{"none taken, sixteen planes", 0x0000, 16, 16, 0x6000, 0x601E},
	{"none taken, seventeen planes", 0x0000, 17, 16, 0x6000, 0x601E},
	{"6000 and 6002 taken", 0x0003, 1, 1, 0x6004, 0x6004},
	{"a gap", 0x0005, 2, 2, 0x6002, 0x6006},
	{"one left", 0xFEFF, 3, 1, 0x6010, 0x6010},
	{"all taken", 0xFFFF, 2, 0, 0, 0},
};

START_TEST(test_groups)
{
	struct image_options o = {.groups = group_cases[_i].taken};
	struct overlay_series s = series_of_tests();
	struct overlay_plane planes[17];
	struct overlay_result r;
	struct made src, out;
	struct mask m = mask_of_tests(5, 7);
	size_t n = 0;

	for (size_t i = 0; i < group_cases[_i].planes; i++)
		planes[i] = (struct overlay_plane){.mask = &m, .area = i};
	make_image(&src, &o);
	derive_image(&out, &src, &s, planes, group_cases[_i].planes, &r);
	check_kept(&src, &out);
	check_nothing_else(&src, &out, &r);
	ck_assert_uint_eq(r.planes_written, group_cases[_i].written);
	for (uint32_t group = group_cases[_i].first; group <= group_cases[_i].last && group != 0;
	     group += 2) {
		char area[8];

		if ((o.groups >> (group - 0x6000) / 2 & 1) != 0)
			continue;
		check_plane(&out, group, &m);
		snprintf(area, sizeof(area), "%zu", n++);
		expect_text(&out, NULL, TAG(group, 0x1301), area);
	}
	ck_assert_uint_eq(n, group_cases[_i].written);
	free(m.bits);
	made_free(&src);
	made_free(&out);
}
END_TEST

/* ---- Odd sources ---- */

static struct made derived(const struct image_options *o, const struct overlay_series *s)
{
	struct overlay_result r;
	struct made src, out;
	struct mask m = mask_of_tests(5, 7);
	struct overlay_plane plane = {.mask = &m};

	make_image(&src, o);
	derive_image(&out, &src, s, &plane, 1, &r);
	free(m.bits);
	made_free(&src);
	return out;
}

START_TEST(test_image_type)
{
	static const struct {
		const char *have, *want;
	} cases[] = {
		{"", "DERIVED\\SECONDARY"},
		{"ORIGINAL", "DERIVED\\SECONDARY"},
		{"ORIGINAL\\PRIMARY", "DERIVED\\SECONDARY"},
		{"ORIGINAL\\PRIMARY\\", "DERIVED\\SECONDARY\\"},
		{"\\\\M\\ND", "DERIVED\\SECONDARY\\M\\ND"},
		{"DERIVED\\SECONDARY\\MPR", "DERIVED\\SECONDARY\\MPR"},
		{"ORIGINAL\\PRIMARY\\A VALUE THAT IS LONGER THAN ALLOWED",
		 "DERIVED\\SECONDARY\\A VALUE THAT IS LONGER THAN ALLOWED"},
	};
	struct overlay_series s = series_of_tests();
	struct image_options o = {.image_type = "X"};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		o.image_type = cases[i].have;
		struct made out = derived(&o, &s);
		expect_text(&out, NULL, TAG_ImageType, cases[i].want);
		made_free(&out);
	}
}
END_TEST

START_TEST(test_equipment_kept)
{
	struct overlay_series s = series_of_tests();
	struct image_options o = {.equipment = true, .equipment_undefined = true};
	struct made out = derived(&o, &s);

	check_equipment(&out, true);
	made_free(&out);
	o = (struct image_options){.equipment = true, .equipment_un = true};
	out = derived(&o, &s);
	const struct elem *e = dset_find(&out.d, NULL, TAG_ContributingEquipmentSequence);
	struct bytes v = dset_value(&out.d, e);
	ck_assert_int_eq(e->vr, VR_UN);
	/* the old item, then ours, both in implicit VR little endian */
	ck_assert_uint_gt(v.len, 28);
	ck_assert_int_eq(memcmp(v.at,
				"\xFE\xFF\x00\xE0\x0C\0\0\0\x08\0\x70\0\4\0\0\0ACME"
				"\xFE\xFF\x00\xE0",
				24),
			 0);
	ck_assert_int_eq(memcmp(v.at + 28, "\x08\0\x70\0\6\0\0\0netrt ", 14), 0);
	made_free(&out);
	/* what is no item is not kept in front of ours */
	o = (struct image_options){.equipment = true, .equipment_junk = true};
	out = derived(&o, &s);
	check_equipment(&out, false);
	made_free(&out);
	/* nor an item that does not end: ours would be a part of it */
	o = (struct image_options){.equipment = true, .equipment_open = true};
	out = derived(&o, &s);
	check_equipment(&out, false);
	made_free(&out);
}
END_TEST

START_TEST(test_time_zone)
{
	static const struct {
		const char *zone;
		int local_s;
		const char *date, *time;
	} cases[] = {
		{"+0000", 0, "20261124", "040506.000789"},
		{"+0100", 0, "20261124", "050506.000789"},
		{"-0530", 0, "20261123", "223506.000789"},
		{"+0100", 3600, "20261124", "040506.000789"},
		{"+1400", -36000, "20261125", "040506.000789"},
		{"0100", 0, "20261124", "040506.000789"},
		{"+01:0", 0, "20261124", "040506.000789"},
	};
	struct overlay_series s = series_of_tests();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct image_options o = {.zone = cases[i].zone};

		s.now.utc_offset_s = cases[i].local_s;
		struct made out = derived(&o, &s);
		expect_text(&out, NULL, TAG_ContentDate, cases[i].date);
		expect_text(&out, NULL, TAG_ContentTime, cases[i].time);
		made_free(&out);
	}
}
END_TEST

START_TEST(test_configured_empty)
{
	struct overlay_series s = series_of_tests();
	struct image_options o = {0};

	s.series_description = "";
	s.study_id = "";
	s.set_label = BYTES_NONE;
	struct made out = derived(&o, &s);
	expect_text(&out, NULL, TAG_SeriesDescription, "as scanned");
	expect_text(&out, NULL, TAG_StudyID, "S1");
	expect_text(&out, NULL, TAG_DerivationDescription,
		    "Overlay planes from RT Structure Set by netrt 9.9, pixel data unchanged");
	made_free(&out);
}
END_TEST

START_TEST(test_long_derivation)
{
	struct overlay_series s = series_of_tests();
	char old[1025];
	struct image_options o = {.derivation = old};

	memset(old, 'x', sizeof(old));
	old[1024] = '\0';
	struct made out = derived(&o, &s);
	struct bytes v = dset_text(&out.d, NULL, TAG_DerivationDescription);
	ck_assert(v.len <= 1024 && v.at[0] == 'O');
	made_free(&out);
	old[900] = '\0';
	out = derived(&o, &s);
	v = dset_text(&out.d, NULL, TAG_DerivationDescription);
	ck_assert(v.len > 900 && v.len <= 1024 && v.at[899] == 'x' && v.at[900] == ';');
	made_free(&out);
}
END_TEST

START_TEST(test_twice_the_same)
{
	struct overlay_series s = series_of_tests();
	struct image_options o = {.charset = "ISO_IR 192"};
	struct made a = derived(&o, &s), b = derived(&o, &s);

	ck_assert(a.len == b.len && memcmp(a.bytes, b.bytes, a.len) == 0);
	made_free(&a);
	made_free(&b);
	uid_set(&s.set_instance, BYTES_LIT("1.2.3.71"));
	b = derived(&o, &s);
	ck_assert(!bytes_eq_str(dset_text(&b.d, NULL, TAG_SOPInstanceUID),
				"2.25.276562120287784324908686456237875710355"));
	made_free(&b);
}
END_TEST

/* ---- What cannot be done ---- */

START_TEST(test_no_class)
{
	struct overlay_series s = series_of_tests();
	struct image_options o = {.no_class = true};
	struct overlay_result r = {.planes_written = 77};
	struct made src;
	struct mask m = mask_of_tests(5, 7);
	struct overlay_plane plane = {.mask = &m};
	struct arena a;
	struct fault f;
	int fd = memfd_create("none", 0);

	make_image(&src, &o);
	ck_assert_int_eq(arena_open(&a, 1u << 20, NULL), OK);
	ck_assert_int_eq(overlay_write(fd, &s, &src.file, &src.d, &plane, 1, &a, &r, &f),
			 ERR_UNUSABLE);
	ck_assert_uint_eq(f.tag, TAG_SOPClassUID);
	ck_assert_uint_eq(r.planes_written, 77);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), 0);
	close(fd);
	arena_close(&a);
	free(m.bits);
	made_free(&src);
}
END_TEST

/* Every size of arena: an error and nothing lost, until it is enough; then always the same. */
START_TEST(test_arena_sweep)
{
	struct overlay_series s = series_of_tests();
	struct image_options o = {.equipment = true, .charset = "ISO_IR 100"};
	struct overlay_result r;
	struct made src;
	struct mask m = mask_of_tests(5, 7);
	struct overlay_plane plane = {.mask = &m,
				      .label = BYTES_LIT("Gr\xC3\xB6\xC3\x9F"
							 "e")};
	unsigned enough = 0, fds = test_open_fds();
	struct fault f;

	make_image(&src, &o);
	for (size_t cap = 16; enough < 20 && cap < 1u << 20; cap += 16) {
		struct arena a;
		int fd = memfd_create("swept", 0);

		ck_assert_int_eq(arena_open(&a, cap, NULL), OK);
		enum err e = overlay_write(fd, &s, &src.file, &src.d, &plane, 1, &a, &r, &f);
		ck_assert_msg(e == OK || e == ERR_NOMEM, "cap %zu: %s", cap, f.text);
		if (e == ERR_NOMEM)
			ck_assert_int_eq(lseek(fd, 0, SEEK_END), 0);
		enough += e == OK;
		close(fd);
		arena_close(&a);
	}
	ck_assert_uint_eq(enough, 20);
	ck_assert_uint_eq(test_open_fds(), fds);
	free(m.bits);
	made_free(&src);
}
END_TEST

START_TEST(test_full_disk)
{
	struct overlay_series s = series_of_tests();
	struct image_options o = {0};
	struct overlay_result r;
	struct made src;
	struct mask m = mask_of_tests(5, 7);
	struct overlay_plane plane = {.mask = &m};
	struct arena a;
	struct fault f;
	int fd = open("/dev/full", O_WRONLY);

	if (fd < 0) {
		test_skip("overlay: no /dev/full");
		free(m.bits);
		return;
	}
	make_image(&src, &o);
	ck_assert_int_eq(arena_open(&a, 1u << 20, NULL), OK);
	ck_assert_int_eq(overlay_write(fd, &s, &src.file, &src.d, &plane, 1, &a, &r, &f), ERR_IO);
	close(fd);
	arena_close(&a);
	free(m.bits);
	made_free(&src);
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

/* ---- the mark ---- */

static const struct {
	const char *name, *model[2], *purpose[2]; /* of two items */
	bool ours;
} marks[] = {
	{"ours", {"netrt"}, {"109103"}, true},
	{"ours after another's", {"Scanner", "netrt"}, {"109101", "109103"}, true},
	{"another's", {"Scanner"}, {"109103"}, false},
	{"another purpose", {"netrt"}, {"109101"}, false},
	{"the two apart", {"netrt", "Scanner"}, {"109101", "109103"}, false},
	{"no purpose", {"netrt"}, {NULL}, false},
	{"none", {NULL}, {NULL}, false},
};

START_TEST(test_mark)
{
	struct build b;
	struct arena a;
	struct dset d;

	build_init(&b, &syntax_explicit_le, 4096);
	build_sequence(&b, TAG_ContributingEquipmentSequence);
	for (unsigned i = 0; i < 2 && marks[_i].model[i] != NULL; i++) {
		build_item(&b);
		build_str(&b, TAG_ManufacturerModelName, VR_LO, marks[_i].model[i]);
		if (marks[_i].purpose[i] != NULL)
			parts_code(&b, TAG_PurposeOfReferenceCodeSequence, marks[_i].purpose[i],
				   "Modifying Equipment");
		build_item_end(&b);
	}
	build_sequence_end(&b);
	ck_assert_int_eq(arena_open(&a, 1u << 20, NULL), OK);
	ck_assert_int_eq(dset_index(&d, buf_bytes(&b.out), &syntax_explicit_le, 0, &a, NULL), OK);
	ck_assert_msg(mark_is_ours(&d) == marks[_i].ours, "%s", marks[_i].name);
	arena_close(&a);
	build_free(&b);
}
END_TEST

Suite *suite_overlay(void)
{
	Suite *s = suite_create("overlay");
	TCase *tc = tcase_create("overlay");

	tcase_add_loop_test(tc, test_elements, 0, COUNT(images));
	tcase_add_loop_test(tc, test_bits, 0, 2 * COUNT(sizes));
	tcase_add_loop_test(tc, test_groups, 0, COUNT(group_cases));
	tcase_add_test(tc, test_image_type);
	tcase_add_test(tc, test_equipment_kept);
	tcase_add_test(tc, test_time_zone);
	tcase_add_test(tc, test_configured_empty);
	tcase_add_test(tc, test_long_derivation);
	tcase_add_test(tc, test_twice_the_same);
	tcase_add_test(tc, test_no_class);
	tcase_add_test(tc, test_arena_sweep);
	tcase_add_test(tc, test_full_disk);
	tcase_add_loop_test(tc, test_mark, 0, (int)(sizeof(marks) / sizeof(marks[0])));
	suite_add_tcase(s, tc);
	return s;
}
