#include "image/decoded.h"

#include <assert.h>
#include <string.h>

#define BUILD_MAX 1024u
#define REMOVED 4u

/* Elements that only compressed pixels have, in order. */
static const uint32_t removed[REMOVED] = {
	TAG(0x7FE0, 0x0000),
	TAG_ExtendedOffsetTable,
	TAG_ExtendedOffsetTableLengths,
	TAG_EncapsulatedPixelDataValueTotalLength,
};

static const char *term_of(enum photometric p)
{
	static const char *const terms[] = {
		[PHOTO_MONOCHROME1] = "MONOCHROME1", [PHOTO_MONOCHROME2] = "MONOCHROME2",
		[PHOTO_PALETTE] = "PALETTE COLOR",   [PHOTO_RGB] = "RGB",
		[PHOTO_YBR_FULL] = "YBR_FULL",       [PHOTO_YBR_FULL_422] = "YBR_FULL_422",
		[PHOTO_YBR_ICT] = "YBR_ICT",         [PHOTO_YBR_RCT] = "YBR_RCT",
	};

	return p == PHOTO_OTHER ? NULL : terms[p];
}

static void put_u16(struct build *b, uint32_t tag, uint16_t value)
{
	build_u16(b, tag, VR_US, &value, 1);
}

/* PS3.3 C.7.6.3 */
void decoded_format(struct build *b, const struct image_format *m)
{
	const char *term = term_of(m->photometric);

	put_u16(b, TAG_SamplesPerPixel, m->samples);
	if (term != NULL)
		build_str(b, TAG_PhotometricInterpretation, VR_CS, term);
	if (m->samples > 1)
		put_u16(b, TAG_PlanarConfiguration, m->planar);
	put_u16(b, TAG_BitsAllocated, m->bits_allocated);
	put_u16(b, TAG_BitsStored, m->bits_stored);
	put_u16(b, TAG_HighBit, m->high_bit);
	put_u16(b, TAG_PixelRepresentation, m->is_signed);
}

/* PS3.3 C.7.6.1.1.5.1.  The syntaxes for lossless streams are here, too: not every encoder keeps to
 * that. */
static const char *method_of(const struct syntax *s)
{
	static const struct {
		const char *uid, *method;
	} methods[] = {
		{"1.2.840.10008.1.2.4.80", "ISO_14495_1"}, /* JPEG-LS */
		{"1.2.840.10008.1.2.4.81", "ISO_14495_1"},
		{"1.2.840.10008.1.2.4.90", "ISO_15444_1"}, /* JPEG 2000, both parts */
		{"1.2.840.10008.1.2.4.91", "ISO_15444_1"},
		{"1.2.840.10008.1.2.4.92", "ISO_15444_1"},
		{"1.2.840.10008.1.2.4.93", "ISO_15444_1"},
		{"1.2.840.10008.1.2.4.201", "ISO_15444_15"}, /* High-Throughput JPEG 2000 */
		{"1.2.840.10008.1.2.4.202", "ISO_15444_15"},
		{"1.2.840.10008.1.2.4.203", "ISO_15444_15"},
	};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strcmp(s->uid, methods[i].uid) == 0)
			return methods[i].method;
	return "ISO_10918_1"; /* JPEG */
}

void decoded_lossy(struct build *b, const struct native *n, const struct dset *d)
{
	if (!n->lossy || bytes_eq_str(dset_text(d, NULL, TAG_LossyImageCompression), "01"))
		return;
	const struct elem *e = dset_find(d, NULL, TAG_PixelData);
	const struct elem *next = dset_next(d, NULL, e);
	uint64_t end = next == NULL ? d->end : next->at - next->head;

	build_str(b, TAG_LossyImageCompression, VR_CS, "01");
	build_ds(b, TAG_LossyImageCompressionRatio, (double)n->data.len / (double)(end - e->at));
	build_str(b, TAG_LossyImageCompressionMethod, VR_CS, method_of(d->syntax));
}

bool decoded_pixels(struct edit *e, const struct native *n, struct arena *a)
{
	struct bytes data = n->data;
	uint8_t *head = ARENA_NEW(a, uint8_t, 12);

	*e = (struct edit){.tag = TAG_PixelData};
	if (head == NULL)
		return false;
	data.len += data.len % 2; /* a zero byte follows there */
	put_u16le(head, TAG_GROUP(TAG_PixelData));
	put_u16le(head + 2, TAG_PixelData & 0xFFFF);
	memcpy(head + 4, n->format.bits_allocated > 8 ? "OW\0" : "OB\0", 4);
	put_u32le(head + 8, (uint32_t)data.len);
	e->encoded = bytes_of(head, 12);
	e->tail = data;
	return true;
}

/* ---- a whole object ---- */

static enum err no_memory(struct fault *f)
{
	return fault_set(f, ERR_NOMEM, "the decoded image does not fit in memory", FAULT_NO_OFFSET);
}

/* In ascending order: group 0028 was built, then removals before the pixel data, then that. */
static enum err edits_of(const struct native *n, const struct dset *d, struct arena *a,
			 struct edit **out, size_t *out_count, struct fault *f)
{
	struct build b;
	struct edit *built = NULL;
	size_t count = 0;

	build_init(&b, &syntax_explicit_le, BUILD_MAX);
	decoded_format(&b, &n->format);
	decoded_lossy(&b, n, d);
	struct bytes copy = arena_copy(a, buf_bytes(&b.out));
	bool failed = b.out.failed || copy.at == NULL;
	build_free(&b);
	if (failed)
		return no_memory(f);
	enum err e = rewrite_edits(copy, &syntax_explicit_le, a, &built, &count, f);
	if (e != OK)
		return e;
	struct edit *all = ARENA_NEW(a, struct edit, count + REMOVED + 1);
	if (all == NULL)
		return no_memory(f);
	memcpy(all, built, count * sizeof(all[0]));
	for (size_t i = 0; i < REMOVED; i++)
		if (dset_find(d, NULL, removed[i]) != NULL)
			all[count++] = (struct edit){.tag = removed[i]};
	if (!decoded_pixels(&all[count++], n, a))
		return no_memory(f);
	*out = all;
	*out_count = count;
	return OK;
}

static enum err join(const struct bytes *views, size_t count, struct arena *a, struct bytes *out,
		     struct fault *f)
{
	size_t len = 0;

	for (size_t i = 0; i < count; i++)
		len += views[i].len;
	uint8_t *all = ARENA_NEW(a, uint8_t, len);
	if (all == NULL)
		return no_memory(f);
	*out = bytes_of(all, len);
	for (size_t i = 0; i < count; i++) {
		memcpy(all, views[i].at, views[i].len);
		all += views[i].len;
	}
	return OK;
}

enum err decoded_object(struct part10 *out, const struct part10 *p, struct arena *a,
			struct fault *f)
{
	struct native n;
	struct dset d;
	struct edit *edits = NULL;
	struct bytes *views = NULL;
	size_t edit_count = 0, view_count = 0;

	assert(p->syntax->encapsulated);
	*out = (struct part10){
		.map = FILE_MAP_NONE, .syntax = &syntax_explicit_le, .meta_syntax = p->meta_syntax};
	(void)uid_set(&out->syntax_uid, bytes_str(syntax_explicit_le.uid));
	enum err e = dset_index(&d, p->data, p->syntax, 0, a, f);
	if (e != OK)
		return e;
	e = native_open(&n, p, &d, f);
	if (e == OK)
		e = edits_of(&n, &d, a, &edits, &edit_count, f);
	if (e == OK)
		e = rewrite_plan(&d, edits, edit_count, a, &views, &view_count, f);
	if (e == OK)
		e = join(views, view_count, a, &out->data, f);
	native_close(&n);
	return e;
}
