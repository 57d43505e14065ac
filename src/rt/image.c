/*
 * The Image Plane module, and the affine between patient and pixels.
 *
 * The directions are taken as they are written, not made unit again: that is the equation of
 * PS3.3 C.7.6.2.1.1, and whoever drew the contours used it.  What is too far from two
 * perpendicular unit vectors to be a matter of rounding is refused: at the rim of an image
 * it would shift contours by more than a pixel.
 */
#include "rt/image.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "dicom/number.h"

/* Squared length less 1, and product of the two: three decimals give up to 0.0017. */
#define DIRECTION_TOLERANCE 0.003

static double dot(const double a[static 3], const double b[static 3])
{
	return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/* Unit length. */
static void normal_of(const double a[static 3], const double b[static 3], double out[static 3])
{
	double n[3] = {
		a[1] * b[2] - a[2] * b[1],
		a[2] * b[0] - a[0] * b[2],
		a[0] * b[1] - a[1] * b[0],
	};
	double length = sqrt(dot(n, n));

	for (int i = 0; i < 3; i++)
		out[i] = n[i] / length;
}

static bool read_position(struct rt_image *image, const struct dset *d)
{
	for (unsigned i = 0; i < 3; i++)
		if (!dset_ds_pm(d, NULL, TAG_ImagePositionPatient, i, &image->position_pm[i]))
			return false;
	return true;
}

static bool read_directions(struct rt_image *image, const struct dset *d)
{
	const double *r = image->row_dir, *c = image->col_dir;

	for (unsigned i = 0; i < 3; i++) {
		if (!dset_ds(d, NULL, TAG_ImageOrientationPatient, i, &image->row_dir[i]) ||
		    !dset_ds(d, NULL, TAG_ImageOrientationPatient, i + 3, &image->col_dir[i]))
			return false;
	}
	if (!(fabs(dot(r, r) - 1) <= DIRECTION_TOLERANCE &&
	      fabs(dot(c, c) - 1) <= DIRECTION_TOLERANCE && fabs(dot(r, c)) <= DIRECTION_TOLERANCE))
		return false;
	normal_of(r, c, image->normal);
	return true;
}

static bool is_enhanced(const struct uid *sop_class)
{
	static const char *const classes[] = {
		"1.2.840.10008.5.1.4.1.1.2.1",   /* Enhanced CT */
		"1.2.840.10008.5.1.4.1.1.2.2",   /* Legacy Converted Enhanced CT */
		"1.2.840.10008.5.1.4.1.1.4.1",   /* Enhanced MR */
		"1.2.840.10008.5.1.4.1.1.4.3",   /* Enhanced MR Color */
		"1.2.840.10008.5.1.4.1.1.4.4",   /* Legacy Converted Enhanced MR */
		"1.2.840.10008.5.1.4.1.1.128.1", /* Legacy Converted Enhanced PET */
		"1.2.840.10008.5.1.4.1.1.130",   /* Enhanced PET */
	};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (strcmp(sop_class->text, classes[i]) == 0)
			return true;
	return false;
}

/* Where in the patient, or why not. */
static const char *read_place(struct rt_image *image, const struct dset *d)
{
	if (image->multiframe)
		return "an enhanced object, or one of several frames";
	if (!read_position(image, d))
		return "no valid Image Position (Patient)";
	if (!read_directions(image, d))
		return "no valid Image Orientation (Patient)";
	if (!dset_ds_pm(d, NULL, TAG_PixelSpacing, 0, &image->row_spacing_pm) ||
	    !dset_ds_pm(d, NULL, TAG_PixelSpacing, 1, &image->col_spacing_pm) ||
	    image->row_spacing_pm <= 0 || image->col_spacing_pm <= 0)
		return "no valid Pixel Spacing";

	double along = 0;
	for (int i = 0; i < 3; i++)
		along += (double)image->position_pm[i] * image->normal[i];
	image->along_mm = along / (double)PM_PER_MM;
	return NULL;
}

enum err rt_image_read(struct rt_image *image, const struct dset *d, struct fault *f)
{
	struct rt_image m = {0};
	uint16_t rows = 0, cols = 0;
	int64_t number;

	if (!uid_set(&m.sop_instance, dset_text(d, NULL, TAG_SOPInstanceUID)))
		return fault_tag(f, ERR_UNUSABLE, "no valid SOP Instance UID", FAULT_NO_OFFSET,
				 TAG_SOPInstanceUID);
	if (!dset_u16(d, NULL, TAG_Rows, 0, &rows) || rows == 0)
		return fault_tag(f, ERR_UNUSABLE, "no image: it has no Rows", FAULT_NO_OFFSET,
				 TAG_Rows);
	if (!dset_u16(d, NULL, TAG_Columns, 0, &cols) || cols == 0)
		return fault_tag(f, ERR_UNUSABLE, "no image: it has no Columns", FAULT_NO_OFFSET,
				 TAG_Columns);

	m.rows = rows;
	m.cols = cols;
	(void)uid_set(&m.sop_class, dset_text(d, NULL, TAG_SOPClassUID));
	(void)uid_set(&m.series, dset_text(d, NULL, TAG_SeriesInstanceUID));
	(void)uid_set(&m.frame, dset_text(d, NULL, TAG_FrameOfReferenceUID));
	bytes_to_str(dset_text(d, NULL, TAG_Modality), m.modality, sizeof(m.modality));
	(void)dset_is(d, NULL, TAG_InstanceNumber, 0, &m.instance_number);
	m.frames = 1;
	if (dset_is(d, NULL, TAG_NumberOfFrames, 0, &number) && number > 1)
		m.frames = number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
	m.multiframe = m.frames > 1 || is_enhanced(&m.sop_class);
	if (!dset_ds_pm(d, NULL, TAG_SliceThickness, 0, &m.thickness_pm) || m.thickness_pm < 0)
		m.thickness_pm = 0;
	m.unusable = read_place(&m, d);
	*image = m;
	return OK;
}

double rt_minus_pm(int64_t a, int64_t b)
{
	int64_t difference;

	if (!__builtin_sub_overflow(a, b, &difference))
		return (double)difference;
	return (double)a - (double)b;
}

/* With g the Gram matrix of the directions r and c, the dual of r is (g_cc r - g_rc c) / det g:
 * for perpendicular unit vectors, r itself. */
struct rt_affine rt_image_affine(const struct rt_image *image)
{
	const double *r = image->row_dir, *c = image->col_dir;
	double rr = dot(r, r), cc = dot(c, c), rc = dot(r, c);
	double det = rr * cc - rc * rc;
	struct rt_affine t = {
		.col_spacing_pm = (double)image->col_spacing_pm,
		.row_spacing_pm = (double)image->row_spacing_pm,
	};

	assert(image->unusable == NULL);
	for (int i = 0; i < 3; i++) {
		t.origin_pm[i] = image->position_pm[i];
		t.to_col[i] = (cc * r[i] - rc * c[i]) / det;
		t.to_row[i] = (rr * c[i] - rc * r[i]) / det;
	}
	return t;
}

void rt_affine_apply(const struct rt_affine *t, const int64_t point_pm[static 3], double *col,
		     double *row)
{
	double d[3];

	for (int i = 0; i < 3; i++)
		d[i] = rt_minus_pm(point_pm[i], t->origin_pm[i]);
	*col = dot(d, t->to_col) / t->col_spacing_pm;
	*row = dot(d, t->to_row) / t->row_spacing_pm;
}

void rt_image_to_pixel(const struct rt_image *image, const int64_t point_pm[static 3], double *col,
		       double *row)
{
	struct rt_affine t = rt_image_affine(image);

	rt_affine_apply(&t, point_pm, col, row);
}

double rt_image_distance_mm(const struct rt_image *image, const int64_t point_pm[static 3])
{
	double d[3];

	for (int i = 0; i < 3; i++)
		d[i] = rt_minus_pm(point_pm[i], image->position_pm[i]);
	return dot(d, image->normal) / (double)PM_PER_MM;
}

void rt_direction_letters(const double direction[static 3], char out[static 4])
{
	static const char letters[3][2] = {{'R', 'L'}, {'A', 'P'}, {'F', 'H'}};
	bool taken[3] = {false};
	unsigned n = 0;

	while (n < 3) {
		int most = -1;

		for (int i = 0; i < 3; i++)
			if (!taken[i] && (most < 0 || fabs(direction[i]) > fabs(direction[most])))
				most = i;
		if (n > 0 && fabs(direction[most]) < 0.2588) /* cos 75 degrees */
			break;
		taken[most] = true;
		out[n++] = letters[most][direction[most] > 0];
	}
	out[n] = '\0';
}
