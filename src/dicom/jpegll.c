/*
 * A sample is predicted from its neighbours; the difference is coded as a Huffman code for its
 * number of bits, and these bits (T.81 H.1.2).  What is around the lines: dicom/jpeg_scan.
 *
 *     jpeg_decode -> decode_row -> rest_of_line -> next_difference -> jpeg_bits_refill
 *
 * A Huffman table has an entry for each PEEK bits that may come.  Where code and difference fit in
 * them, which is nearly always, one look says both.
 */
#include "dicom/jpegll.h"

#include <stdlib.h>
#include <string.h>

#include "dicom/jpeg_scan.h"

#define PEEK 12u
#define TABLES 4u

struct quick {
	int16_t value; /* the difference, or what the code says: how many bits it has */
	uint8_t whole; /* bits of code and difference; 0: more than PEEK */
	uint8_t code;  /* bits of the code; 0: more than PEEK, or there is none */
};

struct huffman {
	struct quick quick[1u << PEEK];
	uint32_t end[17];  /* for a length: the first code that is not of it, as 16 bits */
	int32_t start[17]; /* what is to be taken from a code to index `values` */
	uint8_t values[256];
	bool there;
};

struct lossless {
	struct huffman tables[TABLES];
	const struct huffman *table[JPEG_COMPONENTS]; /* of the scan's components */
	unsigned predictor;
	uint16_t restart_units;
};

/* ---- Huffman tables ---- */

/* F.2.2.1 EXTEND: a difference of `size` bits, of which the first is 0 when it is below zero. */
static int32_t extend(uint32_t raw, unsigned size)
{
	if (size == 0)
		return 0;
	if (size == 16) /* table H.2: no bits follow */
		return 32768;
	return raw >> (size - 1) != 0 ? (int32_t)raw : (int32_t)raw - (int32_t)((1u << size) - 1);
}

static unsigned extra_bits(unsigned size)
{
	return size == 16 ? 0 : size;
}

/* Entry of the table for bits of which the first `length` are `code` and say `size`. */
static void quick_fill(struct huffman *h, uint32_t code, unsigned length, uint8_t size)
{
	if (length > PEEK)
		return;
	unsigned extra = extra_bits(size), rest = PEEK - length;

	for (uint32_t i = 0; i < 1u << rest; i++) {
		struct quick q = {.value = size, .code = (uint8_t)length};

		if (extra <= rest && size < 16) {
			q.whole = (uint8_t)(length + extra);
			q.value = (int16_t)extend(i >> (rest - extra), size);
		}
		h->quick[(code << rest) + i] = q;
	}
}

/* Annex C; `counts` of codes for each length, `values` in the codes' order. */
static bool huffman_make(struct huffman *h, const uint8_t *counts, const uint8_t *values)
{
	uint32_t code = 0, k = 0;

	memset(h, 0, sizeof(*h));
	for (unsigned length = 1; length <= 16; length++) {
		h->start[length] = (int32_t)code - (int32_t)k;
		for (unsigned i = 0; i < counts[length - 1]; i++) {
			if (values[k] > 16 || code >= 1u << length)
				return false;
			quick_fill(h, code, length, values[k]);
			h->values[k] = values[k];
			code++;
			k++;
		}
		h->end[length] = code << (16 - length);
		code <<= 1;
	}
	h->there = k > 0;
	return h->there;
}

/* Bits of a code that is longer than PEEK and begins `next`; 0: there is none. */
static unsigned long_code(const struct huffman *h, uint32_t next, unsigned *size)
{
	for (unsigned length = PEEK + 1; length <= 16; length++) {
		if (next < h->end[length]) {
			int32_t k = (int32_t)(next >> (16 - length)) - h->start[length];

			if (k < 0 || k > 255)
				return 0;
			*size = h->values[k];
			return length;
		}
	}
	return 0;
}

/* The next difference, modulo 2^16; false: no code. */
static inline __attribute__((always_inline)) bool
next_difference(const struct huffman *h, struct jpeg_bits *b, uint32_t *out)
{
	jpeg_bits_refill(b, JPEG_STUFFS_BYTES);
	struct quick q = h->quick[b->hold >> (64 - PEEK)];
	unsigned size = (unsigned)q.value, length = q.code;

	if (q.whole != 0) {
		jpeg_bits_drop(b, q.whole);
		*out = (uint32_t)(int32_t)q.value;
		return true;
	}
	if (length == 0)
		length = long_code(h, (uint32_t)(b->hold >> 48), &size);
	if (length == 0)
		return false;
	jpeg_bits_drop(b, length);

	unsigned extra = extra_bits(size);
	uint32_t raw = extra == 0 ? 0 : (uint32_t)(b->hold >> (64 - extra));
	jpeg_bits_drop(b, extra);
	*out = (uint32_t)extend(raw, size);
	return true;
}

/* ---- Lines ---- */

/* Table H.1, for a sample that has all three neighbours. */
static inline uint32_t predict(unsigned predictor, int32_t left, int32_t above, int32_t corner)
{
	int32_t value = 0;

	switch (predictor) {
	case 1:
		value = left;
		break;
	case 2:
		value = above;
		break;
	case 3:
		value = corner;
		break;
	case 4:
		value = left + above - corner;
		break;
	case 5:
		value = left + ((above - corner) >> 1);
		break;
	case 6:
		value = above + ((left - corner) >> 1);
		break;
	case 7:
		value = (left + above) >> 1;
		break;
	}
	return (uint32_t)value;
}

/* The first sample of a line: `fresh` is the first line after the beginning or a restart. */
static uint32_t predict_first(const struct jpeg_decoder *d, unsigned i, bool fresh)
{
	return fresh ? 1u << (d->precision - d->shift - 1) : d->component[i].above[0];
}

/* One component, the rest of a line after its first sample.  Inlined for each predictor. */
static inline __attribute__((always_inline)) bool rest_of_line(struct jpeg_decoder *d,
							       unsigned predictor)
{
	const struct lossless *l = d->self;
	const struct huffman *table = l->table[0];
	const uint16_t *above = d->component[0].above;
	uint16_t *line = d->component[0].line;
	struct jpeg_bits in = d->in;
	uint32_t cols = d->frame->cols, left = line[0], difference;

	for (uint32_t x = 1; x < cols; x++) {
		if (!next_difference(table, &in, &difference))
			return false;
		left = (difference + predict(predictor, (int32_t)left, above[x], above[x - 1])) &
		       0xFFFF;
		line[x] = (uint16_t)left;
	}
	d->in = in;
	return true;
}

static bool line_of_one(struct jpeg_decoder *d, bool fresh)
{
	const struct lossless *l = d->self;
	uint32_t difference;

	if (!next_difference(l->table[0], &d->in, &difference))
		return false;
	d->component[0].line[0] = (uint16_t)(difference + predict_first(d, 0, fresh));
	switch (fresh ? 1 : l->predictor) {
	case 1:
		return rest_of_line(d, 1);
	case 2:
		return rest_of_line(d, 2);
	case 3:
		return rest_of_line(d, 3);
	case 4:
		return rest_of_line(d, 4);
	case 5:
		return rest_of_line(d, 5);
	case 6:
		return rest_of_line(d, 6);
	default:
		return rest_of_line(d, 7);
	}
}

/* Of interleaved components: a sample of each, in turn. */
static bool line_of_many(struct jpeg_decoder *d, bool fresh)
{
	const struct lossless *l = d->self;
	unsigned predictor = fresh ? 1 : l->predictor;

	for (uint32_t x = 0; x < d->frame->cols; x++) {
		for (unsigned i = 0; i < d->count; i++) {
			struct jpeg_component *c = &d->component[i];
			uint32_t difference, guess;

			if (!next_difference(l->table[i], &d->in, &difference))
				return false;
			if (x == 0)
				guess = predict_first(d, i, fresh);
			else
				guess = predict(predictor, c->line[x - 1], c->above[x],
						c->above[x - 1]);
			c->line[x] = (uint16_t)(difference + guess);
		}
	}
	return true;
}

static bool decode_row(struct jpeg_decoder *d, bool fresh)
{
	return d->count == 1 ? line_of_one(d, fresh) : line_of_many(d, fresh);
}

/* Nothing is learned: the first line is told that it is one. */
static void begin(struct jpeg_decoder *d)
{
	(void)d;
}

/* ---- Marker segments ---- */

static enum err read_tables(struct jpeg_decoder *d, const struct jpeg_segment *s)
{
	struct lossless *l = d->self;
	struct rd r = rd_of(s->body);

	while (rd_left(&r) > 0) {
		uint8_t place = rd_u8(&r);
		struct bytes counts = rd_take(&r, 16);
		size_t total = 0;

		for (size_t i = 0; i < counts.len; i++)
			total += counts.at[i];
		struct bytes values = rd_take(&r, total);
		if (r.failed || total == 0 || total > 256 || place >= TABLES)
			return jpeg_broken(d, "a damaged JPEG Huffman table", s->at);
		if (!huffman_make(&l->tables[place], counts.at, values.at))
			return jpeg_broken(d, "a JPEG Huffman table that is none of differences",
					   s->at);
	}
	return OK;
}

static enum err read_segment(struct jpeg_decoder *d, const struct jpeg_segment *s)
{
	struct lossless *l = d->self;

	if (s->marker == JPEG_DHT)
		return read_tables(d, s);
	if (s->marker != JPEG_DRI)
		return OK;
	if (s->body.len != 2)
		return jpeg_broken(d, "a JPEG restart interval of the wrong length", s->at);
	l->restart_units = get_u16be(s->body.at);
	return OK;
}

static enum err read_head(struct jpeg_decoder *d, const uint8_t tail[static 3], size_t at)
{
	struct lossless *l = d->self;

	for (unsigned i = 0; i < d->count; i++) {
		unsigned place = d->component[i].selector >> 4;

		if (place >= TABLES || !l->tables[place].there)
			return jpeg_broken(d, "a JPEG scan without its Huffman table", at);
		l->table[i] = &l->tables[place];
	}
	l->predictor = tail[0];
	d->shift = tail[2] & 0x0F;
	if (l->predictor < 1 || l->predictor > 7)
		return jpeg_broken(d, "a JPEG predictor that is none", at);
	if (d->shift >= d->precision)
		return jpeg_broken(d, "a JPEG point transform that leaves nothing", at);
	/* H.1.2.1: an interval is whole lines */
	if (l->restart_units % d->frame->cols != 0)
		return jpeg_broken(d, "a lossless JPEG restart interval within a line", at);
	d->restart = l->restart_units / d->frame->cols;
	return OK;
}

static const struct jpeg_process process_14 = {
	.sof = JPEG_SOF3,
	.segment = read_segment,
	.head = read_head,
	.begin = begin,
	.row = decode_row,
};

enum err jpegll_decode(struct bytes stream, const struct frame *frame, uint8_t *to, struct fault *f)
{
	struct jpeg_decoder d = {
		.stream = stream,
		.frame = frame,
		.to = to,
		.f = f,
		.process = &process_14,
		.self = calloc(1, sizeof(struct lossless)),
	};

	if (d.self == NULL)
		return fault_set(f, ERR_NOMEM, "no memory to decode JPEG", FAULT_NO_OFFSET);
	enum err e = jpeg_decode(&d);
	free(d.self);
	return e;
}
