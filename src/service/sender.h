/*
 * Delivery to one destination: the process that sends studies there.
 *
 * sender_run is called in a process of its own (forked by the supervisor), one a destination; a
 * second one for the same destination ends at once.  It takes every study of working/ whose
 * journal has a whole round that the destination has not confirmed and that is due, sends what is
 * unconfirmed, and goes on until nothing is due.  It looks for new studies each time it has
 * finished what it knew of; what becomes ready after its last look is for the next run: whoever
 * makes a study ready starts a sender, or marks that one is to be started when this one ends.
 *
 * Up to max_associations processes, forked from it, each hold one association.  Many studies are
 * shared out among them; a single large one is split.
 *
 * What is promised.  Confirmations are journalled in groups: when the oldest that is not on the
 * disk is SENDER_GROUP_MS old, while the destination is at work on the next object, and at the end
 * of the association.  So a crash repeats, on each association, at most the instances that were
 * confirmed within such a time, and the one in flight; an instance that is sent again has the same
 * SOP Instance UID, and the destination holds it once.  `done` is written only after every
 * confirmation is on the disk.
 *
 * A study that is being sent is locked (LOCK_SH on its folder): nobody removes, quarantines or
 * processes it meanwhile.  The sender never removes anything.  When it has written `done` or
 * `gave-up` for a study it says so (SENDER_SETTLED); delivery_outcome (service/delivery.h) then
 * says what is to become of the folder.
 *
 * When the connection itself fails all studies of the destination wait for the same next try
 * (service/breaker.h); no other study of it is touched until then.
 */
#ifndef SERVICE_SENDER_H
#define SERVICE_SENDER_H

#include "service/schedule.h"

#define SENDER_GROUP_MS 50
#define SENDER_ASSOCIATIONS 64 /* max_associations at most */

struct delivery_dest {
	const char *name; /* unique; becomes a file's name: A-Z a-z 0-9 . _ - */
	const char *host; /* address or name, IPv4 or IPv6 */
	uint16_t port;
	const char *ae_title; /* called */
	unsigned max_associations;
	bool storage_commitment;
	struct schedule schedule; /* with this destination's permanent statuses */
};

struct sender_options {
	int working;          /* fd of the working folder */
	const char *ae_title; /* calling */
	uint32_t pdu_bytes;   /* what we offer to receive; what we send is the peer's to say */
	uint64_t connect_ms;  /* all addresses of a name together */
	uint64_t response_ms; /* for the answer to an association request, C-STORE, N-ACTION */
	uint64_t report_ms;   /* an association is kept open this long for an N-EVENT-REPORT; 5 s */
	int tell_fd;          /* a pipe for struct sender_word, or -1 */
};

/* Written to tell_fd, each with one write(2): smaller than PIPE_BUF, so never torn. */
enum sender_kind {
	SENDER_SETTLED, /* of `study`: done or given up at this destination */
	SENDER_NEXT,    /* the last word: start another sender at due_ms (UTC; UINT64_MAX: none) */
};
struct sender_word {
	uint32_t kind;
	uint64_t due_ms;
	struct uid study;
};

/*
 * Returns the exit status of the process: 0, or 1 when it could not work at all (said in the log).
 * SIGTERM: the object in flight is finished, associations are released, confirmations are
 * journalled, then it returns.  Takes SIGTERM, SIGINT, SIGCHLD and SIGPIPE over.
 */
int sender_run(const struct sender_options *o, const struct delivery_dest *dest);

#endif
