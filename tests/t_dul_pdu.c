/*
 * The PDUs: every item, both directions; what is forgiven and what is not; every prefix; that what
 * is written is read as the same.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dul/items.h"
#include "support/hex.h"
#include "support/talk.h"

Suite *suite_dul_pdu(void);

#define APP TALK_APPLICATION
#define CTX TALK_CONTEXT
#define INFO TALK_INFO

static struct bytes body_of(struct bytes pdu)
{
	ck_assert_uint_eq(get_u32be(pdu.at + 2), pdu.len - DUL_HEADER);
	return bytes_slice(pdu, DUL_HEADER, pdu.len - DUL_HEADER);
}

/*
 * A request in words: the called and calling titles, "v" and the version if it is not 1, each
 * context as ID[ABSTRACT:SYNTAX,SYNTAX] with the UIDs' last parts, then max=N, class, version name,
 * and what else there is.
 */
static const char *tail(const struct uid *u)
{
	static const char root[] = "1.2.840.10008.";

	return strncmp(u->text, root, sizeof(root) - 1) == 0 ? u->text + sizeof(root) - 1 : u->text;
}

static void say_user(struct buf *out, const struct dul_user_info *u)
{
	if (u->has_max_pdu)
		buf_fmt(out, " max=%u", u->max_pdu);
	if (u->implementation_class.text[0] != '\0')
		buf_fmt(out, " %s", u->implementation_class.text);
	if (u->implementation_version[0] != '\0')
		buf_fmt(out, " '%s'", u->implementation_version);
	if (u->has_async)
		buf_fmt(out, " async=%u/%u", u->invoked, u->performed);
	for (unsigned i = 0; i < u->role_count; i++)
		buf_fmt(out, " role(%s %d/%d)", tail(&u->role[i].sop_class), u->role[i].scu,
			u->role[i].scp);
	for (unsigned i = 0; i < u->extended_count; i++)
		buf_fmt(out, " %x(%s %s %zu)", u->extended[i].item, tail(&u->extended[i].sop_class),
			tail(&u->extended[i].service_class), u->extended[i].info.len);
}

static void say_request(struct buf *out, const struct dul_request *r)
{
	buf_fmt(out, "%s<%s", r->called, r->calling);
	if (r->version != 1)
		buf_fmt(out, " v%u", r->version);
	if (strcmp(r->application_context.text, DUL_APPLICATION_CONTEXT) != 0)
		buf_fmt(out, " app=%s", r->application_context.text);
	for (unsigned i = 0; i < r->context_count; i++) {
		const struct dul_context *c = &r->context[i];

		buf_fmt(out, " %u[%s", c->id, tail(&c->abstract_syntax));
		for (unsigned k = 0; k < c->syntax_count; k++)
			buf_fmt(out, "%c%s", k == 0 ? ':' : ',', tail(dul_syntax(r, c, k)));
		buf_char(out, ']');
	}
	say_user(out, &r->user);
	if (r->identity.type != 0)
		buf_fmt(out, " id%u%s(%zu,%zu)", r->identity.type,
			r->identity.response_requested ? "!" : "", r->identity.primary.len,
			r->identity.secondary.len);
}

static void say_answer(struct buf *out, const struct dul_answer *a)
{
	buf_str(out, "AC");
	for (unsigned i = 0; i < a->context_count; i++)
		buf_fmt(out, " %u:%u%s%s", a->context[i].id, a->context[i].result,
			a->context[i].transfer_syntax.text[0] == '\0' ? "" : "=",
			tail(&a->context[i].transfer_syntax));
	say_user(out, &a->user);
	if (a->has_identity)
		buf_fmt(out, " id(%zu)", a->identity.len);
}

#define TITLES_AND(version) version "0000" TALK_TITLES TALK_ZEROS

static const struct {
	const char *name, *fixed, *items, *want; /* NULL: ERR_WIRE */
	unsigned notes;
} requests[] = {
	{"the usual", TALK_FIXED, APP CTX INFO, "NETRT<PEER 1[1.1:1.2] max=16384 1.2.3.4", 0},
	{"every item", TALK_FIXED,
	 APP CTX "5000 0089" TALK_MAX TALK_CLASS "5300 0004 0000 0001"
		 "5400 0015 0011 '1.2.840.10008.1.1' 00 01"
		 "5500 0004 'V1.0' 5600 0015 0011 '1.2.840.10008.1.1' 0102"
		 "5700 0020 0011 '1.2.840.10008.1.1' 0003 '1.2' 0005 0003 '1.3' 00"
		 "5800 000C 02 01 0004 'user' 0002 'pw'",
	 "NETRT<PEER 1[1.1:1.2] max=16384 1.2.3.4 'V1.0' async=0/1 role(1.1 0/1) 56(1.1  2) "
	 "57(1.1 1.2 5) id2!(4,2)",
	 0},
	{"items in disorder", TALK_FIXED, INFO CTX APP, "NETRT<PEER 1[1.1:1.2] max=16384 1.2.3.4",
	 0},

	/* titles */
	{"NUL-padded titles",
	 "0001 0000 'NETRT' 0000000000000000000000 'PEER' 000000000000000000000000" TALK_ZEROS,
	 APP CTX INFO, "NETRT<PEER 1[1.1:1.2] max=16384 1.2.3.4", DUL_NOTE_PADDING},
	{"a NUL and then garbage",
	 "0001 0000 'NETRT' 00 'GARBAGE   ' 'PEER            '" TALK_ZEROS, APP CTX INFO,
	 "NETRT<PEER 1[1.1:1.2] max=16384 1.2.3.4", DUL_NOTE_PADDING},
	{"leading spaces", "0001 0000 '           NETRT' '  PEER          '" TALK_ZEROS,
	 APP CTX INFO, "NETRT<PEER 1[1.1:1.2] max=16384 1.2.3.4", 0},
	{"blank titles", "0001 0000 '                ' '                '" TALK_ZEROS, APP CTX INFO,
	 "< 1[1.1:1.2] max=16384 1.2.3.4", 0},
	{"titles of NULs",
	 "0001 0000 00000000000000000000000000000000 00000000000000000000000000000000" TALK_ZEROS,
	 APP CTX INFO, "< 1[1.1:1.2] max=16384 1.2.3.4", 0},
	{"titles of 16", "0001 0000 'ABCDEFGHIJKLMNOP' 'abcdefghijklmnop'" TALK_ZEROS, APP CTX INFO,
	 "ABCDEFGHIJKLMNOP<abcdefghijklmnop 1[1.1:1.2] max=16384 1.2.3.4", 0},
	{"a backslash and a control character",
	 "0001 0000 'NETRT           ' 'A\\' 0A 'B            '" TALK_ZEROS, APP CTX INFO,
	 "NETRT<A\\\nB 1[1.1:1.2] max=16384 1.2.3.4", 0},

	/* versions: bit 0 is negotiate's to judge */
	{"version 3", TITLES_AND("0003"), APP CTX INFO,
	 "NETRT<PEER v3 1[1.1:1.2] max=16384 1.2.3.4", 0},
	{"version 2", TITLES_AND("0002"), APP CTX INFO,
	 "NETRT<PEER v2 1[1.1:1.2] max=16384 1.2.3.4", 0},

	/* left out */
	{"nothing but the fixed part", TALK_FIXED, "", "NETRT<PEER app=", DUL_NOTE_NO_USER_INFO},
	{"no application context", TALK_FIXED, CTX INFO,
	 "NETRT<PEER app= 1[1.1:1.2] max=16384 1.2.3.4", 0},
	{"another application context", TALK_FIXED, "1000 0003 '1.2'" CTX INFO,
	 "NETRT<PEER app=1.2 1[1.1:1.2] max=16384 1.2.3.4", 0},
	{"no contexts", TALK_FIXED, APP INFO, "NETRT<PEER max=16384 1.2.3.4", 0},
	{"no user information", TALK_FIXED, APP CTX, "NETRT<PEER 1[1.1:1.2]",
	 DUL_NOTE_NO_USER_INFO},
	{"empty user information", TALK_FIXED, APP CTX "5000 0000", "NETRT<PEER 1[1.1:1.2]",
	 DUL_NOTE_NO_MAX_PDU | DUL_NOTE_NO_CLASS_UID},
	{"no maximum length", TALK_FIXED, APP CTX "5000 000B" TALK_CLASS,
	 "NETRT<PEER 1[1.1:1.2] 1.2.3.4", DUL_NOTE_NO_MAX_PDU},
	{"no implementation class", TALK_FIXED, APP CTX "5000 0008" TALK_MAX,
	 "NETRT<PEER 1[1.1:1.2] max=16384", DUL_NOTE_NO_CLASS_UID},
	{"a context without transfer syntax", TALK_FIXED,
	 APP "2000 0019 01 00 00 00" TALK_ECHO INFO, "NETRT<PEER 1[1.1] max=16384 1.2.3.4", 0},
	{"a context without abstract syntax", TALK_FIXED, APP "2000 0019 01 00 00 00" TALK_ILE INFO,
	 "NETRT<PEER 1[:1.2] max=16384 1.2.3.4", 0},
	{"a context without anything", TALK_FIXED, APP "2000 0004 01 00 00 00" INFO,
	 "NETRT<PEER 1[] max=16384 1.2.3.4", 0},

	/* too much */
	{"two abstract syntaxes: the first", TALK_FIXED,
	 APP "2000 0036 01 00 00 00" TALK_ECHO "3000 0004 '1.22'" TALK_ILE INFO,
	 "NETRT<PEER 1[1.1:1.2] max=16384 1.2.3.4", DUL_NOTE_ABSTRACTS},
	{"the same syntax in two contexts", TALK_FIXED,
	 APP CTX "2000 0045 03 00 00 00" TALK_ECHO TALK_ELE TALK_ILE INFO,
	 "NETRT<PEER 1[1.1:1.2] 3[1.1:1.2.1,1.2] max=16384 1.2.3.4", 0},
	{"two application contexts", TALK_FIXED, APP "1000 0003 '1.2'" CTX INFO,
	 "NETRT<PEER 1[1.1:1.2] max=16384 1.2.3.4", DUL_NOTE_REPEATED},
	{"two user informations", TALK_FIXED, APP CTX INFO "5000 0008 5100 0004 00000001",
	 "NETRT<PEER 1[1.1:1.2] max=16384 1.2.3.4", DUL_NOTE_REPEATED},
	{"two maximum lengths", TALK_FIXED,
	 APP CTX "5000 001B" TALK_MAX "5100 0004 00000001" TALK_CLASS,
	 "NETRT<PEER 1[1.1:1.2] max=16384 1.2.3.4", DUL_NOTE_REPEATED},
	{"a version name of 20", TALK_FIXED,
	 APP CTX "5000 002B" TALK_MAX TALK_CLASS "5500 0014 'ABCDEFGHIJKLMNOPQRST'",
	 "NETRT<PEER 1[1.1:1.2] max=16384 1.2.3.4 'ABCDEFGHIJKLMNOP'", 0},
	{"unknown items everywhere", TALK_FIXED,
	 "7700 0002 FFFF" APP "2000 0034 01 00 00 00 7700 0002 FFFF" TALK_ECHO TALK_ILE
	 "5000 0019 5F00 0002 0000" TALK_MAX TALK_CLASS "FF00 0000",
	 "NETRT<PEER 1[1.1:1.2] max=16384 1.2.3.4", DUL_NOTE_UNKNOWN_ITEM},

	/* UIDs */
	{"UIDs with a NUL or a space behind", TALK_FIXED,
	 "1000 0016 '1.2.840.10008.3.1.1.1' 00"
	 "2000 0030 01 00 00 00 3000 0012 '1.2.840.10008.1.1 ' 4000 0012 '1.2.840.10008.1.2' "
	 "00" INFO,
	 "NETRT<PEER 1[1.1:1.2] max=16384 1.2.3.4", DUL_NOTE_PADDING},
	{"leading zeros", TALK_FIXED, APP "2000 0024 01 00 00 00 3000 0007 '1.02.03'" TALK_ILE INFO,
	 "NETRT<PEER 1[1.02.03:1.2] max=16384 1.2.3.4", 0},
	{"UIDs that are none", TALK_FIXED,
	 APP "2000 0018 01 00 00 00 3000 0003 '../' 4000 0000 4000 0005 '1..2 '" INFO,
	 "NETRT<PEER 1[] max=16384 1.2.3.4", DUL_NOTE_BAD_UID},
	{"a UID of 65", TALK_FIXED,
	 APP "2000 0049 01 00 00 00 3000 0041 "
	     "'1.2.3456789012345678901234567890123456789012345678901234567890.45'" INFO,
	 "NETRT<PEER 1[] max=16384 1.2.3.4", DUL_NOTE_BAD_UID},
	{"a UID of 64", TALK_FIXED,
	 APP "2000 0048 01 00 00 00 3000 0040 "
	     "'1.2.3456789012345678901234567890123456789012345678901234567890.4'" INFO,
	 "NETRT<PEER 1[1.2.3456789012345678901234567890123456789012345678901234567890.4] max=16384 "
	 "1.2.3.4",
	 0},
	{"an identity of no type", TALK_FIXED,
	 APP CTX "5000 001D" TALK_MAX TALK_CLASS "5800 0006 00 01 0000 0000",
	 "NETRT<PEER 1[1.1:1.2] max=16384 1.2.3.4", 0},

	/* malformed */
	{"a fixed part of 67",
	 "0001 0000" TALK_TITLES "00000000000000000000000000000000 000000000000000000000000000000",
	 "", NULL, 0},
	{"an item that overruns the PDU", TALK_FIXED, APP CTX INFO "7700 0001", NULL, 0},
	{"an item of 64 KiB", TALK_FIXED, APP "2000 FFFF 01 00 00 00", NULL, 0},
	{"garbage behind", TALK_FIXED, APP CTX INFO "FF", NULL, 0},
	{"three bytes behind", TALK_FIXED, APP CTX INFO "000000", NULL, 0},
	{"a sub-item that overruns its context", TALK_FIXED,
	 APP "2000 002D 01 00 00 00" TALK_ECHO "4000 0011 '1.2.840.10008.1.'" INFO, NULL, 0},
	{"a sub-item that overruns the user information", TALK_FIXED,
	 APP CTX "5000 000A" TALK_MAX TALK_CLASS, NULL, 0},
	{"a context of three bytes", TALK_FIXED, APP "2000 0003 01 00 00" INFO, NULL, 0},
	{"context 2", TALK_FIXED, APP "2000 002E 02 00 00 00" TALK_ECHO TALK_ILE INFO, NULL, 0},
	{"context 0", TALK_FIXED, APP "2000 002E 00 00 00 00" TALK_ECHO TALK_ILE INFO, NULL, 0},
	{"a context twice", TALK_FIXED, APP CTX CTX INFO, NULL, 0},
	{"a maximum length of three bytes", TALK_FIXED, APP CTX "5000 0007 5100 0003 000040", NULL,
	 0},
	{"an async window of two bytes", TALK_FIXED, APP CTX "5000 0006 5300 0002 0001", NULL, 0},
	{"a role whose UID overruns it", TALK_FIXED, APP CTX "5000 0009 5400 0005 0003 '1.2'", NULL,
	 0},
	{"extended negotiation whose UID overruns it", TALK_FIXED,
	 APP CTX "5000 0006 5600 0002 0001", NULL, 0},
	{"common extended negotiation cut short", TALK_FIXED,
	 APP CTX "5000 000B 5700 0007 0001 '1' 0001 '1' 00", NULL, 0},
	{"an identity whose passcode overruns it", TALK_FIXED,
	 APP CTX "5000 000B 5800 0007 02 00 0001 'u' 0001", NULL, 0},
};
#define REQUESTS ((int)(sizeof(requests) / sizeof(requests[0])))

/* Every prefix of a body is read, or is an error; none is read beyond (the copy ends at a guard).
 */
static void check_prefixes(struct bytes body, bool request)
{
	static struct dul_request r;
	static struct dul_answer a;

	for (size_t len = 0; len < body.len; len++) {
		uint8_t *copy = guard_copy(body.at, len);
		struct fault f = {0};
		enum err e = request ? pdu_parse_rq(bytes_of(copy, len), &r, &f)
				     : pdu_parse_ac(bytes_of(copy, len), &a, &f);

		ck_assert(e == OK || (e == ERR_WIRE && f.text != NULL));
		guard_free(copy, len);
	}
}

START_TEST(test_request)
{
	static struct dul_request r, again;
	struct buf said = BUF_INIT(8192), said_again = BUF_INIT(8192), out = BUF_INIT(1u << 20);
	struct bytes body = body_of(talk_rq(requests[_i].fixed, requests[_i].items));
	const char *name = requests[_i].name;
	struct fault f = {0};
	uint8_t *copy = guard_copy(body.at, body.len);
	enum err e = pdu_parse_rq(bytes_of(copy, body.len), &r, &f);

	if (requests[_i].want == NULL) {
		ck_assert_msg(e == ERR_WIRE && f.text != NULL, "%s: read", name);
		check_prefixes(body, true);
		guard_free(copy, body.len);
		return;
	}
	ck_assert_msg(e == OK, "%s: %s", name, f.text);
	say_request(&said, &r);
	ck_assert_msg(bytes_eq_str(buf_bytes(&said), requests[_i].want), "%s: %s", name,
		      (const char *)said.at);
	ck_assert_msg(r.notes == requests[_i].notes, "%s: notes %x", name, r.notes);

	pdu_write_rq(&out, &r);
	ck_assert(!out.failed && out.at[0] == PDU_ASSOCIATE_RQ);
	ck_assert_int_eq(pdu_parse_rq(body_of(buf_bytes(&out)), &again, &f), OK);
	say_request(&said_again, &again);
	ck_assert_str_eq((const char *)said.at, (const char *)said_again.at);
	ck_assert(memcmp(r.raw_ae, again.raw_ae, 32) == 0);
	check_prefixes(body, true);
	guard_free(copy, body.len);
	buf_free(&said);
	buf_free(&said_again);
	buf_free(&out);
}
END_TEST

static const struct {
	const char *name, *items, *want;
	unsigned notes;
} answers[] = {
	{"the usual", TALK_AC_ITEMS, "AC 1:0=1.2 max=16384 1.2.3.4", 0},
	{"every result",
	 APP "2100 0019 01 00 00 00" TALK_ILE "2100 0019 03 00 01 00" TALK_ILE
	     "2100 0019 05 00 02 00" TALK_ILE "2100 0019 07 00 03 00" TALK_ILE
	     "2100 0019 09 00 04 00" TALK_ILE "2100 0019 0B 00 63 00" TALK_ILE INFO,
	 "AC 1:0=1.2 3:1 5:2 7:3 9:4 11:99 max=16384 1.2.3.4", 0},
	{"refused, without a transfer syntax", APP "2100 0004 01 00 03 00" INFO,
	 "AC 1:3 max=16384 1.2.3.4", 0},
	{"refused, with an empty one", APP "2100 0008 01 00 03 00 4000 0000" INFO,
	 "AC 1:3 max=16384 1.2.3.4", 0},
	{"accepted, without a transfer syntax", APP "2100 0004 01 00 00 00" INFO,
	 "AC 1:2 max=16384 1.2.3.4", DUL_NOTE_NOT_PROPOSED},
	{"accepted, with two: the first",
	 APP "2100 002E 01 00 00 00" TALK_ILE "4000 0011 '1.2.840.10008.1.3'" INFO,
	 "AC 1:0=1.2 max=16384 1.2.3.4", DUL_NOTE_REPEATED},
	{"no contexts", APP INFO, "AC max=16384 1.2.3.4", 0},
	{"nothing", "", "AC", DUL_NOTE_NO_USER_INFO},
	{"everything else",
	 APP "5000 0050" TALK_MAX TALK_CLASS "5300 0004 0001 0001"
	     "5400 0015 0011 '1.2.840.10008.1.1' 01 00 5500 0002 'V1'"
	     "5600 0006 0003 '1.2' 00 5900 0004 0002 'ok' 5800 0000",
	 "AC max=16384 1.2.3.4 'V1' async=1/1 role(1.1 1/0) 56(1.2  1) id(2)",
	 DUL_NOTE_UNKNOWN_ITEM},
	{"two user informations: the first", APP INFO "5000 0008 5100 0004 00000800",
	 "AC max=16384 1.2.3.4", DUL_NOTE_REPEATED},
	{"an even context", APP "2100 0019 02 00 00 00" TALK_ILE INFO, NULL, 0},
	{"a context twice",
	 APP "2100 0019 01 00 00 00" TALK_ILE "2100 0019 01 00 00 00" TALK_ILE INFO, NULL, 0},
	{"a context of three bytes", APP "2100 0003 01 00 00" INFO, NULL, 0},
	{"an item that overruns", APP INFO "2100 0001", NULL, 0},
};
#define ANSWERS ((int)(sizeof(answers) / sizeof(answers[0])))

START_TEST(test_answer)
{
	static struct dul_answer a, again;
	struct buf said = BUF_INIT(8192), said_again = BUF_INIT(8192), out = BUF_INIT(1u << 20);
	struct bytes body = body_of(talk_ac(answers[_i].items));
	const char *name = answers[_i].name;
	struct fault f = {0};
	enum err e = pdu_parse_ac(body, &a, &f);

	check_prefixes(body, false);
	if (answers[_i].want == NULL) {
		ck_assert_msg(e == ERR_WIRE && f.text != NULL, "%s: read", name);
		return;
	}
	ck_assert_msg(e == OK, "%s: %s", name, f.text);
	say_answer(&said, &a);
	ck_assert_msg(bytes_eq_str(buf_bytes(&said), answers[_i].want), "%s: %s", name,
		      (const char *)said.at);
	ck_assert_msg(a.notes == answers[_i].notes, "%s: notes %x", name, a.notes);
	pdu_write_ac(&out, &a);
	ck_assert(!out.failed && out.at[0] == PDU_ASSOCIATE_AC);
	ck_assert_int_eq(pdu_parse_ac(body_of(buf_bytes(&out)), &again, &f), OK);
	say_answer(&said_again, &again);
	ck_assert_str_eq((const char *)said.at, (const char *)said_again.at);
	buf_free(&said);
	buf_free(&said_again);
	buf_free(&out);
}
END_TEST

/* ---- The short PDUs and P-DATA-TF ---- */

START_TEST(test_short_pdus)
{
	struct buf out = BUF_INIT(1000);
	struct bytes want = hex("03 00 00000004 00 01 02 03  05 00 00000004 00000000"
				"06 00 00000004 00000000  07 00 00000004 0000 02 06");
	uint8_t result = 0, source = 0, reason = 0;
	struct fault f;

	pdu_write_rj(&out, 1, 2, 3);
	pdu_write_release_rq(&out);
	pdu_write_release_rp(&out);
	pdu_write_abort(&out, 2, 6);
	ck_assert(bytes_eq(buf_bytes(&out), want));
	ck_assert_int_eq(pdu_parse_rj(bytes_slice(want, 6, 4), &result, &source, &reason, &f), OK);
	ck_assert(result == 1 && source == 2 && reason == 3);
	ck_assert_int_eq(pdu_parse_release(bytes_slice(want, 16, 4), &f), OK);
	ck_assert_int_eq(pdu_parse_abort(bytes_slice(want, 36, 4), &source, &reason, &f), OK);
	ck_assert(source == 2 && reason == 6);
	for (size_t len = 0; len < 9; len++) {
		struct bytes b = bytes_slice(want, 0, len);
		enum err e = len == 4 ? OK : ERR_WIRE;

		ck_assert_int_eq(pdu_parse_rj(b, &result, &source, &reason, &f), e);
		ck_assert_int_eq(pdu_parse_abort(b, &source, &reason, &f), e);
		ck_assert_int_eq(pdu_parse_release(b, &f), e);
	}
	hex_free(want);
	buf_free(&out);
}
END_TEST

static const struct {
	const char *name, *header;
	uint32_t left;
	enum err want;
	struct pdv_header header_want;
} pdvs[] = {
	{"command, last", "00000004 01 03", 8, OK, {2, 1, true, true}},
	{"command", "00000004 01 01", 8, OK, {2, 1, true, false}},
	{"data, last", "00000004 FF 02", 8, OK, {2, 255, false, true}},
	{"data, upper bits", "00000004 03 FC", 8, OK, {2, 3, false, false}},
	{"no fragment", "00000002 01 03", 6, OK, {0, 1, true, true}},
	{"more behind it", "00000004 01 02", 4096, OK, {2, 1, false, true}},
	{"length 0", "00000000 01 03", 8, ERR_WIRE, {0}},
	{"length 1", "00000001 01 03", 8, ERR_WIRE, {0}},
	{"one past the PDU", "00000005 01 02", 8, ERR_WIRE, {0}},
	{"4 GiB", "FFFFFFFF 01 02", 8, ERR_WIRE, {0}},
	{"even context", "00000004 02 02", 8, ERR_WIRE, {0}},
	{"context 0", "00000004 00 02", 8, ERR_WIRE, {0}},
	{"header cut short by the PDU", "00000004 01 02", 5, ERR_WIRE, {0}},
	{"header cut short", "00000004 01", 8, ERR_WIRE, {0}},
	{"nothing", "", 0, ERR_WIRE, {0}},
};

START_TEST(test_pdv)
{
	struct bytes in = hex(pdvs[_i].header);
	struct pdv_header got = {0}, want = pdvs[_i].header_want;
	struct fault f = {0};
	enum err e = pdv_header(in, pdvs[_i].left, &got, &f);

	ck_assert_msg(e == pdvs[_i].want, "%s: %d", pdvs[_i].name, e);
	ck_assert_msg(got.len == want.len && got.context_id == want.context_id &&
			      got.command == want.command && got.last == want.last,
		      "%s: another", pdvs[_i].name);
	ck_assert((e == OK) == (f.text == NULL));
	hex_free(in);
}
END_TEST

START_TEST(test_data_head)
{
	struct bytes want = hex("04 00 0000000A 00000006 FF 03");
	uint8_t out[12];

	pdu_data_head(out, 255, true, true, 4);
	ck_assert(bytes_eq(bytes_of(out, 12), want));
	hex_free(want);
}
END_TEST

/* ---- Many ---- */

/* 128 contexts of 64 syntaxes: all there. More than are kept: a note, and no harm. */
START_TEST(test_many)
{
	static struct dul_request r, again;
	static struct uid syntaxes[DUL_SYNTAXES + 80];
	struct buf out = BUF_INIT(4u << 20);
	struct uid abstract = {"1.2.3"};
	struct fault f;

	for (unsigned i = 0; i < DUL_SYNTAXES + 80; i++)
		snprintf(syntaxes[i].text, sizeof(syntaxes[i].text), "1.2.3.%u", i + 1);
	dul_request_init(&r, "A TITLE OF MORE THAN SIXTEEN", "B", 0, "1.2",
			 "AN IMPLEMENTATION OF 25");
	ck_assert_str_eq(r.called, "A TITLE OF MORE ");
	ck_assert_str_eq(r.user.implementation_version, "AN IMPLEMENTATIO");
	ck_assert_uint_eq(dul_request_add(&r, &abstract, syntaxes, DUL_SYNTAXES + 1), 0);
	for (unsigned i = 0; i < DUL_CONTEXTS; i++)
		ck_assert_uint_eq(dul_request_add(&r, &abstract, syntaxes + i % 2, DUL_SYNTAXES),
				  2 * i + 1);
	ck_assert_uint_eq(dul_request_add(&r, &abstract, syntaxes, 1), 0);
	ck_assert_uint_eq(r.syntax_count, DUL_SYNTAXES + 1);
	pdu_write_rq(&out, &r);
	ck_assert_int_eq(pdu_parse_rq(body_of(buf_bytes(&out)), &again, &f), OK);
	ck_assert_uint_eq(again.context_count, DUL_CONTEXTS);
	ck_assert_uint_eq(again.notes, 0);
	ck_assert_str_eq(dul_syntax(&again, &again.context[127], 63)->text, "1.2.3.65");
	ck_assert_ptr_eq(dul_context_of(&again, 255), &again.context[127]);
	ck_assert_ptr_null(dul_context_of(&again, 2));

	dul_request_init(&r, "A", "B", 0, "1.2", "");
	for (unsigned i = 0; i < 80; i++) /* 128 different ones are kept */
		ck_assert_uint_eq(dul_request_add(&r, &abstract, syntaxes + i, DUL_SYNTAXES),
				  i <= DUL_SYNTAXES_ALL - DUL_SYNTAXES ? 2 * i + 1 : 0);
	ck_assert_uint_eq(r.syntax_count, DUL_SYNTAXES_ALL);
	buf_free(&out);
}
END_TEST

/* There are 128 odd ids: a 129th context has one that is even or taken. */
START_TEST(test_129_contexts)
{
	static uint8_t body[8192];
	static struct dul_request r;
	size_t len = DUL_ASSOCIATE_FIXED;
	struct fault f = {0};

	for (unsigned i = 0; i < 128 + (unsigned)_i; i++, len += 8) {
		memcpy(body + len, "\x20\0\0\4\0\0\0\0", 8);
		body[len + 4] = (uint8_t)(2 * i + 1);
	}
	enum err e = pdu_parse_rq(bytes_of(body, len), &r, &f);
	ck_assert_int_eq(e, _i == 0 ? OK : ERR_WIRE);
	if (_i == 0)
		ck_assert_uint_eq(r.context_count, 128);
}
END_TEST

/* An own request proposes no asynchronous window. */
START_TEST(test_no_async)
{
	static struct dul_request r;
	struct buf out = BUF_INIT(1000);

	dul_request_init(&r, "A", "B", 0, "1.2", "V");
	ck_assert(!r.user.has_async);
	pdu_write_rq(&out, &r);
	ck_assert_ptr_null(memmem(out.at, out.len, "\x53\0\0\4", 4));
	buf_free(&out);
}
END_TEST

/* A wire with more than is kept of anything. */
START_TEST(test_over_the_tables)
{
	static struct dul_request r;
	static uint8_t body[65536 * 2];
	size_t len = DUL_ASSOCIATE_FIXED, context, info;
	struct fault f;

	memset(body, 0, sizeof(body));
	body[1] = 1;
	context = len;
	memcpy(body + len, "\x20\0\0\0\1\0\0\0", 8);
	len += 8;
	for (unsigned i = 0; i < 300; i++)
		len += (size_t)sprintf((char *)body + len, "%c%c%c%c1.%03u", 0x40, 0, 0, 5, i);
	put_u16be(body + context + 2, (uint16_t)(len - context - 4));
	info = len;
	memcpy(body + len, "\x50\0\0\0", 4);
	len += 4;
	for (unsigned i = 0; i < 200; i++, len += 11) {
		uint8_t type = i % 2 == 0 ? ITEM_ROLE : ITEM_EXTENDED;

		memcpy(body + len,
		       "\0\0\0\7\0\3"
		       "1.2\1\0",
		       11);
		body[len] = type;
	}
	put_u16be(body + info + 2, (uint16_t)(len - info - 4));
	ck_assert_int_eq(pdu_parse_rq(bytes_of(body, len), &r, &f), OK);
	ck_assert_uint_eq(r.context[0].syntax_count, DUL_SYNTAXES);
	ck_assert_uint_eq(r.syntax_count, DUL_SYNTAXES);
	ck_assert_uint_eq(r.user.role_count, DUL_ROLES);
	ck_assert_uint_eq(r.user.extended_count, DUL_EXTENDED);
	ck_assert_uint_eq(r.notes, DUL_NOTE_SYNTAXES | DUL_NOTE_TOO_MANY | DUL_NOTE_NO_MAX_PDU |
					   DUL_NOTE_NO_CLASS_UID);
}
END_TEST

/* ---- Words ---- */

START_TEST(test_words)
{
	ck_assert_str_eq(dul_reject_text(1, 7), "called AE title not recognized");
	ck_assert_str_eq(dul_reject_text(2, 2), "protocol version not supported");
	ck_assert_str_eq(dul_reject_text(3, 2), "local limit exceeded");
	ck_assert_str_eq(dul_abort_text(2, 6), "invalid PDU parameter value");
	ck_assert_str_eq(dul_abort_text(0, 6), "by the application");
	ck_assert_str_eq(dul_result_text(4), "transfer syntaxes not supported");
	for (unsigned a = 0; a < 256; a++) {
		ck_assert_ptr_nonnull(dul_result_text((uint8_t)a));
		for (unsigned b = 0; b < 256; b++) {
			ck_assert_ptr_nonnull(dul_reject_text((uint8_t)a, (uint8_t)b));
			ck_assert_ptr_nonnull(dul_abort_text((uint8_t)a, (uint8_t)b));
		}
	}
	for (unsigned bit = 1; bit <= DUL_NOTE_TOO_MANY; bit <<= 1)
		ck_assert_str_ne(dul_note_text(bit), "something unusual");
}
END_TEST

Suite *suite_dul_pdu(void)
{
	Suite *s = suite_create("dul_pdu");
	TCase *t = tcase_create("PDUs");

	tcase_add_loop_test(t, test_request, 0, REQUESTS);
	tcase_add_loop_test(t, test_answer, 0, ANSWERS);
	tcase_add_test(t, test_short_pdus);
	tcase_add_loop_test(t, test_pdv, 0, sizeof(pdvs) / sizeof(pdvs[0]));
	tcase_add_test(t, test_data_head);
	tcase_add_test(t, test_many);
	tcase_add_loop_test(t, test_129_contexts, 0, 2);
	tcase_add_test(t, test_no_async);
	tcase_add_test(t, test_over_the_tables);
	tcase_add_test(t, test_words);
	suite_add_tcase(s, t);
	return s;
}
