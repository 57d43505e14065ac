/*
 * An image made in memory, in any transfer syntax, for the suites of src/series; and
 * the derived image of it, read back.
 */
#ifndef TESTS_SERIES_IMAGE_H
#define TESTS_SERIES_IMAGE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dicom/build.h"
#include "dicom/part10.h"
#include "series/overlay.h"

#define CT_CLASS "1.2.840.10008.5.1.4.1.1.2"
#define PET_CLASS "1.2.840.10008.5.1.4.1.1.128"
#define RLE_UID "1.2.840.10008.1.2.5"

struct image_options {
	const char *syntax;       /* UID; NULL: explicit VR little endian */
	uint16_t rows, cols;      /* 0: 7 x 5 */
	const char *charset;      /* NULL: no element; "" an empty one */
	const char *sop_class;    /* NULL: CT */
	const char *image_type;   /* NULL: ORIGINAL\PRIMARY\AXIAL\X */
	const char *derivation;   /* NULL: none */
	const char *zone;         /* NULL: none */
	uint16_t groups;          /* bit i: an overlay in group 6000 + 2i */
	bool embedded;            /* the overlay of group 6000 lies in the pixel data */
	bool group_lengths;       /* (0008,0000), which says 0, and (7FE0,0000), which says 1 */
	bool equipment;           /* Contributing Equipment Sequence of one item */
	bool equipment_undefined; /* ... of undefined length, the item too */
	bool equipment_open;      /* ... of undefined length, and the item has no delimiter */
	bool equipment_un;        /* ... as UN */
	bool equipment_junk;      /* ... as UN, with something in it that is no item */
	bool instances;           /* Source Instance Sequence of one item */
	bool creator;             /* Instance Creator UID */
	bool signature;           /* Digital Signatures, MAC Parameters */
	bool no_class;
	const char *patient; /* NULL: Doe^Jane */
	bool deidentified;   /* Patient Identity Removed */
	bool lost;           /* Lossy Image Compression Ratio and Method */
	bool spacing;        /* Pixel Spacing, where it is not in space, too */
	bool aspect;         /* Pixel Aspect Ratio */
	bool plane; /* Image Plane: pixels of 0.5 x 2 mm (from row to row, from column to column) */
};

struct made {
	struct arena arena;
	struct part10 file;
	struct dset d;
	uint8_t *bytes; /* owned: the file */
	size_t len;
};

static inline struct bytes contents(int fd)
{
	off_t len = lseek(fd, 0, SEEK_END);
	uint8_t *at = malloc((size_t)len + 1);

	ck_assert(len >= 0 && at != NULL);
	ck_assert_int_eq(pread(fd, at, (size_t)len, 0), len);
	return bytes_of(at, (size_t)len);
}

/* Read a file that was written to fd (which is closed). */
static inline void made_read(struct made *m, int fd)
{
	struct fault f = {0};
	struct bytes b = contents(fd);

	close(fd);
	*m = (struct made){.file = PART10_NONE, .bytes = (uint8_t *)(uintptr_t)b.at, .len = b.len};
	ck_assert_int_eq(arena_open(&m->arena, 16u << 20, NULL), OK);
	ck_assert_msg(part10_parse(&m->file, b, &f) == OK, "not readable: %s", f.text);
	ck_assert_msg(dset_index(&m->d, m->file.data, m->file.syntax, 0, &m->arena, &f) == OK,
		      "not walkable: %s", f.text);
}

static inline void made_free(struct made *m)
{
	part10_close(&m->file);
	arena_close(&m->arena);
	free(m->bytes);
}

static inline void put_raw(struct build *b, const char *hex)
{
	for (; *hex != '\0'; hex++) {
		unsigned v;

		if (*hex == ' ')
			continue;
		ck_assert_int_eq(sscanf(hex, "%2x", &v), 1);
		buf_char(&b->out, (char)v);
		hex++;
	}
}

static inline void put_equipment(struct build *b, const struct image_options *o)
{
	if (o->equipment_undefined) {
		/* explicit VR little endian only */
		put_raw(b, "18 00 01 A0 53 51 00 00 FF FF FF FF FE FF 00 E0 FF FF FF FF");
		put_raw(b, "08 00 70 00 4C 4F 04 00 41 43 4D 45 FE FF 0D E0 00 00 00 00");
		put_raw(b, "FE FF DD E0 00 00 00 00");
		return;
	}
	if (o->equipment_open) {
		put_raw(b, "18 00 01 A0 53 51 00 00 FF FF FF FF FE FF 00 E0 FF FF FF FF");
		put_raw(b, "08 00 70 00 4C 4F 04 00 41 43 4D 45 FE FF DD E0 00 00 00 00");
		return;
	}
	if (o->equipment_un) {
		put_raw(b, "18 00 01 A0 55 4E 00 00 FF FF FF FF FE FF 00 E0 0C 00 00 00");
		put_raw(b, "08 00 70 00 04 00 00 00 41 43 4D 45 FE FF DD E0 00 00 00 00");
		return;
	}
	if (o->equipment_junk) {
		put_raw(b, "18 00 01 A0 55 4E 00 00 0A 00 00 00 41 43 4D 45 20 41 43 4D 45 20");
		return;
	}
	build_sequence(b, TAG_ContributingEquipmentSequence);
	build_item(b);
	build_str(b, TAG_Manufacturer, VR_LO, "ACME");
	build_item_end(b);
	build_sequence_end(b);
}

static inline void put_uid(struct build *b, uint32_t tag, const char *text)
{
	struct uid uid;

	ck_assert(uid_set(&uid, bytes_str(text)));
	build_uid(b, tag, &uid);
}

static inline void put_head(struct build *b, const struct image_options *o)
{
	if (o->group_lengths)
		build_u32(b, TAG(0x0008, 0), VR_UL, &(uint32_t){0}, 1);
	if (o->charset != NULL)
		build_str(b, TAG_SpecificCharacterSet, VR_CS, o->charset);
	build_str(b, TAG_ImageType, VR_CS,
		  o->image_type != NULL ? o->image_type : "ORIGINAL\\PRIMARY\\AXIAL\\X");
	build_str(b, TAG_InstanceCreationDate, VR_DA, "20010203");
	if (o->creator)
		put_uid(b, TAG_InstanceCreatorUID, "1.2.3.99");
	if (!o->no_class)
		put_uid(b, TAG_SOPClassUID, o->sop_class != NULL ? o->sop_class : CT_CLASS);
	put_uid(b, TAG_SOPInstanceUID, "1.2.3.40");
	build_str(b, TAG_StudyDate, VR_DA, "20010101");
	build_str(b, TAG_SeriesDate, VR_DA, "20010102");
	build_str(b, TAG_AcquisitionDate, VR_DA, "20010103");
	build_str(b, TAG_SeriesTime, VR_TM, "101112");
	build_str(b, TAG_AccessionNumber, VR_SH, "");
	build_str(b, TAG_Modality, VR_CS, "CT");
	if (o->zone != NULL)
		build_str(b, TAG_TimezoneOffsetFromUTC, VR_SH, o->zone);
	build_str(b, TAG_SeriesDescription, VR_LO, "as scanned");
	if (o->derivation != NULL)
		build_str(b, TAG_DerivationDescription, VR_ST, o->derivation);
	build_str(b, TAG(0x0009, 0x0010), VR_LO, "SOMEBODY");
	build_str(b, TAG(0x0009, 0x1001), VR_LO, "private");
	build_str(b, TAG_PatientName, VR_PN, o->patient != NULL ? o->patient : "Doe^Jane");
	if (o->deidentified)
		build_str(b, TAG_PatientIdentityRemoved, VR_CS, "YES");
	if (o->plane)
		build_str(b, TAG_SliceThickness, VR_DS, "3");
	if (o->equipment)
		put_equipment(b, o);
	put_uid(b, TAG_StudyInstanceUID, "1.2.3.20");
	put_uid(b, TAG_SeriesInstanceUID, "1.2.3.30");
	build_str(b, TAG_StudyID, VR_SH, "S1");
	build_str(b, TAG_SeriesNumber, VR_IS, "3");
	build_str(b, TAG_InstanceNumber, VR_IS, "17");
	if (o->plane) {
		build_str(b, TAG_ImagePositionPatient, VR_DS, "10\\-20.5\\33");
		build_str(b, TAG_ImageOrientationPatient, VR_DS, "0\\1\\0\\0\\0\\-1");
	}
	put_uid(b, TAG_FrameOfReferenceUID, "1.2.3.50");
}

static inline void put_overlays(struct build *b, const struct image_options *o)
{
	static const uint16_t size[2] = {3, 2}, origin[2] = {1, 1}, bits[2] = {16, 12};
	static const uint16_t one = 1, zero = 0;

	for (uint16_t i = 0; i < 16; i++) {
		uint32_t group = 0x6000u + 2u * i;
		bool embedded = o->embedded && i == 0;

		if ((o->groups >> i & 1) == 0)
			continue;
		build_u16(b, TAG(group, 0x0010), VR_US, &size[0], 1);
		build_u16(b, TAG(group, 0x0011), VR_US, &size[1], 1);
		build_str(b, TAG(group, 0x0040), VR_CS, "G");
		build_u16(b, TAG(group, 0x0050), VR_SS, origin, 2);
		build_u16(b, TAG(group, 0x0100), VR_US, embedded ? &bits[0] : &one, 1);
		build_u16(b, TAG(group, 0x0102), VR_US, embedded ? &bits[1] : &zero, 1);
		if (!embedded)
			build_ow_le(b, TAG(group, 0x3000), BYTES_LIT("\x2A\x00"));
	}
}

static inline void put_pixels(struct build *b, uint16_t rows, uint16_t cols, bool encapsulated)
{
	size_t count = (size_t)rows * cols;
	uint16_t *values = malloc(count * sizeof(*values));

	ck_assert_ptr_nonnull(values);
	if (encapsulated) {
		put_raw(b, "E0 7F 10 00 4F 42 00 00 FF FF FF FF FE FF 00 E0 00 00 00 00");
		put_raw(b, "FE FF 00 E0 06 00 00 00 01 02 FE FF DD E0 FE FF DD E0 00 00 00 00");
	} else {
		for (size_t i = 0; i < count; i++)
			values[i] = (uint16_t)(i * 40503u);
		build_u16(b, TAG_PixelData, VR_OW, values, count);
	}
	free(values);
}

static inline void make_image(struct made *m, const struct image_options *o)
{
	uint16_t rows = o->rows != 0 ? o->rows : 7, cols = o->cols != 0 ? o->cols : 5;
	uint16_t sixteen = 16, fifteen = 15, one = 1, zero = 0;
	const char *uid = o->syntax != NULL ? o->syntax : syntax_explicit_le.uid;
	struct part10_out out = {.syntax = syntax_find(bytes_str(uid)), .source_fd = -1};
	struct build b;
	struct fault f = {0};
	int fd = memfd_create("source", 0);

	ck_assert(fd >= 0 && out.syntax != NULL);
	build_init(&b, out.syntax, 64u << 20);
	put_head(&b, o);
	build_u16(&b, TAG_SamplesPerPixel, VR_US, &one, 1);
	build_str(&b, TAG_PhotometricInterpretation, VR_CS, "MONOCHROME2");
	build_u16(&b, TAG_Rows, VR_US, &rows, 1);
	build_u16(&b, TAG_Columns, VR_US, &cols, 1);
	if (o->plane || o->spacing)
		build_str(&b, TAG_PixelSpacing, VR_DS, "0.5\\2");
	if (o->aspect)
		build_str(&b, TAG_PixelAspectRatio, VR_IS, "1\\4");
	build_u16(&b, TAG_BitsAllocated, VR_US, &sixteen, 1);
	build_u16(&b, TAG_BitsStored, VR_US, &sixteen, 1);
	build_u16(&b, TAG_HighBit, VR_US, &fifteen, 1);
	build_u16(&b, TAG_PixelRepresentation, VR_US, &zero, 1);
	build_str(&b, TAG_LossyImageCompression, VR_CS, "01");
	if (o->lost) {
		build_str(&b, TAG_LossyImageCompressionRatio, VR_DS, "8");
		build_str(&b, TAG_LossyImageCompressionMethod, VR_CS, "ISO_10918_1");
	}
	if (o->instances) {
		build_sequence(&b, TAG_SourceInstanceSequence);
		build_item(&b);
		put_uid(&b, TAG_ReferencedSOPInstanceUID, "1.2.3.80");
		build_item_end(&b);
		build_sequence_end(&b);
	}
	if (o->signature)
		build_bytes(&b, TAG_MACParametersSequence, VR_SQ, BYTES_NONE);
	put_overlays(&b, o);
	if (o->group_lengths)
		build_u32(&b, TAG(0x7FE0, 0), VR_UL, &(uint32_t){1}, 1);
	put_pixels(&b, rows, cols, out.syntax->encapsulated);
	if (o->signature)
		build_bytes(&b, TAG_DigitalSignaturesSequence, VR_SQ, BYTES_NONE);
	ck_assert(!b.out.failed);

	struct bytes view = buf_bytes(&b.out);
	uid_set(&out.sop_class, BYTES_LIT(CT_CLASS));
	uid_set(&out.sop_instance, BYTES_LIT("1.2.3.40"));
	uid_set(&out.transfer_syntax, bytes_str(uid));
	out.views = &view;
	out.view_count = 1;
	ck_assert_msg(part10_write(fd, &out, &f) == OK, "source: %s", f.text);
	build_free(&b);
	made_read(m, fd);
}

static inline struct overlay_series series_of_tests(void)
{
	struct overlay_series s = {
		.uid_key = BYTES_LIT("key of the tests"),
		.set_label = BYTES_LIT("Plan 1"),
		.series_number = 98,
		.series_description = "Processed DicomRT with Overlay",
		.study_id = "RTPlanShare",
		.now = {2026, 11, 24, 4, 5, 6, 789, 0},
		.software_version = "9.9",
	};
	struct uid source;

	uid_set(&s.set_class, BYTES_LIT("1.2.840.10008.5.1.4.1.1.481.3"));
	uid_set(&s.set_instance, BYTES_LIT("1.2.3.70"));
	uid_set(&source, BYTES_LIT("1.2.3.30"));
	s.series = overlay_series_uid(s.uid_key, &source, &s.set_instance);
	return s;
}

/* A mask of the image's size in which every third pixel and some of the last row are set; free
 * mask.bits. */
static inline struct mask mask_of_tests(uint32_t cols, uint32_t rows)
{
	struct mask m;
	uint64_t *bits = malloc(mask_words(cols, rows) * sizeof(*bits));

	ck_assert_ptr_nonnull(bits);
	mask_init(&m, cols, rows, bits);
	for (uint32_t i = 0; i < cols * rows; i++)
		if (i % 3 == 0 || i + 4 > cols * rows)
			mask_set(&m, i / cols, i % cols, i % cols + 1);
	return m;
}

static inline void derive_image(struct made *out, const struct made *src,
				const struct overlay_series *s, const struct overlay_plane *planes,
				size_t count, struct overlay_result *r)
{
	struct arena a;
	struct fault f = {0};
	int fd = memfd_create("derived", 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(arena_open(&a, 64u << 20, NULL), OK);
	ck_assert_msg(overlay_write(fd, s, &src->file, &src->d, planes, count, &a, r, &f) == OK,
		      "overlay_write: %s", f.text);
	arena_close(&a);
	made_read(out, fd);
}

static inline void expect_text(const struct made *m, const struct elem *item, uint32_t tag,
			       const char *want)
{
	struct bytes got = dset_text(&m->d, item, tag);

	ck_assert_msg(bytes_eq_str(got, want), "(%04X,%04X) is \"%.*s\", not \"%s\"", tag >> 16,
		      tag & 0xFFFF, (int)got.len, (const char *)got.at, want);
}

static inline void expect_u16(const struct made *m, uint32_t tag, unsigned index, unsigned want)
{
	uint16_t got = 0xDEAD;

	ck_assert_msg(dset_u16(&m->d, NULL, tag, index, &got) && got == want,
		      "(%04X,%04X) is %u, not %u", tag >> 16, tag & 0xFFFF, got, want);
}

#endif
