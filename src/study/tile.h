/*
 * One picture of the contact sheet: an image as it is given out, with its ROIs.
 *
 * The body is outlined and, where there is anything else, not tinted: it would lie over all of it.
 */
#ifndef STUDY_TILE_H
#define STUDY_TILE_H

#include "rt/paint.h"
#include "series/sheet.h"
#include "study/roi_look.h"

/* What there is to draw. */
struct tile {
	uint32_t plane;
	const struct part10 *source; /* the image, de-identified where that is asked for */
	const struct dset *dset;
	const struct mask *tint;      /* what is tinted */
	const struct roi_look *looks; /* of the ROIs of the structure set */
	struct mask *one;             /* of the image's shape, to be used here; where it has ROIs */
};

/* Nothing, where the sheet has no tile for that plane.  Pixels that cannot be read give a grey
 * field. Colours are those of the debug pictures.  ERR_NOMEM, and what rt_paint_roi may say. */
enum err tile_draw(struct sheet *s, const struct tile *t, struct painter *painter, struct arena *a,
		   struct fault *f) MUST_USE;

#endif
