/*
 * De-identification as the configuration says it: struct conf to struct anon_settings, and the gate
 * opened, with messages that name file, line and key.  Shared by all commands that de-identify.
 */
#ifndef CMD_DEID_SETTINGS_H
#define CMD_DEID_SETTINGS_H

#include "anon/gate.h"
#include "conf/conf.h"

/*
 * What NETRT and its documentation leave open:
 *   - rules.remove_tags and rules.blank_tags are default_tags_to_* where the file does not give
 * them;
 *   - Accession Number loses its value even where no list names it (a rule of the site may keep
 * it);
 *   - what refers to an instance, a study or a frame of reference follows tags_to_regenerate_uid;
 *   - null is what the profile says: options on for research, risky images pass for netrt.
 *
 * Strings are c's; lists are in `a`.  ERR_NOMEM.
 */
enum err deid_settings(struct anon_settings *s, const struct conf *c, struct arena *a) MUST_USE;

/* Are the rules sound?  ERR_UNUSABLE: they name no attribute or contradict each other; *d says
 * where. What is outside of the file (key, map, lists) is not looked at.  ERR_NOMEM. */
enum err deid_check(const struct conf *c, struct arena *a, struct conf_diags *d) MUST_USE;

/* The gate, or false with a message on standard error: EX_CONFIG.  *s must outlive *g. */
bool deid_open(struct anon_gate *g, const struct anon_settings *s, const struct conf *c,
	       struct arena *a) MUST_USE;
/* The same for gate_open_policy. */
bool deid_open_policy(struct anon_gate *g, const struct anon_settings *s, const struct conf *c,
		      struct arena *a) MUST_USE;

/* The configuration at `path`, or the defaults (NULL); false with messages: EX_CONFIG. */
bool deid_load(struct conf *c, const char *path, struct arena *a) MUST_USE;

#endif
