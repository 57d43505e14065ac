#include "series/bits.h"

#include <assert.h>
#include <string.h>

#include "base/file.h"

#define ROOM (256u << 10)

enum err bits_open(struct bits *b, int fd, struct arena *a, struct fault *f)
{
	*b = (struct bits){.fd = fd, .at = ARENA_NEW(a, uint8_t, ROOM), .error = OK};
	if (b->at == NULL)
		return fault_set(f, ERR_NOMEM, "no memory to write with", FAULT_NO_OFFSET);
	return OK;
}

static void flush(struct bits *b)
{
	if (b->error == OK)
		b->error = file_write_all(b->fd, bytes_of(b->at, b->used), &b->fault);
	b->used = 0;
}

static void put(struct bits *b, struct bytes bytes)
{
	while (bytes.len > 0) {
		size_t n = ROOM - b->used < bytes.len ? ROOM - b->used : bytes.len;

		memcpy(b->at + b->used, bytes.at, n);
		b->used += n;
		bytes = bytes_slice(bytes, n, bytes.len - n);
		if (b->used == ROOM)
			flush(b);
	}
}

void bits_bytes(struct bits *b, struct bytes bytes)
{
	assert(b->acc_count == 0);
	put(b, bytes);
}

static void put_word(struct bits *b, uint64_t word)
{
	if (ROOM - b->used < 8)
		flush(b);
	put_u32le(b->at + b->used, (uint32_t)word);
	put_u32le(b->at + b->used + 4, (uint32_t)(word >> 32));
	b->used += 8;
}

/* The lowest `count` bits of a word that has no others, 1 to 64. */
static inline void add(struct bits *b, uint64_t word, unsigned count)
{
	b->acc |= word << b->acc_count;
	if (b->acc_count + count < 64) {
		b->acc_count += count;
		return;
	}
	put_word(b, b->acc);
	b->acc = b->acc_count == 0 ? 0 : word >> (64 - b->acc_count);
	b->acc_count = b->acc_count + count - 64;
}

static void zeros(struct bits *b, uint64_t count)
{
	unsigned first = b->acc_count > 0 ? 64 - b->acc_count : 0;

	if (count < first || count == 0) {
		b->acc_count += (unsigned)count;
		return;
	}
	if (first > 0)
		add(b, 0, first);
	count -= first;
	for (uint64_t words = count / 64; words > 0;) {
		size_t n = (ROOM - b->used) / 8;

		if (n == 0) {
			flush(b);
			continue;
		}
		n = n < words ? n : (size_t)words;
		memset(b->at + b->used, 0, 8 * n);
		b->used += 8 * n;
		words -= n;
	}
	b->acc_count = count % 64;
}

static void rows(struct bits *b, const struct mask *m, uint32_t from, uint32_t to)
{
	for (uint32_t row = from; row < to; row++) {
		const uint64_t *words = m->bits + (size_t)row * m->stride;
		uint32_t whole = m->cols / 64;

		for (uint32_t w = 0; w < whole; w++)
			add(b, words[w], 64);
		if (m->cols % 64 != 0)
			add(b, words[whole], m->cols % 64);
	}
}

/* Most of a frame is nothing: what is outside of the box needs no looking at. */
void bits_mask(struct bits *b, const struct mask *m)
{
	uint32_t from = m->box.row0 < m->box.row1 ? m->box.row0 : m->rows;
	uint32_t to = m->box.row0 < m->box.row1 ? m->box.row1 : m->rows;

	zeros(b, (uint64_t)from * m->cols);
	rows(b, m, from, to);
	zeros(b, (uint64_t)(m->rows - to) * m->cols);
}

void bits_end(struct bits *b, uint64_t total)
{
	uint8_t rest[9] = {0};
	size_t n = (b->acc_count + 7) / 8;

	for (unsigned i = 0; i < 8; i++)
		rest[i] = (uint8_t)(b->acc >> 8 * i);
	b->acc = 0;
	b->acc_count = 0;
	put(b, bytes_of(rest, n));
	if (total % 2 != 0)
		put(b, bytes_of(rest + 8, 1));
}

enum err bits_close(struct bits *b, struct fault *f)
{
	flush(b);
	if (b->error != OK && f != NULL)
		*f = b->fault;
	return b->error;
}
