#include "study/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"

static enum err no_memory(struct fault *f)
{
	return fault_set(f, ERR_NOMEM, "no memory for the names of a folder's files",
			 FAULT_NO_OFFSET);
}

/* Takes over `path` in every case; NULL is out of memory. */
static enum err push(struct tree *t, char *path, unsigned depth, unsigned char type,
		     struct fault *f)
{
	if (path == NULL)
		return no_memory(f);
	if (t->count == t->room) {
		size_t room = t->room == 0 ? 64 : t->room * 2;
		struct tree_pending *grown = realloc(t->stack, room * sizeof(*grown));

		if (grown == NULL) {
			free(path);
			return no_memory(f);
		}
		t->stack = grown;
		t->room = room;
	}
	t->stack[t->count++] = (struct tree_pending){.path = path, .depth = depth, .type = type};
	return OK;
}

enum err tree_skip(struct tree *t, int fd, struct fault *f)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fault_io(f, "cannot look at the output folder");
	t->has_skip = true;
	t->skip_dev = st.st_dev;
	t->skip_ino = st.st_ino;
	return OK;
}

enum err tree_add(struct tree *t, const char *path, struct fault *f)
{
	enum err e = push(t, strdup(path), 0, DT_UNKNOWN, f);

	if (e != OK)
		return e;
	/* the stack is read from its end: the first added must stay last */
	struct tree_pending added = t->stack[t->count - 1];
	memmove(t->stack + 1, t->stack, (t->count - 1) * sizeof(*t->stack));
	t->stack[0] = added;
	return OK;
}

void tree_free(struct tree *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->stack[i].path);
	free(t->stack);
	free(t->path);
	*t = TREE_EMPTY;
}

static int later_name_first(const void *a, const void *b)
{
	const struct tree_pending *x = a, *y = b;

	return strcmp(y->path, x->path);
}

static char *join(const char *folder, const char *name)
{
	size_t len = strlen(folder);
	const char *slash = len > 0 && folder[len - 1] == '/' ? "" : "/";
	size_t size = len + strlen(name) + 2;
	char *path = malloc(size);

	if (path != NULL)
		snprintf(path, size, "%s%s%s", folder, slash, name);
	return path;
}

/* Push what is in the folder.  ERR_IO: it cannot be listed (whatever was read is pushed). */
static enum err list(struct tree *t, DIR *folder, const char *path, unsigned depth, struct fault *f)
{
	size_t first = t->count;
	enum err e = OK;
	struct dirent *d;

	errno = 0;
	while ((d = readdir(folder)) != NULL) {
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0) {
			e = push(t, join(path, d->d_name), depth + 1, d->d_type, f);
			if (e != OK)
				return e;
		}
		errno = 0;
	}
	if (errno != 0)
		e = fault_io(f, "cannot list the folder");
	qsort(t->stack + first, t->count - first, sizeof(*t->stack), later_name_first);
	return e;
}

static bool is_staging(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;
	size_t len = strlen(name);

	return strncmp(name, ".UID_", 5) == 0 && len > 10 && strcmp(name + len - 5, ".part") == 0;
}

/* Enter a folder.  OK: its entries are pushed.  ERR_MORE: *e says why it was not entered. */
static enum err enter(struct tree *t, const struct tree_pending *p, struct tree_entry *e,
		      struct fault *f)
{
	struct stat st;
	struct fault why;
	/* what was named by the user may be a link; what was found in a folder must not be */
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (p->depth > 0 ? O_NOFOLLOW : 0);
	int fd;
	DIR *folder;

	e->kind = TREE_TOO_DEEP;
	if (p->depth > LIMIT_PATH_DEPTH)
		return ERR_MORE;
	e->kind = TREE_OUTPUT;
	if (p->depth > 0 && is_staging(p->path))
		return ERR_MORE;
	fd = open(p->path, flags);
	if (fd < 0 || fstat(fd, &st) < 0)
		goto unreadable;
	if (p->depth > 0 && t->has_skip && st.st_dev == t->skip_dev && st.st_ino == t->skip_ino) {
		close(fd);
		return ERR_MORE;
	}
	folder = fdopendir(fd);
	if (folder == NULL)
		goto unreadable;

	enum err err = list(t, folder, p->path, p->depth, &why);
	closedir(folder);
	if (err == OK)
		return OK;
	if (err != ERR_IO) {
		*f = why;
		return err;
	}
	e->kind = TREE_UNREADABLE;
	e->sys_errno = why.sys_errno;
	return ERR_MORE;

unreadable:
	e->kind = TREE_UNREADABLE;
	e->sys_errno = errno;
	if (fd >= 0)
		close(fd);
	return ERR_MORE;
}

/* The DT_ type of a link or of something unknown: what it leads to, or DT_LNK with e->kind set. */
static unsigned char resolve(const struct tree_pending *p, struct tree_entry *e)
{
	struct stat st;
	bool is_link = p->type == DT_LNK;

	if (p->type == DT_UNKNOWN && p->depth > 0) {
		if (lstat(p->path, &st) < 0)
			goto failed;
		is_link = S_ISLNK(st.st_mode);
	}
	if (stat(p->path, &st) < 0)
		goto failed;
	if (S_ISDIR(st.st_mode) && is_link) {
		e->kind = TREE_FOLDER_LINK;
		return DT_LNK;
	}
	return S_ISDIR(st.st_mode) ? DT_DIR : S_ISREG(st.st_mode) ? DT_REG : DT_FIFO;

failed:
	e->kind = is_link && errno == ENOENT ? TREE_DEAD_LINK : TREE_UNREADABLE;
	e->sys_errno = errno;
	return DT_LNK;
}

enum err tree_next(struct tree *t, struct tree_entry *e, struct fault *f)
{
	while (t->count > 0) {
		struct tree_pending p = t->stack[--t->count];
		unsigned char type = p.type;

		free(t->path);
		t->path = p.path;
		*e = (struct tree_entry){.path = p.path};
		if (type == DT_LNK || type == DT_UNKNOWN)
			type = resolve(&p, e);
		if (type == DT_LNK)
			return OK;
		if (type == DT_DIR) {
			enum err err = enter(t, &p, e, f);
			if (err == OK)
				continue;
			return err == ERR_MORE ? OK : err;
		}
		e->kind = type == DT_REG ? TREE_FILE : TREE_SPECIAL;
		return OK;
	}
	return ERR_MORE;
}
