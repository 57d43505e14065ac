#include "study/products.h"

#include <assert.h>
#include <fcntl.h>

#include "base/limits.h"
#include "study/segments.h"
#include "study/structure_set.h"

/* ---- objects as they may be told ---- */

static enum err told_open(struct told *t, const struct products *p, const char *path,
			  const struct part10 *open, struct arena *a, struct fault *f)
{
	const struct anon_gate *gate = p->job->options->gate;
	enum err e = OK;

	if (path != NULL) {
		e = part10_open(&t->file, AT_FDCWD, path, f);
		open = &t->file;
	}
	if (e != OK)
		return e;
	assert(open != NULL);
	if (gate != NULL) {
		t->shielded = true;
		t->source = &t->shield.source;
		t->dset = &t->shield.dset;
		return shield_open(&t->shield, gate, open, &p->job->options->now, a, f);
	}
	t->source = open;
	t->dset = &t->index;
	return dset_index(&t->index, open->data, open->syntax, 0, a, f);
}

static void told_close(struct told *t)
{
	if (t->shielded)
		shield_close(&t->shield);
	part10_close(&t->file);
}

enum err products_verify(struct products *p, enum output_kind kind, const char *name,
			 struct fault *f)
{
	const struct told *sources[] = {&p->set, &p->image};
	int folder = p->job->staging->folder[kind];

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		struct verify_hit hit = {.form = NULL};

		if (!sources[i]->shielded)
			continue;
		enum err e = shield_verify(&sources[i]->shield, folder, name, &hit, f);
		if (e == ERR_UNUSABLE)
			p->hit = hit;
		if (e != OK)
			return e;
	}
	return OK;
}

/* ---- the products ---- */

struct wall products_now(const struct products *p)
{
	return p->image.shielded ? p->image.shield.now : p->job->options->now;
}

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
	const struct rt_image *first = &p->job->plan->planes[0];
	bool set =
		p->job->options->gate != NULL || p->job->options->structure_set != STUDY_SET_NONE;
	enum err e = OK;

	if (set) /* else nothing but its contours is wanted, and those are in the plan */
		e = told_open(&p->set, p, NULL, p->set_file, &p->arena, f);
	if (e == OK)
		e = told_open(&p->image, p, p->job->paths[first->source], NULL, &p->arena, f);
	return e;
}

enum err products_make(struct products *p, struct fault *f)
{
	bool set = p->job->options->structure_set != STUDY_SET_NONE;
	bool segments = p->job->options->segments.kind != STUDY_SEGMENTS_NONE;

	if (!set && !segments)
		return OK;
	p->set = p->image = (struct told){.file = PART10_NONE};
	p->doing = "cannot begin with segmentations and structure set";
	enum err e = arena_open(&p->arena, LIMIT_ARENA_STUDY, f);
	if (e != OK)
		return e;
	e = open_sources(p, f);
	if (e == OK && set)
		e = make_structure_set(p, f);
	if (e == OK && segments)
		e = make_segmentations(p, f);
	told_close(&p->image);
	told_close(&p->set);
	arena_close(&p->arena);
	return e;
}
