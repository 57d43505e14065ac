/*
 * libjpeg reports an error by a call that must not return.  The one longjmp in the program
 * is here, from its error handler back to jpeg_write, past frames of libjpeg only.
 */
#include "image/jpeg.h"

#ifdef NETRT_MINIMAL

const bool jpeg_built_in = false;

enum err jpeg_write(int fd, const uint8_t *rgb, uint32_t cols, uint32_t rows, int quality,
		    struct fault *f)
{
	(void)fd, (void)rgb, (void)cols, (void)rows, (void)quality;
	return fault_set(f, ERR_UNSUPPORTED, "this netrt was built without JPEG", FAULT_NO_OFFSET);
}

enum err jpeg_encode(struct buf *out, const uint8_t *rgb, size_t pitch, uint32_t cols,
		     uint32_t rows, int quality, struct fault *f)
{
	(void)out, (void)pitch;
	return jpeg_write(-1, rgb, cols, rows, quality, f);
}

#else

#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include "base/file.h"

const bool jpeg_built_in = true;

#define CHUNK (32u << 10)

struct writer {
	struct jpeg_compress_struct jpeg;
	struct jpeg_error_mgr errors;
	struct jpeg_destination_mgr destination;
	jmp_buf give_up;
	struct buf *out; /* or NULL: into the file */
	int fd;
	enum err failed; /* of the file; OK when libjpeg itself gave up */
	struct fault *f;
	JOCTET chunk[CHUNK];
};

static struct writer *writer_of(j_common_ptr jpeg)
{
	return jpeg->client_data;
}

static void on_error(j_common_ptr jpeg)
{
	longjmp(writer_of(jpeg)->give_up, 1);
}

static void on_message(j_common_ptr jpeg)
{
	(void)jpeg;
}

static void chunk_reset(struct writer *w)
{
	w->destination.next_output_byte = w->chunk;
	w->destination.free_in_buffer = CHUNK;
}

static void chunk_write(struct writer *w, size_t len)
{
	if (w->out != NULL)
		buf_add(w->out, bytes_of(w->chunk, len));
	else
		w->failed = file_write_all(w->fd, bytes_of(w->chunk, len), w->f);
	if (w->failed != OK)
		longjmp(w->give_up, 1);
}

static void on_begin(j_compress_ptr jpeg)
{
	chunk_reset(jpeg->client_data);
}

/* The chunk is full, whatever free_in_buffer says: libjpeg's convention. */
static boolean on_full(j_compress_ptr jpeg)
{
	chunk_write(jpeg->client_data, CHUNK);
	chunk_reset(jpeg->client_data);
	return TRUE;
}

static void on_end(j_compress_ptr jpeg)
{
	struct writer *w = jpeg->client_data;

	chunk_write(w, CHUNK - w->destination.free_in_buffer);
}

static void compress(struct writer *w, const uint8_t *rgb, size_t pitch, uint32_t cols,
		     uint32_t rows, int quality)
{
	struct jpeg_compress_struct *jpeg = &w->jpeg;

	jpeg->image_width = cols;
	jpeg->image_height = rows;
	jpeg->input_components = 3;
	jpeg->in_color_space = JCS_RGB;
	jpeg_set_defaults(jpeg);
	jpeg_set_quality(jpeg, quality, TRUE);
	for (int i = 0; i < jpeg->num_components; i++)
		jpeg->comp_info[i].h_samp_factor = jpeg->comp_info[i].v_samp_factor = 1;
	if (w->out != NULL) /* many small ones: in a third of the time, a twentieth larger */
		jpeg->dct_method = JDCT_IFAST;
	else
		jpeg->optimize_coding = TRUE;
	jpeg_start_compress(jpeg, TRUE);
	while (jpeg->next_scanline < jpeg->image_height) {
		/* libjpeg wants pointers to rows that it may write to, and does not. */
		JSAMPROW row = (JSAMPROW)(rgb + jpeg->next_scanline * pitch);

		jpeg_write_scanlines(jpeg, &row, 1);
	}
	jpeg_finish_compress(jpeg);
}

/* False when libjpeg or the file gave up.  (Apart from jpeg_write because of C11 7.13.2.1: the
 * writer must not be a local variable of the function that calls setjmp.) */
static bool guarded(struct writer *w, const uint8_t *rgb, size_t pitch, uint32_t cols,
		    uint32_t rows, int quality)
{
	if (setjmp(w->give_up) != 0)
		return false;
	jpeg_create_compress(&w->jpeg);
	w->jpeg.dest = &w->destination;
	compress(w, rgb, pitch, cols, rows, quality);
	return true;
}

static enum err run(struct writer *w, const uint8_t *rgb, size_t pitch, uint32_t cols,
		    uint32_t rows, int quality)
{
	w->jpeg.err = jpeg_std_error(&w->errors);
	w->errors.error_exit = on_error;
	w->errors.output_message = on_message;
	w->jpeg.client_data = w;
	w->destination = (struct jpeg_destination_mgr){.init_destination = on_begin,
						       .empty_output_buffer = on_full,
						       .term_destination = on_end};
	bool done = guarded(w, rgb, pitch, cols, rows, quality);
	jpeg_destroy_compress(&w->jpeg);
	if (w->failed != OK)
		return w->failed;
	if (!done)
		return fault_set(w->f, ERR_NOMEM, "libjpeg could not compress the picture",
				 FAULT_NO_OFFSET);
	return OK;
}

enum err jpeg_write(int fd, const uint8_t *rgb, uint32_t cols, uint32_t rows, int quality,
		    struct fault *f)
{
	struct writer w = {.fd = fd, .f = f};

	return run(&w, rgb, (size_t)cols * 3, cols, rows, quality);
}

enum err jpeg_encode(struct buf *out, const uint8_t *rgb, size_t pitch, uint32_t cols,
		     uint32_t rows, int quality, struct fault *f)
{
	struct writer w = {.out = out, .fd = -1, .f = f};
	size_t before = out->len;
	enum err e = run(&w, rgb, pitch, cols, rows, quality);

	if (e == OK && out->failed)
		e = fault_set(f, ERR_NOMEM, "no memory for the picture", FAULT_NO_OFFSET);
	if (e != OK)
		out->len = before;
	return e;
}

#endif
