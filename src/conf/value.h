/*
 * One value: a scalar as it stands in the file, checked against its row of the table and put into
 * struct conf.
 */
#ifndef CONF_VALUE_H
#define CONF_VALUE_H

#include "conf/table.h"

struct conf_scalar {
	struct bytes text; /* UTF-8, quotes and escapes already undone */
	bool plain;        /* without quotes: YAML gives it a type by its looks */
};

enum conf_set {
	CONF_SET_OK,
	CONF_SET_EMPTY, /* null, and the row has no null: the default stays */
	CONF_SET_WRONG, /* `why` says it, *c untouched */
	CONF_SET_NOMEM
};

struct conf_why {
	char text[800];
};

void conf_why_say(struct conf_why *why, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Values go `into` a struct conf, or the struct of a list's section, wherever the row says. */

/* A scalar for any row but CONF_LIST, CONF_MAPS and CONF_PAIRS. */
enum conf_set conf_value_set(void *into, const struct conf_key *k, struct conf_scalar s,
			     struct arena *a, struct conf_why *why) MUST_USE;

/* A text, an item of a list, or a key of CONF_PAIRS. */
enum conf_set conf_value_text(const char **out, const struct conf_key *k, struct conf_scalar s,
			      struct arena *a, struct conf_why *why) MUST_USE;

/* The row's default; nothing where it has none (`required`). */
enum conf_set conf_value_default(void *into, const struct conf_key *k, struct arena *a) MUST_USE;

void conf_value_set_list(void *into, const struct conf_key *k, struct conf_list list);
void conf_value_set_maps(void *into, const struct conf_key *k, struct conf_maps maps);
void conf_value_set_pairs(void *into, const struct conf_key *k, struct conf_pairs pairs);

bool conf_value_same(const void *p, const void *q, const struct conf_key *k);

/* For a message: at most 40 bytes or so, in quotes, nothing in it unescaped; valid until four more
 * calls. */
const char *conf_quote(struct bytes s);

#endif
