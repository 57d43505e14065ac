/*
 * The one table of what a configuration may say.  Parsing, type and range checks, defaults,
 * duplicate and unknown keys, the printed reference: all of it reads these rows.
 *
 * A row is a key that holds a value.  A section ("anonymization.rules") is not written down: it is
 * whatever stands before a dot in some row.  The keys of the sections in a list
 * ("dicom_destinations[].port") are rows of a table of their own, which the list's row points to.
 */
#ifndef CONF_TABLE_H
#define CONF_TABLE_H

#include "conf/conf.h"

enum conf_kind {
	CONF_BOOL,  /* bool */
	CONF_INT,   /* int, min..max */
	CONF_MILLI, /* int, thousandths of what is written, min..max thousandths */
	CONF_WORD,  /* enum, one of `words`; its 0 where null may be written */
	CONF_TEXT,  /* const char *, min..max characters */
	CONF_LIST,  /* struct conf_list, each item min..max characters */
	CONF_MAPS,  /* struct conf_maps: a list of sections, each with the keys of `maps` */
	CONF_PAIRS  /* struct conf_pairs: a section whose keys are as `form`, min and max say, each
		     * with a text of row `value` */
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
	CONF_WHERE,   /* CONF_TAG, or with x for any digit, or a group alone; a path of them: A>B */
	CONF_UID,     /* PS3.5 9.1 */
	CONF_NETWORK, /* an address, or address/bits; IPv4 or IPv6 */
	CONF_LABEL,   /* A-Z a-z 0-9 . _ -, not beginning with a dot: part of a file's name */
	CONF_STATUS,  /* a DIMSE status, four of 0-9 A-F and x (any digit); stored as C0xx */
	CONF_FORMAT,  /* Python logging's %-format (base/pyformat.h) */
	CONF_SECRET   /* any; never repeated in a message */
};

struct conf_word {
	const char *word; /* compared without regard to case; NULL ends the list */
	int value;        /* a word whose value an earlier one has is a synonym, and not shown */
};

struct conf_key;

/* The sections of a list. */
struct conf_section {
	const struct conf_key *key; /* `count` rows; their paths are "list[].name" */
	size_t count;
	size_t size;                         /* of the struct that one becomes */
	const char *example;                 /* "{ip: 10.0.0.7, ...}" */
	const char *(*fault)(const void *s); /* what is wrong with one as a whole, or NULL */
};

struct conf_key {
	const char *path; /* "dicom_listener.port" */
	enum conf_kind kind;
	enum conf_form form; /* CONF_TEXT, CONF_LIST */
	size_t at;           /* where in struct conf, or in that of the section */
	int min, max;
	const struct conf_word *words;
	const char *fallback; /* default, as in YAML but never quoted; NULL: none */
	bool nullable;        /* CONF_TEXT: null may be written, and is NULL; CONF_WORD: is 0 */
	bool required;        /* of a section in a list: there is no default */
	bool restart;         /* a new value takes effect only when the service starts again */
	const struct conf_list *fallback_list; /* CONF_LIST */
	const struct conf_section *maps;       /* CONF_MAPS */
	const struct conf_key *value;          /* CONF_PAIRS */
	const char *unit;                      /* NULL: none */
	const char *help;                      /* one line */
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

/* The same for the keys of a section in a list, of which only the last name is known. */
const struct conf_key *conf_section_find(const struct conf_section *s, struct bytes name);
bool conf_section_nearest(const struct conf_section *s, struct bytes name,
			  char out[static CONF_PATH_MAX]);

/* "port" of "dicom_listener.port". */
const char *conf_key_name(const struct conf_key *k);

/* What became of a key that NETRT once had, or NULL. */
const char *conf_table_retired(struct bytes path);

/* For the reference: "list of texts"; "1 to 65535", "inclusive or half_open"; "[skull]". */
const char *conf_table_type(const struct conf_key *k);
void conf_table_range(const struct conf_key *k, struct buf *out);
void conf_table_default(const struct conf_key *k, struct buf *out);

#endif
