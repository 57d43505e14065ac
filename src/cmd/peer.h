/*
 * What the commands that talk to a peer share: its address, opening and closing an association,
 * one request and its answer; and what went wrong, as a line for a person.
 */
#ifndef CMD_PEER_H
#define CMD_PEER_H

#include "dimse/scu.h"
#include "net/link.h"

struct peer {
	char host[256];
	uint16_t port;
	const char *called, *calling; /* AE titles */
	unsigned timeout_ms;          /* for connecting, and for each answer */
};

/* HOST:PORT, [ADDRESS]:PORT.  False: it is neither. */
bool peer_parse(struct peer *p, const char *text);
/* 1..16 characters of ISO 646 without control characters and backslash, not only spaces. */
bool peer_ae_ok(const char *title);
/* "PACS (192.0.2.7:104)", for messages, escaped; valid until the next call. */
const char *peer_name(const struct peer *p);

/* Seconds of --timeout; false when it is no number of 1..86400. */
bool peer_seconds(const char *text, unsigned *ms);

struct peer_assoc {
	struct link link;
	struct dul_request request; /* filled in by the caller, from peer_request */
	struct dul_answer answer;
	struct scu scu;
	bool open;
	bool rejected; /* after a failure: the peer answered, with A-ASSOCIATE-RJ */
	char why[200]; /* after a failure: what happened, in words */
};

/* Begin a request with the titles and what netrt says of itself. */
void peer_request(struct dul_request *r, const struct peer *p);
/* Connect and associate.  False: t->why. */
bool peer_open(struct peer_assoc *t, const struct peer *p);
/* Let what was begun (scu_echo, scu_store) leave. False: t->why, and the association is lost. */
bool peer_push(struct peer_assoc *t);
/* ... and wait for the response.  It is valid until the next. */
bool peer_response(struct peer_assoc *t, const struct dimse_command **response);
/* Release, or take down what is left of it. Also on one that is not open. */
void peer_close(struct peer_assoc *t);

#endif
