/*
 * What the files of the engine share: assoc.c (states and primitives), assoc_in.c (bytes to
 * events), assoc_out.c (what goes out).
 */
#ifndef DUL_ASSOC_INT_H
#define DUL_ASSOC_INT_H

#include "dul/assoc.h"

/* What comes with an event. */
struct cause {
	uint8_t result, source,
		reason; /* of a received A-ASSOCIATE-RJ or A-ABORT; of one to be sent */
	const char *text;
	struct dul_pdv pdv;
};

void assoc_event(struct assoc *a, enum dul_event event, const struct cause *c);

/* assoc.c */
void assoc_now(struct assoc *a, uint64_t now); /* it never goes back */
uint64_t assoc_later(uint64_t now, uint64_t ms);
bool assoc_peer_max_ok(const struct dul_user_info *peer); /* room for any payload at all */
void assoc_agree_requestor(struct assoc *a); /* an A-ASSOCIATE-AC has come: what is agreed on? */

/* assoc_in.c */
bool assoc_parseable(const struct assoc *a); /* assoc_step would do something */
void assoc_step(struct assoc *a);            /* take one thing from the input */
void assoc_drain(struct assoc *a);           /* after the last indication: everything */

/* assoc_out.c */
bool assoc_out_pending(const struct assoc *a);
void assoc_out_queued(struct assoc *a); /* something was put into `control` or `data` */
/* What has not gone is given up; a PDU that is partly out cuts the output. */
void assoc_out_drop(struct assoc *a);

#endif
