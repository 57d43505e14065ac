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
	if (!uid_set(&plain, uid) || !uid_ok(uid))
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

enum err references_count(struct bytes data, const struct syntax *syntax,
			  const struct valueset *here, int folder, struct references *out,
			  struct arena *a, struct fault *f)
{
	static struct visit v; /* large, and one at a time */
	struct valueset seen;
	struct bytes uid;
	enum err e;

	*out = (struct references){.images = 0};
	valueset_open(&seen, LIMIT_IMAGES, a);
	visit_open(&v, data, syntax);
	while ((e = references_next(&v, &uid, f)) == OK) {
		if (valueset_has(&seen, uid))
			continue;
		if (!valueset_add(&seen, uid))
			return fault_set(f, ERR_LIMIT, "a structure set of too many images",
					 FAULT_NO_OFFSET);
		out->images++;
		out->missing += !is_there(uid, here, folder);
	}
	return e == ERR_MORE ? OK : e;
}
