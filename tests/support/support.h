/*
 * What every suite may use.
 */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <stddef.h>
#include <stdint.h>

/* The folder of shared real data (NETRT_DATA, else ../shared/data), or NULL when it is not here. */
const char *test_data_dir(void);
/* Say by name what this test leaves out; the test then passes by returning. */
void test_skip(const char *what);

/* A new empty folder (malloc'ed path), and its removal with everything in it (frees the path). */
char *test_tmpdir(void);
void test_tmpdir_remove(char *path);

/* A copy whose last byte touches an unreadable page: any read past the end faults at once. */
uint8_t *guard_copy(const void *from, size_t len);
void guard_free(uint8_t *copy, size_t len);

/* Zero bytes, for as long as the test runs.  Large ones belong here and not into static arrays: in
 * the sanitized build those of all suites are searched for pointers at the end of every test. */
void *test_zeros(size_t len);

/* How many file descriptors this process has open. */
unsigned test_open_fds(void);

#endif
