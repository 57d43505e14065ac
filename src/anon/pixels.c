#include "anon/pixels.h"

#include <string.h>

#include "anon/codestream.h"

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
	uint64_t samples_all; /* samples of all frames */
	size_t bytes;         /* of all frames, unpadded */
	bool big_endian, has_padding;
	uint16_t padding; /* Pixel Padding Value, as stored */
};

static bool read_shape(const struct dset *d, struct shape *s)
{
	int64_t frames = 1;
	size_t bits;

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
	s->has_padding = dset_u16(d, NULL, TAG_PixelPaddingValue, 0, &s->padding);
	s->big_endian = d->syntax->pixels_big_endian;
	if (frames < 1 || frames > INT32_MAX || s->samples == 0 || s->allocated == 0)
		return false;
	s->frames = (uint32_t)frames;
	s->samples_all = (uint64_t)s->rows * s->cols * s->samples;
	if (!size_mul((size_t)s->samples_all, s->frames, &bits))
		return false;
	s->samples_all = bits;
	if (!size_mul(bits, s->allocated, &bits))
		return false;
	s->bytes = (bits + 7) / 8;
	return true;
}

/* 16-bit samples: the stored bits alone, with the sign above them where samples are signed. */
static uint16_t plain_sample(const struct shape *s, uint16_t v)
{
	unsigned low = s->high + 1u - s->stored;
	uint32_t mask = ((1u << s->stored) - 1u) << low;
	uint32_t kept = v & mask;

	if (s->has_padding && v == s->padding)
		return v;
	if (s->representation == 1 && low == 0 && (kept >> s->high & 1u) != 0)
		kept |= ~mask & 0xFFFFu;
	return (uint16_t)kept;
}

static uint16_t get_sample(const struct shape *s, const uint8_t *p)
{
	return s->big_endian ? get_u16be(p) : get_u16le(p);
}

static bool has_foreign_bits(const struct shape *s, struct bytes value)
{
	if (s->allocated != 16 || s->stored >= 16 || s->stored == 0 || s->high >= 16 ||
	    s->high + 1u < s->stored)
		return false;
	for (size_t at = 0; at + 1 < value.len; at += 2)
		if (plain_sample(s, get_sample(s, value.at + at)) != get_sample(s, value.at + at))
			return true;
	return false;
}

static void clear_bits(const struct shape *s, uint8_t *at, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2) {
		uint16_t v = plain_sample(s, get_sample(s, at + i));

		if (s->big_endian)
			put_u16be(at + i, v);
		else
			put_u16le(at + i, v);
	}
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

static enum err clean_native(const struct dset *d, const struct anon_object *o,
			     const struct pixel_region *regions, size_t count,
			     struct pixels_out *out, struct fault *f)
{
	struct bytes value = bytes_slice(o->pixels, o->pixels_head, o->pixels.len - o->pixels_head);
	struct shape s;

	if (!read_shape(d, &s))
		return fault_tag(f, ERR_UNUSABLE,
				 "pixel data without Rows, Columns or Bits Allocated",
				 FAULT_NO_OFFSET, TAG_PixelData);
	out->regions = count_regions(d, &s, regions, count);
	if (out->regions > 0 && s.allocated % 8 != 0)
		return fault_set(f, ERR_UNSUPPORTED, "a region cannot be blanked in such samples",
				 FAULT_NO_OFFSET);
	size_t want = s.bytes + s.bytes % 2, len = value.len < want ? value.len : want;
	/* the last byte of an odd image is padding: it says nothing */
	bool tail = value.len > want || (len > s.bytes && value.at[len - 1] != 0);
	out->bits_cleared = has_foreign_bits(&s, bytes_slice(value, 0, len));
	out->cut = value.len - len;
	if (out->regions > 0 && value.len < s.bytes)
		return fault_tag(f, ERR_UNUSABLE, "pixel data is shorter than its image",
				 FAULT_NO_OFFSET, TAG_PixelData);
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
	uint8_t *at = out->made.at + o->pixels_head, *length = at - 4;
	if (out->bits_cleared)
		clear_bits(&s, at, len);
	for (size_t i = 0; i < count; i++)
		if (is_for(&regions[i], d, &s))
			fill(&regions[i], &s, at);
	if (len > s.bytes)
		at[len - 1] = 0;
	if (o->pixels_head == 8 && d->syntax->explicit_vr) { /* a short form has no 32-bit length */
		length = at - 2;
		if (d->syntax->big_endian)
			put_u16be(length, (uint16_t)len);
		else
			put_u16le(length, (uint16_t)len);
	} else if (d->syntax->big_endian) {
		put_u32be(length, (uint32_t)len);
	} else {
		put_u32le(length, (uint32_t)len);
	}
	out->view = buf_bytes(&out->made);
	return OK;
}

/* ---- encapsulated pixel data ---- */

typedef enum err clean_stream(struct bytes stream, struct buf *out, struct fault *f);

static enum err rle_clean(struct bytes s, struct buf *out, struct fault *f)
{
	/* PS3.5 G.5: up to 15 segments, told by the header; nothing between them is looked at */
	if (s.len < 64 || get_u32le(s.at) > 15)
		return fault_set(f, ERR_WIRE, "an RLE frame without its header", 0);
	buf_add(out, s);
	return out->failed ? fault_set(f, ERR_NOMEM, "no memory for pixel data", 0) : OK;
}

static clean_stream *cleaner_of(const struct syntax *syntax)
{
	struct bytes uid = bytes_str(syntax->uid);
	static const char jpeg[] = "1.2.840.10008.1.2.4.", rle[] = "1.2.840.10008.1.2.5";

	if (bytes_eq_str(uid, rle))
		return rle_clean;
	if (uid.len < sizeof(jpeg) || memcmp(uid.at, jpeg, sizeof(jpeg) - 1) != 0)
		return NULL;
	struct bytes number = bytes_slice(uid, sizeof(jpeg) - 1, uid.len - sizeof(jpeg) + 1);
	if (number.len == 2 && number.at[0] >= '5' && number.at[0] <= '8')
		return jpeg_clean;
	if ((number.len == 2 && number.at[0] == '9' && number.at[1] <= '3') ||
	    (number.len == 3 && number.at[0] == '2' && number.at[2] <= '3'))
		return j2k_clean;
	return NULL;
}

static void put_fragment(struct buf *out, struct bytes stream)
{
	uint8_t head[8] = {0xFE, 0xFF, 0x00, 0xE0};

	put_u32le(head + 4, (uint32_t)(stream.len + stream.len % 2));
	buf_add(out, bytes_of(head, sizeof(head)));
	buf_add(out, stream);
	if (stream.len % 2 != 0)
		buf_char(out, '\0');
}

/* All fragments one after the other, without the offset table. */
static enum err join(const struct dset *d, const struct anon_object *o, struct buf *out,
		     uint32_t *count, struct fault *f)
{
	struct walk w;
	struct token t;
	enum err e;
	uint32_t n = 0;

	walk_init(&w, o->pixels, d->syntax);
	while ((e = walk_next(&w, &t, f)) == OK) {
		if (t.kind != TOK_FRAGMENT)
			continue;
		if (n++ > 0 && out != NULL)
			buf_add(out, t.value);
	}
	*count = n > 0 ? n - 1 : 0;
	return e == ERR_MORE ? OK : e;
}

/* One fragment for each frame: those of one frame in several fragments are joined. */
static enum err clean_frames(const struct dset *d, const struct anon_object *o, uint32_t frames,
			     clean_stream *clean, struct buf *made, struct fault *f)
{
	struct buf one = BUF_INIT(2 * o->pixels.len + 64), all = BUF_INIT(2 * o->pixels.len + 64);
	uint32_t fragments, n = 0;
	struct walk w;
	struct token t;
	enum err e = join(d, o, NULL, &fragments, f);

	if (e == OK && frames == 1 && fragments > 1) {
		e = join(d, o, &all, &fragments, f);
		if (e == OK)
			e = clean(buf_bytes(&all), &one, f);
		if (e == OK)
			put_fragment(made, buf_bytes(&one));
		goto done;
	}
	if (e == OK && fragments != frames)
		e = fault_tag(f, ERR_UNUSABLE, "it cannot be told which fragments make a frame",
			      FAULT_NO_OFFSET, TAG_PixelData);
	walk_init(&w, o->pixels, d->syntax);
	while (e == OK && (e = walk_next(&w, &t, f)) == OK) {
		if (t.kind != TOK_FRAGMENT || n++ == 0)
			continue;
		buf_free(&one);
		e = clean(t.value, &one, f);
		if (e == OK)
			put_fragment(made, buf_bytes(&one));
	}
	if (e == ERR_MORE)
		e = OK;
done:
	buf_free(&one);
	buf_free(&all);
	return e;
}

static enum err clean_encapsulated(const struct dset *d, const struct anon_object *o,
				   const struct pixel_region *regions, size_t count,
				   struct pixels_out *out, struct fault *f)
{
	static const uint8_t no_table[8] = {0xFE, 0xFF, 0x00, 0xE0};
	static const uint8_t end[8] = {0xFE, 0xFF, 0xDD, 0xE0};
	clean_stream *clean = cleaner_of(d->syntax);
	struct shape s;

	if (clean == NULL)
		return fault_set(f, ERR_UNUSABLE,
				 "pixel data of this transfer syntax cannot be looked through",
				 FAULT_NO_OFFSET);
	if (!read_shape(d, &s) || s.frames > FRAMES_MAX)
		return fault_tag(f, ERR_UNUSABLE,
				 "pixel data without Rows, Columns or Bits Allocated",
				 FAULT_NO_OFFSET, TAG_PixelData);
	if (count_regions(d, &s, regions, count) > 0)
		return fault_set(f, ERR_UNSUPPORTED,
				 "a region cannot be blanked in compressed pixels",
				 FAULT_NO_OFFSET);
	out->made = BUF_INIT(2 * o->pixels.len + 64);
	buf_add(&out->made, bytes_slice(o->pixels, 0, o->pixels_head));
	buf_add(&out->made, bytes_of(no_table, sizeof(no_table)));
	enum err e = clean_frames(d, o, s.frames, clean, &out->made, f);
	buf_add(&out->made, bytes_of(end, sizeof(end)));
	if (e == OK && out->made.failed)
		e = fault_set(f, ERR_NOMEM, "the pixel data does not fit in memory",
			      FAULT_NO_OFFSET);
	out->view = buf_bytes(&out->made);
	out->cut = o->pixels.len > out->view.len ? o->pixels.len - out->view.len : 0;
	return e;
}

enum err pixels_clean(const struct dset *d, const struct anon_object *object,
		      const struct pixel_region *regions, size_t region_count,
		      struct pixels_out *out, struct fault *f)
{
	*out = (struct pixels_out){.view = BYTES_NONE};
	if (!object->has_pixels)
		return OK;
	return object->encapsulated ? clean_encapsulated(d, object, regions, region_count, out, f)
				    : clean_native(d, object, regions, region_count, out, f);
}

void pixels_close(struct pixels_out *p)
{
	buf_free(&p->made);
}
