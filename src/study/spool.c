/*
 * Receiving: .part files, and how they get their names.
 *
 * What was tried on ext4 (bench/bench_spool.c), with objects of 513 KiB and 1 and 8 processes, and
 * is therefore not here: creating the file in its last folder, or without a name (O_TMPFILE and
 * linkat), is not faster than create and rename, within the noise of 10 %; fallocate and
 * sync_file_range after each 128 KiB cost a third; one group commit for all processes (a leader
 * syncs the folder for those that renamed before it began) is slower than as many calls of fsync,
 * which the journal of the file system groups by itself: 8 processes commit two to three times as
 * many objects a second as one.
 */
#include "study/spool.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/rename.h"
#include "dicom/walk.h"
#include "study/spool_folder.h"

#define INCOMING ".incoming"
#define PUSH_BYTES (4u << 20) /* written back in pieces of this, so that fdatasync finds little */
#define GATHER 64u
#define TRIES 64 /* at a study that is removed and made anew under our feet */

/* ---- opening ---- */

enum err spool_open(struct spool *s, const char *working, enum spool_durability durability,
		    uint64_t min_free, struct fault *f)
{
	enum err e;

	*s = SPOOL_CLOSED;
	s->head = BUF_INIT(SPOOL_HEAD_MAX);
	s->durability = durability;
	s->min_free = min_free;
	s->working = open(working, SPOOL_FOLDER);
	if (s->working < 0)
		return fault_io(f, "cannot open the working folder");
	if (mkdirat(s->working, INCOMING, 0777) == 0 || errno == EEXIST) {
		s->incoming = openat(s->working, INCOMING, SPOOL_FOLDER | O_NOFOLLOW);
		if (s->incoming >= 0)
			return OK;
	}
	e = fault_io(f, "cannot make .incoming in the working folder");
	spool_close(s);
	return e;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_study(struct spool_study *st)
{
	for (unsigned k = 0; k < SPOOL_KINDS; k++)
		close_fd(&st->folder[k].fd);
	close_fd(&st->dir); /* and with it the lock */
}

void spool_close(struct spool *s)
{
	for (unsigned i = 0; i < s->study_count; i++)
		close_study(&s->study[i]);
	s->study_count = 0;
	buf_free(&s->head);
	close_fd(&s->incoming);
	close_fd(&s->working);
}

enum err spool_room(const struct spool *s, struct fault *f)
{
	struct statvfs v;

	if (s->min_free == 0)
		return OK;
	if (fstatvfs(s->working, &v) < 0)
		return fault_io(f, "cannot ask how much space is free");
	/* some file systems have no count of inodes */
	if ((uint64_t)v.f_bavail * v.f_frsize >= s->min_free && (v.f_files == 0 || v.f_favail > 0))
		return OK;
	errno = ENOSPC;
	return fault_io(f, "too little free space in the working folder");
}

/* ---- the part ---- */

static enum err make_head(struct spool *s, struct spool_part *p, const struct part10_meta *meta,
			  struct fault *f)
{
	s->head.len = 0;
	enum err e = part10_head(&s->head, meta, f);

	if (e == OK) {
		memcpy(p->head, s->head.at, s->head.len);
		p->head_len = s->head.len;
		p->data_at = s->head.len;
	}
	return e;
}

enum err spool_begin(struct spool *s, struct spool_part *p, const struct part10_meta *meta,
		     struct fault *f)
{
	enum err e;

	*p = SPOOL_PART_NONE;
	e = spool_room(s, f);
	if (e == OK)
		e = make_head(s, p, meta, f);
	if (e != OK)
		return e;
	do { /* an older process of this id may have left one */
		snprintf(p->name, sizeof(p->name), "%ld-%u.part", (long)getpid(), s->next_part++);
		p->fd = openat(s->incoming, p->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	} while (p->fd < 0 && errno == EEXIST);
	if (p->fd < 0)
		return fault_io(f, "cannot make a file for an object");
	return OK;
}

/* A large object goes to the disk while it comes, and not all at its end. */
static void push(const struct spool *s, struct spool_part *p)
{
	if (s->durability == SPOOL_NONE || p->size - p->pushed < PUSH_BYTES)
		return;
	/* only a hint: what fails now will fail in fdatasync */
	(void)sync_file_range(p->fd, (off_t)p->pushed, (off_t)(p->size - p->pushed),
			      SYNC_FILE_RANGE_WRITE);
	p->pushed = p->size;
}

static enum err write_head(struct spool_part *p, const struct bytes *views, size_t count,
			   struct fault *f)
{
	struct bytes all[GATHER + 1];

	assert(count <= GATHER);
	all[0] = bytes_of(p->head, p->head_len);
	for (size_t i = 0; i < count; i++)
		all[i + 1] = views[i];
	p->size = p->head_len;
	p->head_len = 0;
	return file_write_views(p->fd, all, count + 1, f);
}

enum err spool_write(struct spool *s, struct spool_part *p, const struct bytes *views, size_t count,
		     struct fault *f)
{
	size_t first = 0;
	enum err e = OK;

	assert(p->fd >= 0);
	if (p->head_len > 0) {
		first = count < GATHER ? count : GATHER;
		e = write_head(p, views, first, f);
	}
	if (e == OK && first < count)
		e = file_write_views(p->fd, views + first, count - first, f);
	if (e != OK)
		return e;
	for (size_t i = 0; i < count; i++)
		p->size += views[i].len;
	push(s, p);
	return OK;
}

void spool_discard(struct spool *s, struct spool_part *p)
{
	if (p->fd >= 0)
		close(p->fd);
	if (p->name[0] != '\0')
		(void)unlinkat(s->incoming, p->name, 0);
	*p = SPOOL_PART_NONE;
}

/* ---- studies that are fed ---- */

/* Give up the one that was fed least recently. */
static struct spool_study *free_place(struct spool *s)
{
	struct spool_study *oldest = &s->study[0];

	if (s->study_count < LIMIT_SPOOL_STUDIES)
		return &s->study[s->study_count++];
	for (unsigned i = 1; i < s->study_count; i++)
		if (s->study[i].used < oldest->used)
			oldest = &s->study[i];
	close_study(oldest);
	return oldest;
}

static void drop_study(struct spool *s, struct spool_study *st)
{
	close_study(st);
	*st = s->study[--s->study_count];
}

/* A folder that is there, or was just made, and then is not: somebody removes the study. */
static enum err no_folder(const char *text, struct fault *f)
{
	return errno == ENOENT ? ERR_MORE : fault_io(f, text);
}

static enum err open_study(struct spool *s, const struct uid *uid, struct spool_study **out,
			   struct fault *f)
{
	char name[SPOOL_STUDY_NAME_MAX];

	for (unsigned i = 0; i < s->study_count; i++) {
		if (uid_eq(&s->study[i].uid, uid)) {
			*out = &s->study[i];
			return OK;
		}
	}
	spool_study_name(uid, name);
	int dir = openat(s->working, name, SPOOL_FOLDER | O_NOFOLLOW);
	if (dir < 0 && errno == ENOENT && (mkdirat(s->working, name, 0777) == 0 || errno == EEXIST))
		dir = openat(s->working, name, SPOOL_FOLDER | O_NOFOLLOW);
	if (dir < 0)
		return no_folder("cannot make the folder of a study", f);

	*out = free_place(s);
	**out = (struct spool_study){.uid = *uid, .dir = dir, .folder = {{.fd = -1}, {.fd = -1}}};
	return OK;
}

/*
 * DCM or Structure, open.  Where names are to be durable, the study's own name is made so before
 * the first folder in it is made, so whoever finds the folder only has to see to that folder's
 * name.
 */
static enum err open_folder(const struct spool *s, struct spool_study *st, enum spool_kind kind,
			    struct fault *f)
{
	struct spool_folder *folder = &st->folder[kind];
	const char *name = spool_folder_name(kind);
	bool strict = s->durability == SPOOL_STRICT;
	struct stat there;

	if (folder->fd >= 0)
		return OK;
	folder->fd = openat(st->dir, name, SPOOL_FOLDER | O_NOFOLLOW);
	if (folder->fd < 0 && errno == ENOENT) {
		if (strict && fsync(s->working) < 0)
			return fault_io(f, "cannot sync the working folder");
		if (mkdirat(st->dir, name, 0777) == 0 || errno == EEXIST)
			folder->fd = openat(st->dir, name, SPOOL_FOLDER | O_NOFOLLOW);
	}
	if (folder->fd < 0)
		return no_folder("cannot make a folder of a study", f);
	if (fstat(folder->fd, &there) == 0 && (!strict || fsync(st->dir) == 0)) {
		folder->device = (uint64_t)there.st_dev;
		folder->inode = (uint64_t)there.st_ino;
		return OK;
	}
	enum err e = fault_io(f, "cannot sync the folder of a study");
	close_fd(&folder->fd);
	return e;
}

/* Is the folder still the one of that name?  Asked with its lock held. */
static bool is_in_place(const struct spool *s, const struct spool_study *st, enum spool_kind kind)
{
	char path[SPOOL_STUDY_NAME_MAX + 16];
	const struct spool_folder *folder = &st->folder[kind];
	size_t len = spool_study_name(&st->uid, path);
	struct stat named;

	snprintf(path + len, sizeof(path) - len, "/%s", spool_folder_name(kind));
	return fstatat(s->working, path, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (uint64_t)named.st_dev == folder->device && (uint64_t)named.st_ino == folder->inode;
}

/* ---- the same again? ---- */

/* Of a file that has a preamble and a group length, as all have that were received: the data set,
 * and the transfer syntax.  False for any other. */
static bool split(struct bytes file, struct bytes *data, struct bytes *syntax)
{
	const size_t at = 132, head = 12;
	struct walk w;
	struct token t;

	if (file.len < at + head || memcmp(file.at + 128, "DICM\2\0\0\0UL\4\0", 12) != 0)
		return false;
	uint32_t len = get_u32le(file.at + at + 8);
	if (len > file.len - at - head)
		return false;
	*data = bytes_slice(file, at + head + len, file.len - at - head - len);
	*syntax = BYTES_NONE;
	walk_init(&w, bytes_slice(file, at + head, len), &syntax_explicit_le);
	while (walk_next(&w, &t, NULL) == OK)
		if (t.tag == TAG_TransferSyntaxUID && t.depth == 0)
			*syntax = bytes_trim(t.value);
	return syntax->len > 0;
}

static enum err is_same(const struct spool *s, const struct spool_part *p, int folder,
			const char *name, bool *same, struct fault *f)
{
	struct file_map old = FILE_MAP_NONE, new = FILE_MAP_NONE;
	struct bytes old_data, new_data, old_syntax, new_syntax;
	enum err e = file_map(&old, folder, name, f);

	*same = false;
	if (e == ERR_UNUSABLE || e == ERR_LIMIT) /* whatever that is, it is not the same */
		return OK;
	if (e == OK)
		e = file_map(&new, s->incoming, p->name, f);
	if (e == OK)
		*same = split(old.bytes, &old_data, &old_syntax) &&
			split(new.bytes, &new_data, &new_syntax) &&
			bytes_eq(old_syntax, new_syntax) && bytes_eq(old_data, new_data);
	file_unmap(&old);
	file_unmap(&new);
	return e;
}

/* ---- the name ---- */

/* Size and time of a file are what tells whether it was seen (study/files.h). */
static enum err make_newer(const struct spool *s, const struct spool_part *p, int folder,
			   const char *name, struct fault *f)
{
	struct stat old, new;

	if (fstatat(folder, name, &old, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fstatat(s->incoming, p->name, &new, 0) < 0)
		return fault_io(f, "cannot look at an object that is to be replaced");
	if (new.st_mtim.tv_sec > old.st_mtim.tv_sec ||
	    (new.st_mtim.tv_sec == old.st_mtim.tv_sec &&new.st_mtim.tv_nsec > old.st_mtim.tv_nsec))
		return OK;

	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, old.st_mtim};
	times[1].tv_nsec += 1;
	if (times[1].tv_nsec == 1000000000)
		times[1] = (struct timespec){.tv_sec = old.st_mtim.tv_sec + 1};
	if (utimensat(s->incoming, p->name, times, 0) < 0)
		return fault_io(f, "cannot set the time of an object");
	return OK;
}

/* An instance of that name is there. */
static enum err meet_old(struct spool *s, struct spool_part *p, int folder, const char *name,
			 enum spool_result *result, struct fault *f)
{
	bool same;
	enum err e = is_same(s, p, folder, name, &same, f);

	if (e != OK)
		return e;
	*result = same ? SPOOL_SAME : SPOOL_REPLACED;
	if (same) {
		(void)unlinkat(s->incoming, p->name, 0);
		return OK;
	}
	e = make_newer(s, p, folder, name, f);
	if (e == OK && renameat(s->incoming, p->name, folder, name) < 0)
		e = fault_io(f, "cannot give an object its name");
	return e;
}

/* With the folder's lock held. */
static enum err give_name(struct spool *s, struct spool_part *p, int folder, const char *name,
			  enum spool_result *result, struct fault *f)
{
	if (rename_new(s->incoming, p->name, folder, name) == 0) {
		*result = SPOOL_NEW;
		return OK;
	}
	return errno == EEXIST ? meet_old(s, p, folder, name, result, f)
			       : fault_io(f, "cannot give an object its name");
}

/* ERR_MORE: the study was moved or removed; once more. */
static enum err place(struct spool *s, struct spool_part *p, struct spool_study *st,
		      enum spool_kind kind, const char *name, enum spool_result *result,
		      struct fault *f)
{
	assert(st != NULL); /* open_study said OK */
	enum err e = open_folder(s, st, kind, f);

	if (e != OK)
		return e;
	if (!st->locked && !s->unheld)
		st->locked = flock(st->dir, LOCK_SH | LOCK_NB) == 0;

	int folder = st->folder[kind].fd;
	spool_lock_folder(folder, LOCK_SH);
	e = is_in_place(s, st, kind) ? give_name(s, p, folder, name, result, f) : ERR_MORE;
	(void)flock(folder, LOCK_UN);
	return e;
}

void spool_let_go(struct spool *s, const struct uid *study)
{
	for (unsigned i = 0; i < s->study_count; i++) {
		if (!uid_eq(&s->study[i].uid, study))
			continue;
		spool_lock_folder(s->study[i].dir, LOCK_UN);
		s->study[i].locked = false;
	}
}

/* What was there already may have come in another mode, or its receiver may have died before it was
 * durable. */
static enum err sync_old(int folder, const char *name, struct fault *f)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 && errno == ENOENT) /* processed and removed since */
		return OK;
	enum err e = fd < 0 || fdatasync(fd) < 0 ? fault_io(f, "cannot sync an object") : OK;
	close_fd(&fd);
	return e;
}

/* The content is on the disk, and no error is left that close could tell. */
static enum err settle(struct spool *s, struct spool_part *p, struct fault *f)
{
	enum err e = p->head_len > 0 ? write_head(p, NULL, 0, f) : OK;

	if (e == OK && s->durability != SPOOL_NONE && fdatasync(p->fd) < 0)
		e = fault_io(f, "cannot sync an object");
	if (close(p->fd) < 0 && e == OK)
		e = fault_io(f, "cannot write");
	p->fd = -1;
	return e;
}

enum err spool_commit(struct spool *s, struct spool_part *p, const struct uid *study,
		      const struct uid *sop, enum spool_kind kind, enum spool_result *result,
		      struct fault *f)
{
	char name[LIMIT_UID + sizeof(".dcm")];
	struct spool_study *st = NULL;
	enum err e;

	assert(p->fd >= 0 && study->text[0] != '\0' && sop->text[0] != '\0');
	snprintf(name, sizeof(name), "%s.dcm", sop->text);
	e = settle(s, p, f);
	for (int tries = 0; e == OK; tries++) {
		e = open_study(s, study, &st, f);
		if (e == OK)
			e = place(s, p, st, kind, name, result, f);
		if (e != ERR_MORE)
			break;
		if (st != NULL)
			drop_study(s, st);
		st = NULL;
		e = OK;
		if (tries == TRIES) {
			errno = EBUSY;
			e = fault_io(f, "the folder of a study does not stay in its place");
		}
	}
	if (e != OK) {
		spool_discard(s, p);
		return e;
	}
	assert(st != NULL);
	*p = SPOOL_PART_NONE; /* it has its name, or is gone */
	st->used = ++s->clock;
	int folder = st->folder[kind].fd;
	if (*result == SPOOL_SAME && s->durability != SPOOL_NONE)
		e = sync_old(folder, name, f);
	if (e == OK && s->durability == SPOOL_STRICT && fsync(folder) < 0)
		e = fault_io(f, "cannot sync the folder of a study");
	return e;
}
