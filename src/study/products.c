#include "study/products.h"

#include <fcntl.h>

#include "base/limits.h"
#include "study/segments.h"
#include "study/structure_set.h"

enum err products_verify(struct products *p, enum output_kind kind, const char *name,
			 struct fault *f)
{
	const struct shield *sources[] = {&p->set, &p->image};
	int folder = p->job->staging->folder[kind];

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		struct verify_hit hit = {.form = NULL};
		enum err e = shield_verify(sources[i], folder, name, &hit, f);

		if (e == ERR_UNUSABLE)
			p->hit = hit;
		if (e != OK)
			return e;
	}
	return OK;
}

/* ---- the products ---- */

static enum err make_structure_set(struct products *p, struct fault *f)
{
	p->doing = "cannot write the structure set";
	return structure_set_write(p, f);
}

static enum err make_segmentations(struct products *p, struct fault *f)
{
	p->doing = "cannot write segmentations";
	return segments_write(p, f);
}

static enum err open_sources(struct products *p, struct fault *f)
{
	const struct study_options *o = p->job->options;
	const struct rt_image *first = &p->job->plan->planes[0];
	enum err e = part10_open(&p->image_file, AT_FDCWD, p->job->paths[first->source], f);

	if (e == OK)
		e = shield_open(&p->image, o->gate, &p->image_file, NULL, &o->now, &p->arena, f);
	/* else nothing but its contours is wanted, and those are in the plan */
	if (e == OK && (o->gate != NULL || o->structure_set != STUDY_SET_NONE))
		e = shield_open(&p->set, o->gate, p->set_file, NULL, &o->now, &p->arena, f);
	return e;
}

enum err products_make(struct products *p, struct fault *f)
{
	bool set = p->job->options->structure_set != STUDY_SET_NONE;
	bool segments = p->job->options->segments.kind != STUDY_SEGMENTS_NONE;

	if (!set && !segments)
		return OK;
	p->set = p->image = SHIELD_NONE;
	p->image_file = PART10_NONE;
	p->doing = "cannot begin with segmentations and structure set";
	enum err e = arena_open(&p->arena, LIMIT_ARENA_STUDY, f);
	if (e != OK)
		return e;
	e = open_sources(p, f);
	if (e == OK && set)
		e = make_structure_set(p, f);
	if (e == OK && segments)
		e = make_segmentations(p, f);
	shield_close(&p->image);
	shield_close(&p->set);
	part10_close(&p->image_file);
	arena_close(&p->arena);
	return e;
}
