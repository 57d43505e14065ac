/*
 * What a test has had synced to disk, and when: fsync, fdatasync and syncfs are caught, and not
 * done; what gives a file or folder its name is caught, and done.
 */
#ifndef TESTS_SYNCS_H
#define TESTS_SYNCS_H

#include <stdbool.h>
#include <sys/types.h>

#define TEST_SYNCS 64u

enum test_sync_kind {
	TEST_SYNC,     /* fsync, fdatasync: of a file or folder */
	TEST_SYNC_ALL, /* syncfs: inode is of what it was given */
	TEST_NAME,     /* rename, link, in all their forms: of what has the new name */
	TEST_MADE,     /* mkdirat */
};

struct test_syncs {
	int fails;      /* errno of each sync from now on; 0: none */
	unsigned count; /* of all that were caught; the first TEST_SYNCS are kept */
	struct {
		enum test_sync_kind kind;
		ino_t inode;
	} done[TEST_SYNCS];
};

/* For the rest of this process.  False: it cannot be watched here (another machine than x86-64, or
 * an emulated one). */
bool test_syncs_watch(struct test_syncs *syncs);

/* The order of things as "sync a, name a, sync ." with the names that inodes have now in `paths`
 * (below `dir`, up to NULL).  Static: until the next call. */
const char *test_syncs_text(const struct test_syncs *syncs, const char *dir,
			    const char *const *paths);

#endif
