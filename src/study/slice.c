#include "study/slice.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "study/tile.h"

struct worker {
	const struct slice_job *job;
	struct painter painter;
	struct arena arena; /* reset for every image */
	enum slice_stage stage;
};

/* The image at hand. */
struct slice {
	uint32_t plane;
	const struct rt_image *image;
	struct part10 source;
	struct dset dset;
	struct shield told;      /* what is derived from */
	struct mask merged, one; /* `one` is painted on and thrown away */
	struct mask tint; /* all but the body, for the contact sheet; .bits NULL: not wanted */
	struct mask own[LIMIT_OVERLAY_PLANES]; /* planes per ROI */
	struct overlay_plane planes[1 + LIMIT_OVERLAY_PLANES];
	uint32_t roi_of_plane[1 + LIMIT_OVERLAY_PLANES]; /* index, or RT_NO_ROI for the merged */
	size_t plane_count;
	struct bytes *names; /* of the merged ROIs */
	uint32_t name_count;
};

/* ---- shared memory ---- */

static size_t round_up(size_t n)
{
	return (n + 63) / 64 * 64;
}

/* Whose structure set it is. */
static enum err read_patient(struct slice_job *job, struct arena *a, struct fault *f)
{
	const struct part10 *p = job->set_file;
	struct dset d;
	enum err e = dset_index(&d, p->data, p->syntax, TAG_IssuerOfPatientID + 1, a, f);

	if (e == OK) {
		job->patient_id = dset_text(&d, NULL, TAG_PatientID);
		job->issuer = dset_text(&d, NULL, TAG_IssuerOfPatientID);
	}
	return e;
}

enum err slice_job_open(struct slice_job *job, struct arena *a, struct fault *f)
{
	const struct rt_plan *plan = job->plan;
	uint32_t *first = ARENA_NEW(a, uint32_t, (size_t)plan->plane_count + 1);
	const struct roi_look *looks = roi_looks(plan->set, a);
	enum err e = read_patient(job, a, f);

	if (e != OK)
		return e;
	if (first == NULL || looks == NULL)
		return fault_set(f, ERR_NOMEM, "the study does not fit in memory", FAULT_NO_OFFSET);
	for (uint32_t k = 0; k < plan->plane_count; k++)
		first[k + 1] = first[k] + rt_plane_roi_count(plan, k);

	size_t rows_at = round_up(sizeof(struct pool_shared));
	size_t rois_at = rows_at + round_up(plan->plane_count * sizeof(struct slice_row));
	size_t hit_at = rois_at + round_up(plan->set->roi_count * sizeof(struct slice_roi));
	size_t areas_at = hit_at + round_up(sizeof(struct verify_hit));
	size_t size = areas_at + round_up(first[plan->plane_count] * sizeof(struct slice_area));
	uint8_t *base = pool_memory(size);
	if (base == NULL)
		return fault_io(f, "cannot share memory between processes");
	job->first = first;
	job->looks = looks;
	job->shared = (struct pool_shared *)(void *)base;
	job->rows = (struct slice_row *)(void *)(base + rows_at);
	job->rois = (struct slice_roi *)(void *)(base + rois_at);
	job->hit = (struct verify_hit *)(void *)(base + hit_at);
	job->areas = (struct slice_area *)(void *)(base + areas_at);
	job->shared_size = size;
	return OK;
}

void slice_job_close(struct slice_job *job)
{
	if (job->shared != NULL)
		munmap(job->shared, job->shared_size);
	job->shared = NULL;
}

/* ---- reading ---- */

static enum err no_memory(struct fault *f)
{
	return fault_set(f, ERR_NOMEM, "the image does not fit in memory", FAULT_NO_OFFSET);
}

static enum err open_source(struct worker *w, struct slice *c, struct fault *f)
{
	const char *path = w->job->paths[c->image->source];
	uint16_t rows, cols;
	enum err e = part10_open(&c->source, AT_FDCWD, path, f);

	if (e == OK)
		e = dset_index(&c->dset, c->source.data, c->source.syntax, 0, &w->arena, f);
	if (e != OK)
		return e;
	/* the plan was made from an earlier look at this file */
	if (!dset_u16(&c->dset, NULL, TAG_Rows, 0, &rows) ||
	    !dset_u16(&c->dset, NULL, TAG_Columns, 0, &cols) || rows != c->image->rows ||
	    cols != c->image->cols ||
	    !bytes_eq_str(dset_text(&c->dset, NULL, TAG_SOPInstanceUID),
			  c->image->sop_instance.text))
		return fault_set(f, ERR_UNUSABLE, "the file changed while it was being processed",
				 FAULT_NO_OFFSET);
	return OK;
}

/* ---- painting ---- */

static enum err new_mask(struct worker *w, const struct rt_image *image, struct mask *m,
			 struct fault *f)
{
	uint64_t *bits = ARENA_NEW(&w->arena, uint64_t, mask_words(image->cols, image->rows));

	if (bits == NULL)
		return no_memory(f);
	mask_init(m, image->cols, image->rows, bits);
	return OK;
}

static void count_notes(const struct slice_job *job, uint32_t roi, const struct region_notes *n)
{
	const uint32_t counts[SLICE_NOTES] = {
		[SLICE_OVERLAP] = n->overlaps,      [SLICE_DUPLICATE] = n->duplicates,
		[SLICE_MIXED] = n->mixed_types,     [SLICE_OUTSIDE] = n->outside,
		[SLICE_EMPTY] = n->empty,           [SLICE_CLIPPED] = n->clipped,
		[SLICE_UNRESOLVED] = n->unresolved,
	};

	for (unsigned i = 0; i < SLICE_NOTES; i++)
		if (counts[i] > 0)
			atomic_fetch_add(&job->rois[roi].notes[i], counts[i]);
}

static void set_statistics(const struct slice_job *job, struct slice *c,
			   const struct pixels *pixels, struct overlay_plane *p)
{
	if (pixels != NULL)
		p->has_stats = pixels_stats(pixels, p->mask, &p->stats);
	else
		job->rows[c->plane].no_statistics = true;
}

/* The ROI painted last, in own[], becomes a plane of its own, if there is room for it. */
static enum err add_own_plane(struct worker *w, struct slice *c, uint32_t roi, uint32_t area,
			      const struct pixels *pixels, struct fault *f)
{
	const struct roi *r = &w->job->plan->set->rois[roi];
	struct overlay_plane *p = &c->planes[c->plane_count];

	*p = (struct overlay_plane){.mask = &c->own[c->plane_count],
				    .area = area,
				    .label = roi_label(r, &w->arena),
				    .description = roi_description(r, &w->arena)};
	if (p->label.at == NULL || p->description.at == NULL)
		return no_memory(f);
	set_statistics(w->job, c, pixels, p);
	c->roi_of_plane[c->plane_count++] = roi;
	return OK;
}

/* What the painter has just painted, measured. */
static void measure(const struct mask *m, const struct region_notes *n, struct slice_area *out)
{
	uint32_t col0, row0, col1, row1;

	*out = (struct slice_area){.contours_q16 = n->area_q16};
	if (!mask_extent(m, &col0, &row0, &col1, &row1))
		return;
	out->pixels = (uint32_t)mask_count(m); /* 65535 squared fits */
	out->col0 = (uint16_t)col0;
	out->row0 = (uint16_t)row0;
	out->col1 = (uint16_t)col1;
	out->row1 = (uint16_t)row1;
}

/* Paint the i-th ROI of the plane: into the merged mask, and where wanted into one of its own. */
static enum err paint_one(struct worker *w, struct slice *c, uint32_t i,
			  const struct pixels *pixels, struct fault *f)
{
	const struct slice_job *job = w->job;
	uint32_t roi = rt_plane_roi(job->plan, c->plane, i);
	bool wanted = job->options->planes != STUDY_PLANES_MERGED;
	bool own = wanted && c->plane_count < LIMIT_OVERLAY_PLANES;
	struct mask *m = &c->one;
	enum err e = OK;

	if (own) {
		m = &c->own[c->plane_count];
		if (m->bits == NULL)
			e = new_mask(w, c->image, m, f);
	}
	if (e == OK)
		e = rt_paint_roi(&w->painter, c->plane, i, m, f);
	if (e != OK)
		return e;
	count_notes(job, roi, &w->painter.notes);

	struct slice_area *area = &job->areas[job->first[c->plane] + i];
	measure(m, &w->painter.notes, area);
	if (area->pixels == 0)
		return OK;
	job->rows[c->plane].overlap |= mask_overlap(&c->merged, m);
	mask_or(&c->merged, m);
	if (c->tint.bits != NULL && !roi_is_body(&job->plan->set->rois[roi]))
		mask_or(&c->tint, m);
	c->names[c->name_count++] = job->plan->set->rois[roi].name;
	if (own)
		return add_own_plane(w, c, roi, area->pixels, pixels, f);
	if (wanted)
		atomic_fetch_add(&job->rois[roi].no_plane, 1);
	return OK;
}

/* "3 of 30 ROIs merged: GTV, CTV, PTV"; overlay_write cuts it. */
static struct bytes describe_merged(struct worker *w, const struct slice *c)
{
	struct buf b = BUF_INIT(4096);
	struct bytes text;

	buf_fmt(&b, "%u of %u ROIs", c->name_count, w->job->plan->set->roi_count);
	for (uint32_t i = 0; i < c->name_count && b.len < OVERLAY_LABEL_MAX * 4; i++) {
		buf_str(&b, i == 0 ? " merged: " : ", ");
		buf_add(&b, c->names[i]);
	}
	text = b.failed ? BYTES_NONE : arena_copy(&w->arena, buf_bytes(&b));
	buf_free(&b);
	return text;
}

/* The merged plane goes first: it is what there is room for, whatever the source has. */
static enum err add_merged_plane(struct worker *w, struct slice *c, struct fault *f)
{
	char label[OVERLAY_LABEL_MAX + 1];
	struct overlay_plane p = {.mask = &c->merged, .area = mask_count(&c->merged)};

	overlay_label(c->names, c->name_count, label);
	p.label = c->name_count == 0 ? BYTES_LIT("No ROI on this image")
				     : arena_copy(&w->arena, bytes_str(label));
	p.description = describe_merged(w, c);
	if (p.label.at == NULL || p.description.at == NULL)
		return no_memory(f);
	memmove(c->planes + 1, c->planes, c->plane_count * sizeof(*c->planes));
	memmove(c->roi_of_plane + 1, c->roi_of_plane, c->plane_count * sizeof(*c->roi_of_plane));
	c->planes[0] = p;
	c->roi_of_plane[0] = RT_NO_ROI;
	c->plane_count++;
	return OK;
}

static enum err paint(struct worker *w, struct slice *c, const struct pixels *pixels,
		      struct fault *f)
{
	uint32_t count = rt_plane_roi_count(w->job->plan, c->plane);
	enum err e = OK;

	if ((uint64_t)c->image->rows * c->image->cols > LIMIT_IMAGE_PIXELS)
		return fault_set(f, ERR_LIMIT, "the image has more than 268 million pixels",
				 FAULT_NO_OFFSET);
	c->names = ARENA_NEW(&w->arena, struct bytes, count);
	if (c->names == NULL)
		return no_memory(f);
	e = new_mask(w, c->image, &c->merged, f);
	if (e == OK && count > 0)
		e = new_mask(w, c->image, &c->one, f);
	if (e == OK && w->job->sheet != NULL && sheet_tile(w->job->sheet, c->plane) != UINT32_MAX)
		e = new_mask(w, c->image, &c->tint, f);
	for (uint32_t i = 0; i < count && e == OK; i++)
		e = paint_one(w, c, i, pixels, f);
	if (e == OK && (w->job->options->planes != STUDY_PLANES_PER_ROI || c->plane_count == 0))
		e = add_merged_plane(w, c, f);
	return e;
}

static enum err paint_and_measure(struct worker *w, struct slice *c, struct fault *f)
{
	struct pixels pixels = PIXELS_NONE;
	bool wanted = w->job->options->planes != STUDY_PLANES_MERGED &&
		      rt_plane_roi_count(w->job->plan, c->plane) > 0;
	bool readable = wanted && pixels_open(&pixels, &c->source, &c->dset, NULL) == OK;
	enum err e = paint(w, c, readable ? &pixels : NULL, f);

	pixels_free(&pixels);
	return e;
}

/* ---- writing ---- */

/* The planes that found no free overlay group are the last ones. */
static void note_result(const struct slice_job *job, const struct slice *c,
			const struct overlay_result *r)
{
	struct slice_row *row = &job->rows[c->plane];

	row->instance = c->told.instance;
	row->counts = c->told.counts;
	row->derived = r->sop_instance;
	row->planes_written = (uint16_t)r->planes_written;
	row->planes_existing = (uint16_t)r->planes_existing;
	row->embedded_overlay = r->embedded_overlay;
	row->text_lossy = r->text_lossy;
	row->not_burned = r->not_burned;
	row->decoded = r->decoded;
	row->burn_in_cut = r->burn_in_cut;
	row->walk_notes = (uint16_t)c->dset.notes;
	row->other_patient =
		!bytes_eq(dset_text(&c->dset, NULL, TAG_PatientID), job->patient_id) ||
		!bytes_eq(dset_text(&c->dset, NULL, TAG_IssuerOfPatientID), job->issuer);
	for (size_t i = r->planes_written; i < c->plane_count; i++)
		if (c->roi_of_plane[i] != RT_NO_ROI)
			atomic_fetch_add(&job->rois[c->roi_of_plane[i]].no_plane, 1);
}

/* What is written must hold nothing of its source that the policy does not keep. */
static enum err verify_output(struct worker *w, const struct slice *c, enum output_kind kind,
			      const char *name, struct fault *f)
{
	struct verify_hit hit;

	w->stage = SLICE_VERIFY;
	enum err e = shield_verify(&c->told, w->job->staging->folder[kind], name, &hit, f);
	if (e == ERR_UNUSABLE)
		*w->job->hit = hit; /* the first one stops all: pool_fail */
	return e;
}

static struct burnin_options burn_in_of(const struct study_burn_in *o)
{
	static const enum text_corner corners[] = {
		[STUDY_BOTTOM_RIGHT] = TEXT_BOTTOM_RIGHT,
		[STUDY_BOTTOM_LEFT] = TEXT_BOTTOM_LEFT,
		[STUDY_TOP_RIGHT] = TEXT_TOP_RIGHT,
		[STUDY_TOP_LEFT] = TEXT_TOP_LEFT,
	};

	return (struct burnin_options){.text = bytes_str(o->on ? o->text : ""),
				       .corner = corners[o->corner],
				       .as_overlay = o->as_overlay,
				       .strict = o->strict};
}

static enum err write_image(struct worker *w, const struct slice *c, struct fault *f)
{
	const struct slice_job *job = w->job;
	struct overlay_series series = *job->series;
	char name[OUTPUT_NAME_MAX];
	struct overlay_result result = {.planes_written = 0};
	struct burnin_options burn_in = burn_in_of(&job->options->burn_in);
	int fd;

	series.now = c->told.now;
	series.pixels_decoded = c->told.pixels_decoded;
	series.pixels_cleaned = c->told.pixels_cleaned;
	if (job->options->burn_in.on)
		series.burn_in = &burn_in;
	output_name(OUTPUT_OVERLAY, &c->told.instance, job->suffix, name);
	enum err e = output_create(job->staging->folder[OUTPUT_OVERLAY], name, &fd, f);
	if (e != OK)
		return e;
	e = overlay_write(fd, &series, c->told.source, c->told.dset, c->planes, c->plane_count,
			  &w->arena, &result, f);
	e = output_close(fd, e, f);
	if (e == OK)
		e = verify_output(w, c, OUTPUT_OVERLAY, name, f);
	if (e == OK)
		note_result(job, c, &result);
	return e;
}

/* ---- the debug pictures ---- */

/* One slice as a picture and as a Secondary Capture image. */
static enum err draw_debug(struct worker *w, struct slice *c, struct fault *f)
{
	const struct slice_job *job = w->job;
	const struct debug_job debug = {.options = job->options,
					.plan = job->plan,
					.looks = job->looks,
					.series = job->series,
					.dicom = job->staging->folder[OUTPUT_DEBUG],
					.pictures = job->staging->folder[OUTPUT_PICTURE],
					.suffix = job->suffix};
	struct debug_result result;

	w->stage = SLICE_DEBUG;
	enum err e = debug_write(&debug, &w->painter, c->plane, &c->told, &w->arena, &result, f);
	if (e == OK && !result.made.skipped)
		e = verify_output(w, c, OUTPUT_DEBUG, result.name, f);
	if (e == OK)
		job->rows[c->plane].debug = result.made;
	return e;
}

/* ---- the contact sheet ---- */

static enum err draw_tile(struct worker *w, struct slice *c, struct fault *f)
{
	const struct tile tile = {.plane = c->plane,
				  .source = c->told.source,
				  .dset = c->told.dset,
				  .looks = w->job->looks,
				  .tint = mask_is_empty(&c->tint) ? &c->merged : &c->tint,
				  .one = &c->one};

	return tile_draw(w->job->sheet, &tile, &w->painter, &w->arena, f);
}

/* ---- the worker ---- */

static enum err do_image(struct worker *w, struct slice *c, struct fault *f)
{
	const struct slice_job *job = w->job;
	enum err e;

	w->stage = SLICE_READ;
	e = open_source(w, c, f);
	if (e != OK)
		return e;
	w->stage = SLICE_SHIELD;
	e = shield_open(&c->told, job->options->gate, &c->source, &c->dset, &job->series->now,
			&w->arena, f);
	if (e != OK)
		return e;
	w->stage = SLICE_PAINT;
	e = paint_and_measure(w, c, f);
	if (e != OK)
		return e;
	w->stage = SLICE_WRITE;
	e = write_image(w, c, f);
	if (e == OK && job->options->debug.on)
		e = draw_debug(w, c, f);
	if (e == OK && job->sheet != NULL)
		e = draw_tile(w, c, f);
	return e;
}

void slice_work(struct pool *pool, void *ctx)
{
	const struct slice_job *job = ctx;
	struct worker w = {.job = job, .stage = SLICE_SETUP};
	struct fault f = {.code = OK};
	uint32_t k = UINT32_MAX;
	enum err e = painter_open(&w.painter, job->plan, &f);

	if (e == OK)
		e = arena_open(&w.arena, LIMIT_ARENA_STUDY, &f);
	while (e == OK && pool_next(pool, &k)) {
		struct slice *c = ARENA_NEW(&w.arena, struct slice, 1); /* too big for a stack */

		if (c == NULL) {
			e = no_memory(&f);
			break;
		}
		c->plane = k;
		c->image = &job->plan->planes[k];
		c->source = PART10_NONE;
		e = do_image(&w, c, &f);
		shield_close(&c->told);
		part10_close(&c->source);
		arena_reset(&w.arena, 0);
		if (e == OK)
			pool_finished(pool);
	}
	if (e != OK)
		pool_fail(pool, &f, w.stage, k);
}
