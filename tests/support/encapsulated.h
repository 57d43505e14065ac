/*
 * A data set whose pixels lie in fragments, made piece by piece, and its native pixels, for the
 * suites of image/decode and image/fragments:
 *
 *     source_begin, pixels_begin, item (the offset table), fragment ..., source_open, source_free
 */
#ifndef TESTS_ENCAPSULATED_H
#define TESTS_ENCAPSULATED_H

#include <check.h>
#include <string.h>

#include "dicom/build.h"
#include "image/decode.h"

#define RLE "1.2.840.10008.1.2.5"
#define LOSSLESS "1.2.840.10008.1.2.4.70"

struct shape {
	uint16_t rows, cols, samples, allocated, stored, is_signed, planar;
	const char *photometric;
	uint32_t frames;
};

struct source {
	struct build b;
	struct arena a;
	struct part10 p;
	struct dset d;
	struct native n;
	struct fault f;
};

static inline void source_begin(struct source *s, const char *uid, const struct shape *o)
{
	const struct syntax *syntax = syntax_find(bytes_str(uid));
	uint16_t high = (uint16_t)(o->stored - 1);

	ck_assert_ptr_nonnull(syntax);
	*s = (struct source){.p = PART10_NONE};
	s->p.syntax = syntax;
	build_init(&s->b, syntax, 8u << 20);
	build_u16(&s->b, TAG_SamplesPerPixel, VR_US, &o->samples, 1);
	build_str(&s->b, TAG_PhotometricInterpretation, VR_CS, o->photometric);
	build_u16(&s->b, TAG_PlanarConfiguration, VR_US, &o->planar, 1);
	if (o->frames > 1)
		build_is(&s->b, TAG_NumberOfFrames, o->frames);
	build_u16(&s->b, TAG_Rows, VR_US, &o->rows, 1);
	build_u16(&s->b, TAG_Columns, VR_US, &o->cols, 1);
	build_u16(&s->b, TAG_BitsAllocated, VR_US, &o->allocated, 1);
	build_u16(&s->b, TAG_BitsStored, VR_US, &o->stored, 1);
	build_u16(&s->b, TAG_HighBit, VR_US, &high, 1);
	build_u16(&s->b, TAG_PixelRepresentation, VR_US, &o->is_signed, 1);
}

static inline void item(struct source *s, uint16_t element, uint32_t len)
{
	uint8_t head[8];

	put_u16le(head, 0xFFFE);
	put_u16le(head + 2, element);
	put_u32le(head + 4, len);
	buf_add(&s->b.out, bytes_of(head, sizeof(head)));
}

static inline void fragment(struct source *s, struct bytes content)
{
	item(s, 0xE000, (uint32_t)(content.len + content.len % 2));
	buf_add(&s->b.out, content);
	if (content.len % 2 != 0)
		buf_char(&s->b.out, '\0');
}

static inline void pixels_begin(struct source *s)
{
	buf_add(&s->b.out, BYTES_LIT("\xE0\x7F\x10\x00OB\0\0\xFF\xFF\xFF\xFF"));
}

static inline enum err source_open(struct source *s, uint32_t upto)
{
	item(s, 0xE0DD, 0);
	ck_assert(!s->b.out.failed);
	s->p.data = buf_bytes(&s->b.out);
	ck_assert_int_eq(arena_open(&s->a, 8u << 20, NULL), OK);
	ck_assert_int_eq(dset_index(&s->d, s->p.data, s->p.syntax, upto, &s->a, &s->f), OK);
	return native_open(&s->n, &s->p, &s->d, &s->f);
}

static inline void source_free(struct source *s)
{
	native_close(&s->n);
	arena_close(&s->a);
	build_free(&s->b);
}

/* A frame of a pixel in a stream of RLE of which only the last byte differs: 66 bytes. */
static inline struct bytes rle_pixel(uint8_t value)
{
	static uint8_t stream[66];

	memset(stream, 0, sizeof(stream));
	put_u32le(stream, 1);
	put_u32le(stream + 4, 64);
	stream[64] = 0;
	stream[65] = value;
	return bytes_of(stream, sizeof(stream));
}

#endif
