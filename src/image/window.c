#include "image/window.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define PERCENTILE_CUT 200u /* 0.5 percent at either end */
#define BINS 65536u

/* ---- Lookup tables ---- */

static uint32_t lut_entry(const struct lut *l, uint32_t index)
{
	const uint8_t *at = l->data.at;

	if (!l->words)
		return at[index];
	return l->big_endian ? get_u16be(at + 2 * (size_t)index)
			     : get_u16le(at + 2 * (size_t)index);
}

/* Values before the first and after the last entry get these (C.11.1.1.1). */
static uint32_t lut_at(const struct lut *l, int64_t value)
{
	int64_t index = value - l->first;

	return lut_entry(l, index < 0                    ? 0
			    : index >= (int64_t)l->count ? l->count - 1
							 : (uint32_t)index);
}

static uint32_t lut_max(const struct lut *l)
{
	return (1u << l->bits) - 1;
}

/* `item`: where the two elements are, NULL for the top level.  false: senseless. */
static bool lut_read(struct lut *l, const struct dset *d, const struct elem *item,
		     uint32_t descriptor, uint32_t data, bool is_signed)
{
	const struct elem *e = dset_find(d, item, descriptor), *values = dset_find(d, item, data);
	uint16_t number[3];

	for (unsigned i = 0; i < 3; i++)
		if (!dset_u16(d, item, descriptor, i, &number[i]))
			return false;
	if (values == NULL || number[2] == 0 || number[2] > 16)
		return false;
	/* implicit VR leaves it open: what goes in says it (C.11.1.1.1, C.11.2.1.1) */
	if (e->vr == VR_SS || (e->vr == VR_US && (e->flags & ELEM_EXPLICIT) != 0))
		is_signed = e->vr == VR_SS;
	*l = (struct lut){.data = dset_value(d, values),
			  .count = number[0] == 0 ? 65536u : number[0],
			  .first = is_signed ? (int16_t)number[1] : number[1],
			  .bits = number[2] < 8 ? 8 : number[2],
			  .big_endian = (values->flags & ELEM_BIG_ENDIAN) != 0};
	l->words = l->bits > 8 || l->data.len >= 2 * (size_t)l->count;
	return l->data.len >= (size_t)l->count * (l->words ? 2 : 1);
}

static const struct elem *first_item(const struct dset *d, uint32_t sequence)
{
	const struct elem *e = dset_find(d, NULL, sequence);

	return e == NULL || (e->flags & ELEM_SEQUENCE) == 0 ? NULL : dset_first(d, e);
}

/* ---- Stored values ---- */

static int64_t stored_at(const struct window *w, size_t index)
{
	return image_value(&w->format, w->data, index);
}

static bool is_padding(const struct window *w, int64_t stored)
{
	return values_have(w->padding, stored);
}

static double units_of(const struct window *w, int64_t stored)
{
	if (w->modality.count > 0)
		return lut_at(&w->modality, stored);
	return (double)stored * w->slope + w->intercept;
}

/* ---- Which window ---- */

/* All but 0.5 percent of the image at either end. */
static enum err percentiles(struct window *w, struct arena *a, struct fault *f)
{
	size_t pixels = (size_t)w->format.rows * w->format.cols;
	size_t mark = arena_mark(a);
	uint32_t *bins = ARENA_NEW(a, uint32_t, BINS);
	struct values all = values_range(&w->format, w->data, pixels, w->padding);
	uint64_t total = 0, seen;
	uint32_t first = 0, last = BINS - 1;

	if (bins == NULL)
		return fault_set(f, ERR_NOMEM, "the image does not fit in memory", FAULT_NO_OFFSET);
	if (all.low > all.high)
		all = (struct values){0, 0}; /* nothing but padding */
	int64_t step = (all.high - all.low) / BINS + 1;
	for (size_t i = 0; i < pixels; i++) {
		int64_t v = stored_at(w, i);

		if (is_padding(w, v))
			continue;
		bins[(v - all.low) / step]++;
		total++;
	}
	for (seen = bins[first]; seen <= total / PERCENTILE_CUT && first < last;)
		seen += bins[++first];
	for (seen = bins[last]; seen <= total / PERCENTILE_CUT && last > first;)
		seen += bins[--last];
	arena_reset(a, mark);
	double x = units_of(w, all.low + first * step), y = units_of(w, all.low + last * step);
	w->source = WINDOW_PERCENTILES;
	w->function = WINDOW_LINEAR_EXACT;
	w->center = (x + y) / 2;
	w->width = fabs(y - x) > 0 ? fabs(y - x) : 1;
	return OK;
}

static bool window_values(struct window *w, const struct dset *d)
{
	struct bytes function = dset_text(d, NULL, TAG_VOILUTFunction);
	double center, width;

	for (unsigned i = 0; dset_ds(d, NULL, TAG_WindowCenter, i, &center) &&
			     dset_ds(d, NULL, TAG_WindowWidth, i, &width);
	     i++) {
		if (!(width > 0))
			continue;
		w->source = WINDOW_VALUES;
		w->center = center;
		w->width = width;
		w->function = bytes_eq_str(function, "SIGMOID") ? WINDOW_SIGMOID
			      : bytes_eq_str(function, "LINEAR_EXACT") || width < 1
				      ? WINDOW_LINEAR_EXACT
				      : WINDOW_LINEAR;
		return true;
	}
	return false;
}

static enum err choose(struct window *w, const struct dset *d, struct arena *a, struct fault *f)
{
	const struct elem *item = first_item(d, TAG_VOILUTSequence);
	bool negative = w->format.is_signed || w->intercept < 0;

	if (item != NULL && lut_read(&w->voi, d, item, TAG_LUTDescriptor, TAG_LUTData, negative)) {
		w->source = WINDOW_LUT;
		return OK;
	}
	return window_values(w, d) ? OK : percentiles(w, a, f);
}

/* ---- Shades ---- */

/* 0 to 1, PS3.3 C.11.2.1.2.1 and C.11.2.1.3. */
static double through_window(const struct window *w, double x)
{
	switch (w->function) {
	case WINDOW_SIGMOID:
		return 1 / (1 + exp(-4 * (x - w->center) / w->width));
	case WINDOW_LINEAR_EXACT:
		return (x - w->center) / w->width + 0.5;
	default:
		return w->width > 1          ? (x - (w->center - 0.5)) / (w->width - 1) + 0.5
		       : x > w->center - 0.5 ? 1
					     : 0;
	}
}

static uint8_t shade_of(const struct window *w, int64_t stored)
{
	if (is_padding(w, stored))
		return 0;

	double x = units_of(w, stored);
	double y = w->source == WINDOW_LUT
			   ? (double)lut_at(&w->voi, (int64_t)fmax(-1e9, fmin(1e9, round(x)))) /
				     lut_max(&w->voi)
			   : through_window(w, x);
	y = y > 0 ? y : 0; /* a NaN too */
	y = y < 1 ? y : 1;
	if (w->format.photometric == PHOTO_MONOCHROME1)
		y = 1 - y;
	return (uint8_t)(y * 255 + 0.5);
}

static enum err make_shades(struct window *w, struct arena *a, struct fault *f)
{
	unsigned bits = w->format.bits_stored;

	if (bits > 16)
		return OK;
	uint8_t *shades = ARENA_NEW(a, uint8_t, (size_t)1 << bits);
	if (shades == NULL)
		return fault_set(f, ERR_NOMEM, "the image does not fit in memory", FAULT_NO_OFFSET);
	w->shades_first = w->format.is_signed ? -((int64_t)1 << (bits - 1)) : 0;
	for (int64_t i = 0; i < 1ll << bits; i++)
		shades[i] = shade_of(w, w->shades_first + i);
	w->shades = shades;
	return OK;
}

static enum err open_grey(struct window *w, const struct dset *d, struct arena *a, struct fault *f)
{
	const struct elem *item = first_item(d, TAG_ModalityLUTSequence);
	bool is_signed = w->format.is_signed;

	w->slope = 1;
	dset_ds(d, NULL, TAG_RescaleSlope, 0, &w->slope);
	dset_ds(d, NULL, TAG_RescaleIntercept, 0, &w->intercept);
	if (item != NULL &&
	    !lut_read(&w->modality, d, item, TAG_LUTDescriptor, TAG_LUTData, is_signed))
		return fault_tag(f, ERR_UNUSABLE, "senseless Modality LUT", FAULT_NO_OFFSET,
				 TAG_ModalityLUTSequence);
	w->padding = values_padding(d, &w->format);
	enum err e = choose(w, d, a, f);
	return e == OK ? make_shades(w, a, f) : e;
}

/* ---- Colour ---- */

static enum err open_palette(struct window *w, const struct dset *d, struct fault *f)
{
	static const uint32_t descriptor[3] = {TAG_RedPaletteColorLookupTableDescriptor,
					       TAG_GreenPaletteColorLookupTableDescriptor,
					       TAG_BluePaletteColorLookupTableDescriptor};
	static const uint32_t data[3] = {TAG_RedPaletteColorLookupTableData,
					 TAG_GreenPaletteColorLookupTableData,
					 TAG_BluePaletteColorLookupTableData};

	for (unsigned i = 0; i < 3; i++) {
		struct lut *l = &w->palette[i];
		uint32_t most = 0;

		if (dset_find(d, NULL, data[i]) == NULL)
			return fault_tag(f, ERR_UNSUPPORTED, "no plain palette", FAULT_NO_OFFSET,
					 data[i]);
		if (!lut_read(l, d, NULL, descriptor[i], data[i], w->format.is_signed))
			return fault_tag(f, ERR_UNUSABLE, "senseless palette", FAULT_NO_OFFSET,
					 descriptor[i]);
		/* tables that say 16 bits and hold 8 are common */
		for (uint32_t k = 0; k < l->count; k++)
			most = lut_entry(l, k) > most ? lut_entry(l, k) : most;
		if (most < 256)
			l->bits = 8;
	}
	return OK;
}

static uint8_t clamped(double v)
{
	return v <= 0 ? 0 : v >= 255 ? 255 : (uint8_t)lround(v);
}

/* PS3.3 C.7.6.3.1.2 */
static void from_ybr(uint8_t *rgb)
{
	double y = rgb[0], b = rgb[1] - 128.0, r = rgb[2] - 128.0;

	rgb[0] = clamped(y + 1.402 * r);
	rgb[1] = clamped(y - 0.344136 * b - 0.714136 * r);
	rgb[2] = clamped(y + 1.772 * b);
}

/* Where sample `i` of pixel `at` is.  YBR_FULL_422: two luminances, then the two differences that
 * they share. */
static size_t sample_index(const struct image_format *t, size_t at, unsigned i)
{
	if (t->photometric == PHOTO_YBR_FULL_422)
		return at / 2 * 4 + (i == 0 ? at % 2 : i + 1);
	return t->planar ? i * ((size_t)t->rows * t->cols) + at : at * 3 + i;
}

static void color_row(const struct window *w, uint32_t row, uint8_t *rgb)
{
	const struct image_format *t = &w->format;
	size_t at = (size_t)row * t->cols;
	unsigned down = t->bits_stored > 8 ? t->bits_stored - 8u : 0;

	for (uint32_t col = 0; col < t->cols; col++, at++, rgb += 3) {
		for (unsigned i = 0; i < 3; i++)
			rgb[i] = (uint8_t)(stored_at(w, sample_index(t, at, i)) >> down);
		if (t->photometric != PHOTO_RGB)
			from_ybr(rgb);
	}
}

static void palette_row(const struct window *w, uint32_t row, uint8_t *rgb)
{
	size_t at = (size_t)row * w->format.cols;

	for (uint32_t col = 0; col < w->format.cols; col++, at++, rgb += 3)
		for (unsigned i = 0; i < 3; i++) {
			const struct lut *l = &w->palette[i];

			uint32_t v = lut_at(l, stored_at(w, at)) >> (l->bits - 8);
			rgb[i] = (uint8_t)(v < 255 ? v : 255);
		}
}

/* ---- Both ---- */

enum err window_open(struct window *w, const struct native *n, const struct dset *d,
		     struct arena *a, struct fault *f)
{
	*w = (struct window){.format = n->format, .data = n->data.at};
	assert(n->data.len >= image_frame_bytes(&n->format));
	switch (n->format.photometric) {
	case PHOTO_MONOCHROME1:
	case PHOTO_MONOCHROME2:
		if (n->format.samples == 1)
			return open_grey(w, d, a, f);
		break;
	case PHOTO_PALETTE:
		w->source = WINDOW_COLOR;
		if (n->format.samples == 1)
			return open_palette(w, d, f);
		break;
	case PHOTO_YBR_FULL_422:
		if (n->format.cols % 2 != 0)
			break;
		/* fall through */
	case PHOTO_RGB:
	case PHOTO_YBR_FULL:
		w->source = WINDOW_COLOR;
		if (n->format.samples == 3 && n->format.bits_allocated >= 8)
			return OK;
		break;
	default:
		break;
	}
	return fault_tag(f, ERR_UNSUPPORTED, "a photometric interpretation that is not read here",
			 FAULT_NO_OFFSET, TAG_PhotometricInterpretation);
}

/* What nearly every image is: all 16 bits. */
static void grey_row_16(const struct window *w, size_t at, uint8_t *rgb)
{
	const uint8_t *from = w->data + 2 * at;
	unsigned flip = w->format.is_signed ? 0x8000u : 0;

	for (uint32_t col = 0; col < w->format.cols; col++, from += 2, rgb += 3) {
		uint8_t shade = w->shades[get_u16le(from) ^ flip];

		rgb[0] = rgb[1] = rgb[2] = shade;
	}
}

void window_row(const struct window *w, uint32_t row, uint8_t *rgb)
{
	size_t at = (size_t)row * w->format.cols;

	assert(row < w->format.rows);
	if (w->format.photometric == PHOTO_PALETTE) {
		palette_row(w, row, rgb);
	} else if (w->source == WINDOW_COLOR) {
		color_row(w, row, rgb);
	} else if (w->shades != NULL && w->format.bits_stored == 16 &&
		   w->format.bits_allocated == 16) {
		grey_row_16(w, at, rgb);
	} else {
		for (uint32_t col = 0; col < w->format.cols; col++, at++, rgb += 3) {
			int64_t v = stored_at(w, at);

			memset(rgb,
			       w->shades != NULL ? w->shades[v - w->shades_first] : shade_of(w, v),
			       3);
		}
	}
}
