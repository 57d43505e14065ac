/*
 * What status, retry, quarantine and healthcheck have in common: the configuration says where the
 * service is; it is asked, or the folders are.
 */
#ifndef CMD_ASK_H
#define CMD_ASK_H

#include <stdbool.h>

#include "base/buf.h"

struct asking {
	const char *command; /* its name, for messages */
	const char *config;  /* -c */
	bool json, all;      /* --json, --all, where the command has them */
	int words;           /* arguments that are no options: argv[first...] */
	int first;
};

/* Options from the command line; `allowed`: letters of those that the command has besides -c: "j"
 * --json, "a" --all.  EX_OK or EX_USAGE with a message. */
int ask_options(struct asking *a, int argc, char **argv, const char *allowed);
/* The answer to `line` (service/control.h) and its exit code; EX_CONFIG and others after a message.
 */
int ask(const struct asking *a, const char *line, struct buf *out);
/* The same, printed: on standard output, or where it failed on standard error. */
int ask_and_print(const struct asking *a, const char *line);

#endif
