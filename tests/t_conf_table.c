/*
 * The configuration as promised: defaults, the default file, the reference, notes.
 */
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "cmd/cmd.h"
#include "support/conf_read.h"
#include "support/support.h"

Suite *suite_conf_table(void);

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
	size_t n = strlen(path), start = n - strlen(conf_key_name(&conf_table[_i]));
	char slip[CONF_PATH_MAX + 1], out[CONF_PATH_MAX];

	for (size_t i = start; i < n; i++) {
		snprintf(slip, sizeof(slip), "%.*s%s", (int)i, path, path + i + 1); /* lost */
		if (n - start > 2 && !conf_table_is_section(bytes_str(slip))) {
			ck_assert_msg(conf_table_nearest(bytes_str(slip), out), "%s", slip);
			if (strcmp(slip, "dicom_destinatios") != 0) /* two are as near */
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
	case CONF_MAPS:
	case CONF_PAIRS:
		ck_assert_msg(list_at(a, k).count == 0 && list_at(b, k).count == 0, "%s", k->path);
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
	ck_assert_int_eq(conf.processing.burn_in_position, CONF_BOTTOM_RIGHT);
	ck_assert_int_eq(conf.processing.burn_in_style, CONF_BURN_IN_PIXELS);
	ck_assert_int_eq(conf.processing.burn_in_undecodable, CONF_UNDECODABLE_OVERLAY);
	ck_assert_int_eq(conf.processing.segmentation, CONF_SEGMENTATION_PER_ROI);
	ck_assert_int_eq(conf.processing.structure_set, CONF_SET_NONE);
	ck_assert_ptr_null(conf.processing.roi_codes_file);
	ck_assert(!conf.processing.debug);
	ck_assert_int_eq(conf.processing.debug_style, CONF_DEBUG_OUTLINE);
	ck_assert_int_eq(conf.processing.debug_magnification, 1);
	ck_assert(conf.anonymization.enabled);
	ck_assert_int_eq(conf.anonymization.profile, CONF_PROFILE_NETRT);
	ck_assert_int_eq(conf.anonymization.pseudonyms, CONF_PSEUDONYMS_SEQUENTIAL);
	ck_assert_int_eq(conf.anonymization.options.clean_graphics, CONF_AS_PROFILE);
	ck_assert_int_eq(conf.anonymization.burned_in_risk, CONF_RISK_AS_PROFILE);
	ck_assert_int_eq(conf.anonymization.date_shift_days, 3650);
	ck_assert_ptr_null(conf.anonymization.key_file);
	ck_assert_str_eq(conf.anonymization.site_code, "SITE");
	ck_assert_ptr_null(conf.anonymization.full_anonymization_rules.patient_id_override);
	ck_assert_str_eq(conf.anonymization.pid_mapping_file, "/mnt/shared/pid_mapping.json");
	ck_assert(conf.anonymization.use_consistent_pid);
	ck_assert(!conf.feature_flags.enable_segmentation_export);
	ck_assert_str_eq(conf.directories.working, "/home/someone/CORRECT_working");
	ck_assert_int_eq(conf.durability, CONF_DURABILITY_STRICT);
	ck_assert(conf.dicom_listener.check_called_ae_title);
	ck_assert_uint_eq(conf.dicom_listener.allow.count, 0);
	ck_assert(conf.watcher.complete_when_referenced);
	ck_assert_int_eq(conf.watcher.complete_grace_seconds, 1);
	ck_assert_int_eq(conf.watcher.without_structure_set, CONF_NO_SET_WAIT);
	ck_assert_int_eq(conf.watcher.keep_incomplete_hours, 24);
	ck_assert_int_eq(conf.watcher.keep_sources_hours, 0);
	ck_assert_int_eq(conf.processing.workers, 0);
	ck_assert_int_eq(conf.limits.pdu_bytes, 1 << 20);
	ck_assert_int_eq(conf.limits.associations, 64);
	ck_assert_int_eq(conf.limits.associations_per_address, 16);
	ck_assert_int_eq(conf.limits.half_open, 256);
	ck_assert_int_eq(conf.limits.artim_seconds, 30);
	ck_assert_int_eq(conf.limits.stall_seconds, 60);
	ck_assert_int_eq(conf.limits.idle_seconds, 60);
	ck_assert_int_eq(conf.limits.object_mib, 2048);
	ck_assert_int_eq(conf.limits.nesting, 64);
	ck_assert_int_eq(conf.limits.elements, 2000000);
	ck_assert_int_eq(conf.delivery.retry_first_seconds, 5);
	ck_assert_int_eq(conf.delivery.retry_most_seconds, 900);
	ck_assert_int_eq(conf.delivery.give_up_after_hours, 72);
	ck_assert_int_eq(conf.delivery.permanent_attempts, 3);
	ck_assert_uint_eq(conf.delivery.permanent_statuses.count, 3);
	ck_assert_int_eq(conf.logging.output, CONF_OUTPUT_TEXT);
	ck_assert_uint_eq(conf.destinations.count, 1);
	ck_assert_str_eq(conf.destinations.item[0].name, "DEST_AET");
	ck_assert_int_eq(conf.destinations.item[0].storage_commitment, CONF_COMMITMENT_OFF);
	ck_assert_int_eq(conf.destinations.item[0].max_associations, 1);
	ck_assert_uint_eq(conf.destinations.item[0].permanent_statuses.count, 3);
}
END_TEST

/* ---- the reference --------------------------------------------------------------------------- */

static void has_row(struct bytes md, const struct conf_key *k)
{
	struct buf row = BUF_INIT(8192);

	buf_fmt(&row, "| `%s` | %s | ", conf_key_name(k), conf_table_type(k));
	conf_table_range(k, &row);
	buf_fmt(&row, "%s%s | `", k->unit == NULL ? "" : " ", k->unit == NULL ? "" : k->unit);
	conf_table_default(k, &row);
	buf_fmt(&row, "` | %s |", k->help);
	ck_assert_msg(strstr((const char *)md.at, (const char *)row.at) != NULL,
		      "%s has no row: %s", k->path, (const char *)row.at);
	buf_free(&row);
}

/* CONFIGURATION.md has a row for each key, with its range and its default; run from the root of the
 * sources, else there is no such file and nothing to compare. */
START_TEST(test_reference)
{
	struct bytes md;

	if (file_read(&md, "CONFIGURATION.md", 1u << 20, &arena, NULL) != OK) {
		test_skip("CONFIGURATION.md is not here");
		return;
	}
	for (size_t i = 0; i < conf_table_count; i++) {
		const struct conf_section *s = conf_table[i].maps;

		has_row(md, &conf_table[i]);
		for (size_t j = 0; s != NULL && j < s->count; j++)
			has_row(md, &s->key[j]);
	}
}
END_TEST

/* ---- the command ----------------------------------------------------------------------------- */

/* What `netrt config ...` prints on standard output, in *out. */
static int run(struct bytes *out, int argc, char **argv)
{
	char *dir = test_tmpdir(), name[600];
	snprintf(name, sizeof(name), "%s/out", dir);
	int saved = dup(STDOUT_FILENO), fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	ck_assert(saved >= 0 && fd >= 0);
	fflush(stdout);
	ck_assert_int_eq(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
	int code = cmd_config(argc, argv);
	fflush(stdout);
	ck_assert_int_eq(dup2(saved, STDOUT_FILENO), STDOUT_FILENO);
	close(saved);
	close(fd);
	ck_assert_int_eq(file_read(out, name, 1u << 20, &arena, NULL), OK);
	test_tmpdir_remove(dir);
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
	char expected[2048];

	ck_assert_int_eq(run1(&out, "default", NULL), 0);
	ck_assert(bytes_eq(out, conf_default_text()));

	ck_assert_int_eq(run1(&out, "keys", NULL), 0);
	size_t lines = 0, tabs = 0;
	for (size_t i = 0; i < out.len; i++) {
		lines += out.at[i] == '\n';
		tabs += out.at[i] == '\t';
	}
	size_t keys = conf_table_count;
	for (size_t i = 0; i < conf_table_count; i++)
		keys += conf_table[i].maps == NULL ? 0 : conf_table[i].maps->count;
	ck_assert_uint_eq(lines, keys);
	ck_assert_uint_eq(tabs, keys * 4);

	folder = test_tmpdir();
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
	ck_assert_ptr_null(strstr((const char *)out.at, "anonymization.enabled"));

	ck_assert_int_eq(run1(&out, "check", in_folder("missing")), 78);
	ck_assert_int_eq(run1(&out, "check", NULL), 64);
	ck_assert_int_eq(run1(&out, "default", "x"), 64);
	ck_assert_int_eq(run1(&out, "what", NULL), 64);
	ck_assert_uint_eq(out.len, 0);
	test_tmpdir_remove(folder);
}
END_TEST

/* ---------------------------------------------------------------------------------------------- */

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

Suite *suite_conf_table(void)
{
	Suite *s = suite_create("conf_table");
	TCase *t = tcase_create("table");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, test_nearest, 0, ROWS(slips));
	tcase_add_loop_test(t, test_every_slip, 0, (int)conf_table_count);
	tcase_add_test(t, test_retired);
	tcase_add_test(t, test_default_file);
	tcase_add_test(t, test_promised_defaults);
	tcase_add_test(t, test_reference);
	tcase_add_test(t, test_command);
	suite_add_tcase(s, t);
	return s;
}
