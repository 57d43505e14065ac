#include "service/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

#define BACKLOG 16
#define LOCK_WAIT_MS 3000u /* for the children of a killed supervisor to be gone */

static const struct sockaddr_un socket_name = {.sun_family = AF_UNIX, .sun_path = "socket"};

enum err control_lock(int *fd, int working, struct fault *f)
{
	uint64_t until_us = clock_us() + LOCK_WAIT_MS * 1000u;

	if (mkdirat(working, CONTROL_FOLDER, 0700) < 0 && errno != EEXIST)
		return fault_io(f, "cannot make .control in the working folder");
	*fd = openat(working, CONTROL_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*fd < 0)
		return fault_io(f, "cannot open .control in the working folder");
	while (flock(*fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return OK; /* a file system without locks */
		if (clock_us() > until_us) {
			close(*fd);
			return fault_set(f, ERR_UNUSABLE,
					 "another netrt serves this working folder",
					 FAULT_NO_OFFSET);
		}
		(void)poll(NULL, 0, 10);
	}
	return OK;
}

/*
 * bind and connect take a path of 107 bytes at most; the working folder's may be longer.  So they
 * are done inside the folder, with a name relative to it.
 */
static int inside(int control, int (*call)(int, const struct sockaddr *, socklen_t), int fd)
{
	int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int result = -1;

	if (here >= 0 && fchdir(control) == 0) {
		result = call(fd, (const struct sockaddr *)&socket_name, sizeof(socket_name));
		int code = errno;

		if (fchdir(here) < 0)
			abort(); /* the folder that this process stood in cannot be gone back to */
		errno = code;
	}
	if (here >= 0)
		close(here);
	return result;
}

enum err control_listen(int *listener, int control, struct fault *f)
{
	*listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*listener < 0)
		return fault_io(f, "cannot make the control socket");
	control_unlink(control); /* of a service that was killed */

	mode_t old = umask(0177);
	int bound = inside(control, bind, *listener);
	umask(old);
	if (bound == 0 && listen(*listener, BACKLOG) == 0)
		return OK;
	enum err e = fault_io(f, "cannot make the control socket");
	close(*listener);
	*listener = -1;
	return e;
}

void control_unlink(int control)
{
	(void)unlinkat(control, socket_name.sun_path, 0);
}

static bool wait_until(int fd, short events, uint64_t until_us)
{
	struct pollfd p = {.fd = fd, .events = events};
	int n;

	do {
		uint64_t now_us = clock_us();

		n = poll(&p, 1, now_us < until_us ? (int)((until_us - now_us + 999) / 1000) : 0);
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

static bool wait_for(int fd, short events)
{
	return wait_until(fd, events, clock_us() + CONTROL_MS * 1000u);
}

bool control_read(int client, char line[static CONTROL_LINE])
{
	uint64_t until_us = clock_us() + CONTROL_LINE_MS * 1000u;
	size_t len = 0;

	while (len < CONTROL_LINE - 1 && wait_until(client, POLLIN, until_us)) {
		ssize_t n = read(client, line + len, CONTROL_LINE - 1 - len);

		if (n <= 0)
			return false;
		len += (size_t)n;
		line[len] = '\0';
		char *end = strchr(line, '\n');
		if (end != NULL) {
			*end = '\0';
			return true;
		}
	}
	return false;
}

static bool send_all(int fd, struct bytes b)
{
	while (b.len > 0) {
		ssize_t n = wait_for(fd, POLLOUT) ? send(fd, b.at, b.len, MSG_NOSIGNAL) : -1;

		if (n < 0)
			return false;
		b = bytes_slice(b, (size_t)n, b.len - (size_t)n);
	}
	return true;
}

void control_write(int client, int code, struct bytes text)
{
	char head[16];

	snprintf(head, sizeof(head), "%d\n", code);
	if (send_all(client, bytes_str(head)))
		(void)send_all(client, text);
}

static enum err read_answer(int fd, int *code, struct buf *answer, struct fault *f)
{
	char chunk[16384];
	struct buf all = BUF_INIT(CONTROL_ANSWER);
	ssize_t n = 0;

	while (wait_for(fd, POLLIN) && (n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_add(&all, bytes_of(chunk, (size_t)n));
	const char *text = all.len > 0 ? (const char *)all.at : "";
	const char *end = strchr(text, '\n');
	if (end == NULL || n != 0 || all.failed) {
		buf_free(&all);
		return fault_set(f, ERR_IO, "the service does not answer", FAULT_NO_OFFSET);
	}
	*code = atoi(text);
	buf_add(answer, bytes_slice(buf_bytes(&all), (size_t)(end + 1 - text),
				    all.len - (size_t)(end + 1 - text)));
	buf_free(&all);
	return OK;
}

enum err control_ask(const char *working, const char *line, int *code, struct buf *answer,
		     struct fault *f)
{
	char path[4096 + sizeof("/" CONTROL_FOLDER)];
	enum err e = OK;

	snprintf(path, sizeof(path), "%s/" CONTROL_FOLDER, working);
	int control = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (control < 0)
		return errno == ENOENT ? ERR_MORE
				       : fault_io(f, "cannot open .control in the working folder");

	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		e = fault_io(f, "cannot make a socket");
	else if (inside(control, connect, fd) < 0)
		e = errno == ENOENT || errno == ECONNREFUSED
			    ? ERR_MORE
			    : fault_io(f, "cannot reach the service");
	close(control);
	if (e == OK && (!send_all(fd, bytes_str(line)) || !send_all(fd, BYTES_LIT("\n"))))
		e = fault_set(f, ERR_IO, "the service does not listen", FAULT_NO_OFFSET);
	if (e == OK)
		e = read_answer(fd, code, answer, f);
	if (fd >= 0)
		close(fd);
	return e;
}
