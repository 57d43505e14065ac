#include "base/rename.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/fs.h; not in every libc's stdio.h */
#define NO_REPLACE 1u
#define EXCHANGE 2u

/* -1 and EOPNOTSUPP where these flags are not known: ENOSYS and EINVAL are said, too. */
static int rename_with(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	int done = (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);

	if (done < 0 && (errno == ENOSYS || errno == EINVAL))
		errno = EOPNOTSUPP;
	return done;
}

int rename_new(int from_dir, const char *from, int to_dir, const char *to)
{
	struct stat there;

	if (rename_with(from_dir, from, to_dir, to, NO_REPLACE) == 0)
		return 0;
	if (errno != EOPNOTSUPP)
		return -1;
	if (fstatat(to_dir, to, &there, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	return renameat(from_dir, from, to_dir, to);
}

int rename_exchange(int dir, const char *name, int other_dir, const char *other)
{
	return rename_with(dir, name, other_dir, other, EXCHANGE);
}
