/*
 * One loop, `turn`: what the engine wants is tried at once, and only when nothing can be done is
 * there a poll.  So a fast peer costs one recv for each bufferful and one sendmsg for each answer.
 */
#include "net/link.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"

/* Read at most so much at a time: it is still in the processor's cache when it is written to a
 * file. */
#define READ_MAX (256u << 10)
#define WAKE_EVERY_MS 100 /* how often a peer that never pauses lets wake_fd be looked at */

static uint64_t now_of(const struct link *l)
{
	return l->clock != NULL ? l->clock() : clock_us() / 1000;
}

/* ---- Beginning and end ---- */

static enum err open_link(struct link *l, int fd, struct fault *f)
{
	*l = LINK_NONE;
	l->fd = fd;
	l->in = malloc(ASSOC_IN_SIZE);
	if (l->in == NULL) {
		link_drop(l);
		return fault_set(f, ERR_NOMEM, "the buffer of an association", FAULT_NO_OFFSET);
	}
	return OK;
}

enum err link_accept(struct link *l, int fd, const struct assoc_limits *limits, struct fault *f)
{
	enum err e = open_link(l, fd, f);

	if (e == OK)
		assoc_accept_init(&l->assoc, limits, l->in, ASSOC_IN_SIZE, now_of(l));
	return e;
}

enum err link_request(struct link *l, int fd, const struct assoc_limits *limits,
		      const struct dul_request *r, struct fault *f)
{
	enum err e = open_link(l, fd, f);

	if (e == OK)
		assoc_request_init(&l->assoc, limits, l->in, ASSOC_IN_SIZE, r, now_of(l));
	return e;
}

void link_drop(struct link *l)
{
	if (l->fd >= 0)
		close(l->fd);
	free(l->in);
	assoc_free(&l->assoc);
	*l = LINK_NONE;
}

void link_watch(struct link *l, int wake_fd)
{
	l->wake_fd = wake_fd;
}

/* ---- Moving bytes ---- */

/* After a failed call: may it be tried again later? Else the transport is gone. */
static bool again(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* False: nothing to be had now. */
static bool receive(struct link *l)
{
	size_t room;
	uint8_t *to = assoc_in_buf(&l->assoc, &room);

	assert(room > 0);
	room = room < READ_MAX ? room : READ_MAX;
	if (l->chunk != 0 && room > l->chunk)
		room = l->chunk;
	ssize_t n = recv(l->fd, to, room, MSG_DONTWAIT);
	if (n < 0 && again())
		return false;
	if (n <= 0) {
		if (n < 0) /* reset: nothing will go out either */
			assoc_out_shut(&l->assoc);
		assoc_in_closed(&l->assoc, now_of(l));
		return true;
	}
	l->bytes_in += (uint64_t)n;
	assoc_in_ack(&l->assoc, (size_t)n, now_of(l));
	return true;
}

static bool transmit(struct link *l)
{
	struct bytes views[ASSOC_VIEWS];
	struct iovec io[ASSOC_VIEWS];
	struct msghdr m = {.msg_iov = io};
	size_t count = assoc_out_views(&l->assoc, views, ASSOC_VIEWS);

	assert(count > 0);
	for (size_t i = 0; i < count; i++) {
		io[i] = (struct iovec){(void *)(uintptr_t)views[i].at, views[i].len};
		m.msg_iovlen++; /* not of one type everywhere */
	}
	if (l->chunk != 0) {
		io[0].iov_len = io[0].iov_len > l->chunk ? l->chunk : io[0].iov_len;
		m.msg_iovlen = 1;
	}
	ssize_t n = sendmsg(l->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && again())
		return false;
	if (n < 0) {
		assoc_out_shut(&l->assoc);
		return true;
	}
	l->bytes_out += (uint64_t)n;
	assoc_out_ack(&l->assoc, (size_t)n, now_of(l));
	return true;
}

/* Wait until something can be done, or for the engine's deadline. *woken: wake_fd is readable. */
static enum err wait_for(struct link *l, unsigned wants, bool wakeable, bool *woken,
			 struct fault *f)
{
	short events = (short)(((wants & ASSOC_READ) != 0 ? POLLIN : 0) |
			       ((wants & ASSOC_WRITE) != 0 ? POLLOUT : 0));
	struct pollfd p[2] = {{.fd = events == 0 ? -1 : l->fd, .events = events},
			      {.fd = wakeable ? l->wake_fd : -1, .events = POLLIN}};
	uint64_t by = assoc_deadline(&l->assoc), now = now_of(l);
	int timeout = -1;

	if (by != UINT64_MAX)
		timeout = by <= now ? 0 : by - now > 1000000 ? 1000000 : (int)(by - now);
	if (poll(p, 2, timeout) < 0 && errno != EINTR)
		return fault_io(f, "poll");
	*woken = p[1].revents != 0;
	/* what has arrived by the deadline is read before the deadline is looked at */
	if (p[0].revents == 0)
		assoc_tick(&l->assoc, now_of(l));
	return OK;
}

/* Do something that the engine wants; true when there was something that could be done. */
static bool turn(struct link *l, unsigned wants)
{
	bool done = false;

	if ((wants & ASSOC_WRITE) != 0)
		done = transmit(l);
	if ((wants & ASSOC_HALF_CLOSE) != 0) {
		(void)shutdown(l->fd, SHUT_WR);
		assoc_out_shut(&l->assoc);
		done = true;
	}
	if (!done && (wants & ASSOC_READ) != 0)
		done = receive(l);
	return done;
}

/* A peer that never pauses never lets the link poll: look at wake_fd now and then. */
static bool woken_in_passing(struct link *l)
{
	struct pollfd p = {.fd = l->wake_fd, .events = POLLIN};

	if (l->wake_fd < 0 || l->assoc.now - l->wake_at < WAKE_EVERY_MS)
		return false;
	l->wake_at = l->assoc.now;
	return poll(&p, 1, 0) > 0;
}

static enum err wake(struct link *l, struct dul_ind *ind)
{
	l->wake_fd = -1;
	*ind = (struct dul_ind){.kind = DUL_WAKE};
	return OK;
}

enum err link_next(struct link *l, struct dul_ind *ind, struct fault *f)
{
	assoc_resume(&l->assoc, now_of(l));
	for (;;) {
		unsigned wants = assoc_wants(&l->assoc);
		bool woken = false;

		if ((wants & ASSOC_INDICATION) != 0) {
			if (assoc_next(&l->assoc, ind))
				return OK;
			continue;
		}
		if (l->assoc.ended)
			return ERR_MORE;
		if (woken_in_passing(l))
			return wake(l, ind);
		if (turn(l, wants))
			continue;

		enum err e = wait_for(l, wants, true, &woken, f);
		if (e != OK)
			return e;
		if (woken)
			return wake(l, ind);
	}
}

bool link_more(const struct link *l)
{
	return assoc_more(&l->assoc);
}

enum err link_flush(struct link *l, struct fault *f)
{
	unsigned wants;
	bool woken;

	assoc_resume(&l->assoc, now_of(l));
	while (((wants = assoc_wants(&l->assoc)) & ASSOC_WRITE) != 0) {
		/* what the peer sends meanwhile is read too: it may be an A-ABORT, and a peer whose
		 * own sending is stuck takes nothing */
		if (turn(l, wants))
			continue;
		enum err e = wait_for(l, wants, false, &woken, f);
		if (e != OK)
			return e;
	}
	return OK;
}

/* ---- Primitives ---- */

enum err link_send(struct link *l, uint8_t context_id, bool command, bool last,
		   const struct bytes *views, size_t count, struct fault *f)
{
	uint64_t total = 0;
	enum err e = link_flush(l, f);

	if (e != OK)
		return e;
	for (size_t i = 0; i < count; i++)
		total += views[i].len;
	if (total % 2 != 0)
		return fault_set(f, ERR_UNUSABLE, "an odd number of bytes cannot be sent",
				 FAULT_NO_OFFSET);
	assoc_send(&l->assoc, context_id, command, last, views, count);
	return link_flush(l, f);
}

void link_answer(struct link *l, const struct dul_answer *answer)
{
	assoc_answer(&l->assoc, answer);
}

void link_release(struct link *l)
{
	assoc_release(&l->assoc);
}

void link_release_response(struct link *l)
{
	assoc_release_response(&l->assoc);
}

void link_abort(struct link *l, uint8_t source, uint8_t reason)
{
	assoc_abort(&l->assoc, source, reason);
}

void link_close(struct link *l)
{
	struct dul_ind ind;
	unsigned wants;
	bool woken = false;

	if (l->fd < 0)
		return;
	assoc_resume(&l->assoc, now_of(l));
	if (!l->assoc.ended)
		assoc_abort(&l->assoc, DUL_BY_USER, DUL_NOT_SPECIFIED);
	while (!woken && ((wants = assoc_wants(&l->assoc)) & ASSOC_CLOSE) == 0) {
		/* nothing but the peer's closing is waited for */
		bool over = (wants & ASSOC_WRITE) == 0;

		if ((wants & ASSOC_INDICATION) != 0) {
			(void)assoc_next(&l->assoc, &ind);
			continue;
		}
		if (!turn(l, wants) && wait_for(l, wants, over, &woken, NULL) != OK)
			break;
	}
	link_drop(l);
}
