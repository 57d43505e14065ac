#include "series/burned.h"

#include "image/decoded.h"

void burned_describe(const struct derive *v, struct buf *text)
{
	const struct burnin *b = v->burned;
	bool into = b != NULL && b->into_pixels, cleaned = v->series->pixels_cleaned;
	bool decoded = v->series->pixels_decoded || (into && b->native.decoded);

	if (b != NULL && !into && v->text_group != 0)
		buf_fmt(text, "a text as overlay %04X, ", v->text_group);
	buf_fmt(text, "pixel data %s%s", decoded ? "decompressed, " : "",
		cleaned ? "cleaned, otherwise " : "");
	buf_str(text, "unchanged");
	if (into)
		buf_fmt(text, " outside of the text in columns %u-%u, rows %u-%u", b->label.col + 1,
			b->label.col + b->label.cols, b->label.row + 1,
			b->label.row + b->label.rows);
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

void burned_elements(struct derive *v)
{
	const struct burnin *b = v->burned;

	if (b == NULL || !b->into_pixels)
		return;
	if (b->native.decoded)
		decoded_format(&v->b, &b->native.format);
	extreme(v, TAG_SmallestImagePixelValue, b->contrast.smallest, false);
	extreme(v, TAG_LargestImagePixelValue, b->contrast.largest, true);
	decoded_lossy(&v->b, &b->native, v->d);
}
