/*
 * A sample is predicted from four neighbours, and the error of that coded with a Golomb code whose
 * parameter is learned for each of 365 contexts, which are made of three gradients; where all of
 * them are flat, lengths of runs are coded instead (T.87 annex A).
 *
 *     c b d        Ra, Rb, Rc, Rd of the standard are left, above, corner, next here
 *     a x
 *
 * A line lies between two more samples: line[-1] is the left neighbour of its first sample, which
 * is the first of the line above (A.2.1), and line[cols] the `next` of the last in the line below.
 *
 * Names in capitals are the standard's, in small letters: A[Q] is context.a, RUNindex run_index.
 */
#include "dicom/jpegls.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/jpeg_marker.h"

#define COMPONENTS 3u
#define CONTEXTS 365u
#define GOLOMB_MOST 20u    /* k of real streams stays under 17 */
#define SAMPLES (1u << 16) /* values that a sample may have */

enum interleave { BY_COMPONENT, BY_LINE, BY_SAMPLE };

struct bits {
	const uint8_t *at, *end;
	uint64_t hold; /* the next bits, from the top */
	unsigned have;
	unsigned made_up; /* of those in `hold`, the last are zeros behind the data */
};

struct context {
	uint32_t a;   /* sum of the errors' sizes */
	int32_t b;    /* sum of the errors, less what `c` corrects: -n < b <= 0 */
	int32_t c, n; /* correction of the prediction; how many errors */
};

/* Of the samples after a run. */
struct run_context {
	uint32_t a;
	uint32_t n, negative;
};

struct coding { /* C.2.4.1 and A.2.1, of a scan */
	int32_t maxval, t1, t2, t3, reset;
	int32_t near, step; /* step: 2 near + 1 */
	int32_t range;
	unsigned qbpp, limit;
};

struct component {
	uint8_t index;
	unsigned run_index;
	uint16_t *line, *above;
};

struct decoder {
	struct bytes stream;
	const struct frame *frame;
	uint8_t *to;
	struct fault *f;
	uint16_t *lines; /* owned */
	uint8_t ids[COMPONENTS];
	unsigned precision, seen;
	bool framed;
	uint32_t restart;   /* lines; 0: never */
	uint32_t preset[5]; /* MAXVAL, T1, T2, T3, RESET; 0: default */
	unsigned nearest;   /* of all scans */
	/* of the scan */
	struct component component[COMPONENTS];
	unsigned count;
	enum interleave interleave;
	struct coding k;
	struct context contexts[CONTEXTS];
	struct run_context runs[2];
	struct bits in;
	int8_t gradients[2 * SAMPLES]; /* the quantized one, of a difference + SAMPLES */
};

static const uint8_t run_bits[32] = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,  2,  3,  3,  3,  3,
				     4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static enum err broken(struct decoder *d, const char *text, size_t at)
{
	return fault_set(d->f, ERR_WIRE, text, at);
}

/* ---- Bits ---- */

/* A byte FF is followed by one of seven bits; FF and 80 or more is a marker (A.1). */
static void refill_slowly(struct bits *b)
{
	while (b->have <= 48) {
		uint64_t next = 0;
		unsigned count = 8;

		if (b->at < b->end && *b->at != 0xFF) {
			next = *b->at++;
		} else if (b->end - b->at >= 2 && b->at[1] < 0x80) {
			next = 0xFFu << 7 | b->at[1];
			count = 15;
			b->at += 2;
		} else {
			b->made_up += 8;
		}
		b->hold |= next << (64 - count - b->have);
		b->have += count;
	}
}

/* Then there are more than 32 bits. */
static inline void refill(struct bits *b)
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

static inline void drop(struct bits *b, unsigned count)
{
	b->hold <<= count;
	b->have -= count;
}

/* count <= 32 */
static inline uint32_t take_bits(struct bits *b, unsigned count)
{
	if (count == 0)
		return 0;
	refill(b);
	uint32_t value = (uint32_t)(b->hold >> (64 - count));
	drop(b, count);
	return value;
}

/* A.5.3, limited length Golomb code; `limit` <= 64.  False: no such code. */
static inline bool golomb(struct bits *b, unsigned k, unsigned limit, unsigned qbpp, uint32_t *out)
{
	unsigned zeros = 0, most = limit - qbpp - 1;

	if (k > GOLOMB_MOST)
		return false;
	refill(b);
	while (b->hold == 0) { /* all that there are; refilled ones are more than 32 */
		zeros += b->have;
		if (zeros > most)
			return false;
		b->have = 0;
		refill(b);
	}
	unsigned more = (unsigned)__builtin_clzll(b->hold);
	zeros += more;
	if (zeros > most)
		return false;
	drop(b, more);
	drop(b, 1);
	if (zeros < most)
		*out = zeros << k | take_bits(b, k);
	else
		*out = take_bits(b, qbpp) + 1;
	return true;
}

/* ---- Samples ---- */

static inline int32_t clamp(int32_t value, int32_t maxval)
{
	if (value < 0)
		return 0;
	return value > maxval ? maxval : value;
}

/* A.4.5, A.8: `error` in steps. */
static inline uint16_t reconstruct(const struct coding *k, int32_t guess, int32_t error)
{
	int32_t value = guess + error * k->step;

	if (value < -k->near)
		value += k->range * k->step;
	else if (value > k->maxval + k->near)
		value -= k->range * k->step;
	return (uint16_t)clamp(value, k->maxval);
}

/* A.4.1: the edge-detecting prediction. */
static inline int32_t predict(int32_t left, int32_t above, int32_t corner)
{
	int32_t low = left < above ? left : above, high = left < above ? above : left;

	if (corner >= high)
		return low;
	return corner <= low ? high : left + above - corner;
}

static inline unsigned golomb_parameter(uint32_t n, uint64_t a)
{
	unsigned k = 0;

	while ((uint64_t)n << k < a)
		k++;
	return k;
}

/* A.6 */
static inline void learn(struct context *c, const struct coding *k, int32_t error)
{
	c->b += error * k->step;
	c->a += (uint32_t)abs(error);
	if (c->n == k->reset) {
		c->a >>= 1;
		c->b >>= 1; /* the floor, as the standard has it */
		c->n >>= 1;
	}
	c->n++;
	if (c->b <= -c->n) {
		c->b += c->n;
		if (c->c > -128)
			c->c--;
		if (c->b <= -c->n)
			c->b = -c->n + 1;
	} else if (c->b > 0) {
		c->b -= c->n;
		if (c->c < 127)
			c->c++;
		if (c->b > 0)
			c->b = 0;
	}
}

/* A.5.2: what was mapped to numbers from zero. */
static inline int32_t unmap(uint32_t mapped, bool reversed)
{
	int32_t half = (int32_t)(mapped >> 1);

	if (reversed)
		return (mapped & 1) != 0 ? half : -half - 1;
	return (mapped & 1) != 0 ? -half - 1 : half;
}

/* A.3.4: the context of three gradients; *negative: with the sign turned. */
static inline int32_t context_of(const struct decoder *d, const uint16_t *line,
				 const uint16_t *above, size_t x)
{
	const int8_t *g = d->gradients + SAMPLES;
	int32_t b = above[x], c = above[x - 1];

	return 81 * g[above[x + 1] - b] + 9 * g[b - c] + g[c - line[x - 1]];
}

/* A.4 to A.6, of a sample in regular mode.  `q` is -364..364. */
static inline bool regular(struct decoder *d, struct bits *in, int32_t q, uint16_t *line,
			   const uint16_t *above, size_t x)
{
	bool negative = q < 0;
	struct context *c = &d->contexts[negative ? -q : q];
	int32_t guess = predict(line[x - 1], above[x], above[x - 1]);
	unsigned k = golomb_parameter((uint32_t)c->n, c->a);
	uint32_t mapped;

	guess = clamp(negative ? guess - c->c : guess + c->c, d->k.maxval);
	if (!golomb(in, k, d->k.limit, d->k.qbpp, &mapped))
		return false;
	int32_t error = unmap(mapped, d->k.near == 0 && k == 0 && 2 * c->b <= -c->n);
	if (abs(error) > d->k.range)
		return false;
	learn(c, &d->k, error);
	line[x] = reconstruct(&d->k, guess, negative ? -error : error);
	return true;
}

/* A.7.2: the error of a sample that ended a run; `same`: its neighbours are alike (RItype). */
static bool run_error(struct decoder *d, struct bits *in, unsigned same, unsigned run_index,
		      int32_t *out)
{
	struct run_context *c = &d->runs[same];
	unsigned k = golomb_parameter(c->n, (uint64_t)c->a + (same ? c->n >> 1 : 0));
	uint32_t mapped;

	if (!golomb(in, k, d->k.limit - run_bits[run_index] - 1, d->k.qbpp, &mapped))
		return false;
	uint32_t whole = mapped + same, odd = whole & 1;
	int32_t error = (int32_t)((whole + odd) >> 1);
	if (error > d->k.range)
		return false;
	if ((k != 0 || 2 * c->negative >= c->n) == (odd != 0))
		error = -error;
	if (error < 0)
		c->negative++;
	c->a += (mapped + 1 - same) >> 1;
	if (c->n == (uint32_t)d->k.reset) {
		c->a >>= 1;
		c->n >>= 1;
		c->negative >>= 1;
	}
	c->n++;
	*out = error;
	return true;
}

/* A.7.1: how many samples, of `left` in the line, repeat what is left of them. */
static bool run_length(struct bits *in, unsigned *run_index, size_t left, size_t *out)
{
	size_t count = 0;

	while (take_bits(in, 1) != 0) {
		size_t run = (size_t)1 << run_bits[*run_index];

		if (run > left - count) { /* up to the line's end */
			*out = left;
			return true;
		}
		count += run;
		if (*run_index < 31)
			++*run_index;
		if (count == left) {
			*out = left;
			return true;
		}
	}
	count += take_bits(in, run_bits[*run_index]);
	*out = count;
	return count < left;
}

static inline void shorter_runs(unsigned *run_index)
{
	if (*run_index > 0)
		--*run_index;
}

/* Run mode from *x on in one component's line, with the sample that ends the run. */
static bool run_of_one(struct decoder *d, struct bits *in, struct component *c, size_t *x)
{
	size_t cols = d->frame->cols, count;
	uint16_t left = c->line[*x - 1];
	int32_t error;

	if (!run_length(in, &c->run_index, cols - *x, &count))
		return false;
	for (size_t i = 0; i < count; i++)
		c->line[*x + i] = left;
	*x += count;
	if (*x == cols)
		return true;

	int32_t above = c->above[*x];
	bool same = abs(left - above) <= d->k.near;
	if (!run_error(d, in, same, c->run_index, &error))
		return false;
	if (!same && left > above)
		error = -error;
	c->line[*x] = reconstruct(&d->k, same ? left : above, error);
	++*x;
	shorter_runs(&c->run_index);
	return true;
}

static bool line_of_one(struct decoder *d, struct component *c)
{
	struct bits in = d->in;

	for (size_t x = 0; x < d->frame->cols;) {
		int32_t q = context_of(d, c->line, c->above, x);

		if (q == 0) {
			if (!run_of_one(d, &in, c, &x))
				return false;
		} else {
			if (!regular(d, &in, q, c->line, c->above, x))
				return false;
			x++;
		}
	}
	d->in = in;
	return true;
}

/* Annex B: a run is one of all components at once. */
static bool run_of_many(struct decoder *d, size_t *x)
{
	size_t cols = d->frame->cols, count;
	unsigned *run_index = &d->component[0].run_index;

	if (!run_length(&d->in, run_index, cols - *x, &count))
		return false;
	for (unsigned i = 0; i < d->count; i++) {
		struct component *c = &d->component[i];

		for (size_t n = 0; n < count; n++)
			c->line[*x + n] = c->line[*x - 1];
	}
	*x += count;
	if (*x == cols)
		return true;
	for (unsigned i = 0; i < d->count; i++) {
		struct component *c = &d->component[i];
		int32_t left = c->line[*x - 1], above = c->above[*x], error;

		if (!run_error(d, &d->in, 0, *run_index, &error))
			return false;
		c->line[*x] = reconstruct(&d->k, above, left > above ? -error : error);
	}
	++*x;
	shorter_runs(run_index);
	return true;
}

static bool line_of_many(struct decoder *d)
{
	for (size_t x = 0; x < d->frame->cols;) {
		int32_t q[COMPONENTS];
		bool flat = true;

		for (unsigned i = 0; i < d->count; i++) {
			q[i] = context_of(d, d->component[i].line, d->component[i].above, x);
			flat = flat && q[i] == 0;
		}
		if (flat) {
			if (!run_of_many(d, &x))
				return false;
			continue;
		}
		for (unsigned i = 0; i < d->count; i++) {
			struct component *c = &d->component[i];

			if (!regular(d, &d->in, q[i], c->line, c->above, x))
				return false;
		}
		x++;
	}
	return true;
}

/* ---- A scan ---- */

static void store_line(const struct decoder *d, const struct component *c, uint32_t row)
{
	size_t stride = (size_t)d->frame->samples * d->frame->sample_bytes;
	uint8_t *to = d->to + row * stride * d->frame->cols + c->index * d->frame->sample_bytes;

	for (uint32_t x = 0; x < d->frame->cols; x++) {
		if (d->frame->sample_bytes == 1)
			to[x * stride] = (uint8_t)c->line[x];
		else
			put_u16le(to + x * stride, c->line[x]);
	}
}

/* A.2.1, at the beginning of a scan and after a restart; the bits begin at `at`. */
static void begin_interval(struct decoder *d, size_t at)
{
	int32_t a = (d->k.range + 32) / 64;

	a = a < 2 ? 2 : a;
	for (unsigned i = 0; i < CONTEXTS; i++)
		d->contexts[i] = (struct context){.a = (uint32_t)a, .n = 1};
	for (unsigned i = 0; i < 2; i++)
		d->runs[i] = (struct run_context){.a = (uint32_t)a, .n = 1};
	for (unsigned i = 0; i < d->count; i++)
		d->component[i].run_index = 0;
	memset(d->lines, 0, sizeof(uint16_t) * 2 * d->frame->samples * (d->frame->cols + 2u));
	d->in = (struct bits){.at = d->stream.at + at, .end = d->stream.at + d->stream.len};
}

static size_t bits_at(const struct decoder *d)
{
	return (size_t)(d->in.at - d->stream.at);
}

static enum err take_restart(struct decoder *d, unsigned number)
{
	size_t at = bits_at(d);

	while (at + 1 < d->stream.len && d->stream.at[at] == 0xFF && d->stream.at[at + 1] == 0xFF)
		at++;
	if (at + 1 >= d->stream.len || d->stream.at[at] != 0xFF ||
	    d->stream.at[at + 1] != JPEG_RST0 + number % 8)
		return broken(d, "a JPEG-LS restart marker is missing", at);
	begin_interval(d, at + 2);
	return OK;
}

/* What lies beside a line before it is decoded. */
static void begin_line(const struct decoder *d, struct component *c)
{
	c->line[-1] = c->above[0];
	c->above[d->frame->cols] = c->above[d->frame->cols - 1];
}

static bool decode_row(struct decoder *d)
{
	for (unsigned i = 0; i < d->count; i++)
		begin_line(d, &d->component[i]);
	if (d->interleave == BY_SAMPLE)
		return line_of_many(d);
	for (unsigned i = 0; i < d->count; i++) {
		if (!line_of_one(d, &d->component[i]))
			return false;
	}
	return true;
}

static enum err decode_scan(struct decoder *d, size_t *at)
{
	unsigned restarts = 0;

	begin_interval(d, *at);
	for (uint32_t row = 0; row < d->frame->rows; row++) {
		if (d->restart != 0 && row > 0 && row % d->restart == 0) {
			enum err e = take_restart(d, restarts++);

			if (e != OK)
				return e;
		}
		if (!decode_row(d))
			return broken(d, "no code of JPEG-LS", bits_at(d));
		if (d->in.made_up > d->in.have)
			return broken(d, "the data of a JPEG-LS scan are cut short", bits_at(d));
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

/* ---- Parameters ---- */

/* Table C.3: a threshold that makes no sense is the one before it. */
static int32_t threshold(int32_t value, int32_t least, int32_t maxval)
{
	return value > maxval || value < least ? least : value;
}

static int32_t greater(int32_t a, int32_t b)
{
	return a > b ? a : b;
}

/* C.2.4.1.1 */
static void default_thresholds(struct coding *k)
{
	int32_t t1, t2, t3;

	if (k->maxval >= 128) {
		int32_t factor = ((k->maxval < 4095 ? k->maxval : 4095) + 128) / 256;

		t1 = factor * (3 - 2) + 2 + 3 * k->near;
		t2 = factor * (7 - 3) + 3 + 5 * k->near;
		t3 = factor * (21 - 4) + 4 + 7 * k->near;
	} else {
		int32_t factor = 256 / (k->maxval + 1);

		t1 = greater(2, 3 / factor + 3 * k->near);
		t2 = greater(3, 7 / factor + 5 * k->near);
		t3 = greater(4, 21 / factor + 7 * k->near);
	}
	k->t1 = threshold(t1, k->near + 1, k->maxval);
	k->t2 = threshold(t2, k->t1, k->maxval);
	k->t3 = threshold(t3, k->t2, k->maxval);
}

static unsigned bits_for(int32_t values)
{
	unsigned bits = 0;

	while ((int64_t)1 << bits < values)
		bits++;
	return bits;
}

static bool coding_make(struct decoder *d, int32_t near)
{
	struct coding k = {.near = near, .step = 2 * near + 1, .reset = 64};
	const uint32_t *p = d->preset;

	k.maxval = p[0] != 0 ? (int32_t)p[0] : (int32_t)((1u << d->precision) - 1);
	if (k.maxval >= 1 << d->precision || near > k.maxval / 2 || near > 255)
		return false;
	default_thresholds(&k);
	if (p[1] != 0)
		k.t1 = (int32_t)p[1];
	if (p[2] != 0)
		k.t2 = (int32_t)p[2];
	if (p[3] != 0)
		k.t3 = (int32_t)p[3];
	if (p[4] != 0)
		k.reset = (int32_t)p[4];
	if (k.t1 < near + 1 || k.t2 < k.t1 || k.t3 < k.t2 || k.t3 > k.maxval || k.reset < 3)
		return false;
	k.range = (k.maxval + 2 * near) / k.step + 1;
	k.qbpp = bits_for(k.range);
	unsigned bpp = bits_for(k.maxval + 1);
	bpp = bpp < 2 ? 2 : bpp;
	k.limit = 2 * (bpp + (bpp < 8 ? 8 : bpp));
	d->k = k;
	return true;
}

/* A.3.3 */
static int8_t quantize(const struct coding *k, int32_t difference)
{
	int32_t size = abs(difference);
	int8_t q = 4;

	if (size <= k->near)
		q = 0;
	else if (size < k->t1)
		q = 1;
	else if (size < k->t2)
		q = 2;
	else if (size < k->t3)
		q = 3;
	return (int8_t)(difference < 0 ? -q : q);
}

static enum err read_preset(struct decoder *d, const struct jpeg_segment *s)
{
	struct rd r = rd_of(s->body);
	uint8_t kind = rd_u8(&r);

	if (kind == 2 || kind == 3) /* tables: refused where a scan wants them */
		return OK;
	if (kind != 1)
		return fault_set(d->f, ERR_UNSUPPORTED, "JPEG-LS parameters of another kind",
				 s->at);
	for (unsigned i = 0; i < 5; i++)
		d->preset[i] = rd_u16(&r, true);
	if (r.failed || rd_left(&r) != 0)
		return broken(d, "JPEG-LS parameters of the wrong length", s->at);
	return OK;
}

/* An extension of others that the streams of some encoders have. */
static enum err read_application(struct decoder *d, const struct jpeg_segment *s)
{
	if (s->body.len >= 5 && memcmp(s->body.at, "mrfx", 4) == 0 && s->body.at[4] != 0)
		return fault_set(d->f, ERR_UNSUPPORTED, "JPEG-LS with a colour transform", s->at);
	return OK;
}

/* C.2.5: two, three or four bytes. */
static enum err read_restart(struct decoder *d, const struct jpeg_segment *s)
{
	if (s->body.len < 2 || s->body.len > 4)
		return broken(d, "a JPEG restart interval of the wrong length", s->at);
	d->restart = 0;
	for (size_t i = 0; i < s->body.len; i++)
		d->restart = d->restart << 8 | s->body.at[i];
	return OK;
}

static enum err read_frame(struct decoder *d, const struct jpeg_segment *s)
{
	struct jpeg_frame h;
	enum err e = jpeg_frame_of(s, &h, d->f);

	if (e != OK)
		return e;
	if (d->framed)
		return broken(d, "a second JPEG frame header", s->at);
	if (h.marker != JPEG_SOF55)
		return fault_set(d->f, ERR_UNSUPPORTED, "a JPEG stream, not one of JPEG-LS", s->at);
	if (h.rows != d->frame->rows || h.cols != d->frame->cols ||
	    h.components != d->frame->samples)
		return broken(d, "a JPEG-LS stream is not of the image's size", s->at);
	if (h.precision < 2 || h.precision > 16 || h.precision > 8 * d->frame->sample_bytes)
		return broken(d, "a JPEG-LS stream's samples do not fit in the image's", s->at);
	for (unsigned i = 0; i < h.components; i++) {
		const uint8_t *p = h.body.at + 6 + (size_t)i * 3;

		if (h.components > 1 && p[1] != 0x11)
			return fault_set(d->f, ERR_UNSUPPORTED,
					 "JPEG-LS components of different size", s->at);
		d->ids[i] = p[0];
	}
	d->precision = h.precision;
	d->framed = true;
	return OK;
}

/* `p`: identifier and mapping table of one component of a scan. */
static enum err scan_component(struct decoder *d, unsigned i, const uint8_t *p, size_t at)
{
	size_t width = d->frame->cols + 2u;
	unsigned k = 0;

	while (k < d->frame->samples && (d->ids[k] != p[0] || (d->seen >> k & 1) != 0))
		k++;
	if (k == d->frame->samples)
		return broken(d, "a JPEG-LS scan of a component that is not there", at);
	if (p[1] != 0)
		return fault_set(d->f, ERR_UNSUPPORTED, "JPEG-LS with a mapping table", at);
	d->seen |= 1u << k;
	d->component[i] = (struct component){
		.index = (uint8_t)k,
		.line = d->lines + 2 * i * width + 1,
		.above = d->lines + (2 * i + 1u) * width + 1,
	};
	return OK;
}

static enum err read_scan(struct decoder *d, const struct jpeg_segment *s)
{
	if (!d->framed)
		return broken(d, "a JPEG-LS scan before the frame header", s->at);
	if (s->body.len < 1 || s->body.at[0] == 0 || s->body.at[0] > d->frame->samples ||
	    s->body.len != 4u + 2u * s->body.at[0])
		return broken(d, "a damaged JPEG-LS scan header", s->at);
	d->count = s->body.at[0];
	for (unsigned i = 0; i < d->count; i++) {
		enum err e = scan_component(d, i, s->body.at + 1 + (size_t)2 * i, s->at);

		if (e != OK)
			return e;
	}
	const uint8_t *tail = s->body.at + 1 + (size_t)2 * d->count;
	if (tail[1] > BY_SAMPLE || (tail[1] == BY_COMPONENT && d->count > 1))
		return broken(d, "a JPEG-LS interleave mode that is none", s->at);
	if ((tail[2] & 0x0F) != 0)
		return fault_set(d->f, ERR_UNSUPPORTED, "JPEG-LS with a point transform", s->at);
	d->interleave = d->count == 1 ? BY_COMPONENT : (enum interleave)tail[1];
	if (!coding_make(d, tail[0]))
		return broken(d, "JPEG-LS parameters that make no sense", s->at);
	for (int32_t i = -d->k.maxval; i <= d->k.maxval; i++)
		d->gradients[i + (int32_t)SAMPLES] = quantize(&d->k, i);
	if (d->nearest < tail[0])
		d->nearest = tail[0];
	return OK;
}

static enum err decode_segments(struct decoder *d)
{
	struct jpeg_segment s;
	size_t at = 0;

	while (d->seen != (1u << d->frame->samples) - 1) {
		enum err e = jpeg_next(d->stream, &at, &s, d->f);

		if (e != OK)
			return e;
		if (s.marker == JPEG_LSE) {
			e = read_preset(d, &s);
		} else if (s.marker == 0xE8) {
			e = read_application(d, &s);
		} else if (jpeg_is_sof(s.marker)) {
			e = read_frame(d, &s);
		} else if (s.marker == JPEG_DRI) {
			e = read_restart(d, &s);
		} else if (s.marker == JPEG_SOS) {
			e = read_scan(d, &s);
			if (e == OK)
				e = decode_scan(d, &at);
		} else if (s.marker == JPEG_EOI) {
			e = broken(d, "a JPEG-LS stream ends before its image does", s.at);
		}
		if (e != OK)
			return e;
	}
	return OK;
}

enum err jpegls_decode(struct bytes stream, const struct frame *frame, uint8_t *to, unsigned *near,
		       struct fault *f)
{
	assert(frame->samples == 1 || frame->samples == COMPONENTS);
	assert(frame->sample_bytes == 1 || frame->sample_bytes == 2);
	if (stream.len < 2 || stream.at[0] != 0xFF || stream.at[1] != JPEG_SOI)
		return fault_set(f, ERR_WIRE, "not a JPEG stream", 0);

	struct decoder *d = calloc(1, sizeof(*d)); /* 140 KB */
	uint16_t *lines = calloc(2 * frame->samples * (frame->cols + 2u), sizeof(uint16_t));
	enum err e = ERR_NOMEM;
	if (d != NULL && lines != NULL) {
		d->stream = stream;
		d->frame = frame;
		d->to = to;
		d->f = f;
		d->lines = lines;
		e = decode_segments(d);
		if (e == OK)
			*near = d->nearest;
	} else {
		fault_set(f, e, "no memory to decode JPEG-LS", FAULT_NO_OFFSET);
	}
	free(lines);
	free(d);
	return e;
}
