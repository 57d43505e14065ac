/*
 * Collecting what is wrong with a configuration.
 */
#ifndef CONF_DIAG_H
#define CONF_DIAG_H

#include "conf/conf.h"

/* Room for one more, not counting the last place, which is kept for "too many". */
bool conf_diags_full(const struct conf_diags *d);

/* Strings are copied into `a`; false when that is full.  `d` must not be full.  `key` may be empty.
 */
bool conf_diags_add(struct conf_diags *d, struct arena *a, enum conf_severity severity,
		    struct conf_mark at, struct bytes key, const char *reason) MUST_USE;

/* Takes the last place; `reason` must be a literal.  Nothing happens when even that is taken. */
void conf_diags_end(struct conf_diags *d, struct conf_mark at, const char *reason);

#endif
