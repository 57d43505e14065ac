#include "dimse/scu.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_MAX 1024u /* a command of ours */
#define ANSWER_MAX (2 * LIMIT_COMMAND)

/* ---- Proposals ---- */

bool scu_propose_one(struct dul_request *r, const struct uid *abstract_syntax,
		     const char *transfer_syntax)
{
	struct uid syntax;

	return uid_set(&syntax, bytes_str(transfer_syntax)) &&
	       dul_request_add(r, abstract_syntax, &syntax, 1) != 0;
}

/* Is there a context for this class and this syntax alone? */
static bool proposed(const struct dul_request *r, const struct uid *abstract, const char *syntax)
{
	for (unsigned i = 0; i < r->context_count; i++) {
		const struct dul_context *c = &r->context[i];

		if (c->syntax_count == 1 && uid_eq(&c->abstract_syntax, abstract) &&
		    strcmp(dul_syntax(r, c, 0)->text, syntax) == 0)
			return true;
	}
	return false;
}

/* Can objects in this syntax be re-encoded for a peer that does not take it? */
static bool convertible(const char *uid)
{
	const struct syntax *s = syntax_find(bytes_str(uid));

	return s != NULL && transcode_possible(s, &syntax_explicit_le);
}

/* The syntaxes in which an object may be sent, the best first; how many of out[3]. */
static unsigned candidates(const struct uid *own, const char *out[3])
{
	unsigned count = 0;

	out[count++] = own->text;
	if (!convertible(own->text))
		return count;
	if (strcmp(own->text, syntax_explicit_le.uid) != 0)
		out[count++] = syntax_explicit_le.uid;
	if (strcmp(own->text, syntax_implicit_le.uid) != 0)
		out[count++] = syntax_implicit_le.uid;
	return count;
}

size_t scu_propose(struct dul_request *r, const struct scu_wanted *wanted, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *syntax[3];
		unsigned n = candidates(&wanted[i].syntax, syntax), missing = 0;

		for (unsigned k = 0; k < n; k++)
			missing += !proposed(r, &wanted[i].sop_class, syntax[k]);
		if (missing > DUL_CONTEXTS - r->context_count)
			return i;
		for (unsigned k = 0; k < n; k++)
			if (!proposed(r, &wanted[i].sop_class, syntax[k]) &&
			    !scu_propose_one(r, &wanted[i].sop_class, syntax[k]))
				return i; /* over 128 transfer syntaxes in all */
	}
	return count;
}

static uint8_t refusal_of(const struct dul_request *r, const struct dul_answer *a,
			  const struct uid *sop_class)
{
	uint8_t best = 0;

	for (unsigned i = 0; i < a->context_count; i++) {
		const struct dul_context *c = dul_context_of(r, a->context[i].id);

		if (c != NULL && uid_eq(&c->abstract_syntax, sop_class) &&
		    a->context[i].result > best)
			best = a->context[i].result;
	}
	return best;
}

struct scu_choice scu_choose(const struct dul_request *r, const struct dul_answer *a,
			     const struct uid *sop_class, const struct uid *syntax)
{
	const char *wanted[3];
	unsigned n = candidates(syntax, wanted);

	for (unsigned k = 0; k < n; k++) {
		struct uid uid;
		uint8_t id;

		if (!uid_set(&uid, bytes_str(wanted[k])))
			continue;
		id = dul_accepted_for(r, a, sop_class, &uid);
		if (id != 0)
			return (struct scu_choice){
				.context_id = id,
				.syntax = k == 0 ? NULL : syntax_find(bytes_str(wanted[k])),
			};
	}
	return (struct scu_choice){.refusal = refusal_of(r, a, sop_class)};
}

/* ---- Sending ---- */

void scu_init(struct scu *s, struct assoc *a, const struct dul_request *request,
	      const struct dul_answer *answer)
{
	memset(s, 0, offsetof(struct scu, message));
	s->assoc = a;
	s->request = request;
	s->answer = answer;
	message_init(&s->message);
	memset(&s->message_id, 0, sizeof(*s) - offsetof(struct scu, message_id));
	s->command = BUF_INIT(REQUEST_MAX);
	s->report_answer = BUF_INIT(ANSWER_MAX);
}

void scu_free(struct scu *s)
{
	buf_free(&s->command);
	buf_free(&s->report_answer);
	free(s->scratch);
	s->scratch = NULL;
}

bool scu_idle(const struct scu *s)
{
	return !s->sending && s->field == 0;
}

bool scu_unsent(const struct scu *s)
{
	return s->sending || s->report.due;
}

uint16_t scu_message_id(const struct scu *s)
{
	return s->message_id;
}

static void begin(struct scu *s, uint8_t context_id, struct dimse_command *c)
{
	assert(scu_idle(s));
	s->message_id = s->message_id == UINT16_MAX ? 1 : (uint16_t)(s->message_id + 1);
	s->field = c->field;
	s->context_id = context_id;
	c->message_id = s->message_id;
	buf_free(&s->command);
	command_build(&s->command, c);
	s->sending = true;
	s->command_left = false;
	s->pieces = NULL;
	s->piece_count = s->index = s->at = 0;
}

static void begin_with(struct scu *s, const struct scu_object *o, struct dimse_command *c)
{
	uint64_t total = 0;

	for (size_t i = 0; i < o->piece_count; i++)
		total += o->pieces[i].bytes.len;
	assert(total % 2 == 0);
	c->sop_class = o->sop_class;
	c->sop_instance = o->sop_instance;
	c->has_data = total > 0;
	begin(s, o->context_id, c);
	s->pieces = o->pieces;
	s->piece_count = total > 0 ? o->piece_count : 0;
}

void scu_echo(struct scu *s, uint8_t context_id)
{
	struct dimse_command c = {.field = DIMSE_C_ECHO, .sop_class = dimse_verification};

	begin(s, context_id, &c);
}

void scu_store(struct scu *s, const struct scu_object *o)
{
	struct dimse_command c = {.field = DIMSE_C_STORE};

	begin_with(s, o, &c);
}

void scu_commit(struct scu *s, const struct scu_object *o)
{
	struct dimse_command c = {
		.field = DIMSE_N_ACTION, .has_action_type = true, .action_type = 1};

	begin_with(s, o, &c);
}

/* Bytes of a swapped piece, swapped, as the one view. */
static size_t gather_swapped(struct scu *s)
{
	const struct piece *p = &s->pieces[s->index];
	size_t left = p->bytes.len - s->at, n = left < SCU_SCRATCH ? left : SCU_SCRATCH;

	if (s->scratch == NULL)
		s->scratch = malloc(SCU_SCRATCH);
	if (s->scratch == NULL)
		return 0;
	piece_copy(p, s->at, s->scratch, n);
	s->views[0] = bytes_of(s->scratch, n);
	s->at += n;
	if (s->at == p->bytes.len) {
		s->index++;
		s->at = 0;
	}
	return 1;
}

static size_t gather(struct scu *s)
{
	size_t count = 0;

	if (s->pieces[s->index].unit > 1)
		return gather_swapped(s);
	while (count < SCU_VIEWS && s->index < s->piece_count && s->pieces[s->index].unit <= 1)
		s->views[count++] = s->pieces[s->index++].bytes;
	return count;
}

static void send_data(struct scu *s)
{
	size_t count = gather(s);

	if (count == 0) { /* no memory: the message cannot be ended */
		s->sending = false;
		assoc_abort(s->assoc, DUL_BY_USER, DUL_NOT_SPECIFIED);
		return;
	}
	s->sending = s->index < s->piece_count;
	assoc_send(s->assoc, s->context_id, false, !s->sending, s->views, count);
}

static void send_command(struct scu *s, const struct buf *command, uint8_t context_id)
{
	s->views[0] = buf_bytes(command);
	assoc_send(s->assoc, context_id, true, true, s->views, 1);
}

bool scu_pump(struct scu *s)
{
	if (!assoc_can_send(s->assoc))
		return false;
	if (s->sending && !s->command_left) {
		if (s->command.failed) { /* no memory */
			assoc_abort(s->assoc, DUL_BY_USER, DUL_NOT_SPECIFIED);
			return true;
		}
		send_command(s, &s->command, s->context_id);
		s->command_left = true;
		s->sending = s->piece_count > 0;
		return true;
	}
	if (s->sending) {
		send_data(s);
		return true;
	}
	if (s->report.due) {
		s->report.due = false;
		send_command(s, &s->report_answer, s->report.context_id);
		return true;
	}
	return false;
}

void scu_report_answer(struct scu *s, const struct dimse_reply *reply)
{
	const struct dimse_command request = {
		.field = DIMSE_N_EVENT_REPORT,
		.message_id = s->report.message_id,
		.sop_class = s->report.sop_class,
		.sop_instance = s->report.sop_instance,
		.has_event_type = true,
		.event_type = s->report.event_type,
	};
	struct dimse_command c = command_response(&request, reply);

	assert(s->report.open && !s->report.due);
	buf_free(&s->report_answer);
	command_build(&s->report_answer, &c);
	s->report.open = false;
	s->report.due = !s->report_answer.failed;
}

/* ---- Receiving ---- */

static struct scu_event event_of(const struct message_event *m, enum scu_kind kind)
{
	return (struct scu_event){
		.kind = kind,
		.context_id = m->context_id,
		.command = m->command,
		.data = m->data,
		.last = m->last,
		.source = m->source,
		.reason = m->reason,
		.text = m->text,
	};
}

static struct scu_event broken(const struct message_event *m, const char *text)
{
	struct scu_event ev = event_of(m, SCU_BROKEN);

	ev.source = DUL_BY_PROVIDER;
	ev.reason = DUL_UNEXPECTED_PARAMETER;
	ev.text = text;
	return ev;
}

static struct scu_event take_response(struct scu *s, const struct message_event *m)
{
	const struct dimse_command *c = m->command;

	if (s->field == 0 || c->field != (s->field | DIMSE_RESPONSE))
		return broken(m, "a response to nothing that was asked");
	if (c->responded_to != s->message_id || m->context_id != s->context_id)
		return broken(m, "a response to another message");
	if (!c->has_status)
		return broken(m, "a response without a status");
	if (c->has_data) { /* nothing that we ask is answered with one that we need */
		s->passing_over = true;
		return event_of(m, SCU_NOTHING);
	}
	s->field = 0;
	return event_of(m, SCU_RESPONSE);
}

/* PS3.4 J.3.3: on the association of the N-ACTION. */
static struct scu_event take_report(struct scu *s, const struct message_event *m)
{
	const struct dul_context *context = dul_context_of(s->request, m->context_id);
	const struct dimse_command *c = m->command;

	if (context == NULL || !uid_eq(&context->abstract_syntax, &dimse_commitment) ||
	    !c->has_data || s->report.open || s->report.due)
		return broken(m, "a report that nobody waits for");
	s->report.message_id = c->message_id;
	s->report.event_type = c->event_type;
	s->report.sop_class = c->sop_class;
	s->report.sop_instance = c->sop_instance;
	s->report.context_id = m->context_id;
	s->report.open = true;
	return event_of(m, SCU_REPORT);
}

static struct scu_event take_data(struct scu *s, const struct message_event *m)
{
	if (!s->passing_over)
		return event_of(m, SCU_DATA);
	if (!m->last)
		return event_of(m, SCU_NOTHING);
	s->passing_over = false;
	s->field = 0;
	return event_of(m, SCU_RESPONSE);
}

struct scu_event scu_feed(struct scu *s, const struct dul_pdv *pdv)
{
	struct message_event m = message_feed(&s->message, pdv);

	switch (m.kind) {
	case MESSAGE_COMMAND:
		if (command_is_response(m.command))
			return take_response(s, &m);
		if (m.command->field == DIMSE_N_EVENT_REPORT)
			return take_report(s, &m);
		return broken(&m, "a request to a requestor");
	case MESSAGE_DATA:
		return take_data(s, &m);
	case MESSAGE_BROKEN:
		return event_of(&m, SCU_BROKEN);
	default:
		return event_of(&m, SCU_NOTHING);
	}
}
