#include "service/child.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "study/pool.h"

#define PRIVATE_MAX 8192u /* listeners, pipes, destinations' pipes */

static int private_fds[PRIVATE_MAX];
static size_t private_count;
static sigset_t child_signals;

void child_private(int fd)
{
	assert(private_count < PRIVATE_MAX);
	private_fds[private_count++] = fd;
}

void child_close_private(int fd)
{
	for (size_t i = 0; i < private_count; i++) {
		if (private_fds[i] != fd)
			continue;
		private_fds[i] = private_fds[--private_count];
		break;
	}
	close(fd);
}

void child_mask(const sigset_t *mask)
{
	child_signals = *mask;
}

pid_t child_fork(const char *role, int keep)
{
	pid_t self = getpid();
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_NAME, role);
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigprocmask(SIG_SETMASK, &child_signals, NULL);
	child_follow(self, SIGKILL);
	for (size_t i = 0; i < private_count; i++)
		if (private_fds[i] != keep)
			close(private_fds[i]);
	private_count = 0;
	return 0;
}

void tell_send(int fd, const struct tell *t)
{
	struct tell copy = *t;

	copy.pid = getpid();
	while (write(fd, &copy, sizeof(copy)) < 0) {
		struct pollfd p = {.fd = fd, .events = POLLOUT};

		if (errno == EAGAIN)
			(void)poll(&p, 1, -1);
		else if (errno != EINTR)
			return; /* the supervisor is gone, and so is this process in a moment */
	}
}

enum err tell_receive(int fd, struct tell *t)
{
	ssize_t n = read(fd, t, sizeof(*t));

	return n == (ssize_t)sizeof(*t) ? OK : ERR_MORE;
}
