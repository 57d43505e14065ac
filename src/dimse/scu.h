/*
 * The requestor's side of DIMSE: C-ECHO, C-STORE, N-ACTION, and on an association that the peer
 * opened or on this one the N-EVENT-REPORT that answers it.  No I/O.
 *
 *     struct scu_wanted wanted[] = ...;        // (SOP class, transfer syntax) of what is to be
 * sent n = scu_propose(&request, wanted, count) // as many of them as 128 contexts allow
 *     ... connect, assoc_request_init, link_next -> DUL_ASSOCIATE_ACCEPTED: answer
 *     scu_init(scu, assoc, &request, answer);
 *     for each object:
 *             choice = scu_choose(&request, answer, &sop_class, &syntax_uid)
 *             scu_store(scu, &object);         // begins
 *             while (scu_pump(scu)) link_flush
 *             link_next -> DUL_PDV -> scu_feed -> SCU_RESPONSE: status, dimse_outcome
 *
 * Contexts that are proposed (network.md 1.8 says why): the exact syntax of an object in a context
 * of its own; for objects that are not encapsulated also explicit VR little endian and implicit VR
 * little endian, one context each.  So the acceptor never has a choice to make that we cannot
 * follow, and what it takes needs re-encoding as rarely as can be.
 */
#ifndef DIMSE_SCU_H
#define DIMSE_SCU_H

#include "dicom/syntax.h"
#include "dicom/transcode.h"
#include "dimse/message.h"
#include "dimse/storage.h"
#include "dul/negotiate.h"

struct scu_wanted {
	struct uid sop_class;
	struct uid syntax; /* transfer syntax that the object is in */
};

/*
 * Add contexts to `r` (its context_count says where to begin, so Verification or Storage Commitment
 * may be there already) for wanted[0..count) in their order, each once.  Returns how many of the
 * wanted have all their contexts: the rest needs another association.
 */
size_t scu_propose(struct dul_request *r, const struct scu_wanted *wanted, size_t count);
/* One context more, with one transfer syntax; false when all 128 are used. */
bool scu_propose_one(struct dul_request *r, const struct uid *abstract_syntax,
		     const char *transfer_syntax);

/* The accepted context in which an object is best sent: its own syntax, else explicit, then
 * implicit VR little endian if it can be re-encoded. */
struct scu_choice {
	uint8_t context_id; /* 0: none was accepted */
	uint8_t refusal;    /* then: the best result of table 9-18 (1..4); 0: never proposed */
	const struct syntax *syntax; /* to re-encode to; NULL: as it is */
};
struct scu_choice scu_choose(const struct dul_request *r, const struct dul_answer *a,
			     const struct uid *sop_class, const struct uid *syntax);
/* What is sent: a command, then (when there are pieces) a data set. */
struct scu_object {
	uint8_t context_id;
	struct uid sop_class, sop_instance;
	const struct piece
		*pieces; /* the caller's until scu_pump is false and the engine can send */
	size_t piece_count;
};

enum scu_kind {
	SCU_NOTHING,
	SCU_RESPONSE, /* to what was sent: command->status */
	SCU_REPORT,   /* an N-EVENT-REPORT request begins; its data set follows in SCU_DATA */
	SCU_DATA,     /* of the report; `last` ends it: then scu_report_answer is owed */
	SCU_BROKEN,   /* against the protocol: abort with source and reason; final */
};
struct scu_event {
	enum scu_kind kind;
	uint8_t context_id;
	const struct dimse_command *command;
	struct bytes data;
	bool last;
	uint8_t source, reason; /* BROKEN */
	const char *text;       /* BROKEN: a literal */
};

#define SCU_VIEWS 64u            /* pieces that go into one assoc_send */
#define SCU_SCRATCH (256u << 10) /* bytes of a swapped piece that go into one */

struct scu {
	/* private */
	struct assoc *assoc;
	const struct dul_request *request;
	const struct dul_answer *answer;
	struct message message;
	uint16_t message_id; /* of the message last begun; never 0 */
	uint16_t field;      /* of the request that waits for its response; 0: none */
	uint8_t context_id;  /* of that */
	bool passing_over;   /* a data set that nobody asked for */
	struct {
		uint16_t message_id, event_type;
		struct uid sop_class, sop_instance;
		uint8_t context_id;
		bool open; /* its data set comes, or its answer is owed */
		bool due;  /* the answer is to be sent, from `answer` */
	} report;
	struct buf report_answer;
	struct buf command;         /* being sent */
	bool sending, command_left; /* `command` has been given to the engine */
	const struct piece *pieces;
	size_t piece_count;
	size_t index, at; /* how far: pieces[index], byte `at` of it (only in swapped ones) */
	uint8_t *scratch; /* owned: for swapped pieces, SCU_SCRATCH bytes; NULL until needed */
	struct bytes views[SCU_VIEWS]; /* what the engine is sending */
};

void scu_init(struct scu *s, struct assoc *a, const struct dul_request *request,
	      const struct dul_answer *answer);
void scu_free(struct scu *s);

/* Begin a request; none is under way (scu_idle, asserted).  Then pump. */
void scu_echo(struct scu *s, uint8_t context_id);
void scu_store(struct scu *s, const struct scu_object *o);
/* Storage Commitment (PS3.4 annex J): Requested SOP class and instance are the well-known ones;
 * pieces hold the N-ACTION data set (service/commitment.h makes it). */
void scu_commit(struct scu *s, const struct scu_object *o);
/* Answer the report that SCU_DATA ended. */
void scu_report_answer(struct scu *s, const struct dimse_reply *reply);

/* Give the engine what comes next.  True: it was given something; let it leave (link_flush) and
 * call again.  False: there is nothing (more), or the engine cannot send, now or (when the
 * association has ended) ever. */
bool scu_pump(struct scu *s);
struct scu_event scu_feed(struct scu *s, const struct dul_pdv *pdv);
/* Is something still to be given?  After scu_pump and a flush: the association has ended. */
bool scu_unsent(const struct scu *s);
/* Nothing is being sent and no response is awaited. */
bool scu_idle(const struct scu *s);
uint16_t scu_message_id(const struct scu *s); /* of the request last begun */

#endif
