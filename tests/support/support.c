#include "support/support.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

const char *test_data_dir(void)
{
	const char *dir = getenv("NETRT_DATA");
	struct stat st;

	if (dir == NULL || *dir == '\0')
		dir = "../shared/data";
	return stat(dir, &st) == 0 && S_ISDIR(st.st_mode) ? dir : NULL;
}

void test_skip(const char *what)
{
	printf("SKIP: %s\n", what);
	fflush(stdout);
}

char *test_tmpdir(void)
{
	const char *base = getenv("TMPDIR");
	char path[512];

	snprintf(path, sizeof(path), "%s/netrt-test-XXXXXX",
		 base != NULL && *base != '\0' ? base : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(path));
	return strdup(path);
}

void test_tmpdir_remove(char *path)
{
	char command[700];

	/* musl's nftw stops at deep trees */
	snprintf(command, sizeof(command), "rm -rf '%s'", path);
	ck_assert_int_eq(system(command), 0);
	free(path);
}

static size_t whole_pages(size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (len + page - 1) / page * page;
}

uint8_t *guard_copy(const void *from, size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), body = whole_pages(len);
	uint8_t *base =
		mmap(NULL, body + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(base, MAP_FAILED);
	ck_assert_int_eq(mprotect(base + body, page, PROT_NONE), 0);
	if (len > 0)
		memcpy(base + body - len, from, len);
	return base + body - len;
}

void guard_free(uint8_t *copy, size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), body = whole_pages(len);

	munmap(copy + len - body, body + page);
}

void *test_zeros(size_t len)
{
	void *room = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert(room != MAP_FAILED);
	return room;
}

unsigned test_open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}
