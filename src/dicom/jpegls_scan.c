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
#include "dicom/jpegls_scan.h"

#include <stdlib.h>

#define GOLOMB_MOST 20u /* k of real streams stays under 17 */

static const uint8_t run_bits[32] = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,  2,  3,  3,  3,  3,
				     4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/* ---- Codes ---- */

/* count <= 32 */
static inline uint32_t take_bits(struct jpeg_bits *b, unsigned count)
{
	if (count == 0)
		return 0;
	jpeg_bits_refill(b, JPEG_STUFFS_BITS);
	uint32_t value = (uint32_t)(b->hold >> (64 - count));
	jpeg_bits_drop(b, count);
	return value;
}

/* A.5.3, limited length Golomb code; `limit` <= 64.  False: no such code. */
static bool long_golomb(struct jpeg_bits *b, unsigned k, unsigned limit, unsigned qbpp,
			uint32_t *out)
{
	unsigned zeros = 0, most = limit - qbpp - 1;

	if (k > GOLOMB_MOST)
		return false;
	jpeg_bits_refill(b, JPEG_STUFFS_BITS);
	while (b->hold == 0) { /* all that there are */
		zeros += b->have;
		if (zeros > most)
			return false;
		b->have = 0;
		jpeg_bits_refill(b, JPEG_STUFFS_BITS);
	}
	unsigned more = (unsigned)__builtin_clzll(b->hold);
	zeros += more;
	if (zeros > most)
		return false;
	jpeg_bits_drop(b, more);
	jpeg_bits_drop(b, 1);
	if (zeros < most)
		*out = zeros << k | take_bits(b, k);
	else
		*out = take_bits(b, qbpp) + 1;
	return true;
}

/* The same; nearly always a code lies in the 32 bits that are there after refilling. */
static inline bool golomb(struct jpeg_bits *b, unsigned k, unsigned limit, unsigned qbpp,
			  uint32_t *out)
{
	jpeg_bits_refill(b, JPEG_STUFFS_BITS);
	unsigned zeros = (unsigned)__builtin_clzll(b->hold | 1);

	if (zeros + 1 + k <= 32 && zeros + qbpp + 1 < limit) {
		uint64_t rest = b->hold << (zeros + 1);

		*out = zeros << k | (uint32_t)(rest >> 1 >> (63 - k));
		jpeg_bits_drop(b, zeros + 1 + k);
		return true;
	}
	struct jpeg_bits from = *b; /* whose address is taken: *b may stay in registers */
	uint32_t value;
	if (!long_golomb(&from, k, limit, qbpp, &value))
		return false;
	*b = from;
	*out = value;
	return true;
}

/* ---- Samples ---- */

static inline int32_t clamp(int32_t value, int32_t least, int32_t most)
{
	value = value < least ? least : value;
	return value > most ? most : value;
}

/* A.4.5, A.8: `error` in steps. */
static inline uint16_t reconstruct(const struct ls_coding *k, int32_t guess, int32_t error)
{
	int32_t value = guess + error * k->step;

	if (value < -k->near)
		value += k->range * k->step;
	else if (value > k->maxval + k->near)
		value -= k->range * k->step;
	return (uint16_t)clamp(value, 0, k->maxval);
}

/* A.4.1: the median of two neighbours and of the plane through all three. */
static inline int32_t predict(int32_t left, int32_t above, int32_t corner)
{
	int32_t low = left < above ? left : above, high = left < above ? above : left;

	return clamp(left + above - corner, low, high);
}

/* A.5.1: the smallest k for which n << k is not below a.  0 < n < 2^16, a < 2^33. */
static inline unsigned golomb_parameter(uint64_t n, uint64_t a)
{
	/* after so many places the highest bits are at the same one */
	int k = __builtin_clzll(n) - __builtin_clzll(a | 1);

	k = k < 0 ? 0 : k;
	return (unsigned)k + (n << k < a);
}

/* A.6, where A.6.2 is written without branches that nobody can foresee: outside -n < b <= 0 the
 * correction takes a step, b is set back by n, and brought inside if that was not enough. */
static inline void learn(struct ls_context *context, const struct ls_coding *k, int32_t error)
{
	struct ls_context c = *context;

	c.b += error * k->step;
	c.a += (uint32_t)abs(error);
	if (c.n == k->reset) {
		c.a >>= 1;
		c.b >>= 1; /* the floor, as the standard has it */
		c.n >>= 1;
	}
	c.n++;
	int32_t step = (c.b > 0) - (c.b <= -c.n);

	c.c = clamp(c.c + step, -128, 127);
	c.b = clamp(c.b - step * c.n, 1 - c.n, 0);
	*context = c;
}

/* A.5.2: what was mapped to numbers from zero; `reversed` is 0 or 1. */
static inline int32_t unmap(uint32_t mapped, uint32_t reversed)
{
	/* ~half is -half - 1 */
	return (int32_t)(mapped >> 1 ^ (0u - ((mapped & 1) ^ reversed)));
}

/* -1 turns the sign, 0 does not. */
static inline int32_t turned(int32_t value, int32_t turn)
{
	return (value ^ turn) - turn;
}

/* A.3.4: the context of three gradients, -364..364; below zero: that of the turned ones. */
static inline int32_t context_of(const struct ls_scan *s, const uint16_t *line,
				 const uint16_t *above, int32_t x)
{
	const int8_t *g = s->gradients + LS_SAMPLES;
	int32_t b = above[x], c = above[x - 1];

	return 81 * g[above[x + 1] - b] + 9 * g[b - c] + g[c - line[x - 1]];
}

/* A.4 to A.6, of a sample in regular mode. */
static inline __attribute__((always_inline)) bool regular(struct ls_scan *s, struct jpeg_bits *in,
							  int32_t q, uint16_t *line,
							  const uint16_t *above, int32_t x)
{
	int32_t turn = q < 0 ? -1 : 0;
	struct ls_context *c = &s->contexts[turned(q, turn)];
	int32_t guess = predict(line[x - 1], above[x], above[x - 1]);
	unsigned k = golomb_parameter((uint32_t)c->n, c->a);
	uint32_t mapped;

	guess = clamp(guess + turned(c->c, turn), 0, s->k.maxval);
	if (!golomb(in, k, s->k.limit, s->k.qbpp, &mapped))
		return false;
	int32_t error = unmap(mapped, s->k.near == 0 && k == 0 && 2 * c->b <= -c->n);
	if (abs(error) > s->k.range)
		return false;
	learn(c, &s->k, error);
	line[x] = reconstruct(&s->k, guess, turned(error, turn));
	return true;
}

/* A.7.2: the error of a sample that ended a run; `same`: its neighbours are alike (RItype). */
static bool run_error(struct ls_scan *s, struct jpeg_bits *in, unsigned same, unsigned run_index,
		      int32_t *out)
{
	struct ls_run_context *c = &s->runs[same];
	unsigned k = golomb_parameter(c->n, (uint64_t)c->a + (same ? c->n >> 1 : 0));
	uint32_t mapped;

	if (!golomb(in, k, s->k.limit - run_bits[run_index] - 1, s->k.qbpp, &mapped))
		return false;
	uint32_t whole = mapped + same, odd = whole & 1;
	int32_t error = (int32_t)((whole + odd) >> 1);
	if (error > s->k.range)
		return false;
	if ((k != 0 || 2 * c->negative >= c->n) == (odd != 0))
		error = -error;
	if (error < 0)
		c->negative++;
	c->a += (mapped + 1 - same) >> 1;
	if (c->n == (uint32_t)s->k.reset) {
		c->a >>= 1;
		c->n >>= 1;
		c->negative >>= 1;
	}
	c->n++;
	*out = error;
	return true;
}

/* A.7.1: how many samples, of `left` in the line, repeat what is left of them. */
static bool run_length(struct jpeg_bits *in, unsigned *run_index, int32_t left, int32_t *out)
{
	int32_t count = 0;

	while (take_bits(in, 1) != 0) {
		int32_t run = (int32_t)1 << run_bits[*run_index];

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
	count += (int32_t)take_bits(in, run_bits[*run_index]);
	*out = count;
	return count < left;
}

static inline void shorter_runs(unsigned *run_index)
{
	if (*run_index > 0)
		--*run_index;
}

/* Run mode from *x on in one component's line, with the sample that ends the run. */
static bool run_of_one(struct ls_scan *s, struct jpeg_bits *in, struct jpeg_component *c,
		       unsigned *run_index, int32_t *x)
{
	int32_t cols = (int32_t)s->cols, count;
	uint16_t left = c->line[*x - 1];
	int32_t error;

	if (!run_length(in, run_index, cols - *x, &count))
		return false;
	for (int32_t i = 0; i < count; i++)
		c->line[*x + i] = left;
	*x += count;
	if (*x == cols)
		return true;

	int32_t above = c->above[*x];
	bool same = abs(left - above) <= s->k.near;
	if (!run_error(s, in, same, *run_index, &error))
		return false;
	if (!same && left > above)
		error = -error;
	c->line[*x] = reconstruct(&s->k, same ? left : above, error);
	++*x;
	shorter_runs(run_index);
	return true;
}

static bool line_of_one(struct ls_scan *s, struct jpeg_component *c, unsigned *run_index,
			struct jpeg_bits *from)
{
	struct jpeg_bits in = *from;

	for (int32_t x = 0; x < (int32_t)s->cols;) {
		int32_t q = context_of(s, c->line, c->above, x);

		if (q == 0) {
			*from = in;
			if (!run_of_one(s, from, c, run_index, &x))
				return false;
			in = *from;
		} else {
			if (!regular(s, &in, q, c->line, c->above, x))
				return false;
			x++;
		}
	}
	*from = in;
	return true;
}

/* Annex B: a run is one of all components at once. */
static bool run_of_many(struct ls_scan *s, struct jpeg_component *components, unsigned count,
			struct jpeg_bits *in, int32_t *x)
{
	int32_t cols = (int32_t)s->cols, length;
	unsigned *run_index = &s->run_index[0];

	if (!run_length(in, run_index, cols - *x, &length))
		return false;
	for (unsigned i = 0; i < count; i++) {
		struct jpeg_component *c = &components[i];

		for (int32_t n = 0; n < length; n++)
			c->line[*x + n] = c->line[*x - 1];
	}
	*x += length;
	if (*x == cols)
		return true;
	for (unsigned i = 0; i < count; i++) {
		struct jpeg_component *c = &components[i];
		int32_t left = c->line[*x - 1], above = c->above[*x], error;

		if (!run_error(s, in, 0, *run_index, &error))
			return false;
		c->line[*x] = reconstruct(&s->k, above, left > above ? -error : error);
	}
	++*x;
	shorter_runs(run_index);
	return true;
}

static bool line_of_many(struct ls_scan *s, struct jpeg_component *components, unsigned count,
			 struct jpeg_bits *in)
{
	for (int32_t x = 0; x < (int32_t)s->cols;) {
		int32_t q[JPEG_COMPONENTS] = {0};
		bool flat = true;

		for (unsigned i = 0; i < count; i++) {
			q[i] = context_of(s, components[i].line, components[i].above, x);
			flat = flat && q[i] == 0;
		}
		if (flat) {
			if (!run_of_many(s, components, count, in, &x))
				return false;
			continue;
		}
		for (unsigned i = 0; i < count; i++) {
			struct jpeg_component *c = &components[i];

			if (!regular(s, in, q[i], c->line, c->above, x))
				return false;
		}
		x++;
	}
	return true;
}

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
static void default_thresholds(struct ls_coding *k)
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

/* A.3.3 */
static int8_t quantize(const struct ls_coding *k, int32_t difference)
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

bool ls_scan_coding(struct ls_scan *s, unsigned precision, const uint32_t preset[5], int32_t near)
{
	struct ls_coding k = {.near = near, .step = 2 * near + 1, .reset = 64};
	const uint32_t *p = preset;

	k.maxval = p[0] != 0 ? (int32_t)p[0] : (int32_t)((1u << precision) - 1);
	if (k.maxval >= 1 << precision || near > k.maxval / 2 || near > 255)
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
	s->k = k;
	for (int32_t i = -k.maxval; i <= k.maxval; i++)
		s->gradients[i + (int32_t)LS_SAMPLES] = quantize(&k, i);
	return true;
}

/* What lies beside a line before it is decoded. */
static void begin_line(const struct ls_scan *s, struct jpeg_component *c)
{
	c->line[-1] = c->above[0];
	c->above[s->cols] = c->above[s->cols - 1];
}

bool ls_scan_row(struct ls_scan *s, struct jpeg_component *components, unsigned count,
		 struct jpeg_bits *in)
{
	for (unsigned i = 0; i < count; i++)
		begin_line(s, &components[i]);
	if (s->by_sample)
		return line_of_many(s, components, count, in);
	for (unsigned i = 0; i < count; i++) {
		if (!line_of_one(s, &components[i], &s->run_index[i], in))
			return false;
	}
	return true;
}

void ls_scan_begin(struct ls_scan *s)
{
	int32_t a = (s->k.range + 32) / 64;

	a = a < 2 ? 2 : a;
	for (unsigned i = 0; i < LS_CONTEXTS; i++)
		s->contexts[i] = (struct ls_context){.a = (uint32_t)a, .n = 1};
	for (unsigned i = 0; i < 2; i++)
		s->runs[i] = (struct ls_run_context){.a = (uint32_t)a, .n = 1};
	for (unsigned i = 0; i < JPEG_COMPONENTS; i++)
		s->run_index[i] = 0;
}
