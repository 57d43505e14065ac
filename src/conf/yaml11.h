/*
 * What a plain (unquoted) YAML scalar is, by the rules of YAML 1.1 as PyYAML applies them, so that
 * a file means here what it meant to NETRT: `no` is false, 010 is eight, 1.0 is a number.
 */
#ifndef CONF_YAML11_H
#define CONF_YAML11_H

#include "base/bytes.h"

enum yaml11 {
	YAML11_TEXT,
	YAML11_NULL,
	YAML11_BOOL,
	YAML11_INT,   /* plain decimal */
	YAML11_ODD,   /* an integer not in plain decimal: octal, 0x, 0b, 1_000, 12:30 */
	YAML11_FLOAT, /* of any notation */
	YAML11_DATE,
	YAML11_MERGE /* << */
};

enum yaml11 yaml11_of(struct bytes plain);

/* With YAML11_BOOL only. */
bool yaml11_true(struct bytes plain);

#endif
