/*
 * The markers that JPEG, JPEG Lossless and JPEG-LS share (ITU-T T.81 annex B).
 */
#ifndef DICOM_JPEG_MARKER_H
#define DICOM_JPEG_MARKER_H

#include "base/bytes.h"
#include "base/err.h"

enum jpeg_marker {
	JPEG_SOF0 = 0xC0, /* baseline */
	JPEG_SOF1 = 0xC1, /* extended, Huffman */
	JPEG_SOF2 = 0xC2, /* progressive, Huffman */
	JPEG_SOF3 = 0xC3, /* lossless, Huffman */
	JPEG_DHT = 0xC4,
	JPEG_SOF15 = 0xCF,
	JPEG_RST0 = 0xD0,
	JPEG_RST7 = 0xD7,
	JPEG_SOI = 0xD8,
	JPEG_EOI = 0xD9,
	JPEG_SOS = 0xDA,
	JPEG_DNL = 0xDC,
	JPEG_DRI = 0xDD,
	JPEG_APP8 = 0xE8,
	JPEG_SOF55 = 0xF7, /* JPEG-LS */
	JPEG_LSE = 0xF8,   /* JPEG-LS preset parameters */
	JPEG_TEM = 0x01,
};

struct jpeg_segment {
	uint8_t marker;
	size_t at;         /* offset of the FF before it */
	struct bytes body; /* after the length; empty for markers that have none */
	size_t body_at;
};

/*
 * The next marker and its parameters, from *at on, which moves behind them.  Bytes before the
 * marker that are none (entropy-coded data, what is left of it, fill) are passed over, and so are
 * restart markers.  ERR_WIRE: no marker, or cut short.
 */
enum err jpeg_next(struct bytes stream, size_t *at, struct jpeg_segment *out,
		   struct fault *f) MUST_USE;

/* The frame header's marker (SOF0..SOF15 or SOF55) and parameters: which process this stream is. */
struct jpeg_frame {
	uint8_t marker;
	uint8_t precision;
	uint16_t rows, cols; /* rows may be 0: DNL says them */
	uint8_t components;
	size_t at;
	struct bytes body; /* the whole parameters */
};
bool jpeg_is_sof(uint8_t marker);
enum err jpeg_frame_of(const struct jpeg_segment *sof, struct jpeg_frame *out,
		       struct fault *f) MUST_USE;
/* From the stream's beginning (SOI) to its frame header. */
enum err jpeg_find_frame(struct bytes stream, struct jpeg_frame *out, struct fault *f) MUST_USE;

#endif
