/*
 * Is a data set whole?  Asked while it streams by, in chunks of any size.
 *
 *     struct stream s;
 *
 *     stream_init(&s, syntax, &limits);
 *     for (each chunk)                      // write the chunk to a file, then
 *             e = stream_feed(&s, chunk, &fault);
 *     e = stream_end(&s, &fault);           // OK: whole
 *     stream_free(&s);
 *
 * Follows tags and lengths and steps over values without looking at them.  The memory is the
 * struct (and zlib's 40 KiB where the syntax is deflated), whatever the data set.  Verdict and head
 * do not depend on where the chunks are cut.
 *
 * What is whole.  OK means that dicom/walk, given the same bytes, comes to their end, and that what
 * dset_find finds at the top level is in the head.  The reverse holds within the limits where walk
 * notes nothing.  Where it notes something odd, this is stricter in places, since it does not see
 * what is to come, and a data set that was cut short must never pass for a whole one:
 *
 *   - It never ends inside a header or a value, as in walk.  It also never ends inside a sequence,
 * an item or encapsulated pixel data of undefined length: without the delimiter nobody can tell a
 *     sender who forgot it from one who was interrupted.  (A missing delimiter inside a part of
 * defined length, or before the next item, is tolerated as in walk: the length proves that all is
 * there.)
 *   - An element whose encoding makes no sense for its surroundings (no such VR, implicit VR among
 *     explicit) is read the way that makes sense of what follows, as in walk, which looks ahead for
 *     that.  Here that is looked at within STREAM_AHEAD bytes; where a value is longer, the reading
 *     is taken on trust and checked when its end is reached; not what walk would take: ERR_WIRE.
 *
 * Tolerated as in walk: odd lengths, wrong VRs, repeated and disordered tags, group lengths, stray
 * delimiters, zero bytes after the last element.  Nothing is asked of what the head holds: an
 * empty data set is whole, and has an empty head.
 */
#ifndef DICOM_STREAM_H
#define DICOM_STREAM_H

#include "base/err.h"
#include "base/limits.h"
#include "base/uid.h"
#include "dicom/syntax.h"
#include "dicom/vr.h"

#define STREAM_AHEAD 4096u

struct stream_limits {
	uint64_t bytes;    /* of the data set, also once inflated */
	uint32_t elements; /* elements, items and fragments */
	unsigned nesting;  /* sequences inside sequences; at most LIMIT_NESTING */
};

/* To initialize a struct stream_limits with the defaults. */
#define STREAM_LIMITS_INIT                                                      \
	{                                                                       \
		.bytes = LIMIT_STREAM_BYTES, .elements = LIMIT_STREAM_ELEMENTS, \
		.nesting = LIMIT_NESTING                                        \
	}

/* Of the top level, the first of each; "" where absent, empty or no UID. */
struct stream_head {
	struct uid sop_class, sop_instance, study, series;
	char modality[17];
	bool complete; /* a tag beyond (0020,000E), or the end, has been seen.  A data set whose
			* tags are out of order may still fill what is empty. */
};

struct stream_level {
	uint64_t end; /* the first offset that is not inside any more; UINT64_MAX: not known yet */
	uint32_t tag;
	uint8_t kind;
	bool undefined, explicit_vr, big_endian;
};

/* What must come true at an offset ahead, for a reading taken on trust to be that of walk. */
struct stream_probe {
	uint64_t at;  /* where the value ends in the reading in question */
	uint64_t end; /* of its level */
	uint32_t tag;
	bool in_item, big_endian;
	bool wanted; /* true: an element must follow there; false: none may */
	uint8_t have;
	uint8_t bytes[8];
};

struct stream {
	/* private */
	const struct syntax *syntax;
	struct stream_limits limits;
	struct stream_head head;
	struct fault why; /* of `failed` */
	enum err failed;
	bool ended, padding;
	uint64_t fed;   /* bytes as they came */
	uint64_t pos;   /* of the next byte to be looked at, in the inflated data set */
	uint64_t total; /* bytes of the inflated data set so far */
	uint64_t skip;  /* bytes of the value at `pos` still to come */
	uint64_t reach; /* the data set must be at least that long */
	uint32_t elements;
	unsigned depth;
	struct stream_level level[2 * LIMIT_NESTING + 2];
	unsigned probe_count;
	struct stream_probe probe[32];
	unsigned seen;    /* which values of the head have been met */
	unsigned keeping; /* the one being kept, + 1 */
	bool kept_over;   /* it is longer than `kept`, and not by padding */
	uint8_t kept_len, kept[80];
	unsigned look;   /* STREAM_AHEAD; tests make it less, 24 at least */
	size_t from, to; /* what is in `ahead` */
	uint8_t ahead[2 * STREAM_AHEAD];
	struct inflater *inflater; /* owned, or NULL */
};

/* Both are kept; `limits` is copied.  Holds nothing that needs freeing before the first feed. */
void stream_init(struct stream *s, const struct syntax *syntax, const struct stream_limits *limits);
/* ERR_WIRE, ERR_LIMIT, or for deflated syntaxes ERR_NOMEM and (MINIMAL) ERR_UNSUPPORTED; an error
 * is final, and comes again from every later call.  Offsets in the fault are those of the inflated
 * data set. */
enum err stream_feed(struct stream *s, struct bytes chunk, struct fault *f) MUST_USE;
/* No more comes.  OK only when it is whole. */
enum err stream_end(struct stream *s, struct fault *f) MUST_USE;
void stream_free(struct stream *s); /* also after an error, and twice */

const struct stream_head *stream_head(const struct stream *s); /* final after stream_end */

#endif
