/*
 * A data set in another encoding: between explicit and implicit VR little endian, explicit VR big
 * endian, and deflated (which is explicit VR little endian before and after).  Encapsulated pixel
 * data stays in the syntax that it is in.
 *
 * The result is a list of pieces: bytes of the source where a value of some length stays as it is
 * (so pixel data is not copied), new bytes in between, and values that are only to be swapped,
 * which happens when they are taken out (piece_copy), a few at a time.
 *
 * What happens to a data set on the way:
 *   - to explicit VR: VRs from the dictionary; US or SS by Pixel Representation; LO for private
 *     creators; UN for what is unknown, and for a value over 65,534 bytes whose VR has no room for
 *     that; a sequence for what has undefined length;
 *   - to implicit VR: VRs are left out; UN values stay as they are;
 *   - byte order: numbers of every binary VR are swapped, also in sequences; the value of an UN
 *     element never is (it is little endian always, PS3.5 6.2.2), nor is what lies in an UN
 *     sequence;
 *   - lengths of sequences and items that are defined are computed anew, undefined ones stay
 *     undefined; group lengths, where there are any, are computed anew;
 *   - values of odd length are padded; missing delimiters are added, stray ones and padding after
 *     the data set left out.
 * Everything else stays: order, repeats, unknown and private elements, oddities of values.
 */
#ifndef DICOM_TRANSCODE_H
#define DICOM_TRANSCODE_H

#include "base/arena.h"
#include "base/err.h"
#include "dicom/syntax.h"

/* Bytes that go out one after the other.  `unit` 1: as they are; 2, 4, 8: numbers of that size,
 * each to be reversed; a rest that is no whole number stays as it is. */
struct piece {
	struct bytes bytes;
	uint8_t unit;
};

/* Bytes [at, at + n) of the piece as they go out. */
void piece_copy(const struct piece *p, size_t at, uint8_t *into, size_t n);

struct transcode {
	const struct piece *pieces; /* arena's; each of even length */
	size_t count;
	uint64_t len;   /* of all pieces together */
	unsigned notes; /* enum walk_note: what was odd in the source */
};

/* Can a data set in `from` be made one in `to` at all (whatever it holds)? */
bool transcode_possible(const struct syntax *from, const struct syntax *to);
/*
 * `in` is the encoded data set, inflated where `from` is deflated; with `to` deflated the pieces
 * are what is to be deflated.  From a syntax to itself: put right what is odd, as above.  Pieces
 * borrow from `in` and from the arena, which is as it was after an error.
 * ERR_UNSUPPORTED: not possible, or encapsulated pixel data is in it.  ERR_NOMEM: the arena is
 * full.  Errors of the walk as they come.
 */
enum err transcode_plan(struct transcode *t, struct bytes in, const struct syntax *from,
			const struct syntax *to, struct arena *a, struct fault *f) MUST_USE;

#endif
