/*
 * Where the ROIs of a report lie, and how large they are: from what was measured while each image
 * was painted.
 *
 * Volumes are areas times each image's share of the slice axis (rt_plan.gap_mm), once by pixels
 * and once by what the contours enclose.  Extents are those of the pixels, to their edges, along
 * the images' rows, columns and normal; so also where the images are shifted against each other.
 */
#ifndef STUDY_COVERAGE_H
#define STUDY_COVERAGE_H

#include "study/report.h"
#include "study/slice.h"

/* Fill the planes and axes of a set and, for each of its ROIs, what is counted by image (whose
 * fields are 0 before).  Arrays are `a`'s.  False when that has no room. */
bool coverage_add(struct report_set *out, const struct slice_job *job, struct arena *a) MUST_USE;

#endif
