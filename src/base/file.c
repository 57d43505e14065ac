#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/limits.h"

enum err file_view(struct bytes *view, int fd, struct fault *f)
{
	struct stat st;

	*view = BYTES_NONE;
	if (fstat(fd, &st) < 0)
		return fault_io(f, "cannot read the file's size");
	if (!S_ISREG(st.st_mode))
		return fault_set(f, ERR_UNUSABLE, "not a regular file", FAULT_NO_OFFSET);
	if ((uint64_t)st.st_size > LIMIT_OBJECT)
		return fault_set(f, ERR_LIMIT, "file is larger than 16 GiB", FAULT_NO_OFFSET);
	if (st.st_size == 0)
		return OK;
	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return fault_io(f, "cannot map the file");
	/* read once, from front to back: its pages are not worth keeping for having been seen here
	 */
	(void)madvise(p, (size_t)st.st_size, MADV_SEQUENTIAL);
	*view = bytes_of(p, (size_t)st.st_size);
	return OK;
}

void file_unview(struct bytes view)
{
	if (view.len > 0)
		munmap((void *)(uintptr_t)view.at, view.len);
}

enum err file_map(struct file_map *m, int dir, const char *path, struct fault *f)
{
	/* O_NONBLOCK: a FIFO in an input folder must not hang the run */
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	*m = FILE_MAP_NONE;
	if (fd < 0)
		return fault_io(f, "cannot open the file");
	enum err e = file_view(&m->bytes, fd, f);
	if (e != OK) {
		close(fd);
		return e;
	}
	m->fd = fd;
	return OK;
}

void file_unmap(struct file_map *m)
{
	file_unview(m->bytes);
	if (m->fd >= 0)
		close(m->fd);
	*m = FILE_MAP_NONE;
}

enum err file_read(struct bytes *out, const char *path, size_t max, struct arena *a,
		   struct fault *f)
{
	struct file_map m = FILE_MAP_NONE;
	enum err e = file_map(&m, AT_FDCWD, path, f);

	if (e != OK)
		return e;
	if (m.bytes.len > max) {
		file_unmap(&m);
		return fault_set(f, ERR_LIMIT, "file is too large", FAULT_NO_OFFSET);
	}

	char *copy = arena_strdup(a, m.bytes);
	if (copy != NULL)
		*out = bytes_of(copy, m.bytes.len);
	file_unmap(&m);
	if (copy == NULL)
		return fault_set(f, ERR_NOMEM, "file does not fit in memory", FAULT_NO_OFFSET);
	return OK;
}

enum err file_write_all(int fd, struct bytes b, struct fault *f)
{
	return file_write_views(fd, &b, 1, f);
}

/* The next views as iovecs, the first of them without its first `skip` bytes. */
static int gather(struct iovec *iov, const struct bytes *views, size_t count, size_t skip)
{
	int n = 0;

	for (size_t i = 0; i < count && n < IOV_MAX; i++, skip = 0) {
		iov[n].iov_base = (void *)(uintptr_t)(views[i].at + skip);
		iov[n].iov_len = views[i].len - skip;
		if (iov[n].iov_len > 0)
			n++;
	}
	return n;
}

enum err file_write_views(int fd, const struct bytes *views, size_t count, struct fault *f)
{
	struct iovec iov[IOV_MAX < 64 ? IOV_MAX : 64];
	size_t done = 0; /* bytes of views[0] that are written */

	for (;;) {
		while (count > 0 && done >= views[0].len) {
			done -= views[0].len;
			views++;
			count--;
		}
		if (count == 0)
			return OK;

		size_t batch =
			count < sizeof(iov) / sizeof(iov[0]) ? count : sizeof(iov) / sizeof(iov[0]);
		ssize_t n = writev(fd, iov, gather(iov, views, batch, done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fault_io(f, "cannot write");
		done += (size_t)n;
	}
}
