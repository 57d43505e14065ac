/*
 * Objects of one study to one destination, over one association after another (more than one only
 * where 128 presentation contexts are not enough): what a process of the sender does.
 *
 * Confirmations go into the study's journal, in groups (service/sender.h); so do instances that
 * failed.  That the attempt as a whole failed is for the caller to write, who knows of the other
 * processes on the same study.
 */
#ifndef SERVICE_TRANSFER_H
#define SERVICE_TRANSFER_H

#include <signal.h>

#include "service/sender.h"

struct transfer {
	const struct sender_options *options;
	const struct delivery_dest *dest;
	const struct uid *study;
	int dir; /* the study's folder */
	const struct journal_state *state;
	const uint32_t *index; /* of the outputs to send, in this order */
	uint32_t count;
	bool commit;        /* ask for Storage Commitment when all of them are confirmed */
	uint64_t report_ms; /* how long to keep the association open for its report */
	const volatile sig_atomic_t *stop;
};

enum transfer_end {
	TRANSFER_CRASHED,   /* of a result that nobody has filled */
	TRANSFER_DONE,      /* everything that was asked for */
	TRANSFER_STOPPED,   /* as asked for; no failure */
	TRANSFER_PERMANENT, /* what failed, failed for good */
	TRANSFER_AGAIN,     /* something is worth a retry */
	TRANSFER_CONNECT,   /* no association */
	TRANSFER_BROKEN,    /* the trouble is on this side: journal, memory */
};

/* When objects of one series type were sent, by clock_us; 0: none was. */
struct transfer_span {
	uint64_t first_us, last_us;
};

#define TRANSFER_TEXT 256
struct transfer_result {
	enum transfer_end end;
	bool reached;    /* an association was accepted */
	uint16_t status; /* of the last failure, 0: none came */
	char text[TRANSFER_TEXT];
	uint32_t confirmed;
	struct transfer_span spans[JOURNAL_TYPES]; /* by journal_output.type */
};

/* Fills *r, which may be shared memory, before it returns. */
void transfer_run(const struct transfer *t, struct transfer_result *r);

#endif
