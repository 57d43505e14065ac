/*
 * The acceptor's side of DIMSE: what a storage SCP answers.  No I/O: PDVs in, events out,
 * responses into the association engine.
 *
 *     struct scp *scp = ...;               // some 64 KiB; any memory
 *     scp_init(scp, assoc, request, answer, &classes);
 *     for (;;) {
 *             link_next(&link, &ind);
 *             if (ind.kind == DUL_PDV) {
 *                     link_flush(&link);   // an earlier response has left: assoc_can_send
 *                     struct scp_event ev = scp_feed(scp, &ind.pdv);
 *                     switch (ev.kind) ...
 *
 * C-ECHO is answered by itself; C-CANCEL is ignored; what is neither C-STORE nor N-EVENT-REPORT is
 * answered 0211 (its data set passed over).  A C-STORE without a data set (C000), with a SOP class
 * that is not the context's (A900), that is no storage class (0122), or with a SOP instance that is
 * no UID (0117) is refused here: the data set is passed over, and SCP_REFUSED says so.  For all
 * others the caller gets SCP_BEGIN, then SCP_DATA until one is the last, and then owes scp_answer.
 */
#ifndef DIMSE_SCP_H
#define DIMSE_SCP_H

#include "dicom/syntax.h"
#include "dimse/message.h"
#include "dimse/storage.h"
#include "dul/negotiate.h"

enum scp_kind {
	SCP_NOTHING, /* more to come, or dealt with */
	SCP_ECHOED,  /* a C-ECHO was answered */
	SCP_BEGIN,   /* a C-STORE or N-EVENT-REPORT (command->field); its data set follows */
	SCP_DATA,    /* `data`, a fragment (may be empty), valid as the PDV's is; with `last` the
		      * data set is whole: the caller calls scp_answer before the next scp_feed */
	SCP_REFUSED, /* `reply` has been sent: here, or after scp_refuse */
	SCP_BROKEN,  /* against the protocol: the caller aborts with source and reason; final */
};

struct scp_event {
	enum scp_kind kind;
	uint8_t context_id;
	const struct dimse_command *command; /* but for BROKEN; valid until the next BEGIN */
	const struct uid *abstract_syntax;   /* of the context */
	const struct uid *transfer_syntax;
	struct bytes data;        /* DATA */
	bool last;                /* DATA */
	struct dimse_reply reply; /* REFUSED */
	uint8_t source, reason;   /* BROKEN */
	const char *text;         /* BROKEN: a literal */
};

struct scp {
	/* private */
	struct assoc *assoc;
	const struct storage_classes *classes;
	const struct dul_request *request;
	const struct dul_answer *answer;
	struct message message;
	bool passing_over;        /* the data set that comes is not wanted */
	bool owes;                /* the last SCP_DATA was given */
	struct dimse_reply reply; /* while passing over */
	bool echo;                /* it is a C-ECHO's that is passed over */
	struct buf out;           /* the response that is being sent */
	struct bytes view;        /* of it */
};

/* `request` and `answer` are what was negotiated; they and `classes` stay the caller's. */
void scp_init(struct scp *s, struct assoc *a, const struct dul_request *request,
	      const struct dul_answer *answer, const struct storage_classes *classes);
void scp_free(struct scp *s);
/* The engine can send (assoc_can_send), and no answer is owed: asserted. */
struct scp_event scp_feed(struct scp *s, const struct dul_pdv *pdv);
/* After the last SCP_DATA. */
void scp_answer(struct scp *s, const struct dimse_reply *reply);
/* From SCP_BEGIN until the last SCP_DATA: no more of this data set; it is answered with `reply`
 * when it has passed, and SCP_REFUSED comes then. */
void scp_refuse(struct scp *s, const struct dimse_reply *reply);
/* Is a message half read, or an answer owed?  Then a release is out of place. */
bool scp_busy(const struct scp *s);

/* Does the data set hold what the command announced (struct stream_head's UIDs)?  If not: false and
 * the reply, A900. */
bool scp_check(const struct dimse_command *command, const struct uid *sop_class,
	       const struct uid *sop_instance, struct dimse_reply *reply);

#endif
