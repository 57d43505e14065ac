/*
 * The configuration: which files are accepted, and that every complaint names its place.
 */
#include <sys/stat.h>

#include "support/conf_read.h"
#include "support/support.h"

Suite *suite_conf(void);

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
	 VIEW("dicom_listener:\n  port: x\n  ae_title: {\n"), ERR_WIRE,
	 "2:9: dicom_listener.port: \"x\" is not a whole number\n"
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
	{"misspelt below anonymization", VIEW("anonymization: {removes: [PatientID]}\n"), ERR_WIRE,
	 "1:17: anonymization.removes: unknown key; did you mean anonymization.remove?\n"},
	{"unknown below anonymization", VIEW("anonymization: {zzzzzzzz: 1}\n"), OK,
	 "1:17: anonymization.zzzzzzzz: warning: unknown key, not read\n"},
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
	size_t set = 0;
	for (size_t i = 0; i < conf_table_count; i++)
		set += conf.set_at[i].line > 0;
	ck_assert_uint_eq(set, 50); /* every key that NETRT has */
	ck_assert_uint_eq(conf.destinations.count, 1);
	ck_assert_str_eq(conf.destinations.item[0].name, "ARCHIVE");
	ck_assert_str_eq(conf.destinations.item[0].ip, "pacs.example.org");
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
	struct bytes texts_to_try[] = {
		bytes_str(netrt_file),
		BYTES_LIT("x: 1\ndicom_listener: {port: -1, ae_titel: A}\n")};

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

	folder = test_tmpdir();
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

	test_tmpdir_remove(folder);
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
	suite_add_tcase(s, t);

	t = tcase_create("limits");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 300);
	tcase_add_test(t, test_nesting_limit);
	tcase_add_test(t, test_size_limit);
	tcase_add_test(t, test_item_limit);
	tcase_add_test(t, test_problem_limit);
	tcase_add_test(t, test_arena_sweep);
	tcase_add_test(t, test_arena_is_enough);
	tcase_add_loop_test(t, test_truncation, 0, 2);
	suite_add_tcase(s, t);

	t = tcase_create("file");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 300);
	tcase_add_test(t, test_load);
	suite_add_tcase(s, t);
	return s;
}
