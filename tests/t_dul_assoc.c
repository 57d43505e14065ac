/*
 * The association engine: each row is a conversation, held in chunks of 1, 2, 3, 7 and 64 bytes and
 * all at once.  Then every PDU in every state; what the numbers of a conversation must be; limits.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/hex.h"
#include "support/script.h"

Suite *suite_dul_assoc(void);

#define TWO_PDVS "04 00 00000014 00000006 01 03 01020304 00000006 01 02 05060708"

static const struct {
	const char *name;
	char role; /* A, R: acceptor, requestor */
	const char *script, *words, *sent;
	enum dul_state state;
	unsigned notes;
} rows[] = {
	/* as it should be */
	{"echo and release", 'A', "RQ | ECHO | RELRQ", "RQ PDV(1 C+ 4) RELRQ RELEASED",
	 "AC DATA(1 C+ 4) RELRP", STA13, 0},
	{"... and the peer closes", 'A', "RQ | ECHO | RELRQ | close",
	 "RQ PDV(1 C+ 4) RELRQ RELEASED", "AC DATA(1 C+ 4) RELRP", STA1, 0},
	{"all in one write", 'A', "RQ ECHO ECHO RELRQ", "RQ PDV(1 C+ 4) PDV(1 C+ 4) RELRQ RELEASED",
	 "AC DATA(1 C+ 4) DATA(1 C+ 4) RELRP", STA13, 0},
	{"all in one write, and the end of it", 'A', "RQ ECHO RELRQ | close",
	 "RQ PDV(1 C+ 4) RELRQ RELEASED", "AC DATA(1 C+ 4) RELRP", STA1, 0},
	{"command and data in one PDU", 'A', "RQ | " TWO_PDVS, "RQ PDV(1 C+ 4) PDV(1 D+ 4)",
	 "AC DATA(1 C+ 4)", STA6, 0},
	{"a command in two PDVs of two bytes", 'A',
	 "RQ | 04 00 00000010 00000004 01 01 0102 00000004 01 03 0304", "RQ PDV(1 C 2) PDV(1 C+ 2)",
	 "AC DATA(1 C+ 4)", STA6, 0},
	{"an empty last PDV", 'A', "RQ | DATA | 04 00 00000006 00000002 01 02",
	 "RQ PDV(1 D+ 4) PDV(1 D+ 0)", "AC", STA6, 0},
	{"upper bits of the control header", 'A', "RQ | 04 00 00000008 00000004 01 FF 0102",
	 "RQ PDV(1 C+ 2)", "AC DATA(1 C+ 4)", STA6, 0},
	{"reserved bytes of a header", 'A', "RQ | 05 FF 00000004 DEADBEEF", "RQ RELRQ RELEASED",
	 "AC RELRP", STA13, 0},

	/* forgiven, and noted */
	{"an odd PDV", 'A', "RQ | 04 00 00000009 00000005 01 02 010203", "RQ PDV(1 D+ 3)", "AC",
	 STA6, DUL_NOTE_ODD_PDV},
	{"a P-DATA-TF without PDVs", 'A', "RQ | 04 00 00000000 | ECHO", "RQ PDV(1 C+ 4)",
	 "AC DATA(1 C+ 4)", STA6, DUL_NOTE_NO_PDV},

	/* malformed PDVs */
	{"a PDV of length 0", 'A', "RQ | 04 00 00000006 00000000 01 03", "RQ ABORTED(2/6)!",
	 "AC ABORT(2/6)", STA13, 0},
	{"a PDV of length 1", 'A', "RQ | 04 00 00000006 00000001 01 03", "RQ ABORTED(2/6)!",
	 "AC ABORT(2/6)", STA13, 0},
	{"a PDV longer than its PDU", 'A', "RQ | 04 00 00000008 00000005 01 03 0102",
	 "RQ ABORTED(2/6)!", "AC ABORT(2/6)", STA13, 0},
	{"a PDV of 4 GiB", 'A', "RQ | 04 00 00000008 FFFFFFFF 01 03 0102", "RQ ABORTED(2/6)!",
	 "AC ABORT(2/6)", STA13, 0},
	{"bytes behind the last PDV", 'A', "RQ | 04 00 0000000B 00000004 01 02 0102 000000",
	 "RQ PDV(1 D+ 2) ABORTED(2/6)!", "AC ABORT(2/6)", STA13, 0},
	{"a P-DATA-TF of three bytes", 'A', "RQ | 04 00 00000003 000000", "RQ ABORTED(2/6)!",
	 "AC ABORT(2/6)", STA13, 0},
	{"a PDV on an even context", 'A', "RQ | 04 00 00000008 00000004 02 03 0102",
	 "RQ ABORTED(2/6)!", "AC ABORT(2/6)", STA13, 0},
	{"a PDV on context 0", 'A', "RQ | 04 00 00000008 00000004 00 03 0102", "RQ ABORTED(2/6)!",
	 "AC ABORT(2/6)", STA13, 0},
	{"a PDV on a context never proposed", 'A', "RQ | 04 00 00000008 00000004 03 03 0102",
	 "RQ ABORTED(2/6)!", "AC ABORT(2/6)", STA13, 0},
	{"what was good before is still given", 'A',
	 "RQ ECHO 04 00 00000008 00000004 03 03 0102 ECHO", "RQ PDV(1 C+ 4) ABORTED(2/6)!",
	 "AC DATA(1 C+ 4) ABORT(2/6)", STA13, 0},

	/* PDUs that are none, or not now */
	{"an unknown type", 'A', "RQ | 2A 00 00000004 00000000", "RQ ABORTED(2/1)!",
	 "AC ABORT(2/1)", STA13, 0},
	{"type 0", 'A', "RQ | 00 00 00000004 00000000", "RQ ABORTED(2/1)!", "AC ABORT(2/1)", STA13,
	 0},
	{"HTTP", 'A', "'GET / HTTP/1.1' 0D0A 0D0A", "ABORTED(2/1)!", "ABORT(2/1)", STA13, 0},
	{"TLS", 'A', "16 03 01 02 00 01 00 01 FC 03 03", "ABORTED(2/1)!", "ABORT(2/1)", STA13, 0},
	{"A-ASSOCIATE-AC first", 'A', "AC", "ABORTED(2/2)!", "ABORT(2/2)", STA13, 0},
	{"A-ASSOCIATE-RJ first", 'A', "RJ", "ABORTED(2/2)!", "ABORT(2/2)", STA13, 0},
	{"P-DATA-TF first", 'A', "ECHO", "ABORTED(2/2)!", "ABORT(2/2)", STA13, 0},
	{"... its header alone is enough", 'A', "04 00 000FFFFF", "ABORTED(2/2)!", "ABORT(2/2)",
	 STA13, 0},
	{"A-RELEASE-RQ first", 'A', "RELRQ", "ABORTED(2/2)!", "ABORT(2/2)", STA13, 0},
	{"A-ABORT first", 'A', "ABORT", "ABORTED(0/0)", "", STA1, 0},
	{"a second request", 'A', "RQ | RQ", "RQ ABORTED(2/2)!", "AC ABORT(2/2)", STA13, 0},
	{"an unasked A-RELEASE-RP", 'A', "RQ | RELRP", "RQ ABORTED(2/2)!", "AC ABORT(2/2)", STA13,
	 0},
	{"data after the release request", 'A', "RQ RELRQ ECHO", "RQ RELRQ RELEASED", "AC RELRP",
	 STA13, 0},

	/* lengths */
	{"a request of 4 GiB", 'A', "01 00 FFFFFFFF 0001", "ABORTED(2/6)!", "ABORT(2/6)", STA13, 0},
	{"a request of 1 MiB and a byte", 'A', "01 00 00100001 0001", "ABORTED(2/6)!", "ABORT(2/6)",
	 STA13, 0},
	{"a request of a byte too few: its header is enough", 'A', "01 00 00000043",
	 "ABORTED(2/6)!", "ABORT(2/6)", STA13, 0},
	{"a request of no bytes", 'A', "01 00 00000000", "ABORTED(2/6)!", "ABORT(2/6)", STA13, 0},
	{"P-DATA-TF of 4 GiB", 'A', "RQ | 04 00 FFFFFFFF 00000004 01 03", "RQ ABORTED(2/6)!",
	 "AC ABORT(2/6)", STA13, 0},
	{"P-DATA-TF of 1 MiB and a byte", 'A', "RQ | 04 00 00100001", "RQ ABORTED(2/6)!",
	 "AC ABORT(2/6)", STA13, 0},
	{"P-DATA-TF of 1 MiB: over our maximum", 'A', "RQ | 04 00 00100000 00000004 01 02 0102",
	 "RQ PDV(1 D+ 2)", "AC", STA6, DUL_NOTE_OVER_MAX},
	{"P-DATA-TF of our maximum", 'A', "RQ | 04 00 00008000 00000004 01 02 0102",
	 "RQ PDV(1 D+ 2)", "AC", STA6, 0},
	{"P-DATA-TF of a byte more", 'A', "RQ | 04 00 00008001 00000004 01 02 0102",
	 "RQ PDV(1 D+ 2)", "AC", STA6, DUL_NOTE_OVER_MAX},
	{"a release request of 8 bytes", 'A', "RQ | 05 00 00000008 0000000000000000",
	 "RQ ABORTED(2/6)!", "AC ABORT(2/6)", STA13, 0},
	{"a release request of 0 bytes", 'A', "RQ | 05 00 00000000", "RQ ABORTED(2/6)!",
	 "AC ABORT(2/6)", STA13, 0},

	/* endings */
	{"the peer aborts", 'A', "RQ | 07 00 00000004 0000 02 06", "RQ ABORTED(2/6)", "AC", STA1,
	 0},
	{"the peer aborts from the reserved source", 'A', "RQ | 07 00 00000004 0000 01 00",
	 "RQ ABORTED(1/0)", "AC", STA1, 0},
	{"the peer aborts in the middle of its data", 'A', "RQ | 04 00 00000010 0000 | ABORT",
	 "RQ ABORTED(2/6)!", "AC ABORT(2/6)", STA13, 0},
	{"this side aborts", 'A', "RQ | abort", "RQ ABORTED(0/0)!", "AC ABORT(0/0)", STA13, 0},
	{"... twice", 'A', "RQ | abort | abort", "RQ ABORTED(0/0)!", "AC ABORT(0/0)", STA13, 0},
	{"this side gives up before a request", 'A', "abort", "CLOSED!", "", STA1, 0},
	{"the peer opens and closes", 'A', "close", "CLOSED", "", STA1, 0},
	{"the peer closes in its request", 'A', "01 00 00000080 0001 | close", "CLOSED", "", STA1,
	 0},
	{"the peer closes", 'A', "RQ | close", "RQ CLOSED", "AC", STA1, 0},
	{"the peer closes in a PDV", 'A', "RQ | 04 00 00000010 0000000C 01 02 0102 | close",
	 "RQ CLOSED", "AC", STA1, 0},
	{"this side releases", 'A', "RQ | release | RELRP", "RQ RELEASED", "AC RELRQ", STA1, 0},
	{"this side releases, data are still coming", 'A', "RQ | release | DATA DATA RELRP",
	 "RQ PDV(1 D+ 4) PDV(1 D+ 4) RELEASED", "AC RELRQ", STA1, 0},
	{"release collision, acceptor", 'A', "RQ | release | RELRQ", "RQ", "AC RELRQ", STA10, 0},
	{"... ended", 'A', "RQ | release | RELRQ | RELRP", "RQ RELEASED", "AC RELRQ RELRP", STA13,
	 0},
	{"... data in it", 'A', "RQ | release | RELRQ | ECHO", "RQ ABORTED(2/2)!",
	 "AC RELRQ ABORT(2/2)", STA13, 0},
	{"release collision, requestor", 'R', "AC | release | RELRQ", "AC", "RQ RELRQ RELRP", STA11,
	 0},
	{"... ended", 'R', "AC | release | RELRQ | RELRP", "AC RELEASED", "RQ RELRQ RELRP", STA1,
	 0},
	{"... the peer only closes", 'R', "AC | release | RELRQ | close", "AC CLOSED",
	 "RQ RELRQ RELRP", STA1, 0},

	/* after the end */
	{"a request after the release", 'A', "RQ RELRQ | RQ", "RQ RELRQ RELEASED", "AC RELRP",
	 STA13, 0},
	{"data after an abort", 'A', "RQ | abort | ECHO ECHO RELRQ", "RQ ABORTED(0/0)!",
	 "AC ABORT(0/0)", STA13, 0},
	{"an A-ABORT after an abort", 'A', "RQ | abort | ECHO ABORT", "RQ ABORTED(0/0)!",
	 "AC ABORT(0/0)", STA1, 0},
	{"an A-ABORT after a PDU with something wrong in it", 'A',
	 "RQ | 04 00 00000008 00000004 03 03 0102 ABORT", "RQ ABORTED(2/6)!", "AC ABORT(2/6)", STA1,
	 0},
	{"garbage after garbage", 'A', "'GET / HTTP/1.1' 0D0A | 07 00 00000004 00000000",
	 "ABORTED(2/1)!", "ABORT(2/1)", STA13, 0},

	/* time */
	{"silence: not yet", 'A', "wait 29999", "", "", STA2, 0},
	{"silence", 'A', "wait 30000", "TIMEOUT!", "", STA1, 0},
	{"half a request, and silence", 'A', "01 00 00000080 0001 | wait 30000", "TIMEOUT!", "",
	 STA1, 0},
	{"a request that dribbles", 'A', "01 | wait 15000 | 00 | wait 14999 | 00 | wait 1",
	 "TIMEOUT!", "", STA1, 0},
	{"idle: not yet", 'A', "RQ | wait 59999", "RQ", "AC", STA6, 0},
	{"idle", 'A', "RQ | wait 60000", "RQ TIMEOUT!", "AC ABORT(0/0)", STA13, 0},
	{"idle, put off by a PDU", 'A', "RQ | wait 59999 | DATA | wait 59999", "RQ PDV(1 D+ 4)",
	 "AC", STA6, 0},
	{"half a PDU, and silence", 'A', "RQ | 04 00 | wait 60000", "RQ TIMEOUT!", "AC ABORT(0/0)",
	 STA13, 0},
	{"a PDU that dribbles", 'A', "RQ | 04 00 | wait 40000 | 00 00 | wait 20000", "RQ TIMEOUT!",
	 "AC ABORT(0/0)", STA13, 0},
	{"a PDV that dribbles", 'A',
	 "RQ | 04 00 00000010 0000000C 01 02 | wait 40000 | 01 | wait 20000", "RQ TIMEOUT!",
	 "AC ABORT(0/0)", STA13, 0},
	{"leave-taking: not yet", 'A', "RQ RELRQ | wait 29999", "RQ RELRQ RELEASED", "AC RELRP",
	 STA13, 0},
	{"leave-taking", 'A', "RQ RELRQ | wait 30000", "RQ RELRQ RELEASED", "AC RELRP", STA1, 0},
	{"leave-taking is absolute", 'A', "RQ RELRQ | wait 20000 | ECHO | wait 10000",
	 "RQ RELRQ RELEASED", "AC RELRP", STA1, 0},
	{"the release is not answered", 'A', "RQ | release | wait 30000", "RQ TIMEOUT!",
	 "AC RELRQ ABORT(0/0)", STA13, 0},
	{"nor in a collision", 'A', "RQ | release | wait 20000 | RELRQ | wait 10000", "RQ TIMEOUT!",
	 "AC RELRQ ABORT(0/0)", STA13, 0},
	{"... and then not closed", 'A', "RQ | release | wait 30000 | wait 30000", "RQ TIMEOUT!",
	 "AC RELRQ ABORT(0/0)", STA1, 0},

	/* the requestor */
	{"accepted, and released", 'R', "AC | release | RELRP", "AC RELEASED", "RQ RELRQ", STA1, 0},
	{"data go out and come in", 'R', "AC | send 6 | DATA", "AC PDV(1 D+ 4)", "RQ DATA(1 D+ 6)",
	 STA6, 0},
	{"rejected", 'R', "RJ", "RJ(1/1/7)", "RQ", STA1, 0},
	{"rejected with codes nobody knows", 'R', "03 00 00000004 00 05 06 07", "RJ(5/6/7)", "RQ",
	 STA1, 0},
	{"a rejection of five bytes", 'R', "03 00 00000005 00 01 01 07 00", "ABORTED(2/6)!",
	 "RQ ABORT(2/6)", STA13, 0},
	{"aborted instead of an answer", 'R', "ABORT", "ABORTED(0/0)", "RQ", STA1, 0},
	{"closed instead of an answer", 'R', "close", "CLOSED", "RQ", STA1, 0},
	{"data instead of an answer", 'R', "ECHO", "ABORTED(2/2)!", "RQ ABORT(2/2)", STA13, 0},
	{"a request instead of an answer", 'R', "RQ", "ABORTED(2/2)!", "RQ ABORT(2/2)", STA13, 0},
	{"no answer", 'R', "wait 30000", "TIMEOUT!", "RQ ABORT(0/0)", STA13, 0},
	{"half an answer", 'R', "02 00 00000080 | wait 30000", "TIMEOUT!", "RQ ABORT(0/0)", STA13,
	 0},
	{"the peer releases", 'R', "AC | RELRQ", "AC RELRQ RELEASED", "RQ RELRP", STA13, 0},
	{"an answer, and data behind it", 'R', "AC ECHO", "AC PDV(1 C+ 4)", "RQ DATA(1 C+ 4)", STA6,
	 0},
};
#define ROWS ((int)(sizeof(rows) / sizeof(rows[0])))

/* What holds whenever nothing more can be done without the peer. */
static void check_quiet(struct talk *t, const char *name)
{
	unsigned wants = assoc_wants(&t->a);

	if (t->a.state == STA1) {
		ck_assert_msg(wants == ASSOC_CLOSE, "%s: wants %u", name, wants);
		return;
	}
	ck_assert_msg(wants == ASSOC_READ, "%s: wants %u", name, wants);
	ck_assert_msg(assoc_deadline(&t->a) != UINT64_MAX, "%s: would wait for ever", name);
	ck_assert_msg(assoc_deadline(&t->a) > t->now, "%s: overdue", name);
	ck_assert_msg((t->a.state == STA13) == t->half_closed, "%s: half-closed?", name);
}

START_TEST(test_conversation)
{
	int row = _i / TALK_CHUNKS;
	struct talk t;

	script_begin(&t, rows[row].role, talk_chunks[_i % TALK_CHUNKS]);
	script_play(&t, rows[row].script);

	const char *words = talk_words(&t), *sent = talk_sent(&t);
	ck_assert_msg(strcmp(words, rows[row].words) == 0, "%s: %s", rows[row].name, words);
	ck_assert_msg(strcmp(sent, rows[row].sent) == 0, "%s: sent %s", rows[row].name, sent);
	ck_assert_msg(t.a.state == rows[row].state, "%s: Sta%u", rows[row].name, t.a.state);
	ck_assert_msg(t.notes == rows[row].notes, "%s: notes %x", rows[row].name, t.notes);
	check_quiet(&t, rows[row].name);
	talk_end(&t);
}
END_TEST

/* ---- Every PDU in every state ---- */

static const struct {
	enum dul_state state;
	char role;
	const char *script; /* that leads there */
} states[] = {
	{STA2, 'A', ""},
	{STA5, 'R', ""},
	{STA6, 'A', "RQ"},
	{STA6, 'R', "AC"},
	{STA7, 'A', "RQ | release"},
	{STA7, 'R', "AC | release"},
	{STA8, 'A', "RQ RELRQ"}, /* not answered, here */
	{STA10, 'A', "RQ | release | RELRQ"},
	{STA11, 'R', "AC | release | RELRQ"},
	{STA13, 'A', "RQ | abort"},
};
#define STATES ((int)(sizeof(states) / sizeof(states[0])))

static const struct {
	enum dul_event event;
	const char *script;
} arrivals[] = {
	{EVT_AC, "AC"},
	{EVT_RJ, "RJ"},
	{EVT_RQ, "RQ"},
	{EVT_DATA, "DATA"},
	{EVT_RELEASE_RQ, "RELRQ"},
	{EVT_RELEASE_RP, "RELRP"},
	{EVT_ABORT, "ABORT"},
	{EVT_CLOSED, "close"},
	{EVT_INVALID, "FF 00 00000000"},
	{EVT_ABORT_REQUEST, "abort"},
};

/* The next state and PDU of each action (PS3.8 tables 9-6 to 9-9). */
static const struct {
	enum dul_action action;
	enum dul_state next;
	const char *sent;
} effects[] = {
	{AE3, STA6, ""},  {AE4, STA1, ""},  {AE6, STA3, ""},        {AR2, STA8, ""},
	{AR3, STA1, ""},  {AR5, STA1, ""},  {AR10, STA13, "RELRP"}, /* with the answer */
	{AA2, STA1, ""},  {AA3, STA1, ""},  {AA4, STA1, ""},        {AA5, STA1, ""},
	{AA6, STA13, ""}, {AA7, STA13, ""}, {DT2, STA6, ""},        {AR6, STA7, ""},
};

START_TEST(test_every_state)
{
	for (size_t k = 0; k < sizeof(arrivals) / sizeof(arrivals[0]); k++) {
		enum dul_state state = states[_i].state;
		enum dul_action action = table_action(arrivals[k].event, state);
		bool aborts = action == AA1 || action == AA8;
		const char *reason = arrivals[k].event == EVT_INVALID         ? "ABORT(2/1)"
				     : arrivals[k].event == EVT_ABORT_REQUEST ? "ABORT(0/0)"
									      : "ABORT(2/2)";
		struct talk t;
		size_t e = 0;

		if (action == NIL || action == AR8) /* collisions have their rows above */
			continue;
		script_begin(&t, states[_i].role, 0);
		t.releases = false;
		script_play(&t, states[_i].script);
		ck_assert_uint_eq(t.a.state, state);
		talk_words(&t);
		talk_sent(&t);
		t.answers = false;
		script_play(&t, arrivals[k].script);

		const char *sent = talk_sent(&t);
		if (aborts) {
			ck_assert_uint_eq(t.a.state, STA13);
			ck_assert_str_eq(sent, reason);
		} else {
			while (effects[e].action != action)
				ck_assert_uint_lt(++e, sizeof(effects) / sizeof(effects[0]));
			ck_assert_msg(t.a.state == effects[e].next, "Sta%u, %s: Sta%u", state,
				      table_action_name(action), t.a.state);
			ck_assert_str_eq(sent, effects[e].sent);
		}
		talk_end(&t);
	}
}
END_TEST

/* Between request and answer (Sta3) what is pipelined waits; an abort or a close does not. */
START_TEST(test_waiting_for_the_user)
{
	struct talk t;

	talk_accept(&t, 0);
	t.answers = false;
	script_play(&t, "RQ ECHO | wait 1000000000");
	ck_assert_str_eq(talk_words(&t), "RQ");
	ck_assert_uint_eq(t.a.state, STA3);
	static struct dul_answer answer;
	negotiate(&t.request, &t.policy, &answer);
	assoc_answer(&t.a, &answer);
	talk_pump(&t);
	ck_assert_str_eq(talk_words(&t), "PDV(1 C+ 4)");
	assoc_answer(&t.a, &answer); /* too late: nothing happens */
	ck_assert_str_eq(talk_sent(&t), "AC DATA(1 C+ 4)");
	talk_end(&t);

	talk_accept(&t, 0);
	t.answers = false;
	script_play(&t, "RQ ABORT");
	ck_assert_str_eq(talk_words(&t), "RQ ABORTED(0/0)");
	talk_end(&t);

	talk_accept(&t, 0);
	t.answers = false;
	script_play(&t, "RQ | close");
	ck_assert_str_eq(talk_words(&t), "RQ CLOSED");
	talk_end(&t);

	talk_accept(&t, 0);
	t.answers = false;
	script_play(&t, "RQ");
	negotiate_refuse(&answer, DUL_REFUSE_CALLED);
	assoc_answer(&t.a, &answer);
	talk_pump(&t);
	ck_assert_str_eq(talk_words(&t), "RQ RJ(1/1/7)!");
	ck_assert_str_eq(talk_sent(&t), "RJ(1/1/7)");
	check_quiet(&t, "refused");
	talk_end(&t);
}
END_TEST

/* A note is told once in an association. */
START_TEST(test_notes_once)
{
	struct talk t;

	talk_accept(&t, 0);
	script_play(&t, "RQ | 04 00 00000009 00000005 01 02 010203");
	ck_assert_uint_eq(t.last.notes, DUL_NOTE_ODD_PDV);
	script_play(&t, "04 00 00000009 00000005 01 02 010203");
	ck_assert_uint_eq(t.last.notes, 0);
	talk_end(&t);
}
END_TEST

/* ---- Sending ---- */

static const struct {
	const char *max_item;
	uint32_t send_max;
	size_t piece; /* 0: it is aborted */
} maxima[] = {
	{"5100 0004 00000000", 1u << 20, (1u << 20) - 6}, /* unlimited: as much as we like */
	{"", 1u << 20, 16378},                            /* not said */
	{"5100 0004 00000001", 1u << 20, 0},
	{"5100 0004 00000007", 1u << 20, 0},
	{"5100 0004 00000008", 1u << 20, 2},
	{"5100 0004 00000009", 1u << 20, 2},
	{"5100 0004 0000000A", 1u << 20, 4},
	{"5100 0004 00003E80", 1u << 20, 15994}, /* 16000 */
	{"5100 0004 FFFFFFFF", 1u << 20, (1u << 20) - 6},
	{"5100 0004 00020000", 65536, 65530},
};

static const char *items_with(const char *max_item)
{
	static char items[512];
	size_t len = strlen(max_item) > 0 ? 19 : 11;

	snprintf(items, sizeof(items), "%s%s 5000 00%02zX %s %s", TALK_APPLICATION, TALK_CONTEXT,
		 len, max_item, TALK_CLASS);
	return items;
}

START_TEST(test_peer_maximum)
{
	struct talk t;

	talk_accept(&t, 0);
	t.a.limits.send_max = maxima[_i].send_max;
	talk_feed(&t, talk_rq(TALK_FIXED, items_with(maxima[_i].max_item)));
	if (maxima[_i].piece == 0) {
		ck_assert_str_eq(talk_words(&t), "ABORTED(2/6)!");
		ck_assert_str_eq(talk_sent(&t), "ABORT(2/6)");
	} else {
		ck_assert_str_eq(talk_words(&t), "RQ");
		ck_assert_uint_eq(assoc_send_max(&t.a), maxima[_i].piece);
	}
	talk_end(&t);
}
END_TEST

/* Whatever its length, a data set arrives as it was sent, in PDUs no longer than is allowed, for
 * every way of splitting it into views and of writing it. */
START_TEST(test_send)
{
	static const size_t lengths[] = {0, 2, 4, 8, 10, 12, 18, 20, 22, 1000};
	uint8_t data[1000];
	struct bytes views[8];
	struct talk t;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	for (size_t n = 0; n < sizeof(lengths) / sizeof(lengths[0]); n++) {
		size_t len = lengths[n], cut = len / 3, at = 0, pdus_count = 0;

		talk_accept(&t, talk_chunks[_i]);
		talk_feed(&t, talk_rq(TALK_FIXED, items_with("5100 0004 00000010")));
		t.sent.len = 0;
		views[0] = bytes_of(data, 0);
		views[1] = bytes_of(data, cut);
		views[2] = bytes_of(data + cut, 0);
		views[3] = bytes_of(data + cut, len - cut);
		views[4] = BYTES_NONE;
		ck_assert(assoc_can_send(&t.a));
		assoc_send(&t.a, 1, false, true, views, 5);
		ck_assert(!assoc_can_send(&t.a));
		talk_pump(&t);
		ck_assert(assoc_can_send(&t.a));

		for (struct bytes rest = buf_bytes(&t.sent); rest.len > 0; pdus_count++) {
			size_t body = get_u32be(rest.at + 2);

			ck_assert(body <= 16 && body >= 6 && rest.at[0] == PDU_DATA_TF);
			ck_assert_uint_eq(get_u32be(rest.at + 6), body - 4);
			ck_assert_uint_eq(rest.at[11], at + body - 6 == len ? 2 : 0);
			ck_assert(memcmp(rest.at + 12, data + at, body - 6) == 0);
			at += body - 6;
			rest = bytes_slice(rest, 6 + body, rest.len - 6 - body);
		}
		ck_assert_uint_eq(at, len);
		ck_assert_uint_eq(pdus_count, len == 0 ? 1 : (len + 9) / 10);
		talk_end(&t);
	}
}
END_TEST

/* The peer stops reading: an A-ABORT between two PDUs, none in the middle of one; and each PDU that
 * goes out gives the next one its own time. */
START_TEST(test_send_stuck)
{
	uint8_t data[100] = {0};
	struct bytes all = bytes_of(data, sizeof(data)), views[4];
	struct talk t;

	for (size_t within = 0; within < 2; within++) {
		talk_accept(&t, 0);
		talk_feed(&t, talk_rq(TALK_FIXED, items_with("5100 0004 00000010")));
		t.sent.len = 0;
		assoc_send(&t.a, 1, false, true, &all, 1);
		assoc_tick(&t.a, 59999);
		ck_assert_uint_eq(assoc_out_views(&t.a, views, 4), 4);
		assoc_out_ack(&t.a, 22 + within, 59999);
		assoc_tick(&t.a, 60000);
		ck_assert_uint_eq(t.a.state, STA6);
		assoc_tick(&t.a, 119999);
		talk_pump(&t);
		ck_assert_str_eq(talk_words(&t), "RQ TIMEOUT!");
		ck_assert_str_eq(talk_sent(&t), within ? "" : "ABORT(0/0)");
		ck_assert(t.half_closed && t.a.state == STA13);
		talk_end(&t);
	}
}
END_TEST

/* An A-ABORT that arrives while data go out ends the sending at once. */
START_TEST(test_abort_while_sending)
{
	static uint8_t data[100000];
	struct bytes all = bytes_of(data, sizeof(data)), in = hex(TALK_ABORT);
	struct dul_ind ind;
	struct talk t;
	size_t room;

	talk_request(&t, 0);
	script_play(&t, "AC");
	assoc_send(&t.a, 1, false, true, &all, 1);
	ck_assert(assoc_wants(&t.a) & ASSOC_WRITE);
	memcpy(assoc_in_buf(&t.a, &room), in.at, in.len);
	assoc_in_ack(&t.a, in.len, 0);
	hex_free(in);
	ck_assert((assoc_wants(&t.a) & ASSOC_WRITE) == 0);
	ck_assert(assoc_next(&t.a, &ind) && ind.kind == DUL_ABORTED && !ind.ours);
	ck_assert_uint_eq(assoc_wants(&t.a), ASSOC_CLOSE);
	talk_end(&t);
}
END_TEST

/* A peer that has shut its sending side and takes nothing either: what is still to go out is given
 * up when its time is over. Once partly out, an answer is not followed by another PDU. */
START_TEST(test_answer_stuck)
{
	static struct dul_answer answer;
	struct bytes views[4];
	struct dul_ind ind;
	struct talk t;

	talk_accept(&t, 0);
	t.answers = false;
	script_play(&t, "RQ");
	negotiate_refuse(&answer, DUL_REFUSE_LIMIT);
	assoc_answer(&t.a, &answer);
	assoc_in_closed(&t.a, 0);
	ck_assert(assoc_next(&t.a, &ind) && ind.kind == DUL_ASSOCIATE_REJECTED);
	ck_assert(!assoc_next(&t.a, &ind));
	ck_assert_uint_eq(t.a.state, STA1);
	ck_assert_uint_eq(assoc_wants(&t.a), ASSOC_WRITE);
	ck_assert_uint_eq(assoc_deadline(&t.a), 60000);
	assoc_tick(&t.a, 60000);
	ck_assert_uint_eq(assoc_wants(&t.a), ASSOC_CLOSE);
	talk_end(&t);

	talk_accept(&t, 0);
	t.answers = false;
	script_play(&t, "RQ");
	negotiate(&t.request, &t.policy, &answer);
	assoc_answer(&t.a, &answer);
	ck_assert_uint_eq(assoc_out_views(&t.a, views, 4), 1);
	assoc_out_ack(&t.a, 10, 0);
	assoc_abort(&t.a, DUL_BY_USER, 0);
	ck_assert_uint_eq(assoc_wants(&t.a) & (ASSOC_WRITE | ASSOC_HALF_CLOSE), ASSOC_HALF_CLOSE);
	talk_end(&t);
}
END_TEST

START_TEST(test_acceptor_maximum)
{
	struct talk t;

	talk_request(&t, 0);
	talk_feed(&t, talk_ac(TALK_APPLICATION "2100 0019 01 00 00 00" TALK_ILE
					       "5000 0008 5100 0004 00000007"));
	ck_assert_str_eq(talk_words(&t), "ABORTED(2/6)!");
	ck_assert_str_eq(talk_sent(&t), "RQ ABORT(2/6)");
	talk_end(&t);
}
END_TEST

/* After the end primitives are ignored, and no view of the user's is looked at. */
START_TEST(test_too_late)
{
	struct bytes dead = bytes_of((const uint8_t *)1, 2); /* never read */
	struct talk t;

	talk_accept(&t, 0);
	script_play(&t, "RQ | ABORT");
	ck_assert(!assoc_can_send(&t.a));
	assoc_send(&t.a, 1, true, true, &dead, 1);
	assoc_release(&t.a);
	assoc_release_response(&t.a);
	assoc_abort(&t.a, 2, 5);
	assoc_set_idle(&t.a, 1);
	talk_wait(&t, 1000000);
	ck_assert_str_eq(talk_words(&t), "RQ ABORTED(0/0)");
	ck_assert_str_eq(talk_sent(&t), "AC");
	ck_assert_uint_eq(assoc_wants(&t.a), ASSOC_CLOSE);
	talk_end(&t);
}
END_TEST

/* What the user does for itself is not the peer's time; ARTIM goes on all the same. */
START_TEST(test_resume)
{
	struct talk t;

	talk_accept(&t, 0);
	assoc_resume(&t.a, 30000);
	assoc_tick(&t.a, 30000);
	talk_pump(&t);
	ck_assert_str_eq(talk_words(&t), "TIMEOUT!");
	talk_end(&t);

	talk_accept(&t, 0);
	script_play(&t, "RQ | 04 00");
	assoc_resume(&t.a, 100000);
	assoc_tick(&t.a, 159999);
	ck_assert_uint_eq(t.a.state, STA6);
	assoc_tick(&t.a, 160000);
	ck_assert_uint_eq(t.a.state, STA13);
	talk_end(&t);

	talk_accept(&t, 0);
	script_play(&t, "RQ");
	assoc_set_idle(&t.a, 500000);
	assoc_tick(&t.a, 499999);
	ck_assert_uint_eq(t.a.state, STA6);
	assoc_tick(&t.a, 500000);
	ck_assert_uint_eq(t.a.state, STA13);
	talk_end(&t);
}
END_TEST

/* ---- Receiving ---- */

/* A PDU of 1 MiB through a buffer that holds little more; its payload is what was sent, its pieces
 * views into the buffer. */
START_TEST(test_large_pdu)
{
	size_t len = (1u << 20) - 6, total = 12 + len;
	uint8_t *pdu = malloc(total);
	struct talk t;

	pdu_data_head(pdu, 1, false, true, (uint32_t)len);
	for (size_t i = 0; i < len; i++)
		pdu[12 + i] = (uint8_t)(i % 251);
	talk_accept(&t, _i == 0 ? 65536 : 0);
	script_play(&t, "RQ");
	talk_words(&t);
	talk_feed(&t, bytes_of(pdu, total));
	talk_feed(&t, bytes_of(pdu, total));
	ck_assert_str_eq(talk_words(&t), "PDV(1 D+ 1048570) PDV(1 D+ 1048570)");
	ck_assert_uint_eq(t.payload.len, 2 * len);
	ck_assert(memcmp(t.payload.at, pdu + 12, len) == 0);
	ck_assert(memcmp(t.payload.at + len, pdu + 12, len) == 0);
	ck_assert(t.last.pdv.fragment.at >= t.in && t.last.pdv.fragment.at < t.in + ASSOC_IN_SIZE);
	free(pdu);
	talk_end(&t);
}
END_TEST

/* The peer answers with contexts and syntaxes that were not proposed: they cannot be used. */
START_TEST(test_answer_not_proposed)
{
	struct talk t;

	talk_request(&t, 0);
	talk_feed(&t, talk_ac(TALK_APPLICATION "2100 001B 01 00 00 00" TALK_ELE
					       "2100 0019 03 00 00 00" TALK_ILE TALK_INFO));
	ck_assert_str_eq(talk_words(&t), "AC");
	ck_assert_ptr_null(dul_accepted(t.last.answer, 1));
	ck_assert_ptr_null(dul_accepted(t.last.answer, 3));
	ck_assert_uint_eq(t.notes, DUL_NOTE_NOT_PROPOSED);
	talk_end(&t);

	talk_request(&t, 0);
	script_play(&t, "AC");
	ck_assert_str_eq(dul_accepted(t.last.answer, 1)->text, "1.2.840.10008.1.2");
	ck_assert_uint_eq(t.notes, 0);
	talk_end(&t);
}
END_TEST

Suite *suite_dul_assoc(void)
{
	Suite *s = suite_create("dul_assoc");
	TCase *t = tcase_create("association");

	tcase_add_loop_test(t, test_conversation, 0, ROWS * TALK_CHUNKS);
	tcase_add_loop_test(t, test_every_state, 0, STATES);
	tcase_add_test(t, test_waiting_for_the_user);
	tcase_add_test(t, test_notes_once);
	tcase_add_loop_test(t, test_peer_maximum, 0, sizeof(maxima) / sizeof(maxima[0]));
	tcase_add_loop_test(t, test_send, 0, TALK_CHUNKS);
	tcase_add_test(t, test_send_stuck);
	tcase_add_test(t, test_abort_while_sending);
	tcase_add_test(t, test_answer_stuck);
	tcase_add_test(t, test_acceptor_maximum);
	tcase_add_test(t, test_too_late);
	tcase_add_test(t, test_resume);
	tcase_add_loop_test(t, test_large_pdu, 0, 2);
	tcase_add_test(t, test_answer_not_proposed);
	suite_add_tcase(s, t);
	return s;
}
