/*
 * How a ROI is called and drawn: against the rule counted out for each ROI by itself.
 */
#include <check.h>
#include <string.h>

#include "study/roi_look.h"

Suite *suite_roi_look(void);

#define COUNT 40u

static struct arena arena;

static void setup(void)
{
	ck_assert_int_eq(arena_open(&arena, 1u << 20, NULL), OK);
}

static void teardown(void)
{
	arena_close(&arena);
}

/* Four colours and none at all, in no order. */
static void make_rois(struct roi rois[static COUNT])
{
	for (uint32_t i = 0; i < COUNT; i++) {
		uint32_t kind = (i * i + i / 3) % 5;

		rois[i] = (struct roi){.number = i, .has_color = kind != 0};
		rois[i].color[kind % 3] = (uint8_t)(kind * 50);
	}
}

START_TEST(test_looks)
{
	struct roi rois[COUNT];
	const struct structset set = {.rois = rois, .roi_count = COUNT};

	make_rois(rois);
	const struct roi_look *looks = roi_looks(&set, &arena);
	ck_assert_ptr_nonnull(looks);
	for (uint32_t i = 0; i < COUNT; i++) {
		uint32_t colorless = 0, same = 0;
		uint8_t color[3];
		enum picture_line line;

		for (uint32_t k = 0; k < i; k++) {
			colorless += !rois[k].has_color;
			same += rois[k].has_color && memcmp(rois[k].color, rois[i].color, 3) == 0;
		}
		picture_default(colorless, color, &line);
		if (rois[i].has_color) {
			memcpy(color, rois[i].color, 3);
			line = picture_line(same);
		}
		ck_assert_mem_eq(looks[i].color, color, 3);
		ck_assert_int_eq(looks[i].line, line);
	}
}
END_TEST

START_TEST(test_no_rois)
{
	const struct structset set = {.roi_count = 0};

	ck_assert_ptr_nonnull(roi_looks(&set, &arena));
}
END_TEST

static const struct {
	int64_t number;
	const char *name, *type, *algorithm, *label, *description;
} texts[] = {
	{4, "GTV", "", "", "GTV", "ROI 4"},
	{-4, "", "", "", "ROI -4", "ROI -4"},
	{4, "", "ORGAN", "MANUAL", "ROI 4", "ROI 4, ORGAN, MANUAL"},
	{4, "", "ORGAN", "", "ROI 4", "ROI 4, ORGAN"},
	{4, "", "", "MANUAL", "ROI 4", "ROI 4, MANUAL"},
};

START_TEST(test_texts)
{
	const struct roi roi = {.number = texts[_i].number,
				.name = bytes_str(texts[_i].name),
				.interpreted_type = bytes_str(texts[_i].type),
				.algorithm = bytes_str(texts[_i].algorithm)};

	ck_assert(bytes_eq_str(roi_label(&roi, &arena), texts[_i].label));
	ck_assert(bytes_eq_str(roi_description(&roi, &arena), texts[_i].description));
}
END_TEST

START_TEST(test_body)
{
	ck_assert(roi_is_body(&(struct roi){.interpreted_type = BYTES_LIT("EXTERNAL")}));
	ck_assert(!roi_is_body(&(struct roi){.interpreted_type = BYTES_LIT("ORGAN")}));
	ck_assert(!roi_is_body(&(struct roi){.name = BYTES_LIT("EXTERNAL")}));
}
END_TEST

START_TEST(test_no_memory)
{
	struct roi rois[COUNT];
	const struct structset set = {.rois = rois, .roi_count = COUNT};

	make_rois(rois);
	while (ARENA_NEW(&arena, uint8_t, 1) != NULL)
		;
	ck_assert_ptr_null(roi_looks(&set, &arena));
	ck_assert_ptr_null(roi_label(&rois[0], &arena).at);
	ck_assert_ptr_null(roi_description(&rois[0], &arena).at);
}
END_TEST

Suite *suite_roi_look(void)
{
	Suite *s = suite_create("roi_look");
	TCase *tc = tcase_create("roi_look");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_looks);
	tcase_add_test(tc, test_no_rois);
	tcase_add_loop_test(tc, test_texts, 0, sizeof(texts) / sizeof(texts[0]));
	tcase_add_test(tc, test_body);
	tcase_add_test(tc, test_no_memory);
	suite_add_tcase(s, tc);
	return s;
}
