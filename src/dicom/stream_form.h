/*
 * Of dicom/stream alone: how to read one element's header, when what follows its value has not
 * come yet.  The functions are those of walk.c (choose_explicit, makes_sense ...) with an end that
 * may not be known, and bytes that may not be there.
 */
#ifndef DICOM_STREAM_FORM_H
#define DICOM_STREAM_FORM_H

#include "dicom/stream.h"
#include "dicom/tag.h"
#include "dicom/walk.h"

enum { IN_DATA_SET, IN_ITEM, IN_SEQUENCE, IN_PIXELS };

#define STREAM_OPEN UINT64_MAX
#define ITEM_HEAD 8u

/* One way to read a header. */
struct stream_form {
	uint32_t len;
	enum vr vr;
	uint8_t size; /* bytes of tag, VR and length */
	bool explicit_vr;
	bool plain;     /* makes sense, and hardly by coincidence */
	uint64_t reach; /* makes sense only if the data set is at least that long */
};

enum sense {
	SENSE_NO,
	SENSE_YES,
	SENSE_LATER, /* too far ahead to be seen from here */
	SENSE_WAIT,  /* not too far, but not there */
};

/* What is held of the bytes from `pos` on. */
static inline size_t stream_held(const struct stream *s)
{
	return s->to - s->from;
}

static inline const uint8_t *stream_here(const struct stream *s)
{
	return s->ahead + s->from;
}

/* Is the end of a level known?  It is once the stream has ended. */
static inline bool stream_knows(const struct stream *s, uint64_t end)
{
	return end != STREAM_OPEN || s->ended;
}

uint32_t stream_tag(const uint8_t *p, bool big_endian);
uint32_t stream_u32(const uint8_t *p, bool big_endian);
/* From `at` to the end of the level; where that is not known, to the farthest it may be. */
uint64_t stream_rest(const struct stream *s, uint64_t end, uint64_t at);
bool stream_fits(const struct stream *s, const struct stream_level *top,
		 const struct stream_form *h);
/* Does an item, or the end of a sequence, follow a header of `size` bytes?  Never LATER. */
enum sense stream_item_follows(const struct stream *s, const struct stream_level *top, size_t size,
			       bool big_endian);

/* The header at `pos`, of which eight bytes are held.  ERR_MORE: it needs more.  The result need
 * not fit. */
enum err stream_form_choose(struct stream *s, const struct stream_level *top, uint32_t tag,
			    struct stream_form *out, struct fault *f) MUST_USE;

/* Bytes at `pos`, for the probes that wait for some of them. */
void stream_probe_collect(struct stream *s, struct bytes in);
/* The probes that the parse has passed; at the end, all. */
enum err stream_probe_judge(struct stream *s, struct fault *f) MUST_USE;

#endif
