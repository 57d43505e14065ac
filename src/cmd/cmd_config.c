/*
 * netrt config: the default file, the table of keys, and what is wrong with a file.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/config_policy.h"
#include "cmd/deid_settings.h"
#include "conf/conf.h"
#include "conf/table.h"

const char cmd_config_usage[] =
	"usage: netrt config default\n"
	"       netrt config check FILE\n"
	"       netrt config keys\n"
	"       netrt config policy [-c] [FILE] [--iod ct|mr|rtstruct|sc|seg|other]\n"
	"\n"
	"default   print a configuration file with every key, explained, at its default\n"
	"check     say what is wrong with FILE, a problem a line, as FILE:LINE:COLUMN: KEY: "
	"REASON;\n"
	"          errors stop netrt, warnings do not\n"
	"keys      list every key: type, range, default, meaning; separated by tabs\n"
	"policy    list what de-identification with FILE (without one: with the defaults) does to "
	"every\n"
	"          attribute, and whose decision that is; where it depends on the kind of object, "
	"to\n"
	"          that of --iod, CT images unless another is named. Rules of the site come first\n"
	"\n"
	"Exit codes: 0 all well (or warnings only), 64 usage, 78 FILE has errors or cannot be "
	"read.\n";

static int config_default(void)
{
	struct bytes text = conf_default_text();

	fwrite(text.at, 1, text.len, stdout);
	return cmd_finish(EX_OK);
}

static void print_key(const struct conf_key *k, struct buf *out)
{
	buf_fmt(out, "%s\t%s\t", k->path, conf_table_type(k));
	conf_table_range(k, out);
	buf_fmt(out, "%s%s\t", k->unit == NULL ? "" : " ", k->unit == NULL ? "" : k->unit);
	conf_table_default(k, out);
	buf_fmt(out, "\t%s\n", k->help);
}

static int config_keys(void)
{
	struct buf out = BUF_INIT(256u << 10);

	for (size_t i = 0; i < conf_table_count; i++) {
		const struct conf_section *s = conf_table[i].maps;

		print_key(&conf_table[i], &out);
		for (size_t j = 0; s != NULL && j < s->count; j++)
			print_key(&s->key[j], &out);
	}
	bool failed = out.failed;
	if (!failed)
		fwrite(out.at, 1, out.len, stdout);
	buf_free(&out);
	if (failed) {
		log_say(LOG_ERROR, "out of memory");
		return EX_OSERR;
	}
	return cmd_finish(EX_OK);
}

static void print_diags(const struct conf_diags *d, const char *file, const char *note)
{
	for (size_t i = 0; i < d->count; i++) {
		struct conf_diag g = d->item[i];
		struct buf line = BUF_INIT(16384);
		struct buf reason = BUF_INIT(16384);

		buf_fmt(&reason, "%s%s", note, g.reason);
		if (!reason.failed)
			g.reason = (const char *)reason.at;
		conf_diag_format(&g, file, &line);
		buf_char(&line, '\n');
		if (line.at != NULL)
			fwrite(line.at, 1, line.len, stdout);
		buf_free(&reason);
		buf_free(&line);
	}
}

/* Notes are no warnings here: a correct file may well mean what it says. */
static void print_notes(struct conf_diags *d, const char *file)
{
	for (size_t i = 0; i < d->count; i++)
		d->item[i].severity = CONF_ERROR;
	print_diags(d, file, "note: ");
}

static void print_summary(const struct conf_diags *d, const char *file)
{
	size_t warnings = d->count - d->errors;

	printf("%s: ", log_quote_str(file));
	if (d->errors > 0)
		printf("%zu error%s", d->errors, d->errors == 1 ? "" : "s");
	else
		printf("ok");
	if (warnings > 0)
		printf(", %zu warning%s", warnings, warnings == 1 ? "" : "s");
	printf("\n");
}

/* The rules of de-identification; no error when it is off, but `netrt deid` would not work. */
static enum err check_policy(const struct conf *c, struct arena *a, struct conf_diags *d)
{
	size_t before = d->count;
	enum err e = deid_check(c, a, d);

	if (e != ERR_UNUSABLE || c->anonymization.enabled)
		return e;
	for (size_t i = before; i < d->count; i++) {
		d->errors -= d->item[i].severity == CONF_ERROR;
		d->item[i].severity = CONF_WARNING;
	}
	return OK;
}

static int config_check(const char *file)
{
	struct conf_diags problems = {.count = 0}, notes = {.count = 0};
	struct conf c;
	struct arena a;
	struct fault f;

	if (arena_open(&a, LIMIT_CONFIG_ARENA, &f) != OK) {
		log_say(LOG_ERROR, "%s", f.text);
		return EX_OSERR;
	}

	enum err e = conf_load(&c, file, &a, &problems);
	if (e == OK)
		e = check_policy(&c, &a, &problems);
	print_diags(&problems, file, "");
	if (e == OK && conf_notes(&c, &a, &notes) == OK)
		print_notes(&notes, file);
	print_summary(&problems, file);
	arena_close(&a);
	return cmd_finish(e == OK ? EX_OK : EX_CONFIG);
}

int cmd_config(int argc, char **argv)
{
	if (cmd_wants_help(argc, argv, cmd_config_usage))
		return cmd_finish(EX_OK);
	if (argc == 2 && strcmp(argv[1], "default") == 0)
		return config_default();
	if (argc == 2 && strcmp(argv[1], "keys") == 0)
		return config_keys();
	if (argc >= 2 && strcmp(argv[1], "policy") == 0)
		return config_policy(argc - 1, argv + 1);
	if (argc == 3 && strcmp(argv[1], "check") == 0)
		return config_check(argv[2]);
	if (argc >= 2 && strcmp(argv[1], "check") == 0)
		return cmd_usage_error("config", "check takes one file");
	return cmd_usage_error("config", "takes default, keys, policy, or check and a file");
}
