/*
 * The least that a storage SCP can be: what comes is answered with Success, unread.
 *
 *     build/bench/bench_sink [FOLDER [PDU]]
 *
 * listens on an ephemeral port of 127.0.0.1, which it prints; a process an association.  With a
 * FOLDER every data set is written there as it comes, in a file of its own, without a sync; without
 * ("-") it is thrown away.  PDU is the maximum length that it names (1 MiB).  It checks nothing:
 * only between programs that mean well.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>

#include "wire.h"

static const char *folder;
static uint32_t pdu_most = MIB;
static uint8_t body[MIB + 64];

/* Every context is accepted, with the first transfer syntax that it offers. */
static size_t accept_pdu(uint8_t *out, size_t len)
{
	uint8_t *at = out + 6;

	memcpy(at, body, 68);
	at = put_item(at + 68, 0x10, "1.2.840.10008.3.1.1.1");
	for (size_t in = 68; in + 4 <= len; in += 4 + get16(body + in + 2)) {
		size_t sub = in + 8;

		if (body[in] != 0x20)
			continue;
		while (body[sub] != 0x40)
			sub += 4 + get16(body + sub + 2);
		size_t syntax = get16(body + sub + 2);
		at = put16(put16(at, 0x2100), (unsigned)(8 + syntax));
		at = put32(at, (uint32_t)body[in + 4] << 24);
		memcpy(at, body + sub, 4 + syntax);
		at += 4 + syntax;
	}
	at = put16(put16(at, 0x50 << 8), 8 + 4 + 10);
	at = put32(put16(put16(at, 0x51 << 8), 4), pdu_most);
	at = put_item(at, 0x52, "2.25.77003");
	put16(out, 0x0200);
	put32(out + 2, (uint32_t)(at - out - 6));
	return (size_t)(at - out);
}

/* The response to the C-STORE or C-ECHO whose command set is `set`. */
static size_t response(uint8_t *out, unsigned context, const uint8_t *set, size_t set_len)
{
	uint8_t *command = out + 12, *at = command + 12;
	const uint8_t *instance = NULL;
	size_t instance_len = 0;
	unsigned field = 0x8001;

	for (size_t in = 0; in + 8 <= set_len;) {
		unsigned number = set[in + 2] | (unsigned)set[in + 3] << 8;
		size_t n = set[in + 4] | (size_t)set[in + 5] << 8;
		const uint8_t *value = set + in + 8;

		in += 8 + n;
		if (number == 0x0002)
			at = put_element(at, number, value, n);
		if (number == 0x0100)
			at = put_us(at, number, field = value[0] | 0x8000u);
		if (number == 0x0110)
			at = put_element(at, 0x0120, value, 2);
		if (number == 0x1000) {
			instance = value;
			instance_len = n;
		}
	}
	at = put_us(put_us(at, 0x0800, 0x0101), 0x0900, 0);
	if (instance != NULL)
		at = put_element(at, 0x1000, instance, instance_len);
	size_t len = (size_t)(at - command);
	put_element(command, 0, (uint8_t[4]){(uint8_t)(len - 12), (uint8_t)((len - 12) >> 8)}, 4);
	put32(put16(out, 0x0400), (uint32_t)len + 6);
	put16(put32(out + 6, (uint32_t)len + 2), context << 8 | 3);
	return 12 + len;
}

struct store {
	uint8_t set[4096];
	size_t set_len;
	int file;
	unsigned count;
};

static void open_file(struct store *s)
{
	char path[4096];

	if (folder == NULL || s->file >= 0)
		return;
	snprintf(path, sizeof path, "%s/%d-%u", folder, (int)getpid(), s->count++);
	s->file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (s->file < 0)
		die(path);
}

/* One P-DATA-TF; true when a message has ended, whose context is then `*context`. */
static int data(struct store *s, size_t len, unsigned *context)
{
	int ended = 0;

	for (size_t at = 0; at + 6 <= len;) {
		size_t n = get32(body + at) - 2;
		const uint8_t *fragment = body + at + 6;
		unsigned control = body[at + 5];

		*context = body[at + 4];
		at += 6 + n;
		if (control & 1) {
			if (s->set_len + n > sizeof s->set)
				die("command set");
			memcpy(s->set + s->set_len, fragment, n);
			s->set_len += n;
			ended |= control == 3 && s->set_len > 40 &&
				 memmem(s->set, s->set_len, "\0\0\0\10\2\0\0\0\1\1", 10);
			continue;
		}
		open_file(s);
		if (s->file >= 0)
			write_all(s->file, fragment, n);
		ended |= control == 2;
	}
	return ended;
}

static void serve(int fd)
{
	static uint8_t out[65536];
	struct store s = {.file = -1};
	uint8_t head[6];

	while (read_all(fd, head, 6)) {
		size_t len = get32(head + 2);
		unsigned context;

		if (len > sizeof body || !read_all(fd, body, len))
			_exit(1);
		if (head[0] == 1)
			write_all(fd, out, accept_pdu(out, len));
		if (head[0] == 4 && data(&s, len, &context)) {
			if (s.file >= 0)
				close(s.file);
			s.file = -1;
			write_all(fd, out, response(out, context, s.set, s.set_len));
			s.set_len = 0;
		}
		if (head[0] == 5) {
			write_all(fd, (const uint8_t[10]){6, 0, 0, 0, 0, 4}, 10);
			break;
		}
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t len = sizeof at;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	folder = argc > 1 && strcmp(argv[1], "-") != 0 ? argv[1] : NULL;
	pdu_most = argc > 2 ? (uint32_t)atol(argv[2]) : pdu_most;
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof at) < 0 ||
	    listen(listener, 64) < 0 || getsockname(listener, (struct sockaddr *)&at, &len) < 0)
		die("listen");
	printf("%u\n", ntohs(at.sin_port));
	fflush(stdout);
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			continue;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		if (fork() == 0)
			serve(fd);
		close(fd);
	}
}
