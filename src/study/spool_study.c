/*
 * Studies in the spool: which there are, locks, removal, quarantine.
 */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "study/outputs.h"
#include "study/spool_folder.h"

#define PREFIX "UID_"
#define PREFIX_LEN (sizeof(PREFIX) - 1)
#define STAMP_LEN 14u /* YYYYMMDDhhmmss */
#define TREE_DEPTH 8u /* folders inside folders of what netrt makes; 2 are real */

/* ---- names and locks ---- */

size_t spool_study_name(const struct uid *study, char name[static SPOOL_STUDY_NAME_MAX])
{
	return (size_t)snprintf(name, SPOOL_STUDY_NAME_MAX, PREFIX "%s", study->text);
}

void spool_lock_folder(int fd, int operation)
{
	while (flock(fd, operation) < 0 && errno == EINTR) {
	}
}

/* Is `dir` the folder that UID_<study> names now? */
static bool is_named(int working, const struct uid *study, int dir)
{
	char name[SPOOL_STUDY_NAME_MAX];
	struct stat named, open;

	spool_study_name(study, name);
	return fstatat(working, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && fstat(dir, &open) == 0 &&
	       named.st_dev == open.st_dev && named.st_ino == open.st_ino;
}

enum err spool_study_lock(const struct spool *s, const struct uid *study, enum spool_access access,
			  struct spool_lock *lock, struct fault *f)
{
	char name[SPOOL_STUDY_NAME_MAX];

	*lock = SPOOL_UNLOCKED;
	spool_study_name(study, name);
	int fd = openat(s->working, name, SPOOL_FOLDER | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return fault_set(f, ERR_UNUSABLE, "no such study", FAULT_NO_OFFSET);
	if (fd < 0)
		return fault_io(f, "cannot open the folder of a study");

	enum err e = OK;
	if (flock(fd, (access == SPOOL_SHARED ? LOCK_SH : LOCK_EX) | LOCK_NB) < 0)
		e = errno == EWOULDBLOCK ? ERR_MORE : fault_io(f, "cannot lock a study");
	else if (!is_named(s->working, study, fd))
		e = ERR_MORE;
	if (e != OK)
		close(fd);
	else
		lock->fd = fd;
	return e;
}

void spool_study_unlock(struct spool_lock *lock)
{
	if (lock->fd >= 0)
		close(lock->fd);
	*lock = SPOOL_UNLOCKED;
}

/* The exclusive locks on what is there of DCM and Structure of an open study. */
struct folders {
	int fd[SPOOL_KINDS];
};

static void lock_folders(struct folders *x, int dir)
{
	for (unsigned k = 0; k < SPOOL_KINDS; k++) {
		x->fd[k] = openat(dir, spool_folder_name(k), SPOOL_FOLDER | O_NOFOLLOW);
		if (x->fd[k] >= 0)
			spool_lock_folder(x->fd[k], LOCK_EX);
	}
}

static void unlock_folders(const struct folders *x)
{
	for (unsigned k = 0; k < SPOOL_KINDS; k++)
		if (x->fd[k] >= 0)
			close(x->fd[k]);
}

static enum err open_study(const struct spool *s, const struct uid *study, int *dir,
			   struct fault *f)
{
	char name[SPOOL_STUDY_NAME_MAX];

	spool_study_name(study, name);
	*dir = openat(s->working, name, SPOOL_FOLDER | O_NOFOLLOW);
	return *dir < 0 ? fault_io(f, "cannot open the folder of a study") : OK;
}

/* ---- listing ---- */

/* A name is a UID as it stands, with no padding. */
static bool exact_uid(struct uid *out, struct bytes text)
{
	return uid_set(out, text) && strlen(out->text) == text.len;
}

static int by_uid(const void *a, const void *b)
{
	return strcmp(((const struct uid *)a)->text, ((const struct uid *)b)->text);
}

static bool is_folder(int dir, const struct dirent *d)
{
	struct stat st;

	if (d->d_type != DT_UNKNOWN)
		return d->d_type == DT_DIR;
	return fstatat(dir, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* A new stream of the entries of `dir`, which stays open. */
static DIR *entries_of(int dir)
{
	int fd = openat(dir, ".", SPOOL_FOLDER);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);

	if (stream == NULL && fd >= 0)
		close(fd);
	return stream;
}

enum err spool_list_studies(const struct spool *s, struct uid **studies, size_t *count,
			    struct arena *a, struct fault *f)
{
	size_t mark = arena_mark(a), n = 0;
	struct uid *list = arena_alloc(a, 1, sizeof(*list)); /* the one to be filled next */
	DIR *stream = entries_of(s->working);
	struct dirent *d;

	if (stream == NULL)
		return fault_io(f, "cannot list the working folder");
	while (list != NULL) {
		errno = 0;
		d = readdir(stream);
		if (d == NULL)
			break;
		if (strncmp(d->d_name, PREFIX, PREFIX_LEN) != 0 || !is_folder(s->working, d) ||
		    !exact_uid(&list[n], bytes_str(d->d_name + PREFIX_LEN)))
			continue;
		n++;
		if (!arena_extend(a, list, n * sizeof(*list), (n + 1) * sizeof(*list)))
			list = NULL;
	}
	enum err e =
		list != NULL && errno != 0 ? fault_io(f, "cannot list the working folder") : OK;
	closedir(stream);
	if (list == NULL)
		e = fault_set(f, ERR_NOMEM, "no memory for the list of studies", FAULT_NO_OFFSET);
	if (e != OK) {
		arena_reset(a, mark);
		return e;
	}
	assert(list != NULL); /* or e were ERR_NOMEM */
	qsort(list, n, sizeof(*list), by_uid);
	*studies = list;
	*count = n;
	return OK;
}

enum err spool_clean(struct spool *s, struct fault *f)
{
	DIR *stream = entries_of(s->incoming);
	struct dirent *d;
	enum err e = OK;

	if (stream == NULL)
		return fault_io(f, "cannot list .incoming");
	while (e == OK && (d = readdir(stream)) != NULL) {
		size_t len = strlen(d->d_name);

		if (len > 5 && strcmp(d->d_name + len - 5, ".part") == 0 &&
		    unlinkat(s->incoming, d->d_name, 0) < 0 && errno != ENOENT)
			e = fault_io(f, "cannot remove a file from .incoming");
	}
	closedir(stream);
	return e;
}

/* ---- removal ---- */

static enum err remove_one(int dir, const struct study_file *seen, size_t *kept, struct fault *f)
{
	struct stat st;

	if (fstatat(dir, seen->path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? OK : fault_io(f, "cannot look at a file of a study");

	struct study_file now = {
		.size = (uint64_t)st.st_size,
		.mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec,
		.ctime_ns = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec,
	};
	if (!S_ISREG(st.st_mode) || !study_file_same(&now, seen)) {
		++*kept;
		return OK;
	}
	if (unlinkat(dir, seen->path, 0) < 0 && errno != ENOENT)
		return fault_io(f, "cannot remove a file of a study");
	return OK;
}

enum err spool_remove(const struct spool *s, const struct uid *study,
		      const struct study_files *files, size_t *kept, struct fault *f)
{
	struct folders locked;
	int dir;
	enum err e = open_study(s, study, &dir, f);

	if (e != OK)
		return e;
	*kept = 0;
	lock_folders(&locked, dir);
	for (uint32_t i = 0; i < files->count && e == OK; i++)
		e = remove_one(dir, &files->item[i], kept, f);
	unlock_folders(&locked);
	close(dir);
	return e;
}

/* A folder and what is in it, if it is there.  Nothing is followed; over TREE_DEPTH: ENOTEMPTY. */
static int remove_tree(int dir, const char *name)
{
	struct {
		DIR *stream;
		char name[256];
	} stack[TREE_DEPTH];
	unsigned depth = 0;
	int at = dir, code = 0;

	for (;;) {
		int fd = openat(at, name, SPOOL_FOLDER | O_NOFOLLOW);
		DIR *stream = fd < 0 ? NULL : fdopendir(fd);
		struct dirent *d = NULL;

		if (stream == NULL && fd >= 0)
			close(fd);
		if (stream == NULL) {
			code = errno == ENOENT ? 0 : errno;
			break;
		}
		stack[depth].stream = stream;
		snprintf(stack[depth].name, sizeof(stack[depth].name), "%s", name);
		depth++;
		/* leave folders that are done, up to one that has another folder in it */
		while (depth > 0 && d == NULL) {
			int here = dirfd(stack[depth - 1].stream);

			while ((d = readdir(stack[depth - 1].stream)) != NULL) {
				if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
					continue;
				if (is_folder(here, d) && depth < TREE_DEPTH)
					break;
				(void)unlinkat(here, d->d_name, 0); /* rmdir tells */
			}
			if (d != NULL)
				break;
			closedir(stack[--depth].stream);
			int parent = depth == 0 ? dir : dirfd(stack[depth - 1].stream);
			if (unlinkat(parent, stack[depth].name, AT_REMOVEDIR) < 0 && code == 0)
				code = errno;
		}
		if (depth == 0)
			break;
		at = dirfd(stack[depth - 1].stream);
		name = d->d_name;
	}
	while (depth > 0)
		closedir(stack[--depth].stream);
	errno = code;
	return code == 0 ? 0 : -1;
}

static enum err remove_named(int dir, const char *name, struct fault *f)
{
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return fault_io(f, "cannot remove a file of a study");
	return OK;
}

/* The journal last: while it is there, what was done is known. */
static enum err remove_own(int dir, struct fault *f)
{
	enum err e = OK;

	for (unsigned k = 0; k < OUTPUT_KINDS; k++)
		if (remove_tree(dir, output_places[k].folder) < 0)
			return fault_io(f, "cannot remove a folder of a study");
	for (size_t i = 0; i < OUTPUT_REPORTS && e == OK; i++)
		e = remove_named(dir, output_reports[i], f);
	if (e == OK)
		e = remove_named(dir, "reason", f);
	if (e == OK)
		e = remove_named(dir, "journal", f);
	return e;
}

/* 0, or -1 when something is left in it. */
static int remove_folder(int dir, const char *name)
{
	return unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -1;
}

static enum err remove_locked(const struct spool *s, const struct uid *study, int dir, bool *gone,
			      struct fault *f)
{
	char name[SPOOL_STUDY_NAME_MAX];
	struct study_files left = STUDY_FILES_NONE;
	enum err e = study_files_read(&left, dir, f);
	bool empty = left.count == 0;

	study_files_free(&left);
	if (e != OK || !empty)
		return e;
	e = remove_own(dir, f);
	if (e != OK)
		return e;
	spool_study_name(study, name);
	*gone = remove_folder(dir, spool_folder_name(SPOOL_IMAGE)) == 0 &&
		remove_folder(dir, spool_folder_name(SPOOL_STRUCTURE)) == 0 &&
		remove_folder(s->working, name) == 0;
	if (!*gone && errno != ENOTEMPTY && errno != EEXIST)
		return fault_io(f, "cannot remove the folder of a study");
	if (*gone && s->durability == SPOOL_STRICT && fsync(s->working) < 0)
		return fault_io(f, "cannot sync the working folder");
	return OK;
}

enum err spool_remove_study(const struct spool *s, const struct uid *study, bool *gone,
			    struct fault *f)
{
	struct folders locked;
	int dir;
	enum err e = open_study(s, study, &dir, f);

	if (e != OK)
		return e;
	*gone = false;
	lock_folders(&locked, dir);
	e = remove_locked(s, study, dir, gone, f);
	unlock_folders(&locked);
	close(dir);
	return e;
}

/* ---- quarantine ---- */

static enum err write_reason(int dir, struct bytes reason, struct fault *f)
{
	int fd = openat(dir, "reason", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);

	if (fd < 0)
		return fault_io(f, "cannot write the reason of a quarantine");
	enum err e = file_write_all(fd, reason, f);
	if (e == OK && fsync(fd) < 0)
		e = fault_io(f, "cannot write the reason of a quarantine");
	if (close(fd) < 0 && e == OK)
		e = fault_io(f, "cannot write the reason of a quarantine");
	if (e != OK)
		(void)unlinkat(dir, "reason", 0);
	return e;
}

/* A folder that is not empty is never replaced by a rename, so any rename will do. */
static enum err move_away(const struct spool *s, const struct uid *study, int to, const char *stamp,
			  char name[static SPOOL_QUARANTINE_NAME_MAX], struct fault *f)
{
	char from[SPOOL_STUDY_NAME_MAX];
	unsigned n = 0;

	spool_study_name(study, from);
	for (;;) {
		int len = snprintf(name, SPOOL_QUARANTINE_NAME_MAX, "%s_%s", from, stamp);

		if (n > 0)
			snprintf(name + len, SPOOL_QUARANTINE_NAME_MAX - (size_t)len, "-%u", n);
		if (renameat(s->working, from, to, name) == 0)
			return OK;
		if ((errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR) || ++n == 10000)
			return fault_io(f, "cannot move a study to the quarantine");
	}
}

static bool is_stamp(const char *text)
{
	size_t n = 0;

	while (n < STAMP_LEN && text[n] >= '0' && text[n] <= '9')
		n++;
	return n == STAMP_LEN;
}

static enum err sync_both(const struct spool *s, int other, struct fault *f)
{
	if (s->durability != SPOOL_NONE && (fsync(other) < 0 || fsync(s->working) < 0))
		return fault_io(f, "cannot sync the working folder or the quarantine");
	return OK;
}

enum err spool_quarantine(const struct spool *s, const struct uid *study, const char *subdir,
			  const char *stamp, struct bytes reason,
			  char name[static SPOOL_QUARANTINE_NAME_MAX], struct fault *f)
{
	struct folders locked;
	int dir, to;
	enum err e;

	if (!is_stamp(stamp) || stamp[STAMP_LEN] != '\0')
		return fault_set(f, ERR_UNUSABLE, "not a time", FAULT_NO_OFFSET);
	if (mkdirat(s->working, subdir, 0777) < 0 && errno != EEXIST)
		return fault_io(f, "cannot make the quarantine folder");
	to = openat(s->working, subdir, SPOOL_FOLDER);
	if (to < 0)
		return fault_io(f, "cannot open the quarantine folder");
	e = open_study(s, study, &dir, f);
	if (e == OK) {
		e = write_reason(dir, reason, f);
		if (e == OK && s->durability != SPOOL_NONE && fsync(dir) < 0)
			e = fault_io(f, "cannot sync the folder of a study");
		lock_folders(&locked, dir);
		if (e == OK)
			e = move_away(s, study, to, stamp, name, f);
		unlock_folders(&locked);
		close(dir);
	}
	if (e == OK)
		e = sync_both(s, to, f);
	close(to);
	return e;
}

bool spool_quarantine_name(const char *name, struct uid *study)
{
	const char *end = strrchr(name, '_');

	if (strncmp(name, PREFIX, PREFIX_LEN) != 0 || end < name + PREFIX_LEN || !is_stamp(end + 1))
		return false;
	const char *more = end + 1 + STAMP_LEN;
	if (*more == '-') {
		size_t digits = strspn(more + 1, "0123456789");

		if (digits == 0)
			return false;
		more += 1 + digits;
	}
	struct bytes uid = bytes_of(name + PREFIX_LEN, (size_t)(end - name) - PREFIX_LEN);
	return *more == '\0' && exact_uid(study, uid);
}

enum err spool_release(const struct spool *s, const char *subdir, const char *name,
		       struct uid *study, struct fault *f)
{
	char to[SPOOL_STUDY_NAME_MAX];
	struct uid uid;
	enum err e = OK;

	if (!spool_quarantine_name(name, &uid))
		return fault_set(f, ERR_UNUSABLE, "not a name of a quarantined study",
				 FAULT_NO_OFFSET);
	int from = openat(s->working, subdir, SPOOL_FOLDER);
	if (from < 0)
		return fault_io(f, "cannot open the quarantine folder");
	spool_study_name(&uid, to);
	if (renameat(from, name, s->working, to) < 0) {
		if (errno == ENOTEMPTY || errno == EEXIST)
			e = fault_set(f, ERR_UNUSABLE, "a study of this UID is being received",
				      FAULT_NO_OFFSET);
		else
			e = fault_io(f, "cannot move a study out of the quarantine");
	}
	if (e == OK) {
		char reason[SPOOL_STUDY_NAME_MAX + sizeof("/reason")];

		snprintf(reason, sizeof(reason), "%s/reason", to);
		(void)unlinkat(s->working, reason, 0);
		*study = uid;
		e = sync_both(s, from, f);
	}
	close(from);
	return e;
}
