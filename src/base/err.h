/*
 * How things fail here.
 *
 * The world erred (a file, a data set, a peer): a function returns `enum err` and
 * fills the caller's `struct fault` once, where the error is found.  A fault holds
 * no allocation and no byte of the input: `text` is always a literal, so nothing a
 * patient's file contains can reach a log through it.
 *
 * We erred: `assert`, kept in release builds.
 *
 * After an error, out parameters are untouched unless a header says otherwise.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stddef.h>
#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

enum err {
	OK = 0,
	ERR_MORE,        /* not an error: the input ended between two things */
	ERR_WIRE,        /* malformed bytes */
	ERR_LIMIT,       /* well-formed, but over one of limits.h */
	ERR_UNSUPPORTED, /* well-formed, but this build or version cannot do it */
	ERR_UNUSABLE,    /* well-formed, but without what the job needs */
	ERR_NOMEM,
	ERR_IO, /* a system call failed; `sys_errno` says how */
};

#define FAULT_NO_OFFSET UINT64_MAX

struct fault {
	enum err code;
	const char *text; /* a literal: what is wrong, in words */
	uint64_t at;      /* byte offset in the input, or FAULT_NO_OFFSET */
	uint32_t tag;     /* the attribute concerned, or 0 */
	int sys_errno;    /* with ERR_IO, else 0 */
};

/* Fill *f (which may be NULL) and return `code`. */
enum err fault_set(struct fault *f, enum err code, const char *text, uint64_t at);
enum err fault_tag(struct fault *f, enum err code, const char *text, uint64_t at, uint32_t tag);
/* ERR_IO with errno as it stands. */
enum err fault_io(struct fault *f, const char *text);

/* "text (offset 132, attribute (0028,0010)): No space left on device", NUL-terminated. */
void fault_format(const struct fault *f, char *out, size_t size);

#endif
