/*
 * Many byte strings looked for at once; ASCII letters match in either case.
 *
 * Patterns fall into lanes by their length, and each lane is one pass over the text that looks only
 * at every `step`-th place: a pattern that stands there covers one of these places with `gram`
 * bytes of its own, and which grams patterns have at their first `step` offsets is a table of
 * marks, a bit a hash.
 *
 *     shortest >= gram + step - 1
 *
 *     lane     patterns of       gram, step
 *     short    4..7 bytes        2, shortest - 1
 *     long     8 and more        4, shortest - 3, 8 at most
 *     wide     24 and more       8, shortest - 7, 16 at most
 *     bulk     8 and more        2, shortest - 1, 8 at most
 *
 * The wide lane is only there for SEARCH_MANY of them and more, as UIDs of a structure set are:
 * grams of four digits would be found all over its contours, eight digits are not.  So what has no
 * pattern in it costs a load, a hash and a byte every `step` bytes and lane.  Building costs some
 * 16 KiB of tables a lane and `step` entries a pattern.
 *
 * The bulk lane, where there is much of it, takes the place of the long and wide ones in samples,
 * which hardly ever read as two letters of a name.  It has no hashes, but a table of 64 KiB for
 * every two bytes; so has the short lane where there is much text.
 *
 * Patterns are at least SEARCH_SHORTEST bytes, borrowed, and told by the order in which they were
 * added.
 */
#ifndef BASE_SEARCH_H
#define BASE_SEARCH_H

#include "base/arena.h"

#define SEARCH_SHORTEST 4u
#define SEARCH_LONG 8u
#define SEARCH_WIDE 24u
#define SEARCH_MANY 64u
#define SEARCH_NONE UINT32_MAX

enum { SEARCH_LANE_SHORT, SEARCH_LANE_LONG, SEARCH_LANE_WIDE, SEARCH_LANE_BULK, SEARCH_LANES };

/* A gram of a pattern. */
struct search_entry {
	uint64_t gram; /* without the case of letters */
	uint32_t pattern;
	uint32_t offset; /* of the gram in it */
	uint32_t next;   /* the entry after it in its chain */
};

struct search_lane {
	uint32_t count; /* patterns; 0: there is no such lane */
	size_t shortest;
	unsigned gram, step, bits; /* set by search_ready; of a hash */
	bool pairs;
	uint8_t *marks; /* by hash, a bit each: is it one of a gram?  Pairs: by gram, a byte */
	uint32_t *head; /* by a part of the hash: the first entry of its chain */
	struct search_entry *entry;
};

struct search {
	struct arena *a;
	struct bytes *pattern; /* arena's, grows */
	uint32_t count, room, most;
	uint32_t wide; /* patterns of SEARCH_WIDE and more */
	struct search_lane lane[SEARCH_LANES];
};

/* Where a search is; begin with SEARCH_BEGIN, or with SEARCH_BEGIN_LONG to look only for patterns
 * of SEARCH_LONG bytes and more. */
struct search_at {
	bool long_only, begun;
	struct search_place {
		size_t at;      /* the place of the text that was looked at last */
		uint32_t entry; /* what was found there, SEARCH_NONE: nothing yet */
		size_t found;   /* where the pattern of `entry` stands, SIZE_MAX: none is left */
	} in[SEARCH_LANES];
};
#define SEARCH_BEGIN ((struct search_at){.long_only = false})
#define SEARCH_BEGIN_LONG ((struct search_at){.long_only = true})

/* Takes at most `most` patterns, all in `a`. */
void search_open(struct search *s, uint32_t most, struct arena *a);
/* False: too short, too many, or no memory. */
bool search_add(struct search *s, struct bytes pattern) MUST_USE;
/* After the last pattern, before the first search.  So many bytes of text and of samples are to be
 * looked through, about: more of them are worth larger tables.  ERR_NOMEM. */
enum err search_ready(struct search *s, size_t text, size_t samples, struct fault *f) MUST_USE;
#define SEARCH_MUCH_TEXT (1u << 20)
#define SEARCH_MUCH_SAMPLES (64u << 10)

/* The next place where a pattern stands: every one of them once, in ascending order (those of one
 * place in any order).  False: none is left. */
bool search_next(const struct search *s, struct bytes text, struct search_at *where, size_t *at,
		 uint32_t *which);

#endif
