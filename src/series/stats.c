/*
 * Stored values (PS3.5 8.1.1): each lies in a cell of Bits Allocated; its Bits Stored bits
 * end at High Bit, and what is above or below them may be anything (old overlays, say).
 * A value is cut out of its cell by two shifts, which extend the sign on the way:
 *
 *     value = (int64_t)(cell << up) >> down        up   = 63 - High Bit
 *                                                  down = 64 - Bits Stored
 *
 * (the shift to the right is done on an unsigned cell when values are unsigned).
 */
#include "series/stats.h"

#include <assert.h>
#include <math.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

static const char *unreadable(const struct dset *d)
{
	int64_t frames = 1;
	uint16_t planar = 0;

	if (d->syntax->encapsulated)
		return "pixel data is compressed";
	if (dset_is(d, NULL, TAG_NumberOfFrames, 0, &frames) && frames != 1)
		return "several frames";
	if (dset_find(d, NULL, TAG_ModalityLUTSequence) != NULL)
		return "Modality LUT Sequence";
	if (dset_u16(d, NULL, TAG_PlanarConfiguration, 0, &planar) && planar != 0)
		return "color by plane";
	return NULL;
}

/* The cell's layout; a literal when it is none that is read here. */
static const char *read_layout(struct pixels *p, const struct dset *d)
{
	uint16_t samples = 1, representation = 0;
	struct bytes photometric = dset_text(d, NULL, TAG_PhotometricInterpretation);

	dset_u16(d, NULL, TAG_SamplesPerPixel, 0, &samples);
	dset_u16(d, NULL, TAG_PixelRepresentation, 0, &representation);
	p->bits_stored = p->bits_allocated;
	dset_u16(d, NULL, TAG_BitsStored, 0, &p->bits_stored);
	p->high_bit = (uint16_t)(p->bits_stored - 1);
	dset_u16(d, NULL, TAG_HighBit, 0, &p->high_bit);
	p->is_signed = representation == 1;
	p->monochrome1 = bytes_eq_str(photometric, "MONOCHROME1");
	p->color = samples == 3;

	if (p->bits_allocated != 8 && p->bits_allocated != 16 && p->bits_allocated != 32)
		return "Bits Allocated is not 8, 16 or 32";
	if (p->bits_stored == 0 || p->high_bit >= p->bits_allocated ||
	    p->bits_stored > p->high_bit + 1)
		return "Bits Stored and High Bit do not fit Bits Allocated";
	if (p->color)
		return bytes_eq_str(photometric, "RGB") && p->bits_allocated == 8 &&
				       p->bits_stored == 8
			       ? NULL
			       : "color that is not RGB of 8 bits";
	if (samples != 1)
		return "Samples per Pixel is not 1 or 3";
	if (bytes_eq_str(photometric, "PALETTE COLOR"))
		return "palette color";
	return NULL;
}

enum err pixels_open(struct pixels *p, const struct dset *d, struct fault *f)
{
	struct pixels r = {.slope = 1.0};
	uint16_t rows = 0, cols = 0;
	const struct elem *e = dset_find(d, NULL, TAG_PixelData);
	const char *reason = unreadable(d);

	if (reason != NULL)
		return fault_tag(f, ERR_UNSUPPORTED, reason, FAULT_NO_OFFSET, TAG_PixelData);
	if (e == NULL || (e->flags & (ELEM_PIXELS | ELEM_SEQUENCE)) != 0)
		return fault_tag(f, ERR_UNUSABLE, "no pixel data", FAULT_NO_OFFSET, TAG_PixelData);
	if (!dset_u16(d, NULL, TAG_Rows, 0, &rows) || !dset_u16(d, NULL, TAG_Columns, 0, &cols) ||
	    !dset_u16(d, NULL, TAG_BitsAllocated, 0, &r.bits_allocated) || rows == 0 || cols == 0)
		return fault_tag(f, ERR_UNUSABLE, "no Rows, Columns or Bits Allocated",
				 FAULT_NO_OFFSET, TAG_Rows);
	reason = read_layout(&r, d);
	if (reason != NULL)
		return fault_tag(f, ERR_UNSUPPORTED, reason, FAULT_NO_OFFSET, TAG_BitsAllocated);

	size_t need = (size_t)rows * cols * (r.bits_allocated / 8u) * (r.color ? 3u : 1u);
	r.data = dset_value(d, e);
	r.rows = rows;
	r.cols = cols;
	r.big_endian =
		(e->flags & ELEM_BIG_ENDIAN) != 0 && (r.bits_allocated > 8 || e->vr == VR_OW);
	if (r.data.len < (r.big_endian ? need + need % 2 : need))
		return fault_tag(f, ERR_UNUSABLE, "pixel data is too short", e->at, TAG_PixelData);
	dset_ds(d, NULL, TAG_RescaleSlope, 0, &r.slope);
	dset_ds(d, NULL, TAG_RescaleIntercept, 0, &r.intercept);
	*p = r;
	return OK;
}

static uint64_t cell_at(const struct pixels *p, size_t index)
{
	const uint8_t *at = p->data.at;

	switch (p->bits_allocated) {
	case 8:
		return at[p->big_endian ? index ^ 1 : index];
	case 16:
		return p->big_endian ? get_u16be(at + 2 * index) : get_u16le(at + 2 * index);
	default:
		return p->big_endian ? get_u32be(at + 4 * index) : get_u32le(at + 4 * index);
	}
}

static int64_t value_of(const struct pixels *p, uint64_t cell)
{
	uint64_t high = cell << (63 - p->high_bit);
	unsigned down = 64u - p->bits_stored;

	/* Right shifts of negative numbers are arithmetic in every compiler this is built with. */
	return p->is_signed ? (int64_t)high >> down : (int64_t)(high >> down);
}

void pixels_rgb(const struct pixels *p, uint32_t col, uint32_t row, uint8_t out[static 3])
{
	size_t index = ((size_t)row * p->cols + col) * 3;

	assert(p->color && col < p->cols && row < p->rows);
	for (unsigned i = 0; i < 3; i++)
		out[i] = (uint8_t)cell_at(p, index + i);
}

int64_t pixels_at(const struct pixels *p, uint32_t col, uint32_t row)
{
	assert(col < p->cols && row < p->rows);
	if (p->color) {
		uint8_t rgb[3];

		pixels_rgb(p, col, row, rgb);
		return (rgb[0] * 299 + rgb[1] * 587 + rgb[2] * 114) / 1000;
	}
	return value_of(p, cell_at(p, (size_t)row * p->cols + col));
}

void pixels_row(const struct pixels *p, uint32_t row, int64_t *out)
{
	size_t index = (size_t)row * p->cols;
	bool plain = p->bits_allocated == 16 && p->bits_stored == 16 && !p->big_endian;
	const uint8_t *at = p->data.at + index * 2;

	assert(row < p->rows && !p->color);
	if (!plain)
		for (uint32_t i = 0; i < p->cols; i++)
			out[i] = value_of(p, cell_at(p, index + i));
	else if (p->is_signed)
		for (uint32_t i = 0; i < p->cols; i++, at += 2)
			out[i] = (int16_t)(at[0] | at[1] << 8);
	else
		for (uint32_t i = 0; i < p->cols; i++, at += 2)
			out[i] = at[0] | at[1] << 8;
}

/* n values, their sum and the sum of their squares: n < 2^32, |value| < 2^32. */
struct sums {
	uint64_t n;
	int64_t sum;
	wide squares;
};

static void add_run(struct sums *s, const struct pixels *p, size_t index, size_t count)
{
	int64_t sum = 0;
	uint64_t squares = 0;
	bool narrow = p->bits_stored <= 16; /* 2^16 squares below 2^32 fit 64 bits */

	for (size_t i = 0; i < count; i++) {
		int64_t v = value_of(p, cell_at(p, index + i));

		sum += v;
		if (narrow)
			squares += (uint64_t)(v * v);
		else
			s->squares += (wide)(uint64_t)(v < 0 ? -v : v) * (uint64_t)(v < 0 ? -v : v);
	}
	s->n += count;
	s->sum += sum;
	s->squares += squares;
}

/* The layout of CT, MR and PET: all 16 bits, little endian; kept apart because it is nearly all. */
static void add_run_16le(struct sums *s, const uint8_t *at, size_t count, bool is_signed)
{
	int64_t sum = 0;
	uint64_t squares = 0;

	for (size_t i = 0; i < count; i++) {
		uint16_t cell = get_u16le(at + 2 * i);
		int64_t v = is_signed ? (int16_t)cell : cell;

		sum += v;
		squares += (uint64_t)(v * v);
	}
	s->n += count;
	s->sum += sum;
	s->squares += squares;
}

bool pixels_stats(const struct pixels *p, const struct mask *m, struct pixel_stats *out)
{
	struct sums s = {0};
	bool fast = p->bits_allocated == 16 && p->bits_stored == 16 && !p->big_endian;

	assert(m->cols == p->cols && m->rows == p->rows);
	if (p->color)
		return false;
	for (uint32_t row = m->box.row0; row < m->box.row1; row++) {
		uint32_t from, to;

		for (to = 0; mask_run(m, row, &from, &to);) {
			size_t index = (size_t)row * p->cols + from;

			if (fast)
				add_run_16le(&s, p->data.at + 2 * index, to - from, p->is_signed);
			else
				add_run(&s, p, index, to - from);
		}
	}
	if (s.n == 0)
		return false;

	/* n * sum(v^2) - sum(v)^2 is n^2 times the variance, and never negative. */
	uint64_t magnitude = (uint64_t)(s.sum < 0 ? -s.sum : s.sum);
	wide spread = (wide)s.n * s.squares - (wide)magnitude * magnitude;
	double n = (double)s.n;
	out->mean = p->slope * ((double)s.sum / n) + p->intercept;
	out->std_dev = fabs(p->slope) * (sqrt((double)spread) / n);
	return true;
}
