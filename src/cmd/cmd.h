/*
 * The commands of netrt, one function each.  argv[0] is the command's own name; the
 * result is the process's exit code, from <sysexits.h>:
 *
 *   0 EX_OK, 64 EX_USAGE, 65 EX_DATAERR (some study or file could not be processed),
 *   66 EX_NOINPUT, 69 EX_UNAVAILABLE (a peer, the service), 70 EX_SOFTWARE (a crash), 71 EX_OSERR,
 *   73 EX_CANTCREAT, 74 EX_IOERR (standard output), 78 EX_CONFIG; and 1, healthcheck's.
 */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include <stdbool.h>

#define NETRT_VERSION "0.1.0"

int cmd_process(int argc, char **argv);
int cmd_deid(int argc, char **argv);
int cmd_keygen(int argc, char **argv);
int cmd_rois(int argc, char **argv);
int cmd_dump(int argc, char **argv);
int cmd_config(int argc, char **argv);
int cmd_phantom(int argc, char **argv);
int cmd_echo(int argc, char **argv);
int cmd_send(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_retry(int argc, char **argv);
int cmd_quarantine(int argc, char **argv);
int cmd_healthcheck(int argc, char **argv);
int cmd_version(int argc, char **argv);
int cmd_help(int argc, char **argv);

/* What `netrt help CMD` prints; each ends with a newline. */
extern const char cmd_process_usage[];
extern const char cmd_deid_usage[];
extern const char cmd_keygen_usage[];
extern const char cmd_rois_usage[];
extern const char cmd_dump_usage[];
extern const char cmd_config_usage[];
extern const char cmd_phantom_usage[];
extern const char cmd_echo_usage[];
extern const char cmd_send_usage[];
extern const char cmd_serve_usage[];
extern const char cmd_status_usage[];
extern const char cmd_retry_usage[];
extern const char cmd_quarantine_usage[];
extern const char cmd_healthcheck_usage[];

/* "netrt NAME: why", and where help is, on standard error; returns EX_USAGE.  NULL: no command. */
int cmd_usage_error(const char *name, const char *why);
/* Is one of the arguments (before a "--") --help or -h?  Then the usage text is printed. */
bool cmd_wants_help(int argc, char **argv, const char *usage);
/* Flush standard output: `code`, or EX_IOERR with a message when it could not be written. */
int cmd_finish(int code);

#endif
