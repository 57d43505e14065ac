/*
 * PS3.8 table 9-10: what happens, by state and event.
 */
#ifndef DUL_TABLE_H
#define DUL_TABLE_H

/* PS3.8 9.2.1: Sta1 idle, Sta2 transport open, Sta3 awaiting the local answer, Sta4 connecting,
 * Sta5 awaiting AC or RJ, Sta6 established, Sta7 awaiting RELEASE-RP, Sta8 awaiting the local
 * release response, Sta9-12 release collisions, Sta13 awaiting the transport's close. */
enum dul_state {
	STA1 = 1,
	STA2,
	STA3,
	STA4,
	STA5,
	STA6,
	STA7,
	STA8,
	STA9,
	STA10,
	STA11,
	STA12,
	STA13,
};
#define DUL_STATES 13

/* PS3.8 9.2.2 */
enum dul_event {
	EVT_CONNECT_REQUEST = 1,
	EVT_CONNECTED = 2,
	EVT_AC = 3,
	EVT_RJ = 4,
	EVT_ACCEPTED_TRANSPORT = 5,
	EVT_RQ = 6,
	EVT_ACCEPT_RESPONSE = 7,
	EVT_REJECT_RESPONSE = 8,
	EVT_DATA_REQUEST = 9,
	EVT_DATA = 10,
	EVT_RELEASE_REQUEST = 11,
	EVT_RELEASE_RQ = 12,
	EVT_RELEASE_RP = 13,
	EVT_RELEASE_RESPONSE = 14,
	EVT_ABORT_REQUEST = 15,
	EVT_ABORT = 16,
	EVT_CLOSED = 17,
	EVT_ARTIM = 18,
	EVT_INVALID = 19,
};
#define DUL_EVENTS 19

/* PS3.8 tables 9-6 to 9-9. NIL: the event cannot occur in that state. */
enum dul_action {
	NIL,
	AE1,
	AE2,
	AE3,
	AE4,
	AE5,
	AE6,
	AE7,
	AE8,
	DT1,
	DT2,
	AR1,
	AR2,
	AR3,
	AR4,
	AR5,
	AR6,
	AR7,
	AR8,
	AR9,
	AR10,
	AA1,
	AA2,
	AA3,
	AA4,
	AA5,
	AA6,
	AA7,
	AA8,
};

enum dul_action table_action(enum dul_event event, enum dul_state state);
const char *table_action_name(enum dul_action action); /* "AE-1", "-" */

#endif
