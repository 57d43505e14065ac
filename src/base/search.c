/*
 * With gram 2 and step 4, places that are looked at are marked:
 *
 *     text      . . x S M I T H . .       pattern SMITH has the grams SM MI IT TH (offsets 0 to 3)
 *               |       |       |         found at the second mark, as offset 1
 *
 * A place of the text where a pattern stands has exactly one mark of its lane among its first
 * `step` bytes, so each is found once.  Between two marks all places that the first one tells of
 * come before those of the second; at one mark greater offsets are earlier places, and come first
 * in the chains.  Each lane is one hit ahead, and the least place of them is told.
 */
#include "base/search.h"

#include <string.h>

#define HEADS 1024u
#define STEP_MOST 8u
#define STEP_MOST_WIDE 16u
#define BITS_LEAST 14u /* a table of marks that fits the fastest cache */
#define BITS_MOST 20u
#define MARKS_A_GRAM 128u
/* letters of both cases alike, and some others that are not */
#define CASE_BITS 0xDFDFDFDFDFDFDFDFu

void search_open(struct search *s, uint32_t most, struct arena *a)
{
	*s = (struct search){.a = a, .most = most};
}

bool search_add(struct search *s, struct bytes pattern)
{
	if (pattern.len < SEARCH_SHORTEST || s->count == s->most)
		return false;
	if (s->count == s->room) {
		uint32_t room = s->room == 0 ? 64 : 2 * s->room;
		struct bytes *more = ARENA_NEW(s->a, struct bytes, room);

		if (more == NULL)
			return false;
		if (s->count > 0)
			memcpy(more, s->pattern, s->count * sizeof(*more));
		s->pattern = more;
		s->room = room;
	}
	s->pattern[s->count++] = pattern;
	s->wide += pattern.len >= SEARCH_WIDE;
	return true;
}

/* The gram at p, without the case of letters. */
static inline uint64_t gram_at(const uint8_t *p, unsigned gram)
{
	uint64_t v = (uint64_t)p[0] | (uint64_t)p[1] << 8;

	if (gram >= 4)
		v |= (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24;
	if (gram == 8)
		v |= (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
		     (uint64_t)p[7] << 56;
	return v & CASE_BITS;
}

static inline uint64_t hash(uint64_t gram)
{
	return gram * 0x9E3779B97F4A7C15u;
}

/* The mark of a hash is one of the eight bits of a byte: that of the bits behind. */
static inline size_t place_of(uint64_t h, unsigned bits)
{
	return (size_t)(h >> (64 - bits));
}

static inline unsigned bit_of(uint64_t h, unsigned bits)
{
	return 1u << (h >> (61 - bits) & 7u);
}

/* ---- building ---- */

static bool is_in_lane(const struct search *s, struct bytes pattern, unsigned which)
{
	bool wide = pattern.len >= SEARCH_WIDE && s->wide >= SEARCH_MANY;

	switch (which) {
	case SEARCH_LANE_SHORT:
		return pattern.len < SEARCH_LONG;
	case SEARCH_LANE_LONG:
		return pattern.len >= SEARCH_LONG && !wide;
	case SEARCH_LANE_WIDE:
		return wide;
	default:
		return pattern.len >= SEARCH_LONG;
	}
}

static void measure(struct search_lane *l, unsigned which)
{
	static const unsigned grams[] = {[SEARCH_LANE_SHORT] = 2,
					 [SEARCH_LANE_LONG] = 4,
					 [SEARCH_LANE_WIDE] = 8,
					 [SEARCH_LANE_BULK] = 2};
	size_t most = which == SEARCH_LANE_WIDE ? STEP_MOST_WIDE : STEP_MOST;
	size_t step = l->shortest - grams[which] + 1;

	l->gram = grams[which];
	l->step = (unsigned)(step > most ? most : step);
	l->bits = l->pairs ? 16 : BITS_LEAST;
	while (l->bits < BITS_MOST &&
	       (size_t)1 << l->bits < (size_t)MARKS_A_GRAM * l->count * l->step)
		l->bits++;
}

static uint8_t other_case(uint8_t c)
{
	return (uint8_t)((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ? c ^ 0x20 : c);
}

static void mark_pair(uint8_t *marks, const uint8_t *p)
{
	const uint8_t first[] = {p[0], other_case(p[0])}, second[] = {p[1], other_case(p[1])};

	for (unsigned i = 0; i < 4; i++)
		marks[first[i / 2] | second[i % 2] << 8] = 1;
}

static void enter(struct search_lane *l, uint32_t entry, struct bytes pattern, uint32_t which,
		  unsigned offset)
{
	uint64_t gram = gram_at(pattern.at + offset, l->gram);
	uint64_t h = hash(gram);
	uint32_t *head = &l->head[place_of(h, l->bits) % HEADS];

	if (l->pairs)
		mark_pair(l->marks, pattern.at + offset);
	else
		l->marks[place_of(h, l->bits)] |= (uint8_t)bit_of(h, l->bits);
	l->entry[entry] = (struct search_entry){
		.gram = gram, .pattern = which, .offset = offset, .next = *head};
	*head = entry;
}

/* Of the patterns of the lane, whose indexes are in `list`. */
static bool make(struct search *s, unsigned which, const uint32_t *list)
{
	struct search_lane *l = &s->lane[which];
	uint32_t entry = 0;

	l->marks = ARENA_NEW(s->a, uint8_t, (size_t)1 << l->bits);
	l->head = ARENA_NEW(s->a, uint32_t, HEADS);
	l->entry = ARENA_NEW(s->a, struct search_entry, (size_t)l->count * l->step);
	if (l->marks == NULL || l->head == NULL || l->entry == NULL)
		return false;
	memset(l->head, 0xFF, HEADS * sizeof(l->head[0]));
	for (unsigned offset = 0; offset < l->step; offset++)
		for (uint32_t i = 0; i < l->count; i++)
			enter(l, entry++, s->pattern[list[i]], list[i], offset);
	return true;
}

enum err search_ready(struct search *s, size_t text, size_t samples, struct fault *f)
{
	bool bulk = samples >= SEARCH_MUCH_SAMPLES;
	uint32_t *list = ARENA_NEW(s->a, uint32_t, s->count);

	if (list == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for a search", FAULT_NO_OFFSET);
	s->lane[SEARCH_LANE_SHORT].pairs = text >= SEARCH_MUCH_TEXT;
	s->lane[SEARCH_LANE_BULK].pairs = true;
	for (unsigned which = 0; which < (bulk ? SEARCH_LANES : SEARCH_LANE_BULK); which++) {
		struct search_lane *l = &s->lane[which];

		for (uint32_t i = 0; i < s->count; i++) {
			if (!is_in_lane(s, s->pattern[i], which))
				continue;
			if (l->count == 0 || s->pattern[i].len < l->shortest)
				l->shortest = s->pattern[i].len;
			list[l->count++] = i;
		}
		if (l->count == 0)
			continue;
		measure(&s->lane[which], which);
		if (!make(s, which, list))
			return fault_set(f, ERR_NOMEM, "no memory for a search", FAULT_NO_OFFSET);
	}
	return OK;
}

/* ---- searching ---- */

static inline uint8_t upper(uint8_t c)
{
	return (uint8_t)(c >= 'a' && c <= 'z' ? c - 32 : c);
}

/* Does the pattern of this entry stand where the place `at` tells of it? */
static bool stands(const struct search *s, struct bytes text, size_t at,
		   const struct search_entry *e)
{
	struct bytes p = s->pattern[e->pattern];

	if (e->offset > at || p.len > text.len - (at - e->offset))
		return false;
	const uint8_t *t = text.at + (at - e->offset);
	for (size_t i = 0; i < p.len; i++)
		if (upper(t[i]) != upper(p.at[i]))
			return false;
	return true;
}

/* From `at` on to the first of four places at one of which there may be a mark, or to where there
 * are no four any more.  Most have none, and are passed without a look at the bits. */
static inline size_t pass_fours(const struct search_lane *l, struct bytes text, size_t at,
				unsigned gram)
{
	const uint8_t *marks = l->marks;
	unsigned bits = l->bits;
	size_t step = l->step;

	for (; at + 3 * step + gram <= text.len; at += 4 * step) {
		const uint8_t *p = text.at + at;

		if ((marks[place_of(hash(gram_at(p, gram)), bits)] |
		     marks[place_of(hash(gram_at(p + step, gram)), bits)] |
		     marks[place_of(hash(gram_at(p + 2 * step, gram)), bits)] |
		     marks[place_of(hash(gram_at(p + 3 * step, gram)), bits)]) != 0)
			break;
	}
	return at;
}

/* The first place from `at` on, a multiple of step, whose gram may be one of a pattern; text.len:
 * none is. */
static inline size_t next_mark(const struct search_lane *l, struct bytes text, size_t at,
			       unsigned gram)
{
	for (;;) {
		at = pass_fours(l, text, at, gram);
		for (unsigned i = 0; i < 4; i++, at += l->step) {
			if (at + gram > text.len)
				return text.len;
			uint64_t h = hash(gram_at(text.at + at, gram));

			if ((l->marks[place_of(h, l->bits)] & bit_of(h, l->bits)) != 0)
				return at;
		}
	}
}

/* Where patterns have pairs at their first four places and more, there is another one of them two
 * bytes before or behind each. */
static bool is_pair(const struct search_lane *l, struct bytes text, size_t at)
{
	const uint8_t *marks = l->marks, *p = text.at + at;

	if (marks[get_u16le(p)] == 0)
		return false;
	return l->step < 4 || (at + 4 <= text.len && marks[get_u16le(p + 2)] != 0) ||
	       (at >= 2 && marks[get_u16le(p - 2)] != 0);
}

/* next_mark where there are pairs. */
static size_t next_pair(const struct search_lane *l, struct bytes text, size_t at)
{
	const uint8_t *marks = l->marks;
	size_t step = l->step;

	for (; at + 7 * step + 2 <= text.len; at += 8 * step) {
		const uint8_t *p = text.at + at, *q = p + 4 * step;
		unsigned any = marks[get_u16le(p)] | marks[get_u16le(p + step)] |
			       marks[get_u16le(p + 2 * step)] | marks[get_u16le(p + 3 * step)] |
			       marks[get_u16le(q)] | marks[get_u16le(q + step)] |
			       marks[get_u16le(q + 2 * step)] | marks[get_u16le(q + 3 * step)];

		for (size_t i = 0; any != 0 && i < 8; i++)
			if (is_pair(l, text, at + i * step))
				return at + i * step;
	}
	for (; at + 2 <= text.len; at += step)
		if (is_pair(l, text, at))
			return at;
	return text.len;
}

/* For each size of gram in a loop of its own. */
static size_t next_place(const struct search_lane *l, struct bytes text, size_t at)
{
	if (l->pairs)
		return next_pair(l, text, at);
	switch (l->gram) {
	case 2:
		return next_mark(l, text, at, 2);
	case 4:
		return next_mark(l, text, at, 4);
	default:
		return next_mark(l, text, at, 8);
	}
}

/* The lane's next hit, in *where. */
static void go_on(const struct search *s, const struct search_lane *l, struct bytes text,
		  struct search_place *where)
{
	bool going_on = where->entry != SEARCH_NONE;

	for (;;) {
		if (!going_on)
			where->at = next_place(l, text, where->at);
		if (where->at >= text.len) {
			where->found = SIZE_MAX;
			return;
		}
		uint64_t gram = gram_at(text.at + where->at, l->gram);
		uint32_t entry = going_on ? l->entry[where->entry].next
					  : l->head[place_of(hash(gram), l->bits) % HEADS];

		for (; entry != SEARCH_NONE; entry = l->entry[entry].next) {
			const struct search_entry *e = &l->entry[entry];

			if (e->gram != gram || !stands(s, text, where->at, e))
				continue;
			where->entry = entry;
			where->found = where->at - e->offset;
			return;
		}
		going_on = false;
		where->entry = SEARCH_NONE;
		where->at += l->step;
	}
}

static void begin(const struct search *s, struct bytes text, struct search_at *where)
{
	bool bulk = where->long_only && s->lane[SEARCH_LANE_BULK].count > 0;

	for (unsigned i = 0; i < SEARCH_LANES; i++) {
		const struct search_lane *l = &s->lane[i];
		bool asked = bulk ? i == SEARCH_LANE_BULK
				  : i != SEARCH_LANE_BULK &&
					     !(where->long_only && i == SEARCH_LANE_SHORT);

		where->in[i] = (struct search_place){.entry = SEARCH_NONE, .found = SIZE_MAX};
		if (asked && l->count > 0 && text.len >= l->shortest)
			go_on(s, l, text, &where->in[i]);
	}
	where->begun = true;
}

static uint32_t pattern_of(const struct search *s, const struct search_at *where, unsigned lane)
{
	return s->lane[lane].entry[where->in[lane].entry].pattern;
}

/* The lanes' hits in the order of their places; at one place, as in the chains, what was added last
 * comes first. */
static bool comes_first(const struct search *s, const struct search_at *where, unsigned a,
			unsigned b)
{
	size_t at = where->in[a].found, other = where->in[b].found;

	return at != other ? at < other : pattern_of(s, where, a) > pattern_of(s, where, b);
}

bool search_next(const struct search *s, struct bytes text, struct search_at *where, size_t *at,
		 uint32_t *which)
{
	unsigned least = SEARCH_LANES;

	if (!where->begun)
		begin(s, text, where);
	for (unsigned i = 0; i < SEARCH_LANES; i++)
		if (where->in[i].found != SIZE_MAX &&
		    (least == SEARCH_LANES || comes_first(s, where, i, least)))
			least = i;
	if (least == SEARCH_LANES)
		return false;
	*at = where->in[least].found;
	*which = pattern_of(s, where, least);
	go_on(s, &s->lane[least], text, &where->in[least]);
	return true;
}
