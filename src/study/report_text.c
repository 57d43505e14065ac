/*
 * report.txt: to be read in a terminal.
 */
#include "study/report.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#define NAME_COLS 28u

/* Escaped, cut to `cols` characters, filled up with blanks. */
static void cell(struct buf *b, struct bytes s, unsigned cols)
{
	struct buf whole = BUF_INIT(REPORT_MAX);
	struct bytes rest;
	unsigned used = 0;

	buf_escaped(&whole, s);
	rest = buf_bytes(&whole);
	while (rest.len > 0 && used < cols) {
		uint32_t code;
		unsigned n = utf8_next(rest, &code);

		n = n == 0 ? 1 : n;
		if (used == cols - 1 && rest.len > n) {
			buf_char(b, '~'); /* the rest does not fit */
		} else {
			buf_add(b, bytes_of(rest.at, n));
		}
		rest.at += n;
		rest.len -= n;
		used++;
	}
	b->failed |= whole.failed;
	buf_free(&whole);
	buf_fmt(b, "%*s", (int)(cols - used), "");
}

static void head(struct buf *b, const struct report *r)
{
	char when[20];

	wall_iso(&r->when, ' ', when);
	buf_fmt(b, "netrt %s\n\n", r->version);
	buf_fmt(b, "Study          %s\n", r->study.text);
	buf_fmt(b, "Processed      %s\n", when);
	buf_str(b, "Configuration  ");
	if (r->config_file != NULL)
		buf_escaped(b, bytes_str(r->config_file));
	else
		buf_str(b, "built-in defaults");
	buf_fmt(b, "\n               sha256 %s\n", r->config_sha256);
	buf_fmt(b, "               overlay planes %s, edge rule %s, nested contours %s\n\n",
		r->planes, r->edge, r->nested);
}

static void count_line(struct buf *b, uint32_t n, const char *text)
{
	if (n > 0)
		buf_fmt(b, "  %8u  %s%s\n", n, text, report_plural(n));
}

static void input(struct buf *b, const struct report *r)
{
	buf_str(b, "Read for this study\n");
	buf_fmt(b, "  %8u  image%s in %u series\n", r->images, report_plural(r->images), r->series);
	count_line(b, r->set_count, "structure set");
	for (uint32_t i = 0; i < r->other_count; i++) {
		buf_fmt(b, "  %8u  ", r->others[i].count);
		buf_escaped(b, bytes_str(r->others[i].text));
		buf_str(b, " (not used)\n");
	}
	count_line(b, r->duplicates, "duplicate file");
	if (r->derived > 0)
		buf_fmt(b, "  %8u  object%s of netrt's, of an earlier run (not used)\n", r->derived,
			report_plural(r->derived));

	buf_str(b, "Read in the whole run\n");
	buf_fmt(b, "  %8u  file%s, %u stud%s\n", r->run_files, report_plural(r->run_files),
		r->run_studies, r->run_studies == 1 ? "y" : "ies");
	if (r->run_not_dicom > 0)
		buf_fmt(b, "  %8u  not DICOM\n", r->run_not_dicom);
	count_line(b, r->run_dicomdirs, "DICOMDIR");
	if (r->run_not_files > 0)
		buf_fmt(b, "  %8u  no regular file, not opened\n", r->run_not_files);
	for (uint32_t i = 0; i < r->problem_count; i++) {
		buf_fmt(b, "  %8u  not usable: ", r->problems[i].count);
		buf_escaped(b, bytes_str(r->problems[i].text));
		buf_char(b, '\n');
	}
	buf_char(b, '\n');
}

/* Why a ROI is not, or not wholly, in the output. */
static void losses(struct buf *b, const struct report_set *set, uint32_t roi)
{
	for (uint32_t i = 0; i < set->note_count; i++) {
		const struct report_note *n = &set->notes[i];

		if (n->roi != roi || !n->loss)
			continue;
		buf_str(b, n->asked ? "        " : "        not used: ");
		buf_str(b, n->text);
		if (n->count > 0 && !n->of_roi)
			buf_fmt(b, ": %u", n->count);
		if (n->worst_mm > 0)
			buf_fmt(b, ", up to %.3g mm", n->worst_mm);
		buf_char(b, '\n');
	}
}

/* What is worth a look: slices in between without it, volumes that are not the same. */
static void oddities(struct buf *b, const struct report_roi *r)
{
	enum { NAMED = 6 };
	struct report_gap gap;
	uint32_t n = 0;

	for (uint32_t at = 0; report_next_gap(r, &at, &gap); n++) {
		if (n < NAMED)
			buf_fmt(b, n == 0 ? "        not on slices %u" : ", %u", gap.from + 1);
		if (n < NAMED && gap.to > gap.from + 1)
			buf_fmt(b, "-%u", gap.to);
	}
	if (n > NAMED)
		buf_fmt(b, " and in %u more gaps", n - NAMED);
	if (n > 0)
		buf_fmt(b, ", between %u and %u\n", r->cover[0].plane + 1,
			r->cover[r->slices - 1].plane + 1);
	if (r->contours_used > 0 && report_volumes_differ(r))
		buf_fmt(b, "        its contours enclose %.3f ml\n", r->contours_ml);
}

static void roi_row(struct buf *b, const struct report_set *set, uint32_t index)
{
	const struct report_roi *r = &set->rois[index];
	char number[24], color[8] = "", used[32];

	snprintf(number, sizeof(number), "%lld", (long long)r->number);
	if (r->has_color)
		snprintf(color, sizeof(color), "#%02x%02x%02x", r->color[0], r->color[1],
			 r->color[2]);
	buf_fmt(b, "  %5s  ", number);
	cell(b, r->name, NAME_COLS);
	buf_char(b, ' ');
	cell(b, r->type, 12);
	snprintf(used, sizeof(used), "%u of %u", r->contours_used,
		 r->contours_used + r->contours_unused);
	buf_fmt(b, " %-7s %16s %7u %9llu", color, used, r->slices, (unsigned long long)r->points);
	if (r->contours_used == 0)
		buf_fmt(b, " %12s %10s\n", "-", "-");
	else if (!r->has_volume)
		buf_fmt(b, " %12.1f %10s\n", r->area_mm2, "-");
	else
		buf_fmt(b, " %12.1f %10.3f\n", r->area_mm2, r->volume_ml);
	losses(b, set, index);
	oddities(b, r);
}

static void rois(struct buf *b, const struct report_set *set)
{
	if (set->roi_count == 0)
		return;
	buf_fmt(b, "\n  %5s  ", "ROI");
	cell(b, BYTES_LIT("name"), NAME_COLS);
	buf_fmt(b, " %-12s %-7s %16s %7s %9s %12s %10s\n", "type", "colour", "contours used",
		"slices", "points", "area mm2", "volume ml");
	for (uint32_t i = 0; i < set->roi_count; i++)
		roi_row(b, set, i);
}

static void warnings(struct buf *b, const struct report_set *set)
{
	struct report_warning w;
	bool first = true;

	for (uint32_t at = 0; report_next_warning(set, &at, &w);) {
		if (first)
			buf_str(b, "\n  Remarks\n");
		first = false;
		buf_str(b, w.asked  ? "    as asked  "
			   : w.loss ? "    NOT USED  "
				    : "    note      ");
		report_warning_text(set, &w, b);
		buf_char(b, '\n');
	}
}

static void set_text(struct buf *b, const struct report *r, uint32_t index)
{
	const struct report_set *set = &r->sets[index];

	buf_fmt(b, "Structure set %u of %u\n", index + 1, r->set_count);
	buf_fmt(b, "  SOP Instance    %s\n", set->sop_instance.text);
	if (set->failed != NULL) {
		buf_str(b, "  NOT PAINTED     ");
		buf_escaped(b, bytes_str(set->failed));
		buf_char(b, '\n');
	} else {
		buf_fmt(b, "  Image series    %s\n", set->image_series.text);
		buf_fmt(b, "                  %u %s image%s; %s\n", set->images, set->modality,
			report_plural(set->images), set->series_why);
		buf_fmt(b, "  Overlay series  %s\n", set->overlay_series.text);
		buf_fmt(b, "                  %u image%s: Addition/%s\n", set->images,
			report_plural(set->images), set->file_names);
	}
	rois(b, set);
	warnings(b, set);
	buf_char(b, '\n');
}

static void written(struct buf *b, const struct report *r)
{
	buf_str(b, "Written\n");
	for (unsigned k = 0; k < OUTPUT_KINDS; k++)
		if (r->made[k] > 0)
			buf_fmt(b, "  %8u  file%s in %s\n", r->made[k], report_plural(r->made[k]),
				output_places[k].folder);
	buf_char(b, '\n');
}

static void timings(struct buf *b, const struct report *r)
{
	struct report_totals t = report_totals(r);

	buf_fmt(b, "Times\n");
	buf_fmt(b, "  %10.3f s  reading structure sets\n", (double)t.read_us / 1e6);
	buf_fmt(b, "  %10.3f s  deciding which contour goes where\n", (double)t.plan_us / 1e6);
	buf_fmt(b, "  %10.3f s  painting and writing, %u process%s", (double)t.paint_us / 1e6,
		r->workers, r->workers == 1 ? "" : "es");
	if (t.paint_us > 0)
		buf_fmt(b, ", %.0f images/s", (double)t.images / ((double)t.paint_us / 1e6));
	buf_fmt(b, "\n  %10.3f s  all of it\n", (double)r->total_us / 1e6);
}

static void deidentification(struct buf *b, const struct report_deid *d)
{
	buf_fmt(b, "De-identified by the profile %s", d->profile);
	for (unsigned i = 0; d->codes[i] != NULL; i++)
		buf_fmt(b, "%s%s", i == 0 ? ": " : ", ", d->codes[i]);
	buf_fmt(b, "\n  Policy          %s\n", d->policy);
	if (d->key != NULL)
		buf_fmt(b, "  Key             %s\n", d->key);
	buf_str(b, "  What was done to each image is in report.json.\n\n");
}

void report_text(const struct report *r, struct buf *b)
{
	head(b, r);
	if (r->deid != NULL)
		deidentification(b, r->deid);
	input(b, r);
	for (uint32_t i = 0; i < r->set_count; i++)
		set_text(b, r, i);
	written(b, r);
	timings(b, r);
}

void report_summary_text(const struct uid *study, const struct report *r, const char *output,
			 struct buf *b)
{
	struct report_totals t = report_totals(r);

	buf_fmt(b, "%s: %u image%s, %u of %u ROI%s painted", study->text, t.images,
		report_plural(t.images), t.rois_used, t.rois_used + t.rois_unused,
		report_plural(t.rois_used + t.rois_unused));
	if (t.sets > 1)
		buf_fmt(b, ", %u of %u structure sets", t.sets - t.sets_failed, t.sets);
	buf_fmt(b, ", %.2f s -> ", (double)r->total_us / 1e6);
	buf_escaped(b, bytes_str(output));
	if (t.warnings > 0)
		buf_fmt(b, " (%u warning%s: see report.txt)", t.warnings,
			report_plural(t.warnings));
	buf_char(b, '\n');
}
