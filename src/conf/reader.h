/*
 * Where values go: the part of reading that knows the table, and nothing of events.
 *
 * Where we are in the file is a stack of open mappings and lists (`frame`), the dotted path of the
 * mapping on top, and, when a key has been read, where its value will go (`target`).  A value that
 * goes nowhere (an unknown key, a wrong shape, a duplicate) is walked over with nothing but a depth
 * count (`skipped`).
 *
 * Work is bounded: a key costs a look through the names seen in its mapping, and every name that is
 * not in the table adds a problem, of which LIMIT_CONFIG_DIAGS end the reading.
 */
#ifndef CONF_READER_H
#define CONF_READER_H

#include <yaml.h>

#include "conf/table.h"
#include "conf/value.h"

/* A key that was read in a mapping, for finding it a second time. */
struct name {
	struct bytes text;
	unsigned line;
	struct name *next;
};

struct item {
	const void *value;   /* a text, or the struct of a section, or a struct conf_pair */
	struct conf_mark at; /* where it begins */
	struct item *next;
};

enum target {
	TARGET_KEY,     /* no value is due, a key is */
	TARGET_SECTION, /* of the path in w->path */
	TARGET_VALUE,   /* of row w->key */
	TARGET_PAIR,    /* of w->pair */
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

	/* list, or the mapping of a CONF_PAIRS row */
	const struct conf_key *key; /* NULL: neither */
	struct item *items;         /* newest first */
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
	struct conf_pair *pair;
	unsigned documents;
	struct conf_mark end; /* of the text */

	enum err failed; /* not OK: stop */
};

/* What the parser meets, in the order of the file. */
void reader_scalar(struct walk *w, struct conf_scalar s, yaml_mark_t at);
void reader_container(struct walk *w, bool is_list, yaml_mark_t at);
void reader_container_end(struct walk *w);
void reader_alias(struct walk *w); /* refused already */

/* Note something about the key at hand. */
void reader_problem(struct walk *w, enum conf_severity severity, yaml_mark_t at, const char *fmt,
		    ...) PRINTF_LIKE(4, 5);
void reader_stop(struct walk *w, enum err e);

#endif
