/*
 * Is a file text that YAML can hold at all?
 */
#ifndef CONF_TEXT_H
#define CONF_TEXT_H

#include "conf/conf.h"

/* What is wrong with it, a literal, and where; or NULL, and *at is its end. */
const char *conf_text_fault(struct bytes s, struct conf_mark *at);

#endif
