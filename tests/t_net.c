/*
 * Sockets and the link: over a socket pair or the loopback, with both ends in two processes or,
 * where the order of things is known, in one; reads and writes split at every size.
 */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/link.h"
#include "net/socket.h"
#include "support/hex.h"
#include "support/support.h"
#include "support/talk.h"

Suite *suite_net(void);

/* ---- Two ends ---- */

static const struct uid verification = {"1.2.840.10008.1.1"};
static const struct uid implicit_le = {"1.2.840.10008.1.2"};

static unsigned supports(void *user, const struct uid *abstract)
{
	(void)user;
	return uid_eq(abstract, &verification) ? DUL_AS_SCP : DUL_NOT_SUPPORTED;
}

/* Serve one association: data sets are counted, and answered with their sum. Exit code: what ended
 * it. */
static int serve(int fd, size_t chunk, const struct assoc_limits *limits)
{
	const struct dul_policy policy = {.supports = supports,
					  .syntaxes = &implicit_le,
					  .syntax_count = 1,
					  .max_pdu = 1u << 20,
					  .implementation_class = "1.2.3",
					  .implementation_version = "TEST"};
	static struct link l;
	static struct dul_answer answer;
	struct dul_ind ind;
	struct fault f;
	uint8_t sum[8];
	struct bytes view = bytes_of(sum, 8);
	uint32_t len = 0, add = 0;
	int end = 0;

	if (link_accept(&l, fd, limits, &f) != OK)
		return 99;
	l.chunk = chunk;
	while (link_next(&l, &ind, &f) == OK) {
		end = (int)ind.kind;
		if (ind.kind == DUL_ASSOCIATE_REQUEST) {
			negotiate(ind.request, &policy, &answer);
			link_answer(&l, &answer);
		}
		if (ind.kind == DUL_RELEASE_REQUEST)
			link_release_response(&l);
		if (ind.kind != DUL_PDV)
			continue;
		len += (uint32_t)ind.pdv.fragment.len;
		for (size_t i = 0; i < ind.pdv.fragment.len; i++)
			add += ind.pdv.fragment.at[i];
		if (!ind.pdv.last)
			continue;
		put_u32be(sum, len);
		put_u32be(sum + 4, add);
		len = add = 0;
		if (link_send(&l, ind.pdv.context_id, true, true, &view, 1, &f) != OK)
			return 98;
	}
	link_close(&l);
	return end;
}

static pid_t start_server(int fd, int other, size_t chunk, const struct assoc_limits *limits)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(other);
		_exit(serve(fd, chunk, limits));
	}
	close(fd);
	return pid;
}

static int ended_with(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status), "the other end crashed");
	return WEXITSTATUS(status);
}

static struct dul_request *request(void)
{
	static struct dul_request r;

	dul_request_init(&r, "SERVER", "CLIENT", 1u << 20, "1.2.3", "TEST");
	ck_assert_uint_eq(dul_request_add(&r, &verification, &implicit_le, 1), 1);
	return &r;
}

static void expect(struct link *l, enum dul_kind kind, struct dul_ind *ind)
{
	struct fault f;

	ck_assert_int_eq(link_next(l, ind, &f), OK);
	ck_assert_msg(ind->kind == kind, "kind %d, not %d: %s", ind->kind, kind,
		      ind->text == NULL ? "" : ind->text);
}

/* The 8 bytes of the answer, however they are split. */
static void expect_sum(struct link *l, uint32_t len, uint32_t add)
{
	uint8_t got[8];
	size_t n = 0;
	struct dul_ind ind;

	do {
		expect(l, DUL_PDV, &ind);
		ck_assert_uint_le(ind.pdv.fragment.len, sizeof(got) - n);
		memcpy(got + n, ind.pdv.fragment.at, ind.pdv.fragment.len);
		n += ind.pdv.fragment.len;
	} while (!ind.pdv.last);
	ck_assert_uint_eq(n, 8);
	ck_assert_uint_eq(get_u32be(got), len);
	ck_assert_uint_eq(get_u32be(got + 4), add);
}

/* Several data sets, from nothing to over a PDU, in two views; then a release. */
static void converse(int fd, size_t chunk, size_t most)
{
	static struct link l;
	uint8_t *data = test_zeros(3u << 20);
	struct bytes views[2];
	struct dul_ind ind;
	struct fault f;
	uint32_t add = 0;

	ck_assert_int_eq(link_request(&l, fd, &ASSOC_LIMITS_DEFAULT, request(), &f), OK);
	l.chunk = chunk;
	expect(&l, DUL_ASSOCIATE_ACCEPTED, &ind);
	for (size_t len = 0; len <= most; len = len * 3 + 2) {
		add = 0;
		for (size_t i = 0; i < len; i++)
			add += data[i] = (uint8_t)(i * 13 + len);
		views[0] = bytes_of(data, len / 2);
		views[1] = bytes_of(data + len / 2, len - len / 2);
		ck_assert_int_eq(link_send(&l, 1, false, true, views, 2, &f), OK);
		expect_sum(&l, (uint32_t)len, add);
	}
	link_release(&l);
	expect(&l, DUL_RELEASED, &ind);
	ck_assert_int_eq(link_next(&l, &ind, &f), ERR_MORE);
	link_close(&l);
	ck_assert_int_eq(l.fd, -1);
}

START_TEST(test_conversation)
{
	size_t chunk = talk_chunks[_i];
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	pid_t pid = start_server(fds[0], fds[1], chunk, &ASSOC_LIMITS_DEFAULT);
	converse(fds[1], chunk, chunk == 0 || chunk == 64 ? sizeof(uint8_t[3u << 20]) : 5000);
	ck_assert_int_eq(ended_with(pid), DUL_RELEASED);
}
END_TEST

/* ---- The same over TCP, with what socket.h says of sockets ---- */

static void check_option(int fd, int level, int option)
{
	int value = 0;
	socklen_t len = sizeof(value);

	ck_assert_int_eq(getsockopt(fd, level, option, &value, &len), 0);
	ck_assert_int_ne(value, 0);
}

START_TEST(test_tcp)
{
	static const struct {
		const char *listen, *connect, *peer;
	} hosts[] = {
		{"127.0.0.1", "127.0.0.1", "127.0.0.1"},
		{NULL, "127.0.0.1", "127.0.0.1"},
		{"", "localhost", NULL},
		{"localhost", "localhost", NULL},
	};
	struct address local, peer;
	char text[ADDRESS_TEXT];
	int listener, fd, served;
	struct fault f;

	ck_assert_int_eq(socket_listen(&listener, hosts[_i].listen, 0, 16, &f), OK);
	ck_assert_int_eq(socket_accept(listener, &served, &peer, &f), ERR_MORE);
	ck_assert_int_eq(socket_local(listener, &local, &f), OK);
	ck_assert_uint_ne(local.port, 0);
	ck_assert_int_eq(socket_connect(&fd, hosts[_i].connect, local.port, 5000, &f), OK);
	struct pollfd p = {.fd = listener, .events = POLLIN};
	ck_assert_int_eq(poll(&p, 1, 5000), 1);
	ck_assert_int_eq(socket_accept(listener, &served, &peer, &f), OK);
	ck_assert_int_eq(socket_accept(listener, &served, &peer, &f), ERR_MORE);
	for (int i = 0; i < 2; i++) {
		check_option(i == 0 ? fd : served, 6, 1); /* IPPROTO_TCP, TCP_NODELAY */
		check_option(i == 0 ? fd : served, SOL_SOCKET, SO_KEEPALIVE);
	}
	if (hosts[_i].peer != NULL) {
		address_ip_text(&peer, text);
		ck_assert_str_eq(text, hosts[_i].peer);
	}
	ck_assert_int_eq(socket_local(fd, &local, &f), OK);
	ck_assert(address_same_ip(&local, &peer) && local.port == peer.port);
	ck_assert_int_eq(socket_peer(served, &local, &f), OK);
	ck_assert(address_same_ip(&local, &peer) && local.port == peer.port);

	pid_t pid = start_server(served, fd, 0, &ASSOC_LIMITS_DEFAULT);
	converse(fd, 0, 100000);
	ck_assert_int_eq(ended_with(pid), DUL_RELEASED);
	close(listener);
}
END_TEST

START_TEST(test_socket_errors)
{
	struct address local;
	int listener, second, fd = -7;
	struct fault f;

	ck_assert_int_eq(socket_listen(&listener, "127.0.0.1", 0, 16, &f), OK);
	ck_assert_int_eq(socket_local(listener, &local, &f), OK);
	ck_assert_int_eq(socket_listen(&second, "127.0.0.1", local.port, 16, &f), ERR_IO);
	ck_assert_int_eq(f.sys_errno, EADDRINUSE);
	ck_assert_int_eq(socket_listen(&second, "", local.port, 16, &f), ERR_IO);
	ck_assert_int_eq(f.sys_errno, EADDRINUSE);
	close(listener);
	ck_assert_int_eq(socket_connect(&fd, "127.0.0.1", local.port, 5000, &f), ERR_IO);
	ck_assert_int_eq(f.sys_errno, ECONNREFUSED);
	ck_assert_int_eq(socket_connect(&fd, "no such host.invalid", 104, 5000, &f), ERR_UNUSABLE);
	ck_assert_int_eq(fd, -7);
	ck_assert_int_eq(socket_accept(-1, &fd, &local, &f), ERR_IO);
	ck_assert_int_eq(socket_local(-1, &local, &f), ERR_IO);
	ck_assert_int_eq(socket_peer(-1, &local, &f), ERR_IO);
	ck_assert_int_eq(f.sys_errno, EBADF);
}
END_TEST

/* No descriptor is left: accepting says so, and goes on when there is one again. */
START_TEST(test_no_descriptors)
{
	struct rlimit limit, none;
	struct address local, peer;
	int listener, fd, served;
	struct fault f;

	ck_assert_int_eq(socket_listen(&listener, "127.0.0.1", 0, 16, &f), OK);
	ck_assert_int_eq(socket_local(listener, &local, &f), OK);
	ck_assert_int_eq(socket_connect(&fd, "127.0.0.1", local.port, 5000, &f), OK);
	struct pollfd p = {.fd = listener, .events = POLLIN};
	ck_assert_int_eq(poll(&p, 1, 5000), 1);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_int_eq(socket_accept(listener, &served, &peer, &f), ERR_IO);
	ck_assert_int_eq(f.sys_errno, EMFILE);
	ck_assert_int_eq(socket_connect(&served, "127.0.0.1", local.port, 5000, &f), ERR_IO);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(socket_accept(listener, &served, &peer, &f), OK);
	close(served);
	close(fd);
	close(listener);
}
END_TEST

/* A full backlog does not answer: the connect ends in its own time. */
START_TEST(test_connect_timeout)
{
	struct address local;
	int listener, fd, filler[8], fillers = 0;
	struct fault f;
	enum err e = OK;

	ck_assert_int_eq(socket_listen(&listener, "127.0.0.1", 0, 0, &f), OK);
	ck_assert_int_eq(socket_local(listener, &local, &f), OK);
	while (fillers < 8 && e == OK) {
		e = socket_connect(&fd, "127.0.0.1", local.port, 200, &f);
		if (e == OK)
			filler[fillers++] = fd;
	}
	ck_assert_int_eq(e, ERR_IO);
	ck_assert_int_eq(f.sys_errno, ETIMEDOUT);
	while (fillers > 0)
		close(filler[--fillers]);
	close(listener);
}
END_TEST

/* ---- What the other end may do ---- */

static struct assoc_limits brief(void)
{
	struct assoc_limits limits = ASSOC_LIMITS_DEFAULT;

	limits.artim_ms = limits.pdu_ms = limits.idle_ms = limits.release_ms = 100;
	return limits;
}

/* Read to the end of file; how many bytes, and the last ten of them. */
static size_t read_to_end(int fd, uint8_t last[10])
{
	static uint8_t all[65536];
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, all + len, sizeof(all) - len)) > 0)
		len += (size_t)n;
	ck_assert_int_eq(n, 0);
	if (len >= 10)
		memcpy(last, all + len - 10, 10);
	return len;
}

static void put(int fd, struct bytes b)
{
	ck_assert_int_eq(write(fd, b.at, b.len), (ssize_t)b.len);
}

static void put_hex(int fd, const char *text)
{
	struct bytes b = hex(text);

	put(fd, b);
	hex_free(b);
}

/* Silence, half a request, half a PDU: it ends in time, with the PDU that says so, and the socket
 * is closed though the peer never closes. */
START_TEST(test_silent_peers)
{
	struct assoc_limits limits = brief();
	uint8_t last[10] = {0};
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	pid_t pid = start_server(fds[0], fds[1], 0, &limits);
	if (_i == 1)
		put_hex(fds[1], "01 00 00000100 0001");
	if (_i >= 2)
		put(fds[1], talk_rq(TALK_FIXED, TALK_ITEMS));
	if (_i == 3)
		put_hex(fds[1], "04 00 00000100 0000");
	size_t len = read_to_end(fds[1], last);
	if (_i < 2)
		ck_assert_uint_eq(len, 0);
	else
		ck_assert(memcmp(last, "\7\0\0\0\0\4\0\0\0\0", 10) == 0);
	ck_assert_int_eq(ended_with(pid), DUL_TIMEOUT); /* though fds[1] is open */
	close(fds[1]);
}
END_TEST

/* The last PDU arrives although there is input that nobody reads (no RST destroys it): over TCP. */
START_TEST(test_abort_is_not_lost)
{
	static uint8_t junk[1u << 20];
	struct address local, peer;
	uint8_t last[10] = {0};
	int listener, fd, served;
	struct fault f;

	ck_assert_int_eq(socket_listen(&listener, "127.0.0.1", 0, 16, &f), OK);
	ck_assert_int_eq(socket_local(listener, &local, &f), OK);
	ck_assert_int_eq(socket_connect(&fd, "127.0.0.1", local.port, 5000, &f), OK);
	struct pollfd p = {.fd = listener, .events = POLLIN};
	ck_assert_int_eq(poll(&p, 1, 5000), 1);
	ck_assert_int_eq(socket_accept(listener, &served, &peer, &f), OK);
	pid_t pid = start_server(served, fd, 0, &ASSOC_LIMITS_DEFAULT);

	memset(junk, 'G', sizeof(junk));
	p = (struct pollfd){.fd = fd, .events = POLLOUT};
	for (size_t at = 0; at < sizeof(junk);) {
		ck_assert_int_eq(poll(&p, 1, 5000), 1);
		ssize_t n = send(fd, junk + at, sizeof(junk) - at, MSG_DONTWAIT | MSG_NOSIGNAL);
		ck_assert_msg(n > 0 || errno == EAGAIN, "%s", strerror(errno));
		at += n > 0 ? (size_t)n : 0;
	}
	ck_assert_uint_eq(read_to_end(fd, last), 10); /* half-closed */
	ck_assert(memcmp(last, "\7\0\0\0\0\4\0\0\2\1", 10) == 0);
	close(fd);
	ck_assert_int_eq(ended_with(pid), DUL_ABORTED);
	close(listener);
}
END_TEST

/* Everything in one write, and the sending side shut behind it: all of it is answered. */
START_TEST(test_pipelined_and_shut)
{
	uint8_t last[10] = {0};
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	pid_t pid = start_server(fds[0], fds[1], 0, &ASSOC_LIMITS_DEFAULT);
	put(fds[1], talk_rq(TALK_FIXED, TALK_ITEMS));
	put_hex(fds[1], "04 00 0000000A 00000006 01 03 01020304" TALK_RELRQ);
	ck_assert_int_eq(shutdown(fds[1], SHUT_WR), 0);
	ck_assert_uint_gt(read_to_end(fds[1], last), 100);
	ck_assert(memcmp(last, "\6\0\0\0\0\4\0\0\0\0", 10) == 0);
	ck_assert_int_eq(ended_with(pid), DUL_RELEASED);
	close(fds[1]);
}
END_TEST

/* A PDU leaves in one call, header and views: over a socket that keeps messages apart. */
START_TEST(test_one_call)
{
	static uint8_t data[3000], got[1u << 16];
	struct bytes views[3] = {bytes_of(data, 10), bytes_of(data + 10, 990),
				 bytes_of(data + 1000, 2000)};
	static struct link l;
	struct dul_ind ind;
	struct fault f;
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	put(fds[1], talk_ac(TALK_AC_ITEMS));
	ck_assert_int_eq(link_request(&l, fds[0], &ASSOC_LIMITS_DEFAULT, request(), &f), OK);
	expect(&l, DUL_ASSOCIATE_ACCEPTED, &ind);
	ck_assert_int_gt(recv(fds[1], got, sizeof(got), MSG_DONTWAIT), 68);
	ck_assert_int_eq(got[0], 1);
	ck_assert_int_eq(link_send(&l, 1, false, true, views, 3, &f), OK);
	ck_assert_int_eq(recv(fds[1], got, sizeof(got), MSG_DONTWAIT), 12 + 3000);
	ck_assert_int_eq(got[0], 4);
	ck_assert_int_lt(recv(fds[1], got, sizeof(got), MSG_DONTWAIT), 0);
	link_drop(&l);
	close(fds[1]);
}
END_TEST

/* The peer is gone in the middle of what is sent to it: no signal, no error of ours, an indication.
 */
START_TEST(test_peer_gone)
{
	struct bytes all = bytes_of(test_zeros(8u << 20), 8u << 20);
	static struct link l;
	struct dul_ind ind;
	struct fault f;
	uint8_t some[512];
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	put(fds[1], talk_ac(TALK_AC_ITEMS));
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) { /* takes a little, and then leaves */
		close(fds[0]);
		for (int i = 0; i < 100; i++)
			if (read(fds[1], some, sizeof(some)) <= 0)
				_exit(1);
		_exit(0);
	}
	close(fds[1]);
	ck_assert_int_eq(link_request(&l, fds[0], &ASSOC_LIMITS_DEFAULT, request(), &f), OK);
	expect(&l, DUL_ASSOCIATE_ACCEPTED, &ind);
	ck_assert_int_eq(link_send(&l, 1, false, true, &all, 1, &f), OK);
	expect(&l, DUL_CLOSED, &ind);
	ck_assert_int_eq(link_next(&l, &ind, &f), ERR_MORE);
	ck_assert_int_eq(link_send(&l, 1, false, true, &all, 1, &f), OK); /* too late, harmless */
	link_close(&l);
	ck_assert_int_eq(ended_with(pid), 0);
}
END_TEST

/* The peer aborts and takes no more: the sender does not wait for its own deadline. */
START_TEST(test_peer_aborts)
{
	struct bytes all = bytes_of(test_zeros(8u << 20), 8u << 20);
	static struct link l;
	struct dul_ind ind;
	struct fault f;
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	put(fds[1], talk_ac(TALK_AC_ITEMS));
	ck_assert_int_eq(link_request(&l, fds[0], &ASSOC_LIMITS_DEFAULT, request(), &f), OK);
	expect(&l, DUL_ASSOCIATE_ACCEPTED, &ind);
	put_hex(fds[1], "07 00 00000004 0000 0206");
	ck_assert_int_eq(link_send(&l, 1, false, true, &all, 1, &f), OK);
	expect(&l, DUL_ABORTED, &ind);
	ck_assert(!ind.ours && ind.source == 2 && ind.reason == 6);
	link_close(&l);
	close(fds[1]);
}
END_TEST

/* The peer takes nothing more: it ends in time, and the socket is closed though the peer keeps it
 * open. */
START_TEST(test_peer_stuck)
{
	struct bytes all = bytes_of(test_zeros(8u << 20), 8u << 20);
	struct assoc_limits limits = brief();
	static struct link l;
	struct dul_ind ind;
	struct fault f;
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	put(fds[1], talk_ac(TALK_AC_ITEMS));
	ck_assert_int_eq(link_request(&l, fds[0], &limits, request(), &f), OK);
	expect(&l, DUL_ASSOCIATE_ACCEPTED, &ind);
	ck_assert_int_eq(link_send(&l, 1, false, true, &all, 1, &f), OK);
	expect(&l, DUL_TIMEOUT, &ind);
	ck_assert_str_eq(ind.text, "the peer does not take what is sent");
	link_close(&l);
	close(fds[1]);
}
END_TEST

/* Both send at the same time, more than the sockets hold: neither waits for the other. */
START_TEST(test_both_send)
{
	static uint8_t data[900000];
	struct bytes all = bytes_of(data, sizeof(data));
	static struct link l;
	static struct dul_answer answer;
	const struct dul_policy policy = {.supports = supports,
					  .syntaxes = &implicit_le,
					  .syntax_count = 1,
					  .max_pdu = 1u << 20,
					  .implementation_class = "1.2.3",
					  .implementation_version = "TEST"};
	struct dul_ind ind;
	struct fault f;
	size_t got = 0;
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	close(fds[pid == 0 ? 1 : 0]);
	if (pid == 0) {
		ck_assert_int_eq(link_accept(&l, fds[0], &ASSOC_LIMITS_DEFAULT, &f), OK);
		expect(&l, DUL_ASSOCIATE_REQUEST, &ind);
		negotiate(ind.request, &policy, &answer);
		link_answer(&l, &answer);
	} else {
		ck_assert_int_eq(link_request(&l, fds[1], &ASSOC_LIMITS_DEFAULT, request(), &f),
				 OK);
		expect(&l, DUL_ASSOCIATE_ACCEPTED, &ind);
	}
	ck_assert_int_eq(link_send(&l, 1, false, true, &all, 1, &f), OK);
	do {
		expect(&l, DUL_PDV, &ind);
		got += ind.pdv.fragment.len;
	} while (!ind.pdv.last);
	ck_assert_uint_eq(got, sizeof(data));
	if (pid == 0) {
		expect(&l, DUL_RELEASE_REQUEST, &ind);
		link_release_response(&l);
		link_close(&l);
		_exit(0);
	}
	link_release(&l);
	expect(&l, DUL_RELEASED, &ind);
	link_close(&l);
	ck_assert_int_eq(ended_with(pid), 0);
}
END_TEST

START_TEST(test_send_odd)
{
	struct bytes odd = bytes_of("abc", 3);
	static struct link l;
	struct dul_ind ind;
	struct fault f;
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	put(fds[1], talk_ac(TALK_AC_ITEMS));
	ck_assert_int_eq(link_request(&l, fds[0], &ASSOC_LIMITS_DEFAULT, request(), &f), OK);
	expect(&l, DUL_ASSOCIATE_ACCEPTED, &ind);
	ck_assert_int_eq(link_send(&l, 1, false, true, &odd, 1, &f), ERR_UNUSABLE);
	close(fds[1]);
	link_close(&l);
}
END_TEST

/* Of what one read brought everything is given before the next read: its views stay.  So what gives
 * no indication by itself (the head of a PDU or PDV, an empty PDU) is no more. */
static const struct {
	const char *hex;
	bool more;
} tails[] = {
	{"", false},
	{"04 00 0000", false},
	{"04 00 00000020", false},
	{"04 00 00000020 00000006 01", false},
	{"04 00 00000020 00000006 01 00", false},
	{"04 00 00000020 00000006 01 00 01", true},
	{"04 00 00000000", false},
	{"04 00 00000000 04 00 00000020", false},
	{"05 00 00000004 0000", false},
};

START_TEST(test_more)
{
	static struct link l;
	struct bytes kept[3];
	struct dul_ind ind;
	struct fault f;
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	put(fds[1], talk_ac(TALK_AC_ITEMS));
	ck_assert_int_eq(link_request(&l, fds[0], &ASSOC_LIMITS_DEFAULT, request(), &f), OK);
	expect(&l, DUL_ASSOCIATE_ACCEPTED, &ind);
	ck_assert(!link_more(&l));
	put_hex(fds[1], "04 00 0000001E 00000006 01 00 01020304 00000006 01 00 05060708"
			"00000006 01 00 090A0B0C");
	put_hex(fds[1], tails[_i].hex);
	for (int i = 0; i < 3; i++) {
		expect(&l, DUL_PDV, &ind);
		kept[i] = ind.pdv.fragment;
		ck_assert(link_more(&l) == (i < 2 || tails[_i].more));
	}
	ck_assert(memcmp(kept[0].at, "\1\2\3\4", 4) == 0);
	ck_assert(memcmp(kept[1].at, "\5\6\7\10", 4) == 0);
	link_abort(&l, DUL_BY_PROVIDER, DUL_UNEXPECTED_PARAMETER);
	expect(&l, DUL_ABORTED, &ind);
	ck_assert(ind.ours && ind.source == 2 && ind.reason == 5);
	close(fds[1]);
	link_close(&l);
}
END_TEST

/* ---- The second descriptor ---- */

START_TEST(test_wake)
{
	static struct link l;
	static struct dul_answer answer;
	struct dul_ind ind;
	struct fault f;
	uint8_t got[64];
	int fds[2], pipe_fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	ck_assert_int_eq(pipe(pipe_fds), 0);
	ck_assert_int_eq(link_accept(&l, fds[0], &ASSOC_LIMITS_DEFAULT, &f), OK);
	link_watch(&l, pipe_fds[0]);
	put(fds[1], talk_rq(TALK_FIXED, TALK_ITEMS));
	if (_i == 0)
		close(pipe_fds[1]); /* the supervisor is gone */
	else
		ck_assert_int_eq(write(pipe_fds[1], "x", 1), 1);
	expect(&l, DUL_WAKE, &ind);
	expect(&l, DUL_ASSOCIATE_REQUEST, &ind); /* once; and the association lives */
	negotiate_refuse(&answer, DUL_REFUSE_CONGESTION);
	link_answer(&l, &answer);
	expect(&l, DUL_ASSOCIATE_REJECTED, &ind);
	ck_assert(ind.ours && ind.result == 2 && ind.source == 3 && ind.reason == 1);
	/* the leave-taking is cut short, but not before the answer has gone: the peer need not
	 * close */
	link_watch(&l, pipe_fds[0]);
	uint64_t began = clock_us();
	link_close(&l);
	ck_assert_uint_lt(clock_us() - began, 5000000); /* ARTIM is 30 s */
	ck_assert_int_eq(read(fds[1], got, sizeof(got)), 10);
	ck_assert_int_eq(got[0], 3); /* A-ASSOCIATE-RJ */
	ck_assert_int_eq(read(fds[1], got, sizeof(got)), 0);
	close(fds[1]);
	close(pipe_fds[0]);
	if (_i == 1)
		close(pipe_fds[1]);
}
END_TEST

static uint64_t ticking; /* 40 ms every time that it is looked at */

static uint64_t ticking_clock(void)
{
	return ticking += 40;
}

/* A peer that never pauses: the second descriptor is seen between two of its PDUs all the same. */
START_TEST(test_wake_in_passing)
{
	static struct link l;
	struct dul_ind ind;
	struct fault f;
	int fds[2], pipe_fds[2];
	unsigned pdvs = 0;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	ck_assert_int_eq(pipe(pipe_fds), 0);
	put(fds[1], talk_ac(TALK_AC_ITEMS));
	ck_assert_int_eq(link_request(&l, fds[0], &ASSOC_LIMITS_DEFAULT, request(), &f), OK);
	expect(&l, DUL_ASSOCIATE_ACCEPTED, &ind);
	ticking = clock_us() / 1000;
	l.clock = ticking_clock;
	l.chunk = 16; /* a PDU a read */
	link_watch(&l, pipe_fds[0]);
	for (int i = 0; i < 100; i++)
		put_hex(fds[1], "04 00 0000000A 00000006 01 03 01020304");
	expect(&l, DUL_PDV, &ind);
	ck_assert_int_eq(write(pipe_fds[1], "x", 1), 1);
	do {
		ck_assert_int_eq(link_next(&l, &ind, &f), OK);
		pdvs += ind.kind == DUL_PDV;
	} while (ind.kind != DUL_WAKE);
	ck_assert_uint_lt(pdvs, 10);
	while (pdvs++ < 99)
		expect(&l, DUL_PDV, &ind);
	close(fds[1]);
	l.clock = NULL;
	link_close(&l);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}
END_TEST

/* Nothing is left open. */
START_TEST(test_descriptors)
{
	unsigned before = test_open_fds();
	static struct link l = {.fd = -1, .wake_fd = -1};
	struct fault f;
	int fds[2];

	link_close(&l);
	link_drop(&l);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	ck_assert_int_eq(link_accept(&l, fds[0], &ASSOC_LIMITS_DEFAULT, &f), OK);
	link_drop(&l);
	close(fds[1]);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	close(fds[1]);
	ck_assert_int_eq(link_request(&l, fds[0], &ASSOC_LIMITS_DEFAULT, request(), &f), OK);
	link_close(&l);
	ck_assert_uint_eq(test_open_fds(), before);
}
END_TEST

Suite *suite_net(void)
{
	Suite *s = suite_create("net");
	TCase *t = tcase_create("net");

	tcase_add_loop_test(t, test_conversation, 0, TALK_CHUNKS);
	tcase_add_loop_test(t, test_tcp, 0, 4);
	tcase_add_test(t, test_socket_errors);
	tcase_add_test(t, test_no_descriptors);
	tcase_add_test(t, test_connect_timeout);
	tcase_add_loop_test(t, test_silent_peers, 0, 4);
	tcase_add_test(t, test_abort_is_not_lost);
	tcase_add_test(t, test_pipelined_and_shut);
	tcase_add_test(t, test_one_call);
	tcase_add_test(t, test_peer_gone);
	tcase_add_test(t, test_peer_aborts);
	tcase_add_test(t, test_peer_stuck);
	tcase_add_test(t, test_both_send);
	tcase_add_test(t, test_send_odd);
	tcase_add_test(t, test_wake_in_passing);
	tcase_add_loop_test(t, test_more, 0, sizeof(tails) / sizeof(tails[0]));
	tcase_add_loop_test(t, test_wake, 0, 2);
	tcase_add_test(t, test_descriptors);
	suite_add_tcase(s, t);
	return s;
}
