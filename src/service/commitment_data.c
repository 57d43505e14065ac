#include "service/commitment_data.h"

#include "dicom/build.h"
#include "dicom/dset.h"

#define NO_REASON 0x0110 /* of a failed one that gives none: processing failure */

void commitment_request(struct buf *out, const struct syntax *syntax, const struct uid *transaction,
			const struct commitment_instance *instances, size_t count)
{
	struct build b;

	build_init(&b, syntax, COMMITMENT_DATA_MAX);
	build_uid(&b, TAG_TransactionUID, transaction);
	build_sequence(&b, TAG_ReferencedSOPSequence);
	for (size_t i = 0; i < count; i++) {
		build_item(&b);
		build_uid(&b, TAG_ReferencedSOPClassUID, &instances[i].sop_class);
		build_uid(&b, TAG_ReferencedSOPInstanceUID, &instances[i].sop_instance);
		build_item_end(&b);
	}
	build_sequence_end(&b);
	if (b.out.failed)
		out->failed = true;
	else
		buf_add(out, buf_bytes(&b.out));
	build_free(&b);
}

/* The instances of a sequence, to `row` (NULL: they are only looked at). */
static enum err rows_of(const struct dset *d, uint32_t sequence, bool failed,
			void (*row)(void *ctx, const struct commitment_instance *instance),
			void *ctx, struct fault *f)
{
	const struct elem *parent = dset_find(d, NULL, sequence);

	if (parent == NULL)
		return OK;
	for (const struct elem *item = dset_first(d, parent); item != NULL;
	     item = dset_next(d, parent, item)) {
		struct commitment_instance i = {.reason = failed ? NO_REASON : 0};

		if (!(item->flags & ELEM_ITEM))
			continue;
		(void)uid_set(&i.sop_class, dset_text(d, item, TAG_ReferencedSOPClassUID));
		if (!uid_set(&i.sop_instance, dset_text(d, item, TAG_ReferencedSOPInstanceUID)))
			return fault_tag(f, ERR_UNUSABLE, "an instance without its UID", item->at,
					 TAG_ReferencedSOPInstanceUID);
		if (failed)
			(void)dset_u16(d, item, TAG_FailureReason, 0, &i.reason);
		if (failed && i.reason == 0)
			i.reason = NO_REASON;
		if (row != NULL)
			row(ctx, &i);
	}
	return OK;
}

enum err commitment_report(struct bytes in, const struct syntax *syntax, struct uid *transaction,
			   void (*row)(void *ctx, const struct commitment_instance *instance),
			   void *ctx, struct fault *f)
{
	struct uid found;
	struct arena a;
	struct dset d;
	enum err e = arena_open(&a, (1u << 20) + 8 * in.len, f) /* 24 bytes an element */;

	if (e != OK)
		return e;
	e = dset_index(&d, in, syntax, 0, &a, f);
	if (e == OK && !uid_set(&found, dset_text(&d, NULL, TAG_TransactionUID)))
		e = fault_tag(f, ERR_UNUSABLE, "a report without a transaction", FAULT_NO_OFFSET,
			      TAG_TransactionUID);
	if (e == OK)
		e = rows_of(&d, TAG_ReferencedSOPSequence, false, NULL, NULL, f);
	if (e == OK)
		e = rows_of(&d, TAG_FailedSOPSequence, true, NULL, NULL, f);
	if (e == OK) {
		*transaction = found;
		e = rows_of(&d, TAG_ReferencedSOPSequence, false, row, ctx, f);
		if (e == OK)
			e = rows_of(&d, TAG_FailedSOPSequence, true, row, ctx, f);
	}
	arena_close(&a);
	return e;
}
