/*
 * The RT Structure Set of the phantom.
 */
#ifndef PHANTOM_RS_H
#define PHANTOM_RS_H

#include "phantom/ct.h"

/* The whole data set. */
void rs_build(struct build *b, const struct phantom_options *o, const struct phantom_uids *uids,
	      const struct shape *shapes, size_t count, struct phantom_summary *summary);

#endif
