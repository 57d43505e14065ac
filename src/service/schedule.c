#include "service/schedule.h"

#include <assert.h>
#include <string.h>

bool schedule_pattern_parse(struct schedule_pattern *out, const char *text)
{
	struct schedule_pattern p = {0};

	if (strlen(text) != 4)
		return false;
	for (size_t i = 0; i < 4; i++) {
		static const char digits[] = "0123456789abcdef";
		char c = text[i];
		const char *d = strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);

		p.value = (uint16_t)(p.value << 4);
		p.mask = (uint16_t)(p.mask << 4);
		if (c == 'x' || c == 'X')
			continue;
		if (d == NULL)
			return false;
		p.value = (uint16_t)(p.value | (d - digits));
		p.mask |= 0xF;
	}
	*out = p;
	return true;
}

enum scu_outcome schedule_outcome(const struct schedule *s, uint16_t status)
{
	enum scu_outcome usual = dimse_outcome(status);

	if (usual == SCU_SENT || usual == SCU_SENT_WARNING)
		return usual;
	for (size_t i = 0; i < s->permanent_count; i++)
		if ((status & s->permanent[i].mask) == s->permanent[i].value)
			return SCU_PERMANENT;
	return SCU_RETRY;
}

uint64_t schedule_backoff_ms(const struct schedule *s, uint32_t failed, uint64_t chance)
{
	uint64_t wait = s->first_ms;

	assert(failed >= 1);
	for (uint32_t i = 1; i < failed && wait < s->most_ms; i++)
		wait *= 2;
	if (wait > s->most_ms)
		wait = s->most_ms;
	return wait - wait / 4 * (chance % 1024) / 1023;
}

uint64_t schedule_chance(const char *destination, const char *study, uint32_t failed)
{
	uint64_t h = 0xCBF29CE484222325; /* FNV-1a, then mixed */

	for (const char *s = destination; *s != '\0'; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001B3;
	h = (h ^ 0xFF) * 0x100000001B3;
	for (const char *s = study; *s != '\0'; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001B3;
	h ^= failed;
	h = (h ^ h >> 33) * 0xFF51AFD7ED558CCD;
	h = (h ^ h >> 33) * 0xC4CEB9FE1A85EC53;
	return h ^ h >> 33;
}

/* When the next try after a failure at `failed_ms` is due; 0: now. */
static uint64_t due_after(uint64_t failed_ms, uint64_t wait_ms, uint64_t now_ms)
{
	if (failed_ms > now_ms)
		failed_ms = now_ms;
	return failed_ms + wait_ms <= now_ms ? 0 : failed_ms + wait_ms;
}

uint64_t schedule_breaker_due_ms(const struct schedule *s, const struct schedule_breaker *b,
				 const char *destination, uint64_t now_ms)
{
	if (b->failures == 0)
		return 0;
	return due_after(
		b->failed_ms,
		schedule_backoff_ms(s, b->failures, schedule_chance(destination, "", b->failures)),
		now_ms);
}

static bool is_refused(const struct schedule *s, const struct journal_delivery *o)
{
	return !o->sent && o->permanent >= s->permanent_attempts;
}

bool schedule_wants(const struct schedule *s, const struct journal_dest *dest, uint32_t index)
{
	if (dest == NULL)
		return true;
	return !dest->outputs[index].sent && !is_refused(s, &dest->outputs[index]);
}

/* Of the unsent: how many are worth another try, how many are refused for good? */
static void count_unsent(const struct schedule *s, const struct journal_state *state,
			 const struct journal_dest *d, uint32_t *wanted, uint32_t *refused)
{
	*wanted = *refused = 0;
	for (uint32_t i = 0; i < state->output_count; i++) {
		*wanted += schedule_wants(s, d, i);
		*refused += is_refused(s, &d->outputs[i]);
	}
}

static struct schedule_next give_up(const char *why)
{
	return (struct schedule_next){.what = SCHEDULE_GIVE_UP, .why = why};
}

/* Failures from the one to the other have gone on for too long. */
static bool is_over(const struct schedule *s, uint64_t first_ms, uint64_t last_ms)
{
	return first_ms != 0 && last_ms >= first_ms && last_ms - first_ms >= s->give_up_ms;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Only `done` is missing: nothing that the destination has to do with. */
static bool is_complete(const struct schedule_dest *dest, const struct journal_state *state,
			const struct journal_dest *d)
{
	return d->sent == state->output_count && (!dest->commitment || d->committed);
}

/* Everything is sent, and not committed. */
static struct schedule_next next_commitment(const struct schedule *s, const struct journal_dest *d,
					    uint64_t now_ms)
{
	if (d->permanent >= s->permanent_attempts)
		return give_up("the destination refuses to commit to storage");
	if (d->transaction.text[0] != '\0') {
		uint64_t due = due_after(d->requested_ms, s->commitment_ms, now_ms);

		if (due > 0)
			return (struct schedule_next){.what = SCHEDULE_WAIT, .due_ms = due};
		if (is_over(s, d->first_asked_ms, d->requested_ms))
			return give_up("Storage Commitment was asked for, and no report came");
	}
	return (struct schedule_next){.what = SCHEDULE_REQUEST};
}

/* `breaker_ms`: when the destination may be tried again; 0: now. */
static struct schedule_next next_of(const struct schedule *s, const struct schedule_dest *dest,
				    const struct uid *study, const struct journal_state *state,
				    const struct journal_dest *d, uint64_t breaker_ms,
				    uint64_t now_ms)
{
	uint32_t wanted, refused;
	uint64_t due = 0;

	count_unsent(s, state, d, &wanted, &refused);
	if (wanted == 0 && refused > 0)
		return give_up("the destination refuses objects for good");
	if (is_over(s, d->first_failed_ms, d->failed_ms))
		return give_up("it has failed for too long");
	if (d->attempts > 0)
		due = due_after(
			d->failed_ms,
			schedule_backoff_ms(s, d->attempts,
					    schedule_chance(dest->name, study->text, d->attempts)),
			now_ms);
	due = later(due, breaker_ms);
	if (due > 0)
		return (struct schedule_next){.what = SCHEDULE_WAIT, .due_ms = due};
	if (wanted > 0)
		return (struct schedule_next){.what = SCHEDULE_SEND};
	return next_commitment(s, d, now_ms);
}

struct schedule_next schedule_study(const struct schedule *s, const struct schedule_dest *dest,
				    const struct uid *study, const struct journal_state *state,
				    uint64_t now_ms)
{
	const struct journal_dest *d = journal_dest(state, dest->name);
	uint64_t breaker_ms = schedule_breaker_due_ms(s, &dest->breaker, dest->name, now_ms);

	if (!state->processed)
		return (struct schedule_next){.what = SCHEDULE_NOTHING};
	if (d != NULL && (d->done || d->gave_up))
		return (struct schedule_next){.what = SCHEDULE_SETTLED};
	if (d == NULL ? state->output_count == 0 : is_complete(dest, state, d))
		return (struct schedule_next){.what = SCHEDULE_FINISH};
	/* unreachable since before the study was ready: counted from when it was */
	if (dest->breaker.failures > 0 &&
	    is_over(s, later(dest->breaker.since_ms, state->processed_ms), dest->breaker.failed_ms))
		return give_up("the destination could not be reached for too long");
	if (d != NULL)
		return next_of(s, dest, study, state, d, breaker_ms, now_ms);
	if (breaker_ms > 0)
		return (struct schedule_next){.what = SCHEDULE_WAIT, .due_ms = breaker_ms};
	return (struct schedule_next){.what = SCHEDULE_SEND};
}
