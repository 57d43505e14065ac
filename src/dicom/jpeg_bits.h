/*
 * Bits of entropy-coded data of JPEG Lossless and JPEG-LS.
 *
 * The two differ in what hides that a byte of data is FF.  A reader is handed on by value where the
 * next bytes want a closer look, so that the loops over samples keep it in registers.
 */
#ifndef DICOM_JPEG_BITS_H
#define DICOM_JPEG_BITS_H

#include "base/bytes.h"

enum jpeg_stuffing {
	JPEG_STUFFS_BYTES, /* FF of data is FF 00 (T.81 F.1.2.3) */
	JPEG_STUFFS_BITS,  /* one of seven bits follows, after a zero bit (T.87 A.1) */
};

struct jpeg_bits {
	const uint8_t *at, *end;
	uint64_t hold;    /* the next bits, from the top; zeros below them */
	unsigned have;    /* how many there are */
	unsigned made_up; /* so many, the last ones, are zeros behind the data */
};

static inline struct jpeg_bits jpeg_bits_of(struct bytes data)
{
	return (struct jpeg_bits){.at = data.at, .end = data.at + data.len};
}

/* Byte by byte; what follows a marker, or the end, are zeros. */
struct jpeg_bits jpeg_bits_near_marker(struct jpeg_bits b, enum jpeg_stuffing how);

/* Then there are 32 bits at least. */
static inline void jpeg_bits_refill(struct jpeg_bits *b, enum jpeg_stuffing how)
{
	if (b->have > 32)
		return;
	if (b->end - b->at >= 4) {
		const uint8_t *p = b->at;
		uint32_t next =
			(uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
		uint32_t inverse = ~next;

		/* no byte of it is FF: no byte of the inverse is 0 */
		if (((inverse - 0x01010101u) & ~inverse & 0x80808080u) == 0) {
			b->hold |= (uint64_t)next << (32 - b->have);
			b->have += 32;
			b->at += 4;
			return;
		}
	}
	*b = jpeg_bits_near_marker(*b, how);
}

static inline void jpeg_bits_drop(struct jpeg_bits *b, unsigned count)
{
	b->hold <<= count;
	b->have -= count;
}

/* Were bits taken that the data do not have? */
static inline bool jpeg_bits_overrun(const struct jpeg_bits *b)
{
	return b->made_up > b->have;
}

#endif
