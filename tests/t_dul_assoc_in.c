/*
 * What comes in behind, before or in the middle of something else (dul/assoc_in).
 */
#include <check.h>
#include <string.h>

#include "support/hex.h"
#include "support/script.h"

Suite *suite_dul_assoc_in(void);

static void put_in(struct talk *t, struct bytes in)
{
	size_t room;
	uint8_t *at = assoc_in_buf(&t->a, &room);

	ck_assert_uint_ge(room, in.len);
	memcpy(at, in.at, in.len);
	assoc_in_ack(&t->a, in.len, t->now);
}

/* What comes after an A-ABORT that is on its way does not cut it short. */
START_TEST(test_abort_half_sent)
{
	struct bytes views[4];
	struct dul_ind ind;
	struct talk t;

	talk_accept(&t, 0);
	script_play(&t, "RQ");
	put_in(&t, talk_rq(TALK_FIXED, TALK_ITEMS));
	ck_assert(assoc_next(&t.a, &ind) && ind.kind == DUL_ABORTED && ind.ours);
	ck_assert_uint_eq(assoc_out_views(&t.a, views, 4), 1);
	ck_assert_uint_eq(views[0].len, 10);
	assoc_out_ack(&t.a, 4, 0);
	put_in(&t, talk_rq(TALK_FIXED, TALK_ITEMS));
	ck_assert(assoc_wants(&t.a) & ASSOC_WRITE);
	ck_assert_uint_eq(assoc_out_views(&t.a, views, 4), 1);
	ck_assert_uint_eq(views[0].len, 6);
	talk_end(&t);
}
END_TEST

/* The time of a PDU begins with its first byte, also behind another PDU. */
START_TEST(test_begun_behind_another)
{
	struct talk t;

	talk_accept(&t, 0);
	script_play(&t, "RQ");
	assoc_set_idle(&t.a, 1000000);
	script_play(&t, "ECHO 04 00 | wait 40000 | 00 00 | wait 19999");
	ck_assert_str_eq(talk_words(&t), "RQ PDV(1 C+ 4)");
	talk_wait(&t, 1);
	ck_assert_str_eq(talk_words(&t), "TIMEOUT!");
	talk_end(&t);
}
END_TEST

/* Is there an indication without reading more? */
START_TEST(test_more)
{
	static const struct {
		const char *in;
		bool more;
	} pdus[] = {
		{"04 00 00000008 00000004 01", false},
		{"04 00 00000008 00000004 01 02", false},
		{"04 00 00000008 00000004 01 02 01", true},
		{"04 00 00000000 05 00 00000004 00", false},
		{"05 00 00000004 000000", false},
	};

	for (size_t i = 0; i < sizeof(pdus) / sizeof(pdus[0]); i++) {
		struct bytes in = hex(pdus[i].in);
		struct talk t;

		talk_accept(&t, 0);
		script_play(&t, "RQ");
		ck_assert(!assoc_more(&t.a));
		put_in(&t, in);
		ck_assert_msg(assoc_more(&t.a) == pdus[i].more, "%s", pdus[i].in);
		hex_free(in);
		talk_end(&t);
	}
}
END_TEST

/* Whether the peer closed between two PDUs or within one is told. */
START_TEST(test_closed_where)
{
	struct talk t;

	talk_accept(&t, 0);
	script_play(&t, "RQ | close");
	ck_assert(t.last.kind == DUL_CLOSED && t.last.text == NULL);
	talk_end(&t);
	talk_accept(&t, 0);
	script_play(&t, "RQ | 04 00 | close");
	ck_assert(t.last.kind == DUL_CLOSED);
	ck_assert_str_eq(t.last.text, "in the middle of a PDU");
	talk_end(&t);
}
END_TEST

Suite *suite_dul_assoc_in(void)
{
	Suite *s = suite_create("dul_assoc_in");
	TCase *t = tcase_create("dul_assoc_in");

	tcase_add_test(t, test_abort_half_sent);
	tcase_add_test(t, test_begun_behind_another);
	tcase_add_test(t, test_more);
	tcase_add_test(t, test_closed_where);
	suite_add_tcase(s, t);
	return s;
}
