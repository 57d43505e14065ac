#include "phantom/ct.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define FIELD_MM 500.0
#define STUDY_DATE "20260105"
#define STUDY_TIME "101500"

static struct uid derive(const struct phantom_options *o, const char *purpose, uint32_t number)
{
	char what[128];
	struct bytes part;

	snprintf(what, sizeof(what), "%u %.4f %u %u %u %u %llu %u", o->slices, o->thickness_mm,
		 o->rois, o->matrix, o->points_min, o->points_max, (unsigned long long)o->seed,
		 number);
	part = bytes_str(what);
	return uid_derive(BYTES_LIT("netrt phantom"), purpose, &part, 1);
}

struct phantom_uids phantom_uids_make(const struct phantom_options *o)
{
	return (struct phantom_uids){
		.study = derive(o, "study", 0),
		.frame = derive(o, "frame", 0),
		.ct_series = derive(o, "ct-series", 0),
		.rs_series = derive(o, "rs-series", 0),
		.rs_instance = derive(o, "rs-instance", 0),
	};
}

struct uid phantom_image_uid(const struct phantom_options *o, uint32_t slice)
{
	return derive(o, "ct-instance", slice);
}

double phantom_slice_z(const struct phantom_options *o, uint32_t slice)
{
	uint32_t middle = o->slices / 2;

	return o->thickness_mm * ((double)slice - (double)middle);
}

void phantom_patient(struct build *b)
{
	build_str(b, TAG_PatientName, VR_PN, "Phantom^Netrt");
	build_str(b, TAG_PatientID, VR_LO, "NETRT-PHANTOM");
	build_str(b, TAG_PatientBirthDate, VR_DA, "");
	build_str(b, TAG_PatientSex, VR_CS, "O");
	build_str(b, TAG_PatientIdentityRemoved, VR_CS, "YES");
	build_str(b, TAG_DeidentificationMethod, VR_LO, "Never a patient: made by netrt phantom");
}

/* Set the pixels of one row whose centres lie in [x0, x1) mm. */
static void fill_span(int16_t *row, uint32_t matrix, double x0, double x1, int value)
{
	double spacing = FIELD_MM / matrix, left = -(FIELD_MM - spacing) / 2;
	double from = ceil((x0 - left) / spacing), to = ceil((x1 - left) / spacing);

	if (from < 0)
		from = 0;
	if (to > matrix)
		to = matrix;
	for (uint32_t col = (uint32_t)from; (double)col < to; col++)
		row[col] = (int16_t)value;
}

/* One shape on one row: the outside, then what is nested in it. */
static void paint_shape(int16_t *row, uint32_t matrix, const struct shape *s, double y, double z)
{
	static const double sizes[] = {1, .5, .25};
	int layers = s->kind == SHAPE_ISLAND                             ? 3
		     : s->kind == SHAPE_RING || s->kind == SHAPE_KEYHOLE ? 2
									 : 1;
	double x0, x1;

	if (s->hu == NO_DENSITY || s->kind == SHAPE_POINT)
		return;
	for (int i = 0; i < layers; i++)
		if (shape_span(s, sizes[i], y, z, &x0, &x1))
			fill_span(row, matrix, x0, x1, i % 2 == 0 ? s->hu + 1024 : 1024);
}

/* Slanting ribs between the wall and the cavity; the table below the back. */
static void paint_frame(int16_t *row, uint32_t matrix, double y, double z)
{
	double spacing = FIELD_MM / matrix, left = -(FIELD_MM - spacing) / 2;

	for (uint32_t col = 0; col < matrix; col++) {
		double x = left + spacing * col;
		double outer = (x / 150) * (x / 150) + (y / 92) * (y / 92);
		double inner = (x / 141) * (x / 141) + (y / 83) * (y / 83);
		double phase = (z + y * .4) / 14;

		if (outer < 1 && inner > 1 && phase - floor(phase) < .45)
			row[col] = 520 + 1024;
		if (y > 116 && y < 134 && x > -210 && x < 210)
			row[col] = (int16_t)(y < 119 || y > 131 ? 1024 - 60 : 1024 - 920);
	}
}

/* Noise of about 12 HU: the sum of four bytes, two pixels from one random number. */
static void add_noise(int16_t *row, uint32_t matrix, uint64_t *random)
{
	uint64_t r = 0;

	for (uint32_t col = 0; col < matrix; col++, r >>= 32) {
		if (col % 2 == 0)
			r = random_next(random);
		int sum = (int)((r & 255) + (r >> 8 & 255) + (r >> 16 & 255) + (r >> 24 & 255));
		int value = row[col] + (sum - 510) * 83 / 1024;

		row[col] = (int16_t)(value < 0 ? 0 : value > 4095 ? 4095 : value);
	}
}

void ct_paint(int16_t *pixels, const struct phantom_options *o, const struct shape *shapes,
	      size_t count, uint32_t slice)
{
	double spacing = FIELD_MM / o->matrix, first = -(FIELD_MM - spacing) / 2;
	double z = phantom_slice_z(o, slice);
	uint64_t random = o->seed * 1000003 + slice;

	for (uint32_t r = 0; r < o->matrix; r++) {
		int16_t *row = pixels + (size_t)r * o->matrix;
		double y = first + spacing * r;

		for (uint32_t col = 0; col < o->matrix; col++)
			row[col] = 24; /* air */
		for (size_t i = 0; i < count; i++) {
			paint_shape(row, o->matrix, &shapes[i], y, z);
			if (strcmp(shapes[i].name, "(cavity)") == 0)
				paint_frame(row, o->matrix, y, z);
		}
		add_noise(row, o->matrix, &random);
	}
}

static void put_identity(struct build *b, const struct phantom_options *o, uint32_t slice)
{
	struct uid instance = phantom_image_uid(o, slice);

	build_str(b, TAG_SpecificCharacterSet, VR_CS, "ISO_IR 192");
	build_str(b, TAG_ImageType, VR_CS, "ORIGINAL\\PRIMARY\\AXIAL");
	build_str(b, TAG_InstanceCreationDate, VR_DA, STUDY_DATE);
	build_str(b, TAG_InstanceCreationTime, VR_TM, STUDY_TIME);
	build_str(b, TAG_SOPClassUID, VR_UI, SOP_CLASS_CT_IMAGE);
	build_uid(b, TAG_SOPInstanceUID, &instance);
	build_str(b, TAG_StudyDate, VR_DA, STUDY_DATE);
	build_str(b, TAG_SeriesDate, VR_DA, STUDY_DATE);
	build_str(b, TAG_AcquisitionDate, VR_DA, STUDY_DATE);
	build_str(b, TAG_ContentDate, VR_DA, STUDY_DATE);
	build_str(b, TAG_StudyTime, VR_TM, STUDY_TIME);
	build_str(b, TAG_SeriesTime, VR_TM, STUDY_TIME);
	build_str(b, TAG_AcquisitionTime, VR_TM, STUDY_TIME);
	build_str(b, TAG_ContentTime, VR_TM, STUDY_TIME);
	build_str(b, TAG_AccessionNumber, VR_SH, "");
	build_str(b, TAG_Modality, VR_CS, "CT");
	build_str(b, TAG_Manufacturer, VR_LO, "netrt");
	build_str(b, TAG_ReferringPhysicianName, VR_PN, "");
	build_str(b, TAG_StudyDescription, VR_LO, "netrt phantom");
	build_str(b, TAG_SeriesDescription, VR_LO, "Phantom CT");
	build_str(b, TAG_ManufacturerModelName, VR_LO, "netrt phantom");
}

static void put_acquisition(struct build *b, const struct phantom_options *o)
{
	build_str(b, TAG_BodyPartExamined, VR_CS, "CHEST");
	build_ds(b, TAG_SliceThickness, o->thickness_mm);
	build_str(b, TAG_KVP, VR_DS, "120");
	build_str(b, TAG_SoftwareVersions, VR_LO, "1");
	build_str(b, TAG_ReconstructionDiameter, VR_DS, "500");
	build_str(b, TAG_ConvolutionKernel, VR_SH, "STANDARD");
	build_str(b, TAG_PatientPosition, VR_CS, "HFS");
}

static void put_geometry(struct build *b, const struct phantom_options *o,
			 const struct phantom_uids *uids, uint32_t slice)
{
	char position[64];
	double spacing = FIELD_MM / o->matrix, first = -(FIELD_MM - spacing) / 2;

	build_uid(b, TAG_StudyInstanceUID, &uids->study);
	build_uid(b, TAG_SeriesInstanceUID, &uids->ct_series);
	build_str(b, TAG_StudyID, VR_SH, "PHANTOM");
	build_is(b, TAG_SeriesNumber, 2);
	build_is(b, TAG_AcquisitionNumber, 1);
	build_is(b, TAG_InstanceNumber, (int64_t)slice + 1);
	snprintf(position, sizeof(position), "%.8f\\%.8f\\%.4f", first, first,
		 phantom_slice_z(o, slice));
	build_str(b, TAG_ImagePositionPatient, VR_DS, position);
	build_str(b, TAG_ImageOrientationPatient, VR_DS, "1\\0\\0\\0\\1\\0");
	build_uid(b, TAG_FrameOfReferenceUID, &uids->frame);
	build_str(b, TAG_PositionReferenceIndicator, VR_LO, "");
}

static void put_pixel_module(struct build *b, const struct phantom_options *o)
{
	char spacing[64];
	uint16_t side = (uint16_t)o->matrix, one = 1, zero = 0, sixteen = 16, fifteen = 15;

	build_u16(b, TAG_SamplesPerPixel, VR_US, &one, 1);
	build_str(b, TAG_PhotometricInterpretation, VR_CS, "MONOCHROME2");
	build_u16(b, TAG_Rows, VR_US, &side, 1);
	build_u16(b, TAG_Columns, VR_US, &side, 1);
	snprintf(spacing, sizeof(spacing), "%.10f\\%.10f", FIELD_MM / o->matrix,
		 FIELD_MM / o->matrix);
	build_str(b, TAG_PixelSpacing, VR_DS, spacing);
	build_u16(b, TAG_BitsAllocated, VR_US, &sixteen, 1);
	build_u16(b, TAG_BitsStored, VR_US, &sixteen, 1);
	build_u16(b, TAG_HighBit, VR_US, &fifteen, 1);
	build_u16(b, TAG_PixelRepresentation, VR_US, &zero, 1);
	build_str(b, TAG_WindowCenter, VR_DS, "40");
	build_str(b, TAG_WindowWidth, VR_DS, "400");
	build_str(b, TAG_RescaleIntercept, VR_DS, "-1024");
	build_str(b, TAG_RescaleSlope, VR_DS, "1");
	build_str(b, TAG_RescaleType, VR_LO, "HU");
}

void ct_header(struct build *b, const struct phantom_options *o, const struct phantom_uids *uids,
	       uint32_t slice)
{
	put_identity(b, o, slice);
	phantom_patient(b);
	put_acquisition(b, o);
	put_geometry(b, o, uids, slice);
	put_pixel_module(b, o);
}
