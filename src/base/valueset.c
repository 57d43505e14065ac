#include "base/valueset.h"

enum err valueset_open(struct valueset *s, uint32_t room, struct arena *a, struct fault *f)
{
	uint32_t slots = 16;

	while (slots < 2 * room)
		slots *= 2;
	*s = (struct valueset){.item = ARENA_NEW(a, struct bytes, room),
			       .slot = ARENA_NEW(a, uint32_t, slots),
			       .room = room,
			       .mask = slots - 1};
	return s->item == NULL || s->slot == NULL
		       ? fault_set(f, ERR_NOMEM, "no memory for a set of values", FAULT_NO_OFFSET)
		       : OK;
}

static uint32_t hash(struct bytes b)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < b.len; i++)
		h = (h ^ b.at[i]) * 16777619u;
	return h;
}

/* Where the value is, or where it would go. */
static uint32_t place(const struct valueset *s, struct bytes value)
{
	uint32_t at = hash(value) & s->mask;

	while (s->slot[at] != 0 && !bytes_eq(s->item[s->slot[at] - 1], value))
		at = (at + 1) & s->mask;
	return at;
}

bool valueset_has(const struct valueset *s, struct bytes value)
{
	return s->slot[place(s, value)] != 0;
}

bool valueset_add(struct valueset *s, struct bytes value)
{
	uint32_t at = place(s, value);

	if (s->slot[at] != 0)
		return true;
	if (s->count == s->room)
		return false;
	s->item[s->count] = value;
	s->slot[at] = ++s->count;
	return true;
}
