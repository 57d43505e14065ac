#include "cmd/arguments.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "cmd/from_conf.h"

unsigned arguments_workers(const char *jobs)
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

int arguments_inputs(char *const *inputs, size_t count)
{
	struct stat st;

	for (size_t i = 0; i < count; i++) {
		if (stat(inputs[i], &st) == 0)
			continue;
		log_say(LOG_ERROR, "%s: %s", log_quote_str(inputs[i]), strerror(errno));
		return EX_NOINPUT;
	}
	return EX_OK;
}

int arguments_output(const char *out, bool *made)
{
	assert(out != NULL);
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
