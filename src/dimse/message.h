/*
 * Messages from PDVs (PS3.7 section 6.3, 9.1; PS3.8 annex E): a command set in fragments, then,
 * where it says so, a data set in fragments, all in one presentation context, and nothing of
 * another message in between.
 *
 * A command is put together in a buffer; of a data set only views pass through.
 */
#ifndef DIMSE_MESSAGE_H
#define DIMSE_MESSAGE_H

#include "base/limits.h"
#include "dimse/command.h"
#include "dul/assoc.h"

enum message_kind {
	MESSAGE_MORE,    /* nothing yet */
	MESSAGE_COMMAND, /* the command is complete; a data set follows when it says so */
	MESSAGE_DATA,    /* a fragment of the data set, possibly empty */
	MESSAGE_BROKEN,  /* against the protocol: abort with source and reason; final */
};

struct message_event {
	enum message_kind kind;
	uint8_t context_id;
	const struct dimse_command
		*command;       /* COMMAND, DATA: valid until the next command begins */
	struct bytes data;      /* DATA: a view of the PDV */
	bool last;              /* DATA: the data set is complete */
	uint8_t source, reason; /* BROKEN: of the A-ABORT */
	const char *text;       /* BROKEN: a literal */
};

struct message {
	/* private */
	enum { MESSAGE_IDLE, MESSAGE_IN_COMMAND, MESSAGE_IN_DATA, MESSAGE_FAILED } state;
	uint8_t context_id; /* of the message that is being read */
	struct dimse_command command;
	size_t len;
	uint8_t bytes[LIMIT_COMMAND]; /* pages are touched only as far as commands are long */
};

void message_init(struct message *m);
struct message_event message_feed(struct message *m, const struct dul_pdv *pdv);
/* Is a message begun and not yet whole?  (Then a release or a silence is a fault.) */
bool message_open(const struct message *m);

#endif
