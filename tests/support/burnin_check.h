/*
 * Images of every form with a text burned in, and the comparison of one with its source, sample by
 * sample: read here by code of the tests' own.  Include after check.h.
 */
#ifndef TESTS_BURNIN_CHECK_H
#define TESTS_BURNIN_CHECK_H

#include "support/mask_check.h"
#include "support/series_image.h"
#include "support/support.h"

#define BIG_ENDIAN_UID "1.2.840.10008.1.2.2"
#define IMPLICIT_UID "1.2.840.10008.1.2"
#define DEFLATED_UID "1.2.840.10008.1.2.1.99"
#define TEXT "FOR RESEARCH USE ONLY - NOT FOR CLINICAL USE"

/* ---- images ---- */

struct form {
	const char *name;
	const char *photometric;
	uint16_t rows, cols;
	uint16_t allocated, stored, high; /* 0, 0: as many as there are */
	uint16_t samples;                 /* 0: 1 */
	uint16_t planar;
	uint16_t frames; /* 0: no Number of Frames */
	bool is_signed;
	enum vr vr; /* of Pixel Data; 0: OW */
};

static const char *const syntaxes[] = {NULL, IMPLICIT_UID, BIG_ENDIAN_UID, DEFLATED_UID};

/* More attributes for the image, between two tags. */
typedef void extra(struct build *b);

static inline uint16_t bits_of(const struct form *m)
{
	return m->stored != 0 ? m->stored : m->allocated;
}

static inline uint16_t high_of(const struct form *m)
{
	return m->high != 0 ? m->high : (uint16_t)(bits_of(m) - 1);
}

static inline size_t pixel_bytes(const struct form *m)
{
	unsigned samples = m->samples == 0 ? 1 : m->samples;
	size_t count = (size_t)m->rows * m->cols * (m->frames == 0 ? 1 : m->frames);

	if (strcmp(m->photometric, "YBR_FULL_422") == 0)
		samples = 2;
	return count * samples * m->allocated / 8;
}

static inline void put_u16(struct build *b, uint32_t tag, uint16_t value)
{
	build_u16(b, tag, VR_US, &value, 1);
}

/* Bytes that say nothing, in every bit. */
static inline uint8_t noise(size_t i)
{
	uint64_t x = (i + 1) * 0x9E3779B97F4A7C15u;

	return (uint8_t)(x >> 40);
}

/* PS3.5 annex G: one frame as literal runs; samples by plane, the highest byte of each first. */
static inline void put_rle_frame(struct build *b, const struct form *m, const uint8_t *pixels)
{
	unsigned samples = m->samples == 0 ? 1 : m->samples, unit = m->allocated / 8u;
	size_t area = (size_t)m->rows * m->cols;
	size_t segment = area + (area + 127) / 128, total = 64 + segment * samples * unit;
	uint8_t head[64] = {0}, item[8] = {0xFE, 0xFF, 0x00, 0xE0};

	put_u32le(item + 4, (uint32_t)(total + total % 2));
	buf_add(&b->out, bytes_of(item, 8));
	put_u32le(head, samples * unit);
	for (unsigned i = 0; i < samples * unit; i++)
		put_u32le(head + 4 + 4 * i, (uint32_t)(64 + i * segment));
	buf_add(&b->out, bytes_of(head, 64));
	for (unsigned i = 0; i < samples * unit; i++)
		for (size_t at = 0; at < area; at++) {
			unsigned sample = i / unit, byte = unit - 1 - i % unit;
			size_t place = m->planar ? sample * area + at : at * samples + sample;

			if (at % 128 == 0)
				buf_char(&b->out, (char)((area - at < 128 ? area - at : 128) - 1));
			buf_char(&b->out, (char)pixels[place * unit + byte]);
		}
	if (total % 2 != 0)
		buf_char(&b->out, 0);
}

static inline void put_rle(struct build *b, const struct form *m, const uint8_t *pixels)
{
	unsigned frames = m->frames == 0 ? 1 : m->frames;

	put_raw(b, "E0 7F 01 00 4F 56 00 00 00 00 00 00"); /* extended offsets: none */
	put_raw(b, "E0 7F 10 00 4F 42 00 00 FF FF FF FF FE FF 00 E0 00 00 00 00");
	for (unsigned f = 0; f < frames; f++)
		put_rle_frame(b, m, pixels + f * (pixel_bytes(m) / frames));
	put_raw(b, "FE FF DD E0 00 00 00 00");
}

/* Pixel data of little endian bytes. */
static inline void put_form_pixels(struct build *b, const struct form *m, const uint8_t *pixels)
{
	size_t len = pixel_bytes(m);

	if (b->syntax->encapsulated)
		put_rle(b, m, pixels);
	else if (m->vr == VR_OB)
		build_bytes(b, TAG_PixelData, VR_OB, bytes_of(pixels, len + len % 2));
	else
		build_ow_le(b, TAG_PixelData, bytes_of(pixels, len + len % 2));
}

static inline void make_form(struct made *out, const struct form *m, const char *syntax,
			     const uint8_t *pixels, extra *head, extra *more)
{
	const char *uid = syntax != NULL ? syntax : syntax_explicit_le.uid;
	struct part10_out o = {.syntax = syntax_find(bytes_str(uid)), .source_fd = -1};
	struct image_options plain = {0};
	struct fault f = {0};
	struct build b;
	int fd = memfd_create("source", 0);

	build_init(&b, o.syntax, 64u << 20);
	if (head != NULL)
		head(&b);
	else
		put_head(&b, &plain);
	put_u16(&b, TAG_SamplesPerPixel, m->samples == 0 ? 1 : m->samples);
	build_str(&b, TAG_PhotometricInterpretation, VR_CS, m->photometric);
	if (m->samples > 1)
		put_u16(&b, TAG_PlanarConfiguration, m->planar);
	if (m->frames > 0)
		build_is(&b, TAG_NumberOfFrames, m->frames);
	put_u16(&b, TAG_Rows, m->rows);
	put_u16(&b, TAG_Columns, m->cols);
	put_u16(&b, TAG_BitsAllocated, m->allocated);
	put_u16(&b, TAG_BitsStored, bits_of(m));
	put_u16(&b, TAG_HighBit, high_of(m));
	put_u16(&b, TAG_PixelRepresentation, m->is_signed);
	if (more != NULL)
		more(&b);
	put_form_pixels(&b, m, pixels);
	build_str(&b, TAG(0xFFFC, 0xFFFC), VR_LO, "after the pixels");
	ck_assert(!b.out.failed);
	struct bytes view = buf_bytes(&b.out);
	uid_set(&o.sop_class, BYTES_LIT(CT_CLASS));
	uid_set(&o.sop_instance, BYTES_LIT("1.2.3.40"));
	uid_set(&o.transfer_syntax, bytes_str(uid));
	o.views = &view;
	o.view_count = 1;
	ck_assert_msg(part10_write(fd, &o, &f) == OK, "source: %s", f.text);
	build_free(&b);
	made_read(out, fd);
}

static inline uint8_t *noisy_pixels(const struct form *m)
{
	size_t len = pixel_bytes(m);
	uint8_t *at = calloc(len + 1, 1);

	ck_assert_ptr_nonnull(at);
	for (size_t i = 0; i < len; i++)
		at[i] = noise(i);
	return at;
}

static inline void burn(struct made *out, const struct made *src,
			const struct burnin_options *options, struct overlay_result *r)
{
	struct overlay_series s = series_of_tests();
	uint16_t rows = 0, cols = 0;

	ck_assert(dset_u16(&src->d, NULL, TAG_Rows, 0, &rows) &&
		  dset_u16(&src->d, NULL, TAG_Columns, 0, &cols));
	struct mask m = mask_new(cols, rows);
	struct overlay_plane plane = {.mask = &m, .label = BYTES_LIT("A")};
	s.burn_in = options;
	derive_image(out, src, &s, &plane, 1, r);
	mask_free(&m);
}

/* ---- reading it back ---- */

/* The pixel data as little endian bytes. */
static inline uint8_t *pixels_of(const struct made *m, enum vr vr)
{
	const struct elem *e = dset_find(&m->d, NULL, TAG_PixelData);
	struct bytes v = dset_value(&m->d, e);
	uint8_t *out = malloc(v.len + 1);
	bool turned = m->file.syntax->big_endian && vr != VR_OB;

	ck_assert(e != NULL && out != NULL && v.len % 2 == 0);
	for (size_t i = 0; i < v.len; i++)
		out[i] = v.at[turned ? i ^ 1u : i];
	return out;
}

/* Cell of one sample. */
static inline uint32_t cell(const struct form *m, const uint8_t *pixels, uint32_t frame,
			    uint32_t row, uint32_t col, unsigned sample)
{
	size_t unit = m->allocated / 8u, samples = m->samples == 0 ? 1 : m->samples;
	size_t area = (size_t)m->rows * m->cols, at;
	uint32_t v = 0;

	if (strcmp(m->photometric, "YBR_FULL_422") == 0)
		at = frame * area * 2 + ((size_t)row * m->cols + (col & ~1u)) * 2 +
		     (sample == 0 ? col % 2 : sample + 1);
	else if (m->planar)
		at = (frame * samples + sample) * area + (size_t)row * m->cols + col;
	else
		at = ((frame * area) + (size_t)row * m->cols + col) * samples + sample;
	for (size_t i = 0; i < unit; i++)
		v |= (uint32_t)pixels[at * unit + i] << 8 * i;
	return v;
}

static inline int64_t value(const struct form *m, uint32_t c)
{
	unsigned bits = bits_of(m), low = high_of(m) + 1u - bits;
	int64_t v = (int64_t)((c >> low) & (bits == 32 ? UINT32_MAX : (1u << bits) - 1));

	return m->is_signed && (v >> (bits - 1)) != 0 ? v - ((int64_t)1 << bits) : v;
}

struct seen {
	uint32_t col0, row0, col1, row1; /* box of all that changed, by Derivation Description */
	uint32_t cells[3][2];            /* of each sample: at most two */
	unsigned count[3];
	int64_t least, most;  /* of the source's first samples */
	int64_t dark, bright; /* of the first sample: of the corner, and the other one */
	struct mask letters;
};

/* "... in columns 9-70, rows 50-62" */
static inline void read_box(const struct made *m, struct seen *s)
{
	char text[512];

	bytes_to_str(dset_text(&m->d, NULL, TAG_DerivationDescription), text, sizeof(text));
	const char *at = strstr(text, "outside of the text in columns ");
	ck_assert_ptr_nonnull(at);
	ck_assert_int_eq(sscanf(at, "outside of the text in columns %u-%u, rows %u-%u", &s->col0,
				&s->col1, &s->row0, &s->row1),
			 4);
	s->col0--;
	s->row0--;
}

static inline void note_cell(struct seen *s, unsigned sample, uint32_t c)
{
	for (unsigned i = 0; i < s->count[sample]; i++)
		if (s->cells[sample][i] == c)
			return;
	must(s->count[sample] < 2, "a third code in the box");
	s->cells[sample][s->count[sample]++] = c;
}

/* Every sample outside of the box as it was; inside it two codes, the same letters in all frames.
 */
static inline void compare(const struct form *m, const struct made *src, const struct made *out,
			   struct seen *s)
{
	uint8_t *before = pixels_of(src, m->vr), *after = pixels_of(out, m->vr);
	unsigned samples = m->samples == 0 ? 1 : m->samples;

	*s = (struct seen){.least = INT64_MAX, .most = INT64_MIN};
	read_box(out, s);
	ck_assert(s->col1 <= m->cols && s->row1 <= m->rows);
	s->letters = mask_new(m->cols, m->rows);
	for (uint32_t f = 0; f < (m->frames == 0 ? 1u : m->frames); f++)
		for (uint32_t r = 0; r < m->rows; r++)
			for (uint32_t c = 0; c < m->cols; c++)
				for (unsigned i = 0; i < samples; i++) {
					uint32_t was = cell(m, before, f, r, c, i);
					uint32_t is = cell(m, after, f, r, c, i);
					bool in = r >= s->row0 && r < s->row1 && c >= s->col0 &&
						  c < s->col1;

					if (i == 0 && value(m, was) < s->least)
						s->least = value(m, was);
					if (i == 0 && value(m, was) > s->most)
						s->most = value(m, was);
					if (!in)
						must(was == is, "(%u, %u) changed", c, r);
					else
						note_cell(s, i, is);
					if (in && i == 0 && is != s->cells[0][0]) {
						must(f == 0 || mask_get(&s->letters, c, r),
						     "frames differ");
						mask_set(&s->letters, r, c, c + 1);
					}
				}
	s->dark = value(m, s->cells[0][0]); /* the box begins with its border */
	s->bright = value(m, s->cells[0][1]);
	ck_assert_uint_eq(s->count[0], 2);
	free(before);
	free(after);
}

/* The letters are those of the text. */
static inline void compare_letters(const struct form *m, const struct seen *s, const char *text,
				   enum text_corner corner)
{
	struct mask want = mask_new(m->cols, m->rows);
	struct text_label t;

	ck_assert(text_place(&t, bytes_str(text), corner, m->cols, m->rows));
	text_label_draw(&want, &t);
	ck_assert(mask_equal(&want, &s->letters));
	ck_assert_uint_eq(t.row, s->row0);
	ck_assert_uint_eq(t.row + t.rows, s->row1);
	mask_free(&want);
}

static inline bool can(const char *syntax)
{
#ifdef NETRT_MINIMAL
	return syntax == NULL || strcmp(syntax, DEFLATED_UID) != 0;
#else
	(void)syntax;
	return true;
#endif
}

/* ---- attributes that several suites want ---- */

static inline void put_ds(struct build *b, uint32_t tag, const char *text)
{
	build_str(b, tag, VR_DS, text);
}

static inline void window(struct build *b)
{
	put_ds(b, TAG_WindowCenter, "2000");
	put_ds(b, TAG_WindowWidth, "1001");
}

static inline void hounsfield(struct build *b)
{
	put_ds(b, TAG_WindowCenter, "40");
	put_ds(b, TAG_WindowWidth, "400");
	put_ds(b, TAG_RescaleIntercept, "-1024");
	put_ds(b, TAG_RescaleSlope, "1");
}

static inline void extremes_and_hounsfield(struct build *b)
{
	put_u16(b, TAG_SmallestImagePixelValue, 100);
	put_u16(b, TAG_LargestImagePixelValue, 200);
	hounsfield(b);
}

static const struct form twelve = {"", "MONOCHROME2", 64, 80, .allocated = 16, .stored = 12};

static inline uint8_t *from_100_to_200(void)
{
	uint8_t *pixels = calloc(pixel_bytes(&twelve), 1);

	ck_assert_ptr_nonnull(pixels);
	for (size_t i = 0; i < pixel_bytes(&twelve); i += 2)
		pixels[i] = (uint8_t)(100 + i / 2 % 101);
	return pixels;
}

static inline struct bytes value_of(const struct made *m, uint32_t tag)
{
	return dset_value(&m->d, dset_find(&m->d, NULL, tag));
}

#endif
