/*
 * Two association engines, back to back, without a network: what one writes the other reads, so
 * many bytes at a time.  On top of them a requestor's and an acceptor's DIMSE.
 */
#ifndef TESTS_PAIR_H
#define TESTS_PAIR_H

#include "dimse/scp.h"
#include "dimse/scu.h"

struct pair {
	struct assoc a[2]; /* requestor, acceptor */
	uint8_t *in[2];
	size_t chunk; /* bytes moved at a time; 0: all there are */
	uint64_t now;
	struct dul_request request;
	struct dul_answer answer;
	bool accepted;
	struct scu scu;
	struct scp scp;
	enum pair_raw { PAIR_NEITHER, PAIR_REQUESTOR, PAIR_ACCEPTOR } raw;
	/* whose PDVs go not to its `scu` or `scp` but here: */
	struct message message;
	struct dimse_command heard; /* the last command; its views end with the next */
	unsigned heard_count;
	struct buf log;  /* words, by the test's handlers and by pair_run */
	struct buf data; /* what the acceptor got of data sets */
	/* what the acceptor does; NULL: answers 0000 */
	void (*on_event)(struct pair *p, const struct scp_event *ev);
	void (*on_response)(struct pair *p, const struct scu_event *ev);
};

/* An association for r->context, accepted by `classes` and our syntaxes (all but `without`, if not
 * NULL); the acceptor takes PDUs of max_pdu. */
void pair_open(struct pair *p, size_t chunk, const struct dul_request *r,
	       const struct storage_classes *classes, const char *without, uint32_t max_pdu);
void pair_close(struct pair *p);
/* Move bytes and events until nothing moves. */
void pair_run(struct pair *p);
void pair_word(struct pair *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The words, and forget them. */
const char *pair_words(struct pair *p);

#endif
