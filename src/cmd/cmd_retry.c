/*
 * netrt retry: deliver now what waits for its next try.
 */
#include <stdio.h>
#include <sysexits.h>

#include "cmd/ask.h"
#include "cmd/cmd.h"
#include "service/control.h"

const char cmd_retry_usage[] =
	"usage: netrt retry [-c CONFIG] UID | --all\n"
	"\n"
	"Send a study, or all studies, to their destinations now instead of at their next try; "
	"all\n"
	"attempts are before them again. Instances that a destination has confirmed are not sent\n"
	"again. A study in quarantine is taken up by netrt quarantine release.\n"
	"\n"
	"UID           Study Instance UID\n"
	"--all         every study that waits\n"
	"-c, --config FILE   as the service has it; without it what NETRT_CONFIG names\n"
	"\n"
	"Exit codes: 0 done, 64 usage, 65 it cannot be, 66 no such study, 69 the service does not "
	"answer,\n"
	"78 configuration.\n";

int cmd_retry(int argc, char **argv)
{
	struct asking a = {.command = "retry"};
	char line[CONTROL_LINE];

	if (cmd_wants_help(argc, argv, cmd_retry_usage))
		return cmd_finish(EX_OK);
	int code = ask_options(&a, argc, argv, "a");
	if (code != EX_OK)
		return code;
	if (a.words != (a.all ? 0 : 1))
		return cmd_usage_error("retry", "give one Study Instance UID, or --all");
	int n = snprintf(line, sizeof(line), "retry %s", a.all ? "all" : argv[a.first]);
	if (n >= (int)sizeof(line))
		return cmd_usage_error("retry", "that is no Study Instance UID");
	return ask_and_print(&a, line);
}
