/*
 * Structure sets and images for tests, encoded by hand: nothing of src writes them.  Include
 * after check.h.
 *
 * A `struct pen` writes a data set: explicit or implicit VR little endian, sequences and items of
 * defined or undefined length.
 */
#ifndef TESTS_RT_MAKE_H
#define TESTS_RT_MAKE_H

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "rt/image.h"
#include "rt/structset.h"

#define CT_CLASS "1.2.840.10008.5.1.4.1.1.2"
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- Encoding ---- */

#define PEN_DEPTH 16

struct pen {
	struct buf out;
	bool implicit, undefined;
	bool hide_sequences; /* top-level sequences as UN of defined length (PS3.5 6.2.2) */
	unsigned depth;
	size_t open[PEN_DEPTH]; /* offsets of lengths to fill in; 0: undefined */
	bool was_implicit[PEN_DEPTH], was_undefined[PEN_DEPTH];
};

static inline void pen_u32(struct pen *p, uint32_t v)
{
	uint8_t b[4];

	put_u32le(b, v);
	buf_add(&p->out, bytes_of(b, 4));
}

static inline void pen_tag(struct pen *p, uint32_t tag)
{
	pen_u32(p, tag >> 16 | tag << 16);
}

static inline void pen_bytes(struct pen *p, uint32_t tag, const char *vr, struct bytes value)
{
	size_t len = value.len + value.len % 2;
	bool is_long = strcmp(vr, "UN") == 0 || strcmp(vr, "OB") == 0 || strcmp(vr, "SQ") == 0;

	pen_tag(p, tag);
	if (!p->implicit && !is_long && len > 0xFFFE) { /* PS3.5 6.2.2 note 8 */
		vr = "UN";
		is_long = true;
	}
	if (!p->implicit) {
		buf_add(&p->out, bytes_of(vr, 2));
		if (is_long)
			buf_add(&p->out, bytes_of("\0", 2));
	}
	if (p->implicit || is_long) {
		pen_u32(p, (uint32_t)len);
	} else {
		uint8_t b[2];

		put_u16le(b, (uint16_t)len);
		buf_add(&p->out, bytes_of(b, 2));
	}
	buf_add(&p->out, value);
	if (value.len % 2 != 0)
		buf_char(&p->out, strcmp(vr, "UI") == 0 ? '\0' : ' ');
}

/* NULL: no such element. */
static inline void pen_str(struct pen *p, uint32_t tag, const char *vr, const char *value)
{
	if (value != NULL)
		pen_bytes(p, tag, vr, bytes_str(value));
}

static inline void pen_int(struct pen *p, uint32_t tag, long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", value);
	pen_str(p, tag, "IS", text);
}

static inline void pen_u16(struct pen *p, uint32_t tag, uint16_t value)
{
	uint8_t b[2];

	put_u16le(b, value);
	pen_bytes(p, tag, "US", bytes_of(b, 2));
}

static inline void pen_open(struct pen *p)
{
	ck_assert_uint_lt(p->depth, PEN_DEPTH);
	p->was_implicit[p->depth] = p->implicit;
	p->was_undefined[p->depth] = p->undefined;
	p->open[p->depth++] = p->undefined ? 0 : p->out.len;
	pen_u32(p, 0xFFFFFFFFu);
}

static inline void pen_close(struct pen *p, uint32_t delimiter)
{
	size_t at = p->open[--p->depth];

	p->implicit = p->was_implicit[p->depth];
	p->undefined = p->was_undefined[p->depth];
	if (at == 0) {
		pen_tag(p, delimiter);
		pen_u32(p, 0);
		return;
	}
	ck_assert(!p->out.failed);
	put_u32le(p->out.at + at, (uint32_t)(p->out.len - at - 4));
}

static inline void pen_sequence(struct pen *p, uint32_t tag)
{
	bool hide = p->hide_sequences && p->depth == 0;

	pen_tag(p, tag);
	if (!p->implicit)
		buf_add(&p->out, bytes_of(hide ? "UN\0" : "SQ\0", 4));
	if (hide)
		p->undefined = false;
	pen_open(p);
	if (hide)
		p->implicit = true;
}

static inline void pen_sequence_end(struct pen *p)
{
	pen_close(p, TAG_SEQUENCE_END);
}

static inline void pen_item(struct pen *p)
{
	pen_tag(p, TAG_ITEM);
	pen_open(p);
}

static inline void pen_item_end(struct pen *p)
{
	pen_close(p, TAG_ITEM_END);
}

/* ---- Images ---- */

/* NULL: the value of a plain axial CT slice; "": no such element. */
struct image_spec {
	const char *sop, *series, *frame;
	const char *position, *orientation, *spacing, *thickness;
	const char *frames, *modality, *sop_class;
	uint16_t rows, cols; /* 0: 16 */
	bool no_rows, no_cols;
};

static inline void pen_default(struct pen *p, uint32_t tag, const char *vr, const char *value,
			       const char *otherwise)
{
	const char *v = value != NULL ? value : otherwise;

	if (v != NULL && v[0] != '\0')
		pen_str(p, tag, vr, v);
}

static inline void pen_image(struct pen *p, const struct image_spec *s)
{
	pen_default(p, TAG_SOPClassUID, "UI", s->sop_class, CT_CLASS);
	pen_default(p, TAG_SOPInstanceUID, "UI", s->sop, "1.2.1");
	pen_default(p, TAG_Modality, "CS", s->modality, "CT");
	pen_default(p, TAG_SliceThickness, "DS", s->thickness, "3");
	pen_default(p, TAG_SeriesInstanceUID, "UI", s->series, "1.3.1");
	pen_default(p, TAG_ImagePositionPatient, "DS", s->position, "0\\0\\0");
	pen_default(p, TAG_ImageOrientationPatient, "DS", s->orientation, "1\\0\\0\\0\\1\\0");
	pen_default(p, TAG_FrameOfReferenceUID, "UI", s->frame, "1.4.1");
	pen_str(p, TAG_SliceLocation, "DS", "-99"); /* Slice Location: never to be used */
	pen_default(p, TAG_NumberOfFrames, "IS", s->frames, NULL);
	if (!s->no_rows)
		pen_u16(p, TAG_Rows, s->rows != 0 ? s->rows : 16);
	if (!s->no_cols)
		pen_u16(p, TAG_Columns, s->cols != 0 ? s->cols : 16);
	pen_default(p, TAG_PixelSpacing, "DS", s->spacing, "1\\1");
}

static inline enum err read_image(struct rt_image *image, const struct image_spec *s,
				  struct fault *f)
{
	struct pen p = {.out = BUF_INIT(1u << 20)};
	struct arena a = {0};
	struct dset d;

	pen_image(&p, s);
	ck_assert_int_eq(arena_open(&a, 1u << 20, f), OK);
	ck_assert_int_eq(dset_index(&d, buf_bytes(&p.out), &syntax_explicit_le, 0, &a, f), OK);
	enum err e = rt_image_read(image, &d, f);
	arena_close(&a);
	buf_free(&p.out);
	return e;
}

static inline struct rt_image make_image(const struct image_spec *s)
{
	struct rt_image image;

	ck_assert_int_eq(read_image(&image, s, NULL), OK);
	return image;
}

/* ---- Structure sets ---- */

struct contour_spec {
	const char *data;
	const char *type;     /* NULL: CLOSED_PLANAR; "": none */
	const char *image;    /* NULL: no Contour Image Sequence */
	const char *declared; /* Number of Contour Points; NULL: the right one; "": none */
	const char *offset;
	const char *second_image;
};

struct roi_spec {
	long number;
	const char *name;  /* NULL: none */
	const char *frame; /* NULL: 1.4.1; "": none */
	const char *type;  /* RT ROI Interpreted Type; NULL: no observation */
	const char *color;
	const struct contour_spec *contours;
	size_t contour_count;
	bool no_contour_item, no_definition;
	long contour_number; /* 0: as `number` */
};

struct set_spec {
	const char *series[4]; /* RT Referenced Series Sequence */
	const char *frame;     /* Referenced Frame of Reference Sequence; NULL: 1.4.1; "": none */
	bool frame_again;      /* ... with another item that names it, and no study */
	const struct roi_spec *rois;
	size_t roi_count;
	const char *charset;
	const char *sop_class; /* NULL: that of a structure set; "": none */
	bool implicit, undefined, hide_sequences;
	bool contours_first; /* ROI Contour Sequence before Structure Set ROI Sequence */
	bool number_last;    /* Referenced ROI Number after Contour Sequence */
	bool private_elements;
};

static inline unsigned points_in(const char *data)
{
	unsigned n = data[0] != '\0';

	for (; *data != '\0'; data++)
		n += *data == '\\';
	return n / 3;
}

static inline void pen_contour_image(struct pen *p, const char *uid)
{
	pen_item(p);
	pen_str(p, TAG_ReferencedSOPClassUID, "UI", CT_CLASS);
	pen_str(p, TAG_ReferencedSOPInstanceUID, "UI", uid);
	pen_item_end(p);
}

static inline void pen_contour(struct pen *p, const struct contour_spec *c)
{
	pen_item(p);
	if (c->image != NULL) {
		pen_sequence(p, TAG_ContourImageSequence);
		pen_contour_image(p, c->image);
		if (c->second_image != NULL)
			pen_contour_image(p, c->second_image);
		pen_sequence_end(p);
	}
	pen_default(p, TAG_ContourGeometricType, "CS", c->type, "CLOSED_PLANAR");
	pen_str(p, TAG_ContourOffsetVector, "DS", c->offset);
	if (c->declared == NULL)
		pen_int(p, TAG_NumberOfContourPoints, points_in(c->data != NULL ? c->data : ""));
	else
		pen_default(p, TAG_NumberOfContourPoints, "IS", c->declared, NULL);
	pen_str(p, TAG_ContourData, "DS", c->data);
	pen_item_end(p);
}

static inline void pen_roi_contours(struct pen *p, const struct set_spec *s)
{
	pen_sequence(p, TAG_ROIContourSequence);
	for (size_t i = 0; i < s->roi_count; i++) {
		const struct roi_spec *r = &s->rois[i];
		long number = r->contour_number != 0 ? r->contour_number : r->number;

		if (r->no_contour_item)
			continue;
		pen_item(p);
		pen_str(p, TAG_ROIDisplayColor, "IS", r->color);
		if (s->private_elements) {
			pen_str(p, TAG(0x3007, 0x0010), "LO", "SOMEBODY");
			pen_sequence(p, TAG(0x3007, 0x1001));
			pen_item(p);
			pen_str(p, TAG_ContourData, "DS", "9\\9\\9");
			pen_item_end(p);
			pen_sequence_end(p);
		}
		if (!s->number_last)
			pen_int(p, TAG_ReferencedROINumber, number);
		if (r->contour_count > 0) {
			pen_sequence(p, TAG_ContourSequence);
			for (size_t k = 0; k < r->contour_count; k++)
				pen_contour(p, &r->contours[k]);
			pen_sequence_end(p);
		}
		if (s->number_last)
			pen_int(p, TAG_ReferencedROINumber, number);
		pen_item_end(p);
	}
	pen_sequence_end(p);
}

static inline void pen_rois(struct pen *p, const struct set_spec *s)
{
	pen_sequence(p, TAG_StructureSetROISequence);
	for (size_t i = 0; i < s->roi_count; i++) {
		const struct roi_spec *r = &s->rois[i];

		if (r->no_definition)
			continue;
		pen_item(p);
		pen_int(p, TAG_ROINumber, r->number);
		pen_default(p, TAG_ReferencedFrameOfReferenceUID, "UI", r->frame, "1.4.1");
		pen_str(p, TAG_ROIName, "LO", r->name);
		pen_str(p, TAG_ROIGenerationAlgorithm, "CS", "MANUAL");
		pen_item_end(p);
	}
	pen_sequence_end(p);
}

static inline void pen_references(struct pen *p, const struct set_spec *s)
{
	if (s->frame != NULL && s->frame[0] == '\0' && s->series[0] == NULL)
		return;
	pen_sequence(p, TAG_ReferencedFrameOfReferenceSequence);
	pen_item(p);
	pen_default(p, TAG_FrameOfReferenceUID, "UI", s->frame, "1.4.1");
	pen_sequence(p, TAG_RTReferencedStudySequence);
	pen_item(p);
	pen_sequence(p, TAG_RTReferencedSeriesSequence);
	for (size_t i = 0; i < COUNT(s->series) && s->series[i] != NULL; i++) {
		pen_item(p);
		pen_str(p, TAG_SeriesInstanceUID, "UI", s->series[i]);
		pen_sequence(p, TAG_ContourImageSequence);
		pen_contour_image(p, "1.2.1");
		pen_sequence_end(p);
		pen_item_end(p);
	}
	pen_sequence_end(p);
	pen_item_end(p);
	pen_sequence_end(p);
	pen_item_end(p);
	if (s->frame_again) {
		pen_item(p);
		pen_default(p, TAG_FrameOfReferenceUID, "UI", s->frame, "1.4.1");
		pen_item_end(p);
	}
	pen_sequence_end(p);
}

/* The encoded data set, to be freed. */
static inline struct buf make_set(const struct set_spec *s)
{
	struct pen p = {
		.out = BUF_INIT(64u << 20),
		.implicit = s->implicit,
		.undefined = s->undefined,
		.hide_sequences = s->hide_sequences,
	};

	pen_str(&p, TAG_SpecificCharacterSet, "CS", s->charset);
	pen_default(&p, TAG_SOPClassUID, "UI", s->sop_class, SOP_CLASS_RT_STRUCTURE_SET);
	pen_str(&p, TAG_SOPInstanceUID, "UI", "1.5.1");
	pen_str(&p, TAG_Modality, "CS", "RTSTRUCT");
	pen_str(&p, TAG_StudyInstanceUID, "UI", "1.6.1");
	pen_str(&p, TAG_SeriesInstanceUID, "UI", "1.6.2");
	pen_str(&p, TAG_StructureSetLabel, "SH", "A LABEL");
	pen_references(&p, s);
	if (!s->contours_first)
		pen_rois(&p, s);
	pen_roi_contours(&p, s);
	if (s->contours_first)
		pen_rois(&p, s);
	pen_sequence(&p, TAG_RTROIObservationsSequence);
	for (size_t i = 0; i < s->roi_count; i++) {
		if (s->rois[i].type == NULL)
			continue;
		pen_item(&p);
		pen_int(&p, TAG_ReferencedROINumber, s->rois[i].number);
		pen_str(&p, TAG_RTROIInterpretedType, "CS", s->rois[i].type);
		pen_item_end(&p);
	}
	pen_sequence_end(&p);
	ck_assert(!p.out.failed);
	ck_assert_uint_eq(p.depth, 0);
	return p.out;
}

static inline struct part10 part10_of(struct bytes data, bool implicit)
{
	struct part10 p = PART10_NONE;

	p.data = data;
	p.syntax = implicit ? &syntax_implicit_le : &syntax_explicit_le;
	return p;
}

#endif
