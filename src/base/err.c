#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum err fault_tag(struct fault *f, enum err code, const char *text, uint64_t at, uint32_t tag)
{
	if (f != NULL)
		*f = (struct fault){.code = code, .text = text, .at = at, .tag = tag};
	return code;
}

enum err fault_set(struct fault *f, enum err code, const char *text, uint64_t at)
{
	return fault_tag(f, code, text, at, 0);
}

enum err fault_io(struct fault *f, const char *text)
{
	int saved = errno;

	fault_tag(f, ERR_IO, text, FAULT_NO_OFFSET, 0);
	if (f != NULL)
		f->sys_errno = saved;
	return ERR_IO;
}

/* Append to out[0..size), keeping it terminated; *used never passes size - 1. */
static void PRINTF_LIKE(4, 5) append(char *out, size_t size, size_t *used, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(out + *used, size - *used, fmt, args);
	va_end(args);
	if (n > 0)
		*used += (size_t)n < size - *used ? (size_t)n : size - *used - 1;
}

void fault_format(const struct fault *f, char *out, size_t size)
{
	size_t used = 0;
	bool has_at = f->at != FAULT_NO_OFFSET;

	append(out, size, &used, "%s", f->text != NULL ? f->text : "unknown fault");
	if (has_at || f->tag != 0) {
		append(out, size, &used, " (");
		if (has_at)
			append(out, size, &used, "offset %llu", (unsigned long long)f->at);
		if (f->tag != 0)
			append(out, size, &used, "%sattribute (%04X,%04X)", has_at ? ", " : "",
			       f->tag >> 16, f->tag & 0xFFFFu);
		append(out, size, &used, ")");
	}
	if (f->sys_errno != 0)
		append(out, size, &used, ": %s", strerror(f->sys_errno));
}
