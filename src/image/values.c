/*
 * Stored values are compared as keys: a cell without its foreign bits, moved up so that its highest
 * bit is the sign, with that bit turned for unsigned values.  Keys of 16 bits are ordered as values
 * are, and the compiler finds the extremes of eight of them at once.
 */
#include "image/values.h"

#include <string.h>

void values_widen(struct values *v, int64_t value)
{
	v->low = value < v->low ? value : v->low;
	v->high = value > v->high ? value : v->high;
}

bool values_have(struct values v, int64_t value)
{
	return value >= v.low && value <= v.high;
}

struct values values_representable(const struct image_format *m)
{
	int64_t span = (int64_t)1 << m->bits_stored;

	return m->is_signed ? (struct values){-(span / 2), span / 2 - 1}
			    : (struct values){0, span - 1};
}

uint32_t values_cell(const struct image_format *m, int64_t value)
{
	unsigned low = m->high_bit + 1u - m->bits_stored;
	uint64_t bits = (uint64_t)value;

	/* Unsigned values have nothing above them; the sign goes on to the top of the cell. */
	bits <<= low;
	return m->bits_allocated == 32 ? (uint32_t)bits
				       : (uint32_t)(bits & ((1u << m->bits_allocated) - 1));
}

struct values values_padding(const struct dset *d, const struct image_format *m)
{
	uint16_t first, last;

	if (!dset_u16(d, NULL, TAG_PixelPaddingValue, 0, &first))
		return VALUES_NONE;
	if (!dset_u16(d, NULL, TAG_PixelPaddingRangeLimit, 0, &last))
		last = first;
	int64_t a = m->is_signed ? (int16_t)first : first, b = m->is_signed ? (int16_t)last : last;
	return a < b ? (struct values){a, b} : (struct values){b, a};
}

#define BLOCK 1024u

/* What makes a key of a cell of 16 bits, and which keys are padding. */
struct keys {
	unsigned up;   /* bits above High Bit */
	uint16_t keep; /* after that: the bits of the value */
	uint16_t turn;
	int16_t pad_low, pad_high;
	bool has_padding;
};

static int16_t key_of(const struct keys *k, uint16_t cell)
{
	return (int16_t)((uint16_t)((cell << k->up) & k->keep) ^ k->turn);
}

static struct keys keys_for(const struct image_format *m, struct values padding)
{
	struct values r = values_representable(m);
	struct keys k = {.up = 15u - m->high_bit,
			 .keep = (uint16_t)(0xFFFFu << (16u - m->bits_stored)),
			 .turn = m->is_signed ? 0 : 0x8000};

	padding.low = padding.low > r.low ? padding.low : r.low;
	padding.high = padding.high < r.high ? padding.high : r.high;
	k.has_padding = padding.low <= padding.high;
	if (k.has_padding) {
		k.pad_low = key_of(&k, (uint16_t)values_cell(m, padding.low));
		k.pad_high = key_of(&k, (uint16_t)values_cell(m, padding.high));
	}
	return k;
}

static int64_t value_of_key(const struct image_format *m, const struct keys *k, int16_t key)
{
	int32_t turned = (int16_t)((uint16_t)key ^ k->turn);

	if (!m->is_signed)
		turned &= 0xFFFF;
	return turned / (1 << (16 - m->bits_stored));
}

/* Written for the vectoriser: a fixed count, and nothing but 16 bits. */
static void extremes(const uint16_t cells[static BLOCK], const struct keys *k, int16_t *low,
		     int16_t *high)
{
	const uint16_t keep = k->keep, turn = k->turn;
	const unsigned up = k->up;
	int16_t least = *low, most = *high;

	for (unsigned i = 0; i < BLOCK; i++) {
		int16_t key = (int16_t)((uint16_t)((cells[i] << up) & keep) ^ turn);

		least = key < least ? key : least;
		most = key > most ? key : most;
	}
	*low = least;
	*high = most;
}

static void extremes_but_padding(const uint16_t cells[static BLOCK], const struct keys *k,
				 int16_t *low, int16_t *high)
{
	const int16_t pad_low = k->pad_low, pad_high = k->pad_high;
	const uint16_t keep = k->keep, turn = k->turn;
	const unsigned up = k->up;
	int16_t least = *low, most = *high;

	for (unsigned i = 0; i < BLOCK; i++) {
		int16_t key = (int16_t)((uint16_t)((cells[i] << up) & keep) ^ turn);
		bool pad = key >= pad_low && key <= pad_high;
		int16_t a = pad ? INT16_MAX : key, b = pad ? INT16_MIN : key;

		least = a < least ? a : least;
		most = b > most ? b : most;
	}
	*low = least;
	*high = most;
}

/* Up to BLOCK cells; the rest of the block repeats the first. */
static void load(uint16_t cells[static BLOCK], const uint8_t *from, size_t count)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	memcpy(cells, from, count * 2);
#else
	for (size_t i = 0; i < count; i++)
		cells[i] = get_u16le(from + 2 * i);
#endif
	for (size_t i = count; i < BLOCK; i++)
		cells[i] = cells[0];
}

static struct values range_of_16(const struct image_format *m, const uint8_t *data, size_t count,
				 struct values padding)
{
	struct keys k = keys_for(m, padding);
	uint16_t cells[BLOCK];
	int16_t low = INT16_MAX, high = INT16_MIN;

	for (size_t at = 0; at < count; at += BLOCK) {
		load(cells, data + 2 * at, count - at < BLOCK ? count - at : BLOCK);
		if (k.has_padding)
			extremes_but_padding(cells, &k, &low, &high);
		else
			extremes(cells, &k, &low, &high);
	}
	if (low > high)
		return VALUES_NONE;
	return (struct values){value_of_key(m, &k, low), value_of_key(m, &k, high)};
}

static struct values range_of_others(const struct image_format *m, const uint8_t *data,
				     size_t count, struct values padding)
{
	struct values r = VALUES_NONE;

	for (size_t i = 0; i < count; i++) {
		int64_t value = image_value(m, data, i);

		if (!values_have(padding, value))
			values_widen(&r, value);
	}
	return r;
}

struct values values_range(const struct image_format *format, const uint8_t *data, size_t count,
			   struct values padding)
{
	return format->bits_allocated == 16 ? range_of_16(format, data, count, padding)
					    : range_of_others(format, data, count, padding);
}
