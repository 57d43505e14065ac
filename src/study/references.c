#include "study/references.h"

#include <stdio.h>
#include <unistd.h>

#include "base/uid.h"

static bool is_there(struct bytes uid, const struct valueset *here, int folder)
{
	char name[LIMIT_UID + 8];
	struct uid plain;

	if (valueset_has(here, uid))
		return true;
	if (!uid_set(&plain, uid))
		return false;
	snprintf(name, sizeof(name), "%s.dcm", plain.text);
	return faccessat(folder, name, F_OK, 0) == 0;
}

static bool is_image(const struct visit *v, const struct token *t)
{
	return t->kind == TOK_ELEMENT && t->tag == TAG_ReferencedSOPInstanceUID && v->depth > 0 &&
	       v->path[v->depth - 1] == TAG_ContourImageSequence;
}

enum err references_next(struct visit *v, struct bytes *uid, struct fault *f)
{
	struct token t;
	enum err e;

	while ((e = visit_next(v, &t, f)) == OK) {
		if (is_image(v, &t)) {
			*uid = bytes_trim(t.value);
			if (uid->len > 0)
				return OK;
		} else if (t.kind == TOK_PIXELS) {
			e = visit_skip(v, f);
		} else if (visit_hides(&t)) {
			e = visit_enter(v, &t, f);
		}
		if (e != OK)
			return e;
	}
	return e;
}

enum err references_list(struct bytes data, const struct syntax *syntax, struct valueset *found,
			 struct fault *f)
{
	static struct visit v; /* large, and one at a time */
	struct bytes uid;
	enum err e;

	visit_open(&v, data, syntax);
	while ((e = references_next(&v, &uid, f)) == OK)
		if (!valueset_add(found, uid))
			return fault_set(f, ERR_LIMIT, "a structure set of too many images",
					 FAULT_NO_OFFSET);
	return e == ERR_MORE ? OK : e;
}

struct references references_count(const struct bytes *uids, uint32_t count,
				   const struct valueset *here, int folder)
{
	struct references r = {.images = count};

	for (uint32_t i = 0; i < count; i++)
		r.missing += !is_there(uids[i], here, folder);
	return r;
}
