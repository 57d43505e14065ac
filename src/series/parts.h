/*
 * Elements that the objects netrt makes have in common, and the encoding that parts of others come
 * into them in.
 */
#ifndef SERIES_PARTS_H
#define SERIES_PARTS_H

#include "base/arena.h"
#include "base/clock.h"
#include "dicom/build.h"

/* A new UID: of (the UID of a series or an image, a structure set, `purpose`). */
struct uid parts_uid(struct bytes uid_key, const char *purpose, struct bytes source,
		     const struct uid *set_instance);

void parts_date(struct build *b, uint32_t tag, const struct wall *when); /* DA */
void parts_time(struct build *b, uint32_t tag, const struct wall *when); /* TM */
void parts_u16(struct build *b, uint32_t tag, uint16_t value);           /* US */

/* Referenced SOP Class and Instance UID: inside an item, and as a sequence of one. */
void parts_reference(struct build *b, const struct uid *class, const struct uid *instance);
void parts_references(struct build *b, uint32_t tag, const struct uid *class,
		      const struct uid *instance);
/* A sequence of one code of DCM (PS3.16 D). */
void parts_code(struct build *b, uint32_t tag, const char *value, const char *meaning);
/* Purpose of Reference Code Sequence inside an item of Source Image Sequence. */
void parts_source_purpose(struct build *b);

/* What the elements of a data set are encoded in: explicit VR little endian where it is deflated or
 * its pixels are encapsulated (PS3.5 A.4, A.5). */
const struct syntax *parts_syntax(const struct syntax *s);
/* Elements from one such syntax to another, in one piece; to itself: with what is odd put right
 * (dicom/transcode.h).  ERR_NOMEM and what transcode_plan may say. */
enum err parts_transcode(struct bytes in, const struct syntax *from, const struct syntax *to,
			 struct arena *a, struct bytes *out, struct fault *f) MUST_USE;

#endif
