/* anon/key: the file, and what comes from it. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "anon/key.h"
#include "anon/patient.h"
#include "base/sha256.h"
#include "support/support.h"
#include "support/syncs.h"

Suite *suite_anon_key(void);

#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static char *folder;
static unsigned fds;

static void setup(void)
{
	fds = test_open_fds();
	folder = test_tmpdir();
}

static void teardown(void)
{
	ck_assert_uint_eq(test_open_fds(), fds);
	test_tmpdir_remove(folder);
}

static const char *path(const char *name)
{
	static char text[2][512];
	static unsigned turn;
	char *p = text[turn++ % 2];

	snprintf(p, sizeof(text[0]), "%s/%s", folder, name);
	return p;
}

static void put(const char *name, const void *text, size_t len, mode_t mode)
{
	int fd = open(path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	ck_assert_int_eq(close(fd), 0);
}

/* ---- the file ---- */

#define RAW                                                                \
	"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f" \
	"\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"

static const struct {
	const char *text;
	size_t len;
	mode_t mode;
	enum err e;
} files[] = {
	{HEX "\n", 65, 0600, OK},
	{HEX, 64, 0400, OK},
	{HEX " \t\r\n\n", 69, 0600, OK},
	{"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F", 64, 0600, OK},
	{RAW, 32, 0600, OK},
	{HEX "\n", 65, 0640, ERR_UNUSABLE}, /* others may read it ... */
	{HEX "\n", 65, 0604, ERR_UNUSABLE},
	{HEX "\n", 65, 0620, ERR_UNUSABLE}, /* ... or write it */
	{HEX "\n", 65, 0644, ERR_UNUSABLE},
	{"", 0, 0600, ERR_UNUSABLE},
	{HEX, 63, 0600, ERR_UNUSABLE},
	{HEX "2", 65, 0600, ERR_UNUSABLE},
	{RAW, 31, 0600, ERR_UNUSABLE},
	{RAW "\x20", 33, 0600, ERR_UNUSABLE},
	{HEX, 32, 0600, ERR_UNUSABLE}, /* half of the digits are no 32 random bytes */
	{"000102030405060708090a0b0c0d0e0\n", 32, 0600, ERR_UNUSABLE},
	{"x" HEX, 64, 0600, ERR_UNUSABLE},
	{"0000000000000000000000000000000000000000000000000000000000000000", 64, 0600,
	 ERR_UNUSABLE},
	{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
	 "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
	 32, 0600, ERR_UNUSABLE},
};

START_TEST(test_file)
{
	struct anon_key key;
	struct fault f;

	put("key", files[_i].text, files[_i].len, files[_i].mode);
	enum err e = key_read(&key, path("key"), &f);
	ck_assert_int_eq(e, files[_i].e);
	if (e != OK)
		return;
	for (unsigned i = 0; i < ANON_KEY_LEN; i++)
		ck_assert_uint_eq(key.secret[i], i);
	ck_assert_uint_eq(strlen(key.id), 8);
}
END_TEST

START_TEST(test_no_file)
{
	struct anon_key key;
	struct fault f;

	ck_assert_int_eq(key_read(&key, path("missing"), &f), ERR_IO);
	ck_assert_int_eq(f.sys_errno, ENOENT);
	ck_assert_int_eq(key_read(&key, folder, &f), ERR_UNUSABLE);
	ck_assert_int_eq(mkfifo(path("fifo"), 0600), 0);
	ck_assert_int_eq(key_read(&key, path("fifo"), &f), ERR_UNUSABLE); /* and does not wait */
	char long_text[1000];
	memset(long_text, 'a', sizeof(long_text));
	put("long", long_text, sizeof(long_text), 0600);
	ck_assert_int_eq(key_read(&key, path("long"), &f), ERR_UNUSABLE);
	put("other's", HEX "\n", 65, 0600);
	if (geteuid() == 0 && chown(path("other's"), 4711, 4711) == 0) /* only root can try */
		ck_assert_int_eq(key_read(&key, path("other's"), &f), ERR_UNUSABLE);
}
END_TEST

START_TEST(test_make)
{
	struct anon_key made, read, other;
	struct fault f;
	struct stat st;

	umask(0);
	ck_assert_int_eq(key_make(path("key"), &made, &f), OK);
	ck_assert_int_eq(stat(path("key"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(st.st_size, 65);
	ck_assert_int_eq(key_read(&read, path("key"), &f), OK);
	ck_assert_mem_eq(made.secret, read.secret, ANON_KEY_LEN);
	ck_assert_str_eq(made.id, read.id);

	ck_assert_int_eq(key_make(path("key"), &other, &f), ERR_IO);
	ck_assert_int_eq(f.sys_errno, EEXIST);
	ck_assert_int_eq(key_read(&read, path("key"), &f), OK);
	ck_assert_mem_eq(made.secret, read.secret, ANON_KEY_LEN);
	ck_assert_int_eq(key_make(path("key2"), &other, &f), OK);
	ck_assert(memcmp(made.secret, other.secret, ANON_KEY_LEN) != 0);
	ck_assert_int_eq(symlink(path("nowhere"), path("link")), 0);
	ck_assert_int_eq(key_make(path("link"), &other, &f), ERR_IO);
	ck_assert_int_eq(key_make(path("no/folder"), &other, &f), ERR_IO);
}
END_TEST

/* A key is on disk, and so is its name, before anybody is told that there is one. */
START_TEST(test_make_synced)
{
	static const char *const paths[] = {".", "key", NULL};
	struct test_syncs syncs = {0};
	struct anon_key key;
	struct fault f;

	if (!test_syncs_watch(&syncs))
		return;
	ck_assert_int_eq(key_make(path("key"), &key, &f), OK);
	ck_assert_str_eq(test_syncs_text(&syncs, folder, paths), "sync key, sync .");
	syncs.fails = EIO;
	ck_assert_int_eq(key_make(path("key2"), &key, &f), ERR_IO);
	ck_assert_int_eq(access(path("key2"), F_OK), -1);
}
END_TEST

/* A disk that takes no more: no half a key stays. */
START_TEST(test_make_full)
{
	struct rlimit limit = {10, 10};
	struct anon_key key;
	struct fault f;

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(key_make(path("key"), &key, &f), ERR_IO);
	ck_assert_int_eq(access(path("key"), F_OK), -1);
}
END_TEST

/* ---- what comes from it ---- */

static struct anon_key fixed(void)
{
	struct anon_key key = {.id = ""};

	for (unsigned i = 0; i < ANON_KEY_LEN; i++)
		key.secret[i] = (uint8_t)i;
	return key;
}

/* Computed with Python's hmac: frames are a 4-byte big endian length, then the bytes. */
START_TEST(test_hash)
{
	static const uint8_t want[] = {0x6b, 0xbf, 0x5b, 0x74, 0x9d, 0x84, 0xfc, 0xec,
				       0x0f, 0xda, 0xfb, 0x3a, 0x5c, 0x28, 0x6a, 0x51,
				       0x85, 0xbc, 0x03, 0xb1, 0x4d, 0x50, 0x1b, 0x32,
				       0xe8, 0x57, 0x44, 0xac, 0x72, 0x08, 0x44, 0xab};
	const struct bytes parts[] = {BYTES_LIT("1234"), BYTES_LIT("issuer"), BYTES_NONE};
	const struct bytes moved[] = {BYTES_LIT("123"), BYTES_LIT("4issuer"), BYTES_NONE};
	struct anon_key key = fixed();
	uint8_t out[32], other[32];

	key_hash(&key, "patient", parts, 3, out);
	ck_assert_mem_eq(out, want, 32);
	key_hash(&key, "patient", moved, 3, other);
	ck_assert(memcmp(out, other, 32) != 0);
	key_hash(&key, "date", parts, 3, other);
	ck_assert(memcmp(out, other, 32) != 0);
	key_hash(&key, "patient", parts, 2, other);
	ck_assert(memcmp(out, other, 32) != 0);
	key.secret[31]++;
	key_hash(&key, "patient", parts, 3, other);
	ck_assert(memcmp(out, other, 32) != 0);
}
END_TEST

START_TEST(test_base32)
{
	uint8_t hash[32] = "foobar";
	char out[60];

	key_base32(hash, 40, out);
	ck_assert_str_eq(out, "MZXW6YTB"); /* RFC 4648, section 10 */
	key_base32(hash, 5, out);
	ck_assert_str_eq(out, "M");
	key_base32(hash, 0, out);
	ck_assert_str_eq(out, "");
	memset(hash, 0xFF, sizeof(hash));
	key_base32(hash, 255, out);
	ck_assert_uint_eq(strlen(out), 51);
	ck_assert_uint_eq(strspn(out, "7"), 51);
}
END_TEST

/* In [-most, -1], every value of it, each about as often; the same for the same patient. */
START_TEST(test_days)
{
	static const int mosts[] = {1, 2, 7, 365, 3650, 36500};
	struct anon_key key = fixed();
	unsigned seen[8] = {0};
	char id[32];

	for (size_t m = 0; m < sizeof(mosts) / sizeof(mosts[0]); m++)
		for (int i = 0; i < 2000; i++) {
			snprintf(id, sizeof(id), "P%d", i);
			struct bytes part = bytes_str(id);
			int days = key_days(&key, &part, 1, mosts[m]);

			ck_assert_int_le(days, -1);
			ck_assert_int_ge(days, -mosts[m]);
			ck_assert_int_eq(days, key_days(&key, &part, 1, mosts[m]));
			if (mosts[m] == 7)
				seen[-days]++;
		}
	for (int d = 1; d <= 7; d++) { /* 286 each, standard deviation 16 */
		ck_assert_uint_gt(seen[d], 200);
		ck_assert_uint_lt(seen[d], 370);
	}
}
END_TEST

/* What is remembered is what would be derived: with more UIDs than there is room for, again and
 * again, of every length, and with keys that take turns. */
START_TEST(test_uids)
{
	static const uint8_t keys[80] = {1, 2, 3, 1, 2, 4};
	static const struct {
		unsigned at, len;
	} of[] = {{0, 32}, {3, 32}, {0, 31}, {0, 64}, {0, 65}, {0, 0}};
	char text[3 * LIMIT_UID];

	for (unsigned i = 0; i < 6 * 4 * ANON_UIDS; i++) {
		unsigned k = i / ANON_UIDS % 3 == 0 ? i % 6 : i / ANON_UIDS % 2, n = i % 700;
		struct bytes key = bytes_of(keys + of[k].at, of[k].len);
		int len = snprintf(text, sizeof(text), "%s1.2.%0*u%s", n % 3 == 0 ? " " : "",
				   (int)(n % 80), n * 7919, n % 2 == 0 ? " " : "");
		struct bytes source = bytes_of(text, (size_t)len + (n % 2 == 1)); /* with its NUL */
		struct bytes trimmed = bytes_trim(source);
		struct uid want = uid_derive(key, "deid-uid", &trimmed, 1);
		struct uid got = anon_uid(key, n % 5 == 0 ? trimmed : source);

		ck_assert_str_eq(got.text, want.text);
	}
	struct uid none = anon_uid(bytes_of(keys, 32), BYTES_NONE);
	struct bytes nothing = BYTES_NONE;
	ck_assert_str_eq(none.text, uid_derive(bytes_of(keys, 32), "deid-uid", &nothing, 1).text);
	anon_uid_forget();
}
END_TEST

/* UIDs: which ones stay, and that padding makes no other one. */
START_TEST(test_well_known)
{
	static const struct {
		const char *uid;
		bool stays;
	} rows[] = {
		{"1.2.840.10008.1.2.1", true},
		{"1.2.840.10008.5.1.4.1.1.2", true},
		{"1.2.840.10008.5.1.4.99.12345", true}, /* in no table yet */
		{"1.2.840.10008.5.1.4.99.123456", false},
		{"1.2.840.10008.20200301.1", false}, /* minted there */
		{"1.2.840.10008.", false},
		{"1.2.840.10008.5..1", false},
		{"1.2.840.10008.5.1.4.1.1.2.3.4.5.6.7.8.9.10", false}, /* longer than any */
		{"1.2.840.100081.1.2", false},
		{"1.2.840.113619.2.55", false},
		{"2.25.1", false},
		{"", false},
	};
	struct bytes key = BYTES_LIT("0123456789abcdef0123456789abcdef");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes uid = bytes_str(rows[i].uid);

		ck_assert_msg(anon_uid_is_well_known(uid) == rows[i].stays, "%s", rows[i].uid);
		struct uid mapped = anon_uid_mapped(key, uid);
		ck_assert_msg((strcmp(mapped.text, rows[i].uid) == 0) == rows[i].stays, "%s",
			      rows[i].uid);
	}
	struct uid plain = anon_uid(key, BYTES_LIT("1.2.3"));
	ck_assert_int_eq(strncmp(plain.text, "2.25.", 5), 0);
	ck_assert_str_eq(anon_uid(key, BYTES_LIT("1.2.3\0")).text, plain.text);
	ck_assert_str_eq(anon_uid(key, BYTES_LIT("1.2.3 ")).text, plain.text);
	ck_assert_str_ne(anon_uid(key, BYTES_LIT("1.2.30")).text, plain.text);
	ck_assert_str_ne(anon_uid(BYTES_LIT("x"), BYTES_LIT("1.2.3")).text, plain.text);
}
END_TEST

Suite *suite_anon_key(void)
{
	Suite *s = suite_create("anon_key");
	TCase *t = tcase_create("key");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, test_file, 0, (int)(sizeof(files) / sizeof(files[0])));
	tcase_add_test(t, test_no_file);
	tcase_add_test(t, test_make);
	tcase_add_test(t, test_make_synced);
	tcase_add_test(t, test_make_full);
	tcase_add_test(t, test_hash);
	tcase_add_test(t, test_base32);
	tcase_add_test(t, test_days);
	tcase_add_test(t, test_well_known);
	tcase_add_test(t, test_uids);
	suite_add_tcase(s, t);
	return s;
}
