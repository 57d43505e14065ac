#include "base/valueset.h"

#include <string.h>

#define SLOTS_FIRST 128u

void valueset_open(struct valueset *s, uint32_t most, struct arena *a)
{
	*s = (struct valueset){.a = a, .most = most};
}

static uint32_t hash(struct bytes b)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < b.len; i++)
		h = (h ^ b.at[i]) * 16777619u;
	return h;
}

/* Where the value is, or where it would go; there is always a free slot. */
static uint32_t place(const struct valueset *s, struct bytes value)
{
	uint32_t at = hash(value) & (s->slots - 1);

	while (s->slot[at] != 0 && !bytes_eq(s->item[s->slot[at] - 1], value))
		at = (at + 1) & (s->slots - 1);
	return at;
}

bool valueset_has(const struct valueset *s, struct bytes value)
{
	return s->count > 0 && s->slot[place(s, value)] != 0;
}

static bool grow(struct valueset *s)
{
	uint32_t slots = s->slots == 0 ? SLOTS_FIRST : 2 * s->slots;
	struct bytes *item = ARENA_NEW(s->a, struct bytes, slots / 2);
	uint32_t *slot = ARENA_NEW(s->a, uint32_t, slots);

	if (item == NULL || slot == NULL)
		return false;
	if (s->count > 0)
		memcpy(item, s->item, s->count * sizeof(*item));
	s->item = item;
	s->slot = slot;
	s->slots = slots;
	for (uint32_t i = 0; i < s->count; i++)
		s->slot[place(s, item[i])] = i + 1;
	return true;
}

bool valueset_add(struct valueset *s, struct bytes value)
{
	if (s->slots > 0 && s->slot[place(s, value)] != 0)
		return true;
	if (s->count == s->most || (s->count == s->slots / 2 && !grow(s)))
		return false;
	s->item[s->count] = value;
	s->slot[place(s, value)] = s->count + 1;
	s->count++;
	return true;
}
