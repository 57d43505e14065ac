/*
 * What an acceptor answers to an A-ASSOCIATE-RQ: a pure function of the request and of a policy.
 *
 * Every request gets an answer.  A whole association is refused for its protocol version, its
 * application context, or because admit() says so; a context never refuses an association: it is
 * refused by itself (PS3.8 table 9-18), and an association with none accepted is accepted.
 *
 * Of a context's transfer syntaxes the first of *our* list that is among them is taken.
 */
#ifndef DUL_NEGOTIATE_H
#define DUL_NEGOTIATE_H

#include "dul/pdu.h"

/* Why an association is refused, and with which result, source, reason (PS3.8 9.3.4). */
enum dul_refusal {
	DUL_ADMIT = 0,
	DUL_REFUSE_CALLED,      /* 1/1/7 called AE title not recognized */
	DUL_REFUSE_CALLING,     /* 1/1/3 calling AE title not recognized; address not allowed */
	DUL_REFUSE_APPLICATION, /* 1/1/2 application context name not supported */
	DUL_REFUSE_VERSION,     /* 1/2/2 protocol version not supported */
	DUL_REFUSE_CONGESTION,  /* 2/3/1 draining, no space */
	DUL_REFUSE_LIMIT,       /* 2/3/2 too many associations */
};

/* What we are for a class: bits. */
enum dul_support {
	DUL_NOT_SUPPORTED = 0,
	DUL_AS_SCP = 1, /* the peer may be its SCU: Verification, Storage */
	DUL_AS_SCU = 2, /* the peer may be its SCP: a reverse association of Storage Commitment */
};

struct dul_policy {
	void *user;
	/* NULL: everybody. The rest of the request is there to be judged too. */
	enum dul_refusal (*admit)(void *user, const struct dul_request *r);
	unsigned (*supports)(void *user, const struct uid *abstract); /* bits of enum dul_support */
	const struct uid *syntaxes; /* transfer syntaxes, the dearest first */
	size_t syntax_count;
	uint32_t max_pdu; /* what we can receive */
	const char *implementation_class, *implementation_version;
};

/* *out is an acceptance, or has `refused.result` set. */
void negotiate(const struct dul_request *r, const struct dul_policy *p, struct dul_answer *out);

/* An answer that only refuses. */
void negotiate_refuse(struct dul_answer *out, enum dul_refusal why);

#endif
