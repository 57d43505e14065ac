/*
 * Command sets (PS3.7 6.3, annex E): implicit VR little endian, group 0000 only.
 *
 * Read leniently: a group length that is wrong or not there, Length to End, UIDs padded with
 * spaces or NULs, a missing Priority or Message ID, elements that are not known, disorder and
 * repeats (the first counts).  Bounded: LIMIT_COMMAND bytes, LIMIT_COMMAND_ELEMENTS elements.
 * Written as the standard says, ascending, with the group length.
 */
#ifndef DIMSE_COMMAND_H
#define DIMSE_COMMAND_H

#include "base/buf.h"
#include "base/err.h"
#include "base/uid.h"
#include "dimse/status.h"

enum dimse_field { /* (0000,0100); a response is its request with DIMSE_RESPONSE */
		   DIMSE_C_STORE = 0x0001,
		   DIMSE_C_GET = 0x0010,
		   DIMSE_C_FIND = 0x0020,
		   DIMSE_C_MOVE = 0x0021,
		   DIMSE_C_ECHO = 0x0030,
		   DIMSE_N_EVENT_REPORT = 0x0100,
		   DIMSE_N_GET = 0x0110,
		   DIMSE_N_SET = 0x0120,
		   DIMSE_N_ACTION = 0x0130,
		   DIMSE_N_CREATE = 0x0140,
		   DIMSE_N_DELETE = 0x0150,
		   DIMSE_C_CANCEL = 0x0FFF,
		   DIMSE_RESPONSE = 0x8000, /* this bit */
};

#define DIMSE_NO_DATA_SET 0x0101u /* (0000,0800): any other value means that one follows */
#define DIMSE_DATA_SET 0x0001u    /* the one that is written */
#define DIMSE_OFFENDING 8u        /* Offending Elements that are kept */

struct dimse_command {
	uint16_t field;
	uint16_t message_id;       /* of a request */
	uint16_t responded_to;     /* Message ID Being Responded To; also of C-CANCEL */
	struct uid sop_class;      /* Affected or (N-GET, N-SET, N-ACTION, N-DELETE) Requested */
	struct uid sop_instance;   /* likewise; "" when absent or no UID */
	struct bytes class_raw;    /* as they came, padding and all, however bad: views into the */
	struct bytes instance_raw; /* command set; empty when absent */
	bool has_data;
	bool has_priority;
	uint16_t priority;
	bool has_status; /* a response ought to have one */
	uint16_t status;
	char error_comment[DIMSE_COMMENT + 1]; /* printable ASCII, whatever came; "": none */
	uint32_t offending[DIMSE_OFFENDING];
	unsigned offending_count;
	bool has_originator; /* of a C-STORE that is part of a C-MOVE */
	char move_originator[17];
	uint16_t move_message_id;
	bool has_event_type, has_action_type;
	uint16_t event_type, action_type;
	bool odd; /* something was tolerated that the standard does not allow (a missing group
		   * length is not counted) */
};

/* ERR_WIRE: no Command Field, or an element that runs past the end; ERR_LIMIT.  `*c` is zeroed on
 * an error. */
enum err command_parse(struct dimse_command *c, struct bytes in, struct fault *f) MUST_USE;
/*
 * Append to `out`.  What is "" or not `has_` is left out; a SOP class or instance whose raw bytes
 * are there (a response made from its request) is written as these.  Priority is always there in
 * requests that must have it (medium when not given), and Data Set Type always.
 */
void command_build(struct buf *out, const struct dimse_command *c);

/* The response to `request`, without a data set: UIDs exactly as they came, and the reply. */
struct dimse_command command_response(const struct dimse_command *request,
				      const struct dimse_reply *reply);
static inline bool command_is_response(const struct dimse_command *c)
{
	return (c->field & DIMSE_RESPONSE) != 0;
}
/* "C-STORE", a literal; "?" when unknown.  The response bit is not looked at. */
const char *command_name(uint16_t field);

#endif
