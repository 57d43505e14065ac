#include "service/logfile.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_TRIES 100 /* others hold their locks for the time of one write */
#define TRIES 1000 /* renamed between opening and locking so often in a row: not in this world */

bool logfile_init(struct logfile *f, const char *path, uint64_t rotate_bytes, unsigned rotate_count)
{
	char *copy = strdup(path);

	assert(rotate_count > 0);
	if (copy == NULL)
		return false;
	*f = LOGFILE_NONE;
	f->path = copy;
	f->rotate_bytes = rotate_bytes;
	f->rotate_count = rotate_count;
	return true;
}

static void shut(struct logfile *f)
{
	if (f->fd >= 0)
		close(f->fd); /* and gives the lock back */
	f->fd = -1;
}

void logfile_close(struct logfile *f)
{
	shut(f);
	free(f->path);
	*f = LOGFILE_NONE;
}

static bool open_file(struct logfile *f)
{
	/* to read as well: a read lock needs it; not to wait for the reader of a FIFO */
	int flags = O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	struct stat st;

	f->fd = open(f->path, O_RDWR | flags, 0644);
	if (f->fd < 0)
		f->fd = open(f->path, O_WRONLY | flags, 0644);
	if (f->fd < 0)
		return false;
	if (fstat(f->fd, &st) != 0) {
		shut(f);
		return false;
	}
	f->device = st.st_dev;
	f->inode = st.st_ino;
	f->regular = S_ISREG(st.st_mode);
	return true;
}

/* Locks are advice among ourselves: where there are none (some network file systems) lines are
 * written all the same. */
static bool lock(const struct logfile *f, int command, short type)
{
	struct flock l = {.l_type = type, .l_whence = SEEK_SET};
	int e;

	do
		e = fcntl(f->fd, command, &l);
	while (e != 0 && errno == EINTR);
	return e == 0;
}

static void unlock(const struct logfile *f)
{
	int saved = errno;

	if (f->regular)
		(void)lock(f, F_SETLK, F_UNLCK);
	errno = saved;
}

/* Is what is open still what the name stands for?  *size: of that. */
static bool is_current(const struct logfile *f, uint64_t *size)
{
	struct stat st;

	if (stat(f->path, &st) != 0)
		return false;
	*size = (uint64_t)st.st_size;
	return st.st_dev == f->device && st.st_ino == f->inode;
}

/* We hold the write lock of the current file. */
static void rename_all(const struct logfile *f)
{
	size_t room = strlen(f->path) + 16;
	char *from = malloc(room), *to = malloc(room);

	if (from != NULL && to != NULL) {
		for (unsigned i = f->rotate_count; i > 1; i--) {
			snprintf(from, room, "%s.%u", f->path, i - 1);
			snprintf(to, room, "%s.%u", f->path, i);
			(void)rename(from, to); /* it may not be there yet */
		}
		snprintf(to, room, "%s.1", f->path);
		(void)rename(f->path, to); /* else the file goes on growing */
	}
	free(from);
	free(to);
}

/* Open, locked for reading, and current; false: errno says why not. */
static bool make_ready(struct logfile *f, uint64_t *size)
{
	for (unsigned tries = 0; tries < TRIES; tries++) {
		if (f->fd < 0 && !open_file(f))
			return false;
		if (!f->regular)
			return true;
		(void)lock(f, F_SETLKW, F_RDLCK);
		if (is_current(f, size))
			return true;
		shut(f);
	}
	errno = EAGAIN;
	return false;
}

static bool write_line(struct logfile *f, struct bytes line)
{
	bool was_torn = f->torn;

	/* what another process wrote after our half line began a line of its own, or not */
	if (was_torn && write(f->fd, "\n", 1) != 1)
		return false;
	f->torn = false;
	ssize_t n;
	do
		n = write(f->fd, line.at, line.len);
	while (n < 0 && errno == EINTR);
	if (n >= 0 && (size_t)n < line.len) {
		f->torn = true;
		errno = ENOSPC;
		return false;
	}
	return n >= 0;
}

static bool is_full(const struct logfile *f, uint64_t size, struct bytes line)
{
	return f->regular && f->rotate_bytes > 0 && size > 0 && size + line.len > f->rotate_bytes;
}

/* The file is full.  We give our read lock back first: else two that want to rotate would be in
 * each other's way for ever. */
static void rotate(struct logfile *f, struct bytes line)
{
	uint64_t size;

	unlock(f);
	for (unsigned tries = 0; tries < LOCK_TRIES; tries++) {
		if (lock(f, F_SETLK, F_WRLCK)) {
			if (is_current(f, &size) && is_full(f, size, line))
				rename_all(f);
			break;
		}
		sched_yield();
	}
	shut(f);
}

static bool append(struct logfile *f, struct bytes line)
{
	uint64_t size = 0;

	if (!make_ready(f, &size))
		return false;
	if (is_full(f, size, line)) {
		rotate(f, line);
		if (!make_ready(f, &size))
			return false;
	}
	bool ok = write_line(f, line);
	unlock(f);
	return ok;
}

enum logfile_result logfile_append(struct logfile *f, struct bytes line)
{
	if (f->path == NULL)
		return LOGFILE_WRITTEN;
	if (!append(f, line)) {
		bool before = f->broken;

		f->lost = before ? f->lost + 1 : 1;
		f->broken = true;
		return before ? LOGFILE_BROKEN : LOGFILE_BROKE;
	}
	bool mended = f->broken;
	f->broken = false;
	return mended ? LOGFILE_MENDED : LOGFILE_WRITTEN;
}
