/*
 * RLE Lossless.  Property: see decode_check.h.
 */
#include "dicom/rle.h"

#include "decode_check.h"

static enum err decode(struct bytes stream, const struct frame *frame, bool flag, uint8_t *to,
		       struct fault *f)
{
	(void)flag;
	return rle_decode(stream, frame, to, f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	decode_check(data, size, 4, decode);
	return 0;
}
