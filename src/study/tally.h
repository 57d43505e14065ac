/*
 * From what was planned and painted to what is told: the rows of a report.
 *
 * Sums are made here, in the order of planes and ROIs, so they do not depend on which worker
 * did which image.
 */
#ifndef STUDY_TALLY_H
#define STUDY_TALLY_H

#include "base/arena.h"
#include "dicom/number.h"
#include "rt/plan.h"
#include "study/report.h"
#include "study/scan.h"
#include "study/slice.h"

/* The ROIs of a set and the notes about them.  `job` is NULL when nothing was painted.  Strings and
 * arrays are copied into `a`.  ERR_NOMEM. */
enum err tally_set(struct report_set *out, const struct rt_plan *plan, const struct slice_job *job,
		   struct arena *a, struct fault *f) MUST_USE;

/* What was read: the counts of the study and of the run.  ERR_NOMEM. */
enum err tally_input(struct report *out, const struct scan *scan, const struct scan_study *study,
		     struct arena *a, struct fault *f) MUST_USE;

#endif
