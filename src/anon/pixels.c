#include "anon/pixels.h"

#include <string.h>

#include "anon/frames.h"

#define FRAMES_MAX 65536u

const char *const pixel_risk_words[] = {
	[RISK_NONE] = "none",
	[RISK_FLAG] = "Burned In Annotation is YES",
	[RISK_CLASS] = "a Secondary Capture: a picture of a screen may name the patient",
	[RISK_DERIVED] = "Image Type says that it is a picture of a screen",
};

static bool has_value(struct bytes text, const char *value)
{
	struct bytes want = bytes_str(value);

	return bytes_has_nocase(text, want);
}

enum pixel_risk pixels_risk(const struct dset *d)
{
	struct bytes flag = dset_text(d, NULL, TAG_BurnedInAnnotation);
	struct bytes class = dset_text(d, NULL, TAG_SOPClassUID);
	struct bytes type = dset_text(d, NULL, TAG_ImageType);

	if (bytes_eq_str(flag, "YES"))
		return RISK_FLAG;
	if (class.len >= 25 && memcmp(class.at, "1.2.840.10008.5.1.4.1.1.7", 25) == 0)
		return RISK_CLASS;
	if (has_value(type, "SCREEN") || has_value(type, "SECONDARY CAPTURE") ||
	    dset_text(d, NULL, TAG_ConversionType).len > 0)
		return RISK_DERIVED;
	return RISK_NONE;
}

/* ---- native pixel data ---- */

struct shape {
	uint16_t rows, cols, samples, allocated, stored, high;
	uint16_t representation, planar;
	uint32_t frames;
	size_t bytes;    /* of all frames, unpadded */
	bool subsampled; /* two samples a pixel in the place of three */
	bool big_endian; /* words of two bytes are swapped */
	bool is_float;
	uint16_t padding; /* Pixel Padding Value, as stored; of 16-bit samples */
	bool has_padding;
};

static bool read_shape(const struct dset *d, struct shape *s)
{
	struct bytes photometric = dset_text(d, NULL, TAG_PhotometricInterpretation);
	int64_t frames = 1;
	size_t count;

	*s = (struct shape){.samples = 1};
	if (!dset_u16(d, NULL, TAG_Rows, 0, &s->rows) ||
	    !dset_u16(d, NULL, TAG_Columns, 0, &s->cols) ||
	    !dset_u16(d, NULL, TAG_BitsAllocated, 0, &s->allocated))
		return false;
	(void)dset_u16(d, NULL, TAG_SamplesPerPixel, 0, &s->samples);
	(void)dset_u16(d, NULL, TAG_PixelRepresentation, 0, &s->representation);
	(void)dset_u16(d, NULL, TAG_PlanarConfiguration, 0, &s->planar);
	s->stored = s->allocated;
	(void)dset_u16(d, NULL, TAG_BitsStored, 0, &s->stored);
	s->high = (uint16_t)(s->stored - 1);
	(void)dset_u16(d, NULL, TAG_HighBit, 0, &s->high);
	(void)dset_is(d, NULL, TAG_NumberOfFrames, 0, &frames);
	s->big_endian = d->syntax->pixels_big_endian;
	s->subsampled = s->samples == 3 && (bytes_eq_str(photometric, "YBR_FULL_422") ||
					    bytes_eq_str(photometric, "YBR_PARTIAL_422"));
	s->has_padding =
		s->allocated == 16 && dset_u16(d, NULL, TAG_PixelPaddingValue, 0, &s->padding);
	if (frames < 1 || frames > INT32_MAX || s->samples == 0 || s->allocated == 0)
		return false;
	s->frames = (uint32_t)frames;
	count = (size_t)s->rows * s->cols;
	if (!size_mul(count, s->subsampled ? 2 : s->samples, &count) ||
	    !size_mul(count, s->frames, &count) || !size_mul(count, s->allocated, &count))
		return false;
	s->bytes = (count + 7) / 8;
	return true;
}

static unsigned unit_of(const struct shape *s)
{
	return s->allocated / 8u;
}

static struct sample_shape samples_of(const struct shape *s)
{
	return (struct sample_shape){
		.frame = {s->rows, s->cols, s->samples, s->allocated / 8u},
		.allocated = s->allocated,
		.stored = s->stored,
		.high = s->high,
		.is_signed = s->representation == 1,
		.has_padding = s->has_padding,
		.padding = s->padding,
	};
}

static uint32_t get_sample(const struct shape *s, const uint8_t *p)
{
	switch (unit_of(s)) {
	case 1:
		return p[0];
	case 2:
		return s->big_endian ? get_u16be(p) : get_u16le(p);
	default:
		return s->big_endian ? get_u32be(p) : get_u32le(p);
	}
}

static void put_sample(const struct shape *s, uint8_t *p, uint32_t v)
{
	switch (unit_of(s)) {
	case 1:
		p[0] = (uint8_t)v;
		break;
	case 2:
		if (s->big_endian)
			put_u16be(p, (uint16_t)v);
		else
			put_u16le(p, (uint16_t)v);
		break;
	default:
		if (s->big_endian)
			put_u32be(p, v);
		else
			put_u32le(p, v);
	}
}

typedef uint16_t eight_samples __attribute__((vector_size(16)));
typedef int16_t eight_signed __attribute__((vector_size(16)));

/* What in them is neither of the bits that are stored nor their sign. */
static inline eight_samples foreign_bits(eight_samples v, uint16_t spare, bool is_signed)
{
	const eight_samples shifted = v << spare;

	return v ^ (is_signed ? (eight_samples)((eight_signed)shifted >> spare) : shifted >> spare);
}

/* The common case, fast: 12 bits or so of 16, little endian as the processor, from bit 0. */
static bool is_plain16(const struct shape *s, struct bytes value)
{
	const uint16_t spare = (uint16_t)(16u - s->stored);
	bool is_signed = s->representation == 1;
	size_t whole = value.len - value.len % sizeof(eight_samples);
	eight_samples foreign = {0}, v;
	uint64_t halves[2];

	for (size_t at = 0; at < whole; at += sizeof(v)) {
		memcpy(&v, value.at + at, sizeof(v));
		foreign |= foreign_bits(v, spare, is_signed);
	}
	v = (eight_samples){0}; /* zero is plain */
	memcpy(&v, value.at + whole, (value.len - whole) & ~(size_t)1);
	foreign |= foreign_bits(v, spare, is_signed);
	memcpy(halves, &foreign, sizeof(halves));
	return (halves[0] | halves[1]) == 0;
}

static bool has_foreign_bits(const struct shape *s, struct bytes value)
{
	const struct sample_shape samples = samples_of(s);
	unsigned unit = unit_of(s);

	if (s->is_float || !sample_has_spare_bits(&samples))
		return false;
	if (unit == 2 && !s->big_endian && s->high + 1u == s->stored && is_plain16(s, value))
		return false;
	for (size_t at = 0; at + unit <= value.len; at += unit)
		if (sample_plain(&samples, get_sample(s, value.at + at)) !=
		    get_sample(s, value.at + at))
			return true;
	return false;
}

static void clear_bits(const struct shape *s, uint8_t *at, size_t len)
{
	const struct sample_shape samples = samples_of(s);
	unsigned unit = unit_of(s);

	for (size_t i = 0; i + unit <= len; i += unit)
		put_sample(s, at + i, sample_plain(&samples, get_sample(s, at + i)));
}

/* ---- regions ---- */

static bool matches(const char *want, struct bytes have)
{
	return want == NULL || want[0] == '\0' || bytes_has_nocase(have, bytes_str(want));
}

static bool is_for(const struct pixel_region *r, const struct dset *d, const struct shape *s)
{
	return matches(r->sop_class, dset_text(d, NULL, TAG_SOPClassUID)) &&
	       matches(r->manufacturer, dset_text(d, NULL, TAG_Manufacturer)) &&
	       matches(r->model, dset_text(d, NULL, TAG_ManufacturerModelName)) &&
	       (r->rows == 0 || r->rows == s->rows) && (r->cols == 0 || r->cols == s->cols);
}

/* Every sample of the rectangle becomes 0; for signed samples that is what is stored as 0, too: no
 * value of the image is guessed. */
static void fill(const struct pixel_region *r, const struct shape *s, uint8_t *at)
{
	size_t unit = s->allocated / 8u, plane = (size_t)s->rows * s->cols;
	bool planar = s->planar == 1 && s->samples > 1;
	size_t step = planar ? unit : unit * s->samples, planes = planar ? s->samples : 1;
	uint32_t right = r->left + r->width < s->cols ? r->left + r->width : s->cols;
	uint32_t bottom = r->top + r->height < s->rows ? r->top + r->height : s->rows;

	for (size_t k = 0; k < s->frames * planes; k++)
		for (uint32_t y = r->top; y < bottom && r->left < right; y++)
			memset(at + (k * plane + (size_t)y * s->cols + r->left) * step, 0,
			       (right - r->left) * step);
}

static uint32_t count_regions(const struct dset *d, const struct shape *s,
			      const struct pixel_region *regions, size_t count)
{
	uint32_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += is_for(&regions[i], d, s);
	return n;
}

uint32_t pixels_regions(const struct dset *d, const struct pixel_region *regions, size_t count)
{
	struct shape s;

	return read_shape(d, &s) ? count_regions(d, &s, regions, count) : 0;
}

/* Where a byte of 8-bit samples lies in OW of big endian words. */
static size_t swapped(const struct shape *s, size_t at)
{
	return s->big_endian && s->allocated == 8 ? at ^ 1u : at;
}

static enum err can_fill(const struct shape *s, size_t len, struct fault *f)
{
	if (s->allocated % 8 != 0 || s->subsampled || s->is_float ||
	    (s->big_endian && s->allocated == 8))
		return fault_set(f, ERR_UNSUPPORTED, "a region cannot be blanked in such samples",
				 FAULT_NO_OFFSET);
	if (len < s->bytes)
		return fault_tag(f, ERR_UNUSABLE, "pixel data is shorter than its image",
				 FAULT_NO_OFFSET, TAG_PixelData);
	return OK;
}

static void put_length(const struct dset *d, uint8_t *value, size_t head, size_t len)
{
	if (head == 8 && d->syntax->explicit_vr) { /* a short form has no 32-bit length */
		if (d->syntax->big_endian)
			put_u16be(value - 2, (uint16_t)len);
		else
			put_u16le(value - 2, (uint16_t)len);
	} else if (d->syntax->big_endian) {
		put_u32be(value - 4, (uint32_t)len);
	} else {
		put_u32le(value - 4, (uint32_t)len);
	}
}

static enum err clean_native(const struct dset *d, const struct anon_object *o, struct shape *s,
			     const struct pixel_region *regions, size_t count,
			     struct pixels_out *out, struct fault *f)
{
	struct bytes value = bytes_slice(o->pixels, o->pixels_head, o->pixels.len - o->pixels_head);
	size_t want = s->bytes + s->bytes % 2, len = value.len < want ? value.len : want;
	/* the last byte of an odd image is padding: it says nothing */
	bool padded = len > s->bytes;
	size_t last = padded ? swapped(s, len - 1) : 0;
	bool tail = value.len > want || (padded && value.at[last] != 0);

	s->is_float = o->pixels_tag != TAG_PixelData;
	out->regions = count_regions(d, s, regions, count);
	enum err e = out->regions > 0 ? can_fill(s, value.len, f) : OK;
	if (e != OK)
		return e;
	out->bits_cleared = has_foreign_bits(s, bytes_slice(value, 0, len));
	out->cut = value.len - len;
	if (!tail && !out->bits_cleared && out->regions == 0) {
		out->view = o->pixels;
		return OK;
	}
	out->made = BUF_INIT(o->pixels.len + 16);
	buf_add(&out->made, bytes_slice(o->pixels, 0, o->pixels_head));
	buf_add(&out->made, bytes_slice(value, 0, len));
	if (out->made.failed)
		return fault_set(f, ERR_NOMEM, "the pixel data does not fit in memory",
				 FAULT_NO_OFFSET);
	uint8_t *at = out->made.at + o->pixels_head;
	if (out->bits_cleared)
		clear_bits(s, at, len);
	for (size_t i = 0; i < count; i++)
		if (is_for(&regions[i], d, s))
			fill(&regions[i], s, at);
	if (padded)
		at[last] = 0;
	put_length(d, at, o->pixels_head, len);
	out->view = buf_bytes(&out->made);
	return OK;
}

/* ---- encapsulated pixel data ---- */

/* An overlay group without Overlay Data: its bits are in the samples (PS3.5 8.1.2, retired). */
static bool has_embedded_overlay(const struct dset *d)
{
	for (uint32_t group = 0x6000; group <= 0x601E; group += 2)
		if (dset_find(d, NULL, TAG(group, 0x0010)) != NULL &&
		    dset_find(d, NULL, TAG(group, 0x3000)) == NULL)
			return true;
	return false;
}

static enum err clean_encapsulated(const struct dset *d, const struct anon_object *o,
				   const struct shape *s, const struct pixel_region *regions,
				   size_t count, struct pixels_out *out, struct fault *f)
{
	const struct frames frames = {
		.element = o->pixels,
		.head = o->pixels_head,
		.syntax = d->syntax,
		.count = s->frames,
		.segments = (unsigned)s->samples * ((s->allocated + 7u) / 8u),
		.plane = (size_t)s->rows * s->cols,
		.samples = samples_of(s),
	};
	bool same;

	if (s->frames > FRAMES_MAX)
		return fault_set(f, ERR_LIMIT, "too many frames", FAULT_NO_OFFSET);
	if (has_embedded_overlay(d))
		return fault_set(f, ERR_UNSUPPORTED, "an overlay in compressed pixels",
				 FAULT_NO_OFFSET);
	if (count_regions(d, s, regions, count) > 0)
		return fault_set(f, ERR_UNSUPPORTED,
				 "a region cannot be blanked in compressed pixels",
				 FAULT_NO_OFFSET);
	enum err e = frames_clean(&frames, &same, &out->made, f);
	if (e != OK && f != NULL && f->at != FAULT_NO_OFFSET)
		f->at += (size_t)(o->pixels.at - d->in.at);
	if (same)
		buf_free(&out->made);
	out->view = same ? o->pixels : buf_bytes(&out->made);
	out->cut = o->pixels.len > out->view.len ? o->pixels.len - out->view.len : 0;
	return e;
}

enum err pixels_clean(const struct dset *d, const struct anon_object *object,
		      const struct pixel_region *regions, size_t region_count,
		      struct pixels_out *out, struct fault *f)
{
	*out = (struct pixels_out){.view = BYTES_NONE};
	struct shape s;

	if (!object->has_pixels)
		return OK;
	if (!read_shape(d, &s))
		return fault_tag(f, ERR_UNUSABLE,
				 "pixel data without Rows, Columns or Bits Allocated",
				 FAULT_NO_OFFSET, object->pixels_tag);
	return object->encapsulated
		       ? clean_encapsulated(d, object, &s, regions, region_count, out, f)
		       : clean_native(d, object, &s, regions, region_count, out, f);
}

void pixels_close(struct pixels_out *p)
{
	buf_free(&p->made);
}
