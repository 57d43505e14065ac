/*
 * A text in the pixels of an image, at the image's own depth: every bit outside of the text's box
 * stays as it is, and inside it there are two codes, a dark and a bright one.
 *
 *     burnin_plan(&b, options, &dset, native, arena, f)    which box, which codes
 *     ... views of the pixel data with the box's rows in place of the source's ...
 *
 * The codes are no darker and no brighter than they must be: just what encloses all values of the
 * image, all of its windows, and for CT 3071 HU; so the text shows at the image's window and at a
 * wide one, and an image without a window keeps the range that viewers take for one.  Neither is a
 * padding value.
 */
#ifndef IMAGE_BURNIN_H
#define IMAGE_BURNIN_H

#include "image/decode.h"
#include "image/text.h"

enum burnin_style {
	BURNIN_PIXELS,
	BURNIN_OVERLAY, /* a type G overlay plane; no pixel is touched */
};

/* Of the configuration.  Made by cmd, handed down in struct study_options. */
struct burnin_options {
	struct bytes text; /* UTF-8; may have line ends */
	enum text_corner corner;
	enum burnin_style style;
	bool quarantine; /* an image whose pixels cannot be written into is an error, not an overlay
			  */
};

#endif
