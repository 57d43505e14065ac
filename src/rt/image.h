/*
 * One image in patient space: the Image Plane module (PS3.3 C.7.6.2).
 *
 * Image Position (Patient) is the CENTRE of the first pixel.  A point P of the
 * patient has, on this image,
 *
 *     P = position + row_dir * spacing.column * col + col_dir * spacing.row * row
 *
 * where row_dir is the direction in which the column index grows (the first three of
 * Image Orientation) and col_dir that in which the row index grows.  Pixel Spacing is
 * [distance between rows, distance between columns].
 */
#ifndef RT_IMAGE_H
#define RT_IMAGE_H

#include "base/uid.h"
#include "dicom/dset.h"

struct rt_image {
	struct uid sop_class, sop_instance, series, frame; /* frame: "" when absent */
	char modality[17];
	uint32_t rows, cols;
	uint32_t frames;             /* Number of Frames, 1 when absent */
	int64_t instance_number;     /* for people; never for order */
	const char *unusable;        /* NULL, or a literal: why it has no place in space */
	int64_t position_pm[3];      /* Image Position (Patient) */
	double row_dir[3], col_dir[3], normal[3]; /* normal = row_dir x col_dir, unit length */
	int64_t row_spacing_pm;      /* vertical: from row to row */
	int64_t col_spacing_pm;      /* horizontal: from column to column */
	int64_t thickness_pm;        /* Slice Thickness, 0 when absent */
	double along_mm;             /* position . normal: the order of slices */
	uint32_t source;             /* the caller's: which file this is */
};

/* An object with pixel rows and columns.  Missing or bad geometry is not an error: `unusable`
 * says so.  ERR_UNUSABLE when it is no image at all (no SOP Instance UID, Rows or Columns). */
enum err rt_image_read(struct rt_image *image, const struct dset *d, struct fault *f) MUST_USE;

/* The whole affine, by the least squares of the two direction vectors; exact for axis-aligned ones. */
void rt_image_to_pixel(const struct rt_image *image, const int64_t point_pm[static 3], double *col,
		       double *row);
/* Signed distance from the image's plane along its normal. */
double rt_image_distance_mm(const struct rt_image *image, const int64_t point_pm[static 3]);

#endif
