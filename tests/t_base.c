/*
 * src/base: each promise of its headers.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/rename.h"
#include "base/utf8.h"
#include "support/support.h"

/* ---- bytes ---- */

static const struct {
	const char *name, *in, *want;
} trims[] = {
	{"nothing to trim", "abc", "abc"},
	{"trailing space", "abc ", "abc"},
	{"leading space", "  abc", "abc"},
	{"inner space stays", "a b", "a b"},
	{"only spaces", "   ", ""},
	{"empty", "", ""},
	{"a leading tab stays", "\tx", "\tx"},
};

START_TEST(trim)
{
	struct bytes got = bytes_trim(bytes_str(trims[_i].in));

	ck_assert_msg(bytes_eq_str(got, trims[_i].want), "%s", trims[_i].name);
}
END_TEST

START_TEST(trim_takes_nul_padding)
{
	ck_assert(bytes_eq_str(bytes_trim(bytes_of("1.2\0", 4)), "1.2"));
	ck_assert(bytes_eq_str(bytes_trim(bytes_of("1.2 \0 \0", 7)), "1.2"));
}
END_TEST

START_TEST(order_is_that_of_memcmp)
{
	ck_assert_int_lt(bytes_cmp(bytes_str("ab"), bytes_str("abc")), 0);
	ck_assert_int_gt(bytes_cmp(bytes_str("b"), bytes_str("abc")), 0);
	ck_assert_int_eq(bytes_cmp(bytes_str("abc"), bytes_str("abc")), 0);
	ck_assert_int_eq(bytes_cmp(BYTES_NONE, bytes_str("")), 0);
	ck_assert_int_gt(bytes_cmp(bytes_of("\xFF", 1), bytes_str("a")), 0);
}
END_TEST

static const struct {
	const char *hay, *needle;
	bool want;
} finds[] = {
	{"SkullBone", "skull", true},
	{"my SKULL", "skull", true},
	{"sku", "skull", false},
	{"skul", "skull", false},
	{"", "", true},
	{"x", "", true},
	{"", "x", false},
	{"aab", "ab", true},
	{"\xC3\x84", "\xC3\xA4", false},
};

START_TEST(substring_without_case)
{
	ck_assert_int_eq(bytes_has_nocase(bytes_str(finds[_i].hay), bytes_str(finds[_i].needle)),
			 finds[_i].want);
}
END_TEST

START_TEST(to_str_cuts_and_ends)
{
	char four[4];

	bytes_to_str(bytes_str("abcdef"), four, sizeof(four));
	ck_assert_str_eq(four, "abc");
	bytes_to_str(BYTES_NONE, four, sizeof(four));
	ck_assert_str_eq(four, "");
}
END_TEST

START_TEST(reader_reads_both_orders)
{
	struct rd r = rd_of(bytes_of("\x01\x02\x03\x04\x05\x06\x07", 7));

	ck_assert_uint_eq(rd_u16(&r, false), 0x0201);
	ck_assert_uint_eq(rd_u32(&r, true), 0x03040506);
	ck_assert_uint_eq(rd_left(&r), 1);
	ck_assert_uint_eq(rd_u8(&r), 7);
	ck_assert(!r.failed);
}
END_TEST

START_TEST(reader_fails_for_good)
{
	struct rd r = rd_of(bytes_of("\x01\x02\x03", 3));

	ck_assert_uint_eq(rd_u16(&r, false), 0x0201);
	ck_assert_uint_eq(rd_u32(&r, false), 0);
	ck_assert(r.failed);
	ck_assert_uint_eq(r.fail_at, 2);
	ck_assert_uint_eq(rd_u8(&r), 0); /* a byte is left, but the first failure sticks */
	ck_assert_uint_eq(rd_left(&r), 0);
	ck_assert_uint_eq(rd_take(&r, 0).len, 0);
	ck_assert_uint_eq(r.fail_at, 2);
}
END_TEST

START_TEST(reader_refuses_lengths_past_the_end)
{
	struct rd r = rd_of(bytes_of("abc", 3));

	ck_assert(bytes_eq_str(rd_take(&r, 3), "abc"));
	ck_assert_uint_eq(rd_take(&r, SIZE_MAX).len, 0);
	ck_assert(r.failed);
}
END_TEST

START_TEST(sizes_do_not_wrap)
{
	size_t n = 7;

	ck_assert(!size_mul(SIZE_MAX / 2 + 1, 2, &n));
	ck_assert(!size_add(SIZE_MAX, 1, &n));
	ck_assert_uint_eq(n, 7);
	ck_assert(size_mul(6, 7, &n) && n == 42);
	ck_assert(size_add(40, 3, &n) && n == 43);
}
END_TEST

START_TEST(numbers_in_memory)
{
	uint8_t p[8] = {1, 2, 3, 4, 5, 6, 7, 8};

	ck_assert(get_u64le(p) == 0x0807060504030201u);
	ck_assert(get_u64be(p) == 0x0102030405060708u);
	put_u32be(p, 0xA1B2C3D4);
	ck_assert_uint_eq(get_u32le(p), 0xD4C3B2A1);
	put_u16le(p, 0xBEEF);
	ck_assert_uint_eq(get_u16be(p), 0xEFBE);
	put_u32le(p, 0x01020304);
	ck_assert_uint_eq(get_u32be(p), 0x04030201);
}
END_TEST

/* ---- faults ---- */

START_TEST(fault_says_what_and_where)
{
	char text[200], tiny[10];
	struct fault f;

	ck_assert_int_eq(fault_tag(&f, ERR_WIRE, "cut short", 132, 0x00280010), ERR_WIRE);
	fault_format(&f, text, sizeof(text));
	ck_assert_str_eq(text, "cut short (offset 132, attribute (0028,0010))");
	fault_set(&f, ERR_WIRE, "odd", FAULT_NO_OFFSET);
	fault_format(&f, text, sizeof(text));
	ck_assert_str_eq(text, "odd");
	errno = ENOSPC;
	ck_assert_int_eq(fault_io(&f, "cannot write"), ERR_IO);
	fault_format(&f, text, sizeof(text));
	ck_assert_str_eq(text, "cannot write: No space left on device");
	fault_format(&f, tiny, sizeof(tiny));
	ck_assert_str_eq(tiny, "cannot wr");
	ck_assert_int_eq(fault_set(NULL, ERR_LIMIT, "x", 0), ERR_LIMIT);
}
END_TEST

/* ---- buf ---- */

START_TEST(buf_grows_to_its_maximum_and_no_further)
{
	struct buf b = BUF_INIT(1000);

	for (int i = 0; i < 100; i++)
		buf_str(&b, "0123456789");
	ck_assert(!b.failed);
	ck_assert_uint_eq(b.len, 1000);
	buf_char(&b, 'x');
	ck_assert(b.failed);
	ck_assert_uint_eq(b.len, 1000);
	buf_fmt(&b, "%d", 1);
	ck_assert_uint_eq(b.len, 1000);
	buf_free(&b);
	ck_assert(!b.failed && b.len == 0 && b.max == 1000);
	buf_fmt(&b, "%s %d", "a", 5);
	ck_assert_str_eq((char *)b.at, "a 5");
	buf_free(&b);
}
END_TEST

/* With just enough room, one byte less, one more, and up to the maximum. */
START_TEST(buf_fmt_at_every_length)
{
	for (size_t len = 0; len <= 600; len++) {
		struct buf b = BUF_INIT(600);

		for (size_t i = 0; i < len; i++)
			buf_char(&b, 'x');
		buf_fmt(&b, "%s-%d", "0123456", 89);
		ck_assert(b.failed == (len + 10 > 600));
		ck_assert_uint_eq(b.len, (b.failed ? len : len + 10));
		ck_assert_uint_eq(strlen((const char *)b.at), b.len);
		ck_assert(b.failed || memcmp(b.at + len, "0123456-89", 10) == 0);
		buf_free(&b);
	}
}
END_TEST

START_TEST(buf_is_cleared_and_keeps_its_memory)
{
	struct buf b = BUF_INIT(300);

	buf_clear(&b); /* of nothing */
	ck_assert(b.at == NULL && b.len == 0);
	for (int i = 0; i < 4; i++)
		buf_str(&b, "a hundred bytes and some more of them, so that the fifth finds no "
			    "room at all here..");
	ck_assert(b.failed);
	const uint8_t *at = b.at;
	buf_clear(&b);
	ck_assert(!b.failed && b.len == 0 && b.max == 300 && b.at == at);
	ck_assert_str_eq((const char *)b.at, "");
	buf_str(&b, "short");
	ck_assert_str_eq((const char *)b.at, "short");
	ck_assert_ptr_eq(b.at, at);
	buf_free(&b);
}
END_TEST

static const struct {
	const char *in, *json, *escaped;
} quotes[] = {
	{"plain", "\"plain\"", "plain"},
	{"a\"b\\c", "\"a\\\"b\\\\c\"", "a\"b\\c"},
	{"line\nline", "\"line\\nline\"", "line\\x0Aline"},
	{"\x1B[2J", "\"\\u001b[2J\"", "\\x1B[2J"},
	{"\xC3\xA4", "\"\xC3\xA4\"", "\xC3\xA4"},
	{"\xE4", "\"\xEF\xBF\xBD\"", "\\xE4"},
	{"\xC2\x85", "\"\\u0085\"", "\\xC2\\x85"}, /* C1 control */
	{"\xE2\x80\xAE"
	 "x",
	 "\"\\u202ex\"", "\\xE2\\x80\\xAEx"},                 /* right-to-left override */
	{"\xE2\x80\xA8", "\"\\u2028\"", "\\xE2\\x80\\xA8"},   /* line separator */
	{"\xE2\x80\x8B", "\"\\u200b\"", "\\xE2\\x80\\x8B"},   /* zero-width space */
	{"\xE2\x80\x90", "\"\xE2\x80\x90\"", "\xE2\x80\x90"}, /* hyphen */
	{"\xD8\x9C", "\"\\u061c\"", "\\xD8\\x9C"},            /* Arabic letter mark */
	{"\x7F", "\"\\u007f\"", "\\x7F"},
};

START_TEST(text_is_quoted)
{
	struct buf b = BUF_INIT(1000);

	buf_json(&b, bytes_str(quotes[_i].in));
	ck_assert_str_eq((char *)b.at, quotes[_i].json);
	buf_free(&b);
	buf_escaped(&b, bytes_str(quotes[_i].in));
	ck_assert_str_eq((char *)b.at, quotes[_i].escaped);
	buf_free(&b);
	ck_assert_str_eq(log_quote_str(quotes[_i].in), quotes[_i].escaped);
}
END_TEST

START_TEST(log_quote_is_bounded)
{
	static char big[5000];

	memset(big, 1, sizeof(big) - 1);
	ck_assert_uint_lt(strlen(log_quote_str(big)), 1024);
}
END_TEST

/* ---- utf8 ---- */

static const struct {
	const char *name, *in;
	unsigned len;
	uint32_t code;
} sequences[] = {
	{"ascii", "A", 1, 'A'},
	{"two bytes", "\xC3\xA4", 2, 0xE4},
	{"three bytes", "\xE5\xB1\xB1", 3, 0x5C71},
	{"four bytes", "\xF0\x9F\x98\x80", 4, 0x1F600},
	{"last code point", "\xF4\x8F\xBF\xBF", 4, 0x10FFFF},
	{"past the last", "\xF4\x90\x80\x80", 0, 0},
	{"overlong slash", "\xC0\xAF", 0, 0},
	{"overlong three", "\xE0\x80\xAF", 0, 0},
	{"surrogate", "\xED\xA0\x80", 0, 0},
	{"continuation first", "\x80", 0, 0},
	{"cut short", "\xE5\xB1", 0, 0},
	{"bad continuation", "\xC3(", 0, 0},
	{"empty", "", 0, 0},
};

START_TEST(utf8_sequences)
{
	uint32_t code = 0;
	uint8_t back[4];
	struct bytes in = bytes_str(sequences[_i].in);

	ck_assert_msg(utf8_next(in, &code) == sequences[_i].len, "%s", sequences[_i].name);
	if (sequences[_i].len == 0)
		return;
	ck_assert_uint_eq(code, sequences[_i].code);
	ck_assert_uint_eq(utf8_put(back, code), sequences[_i].len);
	ck_assert_mem_eq(back, in.at, in.len);
	ck_assert(utf8_valid(in));
}
END_TEST

/* ---- files ---- */

static void write_file(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	ck_assert_ptr_nonnull(out);
	fputs(text, out);
	ck_assert_int_eq(fclose(out), 0);
}

START_TEST(files_are_mapped_and_given_back)
{
	char *dir = test_tmpdir(), path[600];
	unsigned before = test_open_fds();
	struct file_map m = {.bytes = BYTES_LIT("x"), .fd = 0};
	struct bytes view;
	struct fault f;

	snprintf(path, sizeof(path), "%s/file", dir);
	ck_assert_int_eq(file_map(&m, AT_FDCWD, path, &f), ERR_IO);
	ck_assert_int_eq(f.sys_errno, ENOENT);
	ck_assert(m.bytes.at == NULL && m.bytes.len == 0 && m.fd == -1);
	write_file(path, "");
	ck_assert_int_eq(file_map(&m, AT_FDCWD, path, &f), OK);
	ck_assert_uint_eq(m.bytes.len, 0);
	file_unmap(&m);
	write_file(path, "hello");
	ck_assert_int_eq(file_map(&m, AT_FDCWD, path, &f), OK);
	ck_assert(bytes_eq_str(m.bytes, "hello"));
	ck_assert_int_eq(file_view(&view, m.fd, &f), OK); /* of the open file, once more */
	file_unmap(&m);
	ck_assert(bytes_eq_str(view, "hello"));
	file_unview(view);
	file_unview(BYTES_NONE);
	file_unmap(&m);
	m = (struct file_map){.bytes = BYTES_LIT("x"), .fd = 0};
	ck_assert_int_eq(file_map(&m, AT_FDCWD, dir, &f), ERR_UNUSABLE);
	ck_assert(m.bytes.at == NULL && m.fd == -1);
	snprintf(path, sizeof(path), "%s/fifo", dir);
	ck_assert_int_eq(mkfifo(path, 0666), 0);
	ck_assert_int_eq(file_map(&m, AT_FDCWD, path, &f), ERR_UNUSABLE); /* and does not hang */
	ck_assert_uint_eq(test_open_fds(), before);
	test_tmpdir_remove(dir);
}
END_TEST

START_TEST(small_files_are_read_up_to_a_limit)
{
	char *dir = test_tmpdir(), path[600];
	struct arena a;
	struct bytes b;

	snprintf(path, sizeof(path), "%s/file", dir);
	write_file(path, "12345");
	ck_assert_int_eq(arena_open(&a, 4096, NULL), OK);
	ck_assert_int_eq(file_read(&b, path, 4, &a, NULL), ERR_LIMIT);
	ck_assert_int_eq(file_read(&b, path, 5, &a, NULL), OK);
	ck_assert_str_eq((const char *)b.at, "12345");
	arena_close(&a);
	test_tmpdir_remove(dir);
}
END_TEST

START_TEST(reading_survives_every_cap)
{
	char *dir = test_tmpdir(), path[600];
	struct arena a;
	struct bytes b;
	enum err e = ERR_NOMEM;

	snprintf(path, sizeof(path), "%s/file", dir);
	write_file(path, "a file of some length, longer than the first caps");
	unsigned before = test_open_fds();
	for (size_t cap = 16; e != OK; cap += 16) {
		ck_assert_int_eq(arena_open(&a, cap, NULL), OK);
		e = file_read(&b, path, 4096, &a, NULL);
		ck_assert(e == OK || e == ERR_NOMEM);
		arena_close(&a);
		ck_assert_uint_lt(cap, 4096);
	}
	ck_assert_uint_eq(test_open_fds(), before);
	test_tmpdir_remove(dir);
}
END_TEST

/* More views than one writev takes, empty ones among them. */
START_TEST(all_views_are_written_in_order)
{
	enum { VIEWS = 500 };
	static uint8_t source[VIEWS], got[VIEWS];
	struct bytes views[VIEWS];
	char *dir = test_tmpdir(), path[600];

	for (int i = 0; i < VIEWS; i++) {
		source[i] = (uint8_t)(i * 7);
		views[i] = bytes_of(&source[i], i % 5 == 0 ? 0 : 1);
	}
	snprintf(path, sizeof(path), "%s/out", dir);
	int fd = open(path, O_RDWR | O_CREAT, 0666);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(file_write_views(fd, views, VIEWS, NULL), OK);
	ck_assert_int_eq(pread(fd, got, sizeof(got), 0), VIEWS - VIEWS / 5);
	for (int i = 0, k = 0; i < VIEWS; i++)
		if (i % 5 != 0)
			ck_assert_uint_eq(got[k++], source[i]);
	close(fd);
	fd = open("/dev/full", O_WRONLY);
	if (fd >= 0) {
		struct fault f;
		ck_assert_int_eq(file_write_all(fd, BYTES_LIT("x"), &f), ERR_IO);
		ck_assert_int_eq(f.sys_errno, ENOSPC);
		close(fd);
	}
	test_tmpdir_remove(dir);
}
END_TEST

static void on_alarm(int sig)
{
	(void)sig;
}

/* How many bytes come out of a pipe and are i * 7 each; a child's job. */
static size_t drain(int fd)
{
	uint8_t got[3000];
	size_t good = 0;

	for (;;) {
		ssize_t n = read(fd, got, sizeof(got));

		if (n <= 0)
			return good;
		for (ssize_t i = 0; i < n; i++)
			good += got[i] == (uint8_t)(good * 7);
	}
}

/* A pipe holds 64 KiB and signals keep arriving, so writes are cut short or interrupted. */
START_TEST(short_writes_are_carried_on)
{
	enum { TOTAL = 4 << 20, VIEW = 99991 };
	static struct bytes views[TOTAL / VIEW + 1];
	uint8_t *source = malloc(TOTAL);
	size_t count = 0;
	int ends[2], status;

	for (size_t i = 0; i < TOTAL; i++)
		source[i] = (uint8_t)(i * 7);
	for (size_t at = 0; at < TOTAL; at += VIEW)
		views[count++] =
			bytes_of(source + at, at + VIEW < TOTAL ? (size_t)VIEW : TOTAL - at);
	ck_assert_int_eq(pipe(ends), 0);
	pid_t reader = fork();
	ck_assert_int_ge(reader, 0);
	if (reader == 0) {
		close(ends[1]);
		_exit(drain(ends[0]) == TOTAL ? 0 : 1);
	}
	close(ends[0]);
	struct sigaction on = {.sa_handler = on_alarm}; /* no SA_RESTART */
	struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
	ck_assert_int_eq(sigaction(SIGALRM, &on, NULL), 0);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
	enum err e = file_write_views(ends[1], views, count, NULL);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
	ck_assert_int_eq(e, OK);
	close(ends[1]);
	ck_assert_int_eq(waitpid(reader, &status, 0), reader);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	free(source);
}
END_TEST

/* The limit cuts the first write short; the second one says why. */
START_TEST(a_write_that_cannot_go_on_is_an_error)
{
	struct rlimit limit = {1000, 1000};
	static uint8_t zeros[4096];
	char *dir = test_tmpdir(), path[600];
	struct fault f;

	signal(SIGXFSZ, SIG_IGN);
	snprintf(path, sizeof(path), "%s/out", dir);
	int fd = open(path, O_RDWR | O_CREAT, 0666);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	enum err e = file_write_all(fd, bytes_of(zeros, sizeof(zeros)), &f);
	ck_assert_int_eq(e, ERR_IO);
	ck_assert_int_eq(f.sys_errno, EFBIG);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), 1000);
	close(fd);
	test_tmpdir_remove(dir);
}
END_TEST

/* ---- clock ---- */

/* What is there stays, and two folders change places; a folder cannot come to lie in itself, which
 * the kernel says as it says that it has no such call. */
START_TEST(a_rename_replaces_nothing)
{
	char *path = test_tmpdir();
	int dir = open(path, O_RDONLY | O_DIRECTORY);
	struct stat one, two, now;

	ck_assert_int_ge(dir, 0);
	ck_assert_int_eq(mkdirat(dir, "one", 0700), 0);
	ck_assert_int_eq(mkdirat(dir, "two", 0700), 0);
	ck_assert_int_eq(fstatat(dir, "one", &one, 0) + fstatat(dir, "two", &two, 0), 0);
	ck_assert(rename_new(dir, "one", dir, "two") == -1 && errno == EEXIST);
	ck_assert_int_eq(rename_exchange(dir, "one", dir, "two"), 0);
	ck_assert_int_eq(fstatat(dir, "two", &now, 0), 0);
	ck_assert(now.st_ino == one.st_ino);
	ck_assert_int_eq(rename_new(dir, "two", dir, "three"), 0);
	ck_assert_int_eq(fstatat(dir, "three", &now, 0), 0);
	ck_assert(now.st_ino == one.st_ino);
	ck_assert(rename_new(dir, "one", dir, "one/in") == -1 && errno == EINVAL);
	ck_assert_int_eq(mkdirat(dir, "one/in", 0700), 0);
	ck_assert(rename_new(dir, "one", dir, "one/in") == -1 && errno == EEXIST);
	ck_assert(rename_exchange(dir, "one", dir, "one/in") == -1 && errno == EOPNOTSUPP);
	close(dir);
	test_tmpdir_remove(path);
}
END_TEST

START_TEST(time_can_be_fixed)
{
	char date[9], time[14], iso[20];
	struct wall w;

	setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
	w = clock_wall();
	wall_date(&w, date);
	wall_time(&w, time);
	ck_assert_str_eq(date, "20231114");
	ck_assert_str_eq(time, "221320.000000");
	wall_iso(&w, 'T', iso);
	ck_assert_str_eq(iso, "2023-11-14T22:13:20");
	wall_iso(&w, ' ', iso);
	ck_assert_str_eq(iso, "2023-11-14 22:13:20");
	setenv("SOURCE_DATE_EPOCH", "rubbish", 1);
	w = clock_wall();
	ck_assert_int_ge(w.year, 2025);
	unsetenv("SOURCE_DATE_EPOCH");
	uint64_t before = clock_us();
	ck_assert(clock_us() >= before);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

Suite *suite_base(void);
Suite *suite_base(void)
{
	Suite *suite = suite_create("base");
	TCase *t = tcase_create("base");

	tcase_add_loop_test(t, trim, 0, ROWS(trims));
	tcase_add_test(t, trim_takes_nul_padding);
	tcase_add_test(t, order_is_that_of_memcmp);
	tcase_add_loop_test(t, substring_without_case, 0, ROWS(finds));
	tcase_add_test(t, to_str_cuts_and_ends);
	tcase_add_test(t, reader_reads_both_orders);
	tcase_add_test(t, reader_fails_for_good);
	tcase_add_test(t, reader_refuses_lengths_past_the_end);
	tcase_add_test(t, sizes_do_not_wrap);
	tcase_add_test(t, numbers_in_memory);
	tcase_add_test(t, fault_says_what_and_where);
	tcase_add_test(t, buf_grows_to_its_maximum_and_no_further);
	tcase_add_test(t, buf_fmt_at_every_length);
	tcase_add_test(t, buf_is_cleared_and_keeps_its_memory);
	tcase_add_loop_test(t, text_is_quoted, 0, ROWS(quotes));
	tcase_add_test(t, log_quote_is_bounded);
	tcase_add_loop_test(t, utf8_sequences, 0, ROWS(sequences));
	tcase_add_test(t, files_are_mapped_and_given_back);
	tcase_add_test(t, small_files_are_read_up_to_a_limit);
	tcase_add_test(t, reading_survives_every_cap);
	tcase_add_test(t, all_views_are_written_in_order);
	tcase_add_test(t, short_writes_are_carried_on);
	tcase_add_test(t, a_write_that_cannot_go_on_is_an_error);
	tcase_add_test(t, a_rename_replaces_nothing);
	tcase_add_test(t, time_can_be_fixed);
	suite_add_tcase(suite, t);
	return suite;
}
