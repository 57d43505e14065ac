#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/limits.h"

enum err file_map(struct file_map *m, int dir, const char *path, struct fault *f)
{
	struct stat st;
	enum err e;
	/* O_NONBLOCK: a FIFO in an input folder must not hang the run */
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return fault_io(f, "cannot open the file");
	if (fstat(fd, &st) < 0) {
		e = fault_io(f, "cannot read the file's size");
		goto close_it;
	}
	if (!S_ISREG(st.st_mode)) {
		e = fault_set(f, ERR_UNUSABLE, "not a regular file", FAULT_NO_OFFSET);
		goto close_it;
	}
	if ((uint64_t)st.st_size > LIMIT_OBJECT) {
		e = fault_set(f, ERR_LIMIT, "file is larger than 16 GiB", FAULT_NO_OFFSET);
		goto close_it;
	}
	if (st.st_size == 0) {
		*m = (struct file_map){.fd = fd};
		return OK;
	}

	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED) {
		e = fault_io(f, "cannot map the file");
		goto close_it;
	}
	*m = (struct file_map){.bytes = bytes_of(p, (size_t)st.st_size), .fd = fd};
	return OK;

close_it:
	close(fd);
	return e;
}

void file_unmap(struct file_map *m)
{
	if (m->bytes.len > 0)
		munmap((void *)(uintptr_t)m->bytes.at, m->bytes.len);
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
