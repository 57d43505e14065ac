/*
 * Property: of any bytes, taken as a compressed stream or as the fragments of pixel data:
 *   - refused, or not longer than it was (but for a byte that makes it even);
 *   - what comes out comes out again, byte for byte;
 *   - pixel data that is said to be fit as it is, is; else what was made of it can be walked, and
 * is then fit as it is.
 *
 *   - so it is where frames are decoded in search of bits outside of Bits Stored.
 *
 * The first byte chooses the codec, the second how many frames, and which samples they have.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "anon/codestream.h"
#include "anon/frames.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum err clean(unsigned codec, struct bytes stream, struct buf *out)
{
	switch (codec) {
	case 0:
		return jpeg_clean(stream, out, NULL);
	case 1:
		return j2k_clean(stream, out, NULL);
	default:
		return rle_clean(stream, 2, 16, out, NULL);
	}
}

static void check_stream(unsigned codec, struct bytes stream)
{
	struct buf once = BUF_INIT(1u << 20), twice = BUF_INIT(1u << 20);

	if (clean(codec, stream, &once) == OK) {
		/* each segment of RLE gets a byte to be even */
		assert(once.len <= stream.len + 2);
		enum err e = clean(codec, buf_bytes(&once), &twice);
		assert(e == OK && bytes_eq(buf_bytes(&once), buf_bytes(&twice)));
	}
	buf_free(&once);
	buf_free(&twice);
}

/* The bytes as content of an element, with its header and, mostly, its delimiter. */
static struct bytes element_of(struct bytes content, struct buf *out, bool delimited)
{
	static const uint8_t head[] = {0xE0, 0x7F, 0x10, 0x00, 'O',  'B',
				       0,    0,    0xFF, 0xFF, 0xFF, 0xFF};
	static const uint8_t end[] = {0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0};

	buf_add(out, bytes_of(head, sizeof(head)));
	buf_add(out, content);
	if (delimited)
		buf_add(out, bytes_of(end, sizeof(end)));
	assert(!out->failed);
	return buf_bytes(out);
}

static void check_frames(unsigned codec, uint32_t count, struct bytes content, unsigned flags)
{
	static const char *const uids[] = {"1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.90",
					   "1.2.840.10008.1.2.5"};
	struct buf element = BUF_INIT(1u << 20), made = BUF_INIT(0), again = BUF_INIT(0);
	struct frames in = {.element = element_of(content, &element, flags < 0xE0),
			    .head = 12,
			    .syntax = syntax_find(bytes_str(uids[codec])),
			    .count = count,
			    .segments = 2,
			    .plane = 16,
			    .samples = {.frame = {4, 4, 1, 2},
					.allocated = 16,
					.stored = flags & 4 ? 12 : 16,
					.high = flags & 8 ? 15 : 11,
					.is_signed = flags & 16}};
	bool same;

	if (frames_clean(&in, &same, &made, NULL) == OK && !same) {
		in.element = buf_bytes(&made);
		enum err e = frames_clean(&in, &same, &again, NULL);
		assert(e == OK && same);
	}
	buf_free(&element);
	buf_free(&made);
	buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2 || size > 20000)
		return 0;
	uint8_t *copy = malloc(size > 2 ? size - 2 : 1);
	assert(copy != NULL);
	memcpy(copy, data + 2, size - 2);
	struct bytes in = bytes_of(copy, size - 2);
	if (data[0] % 6 < 3)
		check_stream(data[0] % 3, in);
	else
		check_frames(data[0] % 3, data[1] % 4u + 1, in, data[1]);
	free(copy);
	return 0;
}
