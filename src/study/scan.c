#include "study/scan.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "dicom/part10.h"
#include "rt/structset.h"
#include "series/mark.h"
#include "study/tree.h"

#define SOP_CLASS_MEDIA_DIRECTORY "1.2.840.10008.1.3.10"
#define HEAD_END TAG(0x0028, 0x0200) /* nothing beyond it is asked of an image here */

enum err scan_open(struct scan *s, struct fault *f)
{
	*s = (struct scan){.last = NULL};
	s->last = &s->studies;

	enum err e = arena_open(&s->keep, LIMIT_ARENA_STUDY, f);
	return e != OK ? e : arena_open(&s->scratch, LIMIT_ARENA_STUDY, f);
}

void scan_close(struct scan *s)
{
	for (struct scan_study *t = s->studies; t != NULL; t = t->next) {
		free(t->images);
		free(t->image_paths);
		free(t->sets);
		free(t->others);
	}
	arena_close(&s->keep);
	arena_close(&s->scratch);
	*s = (struct scan){.last = NULL};
}

uint32_t scan_dicom_count(const struct scan *s)
{
	const struct scan_counts *c = &s->counts;

	return c->images + c->sets + c->others + c->dicomdirs + c->duplicates + c->derived;
}

static enum err no_memory(struct fault *f)
{
	return fault_set(f, ERR_NOMEM, "too many files for the memory allowed", FAULT_NO_OFFSET);
}

static enum err add_problem(struct scan *s, const char *path, const struct fault *why,
			    struct fault *f)
{
	s->counts.bad++;
	if (s->problem_count++ >= SCAN_PROBLEMS)
		return OK;

	char *copy = arena_strdup(&s->keep, bytes_str(path));
	if (copy == NULL)
		return no_memory(f);
	s->problems[s->problem_count - 1] = (struct scan_problem){.path = copy, .fault = *why};
	return OK;
}

static enum err add_problem_text(struct scan *s, const char *path, const char *text,
				 struct fault *f)
{
	struct fault why;

	(void)fault_set(&why, ERR_UNUSABLE, text, FAULT_NO_OFFSET);
	return add_problem(s, path, &why, f);
}

/* Room for one more of `size` bytes in a malloc'ed array that doubles. */
static void *one_more(void *array, uint32_t count, uint32_t *room, size_t size)
{
	if (array != NULL && count < *room)
		return array;

	uint32_t wanted = *room == 0 ? 16 : *room * 2;
	void *grown = realloc(array, wanted * size);
	if (grown != NULL)
		*room = wanted;
	return grown;
}

/* FNV-1a, for the buckets. */
static uint32_t hash(const char *text)
{
	uint32_t h = 2166136261u;

	for (; *text != '\0'; text++)
		h = (h ^ (uint8_t)*text) * 16777619u;
	return h;
}

/* The study of this UID, made if it is new; NULL: no memory. */
static struct scan_study *study_of(struct scan *s, const struct uid *uid)
{
	struct scan_study **bucket = &s->bucket[hash(uid->text) % SCAN_BUCKETS];

	for (struct scan_study *t = *bucket; t != NULL; t = t->next_in_bucket)
		if (uid_eq(&t->uid, uid))
			return t;

	struct scan_study *t = ARENA_NEW(&s->keep, struct scan_study, 1);
	if (t == NULL)
		return NULL;
	t->uid = *uid;
	t->next_in_bucket = *bucket;
	*bucket = t;
	*s->last = t;
	s->last = &t->next;
	s->study_count++;
	return t;
}

static enum err add_image(struct scan *s, struct scan_study *t, const struct rt_image *image,
			  const char *path, struct fault *f)
{
	uint32_t room = t->image_room;
	struct rt_image *images =
		one_more(t->images, t->image_count, &t->image_room, sizeof(*images));

	if (images == NULL)
		return no_memory(f);
	t->images = images;

	const char **paths = one_more(t->image_paths, t->image_count, &room, sizeof(*paths));
	if (paths == NULL)
		return no_memory(f);
	t->image_paths = paths;
	paths[t->image_count] = arena_strdup(&s->keep, bytes_str(path));
	if (paths[t->image_count] == NULL)
		return no_memory(f);
	images[t->image_count] = *image;
	images[t->image_count].source = t->image_count;
	t->image_count++;
	s->counts.images++;
	return OK;
}

/* Date and time of a structure set, for order only: whatever digits there are. */
static void read_when(const struct part10 *p, struct arena *scratch, char out[static 32])
{
	struct dset d;

	out[0] = '\0';
	if (dset_index(&d, p->data, p->syntax, TAG(0x3006, 0x0010), scratch, NULL) != OK)
		return;

	char date[16], time[16];
	bytes_to_str(dset_text(&d, NULL, TAG_StructureSetDate), date, sizeof(date));
	bytes_to_str(dset_text(&d, NULL, TAG_StructureSetTime), time, sizeof(time));
	snprintf(out, 32, "%-8.15s%s", date, time);
}

static enum err add_set(struct scan *s, struct scan_study *t, const struct part10 *p,
			const struct dset *d, const char *path, struct fault *f)
{
	struct scan_set *sets = one_more(t->sets, t->set_count, &t->set_room, sizeof(*sets));

	if (sets == NULL)
		return no_memory(f);
	t->sets = sets;

	struct scan_set *set = &sets[t->set_count];
	*set = (struct scan_set){.order = t->set_count};
	if (!uid_set(&set->sop_instance, dset_text(d, NULL, TAG_SOPInstanceUID)))
		return add_problem_text(s, path, "a structure set without a valid SOP Instance UID",
					f);
	set->path = arena_strdup(&s->keep, bytes_str(path));
	if (set->path == NULL)
		return no_memory(f);
	read_when(p, &s->scratch, set->when);
	t->set_count++;
	s->counts.sets++;
	return OK;
}

static enum err add_other(struct scan *s, struct scan_study *t, struct bytes sop_class,
			  struct fault *f)
{
	struct uid uid;
	uint32_t i = 0;

	(void)uid_set(&uid, sop_class);
	s->counts.others++;
	while (i < t->other_count && !uid_eq(&t->others[i].sop_class, &uid))
		i++;
	if (i == SCAN_KINDS)
		i--;
	if (i == t->other_count) {
		struct scan_other *others =
			one_more(t->others, t->other_count, &t->other_room, sizeof(*others));

		if (others == NULL)
			return no_memory(f);
		t->others = others;
		others[t->other_count++] = (struct scan_other){.sop_class = uid};
	}
	t->others[i].count++;
	return OK;
}

/* Rows and Columns, but no picture of the patient that contours could be drawn on. */
static bool is_no_picture(struct bytes sop_class)
{
	static const char *const classes[] = {
		"1.2.840.10008.5.1.4.1.1.481.2", /* RT Dose */
		"1.2.840.10008.5.1.4.1.1.66.4",  /* Segmentation */
		"1.2.840.10008.5.1.4.1.1.66.7",  /* Label Map Segmentation */
		"1.2.840.10008.5.1.4.1.1.30",    /* Parametric Map */
		"1.2.840.10008.5.1.4.1.1.4.2",   /* MR Spectroscopy */
	};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (bytes_eq_str(sop_class, classes[i]))
			return true;
	return false;
}

/* One element of the file meta information; empty when absent. */
static struct bytes meta_text(const struct part10 *p, uint32_t tag, struct arena *scratch)
{
	struct dset meta;

	if (p->meta.len == 0 ||
	    dset_index(&meta, p->meta, &syntax_explicit_le, 0, scratch, NULL) != OK)
		return BYTES_NONE;
	return dset_text(&meta, NULL, tag);
}

/* A data set that belongs to a study: which kind? */
static enum err sort_in(struct scan *s, const struct part10 *p, const struct dset *d,
			struct bytes sop_class, const char *path, struct fault *f)
{
	struct rt_image image;
	struct fault why;
	struct uid uid;

	if (!uid_set(&uid, dset_text(d, NULL, TAG_StudyInstanceUID)))
		return add_problem_text(s, path, "no valid Study Instance UID", f);

	struct scan_study *t = study_of(s, &uid);
	if (t == NULL)
		return no_memory(f);
	if (mark_is_ours(d)) {
		t->derived++;
		s->counts.derived++;
		return OK;
	}
	if (bytes_eq_str(sop_class, SOP_CLASS_RT_STRUCTURE_SET) ||
	    (sop_class.len == 0 && bytes_eq_str(dset_text(d, NULL, TAG_Modality), "RTSTRUCT")))
		return add_set(s, t, p, d, path, f);
	if (is_no_picture(sop_class) || dset_find(d, NULL, TAG_Rows) == NULL)
		return add_other(s, t, sop_class, f);
	if (rt_image_read(&image, d, &why) != OK)
		return add_problem(s, path, &why, f);
	return add_image(s, t, &image, path, f);
}

/* A file that was opened as DICOM. */
static enum err look_inside(struct scan *s, const struct part10 *p, const char *path,
			    struct fault *f)
{
	struct dset d;
	struct fault why;

	if (dset_index(&d, p->data, p->syntax, HEAD_END, &s->scratch, &why) != OK) {
		if (p->guessed && !p->has_preamble) { /* it only looked a little like DICOM */
			s->counts.not_dicom++;
			return OK;
		}
		return add_problem(s, path, &why, f);
	}

	struct bytes sop_class = dset_text(&d, NULL, TAG_SOPClassUID);
	if (sop_class.len == 0)
		sop_class = meta_text(p, TAG_MediaStorageSOPClassUID, &s->scratch);
	if (bytes_eq_str(sop_class, SOP_CLASS_MEDIA_DIRECTORY)) {
		s->counts.dicomdirs++;
		return OK;
	}
	if (p->guessed && !p->has_preamble && sop_class.len == 0 &&
	    dset_find(&d, NULL, TAG_StudyInstanceUID) == NULL) {
		s->counts.not_dicom++;
		return OK;
	}
	return sort_in(s, p, &d, sop_class, path, f);
}

static enum err look_at(struct scan *s, const char *path, struct fault *f)
{
	struct part10 p = PART10_NONE;
	struct fault why;
	enum err e = part10_open(&p, AT_FDCWD, path, &why);

	if (e == ERR_UNUSABLE) {
		s->counts.not_dicom++;
		return OK;
	}
	if (e != OK)
		return add_problem(s, path, &why, f);
	e = look_inside(s, &p, path, f);
	part10_close(&p);
	arena_reset(&s->scratch, 0);
	return e;
}

/* One UID and where it was found: sorting brings equal ones together, the first found first. */
struct key {
	const struct uid *uid;
	uint32_t index;
};

static int by_uid(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int order = strcmp(x->uid->text, y->uid->text);

	return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

static bool same_data_set(const char *one, const char *other)
{
	struct part10 a = PART10_NONE, b = PART10_NONE;
	bool same = part10_open(&a, AT_FDCWD, one, NULL) == OK &&
		    part10_open(&b, AT_FDCWD, other, NULL) == OK && bytes_eq(a.data, b.data);

	part10_close(&a);
	part10_close(&b);
	return same;
}

/* keys[]: sorted.  Sets drop[index] for all but the first of each UID. */
static enum err find_duplicates(struct scan *s, struct scan_study *t, const struct key *keys,
				uint32_t count, const char *const *paths, bool *drop,
				struct fault *f)
{
	for (uint32_t i = 0, first = 0; i < count; i++) {
		if (!uid_eq(keys[i].uid, keys[first].uid))
			first = i;
		if (i == first)
			continue;
		drop[keys[i].index] = true;
		if (same_data_set(paths[keys[first].index], paths[keys[i].index])) {
			t->duplicates++;
			s->counts.duplicates++;
			continue;
		}
		enum err e =
			add_problem_text(s, paths[keys[i].index],
					 "has the SOP Instance UID of another file of its study, "
					 "but other content",
					 f);
		if (e != OK)
			return e;
	}
	return OK;
}

static enum err drop_duplicate_images(struct scan *s, struct scan_study *t, struct fault *f)
{
	size_t mark = arena_mark(&s->scratch);
	struct key *keys = ARENA_NEW(&s->scratch, struct key, t->image_count);
	bool *drop = ARENA_NEW(&s->scratch, bool, t->image_count);
	uint32_t kept = 0;

	if (keys == NULL || drop == NULL)
		return no_memory(f);
	for (uint32_t i = 0; i < t->image_count; i++)
		keys[i] = (struct key){.uid = &t->images[i].sop_instance, .index = i};
	qsort(keys, t->image_count, sizeof(*keys), by_uid);

	enum err e = find_duplicates(s, t, keys, t->image_count, t->image_paths, drop, f);
	for (uint32_t i = 0; i < t->image_count; i++) {
		if (drop[i])
			continue;
		t->images[kept] = t->images[i];
		t->images[kept].source = kept;
		t->image_paths[kept] = t->image_paths[i];
		kept++;
	}
	s->counts.images -= t->image_count - kept;
	t->image_count = kept;
	arena_reset(&s->scratch, mark);
	return e;
}

static enum err drop_duplicate_sets(struct scan *s, struct scan_study *t, struct fault *f)
{
	size_t mark = arena_mark(&s->scratch);
	struct key *keys = ARENA_NEW(&s->scratch, struct key, t->set_count);
	const char **paths = ARENA_NEW(&s->scratch, const char *, t->set_count);
	bool *drop = ARENA_NEW(&s->scratch, bool, t->set_count);
	uint32_t kept = 0;

	if (keys == NULL || paths == NULL || drop == NULL)
		return no_memory(f);
	for (uint32_t i = 0; i < t->set_count; i++) {
		keys[i] = (struct key){.uid = &t->sets[i].sop_instance, .index = i};
		paths[i] = t->sets[i].path;
	}
	qsort(keys, t->set_count, sizeof(*keys), by_uid);

	enum err e = find_duplicates(s, t, keys, t->set_count, paths, drop, f);
	for (uint32_t i = 0; i < t->set_count; i++)
		if (!drop[i])
			t->sets[kept++] = t->sets[i];
	s->counts.sets -= t->set_count - kept;
	t->set_count = kept;
	arena_reset(&s->scratch, mark);
	return e;
}

static int by_date(const void *a, const void *b)
{
	const struct scan_set *x = a, *y = b;
	int order = strcmp(x->when, y->when);

	return order != 0 ? order : strcmp(x->sop_instance.text, y->sop_instance.text);
}

static enum err tidy(struct scan *s, struct fault *f)
{
	for (struct scan_study *t = s->studies; t != NULL; t = t->next) {
		enum err e = drop_duplicate_images(s, t, f);

		if (e == OK)
			e = drop_duplicate_sets(s, t, f);
		if (e != OK)
			return e;
		if (t->set_count > 1)
			qsort(t->sets, t->set_count, sizeof(*t->sets), by_date);
	}
	return OK;
}

/* What a thing that is no readable file means for the run. */
static enum err pass_by(struct scan *s, const struct tree_entry *entry, struct fault *f)
{
	struct fault why = {.code = ERR_IO,
			    .text = "cannot be read",
			    .at = FAULT_NO_OFFSET,
			    .sys_errno = entry->sys_errno};

	switch (entry->kind) {
	case TREE_UNREADABLE:
		return add_problem(s, entry->path, &why, f);
	case TREE_TOO_DEEP:
		return add_problem_text(s, entry->path, "a folder too deep inside others: not read",
					f);
	case TREE_SPECIAL:
	case TREE_DEAD_LINK:
	case TREE_FOLDER_LINK:
		s->counts.not_files++;
		return OK;
	case TREE_FILE:
	case TREE_OUTPUT:
		break;
	}
	return OK;
}

enum err scan_run(struct scan *s, const char *const *paths, size_t count, int out, struct fault *f)
{
	struct tree tree = TREE_EMPTY;
	struct tree_entry entry;
	enum err e = out >= 0 ? tree_skip(&tree, out, f) : OK;

	for (size_t i = 0; i < count && e == OK; i++)
		e = tree_add(&tree, paths[i], f);
	while (e == OK && (e = tree_next(&tree, &entry, f)) == OK) {
		if (entry.kind != TREE_FILE) {
			e = pass_by(s, &entry, f);
		} else if (s->counts.files++ == LIMIT_FILES) {
			e = fault_set(f, ERR_LIMIT, "more than 1,000,000 files: give fewer",
				      FAULT_NO_OFFSET);
		} else {
			e = look_at(s, entry.path, f);
		}
	}
	tree_free(&tree);
	if (e == ERR_MORE)
		e = tidy(s, f);
	return e;
}
