/*
 * How the pixels of an image are written (Image Pixel Description, PS3.3 C.7.6.3.1.1 to
 * C.7.6.3.1.4), as its data set says.
 */
#ifndef IMAGE_FORMAT_H
#define IMAGE_FORMAT_H

#include "dicom/dset.h"

enum photometric {
	PHOTO_MONOCHROME1,
	PHOTO_MONOCHROME2,
	PHOTO_PALETTE,
	PHOTO_RGB,
	PHOTO_YBR_FULL,
	PHOTO_YBR_FULL_422,
	PHOTO_YBR_ICT,
	PHOTO_YBR_RCT,
	PHOTO_OTHER, /* YBR_PARTIAL_420, HSV, ...: nothing here reads it */
};

struct image_format {
	uint32_t rows, cols;            /* 1..65535 */
	uint32_t frames;                /* 1.. */
	uint16_t samples;               /* Samples per Pixel: 1 or 3 */
	uint16_t bits_allocated;        /* 1, 8, 16 or 32 */
	uint16_t bits_stored, high_bit; /* bits_stored <= high_bit + 1 <= bits_allocated */
	bool is_signed;
	bool planar; /* Planar Configuration 1: a plane of each sample after the other */
	enum photometric photometric;
};

/* ERR_UNUSABLE: an attribute is missing or senseless; ERR_UNSUPPORTED: other samples or bits than
 * above; ERR_LIMIT: over LIMIT_IMAGE_PIXELS a frame.  f->tag says which attribute.  No Number of
 * Frames is one, no Planar Configuration is 0; one sample a pixel is never planar. */
enum err image_format_read(struct image_format *out, const struct dset *d,
			   struct fault *f) MUST_USE;
/* Bytes of one native frame, of all frames; without the padding to even length.  1 bit allocated:
 * frames follow each other bit by bit (PS3.5 8.1.1), so only the second means something.
 * YBR_FULL_422 has two samples a pixel.  No image of a real file overflows; that of a made-up one
 * has UINT64_MAX bytes. */
uint64_t image_frame_bytes(const struct image_format *format);
uint64_t image_bytes(const struct image_format *format);

static inline uint64_t image_cell(const struct image_format *format, const uint8_t *data,
				  size_t index)
{
	switch (format->bits_allocated) {
	case 1:
		return data[index / 8] >> (index % 8) & 1u;
	case 8:
		return data[index];
	case 16:
		return (uint64_t)(data[2 * index] | data[2 * index + 1] << 8);
	default:
		return get_u32le(data + 4 * index);
	}
}

/*
 * Sample `index` of native little endian pixels as a stored value (PS3.5 8.1.1).  Its Bits Stored
 * bits end at High Bit, and what is above or below them in the cell may be anything (old overlays,
 * say).  Two shifts cut it out and extend the sign on the way.
 */
static inline int64_t image_value(const struct image_format *format, const uint8_t *data,
				  size_t index)
{
	uint64_t high = image_cell(format, data, index) << (63 - format->high_bit);
	unsigned down = 64u - format->bits_stored;

	/* Right shifts of negative numbers are arithmetic in every compiler this is built with. */
	return format->is_signed ? (int64_t)high >> down : (int64_t)(high >> down);
}

#endif
