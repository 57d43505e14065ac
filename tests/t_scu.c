/*
 * The requestor: what it proposes and chooses, how data sets leave, what it makes of answers; over
 * two engines back to back, at every chunking.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/pair.h"
#include "support/talk.h"

#define CT "1.2.840.10008.5.1.4.1.1.2"
#define RS "1.2.840.10008.5.1.4.1.1.481.3"
#define ELE "1.2.840.10008.1.2.1"
#define ILE "1.2.840.10008.1.2"
#define EBE "1.2.840.10008.1.2.2"
#define DFL "1.2.840.10008.1.2.1.99"
#define JPEG "1.2.840.10008.1.2.4.70"
#define UNKNOWN "1.2.3.4"

static struct pair p;
static struct dul_request r;

static void new_request(void)
{
	dul_request_init(&r, "NETRT", "PEER", 16384, "1.2.3", "TEST");
}

/* ---- Proposals ---- */

static const char *proposed_text(void)
{
	static char text[2000];
	size_t at = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < r.context_count; i++) {
		const struct dul_context *c = &r.context[i];

		ck_assert_uint_eq(c->syntax_count, 1);
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s/%s", i > 0 ? " " : "",
				       strrchr(c->abstract_syntax.text, '.') + 1,
				       dul_syntax(&r, c, 0)->text + strlen("1.2"));
	}
	return text;
}

static const struct {
	const char *name;
	struct scu_wanted wanted[4];
	const char *want; /* last component of the class / transfer syntax without "1.2" */
} proposals[] = {
	{"explicit", {{{CT}, {ELE}}}, "2/.840.10008.1.2.1 2/.840.10008.1.2"},
	{"implicit", {{{CT}, {ILE}}}, "2/.840.10008.1.2 2/.840.10008.1.2.1"},
	{"big endian", {{{CT}, {EBE}}}, "2/.840.10008.1.2.2 2/.840.10008.1.2.1 2/.840.10008.1.2"},
	{"deflated", {{{CT}, {DFL}}}, "2/.840.10008.1.2.1.99 2/.840.10008.1.2.1 2/.840.10008.1.2"},
	{"compressed: nothing else", {{{CT}, {JPEG}}}, "2/.840.10008.1.2.4.70"},
	{"unknown: nothing else", {{{CT}, {UNKNOWN}}}, "2/.3.4"},
	{"both, each context once",
	 {{{CT}, {ELE}}, {{CT}, {ILE}}, {{CT}, {ELE}}, {{CT}, {JPEG}}},
	 "2/.840.10008.1.2.1 2/.840.10008.1.2 2/.840.10008.1.2.4.70"},
	{"two classes",
	 {{{CT}, {ELE}}, {{RS}, {ILE}}},
	 "2/.840.10008.1.2.1 2/.840.10008.1.2 3/.840.10008.1.2 3/.840.10008.1.2.1"},
};

START_TEST(test_propose)
{
	size_t count = 0;

	while (count < 4 && proposals[_i].wanted[count].sop_class.text[0] != '\0')
		count++;
	new_request();
	ck_assert_uint_eq(scu_propose(&r, proposals[_i].wanted, count), count);
	ck_assert_msg(strcmp(proposed_text(), proposals[_i].want) == 0, "%s: %s",
		      proposals[_i].name, proposed_text());
}
END_TEST

/* Two contexts each: 64 go into one association, the 65th needs another; with one already used, 63.
 */
START_TEST(test_split)
{
	static struct scu_wanted wanted[150];

	for (unsigned i = 0; i < 150; i++) {
		snprintf(wanted[i].sop_class.text, sizeof(wanted[i].sop_class.text), "1.2.9.%u", i);
		uid_set(&wanted[i].syntax, BYTES_LIT(ELE));
	}
	new_request();
	ck_assert_uint_eq(scu_propose(&r, wanted, 150), 64);
	ck_assert_uint_eq(r.context_count, 128);
	new_request();
	ck_assert(scu_propose_one(&r, &dimse_verification, ILE));
	ck_assert_uint_eq(scu_propose(&r, wanted, 150), 63);
	ck_assert_uint_eq(r.context_count, 127);
	for (unsigned i = 0; i < 150; i++)
		uid_set(&wanted[i].syntax, BYTES_LIT(JPEG));
	new_request();
	ck_assert_uint_eq(scu_propose(&r, wanted, 150), 128);
	ck_assert(!scu_propose_one(&r, &dimse_verification, ILE));
}
END_TEST

/* ---- Choices ---- */

static const struct {
	const char *name, *syntax, *accepted[3], *want; /* the accepted syntax that is chosen */
	uint8_t refusal;
} choices[] = {
	{"its own", ELE, {ELE, ILE}, ELE, 0},
	{"explicit to implicit", ELE, {ILE}, ILE, 0},
	{"implicit as it is", ILE, {ELE, ILE}, ILE, 0},
	{"implicit to explicit", ILE, {ELE}, ELE, 0},
	{"big endian as it is", EBE, {EBE, ELE, ILE}, EBE, 0},
	{"big endian: explicit before implicit", EBE, {ILE, ELE}, ELE, 0},
	{"deflated to implicit", DFL, {ILE}, ILE, 0},
	{"compressed as it is", JPEG, {JPEG, ILE}, JPEG, 0},
	{"compressed, not taken", JPEG, {ELE, ILE}, NULL, 4},
	{"nothing taken", ELE, {NULL}, NULL, 4},
};

START_TEST(test_choose)
{
	const struct scu_wanted wanted[] = {
		{{CT}, {ELE}}, {{CT}, {EBE}}, {{CT}, {DFL}}, {{CT}, {JPEG}}};
	static struct dul_answer a;
	struct uid syntax, ct = {CT};
	struct scu_choice c;

	new_request();
	ck_assert_uint_eq(scu_propose(&r, wanted, 4), 4);
	a = (struct dul_answer){.context_count = r.context_count};
	for (unsigned i = 0; i < r.context_count; i++) {
		const struct uid *proposed = dul_syntax(&r, &r.context[i], 0);

		a.context[i].id = r.context[i].id;
		a.context[i].result = 4;
		for (unsigned k = 0; k < 3 && choices[_i].accepted[k] != NULL; k++)
			if (strcmp(proposed->text, choices[_i].accepted[k]) == 0) {
				a.context[i].result = 0;
				a.context[i].transfer_syntax = *proposed;
			}
	}
	uid_set(&syntax, bytes_str(choices[_i].syntax));
	c = scu_choose(&r, &a, &ct, &syntax);
	if (choices[_i].want == NULL) {
		ck_assert_msg(c.context_id == 0 && c.refusal == choices[_i].refusal, "%s: %u",
			      choices[_i].name, c.refusal);
		return;
	}
	ck_assert_msg(c.context_id != 0, "%s", choices[_i].name);
	ck_assert_str_eq(dul_accepted(&a, c.context_id)->text, choices[_i].want);
	if (strcmp(choices[_i].want, choices[_i].syntax) == 0)
		ck_assert_ptr_null(c.syntax);
	else
		ck_assert_str_eq(c.syntax->uid, choices[_i].want);
}
END_TEST

START_TEST(test_choose_never_proposed)
{
	static struct dul_answer a;
	const struct uid ct = {CT}, ele = {ELE};
	struct scu_choice c;

	new_request();
	c = scu_choose(&r, &a, &ct, &ele);
	ck_assert(c.context_id == 0 && c.refusal == 0);
}
END_TEST

/* ---- Conversations ---- */

static void open_store(size_t chunk, uint32_t max_pdu, const char *without)
{
	const struct scu_wanted wanted[] = {{{CT}, {ELE}}, {{RS}, {ILE}}};
	static const struct storage_classes classes = {.commitment = true};

	new_request();
	ck_assert(scu_propose_one(&r, &dimse_verification, ILE));
	ck_assert_uint_eq(scu_propose(&r, wanted, 2), 2);
	pair_open(&p, chunk, &r, &classes, without, max_pdu);
}

static uint8_t context_of(const char *sop_class, const char *syntax)
{
	struct uid a, b;

	uid_set(&a, bytes_str(sop_class));
	uid_set(&b, bytes_str(syntax));
	return dul_accepted_for(&p.request, &p.answer, &a, &b);
}

START_TEST(test_echo)
{
	open_store(talk_chunks[_i], 16384, NULL);
	for (unsigned n = 1; n <= 3; n++) {
		scu_echo(&p.scu, context_of("1.2.840.10008.1.1", ILE));
		ck_assert(!scu_idle(&p.scu) && scu_unsent(&p.scu));
		pair_run(&p);
		ck_assert(scu_idle(&p.scu) && !scu_unsent(&p.scu));
		ck_assert_uint_eq(scu_message_id(&p.scu), n);
		ck_assert_str_eq(pair_words(&p), "0000");
	}
	pair_close(&p);
}
END_TEST

/* Message IDs go round, without 0. */
START_TEST(test_message_id)
{
	open_store(0, 16384, NULL);
	for (unsigned n = 1; n <= 65537; n++) {
		scu_echo(&p.scu, context_of("1.2.840.10008.1.1", ILE));
		pair_run(&p);
		ck_assert_uint_eq(scu_message_id(&p.scu), n <= 65535 ? n : n - 65535);
		buf_free(&p.log);
	}
	pair_close(&p);
}
END_TEST

static uint8_t data[300000];

static void fill(void)
{
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 31 + i / 251);
}

static void store(const struct piece *pieces, size_t count)
{
	struct scu_object o = {.context_id = context_of(CT, ELE),
			       .sop_class = {CT},
			       .sop_instance = {"1.2.3"},
			       .pieces = pieces,
			       .piece_count = count};

	buf_free(&p.data);
	scu_store(&p.scu, &o);
	pair_run(&p);
}

/* One piece, many small ones (more than go into one assoc_send), swapped ones, all sorts: what the
 * acceptor gets is what they say. */
START_TEST(test_store)
{
	static struct piece many[200];
	static uint8_t want[sizeof(data)];
	static const uint8_t units[] = {1, 1, 2, 1, 8, 4, 1, 1, 1, 2};
	static const uint32_t pdus[] = {32, 128, 16384, 0};
	size_t at = 0;

	fill();
	for (unsigned i = 0; i < 200; i++) {
		size_t len = i % 7 == 0 ? 2 : i % 50 == 1 ? 30000 : 16 * (i % 9 + 1);

		many[i] = (struct piece){bytes_of(data + at, len), units[i % 10]};
		piece_copy(&many[i], 0, want + at, len);
		at += len;
	}
	size_t chunk = talk_chunks[_i / 4];
	if (chunk != 0 && chunk < 64)
		chunk *= 101; /* 120,000 bytes, one at a time, say no more and take long */
	open_store(chunk, pdus[_i % 4], NULL);
	store(many, 200);
	ck_assert_str_eq(pair_words(&p), "0000");
	ck_assert_uint_eq(p.data.len, at);
	ck_assert(memcmp(p.data.at, want, at) == 0);

	/* a large swapped one: more than one scratch */
	struct piece large = {bytes_of(data, sizeof(data)), 2};
	piece_copy(&large, 0, want, sizeof(data));
	store(&large, 1);
	ck_assert_str_eq(pair_words(&p), "0000");
	ck_assert(p.data.len == sizeof(data) && memcmp(p.data.at, want, sizeof(data)) == 0);

	/* as it is */
	large.unit = 1;
	store(&large, 1);
	ck_assert_str_eq(pair_words(&p), "0000");
	ck_assert(p.data.len == sizeof(data) && memcmp(p.data.at, data, sizeof(data)) == 0);
	pair_close(&p);
}
END_TEST

static void answer_with_comment(struct pair *x, const struct scp_event *ev)
{
	struct dimse_reply reply = dimse_reply_of(0xA700, "no space left");

	if (ev->kind == SCP_BEGIN) {
		ck_assert(uid_eq(&ev->command->sop_instance, &(struct uid){"1.2.3"}));
		ck_assert(ev->command->has_priority && ev->command->priority == 0);
	}
	if (ev->kind == SCP_DATA && ev->last)
		scp_answer(&x->scp, &reply);
}

static void show_response(struct pair *x, const struct scu_event *ev)
{
	if (ev->kind == SCU_RESPONSE)
		pair_word(x, "%04X(%s)", ev->command->status, ev->command->error_comment);
}

START_TEST(test_status)
{
	struct piece one = {bytes_of(data, 1000), 1};

	open_store(talk_chunks[_i], 128, NULL);
	p.on_event = answer_with_comment;
	p.on_response = show_response;
	store(&one, 1);
	ck_assert_str_eq(pair_words(&p), "A700(no space left)");
	ck_assert(scu_idle(&p.scu));
	store(&one, 1);
	ck_assert_str_eq(pair_words(&p), "A700(no space left)");
	pair_close(&p);
}
END_TEST

/* ---- What an acceptor must not say ---- */

static void send_from_acceptor(uint8_t context, const struct dimse_command *c, struct bytes payload)
{
	struct buf out = BUF_INIT(4096);
	struct bytes view;

	command_build(&out, c);
	view = buf_bytes(&out);
	assoc_send(&p.a[1], context, true, true, &view, 1);
	pair_run(&p);
	if (c->has_data && assoc_can_send(&p.a[1])) {
		assoc_send(&p.a[1], context, false, true, &payload, 1);
		pair_run(&p);
	}
	buf_free(&out);
}

enum { ASKED_NOTHING, ASKED_ECHO };

static const struct {
	const char *name;
	int asked;
	struct dimse_command c;
	bool other_context;
	const char *want;
} wrongs[] = {
	{"the right one",
	 ASKED_ECHO,
	 {.field = 0x8030, .responded_to = 1, .has_status = true},
	 false,
	 "0000"},
	{"with a data set that nobody needs",
	 ASKED_ECHO,
	 {.field = 0x8030, .responded_to = 1, .has_status = true, .has_data = true},
	 false,
	 "0000"},
	{"a response to nothing",
	 ASKED_NOTHING,
	 {.field = 0x8030, .responded_to = 1, .has_status = true},
	 false,
	 "broken(2/5) ABORTED(2/5)"},
	{"a response to another command",
	 ASKED_ECHO,
	 {.field = 0x8001, .responded_to = 1, .has_status = true},
	 false,
	 "broken(2/5) ABORTED(2/5)"},
	{"a response to another message",
	 ASKED_ECHO,
	 {.field = 0x8030, .responded_to = 2, .has_status = true},
	 false,
	 "broken(2/5) ABORTED(2/5)"},
	{"a response in another context",
	 ASKED_ECHO,
	 {.field = 0x8030, .responded_to = 1, .has_status = true},
	 true,
	 "broken(2/5) ABORTED(2/5)"},
	{"a response without a status",
	 ASKED_ECHO,
	 {.field = 0x8030, .responded_to = 1},
	 false,
	 "broken(2/5) ABORTED(2/5)"},
	{"a request",
	 ASKED_NOTHING,
	 {.field = DIMSE_C_ECHO, .message_id = 1},
	 false,
	 "broken(2/5) ABORTED(2/5)"},
	{"a report in a storage context",
	 ASKED_NOTHING,
	 {.field = DIMSE_N_EVENT_REPORT, .message_id = 1, .has_data = true},
	 true,
	 "broken(2/5) ABORTED(2/5)"},
};

START_TEST(test_wrong)
{
	unsigned row = (unsigned)_i / TALK_CHUNKS;
	uint8_t echo, other;
	const char *words;

	open_store(talk_chunks[_i % TALK_CHUNKS], 16384, NULL);
	echo = context_of("1.2.840.10008.1.1", ILE);
	other = context_of(CT, ELE);
	if (wrongs[row].asked == ASKED_ECHO) { /* as if it were under way */
		p.scu.field = DIMSE_C_ECHO;
		p.scu.message_id = 1;
		p.scu.context_id = echo;
	}
	send_from_acceptor(wrongs[row].other_context ? other : echo, &wrongs[row].c,
			   bytes_of(data, 100));
	words = pair_words(&p);
	ck_assert_msg(strcmp(words, wrongs[row].want) == 0, "%s: %s", wrongs[row].name, words);
	if (strcmp(wrongs[row].want, "0000") == 0)
		ck_assert(scu_idle(&p.scu));
	pair_close(&p);
}
END_TEST

/* ---- Storage Commitment ---- */

#define COMMITMENT "1.2.840.10008.1.20.1"

static void take_report(struct pair *x, const struct scu_event *ev)
{
	const struct dimse_reply reply = dimse_reply_of(DIMSE_NO_SUCH_EVENT, NULL);
	static size_t len;

	switch (ev->kind) {
	case SCU_RESPONSE:
		pair_word(x, "%04X", ev->command->status);
		break;
	case SCU_REPORT:
		len = 0;
		pair_word(x, "REPORT(%u %u)", ev->context_id, ev->command->event_type);
		break;
	case SCU_DATA:
		len += ev->data.len;
		if (ev->last) {
			pair_word(x, "DATA(%zu)", len);
			scu_report_answer(&x->scu, &reply);
		}
		break;
	default:
		break;
	}
}

/* The request, its response, and the report on the same association: in this order, and the report
 * before the response. */
START_TEST(test_commitment)
{
	struct piece one = {bytes_of(data, 500), 1};
	static const struct storage_classes classes = {.commitment = true};
	bool report_first = _i >= TALK_CHUNKS;
	struct dimse_command response, report = {.field = DIMSE_N_EVENT_REPORT,
						 .message_id = 77,
						 .sop_class = {COMMITMENT},
						 .sop_instance = {COMMITMENT ".1"},
						 .has_data = true,
						 .has_event_type = true,
						 .event_type = 2};
	const struct dimse_reply success = dimse_reply_of(DIMSE_SUCCESS, NULL);

	fill();
	new_request();
	ck_assert(scu_propose_one(&r, &dimse_commitment, ELE));
	pair_open(&p, talk_chunks[_i % TALK_CHUNKS], &r, &classes, NULL, 128);
	p.raw = PAIR_ACCEPTOR;
	p.on_response = take_report;
	scu_commit(&p.scu, &(struct scu_object){.context_id = 1,
						.sop_class = dimse_commitment,
						.sop_instance = dimse_commitment_instance,
						.pieces = &one,
						.piece_count = 1});
	pair_run(&p);
	ck_assert(p.heard.field == DIMSE_N_ACTION && p.heard.has_action_type);
	ck_assert(p.heard.action_type == 1 && p.heard.has_data && !p.heard.has_priority);
	ck_assert_str_eq(p.heard.sop_class.text, COMMITMENT);
	ck_assert_str_eq(p.heard.sop_instance.text, COMMITMENT ".1");
	ck_assert(p.data.len == 500 && memcmp(p.data.at, data, 500) == 0);

	response = command_response(&p.heard, &success);
	if (report_first)
		send_from_acceptor(1, &report, bytes_of(data, 300));
	send_from_acceptor(1, &response, BYTES_NONE);
	if (!report_first)
		send_from_acceptor(1, &report, bytes_of(data, 300));
	ck_assert_str_eq(pair_words(&p), report_first ? "REPORT(1 2) DATA(300) 0000"
						      : "0000 REPORT(1 2) DATA(300)");
	ck_assert_uint_eq(p.heard_count, 2);
	ck_assert(p.heard.field == 0x8100 && p.heard.responded_to == 77);
	ck_assert(p.heard.status == DIMSE_NO_SUCH_EVENT && p.heard.event_type == 2);
	ck_assert_str_eq(p.heard.sop_instance.text, COMMITMENT ".1");
	ck_assert(scu_idle(&p.scu));
	pair_close(&p);
}
END_TEST

/* The association ends in the middle: nothing more is given, and that can be seen. */
START_TEST(test_lost)
{
	struct piece one = {bytes_of(data, sizeof(data)), 2};

	open_store(0, 16384, NULL);
	scu_store(&p.scu, &(struct scu_object){.context_id = context_of(CT, ELE),
					       .sop_class = {CT},
					       .sop_instance = {"1.2.3"},
					       .pieces = &one,
					       .piece_count = 1});
	ck_assert(scu_pump(&p.scu));
	ck_assert(!scu_pump(&p.scu)); /* it has not left */
	assoc_abort(&p.a[0], 0, 0);
	pair_run(&p);
	ck_assert(!scu_pump(&p.scu) && scu_unsent(&p.scu) && !scu_idle(&p.scu));
	pair_close(&p);
}
END_TEST

Suite *suite_scu(void);
Suite *suite_scu(void)
{
	Suite *s = suite_create("scu");
	TCase *c = tcase_create("scu");

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, test_propose, 0, sizeof(proposals) / sizeof(proposals[0]));
	tcase_add_test(c, test_split);
	tcase_add_loop_test(c, test_choose, 0, sizeof(choices) / sizeof(choices[0]));
	tcase_add_test(c, test_choose_never_proposed);
	tcase_add_loop_test(c, test_echo, 0, TALK_CHUNKS);
	tcase_add_test(c, test_message_id);
	tcase_add_loop_test(c, test_store, 0, 4 * TALK_CHUNKS);
	tcase_add_loop_test(c, test_status, 0, TALK_CHUNKS);
	tcase_add_loop_test(c, test_wrong, 0, TALK_CHUNKS * sizeof(wrongs) / sizeof(wrongs[0]));
	tcase_add_loop_test(c, test_commitment, 0, 2 * TALK_CHUNKS);
	tcase_add_test(c, test_lost);
	suite_add_tcase(s, c);
	return s;
}
