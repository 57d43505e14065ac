/*
 * Property: of any image, in any encoding,
 *   - overlay_write makes a file or says why not, and a file that it makes parses, in the same
 *     transfer syntax, with the SOP Instance UID that it tells;
 *   - pixel data and the overlays that were there are in it byte for byte;
 *   - every plane that it says it wrote is there once, and its bits are the mask's;
 *   - statistics are finite, and of the pixels that pixels_at gives.
 *
 * The first byte chooses the encoding of the rest, a bare data set, and how many planes.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "series/overlay.h"

#define SIDE_MAX 256u
#define ROOM (64u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bytes whole(const struct dset *d, const struct elem *e)
{
	const struct elem *next = dset_next(d, NULL, e);
	size_t from = (size_t)e->at - e->head;

	return bytes_slice(d->in, from,
			   (next == NULL ? d->end : (size_t)next->at - next->head) - from);
}

/* Is what the source has in [from, to] in the output, as it was? */
static void check_kept(const struct dset *src, const struct dset *out, uint32_t from, uint32_t to)
{
	for (const struct elem *e = dset_first(src, NULL); e != NULL; e = dset_next(src, NULL, e)) {
		const struct elem *first = dset_find(src, NULL, e->tag);

		if (e->tag < from || e->tag > to || TAG_IS_GROUP_LENGTH(e->tag) || first != e)
			continue;
		const struct elem *same = dset_find(out, NULL, e->tag);
		assert(same != NULL);
		/* what an unfinished sequence ends with is not its own */
		if ((src->notes & (WALK_NO_DELIMITER | WALK_STRAY_DELIMITER | WALK_PADDING)) == 0)
			assert(bytes_eq(whole(src, e), whole(out, same)));
	}
}

static void check_planes(const struct dset *src, const struct dset *out, const struct mask *m,
			 const struct overlay_result *r)
{
	size_t len = mask_packed_len(m->cols, m->rows), found = 0;
	uint8_t *want = calloc(1, len);

	assert(want != NULL);
	mask_pack(m, want);
	for (const struct elem *e = dset_first(out, NULL); e != NULL; e = dset_next(out, NULL, e)) {
		if ((e->tag & 0xFF01FFFFu) != TAG(0x6000, 0x3000) || TAG_GROUP(e->tag) > 0x601E ||
		    dset_find(src, NULL, e->tag) != NULL)
			continue;
		struct bytes v = dset_value(out, e);

		found++;
		assert(v.len == len);
		for (size_t i = 0; i < len; i++)
			assert(v.at[(e->flags & ELEM_BIG_ENDIAN) != 0 ? i ^ 1 : i] == want[i]);
	}
	assert(found == r->planes_written);
	free(want);
}

static void check_file(int fd, const struct part10 *src, const struct dset *d, const struct mask *m,
		       const struct overlay_result *r)
{
	off_t len = lseek(fd, 0, SEEK_END);
	uint8_t *b = malloc((size_t)len);
	struct part10 p = PART10_NONE;
	struct dset out;
	struct arena a;

	assert(len > 0 && b != NULL && pread(fd, b, (size_t)len, 0) == len);
	assert(arena_open(&a, ROOM, NULL) == OK);
	assert(part10_parse(&p, bytes_of(b, (size_t)len), NULL) == OK);
	assert(p.syntax == src->syntax);
	assert(dset_index(&out, p.data, p.syntax, 0, &a, NULL) == OK);
	assert(bytes_eq_str(dset_text(&out, NULL, TAG_SOPInstanceUID), r->sop_instance.text));
	check_kept(d, &out, 0x60000000, 0x7FE0FFFF);
	check_planes(d, &out, m, r);
	part10_close(&p);
	arena_close(&a);
	free(b);
}

static void check_pixels(const struct pixels *p, const struct mask *m, struct overlay_plane *plane)
{
	double n = 0, sum = 0;

	plane->has_stats = pixels_stats(p, m, &plane->stats);
	if (!plane->has_stats)
		return;
	for (uint32_t i = 0; i < m->rows * m->cols; i++)
		if (mask_get(m, i % m->cols, i / m->cols)) {
			sum += (double)pixels_at(p, i % m->cols, i / m->cols);
			n++;
		}
	double mean = sum / n * p->slope + p->intercept;
	plane->has_stats = isfinite(plane->stats.mean) && isfinite(plane->stats.std_dev);
	if (plane->has_stats) {
		assert(fabs(plane->stats.mean - mean) <=
		       1e-6 * (fabs(mean) + fabs(p->intercept) + 1));
		assert(plane->stats.std_dev >= 0);
	}
}

static void check_statistics(const struct part10 *src, const struct dset *d, const struct mask *m,
			     struct overlay_plane *plane)
{
	struct pixels p;

	if (pixels_open(&p, src, d, NULL) == OK)
		check_pixels(&p, m, plane);
	pixels_free(&p);
}

static void derive(const struct part10 *src, const struct dset *d, uint16_t cols, uint16_t rows,
		   unsigned planes, struct arena *a)
{
	static uint64_t bits[SIDE_MAX * SIDE_MAX / 64 + SIDE_MAX];
	struct overlay_series s = {.uid_key = BYTES_LIT("key"),
				   .set_label = BYTES_LIT("\xE5\xB1\xB1 \\ \x1B plan"),
				   .series_number = 98,
				   .series_description = "\xC3\x9C"
							 "berlagerung",
				   .study_id = "S",
				   .now = {2026, 1, 2, 3, 4, 5, 6, 0},
				   .software_version = "0"};
	struct overlay_plane plane[17];
	struct overlay_result r;
	struct mask m;
	int fd = memfd_create("fuzz", 0);

	assert(fd >= 0);
	uid_set(&s.series, BYTES_LIT("1.2"));
	uid_set(&s.set_class, BYTES_LIT("1.2.840.10008.5.1.4.1.1.481.3"));
	uid_set(&s.set_instance, BYTES_LIT("1.3"));
	mask_init(&m, cols, rows, bits);
	for (uint32_t row = 0; row < rows; row++)
		mask_set(&m, row, row % cols, row % cols + (cols - row % cols + 1) / 2);
	plane[0] = (struct overlay_plane){
		.mask = &m, .label = BYTES_LIT("\xCE\x94 GTV"), .area = mask_count(&m)};
	check_statistics(src, d, &m, &plane[0]);
	for (unsigned i = 1; i < planes; i++)
		plane[i] = plane[0];
	if (overlay_write(fd, &s, src, d, plane, planes, a, &r, NULL) == OK)
		check_file(fd, src, d, &m, &r);
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
	    dset_u16(&d, NULL, TAG_Rows, 0, &rows) && dset_u16(&d, NULL, TAG_Columns, 0, &cols) &&
	    rows > 0 && cols > 0 && rows <= SIDE_MAX && cols <= SIDE_MAX)
		derive(&src, &d, cols, rows, data[0] / 4 % 17 + 1, &a);
	arena_close(&a);
	free(copy);
	return 0;
}
