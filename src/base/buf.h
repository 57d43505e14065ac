/*
 * Text and bytes that grow, up to a maximum given at birth.
 *
 * The first append that would pass `max` (or that finds no memory) fails the
 * buffer for good: it stays as it was, later appends do nothing.  So write a whole
 * report straight through, then test `failed` once.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/bytes.h"
#include "base/err.h"

struct buf {
	uint8_t *at; /* owned (malloc); kept NUL-terminated at at[len] once non-NULL */
	size_t len;
	size_t cap;
	size_t max;
	bool failed;
};

#define BUF_INIT(limit) ((struct buf){.max = (limit)})

void buf_free(struct buf *b);  /* back to empty, same max, not failed */
void buf_clear(struct buf *b); /* the same, but the memory stays for what comes next */
void buf_add(struct buf *b, struct bytes s);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_fmt(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
struct bytes buf_bytes(const struct buf *b); /* valid until the next append or free */

/* A JSON string with its quotes (RFC 8259); `s` is UTF-8, bad sequences become U+FFFD. Control
 * characters, bidirectional and zero-width ones too, are written as escapes. */
void buf_json(struct buf *b, struct bytes s);
/* For a terminal or a log line: UTF-8 kept, the same control characters and bad bytes as \xNN. */
void buf_escaped(struct buf *b, struct bytes s);

#endif
