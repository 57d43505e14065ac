/*
 * netrt status: what the service has and does.
 */
#include <sysexits.h>

#include "cmd/ask.h"
#include "cmd/cmd.h"

const char cmd_status_usage[] =
	"usage: netrt status [-c CONFIG] [--json]\n"
	"\n"
	"Print the studies by state, what is to be sent where, and what is in quarantine:\n"
	"\n"
	"    receiving    files come, or an association that fed it is open\n"
	"    waiting      for its RT Structure Set, its images, or the next try\n"
	"    processing\n"
	"    sending      made, and not yet confirmed by every destination\n"
	"    kept         delivered; its sources stay for watcher.keep_sources_hours\n"
	"\n"
	"-c, --config FILE   as the service has it; without it what NETRT_CONFIG names\n"
	"--json        one JSON object\n"
	"\n"
	"Without a service the folders are read, which tells less.\n"
	"\n"
	"Exit codes: 0 told by the service, 64 usage, 66 there is no working folder, 69 no service "
	"runs\n"
	"or answers, 74 standard output failed, 78 configuration.\n";

int cmd_status(int argc, char **argv)
{
	struct asking a = {.command = "status"};

	if (cmd_wants_help(argc, argv, cmd_status_usage))
		return cmd_finish(EX_OK);
	int code = ask_options(&a, argc, argv, "j");
	if (code != EX_OK)
		return code;
	if (a.words != 0)
		return cmd_usage_error("status", "takes no arguments but options");
	return ask_and_print(&a, a.json ? "status json" : "status text");
}
