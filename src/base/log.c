#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

static enum log_level most_verbose = LOG_INFO;
static void (*line_sink)(enum log_level level, const char *line);

void log_level_set(enum log_level most)
{
	most_verbose = most;
}

void log_sink_set(void (*sink)(enum log_level level, const char *line))
{
	line_sink = sink;
}

void log_say(enum log_level level, const char *fmt, ...)
{
	static const char *const words[] = {"error: ", "warning: ", "", "debug: "};
	char line[4096];
	va_list args;

	if (level > most_verbose)
		return;
	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (line_sink != NULL) {
		line_sink(level, line);
		return;
	}
	fprintf(stderr, "netrt: %s%s\n", words[level], line);
}

const char *log_quote(struct bytes s)
{
	static char ring[4][1024];
	static unsigned turn;
	char *out = ring[turn++ % 4];
	struct buf b = BUF_INIT(sizeof(ring[0]) * 4);

	if (s.len > sizeof(ring[0]))
		s.len = sizeof(ring[0]);
	buf_escaped(&b, s);
	bytes_to_str(buf_bytes(&b), out, sizeof(ring[0]));
	buf_free(&b);
	return out;
}

const char *log_quote_str(const char *s)
{
	return log_quote(bytes_str(s));
}
