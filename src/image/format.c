#include "image/format.h"

#include "base/limits.h"

static const struct {
	const char *term;
	enum photometric value;
} terms[] = {
	{"MONOCHROME2", PHOTO_MONOCHROME2},
	{"MONOCHROME1", PHOTO_MONOCHROME1},
	{"RGB", PHOTO_RGB},
	{"PALETTE COLOR", PHOTO_PALETTE},
	{"YBR_FULL", PHOTO_YBR_FULL},
	{"YBR_FULL_422", PHOTO_YBR_FULL_422},
	{"YBR_ICT", PHOTO_YBR_ICT},
	{"YBR_RCT", PHOTO_YBR_RCT},
};

static enum photometric photometric_of(struct bytes term)
{
	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
		if (bytes_eq_str(term, terms[i].term))
			return terms[i].value;
	}
	return PHOTO_OTHER;
}

static enum err missing(uint32_t tag, struct fault *f)
{
	return fault_tag(f, ERR_UNUSABLE, "an attribute of the pixels is missing or is no number",
			 FAULT_NO_OFFSET, tag);
}

static enum err senseless(uint32_t tag, struct fault *f)
{
	return fault_tag(f, ERR_UNUSABLE, "an attribute of the pixels makes no sense",
			 FAULT_NO_OFFSET, tag);
}

/* Rows, Columns, Number of Frames. */
static enum err read_size(struct image_format *o, const struct dset *d, struct fault *f)
{
	uint16_t rows, cols;
	int64_t frames = 1;

	if (!dset_u16(d, NULL, TAG_Rows, 0, &rows))
		return missing(TAG_Rows, f);
	if (!dset_u16(d, NULL, TAG_Columns, 0, &cols))
		return missing(TAG_Columns, f);
	if (rows == 0)
		return senseless(TAG_Rows, f);
	if (cols == 0)
		return senseless(TAG_Columns, f);
	if (dset_text(d, NULL, TAG_NumberOfFrames).len > 0 &&
	    !dset_is(d, NULL, TAG_NumberOfFrames, 0, &frames))
		return missing(TAG_NumberOfFrames, f);
	if (frames < 1 || frames > UINT32_MAX)
		return senseless(TAG_NumberOfFrames, f);
	if ((uint64_t)rows * cols > LIMIT_IMAGE_PIXELS)
		return fault_tag(f, ERR_LIMIT, "the image has too many pixels", FAULT_NO_OFFSET,
				 TAG_Rows);
	o->rows = rows;
	o->cols = cols;
	o->frames = (uint32_t)frames;
	return OK;
}

/* Bits Allocated, Bits Stored, High Bit, Pixel Representation. */
static enum err read_bits(struct image_format *o, const struct dset *d, struct fault *f)
{
	uint16_t is_signed;

	if (!dset_u16(d, NULL, TAG_BitsAllocated, 0, &o->bits_allocated))
		return missing(TAG_BitsAllocated, f);
	if (!dset_u16(d, NULL, TAG_BitsStored, 0, &o->bits_stored))
		return missing(TAG_BitsStored, f);
	if (!dset_u16(d, NULL, TAG_HighBit, 0, &o->high_bit))
		return missing(TAG_HighBit, f);
	if (!dset_u16(d, NULL, TAG_PixelRepresentation, 0, &is_signed))
		return missing(TAG_PixelRepresentation, f);
	switch (o->bits_allocated) {
	case 1:
	case 8:
	case 16:
	case 32:
		break;
	default:
		return fault_tag(f, ERR_UNSUPPORTED, "pixels of this many bits are not read here",
				 FAULT_NO_OFFSET, TAG_BitsAllocated);
	}
	if (o->bits_stored == 0 || o->bits_stored > o->bits_allocated)
		return senseless(TAG_BitsStored, f);
	if (o->high_bit >= o->bits_allocated || o->high_bit + 1 < o->bits_stored)
		return senseless(TAG_HighBit, f);
	if (is_signed > 1)
		return senseless(TAG_PixelRepresentation, f);
	o->is_signed = is_signed == 1;
	return OK;
}

/* Samples per Pixel, Photometric Interpretation, Planar Configuration. */
static enum err read_color(struct image_format *o, const struct dset *d, struct fault *f)
{
	struct bytes term = dset_text_nth(d, NULL, TAG_PhotometricInterpretation, 0);
	uint16_t planar = 0;

	if (!dset_u16(d, NULL, TAG_SamplesPerPixel, 0, &o->samples))
		return missing(TAG_SamplesPerPixel, f);
	if (o->samples == 0)
		return senseless(TAG_SamplesPerPixel, f);
	if ((o->samples != 1 && o->samples != 3) || (o->samples == 3 && o->bits_allocated == 1))
		return fault_tag(f, ERR_UNSUPPORTED,
				 "pixels of this many samples are not read here", FAULT_NO_OFFSET,
				 TAG_SamplesPerPixel);
	if (term.len == 0)
		return missing(TAG_PhotometricInterpretation, f);
	o->photometric = photometric_of(term);

	bool gray = o->photometric == PHOTO_MONOCHROME1 || o->photometric == PHOTO_MONOCHROME2 ||
		    o->photometric == PHOTO_PALETTE;
	if (o->photometric != PHOTO_OTHER && gray != (o->samples == 1))
		return senseless(TAG_PhotometricInterpretation, f);
	if (o->samples > 1) {
		(void)dset_u16(d, NULL, TAG_PlanarConfiguration, 0, &planar);
		if (planar > 1)
			return senseless(TAG_PlanarConfiguration, f);
	}
	o->planar = planar == 1;
	return OK;
}

enum err image_format_read(struct image_format *out, const struct dset *d, struct fault *f)
{
	struct image_format made = {0};
	enum err e = read_size(&made, d, f);

	if (e == OK)
		e = read_bits(&made, d, f);
	if (e == OK)
		e = read_color(&made, d, f);
	if (e == OK)
		*out = made;
	return e;
}

/* At most 2^28 pixels of 12 bytes. */
static uint64_t frame_bits(const struct image_format *o)
{
	uint64_t pixels = (uint64_t)o->rows * o->cols;

	/* PS3.3 C.7.6.3.1.2: two luminances share a pair of colour differences */
	if (o->photometric == PHOTO_YBR_FULL_422)
		return pixels * 2 * o->bits_allocated;
	return pixels * o->samples * o->bits_allocated;
}

uint64_t image_frame_bytes(const struct image_format *format)
{
	return (frame_bits(format) + 7) / 8;
}

uint64_t image_bytes(const struct image_format *format)
{
	uint64_t bits;

	if (__builtin_mul_overflow(frame_bits(format), (uint64_t)format->frames, &bits))
		return UINT64_MAX;
	return bits / 8 + (bits % 8 != 0);
}
