#include "cmd/config_policy.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/deid_settings.h"

#define TABLE_MAX (8u << 20)
#define COLUMNS 4u

static const struct {
	const char *word, *name;
	enum anon_iod iod;
} iods[] = {
	{"ct", "CT images", IOD_CT},
	{"mr", "MR images", IOD_MR},
	{"rtstruct", "RT Structure Sets", IOD_RT_STRUCTURE_SET},
	{"sc", "Secondary Captures", IOD_SECONDARY_CAPTURE},
	{"seg", "Segmentations", IOD_SEGMENTATION},
	{"other", "other objects", IOD_OTHER},
};

#define IODS (sizeof(iods) / sizeof(iods[0]))

/* ---- the head ---- */

static void print_options(unsigned options, struct buf *out)
{
	static const char *const names[ANON_OPTIONS] = {
		"retain_safe_private",
		"retain_uids",
		"retain_device_identity",
		"retain_institution_identity",
		"retain_patient_characteristics",
		"retain_full_dates",
		"retain_modified_dates",
		"clean_descriptors",
		"clean_structured_content",
		"clean_graphics",
	};

	buf_str(out, "# options:");
	for (unsigned i = 0; i < ANON_OPTIONS; i++)
		if ((options >> i & 1u) != 0)
			buf_fmt(out, " %s", names[i]);
	buf_fmt(out, "%s\n", options == 0 ? " none" : "");
}

static void print_pseudonyms(const struct anon_settings *s, struct buf *out)
{
	buf_str(out, "# new Patient ID: ");
	if (s->pseudonyms == ANON_KEYED)
		buf_fmt(out, "\"%s\" and 16 characters from the key and the old ID", s->id_prefix);
	else if (s->netrt.consistent_id)
		buf_fmt(out, "%s_<number>_<date>, from %s", s->site_code, s->pid_map);
	else if (s->netrt.random_id_prefix[0] != '\0')
		buf_fmt(out, "\"%s\" and 8 random digits, others for each study",
			s->netrt.random_id_prefix);
	else
		buf_fmt(out, "%s_ and 8 random digits, others for each study", s->site_code);
	buf_str(out, "\n");
}

static void print_head(const struct anon_gate *g, size_t iod, struct buf *out)
{
	static const char *const profiles[] = {
		[ANON_NETRT] = "netrt", [ANON_BASIC] = "basic", [ANON_RESEARCH] = "research"};
	static const char *const risks[] = {[ANON_RISK_QUARANTINE] = "quarantine",
					    [ANON_RISK_PASS] = "pass",
					    [ANON_RISK_BLANK] = "blank_regions"};
	const struct anon_settings *s = g->settings;
	const char *const *codes = policy_codes(g->policy);

	buf_fmt(out, "# profile: %s%s\n", profiles[s->profile],
		s->profile != ANON_NETRT ? ""
		: s->netrt.full          ? " (full_anonymization_rules)"
					 : " (rules)");
	print_options(s->options, out);
	if (*codes != NULL) {
		buf_str(out, "# de-identification method codes (CID 7050):");
		for (; *codes != NULL; codes++)
			buf_fmt(out, " %s", *codes);
		buf_str(out, "\n");
	}
	print_pseudonyms(s, out);
	if (policy_shifts_dates(g->policy))
		buf_fmt(out, "# dates move back by 1 to %d days\n", s->shift_days_most);
	buf_fmt(out, "# images with a burned-in risk: %s\n", risks[s->burned_in]);
	buf_fmt(out, "# policy digest: %s\n", g->digest);
	buf_fmt(out, "# attributes of %s, at the top of the data set:\n", iods[iod].name);
}

/* ---- the table ---- */

/* The fields of a line; fewer than COLUMNS: a rule of the site, which has no keyword. */
static size_t split(struct bytes line, struct bytes field[static COLUMNS])
{
	size_t count = 0;

	for (;;) {
		const uint8_t *tab = line.len > 0 ? memchr(line.at, '\t', line.len) : NULL;
		size_t len = tab != NULL ? (size_t)(tab - line.at) : line.len;

		field[count++] = bytes_slice(line, 0, len);
		if (tab == NULL || count == COLUMNS)
			return count;
		line = bytes_slice(line, len + 1, line.len - len - 1);
	}
}

static struct bytes next_line(struct bytes *text)
{
	const uint8_t *end = memchr(text->at, '\n', text->len);
	size_t len = end != NULL ? (size_t)(end - text->at) : text->len;
	struct bytes line = bytes_slice(*text, 0, len);

	len += end != NULL;
	*text = bytes_slice(*text, len, text->len - len);
	return line;
}

static void print_table(struct bytes text, struct buf *out)
{
	struct bytes field[COLUMNS];

	while (text.len > 0) {
		struct bytes line = next_line(&text);
		size_t count = split(line, field);

		if (count == COLUMNS)
			buf_fmt(out, "%.*s  %-52.*s  ", (int)field[0].len,
				(const char *)field[0].at, (int)field[1].len,
				(const char *)field[1].at);
		else if (count == COLUMNS - 1)
			buf_fmt(out, "%-65.*s  ", (int)field[0].len, (const char *)field[0].at);
		else
			continue;
		buf_fmt(out, "%-12.*s  %.*s\n", (int)field[count - 2].len,
			(const char *)field[count - 2].at, (int)field[count - 1].len,
			(const char *)field[count - 1].at);
	}
}

static int print_policy(const struct anon_gate *g, size_t iod)
{
	struct buf lines = BUF_INIT(TABLE_MAX), out = BUF_INIT(TABLE_MAX);

	policy_print(g->policy, iods[iod].iod, &lines);
	print_head(g, iod, &out);
	if (!lines.failed)
		print_table(buf_bytes(&lines), &out);
	bool failed = lines.failed || out.failed;
	if (!failed)
		fwrite(out.at, 1, out.len, stdout);
	buf_free(&lines);
	buf_free(&out);
	if (failed)
		log_say(LOG_ERROR, "out of memory");
	return failed ? EX_OSERR : cmd_finish(EX_OK);
}

/* ---- the command ---- */

static int show(const char *file, size_t iod, struct arena *arena)
{
	static struct conf conf; /* large */
	struct anon_settings settings;
	struct anon_gate gate;

	if (!deid_load(&conf, file, arena))
		return EX_CONFIG;
	if (deid_settings(&settings, &conf, arena) != OK) {
		log_say(LOG_ERROR, "out of memory");
		return EX_OSERR;
	}
	if (!deid_open_policy(&gate, &settings, &conf, arena))
		return EX_CONFIG;
	int code = print_policy(&gate, iod);
	gate_close(&gate);
	return code;
}

static int parse(int argc, char **argv, const char **file, size_t *iod)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"iod", required_argument, NULL, 'i'},
		{NULL, 0, NULL, 0},
	};
	int c;

	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, ":c:", options, NULL)) != -1) {
		if (c == ':')
			return cmd_usage_error("config", "an option lacks its value");
		if (c == 'c') {
			*file = optarg;
		} else if (c == 'i') {
			for (*iod = 0; *iod < IODS && strcmp(iods[*iod].word, optarg) != 0;)
				++*iod;
			if (*iod == IODS)
				return cmd_usage_error(
					"config", "--iod is ct, mr, rtstruct, sc, seg or other");
		} else {
			return cmd_usage_error("config", "unknown option");
		}
	}
	if (argc - optind > 1 || (argc - optind == 1 && *file != NULL))
		return cmd_usage_error("config", "policy takes one file");
	if (argc - optind == 1)
		*file = argv[optind];
	return EX_OK;
}

int config_policy(int argc, char **argv)
{
	const char *file = NULL;
	struct arena arena;
	size_t iod = 0;
	struct fault f;
	int code = parse(argc, argv, &file, &iod);

	if (code != EX_OK)
		return code;
	if (arena_open(&arena, 4u * LIMIT_CONFIG_ARENA, &f) != OK) {
		log_say(LOG_ERROR, "%s", f.text);
		return EX_OSERR;
	}
	code = show(file, iod, &arena);
	arena_close(&arena);
	return code;
}
