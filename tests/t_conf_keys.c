/*
 * Each key of the configuration: its good values, its bad ones, and what lies between.
 */
#include "conf/yaml11.h"
#include "support/conf_read.h"

Suite *suite_conf_keys(void);

/* ---- each key -------------------------------------------------------------------------------- */

#define OPTIONS "anonymization.options." /* of the profiles basic and research */

/* "a.b.c" and a value as a file, the value on the last line. */
static struct bytes file_of(const char *path, const char *value)
{
	struct buf b = BUF_INIT(1u << 20);
	unsigned depth = 0;

	for (const char *p = path;; depth++) {
		size_t n = strcspn(p, ".");

		buf_fmt(&b, "%*s%.*s:%s", (int)depth * 2, "", (int)n, p, p[n] == '.' ? "\n" : " ");
		if (p[n] == '\0')
			break;
		if (depth == 0 && strncmp(path, OPTIONS, sizeof(OPTIONS) - 1) == 0)
			buf_str(&b, "  profile: basic\n");
		p += n + 1;
	}
	buf_fmt(&b, "%s\n", value);
	ck_assert(!b.failed);
	struct bytes copy = arena_copy(&arena, buf_bytes(&b));
	buf_free(&b);
	return copy;
}

/* Parse one key's value; the diagnostic, if any, must name the key. */
static bool accepts(const struct conf_key *k, const char *value)
{
	size_t mark = arena_mark(&arena);
	enum err e = parse(file_of(k->path, value));

	for (size_t i = 0; i < diags.count; i++)
		ck_assert_msg(diags.item[i].key != NULL &&
				      strcmp(diags.item[i].key, k->path) == 0 &&
				      diags.item[i].line > 0,
			      "%s: %s: said %s", k->path, value, said());
	ck_assert_msg((e == OK) == (diags.errors == 0), "%s: %s", k->path, value);
	(void)mark;
	return e == OK && diags.count == 0;
}

static void expect(const struct conf_key *k, const char *value, bool good)
{
	bool is_good = accepts(k, value);

	ck_assert_msg(is_good == good, "%s: %s should be %s; said: %s", k->path, value,
		      good ? "fine" : "refused", said());
}

static int int_at(const struct conf_key *k)
{
	int v;

	memcpy(&v, (const uint8_t *)&conf + k->at, sizeof(v));
	return v;
}

static void each_bool(const struct conf_key *k)
{
	static const char *const yes[] = {"true", "True", "TRUE", "yes", "Yes",
					  "YES",  "on",   "On",   "ON"};
	static const char *const no[] = {"false", "False", "FALSE", "no", "No",
					 "NO",    "off",   "Off",   "OFF"};
	static const char *const bad[] = {"maybe", "1",   "0",      "y",      "n",    "\"true\"",
					  "'no'",  "1.0", "[true]", "{a: b}", "tRUE", "\"\""};
	bool v;

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		expect(k, yes[i], true);
		memcpy(&v, (uint8_t *)&conf + k->at, sizeof(v));
		ck_assert_msg(v, "%s: %s", k->path, yes[i]);
		expect(k, no[i], true);
		memcpy(&v, (uint8_t *)&conf + k->at, sizeof(v));
		ck_assert_msg(!v, "%s: %s", k->path, no[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect(k, bad[i], false);
}

static void each_number(const struct conf_key *k)
{
	static const char *const bad[] = {"many",
					  "\"7\"",
					  "'7'",
					  "0x7",
					  "07",
					  "0b1",
					  "1_0",
					  "12:30",
					  "1e1",
					  "true",
					  "[7]",
					  "{a: b}",
					  "--7",
					  "7 s",
					  "99999999999999999999999",
					  "-99999999999999999999999",
					  "1.0e+1",
					  ".inf",
					  "2024-01-01"};
	long long unit = k->kind == CONF_MILLI ? 1 : 1000;
	char text[64];

	for (int step = -1; step <= 1; step++) {
		for (int end = 0; end < 2; end++) {
			long long v = (end ? k->max : k->min) + (long long)step;
			bool inside = v >= k->min && v <= k->max;

			if (k->kind == CONF_MILLI)
				snprintf(text, sizeof(text), "%lld.%03lld", v / 1000, v % 1000);
			else
				snprintf(text, sizeof(text), "%lld", v);
			expect(k, text, inside);
			if (inside)
				ck_assert_msg(int_at(k) == v, "%s: %s became %d", k->path, text,
					      int_at(k));
		}
	}
	expect(k, "+7", k->min * unit <= 7000);
	if (k->min * unit <= 7000)
		ck_assert_int_eq(int_at(k), 7000 / unit);
	expect(k, "7.0", k->kind == CONF_MILLI);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect(k, bad[i], false);
}

static void each_word(const struct conf_key *k)
{
	for (const struct conf_word *w = k->words; w->word != NULL; w++) {
		expect(k, w->word, true);
		ck_assert_int_eq(int_at(k), w->value);
	}
	expect(k, "\"none of these\"", false);
	expect(k, "''", false);
	expect(k, "5", false);
	expect(k, "no", strcmp(k->words[0].word, "true") == 0);
	expect(k, "[a]", false);
}

/* `count` times `letter`, quoted, with `before` and `after` around that. */
static const char *quoted(const char *before, int count, const char *letter, const char *after)
{
	struct buf b = BUF_INIT(65536);

	buf_fmt(&b, "%s\"", before);
	for (int i = 0; i < count; i++)
		buf_str(&b, letter);
	buf_fmt(&b, "\"%s", after);
	ck_assert(!b.failed);
	const char *s = arena_strdup(&arena, buf_bytes(&b));
	buf_free(&b);
	ck_assert_ptr_nonnull(s);
	return s;
}

/* Of forms that are no free text: one that is good, one that looks like it and is not. */
static bool example(enum conf_form form, const char **good, const char **bad)
{
	*good = *bad = NULL;
	if (form == CONF_UID) {
		*good = "'1.2.840.10008.1.1'";
		*bad = "'1.2.840..1'";
	} else if (form == CONF_LABEL) {
		*good = "'pacs-1_a.b'";
		*bad = "'pacs 1'";
	} else if (form == CONF_STATUS) {
		*good = "'A9xx'";
		*bad = "'A9yy'";
	} else if (form == CONF_FORMAT) {
		*good = "'%(levelname)-8s %(message)s'";
		*bad = "'%(level)s'";
	} else if (form == CONF_WHERE) {
		*good = "'RTROIObservationsSequence > 3006,00xx'";
		*bad = "'RTROIObservationsSequence>>ROIName'";
	}
	return *good != NULL;
}

/* A text, or a list's item between its brackets. */
static void each_text(const struct conf_key *k, const char *open, const char *close)
{
	static const char *const not_text[] = {"5", "0.5", "no", "2024-01-01", "010", "<<"};
	bool ascii = k->form == CONF_AE || k->form == CONF_HOST || k->form == CONF_TAG ||
		     k->form == CONF_LABEL || k->form == CONF_WHERE;
	const char *good, *bad;
	char text[100];

	if (example(k->form, &good, &bad)) {
		snprintf(text, sizeof(text), "%s%s%s", open, good, close);
		expect(k, text, true);
		snprintf(text, sizeof(text), "%s%s%s", open, bad, close);
		expect(k, text, false);
	}
	for (int step = -1; step <= 1; step++) {
		int least = k->min + step, most = k->max + step;

		if (k->form == CONF_UID || k->form == CONF_STATUS)
			break; /* letters are no UIDs; see test_form */

		if (least >= 0)
			expect(k, quoted(open, least, "a", close), step >= 0);
		expect(k, quoted(open, most, "a", close), step <= 0);
		if (!ascii)
			expect(k, quoted(open, most, "\xC3\xA4", close), step <= 0);
	}
	/* All of 16 characters, which every row allows. */
	expect(k, quoted(open, 1, "aaaaaaaaaaaaaaa\\u0000", close), false);
	expect(k, quoted(open, 1, "\\eaaaaaaaaaaaaaaa", close), false);
	expect(k, quoted(open, 1, "aaaaaaaa\\x9Baaaaaaa", close), false);
	expect(k, quoted(open, 1, "aaaaaaaaaaa\\taaaa", close), false);
	expect(k, quoted(open, 1, "aaaaaaaa\\naaaaaaa", close), k->form == CONF_LINES);
	for (size_t i = 0; i < sizeof(not_text) / sizeof(not_text[0]); i++) {
		snprintf(text, sizeof(text), "%s%s%s", open, not_text[i], close);
		expect(k, text, false);
	}
}

static void each_list(const struct conf_key *k)
{
	const char *one = k->form == CONF_UID ? "1.2.3" : k->form == CONF_STATUS ? "Cxxx" : "Abc";
	const char *two = k->form == CONF_UID ? "1.2.4" : k->form == CONF_STATUS ? "A900" : "Def";
	char text[100];

	snprintf(text, sizeof(text), "[%s, ", one);
	each_text(k, text, "]");
	snprintf(text, sizeof(text), "[%s, %s]", one, two);
	expect(k, text, true);
	ck_assert_uint_eq(list_at(&conf, k).count, 2);
	ck_assert_str_eq(list_at(&conf, k).item[0], one);
	ck_assert_str_eq(list_at(&conf, k).item[1], two);
}

START_TEST(test_key)
{
	const struct conf_key *k = &conf_table[_i];

	ck_assert_msg(strlen(k->path) < CONF_PATH_MAX, "%s is too long", k->path);
	ck_assert_msg(k->help != NULL && strlen(k->help) > 5, "%s is not explained", k->path);
	ck_assert_msg(conf_table_find(bytes_str(k->path)) == (size_t)_i, "%s is there twice",
		      k->path);
	switch (k->kind) {
	case CONF_BOOL:
		each_bool(k);
		break;
	case CONF_INT:
	case CONF_MILLI:
		each_number(k);
		break;
	case CONF_WORD:
		each_word(k);
		break;
	case CONF_TEXT:
		each_text(k, "", "");
		expect(k, "[a]", false);
		break;
	case CONF_LIST:
		expect(k, "[]", true);
		ck_assert_uint_eq(list_at(&conf, k).count, 0);
		each_list(k);
		expect(k, "Abc", false);
		break;
	case CONF_MAPS: /* tests/t_conf_maps.c */
		expect(k, "[]", true);
		expect(k, "[[]]", false);
		expect(k, "[a]", false);
		expect(k, "a", false);
		break;
	case CONF_PAIRS: /* and there */
		expect(k, "{}", true);
		expect(k, "{Abc: x}", true);
		expect(k, "[a]", false);
		expect(k, "a", false);
		break;
	}
	if (k->kind != CONF_PAIRS)
		expect(k, "{a: {b: c}}", false);
	expect(k, "{a: b}", k->kind == CONF_PAIRS);
	if (k->nullable) {
		expect(k, "null", true);
		if (k->kind == CONF_WORD)
			ck_assert_int_eq(int_at(k), 0);
		else
			ck_assert_ptr_null(text_at(&conf, k));
	} else {
		expect(k, "~", false);
		ck_assert_msg(diags.errors == 0 && diags.count == 1, "%s: null: %s", k->path,
			      said());
	}
}
END_TEST

/* ---- forms of text --------------------------------------------------------------------------- */

static const struct {
	const char *path, *value;
	bool good;
	const char *becomes; /* or part of what is said */
} forms[] = {
	{"dicom_listener.ae_title", "\"  MY AE  \"", true, "MY AE"},
	{"dicom_listener.ae_title", "ABCDEFGHIJKLMNOP", true, "ABCDEFGHIJKLMNOP"},
	{"dicom_listener.ae_title", "\"ABCDEFGHIJKLMNOP   \"", true, "ABCDEFGHIJKLMNOP"},
	{"dicom_listener.ae_title", "ABCDEFGHIJKLMNOPQ", false, "17 characters, and may have 16"},
	{"dicom_listener.ae_title", "'   '", false, "must not be empty"},
	{"dicom_listener.ae_title", "A\\B", false, "no backslash"},
	{"dicom_listener.ae_title", "\xC3\x84", false, "ASCII"},
	{"dicom_listener.host", "0.0.0.0", true, "0.0.0.0"},
	{"dicom_listener.host", "'::'", true, "::"},
	{"dicom_listener.host", "fe80::1%eth0", true, "fe80::1%eth0"},
	{"dicom_listener.host", "rt-1.example.org", true, "rt-1.example.org"},
	{"dicom_listener.host", "a b", false, "no host name"},
	{"dicom_listener.host", "http://a/", false, "no host name"},
	{"dicom_destination.ip", "10.1", false, "in quotes"},
	{"dicom_destination.ip", "12:30:15", false, "in quotes"},
	{"directories.working", "~/a", true, "/home/someone/a"},
	{"directories.working", "\"~\"", true, "/home/someone"},
	{"directories.working", "~", false, "default stands"},
	{"directories.working", "~/", true, "/home/someone/"},
	{"directories.working", "~root/a", false, "write the other home directory out"},
	{"directories.working", "./~/a", true, "./~/a"},
	{"directories.logs", "/var/log/netrt", true, "/var/log/netrt"},
	{"directories.quarantine_subdir", "a/b", false, "one name"},
	{"directories.quarantine_subdir", "..", false, "one name"},
	{"directories.quarantine_subdir", ".", false, "one name"},
	{"directories.quarantine_subdir", ".q", true, ".q"},
	{"directories.quarantine_subdir", "~", false, "default stands"},
	{"processing.overlay_series_description", "'a\\b'", false, "no backslash"},
	{"processing.overlay_series_description", "'  '", false, "must not be empty"},
	{"processing.overlay_study_id", "42", false, "in quotes"},
	{"processing.overlay_study_id", "'42'", true, "42"},
	{"processing.burn_in_text", "|\n    one\n    two", true, "one\ntwo\n"},
	{"processing.burn_in_text", "''", false, "must not be empty"},
	{"processing.segmentation_series_description_template", "'{}'", true, "{}"},
	{"processing.segmentation_series_description_template", "'a{{}}{}'", true, "a{{}}{}"},
	{"processing.segmentation_series_description_template", "none", true, "none"},
	{"processing.segmentation_series_description_template", "'{}{}'", false, "{} once"},
	{"processing.segmentation_series_description_template", "'{0}'", false, "{} once"},
	{"processing.segmentation_series_description_template", "'a{'", false, "{} once"},
	{"processing.segmentation_series_description_template", "'}a'", false, "{} once"},
	{"processing.segmentation_algorithm_version", "1.0", false, "in quotes"},
	{"processing.uid_key", "1234567890123456", false, "is a number, not text"},
	{"processing.uid_key", "0123456789abcde", false, "15 characters, and needs at least 16"},
	{"processing.uid_key", "'123456789012345'", false, "15 characters, and needs at least 16"},
	{"processing.uid_key", "'1234567890123456'", true, "1234567890123456"},
	{"processing.uid_key", "'                '", false, "must not be empty"},
	{"anonymization.site_code", "WFU", true, "WFU"},
	{"anonymization.site_code", "NO", false, "true or false in YAML"},
	{"anonymization.site_code", "007", false, "in quotes"},
	{"anonymization.site_code", "a^b", false, "must not hold"},
	{"anonymization.study_description", "\"\"", true, ""},
	{"anonymization.rules.generate_random_id_prefix", "\"\"", true, ""},
	{"anonymization.rules.generate_random_id_prefix", "\"NETRT_ ANON_\"", true, "NETRT_ ANON_"},
	{"logging.format", "'%(asctime)s'", true, "%(asctime)s"},
	{"logging.level", "info", true, NULL},
	{"logging.level", "VERBOSE", false, "DEBUG, INFO, WARNING, ERROR or CRITICAL"},
	{"processing.edge_rule", "HALF_OPEN", true, NULL},
	{"processing.edge_rule", "exclusive", false, "inclusive or half_open"},
	{"processing.slice_tolerance_mm", "1.2345", false, "at most 3 decimals"},
	{"processing.slice_tolerance_mm", "1.2340", true, NULL},
	{"processing.slice_tolerance_mm", ".5", true, NULL},
	{"processing.slice_tolerance_mm", "0", false, "outside 0.001 to 100 mm"},
	{"processing.slice_tolerance_mm", "100.001", false, "outside 0.001 to 100 mm"},
	{"dicom_listener.port", "\"11112\"", false, "without the quotes"},
	{"dicom_listener.port", "0104", false, "not a plain decimal"},
	{"dicom_listener.port", "65536", false, "outside 0 to 65535"},
	{"dicom_destination.port", "0", false, "outside 1 to 65535"},
	{"dicom_destination.name", ".hidden", false, "not begin with a dot"},
	{"dicom_destination.name", "a/b", false, "may hold"},
	{"dicom_destination.name", "..", false, "not begin with a dot"},
	{"dicom_destination.name", "a..b-C_9", true, "a..b-C_9"},
	{"dicom_destination.storage_commitment", "off", true, NULL},
	{"dicom_destination.storage_commitment", "Request", true, NULL},
	{"dicom_destination.storage_commitment", "on", false, "off or request"},
	{"dicom_listener.private_sop_classes", "['1.2.a']", false, "no UID"},
	{"dicom_listener.private_sop_classes", "['../1']", false, "no UID"},
	{"dicom_listener.private_sop_classes", "['1']", true, NULL},
	{"delivery.permanent_statuses", "[0122]", false, "in quotes"},
	{"delivery.permanent_statuses", "['0122', xxxx, BxXf]", true, NULL},
	{"delivery.permanent_statuses", "['122']", false, "needs at least 4"},
	{"delivery.permanent_statuses", "[G000]", false, "no status"},
	{"durability", "None", true, NULL},
	{"durability", "~", false, "default stands: strict"},
	{"logging.output", "json", true, NULL},
	{"logging.format", "'100 % %(message)s'", false, "% must be followed by"},
	{"logging.format", "'%(message'", false, "without its )"},
	{"logging.format", "'%(message)d'", false, "after a field that is text"},
	{"logging.format", "'%(process)d %(msecs)03d %%'", true, "%(process)d %(msecs)03d %%"},
	{"logging.format", "'%(message)r'", false, "s, d or f"},
	{"logging.format", "'%(message)999s'", false, "above 256"},
	{"processing.overlay_series_number", "-1", true, NULL},
	{"processing.overlay_series_number", "2147483648", false,
	 "outside -2147483648 to 2147483647"},
	{"anonymization.enabled", "\"false\"", false, "without the quotes"},
};

START_TEST(test_form)
{
	const struct conf_key *k = &conf_table[conf_table_find(bytes_str(forms[_i].path))];

	ck_assert(k < conf_table + conf_table_count);
	expect(k, forms[_i].value, forms[_i].good);
	if (!forms[_i].good)
		ck_assert_msg(strstr(said(), forms[_i].becomes) != NULL, "%s: %s: said %s", k->path,
			      forms[_i].value, said());
	else if (forms[_i].becomes != NULL)
		ck_assert_str_eq(text_at(&conf, k), forms[_i].becomes);
}
END_TEST

/* A key must not be repeated in a message, however wrong it is. */
START_TEST(test_secret)
{
	static const char *const wrong[] = {
		"SECRET",      "\"SECRET0123456789\\n\"", "[SECRET]",
		"{SECRET: 1}", "5e12345678901234567",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		(void)parse(file_of("processing.uid_key", wrong[i]));
		ck_assert_msg(strstr(said(), "SECRET") == NULL && strstr(said(), "12345") == NULL,
			      "%s: %s", wrong[i], said());
	}
	const struct conf_key *k = &conf_table[conf_table_find(BYTES_LIT("processing.uid_key"))];
	expect(k, quoted("", 1025, "S", ""), false);
	ck_assert_ptr_null(strstr(said(), "SSSS"));
	expect(k, "-12345678901234567", false);
	ck_assert_ptr_null(strstr(said(), "12345"));
}
END_TEST

START_TEST(test_tag)
{
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
		{"PatientID", true},     {"\"0010,0020\"", true}, {"'(0010,0020)'", true},
		{"'60fF,3000'", true},   {"00100020", false},     {"'00100020'", false},
		{"'0010,002'", false},   {"'0010,00200'", false}, {"'(0010,0020'", false},
		{"'0010;0020'", false},  {"'001G,0020'", false},  {"Patient_ID", false},
		{"'Patient ID'", false}, {"'2Patient'", false},   {"'()'", false},
		{"'0010,0020 '", false},
	};
	const struct conf_key *k =
		&conf_table[conf_table_find(BYTES_LIT("anonymization.rules.remove_tags"))];
	char text[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), "[%s]", rows[i].text);
		expect(k, text, rows[i].good);
	}
	expect(k, "[0010,0020]", false); /* two numbers */
	expect(k, "\n    - 0010,0020", true);
	ck_assert_str_eq(list_at(&conf, k).item[0], "0010,0020");
}
END_TEST

/* ---- HOME ------------------------------------------------------------------------------------ */

START_TEST(test_home)
{
	static const struct {
		const char *home, *expanded; /* NULL: refused */
	} rows[] = {
		{"/home/x", "/home/x/w"},
		{"/home/x/", "/home/x/w"},
		{"/", "/w"},
		{"//", "/w"},
		{"", NULL},
		{"relative", NULL},
		{NULL, NULL},
		{"/\xFF", NULL},
	};
	const char *home = rows[_i].home;

	if (home == NULL)
		unsetenv("HOME");
	else
		setenv("HOME", home, 1);
	ck_assert_int_eq(parse(BYTES_LIT("")), OK);
	if (rows[_i].expanded == NULL) {
		ck_assert_str_eq(conf.directories.working, "");
		ck_assert_int_eq(parse(BYTES_LIT("directories: {working: ~/w}")), ERR_WIRE);
		ck_assert_ptr_nonnull(strstr(said(), "HOME"));
		ck_assert_int_eq(parse(BYTES_LIT("directories: {working: /w}")), OK);
		ck_assert_str_eq(conf.directories.working, "/w");
		return;
	}
	ck_assert_ptr_nonnull(strstr(conf.directories.working, "/CORRECT_working"));
	ck_assert_int_eq(conf.directories.logs[0], '/');
	ck_assert_int_eq(parse(BYTES_LIT("directories: {working: ~/w}")), OK);
	ck_assert_str_eq(conf.directories.working, rows[_i].expanded);
	ck_assert_int_eq(parse(BYTES_LIT("directories: {working: \"~\"}")), OK);
	ck_assert_uint_eq(strlen(conf.directories.working),
			  strlen(rows[_i].expanded) - 2 + (strlen(rows[_i].expanded) == 2));
}
END_TEST

/* ---- YAML 1.1 -------------------------------------------------------------------------------- */

START_TEST(test_yaml11)
{
	static const struct {
		enum yaml11 type;
		const char *words; /* separated by | */
	} rows[] = {
		{YAML11_NULL, "|~|null|Null|NULL"},
		{YAML11_BOOL, "true|FALSE|Yes|no|on|Off"},
		{YAML11_INT, "0|7|-7|+7|10|2147483648|-0"},
		{YAML11_ODD, "07|0x1F|-0b1|1_000|12:30|1:2:3|0_|00|9:59:59"},
		{YAML11_FLOAT, "1.0|1.|.5|-1.5|1.0e+5|1.5E-3|.inf|-.INF|.nan|12:30.5|1_0.5"},
		{YAML11_DATE, "2024-01-01|2024-1-1T1:02:03|2001-12-14 21:59:43.10 -5|"
			      "2001-12-14t21:59:43Z|2001-12-14T21:59:43+05:30"},
		{YAML11_MERGE, "<<"},
		{YAML11_TEXT,
		 "y|n|nULL|tRUE|08|1e5|1.0e5|0.0.0.0|-|+|.|..|+.5|0x|0o7|1:60|1:|2024-1-1|"
		 "2024-01-01 |12 |e|::|NaN|=|<|2001-12-14T21:59|1.2.3|--1|_1"},
	};
	char word[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (const char *p = rows[i].words;;) {
			size_t n = strcspn(p, "|");
			struct bytes s = bytes_of(p, n);

			bytes_to_str(s, word, sizeof(word));
			ck_assert_msg(yaml11_of(s) == rows[i].type, "\"%s\" is %d, not %d", word,
				      yaml11_of(s), rows[i].type);
			if (p[n] == '\0')
				break;
			p += n + 1;
		}
	}
}
END_TEST

/* ---------------------------------------------------------------------------------------------- */

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

Suite *suite_conf_keys(void)
{
	Suite *s = suite_create("conf_keys");
	TCase *t = tcase_create("key");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, test_key, 0, (int)conf_table_count);
	tcase_add_loop_test(t, test_form, 0, ROWS(forms));
	tcase_add_test(t, test_secret);
	tcase_add_test(t, test_tag);
	tcase_add_loop_test(t, test_home, 0, 8);
	tcase_add_test(t, test_yaml11);
	suite_add_tcase(s, t);
	return s;
}
