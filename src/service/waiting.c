#include "service/waiting.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct uid *)a)->text, ((const struct uid *)b)->text);
}

enum err waiting_studies(int working, struct uid **studies, size_t *count, struct arena *a,
			 struct fault *f)
{
	int fd = openat(working, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	struct uid *all = NULL, one;
	size_t n = 0;
	enum err e = OK;
	struct dirent *d;

	if (folder == NULL) {
		e = fault_io(f, "cannot list the working folder");
		if (fd >= 0)
			close(fd);
		return e;
	}
	while (e == OK && (d = readdir(folder)) != NULL) {
		if (strncmp(d->d_name, "UID_", 4) != 0 || !uid_set(&one, bytes_str(d->d_name + 4)))
			continue;
		if (all == NULL)
			all = ARENA_NEW(a, struct uid, 1);
		else if (!arena_extend(a, all, n * sizeof(*all), (n + 1) * sizeof(*all)))
			all = NULL;
		if (all == NULL)
			e = fault_set(f, ERR_NOMEM, "too many studies", FAULT_NO_OFFSET);
		else
			all[n++] = one;
	}
	closedir(folder);
	if (e != OK)
		return e;
	if (n > 1)
		qsort(all, n, sizeof(*all), compare);
	*studies = all;
	*count = n;
	return OK;
}

int waiting_lock(int working, const struct uid *study)
{
	char name[sizeof("UID_") + LIMIT_UID];
	struct stat mine, named;
	int fd;

	snprintf(name, sizeof(name), "UID_%s", study->text);
	fd = openat(working, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		close(fd);
		errno = EWOULDBLOCK;
		return -1;
	}
	/* it has been moved or removed meanwhile */
	if (fstat(fd, &mine) < 0 || fstatat(working, name, &named, AT_SYMLINK_NOFOLLOW) < 0 ||
	    mine.st_ino != named.st_ino || mine.st_dev != named.st_dev) {
		close(fd);
		errno = ENOENT;
		return -1;
	}
	return fd;
}
