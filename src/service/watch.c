#include "service/watch.h"

/* a + b, and never is never. */
static uint64_t later(uint64_t a, uint64_t b)
{
	return a > WATCH_NEVER - b ? WATCH_NEVER : a + b;
}

static uint64_t earlier_of(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static struct watch_step wait(enum watch_state state, uint64_t due_ms, const char *why)
{
	return (struct watch_step){
		.what = WATCH_WAIT, .due_ms = due_ms, .state = state, .why = why};
}

static struct watch_step act(enum watch_what what, enum watch_state state, const char *why)
{
	return (struct watch_step){.what = what, .state = state, .why = why};
}

/* When there are enough files, and nothing has come for the debounce interval. */
static uint64_t settled_ms(const struct watch_facts *s, const struct service_watch *o)
{
	return s->files >= o->minimum_files ? later(s->changed_ms, o->debounce_ms) : WATCH_NEVER;
}

static uint64_t forced_ms(const struct watch_facts *s, const struct service_watch *o)
{
	return o->force_ms == 0 ? WATCH_NEVER : later(s->first_ms, o->force_ms);
}

/*
 * Something to look at: when it has been quiet for as long as would be acted upon at the soonest.
 * Where the time is up and it is never quiet, every debounce interval.
 */
static struct watch_step look(const struct watch_facts *s, const struct service_watch *o,
			      uint64_t now_ms)
{
	uint64_t pause =
		o->when_referenced ? earlier_of(o->grace_ms, o->debounce_ms) : o->debounce_ms;
	uint64_t forced = forced_ms(s, o), again = later(s->looked_ms, o->debounce_ms);
	uint64_t due = earlier_of(later(s->changed_ms, pause), forced > again ? forced : again);

	if (!s->inspected && !s->stale) /* found at start-up */
		due = now_ms;
	if (now_ms < due)
		return wait(WATCH_RECEIVING, due, "being received");
	return act(WATCH_INSPECT, WATCH_RECEIVING, NULL);
}

/* Something has come since it was looked at.  If that never ends, it is processed without. */
static struct watch_step changed(const struct watch_facts *s, const struct service_watch *o,
				 uint64_t now_ms)
{
	bool usable = s->files > 0 && !s->hopeless && !s->processed &&
		      (s->verdict == INSPECT_INCOMPLETE || s->verdict == INSPECT_COMPLETE);

	if (usable && now_ms >= forced_ms(s, o))
		return act(WATCH_PROCESS, WATCH_PROCESSING, NULL);
	return look(s, o, now_ms);
}

static struct watch_step processed(const struct watch_facts *s, const struct service_watch *o,
				   uint64_t now_ms)
{
	uint64_t due = later(s->done_ms, o->keep_sources_ms);

	switch (s->delivery) {
	case WATCH_OPEN:
		break;
	case WATCH_DONE:
		if (now_ms < due && !s->reported)
			return act(WATCH_REPORT, WATCH_KEPT, NULL);
		if (now_ms < due)
			return wait(WATCH_KEPT, due, "delivered; its sources are kept for a while");
		return act(WATCH_REMOVE, WATCH_KEPT, NULL);
	case WATCH_GAVE_UP:
		return act(WATCH_QUARANTINE, WATCH_SENDING, "it could not be delivered");
	}
	return wait(WATCH_SENDING, WATCH_NEVER, "being delivered");
}

static struct watch_step without_set(const struct watch_facts *s, const struct service_watch *o,
				     uint64_t now_ms)
{
	static const char why[] = "no RT Structure Set has come";
	uint64_t due = earlier_of(settled_ms(s, o), forced_ms(s, o));

	if (o->no_set == SERVICE_NO_SET_WAIT)
		due = later(s->changed_ms, o->keep_incomplete_ms > o->debounce_ms
						   ? o->keep_incomplete_ms
						   : o->debounce_ms);
	if (now_ms < due)
		return wait(WATCH_WAITING, due, why);
	return act(o->no_set == SERVICE_NO_SET_DISCARD ? WATCH_DISCARD : WATCH_QUARANTINE,
		   WATCH_WAITING, why);
}

/* Its images may still come, or be sent again; what is left when the time is up is kept apart. */
static struct watch_step held(const struct watch_facts *s, const struct service_watch *o,
			      uint64_t now_ms, const char *why)
{
	uint64_t due =
		later(s->changed_ms, o->keep_incomplete_ms > o->debounce_ms ? o->keep_incomplete_ms
									    : o->debounce_ms);

	if (now_ms < due)
		return wait(WATCH_WAITING, due, why);
	return act(WATCH_QUARANTINE, WATCH_WAITING, why);
}

static struct watch_step usable(const struct watch_facts *s, const struct service_watch *o,
				uint64_t now_ms)
{
	uint64_t due = earlier_of(settled_ms(s, o), forced_ms(s, o));

	if (o->when_referenced && s->verdict == INSPECT_COMPLETE)
		due = earlier_of(due, later(s->changed_ms, o->grace_ms));
	if (due == WATCH_NEVER)
		return held(s, o, now_ms, "it has too few files");
	if (now_ms < due)
		return wait(WATCH_RECEIVING, due,
			    s->verdict == INSPECT_COMPLETE
				    ? "quiet time"
				    : "images that its structure set refers to are missing");
	return act(WATCH_PROCESS, WATCH_PROCESSING, NULL);
}

struct watch_step watch_next(const struct watch_facts *s, const struct service_watch *o,
			     uint64_t now_ms)
{
	if (s->retry_ms > now_ms)
		return wait(WATCH_WAITING, s->retry_ms, "it is tried again soon");
	if (!s->inspected)
		return look(s, o, now_ms);
	if (s->stale)
		return changed(s, o, now_ms);
	if (s->hopeless) {
		uint64_t due = later(s->changed_ms, o->debounce_ms);

		return now_ms < due
			       ? wait(WATCH_WAITING, due, "it cannot be looked at")
			       : act(WATCH_QUARANTINE, WATCH_WAITING, "it cannot be looked at");
	}
	if (s->processed)
		return processed(s, o, now_ms);
	if (s->files == 0 && s->strange)
		return held(s, o, now_ms, "only files that are none of the service's are left");
	if (s->files == 0) {
		uint64_t due = later(s->changed_ms, o->debounce_ms);

		return now_ms < due ? wait(WATCH_RECEIVING, due, "empty")
				    : act(WATCH_REMOVE, WATCH_RECEIVING, NULL);
	}
	if (s->verdict == INSPECT_NO_SET)
		return without_set(s, o, now_ms);
	if (s->verdict == INSPECT_NO_IMAGES)
		return held(s, o, now_ms, "a structure set whose images have not come");
	return usable(s, o, now_ms);
}

const char *watch_state_name(enum watch_state state)
{
	static const char *const names[WATCH_STATES] = {
		[WATCH_RECEIVING] = "receiving",
		[WATCH_WAITING] = "waiting",
		[WATCH_PROCESSING] = "processing",
		[WATCH_SENDING] = "sending",
		[WATCH_KEPT] = "kept",
	};

	return names[state];
}
