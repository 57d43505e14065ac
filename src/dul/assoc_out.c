/*
 * What goes out: the P-DATA-TFs of one assoc_send, cut as they are asked for, and then the other
 * PDUs
 * (`control`).  A head is made when its place comes; the payload stays where it is.
 */
#include <assert.h>
#include <string.h>

#include "dul/assoc_int.h"

#define HEAD (DUL_HEADER + DUL_PDV_HEADER)

/* A place in the output: struct assoc's, or one that runs ahead of it. */
struct cursor {
	size_t view, view_at;
	uint64_t sent;
	size_t head_sent;
};

/* Where the payload ends of the PDU that a place lies in: every one but the last is full. */
static uint64_t pdu_end(const struct assoc *a, uint64_t sent)
{
	uint64_t begin = sent - sent % a->send_piece;

	return a->data.total - begin < a->send_piece ? a->data.total : begin + a->send_piece;
}

bool assoc_out_pending(const struct assoc *a)
{
	return !a->out_shut && (a->data.open || a->control_sent < a->control.len);
}

void assoc_out_queued(struct assoc *a)
{
	assert(!a->control.failed);
	if (a->cut || a->out_shut)
		assoc_out_drop(a);
	else if (a->out_by == 0)
		a->out_by = assoc_later(a->now, a->limits.pdu_ms);
}

void assoc_out_drop(struct assoc *a)
{
	if (a->data.open && a->data.head_sent > 0)
		a->cut = true;
	if (a->control_sent > 0 && a->control_sent < a->control.len)
		a->cut = true;
	a->data.open = false;
	a->control.len = a->control_sent = 0;
	a->out_by = 0;
}

void assoc_out_shut(struct assoc *a)
{
	a->out_shut = true;
	assoc_out_drop(a);
}

size_t assoc_send_max(const struct assoc *a)
{
	return a->send_piece;
}

bool assoc_can_send(const struct assoc *a)
{
	return !a->ended && (a->state == STA6 || a->state == STA8) && !assoc_out_pending(a) &&
	       !a->out_shut;
}

void assoc_send(struct assoc *a, uint8_t context_id, bool command, bool last,
		const struct bytes *views, size_t count)
{
	uint64_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += views[i].len;
	assert(total % 2 == 0 && !a->data.open);
	if (table_action(EVT_DATA_REQUEST, a->state) == NIL || a->ended || a->out_shut)
		return; /* too late */
	assert(a->accepted[context_id]);
	a->data.open = true;
	a->data.views = views;
	a->data.view_count = count;
	a->data.view = a->data.view_at = 0;
	a->data.total = total;
	a->data.sent = 0;
	a->data.head_sent = 0;
	a->data.context_id = context_id;
	a->data.command = command;
	a->data.last = last;
	assoc_out_queued(a);
}

/* Payload from the cursor on, `left` bytes of it at most; how many views. */
static size_t payload_views(const struct assoc *a, struct cursor *c, uint64_t left,
			    struct bytes *views, size_t max)
{
	size_t n = 0;

	while (left > 0 && n < max) {
		struct bytes v = a->data.views[c->view];
		size_t len = v.len - c->view_at;

		if (len == 0) {
			c->view++;
			c->view_at = 0;
			continue;
		}
		len = len > left ? (size_t)left : len;
		views[n++] = bytes_of(v.at + c->view_at, len);
		c->view_at += len;
		c->sent += len;
		left -= len;
	}
	return n;
}

size_t assoc_out_views(struct assoc *a, struct bytes *views, size_t max)
{
	struct cursor c = {a->data.view, a->data.view_at, a->data.sent, a->data.head_sent};
	size_t n = 0, head = 0;
	bool more = a->data.open;

	if (a->out_shut)
		return 0;
	while (more && n < max && head < sizeof(a->heads) / sizeof(a->heads[0])) {
		uint64_t to = pdu_end(a, c.sent);

		if (c.head_sent < HEAD) {
			pdu_data_head(a->heads[head], a->data.context_id, a->data.command,
				      a->data.last && to == a->data.total, (uint32_t)(to - c.sent));
			views[n++] = bytes_of(a->heads[head++] + c.head_sent, HEAD - c.head_sent);
			c.head_sent = HEAD;
		}
		n += payload_views(a, &c, to - c.sent, views + n, max - n);
		if (c.sent < to)
			return n;
		c.head_sent = 0;
		more = c.sent < a->data.total;
	}
	if (!more && n < max && a->control_sent < a->control.len)
		views[n++] =
			bytes_of(a->control.at + a->control_sent, a->control.len - a->control_sent);
	return n;
}

/* So many bytes of payload have gone. */
static void advance(struct assoc *a, uint64_t n)
{
	a->data.sent += n;
	while (n > 0) {
		uint64_t len = a->data.views[a->data.view].len - a->data.view_at;

		if (n < len) {
			a->data.view_at += (size_t)n;
			return;
		}
		n -= len;
		a->data.view++;
		a->data.view_at = 0;
	}
}

/* Takes from n what belongs to the current P-DATA-TF. */
static void ack_data(struct assoc *a, size_t *n)
{
	uint64_t to = pdu_end(a, a->data.sent);
	size_t len = HEAD - a->data.head_sent;

	len = len < *n ? len : *n;
	a->data.head_sent += len;
	*n -= len;
	if (a->data.head_sent < HEAD)
		return;

	len = to - a->data.sent < *n ? (size_t)(to - a->data.sent) : *n;
	advance(a, len);
	*n -= len;
	if (a->data.sent < to)
		return;
	a->data.head_sent = 0;
	a->data.open = a->data.sent < a->data.total;
	a->out_by = assoc_later(a->now, a->limits.pdu_ms);
}

void assoc_out_ack(struct assoc *a, size_t n, uint64_t now)
{
	assoc_now(a, now);
	while (a->data.open && n > 0)
		ack_data(a, &n);
	assert(n <= a->control.len - a->control_sent);
	a->control_sent += n;
	if (a->control_sent == a->control.len)
		a->control.len = a->control_sent = 0;
	if (assoc_out_pending(a))
		return;
	a->out_by = 0;
	if (a->idle_by != 0)
		a->idle_by = assoc_later(a->now, a->limits.idle_ms);
}
