/*
 * JPEG with a DCT.  Property: see decode_check.h.
 */
#include "dicom/jpeg_marker.h"
#include "image/jpeg_read.h"

#include "decode_check.h"

static enum err decode(struct bytes stream, const struct frame *frame, bool flag, uint8_t *to,
		       struct fault *f)
{
	struct jpeg_frame h;
	enum err e = jpeg_find_frame(stream, &h, f);

	return e != OK ? e : jpeg_read(stream, frame, h.precision, flag, to, f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	decode_check(data, size, 2, decode);
	return 0;
}
