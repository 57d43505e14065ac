#include "image/contrast.h"

#include <math.h>
#include <string.h>

#define WINDOWS_MAX 64u
#define CT_LOW (-1000.0) /* HU: air, and the top of the usual 12 bits */
#define CT_HIGH 3071.0
#define EVERY_ROW 16u
#define PALETTE_MAX 65536u
#define PALETTE_CONTRAST 0.4 /* of full luminance, at least */

static int64_t clamped(double value, struct values r)
{
	if (!(value > (double)r.low)) /* NaN too */
		return r.low;
	return value >= (double)r.high ? r.high : (int64_t)value;
}

/* ---- the values of the image ---- */

static struct values range_of(const struct native *n, struct values padding)
{
	size_t count = n->data.len / (n->format.bits_allocated / 8u);

	return values_range(&n->format, n->data.at, count, padding);
}

/* Of one row in so many: enough to see how far the values reach. */
static struct values range_of_some(const struct native *n, struct values padding)
{
	size_t row = (size_t)n->format.cols * (n->format.bits_allocated / 8u);
	struct values r = VALUES_NONE;

	for (size_t at = 0; at + row <= n->data.len; at += row * EVERY_ROW) {
		struct values one =
			values_range(&n->format, n->data.at + at, n->format.cols, padding);

		if (one.low <= one.high) {
			values_widen(&r, one.low);
			values_widen(&r, one.high);
		}
	}
	return r;
}

/* ---- windows, and which way is bright ---- */

/* Stored values to those that a window speaks of. */
struct rescale {
	double slope, intercept;
	bool known; /* a window's ends can be told as stored values */
};

static struct rescale rescale_of(const struct dset *d)
{
	struct rescale r = {1, 0, dset_find(d, NULL, TAG_ModalityLUTSequence) == NULL};

	(void)dset_ds(d, NULL, TAG_RescaleSlope, 0, &r.slope);
	(void)dset_ds(d, NULL, TAG_RescaleIntercept, 0, &r.intercept);
	if (!isfinite(r.slope) || !isfinite(r.intercept) || r.slope == 0)
		r.known = false;
	return r;
}

static bool is_hounsfield(const struct dset *d, const struct rescale *scale)
{
	return scale->known && bytes_eq_str(dset_text(d, NULL, TAG_Modality), "CT") &&
	       dset_text(d, NULL, TAG_RescaleIntercept).len > 0;
}

static void widen_to_units(struct values *r, const struct rescale *scale, double a, double b,
			   struct values all)
{
	double x = (a - scale->intercept) / scale->slope, y = (b - scale->intercept) / scale->slope;

	if (!isfinite(x) || !isfinite(y))
		return;
	values_widen(r, clamped(floor(x < y ? x : y), all));
	values_widen(r, clamped(ceil(x < y ? y : x), all));
}

/* PS3.3 C.11.2.1.2: each window is from c - 0.5 - (w - 1) / 2 to c - 0.5 + (w - 1) / 2. */
static void widen_to_windows(struct values *r, const struct dset *d, const struct rescale *scale,
			     struct values all)
{
	for (unsigned i = 0; i < WINDOWS_MAX && scale->known; i++) {
		double center, width;

		if (!dset_ds(d, NULL, TAG_WindowCenter, i, &center) ||
		    !dset_ds(d, NULL, TAG_WindowWidth, i, &width))
			break;
		if (width >= 1)
			widen_to_units(r, scale, center - 0.5 - (width - 1) / 2,
				       center - 0.5 + (width - 1) / 2, all);
	}
	if (is_hounsfield(d, scale))
		widen_to_units(r, scale, CT_LOW, CT_HIGH, all);
}

/*
 * A CT image with a window is looked at in Hounsfield units, and these are known: some of its
 * values will do, unless it says what its smallest and largest are.  (To read them all costs more
 * than the rest of burning in.)
 */
static bool values_matter(const struct dset *d, const struct rescale *scale)
{
	double width;

	return !is_hounsfield(d, scale) || !dset_ds(d, NULL, TAG_WindowWidth, 0, &width) ||
	       dset_find(d, NULL, TAG_SmallestImagePixelValue) != NULL ||
	       dset_find(d, NULL, TAG_LargestImagePixelValue) != NULL;
}

/* Does the first table of this sequence fall from its first entry to its last? */
static bool table_falls(const struct dset *d, uint32_t sequence)
{
	const struct elem *seq = dset_find(d, NULL, sequence);
	const struct elem *item =
		seq != NULL && (seq->flags & ELEM_SEQUENCE) != 0 ? dset_first(d, seq) : NULL;
	uint16_t entries, bits, first, last;

	if (item == NULL || !dset_u16(d, item, TAG_LUTDescriptor, 0, &entries) ||
	    !dset_u16(d, item, TAG_LUTDescriptor, 2, &bits))
		return false;
	uint32_t count = entries == 0 ? PALETTE_MAX : entries;
	return dset_u16(d, item, TAG_LUTData, 0, &first) &&
	       dset_u16(d, item, TAG_LUTData, count - 1, &last) && last < first;
}

static bool high_is_dark(const struct dset *d, const struct image_format *m,
			 const struct rescale *scale)
{
	double width;
	bool turned = m->photometric == PHOTO_MONOCHROME1;

	if (table_falls(d, TAG_ModalityLUTSequence) || (scale->known && scale->slope < 0))
		turned = !turned;
	if (!dset_ds(d, NULL, TAG_WindowWidth, 0, &width) && table_falls(d, TAG_VOILUTSequence))
		turned = !turned;
	return turned;
}

static enum err no_codes(const char *text, struct fault *f)
{
	return fault_set(f, ERR_UNSUPPORTED, text, FAULT_NO_OFFSET);
}

/* Off the padding: the nearest values that are none, still a low and a high one. */
static void avoid(struct values *r, struct values padding, struct values all)
{
	if (values_have(padding, r->low))
		r->low = padding.high < r->high || padding.low == all.low ? padding.high + 1
									  : padding.low - 1;
	if (values_have(padding, r->high))
		r->high = padding.low > r->low || padding.high == all.high ? padding.low - 1
									   : padding.high + 1;
}

static enum err find_grey(struct contrast *out, const struct dset *d, const struct native *n,
			  struct fault *f)
{
	const struct image_format *m = &n->format;
	struct values all = values_representable(m), padding = values_padding(d, m);
	struct rescale scale = rescale_of(d);
	struct values r =
		values_matter(d, &scale) ? range_of(n, padding) : range_of_some(n, padding);

	widen_to_windows(&r, d, &scale, all);
	if (r.low > r.high) /* nothing but padding, and no window */
		r = (struct values){0, 0};
	if (r.low == r.high) /* an even image: any two will do */
		r = r.high < all.high
			    ? (struct values){r.low,
					      all.high < r.low + 255 ? all.high : r.low + 255}
			    : (struct values){all.low > r.high - 255 ? all.low : r.high - 255,
					      r.high};
	avoid(&r, padding, all);
	if (r.low >= r.high || r.low < all.low || r.high > all.high)
		return no_codes("its values leave no room for a dark and a bright one", f);

	bool turned = high_is_dark(d, m, &scale);
	*out = (struct contrast){.dark = turned ? r.high : r.low,
				 .bright = turned ? r.low : r.high,
				 .smallest = r.low,
				 .largest = r.high};
	return OK;
}

/* ---- palettes ---- */

struct palette {
	uint32_t count;
	int64_t first; /* the stored value of the first entry */
	bool wide;     /* entries of 16 bits */
	bool packed;   /* entries of 8 bits, one in each byte */
	bool big_endian;
	struct bytes data[3];
};

/* PS3.3 C.7.6.3.1.5, C.7.6.3.1.6 */
static bool read_palette(struct palette *p, const struct dset *d, const struct image_format *m)
{
	static const uint32_t descriptors[3] = {TAG_RedPaletteColorLookupTableDescriptor,
						TAG_GreenPaletteColorLookupTableDescriptor,
						TAG_BluePaletteColorLookupTableDescriptor};
	static const uint32_t tables[3] = {TAG_RedPaletteColorLookupTableData,
					   TAG_GreenPaletteColorLookupTableData,
					   TAG_BluePaletteColorLookupTableData};

	for (unsigned i = 0; i < 3; i++) {
		const struct elem *e = dset_find(d, NULL, tables[i]);
		uint16_t entries, first, bits;

		if (e == NULL || !dset_u16(d, NULL, descriptors[i], 0, &entries) ||
		    !dset_u16(d, NULL, descriptors[i], 1, &first) ||
		    !dset_u16(d, NULL, descriptors[i], 2, &bits) || (bits != 8 && bits != 16))
			return false;
		uint32_t count = entries == 0 ? PALETTE_MAX : entries;
		p->data[i] = dset_value(d, e);
		p->big_endian = (e->flags & ELEM_BIG_ENDIAN) != 0;
		bool packed = bits == 8 && p->data[i].len < 2 * (size_t)count;
		if (i > 0 && (count != p->count || packed != p->packed || (bits == 16) != p->wide))
			return false;
		p->count = count;
		p->first = m->is_signed ? (int16_t)first : first;
		p->wide = bits == 16;
		p->packed = packed;
		if (p->data[i].len < (packed ? (size_t)count : 2 * (size_t)count))
			return false;
	}
	return true;
}

static double entry(const struct palette *p, unsigned color, uint32_t i)
{
	const uint8_t *at = p->data[color].at;

	if (p->packed) /* words of two, where the syntax has any */
		return at[p->big_endian && (i ^ 1u) < p->data[color].len ? i ^ 1u : i] / 255.0;
	uint16_t word =
		p->big_endian ? get_u16be(at + 2 * (size_t)i) : get_u16le(at + 2 * (size_t)i);
	return p->wide ? word / 65535.0 : (word & 0xFF) / 255.0;
}

static enum err find_palette(struct contrast *out, const struct dset *d, const struct native *n,
			     struct fault *f)
{
	struct values all = values_representable(&n->format);
	double least = 2, most = -1;
	struct palette p = {0};

	if (!read_palette(&p, d, &n->format))
		return no_codes("its palette cannot be read", f);
	for (uint32_t i = 0; i < p.count; i++) {
		double light =
			0.299 * entry(&p, 0, i) + 0.587 * entry(&p, 1, i) + 0.114 * entry(&p, 2, i);

		if (!values_have(all, p.first + i))
			continue;
		if (light < least) {
			least = light;
			out->dark = p.first + i;
		}
		if (light > most) {
			most = light;
			out->bright = p.first + i;
		}
	}
	if (!(most - least >= PALETTE_CONTRAST))
		return no_codes("its palette has no dark and bright colors", f);
	out->smallest = out->dark < out->bright ? out->dark : out->bright;
	out->largest = out->dark < out->bright ? out->bright : out->dark;
	return OK;
}

enum err contrast_find(struct contrast *out, const struct dset *d, const struct native *n,
		       struct fault *f)
{
	const struct image_format *m = &n->format;

	if (m->bits_allocated == 1)
		return no_codes("it has one bit a pixel", f);
	switch (m->photometric) {
	case PHOTO_MONOCHROME1:
	case PHOTO_MONOCHROME2:
		return find_grey(out, d, n, f);
	case PHOTO_PALETTE:
		return find_palette(out, d, n, f);
	case PHOTO_RGB:
	case PHOTO_YBR_FULL:
	case PHOTO_YBR_FULL_422:
		*out = (struct contrast){.bright = values_representable(m).high,
					 .dark = values_representable(m).low};
		return OK;
	default:
		return no_codes("its color is in a form that is not written here", f);
	}
}
