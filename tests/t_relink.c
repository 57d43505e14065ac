/*
 * Relinked structure sets: read back as rt/structset reads them, in every form that sequences come
 * in; each contour refers to the images it is said to lie on, and is otherwise what it was.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "series/relink.h"
#include "support/rt_make.h"
#include "support/support.h"

Suite *suite_relink(void);

#define IMAGES 4u

static const struct contour_spec first_contours[] = {
	{.data = "0\\0\\0\\1\\0\\0\\1\\1\\0", .image = "1.2.1"},
	{.data = "0\\0\\3\\1\\0\\3\\1\\1\\3", .image = "1.2.2", .second_image = "1.2.77"},
	{.data = "0\\0\\6\\1\\0\\6\\1\\1\\6"},
};
static const struct contour_spec second_contours[] = {
	{.data = "5\\5\\0", .type = "POINT", .image = "1.2.3"},
	{.data = "0\\0\\0\\2\\0\\0\\2\\2\\0", .image = "1.2.4"},
	{.data = "9\\9\\9", .type = "POINT", .image = "1.2.99"},
};
static const struct roi_spec some_rois[] = {
	{.number = 1,
	 .name = "A",
	 .type = "ORGAN",
	 .color = "255\\0\\0",
	 .contours = first_contours,
	 .contour_count = 3},
	{.number = 2, .name = "B", .type = "ORGAN"},
	{.number = 3,
	 .name = "C",
	 .type = "ORGAN",
	 .contours = second_contours,
	 .contour_count = 3},
};

struct work {
	struct relink_image images[IMAGES];
	struct relink_place places[6];
	struct relink o;
};

static void make_work(struct work *w)
{
	static const struct relink_place places[6] = {{0, 1}, {1, 1}, {2, 2},
						      {0, 0}, {3, 1}, {0, 0}};
	char text[32];

	memset(w, 0, sizeof(*w));
	for (unsigned i = 0; i < IMAGES; i++) {
		ck_assert(uid_set(&w->images[i].sop_class, BYTES_LIT(CT_CLASS)));
		snprintf(text, sizeof(text), "1.2.%u", i + 1);
		ck_assert(uid_set(&w->images[i].source, bytes_str(text)));
		snprintf(text, sizeof(text), "2.25.%u00", i + 1);
		ck_assert(uid_set(&w->images[i].overlay, bytes_str(text)));
	}
	memcpy(w->places, places, sizeof(places));
	w->o = (struct relink){.series_number = 98,
			       .series_description = "WITH OVERLAY",
			       .study_id = "",
			       .now = {2026, 11, 24, 4, 5, 6, 789, 0},
			       .software_version = "9.9",
			       .images = w->images,
			       .image_count = IMAGES,
			       .places = w->places,
			       .place_count = 6};
	ck_assert(uid_set(&w->o.sop_instance, BYTES_LIT("2.25.1")));
	ck_assert(uid_set(&w->o.series, BYTES_LIT("2.25.2")));
	ck_assert(uid_set(&w->o.source_series, BYTES_LIT("1.3.1")));
	ck_assert(uid_set(&w->o.overlay_series, BYTES_LIT("2.25.3")));
	ck_assert(uid_set(&w->o.frame, BYTES_LIT("1.4.1")));
	ck_assert(uid_set(&w->o.study, BYTES_LIT("1.6.1")));
}

struct relinked {
	struct arena arena;
	struct part10 file;
	struct dset d;
	struct structset set;
	struct relink_result r;
	uint8_t *bytes;
};

static enum err write_it(struct relinked *m, const struct relink *o, struct bytes data,
			 const struct syntax *syntax, struct fault *f)
{
	struct arena a;
	struct dset d;
	int fd = memfd_create("relinked", 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(arena_open(&a, 64u << 20, NULL), OK);
	ck_assert_int_eq(dset_index(&d, data, syntax, 0, &a, f), OK);
	enum err e = relink_write(fd, o, &d, &a, &m->r, f);
	arena_close(&a);
	if (e == OK) {
		off_t len = lseek(fd, 0, SEEK_END);

		m->bytes = malloc((size_t)len);
		ck_assert_ptr_nonnull(m->bytes);
		ck_assert_int_eq(pread(fd, m->bytes, (size_t)len, 0), len);
		m->file = PART10_NONE;
		ck_assert_int_eq(arena_open(&m->arena, 64u << 20, NULL), OK);
		ck_assert_int_eq(part10_parse(&m->file, bytes_of(m->bytes, (size_t)len), f), OK);
		ck_assert_int_eq(dset_index(&m->d, m->file.data, m->file.syntax, 0, &m->arena, f),
				 OK);
		ck_assert_int_eq(structset_read(&m->set, &m->file, &m->arena, f), OK);
	}
	close(fd);
	return e;
}

static void relinked_free(struct relinked *m)
{
	part10_close(&m->file);
	arena_close(&m->arena);
	free(m->bytes);
}

static void expect_uid(struct bytes got, const char *want)
{
	ck_assert_msg(bytes_eq_str(bytes_trim(got), want), "%.*s, not %s", (int)got.len,
		      (const char *)got.at, want);
}

static void expect_text(const struct relinked *m, uint32_t tag, const char *want)
{
	expect_uid(dset_text(&m->d, NULL, tag), want);
}

/* ---- forms ---- */

static const struct {
	const char *name;
	struct set_spec s;
} forms[] = {
	{"explicit", {.series = {"1.3.1"}}},
	{"implicit", {.series = {"1.3.1"}, .implicit = true}},
	{"undefined lengths", {.series = {"1.3.1"}, .undefined = true}},
	{"implicit, undefined", {.series = {"1.3.1"}, .implicit = true, .undefined = true}},
	{"hidden in UN", {.series = {"1.3.1"}, .hide_sequences = true}},
	{"hidden, undefined inside",
	 {.series = {"1.3.1"}, .hide_sequences = true, .undefined = true}},
	{"private sequences inside", {.series = {"1.3.1"}, .private_elements = true}},
	{"number last", {.series = {"1.3.1"}, .number_last = true, .undefined = true}},
	{"contours first", {.series = {"1.3.1"}, .contours_first = true}},
	{"no references", {.frame = ""}},
	{"another series", {.series = {"1.3.5"}}},
	{"several series", {.series = {"1.3.5", "1.3.1", "1.3.6"}}},
	{"another frame", {.series = {"1.3.1"}, .frame = "1.4.9"}},
	{"a frame twice", {.series = {"1.3.1"}, .frame_again = true}},
};

/* The references of the nth contour in the file. */
static unsigned references(const struct relinked *m, uint32_t ordinal, struct bytes out[4])
{
	const struct elem *all = dset_find(&m->d, NULL, TAG_ROIContourSequence);
	uint32_t n = 0;

	for (const struct elem *roi = dset_first(&m->d, all); roi != NULL;
	     roi = dset_next(&m->d, all, roi)) {
		const struct elem *seq = dset_find(&m->d, roi, TAG_ContourSequence);

		for (const struct elem *c = seq != NULL ? dset_first(&m->d, seq) : NULL; c != NULL;
		     c = dset_next(&m->d, seq, c)) {
			const struct elem *list = dset_find(&m->d, c, TAG_ContourImageSequence);
			unsigned count = 0;

			if (n++ != ordinal)
				continue;
			for (const struct elem *i = list != NULL ? dset_first(&m->d, list) : NULL;
			     i != NULL && count < 4; i = dset_next(&m->d, list, i))
				out[count++] = dset_text(&m->d, i, TAG_ReferencedSOPInstanceUID);
			return count;
		}
	}
	return 0;
}

static void check_contours(const struct relinked *m)
{
	static const char *const want[6][2] = {{"2.25.100"}, {"2.25.200"}, {"2.25.300", "2.25.400"},
					       {"2.25.300"}, {"2.25.400"}, {"1.2.99"}};
	struct bytes got[4];

	ck_assert_uint_eq(m->set.contour_count, 6);
	for (uint32_t i = 0; i < 6; i++) {
		const struct contour_spec *s = i < 3 ? &first_contours[i] : &second_contours[i - 3];
		unsigned count = references(m, i, got);

		ck_assert_uint_eq(m->set.contours[i].ordinal, i);
		ck_assert_msg(bytes_eq_str(bytes_trim(m->set.contours[i].data), s->data), "%u", i);
		ck_assert_uint_eq(count, i == 2 ? 2 : 1);
		for (unsigned k = 0; k < count; k++)
			expect_uid(got[k], want[i][k]);
	}
	ck_assert_uint_eq(m->r.placed, 4);
	ck_assert_uint_eq(m->r.mapped, 1);
}

/* Our series, once, with all images; how many series there are. */
static unsigned check_series(const struct relinked *m)
{
	unsigned series = 0, ours = 0, images = 0;
	const struct elem *frames = dset_find(&m->d, NULL, TAG_ReferencedFrameOfReferenceSequence);

	for (const struct elem *f = dset_first(&m->d, frames); f != NULL;
	     f = dset_next(&m->d, frames, f)) {
		const struct elem *studies = dset_find(&m->d, f, TAG_RTReferencedStudySequence);

		if (studies == NULL)
			continue;
		const struct elem *study = dset_first(&m->d, studies);
		const struct elem *all = dset_find(&m->d, study, TAG_RTReferencedSeriesSequence);

		for (const struct elem *s = dset_first(&m->d, all); s != NULL;
		     s = dset_next(&m->d, all, s)) {
			const struct elem *list = dset_find(&m->d, s, TAG_ContourImageSequence);

			series++;
			if (!bytes_eq_str(dset_text(&m->d, s, TAG_SeriesInstanceUID), "2.25.3"))
				continue;
			ours++;
			expect_uid(dset_text(&m->d, f, TAG_FrameOfReferenceUID), "1.4.1");
			for (const struct elem *i = dset_first(&m->d, list); i != NULL;
			     i = dset_next(&m->d, list, i))
				images++;
		}
	}
	ck_assert_uint_eq(ours, 1);
	ck_assert_uint_eq(images, IMAGES);
	return series;
}

static void check_top(const struct relinked *m)
{
	expect_text(m, TAG_SOPInstanceUID, "2.25.1");
	expect_text(m, TAG_SeriesInstanceUID, "2.25.2");
	expect_text(m, TAG_SeriesNumber, "98");
	expect_text(m, TAG_SeriesDescription, "WITH OVERLAY");
	expect_text(m, TAG_StructureSetLabel, "A LABEL");
	expect_text(m, TAG_StudyInstanceUID, "1.6.1");
	const struct elem *before = dset_find(&m->d, NULL, TAG_PredecessorStructureSetSequence);
	expect_uid(dset_text(&m->d, dset_first(&m->d, before), TAG_ReferencedSOPInstanceUID),
		   "1.5.1");
	ck_assert_ptr_nonnull(dset_find(&m->d, NULL, TAG_ContributingEquipmentSequence));
	ck_assert_ptr_nonnull(dset_find(&m->d, NULL, TAG_PatientName)); /* type 2 */
	ck_assert_ptr_nonnull(dset_find(&m->d, NULL, TAG_StudyID));
	ck_assert_uint_eq(m->set.roi_count, 3);
	ck_assert(m->set.rois[0].has_color && m->set.rois[0].color[0] == 255);
}

START_TEST(test_forms)
{
	struct set_spec s = forms[_i].s;
	struct relinked m;
	struct fault f = {0};
	struct work w;

	s.rois = some_rois;
	s.roi_count = 3;
	struct buf b = make_set(&s);
	const struct syntax *syntax = s.implicit ? &syntax_implicit_le : &syntax_explicit_le;
	make_work(&w);
	ck_assert_msg(write_it(&m, &w.o, buf_bytes(&b), syntax, &f) == OK, "%s: %s", forms[_i].name,
		      f.text);
	ck_assert_ptr_eq(m.file.syntax, syntax);
	check_contours(&m);
	check_top(&m);
	unsigned want = s.series[0] == NULL || strcmp(s.series[0], "1.3.1") == 0 ? 1 : 2;
	want = s.series[1] != NULL ? 3 : want;
	want += s.frame != NULL && s.frame[0] != '\0'; /* the other frame's stays */
	/* what is hidden cannot be looked into: it is made anew */
	ck_assert_uint_eq(check_series(&m), want);
	relinked_free(&m);
	buf_free(&b);
}
END_TEST

/* The structure set's character set says what its new texts can. */
START_TEST(test_letters)
{
	static const struct {
		const char *charset, *description, *want;
	} texts[] = {
		{"ISO_IR 192", "\xE5\xBF\x83", "\xE5\xBF\x83"},
		{"ISO_IR 100", "Herz\xC3\xB6", "Herz\xF6"},
		{"ISO_IR 100", "Herz\xE5\xBF\x83", "Herz?"},
	};
	struct set_spec s = {.series = {"1.3.1"},
			     .rois = some_rois,
			     .roi_count = 3,
			     .charset = texts[_i].charset};
	struct buf b = make_set(&s);
	struct relinked m;
	struct work w;

	make_work(&w);
	w.o.series_description = texts[_i].description;
	ck_assert_int_eq(write_it(&m, &w.o, buf_bytes(&b), &syntax_explicit_le, NULL), OK);
	expect_text(&m, TAG_SeriesDescription, texts[_i].want);
	ck_assert_int_eq(m.r.text_lossy, _i == 2);
	relinked_free(&m);
	buf_free(&b);
}
END_TEST

/* Without a frame of reference of the images the structure set's own is taken. */
START_TEST(test_no_frame)
{
	struct set_spec s = {.series = {"1.3.1"}, .rois = some_rois, .roi_count = 3};
	struct buf b = make_set(&s);
	struct relinked m;
	struct fault f = {0};
	struct work w;

	make_work(&w);
	w.o.frame.text[0] = '\0';
	ck_assert_int_eq(write_it(&m, &w.o, buf_bytes(&b), &syntax_explicit_le, &f), OK);
	ck_assert_uint_eq(check_series(&m), 1);
	relinked_free(&m);
	buf_free(&b);
}
END_TEST

/* ---- other elements at the top ---- */

START_TEST(test_approval)
{
	struct pen p = {.out = BUF_INIT(1u << 20)};
	struct relinked m;
	struct fault f = {0};
	struct work w;

	pen_str(&p, TAG_InstanceCreatorUID, "UI", "1.9");
	pen_str(&p, TAG_SOPClassUID, "UI", SOP_CLASS_RT_STRUCTURE_SET);
	pen_str(&p, TAG_SOPInstanceUID, "UI", "1.5.1");
	pen_str(&p, TAG_StudyID, "SH", "OLD");
	pen_bytes(&p, TAG(0x3006, 0x0000), "UL", BYTES_LIT("\x0A\0\0\0"));
	pen_sequence(&p, TAG_StructureSetROISequence);
	pen_item(&p);
	pen_int(&p, TAG_ROINumber, 1);
	pen_item_end(&p);
	pen_sequence_end(&p);
	pen_str(&p, TAG_ApprovalStatus, "CS", "APPROVED");
	pen_str(&p, TAG_ReviewDate, "DA", "20200101");
	pen_str(&p, TAG_ReviewerName, "PN", "Some^One");
	make_work(&w);
	w.o.study_id = "NEW";
	ck_assert_int_eq(write_it(&m, &w.o, buf_bytes(&p.out), &syntax_explicit_le, &f), OK);
	expect_text(&m, TAG_ApprovalStatus, "UNAPPROVED");
	expect_text(&m, TAG_StudyID, "NEW");
	ck_assert_ptr_null(dset_find(&m.d, NULL, TAG_ReviewDate));
	ck_assert_ptr_null(dset_find(&m.d, NULL, TAG_ReviewerName));
	ck_assert_ptr_null(dset_find(&m.d, NULL, TAG_InstanceCreatorUID));
	ck_assert_ptr_null(dset_find(&m.d, NULL, TAG(0x3006, 0x0000)));
	ck_assert_ptr_null(dset_find(&m.d, NULL, TAG_ROIContourSequence));
	ck_assert_uint_eq(m.d.notes & (WALK_DISORDERED | WALK_REPEATED), 0);
	relinked_free(&m);
	buf_free(&p.out);
}
END_TEST

/* An item in another series lacks its delimiter: its copy ends where it did. */
START_TEST(test_missing_delimiter)
{
	static const uint8_t delimiter[] = {0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0};
	struct set_spec s = {
		.series = {"1.3.5", "1.3.1"}, .rois = some_rois, .roi_count = 3, .undefined = true};
	struct buf b = make_set(&s);
	struct relinked m;
	struct fault f = {0};
	struct work w;
	size_t at = 0;

	/* the first Item Delimitation Item: of the image of series 1.3.5 */
	while (memcmp(b.at + at, delimiter, sizeof(delimiter)) != 0)
		at++;
	memmove(b.at + at, b.at + at + 8, b.len - at - 8);
	b.len -= 8;
	make_work(&w);
	ck_assert_msg(write_it(&m, &w.o, buf_bytes(&b), &syntax_explicit_le, &f) == OK, "%s",
		      f.text);
	ck_assert_uint_eq(m.d.notes & WALK_NO_DELIMITER, 0);
	ck_assert_uint_eq(check_series(&m), 2);
	check_contours(&m);
	relinked_free(&m);
	buf_free(&b);
}
END_TEST

/* What was hidden in an element shows now, so it must be in order. */
START_TEST(test_hidden_junk)
{
	struct pen p = {.out = BUF_INIT(1u << 20)};
	struct relinked m;
	struct fault f = {0};
	struct work w;

	pen_str(&p, TAG_SOPClassUID, "UI", SOP_CLASS_RT_STRUCTURE_SET);
	pen_str(&p, TAG_SOPInstanceUID, "UI", "1.5.1");
	/* an item of 16 bytes: a sequence (3007,1000) of 8 bytes that are none */
	pen_bytes(&p, TAG_ROIContourSequence, "UN",
		  BYTES_LIT("\xFE\xFF\x00\xE0\x10\0\0\0\x06\x30\x80\x00\x08\0\0\0JUNKJUNK"));
	make_work(&w);
	ck_assert_int_eq(write_it(&m, &w.o, buf_bytes(&p.out), &syntax_explicit_le, &f), ERR_WIRE);
	buf_free(&p.out);
}
END_TEST

/* ---- what cannot be ---- */

START_TEST(test_no_uid)
{
	struct pen p = {.out = BUF_INIT(1u << 20)};
	struct relinked m;
	struct fault f = {0};
	struct work w;

	pen_str(&p, TAG_SOPClassUID, "UI", SOP_CLASS_RT_STRUCTURE_SET);
	make_work(&w);
	ck_assert_int_eq(write_it(&m, &w.o, buf_bytes(&p.out), &syntax_explicit_le, &f),
			 ERR_UNUSABLE);
	buf_free(&p.out);
}
END_TEST

START_TEST(test_arena_sweep)
{
	struct set_spec s = {.series = {"1.3.1"}, .rois = some_rois, .roi_count = 3};
	struct buf b = make_set(&s);
	struct relink_result r;
	struct arena index;
	struct dset d;
	struct work w;
	unsigned enough = 0;

	make_work(&w);
	ck_assert_int_eq(arena_open(&index, 1u << 20, NULL), OK);
	ck_assert_int_eq(dset_index(&d, buf_bytes(&b), &syntax_explicit_le, 0, &index, NULL), OK);
	for (size_t cap = 64; cap < (512u << 10); cap += 997) {
		struct arena a;
		struct fault f = {0};
		int fd = memfd_create("relinked", 0);

		ck_assert_int_eq(arena_open(&a, cap, NULL), OK);
		enum err e = relink_write(fd, &w.o, &d, &a, &r, &f);
		ck_assert_msg(e == OK || e == ERR_NOMEM, "%d: %s", e, f.text);
		enough += e == OK;
		close(fd);
		arena_close(&a);
	}
	ck_assert_uint_gt(enough, 20);
	arena_close(&index);
	buf_free(&b);
}
END_TEST

START_TEST(test_full_disk)
{
	struct set_spec s = {.series = {"1.3.1"}, .rois = some_rois, .roi_count = 3};
	struct buf b = make_set(&s);
	struct relink_result r;
	struct arena a;
	struct dset d;
	struct fault f;
	struct work w;
	int fd = open("/dev/full", O_WRONLY);

	if (fd < 0) {
		test_skip("relink: no /dev/full");
		buf_free(&b);
		return;
	}
	make_work(&w);
	ck_assert_int_eq(arena_open(&a, 1u << 20, NULL), OK);
	ck_assert_int_eq(dset_index(&d, buf_bytes(&b), &syntax_explicit_le, 0, &a, NULL), OK);
	ck_assert_int_eq(relink_write(fd, &w.o, &d, &a, &r, &f), ERR_IO);
	close(fd);
	arena_close(&a);
	buf_free(&b);
}
END_TEST

Suite *suite_relink(void)
{
	Suite *s = suite_create("relink");
	TCase *tc = tcase_create("relink");

	tcase_add_loop_test(tc, test_forms, 0, COUNT(forms));
	tcase_add_loop_test(tc, test_letters, 0, 3);
	tcase_add_test(tc, test_no_frame);
	tcase_add_test(tc, test_approval);
	tcase_add_test(tc, test_missing_delimiter);
	tcase_add_test(tc, test_hidden_junk);
	tcase_add_test(tc, test_no_uid);
	tcase_add_test(tc, test_arena_sweep);
	tcase_add_test(tc, test_full_disk);
	suite_add_tcase(s, tc);
	return s;
}
