#include "study/staging.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rename.h"

#define FOLDER (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#define READY "ready"
#define OLD ".old" /* behind a folder's name: where the exchange is done in two renames */
#define READY_MAX 1024u
#define PATH_BYTES (STAGING_NAME_MAX + 64)

/* An open folder of OUT/UID_<study>, made where `make` says so; -1 with errno. */
static int open_final(const struct staging *s, enum output_kind kind, bool make)
{
	char path[PATH_BYTES];

	if (make && mkdirat(s->out, s->final, 0777) < 0 && errno != EEXIST)
		return -1;
	snprintf(path, sizeof(path), "%s/%s", s->final, output_places[kind].folder);
	if (make && mkdirat(s->out, path, 0777) < 0 && errno != EEXIST)
		return -1;
	return openat(s->out, path, FOLDER);
}

/*
 * Empty a folder that was, or was to become, an output folder: what is ours is removed, what is not
 * goes to the folder under the final name, unless something of that name is there.  `keep`: it
 * stays where it is, this is the folder under the final name.
 */
static enum err clear_folder(const struct staging *s, enum output_kind kind, int fd, bool keep,
			     struct fault *f)
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
		if (output_is_ours(kind, d->d_name)) {
			if (unlinkat(fd, d->d_name, 0) < 0)
				e = fault_io(f, "cannot remove a file that an earlier run made");
			continue;
		}
		if (keep)
			continue;
		if (final < 0)
			final = open_final(s, kind, true);
		if (final < 0 || rename_new(fd, d->d_name, final, d->d_name) < 0)
			e = fault_io(f, "cannot move a file that netrt did not make back into the "
					"study's folder");
	}
	closedir(folder);
	if (final >= 0)
		close(final);
	return e;
}

/* Remove one folder of the staging folder, if it is there. */
static enum err remove_folder(const struct staging *s, enum output_kind kind, const char *name,
			      struct fault *f)
{
	int fd = openat(s->dir, name, FOLDER | O_NOFOLLOW);

	if (fd < 0 && errno == ENOENT)
		return OK;
	if (fd < 0)
		return fault_io(f, "cannot open the staging folder");

	enum err e = clear_folder(s, kind, fd, false, f);
	if (e == OK && unlinkat(s->dir, name, AT_REMOVEDIR) < 0)
		e = fault_io(f, "cannot remove the staging folder");
	return e;
}

static enum err remove_file(int dir, const char *name, struct fault *f)
{
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return fault_io(f, "cannot remove a file of an earlier run");
	return OK;
}

/* What is left of a staging folder; `ready` goes last, so a run that dies here can be carried on.
 */
static enum err clear(const struct staging *s, struct fault *f)
{
	char old[64];
	enum err e = OK;

	for (unsigned k = 0; k < OUTPUT_KINDS && e == OK; k++) {
		snprintf(old, sizeof(old), "%s" OLD, output_places[k].folder);
		e = remove_folder(s, k, output_places[k].folder, f);
		if (e == OK)
			e = remove_folder(s, k, old, f);
	}
	for (size_t i = 0; i < OUTPUT_REPORTS && e == OK; i++)
		e = remove_file(s->dir, output_reports[i], f);
	if (e == OK)
		e = remove_file(s->dir, READY ".new", f);
	if (e == OK)
		e = remove_file(s->dir, READY, f);
	return e;
}

/* ---- the new output in the place of the old ---- */

/* What is to be published, as `ready` says. */
struct ready {
	bool has[OUTPUT_KINDS];
	uint64_t inode[OUTPUT_KINDS]; /* of the new folder: once it is elsewhere, it is done */
	bool report[OUTPUT_REPORTS];
};

/* Put a new folder in the place of the old one, which then lies in the staging folder. */
static enum err exchange(const struct staging *s, int final, const char *name, struct fault *f)
{
	char old[64];

	if (rename_new(s->dir, name, final, name) == 0)
		return OK;
	if (errno != EEXIST)
		return fault_io(f, "cannot rename the finished series");
	if (rename_exchange(s->dir, name, final, name) == 0)
		return OK;
	if (errno != EOPNOTSUPP)
		return fault_io(f, "cannot rename the finished series");
	snprintf(old, sizeof(old), "%s" OLD, name);
	if (renameat(final, name, s->dir, old) < 0)
		return fault_io(f, "cannot move the old series away");
	if (renameat(s->dir, name, final, name) == 0)
		return OK;

	enum err e = fault_io(f, "cannot rename the finished series");
	(void)renameat(s->dir, old, final, name); /* as it was */
	return e;
}

/* A kind that this run does not make: what an earlier one made of it goes. */
static enum err retire(const struct staging *s, int final, enum output_kind kind, struct fault *f)
{
	const char *name = output_places[kind].folder;
	int fd = openat(final, name, FOLDER);

	if (fd < 0)
		return errno == ENOENT ? OK : fault_io(f, "cannot open an output folder");
	enum err e = clear_folder(s, kind, fd, true, f);
	if (e == OK)
		(void)unlinkat(final, name, AT_REMOVEDIR); /* stays where others put something */
	return e;
}

static enum err place_folder(const struct staging *s, int final, enum output_kind kind,
			     const struct ready *r, struct fault *f)
{
	const char *name = output_places[kind].folder;
	struct stat st;

	if (!r->has[kind])
		return retire(s, final, kind, f);
	if (fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? OK : fault_io(f, "cannot look at the staging folder");
	return st.st_ino == r->inode[kind] ? exchange(s, final, name, f) : OK;
}

static enum err place_report(const struct staging *s, int final, const char *name, bool has,
			     struct fault *f)
{
	if (!has)
		return remove_file(final, name, f);
	if (renameat(s->dir, name, final, name) < 0 && errno != ENOENT)
		return fault_io(f, "cannot rename the report");
	return OK;
}

/* All of it, whatever of it was done before. */
static enum err carry_on(const struct staging *s, const struct ready *r, struct fault *f)
{
	int final;
	enum err e = OK;

	final = openat(s->out, s->final, FOLDER);
	if (final < 0 && errno == ENOENT) /* removed meanwhile */
		return clear(s, f);
	if (final < 0)
		return fault_io(f, "cannot open the study's output folder");
	for (unsigned k = 0; k < OUTPUT_KINDS && e == OK; k++)
		e = place_folder(s, final, k, r, f);
	for (size_t i = 0; i < OUTPUT_REPORTS && e == OK; i++)
		e = place_report(s, final, output_reports[i], r->report[i], f);
	close(final);
	return e == OK ? clear(s, f) : e; /* gives back what was not ours, removes what was */
}

static enum err look(const struct staging *s, struct ready *r, struct fault *f)
{
	struct stat st;

	*r = (struct ready){.has = {false}};
	for (unsigned k = 0; k < OUTPUT_KINDS; k++) {
		r->has[k] = fstatat(s->dir, output_places[k].folder, &st, AT_SYMLINK_NOFOLLOW) == 0;
		if (!r->has[k] && errno != ENOENT)
			return fault_io(f, "cannot look at the staging folder");
		r->inode[k] = r->has[k] ? st.st_ino : 0;
	}
	for (size_t i = 0; i < OUTPUT_REPORTS; i++)
		r->report[i] = fstatat(s->dir, output_reports[i], &st, AT_SYMLINK_NOFOLLOW) == 0;
	return OK;
}

/* "Addition 1234", "report.txt 0", one a line, and "end". */
static enum err write_ready(struct staging *s, const struct ready *r, struct fault *f)
{
	char text[READY_MAX];
	size_t len = 0;

	for (unsigned k = 0; k < OUTPUT_KINDS; k++)
		if (r->has[k])
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s %llu\n",
						output_places[k].folder,
						(unsigned long long)r->inode[k]);
	for (size_t i = 0; i < OUTPUT_REPORTS; i++)
		if (r->report[i])
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s 0\n",
						output_reports[i]);
	len += (size_t)snprintf(text + len, sizeof(text) - len, "end 0\n");

	enum err e = staging_write(s, READY ".new", bytes_of(text, len), f);
	if (e == OK && renameat(s->dir, READY ".new", s->dir, READY) < 0)
		e = fault_io(f, "cannot write to the staging folder");
	return e;
}

/* false: there is none, or none that is whole. */
static bool read_ready(const struct staging *s, struct ready *r)
{
	int fd = openat(s->dir, READY, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char name[64];
	unsigned long long inode;
	bool whole = false;

	*r = (struct ready){.has = {false}};
	if (file == NULL) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while (!whole && fscanf(file, "%63s %llu", name, &inode) == 2) {
		whole = strcmp(name, "end") == 0;
		for (unsigned k = 0; k < OUTPUT_KINDS; k++) {
			if (strcmp(name, output_places[k].folder) != 0)
				continue;
			r->has[k] = true;
			r->inode[k] = inode;
		}
		for (size_t i = 0; i < OUTPUT_REPORTS; i++)
			r->report[i] |= strcmp(name, output_reports[i]) == 0;
	}
	fclose(file);
	return whole;
}

/* ---- the staging folder ---- */

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

static bool is_no_folder(int dir, const char *path)
{
	struct stat st;

	return fstatat(dir, path, &st, 0) == 0 && !S_ISDIR(st.st_mode);
}

/* What is there under the final name can be replaced. */
static enum err check_final(const struct staging *s, struct fault *f)
{
	char path[PATH_BYTES];
	bool bad = is_no_folder(s->out, s->final);

	for (unsigned k = 0; k < OUTPUT_KINDS && !bad; k++) {
		snprintf(path, sizeof(path), "%s/%s", s->final, output_places[k].folder);
		bad = is_no_folder(s->out, path);
	}
	if (bad)
		return fault_set(f, ERR_UNUSABLE,
				 "a file has the name of one of the study's output folders",
				 FAULT_NO_OFFSET);
	return OK;
}

static enum err make_folder(struct staging *s, enum output_kind kind, struct fault *f)
{
	const char *name = output_places[kind].folder;

	if (mkdirat(s->dir, name, 0777) < 0)
		return fault_io(f, "cannot make a folder in the output folder");
	s->folder[kind] = openat(s->dir, name, FOLDER);
	return s->folder[kind] < 0 ? fault_io(f, "cannot open the staging folder") : OK;
}

enum err staging_open(struct staging *s, int out, const struct uid *study, unsigned kinds,
		      struct fault *f)
{
	struct ready left;

	*s = STAGING_NONE;
	s->out = out;
	snprintf(s->part, sizeof(s->part), ".UID_%s.part", study->text);
	snprintf(s->final, sizeof(s->final), "UID_%s", study->text);

	enum err e = open_and_lock(s, f);
	if (e != OK)
		return e;
	e = check_final(s, f);
	if (e == OK)
		e = read_ready(s, &left) ? carry_on(s, &left, f) : clear(s, f);
	for (unsigned k = 0; k < OUTPUT_KINDS && e == OK; k++)
		if ((kinds & OUTPUT_BIT(k)) != 0)
			e = make_folder(s, k, f);
	if (e != OK)
		staging_discard(s);
	return e;
}

enum err staging_write(struct staging *s, const char *name, struct bytes content, struct fault *f)
{
	return output_write(s->dir, name, content, f);
}

static void close_all(struct staging *s)
{
	for (unsigned k = 0; k < OUTPUT_KINDS; k++) {
		if (s->folder[k] >= 0)
			close(s->folder[k]);
		s->folder[k] = -1;
	}
	if (s->dir >= 0)
		close(s->dir); /* and with it the lock */
	s->dir = -1;
}

/* Is every new folder still in the staging folder? */
static bool is_untouched(const struct staging *s, const struct ready *r)
{
	bool untouched = true;
	struct stat st;

	for (unsigned k = 0; k < OUTPUT_KINDS; k++)
		if (r->has[k])
			untouched &= fstatat(s->dir, output_places[k].folder, &st,
					     AT_SYMLINK_NOFOLLOW) == 0 &&
				     st.st_ino == r->inode[k];
	return untouched;
}

static enum err replace(struct staging *s, struct fault *f)
{
	struct ready r;
	enum err e = look(s, &r, f);

	if (e == OK)
		e = write_ready(s, &r, f);
	if (e == OK) {
		e = carry_on(s, &r, f);
		if (e != OK && is_untouched(s, &r))
			(void)unlinkat(s->dir, READY, 0); /* staging_discard removes the rest */
	}
	if (e == OK && unlinkat(s->out, s->part, AT_REMOVEDIR) < 0)
		e = fault_io(f, "cannot remove the staging folder");
	return e;
}

uint32_t staging_count(const struct staging *s, enum output_kind kind)
{
	int fd = s->folder[kind] < 0
			 ? -1
			 : openat(s->folder[kind], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	uint32_t count = 0;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir))
		count += output_is_ours(kind, e->d_name);
	closedir(dir);
	return count;
}

enum err staging_publish(struct staging *s, struct fault *f)
{
	enum err e = OK;

	for (unsigned k = 0; k < OUTPUT_KINDS; k++) /* an empty one; any other stays */
		(void)unlinkat(s->dir, output_places[k].folder, AT_REMOVEDIR);
	if (rename_new(s->out, s->part, s->out, s->final) < 0) {
		if (errno != EEXIST && errno != ENOTEMPTY)
			return fault_io(f, "cannot rename the finished study");
		e = replace(s, f);
	}
	if (e == OK)
		close_all(s);
	return e;
}

bool staging_discard(struct staging *s)
{
	bool gone = true;
	struct stat st;

	if (s->dir >= 0 && fstatat(s->dir, READY, &st, AT_SYMLINK_NOFOLLOW) == 0)
		gone = false; /* half of it is published: for the next run to carry on */
	else if (s->dir >= 0)
		gone = clear(s, NULL) == OK && unlinkat(s->out, s->part, AT_REMOVEDIR) == 0;
	close_all(s);
	return gone;
}
