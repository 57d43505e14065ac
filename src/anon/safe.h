/*
 * The list of private attributes that are known to be safe (PS3.15 E.3.10), as a file:
 *
 *     # creator          group  element (low byte)
 *     "SIEMENS MED NM"   0033   10
 */
#ifndef ANON_SAFE_H
#define ANON_SAFE_H

#include "anon/policy.h"

/* Entries are in `a`.  ERR_WIRE with the line in f->at. */
enum err safe_parse(struct bytes text, struct anon_safe **out, size_t *count, struct arena *a,
		    struct fault *f) MUST_USE;

#endif
