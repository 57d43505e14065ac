/*
 * TCP sockets: listen, accept, connect.  All are close-on-exec, with TCP_NODELAY (an answer does
 * not wait for an acknowledgement) and keepalive; connected ones block.  Names are looked up only
 * by listen and connect: never on accepting.
 */
#ifndef NET_SOCKET_H
#define NET_SOCKET_H

#include "base/address.h"
#include "base/err.h"

/* `host`: an address, a name, or NULL or "" for all addresses of the machine (IPv6 and IPv4). Port
 * 0: any free one (socket_local says which). Accepting from it does not block. */
enum err socket_listen(int *fd, const char *host, uint16_t port, int backlog,
		       struct fault *f) MUST_USE;
/* ERR_MORE: nobody is there (any more). */
enum err socket_accept(int listener, int *fd, struct address *peer, struct fault *f) MUST_USE;
/* Each address of the name in turn, until `timeout_ms` from now; ERR_IO with ETIMEDOUT after it. A
 * name that is not found is ERR_UNUSABLE. (The look-up itself has the resolver's own time limit.)
 */
enum err socket_connect(int *fd, const char *host, uint16_t port, unsigned timeout_ms,
			struct fault *f) MUST_USE;

enum err socket_local(int fd, struct address *out, struct fault *f) MUST_USE;
enum err socket_peer(int fd, struct address *out, struct fault *f) MUST_USE;

#endif
