/*
 * Storage Commitment's data sets (PS3.4 annex J.3): what is to be committed (N-ACTION), and what
 * has been or could not be (N-EVENT-REPORT).
 */
#ifndef DIMSE_COMMITMENT_H
#define DIMSE_COMMITMENT_H

#include "base/buf.h"
#include "base/uid.h"
#include "dicom/syntax.h"

#define COMMITMENT_ACTION 1u      /* Action Type ID: request storage commitment */
#define COMMITMENT_ALL 1u         /* Event Type ID: all are committed */
#define COMMITMENT_SOME_FAILED 2u /* Event Type ID: failures exist */

struct commitment_instance {
	struct uid sop_class, sop_instance;
};

/* Append the data set of an N-ACTION in `syntax`.  `transaction` is a new UID. */
void commitment_request(struct buf *out, const struct syntax *syntax, const struct uid *transaction,
			const struct commitment_instance *instances, size_t count);

/* One row of a report.  `reason`: 0 committed, else Failure Reason (0008,1197): 0110, 0112, 0119,
 * 0122, 0131, 0213, ... */
struct commitment_result {
	struct uid sop_class, sop_instance;
	uint16_t reason;
};
/* Read the data set of an N-EVENT-REPORT in `syntax`; `row` is called for each instance in the
 * order of the report.  ERR_UNUSABLE: no Transaction UID, or a row without a SOP Instance UID;
 * errors of the walk as they come (rows before it were given). */
enum err commitment_report(struct bytes in, const struct syntax *syntax, struct uid *transaction,
			   void (*row)(void *ctx, const struct commitment_result *result),
			   void *ctx, struct fault *f) MUST_USE;

#endif
