/*
 * help, version, and what all commands share in talking to a person.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/log.h"
#include "cmd/cmd.h"

static const char version_usage[] = "usage: netrt version\n"
				    "\n"
				    "Print the version and what this binary was built with.\n";

static const char help_usage[] = "usage: netrt help [CMD]\n"
				 "\n"
				 "List the commands, or explain one.\n";

static const struct {
	const char *name, *summary, *usage;
} topics[] = {
	{"process", "turn a folder of images and RT Structure Sets into overlay series",
	 cmd_process_usage},
	{"deid", "de-identify a folder of DICOM files", cmd_deid_usage},
	{"keygen", "make a secret key for de-identification", cmd_keygen_usage},
	{"rois", "list the regions of interest of an RT Structure Set", cmd_rois_usage},
	{"dump", "show what is in DICOM files, as text or JSON", cmd_dump_usage},
	{"serve", "the service: receive, process, deliver", cmd_serve_usage},
	{"status", "what the service has and does", cmd_status_usage},
	{"retry", "deliver now", cmd_retry_usage},
	{"quarantine", "list, release or discard what is in quarantine", cmd_quarantine_usage},
	{"healthcheck", "is the service alive?", cmd_healthcheck_usage},
	{"echo", "ask a DICOM peer whether it is there", cmd_echo_usage},
	{"send", "send DICOM files to a peer", cmd_send_usage},
	{"config", "print the default configuration, check one, or show its policy",
	 cmd_config_usage},
	{"phantom", "write a made-up study to try netrt on", cmd_phantom_usage},
	{"version", "print the version", version_usage},
	{"help", "explain a command", help_usage},
};

#define TOPICS (sizeof(topics) / sizeof(topics[0]))

static void list_commands(FILE *out)
{
	fputs("usage: netrt COMMAND [ARGUMENT...]\n\n"
	      "RT Structure Sets in, image series with overlay planes out.\n\n",
	      out);
	for (size_t i = 0; i < TOPICS; i++)
		fprintf(out, "  %-11s %s\n", topics[i].name, topics[i].summary);
	fputs("\nExit codes: 0 all done, 1 healthcheck: it does not serve, 64 usage, 65 some study "
	      "or "
	      "file could\n"
	      "not be processed, 66 no input, 69 a peer or the service is not there, 70 a crash, "
	      "71 the system,\n"
	      "73 cannot create the output, 74 standard output failed, 78 configuration.\n\n"
	      "netrt help COMMAND explains one.\n",
	      out);
}

int cmd_usage_error(const char *name, const char *why)
{
	if (name == NULL) {
		log_say(LOG_ERROR, "%s", why);
		fputs("\n", stderr);
		list_commands(stderr);
	} else {
		log_say(LOG_ERROR, "%s: %s; see netrt help %s", name, why, name);
	}
	return EX_USAGE;
}

bool cmd_wants_help(int argc, char **argv, const char *usage)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			fputs(usage, stdout);
			return true;
		}
	}
	return false;
}

int cmd_finish(int code)
{
	errno = 0;
	if (fflush(stdout) != 0 || ferror(stdout)) {
		log_say(LOG_ERROR, "cannot write to standard output: %s", strerror(errno));
		return EX_IOERR;
	}
	return code;
}

int cmd_help(int argc, char **argv)
{
	if (argc < 2 || argv[1][0] == '-') {
		list_commands(stdout);
		return cmd_finish(EX_OK);
	}
	if (argc > 2)
		return cmd_usage_error("help", "takes one command's name");
	for (size_t i = 0; i < TOPICS; i++) {
		if (strcmp(argv[1], topics[i].name) == 0) {
			fputs(topics[i].usage, stdout);
			return cmd_finish(EX_OK);
		}
	}
	return cmd_usage_error("help", "no such command");
}

int cmd_version(int argc, char **argv)
{
	if (cmd_wants_help(argc, argv, version_usage))
		return cmd_finish(EX_OK);
	if (argc > 1)
		return cmd_usage_error("version", "takes no arguments");
#ifdef NETRT_MINIMAL
	puts("netrt " NETRT_VERSION " (minimal: without zlib and JPEG)");
#else
	puts("netrt " NETRT_VERSION " (with zlib and JPEG)");
#endif
	return cmd_finish(EX_OK);
}
