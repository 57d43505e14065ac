/*
 * A log file that several processes append to and that anybody may rename.
 *
 * A line is one write(2) with O_APPEND.  Before it the file that is open is compared with what its
 * name stands for now, under a read lock (fcntl, so each process has its own): whoever renames, for
 * rotation, holds the write lock of the file meanwhile, and so no line is written to a file that
 * has been renamed or removed.  Programs that rename without asking (logrotate) are noticed with
 * the next line.
 *
 *     x.log -> x.log.1 -> x.log.2 -> ... -> x.log.<count>, which is replaced
 *
 * A process does not wait long for the write lock: when others are too busy writing the file grows
 * over its size, and one of the next lines rotates it.  What is no regular file is written to, and
 * never renamed.
 */
#ifndef SERVICE_LOGFILE_H
#define SERVICE_LOGFILE_H

#include <sys/types.h>

#include "base/bytes.h"
#include "base/err.h"

struct logfile {
	char *path;            /* owned; NULL: there is none, and nothing is written */
	uint64_t rotate_bytes; /* 0: never */
	unsigned rotate_count; /* at least 1 */
	int fd;                /* -1: not open */
	dev_t device;          /* of the open file */
	ino_t inode;
	bool regular;
	bool torn;     /* the last write was cut short: a line feed is owed */
	bool broken;   /* the last line could not be written */
	uint64_t lost; /* lines, since it is */
};

#define LOGFILE_NONE ((struct logfile){.fd = -1})

enum logfile_result {
	LOGFILE_WRITTEN,
	LOGFILE_BROKE,  /* not written, for the first time; errno says why */
	LOGFILE_BROKEN, /* not written, as before */
	LOGFILE_MENDED  /* written again; f->lost lines were not */
};

/* False: no memory.  Nothing is opened before the first line. */
bool logfile_init(struct logfile *f, const char *path, uint64_t rotate_bytes,
		  unsigned rotate_count) MUST_USE;
void logfile_close(struct logfile *f); /* also fine on LOGFILE_NONE */

/* `line` ends in a line feed. */
enum logfile_result logfile_append(struct logfile *f, struct bytes line) MUST_USE;

#endif
