/*
 * The service: one process that listens, watches the folders, forks, and waits.
 *
 *     listener ──accept──► receiver     one an association; service/receiver.h
 *     UID_<study> is due ► inspector    is it whole?        study/inspect.h
 *                        ► worker       make the series     service/worker.h
 *                        ► closer       remove, quarantine  service/closer.h
 *     work for a PACS ───► sender       one a destination   service/sender.h
 *     control socket ────► answers      service/control.h
 *
 * The supervisor parses no byte of a peer or of a study: it knows names of folders, sizes and
 * times, and what its children tell it in structs of fixed size.  It blocks in poll(2) only.
 *
 * Locks (flock, gone with their processes).  working/.control, exclusive: the service, held by its
 * open file, which all children share, so a second instance is refused as long as one of them
 * lives. UID_<study>, shared: a receiver that has fed it, until its association ends; a sender at
 * work on it. Exclusive: the worker, while it works; the closer; the supervisor, for the moment in
 * which it asks whether anybody holds it.  A commit waits for none of these (study/spool.h): a
 * worker works on the list of files that it made.  The supervisor starts one child a study at a
 * time.
 *
 * Journal (study/journal.h).  A receiver writes `source`; the worker one round (`processing`,
 * `seen` for each file, `output` for each image, `processed`) in one append, and after it again
 * what is still confirmed of the round before; senders write what was confirmed.  A study is
 * processed when the last whole round has seen every file that is there now, as it is.
 */
#ifndef SERVICE_SUPERVISOR_H
#define SERVICE_SUPERVISOR_H

#include "base/err.h"
#include "service/options.h"

/* What the supervisor needs of whoever reads configurations. */
struct service_host {
	void *ctx;
	/*
	 * SIGHUP: the new options, which stay valid until the next reload but one, or NULL: the new
	 * configuration has errors (they have been told) and the old one stays.  It also reopens
	 * the logs, and says what changed and what needs a restart.
	 */
	const struct service_options *(*reload)(void *ctx);
};

/*
 * Serve until SIGTERM or SIGINT, then drain.  Returns an exit code: EX_OK, EX_OSERR, EX_CANTCREAT
 * (the working folder), EX_UNAVAILABLE (the port, or another instance has the folder).
 */
int supervisor_run(const struct service_options *options, const struct service_host *host) MUST_USE;

#endif
