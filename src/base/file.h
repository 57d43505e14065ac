/*
 * Files: read-only maps, whole small files, and writing all of something.
 *
 * A map is a view of the file as it was when opened: its length never changes here
 * (a file cut short by somebody else while mapped ends the process with SIGBUS, which
 * costs one worker, not the run).
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

struct file_map {
	struct bytes bytes; /* BYTES_NONE for an empty file */
	int fd;             /* -1 when closed; kept open for copy_file_range */
};

#define FILE_MAP_NONE ((struct file_map){.fd = -1})

/* `path` is relative to directory fd `dir` (AT_FDCWD for the working directory). Regular files
 * only. ERR_LIMIT above LIMIT_OBJECT.  *m is FILE_MAP_NONE then. */
enum err file_map(struct file_map *m, int dir, const char *path, struct fault *f) MUST_USE;
void file_unmap(struct file_map *m); /* also fine on FILE_MAP_NONE */
/* The same of an open file, which stays the caller's. */
enum err file_view(struct bytes *view, int fd, struct fault *f) MUST_USE;
void file_unview(struct bytes view); /* also fine on BYTES_NONE */

/* The whole of a file of at most `max` bytes, NUL-terminated beyond its length. */
enum err file_read(struct bytes *out, const char *path, size_t max, struct arena *a,
		   struct fault *f) MUST_USE;

/* All of it, through EINTR and short writes. */
enum err file_write_all(int fd, struct bytes b, struct fault *f) MUST_USE;
/* `count` views one after the other, in as few writev(2) calls as possible. */
enum err file_write_views(int fd, const struct bytes *views, size_t count,
			  struct fault *f) MUST_USE;

#endif
