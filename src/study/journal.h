/*
 * A study's journal: what was received, seen, made, and confirmed by which destination.
 *
 * UID_<study>/journal is text, append-only, one line an entry:
 *
 *     8d1f22c4 2026-11-25T15:43:19.123Z sent pacs 2.25.1217 0000
 *
 * CRC-32 (of PNG and zlib) of everything after the first blank, the time in UTC, a word, its
 * fields.  A byte of a field that is a blank, a control, not ASCII or '%' is written %XX; an empty
 * field is "-".
 *
 * Several processes append at a time (receivers, a worker, a sender for each destination).  An
 * append takes a lock on the file, cuts off what a crash or a full disk left of a last line, and
 * writes its lines with one write(2); journal_sync has them on the disk when it returns.  So after
 * a crash the journal says everything that was synced, perhaps more, and never half a line. When
 * reading, a last line without its line feed counts for nothing, and so does a line whose CRC is
 * wrong; `damaged` says how many.  Nothing else depends on a line that is lost: what it said is
 * done again, and does no harm a second time (the same SOP Instance UID).
 *
 * Rounds.  A worker appends `processing`, the files it saw, the outputs it made, and `processed` in
 * one sync: together they are a round.  The last whole round counts.  When its digest is another
 * than that of the round before, what was sent then says nothing about it and is forgotten; when it
 * is the same, the confirmations stay.
 */
#ifndef STUDY_JOURNAL_H
#define STUDY_JOURNAL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/uid.h"

#define JOURNAL_NAME "journal"

enum journal_word {
	JOURNAL_SOURCE,     /* name=AE title, file=address, count: an association fed it */
	JOURNAL_PROCESSING, /* a round begins */
	JOURNAL_SEEN,   /* type=path in the study's folder, sop, count=size, mtime_ns: a source file
			   it read */
	JOURNAL_OUTPUT, /* type=series type, class_uid, sop, file: an object it made */
	JOURNAL_PROCESSED,        /* count=outputs, seen, digest: the round is whole */
	JOURNAL_SENT,             /* name=destination, sop, status: confirmed */
	JOURNAL_FAILED,           /* name, sop (or none: the attempt), class, status, text */
	JOURNAL_COMMIT_REQUESTED, /* name, transaction, count */
	JOURNAL_COMMITTED,        /* name, transaction: every instance of it */
	JOURNAL_COMMIT_FAILED,    /* name, transaction, sop, status=failure reason */
	JOURNAL_GAVE_UP,          /* name, text */
	JOURNAL_DONE,             /* name: every output confirmed (and committed) */
	JOURNAL_RETRY,            /* name or "" for every destination: somebody asked for it */
	JOURNAL_REPORTED,         /* the report of the round, delivered, is written */
	JOURNAL_WORDS,
};

/* Why an attempt or an instance failed (network.md 1.9). */
enum journal_class {
	JOURNAL_AGAIN,     /* worth repeating: A7xx, 0110, an abort, a deadline */
	JOURNAL_PERMANENT, /* Cxxx, A9xx, 0122, no presentation context: repeated a few times */
	JOURNAL_CONNECT,   /* the destination was not reached, or refused the association */
	JOURNAL_CLASSES,
};

/* One line.  Fields that its word does not name are ignored when writing and zero when read.
 * Views are the caller's when writing; when read they lie in the line, as written there: encoded.
 */
struct journal_entry {
	enum journal_word word;
	uint64_t at_ms;    /* UTC, milliseconds since 1970 */
	struct bytes name; /* a destination, or an AE title */
	struct bytes type; /* OVERLAY ...; DCM or Structure */
	struct bytes file; /* an output's path in the study folder; an address */
	struct bytes text; /* words for people; cut at JOURNAL_TEXT */
	struct bytes digest;
	struct uid sop, class_uid, transaction;
	enum journal_class class;
	uint16_t status;
	uint64_t count, seen;
	int64_t mtime_ns;
};
#define JOURNAL_TEXT 512

struct journal {
	int dir;          /* the caller's: the study folder */
	int fd;           /* -1 when closed */
	struct buf lines; /* not yet in the file */
};
#define JOURNAL_NONE ((struct journal){.dir = -1, .fd = -1})

/* Open or make the journal of the study folder `dir`, which stays the caller's and open. */
enum err journal_open(struct journal *j, int dir, struct fault *f) MUST_USE;
void journal_close(struct journal *j); /* unsynced lines are lost; also fine on JOURNAL_NONE */

/* Add a line to what the next journal_sync writes. at_ms 0: now. */
void journal_add(struct journal *j, const struct journal_entry *e);
/* The most common one. */
void journal_add_sent(struct journal *j, const char *destination, const struct uid *sop,
		      uint16_t status);
/* Lines added and not yet synced. */
bool journal_pending(const struct journal *j);
/* Append them with one write and fdatasync.  After ERR_IO the lines are kept for another try, and
 * what was written of them is cut off again. */
enum err journal_sync(struct journal *j, struct fault *f) MUST_USE;

/* The same without waiting for the disk: for what is only told in reports. */
enum err journal_write(struct journal *j, struct fault *f) MUST_USE;

/* ---- reading ---- */

struct journal_source {
	const char *ae_title, *address;
	uint64_t objects; /* of all its associations */
	struct journal_source *next;
};

struct journal_seen {
	const char *kind; /* path: "DCM/1.2.3.dcm" */
	struct uid sop;
	uint64_t size;
	int64_t mtime_ns;
};

#define JOURNAL_TYPES                                                              \
	8u /* series types told apart: there are four; the rest counts as the last \
	    */

struct journal_output {
	const char *series_type; /* "OVERLAY" */
	uint32_t type;           /* index in journal_state.types */
	struct uid sop_class, sop_instance;
	const char *file; /* "Addition/OVERLAY-....dcm" */
};

/* One output at one destination. */
struct journal_delivery {
	bool sent;
	uint16_t status;    /* of the last answer; 0 before it */
	uint16_t failed;    /* times it failed since it was last asked for by hand */
	uint16_t permanent; /* ... of these with a permanent class */
	uint64_t sent_ms;
};

struct journal_dest {
	const char *name;
	struct journal_delivery *outputs; /* in the order of journal_state.outputs */
	uint32_t sent;                    /* outputs confirmed, `warned` of them with Bxxx */
	uint32_t warned;
	uint64_t first_ms;        /* the first thing told about it */
	uint32_t tries;           /* attempts that failed, in all */
	uint32_t attempts;        /* failed in a row without one confirmation between them, */
	uint32_t permanent;       /* ... and those of them with a permanent class */
	uint64_t first_failed_ms; /* since the round, a `retry`, or the first commit-requested */
	uint64_t failed_ms;       /* the last one; 0: none */
	const char *failed_text;  /* of that; or NULL */
	struct uid transaction;   /* asked for, and waited for; "" */
	uint64_t first_asked_ms, requested_ms; /* the first of `requests`, the last */
	uint32_t requests;                     /* in a row, without a report */
	bool committed, done, gave_up;
	uint64_t done_ms;
	const char *gave_up_text;
};

struct journal_transaction {
	struct uid uid;
	uint32_t dest;                             /* index in dests */
	const struct journal_transaction *earlier; /* or NULL */
};

struct journal_state {
	uint32_t lines, damaged; /* damaged ones are not among lines */
	uint64_t torn;           /* bytes of a last line that is not whole */
	uint64_t first_ms;       /* of the first line; 0: none */

	struct journal_source *sources; /* the newest first, by .next */

	/* the last whole round; none: everything here is empty */
	bool processed;
	bool reported;
	uint64_t processing_ms, processed_ms; /* its begin and its end */
	const char *digest;
	struct journal_seen *seen; /* by SOP Instance UID */
	uint32_t seen_count;
	struct journal_output *outputs; /* in the order written */
	uint32_t output_count;
	const char *types[JOURNAL_TYPES]; /* of the outputs, in the order written */
	uint32_t type_count;

	struct journal_dest *dests; /* that anything is told about, in the order of first telling */
	uint32_t dest_count;

	const struct journal_transaction *transactions; /* Storage Commitment, of this round */

	uint32_t *by_sop; /* own: outputs by SOP Instance UID */
};

/* Open an arena in which journal_read of this folder has room, as the file is now: address space
 * in proportion to its size. */
enum err journal_arena(struct arena *a, int dir, struct fault *f) MUST_USE;
/* The journal in folder `dir`; a state without lines when there is none.  Everything lies in `a`.
 * ERR_LIMIT: larger than LIMIT_JOURNAL. */
enum err journal_read(struct journal_state *s, int dir, struct arena *a, struct fault *f) MUST_USE;
/* The same from memory: `text` is copied. */
enum err journal_parse(struct journal_state *s, struct bytes text, struct arena *a,
		       struct fault *f) MUST_USE;

/* NULL: nothing is told about it yet. */
const struct journal_dest *journal_dest(const struct journal_state *s, const char *name);
/* Index in outputs, or UINT32_MAX. */
uint32_t journal_output_of(const struct journal_state *s, const struct uid *sop);
/* The source file as the last round saw it, or NULL. */
const struct journal_seen *journal_seen_of(const struct journal_state *s, const struct uid *sop);

/* Whom that was asked of, in this round; or NULL. */
const struct journal_dest *journal_transaction_dest(const struct journal_state *s,
						    const struct uid *transaction);

/* One line without its line feed.  False: damaged. */
bool journal_parse_line(struct bytes line, struct journal_entry *e) MUST_USE;
/* The same of a line that was good before: its CRC is not looked at. */
bool journal_parse_again(struct bytes line, struct journal_entry *e) MUST_USE;
/* A view of an entry that was read, as it was before it was written; a NUL of it becomes '?'.
 * NULL when the arena is full. */
char *journal_decode(struct bytes field, struct arena *a) MUST_USE;
/* The line of an entry, with its line feed. */
void journal_write_line(struct buf *out, const struct journal_entry *e);

/* Milliseconds since 1970, UTC; what journal entries are stamped with. */
uint64_t journal_now_ms(void);

#endif
