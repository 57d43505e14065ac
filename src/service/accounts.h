/*
 * What the service tells of itself: the application log, the transaction log, and standard output.
 *
 * There is one of them in a process, as with base/log, and forked children go on with their
 * parent's.  From accounts_open on, log_say goes to the application log too.  Names of files, names
 * of the parts of the program, wording and format of the lines are NETRT's, so that what reads
 * NETRT's logs reads these; new are the `event` words of JSON lines.
 *
 *     application.log   everything: "2026-11-25 15:43:18,120 [INFO] netrt_core.dicom_listener: ..."
 *     transaction.log   what happens to studies: "... TXN [INFO]: PROCESSING_START StudyUID: ..."
 *     standard output   as the application log, in which every event of the other has a line too
 *
 * A line is one write(2) at the end of the file, at most ACCOUNTS_LINE bytes.  Files are rotated by
 * size (x.log, x.log.1, ...) by whichever process finds them full, and opened anew when somebody
 * else has moved them; no line is lost on the way.  A file that cannot be written costs a message
 * on standard output, once, never more: logging never stops the service.  Nor does a standard
 * output that nobody reads, be it a pipe or a terminal: the first line that finds no room waits a
 * second, those of all processes after it not at all, and how many were lost is told when there is
 * room.
 *
 * Strings are UTF-8 or rubbish, from a peer or not: everything is escaped here (buf_escaped,
 * buf_json, bidirectional controls too).  Nobody gives a patient's name, ID or birth date to these
 * functions; UIDs, AE titles, addresses and ROI names are all that they are told.
 */
#ifndef SERVICE_ACCOUNTS_H
#define SERVICE_ACCOUNTS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"

#define ACCOUNTS_LINE 4096 /* PIPE_BUF: lines of several processes on a pipe do not mix */

struct accounts_options {
	enum log_level level;           /* least severe that is logged */
	bool silent;                    /* not even errors (logging.level: CRITICAL) */
	bool json;                      /* JSON lines; the two formats are not used */
	const char *folder;             /* of files whose path is relative */
	const char *application_file;   /* NULL: standard output only */
	const char *transaction_file;   /* the same */
	const char *application_format; /* base/pyformat.h */
	const char *transaction_format;
	uint64_t rotate_bytes;     /* 0: never */
	unsigned rotate_count;     /* old files kept, at least 1 */
	unsigned lines_per_minute; /* about one address, of those that a peer could make at will */
	/* What a line becomes before it is written, where it may not be told as it is; or NULL. */
	void (*retell)(void *ctx, struct bytes line, struct buf *out);
	void *retell_ctx;
};

/* Makes the folder when it is not there, takes log_say over, sets its level, ignores SIGPIPE, and
 * takes SIGALRM and the real-time interval timer for itself.
 * Strings are copied.  Again, as at SIGHUP: with new options, and files opened anew.  Before the
 * first fork, so that all processes share the counts of lines_per_minute.  ERR_NOMEM only, and then
 * nothing has changed. */
enum err accounts_open(const struct accounts_options *options) MUST_USE;
/* log_say goes to standard error again. */
void accounts_close(void);

/* Which part of the program speaks: "%(name)s". */
enum accounts_part {
	ACCOUNTS_MAIN,     /* __main__ */
	ACCOUNTS_LISTENER, /* netrt_core.dicom_listener */
	ACCOUNTS_FILES,    /* netrt_core.file_system_manager */
	ACCOUNTS_STUDY,    /* netrt_core.study_processor */
	ACCOUNTS_SENDER    /* netrt_core.dicom_sender */
};

/* What all lines of this process are about from now on, log_say's too: set after fork, by a
 * receiver, worker or sender.  Copied; NULL and 0 where there is nothing to say. */
struct accounts_context {
	enum accounts_part part;
	uint64_t association; /* number of the association, unique while the service runs */
	const char *address;  /* of the peer, as text, without port */
	const char *ae_title; /* of the peer */
	const char *study;    /* Study Instance UID */
	const char *dest;     /* name of the destination */
};
void accounts_context(const struct accounts_context *c);

/* A line of the application log.  `event`: stable, lower case, "_" between words. */
void accounts_say(enum log_level level, const char *event, const char *fmt, ...) PRINTF_LIKE(3, 4);

/*
 * What becomes of a peer.  NETRT's lines in both logs: association accepted, C-ECHO, association
 * released or closed, instance stored.  Refusals and complaints, and C-ECHO, are counted for each
 * address, and left out above lines_per_minute; how many were is told in the minute after.
 */
struct accounts_peer {
	uint64_t association;
	const char *address;
	const char *ae_title; /* NULL: not known yet */
};
void accounts_accepted(const struct accounts_peer *p);
void accounts_rejected(const struct accounts_peer *p, unsigned result, unsigned source,
		       unsigned reason, const char *why);
void accounts_echo(const struct accounts_peer *p);
void accounts_stored(const struct accounts_peer *p, const char *study, const char *path);
void accounts_refused(const struct accounts_peer *p, unsigned status, const char *sop_instance,
		      const char *why);
/* `how`: "released", "aborted by the peer", "closed by the peer", ...; `instances` stored. */
void accounts_ended(const struct accounts_peer *p, const char *how, unsigned instances);
/* Something odd that is tolerated, or why an association was aborted. */
void accounts_complain(const struct accounts_peer *p, enum log_level level, const char *event,
		       const char *why);

/* What becomes of a study.  NETRT's lines in the transaction log, and one in the application log.
 */
void accounts_processing_start(const char *study, const char *path);
void accounts_processing_success(const char *study, uint64_t duration_us);
void accounts_processing_failed(const char *study, uint64_t duration_us, const char *reason);

struct accounts_delivery {
	const char *series_type; /* "OVERLAY" */
	const char *study;
	const char *dest;     /* name of the destination */
	const char *ae_title; /* its AE title: DestAET */
};
void accounts_sending_start(const struct accounts_delivery *d, unsigned instances);
void accounts_sending_success(const struct accounts_delivery *d, unsigned instances,
			      uint64_t duration_us);
/* `final`: given up, else it is tried again in retry_seconds. */
void accounts_sending_failed(const struct accounts_delivery *d, unsigned unsent, bool final,
			     uint64_t retry_seconds, const char *reason);
void accounts_quarantined(const char *study, const char *folder, const char *reason);

#endif
