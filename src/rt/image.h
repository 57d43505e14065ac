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
	uint32_t frames; /* Number of Frames, 1 when absent */
	bool multiframe; /* several frames, or an enhanced object, which has its place elsewhere
			  * and takes no overlay planes (PS3.3 A.1.4) even when its frame is one */
	int64_t instance_number; /* for people; never for order */
	const char *unusable;    /* NULL, or a literal: why it has no place in space */
	int64_t position_pm[3];  /* Image Position (Patient) */
	double row_dir[3], col_dir[3], normal[3]; /* normal = row_dir x col_dir, unit length */
	int64_t row_spacing_pm;                   /* vertical: from row to row */
	int64_t col_spacing_pm;                   /* horizontal: from column to column */
	int64_t thickness_pm;                     /* Slice Thickness, 0 when absent */
	double along_mm; /* position . normal: the order of slices (in a plan: along
			  * the normal that all its planes share) */
	uint32_t source; /* the caller's: which file this is */
};

/* An object with pixel rows and columns.  Missing or bad geometry is not an error: `unusable`
 * says so.  ERR_UNUSABLE when it is no image at all (no SOP Instance UID, Rows or Columns). */
enum err rt_image_read(struct rt_image *image, const struct dset *d, struct fault *f) MUST_USE;

/*
 * From patient to pixel, made ready for many points: the least squares solution of the equation
 * above.  For directions along the axes each index is one subtraction of integers and one
 * correctly rounded division.
 */
struct rt_affine {
	int64_t origin_pm[3];
	double to_col[3], to_row[3]; /* dual to the two directions: each is 1 on its own, 0 on the
				      * other */
	double col_spacing_pm, row_spacing_pm;
};

struct rt_affine rt_image_affine(const struct rt_image *image); /* asserts that it is usable */
void rt_affine_apply(const struct rt_affine *t, const int64_t point_pm[static 3], double *col,
		     double *row);
/* The two together, for one point. */
void rt_image_to_pixel(const struct rt_image *image, const int64_t point_pm[static 3], double *col,
		       double *row);

/* Signed distance from the image's plane along its normal. */
double rt_image_distance_mm(const struct rt_image *image, const int64_t point_pm[static 3]);
/* Which way a direction leads in the patient (PS3.3 C.7.6.1.1.1): of L R P A H F the one that it
 * follows most, then those from which it is less than 75 degrees away: "A", "LP". */
void rt_direction_letters(const double direction[static 3], char out[static 4]);
/* a - b where that may not fit an int64. */
double rt_minus_pm(int64_t a, int64_t b);

#endif
