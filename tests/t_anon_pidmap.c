/* anon/pidmap: NETRT's map of patients, read, continued, shared, and never begun again. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "anon/pidmap.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/sha256.h"
#include "support/support.h"
#include "support/syncs.h"

Suite *suite_anon_pidmap(void);

static const struct wall now = {
	.year = 2026, .month = 1, .day = 2, .hour = 3, .minute = 4, .second = 5, .microsecond = 6};

/*
 * As NETRT writes it (json.dump(..., indent=2)), for "12345|SMITH^JOHN", and for "AB 7|M\u00fcller"
 * with a site code beyond ASCII.
 */
static const char netrt[] = "{\n"
			    "  \"8a27406d4f353507\": {\n"
			    "    \"anonymized_id\": \"SITE_0007_20240101\",\n"
			    "    \"first_seen\": \"2024-01-02T03:04:05.678901\",\n"
			    "    \"original_patient_id_hash\": \"8a27406d4f353507\",\n"
			    "    \"study_count\": 3\n"
			    "  },\n"
			    "  \"8bf04db47b60596b\": {\n"
			    "    \"anonymized_id\": \"Z\\u00fcrich_0041_20240303\",\n"
			    "    \"first_seen\": \"2024-03-03T03:04:05.678901\",\n"
			    "    \"original_patient_id_hash\": \"8bf04db47b60596b\",\n"
			    "    \"study_count\": 1\n"
			    "  }\n"
			    "}";

static char *folder;
static char map[512];
static unsigned fds;
static struct arena arena;

static void setup(void)
{
	fds = test_open_fds();
	folder = test_tmpdir();
	snprintf(map, sizeof(map), "%s/pid_mapping.json", folder);
	ck_assert_int_eq(arena_open(&arena, 256u << 20, NULL), OK);
}

static void teardown(void)
{
	arena_close(&arena);
	ck_assert_uint_eq(test_open_fds(), fds);
	test_tmpdir_remove(folder);
}

static void put(const char *text, size_t len)
{
	FILE *f = fopen(map, "wb");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
}

static struct bytes content(void)
{
	struct bytes text;

	ck_assert_int_eq(file_read(&text, map, 256u << 20, &arena, NULL), OK);
	return text;
}

static enum err get(const char *site, const char *id, const char *name, const char *date,
		    char out[static PIDMAP_ID_MAX + 1], struct fault *f)
{
	const struct pidmap_patient p = {bytes_str(id), bytes_str(name), bytes_str(date)};

	return pidmap_get(map, site, &p, &now, NULL, out, f);
}

static void is(const char *site, const char *id, const char *name, const char *date,
	       const char *want)
{
	char out[PIDMAP_ID_MAX + 1];
	struct fault f;

	ck_assert_msg(get(site, id, name, date, out, &f) == OK, "%s: %s", id, f.text);
	ck_assert_str_eq(out, want);
}

/* ---- NETRT's own ---- */

START_TEST(test_new)
{
	struct stat st;

	is("SITE", "1", "A^B", "20240229", "SITE_0001_20240229");
	is("SITE", "1", "A^C", "20240229", "SITE_0002_20240229"); /* the name counts */
	is("SITE", "1", "A^B", "20250101", "SITE_0001_20240229"); /* the date of the first */
	is("OTHER", "2", "", "2024", "OTHER_0003_20260102");      /* no date: today's */
	is("SITE", "", "", "", "SITE_0004_20260102");
	ck_assert_int_eq(stat(map, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_ptr_nonnull(strstr((const char *)content().at,
				     "\"first_seen\": \"2026-01-02T03:04:05.000006\""));
}
END_TEST

START_TEST(test_continued)
{
	put(netrt, sizeof(netrt) - 1);
	ck_assert_int_eq(chmod(map, 0664), 0);
	umask(077);
	is("SITE", "12345", "SMITH^JOHN", "20260101", "SITE_0007_20240101");
	is("SITE", "12345", "SMITH^JOHN==", "20260101", "SITE_0007_20240101");
	is("SITE", "AB 7", "M\xC3\xBCller", "20260101", "Z\xC3\xBCrich_0041_20240303");
	ck_assert(bytes_eq(content(), bytes_of(netrt, sizeof(netrt) - 1))); /* only read */
	is("SITE", "new", "", "20260101", "SITE_0042_20260101");

	/* everything that was there is there byte for byte, and one member more */
	struct bytes text = content();
	size_t front = sizeof(netrt) - 1 - 2;
	ck_assert_uint_gt(text.len, front);
	ck_assert(bytes_eq(bytes_slice(text, 0, front), bytes_of(netrt, front)));
	ck_assert_ptr_nonnull(strstr((const char *)text.at, "SITE_0042_20260101"));
	is("SITE", "12345", "SMITH^JOHN", "20260101", "SITE_0007_20240101");

	struct stat st; /* who could read it still can */
	ck_assert_int_eq(stat(map, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0664);
}
END_TEST

/* Members that nobody knows, and forms that NETRT does not write. */
START_TEST(test_unknown)
{
	static const char text[] =
		"\n {\"a\" : [1, -2.5e+3, {\"x\": [], \"y\": {}}, \"]}\\\"\", null], \"b\":{},"
		"\"c\":{\"anonymized_id\":5, \"z\":[[[]]]} ,\"d\":true,\"\":{\"anonymized_id\":"
		"\"X_12\"}, \"e\": {\"q\": \"\\u00e9\", \"anonymized_id\": \"no number\"} } \n\n";

	put(text, sizeof(text) - 1);
	is("SITE", "1", "", "20240101", "SITE_0013_20240101");
	ck_assert(bytes_eq(bytes_slice(content(), 0, 100), bytes_of(text, 100)));
	is("SITE", "2", "", "20240101", "SITE_0014_20240101");
	is("SITE", "1", "", "20240101", "SITE_0013_20240101");
}
END_TEST

/* A site code with underscores: NETRT found no number in its own IDs. */
START_TEST(test_underscores)
{
	is("MY_SITE_A", "1", "", "20240101", "MY_SITE_A_0001_20240101");
	is("MY_SITE_A", "2", "", "20240101", "MY_SITE_A_0002_20240101");
	is("B", "3", "", "20240101", "B_0003_20240101");
	is("x_2026", "4", "", "20240101", "x_2026_0004_20240101");
	is("x_2026", "5", "", "20240101", "x_2026_2027_20240101"); /* a gap is no harm */
}
END_TEST

START_TEST(test_site_codes)
{
	char out[PIDMAP_ID_MAX + 1], site[64];
	struct fault f;

	is("a\"b/c", "1", "", "20240101", "a\"b/c_0001_20240101");
	is("\xC3\x9C", "2", "", "20240101", "\xC3\x9C_0002_20240101");
	is("x", "1", "", "", "a\"b/c_0001_20240101");
	is("x", "2", "", "", "\xC3\x9C_0002_20240101");
	memset(site, 'S', sizeof(site));
	site[PIDMAP_ID_MAX - PIDMAP_TAIL_MAX + 1] = '\0';
	ck_assert_int_eq(get(site, "3", "", "20240101", out, &f), ERR_LIMIT);
	site[PIDMAP_ID_MAX - PIDMAP_TAIL_MAX] = '\0';
	ck_assert_int_eq(get(site, "3", "", "20240101", out, &f), OK);
}
END_TEST

/* Numbers beyond four digits, and beyond all. */
START_TEST(test_numbers)
{
	char out[PIDMAP_ID_MAX + 1], text[200];
	struct fault f;
	int n = snprintf(text, sizeof(text), "{\"a\":{\"anonymized_id\":\"S_9999_1\"}}");

	put(text, (size_t)n);
	is("S", "1", "", "20240101", "S_10000_20240101");
	n = snprintf(text, sizeof(text), "{\"a\":{\"anonymized_id\":\"S_999999998_1\"}}");
	put(text, (size_t)n);
	is("S", "1", "", "20240101", "S_999999999_20240101");
	ck_assert_int_eq(get("S", "2", "", "20240101", out, &f), ERR_LIMIT);
	is("S", "1", "", "20240101", "S_999999999_20240101");
}
END_TEST

/* ---- damage ---- */

static void is_damaged(const char *text, size_t len, const char *what)
{
	char out[PIDMAP_ID_MAX + 1];
	struct fault f;

	put(text, len);
	ck_assert_msg(pidmap_check(map, &f) == ERR_WIRE, "%s: check", what);
	ck_assert_msg(get("SITE", "12345", "SMITH^JOHN", "", out, &f) == ERR_WIRE, "%s", what);
	ck_assert_msg(get("SITE", "new", "", "", out, &f) == ERR_WIRE, "%s", what);
	ck_assert_msg(bytes_eq(content(), bytes_of(text, len)), "%s: written to", what);
}

/* Cut off anywhere it is an error, and nothing is written. */
START_TEST(test_truncated)
{
	for (size_t len = 0; len < sizeof(netrt) - 1; len++) {
		char what[32];

		snprintf(what, sizeof(what), "%zu bytes", len);
		is_damaged(netrt, len, what);
	}
}
END_TEST

static const char *const damaged[] = {
	"null",
	"[]",
	"\"x\"",
	"5",
	"{} {}",
	"{}x",
	"x{}",
	"{\"a\":1,}",
	"{,}",
	"{\"a\" 1}",
	"{\"a\":}",
	"{\"a\":1 \"b\":2}",
	"{a:1}",
	"{'a':1}",
	"{\"a\":[1,]}",
	"{\"a\":[1}}",
	"{\"a\":{]}",
	"{\"a\":tru}",
	"{\"a\":nul}",
	"{\"a\":.5}",
	"{\"a\":\"\n\"}",
	"{\"a\":+1}",
	"{\"a\":{\"b\"}}",
	"{\"a\":[{\"b\":1,}]}",
	"{\"a\":{\"anonymized_id\"}}",
	"{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
	"\xEF\xBB\xBF{}",
	" ",
};

START_TEST(test_damaged)
{
	is_damaged(damaged[_i], strlen(damaged[_i]), damaged[_i]);
}
END_TEST

START_TEST(test_zero_bytes)
{
	char text[sizeof(netrt)];

	memcpy(text, netrt, sizeof(netrt));
	memset(text + 100, 0, 60); /* what a crash leaves on some file systems */
	is_damaged(text, sizeof(netrt) - 1, "a hole");
	memset(text, 0, sizeof(text));
	is_damaged(text, sizeof(text), "zeros");
}
END_TEST

/* IDs that no attribute can hold. */
START_TEST(test_bad_ids)
{
	static const char *const ids[] = {"a\\\\b",
					  "a\\nb",
					  "\\ud800",
					  "\\u000a",
					  "a\\u005cb",
					  ("12345678901234567890123456789012345678901234567890"
					   "123456789012345")};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		char out[PIDMAP_ID_MAX + 1], text[400];
		struct fault f;
		int n = snprintf(text, sizeof(text),
				 "{\"8a27406d4f353507\":{\"anonymized_id\":\"%s\"}}", ids[i]);

		put(text, (size_t)n);
		ck_assert_msg(get("S", "12345", "SMITH^JOHN", "", out, &f) == ERR_WIRE, "%s",
			      ids[i]);
	}
}
END_TEST

START_TEST(test_unreachable)
{
	char out[PIDMAP_ID_MAX + 1];
	struct fault f;

	ck_assert_int_eq(mkdir(map, 0700), 0);
	ck_assert_int_ne(get("S", "1", "", "", out, &f), OK); /* a folder in its place */
	ck_assert_int_ne(pidmap_check(map, &f), OK);
	ck_assert_int_eq(rmdir(map), 0);
	snprintf(map, sizeof(map), "%s/no/folder/map", folder);
	ck_assert_int_eq(get("S", "1", "", "", out, &f), ERR_IO);
	ck_assert_int_eq(pidmap_check(map, &f), ERR_IO);
	ck_assert_int_eq(f.sys_errno, ENOENT);
}
END_TEST

/* A disk that takes no more (as far as a limit of the process can stand for one): the map stays as
 * it was, nothing lies beside it, and once there is room the number is given. */
START_TEST(test_full)
{
	char out[PIDMAP_ID_MAX + 1], temporary[600];
	struct rlimit limit, small = {sizeof(netrt) + 20, RLIM_INFINITY};
	struct fault f;

	put(netrt, sizeof(netrt) - 1);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small.rlim_max = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	ck_assert_int_eq(get("SITE", "new", "", "20260101", out, &f), ERR_IO);
	ck_assert_int_eq(f.sys_errno, EFBIG);
	snprintf(temporary, sizeof(temporary), "%s.tmp", map);
	ck_assert_int_eq(access(temporary, F_OK), -1);
	ck_assert(bytes_eq(content(), bytes_of(netrt, sizeof(netrt) - 1)));
	is("SITE", "12345", "SMITH^JOHN", "", "SITE_0007_20240101"); /* reading needs no room */
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	is("SITE", "new", "", "20260101", "SITE_0042_20260101");
}
END_TEST

/* A number is on disk, and the name of the file that holds it, before anybody gets it. */
START_TEST(test_synced)
{
	static const char *const paths[] = {".", "pid_mapping.json", NULL};
	struct test_syncs syncs = {0};
	char out[PIDMAP_ID_MAX + 1];
	struct fault f;

	put(netrt, sizeof(netrt) - 1);
	if (!test_syncs_watch(&syncs))
		return;
	is("SITE", "new", "", "20260101", "SITE_0042_20260101");
	ck_assert_str_eq(test_syncs_text(&syncs, folder, paths),
			 "sync pid_mapping.json, name pid_mapping.json, sync .");
	is("SITE", "new", "", "20260101", "SITE_0042_20260101");
	ck_assert_uint_eq(syncs.count, 3); /* what is there is not written again */
	syncs.fails = EIO;
	ck_assert_int_eq(get("SITE", "newer", "", "20260101", out, &f), ERR_IO);
	ck_assert_int_eq(f.sys_errno, EIO);
}
END_TEST

/* What a process left that died while it wrote does not count. */
START_TEST(test_left_behind)
{
	char temporary[600];

	put(netrt, sizeof(netrt) - 1);
	snprintf(temporary, sizeof(temporary), "%s.tmp", map);
	FILE *f = fopen(temporary, "wb");
	ck_assert_ptr_nonnull(f);
	fputs("{\"half", f);
	fclose(f);
	is("SITE", "new", "", "20260101", "SITE_0042_20260101");
	is("SITE", "12345", "SMITH^JOHN", "", "SITE_0007_20240101");
}
END_TEST

/* ---- several processes ---- */

enum { CHILDREN = 4, PATIENTS = 40 };

static void ask_all(int out, int child)
{
	for (int i = 0; i < PATIENTS; i++) {
		int patient = child % 2 == 0 ? i : PATIENTS - 1 - i;
		char id[32], line[PIDMAP_ID_MAX + 32], got[PIDMAP_ID_MAX + 1];
		struct fault f;

		snprintf(id, sizeof(id), "P%d", patient);
		if (get("S", id, "", "20240101", got, &f) != OK)
			_exit(1);
		int n = snprintf(line, sizeof(line), "%d %s\n", patient, got);
		if (write(out, line, (size_t)n) != n)
			_exit(1);
	}
	_exit(0);
}

/* All get the same number for the same patient, and no two patients one. */
START_TEST(test_processes)
{
	int ends[2], status, patient, seen = 0;
	char got[PATIENTS][PIDMAP_ID_MAX + 1] = {{0}}, id[PIDMAP_ID_MAX + 1];
	struct fault f;

	ck_assert_int_eq(pipe(ends), 0);
	for (int c = 0; c < CHILDREN; c++)
		if (fork() == 0)
			ask_all(ends[1], c);
	close(ends[1]);
	FILE *in = fdopen(ends[0], "r");
	while (fscanf(in, "%d %64s", &patient, id) == 2) {
		ck_assert(patient >= 0 && patient < PATIENTS);
		if (got[patient][0] == '\0')
			memcpy(got[patient], id, sizeof(id));
		ck_assert_str_eq(got[patient], id);
		seen++;
	}
	fclose(in);
	for (int c = 0; c < CHILDREN; c++) {
		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(seen, CHILDREN * PATIENTS);
	for (int i = 0; i < PATIENTS; i++)
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(got[i], got[j]);
	ck_assert_int_eq(pidmap_check(map, &f), OK);
	is("S", "last", "", "20240101", "S_0041_20240101");
}
END_TEST

/* ---- many patients ---- */

START_TEST(test_many)
{
	enum { MANY = 100000 };
	struct buf b = BUF_INIT(64u << 20);
	struct pidmap_seen seen = {.count = 0};
	const struct pidmap_patient p = {BYTES_LIT("12345"), BYTES_LIT("SMITH^JOHN"), BYTES_NONE};
	char out[PIDMAP_ID_MAX + 1];
	struct fault f;

	buf_str(&b, "{");
	for (int i = 1; i <= MANY; i++)
		buf_fmt(&b,
			"%s\n  \"%016x\": {\n    \"anonymized_id\": \"SITE_%04d_20240101\",\n    "
			"\"first_seen\": \"2024-01-01T00:00:00.000000\",\n    "
			"\"original_patient_id_hash\": \"%016x\",\n    \"study_count\": 1\n  }",
			i == 1 ? "" : ",", i, i, i);
	buf_str(&b, "\n}");
	put((const char *)b.at, b.len);
	buf_free(&b);
	ck_assert_int_eq(pidmap_check(map, &f), OK);
	uint64_t from = clock_us();
	for (int i = 0; i < 5; i++) {
		char id[16], want[40];

		snprintf(id, sizeof(id), "new%d", i);
		snprintf(want, sizeof(want), "SITE_%d_20240101", MANY + 1 + i);
		is("SITE", id, "", "20240101", want);
	}
	ck_assert_uint_lt((clock_us() - from) / 5, 3000000); /* sanitized; see bench */
	ck_assert_int_eq(pidmap_get(map, "SITE", &p, &now, &seen, out, &f), OK);
	ck_assert_str_eq(out, "SITE_100006_20260102");
	from = clock_us();
	for (int i = 0; i < 100000; i++)
		ck_assert_int_eq(pidmap_get(map, "SITE", &p, &now, &seen, out, &f), OK);
	ck_assert_uint_lt(clock_us() - from, 10000000); /* those that were seen cost no reading */
}
END_TEST

/* More patients than are remembered: still right. */
START_TEST(test_seen)
{
	struct pidmap_seen seen = {.count = 0};

	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < PIDMAP_SEEN + 3; i++) {
			char id[16], out[PIDMAP_ID_MAX + 1], want[40];
			struct fault f;

			snprintf(id, sizeof(id), "p%u", i);
			const struct pidmap_patient p = {bytes_str(id), BYTES_NONE,
							 BYTES_LIT("20240101")};
			snprintf(want, sizeof(want), "S_%04u_20240101", i + 1);
			ck_assert_int_eq(pidmap_get(map, "S", &p, &now, &seen, out, &f), OK);
			ck_assert_str_eq(out, want);
		}
}
END_TEST

Suite *suite_anon_pidmap(void)
{
	Suite *s = suite_create("anon_pidmap");
	TCase *t = tcase_create("pidmap");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 300);
	tcase_add_test(t, test_new);
	tcase_add_test(t, test_continued);
	tcase_add_test(t, test_unknown);
	tcase_add_test(t, test_underscores);
	tcase_add_test(t, test_site_codes);
	tcase_add_test(t, test_numbers);
	tcase_add_test(t, test_truncated);
	tcase_add_loop_test(t, test_damaged, 0, (int)(sizeof(damaged) / sizeof(damaged[0])));
	tcase_add_test(t, test_zero_bytes);
	tcase_add_test(t, test_bad_ids);
	tcase_add_test(t, test_unreachable);
	tcase_add_test(t, test_full);
	tcase_add_test(t, test_synced);
	tcase_add_test(t, test_left_behind);
	tcase_add_test(t, test_processes);
	tcase_add_test(t, test_many);
	tcase_add_test(t, test_seen);
	suite_add_tcase(s, t);
	return s;
}
