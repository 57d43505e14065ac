/*
 * The acceptor's answers: a requestor that says anything, over two engines back to back, at every
 * chunking.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/pair.h"
#include "support/talk.h"

#define CT "1.2.840.10008.5.1.4.1.1.2"
#define PRIVATE "1.2.3.4.5"

static struct pair p;
static const struct uid others[] = {{PRIVATE}};
static const struct storage_classes classes = {
	.others = others, .other_count = 1, .commitment = true};

enum { ON_ECHO = 1, ON_CT = 3, ON_PRIVATE = 5, ON_COMMIT = 7 };

static struct dul_request *proposal(void)
{
	static struct dul_request r;
	const struct uid abstracts[] = {dimse_verification, {CT}, {PRIVATE}, dimse_commitment};

	dul_request_init(&r, "NETRT", "PEER", 16384, "1.2.3", "TEST");
	for (unsigned i = 0; i < 4; i++)
		ck_assert(scu_propose_one(&r, &abstracts[i], "1.2.840.10008.1.2"));
	ck_assert(dul_request_role(&r, &dimse_commitment, false, true));
	return &r;
}

/* What the acceptor sees, as words. */
static void watch(struct pair *x, const struct scp_event *ev)
{
	const struct dimse_reply success = dimse_reply_of(DIMSE_SUCCESS, NULL);
	static size_t len;

	switch (ev->kind) {
	case SCP_ECHOED:
		pair_word(x, "ECHOED");
		break;
	case SCP_BEGIN:
		ck_assert_str_eq(ev->transfer_syntax->text, "1.2.840.10008.1.2");
		ck_assert(uid_eq(ev->abstract_syntax, &ev->command->sop_class));
		len = 0;
		pair_word(x, "BEGIN(%u %s %s)", ev->context_id, command_name(ev->command->field),
			  ev->command->sop_instance.text);
		break;
	case SCP_DATA:
		len += ev->data.len;
		ck_assert(scp_busy(&x->scp));
		if (!ev->last)
			break;
		pair_word(x, "DATA(%zu)", len);
		scp_answer(&x->scp, &success);
		ck_assert(!scp_busy(&x->scp));
		break;
	case SCP_REFUSED:
		pair_word(x, "REFUSED(%04X %s)", ev->reply.status, ev->reply.comment);
		break;
	default:
		break;
	}
}

static void open_pair(size_t chunk)
{
	pair_open(&p, chunk, proposal(), &classes, NULL, 16384);
	p.on_event = watch;
	p.raw = PAIR_REQUESTOR;
}

/* The requestor says a command (the message id counts up), then its data in two parts. */
static void say(uint8_t context, struct dimse_command c, struct bytes data)
{
	static uint16_t id;
	struct buf out = BUF_INIT(4096);
	struct bytes view;

	c.message_id = ++id;
	command_build(&out, &c);
	view = buf_bytes(&out);
	ck_assert(assoc_can_send(&p.a[0]));
	assoc_send(&p.a[0], context, true, true, &view, 1);
	pair_run(&p);
	if (c.has_data && assoc_can_send(&p.a[0])) {
		struct bytes first = bytes_slice(data, 0, data.len / 4 * 2);
		struct bytes second = bytes_slice(data, first.len, data.len - first.len);

		assoc_send(&p.a[0], context, false, false, &first, 1);
		pair_run(&p);
		if (assoc_can_send(&p.a[0]))
			assoc_send(&p.a[0], context, false, true, &second, 1);
		pair_run(&p);
	}
	buf_free(&out);
}

static const struct row {
	const char *name;
	uint8_t context;
	struct dimse_command c;
	const char *words;
	uint16_t field; /* of the response; 0: none */
	uint16_t status;
	const char *comment;
	uint32_t offending;
} rows[] = {
	{"echo",
	 ON_ECHO,
	 {.field = DIMSE_C_ECHO, .sop_class = {"1.2.840.10008.1.1"}},
	 "ECHOED",
	 0x8030,
	 0,
	 "",
	 0},
	{"echo on a storage context",
	 ON_CT,
	 {.field = DIMSE_C_ECHO, .sop_class = {"1.2.840.10008.1.1"}},
	 "ECHOED",
	 0x8030,
	 0,
	 "",
	 0},
	{"echo with a data set",
	 ON_ECHO,
	 {.field = DIMSE_C_ECHO, .sop_class = {"1.2.840.10008.1.1"}, .has_data = true},
	 "ECHOED",
	 0x8030,
	 0,
	 "",
	 0},
	{"store",
	 ON_CT,
	 {.field = DIMSE_C_STORE, .sop_class = {CT}, .sop_instance = {"1.2.3"}, .has_data = true},
	 "BEGIN(3 C-STORE 1.2.3) DATA(1000)",
	 0x8001,
	 0,
	 "",
	 0},
	{"store of a private class",
	 ON_PRIVATE,
	 {.field = DIMSE_C_STORE,
	  .sop_class = {PRIVATE},
	  .sop_instance = {"1.2.3"},
	  .has_data = true},
	 "BEGIN(5 C-STORE 1.2.3) DATA(1000)",
	 0x8001,
	 0,
	 "",
	 0},
	{"store without a data set",
	 ON_CT,
	 {.field = DIMSE_C_STORE, .sop_class = {CT}, .sop_instance = {"1.2.3"}},
	 "REFUSED(C000 a C-STORE without a data set)",
	 0x8001,
	 0xC000,
	 "a C-STORE without a data set",
	 0x00000800},
	{"SOP class is not the context's",
	 ON_CT,
	 {.field = DIMSE_C_STORE,
	  .sop_class = {"1.2.840.10008.5.1.4.1.1.4"},
	  .sop_instance = {"1.2.3"},
	  .has_data = true},
	 "REFUSED(A900 SOP class of command and context differ)",
	 0x8001,
	 0xA900,
	 "SOP class of command and context differ",
	 0x00000002},
	{"no SOP class",
	 ON_CT,
	 {.field = DIMSE_C_STORE, .sop_instance = {"1.2.3"}, .has_data = true},
	 "REFUSED(A900 SOP class of command and context differ)",
	 0x8001,
	 0xA900,
	 "SOP class of command and context differ",
	 0x00000002},
	{"store on Verification",
	 ON_ECHO,
	 {.field = DIMSE_C_STORE,
	  .sop_class = {"1.2.840.10008.1.1"},
	  .sop_instance = {"1.2.3"},
	  .has_data = true},
	 "REFUSED(0122 not a class for storage)",
	 0x8001,
	 0x0122,
	 "not a class for storage",
	 0x00000002},
	{"no SOP instance",
	 ON_CT,
	 {.field = DIMSE_C_STORE, .sop_class = {CT}, .has_data = true},
	 "REFUSED(0117 SOP Instance UID of command is not valid)",
	 0x8001,
	 0x0117,
	 "SOP Instance UID of command is not valid",
	 0x00001000},
	{"a path for a SOP instance",
	 ON_CT,
	 {.field = DIMSE_C_STORE,
	  .sop_class = {CT},
	  .instance_raw = {(const uint8_t *)"../../x ", 8},
	  .has_data = true},
	 "REFUSED(0117 SOP Instance UID of command is not valid)",
	 0x8001,
	 0x0117,
	 "SOP Instance UID of command is not valid",
	 0x00001000},
	{"a padded SOP instance",
	 ON_CT,
	 {.field = DIMSE_C_STORE,
	  .sop_class = {CT},
	  .instance_raw = {(const uint8_t *)"1.2.3 ", 6},
	  .has_data = true},
	 "BEGIN(3 C-STORE 1.2.3) DATA(1000)",
	 0x8001,
	 0,
	 "",
	 0},
	{"a stray C-CANCEL", ON_CT, {.field = DIMSE_C_CANCEL, .responded_to = 9}, "", 0, 0, "", 0},
	{"a C-CANCEL with a data set",
	 ON_CT,
	 {.field = DIMSE_C_CANCEL, .has_data = true},
	 "",
	 0,
	 0,
	 "",
	 0},
	{"C-FIND",
	 ON_CT,
	 {.field = DIMSE_C_FIND, .sop_class = {CT}, .has_data = true},
	 "REFUSED(0211 )",
	 0x8020,
	 0x0211,
	 "",
	 0},
	{"unknown command",
	 ON_CT,
	 {.field = 0x7777, .sop_class = {CT}},
	 "REFUSED(0211 )",
	 0xF777,
	 0x0211,
	 "",
	 0},
	{"N-ACTION",
	 ON_COMMIT,
	 {.field = DIMSE_N_ACTION,
	  .sop_class = {"1.2.840.10008.1.20.1"},
	  .sop_instance = {"1.2.840.10008.1.20.1.1"},
	  .has_data = true,
	  .has_action_type = true,
	  .action_type = 1},
	 "REFUSED(0211 )",
	 0x8130,
	 0x0211,
	 "",
	 0},
	{"a report",
	 ON_COMMIT,
	 {.field = DIMSE_N_EVENT_REPORT,
	  .sop_class = {"1.2.840.10008.1.20.1"},
	  .sop_instance = {"1.2.840.10008.1.20.1.1"},
	  .has_data = true,
	  .has_event_type = true,
	  .event_type = 1},
	 "BEGIN(7 N-EVENT-REPORT 1.2.840.10008.1.20.1.1) DATA(1000)",
	 0x8100,
	 0,
	 "",
	 0},
	{"a report without a data set",
	 ON_COMMIT,
	 {.field = DIMSE_N_EVENT_REPORT, .sop_class = {"1.2.840.10008.1.20.1"}},
	 "REFUSED(0115 a report without a data set)",
	 0x8100,
	 0x0115,
	 "a report without a data set",
	 0x00000800},
	{"a report on a storage context",
	 ON_CT,
	 {.field = DIMSE_N_EVENT_REPORT, .sop_class = {CT}, .has_data = true},
	 "REFUSED(0211 )",
	 0x8100,
	 0x0211,
	 "",
	 0},
	{"a response",
	 ON_CT,
	 {.field = 0x8001, .sop_class = {CT}, .has_status = true},
	 "BROKEN(2/5) aborted(2/5)",
	 0,
	 0,
	 "",
	 0},
};

static const uint8_t payload[1000] = {1, 2, 3};
#define PAYLOAD bytes_of(payload, sizeof(payload))

static void check_heard(const struct row *r, unsigned count)
{
	const struct dimse_command *h = &p.heard;

	if (r->field == 0) {
		ck_assert_msg(p.heard_count == count, "%s: answered %04X", r->name, h->field);
		return;
	}
	ck_assert_msg(p.heard_count == count + 1, "%s: not answered", r->name);
	ck_assert_msg(h->field == r->field && h->status == r->status && h->has_status,
		      "%s: %04X, status %04X", r->name, h->field, h->status);
	ck_assert_msg(!h->has_data && h->responded_to != 0 && h->message_id == 0, "%s", r->name);
	ck_assert_msg(strcmp(h->error_comment, r->comment) == 0, "%s: %s", r->name,
		      h->error_comment);
	ck_assert_msg(r->offending == 0
			      ? h->offending_count == 0
			      : h->offending_count == 1 && h->offending[0] == r->offending,
		      "%s: offending %08X", r->name, h->offending[0]);
	ck_assert_msg(uid_eq(&h->sop_class, &r->c.sop_class), "%s: class", r->name);
	ck_assert_msg(bytes_eq(h->instance_raw, r->c.instance_raw) ||
			      (r->c.instance_raw.len == 0 &&
			       uid_eq(&h->sop_instance, &r->c.sop_instance)),
		      "%s: instance", r->name);
	ck_assert_msg(h->has_event_type == r->c.has_event_type &&
			      h->has_action_type == r->c.has_action_type,
		      "%s: event, action", r->name);
}

START_TEST(test_row)
{
	const struct row *r = &rows[_i / TALK_CHUNKS];

	open_pair(talk_chunks[_i % TALK_CHUNKS]);
	for (unsigned again = 0; again < 2; again++) { /* and the association lives */
		unsigned count = p.heard_count;
		const char *words;

		say(r->context, r->c, PAYLOAD);
		words = pair_words(&p);
		ck_assert_msg(strcmp(words, r->words) == 0, "%s: %s", r->name, words);
		check_heard(r, count);
		if (!assoc_can_send(&p.a[0]))
			break;
		ck_assert(!scp_busy(&p.scp));
	}
	pair_close(&p);
}
END_TEST

/* Each message of the table, one after the other in one association. */
START_TEST(test_all)
{
	open_pair(0);
	for (unsigned i = 0; i + 1 < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned count = p.heard_count;
		const char *words;

		say(rows[i].context, rows[i].c, PAYLOAD);
		words = pair_words(&p);
		ck_assert_msg(strcmp(words, rows[i].words) == 0, "%s: %s", rows[i].name, words);
		check_heard(&rows[i], count);
	}
	ck_assert(assoc_can_send(&p.a[0]));
	pair_close(&p);
}
END_TEST

/* What comes with a C-CANCEL passes; what comes after it does not. */
START_TEST(test_after_cancel)
{
	const struct dimse_command cancel = {.field = DIMSE_C_CANCEL, .has_data = true};
	const struct dimse_command store = {.field = DIMSE_C_STORE,
					    .sop_class = {CT},
					    .sop_instance = {"1.2.3"},
					    .has_data = true};

	open_pair(0);
	say(ON_CT, cancel, PAYLOAD);
	ck_assert_str_eq(pair_words(&p), "");
	say(ON_CT, store, PAYLOAD);
	ck_assert_str_eq(pair_words(&p), "BEGIN(3 C-STORE 1.2.3) DATA(1000)");
	pair_close(&p);
}
END_TEST

static void refuse_at_begin(struct pair *x, const struct scp_event *ev)
{
	const struct dimse_reply full = dimse_reply_of(DIMSE_OUT_OF_RESOURCES, "no space");

	ck_assert(ev->kind != SCP_DATA);
	if (ev->kind == SCP_BEGIN)
		scp_refuse(&x->scp, &full);
	if (ev->kind == SCP_REFUSED)
		pair_word(x, "REFUSED(%04X %s)", ev->reply.status, ev->reply.comment);
}

static void refuse_at_data(struct pair *x, const struct scp_event *ev)
{
	const struct dimse_reply bad = dimse_reply_of(DIMSE_CANNOT_UNDERSTAND, "bad");

	if (ev->kind == SCP_DATA) {
		ck_assert_uint_eq(x->data.len, ev->data.len); /* the first, and no other */
		scp_refuse(&x->scp, &bad);
	}
	if (ev->kind == SCP_REFUSED)
		pair_word(x, "REFUSED(%04X %s)", ev->reply.status, ev->reply.comment);
}

/* The caller has enough: the rest of the data set passes, then the answer comes. */
START_TEST(test_refuse)
{
	const struct dimse_command store = {.field = DIMSE_C_STORE,
					    .sop_class = {CT},
					    .sop_instance = {"1.2.3"},
					    .has_data = true};

	for (unsigned i = 0; i < TALK_CHUNKS; i++) {
		open_pair(talk_chunks[i]);
		p.on_event = refuse_at_begin;
		say(ON_CT, store, PAYLOAD);
		ck_assert_str_eq(pair_words(&p), "REFUSED(A700 no space)");
		ck_assert_uint_eq(p.heard.status, 0xA700);
		buf_free(&p.data);
		p.on_event = refuse_at_data;
		say(ON_CT, store, PAYLOAD);
		ck_assert_str_eq(pair_words(&p), "REFUSED(C000 bad)");
		ck_assert_uint_eq(p.heard.status, 0xC000);
		ck_assert_uint_eq(p.heard_count, 2);
		p.on_event = watch;
		say(ON_CT, store, PAYLOAD);
		ck_assert_str_eq(pair_words(&p), "BEGIN(3 C-STORE 1.2.3) DATA(1000)");
		pair_close(&p);
	}
}
END_TEST

/* What is against the rules of PDVs is BROKEN, and the requestor gets the abort. */
START_TEST(test_broken)
{
	static const uint8_t two[2];
	struct bytes view = bytes_of(two, 2);

	for (unsigned i = 0; i < TALK_CHUNKS; i++) {
		open_pair(talk_chunks[i]);
		assoc_send(&p.a[0], ON_CT, false, true, &view, 1);
		pair_run(&p);
		ck_assert_str_eq(pair_words(&p), "BROKEN(2/5) aborted(2/5)");
		pair_close(&p);
		open_pair(talk_chunks[i]);
		assoc_send(&p.a[0], ON_CT, true, true, &view, 1);
		pair_run(&p);
		ck_assert_str_eq(pair_words(&p), "BROKEN(2/6) aborted(2/6)");
		pair_close(&p);
	}
}
END_TEST

START_TEST(test_check)
{
	const struct dimse_command c = {.sop_class = {CT}, .sop_instance = {"1.2.3"}};
	const struct uid same = {"1.2.3"}, other = {"1.2.4"}, none = {""};
	struct dimse_reply r = {0};

	ck_assert(scp_check(&c, &c.sop_class, &same, &r));
	ck_assert(!scp_check(&c, &c.sop_class, &other, &r));
	ck_assert(r.status == 0xA900 && r.offending == 0x00080018);
	ck_assert(!scp_check(&c, &c.sop_class, &none, &r));
	ck_assert(!scp_check(&c, &same, &same, &r));
	ck_assert(r.status == 0xA900 && r.offending == 0x00080016);
}
END_TEST

START_TEST(test_classes)
{
	const struct uid yes[] = {{CT},
				  {"1.2.840.10008.5.1.4.1.1.481.3"},
				  {"1.2.840.10008.5.1.4.1.1.6"}, /* retired */
				  {"1.2.840.10008.5.1.1.29"},    /* retired, another branch */
				  {"1.2.840.10008.5.1.4.45.1"}};
	const struct uid no[] = {{"1.2.840.10008.1.1"},
				 {"1.2.840.10008.1.20.1"},
				 {"1.2.840.10008.1.3.10"},
				 {"1.2.840.10008.5.1.4.1.1"},
				 {"1.2.840.10008.5.1.4.1.1.2.1.1"},
				 {""},
				 {PRIVATE}};
	struct storage_classes none = {0}, all = classes;

	for (unsigned i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		ck_assert_msg(storage_is_standard(&yes[i]), "%s", yes[i].text);
		ck_assert_uint_eq(storage_supports(NULL, &yes[i]), DUL_AS_SCP);
	}
	for (unsigned i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		ck_assert_msg(!storage_is_standard(&no[i]), "%s", no[i].text);
	ck_assert(storage_is(&all, &others[0]) && !storage_is(&none, &others[0]));
	ck_assert_uint_eq(storage_supports(NULL, &dimse_verification), DUL_AS_SCP);
	ck_assert_uint_eq(storage_supports(&all, &others[0]), DUL_AS_SCP);
	ck_assert_uint_eq(storage_supports(&none, &others[0]), DUL_NOT_SUPPORTED);
	ck_assert_uint_eq(storage_supports(&all, &dimse_commitment), DUL_AS_SCU);
	ck_assert_uint_eq(storage_supports(&none, &dimse_commitment), DUL_NOT_SUPPORTED);
}
END_TEST

Suite *suite_scp(void);
Suite *suite_scp(void)
{
	Suite *s = suite_create("scp");
	TCase *c = tcase_create("scp");

	tcase_add_loop_test(c, test_row, 0, TALK_CHUNKS * sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(c, test_all);
	tcase_add_test(c, test_after_cancel);
	tcase_add_test(c, test_refuse);
	tcase_add_test(c, test_broken);
	tcase_add_test(c, test_check);
	tcase_add_test(c, test_classes);
	suite_add_tcase(s, c);
	return s;
}
