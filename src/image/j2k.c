#include "image/j2k.h"

#include <string.h>

#include "base/limits.h"

enum {
	MARKER_SOC = 0xFF4F,
	MARKER_SIZ = 0xFF51,
	MARKER_COD = 0xFF52,
	MARKER_SOT = 0xFF90,
};

/* ---- The head ---- */

static enum err broken(const char *text, size_t at, struct fault *f)
{
	return fault_set(f, ERR_WIRE, text, at);
}

/* Of a JP2 file (T.800 annex I) the content of its codestream's box; of anything else 0. */
static size_t codestream_at(struct bytes stream)
{
	struct rd r = rd_of(stream);

	if (stream.len < 12 || memcmp(stream.at, "\0\0\0\14jP  \r\n\207\n", 12) != 0)
		return 0;
	while (rd_left(&r) >= 8) {
		size_t at = r.pos;
		uint64_t len = rd_u32(&r, true);
		struct bytes kind = rd_take(&r, 4);

		if (bytes_eq_str(kind, "jp2c"))
			return len == 1 && rd_left(&r) >= 8 ? r.pos + 8 : r.pos;
		if (len < 8 || len > stream.len - at)
			break;
		(void)rd_take(&r, (size_t)len - 8);
	}
	return 0;
}

/* A.5.1; `r` stands behind the marker's length. */
static enum err read_siz(struct rd *r, struct j2k_head *o, size_t at, struct fault *f)
{
	(void)rd_u16(r, true);
	uint32_t x1 = rd_u32(r, true), y1 = rd_u32(r, true);
	uint32_t x0 = rd_u32(r, true), y0 = rd_u32(r, true);
	uint32_t tile_x = rd_u32(r, true), tile_y = rd_u32(r, true);
	uint32_t tile_x0 = rd_u32(r, true), tile_y0 = rd_u32(r, true);
	o->components = rd_u16(r, true);
	struct bytes parts = rd_take(r, o->components * (size_t)3);

	if (r->failed || o->components == 0 || x1 <= x0 || y1 <= y0 || tile_x == 0 || tile_y == 0 ||
	    tile_x0 > x0 || tile_y0 > y0)
		return broken("a damaged JPEG 2000 image size", at, f);
	o->cols = x1 - x0;
	o->rows = y1 - y0;
	uint64_t across = ((uint64_t)x1 - tile_x0 + tile_x - 1) / tile_x;
	uint64_t down = ((uint64_t)y1 - tile_y0 + tile_y - 1) / tile_y;
	if (across * down > LIMIT_J2K_TILES)
		return fault_set(f, ERR_LIMIT, "a JPEG 2000 image of too many tiles", at);
	for (unsigned i = 0; i < o->components; i++) {
		const uint8_t *p = parts.at + (size_t)3 * i;

		if (p[0] != parts.at[0] || p[1] != 1 || p[2] != 1)
			return fault_set(f, ERR_UNSUPPORTED,
					 "JPEG 2000 components of different kinds", at);
	}
	o->precision = (parts.at[0] & 0x7Fu) + 1;
	o->is_signed = (parts.at[0] & 0x80) != 0;
	return OK;
}

/* A.6.1 */
static void read_cod(struct rd *r, struct j2k_head *o)
{
	(void)rd_take(r, 4);
	o->transformed = rd_u8(r) != 0;
	(void)rd_take(r, 4);
	o->irreversible = rd_u8(r) == 0;
}

enum err j2k_head(struct bytes stream, struct j2k_head *out, struct fault *f)
{
	struct j2k_head made = {.at = codestream_at(stream)};
	struct rd r = rd_of(stream);
	bool sized = false, coded = false;

	(void)rd_take(&r, made.at);
	if (rd_u16(&r, true) != MARKER_SOC)
		return broken("not a JPEG 2000 stream", made.at, f);
	for (;;) {
		size_t at = r.pos;
		uint16_t marker = rd_u16(&r, true);

		if (marker == MARKER_SOT && sized && coded)
			break;
		uint16_t len = rd_u16(&r, true); /* counts itself */
		size_t body = r.pos;
		struct rd inside = rd_of(rd_take(&r, len < 2 ? SIZE_MAX / 2 : len - 2u));
		if (r.failed || marker < 0xFF00 || marker == MARKER_SOT)
			return broken("a damaged JPEG 2000 head", at, f);
		if (marker == MARKER_SIZ && !sized) {
			enum err e = read_siz(&inside, &made, body, f);

			if (e != OK)
				return e;
			sized = true;
		} else if (marker == MARKER_COD) {
			read_cod(&inside, &made);
			coded = !inside.failed;
		}
	}
	*out = made;
	return OK;
}

/* ---- The image ---- */

#ifdef NETRT_MINIMAL

enum err j2k_decode(struct bytes stream, const struct j2k_head *head, const struct frame *frame,
		    uint8_t *to, struct fault *f)
{
	(void)stream, (void)head, (void)frame, (void)to;
	return fault_set(f, ERR_UNSUPPORTED, "this netrt was built without JPEG 2000",
			 FAULT_NO_OFFSET);
}

#else

#include <openjpeg.h>

#include "image/j2k_memory.h"

/* What OpenJPEG reads from. */
struct source {
	struct bytes stream;
	size_t at;
};

static OPJ_SIZE_T on_read(void *to, OPJ_SIZE_T len, void *user)
{
	struct source *s = user;
	size_t left = s->stream.len - s->at, count = len < left ? len : left;

	if (count == 0)
		return (OPJ_SIZE_T)-1;
	memcpy(to, s->stream.at + s->at, count);
	s->at += count;
	return count;
}

static OPJ_OFF_T on_skip(OPJ_OFF_T count, void *user)
{
	struct source *s = user;

	if (count < 0 || (uint64_t)count > s->stream.len - s->at)
		return -1;
	s->at += (size_t)count;
	return count;
}

static OPJ_BOOL on_seek(OPJ_OFF_T at, void *user)
{
	struct source *s = user;

	if (at < 0 || (uint64_t)at > s->stream.len)
		return OPJ_FALSE;
	s->at = (size_t)at;
	return OPJ_TRUE;
}

static void on_message(const char *text, void *user)
{
	(void)text, (void)user;
}

static opj_stream_t *stream_of(struct source *s)
{
	opj_stream_t *stream = opj_stream_create(64u << 10, OPJ_TRUE);

	if (stream == NULL)
		return NULL;
	opj_stream_set_read_function(stream, on_read);
	opj_stream_set_skip_function(stream, on_skip);
	opj_stream_set_seek_function(stream, on_seek);
	opj_stream_set_user_data(stream, s, NULL);
	opj_stream_set_user_data_length(stream, s->stream.len);
	return stream;
}

static opj_codec_t *codec_make(void)
{
	opj_dparameters_t parameters;
	opj_codec_t *codec = opj_create_decompress(OPJ_CODEC_J2K);

	if (codec == NULL)
		return NULL;
	opj_set_info_handler(codec, on_message, NULL);
	opj_set_warning_handler(codec, on_message, NULL);
	opj_set_error_handler(codec, on_message, NULL);
	opj_set_default_decoder_parameters(&parameters);
	if (!opj_setup_decoder(codec, &parameters)) {
		opj_destroy_codec(codec);
		return NULL;
	}
	return codec;
}

static bool is_frame(const opj_image_t *image, const struct frame *frame)
{
	if (image->numcomps != frame->samples)
		return false;
	for (unsigned i = 0; i < image->numcomps; i++) {
		const opj_image_comp_t *c = &image->comps[i];

		if (c->data == NULL || c->w != frame->cols || c->h != frame->rows)
			return false;
	}
	return true;
}

static void store(const opj_image_t *image, const struct frame *frame, uint8_t *to)
{
	size_t pixels = (size_t)frame->rows * frame->cols, width = frame->sample_bytes;

	for (unsigned i = 0; i < frame->samples; i++) {
		const opj_image_comp_t *c = &image->comps[i];
		uint32_t mask = c->prec >= 32 ? UINT32_MAX : (1u << c->prec) - 1;
		uint8_t *at = to + i * width;

		for (size_t k = 0; k < pixels; k++) {
			uint32_t value = (uint32_t)c->data[k] & mask;
			uint8_t *p = at + k * frame->samples * width;

			if (width == 1)
				*p = (uint8_t)value;
			else if (width == 2)
				put_u16le(p, (uint16_t)value);
			else
				put_u32le(p, value);
		}
	}
}

static bool decode(struct source *s, const struct frame *frame, uint8_t *to)
{
	opj_stream_t *stream = stream_of(s);
	opj_codec_t *codec = stream == NULL ? NULL : codec_make();
	opj_image_t *image = NULL;
	bool done = codec != NULL && opj_read_header(stream, codec, &image) &&
		    opj_decode(codec, stream, image) && is_frame(image, frame);

	if (done)
		store(image, frame, to);
	if (image != NULL)
		opj_image_destroy(image);
	if (codec != NULL)
		opj_destroy_codec(codec);
	if (stream != NULL)
		opj_stream_destroy(stream);
	return done;
}

/* Two of int32 for each sample, the stream, and what describes its parts. */
static size_t budget_of(struct bytes stream, const struct frame *frame)
{
	uint64_t samples = (uint64_t)frame->rows * frame->cols * frame->samples;
	uint64_t want = samples * 24 + stream.len * (uint64_t)4 + LIMIT_J2K_FREE;

	return want < LIMIT_J2K_BYTES ? (size_t)want : (size_t)LIMIT_J2K_BYTES;
}

enum err j2k_decode(struct bytes stream, const struct j2k_head *head, const struct frame *frame,
		    uint8_t *to, struct fault *f)
{
	struct source s = {.stream = bytes_slice(stream, head->at, stream.len - head->at)};

	if (head->rows != frame->rows || head->cols != frame->cols ||
	    head->components != frame->samples)
		return broken("a JPEG 2000 stream is not of the image's size", head->at, f);
	if (head->precision > 8 * frame->sample_bytes)
		return broken("a JPEG 2000 stream's samples do not fit in the image's", head->at,
			      f);
	j2k_memory_begin(budget_of(s.stream, frame));
	bool done = decode(&s, frame, to);
	if (j2k_memory_end() && !done)
		return fault_set(f, ERR_LIMIT, "a JPEG 2000 stream would take too much memory",
				 head->at);
	return done ? OK : broken("a damaged JPEG 2000 stream", head->at + s.at, f);
}

#endif
