/*
 * With gram 3 and step 2, places that are looked at are marked:
 *
 *     text      . . x S M I T H . .       pattern SMITH has the grams SMI (offset 0) and MIT (1)
 *               |   |   |   |   |         found at the third mark, as offset 1
 *
 * A place of the text where a pattern stands has exactly one mark among its first `step` bytes, so
 * each is found once.  Between two marks all places that the first one tells of come before those
 * of the second; at one mark greater offsets are earlier places, and come first in the chains.
 */
#include "base/search.h"

#include <assert.h>
#include <string.h>

#define SEARCH_BITS 65536u
#define HEADS 4096u
#define STEP_MOST 8u
#define CASE_BITS 0xDFDFDFDFu /* letters of both cases alike, and some others that are not */

void search_open(struct search *s, uint32_t most, struct arena *a)
{
	*s = (struct search){.a = a, .most = most, .shortest = SIZE_MAX};
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
	if (pattern.len < s->shortest)
		s->shortest = pattern.len;
	return true;
}

static inline uint32_t hash(uint32_t gram)
{
	return (gram & CASE_BITS) * 2654435761u >> 16;
}

static inline uint32_t gram3(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
}

static inline uint32_t gram4(const uint8_t *p)
{
	return gram3(p) | (uint32_t)p[3] << 24;
}

static uint32_t hash_at(const struct search *s, const uint8_t *p)
{
	return hash(s->gram == 3 ? gram3(p) : gram4(p));
}

enum err search_ready(struct search *s, struct fault *f)
{
	s->gram = s->shortest < 7 ? 3 : 4;
	s->step = s->shortest < 7               ? 2
		  : s->shortest < STEP_MOST + 3 ? (unsigned)s->shortest - 3
						: STEP_MOST;
	if (s->count == 0)
		return OK;
	s->bits = ARENA_NEW(s->a, uint8_t, SEARCH_BITS / 8);
	s->head = ARENA_NEW(s->a, uint32_t, HEADS);
	s->next = ARENA_NEW(s->a, uint32_t, (size_t)s->count * s->step);
	if (s->bits == NULL || s->head == NULL || s->next == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for a search", FAULT_NO_OFFSET);
	memset(s->head, 0xFF, HEADS * sizeof(s->head[0]));
	for (uint32_t offset = 0; offset < s->step; offset++) {
		for (uint32_t i = 0; i < s->count; i++) {
			uint32_t h = hash_at(s, s->pattern[i].at + offset);
			uint32_t entry = i * s->step + offset;

			s->bits[h / 8] |= (uint8_t)(1u << h % 8);
			s->next[entry] = s->head[h % HEADS];
			s->head[h % HEADS] = entry;
		}
	}
	return OK;
}

static inline uint8_t upper(uint8_t c)
{
	return (uint8_t)(c >= 'a' && c <= 'z' ? c - 32 : c);
}

/* Does the pattern of this entry stand where the place `at` tells of it? */
static bool stands(const struct search *s, struct bytes text, size_t at, uint32_t entry)
{
	struct bytes p = s->pattern[entry / s->step];
	size_t offset = entry % s->step;

	if (offset > at || p.len > text.len - (at - offset))
		return false;
	const uint8_t *t = text.at + (at - offset);
	for (size_t i = 0; i < p.len; i++)
		if (upper(t[i]) != upper(p.at[i]))
			return false;
	return true;
}

static inline bool is_marked(const struct search *s, uint32_t h)
{
	return (s->bits[h / 8] >> h % 8 & 1u) != 0;
}

/* The first place from `at` on, a multiple of step, whose gram is of some pattern; text.len: none
 * is. */
static size_t next_mark(const struct search *s, struct bytes text, size_t at)
{
	if (s->gram == 4) {
		size_t step = s->step;

		for (; at + 4 <= text.len; at += step)
			if (is_marked(s, hash(gram4(text.at + at))))
				return at;
		return text.len;
	}
	for (; at + 4 <= text.len; at += 2)
		if (is_marked(s, hash(gram4(text.at + at) & 0xFFFFFFu)))
			return at;
	if (at + 3 <= text.len && is_marked(s, hash(gram3(text.at + at))))
		return at;
	return text.len;
}

bool search_next(const struct search *s, struct bytes text, struct search_at *where, size_t *at,
		 uint32_t *which)
{
	if (s->count == 0 || text.len < s->shortest)
		return false;
	bool going_on = where->entry != SEARCH_NONE;

	for (;;) {
		if (!going_on)
			where->at = next_mark(s, text, where->at);
		if (where->at >= text.len)
			return false;
		uint32_t entry = going_on ? s->next[where->entry]
					  : s->head[hash_at(s, text.at + where->at) % HEADS];

		for (; entry != SEARCH_NONE; entry = s->next[entry]) {
			if (!stands(s, text, where->at, entry))
				continue;
			*at = where->at - entry % s->step;
			*which = entry / s->step;
			where->entry = entry;
			return true;
		}
		going_on = false;
		where->entry = SEARCH_NONE;
		where->at += s->step;
	}
}
