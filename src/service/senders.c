#include "service/senders.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service/accounts.h"
#include "service/child.h"
#include "study/journal.h"
#include "study/pool.h"

#define RESTART_FIRST_MS \
	1000u /* after a sender that ended without its last word; doubles, up to: */
#define RESTART_MOST_MS 60000u

static struct sender_child *find(const struct senders *s, const char *name)
{
	for (size_t i = 0; i < s->total; i++)
		if (strcmp(s->item[i].name, name) == 0)
			return &s->item[i];
	return NULL;
}

enum err senders_options(struct senders *s, const struct service_options *o, uint64_t now_ms,
			 struct fault *f)
{
	size_t total = o->destination_count;
	struct sender_child *item = calloc(total + s->total + 1, sizeof(*item));

	if (item == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for the destinations", FAULT_NO_OFFSET);
	for (size_t i = 0; i < total; i++) {
		struct sender_child *old = find(s, o->destinations[i].name);

		item[i] = (struct sender_child){.words = -1};
		if (old != NULL) {
			item[i] = *old;
			old->pid = 0;
		}
		snprintf(item[i].name, sizeof(item[i].name), "%s", o->destinations[i].name);
		item[i].due_ms = now_ms;
		item[i].again = true;
	}
	for (size_t i = 0; i < s->total; i++) {
		if (s->item[i].pid == 0)
			continue;
		kill(s->item[i].pid, SIGTERM);
		item[total] = s->item[i];
		item[total++].again = false;
	}
	free(s->item);
	s->item = item;
	s->count = o->destination_count;
	s->total = total;
	s->o = o;
	return OK;
}

enum err senders_open(struct senders *s, const struct service_options *o, int working,
		      struct fault *f)
{
	*s = (struct senders){.working = working};
	return senders_options(s, o, 0, f);
}

static void failed(struct sender_child *c, uint64_t now_ms)
{
	uint64_t wait_ms = (uint64_t)RESTART_FIRST_MS << (c->failures < 10 ? c->failures : 10);

	c->failures++;
	c->due_ms = now_ms + (wait_ms < RESTART_MOST_MS ? wait_ms : RESTART_MOST_MS);
}

static void start(struct senders *s, size_t i, uint64_t now_ms)
{
	struct sender_child *c = &s->item[i];
	const struct delivery_dest *dest = &s->o->destinations[i];
	int ends[2];

	c->again = false;
	c->due_ms = UINT64_MAX;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		failed(c, now_ms);
		return;
	}
	child_private(ends[0]);
	pid_t pid = child_fork("sender", -1);
	if (pid == 0) {
		struct sender_options o = *s->o->sender;

		o.working = s->working;
		o.tell_fd = ends[1];
		accounts_context(
			&(struct accounts_context){.part = ACCOUNTS_SENDER, .dest = dest->name});
		_exit(sender_run(&o, dest));
	}
	close(ends[1]);
	if (pid < 0) {
		child_close_private(ends[0]);
		failed(c, now_ms);
		return;
	}
	c->pid = pid;
	c->words = ends[0];
}

void senders_wake(struct senders *s, uint64_t now_ms)
{
	for (size_t i = 0; i < s->count; i++) {
		s->item[i].again = true;
		if (s->item[i].pid == 0)
			s->item[i].due_ms = now_ms;
	}
}

void senders_step(struct senders *s, uint64_t now_ms)
{
	for (size_t i = 0; i < s->count && !s->draining; i++)
		if (s->item[i].pid == 0 && s->item[i].due_ms <= now_ms)
			start(s, i, now_ms);
}

uint64_t senders_due(const struct senders *s)
{
	uint64_t due = UINT64_MAX;

	for (size_t i = 0; i < s->count && !s->draining; i++)
		if (s->item[i].pid == 0 && s->item[i].due_ms < due)
			due = s->item[i].due_ms;
	return due;
}

/* A time of the journal's clock on the supervisor's. */
static uint64_t translate(uint64_t utc_ms, uint64_t now_ms)
{
	uint64_t utc_now_ms = journal_now_ms();

	if (utc_ms == UINT64_MAX)
		return UINT64_MAX;
	return utc_ms > utc_now_ms ? now_ms + (utc_ms - utc_now_ms) : now_ms;
}

void senders_read(struct senders *s, size_t i, uint64_t now_ms)
{
	struct sender_child *c = &s->item[i];
	struct sender_word word;
	ssize_t n;

	while ((n = read(c->words, &word, sizeof(word))) == (ssize_t)sizeof(word)) {
		if (word.kind == SENDER_SETTLED) {
			word.study.text[LIMIT_UID] = '\0';
			s->settled(s->ctx, &word.study);
		} else if (word.kind == SENDER_NEXT) {
			c->failures = 0;
			c->due_ms = translate(word.due_ms, now_ms);
		}
	}
	if (n == 0) {
		child_close_private(c->words);
		c->words = -1;
	}
}

bool senders_reaped(struct senders *s, pid_t pid, int status, uint64_t now_ms)
{
	size_t i = 0;

	while (i < s->total && s->item[i].pid != pid)
		i++;
	if (i == s->total)
		return false;

	struct sender_child *c = &s->item[i];
	if (c->words >= 0)
		senders_read(s, i, now_ms);
	if (c->words >= 0)
		child_close_private(c->words);
	c->words = -1;
	c->pid = 0;
	if (WIFSIGNALED(status) && !s->draining) {
		char name[32];

		signal_name(WTERMSIG(status), name, sizeof(name));
		accounts_say(LOG_ERROR, "child_crashed", "the sender to %s died of %s", c->name,
			     name);
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		failed(c, now_ms);
	else if (c->again)
		c->due_ms = now_ms;
	return true;
}

unsigned senders_running(const struct senders *s)
{
	unsigned running = 0;

	for (size_t i = 0; i < s->total; i++)
		running += s->item[i].pid != 0;
	return running;
}

static void signal_all(const struct senders *s, int signal)
{
	for (size_t i = 0; i < s->total; i++)
		if (s->item[i].pid != 0)
			kill(s->item[i].pid, signal);
}

void senders_drain(struct senders *s)
{
	s->draining = true;
	signal_all(s, SIGTERM);
}

void senders_kill(const struct senders *s)
{
	signal_all(s, SIGKILL);
}

void senders_close(struct senders *s)
{
	for (size_t i = 0; i < s->total; i++)
		if (s->item[i].words >= 0)
			child_close_private(s->item[i].words);
	free(s->item);
}
