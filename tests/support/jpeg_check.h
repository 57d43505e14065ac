/*
 * What is asked of the decoders of JPEG Lossless and JPEG-LS alike: what jpeg_make makes comes
 * back, in every form; what is damaged is refused, and never read past its end.
 */
#ifndef TESTS_JPEG_CHECK_H
#define TESTS_JPEG_CHECK_H

#include "dicom/frame.h"
#include "support/jpeg_make.h"

#define SMALL_ROWS 12u
#define SMALL_COLS 15u

struct jpeg_codec {
	void (*make)(struct buf *out, const struct jpeg_make *m, const uint16_t *pixels);
	enum err (*decode)(struct bytes stream, const struct frame *frame, uint8_t *to,
			   unsigned *near, struct fault *f);
	struct jpeg_make small; /* to be damaged: 8 bits, SMALL_ROWS x SMALL_COLS */
};

/* A row of a table: a stream, and what it is called. */
struct jpeg_form {
	const char *name;
	struct jpeg_make m;
};

/* `put` over `drop` bytes of the small stream at `at`. */
#define JPEG_AT_RESTART SIZE_MAX /* at its first restart marker */
struct jpeg_edit {
	const char *name;
	size_t at, drop;
	struct bytes put;
	enum err want;
};

#define JPEG_PUT(drop, literal)                                 \
	(drop),                                                 \
	{                                                       \
		(const uint8_t *)(literal), sizeof(literal) - 1 \
	}
#define JPEG_BYTE(literal) JPEG_PUT(1, literal)
#define JPEG_ADD(literal) JPEG_PUT(0, literal)

/* Four pictures: noise, plateaus up to both ends of the range, slopes, nothing. */
void jpeg_check_back(const struct jpeg_codec *codec, const struct jpeg_form *form);
/* At every length but that without the end marker: ERR_WIRE. */
void jpeg_check_cut_short(const struct jpeg_codec *codec);
/* Every bit of it in turn: whatever comes, it is within the stream. */
void jpeg_check_changed(const struct jpeg_codec *codec);
/* In 16 bits it goes as well; a frame of another size is refused. */
void jpeg_check_other_frame(const struct jpeg_codec *codec);
/* Three components, each with a scan of its own, the first of which is there twice. */
void jpeg_check_scan_twice(const struct jpeg_codec *in_color);
void jpeg_check_edit(const struct jpeg_codec *codec, const struct jpeg_edit *edit);

#endif
