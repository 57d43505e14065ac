/*
 * Structure sets read: every encoding, any order, what is missing, what is too much, what is
 * cut short, and no memory.
 */
#include "support/rt_make.h"
#include "support/support.h"

Suite *suite_structset(void);

#define SQUARE "1\\1\\0\\5\\1\\0\\5\\5\\0\\1\\5\\0"

static const struct contour_spec body[] = {
	{.data = SQUARE, .image = "1.2.1"},
	{.data = "1\\1\\3\\5\\1\\3\\5\\5\\3", .image = "1.2.2", .second_image = "1.2.3"},
};
static const struct contour_spec seed[] = {{.data = "2\\2\\0", .type = "POINT"}};
static const struct contour_spec gtv[] = {
	{.data = SQUARE, .type = "CLOSEDPLANAR_XOR", .declared = "7", .offset = "0\\0\\1"},
	{.data = SQUARE, .type = "INTERPOLATED_PLANAR", .declared = "", .offset = "0\\0\\0"},
	{.data = SQUARE, .type = ""},
};

static const struct roi_spec rois[] = {
	{.number = 3,
	 .name = "Body",
	 .type = "EXTERNAL",
	 .color = "255\\128\\0",
	 .contours = body,
	 .contour_count = COUNT(body)},
	{.number = 1, .name = "Empty", .type = "", .no_contour_item = true},
	{.number = 2, .name = "Seed", .contours = seed, .contour_count = COUNT(seed)},
	{.number = 9,
	 .type = "GTV",
	 .frame = "",
	 .color = "300\\0\\0",
	 .contours = gtv,
	 .contour_count = COUNT(gtv)},
};

/* What every encoding of these four ROIs must give. */
static const struct set_spec plain = {
	.series = {"1.3.1", "1.3.2"},
	.rois = rois,
	.roi_count = COUNT(rois),
};

struct reading {
	struct buf data;
	struct arena arena;
	struct part10 p;
	struct structset set;
	struct fault fault;
	enum err e;
};

static void read_set(struct reading *r, const struct set_spec *spec)
{
	*r = (struct reading){.data = make_set(spec)};
	r->p = part10_of(buf_bytes(&r->data), spec->implicit);
	ck_assert_int_eq(arena_open(&r->arena, 16u << 20, NULL), OK);
	r->e = structset_read(&r->set, &r->p, &r->arena, &r->fault);
}

static void done(struct reading *r)
{
	arena_close(&r->arena);
	buf_free(&r->data);
}

static void is_text(struct bytes got, const char *want, const char *name)
{
	ck_assert_msg(bytes_eq_str(got, want), "%s: \"%.*s\", not \"%s\"", name, (int)got.len,
		      (const char *)got.at, want);
}

/* ---- Encodings and orders ---- */

static const struct {
	const char *name;
	bool implicit, undefined, hidden, contours_first, number_last, private_elements;
} encodings[] = {
	{"explicit, defined lengths", .implicit = false},
	{"implicit", .implicit = true},
	{"undefined lengths", .undefined = true},
	{"implicit, undefined lengths", .implicit = true, .undefined = true},
	{"sequences as UN of defined length", .hidden = true},
	{"as UN, undefined lengths inside", .hidden = true, .undefined = true},
	{"contours before ROIs", .contours_first = true},
	{"contours before ROIs, undefined lengths", .contours_first = true, .undefined = true},
	{"ROI Number after the contours", .number_last = true},
	{"private sequences with Contour Data in them", .private_elements = true},
	{"all of it", true, true, false, true, true, true},
	{"all of it, as UN", false, true, true, true, true, true},
};

static void check_contours(const struct structset *s, const char *name)
{
	const struct contour *c = s->contours;

	ck_assert_msg(s->contour_count == 6, "%s: %u contours", name, s->contour_count);
	is_text(c[0].data, SQUARE " ", name); /* as encoded: padded */
	is_text(c[0].image_uid, "1.2.1", name);
	ck_assert_uint_eq(c[0].image_count, 1);
	ck_assert_int_eq(c[0].points_declared, 4);
	ck_assert_uint_eq(c[0].type, CONTOUR_CLOSED_PLANAR);
	ck_assert(!c[0].has_offset);
	is_text(c[1].image_uid, "1.2.2", name);
	ck_assert_uint_eq(c[1].image_count, 2);
	ck_assert_uint_eq(c[2].type, CONTOUR_POINT);
	ck_assert_uint_eq(c[2].image_count, 0);
	ck_assert_uint_eq(c[2].image_uid.len, 0);
	ck_assert_uint_eq(c[3].type, CONTOUR_CLOSEDPLANAR_XOR);
	ck_assert_int_eq(c[3].points_declared, 7);
	ck_assert(c[3].has_offset);
	ck_assert_uint_eq(c[4].type, CONTOUR_INTERPOLATED_PLANAR);
	ck_assert_int_eq(c[4].points_declared, -1);
	ck_assert(!c[4].has_offset);
	ck_assert_uint_eq(c[5].type, CONTOUR_UNKNOWN);
	for (uint32_t i = 0; i < 6; i++)
		ck_assert_uint_eq(c[i].roi, i < 2 ? 0 : i < 3 ? 2 : 3);
}

static void check_rois(const struct structset *s, const char *name)
{
	static const struct {
		int64_t number;
		const char *name, *type, *frame;
		uint32_t first, count;
		bool observed, contours;
	} want[] = {
		{3, "Body", "EXTERNAL", "1.4.1", 0, 2, true, true},
		{1, "Empty", "", "1.4.1", 2, 0, true, false},
		{2, "Seed", "", "1.4.1", 2, 1, false, true},
		{9, "", "GTV", "", 3, 3, true, true},
	};

	ck_assert_msg(s->roi_count == COUNT(want), "%s: %u ROIs", name, s->roi_count);
	for (size_t i = 0; i < COUNT(want); i++) {
		const struct roi *r = &s->rois[i];

		ck_assert_int_eq(r->number, want[i].number);
		is_text(r->name, want[i].name, name);
		is_text(r->interpreted_type, want[i].type, name);
		is_text(r->algorithm, "MANUAL", name);
		ck_assert_str_eq(r->frame.text, want[i].frame);
		ck_assert_uint_eq(r->contour_first, want[i].first);
		ck_assert_uint_eq(r->contour_count, want[i].count);
		ck_assert(r->has_observation == want[i].observed);
		ck_assert(r->in_contour_sequence == want[i].contours);
		ck_assert(r->in_roi_sequence && r->has_number);
		ck_assert(!r->duplicate_name && !r->duplicate_number);
	}
	ck_assert(s->rois[0].has_color && s->rois[0].color[0] == 255 &&
		  s->rois[0].color[1] == 128 && s->rois[0].color[2] == 0);
	ck_assert(!s->rois[2].has_color); /* none */
	ck_assert(!s->rois[3].has_color); /* out of range */
}

static struct set_spec encoded(size_t i)
{
	struct set_spec spec = plain;

	spec.implicit = encodings[i].implicit;
	spec.undefined = encodings[i].undefined;
	spec.hide_sequences = encodings[i].hidden;
	spec.contours_first = encodings[i].contours_first;
	spec.number_last = encodings[i].number_last;
	spec.private_elements = encodings[i].private_elements;
	return spec;
}

START_TEST(any_encoding)
{
	struct set_spec spec = encoded((size_t)_i);
	const char *name = encodings[_i].name;
	struct reading r;

	read_set(&r, &spec);
	ck_assert_msg(r.e == OK, "%s: %s", name, r.fault.text);
	check_contours(&r.set, name);
	check_rois(&r.set, name);
	ck_assert_str_eq(r.set.sop_instance.text, "1.5.1");
	ck_assert_str_eq(r.set.study.text, "1.6.1");
	ck_assert_str_eq(r.set.series.text, "1.6.2");
	ck_assert_str_eq(r.set.frame.text, "1.4.1");
	is_text(r.set.label, "A LABEL", name);
	ck_assert_uint_eq(r.set.series_ref_count, 2);
	ck_assert_str_eq(r.set.series_refs[0].text, "1.3.1");
	ck_assert_str_eq(r.set.series_refs[1].text, "1.3.2");
	ck_assert_uint_eq(r.set.image_ref_count, 2);
	ck_assert_uint_eq(r.set.duplicate_names, 0);
	done(&r);
}
END_TEST

/* Every view lies in the input. */
START_TEST(views_are_of_the_input)
{
	struct reading r;

	read_set(&r, &plain);
	for (uint32_t i = 0; i < r.set.contour_count; i++) {
		const struct bytes *d = &r.set.contours[i].data;
		ck_assert(d->at >= r.data.at && d->at + d->len <= r.data.at + r.data.len);
	}
	done(&r);
}
END_TEST

/* ---- Pairing ---- */

static const struct contour_spec one[] = {{.data = SQUARE}};
static const struct contour_spec two[] = {{.data = SQUARE}, {.data = SQUARE}};

static const struct roi_spec undefined_rois[] = {
	{.number = 1, .name = "A", .contours = one, .contour_count = 1},
	{.number = 5,
	 .no_definition = true,
	 .contours = two,
	 .contour_count = 2,
	 .color = "1\\2\\3"},
	{.number = 5, .no_definition = true, .contours = one, .contour_count = 1},
};

START_TEST(contours_of_undefined_rois)
{
	const struct set_spec spec = {.rois = undefined_rois, .roi_count = COUNT(undefined_rois)};
	struct reading r;

	read_set(&r, &spec);
	ck_assert_int_eq(r.e, OK);
	ck_assert_uint_eq(r.set.roi_count, 3); /* two nameless ones: not thrown together */
	ck_assert_int_eq(r.set.rois[1].number, 5);
	ck_assert(!r.set.rois[1].in_roi_sequence && r.set.rois[1].in_contour_sequence);
	ck_assert(r.set.rois[1].has_color && r.set.rois[1].color[2] == 3);
	ck_assert_uint_eq(r.set.rois[1].name.len, 0);
	ck_assert_uint_eq(r.set.rois[1].contour_count, 2);
	ck_assert_uint_eq(r.set.rois[2].contour_count, 1);
	done(&r);
}
END_TEST

static const struct roi_spec twins[] = {
	{.number = 1, .name = "Lung", .type = "ORGAN", .contours = one, .contour_count = 1},
	{.number = 1, .name = "Tumor", .type = "GTV", .contours = two, .contour_count = 2},
	{.number = 2, .name = "Lung", .contours = one, .contour_count = 1},
};

START_TEST(duplicate_numbers_and_names)
{
	const struct set_spec spec = {.rois = twins, .roi_count = COUNT(twins)};
	struct reading r;

	read_set(&r, &spec);
	ck_assert_int_eq(r.e, OK);
	ck_assert_uint_eq(r.set.roi_count, 3);
	ck_assert_uint_eq(r.set.rois[0].contour_count, 1); /* in the order of the file */
	ck_assert_uint_eq(r.set.rois[1].contour_count, 2);
	is_text(r.set.rois[0].interpreted_type, "ORGAN", "first");
	is_text(r.set.rois[1].interpreted_type, "GTV", "second");
	ck_assert(r.set.rois[0].duplicate_number && r.set.rois[1].duplicate_number);
	ck_assert(!r.set.rois[2].duplicate_number);
	ck_assert(r.set.rois[0].duplicate_name && r.set.rois[2].duplicate_name);
	ck_assert(!r.set.rois[1].duplicate_name);
	ck_assert_uint_eq(r.set.duplicate_names, 2);
	done(&r);
}
END_TEST

static const struct roi_spec split[] = {
	{.number = 1, .name = "A", .contours = one, .contour_count = 1},
	{.number = 2, .name = "B", .contours = two, .contour_count = 2},
	{.number = 1, .no_definition = true, .contours = two, .contour_count = 2},
};

/* One ROI in two items of ROI Contour Sequence, another one between them. */
START_TEST(contours_are_grouped)
{
	const struct set_spec spec = {.rois = split, .roi_count = COUNT(split)};
	struct reading r;

	read_set(&r, &spec);
	ck_assert_int_eq(r.e, OK);
	ck_assert_uint_eq(r.set.roi_count, 2);
	ck_assert_uint_eq(r.set.rois[0].contour_first, 0);
	ck_assert_uint_eq(r.set.rois[0].contour_count, 3);
	ck_assert_uint_eq(r.set.rois[1].contour_first, 3);
	for (uint32_t i = 0; i < 5; i++)
		ck_assert_uint_eq(r.set.contours[i].roi, i >= 3);
	/* in file order inside one */
	ck_assert(r.set.contours[0].data.at < r.set.contours[1].data.at);
	ck_assert(r.set.contours[1].data.at < r.set.contours[2].data.at);
	ck_assert(r.set.contours[3].data.at < r.set.contours[1].data.at);
	done(&r);
}
END_TEST

/* ---- Names ---- */

static const struct {
	const char *charset, *encoded, *utf8;
} names[] = {
	{NULL, "GTV", "GTV"},
	{NULL, "  blanks  around ", "blanks  around"},
	{"ISO_IR 100",
	 "L\xF6"
	 "ffel",
	 "L\xC3\xB6"
	 "ffel"},
	{"ISO_IR 192", "\xE8\x82\xBA", "\xE8\x82\xBA"},
	{"ISO 2022 IR 6\\ISO 2022 IR 87", "\x1B$B\x47\x59\x1B(B", "\xE8\x82\xBA"},
};

START_TEST(names_are_utf8)
{
	const struct roi_spec roi = {.number = 1, .name = names[_i].encoded};
	const struct set_spec spec = {.rois = &roi, .roi_count = 1, .charset = names[_i].charset};
	struct reading r;

	read_set(&r, &spec);
	ck_assert_int_eq(r.e, OK);
	is_text(r.set.rois[0].name, names[_i].utf8, names[_i].charset);
	ck_assert(r.set.rois[0].name_raw.at >= r.data.at);
	done(&r);
}
END_TEST

/* A name of some megabytes costs what it is worth. */
START_TEST(long_names_are_cut)
{
	char *name = malloc(40001);
	struct reading r;

	ck_assert_ptr_nonnull(name);
	memset(name, 'x', 40000);
	name[40000] = '\0';
	const struct roi_spec roi = {.number = 1, .name = name};
	read_set(&r, &(struct set_spec){.rois = &roi, .roi_count = 1});
	ck_assert_int_eq(r.e, OK);
	ck_assert_uint_eq(r.set.rois[0].name.len, STRUCTSET_TEXT_MAX);
	ck_assert_uint_eq(r.set.rois[0].name_raw.len, 40000);
	done(&r);
	free(name);
}
END_TEST

/* ---- Contour Data over 64 KiB ---- */

START_TEST(long_contour_data)
{
	struct buf data = BUF_INIT(16u << 20);
	struct reading r;

	for (int i = 0; i < 20000; i++)
		buf_fmt(&data, "%s%d.25\\-%d.5\\0", i > 0 ? "\\" : "", i, i);
	const struct contour_spec contour = {.data = (const char *)data.at};
	const struct roi_spec roi = {.number = 1, .contours = &contour, .contour_count = 1};
	read_set(&r, &(struct set_spec){.rois = &roi, .roi_count = 1, .implicit = _i == 1});
	ck_assert_int_eq(r.e, OK);
	ck_assert_uint_gt(data.len, 1 << 16);
	ck_assert(bytes_eq(bytes_trim(r.set.contours[0].data), buf_bytes(&data)));
	done(&r);
	buf_free(&data);
}
END_TEST

/* ---- What is none ---- */

static const struct {
	const char *name, *sop_class;
	size_t roi_count;
	enum err e;
} classes[] = {
	{"of its class", NULL, 4, OK},
	{"of its class, and empty", NULL, 0, OK},
	{"without a class, with ROIs", "", 4, OK},
	{"without a class, without ROIs", "", 0, ERR_UNUSABLE},
	{"an image", CT_CLASS, 4, ERR_UNUSABLE},
};

START_TEST(only_structure_sets)
{
	struct set_spec spec = plain;
	struct reading r;

	spec.sop_class = classes[_i].sop_class;
	spec.roi_count = classes[_i].roi_count;
	read_set(&r, &spec);
	ck_assert_msg(r.e == classes[_i].e, "%s: %d", classes[_i].name, r.e);
	ck_assert_int_eq(r.fault.code, r.e);
	done(&r);
}
END_TEST

/* What is no UID is not counted, and there is no room for it. */
START_TEST(bad_series_references)
{
	struct set_spec spec = plain;
	struct reading r;

	spec.series[0] = _i == 0 ? "1.3.1" : "x";
	spec.series[1] = "1..3";
	spec.series[2] = _i == 0 ? "1.3.2" : "y";
	spec.series[3] = "../../etc";
	read_set(&r, &spec);
	ck_assert_int_eq(r.e, OK);
	ck_assert_uint_eq(r.set.series_ref_count, _i == 0 ? 2 : 0);
	if (_i == 0)
		ck_assert_str_eq(r.set.series_refs[1].text, "1.3.2");
	check_contours(&r.set, "bad series references");
	check_rois(&r.set, "bad series references");
	done(&r);
}
END_TEST

/* Cut anywhere: an error, or (between two elements of the top level) all contours or none. */
START_TEST(truncated_anywhere)
{
	struct set_spec spec = encoded((size_t)_i);
	struct buf data = make_set(&spec);
	struct arena a;
	unsigned whole = 0;

	ck_assert_int_eq(arena_open(&a, 1u << 20, NULL), OK);
	for (size_t len = 0; len < data.len; len++) {
		uint8_t *copy = guard_copy(data.at, len);
		struct part10 p = part10_of(bytes_of(copy, len), spec.implicit);
		struct structset s;
		struct fault f = {0};
		enum err e = structset_read(&s, &p, &a, &f);

		if (e == OK) {
			ck_assert_msg(s.contour_count == 0 || s.contour_count == 6,
				      "%s: cut at %zu: %u contours", encodings[_i].name, len,
				      s.contour_count);
			whole += s.contour_count > 0;
		} else {
			ck_assert_int_eq(f.code, e);
		}
		arena_reset(&a, 0);
		guard_free(copy, len);
	}
	/* after the contours, only before the last sequence */
	ck_assert_msg(whole <= 2, "%s: %u of its beginnings passed for whole", encodings[_i].name,
		      whole);
	arena_close(&a);
	buf_free(&data);
}
END_TEST

START_TEST(any_memory)
{
	struct buf data = make_set(&plain);
	struct part10 p = part10_of(buf_bytes(&data), false);
	enum err e = ERR_NOMEM;
	size_t cap;

	for (cap = 16; e == ERR_NOMEM && cap < 1u << 20; cap += 16) {
		struct arena a;
		struct structset s = {.roi_count = 4711};

		ck_assert_int_eq(arena_open(&a, cap, NULL), OK);
		e = structset_read(&s, &p, &a, NULL);
		ck_assert(e == OK || e == ERR_NOMEM);
		ck_assert_uint_eq(s.roi_count, e == OK ? 4 : 4711);
		arena_close(&a);
	}
	ck_assert_int_eq(e, OK);
	ck_assert_uint_gt(cap, 1000);
	buf_free(&data);
}
END_TEST

START_TEST(too_many)
{
	struct pen p = {.out = BUF_INIT(64u << 20)};
	uint32_t rois_max = LIMIT_ROIS + (uint32_t)_i;
	struct structset s;
	struct arena a;
	struct fault f = {0};

	pen_str(&p, TAG_SOPClassUID, "UI", SOP_CLASS_RT_STRUCTURE_SET);
	pen_sequence(&p, TAG_StructureSetROISequence);
	for (uint32_t i = 0; i < rois_max; i++) {
		pen_item(&p);
		pen_item_end(&p);
	}
	pen_sequence_end(&p);
	struct part10 file = part10_of(buf_bytes(&p.out), false);
	ck_assert_int_eq(arena_open(&a, 64u << 20, NULL), OK);
	ck_assert_int_eq(structset_read(&s, &file, &a, &f), _i == 0 ? OK : ERR_LIMIT);
	arena_close(&a);
	buf_free(&p.out);
}
END_TEST

START_TEST(types_have_terms)
{
	static const char *const terms[] = {"CLOSED_PLANAR",       "CLOSEDPLANAR_XOR",
					    "INTERPOLATED_PLANAR", "POINT",
					    "OPEN_PLANAR",         "OPEN_NONPLANAR"};
	struct reading r;

	for (unsigned i = 0; i < COUNT(terms); i++) {
		const struct contour_spec c = {.data = SQUARE, .type = terms[i]};
		const struct roi_spec roi = {.number = 1, .contours = &c, .contour_count = 1};

		ck_assert_str_eq(contour_type_term((enum contour_type)i), terms[i]);
		read_set(&r, &(struct set_spec){.rois = &roi, .roi_count = 1});
		ck_assert_uint_eq(r.set.contours[0].type, i);
		done(&r);
	}
	ck_assert_str_eq(contour_type_term(CONTOUR_UNKNOWN), "unknown");
}
END_TEST

Suite *suite_structset(void)
{
	Suite *s = suite_create("structset");
	TCase *c = tcase_create("structset");

	tcase_add_loop_test(c, any_encoding, 0, COUNT(encodings));
	tcase_add_test(c, views_are_of_the_input);
	tcase_add_test(c, contours_of_undefined_rois);
	tcase_add_test(c, duplicate_numbers_and_names);
	tcase_add_test(c, contours_are_grouped);
	tcase_add_loop_test(c, names_are_utf8, 0, COUNT(names));
	tcase_add_test(c, long_names_are_cut);
	tcase_add_loop_test(c, long_contour_data, 0, 2);
	tcase_add_loop_test(c, only_structure_sets, 0, COUNT(classes));
	tcase_add_loop_test(c, bad_series_references, 0, 2);
	tcase_add_loop_test(c, truncated_anywhere, 0, COUNT(encodings));
	tcase_add_test(c, any_memory);
	tcase_add_loop_test(c, too_many, 0, 2);
	tcase_add_test(c, types_have_terms);
	suite_add_tcase(s, c);
	return s;
}
