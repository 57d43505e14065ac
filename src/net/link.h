/*
 * An association over a socket: drives dul/assoc with poll, recv and sendmsg (a writev that raises
 * no SIGPIPE), and blocks.
 *
 * Typical use by an acceptor (a requestor: link_request, then wait for DUL_ASSOCIATE_ACCEPTED):
 *
 *     link_accept(&l, fd, &limits, &f)
 *     while (link_next(&l, &ind, &f) == OK)
 *             switch (ind.kind) ... link_answer, link_send, link_release_response
 *     link_close(&l)
 *
 * Views of an indication are valid until the next call that may read: link_next when link_more was
 * false, link_send, link_flush.  So pieces of a data set can be gathered while link_more, and
 * written to a file together.
 *
 * Errors are those of this machine (ERR_IO, ERR_NOMEM); whatever the peer does is an indication.
 */
#ifndef NET_LINK_H
#define NET_LINK_H

#include "dul/assoc.h"

struct link {
	int fd;           /* owned; -1 when closed */
	int wake_fd;      /* not owned; -1: none */
	uint64_t wake_at; /* when it was last looked at */
	uint8_t *in;      /* owned */
	uint64_t bytes_in, bytes_out;
	size_t chunk;            /* for tests: at most so many bytes a system call; 0: any */
	uint64_t (*clock)(void); /* milliseconds; for tests */
	struct assoc assoc;
};
#define LINK_NONE ((struct link){.fd = -1, .wake_fd = -1})

/* Both take over `fd`, connected, in every case. A struct link is some 60 KiB: not for a deep
 * stack. */
enum err link_accept(struct link *l, int fd, const struct assoc_limits *limits,
		     struct fault *f) MUST_USE;
enum err link_request(struct link *l, int fd, const struct assoc_limits *limits,
		      const struct dul_request *r, struct fault *f) MUST_USE;

/* Readable (or closed) `wake_fd` makes link_next give one DUL_WAKE between other indications, also
 * when the peer never pauses; then it is no longer watched. -1: none. */
void link_watch(struct link *l, int wake_fd);

/* Wait for the next indication. ERR_MORE: the last one has been given. */
enum err link_next(struct link *l, struct dul_ind *ind, struct fault *f) MUST_USE;
bool link_more(const struct link *l); /* link_next will not read: what was given stays valid */

/* All of `views` (see assoc_send), and wait until it has left. OK also when the association ended
 * instead: link_next says how. ERR_UNUSABLE: an odd number of bytes. */
enum err link_send(struct link *l, uint8_t context_id, bool command, bool last,
		   const struct bytes *views, size_t count, struct fault *f) MUST_USE;

/* These are queued, and go out with the next call of link_next, link_flush or link_close. */
void link_answer(struct link *l, const struct dul_answer *answer);
void link_release(struct link *l);
void link_release_response(struct link *l);
void link_abort(struct link *l, uint8_t source, uint8_t reason);
enum err link_flush(struct link *l, struct fault *f) MUST_USE; /* until nothing is queued */

/* Take leave: what is queued goes out, the sending side is shut, input is thrown away until the
 * peer closes, ARTIM ends or wake_fd is readable, then the socket is closed. An association not yet
 * ended is aborted. */
void link_close(struct link *l);
/* Close at once: for a socket that another process goes on with. */
void link_drop(struct link *l);

#endif
