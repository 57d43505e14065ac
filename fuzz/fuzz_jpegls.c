/*
 * JPEG-LS.  Property: see decode_check.h.
 */
#include "dicom/jpegls.h"

#include "decode_check.h"

static enum err decode(struct bytes stream, const struct frame *frame, bool flag, uint8_t *to,
		       struct fault *f)
{
	unsigned near;

	(void)flag;
	return jpegls_decode(stream, frame, to, &near, f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	decode_check(data, size, 2, decode);
	return 0;
}
