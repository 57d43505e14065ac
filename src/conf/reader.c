#include "conf/reader.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "conf/diag.h"
#include "conf/yaml11.h"

/* libyaml sets the end of a text without a last line feed one line too far. */
static struct conf_mark mark_of(const struct walk *w, yaml_mark_t m)
{
	struct conf_mark at = {(unsigned)m.line + 1, (unsigned)m.column + 1};

	return at.line > w->end.line ? w->end : at;
}

void reader_stop(struct walk *w, enum err e)
{
	if (w->failed == OK)
		w->failed = e;
}

void reader_problem(struct walk *w, enum conf_severity severity, yaml_mark_t at, const char *fmt,
		    ...)
{
	char reason[512];
	va_list args;

	if (w->failed != OK)
		return;
	va_start(args, fmt);
	vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
	size_t n = w->path_len;
	if (n > 0 && w->path[n - 1] == '.')
		n--;
	if (conf_diags_full(w->d)) {
		conf_diags_end(w->d, mark_of(w, at),
			       "too many problems; the rest of the file was not read");
		reader_stop(w, ERR_WIRE);
	} else if (!conf_diags_add(w->d, w->a, severity, mark_of(w, at), bytes_of(w->path, n),
				   reason)) {
		reader_stop(w, ERR_NOMEM);
	}
}

static struct frame *top(struct walk *w)
{
	assert(w->depth > 0);
	return &w->stack[w->depth - 1];
}

/* A value has been dealt with: the next thing is a key again, or another item. */
static void value_done(struct walk *w)
{
	if (w->depth == 0)
		return;
	w->path_len = top(w)->path_len;
	if (top(w)->is_list)
		return;
	w->target = TARGET_KEY;
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* Make w->path that of key `name` in the mapping on top. A name too long for any key is cut. */
static void path_enter(struct walk *w, struct bytes name)
{
	size_t room = sizeof(w->path) - w->path_len;

	if (name.len > room)
		name.len = room;
	if (name.len > 0)
		memcpy(w->path + w->path_len, name.at, name.len);
	w->path_len += name.len;
}

static bool is_about_deid(struct bytes path)
{
	static const char section[] = "anonymization.";

	return path.len > sizeof(section) - 1 && memcmp(path.at, section, sizeof(section) - 1) == 0;
}

static void unknown_key(struct walk *w, yaml_mark_t at)
{
	struct bytes path = bytes_of(w->path, w->path_len);
	const char *retired = conf_table_retired(path);
	const struct conf_section *section = top(w)->section;
	char nearest[CONF_PATH_MAX];
	bool near;

	if (section == NULL)
		near = conf_table_nearest(path, nearest);
	else
		near = conf_section_nearest(
			section, bytes_slice(path, top(w)->path_len, path.len - top(w)->path_len),
			nearest);
	if (retired != NULL)
		reader_problem(w, CONF_WARNING, at, "not read: %s", retired);
	else if (near && is_about_deid(path)) /* a rule that is not applied lets out a name */
		reader_problem(w, CONF_ERROR, at, "unknown key; did you mean %s?", nearest);
	else if (near)
		reader_problem(w, CONF_WARNING, at, "unknown key, not read; did you mean %s?",
			       nearest);
	else
		reader_problem(w, CONF_WARNING, at, "unknown key, not read");
}

/* Has this name been in the mapping before? If not, remember it. */
static bool is_duplicate(struct walk *w, struct bytes name, yaml_mark_t at)
{
	for (struct name *n = top(w)->names; n != NULL; n = n->next)
		if (bytes_eq(n->text, name)) {
			reader_problem(w, CONF_ERROR, at,
				       "given twice; the first one is in line %u", n->line);
			return true;
		}

	struct name *n = ARENA_NEW(w->a, struct name, 1);
	struct bytes text = arena_copy(w->a, name);
	if (n == NULL || text.at == NULL) {
		reader_stop(w, ERR_NOMEM);
		return true;
	}
	*n = (struct name){text, (unsigned)at.line + 1, top(w)->names};
	top(w)->names = n;
	return false;
}

/* The row of a key in the mapping on top, or NULL. */
static const struct conf_key *find_key(const struct walk *w, struct bytes path, struct bytes name)
{
	const struct conf_section *section = w->stack[w->depth - 1].section;

	if (section != NULL)
		return conf_section_find(section, name);
	size_t row = conf_table_find(path);
	return row < conf_table_count ? &conf_table[row] : NULL;
}

/* Only rows of the table have a mark. */
static void mark_set(struct walk *w, yaml_mark_t at)
{
	if (top(w)->section == NULL)
		w->c->set_at[w->key - conf_table] = mark_of(w, at);
}

static bool has_room(struct walk *w, yaml_mark_t at);

/* A key of the site's own choice. */
static void read_pair_key(struct walk *w, struct conf_scalar s, yaml_mark_t at)
{
	struct frame *f = top(w);
	struct conf_pair *pair = ARENA_NEW(w->a, struct conf_pair, 1);
	struct conf_why why = {.text = ""};

	if (pair == NULL) {
		reader_stop(w, ERR_NOMEM);
		return;
	}
	pair->at = mark_of(w, at);
	switch (conf_value_text(&pair->key, f->key, s, w->a, &why)) {
	case CONF_SET_OK:
		w->pair = pair;
		w->target = TARGET_PAIR;
		break;
	case CONF_SET_NOMEM:
		reader_stop(w, ERR_NOMEM);
		break;
	case CONF_SET_EMPTY:
	case CONF_SET_WRONG:
		reader_problem(w, CONF_ERROR, at, "%s", why.text);
		f->broken = true;
		break;
	}
}

static void read_key(struct walk *w, struct bytes name, bool plain, yaml_mark_t at)
{
	bool pairs = top(w)->key != NULL;

	w->target = TARGET_NONE;
	if (pairs && !has_room(w, at))
		return;
	path_enter(w, name);
	if (plain && yaml11_of(name) == YAML11_MERGE) {
		reader_problem(w, CONF_ERROR, at, "merge keys are not accepted");
		return;
	}
	if (is_duplicate(w, name, at))
		return;
	if (pairs) {
		read_pair_key(w, (struct conf_scalar){name, plain}, at);
		return;
	}

	struct bytes path = bytes_of(w->path, w->path_len);
	bool cut = w->path_len - top(w)->path_len < name.len;
	if (name.len > 0 && memchr(name.at, '.', name.len) != NULL) {
		reader_problem(
			w, CONF_WARNING, at,
			"not read: dots are no part of a key; write each section on a line of its "
			"own");
		return;
	}
	w->key = cut ? NULL : find_key(w, path, name);
	if (w->key != NULL)
		w->target = TARGET_VALUE;
	else if (!cut && top(w)->section == NULL && conf_table_is_section(path))
		w->target = TARGET_SECTION;
	else
		unknown_key(w, at);
}

/* ---- values ---------------------------------------------------------------------------------- */

/* Is there room for another item in what is on top? */
static bool has_room(struct walk *w, yaml_mark_t at)
{
	struct frame *list = top(w);

	if (list->item_count < LIMIT_CONFIG_ITEMS)
		return true;
	if (!list->broken)
		reader_problem(w, CONF_ERROR, at, "more than %u items", LIMIT_CONFIG_ITEMS);
	list->broken = true;
	return false;
}

static void keep_item(struct walk *w, struct frame *list, const void *value, yaml_mark_t at)
{
	struct item *item = ARENA_NEW(w->a, struct item, 1);

	if (item == NULL) {
		reader_stop(w, ERR_NOMEM);
		return;
	}
	*item = (struct item){value, mark_of(w, at), list->items};
	list->items = item;
	list->item_count++;
}

static void add_item(struct walk *w, struct conf_scalar s, yaml_mark_t at)
{
	struct frame *list = top(w);
	struct conf_why why = {.text = ""};
	const char *text = NULL;

	if (!has_room(w, at))
		return;
	if (list->key->kind == CONF_MAPS) {
		reader_problem(w, CONF_ERROR, at, "each item must be a section of keys, as in %s",
			       list->key->maps->example);
		list->broken = true;
		list->item_count++;
		return;
	}
	switch (conf_value_text(&text, list->key, s, w->a, &why)) {
	case CONF_SET_OK:
		break;
	case CONF_SET_NOMEM:
		reader_stop(w, ERR_NOMEM);
		return;
	case CONF_SET_EMPTY:
	case CONF_SET_WRONG:
		reader_problem(w, CONF_ERROR, at, "%s", why.text);
		list->broken = true;
		return;
	}
	keep_item(w, list, text, at);
}

static void read_pair_value(struct walk *w, struct conf_scalar s, yaml_mark_t at)
{
	struct frame *f = top(w);
	struct conf_why why = {.text = ""};

	switch (conf_value_text(&w->pair->value, f->key->value, s, w->a, &why)) {
	case CONF_SET_OK:
		keep_item(w, f, w->pair, at);
		break;
	case CONF_SET_NOMEM:
		reader_stop(w, ERR_NOMEM);
		break;
	case CONF_SET_EMPTY:
	case CONF_SET_WRONG:
		reader_problem(w, CONF_ERROR, at, "%s", why.text);
		f->broken = true;
		break;
	}
}

static void no_value(struct walk *w, yaml_mark_t at)
{
	const struct conf_key *k = w->key;
	struct buf dflt = BUF_INIT(400);

	if (k->required) {
		reader_problem(w, CONF_ERROR, at, "has no value, and needs one");
		return;
	}
	conf_table_default(k, &dflt);
	reader_problem(w, CONF_WARNING, at, "has no value, so the default stands: %s",
		       dflt.failed || dflt.at == NULL ? "see the reference"
						      : (const char *)dflt.at);
	buf_free(&dflt);
}

static const char *example_item(const struct conf_key *k)
{
	if (k->kind == CONF_MAPS)
		return k->maps->example;
	switch (k->form) {
	case CONF_TAG:
		return "PatientID";
	case CONF_UID:
		return "1.2.3";
	case CONF_STATUS:
		return "A9xx";
	default:
		return "skull";
	}
}

static void read_value(struct walk *w, struct conf_scalar s, yaml_mark_t at)
{
	const struct conf_key *k = w->key;
	bool is_null = s.plain && yaml11_of(s.text) == YAML11_NULL;
	bool is_list = k->kind == CONF_LIST || k->kind == CONF_MAPS;
	struct conf_why why = {.text = ""};

	mark_set(w, at);
	if (k->kind == CONF_PAIRS && !is_null) {
		reader_problem(w, CONF_ERROR, at, "needs a section of keys, as in {PatientSex: O}");
		return;
	}
	if (is_list && !is_null) {
		reader_problem(w, CONF_ERROR, at, "needs a list, as in [%s]", example_item(k));
		return;
	}
	if (is_list || k->kind == CONF_PAIRS) {
		no_value(w, at);
		return;
	}
	switch (conf_value_set(top(w)->into, k, s, w->a, &why)) {
	case CONF_SET_OK:
		break;
	case CONF_SET_EMPTY:
		no_value(w, at);
		break;
	case CONF_SET_WRONG:
		reader_problem(w, CONF_ERROR, at, "%s", why.text);
		break;
	case CONF_SET_NOMEM:
		reader_stop(w, ERR_NOMEM);
		break;
	}
}

void reader_scalar(struct walk *w, struct conf_scalar s, yaml_mark_t at)
{
	bool is_null = s.plain && yaml11_of(s.text) == YAML11_NULL;

	if (w->skipped > 0)
		return;
	if (w->depth == 0) {
		if (!is_null)
			reader_problem(w, CONF_ERROR, at,
				       "a configuration is made of lines \"key: value\"");
		return;
	}
	if (top(w)->is_list) {
		add_item(w, s, at);
		return;
	}
	if (w->target == TARGET_KEY) {
		read_key(w, s.text, s.plain, at);
		return;
	}
	if (w->target == TARGET_SECTION && !is_null)
		reader_problem(w, CONF_ERROR, at,
			       "is a section: its keys belong below it, indented");
	if (w->target == TARGET_VALUE)
		read_value(w, s, at);
	if (w->target == TARGET_PAIR)
		read_pair_value(w, s, at);
	value_done(w);
}

/* ---- containers ------------------------------------------------------------------------------ */

static struct frame *push(struct walk *w, bool is_list, void *into)
{
	assert(w->depth < LIMIT_CONFIG_DEPTH);
	w->stack[w->depth] =
		(struct frame){.is_list = is_list, .path_len = w->path_len, .into = into};
	return &w->stack[w->depth++];
}

/* A mapping begins whose keys are to be read. */
static struct frame *push_mapping(struct walk *w, void *into, yaml_mark_t at)
{
	struct frame *f = push(w, false, into);

	f->begin = at;
	w->target = TARGET_KEY;
	return f;
}

static void path_add_dot(struct walk *w)
{
	if (w->path_len < sizeof(w->path))
		w->path[w->path_len++] = '.';
}

/* A mapping as an item of the list on top: a section with its defaults, "list[2]." */
static void enter_section(struct walk *w, yaml_mark_t at)
{
	const struct conf_section *section = top(w)->key->maps;
	char index[24];

	uint8_t *into = arena_alloc(w->a, 1, section->size);
	if (into == NULL) {
		reader_stop(w, ERR_NOMEM);
		return;
	}
	for (size_t i = 0; i < section->count; i++)
		if (conf_value_default(into, &section->key[i], w->a) != CONF_SET_OK) {
			reader_stop(w, ERR_NOMEM);
			return;
		}
	snprintf(index, sizeof(index), "[%zu]", top(w)->item_count + 1);
	path_enter(w, bytes_str(index));
	path_add_dot(w);
	push_mapping(w, into, at)->section = section;
}

/* Why a container that is not wanted here is not. */
static void refuse_container(struct walk *w, bool is_list, yaml_mark_t at)
{
	const struct conf_key *k = w->key;

	if (w->depth == 0) {
		reader_problem(w, CONF_ERROR, at,
			       "a configuration is made of lines \"key: value\"");
	} else if (top(w)->is_list && top(w)->key->kind == CONF_MAPS) {
		reader_problem(w, CONF_ERROR, at, "each item must be a section of keys, as in %s",
			       top(w)->key->maps->example);
		top(w)->broken = true;
		top(w)->item_count++;
	} else if (top(w)->is_list) {
		reader_problem(w, CONF_ERROR, at, "each item must be a single text");
		top(w)->broken = true;
	} else if (w->target == TARGET_KEY) {
		reader_problem(w, CONF_ERROR, at, "a key must be a single text");
	} else if (w->target == TARGET_SECTION) {
		reader_problem(w, CONF_ERROR, at, "is a section of keys, not a list");
	} else if (w->target == TARGET_VALUE || w->target == TARGET_PAIR) {
		const char *wanted = w->target == TARGET_PAIR ? "single value"
				     : k->kind == CONF_PAIRS  ? "section"
				     : k->kind == CONF_LIST || k->kind == CONF_MAPS
					     ? "list"
					     : "single value";

		reader_problem(w, CONF_ERROR, at, "needs a %s, not a %s", wanted,
			       is_list ? "list" : "section");
	}
}

/* A mapping or list that is wanted where we are is entered; false: why not is to be said. */
static bool enter_container(struct walk *w, bool is_list, yaml_mark_t at)
{
	if (w->depth == 0) {
		if (!is_list)
			push_mapping(w, w->c, at);
		return !is_list;
	}
	if (top(w)->is_list) {
		if (is_list || top(w)->key->kind != CONF_MAPS)
			return false;
		if (has_room(w, at))
			enter_section(w, at);
		else
			w->skipped = 1;
		return true;
	}
	if (w->target == TARGET_SECTION && !is_list) {
		path_add_dot(w);
		push_mapping(w, w->c, at);
		return true;
	}
	if (w->target == TARGET_VALUE && !is_list && w->key->kind == CONF_PAIRS) {
		const struct conf_key *row = w->key;

		mark_set(w, at);
		path_add_dot(w);
		push_mapping(w, top(w)->into, at)->key = row;
		return true;
	}
	if (w->target == TARGET_VALUE && is_list &&
	    (w->key->kind == CONF_LIST || w->key->kind == CONF_MAPS)) {
		mark_set(w, at);
		push(w, true, top(w)->into)->key = w->key;
		return true;
	}
	return false;
}

void reader_container(struct walk *w, bool is_list, yaml_mark_t at)
{
	if (w->depth + w->skipped >= LIMIT_CONFIG_DEPTH) {
		reader_problem(w, CONF_ERROR, at,
			       "nested too deep; the rest of the file was not read");
		reader_stop(w, ERR_WIRE);
		return;
	}
	if (w->skipped > 0) {
		w->skipped++;
		return;
	}
	if (enter_container(w, is_list, at))
		return;
	refuse_container(w, is_list, at);
	w->skipped = 1;
}

/* The items of the frame on top as an array, in the order of the file, each of `size` bytes: a
 * copy of what it points at, or (`pointers`) the pointer. */
static uint8_t *gather(struct walk *w, size_t size, bool pointers, struct conf_mark **marks)
{
	const struct frame *f = top(w);
	uint8_t *items = arena_alloc(w->a, f->item_count, size);
	size_t n = f->item_count;

	*marks = ARENA_NEW(w->a, struct conf_mark, f->item_count);
	if (items == NULL || *marks == NULL) {
		reader_stop(w, ERR_NOMEM);
		return NULL;
	}
	for (const struct item *i = f->items; i != NULL; i = i->next) {
		n--;
		(*marks)[n] = i->at;
		memcpy(items + n * size, pointers ? (const void *)&i->value : i->value, size);
	}
	return items;
}

static void finish_list(struct walk *w)
{
	const struct frame *f = top(w);
	bool maps = f->key->kind == CONF_MAPS;
	struct conf_mark *marks;

	if (f->broken)
		return;
	uint8_t *items = gather(w, maps ? f->key->maps->size : sizeof(const char *), !maps, &marks);
	if (items == NULL)
		return;
	if (maps)
		conf_value_set_maps(f->into, f->key, (struct conf_maps){items, f->item_count});
	else
		conf_value_set_list(f->into, f->key,
				    (struct conf_list){(const char *const *)(void *)items,
						       f->item_count, marks});
}

static void finish_pairs(struct walk *w)
{
	const struct frame *f = top(w);
	struct conf_mark *marks;

	if (f->broken)
		return;
	const void *items = gather(w, sizeof(struct conf_pair), false, &marks);
	if (items != NULL)
		conf_value_set_pairs(f->into, f->key, (struct conf_pairs){items, f->item_count});
}

static bool is_named(const struct frame *f, const char *name)
{
	for (const struct name *n = f->names; n != NULL; n = n->next)
		if (bytes_eq_str(n->text, name))
			return true;
	return false;
}

/* The mapping on top was an item: is it whole?  Then it is kept in the list below it. */
static void finish_section(struct walk *w)
{
	const struct frame *f = top(w);
	const struct conf_section *section = f->section;
	struct frame *list = &w->stack[w->depth - 2];
	size_t errors = w->d->errors;

	w->path_len = f->path_len;
	for (size_t i = 0; i < section->count; i++)
		if (section->key[i].required && !is_named(f, conf_key_name(&section->key[i])))
			reader_problem(w, CONF_ERROR, f->begin, "needs %s",
				       conf_key_name(&section->key[i]));
	const char *fault = section->fault == NULL ? NULL : section->fault(f->into);
	if (fault != NULL)
		reader_problem(w, CONF_ERROR, f->begin, "%s", fault);
	if (w->d->errors > errors)
		list->broken = true;
	keep_item(w, list, f->into, f->begin);
}

void reader_container_end(struct walk *w)
{
	if (w->skipped > 0) {
		w->skipped--;
		if (w->skipped > 0)
			return;
		if (w->depth > 0 && w->target == TARGET_KEY && !top(w)->is_list)
			w->target = TARGET_NONE; /* that was a key; its value follows */
		else
			value_done(w);
		return;
	}
	if (top(w)->is_list)
		finish_list(w);
	else if (top(w)->key != NULL)
		finish_pairs(w);
	else if (top(w)->section != NULL)
		finish_section(w);
	w->depth--;
	value_done(w);
}

/* An alias stands for a node that is not wanted. */
void reader_alias(struct walk *w)
{
	if (w->skipped > 0 || w->depth == 0)
		return;
	if (top(w)->key != NULL)
		top(w)->broken = true;
	if (top(w)->is_list)
		return;
	if (w->target == TARGET_KEY)
		w->target = TARGET_NONE;
	else
		value_done(w);
}
