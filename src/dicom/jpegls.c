/*
 * What is around the lines of a JPEG-LS stream: its marker segments (T.87 annex C), scans and
 * restart intervals.  The lines themselves: jpegls_scan.
 */
#include "dicom/jpegls.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/jpeg_marker.h"
#include "dicom/jpegls_scan.h"

struct decoder {
	struct bytes stream;
	const struct frame *frame;
	uint8_t *to;
	struct fault *f;
	uint16_t *lines; /* owned */
	uint8_t ids[LS_COMPONENTS];
	uint8_t index[LS_COMPONENTS]; /* of the scan's components */
	unsigned precision, seen;     /* bit i: component i has had its scan */
	bool framed;
	uint32_t restart;   /* lines; 0: never */
	uint32_t preset[5]; /* MAXVAL, T1, T2, T3, RESET; 0: default */
	unsigned nearest;   /* of all scans */
	struct ls_scan scan;
};

static enum err broken(struct decoder *d, const char *text, size_t at)
{
	return fault_set(d->f, ERR_WIRE, text, at);
}

/* ---- A scan ---- */

static void store_line(const struct decoder *d, unsigned i, uint32_t row)
{
	size_t stride = (size_t)d->frame->samples * d->frame->sample_bytes;
	uint8_t *to = d->to + row * stride * d->frame->cols + d->index[i] * d->frame->sample_bytes;
	const uint16_t *line = d->scan.component[i].line;

	for (uint32_t x = 0; x < d->frame->cols; x++) {
		if (d->frame->sample_bytes == 1)
			to[x * stride] = (uint8_t)line[x];
		else
			put_u16le(to + x * stride, line[x]);
	}
}

static void begin_interval(struct decoder *d, size_t at)
{
	memset(d->lines, 0, sizeof(uint16_t) * 2 * d->frame->samples * (d->frame->cols + 2u));
	ls_scan_begin(&d->scan, bytes_of(d->stream.at + at, d->stream.len - at));
}

static size_t bits_at(const struct decoder *d)
{
	return (size_t)(d->scan.in.at - d->stream.at);
}

static enum err take_restart(struct decoder *d, unsigned number)
{
	size_t at = bits_at(d);

	while (at + 1 < d->stream.len && d->stream.at[at] == 0xFF && d->stream.at[at + 1] == 0xFF)
		at++;
	if (at + 1 >= d->stream.len || d->stream.at[at] != 0xFF ||
	    d->stream.at[at + 1] != JPEG_RST0 + number % 8)
		return broken(d, "a JPEG-LS restart marker is missing", at);
	begin_interval(d, at + 2);
	return OK;
}

static enum err decode_scan(struct decoder *d, size_t *at)
{
	unsigned restarts = 0;

	begin_interval(d, *at);
	for (uint32_t row = 0; row < d->frame->rows; row++) {
		if (d->restart != 0 && row > 0 && row % d->restart == 0) {
			enum err e = take_restart(d, restarts++);

			if (e != OK)
				return e;
		}
		if (!ls_scan_row(&d->scan))
			return broken(d, "no code of JPEG-LS", bits_at(d));
		if (ls_scan_overrun(&d->scan))
			return broken(d, "the data of a JPEG-LS scan are cut short", bits_at(d));
		for (unsigned i = 0; i < d->scan.count; i++) {
			struct ls_component *c = &d->scan.component[i];
			uint16_t *line = c->line;

			store_line(d, i, row);
			c->line = c->above;
			c->above = line;
		}
	}
	*at = bits_at(d);
	return OK;
}

/* ---- Parameters ---- */

static enum err read_preset(struct decoder *d, const struct jpeg_segment *s)
{
	struct rd r = rd_of(s->body);
	uint8_t kind = rd_u8(&r);

	if (kind == 2 || kind == 3) /* tables: refused where a scan wants them */
		return OK;
	if (kind != 1)
		return fault_set(d->f, ERR_UNSUPPORTED, "JPEG-LS parameters of another kind",
				 s->at);
	for (unsigned i = 0; i < 5; i++)
		d->preset[i] = rd_u16(&r, true);
	if (r.failed || rd_left(&r) != 0)
		return broken(d, "JPEG-LS parameters of the wrong length", s->at);
	return OK;
}

/* An extension of others that the streams of some encoders have. */
static enum err read_application(struct decoder *d, const struct jpeg_segment *s)
{
	if (s->body.len >= 5 && memcmp(s->body.at, "mrfx", 4) == 0 && s->body.at[4] != 0)
		return fault_set(d->f, ERR_UNSUPPORTED, "JPEG-LS with a colour transform", s->at);
	return OK;
}

/* C.2.5: two, three or four bytes. */
static enum err read_restart(struct decoder *d, const struct jpeg_segment *s)
{
	if (s->body.len < 2 || s->body.len > 4)
		return broken(d, "a JPEG restart interval of the wrong length", s->at);
	d->restart = 0;
	for (size_t i = 0; i < s->body.len; i++)
		d->restart = d->restart << 8 | s->body.at[i];
	return OK;
}

static enum err read_frame(struct decoder *d, const struct jpeg_segment *s)
{
	struct jpeg_frame h;
	enum err e = jpeg_frame_of(s, &h, d->f);

	if (e != OK)
		return e;
	if (d->framed)
		return broken(d, "a second JPEG frame header", s->at);
	if (h.marker != JPEG_SOF55)
		return fault_set(d->f, ERR_UNSUPPORTED, "a JPEG stream, not one of JPEG-LS", s->at);
	if (h.rows != d->frame->rows || h.cols != d->frame->cols ||
	    h.components != d->frame->samples)
		return broken(d, "a JPEG-LS stream is not of the image's size", s->at);
	if (h.precision < 2 || h.precision > 16 || h.precision > 8 * d->frame->sample_bytes)
		return broken(d, "a JPEG-LS stream's samples do not fit in the image's", s->at);
	for (unsigned i = 0; i < h.components; i++) {
		const uint8_t *p = h.body.at + 6 + (size_t)i * 3;

		if (h.components > 1 && p[1] != 0x11)
			return fault_set(d->f, ERR_UNSUPPORTED,
					 "JPEG-LS components of different size", s->at);
		d->ids[i] = p[0];
	}
	d->precision = h.precision;
	d->framed = true;
	return OK;
}

/* `p`: identifier and mapping table of one component of a scan. */
static enum err scan_component(struct decoder *d, unsigned i, const uint8_t *p, size_t at)
{
	size_t width = d->frame->cols + 2u;
	unsigned k = 0;

	while (k < d->frame->samples && (d->ids[k] != p[0] || (d->seen >> k & 1) != 0))
		k++;
	if (k == d->frame->samples)
		return broken(d, "a JPEG-LS scan of a component that is not there", at);
	if (p[1] != 0)
		return fault_set(d->f, ERR_UNSUPPORTED, "JPEG-LS with a mapping table", at);
	d->seen |= 1u << k;
	d->index[i] = (uint8_t)k;
	d->scan.component[i] = (struct ls_component){
		.line = d->lines + 2 * i * width + 1,
		.above = d->lines + (2 * i + 1u) * width + 1,
	};
	return OK;
}

static enum err read_scan(struct decoder *d, const struct jpeg_segment *s)
{
	if (!d->framed)
		return broken(d, "a JPEG-LS scan before the frame header", s->at);
	if (s->body.len < 1 || s->body.at[0] == 0 || s->body.at[0] > d->frame->samples ||
	    s->body.len != 4u + 2u * s->body.at[0])
		return broken(d, "a damaged JPEG-LS scan header", s->at);
	d->scan.count = s->body.at[0];
	for (unsigned i = 0; i < d->scan.count; i++) {
		enum err e = scan_component(d, i, s->body.at + 1 + (size_t)2 * i, s->at);

		if (e != OK)
			return e;
	}
	const uint8_t *tail = s->body.at + 1 + (size_t)2 * d->scan.count;
	if (tail[1] > LS_BY_SAMPLE || (tail[1] == LS_BY_COMPONENT && d->scan.count > 1))
		return broken(d, "a JPEG-LS interleave mode that is none", s->at);
	if ((tail[2] & 0x0F) != 0)
		return fault_set(d->f, ERR_UNSUPPORTED, "JPEG-LS with a point transform", s->at);
	d->scan.interleave = d->scan.count == 1 ? LS_BY_COMPONENT : (enum ls_interleave)tail[1];
	if (!ls_scan_coding(&d->scan, d->precision, d->preset, tail[0]))
		return broken(d, "JPEG-LS parameters that make no sense", s->at);
	if (d->nearest < tail[0])
		d->nearest = tail[0];
	return OK;
}

static enum err decode_segments(struct decoder *d)
{
	struct jpeg_segment s = {0};
	size_t at = 0;

	while (d->seen != (1u << d->frame->samples) - 1) {
		enum err e = jpeg_next(d->stream, &at, &s, d->f);

		if (e != OK)
			return e;
		if (s.marker == JPEG_LSE) {
			e = read_preset(d, &s);
		} else if (s.marker == 0xE8) {
			e = read_application(d, &s);
		} else if (jpeg_is_sof(s.marker)) {
			e = read_frame(d, &s);
		} else if (s.marker == JPEG_DRI) {
			e = read_restart(d, &s);
		} else if (s.marker == JPEG_SOS) {
			e = read_scan(d, &s);
			if (e == OK)
				e = decode_scan(d, &at);
		} else if (s.marker == JPEG_EOI) {
			e = broken(d, "a JPEG-LS stream ends before its image does", s.at);
		}
		if (e != OK)
			return e;
	}
	return OK;
}

enum err jpegls_decode(struct bytes stream, const struct frame *frame, uint8_t *to, unsigned *near,
		       struct fault *f)
{
	assert(frame->samples == 1 || frame->samples == LS_COMPONENTS);
	assert(frame->sample_bytes == 1 || frame->sample_bytes == 2);
	if (stream.len < 2 || stream.at[0] != 0xFF || stream.at[1] != JPEG_SOI)
		return fault_set(f, ERR_WIRE, "not a JPEG stream", 0);

	struct decoder *d = calloc(1, sizeof(*d)); /* 140 KB */
	uint16_t *lines = calloc(2 * frame->samples * (frame->cols + 2u), sizeof(uint16_t));
	enum err e = ERR_NOMEM;
	if (d != NULL && lines != NULL) {
		d->stream = stream;
		d->frame = frame;
		d->scan.cols = frame->cols;
		d->to = to;
		d->f = f;
		d->lines = lines;
		e = decode_segments(d);
		if (e == OK)
			*near = d->nearest;
	} else {
		fault_set(f, e, "no memory to decode JPEG-LS", FAULT_NO_OFFSET);
	}
	free(lines);
	free(d);
	return e;
}
