/*
 * The commands on folders: IN... -o OUT, and the options that they have in common.
 */
#ifndef CMD_ARGUMENTS_H
#define CMD_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

struct arguments {
	const char *config, *out, *sheet; /* sheet: NULL without --sheet */
	bool json, quiet, debug;
	unsigned workers; /* -j, or the number of processors */
	char *const *inputs;
	size_t input_count;
};

/*
 * -c, -o, -j, -q and --json with their long forms, and of --sheet FILE and --debug those whose
 * letter (S, D) is in `more`.  EX_OK, or EX_USAGE with a message in the name of `command`.
 */
int arguments_parse(struct arguments *a, const char *command, const char *more, int argc,
		    char **argv);
/* May something be told of while it goes on: a person looks, and has not asked for quiet? */
bool arguments_progress(const struct arguments *a);

/*
 * Open OUT, made where it is not there, and have the job done with it: what `job` returns, or
 * EX_NOINPUT when an input is not there, EX_CANTCREAT, with a message.  A folder that was made here
 * and in which nothing came to lie is removed again.
 */
int arguments_run(const struct arguments *a, int (*job)(void *ctx, int out), void *ctx);

#endif
