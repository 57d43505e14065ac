/*
 * Storage Commitment Push Model as SCU (PS3.4 annex J): the request is an N-ACTION after the last
 * object was sent; the answer an N-EVENT-REPORT, on the same association while it is open, or on
 * one that the PACS opens to us, where a receiver takes it.  Data sets: service/commitment_data.h.
 *
 * A transaction covers every output of a study at one destination; its UID is made from random
 * numbers, so that only who was asked can answer.  It is in the study's journal before it is sent.
 * A report that names an instance as failed, or leaves it out, makes that instance unsent; when all
 * are committed, `committed` and `done` are written.
 */
#ifndef SERVICE_COMMITMENT_H
#define SERVICE_COMMITMENT_H

#include "base/uid.h"
#include "dicom/syntax.h"
#include "dimse/status.h"
#include "study/journal.h"

struct uid commitment_transaction(void);

struct commitment_taken {
	struct uid study;
	char destination[65];
	uint32_t committed, failed; /* instances */
	bool done; /* the study is settled at that destination: tell the supervisor */
};

/*
 * What a receiver does with the data set of an N-EVENT-REPORT: find the study below the folder
 * `working` (fd) that waits for its transaction, write its journal, fill *out.  The reply is 0000;
 * 0113 no such event type; 0115 it cannot be read, or nobody waits for this transaction; 0110 the
 * journal could not be written.  *out is set with 0000 only.
 */
struct dimse_reply commitment_take(int working, uint16_t event_type, struct bytes data,
				   const struct syntax *syntax, struct commitment_taken *out);
/* The same when it is known which study: `study` is its folder. */
struct dimse_reply commitment_take_for(int study, uint16_t event_type, struct bytes data,
				       const struct syntax *syntax, struct commitment_taken *out);

#endif
