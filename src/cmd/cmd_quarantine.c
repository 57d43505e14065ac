/*
 * netrt quarantine: what is there, and what is to become of it.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cmd/ask.h"
#include "cmd/cmd.h"
#include "service/control.h"

const char cmd_quarantine_usage[] =
	"usage: netrt quarantine [-c CONFIG] list [--json]\n"
	"       netrt quarantine [-c CONFIG] release NAME\n"
	"       netrt quarantine [-c CONFIG] discard NAME\n"
	"\n"
	"list          the studies in quarantine, and why each is there\n"
	"release       put a study back: it is processed again, and delivered where it was not\n"
	"discard       remove it for good, with all its originals\n"
	"\n"
	"NAME          of its folder in quarantine, or the Study Instance UID if it is there once\n"
	"-c, --config FILE   as the service has it; without it what NETRT_CONFIG names\n"
	"--json        of list: one JSON array\n"
	"\n"
	"Exit codes: 0 done, 64 usage, 65 it cannot be, 66 not in quarantine, 69 the service does "
	"not\n"
	"answer, 78 configuration.\n";

int cmd_quarantine(int argc, char **argv)
{
	struct asking a = {.command = "quarantine"};
	char line[CONTROL_LINE];
	int n = -1;

	if (cmd_wants_help(argc, argv, cmd_quarantine_usage))
		return cmd_finish(EX_OK);
	int code = ask_options(&a, argc, argv, "j");
	if (code != EX_OK)
		return code;
	const char *verb = a.words > 0 ? argv[a.first] : "";
	if (strcmp(verb, "list") == 0 && a.words == 1)
		n = snprintf(line, sizeof(line), "quarantine list %s", a.json ? "json" : "text");
	else if ((strcmp(verb, "release") == 0 || strcmp(verb, "discard") == 0) && a.words == 2)
		n = snprintf(line, sizeof(line), "quarantine %s %s", verb, argv[a.first + 1]);
	if (n < 0 || n >= (int)sizeof(line))
		return cmd_usage_error("quarantine", "list, release NAME or discard NAME");
	return ask_and_print(&a, line);
}
