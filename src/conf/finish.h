/*
 * What a configuration must be as a whole, after each key has been checked for itself.
 */
#ifndef CONF_FINISH_H
#define CONF_FINISH_H

#include "conf/conf.h"

/* Puts c->destinations together, and notes in *d what does not go together.  ERR_WIRE: at least one
 * error was noted.  ERR_NOMEM. */
enum err conf_finish(struct conf *c, struct arena *a, struct conf_diags *d) MUST_USE;

#endif
