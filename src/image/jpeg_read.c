#include "image/jpeg_read.h"

enum err jpeg_read(struct bytes stream, const struct frame *frame, unsigned precision,
		   bool from_ybr, uint8_t *to, struct fault *f)
{
#ifdef NETRT_MINIMAL
	(void)stream, (void)frame, (void)precision, (void)from_ybr, (void)to;
	return fault_set(f, ERR_UNSUPPORTED, "this netrt was built without JPEG", FAULT_NO_OFFSET);
#else
	if (precision > 8 * frame->sample_bytes)
		return fault_set(f, ERR_WIRE, "a JPEG stream's samples do not fit in the image's",
				 0);
	if (precision == 8)
		return jpeg_dct8(stream, frame, from_ybr, to, f);
	if (precision == 12)
		return jpeg_dct12(stream, frame, from_ybr, to, f);
	return fault_set(f, ERR_UNSUPPORTED, "JPEG samples of neither 8 nor 12 bits", 0);
#endif
}
