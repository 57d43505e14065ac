/*
 * Storage Commitment's data sets (PS3.4 annex J.3): what is to be committed (N-ACTION), and what
 * has been or could not be (N-EVENT-REPORT).
 */
#ifndef SERVICE_COMMITMENT_DATA_H
#define SERVICE_COMMITMENT_DATA_H

#include "base/buf.h"
#include "base/uid.h"
#include "dicom/syntax.h"

#define COMMITMENT_ALL 1u         /* Event Type ID: all are committed */
#define COMMITMENT_SOME_FAILED 2u /* Event Type ID: failures exist */

#define COMMITMENT_DATA_MAX (128u << 20) /* bytes of either: half a million instances */

struct commitment_instance {
	struct uid sop_class, sop_instance;
	uint16_t reason; /* of a report: 0 committed, else Failure Reason (PS3.3 C.14.1.1) */
};

/* The data set of an N-ACTION, appended to `out`, which fails when there is no memory. */
void commitment_request(struct buf *out, const struct syntax *syntax, const struct uid *transaction,
			const struct commitment_instance *instances, size_t count);

/*
 * Read the data set of an N-EVENT-REPORT: the transaction, then `row` for each instance, the
 * committed ones first.  ERR_UNUSABLE: no Transaction UID, or an instance without its UID
 * (no row was given then); errors of the walk as they come.
 */
enum err commitment_report(struct bytes in, const struct syntax *syntax, struct uid *transaction,
			   void (*row)(void *ctx, const struct commitment_instance *instance),
			   void *ctx, struct fault *f) MUST_USE;

#endif
