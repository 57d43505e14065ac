/*
 * From the text of a file to struct conf, by libyaml's events.
 *
 * libyaml is asked for one event at a time; no document tree is built.  What an event is put into
 * is conf/reader's.
 *
 * What YAML offers beyond plain data is refused: aliases, anchors, tags, merge keys, a second
 * document.  So is deep nesting, long before libyaml's own limit.  After a syntax error libyaml
 * cannot go on; all other problems are noted, and reading continues.
 */
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/utf8.h"
#include "conf/diag.h"
#include "conf/finish.h"
#include "conf/reader.h"
#include "conf/text.h"

/* ---- events ---------------------------------------------------------------------------------- */

/* YAML that is more than data. True: the event is a node that must be taken as nothing. */
static bool refuse_extras(struct walk *w, const yaml_event_t *e)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	switch (e->type) {
	case YAML_ALIAS_EVENT:
		reader_problem(w, CONF_ERROR, e->start_mark, "aliases are not accepted");
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
		reader_problem(w, CONF_ERROR, e->start_mark, "anchors are not accepted");
	if (tag != NULL)
		reader_problem(w, CONF_ERROR, e->start_mark, "tags are not accepted");
	return false;
}

static void on_document(struct walk *w, const yaml_event_t *e)
{
	if (++w->documents == 1)
		return;
	reader_problem(w, CONF_ERROR, e->start_mark,
		       "a second document begins here; there must be one");
	reader_stop(w, ERR_WIRE);
}

static void on_event(struct walk *w, const yaml_event_t *e)
{
	struct conf_scalar s = {BYTES_NONE, false};

	if (refuse_extras(w, e)) {
		reader_alias(w);
		return;
	}
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		on_document(w, e);
		break;
	case YAML_SCALAR_EVENT:
		s.text = bytes_of(e->data.scalar.value, e->data.scalar.length);
		s.plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
		reader_scalar(w, s, e->start_mark);
		break;
	case YAML_SEQUENCE_START_EVENT:
		reader_container(w, true, e->start_mark);
		break;
	case YAML_MAPPING_START_EVENT:
		reader_container(w, false, e->start_mark);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		reader_container_end(w);
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
		reader_stop(w, ERR_NOMEM);
		return;
	}
	w->path_len = 0; /* the key at hand is not to blame */
	if (y->context == NULL)
		reader_problem(w, CONF_ERROR, y->problem_mark, "YAML: %s%s", y->problem,
			       syntax_hint(y, text));
	else
		reader_problem(w, CONF_ERROR, y->problem_mark,
			       "YAML: %s (%s that began in line %zu)%s", y->problem, y->context,
			       y->context_mark.line + 1, syntax_hint(y, text));
	reader_stop(w, ERR_WIRE);
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
