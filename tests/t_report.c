/*
 * The reports, against golden copies (NETRT_GOLDEN=write in the environment makes them anew).
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "study/report_html.h"
#include "support/support.h"

#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))

static struct report_cover body[200];
static struct report_cover spoon[] = {{3, 4}, {5, 7}, {9, 1}};

static struct report_roi rois[] = {
	{.number = 1,
	 .name = {(const uint8_t *)"BODY", 4},
	 .type = {(const uint8_t *)"EXTERNAL", 8},
	 .algorithm = {(const uint8_t *)"AUTOMATIC", 9},
	 .has_color = true,
	 .color = {0, 255, 16},
	 .drawn = {0, 255, 16},
	 .selected = true,
	 .contours_used = 200,
	 .slices = 200,
	 .points = 160000,
	 .area_px = 12345678,
	 .area_mm2 = 11773752.98,
	 .volume_ml = 35321.2589,
	 .contours_ml = 35300.25,
	 .low_mm = {-200.5, -100, -300},
	 .high_mm = {199.5, 120.25, 300},
	 .cover = body,
	 .has_volume = true},
	{.number = 2,
	 .name = {(const uint8_t *)"Skull", 5},
	 .type = {(const uint8_t *)"ORGAN", 5},
	 .drawn = {64, 196, 255},
	 .contours_unused = 80},
	{.number = 17,
	 .name = {(const uint8_t *)"L\xC3\xB6"
				   "ffel\x1B[31m \xFF and a name that goes on and on",
		  44},
	 .selected = true,
	 .contours_used = 3,
	 .contours_unused = 2,
	 .slices = 3,
	 .points = 99,
	 .area_px = 12,
	 .area_mm2 = 11.5,
	 .low_mm = {1, 1, 0},
	 .high_mm = {5, 6, 0},
	 .cover = spoon,
	 .drawn = {105, 240, 104},
	 .no_plane = 1},
	{.number = 18,
	 .name = {(const uint8_t *)"</bdi><script>alert(1)</script>\"'><!-- &amp; \xE2\x80\xAE",
		  48},
	 .type = {(const uint8_t *)"<i>", 3},
	 .has_color = true,
	 .color = {255, 255, 255},
	 .drawn = {255, 255, 255},
	 .selected = true,
	 .contours_used = 1,
	 .slices = 1,
	 .points = 4,
	 .area_px = 4,
	 .area_mm2 = 4,
	 .volume_ml = 0.0125,
	 .contours_ml = 0.01,
	 .low_mm = {1, 1, -3},
	 .high_mm = {3, 3, 0},
	 .cover = spoon,
	 .has_volume = true},
	{.number = -5, .contours_unused = 1},
};

static struct report_note notes[] = {
	{.kind = 1,
	 .word = "ignored",
	 .text = "left out by its name",
	 .asked = true,
	 .of_roi = true,
	 .loss = true,
	 .roi = 1,
	 .count = 80},
	{.kind = 2,
	 .word = "off-planes",
	 .text = "contours off every image plane",
	 .loss = true,
	 .roi = 2,
	 .count = 2,
	 .worst_mm = 4.25},
	{.kind = 2,
	 .word = "off-planes",
	 .text = "contours off every image plane",
	 .loss = true,
	 .roi = 4,
	 .count = 1,
	 .worst_mm = 3},
	{.kind = 3,
	 .word = "no-name",
	 .text = "without a name",
	 .of_roi = true,
	 .roi = 4,
	 .count = 1},
	{.kind = 4,
	 .word = "gap",
	 .text = "gaps between images",
	 .roi = REPORT_NO_ROI,
	 .count = 2,
	 .worst_mm = 9},
	{.kind = 5, .word = "tilt", .text = "gantry tilt", .roi = REPORT_NO_ROI},
};

static struct report_plane planes[200];
static const struct report_tile tiles[] = {
	{3, 200, 150, {(const uint8_t *)"\xFF\xD8one", 5}},
	{150, 200, 150, {(const uint8_t *)"\xFF\xD8 two", 6}},
};

static struct report_set sets[] = {
	{.sop_instance = {.text = "1.2.3.4"},
	 .image_series = {.text = "1.2.3.5"},
	 .overlay_series = {.text = "2.25.6"},
	 .modality = "CT",
	 .series_why = "named by the structure set",
	 .images = 200,
	 .file_names = "OVERLAY-<SOP Instance UID of the source>.dcm",
	 .planes = planes,
	 .plane_count = COUNT(planes),
	 .axis = {"R-L", "A-P", "F-H"},
	 .tiles = tiles,
	 .tile_count = COUNT(tiles),
	 .rois = rois,
	 .roi_count = COUNT(rois),
	 .notes = notes,
	 .note_count = COUNT(notes),
	 .read_us = 1234,
	 .plan_us = 56789,
	 .paint_us = 100000},
	{.sop_instance = {.text = "1.2.3.9"}, .failed = "no image lies in its frame of reference"},
};

static const struct report_count others[] = {{"RT Dose Storage", 1}, {"CR \x1B Storage", 2}};
static const struct report_count problems[] = {{"data set cut short", 3}};

static struct report whole(void)
{
	struct report r = {
		.version = "0.0.0",
		.when = {2024, 3, 19, 10, 5, 7, 123456, 0},
		.study = {.text = "1.2.3"},
		.config_file = "config.yaml",
		.planes = "merged",
		.edge = "inclusive",
		.nested = "hole",
		.workers = 2,
		.images = 230,
		.series = 2,
		.duplicates = 1,
		.derived = 4,
		.others = others,
		.other_count = COUNT(others),
		.run_files = 300,
		.run_not_dicom = 7,
		.run_dicomdirs = 1,
		.run_not_files = 2,
		.run_studies = 2,
		.problems = problems,
		.problem_count = COUNT(problems),
		.sets = sets,
		.set_count = COUNT(sets),
		.made = {[OUTPUT_OVERLAY] = 200, [OUTPUT_SEGMENTATION] = 1},
		.total_us = 1200345,
	};

	for (uint32_t k = 0; k < COUNT(planes); k++) {
		planes[k] = (struct report_plane){3.0 * k - 300 + (k > 100) * 30, 3};
		body[k] = (struct report_cover){k, 1000 + k};
	}
	memset(r.config_sha256, 'a', 64);
	return r;
}

static struct report bare(void)
{
	struct report r = whole();

	r.set_count = r.other_count = r.problem_count = 0;
	r.duplicates = r.derived = r.run_not_dicom = r.run_dicomdirs = r.run_not_files = 0;
	r.config_file = NULL;
	return r;
}

static void compare(const char *name, const struct buf *got)
{
	char path[256];
	struct buf want = BUF_INIT(1u << 20);
	const char *write = getenv("NETRT_GOLDEN");
	int c;

	ck_assert(!got->failed);
	snprintf(path, sizeof(path), "tests/golden/%s", name);
	if (write != NULL && strcmp(write, "write") == 0) {
		FILE *out = fopen(path, "w");
		ck_assert_ptr_nonnull(out);
		fwrite(got->at, 1, got->len, out);
		fclose(out);
	}

	FILE *in = fopen(path, "r");
	ck_assert_msg(in != NULL, "%s is not here", path);
	while ((c = getc(in)) != EOF)
		buf_char(&want, (char)c);
	fclose(in);
	size_t same = 0; /* Check cannot print a whole report */
	while (same < got->len && same < want.len && got->at[same] == want.at[same])
		same++;
	ck_assert_msg(same == got->len && same == want.len, "%s differs at %zu: %.60s", name, same,
		      (const char *)got->at + same);
	buf_free(&want);
}

START_TEST(text_as_golden)
{
	struct report r = _i == 0 ? whole() : bare();
	struct buf b = BUF_INIT(REPORT_MAX);

	report_text(&r, &b);
	compare(_i == 0 ? "report.txt" : "report_bare.txt", &b);
	for (size_t i = 0; i < b.len; i++)
		ck_assert_msg(b.at[i] == '\n' || b.at[i] >= ' ', "control character at %zu", i);
	buf_free(&b);
}
END_TEST

START_TEST(json_as_golden)
{
	struct report r = _i == 0 ? whole() : bare();
	struct buf b = BUF_INIT(REPORT_MAX);

	report_json(&r, &b);
	compare(_i == 0 ? "report.json" : "report_bare.json", &b);
	buf_free(&b);
}
END_TEST

/* The style is left out, and its hash: they are the page's looks. */
static void without_style(struct buf *b)
{
	static const char begin[] = "<style>", end[] = "</style>", hash[] = "'sha256-";
	char *from = strstr((char *)b->at, hash), *to;

	ck_assert_ptr_nonnull(from);
	memset(from + strlen(hash), '.', 44);
	from = strstr((char *)b->at, begin) + strlen(begin);
	to = strstr((char *)b->at, end);
	ck_assert(from < to);
	b->len -= (size_t)(to - from);
	memmove(from, to, strlen(to) + 1);
}

START_TEST(html_as_golden)
{
	struct report r = _i == 0 ? whole() : bare();
	struct buf b = BUF_INIT(REPORT_MAX);

	report_html(&r, &b);
	without_style(&b);
	compare(_i == 0 ? "report.html" : "report_bare.html", &b);
	for (size_t i = 0; i < b.len; i++)
		ck_assert_msg(b.at[i] == '\n' || b.at[i] >= ' ', "control character at %zu", i);
	ck_assert_ptr_null(strstr((char *)b.at, "<script"));
	ck_assert_ptr_null(strstr((char *)b.at, "<i>"));
	buf_free(&b);
}
END_TEST

/* What the page says first: a remark that is no loss, and a loss that was asked for, are none. */
static const struct {
	uint32_t note, sets; /* of notes[]; the second set failed */
	const char *want;
} verdicts[] = {
	{0, 1, "Everything that was asked for"},
	{1, 1, "Not everything is in the output"},
	{3, 1, "Everything that was asked for"},
	{4, 1, "Everything that was asked for"},
	{4, 2, "1 of 2 structure sets could not be used"},
};

START_TEST(html_verdict)
{
	struct report r = whole();
	struct report_set two[2] = {sets[0], sets[1]};
	struct buf b = BUF_INIT(REPORT_MAX);

	two[0].notes = &notes[verdicts[_i].note];
	two[0].note_count = 1;
	r.sets = two;
	r.set_count = verdicts[_i].sets;
	report_html(&r, &b);
	const char *said = strstr((char *)b.at, "<p class=\"verdict");
	ck_assert_ptr_nonnull(said);
	ck_assert_ptr_nonnull(strstr(said, verdicts[_i].want));
	ck_assert(strstr(said, verdicts[_i].want) < strstr(said, "</p>"));
	buf_free(&b);
}
END_TEST

/* A picture names the first eight of its ROIs, and counts the others. */
START_TEST(html_names_in_picture)
{
	static const struct report_cover here = {3, 7};
	struct report r = whole();
	struct report_roi many[10];
	struct report_set set = sets[0];
	struct buf b = BUF_INIT(REPORT_MAX);

	for (unsigned i = 0; i < COUNT(many); i++) {
		many[i] = rois[0];
		many[i].name = BYTES_LIT("N");
		many[i].cover = &here;
		many[i].slices = 1;
	}
	set.rois = many;
	set.roi_count = 8 + (uint32_t)_i;
	set.note_count = 0;
	r.sets = &set;
	r.set_count = 1;
	report_html(&r, &b);
	ck_assert_ptr_nonnull(
		strstr((char *)b.at, _i == 0   ? "with N, N, N, N, N, N, N, N\""
				     : _i == 1 ? "with N, N, N, N, N, N, N, N and 1 more\""
					       : "with N, N, N, N, N, N, N, N and 2 more\""));
	buf_free(&b);
}
END_TEST

/* Ten thousand ROIs on as many slices, each with holes: still a page. */
START_TEST(html_of_very_much)
{
	enum { ROIS = 10000, PLANES = 10000 };
	struct report r = whole();
	struct report_set set = sets[0];
	struct buf b = BUF_INIT(REPORT_MAX);

	set.roi_count = _i == 0 ? 60 : ROIS;
	set.plane_count = set.images = _i == 0 ? 400 : PLANES;
	set.rois = calloc(set.roi_count, sizeof(*set.rois));
	set.planes = calloc(set.plane_count, sizeof(*set.planes));
	struct report_cover *cover = calloc(set.plane_count, sizeof(*cover));
	ck_assert(set.rois != NULL && set.planes != NULL && cover != NULL);
	for (uint32_t k = 0; k < set.plane_count; k++) {
		set.planes[k] = (struct report_plane){2.0 * k, 2};
		cover[k] = (struct report_cover){k / 2 * 2 + k / 2 % 3 / 2, 1 + k * 7919 % 1000};
	}
	for (uint32_t i = 0; i < set.roi_count; i++) {
		set.rois[i] = rois[0];
		set.rois[i].cover = cover;
		set.rois[i].slices = 0;
		while (set.rois[i].slices + 1 < set.plane_count / 2)
			cover[set.rois[i].slices].plane = set.rois[i].slices * 2,
			set.rois[i].slices++;
	}
	r.sets = &set;
	r.set_count = 1;
	report_html(&r, &b);
	ck_assert(!b.failed);
	ck_assert_msg(b.len < (_i == 0 ? 1u << 19 : 24u << 20), "%zu bytes", b.len);
	ck_assert_ptr_nonnull(strstr((char *)b.at, "</html>"));
	buf_free(&b);
	free(set.rois);
	free(set.planes);
	free(cover);
}
END_TEST

START_TEST(gaps)
{
	struct report_gap gap;
	uint32_t at = 0;

	ck_assert(report_next_gap(&rois[2], &at, &gap));
	ck_assert(gap.from == 4 && gap.to == 5);
	ck_assert(report_next_gap(&rois[2], &at, &gap));
	ck_assert(gap.from == 6 && gap.to == 9);
	ck_assert(!report_next_gap(&rois[2], &at, &gap));
	at = 0;
	ck_assert(!report_next_gap(&rois[1], &at, &gap));
	ck_assert(!report_next_gap(&rois[3], &at, &gap));
}
END_TEST

static const struct {
	double pixels, contours;
	bool known, differ;
} volumes[] = {
	{100, 100, true, false}, {100, 95, true, false},  {95, 100, true, false},
	{100, 94.9, true, true}, {94.9, 100, true, true}, {0, 0, true, false},
	{0, 1e-9, true, true},   {1, 0, true, true},      {1, 0, false, false},
};

START_TEST(volumes_that_differ)
{
	struct report_roi roi = {.volume_ml = volumes[_i].pixels,
				 .contours_ml = volumes[_i].contours,
				 .has_volume = volumes[_i].known};

	ck_assert(report_volumes_differ(&roi) == volumes[_i].differ);
}
END_TEST

START_TEST(summary_lines)
{
	struct report r = whole();
	struct uid uid = {.text = "1.2.3"};
	struct buf b = BUF_INIT(65536);

	report_summary_text(&uid, &r, "out/UID_1.2.3", &b);
	report_summary_json(&uid, REPORT_OK, NULL, &r, "out \"\xFF/UID_1.2.3", &b);
	report_summary_json(&uid, REPORT_FAILED, "disk\nfull", &r, NULL, &b);
	report_summary_json(&uid, REPORT_SKIPPED, "no images", NULL, NULL, &b);
	compare("report_summary.txt", &b);
	buf_free(&b);
}
END_TEST

START_TEST(warnings_are_told_once)
{
	struct report_warning w;
	uint32_t at = 0, n = 0;

	while (report_next_warning(&sets[0], &at, &w)) {
		n++;
		if (n == 2) {
			ck_assert_str_eq(w.word, "off-planes");
			ck_assert_uint_eq(w.count, 3);
			ck_assert_uint_eq(w.rois, 2);
			ck_assert_double_eq(w.worst_mm, 4.25);
		}
	}
	ck_assert_uint_eq(n, 5);
	ck_assert_uint_eq(at, COUNT(notes));
}
END_TEST

START_TEST(totals)
{
	struct report r = whole();
	struct report_totals t = report_totals(&r);

	ck_assert_uint_eq(t.images, 200);
	ck_assert_uint_eq(t.sets, 2);
	ck_assert_uint_eq(t.sets_failed, 1);
	ck_assert_uint_eq(t.rois_used, 3);
	ck_assert_uint_eq(t.rois_unused, 2);
	ck_assert_uint_eq(t.warnings, 5); /* 4 kinds, a failed set */
	ck_assert_uint_eq(t.losses, 2);
}
END_TEST

/* Whatever memory there is, an unfinished report is never taken for one. */
START_TEST(too_little_room)
{
	struct report r = whole();

	for (size_t max = 0; max < 6000; max += 7) {
		struct buf b = BUF_INIT(max);

		if (_i == 0)
			report_text(&r, &b);
		else if (_i == 1)
			report_json(&r, &b);
		else
			report_html(&r, &b);
		ck_assert(b.failed || b.len > 2000);
		ck_assert_uint_le(b.len, max);
		buf_free(&b);
	}
}
END_TEST

Suite *suite_report(void);

Suite *suite_report(void)
{
	Suite *suite = suite_create("report");
	TCase *tc = tcase_create("report");

	tcase_add_loop_test(tc, text_as_golden, 0, 2);
	tcase_add_loop_test(tc, json_as_golden, 0, 2);
	tcase_add_loop_test(tc, html_as_golden, 0, 2);
	tcase_add_loop_test(tc, html_verdict, 0, COUNT(verdicts));
	tcase_add_loop_test(tc, html_names_in_picture, 0, 3);
	tcase_add_loop_test(tc, html_of_very_much, 0, 2);
	tcase_add_test(tc, gaps);
	tcase_add_loop_test(tc, volumes_that_differ, 0, (int)COUNT(volumes));
	tcase_add_test(tc, summary_lines);
	tcase_add_test(tc, warnings_are_told_once);
	tcase_add_test(tc, totals);
	tcase_add_loop_test(tc, too_little_room, 0, 3);
	suite_add_tcase(suite, tc);
	return suite;
}
