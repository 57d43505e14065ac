/*
 * How a ROI is called and drawn, the same in overlay planes, segmentations, pictures and reports.
 */
#ifndef STUDY_ROI_LOOK_H
#define STUDY_ROI_LOOK_H

#include "image/picture.h"
#include "rt/structset.h"

struct roi_look {
	uint8_t color[3];       /* its own, or one by its place among those that have none */
	enum picture_line line; /* tells ROIs of one colour apart */
};

/* One for each ROI of the set, `a`'s; NULL when that is full. */
struct roi_look *roi_looks(const struct structset *set, struct arena *a);

/* Its name, or "ROI 4" by its number where it has none.  .at is NULL when the arena is full, as it
 * is below. */
struct bytes roi_label(const struct roi *roi, struct arena *a);
/* "ROI 4, ORGAN, MANUAL": number, RT ROI Interpreted Type, ROI Generation Algorithm. */
struct bytes roi_description(const struct roi *roi, struct arena *a);

/* The patient's skin: tinted, it would colour all the rest. */
bool roi_is_body(const struct roi *roi);

#endif
