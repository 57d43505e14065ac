/*
 * What netrt writes into every object that it derives, and knows it by when it comes back: an item
 * of Contributing Equipment Sequence (PS3.3 C.12.1) whose model is "netrt" and whose purpose is
 * (109103, DCM, "Modifying Equipment").  Nothing is made of such an object again.
 *
 * Neither Image Type nor the head of the file would do: other people's images are DERIVED, too, and
 * whatever was received has a head of netrt's.
 */
#ifndef SERIES_MARK_H
#define SERIES_MARK_H

#include "base/clock.h"
#include "dicom/build.h"
#include "dicom/dset.h"

/* What stands inside the item.  `description`: "Drew the contours of ..." (ST). */
void mark_item(struct build *b, const struct wall *now, const char *software_version,
	       const char *description);
/* The whole sequence, for an object that has none yet. */
void mark_sequence(struct build *b, const struct wall *now, const char *software_version,
		   const char *description);
/* Of a data set that is indexed beyond (0018,A001). */
bool mark_is_ours(const struct dset *d);

#endif
