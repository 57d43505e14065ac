#include "study/structure_set.h"

#include <assert.h>

#include "series/parts.h"
#include "series/relink.h"

static enum err no_memory(struct fault *f)
{
	return fault_set(f, ERR_NOMEM, "the structure set does not fit in memory", FAULT_NO_OFFSET);
}

static enum err write_original(struct products *p, int fd, struct fault *f)
{
	const struct part10 *src = p->set.source;
	struct part10_out o = {
		.sop_instance = p->job->series->set_instance,
		.transfer_syntax = src->syntax_uid,
		.syntax = src->syntax,
		.views = &src->data,
		.view_count = 1,
		.source_fd = -1,
	};

	if (!uid_set(&o.sop_class, dset_text(p->set.dset, NULL, TAG_SOPClassUID)))
		o.sop_class = p->job->series->set_class;
	return part10_write(fd, &o, f);
}

static enum err list_images(struct products *p, struct relink *o, struct fault *f)
{
	const struct rt_plan *plan = p->job->plan;
	struct relink_image *images = ARENA_NEW(&p->arena, struct relink_image, plan->plane_count);

	if (images == NULL)
		return no_memory(f);
	for (uint32_t k = 0; k < plan->plane_count; k++) {
		const struct slice_row *row = &p->job->rows[k];

		images[k] = (struct relink_image){
			.sop_class = plan->planes[k].sop_class,
			.source = row->instance,
			.overlay = row->derived,
		};
	}
	o->images = images;
	o->image_count = plan->plane_count;
	return OK;
}

/* Where each contour was painted: planes of one position are neighbours. */
static enum err list_places(struct products *p, struct relink *o, struct fault *f)
{
	const struct rt_plan *plan = p->job->plan;
	const struct structset *set = plan->set;
	struct relink_place *places = ARENA_NEW(&p->arena, struct relink_place, set->contour_count);

	if (places == NULL)
		return no_memory(f);
	for (uint32_t k = 0; k < plan->plane_count; k++) {
		for (uint32_t i = plan->first[k]; i < plan->first[k + 1]; i++) {
			uint32_t ordinal = set->contours[plan->order[i]].ordinal;
			struct relink_place *place = &places[ordinal];

			assert(ordinal < set->contour_count);
			if (place->count == 0)
				place->first = k;
			place->count = k - place->first + 1;
		}
	}
	o->places = places;
	o->place_count = set->contour_count;
	return OK;
}

static struct uid derive_uid(const struct products *p, const char *purpose)
{
	const struct overlay_series *s = p->job->series;

	return parts_uid(s->uid_key, purpose, dset_text(p->image.dset, NULL, TAG_SeriesInstanceUID),
			 &s->set_instance);
}

static enum err write_relinked(struct products *p, const struct uid *instance, int fd,
			       struct fault *f)
{
	const struct overlay_series *series = p->job->series;
	struct relink_result result;
	struct relink o = {
		.sop_instance = *instance,
		.series = derive_uid(p, "relinked-series"),
		.overlay_series = series->series,
		.series_number = series->series_number,
		.series_description = series->series_description,
		.study_id = series->study_id,
		.now = p->image.now,
		.software_version = p->job->options->version,
	};
	const struct dset *image = p->image.dset;

	(void)uid_set(&o.source_series, dset_text(image, NULL, TAG_SeriesInstanceUID));
	(void)uid_set(&o.frame, dset_text(image, NULL, TAG_FrameOfReferenceUID));
	(void)uid_set(&o.study, dset_text(image, NULL, TAG_StudyInstanceUID));
	enum err e = list_images(p, &o, f);
	if (e == OK)
		e = list_places(p, &o, f);
	if (e == OK)
		e = relink_write(fd, &o, p->set.dset, &p->arena, &result, f);
	if (e == OK)
		p->text_lossy += result.text_lossy;
	return e;
}

enum err structure_set_write(struct products *p, struct fault *f)
{
	bool relinked = p->job->options->structure_set == STUDY_SET_RELINKED;
	struct uid instance =
		relinked ? derive_uid(p, "relinked-instance") : p->job->series->set_instance;
	char name[OUTPUT_NAME_MAX];
	int fd;

	output_name(OUTPUT_STRUCTURE_SET, &instance, "", name);
	p->kind = OUTPUT_STRUCTURE_SET;
	p->writing = true;
	enum err e = output_create(p->job->staging->folder[OUTPUT_STRUCTURE_SET], name, &fd, f);
	if (e == OK)
		e = output_close(fd,
				 relinked ? write_relinked(p, &instance, fd, f)
					  : write_original(p, fd, f),
				 f);
	if (e != OK)
		return e;
	p->writing = false;
	e = products_verify(p, OUTPUT_STRUCTURE_SET, name, f);
	if (e == OK)
		p->made(p->ctx, &instance);
	return e;
}
