/* anon/gate: opened only when everything is there; and who a patient becomes. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "anon/dates.h"
#include "anon/gate.h"
#include "anon/pidmap.h"
#include "dicom/build.h"
#include "dicom/charset.h"
#include "support/support.h"

Suite *suite_anon_gate(void);

static const struct wall now = {.year = 2026, .month = 1, .day = 2, .hour = 3};

static char *folder;
static char key_path[512], map_path[512], file_path[512];
static unsigned fds;
static struct arena arena;
static struct anon_settings settings;
static struct anon_gate gate;
static struct gate_problem problem;
static struct fault fault;

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "wb");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, 0600), 0);
}

static void setup(void)
{
	fds = test_open_fds();
	folder = test_tmpdir();
	snprintf(key_path, sizeof(key_path), "%s/key", folder);
	snprintf(map_path, sizeof(map_path), "%s/map.json", folder);
	snprintf(file_path, sizeof(file_path), "%s/file", folder);
	write_text(key_path, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n");
	ck_assert_int_eq(arena_open(&arena, 64u << 20, NULL), OK);
	settings = (struct anon_settings){.profile = ANON_RESEARCH,
					  .options = ANON_RESEARCH_OPTIONS,
					  .pseudonyms = ANON_KEYED,
					  .site_code = "SITE",
					  .pid_map = map_path,
					  .key_file = key_path,
					  .id_prefix = "X-",
					  .shift_days_most = 3650,
					  .netrt = {.random_id_prefix = "", .consistent_id = true}};
}

static void teardown(void)
{
	arena_close(&arena);
	ck_assert_uint_eq(test_open_fds(), fds);
	test_tmpdir_remove(folder);
}

static enum err open_gate(void)
{
	return gate_open(&gate, &settings, &now, &problem, &fault);
}

/* ---- opening ---- */

START_TEST(test_open)
{
	ck_assert_int_eq(open_gate(), OK);
	ck_assert_uint_eq(strlen(gate.digest), 64);
	ck_assert(gate.has_key);
	gate_close(&gate);
	ck_assert_int_eq(gate_open_policy(&gate, &settings, &problem, &fault), OK);
	ck_assert(!gate.has_key);
	gate_close(&gate);
	ck_assert_int_eq(access(map_path, F_OK), -1); /* a map that is not needed is not made */
}
END_TEST

static void fails(enum gate_part part, enum err e)
{
	ck_assert_int_eq(open_gate(), e);
	ck_assert_int_eq(problem.part, part);
	ck_assert_ptr_nonnull(fault.text);
}

START_TEST(test_key)
{
	ck_assert_int_eq(chmod(key_path, 0640), 0);
	fails(GATE_KEY, ERR_UNUSABLE);
	ck_assert_int_eq(unlink(key_path), 0);
	fails(GATE_KEY, ERR_IO);
	settings.key_file = NULL;
	fails(GATE_KEY, ERR_UNUSABLE);
	/* a policy can be looked at without a key */
	ck_assert_int_eq(gate_open_policy(&gate, &settings, &problem, &fault), OK);
	gate_close(&gate);
}
END_TEST

/* What needs a key, one thing at a time. */
START_TEST(test_needs_key)
{
	const char *const uids[] = {"StudyInstanceUID"};
	const struct anon_site_rule hash = {ANON_SITE_HASH, "StationName", NULL};

	settings.key_file = NULL;
	settings.pseudonyms = ANON_SEQUENTIAL;
	settings.options = ANON_RETAIN_UIDS;
	ck_assert_int_eq(open_gate(), OK);
	gate_close(&gate);
	settings.options = 0; /* new UIDs */
	fails(GATE_KEY, ERR_UNUSABLE);
	settings.options = ANON_RETAIN_UIDS | ANON_RETAIN_MODIFIED_DATES;
	fails(GATE_KEY, ERR_UNUSABLE);
	settings.options = ANON_RETAIN_UIDS;
	settings.rules = &hash;
	settings.rule_count = 1;
	fails(GATE_KEY, ERR_UNUSABLE);
	settings.rule_count = 0;
	settings.pseudonyms = ANON_KEYED;
	fails(GATE_KEY, ERR_UNUSABLE);

	settings.profile = ANON_NETRT;
	settings.options = 0;
	settings.pseudonyms = ANON_SEQUENTIAL;
	ck_assert_int_eq(open_gate(), OK);
	gate_close(&gate);
	settings.netrt.full_uid = (struct anon_list){uids, 1};
	ck_assert_int_eq(open_gate(), OK); /* not used without `full` */
	gate_close(&gate);
	settings.netrt.full = true;
	settings.netrt.uid_key = "no secret";
	ck_assert_int_eq(open_gate(), OK); /* NETRT had none either */
	ck_assert(gate.maps_uids && !gate.has_key);
	gate_close(&gate);
}
END_TEST

START_TEST(test_rules)
{
	const struct anon_site_rule unknown[] = {{ANON_SITE_KEEP, "StationName", NULL},
						 {ANON_SITE_REMOVE, "PatientNmae", NULL}};
	const struct anon_site_rule twice[] = {{ANON_SITE_KEEP, "StationName", NULL},
					       {ANON_SITE_REMOVE, "0008,1010", NULL}};

	settings.rules = unknown;
	settings.rule_count = 2;
	fails(GATE_RULES, ERR_UNUSABLE);
	ck_assert_ptr_eq(problem.rule.where, unknown[1].where);
	settings.rules = twice;
	fails(GATE_RULES, ERR_UNUSABLE);
	ck_assert_ptr_eq(problem.rule.where, twice[1].where);
	settings.rule_count = 1;
	settings.options |= ANON_RETAIN_FULL_DATES;
	fails(GATE_RULES, ERR_UNUSABLE);
	ck_assert_ptr_null(problem.rule.where);
}
END_TEST

START_TEST(test_files)
{
	settings.roi_names_file = file_path;
	fails(GATE_ROI_NAMES, ERR_IO);
	write_text(file_path,
		   "GTV\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n");
	fails(GATE_ROI_NAMES, ERR_WIRE);
	ck_assert_uint_eq(fault.at, 2);
	settings.roi_names_file = NULL;
	settings.safe_private_file = file_path;
	fails(GATE_SAFE_PRIVATE, ERR_WIRE);
	ck_assert_uint_eq(fault.at, 1);
	settings.safe_private_file = "/nowhere/at/all";
	fails(GATE_SAFE_PRIVATE, ERR_IO);
}
END_TEST

START_TEST(test_map)
{
	settings.pseudonyms = ANON_SEQUENTIAL;
	write_text(map_path, "{\"half");
	fails(GATE_MAP, ERR_WIRE);
	ck_assert_uint_eq(fault.at, 6);
	settings.pid_map = "/nowhere/at/all";
	fails(GATE_MAP, ERR_IO);
	settings.netrt.consistent_id = false; /* none is needed */
	ck_assert_int_eq(open_gate(), OK);
	gate_close(&gate);
}
END_TEST

START_TEST(test_prefixes)
{
	char text[65];

	memset(text, 'x', sizeof(text));
	text[49] = '\0';
	settings.id_prefix = text;
	fails(GATE_PREFIX, ERR_UNUSABLE);
	text[48] = '\0'; /* and 16 characters */
	ck_assert_int_eq(open_gate(), OK);
	gate_close(&gate);
	settings.pseudonyms = ANON_SEQUENTIAL;
	settings.site_code = text;
	fails(GATE_PREFIX, ERR_UNUSABLE);
	text[ANON_ID_MAX - PIDMAP_TAIL_MAX] = '\0';
	ck_assert_int_eq(open_gate(), OK);
	gate_close(&gate);
}
END_TEST

/* Whatever decides what comes out is in the digest. */
START_TEST(test_digest)
{
	const struct pixel_region regions[] = {
		{"", "", "", 0, 0, 0, 0, 5, 5},  {"1.2", "", "", 0, 0, 0, 0, 5, 5},
		{"", "A", "", 0, 0, 0, 0, 5, 5}, {"", "", "A", 0, 0, 0, 0, 5, 5},
		{"", "", "", 9, 0, 0, 0, 5, 5},  {"", "", "", 0, 9, 0, 0, 5, 5},
		{"", "", "", 0, 0, 9, 0, 5, 5},  {"", "", "", 0, 0, 0, 9, 5, 5},
		{"", "", "", 0, 0, 0, 0, 9, 5},  {"", "", "", 0, 0, 0, 0, 5, 9},
	};
	const char *const classes[] = {"1.2.3"}, *const others[] = {"1.2.4"};
	char seen[32][65];
	unsigned count = 0;

#define DIGEST()                                                                            \
	do {                                                                                \
		ck_assert_int_eq(gate_open_policy(&gate, &settings, &problem, &fault), OK); \
		memcpy(seen[count], gate.digest, 65);                                       \
		gate_close(&gate);                                                          \
		for (unsigned k = 0; k < count; k++)                                        \
			ck_assert_str_ne(seen[k], seen[count]);                             \
		count++;                                                                    \
	} while (0)

	DIGEST();
	settings.shift_days_most = 365;
	DIGEST();
	settings.id_prefix = "Y-";
	DIGEST();
	settings.burned_in = ANON_RISK_BLANK;
	DIGEST();
	settings.region_count = 1;
	for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
		settings.regions = &regions[i];
		DIGEST();
	}
	settings.sop_classes = (struct anon_list){classes, 1};
	DIGEST();
	settings.sop_classes = (struct anon_list){others, 1};
	DIGEST();
	settings.options |= ANON_RETAIN_DEVICE;
	DIGEST();
	settings.profile = ANON_BASIC;
	DIGEST();
	write_text(file_path, "GTV\n");
	settings.roi_names_file = file_path;
	DIGEST();
	write_text(file_path, "PTV\n");
	DIGEST();
	settings.pseudonyms = ANON_SEQUENTIAL;
	DIGEST();
#undef DIGEST
	/* but not the key, nor where files lie */
	settings.key_file = "/other";
	settings.pid_map = "/other";
	ck_assert_int_eq(gate_open_policy(&gate, &settings, &problem, &fault), OK);
	ck_assert_str_eq(gate.digest, seen[count - 1]);
	gate_close(&gate);
}
END_TEST

/* ---- patients ---- */

struct who {
	const char *id, *issuer, *name, *study, *charset;
};

static struct anon_patient *patient_in(const struct who *w, const struct syntax *syntax)
{
	struct anon_patient *p = ARENA_NEW(&arena, struct anon_patient, 1);
	struct build b;

	build_init(&b, syntax, 1u << 16);
	if (w->charset != NULL)
		build_str(&b, TAG_SpecificCharacterSet, VR_CS, w->charset);
	build_str(&b, TAG_StudyDate, VR_DA, "20240229");
	if (w->name != NULL)
		build_str(&b, TAG_PatientName, VR_PN, w->name);
	if (w->id != NULL)
		build_str(&b, TAG_PatientID, VR_LO, w->id);
	if (w->issuer != NULL)
		build_str(&b, TAG_IssuerOfPatientID, VR_LO, w->issuer);
	build_str(&b, TAG_StudyInstanceUID, VR_UI, w->study != NULL ? w->study : "1.2.3");
	ck_assert_int_eq(gate_patient(&gate, buf_bytes(&b.out), syntax, p, &arena, &fault), OK);
	build_free(&b);
	return p;
}

static struct anon_patient *patient(const struct who *w)
{
	return patient_in(w, &syntax_explicit_le);
}

#define IS(a, b) (strcmp((a)->id, (b)->id) == 0 && (a)->shift_days == (b)->shift_days)

START_TEST(test_keyed)
{
	const struct who smith = {"12345", NULL, "SMITH^JOHN", "1.2.3", NULL};
	const struct who married = {" 12345 ", NULL, "MILLER^JOHN", "1.2.4", NULL};
	const struct who elsewhere = {"12345", "OTHER", "SMITH^JOHN", "1.2.3", NULL};
	const struct who padded = {"12345", " OTHER ", "SMITH^JOHN", "1.2.3", NULL};
	const struct who other = {"12346", NULL, "SMITH^JOHN", "1.2.3", NULL};
	const struct who nameless = {NULL, NULL, "SMITH^JOHN", "1.2.3", NULL};
	const struct who nobody = {NULL, NULL, NULL, "1.2.3", NULL};

	ck_assert_int_eq(open_gate(), OK);
	const struct anon_patient *p = patient(&smith);
	ck_assert_uint_eq(strlen(p->id), 18);
	ck_assert_int_eq(strncmp(p->id, "X-", 2), 0);
	ck_assert_str_eq(p->name, p->id);
	ck_assert(p->shift_days <= -1 && p->shift_days >= -3650);
	ck_assert_uint_eq(p->key.len, 32);
	ck_assert(words_found(&p->words, BYTES_LIT("Smith")));
	ck_assert(words_found(&p->words, BYTES_LIT("12345")));
	ck_assert(IS(p, patient(&married))); /* the ID decides, without its padding */
	ck_assert(!IS(p, patient(&elsewhere)));
	ck_assert(IS(patient(&padded), patient(&elsewhere)));
	ck_assert(!IS(p, patient(&other)));
	ck_assert(!IS(p, patient(&nameless)));
	ck_assert(!IS(patient(&nobody), patient(&nameless)));
	ck_assert(IS(p, patient_in(&smith, &syntax_implicit_le)));
	ck_assert(IS(p, patient_in(&smith, &syntax_explicit_be)));
	gate_close(&gate);

	/* the same on another machine, with the same key */
	const struct anon_patient first = *p;
	settings.pid_map = "/other";
	ck_assert_int_eq(open_gate(), OK);
	ck_assert(IS(&first, patient(&smith)));
	gate_close(&gate);
	write_text(key_path, "100102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n");
	ck_assert_int_eq(open_gate(), OK);
	ck_assert(!IS(&first, patient(&smith)));
	gate_close(&gate);
}
END_TEST

/* The same ID in other bytes is the same patient. */
START_TEST(test_charsets)
{
	const struct who latin = {"M\xFCller 1", NULL, "A", "1.2.3", "ISO_IR 100"};
	const struct who utf8 = {"M\xC3\xBCller 1", NULL, "A", "1.2.3", "ISO_IR 192"};

	ck_assert_int_eq(open_gate(), OK);
	ck_assert(IS(patient(&latin), patient(&utf8)));
	ck_assert(words_found(&patient(&latin)->words, BYTES_LIT("Muller")));
	gate_close(&gate);
}
END_TEST

START_TEST(test_sequential)
{
	const struct who smith = {"12345", NULL, "SMITH^JOHN", "1.2.3", NULL};
	const struct who padded = {"12345 ", NULL, "SMITH^JOHN ", "1.2.3", NULL};
	const struct who indented = {" 12345", NULL, "SMITH^JOHN", "1.2.3", NULL};

	/* the key of NETRT: the first 16 digits of SHA-256 of "12345|SMITH^JOHN" */
	write_text(map_path, "{\"8a27406d4f353507\": {\"anonymized_id\": \"SITE_0099_20200101\"}}");
	settings.profile = ANON_NETRT;
	settings.options = 0;
	settings.pseudonyms = ANON_SEQUENTIAL;
	ck_assert_int_eq(open_gate(), OK);
	ck_assert_str_eq(patient(&smith)->id, "SITE_0099_20200101");
	ck_assert_str_eq(patient(&padded)->id, "SITE_0099_20200101");
	ck_assert_str_eq(patient(&padded)->name, "SITE_0099_20200101");
	ck_assert_str_eq(patient(&indented)->id, "SITE_0100_20240229"); /* as NETRT takes it */
	ck_assert_int_eq(patient(&smith)->shift_days, 0);
	gate_close(&gate);
}
END_TEST

/* The date in a new ID is the one that the new object says. */
START_TEST(test_date_in_id)
{
	const char *const dates[] = {"StudyDate"};
	const struct who one = {"1", NULL, "A", "1.2.3", NULL};
	const struct who two = {"2", NULL, "B", "1.2.4", NULL};
	const struct who three = {"3", NULL, "C", "1.2.5", NULL};
	struct buf moved = BUF_INIT(64);

	settings.pseudonyms = ANON_SEQUENTIAL;
	ck_assert_int_eq(open_gate(), OK);
	const struct anon_patient *p = patient(&one);
	ck_assert(date_shift(BYTES_LIT("20240229"), VR_DA, p->shift_days, &moved));
	ck_assert_int_eq(strncmp(p->id, "SITE_0001_", 10), 0);
	ck_assert_str_eq(p->id + 10, (const char *)moved.at);
	buf_free(&moved);
	gate_close(&gate);
	settings.profile = ANON_BASIC;
	settings.options = 0;
	ck_assert_int_eq(open_gate(), OK);
	ck_assert_str_eq(patient(&two)->id, "SITE_0002_19000101");
	gate_close(&gate);
	settings.profile = ANON_NETRT;
	settings.netrt.full = true;
	settings.netrt.full_date = (struct anon_list){dates, 1};
	ck_assert_int_eq(open_gate(), OK);
	ck_assert_str_eq(patient(&three)->id, "SITE_0003_20240201");
	ck_assert_str_eq(patient(&two)->id, "SITE_0002_19000101");
	gate_close(&gate);
}
END_TEST

START_TEST(test_random)
{
	const struct who first = {"12345", NULL, "SMITH^JOHN", "1.2.3", NULL};
	const struct who second = {"12345", NULL, "SMITH^JOHN", "1.2.4", NULL};
	char id[ANON_ID_MAX + 1];

	settings.pseudonyms = ANON_SEQUENTIAL;
	settings.netrt.consistent_id = false;
	ck_assert_int_eq(open_gate(), OK);
	snprintf(id, sizeof(id), "%s", patient(&first)->id);
	ck_assert_uint_eq(strlen(id), 13);
	ck_assert_int_eq(strncmp(id, "SITE_", 5), 0);
	ck_assert_uint_eq(strspn(id + 5, "0123456789ABCDEF"), 8);
	ck_assert_str_eq(patient(&first)->id, id); /* all objects of a study have the same */
	ck_assert_str_ne(patient(&second)->id, id);
	gate_close(&gate);
	settings.netrt.random_id_prefix = "RND";
	ck_assert_int_eq(open_gate(), OK);
	ck_assert_int_eq(strncmp(patient(&first)->id, "RND", 3), 0);
	ck_assert_str_ne(patient(&first)->id + 3, id + 5); /* others in each run */
	gate_close(&gate);
}
END_TEST

START_TEST(test_overrides)
{
	const struct who smith = {"12345", NULL, "SMITH^JOHN", "1.2.3", NULL};

	settings.profile = ANON_NETRT;
	settings.options = 0;
	settings.netrt.id_override = "ANONYMIZED_ID";
	settings.netrt.name_override = "";
	ck_assert_int_eq(open_gate(), OK);
	ck_assert_int_eq(strncmp(patient(&smith)->id, "X-", 2), 0); /* of `full` only */
	gate_close(&gate);
	settings.netrt.full = true;
	ck_assert_int_eq(open_gate(), OK);
	ck_assert_str_eq(patient(&smith)->id, "ANONYMIZED_ID");
	ck_assert_str_eq(patient(&smith)->name, "");
	gate_close(&gate);
}
END_TEST

/* The map is there when the gate is opened, and broken afterwards: the object is refused. */
START_TEST(test_map_breaks)
{
	struct anon_patient *p = ARENA_NEW(&arena, struct anon_patient, 1);
	struct build b;

	settings.pseudonyms = ANON_SEQUENTIAL;
	ck_assert_int_eq(open_gate(), OK);
	write_text(map_path, "{\"");
	build_init(&b, &syntax_explicit_le, 1u << 16);
	build_str(&b, TAG_PatientID, VR_LO, "1");
	ck_assert_int_eq(
		gate_patient(&gate, buf_bytes(&b.out), &syntax_explicit_le, p, &arena, &fault),
		ERR_WIRE);
	build_free(&b);
	gate_close(&gate);
}
END_TEST

Suite *suite_anon_gate(void)
{
	Suite *s = suite_create("anon_gate");
	TCase *t = tcase_create("gate");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 300);
	tcase_add_test(t, test_open);
	tcase_add_test(t, test_key);
	tcase_add_test(t, test_needs_key);
	tcase_add_test(t, test_rules);
	tcase_add_test(t, test_files);
	tcase_add_test(t, test_map);
	tcase_add_test(t, test_prefixes);
	tcase_add_test(t, test_digest);
	tcase_add_test(t, test_keyed);
	tcase_add_test(t, test_charsets);
	tcase_add_test(t, test_sequential);
	tcase_add_test(t, test_date_in_id);
	tcase_add_test(t, test_random);
	tcase_add_test(t, test_overrides);
	tcase_add_test(t, test_map_breaks);
	suite_add_tcase(s, t);
	return s;
}
