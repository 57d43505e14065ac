/*
 * A sample is predicted from its neighbours; the difference is coded as a Huffman code for its
 * number of bits, and these bits (T.81 H.1.2).  A scan is decoded line by line into a line of
 * 16 bits for each of its components, with the line before beside it; what is finished is written
 * to the output, shifted by the point transform.
 *
 *     read_scan -> decode_scan -> decode_line -> next_difference -> refill
 *
 * A Huffman table has an entry for each PEEK bits that may come.  Where code and difference fit in
 * them, which is nearly always, one look says both.
 */
#include "dicom/jpegll.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/jpeg_marker.h"

#define PEEK 12u
#define COMPONENTS 3u
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

/* Entropy-coded data.  Behind their end zeros are read, and counted. */
struct bits {
	const uint8_t *at, *end;
	uint64_t hold; /* the next bits, from the top */
	unsigned have;
	unsigned made_up; /* of those in `hold`, the last are not in the stream */
};

struct component {
	uint8_t id, index;
	const struct huffman *table;
	uint16_t *line, *above; /* cols each; exchanged after a line */
};

struct decoder {
	struct bytes stream;
	const struct frame *frame;
	uint8_t *to;
	struct fault *f;
	uint16_t *lines; /* owned */
	struct huffman *tables;
	uint8_t ids[COMPONENTS];
	unsigned precision, seen; /* bit i: component i has had its scan */
	bool framed;
	uint32_t restart; /* lines; 0: never */
	uint16_t restart_units;
	/* of the scan */
	struct component component[COMPONENTS];
	unsigned count, predictor, shift;
	struct bits in;
};

static enum err broken(struct decoder *d, const char *text, size_t at)
{
	return fault_set(d->f, ERR_WIRE, text, at);
}

/* ---- Bits ---- */

static void refill_slowly(struct bits *b)
{
	while (b->have <= 56) {
		uint64_t byte = 0;

		if (b->at < b->end && *b->at != 0xFF) {
			byte = *b->at++;
		} else if (b->end - b->at >= 2 && b->at[1] == 0) {
			byte = 0xFF;
			b->at += 2;
		} else {
			b->made_up += 8; /* a marker, or the end */
		}
		b->hold |= byte << (56 - b->have);
		b->have += 8;
	}
}

/* Then there are more than 32 bits. */
static void refill(struct bits *b)
{
	if (b->have > 32)
		return;
	if (b->end - b->at >= 4) {
		uint32_t next = get_u32be(b->at);
		uint32_t inverse = ~next;

		/* no byte of it is FF: no byte of the inverse is 0 */
		if (((inverse - 0x01010101u) & ~inverse & 0x80808080u) == 0) {
			b->hold |= (uint64_t)next << (32 - b->have);
			b->have += 32;
			b->at += 4;
			return;
		}
	}
	refill_slowly(b);
}

static void drop(struct bits *b, unsigned count)
{
	b->hold <<= count;
	b->have -= count;
}

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

/* ---- Huffman tables ---- */

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

/* A code of more than PEEK bits.  False: no code begins so. */
static bool long_code(const struct huffman *h, struct bits *b, unsigned *size)
{
	uint32_t next = (uint32_t)(b->hold >> 48);

	for (unsigned length = PEEK + 1; length <= 16; length++) {
		if (next < h->end[length]) {
			int32_t k = (int32_t)(next >> (16 - length)) - h->start[length];

			if (k < 0 || k > 255)
				return false;
			*size = h->values[k];
			drop(b, length);
			return true;
		}
	}
	return false;
}

/* The next difference, modulo 2^16; false: no code. */
static inline bool next_difference(const struct huffman *h, struct bits *b, uint32_t *out)
{
	refill(b);
	struct quick q = h->quick[b->hold >> (64 - PEEK)];
	unsigned size = (unsigned)q.value;

	if (q.whole != 0) {
		drop(b, q.whole);
		*out = (uint32_t)(int32_t)q.value;
		return true;
	}
	if (q.code != 0)
		drop(b, q.code);
	else if (!long_code(h, b, &size))
		return false;

	unsigned extra = extra_bits(size);
	uint32_t raw = extra == 0 ? 0 : (uint32_t)(b->hold >> (64 - extra));
	drop(b, extra);
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
static uint32_t predict_first(const struct decoder *d, const struct component *c, bool fresh)
{
	return fresh ? 1u << (d->precision - d->shift - 1) : c->above[0];
}

/* One component, the rest of a line after its first sample.  Inlined for each predictor. */
static inline bool rest_of_line(struct component *c, struct bits *in, uint32_t cols,
				unsigned predictor)
{
	struct bits b = *in;
	const uint16_t *above = c->above;
	uint16_t *line = c->line;
	uint32_t left = line[0], difference;

	for (uint32_t x = 1; x < cols; x++) {
		if (!next_difference(c->table, &b, &difference))
			return false;
		left = (difference + predict(predictor, (int32_t)left, above[x], above[x - 1])) &
		       0xFFFF;
		line[x] = (uint16_t)left;
	}
	*in = b;
	return true;
}

static bool line_of_one(struct decoder *d, bool fresh)
{
	struct component *c = &d->component[0];
	uint32_t cols = d->frame->cols, difference;

	if (!next_difference(c->table, &d->in, &difference))
		return false;
	c->line[0] = (uint16_t)(difference + predict_first(d, c, fresh));
	switch (fresh ? 1 : d->predictor) {
	case 1:
		return rest_of_line(c, &d->in, cols, 1);
	case 2:
		return rest_of_line(c, &d->in, cols, 2);
	case 3:
		return rest_of_line(c, &d->in, cols, 3);
	case 4:
		return rest_of_line(c, &d->in, cols, 4);
	case 5:
		return rest_of_line(c, &d->in, cols, 5);
	case 6:
		return rest_of_line(c, &d->in, cols, 6);
	default:
		return rest_of_line(c, &d->in, cols, 7);
	}
}

/* Of interleaved components: a sample of each, in turn. */
static bool line_of_many(struct decoder *d, bool fresh)
{
	unsigned predictor = fresh ? 1 : d->predictor;

	for (uint32_t x = 0; x < d->frame->cols; x++) {
		for (unsigned i = 0; i < d->count; i++) {
			struct component *c = &d->component[i];
			uint32_t difference, guess;

			if (!next_difference(c->table, &d->in, &difference))
				return false;
			if (x == 0)
				guess = predict_first(d, c, fresh);
			else
				guess = predict(predictor, c->line[x - 1], c->above[x],
						c->above[x - 1]);
			c->line[x] = (uint16_t)(difference + guess);
		}
	}
	return true;
}

static void store_line(const struct decoder *d, const struct component *c, uint32_t row)
{
	size_t stride = (size_t)d->frame->samples * d->frame->sample_bytes;
	uint8_t *to = d->to + row * stride * d->frame->cols + c->index * d->frame->sample_bytes;

	for (uint32_t x = 0; x < d->frame->cols; x++) {
		uint32_t value = (uint32_t)c->line[x] << d->shift;

		if (d->frame->sample_bytes == 1)
			to[x * stride] = (uint8_t)value;
		else
			put_u16le(to + x * stride, (uint16_t)value);
	}
}

/* ---- A scan ---- */

static void bits_begin(struct decoder *d, size_t at)
{
	d->in = (struct bits){.at = d->stream.at + at, .end = d->stream.at + d->stream.len};
}

static size_t bits_at(const struct decoder *d)
{
	return (size_t)(d->in.at - d->stream.at);
}

static bool overrun(const struct bits *b)
{
	return b->made_up > b->have;
}

/* F.2.2.5: the marker after an interval, with what is left of its last byte before it. */
static enum err take_restart(struct decoder *d, unsigned number)
{
	size_t at = bits_at(d);

	while (at + 1 < d->stream.len && d->stream.at[at] == 0xFF && d->stream.at[at + 1] == 0xFF)
		at++;
	if (at + 1 >= d->stream.len || d->stream.at[at] != 0xFF ||
	    d->stream.at[at + 1] != JPEG_RST0 + number % 8)
		return broken(d, "a JPEG restart marker is missing", at);
	bits_begin(d, at + 2);
	return OK;
}

static enum err decode_scan(struct decoder *d, size_t *at)
{
	unsigned restarts = 0;

	bits_begin(d, *at);
	for (uint32_t row = 0; row < d->frame->rows; row++) {
		bool fresh = row == 0;

		if (d->restart != 0 && row > 0 && row % d->restart == 0) {
			enum err e = take_restart(d, restarts++);

			if (e != OK)
				return e;
			fresh = true;
		}
		if (!(d->count == 1 ? line_of_one(d, fresh) : line_of_many(d, fresh)))
			return broken(d, "no Huffman code of a JPEG table", bits_at(d));
		if (overrun(&d->in))
			return broken(d, "the data of a JPEG scan are cut short", bits_at(d));
		for (unsigned i = 0; i < d->count; i++) {
			struct component *c = &d->component[i];
			uint16_t *line = c->line;

			store_line(d, c, row);
			c->line = c->above;
			c->above = line;
		}
	}
	*at = bits_at(d);
	return OK;
}

/* ---- Marker segments ---- */

static enum err read_tables(struct decoder *d, const struct jpeg_segment *s)
{
	struct rd r = rd_of(s->body);

	while (rd_left(&r) > 0) {
		uint8_t place = rd_u8(&r);
		struct bytes counts = rd_take(&r, 16);
		size_t total = 0;

		for (size_t i = 0; i < counts.len; i++)
			total += counts.at[i];
		struct bytes values = rd_take(&r, total);
		if (r.failed || total == 0 || total > 256 || place >= TABLES)
			return broken(d, "a damaged JPEG Huffman table", s->at);
		if (!huffman_make(&d->tables[place], counts.at, values.at))
			return broken(d, "a JPEG Huffman table that is none of differences", s->at);
	}
	return OK;
}

/* Of one frame header: is it this frame? */
static enum err read_frame(struct decoder *d, const struct jpeg_segment *s)
{
	struct jpeg_frame h;
	enum err e = jpeg_frame_of(s, &h, d->f);

	if (e != OK)
		return e;
	if (d->framed)
		return broken(d, "a second JPEG frame header", s->at);
	if (h.marker != JPEG_SOF3)
		return fault_set(d->f, ERR_UNSUPPORTED, "a JPEG stream of another process", s->at);
	if (h.rows == 0)
		return fault_set(d->f, ERR_UNSUPPORTED, "a JPEG stream that says its height late",
				 s->at);
	if (h.rows != d->frame->rows || h.cols != d->frame->cols ||
	    h.components != d->frame->samples)
		return broken(d, "a JPEG stream is not of the image's size", s->at);
	if (h.precision < 2 || h.precision > 16 || h.precision > 8 * d->frame->sample_bytes)
		return broken(d, "a JPEG stream's samples do not fit in the image's", s->at);
	for (unsigned i = 0; i < h.components; i++) {
		const uint8_t *p = h.body.at + 6 + (size_t)i * 3;

		if (h.components > 1 && p[1] != 0x11)
			return fault_set(d->f, ERR_UNSUPPORTED,
					 "lossless JPEG components of different size", s->at);
		d->ids[i] = p[0];
	}
	d->precision = h.precision;
	d->framed = true;
	return OK;
}

static enum err read_restart(struct decoder *d, const struct jpeg_segment *s)
{
	if (s->body.len != 2)
		return broken(d, "a JPEG restart interval of the wrong length", s->at);
	d->restart_units = get_u16be(s->body.at);
	return OK;
}

/* H.1.2.1: an interval is whole lines. */
static enum err restart_lines(struct decoder *d, size_t at)
{
	if (d->restart_units % d->frame->cols != 0)
		return broken(d, "a lossless JPEG restart interval within a line", at);
	d->restart = d->restart_units / d->frame->cols;
	return OK;
}

/* One component of a scan header: `p` is its identifier and tables. */
static enum err scan_component(struct decoder *d, unsigned i, const uint8_t *p, size_t at)
{
	struct component *c = &d->component[i];
	unsigned k = 0;

	while (k < d->frame->samples && (d->ids[k] != p[0] || (d->seen >> k & 1) != 0))
		k++;
	if (k == d->frame->samples)
		return broken(d, "a JPEG scan of a component that is not there", at);
	if (p[1] >> 4 >= TABLES || !d->tables[p[1] >> 4].there)
		return broken(d, "a JPEG scan without its Huffman table", at);
	d->seen |= 1u << k;
	*c = (struct component){
		.id = p[0],
		.index = (uint8_t)k,
		.table = &d->tables[p[1] >> 4],
		.line = d->lines + (size_t)2 * i * d->frame->cols,
		.above = d->lines + ((size_t)2 * i + 1) * d->frame->cols,
	};
	return OK;
}

static enum err read_scan(struct decoder *d, const struct jpeg_segment *s)
{
	if (!d->framed)
		return broken(d, "a JPEG scan before the frame header", s->at);
	if (s->body.len < 1 || s->body.at[0] == 0 || s->body.at[0] > d->frame->samples ||
	    s->body.len != 4u + 2u * s->body.at[0])
		return broken(d, "a damaged JPEG scan header", s->at);
	d->count = s->body.at[0];
	for (unsigned i = 0; i < d->count; i++) {
		enum err e = scan_component(d, i, s->body.at + 1 + (size_t)2 * i, s->at);

		if (e != OK)
			return e;
	}
	const uint8_t *tail = s->body.at + 1 + (size_t)2 * d->count;
	d->predictor = tail[0];
	d->shift = tail[2] & 0x0F;
	if (d->predictor < 1 || d->predictor > 7)
		return broken(d, "a JPEG predictor that is none", s->at);
	if (d->shift >= d->precision)
		return broken(d, "a JPEG point transform that leaves nothing", s->at);
	return restart_lines(d, s->at);
}

static enum err decode_segments(struct decoder *d)
{
	struct jpeg_segment s = {0};
	size_t at = 0;

	while (d->seen != (1u << d->frame->samples) - 1) {
		enum err e = jpeg_next(d->stream, &at, &s, d->f);

		if (e != OK)
			return e;
		if (s.marker == JPEG_DHT) {
			e = read_tables(d, &s);
		} else if (jpeg_is_sof(s.marker)) {
			e = read_frame(d, &s);
		} else if (s.marker == JPEG_DRI) {
			e = read_restart(d, &s);
		} else if (s.marker == JPEG_SOS) {
			e = read_scan(d, &s);
			if (e == OK)
				e = decode_scan(d, &at);
		} else if (s.marker == JPEG_EOI) {
			e = broken(d, "a JPEG stream ends before its image does", s.at);
		}
		if (e != OK)
			return e;
	}
	return OK;
}

enum err jpegll_decode(struct bytes stream, const struct frame *frame, uint8_t *to, struct fault *f)
{
	struct decoder d = {.stream = stream, .frame = frame, .to = to, .f = f};
	enum err e = ERR_NOMEM;

	assert(frame->samples == 1 || frame->samples == COMPONENTS);
	assert(frame->sample_bytes == 1 || frame->sample_bytes == 2);
	if (stream.len < 2 || stream.at[0] != 0xFF || stream.at[1] != JPEG_SOI)
		return fault_set(f, ERR_WIRE, "not a JPEG stream", 0);
	d.lines = calloc((size_t)2 * frame->samples * frame->cols, sizeof(uint16_t));
	d.tables = calloc(TABLES, sizeof(struct huffman));
	if (d.lines != NULL && d.tables != NULL)
		e = decode_segments(&d);
	else
		fault_set(f, e, "no memory to decode JPEG", FAULT_NO_OFFSET);
	free(d.lines);
	free(d.tables);
	return e;
}
