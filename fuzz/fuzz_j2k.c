/*
 * JPEG 2000.  Property: see decode_check.h.
 */
#include "image/j2k.h"

#include "decode_check.h"

static enum err decode(struct bytes stream, const struct frame *frame, bool flag, uint8_t *to,
		       struct fault *f)
{
	struct j2k_head h;
	enum err e = j2k_head(stream, &h, f);

	(void)flag;
	return e != OK ? e : j2k_decode(stream, &h, frame, to, f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	decode_check(data, size, 4, decode);
	return 0;
}
