/*
 * Statuses of DIMSE responses (PS3.7 annex C, PS3.4 table B.2-1): what is answered, and what
 * a requestor makes of an answer.
 */
#ifndef DIMSE_STATUS_H
#define DIMSE_STATUS_H

#include "base/err.h"

#define DIMSE_COMMENT 64 /* characters of an Error Comment (LO) */

enum dimse_status {
	DIMSE_SUCCESS = 0x0000,
	DIMSE_PROCESSING_FAILURE = 0x0110,
	DIMSE_DUPLICATE_INSTANCE = 0x0111,
	DIMSE_NO_SUCH_INSTANCE = 0x0112,
	DIMSE_NO_SUCH_EVENT = 0x0113,
	DIMSE_INVALID_ARGUMENT = 0x0115,
	DIMSE_INVALID_INSTANCE = 0x0117,
	DIMSE_NO_SUCH_CLASS = 0x0118,
	DIMSE_CLASS_CONFLICT = 0x0119,
	DIMSE_CLASS_NOT_SUPPORTED = 0x0122,
	DIMSE_NO_SUCH_ACTION = 0x0123,
	DIMSE_NOT_AUTHORISED = 0x0124,
	DIMSE_UNRECOGNISED_OPERATION = 0x0211,
	DIMSE_RESOURCE_LIMITATION = 0x0213,
	DIMSE_OUT_OF_RESOURCES = 0xA700,
	DIMSE_MISMATCH = 0xA900, /* data set does not match SOP class, or not the command */
	DIMSE_COERCED = 0xB000,
	DIMSE_ELEMENTS_DISCARDED = 0xB006,
	DIMSE_SUSPICIOUS = 0xB007, /* stored although data set does not match SOP class */
	DIMSE_CANNOT_UNDERSTAND = 0xC000,
};

/* What goes into a response.  The comment is one of our own texts or made of one: never a byte of
 * a peer. */
struct dimse_reply {
	uint16_t status;
	char comment[DIMSE_COMMENT + 1]; /* "": none */
	uint32_t offending;              /* an attribute's tag; 0: none */
};

/* `comment` (a literal, or NULL) is cut to 64 characters. */
struct dimse_reply dimse_reply_of(uint16_t status, const char *comment);
/*
 * The answer to a C-STORE that failed with `f` (code and literal): ERR_IO and ERR_NOMEM A700,
 * ERR_LIMIT, ERR_WIRE, ERR_UNUSABLE and others C000; the text, with the offset where there is room,
 * as Error Comment; its tag as Offending Element.
 */
struct dimse_reply dimse_reply_fault(const struct fault *f);

/* What a requestor does after an answer. */
enum scu_outcome {
	SCU_SENT,         /* 0000 */
	SCU_SENT_WARNING, /* 0001, 0107, 0116, Bxxx: stored, and worth a line in the log */
	SCU_RETRY,        /* A7xx, 0110, 0124, 0213, FE00 and what the standard does not list */
	SCU_PERMANENT,    /* Cxxx, A8xx, A9xx, and the other 01xx and 02xx */
};
enum scu_outcome dimse_outcome(uint16_t status);

/* In words, a literal: "out of resources".  Never NULL. */
const char *dimse_status_text(uint16_t status);

#endif
