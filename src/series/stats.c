#include "series/stats.h"

#include <assert.h>
#include <math.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

static const char *unreadable(const struct image_format *o, const struct dset *d)
{
	if (o->frames != 1)
		return "several frames";
	if (dset_find(d, NULL, TAG_ModalityLUTSequence) != NULL)
		return "Modality LUT Sequence";
	if (o->bits_allocated == 1)
		return "one bit a pixel";
	if (o->samples != 1 || o->photometric == PHOTO_PALETTE)
		return "color";
	return NULL;
}

enum err pixels_open(struct pixels *p, const struct part10 *source, const struct dset *d,
		     struct fault *f)
{
	struct image_format format;
	struct native n;
	enum err e = image_format_read(&format, d, f);

	*p = PIXELS_NONE;
	if (e != OK)
		return e;
	const char *reason = unreadable(&format, d);
	if (reason != NULL)
		return fault_tag(f, ERR_UNSUPPORTED, reason, FAULT_NO_OFFSET, TAG_PixelData);
	e = native_open(&n, source, d, f);
	if (e == OK)
		pixels_take(p, &n, d);
	native_close(&n);
	return e;
}

void pixels_take(struct pixels *p, struct native *n, const struct dset *d)
{
	*p = (struct pixels){.native = *n, .slope = 1};
	*n = (struct native){0};
	dset_ds(d, NULL, TAG_RescaleSlope, 0, &p->slope);
	dset_ds(d, NULL, TAG_RescaleIntercept, 0, &p->intercept);
}

void pixels_free(struct pixels *p)
{
	native_close(&p->native);
	*p = PIXELS_NONE;
}

bool pixels_are_color(const struct pixels *p)
{
	return p->native.format.samples == 3;
}

void pixels_rgb(const struct pixels *p, uint32_t col, uint32_t row, uint8_t out[static 3])
{
	const struct image_format *format = &p->native.format;

	assert(pixels_are_color(p) && format->bits_allocated == 8 && !format->planar);
	assert(col < format->cols && row < format->rows);
	memcpy(out, p->native.data.at + ((size_t)row * format->cols + col) * 3, 3);
}

int64_t pixels_at(const struct pixels *p, uint32_t col, uint32_t row)
{
	const struct image_format *format = &p->native.format;

	assert(col < format->cols && row < format->rows && !pixels_are_color(p));
	return image_value(format, p->native.data.at, (size_t)row * format->cols + col);
}

/* The layout of CT, MR and PET: all 16 bits; kept apart because it is nearly all. */
static bool is_plain(const struct image_format *format)
{
	return format->bits_allocated == 16 && format->bits_stored == 16;
}

void pixels_row(const struct pixels *p, uint32_t row, int64_t *out)
{
	const struct image_format *format = &p->native.format;
	size_t index = (size_t)row * format->cols;
	const uint8_t *at = p->native.data.at + index * 2;

	assert(row < format->rows && !pixels_are_color(p));
	if (!is_plain(format))
		for (uint32_t i = 0; i < format->cols; i++)
			out[i] = image_value(format, p->native.data.at, index + i);
	else if (format->is_signed)
		for (uint32_t i = 0; i < format->cols; i++, at += 2)
			out[i] = (int16_t)(at[0] | at[1] << 8);
	else
		for (uint32_t i = 0; i < format->cols; i++, at += 2)
			out[i] = at[0] | at[1] << 8;
}

/* n values, their sum and the sum of their squares: n < 2^32, |value| < 2^32. */
struct sums {
	uint64_t n;
	int64_t sum;
	wide squares;
};

static void add_run(struct sums *s, const struct native *n, size_t index, size_t count)
{
	int64_t sum = 0;
	uint64_t squares = 0;
	bool narrow = n->format.bits_stored <= 16; /* 2^16 squares below 2^32 fit 64 bits */

	for (size_t i = 0; i < count; i++) {
		int64_t v = image_value(&n->format, n->data.at, index + i);

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

static void add_run_of_plain(struct sums *s, const uint8_t *at, size_t count, bool is_signed)
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
	const struct native *pixels = &p->native;
	const struct image_format *format = &pixels->format;
	struct sums s = {0};

	assert(m->cols == format->cols && m->rows == format->rows && !pixels_are_color(p));
	for (uint32_t row = m->box.row0; row < m->box.row1; row++) {
		uint32_t from, to;

		for (to = 0; mask_run(m, row, &from, &to);) {
			size_t index = (size_t)row * format->cols + from;

			if (is_plain(format))
				add_run_of_plain(&s, pixels->data.at + 2 * index, to - from,
						 format->is_signed);
			else
				add_run(&s, pixels, index, to - from);
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
