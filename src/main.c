/*
 * netrt: what the first argument says is done by the command of that name.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cmd/cmd.h"

/*
 * Where standard input, output or error is closed, no file of ours may come to lie under its
 * number: what is printed would go into it.  Opened the wrong way round, so that using one is an
 * error as before.
 */
static void occupy_standard_streams(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
			_exit(EX_OSERR);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} commands[] = {
		{"process", cmd_process},
		{"deid", cmd_deid},
		{"keygen", cmd_keygen},
		{"rois", cmd_rois},
		{"dump", cmd_dump},
		{"serve", cmd_serve},
		{"status", cmd_status},
		{"retry", cmd_retry},
		{"quarantine", cmd_quarantine},
		{"healthcheck", cmd_healthcheck},
		{"echo", cmd_echo},
		{"send", cmd_send},
		{"config", cmd_config},
		{"phantom", cmd_phantom},
		{"version", cmd_version},
		{"--version", cmd_version},
		{"help", cmd_help},
		{"--help", cmd_help},
		{"-h", cmd_help},
	};

	occupy_standard_streams();
	signal(SIGPIPE, SIG_IGN); /* a closed pipe is a write error, reported as one */
	if (argc < 2)
		return cmd_usage_error(NULL, "no command given");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return cmd_usage_error(NULL, "no such command");
}
