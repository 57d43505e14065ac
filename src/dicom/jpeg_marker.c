#include "dicom/jpeg_marker.h"

#include <string.h>

static bool is_restart(uint8_t marker)
{
	return marker >= JPEG_RST0 && marker <= JPEG_RST7;
}

static bool is_bare(uint8_t marker)
{
	return marker == JPEG_SOI || marker == JPEG_EOI || marker == JPEG_TEM;
}

/* The offset of an FF that a marker follows, at or after `at`; stream.len when there is none. */
static size_t find_marker(struct bytes stream, size_t at)
{
	while (at < stream.len) {
		const uint8_t *p = memchr(stream.at + at, 0xFF, stream.len - at);

		if (p == NULL)
			break;
		at = (size_t)(p - stream.at);
		if (at + 1 == stream.len)
			break;
		uint8_t next = stream.at[at + 1];
		/* JPEG-LS stuffs a bit, not a byte: FF and less than 80 are data */
		if (next >= 0x80 && next != 0xFF && !is_restart(next))
			return at;
		at += next == 0xFF ? 1 : 2;
	}
	return stream.len;
}

enum err jpeg_next(struct bytes stream, size_t *at, struct jpeg_segment *out, struct fault *f)
{
	size_t here = find_marker(stream, *at);

	if (here == stream.len)
		return fault_set(f, ERR_WIRE, "a JPEG stream is cut short", stream.len);
	struct rd r = rd_of(bytes_slice(stream, here, stream.len - here));
	(void)rd_u8(&r);
	struct jpeg_segment made = {.marker = rd_u8(&r), .at = here};

	if (!is_bare(made.marker)) {
		uint16_t len = rd_u16(&r, true); /* counts itself */

		made.body_at = here + r.pos;
		made.body = rd_take(&r, len < 2 ? SIZE_MAX / 2 : len - 2u);
		if (r.failed)
			return fault_set(f, ERR_WIRE, "a JPEG marker segment is cut short", here);
	}
	*at = here + r.pos;
	*out = made;
	return OK;
}

bool jpeg_is_sof(uint8_t marker)
{
	if (marker == JPEG_SOF55)
		return true;
	/* DHT, JPG and DAC are among them and are none */
	return marker >= JPEG_SOF0 && marker <= JPEG_SOF15 && marker != JPEG_DHT &&
	       marker != 0xC8 && marker != 0xCC;
}

enum err jpeg_frame_of(const struct jpeg_segment *sof, struct jpeg_frame *out, struct fault *f)
{
	struct rd r = rd_of(sof->body);
	struct jpeg_frame made = {.marker = sof->marker, .at = sof->at, .body = sof->body};

	made.precision = rd_u8(&r);
	made.rows = rd_u16(&r, true);
	made.cols = rd_u16(&r, true);
	made.components = rd_u8(&r);
	if (r.failed || rd_left(&r) != 3u * made.components || made.components == 0)
		return fault_set(f, ERR_WIRE, "a JPEG frame header of the wrong length", sof->at);
	*out = made;
	return OK;
}

enum err jpeg_find_frame(struct bytes stream, struct jpeg_frame *out, struct fault *f)
{
	struct jpeg_segment s = {0};
	size_t at = 0;

	if (stream.len < 2 || stream.at[0] != 0xFF || stream.at[1] != JPEG_SOI)
		return fault_set(f, ERR_WIRE, "not a JPEG stream", 0);
	for (;;) {
		enum err e = jpeg_next(stream, &at, &s, f);

		if (e != OK)
			return e;
		if (jpeg_is_sof(s.marker))
			return jpeg_frame_of(&s, out, f);
		if (s.marker == JPEG_SOS || s.marker == JPEG_EOI)
			return fault_set(f, ERR_WIRE, "a JPEG stream without a frame header", s.at);
	}
}
