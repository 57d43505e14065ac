/*
 * netrt rois: the regions of interest of a structure set, as a table or as JSON.
 */
#include <assert.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/utf8.h"
#include "cmd/cmd.h"
#include "dicom/number.h"
#include "rt/paint.h"
#include "study/scan.h"

const char cmd_rois_usage[] =
	"usage: netrt rois [--json] FILE [IMAGES...]\n"
	"\n"
	"List the regions of interest of the RT Structure Set FILE: number, name, interpreted\n"
	"type, colour, generation algorithm, contours, points, slices.  With IMAGES (files or\n"
	"folders) the contours are placed on the images of the structure set's study: slices are\n"
	"then images with contours of it, and the volume in millilitres is that of the pixels\n"
	"inside.  Without, slices are the different images that its contours name, or the\n"
	"different heights of their first points.\n"
	"\n"
	"  --json    one object on one line instead of the table\n"
	"\n"
	"Exit codes: 0 listed, 64 usage, 65 FILE is no structure set, or its contours fit none of\n"
	"the images, 66 an input cannot be opened, 74 standard output failed.\n";

#define TABLE_MAX ((size_t)64 << 20)
#define SAME_HEIGHT_PM (PM_PER_MM / 100)

/* What is listed of one ROI beside what the structure set says. */
struct row {
	uint64_t points;
	uint32_t slices;
	bool has_slices, has_volume;
	double volume_ml;
};

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int by_bytes(const void *a, const void *b)
{
	return bytes_cmp(*(const struct bytes *)a, *(const struct bytes *)b);
}

/* Different heights of the first points; false when one cannot be read. */
static bool count_heights(const struct contour *c, uint32_t count, int64_t *z, uint32_t *slices)
{
	struct bytes third;

	for (uint32_t i = 0; i < count; i++)
		if (!text_nth(c[i].data, 2, &third) || !ds_to_pm(third, &z[i]))
			return false;
	qsort(z, count, sizeof(z[0]), by_value);
	*slices = count > 0;
	for (uint32_t i = 1; i < count; i++)
		*slices += z[i] - z[i - 1] > SAME_HEIGHT_PM;
	return true;
}

/* Different images named; false when a contour names none. */
static bool count_images(const struct contour *c, uint32_t count, struct bytes *uid,
			 uint32_t *slices)
{
	for (uint32_t i = 0; i < count; i++) {
		uid[i] = bytes_trim(c[i].image_uid);
		if (uid[i].len == 0)
			return false;
	}
	qsort(uid, count, sizeof(uid[0]), by_bytes);
	*slices = count > 0;
	for (uint32_t i = 1; i < count; i++)
		*slices += !bytes_eq(uid[i], uid[i - 1]);
	return true;
}

/* Points and slices by the structure set alone. */
static enum err count_rows(struct row *rows, const struct structset *set, struct arena *a,
			   struct fault *f)
{
	for (uint32_t r = 0; r < set->roi_count; r++) {
		const struct contour *c = set->contours + set->rois[r].contour_first;
		uint32_t count = set->rois[r].contour_count;
		size_t mark = arena_mark(a);
		struct bytes *uid = ARENA_NEW(a, struct bytes, count);
		int64_t *z = ARENA_NEW(a, int64_t, count);

		if (uid == NULL || z == NULL)
			return fault_set(f, ERR_NOMEM, "no memory for the contours",
					 FAULT_NO_OFFSET);
		for (uint32_t i = 0; i < count; i++)
			rows[r].points += text_count(c[i].data) / 3;
		rows[r].has_slices = count_images(c, count, uid, &rows[r].slices) ||
				     count_heights(c, count, z, &rows[r].slices);
		arena_reset(a, mark);
	}
	return OK;
}

/* Add the pixels of one plane to the volumes. */
static enum err measure_plane(struct row *rows, const struct rt_plan *plan, struct painter *p,
			      uint32_t plane, struct arena *a, struct fault *f)
{
	const struct rt_image *image = &plan->planes[plane];
	uint32_t count = rt_plane_roi_count(plan, plane);
	size_t mark = arena_mark(a);
	uint64_t *bits = ARENA_NEW(a, uint64_t, mask_words(image->cols, image->rows));
	double pixel_mm2 = (double)image->row_spacing_pm / (double)PM_PER_MM *
			   ((double)image->col_spacing_pm / (double)PM_PER_MM);
	struct mask mask;
	enum err e = OK;

	if (bits == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for a mask", FAULT_NO_OFFSET);
	mask_init(&mask, image->cols, image->rows, bits);
	for (uint32_t i = 0; i < count && e == OK; i++) {
		struct row *row = &rows[rt_plane_roi(plan, plane, i)];

		e = rt_paint_roi(p, plane, i, &mask, f);
		row->volume_ml +=
			(double)mask_count(&mask) * pixel_mm2 * plan->gap_mm[plane] / 1000;
		row->has_volume = true;
	}
	arena_reset(a, mark);
	return e;
}

/* Volumes and slices on the images. */
static enum err measure_rows(struct row *rows, const struct rt_plan *plan, struct arena *a,
			     struct fault *f)
{
	struct painter p;
	enum err e = painter_open(&p, plan, f);

	if (e != OK)
		return e;
	assert(plan->set != NULL);
	for (uint32_t r = 0; r < plan->set->roi_count; r++)
		rows[r].slices = plan->rois[r].planes;
	for (uint32_t plane = 0; plane < plan->placed_count && e == OK; plane++)
		e = measure_plane(rows, plan, &p, plane, a, f);
	painter_close(&p);
	return e;
}

static const struct scan_study *find_study(const struct scan *s, const struct uid *uid)
{
	for (const struct scan_study *study = s->studies; study != NULL; study = study->next)
		if (uid_eq(&study->uid, uid))
			return study;
	return NULL;
}

/* Place the contours on the images that lie in `paths`; an exit code. */
static int use_images(struct row *rows, const struct structset *set, char *const *paths, int count,
		      struct arena *a)
{
	static struct scan scan;
	const struct rt_options options = {.tolerance_mm = 1.5};
	struct fault f = {0};
	struct rt_plan plan = {0};
	char why[256];
	int code = EX_DATAERR;

	enum err e = scan_open(&scan, &f);
	if (e == OK)
		e = scan_run(&scan, (const char *const *)paths, (size_t)count, -1, &f);
	for (uint32_t i = 0; i < scan.problem_count && i < SCAN_PROBLEMS; i++) {
		fault_format(&scan.problems[i].fault, why, sizeof(why));
		log_say(LOG_WARNING, "%s: %s", log_quote_str(scan.problems[i].path), why);
		if (scan.problems[i].fault.code == ERR_IO)
			code = EX_NOINPUT;
	}
	const struct scan_study *study = e == OK ? find_study(&scan, &set->study) : NULL;
	if (e == OK && study == NULL)
		e = fault_set(&f, ERR_UNUSABLE, "no image belongs to its study", FAULT_NO_OFFSET);
	if (e == OK && study != NULL)
		e = rt_plan_make(&plan, set, study->images, study->image_count, &options, a, &f);
	if (e == OK)
		e = measure_rows(rows, &plan, a, &f);
	scan_close(&scan);
	if (e == OK)
		return EX_OK;
	fault_format(&f, why, sizeof(why));
	log_say(LOG_ERROR, "the contours cannot be placed on these images: %s", why);
	return code;
}

/* How many columns of a terminal a text takes, about. */
static unsigned width_of(struct bytes s)
{
	unsigned width = 0;
	uint32_t code;

	while (s.len > 0) {
		unsigned n = utf8_next(s, &code);

		width += n == 0 ? 4 : code < 0x2E80 ? 1 : 2;
		n = n == 0 ? 1 : n;
		s.at += n;
		s.len -= n;
	}
	return width;
}

/* A name, escaped, filled up with blanks. */
static void put_cell(struct buf *out, struct bytes text, unsigned width)
{
	struct buf cell = BUF_INIT(TABLE_MAX);

	buf_escaped(&cell, text);
	unsigned used = width_of(buf_bytes(&cell));
	buf_add(out, buf_bytes(&cell));
	buf_fmt(out, "%*s", (int)(used < width ? width - used : 0) + 2, "");
	buf_free(&cell);
}

static unsigned widest(const struct structset *set, size_t member, const char *title)
{
	unsigned most = (unsigned)strlen(title);

	for (uint32_t r = 0; r < set->roi_count; r++) {
		const struct bytes *text = (const void *)((const char *)&set->rois[r] + member);
		unsigned width = width_of(*text);

		most = width > most ? width : most;
	}
	return most > 40 ? 40 : most;
}

static void put_row(struct buf *out, const struct roi *roi, const struct row *row,
		    const unsigned width[static 3])
{
	if (roi->number < 0)
		buf_str(out, "     -  ");
	else
		buf_fmt(out, "%6lld  ", (long long)roi->number);
	put_cell(out, roi->name, width[0]);
	put_cell(out, roi->interpreted_type, width[1]);
	if (roi->has_color)
		buf_fmt(out, "#%02X%02X%02X  ", roi->color[0], roi->color[1], roi->color[2]);
	else
		buf_str(out, "-        ");
	put_cell(out, roi->algorithm, width[2]);
	buf_fmt(out, "%8u  %9llu", roi->contour_count, (unsigned long long)row->points);
	if (row->has_slices)
		buf_fmt(out, "  %6u", row->slices);
	else
		buf_str(out, "       -");
	if (row->has_volume)
		buf_fmt(out, "  %9.3f\n", row->volume_ml);
	else
		buf_str(out, "          -\n");
}

static void put_table(struct buf *out, const struct structset *set, const struct row *rows)
{
	const unsigned width[3] = {
		widest(set, offsetof(struct roi, name), "name"),
		widest(set, offsetof(struct roi, interpreted_type), "type"),
		widest(set, offsetof(struct roi, algorithm), "algorithm"),
	};

	buf_str(out, "number  ");
	put_cell(out, BYTES_LIT("name"), width[0]);
	put_cell(out, BYTES_LIT("type"), width[1]);
	buf_str(out, "colour   ");
	put_cell(out, BYTES_LIT("algorithm"), width[2]);
	buf_str(out, "contours     points  slices  volume/ml\n");
	for (uint32_t r = 0; r < set->roi_count; r++)
		put_row(out, &set->rois[r], &rows[r], width);
}

static void put_json_row(struct buf *out, const struct roi *roi, const struct row *row)
{
	if (roi->number < 0)
		buf_str(out, "{\"number\":null,\"name\":");
	else
		buf_fmt(out, "{\"number\":%lld,\"name\":", (long long)roi->number);
	buf_json(out, roi->name);
	buf_str(out, ",\"type\":");
	buf_json(out, roi->interpreted_type);
	if (roi->has_color)
		buf_fmt(out, ",\"color\":[%u,%u,%u]", roi->color[0], roi->color[1], roi->color[2]);
	else
		buf_str(out, ",\"color\":null");
	buf_str(out, ",\"algorithm\":");
	buf_json(out, roi->algorithm);
	buf_fmt(out, ",\"contours\":%u,\"points\":%llu", roi->contour_count,
		(unsigned long long)row->points);
	if (row->has_slices)
		buf_fmt(out, ",\"slices\":%u", row->slices);
	else
		buf_str(out, ",\"slices\":null");
	if (row->has_volume)
		buf_fmt(out, ",\"volume_ml\":%.6f}", row->volume_ml);
	else
		buf_str(out, ",\"volume_ml\":null}");
}

static void put_json(struct buf *out, const struct structset *set, const struct row *rows)
{
	buf_fmt(out,
		"{\"structure_set\":\"%s\",\"study\":\"%s\",\"label\":", set->sop_instance.text,
		set->study.text);
	buf_json(out, set->label);
	buf_str(out, ",\"rois\":[");
	for (uint32_t r = 0; r < set->roi_count; r++) {
		if (r > 0)
			buf_char(out, ',');
		put_json_row(out, &set->rois[r], &rows[r]);
	}
	buf_str(out, "]}\n");
}

/* Everything about an open structure set; an exit code. */
static int list(const struct part10 *p, bool json, char *const *images, int image_count,
		struct arena *a, struct fault *f)
{
	struct structset set;
	struct buf out = BUF_INIT(TABLE_MAX);
	int code = EX_OK;

	if (structset_read(&set, p, a, f) != OK)
		return EX_DATAERR;
	struct row *rows = ARENA_NEW(a, struct row, set.roi_count);
	if (rows == NULL) {
		fault_set(f, ERR_NOMEM, "no memory for the ROIs", FAULT_NO_OFFSET);
		return EX_DATAERR;
	}
	if (count_rows(rows, &set, a, f) != OK)
		return EX_DATAERR;
	if (image_count > 0)
		code = use_images(rows, &set, images, image_count, a);
	if (json)
		put_json(&out, &set, rows);
	else
		put_table(&out, &set, rows);
	fwrite(out.at, 1, out.len, stdout);
	buf_free(&out);
	return code;
}

static int run(const char *path, bool json, char *const *images, int image_count)
{
	struct fault f = {0};
	struct part10 p = PART10_NONE;
	struct arena a = {0};
	char why[256];
	int code = EX_DATAERR;

	if (part10_open(&p, AT_FDCWD, path, &f) != OK)
		code = f.code == ERR_IO ? EX_NOINPUT : EX_DATAERR;
	else if (arena_open(&a, LIMIT_ARENA_STUDY, &f) == OK)
		code = list(&p, json, images, image_count, &a, &f);
	if (f.code != OK) {
		fault_format(&f, why, sizeof(why));
		log_say(LOG_ERROR, "%s: %s", log_quote_str(path), why);
	}
	arena_close(&a);
	part10_close(&p);
	return code;
}

int cmd_rois(int argc, char **argv)
{
	static const struct option longs[] = {{"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
	bool json = false;
	int c;

	if (cmd_wants_help(argc, argv, cmd_rois_usage))
		return cmd_finish(EX_OK);
	opterr = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c != 'j')
			return cmd_usage_error("rois", "unknown option");
		json = true;
	}
	if (optind >= argc)
		return cmd_usage_error("rois", "takes the file of an RT Structure Set");
	return cmd_finish(run(argv[optind], json, argv + optind + 1, argc - optind - 1));
}
