/*
 * A DICOM file, and its pixels as native samples.  Property: they are as many bytes as the format
 * says, those of an uncompressed little endian file lie in it, and an index that ends before the
 * pixels gives the same.  A compressed object that is decoded has the same pixels, and no others.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "image/decoded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum err open_at(struct native *n, const struct part10 *p, uint32_t upto, struct arena *a)
{
	struct dset d;
	struct fault f = {0};

	*n = (struct native){0};
	if (dset_index(&d, p->data, p->syntax, upto, a, NULL) != OK)
		return ERR_MORE;
	/* what is far larger than its file takes time, and shows nothing more */
	if (image_format_read(&n->format, &d, NULL) != OK || image_bytes(&n->format) > 1u << 22)
		return ERR_MORE;
	enum err e = native_open(n, p, &d, &f);
	assert(e == OK || f.text != NULL);
	return e;
}

static void check_object(const struct part10 *p, struct bytes pixels, struct arena *a)
{
	struct part10 made;
	struct native n;
	struct fault f = {0};
	enum err e = decoded_object(&made, p, a, &f);

	if (e != OK) {
		assert(f.text != NULL);
		return;
	}
	e = open_at(&n, &made, 0, a);
	assert(e == OK || e == ERR_MORE); /* ERR_MORE: no memory left for its index */
	assert(e != OK || (!n.decoded && bytes_eq(n.data, pixels)));
	native_close(&n);
}

static void check(const struct part10 *p, struct arena *a)
{
	struct native whole, head;
	enum err e = open_at(&whole, p, 0, a);

	if (e == OK) {
		assert(whole.data.len == image_bytes(&whole.format));
		if (whole.owned == NULL)
			assert(whole.data.len == 0 ||
			       (whole.data.at >= p->data.at &&
				whole.data.at + whole.data.len <= p->data.at + p->data.len));
		if (open_at(&head, p, TAG_PixelData, a) == OK)
			assert(bytes_eq(whole.data, head.data));
		native_close(&head);
		if (p->syntax->encapsulated)
			check_object(p, whole.data, a);
	}
	native_close(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct part10 p = PART10_NONE;
	struct arena a;
	uint8_t *copy = malloc(size == 0 ? 1 : size);

	assert(copy != NULL && arena_open(&a, 32u << 20, NULL) == OK);
	memcpy(copy, data, size);
	if (part10_parse(&p, bytes_of(copy, size), NULL) == OK && p.data.len < 1u << 20)
		check(&p, &a);
	part10_close(&p);
	arena_close(&a);
	free(copy);
	return 0;
}
