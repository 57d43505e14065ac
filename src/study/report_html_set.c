/*
 * One structure set: remarks, the table of ROIs, their coverage, the contact sheet.
 */
#include "study/report_html.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/html.h"

/* Steps of all coverage plots together, at most (some eight bytes each), and of one. */
#define PLOT_STEPS_ALL 60000u
#define PLOT_STEPS_MOST 400u
#define PLOT_STEPS_LEAST 12u
#define PLOT_WIDTH 1000.0
#define PLOT_HEIGHT 32u
#define GAPS_NAMED 6u /* further ones are counted */
#define TILE_NAMES 8u

/* In an attribute. */
static void roi_plain_name(struct buf *b, const struct report_roi *roi)
{
	if (roi->name.len > 0)
		html_text(b, roi->name);
	else
		buf_fmt(b, "ROI %lld", (long long)roi->number);
}

static void rgb(struct buf *b, const uint8_t color[static 3])
{
	buf_fmt(b, "#%02x%02x%02x", color[0], color[1], color[2]);
}

/* A small field in the colour that the pictures have; dashed where the ROI has none of its own. */
static void swatch(struct buf *b, const struct report_roi *roi)
{
	buf_str(b, "<svg class=\"swatch\" viewBox=\"0 0 14 14\" role=\"img\" aria-label=\"");
	buf_str(b, roi->has_color ? "colour " : "no colour of its own, drawn in ");
	rgb(b, roi->drawn);
	buf_str(b, "\"><rect x=\".5\" y=\".5\" width=\"13\" height=\"13\" rx=\"3\" fill=\"");
	rgb(b, roi->drawn);
	buf_str(b, roi->has_color ? "\"/></svg>" : "\" stroke-dasharray=\"2 2\"/></svg>");
}

/* With its colour before it. */
static void roi_name(struct buf *b, const struct report_roi *roi)
{
	buf_str(b, "<span class=\"roi\">");
	swatch(b, roi);
	buf_str(b, "<bdi class=\"name\">");
	if (roi->name.len > 0)
		html_text(b, roi->name);
	else
		buf_str(b, "<span class=\"soft\">no name</span>");
	buf_str(b, "</bdi></span>");
}

/* ---- remarks ---- */

static void remarks(struct buf *b, const struct report_set *set, uint32_t number)
{
	static const char *const tags[] = {"<span class=\"tag bad\">not used</span>",
					   "<span class=\"tag note\">as asked</span>",
					   "<span class=\"tag note\">note</span>"};
	struct report_warning w;
	bool first = true;

	for (uint32_t at = 0; report_next_warning(set, &at, &w);) {
		struct buf line = BUF_INIT(REPORT_MAX);

		if (first)
			buf_fmt(b,
				"<h3 id=\"remarks%u\">Remarks</h3>\n<ul role=\"list\" "
				"class=\"remarks\" "
				"aria-labelledby=\"remarks%u\">\n",
				number, number);
		first = false;
		report_warning_text(set, &w, &line);
		buf_fmt(b, "<li>%s<span>", tags[w.asked ? 1 : w.loss ? 0 : 2]);
		html_text(b, buf_bytes(&line));
		buf_str(b, "</span></li>\n");
		b->failed |= line.failed;
		buf_free(&line);
	}
	if (!first)
		buf_str(b, "</ul>\n");
}

/* ---- the table ---- */

/* Why a ROI is not, or not wholly, in the output. */
static void losses(struct buf *b, const struct report_set *set, uint32_t index)
{
	bool first = true;

	for (uint32_t i = 0; i < set->note_count; i++) {
		const struct report_note *n = &set->notes[i];

		if (n->roi != index || !n->loss)
			continue;
		buf_str(b, first ? "<ul class=\"why\">" : "");
		first = false;
		buf_str(b, n->asked ? "<li>" : "<li>not used: ");
		html_str(b, n->text);
		if (n->count > 0 && !n->of_roi)
			buf_fmt(b, ": %u", n->count);
		if (n->worst_mm > 0)
			buf_fmt(b, ", up to %.3g&nbsp;mm", n->worst_mm);
		buf_str(b, "</li>");
	}
	if (!first)
		buf_str(b, "</ul>");
}

static void extent_cell(struct buf *b, const struct report_roi *roi)
{
	buf_str(b, "<td class=\"n\">");
	if (roi->slices == 0) {
		buf_str(b, "&ndash;</td>");
		return;
	}
	for (unsigned i = 0; i < 3; i++) {
		buf_str(b, i == 0 ? "" : " &times; ");
		if (i == 2 && !roi->has_volume)
			buf_str(b, "?");
		else
			buf_fmt(b, "%.1f", roi->high_mm[i] - roi->low_mm[i]);
	}
	buf_str(b, "</td>");
}

/* Three digits that say something, and never fewer than the whole millilitres. */
static void millilitres(struct buf *b, double ml)
{
	buf_fmt(b, "<td class=\"n\">%.*f</td>", ml >= 100 ? 1 : ml >= 10 ? 2 : 3, ml);
}

static void volume_cells(struct buf *b, const struct report_roi *roi)
{
	if (roi->contours_used == 0 || !roi->has_volume) {
		buf_str(b, "<td class=\"n\">&ndash;</td><td class=\"n\">&ndash;</td><td "
			   "class=\"n\">&ndash;</td>");
		return;
	}
	millilitres(b, roi->volume_ml);
	millilitres(b, roi->contours_ml);
	double percent = roi->contours_ml > 0
				 ? (roi->volume_ml - roi->contours_ml) / roi->contours_ml * 100
			 : roi->volume_ml > 0 ? INFINITY
					      : 0;
	buf_str(b, "<td class=\"n\">");
	if (report_volumes_differ(roi))
		buf_str(b, "<span class=\"tag warn\">differs</span> ");
	if (isfinite(percent) && fabs(percent) < 1e6)
		buf_fmt(b, "%s%.1f&nbsp;%%",
			percent < -0.05  ? "&minus;"
			: percent > 0.05 ? "+"
					 : "",
			fabs(percent));
	buf_str(b, "</td>");
}

static void roi_row(struct buf *b, const struct report_set *set, uint32_t index)
{
	const struct report_roi *roi = &set->rois[index];
	uint32_t all = roi->contours_used + roi->contours_unused;

	buf_str(b, roi->contours_used > 0 ? "<tr>" : "<tr class=\"unused\">");
	buf_str(b, "<th scope=\"row\">");
	roi_name(b, roi);
	losses(b, set, index);
	buf_str(b, "</th><td>");
	if (roi->type.len > 0)
		html_text(b, roi->type);
	else
		buf_str(b, "&ndash;");
	buf_str(b, "</td>");
	volume_cells(b, roi);
	buf_fmt(b, "<td class=\"n\">%u</td>", roi->slices);
	extent_cell(b, roi);
	buf_fmt(b, "<td class=\"n\">%u", roi->contours_used);
	if (all != roi->contours_used)
		buf_fmt(b, " <span class=\"soft\">of %u</span>", all);
	buf_fmt(b, "</td><td class=\"n\">%lld</td>", (long long)roi->number);
	buf_str(b, "</tr>\n");
}

static void rois(struct buf *b, const struct report_set *set, uint32_t number)
{
	if (set->roi_count == 0)
		return;
	buf_fmt(b,
		"<h3 id=\"rois%u\">ROIs</h3>\n<div class=\"scroll wide\" role=\"region\" "
		"aria-labelledby=\"rois%u\" tabindex=\"0\">\n<table class=\"rois\">\n<thead><tr>"
		"<th scope=\"col\">Name</th><th scope=\"col\">Type</th>"
		"<th scope=\"col\" class=\"n\">Volume ml<br>by pixels</th>"
		"<th scope=\"col\" class=\"n\">Volume ml<br>by contours</th>"
		"<th scope=\"col\" class=\"n\">Difference</th>"
		"<th scope=\"col\" class=\"n\">Slices</th>"
		"<th scope=\"col\" class=\"n\">Extent mm",
		number, number);
	if (set->plane_count > 0)
		buf_fmt(b, "<br>%s &times; %s &times; %s", set->axis[0], set->axis[1],
			set->axis[2]);
	buf_str(b, "</th><th scope=\"col\" class=\"n\">Contours<br>used</th>"
		   "<th scope=\"col\" class=\"n\">No.</th></tr></thead>\n<tbody>\n");
	for (uint32_t i = 0; i < set->roi_count; i++)
		roi_row(b, set, i);
	buf_fmt(b,
		"</tbody></table></div>\n<p class=\"soft small\">Volumes that differ by more than "
		"%d&nbsp;%% are marked: so do small ROIs, and those whose contours leave the "
		"image, "
		"cross themselves or overlap.</p>\n",
		REPORT_VOLUME_PERCENT);
}

/* ---- coverage ---- */

/* Where the images lie on the axis, in units of the plot. */
struct scale {
	const struct report_set *set;
	double low_mm, span_mm;
	double half_mm; /* of an image: half the usual distance */
	uint32_t step;  /* images of one step */
	uint32_t marks; /* of gaps, at most, per ROI */
	bool by_index;  /* positions are of no use: all images as wide */
};

static double left_mm(const struct report_set *set, uint32_t plane, double half)
{
	double at = set->planes[plane].along_mm;
	double before = plane > 0 ? (at - set->planes[plane - 1].along_mm) / 2 : half;

	return at - (before < half * 1.5 ? before : half);
}

static double right_mm(const struct report_set *set, uint32_t plane, double half)
{
	double at = set->planes[plane].along_mm;
	double after =
		plane + 1 < set->plane_count ? (set->planes[plane + 1].along_mm - at) / 2 : half;

	return at + (after < half * 1.5 ? after : half);
}

static struct scale scale_of(const struct report_set *set, uint32_t painted)
{
	struct scale s = {.set = set, .step = 1, .half_mm = INFINITY};
	uint32_t steps = PLOT_STEPS_ALL / (painted > 0 ? painted : 1);

	steps = steps > PLOT_STEPS_MOST    ? PLOT_STEPS_MOST
		: steps < PLOT_STEPS_LEAST ? PLOT_STEPS_LEAST
					   : steps;
	s.marks = steps / 4 + 1;
	s.step = (set->plane_count + steps - 1) / steps;
	s.step = s.step > 0 ? s.step : 1;
	/* the smallest distance: larger ones are gaps between images */
	for (uint32_t k = 1; k < set->plane_count; k++) {
		double half = (set->planes[k].along_mm - set->planes[k - 1].along_mm) / 2;

		s.half_mm = half < s.half_mm ? half : s.half_mm;
	}
	s.by_index = set->plane_count < 2 || !(s.half_mm > 0) || !isfinite(s.half_mm);
	if (s.by_index)
		return s;
	s.low_mm = left_mm(set, 0, s.half_mm);
	s.span_mm = right_mm(set, set->plane_count - 1, s.half_mm) - s.low_mm;
	return s;
}

/* The left edge of image `plane` and the right one of `last`, 0..1000. */
static void edges(const struct scale *s, uint32_t plane, uint32_t last, unsigned *x0, unsigned *x1)
{
	double a, b;

	if (s->by_index) {
		a = (double)plane / s->set->plane_count;
		b = (last + 1.0) / s->set->plane_count;
	} else {
		a = (left_mm(s->set, plane, s->half_mm) - s->low_mm) / s->span_mm;
		b = (right_mm(s->set, last, s->half_mm) - s->low_mm) / s->span_mm;
	}
	*x0 = (unsigned)lround(a * PLOT_WIDTH);
	*x1 = (unsigned)lround(b * PLOT_WIDTH);
	if (*x1 <= *x0)
		*x1 = *x0 + 1;
}

/* The images themselves: a field under each stretch of them. */
static void track(struct buf *b, const struct scale *s)
{
	unsigned from = 0, to = 0;

	buf_str(b, "<path class=\"track\" d=\"");
	for (uint32_t k = 0; k < s->set->plane_count; k++) {
		unsigned x0, x1;

		edges(s, k, k, &x0, &x1);
		if (k > 0 && x0 <= to) {
			to = x1 > to ? x1 : to;
			continue;
		}
		if (k > 0)
			buf_fmt(b, "M%u 0H%uV%uH%uz", from, to, PLOT_HEIGHT, from);
		from = x0;
		to = x1;
	}
	buf_fmt(b, "M%u 0H%uV%uH%uz\"/>", from, to, PLOT_HEIGHT, from);
}

/* Steps along the axis, each as high as the largest area of its images. */
static void area_path(struct buf *b, const struct scale *s, const struct report_roi *roi)
{
	uint32_t most = 1, at = 0, previous = UINT32_MAX;
	unsigned x0, x1, height = 0, end = 0;

	for (uint32_t i = 0; i < roi->slices; i++)
		most = roi->cover[i].pixels > most ? roi->cover[i].pixels : most;
	buf_str(b, "<path class=\"area\" fill=\"");
	rgb(b, roi->drawn);
	buf_str(b, "\" d=\"");
	while (at < roi->slices) {
		uint32_t group = roi->cover[at].plane / s->step, first = roi->cover[at].plane;
		uint32_t last = first, largest = 0;

		for (; at < roi->slices && roi->cover[at].plane / s->step == group; at++) {
			last = roi->cover[at].plane;
			largest = roi->cover[at].pixels > largest ? roi->cover[at].pixels : largest;
		}
		/* steps that follow each other touch; so do images, if none is missing */
		if (at < roi->slices && roi->cover[at].plane == last + 1)
			last = (group + 1) * s->step - 1;
		edges(s, first, last < s->set->plane_count ? last : s->set->plane_count - 1, &x0,
		      &x1);
		unsigned h = PLOT_HEIGHT - 3 - (unsigned)lround(25.0 * largest / most);
		if (previous != UINT32_MAX && previous + 1 == first && x0 <= end) {
			if (h != height)
				buf_fmt(b, "V%u", h);
		} else {
			buf_fmt(b, "%sM%u %uV%u", previous != UINT32_MAX ? "V32z" : "", x0,
				PLOT_HEIGHT, h);
		}
		buf_fmt(b, "H%u", x1);
		height = h;
		end = x1;
		previous = last;
	}
	buf_str(b, "V32z\"/>");
}

static void gap_path(struct buf *b, const struct scale *s, const struct report_roi *roi)
{
	struct report_gap gap;
	uint32_t at = 0;

	for (uint32_t n = 0; n < s->marks && report_next_gap(roi, &at, &gap); n++) {
		unsigned x0, x1;

		edges(s, gap.from, gap.to - 1, &x0, &x1);
		if (x1 < x0 + 4)
			x1 = x0 + 4;
		buf_str(b, n == 0 ? "<path class=\"gap\" d=\"" : "");
		buf_fmt(b, "M%u 26H%uV32H%uz", x0, x1, x0);
	}
	if (roi->slices > 1 && (at = 0, report_next_gap(roi, &at, &gap)))
		buf_str(b, "\"/>");
}

static void slice_range(struct buf *b, const char *between, uint32_t from, uint32_t to)
{
	if (to == from + 1)
		buf_fmt(b, "%s%u", between, from + 1);
	else
		buf_fmt(b, "%s%u&ndash;%u", between, from + 1, to);
}

/* "slices 34-61, 2 gaps: 45, 50-52" */
static void where(struct buf *b, const struct report_roi *roi)
{
	uint32_t last = roi->cover[roi->slices - 1].plane;
	uint32_t gaps = 0;
	struct report_gap gap;

	for (uint32_t at = 0; report_next_gap(roi, &at, &gap);)
		gaps++;
	buf_str(b, last == roi->cover[0].plane ? "slice" : "slices");
	slice_range(b, " ", roi->cover[0].plane, last + 1);
	if (gaps == 0)
		return;
	buf_fmt(b, ",<br> %u gap%s:", gaps, report_plural(gaps));
	uint32_t n = 0;
	for (uint32_t at = 0; n < GAPS_NAMED && report_next_gap(roi, &at, &gap); n++)
		slice_range(b, n == 0 ? " " : ", ", gap.from, gap.to);
	if (gaps > n)
		buf_fmt(b, " and %u more", gaps - n);
}

static void axis(struct buf *b, const struct scale *s)
{
	static const char *const anchors[] = {"start", "middle", "middle", "middle", "end"};
	const char *ends = s->set->axis[2];

	buf_str(b, "<li><span class=\"soft small\">Name</span><svg class=\"axis\" "
		   "aria-hidden=\"true\">");
	for (unsigned i = 0; i < 5; i++) {
		buf_fmt(b, "<text x=\"%u%%\" y=\"14\" text-anchor=\"%s\">", i * 25, anchors[i]);
		if (s->by_index) {
			buf_fmt(b, "%u", 1 + i * (s->set->plane_count - 1) / 4);
		} else {
			long mm = lround(s->low_mm + s->span_mm * i / 4);

			if (i == 0 || i == 4)
				buf_fmt(b, "%c ", i == 0 ? ends[0] : ends[2]);
			buf_fmt(b, "%s%ld%s", mm < 0 ? "&minus;" : "", labs(mm),
				i == 4 ? " mm" : "");
		}
		buf_str(b, "</text>");
	}
	buf_str(b, "</svg><span class=\"soft small\">Slices</span></li>\n");
}

static void cover_item(struct buf *b, const struct scale *s, const struct report_roi *roi)
{
	buf_str(b, "<li>");
	roi_name(b, roi);
	buf_fmt(b,
		"<svg class=\"plot\" viewBox=\"0 0 1000 %u\" preserveAspectRatio=\"none\" "
		"aria-hidden=\"true\">",
		PLOT_HEIGHT);
	track(b, s);
	area_path(b, s, roi);
	gap_path(b, s, roi);
	buf_str(b, "</svg><span class=\"where\">");
	where(b, roi);
	buf_str(b, "</span></li>\n");
}

static void coverage(struct buf *b, const struct report_set *set, uint32_t number)
{
	uint32_t painted = 0;

	for (uint32_t i = 0; i < set->roi_count; i++)
		painted += set->rois[i].slices > 0;
	buf_fmt(b, "<h3 id=\"cover%u\">Coverage</h3>\n", number);
	if (painted == 0 || set->plane_count == 0) {
		buf_str(b, "<p class=\"soft\">No ROI covers a pixel.</p>\n");
		return;
	}

	struct scale s = scale_of(set, painted);
	buf_fmt(b,
		"<p class=\"soft small\">Along the axis of the %u "
		"slices; the height is the area on each, relative to the largest one of that ROI. "
		"Marks at the foot: slices in between that have nothing of it.</p>\n<ul "
		"role=\"list\" class=\"cover\" aria-labelledby=\"cover%u\">\n",
		set->plane_count, number);
	axis(b, &s);
	for (uint32_t i = 0; i < set->roi_count; i++)
		if (set->rois[i].slices > 0)
			cover_item(b, &s, &set->rois[i]);
	buf_str(b, "</ul>\n");
}

/* ---- the contact sheet ---- */

static bool covers(const struct report_roi *roi, uint32_t plane)
{
	uint32_t low = 0, high = roi->slices;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (roi->cover[middle].plane < plane)
			low = middle + 1;
		else
			high = middle;
	}
	return low < roi->slices && roi->cover[low].plane == plane;
}

/* " with BODY, GTV and 3 more"; returns how many. */
static uint32_t tile_names(struct buf *b, const struct report_set *set, uint32_t plane)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < set->roi_count; i++) {
		if (!covers(&set->rois[i], plane))
			continue;
		if (n < TILE_NAMES) {
			buf_str(b, n == 0 ? " with " : ", ");
			roi_plain_name(b, &set->rois[i]);
		}
		n++;
	}
	if (n > TILE_NAMES)
		buf_fmt(b, " and %u more", n - TILE_NAMES);
	return n;
}

static void tile(struct buf *b, const struct report_set *set, const struct report_tile *t)
{
	bool placed = t->plane < set->plane_count;

	buf_fmt(b, "<li><figure><img width=\"%u\" height=\"%u\" alt=\"Slice %u of %u", t->cols,
		t->rows, t->plane + 1, set->images);
	uint32_t n = tile_names(b, set, t->plane);
	buf_str(b, "\" src=\"data:image/jpeg;base64,");
	html_base64(b, t->jpeg);
	buf_fmt(b, "\"><figcaption>Slice %u", t->plane + 1);
	if (placed) {
		double mm = set->planes[t->plane].along_mm;

		buf_fmt(b, " at %s%.1f&nbsp;mm", mm <= -0.05 ? "&minus;" : "", fabs(mm));
	}
	buf_fmt(b, ", %u ROI%s</figcaption></figure></li>\n", n, report_plural(n));
}

static void sheet(struct buf *b, const struct report_set *set, uint32_t number)
{
	buf_fmt(b, "<h3 id=\"sheet%u\">Contact sheet</h3>\n", number);
	if (set->tile_count == 0) {
		buf_str(b, "<p class=\"soft\">No pictures: ");
		html_str(b, set->no_tiles != NULL ? set->no_tiles : "none were made");
		buf_str(b, ".</p>\n");
		return;
	}
	buf_str(b, "<p class=\"soft small\">Up to 24 slices, evenly from those with contours. Each "
		   "ROI is outlined in its colour; what is painted is tinted, but for the "
		   "body.</p>\n");
	buf_fmt(b, "<ul role=\"list\" class=\"sheet\" aria-labelledby=\"sheet%u\">\n", number);
	for (uint32_t i = 0; i < set->tile_count; i++)
		tile(b, set, &set->tiles[i]);
	buf_str(b, "</ul>\n");
}

/* ---- all of it ---- */

static void series(struct buf *b, const struct report_set *set)
{
	buf_str(b, "<dl class=\"pairs\">\n<dt>SOP Instance</dt><dd>");
	report_html_uid(b, &set->sop_instance);
	buf_str(b, "</dd>\n");
	if (set->failed == NULL) {
		buf_str(b, "<dt>Image series</dt><dd>");
		report_html_uid(b, &set->image_series);
		buf_fmt(b, "<br><span class=\"soft\">%u ", set->images);
		html_str(b, set->modality);
		buf_fmt(b, " image%s; ", report_plural(set->images));
		html_str(b, set->series_why);
		buf_str(b, "</span></dd>\n<dt>Overlay series</dt><dd>");
		report_html_uid(b, &set->overlay_series);
		buf_fmt(b, "<br><span class=\"soft\">%u image%s: Addition&#47;", set->images,
			report_plural(set->images));
		html_str(b, set->file_names);
		buf_str(b, "</span></dd>\n");
	}
	buf_str(b, "</dl>\n");
}

void report_html_set(const struct report *r, uint32_t index, struct buf *b)
{
	const struct report_set *set = &r->sets[index];
	uint32_t number = index + 1;

	buf_fmt(b, "<section aria-labelledby=\"set%u\">\n<h2 id=\"set%u\">Structure set", number,
		number);
	if (r->set_count > 1)
		buf_fmt(b, " %u of %u", number, r->set_count);
	buf_str(b, "</h2>\n");
	if (set->failed != NULL) {
		buf_str(b, "<p class=\"verdict bad\"><strong>Not painted:</strong> ");
		html_str(b, set->failed);
		buf_str(b, "</p>\n");
	}
	series(b, set);
	remarks(b, set, number);
	rois(b, set, number);
	if (set->failed == NULL) {
		coverage(b, set, number);
		sheet(b, set, number);
	}
	buf_str(b, "</section>\n");
}
