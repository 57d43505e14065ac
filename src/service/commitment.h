/*
 * Storage Commitment Push Model as SCU (PS3.4 annex J): the request is an N-ACTION after the last
 * object was sent; the answer an N-EVENT-REPORT, on the same association while it is open, or on
 * one that the PACS opens to us, where a receiver takes it.
 *
 * A transaction covers every output of a study at one destination; its UID is made from random
 * numbers, so that only who was asked can answer.  It is in the study's journal
 * before it is sent.  A report of success that leaves out an instance, or names it as failed, makes
 * that instance unsent; when all are committed, `committed` and `done` are written.
 */
#ifndef SERVICE_COMMITMENT_H
#define SERVICE_COMMITMENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "dicom/syntax.h"
#include "study/journal.h"

#define COMMITMENT_CLASS "1.2.840.10008.1.20.1"
#define COMMITMENT_INSTANCE "1.2.840.10008.1.20.1.1"
#define COMMITMENT_ACTION 1   /* Request Storage Commitment */
#define COMMITMENT_SUCCESS 1  /* event types */
#define COMMITMENT_FAILURES 2 /* Complete - Failures Exist */

struct uid commitment_transaction(void);
/* The data set of the N-ACTION-RQ, in explicit or implicit VR little endian. */
enum err commitment_request(struct buf *out, const struct syntax *syntax,
			    const struct uid *transaction, const struct journal_output *outputs,
			    size_t count, struct fault *f) MUST_USE;

struct commitment_item {
	struct uid sop_class, sop_instance;
	uint16_t reason; /* (0008,1197); 0 for a committed one */
};
struct commitment_report {
	struct uid transaction;
	struct commitment_item *committed, *failed; /* in the arena */
	uint32_t committed_count, failed_count;
};
/* The Event Information of an N-EVENT-REPORT-RQ. */
enum err commitment_parse(struct commitment_report *r, struct bytes data,
			  const struct syntax *syntax, struct arena *a, struct fault *f) MUST_USE;

/*
 * What a receiver does with a report: finds the study that waits for the transaction below the
 * folder `working`, writes its journal, fills *out.  Returns the status of the N-EVENT-REPORT-RSP:
 * 0000; 0113 no such event type; 0115 nobody waits for this transaction, or it cannot be read; 0110
 * the journal could not be written.
 */
struct commitment_taken {
	struct uid study;
	char destination[65];
	uint32_t committed, failed; /* instances */
	bool done; /* the study is settled at that destination: tell the supervisor */
};
uint16_t commitment_take(int working, uint16_t event_type, struct bytes data,
			 const struct syntax *syntax, struct commitment_taken *out);

#endif
