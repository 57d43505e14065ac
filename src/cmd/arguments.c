#include "cmd/arguments.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/from_conf.h"

/* 0: not a number of workers. */
static unsigned workers_of(const char *jobs)
{
	char *end;

	if (jobs == NULL) {
		long online = sysconf(_SC_NPROCESSORS_ONLN);
		return online < 1                     ? 1
		       : online > (long)LIMIT_WORKERS ? LIMIT_WORKERS
						      : (unsigned)online;
	}
	if (jobs[0] < '0' || jobs[0] > '9')
		return 0;
	errno = 0;
	unsigned long n = strtoul(jobs, &end, 10);
	return errno != 0 || *end != '\0' || n > LIMIT_WORKERS ? 0 : (unsigned)n;
}

/* False: there is no such option here. */
static bool take_option(struct arguments *a, int c, const char *more, const char **jobs)
{
	switch (c) {
	case 'c':
		a->config = optarg;
		return true;
	case 'o':
		a->out = optarg;
		return true;
	case 'j':
		*jobs = optarg;
		return true;
	case 'q':
		a->quiet = true;
		return true;
	case 'J':
		a->json = true;
		return true;
	case 'S':
		a->sheet = optarg;
		return strchr(more, c) != NULL;
	case 'D':
		a->debug = true;
		return strchr(more, c) != NULL;
	default:
		return false;
	}
}

int arguments_parse(struct arguments *a, const char *command, const char *more, int argc,
		    char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'}, {"output", required_argument, NULL, 'o'},
		{"jobs", required_argument, NULL, 'j'},   {"quiet", no_argument, NULL, 'q'},
		{"json", no_argument, NULL, 'J'},         {"sheet", required_argument, NULL, 'S'},
		{"debug", no_argument, NULL, 'D'},        {NULL, 0, NULL, 0},
	};
	const char *jobs = NULL;
	int c;

	*a = (struct arguments){.config = NULL};
	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, ":c:o:j:q", options, NULL)) != -1) {
		if (c == ':')
			return cmd_usage_error(command, "an option lacks its value");
		if (!take_option(a, c, more, &jobs))
			return cmd_usage_error(command, "unknown option");
	}
	a->inputs = argv + optind;
	a->input_count = (size_t)(argc - optind);
	if (a->input_count == 0)
		return cmd_usage_error(command, "give at least one file or folder to read");
	if (a->out == NULL || a->out[0] == '\0')
		return cmd_usage_error(command, "give the output folder with -o");
	a->workers = workers_of(jobs);
	if (a->workers == 0)
		return cmd_usage_error(command, "-j takes a number from 1 to 256");
	return EX_OK;
}

bool arguments_progress(const struct arguments *a)
{
	return !a->quiet && isatty(STDERR_FILENO) == 1;
}

static bool inputs_are_there(const struct arguments *a)
{
	struct stat st;

	for (size_t i = 0; i < a->input_count; i++) {
		if (stat(a->inputs[i], &st) == 0)
			continue;
		log_say(LOG_ERROR, "%s: %s", log_quote_str(a->inputs[i]), strerror(errno));
		return false;
	}
	return true;
}

/* An open OUT, and whether it was made here; -1 with a message. */
static int open_output(const char *out, bool *made)
{
	int fd = open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*made = false;
	if (fd < 0 && errno == ENOENT) {
		*made = make_folders(out);
		if (*made)
			fd = open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0)
		log_say(LOG_ERROR, "%s: cannot be made or opened as the output folder: %s",
			log_quote_str(out), strerror(errno));
	return fd;
}

int arguments_run(const struct arguments *a, int (*job)(void *ctx, int out), void *ctx)
{
	bool made;

	assert(a->out != NULL);
	if (!inputs_are_there(a))
		return EX_NOINPUT;
	int out = open_output(a->out, &made);
	if (out < 0)
		return EX_CANTCREAT;
	int code = job(ctx, out);
	close(out);
	if (made)
		(void)rmdir(a->out); /* goes only when nothing is in it */
	return code;
}
