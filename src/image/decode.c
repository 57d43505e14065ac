/*
 * Where the pixels lie, in which order their bytes are, and who decodes them.
 *
 * Little endian pixels are a view of the source.  Everything else gets a mapping of its own, and
 * compressed frames are decoded into it one after the other.  Of the streams that are called JPEG
 * the frame header says which decoder is meant, not the transfer syntax: it cannot be wrong.
 */
#include "image/decode.h"

#include <string.h>
#include <sys/mman.h>

#include "base/limits.h"
#include "dicom/deflate.h"
#include "dicom/jpeg_marker.h"
#include "dicom/jpegll.h"
#include "dicom/jpegls.h"
#include "dicom/rle.h"
#include "image/fragments.h"
#include "image/j2k.h"
#include "image/jpeg_read.h"

enum codec { CODEC_NONE, CODEC_RLE, CODEC_JPEG, CODEC_J2K, CODEC_PLAIN, CODEC_DEFLATE };

static const struct {
	const char *uid;
	enum codec codec;
} codecs[] = {
	{"1.2.840.10008.1.2.5", CODEC_RLE},      {"1.2.840.10008.1.2.4.50", CODEC_JPEG},
	{"1.2.840.10008.1.2.4.51", CODEC_JPEG},  {"1.2.840.10008.1.2.4.53", CODEC_JPEG},
	{"1.2.840.10008.1.2.4.55", CODEC_JPEG},  {"1.2.840.10008.1.2.4.57", CODEC_JPEG},
	{"1.2.840.10008.1.2.4.70", CODEC_JPEG},  {"1.2.840.10008.1.2.4.80", CODEC_JPEG},
	{"1.2.840.10008.1.2.4.81", CODEC_JPEG},  {"1.2.840.10008.1.2.4.90", CODEC_J2K},
	{"1.2.840.10008.1.2.4.91", CODEC_J2K},   {"1.2.840.10008.1.2.4.92", CODEC_J2K},
	{"1.2.840.10008.1.2.4.93", CODEC_J2K},   {"1.2.840.10008.1.2.4.201", CODEC_J2K},
	{"1.2.840.10008.1.2.4.202", CODEC_J2K},  {"1.2.840.10008.1.2.4.203", CODEC_J2K},
	{"1.2.840.10008.1.2.1.98", CODEC_PLAIN}, {"1.2.840.10008.1.2.8.1", CODEC_DEFLATE},
};

static enum codec codec_of(const struct syntax *syntax)
{
	for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++) {
		if (bytes_eq_str(bytes_str(syntax->uid), codecs[i].uid))
			return codecs[i].codec;
	}
	return CODEC_NONE;
}

/* A mapping of image_bytes() of n->format, zero. */
static enum err own(struct native *n, uint8_t **to, struct fault *f)
{
	uint64_t len = image_bytes(&n->format);

	if (len > LIMIT_NATIVE_BYTES) {
		fault_tag(f, ERR_LIMIT, "the decoded pixels would be too many bytes",
			  FAULT_NO_OFFSET, TAG_PixelData);
		return ERR_LIMIT;
	}
	void *at =
		mmap(NULL, (size_t)len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED) {
		fault_set(f, ERR_NOMEM, "no memory for decoded pixels", FAULT_NO_OFFSET);
		return ERR_NOMEM;
	}
	n->owned = at;
	n->owned_len = (size_t)len;
	n->data = bytes_of(at, (size_t)len);
	*to = at;
	return OK;
}

/* ---- Native ---- */

/*
 * OW is words of two bytes, whatever the samples in them are: a sample of 32 bits is two words, the
 * lower one first, and two samples of 8 bits are one (PS3.5 8.1.1 and 7.3).  OB has no byte order,
 * OL has words of four bytes.
 */
static size_t word_len(const struct fragments *s, const struct syntax *syntax)
{
	if (!syntax->pixels_big_endian)
		return 1;
	if (s->vr == VR_OL)
		return 4;
	return s->vr == VR_OB ? 1 : 2;
}

static void swap(uint8_t *to, struct bytes from, size_t len, size_t word)
{
	for (size_t i = 0; i < len; i++) {
		size_t other = i ^ (word - 1);

		to[i] = other < from.len ? from.at[other] : 0;
	}
}

static enum err open_native(struct native *n, const struct fragments *s,
			    const struct syntax *syntax, struct fault *f)
{
	uint64_t len = image_bytes(&n->format);
	size_t word = word_len(s, syntax);
	uint8_t *to = NULL;

	if (s->value.len < len)
		return fault_tag(f, ERR_UNUSABLE, "the pixels are fewer than the image has", s->at,
				 TAG_PixelData);
	n->at = s->at;
	n->word = (unsigned)word;
	if (word == 1) {
		n->data = bytes_slice(s->value, 0, (size_t)len);
		return OK;
	}
	enum err e = own(n, &to, f);
	if (e == OK)
		swap(to, s->value, n->owned_len, word);
	return e;
}

/* ---- Compressed ---- */

struct decoding {
	enum codec codec;
	struct image_format *format;
	struct frame frame;
	uint8_t process; /* of the JPEG streams so far: their frame header's marker; 0: none yet */
	bool lossy, to_rgb;
};

/* Bits that signed codes lack above their own, as every reader of native pixels expects them. */
static void extend_signs(const struct decoding *d, uint8_t *to, unsigned precision)
{
	size_t count = (size_t)d->frame.rows * d->frame.cols * d->frame.samples;
	uint32_t sign = 1u << (precision - 1);

	for (size_t i = 0; i < count; i++) {
		if (d->frame.sample_bytes == 1)
			to[i] = (uint8_t)((to[i] ^ sign) - sign);
		else if (d->frame.sample_bytes == 4)
			put_u32le(to + 4 * i, (get_u32le(to + 4 * i) ^ sign) - sign);
		else
			put_u16le(to + 2 * i, (uint16_t)((get_u16le(to + 2 * i) ^ sign) - sign));
	}
}

static enum err decode_jpeg(struct decoding *d, struct bytes stream, uint8_t *to, struct fault *f)
{
	struct jpeg_frame h;
	unsigned near = 0;
	enum err e = jpeg_find_frame(stream, &h, f);

	if (e != OK)
		return e;
	if (h.marker == JPEG_SOF0 || h.marker == JPEG_SOF2)
		h.marker = JPEG_SOF1; /* it is all the same to libjpeg */
	if (d->process != 0 && d->process != h.marker)
		return fault_set(f, ERR_UNSUPPORTED, "frames of different JPEG processes", h.at);
	d->process = h.marker;
	if (d->frame.sample_bytes > 2)
		return fault_tag(f, ERR_UNSUPPORTED, "JPEG samples of 32 bits", FAULT_NO_OFFSET,
				 TAG_BitsAllocated);
	switch (h.marker) {
	case JPEG_SOF1:
		d->lossy = true;
		d->to_rgb = d->format->photometric == PHOTO_YBR_FULL;
		e = jpeg_read(stream, &d->frame, h.precision, d->to_rgb, to, f);
		break;
	case JPEG_SOF3:
		e = jpegll_decode(stream, &d->frame, to, f);
		break;
	case JPEG_SOF55:
		e = jpegls_decode(stream, &d->frame, to, &near, f);
		d->lossy = d->lossy || near > 0;
		break;
	default:
		return fault_set(f, ERR_UNSUPPORTED, "a JPEG process that is not decoded here",
				 h.at);
	}
	if (e == OK && d->format->is_signed && h.precision < 8 * d->frame.sample_bytes)
		extend_signs(d, to, h.precision);
	return e;
}

static enum err decode_j2k(struct decoding *d, struct bytes stream, uint8_t *to, struct fault *f)
{
	struct j2k_head h;
	enum err e = j2k_head(stream, &h, f);

	if (e == OK)
		e = j2k_decode(stream, &h, &d->frame, to, f);
	if (e != OK)
		return e;
	d->lossy = d->lossy || h.irreversible;
	if (d->format->is_signed && h.precision < 8 * d->frame.sample_bytes)
		extend_signs(d, to, h.precision);
	return OK;
}

/* Frames that are not compressed, or by deflate alone (PS3.5 A.4.11, A.4.12). */
static enum err decode_plain(const struct decoding *d, struct bytes stream, uint8_t *to,
			     struct fault *f)
{
	size_t len = (size_t)image_frame_bytes(d->format), inflated_len = 0, map_len = 0;
	void *map = NULL;
	enum err e = OK;

	if (d->codec == CODEC_DEFLATE) {
		e = deflate_expand(stream, &map, &map_len, &inflated_len, f);
		stream = bytes_of(map, inflated_len);
	}
	if (e == OK && stream.len < len)
		e = fault_set(f, ERR_WIRE, "a frame is cut short", FAULT_NO_OFFSET);
	if (e == OK)
		memcpy(to, stream.at, len);
	deflate_free(map, map_len);
	return e;
}

static enum err decode_frame(struct decoding *d, struct bytes stream, uint8_t *to, struct fault *f)
{
	switch (d->codec) {
	case CODEC_RLE:
		return rle_decode(stream, &d->frame, to, f);
	case CODEC_JPEG:
		return decode_jpeg(d, stream, to, f);
	case CODEC_PLAIN:
	case CODEC_DEFLATE:
		return decode_plain(d, stream, to, f);
	case CODEC_J2K:
		return decode_j2k(d, stream, to, f);
	case CODEC_NONE:
		break;
	}
	return fault_set(f, ERR_UNSUPPORTED, "pixels compressed in a way that is not decoded here",
			 FAULT_NO_OFFSET);
}

/* Samples of a pixel lie together in what decoders make, each at its full resolution. */
static void describe_decoded(struct image_format *o, enum codec codec)
{
	if (codec == CODEC_PLAIN || codec == CODEC_DEFLATE)
		return;
	o->planar = false;
	if (o->photometric == PHOTO_YBR_FULL_422)
		o->photometric = PHOTO_YBR_FULL;
	if (o->photometric == PHOTO_YBR_ICT || o->photometric == PHOTO_YBR_RCT)
		o->photometric = PHOTO_RGB;
}

static enum err open_compressed(struct native *n, struct fragments *s, const struct syntax *syntax,
				struct fault *f)
{
	struct decoding d = {.codec = codec_of(syntax), .format = &n->format};
	uint8_t *to = NULL;

	if (d.codec == CODEC_NONE)
		return fault_tag(f, ERR_UNSUPPORTED,
				 "pixels compressed in a way that is not decoded here", s->at,
				 TAG_PixelData);
	if (n->format.bits_allocated < 8)
		return fault_tag(f, ERR_UNSUPPORTED, "compressed pixels of one bit",
				 FAULT_NO_OFFSET, TAG_BitsAllocated);
	d.frame = (struct frame){.rows = n->format.rows,
				 .cols = n->format.cols,
				 .samples = n->format.samples,
				 .sample_bytes = n->format.bits_allocated / 8u};
	describe_decoded(&n->format, d.codec);
	enum err e = own(n, &to, f);
	size_t len = (size_t)image_frame_bytes(&n->format);
	for (uint32_t i = 0; e == OK && i < n->format.frames; i++) {
		struct bytes stream;

		e = fragments_frame(s, i, &stream, f);
		if (e != OK)
			return e;
		e = decode_frame(&d, stream, to + i * len, f);
		if (e != OK && f != NULL)
			f->at = fragments_place(s, i, f->at == FAULT_NO_OFFSET ? 0 : f->at);
	}
	n->decoded = true;
	n->lossy = d.lossy;
	if (d.to_rgb)
		n->format.photometric = PHOTO_RGB;
	return e;
}

enum err native_open(struct native *n, const struct part10 *p, const struct dset *d,
		     struct fault *f)
{
	struct fragments s = {0};

	*n = (struct native){0};
	if (p->syntax_unknown)
		return fault_set(f, ERR_UNSUPPORTED, "pixels in an unknown transfer syntax",
				 FAULT_NO_OFFSET);
	enum err e = image_format_read(&n->format, d, f);
	if (e == OK)
		e = fragments_open(&s, d, n->format.frames, f);
	if (e == OK && s.encapsulated != p->syntax->encapsulated)
		e = fault_tag(f, ERR_WIRE,
			      "pixels that are not written as their transfer syntax says", s.at,
			      TAG_PixelData);
	if (e == OK)
		e = s.encapsulated ? open_compressed(n, &s, p->syntax, f)
				   : open_native(n, &s, p->syntax, f);
	fragments_close(&s);
	return e;
}

void native_close(struct native *n)
{
	if (n->owned != NULL)
		munmap(n->owned, n->owned_len);
	*n = (struct native){0};
}
