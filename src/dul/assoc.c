/*
 * States and primitives of the association (PS3.8 9.2, tables 9-6 to 9-10).
 *
 * Everything that happens is an event: what the peer sent (assoc_in.c), what the user asks for, a
 * timer.  Table 9-10 says which action follows; an action changes the state, queues a PDU or makes
 * an indication, and nothing else.
 *
 * Two things stand beside the table.  Its ARTIM runs in Sta2 and Sta13 only; other deadlines (a
 * reply that does not come, a PDU that does not go on, idleness) raise event 15, a local abort. And
 * an A-ABORT that AA-1 sends because of a PDU (in Sta2) carries the provider's source and a reason,
 * as AA-8's do: "by the user, no reason" would tell the peer's engineer nothing.
 */
#include "dul/assoc.h"

#include <assert.h>
#include <string.h>

#include "dul/assoc_int.h"

#define LEAST_PEER_MAX 8u /* a PDV's header and two bytes of payload */

uint64_t assoc_later(uint64_t now, uint64_t ms)
{
	return ms > UINT64_MAX - 1 - now ? UINT64_MAX - 1 : now + ms;
}

void assoc_now(struct assoc *a, uint64_t now)
{
	if (now > a->now)
		a->now = now;
}

static void enter(struct assoc *a, enum dul_state state)
{
	if (state == a->state)
		return;
	if (state == STA2 || state == STA5 || state == STA13)
		a->state_by = assoc_later(a->now, a->limits.artim_ms);
	else if (state == STA7)
		a->state_by = assoc_later(a->now, a->limits.release_ms);
	else if (state < STA9) /* a collision keeps the deadline of the release */
		a->state_by = 0;
	a->idle_by = state == STA6 ? assoc_later(a->now, a->limits.idle_ms) : 0;
	a->state = state;
}

/* The last indication; only the first one made counts. */
static void end(struct assoc *a, enum dul_kind kind, bool ours, const struct cause *c)
{
	if (a->ended)
		return;
	if (a->data.open) /* the user's views end with it */
		assoc_out_drop(a);
	a->ended = true;
	a->pending = (struct dul_ind){.kind = kind,
				      .ours = ours,
				      .result = c->result,
				      .source = c->source,
				      .reason = c->reason,
				      .text = c->text};
}

static void send_abort(struct assoc *a, const struct cause *c)
{
	assoc_out_drop(a);
	pdu_write_abort(&a->control, c->source, c->reason);
	assoc_out_queued(a);
}

static void tell(struct assoc *a, enum dul_kind kind)
{
	assert(a->pending.kind == 0);
	a->pending = (struct dul_ind){.kind = kind};
	if (kind == DUL_ASSOCIATE_REQUEST || kind == DUL_ASSOCIATE_ACCEPTED)
		a->pending.request = &a->request;
	if (kind == DUL_ASSOCIATE_ACCEPTED)
		a->pending.answer = &a->answer;
}

/* ---- Actions ---- */

/* AE-1 to AE-8 (table 9-6). */
static enum dul_state act_associate(struct assoc *a, enum dul_action action, const struct cause *c)
{
	switch (action) {
	case AE2:
		pdu_write_rq(&a->control, &a->request);
		assoc_out_queued(a);
		return STA5;
	case AE3:
		tell(a, DUL_ASSOCIATE_ACCEPTED);
		return STA6;
	case AE4:
		end(a, DUL_ASSOCIATE_REJECTED, false, c);
		return STA1;
	case AE5:
		return STA2;
	case AE6: /* what is not acceptable the user's answer says: negotiate() */
		tell(a, DUL_ASSOCIATE_REQUEST);
		return STA3;
	case AE7:
		pdu_write_ac(&a->control, &a->answer);
		assoc_out_queued(a);
		return STA6;
	case AE8:
		pdu_write_rj(&a->control, c->result, c->source, c->reason);
		assoc_out_queued(a);
		end(a, DUL_ASSOCIATE_REJECTED, true, c);
		return STA13;
	default: /* AE1 */
		return STA4;
	}
}

/* DT-1, DT-2, AR-1 to AR-10 (tables 9-7 and 9-8). */
static enum dul_state act_established(struct assoc *a, enum dul_action action,
				      const struct cause *c)
{
	switch (action) {
	case DT2:
	case AR6:
		tell(a, DUL_PDV);
		a->pending.pdv = c->pdv;
		return a->state;
	case AR1:
		pdu_write_release_rq(&a->control);
		assoc_out_queued(a);
		return STA7;
	case AR2:
		tell(a, DUL_RELEASE_REQUEST);
		return STA8;
	case AR3:
		end(a, DUL_RELEASED, false, c);
		return STA1;
	case AR4:
		pdu_write_release_rp(&a->control);
		assoc_out_queued(a);
		end(a, DUL_RELEASED, false, c);
		return STA13;
	case AR5:
		return STA1;
	case AR8:
		return a->requestor ? STA9 : STA10;
	case AR9:
		pdu_write_release_rp(&a->control);
		assoc_out_queued(a);
		return STA11;
	case AR10:
		return STA12;
	default: /* DT1, AR7: assoc_send has put the data where it goes out */
		return a->state;
	}
}

/* AA-1 to AA-8 (table 9-9). */
static enum dul_state act_abort(struct assoc *a, enum dul_action action, enum dul_event event,
				const struct cause *c)
{
	switch (action) {
	case AA1:
	case AA8:
		send_abort(a, c);
		end(a, DUL_ABORTED, true, c);
		return STA13;
	case AA2:
		assoc_out_drop(a);
		end(a, event == EVT_ARTIM ? DUL_TIMEOUT : DUL_ABORTED, event != EVT_ABORT, c);
		return STA1;
	case AA3:
		assoc_out_drop(a);
		end(a, DUL_ABORTED, false, c);
		return STA1;
	case AA4:
	case AA5:
		end(a, DUL_CLOSED, !a->in_shut, c);
		return STA1;
	case AA7: /* again, unless the first one is still waiting or nothing can go any more */
		if (!assoc_out_pending(a))
			send_abort(a, c);
		return STA13;
	default: /* AA6 */
		return STA13;
	}
}

static enum dul_action apply(struct assoc *a, enum dul_event event, const struct cause *c)
{
	enum dul_action action = table_action(event, a->state);

	if (action == NIL)
		return NIL; /* a primitive that comes too late */
	if (action >= AA1)
		enter(a, act_abort(a, action, event, c));
	else if (action >= DT1)
		enter(a, act_established(a, action, c));
	else
		enter(a, act_associate(a, action, c));
	return action;
}

void assoc_event(struct assoc *a, enum dul_event event, const struct cause *c)
{
	enum dul_action action = apply(a, event, c);

	/* Release collision: this side has asked for the release too, so its user agrees. */
	if ((action == AR8 && a->state == STA9) || action == AR10)
		apply(a, EVT_RELEASE_RESPONSE, c);
}

/* ---- Beginning and end ---- */

static const struct cause no_cause;

static void init(struct assoc *a, const struct assoc_limits *limits, uint8_t *in, size_t size,
		 uint64_t now)
{
	assert(limits->pdu_max <= LIMIT_PDU && size >= limits->pdu_max + DUL_HEADER);
	assert(limits->send_max >= LEAST_PEER_MAX);
	memset(a, 0, sizeof(*a));
	a->limits = *limits;
	a->in = in;
	a->size = size;
	a->now = now;
	a->state = STA1;
	a->control = BUF_INIT(LIMIT_PDU);
}

void assoc_accept_init(struct assoc *a, const struct assoc_limits *limits, uint8_t *in, size_t size,
		       uint64_t now)
{
	init(a, limits, in, size, now);
	assoc_event(a, EVT_ACCEPTED_TRANSPORT, &no_cause);
}

void assoc_request_init(struct assoc *a, const struct assoc_limits *limits, uint8_t *in,
			size_t size, const struct dul_request *r, uint64_t now)
{
	init(a, limits, in, size, now);
	a->requestor = true;
	a->request = *r;
	a->receive_max = r->user.has_max_pdu ? r->user.max_pdu : 0;
	assoc_event(a, EVT_CONNECT_REQUEST, &no_cause);
	assoc_event(a, EVT_CONNECTED, &no_cause);
}

void assoc_free(struct assoc *a)
{
	buf_free(&a->control);
	a->control_sent = 0;
	a->data.open = false;
}

/* ---- The driver's side ---- */

unsigned assoc_wants(const struct assoc *a)
{
	bool writing = assoc_out_pending(a);
	size_t used = assoc_parseable(a) ? a->end : a->end - a->start;
	unsigned wants = 0;

	if (writing)
		wants |= ASSOC_WRITE;
	if (a->pending.kind != 0)
		wants |= ASSOC_INDICATION;
	if (a->state == STA1)
		return wants | (writing ? 0 : ASSOC_CLOSE);

	if (!a->in_shut && used < a->size)
		wants |= ASSOC_READ;
	if (assoc_parseable(a) || a->in_shut)
		wants |= ASSOC_INDICATION;
	if (a->state == STA13 && !writing && !a->out_shut)
		wants |= ASSOC_HALF_CLOSE;
	return wants;
}

bool assoc_next(struct assoc *a, struct dul_ind *out)
{
	while (a->pending.kind == 0 && assoc_parseable(a))
		assoc_step(a);
	if (a->pending.kind == 0 && a->in_shut) {
		bool within = a->type != 0 || a->start < a->end;
		struct cause c = {.text = within ? "in the middle of a PDU" : NULL};

		assoc_event(a, EVT_CLOSED, &c);
	}
	if (a->pending.kind == 0)
		return false;
	*out = a->pending;
	out->notes = a->notes & ~a->notes_told;
	a->notes_told |= a->notes;
	a->pending.kind = 0;
	return true;
}

/* ---- Time ---- */

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return b != 0 && b < a ? b : a;
}

uint64_t assoc_deadline(const struct assoc *a)
{
	uint64_t by = UINT64_MAX;

	if (a->state == STA1) /* only what is still going out */
		return assoc_out_pending(a) ? sooner(by, a->out_by) : by;
	if (a->state == STA13)
		return sooner(by, a->state_by);
	if (a->pending.kind != 0 || assoc_parseable(a))
		return by; /* it is the user's turn */
	by = sooner(sooner(by, a->state_by), a->out_by);
	if (a->state != STA3)
		by = sooner(by, a->pdu_by);
	if (a->pdu_by == 0 && a->out_by == 0)
		by = sooner(by, a->idle_by);
	return by;
}

static const char *overdue(const struct assoc *a)
{
	if (a->state == STA2)
		return "no association was requested in time";
	if (a->state_by != 0 && a->now >= a->state_by)
		return a->state == STA5 ? "no answer to the association request"
					: "no answer to the release request";
	if (a->out_by != 0 && a->now >= a->out_by)
		return "the peer does not take what is sent";
	if (a->pdu_by != 0 && a->now >= a->pdu_by)
		return "a PDU was begun and not ended in time";
	return "the peer was silent";
}

void assoc_tick(struct assoc *a, uint64_t now)
{
	assoc_now(a, now);
	if (a->now < assoc_deadline(a))
		return;

	struct cause c = {.source = DUL_BY_USER, .text = overdue(a)};
	if (a->state == STA1) {
		assoc_out_shut(a);
		return;
	}
	if (a->state != STA13)
		end(a, DUL_TIMEOUT, true, &c);
	assoc_event(a, a->state == STA2 || a->state == STA13 ? EVT_ARTIM : EVT_ABORT_REQUEST, &c);
}

static void shift(uint64_t *by, uint64_t ms)
{
	if (*by != 0)
		*by = assoc_later(*by, ms);
}

void assoc_resume(struct assoc *a, uint64_t now)
{
	uint64_t away = now > a->now ? now - a->now : 0;

	assoc_now(a, now);
	shift(&a->pdu_by, away);
	shift(&a->out_by, away);
	shift(&a->idle_by, away);
	if (a->state >= STA7 && a->state <= STA12)
		shift(&a->state_by, away);
}

/* ---- The user's side ---- */

/* PS3.8 annex D.1: what the peer can receive limits what is sent. */
static void set_send_piece(struct assoc *a, const struct dul_user_info *peer)
{
	uint32_t max = !peer->has_max_pdu   ? DUL_SEND_DEFAULT
		       : peer->max_pdu == 0 ? a->limits.send_max
					    : peer->max_pdu;

	max = max > a->limits.send_max ? a->limits.send_max : max;
	a->send_piece = (max - DUL_PDV_HEADER) & ~1u;
}

bool assoc_peer_max_ok(const struct dul_user_info *peer)
{
	return !peer->has_max_pdu || peer->max_pdu == 0 || peer->max_pdu >= LEAST_PEER_MAX;
}

static void agree(struct assoc *a, const struct dul_user_info *peer)
{
	for (unsigned i = 0; i < a->answer.context_count; i++)
		if (a->answer.context[i].result == DUL_ACCEPTANCE)
			a->accepted[a->answer.context[i].id] = true;
	set_send_piece(a, peer);
}

void assoc_agree_requestor(struct assoc *a)
{
	struct dul_answer *got = &a->answer;

	for (unsigned i = 0; i < got->context_count; i++) {
		const struct dul_context *c = dul_context_of(&a->request, got->context[i].id);
		bool proposed = false;

		for (unsigned k = 0; c != NULL && k < c->syntax_count; k++)
			proposed |= uid_eq(dul_syntax(&a->request, c, k),
					   &got->context[i].transfer_syntax);
		if (got->context[i].result == DUL_ACCEPTANCE && !proposed) {
			got->context[i].result = DUL_NO_REASON;
			got->context[i].transfer_syntax = (struct uid){0};
			got->notes |= DUL_NOTE_NOT_PROPOSED;
		}
	}
	agree(a, &got->user);
}

void assoc_answer(struct assoc *a, const struct dul_answer *answer)
{
	struct cause c = {.result = answer->refused.result,
			  .source = answer->refused.source,
			  .reason = answer->refused.reason};

	if (a->state != STA3)
		return;
	/* the views of the request have been looked at by now */
	a->request.identity = (struct dul_identity){0};
	a->request.user.extended_count = 0;
	if (a->pdu_by != 0) /* pipelined: it has waited for us */
		a->pdu_by = assoc_later(a->now, a->limits.pdu_ms);
	if (c.result != 0) {
		c.text = dul_reject_text(c.source, c.reason);
		assoc_event(a, EVT_REJECT_RESPONSE, &c);
		return;
	}
	a->answer = *answer;
	a->receive_max = answer->user.has_max_pdu ? answer->user.max_pdu : 0;
	agree(a, &a->request.user);
	assoc_event(a, EVT_ACCEPT_RESPONSE, &c);
}

void assoc_release(struct assoc *a)
{
	assert(!a->data.open);
	assoc_event(a, EVT_RELEASE_REQUEST, &no_cause);
}

void assoc_release_response(struct assoc *a)
{
	assert(!a->data.open);
	if (a->state == STA8)
		assoc_event(a, EVT_RELEASE_RESPONSE, &no_cause);
}

void assoc_abort(struct assoc *a, uint8_t source, uint8_t reason)
{
	struct cause c = {.source = source, .reason = reason};

	if (source == DUL_BY_PROVIDER)
		c.text = dul_abort_text(source, reason);
	if (a->state == STA2)
		assoc_event(a, EVT_CLOSED, &c); /* there is nothing to abort yet */
	else
		assoc_event(a, EVT_ABORT_REQUEST, &c);
}

void assoc_set_idle(struct assoc *a, uint64_t idle_ms)
{
	a->limits.idle_ms = idle_ms;
	if (a->idle_by != 0)
		a->idle_by = assoc_later(a->now, idle_ms);
}
