/*
 * The seven PDUs of the Upper Layer (PS3.8 9.3) and every item in them: bytes to structs and back.
 *
 * A PDU is a header of six bytes (type, a reserved byte, the length of the rest) and a body.
 * pdu_parse_* take the body, whole; pdu_write_* append a whole PDU to a buf.  P-DATA-TF alone is
 * taken apart as its bytes arrive (pdv_header), by the engine (dul/assoc.h).
 *
 * Parsing is lenient where peers are known to be careless and nothing is lost by it; each leniency
 * used is a bit of `notes`.  What is left is malformed: an error, the fault says what, and
 * pdu_abort_reason which reason an A-ABORT gives for it.  Unknown items are skipped by their
 * length. No length of the wire is believed before it was compared with what is left of its parent.
 *
 * Results hold copies; only the views named so point into the body.
 */
#ifndef DUL_PDU_H
#define DUL_PDU_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/uid.h"

#define DUL_HEADER 6u     /* type, reserved, length: before every PDU's body */
#define DUL_PDV_HEADER 6u /* length, context, control: before every PDV's fragment */
/* version, reserved, called and calling AE title, reserved: before the items of A-ASSOCIATE */
#define DUL_ASSOCIATE_FIXED (2u + 2u + 16u + 16u + 32u)
#define DUL_CONTEXTS 128u     /* the odd numbers of a byte (PS3.8 9.3.2.2) */
#define DUL_SYNTAXES 64u      /* transfer syntaxes kept of one context; further ones are not seen */
#define DUL_SYNTAXES_ALL 128u /* different ones kept of one request */
#define DUL_ROLES 64u         /* role selections kept of one association */
#define DUL_EXTENDED 32u      /* items 56 and 57 kept of one association */
#define DUL_SEND_DEFAULT 16384u /* to a peer that names no maximum length */

#define DUL_APPLICATION_CONTEXT "1.2.840.10008.3.1.1.1" /* PS3.7 A.2.1 */

enum pdu_type {
	PDU_ASSOCIATE_RQ = 1,
	PDU_ASSOCIATE_AC = 2,
	PDU_ASSOCIATE_RJ = 3,
	PDU_DATA_TF = 4,
	PDU_RELEASE_RQ = 5,
	PDU_RELEASE_RP = 6,
	PDU_ABORT = 7,
};

/* A-ABORT (PS3.8 9.3.8) */
enum dul_abort_source { DUL_BY_USER = 0, DUL_BY_PROVIDER = 2 };
enum dul_abort_reason {
	DUL_NOT_SPECIFIED = 0,
	DUL_UNRECOGNIZED_PDU = 1,
	DUL_UNEXPECTED_PDU = 2,
	DUL_UNRECOGNIZED_PARAMETER = 4,
	DUL_UNEXPECTED_PARAMETER = 5,
	DUL_INVALID_PARAMETER = 6,
};

/* Result of a presentation context (PS3.8 table 9-18) */
enum dul_context_result {
	DUL_ACCEPTANCE = 0,
	DUL_USER_REJECTION = 1,
	DUL_NO_REASON = 2,
	DUL_ABSTRACT_NOT_SUPPORTED = 3,
	DUL_TRANSFER_NOT_SUPPORTED = 4,
};

/* What was forgiven; dul_note_text says it in words. */
enum dul_note {
	DUL_NOTE_ODD_PDV = 1 << 0,  /* a fragment of odd length (annex E.1 forbids it) */
	DUL_NOTE_OVER_MAX = 1 << 1, /* a PDU longer than the maximum length we named */
	DUL_NOTE_NO_PDV = 1 << 2,   /* a P-DATA-TF without any PDV */
	DUL_NOTE_PADDING = 1 << 3,  /* an AE title or UID padded otherwise than the standard says */
	DUL_NOTE_BAD_UID = 1 << 4,  /* a UID of other characters or over 64: as if it were none */
	DUL_NOTE_ABSTRACTS =
		1 << 5,             /* a context with several abstract syntaxes: the first counts */
	DUL_NOTE_SYNTAXES = 1 << 6, /* more transfer syntaxes than are kept */
	DUL_NOTE_REPEATED =
		1 << 7, /* an item that may be there once came again: the first counts */
	DUL_NOTE_NO_USER_INFO = 1 << 8,
	DUL_NOTE_NO_MAX_PDU = 1 << 9,
	DUL_NOTE_NO_CLASS_UID = 1 << 10, /* implementation class UID missing */
	DUL_NOTE_UNKNOWN_ITEM = 1 << 11,
	DUL_NOTE_NOT_PROPOSED = 1 << 12, /* an answer to a context, or with a transfer syntax, that
					    was not proposed: as if refused */
	DUL_NOTE_TOO_MANY = 1 << 13,     /* more role selections or extended items than are kept */
};
const char *dul_note_text(unsigned note); /* of one bit */

/* A presentation context as proposed (item 20). */
struct dul_context {
	uint8_t id;                   /* odd */
	struct uid abstract_syntax;   /* "": none that can be one */
	uint8_t syntax[DUL_SYNTAXES]; /* in the peer's order: indices into the request's syntax[] */
	unsigned syntax_count;
};

/* SCP/SCU role selection (item 54; PS3.7 D.3.3.4). */
struct dul_role {
	struct uid sop_class;
	bool scu, scp; /* of the requestor */
};

/* Extended negotiation (items 56 and 57; PS3.7 D.3.3.5 and 6). */
struct dul_extended {
	uint8_t item;             /* 0x56 or 0x57 */
	struct uid sop_class;     /* both */
	struct uid service_class; /* 57 */
	struct bytes info; /* view. 56: application information; 57: related general SOP classes,
			      each a length of two bytes and a UID */
};

/* User identity (items 58 and 59; PS3.7 D.3.3.7). Never logged. */
struct dul_identity {
	uint8_t type; /* 0: there is none. 1 user name, 2 with passcode, 3 Kerberos, 4 SAML, 5 JWT
		       */
	bool response_requested;
	struct bytes primary, secondary; /* views */
};

/* Item 50, both ways. */
struct dul_user_info {
	bool has_max_pdu;
	uint32_t max_pdu; /* bytes of body that its sender can receive; 0: any number */
	struct uid implementation_class;
	char implementation_version[17];
	bool has_async; /* item 53; never proposed here (some peers close at the sight of it) */
	uint16_t invoked, performed;
	struct dul_role role[DUL_ROLES];
	unsigned role_count;
	struct dul_extended extended[DUL_EXTENDED];
	unsigned extended_count;
};

/* A-ASSOCIATE-RQ (PS3.8 9.3.2). Some 35 KiB. */
struct dul_request {
	uint16_t version;                 /* bit 0: version 1. Others are not ours to judge */
	char called[17], calling[17];     /* without spaces and NULs around; "": blank */
	uint8_t raw_ae[32], reserved[32]; /* as on the wire: an answer repeats them */
	struct uid application_context;   /* "": none */
	struct dul_context context[DUL_CONTEXTS];
	unsigned context_count;
	struct uid syntax[DUL_SYNTAXES_ALL]; /* every transfer syntax of the request, once */
	unsigned syntax_count;
	struct dul_user_info user;
	struct dul_identity identity;
	unsigned notes; /* bits of enum dul_note */
};

/* A-ASSOCIATE-AC (PS3.8 9.3.3), or the refusal instead of it. */
struct dul_answer {
	struct {
		uint8_t result, source, reason; /* A-ASSOCIATE-RJ; result 0: not refused */
	} refused;
	uint8_t raw_ae[32], reserved[32];
	struct {
		uint8_t id, result;         /* of enum dul_context_result */
		struct uid transfer_syntax; /* of an accepted one; else "" */
	} context[DUL_CONTEXTS];
	unsigned context_count;
	struct dul_user_info user;
	bool has_identity;
	struct bytes identity; /* item 59's server response; a view */
	unsigned notes;
};

/* ---- Of requests and answers ---- */

/* An empty request, with titles (cut at 16) and what item 50 must have. `max_pdu`: what we can
 * receive. */
void dul_request_init(struct dul_request *r, const char *called, const char *calling,
		      uint32_t max_pdu, const char *implementation_class,
		      const char *implementation_version);
/* Propose one more context (ids 1, 3, 5...); its id, or 0 when 128 are there (or a table is full).
 */
uint8_t dul_request_add(struct dul_request *r, const struct uid *abstract,
			const struct uid *syntaxes, size_t count);
bool dul_request_role(struct dul_request *r, const struct uid *sop_class, bool scu, bool scp);

/* The n-th transfer syntax proposed for a context. */
const struct uid *dul_syntax(const struct dul_request *r, const struct dul_context *c, unsigned n);
const struct dul_context *dul_context_of(const struct dul_request *r, uint8_t id); /* or NULL */
/* The transfer syntax agreed on for a context; NULL when it was not accepted. */
const struct uid *dul_accepted(const struct dul_answer *a, uint8_t id);
/* The first accepted context of a class, with one of its transfer syntaxes if not NULL; 0: none. */
uint8_t dul_accepted_for(const struct dul_request *r, const struct dul_answer *a,
			 const struct uid *abstract, const struct uid *syntax);
/* Was the requestor given the role for this class? Default without item 54: SCU only. */
bool dul_role_of(const struct dul_user_info *answered, const struct uid *sop_class, bool scp);

/* ---- Parsing ---- */

enum err pdu_parse_rq(struct bytes body, struct dul_request *out, struct fault *f) MUST_USE;
enum err pdu_parse_ac(struct bytes body, struct dul_answer *out, struct fault *f) MUST_USE;
/* The four bytes of A-ASSOCIATE-RJ, A-ABORT: the last two or three are used. */
enum err pdu_parse_rj(struct bytes body, uint8_t *result, uint8_t *source, uint8_t *reason,
		      struct fault *f) MUST_USE;
enum err pdu_parse_abort(struct bytes body, uint8_t *source, uint8_t *reason,
			 struct fault *f) MUST_USE;
enum err pdu_parse_release(struct bytes body, struct fault *f) MUST_USE; /* RQ and RP */

/* The six bytes before a fragment (PS3.8 9.3.5.1 and annex E.2); `left` bytes of the PDU are left,
 * the header counted. */
struct pdv_header {
	uint32_t len; /* of the fragment */
	uint8_t context_id;
	bool command, last;
};
enum err pdv_header(struct bytes header, uint32_t left, struct pdv_header *out,
		    struct fault *f) MUST_USE;

/* ---- Writing: a whole PDU, appended ---- */

void pdu_write_rq(struct buf *out, const struct dul_request *r);
void pdu_write_ac(struct buf *out, const struct dul_answer *a);
void pdu_write_rj(struct buf *out, uint8_t result, uint8_t source, uint8_t reason);
void pdu_write_release_rq(struct buf *out);
void pdu_write_release_rp(struct buf *out);
void pdu_write_abort(struct buf *out, uint8_t source, uint8_t reason);
/* The twelve bytes before the only fragment of a P-DATA-TF. */
void pdu_data_head(uint8_t out[static DUL_HEADER + DUL_PDV_HEADER], uint8_t context_id,
		   bool command, bool last, uint32_t fragment_len);

/* ---- In words, for logs ---- */

const char *dul_reject_text(uint8_t source, uint8_t reason);
const char *dul_abort_text(uint8_t source, uint8_t reason);
const char *dul_result_text(uint8_t context_result);

#endif
