/*
 * Transfer syntaxes (PS3.5 section 10, annex A).
 */
#ifndef DICOM_SYNTAX_H
#define DICOM_SYNTAX_H

#include "base/bytes.h"

struct syntax {
	const char *uid;
	const char *name;
	bool explicit_vr;
	bool big_endian;
	bool deflated;     /* the data set after the file meta is a raw deflate stream (A.5) */
	bool encapsulated; /* pixel data is in fragments (A.4) */
	bool retired;
	bool pixels_big_endian; /* of (7FE0,0010): big_endian, but for one private GE syntax */
};

extern const struct syntax syntax_implicit_le, syntax_explicit_le, syntax_explicit_be,
	syntax_deflated_le;

/* Padding is trimmed; NULL when unknown (then PS3.5 says: explicit VR LE, encapsulated).  One
 * object a syntax: pointers may be compared. */
const struct syntax *syntax_find(struct bytes uid);
/*
 * Those that an acceptor of storage takes, in its own order: explicit VR little endian, implicit VR
 * little endian, big endian, deflated (where this build can inflate), then every encapsulated one.
 * NULL: there are no more.
 */
const struct syntax *syntax_acceptable(size_t index);
/* Name of a SOP class, transfer syntax or other well-known UID; NULL when unknown. */
const char *uid_name(struct bytes uid);

#endif
