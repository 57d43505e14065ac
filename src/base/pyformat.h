/*
 * A line of a log by the format that Python's logging takes: "%(asctime)s [%(levelname)-8s]
 * %(message)s".
 *
 * A field is %(name), then flags (- 0 + space), a width, ".precision", and s, d or f.  "%%" is a
 * per cent sign.  Fields are those of a LogRecord; what has no meaning here (threads, source lines)
 * has the value that a Python program with one thread would show.
 */
#ifndef BASE_PYFORMAT_H
#define BASE_PYFORMAT_H

#include "base/buf.h"

struct pyformat_values {
	struct bytes asctime, levelname, name, message;
	struct bytes func_name; /* funcName */
	int levelno;            /* 10 DEBUG, 20 INFO, ... */
	long process;
	uint64_t created_us;  /* since 1970 */
	uint64_t relative_us; /* since the program began */
};

/* What is wrong with it, a literal; or NULL. */
const char *pyformat_fault(const char *format);

/* Widths and precisions count characters.  `format` must be without a fault. */
void pyformat_render(const char *format, const struct pyformat_values *v, struct buf *out);

#endif
