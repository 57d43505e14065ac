/*
 * Pixel data that says no more than its image (R17, R19, R20, PS3.15 E.3.1).
 *
 * Native: bytes beyond Rows x Columns x frames are cut off; bits outside of Bits Stored, where
 * retired overlays and other things may lie, are cleared in samples of 8, 16 and 32 bits (signed
 * samples get their sign there; what is Pixel Padding Value stays as it is); regions that are
 * configured for the device are filled with 0, at the image's own depth.
 *
 * Encapsulated: comments and application segments of JPEG, JPEG-LS and JPEG 2000 streams go, and so
 * do bytes after the end of a stream, between the segments of RLE, and in the offset table
 * (frames.h).  Streams that cannot be followed are an error.  Bits outside of Bits Stored, overlays
 * there, regions, and everything in a transfer syntax that is not looked through here can only be
 * cleaned in samples that lie open: the caller decodes the object first (image/decoded.h), as
 * convert.h does, or does not let it out.
 *
 * What needs no change is not copied: the element stays as it is, byte for byte.
 */
#ifndef ANON_PIXELS_H
#define ANON_PIXELS_H

#include "anon/apply.h"
#include "dicom/dset.h"

enum pixel_risk { /* of text or faces in the pixels (R20) */
		  RISK_NONE,
		  RISK_FLAG,   /* Burned In Annotation is YES */
		  RISK_CLASS,  /* a Secondary Capture, or another class of pictures of screens */
		  RISK_DERIVED /* Image Type says SCREEN SAVE, or Conversion Type is there */
};

/* `d`: the head of the source, indexed. */
enum pixel_risk pixels_risk(const struct dset *d);
extern const char *const pixel_risk_words[]; /* for reasons */

/* How many of the regions are for the image that `d` describes. */
uint32_t pixels_regions(const struct dset *d, const struct pixel_region *regions, size_t count);

struct pixels_out {
	struct buf made;   /* owned: pixels_close; what was made anew */
	struct bytes view; /* the pixel data element to be written: of the source, or of `made` */
	uint64_t cut;      /* bytes that went */
	uint32_t regions;  /* that were filled */
	bool bits_cleared;
};

/*
 * `object` is what anon_apply made of the source that `d` indexes; regions that do not match the
 * device are passed by. ERR_UNUSABLE: cannot be looked through (then nothing may leave).
 * ERR_UNSUPPORTED: samples are to be changed that are compressed, or of a form that cannot be.
 */
enum err pixels_clean(const struct dset *d, const struct anon_object *object,
		      const struct pixel_region *regions, size_t region_count,
		      struct pixels_out *out, struct fault *f) MUST_USE;
void pixels_close(struct pixels_out *p);

#endif
