#include "support/pair.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCU, SCP };

void pair_word(struct pair *p, const char *fmt, ...)
{
	char text[400];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	buf_fmt(&p->log, "%s%s", p->log.len > 0 ? " " : "", text);
}

const char *pair_words(struct pair *p)
{
	static char out[8192];

	snprintf(out, sizeof(out), "%s", p->log.at == NULL ? "" : (const char *)p->log.at);
	buf_free(&p->log);
	return out;
}

/* ---- The acceptor ---- */

static void hear(struct pair *p, const struct dul_pdv *pdv)
{
	struct message_event ev = message_feed(&p->message, pdv);

	ck_assert(ev.kind != MESSAGE_BROKEN);
	if (ev.kind == MESSAGE_DATA)
		buf_add(&p->data, ev.data);
	if (ev.kind != MESSAGE_COMMAND)
		return;
	p->heard = *ev.command;
	p->heard_count++;
}

static void accept_event(struct pair *p, const struct scp_event *ev)
{
	const struct dimse_reply success = dimse_reply_of(DIMSE_SUCCESS, NULL);

	if (ev->kind == SCP_DATA)
		buf_add(&p->data, ev->data);
	if (ev->kind == SCP_BROKEN) {
		pair_word(p, "BROKEN(%u/%u)", ev->source, ev->reason);
		assoc_abort(&p->a[SCP], ev->source, ev->reason);
	} else if (p->on_event != NULL) {
		p->on_event(p, ev);
	} else if (ev->kind == SCP_DATA && ev->last) {
		scp_answer(&p->scp, &success);
	}
}

static void accept_ind(struct pair *p, const struct dul_ind *ind)
{
	struct scp_event ev;

	switch (ind->kind) {
	case DUL_ASSOCIATE_REQUEST:
		assoc_answer(&p->a[SCP], &p->answer);
		break;
	case DUL_PDV:
		if (p->raw == PAIR_ACCEPTOR) {
			hear(p, &ind->pdv);
			break;
		}
		ev = scp_feed(&p->scp, &ind->pdv);
		accept_event(p, &ev);
		break;
	case DUL_RELEASE_REQUEST:
		assoc_release_response(&p->a[SCP]);
		break;
	case DUL_ABORTED:
		if (!ind->ours)
			pair_word(p, "ABORTED(%u/%u)", ind->source, ind->reason);
		break;
	default:
		break;
	}
}

/* ---- The requestor ---- */

static void request_ind(struct pair *p, const struct dul_ind *ind)
{
	struct scu_event ev;

	switch (ind->kind) {
	case DUL_ASSOCIATE_ACCEPTED:
		p->answer = *ind->answer;
		p->accepted = true;
		break;
	case DUL_PDV:
		if (p->raw == PAIR_REQUESTOR) {
			hear(p, &ind->pdv);
			break;
		}
		ev = scu_feed(&p->scu, &ind->pdv);
		if (ev.kind == SCU_BROKEN) {
			pair_word(p, "broken(%u/%u)", ev.source, ev.reason);
			assoc_abort(&p->a[SCU], ev.source, ev.reason);
		} else if (p->on_response != NULL) {
			p->on_response(p, &ev);
		} else if (ev.kind == SCU_RESPONSE) {
			pair_word(p, "%04X", ev.command->status);
		}
		break;
	case DUL_ABORTED:
		if (!ind->ours)
			pair_word(p, "aborted(%u/%u)", ind->source, ind->reason);
		break;
	default:
		break;
	}
}

/* ---- Bytes ---- */

/* What `from` has to say, at most a chunk of it, to the other. */
static bool move(struct pair *p, int from)
{
	struct bytes views[3];
	struct assoc *a = &p->a[from], *b = &p->a[1 - from];
	size_t count, most = p->chunk == 0 ? SIZE_MAX : p->chunk, n = 0, room;
	uint8_t *to;

	if ((assoc_wants(a) & ASSOC_HALF_CLOSE) != 0) {
		assoc_out_shut(a);
		assoc_in_closed(b, p->now);
		return true;
	}
	if ((assoc_wants(a) & ASSOC_WRITE) == 0)
		return false;
	if ((assoc_wants(b) & ASSOC_READ) == 0)
		return false;
	to = assoc_in_buf(b, &room);
	most = most < room ? most : room;
	count = assoc_out_views(a, views, 3);
	for (size_t i = 0; i < count && n < most; i++) {
		size_t len = views[i].len < most - n ? views[i].len : most - n;

		memcpy(to + n, views[i].at, len);
		n += len;
	}
	ck_assert_uint_gt(n, 0);
	assoc_out_ack(a, n, p->now);
	assoc_in_ack(b, n, p->now);
	return true;
}

/* Indications of one side, but none for an acceptor that cannot answer yet. */
static bool indicate(struct pair *p, int side)
{
	struct dul_ind ind;

	if ((assoc_wants(&p->a[side]) & ASSOC_INDICATION) == 0)
		return false;
	if (side == SCP && (assoc_wants(&p->a[SCP]) & ASSOC_WRITE) != 0)
		return false;
	if (assoc_next(&p->a[side], &ind)) {
		if (side == SCU)
			request_ind(p, &ind);
		else
			accept_ind(p, &ind);
	}
	return true;
}

void pair_run(struct pair *p)
{
	for (;;) {
		if (indicate(p, SCU) || indicate(p, SCP))
			continue;
		if (p->accepted && scu_pump(&p->scu))
			continue;
		bool moved = move(p, SCU);
		if (!move(p, SCP) && !moved)
			return;
	}
}

/* ---- Beginning and end ---- */

static void negotiate_answer(struct pair *p, const struct storage_classes *classes,
			     const char *without, uint32_t max_pdu)
{
	static const char *const all[] = {"1.2.840.10008.1.2.1", "1.2.840.10008.1.2",
					  "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99",
					  "1.2.840.10008.1.2.4.70"};
	struct uid syntaxes[5];
	struct dul_policy policy = {
		.user = (void *)(uintptr_t)classes,
		.supports = storage_supports,
		.syntaxes = syntaxes,
		.max_pdu = max_pdu,
		.implementation_class = "1.2.3",
		.implementation_version = "TEST",
	};

	for (unsigned i = 0; i < 5; i++)
		if (without == NULL || strcmp(without, all[i]) != 0)
			uid_set(&syntaxes[policy.syntax_count++], bytes_str(all[i]));
	negotiate(&p->request, &policy, &p->answer);
}

void pair_open(struct pair *p, size_t chunk, const struct dul_request *r,
	       const struct storage_classes *classes, const char *without, uint32_t max_pdu)
{
	memset(p, 0, sizeof(*p));
	p->chunk = chunk;
	message_init(&p->message);
	p->request = *r;
	p->log = BUF_INIT(1u << 20);
	p->data = BUF_INIT(16u << 20);
	for (int i = 0; i < 2; i++) {
		p->in[i] = malloc(ASSOC_IN_SIZE);
		ck_assert_ptr_nonnull(p->in[i]);
	}
	assoc_request_init(&p->a[SCU], &ASSOC_LIMITS_DEFAULT, p->in[SCU], ASSOC_IN_SIZE,
			   &p->request, 0);
	assoc_accept_init(&p->a[SCP], &ASSOC_LIMITS_DEFAULT, p->in[SCP], ASSOC_IN_SIZE, 0);
	negotiate_answer(p, classes, without, max_pdu);
	scp_init(&p->scp, &p->a[SCP], &p->request, &p->answer, classes);
	scu_init(&p->scu, &p->a[SCU], &p->request, &p->answer);
	pair_run(p);
	ck_assert(p->accepted);
}

void pair_close(struct pair *p)
{
	scu_free(&p->scu);
	scp_free(&p->scp);
	for (int i = 0; i < 2; i++) {
		assoc_free(&p->a[i]);
		free(p->in[i]);
	}
	buf_free(&p->log);
	buf_free(&p->data);
}
