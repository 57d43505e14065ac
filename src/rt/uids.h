/*
 * UIDs, sorted, to be looked up.
 */
#ifndef RT_UIDS_H
#define RT_UIDS_H

#include "base/arena.h"
#include "base/uid.h"

#define UIDS_NONE UINT32_MAX

struct uid_key {
	struct bytes text; /* borrowed */
	uint32_t index;    /* the caller's */
};

struct uids {
	struct uid_key *keys; /* arena's */
	uint32_t count, room;
};

bool uids_open(struct uids *u, uint32_t room, struct arena *a) MUST_USE; /* false: no memory */
void uids_add(struct uids *u, const struct uid *uid, uint32_t index);    /* `uid` is borrowed */
void uids_sort(struct uids *u);
/* The least index under this UID (trimmed), or UIDS_NONE. */
uint32_t uids_find(const struct uids *u, struct bytes text);

#endif
