#include "study/inspect.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/part10.h"
#include "study/references.h"

static enum err no_memory(struct fault *f)
{
	return fault_set(f, ERR_NOMEM, "no memory to look at the study", FAULT_NO_OFFSET);
}

static enum err add_ref(struct inspect_refs *r, const struct uid *uid, struct fault *f)
{
	if (r->count > 0 && uid_eq(&r->item[r->count - 1], uid))
		return OK; /* contours of one plane come together */
	if (r->count == r->room) {
		uint32_t room = r->room == 0 ? 256 : r->room * 2;
		struct uid *grown =
			room > LIMIT_CONTOURS * 2 ? NULL : realloc(r->item, room * sizeof(*grown));

		if (grown == NULL)
			return no_memory(f);
		r->item = grown;
		r->room = room;
	}
	r->item[r->count++] = *uid;
	return OK;
}

enum err inspect_references(struct inspect_refs *out, struct bytes data,
			    const struct syntax *syntax, struct fault *f)
{
	static struct visit v; /* large, and one at a time */
	struct bytes value;
	struct uid uid;
	enum err e;

	visit_open(&v, data, syntax);
	while ((e = references_next(&v, &value, f)) == OK) {
		if (uid_set(&uid, value))
			e = add_ref(out, &uid, f);
		if (e != OK)
			return e;
	}
	return e == ERR_MORE ? OK : e;
}

/* ---- the sets against the images ---- */

static int by_uid(const void *a, const void *b)
{
	return strcmp(((const struct uid *)a)->text, ((const struct uid *)b)->text);
}

/* One structure set of the scan.  A broken one refers to nothing: *unknown. */
static enum err collect(struct inspect_refs *refs, const char *path, bool *unknown, struct fault *f)
{
	struct part10 p = PART10_NONE;
	struct fault why;
	uint32_t before = refs->count;
	enum err e = part10_open(&p, AT_FDCWD, path, &why);

	if (e == OK)
		e = inspect_references(refs, p.data, p.syntax, &why);
	part10_close(&p);
	if (e != OK || refs->count == before)
		*unknown = true;
	if (e == ERR_NOMEM)
		return no_memory(f);
	return OK;
}

static enum err compare(struct inspect *out, const struct scan_study *s, struct inspect_refs *refs,
			struct fault *f)
{
	struct uid *there = malloc((size_t)s->image_count * sizeof(*there));

	if (there == NULL)
		return no_memory(f);
	for (uint32_t i = 0; i < s->image_count; i++)
		there[i] = s->images[i].sop_instance;
	qsort(there, s->image_count, sizeof(*there), by_uid);
	if (refs->count > 1)
		qsort(refs->item, refs->count, sizeof(*refs->item), by_uid);
	for (uint32_t i = 0; i < refs->count; i++) {
		if (i > 0 && uid_eq(&refs->item[i], &refs->item[i - 1]))
			continue;
		out->referenced++;
		out->missing += bsearch(&refs->item[i], there, s->image_count, sizeof(*there),
					by_uid) == NULL;
	}
	free(there);
	return OK;
}

static enum err judge(struct inspect *out, const struct scan_study *s, struct fault *f)
{
	struct inspect_refs refs = {.item = NULL};
	bool unknown = false;
	enum err e = OK;

	out->images = s->image_count;
	out->sets = s->set_count;
	if (s->set_count == 0)
		return OK;
	out->verdict = INSPECT_NO_IMAGES;
	if (s->image_count == 0)
		return OK;
	for (uint32_t i = 0; i < s->set_count && e == OK; i++)
		e = collect(&refs, s->sets[i].path, &unknown, f);
	if (e == OK)
		e = compare(out, s, &refs, f);
	free(refs.item);
	if (e == OK)
		out->verdict =
			out->missing == 0 && !unknown ? INSPECT_COMPLETE : INSPECT_INCOMPLETE;
	return e;
}

static enum err scan_and_judge(struct inspect *out, const struct study_files *files,
			       const struct uid *uid, struct fault *f)
{
	static struct scan scan; /* big, and only one a process */
	const char **paths = malloc(files->count * sizeof(*paths) + 1);
	enum err e;

	if (paths == NULL)
		return no_memory(f);
	e = scan_open(&scan, f);
	if (e == OK) {
		for (uint32_t i = 0; i < files->count; i++)
			paths[i] = files->item[i].path;
		e = scan_run(&scan, paths, files->count, -1, f);
	}
	out->verdict = INSPECT_NO_SET;
	for (const struct scan_study *s = scan.studies; s != NULL && e == OK; s = s->next)
		if (uid_eq(&s->uid, uid))
			e = judge(out, s, f);
	scan_close(&scan);
	free(paths);
	return e;
}

static int by_path(const void *a, const void *b)
{
	const struct journal_seen *const *x = a, *const *y = b;

	return strcmp((*x)->kind, (*y)->kind);
}

const struct journal_seen **inspect_seen(const struct study_files *files,
					 const struct journal_state *state)
{
	const struct journal_seen **seen = calloc(files->count + 1u, sizeof(const void *));
	const struct journal_seen **sorted = calloc(state->seen_count + 1u, sizeof(const void *));

	if (seen == NULL || sorted == NULL) {
		free(seen);
		free(sorted);
		return NULL;
	}
	for (uint32_t i = 0; i < state->seen_count; i++)
		sorted[i] = &state->seen[i];
	qsort(sorted, state->seen_count, sizeof(const void *), by_path);
	for (uint32_t i = 0, k = 0; i < files->count; i++) { /* both are in order of path */
		const struct study_file *file = &files->item[i];

		while (k < state->seen_count && strcmp(sorted[k]->kind, file->path) < 0)
			k++;
		if (k < state->seen_count && strcmp(sorted[k]->kind, file->path) == 0 &&
		    sorted[k]->size == file->size && sorted[k]->mtime_ns == file->mtime_ns)
			seen[i] = sorted[k];
	}
	free(sorted);
	return seen;
}

static enum err compare_round(struct inspect *out, const struct study_files *files,
			      const struct journal_state *state, struct fault *f)
{
	const struct journal_seen **seen = inspect_seen(files, state);

	if (seen == NULL)
		return no_memory(f);
	out->processed = true;
	for (uint32_t i = 0; i < files->count; i++) {
		int64_t ctime_ns = files->item[i].ctime_ns;

		if (seen[i] != NULL)
			continue;
		if (out->processed || ctime_ns < out->oldest_ns)
			out->oldest_ns = ctime_ns;
		out->processed = false;
	}
	free(seen);
	return OK;
}

enum err inspect_study(struct inspect *out, struct journal_state *state, int study,
		       const struct study_files *files, const struct uid *uid, struct arena *a,
		       struct fault *f)
{
	*out = (struct inspect){.files = files->count,
				.bytes = files->bytes,
				.newest_ns = files->newest_ns,
				.oldest_ns = files->oldest_ns,
				.strange = files->strange,
				.verdict = INSPECT_NO_SET};
	enum err e = journal_read(state, study, a, f);
	if (e == OK && state->processed)
		e = compare_round(out, files, state, f);
	if (e == OK && !out->processed && files->count > 0)
		e = scan_and_judge(out, files, uid, f);
	return e;
}
