/*
 * A made-up patient: a CT series and its RT Structure Set, for trying netrt and for
 * measuring it, without anybody's data.
 *
 * The anatomy is a list of shapes (shapes.h), painted into the pixels and outlined in
 * the structure set from the same numbers, so every ROI has a known volume.  Only the
 * exactly rounded operations + - * / and square root are used: the same options give the same
 * bytes on every machine.
 */
#ifndef PHANTOM_PHANTOM_H
#define PHANTOM_PHANTOM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct phantom_options {
	uint32_t slices;                 /* 4..20000 */
	double thickness_mm;             /* slice thickness and distance */
	uint32_t rois;                   /* wanted, from the list; 1..PHANTOM_ROIS_MAX */
	uint32_t matrix;                 /* rows and columns, 64..1024; 500 mm wide */
	uint32_t points_min, points_max; /* vertices of a contour */
	uint64_t seed;
};

#define PHANTOM_ROIS_MAX 60u

struct phantom_summary {
	uint32_t rois, contours;
	uint64_t points;
	uint64_t structure_set_bytes;
};

/* "small" (60 slices, 16 ROIs), "standard" (200, 30), "large" (600 x 1 mm, 60); false otherwise. */
bool phantom_preset(const char *name, struct phantom_options *out);

/*
 * Write dir/ct/CT0001.dcm... and dir/rs/RS.dcm.  `dir` must not exist, or be an empty folder;
 * it appears whole or not at all.  ERR_IO with the reason.
 */
enum err phantom_write(const char *dir, const struct phantom_options *options,
		       struct phantom_summary *summary, struct fault *f) MUST_USE;

#endif
