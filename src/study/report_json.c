/*
 * report.json, and the line of --json: the same facts as the text, under keys that stay.
 */
#include "study/report.h"

#include <stdio.h>
#include <string.h>

static void key(struct buf *b, const char *indent, const char *name)
{
	buf_str(b, indent);
	buf_json(b, bytes_str(name));
	buf_str(b, ": ");
}

static void text(struct buf *b, const char *indent, const char *name, const char *value)
{
	key(b, indent, name);
	if (value == NULL)
		buf_str(b, "null");
	else
		buf_json(b, bytes_str(value));
	buf_str(b, ",\n");
}

static void number(struct buf *b, const char *indent, const char *name, uint64_t value)
{
	key(b, indent, name);
	buf_fmt(b, "%llu,\n", (unsigned long long)value);
}

static void seconds(struct buf *b, const char *indent, const char *name, uint64_t us)
{
	key(b, indent, name);
	buf_fmt(b, "%llu.%06llu,\n", (unsigned long long)(us / 1000000),
		(unsigned long long)(us % 1000000));
}

/* The last member of an object has no comma. */
static void drop_comma(struct buf *b)
{
	if (!b->failed && b->len >= 2 && b->at[b->len - 2] == ',') {
		b->len -= 2;
		buf_char(b, '\n');
	}
}

static void counts(struct buf *b, const char *name, const char *what,
		   const struct report_count *list, uint32_t count)
{
	key(b, "    ", name);
	buf_char(b, '[');
	for (uint32_t i = 0; i < count; i++) {
		buf_fmt(b, "%s{\"%s\": ", i == 0 ? "" : ", ", what);
		buf_json(b, bytes_str(list[i].text));
		buf_fmt(b, ", \"count\": %u}", list[i].count);
	}
	buf_str(b, "],\n");
}

static void reasons(struct buf *b, const struct report_set *set, uint32_t roi)
{
	bool first = true;

	buf_str(b, "          \"notes\": [");
	for (uint32_t i = 0; i < set->note_count; i++) {
		const struct report_note *n = &set->notes[i];

		if (n->roi != roi)
			continue;
		buf_fmt(b, "%s{\"note\": \"%s\", \"count\": %u, \"loss\": %s", first ? "" : ", ",
			n->word, n->count, n->loss ? "true" : "false");
		if (n->worst_mm > 0)
			buf_fmt(b, ", \"worst_mm\": %.6g", n->worst_mm);
		buf_char(b, '}');
		first = false;
	}
	buf_str(b, "]\n");
}

static void actions_json(struct buf *b, const struct anon_counts *c)
{
	bool first = true;

	buf_char(b, '{');
	for (unsigned i = 0; i < ACT_COUNT; i++) {
		if (c->by_act[i] == 0)
			continue;
		buf_fmt(b, "%s\"%s\": %u", first ? "" : ", ", anon_act_words[i], c->by_act[i]);
		first = false;
	}
	buf_fmt(b, "%s\"private_removed\": %u, \"text_cleaned\": %u}", first ? "" : ", ",
		c->private_removed, c->text_cleaned);
}

/* What was done to each image: elements by what became of them. */
static void instances_json(struct buf *b, const struct report_set *set)
{
	if (set->instance_count == 0)
		return;
	buf_str(b, "      \"deidentified\": [\n");
	for (uint32_t i = 0; i < set->instance_count; i++) {
		const struct report_instance *r = &set->instances[i];

		buf_fmt(b, "        {\"source\": \"%s\", \"instance\": \"%s\", \"actions\": ",
			r->source.text, r->derived.text);
		actions_json(b, &r->counts);
		buf_str(b, i + 1 < set->instance_count ? "},\n" : "}\n");
	}
	buf_str(b, "      ],\n");
}

static void deid_json(struct buf *b, const struct report_deid *d)
{
	if (d == NULL)
		return;
	buf_str(b, "  \"deidentification\": {\n");
	text(b, "    ", "profile", d->profile);
	text(b, "    ", "policy", d->policy);
	text(b, "    ", "key", d->key);
	buf_str(b, "    \"codes\": [");
	for (unsigned i = 0; d->codes[i] != NULL; i++)
		buf_fmt(b, "%s\"%s\"", i == 0 ? "" : ", ", d->codes[i]);
	buf_str(b, "]\n  },\n");
}

/* Where it lies; slices are counted from 1, as everywhere for people. */
static void place_json(struct buf *b, const char *indent, const struct report_roi *r)
{
	struct report_gap gap;
	bool first = true;

	if (r->slices == 0) {
		buf_fmt(b,
			"%s\"first_slice\": null,\n%s\"last_slice\": null,\n%s\"gaps\": [],\n"
			"%s\"extent_mm\": null,\n",
			indent, indent, indent, indent);
		return;
	}
	number(b, indent, "first_slice", r->cover[0].plane + UINT64_C(1));
	number(b, indent, "last_slice", r->cover[r->slices - 1].plane + UINT64_C(1));
	key(b, indent, "gaps");
	buf_char(b, '[');
	for (uint32_t at = 0; report_next_gap(r, &at, &gap); first = false)
		buf_fmt(b, "%s[%u, %u]", first ? "" : ", ", gap.from + 1, gap.to);
	buf_fmt(b, "],\n%s\"extent_mm\": [%.3f, %.3f, ", indent, r->high_mm[0] - r->low_mm[0],
		r->high_mm[1] - r->low_mm[1]);
	if (r->has_volume)
		buf_fmt(b, "%.3f],\n", r->high_mm[2] - r->low_mm[2]);
	else
		buf_str(b, "null],\n");
}

static void roi_json(struct buf *b, const struct report_set *set, uint32_t index)
{
	static const char indent[] = "          ";
	const struct report_roi *r = &set->rois[index];

	buf_fmt(b, "        {\n%s\"number\": %lld,\n", indent, (long long)r->number);
	key(b, indent, "name");
	buf_json(b, r->name);
	buf_str(b, ",\n");
	key(b, indent, "type");
	buf_json(b, r->type);
	buf_str(b, ",\n");
	key(b, indent, "generation_algorithm");
	buf_json(b, r->algorithm);
	buf_str(b, ",\n");
	if (r->has_color)
		buf_fmt(b, "%s\"color\": [%u, %u, %u],\n", indent, r->color[0], r->color[1],
			r->color[2]);
	else
		buf_fmt(b, "%s\"color\": null,\n", indent);
	buf_fmt(b, "%s\"selected\": %s,\n", indent, r->selected ? "true" : "false");
	number(b, indent, "contours_used", r->contours_used);
	number(b, indent, "contours_unused", r->contours_unused);
	number(b, indent, "points", r->points);
	number(b, indent, "slices", r->slices);
	number(b, indent, "area_px", r->area_px);
	buf_fmt(b, "%s\"area_mm2\": %.3f,\n", indent, r->area_mm2);
	if (r->has_volume)
		buf_fmt(b,
			"%s\"volume_ml\": %.6f,\n%s\"volume_by_contours_ml\": %.6f,\n"
			"%s\"volumes_differ\": %s,\n",
			indent, r->volume_ml, indent, r->contours_ml, indent,
			report_volumes_differ(r) ? "true" : "false");
	else
		buf_fmt(b,
			"%s\"volume_ml\": null,\n%s\"volume_by_contours_ml\": null,\n"
			"%s\"volumes_differ\": null,\n",
			indent, indent, indent);
	place_json(b, indent, r);
	number(b, indent, "images_without_free_group", r->no_plane);
	reasons(b, set, index);
	buf_str(b, "        }");
}

static void warnings_json(struct buf *b, const struct report_set *set)
{
	struct report_warning w;
	bool first = true;

	buf_str(b, "      \"warnings\": [");
	for (uint32_t at = 0; report_next_warning(set, &at, &w);) {
		struct buf line = BUF_INIT(REPORT_MAX);

		report_warning_text(set, &w, &line);
		buf_fmt(b,
			"%s\n        {\"note\": \"%s\", \"loss\": %s, \"count\": %u, \"rois\": %u",
			first ? "" : ",", w.word, w.loss ? "true" : "false", w.count, w.rois);
		if (w.worst_mm > 0)
			buf_fmt(b, ", \"worst_mm\": %.6g", w.worst_mm);
		buf_str(b, ", \"text\": ");
		buf_json(b, buf_bytes(&line));
		buf_char(b, '}');
		b->failed |= line.failed;
		buf_free(&line);
		first = false;
	}
	buf_str(b, first ? "],\n" : "\n      ],\n");
}

static void set_json(struct buf *b, const struct report_set *set)
{
	static const char indent[] = "      ";

	buf_str(b, "    {\n");
	text(b, indent, "sop_instance_uid", set->sop_instance.text);
	text(b, indent, "failed", set->failed);
	if (set->failed == NULL) {
		text(b, indent, "image_series_uid", set->image_series.text);
		text(b, indent, "modality", set->modality);
		text(b, indent, "series_found_by", set->series_why);
		text(b, indent, "overlay_series_uid", set->overlay_series.text);
		text(b, indent, "files", set->file_names);
	}
	number(b, indent, "images_written", set->images);
	if (set->plane_count > 0)
		buf_fmt(b, "%s\"axes\": [\"%s\", \"%s\", \"%s\"],\n", indent, set->axis[0],
			set->axis[1], set->axis[2]);
	buf_str(b, "      \"rois\": [\n");
	for (uint32_t i = 0; i < set->roi_count; i++) {
		roi_json(b, set, i);
		buf_str(b, i + 1 < set->roi_count ? ",\n" : "\n");
	}
	buf_str(b, "      ],\n");
	warnings_json(b, set);
	instances_json(b, set);
	seconds(b, indent, "seconds_read", set->read_us);
	seconds(b, indent, "seconds_plan", set->plan_us);
	seconds(b, indent, "seconds_paint_and_write", set->paint_us);
	drop_comma(b);
	buf_str(b, "    }");
}

static void input_json(struct buf *b, const struct report *r)
{
	static const char indent[] = "    ";

	buf_str(b, "  \"input\": {\n");
	number(b, indent, "images", r->images);
	number(b, indent, "series", r->series);
	number(b, indent, "structure_sets", r->set_count);
	number(b, indent, "duplicates", r->duplicates);
	number(b, indent, "overlay_images_of_earlier_runs", r->derived);
	counts(b, "other_objects", "sop_class", r->others, r->other_count);
	drop_comma(b);
	buf_str(b, "  },\n  \"run\": {\n");
	number(b, indent, "files", r->run_files);
	number(b, indent, "studies", r->run_studies);
	number(b, indent, "not_dicom", r->run_not_dicom);
	number(b, indent, "dicomdir", r->run_dicomdirs);
	number(b, indent, "not_files", r->run_not_files);
	counts(b, "bad_files", "reason", r->problems, r->problem_count);
	drop_comma(b);
	buf_str(b, "  },\n");
}

static void outputs_json(struct buf *b, const struct report *r)
{
	buf_str(b, "  \"files\": {");
	for (unsigned k = 0, n = 0; k < OUTPUT_KINDS; k++)
		if (r->made[k] > 0)
			buf_fmt(b, "%s\"%s\": %u", n++ == 0 ? "" : ", ", output_places[k].folder,
				r->made[k]);
	buf_str(b, "},\n");
}

void report_json(const struct report *r, struct buf *b)
{
	char when[20];
	struct report_totals t = report_totals(r);

	wall_iso(&r->when, 'T', when);
	buf_str(b, "{\n");
	text(b, "  ", "netrt", r->version);
	text(b, "  ", "study", r->study.text);
	text(b, "  ", "created", when);
	buf_str(b, "  \"configuration\": {\n");
	text(b, "    ", "file", r->config_file);
	text(b, "    ", "sha256", r->config_sha256);
	text(b, "    ", "overlay_planes", r->planes);
	text(b, "    ", "edge_rule", r->edge);
	text(b, "    ", "nested_contours", r->nested);
	drop_comma(b);
	buf_str(b, "  },\n");
	deid_json(b, r->deid);
	input_json(b, r);
	buf_str(b, "  \"structure_sets\": [\n");
	for (uint32_t i = 0; i < r->set_count; i++) {
		set_json(b, &r->sets[i]);
		buf_str(b, i + 1 < r->set_count ? ",\n" : "\n");
	}
	buf_str(b, "  ],\n");
	outputs_json(b, r);
	number(b, "  ", "images_written", t.images);
	number(b, "  ", "warnings", t.warnings);
	number(b, "  ", "workers", r->workers);
	seconds(b, "  ", "seconds", r->total_us);
	drop_comma(b);
	buf_str(b, "}\n");
}

void report_summary_json(const struct uid *study, enum report_status status, const char *reason,
			 const struct report *r, const char *output, struct buf *b)
{
	static const char *const words[] = {"ok", "failed", "skipped"};
	struct report_totals t = {0};
	uint64_t us = 0;

	if (r != NULL) {
		t = report_totals(r);
		us = r->total_us;
		if (status != REPORT_OK)
			t.images = 0; /* what was written is removed */
	}
	buf_fmt(b, "{\"study\": \"%s\", \"status\": \"%s\", \"reason\": ", study->text,
		words[status]);
	if (reason == NULL)
		buf_str(b, "null");
	else
		buf_json(b, bytes_str(reason));
	buf_fmt(b,
		", \"structure_sets\": %u, \"images_written\": %u, \"rois_used\": %u, "
		"\"rois_unused\": %u, \"warnings\": %u, \"output\": ",
		t.sets, t.images, t.rois_used, t.rois_unused, t.warnings);
	if (output == NULL)
		buf_str(b, "null");
	else
		buf_json(b, bytes_str(output));
	buf_fmt(b, ", \"seconds\": %llu.%06llu}\n", (unsigned long long)(us / 1000000),
		(unsigned long long)(us % 1000000));
}
