#include "service/door.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dicom/syntax.h"
#include "net/socket.h"
#include "service/accounts.h"
#include "service/child.h"
#include "study/pool.h"

#define BACKLOG 1024
#define ACCEPTS 32u   /* connections taken before the supervisor looks at other things */
#define PAUSE_MS 100u /* without accepting, when short of files or processes */

uint64_t door_minimum_free(const struct service_limits *l, int working)
{
	struct statvfs st;
	uint64_t share = 0;

	if (l->minimum_free_percent > 0 && fstatvfs(working, &st) == 0)
		share = (uint64_t)st.f_blocks * st.f_frsize / 100 * l->minimum_free_percent;
	return share > l->minimum_free_bytes ? share : l->minimum_free_bytes;
}

static size_t list_syntaxes(struct uid *out)
{
	size_t count = 0;
	const struct syntax *s;

	while (count < DOOR_SYNTAXES && (s = syntax_acceptable(count)) != NULL)
		(void)uid_set(&out[count++], bytes_str(s->uid));
	return count;
}

enum err door_options(struct door *d, const struct service_options *o, struct fault *f)
{
	const struct service_listener *l = &o->listener;
	struct cidr *networks = calloc(l->allow_count + 1, sizeof(*networks));
	int working = open(o->working, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (networks == NULL || working < 0) {
		free(networks);
		if (working >= 0)
			close(working);
		return fault_io(f, "cannot take the options of the listener");
	}
	for (size_t i = 0; i < l->allow_count; i++)
		if (l->allow[i].address != NULL && !cidr_parse(&networks[i], l->allow[i].address))
			networks[i] = (struct cidr){.prefix = 128}; /* nobody */
	free(d->networks);
	d->networks = networks;
	d->o = o;
	d->common = (struct receiver_common){
		.options = o,
		.shared = d->shared,
		.syntaxes = d->syntaxes,
		.syntax_count = list_syntaxes(d->syntaxes),
		.networks = networks,
		.minimum_free = door_minimum_free(&o->limits, working),
		.drain_fd = d->drain[0],
	};
	close(working);
	if (o->limits.associations + o->limits.half_open > d->shared->slot_count)
		accounts_say(LOG_WARNING, "configuration",
			     "limits.associations and limits.half_open are more together than when "
			     "the service started: all of them only after a restart");
	return OK;
}

enum err door_open(struct door *d, const struct service_options *o, struct fault *f)
{
	const struct service_limits *l = &o->limits;
	enum err e;

	*d = (struct door){.listener = -1, .drain = {-1, -1}};
	d->shared = shared_make(l->associations + l->half_open, f);
	if (d->shared == NULL)
		return ERR_IO;
	d->pids = calloc(d->shared->slot_count, sizeof(*d->pids));
	if (d->pids == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for associations", FAULT_NO_OFFSET);
	if (pipe2(d->drain, O_CLOEXEC) < 0)
		return fault_io(f, "no pipe to the processes of associations");
	child_private(d->drain[0]);
	child_private(d->drain[1]);
	e = door_options(d, o, f);
	if (e == OK)
		e = socket_listen(&d->listener, o->listener.host, o->listener.port, BACKLOG, f);
	if (e != OK)
		return e;
	child_private(d->listener);
	d->next_number = 1;
	return socket_local(d->listener, &d->local, f);
}

static void turn_away(struct door *d, const struct address *peer, int fd, const char *why)
{
	char text[ADDRESS_TEXT];
	struct accounts_peer p = {.association = d->next_number++, .address = text};

	close(fd);
	address_ip_text(peer, text);
	accounts_complain(&p, LOG_WARNING, "connection_refused", why);
}

static void let_in(struct door *d, const struct address *peer, int fd, uint64_t now_ms)
{
	uint8_t ip[16];
	uint32_t slot;

	shared_ip(peer, ip);
	switch (shared_enter(d->shared, &d->o->limits, ip, &slot)) {
	case DOOR_FULL:
		turn_away(d, peer, fd, "too many connections without an association");
		return;
	case DOOR_FULL_ADDRESS:
		turn_away(d, peer, fd,
			  "too many connections without an association from this address");
		return;
	case DOOR_OPEN:
		break;
	}
	struct receiver_job job = {.common = &d->common,
				   .fd = fd,
				   .slot = slot,
				   .number = d->next_number++,
				   .peer = *peer};
	pid_t pid = child_fork("receiver", d->drain[0]);
	if (pid == 0) {
		receiver_run(&job);
		_exit(0);
	}
	if (pid < 0) {
		shared_leave(d->shared, slot);
		turn_away(d, peer, fd, strerror(errno));
		d->paused_until_ms = now_ms + PAUSE_MS;
		return;
	}
	close(fd);
	d->pids[slot] = pid;
	d->receivers++;
}

void door_accept(struct door *d, uint64_t now_ms)
{
	for (unsigned i = 0; i < ACCEPTS; i++) {
		struct address peer;
		struct fault f;
		int fd;
		enum err e = socket_accept(d->listener, &fd, &peer, &f);

		if (e == ERR_MORE)
			return;
		if (e != OK) {
			d->paused_until_ms = now_ms + PAUSE_MS;
			accounts_say(LOG_ERROR, "accept_failed", "cannot accept: %s",
				     strerror(f.sys_errno));
			return;
		}
		let_in(d, &peer, fd, now_ms);
	}
}

/* The parts of objects that a receiver which was killed had begun: "<pid>-<n>.part". */
static void sweep(const struct door *d, pid_t pid)
{
	char path[4096 + sizeof("/.incoming")], prefix[32];
	struct dirent *entry;

	snprintf(path, sizeof(path), "%s/.incoming", d->o->working);
	int len = snprintf(prefix, sizeof(prefix), "%ld-", (long)pid);
	DIR *dir = opendir(path);

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (strncmp(entry->d_name, prefix, (size_t)len) == 0)
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir != NULL)
		closedir(dir);
}

bool door_reaped(struct door *d, pid_t pid, int status)
{
	uint32_t slot = 0;

	while (slot < d->shared->slot_count && d->pids[slot] != pid)
		slot++;
	if (slot == d->shared->slot_count)
		return false;
	if (WIFSIGNALED(status)) {
		char name[32];

		signal_name(WTERMSIG(status), name, sizeof(name));
		accounts_say(LOG_ERROR, "child_crashed", "the process of an association died of %s",
			     name);
		sweep(d, pid);
	}
	d->pids[slot] = 0;
	d->receivers--;
	shared_leave(d->shared, slot);
	return true;
}

void door_drain(struct door *d)
{
	atomic_store(&d->shared->draining, 1);
	child_close_private(d->drain[1]);
	d->drain[1] = -1;
}

void door_kill(const struct door *d)
{
	for (uint32_t i = 0; i < d->shared->slot_count; i++)
		if (d->pids[i] != 0)
			kill(d->pids[i], SIGKILL);
}

void door_close(struct door *d)
{
	const int fds[] = {d->listener, d->drain[0], d->drain[1]};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			child_close_private(fds[i]);
	free(d->networks);
	free(d->pids);
}
