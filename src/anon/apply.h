/*
 * A data set, de-identified at every depth.
 *
 * One pass, no recursion: what is kept is copied byte for byte, header and all; what is changed
 * gets a new header in the form (explicit or implicit VR, byte order) of its surroundings, and so
 * does what had a header of another form.  Sequences and items keep defined lengths defined and
 * undefined ones undefined; a sequence in UN stays one, and what is in it is judged as everything
 * else.  Text is read in the character set of its item.
 *
 * The result is the data set in parts: `head`, and what stands in it but is not copied: long values
 * of the source, and before byte tail_at the pixel data element, which anon/pixels looks after.
 * anon_object_list says in which order.  Beside what the
 * policy decides, the top level gets Patient's Name and ID, and but for the profile netrt Patient
 * Identity Removed, De-identification Method and its codes, and Longitudinal Temporal Information
 * Modified, whatever the source said there (R14, R22); Burned In Annotation NO stays only where
 * pixels were cleaned (R20).
 *
 * Fails closed: anything that cannot be understood to its end is an error, and nothing comes out.
 */
#ifndef ANON_APPLY_H
#define ANON_APPLY_H

#include "anon/patient.h"
#include "anon/policy.h"
#include "base/buf.h"
#include "dicom/walk.h"

struct anon_counts { /* of one object: elements by what was done */
	uint32_t by_act[ACT_COUNT];
	uint32_t private_removed; /* of those removed */
	uint32_t text_cleaned;    /* kept text in which words of the patient were found */
};

/* An object to be de-identified, and whose it is. */
struct anon_source {
	struct bytes data; /* the encoded data set */
	const struct syntax *syntax;
	const struct anon_patient *patient;
	const struct bytes *roi_names; /* by item of Structure Set ROI Sequence (roinames.h) */
	size_t roi_count;
	bool pixels_cleaned; /* 113101 is said, too */
	char today[9];       /* what is derived from the object says so of itself; or "" */
};

/* All zero before its first use; then its memory serves one source after the other. */
struct anon_object {
	struct buf head; /* owned: anon_object_close; encoded in the syntax of the source */
	struct buf list; /* owned: of struct emit_view (emit.h) */
	size_t tail_at;  /* what in head comes after the pixel data; head.len: nothing */
	bool has_pixels; /* (7FE0,0008), (7FE0,0009) or (7FE0,0010) */
	uint32_t pixels_tag;
	bool encapsulated;
	struct bytes pixels; /* view of the source: the whole element; for encapsulated ones with
			      * fragments and delimiter */
	size_t pixels_head;  /* bytes of it before the value (before the first item) */
	bool has_compressed_icon;
	struct uid sop_class, sop_instance, study; /* the new ones; "": it has no usable study */
	struct anon_counts counts;
};

/*
 * ERR_UNSUPPORTED: an object of a SOP class that may not pass.  ERR_UNUSABLE: without SOP Class or
 * Instance UID, or where these or the character set are there twice and differ, or the character
 * set of an item comes behind text that depends on it.  ERR_WIRE, ERR_LIMIT, ERR_NOMEM.  *out is to
 * be closed in every case.
 */
enum err anon_apply(const struct policy *policy, const struct anon_source *source,
		    struct anon_object *out, struct fault *f) MUST_USE;
void anon_object_close(struct anon_object *o);

/* The data set, as views of the object and of its source; `pixels` for its pixel data element.
 * Returns how many there are: anon_object_most at most. */
size_t anon_object_list(const struct anon_object *o, struct bytes pixels, struct bytes *views);
size_t anon_object_most(const struct anon_object *o);

#endif
