/*
 * The index of a data set: its shape, finding, typed values, limits.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/build.h"
#include "dicom/dset.h"
#include "support/hex.h"

Suite *suite_dset(void);

static struct arena arena;

static void setup(void)
{
	ck_assert_int_eq(arena_open(&arena, 256u << 20, NULL), OK);
}

static void teardown(void)
{
	arena_close(&arena);
}

static void build_sample(struct build *b)
{
	static const uint16_t rows[] = {512, 7, 0xFFFF};
	static const uint32_t longs[] = {65535, 65536};

	build_str(b, TAG_ImageType, VR_CS, "DERIVED\\SECONDARY \\");
	build_sequence(b, TAG_ReferencedSeriesSequence);
	for (int i = 0; i < 3; i++) {
		build_item(b);
		build_is(b, TAG_ReferencedFrameNumber, i);
		build_sequence(b, TAG_ReferencedSOPSequence);
		build_sequence_end(b);
		build_item_end(b);
	}
	build_sequence_end(b);
	build_str(b, TAG_PatientName, VR_PN, "  Doe^Jane ");
	build_str(b, TAG_PatientID, VR_LO, "");
	build_str(b, TAG_PixelSpacing, VR_DS, "0.5\\-1e-3 \\x");
	build_u16(b, TAG_Rows, VR_US, rows, 3);
	build_u32(b, TAG_NumberOfFrames, VR_UL, longs, 2); /* the wrong VR: a number all the same */
	build_ow_le(b, TAG_PixelData, BYTES_LIT("\1\2\3\4"));
}

static const struct syntax *const syntaxes[] = {&syntax_explicit_le, &syntax_implicit_le,
						&syntax_explicit_be};

START_TEST(test_values)
{
	const struct syntax *s = syntaxes[_i];
	struct build b;
	struct dset d;
	uint16_t u = 42;
	int64_t n = 42;
	double v = 42;

	build_init(&b, s, 65536);
	build_sample(&b);
	ck_assert_int_eq(dset_index(&d, buf_bytes(&b.out), s, 0, &arena, NULL), OK);
	ck_assert_uint_eq(d.count, 1 + 1 + 9 + 6);
	ck_assert(d.whole && !d.open_end && d.end == b.out.len);
	ck_assert(bytes_eq_str(dset_text(&d, NULL, TAG_PatientName), "Doe^Jane"));
	ck_assert(bytes_eq_str(dset_text(&d, NULL, TAG_ImageType), "DERIVED\\SECONDARY \\"));
	ck_assert(bytes_eq_str(dset_text_nth(&d, NULL, TAG_ImageType, 1), "SECONDARY"));
	ck_assert_uint_eq(dset_text_nth(&d, NULL, TAG_ImageType, 2).len, 0);
	ck_assert_uint_eq(dset_text_nth(&d, NULL, TAG_ImageType, 3).len, 0);
	ck_assert_uint_eq(dset_text(&d, NULL, TAG_PatientID).len, 0);
	ck_assert_uint_eq(dset_text(&d, NULL, TAG_PatientSex).len, 0);

	ck_assert(dset_u16(&d, NULL, TAG_Rows, 0, &u) && u == 512);
	ck_assert(dset_u16(&d, NULL, TAG_Rows, 2, &u) && u == 0xFFFF);
	ck_assert(!dset_u16(&d, NULL, TAG_Rows, 3, &u) && u == 0xFFFF);
	ck_assert(!dset_u16(&d, NULL, TAG_Columns, 0, &u) && u == 0xFFFF);
	ck_assert(!dset_u16(&d, NULL, TAG_PatientID, 0, &u) && u == 0xFFFF);
	if (s->explicit_vr) { /* implicit VR does not say UL */
		ck_assert(dset_u16(&d, NULL, TAG_NumberOfFrames, 0, &u) && u == 65535);
		ck_assert(!dset_u16(&d, NULL, TAG_NumberOfFrames, 1, &u) && u == 65535);
		ck_assert(!dset_u16(&d, NULL, TAG_NumberOfFrames, 2, &u) && u == 65535);
	}
	ck_assert(dset_ds(&d, NULL, TAG_PixelSpacing, 0, &v) && v == 0.5);
	ck_assert(dset_ds(&d, NULL, TAG_PixelSpacing, 1, &v) && v == -1e-3);
	ck_assert(!dset_ds(&d, NULL, TAG_PixelSpacing, 2, &v) && v == -1e-3);
	ck_assert(!dset_ds(&d, NULL, TAG_PixelSpacing, 3, &v) && v == -1e-3);
	ck_assert(!dset_ds(&d, NULL, TAG_PatientID, 0, &v) && v == -1e-3);
	ck_assert(dset_ds_pm(&d, NULL, TAG_PixelSpacing, 1, &n) && n == -1000000);
	ck_assert(!dset_ds_pm(&d, NULL, TAG_PixelSpacing, 2, &n) && n == -1000000);
	ck_assert(!dset_is(&d, NULL, TAG_PixelSpacing, 0, &n) && n == -1000000);
	build_free(&b);
}
END_TEST

START_TEST(test_children)
{
	const struct syntax *s = syntaxes[_i];
	struct build b;
	struct dset d;
	int64_t n = 42;
	int count = 0;

	build_init(&b, s, 65536);
	build_sample(&b);
	ck_assert_int_eq(dset_index(&d, buf_bytes(&b.out), s, 0, &arena, NULL), OK);

	const struct elem *sequence = dset_find(&d, NULL, TAG_ReferencedSeriesSequence);
	ck_assert(sequence != NULL && (sequence->flags & ELEM_SEQUENCE) != 0);
	ck_assert_uint_eq(dset_value(&d, sequence).len, 0);
	for (const struct elem *item = dset_first(&d, sequence); item != NULL;
	     item = dset_next(&d, sequence, item)) {
		ck_assert((item->flags & ELEM_ITEM) != 0 && item->tag == TAG_ITEM &&
			  item->depth == 1);
		ck_assert(dset_is(&d, item, TAG_ReferencedFrameNumber, 0, &n) && n == count);
		ck_assert_ptr_null(dset_find(&d, item, TAG_PatientName));

		const struct elem *inner = dset_find(&d, item, TAG_ReferencedSOPSequence);
		ck_assert(inner != NULL && inner->depth == 1 && inner->len == 0);
		ck_assert_ptr_null(dset_first(&d, inner));
		ck_assert_ptr_null(dset_next(&d, item, inner));
		count++;
	}
	ck_assert_int_eq(count, 3);
	ck_assert_ptr_null(dset_find(&d, NULL, TAG_ReferencedFrameNumber));
	count = 0;
	for (const struct elem *e = dset_first(&d, NULL); e != NULL; e = dset_next(&d, NULL, e)) {
		ck_assert_uint_eq(e->depth, 0);
		ck_assert_ptr_eq(dset_find(&d, NULL, e->tag), e);
		ck_assert_int_eq((e->flags & ELEM_BIG_ENDIAN) != 0, s->big_endian);
		ck_assert_int_eq((e->flags & ELEM_EXPLICIT) != 0, s->explicit_vr);
		count++;
	}
	ck_assert_int_eq(count, 8);
	build_free(&b);
}
END_TEST

START_TEST(test_empty)
{
	struct dset d;

	ck_assert_int_eq(dset_index(&d, BYTES_NONE, &syntax_explicit_le, 0, &arena, NULL), OK);
	ck_assert_uint_eq(d.count, 0);
	ck_assert_ptr_null(dset_first(&d, NULL));
	ck_assert_ptr_null(dset_find(&d, NULL, TAG_PatientName));
	ck_assert_uint_eq(dset_value(&d, NULL).len, 0);
}
END_TEST

START_TEST(test_disorder)
{
	struct bytes in = hex("1000 1000 02000000 'bb' 0800 1800 02000000 '1' 00"
			      "1000 1000 02000000 'cc' 0900 1000 02000000 'dd'");
	struct dset d;

	ck_assert_int_eq(dset_index(&d, in, &syntax_implicit_le, 0, &arena, NULL), OK);
	ck_assert_uint_eq(d.notes, WALK_DISORDERED);
	ck_assert(bytes_eq_str(dset_text(&d, NULL, TAG_PatientName), "bb")); /* the first */
	ck_assert(bytes_eq_str(dset_text(&d, NULL, TAG_SOPInstanceUID), "1"));
	ck_assert(bytes_eq_str(dset_text(&d, NULL, TAG(9, 0x10)), "dd"));
	hex_free(in);
}
END_TEST

START_TEST(test_pixels)
{
	struct bytes in = hex("E07F 1000 'OB' 0000 FFFFFFFF FEFF 00E0 04000000 01020304"
			      "FEFF 00E0 02000000 FFD8 FEFF DDE0 00000000");
	struct dset d;

	ck_assert_int_eq(dset_index(&d, in, &syntax_explicit_le, 0, &arena, NULL), OK);
	const struct elem *p = dset_find(&d, NULL, TAG_PixelData);
	ck_assert(p != NULL && p->flags == (ELEM_PIXELS | ELEM_EXPLICIT) && p->head == 12);
	ck_assert_uint_eq(p->len, DICOM_UNDEFINED);
	ck_assert_uint_eq(dset_value(&d, p).len, 0);
	const struct elem *f = dset_first(&d, p);
	ck_assert(f != NULL && f->flags == ELEM_FRAGMENT);
	ck_assert(bytes_eq_str(dset_value(&d, f), "\1\2\3\4"));
	f = dset_next(&d, p, f);
	ck_assert(f != NULL && bytes_eq_str(dset_value(&d, f), "\xFF\xD8"));
	ck_assert_ptr_null(dset_next(&d, p, f));
	ck_assert_ptr_null(dset_next(&d, NULL, p));
	hex_free(in);
}
END_TEST

/* Stopping early: nothing from there on is looked at, damage included. */
START_TEST(test_upto)
{
	struct bytes in = hex("0800 1800 02000000 '1' 00 0800 4011 12000000"
			      "FEFF 00E0 0A000000 E07F 1000 02000000 0000"
			      "1000 1000 02000000 'bb' 2000 0D00 FFFF0000");
	static const struct {
		uint32_t upto;
		enum err want;
		uint32_t count;
		size_t end;
	} rows[] = {
		{0, ERR_WIRE, 0, 0},
		{1, OK, 0, 0},
		{TAG_SOPInstanceUID, OK, 0, 0},
		{TAG(8, 0x19), OK, 1, 10},
		{TAG_PatientName, OK, 4, 36},
		{TAG(0x10, 0x11), ERR_WIRE, 0, 0}, /* the damaged header has to be read */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dset d = {0};

		ck_assert_int_eq(
			dset_index(&d, in, &syntax_implicit_le, rows[i].upto, &arena, NULL),
			rows[i].want);
		if (rows[i].want != OK)
			continue;
		ck_assert(!d.whole);
		ck_assert_uint_eq(d.count, rows[i].count);
		ck_assert_uint_eq(d.end, rows[i].end);
		ck_assert_ptr_null(dset_find(&d, NULL, TAG_PatientName));
	}
	hex_free(in);
}
END_TEST

/* Every size of arena: ERR_NOMEM and the arena as it was, until it is large enough. */
START_TEST(test_arena_sweep)
{
	struct build b;
	bool worked = false;

	build_init(&b, &syntax_implicit_le, 65536);
	for (uint16_t i = 0; i < 600; i++)
		build_u16(&b, TAG(0x0011, 0x1000 + i), VR_US, &i, 1);
	for (size_t cap = 64; !worked; cap += 999) {
		struct arena small;
		struct dset d;
		struct fault f = {0};

		ck_assert_int_eq(arena_open(&small, cap, NULL), OK);
		ck_assert_ptr_nonnull(arena_alloc(&small, 1, 1));
		size_t mark = arena_mark(&small);
		enum err e = dset_index(&d, buf_bytes(&b.out), b.syntax, 0, &small, &f);
		worked = e == OK;
		if (!worked) {
			ck_assert(e == ERR_NOMEM && f.code == ERR_NOMEM);
			ck_assert_uint_eq(arena_mark(&small), mark);
			ck_assert_uint_lt(cap, 40000);
		} else {
			uint16_t v = 0;

			ck_assert_uint_eq(d.count, 600);
			ck_assert_uint_ge(cap, 600 * sizeof(struct elem));
			for (uint16_t i = 0; i < 600; i++)
				ck_assert(dset_u16(&d, NULL, TAG(0x0011, 0x1000 + i), 0, &v) &&
					  v == i);
		}
		arena_close(&small);
	}
	build_free(&b);
}
END_TEST

START_TEST(test_element_limit)
{
	size_t max = LIMIT_ELEMENTS;
	uint8_t *in = calloc(max + 1, 8);
	struct dset d;
	struct fault f = {0};

	ck_assert_ptr_nonnull(in);
	for (size_t i = 0; i <= max; i++) { /* (0009,1000), empty, again and again */
		in[8 * i] = 9;
		in[8 * i + 3] = 0x10;
	}
	ck_assert_int_eq(dset_index(&d, bytes_of(in, 8 * max), &syntax_implicit_le, 0, &arena, &f),
			 OK);
	ck_assert_uint_eq(d.count, LIMIT_ELEMENTS);
	arena_reset(&arena, 0);
	ck_assert_int_eq(
		dset_index(&d, bytes_of(in, 8 * max + 8), &syntax_implicit_le, 0, &arena, &f),
		ERR_LIMIT);
	ck_assert_uint_eq(arena_mark(&arena), 0);
	free(in);
}
END_TEST

START_TEST(test_errors)
{
	struct bytes in = hex("1000 1000 02000000 'bb' 1000 2000 04000000 'cc'");
	struct dset d = {.count = 77};
	struct fault f = {0};

	ck_assert_int_eq(dset_index(&d, in, &syntax_implicit_le, 0, &arena, &f), ERR_WIRE);
	ck_assert(f.at == 10 && f.tag == TAG_PatientID);
	ck_assert_uint_eq(d.count, 77);
	ck_assert_uint_eq(arena_mark(&arena), 0);
	hex_free(in);
}
END_TEST

Suite *suite_dset(void)
{
	Suite *s = suite_create("dset");
	TCase *c = tcase_create("dset");

	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, test_values, 0, 3);
	tcase_add_loop_test(c, test_children, 0, 3);
	tcase_add_test(c, test_empty);
	tcase_add_test(c, test_disorder);
	tcase_add_test(c, test_pixels);
	tcase_add_test(c, test_upto);
	tcase_add_test(c, test_arena_sweep);
	tcase_add_test(c, test_element_limit);
	tcase_add_test(c, test_errors);
	suite_add_tcase(s, c);
	return s;
}
