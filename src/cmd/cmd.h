/*
 * The commands of netrt, one function each.  argv[0] is the command's own name; the
 * result is the process's exit code, from <sysexits.h>:
 *
 *   0 EX_OK, 64 EX_USAGE, 65 EX_DATAERR (some study or file could not be processed),
 *   66 EX_NOINPUT, 70 EX_SOFTWARE, 73 EX_CANTCREAT, 78 EX_CONFIG.
 */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#define NETRT_VERSION "0.1.0"

int cmd_process(int argc, char **argv);
int cmd_rois(int argc, char **argv);
int cmd_dump(int argc, char **argv);
int cmd_config(int argc, char **argv);
int cmd_phantom(int argc, char **argv);
int cmd_version(int argc, char **argv);
int cmd_help(int argc, char **argv);

/* The usage text of one command, for `netrt help CMD` and `netrt CMD --help`; NULL if unknown. */
const char *cmd_usage(const char *name);
/* "netrt: error: <why>" and a hint at `netrt help CMD`; returns EX_USAGE. */
int cmd_usage_error(const char *name, const char *why);

#endif
