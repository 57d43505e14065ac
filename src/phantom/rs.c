#include "phantom/rs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SOP_CLASS_RT_STRUCTURE_SET "1.2.840.10008.5.1.4.1.1.481.3"
#define SOP_CLASS_DETACHED_STUDY "1.2.840.10008.3.1.2.3.1"
#define POINTS_MAX 4096u

/* One contour: points in hundredths of a millimetre. */
struct outline {
	int32_t xy[POINTS_MAX][2];
	uint32_t count;
};

static int32_t hundredths(double mm)
{
	return (int32_t)floor(mm * 100 + 0.5);
}

static void outline_add(struct outline *line, double x, double y)
{
	if (line->count < POINTS_MAX) {
		line->xy[line->count][0] = hundredths(x);
		line->xy[line->count][1] = hundredths(y);
		line->count++;
	}
}

/* The egg of relative size `scale`, forwards or backwards, `points` vertices from angle 0. */
static void outline_egg(struct outline *line, const struct shape *s, double scale, uint32_t points,
			bool backwards)
{
	for (uint32_t i = 0; i < points; i++) {
		double c, t;
		uint32_t k = backwards ? points - i : i;

		turn((double)k / points, &c, &t);
		outline_add(line,
			    s->cx + s->a * scale * (1 + s->egg * t) * c + s->bend * scale * t * t,
			    s->cy + s->b * scale * t);
	}
}

static void outline_cube(struct outline *line, const struct shape *s)
{
	static const int corner[4][2] = {{-1, -1}, {1, -1}, {1, 1}, {-1, 1}};
	double c, d;

	turn(27.0 / 360.0, &c, &d);
	for (int i = 0; i < 4; i++) {
		double u = s->a * corner[i][0], v = s->a * corner[i][1];

		outline_add(line, s->cx + c * u - d * v, s->cy + d * u + c * v);
	}
}

static uint32_t points_for(const struct phantom_options *o, const struct shape *s, double scale)
{
	double around = 6.283185307 * sqrt((s->a * s->a + s->b * s->b) / 2) * scale;
	double points = around / 0.6;

	if (points < o->points_min)
		return o->points_min;
	return points > o->points_max ? o->points_max : (uint32_t)points;
}

/* The i-th contour of a shape at a height where its section is `scale`; false: there is no such. */
static bool outline_make(struct outline *line, const struct phantom_options *o,
			 const struct shape *s, double scale, unsigned i)
{
	static const double sizes[] = {1, .5, .25};
	unsigned nested = s->kind == SHAPE_ISLAND ? 3 : s->kind == SHAPE_RING ? 2 : 1;

	line->count = 0;
	if (i >= nested || s->kind == SHAPE_EMPTY)
		return false;
	if (s->kind == SHAPE_POINT) {
		outline_add(line, s->cx, s->cy);
	} else if (s->kind == SHAPE_CUBE) {
		outline_cube(line, s);
	} else if (s->kind == SHAPE_KEYHOLE) {
		uint32_t points = points_for(o, s, scale);

		outline_egg(line, s, scale, points, false);
		outline_add(line, s->cx + s->a * scale, s->cy);
		outline_egg(line, s, scale * .5, points, true);
		outline_add(line, s->cx + s->a * scale * .5, s->cy);
	} else {
		outline_egg(line, s, scale * sizes[i], points_for(o, s, scale * sizes[i]), false);
	}
	return true;
}

static char *put_hundredths(char *at, int32_t value)
{
	char digits[12] = {0};
	int count = 0;
	uint32_t left = value < 0 ? 0u - (uint32_t)value : (uint32_t)value;

	if (value < 0)
		*at++ = '-';
	while (left > 0 || count < 3) {
		digits[count++] = (char)('0' + left % 10);
		left /= 10;
	}
	while (count > 2)
		*at++ = digits[--count];
	*at++ = '.';
	*at++ = digits[1];
	*at++ = digits[0];
	return at;
}

static void put_contour_data(struct build *b, const struct outline *line, int32_t z)
{
	static char text[POINTS_MAX * 40];
	char *at = text;

	for (uint32_t i = 0; i < line->count; i++) {
		at = put_hundredths(at, line->xy[i][0]);
		*at++ = '\\';
		at = put_hundredths(at, line->xy[i][1]);
		*at++ = '\\';
		at = put_hundredths(at, z);
		*at++ = '\\';
	}
	build_text(b, TAG_ContourData, VR_DS, bytes_of(text, (size_t)(at - text) - 1));
}

static void put_contour(struct build *b, const struct phantom_options *o, const struct shape *s,
			const struct outline *line, uint32_t slice, uint32_t number)
{
	struct uid image = phantom_image_uid(o, slice);

	build_item(b);
	build_sequence(b, TAG_ContourImageSequence);
	build_item(b);
	build_str(b, TAG_ReferencedSOPClassUID, VR_UI, SOP_CLASS_CT_IMAGE);
	build_uid(b, TAG_ReferencedSOPInstanceUID, &image);
	build_item_end(b);
	build_sequence_end(b);
	build_str(b, TAG_ContourGeometricType, VR_CS,
		  s->kind == SHAPE_POINT ? "POINT" : "CLOSED_PLANAR");
	build_is(b, TAG_NumberOfContourPoints, line->count);
	build_is(b, TAG_ContourNumber, number);
	put_contour_data(b, line, hundredths(phantom_slice_z(o, slice)));
	build_item_end(b);
}

/* Is the shape outlined on this slice?  A point and a seed are on the nearest one only. */
static double section_on(const struct phantom_options *o, const struct shape *s, uint32_t slice)
{
	double z = phantom_slice_z(o, slice);

	if (s->c < o->thickness_mm)
		return z - s->cz > -o->thickness_mm / 2 && z - s->cz <= o->thickness_mm / 2;
	double section = shape_section(s, z);
	return section < .14 ? 0 : section;
}

static void put_contours(struct build *b, const struct phantom_options *o, const struct shape *s,
			 struct phantom_summary *summary)
{
	static struct outline line;
	uint32_t number = 0;

	for (uint32_t slice = 0; slice < o->slices; slice++) {
		double section = section_on(o, s, slice);

		for (unsigned i = 0; section > 0 && outline_make(&line, o, s, section, i); i++) {
			if (number == 0)
				build_sequence(b, TAG_ContourSequence);
			put_contour(b, o, s, &line, slice, ++number);
			summary->contours++;
			summary->points += line.count;
		}
	}
	if (number > 0)
		build_sequence_end(b);
}

static void put_references(struct build *b, const struct phantom_options *o,
			   const struct phantom_uids *uids)
{
	build_sequence(b, TAG_ReferencedFrameOfReferenceSequence);
	build_item(b);
	build_uid(b, TAG_FrameOfReferenceUID, &uids->frame);
	build_sequence(b, TAG_RTReferencedStudySequence);
	build_item(b);
	build_str(b, TAG_ReferencedSOPClassUID, VR_UI, SOP_CLASS_DETACHED_STUDY);
	build_uid(b, TAG_ReferencedSOPInstanceUID, &uids->study);
	build_sequence(b, TAG_RTReferencedSeriesSequence);
	build_item(b);
	build_uid(b, TAG_SeriesInstanceUID, &uids->ct_series);
	build_sequence(b, TAG_ContourImageSequence);
	for (uint32_t slice = 0; slice < o->slices; slice++) {
		struct uid image = phantom_image_uid(o, slice);

		build_item(b);
		build_str(b, TAG_ReferencedSOPClassUID, VR_UI, SOP_CLASS_CT_IMAGE);
		build_uid(b, TAG_ReferencedSOPInstanceUID, &image);
		build_item_end(b);
	}
	build_sequence_end(b);
	build_item_end(b);
	build_sequence_end(b);
	build_item_end(b);
	build_sequence_end(b);
	build_item_end(b);
	build_sequence_end(b);
}

static void put_identity(struct build *b, const struct phantom_uids *uids)
{
	build_str(b, TAG_SpecificCharacterSet, VR_CS, "ISO_IR 192");
	build_str(b, TAG_InstanceCreationDate, VR_DA, "20260106");
	build_str(b, TAG_InstanceCreationTime, VR_TM, "090000");
	build_str(b, TAG_SOPClassUID, VR_UI, SOP_CLASS_RT_STRUCTURE_SET);
	build_uid(b, TAG_SOPInstanceUID, &uids->rs_instance);
	build_str(b, TAG_StudyDate, VR_DA, "20260105");
	build_str(b, TAG_StudyTime, VR_TM, "101500");
	build_str(b, TAG_AccessionNumber, VR_SH, "");
	build_str(b, TAG_Modality, VR_CS, "RTSTRUCT");
	build_str(b, TAG_Manufacturer, VR_LO, "netrt");
	build_str(b, TAG_ReferringPhysicianName, VR_PN, "");
	build_str(b, TAG_StudyDescription, VR_LO, "netrt phantom");
	build_str(b, TAG_SeriesDescription, VR_LO, "Phantom structures");
	build_str(b, TAG_OperatorsName, VR_PN, "");
	build_str(b, TAG_ManufacturerModelName, VR_LO, "netrt phantom");
	phantom_patient(b);
	build_str(b, TAG_SoftwareVersions, VR_LO, "1");
	build_uid(b, TAG_StudyInstanceUID, &uids->study);
	build_uid(b, TAG_SeriesInstanceUID, &uids->rs_series);
	build_str(b, TAG_StudyID, VR_SH, "PHANTOM");
	build_is(b, TAG_SeriesNumber, 3);
	build_is(b, TAG_InstanceNumber, 1);
	build_uid(b, TAG_FrameOfReferenceUID, &uids->frame);
	build_str(b, TAG_PositionReferenceIndicator, VR_LO, "");
	build_str(b, TAG_StructureSetLabel, VR_SH, "Phantom");
	build_str(b, TAG_StructureSetDate, VR_DA, "20260106");
	build_str(b, TAG_StructureSetTime, VR_TM, "090000");
}

static void put_roi_names(struct build *b, const struct phantom_uids *uids,
			  const struct shape *shapes, size_t count)
{
	int64_t number = 0;

	build_sequence(b, TAG_StructureSetROISequence);
	for (size_t i = 0; i < count; i++) {
		if (!shapes[i].is_roi)
			continue;
		build_item(b);
		build_is(b, TAG_ROINumber, ++number);
		build_uid(b, TAG_ReferencedFrameOfReferenceUID, &uids->frame);
		build_str(b, TAG_ROIName, VR_LO, shapes[i].name);
		build_str(b, TAG_ROIGenerationAlgorithm, VR_CS, "AUTOMATIC");
		build_item_end(b);
	}
	build_sequence_end(b);
}

static void put_roi_contours(struct build *b, const struct phantom_options *o,
			     const struct shape *shapes, size_t count,
			     struct phantom_summary *summary)
{
	char color[16];

	build_sequence(b, TAG_ROIContourSequence);
	for (size_t i = 0; i < count; i++) {
		const uint8_t *c = shapes[i].color;

		if (!shapes[i].is_roi)
			continue;
		summary->rois++;
		snprintf(color, sizeof(color), "%u\\%u\\%u", c[0], c[1], c[2]);
		build_item(b);
		build_str(b, TAG_ROIDisplayColor, VR_IS, color);
		put_contours(b, o, &shapes[i], summary);
		build_is(b, TAG_ReferencedROINumber, summary->rois);
		build_item_end(b);
	}
	build_sequence_end(b);
}

static void put_observations(struct build *b, const struct shape *shapes, size_t count)
{
	int64_t number = 0;

	build_sequence(b, TAG_RTROIObservationsSequence);
	for (size_t i = 0; i < count; i++) {
		if (!shapes[i].is_roi)
			continue;
		number++;
		build_item(b);
		build_is(b, TAG_ObservationNumber, number);
		build_is(b, TAG_ReferencedROINumber, number);
		build_str(b, TAG_RTROIInterpretedType, VR_CS, shapes[i].type);
		build_str(b, TAG_ROIInterpreter, VR_PN, "");
		build_item_end(b);
	}
	build_sequence_end(b);
	build_str(b, TAG_ApprovalStatus, VR_CS, "UNAPPROVED");
}

void rs_build(struct build *b, const struct phantom_options *o, const struct phantom_uids *uids,
	      const struct shape *shapes, size_t count, struct phantom_summary *summary)
{
	put_identity(b, uids);
	put_references(b, o, uids);
	put_roi_names(b, uids, shapes, count);
	put_roi_contours(b, o, shapes, count, summary);
	put_observations(b, shapes, count);
	summary->structure_set_bytes = b->out.len;
}
