/*
 * The one table of what a configuration may say.  Parsing, type and range checks, defaults,
 * duplicate and unknown keys, the printed reference: all of it reads these rows.
 *
 * A row is a key that holds a value.  A section ("anonymization.rules") is not written down: it is
 * whatever stands before a dot in some row.
 */
#ifndef CONF_TABLE_H
#define CONF_TABLE_H

#include "conf/conf.h"

enum conf_kind {
	CONF_BOOL,  /* bool */
	CONF_INT,   /* int, min..max */
	CONF_MILLI, /* int, thousandths of what is written, min..max thousandths */
	CONF_WORD,  /* enum, one of `words` */
	CONF_TEXT,  /* const char *, min..max characters */
	CONF_LIST   /* struct conf_list, each item min..max characters */
};

/* What characters a text, or an item of a list, may hold. None holds control characters. */
enum conf_form {
	CONF_FREE,     /* any */
	CONF_LINES,    /* any, and line feeds */
	CONF_AE,       /* PS3.5 AE: ASCII, no backslash; stored without padding */
	CONF_LO,       /* PS3.5 LO and SH: no backslash */
	CONF_TEMPLATE, /* CONF_LO with at most one "{}"; "{{" and "}}" for the braces themselves */
	CONF_ID,       /* part of a PN and an LO at once: no \ ^ = */
	CONF_PN,       /* no backslash */
	CONF_HOST,     /* an address or a host name */
	CONF_PATH,     /* "~/" is expanded */
	CONF_NAME,     /* one path component */
	CONF_TAG,      /* keyword, or gggg,eeee in hexadecimal, parentheses allowed */
	CONF_SECRET    /* any; never repeated in a message */
};

struct conf_word {
	const char *word; /* compared without regard to case; NULL ends the list */
	int value;        /* a word whose value an earlier one has is a synonym, and not shown */
};

struct conf_key {
	const char *path; /* "dicom_listener.port" */
	enum conf_kind kind;
	enum conf_form form; /* CONF_TEXT, CONF_LIST */
	size_t at;           /* where in struct conf */
	int min, max;
	const struct conf_word *words;
	const char *fallback; /* default, as in YAML but never quoted; NULL: none */
	bool nullable;        /* CONF_TEXT: null may be written, and is NULL */
	const struct conf_list *fallback_list; /* CONF_LIST */
	const char *unbuilt; /* CONF_BOOL: what this version cannot do yet when true */
	const char *unit;    /* NULL: none */
	const char *help;    /* one line */
};

extern const struct conf_key conf_table[];
extern const size_t conf_table_count;

#define CONF_PATH_MAX 96 /* no path in the table is longer */

/* Row of this path, or conf_table_count. */
size_t conf_table_find(struct bytes path);
/* Is it what stands before a dot in some row? */
bool conf_table_is_section(struct bytes path);

/*
 * The nearest valid key or section to an unknown one: a slip of the pen in the same section, or the
 * right name in the wrong one.  Written to `out` as a full path; false when nothing is near.
 */
bool conf_table_nearest(struct bytes path, char out[static CONF_PATH_MAX]);

/* What became of a key that NETRT once had, or NULL. */
const char *conf_table_retired(struct bytes path);

/* For the reference: "list of texts"; "1 to 65535", "inclusive or half_open"; "[skull]". */
const char *conf_table_type(const struct conf_key *k);
void conf_table_range(const struct conf_key *k, struct buf *out);
void conf_table_default(const struct conf_key *k, struct buf *out);

#endif
