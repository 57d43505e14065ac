/*
 * What a test has had synced to disk: fsync is caught, and not done.
 */
#ifndef TESTS_SYNCS_H
#define TESTS_SYNCS_H

#include <stdbool.h>

struct test_syncs {
	unsigned files, folders;
	int fails; /* errno of each fsync from now on; 0: none */
};

/* For the rest of this process.  False: it cannot be watched here (another machine than x86-64, or
 * an emulated one). */
bool test_syncs_watch(struct test_syncs *syncs);

#endif
