/*
 * New elements and those that stay of the source, sorted.  What stays is a list, so that nothing
 * comes along that nobody thought of.
 */
#include "series/secondary.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/rewrite.h"
#include "series/derive.h"
#include "series/mark.h"
#include "series/parts.h"

/* Ascending.  Group 0012 (clinical trial, and how it was de-identified) stays, too. */
static const uint32_t kept[] = {
	TAG_SpecificCharacterSet,
	TAG_StudyDate,
	TAG_StudyTime,
	TAG_AccessionNumber,
	TAG_ReferringPhysicianName,
	TAG_TimezoneOffsetFromUTC,
	TAG_StudyDescription,
	TAG_PatientName,
	TAG_PatientID,
	TAG_IssuerOfPatientID,
	TAG_TypeOfPatientID,
	TAG_PatientBirthDate,
	TAG_PatientSex,
	TAG_PatientAge,
	TAG_StudyInstanceUID,
	TAG_StudyID,
	TAG_FrameOfReferenceUID,
	TAG_Laterality,
	TAG_PositionReferenceIndicator,
	TAG_PixelAspectRatio,
	TAG_BurnedInAnnotation,
	TAG_RecognizableVisualFeatures,
	TAG_LongitudinalTemporalInformationModified,
	TAG_LossyImageCompression,
	TAG_LossyImageCompressionRatio,
	TAG_LossyImageCompressionMethod,
};

struct uid secondary_series_uid(struct bytes uid_key, const struct uid *source_series,
				const struct uid *set_instance)
{
	return parts_uid(uid_key, "debug-series", bytes_str(source_series->text), set_instance);
}

struct uid secondary_instance_uid(struct bytes uid_key, const struct uid *source_instance,
				  const struct uid *set_instance)
{
	return parts_uid(uid_key, "debug-instance", bytes_str(source_instance->text), set_instance);
}

/* ---- Geometry ---- */

/* The source's image plane; whole only with all three of its parts. */
struct place {
	double position[3], direction[6];
	double spacing[2]; /* from row to row, from column to column */
	bool has_spacing, whole;
};

static bool numbers(const struct dset *d, uint32_t tag, unsigned count, double *out)
{
	for (unsigned i = 0; i < count; i++)
		if (!dset_ds(d, NULL, tag, i, &out[i]))
			return false;
	return true;
}

static struct place place_of(const struct dset *d)
{
	struct place p = {.has_spacing = false};

	p.has_spacing =
		numbers(d, TAG_PixelSpacing, 2, p.spacing) && p.spacing[0] > 0 && p.spacing[1] > 0;
	p.whole = p.has_spacing && numbers(d, TAG_ImagePositionPatient, 3, p.position) &&
		  numbers(d, TAG_ImageOrientationPatient, 6, p.direction) &&
		  dset_text(d, NULL, TAG_FrameOfReferenceUID).len > 0;
	return p;
}

/* The centre of the first magnified pixel is nearer to the corner: rt/image.h. */
static void first_pixel(const struct place *p, uint32_t magnification, double out[static 3])
{
	double back = (1.0 / magnification - 1.0) / 2;

	for (unsigned i = 0; i < 3; i++)
		out[i] = p->position[i] + back * (p->direction[i] * p->spacing[1] +
						  p->direction[3 + i] * p->spacing[0]);
}

/* ---- Elements ---- */

/* Type 2: there, if only as an empty element. */
static void at_least_empty(struct derive *v, uint32_t tag, enum vr vr)
{
	const struct elem *e = dset_find(v->d, NULL, tag);

	if (e == NULL || e->vr == VR_NONE)
		build_str(&v->b, tag, vr, "");
}

/* Group 0008, ascending among what is kept of it. */
static void identification(struct derive *v)
{
	struct uid class;

	uid_set(&class, bytes_str(SOP_CLASS_SECONDARY_CAPTURE));
	build_str(&v->b, TAG_ImageType, VR_CS, "DERIVED\\SECONDARY");
	parts_date(&v->b, TAG_InstanceCreationDate, &v->now);
	parts_time(&v->b, TAG_InstanceCreationTime, &v->now);
	build_uid(&v->b, TAG_SOPClassUID, &class);
	build_uid(&v->b, TAG_SOPInstanceUID, &v->instance);
	at_least_empty(v, TAG_StudyDate, VR_DA);
	parts_date(&v->b, TAG_SeriesDate, &v->now);
	parts_date(&v->b, TAG_ContentDate, &v->now);
	at_least_empty(v, TAG_StudyTime, VR_TM);
	parts_time(&v->b, TAG_SeriesTime, &v->now);
	parts_time(&v->b, TAG_ContentTime, &v->now);
	at_least_empty(v, TAG_AccessionNumber, VR_SH);
	build_str(&v->b, TAG_Modality, VR_CS, "OT");
	build_str(&v->b, TAG_ConversionType, VR_CS, "WSD");
	build_str(&v->b, TAG_Manufacturer, VR_LO, "netrt");
	at_least_empty(v, TAG_ReferringPhysicianName, VR_PN);
	derive_text(v, TAG_SeriesDescription, VR_LO, bytes_str(v->series->series_description), 64);
	build_str(&v->b, TAG_ManufacturerModelName, VR_LO, "netrt");
	build_str(&v->b, TAG_DerivationDescription, VR_ST,
		  "Picture of an image with the contours of an RT Structure Set, to look at");
	derive_source_image(v);
	at_least_empty(v, TAG_PatientName, VR_PN);
	at_least_empty(v, TAG_PatientID, VR_LO);
	at_least_empty(v, TAG_PatientBirthDate, VR_DA);
	at_least_empty(v, TAG_PatientSex, VR_CS);
}

/* Groups 0018 and 0020. */
static void acquisition(struct derive *v, const struct secondary *s, const struct place *p)
{
	const char *version = v->series->software_version;
	double thickness, position[3];

	if (p->whole && dset_ds(v->d, NULL, TAG_SliceThickness, 0, &thickness))
		build_ds(&v->b, TAG_SliceThickness, thickness);
	else if (p->whole)
		build_str(&v->b, TAG_SliceThickness, VR_DS, "");
	parts_date(&v->b, TAG_DateOfSecondaryCapture, &v->now);
	parts_time(&v->b, TAG_TimeOfSecondaryCapture, &v->now);
	build_str(&v->b, TAG_SecondaryCaptureDeviceManufacturer, VR_LO, "netrt");
	build_str(&v->b, TAG_SecondaryCaptureDeviceManufacturerModelName, VR_LO, "netrt");
	build_str(&v->b, TAG_SecondaryCaptureDeviceSoftwareVersions, VR_LO, version);
	build_str(&v->b, TAG_SoftwareVersions, VR_LO, version);
	mark_sequence(&v->b, &v->now, version,
		      "Drew an image with the contours of an RT Structure Set");
	build_uid(&v->b, TAG_SeriesInstanceUID, &v->series->series);
	derive_text(v, TAG_StudyID, VR_SH, bytes_str(v->series->study_id), 16);
	if (v->series->study_id[0] == '\0')
		at_least_empty(v, TAG_StudyID, VR_SH);
	build_is(&v->b, TAG_SeriesNumber, v->series->series_number);
	build_is(&v->b, TAG_InstanceNumber, s->number);
	build_str(&v->b, TAG_PatientOrientation, VR_CS, s->orientation);
	if (p->whole) {
		first_pixel(p, s->magnification, position);
		build_ds_list(&v->b, TAG_ImagePositionPatient, position, 3);
		build_ds_list(&v->b, TAG_ImageOrientationPatient, p->direction, 6);
	}
	at_least_empty(v, TAG_Laterality, VR_CS);
	if (p->whole)
		at_least_empty(v, TAG_PositionReferenceIndicator, VR_LO);
	derive_text(v, TAG_ImageComments, VR_LT, bytes_str(s->comment), 10240);
}

/* Group 0028 and after it. */
static void pixels(struct derive *v, const struct secondary *s, const struct place *p)
{
	size_t len = (size_t)s->rows * s->cols * 3;

	parts_u16(&v->b, TAG_SamplesPerPixel, 3);
	build_str(&v->b, TAG_PhotometricInterpretation, VR_CS, "RGB");
	parts_u16(&v->b, TAG_PlanarConfiguration, 0);
	parts_u16(&v->b, TAG_Rows, (uint16_t)s->rows);
	parts_u16(&v->b, TAG_Columns, (uint16_t)s->cols);
	if (p->has_spacing)
		build_ds_list(&v->b, TAG_PixelSpacing,
			      (double[]){p->spacing[0] / s->magnification,
					 p->spacing[1] / s->magnification},
			      2);
	parts_u16(&v->b, TAG_BitsAllocated, 8);
	parts_u16(&v->b, TAG_BitsStored, 8);
	parts_u16(&v->b, TAG_HighBit, 7);
	parts_u16(&v->b, TAG_PixelRepresentation, 0);
	parts_references(&v->b, TAG_SourceInstanceSequence, &v->series->set_class,
			 &v->series->set_instance);
	build_bytes(&v->b, TAG_PixelData, VR_OB, bytes_of(s->rgb, len));
}

/* ---- What stays ---- */

static enum err no_memory(struct fault *f)
{
	return fault_set(f, ERR_NOMEM, "no memory for the picture's elements", FAULT_NO_OFFSET);
}

static bool stays(const struct place *p, uint32_t tag)
{
	if (TAG_GROUP(tag) == 0x0012 && (tag & 0xFFFFu) != 0)
		return true;
	if (tag == TAG_PixelAspectRatio && p->has_spacing)
		return false; /* not both: PS3.3 C.7.6.3.1.7 */
	if ((tag == TAG_FrameOfReferenceUID || tag == TAG_PositionReferenceIndicator) && !p->whole)
		return false;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (kept[i] == tag)
			return true;
	return false;
}

static int by_tag(const void *a, const void *b)
{
	uint32_t x = ((const struct edit *)a)->tag, y = ((const struct edit *)b)->tag;

	return (x > y) - (x < y);
}

/* An element of the source as it is encoded; empty when its end cannot be told. */
static struct bytes encoded(const struct dset *d, const struct elem *e)
{
	const unsigned unsure = WALK_NO_DELIMITER | WALK_STRAY_DELIMITER;
	size_t from = (size_t)e->at - e->head;
	const struct elem *next = dset_next(d, NULL, e);

	if (e->len != DICOM_UNDEFINED)
		return bytes_slice(d->in, from, e->head + (size_t)e->len);
	if (next == NULL || (d->notes & unsure) != 0)
		return BYTES_NONE;
	return bytes_slice(d->in, from, (size_t)next->at - next->head - from);
}

/* What was built and what stays, in ascending order; of repeats the first.  Where an element of no
 * VR ends is told by what stands around it there, and not here: it does not stay. */
static enum err views_of(struct derive *v, const struct place *p, struct bytes **out,
			 size_t *out_count, struct fault *f)
{
	struct edit *built = NULL, *all;
	size_t count = 0, n = 0, top = 0;

	if (v->no_memory || v->b.out.failed)
		return no_memory(f);
	enum err e = rewrite_edits(buf_bytes(&v->b.out), v->d->syntax, v->a, &built, &count, f);
	if (e != OK)
		return e;
	for (const struct elem *x = dset_first(v->d, NULL); x != NULL; x = dset_next(v->d, NULL, x))
		top++;
	all = ARENA_NEW(v->a, struct edit, count + top);
	*out = ARENA_NEW(v->a, struct bytes, count + top);
	if (all == NULL || *out == NULL)
		return no_memory(f);
	memcpy(all, built, count * sizeof(*built));
	n = count;
	for (const struct elem *x = dset_first(v->d, NULL); x != NULL; x = dset_next(v->d, NULL, x))
		if (x->vr != VR_NONE && stays(p, x->tag) && dset_find(v->d, NULL, x->tag) == x &&
		    bsearch(&(struct edit){.tag = x->tag}, built, count, sizeof(*built), by_tag) ==
			    NULL)
			all[n++] = (struct edit){.tag = x->tag, .encoded = encoded(v->d, x)};
	qsort(all, n, sizeof(*all), by_tag);
	for (size_t i = 0; i < n; i++)
		(*out)[i] = all[i].encoded;
	*out_count = n;
	return OK;
}

static enum err write_out(int fd, struct derive *v, const struct place *p, const struct part10 *src,
			  struct fault *f)
{
	struct part10_out o = {
		.sop_instance = v->instance,
		.transfer_syntax = src->syntax_uid,
		.syntax = src->syntax,
		.source_fd = -1,
	};
	struct bytes *views = NULL;
	enum err e = views_of(v, p, &views, &o.view_count, f);

	if (e != OK)
		return e;
	o.views = views;
	uid_set(&o.sop_class, bytes_str(SOP_CLASS_SECONDARY_CAPTURE));
	if (src->syntax->encapsulated) {
		o.syntax = &syntax_explicit_le;
		uid_set(&o.transfer_syntax, bytes_str(syntax_explicit_le.uid));
	}
	return part10_write(fd, &o, f);
}

enum err secondary_write(int fd, const struct overlay_series *series, const struct secondary *s,
			 const struct part10 *src, const struct dset *d, struct arena *a,
			 bool *text_lossy, struct fault *f)
{
	struct place p = place_of(d);
	struct derive v;

	assert(s->magnification > 0 && s->cols <= LIMIT_PIXELS_SIDE &&
	       s->rows <= LIMIT_PIXELS_SIDE);
	enum err e = derive_open(&v, series, d, (size_t)s->rows * s->cols * 3, a, f);
	if (e != OK)
		return e;
	v.instance =
		secondary_instance_uid(series->uid_key, &v.source_instance, &series->set_instance);
	identification(&v);
	acquisition(&v, s, &p);
	pixels(&v, s, &p);
	*text_lossy = v.text.lossy;
	e = write_out(fd, &v, &p, src, f);
	derive_close(&v);
	return e;
}
