/*
 * What all forms of a report share: warnings summed up over ROIs, gaps, and totals.
 */
#include "study/report.h"

#include <math.h>

bool report_next_gap(const struct report_roi *roi, uint32_t *at, struct report_gap *out)
{
	while (*at + 1 < roi->slices) {
		const struct report_cover *c = &roi->cover[(*at)++];

		if (c[1].plane != c[0].plane + 1) {
			*out = (struct report_gap){c[0].plane + 1, c[1].plane};
			return true;
		}
	}
	return false;
}

bool report_volumes_differ(const struct report_roi *roi)
{
	double a = roi->volume_ml, b = roi->contours_ml;

	return roi->has_volume && fabs(a - b) > (a > b ? a : b) * REPORT_VOLUME_PERCENT / 100;
}

bool report_next_warning(const struct report_set *set, uint32_t *at, struct report_warning *out)
{
	if (*at >= set->note_count)
		return false;

	const struct report_note *first = &set->notes[*at];
	*out = (struct report_warning){.word = first->word,
				       .text = first->text,
				       .loss = first->loss,
				       .asked = first->asked,
				       .of_roi = first->of_roi,
				       .first_note = *at};
	while (*at < set->note_count && set->notes[*at].kind == first->kind) {
		const struct report_note *n = &set->notes[*at];

		out->count += n->count;
		out->rois += n->roi != REPORT_NO_ROI;
		if (n->worst_mm > out->worst_mm)
			out->worst_mm = n->worst_mm;
		(*at)++;
	}
	return true;
}

/* The names of the ROIs that a warning is about, or the first of them. */
static void list_rois(const struct report_set *set, const struct report_warning *w, struct buf *out)
{
	enum { NAMED = 5 };

	for (uint32_t i = 0; i < w->rois && i < NAMED; i++) {
		const struct report_roi *roi = &set->rois[set->notes[w->first_note + i].roi];

		buf_str(out, i == 0 ? "" : ", ");
		if (roi->name.len > 0)
			buf_escaped(out, roi->name);
		else
			buf_fmt(out, "number %lld", (long long)roi->number);
	}
	if (w->rois > NAMED)
		buf_fmt(out, ", +%u more", w->rois - NAMED);
}

void report_warning_text(const struct report_set *set, const struct report_warning *w,
			 struct buf *out)
{
	if (w->of_roi)
		buf_str(out, w->rois == 1 ? "ROI " : "ROIs ");
	buf_str(out, w->text);
	if (w->of_roi) {
		buf_str(out, ": ");
		list_rois(set, w, out);
	} else if (w->rois > 0) {
		buf_fmt(out, ": %u in %u ROI%s (", w->count, w->rois, w->rois == 1 ? "" : "s");
		list_rois(set, w, out);
		buf_char(out, ')');
	} else if (w->count > 0) {
		buf_fmt(out, ": %u", w->count);
	}
	if (w->worst_mm > 0)
		buf_fmt(out, ", up to %.3g mm", w->worst_mm);
}

struct report_totals report_totals(const struct report *r)
{
	struct report_totals t = {.sets = r->set_count};

	for (uint32_t i = 0; i < r->set_count; i++) {
		const struct report_set *set = &r->sets[i];
		struct report_warning w;

		t.images += set->images;
		t.read_us += set->read_us;
		t.plan_us += set->plan_us;
		t.paint_us += set->paint_us;
		t.sets_failed += set->failed != NULL;
		t.warnings += set->failed != NULL;
		t.losses += set->failed != NULL;
		for (uint32_t k = 0; k < set->roi_count; k++) {
			if (set->rois[k].contours_used > 0)
				t.rois_used++;
			else
				t.rois_unused++;
		}
		for (uint32_t at = 0; report_next_warning(set, &at, &w);) {
			t.warnings += !w.asked;
			t.losses += w.loss && !w.asked;
		}
	}
	return t;
}

const char *report_plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}
