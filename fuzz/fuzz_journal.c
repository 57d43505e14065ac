/*
 * A journal of any bytes.  First byte 'L': the rest are lines without their CRC, which is put
 * before each here, so that a fuzzer gets past it.
 *
 * Property: reading ends with a state or a limit; every line feed ends a line that is counted, as
 * good or damaged; what is said of a destination agrees with its outputs one by one; each output is
 * found by its UID; a good line that is decoded and written again says the same; and one line more
 * is one line more.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "study/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t crc32_of(const uint8_t *s, size_t len)
{
	uint32_t crc = 0xFFFFFFFF;

	for (size_t i = 0; i < len; i++) {
		crc ^= s[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
	}
	return ~crc;
}

static void with_crcs(const uint8_t *data, size_t size, struct buf *out)
{
	while (size > 0) {
		const uint8_t *feed = memchr(data, '\n', size);
		size_t len = feed == NULL ? size : (size_t)(feed - data);

		buf_fmt(out, "%08x ", crc32_of(data, len));
		buf_add(out, bytes_of(data, len));
		if (feed == NULL)
			return;
		buf_char(out, '\n');
		data += len + 1;
		size -= len + 1;
	}
}

static struct bytes plain(struct bytes field, struct arena *a)
{
	char *s = journal_decode(field, a);

	return s == NULL ? field : bytes_str(s);
}

static void same(struct bytes a, struct bytes b, struct arena *arena)
{
	const char *x = journal_decode(a, arena), *y = journal_decode(b, arena);

	if (x == NULL || y == NULL)
		return;
	if (strlen(x) <= JOURNAL_TEXT)
		assert(strcmp(x, y) == 0);
	else
		assert(strncmp(x, y, JOURNAL_TEXT) == 0);
}

static void check_line(struct bytes line, struct arena *arena)
{
	struct journal_entry e, again, plain_e;
	struct buf b = BUF_INIT(1 << 20);

	if (!journal_parse_line(line, &e))
		return;
	plain_e = e;
	plain_e.name = plain(e.name, arena);
	plain_e.type = plain(e.type, arena);
	plain_e.file = plain(e.file, arena);
	plain_e.text = plain(e.text, arena);
	plain_e.digest = plain(e.digest, arena);
	journal_write_line(&b, &plain_e);
	if (!b.failed) {
		assert(b.at[b.len - 1] == '\n');
		assert(journal_parse_line(bytes_of(b.at, b.len - 1), &again));
		assert(again.word == e.word && again.at_ms == e.at_ms && again.count == e.count &&
		       again.seen == e.seen && again.mtime_ns == e.mtime_ns &&
		       again.status == e.status && again.class == e.class);
		assert(uid_eq(&again.sop, &e.sop) && uid_eq(&again.class_uid, &e.class_uid) &&
		       uid_eq(&again.transaction, &e.transaction));
		same(e.name, again.name, arena);
		same(e.type, again.type, arena);
		same(e.file, again.file, arena);
		same(e.text, again.text, arena);
		same(e.digest, again.digest, arena);
	}
	buf_free(&b);
}

static void check_state(const struct journal_state *s)
{
	assert(s->processed || (s->output_count == 0 && s->seen_count == 0));
	for (uint32_t i = 0; i < s->output_count; i++) {
		assert(s->outputs[i].file != NULL && s->outputs[i].series_type != NULL);
		assert(journal_output_of(s, &s->outputs[i].sop_instance) == i);
	}
	for (uint32_t i = 0; i < s->seen_count; i++)
		assert(uid_eq(&journal_seen_of(s, &s->seen[i].sop)->sop, &s->seen[i].sop));
	for (uint32_t d = 0; d < s->dest_count; d++) {
		const struct journal_dest *dest = &s->dests[d];
		uint32_t sent = 0, warned = 0;

		for (uint32_t i = 0; i < s->output_count; i++) {
			sent += dest->outputs[i].sent;
			warned += dest->outputs[i].sent && dest->outputs[i].status >> 12 == 0xB;
			assert(dest->outputs[i].permanent <= dest->outputs[i].failed);
		}
		assert(sent == dest->sent && warned == dest->warned);
		assert((dest->first_failed_ms == 0) || dest->failed_text != NULL);
	}
	for (const struct journal_transaction *t = s->transactions; t != NULL; t = t->earlier)
		assert(t->dest < s->dest_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf text = BUF_INIT(8 << 20);
	struct journal_state s, more;
	struct arena arena;
	uint32_t feeds = 0;

	if (size > 0 && data[0] == 'L')
		with_crcs(data + 1, size - 1, &text);
	else
		buf_add(&text, bytes_of(data, size));
	if (text.failed || arena_open(&arena, 64 << 20, NULL) != OK)
		goto done;
	size_t begin = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] != '\n')
			continue;
		feeds++;
		check_line(bytes_of(text.at + begin, i - begin), &arena);
		begin = i + 1;
		arena_reset(&arena, 0);
	}

	struct fault f = {0};
	enum err e = journal_parse(&s, buf_bytes(&text), &arena, &f);
	assert(e == OK || ((e == ERR_LIMIT || e == ERR_NOMEM) && f.text != NULL));
	if (e == OK) {
		assert(s.lines + s.damaged == feeds && s.torn == text.len - begin);
		check_state(&s);
		text.len = begin;
		journal_write_line(&text, &(struct journal_entry){.word = JOURNAL_PROCESSING});
		if (!text.failed && journal_parse(&more, buf_bytes(&text), &arena, &f) == OK)
			assert(more.lines == s.lines + 1 && more.damaged == s.damaged &&
			       more.torn == 0 && more.output_count == s.output_count &&
			       more.dest_count == s.dest_count);
	}
	arena_close(&arena);
done:
	buf_free(&text);
	return 0;
}
