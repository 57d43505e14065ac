#include "dimse/scp.h"

#include <assert.h>

#include "base/limits.h"
#include "dicom/tag.h"

#define RESPONSE_MAX (2 * LIMIT_COMMAND) /* its UIDs may be as long as the request's */

void scp_init(struct scp *s, struct assoc *a, const struct dul_request *request,
	      const struct dul_answer *answer, const struct storage_classes *classes)
{
	s->assoc = a;
	s->classes = classes;
	s->request = request;
	s->answer = answer;
	message_init(&s->message);
	s->passing_over = s->owes = s->echo = false;
	s->out = BUF_INIT(RESPONSE_MAX);
}

void scp_free(struct scp *s)
{
	buf_free(&s->out);
}

bool scp_busy(const struct scp *s)
{
	return s->owes || message_open(&s->message);
}

static struct scp_event event_of(const struct scp *s, const struct message_event *m,
				 enum scp_kind kind)
{
	const struct dul_context *context = dul_context_of(s->request, m->context_id);

	return (struct scp_event){
		.kind = kind,
		.context_id = m->context_id,
		.command = m->command,
		.abstract_syntax = context == NULL ? NULL : &context->abstract_syntax,
		.transfer_syntax = dul_accepted(s->answer, m->context_id),
		.data = m->data,
		.last = m->last,
		.source = m->source,
		.reason = m->reason,
		.text = m->text,
	};
}

static void respond(struct scp *s, const struct dimse_reply *reply)
{
	struct dimse_command c = command_response(&s->message.command, reply);

	buf_free(&s->out);
	command_build(&s->out, &c);
	s->owes = s->passing_over = s->echo = false;
	if (s->out.failed) { /* no memory for some hundred bytes */
		assoc_abort(s->assoc, DUL_BY_PROVIDER, DUL_NOT_SPECIFIED);
		return;
	}
	s->view = buf_bytes(&s->out);
	assoc_send(s->assoc, s->message.context_id, true, true, &s->view, 1);
}

void scp_answer(struct scp *s, const struct dimse_reply *reply)
{
	assert(s->owes);
	respond(s, reply);
}

void scp_refuse(struct scp *s, const struct dimse_reply *reply)
{
	assert(!s->owes && !s->passing_over && s->message.state == MESSAGE_IN_DATA);
	s->passing_over = true;
	s->reply = *reply;
}

static struct dimse_reply refusal(uint16_t status, const char *comment, uint32_t tag)
{
	struct dimse_reply r = dimse_reply_of(status, comment);

	r.offending = tag;
	return r;
}

/* May the data set of this C-STORE come?  If not, the reply. */
static bool store_fits(const struct scp *s, const struct dimse_command *c,
		       const struct uid *abstract, struct dimse_reply *reply)
{
	if (!c->has_data)
		*reply = refusal(DIMSE_CANNOT_UNDERSTAND, "a C-STORE without a data set",
				 TAG_CommandDataSetType);
	else if (abstract == NULL || !storage_is(s->classes, abstract))
		*reply = refusal(DIMSE_CLASS_NOT_SUPPORTED, "not a class for storage",
				 TAG_AffectedSOPClassUID);
	else if (!uid_eq(&c->sop_class, abstract))
		*reply = refusal(DIMSE_MISMATCH, "SOP class of command and context differ",
				 TAG_AffectedSOPClassUID);
	else if (c->sop_instance.text[0] == '\0')
		*reply = refusal(DIMSE_INVALID_INSTANCE, "SOP Instance UID of command is not valid",
				 TAG_AffectedSOPInstanceUID);
	else
		return true;
	return false;
}

static bool report_fits(const struct scp *s, const struct dimse_command *c,
			const struct uid *abstract, struct dimse_reply *reply)
{
	if (s->classes == NULL || !s->classes->commitment || abstract == NULL ||
	    !uid_eq(abstract, &dimse_commitment))
		*reply = dimse_reply_of(DIMSE_UNRECOGNISED_OPERATION, NULL);
	else if (!c->has_data)
		*reply = refusal(DIMSE_INVALID_ARGUMENT, "a report without a data set",
				 TAG_CommandDataSetType);
	else
		return true;
	return false;
}

/* The reply is given now, or when the data set that follows has passed. */
static struct scp_event refuse(struct scp *s, struct scp_event ev, const struct dimse_reply *reply)
{
	if (ev.command->has_data) {
		s->passing_over = true;
		s->reply = *reply;
		ev.kind = SCP_NOTHING;
		return ev;
	}
	ev.kind = s->echo ? SCP_ECHOED : SCP_REFUSED;
	ev.reply = *reply;
	respond(s, reply);
	return ev;
}

static struct scp_event take_command(struct scp *s, const struct message_event *m)
{
	struct scp_event ev = event_of(s, m, SCP_BEGIN);
	struct dimse_reply reply = dimse_reply_of(DIMSE_UNRECOGNISED_OPERATION, NULL);
	bool fits = false;

	switch (m->command->field) {
	case DIMSE_C_CANCEL:
		s->passing_over = m->command->has_data;
		ev.kind = SCP_NOTHING;
		return ev;
	case DIMSE_C_ECHO:
		s->echo = true;
		reply = dimse_reply_of(DIMSE_SUCCESS, NULL);
		break;
	case DIMSE_C_STORE:
		fits = store_fits(s, m->command, ev.abstract_syntax, &reply);
		break;
	case DIMSE_N_EVENT_REPORT:
		fits = report_fits(s, m->command, ev.abstract_syntax, &reply);
		break;
	default:
		break;
	}
	if (command_is_response(m->command)) {
		ev.kind = SCP_BROKEN;
		ev.source = DUL_BY_PROVIDER;
		ev.reason = DUL_UNEXPECTED_PARAMETER;
		ev.text = "a response to nothing that was asked";
		return ev;
	}
	return fits ? ev : refuse(s, ev, &reply);
}

static struct scp_event take_data(struct scp *s, const struct message_event *m)
{
	struct scp_event ev = event_of(s, m, SCP_DATA);

	if (!s->passing_over) {
		s->owes = m->last;
		return ev;
	}
	ev.kind = SCP_NOTHING;
	if (!m->last)
		return ev;
	if (m->command->field == DIMSE_C_CANCEL) {
		s->passing_over = false;
		return ev;
	}
	ev.kind = s->echo ? SCP_ECHOED : SCP_REFUSED;
	ev.reply = s->reply;
	respond(s, &ev.reply);
	return ev;
}

struct scp_event scp_feed(struct scp *s, const struct dul_pdv *pdv)
{
	assert(!s->owes);
	struct message_event m = message_feed(&s->message, pdv);

	switch (m.kind) {
	case MESSAGE_COMMAND:
		return take_command(s, &m);
	case MESSAGE_DATA:
		return take_data(s, &m);
	case MESSAGE_BROKEN:
		return event_of(s, &m, SCP_BROKEN);
	default:
		return event_of(s, &m, SCP_NOTHING);
	}
}

bool scp_check(const struct dimse_command *command, const struct uid *sop_class,
	       const struct uid *sop_instance, struct dimse_reply *reply)
{
	if (!uid_eq(&command->sop_class, sop_class))
		*reply = refusal(DIMSE_MISMATCH, "SOP class of data set and command differ",
				 TAG_SOPClassUID);
	else if (!uid_eq(&command->sop_instance, sop_instance))
		*reply = refusal(DIMSE_MISMATCH, "SOP instance of data set and command differ",
				 TAG_SOPInstanceUID);
	else
		return true;
	return false;
}
