#include "study/staging.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"

#define FOLDER (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#define OLD_ADDITION "Addition.old" /* where the exchange is done in two renames */

/* linux/fs.h; not in every libc's stdio.h */
#define NO_REPLACE 1u
#define EXCHANGE 2u

/* The files that netrt puts beside Addition. */
static const char *const report_names[] = {"report.txt", "report.json"};
#define REPORTS (sizeof(report_names) / sizeof(report_names[0]))

static int rename_with(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}

/* The kernel or the file system does not know renameat2 or these flags. */
static bool is_unknown_call(int code)
{
	return code == ENOSYS || code == EINVAL || code == EOPNOTSUPP;
}

/* Move, but never over something: fails with EEXIST. */
static int rename_careful(int from_dir, const char *from, int to_dir, const char *to)
{
	struct stat st;

	if (rename_with(from_dir, from, to_dir, to, NO_REPLACE) == 0)
		return 0;
	if (!is_unknown_call(errno))
		return -1;
	if (fstatat(to_dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	return renameat(from_dir, from, to_dir, to);
}

static bool is_ours(const char *name)
{
	size_t len = strlen(name);

	return strncmp(name, "OVERLAY-", 8) == 0 && len > 12 && strcmp(name + len - 4, ".dcm") == 0;
}

/* An open Addition of OUT/UID_<study>, made where `make` says so; -1 with errno. */
static int open_final_addition(const struct staging *s, bool make)
{
	char path[STAGING_NAME_MAX + sizeof("/" STAGING_ADDITION)];

	if (make && mkdirat(s->out, s->final, 0777) < 0 && errno != EEXIST)
		return -1;
	snprintf(path, sizeof(path), "%s/%s", s->final, STAGING_ADDITION);
	if (make && mkdirat(s->out, path, 0777) < 0 && errno != EEXIST)
		return -1;
	return openat(s->out, path, FOLDER);
}

/*
 * Empty a folder that was, or was to become, an Addition: what is ours is removed, what is not goes
 * to the Addition under the final name, unless something of that name is there.
 */
static enum err clear_addition(const struct staging *s, int fd, struct fault *f)
{
	enum err e = OK;
	int final = -1;
	struct dirent *d;
	DIR *folder = fdopendir(fd); /* takes over fd */

	if (folder == NULL) {
		e = fault_io(f, "cannot list the staging folder");
		close(fd);
		return e;
	}
	while (e == OK && (d = readdir(folder)) != NULL) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (is_ours(d->d_name)) {
			if (unlinkat(fd, d->d_name, 0) < 0)
				e = fault_io(f, "cannot remove a file from the staging folder");
			continue;
		}
		if (final < 0)
			final = open_final_addition(s, true);
		if (final < 0 || rename_careful(fd, d->d_name, final, d->d_name) < 0)
			e = fault_io(f, "cannot move a file that netrt did not make back into the "
					"study's Addition folder");
	}
	closedir(folder);
	if (final >= 0)
		close(final);
	return e;
}

/* Remove one folder of the staging folder, if it is there. */
static enum err remove_addition(const struct staging *s, const char *name, struct fault *f)
{
	int fd = openat(s->dir, name, FOLDER | O_NOFOLLOW);

	if (fd < 0 && errno == ENOENT)
		return OK;
	if (fd < 0)
		return fault_io(f, "cannot open the staging folder");

	enum err e = clear_addition(s, fd, f);
	if (e == OK && unlinkat(s->dir, name, AT_REMOVEDIR) < 0)
		e = fault_io(f, "cannot remove the staging folder");
	return e;
}

static enum err clear(const struct staging *s, struct fault *f)
{
	enum err e = remove_addition(s, STAGING_ADDITION, f);

	if (e == OK)
		e = remove_addition(s, OLD_ADDITION, f);
	for (size_t i = 0; i < REPORTS && e == OK; i++)
		if (unlinkat(s->dir, report_names[i], 0) < 0 && errno != ENOENT)
			e = fault_io(f, "cannot remove a file from the staging folder");
	return e;
}

/* Lock s->dir.  OK, or ERR_MORE: it is not the folder of that name any more (its holder has just
 * given it the final name or removed it). */
static enum err lock(struct staging *s, struct fault *f)
{
	struct stat mine, named;

	s->unlocked = false;
	if (flock(s->dir, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return fault_set(f, ERR_UNUSABLE,
					 "another netrt is writing this study to the same folder",
					 FAULT_NO_OFFSET);
		s->unlocked = true;
	}
	if (fstat(s->dir, &mine) < 0)
		return fault_io(f, "cannot look at the staging folder");
	if (fstatat(s->out, s->part, &named, AT_SYMLINK_NOFOLLOW) < 0 ||
	    named.st_ino != mine.st_ino || named.st_dev != mine.st_dev)
		return ERR_MORE;
	return OK;
}

static enum err open_and_lock(struct staging *s, struct fault *f)
{
	for (int attempt = 0; attempt < 10; attempt++) {
		if (mkdirat(s->out, s->part, 0777) < 0 && errno != EEXIST)
			return fault_io(f, "cannot make a folder in the output folder");
		s->dir = openat(s->out, s->part, FOLDER | O_NOFOLLOW);
		if (s->dir < 0 && errno == ENOENT)
			continue;
		if (s->dir < 0)
			return fault_io(f, "cannot open the staging folder");

		enum err e = lock(s, f);
		if (e == OK)
			return OK;
		close(s->dir);
		s->dir = -1;
		if (e != ERR_MORE)
			return e;
	}
	return fault_set(f, ERR_UNUSABLE, "another netrt is writing this study to the same folder",
			 FAULT_NO_OFFSET);
}

bool staging_has_final(const struct staging *s)
{
	struct stat st;

	return fstatat(s->out, s->final, &st, 0) == 0;
}

/* What is there under the final name can be replaced. */
static enum err check_final(const struct staging *s, struct fault *f)
{
	char path[STAGING_NAME_MAX + sizeof("/" STAGING_ADDITION)];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", s->final, STAGING_ADDITION);
	if ((fstatat(s->out, s->final, &st, 0) == 0 && !S_ISDIR(st.st_mode)) ||
	    (fstatat(s->out, path, &st, 0) == 0 && !S_ISDIR(st.st_mode)))
		return fault_set(f, ERR_UNUSABLE,
				 "a file has the name of one of the study's output folders",
				 FAULT_NO_OFFSET);
	return OK;
}

enum err staging_open(struct staging *s, int out, const struct uid *study, struct fault *f)
{
	*s = STAGING_NONE;
	s->out = out;
	snprintf(s->part, sizeof(s->part), ".UID_%s.part", study->text);
	snprintf(s->final, sizeof(s->final), "UID_%s", study->text);

	enum err e = open_and_lock(s, f);
	if (e != OK)
		return e;
	e = clear(s, f);
	if (e == OK)
		e = check_final(s, f);
	if (e == OK && mkdirat(s->dir, STAGING_ADDITION, 0777) < 0)
		e = fault_io(f, "cannot make a folder in the output folder");
	if (e == OK) {
		s->addition = openat(s->dir, STAGING_ADDITION, FOLDER);
		if (s->addition < 0)
			e = fault_io(f, "cannot open the staging folder");
	}
	if (e != OK)
		staging_discard(s);
	return e;
}

enum err staging_write(struct staging *s, const char *name, struct bytes content, struct fault *f)
{
	int fd = openat(s->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd < 0)
		return fault_io(f, "cannot make a file in the output folder");

	enum err e = file_write_all(fd, content, f);
	if (close(fd) < 0 && e == OK)
		e = fault_io(f, "cannot write");
	return e;
}

static void close_both(struct staging *s)
{
	if (s->addition >= 0)
		close(s->addition);
	if (s->dir >= 0)
		close(s->dir); /* and with it the lock */
	s->addition = s->dir = -1;
}

/* Put the new Addition in the place of the old, which then lies in the staging folder. */
static enum err exchange(const struct staging *s, int final, struct fault *f)
{
	if (rename_careful(s->dir, STAGING_ADDITION, final, STAGING_ADDITION) == 0)
		return OK;
	if (errno != EEXIST)
		return fault_io(f, "cannot rename the finished series");
	if (rename_with(s->dir, STAGING_ADDITION, final, STAGING_ADDITION, EXCHANGE) == 0)
		return OK;
	if (!is_unknown_call(errno))
		return fault_io(f, "cannot rename the finished series");
	if (renameat(final, STAGING_ADDITION, s->dir, OLD_ADDITION) < 0)
		return fault_io(f, "cannot move the old Addition away");
	if (renameat(s->dir, STAGING_ADDITION, final, STAGING_ADDITION) == 0)
		return OK;

	enum err e = fault_io(f, "cannot rename the finished series");
	(void)renameat(s->dir, OLD_ADDITION, final, STAGING_ADDITION); /* as it was */
	return e;
}

static enum err replace(struct staging *s, struct fault *f)
{
	int final = openat(s->out, s->final, FOLDER);
	enum err e;

	if (final < 0)
		return fault_io(f, "cannot open the study's output folder");
	e = exchange(s, final, f);
	for (size_t i = 0; i < REPORTS && e == OK; i++)
		if (renameat(s->dir, report_names[i], final, report_names[i]) < 0 &&
		    errno != ENOENT)
			e = fault_io(f, "cannot rename the report");
	close(final);
	if (e != OK)
		return e;
	e = clear(s, f); /* gives back what was not ours, removes what was */
	if (e == OK && unlinkat(s->out, s->part, AT_REMOVEDIR) < 0)
		e = fault_io(f, "cannot remove the staging folder");
	return e;
}

enum err staging_publish(struct staging *s, struct fault *f)
{
	enum err e = OK;

	if (rename_careful(s->out, s->part, s->out, s->final) < 0) {
		if (errno != EEXIST && errno != ENOTEMPTY)
			return fault_io(f, "cannot rename the finished study");
		e = replace(s, f);
	}
	if (e == OK)
		close_both(s);
	return e;
}

bool staging_discard(struct staging *s)
{
	bool gone = true;

	if (s->dir >= 0)
		gone = clear(s, NULL) == OK && unlinkat(s->out, s->part, AT_REMOVEDIR) == 0;
	close_both(s);
	return gone;
}
