#include "service/supervisor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "service/accounts.h"
#include "service/answer.h"
#include "service/child.h"
#include "service/closer.h"
#include "service/control.h"
#include "service/door.h"
#include "service/senders.h"
#include "service/studies.h"
#include "study/journal.h"
#include "study/spool.h"

#define CLIENTS 8u       /* answers of the control socket at once */
#define KILL_WAIT_MS 500 /* for children that were killed */
#define NOTICE_MS 20     /* between two looks at what inotify has to tell */

enum { POLL_SIGNALS, POLL_DOOR, POLL_INOTIFY, POLL_TELL, POLL_CONTROL, POLL_SENDERS };

struct supervisor {
	const struct service_options *o;
	const struct service_host *host;
	int working, control, listener; /* listener: of the control socket */
	int signals;                    /* signalfd */
	int tell, tell_end;             /* the children's pipe; its other end */
	struct door door;
	struct studies studies;
	struct senders senders;
	pid_t clients[CLIENTS];
	struct pollfd *polled; /* owned; the five above, then the senders' pipes */
	uint64_t epoch_ms;     /* added to the monotonic clock: UTC at the start */
	uint64_t started_ms;
	uint64_t notice_ms; /* files that come wake it again then */
	bool draining;
	uint64_t drained_by_ms;
};

/* UTC as of the start, going on without jumps: comparable with the times of files, and never back.
 */
static uint64_t now_ms(const struct supervisor *s)
{
	return s->epoch_ms + clock_us() / 1000;
}

/* ---- the control socket ---- */

static void answer_client(struct supervisor *s, int client, uint64_t now)
{
	struct answer_live live = {.studies = &s->studies,
				   .shared = s->door.shared,
				   .local = s->door.local,
				   .started_ms = s->started_ms,
				   .now_ms = now,
				   .minimum_free = s->door.common.minimum_free,
				   .draining = s->draining};
	struct answer_context c = {.o = s->o, .working = s->working, .live = &live};
	struct buf out = BUF_INIT(CONTROL_ANSWER);
	char line[CONTROL_LINE];

	if (!control_read(client, line))
		return;
	int code = answer(&c, line, &out);
	if (c.changed) {
		struct tell tell = {.kind = TELL_WAKE, .study = c.changed_study};

		tell_send(s->tell_end, &tell);
	}
	control_write(client, code, buf_bytes(&out));
}

/* CLIENTS: there is none, and who asks waits until one of those that are answered is done. */
static unsigned free_client(const struct supervisor *s)
{
	unsigned free = 0;

	while (free < CLIENTS && s->clients[free] != 0)
		free++;
	return free;
}

static void take_client(struct supervisor *s, uint64_t now)
{
	unsigned free = free_client(s);
	int client = free < CLIENTS ? accept4(s->listener, NULL, NULL, SOCK_CLOEXEC) : -1;

	if (client < 0)
		return;
	pid_t pid = child_fork("control", s->tell_end);
	if (pid == 0) {
		answer_client(s, client, now);
		_exit(0);
	}
	close(client);
	if (pid > 0)
		s->clients[free] = pid;
}

/* ---- children ---- */

static void settled(void *ctx, const struct uid *study)
{
	struct supervisor *s = ctx;

	if (study->text[0] != '\0')
		studies_look(&s->studies, study, false, now_ms(s));
}

static void listen_to_children(struct supervisor *s, uint64_t now)
{
	struct tell tell;

	while (tell_receive(s->tell, &tell) == OK) {
		tell.study.text[LIMIT_UID] = '\0';
		tell.worked.reason[sizeof(tell.worked.reason) - 1] = '\0';
		tell.closed.reason[sizeof(tell.closed.reason) - 1] = '\0';
		tell.inspected.digest[sizeof(tell.inspected.digest) - 1] = '\0';
		studies_told(&s->studies, &tell, now);
	}
}

/* All that ended, ours or, as PID 1, anybody's. */
static void reap(struct supervisor *s, uint64_t now)
{
	int status;
	pid_t pid;

	listen_to_children(s, now); /* what they said comes before how they ended */
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (door_reaped(&s->door, pid, status)) {
			studies_released(&s->studies, now);
		} else if (senders_reaped(&s->senders, pid, status, now)) {
			studies_released(&s->studies, now);
		} else if (!studies_reaped(&s->studies, pid, status, now)) {
			for (unsigned i = 0; i < CLIENTS; i++)
				if (s->clients[i] == pid)
					s->clients[i] = 0;
		}
	}
}

static bool children_left(const struct supervisor *s)
{
	return s->door.receivers > 0 || senders_running(&s->senders) > 0 ||
	       s->studies.workers > 0 || s->studies.helpers > 0;
}

/* ---- signals ---- */

static enum err make_polled(struct supervisor *s, struct fault *f)
{
	struct pollfd *polled = calloc(POLL_SENDERS + s->senders.total, sizeof(*polled));

	if (polled == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for what is waited for", FAULT_NO_OFFSET);
	free(s->polled);
	s->polled = polled;
	return OK;
}

static void begin_drain(struct supervisor *s, uint64_t now)
{
	if (s->draining)
		return;
	s->draining = true;
	s->drained_by_ms = now + s->o->drain_ms;
	s->studies.draining = true;
	door_drain(&s->door);
	senders_drain(&s->senders);
	accounts_say(LOG_INFO, "service_stopping",
		     "stopping: %u associations are waited for, %llu s at most", s->door.receivers,
		     (unsigned long long)(s->o->drain_ms / 1000));
}

static void reload(struct supervisor *s, uint64_t now)
{
	const struct service_options *o = s->host->reload(s->host->ctx);
	struct fault f;
	char text[256];

	if (o == NULL)
		return;
	enum err e = senders_options(&s->senders, o, now, &f);
	if (e == OK)
		e = make_polled(s, &f);
	if (e == OK)
		e = door_options(&s->door, o, &f);
	if (e != OK) {
		fault_format(&f, text, sizeof(text));
		accounts_say(LOG_ERROR, "reload_failed", "%s; please start again", text);
		return;
	}
	s->o = o;
	studies_options(&s->studies, o, now);
}

static void take_signals(struct supervisor *s, uint64_t now)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			reap(s, now);
		else if (info.ssi_signo == SIGHUP)
			reload(s, now);
		else
			begin_drain(s, now);
	}
}

/* ---- the loop ---- */

static int timeout_of(const struct supervisor *s, uint64_t now)
{
	uint64_t due = studies_due(&s->studies), other = senders_due(&s->senders);

	if (other < due)
		due = other;
	if (s->draining && s->drained_by_ms < due)
		due = s->drained_by_ms;
	if (s->door.paused_until_ms > now && s->door.paused_until_ms < due)
		due = s->door.paused_until_ms;
	if (s->notice_ms > now && s->notice_ms < due)
		due = s->notice_ms;
	if (due <= now)
		return 0;
	return due - now > 60000 ? 60000 : (int)(due - now);
}

static void arm(struct supervisor *s, uint64_t now)
{
	struct pollfd *p = s->polled;

	p[POLL_SIGNALS] = (struct pollfd){.fd = s->signals, .events = POLLIN};
	p[POLL_DOOR] = (struct pollfd){.fd = s->door.paused_until_ms > now ? -1 : s->door.listener,
				       .events = POLLIN};
	p[POLL_INOTIFY] = (struct pollfd){.fd = s->notice_ms > now ? -1 : s->studies.inotify,
					  .events = POLLIN};
	p[POLL_TELL] = (struct pollfd){.fd = s->tell, .events = POLLIN};
	p[POLL_CONTROL] = (struct pollfd){.fd = free_client(s) < CLIENTS ? s->listener : -1,
					  .events = POLLIN};
	for (size_t i = 0; i < s->senders.total; i++)
		p[POLL_SENDERS + i] =
			(struct pollfd){.fd = s->senders.item[i].words, .events = POLLIN};
}

static void take_events(struct supervisor *s, uint64_t now)
{
	const struct pollfd *p = s->polled;

	if (p[POLL_DOOR].revents != 0)
		door_accept(&s->door, now);
	/* whatever it was woken for; by files themselves only so often, not for each of thousands
	 */
	if (studies_notice(&s->studies, now))
		s->notice_ms = now + NOTICE_MS;
	if (p[POLL_TELL].revents != 0)
		listen_to_children(s, now);
	if (p[POLL_CONTROL].revents != 0)
		take_client(s, now);
	for (size_t i = 0; i < s->senders.total; i++)
		if (p[POLL_SENDERS + i].revents != 0 && s->senders.item[i].words >= 0)
			senders_read(&s->senders, i, now);
	if (p[POLL_SIGNALS].revents != 0)
		take_signals(s, now);
}

static void loop(struct supervisor *s)
{
	while (!s->draining || (children_left(s) && now_ms(s) < s->drained_by_ms)) {
		uint64_t now = now_ms(s);

		arm(s, now);
		if (poll(s->polled, POLL_SENDERS + s->senders.total, timeout_of(s, now)) < 0 &&
		    errno != EINTR)
			break;
		now = now_ms(s);
		take_events(s, now);
		studies_step(&s->studies, now);
		if (s->studies.deliverable) {
			s->studies.deliverable = false;
			senders_wake(&s->senders, now);
		}
		senders_step(&s->senders, now);
	}
}

/* Whoever is still there is killed, and waited for: nothing of ours outlives us. */
static void end_children(struct supervisor *s)
{
	if (children_left(s))
		accounts_say(LOG_WARNING, "service_stopping",
			     "time is up: what is still at work is left for the next start");
	door_kill(&s->door);
	senders_kill(&s->senders);
	for (const struct study *t = s->studies.first; t != NULL; t = t->next)
		if (t->job != JOB_NONE)
			kill(t->pid, SIGKILL);
	for (unsigned i = 0; i < CLIENTS; i++)
		if (s->clients[i] != 0)
			kill(s->clients[i], SIGKILL);
	for (uint64_t until = now_ms(s) + KILL_WAIT_MS; now_ms(s) < until;) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid < 0 && errno == ECHILD)
			break;
		if (pid > 0)
			(void)door_reaped(&s->door, pid, status);
		if (pid == 0)
			(void)poll(NULL, 0, 5);
	}
}

/* ---- the beginning ---- */

/* In the log, and to whoever started it. */
static int complain(const struct fault *f, const char *about, int code)
{
	char text[256];

	fault_format(f, text, sizeof(text));
	accounts_say(LOG_ERROR, "start_failed", "%s: %s", log_quote_str(about), text);
	fprintf(stderr, "netrt: error: %s: %s\n", log_quote_str(about), text);
	return code;
}

/* Staging folders, ".UID_<study>.part". */
static void clean_staging(int working)
{
	int fd = openat(working, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;

	while (dir != NULL && (d = readdir(dir)) != NULL) {
		size_t len = strlen(d->d_name);
		struct uid uid;

		if (len > 10 && strncmp(d->d_name, ".UID_", 5) == 0 &&
		    strcmp(d->d_name + len - 5, ".part") == 0 &&
		    uid_set(&uid, bytes_of(d->d_name + 5, len - 10)))
			closer_clear_staging(working, &uid);
	}
	if (dir != NULL)
		closedir(dir);
}

/* What a service that was killed left: parts of objects, staging folders. */
static enum err clean(const struct service_options *o, struct fault *f)
{
	struct spool spool = SPOOL_CLOSED;
	enum err e = spool_open(&spool, o->working, SPOOL_STRICT, 0, f);

	if (e == OK)
		e = spool_clean(&spool, f);
	if (e == OK)
		clean_staging(spool.working);
	spool_close(&spool);
	return e;
}

static enum err open_signals(struct supervisor *s, sigset_t *old, struct fault *f)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, old);
	child_mask(old);
	signal(SIGPIPE, SIG_IGN);
	s->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (s->signals < 0)
		return fault_io(f, "cannot wait for signals");
	child_private(s->signals);
	return OK;
}

static enum err open_pipe(struct supervisor *s, struct fault *f)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return fault_io(f, "cannot make a pipe");
	s->tell = ends[0];
	s->tell_end = ends[1];
	child_private(s->tell);
	child_private(s->tell_end);
	return OK;
}

/* EX_OK, or an exit code after a message. */
static int open_all(struct supervisor *s, sigset_t *old)
{
	const struct service_options *o = s->o;
	struct fault f;

	s->working = open(o->working, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->working < 0) {
		(void)fault_io(&f, "cannot open the working folder");
		return complain(&f, o->working, EX_CANTCREAT);
	}
	enum err e = control_lock(&s->control, s->working, &f);
	if (e != OK)
		return complain(&f, o->working, e == ERR_UNUSABLE ? EX_UNAVAILABLE : EX_CANTCREAT);
	e = clean(o, &f);
	if (e == OK)
		e = control_listen(&s->listener, s->control, &f);
	if (e != OK)
		return complain(&f, o->working, EX_CANTCREAT);
	child_private(s->listener);
	if (open_signals(s, old, &f) != OK || open_pipe(s, &f) != OK)
		return complain(&f, "start", EX_OSERR);
	if (door_open(&s->door, o, &f) != OK)
		return complain(&f, o->listener.host, EX_UNAVAILABLE);
	e = studies_open(&s->studies, o, s->door.shared, s->working, s->tell_end, &f);
	if (e == OK)
		e = senders_open(&s->senders, o, s->working, &f);
	s->senders.ctx = s;
	s->senders.settled = settled;
	if (e == OK)
		e = make_polled(s, &f);
	if (e != OK)
		return complain(&f, "start", EX_OSERR);
	return EX_OK;
}

static void say_ready(const struct supervisor *s)
{
	const struct service_options *o = s->o;
	static const char *const durability[] = {
		[SERVICE_STRICT] = "strict", [SERVICE_FILE] = "file", [SERVICE_NONE] = "none"};
	char address[ADDRESS_TEXT];

	address_text(&s->door.local, address);
	accounts_say(LOG_INFO, "service_started",
		     "netrt %s listens on %s as %s; working folder %s; durability: %s", o->version,
		     address, o->listener.ae_title, log_quote_str(o->working),
		     durability[o->listener.durability]);
	if (o->listener.allow_count == 0)
		accounts_say(LOG_WARNING, "listener_open",
			     "anybody may send: dicom_listener.allow is empty");
	for (size_t i = 0; i < o->destination_count; i++)
		accounts_say(LOG_INFO, "destination", "results go to %s: %s at %s port %u",
			     o->destinations[i].name, o->destinations[i].ae_title,
			     o->destinations[i].host, o->destinations[i].port);
}

int supervisor_run(const struct service_options *options, const struct service_host *host)
{
	static struct supervisor s; /* big, and only one */
	sigset_t old;

	s = (struct supervisor){.o = options, .host = host, .working = -1, .control = -1};
	s.epoch_ms = journal_now_ms() - clock_us() / 1000;
	s.started_ms = now_ms(&s);

	int code = open_all(&s, &old);
	if (code != EX_OK)
		return code;
	say_ready(&s);
	studies_scan(&s.studies, now_ms(&s));
	loop(&s);
	end_children(&s);
	control_unlink(s.control);
	accounts_say(LOG_INFO, "service_stopped", "stopped");
	senders_close(&s.senders);
	studies_close(&s.studies);
	door_close(&s.door);
	free(s.polled);
	return EX_OK;
}
