#include "study/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "study/coverage.h"
#include "study/roi_look.h"

/* Notes of our own, told after those of rt (enum rt_note_kind). */
enum own_note {
	OWN_CLIPPED,
	OWN_UNRESOLVED,
	OWN_NO_PLANE,
	OWN_NO_GROUP,
	OWN_OTHER_PATIENT,
	OWN_EXISTING,
	OWN_EMBEDDED,
	OWN_NO_STATISTICS,
	OWN_TEXT_LOSSY,
	OWN_NOT_BURNED,
	OWN_BURN_IN_CUT,
	OWN_DECODED,
	OWN_PICTURE_GREY,
	OWN_PICTURE_SKIPPED,
	OWN_PICTURE_SMALLER,
	OWN_PICTURE_NOT_SQUARE,
	OWN_PICTURE_NO_JPEG,
	OWN_SET_ENCODING,
	OWN_IMAGE_ENCODING,
};

static const struct {
	const char *word, *text; /* NULL: a text of its own each time */
	bool loss;
} own_notes[] = {
	[OWN_CLIPPED] = {"clipped", "contours partly outside the image: painted up to its edge",
			 false},
	[OWN_UNRESOLVED] = {"unresolved",
			    "contours of one image too entangled to tell holes from "
			    "islands: all filled",
			    false},
	[OWN_NO_PLANE] = {"no-free-group",
			  "images without a free overlay group for a plane of its own", true},
	[OWN_NO_GROUP] = {"all-groups-taken",
			  "images whose 16 overlay groups were all taken: nothing was added", true},
	[OWN_OTHER_PATIENT] = {"other-patient",
			       "images whose Patient ID, or its issuer, is not the structure "
			       "set's",
			       false},
	[OWN_EXISTING] = {"existing-overlays", "images that had overlay planes already: kept",
			  false},
	[OWN_EMBEDDED] = {"embedded-overlays",
			  "images with overlay bits inside their pixel data "
			  "(retired): kept as they are",
			  false},
	[OWN_NO_STATISTICS] = {"no-statistics",
			       "images whose pixels cannot be read here: no mean "
			       "and standard deviation",
			       false},
	[OWN_TEXT_LOSSY] = {"letters-lost",
			    "images and other objects whose character set lacks letters "
			    "of ROI names or of other texts: ? was written for them",
			    false},
	[OWN_NOT_BURNED] = {"not-burned-in", NULL, true},
	[OWN_BURN_IN_CUT] = {"disclaimer-cut",
			     "the end of the disclaimer, on images without room for it", true},
	[OWN_DECODED] = {"decompressed",
			 "compressed images: written uncompressed, with the "
			 "disclaimer in their pixels",
			 false},
	[OWN_PICTURE_GREY] = {"pictures-grey",
			      "debug pictures of pixels that cannot be read here: "
			      "contours on grey",
			      false},
	[OWN_PICTURE_SKIPPED] = {"pictures-skipped", "images too large for a debug picture", false},
	[OWN_PICTURE_SMALLER] =
		{"pictures-smaller",
		 "debug pictures magnified less than asked: they would be too large", false},
	[OWN_PICTURE_NOT_SQUARE] =
		{"pictures-not-square",
		 "JPEGs of debug pictures with the pixels of the image, which are "
		 "not square: stretched they would be too large",
		 false},
	[OWN_PICTURE_NO_JPEG] = {"pictures-no-jpeg",
				 "debug pictures without a JPEG: this netrt was "
				 "built without",
				 false},
	[OWN_SET_ENCODING] = {"odd-structure-set", NULL, false},
	[OWN_IMAGE_ENCODING] = {"odd-images", NULL, false},
};

static enum err no_memory(struct fault *f)
{
	return fault_set(f, ERR_NOMEM, "the report does not fit in memory", FAULT_NO_OFFSET);
}

/* ---- notes ---- */

struct notes {
	struct report_note *at; /* room for all there can be */
	uint32_t count;
};

static void add(struct notes *n, struct report_note note)
{
	n->at[n->count++] = note;
}

static void add_own(struct notes *n, enum own_note note, uint32_t roi, uint32_t count)
{
	if (count > 0)
		add(n, (struct report_note){.kind = RT_NOTE_KINDS + (unsigned)note,
					    .word = own_notes[note].word,
					    .text = own_notes[note].text,
					    .loss = own_notes[note].loss,
					    .roi = roi,
					    .count = count});
}

/* The same of the study as a whole, with a text of its own. */
static enum err add_text(struct notes *n, enum own_note note, const char *text, uint32_t count,
			 struct arena *a, struct fault *f)
{
	const char *kept = arena_strdup(a, bytes_str(text));

	if (kept == NULL)
		return no_memory(f);
	add(n, (struct report_note){.kind = RT_NOTE_KINDS + (unsigned)note,
				    .word = own_notes[note].word,
				    .text = kept,
				    .loss = own_notes[note].loss,
				    .roi = REPORT_NO_ROI,
				    .count = count});
	return OK;
}

static void add_rt(struct notes *n, enum rt_note_kind kind, uint32_t roi, uint32_t count,
		   double worst_mm)
{
	add(n, (struct report_note){.kind = kind,
				    .word = rt_note_word(kind),
				    .text = rt_note_text(kind),
				    .loss = rt_note_is_loss(kind),
				    .asked = kind == RT_NOTE_IGNORED_BY_NAME ||
					     kind == RT_NOTE_NOT_SELECTED,
				    .of_roi = kind <= RT_NOTE_DUPLICATE_NUMBER,
				    .roi = roi == RT_NO_ROI ? REPORT_NO_ROI : roi,
				    .count = count,
				    .worst_mm = worst_mm});
}

/* What painting found out about one ROI. */
static void add_painted(struct notes *n, const struct slice_roi *painted, uint32_t roi)
{
	static const enum rt_note_kind kinds[] = {
		[SLICE_OVERLAP] = RT_NOTE_OVERLAP,   [SLICE_DUPLICATE] = RT_NOTE_DUPLICATE_CONTOUR,
		[SLICE_MIXED] = RT_NOTE_MIXED_TYPES, [SLICE_OUTSIDE] = RT_NOTE_OUTSIDE_IMAGE,
		[SLICE_EMPTY] = RT_NOTE_DEGENERATE,
	};

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		uint32_t count = atomic_load(&painted->notes[i]);

		if (count > 0)
			add_rt(n, kinds[i], roi, count, 0);
	}
	add_own(n, OWN_CLIPPED, roi, atomic_load(&painted->notes[SLICE_CLIPPED]));
	add_own(n, OWN_UNRESOLVED, roi, atomic_load(&painted->notes[SLICE_UNRESOLVED]));
	add_own(n, OWN_NO_PLANE, roi, atomic_load(&painted->no_plane));
}

/* "oddly encoded structure set, read all the same (odd length, repeated tag)" */
static enum err add_encoding(struct notes *n, enum own_note note, const char *what,
			     unsigned walk_notes, uint32_t count, struct arena *a, struct fault *f)
{
	char list[256], text[320];

	walk_notes_format(walk_notes, list, sizeof(list));
	snprintf(text, sizeof(text), "%s, read all the same (%s)", what, list);
	return add_text(n, note, text, count, a, f);
}

/* "not used: the pixels of images for the disclaimer, which is an overlay plane there (...)" */
static enum err add_not_burned(struct notes *n, const struct slice_job *job, struct arena *a,
			       struct fault *f)
{
	const char *why = NULL;
	uint32_t count = 0;
	char text[320];

	for (uint32_t k = 0; k < job->plan->plane_count; k++) {
		const char *here = job->rows[k].not_burned;

		why = why == NULL ? here : why;
		count += here != NULL;
	}
	if (count == 0)
		return OK;
	snprintf(text, sizeof(text),
		 "the pixels of images, for the disclaimer: it is an overlay plane there (%s)",
		 why);
	return add_text(n, OWN_NOT_BURNED, text, count, a, f);
}

/* What is told of the debug pictures. */
static void add_pictures(struct notes *n, const struct slice_job *job)
{
	uint32_t grey = 0, skipped = 0, smaller = 0, not_square = 0, no_jpeg = 0;

	for (uint32_t k = 0; k < job->plan->plane_count; k++) {
		const struct debug_made *made = &job->rows[k].debug;

		grey += made->no_pixels;
		skipped += made->skipped;
		smaller += made->smaller;
		not_square += made->not_square;
		no_jpeg += made->no_jpeg;
	}
	add_own(n, OWN_PICTURE_GREY, REPORT_NO_ROI, grey);
	add_own(n, OWN_PICTURE_SKIPPED, REPORT_NO_ROI, skipped);
	add_own(n, OWN_PICTURE_SMALLER, REPORT_NO_ROI, smaller);
	add_own(n, OWN_PICTURE_NOT_SQUARE, REPORT_NO_ROI, not_square);
	add_own(n, OWN_PICTURE_NO_JPEG, REPORT_NO_ROI, no_jpeg);
}

/* What is told of the images. */
static enum err add_images(struct notes *n, const struct slice_job *job, struct arena *a,
			   struct fault *f)
{
	uint32_t full = 0, existing = 0, embedded = 0, unread = 0, odd = 0, cut = 0;
	uint32_t lossy = job->products_lossy, decoded = 0, others = 0;
	unsigned oddities = 0;

	for (uint32_t k = 0; k < job->plan->plane_count; k++) {
		const struct slice_row *row = &job->rows[k];

		full += row->planes_written == 0;
		existing += row->planes_existing > 0;
		others += row->other_patient;
		embedded += row->embedded_overlay;
		unread += row->no_statistics;
		lossy += (uint32_t)row->text_lossy + row->debug.text_lossy;
		cut += row->burn_in_cut;
		decoded += row->decoded;
		odd += row->walk_notes != 0;
		oddities |= row->walk_notes;
	}
	add_own(n, OWN_NO_GROUP, REPORT_NO_ROI, full);
	add_own(n, OWN_OTHER_PATIENT, REPORT_NO_ROI, others);
	add_own(n, OWN_EXISTING, REPORT_NO_ROI, existing);
	add_own(n, OWN_EMBEDDED, REPORT_NO_ROI, embedded);
	add_own(n, OWN_NO_STATISTICS, REPORT_NO_ROI, unread);
	add_own(n, OWN_TEXT_LOSSY, REPORT_NO_ROI, lossy);
	add_pictures(n, job);
	add_own(n, OWN_BURN_IN_CUT, REPORT_NO_ROI, cut);
	add_own(n, OWN_DECODED, REPORT_NO_ROI, decoded);
	enum err e = add_not_burned(n, job, a, f);
	if (e != OK)
		return e;
	return odd == 0 ? OK
			: add_encoding(n, OWN_IMAGE_ENCODING, "oddly encoded images", oddities, odd,
				       a, f);
}

/* Losses first, then by kind, then by ROI (the study as a whole comes last). */
static int by_kind(const void *a, const void *b)
{
	const struct report_note *x = a, *y = b;

	if (x->loss != y->loss)
		return x->loss ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return (x->roi > y->roi) - (x->roi < y->roi);
}

/* One note for each kind and ROI. */
static void merge(struct notes *n)
{
	uint32_t kept = 0;

	if (n->count > 1)
		qsort(n->at, n->count, sizeof(*n->at), by_kind);
	for (uint32_t i = 0; i < n->count; i++) {
		struct report_note *last = kept > 0 ? &n->at[kept - 1] : NULL;

		if (last != NULL && last->kind == n->at[i].kind && last->roi == n->at[i].roi) {
			last->count += n->at[i].count;
			if (n->at[i].worst_mm > last->worst_mm)
				last->worst_mm = n->at[i].worst_mm;
		} else {
			n->at[kept++] = n->at[i];
		}
	}
	n->count = kept;
}

static enum err collect_notes(struct report_set *out, const struct rt_plan *plan,
			      const struct slice_job *job, struct arena *a, struct fault *f)
{
	size_t room = plan->note_count + (size_t)plan->set->roi_count * (SLICE_NOTES + 1) +
		      sizeof(own_notes) / sizeof(own_notes[0]);
	struct notes n = {.at = ARENA_NEW(a, struct report_note, room)};
	enum err e = OK;

	if (n.at == NULL)
		return no_memory(f);
	for (uint32_t i = 0; i < plan->note_count; i++)
		add_rt(&n, plan->notes[i].kind, plan->notes[i].roi, plan->notes[i].count,
		       plan->notes[i].worst_mm);
	for (uint32_t i = 0; job != NULL && i < plan->set->roi_count; i++)
		add_painted(&n, &job->rois[i], i);
	if (job != NULL)
		e = add_images(&n, job, a, f);
	if (e == OK && plan->set->walk_notes != 0)
		e = add_encoding(&n, OWN_SET_ENCODING, "oddly encoded structure set",
				 plan->set->walk_notes, 0, a, f);
	merge(&n);
	out->notes = n.at;
	out->note_count = n.count;
	return e;
}

/* ---- ROIs ---- */

static bool copy_text(struct bytes *out, struct bytes in, struct arena *a)
{
	*out = arena_copy(a, in);
	return out->at != NULL;
}

/* What de-identification did to each image. */
static bool add_instances(struct report_set *out, const struct rt_plan *plan,
			  const struct slice_job *job, struct arena *a)
{
	struct report_instance *all = ARENA_NEW(a, struct report_instance, plan->plane_count);

	if (all == NULL)
		return false;
	for (uint32_t k = 0; k < plan->plane_count; k++)
		all[k] = (struct report_instance){.source = job->rows[k].instance,
						  .derived = job->rows[k].derived,
						  .counts = job->rows[k].counts};
	out->instances = all;
	out->instance_count = plan->plane_count;
	return true;
}

enum err tally_set(struct report_set *out, const struct rt_plan *plan, const struct slice_job *job,
		   struct arena *a, struct fault *f)
{
	const struct structset *set = plan->set;
	struct report_roi *rois = ARENA_NEW(a, struct report_roi, set->roi_count);
	const struct roi_look *looks = job != NULL ? job->looks : roi_looks(set, a);

	if (rois == NULL || looks == NULL)
		return no_memory(f);
	for (uint32_t i = 0; i < set->roi_count; i++) {
		const struct roi *from = &set->rois[i];
		const struct rt_roi_plan *planned = plan->rois != NULL ? &plan->rois[i] : NULL;
		struct report_roi *to = &rois[i];

		to->number = from->number;
		to->has_color = from->has_color;
		memcpy(to->color, from->color, sizeof(to->color));
		memcpy(to->drawn, looks[i].color, sizeof(to->drawn));
		if (!copy_text(&to->name, from->name, a) ||
		    !copy_text(&to->type, from->interpreted_type, a) ||
		    !copy_text(&to->algorithm, from->algorithm, a))
			return no_memory(f);
		to->contours_unused = from->contour_count;
		if (planned == NULL)
			continue;
		to->selected = planned->selected;
		to->contours_used = planned->contours_used;
		to->contours_unused = planned->contours_unused;
		to->points = planned->points_used;
		to->has_volume = planned->contours_used > 0;
		if (job != NULL)
			to->no_plane = atomic_load(&job->rois[i].no_plane);
	}
	out->rois = rois;
	out->roi_count = set->roi_count;
	if (job != NULL && job->options->gate != NULL && !add_instances(out, plan, job, a))
		return no_memory(f);
	if (job != NULL && !coverage_add(out, job, a))
		return no_memory(f);
	return collect_notes(out, plan, job, a, f);
}

/* ---- input ---- */

static int by_uid(const void *a, const void *b)
{
	const struct uid *const *x = a, *const *y = b;

	return strcmp((*x)->text, (*y)->text);
}

static enum err count_series(struct report *out, const struct scan_study *study, struct arena *a,
			     struct fault *f)
{
	size_t mark = arena_mark(a);
	const struct uid **uids = ARENA_NEW(a, const struct uid *, study->image_count);

	if (uids == NULL)
		return no_memory(f);
	for (uint32_t i = 0; i < study->image_count; i++)
		uids[i] = &study->images[i].series;
	qsort(uids, study->image_count, sizeof(const struct uid *), by_uid);
	out->series = 0;
	for (uint32_t i = 0; i < study->image_count; i++)
		out->series += i == 0 || !uid_eq(uids[i - 1], uids[i]);
	arena_reset(a, mark);
	return OK;
}

static enum err list_others(struct report *out, const struct scan_study *study, struct arena *a,
			    struct fault *f)
{
	struct report_count *list = ARENA_NEW(a, struct report_count, study->other_count);

	if (list == NULL)
		return no_memory(f);
	for (uint32_t i = 0; i < study->other_count; i++) {
		const struct uid *uid = &study->others[i].sop_class;
		const char *name = uid_name(bytes_str(uid->text));

		list[i].count = study->others[i].count;
		list[i].text = name != NULL           ? name
			       : uid->text[0] != '\0' ? uid->text
						      : "objects without SOP Class UID";
	}
	out->others = list;
	out->other_count = study->other_count;
	return OK;
}

/* Reasons, each once; paths are not told. */
static enum err list_problems(struct report *out, const struct scan *scan, struct arena *a,
			      struct fault *f)
{
	uint32_t told = scan->problem_count < SCAN_PROBLEMS ? scan->problem_count : SCAN_PROBLEMS;
	struct report_count *list = ARENA_NEW(a, struct report_count, (size_t)told + 1);
	uint32_t count = 0;

	if (list == NULL)
		return no_memory(f);
	for (uint32_t i = 0; i < told; i++) {
		const char *text = scan->problems[i].fault.text;
		uint32_t k = 0;

		while (k < count && strcmp(list[k].text, text) != 0)
			k++;
		list[k].text = text;
		list[k].count++;
		count += k == count;
	}
	if (scan->problem_count > told) {
		list[count] = (struct report_count){.text = "further ones, not told apart",
						    .count = scan->problem_count - told};
		count++;
	}
	out->problems = list;
	out->problem_count = count;
	return OK;
}

enum err tally_input(struct report *out, const struct scan *scan, const struct scan_study *study,
		     struct arena *a, struct fault *f)
{
	out->study = study->uid;
	out->images = study->image_count;
	out->duplicates = study->duplicates;
	out->derived = study->derived;
	out->run_files = scan->counts.files;
	out->run_studies = scan->study_count;
	out->run_not_dicom = scan->counts.not_dicom;
	out->run_dicomdirs = scan->counts.dicomdirs;
	out->run_not_files = scan->counts.not_files;

	enum err e = count_series(out, study, a, f);
	if (e == OK)
		e = list_others(out, study, a, f);
	return e == OK ? list_problems(out, scan, a, f) : e;
}
