/*
 * The files of folders, one after the other.
 *
 * Folders are walked depth first without recursion, entries in byte order of their names, so
 * that a run reads the same files in the same order on every machine.  A path given to tree_add
 * may be a symbolic link to anything; inside folders, links to files are followed and links to
 * folders are not, so there are no loops.  FIFOs, sockets and devices are never opened.
 *
 * One folder (the output) can be left out wherever it turns up below what was added, and so are
 * staging folders (".UID_*.part").  Memory: the paths of one folder's entries at every level.
 */
#ifndef STUDY_TREE_H
#define STUDY_TREE_H

#include <sys/types.h>

#include "base/err.h"

#include <stdbool.h>

enum tree_kind {
	TREE_FILE,        /* a regular file, or a link to one */
	TREE_SPECIAL,     /* FIFO, socket, device */
	TREE_FOLDER_LINK, /* a link to a folder: not followed */
	TREE_DEAD_LINK,   /* a link to nothing */
	TREE_UNREADABLE,  /* sys_errno says why */
	TREE_TOO_DEEP,    /* a folder more than LIMIT_PATH_DEPTH down: not entered */
	TREE_OUTPUT,      /* the folder to leave out, or a staging folder */
};

struct tree_entry {
	enum tree_kind kind;
	const char *path; /* valid until the next call */
	int sys_errno;
};

struct tree_pending {
	char *path; /* owned (malloc) */
	unsigned depth;
	unsigned char type; /* DT_..., DT_UNKNOWN where it is to be found out */
};

struct tree {
	struct tree_pending *stack; /* owned; what is still to be visited, the next one last */
	size_t count, room;
	char *path; /* of the last entry; owned */
	bool has_skip;
	dev_t skip_dev;
	ino_t skip_ino;
};

#define TREE_EMPTY ((struct tree){0})

/* Leave out the folder behind `fd` wherever it is found below what was added. */
enum err tree_skip(struct tree *t, int fd, struct fault *f) MUST_USE;
/* Visited in the order of the calls, once tree_next is called.  ERR_NOMEM. */
enum err tree_add(struct tree *t, const char *path, struct fault *f) MUST_USE;
/* OK and *e; ERR_MORE when all is visited; ERR_NOMEM. */
enum err tree_next(struct tree *t, struct tree_entry *e, struct fault *f) MUST_USE;
void tree_free(struct tree *t);

#endif
