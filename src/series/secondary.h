/*
 * The debug picture as a Secondary Capture image (PS3.3 A.8.1, C.8.6): 8 bits of red, green and
 * blue, in a series of its own in the study of its source.
 *
 * It is written in the source's data set encoding, never compressed.  Of the source stay what says
 * who and which study it is (patient, study, clinical trial and de-identification attributes), the
 * frame of reference, the image plane, where it is whole, and whether pixels were ever compressed
 * with loss.  Everything else is new:
 *
 *   Image Type DERIVED\SECONDARY; Modality OT; Conversion Type WSD; equipment netrt
 *   Instance Number                    the number of the slice, as in names of pictures
 *   Pixel Spacing, Image Position      of the magnified pixels, so that distances are true and
 *                                      viewers find the place in other series
 *   Patient Orientation                as the letters in the picture
 *   Image Comments                     the disclaimer, which a very small picture cannot show
 *   Source Image Sequence              the image; Source Instance Sequence: the structure set
 *
 * What was burned into the pixels of the source is in the picture, too: Burned In Annotation stays
 * as the source says, or is not there.
 */
#ifndef SERIES_SECONDARY_H
#define SERIES_SECONDARY_H

#include "series/overlay.h"

#define SOP_CLASS_SECONDARY_CAPTURE "1.2.840.10008.5.1.4.1.1.7"

struct secondary {
	const uint8_t *rgb; /* rows x cols x 3: of the source, each times magnification */
	uint32_t cols, rows;
	uint32_t magnification;
	uint32_t number;         /* of the slice, from 1 */
	const char *orientation; /* Patient Orientation: "L\\P", or "" */
	const char *comment;     /* Image Comments: the disclaimer; UTF-8, or "" */
};

/* New Series and SOP Instance UIDs: of (source series or image, structure set, "debug-..."). */
struct uid secondary_series_uid(struct bytes uid_key, const struct uid *source_series,
				const struct uid *set_instance);
struct uid secondary_instance_uid(struct bytes uid_key, const struct uid *source_instance,
				  const struct uid *set_instance);

/*
 * Write it to fd.  `series`: as of the overlay series, but with the debug series' UID, number and
 * description.  `src` and `d` as for overlay_write: what they say goes out, so they are the
 * de-identified image where that is asked for.  *text_lossy: a text has characters that the image's
 * character set lacks.  Scratch in `a`.
 */
enum err secondary_write(int fd, const struct overlay_series *series, const struct secondary *s,
			 const struct part10 *src, const struct dset *d, struct arena *a,
			 bool *text_lossy, struct fault *f) MUST_USE;

#endif
