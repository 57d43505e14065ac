/*
 * What children do with studies: starting them, and what their ends mean.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service/accounts.h"
#include "service/delivery.h"
#include "service/studies.h"
#include "study/pool.h"

#define HELPERS 4u           /* inspectors and closers at once */
#define BUSY_MS 1000u        /* a study that is held is looked at again, were nobody to say so */
#define RETRY_FIRST_MS 5000u /* after work that failed for want of something; doubles, up to: */
#define RETRY_MOST_MS 300000u

static void due_at(struct studies *s, struct study *t, uint64_t when_ms)
{
	t->due_ms = when_ms;
	if (when_ms < s->due_ms)
		s->due_ms = when_ms;
}

/* ---- starting ---- */

enum hold { HOLD_FREE, HOLD_HELD, HOLD_GONE };

/* Does a receiver or a sender hold the study? */
static enum hold held(const struct studies *s, const struct study *t)
{
	char name[sizeof("UID_") + LIMIT_UID];
	enum hold hold = HOLD_FREE;

	if (shared_is_fed(s->shared, &t->uid))
		return HOLD_HELD;
	snprintf(name, sizeof(name), "UID_%s", t->uid.text);
	int fd = openat(s->working, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? HOLD_GONE : HOLD_FREE;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		hold = HOLD_HELD;
	close(fd);
	return hold;
}

static enum watch_delivery delivery_of(const struct studies *s, const struct journal_state *state)
{
	switch (delivery_outcome(state, s->o->destinations, s->o->destination_count)) {
	case DELIVERY_DONE:
		return WATCH_DONE;
	case DELIVERY_GAVE_UP:
		return WATCH_GAVE_UP;
	case DELIVERY_OPEN:
		break;
	}
	return WATCH_OPEN;
}

/* In a process of its own. */
static void inspect(const struct studies *s, const struct study *t, struct tell *tell)
{
	struct tell_inspected *out = &tell->inspected;
	struct journal_state state;
	struct study_files files = STUDY_FILES_NONE;
	struct arena arena;
	struct fault f;
	char name[sizeof("UID_") + LIMIT_UID];

	tell->kind = TELL_INSPECTED;
	snprintf(name, sizeof(name), "UID_%s", t->uid.text);
	worker_limit(&s->o->processing);
	int dir = openat(s->working, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	enum err e =
		dir < 0 || fchdir(dir) < 0 ? fault_io(&f, "cannot open the study's folder") : OK;
	if (e == OK)
		e = arena_open(&arena, LIMIT_ARENA_STUDY, &f);
	if (e == OK)
		e = study_files_read(&files, dir, &f);
	if (e == OK)
		e = inspect_study(&out->found, &state, dir, &files, &t->uid, &arena, &f);
	if (e != OK) {
		out->failed = true;
		out->hopeless = e == ERR_NOMEM || e == ERR_LIMIT;
		fault_format(&f, tell->worked.reason, sizeof(tell->worked.reason));
		return;
	}
	memcpy(out->digest, files.digest, sizeof(out->digest));
	if (!out->found.processed)
		return;
	out->delivery = delivery_of(s, &state);
	out->reported = state.reported;
	for (uint32_t i = 0; i < state.dest_count; i++)
		if (state.dests[i].done && state.dests[i].done_ms > out->done_ms)
			out->done_ms = state.dests[i].done_ms;
}

/* In a process of its own. */
static void work(const struct studies *s, const struct study *t, struct tell *tell)
{
	tell->kind = TELL_WORKED;
	accounts_context(&(struct accounts_context){.part = ACCOUNTS_STUDY, .study = t->uid.text});
	worker_limit(&s->o->processing);
	worker_run(s->o, s->working, &t->uid, t->forced ? "" : t->digest, &tell->worked);
}

/* In a process of its own. */
static void leave(const struct studies *s, const struct study *t, struct tell *tell)
{
	const char *why = t->step.why != NULL ? t->step.why : "";

	tell->kind = TELL_CLOSED;
	accounts_context(&(struct accounts_context){.part = ACCOUNTS_FILES, .study = t->uid.text});
	if (t->step.what == WATCH_REPORT)
		closer_report(s->o, &t->uid, &tell->closed);
	else if (t->step.what == WATCH_REMOVE)
		closer_remove(s->o, &t->uid, &tell->closed);
	else if (t->step.what == WATCH_DISCARD)
		closer_discard(s->o, &t->uid, t->digest, why, &tell->closed);
	else
		closer_quarantine(s->o, &t->uid, t->doom != NULL ? "" : t->digest, why,
				  &tell->closed);
}

static enum study_job job_for(enum watch_what what)
{
	return what == WATCH_INSPECT ? JOB_INSPECT : what == WATCH_PROCESS ? JOB_WORK : JOB_CLOSE;
}

static const char *job_name(enum study_job job)
{
	return job == JOB_INSPECT ? "inspector" : job == JOB_WORK ? "worker" : "closer";
}

static void run(struct studies *s, struct study *t, enum study_job job)
{
	struct tell tell = {.study = t->uid};

	if (job == JOB_INSPECT)
		inspect(s, t, &tell);
	else if (job == JOB_WORK)
		work(s, t, &tell);
	else
		leave(s, t, &tell);
	tell_send(s->tell, &tell);
	_exit(0);
}

void study_jobs_start(struct studies *s, struct study *t, uint64_t now_ms)
{
	enum study_job job = job_for(t->step.what);
	unsigned *running = job == JOB_WORK ? &s->workers : &s->helpers;

	if (*running >= (job == JOB_WORK ? s->o->processing.workers : HELPERS))
		return; /* the end of one makes everything due */
	switch (held(s, t)) {
	case HOLD_GONE:
		studies_drop(s, t);
		return;
	case HOLD_HELD:
		t->facts.fed = true;
		due_at(s, t, now_ms + BUSY_MS);
		return;
	case HOLD_FREE:
		break;
	}
	t->forced = t->facts.stale; /* more comes all the time: whatever is there is taken */
	pid_t pid = child_fork(job_name(job), s->tell);
	if (pid == 0)
		run(s, t, job);
	if (pid < 0) {
		due_at(s, t, now_ms + BUSY_MS);
		return;
	}
	t->job = job;
	t->pid = pid;
	t->told = false;
	t->job_ms = now_ms;
	t->facts.fed = false;
	t->facts.stale = false; /* what comes from now on is news */
	(*running)++;
}

/* ---- ends ---- */

static void doom(struct study *t, const char *why)
{
	free(t->doom);
	t->doom = strdup(why);
}

static void retry_later(struct studies *s, struct study *t, uint64_t now_ms)
{
	uint64_t wait_ms = RETRY_FIRST_MS << (t->failures < 10 ? t->failures : 10);

	(void)s;
	t->failures++;
	t->facts.retry_ms = now_ms + (wait_ms < RETRY_MOST_MS ? wait_ms : RETRY_MOST_MS);
}

static void after_inspection(struct studies *s, struct study *t, const struct tell *tell,
			     uint64_t now_ms)
{
	const struct tell_inspected *i = &tell->inspected;
	struct watch_facts *f = &t->facts;

	if (f->hopeless) { /* perhaps it was, under another configuration */
		free(t->doom);
		t->doom = NULL;
	}
	f->hopeless = i->hopeless;
	if (i->hopeless) {
		doom(t, tell->worked.reason);
		f->inspected = true;
		f->changed_ms = f->changed_ms == 0 ? now_ms : f->changed_ms;
		return;
	}
	if (i->failed) {
		accounts_say(LOG_WARNING, "inspection_failed", "study %s: %s; it is tried again",
			     t->uid.text, tell->worked.reason);
		retry_later(s, t, now_ms);
		return;
	}
	uint64_t newest = (uint64_t)i->found.newest_ns / 1000000;

	f->looked_ms = now_ms;
	t->failures = 0;
	t->bytes = i->found.bytes;
	t->images = i->found.images;
	t->sets = i->found.sets;
	t->missing = i->found.missing;
	memcpy(t->digest, i->digest, sizeof(t->digest));
	f->inspected = true;
	f->retry_ms = 0;
	f->files = i->found.files;
	f->strange = i->found.strange;
	f->verdict = i->found.verdict;
	f->processed = i->found.processed;
	f->delivery = i->delivery;
	f->reported = i->reported;
	f->done_ms = i->done_ms < now_ms ? i->done_ms : now_ms;
	if (newest > now_ms)
		newest = now_ms;
	if (newest > f->changed_ms)
		f->changed_ms = newest;
	if (f->changed_ms == 0)
		f->changed_ms = now_ms;
	f->first_ms = (uint64_t)i->found.oldest_ns / 1000000;
	if (f->first_ms == 0 || f->first_ms > f->changed_ms)
		f->first_ms = f->changed_ms;
	if (f->processed && f->delivery == WATCH_OPEN)
		s->deliverable = true;
	shared_forget(s->shared, &t->uid);
}

static void after_work(struct studies *s, struct study *t, const struct worker_result *r,
		       uint64_t now_ms)
{
	switch (r->end) {
	case WORKER_DONE:
		t->failures = 0;
		t->facts.processed = true;
		t->facts.delivery = WATCH_OPEN;
		t->facts.reported = false;
		break;
	case WORKER_CHANGED:
		t->facts.stale = true;
		t->facts.changed_ms = now_ms;
		break;
	case WORKER_AGAIN:
		retry_later(s, t, now_ms);
		break;
	case WORKER_FAILED:
		doom(t, r->reason);
		break;
	}
}

static void after_closing(struct studies *s, struct study *t, const struct closer_result *r,
			  uint64_t now_ms)
{
	switch (r->end) {
	case CLOSER_DONE:
		if (t->step.what == WATCH_REPORT) {
			t->facts.reported = true;
			break;
		}
		t->lost = true; /* but for what has come since: found by its own event */
		s->scan_ms = now_ms;
		break;
	case CLOSER_BUSY:
		t->facts.fed = true;
		break;
	case CLOSER_CHANGED:
		t->facts.inspected = t->facts.stale = false;
		break;
	case CLOSER_AGAIN:
		accounts_say(LOG_WARNING, "closing_failed", "study %s: %s; it is tried again",
			     t->uid.text, r->reason);
		retry_later(s, t, now_ms);
		break;
	}
}

static struct study *of_pid(const struct studies *s, pid_t pid)
{
	for (struct study *t = s->first; t != NULL; t = t->next)
		if (t->job != JOB_NONE && t->pid == pid)
			return t;
	return NULL;
}

void studies_told(struct studies *s, const struct tell *tell, uint64_t now_ms)
{
	struct study *t = of_pid(s, tell->pid);

	if (tell->kind == TELL_WAKE) {
		studies_look(s, &tell->study, true, now_ms);
		return;
	}
	if (t == NULL || t->told)
		return;
	t->told = true;
	if (tell->kind == TELL_INSPECTED && t->job == JOB_INSPECT)
		after_inspection(s, t, tell, now_ms);
	else if (tell->kind == TELL_WORKED && t->job == JOB_WORK)
		after_work(s, t, &tell->worked, now_ms);
	else if (tell->kind == TELL_CLOSED && t->job == JOB_CLOSE)
		after_closing(s, t, &tell->closed, now_ms);
	else
		t->told = false;
}

/* The child ended without a word. */
static void crashed(struct studies *s, struct study *t, int status, uint64_t now_ms)
{
	int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	char name[32] = "", text[256];

	if (signal != 0)
		signal_name(signal, name, sizeof(name));
	snprintf(text, sizeof(text), "the process %s %s%s%s",
		 t->job == JOB_INSPECT ? "looking at it"
		 : t->job == JOB_WORK  ? "working on it"
				       : "reporting it or moving it away",
		 signal == 0 ? "ended early" : "died of ", name,
		 signal == SIGXCPU   ? ": it used more processor time than it may"
		 : signal == SIGKILL ? ": was memory short?"
		 : signal == SIGBUS  ? ": was a file cut short meanwhile?"
				     : "; this is a fault in netrt, please report it");
	accounts_say(LOG_ERROR, "child_crashed", "study %s: %s", t->uid.text, text);
	if (t->job == JOB_WORK) {
		accounts_processing_failed(t->uid.text, (now_ms - t->job_ms) * 1000, text);
		doom(t, text);
	} else if (t->job == JOB_INSPECT && t->failures > 0) {
		doom(t, text);
	} else {
		retry_later(s, t, now_ms);
	}
}

bool studies_reaped(struct studies *s, pid_t pid, int status, uint64_t now_ms)
{
	struct study *t = of_pid(s, pid);

	if (t == NULL)
		return false;
	if (!t->told && !s->draining)
		crashed(s, t, status, now_ms);
	if (t->job == JOB_WORK)
		s->workers--;
	else
		s->helpers--;
	if (t->job == JOB_WORK && t->facts.processed) /* now, when its lock is gone */
		s->deliverable = true;
	t->job = JOB_NONE;
	if (t->lost) {
		studies_drop(s, t);
	} else {
		due_at(s, t, t->facts.fed ? now_ms + BUSY_MS : now_ms);
	}
	s->due_ms = now_ms; /* there is room for another child */
	return true;
}
