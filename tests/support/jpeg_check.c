#include "support/jpeg_check.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/support.h"

static uint16_t *picture(const struct jpeg_make *m, unsigned kind)
{
	size_t count = (size_t)m->rows * m->cols * m->samples;
	uint16_t *pixels = calloc(count, sizeof(*pixels));
	uint32_t top = m->preset[0] ? m->preset[0] : (1u << m->precision) - 1, seed = kind + 1;

	ck_assert_ptr_nonnull(pixels);
	for (size_t i = 0; i < count; i++) {
		size_t x = i / m->samples % m->cols, y = i / m->samples / m->cols;
		uint32_t noise, value;

		seed = seed * 1664525u + 1013904223u;
		noise = seed >> 8;
		if (kind == 0)
			value = noise;
		else if (kind == 3)
			value = i + 1 == count ? top : 0;
		else if ((x / 9 + y / 5) % 3 == 0)
			value = kind == 1 ? top : (uint32_t)(x * 7 + y * 3);
		else
			value = kind == 1 && (x + y) % 5 > 0 ? top / 2 : noise % (top / 16 + 2);
		pixels[i] = (uint16_t)(value % (top + 1) >> m->shift << m->shift);
	}
	return pixels;
}

static struct buf stream_of(const struct jpeg_codec *codec, const struct jpeg_make *m,
			    const uint16_t *pixels)
{
	struct buf stream = BUF_INIT(64u << 20);

	codec->make(&stream, m, pixels);
	ck_assert(!stream.failed);
	return stream;
}

static uint16_t decoded(const uint8_t *at, unsigned bytes, size_t i)
{
	return bytes == 1 ? at[i] : get_u16le(at + 2 * i);
}

static void check_back(const struct jpeg_codec *codec, const struct jpeg_form *form, unsigned kind,
		       unsigned bytes)
{
	const struct jpeg_make *m = &form->m;
	struct frame frame = {m->rows, m->cols, m->samples, bytes};
	size_t count = (size_t)m->rows * m->cols * m->samples;
	uint16_t *pixels = picture(m, kind);
	struct buf stream = stream_of(codec, m, pixels);
	uint8_t *to = malloc(count * bytes);
	struct fault f = {0};
	unsigned near = 99;

	ck_assert_ptr_nonnull(to);
	ck_assert_msg(codec->decode(buf_bytes(&stream), &frame, to, &near, &f) == OK,
		      "%s: %s at %zu", form->name, f.text, (size_t)f.at);
	ck_assert_uint_eq(near, m->near);
	size_t wrong = 0;
	for (size_t i = 0; i < count; i++)
		wrong += abs(decoded(to, bytes, i) - pixels[i]) > (int)m->near;
	ck_assert_msg(wrong == 0, "%s, picture %u: %zu samples", form->name, kind, wrong);
	buf_free(&stream);
	free(to);
	free(pixels);
}

void jpeg_check_back(const struct jpeg_codec *codec, const struct jpeg_form *form)
{
	for (unsigned kind = 0; kind < 4; kind++) {
		if (form->m.precision <= 8)
			check_back(codec, form, kind, 1);
		check_back(codec, form, kind, 2);
	}
}

/* ---- Damage ---- */

static struct buf small_stream(const struct jpeg_codec *codec, unsigned kind)
{
	uint16_t *pixels = picture(&codec->small, kind);
	struct buf stream = stream_of(codec, &codec->small, pixels);

	free(pixels);
	return stream;
}

static enum err decode_small(const struct jpeg_codec *codec, struct bytes stream,
			     const struct frame *frame, struct fault *f)
{
	uint8_t to[SMALL_ROWS * SMALL_COLS * 2 * 3];
	uint8_t *guarded = guard_copy(stream.at, stream.len);
	unsigned near;
	enum err e = codec->decode(bytes_of(guarded, stream.len), frame, to, &near, f);

	ck_assert_msg(e == OK || f->at <= stream.len, "%s at %zu", f->text, (size_t)f->at);
	ck_assert(e == OK || (f->code == e && f->text != NULL));
	guard_free(guarded, stream.len);
	return e;
}

static struct frame small_frame(const struct jpeg_codec *codec)
{
	return (struct frame){SMALL_ROWS, SMALL_COLS, codec->small.samples, 1};
}

void jpeg_check_cut_short(const struct jpeg_codec *codec)
{
	struct buf stream = small_stream(codec, 0);
	struct frame frame = small_frame(codec);

	for (size_t len = 0; len + 2 < stream.len; len++) { /* the end marker is not missed */
		struct fault f = {0};

		ck_assert_int_eq(decode_small(codec, bytes_of(stream.at, len), &frame, &f),
				 ERR_WIRE);
	}
	buf_free(&stream);
}

void jpeg_check_changed(const struct jpeg_codec *codec)
{
	struct buf stream = small_stream(codec, 1);
	struct frame frame = small_frame(codec);

	for (size_t i = 0; i < stream.len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			struct fault f = {0};

			stream.at[i] ^= (uint8_t)(1u << bit);
			(void)!decode_small(codec, buf_bytes(&stream), &frame, &f);
			stream.at[i] ^= (uint8_t)(1u << bit);
		}
	}
	buf_free(&stream);
}

static const struct {
	struct frame frame;
	enum err want;
} others[] = {
	{{12, 15, 1, 1}, OK},       {{12, 15, 1, 2}, OK},       {{11, 15, 1, 1}, ERR_WIRE},
	{{12, 14, 1, 1}, ERR_WIRE}, {{12, 15, 3, 1}, ERR_WIRE},
};

void jpeg_check_other_frame(const struct jpeg_codec *codec)
{
	struct buf stream = small_stream(codec, 2);

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct fault f = {0};

		ck_assert_int_eq(decode_small(codec, buf_bytes(&stream), &others[i].frame, &f),
				 others[i].want);
	}
	buf_free(&stream);
}

static size_t find_marker(struct bytes stream, uint8_t marker, size_t from)
{
	for (size_t i = from; i + 1 < stream.len; i++)
		if (stream.at[i] == 0xFF && stream.at[i + 1] == marker)
			return i;
	ck_abort_msg("no marker %02X", marker);
}

void jpeg_check_scan_twice(const struct jpeg_codec *in_color)
{
	struct jpeg_codec apart = *in_color;
	struct frame frame = small_frame(in_color);
	struct buf made = BUF_INIT(1u << 20);
	struct fault f = {0};

	apart.small.apart = true;
	apart.small.by_sample = false;
	struct buf stream = small_stream(&apart, 2);
	struct bytes whole = buf_bytes(&stream);
	size_t first = find_marker(whole, 0xDA, 0), second = find_marker(whole, 0xDA, first + 1);
	ck_assert_int_eq(decode_small(&apart, whole, &frame, &f), OK);
	buf_add(&made, bytes_slice(whole, 0, second));
	buf_add(&made, bytes_slice(whole, first, whole.len - first));
	ck_assert_int_eq(decode_small(&apart, buf_bytes(&made), &frame, &f), ERR_WIRE);
	ck_assert_uint_eq(f.at, second);
	buf_free(&stream);
	buf_free(&made);
}

void jpeg_check_edit(const struct jpeg_codec *codec, const struct jpeg_edit *edit)
{
	struct buf stream = small_stream(codec, 2), made = BUF_INIT(1u << 20);
	struct bytes whole = buf_bytes(&stream);
	size_t at = edit->at == JPEG_AT_RESTART ? find_marker(whole, 0xD0, 0) : edit->at;
	struct frame frame = small_frame(codec);
	struct fault f = {0};

	buf_add(&made, bytes_slice(whole, 0, at));
	buf_add(&made, edit->put);
	buf_add(&made, bytes_slice(whole, at + edit->drop, whole.len - at - edit->drop));
	enum err e = decode_small(codec, buf_bytes(&made), &frame, &f);
	ck_assert_msg(e == edit->want, "%s: %d, %s", edit->name, e, f.text);
	buf_free(&stream);
	buf_free(&made);
}
