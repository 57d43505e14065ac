/*
 * A conversation with an association engine, as text, for tests.
 *
 * Bytes for the engine are given as in hex.h and fed in chunks; what it does is gathered as words:
 *
 *     ind:  RQ AC RJ(1/1/7) PDV(1 C+ 12) RELRQ RELEASED ABORTED(2/6)! CLOSED TIMEOUT
 *           in PDV: context, C or D (command, data), + when it is the last, and how many bytes;
 *           "!" when it was this side's doing
 *     out:  the bytes that it sends; talk_sent shows them as PDUs: AC RJ(1/1/7) DATA(1 C+ 12) RELRQ
 *           RELRP ABORT(2/6) RQ
 *
 * Pieces of one PDV are joined, so that the words are the same for every chunking.
 */
#ifndef TESTS_TALK_H
#define TESTS_TALK_H

#include "base/buf.h"
#include "dul/assoc.h"

struct talk {
	struct assoc a;
	struct dul_policy policy;
	uint8_t *in;
	uint64_t now;
	size_t chunk;       /* bytes at a time; 0: all */
	struct buf words;   /* indications */
	struct buf sent;    /* raw output */
	struct buf payload; /* of all PDVs */
	bool half_closed;   /* it asked for it */
	bool answers;       /* requests are answered, by `policy` */
	bool echoes;        /* every last command PDV is answered with one of the same bytes */
	bool releases;      /* release requests are answered */
	size_t pdv_len;     /* of the PDV whose pieces are coming */
	struct dul_request request; /* as last indicated */
	struct dul_ind last;        /* the last indication */
	unsigned notes;             /* all told so far */
};

extern const size_t talk_chunks[]; /* 1 2 3 7 64 0 */
#define TALK_CHUNKS 6

/* An acceptor (or a requestor with one context, 1, Verification in implicit LE) at time 0. */
void talk_accept(struct talk *t, size_t chunk);
void talk_request(struct talk *t, size_t chunk);
void talk_request_with(struct talk *t, size_t chunk, const struct dul_request *r);
void talk_end(struct talk *t); /* frees it */

void talk_feed(struct talk *t, struct bytes in);
void talk_hex(struct talk *t, const char *hex_text);
void talk_closed(struct talk *t);
void talk_wait(struct talk *t, uint64_t ms);
void talk_pump(struct talk *t); /* indications, output: until it wants only to read */
void talk_data(struct talk *t, uint8_t context, bool command, bool last, struct bytes payload);

const char *talk_words(struct talk *t); /* and forget them */
const char *talk_sent(struct talk *t);  /* and forget it */

/* An A-ASSOCIATE-RQ as hexadecimal text, of the given items (NULL: talk_items). */
#define TALK_TITLES "'NETRT           ' 'PEER            '"
#define TALK_ZEROS "00000000000000000000000000000000 00000000000000000000000000000000"
#define TALK_FIXED "0001 0000" TALK_TITLES TALK_ZEROS
#define TALK_APPLICATION "1000 0015 '1.2.840.10008.3.1.1.1'"
#define TALK_ECHO "3000 0011 '1.2.840.10008.1.1'"
#define TALK_ILE "4000 0011 '1.2.840.10008.1.2'"
#define TALK_ELE "4000 0013 '1.2.840.10008.1.2.1'"
#define TALK_CONTEXT "2000 002E 01 00 00 00" TALK_ECHO TALK_ILE
#define TALK_MAX "5100 0004 00004000"
#define TALK_CLASS "5200 0007 '1.2.3.4'"
#define TALK_INFO "5000 0013" TALK_MAX TALK_CLASS
/* `items` with the fixed part and a header before it; valid until the next call. */
struct bytes talk_rq(const char *fixed, const char *items);
struct bytes talk_ac(const char *items);
#define TALK_ITEMS TALK_APPLICATION TALK_CONTEXT TALK_INFO
#define TALK_AC_ITEMS TALK_APPLICATION "2100 0019 01 00 00 00" TALK_ILE TALK_INFO

#define TALK_RELRQ "05 00 00000004 00000000"
#define TALK_RELRP "06 00 00000004 00000000"
#define TALK_ABORT "07 00 00000004 00000000"

#endif
