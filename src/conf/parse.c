/*
 * From the text of a file to struct conf, by libyaml's events.
 *
 * libyaml is asked for one event at a time; no document tree is built.  Where we are in the file is
 * a stack of open mappings and lists (`frame`), the dotted path of the mapping on top, and, when a
 * key has been read, where its value will go (`target`).  A value that goes nowhere (an unknown
 * key, a wrong shape, a duplicate) is walked over with nothing but a depth count (`skipped`).
 *
 * What YAML offers beyond plain data is refused: aliases, anchors, tags, merge keys, a second
 * document.  So is deep nesting, long before libyaml's own limit.  After a syntax error libyaml
 * cannot go on; all other problems are noted, and reading continues.
 *
 * Work is bounded: a key costs a look through the names seen in its mapping, and every name that is
 * not in the table adds a problem, of which LIMIT_CONFIG_DIAGS end the reading.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/utf8.h"
#include "conf/diag.h"
#include "conf/finish.h"
#include "conf/table.h"
#include "conf/text.h"
#include "conf/value.h"
#include "conf/yaml11.h"

/* A key that was read in a mapping, for finding it a second time. */
struct name {
	struct bytes text;
	unsigned line;
	struct name *next;
};

struct item {
	const void *value; /* a text, or the struct of a section */
	struct item *next;
};

enum target {
	TARGET_KEY,     /* no value is due, a key is */
	TARGET_SECTION, /* of the path in w->path */
	TARGET_VALUE,   /* of row w->key */
	TARGET_NONE     /* to be walked over */
};

struct frame {
	bool is_list;
	size_t path_len; /* of a mapping's own path, its dot included; 0 at the top */
	void *into;      /* where its values go: the configuration, or the struct of a section */

	/* mapping */
	struct name *names;                 /* newest first */
	const struct conf_section *section; /* of a list, or NULL: of the table */
	yaml_mark_t begin;

	/* list */
	const struct conf_key *key;
	struct item *items; /* newest first */
	size_t item_count;
	bool broken; /* an item was refused */
};

struct walk {
	yaml_parser_t yaml;
	struct arena *a;
	struct conf_diags *d;
	struct conf *c;

	struct frame stack[LIMIT_CONFIG_DEPTH];
	unsigned depth;               /* frames in use; 0 before and after the document's mapping */
	unsigned skipped;             /* open containers that are walked over */
	char path[CONF_PATH_MAX * 2]; /* of the key whose value is due, else of the mapping */
	size_t path_len;
	enum target target;
	const struct conf_key *key;
	unsigned documents;
	struct conf_mark end; /* of the text */

	enum err failed; /* not OK: stop */
};

/* libyaml sets the end of a text without a last line feed one line too far. */
static struct conf_mark mark_of(const struct walk *w, yaml_mark_t m)
{
	struct conf_mark at = {(unsigned)m.line + 1, (unsigned)m.column + 1};

	return at.line > w->end.line ? w->end : at;
}

static void stop(struct walk *w, enum err e)
{
	if (w->failed == OK)
		w->failed = e;
}

static void problem(struct walk *w, enum conf_severity severity, yaml_mark_t at, const char *fmt,
		    ...) PRINTF_LIKE(4, 5);

/* Note something about the key at hand. */
static void problem(struct walk *w, enum conf_severity severity, yaml_mark_t at, const char *fmt,
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
		stop(w, ERR_WIRE);
	} else if (!conf_diags_add(w->d, w->a, severity, mark_of(w, at), bytes_of(w->path, n),
				   reason)) {
		stop(w, ERR_NOMEM);
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
		problem(w, CONF_WARNING, at, "not read: %s", retired);
	else if (near)
		problem(w, CONF_WARNING, at, "unknown key, not read; did you mean %s?", nearest);
	else
		problem(w, CONF_WARNING, at, "unknown key, not read");
}

/* Has this name been in the mapping before? If not, remember it. */
static bool is_duplicate(struct walk *w, struct bytes name, yaml_mark_t at)
{
	for (struct name *n = top(w)->names; n != NULL; n = n->next)
		if (bytes_eq(n->text, name)) {
			problem(w, CONF_ERROR, at, "given twice; the first one is in line %u",
				n->line);
			return true;
		}

	struct name *n = ARENA_NEW(w->a, struct name, 1);
	struct bytes text = arena_copy(w->a, name);
	if (n == NULL || text.at == NULL) {
		stop(w, ERR_NOMEM);
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

static void read_key(struct walk *w, struct bytes name, bool plain, yaml_mark_t at)
{
	path_enter(w, name);
	w->target = TARGET_NONE;
	if (plain && yaml11_of(name) == YAML11_MERGE) {
		problem(w, CONF_ERROR, at, "merge keys are not accepted");
		return;
	}
	if (is_duplicate(w, name, at))
		return;

	struct bytes path = bytes_of(w->path, w->path_len);
	bool cut = w->path_len - top(w)->path_len < name.len;
	if (name.len > 0 && memchr(name.at, '.', name.len) != NULL) {
		problem(w, CONF_WARNING, at,
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

/* Is there room for another item in the list on top? */
static bool has_room(struct walk *w, yaml_mark_t at)
{
	struct frame *list = top(w);

	if (list->item_count < LIMIT_CONFIG_ITEMS)
		return true;
	if (!list->broken)
		problem(w, CONF_ERROR, at, "more than %u items", LIMIT_CONFIG_ITEMS);
	list->broken = true;
	return false;
}

static void keep_item(struct walk *w, struct frame *list, const void *value)
{
	struct item *item = ARENA_NEW(w->a, struct item, 1);

	if (item == NULL) {
		stop(w, ERR_NOMEM);
		return;
	}
	*item = (struct item){value, list->items};
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
		problem(w, CONF_ERROR, at, "each item must be a section of keys, as in %s",
			list->key->maps->example);
		list->broken = true;
		list->item_count++;
		return;
	}
	switch (conf_value_text(&text, list->key, s, w->a, &why)) {
	case CONF_SET_OK:
		break;
	case CONF_SET_NOMEM:
		stop(w, ERR_NOMEM);
		return;
	case CONF_SET_EMPTY:
	case CONF_SET_WRONG:
		problem(w, CONF_ERROR, at, "%s", why.text);
		list->broken = true;
		return;
	}
	keep_item(w, list, text);
}

static void no_value(struct walk *w, yaml_mark_t at)
{
	const struct conf_key *k = w->key;
	struct buf dflt = BUF_INIT(400);

	if (k->required) {
		problem(w, CONF_ERROR, at, "has no value, and needs one");
		return;
	}
	conf_table_default(k, &dflt);
	problem(w, CONF_WARNING, at, "has no value, so the default stands: %s",
		dflt.failed || dflt.at == NULL ? "see the reference" : (const char *)dflt.at);
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
	if (is_list && !is_null) {
		problem(w, CONF_ERROR, at, "needs a list, as in [%s]", example_item(k));
		return;
	}
	if (is_list) {
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
		problem(w, CONF_ERROR, at, "%s", why.text);
		break;
	case CONF_SET_NOMEM:
		stop(w, ERR_NOMEM);
		break;
	}
}

static void on_scalar(struct walk *w, struct conf_scalar s, yaml_mark_t at)
{
	bool is_null = s.plain && yaml11_of(s.text) == YAML11_NULL;

	if (w->skipped > 0)
		return;
	if (w->depth == 0) {
		if (!is_null)
			problem(w, CONF_ERROR, at,
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
		problem(w, CONF_ERROR, at, "is a section: its keys belong below it, indented");
	if (w->target == TARGET_VALUE)
		read_value(w, s, at);
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
		stop(w, ERR_NOMEM);
		return;
	}
	for (size_t i = 0; i < section->count; i++)
		if (conf_value_default(into, &section->key[i], w->a) != CONF_SET_OK) {
			stop(w, ERR_NOMEM);
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
		problem(w, CONF_ERROR, at, "a configuration is made of lines \"key: value\"");
	} else if (top(w)->is_list && top(w)->key->kind == CONF_MAPS) {
		problem(w, CONF_ERROR, at, "each item must be a section of keys, as in %s",
			top(w)->key->maps->example);
		top(w)->broken = true;
		top(w)->item_count++;
	} else if (top(w)->is_list) {
		problem(w, CONF_ERROR, at, "each item must be a single text");
		top(w)->broken = true;
	} else if (w->target == TARGET_KEY) {
		problem(w, CONF_ERROR, at, "a key must be a single text");
	} else if (w->target == TARGET_SECTION) {
		problem(w, CONF_ERROR, at, "is a section of keys, not a list");
	} else if (w->target == TARGET_VALUE) {
		problem(w, CONF_ERROR, at, "needs a %s, not a %s",
			k->kind == CONF_LIST || k->kind == CONF_MAPS ? "list" : "single value",
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
	if (w->target == TARGET_VALUE && is_list &&
	    (w->key->kind == CONF_LIST || w->key->kind == CONF_MAPS)) {
		mark_set(w, at);
		push(w, true, top(w)->into)->key = w->key;
		return true;
	}
	return false;
}

static void on_container(struct walk *w, bool is_list, yaml_mark_t at)
{
	if (w->depth + w->skipped >= LIMIT_CONFIG_DEPTH) {
		problem(w, CONF_ERROR, at, "nested too deep; the rest of the file was not read");
		stop(w, ERR_WIRE);
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

static void finish_list(struct walk *w)
{
	const struct frame *f = top(w);
	const struct conf_section *section = f->key->maps;
	size_t size = f->key->kind == CONF_MAPS ? section->size : sizeof(const char *);

	if (f->broken)
		return;
	uint8_t *items = arena_alloc(w->a, f->item_count, size);
	if (items == NULL) {
		stop(w, ERR_NOMEM);
		return;
	}
	size_t n = f->item_count;
	for (const struct item *i = f->items; i != NULL; i = i->next) {
		n--;
		if (f->key->kind == CONF_MAPS)
			memcpy(items + n * size, i->value, size);
		else
			memcpy(items + n * size, &i->value, size);
	}
	if (f->key->kind == CONF_MAPS)
		conf_value_set_maps(f->into, f->key, (struct conf_maps){items, f->item_count});
	else
		conf_value_set_list(
			f->into, f->key,
			(struct conf_list){(const char *const *)(void *)items, f->item_count});
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
			problem(w, CONF_ERROR, f->begin, "needs %s",
				conf_key_name(&section->key[i]));
	const char *fault = section->fault == NULL ? NULL : section->fault(f->into);
	if (fault != NULL)
		problem(w, CONF_ERROR, f->begin, "%s", fault);
	if (w->d->errors > errors)
		list->broken = true;
	keep_item(w, list, f->into);
}

static void on_container_end(struct walk *w)
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
	else if (top(w)->section != NULL)
		finish_section(w);
	w->depth--;
	value_done(w);
}

/* ---- events ---------------------------------------------------------------------------------- */

/* YAML that is more than data. True: the event is a node that must be taken as nothing. */
static bool refuse_extras(struct walk *w, const yaml_event_t *e)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	switch (e->type) {
	case YAML_ALIAS_EVENT:
		problem(w, CONF_ERROR, e->start_mark, "aliases are not accepted");
		return true;
	case YAML_SCALAR_EVENT:
		anchor = e->data.scalar.anchor;
		tag = e->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = e->data.sequence_start.anchor;
		tag = e->data.sequence_start.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = e->data.mapping_start.anchor;
		tag = e->data.mapping_start.tag;
		break;
	default:
		break;
	}
	if (anchor != NULL)
		problem(w, CONF_ERROR, e->start_mark, "anchors are not accepted");
	if (tag != NULL)
		problem(w, CONF_ERROR, e->start_mark, "tags are not accepted");
	return false;
}

/* An alias stands for a node that is not wanted. */
static void on_alias(struct walk *w)
{
	if (w->skipped > 0 || w->depth == 0)
		return;
	if (top(w)->is_list)
		top(w)->broken = true;
	else if (w->target == TARGET_KEY)
		w->target = TARGET_NONE;
	else
		value_done(w);
}

static void on_document(struct walk *w, const yaml_event_t *e)
{
	if (++w->documents == 1)
		return;
	problem(w, CONF_ERROR, e->start_mark, "a second document begins here; there must be one");
	stop(w, ERR_WIRE);
}

static void on_event(struct walk *w, const yaml_event_t *e)
{
	struct conf_scalar s = {BYTES_NONE, false};

	if (refuse_extras(w, e)) {
		on_alias(w);
		return;
	}
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		on_document(w, e);
		break;
	case YAML_SCALAR_EVENT:
		s.text = bytes_of(e->data.scalar.value, e->data.scalar.length);
		s.plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
		on_scalar(w, s, e->start_mark);
		break;
	case YAML_SEQUENCE_START_EVENT:
		on_container(w, true, e->start_mark);
		break;
	case YAML_MAPPING_START_EVENT:
		on_container(w, false, e->start_mark);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		on_container_end(w);
		break;
	default:
		break;
	}
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* The character at this index, counted in characters; 0 at the end. */
static uint32_t character_at(struct bytes s, size_t index)
{
	uint32_t code = 0;

	for (;; index--) {
		unsigned n = utf8_next(s, &code);

		if (n == 0)
			return 0;
		if (index == 0)
			return code;
		s = bytes_slice(s, n, s.len - n);
	}
}

/* What people usually did when libyaml stumbles like this. */
static const char *syntax_hint(const yaml_parser_t *y, struct bytes text)
{
	uint32_t here = character_at(text, y->problem_mark.index);
	bool no_token = strstr(y->problem, "cannot start any token") != NULL;

	if (no_token && here == '\t')
		return "; a tab cannot indent, use spaces";
	if (no_token && (here == '%' || here == '@' || here == '`'))
		return "; text that begins with this character needs quotes";
	if (strstr(y->problem, "mapping values") != NULL)
		return "; text that contains a colon and a space needs quotes";
	if (strstr(y->problem, "expected key") != NULL || strstr(y->problem, "block end") != NULL)
		return "; is the indentation right?";
	return "";
}

static void syntax_problem(struct walk *w, struct bytes text)
{
	const yaml_parser_t *y = &w->yaml;

	if (y->error == YAML_MEMORY_ERROR || y->problem == NULL) {
		stop(w, ERR_NOMEM);
		return;
	}
	w->path_len = 0; /* the key at hand is not to blame */
	if (y->context == NULL)
		problem(w, CONF_ERROR, y->problem_mark, "YAML: %s%s", y->problem,
			syntax_hint(y, text));
	else
		problem(w, CONF_ERROR, y->problem_mark, "YAML: %s (%s that began in line %zu)%s",
			y->problem, y->context, y->context_mark.line + 1, syntax_hint(y, text));
	stop(w, ERR_WIRE);
}

static void walk_events(struct walk *w, struct bytes text)
{
	yaml_event_type_t type = YAML_NO_EVENT;
	yaml_event_t e;

	yaml_parser_set_encoding(&w->yaml, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&w->yaml, text.at, text.len);
	while (w->failed == OK && type != YAML_STREAM_END_EVENT) {
		if (!yaml_parser_parse(&w->yaml, &e)) {
			syntax_problem(w, text);
			return;
		}
		type = e.type;
		on_event(w, &e);
		yaml_event_delete(&e);
	}
}

static enum err parse_text(struct conf *c, struct bytes text, struct arena *a, struct conf_diags *d)
{
	static const uint8_t nothing[1];
	struct walk w = {.a = a, .d = d, .c = c};
	size_t errors = d->errors;
	struct conf_mark at;

	if (text.len >= 3 && memcmp(text.at, "\xEF\xBB\xBF", 3) == 0)
		text = bytes_slice(text, 3, text.len - 3);
	if (text.len == 0)
		text = bytes_of(nothing, 0);
	const char *fault = conf_text_fault(text, &at);
	w.end = at;
	if (fault != NULL) {
		conf_diags_end(d, at, fault);
		return ERR_WIRE;
	}
	if (!yaml_parser_initialize(&w.yaml))
		return ERR_NOMEM;
	walk_events(&w, text);
	yaml_parser_delete(&w.yaml);
	if (w.failed != OK)
		return w.failed;
	return d->errors > errors ? ERR_WIRE : OK;
}

enum err conf_parse(struct conf *out, struct bytes text, const char *file, struct arena *a,
		    struct conf_diags *d)
{
	static const struct conf_mark whole_file = {0, 0};
	struct conf c;
	enum err e = conf_defaults(&c, a);

	if (e == OK && text.len > LIMIT_CONFIG) {
		conf_diags_end(d, whole_file,
			       "is larger than 1 MiB, too large for a configuration");
		e = ERR_LIMIT;
	}
	if (e == OK)
		e = parse_text(&c, text, a, d);
	if (e == OK)
		e = conf_finish(&c, a, d);
	if (e == ERR_NOMEM)
		conf_diags_end(d, whole_file, "does not fit in memory");
	if (e != OK)
		return e;
	c.file = file;
	*out = c;
	return OK;
}
