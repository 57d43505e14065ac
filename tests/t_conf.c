/*
 * The configuration: what is accepted, what is refused, and that every complaint names its place.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cmd/cmd.h"
#include "conf/conf.h"
#include "conf/table.h"
#include "conf/value.h"
#include "conf/yaml11.h"
#include "support/support.h"

Suite *suite_conf(void);

static struct arena arena;
static struct conf_diags diags;
static struct conf conf;

static void setup(void)
{
	ck_assert_int_eq(arena_open(&arena, LIMIT_CONFIG_ARENA, NULL), OK);
	memset(&diags, 0, sizeof(diags));
	memset(&conf, 0, sizeof(conf));
	setenv("HOME", "/home/someone", 1);
}

static void teardown(void)
{
	arena_close(&arena);
}

/* Every diagnostic, a line each, as "LINE:COLUMN: KEY: REASON". */
static const char *said(void)
{
	static char text[65536];
	struct buf b = BUF_INIT(sizeof(text) - 1);

	for (size_t i = 0; i < diags.count; i++) {
		struct buf line = BUF_INIT(8192);

		conf_diag_format(&diags.item[i], "f", &line);
		ck_assert(!line.failed && bytes_eq_str(bytes_slice(buf_bytes(&line), 0, 2), "f:"));
		buf_add(&b, bytes_slice(buf_bytes(&line), 2, line.len - 2));
		buf_char(&b, '\n');
		buf_free(&line);
	}
	ck_assert(!b.failed);
	bytes_to_str(buf_bytes(&b), text, sizeof(text));
	buf_free(&b);
	return text;
}

static enum err parse(struct bytes text)
{
	memset(&diags, 0, sizeof(diags));
	return conf_parse(&conf, text, "f", &arena, &diags);
}

/* A view of a literal, as an initializer. */
#define VIEW(s)                                        \
	{                                              \
		(const uint8_t *)("" s), sizeof(s) - 1 \
	}

/* ---- whole texts ----------------------------------------------------------------------------- */

static const struct {
	const char *name;
	struct bytes text;
	enum err want;
	const char *said;
} texts[] = {
	{"nothing at all", VIEW(""), OK, ""},
	{"comments only", VIEW("# a\n\n# b\n"), OK, ""},
	{"a document of nothing", VIEW("---\n...\n"), OK, ""},
	{"null", VIEW("~\n"), OK, ""},
	{"an empty mapping", VIEW("{}\n"), OK, ""},
	{"an empty section", VIEW("processing:\nwatcher: {}\nlogging: null\n"), OK, ""},
	{"flow style", VIEW("{dicom_listener: {port: 1, ae_title: X}}"), OK, ""},
	{"JSON", VIEW("{\"dicom_listener\": {\"port\": 1}}"), OK, ""},
	{"no line feed at the end", VIEW("watcher:\n  debounce_interval_seconds: 7"), OK, ""},
	{"CR LF", VIEW("watcher:\r\n  debounce_interval_seconds: 7\r\n"), OK, ""},
	{"CR LF, third line", VIEW("watcher:\r\n\r\n  x: 7\r\n"), OK,
	 "3:3: watcher.x: warning: unknown key, not read\n"},
	{"byte order mark", VIEW("\xEF\xBB\xBFx: 7\n"), OK,
	 "1:1: x: warning: unknown key, not read\n"},
	{"byte order mark only", VIEW("\xEF\xBB\xBF"), OK, ""},
	{"columns count characters", VIEW("{\"\xC3\xA4\xE2\x82\xAC\": 1, x: 7}\n"), OK,
	 "1:2: \xC3\xA4\xE2\x82\xAC: warning: unknown key, not read\n"
	 "1:11: x: warning: unknown key, not read\n"},
	{"UTF-8 values", VIEW("processing:\n  overlay_series_description: \"\xC3\x9C\"\n"), OK, ""},

	{"Latin-1", VIEW("# a\nx: \xE4\n"), ERR_WIRE,
	 "2:4: the file is not UTF-8 from here on; save it as UTF-8\n"},
	{"cut in a character", VIEW("x: \xE2\x82"), ERR_WIRE,
	 "1:4: the file is not UTF-8 from here on; save it as UTF-8\n"},
	{"UTF-16, little", VIEW("\xFF\xFEx\0"), ERR_WIRE,
	 "1:1: the file is UTF-16; save it as UTF-8\n"},
	{"UTF-16, big", VIEW("\xFE\xFF\0x"), ERR_WIRE,
	 "1:1: the file is UTF-16; save it as UTF-8\n"},
	{"NUL", VIEW("x: 1\ny: \0\n"), ERR_WIRE, "2:4: a control character\n"},
	{"escape", VIEW("x: \x1B[31m\n"), ERR_WIRE, "1:4: a control character\n"},
	{"second byte order mark", VIEW("x: 1\n\xEF\xBB\xBF"), ERR_WIRE,
	 "2:1: a control character\n"},
	{"line separators are lines", VIEW("#\xE2\x80\xA8#\xC2\x85#\x01"), ERR_WIRE,
	 "3:2: a control character\n"},

	{"text", VIEW("hello\n"), ERR_WIRE,
	 "1:1: a configuration is made of lines \"key: value\"\n"},
	{"a list", VIEW("- a\n- {b: c}\n"), ERR_WIRE,
	 "1:1: a configuration is made of lines \"key: value\"\n"},
	{"two documents", VIEW("---\nx: 1\n---\ny: 2\n"), ERR_WIRE,
	 "2:1: x: warning: unknown key, not read\n"
	 "3:1: a second document begins here; there must be one\n"},
	{"second document after an end", VIEW("{}\n...\n---\n{}\n"), ERR_WIRE,
	 "3:1: a second document begins here; there must be one\n"},
	{"tab", VIEW("watcher:\n\tdebounce_interval_seconds: 5\n"), ERR_WIRE,
	 "2:1: YAML: found character that cannot start any token (while scanning for the next "
	 "token that began in line 2); a tab cannot indent, use spaces\n"},
	{"unquoted %", VIEW("logging:\n  format: %(asctime)s\n"), ERR_WIRE,
	 "2:11: YAML: found character that cannot start any token (while scanning for the next "
	 "token that began in line 2); text that begins with this character needs quotes\n"},
	{"unquoted colon", VIEW("processing:\n  burn_in_text: RESEARCH: ONLY\n"), ERR_WIRE,
	 "2:25: YAML: mapping values are not allowed in this context; text that contains a colon "
	 "and a space needs quotes\n"},
	{"bad indentation", VIEW("watcher:\n    debounce_interval_seconds: 5\n  x: 1\n"), ERR_WIRE,
	 "3:3: YAML: did not find expected key (while parsing a block mapping that began in line "
	 "1); is the indentation right?\n"},
	{"open quote", VIEW("x: \"abc\n"), ERR_WIRE,
	 "1:1: x: warning: unknown key, not read\n"
	 "2:1: YAML: found unexpected end of stream (while scanning a quoted scalar that began in "
	 "line 1)\n"},
	{"errors before a syntax error are kept",
	 VIEW("dicom_listener:\n  port: 0\n  ae_title: {\n"), ERR_WIRE,
	 "2:9: dicom_listener.port: \"0\" is outside 1 to 65535\n"
	 "3:13: dicom_listener.ae_title: needs a single value, not a section\n"
	 "4:1: YAML: did not find expected node content (while parsing a flow node that began in "
	 "line 4)\n"},

	{"alias", VIEW("dicom_listener: {port: &p 5}\ndicom_destination: {port: *p}\n"), ERR_WIRE,
	 "1:24: dicom_listener.port: anchors are not accepted\n"
	 "2:27: dicom_destination.port: aliases are not accepted\n"},
	{"anchor on a section", VIEW("watcher: &a\n  debounce_interval_seconds: 3\n"), ERR_WIRE,
	 "1:10: watcher: anchors are not accepted\n"},
	{"alias as an item", VIEW("processing: {only_contour_names_matching: [&a x, *a]}\n"),
	 ERR_WIRE,
	 "1:44: processing.only_contour_names_matching: anchors are not accepted\n"
	 "1:50: processing.only_contour_names_matching: aliases are not accepted\n"},
	{"alias as a key", VIEW("{&a watcher: {}, *a : 1, logging: {level: x}}\n"), ERR_WIRE,
	 "1:2: anchors are not accepted\n1:18: aliases are not accepted\n"
	 "1:43: logging.level: \"x\" is not DEBUG, INFO, WARNING, ERROR or CRITICAL\n"},
	{"aliases inside what is skipped", VIEW("x: [&a [1], {b: *a}]\n"), ERR_WIRE,
	 "1:1: x: warning: unknown key, not read\n1:5: x: anchors are not accepted\n"
	 "1:17: x: aliases are not accepted\n"},
	{"tag", VIEW("dicom_listener: {port: !!int 5, ae_title: !x Y}\n"), ERR_WIRE,
	 "1:24: dicom_listener.port: tags are not accepted\n"
	 "1:43: dicom_listener.ae_title: tags are not accepted\n"},
	{"tag on a section and a list",
	 VIEW("processing: !!map\n  only_contour_names_matching: !!seq [a]\n"), ERR_WIRE,
	 "1:13: processing: tags are not accepted\n"
	 "2:32: processing.only_contour_names_matching: tags are not accepted\n"},
	{"merge key", VIEW("watcher:\n  <<: {debounce_interval_seconds: 3}\n"), ERR_WIRE,
	 "2:3: watcher.<<: merge keys are not accepted\n"},

	{"key twice",
	 VIEW("watcher:\n  x: 1\n  debounce_interval_seconds: 3\n"
	      "  debounce_interval_seconds: 4\n"),
	 ERR_WIRE,
	 "2:3: watcher.x: warning: unknown key, not read\n"
	 "4:3: watcher.debounce_interval_seconds: given twice; the first one is in line 3\n"},
	{"same value twice is twice", VIEW("{logging: {level: INFO, \"level\": INFO}}\n"), ERR_WIRE,
	 "1:25: logging.level: given twice; the first one is in line 1\n"},
	{"section twice", VIEW("watcher: {x: 1}\nlogging: {}\nwatcher: {y: 1}\n"), ERR_WIRE,
	 "1:11: watcher.x: warning: unknown key, not read\n"
	 "3:1: watcher: given twice; the first one is in line 1\n"},
	{"unknown key twice", VIEW("x: 1\nx: 2\n"), ERR_WIRE,
	 "1:1: x: warning: unknown key, not read\n"
	 "2:1: x: given twice; the first one is in line 1\n"},
	{"empty value, then again", VIEW("logging: {level: , level: DEBUG}\n"), ERR_WIRE,
	 "1:18: logging.level: warning: has no value, so the default stands: INFO\n"
	 "1:20: logging.level: given twice; the first one is in line 1\n"},

	{"section as a value", VIEW("watcher: 5\nlogging: [a]\n"), ERR_WIRE,
	 "1:10: watcher: is a section: its keys belong below it, indented\n"
	 "2:10: logging: is a section of keys, not a list\n"},
	{"list as a value", VIEW("logging: {level: [INFO], format: {a: b}}\n"), ERR_WIRE,
	 "1:18: logging.level: needs a single value, not a list\n"
	 "1:34: logging.format: needs a single value, not a section\n"},
	{"value as a list",
	 VIEW("processing:\n  ignore_contour_names_containing: skull\n"
	      "anonymization: {default_tags_to_blank: PatientID, rules: {blank_tags: {}}}\n"),
	 ERR_WIRE,
	 "2:36: processing.ignore_contour_names_containing: needs a list, as in [skull]\n"
	 "3:40: anonymization.default_tags_to_blank: needs a list, as in [PatientID]\n"
	 "3:71: anonymization.rules.blank_tags: needs a list, not a section\n"},
	{"items that are no text",
	 VIEW("processing:\n  only_contour_names_matching:\n    - a\n    - 5\n    - [b]\n"
	      "    - {c: d}\n    -\n    - ''\n    - no\n"),
	 ERR_WIRE,
	 "4:7: processing.only_contour_names_matching: \"5\" without quotes is a number in YAML; "
	 "put it in quotes\n"
	 "5:7: processing.only_contour_names_matching: each item must be a single text\n"
	 "6:7: processing.only_contour_names_matching: each item must be a single text\n"
	 "7:6: processing.only_contour_names_matching: has no value\n"
	 "8:7: processing.only_contour_names_matching: must not be empty\n"
	 "9:7: processing.only_contour_names_matching: \"no\" without quotes is true or false in "
	 "YAML; put it in quotes\n"},
	{"key that is no text", VIEW("? [a, b]\n: {c: d}\n? {e: f}\n: 1\nwatcher: {x: 1}\n"),
	 ERR_WIRE,
	 "1:3: a key must be a single text\n3:3: a key must be a single text\n"
	 "5:11: watcher.x: warning: unknown key, not read\n"},
	{"dotted key", VIEW("dicom_listener.port: 5\n"), OK,
	 "1:1: dicom_listener.port: warning: not read: dots are no part of a key; write each "
	 "section on a line of its own\n"},
	{"empty key", VIEW("'': 5\n? \n: 6\nwatcher: {'': 3}\n"), ERR_WIRE,
	 "1:1: warning: unknown key, not read\n2:2: given twice; the first one is in line 1\n"
	 "4:11: watcher: warning: unknown key, not read\n"},
	{"key with control characters", VIEW("\"a\\e[1m\\0\": 5\n"), OK,
	 "1:1: a\\x1B[1m\\x00: warning: unknown key, not read\n"},
	{"everything at once",
	 VIEW("watcher: {debounce_interval_seconds: 0}\nnonsense: 1\n"
	      "dicom_listener: {ae_title: , port: x}\n"),
	 ERR_WIRE,
	 "1:38: watcher.debounce_interval_seconds: \"0\" is outside 1 to 86400 s\n"
	 "2:1: nonsense: warning: unknown key, not read\n"
	 "3:28: dicom_listener.ae_title: warning: has no value, so the default stands: \"NETRT\"\n"
	 "3:36: dicom_listener.port: \"x\" is not a whole number\n"},
};

START_TEST(test_text)
{
	struct conf before;

	memset(&conf, 0x5A, sizeof(conf));
	before = conf;
	enum err e = parse(texts[_i].text);
	ck_assert_msg(e == texts[_i].want, "%s: result %d, not %d; said:\n%s", texts[_i].name, e,
		      texts[_i].want, said());
	ck_assert_msg(strcmp(said(), texts[_i].said) == 0, "%s: said:\n%snot:\n%s", texts[_i].name,
		      said(), texts[_i].said);
	if (e != OK)
		ck_assert_msg(memcmp(&conf, &before, sizeof(conf)) == 0, "%s: output touched",
			      texts[_i].name);
	else
		ck_assert_str_eq(conf.file, "f");
}
END_TEST

/* ---- each key -------------------------------------------------------------------------------- */

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

static const char *text_at(const struct conf *c, const struct conf_key *k)
{
	const char *v;

	memcpy(&v, (const uint8_t *)c + k->at, sizeof(v));
	return v;
}

static struct conf_list list_at(const struct conf *c, const struct conf_key *k)
{
	struct conf_list v;

	memcpy(&v, (const uint8_t *)c + k->at, sizeof(v));
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
	expect(k, "+7", true);
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
	expect(k, "no", false);
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

/* A text, or a list's item between its brackets. */
static void each_text(const struct conf_key *k, const char *open, const char *close)
{
	static const char *const not_text[] = {"5", "0.5", "no", "2024-01-01", "010", "<<"};
	bool ascii = k->form == CONF_AE || k->form == CONF_HOST || k->form == CONF_TAG;
	char text[100];

	for (int step = -1; step <= 1; step++) {
		int least = k->min + step, most = k->max + step;

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
		each_text(k, "[Abc, ", "]");
		expect(k, "[Abc, Def]", true);
		ck_assert_uint_eq(list_at(&conf, k).count, 2);
		ck_assert_str_eq(list_at(&conf, k).item[0], "Abc");
		ck_assert_str_eq(list_at(&conf, k).item[1], "Def");
		expect(k, "Abc", false);
		break;
	}
	expect(k, "{a: b}", false);
	if (k->nullable) {
		expect(k, "null", true);
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
	{"dicom_listener.port", "65536", false, "outside 1 to 65535"},
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

/* ---- suggestions ----------------------------------------------------------------------------- */

static const struct {
	const char *path, *nearest; /* NULL: none */
} slips[] = {
	{"procesing", "processing"},
	{"Processing", "processing"},
	{"dicom-listener", "dicom_listener"},
	{"dicom_listner", "dicom_listener"},
	{"dicom_listener.prot", "dicom_listener.port"},
	{"dicom_listener.aetitle", "dicom_listener.ae_title"},
	{"dicom_listener.AE_TITLE", "dicom_listener.ae_title"},
	{"dicom_listener.ip", "dicom_destination.ip"},
	{"dicom_destination.hots", NULL},
	{"dicom_destination.pi", "dicom_destination.ip"},
	{"anonymization.enable", "anonymization.enabled"},
	{"anonymisation", "anonymization"},
	{"anonymization.rules.remove_tag", "anonymization.rules.remove_tags"},
	{"anonymization.remove_tags", "anonymization.rules.remove_tags"},
	{"anonymization.rule", "anonymization.rules"},
	{"overlay_series_number", "processing.overlay_series_number"},
	{"overlay_series_numer", "processing.overlay_series_number"},
	{"burn_in_text", "processing.burn_in_text"},
	{"processing.ignore_contours_names_containing",
	 "processing.ignore_contour_names_containing"},
	{"processing.debounce_interval_seconds", "watcher.debounce_interval_seconds"},
	{"processing.ignore_countour_names_contianing",
	 "processing.ignore_contour_names_containing"},
	{"watcher.processing", "processing"},
	{"nonsense", NULL},
	{"x", NULL},
	{"processing.x", NULL},
	{"", NULL},
};

START_TEST(test_nearest)
{
	char out[CONF_PATH_MAX];
	bool found = conf_table_nearest(bytes_str(slips[_i].path), out);

	ck_assert_msg(found == (slips[_i].nearest != NULL), "%s: %s", slips[_i].path,
		      found ? out : "nothing");
	if (found)
		ck_assert_msg(strcmp(out, slips[_i].nearest) == 0, "%s: %s, not %s", slips[_i].path,
			      out, slips[_i].nearest);
}
END_TEST

/* Any one slip in any key of the table leads back to it, or to another key as near. */
START_TEST(test_every_slip)
{
	const char *path = conf_table[_i].path;
	size_t n = strlen(path), start = (size_t)(strrchr(path, '.') - path) + 1;
	char slip[CONF_PATH_MAX + 1], out[CONF_PATH_MAX];

	for (size_t i = start; i < n; i++) {
		snprintf(slip, sizeof(slip), "%.*s%s", (int)i, path, path + i + 1); /* lost */
		if (n - start > 2) {
			ck_assert_msg(conf_table_nearest(bytes_str(slip), out), "%s", slip);
			ck_assert_str_eq(out, path);
		}
		snprintf(slip, sizeof(slip), "%.*sx%s", (int)i, path, path + i); /* too many */
		ck_assert_msg(conf_table_nearest(bytes_str(slip), out), "%s", slip);
		ck_assert_str_eq(out, path);
	}
}
END_TEST

START_TEST(test_retired)
{
	ck_assert_int_eq(parse(BYTES_LIT("features: {create_gsps: true}\n"
					 "processing: {default_series_number: 9901}\n")),
			 OK);
	ck_assert_str_eq(
		said(), "1:1: features: warning: not read: of a later NETRT; see feature_flags\n"
			"2:14: processing.default_series_number: warning: not read: an old name of "
			"processing.overlay_series_number\n");
	ck_assert_int_eq(conf.processing.overlay_series_number, 98);
}
END_TEST

/* ---- the default file ------------------------------------------------------------------------ */

static void assert_same(const struct conf_key *k, const struct conf *a, const struct conf *b)
{
	const uint8_t *p = (const uint8_t *)a + k->at, *q = (const uint8_t *)b + k->at;
	struct conf_list m, n;

	switch (k->kind) {
	case CONF_BOOL:
		ck_assert_msg(*(const bool *)p == *(const bool *)q, "%s", k->path);
		break;
	case CONF_INT:
	case CONF_MILLI:
	case CONF_WORD:
		ck_assert_msg(memcmp(p, q, sizeof(int)) == 0, "%s", k->path);
		break;
	case CONF_TEXT:
		ck_assert_pstr_eq(text_at(a, k), text_at(b, k));
		break;
	case CONF_LIST:
		m = list_at(a, k);
		n = list_at(b, k);
		ck_assert_msg(m.count == n.count, "%s", k->path);
		for (size_t i = 0; i < m.count; i++)
			ck_assert_str_eq(m.item[i], n.item[i]);
		break;
	}
}

/* Is there a comment on the line before `line`, or on the lines of the block it stands in? */
static bool is_explained(struct bytes text, unsigned line)
{
	const char *lines[1000];
	unsigned n = 1;
	const char *p = arena_strdup(&arena, text);

	for (lines[1] = p; (p = strchr(p, '\n')) != NULL && n < 999; p++)
		lines[++n] = p + 1;
	for (unsigned i = line; i > 0 && lines[i][0] != '\n'; i--)
		if (lines[i][strspn(lines[i], " ")] == '#')
			return true;
	return false;
}

START_TEST(test_default_file)
{
	struct bytes text = conf_default_text();
	struct conf built_in;

	ck_assert_int_eq(conf_defaults(&built_in, &arena), OK);
	ck_assert_ptr_null(built_in.file);
	ck_assert_msg(parse(text) == OK && diags.count == 0, "%s", said());
	for (size_t i = 0; i < conf_table_count; i++) {
		ck_assert_msg(conf.set_at[i].line > 0, "%s is not in the default file",
			      conf_table[i].path);
		ck_assert_msg(is_explained(text, conf.set_at[i].line), "%s is not explained",
			      conf_table[i].path);
		ck_assert_uint_eq(built_in.set_at[i].line, 0);
		assert_same(&conf_table[i], &conf, &built_in);
	}
}
END_TEST

/* The defaults that are promised, spelled out once more. */
START_TEST(test_promised_defaults)
{
	ck_assert_int_eq(conf_defaults(&conf, &arena), OK);
	ck_assert_int_eq(conf.dicom_listener.port, 11112);
	ck_assert_str_eq(conf.dicom_listener.ae_title, "NETRT");
	ck_assert_int_eq(conf.watcher.debounce_interval_seconds, 5);
	ck_assert_int_eq(conf.watcher.min_file_count_for_processing, 2);
	ck_assert_uint_eq(conf.processing.ignore_contour_names_containing.count, 1);
	ck_assert_str_eq(conf.processing.ignore_contour_names_containing.item[0], "skull");
	ck_assert_uint_eq(conf.processing.only_contour_names_matching.count, 0);
	ck_assert_int_eq(conf.processing.overlay_series_number, 98);
	ck_assert_str_eq(conf.processing.overlay_series_description,
			 "Processed DicomRT with Overlay");
	ck_assert_str_eq(conf.processing.overlay_study_id, "RTPlanShare");
	ck_assert_int_eq(conf.processing.edge_rule, CONF_EDGE_INCLUSIVE);
	ck_assert_int_eq(conf.processing.nested_contours, CONF_NESTED_HOLE);
	ck_assert_int_eq(conf.processing.overlay_planes, CONF_PLANES_MERGED);
	ck_assert_int_eq(conf.processing.slice_tolerance_um, 1500);
	ck_assert_ptr_null(conf.processing.uid_key);
	ck_assert(conf.processing.add_burn_in_disclaimer);
	ck_assert(conf.anonymization.enabled);
	ck_assert(!conf.feature_flags.enable_segmentation_export);
	ck_assert_str_eq(conf.directories.working, "/home/someone/CORRECT_working");
}
END_TEST

/* ---- a file as NETRT's users have it --------------------------------------------------------- */

/* Same keys, types and YAML habits as in the wild; every value differs from its default. */
static const char netrt_file[] =
	"dicom_listener:\n"
	"  # where the planning system sends to\n"
	"  host: 10.0.0.7\n"
	"  port: 11116\n"
	"  ae_title: RTGATE\n"
	"  config_negotiated_transfer_syntax: False\n"
	"\n"
	"dicom_destination:\n"
	"  ip: pacs.example.org          # a name\n"
	"  port: 4242\n"
	"  ae_title: ARCHIVE\n"
	"  \n"
	"directories:\n"
	"    working: \"~/netrt/working\"\n"
	"    logs: /var/log/netrt\n"
	"    quarantine_subdir: failed\n"
	"watcher:\n"
	"  debounce_interval_seconds: 30\n"
	"  min_file_count_for_processing: 10\n"
	"processing:\n"
	"  ignore_contour_names_containing: [\"skull\", \"patient_outline\"]\n"
	"  overlay_series_number: 999\n"
	"  overlay_series_description: \"RESEARCH: CT with mask\"\n"
	"  overlay_study_id: RTShare\n"
	"  add_burn_in_disclaimer: No\n"
	"  burn_in_text: 'NOT FOR \"CLINICAL\" USE'\n"
	"  segmentation_series_number: 77\n"
	"  segmentation_series_description_template: 'CONTOUR {}'\n"
	"  segmentation_algorithm_name: Manual\n"
	"  segmentation_algorithm_version: 'v2'\n"
	"  segmentation_tracking_id: \"TRACK\"\n"
	"  debug_series_number: 102\n"
	"  debug_series_description: \"DEBUG\"\n"
	"anonymization:\n"
	"  enabled: off\n"
	"  full_anonymization_enabled: yes\n"
	"  use_consistent_pid: false\n"
	"  site_code: \"INST\"\n"
	"  pid_mapping_file: /srv/pid.json\n"
	"  study_description: \"Treatment plan\"\n"
	"  rules:\n"
	"    remove_tags:\n"
	"    - AccessionNumber   # (0008,0050)\n"
	"    - \"StudyID\"\n"
	"\n"
	"    - 'PatientAge'\n"
	"    blank_tags: [PatientWeight]\n"
	"    generate_random_id_prefix: \"RT_\"\n"
	"  default_tags_to_remove: [PatientAge]\n"
	"  default_tags_to_blank: []\n"
	"  full_anonymization_rules:\n"
	"    tags_to_remove: [PlateID]\n"
	"    tags_to_empty: []\n"
	"    tags_to_modify_date:\n"
	"      - StudyDate\n"
	"    tags_to_modify_time: []\n"
	"    tags_to_regenerate_uid: [SOPInstanceUID]\n"
	"    patient_id_override: null\n"
	"    patient_name_override: ~\n"
	"feature_flags:\n"
	"  enable_segmentation_export: True\n"
	"logging:\n"
	"  level: debug\n"
	"  format: \"%(asctime)s %(message)s\"\n"
	"  application_log_file: app.log\n"
	"  transaction_log_file: txn.log\n"
	"  transaction_log_format: \"%(asctime)s TXN %(message)s\"\n"
	"reporting:\n"
	"  output_directory: \"/srv/reports\" # on the host\n";

START_TEST(test_netrt_file)
{
	ck_assert_msg(parse(bytes_str(netrt_file)) == OK && diags.count == 0, "%s", said());
	ck_assert_str_eq(conf.dicom_listener.host, "10.0.0.7");
	ck_assert_int_eq(conf.dicom_listener.port, 11116);
	ck_assert_str_eq(conf.dicom_listener.ae_title, "RTGATE");
	ck_assert(!conf.dicom_listener.config_negotiated_transfer_syntax);
	ck_assert_str_eq(conf.dicom_destination.ip, "pacs.example.org");
	ck_assert_int_eq(conf.dicom_destination.port, 4242);
	ck_assert_str_eq(conf.dicom_destination.ae_title, "ARCHIVE");
	ck_assert_str_eq(conf.directories.working, "/home/someone/netrt/working");
	ck_assert_str_eq(conf.directories.logs, "/var/log/netrt");
	ck_assert_str_eq(conf.directories.quarantine_subdir, "failed");
	ck_assert_int_eq(conf.watcher.debounce_interval_seconds, 30);
	ck_assert_int_eq(conf.watcher.min_file_count_for_processing, 10);
	ck_assert_uint_eq(conf.processing.ignore_contour_names_containing.count, 2);
	ck_assert_str_eq(conf.processing.ignore_contour_names_containing.item[1],
			 "patient_outline");
	ck_assert_int_eq(conf.processing.overlay_series_number, 999);
	ck_assert_str_eq(conf.processing.overlay_series_description, "RESEARCH: CT with mask");
	ck_assert_str_eq(conf.processing.overlay_study_id, "RTShare");
	ck_assert(!conf.processing.add_burn_in_disclaimer);
	ck_assert_str_eq(conf.processing.burn_in_text, "NOT FOR \"CLINICAL\" USE");
	ck_assert_int_eq(conf.processing.segmentation_series_number, 77);
	ck_assert_str_eq(conf.processing.segmentation_series_description_template, "CONTOUR {}");
	ck_assert_str_eq(conf.processing.segmentation_algorithm_name, "Manual");
	ck_assert_str_eq(conf.processing.segmentation_algorithm_version, "v2");
	ck_assert_str_eq(conf.processing.segmentation_tracking_id, "TRACK");
	ck_assert_int_eq(conf.processing.debug_series_number, 102);
	ck_assert_str_eq(conf.processing.debug_series_description, "DEBUG");
	ck_assert(!conf.anonymization.enabled);
	ck_assert(conf.anonymization.full_anonymization_enabled);
	ck_assert(!conf.anonymization.use_consistent_pid);
	ck_assert_str_eq(conf.anonymization.site_code, "INST");
	ck_assert_str_eq(conf.anonymization.pid_mapping_file, "/srv/pid.json");
	ck_assert_str_eq(conf.anonymization.study_description, "Treatment plan");
	ck_assert_uint_eq(conf.anonymization.rules.remove_tags.count, 3);
	ck_assert_str_eq(conf.anonymization.rules.remove_tags.item[2], "PatientAge");
	ck_assert_str_eq(conf.anonymization.rules.blank_tags.item[0], "PatientWeight");
	ck_assert_str_eq(conf.anonymization.rules.generate_random_id_prefix, "RT_");
	ck_assert_uint_eq(conf.anonymization.default_tags_to_remove.count, 1);
	ck_assert_uint_eq(conf.anonymization.default_tags_to_blank.count, 0);
	ck_assert_ptr_null(conf.anonymization.full_anonymization_rules.patient_id_override);
	ck_assert_ptr_null(conf.anonymization.full_anonymization_rules.patient_name_override);
	ck_assert(conf.feature_flags.enable_segmentation_export);
	ck_assert_int_eq(conf.logging.level, CONF_LOG_DEBUG);
	ck_assert_str_eq(conf.logging.format, "%(asctime)s %(message)s");
	ck_assert_str_eq(conf.logging.application_log_file, "app.log");
	ck_assert_str_eq(conf.logging.transaction_log_file, "txn.log");
	ck_assert_str_eq(conf.logging.transaction_log_format, "%(asctime)s TXN %(message)s");
	ck_assert_str_eq(conf.reporting.output_directory, "/srv/reports");
	for (size_t i = 0; i < conf_table_count; i++) {
		static const char *const ours[] = {"processing.only_contour_names_matching",
						   "processing.edge_rule",
						   "processing.nested_contours",
						   "processing.overlay_planes",
						   "processing.slice_tolerance_mm",
						   "processing.uid_key"};
		bool is_ours = false;

		for (size_t j = 0; j < sizeof(ours) / sizeof(ours[0]); j++)
			is_ours |= strcmp(conf_table[i].path, ours[j]) == 0;
		ck_assert_msg((conf.set_at[i].line > 0) == !is_ours, "%s", conf_table[i].path);
	}
}
END_TEST

/* ---- limits ---------------------------------------------------------------------------------- */

static struct bytes repeat(const char *head, const char *each, size_t count, const char *tail)
{
	struct buf b = BUF_INIT(4u << 20);

	buf_str(&b, head);
	for (size_t i = 0; i < count; i++)
		buf_str(&b, each);
	buf_str(&b, tail);
	ck_assert(!b.failed);
	struct bytes copy = arena_copy(&arena, buf_bytes(&b));
	ck_assert_ptr_nonnull(copy.at);
	buf_free(&b);
	return copy;
}

START_TEST(test_nesting_limit)
{
	/* the document's mapping is one level, each [ one more */
	for (int step = -1; step <= 1; step++) {
		size_t depth = (size_t)(LIMIT_CONFIG_DEPTH - 1 + step);
		enum err e = parse(repeat("x: ", "[", depth, ""));

		ck_assert_int_eq(e, ERR_WIRE);
		ck_assert_msg((strstr(said(), "nested too deep") != NULL) == (step > 0), "%d: %s",
			      step, said());
	}
	ck_assert_int_eq(parse(repeat("x: ", "[", 14, "]]]]]]]]]]]]]]\n")), OK);
	ck_assert_int_eq(parse(repeat("", "- ", 200, "a\n")), ERR_WIRE);
	ck_assert_int_eq(parse(repeat("", "[", 1000000, "")), ERR_WIRE);
	ck_assert_int_eq(parse(repeat("", "{a: ", 200000, "")), ERR_WIRE);
	ck_assert_int_eq(parse(repeat("", "? ", 500000, "")), ERR_WIRE);
}
END_TEST

START_TEST(test_size_limit)
{
	for (int step = -1; step <= 1; step++) {
		size_t size = (size_t)((int)LIMIT_CONFIG + step);
		enum err e = parse(repeat("", "#", size, ""));

		ck_assert_int_eq(e, step > 0 ? ERR_LIMIT : OK);
		ck_assert_str_eq(said(), step > 0 ? " is larger than 1 MiB, too large for a "
						    "configuration\n"
						  : "");
	}
}
END_TEST

START_TEST(test_item_limit)
{
	const char *head = "processing: {only_contour_names_matching: [";

	for (int step = -1; step <= 1; step++) {
		enum err e =
			parse(repeat(head, "a,", (size_t)((int)LIMIT_CONFIG_ITEMS + step), "]}"));

		ck_assert_int_eq(e, step > 0 ? ERR_WIRE : OK);
		ck_assert_uint_eq(diags.count, step > 0);
		if (step <= 0)
			ck_assert_uint_eq(conf.processing.only_contour_names_matching.count,
					  (size_t)((int)LIMIT_CONFIG_ITEMS + step));
	}
	ck_assert_int_eq(parse(repeat(head, "a,", 500000, "]}")), ERR_WIRE);
	ck_assert_uint_eq(diags.count, 1);
}
END_TEST

START_TEST(test_problem_limit)
{
	for (int step = -1; step <= 1; step++) {
		struct buf b = BUF_INIT(1u << 20);
		int count = LIMIT_CONFIG_DIAGS - 1 + step;

		for (int i = 0; i < count; i++)
			buf_fmt(&b, "zz%d: 1\n", i);
		enum err e = parse(buf_bytes(&b));
		ck_assert_int_eq(e, step > 0 ? ERR_WIRE : OK);
		ck_assert_uint_eq(diags.count, (size_t)count);
		ck_assert_uint_eq(diags.errors, step > 0);
		buf_free(&b);
	}
	ck_assert_int_eq(parse(repeat("", "x: 1\n", 200000, "")), ERR_WIRE);
	ck_assert_uint_eq(diags.count, LIMIT_CONFIG_DIAGS);
	ck_assert_ptr_nonnull(strstr(diags.item[LIMIT_CONFIG_DIAGS - 1].reason, "too many"));
	/* and into a full list nothing more goes */
	ck_assert_int_eq(conf_parse(&conf, BYTES_LIT("x: 1"), "f", &arena, &diags), ERR_WIRE);
	ck_assert_int_eq(conf_parse(&conf, BYTES_LIT("["), "f", &arena, &diags), ERR_WIRE);
	ck_assert_uint_eq(diags.count, LIMIT_CONFIG_DIAGS);
}
END_TEST

/* Whatever the arena's size, the result is a configuration or ERR_NOMEM with a word about it. */
START_TEST(test_arena_sweep)
{
	struct bytes texts_to_try[] = {bytes_str(netrt_file),
				       BYTES_LIT("x: 1\ndicom_listener: {port: 0, ae_titel: A}\n")};

	for (size_t t = 0; t < 2; t++) {
		enum err e = ERR_NOMEM;

		for (size_t cap = 16; e == ERR_NOMEM; cap += t == 0 ? 80 : 16) {
			struct arena small;

			ck_assert_uint_lt(cap, 1u << 20);
			ck_assert_int_eq(arena_open(&small, cap, NULL), OK);
			memset(&diags, 0, sizeof(diags));
			e = conf_parse(&conf, texts_to_try[t], "f", &small, &diags);
			if (e == ERR_NOMEM)
				ck_assert_msg(strstr(said(), "does not fit in memory") != NULL,
					      "%zu: %s", cap, said());
			arena_close(&small);
		}
		ck_assert_int_eq(e, t == 0 ? OK : ERR_WIRE);
	}
}
END_TEST

/* LIMIT_CONFIG_ARENA holds the worst file that is within the other limits. */
START_TEST(test_arena_is_enough)
{
	struct buf b = BUF_INIT(LIMIT_CONFIG);
	const char *sections[64];
	size_t count = 0;

	for (size_t i = 0; i < conf_table_count; i++)
		if (conf_table[i].kind == CONF_LIST)
			sections[count++] = conf_table[i].path;
	/* every list full, in flow style: {a: {b: [x,x,...]}} cannot repeat a, so nest by hand */
	buf_str(&b, "processing: {");
	for (size_t i = 0; i < count; i++) {
		const char *dot = strchr(sections[i], '.');

		if (strncmp(sections[i], "processing.", 11) != 0)
			continue;
		buf_fmt(&b, "%s: [", dot + 1);
		for (unsigned j = 0; j < LIMIT_CONFIG_ITEMS; j++)
			buf_str(&b, "ab,");
		buf_str(&b, "], ");
	}
	buf_str(&b, "}\nanonymization: {full_anonymization_rules: {");
	for (size_t i = 0; i < count; i++) {
		const char *name = strrchr(sections[i], '.') + 1;

		if (strstr(sections[i], ".full_anonymization_rules.") == NULL)
			continue;
		buf_fmt(&b, "%s: [", name);
		for (unsigned j = 0; j < LIMIT_CONFIG_ITEMS; j++)
			buf_str(&b, "ab,");
		buf_str(&b, "], ");
	}
	buf_str(&b, "}}\n#");
	while (b.len < LIMIT_CONFIG - 1)
		buf_char(&b, '#');
	ck_assert(!b.failed);
	ck_assert_msg(parse(buf_bytes(&b)) == OK, "%s", said());
	ck_assert_uint_lt(arena.used, LIMIT_CONFIG_ARENA / 2);
	buf_free(&b);
}
END_TEST

/* Cut a NETRT file anywhere, and the default file in many places: a configuration or a complaint
 * inside the text.
 */
START_TEST(test_truncation)
{
	struct bytes whole = _i == 0 ? conf_default_text() : bytes_str(netrt_file);
	size_t mark = arena_mark(&arena);

	for (size_t n = 0; n <= whole.len; n += _i == 0 ? 5 : 1) {
		struct bytes part = arena_copy(&arena, bytes_slice(whole, 0, n));
		unsigned lines = 1;

		for (size_t i = 0; i < n; i++)
			lines += whole.at[i] == '\n';
		enum err e = parse(part);
		ck_assert(e == OK || e == ERR_WIRE);
		ck_assert((e == OK) == (diags.errors == 0));
		for (size_t i = 0; i < diags.count; i++)
			ck_assert_msg(diags.item[i].line >= 1 && diags.item[i].line <= lines,
				      "cut at %zu: %s", n, said());
		arena_reset(&arena, mark);
	}
}
END_TEST

/* ---- files ----------------------------------------------------------------------------------- */

static char folder[] = "/tmp/netrt-t-conf-XXXXXX";

static const char *in_folder(const char *name)
{
	static char path[4][200];
	static unsigned turn;
	char *p = path[turn++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
	return p;
}

static void write_file(const char *name, const void *text, size_t len)
{
	FILE *f = fopen(in_folder(name), "wb");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
}

static void load(const char *name, enum err want, const char *says)
{
	struct buf b = BUF_INIT(8192);

	memset(&diags, 0, sizeof(diags));
	enum err e = conf_load(&conf, in_folder(name), &arena, &diags);
	ck_assert_msg(e == want, "%s: %d", name, e);
	ck_assert_uint_eq(diags.count, says != NULL);
	if (says != NULL) {
		conf_diag_format(&diags.item[0], name, &b);
		ck_assert_msg(strcmp((const char *)b.at, says) == 0, "%s", (const char *)b.at);
	}
	buf_free(&b);
}

START_TEST(test_load)
{
	static char big[LIMIT_CONFIG + 1];

	ck_assert_ptr_nonnull(mkdtemp(folder));
	memset(big, '#', sizeof(big));
	write_file("good", "watcher: {debounce_interval_seconds: 9}\n", 40);
	write_file("empty", "", 0);
	write_file("bad", "\nwatcher: {\n", 12);
	write_file("big", big, sizeof(big));
	write_file("odd\nname", "a", 1);
	ck_assert_int_eq(mkdir(in_folder("folder"), 0700), 0);

	load("good", OK, NULL);
	ck_assert_int_eq(conf.watcher.debounce_interval_seconds, 9);
	ck_assert_str_eq(conf.file, in_folder("good"));
	load("empty", OK, NULL);
	load("missing", ERR_IO, "missing: cannot open the file: No such file or directory");
	load("folder", ERR_UNUSABLE, "folder: not a regular file");
	load("big", ERR_LIMIT, "big: is larger than 1 MiB, too large for a configuration");
	load("bad", ERR_WIRE,
	     "bad:3:1: YAML: did not find expected node content (while parsing a flow node that "
	     "began in line 3)");
	load("odd\nname", ERR_WIRE,
	     "odd\\x0Aname:1:1: a configuration is made of lines \"key: value\"");

	static const char *const names[] = {"good", "empty", "bad", "big", "odd\nname"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_int_eq(unlink(in_folder(names[i])), 0);
	ck_assert_int_eq(rmdir(in_folder("folder")), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

/* ---- what is not built yet ------------------------------------------------------------------- */

static const struct {
	const char *text; /* NULL: built-in defaults */
	const char *said;
} unbuilt[] = {
	{"anonymization: {enabled: false}\nprocessing: {add_burn_in_disclaimer: false}\n", ""},
	{"anonymization: {enabled: false}\nprocessing:\n  add_burn_in_disclaimer: yes\n",
	 "3:27: processing.add_burn_in_disclaimer: is on, but this version cannot burn in a "
	 "disclaimer yet, so nothing is processed; set processing.add_burn_in_disclaimer: false in "
	 "f to go on without it\n"},
	{"processing: {add_burn_in_disclaimer: false}\n",
	 " anonymization.enabled: is on by default, but this version cannot de-identify yet, so "
	 "nothing is processed; set anonymization.enabled: false in f to go on without it\n"},
	{"anonymization: {enabled: }\nprocessing: {add_burn_in_disclaimer: false}\n"
	 "feature_flags: {enable_segmentation_export: on}\n",
	 "1:26: anonymization.enabled: warning: has no value, so the default stands: true\n"
	 "1:26: anonymization.enabled: is on, but this version cannot de-identify yet, so nothing "
	 "is processed; set anonymization.enabled: false in f to go on without it\n"
	 "3:45: feature_flags.enable_segmentation_export: is on, but this version cannot write "
	 "segmentations yet, so nothing is processed; set "
	 "feature_flags.enable_segmentation_export: "
	 "false in f to go on without it\n"},
	{NULL,
	 "processing.add_burn_in_disclaimer: is on by default, but this version cannot burn in a "
	 "disclaimer yet, so nothing is processed; make a file with `netrt config default > "
	 "netrt.yaml`, set processing.add_burn_in_disclaimer: false in it, and give it with -c "
	 "netrt.yaml to go on without it\n"
	 "anonymization.enabled: is on by default, but this version cannot de-identify yet, so "
	 "nothing is processed; make a file with `netrt config default > netrt.yaml`, set "
	 "anonymization.enabled: false in it, and give it with -c netrt.yaml to go on without "
	 "it\n"},
};

START_TEST(test_unbuilt)
{
	struct buf b = BUF_INIT(65536);

	if (unbuilt[_i].text != NULL)
		ck_assert_int_eq(parse(bytes_str(unbuilt[_i].text)), OK);
	else
		ck_assert_int_eq(conf_defaults(&conf, &arena), OK);
	enum err e = conf_refuse_unbuilt(&conf, &arena, &diags);
	ck_assert_int_eq(e, unbuilt[_i].said[0] == '\0' ? OK : ERR_UNSUPPORTED);
	if (unbuilt[_i].text != NULL) {
		ck_assert_str_eq(said(), unbuilt[_i].said);
		return;
	}
	for (size_t i = 0; i < diags.count; i++) {
		struct buf line = BUF_INIT(4096);

		conf_diag_format(&diags.item[i], NULL, &line);
		ck_assert(strncmp((char *)line.at, "built-in defaults: ", 19) == 0);
		buf_fmt(&b, "%s\n", (char *)line.at + 19);
		buf_free(&line);
	}
	ck_assert_str_eq((char *)b.at, unbuilt[_i].said);
	buf_free(&b);
}
END_TEST

/* Refusing must not depend on room for saying so. */
START_TEST(test_unbuilt_without_room)
{
	struct arena small;

	ck_assert_int_eq(conf_defaults(&conf, &arena), OK);
	ck_assert_int_eq(arena_open(&small, 16, NULL), OK);
	ck_assert_int_eq(conf_refuse_unbuilt(&conf, &small, &diags), ERR_UNSUPPORTED);
	ck_assert_uint_ge(diags.errors, 1);
	arena_close(&small);
	memset(&diags, 0, sizeof(diags));
	diags.count = LIMIT_CONFIG_DIAGS;
	ck_assert_int_eq(conf_refuse_unbuilt(&conf, &arena, &diags), ERR_UNSUPPORTED);
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

/* ---- the reference --------------------------------------------------------------------------- */

/* CONFIGURATION.md has a row for each key, with its range and its default; run from the root of the
 * sources, else there is no such file and nothing to compare. */
START_TEST(test_reference)
{
	struct bytes md;
	struct buf row = BUF_INIT(8192);

	if (file_read(&md, "CONFIGURATION.md", 1u << 20, &arena, NULL) != OK) {
		test_skip("CONFIGURATION.md is not here");
		return;
	}
	for (size_t i = 0; i < conf_table_count; i++) {
		const struct conf_key *k = &conf_table[i];

		buf_free(&row);
		buf_fmt(&row, "| `%s` | %s | ", strrchr(k->path, '.') + 1, conf_table_type(k));
		conf_table_range(k, &row);
		buf_fmt(&row, "%s%s | `", k->unit == NULL ? "" : " ",
			k->unit == NULL ? "" : k->unit);
		conf_table_default(k, &row);
		buf_fmt(&row, "` | %s |", k->help);
		ck_assert_msg(strstr((const char *)md.at, (const char *)row.at) != NULL,
			      "%s has no row: %s", k->path, (const char *)row.at);
	}
	buf_free(&row);
}
END_TEST

/* ---- the command ----------------------------------------------------------------------------- */

/* What `netrt config ...` prints on standard output, in *out. */
static int run(struct bytes *out, int argc, char **argv)
{
	char name[] = "/tmp/netrt-t-conf-XXXXXX";
	int saved = dup(STDOUT_FILENO), fd = mkstemp(name);

	ck_assert(saved >= 0 && fd >= 0);
	fflush(stdout);
	ck_assert_int_eq(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
	int code = cmd_config(argc, argv);
	fflush(stdout);
	ck_assert_int_eq(dup2(saved, STDOUT_FILENO), STDOUT_FILENO);
	close(saved);
	close(fd);
	ck_assert_int_eq(file_read(out, name, 1u << 20, &arena, NULL), OK);
	ck_assert_int_eq(unlink(name), 0);
	return code;
}

static int run1(struct bytes *out, const char *what, const char *file)
{
	char *argv[] = {(char *)(uintptr_t) "config", (char *)(uintptr_t)what,
			(char *)(uintptr_t)file, NULL};

	return run(out, file == NULL ? 2 : 3, argv);
}

START_TEST(test_command)
{
	struct bytes out;
	char expected[300];

	ck_assert_int_eq(run1(&out, "default", NULL), 0);
	ck_assert(bytes_eq(out, conf_default_text()));

	ck_assert_int_eq(run1(&out, "keys", NULL), 0);
	size_t lines = 0, tabs = 0;
	for (size_t i = 0; i < out.len; i++) {
		lines += out.at[i] == '\n';
		tabs += out.at[i] == '\t';
	}
	ck_assert_uint_eq(lines, conf_table_count);
	ck_assert_uint_eq(tabs, conf_table_count * 4);

	ck_assert_ptr_nonnull(mkdtemp(folder));
	write_file("bad", "watcher: 5\nx: 1\n", 16);
	ck_assert_int_eq(run1(&out, "check", in_folder("bad")), 78);
	snprintf(expected, sizeof(expected),
		 "%s:1:10: watcher: is a section: its keys belong below it, indented\n"
		 "%s:2:1: x: warning: unknown key, not read\n"
		 "%s: 1 error, 1 warning\n",
		 in_folder("bad"), in_folder("bad"), in_folder("bad"));
	ck_assert_str_eq((const char *)out.at, expected);

	write_file("good", "anonymization: {enabled: no}\nx: 1\n", 34);
	ck_assert_int_eq(run1(&out, "check", in_folder("good")), 0);
	ck_assert_ptr_nonnull(strstr((const char *)out.at, ": ok, 1 warning\n"));
	ck_assert_ptr_nonnull(
		strstr((const char *)out.at, "processing.add_burn_in_disclaimer: note: is on"));
	ck_assert_ptr_null(strstr((const char *)out.at, "anonymization.enabled"));

	ck_assert_int_eq(run1(&out, "check", in_folder("missing")), 78);
	ck_assert_int_eq(run1(&out, "check", NULL), 64);
	ck_assert_int_eq(run1(&out, "default", "x"), 64);
	ck_assert_int_eq(run1(&out, "what", NULL), 64);
	ck_assert_uint_eq(out.len, 0);
	ck_assert_int_eq(unlink(in_folder("bad")), 0);
	ck_assert_int_eq(unlink(in_folder("good")), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

/* ---------------------------------------------------------------------------------------------- */

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

Suite *suite_conf(void)
{
	Suite *s = suite_create("conf");
	TCase *t = tcase_create("text");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, test_text, 0, ROWS(texts));
	tcase_add_test(t, test_netrt_file);
	tcase_add_test(t, test_retired);
	tcase_add_test(t, test_nesting_limit);
	tcase_add_test(t, test_size_limit);
	tcase_add_test(t, test_item_limit);
	tcase_add_test(t, test_problem_limit);
	tcase_add_test(t, test_arena_sweep);
	tcase_add_test(t, test_arena_is_enough);
	tcase_add_loop_test(t, test_truncation, 0, 2);
	tcase_add_test(t, test_load);
	tcase_add_test(t, test_command);
	suite_add_tcase(s, t);

	t = tcase_create("key");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, test_key, 0, (int)conf_table_count);
	tcase_add_loop_test(t, test_form, 0, ROWS(forms));
	tcase_add_test(t, test_secret);
	tcase_add_test(t, test_tag);
	tcase_add_loop_test(t, test_home, 0, 8);
	tcase_add_test(t, test_yaml11);
	suite_add_tcase(s, t);

	t = tcase_create("table");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, test_nearest, 0, ROWS(slips));
	tcase_add_loop_test(t, test_every_slip, 0, (int)conf_table_count);
	tcase_add_test(t, test_default_file);
	tcase_add_test(t, test_promised_defaults);
	tcase_add_test(t, test_reference);
	suite_add_tcase(s, t);

	t = tcase_create("unbuilt");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, test_unbuilt, 0, ROWS(unbuilt));
	tcase_add_test(t, test_unbuilt_without_room);
	suite_add_tcase(s, t);
	return s;
}
