#include "series/segment.h"

#include <assert.h>
#include <string.h>

#include "dicom/part10.h"
#include "series/bits.h"
#include "series/derive.h"
#include "series/segment_head.h"

#define HEAD_MAX (1u << 30)   /* of segments and references; 65535 segments have 60 MB */
#define FRAME_MAX (64u << 10) /* of one frame's item */

struct job {
	const struct segment_object *o;
	struct arena *a;
	struct segment_layout layout;
	struct text_encoder text;
	struct bits bits;
	uint64_t pixel_bytes;
};

static enum err no_memory(struct fault *f)
{
	return fault_set(f, ERR_NOMEM, "no memory for a segmentation", FAULT_NO_OFFSET);
}

static enum err measure(struct job *j, struct fault *f)
{
	const struct segment_object *o = j->o;
	uint64_t pixels = (uint64_t)o->cols * o->rows; /* below 2^32 */

	assert(o->frame_count > 0 && o->segment_count > 0 && pixels > 0);
	if (o->segment_count > UINT16_MAX)
		return fault_set(f, ERR_LIMIT, "more segments than a segmentation can have",
				 FAULT_NO_OFFSET);
	if (o->frame_count > INT32_MAX)
		return fault_set(f, ERR_LIMIT, "more frames than a segmentation can have",
				 FAULT_NO_OFFSET);
	j->pixel_bytes = (pixels * o->frame_count + 7) / 8; /* below 2^60 */
	if (j->pixel_bytes > 0xFFFFFFFDu)
		return fault_set(f, ERR_LIMIT, "more pixels than a segmentation can have: 4 GiB",
				 FAULT_NO_OFFSET);
	return OK;
}

static bool is_ascii(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

/* Is there anything to be said that ASCII cannot? */
static bool needs_more(const struct segment_object *o)
{
	const char *const texts[] = {o->series_description, o->study_id, o->algorithm_name,
				     o->algorithm_version, o->tracking_id};
	bool more = false;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		more = more || !is_ascii(texts[i]);
	for (uint32_t i = 0; i < o->segment_count; i++)
		for (size_t k = 0; k < o->segments[i].label.len; k++)
			more = more || o->segments[i].label.at[k] >= 0x80;
	return more;
}

static enum err write_head(struct job *j, const struct dset *image, struct fault *f)
{
	const struct segment_object *o = j->o;
	struct part10_meta meta = {.sop_instance = o->sop_instance};
	struct bytes charset = dset_text(image, NULL, TAG_SpecificCharacterSet);
	struct wall now = derive_zone(o->now, image);
	const char *another = "";
	struct buf file = BUF_INIT(4096);
	struct inherited inherited;
	struct bytes *views = NULL;
	size_t count = 0;
	bool lost = false;
	struct build b;
	enum err e = inherit_study(&inherited, image, j->a, f);

	if (e != OK)
		return e;
	/* what is taken over is the same text in UTF-8 when it is all ASCII */
	if (charset.len == 0 && inherited.ascii && needs_more(o))
		another = "ISO_IR 192";
	text_encoder_init(&j->text, another[0] != '\0' ? bytes_str(another) : charset, j->a);
	build_init(&b, &syntax_explicit_le, HEAD_MAX);
	segment_head(&b, o, &j->layout, image, &j->text, another, &now, &lost);
	(void)uid_set(&meta.sop_class, BYTES_LIT(SOP_CLASS_SEGMENTATION));
	(void)uid_set(&meta.transfer_syntax, bytes_str(syntax_explicit_le.uid));
	e = lost || b.out.failed ? no_memory(f) : part10_head(&file, &meta, f);
	if (e == OK)
		e = inherit_merge(&inherited, buf_bytes(&b.out), j->a, &views, &count, f);
	if (e == OK)
		bits_bytes(&j->bits, buf_bytes(&file));
	for (size_t i = 0; e == OK && i < count; i++)
		bits_bytes(&j->bits, views[i]);
	build_free(&b);
	buf_free(&file);
	return e;
}

/* PS3.3 C.7.6.16: of undefined length, an item for each frame. */
static enum err write_frame_items(struct job *j, struct fault *f)
{
	static const uint8_t begin[] = {0x00, 0x52, 0x30, 0x92, 'S',  'Q',
					0,    0,    0xFF, 0xFF, 0xFF, 0xFF};
	static const uint8_t end[] = {0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0};
	struct build b;

	build_init(&b, &syntax_explicit_le, FRAME_MAX);
	bits_bytes(&j->bits, bytes_of(begin, sizeof(begin)));
	for (uint32_t i = 0; i < j->o->frame_count && !b.out.failed; i++) {
		b.out.len = 0;
		build_sequence(&b, TAG_PerFrameFunctionalGroupsSequence);
		build_item(&b);
		segment_frame_item(&b, j->o, &j->layout, i);
		build_item_end(&b);
		build_sequence_end(&b);
		if (!b.out.failed) /* without the head of the sequence */
			bits_bytes(&j->bits, bytes_slice(buf_bytes(&b.out), sizeof(begin),
							 b.out.len - sizeof(begin)));
	}
	bits_bytes(&j->bits, bytes_of(end, sizeof(end)));

	enum err e = b.out.failed ? no_memory(f) : OK;
	build_free(&b);
	return e;
}

/* PS3.5 8.1.1, 8.2: bits of one frame after the other, OB. */
static enum err write_frames(struct job *j, struct fault *f)
{
	const struct segment_object *o = j->o;
	uint8_t head[12] = {0xE0, 0x7F, 0x10, 0x00, 'O', 'B'};
	uint64_t *words = ARENA_NEW(j->a, uint64_t, mask_words(o->cols, o->rows));
	struct mask mask;
	enum err e = OK;

	if (words == NULL)
		return no_memory(f);
	mask_init(&mask, o->cols, o->rows, words);
	put_u32le(head + 8, (uint32_t)(j->pixel_bytes + j->pixel_bytes % 2));
	bits_bytes(&j->bits, bytes_of(head, sizeof(head)));
	for (uint32_t i = 0; e == OK && j->bits.error == OK && i < o->frame_count; i++) {
		mask_clear(&mask);
		e = o->paint(o->ctx, i, &mask, f);
		assert(mask.cols == o->cols && mask.rows == o->rows);
		if (e == OK)
			bits_mask(&j->bits, &mask);
	}
	if (e == OK)
		bits_end(&j->bits, j->pixel_bytes);
	return e;
}

enum err segment_write(int fd, const struct segment_object *o, const struct dset *image,
		       struct arena *a, struct segment_result *result, struct fault *f)
{
	struct job j = {.o = o, .a = a};
	enum err e = measure(&j, f);

	if (e == OK)
		e = segment_lay_out(&j.layout, o, a, f);
	if (e == OK)
		e = bits_open(&j.bits, fd, a, f);
	if (e == OK)
		e = write_head(&j, image, f);
	if (e == OK)
		e = write_frame_items(&j, f);
	if (e == OK)
		e = write_frames(&j, f);
	if (e == OK)
		e = bits_close(&j.bits, f);
	if (e == OK)
		*result = (struct segment_result){.text_lossy = j.text.lossy};
	return e;
}
