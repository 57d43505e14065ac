/*
 * Property: any bytes, taken as a command set, are refused with words, or give a command that, when
 * written, is read again as a command that is written as the same bytes; with the same UIDs, the
 * same numbers, and no byte in its texts that is not printable ASCII.
 */
#include <assert.h>
#include <string.h>

#include "base/limits.h"
#include "dimse/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t max)
{
	size_t len = strlen(text);

	assert(len <= max);
	for (size_t i = 0; i < len; i++)
		assert(text[i] >= 0x20 && text[i] < 0x7F);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dimse_command c, again;
	struct fault f = {0};
	struct buf once = BUF_INIT(2 * LIMIT_COMMAND), twice = BUF_INIT(2 * LIMIT_COMMAND);

	if (command_parse(&c, bytes_of(data, size), &f) != OK) {
		assert(f.text != NULL && c.field == 0);
		return 0;
	}
	check_text(c.error_comment, DIMSE_COMMENT);
	check_text(c.move_originator, 16);
	command_build(&once, &c);
	assert(!once.failed && once.len % 2 == 0);
	if (once.len <= LIMIT_COMMAND) { /* a long bad UID comes back as long as it was */
		enum err e = command_parse(&again, buf_bytes(&once), &f);
		assert(e == OK);
		assert(uid_eq(&again.sop_class, &c.sop_class));
		assert(uid_eq(&again.sop_instance, &c.sop_instance));
		assert(again.field == c.field && again.has_data == c.has_data);
		assert(again.status == c.status && again.has_status == c.has_status);
		assert(again.offending_count == c.offending_count);
		assert(strcmp(again.error_comment, c.error_comment) == 0);
		assert(strcmp(again.move_originator, c.move_originator) == 0);
		command_build(&twice, &again);
		assert(bytes_eq(buf_bytes(&once), buf_bytes(&twice)));
	}
	buf_free(&once);
	buf_free(&twice);
	return 0;
}
