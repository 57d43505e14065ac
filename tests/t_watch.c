/*
 * What is next for a study: every answer of the table in service/watch.h, at the moment before it
 * is due and at the moment itself.
 */
#include <check.h>
#include <stdlib.h>

#include "service/watch.h"

#define HOUR 3600000ull

static const struct service_watch defaults = {
	.debounce_ms = 5000,
	.minimum_files = 2,
	.when_referenced = true,
	.grace_ms = 1000,
	.force_ms = HOUR,
	.no_set = SERVICE_NO_SET_WAIT,
	.keep_incomplete_ms = 24 * HOUR,
};

#define CHANGED 100000u
#define FIRST 90000u
#define SEEN .changed_ms = CHANGED, .first_ms = FIRST, .inspected = true
#define ANY UINT64_MAX - 1

enum change { AS_IT_IS, NO_REFERENCED, QUARANTINES, DISCARDS, NEVER_FORCED, KEEPS, HASTY };

static const struct row {
	const char *name;
	struct watch_facts facts;
	enum change options;
	uint64_t now_ms;
	enum watch_what what;
	uint64_t due_ms; /* of WATCH_WAIT */
	enum watch_state state;
} rows[] = {
	{"found at start-up",
	 {.changed_ms = CHANGED, .first_ms = FIRST},
	 AS_IT_IS,
	 CHANGED,
	 WATCH_INSPECT,
	 0,
	 WATCH_RECEIVING},
	{"just changed",
	 {SEEN, .stale = true, .files = 3},
	 AS_IT_IS,
	 CHANGED,
	 WATCH_WAIT,
	 CHANGED + 1000,
	 WATCH_RECEIVING},
	{"quiet for the grace",
	 {SEEN, .stale = true, .files = 3},
	 AS_IT_IS,
	 CHANGED + 1000,
	 WATCH_INSPECT,
	 0,
	 WATCH_RECEIVING},
	{"quiet, references not asked for",
	 {SEEN, .stale = true, .files = 3},
	 NO_REFERENCED,
	 CHANGED + 1000,
	 WATCH_WAIT,
	 CHANGED + 5000,
	 WATCH_RECEIVING},
	{"never quiet, by force",
	 {.changed_ms = FIRST + HOUR, .first_ms = FIRST, .stale = true},
	 AS_IT_IS,
	 FIRST + HOUR,
	 WATCH_INSPECT,
	 0,
	 WATCH_RECEIVING},
	{"never quiet, and looked at a moment ago",
	 {.changed_ms = FIRST + HOUR,
	  .first_ms = FIRST,
	  .looked_ms = FIRST + HOUR - 4900,
	  .inspected = true,
	  .stale = true,
	  .files = 1,
	  .verdict = INSPECT_NO_SET},
	 AS_IT_IS,
	 FIRST + HOUR,
	 WATCH_WAIT,
	 FIRST + HOUR + 100,
	 WATCH_RECEIVING},
	{"a structure set after the time was up",
	 {.changed_ms = FIRST + 2 * HOUR,
	  .first_ms = FIRST,
	  .looked_ms = FIRST + HOUR,
	  .inspected = true,
	  .stale = true,
	  .files = 1,
	  .verdict = INSPECT_NO_SET},
	 AS_IT_IS,
	 FIRST + 2 * HOUR,
	 WATCH_INSPECT,
	 0,
	 WATCH_RECEIVING},

	{"a trickle, by force: what is there is processed",
	 {.changed_ms = FIRST + HOUR,
	  .first_ms = FIRST,
	  .inspected = true,
	  .stale = true,
	  .files = 3,
	  .verdict = INSPECT_INCOMPLETE},
	 AS_IT_IS,
	 FIRST + HOUR,
	 WATCH_PROCESS,
	 0,
	 WATCH_PROCESSING},
	{"complete, within the grace",
	 {SEEN, .files = 3, .verdict = INSPECT_COMPLETE},
	 AS_IT_IS,
	 CHANGED + 999,
	 WATCH_WAIT,
	 CHANGED + 1000,
	 WATCH_RECEIVING},
	{"complete",
	 {SEEN, .files = 3, .verdict = INSPECT_COMPLETE},
	 AS_IT_IS,
	 CHANGED + 1000,
	 WATCH_PROCESS,
	 0,
	 WATCH_PROCESSING},
	{"complete with one file too few",
	 {SEEN, .files = 1, .verdict = INSPECT_COMPLETE},
	 AS_IT_IS,
	 CHANGED + 1000,
	 WATCH_PROCESS,
	 0,
	 WATCH_PROCESSING},
	{"complete, references not asked for",
	 {SEEN, .files = 3, .verdict = INSPECT_COMPLETE},
	 NO_REFERENCED,
	 CHANGED + 4999,
	 WATCH_WAIT,
	 CHANGED + 5000,
	 WATCH_RECEIVING},
	{"incomplete, before the debounce interval",
	 {SEEN, .files = 2, .verdict = INSPECT_INCOMPLETE},
	 AS_IT_IS,
	 CHANGED + 4999,
	 WATCH_WAIT,
	 CHANGED + 5000,
	 WATCH_RECEIVING},
	{"incomplete, after it",
	 {SEEN, .files = 2, .verdict = INSPECT_INCOMPLETE},
	 AS_IT_IS,
	 CHANGED + 5000,
	 WATCH_PROCESS,
	 0,
	 WATCH_PROCESSING},
	{"incomplete and too few",
	 {SEEN, .files = 1, .verdict = INSPECT_INCOMPLETE},
	 AS_IT_IS,
	 CHANGED + 5000,
	 WATCH_WAIT,
	 FIRST + HOUR,
	 WATCH_RECEIVING},
	{"incomplete and too few, by force",
	 {SEEN, .files = 1, .verdict = INSPECT_INCOMPLETE},
	 AS_IT_IS,
	 FIRST + HOUR,
	 WATCH_PROCESS,
	 0,
	 WATCH_PROCESSING},
	{"too few for ever",
	 {SEEN, .files = 1, .verdict = INSPECT_INCOMPLETE},
	 NEVER_FORCED,
	 FIRST + HOUR,
	 WATCH_WAIT,
	 CHANGED + 24 * HOUR,
	 WATCH_WAITING},
	{"too few for too long",
	 {SEEN, .files = 1, .verdict = INSPECT_INCOMPLETE},
	 NEVER_FORCED,
	 CHANGED + 24 * HOUR,
	 WATCH_QUARANTINE,
	 0,
	 WATCH_WAITING},

	{"no set, time not up",
	 {SEEN, .files = 2, .verdict = INSPECT_NO_SET},
	 QUARANTINES,
	 CHANGED + 4999,
	 WATCH_WAIT,
	 CHANGED + 5000,
	 WATCH_WAITING},
	{"no set: quarantine",
	 {SEEN, .files = 2, .verdict = INSPECT_NO_SET},
	 QUARANTINES,
	 CHANGED + 5000,
	 WATCH_QUARANTINE,
	 0,
	 WATCH_WAITING},
	{"no set: discard",
	 {SEEN, .files = 2, .verdict = INSPECT_NO_SET},
	 DISCARDS,
	 CHANGED + 5000,
	 WATCH_DISCARD,
	 0,
	 WATCH_WAITING},
	{"no set and too few: discard only by force",
	 {SEEN, .files = 1, .verdict = INSPECT_NO_SET},
	 DISCARDS,
	 CHANGED + 5000,
	 WATCH_WAIT,
	 FIRST + HOUR,
	 WATCH_WAITING},
	{"no set: wait",
	 {SEEN, .files = 2, .verdict = INSPECT_NO_SET},
	 AS_IT_IS,
	 CHANGED + HOUR,
	 WATCH_WAIT,
	 CHANGED + 24 * HOUR,
	 WATCH_WAITING},
	{"no set: never sooner than the debounce interval",
	 {SEEN, .files = 2, .verdict = INSPECT_NO_SET},
	 HASTY,
	 CHANGED + 4999,
	 WATCH_WAIT,
	 CHANGED + 5000,
	 WATCH_WAITING},
	{"a set alone: neither",
	 {SEEN, .files = 2, .verdict = INSPECT_NO_IMAGES},
	 HASTY,
	 CHANGED + 4999,
	 WATCH_WAIT,
	 CHANGED + 5000,
	 WATCH_WAITING},
	{"no set: waited",
	 {SEEN, .files = 2, .verdict = INSPECT_NO_SET},
	 AS_IT_IS,
	 CHANGED + 24 * HOUR,
	 WATCH_QUARANTINE,
	 0,
	 WATCH_WAITING},
	{"a set alone waits, whatever is configured for images alone",
	 {SEEN, .files = 2, .verdict = INSPECT_NO_IMAGES},
	 DISCARDS,
	 CHANGED + HOUR,
	 WATCH_WAIT,
	 CHANGED + 24 * HOUR,
	 WATCH_WAITING},
	{"a set alone, in the end",
	 {SEEN, .files = 2, .verdict = INSPECT_NO_IMAGES},
	 DISCARDS,
	 CHANGED + 24 * HOUR,
	 WATCH_QUARANTINE,
	 0,
	 WATCH_WAITING},

	{"work that failed for want of space",
	 {SEEN, .files = 3, .verdict = INSPECT_COMPLETE, .retry_ms = CHANGED + 9000},
	 AS_IT_IS,
	 CHANGED + 8999,
	 WATCH_WAIT,
	 CHANGED + 9000,
	 WATCH_WAITING},
	{"and again",
	 {SEEN, .files = 3, .verdict = INSPECT_COMPLETE, .retry_ms = CHANGED + 9000},
	 AS_IT_IS,
	 CHANGED + 9000,
	 WATCH_PROCESS,
	 0,
	 WATCH_PROCESSING},

	{"processed",
	 {SEEN, .files = 3, .processed = true, .delivery = WATCH_OPEN},
	 AS_IT_IS,
	 ANY,
	 WATCH_WAIT,
	 WATCH_NEVER,
	 WATCH_SENDING},
	{"delivered",
	 {SEEN, .files = 3, .processed = true, .delivery = WATCH_DONE, .done_ms = CHANGED},
	 AS_IT_IS,
	 CHANGED,
	 WATCH_REMOVE,
	 0,
	 WATCH_KEPT},
	{"delivered, to be kept, and not reported yet",
	 {SEEN, .files = 3, .processed = true, .delivery = WATCH_DONE, .done_ms = CHANGED},
	 KEEPS,
	 CHANGED + HOUR - 1,
	 WATCH_REPORT,
	 0,
	 WATCH_KEPT},
	{"delivered and kept",
	 {SEEN, .files = 3, .processed = true, .delivery = WATCH_DONE, .done_ms = CHANGED,
	  .reported = true},
	 KEEPS,
	 CHANGED + HOUR - 1,
	 WATCH_WAIT,
	 CHANGED + HOUR,
	 WATCH_KEPT},
	{"delivered and kept long enough",
	 {SEEN, .files = 3, .processed = true, .delivery = WATCH_DONE, .done_ms = CHANGED},
	 KEEPS,
	 CHANGED + HOUR,
	 WATCH_REMOVE,
	 0,
	 WATCH_KEPT},
	{"given up",
	 {SEEN, .files = 3, .processed = true, .delivery = WATCH_GAVE_UP},
	 AS_IT_IS,
	 CHANGED,
	 WATCH_QUARANTINE,
	 0,
	 WATCH_SENDING},
	{"delivered, and something new",
	 {SEEN, .stale = true, .files = 3, .processed = true, .delivery = WATCH_DONE},
	 AS_IT_IS,
	 CHANGED + 1000,
	 WATCH_INSPECT,
	 0,
	 WATCH_RECEIVING},

	{"over a limit, just now",
	 {SEEN, .hopeless = true},
	 AS_IT_IS,
	 CHANGED + 4999,
	 WATCH_WAIT,
	 CHANGED + 5000,
	 WATCH_WAITING},
	{"over a limit",
	 {SEEN, .hopeless = true},
	 AS_IT_IS,
	 CHANGED + 5000,
	 WATCH_QUARANTINE,
	 0,
	 WATCH_WAITING},
	{"nothing left", {SEEN}, AS_IT_IS, CHANGED + 5000, WATCH_REMOVE, 0, WATCH_RECEIVING},
	{"nothing left, just now",
	 {SEEN},
	 AS_IT_IS,
	 CHANGED + 4999,
	 WATCH_WAIT,
	 CHANGED + 5000,
	 WATCH_RECEIVING},
	{"only foreign things left",
	 {SEEN, .strange = true},
	 AS_IT_IS,
	 CHANGED + 5000,
	 WATCH_WAIT,
	 CHANGED + 24 * HOUR,
	 WATCH_WAITING},
	{"only foreign things left for long",
	 {SEEN, .strange = true},
	 AS_IT_IS,
	 CHANGED + 24 * HOUR,
	 WATCH_QUARANTINE,
	 0,
	 WATCH_WAITING},
};

static struct service_watch options_of(enum change change)
{
	struct service_watch o = defaults;

	if (change == NO_REFERENCED)
		o.when_referenced = false;
	if (change == QUARANTINES)
		o.no_set = SERVICE_NO_SET_QUARANTINE;
	if (change == DISCARDS)
		o.no_set = SERVICE_NO_SET_DISCARD;
	if (change == NEVER_FORCED)
		o.force_ms = 0;
	if (change == KEEPS)
		o.keep_sources_ms = HOUR;
	if (change == HASTY)
		o.keep_incomplete_ms = 0;
	return o;
}

START_TEST(each_row)
{
	const struct row *r = &rows[_i];
	struct service_watch o = options_of(r->options);
	struct watch_step s = watch_next(&r->facts, &o, r->now_ms);

	ck_assert_msg(s.what == r->what, "%s: what is %d, not %d", r->name, s.what, r->what);
	ck_assert_msg(s.state == r->state, "%s: state is %s", r->name, watch_state_name(s.state));
	if (s.what == WATCH_WAIT) {
		ck_assert_msg(s.due_ms == r->due_ms, "%s: due at %llu, not %llu", r->name,
			      (unsigned long long)s.due_ms, (unsigned long long)r->due_ms);
		ck_assert_msg(s.due_ms > r->now_ms, "%s: waits for the past", r->name);
	}
	if (s.what == WATCH_QUARANTINE || s.what == WATCH_DISCARD)
		ck_assert_msg(s.why != NULL, "%s: without a reason", r->name);
}
END_TEST

/* Whatever is known: waiting is for the future, so the supervisor never spins. */
START_TEST(never_spins)
{
	for (unsigned bits = 0; bits < 1u << 14; bits++) {
		struct watch_facts facts = {
			.changed_ms = 10 + (bits & 3) * 700,
			.first_ms = 10,
			.inspected = bits & 4,
			.stale = bits & 8,
			.files = bits >> 4 & 3,
			.strange = bits & 64,
			.verdict = (enum inspect_verdict)(bits >> 7 & 3),
			.processed = bits & 512,
			.delivery = (enum watch_delivery)((bits >> 10 & 3) % 3),
			.done_ms = 10,
			.retry_ms = bits & 4096 ? 3000 : 0,
		};
		struct service_watch o = options_of(bits & 8192 ? DISCARDS : KEEPS);

		for (uint64_t now = 0; now < 8000; now += 500) {
			struct watch_step s = watch_next(&facts, &o, now);

			ck_assert(s.what != WATCH_WAIT || s.due_ms > now);
		}
	}
}
END_TEST

Suite *suite_watch(void);

Suite *suite_watch(void)
{
	Suite *s = suite_create("watch");
	TCase *c = tcase_create("next");

	tcase_add_loop_test(c, each_row, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(c, never_spins);
	suite_add_tcase(s, c);
	return s;
}
