/*
 * DS and IS, exactly.
 *
 * One number at a time goes through `scan`: sign, digits, point, exponent, checked; the
 * value is 0.d1d2d3... times ten to a power, and both results are read off the digits.
 *
 * A Contour Data text has a million of them, so ds_list_pm has a short cut for the shape
 * that they all have: a sign or none, up to 15 digits and a point, a backslash.  Eight bytes
 * are loaded at a time; the first backslash and the first point are found by the
 * zero-byte trick, the point is squeezed out by shifts, and eight digits become a number in
 * three multiplications (pairs, fours, eight).  Whatever is not of that shape, or lies
 * within 17 bytes of the end of the text, goes the long way; the results are the same.
 */
#include "dicom/number.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 64u /* characters of one number */
#define PM_DECIMALS 9
#define EXPONENT_MAX 100000 /* larger ones are as good as infinite */

/* 0.d0 d1 d2 ... * 10^point, without leading zeros: d0 > 0, or count is 0 and the value 0. */
struct scanned {
	uint8_t digit[TEXT_MAX];
	unsigned count;
	int point;
	bool negative;
};

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* "E+12" from text.at[i] to the end. */
static bool scan_exponent(struct bytes text, size_t i, int *exponent)
{
	bool negative = false;
	int value = 0;

	i++;
	if (i < text.len && (text.at[i] == '+' || text.at[i] == '-'))
		negative = text.at[i++] == '-';
	if (i == text.len)
		return false;
	for (; i < text.len; i++) {
		if (!is_digit(text.at[i]))
			return false;
		if (value < EXPONENT_MAX)
			value = value * 10 + (text.at[i] - '0');
	}
	*exponent = negative ? -value : value;
	return true;
}

/* `text` is trimmed. */
static bool scan(struct bytes text, struct scanned *s)
{
	size_t i = 0;
	bool any = false, point = false;
	int exponent = 0;

	*s = (struct scanned){0};
	if (text.len == 0 || text.len > TEXT_MAX)
		return false;
	if (text.at[0] == '+' || text.at[0] == '-')
		s->negative = text.at[i++] == '-';
	for (; i < text.len; i++) {
		uint8_t c = text.at[i];

		if (c == '.' && !point) {
			point = true;
			continue;
		}
		if (!is_digit(c))
			break;
		any = true;
		if (s->count > 0 || c != '0') {
			s->digit[s->count++] = (uint8_t)(c - '0');
			s->point += !point;
		} else {
			s->point -= point;
		}
	}
	if (!any)
		return false;
	if (i < text.len && (text.at[i] | 0x20) != 'e')
		return false;
	if (i < text.len && !scan_exponent(text, i, &exponent))
		return false;
	s->point = s->count == 0 ? 0 : s->point + exponent;
	return true;
}

/* The first `n` digits as an integer, zeros after the last; false when over 64 bits. */
static bool integer_of(const struct scanned *s, int n, uint64_t *out)
{
	uint64_t value = 0;

	for (int i = 0; i < n; i++) {
		uint64_t d = (unsigned)i < s->count ? s->digit[i] : 0;

		if (__builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, d, &value))
			return false;
	}
	*out = value;
	return true;
}

bool ds_to_pm(struct bytes text, int64_t *out)
{
	struct scanned s;
	uint64_t magnitude;

	if (!scan(bytes_trim(text), &s))
		return false;

	int n = s.point + PM_DECIMALS; /* digits left of the picometre's point */
	if (s.count == 0 || n < 0) {
		*out = 0;
		return true;
	}
	if (n > 19 || !integer_of(&s, n, &magnitude))
		return false;
	/* half away from zero: the next digit decides, whatever follows it */
	if ((unsigned)n < s.count && s.digit[n] >= 5)
		magnitude++;
	if (magnitude > INT64_MAX)
		return false;
	*out = s.negative ? -(int64_t)magnitude : (int64_t)magnitude;
	return true;
}

/* What 53 bits and one correctly rounded operation can do (10^22 is the last exact power). */
static bool exact_double(const struct scanned *s, double *out)
{
	static const double power[] = {
		1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
		1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
	};
	int count = (int)s->count, exponent = s->point - count;
	uint64_t mantissa;

	if (exponent < -22 || exponent > 22 || !integer_of(s, count, &mantissa) ||
	    mantissa > 1ull << 53)
		return false;
	*out = exponent < 0 ? (double)mantissa / power[-exponent]
			    : (double)mantissa * power[exponent];
	return true;
}

bool ds_to_double(struct bytes text, double *out)
{
	struct scanned s;
	double value;

	text = bytes_trim(text);
	if (!scan(text, &s))
		return false;
	if (exact_double(&s, &value)) {
		*out = s.negative ? -value : value;
		return true;
	}

	/* The text is checked: nothing but digits, signs, one point and an E. netrt never calls
	 * setlocale, so the point is a point. */
	char copy[TEXT_MAX + 1];
	bytes_to_str(text, copy, sizeof(copy));
	value = strtod(copy, NULL);
	if (value - value != 0.0) /* out of range */
		return false;
	*out = value;
	return true;
}

bool is_to_int(struct bytes text, int64_t *out)
{
	uint64_t value = 0;
	size_t i = 0;
	bool negative = false;

	text = bytes_trim(text);
	if (text.len > 0 && (text.at[0] == '+' || text.at[0] == '-'))
		negative = text.at[i++] == '-';
	if (i == text.len || text.len > TEXT_MAX)
		return false;
	for (; i < text.len; i++) {
		if (!is_digit(text.at[i]) || __builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (unsigned)(text.at[i] - '0'), &value))
			return false;
	}
	if (value > INT64_MAX)
		return false;
	*out = negative ? -(int64_t)value : (int64_t)value;
	return true;
}

/* Up to the next backslash, or all. */
static size_t value_len(struct bytes text)
{
	const uint8_t *end = text.len == 0 ? NULL : memchr(text.at, '\\', text.len);

	return end == NULL ? text.len : (size_t)(end - text.at);
}

bool text_nth(struct bytes text, unsigned n, struct bytes *out)
{
	if (bytes_trim(text).len == 0)
		return false;
	for (;; n--) {
		size_t len = value_len(text);

		if (n == 0) {
			*out = bytes_trim(bytes_slice(text, 0, len));
			return true;
		}
		if (len == text.len)
			return false;
		text = bytes_slice(text, len + 1, text.len - len - 1);
	}
}

size_t text_count(struct bytes text)
{
	size_t count = 1;

	text = bytes_trim(text);
	if (text.len == 0)
		return 0;
	for (size_t i = 0; i < text.len; i++)
		count += text.at[i] == '\\';
	return count;
}

/* ---- the short cut ---- */

#define EACH(byte) (0x0101010101010101u * (uint64_t)(byte))
#define SHORTCUT_BYTES 17u /* a sign and two words */

static const uint64_t power10[] = {
	1,
	10,
	100,
	1000,
	10000,
	100000,
	1000000,
	10000000,
	100000000,
	1000000000,
	10000000000,
	100000000000,
	1000000000000,
	10000000000000,
	100000000000000,
	1000000000000000,
};

/* The first byte is the lowest, on every machine. */
static inline uint64_t load8(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

/* The high bit of each byte that equals `byte`; above the first there may be false ones. */
static inline uint64_t match(uint64_t v, uint8_t byte)
{
	uint64_t x = v ^ EACH(byte);

	return (x - EACH(0x01)) & ~x & EACH(0x80);
}

/* Bytes before the one whose high bit is the lowest of `hits`, which is not 0. */
static inline unsigned bytes_before(uint64_t hits)
{
	return (unsigned)__builtin_ctzll(hits) / 8;
}

/* The first n (0..7) bytes. */
static inline uint64_t low_bytes(uint64_t v, unsigned n)
{
	return v & (((uint64_t)1 << 8 * n) - 1);
}

/* Eight bytes, the first digit lowest; all must be digits. */
static inline bool digits_ok(uint64_t v)
{
	return (((v + EACH(0x46)) | (v - EACH('0'))) & EACH(0x80)) == 0;
}

static inline uint64_t digits_value(uint64_t v)
{
	v -= EACH('0');
	v = v * 10 + (v >> 8);
	v = ((v & 0x000000FF000000FFu) * 0x000F424000000064u +
	     (v >> 16 & 0x000000FF000000FFu) * 0x0000271000000001u) >>
	    32;
	return v;
}

/* The first n (0..8) bytes moved to the end of eight, with "0" before them. */
static inline uint64_t right_align(uint64_t v, unsigned n)
{
	/* twice, because a shift by 64 is none */
	unsigned half = (8 - n) * 4;

	return v << half << half | (EACH('0') & ~(~(uint64_t)0 << half << half));
}

/* The first `len` (1 to 7) characters of `v`.  The point at d (d = len when there is none) is
 * squeezed out: what follows it moves one byte forward. */
static inline bool short_value(uint64_t v, unsigned len, uint64_t *pm)
{
	uint64_t points = match(v, '.') & (((uint64_t)1 << 8 * len) - 1);
	unsigned d = points != 0 ? bytes_before(points) : len;
	unsigned n = len - (points != 0);
	uint64_t head = low_bytes(~(uint64_t)0, d);
	uint64_t digits = right_align((v & head) | (v >> 8 & ~head), n);

	*pm = digits_value(digits) * power10[PM_DECIMALS - (n - d)];
	return n > 0 && digits_ok(digits);
}

/* 8 to 15 characters, with the point among the first 8, so at most 7 digits before it. */
static inline bool long_value(uint64_t v0, uint64_t v1, unsigned len, uint64_t *pm)
{
	uint64_t points = match(v0, '.');

	if (points == 0)
		return false;

	unsigned d = bytes_before(points);
	unsigned rest = len - 8; /* characters in v1 */
	unsigned decimals = 7 - d + rest;
	uint64_t head = low_bytes(~(uint64_t)0, d);
	uint64_t first = (v0 & head) | (v0 >> 8 & ~head & 0x00FFFFFFFFFFFFFFu) |
			 (rest > 0 ? v1 << 56 : (uint64_t)'0' << 56);
	/* with rest 0 the 7 digits have a "0" behind them, which is one more decimal */
	unsigned more = rest > 0 ? rest - 1 : 0;
	decimals += rest == 0;
	uint64_t second = right_align(low_bytes(v1 >> 8, more), more);

	if (!digits_ok(first) || !digits_ok(second))
		return false;
	uint64_t mantissa = digits_value(first) * power10[more] + digits_value(second);
	if (decimals <= PM_DECIMALS) {
		*pm = mantissa * power10[PM_DECIMALS - decimals];
	} else { /* half away from zero */
		uint64_t unit = power10[decimals - PM_DECIMALS];

		*pm = (mantissa + unit / 2) / unit;
	}
	return true;
}

/* As many as have the common shape; the number of characters used, separators included. */
static size_t list_shortcut(struct bytes text, int64_t *out, size_t cap, size_t *count)
{
	const uint8_t *p = text.at;
	const uint8_t *last = text.at + (text.len - SHORTCUT_BYTES); /* 17 bytes from here are in */
	size_t n = 0;

	while (n < cap && p <= last) {
		uint64_t v0 = load8(p), v1 = load8(p + 8), pm;
		uint64_t hits0 = match(v0, '\\'), hits1 = match(v1, '\\');

		/* The next number can only begin when this one's end is known: the sign, which is
		 * not needed for that, comes after. */
		uint64_t hits = hits0 != 0 ? hits0 : hits1;
		if (hits == 0)
			break;
		unsigned whole = (hits0 != 0 ? 0 : 8) + bytes_before(hits);

		unsigned negative = (v0 & 0xFF) == '-', len = whole - negative;
		if (negative) {
			v0 = v0 >> 8 | v1 << 56;
			v1 >>= 8;
		}
		if (!(len < 8 ? short_value(v0, len, &pm) : long_value(v0, v1, len, &pm)))
			break;
		out[n++] = negative ? -(int64_t)pm : (int64_t)pm;
		p += whole + 1;
	}
	*count = n;
	return (size_t)(p - text.at);
}

enum err ds_list_pm(struct bytes *text, int64_t *out, size_t cap, size_t *count, struct fault *f)
{
	struct bytes t = *text;
	size_t n = 0, pos = 0;

	while (t.len > 0 && (t.at[t.len - 1] == ' ' || t.at[t.len - 1] == '\0'))
		t.len--;
	if (t.len > 0 && t.at[t.len - 1] == '\\')
		t.len--;
	while (n < cap && pos < t.len) {
		if (t.len - pos >= SHORTCUT_BYTES) {
			size_t got;

			pos += list_shortcut(bytes_slice(t, pos, t.len - pos), out + n, cap - n,
					     &got);
			n += got;
			if (n == cap || pos == t.len)
				break;
		}
		/* the next one the long way, then on with the short cut */
		struct bytes rest = bytes_slice(t, pos, t.len - pos);
		size_t len = value_len(rest);
		if (!ds_to_pm(bytes_slice(rest, 0, len), &out[n]))
			return fault_set(f, ERR_WIRE, "a value that is no decimal number", pos);
		n++;
		pos += len < rest.len ? len + 1 : len;
	}
	if (pos > 0 && pos == t.len && t.at[pos - 1] == '\\') /* nothing after a separator */
		return fault_set(f, ERR_WIRE, "a value that is no decimal number", pos);
	*count = n;
	*text = pos < t.len ? bytes_slice(t, pos, t.len - pos) : BYTES_NONE;
	return OK;
}
