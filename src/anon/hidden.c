#include "anon/hidden.h"

#include "base/limits.h"
#include "dicom/jpegll.h"
#include "dicom/jpegls.h"
#include "dicom/rle.h"
#include "image/j2k.h"
#include "image/jpeg_read.h"

#define SOF3 0xC3u  /* lossless */
#define SOF55 0xF7u /* JPEG-LS */

bool sample_has_spare_bits(const struct sample_shape *s)
{
	return (s->allocated == 8 || s->allocated == 16 || s->allocated == 32) && s->stored > 0 &&
	       s->stored < s->allocated && s->high < s->allocated && s->high + 1u >= s->stored;
}

uint32_t sample_plain(const struct sample_shape *s, uint32_t v)
{
	unsigned low = s->high + 1u - s->stored;
	uint32_t all = s->allocated == 32 ? UINT32_MAX : (1u << s->allocated) - 1;
	uint32_t mask = ((1u << s->stored) - 1) << low, kept = v & mask;

	if (s->has_padding && v == s->padding)
		return v;
	if (s->is_signed && low == 0 && (kept >> s->high & 1u) != 0)
		kept |= ~mask & all;
	return kept;
}

/* Bits of a sample as the stream says, and of a JPEG one the process (its SOF marker). */
struct precision {
	unsigned bits;
	uint8_t sof;
};

static bool jpeg_precision(struct bytes s, struct precision *p)
{
	for (size_t at = 2; at + 5 <= s.len && s.at[at] == 0xFF;) {
		uint8_t marker = s.at[at + 1];

		if (marker == 0xFF) {
			at++;
			continue;
		}
		if (marker == SOF55 || (marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 &&
					marker != 0xC8 && marker != 0xCC)) {
			*p = (struct precision){s.at[at + 4], marker};
			return true;
		}
		if (marker == 0xDA)
			return false;
		at += 2u + get_u16be(s.at + at + 2);
	}
	return false;
}

/* The most bits of any component of a JPEG 2000 codestream (T.800 A.5.1: SIZ comes first). */
static bool j2k_precision(struct bytes s, struct precision *p)
{
	const size_t head = 2 + 38; /* SOC; marker to Csiz of SIZ */

	if (s.len < head + 2 || s.at[2] != 0xFF || s.at[3] != 0x51)
		return false;
	size_t count = get_u16be(s.at + head);
	p->bits = 0;
	for (size_t i = 0; i < count; i++) {
		size_t at = head + 2 + 3 * i;

		if (at >= s.len)
			return false;
		unsigned depth = (s.at[at] & 0x7Fu) + 1;
		p->bits = depth > p->bits ? depth : p->bits;
	}
	return count > 0;
}

static enum err decode_j2k(const struct sample_shape *s, struct bytes stream, uint8_t *to,
			   struct fault *f)
{
	struct j2k_head head;
	enum err e = j2k_head(stream, &head, f);

	return e != OK ? e : j2k_decode(stream, &head, &s->frame, to, f);
}

static enum err decode(const struct sample_shape *s, enum codec codec, const struct precision *p,
		       struct bytes stream, uint8_t *to, struct fault *f)
{
	unsigned near;

	if (codec == CODEC_RLE)
		return rle_decode(stream, &s->frame, to, f);
	if (codec == CODEC_J2K)
		return decode_j2k(s, stream, to, f);
	if (p->sof == SOF3)
		return jpegll_decode(stream, &s->frame, to, f);
	if (p->sof == SOF55)
		return jpegls_decode(stream, &s->frame, to, &near, f);
	return jpeg_read(stream, &s->frame, p->bits, false, to, f);
}

static bool is_plain(const struct sample_shape *s, struct bytes samples)
{
	unsigned unit = s->frame.sample_bytes;
	uint32_t foreign = 0;

	for (size_t at = 0; at + unit <= samples.len; at += unit) {
		const uint8_t *p = samples.at + at;
		uint32_t v = unit == 1 ? p[0] : unit == 2 ? get_u16le(p) : get_u32le(p);

		foreign |= v ^ sample_plain(s, v);
	}
	return foreign == 0;
}

/* May the stream have bits where no sample has any? */
static bool has_room(const struct sample_shape *s, enum codec codec, struct bytes stream,
		     struct precision *p)
{
	bool told = codec == CODEC_JPEG  ? jpeg_precision(stream, p)
		    : codec == CODEC_J2K ? j2k_precision(stream, p)
					 : false;

	return !told || p->bits > s->stored || s->high + 1u != s->stored;
}

enum err hidden_check(const struct sample_shape *s, enum codec codec, struct bytes stream,
		      struct buf *room, struct fault *f)
{
	struct precision p = {.bits = 0};
	const struct frame *fr = &s->frame;
	struct fault why;
	size_t len;

	if (!sample_has_spare_bits(s) || !has_room(s, codec, stream, &p))
		return OK;
	if (fr->rows == 0 || fr->cols == 0 || (fr->samples != 1 && fr->samples != 3) ||
	    (fr->sample_bytes > 2 && codec != CODEC_RLE))
		return fault_set(f, ERR_UNUSABLE,
				 "compressed samples of a form that has no decoder",
				 FAULT_NO_OFFSET);
	if (!size_mul((size_t)fr->rows * fr->cols, fr->samples, &len) ||
	    !size_mul(len, fr->sample_bytes, &len) || len > LIMIT_NATIVE_BYTES)
		return fault_set(f, ERR_LIMIT, "a frame is too large to be looked through",
				 FAULT_NO_OFFSET);
	while (room->len < len && !room->failed)
		buf_add(room, bytes_of((const uint8_t[4096]){0}, 4096));
	if (room->failed)
		return fault_set(f, ERR_NOMEM, "no memory for a frame", FAULT_NO_OFFSET);
	enum err e = decode(s, codec, &p, stream, room->at, &why);
	if (e != OK)
		return fault_set(f, e == ERR_NOMEM ? e : ERR_UNUSABLE, why.text, FAULT_NO_OFFSET);
	if (!is_plain(s, bytes_of(room->at, len)))
		return fault_set(f, ERR_UNSUPPORTED,
				 "something lies outside of Bits Stored in compressed samples",
				 FAULT_NO_OFFSET);
	return OK;
}
