/*
 * Property: of any image, in any encoding,
 *   - native_open and window_open say why not, or every row becomes shades within the image;
 *   - a picture of any contours and texts on it stays within its canvas;
 *   - secondary_write makes a file or says why not; a file that it makes parses, holds the
 *     picture byte for byte, only elements that are in its header, each once and in order, and
 *     is known as ours.
 *
 * The first eight bytes: the encoding, the magnification, a line, a length of texts, and two
 * coordinates; then a bare data set.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "image/picture.h"
#include "series/mark.h"
#include "series/secondary.h"

#define SIDE_MAX 128u
#define ROOM (64u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_file(int fd, const struct secondary *s)
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
	assert(!p.syntax->encapsulated);
	assert(dset_index(&out, p.data, p.syntax, 0, &a, NULL) == OK);
	for (const struct elem *e = dset_first(&out, NULL); e != NULL;
	     e = dset_next(&out, NULL, e)) {
		assert(e->tag > last);
		assert(TAG_GROUP(e->tag) % 2 == 0 && !TAG_IS_GROUP_LENGTH(e->tag));
		last = e->tag;
	}
	assert(last == TAG_PixelData && mark_is_ours(&out));

	struct bytes pixels = dset_value(&out, dset_find(&out, NULL, TAG_PixelData));
	size_t want = (size_t)s->rows * s->cols * 3;
	assert(pixels.len == want + want % 2 && memcmp(pixels.at, s->rgb, want) == 0);
	part10_close(&p);
	arena_close(&a);
	free(b);
}

static void write_secondary(const struct part10 *src, const struct dset *d, const struct picture *p,
			    uint32_t magnification, struct arena *a)
{
	struct overlay_series series = {.uid_key = BYTES_LIT("key"),
					.series_number = 101,
					.series_description = "\xC3\x9C"
							      "bersicht",
					.study_id = "",
					.now = {2026, 1, 2, 3, 4, 5, 6, 0},
					.software_version = "0"};
	const struct secondary s = {p->canvas.rgb, p->canvas.cols, p->canvas.rows, magnification, 1,
				    "L\\P",        "disclaimer"};
	bool lossy;
	int fd = memfd_create("fuzz", 0);

	assert(fd >= 0);
	uid_set(&series.series, BYTES_LIT("1.2"));
	uid_set(&series.set_class, BYTES_LIT("1.2.840.10008.5.1.4.1.1.481.3"));
	uid_set(&series.set_instance, BYTES_LIT("1.3"));
	if (secondary_write(fd, &series, &s, src, d, a, &lossy, NULL) == OK)
		check_file(fd, &s);
	close(fd);
}

static void draw(const uint8_t head[static 8], const struct part10 *src, const struct dset *d,
		 const struct window *w, uint32_t cols, uint32_t rows, struct arena *a)
{
	uint32_t m = 1 + head[1] % 3;
	struct picture_shape shape = {cols, rows, cols * m, rows * m, head[6] / 32.0};
	const struct q12 v[3] = {{(int8_t)head[4] * 40000, (int8_t)head[5] * 3000},
				 {(int8_t)head[5] * 3000, (int8_t)head[6] * 40000},
				 {(int8_t)head[6] * 4000000, (int8_t)head[4] * 4000000}};
	const struct polygon path = {.v = v, .count = head[7] % 4u};
	const struct picture_roi roi = {
		.name = bytes_slice(d->in, 0, head[3] < d->in.len ? head[3] : 0),
		.color = {head[4], head[5], head[6]},
		.line = picture_line(head[2])};
	const struct picture_labels labels = {.left = "R",
					      .right = "LPH",
					      .top = "",
					      .bottom = "P",
					      .lines = {"slice 1/2", "z 3.00 mm"},
					      .disclaimer = roi.name,
					      .rois = &roi,
					      .roi_count = head[2] % 2u};
	struct picture p;

	if (head[1] >= 128) /* another scale down than across */
		shape.out_rows = 1 + rows * head[7] / 64;
	assert(picture_open(&p, &shape, a, NULL) == OK);
	assert(picture_image(&p, w, NULL) == OK);
	picture_outline(&p, &roi, &path, 1);
	assert(picture_labels(&p, &labels, NULL) == OK);
	for (size_t i = 0; i < (size_t)p.canvas.rows * p.canvas.cols; i++)
		assert(p.canvas.coverage[i] == 0);
	write_secondary(src, d, &p, m, a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct syntax *const syntaxes[] = {&syntax_implicit_le, &syntax_explicit_le,
							&syntax_explicit_be};
	struct part10 src = {.map = FILE_MAP_NONE};
	struct native n = {0};
	struct window w;
	struct arena a;
	struct dset d;

	if (size < 8)
		return 0;
	uint8_t *copy = malloc(size - 8 > 0 ? size - 8 : 1);
	assert(copy != NULL && arena_open(&a, ROOM, NULL) == OK);
	memcpy(copy, data + 8, size - 8);
	src.syntax = syntaxes[data[0] % 3];
	src.data = src.file = bytes_of(copy, size - 8);
	uid_set(&src.syntax_uid, bytes_str(src.syntax->uid));
	if (dset_index(&d, src.data, src.syntax, 0, &a, NULL) == OK) {
		bool readable = native_open(&n, &src, &d, NULL) == OK &&
				n.format.rows <= SIDE_MAX && n.format.cols <= SIDE_MAX &&
				window_open(&w, &n, &d, &a, NULL) == OK;

		draw(data, &src, &d, readable ? &w : NULL, readable ? n.format.cols : 40,
		     readable ? n.format.rows : 30, &a);
		native_close(&n);
	}
	arena_close(&a);
	free(copy);
	return 0;
}
