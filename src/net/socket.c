#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

/* Keepalive: a peer that vanished is noticed after 60 s of silence and 6 probes 10 s apart. */
#define KEEP_IDLE_S 60
#define KEEP_EVERY_S 10
#define KEEP_PROBES 6

union any {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage storage;
};

static bool address_of(const union any *s, struct address *out)
{
	*out = (struct address){0};
	if (s->sa.sa_family == AF_INET) {
		out->ip[10] = out->ip[11] = 0xFF;
		memcpy(out->ip + 12, &s->v4.sin_addr, 4);
		out->port = ntohs(s->v4.sin_port);
		return true;
	}
	if (s->sa.sa_family == AF_INET6) {
		memcpy(out->ip, &s->v6.sin6_addr, 16);
		out->port = ntohs(s->v6.sin6_port);
		out->scope = s->v6.sin6_scope_id;
		return true;
	}
	return false;
}

/* None of these is worth failing for. */
static void tune(int fd)
{
	const int on = 1, idle = KEEP_IDLE_S, every = KEEP_EVERY_S, probes = KEEP_PROBES;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof(every));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

/* All addresses of a name; freeaddrinfo is the caller's. */
static enum err resolve(const char *host, uint16_t port, int flags, struct addrinfo **out,
			struct fault *f)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC,
				       .ai_socktype = SOCK_STREAM,
				       .ai_flags = flags | AI_NUMERICSERV};
	char service[8];
	int status;

	snprintf(service, sizeof(service), "%u", (unsigned)port);
	status = getaddrinfo(host, service, &hints, out);
	if (status == EAI_SYSTEM)
		return fault_io(f, "looking up a host name");
	if (status == EAI_MEMORY)
		return fault_set(f, ERR_NOMEM, "looking up a host name", FAULT_NO_OFFSET);
	if (status != 0)
		return fault_set(f, ERR_UNUSABLE,
				 status == EAI_AGAIN ? "no name server answers"
						     : "the host name is not known",
				 FAULT_NO_OFFSET);
	return OK;
}

/* ---- Listening ---- */

static enum err listen_at(int *out, const struct sockaddr *at, socklen_t len, int backlog,
			  struct fault *f)
{
	const int on = 1, off = 0;
	int fd = socket(at->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	enum err e;

	if (fd < 0)
		return fault_io(f, "socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (at->sa_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	tune(fd); /* accepted sockets inherit it */
	if (bind(fd, at, len) < 0) {
		e = fault_io(f, "cannot bind the address");
		goto discard;
	}
	if (listen(fd, backlog) < 0) {
		e = fault_io(f, "cannot listen");
		goto discard;
	}
	*out = fd;
	return OK;

discard:
	close(fd);
	return e;
}

/* Every address there is: IPv6 with IPv4 in it, or IPv4 where the machine has no IPv6. */
static enum err listen_everywhere(int *fd, uint16_t port, int backlog, struct fault *f)
{
	union any at = {.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
	enum err e = listen_at(fd, &at.sa, sizeof(at.v6), backlog, f);

	if (e == OK || errno == EADDRINUSE || errno == EACCES)
		return e;
	at = (union any){.v4 = {.sin_family = AF_INET, .sin_port = htons(port)}};
	return listen_at(fd, &at.sa, sizeof(at.v4), backlog, f);
}

enum err socket_listen(int *fd, const char *host, uint16_t port, int backlog, struct fault *f)
{
	struct addrinfo *all;
	enum err e;

	if (host == NULL || host[0] == '\0')
		return listen_everywhere(fd, port, backlog, f);
	e = resolve(host, port, AI_PASSIVE, &all, f);
	if (e != OK)
		return e;
	e = ERR_IO;
	for (const struct addrinfo *a = all; a != NULL && e != OK; a = a->ai_next)
		e = listen_at(fd, a->ai_addr, a->ai_addrlen, backlog, f);
	freeaddrinfo(all);
	return e;
}

enum err socket_accept(int listener, int *fd, struct address *peer, struct fault *f)
{
	union any from = {0};
	socklen_t len = sizeof(from);
	int got = accept4(listener, &from.sa, &len, SOCK_CLOEXEC);

	if (got < 0) {
		/* accept(2): errors of the connection that was waiting are as if it had not come */
		if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR || errno == EPROTO ||
		    errno == ENETDOWN || errno == EHOSTDOWN || errno == ENETUNREACH ||
		    errno == EHOSTUNREACH || errno == ENOPROTOOPT || errno == EOPNOTSUPP)
			return ERR_MORE;
		return fault_io(f, "accept");
	}
	tune(got);
	*fd = got;
	(void)address_of(&from, peer);
	return OK;
}

/* ---- Connecting ---- */

static uint64_t now_ms(void)
{
	return clock_us() / 1000;
}

/* Wait for a connect under way, until `by`. */
static enum err connected(int fd, uint64_t by, struct fault *f)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	socklen_t len = sizeof(errno);
	int error = 0;

	for (;;) {
		uint64_t now = now_ms();
		int n = poll(&p, 1, now >= by ? 0 : (int)(by - now));

		if (n > 0)
			break;
		if (n < 0 && errno != EINTR)
			return fault_io(f, "poll");
		if (n == 0 && now_ms() >= by) {
			errno = ETIMEDOUT;
			return fault_io(f, "connect");
		}
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return fault_io(f, "connect");
	if (error != 0) {
		errno = error;
		return fault_io(f, "connect");
	}
	return OK;
}

static enum err connect_to(int *out, const struct addrinfo *a, uint64_t by, struct fault *f)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	enum err e = OK;

	if (fd < 0)
		return fault_io(f, "socket");
	tune(fd);
	if (connect(fd, a->ai_addr, a->ai_addrlen) < 0)
		e = errno == EINPROGRESS || errno == EINTR ? connected(fd, by, f)
							   : fault_io(f, "connect");
	if (e == OK && fcntl(fd, F_SETFL, 0) < 0)
		e = fault_io(f, "fcntl");
	if (e != OK) {
		close(fd);
		return e;
	}
	*out = fd;
	return OK;
}

enum err socket_connect(int *fd, const char *host, uint16_t port, unsigned timeout_ms,
			struct fault *f)
{
	uint64_t by = now_ms() + timeout_ms;
	struct addrinfo *all;
	size_t left = 0;
	enum err e = resolve(host, port, 0, &all, f);

	if (e != OK)
		return e;
	for (const struct addrinfo *a = all; a != NULL; a = a->ai_next)
		left++;
	e = ERR_IO;
	for (const struct addrinfo *a = all; a != NULL && e != OK; a = a->ai_next, left--) {
		/* an address that does not answer leaves the others their share of the time */
		uint64_t now = now_ms();
		uint64_t share = now >= by ? 0 : (by - now) / left;

		e = connect_to(fd, a, now + share, f);
	}
	freeaddrinfo(all);
	return e;
}

/* ---- Asking ---- */

enum err socket_local(int fd, struct address *out, struct fault *f)
{
	union any at = {0};
	socklen_t len = sizeof(at);

	if (getsockname(fd, &at.sa, &len) < 0)
		return fault_io(f, "getsockname");
	if (!address_of(&at, out))
		return fault_set(f, ERR_UNSUPPORTED, "not an internet socket", FAULT_NO_OFFSET);
	return OK;
}

enum err socket_peer(int fd, struct address *out, struct fault *f)
{
	union any at = {0};
	socklen_t len = sizeof(at);

	if (getpeername(fd, &at.sa, &len) < 0)
		return fault_io(f, "getpeername");
	if (!address_of(&at, out))
		return fault_set(f, ERR_UNSUPPORTED, "not an internet socket", FAULT_NO_OFFSET);
	return OK;
}
