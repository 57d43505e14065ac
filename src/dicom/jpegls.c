/*
 * What is of JPEG-LS alone around the lines of a stream: its marker segments and parameters (T.87
 * annex C).  The lines themselves: jpegls_scan.
 */
#include "dicom/jpegls.h"

#include <stdlib.h>
#include <string.h>

#include "dicom/jpegls_scan.h"

struct parameters {
	uint32_t preset[5]; /* MAXVAL, T1, T2, T3, RESET; 0: default */
	unsigned nearest;   /* of all scans */
	struct ls_scan scan;
};

static enum err read_preset(struct jpeg_decoder *d, const struct jpeg_segment *s)
{
	struct parameters *p = d->self;
	struct rd r = rd_of(s->body);
	uint8_t kind = rd_u8(&r);

	if (kind == 2 || kind == 3) /* tables: refused where a scan wants them */
		return OK;
	if (kind != 1)
		return jpeg_unsupported(d, "JPEG-LS parameters of another kind", s->at);
	for (unsigned i = 0; i < 5; i++)
		p->preset[i] = rd_u16(&r, true);
	if (r.failed || rd_left(&r) != 0)
		return jpeg_broken(d, "JPEG-LS parameters of the wrong length", s->at);
	return OK;
}

/* An extension of others that the streams of some encoders have. */
static enum err read_application(struct jpeg_decoder *d, const struct jpeg_segment *s)
{
	if (s->body.len >= 5 && memcmp(s->body.at, "mrfx", 4) == 0 && s->body.at[4] != 0)
		return jpeg_unsupported(d, "JPEG-LS with a colour transform", s->at);
	return OK;
}

/* C.2.5: two, three or four bytes. */
static enum err read_restart(struct jpeg_decoder *d, const struct jpeg_segment *s)
{
	if (s->body.len < 2 || s->body.len > 4)
		return jpeg_broken(d, "a JPEG restart interval of the wrong length", s->at);
	d->restart = 0;
	for (size_t i = 0; i < s->body.len; i++)
		d->restart = d->restart << 8 | s->body.at[i];
	return OK;
}

static enum err read_segment(struct jpeg_decoder *d, const struct jpeg_segment *s)
{
	switch (s->marker) {
	case JPEG_LSE:
		return read_preset(d, s);
	case JPEG_APP8:
		return read_application(d, s);
	case JPEG_DRI:
		return read_restart(d, s);
	default:
		return OK;
	}
}

static enum err read_head(struct jpeg_decoder *d, const uint8_t tail[static 3], size_t at)
{
	struct parameters *p = d->self;
	uint8_t near = tail[0], interleave = tail[1];

	for (unsigned i = 0; i < d->count; i++) {
		if (d->component[i].selector != 0)
			return jpeg_unsupported(d, "JPEG-LS with a mapping table", at);
	}
	if (interleave > LS_BY_SAMPLE || (interleave == LS_BY_COMPONENT && d->count > 1))
		return jpeg_broken(d, "a JPEG-LS interleave mode that is none", at);
	if ((tail[2] & 0x0F) != 0)
		return jpeg_unsupported(d, "JPEG-LS with a point transform", at);
	p->scan.by_sample = d->count > 1 && interleave == LS_BY_SAMPLE;
	if (!ls_scan_coding(&p->scan, d->precision, p->preset, near))
		return jpeg_broken(d, "JPEG-LS parameters that make no sense", at);
	if (p->nearest < near)
		p->nearest = near;
	return OK;
}

static void begin(struct jpeg_decoder *d)
{
	struct parameters *p = d->self;

	memset(d->lines, 0,
	       sizeof(uint16_t) * 2 * d->frame->samples * (d->frame->cols + 2u * LS_MARGIN));
	ls_scan_begin(&p->scan);
}

static bool decode_row(struct jpeg_decoder *d, bool fresh)
{
	struct parameters *p = d->self;

	(void)fresh; /* the line above is zero */
	return ls_scan_row(&p->scan, d->component, d->count, &d->in);
}

static const struct jpeg_process process_ls = {
	.sof = JPEG_SOF55,
	.margin = LS_MARGIN,
	.segment = read_segment,
	.head = read_head,
	.begin = begin,
	.row = decode_row,
};

enum err jpegls_decode(struct bytes stream, const struct frame *frame, uint8_t *to, unsigned *near,
		       struct fault *f)
{
	struct parameters *p = calloc(1, sizeof(*p)); /* 140 KB */
	struct jpeg_decoder d = {
		.stream = stream,
		.frame = frame,
		.to = to,
		.f = f,
		.process = &process_ls,
		.self = p,
	};

	if (p == NULL)
		return fault_set(f, ERR_NOMEM, "no memory to decode JPEG-LS", FAULT_NO_OFFSET);
	p->scan.cols = frame->cols;
	enum err e = jpeg_decode(&d);
	if (e == OK)
		*near = p->nearest;
	free(p);
	return e;
}
