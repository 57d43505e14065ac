#include "series/inherit.h"

#include <stdlib.h>
#include <string.h>

#include "dicom/build.h"
#include "series/parts.h"

/* Beside all of groups 0010 and 0012. */
static const uint32_t taken[] = {
	TAG_SpecificCharacterSet,
	TAG_StudyDate,
	TAG_StudyTime,
	TAG_AccessionNumber,
	TAG_IssuerOfAccessionNumberSequence,
	TAG_ReferringPhysicianName,
	TAG_ReferringPhysicianIdentificationSequence,
	TAG_ConsultingPhysicianName,
	TAG_ConsultingPhysicianIdentificationSequence,
	TAG_TimezoneOffsetFromUTC,
	TAG_StudyDescription,
	TAG_ProcedureCodeSequence,
	TAG_PhysiciansOfRecord,
	TAG_PhysiciansOfRecordIdentificationSequence,
	TAG_NameOfPhysiciansReadingStudy,
	TAG_PhysiciansReadingStudyIdentificationSequence,
	TAG_AdmittingDiagnosesDescription,
	TAG_AdmittingDiagnosesCodeSequence,
	TAG_ReferencedStudySequence,
	TAG_StudyInstanceUID,
	TAG_StudyID,
	TAG_FrameOfReferenceUID,
	TAG_PositionReferenceIndicator,
	TAG_LongitudinalTemporalInformationModified,
	TAG_LossyImageCompression,
	TAG_LossyImageCompressionRatio,
	TAG_LossyImageCompressionMethod,
	TAG_RequestingService,
	TAG_RequestingServiceCodeSequence,
	TAG_ReasonForPerformedProcedureCodeSequence,
};

/* Type 2 in the modules: empty where the image has none. */
static const struct {
	uint32_t tag;
	enum vr vr;
} needed[] = {
	{TAG_StudyDate, VR_DA},        {TAG_StudyTime, VR_TM},
	{TAG_AccessionNumber, VR_SH},  {TAG_ReferringPhysicianName, VR_PN},
	{TAG_PatientName, VR_PN},      {TAG_PatientID, VR_LO},
	{TAG_PatientBirthDate, VR_DA}, {TAG_PatientSex, VR_CS},
	{TAG_StudyID, VR_SH},          {TAG_PositionReferenceIndicator, VR_LO},
};

static bool is_taken(uint32_t tag)
{
	if (TAG_ELEMENT(tag) == 0)
		return false; /* a group length */
	if (TAG_GROUP(tag) == 0x0010 || TAG_GROUP(tag) == 0x0012)
		return true;
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (taken[i] == tag)
			return true;
	return false;
}

static enum err no_memory(struct fault *f)
{
	return fault_set(f, ERR_NOMEM, "no memory for the elements of a new object",
			 FAULT_NO_OFFSET);
}

static int by_tag(const void *a, const void *b)
{
	const struct elem *x = *(const struct elem *const *)a, *y = *(const struct elem *const *)b;

	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* The whole elements one after the other, by tag; of one that is repeated the first. */
static enum err gather(const struct dset *d, struct arena *a, struct bytes *out, struct fault *f)
{
	size_t count = 0, n = 0, len = 0;

	for (const struct elem *e = dset_first(d, NULL); e != NULL; e = dset_next(d, NULL, e))
		count += is_taken(e->tag);

	const struct elem **chosen = ARENA_NEW(a, const struct elem *, count);
	if (chosen == NULL)
		return no_memory(f);
	for (const struct elem *e = dset_first(d, NULL); e != NULL; e = dset_next(d, NULL, e))
		if (is_taken(e->tag))
			chosen[n++] = e;
	if (count > 0) /* qsort takes no NULL */
		qsort(chosen, count, sizeof(const struct elem *), by_tag);

	uint8_t *all = ARENA_NEW(a, uint8_t, d->end);
	if (all == NULL)
		return no_memory(f);
	for (size_t i = 0; i < count; i++) {
		const struct elem *e = chosen[i], *next = dset_next(d, NULL, e);
		size_t from = (size_t)e->at - e->head;
		size_t to = next == NULL ? d->end : (size_t)next->at - next->head;

		if (i > 0 && chosen[i - 1]->tag == e->tag)
			continue;
		memcpy(all + len, d->in.at + from, to - from);
		len += to - from;
	}
	*out = bytes_of(all, len);
	return OK;
}

/* Two lists in ascending order into one; of a tag that both have the first list's is taken. */
static struct edit *merge(const struct edit *x, size_t x_count, const struct edit *y,
			  size_t y_count, size_t *count, struct arena *a)
{
	struct edit *all = ARENA_NEW(a, struct edit, x_count + y_count);
	size_t n = 0;

	for (size_t i = 0, k = 0; all != NULL && (i < x_count || k < y_count);) {
		if (k == y_count || (i < x_count && x[i].tag <= y[k].tag)) {
			k += k < y_count && x[i].tag == y[k].tag;
			all[n++] = x[i++];
		} else {
			all[n++] = y[k++];
		}
	}
	*count = n;
	return all;
}

void inherit_empty(struct build *b, const struct dset *d)
{
	bool in_space = dset_find(d, NULL, TAG_FrameOfReferenceUID) != NULL;

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (dset_find(d, NULL, needed[i].tag) == NULL &&
		    (needed[i].tag != TAG_PositionReferenceIndicator || in_space))
			build_bytes(b, needed[i].tag, needed[i].vr, BYTES_NONE);
}

static enum err fill_up(struct inherited *r, const struct dset *image, struct arena *a,
			struct fault *f)
{
	struct build b;
	struct edit *empty = NULL;
	size_t count = 0;

	build_init(&b, &syntax_explicit_le, 1024);
	inherit_empty(&b, image);
	struct bytes built = b.out.failed ? BYTES_NONE : arena_copy(a, buf_bytes(&b.out));
	build_free(&b);
	if (built.at == NULL)
		return no_memory(f);
	enum err e = rewrite_edits(built, &syntax_explicit_le, a, &empty, &count, f);
	if (e != OK)
		return e;
	r->elements = merge(r->elements, r->count, empty, count, &r->count, a);
	return r->elements != NULL ? OK : no_memory(f);
}

enum err inherit_study(struct inherited *out, const struct dset *image, struct arena *a,
		       struct fault *f)
{
	struct inherited r = {.ascii = true};
	struct bytes raw = BYTES_NONE, encoded = BYTES_NONE;
	enum err e = gather(image, a, &raw, f);

	if (e == OK)
		e = parts_transcode(raw, parts_syntax(image->syntax), &syntax_explicit_le, a,
				    &encoded, f);
	if (e == OK)
		e = rewrite_edits(encoded, &syntax_explicit_le, a, &r.elements, &r.count, f);
	if (e == OK)
		e = fill_up(&r, image, a, f);
	if (e != OK)
		return e;
	for (size_t i = 0; i < encoded.len; i++)
		r.ascii = r.ascii && encoded.at[i] < 0x80;
	*out = r;
	return OK;
}

enum err inherit_merge(const struct inherited *in, struct bytes built, struct arena *a,
		       struct bytes **views, size_t *count, struct fault *f)
{
	struct edit *ours = NULL, *all;
	size_t our_count = 0;
	enum err e = rewrite_edits(built, &syntax_explicit_le, a, &ours, &our_count, f);

	if (e != OK)
		return e;
	all = merge(ours, our_count, in->elements, in->count, count, a);
	*views = ARENA_NEW(a, struct bytes, *count);
	if (all == NULL || *views == NULL)
		return no_memory(f);
	for (size_t i = 0; i < *count; i++)
		(*views)[i] = all[i].encoded;
	return OK;
}
