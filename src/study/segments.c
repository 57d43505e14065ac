#include "study/segments.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "rt/paint.h"
#include "rt/planes.h"
#include "series/segment.h"

#define ALL_ROIS "all ROIs"

/* One ROI on one image, with at least one pixel. */
struct spot {
	uint32_t roi, plane;
	uint32_t group; /* among those of the plane */
};

/* What will be one file. */
struct object {
	uint32_t first, count; /* in chosen[] */
	unsigned size;         /* the how many-eth size of images */
};

/* What a worker process has to tell. */
struct shared {
	struct pool_shared pool;
	struct verify_hit hit;
	_Atomic uint32_t text_lossy; /* objects */
};

enum stage { STAGE_MAKE, STAGE_WRITE };

struct maker {
	struct products *p;
	struct structset told; /* the structure set as it may be told */
	struct roi_codes codes;
	struct painter painter;
	struct segment *rois;         /* of each ROI */
	struct segment_plane *planes; /* those with a place in space */
	uint32_t plane_count;
	double slice_spacing_mm;
	struct spot *spots; /* by ROI, then by plane */
	uint32_t spot_count;
	bool overlap;

	struct spot *chosen; /* the same spots, by object */
	struct object *objects;
	uint32_t object_count;

	/* of the object at hand */
	const struct object *at;
	struct segment_frame *frames;
	struct segment *segments;

	/* for worker processes, shared */
	struct shared *shared;
};

static enum err no_memory(struct fault *f)
{
	return fault_set(f, ERR_NOMEM, "the segmentations do not fit in memory", FAULT_NO_OFFSET);
}

/* ---- texts ---- */

const char *segments_description(const char *template, struct bytes name, struct arena *a)
{
	struct buf b = BUF_INIT(8192);
	const char *text = NULL;

	for (const char *t = template; *t != '\0'; t++) {
		if (t[0] == '{' && t[1] == '}') {
			buf_add(&b, name);
			t++;
		} else {
			buf_char(&b, *t);
			t += (t[0] == '{' || t[0] == '}') && t[1] == t[0];
		}
	}
	if (!b.failed)
		text = arena_strdup(a, buf_bytes(&b));
	buf_free(&b);
	return text;
}

/* ROI Generation Algorithm; one that is not told claims the least. */
static const char *algorithm(const struct roi *roi)
{
	if (bytes_eq_str(roi->algorithm, "AUTOMATIC"))
		return "AUTOMATIC";
	return bytes_eq_str(roi->algorithm, "SEMIAUTOMATIC") ? "SEMIAUTOMATIC" : "MANUAL";
}

static bool is_combined(const struct maker *m)
{
	return m->p->job->options->segments.kind == STUDY_SEGMENTS_COMBINED;
}

/* ---- UIDs ---- */

/* Of (image series, structure set, `what`). */
static struct uid derive_uid(const struct maker *m, const char *purpose, const char *what)
{
	const struct overlay_series *s = m->p->job->series;
	struct bytes parts[] = {
		dset_text(m->p->image.dset, NULL, TAG_SeriesInstanceUID),
		bytes_str(s->set_instance.text),
		bytes_str(what),
	};

	return uid_derive(s->uid_key, purpose, parts, 3);
}

/* ... of an object: "3" of a ROI, "all"; "3/1" where there are images of another size. */
static struct uid derive_object_uid(const struct maker *m, const char *purpose,
				    const struct object *o)
{
	char roi[16], key[48];

	snprintf(roi, sizeof(roi), "%u", m->chosen[o->first].roi);
	snprintf(key, sizeof(key), o->size > 0 ? "%s/%u" : "%s", is_combined(m) ? "all" : roi,
		 o->size);
	return derive_uid(m, purpose, key);
}

/* ---- what is the same for all objects ---- */

static enum err read_set(struct maker *m, struct fault *f)
{
	const struct structset *set = m->p->job->plan->set;

	m->told = *set;
	if (m->p->job->options->gate == NULL)
		return OK;
	enum err e = structset_read(&m->told, m->p->set.source, &m->p->arena, f);
	if (e == OK && m->told.roi_count != set->roi_count)
		e = fault_set(f, ERR_UNUSABLE, "de-identification changed the number of ROIs",
			      FAULT_NO_OFFSET);
	return e;
}

static void give_codes(const struct maker *m, const struct roi *told, struct segment *s)
{
	struct roi_coded c = roi_codes_find(m->p->job->options->segments.codes, &m->codes, s->label,
					    told->interpreted_type);

	s->category = c.category;
	s->type = c.type;
	s->side = c.side;
	/* what the structure set says itself is worth more than a guess by its name */
	if (told->code_value.len > 0 && told->code_scheme.len > 0 && told->code_meaning.len > 0) {
		s->type = (struct roi_code){.value = told->code_value,
					    .scheme = told->code_scheme,
					    .meaning = told->code_meaning};
		s->side = ROI_SIDE_NONE;
	}
}

static enum err describe_rois(struct maker *m, struct fault *f)
{
	struct arena *a = &m->p->arena;
	const struct structset *set = m->p->job->plan->set;

	m->rois = ARENA_NEW(a, struct segment, set->roi_count);
	if (m->rois == NULL)
		return no_memory(f);
	for (uint32_t i = 0; i < set->roi_count; i++) {
		const struct roi *roi = &set->rois[i];
		const struct roi *told = &m->told.rois[i];
		struct segment *s = &m->rois[i];
		char number[16];

		snprintf(number, sizeof(number), "%u", i);
		*s = (struct segment){.label = roi_label(roi, a),
				      .description = roi_description(told, a),
				      .algorithm = algorithm(told),
				      .tracking = derive_uid(m, "segmentation-tracking", number)};
		memcpy(s->color, m->p->job->looks[i].color, sizeof(s->color));
		if (s->label.at == NULL || s->description.at == NULL)
			return no_memory(f);
		give_codes(m, told, s);
	}
	return OK;
}

/* The way from slice to slice, where it is the same everywhere; else 0. */
static double even_spacing(const struct rt_plan *plan)
{
	double least = 0, most = 0, sum = 0;
	uint32_t count = 0;

	for (uint32_t k = 1; k < plan->placed_count; k++) {
		double step = plan->planes[k].along_mm - plan->planes[k - 1].along_mm;

		if (step <= PLANES_SAME_MM)
			continue;
		least = count == 0 || step < least ? step : least;
		most = step > most ? step : most;
		sum += step;
		count++;
	}
	if (count == 0 || most - least > PLANES_SAME_MM)
		return 0;
	return round(sum / count * 1e5) / 1e5;
}

static enum err place_planes(struct maker *m, struct fault *f)
{
	const struct rt_plan *plan = m->p->job->plan;
	uint32_t position = 0;

	m->plane_count = plan->placed_count;
	m->planes = ARENA_NEW(&m->p->arena, struct segment_plane, m->plane_count);
	if (m->planes == NULL)
		return no_memory(f);
	for (uint32_t k = 0; k < m->plane_count; k++) {
		const struct rt_image *image = &plan->planes[k];
		struct segment_plane *s = &m->planes[k];

		position += k > 0 && image->along_mm - image[-1].along_mm > PLANES_SAME_MM;
		*s = (struct segment_plane){.sop_class = image->sop_class,
					    .instance = m->p->job->rows[k].derived,
					    .row_spacing_pm = image->row_spacing_pm,
					    .col_spacing_pm = image->col_spacing_pm,
					    .thickness_pm = image->thickness_pm,
					    .position = position};
		memcpy(s->position_pm, image->position_pm, sizeof(s->position_pm));
		memcpy(s->row_dir, image->row_dir, sizeof(s->row_dir));
		memcpy(s->col_dir, image->col_dir, sizeof(s->col_dir));
	}
	m->slice_spacing_mm = even_spacing(plan);
	return OK;
}

/* Which ROI has pixels where: by ROI, then by plane. */
static enum err find_spots(struct maker *m, struct fault *f)
{
	const struct slice_job *job = m->p->job;
	const struct rt_plan *plan = m->p->job->plan;
	uint32_t *next = ARENA_NEW(&m->p->arena, uint32_t, (size_t)plan->set->roi_count + 1);

	if (next == NULL)
		return no_memory(f);
	for (uint32_t k = 0; k < plan->placed_count; k++) {
		m->overlap = m->overlap || job->rows[k].overlap;
		for (uint32_t i = 0; i < rt_plane_roi_count(plan, k); i++)
			if (job->areas[job->first[k] + i].pixels > 0)
				next[rt_plane_roi(plan, k, i) + 1]++;
	}
	for (uint32_t i = 0; i < plan->set->roi_count; i++)
		next[i + 1] += next[i];
	m->spot_count = next[plan->set->roi_count];
	m->spots = ARENA_NEW(&m->p->arena, struct spot, m->spot_count);
	m->chosen = ARENA_NEW(&m->p->arena, struct spot, m->spot_count);
	m->objects = ARENA_NEW(&m->p->arena, struct object, m->spot_count);
	m->frames = ARENA_NEW(&m->p->arena, struct segment_frame, m->spot_count);
	m->segments = ARENA_NEW(&m->p->arena, struct segment, plan->set->roi_count);
	if (m->spots == NULL || m->chosen == NULL || m->objects == NULL || m->frames == NULL ||
	    m->segments == NULL)
		return no_memory(f);
	for (uint32_t k = 0; k < plan->placed_count; k++) {
		for (uint32_t i = 0; i < rt_plane_roi_count(plan, k); i++) {
			uint32_t roi = rt_plane_roi(plan, k, i);

			if (job->areas[job->first[k] + i].pixels > 0)
				m->spots[next[roi]++] =
					(struct spot){.roi = roi, .plane = k, .group = i};
		}
	}
	return OK;
}

/* An object for each size of images among spots [from, to). */
static void choose_sizes(struct maker *m, uint32_t from, uint32_t to)
{
	const struct rt_image *planes = m->p->job->plan->planes;
	uint32_t taken = from;

	for (unsigned size = 0; taken < to; size++) {
		struct object *o = &m->objects[m->object_count++];
		const struct rt_image *first = NULL;

		*o = (struct object){.first = taken, .size = size};
		for (uint32_t i = from; i < to; i++) {
			struct spot *s = &m->spots[i];
			const struct rt_image *image = &planes[s->plane];

			if (s->group == UINT32_MAX)
				continue;
			first = first == NULL ? image : first;
			if (image->rows != first->rows || image->cols != first->cols)
				continue;
			m->chosen[taken++] = *s;
			o->count++;
			s->group = UINT32_MAX; /* it has its object */
		}
	}
}

static void choose_objects(struct maker *m)
{
	bool combined = is_combined(m);

	for (uint32_t from = 0, to; from < m->spot_count; from = to) {
		uint32_t roi = m->spots[from].roi;

		for (to = from; to < m->spot_count && (combined || m->spots[to].roi == roi);)
			to++;
		choose_sizes(m, from, to);
	}
}

/* ---- one object ---- */

static enum err paint(void *ctx, uint32_t index, struct mask *mask, struct fault *f)
{
	struct maker *m = ctx;
	const struct spot *s = &m->chosen[m->at->first + index];

	return rt_paint_roi(&m->painter, s->plane, s->group, mask, f);
}

/* Frames and segments of what was chosen. */
static void number_segments(struct maker *m, struct segment_object *o)
{
	const struct spot *s = &m->chosen[m->at->first];

	o->segment_count = 0;
	for (uint32_t i = 0; i < m->at->count; i++) {
		if (i == 0 || s[i].roi != s[i - 1].roi)
			m->segments[o->segment_count++] = m->rois[s[i].roi];
		m->frames[i] = (struct segment_frame){.segment = o->segment_count - 1,
						      .plane = s[i].plane};
	}
	o->segments = m->segments;
	o->frames = m->frames;
	o->frame_count = m->at->count;
}

static enum err write_file(struct maker *m, const struct segment_object *o, enum stage *stage,
			   struct fault *f)
{
	struct products *p = m->p;
	struct segment_result result;
	char name[OUTPUT_NAME_MAX];
	int fd;

	output_name(OUTPUT_SEGMENTATION, &o->sop_instance, "", name);
	*stage = STAGE_WRITE;
	enum err e = output_create(p->job->staging->folder[OUTPUT_SEGMENTATION], name, &fd, f);
	if (e == OK)
		e = output_close(fd, segment_write(fd, o, p->image.dset, &p->arena, &result, f), f);
	if (e != OK)
		return e;
	atomic_fetch_add(&m->shared->text_lossy, result.text_lossy);
	*stage = STAGE_MAKE;
	e = products_verify(p, OUTPUT_SEGMENTATION, name, f);
	if (e == ERR_UNUSABLE && p->hit.form != NULL)
		m->shared->hit = p->hit; /* the first one stops all: pool_fail */
	return e;
}

static enum err make_object(struct maker *m, const struct object *at, enum stage *stage,
			    struct fault *f)
{
	struct products *p = m->p;
	const struct study_segments *s = &p->job->options->segments;
	const struct overlay_series *series = p->job->series;
	const struct spot *first = &m->chosen[at->first];
	const struct rt_image *image = &p->job->plan->planes[first->plane];
	struct bytes name = is_combined(m) ? BYTES_LIT(ALL_ROIS) : m->rois[first->roi].label;
	size_t mark = arena_mark(&p->arena);
	struct segment_object o = {
		.sop_instance = derive_object_uid(m, "segmentation-instance", at),
		.series = derive_object_uid(m, "segmentation-series", at),
		.dimensions = derive_object_uid(m, "segmentation-dimensions", at),
		.frame = shield_uid(p->job->options->gate, TAG_FrameOfReferenceUID,
				    &p->job->plan->set->frame),
		.image_series = series->series,
		.set_class = series->set_class,
		.set_instance = series->set_instance,
		.uid_key = series->uid_key,
		.series_number = s->series_number,
		.instance_number = 1,
		.series_description = segments_description(s->description, name, &p->arena),
		.study_id = series->study_id,
		.algorithm_name = s->algorithm_name,
		.algorithm_version = s->algorithm_version,
		.tracking_id = s->tracking_id,
		.now = p->image.now,
		.software_version = p->job->options->version,
		.cols = image->cols,
		.rows = image->rows,
		.slice_spacing_mm = m->slice_spacing_mm,
		.overlap = m->overlap ? SEGMENT_OVERLAP_YES : SEGMENT_OVERLAP_NO,
		.planes = m->planes,
		.plane_count = m->plane_count,
		.paint = paint,
		.ctx = m,
	};
	if (o.series_description == NULL)
		return no_memory(f);
	m->at = at;
	number_segments(m, &o);
	enum err e = write_file(m, &o, stage, f);
	arena_reset(&p->arena, mark);
	return e;
}

/* ---- all of them ---- */

/* In a worker process. */
static void work(struct pool *pool, void *ctx)
{
	struct maker *m = ctx;
	enum stage stage = STAGE_MAKE;
	struct fault f = {.code = OK};
	uint32_t i = UINT32_MAX;
	enum err e = painter_open(&m->painter, m->p->job->plan, &f);

	while (e == OK && pool_next(pool, &i)) {
		e = make_object(m, &m->objects[i], &stage, &f);
		if (e == OK)
			pool_finished(pool);
	}
	if (e != OK)
		pool_fail(pool, &f, stage, i);
}

static enum err make_all(struct maker *m, struct fault *f)
{
	struct products *p = m->p;
	struct pool pool = {.count = m->object_count,
			    .workers = p->job->options->workers,
			    .ctx = m,
			    .work = work};

	if (m->object_count == 0)
		return OK;
	m->shared = pool_memory(sizeof(*m->shared));
	if (m->shared == NULL)
		return fault_io(f, "cannot share memory between processes");
	pool.shared = &m->shared->pool;
	p->ended = pool_run(&pool);
	p->kind = OUTPUT_SEGMENTATION;
	p->writing = p->ended.end == POOL_FAILED && pool.shared->stage == STAGE_WRITE;
	p->hit = m->shared->hit;
	p->text_lossy += m->shared->text_lossy;
	enum err e = OK;
	if (p->ended.end == POOL_FAILED) {
		*f = pool.shared->fault;
		e = f->code;
	} else if (p->ended.end != POOL_DONE) {
		e = fault_set(f, ERR_UNUSABLE, "a worker process ended early", FAULT_NO_OFFSET);
	}
	munmap(m->shared, sizeof(*m->shared));
	for (uint32_t i = 0; e == OK && i < m->object_count; i++) {
		struct uid instance = derive_object_uid(m, "segmentation-instance", &m->objects[i]);

		p->made(p->ctx, &instance);
	}
	return e;
}

enum err segments_write(struct products *p, struct fault *f)
{
	struct maker m = {.p = p};
	enum err e = roi_codes_builtin(&m.codes, &p->arena, f);

	if (e == OK)
		e = read_set(&m, f);
	if (e == OK)
		e = describe_rois(&m, f);
	if (e == OK)
		e = place_planes(&m, f);
	if (e == OK)
		e = find_spots(&m, f);
	if (e != OK)
		return e;
	choose_objects(&m);
	return make_all(&m, f);
}
