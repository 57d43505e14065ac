#include "series/segment_head.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "series/mark.h"
#include "series/parts.h"

#define LABEL_MAX 64u
#define DESCRIPTION_MAX 1024u

struct head {
	struct build *b;
	const struct segment_object *o;
	const struct segment_layout *l;
	struct text_encoder *text;
	bool no_memory;
};

/* ---- what is the same for all frames ---- */

static bool same_measures(const struct segment_plane *x, const struct segment_plane *y)
{
	return x->row_spacing_pm == y->row_spacing_pm && x->col_spacing_pm == y->col_spacing_pm &&
	       x->thickness_pm == y->thickness_pm;
}

static bool same_orientation(const struct segment_plane *x, const struct segment_plane *y)
{
	bool same = true;

	for (unsigned i = 0; i < 3; i++)
		same = same && x->row_dir[i] == y->row_dir[i] && x->col_dir[i] == y->col_dir[i];
	return same;
}

enum err segment_lay_out(struct segment_layout *l, const struct segment_object *o, struct arena *a,
			 struct fault *f)
{
	struct segment_layout r = {.rank = ARENA_NEW(a, uint32_t, o->plane_count),
				   .repeat = ARENA_NEW(a, uint32_t, o->plane_count),
				   .first = UINT32_MAX,
				   .same_measures = true,
				   .same_orientation = true};
	uint32_t rank = 0, last = 0;

	if (r.rank == NULL || r.repeat == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for a segmentation", FAULT_NO_OFFSET);
	for (uint32_t i = 0; i < o->frame_count; i++)
		r.rank[o->frames[i].plane] = 1;
	for (uint32_t k = 0; k < o->plane_count; k++) {
		const struct segment_plane *plane = &o->planes[k];

		if (r.rank[k] == 0)
			continue;
		if (r.first == UINT32_MAX)
			r.first = k;

		const struct segment_plane *first = &o->planes[r.first];
		bool repeat = rank > 0 && o->planes[last].position == plane->position;
		rank += !repeat;
		r.rank[k] = rank;
		r.repeat[k] = repeat ? r.repeat[last] + 1 : 1;
		r.repeats = r.repeats || repeat;
		r.same_measures = r.same_measures && same_measures(first, plane);
		r.same_orientation = r.same_orientation && same_orientation(first, plane);
		last = k;
	}
	*l = r;
	return OK;
}

/* ---- colors ---- */

static double linear(uint8_t c)
{
	double v = c / 255.0;

	return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static double lab_f(double t)
{
	const double d = 6.0 / 29.0;

	return t > d * d * d ? cbrt(t) : t / (3 * d * d) + 4.0 / 29.0;
}

static uint16_t sixteen(double value, double low, double high)
{
	double v = (value - low) / (high - low) * 65535.0;

	return (uint16_t)lround(v < 0 ? 0 : v > 65535 ? 65535 : v);
}

void segment_cielab(const uint8_t rgb[static 3], uint16_t out[static 3])
{
	/* sRGB (IEC 61966-2-1) to XYZ, adapted from D65 to the D50 of the ICC's connection space
	 * after Bradford; each row over the white of D50 */
	static const double m[3][3] = {{0.4360747, 0.3850649, 0.1430804},
				       {0.2225045, 0.7168786, 0.0606169},
				       {0.0139322, 0.0971045, 0.7141733}};
	double f[3];

	for (unsigned i = 0; i < 3; i++) {
		double white = m[i][0] + m[i][1] + m[i][2], v = 0;

		for (unsigned k = 0; k < 3; k++)
			v += m[i][k] * linear(rgb[k]);
		f[i] = lab_f(v / white);
	}
	out[0] = sixteen(116 * f[1] - 16, 0, 100);
	out[1] = sixteen(500 * (f[0] - f[1]), -128, 127);
	out[2] = sixteen(200 * (f[1] - f[2]), -128, 127);
}

/* ---- small things ---- */

static void add_text(struct head *h, uint32_t tag, enum vr vr, struct bytes utf8, size_t max)
{
	struct bytes text = text_encode(h->text, utf8, max);

	h->no_memory = h->no_memory || text.at == NULL;
	build_text(h->b, tag, vr, text);
}

static void code(struct head *h, const struct roi_code *c)
{
	add_text(h, TAG_CodeValue, VR_SH, c->value, 16);
	add_text(h, TAG_CodingSchemeDesignator, VR_SH, c->scheme, 16);
	add_text(h, TAG_CodeMeaning, VR_LO, c->meaning, 64);
}

/* ---- the head ---- */

/* PS3.3 C.12.2: every image that a frame refers to. */
static void referenced_series(struct head *h)
{
	struct build *b = h->b;

	build_sequence(b, TAG_ReferencedSeriesSequence);
	build_item(b);
	build_sequence(b, TAG_ReferencedInstanceSequence);
	for (uint32_t k = 0; k < h->o->plane_count; k++) {
		if (h->l->rank[k] == 0)
			continue;
		build_item(b);
		parts_reference(b, &h->o->planes[k].sop_class, &h->o->planes[k].instance);
		build_item_end(b);
	}
	build_sequence_end(b);
	build_uid(b, TAG_SeriesInstanceUID, &h->o->image_series);
	build_item_end(b);
	build_sequence_end(b);
}

/* PS3.3 C.7.6.17 */
static void dimensions(struct head *h)
{
	static const struct {
		uint32_t pointer, group;
		const char *label;
	} all[] = {
		{TAG_ReferencedSegmentNumber, TAG_SegmentIdentificationSequence, "Segment Number"},
		{TAG_ImagePositionPatient, TAG_PlanePositionSequence, "Image Position (Patient)"},
		{TAG_TemporalPositionIndex, TAG_FrameContentSequence, "Image at this position"},
	};
	struct build *b = h->b;

	build_sequence(b, TAG_DimensionOrganizationSequence);
	build_item(b);
	build_uid(b, TAG_DimensionOrganizationUID, &h->o->dimensions);
	build_item_end(b);
	build_sequence_end(b);
	build_sequence(b, TAG_DimensionIndexSequence);
	for (unsigned i = 0; i < (h->l->repeats ? 3u : 2u); i++) {
		uint16_t pointer[2] = {(uint16_t)(all[i].pointer >> 16), (uint16_t)all[i].pointer};
		uint16_t group[2] = {(uint16_t)(all[i].group >> 16), (uint16_t)all[i].group};

		build_item(b);
		build_uid(b, TAG_DimensionOrganizationUID, &h->o->dimensions);
		build_u16(b, TAG_DimensionIndexPointer, VR_AT, pointer, 2);
		build_u16(b, TAG_FunctionalGroupPointer, VR_AT, group, 2);
		build_str(b, TAG_DimensionDescriptionLabel, VR_LO, all[i].label);
		build_item_end(b);
	}
	build_sequence_end(b);
}

/* PS3.3 C.7.6.16, C.8.20.2.  Pixels of images that were ever compressed with loss make segments of
 * such. */
static void pixel_module(struct head *h, const struct dset *image)
{
	const struct segment_object *o = h->o;
	struct build *b = h->b;

	parts_u16(b, TAG_SamplesPerPixel, 1);
	build_str(b, TAG_PhotometricInterpretation, VR_CS, "MONOCHROME2");
	build_is(b, TAG_NumberOfFrames, o->frame_count);
	parts_u16(b, TAG_Rows, (uint16_t)o->rows);
	parts_u16(b, TAG_Columns, (uint16_t)o->cols);
	parts_u16(b, TAG_BitsAllocated, 1);
	parts_u16(b, TAG_BitsStored, 1);
	parts_u16(b, TAG_HighBit, 0);
	parts_u16(b, TAG_PixelRepresentation, 0);
	if (!bytes_eq_str(dset_text(image, NULL, TAG_LossyImageCompression), "01"))
		build_str(b, TAG_LossyImageCompression, VR_CS, "00");
	parts_references(b, TAG_SourceInstanceSequence, &o->set_class, &o->set_instance);
}

/* PS3.3 10.16.  Of an algorithm that is not told there is no family but that it segments. */
static void algorithm(struct head *h, const struct segment *s)
{
	bool manual = strcmp(s->algorithm, "MANUAL") == 0;
	struct bytes name = bytes_str(h->o->algorithm_name);

	build_sequence(h->b, TAG_SegmentationAlgorithmIdentificationSequence);
	build_item(h->b);
	parts_code(h->b, TAG_AlgorithmFamilyCodeSequence, manual ? "123109" : "113076",
		   manual ? "Manual Processing" : "Segmentation");
	add_text(h, TAG_AlgorithmVersion, VR_LO, bytes_str(h->o->algorithm_version), LABEL_MAX);
	add_text(h, TAG_AlgorithmName, VR_LO, name, LABEL_MAX);
	build_item_end(h->b);
	build_sequence_end(h->b);
	build_str(h->b, TAG_SegmentAlgorithmType, VR_CS, s->algorithm);
	if (!manual) /* 1C, and nothing else */
		add_text(h, TAG_SegmentAlgorithmName, VR_LO, name, LABEL_MAX);
}

static void property_type(struct head *h, const struct segment *s)
{
	build_sequence(h->b, TAG_SegmentedPropertyTypeCodeSequence);
	build_item(h->b);
	code(h, &s->type);
	if (s->side != ROI_SIDE_NONE) {
		struct roi_code side = roi_side_code(s->side);

		build_sequence(h->b, TAG_SegmentedPropertyTypeModifierCodeSequence);
		build_item(h->b);
		code(h, &side);
		build_item_end(h->b);
		build_sequence_end(h->b);
	}
	build_item_end(h->b);
	build_sequence_end(h->b);
}

/* Unique, as C.8.20.2 asks: the configured text and the label. */
static void tracking(struct head *h, const struct segment *s)
{
	char text[1400];
	char label[300];

	bytes_to_str(s->label, label, sizeof(label));
	snprintf(text, sizeof(text), "%.1024s: %s", h->o->tracking_id, label);
	add_text(h, TAG_TrackingID, VR_UT, bytes_str(text), sizeof(text));
	build_uid(h->b, TAG_TrackingUID, &s->tracking);
}

static void segment_item(struct head *h, uint32_t index)
{
	const struct segment *s = &h->o->segments[index];
	uint16_t lab[3];

	segment_cielab(s->color, lab);
	build_item(h->b);
	build_sequence(h->b, TAG_SegmentedPropertyCategoryCodeSequence);
	build_item(h->b);
	code(h, &s->category);
	build_item_end(h->b);
	build_sequence_end(h->b);
	parts_u16(h->b, TAG_SegmentNumber, (uint16_t)(index + 1));
	add_text(h, TAG_SegmentLabel, VR_LO, s->label, LABEL_MAX);
	if (s->description.len > 0)
		add_text(h, TAG_SegmentDescription, VR_ST, s->description, DESCRIPTION_MAX);
	algorithm(h, s);
	build_u16(h->b, TAG_RecommendedDisplayCIELabValue, VR_US, lab, 3);
	property_type(h, s);
	tracking(h, s);
	build_item_end(h->b);
}

static void measures(struct build *b, const struct segment_plane *p, double slice_spacing_mm)
{
	int64_t spacing[2] = {p->row_spacing_pm, p->col_spacing_pm};

	build_sequence(b, TAG_PixelMeasuresSequence);
	build_item(b);
	if (p->thickness_pm > 0)
		build_ds_pm(b, TAG_SliceThickness, &p->thickness_pm, 1);
	if (slice_spacing_mm > 0)
		build_ds(b, TAG_SpacingBetweenSlices, slice_spacing_mm);
	build_ds_pm(b, TAG_PixelSpacing, spacing, 2);
	build_item_end(b);
	build_sequence_end(b);
}

static void orientation(struct build *b, const struct segment_plane *p)
{
	double v[6];

	memcpy(v, p->row_dir, sizeof(p->row_dir));
	memcpy(v + 3, p->col_dir, sizeof(p->col_dir));
	build_sequence(b, TAG_PlaneOrientationSequence);
	build_item(b);
	build_ds_list(b, TAG_ImageOrientationPatient, v, 6);
	build_item_end(b);
	build_sequence_end(b);
}

static void shared_groups(struct head *h)
{
	const struct segment_plane *first = &h->o->planes[h->l->first];

	build_sequence(h->b, TAG_SharedFunctionalGroupsSequence);
	build_item(h->b);
	if (h->l->same_orientation)
		orientation(h->b, first);
	if (h->l->same_measures)
		measures(h->b, first, h->o->slice_spacing_mm);
	build_item_end(h->b);
	build_sequence_end(h->b);
}

/* Digits that tell installations apart by the key that they have. */
static void serial_number(struct head *h)
{
	struct uid uid = uid_derive(h->o->uid_key, "device-serial-number", NULL, 0);
	size_t len = strlen(uid.text);

	build_str(h->b, TAG_DeviceSerialNumber, VR_LO, uid.text + (len > 12 ? len - 12 : 0));
}

static void general(struct head *h, const char *charset, const struct wall *now)
{
	struct build *b = h->b;

	if (charset[0] != '\0')
		build_str(b, TAG_SpecificCharacterSet, VR_CS, charset);
	build_str(b, TAG_ImageType, VR_CS, "DERIVED\\PRIMARY");
	parts_date(b, TAG_InstanceCreationDate, now);
	parts_time(b, TAG_InstanceCreationTime, now);
	build_str(b, TAG_SOPClassUID, VR_UI, SOP_CLASS_SEGMENTATION);
	build_uid(b, TAG_SOPInstanceUID, &h->o->sop_instance);
	parts_date(b, TAG_SeriesDate, now);
	parts_date(b, TAG_ContentDate, now);
	parts_time(b, TAG_SeriesTime, now);
	parts_time(b, TAG_ContentTime, now);
	build_str(b, TAG_Modality, VR_CS, "SEG");
	build_str(b, TAG_Manufacturer, VR_LO, "netrt");
	add_text(h, TAG_SeriesDescription, VR_LO, bytes_str(h->o->series_description), LABEL_MAX);
	build_str(b, TAG_ManufacturerModelName, VR_LO, "netrt");
	referenced_series(h);
	serial_number(h);
	build_str(b, TAG_SoftwareVersions, VR_LO, h->o->software_version);
	mark_sequence(b, now, h->o->software_version,
		      "Wrote the contours of an RT Structure Set as segments");
	build_uid(b, TAG_SeriesInstanceUID, &h->o->series);
	if (h->o->study_id[0] != '\0')
		add_text(h, TAG_StudyID, VR_SH, bytes_str(h->o->study_id), 16);
	build_is(b, TAG_SeriesNumber, h->o->series_number);
	build_is(b, TAG_InstanceNumber, h->o->instance_number);
}

void segment_head(struct build *b, const struct segment_object *o, const struct segment_layout *l,
		  const struct dset *image, struct text_encoder *text, const char *charset,
		  const struct wall *now, bool *no_memory)
{
	static const char *const overlaps[] = {[SEGMENT_OVERLAP_UNKNOWN] = "UNDEFINED",
					       [SEGMENT_OVERLAP_NO] = "NO",
					       [SEGMENT_OVERLAP_YES] = "YES"};
	struct head h = {.b = b, .o = o, .l = l, .text = text};

	general(&h, charset, now);
	if (o->frame.text[0] != '\0' && dset_text(image, NULL, TAG_FrameOfReferenceUID).len == 0)
		build_uid(b, TAG_FrameOfReferenceUID, &o->frame);
	dimensions(&h);
	pixel_module(&h, image);
	build_str(b, TAG_SegmentationType, VR_CS, "BINARY");
	build_sequence(b, TAG_SegmentSequence);
	for (uint32_t i = 0; i < o->segment_count; i++)
		segment_item(&h, i);
	build_sequence_end(b);
	build_str(b, TAG_SegmentsOverlap, VR_CS,
		  overlaps[o->segment_count == 1 ? SEGMENT_OVERLAP_NO : o->overlap]);
	build_str(b, TAG_ContentLabel, VR_CS, "SEGMENTATION");
	build_str(b, TAG_ContentDescription, VR_LO, "ROIs of an RT Structure Set");
	build_bytes(b, TAG_ContentCreatorName, VR_PN, BYTES_NONE);
	shared_groups(&h);
	*no_memory = h.no_memory;
}

/* ---- one frame ---- */

static void derivation(struct build *b, const struct segment_plane *p)
{
	build_sequence(b, TAG_DerivationImageSequence);
	build_item(b);
	build_sequence(b, TAG_SourceImageSequence);
	build_item(b);
	parts_reference(b, &p->sop_class, &p->instance);
	build_str(b, TAG_SpatialLocationsPreserved, VR_CS, "YES");
	parts_source_purpose(b);
	build_item_end(b);
	build_sequence_end(b);
	parts_code(b, TAG_DerivationCodeSequence, "113076", "Segmentation");
	build_item_end(b);
	build_sequence_end(b);
}

void segment_frame_item(struct build *b, const struct segment_object *o,
			const struct segment_layout *l, uint32_t frame)
{
	uint32_t plane = o->frames[frame].plane, segment = o->frames[frame].segment + 1;
	const struct segment_plane *p = &o->planes[plane];
	uint32_t index[3] = {segment, l->rank[plane], l->repeat[plane]};

	derivation(b, p);
	build_sequence(b, TAG_FrameContentSequence);
	build_item(b);
	if (l->repeats)
		build_u32(b, TAG_TemporalPositionIndex, VR_UL, &index[2], 1);
	build_u32(b, TAG_DimensionIndexValues, VR_UL, index, l->repeats ? 3 : 2);
	build_item_end(b);
	build_sequence_end(b);
	build_sequence(b, TAG_PlanePositionSequence);
	build_item(b);
	build_ds_pm(b, TAG_ImagePositionPatient, p->position_pm, 3);
	build_item_end(b);
	build_sequence_end(b);
	if (!l->same_orientation)
		orientation(b, p);
	if (!l->same_measures)
		measures(b, p, 0);
	build_sequence(b, TAG_SegmentIdentificationSequence);
	build_item(b);
	parts_u16(b, TAG_ReferencedSegmentNumber, (uint16_t)segment);
	build_item_end(b);
	build_sequence_end(b);
}
