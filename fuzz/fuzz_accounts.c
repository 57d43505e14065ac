/*
 * Property: whatever a peer's strings are, a line of a log is one line.
 *
 * Text and JSON both end in their only line feed, are no longer than ACCOUNTS_LINE, are UTF-8
 * without control, bidirectional and zero-width characters, and the JSON is JSON.  The same holds
 * for a format that has no fault.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/pyformat.h"
#include "json_check.h"
#include "service/accounts_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_safe(uint32_t code)
{
	return code >= 0x20 && (code < 0x7F || code > 0x9F) && code != 0x061C &&
	       (code < 0x200B || code > 0x200F) && (code < 0x2028 || code > 0x202E) &&
	       (code < 0x2060 || code > 0x206F) && code != 0xFEFF;
}

static void check_line(const struct buf *b)
{
	struct bytes line = buf_bytes(b);
	uint32_t code;

	assert(!b->failed);
	assert(line.len > 0 && line.len <= ACCOUNTS_LINE && line.at[line.len - 1] == '\n');
	for (line.len--; line.len > 0;) {
		unsigned n = utf8_next(line, &code);

		assert(n > 0 && is_safe(code));
		line = bytes_slice(line, n, line.len - n);
	}
}

/* The next string of the input, up to a NUL, in memory of its exact size; NULL at the end. */
static char *next(struct bytes *in)
{
	const uint8_t *nul = in->len > 0 ? memchr(in->at, 0, in->len) : NULL;
	size_t n = nul == NULL ? in->len : (size_t)(nul - in->at);

	if (in->len == 0)
		return NULL;
	char *s = malloc(n + 1);
	if (s == NULL)
		abort();
	memcpy(s, in->at, n);
	s[n] = '\0';
	*in = bytes_slice(*in, n + (nul != NULL), in->len - n - (nul != NULL));
	return s;
}

/* Formats come from the configuration, which holds no control characters. */
static bool is_format(const char *s)
{
	struct bytes b = bytes_str(s);
	uint32_t code;

	while (b.len > 0) {
		unsigned n = utf8_next(b, &code);

		if (n == 0 || !is_safe(code))
			return false;
		b = bytes_slice(b, n, b.len - n);
	}
	return strlen(s) <= 1024 && pyformat_fault(s) == NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char standard[] = "%(asctime)s [%(levelname)-8s] %(name)s: %(message)s";
	const struct accounts_now now = {.wall = {.year = 2026, .month = 11, .day = 25},
					 .created_us = 1700000000123456,
					 .process = 1};
	struct accounts_line l = ACCOUNTS_LINE_OF(LOG_INFO, ACCOUNTS_LISTENER, "event");
	struct buf out = BUF_INIT(1u << 20);
	struct bytes in = bytes_of(data, size);
	char *s[8];

	for (size_t i = 0; i < 8; i++)
		s[i] = next(&in);
	l.message = s[0] == NULL ? BYTES_NONE : bytes_str(s[0]);
	l.address = s[1];
	l.ae_title = s[2];
	l.study = s[3];
	l.dest = s[4];
	l.series_type = s[5];
	l.reason = s[6];
	l.association = l.instances = l.duration_us = l.retry_seconds = l.status = size;

	accounts_line_text(&l, &now, standard, &out);
	check_line(&out);
	buf_free(&out);
	if (s[7] != NULL && is_format(s[7])) {
		accounts_line_text(&l, &now, s[7], &out);
		check_line(&out);
		buf_free(&out);
	}
	accounts_line_json(&l, &now, &out);
	check_line(&out);
	assert(json_ok(bytes_of(out.at, out.len - 1)));
	buf_free(&out);
	for (size_t i = 0; i < 8; i++)
		free(s[i]);
	return 0;
}
