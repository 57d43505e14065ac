/*
 * The sender's own process plans and accounts; processes forked from it talk to the destination. So
 * a peer that crashes one of them costs one attempt at one study.
 *
 *     look      every study: lock, read the journal, what is next for it?   struct job
 *     share     jobs with something to send become units, a process each    struct unit
 *     run       up to max_associations of them at a time
 *     settle    when a job's last unit has ended: what does the journal say now?
 *
 * and again, until a look finds nothing that is due.
 */
#include "service/sender.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "service/accounts.h"
#include "service/breaker.h"
#include "service/transfer.h"
#include "study/pool.h"
#include "study/spool.h"

#define JOBS 128u         /* studies of one look; each holds a descriptor */
#define NAMES (64u << 20) /* of studies */
#define SPLIT 32u         /* objects that are worth an association of their own */
#define OTHER_MS 5000u    /* until another sender to the same destination is done, perhaps */
#define BUSY_MS 1000u     /* until a study that somebody else holds is looked at again */
#define BROKEN_MS 60000u  /* ... one whose journal cannot be written */
#define REPORT_MS 1000u   /* an association waits for a commitment report while others queue */
#define LEFT 64u          /* studies with a broken journal: beyond that it is not the studies */

struct job {
	struct uid study;
	struct spool_lock lock; /* on the study's folder */
	struct arena arena;     /* of the state, and of `wanted` */
	struct journal_state state;
	uint32_t *wanted; /* outputs to send */
	uint32_t wanted_count;
	uint32_t units, running; /* not ended; of these begun */
	bool begun;
	struct transfer_result worst;
	struct transfer_span spans[JOURNAL_TYPES]; /* of all its units */
};

struct unit {
	uint32_t job;
	uint32_t from, count; /* of job.wanted */
	bool commit;
	pid_t pid; /* 0: not begun, or ended */
};

struct sender {
	const struct sender_options *o;
	const struct delivery_dest *dest;
	struct spool spool;
	struct breaker breaker;
	struct job *job;
	uint32_t job_count;
	struct unit *unit;
	uint32_t unit_count, unit_next, running;
	struct transfer_result *result; /* shared; by unit */
	struct uid looked_at;           /* the last one */
	uint64_t next_ms;               /* when something more is due */
	bool no_process;                /* to be had: some other time */
	bool unreached;                 /* in this look: nothing more is begun */
	struct uid left[LEFT];          /* studies left alone: trouble on this side */
	uint32_t left_count;
};

static volatile sig_atomic_t stop;

static void on_term(int signal)
{
	(void)signal;
	stop = 1;
}

static void our_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGCHLD);
}

/* The sender waits for them (blocked); its children have a flag set. */
static void take_signals(bool wait)
{
	struct sigaction act = {.sa_handler = on_term};
	sigset_t set;

	sigemptyset(&act.sa_mask);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	act.sa_handler = SIG_DFL;
	sigaction(SIGCHLD, &act, NULL);
	act.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &act, NULL);
	our_signals(&set);
	sigprocmask(wait ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

/* SIGTERM or SIGINT came, and nobody has waited for it yet. */
static void look_for_stop(void)
{
	const struct timespec now = {0};
	sigset_t set;
	int got;

	our_signals(&set);
	while ((got = sigtimedwait(&set, NULL, &now)) > 0)
		if (got != SIGCHLD)
			stop = 1;
}

static void tell(const struct sender *s, enum sender_kind kind, uint64_t due_ms,
		 const struct uid *study)
{
	struct sender_word word = {.kind = kind, .due_ms = due_ms};

	if (study != NULL)
		word.study = *study;
	/* a word that is lost leaves a study that nobody looks at: a full pipe is waited for */
	while (s->o->tell_fd >= 0 && write(s->o->tell_fd, &word, sizeof(word)) < 0) {
		struct pollfd p = {.fd = s->o->tell_fd, .events = POLLOUT};

		if (errno == EAGAIN)
			(void)poll(&p, 1, -1);
		else if (errno != EINTR)
			return;
	}
}

static void due_at(struct sender *s, uint64_t at_ms)
{
	if (at_ms < s->next_ms)
		s->next_ms = at_ms;
}

/* Not again in this run: its journal cannot be read or written. */
static void leave_alone(struct sender *s, const struct uid *study)
{
	due_at(s, journal_now_ms() + BROKEN_MS);
	if (s->left_count < LEFT)
		s->left[s->left_count++] = *study;
}

static bool is_left_alone(const struct sender *s, const struct uid *study)
{
	for (uint32_t i = 0; i < s->left_count; i++)
		if (uid_eq(&s->left[i], study))
			return true;
	return false;
}

static void say_fault(const struct uid *study, const struct fault *f)
{
	char text[256];

	fault_format(f, text, sizeof(text));
	accounts_say(LOG_ERROR, "journal_failed", "%s: %s", study->text, text);
}

/* ---- accounts: one line for each series type of a study ---- */

/* Outputs that are not confirmed at this destination, by type. */
static void count_unsent(const struct sender *s, const struct job *job,
			 uint32_t unsent[static JOURNAL_TYPES])
{
	const struct journal_dest *d = journal_dest(&job->state, s->dest->name);

	memset(unsent, 0, JOURNAL_TYPES * sizeof(*unsent));
	for (uint32_t i = 0; i < job->state.output_count; i++)
		unsent[job->state.outputs[i].type] += d == NULL || !d->outputs[i].sent;
}

static struct accounts_delivery delivery_of(const struct sender *s, const struct job *job,
					    const char *type)
{
	return (struct accounts_delivery){.series_type = type,
					  .study = job->study.text,
					  .dest = s->dest->name,
					  .ae_title = s->dest->ae_title};
}

static void account_start(const struct sender *s, const struct job *job)
{
	uint32_t unsent[JOURNAL_TYPES];

	count_unsent(s, job, unsent);
	for (uint32_t i = 0; i < job->state.type_count; i++) {
		struct accounts_delivery d = delivery_of(s, job, job->state.types[i]);

		if (unsent[i] > 0)
			accounts_sending_start(&d, unsent[i]);
	}
}

/* Beside what was unsent when it began: `before`, or NULL when nothing was begun. */
static void account_end(const struct sender *s, const struct job *job, const uint32_t *before,
			const struct schedule_next *next, const char *why)
{
	uint64_t now = journal_now_ms(), retry_ms = 0;
	uint32_t unsent[JOURNAL_TYPES];

	count_unsent(s, job, unsent);
	if (next->what == SCHEDULE_WAIT && next->due_ms > now)
		retry_ms = next->due_ms - now;
	for (uint32_t i = 0; i < job->state.type_count; i++) {
		struct accounts_delivery of = delivery_of(s, job, job->state.types[i]);
		const struct transfer_span *span = &job->spans[i];

		if (unsent[i] > 0)
			accounts_sending_failed(&of, unsent[i], next->what == SCHEDULE_GIVE_UP,
						(retry_ms + 999) / 1000, why);
		else if (before != NULL && before[i] > 0)
			accounts_sending_success(&of, before[i], span->last_us - span->first_us);
	}
}

/* ---- settling ---- */

static enum err write_entry(const struct sender *s, const struct job *job,
			    const struct journal_entry *e)
{
	struct journal_entry named = *e;
	struct fault f = {0};
	struct journal j;
	enum err err = journal_open(&j, job->lock.fd, &f);

	named.name = bytes_str(s->dest->name);
	if (err == OK) {
		journal_add(&j, &named);
		err = journal_sync(&j, &f);
		journal_close(&j);
	}
	if (err != OK)
		say_fault(&job->study, &f);
	return err;
}

/* Into an arena of its own. */
static enum err read_journal(struct job *job)
{
	struct fault f = {0};
	enum err e = journal_arena(&job->arena, job->lock.fd, &f);

	if (e == OK)
		e = journal_read(&job->state, job->lock.fd, &job->arena, &f);
	if (e != OK)
		say_fault(&job->study, &f);
	return e;
}

static void drop(struct job *job)
{
	arena_close(&job->arena);
	spool_study_unlock(&job->lock);
}

static struct schedule_next next_for(const struct sender *s, const struct job *job)
{
	const struct schedule_dest dest = {.name = s->dest->name,
					   .commitment = s->dest->storage_commitment,
					   .breaker = s->breaker.state};

	return schedule_study(&s->dest->schedule, &dest, &job->study, &job->state,
			      journal_now_ms());
}

/* Why, and the last thing that went wrong. */
static enum err write_gave_up(const struct sender *s, const struct job *job, const char *why)
{
	const struct journal_dest *d = journal_dest(&job->state, s->dest->name);
	const char *last = s->breaker.text;
	char text[JOURNAL_TEXT];

	if (s->breaker.state.failures == 0)
		last = d == NULL || d->failed_text == NULL ? "" : d->failed_text;
	snprintf(text, sizeof(text), "%s%s%s", why, last[0] == '\0' ? "" : ": ", last);
	return write_entry(
		s, job, &(struct journal_entry){.word = JOURNAL_GAVE_UP, .text = bytes_str(text)});
}

/* What is to be written and told, without another word with the destination. */
static enum err conclude(struct sender *s, struct job *job, const struct schedule_next *next)
{
	enum err e = OK;

	if (next->what == SCHEDULE_WAIT)
		due_at(s, next->due_ms);
	if (next->what == SCHEDULE_FINISH)
		e = write_entry(s, job, &(struct journal_entry){.word = JOURNAL_DONE});
	if (next->what == SCHEDULE_GIVE_UP)
		e = write_gave_up(s, job, next->why);
	if (e == OK && (next->what == SCHEDULE_FINISH || next->what == SCHEDULE_GIVE_UP ||
			next->what == SCHEDULE_SETTLED))
		tell(s, SENDER_SETTLED, 0, &job->study);
	return e;
}

static enum journal_class class_of(enum transfer_end end)
{
	return end == TRANSFER_PERMANENT ? JOURNAL_PERMANENT : JOURNAL_AGAIN;
}

/* The destination was reached, or not. */
static void mind_breaker(struct sender *s, const struct transfer_result *r)
{
	struct fault f = {0};

	if (r->reached) {
		if (s->breaker.state.failures > 0)
			accounts_say(LOG_INFO, "destination_back", "%s is reached again",
				     s->dest->name);
		breaker_succeeded(&s->breaker);
		return;
	}
	if (r->end != TRANSFER_CONNECT || s->unreached)
		return;
	s->unreached = true;
	if (breaker_failed(&s->breaker, s->dest->name, r->text, journal_now_ms(), &f) != OK)
		say_fault(&(struct uid){".control"}, &f); /* remembered in this process only */
	if (s->breaker.state.failures == 1)
		accounts_say(LOG_WARNING, "destination_failed",
			     "%s (%s port %u) is not reached: %s; all its studies wait",
			     s->dest->name, s->dest->host, s->dest->port, r->text);
}

static bool is_failure(enum transfer_end end)
{
	return end == TRANSFER_CRASHED || end == TRANSFER_PERMANENT || end == TRANSFER_AGAIN ||
	       end == TRANSFER_BROKEN;
}

/* The last of a job's units has ended. */
static void settle(struct sender *s, struct job *job)
{
	struct arena before_arena = job->arena; /* stays until all is told */
	uint32_t before[JOURNAL_TYPES];
	struct transfer_result *r = &job->worst;
	struct schedule_next next;
	enum err e = OK;

	count_unsent(s, job, before);
	if (is_failure(r->end))
		e = write_entry(s, job,
				&(struct journal_entry){.word = JOURNAL_FAILED,
							.class = class_of(r->end),
							.status = r->status,
							.text = bytes_str(r->text)});
	job->arena = (struct arena){0};
	if (e == OK)
		e = read_journal(job);
	if (e == OK) {
		next = next_for(s, job);
		e = conclude(s, job, &next);
	}
	if (e != OK || r->end == TRANSFER_BROKEN)
		leave_alone(s, &job->study);
	if (e == OK)
		account_end(s, job, before, &next, r->text[0] == '\0' ? next.why : r->text);
	arena_close(&before_arena);
}

/* ---- looking ---- */

/* The outputs to be sent, those that failed before last. */
static bool choose_wanted(const struct sender *s, struct job *job)
{
	const struct journal_dest *d = journal_dest(&job->state, s->dest->name);
	uint16_t most = 0;

	job->wanted = ARENA_NEW(&job->arena, uint32_t, job->state.output_count);
	if (job->wanted == NULL)
		return false;
	for (uint32_t i = 0; i < job->state.output_count && d != NULL; i++)
		if (d->outputs[i].failed > most)
			most = d->outputs[i].failed;
	for (uint32_t failed = 0; failed <= most; failed++)
		for (uint32_t i = 0; i < job->state.output_count; i++)
			if ((d == NULL ? 0 : d->outputs[i].failed) == failed &&
			    schedule_wants(&s->dest->schedule, d, i))
				job->wanted[job->wanted_count++] = i;
	return true;
}

/* Something is to be sent: true.  Else what there is to do is done here. */
static bool is_job(struct sender *s, struct job *job)
{
	struct schedule_next next;
	enum err e = read_journal(job);

	if (e == OK) {
		next = next_for(s, job);
		if (next.what == SCHEDULE_SEND || next.what == SCHEDULE_REQUEST) {
			if (choose_wanted(s, job))
				return true;
			e = ERR_NOMEM;
		} else if (next.what != SCHEDULE_SETTLED) {
			e = conclude(s, job, &next);
			if (e == OK && next.what == SCHEDULE_GIVE_UP)
				account_end(s, job, NULL, &next, next.why);
		}
	}
	if (e != OK)
		leave_alone(s, &job->study);
	return false;
}

static void look_at(struct sender *s, const struct uid *study)
{
	struct job *job = &s->job[s->job_count];
	struct fault f = {0};

	if (is_left_alone(s, study))
		return;
	*job = (struct job){.study = *study, .lock = SPOOL_UNLOCKED};
	enum err e = spool_study_lock(&s->spool, study, SPOOL_SHARED, &job->lock, &f);
	if (e == ERR_MORE)
		due_at(s, journal_now_ms() + BUSY_MS);
	else if (e == ERR_IO)
		say_fault(study, &f);
	if (e != OK)
		return;
	if (is_job(s, job))
		s->job_count++;
	else
		drop(job);
}

/* The first study after the one that was looked at last; they are in order. */
static size_t go_on_at(const struct sender *s, const struct uid *studies, size_t count)
{
	size_t i = 0;

	while (i < count && strcmp(studies[i].text, s->looked_at.text) <= 0)
		i++;
	return i < count ? i : 0;
}

/* Studies in turn, until there are jobs enough or all have been looked at. */
static enum err look(struct sender *s, struct fault *f)
{
	/* while it cannot be reached one study is enough to find out whether it can */
	uint32_t most = s->breaker.state.failures > 0 ? 1 : JOBS;
	struct uid *studies;
	struct arena names;
	size_t count;
	enum err e = arena_open(&names, NAMES, f);

	if (e != OK)
		return e;
	e = spool_list_studies(&s->spool, &studies, &count, &names, f);
	size_t first = e == OK ? go_on_at(s, studies, count) : 0;
	for (size_t i = 0; e == OK && i < count && s->job_count < most && !stop; i++) {
		s->looked_at = studies[(first + i) % count];
		look_at(s, &s->looked_at);
		look_for_stop();
	}
	arena_close(&names);
	return e;
}

/* All wait for the breaker, and nobody's patience has ended: there is nothing to look at. */
static bool is_pointless(struct sender *s)
{
	const struct schedule_breaker *b = &s->breaker.state;
	uint64_t due =
		schedule_breaker_due_ms(&s->dest->schedule, b, s->dest->name, journal_now_ms());

	if (due == 0 || b->failed_ms - b->since_ms >= s->dest->schedule.give_up_ms)
		return false;
	due_at(s, due);
	return true;
}

/* ---- sharing out ---- */

/* A job to as many units as there are associations for it. */
static void split(struct sender *s, uint32_t index, unsigned associations)
{
	struct job *job = &s->job[index];
	const struct journal_dest *d = journal_dest(&job->state, s->dest->name);
	uint32_t unsent = job->state.output_count - (d == NULL ? 0 : d->sent);
	uint32_t units = job->wanted_count / SPLIT;
	uint32_t at = 0;

	if (units > associations)
		units = associations;
	if (units == 0)
		units = 1;
	for (uint32_t i = 0; i < units; i++) {
		uint32_t end = (uint32_t)((uint64_t)job->wanted_count * (i + 1) / units);

		s->unit[s->unit_count++] = (struct unit){
			.job = index,
			.from = at,
			.count = end - at,
			/* asked for when nothing is left that is not sent */
			.commit = s->dest->storage_commitment && end - at == unsent,
		};
		at = end;
	}
	job->units = units;
}

static void share(struct sender *s)
{
	unsigned most = s->dest->max_associations, each;

	s->unit_count = s->unit_next = 0;
	each = s->job_count == 0 || s->job_count >= most ? 1 : most / s->job_count;
	for (uint32_t i = 0; i < s->job_count; i++)
		split(s, i, each);
	memset(s->result, 0, (JOBS + SENDER_ASSOCIATIONS) * sizeof(*s->result));
}

/* ---- running ---- */

static void run_child(struct sender *s, struct unit *unit, pid_t parent)
{
	struct job *job = &s->job[unit->job];
	const struct transfer t = {
		.options = s->o,
		.dest = s->dest,
		.study = &job->study,
		.dir = job->lock.fd,
		.state = &job->state,
		.index = job->wanted + unit->from,
		.count = unit->count,
		.commit = unit->commit,
		/* not for long when others wait for the association */
		.report_ms = s->job_count == 1 || s->o->report_ms < REPORT_MS ? s->o->report_ms
									      : REPORT_MS,
		.stop = &stop,
	};

	take_signals(false);
	child_follow(parent,
		     SIGKILL); /* a restart finds nobody at work; what is lost is promised */
	accounts_context(&(struct accounts_context){.part = ACCOUNTS_SENDER,
						    .address = s->dest->host,
						    .ae_title = s->dest->ae_title,
						    .study = job->study.text,
						    .dest = s->dest->name});
	transfer_run(&t, &s->result[unit - s->unit]);
	_exit(0);
}

static bool begin_unit(struct sender *s, struct unit *unit)
{
	struct job *job = &s->job[unit->job];
	pid_t self = getpid();

	if (!job->begun) {
		job->begun = true;
		account_start(s, job);
	}
	unit->pid = fork();
	if (unit->pid == 0)
		run_child(s, unit, self);
	if (unit->pid < 0) {
		unit->pid = 0;
		return false;
	}
	s->running++;
	return true;
}

static void merge(struct job *job, const struct transfer_result *r)
{
	/* a crash is worth no more than a retry; what is done says nothing of the others */
	if (job->worst.text[0] == '\0' || r->end > job->worst.end)
		job->worst = *r;
	for (uint32_t i = 0; i < JOURNAL_TYPES; i++) {
		struct transfer_span *all = &job->spans[i];
		const struct transfer_span *one = &r->spans[i];

		if (one->first_us != 0 && (all->first_us == 0 || one->first_us < all->first_us))
			all->first_us = one->first_us;
		if (one->last_us > all->last_us)
			all->last_us = one->last_us;
	}
}

static void end_unit(struct sender *s, struct unit *unit, int status)
{
	struct job *job = &s->job[unit->job];
	struct transfer_result *r = &s->result[unit - s->unit];

	unit->pid = 0;
	s->running--;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		char name[32] = "";

		if (WIFSIGNALED(status))
			signal_name(WTERMSIG(status), name, sizeof(name));
		r->end = TRANSFER_AGAIN;
		snprintf(r->text, sizeof(r->text), "the process that sent it ended: %s", name);
		accounts_say(LOG_ERROR, "sender_crashed", "%s to %s: %s", job->study.text,
			     s->dest->name, r->text);
	}
	mind_breaker(s, r);
	merge(job, r);
	if (--job->units == 0)
		settle(s, job);
}

/* A unit that is not begun any more. */
static void skip_unit(struct sender *s, struct unit *unit)
{
	struct job *job = &s->job[unit->job];

	if (--job->units == 0 && job->begun)
		settle(s, job);
}

static void end_child(struct sender *s, pid_t pid, int status)
{
	for (uint32_t i = 0; i < s->unit_count; i++) {
		if (s->unit[i].pid == pid) {
			end_unit(s, &s->unit[i], status);
			return;
		}
	}
}

/* A child's end, or a signal that says stop: then the children are told too. */
static void wait_for_one(struct sender *s)
{
	sigset_t set;
	int status;
	pid_t pid = waitpid(-1, &status, WNOHANG);

	if (pid > 0) {
		end_child(s, pid, status);
		return;
	}
	our_signals(&set);
	int got = sigwaitinfo(&set, NULL);
	if (got != SIGTERM && got != SIGINT)
		return; /* of a SIGCHLD nothing is lost: waitpid is asked first */
	stop = 1;
	for (uint32_t i = 0; i < s->unit_count; i++)
		if (s->unit[i].pid > 0)
			kill(s->unit[i].pid, SIGTERM);
}

static void run_units(struct sender *s)
{
	while (s->unit_next < s->unit_count || s->running > 0) {
		bool hold = stop || s->unreached || s->no_process;

		if (s->unit_next < s->unit_count && hold) {
			skip_unit(s, &s->unit[s->unit_next++]);
		} else if (s->unit_next < s->unit_count && s->running < s->dest->max_associations) {
			if (begin_unit(s, &s->unit[s->unit_next]))
				s->unit_next++;
			else if (s->running > 0)
				wait_for_one(s);
			else
				s->no_process = true;
		} else {
			wait_for_one(s);
		}
	}
	for (uint32_t i = 0; i < s->job_count; i++)
		drop(&s->job[i]);
}

/* ---- the process ---- */

static enum err open_sender(struct sender *s, struct fault *f)
{
	size_t units = JOBS + SENDER_ASSOCIATIONS;
	enum err e = breaker_open(&s->breaker, s->o->working, s->dest->name, f);

	if (e != OK)
		return e;
	s->job = calloc(JOBS, sizeof(*s->job));
	s->unit = calloc(units, sizeof(*s->unit));
	s->result = pool_memory(units * sizeof(*s->result));
	if (s->job == NULL || s->unit == NULL || s->result == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for a sender", FAULT_NO_OFFSET);
	return OK;
}

static void close_sender(struct sender *s)
{
	breaker_close(&s->breaker);
	free(s->job);
	free(s->unit);
	if (s->result != NULL)
		munmap(s->result, (JOBS + SENDER_ASSOCIATIONS) * sizeof(*s->result));
}

/* Until a look finds nothing that is due. */
static enum err deliver(struct sender *s, struct fault *f)
{
	enum err e;

	do {
		s->unreached = false;
		s->job_count = 0;
		s->next_ms = UINT64_MAX;
		if (is_pointless(s))
			return OK;
		e = look(s, f);
		if (e != OK)
			return e;
		share(s);
		run_units(s);
	} while (s->job_count > 0 && !stop && !s->no_process && s->left_count < LEFT);
	return OK;
}

int sender_run(const struct sender_options *o, const struct delivery_dest *dest)
{
	struct sender s = {.o = o,
			   .dest = dest,
			   .spool = SPOOL_CLOSED,
			   .breaker = BREAKER_NONE,
			   .next_ms = UINT64_MAX};
	struct fault f = {0};

	assert(dest->max_associations >= 1 && dest->max_associations <= SENDER_ASSOCIATIONS);
	s.spool.working = o->working;
	stop = 0;
	take_signals(true);
	accounts_context(&(struct accounts_context){.part = ACCOUNTS_SENDER,
						    .address = dest->host,
						    .ae_title = dest->ae_title,
						    .dest = dest->name});
	enum err e = open_sender(&s, &f);
	if (e == OK)
		e = deliver(&s, &f);
	else if (e == ERR_UNUSABLE) { /* one is at work, perhaps of a supervisor that has died */
		e = OK;
		due_at(&s, journal_now_ms() + OTHER_MS);
	}
	if (e != OK) {
		char text[256];

		fault_format(&f, text, sizeof(text));
		accounts_say(LOG_ERROR, "sender_failed", "%s: %s", dest->name, text);
	}
	if (e != OK || s.no_process)
		due_at(&s, journal_now_ms() + BROKEN_MS);
	tell(&s, SENDER_NEXT, s.next_ms, NULL);
	close_sender(&s);
	return e == OK ? 0 : 1;
}
