/*
 * What the pipeline makes, de-identified: between reading an image and deriving a new one from it,
 * and again when that is written.  Everything here does nothing where `gate` is NULL.
 */
#ifndef STUDY_SHIELD_H
#define STUDY_SHIELD_H

#include "anon/convert.h"
#include "rt/structset.h"

/* The UID that an object of this study goes by outside: mapped where the policy maps UIDs. */
struct uid shield_uid(const struct anon_gate *gate, uint32_t tag, const struct uid *uid);

/* The structure set as it may be named in outputs and reports: UIDs, names of ROIs, no label.
 * Contours stay. New names are in `a`. */
enum err shield_set(const struct anon_gate *gate, struct structset *set, const struct part10 *file,
		    struct arena *a, struct fault *f) MUST_USE;

const char *shield_profile(const struct anon_gate *gate); /* "netrt", "basic", "research" */
/* Add lines to the file of old and new UIDs, which is made with mode 0600. */
enum err shield_crosswalk(const char *path, const struct buf *lines, struct fault *f) MUST_USE;
/* A line for a log: every UID in it as it is told outside.  Numbers of four parts that are
 * addresses, and short ones, stay. */
void shield_text(const struct anon_gate *gate, struct bytes line, struct buf *out);

/* An object to derive from, as it may be told: the object itself where there is no gate. */
struct shield {
	const struct part10 *source; /* as part10_open would give it of the de-identified object */
	const struct dset *dset;     /* the whole of it */
	struct uid instance;         /* its SOP Instance UID; "" when it has none that is usable */
	struct wall now;             /* for dates that a new object says */
	struct anon_counts counts;   /* what was done to it */
	/* and to its pixels: decompressed; bits or regions of them taken out */
	bool pixels_decoded, pixels_cleaned;
	/* private */
	struct part10 made;
	struct dset index;
	struct converted converted;
	bool active; /* there is something to verify, and to close */
};
#define SHIELD_NONE ((struct shield){.active = false})

/* `dset`: that of `source`, where it is indexed already, else NULL.  Borrows from both and from
 * `a`.  *s is to be closed in every case. */
enum err shield_open(struct shield *s, const struct anon_gate *gate, const struct part10 *source,
		     const struct dset *dset, const struct wall *now, struct arena *a,
		     struct fault *f) MUST_USE;
/* Look through what was written (R25).  ERR_UNUSABLE and *hit: it must not leave. */
enum err shield_verify(const struct shield *s, int dir, const char *name, struct verify_hit *hit,
		       struct fault *f) MUST_USE;
void shield_close(struct shield *s); /* also fine on SHIELD_NONE */

#endif
