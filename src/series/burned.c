#include "series/burned.h"

#include "series/parts.h"

/* PS3.3 C.7.6.1.1.5.2 */
static const char *method_of(const struct syntax *s)
{
	struct bytes uid = bytes_str(s->uid);

	if (bytes_eq_str(uid, "1.2.840.10008.1.2.4.80") ||
	    bytes_eq_str(uid, "1.2.840.10008.1.2.4.81"))
		return "ISO_14495_1"; /* JPEG-LS */
	if (bytes_eq_str(uid, "1.2.840.10008.1.2.4.90") ||
	    bytes_eq_str(uid, "1.2.840.10008.1.2.4.91"))
		return "ISO_15444_1"; /* JPEG 2000 */
	return "ISO_10918_1";         /* JPEG */
}

static const char *term_of(enum photometric p)
{
	static const char *const terms[] = {
		[PHOTO_MONOCHROME1] = "MONOCHROME1", [PHOTO_MONOCHROME2] = "MONOCHROME2",
		[PHOTO_PALETTE] = "PALETTE COLOR",   [PHOTO_RGB] = "RGB",
		[PHOTO_YBR_FULL] = "YBR_FULL",       [PHOTO_YBR_FULL_422] = "YBR_FULL_422",
		[PHOTO_YBR_ICT] = "YBR_ICT",         [PHOTO_YBR_RCT] = "YBR_RCT",
	};

	return p == PHOTO_OTHER ? NULL : terms[p];
}

void burned_describe(const struct derive *v, struct buf *text)
{
	const struct burnin *b = v->burned;

	if (b == NULL || (!b->into_pixels && v->text_group == 0)) {
		buf_str(text, "pixel data unchanged");
		return;
	}
	if (!b->into_pixels) {
		buf_fmt(text, "a text as overlay %04X, pixel data unchanged", v->text_group);
		return;
	}
	buf_fmt(text, "pixel data %sunchanged outside of the text in columns %u-%u, rows %u-%u",
		b->native.decoded ? "decompressed, " : "", b->label.col + 1,
		b->label.col + b->label.cols, b->label.row + 1, b->label.row + b->label.rows);
}

bool burned_has_extremes(const struct derive *v)
{
	const struct image_format *m = &v->burned->native.format;
	const struct contrast *c = &v->burned->contrast;

	return m->samples == 1 && c->smallest >= (m->is_signed ? INT16_MIN : 0) &&
	       c->largest <= (m->is_signed ? INT16_MAX : UINT16_MAX);
}

/* Type 3; of the image as it is now.  A source that counts its padding among the values keeps to
 * that.
 */
static void extreme(struct derive *v, uint32_t tag, int64_t value, bool is_largest)
{
	const struct image_format *m = &v->burned->native.format;
	const struct elem *e = dset_find(v->d, NULL, tag);
	uint16_t old;

	if (e == NULL || !burned_has_extremes(v))
		return;
	if (dset_u16(v->d, NULL, tag, 0, &old)) {
		int64_t said = m->is_signed ? (int16_t)old : old;

		value = (is_largest ? said > value : said < value) ? said : value;
	}
	uint16_t bits = (uint16_t)value;
	build_u16(&v->b, tag, m->is_signed ? VR_SS : VR_US, &bits, 1);
}

/* What the new pixels are (PS3.3 C.7.6.3). */
static void decoded_pixels(struct derive *v)
{
	const struct image_format *m = &v->burned->native.format;
	const char *term = term_of(m->photometric);

	parts_u16(&v->b, TAG_SamplesPerPixel, m->samples);
	if (term != NULL)
		build_str(&v->b, TAG_PhotometricInterpretation, VR_CS, term);
	if (m->samples > 1)
		parts_u16(&v->b, TAG_PlanarConfiguration, m->planar);
	parts_u16(&v->b, TAG_BitsAllocated, m->bits_allocated);
	parts_u16(&v->b, TAG_BitsStored, m->bits_stored);
	parts_u16(&v->b, TAG_HighBit, m->high_bit);
	parts_u16(&v->b, TAG_PixelRepresentation, m->is_signed);
}

/* Once lossy, always lossy: C.7.6.1.1.5.  What the source says of it already stays. */
static void lossy(struct derive *v)
{
	const struct elem *e = dset_find(v->d, NULL, TAG_PixelData);
	const struct elem *next = dset_next(v->d, NULL, e);
	uint64_t end = next == NULL ? v->d->end : next->at - next->head;
	double ratio = (double)v->burned->native.data.len / (double)(end - e->at);

	if (bytes_eq_str(dset_text(v->d, NULL, TAG_LossyImageCompression), "01"))
		return;
	build_str(&v->b, TAG_LossyImageCompression, VR_CS, "01");
	build_ds(&v->b, TAG_LossyImageCompressionRatio, ratio);
	build_str(&v->b, TAG_LossyImageCompressionMethod, VR_CS, method_of(v->d->syntax));
}

void burned_elements(struct derive *v)
{
	const struct burnin *b = v->burned;

	if (b == NULL || !b->into_pixels)
		return;
	if (b->native.decoded)
		decoded_pixels(v);
	extreme(v, TAG_SmallestImagePixelValue, b->contrast.smallest, false);
	extreme(v, TAG_LargestImagePixelValue, b->contrast.largest, true);
	if (b->native.lossy)
		lossy(v);
}
