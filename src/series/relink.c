#include "series/relink.h"

#include <stdlib.h>
#include <string.h>

#include "dicom/build.h"
#include "dicom/encode.h"
#include "dicom/rewrite.h"
#include "series/derive.h"
#include "series/inherit.h"
#include "series/mark.h"
#include "series/parts.h"
#include "series/relink_contours.h"

#define BUILD_ROOM (1u << 20)
#define IMAGE_ROOM 256u /* of a reference to an image */
#define STUDY_CLASS \
	"1.2.840.10008.3.1.2.3.1" /* Detached Study Management, as PS3.3 C.8.8.5 has it */

/* Removed where they are: signatures and approval are of the source, a group length would have to
 * know how long all contours become. */
static const uint32_t removed[] = {
	TAG_InstanceCreatorUID,
	TAG(0x3006, 0x0000),
	TAG_ReviewDate,
	TAG_ReviewTime,
	TAG_ReviewerName,
	TAG_MACParametersSequence,
	TAG_DigitalSignaturesSequence,
};

struct job {
	const struct relink *o;
	const struct dset *d;
	struct arena *a;
	struct build b, empty;
	struct text_encoder text;
	struct wall now;
	struct uid set_class, set_instance;
	struct bytes mark; /* stands for ROI Contour Sequence in the list of views */
	bool no_memory;
};

static enum err no_memory(struct fault *f)
{
	return fault_set(f, ERR_NOMEM, "no memory for the relinked structure set", FAULT_NO_OFFSET);
}

/* ---- Referenced Frame of Reference Sequence ---- */

/* An item or element as encoded, with all that is inside it. */
static struct bytes whole(const struct dset *d, const struct elem *e)
{
	size_t start = (size_t)e->at - e->head;
	struct walk w;
	struct token t;

	walk_init_items(&w, bytes_slice(d->in, start, d->end - start), d->syntax,
			TAG_ReferencedFrameOfReferenceSequence);
	if (walk_next(&w, &t, NULL) != OK || t.kind != TOK_ITEM || walk_skip(&w, NULL) != OK ||
	    walk_next(&w, &t, NULL) != OK)
		return BYTES_NONE;
	return bytes_slice(d->in, start, w.pos);
}

static void series_item(struct job *j)
{
	build_item(&j->b);
	build_uid(&j->b, TAG_SeriesInstanceUID, &j->o->overlay_series);
	build_sequence(&j->b, TAG_ContourImageSequence);
	for (uint32_t i = 0; i < j->o->image_count; i++) {
		build_item(&j->b);
		parts_reference(&j->b, &j->o->images[i].sop_class, &j->o->images[i].overlay);
		build_item_end(&j->b);
	}
	build_sequence_end(&j->b);
	build_item_end(&j->b);
}

/* The items of a sequence inside `item`; NULL where it is none that can be looked into. */
static const struct elem *sequence(const struct dset *d, const struct elem *item, uint32_t tag)
{
	const struct elem *e = item != NULL || tag == TAG_ReferencedFrameOfReferenceSequence
				       ? dset_find(d, item, tag)
				       : NULL;

	return e != NULL && (e->flags & ELEM_SEQUENCE) != 0 && e->vr == VR_SQ ? e : NULL;
}

static const struct elem *first_item(const struct dset *d, const struct elem *seq)
{
	return seq != NULL ? dset_first(d, seq) : NULL;
}

/* Series of the study item: ours in the place of the images', others as they are. */
static void series_items(struct job *j, const struct elem *study)
{
	const struct elem *seq = sequence(j->d, study, TAG_RTReferencedSeriesSequence);
	bool done = false;

	build_sequence(&j->b, TAG_RTReferencedSeriesSequence);
	for (const struct elem *i = first_item(j->d, seq); i != NULL; i = dset_next(j->d, seq, i)) {
		if (!bytes_eq_str(dset_text(j->d, i, TAG_SeriesInstanceUID),
				  j->o->source_series.text)) {
			buf_add(&j->b.out, whole(j->d, i));
			continue;
		}
		if (!done)
			series_item(j);
		done = true;
	}
	if (!done)
		series_item(j);
	build_sequence_end(&j->b);
}

static void study_item(struct job *j, const struct elem *study)
{
	struct uid class, instance = j->o->study;

	if (study == NULL || !uid_set(&class, dset_text(j->d, study, TAG_ReferencedSOPClassUID)))
		(void)uid_set(&class, BYTES_LIT(STUDY_CLASS));
	if (study != NULL)
		(void)(uid_set(&instance, dset_text(j->d, study, TAG_ReferencedSOPInstanceUID)) ||
		       uid_set(&instance, bytes_str(j->o->study.text)));
	build_item(&j->b);
	parts_reference(&j->b, &class, &instance);
	series_items(j, study);
	build_item_end(&j->b);
}

static void frame_item(struct job *j, const struct elem *frame)
{
	const struct elem *seq = sequence(j->d, frame, TAG_RTReferencedStudySequence);
	const struct elem *study = first_item(j->d, seq);
	struct uid uid = j->o->frame;

	if (uid.text[0] == '\0' && frame != NULL)
		(void)uid_set(&uid, dset_text(j->d, frame, TAG_FrameOfReferenceUID));
	build_item(&j->b);
	build_uid(&j->b, TAG_FrameOfReferenceUID, &uid);
	build_sequence(&j->b, TAG_RTReferencedStudySequence);
	study_item(j, study);
	while (study != NULL && (study = dset_next(j->d, seq, study)) != NULL)
		buf_add(&j->b.out, whole(j->d, study));
	build_sequence_end(&j->b);
	build_item_end(&j->b);
}

static bool is_our_frame(const struct job *j, const struct elem *item)
{
	return j->o->frame.text[0] == '\0' ||
	       bytes_eq_str(dset_text(j->d, item, TAG_FrameOfReferenceUID), j->o->frame.text);
}

/* PS3.3 C.8.8.5: the first item of the images' frame of reference, or one more. */
static void frames(struct job *j)
{
	const struct elem *seq = sequence(j->d, NULL, TAG_ReferencedFrameOfReferenceSequence);
	bool done = false;

	build_sequence(&j->b, TAG_ReferencedFrameOfReferenceSequence);
	for (const struct elem *i = first_item(j->d, seq); i != NULL; i = dset_next(j->d, seq, i)) {
		if (done || !is_our_frame(j, i)) {
			buf_add(&j->b.out, whole(j->d, i));
			continue;
		}
		frame_item(j, i);
		done = true;
	}
	if (!done)
		frame_item(j, NULL);
	build_sequence_end(&j->b);
}

/* ---- everything else at the top ---- */

static void add_text(struct job *j, uint32_t tag, enum vr vr, const char *utf8, size_t max)
{
	if (utf8[0] == '\0')
		return;
	struct bytes text = text_encode(&j->text, bytes_str(utf8), max);

	j->no_memory = j->no_memory || text.at == NULL;
	build_text(&j->b, tag, vr, text);
}

static void equipment(struct build *b, const void *ctx)
{
	const struct job *j = ctx;

	mark_item(b, &j->now, j->o->software_version,
		  "Made its references those of an image series with overlay planes");
}

static void build_all(struct job *j)
{
	const struct relink *o = j->o;

	parts_date(&j->b, TAG_InstanceCreationDate, &j->now);
	parts_time(&j->b, TAG_InstanceCreationTime, &j->now);
	build_uid(&j->b, TAG_SOPInstanceUID, &o->sop_instance);
	parts_date(&j->b, TAG_SeriesDate, &j->now);
	parts_time(&j->b, TAG_SeriesTime, &j->now);
	add_text(j, TAG_SeriesDescription, VR_LO, o->series_description, 64);
	derive_append(&j->b, j->d, TAG_ContributingEquipmentSequence, equipment, j, &j->no_memory);
	build_uid(&j->b, TAG_SeriesInstanceUID, &o->series);
	add_text(j, TAG_StudyID, VR_SH, o->study_id, 16);
	build_is(&j->b, TAG_SeriesNumber, o->series_number);
	frames(j);
	parts_references(&j->b, TAG_PredecessorStructureSetSequence, &j->set_class,
			 &j->set_instance);
	if (dset_find(j->d, NULL, TAG_ROIContourSequence) != NULL)
		build_bytes(&j->b, TAG_ROIContourSequence, VR_UN, BYTES_NONE); /* the mark */
	if (dset_find(j->d, NULL, TAG_ApprovalStatus) != NULL)
		build_str(&j->b, TAG_ApprovalStatus, VR_CS, "UNAPPROVED");
}

static int by_tag(const void *a, const void *b)
{
	const struct edit *x = a, *y = b;

	return (x->tag > y->tag) - (x->tag < y->tag);
}

/* What was built, what must be there, and what must not stay, in order. */
static enum err edits_of(struct job *j, struct edit **out, size_t *out_count, struct fault *f)
{
	size_t gone = sizeof(removed) / sizeof(removed[0]), count = 0, empty_count = 0, n = 0;
	struct edit *built = NULL, *empty = NULL, *all;

	inherit_empty(&j->empty, j->d);
	if (j->no_memory || j->b.out.failed || j->empty.out.failed)
		return no_memory(f);
	enum err e = rewrite_edits(buf_bytes(&j->b.out), j->d->syntax, j->a, &built, &count, f);
	if (e == OK)
		e = rewrite_edits(buf_bytes(&j->empty.out), j->d->syntax, j->a, &empty,
				  &empty_count, f);
	if (e != OK)
		return e;
	all = ARENA_NEW(j->a, struct edit, count + empty_count + gone);
	if (all == NULL)
		return no_memory(f);
	for (size_t i = 0; i < count; i++) {
		all[n++] = built[i];
		if (built[i].tag == TAG_ROIContourSequence)
			j->mark = built[i].encoded;
	}
	for (size_t i = 0; i < empty_count; i++)
		if (empty[i].tag != TAG_StudyID || j->o->study_id[0] == '\0')
			all[n++] = empty[i];
	for (size_t i = 0; i < gone; i++)
		all[n++] = (struct edit){.tag = removed[i]};
	qsort(all, n, sizeof(*all), by_tag);
	*out = all;
	*out_count = n;
	return OK;
}

static enum err write_views(struct job *j, struct bits *out, const struct bytes *views,
			    size_t count, struct relink_result *result, struct fault *f)
{
	const struct elem *contours = dset_find(j->d, NULL, TAG_ROIContourSequence);
	enum err e = OK;

	for (size_t i = 0; e == OK && i < count; i++) {
		if (views[i].at != j->mark.at || contours == NULL) {
			bits_bytes(out, views[i]);
			continue;
		}
		size_t at = (size_t)contours->at - contours->head;
		e = relink_contours(out, j->o, bytes_slice(j->d->in, at, j->d->end - at),
				    j->d->syntax, j->a, result, f);
	}
	return e;
}

/* What is deflated is written plain; so is what cannot be encapsulated. */
static enum err write_meta(struct job *j, struct bits *out, struct fault *f)
{
	struct part10_meta meta = {.sop_class = j->set_class, .sop_instance = j->o->sop_instance};
	struct buf file = BUF_INIT(4096);

	(void)uid_set(&meta.transfer_syntax, bytes_str(parts_syntax(j->d->syntax)->uid));
	enum err e = part10_head(&file, &meta, f);
	if (e == OK)
		bits_bytes(out, buf_bytes(&file));
	buf_free(&file);
	return e;
}

static enum err write_out(struct job *j, int fd, struct relink_result *result, struct fault *f)
{
	struct edit *edits = NULL;
	struct bytes *views = NULL;
	size_t edit_count = 0, view_count = 0;
	struct bits out;
	enum err e = edits_of(j, &edits, &edit_count, f);

	if (e == OK)
		e = rewrite_plan(j->d, edits, edit_count, j->a, &views, &view_count, f);
	if (e == OK)
		e = bits_open(&out, fd, j->a, f);
	if (e == OK)
		e = write_meta(j, &out, f);
	if (e == OK)
		e = write_views(j, &out, views, view_count, result, f);
	return e == OK ? bits_close(&out, f) : e;
}

/* Parts of it are copied into another surrounding: with missing or stray delimiters they would not
 * end where they did.  So these are put right before. */
static enum err put_right(const struct dset **d, struct dset *out, struct arena *a, struct fault *f)
{
	const struct syntax *syntax = parts_syntax((*d)->syntax);
	struct bytes all = BYTES_NONE;

	if (((*d)->notes & (WALK_NO_DELIMITER | WALK_STRAY_DELIMITER)) == 0)
		return OK;
	enum err e = parts_transcode((*d)->in, syntax, syntax, a, &all, f);
	if (e != OK)
		return e;
	*d = out;
	return dset_index(out, all, syntax, 0, a, f);
}

enum err relink_write(int fd, const struct relink *o, const struct dset *d, struct arena *a,
		      struct relink_result *result, struct fault *f)
{
	struct relink_result r = {0};
	struct dset right;
	enum err e = put_right(&d, &right, a, f);

	if (e != OK)
		return e;
	struct job j = {.o = o, .d = d, .a = a, .now = derive_zone(o->now, d)};

	if (!uid_set(&j.set_class, dset_text(d, NULL, TAG_SOPClassUID)) ||
	    !uid_set(&j.set_instance, dset_text(d, NULL, TAG_SOPInstanceUID)))
		return fault_set(f, ERR_UNUSABLE,
				 "the structure set has no SOP Class UID or SOP "
				 "Instance UID",
				 FAULT_NO_OFFSET);
	text_encoder_init(&j.text, dset_text(d, NULL, TAG_SpecificCharacterSet), a);
	build_init(&j.b, d->syntax, BUILD_ROOM + d->in.len + (size_t)o->image_count * IMAGE_ROOM);
	build_init(&j.empty, d->syntax, 1024);
	build_all(&j);
	r.text_lossy = j.text.lossy;
	e = write_out(&j, fd, &r, f);
	build_free(&j.b);
	build_free(&j.empty);
	if (e == OK)
		*result = r;
	return e;
}
