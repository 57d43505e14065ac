/*
 * The segmentations of one structure set: one object for each ROI, or one for all of them.
 *
 * A second pass over the plan: which ROI covers pixels of which image is known from the first one
 * (slice_job.areas), so the head of an object can be written before any of its frames, and each
 * frame is painted again when its turn comes.  No mask outlives its frame.  Worker processes take
 * one object after the other.
 *
 * Images of one series may differ in Rows and Columns: then there is an object for each size.
 */
#ifndef STUDY_SEGMENTS_H
#define STUDY_SEGMENTS_H

#include "study/products.h"

/* Segmentations/SEG-<SOP Instance UID>.dcm.  On an error p->doing says at what. */
enum err segments_write(struct products *p, struct fault *f) MUST_USE;

/* A Series Description: the template with its {} replaced by `name`, {{ and }} by braces.  Arena's,
 * NULL when that is full. */
const char *segments_description(const char *template, struct bytes name, struct arena *a);

#endif
