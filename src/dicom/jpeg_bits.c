#include "dicom/jpeg_bits.h"

struct jpeg_bits jpeg_bits_near_marker(struct jpeg_bits b, enum jpeg_stuffing how)
{
	bool by_bits = how == JPEG_STUFFS_BITS;
	unsigned after_data = by_bits ? 0x80 : 0x01; /* FF and less than this is data */
	unsigned with_next = by_bits ? 15 : 8;       /* so many bits */

	while (b.have + with_next <= 64) {
		uint64_t next = 0;
		unsigned count = 8;

		if (b.at < b.end && *b.at != 0xFF) {
			next = *b.at++;
		} else if (b.end - b.at >= 2 && b.at[1] < after_data) {
			next = by_bits ? 0xFFu << 7 | b.at[1] : 0xFF;
			count = with_next;
			b.at += 2;
		} else {
			b.made_up += 8;
		}
		b.hold |= next << (64 - count - b.have);
		b.have += count;
	}
	return b;
}
