/*
 * netrt serve: the service, in the foreground.  Here are the configuration and its reloading; the
 * rest is service/supervisor.h.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cmd/cmd.h"
#include "cmd/from_conf.h"
#include "service/supervisor.h"

const char cmd_serve_usage[] =
	"usage: netrt serve [-c CONFIG] [--debug]\n"
	"\n"
	"Listen for DICOM; when a study is whole, make its overlay series and send it to the\n"
	"destinations; keep what goes wrong in quarantine. Runs in the foreground until SIGTERM "
	"or\n"
	"SIGINT, and says what it does on standard output and in two log files.\n"
	"\n"
	"-c, --config FILE   YAML, see netrt config default; without it the file that "
	"NETRT_CONFIG\n"
	"              in the environment names, else the built-in defaults\n"
	"--debug       also draw every slice with its ROIs, as pictures and as a Secondary "
	"Capture\n"
	"              series that is sent, too: processing.debug, whatever the file says\n"
	"\n"
	"SIGTERM, SIGINT   take no more associations, wait drain_seconds for those that are open,\n"
	"              leave the rest for the next start\n"
	"SIGHUP        read the configuration again, say what changed and what needs a restart, "
	"and\n"
	"              open the log files anew\n"
	"\n"
	"netrt status, retry, quarantine and healthcheck talk to a service that runs.\n"
	"\n"
	"Exit codes: 0 stopped when asked to, 64 usage, 69 the address or the working folder is "
	"in\n"
	"use, 71 the system, 73 the working folder cannot be made, 78 configuration.\n";

/* Configurations: the one that holds, and the one before it, which children may still read. */
struct serving {
	struct loaded loaded[2];
	struct service_made made[2];
	unsigned current;
	const char *path;
	bool debug; /* --debug */
	/* what cannot change while the service runs; these stay when its configuration goes */
	char working[4200], quarantine[300], host[300];
	uint16_t port;
};

static void note_fixed(struct serving *s, const struct service_options *o)
{
	snprintf(s->working, sizeof(s->working), "%s", o->working);
	snprintf(s->quarantine, sizeof(s->quarantine), "%s", o->quarantine);
	snprintf(s->host, sizeof(s->host), "%s", o->listener.host);
	s->port = o->listener.port;
}

static void keep_fixed(const struct serving *s, struct service_options *o)
{
	o->working = s->working;
	o->quarantine = s->quarantine;
	o->listener.host = s->host;
	o->listener.port = s->port;
}

static void say_changes(const struct conf *before, const struct conf *after)
{
	struct conf_change changes[LIMIT_CONFIG_KEYS];
	size_t count = conf_difference(before, after, changes);

	if (count == 0)
		accounts_say(LOG_INFO, "configuration",
			     "the configuration was read again: nothing "
			     "in it has changed");
	for (size_t i = 0; i < count; i++)
		accounts_say(changes[i].needs_restart ? LOG_WARNING : LOG_INFO, "configuration",
			     "%s has changed%s", changes[i].key,
			     changes[i].needs_restart ? ": this needs a restart"
						      : " and holds from now on");
}

static const struct service_options *reload(void *ctx)
{
	struct serving *s = ctx;
	unsigned old = s->current, new = 1 - old;

	loaded_close(&s->loaded[new]);
	if (loaded_open(&s->loaded[new], s->path, s->debug) != EX_OK ||
	    loaded_shield(&s->loaded[new]) != EX_OK ||
	    service_options_of(&s->made[new], &s->loaded[new]) != EX_OK) {
		accounts_say(LOG_ERROR, "configuration",
			     "the new configuration has errors: the old one stays");
		(void)!accounts_open(
			&s->made[old].accounts); /* opens the files anew all the same */
		return NULL;
	}
	keep_fixed(s, &s->made[new].options);
	if (accounts_open(&s->made[new].accounts) != OK)
		accounts_say(LOG_ERROR, "configuration", "no memory for the logs");
	say_changes(&s->loaded[old].conf, &s->loaded[new].conf);
	s->current = new;
	return &s->made[new].options;
}

static int serve(struct serving *s)
{
	struct service_made *m = &s->made[0];
	struct service_host host = {.ctx = s, .reload = reload};
	int code = loaded_open(&s->loaded[0], s->path, s->debug);

	if (code == EX_OK)
		code = loaded_shield(&s->loaded[0]);
	if (code == EX_OK)
		code = service_options_of(m, &s->loaded[0]);
	if (code != EX_OK)
		return code;
	note_fixed(s, &m->options);
	keep_fixed(s, &m->options);
	if (!make_folders(m->options.working)) {
		log_say(LOG_ERROR, "%s: cannot be made: %s", log_quote_str(m->options.working),
			strerror(errno));
		return EX_CANTCREAT;
	}
	if (accounts_open(&m->accounts) != OK) {
		log_say(LOG_ERROR, "no memory for the logs");
		return EX_OSERR;
	}
	if (!make_folders(m->options.report_folder))
		accounts_say(LOG_WARNING, "report_folder",
			     "%s: cannot be made: there will be no reports of studies: %s",
			     log_quote_str(m->options.report_folder), strerror(errno));
	code = supervisor_run(&m->options, &host);
	accounts_close();
	return code;
}

int cmd_serve(int argc, char **argv)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
						{"debug", no_argument, NULL, 'D'},
						{NULL, 0, NULL, 0}};
	static struct serving s; /* big, and only one */
	const char *config = NULL;
	int c;

	if (cmd_wants_help(argc, argv, cmd_serve_usage))
		return cmd_finish(EX_OK);
	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, ":c:", options, NULL)) != -1) {
		if (c == 'D')
			s.debug = true;
		else if (c == 'c')
			config = optarg;
		else
			return cmd_usage_error("serve", c == ':' ? "an option lacks its value"
								 : "unknown option");
	}
	if (optind != argc)
		return cmd_usage_error("serve", "takes no arguments but options");
	s.path = config_path(config);

	int code = serve(&s);
	loaded_close(&s.loaded[0]);
	loaded_close(&s.loaded[1]);
	return code;
}
