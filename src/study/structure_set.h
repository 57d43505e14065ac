/*
 * The structure set that goes with the overlay series: as it is, or relinked to it
 * (series/relink.h); de-identified where that is asked for.
 */
#ifndef STUDY_STRUCTURE_SET_H
#define STUDY_STRUCTURE_SET_H

#include "study/products.h"

/* StructureSet/RTSTRUCT-<SOP Instance UID>.dcm */
enum err structure_set_write(struct products *p, struct fault *f) MUST_USE;

#endif
