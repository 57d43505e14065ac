/*
 * The receiver: one association, from its first byte to its last, in a process of its own.
 *
 * A data set goes from the socket's buffer through the streaming check (dicom/stream.h) into the
 * spool (study/spool.h).  Its C-STORE is answered
 *
 *     0000   after spool_commit: it is durable
 *     A900   it is of another SOP class or instance than announced
 *     C000   it is not whole, is garbled, is over a limit, or names no study; a comment says why
 *     A700   there is no room: on the disk, or for more of this study
 *
 * and but for 0000 nothing of it is left.  While it lives it holds a shared lock on each study that
 * it has fed; at its end it says in their journals from whom they came.
 */
#ifndef SERVICE_RECEIVER_H
#define SERVICE_RECEIVER_H

#include "service/options.h"
#include "service/shared.h"

/* What all receivers have in common, made once before any is forked. */
struct receiver_common {
	const struct service_options *options;
	struct shared *shared;
	const struct uid *syntaxes; /* acceptable ones, the dearest first */
	size_t syntax_count;
	const struct cidr *networks; /* of options->listener.allow, one each; prefix 0: any */
	uint64_t minimum_free;       /* bytes that stay free */
	int drain_fd;                /* readable when the service drains */
};

struct receiver_job {
	const struct receiver_common *common;
	int fd; /* connected; taken over */
	uint32_t slot;
	uint64_t number; /* of the association */
	struct address peer;
};

void receiver_run(const struct receiver_job *job);

/* Would this peer be let in, all limits aside?  For tests, and used by receiver_run. */
bool receiver_allows(const struct receiver_common *c, const struct address *peer,
		     const char *calling_ae);

#endif
