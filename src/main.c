/*
 * netrt: what the first argument says is done by the command of that name.
 */
#include <signal.h>
#include <string.h>
#include <sysexits.h>

#include "cmd/cmd.h"

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} commands[] = {
		{"process", cmd_process},   {"rois", cmd_rois},       {"dump", cmd_dump},
		{"config", cmd_config},     {"phantom", cmd_phantom}, {"version", cmd_version},
		{"--version", cmd_version}, {"help", cmd_help},       {"--help", cmd_help},
		{"-h", cmd_help},
	};

	signal(SIGPIPE, SIG_IGN); /* a closed pipe is a write error, reported as one */
	if (argc < 2)
		return cmd_usage_error(NULL, "no command given");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return cmd_usage_error(NULL, "no such command");
}
