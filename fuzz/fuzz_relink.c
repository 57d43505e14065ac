/*
 * Property: of any bytes taken as a structure set,
 *   - relink_write makes a file or says why not;
 *   - of a source in which nothing is odd that makes its meaning a matter of what is around it, a
 *     file that is made parses, and is a structure set again if the source was one;
 *   - it has the source's contours, in its order, with the same data;
 *   - each of the contours that were said to lie on an image names that image, and no other.
 *
 * The first byte chooses the encoding of the rest, a bare data set; the second which contours lie
 * on images.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rt/structset.h"
#include "series/relink.h"

#define ROOM (64u << 20)
#define IMAGES 4u
#define PLACES 64u
#define ODD                                                                                      \
	(WALK_NO_DELIMITER | WALK_STRAY_DELIMITER | WALK_PADDING | WALK_REPEATED | WALK_BAD_VR | \
	 WALK_OTHER_FORM | WALK_WRONG_VR)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct relink_image images[IMAGES];
static struct relink_place places[PLACES];

static void prepare(struct relink *o, uint8_t which)
{
	char text[32];

	for (unsigned i = 0; i < IMAGES; i++) {
		uid_set(&images[i].sop_class, BYTES_LIT("1.2.840.10008.5.1.4.1.1.2"));
		snprintf(text, sizeof(text), "1.2.%u", i + 1);
		uid_set(&images[i].source, bytes_str(text));
		snprintf(text, sizeof(text), "2.25.%u", i + 1);
		uid_set(&images[i].overlay, bytes_str(text));
	}
	for (uint32_t i = 0; i < PLACES; i++)
		places[i] = (struct relink_place){i % IMAGES, which >> i % 8 & 1};
	*o = (struct relink){.series_description = "D",
			     .study_id = "",
			     .now = {2026, 1, 2, 3, 4, 5, 6, 0},
			     .software_version = "0",
			     .images = images,
			     .image_count = IMAGES,
			     .places = places,
			     .place_count = PLACES};
	uid_set(&o->sop_instance, BYTES_LIT("2.25.100"));
	uid_set(&o->series, BYTES_LIT("2.25.200"));
	uid_set(&o->overlay_series, BYTES_LIT("2.25.300"));
	uid_set(&o->source_series, BYTES_LIT("1.3.1"));
	uid_set(&o->frame, BYTES_LIT("1.4.1"));
	uid_set(&o->study, BYTES_LIT("1.6.1"));
}

/* By their order in the file. */
static const struct contour *by_ordinal(const struct structset *s, uint32_t ordinal)
{
	for (uint32_t i = 0; i < s->contour_count; i++)
		if (s->contours[i].ordinal == ordinal)
			return &s->contours[i];
	return NULL;
}

static void check_contours(const struct structset *before, const struct structset *after)
{
	assert(before->contour_count == after->contour_count);
	for (uint32_t i = 0; i < before->contour_count; i++) {
		const struct contour *x = by_ordinal(before, i), *y = by_ordinal(after, i);

		assert(x != NULL && y != NULL);
		assert(bytes_eq(x->data, y->data) && x->type == y->type);
		if (i < PLACES && places[i].count > 0) {
			assert(y->image_count == 1);
			assert(bytes_eq_str(y->image_uid, images[places[i].first].overlay.text));
		}
	}
}

/* Is there a sequence that an index does not look into? */
static bool hides(const struct dset *d)
{
	for (const struct elem *e = dset_first(d, NULL); e != NULL; e = dset_next(d, NULL, e))
		if (e->tag == TAG_ROIContourSequence && (e->flags & ELEM_SEQUENCE) == 0)
			return true;
	return false;
}

static void check_file(int fd, const struct part10 *source, bool odd, struct arena *a)
{
	off_t len = lseek(fd, 0, SEEK_END);
	uint8_t *b = malloc((size_t)len);
	struct part10 p = PART10_NONE;
	struct structset before, after;
	struct dset d;

	assert(len > 0 && b != NULL && pread(fd, b, (size_t)len, 0) == len);
	assert(part10_parse(&p, bytes_of(b, (size_t)len), NULL) == OK);
	enum err e = dset_index(&d, p.data, p.syntax, 0, a, NULL);
	assert(e == OK || e == ERR_NOMEM || odd);
	if (e == OK && !odd && (d.notes & ODD) == 0 &&
	    structset_read(&before, source, a, NULL) == OK) {
		assert(structset_read(&after, &p, a, NULL) == OK);
		check_contours(&before, &after);
	}
	part10_close(&p);
	free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct syntax *const syntaxes[] = {&syntax_explicit_le, &syntax_implicit_le,
							&syntax_explicit_be};
	struct part10 src = PART10_NONE;
	struct relink_result r;
	struct relink o;
	struct dset d;
	struct arena a;

	if (size < 2)
		return 0;
	uint8_t *copy = malloc(size - 2 + (size == 2));
	assert(copy != NULL && arena_open(&a, ROOM, NULL) == OK);
	memcpy(copy, data + 2, size - 2);
	src.file = src.data = bytes_of(copy, size - 2);
	src.syntax = syntaxes[data[0] % 3];
	prepare(&o, data[1]);
	int fd = memfd_create("fuzz", 0);
	assert(fd >= 0);
	if (dset_index(&d, src.data, src.syntax, 0, &a, NULL) == OK &&
	    relink_write(fd, &o, &d, &a, &r, NULL) == OK)
		check_file(fd, &src, (d.notes & ODD) != 0 || hides(&d), &a);
	close(fd);
	arena_close(&a);
	free(copy);
	return 0;
}
