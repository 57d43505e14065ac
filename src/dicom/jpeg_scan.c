#include "dicom/jpeg_scan.h"

#include <assert.h>
#include <stdlib.h>

enum err jpeg_broken(struct jpeg_decoder *d, const char *text, size_t at)
{
	return fault_set(d->f, ERR_WIRE, text, at);
}

enum err jpeg_unsupported(struct jpeg_decoder *d, const char *text, size_t at)
{
	return fault_set(d->f, ERR_UNSUPPORTED, text, at);
}

/* ---- Rows ---- */

static void store_line(const struct jpeg_decoder *d, const struct jpeg_component *c, uint32_t row)
{
	size_t stride = (size_t)d->frame->samples * d->frame->sample_bytes;
	uint8_t *to = d->to + row * stride * d->frame->cols + c->index * d->frame->sample_bytes;

	for (uint32_t x = 0; x < d->frame->cols; x++, to += stride) {
		uint32_t value = (uint32_t)c->line[x] << d->shift;

		to[0] = (uint8_t)value;
		if (d->frame->sample_bytes == 2)
			to[1] = (uint8_t)(value >> 8);
	}
}

static size_t bits_at(const struct jpeg_decoder *d)
{
	return (size_t)(d->in.at - d->stream.at);
}

static void begin_interval(struct jpeg_decoder *d, size_t at)
{
	d->in = jpeg_bits_of(bytes_of(d->stream.at + at, d->stream.len - at));
	d->process->begin(d);
}

/* T.81 F.2.2.5: the marker after an interval, maybe with more FF before it (B.1.1.2). */
static enum err take_restart(struct jpeg_decoder *d, unsigned number)
{
	size_t at = bits_at(d);

	while (at + 1 < d->stream.len && d->stream.at[at] == 0xFF && d->stream.at[at + 1] == 0xFF)
		at++;
	if (at + 1 >= d->stream.len || d->stream.at[at] != 0xFF ||
	    d->stream.at[at + 1] != JPEG_RST0 + number % 8)
		return jpeg_broken(d, "a JPEG restart marker is missing", at);
	begin_interval(d, at + 2);
	return OK;
}

static enum err decode_row(struct jpeg_decoder *d, uint32_t row, bool fresh)
{
	if (!d->process->row(d, fresh))
		return jpeg_broken(d, "a code that is none in the data of a JPEG scan", bits_at(d));
	if (jpeg_bits_overrun(&d->in))
		return jpeg_broken(d, "the data of a JPEG scan are cut short", bits_at(d));
	for (unsigned i = 0; i < d->count; i++) {
		struct jpeg_component *c = &d->component[i];
		uint16_t *line = c->line;

		store_line(d, c, row);
		c->line = c->above;
		c->above = line;
	}
	return OK;
}

static enum err decode_scan(struct jpeg_decoder *d, size_t *at)
{
	unsigned restarts = 0;

	begin_interval(d, *at);
	for (uint32_t row = 0; row < d->frame->rows; row++) {
		bool again = d->restart != 0 && row > 0 && row % d->restart == 0;
		enum err e = again ? take_restart(d, restarts++) : OK;

		if (e == OK)
			e = decode_row(d, row, again || row == 0);
		if (e != OK)
			return e;
	}
	*at = bits_at(d);
	return OK;
}

/* ---- Headers ---- */

/* Is it this frame's? */
static enum err read_frame(struct jpeg_decoder *d, const struct jpeg_segment *s)
{
	struct jpeg_frame h;
	enum err e = jpeg_frame_of(s, &h, d->f);

	if (e != OK)
		return e;
	if (d->precision != 0)
		return jpeg_broken(d, "a second JPEG frame header", s->at);
	if (h.marker != d->process->sof)
		return jpeg_unsupported(d, "a JPEG stream of another process", s->at);
	if (h.rows == 0)
		return jpeg_unsupported(d, "a JPEG stream that says its height late", s->at);
	if (h.rows != d->frame->rows || h.cols != d->frame->cols ||
	    h.components != d->frame->samples)
		return jpeg_broken(d, "a JPEG stream is not of the image's size", s->at);
	if (h.precision < 2 || h.precision > 16 || h.precision > 8 * d->frame->sample_bytes)
		return jpeg_broken(d, "a JPEG stream's samples do not fit in the image's", s->at);
	for (unsigned i = 0; i < h.components; i++) {
		const uint8_t *p = h.body.at + 6 + (size_t)i * 3;

		if (h.components > 1 && p[1] != 0x11)
			return jpeg_unsupported(d, "JPEG components of different size", s->at);
		d->ids[i] = p[0];
	}
	d->precision = h.precision;
	return OK;
}

/* The i-th component of a scan; `p`: its identifier and selector. */
static enum err scan_component(struct jpeg_decoder *d, unsigned i, const uint8_t *p, size_t at)
{
	unsigned margin = d->process->margin;
	size_t width = d->frame->cols + 2u * margin;
	unsigned k = 0;

	while (k < d->frame->samples && (d->ids[k] != p[0] || (d->seen >> k & 1) != 0))
		k++;
	if (k == d->frame->samples)
		return jpeg_broken(d, "a JPEG scan of a component that is not there", at);
	d->seen |= 1u << k;
	d->component[i] = (struct jpeg_component){
		.index = (uint8_t)k,
		.selector = p[1],
		.line = d->lines + (size_t)2 * i * width + margin,
		.above = d->lines + ((size_t)2 * i + 1) * width + margin,
	};
	return OK;
}

static enum err read_scan(struct jpeg_decoder *d, const struct jpeg_segment *s)
{
	if (d->precision == 0)
		return jpeg_broken(d, "a JPEG scan before the frame header", s->at);
	if (s->body.len < 1 || s->body.at[0] == 0 || s->body.at[0] > d->frame->samples ||
	    s->body.len != 4u + 2u * s->body.at[0])
		return jpeg_broken(d, "a damaged JPEG scan header", s->at);
	d->count = s->body.at[0];
	for (unsigned i = 0; i < d->count; i++) {
		enum err e = scan_component(d, i, s->body.at + 1 + (size_t)2 * i, s->at);

		if (e != OK)
			return e;
	}
	return d->process->head(d, s->body.at + 1 + (size_t)2 * d->count, s->at);
}

static enum err decode_segments(struct jpeg_decoder *d)
{
	struct jpeg_segment s = {0};
	size_t at = 0;

	while (d->seen != (1u << d->frame->samples) - 1) {
		enum err e = jpeg_next(d->stream, &at, &s, d->f);

		if (e != OK)
			return e;
		if (s.marker == JPEG_EOI)
			return jpeg_broken(d, "a JPEG stream ends before its image does", s.at);
		if (jpeg_is_sof(s.marker)) {
			e = read_frame(d, &s);
		} else if (s.marker == JPEG_SOS) {
			e = read_scan(d, &s);
			if (e == OK)
				e = decode_scan(d, &at);
		} else {
			e = d->process->segment(d, &s);
		}
		if (e != OK)
			return e;
	}
	return OK;
}

enum err jpeg_decode(struct jpeg_decoder *d)
{
	const struct frame *frame = d->frame;

	assert(frame->samples == 1 || frame->samples == JPEG_COMPONENTS);
	assert(frame->sample_bytes == 1 || frame->sample_bytes == 2);
	if (d->stream.len < 2 || d->stream.at[0] != 0xFF || d->stream.at[1] != JPEG_SOI)
		return fault_set(d->f, ERR_WIRE, "not a JPEG stream", 0);
	d->lines = calloc((size_t)2 * frame->samples * (frame->cols + 2u * d->process->margin),
			  sizeof(uint16_t));
	if (d->lines == NULL)
		return fault_set(d->f, ERR_NOMEM, "no memory to decode JPEG", FAULT_NO_OFFSET);
	enum err e = decode_segments(d);
	free(d->lines);
	d->lines = NULL;
	return e;
}
