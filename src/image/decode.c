/*
 * Where the pixels lie, and in which order their bytes are.
 *
 * Little endian pixels are a view of the source.  Everything else gets a mapping of its own.
 */
#include "image/decode.h"

#include <sys/mman.h>

#include "base/limits.h"

/* The pixel data element. */
struct place {
	bool encapsulated;
	struct bytes value; /* native */
	enum vr vr;
	size_t at; /* offset of the value in the data set */
};

static enum err no_pixels(struct fault *f)
{
	return fault_tag(f, ERR_UNUSABLE, "there are no pixels", FAULT_NO_OFFSET, TAG_PixelData);
}

/* Of an index that ends before the pixels. */
static enum err walk_to_pixels(struct place *out, const struct dset *d, struct fault *f)
{
	struct walk w;
	struct token t;
	enum err e;

	walk_init(&w, bytes_slice(d->in, d->end, d->in.len - d->end), d->syntax);
	while ((e = walk_next(&w, &t, f)) == OK) {
		if (t.depth > 0 || t.tag != TAG_PixelData)
			continue;
		if (t.kind != TOK_ELEMENT && t.kind != TOK_PIXELS)
			break;
		*out = (struct place){.encapsulated = t.kind == TOK_PIXELS,
				      .value = t.value,
				      .vr = t.vr,
				      .at = d->end + t.value_at};
		return OK;
	}
	if (e != OK && e != ERR_MORE) {
		if (f != NULL && f->at != FAULT_NO_OFFSET)
			f->at += d->end;
		return e;
	}
	return no_pixels(f);
}

static enum err find_pixels(struct place *out, const struct dset *d, struct fault *f)
{
	const struct elem *e = dset_find(d, NULL, TAG_PixelData);

	if (e == NULL && !d->whole)
		return walk_to_pixels(out, d, f);
	if (e == NULL || (e->flags & ELEM_SEQUENCE) != 0)
		return no_pixels(f);
	*out = (struct place){.encapsulated = (e->flags & ELEM_PIXELS) != 0,
			      .value = dset_value(d, e),
			      .vr = (enum vr)e->vr,
			      .at = (size_t)e->at};
	return OK;
}

/* A mapping of image_bytes() of n->format, zero. */
static enum err own(struct native *n, uint8_t **to, struct fault *f)
{
	uint64_t len = image_bytes(&n->format);

	if (len > LIMIT_NATIVE_BYTES)
		return fault_tag(f, ERR_LIMIT, "the decoded pixels would be too many bytes",
				 FAULT_NO_OFFSET, TAG_PixelData);
	void *at =
		mmap(NULL, (size_t)len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return fault_set(f, ERR_NOMEM, "no memory for decoded pixels", FAULT_NO_OFFSET);
	n->owned = at;
	n->owned_len = (size_t)len;
	n->data = bytes_of(at, (size_t)len);
	*to = at;
	return OK;
}

/*
 * OW is words of two bytes, whatever the samples in them are: a sample of 32 bits is two words, the
 * lower one first, and two samples of 8 bits are one (PS3.5 8.1.1 and 7.3).  OB has no byte order,
 * OL has words of four bytes.
 */
static size_t word_len(const struct place *p, const struct syntax *syntax)
{
	if (!syntax->pixels_big_endian)
		return 1;
	if (p->vr == VR_OL)
		return 4;
	return p->vr == VR_OB ? 1 : 2;
}

static void swap(uint8_t *to, struct bytes from, size_t len, size_t word)
{
	for (size_t i = 0; i < len; i++) {
		size_t other = i ^ (word - 1);

		to[i] = other < from.len ? from.at[other] : 0;
	}
}

static enum err open_native(struct native *n, const struct place *p, const struct syntax *syntax,
			    struct fault *f)
{
	uint64_t len = image_bytes(&n->format);
	size_t word = word_len(p, syntax);
	uint8_t *to = NULL;

	if (p->value.len < len)
		return fault_tag(f, ERR_UNUSABLE, "the pixels are fewer than the image has", p->at,
				 TAG_PixelData);
	if (word == 1) {
		n->data = bytes_slice(p->value, 0, (size_t)len);
		return OK;
	}
	enum err e = own(n, &to, f);
	if (e == OK)
		swap(to, p->value, n->owned_len, word);
	return e;
}

enum err native_open(struct native *n, const struct part10 *p, const struct dset *d,
		     struct fault *f)
{
	struct place place;

	*n = (struct native){0};
	if (p->syntax_unknown)
		return fault_set(f, ERR_UNSUPPORTED, "pixels in an unknown transfer syntax",
				 FAULT_NO_OFFSET);
	enum err e = image_format_read(&n->format, d, f);
	if (e == OK)
		e = find_pixels(&place, d, f);
	if (e != OK)
		return e;
	if (!place.encapsulated && !p->syntax->encapsulated)
		return open_native(n, &place, p->syntax, f);
	return fault_tag(f, ERR_UNSUPPORTED, "compressed pixels", place.at, TAG_PixelData);
}

void native_close(struct native *n)
{
	if (n->owned != NULL)
		munmap(n->owned, n->owned_len);
	*n = (struct native){0};
}
