#include "raster/mask.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"

#define WORD_BITS 64

size_t mask_words(uint32_t cols, uint32_t rows)
{
	assert(cols <= LIMIT_PIXELS_SIDE && rows <= LIMIT_PIXELS_SIDE);
	return (size_t)((cols + WORD_BITS - 1) / WORD_BITS) * rows;
}

void mask_init(struct mask *m, uint32_t cols, uint32_t rows, uint64_t *bits)
{
	*m = (struct mask){
		.cols = cols,
		.rows = rows,
		.stride = (cols + WORD_BITS - 1) / WORD_BITS,
		.bits = bits,
	};
	size_t words = mask_words(cols, rows);
	if (words > 0)
		memset(bits, 0, words * sizeof(*bits));
}

static uint64_t *row_of(const struct mask *m, uint32_t row)
{
	return m->bits + (size_t)row * m->stride;
}

void mask_clear(struct mask *m)
{
	const struct mask_box b = m->box;

	for (uint32_t r = b.row0; r < b.row1; r++)
		memset(row_of(m, r) + b.word0, 0, (b.word1 - b.word0) * sizeof(uint64_t));
	m->box = (struct mask_box){0};
}

bool mask_get(const struct mask *m, uint32_t col, uint32_t row)
{
	if (col >= m->cols || row >= m->rows)
		return false;
	return row_of(m, row)[col / WORD_BITS] >> (col % WORD_BITS) & 1;
}

static struct mask_box box_join(struct mask_box a, struct mask_box b)
{
	if (a.row0 >= a.row1)
		return b;
	if (b.row0 >= b.row1)
		return a;
	return (struct mask_box){
		.row0 = a.row0 < b.row0 ? a.row0 : b.row0,
		.row1 = a.row1 > b.row1 ? a.row1 : b.row1,
		.word0 = a.word0 < b.word0 ? a.word0 : b.word0,
		.word1 = a.word1 > b.word1 ? a.word1 : b.word1,
	};
}

static struct mask_box box_meet(struct mask_box a, struct mask_box b)
{
	struct mask_box m = {
		.row0 = a.row0 > b.row0 ? a.row0 : b.row0,
		.row1 = a.row1 < b.row1 ? a.row1 : b.row1,
		.word0 = a.word0 > b.word0 ? a.word0 : b.word0,
		.word1 = a.word1 < b.word1 ? a.word1 : b.word1,
	};

	if (m.row0 >= m.row1 || m.word0 >= m.word1)
		return (struct mask_box){0};
	return m;
}

void mask_grow(struct mask *m, struct mask_box box)
{
	assert(box.row1 <= m->rows && box.word1 <= m->stride);
	m->box = box_join(m->box, box);
}

void mask_set(struct mask *m, uint32_t row, uint32_t from, uint32_t to)
{
	assert(row < m->rows && from <= to && to <= m->cols);
	if (from == to)
		return;

	uint32_t first = from / WORD_BITS, last = (to - 1) / WORD_BITS;
	uint64_t *words = row_of(m, row);
	uint64_t head = UINT64_MAX << (from % WORD_BITS);
	uint64_t tail = UINT64_MAX >> (WORD_BITS - 1 - (to - 1) % WORD_BITS);

	mask_grow(m, (struct mask_box){row, row + 1, first, last + 1});
	if (first == last) {
		words[first] |= head & tail;
		return;
	}
	words[first] |= head;
	for (uint32_t w = first + 1; w < last; w++)
		words[w] = UINT64_MAX;
	words[last] |= tail;
}

/* Bits set, without a library call on machines whose baseline has no instruction for it. */
static unsigned popcount(uint64_t v)
{
	v -= v >> 1 & UINT64_C(0x5555555555555555);
	v = (v & UINT64_C(0x3333333333333333)) + (v >> 2 & UINT64_C(0x3333333333333333));
	v = (v + (v >> 4)) & UINT64_C(0x0F0F0F0F0F0F0F0F);
	return (unsigned)(v * UINT64_C(0x0101010101010101) >> 56);
}

uint64_t mask_count(const struct mask *m)
{
	const struct mask_box b = m->box;
	uint64_t count = 0;

	for (uint32_t r = b.row0; r < b.row1; r++) {
		const uint64_t *words = row_of(m, r);
		for (uint32_t w = b.word0; w < b.word1; w++)
			count += popcount(words[w]);
	}
	return count;
}

bool mask_is_empty(const struct mask *m)
{
	const struct mask_box b = m->box;

	for (uint32_t r = b.row0; r < b.row1; r++) {
		const uint64_t *words = row_of(m, r);
		for (uint32_t w = b.word0; w < b.word1; w++)
			if (words[w] != 0)
				return false;
	}
	return true;
}

/* The words of a row that hold its first and its last pixel; false: it has none. */
static bool row_ends(const uint64_t *words, struct mask_box b, uint32_t *first, uint32_t *last)
{
	uint32_t from = b.word0, to = b.word1;

	while (from < to && words[from] == 0)
		from++;
	while (to > from && words[to - 1] == 0)
		to--;
	if (from == to)
		return false;
	*first = from * WORD_BITS + (uint32_t)__builtin_ctzll(words[from]);
	*last = to * WORD_BITS - 1 - (uint32_t)__builtin_clzll(words[to - 1]);
	return true;
}

bool mask_extent(const struct mask *m, uint32_t *col0, uint32_t *row0, uint32_t *col1,
		 uint32_t *row1)
{
	const struct mask_box b = m->box;
	uint32_t left = UINT32_MAX, right = 0, top = UINT32_MAX, bottom = 0, first, last;

	for (uint32_t r = b.row0; r < b.row1; r++) {
		if (!row_ends(row_of(m, r), b, &first, &last))
			continue;
		left = first < left ? first : left;
		right = last > right ? last : right;
		top = top == UINT32_MAX ? r : top;
		bottom = r;
	}
	if (top == UINT32_MAX)
		return false;
	*col0 = left;
	*col1 = right + 1;
	*row0 = top;
	*row1 = bottom + 1;
	return true;
}

static void assert_same_size(const struct mask *a, const struct mask *b)
{
	assert(a->cols == b->cols && a->rows == b->rows);
}

void mask_or(struct mask *dst, const struct mask *src)
{
	const struct mask_box b = src->box;

	assert_same_size(dst, src);
	mask_grow(dst, b);
	for (uint32_t r = b.row0; r < b.row1; r++) {
		uint64_t *to = row_of(dst, r);
		const uint64_t *from = row_of(src, r);
		for (uint32_t w = b.word0; w < b.word1; w++)
			to[w] |= from[w];
	}
}

void mask_andnot(struct mask *dst, const struct mask *src)
{
	assert_same_size(dst, src);

	const struct mask_box b = box_meet(dst->box, src->box);
	for (uint32_t r = b.row0; r < b.row1; r++) {
		uint64_t *to = row_of(dst, r);
		const uint64_t *from = row_of(src, r);
		for (uint32_t w = b.word0; w < b.word1; w++)
			to[w] &= ~from[w];
	}
}

bool mask_overlap(const struct mask *a, const struct mask *b)
{
	assert_same_size(a, b);

	const struct mask_box box = box_meet(a->box, b->box);
	for (uint32_t r = box.row0; r < box.row1; r++) {
		const uint64_t *x = row_of(a, r), *y = row_of(b, r);
		for (uint32_t w = box.word0; w < box.word1; w++)
			if (x[w] & y[w])
				return true;
	}
	return false;
}

bool mask_equal(const struct mask *a, const struct mask *b)
{
	assert_same_size(a, b);

	const struct mask_box box = box_join(a->box, b->box);
	for (uint32_t r = box.row0; r < box.row1; r++) {
		size_t at = (size_t)r * a->stride + box.word0;
		if (memcmp(a->bits + at, b->bits + at,
			   (box.word1 - box.word0) * sizeof(uint64_t)) != 0)
			return false;
	}
	return true;
}

/* The first column >= from whose bit is `set` (1) or clear (0); cols when there is none. */
static uint32_t find(const uint64_t *words, uint32_t from, uint32_t cols, bool set)
{
	uint64_t flip = set ? 0 : UINT64_MAX;

	for (uint32_t at = from; at < cols; at = (at / WORD_BITS + 1) * WORD_BITS) {
		uint64_t v = (words[at / WORD_BITS] ^ flip) >> (at % WORD_BITS);
		if (v == 0)
			continue;
		uint32_t col = at + (uint32_t)__builtin_ctzll(v);
		return col < cols ? col : cols;
	}
	return cols;
}

bool mask_run(const struct mask *m, uint32_t row, uint32_t *from, uint32_t *to)
{
	const struct mask_box b = m->box;

	if (row < b.row0 || row >= b.row1)
		return false;

	uint32_t start = *to > b.word0 * WORD_BITS ? *to : b.word0 * WORD_BITS;
	uint32_t end = b.word1 * WORD_BITS < m->cols ? b.word1 * WORD_BITS : m->cols;
	uint32_t first = find(row_of(m, row), start, end, true);
	if (first >= end)
		return false;
	*from = first;
	*to = find(row_of(m, row), first, end, false);
	return true;
}

size_t mask_packed_len(uint32_t cols, uint32_t rows)
{
	assert(cols <= LIMIT_PIXELS_SIDE && rows <= LIMIT_PIXELS_SIDE);

	size_t bytes = ((size_t)cols * rows + 7) / 8;
	return bytes + bytes % 2;
}

/* OR the low `count` bits of `v` into the bit string at `out`, from bit `at` on. */
static void put_bits(uint8_t *out, size_t at, uint64_t v, uint32_t count)
{
	uint8_t *p = out + at / 8;
	unsigned shift = at % 8;
	unsigned bytes = (shift + count + 7) / 8; /* up to 9 */

	p[0] |= (uint8_t)(v << shift);
	for (unsigned i = 1; i < bytes; i++)
		p[i] |= (uint8_t)(v >> (8 * i - shift));
}

static void put_word(uint8_t *p, uint64_t v)
{
	put_u32le(p, (uint32_t)v);
	put_u32le(p + 4, (uint32_t)(v >> 32));
}

void mask_pack(const struct mask *m, uint8_t *out)
{
	const struct mask_box b = m->box;

	for (uint32_t r = b.row0; r < b.row1; r++) {
		const uint64_t *words = row_of(m, r);
		size_t row_at = (size_t)r * m->cols; /* in bits */

		for (uint32_t w = b.word0; w < b.word1; w++) {
			uint32_t left = m->cols - w * WORD_BITS;
			size_t at = row_at + (size_t)w * WORD_BITS;
			if (words[w] == 0)
				continue;
			if (left >= WORD_BITS && at % 8 == 0)
				put_word(out + at / 8, words[w]);
			else
				put_bits(out, at, words[w], left < WORD_BITS ? left : WORD_BITS);
		}
	}
}
