/*
 * What the configuration says of single attributes, compiled.  Only policy.c needs it.
 */
#ifndef ANON_RULES_H
#define ANON_RULES_H

#include "anon/policy.h"

/* A compiled rule, of the site or of NETRT. */
struct rule {
	uint32_t tag, mask;
	const uint32_t *path; /* arena's; the sequences around it, outermost first */
	unsigned depth;
	enum anon_act act;
	enum anon_origin origin;
	struct bytes value;
	const char *where; /* as configured */
};

struct rules {
	struct rule *rule; /* arena's; the most specific first, NETRT's after the site's */
	size_t count;
};

/* ERR_UNUSABLE and *problem: a rule that names no attribute, or contradicts another one. ERR_NOMEM.
 */
enum err rules_make(struct rules *p, const struct anon_settings *settings, struct arena *a,
		    struct policy_problem *problem, struct fault *f) MUST_USE;
/* The one that decides here, or NULL. */
const struct rule *rules_find(const struct rules *p, const struct anon_place *at);
/* Does the site keep anything of the block that this private creator reserves? */
bool rules_keep_block(const struct rules *p, uint32_t creator);

#endif
