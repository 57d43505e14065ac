#include "support/jpeg_make.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct put {
	struct buf *out;
	uint32_t byte;
	unsigned count, room; /* bits in `byte`; how many it may have */
	bool ls;              /* after FF a byte of seven bits; else a byte 0 */
};

static void put_byte(struct put *p)
{
	buf_char(p->out, (char)p->byte);
	p->room = 8;
	if (p->byte == 0xFF && p->ls)
		p->room = 7;
	else if (p->byte == 0xFF)
		buf_char(p->out, 0);
	p->byte = p->count = 0;
}

static void put(struct put *p, uint64_t value, unsigned count)
{
	for (unsigned i = count; i-- > 0;) {
		p->byte = p->byte << 1 | (uint32_t)(value >> i & 1);
		if (++p->count == p->room)
			put_byte(p);
	}
}

static void put_end(struct put *p)
{
	while (p->count > 0 || (p->ls && p->room == 7))
		put(p, p->ls ? 0 : 1, 1);
}

static void put16(struct buf *out, unsigned value)
{
	buf_char(out, (char)(value >> 8));
	buf_char(out, (char)value);
}

static void put_head(struct buf *out, const struct jpeg_make *m, unsigned sof, unsigned restart)
{
	put16(out, 0xFFD8);
	put16(out, 0xFF00 | sof);
	put16(out, 8 + 3 * m->samples);
	buf_char(out, (char)m->precision);
	put16(out, m->rows);
	put16(out, m->cols);
	buf_char(out, (char)m->samples);
	for (unsigned i = 0; i < m->samples; i++) {
		buf_char(out, (char)(i + 10));
		put16(out, 0x1100);
	}
	if (restart > 0) {
		put16(out, 0xFFDD);
		put16(out, 4);
		put16(out, restart);
	}
}

static void put_scan(struct buf *out, unsigned from, unsigned count, unsigned a, unsigned b,
		     unsigned c)
{
	put16(out, 0xFFDA);
	put16(out, 6 + 2 * count);
	buf_char(out, (char)count);
	for (unsigned i = 0; i < count; i++)
		put16(out, (from + i + 10) << 8);
	buf_char(out, (char)a);
	buf_char(out, (char)b);
	buf_char(out, (char)c);
}

/* ---- JPEG Lossless ---- */

static int sample_of(const struct jpeg_make *m, const uint16_t *pixels, long row, long col,
		     unsigned k)
{
	return pixels[((size_t)row * m->cols + (size_t)col) * m->samples + k] >> m->shift;
}

static int lossless_guess(const struct jpeg_make *m, const uint16_t *pixels, long row, long col,
			  unsigned k)
{
	bool fresh = row == 0 || (m->restart > 0 && row % m->restart == 0);

	if (col == 0)
		return fresh ? 1 << (m->precision - m->shift - 1)
			     : sample_of(m, pixels, row - 1, 0, k);
	int a = sample_of(m, pixels, row, col - 1, k);
	if (fresh)
		return a;
	int b = sample_of(m, pixels, row - 1, col, k);
	int c = sample_of(m, pixels, row - 1, col - 1, k);
	int guesses[] = {0,          a, b, c, a + b - c, a + ((b - c) >> 1), b + ((a - c) >> 1),
			 (a + b) / 2};
	return guesses[m->predictor];
}

static void put_difference(struct put *p, int difference, bool long_codes)
{
	int d = (int16_t)difference;
	unsigned size = 0;

	while (size < 16 && abs(d) >= 1 << size)
		size++;
	if (!long_codes)
		put(p, size, 5);
	else /* 0, 10, 110 ... and two of 16 bits */
		put(p, size < 15 ? (1u << (size + 1)) - 2 : 0xFFFEu + size - 15,
		    size < 15 ? size + 1 : 16);
	if (size > 0 && size < 16)
		put(p, (uint64_t)(d > 0 ? d : d + (1 << size) - 1), size);
}

static void put_table(struct buf *out, bool long_codes)
{
	put16(out, 0xFFC4);
	put16(out, 2 + 17 + 17);
	buf_char(out, 0);
	for (unsigned length = 1; length <= 16; length++)
		buf_char(out, (char)(long_codes ? 1 + length / 16 : length == 5 ? 17 : 0));
	for (unsigned i = 0; i < 17; i++)
		buf_char(out, (char)i);
}

void jpegll_make(struct buf *out, const struct jpeg_make *m, const uint16_t *pixels)
{
	unsigned scans = m->apart ? m->samples : 1, each = m->samples / scans;

	put_head(out, m, 0xC3, m->restart * m->cols);
	put_table(out, m->long_codes);
	for (unsigned scan = 0; scan < scans; scan++) {
		struct put p = {.out = out, .room = 8};

		put_scan(out, scan * each, each, m->predictor, 0, m->shift);
		for (uint32_t row = 0; row < m->rows; row++) {
			if (m->restart > 0 && row > 0 && row % m->restart == 0) {
				put_end(&p);
				put16(out, 0xFFD0 + (row / m->restart - 1) % 8);
			}
			for (uint32_t col = 0; col < m->cols; col++) {
				for (unsigned k = scan * each; k < (scan + 1) * each; k++)
					put_difference(
						&p,
						sample_of(m, pixels, row, col, k) -
							lossless_guess(m, pixels, row, col, k),
						m->long_codes);
			}
		}
		put_end(&p);
	}
	put16(out, 0xFFD9);
}

/* ---- JPEG-LS ---- */

struct ls {
	const struct jpeg_make *m;
	struct put p;
	int *seen; /* what a decoder has so far, as `pixels` lies; -1: not yet */
	int maxval, t[3], reset, range, qbpp, limit;
	long A[367], B[365], C[365], N[367], Nn[2];
	int run_index[3];
	uint32_t first; /* line after the beginning or a restart */
};

static const int J[32] = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,  2,  3,  3,  3,  3,
			  4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static int log2_up(long n)
{
	int bits = 0;

	while (1l << bits < n)
		bits++;
	return bits;
}

static int limited(int value, int least, int most)
{
	return value > most || value < least ? least : value;
}

static void ls_parameters(struct ls *s)
{
	const struct jpeg_make *m = s->m;
	int near = (int)m->near, top = m->preset[0] ? m->preset[0] : (1 << m->precision) - 1;
	int t[3];

	s->maxval = top;
	if (top >= 128) {
		int factor = ((top < 4095 ? top : 4095) + 128) / 256;

		t[0] = factor + 2 + 3 * near;
		t[1] = factor * 4 + 3 + 5 * near;
		t[2] = factor * 17 + 4 + 7 * near;
	} else {
		int factor = 256 / (top + 1), v[3] = {3, 7, 21};

		for (int i = 0; i < 3; i++) {
			t[i] = v[i] / factor + (3 + 2 * i) * near;
			t[i] = t[i] < 2 + i ? 2 + i : t[i];
		}
	}
	s->t[0] = limited(t[0], near + 1, top);
	s->t[1] = limited(t[1], s->t[0], top);
	s->t[2] = limited(t[2], s->t[1], top);
	for (int i = 0; i < 3; i++)
		s->t[i] = m->preset[i + 1] ? m->preset[i + 1] : s->t[i];
	s->reset = m->preset[4] ? m->preset[4] : 64;
	s->range = (top + 2 * near) / (2 * near + 1) + 1;
	s->qbpp = log2_up(s->range);
	int bpp = log2_up(top + 1l) < 2 ? 2 : log2_up(top + 1l);
	s->limit = 2 * (bpp + (bpp < 8 ? 8 : bpp));
}

static void ls_begin(struct ls *s, uint32_t row)
{
	for (int i = 0; i < 367; i++) {
		s->A[i] = (s->range + 32) / 64 < 2 ? 2 : (s->range + 32) / 64;
		s->N[i] = 1;
	}
	memset(s->B, 0, sizeof(s->B));
	memset(s->C, 0, sizeof(s->C));
	memset(s->Nn, 0, sizeof(s->Nn));
	memset(s->run_index, 0, sizeof(s->run_index));
	s->first = row;
}

static int at(const struct ls *s, long row, long col, unsigned k)
{
	if (row < (long)s->first)
		return 0;
	return s->seen[((size_t)row * s->m->cols + (size_t)col) * s->m->samples + k];
}

/* Ra, Rb, Rc, Rd. */
static void around(const struct ls *s, long row, long col, unsigned k, int r[4])
{
	long last = (long)s->m->cols - 1;

	r[1] = at(s, row - 1, col, k);
	r[0] = col > 0 ? at(s, row, col - 1, k) : r[1];
	r[3] = at(s, row - 1, col < last ? col + 1 : last, k);
	r[2] = col > 0 ? at(s, row - 1, col - 1, k) : at(s, row - 2, 0, k);
}

static int quantized(const struct ls *s, int d)
{
	int size = abs(d), q;

	if (size <= (int)s->m->near)
		return 0;
	q = size < s->t[0] ? 1 : size < s->t[1] ? 2 : size < s->t[2] ? 3 : 4;
	return d < 0 ? -q : q;
}

static int context(const struct ls *s, const int r[4])
{
	return 81 * quantized(s, r[3] - r[1]) + 9 * quantized(s, r[1] - r[2]) +
	       quantized(s, r[2] - r[0]);
}

static void put_golomb(struct ls *s, long value, int k, int limit)
{
	if (value >> k < limit - s->qbpp - 1) {
		put(&s->p, 0, (unsigned)(value >> k));
		put(&s->p, 1, 1);
		put(&s->p, (uint64_t)value, (unsigned)k);
	} else {
		put(&s->p, 0, (unsigned)(limit - s->qbpp - 1));
		put(&s->p, 1, 1);
		put(&s->p, (uint64_t)value - 1, (unsigned)s->qbpp);
	}
}

/* The error of x against a guess, quantized and reduced, its sign turned by `sign`; *value becomes
 * what a decoder makes of it. */
static int error_of(const struct ls *s, int *value, int guess, int sign)
{
	int near = (int)s->m->near, step = 2 * near + 1, e = (*value - guess) * sign;

	e = e > 0 ? (e + near) / step : -(near - e) / step;
	int back = guess + sign * e * step;
	*value = back < 0 ? 0 : back > s->maxval ? s->maxval : back;
	if (e < 0)
		e += s->range;
	if (e >= (s->range + 1) / 2)
		e -= s->range;
	return e;
}

static void put_regular(struct ls *s, int q, const int r[4], int *value)
{
	int sign = q < 0 ? -1 : 1, low = r[0] < r[1] ? r[0] : r[1], high = r[0] + r[1] - low, k = 0;
	int guess = r[2] >= high ? low : r[2] <= low ? high : r[0] + r[1] - r[2];

	q = abs(q);
	guess += sign * (int)s->C[q];
	guess = guess < 0 ? 0 : guess > s->maxval ? s->maxval : guess;
	int e = error_of(s, value, guess, sign);
	while (s->N[q] << k < s->A[q])
		k++;
	long mapped;
	if (s->m->near == 0 && k == 0 && 2 * s->B[q] <= -s->N[q])
		mapped = e >= 0 ? 2 * e + 1 : -2 * (e + 1);
	else
		mapped = e >= 0 ? 2 * e : -2 * e - 1;
	put_golomb(s, mapped, k, s->limit);
	s->B[q] += (long)e * (2 * (int)s->m->near + 1);
	s->A[q] += abs(e);
	if (s->N[q] == s->reset) {
		s->A[q] >>= 1;
		s->B[q] >>= 1;
		s->N[q] >>= 1;
	}
	s->N[q]++;
	if (s->B[q] <= -s->N[q]) {
		s->C[q] -= s->C[q] > -128;
		s->B[q] = s->B[q] + s->N[q] <= -s->N[q] ? 1 - s->N[q] : s->B[q] + s->N[q];
	} else if (s->B[q] > 0) {
		s->C[q] += s->C[q] < 127;
		s->B[q] = s->B[q] - s->N[q] > 0 ? 0 : s->B[q] - s->N[q];
	}
}

static void put_interruption(struct ls *s, const int r[4], bool same, int run_index, int *value)
{
	int sign = !same && r[0] > r[1] ? -1 : 1, q = 365 + same, k = 0;
	int e = error_of(s, value, same ? r[0] : r[1], sign);
	long sum = same ? s->A[366] + (s->N[366] >> 1) : s->A[365];

	while (s->N[q] << k < sum)
		k++;
	bool map = (k == 0 && e > 0 && 2 * s->Nn[same] < s->N[q]) ||
		   (e < 0 && (2 * s->Nn[same] >= s->N[q] || k != 0));
	long mapped = 2l * abs(e) - same - map;
	put_golomb(s, mapped, k, s->limit - J[run_index] - 1);
	s->Nn[same] += e < 0;
	s->A[q] += (mapped + 1 - same) >> 1;
	if (s->N[q] == s->reset) {
		s->A[q] >>= 1;
		s->N[q] >>= 1;
		s->Nn[same] >>= 1;
	}
	s->N[q]++;
}

/* The length of a run that `ends` (or goes to the line's end). */
static void put_run(struct ls *s, int *run_index, long length, bool ends)
{
	while (length >= 1l << J[*run_index]) {
		put(&s->p, 1, 1);
		length -= 1l << J[*run_index];
		*run_index += *run_index < 31;
	}
	if (ends) {
		put(&s->p, 0, 1);
		put(&s->p, (uint64_t)length, (unsigned)J[*run_index]);
	} else if (length > 0) {
		put(&s->p, 1, 1);
	}
}

/* Components [from, end) of a line, together. */
static void ls_line(struct ls *s, const uint16_t *pixels, uint32_t row, unsigned from, unsigned end)
{
	const struct jpeg_make *m = s->m;
	int r[4], *run_index = &s->run_index[from];

	for (uint32_t col = 0; col < m->cols; col++) {
		size_t here = ((size_t)row * m->cols + col) * m->samples;
		bool flat = true;

		for (unsigned k = from; k < end; k++) {
			around(s, row, col, k, r);
			flat = flat && context(s, r) == 0;
		}
		if (!flat) {
			for (unsigned k = from; k < end; k++) {
				int value = pixels[here + k];

				around(s, row, col, k, r);
				put_regular(s, context(s, r), r, &value);
				s->seen[here + k] = value;
			}
			continue;
		}
		uint32_t begun = col;
		for (bool same = true; same && col < m->cols; col += same) {
			here = ((size_t)row * m->cols + col) * m->samples;
			for (unsigned k = from; k < end; k++) {
				around(s, row, begun, k, r);
				same = same && abs(pixels[here + k] - r[0]) <= (int)m->near;
			}
			for (unsigned k = from; k < end && same; k++) {
				around(s, row, begun, k, r);
				s->seen[here + k] = r[0];
			}
		}
		put_run(s, run_index, (long)col - begun, col < m->cols);
		if (col == m->cols)
			return;
		for (unsigned k = from; k < end; k++) {
			int value = pixels[here + k];

			around(s, row, col, k, r);
			put_interruption(s, r, end - from == 1 && abs(r[0] - r[1]) <= (int)m->near,
					 *run_index, &value);
			s->seen[here + k] = value;
		}
		*run_index -= *run_index > 0;
	}
}

static void ls_scan(struct ls *s, const uint16_t *pixels, unsigned from, unsigned count)
{
	const struct jpeg_make *m = s->m;

	put_scan(s->p.out, from, count, m->near, count == 1 ? 0 : m->by_sample ? 2 : 1, 0);
	s->p.room = 8;
	ls_begin(s, 0);
	for (uint32_t row = 0; row < m->rows; row++) {
		if (m->restart > 0 && row > 0 && row % m->restart == 0) {
			put_end(&s->p);
			put16(s->p.out, 0xFFD0 + (row / m->restart - 1) % 8);
			ls_begin(s, row);
		}
		if (m->by_sample && count > 1) {
			ls_line(s, pixels, row, from, from + count);
			continue;
		}
		for (unsigned k = from; k < from + count; k++)
			ls_line(s, pixels, row, k, k + 1);
	}
	put_end(&s->p);
}

void jpegls_make(struct buf *out, const struct jpeg_make *m, const uint16_t *pixels)
{
	struct ls *s = calloc(1, sizeof(*s));
	static const uint16_t none[5];

	assert(s != NULL);
	s->m = m;
	s->seen = calloc((size_t)m->rows * m->cols * m->samples, sizeof(int));
	assert(s->seen != NULL);
	s->p = (struct put){.out = out, .room = 8, .ls = true};
	ls_parameters(s);
	put_head(out, m, 0xF7, m->restart);
	if (memcmp(m->preset, none, sizeof(none)) != 0) {
		put16(out, 0xFFF8);
		put16(out, 13);
		buf_char(out, 1);
		for (unsigned i = 0; i < 5; i++)
			put16(out, m->preset[i]);
	}
	for (unsigned k = 0; k < (m->apart ? m->samples : 1); k++)
		ls_scan(s, pixels, k, m->apart ? 1 : m->samples);
	put16(out, 0xFFD9);
	free(s->seen);
	free(s);
}
