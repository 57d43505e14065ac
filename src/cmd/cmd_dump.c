/*
 * netrt dump: what is in DICOM files.
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/cmd.h"
#include "dicom/dump.h"

const char cmd_dump_usage[] =
	"usage: netrt dump [--whole] FILE...\n"
	"       netrt dump --json FILE...\n"
	"\n"
	"Show what is in DICOM files: file meta information, then the data set, a line an\n"
	"element, sequences indented; text in UTF-8.  Lines that begin with # are about the\n"
	"file: what it is, what is odd in it, where it cannot be read any further.\n"
	"\n"
	"  --whole   show long values to their end\n"
	"  --json    the DICOM JSON model (PS3.18 annex F) instead, with all values whole: one\n"
	"            object a file, one line each; nothing for a file that is damaged\n"
	"\n"
	"Exit codes: 0 all files shown, 64 usage, 65 a file is damaged or not DICOM (what could\n"
	"be read is shown), 66 a file cannot be opened, 74 standard output failed.\n";

struct how {
	bool json, whole, headings;
};

static enum err show(const struct how *how, const char *path, const struct part10 *p,
		     struct dump_out *out, struct fault *f)
{
	if (how->json)
		return dump_json(p, out, f);
	if (how->headings) {
		buf_str(&out->text, "# ");
		buf_escaped(&out->text, bytes_str(path));
		buf_char(&out->text, '\n');
	}
	return dump_text(p, how->whole, out, f);
}

/* One file; the exit code that it asks for. */
static int dump_file(const struct how *how, const char *path, struct dump_out *out)
{
	struct part10 p = PART10_NONE;
	struct fault f;
	char why[256];

	enum err e = part10_open(&p, AT_FDCWD, path, &f);
	if (e == OK)
		e = show(how, path, &p, out, &f);
	part10_close(&p);

	struct fault out_fault;
	if (dump_out_end(out, &out_fault) != OK) {
		fault_format(&out_fault, why, sizeof(why));
		log_say(LOG_ERROR, "standard output: %s", why);
		return EX_IOERR;
	}
	if (e == OK)
		return EX_OK;
	fault_format(&f, why, sizeof(why));
	log_say(LOG_ERROR, "%s: %s", log_quote_str(path), why);
	return e == ERR_IO ? EX_NOINPUT : EX_DATAERR;
}

int cmd_dump(int argc, char **argv)
{
	static const struct option longs[] = {{"json", no_argument, NULL, 'j'},
					      {"whole", no_argument, NULL, 'w'},
					      {NULL, 0, NULL, 0}};
	struct how how = {0};
	int c, code = EX_OK;

	if (cmd_wants_help(argc, argv, cmd_dump_usage))
		return cmd_finish(EX_OK);
	opterr = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == '?')
			return cmd_usage_error("dump", "no such option");
		how.json = how.json || c == 'j';
		how.whole = how.whole || c == 'w';
	}
	if (optind == argc)
		return cmd_usage_error("dump", "takes one or more files");
	if (how.json && how.whole)
		return cmd_usage_error("dump", "--json shows all values whole as it is");

	struct dump_out out = dump_out_fd(STDOUT_FILENO);
	how.headings = argc - optind > 1;
	for (int i = optind; i < argc && code != EX_IOERR; i++) {
		int one = dump_file(&how, argv[i], &out);

		code = one > code ? one : code;
	}
	dump_out_free(&out);
	return code;
}
