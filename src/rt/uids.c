#include "rt/uids.h"

#include <assert.h>
#include <stdlib.h>

bool uids_open(struct uids *u, uint32_t room, struct arena *a)
{
	*u = (struct uids){.keys = ARENA_NEW(a, struct uid_key, room), .room = room};
	return u->keys != NULL;
}

void uids_add(struct uids *u, const struct uid *uid, uint32_t index)
{
	assert(u->count < u->room);
	u->keys[u->count++] = (struct uid_key){.text = bytes_str(uid->text), .index = index};
}

static int by_text(const void *a, const void *b)
{
	const struct uid_key *x = a, *y = b;
	int order = bytes_cmp(x->text, y->text);

	return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

void uids_sort(struct uids *u)
{
	if (u->count > 0)
		qsort(u->keys, u->count, sizeof(*u->keys), by_text);
}

uint32_t uids_find(const struct uids *u, struct bytes text)
{
	uint32_t low = 0, high = u->count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (bytes_cmp(u->keys[mid].text, text) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < u->count && bytes_eq(u->keys[low].text, text))
		return u->keys[low].index;
	return UIDS_NONE;
}
