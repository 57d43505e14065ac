/*
 * Property: of any image, in any encoding, with a text to be burned in,
 *   - overlay_write makes a file or says why not, and a file that it makes parses;
 *   - where the text is in the pixels, the pixels of the output can be read, have the form of those
 *     that the source has (as decoded), and no sample outside of the text's box is another;
 *     inside it a sample has one of two values, which differ in one sample of a pixel at least;
 *   - where it is an overlay, the pixel data element is the source's byte for byte, and there is
 *     one type G plane more.
 *
 * The first byte chooses the encoding of the rest, a bare data set, the corner, and whether an
 * overlay is asked for.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "series/overlay.h"

#define SIDE_MAX 256u
#define FRAMES_MAX 16
#define ROOM (64u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct output {
	uint8_t *bytes;
	struct part10 file;
	struct dset d;
	struct arena a;
};

static void open_output(struct output *o, int fd)
{
	off_t len = lseek(fd, 0, SEEK_END);

	o->file = PART10_NONE;
	o->bytes = malloc((size_t)len);
	assert(len > 0 && o->bytes != NULL && pread(fd, o->bytes, (size_t)len, 0) == len);
	assert(arena_open(&o->a, ROOM, NULL) == OK);
	assert(part10_parse(&o->file, bytes_of(o->bytes, (size_t)len), NULL) == OK);
	assert(dset_index(&o->d, o->file.data, o->file.syntax, 0, &o->a, NULL) == OK);
}

static void close_output(struct output *o)
{
	part10_close(&o->file);
	arena_close(&o->a);
	free(o->bytes);
}

/* Offset of a sample of a pixel; of YBR_FULL_422 the color of a pair is its first pixel's. */
static size_t sample_at(const struct image_format *m, uint32_t frame, uint32_t row, uint32_t col,
			unsigned sample)
{
	size_t unit = m->bits_allocated / 8u, area = (size_t)m->rows * m->cols;
	size_t pixel = (size_t)row * m->cols + col, n = m->samples;

	if (m->photometric == PHOTO_YBR_FULL_422)
		return (frame * area * 2 + (pixel & ~(size_t)1) * 2 +
			(sample == 0 ? col % 2 : sample + 1)) *
		       unit;
	if (m->planar)
		return ((frame * n + sample) * area + pixel) * unit;
	return ((frame * area + pixel) * n + sample) * unit;
}

struct two_values {
	const uint8_t *seen[2]; /* of one sample, where they are */
	unsigned count;
};

static void check_inside(struct two_values *v, const uint8_t *at, size_t unit)
{
	for (unsigned i = 0; i < v->count; i++)
		if (memcmp(v->seen[i], at, unit) == 0)
			return;
	assert(v->count < 2);
	v->seen[v->count++] = at;
}

static void compare(const struct native *before, const struct native *after,
		    const struct text_label *t)
{
	const struct image_format *m = &before->format;
	size_t unit = m->bits_allocated / 8u;
	struct two_values values[3] = {{{NULL, NULL}, 0}};
	bool differ = false;

	assert(m->rows == after->format.rows && m->cols == after->format.cols &&
	       m->samples == after->format.samples && m->planar == after->format.planar &&
	       m->bits_allocated == after->format.bits_allocated);
	assert(before->data.len == after->data.len);
	for (uint32_t f = 0; f < m->frames; f++)
		for (uint32_t r = 0; r < m->rows; r++)
			for (uint32_t c = 0; c < m->cols; c++)
				for (unsigned i = 0; i < m->samples; i++) {
					size_t at = sample_at(m, f, r, c, i);
					const uint8_t *is = after->data.at + at;

					if (r >= t->row && r < t->row + t->rows && c >= t->col &&
					    c < t->col + t->cols)
						check_inside(&values[i], is, unit);
					else
						assert(memcmp(before->data.at + at, is, unit) == 0);
				}
	for (unsigned i = 0; i < m->samples; i++)
		differ = differ || values[i].count == 2;
	assert(differ);
}

static unsigned graphics(const struct dset *d)
{
	unsigned n = 0;

	for (uint32_t group = 0x6000; group <= 0x601E; group += 2)
		n += bytes_eq_str(dset_text(d, NULL, TAG(group, 0x0040)), "G");
	return n;
}

static void check_pixels_kept(const struct dset *src, const struct dset *out)
{
	const struct elem *a = dset_find(src, NULL, TAG_PixelData);
	const struct elem *b = dset_find(out, NULL, TAG_PixelData);

	if (a == NULL || (a->flags & (ELEM_PIXELS | ELEM_SEQUENCE)) != 0)
		return;
	assert(b != NULL && bytes_eq(dset_value(src, a), dset_value(out, b)));
}

static void check_file(int fd, const struct part10 *src, const struct dset *d,
		       const struct burnin_options *options, const struct overlay_result *r)
{
	struct native before, after;
	struct burnin b;
	struct output o;

	open_output(&o, fd);
	if (!r->burned) {
		check_pixels_kept(d, &o.d);
		assert((d->notes & WALK_REPEATED) != 0 || graphics(&o.d) == graphics(d) + 1);
		close_output(&o);
		return;
	}
	assert(burnin_open(&b, options, src, d, NULL) == OK && b.into_pixels);
	assert(native_open(&before, src, d, NULL) == OK);
	assert(r->decoded == before.decoded);
	assert(o.file.syntax == (r->decoded ? &syntax_explicit_le : src->syntax));
	assert(native_open(&after, &o.file, &o.d, NULL) == OK && !after.decoded);
	compare(&before, &after, &b.label);
	native_close(&before);
	native_close(&after);
	burnin_close(&b);
	close_output(&o);
}

static void derive(const struct part10 *src, const struct dset *d, uint16_t cols, uint16_t rows,
		   uint8_t choice, struct arena *a)
{
	static uint64_t bits[SIDE_MAX * SIDE_MAX / 64 + SIDE_MAX];
	const struct burnin_options options = {.text = BYTES_LIT("N\xC3\x96"),
					       .corner = (enum text_corner)(choice / 4 % 4),
					       .as_overlay = choice / 16 % 4 == 3};
	struct overlay_series s = {.uid_key = BYTES_LIT("key"),
				   .series_description = "",
				   .study_id = "S",
				   .now = {2026, 1, 2, 3, 4, 5, 6, 0},
				   .software_version = "0",
				   .burn_in = &options};
	struct overlay_plane plane;
	struct overlay_result r;
	struct mask m;
	int fd = memfd_create("fuzz", 0);

	assert(fd >= 0);
	uid_set(&s.series, BYTES_LIT("1.2"));
	uid_set(&s.set_class, BYTES_LIT("1.2.840.10008.5.1.4.1.1.481.3"));
	uid_set(&s.set_instance, BYTES_LIT("1.3"));
	mask_init(&m, cols, rows, bits);
	plane = (struct overlay_plane){.mask = &m, .label = BYTES_LIT("GTV")};
	if (overlay_write(fd, &s, src, d, &plane, 1, a, &r, NULL) == OK)
		check_file(fd, src, d, &options, &r);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct syntax *const syntaxes[] = {&syntax_explicit_le, &syntax_implicit_le,
							&syntax_explicit_be};
	struct part10 src = PART10_NONE;
	struct dset d;
	struct arena a;
	uint16_t rows = 0, cols = 0;
	int64_t frames = 1;

	if (size < 1)
		return 0;
	uint8_t *copy = malloc(size - 1 + (size == 1));
	assert(copy != NULL && arena_open(&a, ROOM, NULL) == OK);
	memcpy(copy, data + 1, size - 1);
	src.file = src.data = bytes_of(copy, size - 1);
	src.syntax = data[0] % 4 == 3 ? syntax_find(BYTES_LIT("1.2.840.10008.1.2.5"))
				      : syntaxes[data[0] % 4];
	uid_set(&src.syntax_uid, bytes_str(src.syntax->uid));
	if (dset_index(&d, src.data, src.syntax, 0, &a, NULL) == OK &&
	    dset_u16(&d, NULL, TAG_Rows, 0, &rows) && dset_u16(&d, NULL, TAG_Columns, 0, &cols)) {
		(void)dset_is(&d, NULL, TAG_NumberOfFrames, 0, &frames);
		if (rows > 0 && cols > 0 && rows <= SIDE_MAX && cols <= SIDE_MAX &&
		    frames <= FRAMES_MAX)
			derive(&src, &d, cols, rows, data[0], &a);
	}
	arena_close(&a);
	free(copy);
	return 0;
}
