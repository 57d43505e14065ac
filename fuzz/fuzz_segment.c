/*
 * Property: of any image, in any encoding,
 *   - segment_write makes a file or says why not, and a file that it makes parses, in explicit VR
 *     little endian, in ascending order, with the SOP Instance UID that was asked for;
 *   - its pixel data are the masks, bit after bit;
 *   - the image's Study Instance UID is in it as it was.
 *
 * The first byte chooses the encoding of the rest, a bare data set; the second columns and frames.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dicom/part10.h"
#include "series/segment.h"

#define ROOM (64u << 20)
#define FRAMES 5u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool pixel(uint32_t frame, uint32_t col, uint32_t row)
{
	return (frame * 7 + col * 3 + row * 5) % 4 == 0;
}

static enum err paint(void *ctx, uint32_t index, struct mask *mask, struct fault *f)
{
	(void)ctx;
	(void)f;
	for (uint32_t row = 0; row < mask->rows; row++)
		for (uint32_t col = 0; col < mask->cols; col++)
			if (pixel(index, col, row))
				mask_set(mask, row, col, col + 1);
	return OK;
}

static void check_bits(struct bytes v, const struct segment_object *o)
{
	size_t at = 0;

	for (uint32_t i = 0; i < o->frame_count; i++)
		for (uint32_t row = 0; row < o->rows; row++)
			for (uint32_t col = 0; col < o->cols; col++, at++)
				assert((v.at[at / 8] >> at % 8 & 1) == pixel(i, col, row));
	assert(v.len == (at + 7) / 8 + (at + 7) / 8 % 2);
}

static void check_file(int fd, const struct segment_object *o, const struct dset *image)
{
	off_t len = lseek(fd, 0, SEEK_END);
	uint8_t *b = malloc((size_t)len);
	struct part10 p = PART10_NONE;
	struct dset out;
	struct arena a;
	uint32_t last = 0;

	assert(len > 0 && b != NULL && pread(fd, b, (size_t)len, 0) == len);
	assert(arena_open(&a, ROOM, NULL) == OK);
	assert(part10_parse(&p, bytes_of(b, (size_t)len), NULL) == OK);
	assert(p.syntax == &syntax_explicit_le);
	assert(dset_index(&out, p.data, p.syntax, 0, &a, NULL) == OK);
	for (const struct elem *e = dset_first(&out, NULL); e != NULL;
	     e = dset_next(&out, NULL, e)) {
		assert(e->tag > last);
		last = e->tag;
	}
	assert(bytes_eq_str(dset_text(&out, NULL, TAG_SOPInstanceUID), o->sop_instance.text));
	assert(bytes_eq(dset_text(&out, NULL, TAG_StudyInstanceUID),
			dset_text(image, NULL, TAG_StudyInstanceUID)));
	check_bits(dset_value(&out, dset_find(&out, NULL, TAG_PixelData)), o);
	part10_close(&p);
	arena_close(&a);
	free(b);
}

static void write_one(const struct dset *image, uint32_t cols, struct arena *a)
{
	struct roi_code code = {BYTES_LIT("1"), BYTES_LIT("S"), BYTES_LIT("M")};
	struct segment segments[2] = {{.label = BYTES_LIT("\xCE\x94 GTV \x1B"),
				       .description = BYTES_LIT("d"),
				       .algorithm = "MANUAL",
				       .category = code,
				       .type = code,
				       .side = ROI_SIDE_LEFT}};
	struct segment_plane planes[3];
	struct segment_frame frames[FRAMES] = {{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 2}};
	struct segment_object o = {.uid_key = BYTES_LIT("key"),
				   .series_description = "\xC3\x9C",
				   .study_id = "",
				   .algorithm_name = "n",
				   .algorithm_version = "v",
				   .tracking_id = "t",
				   .now = {2026, 1, 2, 3, 4, 5, 6, 0},
				   .software_version = "0",
				   .cols = cols,
				   .rows = 9,
				   .segments = segments,
				   .segment_count = 2,
				   .planes = planes,
				   .plane_count = 3,
				   .frames = frames,
				   .frame_count = FRAMES,
				   .paint = paint};
	struct segment_result r;
	int fd = memfd_create("fuzz", 0);

	assert(fd >= 0);
	segments[1] = segments[0];
	segments[1].algorithm = "AUTOMATIC";
	for (uint32_t k = 0; k < 3; k++) {
		planes[k] = (struct segment_plane){.row_dir = {1, 0, 0},
						   .col_dir = {0, 1, 0},
						   .row_spacing_pm = 1000000000,
						   .col_spacing_pm = 1000000000,
						   .position = k / 2};
		uid_set(&planes[k].instance, BYTES_LIT("1.9"));
	}
	uid_set(&o.sop_instance, BYTES_LIT("1.2"));
	uid_set(&o.series, BYTES_LIT("1.3"));
	if (segment_write(fd, &o, image, a, &r, NULL) == OK)
		check_file(fd, &o, image);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct syntax *const syntaxes[] = {&syntax_explicit_le, &syntax_implicit_le,
							&syntax_explicit_be};
	struct dset d;
	struct arena a;

	if (size < 2)
		return 0;
	uint8_t *copy = malloc(size - 2 + (size == 2));
	assert(copy != NULL && arena_open(&a, ROOM, NULL) == OK);
	memcpy(copy, data + 2, size - 2);
	const struct syntax *syntax = data[0] % 4 == 3
					      ? syntax_find(BYTES_LIT("1.2.840.10008.1.2.5"))
					      : syntaxes[data[0] % 4];
	if (dset_index(&d, bytes_of(copy, size - 2), syntax, 0, &a, NULL) == OK)
		write_one(&d, 1 + data[1] % 70, &a);
	arena_close(&a);
	free(copy);
	return 0;
}
