/*
 * Command sets: what is read from golden bytes and from tolerated oddities, what is refused, what
 * is written, truncation at every byte.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "dimse/command.h"
#include "support/hex.h"

#define CT "'1.2.840.10008.5.1.4.1.1.2' 00"
#define CLASS "0000 0200 1A000000 " CT
#define ECHO_CLASS "0000 0200 12000000 '1.2.840.10008.1.1' 00"
#define FIELD(x) "0000 0001 02000000 " x
#define ID(x) "0000 1001 02000000 " x
#define ANSWERS(x) "0000 2001 02000000 " x
#define MEDIUM "0000 0007 02000000 0000"
#define DATA "0000 0008 02000000 0100"
#define NO_DATA "0000 0008 02000000 0101"
#define INSTANCE "0000 0010 06000000 '1.2.3' 00"
#define LENGTH(x) "0000 0000 04000000 " x
#define STORE LENGTH("58000000") CLASS FIELD("0100") ID("0700") MEDIUM DATA INSTANCE

struct row {
	const char *name, *in;
	enum err want;
	bool odd;
	struct dimse_command c; /* raw views are not compared */
};

static const struct row rows[] = {
	{"echo",
	 LENGTH("38000000") ECHO_CLASS FIELD("3000") ID("0100") NO_DATA,
	 OK,
	 false,
	 {.field = 0x30, .message_id = 1, .sop_class = {"1.2.840.10008.1.1"}}},
	{"store",
	 STORE,
	 OK,
	 false,
	 {.field = 1,
	  .message_id = 7,
	  .sop_class = {"1.2.840.10008.5.1.4.1.1.2"},
	  .sop_instance = {"1.2.3"},
	  .has_data = true,
	  .has_priority = true}},
	{"store that is part of a move",
	 LENGTH("6E000000") CLASS FIELD("0100") ID("0700") MEDIUM DATA INSTANCE
	 "0000 3010 04000000 'MOVE' 0000 3110 02000000 0900",
	 OK,
	 false,
	 {.field = 1,
	  .message_id = 7,
	  .sop_class = {"1.2.840.10008.5.1.4.1.1.2"},
	  .sop_instance = {"1.2.3"},
	  .has_data = true,
	  .has_priority = true,
	  .has_originator = true,
	  .move_originator = "MOVE",
	  .move_message_id = 9}},
	{"store response with status, comment and offending elements",
	 LENGTH("76000000") CLASS FIELD("0180") ANSWERS("0700") NO_DATA
	 "0000 0009 02000000 00A9 0000 0109 08000000 0800 1600 0800 1800"
	 "0000 0209 06000000 'No CT ' " INSTANCE,
	 OK,
	 false,
	 {.field = 0x8001,
	  .responded_to = 7,
	  .sop_class = {"1.2.840.10008.5.1.4.1.1.2"},
	  .sop_instance = {"1.2.3"},
	  .has_status = true,
	  .status = 0xA900,
	  .error_comment = "No CT",
	  .offending = {0x00080016, 0x00080018},
	  .offending_count = 2}},
	{"action: requested UIDs",
	 LENGTH("52000000") "0000 0300 14000000 '1.2.840.10008.1.20.1' " FIELD("3001") ID("0200")
		 DATA "0000 0110 06000000 '1.2.3' 00 0000 0810 02000000 0100",
	 OK,
	 false,
	 {.field = 0x130,
	  .message_id = 2,
	  .sop_class = {"1.2.840.10008.1.20.1"},
	  .sop_instance = {"1.2.3"},
	  .has_data = true,
	  .has_action_type = true,
	  .action_type = 1}},
	{"event report",
	 LENGTH("52000000") "0000 0200 14000000 '1.2.840.10008.1.20.1' " FIELD("0001") ID("0200")
		 DATA INSTANCE "0000 0210 02000000 0200",
	 OK,
	 false,
	 {.field = 0x100,
	  .message_id = 2,
	  .sop_class = {"1.2.840.10008.1.20.1"},
	  .sop_instance = {"1.2.3"},
	  .has_data = true,
	  .has_event_type = true,
	  .event_type = 2}},
	{"cancel",
	 LENGTH("1E000000") FIELD("FF0F") ANSWERS("0500") NO_DATA,
	 OK,
	 false,
	 {.field = 0xFFF, .responded_to = 5}},

	/* tolerated */
	{"group length missing",
	 FIELD("3000") ID("0100") NO_DATA,
	 OK,
	 false,
	 {.field = 0x30, .message_id = 1}},
	{"group length wrong",
	 LENGTH("00010000") FIELD("3000") ID("0100") NO_DATA,
	 OK,
	 true,
	 {.field = 0x30, .message_id = 1}},
	{"group length of two bytes",
	 "0000 0000 02000000 1400" FIELD("3000") ID("0100") NO_DATA,
	 OK,
	 true,
	 {.field = 0x30, .message_id = 1}},
	{"Length to End",
	 "0000 0100 04000000 1E000000" FIELD("3000") ID("0100") NO_DATA,
	 OK,
	 false,
	 {.field = 0x30, .message_id = 1}},
	{"UID padded with a space",
	 "0000 0200 12000000 '1.2.840.10008.1.1 ' " FIELD("3000") ID("0100") NO_DATA,
	 OK,
	 false,
	 {.field = 0x30, .message_id = 1, .sop_class = {"1.2.840.10008.1.1"}}},
	{"affected and requested: what an N-ACTION is about is requested",
	 CLASS "0000 0300 06000000 '1.2.9' 00" FIELD("3001") ID("0100") NO_DATA INSTANCE
	 "0000 0110 06000000 '1.2.8' 00",
	 OK,
	 false,
	 {.field = 0x130, .message_id = 1, .sop_class = {"1.2.9"}, .sop_instance = {"1.2.8"}}},
	{"no Priority",
	 CLASS FIELD("0100") ID("0700") DATA INSTANCE,
	 OK,
	 false,
	 {.field = 1,
	  .message_id = 7,
	  .sop_class = {"1.2.840.10008.5.1.4.1.1.2"},
	  .sop_instance = {"1.2.3"},
	  .has_data = true}},
	{"no Message ID", FIELD("3000") NO_DATA, OK, true, {.field = 0x30}},
	{"no Data Set Type", FIELD("3000") ID("0100"), OK, true, {.field = 0x30, .message_id = 1}},
	{"any Data Set Type but 0101 is one",
	 FIELD("0100") ID("0100") "0000 0008 02000000 FFFF",
	 OK,
	 false,
	 {.field = 1, .message_id = 1, .has_data = true}},
	{"unknown elements",
	 FIELD("3000") ID("0100") NO_DATA "0000 FF7F 02000000 0000",
	 OK,
	 false,
	 {.field = 0x30, .message_id = 1}},
	{"another group",
	 FIELD("3000") ID("0100") NO_DATA "0800 1600 02000000 '1' 00",
	 OK,
	 true,
	 {.field = 0x30, .message_id = 1}},
	{"disorder", NO_DATA FIELD("3000") ID("0100"), OK, true, {.field = 0x30, .message_id = 1}},
	{"repeats: the first counts",
	 FIELD("3000") FIELD("0100") ID("0100") ID("0200") NO_DATA,
	 OK,
	 true,
	 {.field = 0x30, .message_id = 1}},
	{"a number of four bytes",
	 FIELD("3000") "0000 1001 04000000 01000000" NO_DATA,
	 OK,
	 true,
	 {.field = 0x30, .message_id = 1}},
	{"a number of no bytes",
	 FIELD("3000") "0000 1001 00000000" NO_DATA,
	 OK,
	 true,
	 {.field = 0x30}},
	{"a UID that is none",
	 FIELD("0100") ID("0100") DATA "0000 0010 08000000 '../../x' 00",
	 OK,
	 true,
	 {.field = 1, .message_id = 1, .has_data = true}},
	{"a UID of 66 characters",
	 FIELD("0100") ID("0100") DATA
	 "0000 0010 42000000 "
	 "'111111111111111111111111111111111111111111111111111111111111111111'",
	 OK,
	 true,
	 {.field = 1, .message_id = 1, .has_data = true}},
	{"requested for affected",
	 FIELD("0100") ID("0100") DATA "0000 0110 06000000 '1.2.3' 00",
	 OK,
	 false,
	 {.field = 1, .message_id = 1, .has_data = true, .sop_instance = {"1.2.3"}}},
	{"control characters and more in a comment",
	 FIELD("0180") ANSWERS("0100") NO_DATA
	 "0000 0009 02000000 0001 0000 0209 0A000000 'a' 0A1B 'b' 7FFF 'c' 0020 ' '",
	 OK,
	 false,
	 {.field = 0x8001,
	  .responded_to = 1,
	  .has_status = true,
	  .status = 0x100,
	  .error_comment = "a??b??c"}},
	{"a comment that is cut at a blank",
	 FIELD("0180") ANSWERS("0100") NO_DATA
	 "0000 0209 42000000 "
	 "'123456789012345678901234567890123456789012345678901234567890123 xx'",
	 OK,
	 false,
	 {.field = 0x8001,
	  .responded_to = 1,
	  .error_comment = "123456789012345678901234567890123456789012345678901234567890123"}},
	{"half an offending element",
	 FIELD("0180") ANSWERS("0100") NO_DATA "0000 0109 06000000 0800 1600 0800",
	 OK,
	 false,
	 {.field = 0x8001, .responded_to = 1, .offending = {0x00080016}, .offending_count = 1}},

	/* refused */
	{"empty", "", ERR_WIRE, false, {0}},
	{"no Command Field", ID("0100") NO_DATA, ERR_WIRE, false, {0}},
	{"empty Command Field", "0000 0001 00000000" NO_DATA, ERR_WIRE, false, {0}},
	{"half a tag", FIELD("3000") "0000 10", ERR_WIRE, false, {0}},
	{"half a length", FIELD("3000") "0000 1001 0200", ERR_WIRE, false, {0}},
	{"a value past the end", FIELD("3000") "0000 1001 03000000 0100", ERR_WIRE, false, {0}},
	{"undefined length", FIELD("3000") "0000 1001 FFFFFFFF 0100", ERR_WIRE, false, {0}},
};

static void same(const char *name, const struct dimse_command *a, const struct dimse_command *b)
{
	struct dimse_command x = *a, y = *b;

	x.class_raw = x.instance_raw = y.class_raw = y.instance_raw = BYTES_NONE;
	x.odd = y.odd = false;
	ck_assert_msg(x.field == y.field && x.message_id == y.message_id &&
			      x.responded_to == y.responded_to,
		      "%s: field or id", name);
	ck_assert_msg(uid_eq(&x.sop_class, &y.sop_class) &&
			      uid_eq(&x.sop_instance, &y.sop_instance),
		      "%s: UIDs %s %s", name, x.sop_class.text, x.sop_instance.text);
	ck_assert_msg(x.has_data == y.has_data && x.has_priority == y.has_priority &&
			      x.priority == y.priority,
		      "%s: data or priority", name);
	ck_assert_msg(x.has_status == y.has_status && x.status == y.status, "%s: status", name);
	ck_assert_msg(strcmp(x.error_comment, y.error_comment) == 0, "%s: '%s'", name,
		      x.error_comment);
	ck_assert_msg(x.offending_count == y.offending_count &&
			      memcmp(x.offending, y.offending, sizeof(x.offending)) == 0,
		      "%s: offending", name);
	ck_assert_msg(x.has_originator == y.has_originator &&
			      strcmp(x.move_originator, y.move_originator) == 0 &&
			      x.move_message_id == y.move_message_id,
		      "%s: originator", name);
	ck_assert_msg(x.has_event_type == y.has_event_type && x.event_type == y.event_type &&
			      x.has_action_type == y.has_action_type &&
			      x.action_type == y.action_type,
		      "%s: event or action", name);
}

START_TEST(test_parse)
{
	const struct row *r = &rows[_i];
	struct bytes in = hex(r->in);
	struct dimse_command c = {.field = 0xDEAD};
	struct fault f = {0};
	enum err e = command_parse(&c, in, &f);

	ck_assert_msg(e == r->want, "%s: %d, %s", r->name, e, f.text);
	same(r->name, &c, &r->c);
	ck_assert_msg(c.odd == r->odd, "%s: odd %d", r->name, c.odd);
	if (e != OK)
		ck_assert(f.code == e && f.text != NULL);
	hex_free(in);
}
END_TEST

/* What is not odd is written as it was; everything is read back as what was written. */
START_TEST(test_build)
{
	const struct row *r = &rows[_i];
	struct bytes in = hex(r->in);
	struct dimse_command c, again;
	struct buf out = BUF_INIT(LIMIT_COMMAND), twice = BUF_INIT(LIMIT_COMMAND);

	if (command_parse(&c, in, NULL) == OK) {
		command_build(&out, &c);
		ck_assert(!out.failed && out.len % 2 == 0);
		ck_assert_msg(command_parse(&again, buf_bytes(&out), NULL) == OK, "%s", r->name);
		ck_assert_msg(again.has_data == c.has_data && again.field == c.field, "%s",
			      r->name);
		ck_assert_msg(strcmp(again.error_comment, c.error_comment) == 0, "%s", r->name);
		command_build(&twice, &again);
		size_t one = twice.len;
		command_build(&twice, &again); /* behind another */
		ck_assert_uint_eq(twice.len, 2 * one);
		ck_assert_mem_eq(twice.at, twice.at + one, one);
		twice.len = one;
		ck_assert_msg(bytes_eq(buf_bytes(&out), buf_bytes(&twice)), "%s", r->name);
		if (_i < 7) /* the rows before the tolerated ones */
			ck_assert_msg(!c.odd && bytes_eq(in, buf_bytes(&out)) && !again.odd, "%s",
				      r->name);
	}
	buf_free(&out);
	buf_free(&twice);
	hex_free(in);
}
END_TEST

START_TEST(test_truncated)
{
	struct bytes in = hex(STORE);

	for (size_t len = 0; len < in.len; len++) {
		uint8_t *copy = guard_copy(in.at, len);
		struct dimse_command c = {.field = 1};
		enum err e = command_parse(&c, bytes_of(copy, len), NULL);

		ck_assert(e == OK || (e == ERR_WIRE && c.field == 0));
		guard_free(copy, len);
	}
	hex_free(in);
}
END_TEST

START_TEST(test_limits)
{
	static uint8_t bytes[LIMIT_COMMAND + 2];
	struct dimse_command c;
	struct fault f = {0};
	const uint8_t field[] = {0, 0, 0, 1, 2, 0, 0, 0, 0x30, 0};

	memcpy(bytes, field, sizeof(field));
	bytes[13] = 2; /* (0000,0200), all the rest */
	put_u32le(bytes + 14, LIMIT_COMMAND - 18);
	ck_assert_int_eq(command_parse(&c, bytes_of(bytes, LIMIT_COMMAND), &f), OK);
	put_u32le(bytes + 14, LIMIT_COMMAND - 16);
	ck_assert_int_eq(command_parse(&c, bytes_of(bytes, LIMIT_COMMAND + 2), &f), ERR_LIMIT);

	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, field, sizeof(field));
	for (unsigned i = 1; i <= LIMIT_COMMAND_ELEMENTS; i++)
		put_u16le(bytes + 10 + 8 * (i - 1) + 2, (uint16_t)(0x7000 + i));
	ck_assert_int_eq(
		command_parse(&c, bytes_of(bytes, 10 + 8 * (LIMIT_COMMAND_ELEMENTS - 1)), &f), OK);
	ck_assert_int_eq(command_parse(&c, bytes_of(bytes, 10 + 8 * LIMIT_COMMAND_ELEMENTS), &f),
			 ERR_LIMIT);
}
END_TEST

/* UIDs go back exactly as they came, with their padding and however bad. */
START_TEST(test_response)
{
	struct bytes in = hex("0000 0200 12000000 '1.2.840.10008.1.1 ' " FIELD("0100") ID("3412")
				      DATA "0000 0010 08000000 '../../x ' ");
	struct bytes want = hex(LENGTH("70000000") "0000 0200 12000000 '1.2.840.10008.1.1 ' " FIELD(
		"0180") ANSWERS("3412") NO_DATA "0000 0009 02000000 1701 0000 0109 04000000 0000"
						"0010 0000 0209 0A000000 'no UID at ' "
						"0000 0010 08000000 '../../x ' ");
	struct dimse_reply reply = dimse_reply_of(DIMSE_INVALID_INSTANCE, "no UID at");
	struct buf out = BUF_INIT(4096);
	struct dimse_command c;

	reply.offending = 0x00001000;
	ck_assert_int_eq(command_parse(&c, in, NULL), OK);
	c = command_response(&c, &reply);
	command_build(&out, &c);
	ck_assert_msg(bytes_eq(buf_bytes(&out), want), "%zu bytes", out.len);
	buf_free(&out);
	hex_free(in);
	hex_free(want);
}
END_TEST

START_TEST(test_names)
{
	ck_assert_str_eq(command_name(0x0001), "C-STORE");
	ck_assert_str_eq(command_name(0x8030), "C-ECHO");
	ck_assert_str_eq(command_name(0x8130), "N-ACTION");
	ck_assert_str_eq(command_name(0x0FFF), "C-CANCEL");
	ck_assert_str_eq(command_name(0x7777), "?");
}
END_TEST

Suite *suite_command(void);
Suite *suite_command(void)
{
	Suite *s = suite_create("command");
	TCase *c = tcase_create("command");

	tcase_add_loop_test(c, test_parse, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_loop_test(c, test_build, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(c, test_truncated);
	tcase_add_test(c, test_limits);
	tcase_add_test(c, test_response);
	tcase_add_test(c, test_names);
	suite_add_tcase(s, c);
	return s;
}
