/*
 * With m the length of the shortest pattern, only the first m bytes of each count for jumping.  A
 * block is two bytes, and shift[block] is how far its rightmost place in any of these windows is
 * from their end:
 *
 *     window of m = 5      S M I T H          text  . . . . x y . . .
 *     shift["TH"] = 0, "IT" 1, "MI" 2, "SM" 3; every other block m - 1 = 4
 *
 * Where it is 0 a window may end here, and the patterns of this block's bucket are compared.
 */
#include "base/search.h"

#include <assert.h>
#include <string.h>

static uint32_t block_at(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

enum err search_open(struct search *s, uint32_t room, struct arena *a, struct fault *f)
{
	*s = (struct search){.a = a,
			     .room = room,
			     .shortest = UINT32_MAX,
			     .pattern = ARENA_NEW(a, struct bytes, room),
			     .next = ARENA_NEW(a, uint32_t, room),
			     .shift = ARENA_NEW(a, uint8_t, SEARCH_BLOCKS),
			     .bucket = ARENA_NEW(a, uint32_t, SEARCH_BLOCKS)};
	if (s->pattern == NULL || s->next == NULL || s->shift == NULL || s->bucket == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for a search", FAULT_NO_OFFSET);
	return OK;
}

bool search_add(struct search *s, struct bytes pattern)
{
	if (pattern.len < SEARCH_SHORTEST || s->count == s->room)
		return false;
	s->pattern[s->count++] = pattern;
	if (pattern.len < s->shortest)
		s->shortest = (uint32_t)pattern.len;
	return true;
}

void search_ready(struct search *s)
{
	if (s->count == 0)
		return;
	if (s->shortest > 255)
		s->shortest = 255;
	memset(s->shift, (int)(s->shortest - 1), SEARCH_BLOCKS);
	memset(s->bucket, 0xFF, SEARCH_BLOCKS * sizeof(s->bucket[0]));
	for (uint32_t i = 0; i < s->count; i++) {
		const uint8_t *p = s->pattern[i].at;

		for (uint32_t end = 2; end <= s->shortest; end++) {
			uint32_t block = block_at(p + end - 2);
			uint8_t far = (uint8_t)(s->shortest - end);

			if (far < s->shift[block])
				s->shift[block] = far;
		}
		uint32_t last = block_at(p + s->shortest - 2);
		s->next[i] = s->bucket[last];
		s->bucket[last] = i;
	}
}

static bool stands_at(const struct search *s, struct bytes text, size_t at, uint32_t i)
{
	struct bytes p = s->pattern[i];

	return p.len <= text.len - at && memcmp(text.at + at, p.at, p.len) == 0;
}

bool search_next(const struct search *s, struct bytes text, size_t *at, uint32_t *which)
{
	if (s->count == 0 || text.len < s->shortest)
		return false;
	/* `end` is one beyond the window whose beginning is end - shortest */
	size_t end = *at + s->shortest;
	uint32_t i = *which == SEARCH_NONE ? SEARCH_NONE : s->next[*which];
	bool going_on = *which != SEARCH_NONE;

	while (end <= text.len) {
		uint32_t block = block_at(text.at + end - 2);
		uint8_t shift = s->shift[block];

		if (shift > 0) {
			end += shift;
			continue;
		}
		for (i = going_on ? i : s->bucket[block]; i != SEARCH_NONE; i = s->next[i]) {
			if (!stands_at(s, text, end - s->shortest, i))
				continue;
			*at = end - s->shortest;
			*which = i;
			return true;
		}
		going_on = false;
		end++;
	}
	return false;
}
