/*
 * The CT images of the phantom.
 */
#ifndef PHANTOM_CT_H
#define PHANTOM_CT_H

#include "base/uid.h"
#include "dicom/build.h"
#include "phantom/shapes.h"

#define SOP_CLASS_CT_IMAGE "1.2.840.10008.5.1.4.1.1.2"

struct phantom_uids {
	struct uid study, frame, ct_series, rs_series, rs_instance;
};

struct phantom_uids phantom_uids_make(const struct phantom_options *o);
struct uid phantom_image_uid(const struct phantom_options *o, uint32_t slice);
/* Height of a slice, mm. */
double phantom_slice_z(const struct phantom_options *o, uint32_t slice);

/* Patient and study, the same in both kinds of object (0008,xxxx is the caller's). */
void phantom_patient(struct build *b);

/* Rows x columns stored values of one slice, in HU + 1024. */
void ct_paint(int16_t *pixels, const struct phantom_options *o, const struct shape *shapes,
	      size_t count, uint32_t slice);
/* The data set of one slice, without Pixel Data. */
void ct_header(struct build *b, const struct phantom_options *o, const struct phantom_uids *uids,
	       uint32_t slice);

#endif
