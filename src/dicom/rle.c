#include "dicom/rle.h"

#include <string.h>

#define HEADER 64u /* the number of segments, and fifteen offsets */
#define NO_OP 128u

/* Every `stride`-th byte of an output, `left` of them. */
struct plane {
	uint8_t *to;
	size_t at, stride, left;
};

static void put_run(struct plane *p, uint8_t value, size_t count)
{
	if (p->stride == 1) {
		memset(p->to + p->at, value, count);
	} else {
		for (size_t i = 0; i < count; i++)
			p->to[p->at + i * p->stride] = value;
	}
	p->at += count * p->stride;
	p->left -= count;
}

static void put_bytes(struct plane *p, const uint8_t *from, size_t count)
{
	if (p->stride == 1) {
		memcpy(p->to + p->at, from, count);
	} else {
		for (size_t i = 0; i < count; i++)
			p->to[p->at + i * p->stride] = from[i];
	}
	p->at += count * p->stride;
	p->left -= count;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* G.3.2.  The segment is stream[from, end). */
static enum err decode_segment(struct bytes stream, size_t from, size_t end, struct plane *p,
			       struct fault *f)
{
	size_t at = from;

	while (p->left > 0) {
		if (at == end)
			return fault_set(f, ERR_WIRE, "an RLE segment is cut short", at);
		uint8_t code = stream.at[at++];
		if (code < NO_OP) {
			size_t count = smaller(code + 1u, p->left);

			if (count > end - at)
				return fault_set(f, ERR_WIRE, "an RLE segment is cut short", at);
			put_bytes(p, stream.at + at, count);
			at += count;
		} else if (code > NO_OP) {
			if (at == end)
				return fault_set(f, ERR_WIRE, "an RLE segment is cut short", at);
			put_run(p, stream.at[at++], smaller(257u - code, p->left));
		}
	}
	return OK;
}

enum err rle_decode(struct bytes stream, const struct frame *frame, uint8_t *to, struct fault *f)
{
	unsigned count = frame->samples * frame->sample_bytes;
	size_t at[16] = {0};

	if (stream.len < HEADER)
		return fault_set(f, ERR_WIRE, "an RLE header is cut short", stream.len);
	if (get_u32le(stream.at) != count)
		return fault_set(f, ERR_WIRE, "a frame has another number of RLE segments", 0);
	for (unsigned i = 0; i < count; i++) {
		at[i] = get_u32le(stream.at + 4 * (i + 1));
		if (at[i] < (i == 0 ? HEADER : at[i - 1]) || at[i] > stream.len)
			return fault_set(f, ERR_WIRE, "an RLE segment is not where the header says",
					 4 * (i + 1));
	}
	at[count] = stream.len;

	for (unsigned i = 0; i < count; i++) {
		unsigned sample = i / frame->sample_bytes, byte = i % frame->sample_bytes;
		struct plane p = {
			.to = to,
			.at = (sample + 1) * frame->sample_bytes - 1 - byte,
			.stride = count,
			.left = (size_t)frame->rows * frame->cols,
		};
		enum err e = decode_segment(stream, at[i], at[i + 1], &p, f);

		if (e != OK)
			return e;
	}
	return OK;
}
