#include "dimse/message.h"

#include <string.h>

void message_init(struct message *m)
{
	m->state = MESSAGE_IDLE;
	m->len = 0;
	m->command = (struct dimse_command){0};
}

static struct message_event broken(struct message *m, uint8_t reason, const char *text)
{
	m->state = MESSAGE_FAILED;
	return (struct message_event){
		.kind = MESSAGE_BROKEN,
		.context_id = m->context_id,
		.source = DUL_BY_PROVIDER,
		.reason = reason,
		.text = text,
	};
}

static struct message_event feed_command(struct message *m, const struct dul_pdv *pdv)
{
	struct bytes in = pdv->fragment;
	struct fault f;

	if (m->state == MESSAGE_IDLE) {
		m->state = MESSAGE_IN_COMMAND;
		m->context_id = pdv->context_id;
		m->len = 0;
	} else if (pdv->context_id != m->context_id) {
		return broken(m, DUL_UNEXPECTED_PARAMETER,
			      "a command set in two presentation contexts");
	}
	if (in.len > sizeof(m->bytes) - m->len)
		return broken(m, DUL_INVALID_PARAMETER, "a command set over 64 KiB");
	if (in.len > 0)
		memcpy(m->bytes + m->len, in.at, in.len);
	m->len += in.len;
	if (!pdv->last)
		return (struct message_event){.kind = MESSAGE_MORE, .context_id = m->context_id};

	if (command_parse(&m->command, bytes_of(m->bytes, m->len), &f) != OK)
		return broken(m, DUL_INVALID_PARAMETER, f.text);
	m->state = m->command.has_data ? MESSAGE_IN_DATA : MESSAGE_IDLE;
	return (struct message_event){
		.kind = MESSAGE_COMMAND,
		.context_id = m->context_id,
		.command = &m->command,
	};
}

static struct message_event feed_data(struct message *m, const struct dul_pdv *pdv)
{
	if (m->state == MESSAGE_IN_COMMAND)
		return broken(m, DUL_UNEXPECTED_PARAMETER, "a data set within a command set");
	if (m->state != MESSAGE_IN_DATA)
		return broken(m, DUL_UNEXPECTED_PARAMETER, "a data set without a command");
	if (pdv->context_id != m->context_id)
		return broken(m, DUL_UNEXPECTED_PARAMETER,
			      "a data set in another presentation context than its command");
	if (pdv->last)
		m->state = MESSAGE_IDLE;
	return (struct message_event){
		.kind = MESSAGE_DATA,
		.context_id = m->context_id,
		.command = &m->command,
		.data = pdv->fragment,
		.last = pdv->last,
	};
}

struct message_event message_feed(struct message *m, const struct dul_pdv *pdv)
{
	if (m->state == MESSAGE_FAILED)
		return broken(m, DUL_UNEXPECTED_PARAMETER, "after a message that was broken");
	if (!pdv->command)
		return feed_data(m, pdv);
	if (m->state == MESSAGE_IN_DATA)
		return broken(m, DUL_UNEXPECTED_PARAMETER,
			      "a command before the data set of the one before");
	return feed_command(m, pdv);
}

bool message_open(const struct message *m)
{
	return m->state != MESSAGE_IDLE;
}
