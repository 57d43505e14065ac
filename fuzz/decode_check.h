/*
 * What the harnesses of decoders share.  The first four bytes of an input say what frame it is to
 * be (rows, columns, samples and bytes of each, a flag), the rest is the stream.
 *
 * Property: of any bytes, either an error with an offset within the stream, or every byte of the
 * frame is written and follows from the stream alone; nothing is written beside it.
 */
#ifndef FUZZ_DECODE_CHECK_H
#define FUZZ_DECODE_CHECK_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef enum err decode_one(struct bytes stream, const struct frame *frame, bool flag, uint8_t *to,
			    struct fault *f);

static void decode_check(const uint8_t *data, size_t size, unsigned most_bytes, decode_one *decode)
{
	static const unsigned widths[] = {1, 2, 4, 2};

	if (size < 4 || size > 100000)
		return;
	struct frame frame = {
		.rows = data[0] % 64u + 1,
		.cols = data[1] + 1u,
		.samples = data[2] % 2 ? 3 : 1,
		.sample_bytes = widths[data[2] / 2 % 4],
	};
	if (frame.sample_bytes > most_bytes)
		frame.sample_bytes = most_bytes;

	size_t len = (size_t)frame.rows * frame.cols * frame.samples * frame.sample_bytes;
	uint8_t *stream = malloc(size > 4 ? size - 4 : 1), *a = malloc(len), *b = malloc(len);
	assert(stream != NULL && a != NULL && b != NULL);
	memcpy(stream, data + 4, size - 4);
	memset(a, 0x55, len);
	memset(b, 0xAA, len);

	struct fault f = {.at = 0};
	struct bytes in = bytes_of(stream, size - 4);
	enum err e = decode(in, &frame, data[3] % 2 != 0, a, &f);
	assert(e == decode(in, &frame, data[3] % 2 != 0, b, NULL));
	if (e == OK)
		assert(memcmp(a, b, len) == 0);
	else
		assert(f.text != NULL && (f.at <= in.len || f.at == FAULT_NO_OFFSET));
	free(stream);
	free(a);
	free(b);
}

#endif
