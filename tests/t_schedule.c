/*
 * When what is delivered, as tables: the clock is a parameter.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/schedule.h"

#define SECOND 1000ull
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define BEGIN 1795600800000ull /* 2026-11-25T10:00:00Z */

static struct schedule standard(void)
{
	struct schedule s = {.first_ms = 5 * SECOND,
			     .most_ms = 15 * MINUTE,
			     .give_up_ms = 72 * HOUR,
			     .permanent_attempts = 3,
			     .permanent_count = 3,
			     .commitment_ms = HOUR};

	ck_assert(schedule_pattern_parse(&s.permanent[0], "Cxxx"));
	ck_assert(schedule_pattern_parse(&s.permanent[1], "A9xx"));
	ck_assert(schedule_pattern_parse(&s.permanent[2], "0122"));
	return s;
}

static const struct {
	const char *text;
	bool ok;
	uint16_t value, mask;
} pattern_cases[] = {
	{"0122", true, 0x0122, 0xFFFF},
	{"Cxxx", true, 0xC000, 0xF000},
	{"cXxX", true, 0xC000, 0xF000},
	{"a9Bf", true, 0xA9BF, 0xFFFF},
	{"xxxx", true, 0, 0},
	{"xx1x", true, 0x0010, 0x00F0},
	{"", false, 0, 0},
	{"C00", false, 0, 0},
	{"C0000", false, 0, 0},
	{"C00g", false, 0, 0},
	{"C 00", false, 0, 0},
	{"-122", false, 0, 0},
};

START_TEST(patterns)
{
	struct schedule_pattern p = {1, 2};

	ck_assert_msg(schedule_pattern_parse(&p, pattern_cases[_i].text) == pattern_cases[_i].ok,
		      "%s", pattern_cases[_i].text);
	ck_assert_uint_eq(p.value, pattern_cases[_i].ok ? pattern_cases[_i].value : 1);
	ck_assert_uint_eq(p.mask, pattern_cases[_i].ok ? pattern_cases[_i].mask : 2);
}
END_TEST

static const struct {
	uint16_t status;
	enum scu_outcome outcome;
} outcome_cases[] = {
	{0x0000, SCU_SENT},         {0xB000, SCU_SENT_WARNING}, {0xB007, SCU_SENT_WARNING},
	{0xBFFF, SCU_SENT_WARNING}, {0xA700, SCU_RETRY},        {0xA7FF, SCU_RETRY},
	{0x0110, SCU_RETRY},        {0x0124, SCU_RETRY},        {0x0117, SCU_RETRY},
	{0xA800, SCU_RETRY},        {0xA900, SCU_PERMANENT},    {0xA9FF, SCU_PERMANENT},
	{0xC000, SCU_PERMANENT},    {0xCFFF, SCU_PERMANENT},    {0x0122, SCU_PERMANENT},
	{0x0123, SCU_RETRY},        {0xD000, SCU_RETRY},        {0xFFFF, SCU_RETRY},
};

START_TEST(what_a_status_means)
{
	struct schedule s = standard();

	ck_assert_msg(schedule_outcome(&s, outcome_cases[_i].status) == outcome_cases[_i].outcome,
		      "%04X", outcome_cases[_i].status);
}
END_TEST

START_TEST(success_cannot_be_configured_away)
{
	struct schedule s = standard();

	ck_assert(schedule_pattern_parse(&s.permanent[0], "xxxx"));
	ck_assert_int_eq(schedule_outcome(&s, 0x0000), SCU_SENT);
	ck_assert_int_eq(schedule_outcome(&s, 0xB000), SCU_SENT_WARNING);
	ck_assert_int_eq(schedule_outcome(&s, 0xA700), SCU_PERMANENT);
}
END_TEST

static const struct {
	uint32_t failed;
	uint64_t most; /* without chance */
} backoff_cases[] = {
	{1, 5 * SECOND},   {2, 10 * SECOND},  {3, 20 * SECOND},
	{7, 320 * SECOND}, {8, 640 * SECOND}, {9, 15 * MINUTE},
	{10, 15 * MINUTE}, {64, 15 * MINUTE}, {UINT32_MAX, 15 * MINUTE},
};

START_TEST(the_wait_doubles_up_to_its_maximum)
{
	struct schedule s = standard();
	uint64_t most = backoff_cases[_i].most, least = most;

	ck_assert_uint_eq(schedule_backoff_ms(&s, backoff_cases[_i].failed, 0), most);
	for (uint64_t chance = 0; chance < 4096; chance++) {
		uint64_t wait = schedule_backoff_ms(&s, backoff_cases[_i].failed, chance);

		ck_assert_uint_le(wait, most);
		ck_assert_uint_ge(wait, most - most / 4);
		least = wait < least ? wait : least;
	}
	ck_assert_uint_eq(least, most - most / 4); /* all of the range is used */
}
END_TEST

START_TEST(chance_is_the_same_again_and_spread)
{
	unsigned quarter[4] = {0};

	ck_assert_uint_eq(schedule_chance("a", "1.2", 1), schedule_chance("a", "1.2", 1));
	ck_assert_uint_ne(schedule_chance("a", "1.2", 1), schedule_chance("b", "1.2", 1));
	ck_assert_uint_ne(schedule_chance("a1", ".2", 1), schedule_chance("a", "1.2", 1));
	for (unsigned i = 0; i < 1000; i++) {
		char uid[32];

		snprintf(uid, sizeof(uid), "1.2.%u", i);
		quarter[schedule_chance("pacs", uid, 1) % 1024 / 256]++;
	}
	for (int i = 0; i < 4; i++)
		ck_assert_uint_gt(quarter[i], 150);
}
END_TEST

/* ---- a study ---- */

/* What the journal says of destination "a": two outputs. */
struct said {
	bool none; /* nothing at all of it */
	unsigned sent;
	uint16_t permanent1, permanent2; /* of the outputs, which is looked at when unsent */
	uint32_t attempts, permanent;
	uint64_t first_failed_ms, failed_ms;
	uint64_t first_asked_ms, requested_ms;
	uint32_t requests;
	bool waiting, committed, done, gave_up;
};

static const struct {
	const char *name;
	bool not_processed, commitment;
	struct schedule_breaker breaker;
	struct said said;
	uint64_t now; /* after BEGIN, when the round was whole */
	enum schedule_what what;
	uint64_t due_least, due_most; /* after BEGIN */
} study_cases[] = {
	{.name = "not processed", .not_processed = true, .what = SCHEDULE_NOTHING},
	{.name = "new", .said = {.none = true}, .what = SCHEDULE_SEND},
	{.name = "half sent", .said = {.sent = 1}, .what = SCHEDULE_SEND},
	{.name = "all sent", .said = {.sent = 2}, .what = SCHEDULE_FINISH},
	{.name = "done", .said = {.sent = 2, .done = true}, .what = SCHEDULE_SETTLED},
	{.name = "given up", .said = {.sent = 1, .gave_up = true}, .what = SCHEDULE_SETTLED},
	{.name = "failed just now",
	 .said = {.attempts = 1, .first_failed_ms = BEGIN, .failed_ms = BEGIN},
	 .what = SCHEDULE_WAIT,
	 .due_least = 3750,
	 .due_most = 5000},
	{.name = "failed 5 s ago",
	 .said = {.attempts = 1, .first_failed_ms = BEGIN, .failed_ms = BEGIN},
	 .now = 5 * SECOND,
	 .what = SCHEDULE_SEND},
	{.name = "failed for the fourth time",
	 .said = {.sent = 1, .attempts = 4, .first_failed_ms = BEGIN, .failed_ms = BEGIN + MINUTE},
	 .now = MINUTE,
	 .what = SCHEDULE_WAIT,
	 .due_least = 90 * SECOND,
	 .due_most = 100 * SECOND},
	{.name = "the clock was set back",
	 .said = {.attempts = 1, .first_failed_ms = BEGIN + HOUR, .failed_ms = BEGIN + HOUR},
	 .what = SCHEDULE_WAIT,
	 .due_least = 3750,
	 .due_most = 5000},
	{.name = "refused twice",
	 .said = {.sent = 1,
		  .permanent2 = 2,
		  .attempts = 2,
		  .permanent = 2,
		  .first_failed_ms = BEGIN,
		  .failed_ms = BEGIN},
	 .now = MINUTE,
	 .what = SCHEDULE_SEND},
	{.name = "refused three times",
	 .said = {.sent = 1,
		  .permanent2 = 3,
		  .attempts = 3,
		  .permanent = 3,
		  .first_failed_ms = BEGIN,
		  .failed_ms = BEGIN},
	 .now = 0,
	 .what = SCHEDULE_GIVE_UP},
	{.name = "refused three times, and another is left",
	 .said = {.permanent1 = 3, .attempts = 3, .first_failed_ms = BEGIN, .failed_ms = BEGIN},
	 .now = MINUTE,
	 .what = SCHEDULE_SEND},
	{.name = "failing for just under 72 hours",
	 .said = {.attempts = 300, .first_failed_ms = BEGIN, .failed_ms = BEGIN + 72 * HOUR - 1},
	 .now = 100 * HOUR,
	 .what = SCHEDULE_SEND},
	{.name = "failing for 72 hours",
	 .said = {.attempts = 300, .first_failed_ms = BEGIN, .failed_ms = BEGIN + 72 * HOUR},
	 .now = 72 * HOUR,
	 .what = SCHEDULE_GIVE_UP},
	{.name = "failing for 72 hours, and yet all was sent",
	 .said = {.sent = 2, .first_failed_ms = BEGIN, .failed_ms = BEGIN + 72 * HOUR},
	 .now = 72 * HOUR,
	 .what = SCHEDULE_FINISH},

	{.name = "the destination cannot be reached",
	 .breaker = {.failures = 1, .since_ms = BEGIN, .failed_ms = BEGIN},
	 .said = {.none = true},
	 .what = SCHEDULE_WAIT,
	 .due_least = 3750,
	 .due_most = 5000},
	{.name = "the destination's time has come",
	 .breaker = {.failures = 1, .since_ms = BEGIN, .failed_ms = BEGIN},
	 .said = {.none = true},
	 .now = 5 * SECOND,
	 .what = SCHEDULE_SEND},
	{.name = "the later of the two waits holds",
	 .breaker = {.failures = 5, .since_ms = BEGIN, .failed_ms = BEGIN},
	 .said = {.attempts = 1, .first_failed_ms = BEGIN, .failed_ms = BEGIN},
	 .what = SCHEDULE_WAIT,
	 .due_least = 60 * SECOND,
	 .due_most = 80 * SECOND},
	{.name = "unreachable for 72 hours",
	 .breaker = {.failures = 300, .since_ms = BEGIN, .failed_ms = BEGIN + 72 * HOUR},
	 .said = {.none = true},
	 .now = 72 * HOUR,
	 .what = SCHEDULE_GIVE_UP},
	{.name = "unreachable since long before this study",
	 .breaker = {.failures = 300, .since_ms = BEGIN - 100 * HOUR, .failed_ms = BEGIN + HOUR},
	 .said = {.none = true},
	 .now = 2 * HOUR,
	 .what = SCHEDULE_SEND},
	{.name = "the service was stopped for a week: one more try first",
	 .breaker = {.failures = 1, .since_ms = BEGIN, .failed_ms = BEGIN},
	 .said = {.none = true},
	 .now = 168 * HOUR,
	 .what = SCHEDULE_SEND},
	{.name = "all is sent: that it cannot be reached any more does not matter",
	 .breaker = {.failures = 300, .since_ms = BEGIN, .failed_ms = BEGIN + 72 * HOUR},
	 .said = {.sent = 2},
	 .now = 72 * HOUR,
	 .what = SCHEDULE_FINISH},
	{.name = "done is done though the destination is gone",
	 .breaker = {.failures = 300, .since_ms = BEGIN, .failed_ms = BEGIN + 72 * HOUR},
	 .said = {.sent = 2, .done = true},
	 .now = 72 * HOUR,
	 .what = SCHEDULE_SETTLED},

	{.name = "commitment is to be asked for",
	 .commitment = true,
	 .said = {.sent = 2},
	 .what = SCHEDULE_REQUEST},
	{.name = "not before all is sent",
	 .commitment = true,
	 .said = {.sent = 1},
	 .what = SCHEDULE_SEND},
	{.name = "asked for, and waiting",
	 .commitment = true,
	 .said = {.sent = 2,
		  .requests = 1,
		  .waiting = true,
		  .first_asked_ms = BEGIN,
		  .requested_ms = BEGIN},
	 .now = HOUR - 1,
	 .what = SCHEDULE_WAIT,
	 .due_least = HOUR,
	 .due_most = HOUR},
	{.name = "asked for an hour ago",
	 .commitment = true,
	 .said = {.sent = 2,
		  .requests = 1,
		  .waiting = true,
		  .first_asked_ms = BEGIN,
		  .requested_ms = BEGIN},
	 .now = HOUR,
	 .what = SCHEDULE_REQUEST},
	{.name = "asked for over 72 hours",
	 .commitment = true,
	 .said = {.sent = 2,
		  .requests = 72,
		  .waiting = true,
		  .first_asked_ms = BEGIN,
		  .requested_ms = BEGIN + 72 * HOUR},
	 .now = 73 * HOUR,
	 .what = SCHEDULE_GIVE_UP},
	{.name = "... the last one gets its time",
	 .commitment = true,
	 .said = {.sent = 2,
		  .requests = 72,
		  .waiting = true,
		  .first_asked_ms = BEGIN,
		  .requested_ms = BEGIN + 72 * HOUR},
	 .now = 73 * HOUR - 1,
	 .what = SCHEDULE_WAIT,
	 .due_least = 73 * HOUR,
	 .due_most = 73 * HOUR},
	{.name = "the request failed",
	 .commitment = true,
	 .said = {.sent = 2,
		  .requests = 1,
		  .attempts = 1,
		  .first_failed_ms = BEGIN,
		  .failed_ms = BEGIN},
	 .what = SCHEDULE_WAIT,
	 .due_least = 3750,
	 .due_most = 5000},
	{.name = "the request was refused for good, twice",
	 .commitment = true,
	 .said = {.sent = 2,
		  .requests = 2,
		  .attempts = 2,
		  .permanent = 2,
		  .first_failed_ms = BEGIN,
		  .failed_ms = BEGIN},
	 .now = MINUTE,
	 .what = SCHEDULE_REQUEST},
	{.name = "... three times",
	 .commitment = true,
	 .said = {.sent = 2,
		  .requests = 3,
		  .attempts = 3,
		  .permanent = 3,
		  .first_failed_ms = BEGIN,
		  .failed_ms = BEGIN},
	 .now = MINUTE,
	 .what = SCHEDULE_GIVE_UP},
	{.name = "the request failed for 72 hours",
	 .commitment = true,
	 .said = {.sent = 2,
		  .requests = 300,
		  .attempts = 300,
		  .first_failed_ms = BEGIN,
		  .failed_ms = BEGIN + 72 * HOUR},
	 .now = 73 * HOUR,
	 .what = SCHEDULE_GIVE_UP},
	{.name = "committed",
	 .commitment = true,
	 .said = {.sent = 2, .committed = true},
	 .what = SCHEDULE_FINISH},
	{.name = "commitment is not asked for any more",
	 .said = {.sent = 2, .requests = 1, .waiting = true, .requested_ms = BEGIN},
	 .what = SCHEDULE_FINISH},
};

static struct schedule_next next_of(int i, const struct schedule *s)
{
	const struct said *said = &study_cases[i].said;
	struct journal_delivery outputs[2] = {
		{.sent = said->sent > 0, .permanent = said->permanent1},
		{.sent = said->sent > 1, .permanent = said->permanent2},
	};
	struct journal_dest d = {
		.name = "a",
		.outputs = outputs,
		.sent = said->sent,
		.attempts = said->attempts,
		.permanent = said->permanent,
		.first_failed_ms = said->first_failed_ms,
		.failed_ms = said->failed_ms,
		.first_asked_ms = said->first_asked_ms,
		.requested_ms = said->requested_ms,
		.requests = said->requests,
		.transaction = {.text = {said->waiting ? '1' : '\0'}},
		.committed = said->committed,
		.done = said->done,
		.gave_up = said->gave_up,
	};
	struct journal_state state = {
		.processed = !study_cases[i].not_processed,
		.processed_ms = BEGIN,
		.output_count = 2,
		.dests = &d,
		.dest_count = !said->none,
	};
	struct schedule_dest dest = {"a", study_cases[i].commitment, study_cases[i].breaker};

	return schedule_study(s, &dest, &(struct uid){"1.2.3"}, &state, BEGIN + study_cases[i].now);
}

START_TEST(what_is_next_for_a_study)
{
	struct schedule s = standard();
	struct schedule_next next = next_of(_i, &s);

	ck_assert_msg(next.what == study_cases[_i].what, "%s: %d", study_cases[_i].name, next.what);
	ck_assert_int_eq(next.why != NULL, next.what == SCHEDULE_GIVE_UP);
	if (next.what == SCHEDULE_WAIT) {
		ck_assert_msg(next.due_ms >= BEGIN + study_cases[_i].due_least &&
				      next.due_ms <= BEGIN + study_cases[_i].due_most,
			      "%s: %llu", study_cases[_i].name,
			      (unsigned long long)(next.due_ms - BEGIN));
	}
}
END_TEST

START_TEST(without_patience_the_first_failure_is_the_last)
{
	struct schedule s = standard();

	s.give_up_ms = 0;
	for (size_t i = 0; i < sizeof(study_cases) / sizeof(study_cases[0]); i++) {
		const struct said *said = &study_cases[i].said;
		bool failed = said->first_failed_ms != 0 || study_cases[i].breaker.failures > 0;
		enum schedule_what what = next_of((int)i, &s).what;

		if (failed && study_cases[i].what != SCHEDULE_SETTLED &&
		    study_cases[i].what != SCHEDULE_FINISH)
			ck_assert_msg(what == SCHEDULE_GIVE_UP, "%s", study_cases[i].name);
	}
}
END_TEST

START_TEST(an_empty_round_is_finished)
{
	struct schedule s = standard();
	struct journal_state state = {.processed = true, .processed_ms = BEGIN};
	struct schedule_dest dest = {"a", true, {0}};

	ck_assert_int_eq(schedule_study(&s, &dest, &(struct uid){"1.2"}, &state, BEGIN).what,
			 SCHEDULE_FINISH);
}
END_TEST

START_TEST(what_is_worth_sending)
{
	struct schedule s = standard();
	struct journal_delivery outputs[] = {
		{0}, {.sent = true}, {.permanent = 2}, {.permanent = 3}, {.failed = 9}};
	struct journal_dest d = {.name = "a", .outputs = outputs};
	const bool want[] = {true, false, true, false, true};

	for (uint32_t i = 0; i < 5; i++)
		ck_assert_int_eq(schedule_wants(&s, &d, i), want[i]);
	ck_assert(schedule_wants(&s, NULL, 7));
}
END_TEST

#define COUNT_OF(table) ((int)(sizeof(table) / sizeof((table)[0])))

Suite *suite_schedule(void);
Suite *suite_schedule(void)
{
	Suite *suite = suite_create("schedule");
	TCase *t = tcase_create("schedule");

	tcase_add_loop_test(t, patterns, 0, COUNT_OF(pattern_cases));
	tcase_add_loop_test(t, what_a_status_means, 0, COUNT_OF(outcome_cases));
	tcase_add_test(t, success_cannot_be_configured_away);
	tcase_add_loop_test(t, the_wait_doubles_up_to_its_maximum, 0, COUNT_OF(backoff_cases));
	tcase_add_test(t, chance_is_the_same_again_and_spread);
	tcase_add_loop_test(t, what_is_next_for_a_study, 0, COUNT_OF(study_cases));
	tcase_add_test(t, without_patience_the_first_failure_is_the_last);
	tcase_add_test(t, an_empty_round_is_finished);
	tcase_add_test(t, what_is_worth_sending);
	suite_add_tcase(suite, t);
	return suite;
}
