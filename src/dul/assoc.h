/*
 * An association (PS3.8 section 7 and 9.2) as an engine without I/O: bytes in, bytes out,
 * indications, deadlines.  Whoever drives it (net/link.h, a test, a fuzzer) asks what it wants and
 * moves bytes:
 *
 *     READ         assoc_in_buf gives room; put bytes there, say how many: assoc_in_ack
 *     WRITE        assoc_out_views gives what to write; say how much went: assoc_out_ack
 *     INDICATION   call assoc_next (it may yet give none)
 *     HALF_CLOSE   shut the sending side of the transport down, then assoc_out_shut
 *     CLOSE        nothing more to do here: close the transport
 *
 * Take the indications before reading again.  Bytes are looked at only when assoc_next is called,
 * so the state is always the one that follows from what the user has been told: what a peer
 * pipelined (a request and data in one write) waits its turn.
 *
 * A PDV is given as its bytes arrive: in pieces, of which all but the last have last == false. A
 * piece is a view into the in-buffer, valid until the next assoc_in_buf.
 *
 * One indication is the last one: DUL_ASSOCIATE_REJECTED, DUL_RELEASED, DUL_ABORTED, DUL_CLOSED or
 * DUL_TIMEOUT; by whom it was ended is in `ours`.  After it only the leave-taking is left: our last
 * PDU goes out, the sending side is shut, input is drained until the peer closes or ARTIM ends.
 *
 * Primitives that come too late (the peer aborted, a timer ended it) are ignored; the last
 * indication says why.
 *
 * Time is milliseconds of a clock that never goes back, given by the driver.
 */
#ifndef DUL_ASSOC_H
#define DUL_ASSOC_H

#include "dul/negotiate.h"
#include "dul/pdu.h"
#include "dul/table.h"

enum assoc_want {
	ASSOC_READ = 1,
	ASSOC_WRITE = 2,
	ASSOC_INDICATION = 4,
	ASSOC_CLOSE = 8,
	ASSOC_HALF_CLOSE = 16,
};

struct assoc_limits {
	uint32_t pdu_max;    /* bytes of body: more is aborted. At most LIMIT_PDU */
	uint32_t send_max;   /* bytes of body that we send to a peer that allows more */
	uint64_t artim_ms;   /* absolute: from the transport's opening to a whole request; from a
				request to its answer; and of the leave-taking */
	uint64_t pdu_ms;     /* from the first byte of a PDU to its last, either way */
	uint64_t idle_ms;    /* between PDUs, when nothing is being sent */
	uint64_t release_ms; /* from our release request to the end */
};
#define ASSOC_LIMITS_DEFAULT                          \
	((struct assoc_limits){.pdu_max = LIMIT_PDU,  \
			       .send_max = LIMIT_PDU, \
			       .artim_ms = 30000,     \
			       .pdu_ms = 60000,       \
			       .idle_ms = 60000,      \
			       .release_ms = 30000})

#define ASSOC_IN_SIZE (LIMIT_PDU + 4096u) /* holds the longest PDU, and what is read with it */
#define ASSOC_VIEWS 64u                   /* as many views as one write is worth */

enum dul_kind {
	DUL_ASSOCIATE_REQUEST = 1, /* answer it: assoc_answer. `request` */
	DUL_ASSOCIATE_ACCEPTED,    /* `answer` (and `request`, ours) */
	DUL_ASSOCIATE_REJECTED,    /* `result`, `source`, `reason` */
	DUL_PDV,                   /* `pdv` */
	DUL_RELEASE_REQUEST,       /* send what is left to send, then assoc_release_response */
	DUL_RELEASED,
	DUL_ABORTED, /* `source`, `reason`; `ours`: because of `text` */
	DUL_CLOSED,  /* the transport, without a word */
	DUL_TIMEOUT, /* of what, says `text` */
	DUL_WAKE,    /* never from here: net/link's second descriptor */
};

struct dul_pdv {
	uint8_t context_id; /* of an accepted context */
	bool command;       /* else of a data set */
	bool last;          /* of its message's command or data set; the last piece of the PDV */
	struct bytes fragment;
};

struct dul_ind {
	enum dul_kind kind;
	const struct dul_request
		*request;                /* valid as long as the engine, its views until accepted */
	const struct dul_answer *answer; /* valid as long as the engine */
	struct dul_pdv pdv;
	bool ours; /* it was ended from this side */
	uint8_t result, source, reason;
	const char *text; /* a literal, or NULL */
	unsigned notes;   /* bits of enum dul_note, each once in an association */
};

/* Fields are the engine's own; it is a plain struct so that it can live anywhere. Some 60 KiB. */
struct assoc {
	struct assoc_limits limits;
	enum dul_state state;
	bool requestor;
	uint64_t now; /* the latest that was told */

	/* Input: in[start .. end) is not done with yet; start <= end <= size. */
	uint8_t *in; /* the caller's */
	size_t size, start, end;
	bool in_shut;          /* the peer sends no more */
	bool lost;             /* where a PDU begins is not known any more: input is thrown away */
	uint8_t type;          /* of the PDU that is being read; 0: at a boundary */
	bool skipping;         /* its body is thrown away */
	uint32_t left;         /* bytes of its body that are not done with */
	bool pdv_open;         /* of a P-DATA-TF: inside a PDV */
	struct pdv_header pdv; /* that one; */
	uint32_t pdv_left;     /* bytes of its fragment that are not done with, <= left */

	/* Output: first the rest of `data`, then control[control_sent ..]. */
	struct {
		bool open;
		const struct bytes *views; /* the caller's until all has gone */
		size_t view_count;
		size_t view, view_at; /* where the payload goes on */
		uint64_t total, sent; /* bytes of payload: all, and gone */
		size_t head_sent;     /* bytes of the current PDU's head that have gone */
		uint8_t context_id;
		bool command, last;
	} data;
	uint8_t heads[ASSOC_VIEWS / 2][DUL_HEADER + DUL_PDV_HEADER];
	struct buf control;
	size_t control_sent;
	bool cut;      /* a P-DATA-TF was given up in its middle: nothing can follow it */
	bool out_shut; /* nothing can go out any more */

	uint32_t receive_max; /* what we named in item 51; 0: any number */
	uint32_t send_piece;  /* bytes of payload that a P-DATA-TF may carry: even */
	struct dul_request request;
	struct dul_answer answer;
	bool accepted[256]; /* by context id */

	struct dul_ind pending; /* kind 0: none */
	bool ended;             /* the last indication has been made */
	unsigned notes, notes_told;

	/* Deadlines; 0: not running. */
	uint64_t state_by, pdu_by, out_by, idle_by;
};

/* The transport has been opened to us (Sta2), or by us (Sta5: the request goes out). `in` is the
 * caller's, of at least limits->pdu_max + DUL_HEADER bytes (ASSOC_IN_SIZE). `r` is copied. */
void assoc_accept_init(struct assoc *a, const struct assoc_limits *limits, uint8_t *in, size_t size,
		       uint64_t now);
void assoc_request_init(struct assoc *a, const struct assoc_limits *limits, uint8_t *in,
			size_t size, const struct dul_request *r, uint64_t now);
void assoc_free(struct assoc *a); /* what init and the primitives took; also on a zeroed one */

/* ---- For the driver ---- */

unsigned assoc_wants(const struct assoc *a); /* bits of enum assoc_want */
uint8_t *assoc_in_buf(struct assoc *a, size_t *room);
void assoc_in_ack(struct assoc *a, size_t n, uint64_t now);
void assoc_in_closed(struct assoc *a, uint64_t now); /* end of file, reset */
/* At most `max` views into views[]; how many. */
size_t assoc_out_views(struct assoc *a, struct bytes *views, size_t max);
void assoc_out_ack(struct assoc *a, size_t n, uint64_t now);
void assoc_out_shut(struct assoc *a); /* half-closed as wanted, or a write failed: none will go */
bool assoc_next(struct assoc *a, struct dul_ind *out);
/* assoc_next gives one from what is in the in-buffer: no reading, which moves views, comes before.
 * (It may give one all the same when this is false.) */
bool assoc_more(const struct assoc *a);
void assoc_tick(struct assoc *a, uint64_t now); /* after what was there to read has been read */
uint64_t assoc_deadline(const struct assoc *a); /* UINT64_MAX: none */
/* The user took from the last call until `now` for itself: the peer is not charged for it. */
void assoc_resume(struct assoc *a, uint64_t now);

/* ---- For the user ---- */

/* Accept or refuse, as the answer says (it is copied). In Sta3. */
void assoc_answer(struct assoc *a, const struct dul_answer *answer);

bool assoc_can_send(const struct assoc *a);   /* established, and all that was sent has left */
size_t assoc_send_max(const struct assoc *a); /* bytes of payload in one P-DATA-TF: even */
/*
 * Send a command set or data set, or a part of it: `views`, of any even number of bytes in all, as
 * P-DATA-TF of one PDV each; only the last one is marked `last` (if it is).  The views and what
 * they show stay as they are until assoc_can_send or the last indication.  assert: assoc_can_send,
 * even.
 */
void assoc_send(struct assoc *a, uint8_t context_id, bool command, bool last,
		const struct bytes *views, size_t count);

/* In Sta6, with nothing still to be sent (asserted); a collision is settled in here. */
void assoc_release(struct assoc *a);
void assoc_release_response(struct assoc *a); /* in Sta8; likewise */
/* At any time; before a request has come it only closes. A P-DATA-TF that is partly out cannot be
 * ended: then there is no A-ABORT, only the transport's end. */
void assoc_abort(struct assoc *a, uint8_t source, uint8_t reason);
void assoc_set_idle(struct assoc *a, uint64_t idle_ms); /* from now on, e.g. for a long wait */

#endif
