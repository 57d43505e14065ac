/*
 * One object, from a Part 10 file to what may be written in its place: patient, data set, pixels,
 * and what the written file is to be searched for.  Compressed pixels stay compressed, unless bits
 * of their samples are to be cleared or regions to be filled: such an object goes out in Explicit
 * VR Little Endian.
 *
 *     convert_make(&c, gate, &part10, arena, f)
 *     ... write c.views, in c.syntax ...
 *     convert_verify(&c, written_file, &hit, f)
 *     convert_close(&c)
 */
#ifndef ANON_CONVERT_H
#define ANON_CONVERT_H

#include "anon/gate.h"
#include "anon/pixels.h"
#include "anon/verify.h"
#include "dicom/part10.h"

/* All zero before its first object; then its memory serves one after the other. */
struct converted {
	struct anon_patient patient;
	struct anon_source source;
	struct anon_object object;
	struct pixels_out pixels;
	struct verify verify;
	struct uid old_study, old_instance; /* the source's */
	enum pixel_risk risk;               /* that was let pass */
	const struct syntax *syntax;        /* of what is to be written, and as a file names it */
	struct uid syntax_uid;
	bool decoded;              /* it is not that of the source */
	const struct bytes *views; /* the data set, in order */
	size_t view_count;
};

/*
 * Everything borrows from `p` and `a`.  ERR_UNSUPPORTED: this object may not leave (its class, a
 * burned-in risk, pixels that cannot be decoded and must be: f->text says which); other errors: it
 * cannot be de-identified.  *c is to be closed in every case.
 */
enum err convert_make(struct converted *c, const struct anon_gate *gate, const struct part10 *p,
		      struct arena *a, struct fault *f) MUST_USE;
/* What was written, whole.  ERR_UNUSABLE and *hit: something of the source is still in it. */
enum err convert_verify(const struct converted *c, struct bytes file, struct verify_hit *hit,
			struct fault *f) MUST_USE;
void convert_close(struct converted *c);

/* The same for a part of an object: the names that its ROIs get, in the order of Structure Set ROI
 * Sequence. */
enum err convert_roi_names(const struct anon_gate *gate, const struct anon_source *source,
			   struct bytes **names, size_t *count, struct arena *a,
			   struct fault *f) MUST_USE;

#endif
