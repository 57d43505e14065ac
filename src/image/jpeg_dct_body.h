/*
 * The reading half of libjpeg, whichever jpeglib.h was included before this.
 *
 * libjpeg reports an error by a call that must not return: a longjmp from its error handler back to
 * `guarded`, past frames of libjpeg only.  Where it warns of damage it goes on with samples that it
 * made up: that is an error here.
 */
#include <setjmp.h>

#include "base/limits.h"
#include "image/jpeg_read.h"

struct reader {
	struct jpeg_decompress_struct jpeg;
	struct jpeg_error_mgr errors;
	struct jpeg_source_mgr source;
	struct jpeg_progress_mgr progress;
	jmp_buf give_up;
	struct bytes stream;
	const struct frame *frame;
	bool from_ybr;
	uint8_t *to;
	JSAMPLE *line; /* libjpeg's */
	enum err failed;
	const char *why;
};

static struct reader *reader_of(j_common_ptr jpeg)
{
	return jpeg->client_data;
}

static void give_up(struct reader *r, enum err e, const char *why)
{
	r->failed = e;
	r->why = why;
	longjmp(r->give_up, 1);
}

static void on_error(j_common_ptr jpeg)
{
	if (jpeg->err->msg_code == JERR_OUT_OF_MEMORY)
		give_up(reader_of(jpeg), ERR_NOMEM, "no memory to decode JPEG");
	give_up(reader_of(jpeg), ERR_WIRE, "a damaged JPEG stream");
}

static void on_message(j_common_ptr jpeg, int level)
{
	if (level >= 0)
		return;
	switch (jpeg->err->msg_code) {
	case JWRN_HIT_MARKER:
	case JWRN_HUFF_BAD_CODE:
	case JWRN_BOGUS_PROGRESSION:
	case JWRN_MUST_RESYNC:
	case JWRN_JPEG_EOF:
		give_up(reader_of(jpeg), ERR_WIRE, "damaged data in a JPEG stream");
	}
}

static void on_text(j_common_ptr jpeg)
{
	(void)jpeg;
}

/* Scans of a progressive stream are each as much work as the whole image. */
static void on_progress(j_common_ptr jpeg)
{
	if (((j_decompress_ptr)jpeg)->input_scan_number > (int)LIMIT_JPEG_SCANS)
		give_up(reader_of(jpeg), ERR_LIMIT, "a JPEG stream of too many scans");
}

static void on_source(j_decompress_ptr jpeg)
{
	(void)jpeg;
}

static boolean on_empty(j_decompress_ptr jpeg)
{
	give_up(jpeg->client_data, ERR_WIRE, "a JPEG stream is cut short");
	return FALSE;
}

static void on_skip(j_decompress_ptr jpeg, long count)
{
	struct jpeg_source_mgr *source = jpeg->src;

	if (count <= 0)
		return;
	if ((size_t)count > source->bytes_in_buffer)
		give_up(jpeg->client_data, ERR_WIRE, "a JPEG stream is cut short");
	source->next_input_byte += count;
	source->bytes_in_buffer -= (size_t)count;
}

static void check_size(struct reader *r)
{
	const struct jpeg_decompress_struct *jpeg = &r->jpeg;

	if (jpeg->image_height != r->frame->rows || jpeg->image_width != r->frame->cols ||
	    (unsigned)jpeg->num_components != r->frame->samples)
		give_up(r, ERR_WIRE, "a JPEG stream is not of the image's size");
	/* all coefficients are held, two bytes each */
	if (jpeg->progressive_mode &&
	    (uint64_t)r->frame->rows * r->frame->cols * r->frame->samples * 2 > LIMIT_NATIVE_BYTES)
		give_up(r, ERR_LIMIT, "a progressive JPEG stream is too large");
}

static void store(const struct reader *r, size_t row)
{
	size_t count = (size_t)r->frame->cols * r->frame->samples;
	uint8_t *to = r->to + row * count * r->frame->sample_bytes;

	for (size_t i = 0; i < count; i++) {
		if (r->frame->sample_bytes == 1)
			to[i] = (uint8_t)r->line[i];
		else
			put_u16le(to + 2 * i, (uint16_t)r->line[i]);
	}
}

static void decompress(struct reader *r)
{
	struct jpeg_decompress_struct *jpeg = &r->jpeg;

	jpeg_read_header(jpeg, TRUE);
	check_size(r);
	if (r->frame->samples == 3) {
		jpeg->jpeg_color_space = r->from_ybr ? JCS_YCbCr : JCS_RGB;
		jpeg->out_color_space = JCS_RGB;
	} else {
		jpeg->jpeg_color_space = jpeg->out_color_space = JCS_GRAYSCALE;
	}
	jpeg->dct_method = JDCT_ISLOW;
	jpeg_start_decompress(jpeg);
	r->line = (*jpeg->mem->alloc_large)((j_common_ptr)jpeg, JPOOL_IMAGE,
					    (size_t)r->frame->cols * r->frame->samples *
						    sizeof(JSAMPLE));
	while (jpeg->output_scanline < jpeg->output_height) {
		size_t row = jpeg->output_scanline;

		jpeg_read_scanlines(jpeg, &r->line, 1);
		store(r, row);
	}
	jpeg_finish_decompress(jpeg);
}

static bool guarded(struct reader *r)
{
	if (setjmp(r->give_up) != 0)
		return false;
	jpeg_create_decompress(&r->jpeg);
	r->jpeg.src = &r->source;
	r->jpeg.progress = &r->progress;
	decompress(r);
	return true;
}

enum err JPEG_DCT(struct bytes stream, const struct frame *frame, bool from_ybr, uint8_t *to,
		  struct fault *f)
{
	struct reader r = {.stream = stream, .frame = frame, .from_ybr = from_ybr, .to = to};

	r.jpeg.err = jpeg_std_error(&r.errors);
	r.errors.error_exit = on_error;
	r.errors.emit_message = on_message;
	r.errors.output_message = on_text;
	r.progress.progress_monitor = on_progress;
	r.jpeg.client_data = &r;
	r.source = (struct jpeg_source_mgr){.next_input_byte = stream.at,
					    .bytes_in_buffer = stream.len,
					    .init_source = on_source,
					    .fill_input_buffer = on_empty,
					    .skip_input_data = on_skip,
					    .resync_to_restart = jpeg_resync_to_restart,
					    .term_source = on_source};
	bool done = guarded(&r);
	size_t at = stream.len - r.source.bytes_in_buffer;
	jpeg_destroy_decompress(&r.jpeg);
	return done ? OK : fault_set(f, r.failed, r.why, at);
}
