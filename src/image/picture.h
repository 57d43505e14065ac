/*
 * The debug picture: one image in its window, the outlines of ROIs over it in exact position,
 * and what a person must know to read it: names and colours, where the slice lies, how the patient
 * lies in it, a disclaimer.  It knows no patient: all texts are the caller's.
 *
 *     picture_open(&p, &shape, &arena, &f)
 *     picture_image(&p, &window)
 *     for each ROI: picture_fill(&p, &roi, &mask), where masks are wanted
 *     for each ROI: picture_outline(&p, &roi, paths, count)
 *     picture_labels(&p, &labels, &f)
 *     ... p.canvas.rgb ...
 *
 * Where things are.  Column c and row r of the image name the CENTRE of a pixel (PS3.3
 * C.7.6.2.1.1).  A picture of `out_cols` columns shows the `cols` columns of the image; its pixel
 * centres are whole numbers, too, so that point c is drawn at
 *
 *     x = (c + 1/2) * out_cols / cols - 1/2          the same for rows
 *
 * which for an unmagnified picture is x = c.  Outlines go through the vertices of the contour, not
 * round the pixels of its mask: a contour from column 9.5 to 19.5 runs between pixels 9 and 10, and
 * between 19 and 20.
 */
#ifndef IMAGE_PICTURE_H
#define IMAGE_PICTURE_H

#include "image/canvas.h"
#include "image/window.h"
#include "raster/region.h"

#define PICTURE_ASPECT_MAX 16.0

struct picture_shape {
	uint32_t cols, rows;         /* of the image */
	uint32_t out_cols, out_rows; /* of the picture */
	double aspect; /* height over width of a pixel of the picture, as it will be seen: letters
			* keep their shape; beyond PICTURE_ASPECT_MAX and its inverse: 1 */
};

enum picture_line { LINE_SOLID, LINE_DASHED, LINE_DOTTED };

struct picture_roi {
	struct bytes name; /* UTF-8 */
	uint8_t color[3];
	enum picture_line line;
};

struct picture {
	struct canvas canvas;
	struct picture_shape shape;
	double scale_x, scale_y, width; /* width of lines */
	uint32_t dot_x, dot_y;          /* canvas pixels that a dot of a letter is wide and high */
	struct arena *a;
};

/* Black.  ERR_LIMIT: over LIMIT_CANVAS_PIXELS; ERR_NOMEM. */
enum err picture_open(struct picture *p, const struct picture_shape *shape, struct arena *a,
		      struct fault *f) MUST_USE;

/* NULL: a grey field.  Whole multiples repeat pixels, other scales interpolate between them. */
enum err picture_image(struct picture *p, const struct window *w, struct fault *f) MUST_USE;
/* Tint what the mask covers, which has the shape of the image. */
void picture_fill(struct picture *p, const struct picture_roi *roi, const struct mask *mask);
/* All contours of a ROI, closed, in columns and rows of the image. */
void picture_outline(struct picture *p, const struct picture_roi *roi, const struct polygon *paths,
		     size_t count);

#define PICTURE_LINES 4u

struct picture_labels {
	const char *left, *right, *top, *bottom; /* orientation letters; "" for none */
	const char *lines[PICTURE_LINES];        /* at the top left, NULL ends them */
	struct bytes disclaimer;                 /* UTF-8; may be empty, may have line ends */
	const struct picture_roi *rois;          /* of the legend */
	size_t roi_count;
};

/*
 * The legend takes the corner where it hides least, on a translucent ground, in several columns
 * where it would be too high; what finds no room is counted ("+3 more").  What a picture is too
 * small for is left out.
 */
enum err picture_labels(struct picture *p, const struct picture_labels *labels,
			struct fault *f) MUST_USE;

/* A line for the n-th of several ROIs of one colour. */
enum picture_line picture_line(size_t n);
/* Colour and line of the n-th ROI that has no colour of its own: six colours that people who see
 * colours in any way can tell apart on grey, then the same dashed, then dotted. */
void picture_default(size_t n, uint8_t color[static 3], enum picture_line *line);

#endif
