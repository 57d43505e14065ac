#include "cmd/send_list.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "dicom/part10.h"
#include "dicom/walk.h"
#include "study/tree.h"

#define PATHS_MAX (256u << 20)
#define DICOMDIR "1.2.840.10008.1.3.10"

enum err send_list_open(struct send_list *l, struct fault *f)
{
	memset(l, 0, sizeof(*l));
	return arena_open(&l->keep, PATHS_MAX, f);
}

void send_list_close(struct send_list *l)
{
	free(l->items);
	l->items = NULL;
	arena_close(&l->keep);
}

static void complain(struct send_list *l, const char *path, const struct fault *f)
{
	char why[256];

	fault_format(f, why, sizeof(why));
	log_say(LOG_ERROR, "%s: %s", log_quote_str(path), why);
	l->bad++;
}

/* ---- One file ---- */

/* SOP class and instance of a data set: they come first. */
static enum err read_head(struct bytes data, const struct syntax *syntax, struct uid *sop_class,
			  struct uid *sop_instance, struct fault *f)
{
	struct walk w;
	struct token t;
	enum err e;

	walk_init(&w, data, syntax);
	while ((e = walk_next(&w, &t, f)) == OK) {
		if (t.depth == 0 && t.tag > TAG_SOPInstanceUID)
			break;
		if (t.depth == 0 && t.tag == TAG_SOPClassUID)
			uid_set(sop_class, t.value);
		if (t.depth == 0 && t.tag == TAG_SOPInstanceUID)
			uid_set(sop_instance, t.value);
	}
	if (e != OK && e != ERR_MORE)
		return e;
	if (sop_class->text[0] == '\0')
		return fault_tag(f, ERR_UNUSABLE, "without a SOP class UID", FAULT_NO_OFFSET,
				 TAG_SOPClassUID);
	if (sop_instance->text[0] == '\0')
		return fault_tag(f, ERR_UNUSABLE, "without a SOP instance UID", FAULT_NO_OFFSET,
				 TAG_SOPInstanceUID);
	return OK;
}

static bool is_dicomdir(const struct part10 *p)
{
	struct walk w;
	struct token t;

	walk_init(&w, p->meta, p->meta_syntax);
	while (walk_next(&w, &t, NULL) == OK)
		if (t.tag == TAG_MediaStorageSOPClassUID)
			return bytes_eq_str(bytes_trim(t.value), DICOMDIR);
	return false;
}

static enum err find_wanted(struct send_list *l, const struct uid *sop_class,
			    const struct uid *syntax, uint16_t *index, struct fault *f)
{
	for (unsigned i = l->wanted_count; i-- > 0;) /* mostly the same as the one before */
		if (uid_eq(&l->wanted[i].sop_class, sop_class) &&
		    uid_eq(&l->wanted[i].syntax, syntax)) {
			*index = (uint16_t)i;
			return OK;
		}
	if (l->wanted_count == SEND_WANTED)
		return fault_set(f, ERR_LIMIT, "over 1024 kinds of objects", FAULT_NO_OFFSET);
	*index = (uint16_t)l->wanted_count;
	l->wanted[l->wanted_count++] = (struct scu_wanted){*sop_class, *syntax};
	return OK;
}

/* NULL: over a limit, or no memory. */
static struct send_item *new_item(struct send_list *l, const char *path, struct fault *f)
{
	struct send_item *item;

	if (l->count >= LIMIT_FILES) {
		fault_set(f, ERR_LIMIT, "over a million objects", FAULT_NO_OFFSET);
		return NULL;
	}
	if (l->count == l->room) {
		uint32_t room = l->room == 0 ? 256 : 2 * l->room;
		struct send_item *more = realloc(l->items, room * sizeof(*more));

		if (more == NULL) {
			fault_set(f, ERR_NOMEM, "no memory for so many files", FAULT_NO_OFFSET);
			return NULL;
		}
		l->items = more;
		l->room = room;
	}
	item = &l->items[l->count];
	*item = (struct send_item){.path = arena_strdup(&l->keep, bytes_str(path))};
	if (item->path != NULL)
		return item;
	fault_set(f, ERR_NOMEM, "no memory for so many files", FAULT_NO_OFFSET);
	return NULL;
}

/* An open file into the list; what is wrong with it is told. */
static enum err take(struct send_list *l, const char *path, const struct part10 *p, struct fault *f)
{
	struct uid sop_class = {""}, sop_instance = {""};
	struct send_item *item;
	struct stat st;
	struct fault own;
	enum err e;

	if (is_dicomdir(p)) {
		l->dicomdirs++;
		return OK;
	}
	if (read_head(p->data, p->syntax, &sop_class, &sop_instance, &own) != OK) {
		complain(l, path, &own);
		return OK;
	}
	item = new_item(l, path, f);
	if (item == NULL)
		return f->code;
	e = find_wanted(l, &sop_class, &p->syntax_uid, &item->wanted, f);
	if (e != OK)
		return e;
	item->sop_instance = sop_instance;
	item->data_at = p->data_at;
	item->size = p->file.len;
	if (fstat(p->map.fd, &st) == 0)
		item->mtime_ns = st.st_mtim.tv_sec * 1000000000ll + st.st_mtim.tv_nsec;
	item->plain = (item->size - item->data_at) % 2 == 0;
	l->count++;
	return OK;
}

static enum err look(struct send_list *l, const char *path, bool named, struct fault *f)
{
	struct part10 p = PART10_NONE;
	struct fault own;
	enum err e = part10_open(&p, AT_FDCWD, path, &own);

	if (e == ERR_UNUSABLE && !named) {
		l->not_dicom++;
		return OK;
	}
	if (e != OK) {
		complain(l, path, &own);
		return OK;
	}
	e = take(l, path, &p, f);
	part10_close(&p);
	return e;
}

/* ---- Files and folders ---- */

static enum err take_entry(struct send_list *l, const struct tree_entry *e, bool named,
			   struct fault *f)
{
	struct fault own = {.code = ERR_IO,
			    .text = "cannot be read",
			    .at = FAULT_NO_OFFSET,
			    .sys_errno = e->sys_errno};

	switch (e->kind) {
	case TREE_FILE:
		return look(l, e->path, named, f);
	case TREE_UNREADABLE:
		complain(l, e->path, &own);
		return OK;
	case TREE_DEAD_LINK:
	case TREE_SPECIAL:
		if (!named)
			return OK;
		own = (struct fault){.text = "no file and no folder", .at = FAULT_NO_OFFSET};
		complain(l, e->path, &own);
		return OK;
	case TREE_TOO_DEEP:
		own = (struct fault){.text = "folders are nested too deeply",
				     .at = FAULT_NO_OFFSET};
		complain(l, e->path, &own);
		return OK;
	default: /* links to folders, staging folders */
		return OK;
	}
}

enum err send_list_add(struct send_list *l, const char *path, struct fault *f)
{
	struct tree tree = TREE_EMPTY;
	struct tree_entry entry;
	enum err e = tree_add(&tree, path, f);

	while (e == OK) {
		e = tree_next(&tree, &entry, f);
		if (e == OK)
			e = take_entry(l, &entry, strcmp(entry.path, path) == 0, f);
	}
	tree_free(&tree);
	return e == ERR_MORE ? OK : e;
}

/* ---- Groups ---- */

/* By group, and within one in the order of finding. */
static enum err sort(struct send_list *l, struct fault *f)
{
	struct send_item *sorted = malloc(l->room * sizeof(*sorted));
	uint32_t n = 0;

	if (sorted == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for so many files", FAULT_NO_OFFSET);
	for (unsigned g = 0; g < l->group_count; g++)
		for (uint32_t i = 0; i < l->count; i++)
			if (l->items[i].group == g)
				sorted[n++] = l->items[i];
	free(l->items);
	l->items = sorted;
	return OK;
}

enum err send_list_group(struct send_list *l, struct fault *f)
{
	static struct dul_request r;
	unsigned at = 0;

	l->group_count = 0;
	while (at < l->wanted_count) {
		size_t n;

		dul_request_init(&r, "", "", 0, "1", "");
		n = scu_propose(&r, l->wanted + at, l->wanted_count - at);
		n = n == 0 ? 1 : n;
		for (size_t i = 0; i < n; i++)
			l->group_of[at + i] = (uint16_t)l->group_count;
		at += (unsigned)n;
		l->group_count++;
	}
	for (uint32_t i = 0; i < l->count; i++)
		l->items[i].group = l->group_of[l->items[i].wanted];
	return l->group_count > 1 ? sort(l, f) : OK;
}
