#include "cmd/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/from_conf.h"
#include "service/answer.h"
#include "service/control.h"

int ask_options(struct asking *a, int argc, char **argv, const char *allowed)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
						{"json", no_argument, NULL, 'j'},
						{"all", no_argument, NULL, 'a'},
						{NULL, 0, NULL, 0}};
	int c;

	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, ":c:", options, NULL)) != -1) {
		if (c == ':')
			return cmd_usage_error(a->command, "an option lacks its value");
		if (c == 'c')
			a->config = optarg;
		else if (c == 'j' && strchr(allowed, 'j') != NULL)
			a->json = true;
		else if (c == 'a' && strchr(allowed, 'a') != NULL)
			a->all = true;
		else
			return cmd_usage_error(a->command, "unknown option");
	}
	a->first = optind;
	a->words = argc - optind;
	return EX_OK;
}

/* No service runs: from the folders. */
static int by_folders(const struct service_made *m, const char *line, struct buf *out)
{
	struct answer_context c = {.o = &m->options};
	int code;

	c.working = open(m->options.working, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c.working < 0) {
		log_say(LOG_ERROR, "%s: %s", log_quote_str(m->options.working), strerror(errno));
		return EX_NOINPUT;
	}
	code = answer(&c, line, out);
	close(c.working);
	return code;
}

int ask(const struct asking *a, const char *line, struct buf *out)
{
	static struct loaded loaded;
	static struct service_made made;
	struct fault f;
	int code = loaded_open(&loaded, config_path(a->config), false);

	if (code == EX_OK)
		code = service_options_of(&made, &loaded);
	if (code != EX_OK)
		return code;
	enum err e = control_ask(made.options.working, line, &code, out, &f);
	if (e == ERR_MORE)
		code = by_folders(&made, line, out);
	else if (e != OK) {
		char text[256];

		fault_format(&f, text, sizeof(text));
		log_say(LOG_ERROR, "%s: %s", log_quote_str(made.options.working), text);
		code = EX_UNAVAILABLE;
	}
	loaded_close(&loaded);
	return code;
}

int ask_and_print(const struct asking *a, const char *line)
{
	struct buf out = BUF_INIT(CONTROL_ANSWER);
	int code = ask(a, line, &out);

	if (out.len > 0)
		fwrite(out.at, 1, out.len,
		       code == EX_OK || code == EX_UNAVAILABLE ? stdout : stderr);
	buf_free(&out);
	return cmd_finish(code);
}
