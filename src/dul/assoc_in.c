/*
 * What comes in: bytes to events.
 *
 * assoc_step takes one thing from the input: a PDU's header, a PDV's header with the part of its
 * fragment that is there, or the body of another PDU, which must be there whole.  A PDU that table
 * 9-10 answers with an abort, or whose length cannot be, is answered at its header: its body, which
 * may never come, is then thrown away.
 */
#include <assert.h>
#include <string.h>

#include "dul/assoc_int.h"

#define SHORT_BODY 4u /* of A-ASSOCIATE-RJ, A-RELEASE-RQ, A-RELEASE-RP, A-ABORT */

static size_t available(const struct assoc *a)
{
	return a->end - a->start;
}

/* The next PDU is an A-ABORT, and here: it is seen before what the user has to do first. */
static bool abort_waits(const struct assoc *a)
{
	if (a->type != 0)
		return a->type == PDU_ABORT;
	return available(a) >= DUL_HEADER + SHORT_BODY && a->in[a->start] == PDU_ABORT;
}

bool assoc_parseable(const struct assoc *a)
{
	size_t there = available(a);

	if (a->state == STA1 || (a->state == STA3 && !abort_waits(a)))
		return false;
	if (a->lost || a->skipping)
		return there > 0;
	if (a->type == 0)
		return there >= DUL_HEADER;
	if (a->type != PDU_DATA_TF)
		return there >= a->left;
	if (a->pdv_open)
		return there > 0;
	return there >= DUL_PDV_HEADER || a->left < DUL_PDV_HEADER;
}

bool assoc_more(const struct assoc *a)
{
	size_t there = available(a);
	const uint8_t *at = a->in + a->start;

	if (a->pending.kind != 0)
		return true;
	if (a->lost || a->skipping || (a->state != STA6 && a->state != STA7))
		return false;
	if (a->pdv_open)
		return there > 0;
	if (a->type == 0) {
		/* an empty PDU gives no indication, and what follows it may not be here */
		if (there < DUL_HEADER || at[0] != PDU_DATA_TF || get_u32be(at + 2) == 0)
			return false;
		there -= DUL_HEADER;
	} else if (a->type != PDU_DATA_TF) {
		return false;
	}
	return there > DUL_PDV_HEADER;
}

/* The PDU has been done with. */
static void pdu_done(struct assoc *a)
{
	assert(a->left == 0 && !a->pdv_open);
	a->type = 0;
	a->skipping = false;
	a->pdu_by = available(a) > 0 ? assoc_later(a->now, a->limits.pdu_ms) : 0;
	if (a->idle_by != 0)
		a->idle_by = assoc_later(a->now, a->limits.idle_ms);
}

static void consume(struct assoc *a, size_t n)
{
	assert(n <= available(a) && n <= a->left);
	a->start += n;
	a->left -= (uint32_t)n;
}

/* Table 9-10's event 19, or another event that is answered by an abort. */
static void refuse(struct assoc *a, enum dul_event event, uint8_t reason, const char *text)
{
	struct cause c = {.source = DUL_BY_PROVIDER, .reason = reason, .text = text};

	assoc_event(a, event, &c);
}

static void invalid(struct assoc *a, const char *text)
{
	refuse(a, EVT_INVALID, DUL_INVALID_PARAMETER, text);
	a->skipping = true; /* the PDU's own length may still be right */
	a->pdv_open = false;
}

static enum dul_event event_of(uint8_t type)
{
	static const uint8_t events[] = {
		[PDU_ASSOCIATE_RQ] = EVT_RQ,       [PDU_ASSOCIATE_AC] = EVT_AC,
		[PDU_ASSOCIATE_RJ] = EVT_RJ,       [PDU_DATA_TF] = EVT_DATA,
		[PDU_RELEASE_RQ] = EVT_RELEASE_RQ, [PDU_RELEASE_RP] = EVT_RELEASE_RP,
		[PDU_ABORT] = EVT_ABORT,
	};

	return type == 0 || type >= sizeof(events) ? EVT_INVALID : (enum dul_event)events[type];
}

/* ---- Headers of PDUs ---- */

/* After the last indication: PDUs are only counted off (AA-6, AA-7), an A-ABORT ends it (AA-2). */
static void header_after_end(struct assoc *a, enum dul_event event)
{
	if (event == EVT_INVALID)
		a->lost = true;
	a->skipping = true;
	refuse(a, event, event == EVT_INVALID ? DUL_UNRECOGNIZED_PDU : DUL_UNEXPECTED_PDU, NULL);
}

static void header_length(struct assoc *a, enum dul_event event)
{
	bool associate = event == EVT_RQ || event == EVT_AC;

	if (event == EVT_DATA) {
		if (a->left > a->limits.pdu_max)
			invalid(a, "a P-DATA-TF is longer than any that is taken");
		else if (a->receive_max != 0 && a->left > a->receive_max)
			a->notes |= DUL_NOTE_OVER_MAX;
		if (a->left == 0)
			a->notes |= DUL_NOTE_NO_PDV;
	} else if (associate && a->left > a->limits.pdu_max) {
		invalid(a, "an A-ASSOCIATE PDU is longer than any that is taken");
	} else if (associate && a->left < DUL_ASSOCIATE_FIXED) {
		invalid(a, "an A-ASSOCIATE PDU is shorter than its fixed part");
	} else if (!associate && a->left != SHORT_BODY) {
		invalid(a, "a PDU of four bytes has another length");
	}
}

static void step_header(struct assoc *a)
{
	const uint8_t *at = a->in + a->start;
	enum dul_event event = event_of(at[0]);
	enum dul_action action = table_action(event, a->state);

	a->type = at[0];
	a->left = get_u32be(at + 2);
	a->start += DUL_HEADER;
	if (a->state == STA13) {
		header_after_end(a, event);
	} else if (event == EVT_INVALID) {
		a->lost = true;
		refuse(a, event, DUL_UNRECOGNIZED_PDU, "an unrecognized PDU");
	} else if (action == AA1 || action == AA8) {
		a->skipping = true;
		refuse(a, event, DUL_UNEXPECTED_PDU, "an unexpected PDU");
	} else {
		header_length(a, event);
	}
	if (a->left == 0 && !a->lost)
		pdu_done(a);
}

/* ---- P-DATA-TF ---- */

static void step_pdv_header(struct assoc *a)
{
	size_t len = a->left < DUL_PDV_HEADER ? 0 : DUL_PDV_HEADER;
	struct fault f;
	enum err e = pdv_header(bytes_of(a->in + a->start, len), a->left, &a->pdv, &f);

	if (e != OK) {
		invalid(a, f.text);
		return;
	}
	if (!a->accepted[a->pdv.context_id]) {
		invalid(a, "a PDV on a presentation context that was not accepted");
		return;
	}
	if (a->pdv.len % 2 != 0)
		a->notes |= DUL_NOTE_ODD_PDV;
	consume(a, DUL_PDV_HEADER);
	a->pdv_left = a->pdv.len;
	a->pdv_open = true;
}

/* As much of the fragment as is there: an indication of its own. */
static void step_fragment(struct assoc *a)
{
	size_t n = available(a) < a->pdv_left ? available(a) : a->pdv_left;
	struct cause c = {.pdv = {.context_id = a->pdv.context_id,
				  .command = a->pdv.command,
				  .last = a->pdv.last && n == a->pdv_left,
				  .fragment = bytes_of(a->in + a->start, n)}};

	if (n == 0 && a->pdv_left > 0)
		return;
	consume(a, n);
	a->pdv_left -= (uint32_t)n;
	if (a->pdv_left == 0)
		a->pdv_open = false;
	if (a->left == 0)
		pdu_done(a);
	assoc_event(a, EVT_DATA, &c);
}

/* ---- The other PDUs ---- */

static enum err body_rq(struct assoc *a, struct bytes body, struct fault *f)
{
	enum err e = pdu_parse_rq(body, &a->request, f);

	if (e == OK && !assoc_peer_max_ok(&a->request.user))
		e = fault_set(f, ERR_WIRE, "a maximum length that leaves no room for data", 0);
	if (e == OK)
		a->notes |= a->request.notes;
	return e;
}

static enum err body_ac(struct assoc *a, struct bytes body, struct fault *f)
{
	enum err e = pdu_parse_ac(body, &a->answer, f);

	if (e == OK && !assoc_peer_max_ok(&a->answer.user))
		e = fault_set(f, ERR_WIRE, "a maximum length that leaves no room for data", 0);
	if (e == OK) {
		assoc_agree_requestor(a);
		a->notes |= a->answer.notes;
	}
	return e;
}

static void step_body(struct assoc *a)
{
	struct bytes body = bytes_of(a->in + a->start, a->left);
	enum dul_event event = event_of(a->type);
	struct cause c = {0};
	struct fault f = {0};
	enum err e;

	switch (event) {
	case EVT_RQ:
		e = body_rq(a, body, &f);
		break;
	case EVT_AC:
		e = body_ac(a, body, &f);
		break;
	case EVT_RJ:
		e = pdu_parse_rj(body, &c.result, &c.source, &c.reason, &f);
		c.text = e == OK ? dul_reject_text(c.source, c.reason) : NULL;
		break;
	case EVT_ABORT:
		e = pdu_parse_abort(body, &c.source, &c.reason, &f);
		c.text = e == OK ? dul_abort_text(c.source, c.reason) : NULL;
		break;
	default:
		e = pdu_parse_release(body, &f);
		break;
	}
	consume(a, body.len);
	pdu_done(a);
	if (e == OK)
		assoc_event(a, event, &c);
	else
		refuse(a, EVT_INVALID, DUL_INVALID_PARAMETER, f.text);
}

/* ---- All of it ---- */

void assoc_step(struct assoc *a)
{
	if (a->lost) {
		a->start = a->end;
	} else if (a->skipping) {
		consume(a, available(a) < a->left ? available(a) : a->left);
		if (a->left == 0)
			pdu_done(a);
	} else if (a->type == 0) {
		step_header(a);
	} else if (a->type != PDU_DATA_TF) {
		step_body(a);
	} else {
		if (!a->pdv_open)
			step_pdv_header(a);
		if (a->pdv_open)
			step_fragment(a);
	}
}

void assoc_drain(struct assoc *a)
{
	while (assoc_parseable(a))
		assoc_step(a);
	if (a->state == STA1)
		a->start = a->end;
}

uint8_t *assoc_in_buf(struct assoc *a, size_t *room)
{
	if (a->start == a->end) {
		a->start = a->end = 0;
	} else if (a->start > 0 && !assoc_parseable(a)) {
		memmove(a->in, a->in + a->start, available(a));
		a->end = available(a);
		a->start = 0;
	}
	*room = a->size - a->end;
	return a->in + a->end;
}

void assoc_in_ack(struct assoc *a, size_t n, uint64_t now)
{
	assert(n <= a->size - a->end && !a->in_shut);
	assoc_now(a, now);
	a->end += n;
	if (a->pdu_by == 0 && available(a) > 0)
		a->pdu_by = assoc_later(a->now, a->limits.pdu_ms);
	if (a->state == STA13 || a->state == STA1)
		assoc_drain(a);
	else if (a->data.open && abort_waits(a))
		assoc_out_drop(a); /* it will not be taken any more; and nobody would look here */
}

void assoc_in_closed(struct assoc *a, uint64_t now)
{
	struct cause c = {0};

	assoc_now(a, now);
	a->in_shut = true;
	if (a->state == STA13)
		assoc_event(a, EVT_CLOSED, &c);
}
