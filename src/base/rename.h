/*
 * renameat2(2), which not every libc, kernel and file system has: a rename that replaces nothing,
 * and one that exchanges two names.
 */
#ifndef BASE_RENAME_H
#define BASE_RENAME_H

#include "base/err.h"

/* Never over something: -1 and EEXIST.  Where the kernel or the file system has no such call, it is
 * looked first whether something is there, which may come in between. */
int rename_new(int from_dir, const char *from, int to_dir, const char *to) MUST_USE;

/* -1 and EOPNOTSUPP where it cannot be had. */
int rename_exchange(int dir, const char *name, int other_dir, const char *other) MUST_USE;

#endif
