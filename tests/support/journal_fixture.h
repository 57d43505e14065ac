/*
 * A journal in a temporary folder, and its lines as text, for its suites.
 */
#ifndef TESTS_JOURNAL_FIXTURE_H
#define TESTS_JOURNAL_FIXTURE_H

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "study/journal.h"
#include "support/support.h"

static char *dir_path;
static int dir;
static unsigned fds_before;
static struct arena arena;
static char text[1 << 16];
static size_t text_len;

static inline void set_up(void)
{
	fds_before = test_open_fds();
	dir_path = test_tmpdir();
	dir = open(dir_path, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(dir, 0);
	ck_assert_int_eq(arena_open(&arena, 16 << 20, NULL), OK);
	text_len = 0;
}

static inline void tear_down(void)
{
	arena_close(&arena);
	close(dir);
	test_tmpdir_remove(dir_path);
	ck_assert_uint_eq(test_open_fds(), fds_before);
}

/* ---- by hand, so that the code under test is not its own judge ---- */

static inline uint32_t plain_crc32(const char *s, size_t len)
{
	uint32_t crc = 0xFFFFFFFF;

	for (size_t i = 0; i < len; i++) {
		crc ^= (uint8_t)s[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
	}
	return ~crc;
}

/* "sent pacs 1.2 0000" at so many seconds after 10:00. */
static inline void add(unsigned second, const char *words)
{
	char rest[2048];

	snprintf(rest, sizeof(rest), "2026-11-25T10:%02u:%02u.000Z %s", second / 60, second % 60,
		 words);
	text_len += (size_t)snprintf(text + text_len, sizeof(text) - text_len, "%08x %s\n",
				     plain_crc32(rest, strlen(rest)), rest);
	ck_assert_uint_lt(text_len, sizeof(text));
}

/* Lines apart by '|', a second between them. */
static inline void add_all(const char *lines)
{
	char copy[4096], *save = NULL;
	unsigned second = 0;

	snprintf(copy, sizeof(copy), "%s", lines);
	for (char *line = strtok_r(copy, "|", &save); line != NULL;
	     line = strtok_r(NULL, "|", &save))
		add(second++, line);
}

static inline struct journal_state parsed(void)
{
	struct journal_state s;
	struct fault f = {0};

	ck_assert_msg(journal_parse(&s, bytes_of(text, text_len), &arena, &f) == OK, "%s", f.text);
	return s;
}

static inline void put_file(size_t len)
{
	int fd = openat(dir, JOURNAL_NAME, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
	close(fd);
}

static inline size_t get_file(char *out, size_t size)
{
	int fd = openat(dir, JOURNAL_NAME, O_RDONLY);
	ssize_t n = read(fd, out, size);

	ck_assert_int_ge(n, 0);
	close(fd);
	return (size_t)n;
}

static inline struct uid uid_of(const char *s)
{
	struct uid u;

	ck_assert(uid_set(&u, bytes_str(s)));
	return u;
}

#endif
