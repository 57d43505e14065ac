/*
 * What an image says about itself once it is a derived one: the elements below group
 * 6000 that overlay.h lists, built in ascending order.
 */
#ifndef SERIES_DERIVE_H
#define SERIES_DERIVE_H

#include "dicom/build.h"
#include "dicom/encode.h"
#include "series/overlay.h"

struct derive {
	const struct overlay_series *series; /* borrowed, as are the next two */
	const struct dset *d;
	struct arena *a;
	struct build b; /* owned: derive_close */
	struct text_encoder text;
	struct uid source_class, source_instance;
	struct uid instance;         /* of the new object */
	struct wall now;             /* in the time zone of the data set */
	const struct burnin *burned; /* a text goes with it; or NULL */
	uint16_t text_group;         /* of the overlay plane that it becomes, or 0 */
	bool is_pet;
	bool no_memory; /* sticky: a text found no room in the arena */
};

/* All DA and TM of a data set are in its own zone, where it names one (PS3.3 C.12.1.1.8). */
struct wall derive_zone(struct wall w, const struct dset *d);
/* `more`: bytes that the caller will build beyond the elements of this module. */
enum err derive_open(struct derive *v, const struct overlay_series *series, const struct dset *d,
		     size_t more, struct arena *a, struct fault *f) MUST_USE;
void derive_close(struct derive *v);

void derive_elements(struct derive *v);
/* Source Image Sequence: the image. */
void derive_source_image(struct derive *v);
/* A text element of at most `max` bytes, converted; nothing for an empty text. */
void derive_text(struct derive *v, uint32_t tag, enum vr vr, struct bytes utf8, size_t max);
/*
 * A sequence of `d` that keeps its items and gains one, which `fill` fills.  Kept as UN where it is
 * UN: the items inside are then in implicit VR little endian (PS3.5 6.2.2 note 2), and so is the
 * new one.
 */
void derive_append(struct build *b, const struct dset *d, uint32_t tag,
		   void (*fill)(struct build *, const void *), const void *ctx, bool *no_memory);
/* Tags that must not be in the derived image, ascending; returns how many. */
#define DERIVE_REMOVED_MAX 14u
size_t derive_removed(const struct derive *v, uint32_t out[static DERIVE_REMOVED_MAX]);

#endif
