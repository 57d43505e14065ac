/*
 * Every element of a data set with its place, sequences that hide in elements of another VR
 * included: a stack of walkers, the path of sequences that are open, and the private blocks
 * reserved in their items.
 *
 *     visit_open(&v, data, syntax);
 *     while ((e = visit_next(&v, &t, f)) == OK) {
 *             place = visit_place(&v, &t, iod); // of an element, a sequence or pixel data
 *             if (...)
 *                     e = visit_skip(&v, f);    // a sequence or pixel data, to behind its end
 *             else if (visit_hides(&t))
 *                     e = visit_enter(&v, &t, f);
 *     }
 *
 * A hidden sequence is one in an element of defined length for which the dictionary says SQ, or
 * nothing, and whose VR is another one: mostly UN (PS3.5 6.2.2: implicit VR little endian; those of
 * other tools that kept explicit VR or big endian are understood, too).  Only what can be walked to
 * its end is one.
 */
#ifndef ANON_VISIT_H
#define ANON_VISIT_H

#include "anon/policy.h"
#include "dicom/walk.h"

#define VISIT_WALKERS 12u /* hidden ones inside each other; private ones in implicit VR all are */
#define VISIT_DEPTH (2u * LIMIT_NESTING)
#define VISIT_CREATORS 256u

struct visit {
	struct walk walkers[VISIT_WALKERS];
	unsigned walker;            /* the one at work */
	uint32_t path[VISIT_DEPTH]; /* tags of the open sequences, outermost first */
	uint32_t item[VISIT_DEPTH]; /* of each: items begun, less 1 */
	unsigned depth;
	bool pending; /* a sequence was given, and is entered with the next call */
	uint32_t pending_tag;
	/* creators in use outside of the item at this depth */
	uint32_t blocks_before[VISIT_DEPTH + 1];
	struct visit_creator {
		struct bytes name;
		uint16_t group;
		uint8_t block;
	} creators[VISIT_CREATORS];
	uint32_t creator_count;
};

void visit_open(struct visit *v, struct bytes data, const struct syntax *syntax);
/* As walk_next.  Path and depth are those of the token; of a sequence, those around it. */
enum err visit_next(struct visit *v, struct token *t, struct fault *f) MUST_USE;
/* After TOK_SEQUENCE or TOK_PIXELS: behind its end, whose token is not given. */
enum err visit_skip(struct visit *v, struct fault *f) MUST_USE;
bool visit_hides(const struct token *t); /* is this element a hidden sequence? */
/* Then it is walked as one, and its TOK_SEQUENCE_END comes.  ERR_LIMIT: it hides in others too
 * deeply; then nothing of the object may pass (R3). */
enum err visit_enter(struct visit *v, const struct token *t, struct fault *f) MUST_USE;

bool visit_big_endian(const struct visit *v); /* is the walker at work in big endian? */

struct anon_place visit_place(const struct visit *v, const struct token *t, enum anon_iod iod);
/* The bytes that the token's offsets count in, and where the walker at work stands in them. */
struct bytes visit_in(const struct visit *v);
size_t visit_pos(const struct visit *v);

#endif
