/*
 * The contact sheet of a structure set: opened before the workers are forked, drawn by them
 * (slice.h), and kept tile by tile for the report.
 */
#ifndef STUDY_CONTACT_H
#define STUDY_CONTACT_H

#include "rt/plan.h"
#include "series/sheet.h"
#include "study/report.h"

/* Choose the slices, and memory for them that processes share; none (s->rgb is NULL) in a build
 * without JPEG.  Nothing stays in `scratch`. */
enum err contact_open(struct sheet *s, const struct rt_plan *plan, struct arena *scratch,
		      struct fault *f) MUST_USE;
/* The tiles as the set's, or why there are none: a report without pictures is one, too.
 * ERR_NOMEM. */
enum err contact_keep(struct report_set *set, const struct sheet *s, struct arena *a,
		      struct fault *f) MUST_USE;
void contact_close(struct sheet *s);

#endif
